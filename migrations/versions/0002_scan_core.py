"""scan core: zones with their rules, quarantine, what conflicts are computed from

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "zone",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("hall_id", BIG, nullable=True),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("alarm_percent", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=60), nullable=False),
        sa.Column("anti_passback", sa.String(length=60), nullable=False),
        sa.Column("cooldown_minutes", sa.Integer(), nullable=False),
        sa.Column("classes", JsonDict, nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("stale_hours", sa.Integer(), nullable=False),
        sa.Column("auto_exit", sa.Boolean(), nullable=False),
        sa.Column("resets_at", sa.Time(), nullable=True),
        sa.CheckConstraint(
            "anti_passback in ('off', 'soft', 'hard', 'timed', 'once')", name=op.f("ck_zone_anti_passback")
        ),
        sa.CheckConstraint("period in ('day', 'show')", name=op.f("ck_zone_period")),
        sa.CheckConstraint("code <> 'show' or period = 'day'", name=op.f("ck_zone_doors_count_by_day")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_zone_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["hall_id"], ["hall.id"], name=op.f("fk_zone_hall_id_hall")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("edition_id", "code", name=op.f("uq_zone_edition_id_code")),
    )
    op.create_table(
        "access_window",
        sa.Column("id", BIG, nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("class_code", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["zone.id"], name=op.f("fk_access_window_zone_id_zone"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_window")),
        sa.UniqueConstraint(
            "zone_id", "class_code", "day", "opens_at", name=op.f("uq_access_window_zone_id_class_code_day_opens_at")
        ),
    )
    # Gates of one zone shared its people, so they share its rule from now on: that of the gate that was set up first.
    op.execute(
        """
        insert into zone (edition_id, hall_id, code, name_zh, name_en, capacity, alarm_percent, period, anti_passback,
                          cooldown_minutes, classes, restricted, stale_hours, auto_exit, resets_at)
        select gate.edition_id, gate.hall_id, gate.zone, coalesce(hall.name_zh, '全展会'),
               coalesce(hall.name_en, 'The whole show'), null, 90, 'day', gate.anti_passback, gate.cooldown_minutes, '[]',
               false, 4, true, null
        from gate left join hall on hall.id = gate.hall_id
        where gate.id in (select min(id) from gate group by edition_id, zone)
        """
    )
    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_gate_anti_passback"), type_="check")
        batch_op.drop_column("anti_passback")
        batch_op.drop_column("cooldown_minutes")

    with op.batch_alter_table("badge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hold", sa.String(length=60), nullable=False, server_default=""))
        batch_op.create_check_constraint(batch_op.f("ck_badge_hold"), "hold in ('', 'unpaid', 'need_input')")

    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("zones", JsonDict, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("pairing_no", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("snapshot_version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("snapshot_age_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("boot_id", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("last_seq", BIG, nullable=True))
        batch_op.add_column(sa.Column("missing", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("storage", JsonDict, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("battery", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("alarm_at", UtcDateTime(), nullable=True))
    op.create_table(
        "device_boot",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("boot_id", sa.String(length=60), nullable=False),
        sa.Column("offset_ms", BIG, nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_boot_device_id_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_boot")),
        sa.UniqueConstraint("device_id", "boot_id", name=op.f("uq_device_boot_device_id_boot_id")),
    )

    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pairing_no", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("badge_verdict", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("rule", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("annulled", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("repeat_of_id", BIG, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_scan_repeat_of_id_scan"), "scan", ["repeat_of_id"], ["id"])
        batch_op.drop_constraint(batch_op.f("ck_scan_decision"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_scan_decision"), "decision in ('admit', 'admit_attention', 'deny', 'need_input', 'void')"
        )
        batch_op.create_index(
            batch_op.f("ix_scan_device_id_pairing_no_device_seq"), ["device_id", "pairing_no", "device_seq"]
        )
        batch_op.create_index(
            "ix_scan_conflict",
            ["edition_id", "corrected_at"],
            sqlite_where=sa.text("conflict"),
            postgresql_where=sa.text("conflict"),
        )
        batch_op.create_index(
            "uq_scan_annuls_id",
            ["annuls_id"],
            unique=True,
            sqlite_where=sa.text("annuls_id is not null"),
            postgresql_where=sa.text("annuls_id is not null"),
        )
        batch_op.create_index(
            "ix_scan_repeat_of_id",
            ["repeat_of_id"],
            sqlite_where=sa.text("repeat_of_id is not null"),
            postgresql_where=sa.text("repeat_of_id is not null"),
        )
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("duplicates", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("suspect", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index(
            "ix_presence_inside",
            ["edition_id", "zone", "local_day"],
            sqlite_where=sa.text("inside"),
            postgresql_where=sa.text("inside"),
        )

    op.create_table(
        "scan_resolution",
        sa.Column("id", BIG, nullable=False),
        sa.Column("scan_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scan.id"], name=op.f("fk_scan_resolution_scan_id_scan"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_scan_resolution_user_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_resolution")),
        sa.UniqueConstraint("scan_id", name=op.f("uq_scan_resolution_scan_id")),
    )
    op.create_table(
        "quarantined_scan",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("client_uuid", sa.String(length=36), nullable=False),
        sa.Column("device_seq", BIG, nullable=True),
        sa.Column("pairing_no", sa.Integer(), nullable=False),
        sa.Column("gate_id", BIG, nullable=True),
        sa.Column("badge_id", BIG, nullable=True),
        sa.Column("corrected_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("item", JsonDict, nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("settled_by", BIG, nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("scan_id", BIG, nullable=True),
        sa.CheckConstraint("state in ('waiting', 'accepted', 'refused')", name=op.f("ck_quarantined_scan_state")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_quarantined_scan_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_quarantined_scan_device_id_device")),
        sa.ForeignKeyConstraint(
            ["gate_id"], ["gate.id"], name=op.f("fk_quarantined_scan_gate_id_gate"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_quarantined_scan_badge_id_badge")),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["user.id"], name=op.f("fk_quarantined_scan_settled_by_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scan.id"], name=op.f("fk_quarantined_scan_scan_id_scan"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_scan")),
        sa.UniqueConstraint("device_id", "client_uuid", name=op.f("uq_quarantined_scan_device_id_client_uuid")),
    )
    with op.batch_alter_table("quarantined_scan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantined_scan_edition_id_state"), ["edition_id", "state"])


def downgrade() -> None:
    op.drop_table("quarantined_scan")
    op.drop_table("scan_resolution")
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.drop_index("ix_presence_inside")
        batch_op.drop_column("suspect")
        batch_op.drop_column("duplicates")
    op.execute("update scan set decision = 'deny' where decision = 'void'")
    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.drop_index("ix_scan_repeat_of_id")
        batch_op.drop_index("uq_scan_annuls_id")
        batch_op.drop_index("ix_scan_conflict")
        batch_op.drop_index(batch_op.f("ix_scan_device_id_pairing_no_device_seq"))
        batch_op.drop_constraint(batch_op.f("ck_scan_decision"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_scan_decision"), "decision in ('admit', 'admit_attention', 'deny', 'need_input')"
        )
        batch_op.drop_constraint(batch_op.f("fk_scan_repeat_of_id_scan"), type_="foreignkey")
        for name in ("repeat_of_id", "annulled", "rule", "badge_verdict", "pairing_no"):
            batch_op.drop_column(name)
    op.drop_table("device_boot")
    with op.batch_alter_table("device", schema=None) as batch_op:
        for name in (
            "alarm_at", "battery", "storage", "missing", "last_seq", "boot_id", "snapshot_age_s", "snapshot_version",
            "pairing_no", "zones",
        ):  # fmt: skip
            batch_op.drop_column(name)
    with op.batch_alter_table("badge", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_badge_hold"), type_="check")
        batch_op.drop_column("hold")
    with op.batch_alter_table("gate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("anti_passback", sa.String(length=60), nullable=False, server_default="soft"))
        batch_op.add_column(sa.Column("cooldown_minutes", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_check_constraint(
            batch_op.f("ck_gate_anti_passback"), "anti_passback in ('off', 'soft', 'hard', 'timed')"
        )
    op.execute(
        """
        update gate set
            anti_passback = coalesce((select case zone.anti_passback when 'once' then 'hard' else zone.anti_passback end
                from zone where zone.edition_id = gate.edition_id and zone.code = gate.zone), 'soft'),
            cooldown_minutes = coalesce((select zone.cooldown_minutes
                from zone where zone.edition_id = gate.edition_id and zone.code = gate.zone), 0)
        """
    )
    op.drop_table("access_window")
    op.drop_table("zone")
