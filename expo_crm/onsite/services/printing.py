"""Print jobs: from a desk or a kiosk to the printer that somebody stands at. Each badge comes out once.

A station takes one job at a time and acknowledges it. When the line breaks in between, nobody knows whether paper came out:
the same job is given again, marked as such, and a person (or the bridge's own memory) decides. It is never printed twice by
itself, and a job that failed leaves the visitor's ticket valid.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite.models import Badge, Device, KioskPrinter, PrintJob
from expo_crm.onsite.services import badge_files, badges, feed
from expo_crm.visitors.models import Registration

OPEN = ("queued", "sent")
KEY = r"[0-9A-Za-z_-]{8,64}"


class AlreadyPrinted(Exception):
    """The badge was printed, or is on its way to a printer: a second one is a reprint, which ends the first."""


class NotPossible(Exception):
    """The job's state does not allow this."""


# -- asking for a print ----------------------------------------------------------------------------------------------


def enqueue(
    badge: Badge,
    *,
    key: str,
    device_id: int | None,
    user_id: int | None = None,
    kiosk_id: int | None = None,
    again: bool = False,
) -> PrintJob:
    """A job for this badge's present print. The same ``key`` gives the first job again.

    ``device_id`` None is the person's own browser, which fetches the file itself. ``again`` prints the same print once more,
    for staff who saw that nothing came out. Raises badges.NotPrintable, AlreadyPrinted.
    """
    known = find_by_key(key)
    if known is not None:
        return known
    # Locked before it is looked at, so that two kiosks with one ticket make one badge.
    db.session.refresh(badge, with_for_update={"of": Badge}, attribute_names=["state", "generation", "printed_at"])
    standing = badge.registration is None or badge.registration.state == "approved"
    if badge.state != "active" or not standing:
        raise badges.NotPrintable(badge.state)
    if not again and (badge.printed_at is not None or _on_its_way(badge)):
        raise AlreadyPrinted
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    now = clock.now()
    db.session.execute(
        insert(PrintJob)
        .values(
            edition_id=badge.edition_id,
            badge_id=badge.id,
            device_id=device_id,
            user_id=user_id,
            kiosk_id=kiosk_id,
            key=key,
            generation=badge.generation,
            state="queued" if device_id else "sent",
            error="",
            created_at=now,
            sent_at=None if device_id else now,
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )
    made = find_by_key(key)
    assert made is not None
    return made


def find_by_key(key: str) -> PrintJob | None:
    return db.session.scalar(select(PrintJob).where(PrintJob.key == key))


def _on_its_way(badge: Badge) -> bool:
    return (
        db.session.scalar(
            select(PrintJob.id)
            .where(PrintJob.badge_id == badge.id, PrintJob.generation == badge.generation, PrintJob.state.in_(OPEN))
            .limit(1)
        )
        is not None
    )


# -- at the printer --------------------------------------------------------------------------------------------------


def take(device_id: int) -> tuple[PrintJob, bool] | None:
    """(job, whether it was given before) for a print station; None when nothing waits. One job at a time."""
    pending = db.session.scalar(
        select(PrintJob).where(PrintJob.device_id == device_id, PrintJob.state == "sent").order_by(PrintJob.id).limit(1)
    )
    if pending is not None:
        return pending, True
    while True:
        first = (
            select(PrintJob.id)
            .where(PrintJob.device_id == device_id, PrintJob.state == "queued")
            .order_by(PrintJob.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        taken = db.session.execute(
            update(PrintJob)
            .where(PrintJob.id == first, PrintJob.state == "queued")
            .values(state="sent", sent_at=clock.now())
            .returning(PrintJob.id)
            .execution_options(synchronize_session=False)
        ).scalar()
        if taken is None:
            return None
        job = db.session.get_one(PrintJob, taken, populate_existing=True)
        if job.generation != job.badge.generation:
            _settle(job, "cancelled", "replaced")
        else:
            return job, False


def file_of(job: PrintJob) -> tuple[bytes, str]:
    """(file, form) of a job that was sent. Notes the badge as printed: from now on its ticket is refused at gates.

    Raises NotPossible for any other state, badges.NotPrintable when the badge was blocked meanwhile.
    """
    if job.state not in {"sent", "printed"} or job.generation != job.badge.generation:
        raise NotPossible(job.state)
    form = badge_files.form_of(job.badge)
    return badges.print_one(job.badge, form), form


def printed(job: PrintJob) -> None:
    """The badge came out. Saying so twice is saying it once. Raises NotPossible for a job that was never sent."""
    _lock(job)
    if job.state == "printed":
        return
    if job.state != "sent":
        raise NotPossible(job.state)
    _settle(job, "printed")


def failed(job: PrintJob, reason: str) -> None:
    """Nothing came out: the badge counts as not printed, so that the ticket still admits. Raises NotPossible."""
    _lock(job)
    if job.state == "failed":
        return
    if job.state != "sent":
        raise NotPossible(job.state)
    _settle(job, "failed", reason)
    badge = job.badge
    others = db.session.scalar(
        select(func.count()).where(
            PrintJob.badge_id == badge.id, PrintJob.generation == badge.generation, PrintJob.state == "printed"
        )
    )
    if not others and badge.generation == job.generation and badge.printed_at and badge.printed_at >= job.created_at:
        badge.printed_at = None
        feed.changed(badge.edition_id, badge.id)
        audit.record("badge.not_printed", "badge", badge.id, edition_id=badge.edition_id, reason=job.error)
    db.session.flush()


def again(job: PrintJob) -> None:
    """A person saw that the badge did not come out and wants it once more, at the same printer. Raises NotPossible."""
    _lock(job)
    if job.state not in {"failed", "sent"} or job.device_id is None or job.generation != job.badge.generation:
        raise NotPossible(job.state)
    job.state, job.sent_at, job.settled_at, job.error = "queued", None, None, ""
    audit.record("print_job.again", "print_job", job.id, edition_id=job.edition_id)
    db.session.flush()


def cancel(job: PrintJob) -> None:
    """Taken out of the queue before it was sent. Raises NotPossible."""
    _lock(job)
    if job.state not in {"queued", "failed"}:
        raise NotPossible(job.state)
    _settle(job, "cancelled")
    audit.record("print_job.cancel", "print_job", job.id, edition_id=job.edition_id)


def _lock(job: PrintJob) -> None:
    db.session.refresh(job, with_for_update={"of": PrintJob}, attribute_names=["state"])


def _settle(job: PrintJob, state: str, error: str = "") -> None:
    job.state, job.settled_at, job.error = state, clock.now(), text.clean(error, limit=300)
    db.session.flush()


# -- which printer ---------------------------------------------------------------------------------------------------


def list_stations(edition_id: int) -> list[Device]:
    """Print stations that are paired and not withdrawn."""
    return list(
        db.session.scalars(
            select(Device)
            .where(
                Device.edition_id == edition_id,
                Device.profile == "badge_print",
                Device.revoked_at.is_(None),
                Device.paired_at.is_not(None),
            )
            .order_by(Device.name)
        )
    )


def list_devices(edition_id: int) -> list[Device]:
    """Print stations and kiosks, also those that are not paired yet."""
    return list(
        db.session.scalars(
            select(Device)
            .where(Device.edition_id == edition_id, Device.profile.in_(("badge_print", "kiosk")))
            .order_by(Device.profile, Device.name)
        )
    )


def printer_of(kiosk_id: int, edition_id: int) -> Device | None:
    """The station that serves a kiosk: the one given to it, or the only one there is."""
    stations = {device.id: device for device in list_stations(edition_id)}
    chosen = db.session.scalar(select(KioskPrinter.printer_id).where(KioskPrinter.kiosk_id == kiosk_id))
    if chosen is not None:
        return stations.get(chosen)
    return next(iter(stations.values())) if len(stations) == 1 else None


def printers_of(edition_id: int) -> dict[int, int]:
    """Kiosk → station, as chosen by staff."""
    rows = db.session.execute(
        select(KioskPrinter.kiosk_id, KioskPrinter.printer_id)
        .join(Device, Device.id == KioskPrinter.kiosk_id)
        .where(Device.edition_id == edition_id)
    )
    return {row[0]: row[1] for row in rows}


def choose_printer(kiosk: Device, station: Device | None) -> None:
    """Let a station serve a kiosk; None leaves it to the only station there is. Raises ValueError for a device of another kind."""
    if kiosk.profile != "kiosk" or (
        station is not None and (station.profile != "badge_print" or station.edition_id != kiosk.edition_id)
    ):
        raise ValueError("not a kiosk and a station of one edition")
    found = db.session.get(KioskPrinter, kiosk.id)
    before = found.printer_id if found else None
    if station is None:
        if found:
            db.session.delete(found)
    elif found:
        found.printer_id = station.id
    else:
        db.session.add(KioskPrinter(kiosk_id=kiosk.id, printer_id=station.id))
    audit.record(
        "kiosk.printer", "device", kiosk.id, edition_id=kiosk.edition_id,
        changes={"printer": [before, station.id if station else None]},
    )  # fmt: skip
    db.session.flush()


# -- looking ---------------------------------------------------------------------------------------------------------


def find_job(edition_id: int, job_id: int) -> PrintJob | None:
    return db.session.scalar(select(PrintJob).where(PrintJob.edition_id == edition_id, PrintJob.id == job_id))


def list_jobs(edition_id: int, device_id: int | None = None, *, limit: int = 50) -> list[PrintJob]:
    """Open and failed jobs, oldest first, of one printer or of all."""
    query = (
        select(PrintJob)
        .where(
            PrintJob.edition_id == edition_id,
            PrintJob.state.in_((*OPEN, "failed")),
            PrintJob.device_id.is_not(None),
        )
        .order_by(PrintJob.id)
        .limit(limit)
        .options(
            joinedload(PrintJob.badge).joinedload(Badge.visitor_class),
            joinedload(PrintJob.device),
            joinedload(PrintJob.kiosk),
        )
    )
    return list(db.session.scalars(query.where(PrintJob.device_id == device_id) if device_id else query))


def count_waiting(edition_id: int) -> dict[int, int]:
    """How many jobs wait at each printer."""
    rows = db.session.execute(
        select(PrintJob.device_id, func.count())
        .where(PrintJob.edition_id == edition_id, PrintJob.state.in_(OPEN), PrintJob.device_id.is_not(None))
        .group_by(PrintJob.device_id)
    )
    return {row[0]: row[1] for row in rows if row[0]}


def today(edition_id: int, start: dt.datetime, end: dt.datetime) -> tuple[int, int]:
    """(people registered on site, badges printed or sent to a printer) between two moments."""
    registered = db.session.scalar(
        select(func.count()).where(
            Registration.edition_id == edition_id,
            Registration.on_site,
            Registration.submitted_at >= start,
            Registration.submitted_at < end,
        )
    )
    jobs = db.session.scalar(
        select(func.count(func.distinct(PrintJob.badge_id))).where(
            PrintJob.edition_id == edition_id,
            PrintJob.created_at >= start,
            PrintJob.created_at < end,
            PrintJob.state.not_in(("failed", "cancelled")),
        )
    )
    return registered or 0, jobs or 0
