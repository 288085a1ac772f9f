"""pipeline

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("opportunity") as batch:
        batch.add_column(sa.Column("agent", sa.String(length=300), nullable=False, server_default=""))
    op.create_table(
        "stage_weight",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("percent", Amount(2), nullable=False),
        sa.Column("limit_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("limit_days between 0 and 1000", name=op.f("ck_stage_weight_limit_days")),
        sa.CheckConstraint("percent >= 0", name=op.f("ck_stage_weight_percent")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_stage_weight_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_weight")),
        sa.UniqueConstraint("edition_id", "stage", name=op.f("uq_stage_weight_edition_id_stage")),
    )
    op.create_table(
        "sales_team",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_team")),
        sa.UniqueConstraint("name", name=op.f("uq_sales_team_name")),
    )
    op.create_table(
        "sales_team_member",
        sa.Column("id", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["sales_team.id"], name=op.f("fk_sales_team_member_team_id_sales_team"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sales_team_member_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_team_member")),
        sa.UniqueConstraint("user_id", name=op.f("uq_sales_team_member_user_id")),
    )
    op.create_index(op.f("ix_sales_team_member_team_id"), "sales_team_member", ["team_id"], unique=False)
    op.create_table(
        "sales_target",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("m2", Amount(2), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.Column("companies", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("m2 >= 0 and amount >= 0 and companies >= 0", name=op.f("ck_sales_target_not_negative")),
        sa.CheckConstraint("scope in ('edition', 'person', 'team', 'agent', 'sector', 'hall')", name=op.f("ck_sales_target_scope")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_sales_target_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_target")),
        sa.UniqueConstraint("edition_id", "scope", "key", name=op.f("uq_sales_target_edition_id_scope_key")),
    )
    op.create_table(
        "competitor_show",
        sa.Column("id", BIG, nullable=False),
        sa.Column("show_id", BIG, nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("city", sa.String(length=300), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("url", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("ends_on is null or starts_on is null or ends_on >= starts_on", name=op.f("ck_competitor_show_days_in_order")),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_competitor_show_show_id_show"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competitor_show")),
    )
    op.create_table(
        "competitor_presence",
        sa.Column("id", BIG, nullable=False),
        sa.Column("competitor_show_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("stand", sa.String(length=300), nullable=False),
        sa.Column("m2", Amount(2), nullable=True),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.CheckConstraint("m2 is null or m2 > 0", name=op.f("ck_competitor_presence_m2")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_competitor_presence_company_id_company"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["competitor_show_id"], ["competitor_show.id"], name=op.f("fk_competitor_presence_competitor_show_id_competitor_show"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competitor_presence")),
        sa.UniqueConstraint("competitor_show_id", "company_id", name=op.f("uq_competitor_presence_competitor_show_id_company_id")),
    )
    op.create_index(op.f("ix_competitor_presence_company_id"), "competitor_presence", ["company_id"], unique=False)
    op.create_table(
        "quote",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("opportunity_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net_m2", Amount(2), nullable=False),
        sa.Column("discount", Amount(2), nullable=False),
        sa.Column("net", Amount(2), nullable=False),
        sa.Column("tax_rate", Amount(4), nullable=False),
        sa.Column("tax", Amount(2), nullable=False),
        sa.Column("total", Amount(2), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", BIG, nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("contract_id", BIG, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("discount >= 0", name=op.f("ck_quote_discount")),
        sa.CheckConstraint("state in ('draft', 'sent', 'accepted', 'declined', 'expired', 'replaced')", name=op.f("ck_quote_state")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_quote_contract_id_contract"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_quote_created_by_id_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_quote_edition_id_edition")),
        sa.ForeignKeyConstraint(["opportunity_id"], ["opportunity.id"], name=op.f("fk_quote_opportunity_id_opportunity"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        sa.UniqueConstraint("number", "revision", name=op.f("uq_quote_number_revision")),
    )
    op.create_index(op.f("ix_quote_edition_id_state"), "quote", ["edition_id", "state"], unique=False)
    op.create_index(op.f("ix_quote_opportunity_id"), "quote", ["opportunity_id"], unique=False)
    op.create_table(
        "quote_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("quote_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("booth_id", BIG, nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("m2", Amount(2), nullable=True),
        sa.Column("text_zh", sa.String(length=300), nullable=False),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_quote_line_booth_id_booth"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_quote_line_quote_id_quote"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_line")),
        sa.UniqueConstraint("quote_id", "position", name=op.f("uq_quote_line_quote_id_position")),
    )
    op.create_index(op.f("ix_quote_line_booth_id"), "quote_line", ["booth_id"], unique=False)


def downgrade() -> None:
    op.drop_table("quote_line")
    op.drop_table("quote")
    op.drop_table("competitor_presence")
    op.drop_table("competitor_show")
    op.drop_table("sales_target")
    op.drop_table("sales_team_member")
    op.drop_table("sales_team")
    op.drop_table("stage_weight")
    with op.batch_alter_table("opportunity") as batch:
        batch.drop_column("agent")
