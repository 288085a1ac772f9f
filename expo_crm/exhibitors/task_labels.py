"""Names of the exhibitors' tasks, for pages and mails."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors.domain.portal import Role, TaskKey, TaskState

TITLES: dict[TaskKey, Any] = {
    TaskKey.CONTRACT: _l("Sign the contract"),
    TaskKey.DEPOSIT: _l("Pay the deposit"),
    TaskKey.BALANCE: _l("Pay the balance"),
    TaskKey.ENTRY: _l("Complete the directory entry"),
    TaskKey.OFFERS: _l("Say what you show"),
    TaskKey.FASCIA: _l("Confirm the fascia name"),
    TaskKey.BUILD: _l("Get the stand design approved"),
    TaskKey.SERVICES: _l("Order services for the stand"),
    TaskKey.BADGES: _l("Name the people on your stand"),
    TaskKey.INVITE: _l("Invite your customers"),
}
TEXTS: dict[TaskKey, Any] = {
    TaskKey.CONTRACT: _l("Print it, sign it, send it back to your contact."),
    TaskKey.DEPOSIT: _l("The booth is yours for certain when it has arrived."),
    TaskKey.BALANCE: _l("Before the show opens."),
    TaskKey.ENTRY: _l("Name and introduction in Chinese and English."),
    TaskKey.OFFERS: _l("Visitors find you by product category."),
    TaskKey.FASCIA: _l("It is printed on the board above your stand."),
    TaskKey.BUILD: _l("Drawings of a custom-built stand are checked before you may build."),
    TaskKey.SERVICES: _l("Power, furniture and more, or say that you need nothing."),
    TaskKey.BADGES: _l("They get exhibitor badges; how many depends on your stand area."),
    TaskKey.INVITE: _l("Invited visitors are the ones most likely to come."),
}
LOOKS: dict[TaskState, tuple[Any, str]] = {
    TaskState.DONE: (_l("Done"), "success"),
    TaskState.OVERDUE: (_l("Overdue"), "danger"),
    TaskState.SOON: (_l("Due soon"), "warning"),
    TaskState.OPEN: (_l("Not done"), "info"),
}
ROLES: dict[str, Any] = {
    Role.MAIN: _l("Main contact (everything)"),
    Role.FINANCE: _l("Finance (contract, invoices, services)"),
    Role.STAFF: _l("Stand staff (leads, badges, meetings)"),
}
BUILD_STATES: dict[str, tuple[Any, str]] = {
    "": (_l("No drawings yet"), "neutral"),
    "submitted": (_l("Submitted"), "progress"),
    "changes": (_l("Changes asked for"), "warning"),
    "approved": (_l("Approved"), "success"),
}
CHANGE_STATES: dict[str, tuple[Any, str]] = {
    "open": (_l("Under review"), "progress"),
    "approved": (_l("Approved"), "success"),
    "refused": (_l("Refused"), "danger"),
    "withdrawn": (_l("Withdrawn"), "neutral"),
}
ENTRY_LABELS: dict[str, Any] = {
    "name_zh": _l("Company name in Chinese"),
    "name_en": _l("Company name in English"),
    "intro_zh": _l("Introduction in Chinese"),
    "intro_en": _l("Introduction in English"),
    "website": _l("Website"),
    "brands": _l("Brands"),
    "categories": _l("What you show"),
}
REFUSALS: dict[str, Any] = {
    "closed": _l("The last day for this has passed. Please ask the organizer."),
    "fascia-empty": _l("Please enter the name in one of the two languages."),
    "fascia-long": _l("This name is too long for the fascia: at most 20 Chinese or 40 Latin characters."),
    "blank": _l("This field is required."),
    "stale": _l("This has changed in the meantime. Please look at it again."),
    "approved": _l("The drawings are approved already. Ask the organizer before you change the stand."),
    "nothing-changed": _l("Nothing has changed."),
    "frozen": _l("The directory is being printed. Only the organizer changes entries now."),
    "empty": _l("Please choose a file."),
    "too-large": _l("This file is larger than 20 MB."),
    "kind": _l("Please choose a complete PDF, PNG or JPG file."),
}
