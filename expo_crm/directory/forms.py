"""Forms of the directory."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, EmailField, HiddenField, SelectField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, ValidationError

from expo_crm.directory import queries
from expo_crm.directory.domain import agenda, naming
from expo_crm.directory.labels import country_choices
from expo_crm.lib import clock, companies, domains, emails, phones, text
from expo_crm.web.forms import BaseForm, NotBlank, OptionalDate

KINDS = {
    "call": _l("Call"),
    "mail": _l("Mail"),
    "visit": _l("Visit"),
    "meeting": _l("Meeting"),
    "note": _l("Note"),
    "task": _l("Task"),
}
KIND_ICONS = {
    "call": "phone",
    "mail": "mail",
    "visit": "walk",
    "meeting": "users",
    "note": "note",
    "task": "checkbox",
}
SOURCES = {
    "": _l("Not known"),
    "research": _l("Own research"),
    "fair": _l("Another trade show"),
    "referral": _l("Recommendation"),
    "website": _l("Our website"),
    "agent": _l("Agent"),
    "import": _l("Imported list"),
    "visitor": _l("Former visitor"),
}


def _check_phone(field: Any, region: str = "CN") -> None:
    if not field.data:
        return
    problem = phones.parse_phone(field.data, region or "CN").problem
    if problem == "phone-science":
        raise ValidationError(_("A spreadsheet has rounded this number. Please type all its digits."))
    if problem and problem != "phone-unknown":
        raise ValidationError(_("This is no telephone number. Example: +86 21 5888 0000"))


class CompanyForm(BaseForm):
    """One company. ``version`` is what the editor saw; ``confirmed`` says that a similar name is another company."""

    version = HiddenField()
    name_zh = StringField(_l("Chinese name"), [Length(max=300)])
    name_en = StringField(_l("English name"), [Length(max=300)])
    aliases = TextAreaField(
        _l("Other names"),
        [Length(max=3000)],
        description=_l("Former names, brands, short names: one per line. The company is found by them."),
    )
    tax_id = StringField(_l("Unified social credit code / tax id"), [Length(max=40)])
    website = StringField(_l("Website"), [Length(max=300)])
    domains = StringField(
        _l("Further web domains"), [Length(max=1000)], description=_l("Sites of brands, former addresses; separated by spaces.")
    )
    phone = TelField(_l("Switchboard"), [Length(max=60)])
    country = SelectField(_l("Country or region"))
    province = StringField(_l("Province"), [Length(max=60)])
    city = StringField(_l("City"), [Length(max=60)])
    address = StringField(_l("Address"), [Length(max=300)])
    industry = StringField(_l("Industry"), [Length(max=300)])
    source = SelectField(_l("How we know them"))
    owner_id = SelectField(_l("Owner"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    parent = StringField(
        _l("Parent company"),
        [Length(max=300)],
        description=_l("Name or number of the company that this one belongs to; empty for none."),
    )
    key_account = BooleanField(_l("Key account with a service plan of its own"))
    intro_zh = TextAreaField(_l("Profile in Chinese"), [Length(max=10_000)])
    intro_en = TextAreaField(_l("Profile in English"), [Length(max=10_000)])
    confirmed = BooleanField(_l("This is another company; save it"))

    def __init__(self, *args: Any, owners: list[Any], own_id: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own_id = own_id
        self.parent_id: int | None = None
        self.country.choices = country_choices()
        self.owner_id.choices = [SelectChoice("", _("Nobody")), *(SelectChoice(u.id, u.name) for u in owners)]
        known = dict(SOURCES)
        if self.source.data and self.source.data not in known and not self.is_submitted():
            known[self.source.data] = self.source.data  # set by an import
        self.source.choices = [SelectChoice(k, v) for k, v in known.items()]

    def validate_name_zh(self, field: StringField) -> None:
        if text.is_blank(field.data) and text.is_blank(self.name_en.data):
            raise ValidationError(_("Please give a name in at least one language."))

    def validate_tax_id(self, field: StringField) -> None:
        code = naming.tax_code(field.data or "") or ""
        if len(code) == 18 and self.country.data in ("CN", "") and not companies.valid_credit_code(code):
            raise ValidationError(
                _("This code cannot be right: its check sign does not fit. Please compare it with the licence.")
            )

    def validate_website(self, field: StringField) -> None:
        if field.data and (domains.registered_domain(field.data) is None or not naming.site_url(field.data)):
            raise ValidationError(_("This is no web address. Example: www.example.com"))

    def validate_phone(self, field: TelField) -> None:
        _check_phone(field, self.country.data)

    def values(self) -> dict[str, Any]:
        """The fields of a company, as the service takes them."""
        skip = {"version", "confirmed", "aliases", "domains", "parent", "csrf_token"}
        given = {
            f.short_name: f.data if f.data is not None or f.short_name == "owner_id" else ""
            for f in self
            if f.short_name not in skip and not f.short_name.startswith("custom_")
        }
        return given | {"parent_id": self.parent_id}

    def validate_parent(self, field: StringField) -> None:
        self.parent_id = None
        if text.is_blank(field.data):
            return
        found = queries.find_by_name_or_number(field.data)
        if len(found) != 1:
            raise ValidationError(
                _("Several companies have this name. Please give the number of the right one.")
                if found
                else _("There is no such company in the file. Please give its exact name or its number.")
            )
        if self.own_id is not None and self.own_id in queries.list_ancestors(found[0]):
            raise ValidationError(_("A company cannot belong to itself or to one of its subsidiaries."))
        self.parent_id = found[0]

    def domain_list(self) -> list[str]:
        return re.split(r"[\s,;，；]+", self.domains.data or "")[:50]

    def alias_list(self) -> list[str]:
        return [line for line in (self.aliases.data or "").splitlines() if not text.is_blank(line)][:50]


class PersonForm(BaseForm):
    name = StringField(_l("Name"), [NotBlank(), Length(max=300)])
    name_latin = StringField(_l("Name in Latin letters"), [Length(max=300)])
    email = EmailField(_l("E-mail"), [Length(max=254)])
    phone = TelField(_l("Telephone"), [Length(max=60)])
    locale = SelectField(_l("Language"), choices=[SelectChoice("zh", _l("Chinese")), SelectChoice("en", _l("English"))])
    country = SelectField(_l("Country or region"))
    city = StringField(_l("City"), [Length(max=60)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = country_choices()

    def validate_email(self, field: EmailField) -> None:
        if not field.data:
            return
        try:
            emails.parse_email(field.data)
        except emails.EmailError:
            raise ValidationError(_("This is no e-mail address.")) from None

    def validate_phone(self, field: TelField) -> None:
        _check_phone(field, self.country.data)

    def values(self) -> dict[str, Any]:
        names = ("name", "name_latin", "email", "phone", "locale", "country", "city")
        return {name: self[name].data or "" for name in names}


class ContactForm(PersonForm):
    """A new person at a company."""

    title = StringField(_l("Position"), [Length(max=300)])
    department = StringField(_l("Department"), [Length(max=300)])
    main_contact = BooleanField(_l("Main contact"))
    confirmed = BooleanField(_l("This is another person who shares the address; save"))


class ActivityForm(BaseForm):
    """What was done (call, mail, visit, meeting, note) or is to be done (task)."""

    kind = SelectField(_l("Kind"), choices=[SelectChoice(k, v) for k, v in KINDS.items()])
    subject = StringField(_l("What about"), [NotBlank(), Length(max=300)])
    body = TextAreaField(_l("Details"), [Length(max=20_000)])
    person_id = SelectField(_l("With whom"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    due_on = OptionalDate(_l("Due on"))
    owner_id = SelectField(_l("Who does it"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    next_subject = StringField(_l("Next action"), [Length(max=300)])
    next_on = OptionalDate(_l("Next action on"))

    def __init__(self, *args: Any, people: list[Any], owners: list[Any], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.person_id.choices = [SelectChoice("", "–"), *(SelectChoice(p.id, p.name) for p in people)]
        self.owner_id.choices = [SelectChoice("", _("Nobody")), *(SelectChoice(u.id, u.name) for u in owners)]

    def validate_due_on(self, field: DateField) -> None:
        if self.kind.data == "task" and field.data is None:
            raise ValidationError(_("Please say by when."))
        self._check_day(field)

    def validate_next_on(self, field: DateField) -> None:
        if self.kind.data == "task":
            return
        if bool(field.data) != bool(self.next_subject.data):
            raise ValidationError(_("A next action needs both: what and when."))
        self._check_day(field)

    def _check_day(self, field: DateField) -> None:
        if field.data and not -366 <= (field.data - self.today).days <= agenda.FURTHEST_DAYS:
            raise ValidationError(_("Please choose a day from last year to three years ahead."))


def today() -> dt.date:
    from expo_crm.web import i18n

    return clock.local_day(clock.now(), i18n.current_zone())
