"""hall inventory

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, JsonDict, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pavilion",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("organizer_id", BIG, nullable=False),
        sa.Column("entry_limit", sa.Integer(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.CheckConstraint("entry_limit between 0 and 2000", name=op.f("ck_pavilion_entry_limit")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_pavilion_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organizer_id"], ["participation.id"], name=op.f("fk_pavilion_organizer_id_participation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pavilion")),
        sa.UniqueConstraint("edition_id", "name_zh", name=op.f("uq_pavilion_edition_id_name_zh")),
    )
    op.create_index(op.f("ix_pavilion_organizer_id"), "pavilion", ["organizer_id"], unique=False)
    op.create_table(
        "price_list",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", Amount(4), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('draft', 'published', 'retired')", name=op.f("ck_price_list_state")),
        sa.CheckConstraint("tax_rate >= 0", name=op.f("ck_price_list_tax_rate")),
        sa.CheckConstraint("valid_from <= valid_until", name=op.f("ck_price_list_days_in_order")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_price_list_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
        sa.UniqueConstraint("edition_id", "code", "number", name=op.f("uq_price_list_edition_id_code_number")),
    )
    op.create_table(
        "price_rule",
        sa.Column("id", BIG, nullable=False),
        sa.Column("price_list_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("hall_id", BIG, nullable=True),
        sa.Column("sector", sa.String(length=300), nullable=False),
        sa.Column("base_m2", Amount(2), nullable=False),
        sa.Column("minimum_m2", Amount(2), nullable=True),
        sa.Column("corner_2", Amount(2), nullable=False),
        sa.Column("corner_3", Amount(2), nullable=False),
        sa.Column("corner_4", Amount(2), nullable=False),
        sa.Column("fees", JsonDict, nullable=False),
        sa.Column("early_until", sa.Date(), nullable=True),
        sa.Column("early_percent", Amount(2), nullable=True),
        sa.Column("early_m2", Amount(2), nullable=True),
        sa.CheckConstraint("kind in ('shell', 'raw')", name=op.f("ck_price_rule_kind")),
        sa.CheckConstraint("base_m2 > 0 and (minimum_m2 is null or minimum_m2 > 0)", name=op.f("ck_price_rule_sizes")),
        sa.CheckConstraint("corner_2 >= 0 and corner_3 >= 0 and corner_4 >= 0", name=op.f("ck_price_rule_corners")),
        sa.ForeignKeyConstraint(["hall_id"], ["hall.id"], name=op.f("fk_price_rule_hall_id_hall"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_list.id"],
            name=op.f("fk_price_rule_price_list_id_price_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_rule")),
    )
    op.create_index(op.f("ix_price_rule_price_list_id"), "price_rule", ["price_list_id"], unique=False)
    op.create_table(
        "price_override",
        sa.Column("id", BIG, nullable=False),
        sa.Column("booth_id", BIG, nullable=False),
        sa.Column("opportunity_id", BIG, nullable=True),
        sa.Column("old", Amount(2), nullable=False),
        sa.Column("new", Amount(2), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.CheckConstraint("state in ('asked', 'approved', 'refused', 'ended')", name=op.f("ck_price_override_state")),
        sa.CheckConstraint(
            "decided_by_id is null or decided_by_id <> asked_by_id", name=op.f("ck_price_override_two_people")
        ),
        sa.CheckConstraint("new >= 0 and old >= 0", name=op.f("ck_price_override_not_negative")),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["user.id"], name=op.f("fk_price_override_asked_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["booth_id"], ["booth.id"], name=op.f("fk_price_override_booth_id_booth"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_price_override_decided_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_price_override_opportunity_id_opportunity"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_override")),
    )
    op.create_index(op.f("ix_price_override_booth_id"), "price_override", ["booth_id"], unique=False)
    op.create_index(
        "uq_price_override_asked",
        "price_override",
        ["booth_id"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "booth_wish",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("opportunity_id", BIG, nullable=False),
        sa.Column("booth_id", BIG, nullable=True),
        sa.Column("hall_id", BIG, nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("min_m2", Amount(2), nullable=False),
        sa.Column("max_m2", Amount(2), nullable=True),
        sa.Column("open_sides", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state in ('waiting', 'offered', 'taken', 'gone')", name=op.f("ck_booth_wish_state")),
        sa.CheckConstraint("min_m2 > 0 and (max_m2 is null or max_m2 >= min_m2)", name=op.f("ck_booth_wish_sizes")),
        sa.CheckConstraint("open_sides between 1 and 4", name=op.f("ck_booth_wish_open_sides")),
        sa.ForeignKeyConstraint(
            ["booth_id"], ["booth.id"], name=op.f("fk_booth_wish_booth_id_booth"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_booth_wish_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["hall_id"], ["hall.id"], name=op.f("fk_booth_wish_hall_id_hall"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_booth_wish_opportunity_id_opportunity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_wish")),
    )
    op.create_index(
        op.f("ix_booth_wish_edition_id_state_position"), "booth_wish", ["edition_id", "state", "position"], unique=False
    )
    op.create_index(op.f("ix_booth_wish_opportunity_id"), "booth_wish", ["opportunity_id"], unique=False)
    op.create_table(
        "booth_offer",
        sa.Column("id", BIG, nullable=False),
        sa.Column("wish_id", BIG, nullable=False),
        sa.Column("booth_id", BIG, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state in ('open', 'accepted', 'declined', 'lapsed')", name=op.f("ck_booth_offer_state")),
        sa.ForeignKeyConstraint(
            ["booth_id"], ["booth.id"], name=op.f("fk_booth_offer_booth_id_booth"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["wish_id"], ["booth_wish.id"], name=op.f("fk_booth_offer_wish_id_booth_wish"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_offer")),
        sa.UniqueConstraint("wish_id", "booth_id", name=op.f("uq_booth_offer_wish_id_booth_id")),
    )
    op.create_index(
        "uq_booth_offer_open",
        "booth_offer",
        ["booth_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "booth_request",
        sa.Column("id", BIG, nullable=False),
        sa.Column("booth_id", BIG, nullable=False),
        sa.Column("opportunity_id", BIG, nullable=False),
        sa.Column("price", Amount(2), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "state in ('asked', 'approved', 'refused', 'withdrawn')", name=op.f("ck_booth_request_state")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["user.id"], name=op.f("fk_booth_request_asked_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["booth_id"], ["booth.id"], name=op.f("fk_booth_request_booth_id_booth"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_booth_request_decided_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_booth_request_opportunity_id_opportunity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_request")),
    )
    op.create_index(op.f("ix_booth_request_opportunity_id"), "booth_request", ["opportunity_id"], unique=False)
    op.create_index(
        "uq_booth_request_asked",
        "booth_request",
        ["booth_id"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "pavilion_entry",
        sa.Column("id", BIG, nullable=False),
        sa.Column("pavilion_id", BIG, nullable=False),
        sa.Column("booth_id", BIG, nullable=True),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("country", sa.String(length=60), nullable=False),
        sa.Column("website", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("participation_id", BIG, nullable=True),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state in ('entered', 'taken', 'refused')", name=op.f("ck_pavilion_entry_state")),
        sa.ForeignKeyConstraint(
            ["booth_id"], ["booth.id"], name=op.f("fk_pavilion_entry_booth_id_booth"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["participation_id"],
            ["participation.id"],
            name=op.f("fk_pavilion_entry_participation_id_participation"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["pavilion_id"], ["pavilion.id"], name=op.f("fk_pavilion_entry_pavilion_id_pavilion"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pavilion_entry")),
    )
    op.create_index(op.f("ix_pavilion_entry_pavilion_id"), "pavilion_entry", ["pavilion_id"], unique=False)
    op.create_table(
        "space_draw",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("seed", sa.String(length=60), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("at_once between 1 and 50", name=op.f("ck_space_draw_at_once")),
        sa.CheckConstraint("slot_minutes between 1 and 240", name=op.f("ck_space_draw_slot_minutes")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_space_draw_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_space_draw")),
        sa.UniqueConstraint("edition_id", name=op.f("uq_space_draw_edition_id")),
    )
    op.create_table(
        "draw_slot",
        sa.Column("id", BIG, nullable=False),
        sa.Column("draw_id", BIG, nullable=False),
        sa.Column("opportunity_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("points", Amount(2), nullable=False),
        sa.Column("tie", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("mailed_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.CheckConstraint("state in ('waiting', 'called', 'done', 'passed')", name=op.f("ck_draw_slot_state")),
        sa.ForeignKeyConstraint(
            ["draw_id"], ["space_draw.id"], name=op.f("fk_draw_slot_draw_id_space_draw"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_draw_slot_opportunity_id_opportunity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw_slot")),
        sa.UniqueConstraint("draw_id", "opportunity_id", name=op.f("uq_draw_slot_draw_id_opportunity_id")),
        sa.UniqueConstraint("draw_id", "position", name=op.f("uq_draw_slot_draw_id_position")),
    )
    op.create_table(
        "neighbour_rule",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("company_a_id", BIG, nullable=False),
        sa.Column("company_b_id", BIG, nullable=False),
        sa.Column("distance_m", Amount(2), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint("company_a_id <> company_b_id", name=op.f("ck_neighbour_rule_two")),
        sa.CheckConstraint("distance_m >= 0", name=op.f("ck_neighbour_rule_distance")),
        sa.ForeignKeyConstraint(
            ["company_a_id"], ["company.id"], name=op.f("fk_neighbour_rule_company_a_id_company"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_b_id"], ["company.id"], name=op.f("fk_neighbour_rule_company_b_id_company"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_neighbour_rule_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_neighbour_rule")),
        sa.UniqueConstraint(
            "edition_id",
            "company_a_id",
            "company_b_id",
            name=op.f("uq_neighbour_rule_edition_id_company_a_id_company_b_id"),
        ),
    )
    with op.batch_alter_table("booth") as batch_op:
        batch_op.add_column(sa.Column("sector", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("pavilion_id", BIG, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_booth_pavilion_id_pavilion"), "pavilion", ["pavilion_id"], ["id"], ondelete="SET NULL"
        )
    with op.batch_alter_table("booth_occupant") as batch_op:
        batch_op.add_column(sa.Column("fascia_zh", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("fascia_en", sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("booth_occupant") as batch_op:
        batch_op.drop_column("fascia_en")
        batch_op.drop_column("fascia_zh")
    with op.batch_alter_table("booth") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_booth_pavilion_id_pavilion"), type_="foreignkey")
        batch_op.drop_column("pavilion_id")
        batch_op.drop_column("sector")
    op.drop_table("neighbour_rule")
    op.drop_table("draw_slot")
    op.drop_table("space_draw")
    op.drop_table("pavilion_entry")
    op.drop_table("booth_request")
    op.drop_table("booth_offer")
    op.drop_table("booth_wish")
    op.drop_table("price_override")
    op.drop_table("price_rule")
    op.drop_table("price_list")
    op.drop_table("pavilion")
