"""The vocabulary of what staff may do."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """What a staff member may do; named after the work, not after a screen."""

    VIEW = "view"  # look at companies, figures, lists
    CONTACT_DATA = "contact_data"  # see e-mail and phone of people
    EXPORT = "export"
    COMPANY_EDIT = "company_edit"
    IMPORT = "import"
    SELL = "sell"  # pipeline, holds, contracts
    MONEY = "money"  # invoices, payments
    REGISTRATION = "registration"  # visitors: review, create, correct, print badges
    GATE = "gate"  # devices, gates, overrides
    MATCH = "match"
    SURVEY = "survey"
    RETENTION = "retention"
    OUTBOX = "outbox"
    SETTINGS = "settings"
    USERS = "users"
    AUDIT = "audit"
