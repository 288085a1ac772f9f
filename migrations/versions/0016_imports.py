"""imports: fields that overwrite, remembered mappings, what a load changed

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "'uploaded', 'mapped', 'previewed', 'loading', 'done', 'failed'"


def upgrade() -> None:
    op.create_table(
        "import_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("rows", JsonDict, nullable=False),
        sa.CheckConstraint("kind in ('insert', 'update')", name=op.f("ck_import_change_kind")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_change_batch_id_import_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_change")),
    )
    op.create_index(op.f("ix_import_change_batch_id_position"), "import_change", ["batch_id", "position"])
    op.create_table(
        "import_mapping",
        sa.Column("id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("mapping", JsonDict, nullable=False),
        sa.Column("replace", JsonDict, nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.Column("used_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["used_by"], ["user.id"], name=op.f("fk_import_mapping_used_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_import_mapping_fingerprint")),
    )
    with op.batch_alter_table("import_batch") as batch:
        batch.add_column(sa.Column("replace", JsonDict, nullable=False, server_default=sa.text("'[]'")))
        batch.drop_constraint(op.f("ck_import_batch_state"), type_="check")
        batch.create_check_constraint(op.f("ck_import_batch_state"), f"state in ({STATES}, 'rolled_back')")


def downgrade() -> None:
    op.execute("update import_batch set state = 'done' where state = 'rolled_back'")
    with op.batch_alter_table("import_batch") as batch:
        batch.drop_constraint(op.f("ck_import_batch_state"), type_="check")
        batch.create_check_constraint(op.f("ck_import_batch_state"), f"state in ({STATES})")
        batch.drop_column("replace")
    op.drop_table("import_mapping")
    op.drop_table("import_change")
