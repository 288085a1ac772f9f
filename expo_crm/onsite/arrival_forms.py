"""The form of the arrival desk."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField, ValidationError
from wtforms.validators import Length, NumberRange, Optional

from expo_crm.lib import phones
from expo_crm.web.forms import BaseForm


class ArrivalForm(BaseForm):
    person_name = StringField(_l("Who came"), [Length(max=100)])
    person_phone = StringField(
        _l("Mobile phone on site"), [Length(max=60)], description=_l("For questions during build-up and show days.")
    )
    badges_handed = IntegerField(_l("Stand badges handed out"), [Optional(), NumberRange(0, 500)], default=0)
    note = StringField(_l("Note"), [Length(max=300)])

    def validate_person_phone(self, field: Any) -> None:
        if field.data and phones.parse_phone(field.data, "CN").problem:
            raise ValidationError(
                _("This number cannot be dialled. Please check it, with country code if it is not local.")
            )

    def fields(self) -> dict[str, Any]:
        """What the services take."""
        return {
            "person_name": self.person_name.data or "",
            "person_phone": phones.to_e164(self.person_phone.data or "", "CN") or "",
            "badges_handed": self.badges_handed.data or 0,
            "note": self.note.data or "",
        }
