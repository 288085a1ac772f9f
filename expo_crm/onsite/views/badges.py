"""/e/<edition>/badges: who has a badge, printing one or five thousand, replacing and blocking them."""

from __future__ import annotations

import dataclasses
import re
import string
import time
from functools import partial
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.jobs import progress
from expo_crm.jobs import services as ledger
from expo_crm.jobs.models import Job
from expo_crm.lib import text
from expo_crm.onsite import jobs, queries, queries_desk
from expo_crm.onsite.domain.reasons import ADMITTED, reason_text
from expo_crm.onsite.models import Badge
from expo_crm.onsite.queries_desk import Selection
from expo_crm.onsite.services import badge_files, keys
from expo_crm.onsite.services import badges as service
from expo_crm.visitors.models import Registration, VisitorClass
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

STATES = (
    ("active", _l("Valid")),
    ("blocked", _l("Blocked")),
    ("revoked", _l("Badge withdrawn")),
    ("replaced", _l("Replaced")),
)
TONES = {"active": "success", "blocked": "warning", "revoked": "danger", "replaced": "neutral"}
ORDERS = (("name", _l("Name")), ("company", _l("Company")), ("class", _l("Class, then name")))
CHANGES = {"reprint": service.reprint, "block": service.block, "unblock": service.unblock, "revoke": service.revoke}
HOLDS = {"unpaid": _l("Something is not paid yet"), "need_input": _l("Something is missing")}
DONE = {
    "hold": _l("The gates send this person to the service desk."),
    "lift": _l("The gates admit this badge again."),
    "reprint": _l("The old print is no longer valid. Print the badge again."),
    "block": _l("The badge is blocked."),
    "unblock": _l("The badge is valid again."),
    "revoke": _l("The badge is withdrawn."),
}
WORK = ("onsite.issue_badges", "onsite.print_badges")


def _pill(badge: Badge) -> Markup:
    state = listing.pill(dict(STATES)[badge.state], TONES[badge.state])
    return state + " " + listing.pill(HOLDS[badge.hold], "warning") if badge.hold else state


def _classes() -> list[VisitorClass]:
    return list(
        db.session.scalars(
            select(VisitorClass).where(VisitorClass.edition_id == g.edition.id).order_by(VisitorClass.position)
        )
    )


def _search(words: str) -> Any:
    return or_(
        listing.contains(Registration.search_key, words),
        Badge.holder.contains(words, autoescape=True),
        Badge.holder_company.contains(words, autoescape=True),
        Badge.sort_key.contains(text.fold(words), autoescape=True),
    )


@requires(Permission.VIEW)
def badges() -> ResponseReturnValue:
    may_print = current_principal().can(Permission.REGISTRATION)
    without = queries.count_without_badge(g.edition.id)
    page = listing.build(
        id="badges",
        query=queries.badge_list(g.edition),
        columns=[
            listing.Column("holder", _("Name"), lambda b: b.holder, sort=Badge.sort_key, primary=True),
            listing.Column("company", _("Company"), lambda b: b.holder_company, sort=Badge.holder_company),
            listing.Column("class", _("Class"), lambda b: i18n.bi(b.visitor_class), sort=VisitorClass.position),
            listing.Column(
                "state", _("State"), lambda b: str(dict(STATES)[b.state]), cell=_pill, sort=Badge.state, kind="status"
            ),
            listing.Column(
                "printed", _("Printed"), lambda b: i18n.datetime_(b.printed_at) if b.printed_at else "",
                sort=Badge.printed_at, kind="date",
            ),
            listing.Column(
                "issued", _("Issued"), lambda b: i18n.datetime_(b.issued_at), sort=Badge.issued_at, kind="date",
                hide_on_phone=True,
            ),
            listing.Column("number", _("No."), lambda b: b.registration.number if b.registration else "",
                           sort=Registration.number, kind="number", hide_on_phone=True),
        ],
        default_sort="holder",
        tie_break=Badge.id,
        filters=[
            listing.Filter(
                "class", _("Class"), [(str(c.id), i18n.bi(c)) for c in _classes()], lambda v: Badge.class_id == int(v)
            ),
            listing.Filter("state", _("State"), STATES, lambda v: Badge.state == v),
            listing.Filter("hold", _("Held at the gates"), tuple(HOLDS.items()), lambda v: Badge.hold == v),
            listing.Filter(
                "printed", _("Print"), (("yes", _l("Printed")), ("no", _l("Not printed yet"))),
                lambda v: Badge.printed_at.is_not(None) if v == "yes" else Badge.printed_at.is_(None),
            ),
        ],
        search=_search,
        search_hint=_("Name or company"),
        empty=listing.Empty(
            "id",
            _("No badge has been issued yet"),
            _("Issue badges for all approved registrations; each visitor also gets one with the confirmation mail."),
        ),
        row_url=lambda b: url_for("onsite.badge", badge_id=b.id),
        bulk=[listing.Bulk(url_for("onsite.print_badges"), _("Print selected"), "printer")] if may_print else [],
    )  # fmt: skip
    return render_template(
        "onsite/badges.html",
        listing=page,
        may_print=may_print,
        without=without,
        printable=queries.count_printable(g.edition.id),
        unprinted=queries.count_printable(g.edition.id, unprinted_only=True),
        orders=ORDERS,
        classes=_classes(),
        delegations=queries_desk.list_delegations(g.edition.id) if may_print else [],
        letters=string.ascii_uppercase,
        most=service.MAX_PRINT,
    )


@requires(Permission.REGISTRATION)
def issue() -> ResponseReturnValue:
    job = ledger.enqueue("onsite.issue_badges", {"edition_id": g.edition.id}, user_id=current_principal().id)
    return redirect(url_for("onsite.badge_work", job_id=job.id))


@requires(Permission.REGISTRATION)
def print_many() -> ResponseReturnValue:
    """Selected badges, or those of a class, company, delegation or range of letters, into one file made in the background."""
    order, form = request.form.get("order", "name"), request.form.get("form", "pdf")
    payload: dict[str, Any] = {
        "edition_id": g.edition.id,
        "order": order if order in service.ORDERS else "name",
        "form": form if form in badge_files.FORMS else "pdf",
    }
    scope = request.form.get("scope", "")
    if scope not in {"all", "unprinted"}:
        chosen = [int(v) for v in request.form.getlist("ids")[:1000] if re.fullmatch(r"\d{1,15}", v, re.ASCII)]
        if not chosen:
            raise Refused(_("Select the badges to print first."))
        payload["ids"] = chosen
    else:
        chosen_ones = _selection(unprinted=scope == "unprinted")
        payload["selection"] = dataclasses.asdict(chosen_ones)
        count = queries_desk.count_printable(g.edition.id, chosen_ones)
        if not count:
            raise Refused(_("There is no badge to print."), 409)
        if count > service.MAX_PRINT:
            raise Refused(
                _("At most %(most)s badges fit into one file. Print the new ones first.", most=service.MAX_PRINT)
            )
    job = ledger.enqueue("onsite.print_badges", payload, user_id=current_principal().id)
    return redirect(url_for("onsite.badge_work", job_id=job.id))


def _selection(*, unprinted: bool) -> Selection:
    """The filters of the print dialogue. Raises Refused for letters that are none or stand the wrong way round."""
    class_id = request.form.get("class_id", "")
    first, last = (request.form.get(name, "").strip().lower() for name in ("first", "last"))
    if any(letter and not re.fullmatch("[a-z]", letter) for letter in (first, last)) or (first and last and first > last):
        raise Refused(_("Please choose letters from A to Z, the first one first."))
    return Selection(
        unprinted=unprinted,
        class_id=int(class_id) if re.fullmatch(r"\d{1,15}", class_id, re.ASCII) else None,
        company=text.clean(request.form.get("company", ""), limit=200),
        delegation=text.clean(request.form.get("delegation", ""), limit=300),
        first=first,
        last=last,
    )


def _job(job_id: int) -> Job:
    """A badge job of this edition that this person has started; for everybody else it does not exist."""
    job = db.session.get(Job, job_id)
    if (
        job is None
        or job.kind not in WORK
        or job.user_id != current_principal().id
        or job.payload.get("edition_id") != g.edition.id
    ):
        abort(404)
    return job


@requires(Permission.REGISTRATION)
def work(job_id: int) -> ResponseReturnValue:
    job = _job(job_id)
    done, total, label = progress.read(job.id)
    name = job.result.get("file", "")
    return render_template(
        "onsite/badges_work.html",
        job=job,
        done=done,
        total=total,
        label=label,
        printing=job.kind == "onsite.print_badges",
        available=bool(name) and (jobs.folder() / name).is_file(),
    )


@requires(Permission.REGISTRATION)
def file(job_id: int) -> ResponseReturnValue:
    name = _job(job_id).result.get("file", "")
    path = jobs.folder() / name
    if not re.fullmatch(r"[\w-]{20,60}\.(pdf|zpl)", name) or not path.is_file():
        abort(404)
    if time.time() - path.stat().st_mtime > jobs.KEEP_SECONDS:
        abort(410)
    return _download(path.read_bytes(), f"badges-{g.edition.slug}{path.suffix}")


def _download(body: bytes, name: str) -> Response:
    return Response(
        body,
        mimetype="application/zpl" if name.endswith(".zpl") else "application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _get(badge_id: int) -> Badge:
    found = queries.find_badge(g.edition.id, badge_id) if badge_id < 2**53 else None
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def badge(badge_id: int) -> ResponseReturnValue:
    found = _get(badge_id)
    standing = found.registration is None or found.registration.state == "approved"
    return render_template(
        "onsite/badges_badge.html",
        badge=found,
        label=dict(STATES)[found.state],
        tone=TONES[found.state],
        scans=queries.list_scans_of(found.id),
        admitted=ADMITTED,
        reason=lambda scan: reason_text(scan.reason, scan.direction)[i18n.locale()],
        may_print=current_principal().can(Permission.REGISTRATION),
        printable=found.state == "active" and standing,
        holds=HOLDS,
    )


@requires(Permission.REGISTRATION)
def print_one(badge_id: int) -> ResponseReturnValue:
    found = _get(badge_id)
    try:
        body = service.print_one(found)
    except service.NotPrintable:
        raise Refused(
            _("This badge cannot be printed: it is not valid, or its registration is not approved."), 409
        ) from None
    except keys.KeyUnusable:
        raise _no_key() from None
    return _download(body, f"badge-{found.id}.pdf")


def _no_key() -> Refused:
    return Refused(
        _("The key that signs badges cannot be opened, because the secret key of this installation has changed."), 409
    )


@requires(Permission.REGISTRATION)
def change(badge_id: int) -> ResponseReturnValue:
    """Replace, block, unblock or withdraw, hold at the gates or lift that, always with a reason."""
    found = _get(badge_id)
    wanted = request.form.get("action", "")
    hold = request.form.get("hold", "") if wanted == "hold" else ""
    action = CHANGES.get(wanted) or (partial(_hold, hold) if wanted == "lift" or hold in HOLDS else None)
    reason = text.clean(request.form.get("reason", ""), limit=300)
    if action is None:
        abort(422)
    if text.is_blank(reason):
        raise Refused(_("Please write the reason."))
    try:
        action(found, reason)
    except service.NotPossible:
        raise Refused(
            _("The state of this badge does not allow that any more. Reload the page and look again."), 409
        ) from None
    flash(DONE[wanted], "success")
    return redirect(url_for("onsite.badge", badge_id=found.id))


def _hold(hold: str, badge: Badge, reason: str) -> None:
    service.set_hold(badge, hold, reason)


@requires(Permission.REGISTRATION)
def of_registration(registration_id: int) -> ResponseReturnValue:
    """From a registration to its badge, which is issued when there is none."""
    registration = db.session.scalar(
        select(Registration)
        .where(Registration.edition_id == g.edition.id, Registration.id == registration_id)
        .options(joinedload(Registration.visitor_class))
    )
    if registration is None:
        abort(404)
    if registration.state != "approved":
        raise Refused(_("Approve the registration first, then issue the badge."), 409)
    return redirect(url_for("onsite.badge", badge_id=service.issue_badge(registration).id))
