"""The weekly sheet on paper: A4 on its side, the figures on the first page, the cards of each person after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.platypus import Flowable, KeepTogether, Spacer

from expo_crm.exhibitors.domain.weekly import Kind
from expo_crm.exhibitors.views import labels
from expo_crm.shows.models import Edition
from expo_crm.web import i18n, pdf

SIZE = landscape(A4)


def render(edition: Edition, sheet: Any, kinds: Mapping[Kind, Any]) -> bytes:
    """The file in the reader's language."""
    days = f"{i18n.date(sheet.monday)} – {i18n.date(sheet.sunday)}"
    story: list[Flowable] = [
        pdf.text(_("Weekly sheet %(week)s", week=sheet.code), "title"),
        pdf.text(f"{i18n.bi(edition)} · {days}", "subtitle"),
        Spacer(1, 8),
        _figures(edition, sheet, kinds),
        Spacer(1, 6),
        pdf.text(_standing(edition, sheet)),
    ]
    for person in sheet.people:
        story += _person(edition, person)
    return pdf.document(
        story,
        title=_("Weekly sheet %(week)s", week=sheet.code),
        author=i18n.bi(edition.show, "organizer"),
        footer=f"{i18n.bi(edition)} · {sheet.code}",
        size=SIZE,
    )


def _figures(edition: Edition, sheet: Any, kinds: Mapping[Kind, Any]) -> Flowable:
    def shown(tally: Any) -> str:
        return (
            "–"
            if not tally.count
            else f"{i18n.number(tally.count)}\n{i18n.m2(tally.m2)}\n{i18n.money(tally.amount, edition.currency)}"
        )

    rows: list[list[object]] = [
        [_("Sales person"), *(str(kinds[k]) for k in Kind), _("Still open"), _("Actions due"), _("Too long in their stage")]
    ]
    for person in sheet.people:
        rows.append(
            [
                person.name,
                *(shown(person.week.tallies[k]) for k in Kind),
                shown(person.open),
                str(len(person.due)),
                str(len(person.aged)),
            ]
        )
    due, aged = sum(len(p.due) for p in sheet.people), sum(len(p.aged) for p in sheet.people)
    rows.append([_("Together"), *(shown(sheet.totals[k]) for k in Kind), shown(sheet.open), str(due), str(aged)])
    return pdf.table(
        rows,
        (0.14, 0.115, 0.115, 0.115, 0.125, 0.115, 0.135, 0.065, 0.075),
        numbers=tuple(range(1, 9)),
        total=1,
        size=SIZE,
    )


def _standing(edition: Edition, sheet: Any) -> str:
    p = sheet.progress
    parts = [
        _(
            "Signed until then: %(m2)s, %(money)s, %(n)s companies.",
            m2=i18n.m2(p.now.m2),
            money=i18n.money(p.now.amount, edition.currency),
            n=i18n.number(p.now.companies),
        )
    ]
    if p.target.m2:
        parts.append(
            _(
                "Target %(m2)s: %(share)s reached, %(missing)s per week missing.",
                m2=i18n.m2(p.target.m2),
                share=i18n.percent(p.share),
                missing=i18n.m2(p.per_week(lambda s: s.m2)),
            )
        )
    if sheet.last is not None and p.then is not None:
        parts.append(_("%(edition)s at the same distance: %(m2)s.", edition=i18n.bi(sheet.last), m2=i18n.m2(p.then.m2)))
    return " ".join(str(part) for part in parts)


def _person(edition: Edition, person: Any) -> list[Flowable]:
    rows: list[list[object]] = [
        [_("Company"), _("Stage"), "m²", _("Amount"), _("Next step"), _("On"), _("Days over the limit")]
    ]
    over = {card.id: days for card, days in person.aged}
    cards = {card.id: card for card in [*person.due, *person.biggest, *(c for c, _d in person.aged)]}
    for card in list(cards.values())[:25]:
        rows.append(
            [
                (card.name_en or card.name_zh) if i18n.locale() == "en" else (card.name_zh or card.name_en),
                str(labels.STAGES[card.stage]),
                i18n.m2(card.m2),
                i18n.money(card.amount, edition.currency),
                card.next_step or "–",
                i18n.date(card.next_on) if card.next_on else "–",
                str(over.get(card.id, "–")),
            ]
        )
    if len(rows) == 1:
        return []
    head = pdf.text(_("%(person)s: due, biggest and too long in their stage", person=person.name), "heading")
    body = pdf.table(rows, (0.27, 0.1, 0.09, 0.13, 0.2, 0.11, 0.1), numbers=(2, 3, 6), size=SIZE)
    return [Spacer(1, 8), KeepTogether([head, Spacer(1, 1)]), body]
