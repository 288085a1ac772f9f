"""Starts the inventory: what it has to say to holds and freed booths, its job, its part of the booth panel, its counts."""

from __future__ import annotations

from flask import Flask, render_template
from markupsafe import Markup

from expo_crm import jobs
from expo_crm.exhibitors.models import Booth


def init_app(app: Flask) -> None:
    from expo_crm.exhibitors import queries_inventory
    from expo_crm.exhibitors.services import (
        booth_hooks,
        booth_requests,
        neighbours,
        price_lists,
        price_overrides,
        waiting,
    )

    booth_hooks.before_hold["neighbours"] = neighbours.before_hold
    booth_hooks.freed["price"] = price_overrides.follow_freed
    booth_hooks.freed["waiting"] = waiting.follow_freed
    booth_hooks.lost["requests"] = booth_requests.follow_lost
    jobs.register(app, "exhibitors.follow_prices", lambda _payload, _progress: {"prices": price_lists.follow_day()})
    jobs.register(app, "exhibitors.waiting_list", lambda _payload, _progress: waiting.run())
    app.context_processor(lambda: {"booth_inventory": booth_panel})
    app.extensions.setdefault("expo_navigation_counts", {})["exhibitors.inventory"] = queries_inventory.to_decide


def booth_panel(booth: Booth) -> Markup:
    """What the inventory knows of a booth, for the panel beside the plan: price, who waits, what is asked, neighbours."""
    from expo_crm.exhibitors.views import booth_facts

    return Markup(render_template("exhibitors/inventory/_panel.html", **booth_facts.of(booth)))
