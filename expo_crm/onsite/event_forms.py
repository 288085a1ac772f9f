"""Forms of concurrent events. Times are typed and shown on the venue's clocks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from expo_crm.lib import clock, text
from expo_crm.onsite.domain.events import MAX_CAPACITY, MAX_OFFER_HOURS
from expo_crm.web.forms import BaseForm
from expo_crm.web.i18n import bi

_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
COPIED = (
    "title_zh", "title_en", "text_zh", "text_en", "room_zh", "room_en", "speakers_zh", "speakers_en", "capacity", "classes",
    "checkin_before", "checkin_after", "walk_in", "offer_hours",
)  # fmt: skip


class EventForm(BaseForm):
    title_zh = StringField(_l("Title in Chinese"), [Length(max=200)])
    title_en = StringField(_l("Title in English"), [Length(max=200)])
    text_zh = TextAreaField(_l("Description in Chinese"), [Length(max=5000)])
    text_en = TextAreaField(_l("Description in English"), [Length(max=5000)])
    speakers_zh = TextAreaField(_l("Speakers in Chinese"), [Length(max=2000)])
    speakers_en = TextAreaField(_l("Speakers in English"), [Length(max=2000)])
    starts_at = DateTimeLocalField(_l("Begins"), [InputRequired()], format=_FORMATS)
    ends_at = DateTimeLocalField(_l("Ends"), [InputRequired()], format=_FORMATS)
    hall = SelectField(_l("Hall"))
    room_zh = StringField(_l("Room in Chinese"), [Length(max=100)])
    room_en = StringField(_l("Room in English"), [Length(max=100)])
    capacity = IntegerField(_l("Places"), [InputRequired(), NumberRange(1, MAX_CAPACITY)])
    classes = SelectMultipleField(
        _l("Who may book"),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
        description=_l("Tick none to let every visitor class book."),
    )
    offer_hours = IntegerField(
        _l("Hours to accept a place from the waiting list"),
        [Optional(), NumberRange(0, MAX_OFFER_HOURS)],
        default=0,
        description=_l("0: who moves up has the place at once and gets a mail."),
    )
    checkin_before = IntegerField(
        _l("Check-in opens, minutes before the start"), [InputRequired(), NumberRange(0, 480)], default=30
    )
    checkin_after = IntegerField(
        _l("Check-in closes, minutes after the start"), [InputRequired(), NumberRange(0, 600)], default=45
    )
    walk_in = BooleanField(
        _l("Walk-ins"), default=True, description=_l("Visitors without a booking may be let in while places are free.")
    )

    def prepare(self, edition: Any, halls: list[Any], classes: list[Any], event: Any = None) -> None:
        """Fill the choices and, when the form is opened, the event's own values."""
        self._edition = edition
        self.hall.choices = [SelectChoice("", _("No hall"))] + [
            SelectChoice(str(h.id), f"{h.code} · {bi(h)}") for h in halls
        ]
        self.classes.choices = [SelectChoice(c.code, bi(c)) for c in classes]
        if event is None or self.is_submitted():
            return
        for name in COPIED:
            self[name].data = getattr(event, name)
        self.hall.data = str(event.hall_id or "")
        self.starts_at.data = clock.to_local(event.starts_at, edition.timezone).replace(tzinfo=None)
        self.ends_at.data = clock.to_local(event.ends_at, edition.timezone).replace(tzinfo=None)

    def fields(self) -> dict[str, Any]:
        """What the services take."""
        out = {name: self[name].data for name in COPIED}
        out["classes"] = list(out["classes"] or [])
        out["offer_hours"] = out["offer_hours"] or 0
        out["hall_id"] = int(self.hall.data) if self.hall.data else None
        out["starts_at"], out["ends_at"] = self._moment(self.starts_at), self._moment(self.ends_at)
        return out

    def _moment(self, field: Any) -> dt.datetime:
        typed: dt.datetime = field.data
        return typed.replace(tzinfo=self._edition.zone).astimezone(dt.UTC)

    def validate_title_zh(self, field: StringField) -> None:
        if text.is_blank(field.data) and text.is_blank(self.title_en.data):
            raise ValidationError(_("Please give a title in one language at least."))

    def validate_starts_at(self, field: DateTimeLocalField) -> None:
        if field.data is None:
            return
        first, last = self._edition.starts_on, self._edition.ends_on
        margin = dt.timedelta(days=14)
        if not first - margin <= field.data.date() <= last + margin:
            raise ValidationError(_("The event must be within two weeks of the show days."))

    def validate_ends_at(self, field: DateTimeLocalField) -> None:
        if field.data is None or self.starts_at.data is None:
            return
        if not self.starts_at.data < field.data <= self.starts_at.data + dt.timedelta(days=2):
            raise ValidationError(_("The end must be after the start, at most two days later."))
