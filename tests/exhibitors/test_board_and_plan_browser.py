"""Board and plan in a real browser: by keyboard, by drag, on a phone, and what a colleague does meanwhile."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from expo_crm.accounts.models import UserSession
from expo_crm.exhibitors.models import Booth, Opportunity
from expo_crm.exhibitors.services import booths
from expo_crm.exhibitors.views.plan_drawing import MANY
from expo_crm.lib import clock
from expo_crm.shows.models import Hall
from tests.support.browsers import Held, check_no_overflow
from tests.support.cast import PASSWORD, play

E = "/e/fluid-2026"


@pytest.fixture(scope="module")
def cast(live_server):
    with live_server.database() as session:
        found = play(session)
        found.card, found.booth = found.opportunity.id, found.booths[0].id
    return found


@pytest.fixture
def signed_in(open_page, cast):
    def open_one(locale="en", **options):
        page = open_page(locale, **options)
        page.goto(f"/sign-in?lang={locale}")
        page.fill("[name=email]", "admin@example.com")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    return open_one


def test_a_card_moves_by_keyboard_and_by_drag_and_goes_back_when_refused(signed_in, cast, axe):
    page = signed_in()
    page.goto(f"{E}/recruitment")
    axe(page)
    card = page.locator(f"#card-{cast.card}")
    button = card.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#move-dialog")
    expect(dialog).to_be_visible()
    axe(page)
    dialog.get_by_label("Quoted").check()
    page.keyboard.press("Enter")
    expect(page.locator("[data-cards=quoted]").locator(card)).to_be_visible()
    expect(page.locator("#head-quoted .board-count")).to_have_text("1")
    expect(card.get_by_role("button")).to_be_focused()
    card.locator(".board-card-meta").first.drag_to(page.locator("[data-cards=contacted]"))
    expect(page.locator("[data-cards=contacted]").locator(card)).to_be_visible()
    expect(page.locator("#head-contacted .board-count")).to_have_text("1")
    card.locator(".board-card-meta").first.drag_to(page.locator("[data-cards=held]"))
    expect(page.locator("#toasts")).to_contain_text("Hold a booth")
    expect(page.locator("[data-cards=contacted]").locator(card)).to_be_visible()


def test_a_phone_shows_one_stage_at_a_time(signed_in, cast):
    page = signed_in("zh", phone=True)
    page.goto(f"{E}/recruitment")
    check_no_overflow(page)
    expect(page.locator(".board-column:visible")).to_have_count(1)
    page.locator("[data-board-tab=paid]").click()
    expect(page.locator("[data-column=paid]")).to_be_visible()
    expect(page.locator(".board-column:visible")).to_have_count(1)


def test_a_booth_is_held_from_the_plan_and_colours_follow_others(signed_in, cast, live_server, axe):
    page = signed_in()
    page.clock.install()
    page.goto(f"{E}/plan")
    axe(page)
    booth = page.locator(f"#booth-{cast.booth}")
    booth.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(booth).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.locator(AT_REST)
    expect(panel).to_contain_text("A01")
    panel.get_by_label("Hold for").select_option(str(cast.card))
    axe(page)
    asked = panels_of(page)
    panel.get_by_role("button", name="Hold").click()
    expect(panel.get_by_role("button", name="Release")).to_be_visible()
    expect(booth).to_have_class("booth booth-held is-selected")
    expect(page.locator("[data-legend=held]")).to_contain_text("1 ")

    with live_server.database() as session:  # a colleague releases this booth and holds another
        booths.release(session.get_one(Booth, cast.booth))
        until = clock.now() + dt.timedelta(days=1)
        booths.hold(session.get_one(Booth, cast.booth + 1), session.get_one(Opportunity, cast.card), until)
    assert asked == []  # what the panel showed was new already
    page.clock.fast_forward(10_000)
    expect(page.locator(f"#booth-{cast.booth + 1}")).to_have_class("booth booth-held")
    expect(booth).to_have_class("booth booth-available is-selected")
    expect(panel.get_by_role("button", name="Hold")).to_be_visible()
    assert asked == [cast.booth]


AT_REST = "#booth-panel:not([aria-busy])"


def panels_of(page):
    """The booths whose panels the page asks for from now on, growing."""
    asked = []

    def note(request):
        if request.method == "GET" and (found := re.search(r"/plan/booths/(\d+)$", request.url)):
            asked.append(int(found[1]))

    page.on("request", note)
    return asked


BOOTHS = "**/plan/booths/**"


def test_a_late_answer_leaves_what_was_begun(signed_in, cast):
    page = signed_in()
    page.goto(f"{E}/plan?booth={cast.booth}")
    held = Held(page, BOOTHS)
    panel = page.locator("#booth-panel")
    page.locator(f"#booth-{cast.booth}").click()
    expect(panel).to_have_attribute("aria-busy", "true")
    panel.get_by_text("Take out of sale").click()
    panel.get_by_label("Note").fill("pillar")
    held.take().continue_()
    expect(page.locator(AT_REST)).to_be_visible()
    expect(panel.get_by_label("Note")).to_be_visible()
    expect(panel.get_by_label("Note")).to_have_value("pillar")


def test_the_panel_is_that_of_the_last_choice(signed_in, cast, watch):
    watch.allow("Failed to fetch")
    page = signed_in()
    page.goto(f"{E}/plan")
    held = Held(page, BOOTHS)
    panel = page.locator("#booth-panel")
    for i in (0, 2, 3, 2, 3):
        page.locator(f"#booth-{cast.booth + i}").click()
    expect(panel).to_have_attribute("inert", "")
    held.let_go()
    expect(page.locator(AT_REST).locator("h2")).to_have_text("A04")
    expect(panel).not_to_have_attribute("inert", "")
    expect(page.locator(".booth.is-selected")).to_have_id(f"booth-{cast.booth + 3}")
    # What cannot be fetched is not chosen: plan and panel speak of the same booth.
    held.hold()
    page.locator(f"#booth-{cast.booth}").click()
    held.take().abort()
    expect(page.locator("#toasts")).to_contain_text("connection")
    expect(page.locator(AT_REST).locator("h2")).to_have_text("A04")
    expect(page.locator(".booth.is-selected")).to_have_id(f"booth-{cast.booth + 3}")
    # An answer to what was done before the next choice does not come back over it; and it is done once.
    panel.get_by_text("Take out of sale").click()
    stop = panel.get_by_role("button", name="Stop sale")
    stop.dblclick()
    done = held.take()
    page.locator(f"#booth-{cast.booth + 2}").click()
    choice = held.take()
    assert (done.request.method, choice.request.method) == ("POST", "GET")
    choice.continue_()
    expect(panel.locator("h2")).to_have_text("A03")
    done.continue_()
    expect(page.locator(f"#booth-{cast.booth + 3}")).to_have_class("booth booth-blocked")
    expect(page.locator(AT_REST).locator("h2")).to_have_text("A03")
    expect(page.locator(".toast-danger")).to_have_count(0)  # no other, and that of the connection went with the next good answer


def test_the_numbers_of_a_large_hall_come_where_they_are_seen(signed_in, cast, live_server):
    with live_server.database() as session:
        hall = Hall(edition_id=cast.edition.id, code="L", name_zh="大馆", name_en="Large", width_m=400, depth_m=44)
        session.add(hall)
        session.flush()
        for i in range(MANY + 60):
            place = {"x_m": i % 60 * 6, "y_m": i // 60 * 6, "width_m": 3, "depth_m": 3, "area_m2": 9, "price": 1}
            session.add(Booth(edition_id=cast.edition.id, hall_id=hall.id, code=f"L{i:03}", code_key=f"L{i:03}", **place))
    page = signed_in()
    page.goto(f"{E}/plan?hall=L")
    expect(page.locator(".booth")).to_have_count(MANY + 60)
    expect(page.locator(".booth text:visible")).to_have_count(0)
    for _ in range(7):
        page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".booth text:visible").first).to_be_visible()
    assert 0 < page.locator(".booth.is-near").count() < 120
    page.emulate_media(media="print")
    expect(page.get_by_text("L359", exact=True)).to_be_visible()


def test_what_was_typed_outlives_the_session(signed_in, live_server):
    page = signed_in()
    page.goto("/companies/new")
    page.fill("[name=name_en]", "Typed With Care Ltd")
    page.fill("[name=aliases]", "Careful\nTyped")
    page.select_option("[name=country]", "DE")
    with live_server.database() as session:
        session.execute(update(UserSession).values(ended_at=clock.now()))
    page.get_by_role("button", name="Save").click()
    sign_in = page.get_by_role("link", name="Sign in")
    expect(sign_in).to_have_attribute("href", re.compile("next="))
    sign_in.click()
    page.fill("[name=email]", "admin@example.com")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator("[name=name_en]")).to_have_value("Typed With Care Ltd")
    expect(page.locator("[name=aliases]")).to_have_value("Careful\nTyped")
    expect(page.locator("[name=country]")).to_have_value("DE")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Typed With Care Ltd")
    page.goto("/companies/new")  # once is enough: a form that was taken leaves nothing behind
    expect(page.locator("[name=name_en]")).to_have_value("")
    # Another person who signs in at the same screen does not meet what this one typed.
    page.fill("[name=name_en]", "Nobody Else's Ltd")
    with live_server.database() as session:
        session.execute(update(UserSession).values(ended_at=clock.now()))
    page.get_by_role("button", name="Save").click()
    sign_in.click()
    page.fill("[name=email]", "sales@example.com")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("New company")
    page.wait_for_load_state("load")
    expect(page.locator("[name=name_en]")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('kept-form')") is None
