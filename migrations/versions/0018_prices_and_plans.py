"""contracts and quotes know their price list and day, plans of one contract with dates, tax of an order, neighbours agreed upon

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIST = ["price_list_id"], ["id"]


def upgrade() -> None:
    with op.batch_alter_table("contract") as batch:
        batch.add_column(sa.Column("net_home", Amount(2), nullable=False, server_default="0"))
        batch.add_column(sa.Column("discount", Amount(2), nullable=False, server_default="0"))
        batch.add_column(sa.Column("price_list_id", ID, nullable=True))
        batch.add_column(sa.Column("priced_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("price_reason", sa.String(length=300), nullable=False, server_default=""))
        batch.create_foreign_key(op.f("fk_contract_price_list_id_price_list"), "price_list", *LIST, ondelete="SET NULL")
    op.execute("update contract set net_home = net")  # every contract so far was in its edition's currency
    with op.batch_alter_table("quote") as batch:
        batch.add_column(sa.Column("price_list_id", ID, nullable=True))
        batch.add_column(sa.Column("priced_on", sa.Date(), nullable=True))
        batch.create_foreign_key(op.f("fk_quote_price_list_id_price_list"), "price_list", *LIST, ondelete="SET NULL")
    with op.batch_alter_table("order_line") as batch:
        batch.add_column(sa.Column("tax_rate", Amount(4), nullable=True))
    with op.batch_alter_table("plan_step") as batch:
        batch.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch.drop_constraint(op.f("ck_plan_step_due_from"), type_="check")
        batch.create_check_constraint(op.f("ck_plan_step_due_from"), "due_from in ('signing', 'opening', 'date')")
        batch.create_check_constraint(op.f("ck_plan_step_date_given"), "due_from <> 'date' or due_on is not null")
    op.create_table(
        "neighbour_exception",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("booth_id", ID, nullable=False),
        sa.Column("near_id", ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("accepted_by_id", ID, nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("booth_id <> near_id", name=op.f("ck_neighbour_exception_two")),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["neighbour_rule.id"], name=op.f("fk_neighbour_exception_rule_id_neighbour_rule"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_neighbour_exception_booth_id_booth"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["near_id"], ["booth.id"], name=op.f("fk_neighbour_exception_near_id_booth"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"], ["user.id"], name=op.f("fk_neighbour_exception_accepted_by_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_neighbour_exception")),
        sa.UniqueConstraint("rule_id", "booth_id", "near_id", name=op.f("uq_neighbour_exception_rule_id_booth_id_near_id")),
    )
    op.create_index(op.f("ix_neighbour_exception_booth_id"), "neighbour_exception", ["booth_id"])
    op.create_index(op.f("ix_neighbour_exception_near_id"), "neighbour_exception", ["near_id"])


def downgrade() -> None:
    op.drop_table("neighbour_exception")
    op.execute("delete from plan_step where due_from = 'date'")
    with op.batch_alter_table("plan_step") as batch:
        batch.drop_constraint(op.f("ck_plan_step_date_given"), type_="check")
        batch.drop_constraint(op.f("ck_plan_step_due_from"), type_="check")
        batch.create_check_constraint(op.f("ck_plan_step_due_from"), "due_from in ('signing', 'opening')")
        batch.drop_column("due_on")
    with op.batch_alter_table("order_line") as batch:
        batch.drop_column("tax_rate")
    with op.batch_alter_table("quote") as batch:
        batch.drop_constraint(op.f("fk_quote_price_list_id_price_list"), type_="foreignkey")
        batch.drop_column("priced_on")
        batch.drop_column("price_list_id")
    with op.batch_alter_table("contract") as batch:
        batch.drop_constraint(op.f("fk_contract_price_list_id_price_list"), type_="foreignkey")
        for name in ("price_reason", "priced_on", "price_list_id", "discount", "net_home"):
            batch.drop_column(name)
