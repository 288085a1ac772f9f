"""Settings, set-up and the category tree through the browser's eyes."""

from __future__ import annotations

import pytest

from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens(client, cast, lang):
    sign_in(client, cast.admin)
    for path in (
        "/shows/new",
        "/e/fluid-2026/settings",
        "/e/fluid-2026/next",
        "/e/fluid-2026/halls/new",
        f"/e/fluid-2026/halls/{cast.hall.id}",
        "/e/fluid-2026/categories",
        "/e/fluid-2026/categories/new",
        f"/e/fluid-2026/categories/{cast.pumps.id}/new",
        f"/e/fluid-2026/categories/{cast.ball.id}",
    ):
        assert client.get(path, query_string={"lang": lang}).status_code == 200, path
