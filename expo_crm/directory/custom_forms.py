"""Forms of custom fields: defining one, and the inputs that they add to the forms of companies and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from expo_crm.directory.domain import custom as rules
from expo_crm.directory.domain.custom import CustomError
from expo_crm.directory.models import CustomField
from expo_crm.directory.services.custom import as_rule
from expo_crm.web import i18n
from expo_crm.web.forms import BaseForm, NotBlank

KIND_LABELS = {
    "text": _l("Text line"),
    "number": _l("A number"),
    "date": _l("A date"),
    "choice": _l("Choice from a list"),
    "check": _l("Yes or no"),
    "formula": _l("Formula"),
}
PREFIX = "custom_"


def value_problem(code: str) -> str:
    """The reader's text for a refused value."""
    return {
        "number": _("Please enter a number, for example 1234.50."),
        "date": _("Please enter a date as 2026-05-12."),
        "choice": _("Please choose one of the list."),
        "required": _("This field is required."),
    }[code]


class _Valid:
    """Checks an input by the rules of its custom field."""

    def __init__(self, rule: rules.Field) -> None:
        self.rule = rule
        self.field_flags = {"required": True} if rule.required else {}

    def __call__(self, form: Any, field: Field) -> None:
        try:
            rules.read(self.rule, field.data)
        except CustomError as error:
            raise ValidationError(value_problem(error.code)) from None


def with_fields(base: type[BaseForm], fields: Sequence[CustomField]) -> type[BaseForm]:
    """The form with an input for each custom field that can be filled in, named ``custom_<key>``."""
    inputs = {PREFIX + f.key: _input(f) for f in fields if f.kind != "formula"}
    return type(base.__name__, (base,), inputs) if inputs else base


def _input(field: CustomField) -> Any:
    label, checks = i18n.bi(field, "label"), [_Valid(as_rule(field))]
    if field.kind == "check":
        return SelectField(label, checks, choices=[SelectChoice("", "–"), SelectChoice("y", _l("yes"))])
    if field.kind == "choice":
        choices = [
            SelectChoice("", "–"),
            *(SelectChoice(c["value"], c.get(i18n.locale()) or c["value"]) for c in field.choices),
        ]
        return SelectField(label, checks, choices=choices)
    if field.kind == "date":
        return StringField(label, checks, render_kw={"type": "date"})
    return StringField(
        label,
        [*checks, Length(max=rules.TEXT_LIMIT)],
        render_kw={"inputmode": "decimal"} if field.kind == "number" else {},
    )


def stored_data(stored: dict[str, Any]) -> dict[str, Any]:
    """What the inputs show of stored values."""
    return {PREFIX + key: "y" if value is True else value for key, value in (stored or {}).items()}


def read_values(form: BaseForm, fields: Sequence[CustomField]) -> dict[str, Any]:
    """The values of a form that was checked, ready to store."""
    return {f.key: rules.read(as_rule(f), form[PREFIX + f.key].data) for f in fields if f.kind != "formula"}


class FieldForm(BaseForm):
    """A custom field. Key and kind are given once."""

    label_zh = StringField(_l("Chinese name"), [NotBlank(), Length(max=100)])
    label_en = StringField(_l("English name"), [NotBlank(), Length(max=100)])
    key = StringField(
        _l("Short name"),
        [Length(max=40)],
        filters=[lambda value: value.lower() if value else value],
        description=_l(
            "Small letters, digits and _, for formulas and files: annual_turnover. It cannot be changed later."
        ),
    )
    kind = SelectField(_l("Kind of field"), choices=[SelectChoice(k, v) for k, v in KIND_LABELS.items()])
    choices = TextAreaField(
        _l("Choices"),
        [Length(max=5000)],
        description=_l("One per line: 中文 | English. What is stored is the Chinese word."),
    )
    formula = TextAreaField(_l("Formula"), [Length(max=1000)])
    required = BooleanField(_l("Must be filled in"))
    retired = BooleanField(_l("Out of use (values are kept)"))
    version = StringField(validators=[Optional()])

    def choice_list(self) -> list[dict[str, str]]:
        """The choices as stored; the same word twice counts once."""
        out: dict[str, dict[str, str]] = {}
        for line in (self.choices.data or "").splitlines()[:200]:
            zh, _bar, en = (part.strip() for part in line.partition("|"))
            if zh:
                out.setdefault(zh[:100], {"value": zh[:100], "zh": zh[:100], "en": (en or zh)[:100]})
        return list(out.values())
