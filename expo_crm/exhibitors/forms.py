"""Forms of recruitment, booths and contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from expo_crm.web.forms import BaseForm, DayField, MoneyField, NotBlank


def choices(labels: Mapping[str, Any], *, blank: Any = None) -> list[SelectChoice]:
    """A mapping of values to words as WTForms wants it."""
    first = [SelectChoice("", blank)] if blank is not None else []
    return first + [SelectChoice(str(value), label) for value, label in labels.items()]


def pairs(items: Iterable[tuple[str, Any]], *, blank: Any = None) -> list[SelectChoice]:
    return choices(dict(items), blank=blank)


class OpportunityForm(BaseForm):
    owner = SelectField(_l("Owner"), [Optional()])
    source = SelectField(_l("Source"), [Optional()])
    agent = StringField(_l("Agent"), [Length(max=300)])
    expected_m2 = MoneyField(_l("Expected m²"), high=Decimal(100000))
    expected_amount = MoneyField(_l("Expected amount (without tax)"))
    next_step = StringField(_l("Next step"), [Length(max=300)])
    next_on = DayField(_l("Next step on"), [Optional()])


class HoldForm(BaseForm):
    booth = SelectField(_l("Booth"), [InputRequired()])
    days = SelectField(_l("Hold for"), [InputRequired()])


class SignForm(BaseForm):
    signed_by = StringField(_l("Signed by"), [NotBlank(), Length(max=200)])
    signed_on = DayField(_l("Signed on"), [InputRequired()])


class CancelForm(BaseForm):
    reason = TextAreaField(_l("Reason"), [NotBlank(), Length(max=300)])


class BoothForm(BaseForm):
    code = StringField(_l("Booth number"), [NotBlank(), Length(max=40)])
    kind = SelectField(_l("Kind"))
    x = MoneyField(_l("From the left (m)"), [InputRequired()], high=Decimal(2000))
    y = MoneyField(_l("From the top (m)"), [InputRequired()], high=Decimal(2000))
    width = MoneyField(_l("Width (m)"), [InputRequired()], low=Decimal("0.5"), high=Decimal(500))
    depth = MoneyField(_l("Depth (m)"), [InputRequired()], low=Decimal("0.5"), high=Decimal(500))
    open_sides = IntegerField(_l("Open sides"), [NumberRange(min=1, max=4)], default=1)
    price = MoneyField(_l("Price without tax"), [InputRequired()])


class GridForm(BaseForm):
    prefix = StringField(_l("Letters before the number"), [Length(max=20)])
    first = IntegerField(_l("First number"), [InputRequired(), NumberRange(min=0, max=99999)], default=1)
    rows = IntegerField(_l("Number of rows"), [InputRequired(), NumberRange(min=1, max=40)], default=4)
    columns = IntegerField(_l("Booths in a row"), [InputRequired(), NumberRange(min=1, max=60)], default=8)
    x = MoneyField(_l("From the left (m)"), [InputRequired()], high=Decimal(2000), default=Decimal(3))
    y = MoneyField(_l("From the top (m)"), [InputRequired()], high=Decimal(2000), default=Decimal(3))
    width = MoneyField(_l("Width (m)"), [InputRequired()], low=Decimal("0.5"), high=Decimal(500), default=Decimal(3))
    depth = MoneyField(_l("Depth (m)"), [InputRequired()], low=Decimal("0.5"), high=Decimal(500), default=Decimal(3))
    aisle = MoneyField(_l("Aisle after two rows (m)"), [InputRequired()], high=Decimal(100), default=Decimal(3))
    kind = SelectField(_l("Kind"))
    price = MoneyField(_l("Price per booth without tax"), [InputRequired()], default=Decimal(12000))
