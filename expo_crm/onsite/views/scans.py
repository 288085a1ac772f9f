"""The scan log: every reading with its answer, refused ones too."""

from __future__ import annotations

import datetime as dt

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_

from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite import queries
from expo_crm.onsite.domain.reasons import ADMITTED, OVERRIDABLE, REASONS, reason_text
from expo_crm.onsite.models import Badge, Device, Gate, Scan
from expo_crm.onsite.services import by_hand as services
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires

DECISIONS = {
    "admit": _l("Admitted"),
    "admit_attention": _l("Admitted – please look"),
    "deny": _l("Refused"),
    "need_input": _l("Sent to the service desk"),
    "void": _l("Note in the log"),
}
TONES = {
    "admit": "success",
    "admit_attention": "warning",
    "deny": "danger",
    "need_input": "danger",
    "void": "neutral",
}
DIRECTIONS = {"entry": _l("Entry"), "exit": _l("Exit")}
DECIDERS = {"server": _l("Server"), "device": _l("Device, without connection"), "staff": _l("Staff")}
OVERRIDE_WITHIN = dt.timedelta(minutes=15)


def _pill(scan: Scan) -> Markup:
    return listing.pill(DECISIONS[scan.decision], TONES[scan.decision])


def reason_of(scan: Scan) -> str:
    """The reason in the reader's language."""
    return reason_text(scan.reason)[locale()]


def _columns() -> list[listing.Column]:
    return [
        listing.Column("at", _("Time"), lambda s: moment(s.corrected_at), sort=Scan.corrected_at, kind="date", primary=True),
        listing.Column("gate", _("Gate"), lambda s: f"{s.gate.code} {bi(s.gate)}", sort=Gate.code),
        listing.Column("direction", _("Direction"), lambda s: DIRECTIONS[s.direction], sort=Scan.direction, hide_on_phone=True),
        listing.Column("decision", _("Answer"), lambda s: DECISIONS[s.decision], cell=_pill, sort=Scan.decision, kind="status"),
        listing.Column("reason", _("Reason"), reason_of, sort=Scan.reason),
        listing.Column("badge", _("Badge"), lambda s: s.badge.holder if s.badge else "–", sort=Badge.sort_key),
        listing.Column("company", _("Company"), lambda s: s.badge.holder_company if s.badge else "", hide_on_phone=True),
        listing.Column("class", _("Class"), lambda s: bi(s.badge.visitor_class) if s.badge else "", hide_on_phone=True),
        listing.Column("device", _("Device"), lambda s: s.device.name, sort=Device.name, hide_on_phone=True),
        listing.Column("serial", _("Badge number"), lambda s: s.badge.serial if s.badge else "", export_only=True),
        listing.Column("seq", _("Number on the device"), lambda s: s.device_seq, export_only=True),
        listing.Column("decider", _("Decided by"), lambda s: DECIDERS[s.decided_by], export_only=True),
        listing.Column("received", _("Received"), lambda s: moment(s.received_at), export_only=True),
        listing.Column("conflict", _("Conflict"), lambda s: _("yes") if s.conflict else "", export_only=True),
    ]  # fmt: skip


def moment(value: dt.datetime) -> str:
    """To the second, in the venue's time."""
    return i18n.datetime_(value, "y-MM-dd HH:mm:ss")


def _filters() -> list[listing.Filter]:
    gates = [(str(gate.id), f"{gate.code} {bi(gate)}") for gate in queries.list_gates(g.edition.id)]
    reasons = [(code, reason_text(code)[locale()]) for code in REASONS]
    return [
        listing.Filter("day", _("Day"), (), _on_day, kind="date"),
        listing.Filter("gate", _("Gate"), gates, lambda v: Scan.gate_id == int(v)),
        listing.Filter("decision", _("Answer"), list(DECISIONS.items()), lambda v: Scan.decision == v),
        listing.Filter("reason", _("Reason"), reasons, lambda v: Scan.reason == v),
        listing.Filter("direction", _("Direction"), list(DIRECTIONS.items()), lambda v: Scan.direction == v),
        listing.Filter("conflict", _("Conflicts only"), [("1", _("yes"))], lambda v: Scan.conflict.is_(True), kind="check"),
    ]  # fmt: skip


def _on_day(raw: str) -> ColumnElement[bool] | None:
    try:
        day = dt.date.fromisoformat(raw)
    except ValueError:
        return None
    if not 1990 <= day.year <= 2200:
        return None
    start, end = clock.day_bounds(day, g.edition.timezone)
    return (Scan.corrected_at >= start) & (Scan.corrected_at < end)


def _search(q: str) -> ColumnElement[bool]:
    return or_(
        Badge.holder.contains(q, autoescape=True),
        Badge.holder_company.contains(q, autoescape=True),
        Badge.sort_key.contains(text.fold(q).replace(" ", ""), autoescape=True),
        Badge.serial == q.lower(),
    )


@requires(Permission.VIEW)
def scans() -> ResponseReturnValue:
    page = listing.build(
        id="scans",
        query=queries.scan_list(g.edition),
        columns=_columns(),
        default_sort="at",
        default_desc=True,
        tie_break=Scan.id.desc(),
        filters=_filters(),
        search=_search,
        search_hint=_("Name, company or badge number"),
        empty=listing.Empty(
            "scan",
            _("Nothing has been scanned yet"),
            _("Every reading at a gate appears here, refused ones too."),
            url_for("onsite.gates"),
            _("Gates and devices"),
        ),
        row_url=lambda s: url_for("onsite.scan", scan_id=s.id),
    )
    return render_template("onsite/scans.html", listing=page)


def _get(scan_id: int) -> Scan:
    found = db.session.scalar(queries.scan_list(g.edition).where(Scan.id == scan_id))
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def scan(scan_id: int) -> ResponseReturnValue:
    """One reading, and what else this badge did that day."""
    found = _get(scan_id)
    others = queries.list_scans_of(found.badge_id) if found.badge_id else []
    return render_template(
        "onsite/scans_scan.html",
        scan=found,
        reason=reason_of(found),
        decision=DECISIONS[found.decision],
        tone=TONES[found.decision],
        direction=DIRECTIONS[found.direction],
        decider=DECIDERS[found.decided_by],
        verdict=reason_text(found.server_verdict)[locale()] if found.server_verdict in REASONS else "",
        others=[_entry(s) for s in others if s.id != found.id and s.local_day == found.local_day],
        may_override=current_principal().can(Permission.GATE) and _is_overridable(found),
        may_annul=current_principal().can(Permission.GATE) and _is_annullable(found),
        may_reset=current_principal().can(Permission.GATE) and _is_inside(found),
        moment=moment,
    )


def _entry(other: Scan) -> dict[str, object]:
    return {
        "at": other.corrected_at,
        "icon": "login-2" if other.direction == "entry" else "logout-2",
        "tone": TONES[other.decision],
        "title": f"{DECISIONS[other.decision]} · {reason_of(other)}",
        "body": f"{other.gate.code} {bi(other.gate)} · {other.device.name}",
        "url": url_for("onsite.scan", scan_id=other.id),
    }


def _is_overridable(found: Scan) -> bool:
    """A moment ago, and for a reason that a person may set aside. Later the badge is simply read again."""
    return (
        found.badge_id is not None
        and found.decision not in ADMITTED
        and found.reason in OVERRIDABLE
        and clock.now() - found.received_at < OVERRIDE_WITHIN
    )


def _is_annullable(found: Scan) -> bool:
    return found.badge_id is not None and found.decision in ADMITTED and not found.annulled


def _is_inside(found: Scan) -> bool:
    """Is this scan's badge inside this zone now, so that it can be set to outside?"""
    if found.badge_id is None:
        return False
    there = queries.find_presence(found.badge_id, found.zone, found.local_day)
    return there is not None and there.inside


def _said(field: str, missing: str) -> str:
    reason = text.clean(request.form.get(field, ""))[:300]
    if len(reason) < 3:
        raise Refused(missing)
    return reason


@requires(Permission.GATE)
def annul_scan(scan_id: int) -> ResponseReturnValue:
    """Take an admission out of the count; the scan and the annulment both stay in the log."""
    found = _get(scan_id)
    reason = _said("reason", _("Please say why this scan does not count."))
    try:
        services.annul(found, reason, user_id=current_principal().id, by=current_principal().name)
    except services.NotAnnullable as error:
        if str(error) == "often":
            why = _("You have annulled %(count)s scans within an hour. Please ask another supervisor.", count=services.ANNULS_OF_PERSON)
            raise Refused(why, 409) from None
        raise Refused(_("This scan does not count, or was annulled already."), 409) from None
    flash(_("The scan does not count any more."), "success")
    return redirect(url_for("onsite.scan", scan_id=found.id))


@requires(Permission.GATE)
def reset_inside(scan_id: int) -> ResponseReturnValue:
    """Set the badge of this scan to outside: it left without being read."""
    found = _get(scan_id)
    reason = _said("reason", _("Please say how you know that this person has left."))
    try:
        if found.badge is None:
            raise services.NotInside(found.zone)
        services.reset_inside(
            found.badge, found.zone, reason, user_id=current_principal().id, by=current_principal().name
        )
    except services.NotInside:
        raise Refused(_("This badge is not inside any more."), 409) from None
    flash(_("The badge counts as outside now."), "success")
    return redirect(url_for("onsite.scan", scan_id=found.id))


MOST_FOUND = 20


@requires(Permission.GATE)
def manual() -> ResponseReturnValue:
    """Let somebody in by hand whose badge cannot be read: find the badge, name the gate and the reason."""
    words = text.clean(request.args.get("q", ""))[:100]
    raw = request.args.get("badge", "")
    chosen = _badge(raw)
    if raw and chosen is None:
        abort(404)
    found = [] if chosen or len(words) < 2 else _find_badges(words)
    return render_template(
        "onsite/scans_manual.html",
        q=words,
        chosen=chosen,
        found=found,
        most=MOST_FOUND,
        gates=queries.list_gates(g.edition.id),
        directions=DIRECTIONS,
    )


def _badge(raw: str) -> Badge | None:
    good = raw.isascii() and raw.isdigit() and len(raw) < 16
    return queries.find_badge(g.edition.id, int(raw)) if good else None


def _find_badges(words: str) -> list[Badge]:
    return list(
        db.session.scalars(
            queries.badge_list(g.edition)
            .where(Badge.state != "replaced", or_(_search(words), listing.contains(Registration.search_key, words)))
            .order_by(Badge.sort_key, Badge.id)
            .limit(MOST_FOUND)
        )
    )


@requires(Permission.GATE)
def check_in() -> ResponseReturnValue:
    """The manual check-in itself: a row of the log with person and reason."""
    badge = _badge(request.form.get("badge", ""))
    raw = request.form.get("gate", "")
    gate = queries.find_gate(g.edition.id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 16 else None
    direction = request.form.get("direction", "entry")
    if badge is None or gate is None or direction not in DIRECTIONS:
        raise Refused(_("Please choose a badge and a gate."))
    reason = _said("reason", _("Please say why this person is admitted."))
    if badge.state in {"revoked", "blocked", "replaced"} and direction == "entry":
        raise Refused(_("This badge is not valid. Print a new one or unblock it first."), 409)
    made = services.check_in(
        badge, gate, reason, user_id=current_principal().id, by=current_principal().name, direction=direction
    )
    done = _("%(name)s is checked in by hand.", name=badge.holder)
    if direction == "exit":
        done = _("%(name)s is checked out by hand.", name=badge.holder)
    flash(done, "success")
    return redirect(url_for("onsite.scan", scan_id=made.id))


@requires(Permission.GATE)
def override_scan(scan_id: int) -> ResponseReturnValue:
    """Admit by hand what a gate refused: a row of its own, with the reason and who."""
    found = _get(scan_id)
    reason = text.clean(request.form.get("reason", ""))[:300]
    if len(reason) < 3:
        raise Refused(_("Please say why this person is admitted."))
    if not _is_overridable(found):
        raise Refused(_("This refusal cannot be set aside any more. Read the badge again at the gate."), 409)
    try:
        made = services.override(found, reason, user_id=current_principal().id)
    except services.NotOverridable:
        raise Refused(_("This refusal cannot be set aside. Please send the person to the service desk."), 409) from None
    flash(_("Admitted by hand."), "success")
    return redirect(url_for("onsite.scan", scan_id=made.id))
