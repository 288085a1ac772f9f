"""Custom fields: what a value may be, and what a formula over them gives."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from expo_crm.lib import formula, money, text

KINDS = ("text", "number", "date", "choice", "check", "formula")
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
TEXT_LIMIT = 500

FACTS: dict[str, tuple[str, ...]] = {
    "company": (
        "editions",
        "last_m2",
        "total_m2",
        "total_amount",
        "last_edition_on",
        "last_contact_on",
        "entered_on",
        "country",
        "province",
        "city",
        "industry",
        "source",
        "key_account",
        "contacts",
        "today",
    ),
    "person": ("country", "city", "entered_on", "today"),
}
"""What a formula may use besides the fields of the entity."""


class CustomError(ValueError):
    """A value or a field that cannot be stored. Codes: "number", "date", "choice", "required", "key", "formula"."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Field:
    """A custom field as its rules see it."""

    key: str
    kind: str
    choices: tuple[str, ...] = ()
    formula: str = ""
    required: bool = False


def read(field: Field, typed: Any) -> Any:
    """What is stored for what was typed: text, number as text of a decimal, ISO date, choice, True; None for empty.

    Raises CustomError.
    """
    if field.kind == "check":
        return True if typed in (True, "y", "1", "true", "on") else None
    given = text.clean(str(typed or ""), limit=TEXT_LIMIT)
    if text.is_blank(given):
        if field.required:
            raise CustomError("required")
        return None
    if field.kind == "number":
        try:
            return str(money.parse_decimal(given, maximum=None, places=4).normalize() + 0)
        except ValueError:
            raise CustomError("number") from None
    if field.kind == "date":
        try:
            day = dt.date.fromisoformat(given)
        except ValueError:
            raise CustomError("date") from None
        if not 1900 <= day.year <= 2200:
            raise CustomError("date")
        return day.isoformat()
    if field.kind == "choice" and given not in field.choices:
        raise CustomError("choice")
    return given


def plain(field: Field, stored: Any) -> Any:
    """A stored value as a formula sees it: exact number, day, text, yes or no; None for empty."""
    if field.kind == "check":
        return bool(stored)
    if stored in (None, ""):
        return None
    try:
        if field.kind == "number":
            return Decimal(str(stored))
        if field.kind == "date":
            return dt.date.fromisoformat(str(stored))
    except (ValueError, ArithmeticError):
        return None
    return str(stored)


def check_formula(written: str, entity: str, others: Iterable[str]) -> formula.Formula:
    """The formula of a field of this entity, which may use its facts and the ``others``. Raises formula.FormulaError."""
    return formula.compile(written, (*FACTS[entity], *others))


def compute(
    fields: Sequence[Field], entity: str, stored: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of all fields of one record, formulas worked out in their order; a formula that fails gives None.

    A formula may use fields that stand before it, formulas among them, so none can run in a circle.
    """
    out: dict[str, Any] = {}
    for field in fields:
        if field.kind != "formula":
            out[field.key] = plain(field, stored.get(field.key))
    for field in fields:
        if field.kind == "formula":
            try:
                out[field.key] = check_formula(field.formula, entity, out).evaluate({**facts, **out})
            except formula.FormulaError:
                out[field.key] = None
    return out
