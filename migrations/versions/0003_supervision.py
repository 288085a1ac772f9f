"""supervision: the feed of badges for devices, opaque codes, rotation of keys

Revision: 0003, after 0002.
"""

import secrets

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY_STATES = "state in ('next', 'active', 'verify', 'retired', 'compromised')"
FORMER_KEY_STATES = "state in ('active', 'verify', 'retired', 'compromised')"


def upgrade() -> None:
    op.create_table(
        "badge_setup",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lineage", sa.String(length=16), nullable=False),
        sa.Column("code_mode", sa.String(length=60), nullable=False),
        sa.CheckConstraint("code_mode in ('signed', 'opaque')", name=op.f("ck_badge_setup_code_mode")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_badge_setup_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_badge_setup")),
    )
    op.create_table(
        "opaque_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=26), nullable=False),
        sa.Column("badge_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("purpose in ('ticket', 'badge', 'lead')", name=op.f("ck_opaque_code_purpose")),
        sa.ForeignKeyConstraint(
            ["badge_id"], ["badge.id"], name=op.f("fk_opaque_code_badge_id_badge"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opaque_code")),
        sa.UniqueConstraint(
            "badge_id", "purpose", "generation", name=op.f("uq_opaque_code_badge_id_purpose_generation")
        ),
        sa.UniqueConstraint("code", name=op.f("uq_opaque_code_code")),
    )
    with op.batch_alter_table("badge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "feed_version",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                server_default="1",
                nullable=False,
            )
        )
        batch_op.create_index(
            batch_op.f("ix_badge_edition_id_feed_version"), ["edition_id", "feed_version"], unique=False
        )
    with op.batch_alter_table("badge", schema=None) as batch_op:
        batch_op.alter_column("feed_version", server_default=None)
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_reason", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("changed_at", UtcDateTime(), nullable=True))
        batch_op.drop_constraint(op.f("ck_signing_key_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_signing_key_state"), KEY_STATES)
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_ids", JsonDict, server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("wipe", sa.Boolean(), server_default=sa.false(), nullable=False))
    _tell_of_the_badges_there_are()


def _tell_of_the_badges_there_are() -> None:
    connection = op.get_bind()
    setup = sa.table(
        "badge_setup", sa.column("edition_id"), sa.column("feed_version"), sa.column("lineage"), sa.column("code_mode")
    )
    editions = connection.execute(sa.text("select distinct edition_id from badge")).scalars().all()
    for edition_id in editions:
        connection.execute(
            setup.insert().values(
                edition_id=edition_id, feed_version=1, lineage=secrets.token_hex(8), code_mode="signed"
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_column("wipe")
        batch_op.drop_column("key_ids")
    op.execute("update signing_key set state = 'verify' where state = 'next'")
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_signing_key_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_signing_key_state"), FORMER_KEY_STATES)
        batch_op.drop_column("changed_at")
        batch_op.drop_column("state_reason")
    with op.batch_alter_table("badge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_badge_edition_id_feed_version"))
        batch_op.drop_column("feed_version")
        batch_op.drop_column("key_id")
    op.drop_table("opaque_code")
    op.drop_table("badge_setup")
