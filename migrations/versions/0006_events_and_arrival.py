"""events and arrival

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "concurrent_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("edition_id", _ID, nullable=False),
        sa.Column("hall_id", _ID, nullable=True),
        sa.Column("title_zh", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("room_zh", sa.String(length=300), nullable=False),
        sa.Column("room_en", sa.String(length=300), nullable=False),
        sa.Column("speakers_zh", sa.Text(), nullable=False),
        sa.Column("speakers_en", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("classes", JsonDict, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("checkin_before", sa.Integer(), nullable=False),
        sa.Column("checkin_after", sa.Integer(), nullable=False),
        sa.Column("walk_in", sa.Boolean(), nullable=False),
        sa.Column("offer_hours", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state in ('draft', 'published', 'cancelled')", name=op.f("ck_concurrent_event_state")),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_concurrent_event_capacity")),
        sa.CheckConstraint(
            "checkin_before >= 0 and checkin_after >= 0 and offer_hours >= 0",
            name=op.f("ck_concurrent_event_not_negative"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_concurrent_event_times_in_order")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_concurrent_event_edition_id_edition")),
        sa.ForeignKeyConstraint(
            ["hall_id"], ["hall.id"], name=op.f("fk_concurrent_event_hall_id_hall"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrent_event")),
    )
    with op.batch_alter_table("concurrent_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_concurrent_event_edition_id_starts_at"), ["edition_id", "starts_at"], unique=False
        )
    op.create_table(
        "exhibitor_arrival",
        sa.Column("id", _ID, nullable=False),
        sa.Column("edition_id", _ID, nullable=False),
        sa.Column("participation_id", _ID, nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", _ID, nullable=True),
        sa.Column("person_name", sa.String(length=300), nullable=False),
        sa.Column("person_phone", sa.String(length=60), nullable=False),
        sa.Column("badges_handed", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.CheckConstraint("badges_handed >= 0", name=op.f("ck_exhibitor_arrival_badges_handed")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_exhibitor_arrival_edition_id_edition")),
        sa.ForeignKeyConstraint(
            ["participation_id"], ["participation.id"], name=op.f("fk_exhibitor_arrival_participation_id_participation")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["user.id"], name=op.f("fk_exhibitor_arrival_recorded_by_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exhibitor_arrival")),
        sa.UniqueConstraint("participation_id", name=op.f("uq_exhibitor_arrival_participation_id")),
    )
    with op.batch_alter_table("exhibitor_arrival", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exhibitor_arrival_edition_id_arrived_at"), ["edition_id", "arrived_at"], unique=False
        )
    op.create_table(
        "event_booking",
        sa.Column("id", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("registration_id", _ID, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("offered_until", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("booked_at", UtcDateTime(), nullable=False),
        sa.Column("moved_up_at", UtcDateTime(), nullable=True),
        sa.Column("attended_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state <> 'waiting' or position is not null", name=op.f("ck_event_booking_waiting_has_position")
        ),
        sa.CheckConstraint(
            "state in ('booked', 'waiting', 'attended', 'cancelled')", name=op.f("ck_event_booking_state")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["concurrent_event.id"],
            name=op.f("fk_event_booking_event_id_concurrent_event"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_event_booking_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_booking")),
        sa.UniqueConstraint("event_id", "registration_id", name=op.f("uq_event_booking_event_id_registration_id")),
    )
    with op.batch_alter_table("event_booking", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_event_booking_event_id_state_position"), ["event_id", "state", "position"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_event_booking_registration_id"), ["registration_id"], unique=False)
    op.create_table(
        "event_checkin",
        sa.Column("id", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("booking_id", _ID, nullable=True),
        sa.Column("badge_id", _ID, nullable=True),
        sa.Column("origin", sa.String(length=24), nullable=False),
        sa.Column("client_uuid", sa.String(length=36), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", _ID, nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_event_checkin_badge_id_badge")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["event_booking.id"],
            name=op.f("fk_event_checkin_booking_id_event_booking"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["concurrent_event.id"],
            name=op.f("fk_event_checkin_event_id_concurrent_event"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_event_checkin_user_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_checkin")),
        sa.UniqueConstraint("origin", "client_uuid", name=op.f("uq_event_checkin_origin_client_uuid")),
    )
    with op.batch_alter_table("event_checkin", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_checkin_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_checkin_event_id_at"), ["event_id", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("event_checkin", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_checkin_event_id_at"))
        batch_op.drop_index(batch_op.f("ix_event_checkin_booking_id"))
    op.drop_table("event_checkin")
    with op.batch_alter_table("event_booking", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_booking_registration_id"))
        batch_op.drop_index(batch_op.f("ix_event_booking_event_id_state_position"))
    op.drop_table("event_booking")
    with op.batch_alter_table("exhibitor_arrival", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exhibitor_arrival_edition_id_arrived_at"))
    op.drop_table("exhibitor_arrival")
    with op.batch_alter_table("concurrent_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_concurrent_event_edition_id_starts_at"))
    op.drop_table("concurrent_event")
