"""What the application does for one scan, as SQL written by hand: the yardstick of the other two arms.

The same statements in the same order: device, badge locked, context, log row, presence. It decides nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

import psycopg

DEVICE = """
SELECT device.id, device.name, device.profile, device.paired_at, device.revoked_at, device.seen_at, device.clock_offset_ms, edition.id,
       edition.show_id, edition.slug, edition.name_zh, edition.name_en, edition.timezone, edition.starts_on, edition.ends_on,
       edition.counted_classes, gate.id, gate.code, gate.name_zh, gate.name_en, gate.zone, gate.direction, gate.anti_passback,
       gate.cooldown_minutes, gate.classes, gate.any_time, hall.capacity
FROM device JOIN edition ON edition.id = device.edition_id LEFT JOIN gate ON gate.id = device.gate_id
    LEFT JOIN hall ON hall.id = gate.hall_id
WHERE device.token_hash = %s"""
BADGE = """
SELECT badge.id, badge.serial, badge.generation, badge.state, badge.printed_at, badge.edition_id, badge.holder, badge.holder_company,
       visitor_class.code, visitor_class.name_zh, visitor_class.name_en, visitor_class.colour, registration.state, registration.locale
FROM badge JOIN visitor_class ON visitor_class.id = badge.class_id LEFT JOIN registration ON registration.id = badge.registration_id
WHERE badge.edition_id = %s AND badge.serial = %s FOR UPDATE OF badge"""
CONTEXT = """
SELECT presence.entries, presence.inside, presence.first_entry_at, presence.last_at, gate.name_zh, gate.name_en, opening_day.day,
       opening_day.opens_at, opening_day.closes_at, scan.id, scan.client_uuid, scan.body_hash, scan.code_hash, scan.decision, scan.reason,
       scan.direction, scan.corrected_at, scan.received_at, scan.decided_by, scan.server_verdict, scan.device_verdict, scan.conflict
FROM (SELECT %(edition)s::bigint AS edition_id, %(badge)s::bigint AS badge_id, %(zone)s::varchar AS zone, %(day)s::date AS day) AS here
LEFT JOIN presence ON presence.badge_id = here.badge_id AND presence.zone = here.zone AND presence.local_day = here.day
LEFT JOIN gate ON gate.id = presence.first_gate_id
LEFT JOIN opening_day ON opening_day.edition_id = here.edition_id AND opening_day.day = here.day
LEFT JOIN scan ON scan.device_id = %(device)s AND scan.client_uuid = %(uuid)s
    OR scan.badge_id = %(badge)s AND scan.device_id = %(device)s AND scan.received_at > %(since)s
ORDER BY scan.id DESC"""
LOG = """
INSERT INTO scan (edition_id, device_id, client_uuid, device_seq, gate_id, zone, direction, code_hash, badge_id, device_time, corrected_at,
    received_at, local_day, decided_by, decision, reason, override_reason, server_verdict, device_verdict, conflict, clock_suspect, key_id,
    body_hash)
VALUES (%(edition)s, %(device)s, %(uuid)s, %(seq)s, %(gate)s, %(zone)s, 'entry', %(code_hash)s, %(badge)s, %(device_time)s, %(now)s,
    %(now)s, %(day)s, 'server', 'admit', 'ok', '', '', '', false, false, 1, %(body_hash)s)
ON CONFLICT (device_id, client_uuid) DO NOTHING RETURNING id"""
PRESENCE = """
INSERT INTO presence (edition_id, badge_id, zone, local_day, first_entry_at, first_gate_id, last_at, last_direction, entries, exits, inside)
VALUES (%(edition)s, %(badge)s, %(zone)s, %(day)s, %(now)s, %(gate)s, %(now)s, 'entry', 1, 0, true)
ON CONFLICT (badge_id, zone, local_day) DO UPDATE SET
    first_entry_at = least(presence.first_entry_at, excluded.first_entry_at),
    first_gate_id = CASE WHEN excluded.first_entry_at < presence.first_entry_at THEN excluded.first_gate_id ELSE presence.first_gate_id END,
    last_at = greatest(presence.last_at, excluded.last_at),
    last_direction = CASE WHEN excluded.last_at > presence.last_at THEN excluded.last_direction ELSE presence.last_direction END,
    inside = CASE WHEN excluded.last_at > presence.last_at THEN excluded.inside ELSE presence.inside END,
    entries = presence.entries + excluded.entries, exits = presence.exits + excluded.exits"""
REPEAT = dt.timedelta(seconds=5)


def run(connection: psycopg.Connection[Any], token: str, body: dict[str, Any]) -> dict[str, Any]:
    """One scan, stored; the connection's transaction is committed."""
    serial = base64.b32decode(body["code"] + "===")[7:15].hex()
    code_hash = hashlib.sha256(body["code"].encode()).hexdigest()
    now = dt.datetime.now(dt.UTC)
    cursor = connection.cursor()
    device = cursor.execute(DEVICE, [hashlib.sha256(token.encode()).hexdigest()]).fetchone()
    assert device is not None
    badge = cursor.execute(BADGE, [device[7], serial]).fetchone()
    assert badge is not None
    values = {
        "edition": device[7],
        "device": device[0],
        "gate": device[16],
        "zone": device[20],
        "badge": badge[0],
        "uuid": body["client_uuid"],
        "seq": body["device_seq"],
        "device_time": dt.datetime.fromisoformat(body["device_time"]),
        "day": now.date(),
        "now": now,
        "since": now - REPEAT,
        "code_hash": code_hash,
        "body_hash": hashlib.sha256(f"{code_hash}|".encode()).hexdigest(),
    }
    cursor.execute(CONTEXT, values).fetchall()
    row = cursor.execute(LOG, values).fetchone()
    assert row is not None
    cursor.execute(PRESENCE, values)
    connection.commit()
    return {
        "client_uuid": body["client_uuid"],
        "scan_id": row[0],
        "status": "admit",
        "reason": "ok",
        "direction": "entry",
        "holder": {"class": {"code": badge[8], "zh": badge[9], "en": badge[10], "colour": badge[11]}, "locale": badge[13]},
        "server_time": now.isoformat(),
    }
