"""The rows of a payment plan as people type them, for the plan of an edition and of one contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from expo_crm.billing.domain.plan import DueFrom, Rule, Step
from expo_crm.lib import money, text

ROWS = 6
NAMES = ("label_zh", "label_en", "rule", "value", "due_from", "days", "due_on")
CHOSEN = {"rule", "due_from"}


def typed(form: Mapping[str, str], names: tuple[str, ...] = NAMES) -> list[dict[str, str]]:
    """The rows of a table that hold anything, as typed."""
    rows = [{n: text.clean(form.get(f"{i}-{n}", ""))[:200] for n in names} for i in range(ROWS)]
    return [row for row in rows if any(row[n] for n in names if n not in CHOSEN)]


def cells(step: Step) -> dict[str, str]:
    """A step as its row shows it."""
    return {
        "label_zh": step.label_zh,
        "label_en": step.label_en,
        "rule": step.rule.value,
        "value": f"{step.value.normalize():f}",
        "due_from": step.due_from.value,
        "days": "" if step.due_from is DueFrom.DATE else str(step.days),
        "due_on": step.due_on.isoformat() if step.due_on else "",
    }


def padded(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [*rows, *({} for _i in range(ROWS - len(rows)))]


def step(row: Mapping[str, str], *, dates: bool = False) -> Step:
    """A row as a step of a plan. ``dates``: whether a step may be due on a day of its own. Raises ValueError."""
    rule, due_from = Rule(row["rule"]), DueFrom(row["due_from"])
    value = Decimal(0) if rule is Rule.REST else money.parse_money(row["value"], maximum=Decimal(100 if rule is Rule.PERCENT else 99999999))
    label_zh, label_en = row["label_zh"] or row["label_en"], row["label_en"] or row["label_zh"]
    if not label_zh or (due_from is DueFrom.DATE and not dates):
        raise ValueError
    if due_from is DueFrom.DATE:
        return Step(label_zh, label_en, rule, value, due_from, 0, day(row["due_on"]) if row["due_on"] else None)
    if not row["days"].isascii() or not row["days"].isdigit() or int(row["days"][:6]) > 1000:
        raise ValueError
    return Step(label_zh, label_en, rule, value, due_from, int(row["days"]))


def day(value: str) -> dt.date:
    """A day between 2000 and 2100. Raises ValueError."""
    found = dt.date.fromisoformat(value)
    if not 2000 <= found.year <= 2100:
        raise ValueError
    return found
