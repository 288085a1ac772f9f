"""/portal/…/meetings: what visitors ask of an exhibitor, and the exhibitor's answer."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.exhibitors.portal_frame import enter
from expo_crm.matchmaking import queries
from expo_crm.matchmaking.services import meetings as services
from expo_crm.matchmaking.services.meetings import MeetingError
from expo_crm.matchmaking.views.common import described, refused
from expo_crm.web.policy import exhibitor

UNDER_WAY = {"accepted", "scheduled"}


@exhibitor()
def meetings(participation_id: int) -> ResponseReturnValue:
    """Requests to answer first, then what is agreed, then the rest."""
    here = enter(participation_id)
    found = [described(m) for m in queries.list_meetings_of_participation(here.id)]
    waiting = [d for d in found if d["meeting"].state == "requested" and d["meeting"].asked_by != "exhibitor"]
    agreed = [d for d in found if d["meeting"].state in UNDER_WAY]
    others = [d for d in found if d not in waiting and d not in agreed]
    return render_template("matchmaking/portal_meetings.html", here=here, waiting=waiting, agreed=agreed, others=others)


@exhibitor()
def answer(participation_id: int, meeting_id: int) -> ResponseReturnValue:
    """Accept or decline as the exhibitor."""
    here = enter(participation_id)
    found = queries.find_meeting(here.edition_id, meeting_id)
    if found is None or found.participation_id != here.id:
        abort(404)
    wanted = request.form.get("answer", "")
    if wanted not in {"accept", "decline"}:
        abort(422)
    try:
        services.answer(found, accept=wanted == "accept", side="exhibitor", reply=request.form.get("reply", ""))
    except MeetingError as error:
        raise refused(error) from None
    flash(_("Your answer is on its way to the visitor."), "success")
    return redirect(url_for("matchmaking.portal_meetings", participation_id=here.id))
