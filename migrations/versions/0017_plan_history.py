"""hall plan: history of booths, and booths that were merged or split

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("booth") as batch:
        batch.add_column(sa.Column("retired_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("merged_into_id", ID, nullable=True))
        batch.add_column(sa.Column("split_from_id", ID, nullable=True))
        batch.create_foreign_key(op.f("fk_booth_merged_into_id_booth"), "booth", ["merged_into_id"], ["id"], ondelete="SET NULL")
        batch.create_foreign_key(op.f("fk_booth_split_from_id_booth"), "booth", ["split_from_id"], ["id"], ondelete="SET NULL")
        batch.create_check_constraint(op.f("ck_booth_retired_is_blocked"), "retired_at is null or state = 'blocked'")
        batch.drop_constraint(op.f("uq_booth_edition_id_code_key"), type_="unique")
    in_use = sa.text("retired_at is null")
    op.create_index(
        "uq_booth_code_in_use", "booth", ["edition_id", "code_key"], unique=True, sqlite_where=in_use, postgresql_where=in_use
    )
    op.create_table(
        "booth_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("booth_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("before", JsonDict, nullable=False),
        sa.Column("after", JsonDict, nullable=False),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("undoes", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_booth_event_edition_id_edition"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_booth_event_booth_id_booth"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_booth_event_user_id_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_event")),
    )
    op.create_index(op.f("ix_booth_event_booth_id"), "booth_event", ["booth_id"])
    op.create_index(op.f("ix_booth_event_step"), "booth_event", ["step"])


def downgrade() -> None:
    op.drop_table("booth_event")
    # What was retired is no longer on the plan; its code may stand there again. Old contracts still name the row, so it stays.
    op.execute("update booth set code_key = code_key || '~' || id where retired_at is not null")
    op.drop_index("uq_booth_code_in_use", table_name="booth")
    with op.batch_alter_table("booth") as batch:
        batch.drop_constraint(op.f("ck_booth_retired_is_blocked"), type_="check")
        batch.drop_constraint(op.f("fk_booth_merged_into_id_booth"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_booth_split_from_id_booth"), type_="foreignkey")
        batch.drop_column("split_from_id")
        batch.drop_column("merged_into_id")
        batch.drop_column("retired_at")
        batch.create_unique_constraint(op.f("uq_booth_edition_id_code_key"), ["edition_id", "code_key"])
