"""Forms of quotes and competitors' shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from expo_crm.exhibitors.domain.quote import MAX_M2
from expo_crm.lib import domains, text
from expo_crm.web.forms import BaseForm, DayField, MoneyField


class CompetitorForm(BaseForm):
    name_zh = StringField(_l("Name (Chinese)"), [Length(max=300)])
    name_en = StringField(_l("Name (English)"), [Length(max=300)])
    city = StringField(_l("City"), [Length(max=100)])
    starts_on = DayField(_l("First day"), [Optional()])
    ends_on = DayField(_l("Last day"), [Optional()])
    url = StringField(_l("Website"), [Length(max=300)])

    def validate_name_en(self, field: Any) -> None:
        if text.is_blank(self.name_zh.data or "") and text.is_blank(field.data or ""):
            raise ValidationError(_("Please enter a name in one of the languages."))

    def validate_ends_on(self, field: Any) -> None:
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError(_("The last day lies before the first."))

    def validate_url(self, field: Any) -> None:
        if field.data and not (field.data.startswith(("http://", "https://")) and domains.web_domain(field.data)):
            raise ValidationError(_("Please enter a link that begins with https:// or http://."))


class QuoteForm(BaseForm):
    """Prices are not in it: they come from booths and price list."""

    booths = SelectMultipleField(_l("Held booths"))
    kind = SelectField(_l("Kind"))
    m2 = MoneyField(_l("Space without a booth yet (m²)"), [Optional()], high=MAX_M2)
    open_sides = SelectField(_l("Open sides"), choices=[SelectChoice(n, n) for n in "1234"])
    currency = SelectField(_l("Currency"), validate_choice=False)  # the price lists say which there are
    discount = MoneyField(_l("Discount in percent"), [Optional()], high=Decimal(100))
    valid_until = DayField(_l("Valid until"), [InputRequired()])
    locale = SelectField(_l("Language"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")])
