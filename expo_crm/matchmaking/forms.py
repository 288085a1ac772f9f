"""Forms of the matchmaking pages."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from expo_crm.matchmaking.domain.meeting import Slot
from expo_crm.web.forms import BaseForm
from expo_crm.web.i18n import datetime_, time_


class ScheduleForm(BaseForm):
    """One of the slots in which both have time, and where they meet."""

    starts_at = SelectField(_l("Time"))
    place = StringField(_l("Place"), [Length(max=200)])

    def __init__(self, slots: list[Slot], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.starts_at.choices = [
            SelectChoice(s.starts_at.isoformat(), f"{datetime_(s.starts_at)}–{time_(s.ends_at)}") for s in slots
        ]


class AnswerForm(BaseForm):
    reply = TextAreaField(_l("Your reply"), [Length(max=1000)])
