"""Form of a payment."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from expo_crm.billing import labels
from expo_crm.web.forms import BaseForm, DayField, MoneyField


class PaymentForm(BaseForm):
    amount = MoneyField(_l("Amount"), [InputRequired()])
    received_on = DayField(_l("Received on"), [InputRequired()])
    method = SelectField(_l("Method"), choices=[SelectChoice(str(m), label) for m, label in labels.BOOKED.items()])
    reference = StringField(_l("Reference"), [Length(max=200)])
