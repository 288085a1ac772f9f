"""A list kept under a name: its own, a colleague's, and nobody else's."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from expo_crm.accounts.models import SavedView
from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


def save(client, **values):
    given = {
        "list_id": "companies",
        "name": "我的德国客户",
        "args": "q=pump&country=DE&cols=owner&page=7&view=3",
        "back": "/companies?page=7",
    }
    return client.post("/views", data={**given, **values})


def test_a_view_is_kept_opened_replaced_and_deleted(client, session, cast):
    sign_in(client, cast.sales)
    made = save(client)
    view = session.scalars(select(SavedView)).one()
    assert made.location == f"/companies?q=pump&country=DE&cols=owner&view={view.id}"
    page = client.get(made.location).get_data(as_text=True)
    assert "我的德国客户" in page and 'value="q=pump&amp;country=DE&amp;cols=owner"' in page
    save(client, args="q=valve")
    session.expire_all()
    assert session.scalars(select(SavedView)).one().args == "q=valve"
    save(client, name="另一个")
    rename = {"back": "/companies", "name": "另一个"}
    answers = [client.post(f"/views/{view.id}/rename", data={**rename, "name": name}) for name in ("另一个", " ", "新名")]
    assert [answer.status_code for answer in answers] == [409, 422, 302]
    session.expire_all()
    assert (view.name, view.args) == ("新名", "q=valve")
    session.delete(session.scalar(select(SavedView).where(SavedView.id != view.id)))
    session.commit()
    assert client.post(f"/views/{view.id}/delete", data={"back": "/companies"}).location == "/companies"
    assert session.scalars(select(SavedView)).all() == []


def test_only_shared_views_are_seen_by_others(client, session, cast):
    sign_in(client, cast.sales)
    save(client, name="私有")
    save(client, name="共用", shared="y")
    shared = session.scalar(select(SavedView).where(SavedView.shared))
    private = session.scalar(select(SavedView).where(~SavedView.shared))
    client.get("/companies")  # shows what was saved, once
    client.post("/sign-out")
    sign_in(client, cast.finance)
    page = client.get("/companies").get_data(as_text=True)
    names = re.findall(r'href="/companies\?[^"]*view=\d+"[^>]*>\s*<span>([^<]*)</span>', page)
    assert names == ["共用"]
    assert client.post(f"/views/{shared.id}/delete").status_code == 404
    assert client.post(f"/views/{shared.id}/rename", data={"name": "x"}).status_code == 404
    client.post("/sign-out")
    sign_in(client, cast.admin)
    assert client.post(f"/views/{private.id}/delete").status_code == 404
    assert client.post(f"/views/{shared.id}/delete").status_code == 302


@pytest.mark.parametrize("back", ["//evil.example/x", "https://evil.example", "/\\evil.example", "", "/a b"])
def test_it_never_leads_away_from_this_site(client, cast, back):
    sign_in(client, cast.sales)
    assert save(client, back=back).location.startswith("/?")


def test_bad_input(client, session, cast):
    sign_in(client, cast.sales)
    assert save(client, name=" \u200b").status_code == 422
    assert save(client, list_id="../x").status_code == 400
    assert save(client, args="a=" + "x" * 9000).status_code == 302
    assert len(session.scalars(select(SavedView)).one().args) < 600
