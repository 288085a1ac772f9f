"""Addresses of built assets, from the manifest that the front-end build leaves."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from flask import url_for
from markupsafe import Markup

DIST = Path(__file__).resolve().parent.parent / "static" / "dist"


@cache
def manifest() -> dict[str, str]:
    """Logical name → hashed file. Raises FileNotFoundError with the remedy when the front end was never built."""
    path = DIST / "manifest.json"
    if not path.exists():
        raise FileNotFoundError("the front end is not built: run `make build`")
    return json.loads(path.read_text())


def asset(name: str) -> str:
    """URL of an asset by its logical name, as ``app.js``."""
    return url_for("static", filename=f"dist/{manifest()[name]}")


@cache
def _icons() -> dict[str, str]:
    return json.loads((DIST / manifest().get("icons.json", "icons.json")).read_text())


@cache
def icon(name: str, cls: str = "") -> Markup:
    """An outline icon of the Tabler family, inlined and hidden from screen readers. Raises KeyError for a wrong name."""
    body = _icons()[name]
    return Markup(  # noqa: S704 - both parts come from the build, never from a user
        f'<svg class="icon {cls}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        f' stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{body}</svg>'
    )
