"""ownership of companies and the public pool, calls and visits, agents

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, JsonDict, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "call_result",
        sa.Column("id", BIG, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("next_kind", sa.String(length=60), nullable=False),
        sa.Column("next_days", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.CheckConstraint("next_kind in ('', 'call', 'mail', 'visit', 'task')", name=op.f("ck_call_result_next_kind")),
        sa.CheckConstraint("next_days between 0 and 366", name=op.f("ck_call_result_next_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_result")),
        sa.UniqueConstraint("code", name=op.f("uq_call_result_code")),
    )
    op.create_table(
        "ownership_rule",
        sa.Column("id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("province", sa.String(length=60), nullable=False),
        sa.Column("industry", sa.String(length=300), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("user_ids", JsonDict, nullable=False),
        sa.Column("dealt", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("dealt >= 0", name=op.f("ck_ownership_rule_dealt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership_rule")),
    )
    op.create_table(
        "ownership_settings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("show_id", BIG, nullable=False),
        sa.Column("pool_days", sa.Integer(), nullable=False),
        sa.Column("warn_days", sa.Integer(), nullable=False),
        sa.Column("exempt_key", sa.Boolean(), nullable=False),
        sa.Column("exempt_open", sa.Boolean(), nullable=False),
        sa.Column("contact_days", sa.Integer(), nullable=False),
        sa.Column("opportunity_days", sa.Integer(), nullable=False),
        sa.Column("claims_per_day", sa.Integer(), nullable=False),
        sa.Column("claims_total", sa.Integer(), nullable=False),
        sa.Column("wait_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "pool_days >= 0 and warn_days >= 0 and contact_days >= 0 and opportunity_days >= 0 and claims_per_day >= 0 and claims_total >= 0 and wait_days >= 0",
            name=op.f("ck_ownership_settings_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["show_id"], ["show.id"], name=op.f("fk_ownership_settings_show_id_show"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership_settings")),
        sa.UniqueConstraint("show_id", name=op.f("uq_ownership_settings_show_id")),
    )
    op.create_table(
        "agent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("show_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("person_id", BIG, nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("countries", JsonDict, nullable=False),
        sa.Column("provinces", JsonDict, nullable=False),
        sa.Column("sectors", JsonDict, nullable=False),
        sa.Column("rate", Amount(2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("rate >= 0", name=op.f("ck_agent_rate")),
        sa.CheckConstraint("valid_until is null or valid_from <= valid_until", name=op.f("ck_agent_days_in_order")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_agent_company_id_company")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_agent_person_id_person"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_agent_show_id_show"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
    )
    with op.batch_alter_table("agent") as batch:
        batch.create_index(op.f("ix_agent_company_id"), ["company_id"], unique=False)
        batch.create_index(op.f("ix_agent_show_id"), ["show_id"], unique=False)
    op.create_table(
        "call_script",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=True),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "purpose in ('new', 'rebooking', 'won_back', 'visitor', 'service', 'other')",
            name=op.f("ck_call_script_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_call_script_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_script")),
    )
    with op.batch_alter_table("call_script") as batch:
        batch.create_index(op.f("ix_call_script_edition_id"), ["edition_id"], unique=False)
    op.create_table(
        "ownership_log",
        sa.Column("id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("from_id", BIG, nullable=True),
        sa.Column("to_id", BIG, nullable=True),
        sa.Column("why", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", BIG, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "why in ('assign', 'claim', 'return', 'transfer', 'merge', 'rule')", name=op.f("ck_ownership_log_why")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_ownership_log_by_id_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_ownership_log_company_id_company"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["from_id"], ["user.id"], name=op.f("fk_ownership_log_from_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["user.id"], name=op.f("fk_ownership_log_to_id_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership_log")),
    )
    with op.batch_alter_table("ownership_log") as batch:
        batch.create_index(op.f("ix_ownership_log_company_id_at"), ["company_id", "at"], unique=False)
        batch.create_index(op.f("ix_ownership_log_to_id_why_at"), ["to_id", "why", "at"], unique=False)
    op.create_table(
        "agent_account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("protected_until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_agent_account_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_agent_account_company_id_company"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_account")),
        sa.UniqueConstraint("agent_id", "company_id", name=op.f("uq_agent_account_agent_id_company_id")),
    )
    with op.batch_alter_table("agent_account") as batch:
        batch.create_index(op.f("ix_agent_account_company_id"), ["company_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("number", sa.String(length=60), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", Amount(2), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("made_by", BIG, nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", BIG, nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'draft') = (number is null)", name=op.f("ck_settlement_numbered_when_approved")),
        sa.CheckConstraint("state in ('draft', 'approved', 'paid')", name=op.f("ck_settlement_state")),
        sa.CheckConstraint("period_from <= period_to", name=op.f("ck_settlement_days_in_order")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_settlement_agent_id_agent")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["user.id"], name=op.f("fk_settlement_approved_by_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["made_by"], ["user.id"], name=op.f("fk_settlement_made_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("number", name=op.f("uq_settlement_number")),
    )
    with op.batch_alter_table("settlement") as batch:
        batch.create_index(op.f("ix_settlement_agent_id"), ["agent_id"], unique=False)
        batch.create_index(
            "uq_settlement_one_draft",
            ["agent_id", "currency"],
            unique=True,
            sqlite_where=sa.text("state = 'draft'"),
            postgresql_where=sa.text("state = 'draft'"),
        )
    op.create_table(
        "commission_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("settlement_id", BIG, nullable=False),
        sa.Column("contract_id", BIG, nullable=False),
        sa.Column("paid_net", Amount(2), nullable=False),
        sa.Column("base", Amount(2), nullable=False),
        sa.Column("rate", Amount(2), nullable=False),
        sa.Column("earned", Amount(2), nullable=False),
        sa.Column("settled_before", Amount(2), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.Column("storno", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_commission_line_contract_id_contract")),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["settlement.id"],
            name=op.f("fk_commission_line_settlement_id_settlement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_line")),
        sa.UniqueConstraint("settlement_id", "contract_id", name=op.f("uq_commission_line_settlement_id_contract_id")),
    )
    with op.batch_alter_table("commission_line") as batch:
        batch.create_index(op.f("ix_commission_line_contract_id"), ["contract_id"], unique=False)
    with op.batch_alter_table("activity") as batch:
        batch.add_column(sa.Column("result_code", sa.String(length=60), nullable=False, server_default=""))
        batch.add_column(sa.Column("duration_s", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("place", sa.String(length=300), nullable=False, server_default=""))
        batch.create_index(op.f("ix_activity_done_at_owner_id"), ["done_at", "owner_id"], unique=False)
    with op.batch_alter_table("company") as batch:
        batch.add_column(sa.Column("owner_since", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("protected_until", sa.Date(), nullable=True))
        batch.add_column(sa.Column("pool_since", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("pool_warned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("company") as batch:
        batch.drop_column("pool_warned_at")
        batch.drop_column("pool_since")
        batch.drop_column("protected_until")
        batch.drop_column("owner_since")
    with op.batch_alter_table("activity") as batch:
        batch.drop_index(op.f("ix_activity_done_at_owner_id"))
        batch.drop_column("place")
        batch.drop_column("duration_s")
        batch.drop_column("result_code")
    with op.batch_alter_table("commission_line") as batch:
        batch.drop_index(op.f("ix_commission_line_contract_id"))
    op.drop_table("commission_line")
    with op.batch_alter_table("settlement") as batch:
        batch.drop_index(
            "uq_settlement_one_draft",
            sqlite_where=sa.text("state = 'draft'"),
            postgresql_where=sa.text("state = 'draft'"),
        )
        batch.drop_index(op.f("ix_settlement_agent_id"))
    op.drop_table("settlement")
    with op.batch_alter_table("agent_account") as batch:
        batch.drop_index(op.f("ix_agent_account_company_id"))
    op.drop_table("agent_account")
    with op.batch_alter_table("ownership_log") as batch:
        batch.drop_index(op.f("ix_ownership_log_to_id_why_at"))
        batch.drop_index(op.f("ix_ownership_log_company_id_at"))
    op.drop_table("ownership_log")
    with op.batch_alter_table("call_script") as batch:
        batch.drop_index(op.f("ix_call_script_edition_id"))
    op.drop_table("call_script")
    with op.batch_alter_table("agent") as batch:
        batch.drop_index(op.f("ix_agent_show_id"))
        batch.drop_index(op.f("ix_agent_company_id"))
    op.drop_table("agent")
    op.drop_table("ownership_settings")
    op.drop_table("ownership_rule")
    op.drop_table("call_result")
