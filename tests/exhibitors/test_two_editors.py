"""Two people at one form: the second sees what the first has saved, in every view that edits a record."""

from __future__ import annotations

import re
from html import unescape

import pytest

from expo_crm.directory.models import Company, Employment, Person
from expo_crm.exhibitors.models import Booth, Contract, Opportunity
from expo_crm.exhibitors.services import booths, contracts
from tests.exhibitors.test_sale import soon
from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session, client):
    cast = play(session)
    sign_in(client, cast.admin)
    return cast


def hidden(page, name):
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page).group()
    return re.search(r'value="([^"]*)"', tag).group(1)


def fields(page):
    """What the form with the mark would send."""
    form = next(part for part in page.split("<form")[1:] if 'name="seen"' in part.split("</form>")[0]).split("</form>")[0]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            sent[name.group(1)] = unescape(value.group(1)) if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        found = re.search(r'<option selected[^>]*value="([^"]*)"|<option[^>]*value="([^"]*)"[^>]* selected', body)
        sent[name] = unescape(next(v for v in found.groups() if v is not None)) if found else ""
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        sent[name] = unescape(body).removeprefix("\n")
    return sent


def change_both(client, address, post_to, first, second):
    """Both open the form; the first saves, then the second; returns the answer to the second and its page."""
    page = client.get(f"{address}?lang=en").get_data(as_text=True)
    sent = fields(page)
    assert client.post(post_to, data=sent | first).status_code == 302
    answer = client.post(post_to, data=sent | second)
    return answer, answer.get_data(as_text=True)


def test_person(client, session, cast):
    person = session.get_one(Person, session.query(Employment.person_id).limit(1).scalar())
    at = f"/people/{person.id}/edit"
    answer, page = change_both(client, at, at, {"city": "苏州"}, {"city": "杭州", "phone": "021-58880001"})
    assert answer.status_code == 409 and "Somebody changed this while you were editing" in page
    assert "<td>苏州</td><td>杭州</td>" in page and cast.admin.name in page
    session.refresh(person)
    assert person.city == "苏州"
    assert client.post(at, data=fields(page)).status_code == 302  # his own, after all
    session.refresh(person)
    assert (person.city, person.phone) == ("杭州", "+862158880001")


def test_opportunity(client, session, cast):
    card = session.get_one(Opportunity, cast.opportunity.id)
    at = f"/e/fluid-2026/recruitment/{card.id}"
    answer, page = change_both(client, at, f"{at}/edit", {"next_step": "发合同"}, {"next_step": "打电话", "expected_m2": "27"})
    assert answer.status_code == 409 and "<td>发合同</td><td>打电话</td>" in page
    session.refresh(card)
    assert card.next_step == "发合同"
    assert client.post(f"{at}/edit", data=fields(page)).status_code == 302
    session.refresh(card)
    assert (card.next_step, card.expected_m2) == ("打电话", 27)


def test_booth(client, session, cast):
    booth = session.get_one(Booth, cast.booths[1].id)
    at = f"/e/fluid-2026/plan/booths/{booth.id}/edit"
    answer, page = change_both(client, at, at, {"open_sides": "2"}, {"open_sides": "3"})
    assert answer.status_code == 409 and "<td>2</td><td>3</td>" in page
    session.refresh(booth)
    assert booth.open_sides == 2
    assert client.post(at, data=fields(page)).status_code == 302
    session.refresh(booth)
    assert booth.open_sides == 3


def test_company(client, session, cast):
    company = session.get_one(Company, cast.companies[0].id)
    at = f"/companies/{company.id}/edit"
    seen = hidden(client.get(f"{at}?lang=en").get_data(as_text=True), "version")
    form = {"name_zh": company.name_zh, "version": seen, "confirmed": "y"}
    assert client.post(at, data=form | {"city": "苏州"}).status_code == 302
    answer = client.post(at, data=form | {"city": "杭州"})
    assert answer.status_code == 409 and "<td>苏州</td><td>杭州</td>" in answer.get_data(as_text=True)


def test_contract(client, session, cast):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    contract = session.get_one(Contract, contracts.draft(cast.opportunity).id)
    session.commit()
    at = f"/e/fluid-2026/contracts/{contract.id}"
    seen = hidden(client.get(f"{at}?lang=en").get_data(as_text=True), "version")
    assert client.post(f"{at}/send", data={"version": seen}).status_code == 302
    answer = client.post(f"{at}/cancel", data={"version": seen, "reason": "客户撤回"})
    said = answer.get_data(as_text=True)
    assert answer.status_code == 409 and cast.admin.name in said and ": sent" in said and "Sent, " in said
    session.refresh(contract)
    assert contract.state == "sent"
