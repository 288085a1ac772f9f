"""Forms of the registration desk."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from expo_crm.lib import emails, phones
from expo_crm.visitors.models import VisitorClass
from expo_crm.web.forms import BaseForm, NotBlank
from expo_crm.web.i18n import bi, countries, locale

FIRST_COUNTRIES = ("CN", "HK", "MO", "TW", "JP", "KR", "SG", "DE", "US")


@lru_cache(maxsize=4)
def _countries(language: str) -> tuple[tuple[str, str], ...]:
    names = countries(language)
    first = [(code, names[code]) for code in FIRST_COUNTRIES]
    rest = sorted((item for item in names.items() if item[0] not in FIRST_COUNTRIES), key=lambda item: item[1])
    return (*first, *rest)


def _short(most: int) -> Length:
    return Length(max=most, message=_l("Please use at most %(max)d characters."))


class BadgeForm(BaseForm):
    """What stands on the badge, and where it is printed."""

    key = HiddenField()
    name = StringField(_l("Name"), [NotBlank(), _short(100)])
    company = StringField(_l("Company"), [_short(200)])
    job_title = StringField(_l("Job title"), [_short(100)])
    visitor_class = SelectField(_l("Visitor class"), coerce=str)
    printer = SelectField(_l("Printer"), coerce=str, default="")

    def __init__(self, classes: list[VisitorClass], stations: list[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visitor_class.choices = [SelectChoice(c.code, bi(c)) for c in classes]
        here = SelectChoice("", _("This computer"))
        self.printer.choices = [here, *(SelectChoice(str(s.id), s.name) for s in stations)]

    @property
    def printer_id(self) -> int | None:
        return int(self.printer.data) if self.printer.data else None


class WalkInForm(BadgeForm):
    """Somebody who has not registered: the name first, the rest as far as there is time."""

    phone = StringField(_l("Mobile phone"), [_short(60)])
    email = StringField(_l("E-mail"), [_short(254)])
    country = SelectField(_l("Country or region"), default="CN")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice(code, name) for code, name in _countries(locale())]

    def validate_email(self, field: Any) -> None:
        if not field.data:
            return
        try:
            emails.parse_email(field.data)
        except emails.EmailError:
            raise ValidationError(_("This is not an e-mail address, for example name@company.com.")) from None

    def validate_phone(self, field: Any) -> None:
        if field.data and phones.parse_phone(field.data, self.country.data or "CN").problem:
            raise ValidationError(
                _("This number cannot be dialled. Please check it, with country code if it is not local.")
            )
