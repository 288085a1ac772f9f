"""Shows and editions: made, cloned from the last one, changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Flask, current_app, g
from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.shows.domain import planning
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.models import Edition, Hall, OpeningDay, Show

OPENS, CLOSES = dt.time(9), dt.time(17)
COPIED = ("venue_zh", "venue_en", "address_zh", "address_en", "timezone", "currency", "intro_zh", "intro_en")
_CLONERS = "expo_edition_cloners"

Cloner = Callable[[Edition, Edition], None]


def register_cloner(app: Flask, name: str, cloner: Cloner) -> None:
    """A package above copies what it keeps per edition: ``cloner(previous, edition)`` (visitor classes, booth grid …)."""
    app.extensions.setdefault(_CLONERS, {})[name] = cloner


def create_show(
    *,
    name_zh: str,
    name_en: str,
    code: str = "",
    organizer_zh: str = "",
    organizer_en: str = "",
    privacy_contact: str = "",
) -> Show:
    """The recurring show. Raises ShowError: "name-missing", "code-taken"."""
    name_zh, name_en = text.clean(name_zh, limit=300), text.clean(name_en, limit=300)
    if text.is_blank(name_zh + name_en):
        raise ShowError("name-missing")
    code = planning.slugify(code or name_en or text.pinyin(name_zh)[1])
    if db.session.scalar(select(Show.id).where(Show.code == code)):
        raise ShowError("code-taken")
    show = Show(
        code=code,
        name_zh=name_zh or name_en,
        name_en=name_en or name_zh,
        organizer_zh=organizer_zh,
        organizer_en=organizer_en,
        privacy_contact=privacy_contact,
    )
    db.session.add(show)
    db.session.flush()
    audit.record("show.create", "show", show.id, changes={"code": code, "name": show.name_zh})
    return show


def create_edition(
    show: Show,
    *,
    starts_on: dt.date,
    ends_on: dt.date,
    previous: Edition | None = None,
    number: int | None = None,
    name_zh: str = "",
    name_en: str = "",
    slug: str = "",
    opens_at: dt.time = OPENS,
    closes_at: dt.time = CLOSES,
    **fields: Any,
) -> Edition:
    """A new edition with its opening days, flushed and audited.

    With ``previous`` it is a clone: venue, zone, currency, counting profile, halls, and what packages above registered
    with ``register_cloner`` are copied; names carry the new year. Further fields: venue_zh/en, address_zh/en, timezone,
    currency, state, registration_opens_at/closes_at, counted_classes, intro_zh/en. Raises ShowError.
    """
    planning.check_dates(starts_on, ends_on)
    values = {name: getattr(previous, name) for name in COPIED} if previous else {}
    values["counted_classes"] = list(previous.counted_classes) if previous else ["trade", "buyer"]
    values |= fields
    _check_zone(values.get("timezone"))
    numbers, slugs = _numbers(show.id), set(db.session.scalars(select(Edition.slug)))
    edition = Edition(
        show_id=show.id,
        slug=slug or planning.free_slug(show.code, starts_on, slugs),
        number=number or max(numbers, default=0) + 1,
        name_zh=name_zh or _name(show.name_zh, previous, "name_zh", starts_on),
        name_en=name_en or _name(show.name_en, previous, "name_en", starts_on),
        starts_on=starts_on,
        ends_on=ends_on,
        previous_id=previous.id if previous else None,
        days=[
            OpeningDay(day=day, opens_at=opens_at, closes_at=closes_at)
            for day in planning.days_between(starts_on, ends_on)
        ],
        **values,
    )
    db.session.add(edition)
    db.session.flush()
    if previous is not None:
        _clone(previous, edition)
    _forget()
    audit.record(
        "edition.create",
        "edition",
        edition.id,
        edition_id=edition.id,
        changes={"slug": edition.slug, "from": previous.slug if previous else None},
    )
    return edition


def update_edition(edition: Edition, **changes: Any) -> Edition:
    """Change an edition's own fields. New dates bring their opening days along; days outside fall away. Raises ShowError."""
    starts_on, ends_on = changes.get("starts_on", edition.starts_on), changes.get("ends_on", edition.ends_on)
    planning.check_dates(starts_on, ends_on)
    _check_zone(changes.get("timezone"))
    opens, closes = (
        changes.get(key, getattr(edition, key)) for key in ("registration_opens_at", "registration_closes_at")
    )
    if opens and closes and closes <= opens:
        raise ShowError("window-order")
    moved = audit.diff({name: getattr(edition, name) for name in changes}, changes)
    for name, value in changes.items():
        setattr(edition, name, value)
    if "starts_on" in moved or "ends_on" in moved:
        _fit_days(edition)
    if moved:
        db.session.flush()
        _forget()
        audit.record("edition.update", "edition", edition.id, edition_id=edition.id, changes=moved)
    return edition


def update_show(show: Show, **changes: Any) -> Show:
    moved = audit.diff({name: getattr(show, name) for name in changes}, changes)
    for name, value in changes.items():
        setattr(show, name, value)
    if moved:
        db.session.flush()
        audit.record("show.update", "show", show.id, changes=moved)
    return show


def set_hours(edition: Edition, hours: dict[dt.date, tuple[dt.time, dt.time] | None]) -> None:
    """Opening hours by day; None closes a day. Raises ShowError: "day-outside", "day-hours"."""
    for day, span in hours.items():
        if not edition.starts_on <= day <= edition.ends_on:
            raise ShowError("day-outside")
        if span is not None and span[1] <= span[0]:
            raise ShowError("day-hours")
    known = {item.day: item for item in edition.days}
    before = {str(d): f"{i.opens_at:%H:%M}–{i.closes_at:%H:%M}" for d, i in known.items()}
    for day, span in hours.items():
        item = known.get(day)
        if span is None:
            if item is not None:
                edition.days.remove(item)
                db.session.delete(item)
        elif item is None:
            edition.days.append(OpeningDay(day=day, opens_at=span[0], closes_at=span[1]))
        else:
            item.opens_at, item.closes_at = span
    db.session.flush()
    after = {str(i.day): f"{i.opens_at:%H:%M}–{i.closes_at:%H:%M}" for i in edition.days}
    if moved := audit.diff(before, {**dict.fromkeys(before, ""), **after}):
        audit.record("edition.hours", "edition", edition.id, edition_id=edition.id, changes=moved)


def add_hall(
    edition: Edition,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    width_m: Decimal,
    depth_m: Decimal,
    capacity: int | None = None,
) -> Hall:
    """Raises ShowError("hall-taken") when the edition has a hall of this code."""
    if any(h.code.casefold() == code.casefold() for h in edition.halls):
        raise ShowError("hall-taken")
    hall = Hall(
        edition_id=edition.id,
        code=code,
        name_zh=name_zh or name_en or code,
        name_en=name_en or name_zh or code,
        width_m=width_m,
        depth_m=depth_m,
        capacity=capacity,
    )
    edition.halls.append(hall)
    db.session.flush()
    audit.record("hall.create", "hall", hall.id, edition_id=edition.id, changes={"code": code})
    return hall


def update_hall(edition: Edition, hall: Hall, **changes: Any) -> Hall:
    """Raises ShowError("hall-taken")."""
    if any(h.id != hall.id and h.code.casefold() == str(changes.get("code", "")).casefold() for h in edition.halls):
        raise ShowError("hall-taken")
    moved = audit.diff({name: getattr(hall, name) for name in changes}, changes)
    for name, value in changes.items():
        setattr(hall, name, value)
    if moved:
        db.session.flush()
        audit.record("hall.update", "hall", hall.id, edition_id=edition.id, changes=moved)
    return hall


def _clone(previous: Edition, edition: Edition) -> None:
    for hall in previous.halls:
        edition.halls.append(
            Hall(
                code=hall.code,
                name_zh=hall.name_zh,
                name_en=hall.name_en,
                width_m=hall.width_m,
                depth_m=hall.depth_m,
                capacity=hall.capacity,
            )
        )
    db.session.flush()
    for cloner in current_app.extensions.get(_CLONERS, {}).values():
        cloner(previous, edition)


def _fit_days(edition: Edition) -> None:
    wanted = planning.days_between(edition.starts_on, edition.ends_on)
    first = edition.days[0] if edition.days else None
    for item in [d for d in edition.days if d.day not in wanted]:
        edition.days.remove(item)
        db.session.delete(item)
    known = {item.day for item in edition.days}
    for day in wanted:
        if day not in known:
            edition.days.append(
                OpeningDay(
                    day=day, opens_at=first.opens_at if first else OPENS, closes_at=first.closes_at if first else CLOSES
                )
            )


def _name(show_name: str, previous: Edition | None, key: str, starts_on: dt.date) -> str:
    if previous is not None:
        moved = planning.next_name(getattr(previous, key), previous.starts_on.year, starts_on.year)
        if moved != getattr(previous, key):
            return moved
    return f"{starts_on.year}{show_name}" if text.has_han(show_name) else f"{show_name} {starts_on.year}"


def _numbers(show_id: int) -> list[int]:
    return list(db.session.scalars(select(Edition.number).where(Edition.show_id == show_id)))


def _check_zone(name: str | None) -> None:
    if name is None:
        return
    try:
        clock.zone(name)
    except clock.TimeError:
        raise ShowError("zone") from None


def _forget() -> None:
    """The list of editions is kept for the request; a change makes it old."""
    g.pop("editions", None)
