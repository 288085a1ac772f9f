"""Forms of shows, editions, halls and categories."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, DateTimeLocalField, EmailField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from expo_crm.lib import emails, text
from expo_crm.shows.domain.planning import CURRENCIES
from expo_crm.web.forms import BaseForm, MoneyField, NotBlank

STATE_LABELS = {
    "planning": _l("In planning"),
    "open": _l("Registration open"),
    "live": _l("Show days"),
    "closed": _l("Closed"),
    "cancelled": _l("Cancelled"),
}
ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
)
PROBLEMS = {
    "dates-order": _l("The last day lies before the first."),
    "dates-long": _l("An edition lasts at most 31 days."),
    "dates-year": _l("Please choose a year between 1990 and 2100."),
    "zone": _l("This time zone is not known."),
    "window-order": _l("Registration closes before it opens."),
    "hall-taken": _l("There is a hall with this code already."),
    "hall-used": _l("This hall has booths or gates; it cannot be removed."),
    "code-taken": _l("There is a show with this short name already."),
    "name-missing": _l("Please give a name in at least one language."),
    "day-outside": _l("This day lies outside the edition."),
    "day-hours": _l("A day cannot close before it opens."),
    "parent-loop": _l("A category cannot stand below itself."),
    "too-deep": _l("The tree has at most four levels."),
}


def zone_choices(current: str = "") -> list[SelectChoice]:
    """The usual zones first, then every zone there is."""
    rest = sorted(z for z in available_timezones() if "/" in z and z not in ZONES)
    own = [current] if current and current not in ZONES and current not in rest else []
    return [SelectChoice(z, z) for z in (*own, *ZONES, *rest)]


class ShowForm(BaseForm):
    """The recurring show."""

    name_zh = StringField(_l("Chinese name of the show"), [Length(max=300)])
    name_en = StringField(_l("English name of the show"), [Length(max=300)])
    organizer_zh = StringField(_l("Organizer (Chinese)"), [Length(max=300)])
    organizer_en = StringField(_l("Organizer (English)"), [Length(max=300)])
    privacy_contact = EmailField(
        _l("E-mail for privacy questions"),
        [Length(max=254)],
        description=_l("Stands in the notice that visitors read before they register."),
    )

    def validate_name_zh(self, field: StringField) -> None:
        if text.is_blank(field.data) and text.is_blank(self.name_en.data):
            raise ValidationError(_("Please give a name in at least one language."))

    def validate_privacy_contact(self, field: EmailField) -> None:
        if field.data and emails.email_key(field.data) is None:
            raise ValidationError(_("This is no e-mail address."))


class FirstForm(ShowForm):
    """First set-up: the show and its first edition in one go."""

    code = StringField(
        _l("Short name in addresses"),
        [NotBlank(), Length(max=30)],
        description=_l("Latin letters, digits and hyphens, as fluid-expo."),
    )
    starts_on = DateField(_l("First day"), [InputRequired()])
    ends_on = DateField(_l("Last day"), [InputRequired()])
    venue_zh = StringField(_l("Venue (Chinese)"), [Length(max=300)])
    venue_en = StringField(_l("Venue (English)"), [Length(max=300)])
    timezone = SelectField(_l("Time zone of the venue"))
    currency = SelectField(_l("Currency"), choices=[SelectChoice(c, c) for c in CURRENCIES])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timezone.choices = zone_choices()

    def validate_code(self, field: StringField) -> None:
        if not all(s.isascii() and (s.isalnum() or s == "-") for s in field.data or ""):
            raise ValidationError(_("Only Latin letters, digits and hyphens."))


class EditionForm(BaseForm):
    """One edition's own page in the settings. The registration window is typed in the venue's time."""

    name_zh = StringField(_l("Chinese name of the edition"), [NotBlank(), Length(max=300)])
    name_en = StringField(_l("English name of the edition"), [NotBlank(), Length(max=300)])
    number = IntegerField(_l("Edition number"), [InputRequired(), NumberRange(1, 999)])
    state = SelectField(_l("State"), choices=[SelectChoice(k, v) for k, v in STATE_LABELS.items()])
    starts_on = DateField(_l("First day"), [InputRequired()])
    ends_on = DateField(_l("Last day"), [InputRequired()])
    venue_zh = StringField(_l("Venue (Chinese)"), [Length(max=300)])
    venue_en = StringField(_l("Venue (English)"), [Length(max=300)])
    address_zh = StringField(_l("Address (Chinese)"), [Length(max=300)])
    address_en = StringField(_l("Address (English)"), [Length(max=300)])
    timezone = SelectField(_l("Time zone of the venue"))
    currency = SelectField(_l("Currency"), choices=[SelectChoice(c, c) for c in CURRENCIES])
    registration_opens_at = DateTimeLocalField(
        _l("Visitor registration opens"), [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
    )
    registration_closes_at = DateTimeLocalField(
        _l("Visitor registration closes"),
        [Optional()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    intro_zh = TextAreaField(_l("Introduction (Chinese)"), [Length(max=10_000)])
    intro_en = TextAreaField(_l("Introduction (English)"), [Length(max=10_000)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timezone.choices = zone_choices(kwargs.get("data", {}).get("timezone", ""))
        if self.currency.data and self.currency.data not in CURRENCIES and not self.is_submitted():
            self.currency.choices = [*self.currency.choices, SelectChoice(self.currency.data, self.currency.data)]

    def values(self) -> dict[str, Any]:
        """The edition's fields; the registration window as instants."""
        out = {f.short_name: f.data for f in self if f.short_name != "csrf_token"}
        zone = ZoneInfo(self.timezone.data)
        for name in ("registration_opens_at", "registration_closes_at"):
            typed = out[name]
            out[name] = typed.replace(tzinfo=zone).astimezone(dt.UTC) if typed else None
        return out


class NextEditionForm(BaseForm):
    name_zh = StringField(_l("Chinese name of the edition"), [NotBlank(), Length(max=300)])
    name_en = StringField(_l("English name of the edition"), [NotBlank(), Length(max=300)])
    starts_on = DateField(_l("First day"), [InputRequired()])
    ends_on = DateField(_l("Last day"), [InputRequired()])


SHORTEST, LONGEST = Decimal(1), Decimal(2000)


class HallForm(BaseForm):
    code = StringField(_l("Code"), [NotBlank(), Length(max=20)], description=_l("As on the plan: H1, 9.1"))
    name_zh = StringField(_l("Chinese name"), [Length(max=300)])
    name_en = StringField(_l("English name"), [Length(max=300)])
    width_m = MoneyField(_l("Width in metres"), [InputRequired()], low=SHORTEST, high=LONGEST)
    depth_m = MoneyField(_l("Depth in metres"), [InputRequired()], low=SHORTEST, high=LONGEST)
    capacity = IntegerField(_l("People at once"), [Optional(), NumberRange(1, 1_000_000)])


class CategoryForm(BaseForm):
    name_zh = StringField(_l("Chinese name"), [Length(max=300)])
    name_en = StringField(_l("English name"), [Length(max=300)])
    parent_id = SelectField(_l("Stands below"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    synonyms = TextAreaField(
        _l("Synonyms"),
        [Length(max=4000)],
        description=_l("Other words for the same in both languages, one per line. Searches and the matching use them."),
    )

    def __init__(self, *args: Any, parents: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parent_id.choices = [SelectChoice("", _("(top level)")), *(SelectChoice(i, label) for i, label in parents)]

    def validate_name_zh(self, field: StringField) -> None:
        if text.is_blank(field.data) and text.is_blank(self.name_en.data):
            raise ValidationError(_("Please give a name in at least one language."))

    def words(self) -> list[str]:
        return (self.synonyms.data or "").splitlines()
