"""Suggestions and meetings through the pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import event, func, select

from expo_crm.db import db
from expo_crm.matchmaking.models import Meeting, Offer
from expo_crm.matchmaking.services import meetings
from expo_crm.messaging.models import Message
from tests.matchmaking.support import market, page_of, visitor
from tests.support.cast import sign_in


def mails(session):
    return [(m.template, m.to_email) for m in session.scalars(select(Message).order_by(Message.id))]


def test_best_of_both_sides_with_reasons(client, session, app):
    cast = market(session, app)
    sign_in(client, cast.reader)
    page = client.get(f"{cast.staff}/matchmaking/visitors/{cast.wanting.id}").get_data(as_text=True)
    assert page.index("禾川泵业") < page.index("Nordhafen")  # exact before sibling
    assert "北辰阀门" not in page
    assert (
        "计量泵" in page and "Ask for a meeting" not in page and 'action="' + f"{cast.staff}/meetings/ask" not in page
    )
    page = client.get(f"{cast.staff}/matchmaking/exhibitors/{cast.parts[0].id}").get_data(as_text=True)
    assert "李若溪" in page and "王大力" not in page
    assert "li@qingyuan.example" not in page
    page = client.get(f"{cast.staff}/matchmaking?q=禾川").get_data(as_text=True)
    assert f"/matchmaking/exhibitors/{cast.parts[0].id}" in page
    assert client.get(f"{cast.staff}/matchmaking/exposure").status_code == 200
    assert client.get(f"/e/{cast.previous.slug}/matchmaking/visitors/{cast.wanting.id}").status_code == 404
    assert client.get(f"/e/{cast.previous.slug}/matchmaking/exhibitors/{cast.parts[0].id}").status_code == 404


def test_staff_ask_visitor_accepts_by_mail_link_and_it_is_scheduled(client, session, app):
    cast = market(session, app)
    sign_in(client, cast.sales)
    asked = client.post(
        f"{cast.staff}/meetings/ask", data={"participation_id": cast.parts[0].id, "registration_id": cast.wanting.id}
    )
    assert asked.status_code == 302
    [made] = session.scalars(select(Meeting))
    assert made.state == "requested" and made.reasons[0]["kind"] == "exact"
    assert mails(session) == [("matchmaking_request", "li@qingyuan.example")]
    [mail] = session.scalars(select(Message))
    link = re.search(r"http://localhost(/m/\S+)", mail.text)[1]
    client.post("/sign-out")
    assert client.get(link).status_code == 200
    session.refresh(made)
    assert made.state == "requested"  # looking is not answering
    assert client.post(link, data={"answer": "maybe"}).status_code == 422
    assert client.post(link, data={"answer": "yes", "reply": "好的"}).status_code == 302
    assert client.post(link, data={"answer": "no"}).status_code == 409
    session.refresh(made)
    assert (made.state, made.reply) == ("accepted", "好的")
    sign_in(client, cast.sales)
    url = f"{cast.staff}/meetings/{made.id}"
    slot = re.search(r'<option[^>]*value="([^"]+)"', client.get(url).get_data(as_text=True))[1]
    assert client.post(f"{url}/schedule", data={"starts_at": "2001-01-01T00:00:00+00:00"}).status_code == 422
    assert client.post(f"{url}/schedule", data={"starts_at": slot, "place": "洽谈区 3"}).status_code == 302
    session.refresh(made)
    assert (made.state, made.place) == ("scheduled", "洽谈区 3")
    last = list(session.scalars(select(Message).where(Message.template == "matchmaking_scheduled")))
    assert {m.to_email for m in last} == {"li@qingyuan.example", "chen@hechuan.example"}
    assert all(m.attachments[0]["type"] == "text/calendar" for m in last)
    assert "洽谈区 3" in last[0].text and "09:00" in last[0].text
    assert client.post(f"{url}/outcome", data={"state": "no_show", "side": "visitor"}).status_code == 302
    assert client.post(f"{url}/outcome", data={"state": "held"}).status_code == 409
    session.refresh(made)
    assert (made.state, made.no_show_side) == ("no_show", "visitor")


def test_the_visitor_asks_the_exhibitor_answers(client, session, app):
    cast = market(session, app)
    url = page_of(app, cast.wanting)
    panel = client.get(f"{url}/matches", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "禾川泵业" in panel and "<html" not in panel
    assert client.post(f"{url}/meetings", data={"participation_id": cast.parts[0].id}).status_code == 302
    assert client.post(f"{url}/meetings", data={"participation_id": cast.parts[0].id}).status_code == 409
    assert client.post(f"{url}/meetings", data={"participation_id": "999999"}).status_code == 404
    assert client.post(f"{url}/meetings", data={"participation_id": "x"}).status_code == 422
    [made] = session.scalars(select(Meeting))
    assert (made.asked_by, made.state) == ("visitor", "requested")
    assert mails(session) == [("matchmaking_request", "chen@hechuan.example")]
    assert client.post(f"{url}/meetings/{made.id}", data={"answer": "yes"}).status_code == 409  # not one's own request
    with app.test_request_context():
        session.refresh(made)
        meetings.answer(made, accept=False, side="exhibitor")
        session.commit()
    assert mails(session)[-1] == ("matchmaking_answer", "li@qingyuan.example")
    # Declined: not suggested again.
    panel = client.get(f"{url}/matches", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert panel.count("禾川泵业") == 1


def test_another_visitors_meeting_is_not_found(client, session, app):
    cast = market(session, app)
    with app.test_request_context():
        made = meetings.ask(cast.parts[0], cast.wanting, by="exhibitor")
        session.commit()
    assert client.post(f"{page_of(app, cast.other)}/meetings/{made.id}", data={"answer": "yes"}).status_code == 404
    assert client.post(f"{page_of(app, cast.wanting)}/meetings/{made.id}", data={"answer": "yes"}).status_code == 302
    for token in ("x", "a" * 32):
        assert client.get(f"/m/{token}").status_code == 404
        assert client.get(f"/v/{token}/matches").status_code == 404


def test_nobody_is_in_two_places_at_once(session, app):
    cast = market(session, app)
    at = dt.datetime.combine(cast.edition.starts_on, dt.time(10), cast.edition.zone)
    with app.test_request_context():
        made = []
        for part, who in ((cast.parts[0], cast.wanting), (cast.parts[1], cast.wanting), (cast.parts[0], cast.other)):
            one = meetings.ask(part, who, by="staff", mail=False)
            meetings.answer(one, accept=True, side="visitor", mail=False)
            made.append(one)
        meetings.schedule(made[0], at, mail=False)
        for one, code in ((made[1], "clash-visitor"), (made[2], "clash-exhibitor")):
            with pytest.raises(meetings.MeetingError) as refused:
                meetings.schedule(one, at + dt.timedelta(minutes=15), mail=False)
            assert refused.value.code == code
            assert at.astimezone(dt.UTC) not in [s.starts_at for s in meetings.free_slots(one)]
        meetings.schedule(made[1], at + dt.timedelta(minutes=30), mail=False)
        with pytest.raises(meetings.MeetingError) as refused:
            meetings.schedule(made[2], at.replace(hour=22), mail=False)
        assert refused.value.code == "outside"


def test_a_cancelled_visitor_has_no_meetings_left(client, session, app):
    cast = market(session, app)
    with app.test_request_context():
        made = meetings.ask(cast.parts[0], cast.wanting, by="visitor", mail=False)
        session.commit()
    client.post(f"{page_of(app, cast.wanting)}/cancel")
    session.refresh(made)
    assert made.state == "cancelled"
    assert ("matchmaking_cancelled", "chen@hechuan.example") in mails(session)


def test_offers_are_edited_and_only_of_this_show(client, session, app):
    cast = market(session, app)
    url = f"{cast.staff}/matchmaking/exhibitors/{cast.parts[0].id}/offers"
    sign_in(client, cast.reader)
    assert client.get(url).status_code == 403
    client.post("/sign-out")
    sign_in(client, cast.sales)
    assert client.get(url).status_code == 200
    assert client.post(url, data={"categories": ["987654"]}).status_code == 422
    data = {"categories": [str(cast.ball.id)], f"text-{cast.ball.id}": "DN50 球阀"}
    assert client.post(url, data=data).status_code == 302
    stored = session.execute(
        select(Offer.category_id, Offer.text).where(Offer.participation_id == cast.parts[0].id)
    ).all()
    assert stored == [(cast.ball.id, "DN50 球阀")]


def test_the_number_of_queries_does_not_grow(client, session, app):
    cast = market(session, app)
    sign_in(client, cast.admin)
    paths = [
        f"{cast.staff}/matchmaking", f"{cast.staff}/meetings", f"{cast.staff}/matchmaking/exhibitors/{cast.parts[0].id}",
        f"{cast.staff}/matchmaking/visitors/{cast.wanting.id}",
    ]  # fmt: skip

    def cost():
        seen: list[str] = []

        def note(*args):
            seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        out = []
        for path in paths:
            before = len(seen)
            assert client.get(path).status_code == 200
            out.append(len(seen) - before)
        event.remove(db.engine, "before_cursor_execute", note)
        return out

    with app.test_request_context():
        meetings.ask(cast.parts[0], cast.wanting, by="staff", mail=False)
        session.commit()
    client.get(paths[0])
    first = cost()
    with app.test_request_context():
        for i, name in enumerate(("甲一", "乙二", "丙三")):
            who = visitor(cast, name, [cast.metering.id, cast.ball.id], email=f"v{i}@x.example")
            meetings.ask(cast.parts[0], who, by="staff", mail=False)
        session.commit()
    assert cost() == first
    assert session.scalar(select(func.count()).select_from(Meeting)) == 4


def test_unanswered_requests_end_with_the_edition(session, app):
    cast = market(session, app)
    with app.test_request_context():
        made = meetings.ask(cast.parts[0], cast.wanting, by="visitor", mail=False)
        assert meetings.expire_past() == 0
        cast.edition.starts_on = cast.edition.ends_on = dt.date(2020, 1, 1)
        session.flush()
        assert meetings.expire_past() == 1
        assert made.state == "expired"


def test_the_company_page_shows_its_meetings(client, session, app):
    cast = market(session, app)
    with app.test_request_context():
        meetings.ask(cast.parts[0], cast.wanting, by="visitor", mail=False)
        session.commit()
    sign_in(client, cast.reader)
    assert "与 李若溪 的洽谈" in client.get(f"/companies/{cast.companies[0].id}").get_data(as_text=True)
