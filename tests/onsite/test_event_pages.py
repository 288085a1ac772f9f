"""The pages of concurrent events: planned and watched by staff, booked by visitors, read at the door."""

from __future__ import annotations

import datetime as dt
import re
import uuid

from sqlalchemy import event as sql_event
from sqlalchemy import select

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.models import ConcurrentEvent, EventBooking
from expo_crm.onsite.services import badges, events
from expo_crm.visitors.services import links
from tests.onsite.test_events import HOUR, add_event, code_of, stage, states, visitor
from tests.support.cast import play, sign_in

FORM = {
    "title_zh": "阀门论坛",
    "title_en": "Valve forum",
    "starts_at": "2026-06-10T10:00",
    "ends_at": "2026-06-10T11:30",
    "capacity": "80",
    "checkin_before": "30",
    "checkin_after": "45",
    "walk_in": "y",
}
WRONG: tuple[dict[str, object], ...] = (
    {"title_zh": "", "title_en": "\u200b"},
    {"title_en": "x" * 201},
    {"starts_at": ""},
    {"starts_at": "tomorrow"},
    {"starts_at": "2020-06-10T10:00"},
    {"ends_at": "2026-06-10T09:00"},
    {"ends_at": "2026-06-14T09:00"},
    {"capacity": "0"},
    {"capacity": "-5"},
    {"capacity": "9" * 30},
    {"capacity": "many"},
    {"hall": "999999"},
    {"classes": ["nobody"]},
    {"checkin_before": "481"},
    {"offer_hours": "73"},
)


def base(cast) -> str:
    return f"/e/{cast.edition.slug}/events"


def test_an_event_is_planned_published_booked_by_staff_and_called_off(client, session):
    cast = play(session)
    person = visitor(session, cast)
    sign_in(client, cast.desk)
    assert "还没有同期活动" in client.get(base(cast)).text
    made = client.post(f"{base(cast)}/new", data={**FORM, "hall": str(cast.hall.id), "classes": ["trade", "buyer"]})
    assert made.status_code == 302
    event = session.scalars(select(ConcurrentEvent)).one()
    assert (event.state, event.capacity, event.classes, event.hall_id) == (
        "draft",
        80,
        ["trade", "buyer"],
        cast.hall.id,
    )
    assert event.starts_at == dt.datetime(2026, 6, 10, 2, 0, tzinfo=dt.UTC)  # typed on the venue's clocks
    url = f"{base(cast)}/{event.id}"
    event.starts_at, event.ends_at = clock.now() + 48 * HOUR, clock.now() + 50 * HOUR
    session.commit()
    assert client.post(f"{url}/state", data={"state": "published"}).status_code == 302
    assert "林晓" in client.get(f"{url}/search?q=linxiao").text
    assert client.post(f"{url}/book", data={"registration_id": str(person.id)}).status_code == 302
    assert "林晓" in client.get(url).text and "已预约" in client.get(url).text
    assert "80" in client.get(base(cast)).text and "阀门论坛" in client.get(f"{base(cast)}/table?q=阀门").text
    booking = session.scalars(select(EventBooking)).one()
    page = client.get(f"{url}/bookings/{booking.id}")
    assert "取消预约" in page.text
    client.post(f"{url}/bookings/{booking.id}", data={"action": "cancel", "reason": "x"})
    assert states(event) == ["cancelled"]
    assert client.post(f"{url}/state", data={"state": "cancelled", "reason": "x"}).status_code == 302
    assert client.post(f"{url}/state", data={"state": "published"}).status_code == 409
    assert client.post(f"{url}/state", data={"state": "odd"}).status_code == 422
    client.post("/sign-out")
    sign_in(client, cast.admin)
    exported = client.get(f"{url}?export=csv")
    assert exported.mimetype == "text/csv" and person.person.email in exported.text


def test_a_wrong_event_is_refused_with_the_input_kept(client, session):
    cast = play(session)
    sign_in(client, cast.desk)
    for wrong in WRONG:
        answer = client.post(f"{base(cast)}/new", data={**FORM, **wrong})
        assert answer.status_code == 422, wrong
        kept = "Valve forum" if "title_en" not in wrong else "2026-06-10T10:00"
        assert kept in answer.text
    assert session.scalars(select(ConcurrentEvent)).all() == []


def test_readers_may_look_and_not_change_and_other_editions_are_not_found(client, session):
    cast = stage(session)
    url = f"{base(cast)}/{cast.event.id}"
    sign_in(client, cast.reader)
    assert client.get(url).status_code == 200
    for path in (f"{base(cast)}/new", f"{url}/edit", f"{url}/check-in"):
        assert client.get(path).status_code == 403
    assert client.post(f"{url}/state", data={"state": "cancelled"}).status_code == 403
    assert client.get(f"/e/{cast.previous.slug}/events/{cast.event.id}").status_code == 404


def test_a_visitor_books_is_warned_of_an_overlap_cancels_and_gets_a_calendar_file(client, session):
    cast = stage(session)
    person = visitor(session, cast)
    token = links.page_token(person)
    other = add_event(cast, title_zh="阀门论坛", title_en="Valve forum")
    draft = add_event(cast, title_zh="未公开", publish=False)
    session.commit()
    own = f"/v/{token}/events"
    page = client.get(own).text
    assert "泵阀节能论坛" in page and "阀门论坛" in page and "未公开" not in page
    assert client.post(f"{own}/{cast.event.id}", data={"action": "book"}).status_code == 302
    assert "与“泵阀节能论坛”时间冲突" in client.get(own).text
    asked = client.post(f"{own}/{other.id}", data={"action": "book"})
    assert asked.status_code == 409 and "您在这个时间已有安排" in asked.text
    assert states(other) == []
    assert client.post(f"{own}/{other.id}", data={"action": "book", "anyway": "1"}).status_code == 302
    assert states(other) == ["booked"]
    file = client.get(f"{own}/{other.id}.ics")
    assert file.mimetype == "text/calendar" and "SUMMARY:阀门论坛" in file.text and "/v/" in file.text
    assert client.post(f"{own}/{other.id}", data={"action": "cancel"}).status_code == 302
    assert states(other) == ["cancelled"]
    assert client.post(f"{own}/{draft.id}", data={"action": "book"}).status_code == 404
    assert client.post(f"{own}/{other.id}", data={"action": "steal"}).status_code == 422
    assert client.post(f"/v/{'x' * 32}/events/{other.id}", data={"action": "book"}).status_code == 404


def test_the_public_programme_shows_what_is_published_and_its_calendar(client, session):
    cast = stage(session, capacity=1)
    draft = add_event(cast, title_zh="未公开", publish=False)
    events.book(cast.event, visitor(session, cast))
    session.commit()
    page = client.get(f"/r/{cast.edition.slug}/programme")
    assert (
        "泵阀节能论坛" in page.text
        and "候补名单" in page.text
        and "未公开" not in page.text
        and "林晓" not in page.text
    )
    assert client.get(f"/r/{cast.edition.slug}/programme/{cast.event.id}.ics").status_code == 200
    assert client.get(f"/r/{cast.edition.slug}/programme/{draft.id}.ics").status_code == 404


def test_the_door_answers_a_scanner_and_asks_before_a_walk_in(client, session):
    cast = stage(session, starts_in=dt.timedelta(minutes=5))
    person, stranger = visitor(session, cast), visitor(session, cast, "周燕")
    events.book(cast.event, person)
    codes = code_of(person), code_of(stranger)
    session.commit()
    sign_in(client, cast.gate)
    url = f"{base(cast)}/{cast.event.id}/check-in"
    page = client.get(url)
    assert (
        "camera=(self)" in page.headers["Permissions-Policy"]
        and "wasm-unsafe-eval" in page.headers["Content-Security-Policy"]
    )

    def read(**data):
        return client.post(url, data={"client_uuid": str(uuid.uuid4()), **data}, headers={"HX-Request": "true"})

    assert 'data-signal="admit"' in read(code=codes[0]).text
    asked = read(code=codes[1])
    assert 'data-signal="warn"' in asked.text and 'name="agreed"' in asked.text
    assert "周燕" in read(code=codes[1], agreed="1").text and states(cast.event) == ["attended", "attended"]
    assert "无法识别" in read(code="hello").text
    assert "已入场" in read(registration_id=str(person.id)).text
    assert read(registration_id="x").status_code == 422
    assert read(registration_id="999999").status_code == 404
    assert read(code=codes[0], client_uuid="").status_code == 422
    assert client.post(url, data={"client_uuid": str(uuid.uuid4()), "code": "x" * 9000}).status_code == 200
    staff = badges.issue_staff_badge(_participation(cast), "展台人员")
    assert "展商人员" in read(code=badges.code_of(staff)).text
    first = db.session.scalars(select(EventBooking).where(EventBooking.registration_id == person.id)).one()
    client.post(f"{base(cast)}/{cast.event.id}/bookings/{first.id}", data={"action": "undo"})
    assert states(cast.event) == ["booked", "attended"]


def _participation(cast):
    from expo_crm.directory.models import Participation

    made = Participation(edition_id=cast.edition.id, company_id=cast.companies[0].id, created_at=clock.now())
    db.session.add(made)
    db.session.flush()
    return made


def test_the_board_of_fill_levels_reads_as_much_for_one_event_as_for_many(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)

    def statements() -> int:
        seen: list[str] = []
        sql_event.listen(db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        client.get(base(cast))
        return len([s for s in seen if re.match(r"\s*select", s, re.I)])

    client.get(base(cast))
    few = statements()
    for n in range(12):
        add_event(cast, title_zh=f"论坛{n}")
    session.commit()
    assert statements() <= few
