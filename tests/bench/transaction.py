"""What the application does for one scan, as SQL written by hand: the yardstick of the other two arms.

The same statements in the same order: the device at its gate with the zone's rules; the badge with its presence and what was said to
it before; log row and presence in one. It decides nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

import psycopg

DEVICE = """
SELECT device.id, device.name, device.profile, device.paired_at, device.revoked_at, device.seen_at, device.clock_offset_ms,
    edition.id AS id_1, edition.show_id, edition.slug, edition.name_zh, edition.name_en, edition.timezone, edition.starts_on,
    edition.ends_on, edition.counted_classes, gate.id AS id_2, gate.code, gate.name_zh AS name_zh_1, gate.name_en AS name_en_1,
    gate.zone, gate.direction, gate.classes, gate.any_time, zone.anti_passback, zone.cooldown_minutes, zone.classes AS classes_1,
    zone.period, coalesce(zone.capacity, hall.capacity) AS coalesce_1, zone.restricted, zone.stale_hours, (SELECT
    json_agg(json_build_array(access_window.class_code, access_window.day, access_window.opens_at, access_window.closes_at)) AS
    anon_2
FROM access_window
WHERE access_window.zone_id = zone.id) AS anon_1, device.pairing_no, device.zones, coalesce(badge_setup.feed_version, 0) AS
    coalesce_2, device.wipe, device.alarm_at
FROM device JOIN edition ON edition.id = device.edition_id
LEFT OUTER JOIN gate ON gate.id = device.gate_id
LEFT OUTER JOIN zone ON zone.edition_id = gate.edition_id AND zone.code = gate.zone
LEFT OUTER JOIN hall ON hall.id = zone.hall_id
LEFT OUTER JOIN badge_setup ON badge_setup.edition_id = device.edition_id
WHERE device.token_hash = %(token_hash)s::VARCHAR"""
CONTEXT = """
SELECT badge.id AS badge_id, badge.serial, badge.generation, badge.state, badge.printed_at, badge.edition_id, badge.holder,
    badge.holder_company, badge.hold, visitor_class.code AS class_code, visitor_class.name_zh AS class_zh, visitor_class.name_en
    AS class_en, visitor_class.colour, registration.state AS registration_state, registration.locale, presence.id AS presence_id,
    presence.entries, presence.exits, presence.first_entry_at, presence.first_gate_id, presence.last_at, presence.last_direction,
    presence.suspect, gate_1.name_zh AS gate_zh, gate_1.name_en AS gate_en, opening_day.opens_at, opening_day.closes_at, said.id
    AS said_id, lately.id AS lately_id
FROM (SELECT %(edition_id)s::BIGINT AS edition_id, %(serial)s::VARCHAR AS serial, %(zone)s::VARCHAR AS zone, %(day)s::DATE AS day,
    %(period)s::DATE AS period) AS here
LEFT OUTER JOIN badge ON badge.serial = here.serial AND badge.edition_id = here.edition_id
LEFT OUTER JOIN visitor_class ON visitor_class.id = badge.class_id
LEFT OUTER JOIN registration ON registration.id = badge.registration_id
LEFT OUTER JOIN presence ON presence.badge_id = badge.id AND presence.zone = here.zone AND presence.local_day = here.period
LEFT OUTER JOIN gate AS gate_1 ON gate_1.id = presence.first_gate_id
LEFT OUTER JOIN opening_day ON opening_day.edition_id = here.edition_id AND opening_day.day = here.day
LEFT OUTER JOIN scan AS said ON said.device_id = %(device_id)s::BIGINT AND said.client_uuid = %(client_uuid)s::VARCHAR
LEFT OUTER JOIN scan AS lately ON lately.badge_id = badge.id AND lately.device_id = %(device_id)s::BIGINT AND lately.corrected_at >
    %(since)s::TIMESTAMP WITH TIME ZONE AND lately.corrected_at <= %(now)s::TIMESTAMP WITH TIME ZONE AND lately.code_hash =
    %(code_hash)s::VARCHAR AND lately.direction = %(direction)s::VARCHAR AND lately.decision != 'void' AND lately.reason !=
    'internal' AND lately.annulled IS false
ORDER BY lately.id DESC LIMIT 1"""
FIRST = """
WITH carried AS (INSERT INTO presence (edition_id, badge_id, zone, local_day, first_entry_at, first_gate_id, last_at,
    last_direction, entries, exits, inside, duplicates, suspect)
VALUES (%(edition_id)s::BIGINT, %(badge_id)s::BIGINT, %(zone)s::VARCHAR, %(local_day)s::DATE, %(p_first_entry_at)s::TIMESTAMP WITH
    TIME ZONE, %(p_first_gate_id)s::BIGINT, %(p_last_at)s::TIMESTAMP WITH TIME ZONE, %(p_last_direction)s::VARCHAR,
    %(p_entries)s::INTEGER, %(p_exits)s::INTEGER, %(p_inside)s, 0, false)
ON CONFLICT (badge_id, zone, local_day) DO NOTHING
RETURNING presence.id),
logged AS (INSERT INTO scan (edition_id, device_id, client_uuid, device_seq, pairing_no, gate_id, zone, direction, code_hash,
    badge_id, device_time, corrected_at, received_at, local_day, decision, reason, rule, repeat_of_id, key_id, snapshot_version,
    body_hash, decided_by, override_by, override_reason, server_verdict, device_verdict, conflict, badge_verdict, clock_suspect,
    annuls_id, annulled)
SELECT %(edition_id)s::BIGINT AS edition_id, %(device_id)s::BIGINT AS device_id, %(client_uuid)s::VARCHAR AS client_uuid,
    %(device_seq)s::BIGINT AS device_seq, %(pairing_no)s::INTEGER AS pairing_no, %(gate_id)s::BIGINT AS gate_id, %(zone)s::VARCHAR
    AS zone, %(direction)s::VARCHAR AS direction, %(code_hash)s::VARCHAR AS code_hash, %(badge_id)s::BIGINT AS badge_id,
    %(device_time)s::TIMESTAMP WITH TIME ZONE AS device_time, %(corrected_at)s::TIMESTAMP WITH TIME ZONE AS corrected_at,
    %(received_at)s::TIMESTAMP WITH TIME ZONE AS received_at, %(local_day)s::DATE AS local_day, %(decision)s::VARCHAR AS decision,
    %(reason)s::VARCHAR AS reason, %(rule)s::VARCHAR AS rule, %(repeat_of_id)s::BIGINT AS repeat_of_id, %(key_id)s::INTEGER AS
    key_id, %(snapshot_version)s::INTEGER AS snapshot_version, %(body_hash)s::VARCHAR AS body_hash, 'server' AS decided_by,
    CAST(NULL AS BIGINT) AS override_by, '' AS override_reason, '' AS server_verdict, '' AS device_verdict, false AS conflict, ''
    AS badge_verdict, false AS clock_suspect, CAST(NULL AS BIGINT) AS annuls_id, false AS annulled
FROM carried
ON CONFLICT (device_id, client_uuid) DO NOTHING
RETURNING scan.id)
SELECT (SELECT carried.id
FROM carried) AS anon_1, (SELECT logged.id
FROM logged) AS anon_2"""
NEXT = """
WITH carried AS (UPDATE presence
SET first_entry_at=%(p_first_entry_at)s::TIMESTAMP WITH TIME ZONE, first_gate_id=%(p_first_gate_id)s::BIGINT,
    last_at=%(p_last_at)s::TIMESTAMP WITH TIME ZONE, last_direction=%(p_last_direction)s::VARCHAR, entries=%(p_entries)s::INTEGER,
    exits=%(p_exits)s::INTEGER, inside=%(p_inside)s
WHERE presence.id = %(presence_id)s::BIGINT AND presence.entries = %(was_entries)s::INTEGER AND presence.exits =
    %(was_exits)s::INTEGER AND presence.last_at = %(was_last_at)s::TIMESTAMP WITH TIME ZONE AND presence.last_direction =
    %(was_direction)s::VARCHAR AND presence.suspect IS false
RETURNING presence.id),
logged AS (INSERT INTO scan (edition_id, device_id, client_uuid, device_seq, pairing_no, gate_id, zone, direction, code_hash,
    badge_id, device_time, corrected_at, received_at, local_day, decision, reason, rule, repeat_of_id, key_id, snapshot_version,
    body_hash, decided_by, override_by, override_reason, server_verdict, device_verdict, conflict, badge_verdict, clock_suspect,
    annuls_id, annulled)
SELECT %(edition_id)s::BIGINT AS edition_id, %(device_id)s::BIGINT AS device_id, %(client_uuid)s::VARCHAR AS client_uuid,
    %(device_seq)s::BIGINT AS device_seq, %(pairing_no)s::INTEGER AS pairing_no, %(gate_id)s::BIGINT AS gate_id, %(zone)s::VARCHAR
    AS zone, %(direction)s::VARCHAR AS direction, %(code_hash)s::VARCHAR AS code_hash, %(badge_id)s::BIGINT AS badge_id,
    %(device_time)s::TIMESTAMP WITH TIME ZONE AS device_time, %(corrected_at)s::TIMESTAMP WITH TIME ZONE AS corrected_at,
    %(received_at)s::TIMESTAMP WITH TIME ZONE AS received_at, %(local_day)s::DATE AS local_day, %(decision)s::VARCHAR AS decision,
    %(reason)s::VARCHAR AS reason, %(rule)s::VARCHAR AS rule, %(repeat_of_id)s::BIGINT AS repeat_of_id, %(key_id)s::INTEGER AS
    key_id, %(snapshot_version)s::INTEGER AS snapshot_version, %(body_hash)s::VARCHAR AS body_hash, 'server' AS decided_by,
    CAST(NULL AS BIGINT) AS override_by, '' AS override_reason, '' AS server_verdict, '' AS device_verdict, false AS conflict, ''
    AS badge_verdict, false AS clock_suspect, CAST(NULL AS BIGINT) AS annuls_id, false AS annulled
FROM carried
ON CONFLICT (device_id, client_uuid) DO NOTHING
RETURNING scan.id)
SELECT (SELECT carried.id
FROM carried) AS anon_1, (SELECT logged.id
FROM logged) AS anon_2"""
REPEAT = dt.timedelta(seconds=5)


def run(connection: psycopg.Connection[Any], token: str, body: dict[str, Any]) -> dict[str, Any]:
    """One scan, stored; the connection's transaction is committed."""
    serial = base64.b32decode(body["code"] + "===")[7:15].hex()
    code_hash = hashlib.sha256(body["code"].encode()).hexdigest()
    now = dt.datetime.now(dt.UTC)
    cursor = connection.cursor()
    device = cursor.execute(DEVICE, {"token_hash": hashlib.sha256(token.encode()).hexdigest()}).fetchone()
    assert device is not None
    values = {
        "edition_id": device[7],
        "device_id": device[0],
        "gate_id": device[16],
        "zone": device[20],
        "serial": serial,
        "client_uuid": body["client_uuid"],
        "device_seq": body["device_seq"],
        "device_time": dt.datetime.fromisoformat(body["device_time"]),
        "day": now.date(),
        "period": now.date(),
        "local_day": now.date(),
        "now": now,
        "since": now - REPEAT,
        "code_hash": code_hash,
        "direction": "entry",
    }
    known = cursor.execute(CONTEXT, values).fetchone()
    assert known is not None
    presence_id, entries, exits, first_at, first_gate, last_at, last_direction = known[15:22]
    values |= {
        "badge_id": known[0],
        "pairing_no": device[32],
        "corrected_at": now,
        "received_at": now,
        "decision": "admit",
        "reason": "ok",
        "rule": "soft",
        "repeat_of_id": None,
        "key_id": 1,
        "snapshot_version": None,
        "body_hash": f"{code_hash[:56]}|",
        "p_first_entry_at": first_at or now,
        "p_first_gate_id": first_gate or device[16],
        "p_last_at": now,
        "p_last_direction": "entry",
        "p_entries": (entries or 0) + 1,
        "p_exits": exits or 0,
        "p_inside": True,
        "presence_id": presence_id,
        "was_entries": entries,
        "was_exits": exits,
        "was_last_at": last_at,
        "was_direction": last_direction,
    }
    row = cursor.execute(FIRST if presence_id is None else NEXT, values).fetchone()
    assert row is not None and row[1] is not None
    connection.commit()
    return {
        "client_uuid": body["client_uuid"],
        "scan_id": row[1],
        "status": "admit",
        "reason": "ok",
        "direction": "entry",
        "holder": {
            "class": {"code": known[9], "zh": known[10], "en": known[11], "colour": known[12]},
            "locale": known[14],
        },
        "server_time": now.isoformat(),
    }
