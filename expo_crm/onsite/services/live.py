"""Writers of the live board: counting finished hours, people without a badge, warnings of full zones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from flask import current_app
from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.accounts.services import list_staff
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.messaging import services as messaging
from expo_crm.onsite import queries_hours, queries_zones
from expo_crm.onsite.domain import occupancy
from expo_crm.onsite.models import CapacityAlarm, HandTally, Scan, ScanHour
from expo_crm.onsite.queries_zones import ZoneLine
from expo_crm.onsite.services import scan_log
from expo_crm.shows.models import Edition
from expo_crm.web.policy import Permission

HOUR = queries_hours.HOUR
_HOUR_SECONDS = 3600
REST = dt.timedelta(minutes=5)  # an hour is counted once it has been over for so long
AROUND = dt.timedelta(days=2)  # before and after a show in which its hours are counted as they pass


class NobodyThere(Exception):
    """More people would leave by hand than were counted in by hand."""


# -- hours -----------------------------------------------------------------------------------------------------------


def count_hours(edition: Edition, *, afresh: bool = False) -> int:
    """Keep the counts of finished hours whose rows are not those that were counted. Returns how many hours were written.

    ``afresh`` throws all of them away first: the result is the same, as they are a function of the log.
    """
    if afresh:
        db.session.execute(delete(ScanHour).where(ScanHour.edition_id == edition.id))
    now = clock.now()
    start, end = _span(edition)
    end = min(end, _hour_of(now - REST))
    if end <= start:
        return 0
    there = queries_hours.rows_by_hour(edition.id, start, end)
    rows = db.session.execute(select(ScanHour.hour, ScanHour.scans).where(ScanHour.edition_id == edition.id))
    kept = {int(row.hour.timestamp()): row.scans for row in rows}
    stale = [hour for hour, number in there.items() if kept.get(hour) != number]
    for hour in stale:
        _keep(edition.id, hour, there[hour])
    return len(stale)


def recount_hours(edition: Edition) -> int:
    """Count again every hour that the board would take as it is kept, and put right what differs. Returns how many did."""
    start, end = _span(edition)
    there = queries_hours.rows_by_hour(edition.id, start, end)
    stored = db.session.execute(select(ScanHour.hour, ScanHour.scans, ScanHour.counts).where(ScanHour.edition_id == edition.id))
    kept = {int(row.hour.timestamp()): row.counts for row in stored.all() if there.get(int(row.hour.timestamp()), 0) == row.scans}
    fresh: dict[int, list[queries_hours.Counted]] = {hour: [] for hour in kept}
    for counted in queries_hours.grouped(edition.id, [(start, end)] if kept else []):
        hour = counted.slot // _HOUR_SECONDS * _HOUR_SECONDS
        if hour in fresh:
            fresh[hour].append(counted)
    wrong = [hour for hour, counts in fresh.items() if queries_hours.packed(hour, counts) != [list(c) for c in kept[hour]]]
    for hour in wrong:
        _keep(edition.id, hour, there.get(hour, 0))
    return len(wrong)


def forget_hours_of(edition_id: int, badge_ids: Iterable[int]) -> None:
    """These badges belong to another class now: the hours in which they were read are counted anew, by class too."""
    hours = set(db.session.scalars(select(ScanHour.hour).where(ScanHour.edition_id == edition_id)))
    if not hours:
        return
    of_them = scan_log.among(db.session.connection(), Scan.badge_id, badge_ids)
    read = db.session.scalars(select(Scan.corrected_at).where(Scan.edition_id == edition_id, of_them))
    if stale := hours & {_hour_of(at) for at in read}:
        db.session.execute(delete(ScanHour).where(ScanHour.edition_id == edition_id, ScanHour.hour.in_(stale)))


def _keep(edition_id: int, hour: int, rows: int) -> None:
    """One hour. ``rows`` was read in the same transaction as the counts are; should a scan arrive between the two reads, the number
    differs at the next look and the hour is counted again."""
    start = dt.datetime.fromtimestamp(hour, dt.UTC)
    counts = queries_hours.packed(hour, queries_hours.grouped(edition_id, [(start, start + HOUR)]))
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    values = {"scans": rows, "counts": counts, "made_at": clock.now()}
    db.session.execute(
        insert(ScanHour)
        .values(edition_id=edition_id, hour=start, **values)
        .on_conflict_do_update(index_elements=["edition_id", "hour"], set_=values)
    )


def _span(edition: Edition) -> tuple[dt.datetime, dt.datetime]:
    """The whole show with the days of build-up and dismantling around it."""
    start = clock.day_bounds(edition.starts_on, edition.timezone)[0] - dt.timedelta(days=14)
    return _hour_of(start), _hour_of(clock.day_bounds(edition.ends_on, edition.timezone)[1] + dt.timedelta(days=7))


def _hour_of(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def count_hours_of_all() -> int:
    """Of editions that are running, and once of those that have scans and no counts yet."""
    now = clock.now()
    uncounted = ~exists(select(ScanHour.id).where(ScanHour.edition_id == Edition.id))
    with_scans = exists(select(Scan.id).where(Scan.edition_id == Edition.id))
    today = now.date()
    found = db.session.scalars(
        select(Edition).where(
            ((Edition.starts_on <= today + AROUND) & (Edition.ends_on >= today - AROUND)) | (uncounted & with_scans)
        )
    )
    return sum(count_hours(edition) for edition in found.all())


# -- people without a badge ------------------------------------------------------------------------------------------


def tally(edition: Edition, zone: str, delta: int, *, note: str = "", user_id: int | None = None) -> HandTally:
    """Count ``delta`` people without a badge into a zone (negative: out of it), today.

    Raises NobodyThere when more would leave than came, ValueError for a delta that the table does not take.
    """
    if delta == 0 or abs(delta) > 1000:
        raise ValueError("delta")
    now = clock.now()
    day = clock.local_day(now, edition.timezone)
    # Two people at two doors: the zone's sum is read and written one after the other.
    db.session.execute(select(Edition.id).where(Edition.id == edition.id).with_for_update())
    if queries_zones.by_hand(edition.id, day).get(zone, 0) + delta < 0:
        raise NobodyThere
    made = HandTally(edition_id=edition.id, zone=zone, local_day=day, delta=delta, note=note, user_id=user_id, at=now)
    db.session.add(made)
    db.session.flush()
    audit.record(
        "tally.add", "hand_tally", made.id, edition_id=edition.id, changes={"zone": zone, "delta": delta}, reason=note
    )
    return made


# -- warnings --------------------------------------------------------------------------------------------------------


def watch_capacity() -> int:
    """Look at every zone of the editions that are open today; warn once per crossing. Returns how many warnings were opened."""
    now = clock.now()
    today = now.date()
    day = dt.timedelta(days=1)
    running = db.session.scalars(select(Edition).where(Edition.starts_on <= today + day, Edition.ends_on >= today - day))
    return sum(_watch(edition, now) for edition in running.all() if edition.state != "cancelled")


def _watch(edition: Edition, now: dt.datetime) -> int:
    day = clock.local_day(now, edition.timezone)
    standing: dict[str, dict[int, CapacityAlarm]] = {}
    for alarm in queries_zones.standing_alarms(edition.id):
        if alarm.local_day != day:
            alarm.cleared_at = now  # of a day that is over
        else:
            standing.setdefault(alarm.zone, {})[alarm.level] = alarm
    opened = 0
    for line in queries_zones.zone_lines(edition, day):
        known = standing.get(line.code, {})
        change = occupancy.crossings(line.present, line.capacity, line.alarm_percent, known)
        for level in change.cleared:
            db.session.execute(
                update(CapacityAlarm).where(CapacityAlarm.id == known[level].id).values(cleared_at=now)
            )
        for level in change.opened:
            opened += _open(edition, line, day, level, now)
    db.session.flush()
    return opened


def _open(edition: Edition, line: ZoneLine, day: dt.date, level: int, now: dt.datetime) -> int:
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    made = db.session.execute(
        insert(CapacityAlarm)
        .values(
            edition_id=edition.id, zone=line.code, local_day=day, level=level, inside=line.present, capacity=line.capacity, at=now
        )
        .on_conflict_do_nothing()
        .returning(CapacityAlarm.id)
    ).scalar()  # fmt: skip
    if made is None:  # another process was faster
        return 0
    changes = {"zone": line.code, "level": level, "inside": line.present, "capacity": line.capacity}
    audit.record("capacity.alarm", "capacity_alarm", made, edition_id=edition.id, changes=changes)
    if level >= line.alarm_percent:
        _tell(edition, line, level, made, now)
    return 1


def _tell(edition: Edition, line: ZoneLine, level: int, alarm_id: int, now: dt.datetime) -> None:
    """A mail to everybody who runs gates."""
    link = current_app.config["SETTINGS"].base_url + _path(edition)
    for user in list_staff():
        if not user.active or Permission.GATE not in user.permissions:
            continue
        messaging.queue(
            "onsite_capacity",
            to_email=user.email,
            to_name=user.name,
            locale=user.locale,
            context={
                "name": user.name, "edition": edition, "zone": line, "level": level, "link": link,
                "at": clock.to_local(now, edition.timezone).strftime("%H:%M"),
            },
            dedupe_key=f"capacity-{alarm_id}-{user.id}",
            edition_id=edition.id,
        )  # fmt: skip


def _path(edition: Edition) -> str:
    """Also from background work, where there is no request."""
    return str(current_app.url_map.bind("").build("onsite.live", {"edition": edition.slug}))
