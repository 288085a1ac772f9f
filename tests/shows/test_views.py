"""Set-up, settings and categories: who may, what is refused, what is stored."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import func, select

from expo_crm.accounts.models import User, UserRole
from expo_crm.shows.models import Category, Edition, Hall, Show
from tests.support.cast import NOW, PASSWORD, play, sign_in

E = "/e/fluid-2026"


@pytest.fixture
def cast(session):
    return play(session)


WRITES = [
    ("GET", "/shows/new"),
    ("POST", "/shows/new"),
    ("GET", E + "/settings"),
    ("POST", E + "/settings"),
    ("POST", E + "/settings/show"),
    ("POST", E + "/settings/hours"),
    ("GET", E + "/next"),
    ("POST", E + "/next"),
    ("GET", E + "/halls/new"),
    ("POST", E + "/halls/{hall}"),
    ("GET", E + "/categories/new"),
    ("POST", E + "/categories/{category}"),
    ("POST", E + "/categories/{category}/move/up"),
    ("POST", E + "/categories/{category}/retire"),
]


def test_only_settings_people_change_settings(app, client, cast):
    paths = [(m, p.format(hall=cast.hall.id, category=cast.pumps.id)) for m, p in WRITES]
    for method, path in paths:
        assert client.open(path, method=method).status_code in (302, 401), path
    sign_in(client, cast.sales)
    for method, path in paths:
        assert client.open(path, method=method).status_code == 403, path
    assert client.get(E + "/categories").status_code == 200


def test_children_are_loaded_through_their_edition_and_show(client, session, cast):
    other = Show(code="other", name_zh="别的展", name_en="Other")
    session.add(other)
    session.flush()
    foreign = Category(show_id=other.id, code="1", name_zh="外", name_en="Foreign")
    session.add(foreign)
    session.flush()
    number = foreign.id
    sign_in(client, cast.admin)
    for path in (
        f"/e/fluid-2025/halls/{cast.hall.id}",
        f"{E}/categories/{number}",
        f"{E}/categories/{number}/new",
        f"{E}/categories/{'9' * 25}",
        "/e/nothing/settings",
        "/e/%3Cscript%3E/settings",
    ):
        assert client.get(path).status_code == 404, path
    assert client.post(f"{E}/categories/{number}/retire").status_code == 404
    assert client.post(f"{E}/categories/{cast.pumps.id}/move/sideways").status_code == 404
    assert client.post(f"{E}/categories/{cast.metering.id}", data={"name_zh": "x", "parent_id": str(number)}).status_code == 422


FIRST = {
    "name_zh": "海港物流展",
    "name_en": "Harbour Logistics Expo",
    "code": "harbour",
    "starts_on": "2027-05-04",
    "ends_on": "2027-05-06",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
}


def test_an_empty_installation_is_set_up_in_one_go(client, session):
    from expo_crm.accounts.services import hasher

    admin = User(
        email="first@example.com", name="First", password_hash=hasher.hash(PASSWORD), created_at=NOW, roles=[UserRole(role="admin")]
    )
    session.add(admin)
    session.flush()
    sign_in(client, admin)
    assert client.get("/").headers["Location"].endswith("/shows/new")
    bad = [
        {"name_zh": "\u3164", "name_en": " "},
        {"ends_on": "2027-05-03"},
        {"ends_on": "2027-02-30"},
        {"starts_on": "0001-01-01"},
        {"code": "海港"},
        {"timezone": "Mars/Olympus"},
        {"currency": "XXX"},
        {"privacy_contact": "a@b%0aBcc:c"},
    ]
    for change in bad:
        response = client.post("/shows/new", data={**FIRST, **change})
        assert response.status_code == 422 and "is-invalid" in response.get_data(as_text=True), change
    assert session.scalar(select(func.count(Show.id))) == 0
    assert client.post("/shows/new", data=FIRST).headers["Location"].endswith("/e/harbour-2027/settings")
    edition = session.scalar(select(Edition))
    assert (edition.number, edition.name_zh, edition.name_en, len(edition.days)) == (1, "2027海港物流展", "Harbour Logistics Expo 2027", 3)
    assert client.post("/shows/new", data=FIRST).status_code == 422, "the short name is taken"


def _settings(edition, **changes):
    data = {name: getattr(edition, name) for name in ("name_zh", "name_en", "number", "state", "venue_zh", "timezone", "currency")}
    return {**data, "starts_on": edition.starts_on.isoformat(), "ends_on": edition.ends_on.isoformat(), **changes}


def test_settings_are_stored_and_the_window_is_in_venue_time(client, session, cast):
    sign_in(client, cast.admin)
    good = _settings(cast.edition, registration_opens_at="2026-02-01T08:00", registration_closes_at="2026-06-11T12:30", slug="x", id="77")
    assert client.post(E + "/settings", data=good).status_code == 302
    assert cast.edition.registration_opens_at == dt.datetime(2026, 2, 1, 0, 0, tzinfo=dt.UTC)
    assert cast.edition.slug == "fluid-2026"
    assert "2026-02-01T08:00" in client.get(E + "/settings").get_data(as_text=True)
    for change in (
        {"registration_closes_at": "2026-01-01T08:00"},
        {"registration_opens_at": "morgen"},
        {"ends_on": "2026-06-08"},
        {"ends_on": "2027-06-08"},
        {"state": "sold"},
        {"number": "-3"},
        {"number": "1e9"},
        {"name_zh": " "},
        {"name_en": "x" * 301},
        {"currency": "¥"},
    ):
        response = client.post(E + "/settings", data={**good, **change})
        assert response.status_code == 422, change
    assert session.get(Edition, cast.edition.id).ends_on == dt.date(2026, 6, 11)


def test_show_names_hours_and_halls_are_stored(client, session, cast):
    sign_in(client, cast.admin)
    show = {"show-name_zh": "新名字", "show-name_en": "", "show-organizer_zh": "主办", "show-privacy_contact": "a@example.com"}
    assert client.post(E + "/settings/show", data=show).status_code == 302
    assert (cast.show.name_zh, cast.show.name_en) == ("新名字", "新名字")
    assert client.post(E + "/settings/show", data={**show, "show-privacy_contact": "nobody"}).status_code == 422
    hours = {"open-2026-06-09": "1", "from-2026-06-09": "08:30", "to-2026-06-09": "18:00"}
    assert client.post(E + "/settings/hours", data=hours).status_code == 302
    assert [(d.day.day, d.opens_at) for d in session.get(Edition, cast.edition.id).days] == [(9, dt.time(8, 30))]
    for change in ({"to-2026-06-09": "07:00"}, {"to-2026-06-09": "24:00:00"}, {"from-2026-06-09": "früh"}):
        assert client.post(E + "/settings/hours", data={**hours, **change}).status_code == 422
    hall = {"code": "H2", "name_zh": "", "name_en": "Hall 2", "width_m": "１２０,5", "depth_m": "80"}
    assert client.post(E + "/halls/new", data=hall).status_code == 302
    made = session.scalar(select(Hall).where(Hall.code == "H2"))
    assert (float(made.width_m), made.name_zh) == (120.5, "Hall 2")
    widths = ("-5", "NaN", "", "\u3000")
    for change in ({"code": "h2"}, {"code": ""}, {"depth_m": "1e400"}, *({"width_m": width} for width in widths)):
        data = {**hall, "code": "H3", **change}
        assert client.post(E + "/halls/new", data=data).status_code == 422, change


def test_the_next_edition_is_made_from_this_one(client, session, cast):
    sign_in(client, cast.admin)
    assert "2027华东流体工业展" in client.get(E + "/next").get_data(as_text=True)
    data = {"name_zh": "2027华东流体工业展", "name_en": "Fluid 2027", "starts_on": "2027-06-08", "ends_on": "2027-06-10"}
    assert client.post(E + "/next", data={**data, "ends_on": "2027-06-01"}).status_code == 422
    assert client.post(E + "/next", data=data).headers["Location"].endswith("/e/fluid-2027/settings")
    made = session.scalar(select(Edition).where(Edition.slug == "fluid-2027"))
    assert made.previous_id == cast.edition.id and [h.code for h in made.halls] == ["H1"]


def test_categories_are_made_moved_and_retired_in_the_browser(client, session, cast):
    sign_in(client, cast.admin)
    data = {"name_zh": "隔膜泵<b>", "name_en": "", "parent_id": str(cast.pumps.id), "synonyms": "AODD\nAODD\n气动泵"}
    assert client.post(f"{E}/categories/{cast.pumps.id}/new", data=data).status_code == 302
    made = session.scalar(select(Category).where(Category.code == "1.3"))
    assert made.synonyms == ["AODD", "气动泵"]
    number = made.id
    text = client.get(E + "/categories").get_data(as_text=True)
    assert "隔膜泵&lt;b&gt;" in text and "隔膜泵<b>" not in text
    assert client.post(f"{E}/categories/{number}", data={**data, "parent_id": str(number)}).status_code == 422
    assert client.post(f"{E}/categories/{number}", data={**data, "name_zh": "\u200b"}).status_code == 422
    assert client.post(f"{E}/categories/{number}/move/up").status_code == 303
    assert client.post(f"{E}/categories/{cast.pumps.id}/retire").status_code == 303
    assert session.scalar(select(func.count(Category.id)).where(Category.retired)) == 4
    assert client.post(f"{E}/categories/{number}/retire").status_code == 303
    assert session.scalar(select(func.count(Category.id)).where(Category.retired)) == 2
