"""leads: readings and notes that a withdrawn device still held

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "held_lead",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("client_uuid", sa.String(length=36), nullable=False),
        sa.Column("registration_id", ID, nullable=True),
        sa.Column("item", JsonDict, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("settled_by", ID, nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'accepted', 'refused')", name=op.f("ck_held_lead_state")),
        sa.ForeignKeyConstraint(
            ["participation_id"], ["participation.id"], name=op.f("fk_held_lead_participation_id_participation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_held_lead_device_id_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_held_lead_registration_id_registration"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["user.id"], name=op.f("fk_held_lead_settled_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_lead")),
        sa.UniqueConstraint("device_id", "client_uuid", name=op.f("uq_held_lead_device_id_client_uuid")),
    )
    op.create_index(op.f("ix_held_lead_participation_id_state"), "held_lead", ["participation_id", "state"])
    op.create_index(op.f("ix_held_lead_registration_id"), "held_lead", ["registration_id"])


def downgrade() -> None:
    op.drop_table("held_lead")
