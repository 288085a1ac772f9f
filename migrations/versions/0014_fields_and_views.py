"""saved views of lists, custom fields of companies and people

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("list_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_saved_view_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("user_id", "list_id", "name", name=op.f("uq_saved_view_user_id_list_id_name")),
    )
    op.create_index(op.f("ix_saved_view_list_id"), "saved_view", ["list_id"])
    op.create_table(
        "custom_field",
        sa.Column("id", ID, nullable=False),
        sa.Column("entity", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("label_zh", sa.String(length=300), nullable=False),
        sa.Column("label_en", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("choices", JsonDict, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("entity in ('company', 'person')", name=op.f("ck_custom_field_entity")),
        sa.CheckConstraint("kind in ('text', 'number', 'date', 'choice', 'check', 'formula')", name=op.f("ck_custom_field_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("entity", "key", name=op.f("uq_custom_field_entity_key")),
    )
    for table in ("company", "person"):
        op.add_column(table, sa.Column("custom", JsonDict, nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    for table in ("company", "person"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("custom")
    op.drop_table("custom_field")
    op.drop_table("saved_view")
