"""/e/<edition>/events: the programme beside the exhibition: fill levels, planning, who has booked, attendance."""

from __future__ import annotations

import itertools
import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from expo_crm.audit import services as audit
from expo_crm.lib import clock, text
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.domain.events import Places, Refusal
from expo_crm.onsite.event_forms import EventForm
from expo_crm.onsite.models import ConcurrentEvent, EventBooking
from expo_crm.onsite.services import event_checkin, event_mails, events
from expo_crm.onsite.services.events import EventError
from expo_crm.shows import queries as shows
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

STATES = {"draft": _l("Draft"), "published": _l("Published"), "cancelled": _l("Called off")}
TONES = {"draft": "neutral", "published": "success", "cancelled": "danger"}
BOOKING_STATES = {
    "booked": _l("Booked"),
    "waiting": _l("On the waiting list"),
    "attended": _l("Has attended"),
    "cancelled": _l("Cancelled"),
}
BOOKING_TONES = {"booked": "info", "waiting": "warning", "attended": "success", "cancelled": "neutral"}
SOURCES = {"visitor": _l("Visitor"), "staff": _l("Staff"), "walk_in": _l("Walk-in")}
WORDS = {
    Refusal.NOT_PUBLISHED: _l("This event is not open for booking."),
    Refusal.CALLED_OFF: _l("This event does not take place."),
    Refusal.OVER: _l("This event is over."),
    Refusal.NOT_APPROVED: _l("Only approved registrations can book."),
    Refusal.WRONG_CLASS: _l("This event is for other visitor classes."),
    Refusal.ATTENDED: _l("Who has been let in cannot be cancelled; take the check-in back first."),
    Refusal.NO_OFFER: _l("This offer is no longer open; the place went to the next person."),
    Refusal.OTHER_EDITION: _l("This event belongs to another edition."),
    "state": _l("This was changed by somebody else at the same moment. Reload the page and look again."),
    "has_bookings": _l("Somebody has booked this event; call it off instead."),
    "times": _l("The end must be after the start, at most two days later."),
}


def words(error: EventError) -> str:
    """What a refusal says to the person who asked."""
    if error.code == "too_small":
        return _("%(taken)s places are taken already; there cannot be fewer.", taken=error.facts["taken"])
    return str(WORDS[error.code])


def load(event_id: int) -> ConcurrentEvent:
    found = queries.find_event(g.edition.id, event_id)
    if found is None:
        abort(404)
    return found


def _pill(label: Any, tone: str) -> Markup:
    return listing.pill(label, tone)


# -- lists -------------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def fill_levels() -> ResponseReturnValue:
    """The board: every event by day with its places, renewing itself."""
    now = clock.now()
    levels = queries.fill_levels(g.edition.id, now, states=("draft", "published", "cancelled"))
    days = [
        (day, list(group))
        for day, group in itertools.groupby(levels, lambda f: clock.local_day(f.event.starts_at, g.edition.timezone))
    ]
    live = [f for f in levels if f.event.state == "published"]
    template = "onsite/events_levels.html" if request.headers.get("HX-Request") else "onsite/events.html"
    return render_template(
        template,
        days=days,
        now=now,
        total=len(live),
        places=sum(f.places.capacity for f in live),
        taken=sum(f.places.taken for f in live),
        waiting=sum(f.places.waiting for f in live),
        attended=sum(f.places.attended for f in live),
        states=STATES,
        tones=TONES,
        place=event_mails.place,
        may_edit=current_principal().can(Permission.REGISTRATION),
        tab="levels",
    )


@requires(Permission.VIEW)
def table() -> ResponseReturnValue:
    """All events as a list with search and export."""
    now = clock.now()
    places: dict[int, Places] = {}
    none = Places(0)

    def of(event: ConcurrentEvent) -> Places:
        return places.get(event.id, none)

    page = listing.build(
        id="events",
        query=queries.event_list(g.edition.id),
        columns=[
            listing.Column("title", _("Title"), lambda e: i18n.bi(e, "title"), sort=ConcurrentEvent.title_zh, primary=True),
            listing.Column("starts", _("Begins"), lambda e: i18n.datetime_(e.starts_at), sort=ConcurrentEvent.starts_at, kind="date"),
            listing.Column("place", _("Place"), event_mails.place),
            listing.Column("capacity", _("Places"), lambda e: e.capacity, sort=ConcurrentEvent.capacity, kind="number"),
            listing.Column("booked", _("Booked"), lambda e: of(e).booked + of(e).attended + of(e).offered, kind="number"),
            listing.Column("waiting", _("Waiting list"), lambda e: of(e).waiting, kind="number"),
            listing.Column("attended", _("Attendees"), lambda e: of(e).attended, kind="number"),
            listing.Column(
                "state", _("State"), lambda e: str(STATES[e.state]), cell=lambda e: _pill(STATES[e.state], TONES[e.state]),
                sort=ConcurrentEvent.state, kind="status",
            ),
        ],
        default_sort="starts",
        tie_break=ConcurrentEvent.id,
        filters=[listing.Filter("state", _("State"), list(STATES.items()), lambda v: ConcurrentEvent.state == v)],
        search=lambda q: ConcurrentEvent.title_zh.icontains(q, autoescape=True) | ConcurrentEvent.title_en.icontains(q, autoescape=True),
        search_hint=_("Title"),
        empty=listing.Empty("presentation", _("No concurrent event yet"), _("Forums, seminars and tours with a limited number of places."),
                            url_for("onsite.new_event"), _("New event")),
        row_url=lambda e: url_for("onsite.event", event_id=e.id),
        load=lambda rows: places.update(queries.places_of(rows, now)),
    )  # fmt: skip
    return render_template(
        "onsite/events_table.html", listing=page, may_edit=current_principal().can(Permission.REGISTRATION), tab="table"
    )


@requires(Permission.VIEW)
def event(event_id: int) -> ResponseReturnValue:
    """One event: figures, and everybody who has booked, waits or came."""
    found = load(event_id)
    now = clock.now()
    ranks: dict[int, int] = {}
    contact = current_principal().can(Permission.CONTACT_DATA)
    columns = [
        listing.Column("number", _("Number"), lambda b: b.registration.number, sort=Registration.number),
        listing.Column("name", _("Name"), lambda b: b.registration.name, sort=Registration.sort_key, primary=True),
        listing.Column("company", _("Company"), lambda b: b.registration.company_name, sort=Registration.company_name),
        listing.Column("class", _("Visitor class"), lambda b: i18n.bi(b.registration.visitor_class), hide_on_phone=True),
        listing.Column(
            "state", _("State"), lambda b: _state_text(b, ranks),
            cell=lambda b: _pill(_state_text(b, ranks), BOOKING_TONES[b.state]), sort=EventBooking.state, kind="status",
        ),
        listing.Column("booked", _("Booked"), lambda b: i18n.datetime_(b.booked_at), sort=EventBooking.booked_at, kind="date"),
        listing.Column("attended", _("Let in"), lambda b: _moment(b.attended_at), sort=EventBooking.attended_at, kind="date"),
        listing.Column("source", _("Booked by"), lambda b: str(SOURCES[b.source]), hide_on_phone=True),
    ]  # fmt: skip
    if contact:
        columns.append(listing.Column("email", _("E-mail"), lambda b: b.registration.person.email, export_only=True))
    if contact and request.args.get("export"):
        audit.record_look("event", found.id, edition_id=g.edition.id)
    may_edit = current_principal().can(Permission.REGISTRATION)
    page = listing.build(
        id=f"event-{found.id}",
        query=queries.booking_list(found.id),
        columns=columns,
        default_sort="booked",
        default_desc=True,
        tie_break=EventBooking.id.desc(),
        filters=[listing.Filter("state", _("State"), list(BOOKING_STATES.items()), lambda v: EventBooking.state == v)],
        search=lambda q: listing.contains(Registration.search_key, q),
        search_hint=_("Name, company, pinyin or number"),
        empty=listing.Empty("users", _("Nobody has booked yet"), _("Visitors book on their own page as soon as the event is published.")),
        row_url=(lambda b: url_for("onsite.event_booking", event_id=found.id, booking_id=b.id)) if may_edit else None,
        load=lambda rows: ranks.update(queries.ranks_of(rows)),
    )  # fmt: skip
    places = queries.places_of_one(found, now)
    return render_template(
        "onsite/event.html",
        event=found,
        places=places,
        listing=page,
        when=event_mails.span(found.starts_at, found.ends_at, g.edition),
        place=event_mails.place(found),
        state=STATES[found.state],
        tone=TONES[found.state],
        over=found.ends_at <= now,
        classes=[c for c in visitors.list_classes(g.edition.id) if c.code in found.classes],
        may_edit=may_edit,
    )


def _moment(at: Any) -> str:
    return i18n.datetime_(at) if at else ""


def _state_text(booking: EventBooking, ranks: dict[int, int]) -> str:
    if booking.state != "waiting":
        return str(BOOKING_STATES[booking.state])
    if booking.offered_until is not None:
        return _("Place offered until %(time)s", time=i18n.datetime_(booking.offered_until))
    return _("Waiting list, number %(rank)s", rank=ranks.get(booking.id, booking.position))


# -- planning ----------------------------------------------------------------------------------------------------------


def _form(found: ConcurrentEvent | None = None) -> EventForm:
    form = EventForm()
    form.prepare(g.edition, shows.list_halls(g.edition.id), visitors.list_classes(g.edition.id), found)
    return form


def _form_page(form: EventForm, found: ConcurrentEvent | None = None) -> ResponseReturnValue:
    page = render_template("onsite/events_form.html", form=form, event=found)
    return page, 422 if form.is_submitted() else 200


@requires(Permission.REGISTRATION)
def new_event() -> ResponseReturnValue:
    form = _form()
    if form.validate_on_submit():
        made = events.create(g.edition, **form.fields())
        flash(_("The draft is stored. Visitors see it when it is published."), "success")
        return redirect(url_for("onsite.event", event_id=made.id))
    return _form_page(form)


@requires(Permission.REGISTRATION)
def edit_event(event_id: int) -> ResponseReturnValue:
    found = load(event_id)
    form = _form(found)
    if form.validate_on_submit():
        try:
            events.update(found, **form.fields())
        except EventError as error:
            field = form.capacity if error.code == "too_small" else form.ends_at
            field.errors = [*field.errors, words(error)]
            return _form_page(form, found)
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.event", event_id=found.id))
    return _form_page(form, found)


@requires(Permission.REGISTRATION)
def change_state(event_id: int) -> ResponseReturnValue:
    """Publish, call off, or delete a draft."""
    found = load(event_id)
    wanted = request.form.get("state", "")
    try:
        if wanted == "published":
            events.publish(found)
            flash(_("Visitors can book this event now."), "success")
        elif wanted == "cancelled":
            events.call_off(found, request.form.get("reason", "")[:300])
            flash(_("The event is called off. Everybody who has booked gets a mail."), "success")
        elif wanted == "deleted":
            events.delete(found)
            flash(_("The draft is deleted."), "success")
            return redirect(url_for("onsite.events"))
        else:
            abort(422)
    except EventError as error:
        raise Refused(words(error), 409) from None
    return redirect(url_for("onsite.event", event_id=found.id))


# -- bookings by staff -------------------------------------------------------------------------------------------------


def number(name: str) -> int:
    """An id from the form; 422 for anything else."""
    raw = request.form.get(name, "")
    if not re.fullmatch(r"\d{1,12}", raw, re.ASCII):
        abort(422)
    return int(raw)


def load_registration(name: str = "registration_id") -> Registration:
    found = visitors.find_registration(g.edition.id, number(name))
    if found is None:
        abort(404)
    return found


@requires(Permission.REGISTRATION)
def book_for(event_id: int) -> ResponseReturnValue:
    found = load(event_id)
    registration = load_registration()
    try:
        booking = events.book(found, registration, source="staff")
    except EventError as error:
        raise Refused(words(error), 409) from None
    if booking.state == "waiting":
        flash(_("All places are taken: %(name)s is on the waiting list.", name=registration.name), "warning")
    else:
        flash(_("%(name)s has a place.", name=registration.name), "success")
    return redirect(url_for("onsite.event", event_id=found.id))


@requires(Permission.REGISTRATION)
def people(event_id: int) -> ResponseReturnValue:
    """Registrations that fit what is typed; a fragment."""
    found = load(event_id)
    q = text.clean(request.args.get("q", ""))[:60]
    rows = queries.search_registrations(g.edition.id, q) if q else []
    return render_template(
        "onsite/events_people.html",
        event=found,
        q=q,
        rows=rows,
        bookings=queries.bookings_by_registration(found.id, [r.id for r in rows]),
        labels=BOOKING_STATES,
        tones=BOOKING_TONES,
        at_door=request.args.get("for") == "door",
    )


def _load_booking(found: ConcurrentEvent, booking_id: int) -> EventBooking:
    booking = queries.find_booking_of(found.id, booking_id)
    if booking is None:
        abort(404)
    return booking


@requires(Permission.REGISTRATION)
def booking(event_id: int, booking_id: int) -> ResponseReturnValue:
    found = load(event_id)
    mine = _load_booking(found, booking_id)
    return render_template(
        "onsite/event_booking.html",
        event=found,
        booking=mine,
        when=event_mails.span(found.starts_at, found.ends_at, g.edition),
        state=_state_text(mine, queries.ranks_of([mine])),
        tone=BOOKING_TONES[mine.state],
        source=SOURCES[mine.source],
    )


@requires(Permission.REGISTRATION)
def change_booking(event_id: int, booking_id: int) -> ResponseReturnValue:
    """Cancel a booking, or take a check-in back."""
    mine = _load_booking(load(event_id), booking_id)
    reason = request.form.get("reason", "")[:300]
    action = request.form.get("action", "")
    if action == "cancel":
        try:
            events.cancel(mine, by="staff", reason=reason)
        except EventError as error:
            raise Refused(words(error), 409) from None
        flash(_("The booking is cancelled; the next on the waiting list moves up."), "success")
    elif action == "undo":
        try:
            event_checkin.undo(mine, user_id=current_principal().id or 0, reason=reason)
        except event_checkin.CheckinError:
            raise Refused(str(WORDS["state"]), 409) from None
        flash(_("The check-in is taken back."), "success")
    else:
        abort(422)
    return redirect(url_for("onsite.event_booking", event_id=event_id, booking_id=booking_id))
