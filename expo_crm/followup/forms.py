"""Forms of surveys, cases, the plan and its calls."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from expo_crm.followup.domain import survey as rules
from expo_crm.web.forms import BaseForm, NotBlank

KIND_LABELS = {
    "nps": _l("Recommendation, 0 to 10 (NPS)"),
    "scale": _l("Satisfaction, 1 to 5"),
    "choice": _l("One of several answers"),
    "choices": _l("Several answers"),
    "text": _l("Free text"),
}


def choices(pairs: Any) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def near_day(form: Any, field: DateField) -> None:
    """A day that people mean: of the years 2000 to 2100."""
    if field.data is not None and not 2000 <= field.data.year <= 2100:
        raise ValidationError(_("Please choose a day between 2000 and 2100."))


class SurveyForm(BaseForm):
    """Title, introduction and closing day."""

    title_zh = StringField(_l("Title (Chinese)"), [NotBlank(), Length(max=300)])
    title_en = StringField(_l("Title (English)"), [NotBlank(), Length(max=300)])
    intro_zh = TextAreaField(_l("Introduction (Chinese)"), [Length(max=2000)])
    intro_en = TextAreaField(_l("Introduction (English)"), [Length(max=2000)])
    last_day = DateField(_l("Last day to answer"), [Optional(), near_day])


class QuestionForm(BaseForm):
    """One question in both languages."""

    kind = SelectField(_l("Kind of answer"), choices=choices(KIND_LABELS.items()))
    label_zh = StringField(_l("Question (Chinese)"), [NotBlank(), Length(max=300)])
    label_en = StringField(_l("Question (English)"), [NotBlank(), Length(max=300)])
    options = TextAreaField(_l("Possible answers, one a line: 中文 | English"), [Length(max=8000)])
    required = BooleanField(_l("An answer is required"))

    def validate_options(self, field: TextAreaField) -> None:
        if self.kind.data in {"choice", "choices"}:
            found = rules.parse_options(field.data or "")
            if len(found) < 2:
                raise ValidationError(_("Please give at least two answers, one a line."))
            if len(found) > 30:
                raise ValidationError(_("Please give at most 30 answers."))


CASE_KINDS = {
    "complaint": _l("Complaint"),
    "suggestion": _l("Suggestion"),
    "praise": _l("Praise"),
    "enquiry": _l("Enquiry"),
}


class CaseForm(BaseForm):
    """A new case. The company is picked by its number, which the page's search fills in."""

    kind = RadioField(_l("Kind"), [InputRequired()], choices=choices(CASE_KINDS.items()), default="complaint")
    company_id = SelectField(_l("Company"), coerce=lambda v: int(v) if v else None, validate_choice=False)
    subject = StringField(_l("Subject"), [NotBlank(), Length(max=300)])
    body = TextAreaField(_l("What happened"), [Length(max=10000)])
    owner_id = SelectField(_l("Who takes care"), coerce=lambda v: int(v) if v else None)


class CaseWorkForm(BaseForm):
    """Answer and owner of a case."""

    answer = TextAreaField(_l("Our answer"), [Length(max=10000)])
    owner_id = SelectField(_l("Who takes care"), coerce=lambda v: int(v) if v else None)


class PlanForm(BaseForm):
    """How the calls of the next edition are dealt and dated, and its dates where it does not exist yet."""

    first_on = DateField(_l("First day of calls"), [InputRequired(), near_day])
    per_day = IntegerField(_l("Calls per person and working day"), [InputRequired(), NumberRange(1, 100)])
    won_back = BooleanField(_l("Also ask companies that were here in the two editions before and not in the last one"))
    starts_on = DateField(_l("Next edition: first day"), [Optional(), near_day])
    ends_on = DateField(_l("Next edition: last day"), [Optional(), near_day])


RESULT_CHOICES = (
    ("reached", _l("Reached, not decided")),
    ("interested", _l("Interested")),
    ("callback", _l("Wants to be called back")),
    ("not_reached", _l("Not reached")),
    ("refused", _l("Will not exhibit")),
)
REASON_CHOICES = (
    ("", _l("Please choose")),
    ("price", _l("Price too high")),
    ("budget", _l("No budget")),
    ("date", _l("Date does not suit")),
    ("results", _l("Results not good enough")),
    ("competitor", _l("Goes to another show")),
    ("location", _l("Venue or hall does not suit")),
    ("strategy", _l("Changed its strategy")),
    ("no_answer", _l("Cannot be reached")),
    ("closed", _l("Company closed")),
    ("other", _l("Other reason")),
)


class CallForm(BaseForm):
    """What came of a call."""

    result = RadioField(_l("What came of it"), [InputRequired()], choices=choices(RESULT_CHOICES))
    reason = SelectField(_l("Why not"), [Optional()], choices=choices(REASON_CHOICES))
    again_on = DateField(_l("Call again on"), [Optional(), near_day])
    note = TextAreaField(_l("Note"), [Length(max=4000)])

    def validate_result(self, field: RadioField) -> None:
        if field.data == "refused" and not self.reason.data:
            raise ValidationError(_("Please say why: the reasons show what to improve."))
