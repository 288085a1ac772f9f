"""Forms of payments, statements, extras and terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DecimalField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from expo_crm.billing import labels
from expo_crm.web.forms import BaseForm, DayField, MoneyField, NotBlank


class PaymentForm(BaseForm):
    amount = MoneyField(_l("Amount"), [InputRequired()])
    received_on = DayField(_l("Received on"), [InputRequired()])
    method = SelectField(_l("Method"), choices=[SelectChoice(str(m), label) for m, label in labels.BOOKED.items()])
    reference = StringField(_l("Reference"), [Length(max=200)])


class StatementForm(BaseForm):
    file = FileField(_l("Bank statement (CSV, XLSX or camt.053)"), [FileRequired()])
    currency = StringField(_l("Currency"), [Regexp(r"^[A-Z]{3}$", message=_l("Three capital letters, for example CNY."))])
    account = StringField(_l("Account"), [Length(max=60)], description=_l("Needed where the file does not name it."))


class ProductForm(BaseForm):
    code = StringField(_l("Code"), [NotBlank(), Length(max=40)])
    name_zh = StringField(_l("Name (Chinese)"), [NotBlank(), Length(max=200)])
    name_en = StringField(_l("Name (English)"), [NotBlank(), Length(max=200)])
    kind = SelectField(_l("Kind"), choices=[SelectChoice(k, label) for k, label in labels.PRODUCT_KINDS.items()])
    unit_zh = StringField(_l("Unit (Chinese)"), [Length(max=30)])
    unit_en = StringField(_l("Unit (English)"), [Length(max=30)])
    price = MoneyField(_l("Net price"), [InputRequired()], high=Decimal(9999999))
    currency = StringField(_l("Currency"), [Regexp(r"^[A-Z]{3}$", message=_l("Three capital letters, for example CNY."))])
    stock = IntegerField(
        _l("Stock"), [Optional(), NumberRange(0, 1_000_000)], description=_l("Empty means without a limit.")
    )
    available_until = DayField(_l("Can be ordered until"), [Optional()])
    retired = BooleanField(_l("No longer offered"))


class TermsForm(BaseForm):
    tax_percent = MoneyField(_l("Tax rate in per cent"), [InputRequired()], high=Decimal(100))
    dunning = BooleanField(_l("Remind of overdue invoices by mail, once a day"))
    friendly_days = IntegerField(_l("Friendly reminder, days after the due day"), [InputRequired(), NumberRange(1, 365)])
    first_days = IntegerField(_l("First reminder, days after the due day"), [InputRequired(), NumberRange(1, 365)])
    final_days = IntegerField(_l("Final reminder, days after the due day"), [InputRequired(), NumberRange(1, 365)])

    def validate(self, extra_validators: Any = None) -> bool:
        ok = super().validate(extra_validators)
        days = (self.friendly_days.data, self.first_days.data, self.final_days.data)
        if ok and not days[0] < days[1] < days[2]:
            self.form_errors.append(_("Each reminder must follow the one before it."))
            return False
        return bool(ok)


class RateForm(BaseForm):
    currency = StringField(_l("Currency"), [Regexp(r"^[A-Z]{3}$", message=_l("Three capital letters, for example CNY."))])
    rate = DecimalField(_l("Rate"), [InputRequired(), NumberRange(Decimal("0.000001"), Decimal(100000))], places=6)
    noted_on = DayField(_l("Noted on"), [InputRequired()])


class OrderForm(BaseForm):
    product = SelectField(_l("Product"), coerce=int)
    quantity = IntegerField(_l("Quantity"), [InputRequired(), NumberRange(1, 100_000)], default=1)
