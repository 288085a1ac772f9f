"""tasks of exhibitors: rules, fascia, stand-build approval, reviewed changes of the entry, reminders; roles and links of members

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import Amount, JsonDict, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of_edition(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f(f"fk_{table}_edition_id_edition"), ondelete="CASCADE")


def _of_participation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["participation_id"], ["participation.id"], name=op.f(f"fk_{table}_participation_id_participation"), ondelete="CASCADE"
    )


def _of_user(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["user.id"], name=op.f(f"fk_{table}_{column}_user"), ondelete="SET NULL")


def _of_approval(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["approval_id"], ["build_approval.id"], name=op.f(f"fk_{table}_approval_id_build_approval"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "portal_task_kind",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _of_edition("portal_task_kind"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_task_kind")),
        sa.UniqueConstraint("edition_id", "key", name=op.f("uq_portal_task_kind_edition_id_key")),
    )
    op.create_table(
        "portal_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("badges", sa.Integer(), nullable=False),
        sa.Column("badge_m2", Amount(2), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("freeze_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("badges >= 0 and badge_m2 > 0", name=op.f("ck_portal_rules_quota")),
        _of_edition("portal_rules"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_rules")),
        sa.UniqueConstraint("edition_id", name=op.f("uq_portal_rules_edition_id")),
    )
    op.create_table(
        "fascia",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("text_zh", sa.String(length=300), nullable=False),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("saved_by", ID, nullable=True),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        _of_participation("fascia"),
        _of_user("fascia", "saved_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fascia")),
        sa.UniqueConstraint("participation_id", name=op.f("uq_fascia_participation_id")),
    )
    op.create_table(
        "portal_waiver",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("said_by", ID, nullable=True),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        _of_participation("portal_waiver"),
        _of_user("portal_waiver", "said_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_waiver")),
        sa.UniqueConstraint("participation_id", "key", name=op.f("uq_portal_waiver_participation_id_key")),
    )
    op.create_table(
        "build_approval",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('submitted', 'changes', 'approved')", name=op.f("ck_build_approval_state")),
        _of_participation("build_approval"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build_approval")),
        sa.UniqueConstraint("participation_id", name=op.f("uq_build_approval_participation_id")),
    )
    op.create_index(op.f("ix_build_approval_state"), "build_approval", ["state"])
    op.create_table(
        "build_drawing",
        sa.Column("id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", ID, nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        _of_approval("build_drawing"),
        _of_user("build_drawing", "uploaded_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build_drawing")),
        sa.UniqueConstraint("approval_id", "number", name=op.f("uq_build_drawing_approval_id_number")),
    )
    op.create_table(
        "build_remark",
        sa.Column("id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("side in ('exhibitor', 'organizer')", name=op.f("ck_build_remark_side")),
        _of_approval("build_remark"),
        _of_user("build_remark", "user_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build_remark")),
    )
    op.create_index(op.f("ix_build_remark_approval_id"), "build_remark", ["approval_id"])
    op.create_table(
        "entry_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("before", JsonDict, nullable=False),
        sa.Column("after", JsonDict, nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('open', 'approved', 'refused', 'withdrawn')", name=op.f("ck_entry_change_state")),
        _of_participation("entry_change"),
        _of_user("entry_change", "asked_by"),
        _of_user("entry_change", "decided_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_change")),
    )
    op.create_index(op.f("ix_entry_change_state"), "entry_change", ["state"])
    op.create_index(
        "uq_entry_change_one_open",
        "entry_change",
        ["participation_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "task_reminder",
        sa.Column("id", ID, nullable=False),
        sa.Column("participation_id", ID, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        _of_participation("task_reminder"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_reminder")),
        sa.UniqueConstraint(
            "participation_id", "key", "step", "due_on", name=op.f("uq_task_reminder_participation_id_key_step_due_on")
        ),
    )
    with op.batch_alter_table("portal_member") as batch_op:
        batch_op.create_check_constraint(batch_op.f("ck_portal_member_role"), "role in ('main', 'finance', 'staff')")
    with op.batch_alter_table("invitation_link") as batch_op:
        batch_op.add_column(sa.Column("label", sa.String(length=300), nullable=False, server_default=""))
        batch_op.drop_constraint(batch_op.f("uq_invitation_link_participation_id"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_invitation_link_participation_id_label"), ["participation_id", "label"])


def downgrade() -> None:
    # The older tables know one link per exhibitor: registrations by a member's link keep no link, and that link falls away.
    op.execute("update registration set invitation_link_id = null where invitation_link_id in (select id from invitation_link where label <> '')")
    op.execute("delete from invitation_link where label <> ''")
    with op.batch_alter_table("invitation_link") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_invitation_link_participation_id_label"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_invitation_link_participation_id"), ["participation_id"])
        batch_op.drop_column("label")
    with op.batch_alter_table("portal_member") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_portal_member_role"), type_="check")
    for table in (
        "task_reminder",
        "entry_change",
        "build_remark",
        "build_drawing",
        "build_approval",
        "portal_waiver",
        "fascia",
        "portal_rules",
        "portal_task_kind",
    ):
        op.drop_table(table)
