"""Recording a scan: read, lock, decide, log, project. The same number of statements whatever the size of the show.

Written in SQL expressions, not through the ORM's unit of work, which costs half of the speed on this path.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.faults import point
from expo_crm.lib import clock, text
from expo_crm.onsite.domain import badge_code, scan_input
from expo_crm.onsite.domain.admission import Day, Facts, Rules, decide
from expo_crm.onsite.domain.admission import Presence as Known
from expo_crm.onsite.domain.presence import Passage, project
from expo_crm.onsite.domain.reasons import ADMITTED, ATTENTION, OVERRIDABLE
from expo_crm.onsite.domain.scan_input import Command
from expo_crm.onsite.models import Badge, Gate, Presence, Scan
from expo_crm.onsite.services import keys, opaque
from expo_crm.onsite.services.devices import Post
from expo_crm.shows.models import OpeningDay
from expo_crm.visitors.models import Registration, VisitorClass

REPEAT = dt.timedelta(seconds=5)
NO_ROW = -1


class UuidReused(Exception):
    """The same client_uuid came with another content."""


class NotOverridable(Exception):
    """This refusal may not be set aside at the gate."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What a gate may show of the person: initials, never a name."""

    initials: str
    company: str
    class_code: str
    class_zh: str
    class_en: str
    colour: str
    locale: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one reading."""

    client_uuid: str
    scan_id: int
    status: str
    reason: str
    direction: str
    holder: Holder | None
    at: dt.datetime
    overridable: bool = False
    first_entry_at: dt.datetime | None = None
    first_gate: tuple[str, str] | None = None
    replayed: bool = False
    repeat: bool = False
    decided_by: str = "server"
    server_verdict: str = ""
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """A code as read: what is wrong with it, and what it says."""

    fault: str
    payload: badge_code.Payload | None
    code_hash: str

    @property
    def serial(self) -> str:
        return self.payload.serial_hex if self.payload and not self.fault else ""


# -- statements ------------------------------------------------------------------------------------------------------

_badge_columns = (
    Badge.id.label("badge_id"),
    Badge.serial,
    Badge.generation,
    Badge.state,
    Badge.printed_at,
    Badge.edition_id,
    Badge.holder,
    Badge.holder_company,
    Badge.hold,
    VisitorClass.code.label("class_code"),
    VisitorClass.name_zh.label("class_zh"),
    VisitorClass.name_en.label("class_en"),
    VisitorClass.colour,
    Registration.state.label("registration_state"),
    Registration.locale,
)
_found_badges = (
    select(*_badge_columns)
    .join(VisitorClass, VisitorClass.id == Badge.class_id)
    .outerjoin(Registration, Registration.id == Badge.registration_id)
    .where(Badge.edition_id == bindparam("edition_id"))
    .with_for_update(of=Badge)
)
_BADGE = _found_badges.where(Badge.serial == bindparam("serial"))
# Everybody locks in one order, so batches cannot block each other for ever.
_BADGES = _found_badges.where(Badge.serial.in_(bindparam("serials", expanding=True))).order_by(Badge.id)
_scan = Scan.__table__
_presence = Presence.__table__
_LOGGED = tuple(
    _scan.c[name].label(f"scan_{name}")
    for name in (
        "id",
        "device_id",
        "client_uuid",
        "body_hash",
        "code_hash",
        "decision",
        "reason",
        "direction",
        "corrected_at",
        "received_at",
        "decided_by",
        "server_verdict",
        "device_verdict",
        "conflict",
    )
)
_BY_UUID = select(*_LOGGED).where(
    _scan.c.device_id == bindparam("device_id"), _scan.c.client_uuid == bindparam("client_uuid")
)


@cache
def _context_statement() -> Any:
    """What deciding needs, in one statement: presence of the badge, the opening day, and what this device has said before
    under the same uuid or to the same badge a moment ago. There is always a row."""
    here = select(
        bindparam("edition_id", type_=_scan.c.edition_id.type).label("edition_id"),
        bindparam("badge_id", type_=_scan.c.edition_id.type).label("badge_id"),
        bindparam("zone", type_=_scan.c.zone.type).label("zone"),
        bindparam("day", type_=_scan.c.local_day.type).label("day"),
    ).subquery("here")
    # Two look-ups, each by its own index: joined by OR, a planner may read all that the device has ever sent.
    said = union_all(
        select(*_LOGGED).where(
            _scan.c.device_id == bindparam("device_id"), _scan.c.client_uuid == bindparam("client_uuid")
        ),
        select(*_LOGGED).where(
            _scan.c.badge_id == bindparam("badge_id"),
            _scan.c.received_at > bindparam("since", type_=_scan.c.received_at.type),
        ),
    ).subquery("said")
    return (
        select(
            _presence.c.entries,
            _presence.c.inside,
            _presence.c.first_entry_at,
            _presence.c.last_at,
            Gate.name_zh.label("gate_zh"),
            Gate.name_en.label("gate_en"),
            OpeningDay.day.label("open_day"),
            OpeningDay.opens_at,
            OpeningDay.closes_at,
            said,
        )
        .select_from(here)
        .outerjoin(
            _presence,
            and_(
                _presence.c.badge_id == here.c.badge_id,
                _presence.c.zone == here.c.zone,
                _presence.c.local_day == here.c.day,
            ),
        )
        .outerjoin(Gate, Gate.id == _presence.c.first_gate_id)
        .outerjoin(OpeningDay, and_(OpeningDay.edition_id == here.c.edition_id, OpeningDay.day == here.c.day))
        .outerjoin(said, true())
        .order_by(said.c.scan_id.desc())
    )


_PASSAGES = select(_scan.c.corrected_at, _scan.c.direction, _scan.c.gate_id).where(
    _scan.c.badge_id == bindparam("badge_id"),
    _scan.c.zone == bindparam("zone"),
    _scan.c.local_day == bindparam("day"),
    _scan.c.decision.in_(ADMITTED),
    _scan.c.id.not_in(select(_scan.c.annuls_id).where(_scan.c.annuls_id.is_not(None))),
)
_INSIDE = select(func.count()).where(
    _presence.c.edition_id == bindparam("edition_id"),
    _presence.c.local_day == bindparam("day"),
    _presence.c.zone == bindparam("zone"),
    _presence.c.inside,
)


@cache
def _insert_scan(dialect: str) -> Any:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    return insert(_scan).on_conflict_do_nothing(index_elements=["device_id", "client_uuid"]).returning(_scan.c.id)


@cache
def _upsert_presence(dialect: str) -> Any:
    """One more passage, in any order: minimum, maximum and count, as ``domain.presence.add``."""
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(_presence)
    old, new = _presence.c, statement.excluded
    first = and_(
        new.first_entry_at.is_not(None),
        or_(
            old.first_entry_at.is_(None),
            new.first_entry_at < old.first_entry_at,
            and_(new.first_entry_at == old.first_entry_at, new.first_gate_id < old.first_gate_id),
        ),
    )
    last = or_(new.last_at > old.last_at, and_(new.last_at == old.last_at, new.last_direction == "exit"))
    return statement.on_conflict_do_update(
        index_elements=["badge_id", "zone", "local_day"],
        set_={
            "first_entry_at": case((first, new.first_entry_at), else_=old.first_entry_at),
            "first_gate_id": case((first, new.first_gate_id), else_=old.first_gate_id),
            "last_at": case((last, new.last_at), else_=old.last_at),
            "last_direction": case((last, new.last_direction), else_=old.last_direction),
            "inside": case((last, new.inside), else_=old.inside),
            "entries": old.entries + new.entries,
            "exits": old.exits + new.exits,
        },
    )


# -- recording -------------------------------------------------------------------------------------------------------


def record_scan(post: Post, command: Command) -> Answer:
    """Decide on one reading at a gate, log it, and answer. A repeat with the same uuid gets the stored answer.

    Raises UuidReused when the uuid was used for something else. The gate must be set.
    """
    connection = db.session.connection()
    [reading] = _read(connection, [command.code])
    point("after_read")
    badges = _lock_badges(connection, post, [reading])
    point("after_lock")
    return _record(connection, post, command, reading, badges.get(reading.serial))


def record_scans(post: Post, commands: list[Command]) -> list[Answer | Exception]:
    """An offline queue. Each item stands alone: one answer, or the error that this item alone has."""
    connection = db.session.connection()
    readings = _read(connection, [c.code for c in commands])
    point("after_read")
    badges = _lock_badges(connection, post, readings)
    point("after_lock")
    out: list[Answer | Exception] = []
    for number, (command, reading) in enumerate(zip(commands, readings, strict=True)):
        point("mid_batch_item", number)
        try:
            out.append(_record(connection, post, command, reading, badges.get(reading.serial), queued=True))
        except UuidReused as error:
            out.append(error)
    return out


def _read(connection: Connection, codes: list[str]) -> list[_Reading]:
    """What the codes say. Opaque ones are looked up, all of them in one statement."""
    found = [badge_code.parse(code) for code in codes]
    looked_up = opaque.resolve(
        connection, {f.opaque for f in found if isinstance(f, badge_code.Unreadable) and f.opaque}
    )
    readings = []
    for raw, code in zip(codes, found, strict=True):
        hashed = hashlib.sha256(badge_code.clean(raw).encode("utf-8", "surrogatepass")).hexdigest()
        if not isinstance(code, badge_code.Unreadable):
            readings.append(_Reading(keys.fault(code), code.payload, hashed))
        elif code.opaque in looked_up:
            readings.append(_Reading("", looked_up[code.opaque], hashed))
        else:
            readings.append(_Reading(code.reason, None, hashed))
    return readings


def _lock_badges(connection: Connection, post: Post, readings: list[_Reading]) -> dict[str, Row[Any]]:
    """The badges behind these codes, locked until the answer is stored: two gates cannot decide on one at once."""
    serials = sorted({r.serial for r in readings if r.payload and r.payload.edition_id == post.edition_id} - {""})
    if not serials:
        return {}
    if len(serials) == 1:
        rows = connection.execute(_BADGE, {"edition_id": post.edition_id, "serial": serials[0]})
    else:
        rows = connection.execute(_BADGES, {"edition_id": post.edition_id, "serials": serials})
    return {row.serial: row for row in rows}


def _record(
    connection: Connection,
    post: Post,
    command: Command,
    reading: _Reading,
    badge: Row[Any] | None,
    *,
    queued: bool = False,
) -> Answer:
    now = clock.now()
    direction = post.direction if post.direction != "both" else command.direction or "entry"
    body_hash = hashlib.sha256(f"{reading.code_hash}|{command.direction or ''}".encode()).hexdigest()
    badge_id = badge.badge_id if badge is not None else None
    at, suspect = scan_input.correct(command.device_time, command.time_unreadable, post.offset, post.paired_at, now)
    if not queued:  # the server decides now, whatever the device's clock says
        at = now
    day = clock.local_day(at, post.timezone)
    before = connection.execute(
        _context_statement(),
        {
            "edition_id": post.edition_id,
            "badge_id": NO_ROW if badge_id is None else badge_id,
            "zone": post.zone,
            "day": day,
            "device_id": post.device_id,
            "client_uuid": command.client_uuid,
            "since": now - REPEAT,
        },
    ).all()
    for row in before:
        if row.scan_client_uuid == command.client_uuid and row.scan_device_id == post.device_id:
            return _replay(connection, row, badge, command, body_hash)
    for row in () if queued or badge is None else before:
        # The same code once more at once is one reading; another print of the badge is not.
        if row.scan_device_id != post.device_id:
            continue
        same = row.scan_code_hash == reading.code_hash and row.scan_direction == direction
        if same and row.scan_received_at <= now:
            return replace(_stored(row, badge), client_uuid=command.client_uuid, repeat=True)

    state = _state(connection, post, badge_id, day, before[0], at if queued else None)
    rules = _rules(post, direction, state)
    facts = _facts(connection, post, reading, badge, state, rules, day)
    verdict = decide(facts, rules, at)
    point("after_decide")
    final = command.decided or verdict
    agrees = (final.status in ADMITTED) == (verdict.status in ADMITTED)
    conflict = command.decided is not None and not agrees
    server_verdict = "" if command.decided is None else "agrees" if agrees else verdict.reason
    values = {
        "edition_id": post.edition_id,
        "device_id": post.device_id,
        "client_uuid": command.client_uuid,
        "device_seq": command.device_seq,
        "gate_id": post.gate_id,
        "zone": post.zone,
        "direction": direction,
        "code_hash": reading.code_hash,
        "badge_id": badge_id,
        "device_time": command.device_time,
        "corrected_at": at,
        "received_at": now,
        "local_day": day,
        "decided_by": "device" if command.decided else "server",
        "decision": final.status,
        "reason": final.reason,
        "override_reason": "",
        "server_verdict": server_verdict,
        "device_verdict": "",
        "conflict": conflict,
        "clock_suspect": suspect,
        "key_id": reading.payload.kid if reading.payload else None,
        "body_hash": body_hash,
    }
    scan_id = _store(connection, values)
    if scan_id is None:  # the same uuid was stored while we decided
        row = connection.execute(_BY_UUID, {"device_id": post.device_id, "client_uuid": command.client_uuid}).one()
        return _replay(connection, row, badge, command, body_hash)
    return Answer(
        client_uuid=command.client_uuid,
        scan_id=scan_id,
        status=final.status,
        reason=final.reason,
        direction=direction,
        holder=_holder(badge),
        at=at,
        overridable=final.status not in ADMITTED and final.reason in OVERRIDABLE,
        first_entry_at=state.first_entry_at,
        first_gate=(state.gate_zh, state.gate_en) if state.gate_zh is not None else None,
        decided_by=values["decided_by"],
        server_verdict=server_verdict,
        conflict=conflict,
    )


def _store(connection: Connection, values: dict[str, Any]) -> int | None:
    """Log one scan and carry it into presence; None when its key is already there."""
    dialect = connection.dialect.name
    scan_id = connection.execute(_insert_scan(dialect), values).scalar()
    point("after_insert")
    if scan_id is not None and values["badge_id"] is not None and values["decision"] in ADMITTED:
        entry = values["direction"] == "entry"
        connection.execute(
            _upsert_presence(dialect),
            {
                "edition_id": values["edition_id"],
                "badge_id": values["badge_id"],
                "zone": values["zone"],
                "local_day": values["local_day"],
                "first_entry_at": values["corrected_at"] if entry else None,
                "first_gate_id": values["gate_id"] if entry else None,
                "last_at": values["corrected_at"],
                "last_direction": values["direction"],
                "entries": int(entry),
                "exits": int(not entry),
                "inside": entry,
            },
        )
    return scan_id


@dataclass(frozen=True, slots=True)
class _State:
    known: Known
    first_entry_at: dt.datetime | None
    gate_zh: str | None
    gate_en: str | None
    today: Day | None


def _state(
    connection: Connection, post: Post, badge_id: int | None, day: dt.date, row: Row[Any], until: dt.datetime | None
) -> _State:
    """What is known of the badge in this zone and day; for a queued scan, what was known at its own time."""
    today = Day(row.open_day, row.opens_at, row.closes_at) if row.open_day else None
    if until is None or badge_id is None:
        known = Known(row.entries or 0, bool(row.inside), row.first_entry_at, row.last_at)
    else:
        log = connection.execute(_PASSAGES, {"badge_id": badge_id, "zone": post.zone, "day": day})
        passages = (Passage(*p) for p in log if p.corrected_at < until)
        then = project(passages)
        known = Known(then.entries, then.inside, then.first_entry_at, then.last_at)
    return _State(known, row.first_entry_at, row.gate_zh, row.gate_en, today)


def _rules(post: Post, direction: str, state: _State) -> Rules:
    return Rules(
        direction=direction,
        zone_name=clock.zone(post.timezone),
        first_day=post.starts_on,
        last_day=post.ends_on,
        days=(state.today,) if state.today else (),
        any_time=post.any_time,
        classes=frozenset(post.classes),
        zone_classes=frozenset(post.zone_classes),
        windows=post.windows,
        timed_classes=frozenset(post.counted_classes),
        anti_passback=post.anti_passback,
        cooldown=dt.timedelta(minutes=post.cooldown_minutes),
        capacity=post.capacity,
    )


def _facts(
    connection: Connection,
    post: Post,
    reading: _Reading,
    badge: Row[Any] | None,
    state: _State,
    rules: Rules,
    day: dt.date,
) -> Facts:
    payload = reading.payload
    if reading.fault or payload is None or badge is None:
        same = payload is None or payload.edition_id == post.edition_id
        return Facts(
            fault=reading.fault, device_allowed=post.allowed, same_edition=same, known=badge is not None
        )
    inside = 0
    if rules.capacity is not None:
        inside = (
            connection.execute(_INSIDE, {"edition_id": post.edition_id, "day": day, "zone": post.zone}).scalar() or 0
        )
    return Facts(
        device_allowed=post.allowed,
        unpaid=badge.hold == "unpaid",
        needs_input=badge.hold == "need_input",
        purpose=payload.purpose.name.lower(),
        badge_printed=badge.printed_at is not None,
        badge_state=badge.state,
        generation=payload.generation,
        current_generation=badge.generation,
        registration_state=badge.registration_state or "",
        badge_class=badge.class_code,
        presence=state.known,
        inside_zone=inside,
    )


def _replay(connection: Connection, row: Row[Any], badge: Row[Any] | None, command: Command, body_hash: str) -> Answer:
    if row.scan_body_hash != body_hash:
        raise UuidReused(command.client_uuid)
    answer = replace(_stored(row, badge), replayed=True)
    if command.decided and row.scan_decided_by == "server" and not row.scan_device_verdict:
        # The answer was late, so the device decided by itself: its verdict is kept beside ours, and ours stands.
        conflict = (command.decided.status in ADMITTED) != (row.scan_decision in ADMITTED)
        connection.execute(
            update(_scan)
            .where(_scan.c.id == row.scan_id)
            .values(device_verdict=command.decided.reason, conflict=conflict)
        )
        answer = replace(answer, conflict=conflict, server_verdict=row.scan_reason if conflict else "agrees")
    return answer


def _stored(row: Row[Any], badge: Row[Any] | None) -> Answer:
    """The answer that a logged scan got."""
    return Answer(
        client_uuid=row.scan_client_uuid,
        scan_id=row.scan_id,
        status=row.scan_decision,
        reason=row.scan_reason,
        direction=row.scan_direction,
        holder=_holder(badge),
        at=row.scan_corrected_at,
        overridable=row.scan_decision not in ADMITTED and row.scan_reason in OVERRIDABLE,
        decided_by=row.scan_decided_by,
        server_verdict=row.scan_server_verdict,
        conflict=bool(row.scan_conflict),
    )


def _holder(badge: Row[Any] | None) -> Holder | None:
    if badge is None:
        return None
    return Holder(
        initials=initials(badge.holder),
        company=initials(badge.holder_company, most=1),
        class_code=badge.class_code,
        class_zh=badge.class_zh,
        class_en=badge.class_en,
        colour=badge.colour,
        locale=badge.locale or "zh",
    )


def initials(name: str, most: int = 3) -> str:
    """``L. X.``: enough for a person at the gate to compare, too little to know somebody by. Chinese in pinyin."""
    if not text.has_han(name):
        short = "".join(w[:1] for w in text.fold(name).split())
    elif len(name) <= 4 and all(map(text.is_han, name)):
        short = "".join(map(_reading, name[:most]))
    else:
        short = _reading(name[: 2 * most + 1])  # the first signs decide
    return " ".join(f"{s.upper()}." for s in short[:most])


@lru_cache(maxsize=16_384)
def _reading(signs: str) -> str:
    """Initials in pinyin. Finding one costs as much as a statement, so most names are asked sign by sign, from memory."""
    return text.pinyin(signs)[1]


# -- by hand ---------------------------------------------------------------------------------------------------------


def override(
    scan: Scan,
    reason: str,
    *,
    client_uuid: str | None = None,
    user_id: int | None = None,
    by: str = "",
    device_seq: int | None = None,
) -> Scan:
    """A person lets a refused badge pass, for a reason. A row of its own; the refusal stays in the log.

    Raises NotOverridable for a withdrawn, foreign or unknown badge. The same ``client_uuid`` again gives the same row.
    """
    key = client_uuid or str(uuid.uuid4())
    done = find_by_uuid(scan.device_id, key)
    if done is not None:
        if done.override_reason == "" or done.badge_id != scan.badge_id:
            raise UuidReused(key)
        return done
    if scan.badge_id is None or scan.decision in ADMITTED or scan.reason not in OVERRIDABLE:
        raise NotOverridable(scan.reason)
    now = clock.now()
    connection = db.session.connection()
    connection.execute(select(Badge.id).where(Badge.id == scan.badge_id).with_for_update())
    zone = db.session.get_one(Badge, scan.badge_id).edition.timezone
    values = {
        "edition_id": scan.edition_id,
        "device_id": scan.device_id,
        "client_uuid": key,
        "device_seq": device_seq,
        "gate_id": scan.gate_id,
        "zone": scan.zone,
        "direction": scan.direction,
        "code_hash": scan.code_hash,
        "badge_id": scan.badge_id,
        "device_time": None,
        "corrected_at": now,
        "received_at": now,
        "local_day": clock.local_day(now, zone),
        "decided_by": "staff",
        "decision": ATTENTION,
        "reason": "override",
        "override_by": user_id,
        "override_reason": text.truncate(f"{reason} — {by}" if by else reason, 300),
        "server_verdict": scan.reason,
        "device_verdict": "",
        "conflict": False,
        "clock_suspect": False,
        "key_id": scan.key_id,
        "body_hash": "",
    }
    _store(connection, values)
    made = find_by_uuid(scan.device_id, key)
    assert made is not None
    audit.record(
        "scan.override", "scan", made.id, edition_id=scan.edition_id, changes={"refused": scan.reason}, reason=reason
    )
    return made


def find_by_uuid(device_id: int, client_uuid: str) -> Scan | None:
    return db.session.scalar(select(Scan).where(Scan.device_id == device_id, Scan.client_uuid == client_uuid))


def answer_of(scan: Scan) -> Answer:
    """The answer that belongs to a logged scan, for the device that asks again."""
    badge = (
        db.session.connection()
        .execute(
            select(*_badge_columns)
            .join(VisitorClass, VisitorClass.id == Badge.class_id)
            .outerjoin(Registration, Registration.id == Badge.registration_id)
            .where(Badge.id == scan.badge_id)
        )
        .first()
    )
    row = db.session.connection().execute(select(*_LOGGED).where(_scan.c.id == scan.id)).one()
    return _stored(row, badge)
