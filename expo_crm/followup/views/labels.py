"""The words of this package's codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from expo_crm.followup.domain.risk import Reason
from expo_crm.web import i18n, listing

FLOWS = {
    "retained": _l("Retained"),
    "lost": _l("Lost"),
    "new": _l("First time here"),
    "won_back": _l("Won back"),
}
FLOW_TONES = {"retained": "success", "lost": "danger", "new": "info", "won_back": "progress"}
LEVELS = {"high": _l("High"), "medium": _l("Medium"), "low": _l("Low")}
LEVEL_TONES = {"high": "danger", "medium": "warning", "low": "neutral"}
RISK_RULES = {
    "wont_return": _l("Says it will not return"),
    "detractor": _l("Would not recommend us"),
    "complaint_open": _l("Open complaint"),
    "first_time": _l("Exhibited for the first time"),
    "smaller_stand": _l("Smaller stand than before"),
    "few_leads": _l("Few leads"),
    "absent_before": _l("Was absent before"),
    "unsure_return": _l("Not sure about returning"),
    "overdue": _l("Payment overdue"),
    "dissatisfied": _l("Dissatisfied answers"),
    "complaint_late": _l("Complaint answered late"),
    "no_contact": _l("No contact for a long time"),
    "paid_late": _l("Paid late"),
    "portal_unused": _l("Portal not used"),
}
STAGES = {
    "lead": _l("Lead"),
    "contacted": _l("Contacted"),
    "intent": _l("Intent"),
    "quoted": _l("Quoted"),
    "held": _l("Booth held"),
    "contracted": _l("Contracted"),
    "deposit_paid": _l("Deposit paid"),
    "paid": _l("Paid"),
    "lost": _l("Will not exhibit"),
}
STAGE_TONES = {
    "lead": "neutral",
    "contacted": "info",
    "intent": "info",
    "quoted": "progress",
    "held": "warning",
    "contracted": "success",
    "deposit_paid": "success",
    "paid": "success",
    "lost": "danger",
}
SOURCES = {"rebooking": _l("Exhibited last time"), "won_back": _l("Was here before"), "new": _l("First time here")}
LOST_REASONS = {
    "price": _l("Price too high"),
    "budget": _l("No budget"),
    "date": _l("Date does not suit"),
    "results": _l("Results not good enough"),
    "competitor": _l("Goes to another show"),
    "location": _l("Venue or hall does not suit"),
    "strategy": _l("Changed its strategy"),
    "no_answer": _l("Cannot be reached"),
    "closed": _l("Company closed"),
    "other": _l("Other reason"),
}
RESULTS = {
    "reached": _l("Reached, not decided"),
    "interested": _l("Interested"),
    "callback": _l("Wants to be called back"),
    "not_reached": _l("Not reached"),
    "refused": _l("Will not exhibit"),
}
CASE_STATES = {
    "open": _l("Not assigned yet"),
    "assigned": _l("Assigned"),
    "answered": _l("Answer written"),
    "reviewed": _l("Reviewed"),
    "released": _l("Sent to the customer"),
    "confirmed": _l("Confirmed satisfied"),
    "reopened": _l("Reopened"),
}
CASE_TONES = {
    "open": "warning",
    "assigned": "info",
    "answered": "progress",
    "reviewed": "progress",
    "released": "info",
    "confirmed": "success",
    "reopened": "danger",
}
RETENTION_STATES = {
    "flagged": _l("Flagged as at risk"),
    "assigned": _l("At risk, assigned"),
    "contacted": _l("At risk, contacted"),
    "saved": _l("Saved"),
    "reduced": _l("Stays with less"),
    "lost": _l("Lost"),
}


def pill(label: Any, tone: str) -> Markup:
    return listing.pill(label, tone)


def chips(reasons: Iterable[Reason]) -> Markup:
    """Reasons of a risk as chips, the weightiest first."""
    return Markup(render_template("followup/_chips.html", reasons=[(r, sentence(r)) for r in reasons]))


def sentence(reason: Reason) -> str:
    """Why, in words, with its numbers."""
    p = reason.params
    match reason.code:
        case "detractor":
            return _("Would not recommend us (%(rating)s of 10)", rating=p["rating"])
        case "smaller_stand":
            return _("Stand smaller: %(before)s → %(now)s", before=i18n.m2(p["before"]), now=i18n.m2(p["now"]))
        case "few_leads":
            return ngettext("Only %(num)s lead", "Only %(num)s leads", p["leads"])
        case "complaint_open":
            return ngettext("%(num)s open complaint", "%(num)s open complaints", p["count"])
        case "complaint_late":
            return ngettext("%(num)s complaint answered late", "%(num)s complaints answered late", p["count"])
        case "dissatisfied":
            return ngettext("%(num)s dissatisfied answer", "%(num)s dissatisfied answers", p["count"])
        case "absent_before":
            return ngettext("Absent %(num)s time before", "Absent %(num)s times before", p["count"])
        case "overdue":
            return ngettext("Payment %(num)s day overdue", "Payment %(num)s days overdue", p["days"])
        case "paid_late":
            return ngettext("Paid %(num)s day late", "Paid %(num)s days late", p["days"])
        case "no_contact":
            return ngettext("No contact for %(num)s day", "No contact for %(num)s days", p["days"])
    return str(RISK_RULES[reason.code])
