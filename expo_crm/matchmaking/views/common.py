"""What the pages of this package share."""

from __future__ import annotations

from typing import Any

from flask import abort, g
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.matchmaking import queries
from expo_crm.matchmaking.domain.meeting import SIDES, STATES, TONES
from expo_crm.matchmaking.models import Meeting
from expo_crm.matchmaking.services import matches
from expo_crm.matchmaking.services.meetings import MeetingError
from expo_crm.visitors.models import Registration
from expo_crm.web.errors import Refused


def load_participation(participation_id: int) -> Participation:
    found = queries.find_participation(g.edition.id, participation_id)
    if found is None:
        abort(404)
    return found


def load_registration(registration_id: int) -> Registration:
    found = queries.find_registration(g.edition.id, registration_id)
    if found is None:
        abort(404)
    return found


def load_meeting(meeting_id: int) -> Meeting:
    found = queries.find_meeting(g.edition.id, meeting_id)
    if found is None:
        abort(404)
    return found


def refused(error: MeetingError) -> Refused:
    """The refusal in the user's words."""
    said = {
        "open": _("These two already have a meeting under way."),
        "visitor": _("This visitor's registration is not open."),
        "exhibitor": _("This company does not exhibit in this edition any more."),
        "state": _("This is not possible any more: the meeting has moved on. Reload the page and look again."),
        "side": _("The other side has to answer."),
        "clash-visitor": _("The visitor has another meeting at that time."),
        "clash-exhibitor": _("The exhibitor has another meeting at that time."),
        "outside": _("That time is outside the opening hours."),
    }
    return Refused(said.get(error.code, _("This is not possible.")), 409)


def described(meeting: Meeting) -> dict[str, Any]:
    """A meeting for templates: state in words, reasons as chips."""
    return {
        "meeting": meeting,
        "state": _(STATES[meeting.state]),
        "tone": TONES[meeting.state],
        "asked_by": _(SIDES[meeting.asked_by]),
        "reasons": [matches.shown(r) for r in meeting.reasons if isinstance(r, dict)],
    }
