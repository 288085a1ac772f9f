"""The registration form and the forms of the staff pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from expo_crm.lib import emails, phones
from expo_crm.shows.models import Category
from expo_crm.visitors.domain.registration import RegisterCommand
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES, CONSENTS, FUNCTIONS, ConsentText
from expo_crm.visitors.models import VisitorClass
from expo_crm.web.forms import BaseForm, NotBlank
from expo_crm.web.i18n import bi, countries, locale

FIRST_COUNTRIES = ("CN", "HK", "MO", "TW", "JP", "KR", "SG", "DE", "US", "GB", "FR", "IT")


@lru_cache(maxsize=4)
def country_names(language: str) -> dict[str, str]:
    """Code → name; the usual ones first, the others in the order of the language."""
    names = countries(language)
    rest = sorted((c for c in names if c not in FIRST_COUNTRIES), key=lambda c: names[c])
    return {c: names[c] for c in (*FIRST_COUNTRIES, *rest)}


def _short(most: int) -> Length:
    return Length(max=most, message=_l("Please use at most %(max)d characters."))


class ConsentField(BooleanField):
    """Ticked only when exactly the current wording's version comes back, once; anything else is not a consent."""

    def __init__(self, wording: ConsentText, **kwargs: Any) -> None:
        super().__init__(wording.title, **kwargs)
        self.wording = wording

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = list(valuelist) == [self.wording.version]

    def _value(self) -> str:
        return self.wording.version


class ContactForm(BaseForm):
    """Who somebody is."""

    name = StringField(_l("Name"), [NotBlank(), _short(100)])
    company = StringField(_l("Company"), [_short(200)])
    job_title = StringField(_l("Job title"), [_short(100)])
    email = StringField(_l("E-mail"), [_short(254)])
    country = SelectField(_l("Country or region"), default="CN")
    phone = StringField(_l("Mobile phone"), [_short(60)])
    city = StringField(_l("City"), [_short(60)])
    function = SelectField(_l("Your function"), default="")
    buying_role = SelectField(_l("Your part in purchases"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice(c, n) for c, n in country_names(locale()).items()]
        blank = SelectChoice("", _("Please choose"))
        self.function.choices = [blank, *(SelectChoice(c, _(n)) for c, n in FUNCTIONS.items())]
        self.buying_role.choices = [blank, *(SelectChoice(c, _(n)) for c, n in BUYING_ROLES.items())]

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


class RegisterForm(ContactForm):
    """The public page."""

    form_key = HiddenField()
    looking_for = TextAreaField(_l("What are you looking for?"), [_short(2000)])
    interests = SelectMultipleField(_l("Product interests"), coerce=int)
    lead_sharing = ConsentField(CONSENTS[0])
    marketing = ConsentField(CONSENTS[1])

    def __init__(self, categories: list[Category], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.interests.choices = [SelectChoice(c.id, bi(c)) for c in categories]
        self.email.flags.required = True

    def validate_email(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("We send your ticket to this address."))
        super().validate_email(field)

    def command(self, edition_id: int, **more: Any) -> RegisterCommand:
        """What was filled in; class, state and source never come from the form."""
        return RegisterCommand(
            edition_id=edition_id,
            category_ids=tuple(self.interests.data or ()),
            looking_for=self.looking_for.data or "",
            consents={"lead_sharing": bool(self.lead_sharing.data), "marketing": bool(self.marketing.data)},
            **contact_of(self),
            **more,
        )


def contact_of(form: ContactForm) -> dict[str, Any]:
    country = form.country.data or "CN"
    return {
        "name": form.name.data or "",
        "company": form.company.data or "",
        "job_title": form.job_title.data or "",
        "email": form.email.data or "",
        "phone": phones.to_e164(form.phone.data or "", country) or "",
        "phone_typed": form.phone.data or "",
        "country": country,
        "city": form.city.data or "",
        "function": form.function.data or "",
        "buying_role": form.buying_role.data or "",
        "locale": locale(),
    }


class InterestsForm(BaseForm):
    """The visitor's own page: what is looked for."""

    looking_for = TextAreaField(_l("What are you looking for?"), [_short(2000)])
    interests = SelectMultipleField(_l("Product interests"), coerce=int)

    def __init__(self, categories: list[Category], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.interests.choices = [SelectChoice(c.id, bi(c)) for c in categories]


class CorrectForm(BaseForm):
    """What stands on the badge, and the class."""

    name = StringField(_l("Name"), [NotBlank(), _short(100)])
    company_name = StringField(_l("Company"), [_short(200)])
    job_title = StringField(_l("Job title"), [_short(100)])
    function = SelectField(_l("Function"), default="")
    buying_role = SelectField(_l("Part in purchases"), default="")
    visitor_class = SelectField(_l("Visitor class"), coerce=str)
    looking_for = TextAreaField(_l("Looking for"), [_short(2000)])

    def __init__(self, classes: list[VisitorClass], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        blank = SelectChoice("", "–")
        self.function.choices = [blank, *(SelectChoice(c, _(n)) for c, n in FUNCTIONS.items())]
        self.buying_role.choices = [blank, *(SelectChoice(c, _(n)) for c, n in BUYING_ROLES.items())]
        self.visitor_class.choices = [SelectChoice(c.code, bi(c)) for c in classes]
