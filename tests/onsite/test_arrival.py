"""Exhibitor arrival: found, checked in once, taken back; which booths are still empty."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from expo_crm.audit.models import AuditEntry
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import BoothOccupant
from expo_crm.lib import clock
from expo_crm.onsite import queries_arrival as queries
from expo_crm.onsite.models import ExhibitorArrival
from expo_crm.onsite.services import arrival, badges
from tests.onsite.play import register
from tests.support.cast import play, sign_in


def stage(session: Any) -> SimpleNamespace:
    """Two exhibitors share A01, one has A02 and A03, one has no booth on the plan, one is only represented."""
    cast = play(session)
    rows = [(0, "main", "A01"), (1, "co", "A01"), (2, "main", "A02 A03"), (3, "main", "外场 W1")]
    cast.here = []
    for company, role, stands in rows:
        made = Participation(
            edition_id=cast.edition.id, company_id=cast.companies[company].id, role=role, stands=stands, net_m2=Decimal(9),
            outcome="planned", created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        cast.here.append(made)
    session.flush()
    for booth, participation, host in ((0, 0, True), (0, 1, False), (1, 2, True), (2, 2, True)):
        session.add(
            BoothOccupant(booth_id=cast.booths[booth].id, participation_id=cast.here[participation].id, host=host)
        )
    session.commit()
    cast.url = f"/e/{cast.edition.slug}/arrival"
    return cast


def test_counts_by_hall_and_the_empty_booths(session):
    cast = stage(session)
    arrival.report(cast.here[1], user_id=None)  # the co-exhibitor came: its booth is not empty any more
    found = queries.arrival_summary(cast.edition.id)
    assert (found.exhibitors, found.arrived, found.booths, found.occupied, found.empty) == (4, 1, 3, 1, 2)
    hall, nowhere = found.halls
    assert (hall.code, hall.booths, hall.occupied, hall.exhibitors, hall.arrived) == ("H1", 3, 1, 3, 1)
    assert (nowhere.hall_id, nowhere.exhibitors, nowhere.arrived) == (None, 1, 0)
    assert [(e.code, e.participation.id) for e in queries.empty_booths(cast.edition.id)] == [
        ("A02", cast.here[2].id),
        ("A03", cast.here[2].id),
    ]
    assert queries.arrived_participations(cast.edition.id) == {cast.here[1].id}
    assert queries.arrival_summary(cast.previous.id).exhibitors == 3


def test_an_exhibitor_reports_once_and_can_be_taken_back(session):
    cast = stage(session)
    made = arrival.report(cast.here[0], user_id=cast.desk.id, person_name=" 陈思远 ", badges_handed=3)
    assert (made.person_name, made.badges_handed) == ("陈思远", 3)
    with pytest.raises(arrival.AlreadyHere) as refused:
        arrival.report(cast.here[0], user_id=cast.gate.id)
    assert refused.value.arrival is made
    arrival.correct(made, person_phone="+8613800138000")
    changes = session.scalars(select(AuditEntry.changes).where(AuditEntry.action == "arrival.correct")).one()
    assert "138" not in str(changes)
    arrival.undo(made, "其他公司")
    assert queries.arrived_participations(cast.edition.id) == set()
    assert {"arrival.report", "arrival.undo"} <= set(session.scalars(select(AuditEntry.action)))


def test_the_desk_finds_by_name_pinyin_stand_and_stand_badge(client, session):
    cast = stage(session)
    code = badges.code_of(badges.issue_staff_badge(cast.here[0], "陈思远"))
    guest = badges.code_of(badges.issue_badge(register(session, cast, "林晓")))
    session.commit()
    sign_in(client, cast.desk)
    for words in ("禾川", "hechuan", "hcby", "a01", "Hechuan"):
        assert "禾川泵业" in client.get(f"{cast.url}/search?q={words}").text, words
    assert "澄江密封件厂" in client.get(f"{cast.url}/search?q=W1").text
    assert "没有符合" in client.get(f"{cast.url}/search?q=zzzz").text
    target = f"{cast.url}/{cast.here[0].id}"
    assert client.post(f"{cast.url}/scan", data={"code": code}).headers["Location"] == target
    assert (
        client.post(f"{cast.url}/scan", data={"code": code}, headers={"HX-Request": "1"}).headers["HX-Redirect"]
        == target
    )
    for wrong in (guest, "", "x" * 9000, "http://example.com"):
        assert client.post(f"{cast.url}/scan", data={"code": wrong}).status_code == 422


def test_the_desk_checks_in_and_warns_of_money(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    page = client.get(cast.url)
    assert "A02" in page.text and "camera=(self)" in page.headers["Permissions-Policy"]
    own = f"{cast.url}/{cast.here[0].id}"
    assert "无合同" in client.get(own).text and "陈思远" in client.get(own).text
    filled = {"person_name": "陈思远", "person_phone": "138 0013 8000", "badges_handed": "2", "note": "先到"}
    for wrong in ({"person_phone": "12"}, {"badges_handed": "-1"}, {"badges_handed": "9" * 20}, {"note": "x" * 301}):
        answer = client.post(own, data={**filled, **wrong})
        assert answer.status_code == 422 and "陈思远" in answer.text, wrong
    assert client.post(own, data=filled).status_code == 302
    stored = session.scalars(select(ExhibitorArrival)).one()
    assert (stored.person_phone, stored.badges_handed, stored.recorded_by) == ("+8613800138000", 2, cast.desk.id)
    panel = client.get(f"{cast.url}/panel").text
    assert "A01" not in panel and "A02" in panel
    assert "已报到" in client.get(f"{cast.url}/exhibitors?here=yes").text
    assert "北辰阀门" in client.get(f"{cast.url}/exhibitors?here=no").text
    assert client.post(f"{own}/undo").status_code == 302
    assert session.scalars(select(ExhibitorArrival)).all() == []
    assert client.get(f"/e/{cast.previous.slug}/arrival/{cast.here[0].id}").status_code == 404


def test_who_may_not_see_contacts_sees_them_masked(client, session):
    cast = stage(session)
    cast.contact.phone = "+8613800138000"
    session.commit()
    sign_in(client, cast.gate)
    own = f"{cast.url}/{cast.here[0].id}"
    assert "13800138000" not in client.get(own).text
    assert "13800138000" not in client.get(f"{cast.url}/exhibitors").text
    client.post("/sign-out")
    sign_in(client, cast.desk)
    assert "13800138000" in client.get(f"{cast.url}/exhibitors").text
    assert "arrival_list.contact_view" in set(session.scalars(select(AuditEntry.action)))
    client.post("/sign-out")
    sign_in(client, cast.reader)
    assert client.get(cast.url).status_code == 200 and client.get(own).status_code == 403


def test_the_hall_plan_shows_who_has_come(client, session):
    cast = stage(session)
    for booth in cast.booths[:2]:
        booth.state = "sold"
    arrival.report(cast.here[1], user_id=None)
    session.commit()
    sign_in(client, cast.reader)
    seen = client.get(f"/e/{cast.edition.slug}/plan/halls/H1/states").json
    assert seen["booths"][str(cast.booths[0].id)][:2] == ["sold is-arrived", "✓"]
    assert seen["booths"][str(cast.booths[1].id)][0] == "sold"
    assert "展商已报到" in client.get(f"/e/{cast.edition.slug}/plan?hall=H1").text


def test_two_records_of_one_company_keep_the_earlier_arrival(session):
    early = {"arrived_at": clock.now(), "recorded_by": 1, "person_name": "", "person_phone": "1", "badges_handed": 2, "note": "a"}
    late = {**early, "arrived_at": clock.now(), "recorded_by": 2, "person_name": "陈", "badges_handed": 1, "note": "b"}
    for kept, dropped in ((early, late), (late, early)):
        made = arrival.combine(kept, dropped, {})
        assert (made["arrived_at"], made["recorded_by"], made["person_name"]) == (early["arrived_at"], 1, "陈")
        assert made["badges_handed"] == 3 and set(made["note"].split(" · ")) == {"a", "b"}
