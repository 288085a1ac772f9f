"""Recording scans: read, decide, log, project. The same number of statements whatever the size of the show.

A gate with a network asks one by one (``record_scan``): what is known is read without a lock, and the answer is only stored if
it is still true (``scan_log.write_one``); otherwise it is read and decided again. What devices decided by themselves comes in
batches (``record_scans``): that has happened, and is only judged.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update
from sqlalchemy.orm import aliased

from expo_crm.db import db
from expo_crm.faults import point
from expo_crm.lib import clock, text
from expo_crm.onsite.domain import badge_code, scan_input
from expo_crm.onsite.domain.admission import Day, Facts, Rules, decide, decide_badge
from expo_crm.onsite.domain.presence import AGREES, NOBODY, State
from expo_crm.onsite.domain.reasons import ADMITTED, OVERRIDABLE, VOID
from expo_crm.onsite.domain.scan_input import Command
from expo_crm.onsite.models import Badge, DeviceBoot, Gate, Presence, Scan
from expo_crm.onsite.services import devices, keys, opaque, scan_log
from expo_crm.onsite.services.devices import Post
from expo_crm.onsite.services.fast import first
from expo_crm.onsite.services.scan_log import new_row
from expo_crm.shows.models import OpeningDay
from expo_crm.visitors.models import Registration, VisitorClass

REPEAT = dt.timedelta(seconds=5)
NEAR = 64  # places before a full zone from which its doors admit one after the other; more doors never decide at one moment
ATTEMPTS = 60  # of deciding again because another gate was faster: each of them lets one gate through


class UuidReused(Exception):
    """The same client_uuid came with another content."""


class InFlight(Exception):
    """The same client_uuid is being stored by another request at this moment."""


class NoSuchGate(Exception):
    """The gate that an item names is not one of this edition."""


class NotAllowed(Exception):
    """The gate that an item names is not one where this device may stand."""


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
class Reading:
    """A code as read: what is wrong with it, and what it says."""

    fault: str
    payload: badge_code.Payload | None
    code_hash: str

    @property
    def serial(self) -> str:
        return self.payload.serial_hex if self.payload and not self.fault else ""


@dataclass(frozen=True, slots=True)
class Sent:
    """When a batch left its device, by the device's own clocks."""

    device_time: dt.datetime | None = None
    boot_id: str = ""
    mono_ms: int | None = None


def read_codes(connection: Connection, codes: list[str]) -> list[Reading]:
    """What the codes say. Opaque ones are looked up, all of them in one statement."""
    found = [badge_code.parse(code) for code in codes]
    looked_up = opaque.resolve(
        connection, {f.opaque for f in found if isinstance(f, badge_code.Unreadable) and f.opaque}
    )
    readings = []
    for raw, code in zip(codes, found, strict=True):
        hashed = hash_of(raw)
        if not isinstance(code, badge_code.Unreadable):
            readings.append(Reading(keys.fault(code), code.payload, hashed))
        elif code.opaque in looked_up:
            readings.append(Reading("", looked_up[code.opaque], hashed))
        else:
            readings.append(Reading(code.reason, None, hashed))
    return readings


def hash_of(raw: str) -> str:
    """What the log keeps of a text that was read."""
    return hashlib.sha256(badge_code.clean(raw).encode("utf-8", "surrogatepass")).hexdigest()


def body_hash(code_hash: str, direction: str | None) -> str:
    """What must be the same when a uuid comes again."""
    return f"{code_hash[:56]}|{direction or ''}"


# -- one by one ------------------------------------------------------------------------------------------------------

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
_scan: Any = Scan.__table__
_presence: Any = Presence.__table__


_LOGGED = tuple(
    _scan.c[name].label(f"scan_{name}")
    for name in (
        "id",
        "device_id",
        "client_uuid",
        "body_hash",
        "decision",
        "reason",
        "direction",
        "corrected_at",
        "decided_by",
        "server_verdict",
        "device_verdict",
        "conflict",
        "repeat_of_id",
    )
)


@cache
def _context_statement(capacity: bool) -> Any:
    """What deciding needs, in one statement: the badge, its presence, the opening day, and what this device has said before
    under the same uuid or to the same badge a moment ago. There is always a row."""
    here = select(
        bindparam("edition_id", type_=_scan.c.edition_id.type).label("edition_id"),
        bindparam("serial", type_=Badge.__table__.c.serial.type).label("serial"),
        bindparam("zone", type_=_scan.c.zone.type).label("zone"),
        bindparam("day", type_=_scan.c.local_day.type).label("day"),
        bindparam("period", type_=_scan.c.local_day.type).label("period"),
    ).subquery("here")
    said, lately = _scan.alias("said"), _scan.alias("lately")
    first_gate = aliased(Gate)
    inside = (
        select(func.count())
        .select_from(Presence)
        .where(
            _presence.c.edition_id == bindparam("edition_id"),
            _presence.c.zone == bindparam("zone"),
            _presence.c.local_day == bindparam("period"),
            _presence.c.inside,
        )
        .scalar_subquery()
    )
    return (
        select(
            *_badge_columns,
            _presence.c.id.label("presence_id"),
            _presence.c.entries,
            _presence.c.exits,
            _presence.c.first_entry_at,
            _presence.c.first_gate_id,
            _presence.c.last_at,
            _presence.c.last_direction,
            _presence.c.suspect,
            first_gate.name_zh.label("gate_zh"),
            first_gate.name_en.label("gate_en"),
            OpeningDay.opens_at,
            OpeningDay.closes_at,
            said.c.id.label("said_id"),
            lately.c.id.label("lately_id"),
            *((inside.label("inside_zone"),) if capacity else ()),
        )
        .select_from(here)
        .outerjoin(Badge, and_(Badge.serial == here.c.serial, Badge.edition_id == here.c.edition_id))
        .outerjoin(VisitorClass, VisitorClass.id == Badge.class_id)
        .outerjoin(Registration, Registration.id == Badge.registration_id)
        .outerjoin(
            _presence,
            and_(
                _presence.c.badge_id == Badge.id,
                _presence.c.zone == here.c.zone,
                _presence.c.local_day == here.c.period,
            ),
        )
        .outerjoin(first_gate, first_gate.id == _presence.c.first_gate_id)
        .outerjoin(OpeningDay, and_(OpeningDay.edition_id == here.c.edition_id, OpeningDay.day == here.c.day))
        .outerjoin(
            said, and_(said.c.device_id == bindparam("device_id"), said.c.client_uuid == bindparam("client_uuid"))
        )
        .outerjoin(
            lately,
            and_(
                lately.c.badge_id == Badge.id,
                lately.c.device_id == bindparam("device_id"),
                # When it was read, not when it came: a queue that was uploaded just now holds readings of hours ago.
                lately.c.corrected_at > bindparam("since", type_=_scan.c.corrected_at.type),
                lately.c.corrected_at <= bindparam("now", type_=_scan.c.corrected_at.type),
                lately.c.code_hash == bindparam("code_hash"),
                lately.c.direction == bindparam("direction"),
                lately.c.decision != VOID,
                lately.c.reason != "internal",  # nobody saw an answer then
                lately.c.annulled.is_(False),
            ),
        )
        .order_by(lately.c.id.desc())
        .limit(1)
    )


def record_scan(post: Post, command: Command) -> Answer:
    """Decide on one reading at a gate, log it, and answer. A repeat with the same uuid gets the stored answer.

    Raises UuidReused when the uuid was used for something else, InFlight when it is being stored just now. The gate must be
    set.
    """
    connection = db.session.connection()
    [reading] = read_codes(connection, [command.code])
    point("after_read")
    answer = None
    for _attempt in range(ATTEMPTS):
        answer = _try(connection, post, command, reading)
        if answer is not None:
            return answer
    raise InFlight(command.client_uuid)


def _try(connection: Connection, post: Post, command: Command, reading: Reading) -> Answer | None:
    """One decision; None when presence changed while it was made."""
    now = clock.now()
    direction = post.direction if post.direction != "both" else command.direction or "entry"
    same_edition = reading.payload is None or reading.payload.edition_id == post.edition_id
    day = clock.local_day(now, post.timezone)
    period = post.period_of(day)
    given = {
        "edition_id": post.edition_id,
        "serial": reading.serial if same_edition else "",
        "zone": post.zone,
        "day": day,
        "period": period,
        "device_id": post.device_id,
        "client_uuid": command.client_uuid,
        "since": now - REPEAT,
        "now": now,
        "code_hash": reading.code_hash,
        "direction": direction,
    }
    row = first(connection, _context_statement(post.capacity is not None), given)
    point("after_lock")
    badge = row if row.badge_id is not None else None
    hashed = body_hash(reading.code_hash, command.direction)
    if row.said_id is not None:
        return _replay(connection, _logged_row(connection, row.said_id), badge, command, hashed)
    if row.lately_id is not None:
        return _repeat(connection, post, command, reading, row, now, hashed)
    if post.capacity is not None and direction == "entry" and row.inside_zone >= post.capacity - NEAR:
        # The last places: who waits for another door here is judged by the number that it leaves.
        scan_log.lock_zone(connection, post.edition_id, post.zone)
        row = first(connection, _context_statement(True), given)
    before = _state_of(row)
    if before.suspect or (before.last_at is not None and before.last_at >= now):
        # What is newest is not known without the log: hold the badge, so that the row can be settled with its set.
        scan_log.lock_badges(connection, [row.badge_id])
        row = first(connection, _context_statement(post.capacity is not None), given)
        before = _state_of(row)
    rules = rules_at(post, direction, _days(day, row.opens_at, row.closes_at))
    facts = facts_of(post, reading, badge, same_edition, before, row.inside_zone if post.capacity is not None else 0)
    verdict = decide(facts, rules, now)
    point("after_decide")
    values = new_row(
        edition_id=post.edition_id,
        device_id=post.device_id,
        client_uuid=command.client_uuid,
        device_seq=command.device_seq,
        pairing_no=post.pairing_no,
        gate_id=post.gate_id,
        zone=post.zone,
        direction=direction,
        code_hash=reading.code_hash,
        badge_id=row.badge_id,
        device_time=command.device_time,
        corrected_at=now,
        received_at=now,
        local_day=period,
        decision=verdict.status,
        reason=verdict.reason,
        rule=post.rule,
        key_id=reading.payload.kid if reading.payload else None,
        snapshot_version=command.snapshot_version,
        body_hash=hashed,
    )
    scan_id: int | None
    if verdict.status not in ADMITTED or badge is None:
        _same, scan_id = scan_log.write_one(connection, values, None, None)
    elif before.suspect or (before.last_at is not None and before.last_at >= now):
        scan_id = scan_log.add_rows(connection, [values]).get((post.device_id, command.client_uuid))
        scan_log.settle_keys(connection, post.edition_id, [(row.badge_id, post.zone, period)])
    else:
        same, scan_id = scan_log.write_one(connection, values, before, row.presence_id)
        if not same:
            return None
    if scan_id is None:
        raise InFlight(command.client_uuid)
    return Answer(
        client_uuid=command.client_uuid,
        scan_id=scan_id,
        status=verdict.status,
        reason=verdict.reason,
        direction=direction,
        holder=_holder(badge),
        at=now,
        overridable=verdict.status not in ADMITTED and verdict.reason in OVERRIDABLE,
        first_entry_at=row.first_entry_at,
        first_gate=(row.gate_zh, row.gate_en) if row.gate_zh is not None else None,
    )


def _logged_row(connection: Connection, scan_id: int) -> Row[Any]:
    return connection.execute(select(*_LOGGED).where(_scan.c.id == scan_id)).one()


def _repeat(
    connection: Connection,
    post: Post,
    command: Command,
    reading: Reading,
    row: Any,
    now: dt.datetime,
    hashed: str,
) -> Answer:
    """The same badge once more at once is one passage. It is answered as before, and logged because it used up a number."""
    before = _logged_row(connection, row.lately_id)
    values = new_row(
        edition_id=post.edition_id,
        device_id=post.device_id,
        client_uuid=command.client_uuid,
        device_seq=command.device_seq,
        pairing_no=post.pairing_no,
        gate_id=post.gate_id,
        zone=post.zone,
        direction=before.scan_direction,
        code_hash=reading.code_hash,
        badge_id=row.badge_id,
        device_time=command.device_time,
        corrected_at=now,
        received_at=now,
        local_day=post.period_of(clock.local_day(now, post.timezone)),
        decision=VOID,
        reason="repeat",
        repeat_of_id=row.lately_id,
        body_hash=hashed,
    )
    _same, scan_id = scan_log.write_one(connection, values, None, None)
    if scan_id is None:
        raise InFlight(command.client_uuid)
    return replace(_stored(before, row), client_uuid=command.client_uuid, repeat=True)


def note_not_done(post: Post, client_uuid: str, device_seq: int) -> None:
    """An action of a person that was refused has used up a number of its device: the log says so, lest it look lost."""
    now = clock.now()
    values = new_row(
        edition_id=post.edition_id,
        device_id=post.device_id,
        client_uuid=client_uuid,
        device_seq=device_seq,
        pairing_no=post.pairing_no,
        gate_id=post.gate_id,
        zone=post.zone,
        direction="exit" if post.direction == "exit" else "entry",
        code_hash="",
        corrected_at=now,
        received_at=now,
        local_day=post.period_of(clock.local_day(now, post.timezone)),
        decision=VOID,
        reason="not_done",
    )
    scan_log.write_one(db.session.connection(), values, None, None)


def _state_of(row: Any) -> State:
    if row.presence_id is None:
        return NOBODY
    return State(
        row.first_entry_at,
        row.first_gate_id,
        row.last_at,
        row.last_direction,
        row.entries,
        row.exits,
        suspect=row.suspect,
    )


def _days(day: dt.date, opens_at: dt.time | None, closes_at: dt.time | None) -> tuple[Day, ...]:
    return () if opens_at is None or closes_at is None else (Day(day, opens_at, closes_at),)


def rules_at(post: Post, direction: str, days: tuple[Day, ...]) -> Rules:
    """The rules of a post for the decision."""
    return Rules(
        direction=direction,
        zone_name=clock.zone(post.timezone),
        first_day=post.starts_on,
        last_day=post.ends_on,
        days=days,
        any_time=post.any_time,
        classes=frozenset(post.classes),
        zone_classes=frozenset(post.zone_classes),
        timed_classes=frozenset(post.counted_classes),
        windows=post.windows,
        anti_passback=post.anti_passback,
        cooldown=dt.timedelta(minutes=post.cooldown_minutes),
        capacity=post.capacity,
        restricted=post.restricted,
        stale_after=dt.timedelta(hours=post.stale_hours),
    )


def facts_of(
    post: Post,
    reading: Reading,
    badge: Any,
    same_edition: bool,
    state: State,
    inside_zone: int = 0,
    *,
    clock_suspect: bool = False,
) -> Facts:
    """What the server knows about a code: ``badge`` is its row (``_badge_columns``) or None."""
    payload = reading.payload
    if reading.fault or payload is None or badge is None:
        return Facts(
            fault=reading.fault, device_allowed=post.allowed, same_edition=same_edition, known=badge is not None
        )
    return Facts(
        device_allowed=post.allowed,
        purpose=_PURPOSES[payload.purpose],
        badge_printed=badge.printed_at is not None,
        badge_state=badge.state,
        generation=payload.generation,
        current_generation=badge.generation,
        registration_state=badge.registration_state or "",
        unpaid=badge.hold == "unpaid",
        needs_input=badge.hold == "need_input",
        badge_class=badge.class_code,
        presence=state.known,
        inside_zone=inside_zone,
        clock_suspect=clock_suspect,
    )


_PURPOSES = {p: p.name.lower() for p in badge_code.Purpose}


def _replay(connection: Connection, row: Row[Any], badge: Any, command: Command, hashed: str) -> Answer:
    if row.scan_body_hash != hashed:
        raise UuidReused(command.client_uuid)
    answer = replace(_stored(row, badge), replayed=True)
    if row.scan_decision == VOID and row.scan_repeat_of_id is not None:
        answer = replace(
            _stored(_logged_row(connection, row.scan_repeat_of_id), badge),
            client_uuid=command.client_uuid,
            replayed=True,
            repeat=True,
        )
    if (
        command.decided
        and row.scan_decided_by == "server"
        and row.scan_decision != VOID
        and not row.scan_device_verdict
    ):
        # The answer was late, so the device decided by itself: its verdict is kept beside ours, and ours stands.
        conflict = (command.decided.status in ADMITTED) != (row.scan_decision in ADMITTED)
        connection.execute(
            update(_scan)
            .where(_scan.c.id == row.scan_id)
            .values(device_verdict=command.decided.reason, conflict=conflict)
        )
        answer = replace(answer, conflict=conflict, server_verdict=row.scan_reason if conflict else AGREES)
    return answer


def _stored(row: Row[Any], badge: Any) -> Answer:
    """The answer that a logged scan got."""
    return Answer(
        client_uuid=row.scan_client_uuid,
        scan_id=row.scan_id,
        status=row.scan_decision,
        reason=row.scan_reason,
        direction=row.scan_direction,
        holder=_holder(badge),
        at=row.scan_corrected_at,
        overridable=row.scan_decision not in (*ADMITTED, VOID) and row.scan_reason in OVERRIDABLE,
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


# -- queues ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """A scan that has happened, ready to be logged: read, its time put right, its gate found."""

    command: Command
    reading: Reading
    post: Post
    at: dt.datetime
    suspect: bool
    received_at: dt.datetime
    pairing_no: int


def record_scans(post: Post, commands: list[Command], sent: Sent | None = None) -> list[Answer | Exception]:
    """An offline queue. Each item stands alone: one answer, or the error that this item alone has (UuidReused, NoSuchGate,
    NotAllowed, InFlight). Items that the device has not decided are decided now.
    """
    connection = db.session.connection()
    point("after_read")
    now = clock.now()
    stored = _stored_before(connection, post.device_id, commands)
    posts = _posts(post, commands)
    out: list[Answer | Exception | None] = [None] * len(commands)
    fresh: list[int] = []
    seen: dict[str, int] = {}
    for place, command in enumerate(commands):
        if command.client_uuid in stored:
            out[place] = _known(connection, stored[command.client_uuid], command)
        elif command.client_uuid in seen:
            continue  # twice in one batch: answered below from its first
        else:
            seen[command.client_uuid] = place
            found = posts.get(command.gate_id, NoSuchGate()) if command.gate_id is not None else post
            if isinstance(found, Exception):
                out[place] = found
            else:
                fresh.append(place)
    readings = dict(zip(fresh, read_codes(connection, [commands[i].code for i in fresh]), strict=True))
    times = corrected(connection, post, [commands[i] for i in fresh], sent or Sent(), now)
    items: dict[int, Item] = {}
    for place, (at, suspect) in zip(fresh, times, strict=True):
        command = commands[place]
        gate = posts[command.gate_id] if command.gate_id is not None else post
        assert isinstance(gate, Post)
        items[place] = Item(command, readings[place], gate, at, suspect, now, post.pairing_no)
    decided = {place: item for place, item in items.items() if item.command.decided is not None}
    out_of = log_items(connection, list(decided.values()))
    for (place, item), answer in zip(decided.items(), out_of, strict=True):
        out[place] = answer if answer is not None else InFlight(item.command.client_uuid)
    for place, item in items.items():
        if place not in decided:
            out[place] = _one_of_many(item)
    for place, command in enumerate(commands):
        if out[place] is None:
            first = out[seen[command.client_uuid]]
            same = command.code == commands[seen[command.client_uuid]].code
            same = same and command.direction == commands[seen[command.client_uuid]].direction
            out[place] = (
                replace(first, replayed=True) if isinstance(first, Answer) and same else first if same else UuidReused()
            )
    return [answer for answer in out if answer is not None]


def _one_of_many(item: Item) -> Answer | Exception:
    try:
        return record_scan(item.post, item.command)
    except (UuidReused, InFlight) as error:
        return error


def _stored_before(connection: Connection, device_id: int, commands: Sequence[Command]) -> dict[str, Row[Any]]:
    if not commands:
        return {}
    wanted = scan_log.among(connection, _scan.c.client_uuid, (c.client_uuid for c in commands))
    query = select(*_LOGGED).where(_scan.c.device_id == device_id, wanted)
    return {row.scan_client_uuid: row for row in connection.execute(query)}


def _known(connection: Connection, row: Row[Any], command: Command) -> Answer | Exception:
    try:
        return _replay(connection, row, None, command, body_hash(hash_of(command.code), command.direction))
    except UuidReused as error:
        return error


def _posts(post: Post, commands: Sequence[Command]) -> dict[int | None, Post | Exception]:
    """The posts at the gates that items name. A gate of another edition is none; one where the device may not stand neither."""
    wanted = {c.gate_id for c in commands if c.gate_id is not None}
    found: dict[int | None, Post | Exception] = {}
    if post.gate_id in wanted:
        found[post.gate_id] = post
    others = wanted - {post.gate_id}
    if others:
        found |= {p.gate_id: p if p.allowed else NotAllowed() for p in devices.posts_at(post.device_id, others)}
    return found


def corrected(
    connection: Connection, post: Post, commands: Sequence[Command], sent: Sent, now: dt.datetime
) -> list[tuple[dt.datetime, bool]]:
    """(when it happened, doubtful) of each item, by the offset of the session in which it was read."""
    offsets: dict[str, dt.timedelta] = {}
    if any(c.boot_id for c in commands):
        query = select(DeviceBoot.boot_id, DeviceBoot.offset_ms).where(DeviceBoot.device_id == post.device_id)
        offsets = {boot: dt.timedelta(milliseconds=ms) for boot, ms in connection.execute(query)}
    if sent.device_time is not None:
        offsets[sent.boot_id] = now - sent.device_time  # this very contact
    elif post.offset is not None:
        offsets.setdefault("", post.offset)
    out = []
    for command in commands:
        at, suspect = scan_input.correct(
            command.device_time, command.time_unreadable, offsets.get(command.boot_id), post.paired_at, now
        )
        if command.boot_id == sent.boot_id and scan_input.jumped(
            sent.device_time, sent.mono_ms, command.device_time, command.mono_ms
        ):
            suspect = True
        out.append((at, suspect))
    return out


_BADGES = (
    select(*_badge_columns)
    .join(VisitorClass, VisitorClass.id == Badge.class_id)
    .outerjoin(Registration, Registration.id == Badge.registration_id)
)


def log_items(connection: Connection, items: Sequence[Item]) -> list[Answer | None]:
    """Log what devices decided, judge it with what is known of each badge, and settle presence. Answers in order; None where
    the key was taken at the same moment."""
    if not items:
        return []
    edition_id = items[0].post.edition_id
    badges = _badges_of(connection, items)
    point("after_lock")
    days = _opening_days(connection, edition_id)
    rows = []
    for number, item in enumerate(items):
        point("mid_batch_item", number)
        rows.append(_row_of(item, badges.get(item.reading.serial) if _ours(item) else None, days))
    point("after_decide")
    ids = scan_log.add_rows(connection, rows)
    point("after_insert")
    new = [row for row in rows if (row["device_id"], row["client_uuid"]) in ids]
    touched = {(r["badge_id"], r["zone"], r["local_day"]) for r in new if r["badge_id"] is not None}
    verdicts = scan_log.settle_keys(connection, edition_id, touched)
    out: list[Answer | None] = []
    for row in rows:
        scan_id = ids.get((row["device_id"], row["client_uuid"]))
        if scan_id is None:
            out.append(None)
            continue
        verdict, conflict = verdicts.get(scan_id, (row["server_verdict"], row["conflict"]))
        out.append(
            Answer(
                client_uuid=row["client_uuid"],
                scan_id=scan_id,
                status=row["decision"],
                reason=row["reason"],
                direction=row["direction"],
                holder=None,
                at=row["corrected_at"],
                decided_by=row["decided_by"],
                server_verdict=verdict,
                conflict=conflict,
            )
        )
    return out


def _ours(item: Item) -> bool:
    payload = item.reading.payload
    return payload is not None and payload.edition_id == item.post.edition_id


def _badges_of(connection: Connection, items: Sequence[Item]) -> dict[str, Row[Any]]:
    """The badges behind these items by serial, held until the end: sets are settled one after the other."""
    serials = sorted({i.reading.serial for i in items if _ours(i)} - {""})
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(serials), scan_log.CHUNK):
        wanted = scan_log.among(connection, Badge.serial, serials[start : start + scan_log.CHUNK])
        query = _BADGES.where(Badge.edition_id == items[0].post.edition_id, wanted)
        query = query.order_by(Badge.id).with_for_update(of=Badge, key_share=True)
        found |= {row.serial: row for row in connection.execute(query)}
    return found


def _opening_days(connection: Connection, edition_id: int) -> tuple[Day, ...]:
    query = select(OpeningDay.day, OpeningDay.opens_at, OpeningDay.closes_at).where(OpeningDay.edition_id == edition_id)
    return tuple(Day(*row) for row in connection.execute(query))


def _row_of(item: Item, badge: Any, days: tuple[Day, ...]) -> dict[str, Any]:
    """The row of a device's decision, with what we would have refused the badge for by itself."""
    command, post, reading = item.command, item.post, item.reading
    assert command.decided is not None and post.gate_id is not None
    direction = post.direction if post.direction != "both" else command.direction or "entry"
    same_edition = reading.payload is None or reading.payload.edition_id == post.edition_id
    facts = facts_of(post, reading, badge, same_edition, NOBODY, clock_suspect=item.suspect)
    ours = decide_badge(facts, rules_at(post, direction, days), item.at)
    admits = ours.status in ADMITTED
    agrees = (command.decided.status in ADMITTED) == admits
    return new_row(
        edition_id=post.edition_id,
        device_id=post.device_id,
        client_uuid=command.client_uuid,
        device_seq=command.device_seq,
        pairing_no=item.pairing_no,
        gate_id=post.gate_id,
        zone=post.zone,
        direction=direction,
        code_hash=reading.code_hash,
        badge_id=badge.badge_id if badge is not None else None,
        device_time=command.device_time,
        corrected_at=item.at,
        received_at=item.received_at,
        local_day=post.period_of(clock.local_day(item.at, post.timezone)),
        decided_by="device",
        decision=command.decided.status,
        reason=command.decided.reason,
        badge_verdict="" if admits else ours.reason,
        rule=post.rule,
        # Of a badge that is known, both are computed anew with its set.
        server_verdict=AGREES if agrees else ours.reason,
        conflict=not agrees,
        clock_suspect=item.suspect,
        key_id=reading.payload.kid if reading.payload else None,
        snapshot_version=command.snapshot_version,
        body_hash=body_hash(reading.code_hash, command.direction),
    )


# -- asked again -----------------------------------------------------------------------------------------------------


def find_by_uuid(device_id: int, client_uuid: str) -> Scan | None:
    return db.session.scalar(select(Scan).where(Scan.device_id == device_id, Scan.client_uuid == client_uuid))


def answer_of(scan: Scan) -> Answer:
    """The answer that belongs to a logged scan, for the device that asks again."""
    connection = db.session.connection()
    badge = connection.execute(_BADGES.where(Badge.id == scan.badge_id)).first()
    return _stored(_logged_row(connection, scan.id), badge)
