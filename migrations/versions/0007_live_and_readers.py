"""live and readers

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scan_hour",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("counts", JsonDict, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_scan_hour_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_hour")),
        sa.UniqueConstraint("edition_id", "hour", name=op.f("uq_scan_hour_edition_id_hour")),
    )
    op.create_table(
        "hand_tally",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("delta <> 0 and delta between -1000 and 1000", name=op.f("ck_hand_tally_delta")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_hand_tally_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_hand_tally_user_id_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_tally")),
    )
    op.create_index(op.f("ix_hand_tally_edition_id_local_day_zone"), "hand_tally", ["edition_id", "local_day", "zone"])
    op.create_table(
        "capacity_alarm",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("level between 1 and 100", name=op.f("ck_capacity_alarm_level")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_capacity_alarm_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capacity_alarm")),
    )
    op.create_index(
        "uq_capacity_alarm_open",
        "capacity_alarm",
        ["edition_id", "zone", "local_day", "level"],
        unique=True,
        sqlite_where=sa.text("cleared_at is null"),
        postgresql_where=sa.text("cleared_at is null"),
    )


def downgrade() -> None:
    op.drop_table("capacity_alarm")
    op.drop_table("hand_tally")
    op.drop_table("scan_hour")
