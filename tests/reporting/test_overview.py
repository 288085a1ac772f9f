"""The landing page in each phase, with figures worked out by hand."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from expo_crm.directory.models import Activity
from expo_crm.lib import clock
from expo_crm.reporting import queries
from expo_crm.reporting.domain.phase import Phase, change, curve, phase_of, same_distance
from expo_crm.visitors.models import Registration
from tests.followup.play import after_the_show, company, exhibit
from tests.support.cast import play, sign_in

OPENING = dt.date(2026, 6, 9)


def at(*day: int) -> Any:
    return lambda: dt.datetime(*day, 2, 0, tzinfo=dt.UTC)


def text(response: Any) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", response.get_data(as_text=True), flags=re.S))


def test_the_phase_follows_the_days() -> None:
    last = dt.date(2026, 6, 11)
    assert phase_of(OPENING, last, dt.date(2026, 6, 8)) is Phase.BEFORE
    assert phase_of(OPENING, last, OPENING) is phase_of(OPENING, last, last) is Phase.DURING
    assert phase_of(OPENING, last, dt.date(2026, 6, 12)) is Phase.AFTER


def test_a_day_compares_with_the_same_distance() -> None:
    assert same_distance(dt.date(2026, 5, 10), OPENING, dt.date(2025, 6, 10)) == dt.date(2025, 5, 11)
    assert change(110, 100) == pytest.approx(0.1) and change(5, 0) is None and change(5, None) is None


def test_the_curve_runs_until_today() -> None:
    days = {dt.date(2026, 5, 1): 3, dt.date(2026, 6, 2): 4, dt.date(2026, 6, 9): 5}
    assert curve(days, OPENING, None, (5, 1, 0)) == [3, 7, 12]
    assert curve(days, OPENING, dt.date(2026, 6, 3), (5, 1, 0)) == [3, 7, None]


def register(session: Any, cast: Any, edition: Any, number: int, day: dt.date, **fields: Any) -> None:
    session.add(
        Registration(
            edition_id=edition.id,
            number=number,
            person_id=cast.contact.id,
            class_id=cast.class_trade.id,
            name="陈思远",
            submitted_at=dt.datetime.combine(day, dt.time(6), dt.UTC),
            **{"state": "approved", **fields},
        )
    )


def test_before_the_show_it_compares_with_the_same_distance(client, session, monkeypatch):
    cast = play(session)
    monkeypatch.setattr(clock, "now", at(2026, 5, 10))
    for number in range(3):
        register(session, cast, cast.edition, number + 1, dt.date(2026, 5, 1))
    register(session, cast, cast.edition, 9, dt.date(2026, 5, 9), state="submitted")
    register(session, cast, cast.edition, 10, dt.date(2026, 5, 9), state="cancelled")
    register(session, cast, cast.previous, 1, dt.date(2025, 5, 10))
    register(session, cast, cast.previous, 2, dt.date(2025, 5, 11))
    register(session, cast, cast.previous, 3, dt.date(2025, 5, 20))
    session.add(
        Activity(
            kind="call",
            company_id=cast.companies[0].id,
            owner_id=cast.sales.id,
            subject="回电",
            due_at=clock.now(),
            created_at=clock.now(),
        )
    )
    session.commit()
    sign_in(client, cast.sales)
    page = text(client.get("/e/fluid-2026?lang=en"))
    assert "Opens in 30 days" in page
    assert re.search(r"Registrations 4 \+300\.0% 1 in the last 7 days", page)  # 4 against 1 by 10 May 2025
    assert re.search(r"To review 1", page)
    assert re.search(r"My tasks today 1", page)
    assert re.search(r"Returned so far 0\.0% 0 of 3 exhibitors", page)


def test_after_the_show_it_shows_who_came_and_what_returned(client, session, monkeypatch):
    cast = after_the_show(session)
    monkeypatch.setattr(clock, "now", at(2025, 8, 1))
    session.commit()
    sign_in(client, cast.reader)
    page = text(client.get("/e/fluid-2025?lang=en"))
    assert "Closed 51 days ago" in page
    assert re.search(r"Visitors 4 4 visits", page)  # the journalist is no visitor, the no-show did not come
    assert re.search(r"Show-up rate 80\.0% 4 of 5 approved", page)
    assert re.search(r"Exhibitors 3 ", page)
    assert re.search(r"Rebooking rate 0\.0%", page)


def test_on_a_show_day_the_live_figures_lead(client, session, monkeypatch):
    cast = after_the_show(session)
    monkeypatch.setattr(clock, "now", at(2025, 6, 9))
    session.commit()
    sign_in(client, cast.reader)
    page = text(client.get("/e/fluid-2025?lang=en"))
    assert "Show day 1" in page and re.search(r"Inside now 0", page) and re.search(r"Entry scans 4", page)


def test_an_empty_edition_says_what_to_do(client, session):
    cast = play(session)
    session.delete(cast.opportunity)
    session.commit()
    sign_in(client, cast.reader)
    assert "Plan from the last edition" in text(client.get("/e/fluid-2026?lang=en"))


def test_the_page_costs_the_same_for_one_and_for_many(client, session, app, monkeypatch):
    from sqlalchemy import event

    from expo_crm.db import db

    cast = after_the_show(session)
    sign_in(client, cast.reader)
    engine = db.engine

    def cost() -> int:
        count = 0

        def note(*_: Any) -> None:
            nonlocal count
            count += 1

        event.listen(engine, "before_cursor_execute", note)
        client.get("/e/fluid-2025")
        event.remove(engine, "before_cursor_execute", note)
        return count

    few = cost()
    for n in range(10):
        exhibit(session, cast.previous, company(session, f"更多{n}"))
        register(session, cast, cast.previous, 100 + n, dt.date(2025, 5, n + 1))
    session.commit()
    assert cost() == few < 45


def test_the_frame_holds_the_ledger(session):
    cast = play(session)
    frame = queries.frame_of_participations(cast.show.id)
    assert list(frame.edition) == ["fluid-2025"] * 3
    assert frame.net_m2.sum() == Decimal(54)


def test_the_table_of_all_editions_tells_absence_from_no_space(client, session):
    """A workbook: companies down, editions across; empty where a company was not there."""
    cast = play(session)
    sign_in(client, cast.sales)
    response = client.get(f"/e/{cast.edition.slug}/participations.xlsx")
    rows = list(load_workbook(io.BytesIO(response.data)).active.iter_rows(values_only=True))
    assert rows[0][3] == cast.previous.slug
    wanted = {one.name_zh or one.name_en: 9 * (n + 1) for n, one in enumerate(cast.companies[:3])}
    assert {row[0]: row[3] for row in rows[1:]} == wanted
    client.post("/sign-out")
    sign_in(client, cast.reader)
    assert client.get(f"/e/{cast.edition.slug}/participations.xlsx").status_code == 403
