"""Printers and kiosks: staff's page of them, the page of a print station, and what a printer bridge asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask, Response, abort, flash, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite import queries
from expo_crm.onsite.gate_forms import PROFILE_NAMES
from expo_crm.onsite.models import Device, PrintJob
from expo_crm.onsite.services import badges, devices, keys, printing
from expo_crm.onsite.services.devices import Post
from expo_crm.onsite.views import principal, shell
from expo_crm.onsite.views.body import read_json
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, device, public, requires

SMALL = 4096
KINDS = {"badge_print": _l("Print station"), "kiosk": _l("Kiosk")}
STATES = {
    "queued": (_l("Waiting"), "info"),
    "sent": (_l("At the printer"), "progress"),
    "failed": (_l("Did not come out"), "danger"),
    "printed": (_l("Badge printed"), "success"),
    "cancelled": (_l("Cancelled"), "neutral"),
}
ACTIONS = {"again": printing.again, "cancel": printing.cancel, "printed": printing.printed}


def init_app(app: Flask) -> None:
    """These addresses take JSON from devices: another site can send neither, so they need no CSRF token."""
    for view in (acknowledge, report):
        app.extensions["csrf"].exempt(view)


# -- staff -----------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def printers() -> ResponseReturnValue:
    """Print stations with their queues, kiosks with their printers."""
    found = printing.list_devices(g.edition.id)
    now = clock.now()
    principal_ = current_principal()
    return render_template(
        "onsite/badges_printers.html",
        devices=found,
        kinds=KINDS,
        states=STATES,
        stations=printing.list_stations(g.edition.id),
        served=printing.printers_of(g.edition.id),
        waiting=printing.count_waiting(g.edition.id),
        jobs=printing.list_jobs(g.edition.id),
        online=lambda one: one.seen_at is not None and now - one.seen_at < dt.timedelta(seconds=90),
        may_edit=principal_.can(Permission.GATE),
        may_print=principal_.can(Permission.REGISTRATION),
    )


@requires(Permission.GATE)
def add_printer() -> ResponseReturnValue:
    """A new station or kiosk: straight to its pairing code."""
    kind = request.form.get("profile", "")
    name = text.clean(request.form.get("name", ""), limit=60)
    if kind not in KINDS:
        abort(422)
    if text.is_blank(name):
        raise Refused(_("Please give the device a name."))
    made, token = devices.create_device(g.edition, None, name, kind)
    session["pairing"] = [made.id, token]  # the page of the device shows the code once
    return redirect(url_for("onsite.device", device_id=made.id))


@requires(Permission.GATE)
def choose_printer(device_id: int) -> ResponseReturnValue:
    kiosk = _device(device_id)
    chosen = request.form.get("printer", "")
    station = _device(int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 16 else None
    try:
        printing.choose_printer(kiosk, station)
    except ValueError:
        abort(422)
    flash(_("Saved."), "success")
    return redirect(url_for("onsite.printers"))


def _device(device_id: int) -> Device:
    found = queries.find_device(g.edition.id, device_id) if device_id < 2**53 else None
    if found is None:
        abort(404)
    return found


@requires(Permission.REGISTRATION)
def change_job(job_id: int) -> ResponseReturnValue:
    """Print once more, take out of the queue, or say that it came out after all."""
    job = printing.find_job(g.edition.id, job_id) if job_id < 2**53 else None
    if job is None:
        abort(404)
    action = ACTIONS.get(request.form.get("action", ""))
    if action is None:
        abort(422)
    try:
        action(job)
    except printing.NotPossible:
        raise Refused(_("This print has moved on meanwhile. Reload the page and look again."), 409) from None
    flash(_("Done."), "success")
    return redirect(url_for("onsite.printers"))


# -- the station's page ----------------------------------------------------------------------------------------------


@public()
def station() -> ResponseReturnValue:
    """What a print station shows all day. A browser that is none is told how to become one."""
    if current_principal().kind != "device":
        return shell.unpaired("onsite/kiosk_unpaired.html", device=principal.find_device())
    if current_principal().device_profile != "badge_print":
        abort(403)
    own = principal.current_device()
    config = {
        "device": f"{own.id}-{int(own.paired_at.timestamp()) if own.paired_at else 0}",
        "texts": {
            "nothing": _("Nothing to print"),
            "next": _("The next badge comes by itself."),
            "doubt": _("This badge was sent before. Has it come out?"),
            "printing": _("Look whether it comes out, then say so."),
            "offline": _("No connection. It is tried again by itself."),
            "withdrawn": _("This device was withdrawn. Please pair it again."),
            "failedReason": _("Said at the printer"),
        },
    }
    return shell.shell(
        "onsite/badges_station.html", device=own, config=config, profile=PROFILE_NAMES["badge_print"]
    )


# -- the interface of stations and bridges ---------------------------------------------------------------------------


def _answer(body: dict[str, Any]) -> Response:
    response = jsonify({**body, "server_time": clock.now().astimezone(dt.UTC).isoformat(timespec="milliseconds")})
    response.headers["Cache-Control"] = "no-store"
    return response


def seen(post: Post) -> None:
    """A sign of life, noted twice a minute."""
    if post.seen_at is None or clock.now() - post.seen_at > dt.timedelta(seconds=30):
        devices.seen(post.device_id)


@device("badge_print", writes=True)
def next_job() -> ResponseReturnValue:
    """The job to print now, or null. ``again`` says that it was given before and never acknowledged: do not print it unseen."""
    post = principal.current_post()
    seen(post)
    taken = printing.take(post.device_id)
    waiting = [_short(job) for job in printing.list_jobs(post.edition_id, post.device_id) if job.state == "queued"]
    if taken is None:
        return _answer({"job": None, "waiting": waiting})
    job, again = taken
    body = {
        **_short(job),
        "generation": job.generation,
        "again": again,
        "form": printing.badge_files.form_of(job.badge),
        "file": url_for("onsite.api_print_file", job_id=job.id),
    }
    return _answer({"job": body, "waiting": [one for one in waiting if one["id"] != job.id]})


def _short(job: PrintJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.badge.holder,
        "company": job.badge.holder_company,
        "class": i18n.bi(job.badge.visitor_class),
    }


def _own_job(job_id: int) -> PrintJob:
    job = db.session.get(PrintJob, job_id) if job_id < 2**53 else None
    if job is None or job.device_id != principal.current_post().device_id:
        raise Refused(_("There is no such print at this printer."), 404, "not_found")
    return job


@device("badge_print", writes=True)
def job_file(job_id: int) -> ResponseReturnValue:
    """The badge as PDF, or as ZPL when its layout is for a label printer."""
    job = _own_job(job_id)
    body, form = job_bytes(job)
    return pdf_or_zpl(body, form, f"badge-{job.id}")


def job_bytes(job: PrintJob) -> tuple[bytes, str]:
    """The file of a job. Raises Refused in words for a person."""
    try:
        return printing.file_of(job)
    except (printing.NotPossible, badges.NotPrintable):
        raise Refused(
            _("This badge may not be printed any more: it was replaced, blocked or cancelled."), 409, "gone"
        ) from None
    except keys.KeyUnusable:
        message = _(
            "The key that signs badges cannot be opened, because the secret key of this installation has changed."
        )
        raise Refused(message, 409) from None


def pdf_or_zpl(body: bytes, form: str, name: str) -> Response:
    """A file for this page's own frame: nobody else may frame it."""
    kind = "application/pdf" if form == "pdf" else "application/zpl"
    place = "inline" if form == "pdf" else "attachment"
    headers = {
        "Content-Disposition": f'{place}; filename="{name}.{form}"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": "frame-ancestors 'self'",
    }
    return Response(body, mimetype=kind, headers=headers)


@device("badge_print")
def acknowledge(job_id: int) -> ResponseReturnValue:
    """It came out. May be said more than once."""
    job = _own_job(job_id)
    try:
        printing.printed(job)
    except printing.NotPossible:
        raise Refused(_("This print was not sent to this printer."), 409, "state") from None
    return _answer({"id": job.id, "state": job.state})


@device("badge_print")
def report(job_id: int) -> ResponseReturnValue:
    """It did not come out: {"reason": "…"}. Staff see it and decide."""
    job = _own_job(job_id)
    reason = read_json(SMALL).get("reason", "")
    try:
        printing.failed(job, reason if isinstance(reason, str) else "")
    except printing.NotPossible:
        raise Refused(_("This print was not sent to this printer."), 409, "state") from None
    return _answer({"id": job.id, "state": job.state})
