"""/e/<edition>/keys: the keys that sign badge codes, their rotation, and what to do when one was stolen."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.db import db
from expo_crm.jobs import progress
from expo_crm.jobs import services as ledger
from expo_crm.jobs.models import Job
from expo_crm.lib import clock, text
from expo_crm.onsite.models import SigningKey
from expo_crm.onsite.services import keys, opaque, reissue
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

STATES = {
    "next": _l("Being introduced"),
    "active": _l("Signs"),
    "verify": _l("Still read"),
    "retired": _l("Retired"),
    "compromised": _l("Compromised"),
}
TONES = {"next": "info", "active": "success", "verify": "progress", "retired": "neutral", "compromised": "danger"}
MODES = {
    "signed": _l("Signed codes: gates work without a network"),
    "opaque": _l("Opaque codes: smaller, but every gate must stay online"),
}
KIND = "onsite.reissue_badges"


@requires(Permission.GATE)
def overview() -> ResponseReturnValue:
    """Every key of the show with its state and what may be done with it."""
    show_id = g.edition.show_id
    found = keys.list_keys(show_id)
    waiting = next((k for k in found if k.state == "next"), None)
    prints = keys.count_prints(g.edition.id)
    late = keys.late_devices(show_id, waiting.kid) if waiting else []
    over = clock.local_day(clock.now(), g.edition.timezone) > g.edition.ends_on
    return render_template(
        "onsite/keys.html",
        keys=[_line(k, prints.get(k.kid, 0)) for k in found],
        waiting=waiting,
        late=late,
        now=clock.now(),
        over=over,
        mode=opaque.mode_of(g.edition.id),
        modes=MODES,
        stolen=[_line(k, prints.get(k.kid, 0)) for k in found if k.state == "compromised"],
        usable=[k for k in found if k.state in keys.PUBLISHED],
        may_edit=current_principal().can(Permission.SETTINGS),
        longer=dt.timedelta(minutes=2),
    )


def _line(key: SigningKey, prints: int) -> dict[str, Any]:
    return {
        "key": key,
        "label": STATES[key.state],
        "tone": TONES[key.state],
        "fingerprint": keys.fingerprint(key.public_hex),
        "prints": prints,
    }


def _key() -> SigningKey:
    raw = request.form.get("kid", "")
    found = keys.find_key(g.edition.show_id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 4 else None
    if found is None:
        raise Refused(_("Please choose a key of this show."))
    return found


def _reason() -> str:
    reason = text.clean(request.form.get("reason", ""), limit=300)
    if len(reason) < 3:
        raise Refused(_("Please write the reason."))
    return reason


def _refused(error: keys.NotPossible) -> Refused:
    words = {
        "waiting": _("A new key is being introduced already. Let it sign first."),
        "full": _("Devices hold four keys at most. Retire one that is not needed any more."),
        "state": _("The state of this key does not allow that any more. Reload the page and look again."),
    }
    return Refused(words[error.code], 409)


@requires(Permission.SETTINGS)
def introduce() -> ResponseReturnValue:
    try:
        made = keys.introduce(g.edition.show_id)
    except keys.NotPossible as error:
        raise _refused(error) from None
    flash(_("Key %(kid)s is on its way to the devices. Let it sign when they all have it.", kid=made.kid), "success")
    return redirect(url_for("onsite.keys"))


@requires(Permission.SETTINGS)
def activate() -> ResponseReturnValue:
    key = _key()
    late = keys.late_devices(g.edition.show_id, key.kid)
    if late and request.form.get("anyway") != "1":
        raise Refused(
            _("%(n)s devices do not have this key yet. Wait for them, or confirm that it may sign without them.", n=len(late)),
            409,
        )
    try:
        keys.activate(key)
    except keys.NotPossible as error:
        raise _refused(error) from None
    flash(_("Key %(kid)s signs from now on. Badges that are printed already stay valid.", kid=key.kid), "success")
    return redirect(url_for("onsite.keys"))


@requires(Permission.SETTINGS)
def retire() -> ResponseReturnValue:
    key = _key()
    try:
        keys.retire(key, text.clean(request.form.get("reason", ""), limit=300))
    except keys.NotPossible as error:
        raise _refused(error) from None
    flash(_("Key %(kid)s is retired: its codes are refused everywhere.", kid=key.kid), "success")
    return redirect(url_for("onsite.keys"))


@requires(Permission.SETTINGS)
def compromise() -> ResponseReturnValue:
    """The key may be in wrong hands: nobody trusts it without asking the server."""
    key = _key()
    reason = _reason()
    try:
        signs = keys.compromise(key, reason)
    except keys.NotPossible as error:
        raise _refused(error) from None
    flash(
        _("Key %(kid)s is on the deny list, key %(new)s signs. Devices without a network ask to check its badges online.",
          kid=key.kid, new=signs.kid),
        "success",
    )  # fmt: skip
    return redirect(url_for("onsite.keys"))


@requires(Permission.SETTINGS)
def reissue_badges() -> ResponseReturnValue:
    """End the prints that a compromised key signed; a job does it."""
    key = _key()
    if key.state != "compromised":
        raise Refused(_("Only badges of a compromised key are issued anew."), 409)
    if not reissue.count_affected(g.edition.id, key.kid):
        raise Refused(_("No badge in the field carries a code of this key."), 409)
    job = ledger.enqueue(
        KIND,
        {"edition_id": g.edition.id, "kid": key.kid, "reason": key.state_reason},
        user_id=current_principal().id,
    )
    return redirect(url_for("onsite.reissue_work", job_id=job.id))


@requires(Permission.SETTINGS)
def work(job_id: int) -> ResponseReturnValue:
    job = db.session.get(Job, job_id) if job_id < 2**53 else None
    if job is None or job.kind != KIND or job.payload.get("edition_id") != g.edition.id:
        abort(404)
    done, total, label = progress.read(job.id)
    return render_template("onsite/keys_work.html", job=job, done=done, total=total, label=label)


@requires(Permission.SETTINGS)
def mode() -> ResponseReturnValue:
    wanted = request.form.get("mode", "")
    if wanted not in opaque.MODES:
        raise Refused(_("Please choose how codes are made."))
    opaque.set_mode(g.edition, wanted)
    flash(_("Saved. Badges that are printed already stay valid."), "success")
    return redirect(url_for("onsite.keys"))
