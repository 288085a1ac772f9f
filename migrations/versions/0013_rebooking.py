"""rebooking: first refusal on the own stand

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "first_refusal",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("booth_id", ID, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state in ('open', 'taken', 'waived', 'expired')", name=op.f("ck_first_refusal_state")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_first_refusal_edition_id_edition"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["participation_id"], ["participation.id"], name=op.f("fk_first_refusal_participation_id_participation"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_first_refusal_booth_id_booth"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_refusal")),
    )
    op.create_index(
        "uq_first_refusal_open_booth",
        "first_refusal",
        ["booth_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_first_refusal_participation_id"), "first_refusal", ["participation_id"])


def downgrade() -> None:
    op.drop_table("first_refusal")
