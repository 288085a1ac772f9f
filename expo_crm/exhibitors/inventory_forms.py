"""Forms of the inventory: prices, waiting list, shared stands, pavilions, the draw."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from expo_crm.exhibitors.services import price_lists
from expo_crm.web.forms import BaseForm, DayField, MoneyField, NotBlank

CURRENCIES = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP")
M2 = Decimal(100_000)


def _whole(raw: Any) -> int | None:
    """A choice of a row: its id, or none for the blank."""
    return int(raw) if raw not in {None, "", "None"} else None


class PriceListForm(BaseForm):
    name_zh = StringField(_l("Name (Chinese)"), [NotBlank(), Length(max=100)])
    name_en = StringField(_l("Name (English)"), [Length(max=100)])
    currency = SelectField(_l("Currency"), choices=[SelectChoice(c, c) for c in CURRENCIES])
    tax_percent = MoneyField(_l("Tax rate in percent"), [InputRequired()], high=Decimal(50), default=Decimal(6))
    valid_from = DayField(_l("Valid from"), [InputRequired()])
    valid_until = DayField(_l("Valid until"), [InputRequired()])

    def validate_valid_until(self, field: Any) -> None:
        if self.valid_from.data and field.data and field.data < self.valid_from.data:
            raise ValidationError(_("The last day is before the first."))


class PriceRuleForm(BaseForm):
    kind = SelectField(_l("Kind"))
    hall = SelectField(_l("Hall"), coerce=_whole, validators=[Optional()])
    sector = StringField(_l("Sector"), [Length(max=100)])
    base_m2 = MoneyField(_l("Price per m²"), [InputRequired()], low=Decimal("0.01"), high=Decimal(1_000_000))
    minimum_m2 = MoneyField(_l("Least m²"), [Optional()], low=Decimal("0.01"), high=Decimal(10_000))
    corner_2 = MoneyField(_l("Surcharge in percent, 2 open sides"), [Optional()], high=Decimal(100), default=Decimal(0))
    corner_3 = MoneyField(_l("Surcharge in percent, 3 open sides"), [Optional()], high=Decimal(100), default=Decimal(0))
    corner_4 = MoneyField(_l("Surcharge in percent, 4 open sides"), [Optional()], high=Decimal(100), default=Decimal(0))
    early_until = DayField(_l("Early bird until"), [Optional()])
    early_percent = MoneyField(_l("Early bird: percent off"), [Optional()], high=Decimal(90))
    early_m2 = MoneyField(_l("Early bird: price per m²"), [Optional()], low=Decimal("0.01"), high=Decimal(1_000_000))
    fees = TextAreaField(_l("Fixed fees"), [Length(max=1000)])

    def validate_fees(self, field: Any) -> None:
        try:
            price_lists.parse_fees(field.data or "")
        except ValueError as error:
            raise ValidationError(
                _("Line %(line)s is no fee. Write: 报名费 | Registration fee | 800", line=error.args[0])
            ) from None

    def validate(self, extra_validators: Any = None) -> bool:
        """Also that an early bird is whole: a last day with one of the two prices."""
        fine: bool = super().validate(extra_validators)
        given = [f for f in (self.early_percent.data, self.early_m2.data) if f]
        if len(given) > 1:
            self.early_until.errors = [_("Choose one: percent off, or a price per m².")]
        elif bool(self.early_until.data) != bool(given):
            self.early_until.errors = [_("An early bird needs a last day and a price.")]
        else:
            return fine
        return False


class OverrideForm(BaseForm):
    new = MoneyField(_l("New price without tax"), [InputRequired()])
    reason = StringField(_l("Reason"), [NotBlank(), Length(max=300)])


class WishForm(BaseForm):
    opportunity = SelectField(_l("Company"), coerce=_whole, validators=[InputRequired()])
    booth_code = StringField(_l("This booth only"), [Length(max=40)])
    hall = SelectField(_l("Hall"), coerce=_whole, validators=[Optional()])
    kind = SelectField(_l("Kind"), validators=[Optional()])
    min_m2 = MoneyField(_l("At least m²"), [InputRequired()], low=Decimal(1), high=M2, default=Decimal(9))
    max_m2 = MoneyField(_l("At most m²"), [Optional()], low=Decimal(1), high=M2)
    open_sides = IntegerField(_l("Open sides, at least"), [NumberRange(min=1, max=4)], default=1)
    note = StringField(_l("Note"), [Length(max=300)])

    def validate_max_m2(self, field: Any) -> None:
        if field.data is not None and self.min_m2.data is not None and field.data < self.min_m2.data:
            raise ValidationError(_("The largest size is below the smallest."))


class PavilionForm(BaseForm):
    name_zh = StringField(_l("Name (Chinese)"), [NotBlank(), Length(max=100)])
    name_en = StringField(_l("Name (English)"), [Length(max=100)])
    organizer = SelectField(_l("Pavilion organizer"), coerce=_whole, validators=[InputRequired()])
    entry_limit = IntegerField(_l("Companies it may enter"), [NumberRange(min=0, max=2000)], default=0)
    closes_on = DayField(_l("Entry closes on"), [Optional()])
    booths = TextAreaField(_l("Booth numbers"), [Length(max=4000)])


class EntryForm(BaseForm):
    name_zh = StringField(_l("Name (Chinese)"), [Length(max=200)])
    name_en = StringField(_l("Name (English)"), [Length(max=200)])
    country = StringField(_l("Country (two letters)"), [Length(max=2)])
    website = StringField(_l("Website"), [Length(max=200)])
    booth = SelectField(_l("Booth"), coerce=_whole, validators=[Optional()])


class ShareForm(BaseForm):
    name = StringField(_l("Company name"), [NotBlank(), Length(max=200)])
    role = SelectField(_l("Role"))
    booths = SelectMultipleField(_l("Booths"), coerce=int, validators=[InputRequired()])
    fascia_zh = StringField(_l("Fascia name (Chinese)"), [Length(max=60)])
    fascia_en = StringField(_l("Fascia name (English)"), [Length(max=60)])


class FormulaForm(BaseForm):
    formula = TextAreaField(_l("Formula for the points"), [NotBlank(), Length(max=1000)])


class DrawForm(BaseForm):
    starts_at = DateTimeLocalField(_l("First turn at"), [InputRequired()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    slot_minutes = IntegerField(_l("Minutes per turn"), [InputRequired(), NumberRange(min=1, max=240)], default=15)
    at_once = IntegerField(_l("Companies at the same time"), [InputRequired(), NumberRange(min=1, max=50)], default=1)
    seed = StringField(_l("Seed for ties"), [Length(max=40)])


class NeighbourForm(BaseForm):
    company_a = StringField(_l("Company"), [NotBlank(), Length(max=200)])
    company_b = StringField(_l("Not beside"), [NotBlank(), Length(max=200)])
    distance_m = MoneyField(_l("Least distance (m)"), [Optional()], high=Decimal(500), default=Decimal(0))
    reason = StringField(_l("Reason"), [NotBlank(), Length(max=300)])
