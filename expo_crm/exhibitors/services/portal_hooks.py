"""What the portal shows of the packages above. ``app.connect`` fills these in.

``expo_offers``: an object with ``get(participation_id) -> dict[int, str]`` (category → own words),
``set(participation, offers)`` and ``add(pairs) -> int`` (pairs of participation and category, known ones count nothing).
``expo_invitation_use``: ``(*invitation_link_ids) -> InvitationUse``.
``expo_stand_badges``: an object with ``list(participation_id) -> list[StandBadge]``, ``issue(participation, name)`` and
``withdraw(participation, badge_id)`` (raises LookupError).
Counts of exhibitors: ``add_counter(app, name, count)`` with ``count(participation_ids) -> {participation_id: {key: number}}``.
Pages of their own: ``add_page(app, …)``; such a view calls ``portal.enter(participation_id)`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    link_id: int = 0


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


def invitation_use(*link_ids: int) -> InvitationUse:
    """Who came by these links of one exhibitor."""
    ask = current_app.extensions.get("expo_invitation_use")
    return ask(*link_ids) if ask and link_ids else InvitationUse()


@dataclass(frozen=True)
class StandBadge:
    """A badge of somebody on the stand; ``live`` while it opens the gates."""

    id: int
    name: str
    state: str
    live: bool
    issued_at: Any


def list_badges(participation_id: int, *, all_states: bool = False) -> list[StandBadge]:
    store = current_app.extensions.get("expo_stand_badges")
    found: list[StandBadge] = store.list(participation_id) if store else []
    return found if all_states else [b for b in found if b.live]


def issue_badge(participation: Participation, name: str) -> None:
    store = current_app.extensions.get("expo_stand_badges")
    if store:
        store.issue(participation, name)


def withdraw_badge(participation: Participation, badge_id: int) -> None:
    """Raises LookupError when it is no badge of this exhibitor."""
    store = current_app.extensions.get("expo_stand_badges")
    if store is None:
        raise LookupError(badge_id)
    store.withdraw(participation, badge_id)


Counter = Callable[[Sequence[int]], dict[int, dict[str, int]]]
_COUNTERS = "expo_portal_counters"


def add_counter(app: Flask, name: str, count: Counter) -> None:
    """Let a package above count something of each exhibitor; one statement or few, however many there are."""
    app.extensions.setdefault(_COUNTERS, {})[name] = count


def counts(participation_ids: Sequence[int], *names: str) -> dict[int, dict[str, int]]:
    """participation id → key → number, from the named counters."""
    counters: dict[str, Counter] = current_app.extensions.get(_COUNTERS, {})
    out: dict[int, dict[str, int]] = {}
    for name in names:
        if name in counters and participation_ids:
            for pid, values in counters[name](participation_ids).items():
                out.setdefault(pid, {}).update(values)
    return out
