"""imports in portions: the file in parts, what its survey found, rows by company; jobs that say they live; lost to whom

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "'uploaded', 'mapped', 'previewed', 'loading', 'done', 'failed', 'rolled_back'"
PART = 1024 * 1024

batches = sa.table("import_batch", sa.column("id", ID), sa.column("data", sa.LargeBinary), sa.column("state", sa.String))
parts = sa.table("import_part", sa.column("batch_id", ID), sa.column("number", sa.Integer), sa.column("data", sa.LargeBinary))
rows = sa.table(
    "import_row", sa.column("id", ID), sa.column("batch_id", ID), sa.column("detail", JsonDict), sa.column("match_line", sa.Integer)
)


def upgrade() -> None:
    op.create_table(
        "import_part",
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_part_batch_id_import_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_import_part")),
    )
    connection = op.get_bind()
    for (key,) in connection.execute(sa.select(batches.c.id).where(batches.c.data.is_not(None))).all():
        data = connection.scalar(sa.select(batches.c.data).where(batches.c.id == key)) or b""
        for number, start in enumerate(range(0, len(data), PART)):
            connection.execute(sa.insert(parts).values(batch_id=key, number=number, data=data[start : start + PART]))
    with op.batch_alter_table("import_batch") as batch:
        batch.add_column(sa.Column("survey", JsonDict, nullable=False, server_default=sa.text("'{}'")))
        batch.drop_column("data")
        batch.drop_constraint(op.f("ck_import_batch_state"), type_="check")
        batch.create_check_constraint(op.f("ck_import_batch_state"), f"state in ({STATES}, 'reading', 'rolling_back')")
    with op.batch_alter_table("import_row") as batch:
        batch.add_column(sa.Column("match_line", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("head", sa.Integer(), nullable=True))
        batch.create_index(op.f("ix_import_row_batch_id_head"), ["batch_id", "head"])
        batch.create_index(op.f("ix_import_row_company_id"), ["company_id"])
    waiting = sa.select(rows.c.id, rows.c.detail).where(
        rows.c.batch_id.in_(sa.select(batches.c.id).where(batches.c.state == "previewed"))
    )
    for key, detail in connection.execute(waiting).all():
        if line := (detail or {}).get("match", {}).get("line"):
            connection.execute(sa.update(rows).where(rows.c.id == key).values(match_line=line))
    # What goes is looked for in every table that may point to it; these two are long.
    op.create_index(op.f("ix_participation_host_id"), "participation", ["host_id"])
    op.create_index(op.f("ix_activity_person_id"), "activity", ["person_id"])
    with op.batch_alter_table("job") as batch:
        batch.add_column(sa.Column("beat_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("opportunity") as batch:
        batch.add_column(sa.Column("lost_to_id", ID, nullable=True))
        batch.create_foreign_key(
            op.f("fk_opportunity_lost_to_id_competitor_show"), "competitor_show", ["lost_to_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("opportunity") as batch:
        batch.drop_constraint(op.f("fk_opportunity_lost_to_id_competitor_show"), type_="foreignkey")
        batch.drop_column("lost_to_id")
    with op.batch_alter_table("job") as batch:
        batch.drop_column("beat_at")
    op.drop_index(op.f("ix_activity_person_id"), table_name="activity")
    op.drop_index(op.f("ix_participation_host_id"), table_name="participation")
    with op.batch_alter_table("import_row") as batch:
        batch.drop_index(op.f("ix_import_row_company_id"))
        batch.drop_index(op.f("ix_import_row_batch_id_head"))
        batch.drop_column("head")
        batch.drop_column("match_line")
    connection = op.get_bind()
    op.execute("update import_batch set state = 'uploaded' where state = 'reading'")
    op.execute("update import_batch set state = 'done' where state = 'rolling_back'")
    with op.batch_alter_table("import_batch") as batch:
        batch.add_column(sa.Column("data", sa.LargeBinary(), nullable=True))
        batch.drop_column("survey")
        batch.drop_constraint(op.f("ck_import_batch_state"), type_="check")
        batch.create_check_constraint(op.f("ck_import_batch_state"), f"state in ({STATES})")
    for (key,) in connection.execute(sa.select(parts.c.batch_id).distinct()).all():
        pieces = connection.scalars(sa.select(parts.c.data).where(parts.c.batch_id == key).order_by(parts.c.number))
        connection.execute(sa.update(batches).where(batches.c.id == key).values(data=b"".join(pieces)))
    op.drop_table("import_part")
