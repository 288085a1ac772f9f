"""leads

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("participation_id", _id(), nullable=True))
        batch_op.add_column(sa.Column("lead_rate_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("lead_alarm_at", UtcDateTime(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_device_participation_id_participation"), "participation", ["participation_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index(batch_op.f("ix_device_participation_id"), ["participation_id"], unique=False)

    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.alter_column("registration_id", existing_type=_id(), nullable=True)
        batch_op.add_column(sa.Column("code_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("stars", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("edited_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("own_granted", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("own_version", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("own_at", UtcDateTime(), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_lead_participation_id_code_hash"), ["participation_id", "code_hash"])
        batch_op.create_check_constraint(op.f("ck_lead_stars"), "stars between 0 and 5")
        batch_op.create_check_constraint(op.f("ck_lead_has_subject"), "registration_id is not null or code_hash is not null")

    op.create_table(
        "lead_policy",
        sa.Column("id", _id(), nullable=False),
        sa.Column("edition_id", _id(), nullable=False),
        sa.Column("fields", JsonDict, nullable=False),
        sa.Column("max_devices", sa.Integer(), nullable=False),
        sa.Column("ask", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_lead_policy_edition_id_edition"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_policy")),
    )
    with op.batch_alter_table("lead_policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_policy_edition_id_at"), ["edition_id", "at"], unique=False)

    op.create_table(
        "lead_scan",
        sa.Column("id", _id(), nullable=False),
        sa.Column("participation_id", _id(), nullable=False),
        sa.Column("device_id", _id(), nullable=True),
        sa.Column("client_uuid", sa.String(length=36), nullable=False),
        sa.Column("device_seq", _id(), nullable=True),
        sa.Column("lead_id", _id(), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=60), nullable=False),
        sa.Column("scanned_by", sa.String(length=300), nullable=False),
        sa.Column("scanned_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("clock_suspect", sa.Boolean(), nullable=False),
        sa.CheckConstraint("result in ('lead', 'not_a_badge')", name=op.f("ck_lead_scan_result")),
        sa.ForeignKeyConstraint(["participation_id"], ["participation.id"], name=op.f("fk_lead_scan_participation_id_participation")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_lead_scan_device_id_device"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_scan_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_scan")),
        sa.UniqueConstraint("device_id", "client_uuid", name=op.f("uq_lead_scan_device_id_client_uuid")),
    )
    with op.batch_alter_table("lead_scan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_scan_lead_id"), ["lead_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_lead_scan_participation_id_received_at"), ["participation_id", "received_at"], unique=False
        )

    op.create_table(
        "lead_tag",
        sa.Column("id", _id(), nullable=False),
        sa.Column("company_id", _id(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_lead_tag_company_id_company"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_tag")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_lead_tag_company_id_name")),
    )
    op.create_table(
        "lead_tagging",
        sa.Column("lead_id", _id(), nullable=False),
        sa.Column("tag_id", _id(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_tagging_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["lead_tag.id"], name=op.f("fk_lead_tagging_tag_id_lead_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lead_id", "tag_id", name=op.f("pk_lead_tagging")),
    )
    with op.batch_alter_table("lead_tagging", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_tagging_tag_id"), ["tag_id"], unique=False)

    op.create_table(
        "lead_question",
        sa.Column("id", _id(), nullable=False),
        sa.Column("company_id", _id(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("options", JsonDict, nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind in ('single', 'multi', 'text', 'number')", name=op.f("ck_lead_question_kind")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_lead_question_company_id_company"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_question")),
        sa.UniqueConstraint("company_id", "key", "version", name=op.f("uq_lead_question_company_id_key_version")),
    )
    op.create_table(
        "lead_answer",
        sa.Column("id", _id(), nullable=False),
        sa.Column("lead_id", _id(), nullable=False),
        sa.Column("question_id", _id(), nullable=False),
        sa.Column("value", JsonDict, nullable=False),
        sa.Column("by", sa.String(length=300), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_answer_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["question_id"], ["lead_question.id"], name=op.f("fk_lead_answer_question_id_lead_question")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_answer")),
        sa.UniqueConstraint("lead_id", "question_id", name=op.f("uq_lead_answer_lead_id_question_id")),
    )
    with op.batch_alter_table("lead_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_answer_question_id"), ["question_id"], unique=False)

    op.create_table(
        "lead_consent",
        sa.Column("id", _id(), nullable=False),
        sa.Column("lead_id", _id(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(length=60), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_consent_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_consent")),
    )
    with op.batch_alter_table("lead_consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_consent_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "lead_event",
        sa.Column("id", _id(), nullable=False),
        sa.Column("lead_id", _id(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("data", JsonDict, nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_event_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_event")),
    )
    with op.batch_alter_table("lead_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_event_lead_id"), ["lead_id"], unique=False)


def downgrade() -> None:
    for table in (
        "lead_event",
        "lead_consent",
        "lead_answer",
        "lead_question",
        "lead_tagging",
        "lead_tag",
        "lead_scan",
        "lead_policy",
    ):
        op.drop_table(table)
    # Before this, a lead always named its visitor.
    op.execute("delete from lead where registration_id is null")
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_lead_has_subject"), type_="check")
        batch_op.drop_constraint(op.f("ck_lead_stars"), type_="check")
        batch_op.drop_constraint(op.f("uq_lead_participation_id_code_hash"), type_="unique")
        for column in ("own_at", "own_version", "own_granted", "version", "edited_at", "stars", "code_hash"):
            batch_op.drop_column(column)
        batch_op.alter_column("registration_id", existing_type=_id(), nullable=False)
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_participation_id"))
        batch_op.drop_constraint(op.f("fk_device_participation_id_participation"), type_="foreignkey")
        for column in ("lead_alarm_at", "lead_rate_at", "participation_id"):
            batch_op.drop_column(column)
