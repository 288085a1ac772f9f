"""desk and layouts

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _reference(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "badge_layout",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("medium", sa.String(length=60), nullable=False),
        sa.Column("spec", JsonDict, nullable=False),
        sa.Column("standard", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        _reference("badge_layout", "edition_id", "edition", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge_layout")),
        sa.UniqueConstraint("edition_id", "name", name=op.f("uq_badge_layout_edition_id_name")),
    )
    op.create_table(
        "badge_layout_class",
        sa.Column("class_id", BIG, nullable=False),
        sa.Column("layout_id", BIG, nullable=False),
        _reference("badge_layout_class", "class_id", "visitor_class", "CASCADE"),
        _reference("badge_layout_class", "layout_id", "badge_layout", "CASCADE"),
        sa.PrimaryKeyConstraint("class_id", name=op.f("pk_badge_layout_class")),
    )
    op.create_index(op.f("ix_badge_layout_class_layout_id"), "badge_layout_class", ["layout_id"])
    op.create_table(
        "badge_image",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        _reference("badge_image", "edition_id", "edition", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge_image")),
        sa.UniqueConstraint("edition_id", "digest", name=op.f("uq_badge_image_edition_id_digest")),
    )
    op.create_table(
        "print_job",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("badge_id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=True),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("kiosk_id", BIG, nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'sent', 'printed', 'failed', 'cancelled')", name=op.f("ck_print_job_state")
        ),
        _reference("print_job", "edition_id", "edition"),
        _reference("print_job", "badge_id", "badge"),
        _reference("print_job", "device_id", "device", "SET NULL"),
        _reference("print_job", "user_id", "user", "SET NULL"),
        _reference("print_job", "kiosk_id", "device", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_job")),
        sa.UniqueConstraint("key", name=op.f("uq_print_job_key")),
    )
    op.create_index(op.f("ix_print_job_device_id_state"), "print_job", ["device_id", "state"])
    op.create_index(op.f("ix_print_job_edition_id_created_at"), "print_job", ["edition_id", "created_at"])
    op.create_index(op.f("ix_print_job_badge_id"), "print_job", ["badge_id"])
    op.create_table(
        "kiosk_printer",
        sa.Column("kiosk_id", BIG, nullable=False),
        sa.Column("printer_id", BIG, nullable=False),
        _reference("kiosk_printer", "kiosk_id", "device", "CASCADE"),
        _reference("kiosk_printer", "printer_id", "device", "CASCADE"),
        sa.PrimaryKeyConstraint("kiosk_id", name=op.f("pk_kiosk_printer")),
    )
    op.create_index(op.f("ix_kiosk_printer_printer_id"), "kiosk_printer", ["printer_id"])


def downgrade() -> None:
    for table in ("kiosk_printer", "print_job", "badge_image", "badge_layout_class", "badge_layout"):
        op.drop_table(table)
