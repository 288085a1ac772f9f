"""/e/<edition>/inbox: what the doors decided while nobody could ask, and what is missing. Self-updating."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.lib import text
from expo_crm.onsite import queries_inbox
from expo_crm.onsite.domain.reasons import ADMITTED, REASONS, reason_text
from expo_crm.onsite.gate_forms import PROFILE_NAMES
from expo_crm.onsite.models import Scan
from expo_crm.onsite.queries_devices import Gaps
from expo_crm.onsite.services import badges as badge_services
from expo_crm.onsite.services import conflicts, quarantine
from expo_crm.onsite.views.scans import DECISIONS, TONES, moment, reason_of
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import locale
from expo_crm.web.policy import Permission, current_principal, requires

TABS = {
    "conflicts": (_l("Conflicts"), "arrows-diff"),
    "quarantine": (_l("Withdrawn devices"), "shield-half"),
    "missing": (_l("Missing scans"), "alert-triangle"),
    "codes": (_l("Foreign codes"), "scan-eye"),
    "settled": (_l("Dealt with"), "checks"),
}
SHOWN = 200


def _tab() -> str:
    tab = request.args.get("tab", "conflicts")
    return tab if tab in TABS else "conflicts"


def _context() -> dict[str, Any]:
    tab = _tab()
    counts = queries_inbox.counts(g.edition.id)
    found: dict[str, Any] = {
        "tab": tab,
        "counts": counts,
        "shown": SHOWN,
        "profiles": PROFILE_NAMES,
        "tabs": [
            {
                "label": label,
                "icon": icon,
                "url": url_for("onsite.inbox", tab=key),
                "active": key == tab,
                "count": None if key == "settled" else getattr(counts, key),
            }
            for key, (label, icon) in TABS.items()
        ],
    }
    if tab == "conflicts":
        found["conflicts"] = _conflicts()
    elif tab == "quarantine":
        found["held"] = queries_inbox.quarantined(g.edition.id)
    elif tab == "missing":
        found["missing"] = [
            {"device": d, "gaps": gaps, "ranges": ranges_text(gaps)} for d, gaps in queries_inbox.missing(g.edition.id)
        ]
    elif tab == "codes":
        found["alarms"] = queries_inbox.alarms(g.edition.id)
    else:
        found["settled"] = conflicts.list_resolved(g.edition.id, SHOWN)
        found["verdict"] = verdict
    return found


def _conflicts() -> list[dict[str, Any]]:
    found = conflicts.list_open(g.edition.id, SHOWN)
    firsts = queries_inbox.first_entries(found)
    gates = queries_inbox.gate_names(g.edition.id)
    out = []
    for scan in found:
        first = firsts.get(scan.id)
        out.append(
            {
                "scan": scan,
                "device_said": DECISIONS[scan.decision],
                "tone": TONES[scan.decision],
                "server_said": verdict(scan),
                "first_at": first.first_entry_at if first else None,
                "first_gate": gates.get(first.first_gate_id) if first and first.first_gate_id else None,
            }
        )
    return out


def verdict(scan: Scan) -> str:
    """What the server would have answered, in words."""
    known = scan.server_verdict if scan.server_verdict in REASONS else scan.reason
    return reason_text(known, scan.direction)[locale()]


def ranges_text(gaps: Gaps) -> str:
    """Numbers with holes, as 12, 15–18."""
    comma = "、" if locale() == "zh" else ", "
    return comma.join(f"{first}" if first == last else f"{first}–{last}" for first, last in gaps.ranges)


@requires(Permission.GATE)
def inbox() -> ResponseReturnValue:
    return render_template("onsite/inbox.html", **_context())


@requires(Permission.GATE)
def inbox_panel() -> ResponseReturnValue:
    """The part of the page that renews itself every few seconds."""
    return render_template("onsite/inbox_panel.html", **_context())


def _conflict(conflict_id: int) -> Scan:
    found = conflicts.find_open(g.edition.id, conflict_id) if conflict_id < 2**53 else None
    if found is None:
        abort(404)
    return found


@requires(Permission.GATE)
def conflict(conflict_id: int) -> ResponseReturnValue:
    """One conflict with what else the badge did in this zone and period."""
    scan = conflicts.find_open(g.edition.id, conflict_id) if conflict_id < 2**53 else None
    if scan is None:  # settled meanwhile, or never one
        return redirect(url_for("onsite.scan", scan_id=conflict_id))
    others = [o for o in conflicts.others_of(scan) if o.decision in ADMITTED]
    return render_template(
        "onsite/inbox_conflict.html",
        scan=scan,
        device_said=DECISIONS[scan.decision],
        tone=TONES[scan.decision],
        device_reason=reason_of(scan),
        server_said=verdict(scan),
        others=[
            {
                "at": o.corrected_at,
                "icon": "login-2" if o.direction == "entry" else "logout-2",
                "tone": TONES[o.decision],
                "title": f"{DECISIONS[o.decision]} · {reason_of(o)}",
                "body": f"{o.gate.code} · {o.device.name}",
                "url": url_for("onsite.scan", scan_id=o.id),
            }
            for o in others
        ],
        moment=moment,
        may_block=current_principal().can(Permission.REGISTRATION),
    )


@requires(Permission.GATE)
def resolve(conflict_id: int) -> ResponseReturnValue:
    """Settle a conflict with a note; with ``block`` the badge is refused from now on as well."""
    scan = _conflict(conflict_id)
    note = text.clean(request.form.get("note", ""), limit=300)
    if len(note) < 3:
        raise Refused(_("Please write what you found out."))
    if request.form.get("block") == "1" and scan.badge is not None:
        if not current_principal().can(Permission.REGISTRATION):
            abort(403)
        try:
            badge_services.block(scan.badge, note)
        except badge_services.NotPossible:
            raise Refused(
                _("The state of this badge does not allow that any more. Reload the page and look again."), 409
            ) from None
    conflicts.resolve(scan, note, current_principal().id)
    flash(_("Settled."), "success")
    return redirect(url_for("onsite.inbox"))


@requires(Permission.GATE)
def held_device(withdrawn_id: int) -> ResponseReturnValue:
    """The scans that one withdrawn device still had, to be taken or left out."""
    found = queries_inbox.list_quarantined(g.edition.id, withdrawn_id, SHOWN) if withdrawn_id < 2**53 else []
    if not found:
        return redirect(url_for("onsite.inbox", tab="quarantine"))
    return render_template(
        "onsite/inbox_held.html",
        device=found[0].device,
        rows=[{"scan": row, "said": _said(row.item), "tone": _said_tone(row.item)} for row in found],
        waiting=len(queries_inbox.quarantined_ids(g.edition.id, withdrawn_id)),
        shown=SHOWN,
        moment=moment,
    )


def _said(item: dict[str, Any]) -> str:
    decided = item.get("decided")
    return str(DECISIONS.get(decided[0], decided[0])) if decided else _("Not decided")


def _said_tone(item: dict[str, Any]) -> str:
    decided = item.get("decided")
    return TONES.get(decided[0], "neutral") if decided else "neutral"


@requires(Permission.GATE)
def settle_held(withdrawn_id: int) -> ResponseReturnValue:
    """Take the ticked scans, or all of the device, into the log; or leave them out for good."""
    if withdrawn_id >= 2**53:
        abort(404)
    mine = set(queries_inbox.quarantined_ids(g.edition.id, withdrawn_id))
    if not mine:
        raise Refused(_("Nothing of this device is waiting any more."), 409)
    if request.form.get("all") == "1":
        wanted = mine
    else:
        wanted = {int(raw) for raw in request.form.getlist("scan") if raw.isascii() and raw.isdigit() and len(raw) < 16}
        wanted &= mine
    if not wanted:
        raise Refused(_("Please tick at least one scan."))
    user_id = current_principal().id
    match request.form.get("action"):
        case "accept":
            done = quarantine.accept(g.edition.id, wanted, user_id)
            flash(_("%(n)s scans stand in the log now.", n=done), "success")
            if done < len(wanted):
                flash(_("%(n)s scans name no gate of this edition and wait on.", n=len(wanted) - done), "warning")
        case "refuse":
            done = quarantine.refuse(g.edition.id, wanted, user_id)
            flash(_("%(n)s scans are left out for good.", n=done), "success")
        case _:
            abort(422)
    return redirect(url_for("onsite.held_device", withdrawn_id=withdrawn_id))
