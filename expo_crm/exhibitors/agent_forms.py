"""Forms of agents and their settlements."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from expo_crm.directory import queries as directory
from expo_crm.directory.labels import country_choices
from expo_crm.lib import emails, text
from expo_crm.web.forms import BaseForm, DayField, MoneyField, NotBlank, OptionalDate


def words(raw: str | None) -> list[str]:
    """Typed words, separated by commas of either width or line breaks; each once."""
    found = (text.clean(w, limit=60) for w in re.split(r"[,;，；、\n]+", raw or ""))
    return list(dict.fromkeys(w for w in found if not text.is_blank(w)))[:40]


def company_of(field: Any) -> int | None:
    """The company of an exact name or number; raises ValidationError with what to do."""
    if text.is_blank(field.data):
        return None
    found = directory.find_by_name_or_number(field.data)
    if len(found) != 1:
        raise ValidationError(
            _("Several companies have this name. Please give the number of the right one.")
            if found
            else _("There is no such company in the file. Please give its exact name or its number.")
        )
    return found[0]


class AgentForm(BaseForm):
    version = HiddenField()
    name = StringField(_l("Agent"), [NotBlank(), Length(max=300)])
    company = StringField(
        _l("Company of the agent"), [Length(max=300)], description=_l("Name or number in the file; empty for none.")
    )
    email = EmailField(_l("E-mail"), [Length(max=254)])
    countries = SelectMultipleField(_l("Countries of the territory"))
    provinces = StringField(_l("Provinces"), [Length(max=1000)], description=_l("Separated by commas; empty: all."))
    sectors = StringField(_l("Sectors"), [Length(max=1000)], description=_l("Separated by commas; empty: all."))
    rate = MoneyField(_l("Commission in per cent"), [InputRequired(_l("Please enter the rate."))], high=Decimal(100))
    valid_from = DayField(_l("Valid from"), [InputRequired(_l("Please choose a day."))])
    valid_until = OptionalDate(_l("Valid until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company_id: int | None = None
        self.countries.choices = [c for c in country_choices() if c.value]

    def validate_company(self, field: StringField) -> None:
        self.company_id = company_of(field)

    def validate_email(self, field: EmailField) -> None:
        if field.data:
            try:
                emails.parse_email(field.data)
            except emails.EmailError:
                raise ValidationError(_("This is no e-mail address.")) from None

    def validate_valid_until(self, field: Any) -> None:
        if field.data and not dt.date(2000, 1, 1) <= field.data <= dt.date(2100, 1, 1):
            raise ValidationError(_("This is no date."))
        if field.data and self.valid_from.data and field.data < self.valid_from.data:
            raise ValidationError(_("The last day must not be before the first."))

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name.data, "company_id": self.company_id, "email": self.email.data or "",
            "countries": self.countries.data or [], "provinces": words(self.provinces.data), "sectors": words(self.sectors.data),
            "rate": self.rate.data, "valid_from": self.valid_from.data, "valid_until": self.valid_until.data,
        }  # fmt: skip


class AccountForm(BaseForm):
    company = StringField(_l("Company"), [NotBlank(), Length(max=300)], description=_l("Name or number in the file."))
    until = DayField(_l("Kept until"), [InputRequired(_l("Please choose a day."))])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company_id: int | None = None

    def validate_company(self, field: StringField) -> None:
        self.company_id = company_of(field)


class PeriodForm(BaseForm):
    period_from = DayField(_l("From"), [InputRequired(_l("Please choose a day."))])
    period_to = DayField(_l("Money received until"), [InputRequired(_l("Please choose a day."))])
