"""Every page of the product with the demonstration's data: no axe violation, no console error, no sideways scrolling.

Each page is looked at twice: on a phone in Chinese and on a desktop in English. Of the many pages of staff and portal axe, the slowest
of the looks, reads each in one of the two; in both with EXPO_TEST_PAGES (a regular expression, "." for all). The addresses come from
the URL map, so a new page is looked at without being added here; a new kind of id must be told where its sample comes from.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text

from expo_crm.lib.ids import hash_token
from tests.support.browsers import check_accessibility, check_no_overflow
from tests.support.cast import PASSWORD

ADMIN = "admin@pages.example"
# <name> in an address → the row it may be, in the last edition where rows belong to one.
SAMPLES = {
    "script_id": "select min(id) from call_script",
    "result_id": "select min(id) from call_result",
    "agent_id": "select min(id) from agent",
    "settlement_id": "select min(id) from settlement",
    "company_id": "select max(company_id) from participation where edition_id = :e and role = 'main'",
    "person_id": "select max(person_id) from registration where edition_id = :e",
    "user_id": "select min(id) from \"user\" where kind = 'staff'",
    "message_id": "select max(id) from message",
    "job_id": "select max(id) from job",
    "category_id": "select max(id) from category",
    "parent_id": "select min(id) from category",
    "activity_id": "select max(id) from activity where done_at is null and kind = 'visit'",
    "opportunity_id": "select max(id) from opportunity where edition_id = :e and stage <> 'lost'",
    "competitor_id": "select min(id) from competitor_show",
    "quote_id": "select max(id) from quote where edition_id = :e",
    "booth_id": "select max(id) from booth where edition_id = :e and state = 'sold'",
    "contract_id": "select max(id) from contract where edition_id = :e",
    "invoice_id": "select max(id) from invoice where edition_id = :e",
    "participation_id": "select max(id) from participation where edition_id = :e and role = 'main'",
    "registration_id": "select max(id) from registration where edition_id = :e and state = 'approved'",
    "meeting_id": "select max(id) from meeting where edition_id = :e",
    "badge_id": "select max(id) from badge where edition_id = :e and registration_id is not null",
    "gate_id": "select max(id) from gate where edition_id = :e",
    "device_id": "select max(id) from device where edition_id = :e and profile <> 'lead'",
    "withdrawn_id": "select max(device_id) from quarantined_scan where edition_id = :e and state = 'waiting'",
    "conflict_id": "select max(id) from scan where edition_id = :e and conflict and id not in (select scan_id from scan_resolution)",
    "entity": "select 'company'",
    "field_id": "select min(id) from custom_field",
    "list_id": "select min(id) from price_list",
    "rule_id": "select min(id) from price_rule",
    "pavilion_id": "select max(id) from pavilion",
    "pair_id": "select max(id) from duplicate_pair",
    "zone_id": "select max(id) from zone where edition_id = :e",
    "scan_id": "select max(id) from scan where edition_id = :e",
    "event_id": "select max(event_id) from event_booking b join concurrent_event e on e.id = b.event_id where e.edition_id = :e",
    "booking_id": "select max(b.id) from event_booking b join concurrent_event e on e.id = b.event_id where e.edition_id = :e",
    "lead_id": "select max(l.id) from lead l join participation p on p.id = l.participation_id where p.edition_id = :e",
    "survey_id": "select max(id) from survey where edition_id = :e",
    "question_id": "select max(q.id) from survey_question q join survey s on s.id = q.survey_id where s.edition_id = :e",
    "case_id": "select max(id) from service_case where edition_id = :e",
    "hall_id": "select max(id) from hall where edition_id = :e",
    "hall_code": "select max(code) from hall where edition_id = :e",
    "batch_id": "select max(id) from import_batch",
    "row_id": "select max(id) from import_row",
    "payment_id": "select max(id) from payment",
    "statement_id": "select max(id) from bank_statement where state = 'columns'",
    "transaction_id": "select max(id) from bank_transaction where state = 'open'",
    "product_id": "select max(id) from product where edition_id = :e",
    "line_id": "select max(id) from order_line where edition_id = :e",
    "text_id": "select max(id) from contract_text",
    "number": "select 1",
    "layout_id": "select max(id) from badge_layout where edition_id = :e",
    "image_id": "select max(id) from badge_image where edition_id = :e",
}
# What is sold belongs to the edition that comes.
COMING = re.compile(r"/inventory/|/quotes")
# Addresses that answer a file, a fragment or a redirect, or need a state that the demonstration does not have.
NOT_PAGES = re.compile(
    r"/questions/|/drawing|\.pdf|\.ics|\.png|\.svg|\.csv|\.xlsx|/api/|/healthz|/attachments/|/progress|/file|download|/fragment|/panel|/search|/states|/part\b|^/static|^/$"
)


@pytest.fixture(scope="module")
def live_server(serve: Callable[..., Any], demo_file: Path) -> Any:
    """A server with the demonstration show."""
    return serve(file=demo_file)


@pytest.fixture(scope="module")
def addresses(live_server: Any) -> list[str]:
    """The addresses of all staff pages, with sample ids filled in; the administrator is made on the way."""
    from expo_crm.accounts.models import User, UserRole
    from expo_crm.accounts.services import hasher
    from expo_crm.lib import clock
    from expo_crm.shows.models import Edition

    with live_server.database() as session:
        session.add(
            User(email=ADMIN, name="顾清", password_hash=hasher.hash(PASSWORD), created_at=clock.now(), roles=[UserRole(role="admin")])
        )
        session.flush()
        editions = session.scalars(select(Edition).order_by(Edition.starts_on)).all()
        coming, last = editions[-1], editions[-2]
        samples = {
            one.slug: {name: session.scalar(text(query), {"e": one.id}) for name, query in SAMPLES.items()} for one in (last, coming)
        }
    out = []
    wanted = re.compile(os.environ.get("EXPO_TEST_PAGES", ""))  # while working on some pages: EXPO_TEST_PAGES=surveys
    for rule in live_server.app.url_map.iter_rules():
        view = live_server.app.view_functions[rule.endpoint]
        kind = getattr(getattr(view, "policy", None), "kind", "")
        if "GET" not in rule.methods or NOT_PAGES.search(rule.rule) or kind not in {"staff", "signed_in"}:
            continue
        if not wanted.search(rule.rule):
            continue
        names = re.findall(r"<(?:int:)?(\w+)>", rule.rule)
        unknown = [n for n in names if n != "edition" and n not in SAMPLES]
        assert not unknown, f"{rule.rule}: say in SAMPLES where {unknown} comes from"
        has_ids = any(n != "edition" for n in names)
        chosen = last if has_ids and not COMING.search(rule.rule) else coming
        ids = samples[chosen.slug]
        if any(ids.get(n) is None for n in names if n != "edition"):
            continue  # the demonstration has none
        path = rule.rule.replace("<edition>", chosen.slug)
        out.append(re.sub(r"<(?:int:)?(\w+)>", lambda m, ids=ids: str(ids[m.group(1)]), path))
    return sorted(set(out))


def look_at(page: Any, addresses: list[str], turn: int | None = None) -> int:
    """Open each address and hold it against the rules; how many were pages. Raises AssertionError with all that was found.

    ``turn`` 0 or 1: axe reads only the pages of this turn.
    """
    problems = []
    looked = 0
    for address in addresses:
        answer = page.goto(address)
        if answer is None or "text/html" not in answer.headers.get("content-type", "") or not page.locator("main").count():
            continue  # a fragment
        looked += 1
        try:
            assert answer.status == 200, f"{address} answered {answer.status}"
            expect(page.locator("[data-chart]:not(:has(canvas))"), f"{address}: a chart is not drawn").to_have_count(0)
            check_no_overflow(page)
            if turn is None or os.environ.get("EXPO_TEST_PAGES") or zlib.crc32(address.encode()) % 2 == turn:
                check_accessibility(page)
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n\n".join(problems)
    return looked


def enter(page: Any, locale: str, email: str, then: str) -> None:
    page.goto(f"/sign-in?lang={locale}")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(then)


BOTH = pytest.mark.parametrize(("locale", "phone"), [("zh", True), ("en", False)])


@BOTH
def test_every_staff_page(live_server: Any, addresses: list[str], open_page: Callable[..., Any], locale: str, phone: bool) -> None:
    page = open_page(locale, phone=phone)
    enter(page, locale, ADMIN, "**/e/**")
    looked = look_at(page, addresses, turn=int(phone))
    assert looked > 25 or os.environ.get("EXPO_TEST_PAGES"), f"only {looked} pages were found"


@BOTH
def test_every_portal_page(live_server: Any, addresses: list[str], open_page: Callable[..., Any], locale: str, phone: bool) -> None:
    """The portal of an exhibitor with a contract, an invoice, visitors and meetings, which leads a pavilion."""
    from expo_crm.accounts.models import User
    from expo_crm.accounts.services import hasher
    from expo_crm.directory.models import Participation
    from expo_crm.exhibitors.models import Contract, Pavilion, PortalMember
    from expo_crm.lib import clock
    from expo_crm.shows.models import Edition

    email = f"{locale}@portal.example"
    with live_server.database() as session:
        coming = session.scalars(select(Edition).order_by(Edition.starts_on.desc())).first()
        leads = select(Participation.company_id).join(Pavilion, Pavilion.organizer_id == Participation.id)
        wanted = select(Contract).where(Contract.edition_id == coming.id, Contract.company_id.in_(leads))
        contract = session.scalars(wanted.order_by(Contract.id)).first()
        user = User(email=email, name="陈思远", kind="exhibitor", password_hash=hasher.hash(PASSWORD), created_at=clock.now())
        session.add(user)
        session.flush()
        session.add(PortalMember(user_id=user.id, company_id=contract.company_id))
        query = "select id from participation where edition_id = :e and company_id = :c"
        mine = session.scalar(text(query), {"e": coming.id, "c": contract.company_id})
    pages = []
    for rule in live_server.app.url_map.iter_rules():
        view = live_server.app.view_functions[rule.endpoint]
        kind = getattr(getattr(view, "policy", None), "kind", "")
        if "GET" in rule.methods and kind == "exhibitor" and not NOT_PAGES.search(rule.rule):
            pages.append(rule.rule.replace("<int:participation_id>", str(mine)))
    page = open_page(locale, phone=phone)
    enter(page, locale, email, "**/portal/**")
    assert look_at(page, [*(p for p in pages if "<" not in p), "/me"], turn=int(phone)) >= 6


@BOTH
def test_public_pages(live_server: Any, addresses: list[str], open_page: Callable[..., Any], locale: str, phone: bool) -> None:
    """What visitors and strangers see: registration, the visitor's own page, refusals."""
    from expo_crm.shows.models import Edition
    from expo_crm.visitors.models import Registration
    from expo_crm.visitors.services.links import page_token

    with live_server.database() as session:
        editions = session.scalars(select(Edition).order_by(Edition.starts_on.desc())).all()
        coming, last = editions[0], editions[1]
        wanted = select(Registration).where(Registration.edition_id == coming.id, Registration.state == "approved")
        registration = session.scalars(wanted.order_by(Registration.id)).first()
        token = page_token(registration)
        registration.token_hash = hash_token(token)
        query = "select code from invitation_link l join participation p on p.id = l.participation_id where p.edition_id = :e"
        code = session.scalar(text(query), {"e": coming.id})
        slugs = coming.slug, last.slug
    page = open_page(locale, phone=phone)
    page.goto(f"/sign-in?lang={locale}")
    form = f"/r/{slugs[0]}"
    look = ["/sign-in", form, f"{form}/privacy", f"{form}/exhibitors", f"/r/{slugs[1]}", f"/i/{code}", f"/v/{token}"]
    assert look_at(page, look) == len(look)
    nothing = [f"/{kind}/nothing" for kind in ("r", "v", "s", "m", "welcome", "i", "gate/pair")]
    for gone in (*nothing, "/gate", "/lead"):
        answer = page.goto(gone)
        assert answer.status in {401, 404, 410}, gone
        check_no_overflow(page)
        check_accessibility(page)


def test_the_gate_card_is_one_page_and_the_board_fits_its_wall(
    live_server: Any, addresses: list[str], open_page: Callable[..., Any]
) -> None:
    page = open_page("zh")
    enter(page, "zh", ADMIN, "**/e/**")
    page.goto(next(a for a in addresses if a.endswith("/gates/card")))
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(next(a for a in addresses if a.endswith("/live")) + "?wall=1")
    assert page.locator(".live-stats .stat-value").count() == 4
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [1920, 1080]
