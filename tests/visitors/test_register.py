"""The public registration page."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from expo_crm.directory.models import Consent, Participation, Person
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.lib import clock, ids
from expo_crm.matchmaking.models import Demand
from expo_crm.messaging.models import Message
from expo_crm.visitors.models import Registration
from tests.visitors.support import answers, open_cast, send


def all_of(session):
    return list(session.scalars(select(Registration).order_by(Registration.id)))


def test_a_visitor_registers_and_gets_ticket_page_and_mail(client, session):
    cast = open_cast(session)
    response = send(client, cast)
    assert response.status_code == 302
    [made] = all_of(session)
    assert (made.state, made.source, made.visitor_class.code, made.on_site) == ("approved", "web", "trade", False)
    assert made.person.phone == "+8613800138000"
    assert session.scalars(select(Demand.category_id)).all() == [cast.metering.id]
    page = client.get(response.location).get_data(as_text=True)
    assert str(made.number) in page
    assert "li@qingyuan.example" not in page and "13800138000" not in page
    [mail] = session.scalars(select(Message))
    assert (mail.template, mail.locale) == ("visitors_confirmation", "zh")
    assert [a["type"] for a in mail.attachments] == ["image/png", "image/png", "text/calendar"]
    assert response.location in mail.text
    token = response.location.rsplit("/", 1)[1]
    assert made.token_hash == ids.hash_token(token)
    assert client.get(f"{response.location}/qr.png").data.startswith(b"\x89PNG")
    calendar = client.get(f"{response.location}/calendar.ics").get_data(as_text=True)
    assert calendar.count("BEGIN:VEVENT") == 3 and "TZID=Asia/Shanghai:" in calendar.replace("\r\n ", "")


def test_the_code_in_the_ticket_does_not_open_the_page(client, session, app):
    from expo_crm.visitors.services import links, tickets

    cast = open_cast(session)
    send(client, cast)
    [made] = all_of(session)
    with app.test_request_context():
        assert links.page_token(made) not in tickets.ticket_code(made)


def test_consent_is_not_ticked_and_each_answer_is_stored_with_its_words(client, session):
    cast = open_cast(session)
    page = client.get(cast.url).get_data(as_text=True)
    for name in ("lead_sharing", "marketing"):
        tag = next(t for t in page.split("<input") if f'name="{name}"' in t).split(">")[0]
        assert "checked" not in tag
    send(client, cast, marketing="marketing-2026-1")
    stored = {c.purpose: c for c in session.scalars(select(Consent))}
    assert (stored["marketing"].granted, stored["lead_sharing"].granted) == (True, False)
    assert (stored["marketing"].text_version, stored["marketing"].channel, stored["marketing"].locale) == (
        "marketing-2026-1",
        "web",
        "zh",
    )
    assert stored["marketing"].edition_id == cast.edition.id


def test_a_forged_or_doubled_consent_is_none(client, session):
    cast = open_cast(session)
    send(client, cast, lead_sharing=["lead-2026-2", "lead-2026-1"], marketing="on")
    assert not any(c.granted for c in session.scalars(select(Consent)))


def test_the_same_form_sent_twice_is_one_registration_and_one_page(client, session):
    cast = open_cast(session)
    data = answers(client, cast)
    first, second = client.post(cast.url, data=data), client.post(cast.url, data={**data, "job_title": "总监"})
    assert first.location == second.location
    assert len(all_of(session)) == 1
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_another_person_with_the_same_address_registers_and_takes_nothing_over(client, session):
    cast = open_cast(session)
    first = send(client, cast)
    second = send(client, cast, name="赵一鸣", phone="")
    assert second.status_code == 302 and second.location != first.location
    a, b = all_of(session)
    assert a.person_id != b.person_id
    assert (a.name, a.person.phone) == ("李若溪", "+8613800138000")


def test_the_same_person_again_sees_nobodys_page_and_gets_the_mail_again(client, session):
    cast = open_cast(session)
    first = send(client, cast)
    again = send(client, cast, name="李 若溪", company="别的公司", lead_sharing="lead-2026-2")
    page = again.get_data(as_text=True)
    assert again.status_code == 200 and first.location not in page
    [made] = all_of(session)
    assert made.company_name == "清源水务集团"
    assert not any(c.granted for c in session.scalars(select(Consent)))
    assert session.scalar(select(func.count()).select_from(Message)) == 2
    assert session.scalar(select(func.count()).select_from(Person).where(Person.email == "li@qingyuan.example")) == 1


def test_class_state_and_price_in_the_form_are_ignored(client, session):
    cast = open_cast(session)
    send(
        client,
        cast,
        company="",
        function="",
        **{"visitor_class": "press", "state": "approved", "class_id": "3", "price": "0", "on_site": "1"},
    )
    [made] = all_of(session)
    assert (made.visitor_class.code, made.state, made.on_site) == ("trade", "in_review", False)
    [mail] = session.scalars(select(Message))
    assert mail.attachments == []


def test_bad_input_keeps_the_form_and_stores_nothing(client, session):
    cast = open_cast(session)
    long_text, long_name = {"looking_for": "长" * 2001}, {"name": "名" * 101}
    for wrong in (
        long_text,
        long_name,
        {"name": " \u200b "}, {"email": "no address"}, {"email": ""}, {"email": "a@b.cn\r\nBcc: x@y.cn"},
        {"phone": "1.38E+10"}, {"phone": "abc"},
        {"interests": ["999999"]}, {"interests": ["x"]}, {"country": "XX"}, {"function": "../x"},
    ):  # fmt: skip
        response = send(client, cast, **{"job_title": "泵站主管", **wrong})
        assert response.status_code == 422, wrong
        page = response.get_data(as_text=True)
        assert "泵站主管" in page and "error-summary" in page
    assert all_of(session) == []
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_markup_and_line_breaks_stay_text(client, session):
    cast = open_cast(session)
    response = send(
        client, cast, name="<b>x</b>", company="=HYPERLINK(1)\x00", looking_for="<script>alert(1)</script>\nzwei"
    )
    [made] = all_of(session)
    assert made.name == "<b>x</b>" and made.company_name == "=HYPERLINK(1)"
    page = client.get(response.location).get_data(as_text=True)
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    [mail] = session.scalars(select(Message))
    assert "<b>x</b>" not in mail.html


def test_before_after_and_cancelled_are_friendly_pages(client, session):
    cast = open_cast(session)
    data = answers(client, cast)
    for change in (
        {"registration_opens_at": clock.now() + dt.timedelta(days=1)},
        {"registration_opens_at": None, "registration_closes_at": clock.now() - dt.timedelta(minutes=1)},
        {"registration_closes_at": None, "state": "cancelled"},
    ):
        for key, value in change.items():
            setattr(cast.edition, key, value)
        session.commit()
        assert client.get(cast.url).status_code == 200
        assert client.post(cast.url, data=data).status_code == 409
    assert all_of(session) == []
    assert client.get("/r/no-such-edition").status_code == 404


def test_an_invitation_is_counted_named_and_credited(client, session):
    cast = open_cast(session)
    part = Participation(
        edition_id=cast.edition.id, company_id=cast.companies[0].id, stands="H1-A01", created_at=clock.now()
    )
    session.add(part)
    session.flush()
    link = InvitationLink(participation_id=part.id, code="hechuan-7f3k", created_at=clock.now(), opened=0)
    session.add(link)
    session.commit()
    opened = client.get("/i/hechuan-7f3k")
    assert opened.status_code == 302
    assert "禾川泵业" in client.get(opened.location).get_data(as_text=True)
    send(client, cast, i="hechuan-7f3k")
    [made] = all_of(session)
    session.refresh(link)
    assert (made.source, made.invitation_link_id, link.opened) == ("invitation", link.id, 1)
    assert client.get("/i/unknown-code").status_code == 404
    printed = ids.encode_code(33, 10)
    session.add(InvitationLink(participation_id=part.id, label="print", code=printed, created_at=clock.now(), opened=0))
    session.commit()
    typed = printed.replace("0", "o").replace("1", "l").lower()
    assert client.get(f"/i/{typed[:4]}-{typed[4:]}").location.endswith(printed)
    assert client.get(f"/i/{typed[:-1]}{'3' if typed[-1] == '2' else '2'}").status_code == 404
    send(client, cast, name="钱多多", email="q@x.example", i="unknown-code")
    assert all_of(session)[1].source == "web"


def test_the_own_page_changes_interests_withdraws_consent_and_cancels(client, session):
    cast = open_cast(session)
    url = send(client, cast, lead_sharing="lead-2026-2").location
    assert (
        client.post(f"{url}/interests", data={"interests": [str(cast.ball.id)], "looking_for": "球阀"}).status_code
        == 302
    )
    assert session.scalars(select(Demand.category_id)).all() == [cast.ball.id]
    assert client.post(f"{url}/consent", data={"purpose": "lead_sharing", "answer": "no"}).status_code == 302
    newest = session.scalars(
        select(Consent).where(Consent.purpose == "lead_sharing").order_by(Consent.id.desc())
    ).first()
    assert newest.granted is False and newest.channel == "visitor_page"
    assert client.post(f"{url}/consent", data={"purpose": "lead_sharing", "answer": "forged"}).status_code == 422
    assert client.post(f"{url}/cancel").status_code == 302
    [made] = all_of(session)
    assert made.state == "cancelled"
    assert client.get(f"{url}/qr.png").status_code == 404
    assert client.post(f"{url}/interests", data={"interests": [str(cast.metering.id)]}).status_code == 409


def test_a_wrong_token_opens_nothing(client, session):
    cast = open_cast(session)
    url = send(client, cast).location
    for token in ("x", "a" * 32, url.rsplit("/", 1)[1][:-1], "%00", "../../etc"):
        assert client.get(f"/v/{token}").status_code == 404
        assert client.get(f"/v/{token}/qr.png").status_code == 404
        assert client.post(f"/v/{token}/cancel").status_code == 404


def test_the_page_and_mail_speak_english(client, session):
    cast = open_cast(session)
    client.get(f"{cast.url}?lang=en")
    url = send(client, cast, name="Ada Lovelace").location
    assert "You are registered" in client.get(url).get_data(as_text=True)
    [mail] = session.scalars(select(Message))
    assert mail.locale == "en" and mail.subject.startswith("Your ticket for East China")
