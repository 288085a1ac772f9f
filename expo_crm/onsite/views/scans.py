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
from expo_crm.onsite.services import scans as services
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires

DECISIONS = {
    "admit": _l("Admitted"),
    "admit_attention": _l("Admitted – please look"),
    "deny": _l("Refused"),
    "need_input": _l("Sent to the service desk"),
}
TONES = {"admit": "success", "admit_attention": "warning", "deny": "danger", "need_input": "danger"}
DIRECTIONS = {"entry": _l("Entry"), "exit": _l("Exit")}
DECIDERS = {"server": _l("Server"), "device": _l("Device, without connection"), "staff": _l("Staff")}
OVERRIDE_WITHIN = dt.timedelta(minutes=15)


def _pill(scan: Scan) -> Markup:
    return Markup(
        render_template("onsite/scans_state.html", label=DECISIONS[scan.decision], tone=TONES[scan.decision])
    )


def _reason(scan: Scan) -> str:
    return reason_text(scan.reason)[locale()]


def _columns() -> list[listing.Column]:
    return [
        listing.Column("at", _("Time"), lambda s: _moment(s.corrected_at), sort=Scan.corrected_at, kind="date", primary=True),
        listing.Column("gate", _("Gate"), lambda s: f"{s.gate.code} {bi(s.gate)}", sort=Gate.code),
        listing.Column("direction", _("Direction"), lambda s: DIRECTIONS[s.direction], sort=Scan.direction, hide_on_phone=True),
        listing.Column("decision", _("Answer"), lambda s: DECISIONS[s.decision], cell=_pill, sort=Scan.decision, kind="status"),
        listing.Column("reason", _("Reason"), _reason, sort=Scan.reason),
        listing.Column("badge", _("Badge"), lambda s: s.badge.holder if s.badge else "–", sort=Badge.sort_key),
        listing.Column("company", _("Company"), lambda s: s.badge.holder_company if s.badge else "", hide_on_phone=True),
        listing.Column("class", _("Class"), lambda s: bi(s.badge.visitor_class) if s.badge else "", hide_on_phone=True),
        listing.Column("device", _("Device"), lambda s: s.device.name, sort=Device.name, hide_on_phone=True),
        listing.Column("serial", _("Badge number"), lambda s: s.badge.serial if s.badge else "", export_only=True),
        listing.Column("seq", _("Number on the device"), lambda s: s.device_seq, export_only=True),
        listing.Column("decider", _("Decided by"), lambda s: DECIDERS[s.decided_by], export_only=True),
        listing.Column("received", _("Received"), lambda s: _moment(s.received_at), export_only=True),
        listing.Column("conflict", _("Conflict"), lambda s: _("yes") if s.conflict else "", export_only=True),
    ]  # fmt: skip


def _moment(value: dt.datetime) -> str:
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
        reason=_reason(found),
        decision=DECISIONS[found.decision],
        tone=TONES[found.decision],
        direction=DIRECTIONS[found.direction],
        decider=DECIDERS[found.decided_by],
        verdict=reason_text(found.server_verdict)[locale()] if found.server_verdict in REASONS else "",
        others=[_entry(s) for s in others if s.id != found.id and s.local_day == found.local_day],
        may_override=current_principal().can(Permission.GATE) and _is_overridable(found),
        moment=_moment,
    )


def _entry(other: Scan) -> dict[str, object]:
    return {
        "at": other.corrected_at,
        "icon": "login-2" if other.direction == "entry" else "logout-2",
        "tone": TONES[other.decision],
        "title": f"{DECISIONS[other.decision]} · {_reason(other)}",
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
