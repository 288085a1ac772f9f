"""Forms of gates and their devices."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, ValidationError, widgets
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Regexp

from expo_crm.onsite.services import gates
from expo_crm.web.forms import BaseForm, NotBlank
from expo_crm.web.i18n import bi

DIRECTIONS = {"entry": _l("Entry only"), "exit": _l("Exit only"), "both": _l("Entry and exit")}
PASSBACKS = {
    "off": _l("Off: every entry is let in, and logged"),
    "soft": _l("Soft: a badge that is already inside is let in with a warning"),
    "hard": _l("Hard: a badge that is already inside is refused until it has left"),
    "timed": _l("Timed: the same badge has to wait before it enters again"),
}
PROFILES = {
    "gate": _l("Attended gate: a person holds the device"),
    "gate_kiosk": _l("Self-service gate: visitors hold their badge to the device"),
}
PROFILE_NAMES = {
    "gate": _l("Attended gate"),
    "gate_kiosk": _l("Self-service gate"),
    "lead": _l("Lead capture"),
    "badge_print": _l("Badge printing"),
}
WHOLE_SHOW = "show"


def _choices(labels: dict[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class GateForm(BaseForm):
    code = StringField(
        _l("Code"),
        [
            NotBlank(),
            Length(max=20),
            Regexp(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", message=_l("Please use letters, digits, dots and hyphens only.")),
        ],
        description=_l("Short and unique, as it stands on the door: N1"),
    )
    name_zh = StringField(_l("Name in Chinese"), [NotBlank(), Length(max=100)])
    name_en = StringField(_l("Name in English"), [NotBlank(), Length(max=100)])
    hall = SelectField(_l("Leads into"))
    direction = SelectField(_l("Direction"), choices=_choices(DIRECTIONS))
    classes = SelectMultipleField(
        _l("Who may enter here"),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
        description=_l("Tick none to admit every badge class."),
    )
    any_time = BooleanField(
        _l("Open at any time"),
        description=_l(
            "Days and opening hours are not checked: for build-up, a door for exhibitors, or a rehearsal. "
            "Other gates admit visitors on opening days only."
        ),
    )

    def prepare(self, edition: Any, halls: list[Any], classes: list[Any], gate: Any = None) -> None:
        """Fill the choices, and say which edition and gate this is about."""
        self._edition, self._gate = edition, gate
        self._halls = {str(hall.id): hall for hall in halls}
        whole = [SelectChoice(WHOLE_SHOW, _("The whole show"))]
        self.hall.choices = whole + [SelectChoice(str(h.id), f"{h.code} · {bi(h)}") for h in halls]
        self.classes.choices = [SelectChoice(c.code, bi(c)) for c in classes]

    @property
    def zone(self) -> str:
        hall = self._halls.get(self.hall.data or "")
        return hall.code if hall else WHOLE_SHOW

    def fields(self) -> dict[str, Any]:
        """What the gate services take."""
        hall = self._halls.get(self.hall.data or "")
        return {
            "code": self.code.data,
            "name_zh": self.name_zh.data,
            "name_en": self.name_en.data,
            "hall_id": hall.id if hall else None,
            "zone": self.zone,
            "direction": self.direction.data,
            "classes": list(self.classes.data or []),
            "any_time": bool(self.any_time.data),
        }

    def validate_code(self, field: StringField) -> None:
        if gates.is_code_taken(self._edition.id, field.data, except_id=self._gate.id if self._gate else None):
            raise ValidationError(_("Another gate has this code."))


class DeviceForm(BaseForm):
    name = StringField(_l("Name of the device"), [NotBlank(), Length(max=60)], description=_l("As it is labelled: iPad 3"))
    profile = SelectField(_l("Use"), choices=_choices(PROFILES), default="gate")
