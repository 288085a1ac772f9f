"""Lead capture with a real camera picture: paired from the portal, online, offline, synced, seen in the portal, taken back."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from expo_crm.onsite.models import Device, Lead, LeadScan
from expo_crm.onsite.services import badges, devices, lead_setup
from expo_crm.onsite.services.lead_setup import Wording
from expo_crm.visitors.services import links
from tests.browser.test_gate import sign_in
from tests.onsite.play import register
from tests.onsite.test_leads import agree, lead_stage
from tests.support.browsers import check_no_overflow


@pytest.fixture(scope="module")
def cast(live_server) -> SimpleNamespace:
    with live_server.database() as session:
        made = lead_stage(session)
        company = made.a.stand.company_id
        lead_setup.add_tag(company, "Needs a quote")
        lead_setup.save_question(company, Wording("single", "When?", ("soon", "later"), required=True))
        second = register(session, made, "周敏", "清源化工")
        agree(second)
        return SimpleNamespace(
            email=made.a.user.email, stand=made.a.stand.id, code=made.code, shy=made.shy_code,
            second=badges.code_of(badges.issue_badge(second)), page=f"/v/{links.page_token(made.registration)}",
        )  # fmt: skip


def type_code(page, code: str) -> None:
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def test_leads_from_pairing_to_withdrawal(live_server, cast, open_page, camera_page, axe, watch):
    watch.allow("net::ERR")
    portal = open_page("en")
    sign_in(portal, cast.email)
    portal.goto(f"/portal/{cast.stand}/leads/devices")
    portal.get_by_label("Who uses it").fill("Zhang Wei")
    portal.get_by_role("button", name="Show the pairing code").click()
    expect(portal.get_by_role("img", name="Pairing code as a QR code")).to_be_visible()
    axe(portal)
    portal.get_by_text("Or open this address on the device").click()
    link = portal.get_by_label("Pairing address").input_value()

    device = camera_page([cast.code, None], "en", seconds=1.2)
    device.goto(link)
    device.get_by_role("button", name="Pair this device").click()
    expect(device).to_have_url(f"{live_server.url}/lead")
    title = device.locator("[data-part=title]")
    expect(title).to_have_text("林晓")
    expect(device.locator("[data-part=badge]")).to_have_text("Genuine badge · Trade visitor")
    device.locator(".lead-hot").click()
    device.get_by_label("Needs a quote").check()
    device.get_by_label("soon").check()
    expect(device.locator("[data-part=saved]")).to_have_text("Notes saved")
    axe(device)
    check_no_overflow(device)
    stored = device.evaluate("async () => JSON.stringify(await Promise.all((await indexedDB.databases()).map((d) => d.name)))")
    assert "lead-" in stored
    device.get_by_role("button", name="Next visitor").click()
    device.get_by_role("button", name="Camera", exact=True).click()  # the next ones are typed by a scanner

    device.context.set_offline(True)
    type_code(device, cast.second)
    expect(device.locator("[data-part=status]")).to_contain_text("The data come when there is a connection")
    expect(device.locator("[data-part=badge]")).to_contain_text("Genuine badge")
    expect(title).to_have_text("Visitor without data")
    device.locator("textarea[name=note]").fill("call on Monday")
    expect(device.locator("[data-part=saved]")).to_have_text("Saved on this device")
    device.reload()  # the tab was killed; the page, the reading and the note are still here
    expect(device.locator("[data-part=line-text]")).to_contain_text("2 waiting")
    device.context.set_offline(False)
    expect(device.locator("[data-part=line-text]")).to_have_text("Online", timeout=15_000)
    expect(device.get_by_role("button", name=re.compile("周敏"))).to_be_visible()

    type_code(device, cast.shy)
    expect(device.locator("[data-part=status]")).to_have_text("Stored. There are no data to show.")
    device.get_by_role("button", name="Ask the visitor").click()
    axe(device)
    device.get_by_role("button", name="I agree").click()
    expect(title).to_have_text("沉默先生")

    with live_server.database() as session:
        scans = session.scalars(select(LeadScan).order_by(LeadScan.device_seq)).all()
        assert [(s.device_seq, s.offline) for s in scans] == [(1, False), (2, True), (3, False)]
        assert session.scalars(select(Lead.note).order_by(Lead.id)).all() == ["", "call on Monday", ""]
    portal.goto(f"/portal/{cast.stand}/leads")
    for name in ("林晓", "周敏", "沉默先生"):
        expect(portal.get_by_role("link", name=name)).to_be_visible()
    axe(portal)

    visitor = open_page("en", phone=True)
    visitor.goto(cast.page)
    visitor.get_by_role("button", name=re.compile("Take back from Beichen")).click()
    visitor.locator("[data-confirm-button]").click()
    expect(visitor.get_by_text("It had received")).to_be_visible()
    axe(visitor)
    portal.reload()
    expect(portal.get_by_role("link", name="周敏")).to_be_visible()
    expect(portal.get_by_text("林晓")).to_have_count(0)

    # The device is lost: withdrawn and to be wiped, it hands over what it held, keeps nothing, and the portal decides.
    device.get_by_role("button", name="Next visitor").click()
    device.context.set_offline(True)
    type_code(device, cast.second)
    device.locator("textarea[name=note]").fill("wants a price")
    expect(device.locator("[data-part=saved]")).to_have_text("Saved on this device")
    with live_server.database() as session:
        devices.revoke(session.scalars(select(Device).where(Device.name == "Zhang Wei")).one(), wipe=True)
    device.context.set_offline(False)
    expect(device.locator("[data-part=banner]")).to_contain_text("Everything was handed over", timeout=15_000)
    assert device.evaluate("async () => (await indexedDB.databases()).map((one) => one.name)") == []
    device.goto("/lead")
    expect(device.get_by_text("Ask whoever manages your stand")).to_be_visible()
    portal.goto(f"/portal/{cast.stand}/leads/devices")
    portal.get_by_role("link", name="Zhang Wei").click()
    expect(portal.get_by_text("1 readings and notes wait for you.")).to_be_visible()
    axe(portal)
    portal.get_by_role("button", name="Take them over").click()
    expect(portal.get_by_text("Taken:")).to_be_visible()
    with live_server.database() as session:
        assert "wants a price" in " ".join(session.scalars(select(Lead.note)))
