"""/e/<edition>/desk: people who stand there now. Find, look, correct, print; or register and print at once."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.lib import clock, ids, phones, text
from expo_crm.onsite import queries_desk
from expo_crm.onsite.desk_forms import BadgeForm, WalkInForm
from expo_crm.onsite.models import Badge, PrintJob
from expo_crm.onsite.queries_desk import Hit
from expo_crm.onsite.services import badge_files, badges, layouts, printing
from expo_crm.onsite.services.badge_draw import Face
from expo_crm.onsite.views.layouts import png
from expo_crm.onsite.views.printing import job_bytes, pdf_or_zpl
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.domain.registration import RegisterCommand, mask_email, mask_phone
from expo_crm.visitors.domain.vocabulary import CONSENTS, STATES, TONES
from expo_crm.visitors.models import Registration, VisitorClass
from expo_crm.visitors.services import registrations
from expo_crm.visitors.services.classes import ensure_classes
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

REASONS = {
    "lost": _l("Lost or forgotten"),
    "damaged": _l("Damaged"),
    "corrected": _l("Printed with a mistake"),
    "other": _l("Another reason"),
}
_PRINTER = "desk_printer"


def _classes() -> list[VisitorClass]:
    found = visitors.list_classes(g.edition.id)
    return found or sorted(ensure_classes(g.edition).values(), key=lambda c: c.position)


@requires(Permission.REGISTRATION)
def desk() -> ResponseReturnValue:
    """Search on the left, a person or a new one on the right. ``q`` searches, ``person`` opens, ``job`` prints."""
    typed = request.args.get("q", "")
    hits = queries_desk.search(g.edition.id, typed)
    if queries_desk.looks_like_code(typed):  # what opens a gate does not stay in the address
        if not hits:
            flash(_("This code belongs to nobody in this edition. Search by name, or register the person."), "warning")
        return redirect(url_for("onsite.desk", person=hits[0].registration.id if hits else None))
    person = request.args.get("person", "")
    shown: Registration | None = None
    if person:
        shown = _registration(int(person)) if re.fullmatch(r"\d{1,15}", person, re.ASCII) else abort(404)
    elif len(hits) == 1:
        shown = _registration(hits[0].registration.id)
    return _page(typed=typed, hits=hits, shown=shown)


def _page(
    *,
    typed: str = "",
    hits: list[Hit] | None = None,
    shown: Registration | None = None,
    panel: dict[str, Any] | None = None,
    walk_in: WalkInForm | None = None,
    same: list[Hit] | None = None,
) -> str:
    start, end = clock.day_bounds(clock.local_day(clock.now(), g.edition.timezone), g.edition.timezone)
    registered, printed = printing.today(g.edition.id, start, end)
    return render_template(
        "onsite/desk.html",
        typed=typed,
        hits=hits or [],
        states=STATES,
        tones=TONES,
        panel=panel or (_panel(shown) if shown else None),
        form=walk_in or _walk_in(typed),
        same=same or [],
        consents=CONSENTS,
        ticked=set(request.form.getlist("consent")) if request.method == "POST" else set(),
        registered=registered,
        printed=printed,
        job=_shown_job(),
    )


def _walk_in(typed: str = "") -> WalkInForm:
    form = WalkInForm(_classes(), printing.list_stations(g.edition.id))
    if not form.is_submitted():
        form.key.data = ids.new_token()
        form.printer.data = _last_printer(form)
        is_name = typed and not re.search(r"[\d@]", typed)
        form.name.data = text.clean(typed, limit=100) if is_name else ""
    return form


def _last_printer(form: BadgeForm) -> str:
    """The printer that this desk used last, while it is still there."""
    last = str(session.get(_PRINTER, ""))
    return last if any(str(c.value) == last for c in form.printer.choices) else ""  # type: ignore[union-attr]


def _shown_job() -> PrintJob | None:
    """The job that was just made, to be printed by this browser or shown as sent."""
    raw = request.args.get("job", "")
    job = printing.find_job(g.edition.id, int(raw)) if re.fullmatch(r"\d{1,15}", raw, re.ASCII) else None
    return job if job and job.user_id == current_principal().id else None


@requires(Permission.REGISTRATION)
def search() -> ResponseReturnValue:
    """What fits what is being typed."""
    typed = request.args.get("q", "")
    return render_template(
        "onsite/desk_hits.html",
        hits=queries_desk.search(g.edition.id, typed),
        typed=typed.strip(),
        states=STATES,
        tones=TONES,
    )


@requires(Permission.REGISTRATION)
def same() -> ResponseReturnValue:
    """Who is perhaps the person that is being typed."""
    return render_template("onsite/desk_same.html", same=_same(request.args), asking=False, states=STATES, tones=TONES)


def _same(given: Any) -> list[Hit]:
    values = {name: str(given.get(name, ""))[:254] for name in ("name", "company", "email", "phone", "country")}
    return queries_desk.list_same(g.edition.id, **values)


# -- a person who is registered --------------------------------------------------------------------------------------


def _registration(registration_id: int) -> Registration:
    found = visitors.find_registration(g.edition.id, registration_id) if registration_id < 2**53 else None
    if found is None:
        abort(404)
    return found


def _panel(found: Registration, form: BadgeForm | None = None) -> dict[str, Any]:
    badge = badges.find_current(found.id)
    if form is None:
        form = BadgeForm(_classes(), printing.list_stations(g.edition.id), formdata=None)
        form.key.data = ids.new_token()
        form.name.data, form.company.data, form.job_title.data = found.name, found.company_name, found.job_title
        form.visitor_class.data = found.visitor_class.code
        form.printer.data = _last_printer(form)
    return {
        "registration": found,
        "badge": badge,
        "form": form,
        "state": STATES[found.state],
        "tone": TONES[found.state],
        "contact": " · ".join(p for p in (mask_email(found.person.email), mask_phone(found.person.phone)) if p),
        "reasons": REASONS,
        "open": found.state == "approved",
        "usable": badge is None or badge.state == "active",
    }


@requires(Permission.REGISTRATION)
def panel(registration_id: int) -> ResponseReturnValue:
    return render_template("onsite/desk_person.html", panel=_panel(_registration(registration_id)))


@requires(Permission.REGISTRATION)
def new_panel() -> ResponseReturnValue:
    """The form for somebody new, begun with what was searched."""
    return render_template(
        "onsite/desk_new.html", form=_walk_in(request.args.get("q", "")), same=[], consents=CONSENTS, ticked=set(),
        states=STATES, tones=TONES,
    )  # fmt: skip


@requires(Permission.REGISTRATION)
def picture(registration_id: int) -> ResponseReturnValue:
    """The badge as it would come out now."""
    found = _registration(registration_id)
    layout = layouts.wardrobe(g.edition.id).of(found.class_id)
    badge = badges.find_current(found.id) or Badge(
        registration=found, visitor_class=found.visitor_class, holder=found.name, holder_company=found.company_name
    )
    code = badge_files.sample("zh", "", "", "").code  # a picture on a screen shall not open a gate
    face: Face = dataclasses.replace(badge_files.face_of(badge, code), name=found.name, company=found.company_name)
    pictures = layouts.pictures(g.edition.id, layout.images)
    return png(badge_files.preview(layout, face, badge_files.heading_of(g.edition), pictures))


@requires(Permission.REGISTRATION)
def print_person(registration_id: int) -> ResponseReturnValue:
    """Take over the corrections, then print. A badge that was printed before is replaced, which needs a reason."""
    found = _registration(registration_id)
    form = BadgeForm(_classes(), printing.list_stations(g.edition.id))
    known = printing.find_by_key(_key(form))
    if known is not None:
        return redirect(url_for("onsite.desk", job=known.id))
    if not form.validate_on_submit():
        return _page(shown=found, panel=_panel(found, form)), 422
    badge = badges.find_current(found.id)
    reason = request.form.get("reason", "")
    if badge is not None and badge.printed_at is not None and reason not in REASONS:
        form.form_errors.append(_("This badge was printed before. Say why it is printed again."))
        return _page(shown=found, panel=_panel(found, form)), 422
    _take_over(found, form)
    badge = badges.issue_badge(found)
    try:
        if badge.printed_at is not None:
            badges.reprint(badge, str(REASONS[reason]))
        job = _send(badge, form)
    except (badges.NotPrintable, badges.NotPossible):
        raise Refused(
            _("This badge cannot be printed: it is blocked or withdrawn. Open the badge to see why."), 409
        ) from None
    except printing.AlreadyPrinted:
        raise Refused(
            _("This badge is on its way to a printer already. Look at the printers before printing again."), 409
        ) from None
    return redirect(url_for("onsite.desk", job=job.id))


def _key(form: BadgeForm) -> str:
    """The mark of this form, which makes a second click the same print. A form without ours gets one that nobody repeats."""
    raw = form.key.data or ""
    return ids.hash_token(f"desk\0{raw}") if re.fullmatch(r"[\w-]{16,60}", raw, re.ASCII) else ids.new_token(256)


def _take_over(found: Registration, form: BadgeForm) -> None:
    try:
        registrations.correct(found, name=form.name.data, company_name=form.company.data, job_title=form.job_title.data)
        chosen = next(c for c in _classes() if c.code == form.visitor_class.data)
        registrations.change_class(found, chosen)
        if found.state != "approved":
            registrations.approve(found, mail=False)
    except registrations.RegistrationError:
        raise Refused(_("This registration cannot be approved any more. Open it to see why."), 409) from None


def _send(badge: Badge, form: BadgeForm) -> PrintJob:
    session[_PRINTER] = form.printer.data or ""
    return printing.enqueue(badge, key=_key(form), device_id=form.printer_id, user_id=current_principal().id)


# -- somebody new ----------------------------------------------------------------------------------------------------


@requires(Permission.REGISTRATION)
def create() -> ResponseReturnValue:
    """Register and print. The same form twice is one registration and one badge."""
    form = _walk_in()
    known = printing.find_by_key(_key(form))
    if known is not None:
        return redirect(url_for("onsite.desk", job=known.id))
    if not form.validate_on_submit():
        return _page(walk_in=form), 422
    same_people = [] if request.form.get("anyway") == "1" else _same(request.form)
    if same_people:
        return _page(walk_in=form, same=same_people), 409
    country = form.country.data or "CN"
    ticked = set(request.form.getlist("consent"))
    made = registrations.register(
        RegisterCommand(
            edition_id=g.edition.id,
            name=form.name.data or "",
            company=form.company.data or "",
            job_title=form.job_title.data or "",
            email=form.email.data or "",
            phone=phones.to_e164(form.phone.data or "", country) or "",
            phone_typed=form.phone.data or "",
            country=country,
            locale="zh" if text.has_han(form.name.data or "") else "en",
            source="desk",
            on_site=True,
            class_code=form.visitor_class.data,
            channel="desk",
            # Only what was ticked is an answer: at the desk nobody is asked twice.
            consents={c.purpose: True for c in CONSENTS if c.version in ticked},
            form_key=_key(form),
        )
    )
    if made.state != "approved":
        registrations.approve(made, mail=False)
    job = _send(badges.issue_badge(made), form)
    flash(_("%(name)s is registered with number %(number)d.", name=made.name, number=made.number), "success")
    return redirect(url_for("onsite.desk", job=job.id))


@requires(Permission.REGISTRATION, writes=True)
def job_file(job_id: int) -> ResponseReturnValue:
    """The badge for the own browser's printer; fetching it is its acknowledgement."""
    job = printing.find_job(g.edition.id, job_id) if job_id < 2**53 else None
    if job is None or job.user_id != current_principal().id or job.device_id is not None:
        abort(404)
    body, form = job_bytes(job)
    if job.state == "sent":
        printing.printed(job)
    return pdf_or_zpl(body, form, f"badge-{i18n.locale()}-{job.id}")
