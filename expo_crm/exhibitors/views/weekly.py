"""The weekly sheet that a sales meeting runs on: screen, XLSX and PDF from the same figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors import queries_pipeline as queries
from expo_crm.exhibitors.domain import forecast, weekly
from expo_crm.exhibitors.domain import targets as target_rules
from expo_crm.exhibitors.domain.targets import Progress, Scope, Sum
from expo_crm.exhibitors.domain.weekly import Kind, PersonWeek, Tally
from expo_crm.exhibitors.views import labels, weekly_pdf
from expo_crm.lib import clock
from expo_crm.sheets import write
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition
from expo_crm.web.policy import Permission, current_principal, requires

KINDS: dict[Kind, Any] = {
    Kind.NEW: _l("New cards"),
    Kind.MOVED: _l("Moved"),
    Kind.HELD: _l("Held"),
    Kind.CONTRACTED: _l("Contracted"),
    Kind.LOST: _l("Lost"),
}
TONES = {Kind.NEW: "info", Kind.MOVED: "neutral", Kind.HELD: "warning", Kind.CONTRACTED: "success", Kind.LOST: "danger"}
BIGGEST = 5
DUE = 8
AGED = 5


@dataclass
class Person:
    """What one person answers for in the meeting."""

    owner_id: int | None
    name: str
    week: PersonWeek
    open: Tally = field(default_factory=Tally)
    due: list[queries.Card] = field(default_factory=list)
    biggest: list[queries.Card] = field(default_factory=list)
    aged: list[tuple[queries.Card, int]] = field(default_factory=list)

    @property
    def due_count(self) -> int:
        return len(self.due)

    @property
    def aged_count(self) -> int:
        return len(self.aged)


@dataclass
class Sheet:
    """The whole sheet of one week."""

    monday: dt.date
    people: list[Person]
    totals: dict[Kind, Tally]
    open: Tally
    progress: Progress
    last: Edition | None
    signed_week: Sum
    signed_week_last: Sum | None
    today: dt.date

    @property
    def sunday(self) -> dt.date:
        return self.monday + dt.timedelta(days=6)

    @property
    def code(self) -> str:
        return weekly.week_code(self.monday)


def collect(edition: Edition, monday: dt.date, now: dt.datetime) -> Sheet:
    """All figures of a week, in a constant number of queries."""
    start, end = weekly.bounds(monday, edition.zone)
    today = clock.local_day(now, edition.timezone)
    sunday = monday + dt.timedelta(days=6)
    weeks = weekly.by_person(queries.changes_between(edition.id, start, end))
    cards = queries.open_cards(edition.id)
    weights = queries.weights_of(edition.id)
    users = queries.people()
    owners = {c.owner_id for c in cards} | set(weeks)
    people = []
    for owner_id in owners:
        mine = [c for c in cards if c.owner_id == owner_id]
        person = Person(
            owner_id,
            users[owner_id].name if owner_id in users else str(_("Nobody")),
            weeks.get(owner_id, PersonWeek(owner_id)),
        )
        person.open = Tally(len(mine), sum((c.m2 for c in mine), Decimal(0)), sum((c.amount for c in mine), Decimal(0)))
        person.due = sorted((c for c in mine if c.next_on and c.next_on <= sunday), key=lambda c: (c.next_on, c.id))
        person.biggest = sorted(mine, key=lambda c: (-c.amount, -c.m2, c.id))[:BIGGEST]
        aged = [(c, d) for c in mine if (d := forecast.overdue_days(c.stage, c.stage_at, now, weights))]
        person.aged = sorted(aged, key=lambda pair: (-pair[1], pair[0].id))
        people.append(person)
    people.sort(key=lambda p: (p.owner_id is None, -p.week.tallies[Kind.CONTRACTED].amount, p.name))
    last = shows.find_previous_edition(edition)
    deals = queries.deals_of([edition.id] + ([last.id] if last else []))
    until = min(sunday, today) if monday <= today else sunday
    then = target_rules.same_distance(until, edition.starts_on, last.starts_on) if last else None
    stored = next((t for t in queries.targets_of(edition.id) if t.scope == Scope.EDITION), None)
    progress = Progress(
        Sum(stored.m2, stored.amount, stored.companies) if stored else Sum(),
        target_rules.total(deals, edition.id, Scope.EDITION, "", until),
        target_rules.total(deals, last.id, Scope.EDITION, "", then) if last else None,
        target_rules.total(deals, last.id, Scope.EDITION, "") if last else None,
        target_rules.weeks_left(until, edition.starts_on),
    )

    def in_week(edition_id: int, first: dt.date) -> Sum:
        days = [d for d in deals if first <= d.day <= first + dt.timedelta(days=6)]
        return target_rules.total(days, edition_id, Scope.EDITION, "")

    return Sheet(
        monday, people, weekly.together(weeks.values()),
        Tally(len(cards), sum((c.m2 for c in cards), Decimal(0)), sum((c.amount for c in cards), Decimal(0))),
        progress, last, in_week(edition.id, monday),
        in_week(last.id, target_rules.same_distance(monday, edition.starts_on, last.starts_on)) if last else None, today,
    )  # fmt: skip


def _asked() -> Sheet:
    now = clock.now()
    monday = weekly.parse_week(request.args.get("week", ""), clock.local_day(now, g.edition.timezone))
    return collect(g.edition, monday, now)


@requires(Permission.VIEW)
def weekly_sheet() -> ResponseReturnValue:
    sheet = _asked()
    week = dt.timedelta(days=7)
    return render_template(
        "exhibitors/weekly.html",
        sheet=sheet,
        kinds=KINDS,
        tones=TONES,
        labels=labels,
        before=url_for("exhibitors.weekly", week=weekly.week_code(sheet.monday - week)),
        after=url_for("exhibitors.weekly", week=weekly.week_code(sheet.monday + week))
        if sheet.sunday < sheet.today
        else None,
        m2_of=lambda s: s.m2,
        may_export=current_principal().can(Permission.EXPORT),
        due_most=DUE,
        aged_most=AGED,
    )


@requires(Permission.EXPORT)
def weekly_xlsx() -> ResponseReturnValue:
    sheet = _asked()
    headers, rows = table_of(sheet)
    return Response(
        b"".join(write.write_xlsx(rows, headers, sheet.code)),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="weekly-{sheet.code}.xlsx"'},
    )


def table_of(sheet: Sheet) -> tuple[list[str], list[list[Any]]]:
    """Heads and rows of the workbook: a row per person, the sums last; each figure as cards, m² and money."""
    currency = g.edition.currency
    headers = [_("Sales person")]
    for kind in Kind:
        headers += [str(KINDS[kind]), f"{KINDS[kind]} m²", f"{KINDS[kind]} {currency}"]
    still = _("Still open")
    headers += [still, f"{still} m²", f"{still} {currency}", _("Actions due"), _("Too long in their stage")]
    rows = []
    for person in sheet.people:
        row: list[Any] = [person.name]
        for kind in Kind:
            tally = person.week.tallies[kind]
            row += [tally.count, tally.m2, tally.amount]
        row += [person.open.count, person.open.m2, person.open.amount, len(person.due), len(person.aged)]
        rows.append(row)
    total: list[Any] = [_("Together")]
    for kind in Kind:
        total += [sheet.totals[kind].count, sheet.totals[kind].m2, sheet.totals[kind].amount]
    total += [sheet.open.count, sheet.open.m2, sheet.open.amount]
    total += [sum(len(p.due) for p in sheet.people), sum(len(p.aged) for p in sheet.people)]
    return headers, [*rows, total]


@requires(Permission.VIEW)
def weekly_file() -> ResponseReturnValue:
    sheet = _asked()
    response = Response(weekly_pdf.render(g.edition, sheet, KINDS), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="weekly-{sheet.code}.pdf"'
    return response
