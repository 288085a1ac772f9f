"""The same for many companies at once: a field, or a task spread over working days."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from expo_crm.audit.models import AuditEntry
from expo_crm.directory.domain import agenda
from expo_crm.directory.models import Activity, Company
from expo_crm.directory.services import custom
from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session, client):
    cast = play(session)
    sign_in(client, cast.sales)
    cast.ids = [c.id for c in cast.companies]
    return cast


def test_working_days_leave_out_the_weekend():
    friday = dt.date(2026, 5, 8)
    assert agenda.working_days(friday, 3) == [friday, dt.date(2026, 5, 11), dt.date(2026, 5, 12)]
    assert agenda.working_days(dt.date(2026, 5, 9), 1) == [dt.date(2026, 5, 11)]


def test_a_field_of_many_companies_is_changed_with_a_record_each(client, session, cast):
    custom.save_field(None, entity="company", key="size", kind="number", label_zh="规模", label_en="Size")
    session.commit()
    ids = cast.ids[:3]
    page = client.post("/companies/change", data={"ids": ids}).get_data(as_text=True)
    assert 'name="field" value="custom_size"' in page
    assert (
        client.post("/companies/change", data={"ids": ids, "field": "source", "value-source": "fair"}).status_code
        == 302
    )
    bad = client.post("/companies/change", data={"ids": ids, "field": "custom_size", "value-custom_size": "viel"})
    assert bad.status_code == 422 and "viel" in bad.get_data(as_text=True)
    assert (
        client.post(
            "/companies/change", data={"ids": ids, "field": "custom_size", "value-custom_size": "7"}
        ).status_code
        == 302
    )
    session.expire_all()
    changed = [session.get(Company, key) for key in ids]
    assert {c.source for c in changed} == {"fair"} and {c.custom["size"] for c in changed} == {"7"}
    assert session.get(Company, cast.ids[3]).source == ""
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "company.update")).all()
    assert {e.entity_id for e in entries} == set(ids)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"ids": ["x"]},
        {"ids": ["1"], "field": "owner_id", "value-owner_id": "1"},
        {"ids": ["1"], "field": "source", "value-source": "magic"},
    ],
)
def test_nonsense_is_refused(client, cast, data):
    assert client.post("/companies/change", data=data).status_code == 422


def test_tasks_are_spread_over_days_and_go_to_the_owners(client, session, cast):
    data = {
        "ids": cast.ids,
        "subject": "询问复展",
        "kind": "call",
        "first_on": dt.date.today() + dt.timedelta(days=7),
        "per_day": "2",
    }
    assert client.post("/companies/plan", data={"ids": cast.ids}).status_code == 200
    assert client.post("/companies/plan", data={**data, "subject": " "}).status_code == 422
    assert client.post("/companies/plan", data={**data, "per_day": "0"}).status_code == 422
    assert client.post("/companies/plan", data={**data, "first_on": "1999-01-01"}).status_code == 422
    assert client.post("/companies/plan", data=data).status_code == 302
    planned = session.scalars(select(Activity).where(Activity.subject == "询问复展")).all()
    assert len(planned) == 4 and {a.kind for a in planned} == {"call"}
    assert {a.owner_id for a in planned} == {cast.sales.id}
    assert sorted(len([a for a in planned if a.due_at == day]) for day in {a.due_at for a in planned}) == [2, 2]


def test_readers_may_not(client, cast):
    client.post("/sign-out")
    sign_in(client, cast.reader)
    assert client.post("/companies/change", data={"ids": cast.ids}).status_code == 403
    assert client.post("/companies/plan", data={"ids": cast.ids}).status_code == 403
