"""Two sales people at work on one plan at the same time: sell, see, collide, move, merge, cancel, rebook."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from expo_crm.exhibitors.models import Booth, Contract
from expo_crm.exhibitors.services import opportunities
from expo_crm.shows.services import editions
from tests.support.cast import PASSWORD, play

E = "/e/fluid-2026"


@pytest.fixture(scope="module")
def cast(live_server):
    with live_server.database() as session:
        found = play(session)
        second = opportunities.create_opportunity(
            found.edition, found.companies[1], owner_id=found.sales.id, source="new"
        )
        found.first, found.second = found.opportunity.id, second.id
        for i, booth in enumerate(found.booths):  # in one row, wall to wall
            booth.x_m = 2 + 3 * i
        found.ids = {b.code: b.id for b in found.booths}
        found.names = [c.name_en or c.name_zh for c in found.companies]
    return found


@pytest.fixture
def sales_person(open_page, cast):
    def sign_in(email):
        page = open_page("en")
        page.goto("/sign-in?lang=en")
        page.fill("[name=email]", email)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    return sign_in


def look(page):
    """What the page does by itself every ten seconds, now."""
    page.evaluate("document.dispatchEvent(new Event('booths-changed'))")


def choose(page, cast, code):
    page.locator(f"#booth-{cast.ids[code]}").click()
    return shown(page, code)


def shown(page, code):
    """The panel when it shows this booth and nothing is on its way into it."""
    panel = page.locator("#booth-panel:not([aria-busy])")
    expect(panel.locator("h2")).to_have_text(code)
    return panel


def hold(panel, opportunity):
    panel.get_by_label("Hold for").select_option(str(opportunity))
    panel.get_by_role("button", name="Hold", exact=True).click()


def state(page, cast, code, wanted):
    expect(page.locator(f"#booth-{cast.ids[code]}")).to_have_class(re.compile(rf"\bbooth-{wanted}\b"))


def test_two_people_sell_move_merge_cancel_and_rebook_on_the_plan(sales_person, cast, live_server):
    anna, bo = sales_person("admin@example.com"), sales_person("sales@example.com")
    for page in (anna, bo):
        page.goto(f"{E}/plan?lang=en")

    # Both open the free booth A01. Anna holds it; Bo, who still sees it free, gets a conflict that says what happened.
    mine, his = choose(anna, cast, "A01"), choose(bo, cast, "A01")
    his.get_by_label("Hold for").select_option(str(cast.second))
    hold(mine, cast.first)
    expect(mine.get_by_role("button", name="Release")).to_be_visible()
    his.get_by_role("button", name="Hold", exact=True).click()
    expect(bo.locator("#toasts")).to_contain_text("has changed since you opened it")
    expect(bo.locator("#toasts")).to_contain_text("On hold")
    expect(his.get_by_role("button", name="Release")).to_be_visible()
    state(bo, cast, "A01", "held")

    # Bo takes A03 instead; Anna sees it without doing anything but looking.
    hold(choose(bo, cast, "A03"), cast.second)
    state(bo, cast, "A03", "held")
    look(anna)
    state(anna, cast, "A03", "held")

    # Anna moves her company to A02 and gives A01 back by that; Bo sees both.
    panel = choose(anna, cast, "A01")
    panel.get_by_text("Move the company to another booth").click()
    panel.get_by_label("Booth number").first.fill("A02")
    panel.get_by_role("button", name="Move", exact=True).click()
    expect(panel.locator("h2")).to_have_text("A02")
    look(bo)
    state(bo, cast, "A01", "available")
    state(bo, cast, "A02", "held")

    # Bo merges A04 and A05 while drawing; Anna, whose drawing is older, is told what is different.
    anna.route("**/plan/halls/H1/fragment", lambda route: route.abort())  # so that it stays older, however long this takes
    for page in (bo, anna):
        page.goto(f"{E}/plan/halls/H1")
    for code in ("A04", "A05"):
        bo.locator(f"[data-booth='{cast.ids[code]}']").click(modifiers=["Shift"])
    bo.get_by_role("button", name="Merge").click()
    expect(bo.locator("[data-part=chosen]")).to_contain_text("18 m²: A04")
    anna.locator(f"[data-booth='{cast.ids['A05']}']").focus()
    anna.keyboard.press("Enter")
    anna.keyboard.press("ArrowDown")
    expect(anna.locator("[data-part=message]")).to_contain_text("Somebody changed the plan")
    expect(anna.locator("[data-part=differences]")).to_contain_text("Merged")
    # Undo and redo go through the server.
    bo.get_by_role("button", name="Undo").click()
    expect(bo.locator(f"[data-booth='{cast.ids['A05']}']")).to_be_visible()
    bo.get_by_role("button", name="Redo").click()
    expect(bo.locator(f"[data-booth='{cast.ids['A05']}']")).to_have_count(0)

    # Anna sells A02: contract drafted and signed. Bo sees it sold and can only look.
    anna.goto(f"{E}/plan?booth={cast.ids['A02']}")
    anna.locator("#booth-panel").get_by_role("button", name="Draft contract").click()
    anna.wait_for_url(re.compile("/contracts/"))
    address = anna.url
    bo.goto(f"{E}/plan?booth={cast.ids['A02']}")
    state(bo, cast, "A02", "reserved")
    sign = anna.locator("form[action$='/sign']")
    anna.evaluate("document.querySelector('dialog:has(form[action$=\"/sign\"])')?.showModal()")
    sign.locator("[name=signed_by]").fill("陈思远")
    sign.locator("[name=signed_on]").fill((dt.date.today() - dt.timedelta(days=1)).isoformat())
    sign.get_by_role("button", name="Signed").click()
    expect(anna.locator("[data-dialog-open=sign-dialog]")).to_have_count(0)
    look(bo)
    state(bo, cast, "A02", "sold")
    expect(shown(bo, "A02").get_by_text("Sold", exact=True)).to_be_visible()
    expect(shown(bo, "A02").get_by_role("button", name="Release")).to_have_count(0)

    # The next edition starts with the same booths; the company is booked into it from the rebooking desk.
    with live_server.database() as session:
        this = session.get_one(type(cast.edition), cast.edition.id)
        coming = editions.create_edition(
            this.show, starts_on=dt.date(2027, 6, 8), ends_on=dt.date(2027, 6, 10), previous=this
        )
        slug = coming.slug
        codes = list(session.scalars(select(Booth.code).where(Booth.edition_id == coming.id).order_by(Booth.code)))
    assert codes == ["A01", "A02", "A03", "A04", "A06"]
    bo.goto(f"{E}/rebooking")
    bo.get_by_role("link", name=cast.names[0]).first.click()
    form = bo.locator("form[action$='/book']")
    form.locator("select[name=booth]").select_option(form.locator("option", has_text="A02").get_attribute("value"))
    form.get_by_role("button", name="Rebook").click()
    bo.wait_for_url(re.compile(f"/e/{slug}/contracts/"))
    bo.goto(f"/e/{slug}/plan")
    expect(bo.locator(".booth-reserved")).to_have_attribute("aria-label", re.compile("A02"))

    # Anna cancels this year's contract; its booth is free again on Bo's plan.
    bo.goto(f"{E}/plan")
    state(bo, cast, "A02", "sold")
    anna.goto(address)
    anna.get_by_role("button", name="Cancel contract").first.click()
    cancel = anna.locator("#cancel-dialog")
    cancel.locator("[name=reason]").fill("no budget")
    cancel.locator("form[method=post] button[type=submit]").click()
    expect(anna.locator("[data-dialog-open=cancel-dialog]")).to_have_count(0)
    look(bo)
    state(bo, cast, "A02", "available")
    with live_server.database() as session:
        states = dict(session.execute(select(Contract.edition_id, Contract.state)).all())
    assert states[cast.edition.id] == "cancelled"
