"""/e/<edition>/events/<id>/check-in: the door of an event. A scanner that types, a camera, or a search by name."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, abort, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.lib import clock
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.domain import events as rules
from expo_crm.onsite.domain.events import Outcome
from expo_crm.onsite.models import ConcurrentEvent
from expo_crm.onsite.services import event_checkin, event_mails
from expo_crm.onsite.services.event_checkin import Answer, CheckinError
from expo_crm.onsite.views.events import load, load_registration
from expo_crm.web import security
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

# outcome → (tone of the screen and of the sound, title, what to do)
SIGNS: dict[Outcome, tuple[str, Any, Any]] = {
    Outcome.ADMITTED: ("admit", _l("Let in"), _l("Booked.")),
    Outcome.FROM_WAITING: ("admit", _l("Let in"), _l("From the waiting list.")),
    Outcome.WALK_IN: ("admit", _l("Let in"), _l("Walk-in.")),
    Outcome.ALREADY_IN: ("warn", _l("Already in"), _l("This badge was let in before.")),
    Outcome.ASK_WAITING: ("warn", _l("On the waiting list"), _l("A place is free. Let this person in?")),
    Outcome.ASK_WALK_IN: ("warn", _l("Not booked"), _l("A place is free. Let this person in?")),
    Outcome.WAITING: ("deny", _l("On the waiting list"), _l("No place is free yet.")),
    Outcome.FULL: ("deny", _l("Full"), _l("All places are taken.")),
    Outcome.NOT_BOOKED: ("deny", _l("Not booked"), _l("This event is for people with a booking only.")),
    Outcome.TOO_EARLY: ("deny", _l("Not open yet"), _l("Check-in has not begun.")),
    Outcome.TOO_LATE: ("deny", _l("Check-in closed"), _l("Check-in is over.")),
    Outcome.CALLED_OFF: ("deny", _l("Called off"), _l("This event does not take place.")),
    Outcome.NOT_PUBLISHED: ("deny", _l("Not published"), _l("Publish the event first.")),
    Outcome.WRONG_CLASS: ("deny", _l("Other visitor class"), _l("This event is for other visitor classes.")),
    Outcome.WRONG_SHOW: ("deny", _l("Badge of another show"), _l("Please send the visitor to the registration desk.")),
    Outcome.NO_REGISTRATION: ("deny", _l("Stand staff"), _l("This badge has no registration; register the person as a visitor first.")),
    Outcome.NOT_APPROVED: ("deny", _l("Not approved"), _l("Please send the visitor to the registration desk.")),
    Outcome.UNREADABLE: ("deny", _l("Not a badge"), _l("This is no code of ours, or it is damaged. Try again or search by name.")),
    Outcome.NOT_GENUINE: ("deny", _l("Not genuine"), _l("The signature of this code is wrong.")),
    Outcome.UNKNOWN: ("deny", _l("Unknown badge"), _l("Please send the visitor to the registration desk.")),
    Outcome.REPLACED: ("deny", _l("Old print"), _l("A newer badge was printed for this person.")),
    Outcome.BLOCKED: ("deny", _l("Badge blocked"), _l("Please send the visitor to the registration desk.")),
    Outcome.UNDONE: ("warn", _l("Annulled"), _l("A check-in was taken back.")),
}  # fmt: skip


@requires(Permission.REGISTRATION)
def door(event_id: int) -> ResponseReturnValue:
    return _page(load(event_id), None)


@requires(Permission.REGISTRATION)
def check_in(event_id: int) -> ResponseReturnValue:
    """One reading: a code, or a registration found by name. A fragment for the script, the whole page without it."""
    found = load(event_id)
    code = request.form.get("code", "")[:4096]
    registration = None if code else load_registration()
    try:
        answer = event_checkin.check_in(
            found,
            user_id=current_principal().id or 0,
            client_uuid=request.form.get("client_uuid", ""),
            code=code,
            registration=registration,
            agreed=request.form.get("agreed") == "1",
        )
    except CheckinError as error:
        if error.code == "uuid":
            abort(422)
        raise Refused(_("This reading was sent before with another content. Reload the page."), 422) from None
    if request.headers.get("HX-Request"):
        return render_template("onsite/event_door_answer.html", **_answer(found, answer, code))
    return _page(found, answer, code)


def _answer(found: ConcurrentEvent, answer: Answer | None, code: str = "") -> dict[str, Any]:
    now = clock.now()
    window = rules.window(found.starts_at, found.ends_at, found.checkin_before, found.checkin_after)
    places = queries.places_of_one(found, now)
    return {
        "event": found,
        "answer": answer,
        "sign": SIGNS[answer.outcome] if answer else None,
        "code": code,
        "places": places,
        "free": places.free_at_door(now >= found.starts_at),
        "started": now >= found.starts_at,
        "log": [(row, who, SIGNS[Outcome(row.outcome)]) for row, who in queries.list_checkins(found.id)],
        "window": window,
        "open": window.opens_at <= now <= window.closes_at,
        "opens": event_mails.moment(window.opens_at, g.edition),
        "closes": event_mails.moment(window.closes_at, g.edition),
        "early": now < window.opens_at,
        "new_uuid": lambda: str(uuid.uuid4()),
    }


def _page(found: ConcurrentEvent, answer: Answer | None, code: str = "") -> Response:
    response = make_response(
        render_template(
            "onsite/event_door.html",
            when=event_mails.span(found.starts_at, found.ends_at, g.edition),
            place=event_mails.place(found),
            **_answer(found, answer, code),
        )
    )
    return security.allow_camera(response)
