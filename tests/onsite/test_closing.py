"""Who is still inside at closing counts as gone, once, in the venue's time."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from expo_crm.lib import clock
from expo_crm.onsite.models import Device, Presence, Scan, Zone
from expo_crm.onsite.services import closing, rebuild, zones
from tests.onsite.play import scan_of, send, stage, upload


@pytest.fixture
def at(monkeypatch):
    def go(*when, zone="Asia/Shanghai"):
        moment = dt.datetime(*when, tzinfo=clock.zone(zone)).astimezone(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return go


@pytest.fixture
def quiet(monkeypatch, session):
    """Commits of the job stay in this test's session."""
    monkeypatch.setattr(closing, "checkpoint", session.commit)


def test_closing_empties_a_zone_once(client, session, at, quiet):
    cast = stage(session, anti_passback="hard", any_time=False)
    at(2026, 6, 9, 10)
    assert send(client, cast.token, cast.code).json["reason"] == "ok"
    assert closing.close_due() == 0
    at(2026, 6, 9, 17, 0)
    assert (closing.close_due(), closing.close_due()) == (1, 0)
    there = session.scalars(select(Presence)).one()
    assert (there.inside, there.entries, there.exits) == (False, 1, 0)
    exits = session.scalars(select(Scan).where(Scan.direction == "exit")).all()
    assert [(e.reason, e.decided_by, e.corrected_at) for e in exits] == [
        ("day_reset", "staff", dt.datetime(2026, 6, 9, 9, tzinfo=dt.UTC))
    ]
    assert rebuild.rebuild(cast.edition.id).differences == 0
    at(2026, 6, 10, 10)
    assert send(client, cast.token, cast.code).json["reason"] == "ok"  # a new day


def test_a_late_upload_from_before_closing_changes_nothing_and_one_from_after_counts(client, session, at, quiet):
    cast = stage(session, anti_passback="soft")
    for device in session.scalars(select(Device)):
        device.paired_at = dt.datetime(2026, 6, 8, tzinfo=dt.UTC)
        device.clock_offset_ms = 0
    session.commit()
    at(2026, 6, 9, 10)
    send(client, cast.token, cast.code)
    at(2026, 6, 9, 18)
    assert closing.close_due() == 1
    admit = {"status": "admit", "reason": "ok"}
    upload(client, cast.token, [scan_of(cast.code, decided=admit, device_time="2026-06-09T08:00:00Z")])
    assert session.scalars(select(Presence.inside)).one() is False
    upload(client, cast.token, [scan_of(cast.code, decided=admit, device_time="2026-06-09T09:30:00Z")])
    session.expire_all()
    assert session.scalars(select(Presence.inside)).one() is True
    assert closing.close_due() == 0  # it came in after this day's closing
    assert rebuild.rebuild(cast.edition.id).differences == 0


def test_a_zone_has_its_own_time_or_none(client, session, at, quiet):
    cast = stage(session)
    zone = zones.find_zone(cast.edition.id, "show")
    zone.resets_at = dt.time(20, 30)
    session.commit()
    at(2026, 6, 9, 10)
    send(client, cast.token, cast.code)
    at(2026, 6, 9, 20, 29)
    assert closing.close_due() == 0
    zone.auto_exit = False
    session.commit()
    at(2026, 6, 9, 20, 31)
    assert closing.close_due() == 0
    zone.auto_exit = True
    session.commit()
    assert closing.close_due() == 1


def test_days_without_hours_end_at_midnight_and_missed_closings_are_made_up(client, session, at, quiet):
    cast = stage(session)
    at(2026, 6, 7, 10)  # build-up
    send(client, cast.token, cast.code)
    at(2026, 6, 7, 23, 59)
    assert closing.close_due() == 0
    at(2026, 6, 9, 12)
    assert closing.close_due() == 1
    assert session.scalars(select(Scan.corrected_at).where(Scan.reason == "day_reset")).one() == dt.datetime(
        2026, 6, 7, 16, tzinfo=dt.UTC
    )


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (dt.date(2026, 10, 25), dt.time(2, 30), "2026-10-25T01:30:00+00:00"),  # comes twice: the second
        (dt.date(2026, 3, 29), dt.time(2, 30), "2026-03-29T01:30:00+00:00"),  # does not come: an hour on
        (dt.date(2026, 10, 25), None, "2026-10-25T23:00:00+00:00"),
        (dt.date(2026, 6, 1), dt.time(18), "2026-06-01T16:00:00+00:00"),
    ],
)
def test_the_nights_when_clocks_change(day, time, expected):
    assert closing.closing_at(Zone(resets_at=time), day, None, "Europe/Berlin").isoformat() == expected
