"""The gate with a real camera picture: set up in the browser, paired, green, amber, red, and seen on the live board."""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.request
import uuid
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from expo_crm.lib import clock
from expo_crm.onsite.models import Device, Gate, Scan
from expo_crm.onsite.services import devices, zones
from tests.onsite.play import add_device, stage
from tests.support.browsers import check_no_overflow
from tests.support.cast import PASSWORD

STRANGER = "NOBODY-KNOWS-THIS-CODE"


@pytest.fixture(scope="module")
def cast(live_server) -> SimpleNamespace:
    """The cast on the server: a visitor with a printed badge, and a gate of the play with its device."""
    with live_server.database() as session:
        made = stage(session)
        today = clock.local_day(clock.now(), made.edition.timezone)
        made.edition.starts_on, made.edition.ends_on = today, today + dt.timedelta(days=2)
        for number, day in enumerate(made.edition.days):
            day.day, day.opens_at, day.closes_at = today + dt.timedelta(days=number), dt.time(0), dt.time(23, 59)
        return SimpleNamespace(slug=made.edition.slug, email="gate@example.com", code=made.code, gate_id=made.gate.id)


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in?lang=en")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form[method=post] button[type=submit]").click()
    expect(page).not_to_have_url(re.compile("sign-in"))


def as_device(page: Page, live_server, token: str) -> None:
    """Let the page's browser be the device that holds this token."""
    page.context.add_init_script(ANSWERS)
    page.context.add_cookies([{"name": "expo_device", "value": token, "url": live_server.url, "httpOnly": True, "sameSite": "Strict"}])


# Notes each answer that the gate shows: how many there were, and the milliseconds from the scanner's Enter to the last one. Its class
# and its words stay when it is gone, so that nothing depends on how soon we look.
ANSWERS = """(() => {
    let begun = 0;
    let count = 0;
    addEventListener("keydown", (event) => { if (event.key === "Enter") begun = event.timeStamp; }, true);
    addEventListener("DOMContentLoaded", () => {
        const verdict = document.querySelector("[data-part=verdict]");
        if (verdict) new MutationObserver(() => {
            if (verdict.hidden || verdict.matches(".verdict-working")) return;
            count += 1;
            Object.assign(document.documentElement.dataset, {answers: count, took: Math.round(performance.now() - begun)});
        }).observe(verdict, {attributeFilter: ["class"]});
    });
})()"""


# Until the worker has kept this page; the browser says when the worker is ready, not when it has done its work.
KEPT = """async () => {
    await navigator.serviceWorker.ready;
    while (!(await caches.match(location.pathname))) await new Promise((done) => setTimeout(done, 50));
}"""


def wedge(page: Page, code: str, kind: str = "", *, here: bool = False) -> int:
    """A hand scanner reads a badge; the answer is of this kind, and of the server or of the device alone. Gives how long it took in ms."""
    html = page.locator("html")
    before = int(html.get_attribute("data-answers") or 0)
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(html).to_have_attribute("data-answers", str(before + 1))
    if kind:
        expect(page.locator("[data-part=verdict]")).to_have_class(re.compile(f"verdict-{kind}{' verdict-here' if here else ''}$"))
    return int(html.get_attribute("data-took"))


def open_gate(page: Page) -> None:
    """Open the gate page and end the check before opening."""
    page.goto("/gate")
    for name in ("list", "rules"):
        expect(page.locator(f"[data-check={name}]")).to_have_attribute("data-state", "ok", timeout=15_000)
    page.locator("[data-part=ready-start]").click()
    expect(page.locator("[data-part=readiness]")).to_be_hidden()


def new_device(live_server, cast: SimpleNamespace, profile: str = "gate", **zone: object) -> str:
    with live_server.database() as session:
        found = session.get(Gate, cast.gate_id)
        zones.update_zone(zones.ensure_zone(found.edition_id, found.zone), **zone)
        found_cast = SimpleNamespace(edition=found.edition)
        return add_device(session, found_cast, found, profile)[1]


def enter_elsewhere(live_server, token: str, code: str) -> None:
    """The same badge has entered at another device."""
    body = json.dumps({"client_uuid": str(uuid.uuid4()), "code": code}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{live_server.url}/api/gate/scan", body, headers)) as answer:
        assert answer.status == 200


def scans(live_server) -> int:
    with live_server.database() as session:
        return session.scalar(select(func.count()).select_from(Scan))


def test_a_gate_from_its_set_up_to_the_live_board(live_server, cast, open_page, camera_page, axe):
    staff = open_page("en")
    sign_in(staff, cast.email)
    staff.goto(f"/e/{cast.slug}/gates/new")
    axe(staff)
    staff.get_by_label("Code", exact=False).first.fill("S9")
    staff.get_by_label("Name in Chinese").fill("南入口")
    staff.get_by_label("Name in English").fill("South gate")
    staff.get_by_label("Open at any time").check()
    staff.get_by_role("button", name="Save").click()
    expect(staff.get_by_role("heading", name="S9 · South gate")).to_be_visible()
    axe(staff)
    staff.get_by_role("link", name="Add device S9 · South gate").click()
    staff.get_by_label("Name of the device").fill("iPad 9")
    axe(staff)
    staff.get_by_role("button", name="Show the pairing code").click()
    expect(staff.get_by_role("img", name="Pairing code as a QR code")).to_be_visible()
    expect(staff.locator("#pairing-left")).to_contain_text("14:5")
    axe(staff)
    staff.get_by_text("Or open this address on the device").click()
    link = staff.get_by_label("Pairing address").input_value()

    device = camera_page([cast.code, None, STRANGER, None], "en", seconds=2.2)
    device.goto(link)
    expect(device.get_by_text("South gate")).to_be_visible()
    axe(device)
    device.get_by_role("button", name="Pair this device").click()
    expect(device).to_have_url(f"{live_server.url}/gate")
    expect(device.get_by_role("heading", name="South gate")).to_be_visible()
    expect(staff.get_by_text("The device is paired and answers.")).to_be_visible()
    checks = device.locator("[data-part=readiness]")
    for name in ("network", "gate", "camera", "list", "rules", "clock", "scan"):
        expect(checks.locator(f"[data-check={name}]")).to_have_attribute("data-state", re.compile("ok|note"))
    axe(device)
    check_no_overflow(device)

    staff.goto(f"/e/{cast.slug}/live")
    device.locator("[data-part=ready-start]").click()
    verdict = device.locator("[data-part=verdict]")
    expect(verdict).to_have_class(re.compile("verdict-admit"), timeout=15_000)
    expect(verdict).to_contain_text("Admitted")
    expect(verdict).to_contain_text("Welcome")
    # The board shows it by itself: nothing is reloaded here.
    expect(staff.locator("#live-board")).to_contain_text(re.compile(r"S9 · South gate\s*[1-9]\s*0"), timeout=10_000)
    axe(staff)
    expect(verdict).to_have_class(re.compile("verdict-deny"), timeout=15_000)
    expect(verdict).to_contain_text("Stop")
    expect(verdict).to_have_class(re.compile("verdict-warn"), timeout=15_000)
    expect(verdict).to_contain_text("This badge is already inside")
    expect(device.locator("[data-part=count-refused]")).not_to_have_text("0")
    device.close()

    staff.goto(f"/e/{cast.slug}/live?wall=1")
    expect(staff.locator("#live-chart canvas")).to_be_visible()
    axe(staff)
    staff.set_viewport_size({"width": 390, "height": 844})
    check_no_overflow(staff)
    staff.set_viewport_size({"width": 1440, "height": 900})
    staff.goto(f"/e/{cast.slug}/scans")
    expect(staff.get_by_role("row").filter(has_text="Admitted").first).to_be_visible()
    axe(staff)
    staff.get_by_role("row").filter(has_text="Welcome").get_by_role("link").first.click()
    expect(staff.get_by_role("heading", name=re.compile("Scan "))).to_be_visible()
    axe(staff)


@pytest.mark.parametrize("kind", ["admit", "warn"])
def test_an_answer_stays_while_the_badge_is_held_up_and_is_sent_once(live_server, cast, camera_page, axe, kind):
    if kind == "warn":
        enter_elsewhere(live_server, new_device(live_server, cast, anti_passback="soft"), cast.code)
    token = new_device(live_server, cast, anti_passback="off" if kind == "admit" else "soft")
    before = scans(live_server)
    page = camera_page([cast.code], "zh", seconds=1)
    as_device(page, live_server, token)
    open_gate(page)
    verdict = page.locator("[data-part=verdict]")
    expect(verdict).to_have_class(re.compile(f"verdict-{kind}"))
    axe(page)
    page.wait_for_timeout(3500)
    expect(verdict).to_have_class(re.compile(f"verdict-{kind}"))
    expect(verdict).to_be_visible()
    assert scans(live_server) == before + 1


def test_a_scanner_that_types_is_answered_within_a_second(live_server, cast, open_page):
    page = open_page("zh", phone=True)
    as_device(page, live_server, new_device(live_server, cast, anti_passback="off"))
    open_gate(page)
    expect(page.locator("[data-part=count-entries]")).not_to_have_text("–")
    verdict = page.locator("[data-part=verdict]")
    assert wedge(page, cast.code, "admit") < 1000
    expect(verdict).to_be_hidden()  # ready for the next one by itself
    check_no_overflow(page)


def test_f23_portal_page_is_no_receipt(live_server, cast, open_page, axe):
    """A hotel's sign-in page answers everything with 200 and HTML: that is no answer and no receipt."""
    page = open_page("en", phone=True)
    as_device(page, live_server, new_device(live_server, cast, anti_passback="off"))
    open_gate(page)
    expect(page.locator("[data-part=count-entries]")).not_to_have_text("–")
    before = scans(live_server)
    page.route("**/api/gate/**", lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>Welcome to the hotel</h1>"))
    wedge(page, cast.code, "admit", here=True)
    verdict = page.locator("[data-part=verdict]")
    expect(verdict).to_contain_text("Stored on this device only")
    expect(page.locator("[data-part=line-text]")).to_have_text("No connection · 1 waiting")
    axe(page)
    assert scans(live_server) == before
    page.unroute("**/api/gate/**")
    expect(page.locator("[data-part=line-text]")).to_have_text("Online", timeout=20_000)
    assert scans(live_server) == before + 1


def test_a_refusal_is_set_aside_by_hand_with_a_reason(live_server, cast, open_page, axe):
    page = open_page("en", phone=True)
    enter_elsewhere(live_server, new_device(live_server, cast, anti_passback="hard"), cast.code)
    as_device(page, live_server, new_device(live_server, cast))
    open_gate(page)
    expect(page.locator("[data-part=count-entries]")).not_to_have_text("–")
    page.keyboard.type(cast.code)
    page.keyboard.press("Enter")
    verdict = page.locator("[data-part=verdict]")
    expect(verdict).to_contain_text("already inside")
    page.get_by_role("button", name="Admit by hand").click()
    dialog = page.locator("#override-dialog")
    axe(page)
    dialog.get_by_role("button", name="Admit").click()
    expect(dialog).to_contain_text("Please give a reason and your name.")
    dialog.get_by_label("Why is this person admitted?").fill("Left through the emergency exit")
    dialog.get_by_label("Your name").fill("Wang Min")
    dialog.get_by_role("button", name="Admit").click()
    expect(verdict).to_contain_text("Admitted by hand")
    with live_server.database() as session:
        made = session.scalars(select(Scan).order_by(Scan.id.desc()).limit(1)).one()
        assert (made.decided_by, made.reason) == ("staff", "override") and "Wang Min" in made.override_reason


def test_without_a_camera_the_page_says_so_and_still_reads(live_server, cast, open_page, axe):
    page = open_page("zh", phone=True)
    as_device(page, live_server, new_device(live_server, cast, "gate_kiosk", anti_passback="off"))
    open_gate(page)
    expect(page.locator("[data-part=camera-note]")).to_be_visible()
    expect(page.locator("[data-part=camera-title]")).not_to_have_text("")
    axe(page)
    wedge(page, cast.code, "admit")
    verdict = page.locator("[data-part=verdict]")
    expect(verdict).not_to_contain_text("L. X.")
    for button in ("Type the code", "gate-open", "torch"):
        expect(page.locator(f"[data-part={button}]" if " " not in button else f"text={button}")).to_be_hidden()
    expect(verdict).to_be_hidden()  # ready for the next one by itself


def test_a_withdrawn_device_stops(live_server, cast, open_page):
    page = open_page("en", phone=True)
    as_device(page, live_server, new_device(live_server, cast))
    open_gate(page)
    expect(page.locator("[data-part=count-entries]")).not_to_have_text("–")
    with live_server.database() as session:
        devices.revoke(session.scalars(select(Device).order_by(Device.id.desc()).limit(1)).one())
    page.keyboard.type(cast.code)
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=verdict]")).to_contain_text("This device was withdrawn")
