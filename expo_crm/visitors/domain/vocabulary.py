"""The closed lists of the registration form, and the texts of its consents with their versions."""

from __future__ import annotations

from dataclasses import dataclass

from expo_crm.lib.i18n import N_

FUNCTIONS: dict[str, str] = {
    "management": N_("Management"),
    "purchasing": N_("Purchasing"),
    "engineering": N_("Engineering and design"),
    "production": N_("Production and maintenance"),
    "research": N_("Research and development"),
    "sales": N_("Sales and marketing"),
    "quality": N_("Quality and safety"),
    "education": N_("Education"),
    "government": N_("Government or association"),
    "other": N_("Other"),
}

BUYING_ROLES: dict[str, str] = {
    "decide": N_("I decide on purchases"),
    "prepare": N_("I prepare the decision"),
    "advise": N_("I advise"),
    "use": N_("I use the products"),
    "none": N_("I have no part in purchases"),
}

SOURCES: dict[str, str] = {
    "web": N_("Registration page"),
    "invitation": N_("Invited by an exhibitor"),
    "onsite": N_("On site"),
    "desk": N_("Registration desk"),
    "import": N_("Import"),
    "group": N_("Group registration"),
}

STATES: dict[str, str] = {
    "submitted": N_("Submitted"),
    "in_review": N_("In review"),
    "approved": N_("Approved"),
    "returned": N_("Returned for completion"),
    "rejected": N_("Rejected"),
    "cancelled": N_("Cancelled"),
}

TONES: dict[str, str] = {
    "submitted": "info",
    "in_review": "progress",
    "approved": "success",
    "returned": "warning",
    "rejected": "danger",
    "cancelled": "neutral",
}


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a person is asked to agree to. A change of the words needs a new version."""

    purpose: str
    version: str
    title: str
    text: str


CONSENTS: tuple[ConsentText, ...] = (
    ConsentText(
        "lead_sharing",
        "lead-2026-2",
        N_("Pass my contact data to exhibitors who scan my badge"),
        N_(
            "When an exhibitor of this edition scans my badge at the stand, the organizer gives that exhibitor at most my name, company,"
            " job title, e-mail, phone, country and my answers about my function, my part in purchases and what I look for, so that it"
            " can answer my enquiry. The exhibitor is then responsible for these data itself. On my registration page I see who received"
            " them and can withdraw this, from one or from all, at any time; entry does not depend on it."
        ),
    ),
    ConsentText(
        "marketing",
        "marketing-2026-1",
        N_("Send me news about this and later editions"),
        N_("The organizer may write to me by e-mail about this show. I can stop that at any time with one click."),
    ),
)


def consent_text(purpose: str) -> ConsentText | None:
    return next((c for c in CONSENTS if c.purpose == purpose), None)
