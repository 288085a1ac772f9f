"""The exhibitor portal: invited, signed in, and never anywhere near another exhibitor's things."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.directory.models import Participation, Person
from expo_crm.exhibitors.models import DirectoryEntry, InvitationLink, PortalMember
from expo_crm.exhibitors.services import booths, contract_changes, contracts
from expo_crm.lib import clock, text
from expo_crm.matchmaking.models import Offer
from expo_crm.messaging.models import Message
from expo_crm.visitors.models import Registration
from tests.support.cast import NOW, PASSWORD, play, sign_in

PAGES = ("", "/contract", "/invoices", "/booth", "/entry", "/invitation", "/meetings", "/team")


@pytest.fixture
def cast(session):
    """Two exhibitors of the edition, each with a signed contract, a booth and one account."""
    cast = play(session)
    cast.mine, cast.mine_contract = exhibit(session, cast, cast.opportunity, cast.booths[0])
    other = type(cast.opportunity)(
        edition_id=cast.edition.id, company_id=cast.companies[1].id, stage="intent", stage_at=NOW, created_at=NOW
    )
    session.add(other)
    session.flush()
    cast.other, cast.other_contract = exhibit(session, cast, other, cast.booths[1])
    cast.me = member(session, cast, "me@hechuan.example", cast.companies[0])
    cast.stranger = member(session, cast, "boss@beichen.example", cast.companies[1])
    session.commit()
    return cast


def exhibit(session, cast, opportunity, booth):
    booths.hold(booth, opportunity, clock.now() + dt.timedelta(days=3))
    contract = contracts.draft(opportunity)
    contracts.sign(contract, "CANARY-SIGNER " + opportunity.company.name_zh, dt.date(2026, 3, 1))
    session.flush()
    query = select(Participation).where(
        Participation.company_id == opportunity.company_id, Participation.edition_id == cast.edition.id
    )
    return session.scalar(query), contract


def member(session, cast, email, company):
    user = User(
        email=email, name=email, kind="exhibitor", locale="zh", created_at=NOW, password_hash=cast.sales.password_hash
    )
    session.add(user)
    session.flush()
    session.add(PortalMember(user_id=user.id, company_id=company.id))
    return user


def test_an_invited_contact_gets_in_and_sees_the_company(client, session, cast):
    sign_in(client, cast.sales)
    assert "Exhibitor portal" in client.get(f"/companies/{cast.companies[0].id}?lang=en").get_data(as_text=True)
    sent = client.post(
        f"/e/fluid-2026/exhibitors/{cast.mine.id}/invite",
        data={"email": "Chen@hechuan.example", "name": "陈思远", "locale": "zh"},
    )
    assert sent.status_code == 302
    mail = session.scalar(select(Message).where(Message.template == "exhibitors_portal_invitation"))
    assert (mail.to_email, mail.locale) == ("chen@hechuan.example", "zh")
    link = re.search(r"http://localhost(/welcome/\S+)", mail.text)[1]
    client.post("/sign-out")
    accepted = client.post(link, data={"email": "chen@hechuan.example", "name": "陈思远", "password": PASSWORD})
    assert accepted.headers["Location"] == "/portal"
    page = client.get(client.get("/portal").headers["Location"] + "?lang=zh").get_data(as_text=True)
    assert "禾川泵业" in page and "A01" in page
    assert session.scalar(select(func.count()).select_from(InvitationLink)) == 1
    client.post("/sign-out")
    assert client.post(link, data={"name": "x", "password": PASSWORD}).status_code == 410


def test_every_page_opens_for_its_own_and_is_not_found_for_others(client, session, cast):
    base = f"/portal/{cast.mine.id}"
    assert client.get(base).status_code == 302  # to the sign-in
    sign_in(client, cast.me)
    for page in PAGES:
        own = client.get(f"{base}{page}?lang=en")
        assert own.status_code == 200
        assert "北辰" not in own.get_data(as_text=True) and "beichen" not in own.get_data(as_text=True).lower()
        foreign, unknown = client.get(f"/portal/{cast.other.id}{page}"), client.get(f"/portal/999999{page}")
        assert foreign.status_code == unknown.status_code == 404
        tokens = r"/portal/\d+|(content|value)=\"[^\"]{60,}\""
        seen = [re.sub(tokens, "", r.get_data(as_text=True)) for r in (foreign, unknown)]
        assert seen[0] == seen[1]


def test_foreign_contracts_and_invoices_are_not_found_under_the_own_address(client, session, cast):
    from expo_crm.billing.models import Invoice

    sign_in(client, cast.me)
    mine, other = (
        session.scalar(select(Invoice.id).where(Invoice.company_id == cast.companies[i].id).limit(1)) for i in (0, 1)
    )
    base = f"/portal/{cast.mine.id}"
    assert client.get(f"{base}/contracts/{cast.mine_contract.id}/contract.pdf").data.startswith(b"%PDF")
    assert client.get(f"{base}/contracts/{cast.other_contract.id}/contract.pdf").status_code == 404
    assert client.get(f"{base}/invoices/{mine}/invoice.pdf").data.startswith(b"%PDF")
    assert client.get(f"{base}/invoices/{other}/invoice.pdf").status_code == 404


def test_staff_and_exhibitors_stay_on_their_own_sides(client, session, cast):
    sign_in(client, cast.sales)
    assert client.get(f"/portal/{cast.mine.id}").status_code == 403
    client.post("/sign-out")
    sign_in(client, cast.me)
    for url in (
        "/companies",
        "/e/fluid-2026/imports",
        "/e/fluid-2026/exhibitors",
        f"/companies/{cast.companies[0].id}",
    ):
        assert client.get(url).status_code == 403, url
    assert client.post(f"/e/fluid-2026/exhibitors/{cast.mine.id}/invite", data={}).status_code == 403


def test_a_draft_is_the_organizers_own(client, session, cast):
    cast.mine_contract.state = "draft"
    session.commit()
    sign_in(client, cast.me)
    assert cast.mine_contract.number not in client.get(f"/portal/{cast.mine.id}/contract").get_data(as_text=True)
    assert client.get(f"/portal/{cast.mine.id}/contracts/{cast.mine_contract.id}/contract.pdf").status_code == 404


ENTRY = {
    "name_zh": "禾川泵业",
    "name_en": "Hechuan Pumps",
    "intro_zh": "离心泵与计量泵。",
    "intro_en": "Centrifugal and metering pumps.",
    "website": "www.hechuan.example",
    "brands": "禾川, HCP",
}


def test_the_directory_entry_in_two_languages(client, session, cast):
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/entry"
    assert (
        client.post(url, data={**ENTRY, "categories": [str(cast.centrifugal.id), str(cast.metering.id)]}).status_code
        == 302
    )
    saved = session.scalar(select(DirectoryEntry).where(DirectoryEntry.participation_id == cast.mine.id))
    assert (saved.name_en, saved.intro_zh, saved.brands) == ("Hechuan Pumps", "离心泵与计量泵。", ["禾川", "HCP"])
    offers = set(session.scalars(select(Offer.category_id).where(Offer.participation_id == cast.mine.id)))
    assert offers == {cast.centrifugal.id, cast.metering.id}
    assert cast.companies[0].name_zh == "禾川泵业（上海）有限公司"  # the organizer's record is its own
    assert "33 %" in client.get(f"/portal/{cast.mine.id}").get_data(as_text=True)  # contract, entry, offers of nine tasks


@pytest.mark.parametrize(
    "wrong",
    [
        {"name_zh": "", "name_en": ""},
        {"website": "javascript:alert(1)"},
        {"categories": ["999999"]},
        {"categories": ["x"]},
        {"intro_en": "x" * 5000},
    ],
)
def test_a_wrong_entry_is_refused_and_kept_on_screen(client, session, cast, wrong):
    sign_in(client, cast.me)
    answer = client.post(f"/portal/{cast.mine.id}/entry", data={**ENTRY, **wrong})
    assert answer.status_code == 422
    assert "离心泵与计量泵。" in answer.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(DirectoryEntry)) == 0


def test_the_personal_link_and_who_used_it(client, session, cast):
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/invitation"
    assert client.get(f"/portal/{cast.mine.id}/invitation.png").status_code == 404
    client.post(url)
    client.post(url)
    links = session.scalars(select(InvitationLink)).all()
    assert len(links) == 1
    for number, (name, link) in enumerate([("王小雨", links[0].id), ("不相干的人", None)], start=1):
        person = Person(
            name=name,
            sort_key=name,
            search_key=text.search_key(name),
            email=f"p{number}@x.example",
            created_at=NOW,
            updated_at=NOW,
        )
        session.add(person)
        session.flush()
        session.add(
            Registration(
                edition_id=cast.edition.id, number=number, person_id=person.id, class_id=cast.class_trade.id, name=name,
                company_name="云帆装备", sort_key="w", search_key="w", invitation_link_id=link, submitted_at=NOW,
            )
        )  # fmt: skip
    session.commit()
    page = client.get(url + "?lang=en").get_data(as_text=True)
    assert f"http://localhost/i/{links[0].code}" in page
    assert "王小雨" in page and "云帆装备" in page and "不相干的人" not in page and "p1@x.example" not in page
    assert client.get(f"/portal/{cast.mine.id}/invitation.png").data.startswith(b"\x89PNG")


def test_colleagues_are_invited_and_the_last_one_stays(client, session, cast):
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/team"
    assert client.post(url, data={"email": "new@hechuan.example", "name": "新同事", "locale": "zh"}).status_code == 302
    assert client.post(url, data={"email": "nonsense", "name": "x", "locale": "zh"}).status_code == 422
    assert client.post(url, data={"email": cast.sales.email, "name": "x", "locale": "zh"}).status_code == 422
    assert client.post(url, data={"email": cast.me.email, "name": "x", "locale": "zh"}).status_code == 422
    own, foreign = (
        session.scalar(select(PortalMember.id).where(PortalMember.user_id == u.id)) for u in (cast.me, cast.stranger)
    )
    assert client.post(f"{url}/{own}/remove").status_code == 409
    assert client.post(f"{url}/{foreign}/remove").status_code == 404
    assert session.scalar(select(func.count()).select_from(PortalMember)) == 2


def test_an_account_of_two_companies_can_switch(client, session, cast):
    session.add(PortalMember(user_id=cast.me.id, company_id=cast.companies[1].id))
    session.commit()
    sign_in(client, cast.me)
    page = client.get(f"/portal/{cast.mine.id}").get_data(as_text=True)
    assert f"/portal/{cast.other.id}" in page
    assert client.get(f"/portal/{cast.other.id}").status_code == 200


def test_an_account_without_an_exhibitor_is_told_so(client, session, cast):
    lonely = member(session, cast, "lonely@cheng.example", cast.companies[3])
    session.commit()
    sign_in(client, lonely)
    assert client.get("/portal").status_code == 200


def test_inviting_needs_an_address_and_a_participation_of_this_edition(client, session, cast):
    sign_in(client, cast.sales)
    url = f"/e/fluid-2026/exhibitors/{cast.mine.id}/invite"
    assert client.post(url, data={"email": "x", "name": "", "locale": "zh"}).status_code == 422
    assert client.post(url, data={"email": cast.me.email, "name": "x", "locale": "zh"}).status_code == 409
    assert client.post(f"/e/fluid-2025/exhibitors/{cast.mine.id}/invite", data={}).status_code == 404
    previous = session.scalar(select(Participation.id).where(Participation.edition_id == cast.previous.id).limit(1))
    assert client.post(f"/e/fluid-2026/exhibitors/{previous}/invite", data={}).status_code == 404


def test_money_left_to_pay_is_exact(client, session, cast):
    sign_in(client, cast.me)
    total = cast.mine_contract.total
    assert total == Decimal("12720.00")
    assert "12,720" in client.get(f"/portal/{cast.mine.id}/invoices?lang=en").get_data(as_text=True)


def test_what_is_left_to_pay_after_a_credit_and_after_a_cancellation(client, session, cast):
    sign_in(client, cast.me)
    contract_changes.amend(cast.mine_contract, discount=Decimal(1000), reason="old customer")
    session.commit()
    page = client.get(f"/portal/{cast.mine.id}/invoices?lang=en").get_data(as_text=True)
    assert "11,660" in page and "10,600" not in page  # 12,720 less 1,060, and the credit note is not taken off twice
    contracts.cancel(cast.mine_contract, "no budget")
    session.commit()
    assert "-¥" not in client.get(f"/portal/{cast.mine.id}?lang=en").get_data(as_text=True)


def test_a_meeting_is_answered_by_its_own_exhibitor_only(client, session, cast):
    from expo_crm.matchmaking.services import meetings

    person = Person(name="王小雨", sort_key="w", search_key="w", email="w@x.example", created_at=NOW, updated_at=NOW)
    session.add(person)
    session.flush()
    registration = Registration(
        edition_id=cast.edition.id, number=1, person_id=person.id, class_id=cast.class_trade.id, name="王小雨",
        company_name="云帆装备", sort_key="w", search_key="w", state="approved", submitted_at=NOW,
    )  # fmt: skip
    session.add(registration)
    session.flush()
    mine, other = (
        meetings.ask(p, registration, by="visitor", message="您好", mail=False) for p in (cast.mine, cast.other)
    )
    session.commit()
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/meetings"
    assert "王小雨" in client.get(url).get_data(as_text=True)
    assert client.post(f"{url}/{other.id}", data={"answer": "accept"}).status_code == 404
    assert client.post(f"{url}/{mine.id}", data={"answer": "maybe"}).status_code == 422
    assert client.post(f"{url}/{mine.id}", data={"answer": "accept", "reply": "欢迎"}).status_code == 302
    assert (mine.state, mine.reply, other.state) == ("accepted", "欢迎", "requested")
    assert client.post(f"{url}/{mine.id}", data={"answer": "decline"}).status_code == 409
