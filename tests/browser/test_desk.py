"""Drawing a badge by mouse and by keyboard, and a visitor at the kiosk whose ticket becomes that badge."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from expo_crm.onsite.domain.badge_code import Purpose
from expo_crm.onsite.models import BadgeLayout, Device, EventCheckin, PrintJob
from expo_crm.onsite.services import badges
from tests.browser.test_gate import KEPT, as_device, sign_in
from tests.onsite.play import add_device, register, stage
from tests.onsite.test_events import add_event
from tests.support.browsers import Held, check_no_overflow


@pytest.fixture(scope="module")
def cast(live_server) -> SimpleNamespace:
    with live_server.database() as session:
        made = stage(session)
        visitor = register(session, made, "周青", "青山阀门")
        visitor.person.email = "zhou@qing.example"
        badge = badges.issue_badge(visitor)
        for name in ("吴桐", "吴琴"):
            register(session, made, name, "白桦阀门")
        event = add_event(made, starts_in=dt.timedelta())
        _kiosk, kiosk = add_device(session, made, made.gate, "kiosk")
        printer, station = add_device(session, made, made.gate, "badge_print")
        session.get(Device, printer.id).name = "打印机 2"
        return SimpleNamespace(
            slug=made.edition.slug,
            event=event.id,
            ticket=badges.code_of(badge, Purpose.TICKET),
            kiosk=kiosk,
            station=station,
            used=made.code,
        )


def spec(page: Page) -> dict:
    return json.loads(page.locator("[data-part=spec]").input_value())


def test_a_badge_is_drawn_with_the_mouse_and_with_the_keyboard(live_server, cast, open_page, axe):
    page = open_page("en")
    sign_in(page, "desk@example.com")
    page.goto(f"/e/{cast.slug}/badges/layouts/new?start=roll")
    good = page.get_by_text("The layout can be saved.")
    expect(good).to_be_visible()
    expect(page.get_by_alt_text("Preview with a long Chinese name")).to_be_visible()
    axe(page)

    # By mouse: the name is dragged 10 mm down; its edges snap.
    page.get_by_role("button", name="4 · Name", exact=True).click()
    before = spec(page)["elements"][3]
    box = page.locator(".le-item.is-chosen").bounding_box()
    millimetre = box["height"] / before["h"]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 10 * millimetre, steps=5)
    page.mouse.up()
    moved = spec(page)["elements"][3]
    assert 8 <= moved["y"] - before["y"] <= 12 and abs(moved["x"] - before["x"]) < 1.3
    page.keyboard.press("Control+z")
    assert spec(page)["elements"][3] == before
    page.keyboard.press("Control+y")
    assert spec(page)["elements"][3] == moved

    # By keyboard alone: the code is chosen in the list, made too small, which is said, and repaired.
    page.get_by_role("button", name="7 · QR code").focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert spec(page)["elements"][6]["x"] == 28.5
    page.get_by_label("Width mm", exact=True).fill("20")
    expect(page.get_by_text("needs at least 25 mm")).to_be_visible()
    assert (spec(page)["elements"][6]["w"], spec(page)["elements"][6]["h"]) == (20, 20)
    page.get_by_label("Width mm", exact=True).fill("40")
    expect(good).to_be_visible()
    page.locator("[data-add=text]").click()
    page.get_by_label("Text in Chinese").fill("请佩戴胸卡")
    page.get_by_label("Text in English").fill("Please wear your badge")
    page.get_by_label("Name of the layout").fill("A6")
    page.get_by_role("checkbox", name="Trade visitor").check()
    expect(good).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The layout A6 is saved.")).to_be_visible()
    axe(page)
    with live_server.database() as session:
        kept = session.scalars(select(BadgeLayout)).one().spec["elements"]
        assert kept[3]["y"] == moved["y"] and kept[6]["w"] == 40 and kept[-1]["text_zh"] == "请佩戴胸卡"
    page.get_by_role("link", name="Edit A6").click()
    expect(page.get_by_text("The layout can be saved.")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    check_no_overflow(page)


def test_a_ticket_is_turned_into_a_badge_at_the_kiosk_and_comes_out_once(
    live_server, cast, open_page, camera_page, axe, watch
):
    page = camera_page([cast.ticket], "zh", seconds=1)
    as_device(page, live_server, cast.kiosk)
    page.goto("/kiosk")
    name = page.locator("[data-part=name]")
    expect(name).to_be_visible()
    expect(name).to_have_value("周青")
    expect(page.locator("[data-part=contact]")).to_have_text("z…@qing.example")
    axe(page)
    check_no_overflow(page)
    name.fill(" ")
    page.get_by_role("button", name="打印胸卡").click()
    expect(page.get_by_text("请填写姓名")).to_be_visible()
    name.fill("周清")
    page.get_by_role("button", name="打印胸卡").click()
    expect(page.locator("[data-part=printer]")).to_have_text("打印机 2")
    assert "周" not in page.locator("body").inner_text() and name.input_value() == ""
    axe(page)
    page.context.browser.close()

    station = open_page("en")
    as_device(station, live_server, cast.station)
    station.goto("/print")
    expect(station.get_by_role("heading", name="周清")).to_be_visible()
    axe(station)
    station.reload()
    expect(station.get_by_text("This badge was sent before. Has it come out?")).to_be_visible()
    station.get_by_role("button", name="It came out").click()
    expect(station.get_by_role("heading", name="Nothing to print")).to_be_visible()
    with live_server.database() as session:
        assert [j.state for j in session.scalars(select(PrintJob))] == ["printed"]

    # A reader that types, a badge instead of a ticket, and then no network: each is said, and nothing stays.
    watch.allow("net::ERR")
    reader = open_page("en")
    as_device(reader, live_server, cast.kiosk)
    reader.goto("/kiosk")
    expect(reader.get_by_text("The camera does not work.")).to_be_visible()
    reader.keyboard.type(cast.used)
    reader.keyboard.press("Enter")
    expect(reader.get_by_text("Please scan the ticket in your e-mail, not a badge")).to_be_visible()
    axe(reader)
    reader.get_by_role("button", name="Back").click()
    reader.context.set_offline(True)
    reader.keyboard.type(cast.ticket)
    reader.keyboard.press("Enter")
    expect(reader.get_by_text("This kiosk works only online")).to_be_visible()

    # Started again without a network, both pages open and say what they wait for.
    for page, sign in ((reader, reader.locator("[data-part=line]")), (station, station.locator("[data-part=line]"))):
        page.context.set_offline(False)
        page.reload()
        expect(sign).to_have_attribute("data-line", "online")
        page.evaluate(KEPT)
        page.context.set_offline(True)
        page.reload()
        expect(sign).to_have_attribute("data-line", "offline")
        check_no_overflow(page)
    expect(station.get_by_text("No connection. It is tried again by itself.")).to_be_visible()


def test_on_a_slow_line_the_desk_shows_who_was_chosen_last(live_server, cast, open_page):
    page = open_page("zh")
    sign_in(page, "desk@example.com")
    page.goto(f"/e/{cast.slug}/desk?q=白桦")
    held = Held(page, "**/panel")
    page.route("**/desk/search?**", lambda route: None)  # it never answers
    for name in ("吴桐", "吴琴"):
        page.locator("#desk-hits").get_by_text(name, exact=True).click()
    held.let_go()
    expect(page.locator("#desk-panel .panel-title")).to_contain_text("吴琴")
    page.goto(f"/e/{cast.slug}/desk?q=白桦")
    # Enter before the hits have come asks the server; it does not open the first of those of something else.
    page.locator("#desk-q").fill("林晓")
    page.keyboard.press("Enter")
    expect(page.locator("#desk-panel .panel-title")).to_contain_text("林晓")


def test_badges_that_are_read_while_an_answer_is_awaited_are_all_answered(live_server, cast, open_page):
    page = open_page("en")
    sign_in(page, "desk@example.com")
    page.goto(f"/e/{cast.slug}/events/{cast.event}/check-in")
    held = Held(page, "**/check-in")
    field = page.get_by_label("Code on the badge")
    expect(field).to_be_focused()
    for code in ("FIRST-CODE", "SECOND-CODE", "THIRD-CODE"):  # a scanner, into the field
        page.keyboard.type(code)
        page.keyboard.press("Enter")
    page.evaluate("document.activeElement.blur()")
    for code in ("FOURTH-CODE", "FIFTH-CODE"):  # and anywhere on the page
        page.keyboard.type(code)
        page.keyboard.press("Enter")
    held.let_go()
    expect(page.locator("#door-answer .plain-list li")).to_have_count(5)
    with live_server.database() as session:
        assert session.scalar(select(func.count()).select_from(EventCheckin)) == 5
