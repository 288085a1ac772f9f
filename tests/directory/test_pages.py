"""Every page of the directory opens, for those who may, in both languages."""

from __future__ import annotations

import pytest

from expo_crm.directory.services import activities
from tests.support.cast import NOW, play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens(client, session, cast, lang):
    activities.plan_next_action(cast.companies[0].id, subject="回访", due_at=NOW, owner_id=cast.sales.id)
    sign_in(client, cast.sales)
    company = cast.companies[0].id
    for path in (
        "/companies",
        "/companies?q=禾川",
        "/companies?q=nichtda",
        "/companies/new",
        f"/companies/{company}",
        f"/companies/{company}/edit",
        f"/companies/{company}/people/new",
        "/companies/similar?name_zh=禾川泵业",
        "/people",
        f"/people/{cast.contact.id}",
        f"/people/{cast.contact.id}/edit",
        "/my-day",
        "/my-day?when=open&owner=all",
    ):
        response = client.get(path, query_string=None if "?" in path else {"lang": lang})
        assert response.status_code == 200, path
