"""How values of custom fields are shown: on a record's page, and as columns and filters of a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Float, cast

from expo_crm.directory.models import Company, CustomField, Person
from expo_crm.directory.services import custom
from expo_crm.web import i18n, listing


def _is(stored: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    return stored.as_string() == value


def _is_ticked(stored: ColumnElement[Any], _value: str) -> ColumnElement[bool]:
    return stored.as_boolean()


def shown(field: CustomField, value: Any) -> str:
    """A value in the reader's language."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else ""
    if isinstance(value, Decimal):
        return i18n.number(value.quantize(Decimal("0.01")).normalize() + 0)
    if isinstance(value, dt.date):
        return i18n.date(value)
    if field.kind == "choice":
        return next((str(c.get(i18n.locale()) or c["value"]) for c in field.choices if c["value"] == value), str(value))
    return str(value)


def shown_fields(entity: str, record: Company | Person) -> list[tuple[str, str]]:
    """(label, value) of every field in use, for the record's page."""
    fields = custom.list_fields(entity)
    values = custom.computed(entity, [record], fields)[record.id] if fields else {}
    return [(i18n.bi(f, "label"), shown(f, values[f.key])) for f in fields]


class Columns:
    """The custom fields of an entity as columns of its list; values are worked out for the page's rows at once."""

    def __init__(self, entity: str, model: type[Company] | type[Person]) -> None:
        self.entity, self.model = entity, model
        self.fields = custom.list_fields(entity)
        self.values: dict[int, dict[str, Any]] = {}

    def load(self, rows: Sequence[Any]) -> None:
        if self.fields:
            self.values = custom.computed(self.entity, rows, self.fields)

    def columns(self) -> list[listing.Column]:
        return [self._column(f) for f in self.fields]

    def _column(self, field: CustomField) -> listing.Column:
        def value(record: Any) -> Any:
            found = self.values.get(record.id, {}).get(field.key)
            return shown(field, found) if not isinstance(found, Decimal) else found

        stored = self.model.custom[field.key]
        sort = (
            None
            if field.kind == "formula"
            else cast(stored.as_string(), Float)
            if field.kind == "number"
            else stored.as_string()
        )
        return listing.Column(
            f"custom_{field.key}",
            i18n.bi(field, "label"),
            value,
            cell=lambda record: shown(field, self.values.get(record.id, {}).get(field.key)),
            sort=sort,
            kind="number" if field.kind == "number" else "text",
            optional=True,
        )

    def filters(self) -> list[listing.Filter]:
        """Fields with a short list of values can be filtered by."""
        out = []
        for field in self.fields:
            stored = self.model.custom[field.key]
            if field.kind == "choice":
                choices = [(c["value"][:60], c.get(i18n.locale()) or c["value"]) for c in field.choices]
                out.append(
                    listing.Filter(
                        f"custom_{field.key}", i18n.bi(field, "label"), choices, partial(_is, stored)
                    )
                )
            elif field.kind == "check":
                out.append(
                    listing.Filter(
                        f"custom_{field.key}",
                        i18n.bi(field, "label"),
                        [("1", i18n.bi(field, "label"))],
                        partial(_is_ticked, stored),
                        kind="check",
                    )
                )
        return out
