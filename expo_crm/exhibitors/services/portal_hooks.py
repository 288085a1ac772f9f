"""What the portal shows of the packages above. ``app.connect`` fills these in.

``expo_offers``: an object with ``get(participation_id) -> dict[int, str]`` (category → own words),
``set(participation, offers)`` and ``add(pairs) -> int`` (pairs of participation and category, known ones count nothing).
``expo_invitation_use``: ``(invitation_link_id) -> InvitationUse``.
Pages of their own: ``add_page(app, …)``; such a view calls ``portal.enter(participation_id)`` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from expo_crm.directory.models import Participation

_PAGES = "expo_portal_pages"


@dataclass(frozen=True)
class Page:
    """An entry of the portal's bar; its view takes ``participation_id``."""

    endpoint: str
    label: Any
    icon: str
    order: int


@dataclass(frozen=True)
class Guest:
    """Somebody who registered through the exhibitor's link. ``state`` as the registration's, ``attended`` at the show."""

    name: str
    company: str
    state: str
    attended: bool
    at: Any


@dataclass(frozen=True)
class InvitationUse:
    registered: int = 0
    attended: int = 0
    guests: tuple[Guest, ...] = ()


def add_page(app: Flask, endpoint: str, label: Any, icon: str, *, order: int = 60) -> None:
    """Put a page of a package above into the portal."""
    app.extensions.setdefault(_PAGES, []).append(Page(endpoint, label, icon, order))


def pages() -> list[Page]:
    return sorted(current_app.extensions.get(_PAGES, ()), key=lambda p: p.order)


def offers_of(participation_id: int) -> dict[int, str]:
    store = current_app.extensions.get("expo_offers")
    return dict(store.get(participation_id)) if store else {}


def set_offers(participation: Participation, offers: dict[int, str]) -> None:
    store = current_app.extensions.get("expo_offers")
    if store:
        store.set(participation, offers)


def add_offers(pairs: list[tuple[int, int]]) -> int:
    store = current_app.extensions.get("expo_offers")
    return int(store.add(pairs)) if store and pairs else 0


def invitation_use(link_id: int) -> InvitationUse:
    ask = current_app.extensions.get("expo_invitation_use")
    return ask(link_id) if ask else InvitationUse()
