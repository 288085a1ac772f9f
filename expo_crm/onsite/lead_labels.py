"""The words of lead capture, shared by portal, device and staff pages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.onsite.domain.lead_release import FIELDS, NAMED, Policy
from expo_crm.visitors.domain.vocabulary import consent_text
from expo_crm.web.i18n import locale

STATES: tuple[tuple[str, Any], ...] = (
    ("new", _l("New")),
    ("contacted", _l("Contacted")),
    ("qualified", _l("Qualified")),
    ("quoted", _l("Quoted")),
    ("won", _l("Won")),
    ("lost", _l("Lost")),
)
STATE_TONES = {
    "new": "info",
    "contacted": "progress",
    "qualified": "success",
    "quoted": "progress",
    "won": "success",
    "lost": "neutral",
}
TEMPERATURES: tuple[tuple[str, Any], ...] = (("hot", _l("Hot")), ("warm", _l("Warm")), ("cold", _l("Cold")))
TEMPERATURE_TONES = {"hot": "danger", "warm": "warning", "cold": "info"}
KINDS: tuple[tuple[str, Any], ...] = (
    ("single", _l("One of several")),
    ("multi", _l("Several of several")),
    ("text", _l("Free text")),
    ("number", _l("A number")),
)
FIELD_NAMES: dict[str, Any] = {
    "name": _l("Name"),
    "company": _l("Company"),
    "job_title": _l("Job title"),
    "phone": _l("Phone"),
    "email": _l("E-mail"),
    "country": _l("Country or region"),
    "answers": _l("Answers at registration"),
}


def comma() -> str:
    return "、" if locale() == "zh" else ", "


def field_list(fields: tuple[str, ...]) -> str:
    """The fields in words of a sentence."""
    names = (str(FIELD_NAMES[f]) for f in FIELDS if f in fields)
    return comma().join(n if locale() == "zh" else n[:1].lower() + n[1:] for n in names)


def ask_text(company: str, policy: Policy) -> str:
    """What the visitor reads on the exhibitor's screen before the tap: who gets what, for what, and how to end it."""
    wording = consent_text("lead_sharing")
    named = NAMED.get(wording.version if wording else "", FIELDS)
    fields = field_list(tuple(f for f in policy.fields if f in named))
    return _(
        "The organizer gives %(company)s my %(fields)s, so that it can answer my enquiry. %(company)s is then responsible for these"
        " data itself. I can withdraw this at any time on my registration page; a mail with the link comes to me.",
        company=company,
        fields=fields,
    )


def device_texts() -> dict[str, str]:
    """The words of the device's own states."""
    return {
        "hint": _("Hold the QR code of the badge in front of the camera"),
        "working": _("Storing…"),
        "notStored": _("This device could not store the scan. Free some storage or leave the private window."),
        "notABadge": _("This is no badge of a show."),
        "genuine": _("Genuine badge"),
        "notGenuine": _("The badge could not be checked here."),
        "wrongShow": _("A badge of another show"),
        "offlineStored": _("Stored on this device. The data come when there is a connection."),
        "noData": _("Stored. There are no data to show."),
        "stored": _("Stored."),
        "again": _("Scanned {n} times, first by {who}"),
        "saving": _("Saving…"),
        "saved": _("Notes saved"),
        "savedHere": _("Saved on this device"),
        "notSaved": _("Not saved: {why}"),
        "online": _("Online"),
        "offline": _("No connection"),
        "busy": _("Server busy"),
        "queued": _("{n} waiting"),
        "hot": _("Hot"),
        "warm": _("Warm"),
        "cold": _("Cold"),
        "stars": _("{n} of 5"),
        "nobody": _("Visitor without data"),
        "thanks": _("Thank you. Your data were passed on."),
        "thanksLater": _("Thank you. Your answer is stored."),
        "function": _("Function"),
        "buying_role": _("Part in purchases"),
        "looking_for": _("Looking for"),
        "field_phone": _("Phone"),
        "field_email": _("E-mail"),
        "field_country": _("Country or region"),
        "giveBackWaiting": _("{n} entries wait here for a connection. Try again when they are uploaded."),
        "number": _("Please enter a number, for example 12.5."),
        "required": _("required"),
        "handing": _("Handing over {n} stored readings and notes. Please leave this page open."),
        "handed": _("Everything was handed over. Whoever manages the stand decides about it."),
        "revoked": _("This device was withdrawn. Ask whoever manages your stand for a new pairing code."),
        "lost": _("{n} scans of this device never arrived. Please tell whoever manages your stand."),
        "clock": _("The clock of this device is wrong by {n} minutes. Please set it right."),
        "cameraStarts": _("Starting the camera…"),
        "cameraOff": _("The camera is off"),
        "cameraOffHelp": _("A hand scanner works now. Switch the camera on with the button below."),
        "cameraDenied": _("The camera is not allowed"),
        "cameraDeniedHelp": _(
            "Allow the camera for this page: touch the lock beside the address, then Permissions, Camera, Allow. "
            "A hand scanner works without it."
        ),
        "cameraMissing": _("No camera found"),
        "cameraMissingHelp": _("Use a hand scanner, or type the code."),
        "cameraInUse": _("The camera does not start"),
        "cameraInUseHelp": _("Another app may be using it. Close that app and try again. A hand scanner works meanwhile."),
        "cameraInsecure": _("The camera needs a secure connection"),
        "cameraInsecureHelp": _("Open this page by its https address. A hand scanner and typed codes work here."),
        "cameraDecoder": _("The code reader could not be loaded"),
        "cameraDecoderHelp": _("Check the connection and try again. A hand scanner works meanwhile."),
    }
