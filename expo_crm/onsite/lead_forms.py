"""Forms of lead capture: the exhibitor's in the portal, the organizer's rules."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from expo_crm.lib import money
from expo_crm.onsite.domain import lead_input
from expo_crm.onsite.domain.lead_input import Details
from expo_crm.onsite.domain.lead_release import FIELDS, MOST_DEVICES
from expo_crm.onsite.lead_labels import FIELD_NAMES, KINDS, STATES, TEMPERATURES
from expo_crm.onsite.models import LeadQuestion, LeadTag
from expo_crm.web.forms import BaseForm, NotBlank

NOT_RATED = "0"


class Boxes(SelectMultipleField):
    """Check boxes; a value that is not offered is refused."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class LeadForm(BaseForm):
    """What the team notes of a lead; the exhibitor's questions are added by ``lead_form``."""

    version = HiddenField()
    state = SelectField(_l("State"))
    temperature = RadioField(_l("Interest"))
    stars = RadioField(_l("Rating"))
    tags = Boxes(_l("Tags"), coerce=int)
    note = TextAreaField(_l("Note"), [Length(max=lead_input.NOTE_LIMIT)])

    questions: Sequence[LeadQuestion] = ()

    def prepare(self, tags: Sequence[LeadTag]) -> None:
        self.state.choices = [SelectChoice(v, n) for v, n in STATES]
        self.temperature.choices = [SelectChoice("", _("Not rated")), *(SelectChoice(v, n) for v, n in TEMPERATURES)]
        stars = [SelectChoice(str(n), "★" * n) for n in range(1, lead_input.MOST_STARS + 1)]
        self.stars.choices = [SelectChoice(NOT_RATED, _("Not rated")), *stars]
        self.tags.choices = [SelectChoice(t.id, t.name) for t in tags]

    def question_field(self, question: LeadQuestion) -> Field:
        return self[f"q{question.id}"]

    def details(self) -> Details:
        """What was filled in; unchanged fields too, the service finds out what is new."""
        answers = {q.id: self._answer(q) for q in self.questions}
        return Details(
            self.temperature.data or "",
            int(self.stars.data or 0),
            self.state.data,
            self.note.data or "",
            tuple(self.tags.data or ()),
            answers,
        )

    def _answer(self, question: LeadQuestion) -> Any:
        value = self.question_field(question).data
        if value in (None, "", []):
            return None
        if question.kind == "number":
            number = money.parse_decimal(str(value), maximum=None, places=6)
            return int(number) if number == number.to_integral_value() else float(number)
        return value


def lead_form(questions: Sequence[LeadQuestion], tags: Sequence[LeadTag], **kwargs: Any) -> LeadForm:
    """The form of a lead with a field for each question."""
    fields: dict[str, Any] = {f"q{q.id}": _field(q) for q in questions}
    form: LeadForm = type("LeadFormOf", (LeadForm,), fields)(**kwargs)
    form.questions = questions
    form.prepare(tags)
    return form


def _field(question: LeadQuestion) -> Any:
    needed = [InputRequired(_l("This field is required."))] if question.required else []
    if question.kind == "multi":
        return Boxes(question.text, needed, choices=[SelectChoice(o, o) for o in question.options])
    if question.kind == "single":
        blank = SelectChoice("", _l("Please choose"))
        return SelectField(question.text, needed, choices=[blank, *(SelectChoice(o, o) for o in question.options)])
    if question.kind == "number":
        return StringField(question.text, [*needed, Length(max=40), _number])
    return TextAreaField(question.text, [*needed, Length(max=lead_input.ANSWER_LIMIT)])


def _number(_form: Any, field: Field) -> None:
    if field.data in (None, ""):
        return
    try:
        value = money.parse_decimal(str(field.data), maximum=None, places=6)
    except ValueError:
        raise ValidationError(_("Please enter a number, for example 12.5.")) from None
    if abs(value) > Decimal(lead_input.BIGGEST):
        raise ValidationError(_("Please enter a number, for example 12.5."))


class LeadDeviceForm(BaseForm):
    name = StringField(_l("Who uses it"), [NotBlank(), Length(max=60)])


class TagForm(BaseForm):
    tag = StringField(_l("New tag"), [NotBlank(), Length(max=40)])


class LeadQuestionForm(BaseForm):
    """One question of an exhibitor; options are lines."""

    text = StringField(_l("Question"), [NotBlank(), Length(max=300)])
    kind = SelectField(_l("Kind of answer"))
    options = TextAreaField(_l("Answers to choose from, one per line"), [Length(max=4000)])
    required = BooleanField(_l("Must be answered"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [SelectChoice(v, n) for v, n in KINDS]


class PolicyForm(BaseForm):
    """What exhibitors receive, and with how many devices they scan."""

    released = Boxes(_l("What exhibitors see of a visitor who agreed"))
    max_devices = IntegerField(
        _l("Devices per exhibitor"),
        [InputRequired(_l("Please enter a whole number.")), NumberRange(0, MOST_DEVICES, _l("Please enter a number from 0 to 50."))],
    )
    ask = BooleanField(_l("Visitors may agree by a tap on the exhibitor's device"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.released.choices = [SelectChoice(f, FIELD_NAMES[f]) for f in FIELDS]
