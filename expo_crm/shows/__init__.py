"""Show, edition, halls, opening days and the category tree."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, g, request, session


def init_app(app: Flask) -> None:
    """Every address with ``<edition>`` in it works on that edition: loaded once, as ``g.edition``, or 404."""
    from expo_crm.shows import queries

    @app.url_value_preprocessor
    def note_edition(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.edition_slug = (values or {}).pop("edition", None)

    @app.url_defaults
    def carry_edition(endpoint: str, values: dict[str, Any]) -> None:
        if (
            "edition" not in values
            and g.get("edition") is not None
            and app.url_map.is_endpoint_expecting(endpoint, "edition")
        ):
            values["edition"] = g.edition.slug

    @app.before_request
    def load_edition() -> None:
        if g.get("edition_slug"):
            # A page of the staff names every edition in its menu: one question for both.
            page = request.method == "GET" and request.path.startswith("/e/") and "HX-Request" not in request.headers
            listed = queries.list_editions() if page else ()
            g.edition = next((e for e in listed if e.slug == g.edition_slug), None) if page else queries.find_edition(g.edition_slug)
            if g.edition is None:
                abort(404)
            # Pages without an edition (companies, people) lead back to the one that was worked on last.
            if request.method == "GET" and session.get("edition") != g.edition.slug and session.get("_user_id"):
                session["edition"] = g.edition.slug
