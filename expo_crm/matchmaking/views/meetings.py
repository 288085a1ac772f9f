"""The list of meetings, and one meeting."""

from __future__ import annotations

import datetime as dt

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from expo_crm.directory.models import Company, Participation
from expo_crm.matchmaking.domain import meeting as rules
from expo_crm.matchmaking.forms import ScheduleForm
from expo_crm.matchmaking.models import Meeting
from expo_crm.matchmaking.services import meetings as services
from expo_crm.matchmaking.views.common import described, load_meeting, refused
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, current_principal, requires


def _pill(meeting: Meeting) -> Markup:
    return listing.pill(_(rules.STATES[meeting.state]), rules.TONES[meeting.state])


@requires(Permission.VIEW)
def meetings() -> ResponseReturnValue:
    page = listing.build(
        id="meetings",
        query=select(Meeting)
        .join(Meeting.participation)
        .join(Participation.company)
        .join(Meeting.registration)
        .where(Meeting.edition_id == g.edition.id)
        .options(
            contains_eager(Meeting.participation).contains_eager(Participation.company),
            contains_eager(Meeting.registration),
        ),
        columns=[
            listing.Column(
                "time", _("Time"), lambda m: i18n.datetime_(m.starts_at), sort=Meeting.starts_at, kind="date"
            ),
            listing.Column(
                "exhibitor", _("Exhibitor"), lambda m: i18n.bi(m.participation.company), sort=Company.sort_key
            ),
            listing.Column(
                "visitor", _("Visitor"), lambda m: m.registration.name, sort=Registration.sort_key, primary=True
            ),
            listing.Column("company", _("Visitor's company"), lambda m: m.registration.company_name, hide_on_phone=True),
            listing.Column("place", _("Place"), lambda m: m.place or m.participation.stands, hide_on_phone=True),
            listing.Column("asked", _("Asked by"), lambda m: _(rules.SIDES[m.asked_by]), sort=Meeting.asked_by),
            listing.Column(
                "created", _("Asked"), lambda m: i18n.datetime_(m.created_at), sort=Meeting.created_at, kind="date",
                hide_on_phone=True,
            ),
            listing.Column(
                "state", _("State"), lambda m: _(rules.STATES[m.state]), cell=_pill, sort=Meeting.state, kind="status"
            ),
        ],
        default_sort="created",
        default_desc=True,
        tie_break=Meeting.id.desc(),
        filters=[
            listing.Filter("state", _("State"), [(c, _(n)) for c, n in rules.STATES.items()], lambda v: Meeting.state == v),
            listing.Filter("by", _("Asked by"), [(c, _(n)) for c, n in rules.SIDES.items()], lambda v: Meeting.asked_by == v),
        ],
        search=lambda q: listing.contains(Company.search_key + " " + Registration.search_key, q),
        search_hint=_("Exhibitor, visitor or company"),
        empty=listing.Empty(
            "calendar-event",
            _("No meetings yet"),
            _("Open a visitor or an exhibitor in the matchmaking and ask for a meeting; both sides can ask too."),
            url_for("matchmaking.overview"),
            _("Open the matchmaking"),
        ),
        row_url=lambda m: url_for("matchmaking.meeting", meeting_id=m.id),
    )  # fmt: skip
    return render_template("matchmaking/meetings.html", listing=page)


@requires(Permission.VIEW)
def meeting(meeting_id: int) -> ResponseReturnValue:
    return _page(load_meeting(meeting_id))


def _page(found: Meeting, form: ScheduleForm | None = None) -> ResponseReturnValue:
    may = current_principal().can(Permission.MATCH)
    changes = rules.CHANGES.get(found.state, frozenset())
    if form is None and may and "scheduled" in changes:
        form = ScheduleForm(services.free_slots(found), formdata=None, place=found.place or found.participation.stands)
    page = render_template("matchmaking/meeting.html", **described(found), may_match=may, changes=changes, form=form)
    return page, 422 if form is not None and form.errors else 200


@requires(Permission.MATCH)
def answer_for(meeting_id: int) -> ResponseReturnValue:
    """The organizer answers by telephone for the side that was asked."""
    found = load_meeting(meeting_id)
    answer = request.form.get("answer")
    if answer not in ("yes", "no"):
        abort(422)
    try:
        services.answer(found, accept=answer == "yes", side="staff")
    except services.MeetingError as error:
        raise refused(error) from None
    return _back(found)


@requires(Permission.MATCH)
def schedule(meeting_id: int) -> ResponseReturnValue:
    found = load_meeting(meeting_id)
    form = ScheduleForm(services.free_slots(found))
    if not form.validate_on_submit():
        return _page(found, form)
    try:
        services.schedule(found, dt.datetime.fromisoformat(form.starts_at.data), place=form.place.data or "")
    except services.MeetingError as error:
        raise refused(error) from None
    return _back(found)


@requires(Permission.MATCH)
def outcome(meeting_id: int) -> ResponseReturnValue:
    """Held, no-show with its side, or called off."""
    found = load_meeting(meeting_id)
    state, side = request.form.get("state", ""), request.form.get("side", "")
    if state not in ("held", "no_show", "cancelled"):
        abort(422)
    try:
        if state == "cancelled":
            services.cancel(found, side="staff")
        else:
            services.mark(found, state, side=side)
    except services.MeetingError as error:
        raise refused(error) from None
    return _back(found)


def _back(found: Meeting) -> ResponseReturnValue:
    flash(_("Saved."), "success")
    return redirect(url_for("matchmaking.meeting", meeting_id=found.id))
