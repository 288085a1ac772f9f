"""What the packages above put on the company page and the person page: timeline entries, panels, figures.

Called once per package from ``app.connect``::

    timeline.register(app, "contracts", source)              # source(company_id) -> list[TimelineItem]
    timeline.register_panel(app, "contracts", _l("Contracts"), render, order=30)   # render(company_id) -> Markup | None
    timeline.register_panel(app, "registrations", _l("Registrations"), render, order=10, page="person")
    timeline.register_figures(app, "money", figures, order=30)   # figures(company_id) -> list[Figure]

A callback runs inside the request of the page, on the server: one request, works without scripts. It must ask the
database a constant number of times, must not write, and returns an empty list or None when it has nothing to show.
It checks permissions itself where it shows more than ``Permission.VIEW`` allows (money is shown to all staff).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

_EXTENSION = "expo_timeline"

KINDS: dict[str, Any] = {
    "activity": _l("Calls and notes"),
    "recruitment": _l("Recruitment"),
    "contract": _l("Contracts"),
    "money": _l("Money"),
    "visitor": _l("Visitor registrations"),
    "onsite": _l("Show days"),
    "meeting": _l("Meetings"),
    "survey": _l("Surveys"),
    "case": _l("Service cases"),
    "retention": _l("Retention"),
}
"""The kinds by which the timeline filters; every item has one of them."""


@dataclass(frozen=True)
class TimelineItem:
    """One line of the timeline.

    ``kind`` is one of ``KINDS``; ``tone``: neutral, info, progress, success, warning, danger; ``icon``: a Tabler name;
    ``phase``: before, during, after or "" ; ``title`` and ``body`` are translated plain texts.
    """

    at: dt.datetime
    kind: str
    icon: str
    title: str
    tone: str = "neutral"
    body: str = ""
    url: str = ""
    who: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Figure:
    """A key figure of the header: already formatted value, and its definition in one sentence."""

    label: str
    value: str
    icon: str = ""
    hint: str = ""
    definition: str = ""
    url: str = ""


@dataclass(frozen=True)
class Panel:
    key: str
    title: Any
    render: Callable[[int], Markup | None]
    order: int


@dataclass
class _Registry:
    sources: dict[str, Callable[[int], list[TimelineItem]]] = field(default_factory=dict)
    panels: dict[tuple[str, str], Panel] = field(default_factory=dict)
    figures: dict[str, tuple[int, Callable[[int], list[Figure]]]] = field(default_factory=dict)


def _of(app: Flask) -> _Registry:
    return app.extensions.setdefault(_EXTENSION, _Registry())


def register(app: Flask, name: str, source: Callable[[int], list[TimelineItem]]) -> None:
    """``source(company_id)`` gives what a package knows about the company; ``name`` makes a second call harmless."""
    _of(app).sources[name] = source


def register_panel(
    app: Flask, key: str, title: Any, render: Callable[[int], Markup | None], *, order: int = 50, page: str = "company"
) -> None:
    """A panel on the company page (``render(company_id)``) or, with ``page="person"``, on the person page.

    ``render`` gives the inside of a card (the card and its title are made here), or None to leave the panel out.
    """
    _of(app).panels[(page, key)] = Panel(key, title, render, order)


def register_figures(app: Flask, name: str, figures: Callable[[int], list[Figure]], *, order: int = 50) -> None:
    """Key figures in the header of the company page."""
    _of(app).figures[name] = (order, figures)


def once(key: str, company_id: int, read: Callable[[int], list[Any]]) -> list[Any]:
    """What ``read`` finds for a company; asked once when several parts of a page show the same."""
    kept: dict[tuple[str, int], list[Any]] = g.setdefault("company_page", {})
    if (key, company_id) not in kept:
        kept[key, company_id] = read(company_id)
    return kept[key, company_id]


def items_of(company_id: int) -> list[TimelineItem]:
    """Everything all packages know about the company, newest first."""
    found = [item for source in _of(current_app).sources.values() for item in source(company_id)]  # type: ignore[arg-type]
    return sorted(found, key=lambda item: item.at, reverse=True)


def panels_of(page: str, subject_id: int) -> list[tuple[Panel, Markup]]:
    """The filled panels of a page, in their order."""
    mine = sorted((p for (where, _key), p in _of(current_app).panels.items() if where == page), key=lambda p: p.order)  # type: ignore[arg-type]
    return [(panel, body) for panel in mine if (body := panel.render(subject_id))]


def figures_of(company_id: int) -> list[Figure]:
    ordered = sorted(_of(current_app).figures.values(), key=lambda pair: pair[0])  # type: ignore[arg-type]
    return [figure for _order, figures in ordered for figure in figures(company_id)]
