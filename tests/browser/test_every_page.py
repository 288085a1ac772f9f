"""Every page of the product with the demonstration's data: no axe violation, no console error, no sideways scrolling.

Each page is looked at twice: on a phone in Chinese and on a desktop in English. The addresses come from the URL map, so
a new page is looked at without being added here; a new kind of id must be told where its sample comes from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.support.browsers import check_accessibility, check_no_overflow
from tests.support.cast import PASSWORD

pytestmark = pytest.mark.browser

ADMIN = "admin@pages.example"
# <name> in an address → the row it may be, in the last edition where rows belong to one.
SAMPLES = {
    "company_id": "select max(company_id) from participation where edition_id = :e and role = 'main'",
    "person_id": "select max(person_id) from registration where edition_id = :e",
    "user_id": "select min(id) from \"user\" where kind = 'staff'",
    "message_id": "select max(id) from message",
    "job_id": "select max(id) from job",
    "category_id": "select max(id) from category",
    "parent_id": "select min(id) from category",
    "activity_id": "select max(id) from activity where done_at is null",
    "opportunity_id": "select max(id) from opportunity where edition_id = :e and stage <> 'lost'",
    "booth_id": "select max(id) from booth where edition_id = :e and state = 'sold'",
    "contract_id": "select max(id) from contract where edition_id = :e",
    "invoice_id": "select max(id) from invoice where edition_id = :e",
    "participation_id": "select max(id) from participation where edition_id = :e and role = 'main'",
    "registration_id": "select max(id) from registration where edition_id = :e and state = 'approved'",
    "meeting_id": "select max(id) from meeting where edition_id = :e",
    "badge_id": "select max(id) from badge where edition_id = :e and registration_id is not null",
    "gate_id": "select max(id) from gate where edition_id = :e",
    "device_id": "select max(id) from device where edition_id = :e",
    "scan_id": "select max(id) from scan where edition_id = :e",
    "lead_id": "select max(l.id) from lead l join participation p on p.id = l.participation_id where p.edition_id = :e",
    "survey_id": "select max(id) from survey where edition_id = :e",
    "question_id": "select max(q.id) from survey_question q join survey s on s.id = q.survey_id where s.edition_id = :e",
    "case_id": "select max(id) from service_case where edition_id = :e",
    "hall_id": "select max(id) from hall where edition_id = :e",
    "hall_code": "select max(code) from hall where edition_id = :e",
    "batch_id": "select max(id) from import_batch",
}
# Addresses that answer a file, a fragment or a redirect, or need a state that the demonstration does not have.
NOT_PAGES = re.compile(
    r"\.pdf|\.ics|\.png|\.svg|\.csv|\.xlsx|/api/|/healthz|/attachments/|/progress|/file|download|/fragment|/panel|/search|/states|/part\b|^/static|^/$"
)


@pytest.fixture(scope="module")
def addresses(live_server: Any) -> list[str]:
    """The addresses of all staff pages, with sample ids filled in; the administrator is made on the way."""
    from expo_crm.accounts.models import User, UserRole
    from expo_crm.accounts.services import hasher
    from expo_crm.lib import clock
    from expo_crm.shows.models import Edition

    live_server.flask("demo", "--today", "2026-11-21")
    with live_server.database() as session:
        session.add(
            User(email=ADMIN, name="顾清", password_hash=hasher.hash(PASSWORD), created_at=clock.now(), roles=[UserRole(role="admin")])
        )
        session.flush()
        editions = session.scalars(select(Edition).order_by(Edition.starts_on)).all()
        coming, last = editions[-1], editions[-2]
        ids = {name: session.scalar(text(query), {"e": last.id}) for name, query in SAMPLES.items()}
    out = []
    for rule in live_server.app.url_map.iter_rules():
        view = live_server.app.view_functions[rule.endpoint]
        kind = getattr(getattr(view, "policy", None), "kind", "")
        if "GET" not in rule.methods or NOT_PAGES.search(rule.rule) or kind not in {"staff", "signed_in"}:
            continue
        names = re.findall(r"<(?:int:)?(\w+)>", rule.rule)
        unknown = [n for n in names if n != "edition" and n not in SAMPLES]
        assert not unknown, f"{rule.rule}: say in SAMPLES where {unknown} comes from"
        if any(ids.get(n) is None for n in names if n != "edition"):
            continue  # the demonstration has none
        has_ids = any(n != "edition" for n in names)
        path = rule.rule.replace("<edition>", (last if has_ids else coming).slug)
        out.append(re.sub(r"<(?:int:)?(\w+)>", lambda m: str(ids[m.group(1)]), path))
    wanted = re.compile(os.environ.get("EXPO_TEST_PAGES", ""))  # while working on some pages: EXPO_TEST_PAGES=surveys
    return sorted(path for path in set(out) if wanted.search(path))


@pytest.mark.parametrize(("locale", "phone"), [("zh", True), ("en", False)])
def test_every_staff_page(live_server: Any, addresses: list[str], open_page: Callable[..., Any], locale: str, phone: bool) -> None:
    page = open_page(locale, phone=phone)
    page.goto(f"/sign-in?lang={locale}")
    page.locator("input[name=email]").fill(ADMIN)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url("**/e/**")
    problems = []
    looked = 0
    for address in addresses:
        answer = page.goto(address)
        if answer is None or "text/html" not in answer.headers.get("content-type", "") or not page.locator("main").count():
            continue  # a fragment
        looked += 1
        try:
            assert answer.status == 200, f"{address} answered {answer.status}"
            check_no_overflow(page)
            check_accessibility(page)
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n\n".join(problems)
    assert looked > 25 or os.environ.get("EXPO_TEST_PAGES"), f"only {looked} pages were found"
