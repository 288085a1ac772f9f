"""What this package needs from those above it. ``app.connect`` fills these in.

``expo_interests``: an object with ``set(registration, category_ids)`` and ``get(registration_id) -> set[int]``.
``expo_ticket_code``: ``(registration) -> str``.
``expo_registration_closed``: ``(registration) -> None``, called after a cancellation or rejection.
``expo_registration_changed``: ``(registration) -> None``, called when name, company, class or state
are changed: the badge and the gates follow.
``expo_programme``: ``(edition_id) -> bool`` that there is a public programme, at ``onsite.programme``.
``expo_attended``: ``(registration_id_column) -> SQL condition`` that the registration has a counted entry.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement

from expo_crm.visitors.models import Registration


def set_interests(registration: Registration, category_ids: tuple[int, ...]) -> None:
    store = current_app.extensions.get("expo_interests")
    if store:
        store.set(registration, category_ids)


def get_interests(registration: Registration) -> set[int]:
    store = current_app.extensions.get("expo_interests")
    return set(store.get(registration.id)) if store else set()


def attended(column: Any) -> ColumnElement[bool] | None:
    condition = current_app.extensions.get("expo_attended")
    return condition(column) if condition else None


def closed(registration: Registration) -> None:
    """Tell the packages above that this visitor is not coming."""
    tell = current_app.extensions.get("expo_registration_closed")
    if tell:
        tell(registration)


def changed(registration: Registration) -> None:
    """Tell the packages above that what stands on the badge, or whether it holds, is another now."""
    tell = current_app.extensions.get("expo_registration_changed")
    if tell:
        tell(registration)


def has_programme(edition_id: int) -> bool:
    """Whether the page of registration has a programme to point to."""
    ask = current_app.extensions.get("expo_programme")
    return bool(ask and ask(edition_id))
