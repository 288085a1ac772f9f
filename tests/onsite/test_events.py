"""Concurrent events: places under pressure, the waiting list, the door, the next edition."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError, TimeoutError

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db, unit_of_work
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.models import ConcurrentEvent, EventBooking, EventCheckin
from expo_crm.onsite.services import badges, event_checkin, events
from expo_crm.onsite.services.event_checkin import CheckinError
from expo_crm.onsite.services.events import EventError
from expo_crm.shows.services import editions
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import registrations
from tests.onsite.play import register
from tests.support.cast import play

HOUR = dt.timedelta(hours=1)


def stage(session: Any, *, capacity: int = 2, starts_in: dt.timedelta = 48 * HOUR, **fields: Any) -> SimpleNamespace:
    """The cast with one published event."""
    cast = play(session)
    cast.event = add_event(cast, capacity=capacity, starts_in=starts_in, **fields)
    session.commit()
    return cast


def add_event(
    cast: SimpleNamespace, *, capacity: int = 2, starts_in: dt.timedelta = 48 * HOUR, publish: bool = True, **fields: Any
) -> ConcurrentEvent:
    starts = clock.now() + starts_in
    values = {
        "title_zh": "泵阀节能论坛", "title_en": "Energy saving in pumps", "starts_at": starts, "ends_at": starts + HOUR,
        "capacity": capacity, "room_zh": "会议室 A", "room_en": "Room A", **fields,
    }  # fmt: skip
    event = events.create(cast.edition, **values)
    if publish:
        events.publish(event)
    return event


def visitor(session: Any, cast: SimpleNamespace, name: str = "林晓", **others: Any) -> Registration:
    made = register(session, cast, name, "禾川泵业", **others)
    made.person.email = f"v{made.id}@example.com"
    session.flush()
    return made


def states(event: ConcurrentEvent) -> list[str]:
    rows = db.session.execute(
        select(EventBooking.state).where(EventBooking.event_id == event.id).order_by(EventBooking.id)
    )
    return [row[0] for row in rows]


def subjects(session: Any) -> list[str]:
    return list(session.scalars(select(Message.subject).order_by(Message.id)))


# -- places ------------------------------------------------------------------------------------------------------------


def test_fifty_at_once_get_ten_places_and_a_queue_without_gaps(app, session):
    cast = stage(session, capacity=10)
    ids = [visitor(session, cast, f"观众{n}").id for n in range(50)]
    event_id = cast.event.id
    session.commit()
    session.remove()
    gate = threading.Barrier(50)

    def book(registration_id: int) -> None:
        gate.wait()
        for _attempt in range(30):  # who is told 503 "busy" (no connection or no lock within two seconds) comes again
            with suppress(TimeoutError, OperationalError), app.app_context(), unit_of_work():
                events.book(db.session.get(ConcurrentEvent, event_id), db.session.get(Registration, registration_id))
                return
        raise AssertionError("never got through")

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(book, ids))
    rows = session.execute(
        select(EventBooking.state, func.count()).where(EventBooking.event_id == event_id).group_by(EventBooking.state)
    )
    assert dict(rows.all()) == {"booked": 10, "waiting": 40}
    positions = session.scalars(select(EventBooking.position).where(EventBooking.state == "waiting"))
    assert sorted(positions) == list(range(1, 41))


def test_who_cancels_makes_room_for_the_next_who_gets_a_mail(session):
    cast = stage(session, capacity=1)
    first, second, third = (visitor(session, cast, name) for name in ("甲", "乙", "丙"))
    mine = events.book(cast.event, first)
    assert [events.book(cast.event, v).state for v in (second, third)] == ["waiting", "waiting"]
    assert events.book(cast.event, first) is mine  # once is enough
    third_booking = queries.find_booking(cast.event.id, third.id)
    assert queries.ranks_of([third_booking]) == {third_booking.id: 2}
    events.cancel(mine)
    assert states(cast.event) == ["cancelled", "booked", "waiting"]
    assert queries.ranks_of([third_booking]) == {third_booking.id: 1}
    assert subjects(session)[-1] == "您已获得“泵阀节能论坛”的席位"
    mail = session.scalars(select(Message).order_by(Message.id.desc())).first()
    assert mail.to_email == second.person.email and mail.attachments[0]["name"].endswith(".ics")
    assert events.book(cast.event, first).state == "waiting"  # at the end of the queue, not before the one who waits
    assert queries.ranks_of([mine]) == {mine.id: 2}


def test_an_offer_lapses_to_the_next_and_keeps_the_place_meanwhile(session):
    cast = stage(session, capacity=1, offer_hours=4)
    people = [visitor(session, cast, name) for name in ("甲", "乙", "丙", "丁")]
    bookings = [events.book(cast.event, p) for p in people[:3]]
    events.cancel(bookings[0])
    assert bookings[1].state == "waiting" and bookings[1].offered_until is not None
    assert events.book(cast.event, people[3]).state == "waiting"  # the place is kept
    later = clock.now() + 5 * HOUR
    with pytest.raises(EventError, match="no_offer"):
        events.accept(bookings[1], now=later)
    bookings[1].offered_until = clock.now() - HOUR
    session.flush()
    assert events.lapse_offers() == 1
    assert bookings[1].state == "cancelled" and bookings[2].offered_until is not None
    events.accept(bookings[2])
    assert bookings[2].state == "booked" and subjects(session)[-1] == "您在“泵阀节能论坛”的席位"
    assert queries.places_of_one(cast.event, clock.now()).taken == 1


@pytest.mark.parametrize(
    ("code", "event", "person"),
    [
        ("wrong_class", {"classes": ["buyer"]}, {}),
        ("not_approved", {}, {"state": "in_review"}),
        ("over", {"starts_in": -3 * HOUR}, {}),
        ("not_published", {"publish": False}, {}),
    ],
)
def test_who_may_not_book(session, code, event, person):
    cast = play(session)
    made = add_event(cast, **event)
    with pytest.raises(EventError, match=code):
        events.book(made, visitor(session, cast, **person))
    assert states(made) == []


def test_more_places_move_the_queue_up_and_fewer_than_taken_are_refused(session):
    cast = stage(session, capacity=1)
    for name in ("甲", "乙", "丙"):
        events.book(cast.event, visitor(session, cast, name))
    events.update(cast.event, capacity=2)
    assert states(cast.event) == ["booked", "booked", "waiting"]
    with pytest.raises(EventError, match="too_small") as refused:
        events.update(cast.event, capacity=1)
    assert refused.value.facts == {"taken": 2}
    cast.event.capacity = 1  # the free places of who was late were given to others
    session.flush()
    events.update(cast.event, capacity=1, title_en="Saving energy")
    assert cast.event.title_en == "Saving energy"


def test_another_time_and_calling_off_are_told_to_everybody(session):
    cast = stage(session, capacity=1)
    for name in ("甲", "乙"):
        events.book(cast.event, visitor(session, cast, name))
    events.update(cast.event, starts_at=cast.event.starts_at + HOUR, ends_at=cast.event.ends_at + HOUR)
    events.call_off(cast.event, "讲者无法到场")
    session.commit()
    jobs.run_all()
    sent = subjects(session)
    assert sent.count("“泵阀节能论坛”时间或地点有变") == 2 and sent.count("“泵阀节能论坛”已取消") == 2
    with pytest.raises(EventError, match="called_off"):
        events.book(session.get(ConcurrentEvent, cast.event.id), visitor(session, cast, "丙"))


def test_a_cancelled_registration_gives_its_places_back(app, session):
    cast = stage(session, capacity=1)
    first, second = visitor(session, cast, "甲"), visitor(session, cast, "乙")
    events.book(cast.event, first)
    events.book(cast.event, second)
    registrations.decide(first, "cancelled", mail=False)
    assert states(cast.event) == ["cancelled", "booked"]


def test_the_next_edition_starts_with_drafts_on_the_same_day_of_the_show(session):
    cast = play(session)
    starts = dt.datetime(2026, 6, 10, 2, 0, tzinfo=dt.UTC)  # ten o'clock on the second day
    old = events.create(
        cast.edition, title_zh="论坛", title_en="Forum", starts_at=starts, ends_at=starts + HOUR, capacity=80,
        hall_id=cast.hall.id, classes=["buyer"], speakers_zh="王教授",
    )  # fmt: skip
    events.publish(old)
    made = editions.create_edition(
        cast.show, starts_on=dt.date(2027, 6, 8), ends_on=dt.date(2027, 6, 10), previous=cast.edition
    )
    new = queries.list_events(made.id)[0]
    assert clock.to_local(new.starts_at, made.timezone).isoformat() == "2027-06-09T10:00:00+08:00"
    assert (new.state, new.capacity, new.classes, new.speakers_zh) == ("draft", 80, ["buyer"], "")
    assert new.hall.code == "H1" and new.hall_id != cast.hall.id


# -- the door ----------------------------------------------------------------------------------------------------------


def read(cast: SimpleNamespace, *, code: str = "", **others: Any) -> str:
    values = {"client_uuid": str(uuid.uuid4()), "user_id": cast.gate.id, "code": code, **others}
    return event_checkin.check_in(cast.event, **values).outcome.value


def code_of(registration: Registration) -> str:
    return badges.code_of(badges.issue_badge(registration))


def test_at_the_door_a_badge_is_admitted_once_and_a_repeat_gets_the_first_answer(session):
    cast = stage(session, starts_in=dt.timedelta(minutes=10))
    person = visitor(session, cast)
    events.book(cast.event, person)
    code, key = code_of(person), str(uuid.uuid4())
    first = event_checkin.check_in(cast.event, user_id=cast.gate.id, client_uuid=key, code=code)
    again = event_checkin.check_in(cast.event, user_id=cast.gate.id, client_uuid=key.upper(), code=code)
    assert (first.outcome, again.outcome) == ("admitted", "admitted")
    assert again.replayed and again.checkin_id == first.checkin_id
    assert again.registration is person
    assert read(cast, code=code) == "already_in"
    with pytest.raises(CheckinError, match="reused"):
        event_checkin.check_in(cast.event, user_id=cast.gate.id, client_uuid=key, code="something else")
    with pytest.raises(CheckinError, match="uuid"):
        read(cast, code=code, client_uuid="1")
    assert session.scalar(select(func.count()).select_from(EventCheckin)) == 2
    event_checkin.undo(first.booking, user_id=cast.gate.id)
    assert states(cast.event) == ["booked"] and read(cast, code=code) == "admitted"


def test_who_waits_or_has_not_booked_comes_in_only_with_a_yes_and_a_place(session):
    cast = stage(session, capacity=3, starts_in=dt.timedelta(minutes=10))
    booked, other, walker, late = (visitor(session, cast, name) for name in ("甲", "乙", "丙", "丁"))
    events.book(cast.event, booked)
    waiting = EventBooking(event=cast.event, registration=other, state="waiting", position=1, booked_at=clock.now())
    session.add(waiting)
    session.flush()
    assert read(cast, code=code_of(other)) == "ask_waiting"
    assert read(cast, code=code_of(other), agreed=True) == "from_waiting"
    assert read(cast, code=code_of(walker)) == "ask_walk_in"
    assert read(cast, code=code_of(walker), agreed=True) == "walk_in"
    assert read(cast, code=code_of(late), agreed=True) == "full"  # the last place is of somebody who may still come
    cast.event.starts_at = clock.now() - dt.timedelta(minutes=1)
    session.flush()
    assert read(cast, code=code_of(late), agreed=True) == "walk_in"  # not any more
    assert read(cast, code=code_of(booked)) == "full"
    walked = queries.find_booking(cast.event.id, walker.id)
    event_checkin.undo(walked, user_id=cast.gate.id)
    assert walked.state == "cancelled"


def test_the_door_refuses_what_it_must(session):
    cast = stage(session, starts_in=3 * HOUR)
    person = visitor(session, cast)
    code = code_of(person)
    events.book(cast.event, person)
    assert read(cast, code=code) == "too_early"
    cast.event.starts_at, cast.event.ends_at = clock.now() - 2 * HOUR, clock.now() + HOUR
    session.flush()
    assert read(cast, code=code) == "too_late"
    cast.event.checkin_after = 180
    cast.event.classes = ["buyer"]
    session.flush()
    assert read(cast, code=code_of(visitor(session, cast, "乙"))) == "wrong_class"
    assert read(cast, code="") == "unreadable"
    assert read(cast, code="http://example.com/") == "unreadable"
    assert read(cast, code=code[:-4] + ("AAAA" if code[-4:] != "AAAA" else "BBBB")) in {"not_genuine", "unreadable"}
    badge = badges.issue_badge(person)
    badges.reprint(badge, "verloren")
    assert read(cast, code=code) == "replaced"
    badges.block(badge, "x")
    assert read(cast, code=badges.code_of(badge)) == "blocked"
    badges.unblock(badge, "x")
    registrations.decide(person, "returned", reason="x", mail=False)
    assert read(cast, code=badges.code_of(badge)) == "not_approved"
    assert "event.publish" in set(session.scalars(select(AuditEntry.action)))
