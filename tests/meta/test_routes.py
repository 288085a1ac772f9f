"""Every view names who may call it, and every address answers a stranger with a door, never with content or a crash."""

from __future__ import annotations

import re

from expo_crm.web.policy import Policy

# What anybody may see without an account. Each line is a decision; a new public view is added here knowingly.
PUBLIC = {
    "home",
    "health.healthz",
    "accounts.forgot",
    "accounts.sign_in",
    "visitors.register",
    "visitors.privacy",
    "visitors.exhibitors",
    "exhibitors.public_plan",
    "onsite.lead",  # tells a device that is not paired what to do
    "onsite.programme",
    "onsite.programme_calendar",
    "onsite.gate",  # tells a device that is not paired what to do
    "onsite.kiosk",  # the same
    "onsite.print_station",  # the same
    "onsite.service_worker",  # files and icons of the device pages, nothing of the show
    "onsite.web_manifest",
    "onsite.device_icon",
}


def views(app):
    return {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    }


def test_every_view_has_a_policy(app):
    missing = [
        endpoint for endpoint, view in views(app).items() if not isinstance(getattr(view, "policy", None), Policy)
    ]
    assert not missing


def test_the_public_views_are_the_listed_ones(app):
    """The others are opened by a token or code in their address, which the view itself checks."""
    public = {endpoint for endpoint, view in views(app).items() if view.policy.kind == "public"}
    by_token = {rule.endpoint for rule in app.url_map.iter_rules() if re.search(r"<(token|code)>", rule.rule)}
    assert public - by_token == PUBLIC


def test_a_stranger_gets_no_content(app, client):
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint == "static" or view.policy.kind == "public":
            continue
        path = re.sub(r"<int:[^>]+>", "999999", rule.rule)
        path = re.sub(r"<[^>]+>", "nothing-here", path)
        for method in sorted(rule.methods & {"GET", "POST"}):
            response = client.open(path, method=method)
            assert response.status_code in {302, 401, 403, 404, 405}, (method, path, response.status_code)
            if response.status_code == 302:
                assert "/sign-in" in response.headers["Location"], (method, path)
