"""Forms of gates and their devices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from expo_crm.onsite.services import gates
from expo_crm.onsite.services import zones as zone_services
from expo_crm.web.forms import BaseForm, NotBlank
from expo_crm.web.i18n import bi

DIRECTIONS = {"entry": _l("Entry only"), "exit": _l("Exit only"), "both": _l("Entry and exit")}
PASSBACKS = {
    "off": _l("Off: every entry is let in, and logged"),
    "soft": _l("Soft: a badge that is already inside is let in with a warning"),
    "hard": _l("Hard: a badge that is already inside is refused until it has left"),
    "timed": _l("Timed: the same badge has to wait before it enters again"),
    "once": _l("Once: one entry in each period"),
}
# What becomes of each rule on a device without a network: it refuses by its own scans, and warns of what it heard of other doors.
FALLBACKS = {
    "off": _l("Without a network: the same."),
    "soft": _l("Without a network: each device warns of what it has read itself or heard of other doors before."),
    "hard": _l(
        "Without a network: each device refuses what it has read itself and warns of what it heard of other doors before. Two "
        "devices can both admit a badge; that is shown under To settle as soon as they are online."
    ),
    "timed": _l("Without a network: each device counts the minutes of what it has read itself."),
    "once": _l(
        "Without a network: one entry on each device, with a warning where another door was heard of. Two devices can both "
        "admit a badge; that is shown under To settle as soon as they are online."
    ),
}
PERIODS = {"day": _l("Every day anew"), "show": _l("Once for the whole show")}
WITHOUT_EXIT = ("off", "timed", "once")  # what makes sense where nobody is read on the way out
PROFILES = {
    "gate": _l("Attended gate: a person holds the device"),
    "gate_kiosk": _l("Self-service gate: visitors hold their badge to the device"),
    "kiosk": _l("Kiosk: visitors scan their ticket and print their badge"),
    "badge_print": _l("Badge printing at the desk"),
}
PROFILE_NAMES = {
    "gate": _l("Attended gate"),
    "gate_kiosk": _l("Self-service gate"),
    "kiosk": _l("Kiosk"),
    "lead": _l("Lead capture"),
    "badge_print": _l("Badge printing"),
    "office": _l("Office"),
}
WHOLE_SHOW = "show"
CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _choices(labels: dict[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class GateForm(BaseForm):
    code = StringField(
        _l("Code"),
        [
            NotBlank(),
            Length(max=20),
            Regexp(CODE, message=_l("Please use letters, digits, dots and hyphens only.")),
        ],
        description=_l("Short and unique, as it stands on the door: N1"),
    )
    name_zh = StringField(_l("Name in Chinese"), [NotBlank(), Length(max=100)])
    name_en = StringField(_l("Name in English"), [NotBlank(), Length(max=100)])
    zone = SelectField(_l("Leads into"), description=_l("The zone behind the door says who may enter and when."))
    direction = SelectField(_l("Direction"), choices=_choices(DIRECTIONS))
    classes = SelectMultipleField(
        _l("Only these classes at this door"),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
        description=_l("Tick none to admit everybody whom the zone admits."),
    )
    any_time = BooleanField(
        _l("Open at any time"),
        description=_l(
            "Days and opening hours are not checked: for build-up, a door for exhibitors, or a rehearsal. "
            "Other gates admit visitors on opening days only."
        ),
    )

    def prepare(self, edition: Any, zones: list[Any], halls: list[Any], classes: list[Any], gate: Any = None) -> None:
        """Fill the choices, and say which edition and gate this is about. A hall becomes a zone with its first gate."""
        self._edition, self._gate = edition, gate
        known = {zone.code: zone for zone in zones}
        new = {hall.code: hall for hall in halls if hall.code not in known}
        self._halls = {code: zone.hall_id for code, zone in known.items()} | {c: h.id for c, h in new.items()}
        whole = [] if WHOLE_SHOW in known else [SelectChoice(WHOLE_SHOW, _("The whole show"))]
        self.zone.choices = (
            whole
            + [SelectChoice(code, _zone_label(zone)) for code, zone in known.items()]
            + [SelectChoice(code, f"{code} · {bi(hall)}") for code, hall in new.items()]
        )
        self.classes.choices = [SelectChoice(c.code, bi(c)) for c in classes]

    def fields(self) -> dict[str, Any]:
        """What the gate services take."""
        return {
            "code": self.code.data,
            "name_zh": self.name_zh.data,
            "name_en": self.name_en.data,
            "hall_id": self._halls.get(self.zone.data),
            "zone": self.zone.data,
            "direction": self.direction.data,
            "classes": list(self.classes.data or []),
            "any_time": bool(self.any_time.data),
        }

    def validate_code(self, field: StringField) -> None:
        if gates.is_code_taken(self._edition.id, field.data, except_id=self._gate.id if self._gate else None):
            raise ValidationError(_("Another gate has this code."))

    def validate_direction(self, field: SelectField) -> None:
        """The last way out of a zone whose rule needs one may not go."""
        zone = zone_services.find_zone(self._edition.id, self.zone.data or "")
        if zone is None or zone.anti_passback != "hard" or field.data != "entry":
            return
        if not gates.has_exit(self._edition.id, zone.code, except_id=self._gate.id if self._gate else None):
            raise ValidationError(
                _("No gate reads badges on the way out here, so nobody could enter a second time. Choose another rule.")
            )


def _zone_label(zone: Any) -> str:
    return bi(zone) if zone.code == WHOLE_SHOW else f"{zone.code} · {bi(zone)}"


class ZoneForm(BaseForm):
    """A zone with its rules. Its code stays as it was made."""

    code = StringField(
        _l("Code"),
        [NotBlank(), Length(max=20), Regexp(CODE, message=_l("Please use letters, digits, dots and hyphens only."))],
        description=_l("Short and unique. It cannot be changed later."),
    )
    name_zh = StringField(_l("Name in Chinese"), [NotBlank(), Length(max=100)])
    name_en = StringField(_l("Name in English"), [NotBlank(), Length(max=100)])
    hall = SelectField(_l("Hall"))
    capacity = IntegerField(
        _l("Capacity"),
        [Optional(), NumberRange(min=1, max=1_000_000)],
        description=_l("Most people at the same time. Empty takes that of the hall; nobody is refused without one."),
    )
    alarm_percent = IntegerField(
        _l("Warn at percent of the capacity"), [InputRequired(), NumberRange(min=1, max=100)], default=90
    )
    anti_passback = SelectField(_l("The same badge again"), default="soft")
    cooldown_minutes = IntegerField(
        _l("Minutes to wait"), [Optional(), NumberRange(min=1, max=1440)], description=_l("Only for the timed rule.")
    )
    period = SelectField(_l("The rule holds"), choices=_choices(PERIODS), default="day")
    restricted = BooleanField(
        _l("Restricted zone"),
        description=_l("A device without a network whose list of badges is too old admits nobody here."),
    )
    stale_hours = IntegerField(
        _l("Too old after hours"), [Optional(), NumberRange(min=1, max=72)], default=4
    )
    auto_exit = BooleanField(
        _l("Everybody counts as gone at closing"),
        default=True,
        description=_l("Logged for each badge that was not read on the way out."),
    )
    resets_at = TimeField(
        _l("Closing of the zone"), [Optional()], description=_l("Venue time. Empty: at the end of the opening hours.")
    )

    def prepare(self, edition: Any, halls: list[Any], zone: Any = None) -> None:
        """Fill the choices with what makes sense: without a reader on the way out nobody is known to have left."""
        self._edition, self._zone = edition, zone
        self.hall.choices = [SelectChoice("", _("No hall"))] + [SelectChoice(str(h.id), f"{h.code} · {bi(h)}") for h in halls]
        code = zone.code if zone else ""
        self.has_exit = bool(zone) and gates.has_exit(edition.id, code)
        now = zone.anti_passback if zone else ""
        offered = PASSBACKS if self.has_exit else {k: v for k, v in PASSBACKS.items() if k in WITHOUT_EXIT or k == now}
        self.anti_passback.choices = _choices(offered)
        if not zone and not self.is_submitted():
            self.anti_passback.data = "once"
        if zone:
            del self.code
        if code == WHOLE_SHOW:
            del self.period  # visitors are counted per day at the doors of the show
            del self.hall

    def fields(self) -> dict[str, Any]:
        """What the zone services take."""
        timed = self.anti_passback.data == "timed"
        out = {
            "name_zh": self.name_zh.data,
            "name_en": self.name_en.data,
            "capacity": self.capacity.data,
            "alarm_percent": self.alarm_percent.data,
            "anti_passback": self.anti_passback.data,
            "cooldown_minutes": (self.cooldown_minutes.data or 0) if timed else 0,
            "restricted": bool(self.restricted.data),
            "stale_hours": self.stale_hours.data or 4,
            "auto_exit": bool(self.auto_exit.data),
            "resets_at": self.resets_at.data,
        }
        if "period" in self:
            out["period"] = self.period.data
        if "hall" in self:
            out["hall_id"] = int(self.hall.data) if self.hall.data else None
        return out

    def validate_code(self, field: StringField) -> None:
        if zone_services.find_zone(self._edition.id, field.data or "") is not None:
            raise ValidationError(_("Another zone has this code."))

    def validate_anti_passback(self, field: SelectField) -> None:
        if field.data == "timed" and not self.cooldown_minutes.data:
            raise ValidationError(_("Please say how many minutes the same badge has to wait."))
        if field.data == "hard" and not self.has_exit:
            raise ValidationError(
                _("No gate reads badges on the way out here, so nobody could enter a second time. Choose another rule.")
            )


class WindowForm(BaseForm):
    """A time during which a class may enter a zone."""

    class_code = SelectField(_l("Class"))
    day = SelectField(_l("Day"))
    opens_at = TimeField(_l("Open from"), [InputRequired()])
    closes_at = TimeField(_l("Closes at"), [InputRequired()])

    def prepare(self, edition: Any, classes: list[Any], day_label: Any) -> None:
        """The days of the edition, a week of build-up before and three days of dismantling after it."""
        self.class_code.choices = [SelectChoice("", _("Every class"))] + [SelectChoice(c.code, bi(c)) for c in classes]
        first = edition.starts_on - dt.timedelta(days=7)
        count = (edition.ends_on - first).days + 4
        days = [first + dt.timedelta(days=n) for n in range(count)]
        self.day.choices = [SelectChoice("", _("Every opening day"))] + [
            SelectChoice(d.isoformat(), day_label(d)) for d in days
        ]

    def validate_closes_at(self, field: TimeField) -> None:
        closes, opens = field.data, self.opens_at.data
        if closes is not None and opens is not None and closes <= opens and closes != dt.time(0):
            raise ValidationError(_("The end is before the beginning. 00:00 means midnight."))


class DeviceForm(BaseForm):
    name = StringField(_l("Name of the device"), [NotBlank(), Length(max=60)], description=_l("As it is labelled: iPad 3"))
    profile = SelectField(_l("Use"), choices=_choices(PROFILES), default="gate")
