"""Two people at one company: the second sees both values and may still save his."""

from __future__ import annotations

import re

import pytest

from tests.support.cast import play, sign_in
from tests.support.pages import check


@pytest.fixture
def cast(session):
    return play(session)


def test_the_second_editor_of_a_company_sees_both_and_decides(client, cast, session):
    sign_in(client, cast.sales)
    company = cast.companies[0]
    url = f"/companies/{company.id}/edit"
    form = client.get(url).get_data(as_text=True)
    data = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    data = {k: v for k, v in data.items() if k != "key_account"} | {"country": company.country}
    assert client.post(url, data=data | {"city": "苏州"}).status_code == 302
    second = client.post(url, data=data | {"city": "无锡"})
    assert second.status_code == 409
    check(second)
    page = second.get_data(as_text=True)
    assert "苏州" in page and "无锡" in page
    again = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    assert client.post(url, data=again | {"aliases": ""}).status_code == 302
    session.expire_all()
    assert company.city == "无锡"
