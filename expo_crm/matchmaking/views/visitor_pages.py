"""What visitors do themselves: suggestions on their own page, asking, answering."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.matchmaking import queries
from expo_crm.matchmaking.domain.meeting import OPEN, may_answer
from expo_crm.matchmaking.forms import AnswerForm
from expo_crm.matchmaking.models import Meeting
from expo_crm.matchmaking.services import matches, meetings
from expo_crm.matchmaking.views.common import described, refused
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import Registration
from expo_crm.web.policy import public

LIVE = {"approved", "submitted"}


def _load(token: str) -> Registration:
    found = visitors.find_by_token(token)
    if found is None:
        abort(404)
    g.edition = found.edition
    return found


@public()
def panel(token: str) -> ResponseReturnValue:
    """Suggestions and meetings; a fragment for htmx, a page without scripts."""
    found = _load(token)
    mine = queries.list_meetings_of_registration(found.id)
    open_with = {m.participation_id for m in mine if m.state in OPEN}
    suggestions = matches.best_exhibitors(found.edition, found, 10) if found.state in LIVE else []
    name = "matchmaking/_visitor_panel.html" if request.headers.get("HX-Request") else "matchmaking/visitor_page.html"
    return render_template(
        name,
        token=token,
        registration=found,
        suggestions=[s for s in suggestions if s.subject.id not in open_with],
        meetings=[
            described(m) | {"may_answer": m.state == "requested" and may_answer(m.asked_by, "visitor")} for m in mine
        ],
        open_states=OPEN,
    )


@public()
def ask(token: str) -> ResponseReturnValue:
    found = _load(token)
    wanted = request.form.get("participation_id", "")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 12):
        abort(422)
    participation = queries.find_participation(found.edition_id, int(wanted))
    if participation is None or participation.role not in queries.EXHIBITING:
        abort(404)
    reasons = matches.reasons_of(found.edition, participation, found)
    try:
        meetings.ask(
            participation, found, by="visitor", message=request.form.get("message", "")[:2000], reasons=reasons
        )
    except meetings.MeetingError as error:
        raise refused(error) from None
    flash(_("The exhibitor is asked. You get a mail when it answers."), "success")
    return redirect(url_for("visitors.ticket", token=token))


@public()
def answer_own(token: str, meeting_id: int) -> ResponseReturnValue:
    """Accept, decline or call off from the visitor's own page."""
    found = _load(token)
    meeting = next((m for m in queries.list_meetings_of_registration(found.id) if m.id == meeting_id), None)
    if meeting is None:
        abort(404)
    choice = request.form.get("answer")
    if choice not in ("yes", "no", "cancel"):
        abort(422)
    try:
        if choice == "cancel":
            meetings.cancel(meeting, side="visitor")
        else:
            meetings.answer(meeting, accept=choice == "yes", side="visitor")
    except meetings.MeetingError as error:
        raise refused(error) from None
    flash(_("Your answer is stored."), "success")
    return redirect(url_for("visitors.ticket", token=token))


def _by_link(token: str) -> Meeting:
    found = queries.find_meeting_by_token(token)
    if found is None or found.asked_by == "visitor":
        abort(404)
    g.edition = found.edition
    return found


@public()
def answer(token: str) -> ResponseReturnValue:
    """The link in the mail: looking answers nothing, only the button does."""
    found = _by_link(token)
    form = AnswerForm()
    if form.validate_on_submit():
        choice = request.form.get("answer")
        if choice not in ("yes", "no"):
            abort(422)
        try:
            meetings.answer(found, accept=choice == "yes", side="visitor", reply=form.reply.data or "")
        except meetings.MeetingError as error:
            raise refused(error) from None
        flash(_("Thank you. The other side gets your answer by mail."), "success")
        return redirect(url_for("matchmaking.answer", token=token))
    page = render_template("matchmaking/answer.html", form=form, token=token, **described(found))
    return page, 422 if form.is_submitted() else 200
