"""Forms of the working day and of ownership."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from expo_crm.directory.domain import agenda, calls
from expo_crm.directory.forms import SOURCES
from expo_crm.directory.labels import country_choices
from expo_crm.lib import text
from expo_crm.web.forms import BaseForm, DayField, NotBlank, OptionalDate

RESULT_LABELS = {
    "interested": _l("Interested"),
    "offer": _l("Wants an offer"),
    "meet": _l("Wants a visit"),
    "reached": _l("Reached, no decision"),
    "call_back": _l("Call back at …"),
    "not_interested": _l("Not interested"),
    "wrong_person": _l("Wrong person"),
    "no_answer": _l("Not reached"),
    "busy": _l("Line busy"),
    "wrong_number": _l("Wrong number"),
}
RESULT_TONES = {
    "interested": "success", "offer": "success", "meet": "success", "not_interested": "danger", "wrong_number": "warning",
    "wrong_person": "warning", "no_answer": "neutral", "busy": "neutral", "call_back": "info",
}  # fmt: skip
PURPOSE_LABELS = {
    "new": _l("New customer"),
    "rebooking": _l("Rebooking"),
    "won_back": _l("Win back"),
    "visitor": _l("Visitor promotion"),
    "service": _l("Service call"),
    "other": _l("Other purpose"),
}
NEXT_LABELS = {
    "": _l("Nothing follows"),
    "call": _l("Call"),
    "mail": _l("Mail"),
    "visit": _l("Visit"),
    "task": _l("Task"),
}
WHY_LABELS = {
    "assign": _l("Assigned"),
    "claim": _l("Claimed from the pool"),
    "return": _l("Returned to the pool"),
    "transfer": _l("Transferred"),
    "merge": _l("Merged"),
    "rule": _l("By a rule"),
}


class Days(IntegerField):
    """A whole number of days or pieces, zero allowed."""

    def __init__(self, label: Any, *, top: int = 3660, **kw: Any) -> None:
        message = _l("Please enter a whole number from 0 to %(top)s.", top=top)
        super().__init__(label, [InputRequired(message), NumberRange(0, top, message)], **kw)

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist and len(str(valuelist[0])) > 9:
            self.data = None
            raise ValueError(_("This is no number."))
        super().process_formdata(valuelist)


class ScriptForm(BaseForm):
    version = HiddenField()
    purpose = SelectField(_l("Purpose"), choices=[SelectChoice(k, v) for k, v in PURPOSE_LABELS.items()])
    edition_id = SelectField(_l("Edition"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    name_zh = StringField(_l("Chinese name"), [NotBlank(), Length(max=300)])
    name_en = StringField(_l("English name"), [NotBlank(), Length(max=300)])
    body_zh = TextAreaField(_l("Text in Chinese"), [NotBlank(), Length(max=10_000)])
    body_en = TextAreaField(_l("Text in English"), [NotBlank(), Length(max=10_000)])
    retired = BooleanField(_l("Out of use"))

    def __init__(self, *args: Any, editions: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from expo_crm.web import i18n

        self.edition_id.choices = [
            SelectChoice("", _("Every edition")),
            *(SelectChoice(e.id, i18n.bi(e)) for e in editions),
        ]

    def _check(self, field: Any) -> None:
        unknown = calls.unknown_places(field.data or "")
        if unknown:
            raise ValidationError(
                _("Nobody can fill in {%(name)s}. The possible placeholders stand below.", name=unknown[0])
            )

    def validate_body_zh(self, field: TextAreaField) -> None:
        self._check(field)

    def validate_body_en(self, field: TextAreaField) -> None:
        self._check(field)


class ResultForm(BaseForm):
    name_zh = StringField(_l("Chinese name"), [NotBlank(), Length(max=60)])
    name_en = StringField(_l("English name"), [NotBlank(), Length(max=60)])
    reached = BooleanField(_l("Somebody was reached"))
    next_kind = SelectField(_l("What follows"), choices=[SelectChoice(k, v) for k, v in NEXT_LABELS.items()])
    next_days = Days(_l("After how many days"), top=366, default=1)
    retired = BooleanField(_l("Out of use"))


class CallForm(BaseForm):
    """One finished call: the result is the button that was pressed."""

    started = HiddenField()
    person_id = SelectField(_l("With whom"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    note = TextAreaField(_l("Note of the call"), [Length(max=10_000)])
    minutes = IntegerField(_l("Minutes"), [Optional(), NumberRange(0, 240, _l("Please enter minutes from 0 to 240."))])
    next_subject = StringField(_l("Next action"), [Length(max=300)])
    next_on = OptionalDate(_l("Next action on"))
    next_time = SelectField(_l("at"), default="")

    def __init__(self, *args: Any, people: list[Any], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.person_id.choices = [SelectChoice("", "–"), *(SelectChoice(p.id, p.name) for p in people)]
        self.next_time.choices = [SelectChoice("", "–"), *(SelectChoice(t, t) for t in times())]

    def validate_next_on(self, field: Any) -> None:
        if field.data and not 0 <= (field.data - self.today).days <= agenda.FURTHEST_DAYS:
            raise ValidationError(_("Please choose a day between today and three years ahead."))


def times() -> list[str]:
    """The half hours of a working day."""
    return [f"{m // 60:02}:{m % 60:02}" for m in range(8 * 60, 20 * 60 + 1, 30)]


class VisitForm(BaseForm):
    """A planned visit."""

    subject = StringField(_l("What about"), [NotBlank(), Length(max=300)])
    day = DayField(_l("Day"), [InputRequired(_l("Please choose a day."))])
    at = SelectField(_l("Time"))
    place = StringField(_l("Address"), [Length(max=300)])
    person_id = SelectField(_l("With whom"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    owner_id = SelectField(_l("Who goes"), coerce=lambda v: int(v) if v and str(v) != "None" else None)
    body = TextAreaField(_l("What to prepare"), [Length(max=10_000)])

    def __init__(self, *args: Any, people: list[Any], owners: list[Any], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.at.choices = [SelectChoice(t, t) for t in times()]
        self.person_id.choices = [SelectChoice("", "–"), *(SelectChoice(p.id, p.name) for p in people)]
        self.owner_id.choices = [SelectChoice(u.id, u.name) for u in owners]

    def validate_day(self, field: Any) -> None:
        if field.data and not 0 <= (field.data - self.today).days <= agenda.FURTHEST_DAYS:
            raise ValidationError(_("Please choose a day between today and three years ahead."))


class ReportForm(BaseForm):
    """What came of a visit."""

    body = TextAreaField(_l("Report"), [NotBlank(), Length(max=20_000)])
    next_subject = StringField(_l("Next action"), [Length(max=300)])
    next_on = OptionalDate(_l("Next action on"))

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def validate_next_on(self, field: Any) -> None:
        if bool(field.data) != bool(self.next_subject.data):
            raise ValidationError(_("A next action needs both: what and when."))
        if field.data and not 0 <= (field.data - self.today).days <= agenda.FURTHEST_DAYS:
            raise ValidationError(_("Please choose a day between today and three years ahead."))


class LimitsForm(BaseForm):
    """Protection, public pool and claims of a show."""

    version = HiddenField()
    contact_days = Days(
        _l("A contact protects for days"), description=_l("Call, mail, visit or meeting. 0: no protection.")
    )
    opportunity_days = Days(_l("A new opportunity protects for days"))
    pool_days = Days(
        _l("Back to the pool after days without contact"), description=_l("0: nothing goes back by itself.")
    )
    warn_days = Days(_l("Warn the owner days before"), top=365)
    exempt_key = BooleanField(_l("Key accounts never go back"))
    exempt_open = BooleanField(_l("Companies with an open opportunity or contract never go back"))
    claims_per_day = Days(_l("Claims per person and day"), top=100_000, description=_l("0: no limit."))
    claims_total = Days(_l("Companies a person may own when claiming"), top=1_000_000, description=_l("0: no limit."))
    wait_days = Days(
        _l("Who lost a company to the pool waits days"), description=_l("Until then only others can claim it.")
    )

    def validate_warn_days(self, field: Any) -> None:
        if self.pool_days.data and field.data and field.data >= self.pool_days.data:
            raise ValidationError(_("The warning must come after the last contact and before the return."))


class RuleForm(BaseForm):
    version = HiddenField()
    name = StringField(_l("Name of the rule"), [NotBlank(), Length(max=300)])
    country = SelectField(_l("Country or region"))
    province = StringField(_l("Province contains"), [Length(max=60)])
    industry = StringField(_l("Industry or sector contains"), [Length(max=300)])
    source = SelectField(_l("How we know them"))
    user_ids = SelectMultipleField(
        _l("Who gets them, in turn"),
        coerce=int,
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )
    active = BooleanField(_l("In use"), default=True)

    def __init__(self, *args: Any, owners: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = country_choices()
        self.source.choices = [SelectChoice(k, v if k else _("Any")) for k, v in SOURCES.items()]
        self.user_ids.choices = [SelectChoice(u.id, u.name) for u in owners]

    def validate_user_ids(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Please choose at least one person."))


def reason_of(raw: str) -> str:
    """A typed reason as stored; empty when nothing visible was typed."""
    cleaned = text.clean(raw[:1000], limit=300)
    return "" if text.is_blank(cleaned) else cleaned
