"""A refusal is a whole page in the reader's language, for strangers and for staff, wherever it happens."""

from __future__ import annotations

import pytest

from tests.support.cast import play, sign_in

GONE = ("/nope", "/r/nothing", "/i/nothing", "/v/nothing", "/s/nothing", "/m/nothing", "/welcome/nothing", "/gate/pair/nothing")


@pytest.mark.parametrize("address", GONE)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_gone_is_told_in_words(client, address, language):
    response = client.get(f"{address}?lang={language}")
    assert response.status_code in {404, 410}
    page = response.get_data(as_text=True)
    assert "<h1" in page and "<title>" in page, page[:200]


@pytest.mark.parametrize("address", ["/e/nothing", "/e/nothing/plan", "/companies/99999999", "/e/fluid-2026/contracts/99999999"])
def test_staff_get_the_page_with_their_navigation(client, session, address):
    sign_in(client, play(session).admin)
    response = client.get(address)
    assert response.status_code == 404
    assert "<h1" in response.get_data(as_text=True)
