"""contract texts and versions, terms, plans, dunning, bank statements, credits, products and orders

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, JsonDict, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", ID, nullable=False),
        sa.Column("show_id", ID, nullable=False),
        sa.Column("filename", sa.String(length=300), nullable=False),
        sa.Column("format", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("mapping", JsonDict, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", ID, nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state in ('columns', 'taken')", name=op.f("ck_bank_statement_state")),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_bank_statement_show_id_show"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["uploaded_by"], ["user.id"], name=op.f("fk_bank_statement_uploaded_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
    )
    op.create_table(
        "contract_text",
        sa.Column("id", ID, nullable=False),
        sa.Column("show_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_contract_text_created_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_contract_text_show_id_show"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_text")),
        sa.UniqueConstraint("show_id", "number", name=op.f("uq_contract_text_show_id_number")),
    )
    op.create_table(
        "bank_transaction",
        sa.Column("id", ID, nullable=False),
        sa.Column("show_id", ID, nullable=False),
        sa.Column("statement_id", ID, nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payer", sa.String(length=300), nullable=False),
        sa.Column("remittance", sa.Text(), nullable=False),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('open', 'matched', 'ignored')", name=op.f("ck_bank_transaction_state")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bank_transaction_came_in")),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_bank_transaction_show_id_show"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statement.id"], name=op.f("fk_bank_transaction_statement_id_bank_statement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_transaction")),
        sa.UniqueConstraint("show_id", "account", "fingerprint", name=op.f("uq_bank_transaction_show_id_account_fingerprint")),
    )
    op.create_index(op.f("ix_bank_transaction_show_id_state"), "bank_transaction", ["show_id", "state"])
    op.create_table(
        "billing_terms",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("tax_rate", Amount(4), nullable=False),
        sa.Column("dunning", sa.Boolean(), nullable=False),
        sa.Column("friendly_days", sa.Integer(), nullable=False),
        sa.Column("first_days", sa.Integer(), nullable=False),
        sa.Column("final_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("friendly_days < first_days and first_days < final_days", name=op.f("ck_billing_terms_steps_in_order")),
        sa.CheckConstraint("tax_rate >= 0", name=op.f("ck_billing_terms_tax_rate")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_billing_terms_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_terms")),
        sa.UniqueConstraint("edition_id", name=op.f("uq_billing_terms_edition_id")),
    )
    op.create_table(
        "cancellation_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("percent", Amount(2), nullable=False),
        sa.CheckConstraint("percent >= 0", name=op.f("ck_cancellation_rule_percent")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_cancellation_rule_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation_rule")),
        sa.UniqueConstraint("edition_id", "until", name=op.f("uq_cancellation_rule_edition_id_until")),
    )
    op.create_table(
        "currency_rate",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate", Amount(6), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=False),
        sa.CheckConstraint("rate > 0", name=op.f("ck_currency_rate_rate")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_currency_rate_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_currency_rate")),
        sa.UniqueConstraint("edition_id", "currency", name=op.f("uq_currency_rate_edition_id_currency")),
    )
    op.create_table(
        "plan_step",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label_zh", sa.String(length=300), nullable=False),
        sa.Column("label_en", sa.String(length=300), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("value", Amount(2), nullable=False),
        sa.Column("due_from", sa.String(length=60), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.CheckConstraint("due_from in ('signing', 'opening')", name=op.f("ck_plan_step_due_from")),
        sa.CheckConstraint("rule in ('percent', 'fixed', 'rest')", name=op.f("ck_plan_step_rule")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_plan_step_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_step")),
        sa.UniqueConstraint("edition_id", "contract_id", "position", name=op.f("uq_plan_step_edition_id_contract_id_position")),
    )
    op.create_table(
        "product",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("unit_zh", sa.String(length=30), nullable=False),
        sa.Column("unit_en", sa.String(length=30), nullable=False),
        sa.Column("price", Amount(2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("ordered", sa.Integer(), nullable=False),
        sa.Column("available_until", sa.Date(), nullable=True),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('power', 'furniture', 'advert', 'lanyard', 'sponsorship', 'other')", name=op.f("ck_product_kind")),
        sa.CheckConstraint("ordered >= 0 and price >= 0", name=op.f("ck_product_not_negative")),
        sa.CheckConstraint("stock is null or ordered <= stock", name=op.f("ck_product_in_stock")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_product_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("edition_id", "code", name=op.f("uq_product_edition_id_code")),
    )
    op.create_table(
        "dunning",
        sa.Column("id", ID, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("to_email", sa.String(length=254), nullable=False),
        sa.Column("open_amount", Amount(2), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("step in ('friendly', 'first', 'final')", name=op.f("ck_dunning_step")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_dunning_invoice_id_invoice"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning")),
        sa.UniqueConstraint("invoice_id", "step", name=op.f("uq_dunning_invoice_id_step")),
    )
    op.create_table(
        "order_line",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("invoice_id", ID, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("text_zh", sa.String(length=300), nullable=False),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("unit_price", Amount(2), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("ordered_by", ID, nullable=True),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state in ('open', 'on_contract', 'invoiced', 'cancelled')", name=op.f("ck_order_line_state")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_order_line_company_id_company")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_order_line_edition_id_edition")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_order_line_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["ordered_by"], ["user.id"], name=op.f("fk_order_line_ordered_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_order_line_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
    )
    op.create_index(op.f("ix_order_line_edition_id_company_id"), "order_line", ["edition_id", "company_id"])
    op.create_index(op.f("ix_order_line_product_id"), "order_line", ["product_id"])
    op.create_table(
        "company_credit",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", Amount(2), nullable=False),
        sa.Column("transaction_id", ID, nullable=True),
        sa.Column("payment_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("recorded_by", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_company_credit_not_zero")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_company_credit_company_id_company")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_company_credit_edition_id_edition")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_company_credit_payment_id_payment")),
        sa.ForeignKeyConstraint(["recorded_by"], ["user.id"], name=op.f("fk_company_credit_recorded_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["transaction_id"], ["bank_transaction.id"], name=op.f("fk_company_credit_transaction_id_bank_transaction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_credit")),
    )
    op.create_index(op.f("ix_company_credit_company_id_currency"), "company_credit", ["company_id", "currency"])
    op.create_table(
        "contract_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("text_id", ID, nullable=True),
        sa.Column("lines", JsonDict, nullable=False),
        sa.Column("net_m2", Amount(2), nullable=False),
        sa.Column("net", Amount(2), nullable=False),
        sa.Column("tax", Amount(2), nullable=False),
        sa.Column("total", Amount(2), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("pdf_hash", sa.String(length=64), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_name", sa.String(length=300), nullable=False),
        sa.Column("accepted_by", ID, nullable=True),
        sa.Column("signed_file", sa.String(length=80), nullable=False),
        sa.Column("signed_type", sa.String(length=60), nullable=False),
        sa.Column("signed_name", sa.String(length=300), nullable=False),
        sa.Column("signed_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind in ('first', 'amendment', 'downsizing', 'cancellation')", name=op.f("ck_contract_version_kind")),
        sa.CheckConstraint("state in ('current', 'amended', 'cancelled')", name=op.f("ck_contract_version_state")),
        sa.ForeignKeyConstraint(["accepted_by"], ["user.id"], name=op.f("fk_contract_version_accepted_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_version_contract_id_contract"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_contract_version_created_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["text_id"], ["contract_text.id"], name=op.f("fk_contract_version_text_id_contract_text")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_version")),
        sa.UniqueConstraint("contract_id", "number", name=op.f("uq_contract_version_contract_id_number")),
    )
    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("text_id", ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_contract_text_id_contract_text"), "contract_text", ["text_id"], ["id"])
    with op.batch_alter_table("contract_line") as batch_op:
        batch_op.add_column(sa.Column("booth_id", ID, nullable=True))
        batch_op.add_column(sa.Column("order_line_id", ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_contract_line_booth_id_booth"), "booth", ["booth_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_contract_line_order_line_id_order_line"), "order_line", ["order_line_id"], ["id"])
    with op.batch_alter_table("invoice") as batch_op:
        batch_op.add_column(sa.Column("credited", Amount(2), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("corrects_id", ID, nullable=True))
        batch_op.add_column(sa.Column("dunning_stopped", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index(batch_op.f("ix_invoice_corrects_id"), ["corrects_id"])
        batch_op.create_index(batch_op.f("ix_invoice_state_due_on"), ["state", "due_on"])
        batch_op.create_foreign_key(batch_op.f("fk_invoice_corrects_id_invoice"), "invoice", ["corrects_id"], ["id"])
    with op.batch_alter_table("payment") as batch_op:
        batch_op.add_column(sa.Column("bank_transaction_id", ID, nullable=True))
        batch_op.create_index(batch_op.f("ix_payment_bank_transaction_id"), ["bank_transaction_id"])
        batch_op.create_foreign_key(batch_op.f("fk_payment_bank_transaction_id_bank_transaction"), "bank_transaction", ["bank_transaction_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("payment") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_payment_bank_transaction_id_bank_transaction"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_payment_bank_transaction_id"))
        batch_op.drop_column("bank_transaction_id")
    with op.batch_alter_table("invoice") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_invoice_corrects_id_invoice"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_invoice_state_due_on"))
        batch_op.drop_index(batch_op.f("ix_invoice_corrects_id"))
        batch_op.drop_column("dunning_stopped")
        batch_op.drop_column("corrects_id")
        batch_op.drop_column("credited")
    with op.batch_alter_table("contract_line") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_contract_line_order_line_id_order_line"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_contract_line_booth_id_booth"), type_="foreignkey")
        batch_op.drop_column("order_line_id")
        batch_op.drop_column("booth_id")
    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_contract_text_id_contract_text"), type_="foreignkey")
        batch_op.drop_column("text_id")
    op.drop_table("contract_version")
    op.drop_table("company_credit")
    op.drop_table("order_line")
    op.drop_table("dunning")
    op.drop_table("product")
    op.drop_table("plan_step")
    op.drop_table("currency_rate")
    op.drop_table("cancellation_rule")
    op.drop_table("billing_terms")
    op.drop_table("bank_transaction")
    op.drop_table("contract_text")
    op.drop_table("bank_statement")
