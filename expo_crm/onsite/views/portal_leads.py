"""/portal/…/leads: what the own stand staff captured. Visitors are shown as far as they and the organizer allow, nowhere more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import exists, select

from expo_crm.audit import services as audit
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.lib import clock
from expo_crm.lib.qr import qr_path
from expo_crm.onsite import lead_labels as labels
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.lead_forms import LeadDeviceForm, LeadForm, LeadQuestionForm, TagForm, lead_form
from expo_crm.onsite.models import Device, Lead, LeadQuestion, LeadTag, LeadTagging
from expo_crm.onsite.queries_leads import LeadView
from expo_crm.onsite.services import devices, lead_quarantine, lead_setup, leads
from expo_crm.onsite.services.lead_setup import SetupError, Wording
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import current_principal, exhibitor

ALL = "all"
NEAR = dt.timedelta(minutes=2)
_SESSION = "lead-pairing"
SETUP_ERRORS: dict[str, Any] = {
    "device-limit": _l("The organizer allows no more devices. Take one away first."),
    "tag-double": _l("This tag is there already."),
    "tag-many": _l("There are too many tags. Take one away first."),
    "question-many": _l("There are too many questions. Take one away first."),
    "question-options": _l("Please give at least two answers to choose from, at most 30."),
    "blank": _l("This field is required."),
}


def _own(here: Participation) -> list[Participation]:
    """Every edition of the company whose portal this is."""
    return queries.list_participations(here.company_id)


def _tabs(here: Participation) -> list[dict[str, Any]]:
    pages = (
        ("onsite.portal_leads", _("Leads")),
        ("onsite.portal_lead_team", _("Figures")),
        ("onsite.portal_lead_setup", _("Tags and questions")),
        ("onsite.portal_lead_devices", _("Devices")),
    )
    return [
        {"url": url_for(name, participation_id=here.id), "label": label, "active": request.endpoint == name}
        for name, label in pages
    ]


# -- list and file ---------------------------------------------------------------------------------------------------


@exhibitor()
def portal_leads(participation_id: int) -> ResponseReturnValue:
    """The leads of this edition or of all; the same list as a file."""
    here = enter(participation_id)
    own = _own(here)
    wanted = request.args.get("edition", "")
    chosen = own if wanted == ALL else [p for p in own if str(p.edition_id) == wanted] or [here]
    keys = queries.keys_of(chosen)
    views: dict[int, LeadView] = {}

    def load(rows: list[Lead]) -> None:
        views.update({v.lead.id: v for v in queries.views_of(rows)})

    tags = queries.list_tags(here.company_id, retired=True)
    page = listing.build(
        id="my-leads",
        query=queries.leads_of([p.id for p in chosen]),
        columns=_columns(here, keys, views),
        default_sort="at",
        default_desc=True,
        tie_break=Lead.id.desc(),
        filters=_filters(here, own, tags),
        search=keys.search,
        search_hint=_("Name, company or note"),
        empty=listing.Empty(
            "target-arrow",
            _("No lead yet"),
            _("Pair a phone, then scan the badges of your visitors: the leads of the whole team come together here."),
            url_for("onsite.portal_lead_devices", participation_id=here.id),
            _("Pair a device"),
        ),
        row_url=lambda x: url_for("onsite.portal_lead", participation_id=x.participation_id, lead_id=x.id),
        load=load,
    )
    return render_template(
        "onsite/portal_leads.html",
        here=here,
        tabs=_tabs(here),
        listing=page,
        totals=queries.totals(here.id),
        waiting=[d for d in queries.list_lead_devices(here.id) if d.queue_length],
    )


def _filters(here: Participation, own: list[Participation], tags: list[LeadTag]) -> list[listing.Filter]:
    others = ((str(p.edition_id), i18n.bi(p.edition)) for p in own if p.id != here.id)
    editions = [("", _("This edition")), *others, (ALL, _("All editions"))]
    return [
        # Which editions are read is decided before the list is built; here it is only kept in the address.
        listing.Filter("edition", _("Edition"), editions, lambda _v: Lead.id.is_not(None)),
        listing.Filter("state", _("State"), labels.STATES, lambda v: Lead.state == v),
        listing.Filter("temperature", _("Interest"), labels.TEMPERATURES, lambda v: Lead.temperature == v),
        listing.Filter(
            "tag", _("Tag"), [(str(t.id), t.name) for t in tags],
            lambda v: exists(
                select(LeadTagging.lead_id).where(LeadTagging.lead_id == Lead.id, LeadTagging.tag_id == int(v))
            ),
        ),
        listing.Filter(
            "data", _("Data"), (("yes", _("Released")), ("no", _("Not released"))),
            lambda v: queries.allowed() if v == "yes" else ~queries.allowed(),
        ),
    ]  # fmt: skip


def _columns(here: Participation, keys: queries.Keys, views: dict[int, LeadView]) -> list[listing.Column]:
    def seen(name: str) -> Callable[[Lead], str]:
        return lambda x: getattr(views[x.id], name)

    def file_only(key: str, label: Any, value: Callable[[Lead], Any]) -> listing.Column:
        return listing.Column(key, label, value, export_only=True)

    interests = dict(labels.TEMPERATURES)
    columns = [
        file_only("number", _("Lead number"), lambda x: x.id),
        listing.Column(
            "visitor", _("Visitor"), lambda x: views[x.id].name, cell=lambda x: _name_cell(views[x.id]),
            sort=keys.name, primary=True,
        ),
        listing.Column("company", _("Company"), seen("company"), sort=keys.company),
        file_only("job_title", _("Job title"), seen("job_title")),
        file_only("email", _("E-mail"), seen("email")),
        file_only("phone", _("Phone"), seen("phone")),
        file_only("country", _("Country or region"), seen("country")),
        file_only("function", _("Function"), seen("function")),
        file_only("buying_role", _("Part in purchases"), seen("buying_role")),
        file_only("looking_for", _("Looking for"), seen("looking_for")),
        listing.Column(
            "temperature", _("Interest"), lambda x: str(interests.get(x.temperature, "")),
            cell=lambda x: _pill(interests.get(x.temperature, ""), labels.TEMPERATURE_TONES.get(x.temperature, "neutral")),
            sort=Lead.temperature, kind="status",
        ),
        listing.Column(
            "stars", _("Rating"), lambda x: x.stars or None, cell=lambda x: _stars(x.stars), sort=Lead.stars
        ),
        listing.Column(
            "state", _("State"), lambda x: str(dict(labels.STATES)[x.state]),
            cell=lambda x: _pill(dict(labels.STATES)[x.state], labels.STATE_TONES[x.state]), sort=Lead.state, kind="status",
        ),
        listing.Column("tags", _("Tags"), lambda x: labels.comma().join(t.name for t in x.tags), hide_on_phone=True),
        file_only("note", _("Note"), lambda x: x.note),
        listing.Column("scans", _("Scans"), lambda x: x.scans, sort=Lead.scans, kind="number", hide_on_phone=True),
        listing.Column("by", _("Scanned by"), lambda x: x.captured_by, sort=Lead.captured_by, hide_on_phone=True),
        listing.Column("at", _("Captured"), lambda x: i18n.datetime_(x.captured_at), sort=Lead.captured_at, kind="date"),
        file_only("edition", _("Edition"), lambda x: i18n.bi(x.participation.edition)),
        file_only("data", _("Data"), lambda x: _data_word(views[x.id])),
    ]  # fmt: skip
    for question in queries.list_questions(here.company_id, retired=True):
        label = question.text if question.version == 1 else f"{question.text} ({question.version})"
        columns.append(file_only(f"q{question.id}", label, _answer_of(views, question.id)))
    return columns


def _answer_of(views: dict[int, LeadView], question_id: int) -> Callable[[Lead], Any]:
    return lambda x: answer_text(views[x.id].answers.get(question_id))


def answer_text(value: Any) -> Any:
    """An answer as it stands in a cell; numbers stay numbers."""
    return labels.comma().join(value) if isinstance(value, list) else value


def _data_word(view: LeadView) -> str:
    if view.released:
        return _("Released")
    return _("Consent withdrawn") if view.withdrawn else _("Not released")


def _name_cell(view: LeadView) -> Markup:
    return Markup(render_template("onsite/portal_lead_name.html", view=view))


def _pill(label: Any, tone: str) -> Markup:
    return listing.pill(label, tone) if label else Markup("")


def _stars(count: int) -> Markup:
    return Markup(render_template("onsite/portal_lead_stars.html", count=count))


# -- one lead --------------------------------------------------------------------------------------------------------


@exhibitor(writes=True)
def portal_lead(participation_id: int, lead_id: int) -> ResponseReturnValue:
    """A lead with its readings and history; edited by the whole team. Looking at contact data is noted."""
    here = enter(participation_id)
    lead = queries.find_lead([here.id], lead_id)
    if lead is None:
        abort(404)
    view = queries.view_of(lead)
    form = _form(view)
    if form.validate_on_submit():
        try:
            leads.change(lead, form.details(), current_principal().name, version=_version(form))
        except leads.Stale:
            raise Refused(
                _("A colleague has changed this lead in the meantime. Reload the page and look again."), 409
            ) from None
        except SchemaError:
            raise Refused(_("One of the answers does not fit its question.")) from None
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.portal_lead", participation_id=here.id, lead_id=lead.id))
    if request.method == "GET" and view.released:
        audit.record_look("lead", lead.id, edition_id=here.edition_id)
    questions = {q.id: q for q in queries.list_questions(here.company_id, retired=True)}
    shown = {q.id for q in form.questions}
    page = render_template(
        "onsite/portal_lead.html",
        here=here,
        view=view,
        lead=lead,
        form=form,
        kept=[(questions[k], answer_text(v)) for k, v in view.answers.items() if k not in shown and k in questions],
        history=_history(lead, questions),
        state=(dict(labels.STATES)[lead.state], labels.STATE_TONES[lead.state]),
        temperature=(dict(labels.TEMPERATURES).get(lead.temperature, ""), labels.TEMPERATURE_TONES.get(lead.temperature, "")),
        data_word=_data_word(view),
    )
    return page, 422 if form.is_submitted() else 200


def _version(form: LeadForm) -> int:
    raw = form.version.data or ""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 9 else -1


def _form(view: LeadView) -> LeadForm:
    lead = view.lead
    company_id = lead.participation.company_id
    held = {t.id for t in lead.tags}
    tags = [t for t in queries.list_tags(company_id, retired=True) if t.retired_at is None or t.id in held]
    questions = queries.list_questions(company_id)
    values = {f"q{q.id}": view.answers.get(q.id) for q in questions}
    return lead_form(
        questions,
        tags,
        data={
            "version": str(lead.version),
            "state": lead.state,
            "temperature": lead.temperature,
            "stars": str(lead.stars),
            "tags": sorted(held),
            "note": lead.note,
            **{k: ("" if v is None else v) for k, v in values.items()},
        },
    )


def _history(lead: Lead, questions: dict[int, LeadQuestion]) -> list[dict[str, Any]]:
    """Readings and edits together, the newest first, for ``ui.timeline``."""
    items: list[tuple[Any, dict[str, Any]]] = []
    for scan in queries.list_scans(lead.id):
        notes = [
            *([_("without connection")] if scan.offline else []),
            *([_("the device's clock was wrong")] if scan.clock_suspect else []),
        ]
        shown = {"icon": "scan", "tone": "info", "title": _("Badge scanned"), "who": scan.scanned_by}
        items.append((scan.scanned_at, {**shown, "body": labels.comma().join(notes)}))
    for event in queries.list_events(lead.id):
        items.append((event.at, _event(event.kind, event.data or {}, event.who, questions)))
    items.sort(key=lambda pair: pair[0], reverse=True)
    return [{"at": at, **item} for at, item in items]


def _event(kind: str, data: dict[str, Any], who: str, questions: dict[int, LeadQuestion]) -> dict[str, Any]:
    if kind == "withdrawal":
        return {"icon": "eye-off", "tone": "warning", "title": _("The visitor took the data back"), "who": "", "body": ""}
    if kind == "consent":
        title = _("The visitor agreed on your device") if data.get("channel") == "lead_device" else _("The visitor agreed again")
        return {"icon": "eye", "tone": "success", "title": title, "who": "", "body": ""}
    lines = [f"{_field_name(k, questions)}: {_moved(k, pair)}" for k, pair in sorted(data.items()) if isinstance(pair, list)]
    return {"icon": "edit", "tone": "neutral", "title": _("Edited"), "who": who, "body": " · ".join(lines)}


def _field_name(key: str, questions: dict[int, LeadQuestion]) -> str:
    names = {"state": _("State"), "temperature": _("Interest"), "stars": _("Rating"), "note": _("Note"), "tags": _("Tags")}
    if key.startswith("q") and key[1:].isdigit() and int(key[1:]) in questions:
        return questions[int(key[1:])].text
    return names.get(key, key)


def _moved(key: str, pair: list[Any]) -> str:
    words: dict[str, dict[str, Any]] = {"state": dict(labels.STATES), "temperature": dict(labels.TEMPERATURES)}

    def word(value: Any) -> str:
        if value in (None, "", [], 0):
            return "–"
        return str(words.get(key, {}).get(value, answer_text(value))) if isinstance(value, str) else str(answer_text(value))

    if key == "note":
        return word(pair[1])[:200]
    return f"{word(pair[0])} → {word(pair[1])}"


# -- figures ---------------------------------------------------------------------------------------------------------


@exhibitor()
def portal_lead_team(participation_id: int) -> ResponseReturnValue:
    """Who of the team captured how much, and how the days went."""
    here = enter(participation_id)
    members = queries.team(here.id)
    days = queries.by_day(here)
    return render_template(
        "onsite/portal_lead_team.html",
        here=here,
        tabs=_tabs(here),
        totals=queries.totals(here.id),
        members=members,
        days=[
            {"label": i18n.date(day), "value": count, "text": i18n.number(count)} for day, count in days
        ],
    )


# -- tags and questions ----------------------------------------------------------------------------------------------


@exhibitor()
def portal_lead_setup(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    return _setup_page(here, TagForm(formdata=None))


def _setup_page(here: Participation, form: TagForm, status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "onsite/portal_lead_setup.html",
        here=here,
        tabs=_tabs(here),
        form=form,
        tags=queries.list_tags(here.company_id),
        uses=queries.count_tags(here.company_id),
        questions=queries.list_questions(here.company_id),
        answers=queries.count_answers(here.company_id),
        kinds=dict(labels.KINDS),
    )
    return page, status


@exhibitor()
def portal_lead_add_tag(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    form = TagForm()
    if form.validate():
        try:
            lead_setup.add_tag(here.company_id, form.tag.data or "")
        except SetupError as error:
            form.tag.errors = [SETUP_ERRORS[error.code]]
        else:
            return redirect(url_for("onsite.portal_lead_setup", participation_id=here.id))
    return _setup_page(here, form, 422)


@exhibitor()
def portal_lead_retire_tag(participation_id: int, tag_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = next((t for t in queries.list_tags(here.company_id) if t.id == tag_id), None)
    if found is None:
        abort(404)
    lead_setup.retire_tag(found)
    return redirect(url_for("onsite.portal_lead_setup", participation_id=here.id))


@exhibitor()
def portal_lead_new_question(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    return _question_page(here, None)


@exhibitor()
def portal_lead_question(participation_id: int, question_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    return _question_page(here, _question(here, question_id))


def _question(here: Participation, question_id: int) -> LeadQuestion:
    found = next((q for q in queries.list_questions(here.company_id) if q.id == question_id), None)
    if found is None:
        abort(404)
    return found


def _question_page(here: Participation, question: LeadQuestion | None) -> ResponseReturnValue:
    form = LeadQuestionForm(
        data={
            "text": question.text,
            "kind": question.kind,
            "options": "\n".join(question.options),
            "required": question.required,
        }
        if question
        else None
    )
    if form.validate_on_submit():
        wording = Wording(
            form.kind.data, form.text.data or "", lead_setup.read_options(form.options.data or ""), bool(form.required.data)
        )
        try:
            lead_setup.save_question(here.company_id, wording, question)
        except SetupError as error:
            field = form.options if error.code == "question-options" else form.text
            field.errors = [SETUP_ERRORS[error.code]]
        else:
            flash(_("Saved. Devices ask it from their next contact on."), "success")
            return redirect(url_for("onsite.portal_lead_setup", participation_id=here.id))
    answered = queries.count_answers(here.company_id).get(question.id, 0) if question else 0
    return render_template(
        "onsite/portal_lead_question.html", here=here, form=form, question=question, answered=answered
    ), 422 if form.is_submitted() else 200


@exhibitor()
def portal_lead_change_question(participation_id: int, question_id: int) -> ResponseReturnValue:
    """Up, down or away."""
    here = enter(participation_id)
    found = _question(here, question_id)
    match request.form.get("action"):
        case "up" | "down" as way:
            lead_setup.move_question(found, way == "up")
        case "retire":
            lead_setup.retire_question(found)
        case _:
            abort(422)
    return redirect(url_for("onsite.portal_lead_setup", participation_id=here.id))


# -- devices ---------------------------------------------------------------------------------------------------------


class DeviceState:
    """What an exhibitor or the organizer sees of a lead device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        now = clock.now()
        self.waits = device.pairing_hash is not None and (device.pairing_expires_at or now) > now
        self.paired = device.token_hash is not None and device.revoked_at is None
        self.near = self.paired and device.seen_at is not None and now - device.seen_at < NEAR

    @property
    def label(self) -> str:
        if self.device.revoked_at is not None:
            return _("Device withdrawn")
        if self.waits:
            return _("Waiting to be paired")
        if not self.paired:
            return _("Not paired")
        return _("Online") if self.near else _("No connection")

    @property
    def tone(self) -> str:
        if self.device.revoked_at is not None:
            return "neutral"
        if self.waits:
            return "info"
        return "success" if self.near else "neutral" if self.paired else "warning"


@exhibitor()
def portal_lead_devices(participation_id: int) -> ResponseReturnValue:
    """The devices of the stand; a new one is named after who carries it."""
    here = enter(participation_id)
    form = LeadDeviceForm()
    if form.validate_on_submit():
        try:
            made, token = lead_setup.add_device(here, form.name.data or "")
        except SetupError as error:
            form.name.errors = [SETUP_ERRORS[error.code]]
        else:
            session[_SESSION] = [made.id, token]
            return redirect(url_for("onsite.portal_lead_device", participation_id=here.id, device_id=made.id))
    found = queries.list_lead_devices(here.id)
    rules = queries.policy_of(here.edition_id)
    return render_template(
        "onsite/portal_lead_devices.html",
        here=here,
        tabs=_tabs(here),
        form=form,
        devices=[DeviceState(d) for d in found],
        held=lead_quarantine.count_waiting(here.id),
        used=sum(lead_setup.counts(d) for d in found),
        most=rules.max_devices,
    ), 422 if form.is_submitted() else 200


def _device(here: Participation, device_id: int) -> Device:
    found = queries.find_lead_device(here.id, device_id)
    if found is None:
        abort(404)
    return found


@exhibitor()
def portal_lead_device(participation_id: int, device_id: int) -> ResponseReturnValue:
    """One device: its pairing code while it waits, else its state."""
    here = enter(participation_id)
    found = _device(here, device_id)
    state = DeviceState(found)
    link = _link(found) if state.waits else ""
    return render_template(
        "onsite/portal_lead_device.html",
        here=here,
        device=found,
        state=state,
        held=lead_quarantine.count_waiting(here.id).get(found.id, 0),
        link=link,
        qr=qr_path(link) if link else None,
        left=_seconds_left(found),
    )


def _link(device: Device) -> str:
    """The address behind the code, when this browser is the one that asked for it."""
    kept = session.get(_SESSION)
    if not isinstance(kept, list) or len(kept) != 2 or kept[0] != device.id:
        return ""
    waiting = devices.find_pairing(kept[1])
    if waiting is None or waiting.id != device.id:
        return ""
    return current_app.config["SETTINGS"].base_url + url_for("onsite.pair", token=kept[1])


def _seconds_left(device: Device) -> int:
    if device.pairing_expires_at is None:
        return 0
    return max(0, int((device.pairing_expires_at - clock.now()).total_seconds()))


@exhibitor()
def portal_lead_device_state(participation_id: int, device_id: int) -> ResponseReturnValue:
    """The part that renews itself; when the state has changed it asks for the whole page."""
    here = enter(participation_id)
    found = _device(here, device_id)
    if not DeviceState(found).waits:
        return "", 200, {"HX-Refresh": "true"}
    return render_template("onsite/portal_lead_waiting.html", here=here, device=found, left=_seconds_left(found))


@exhibitor()
def portal_lead_change_device(participation_id: int, device_id: int) -> ResponseReturnValue:
    """A new pairing code, withdraw, and what becomes of what a withdrawn device still held."""
    here = enter(participation_id)
    found = _device(here, device_id)
    match request.form.get("action"):
        case "pair":
            try:
                session[_SESSION] = [found.id, lead_setup.pair_again(here, found)]
            except SetupError as error:
                raise Refused(str(SETUP_ERRORS[error.code]), 409) from None
            return redirect(url_for("onsite.portal_lead_device", participation_id=here.id, device_id=found.id))
        case "revoke":
            devices.revoke(found)
            flash(_("%(name)s is withdrawn: its scans are refused from now on.", name=found.name), "success")
        case "take":
            flash(_("Taken: %(n)s readings and notes.", n=lead_quarantine.take(found, current_principal().id)), "success")
        case "leave":
            flash(_("Left out: %(n)s readings and notes.", n=lead_quarantine.leave_out(found, current_principal().id)), "success")
        case _:
            abort(422)
    return redirect(url_for("onsite.portal_lead_devices", participation_id=here.id))
