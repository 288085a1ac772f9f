"""Base of every form: translated by Flask-Babel, cleaned text, and nothing kept that cannot be stored."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, DecimalField, Field, PasswordField, StringField, TextAreaField
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from expo_crm.lib import money, text

T_co = TypeVar("T_co", covariant=True)


class BaseForm(FlaskForm):
    """Strips and cleans every text on its way in."""

    class Meta(FlaskForm.Meta):
        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Field:
            kind = unbound_field.field_class
            if issubclass(kind, StringField) and not issubclass(kind, PasswordField):
                cleaner = _clean_lines if issubclass(kind, TextAreaField) else _clean
                options = {**options, "filters": [cleaner, *unbound_field.kwargs.get("filters", ())]}
            return unbound_field.bind(form=form, **options)

    def process(self, formdata: Any = None, obj: Any = None, data: Any = None, extra_filters: Any = None, **kwargs: Any) -> None:
        """As WTForms does it, but a value that is given by name counts before the attribute of ``obj`` with that name.

        ``Form(obj=pavilion, organizer=pavilion.organizer_id)`` says how the field wants it; the attribute may be the row itself.
        """
        given = {**(data or {}), **kwargs}
        read = {name: getattr(obj, name) for name in self._fields if obj is not None and name not in given and hasattr(obj, name)}
        super().process(formdata, data={**read, **given}, extra_filters=extra_filters)


def _clean(value: Any) -> Any:
    return text.clean(value) if isinstance(value, str) else value


def _clean_lines(value: Any) -> Any:
    return "\n".join(text.clean(line) for line in value.splitlines()).strip() if isinstance(value, str) else value


class _Holds(Protocol[T_co]):
    @property
    def data(self) -> T_co | None: ...


def filled(field: _Holds[T_co]) -> T_co:
    """The value of a required field of a form that was found valid, which is never empty."""
    assert field.data is not None
    return field.data


class NotBlank:
    """Required, and more than invisible characters."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Field) -> None:
        if not isinstance(field.data, str) or text.is_blank(field.data):
            raise ValidationError(_("This field is required."))


class MoneyField(DecimalField):
    """A decimal that also reads full-width digits, thousands separators and a decimal comma."""

    # A browser's number input drops what it cannot read, as "１２，０００.５０", without a word; a text input sends it.
    widget = TextInput()
    data: Decimal | None

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        low: Decimal = Decimal(0),
        high: Decimal = Decimal("99999999"),
        **kw: Any,
    ) -> None:
        render_kw = {"inputmode": "decimal", "autocomplete": "off", **(kw.pop("render_kw", None) or {})}
        super().__init__(label, validators, places=2, render_kw=render_kw, **kw)
        self.low, self.high = low, high

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist or not str(valuelist[0]).strip():
            self.data = None
            # To InputRequired a space is an answer.
            if valuelist and self.flags.required:
                raise ValueError(_("This field is required."))
            return
        try:
            self.data = money.parse_decimal(str(valuelist[0]), maximum=None, places=2)
        except ValueError:
            self.data = None
            raise ValueError(_("Please enter a number, for example 1234.50.")) from None
        if not self.low <= self.data <= self.high:
            raise ValueError(_("Please enter a number between %(low)s and %(high)s.", low=self.low, high=self.high))


class DayField(DateField):
    """A day that could really be meant: no year 1 or 9999, with which sums of days overflow."""

    data: dt.date | None

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not dt.date(2000, 1, 1) <= self.data <= dt.date(2100, 1, 1):
            self.data = None
            raise ValueError(_("Please enter a date between 2000 and 2100."))


class OptionalDate(DateField):
    """A date that may be missing. The Optional validator would also skip the form's own checks."""

    data: dt.date | None

    def process_formdata(self, valuelist: list[Any]) -> None:
        if any(str(value).strip() for value in valuelist):
            super().process_formdata(valuelist)
        else:
            self.data = None
