"""The directory in the browser's eyes: who may, what is refused, and that lists cost the same for one row and many."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.directory.models import Activity, Company, Employment, Participation, Person
from expo_crm.directory.services import activities, companies, consents, participations, people
from tests.support.cast import NOW, play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


@contextmanager
def counted(app):
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_c, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


FORM = {"name_zh": "东浦仪表有限公司", "name_en": "", "country": "CN", "source": "", "owner_id": ""}

READS = ["/companies", "/companies/{c}", "/people", "/people/{p}", "/my-day", "/companies/{c}/timeline"]
WRITES = [
    ("GET", "/companies/new"),
    ("POST", "/companies/new"),
    ("GET", "/companies/{c}/edit"),
    ("POST", "/companies/{c}/edit"),
    ("GET", "/companies/similar"),
    ("POST", "/companies/assign"),
    ("POST", "/companies/{c}/activities"),
    ("GET", "/companies/{c}/people/new"),
    ("POST", "/companies/{c}/people/new"),
    ("GET", "/people/{p}/edit"),
    ("POST", "/people/{p}/edit"),
    ("POST", "/people/{p}/employments/{e}/end"),
    ("POST", "/people/{p}/consents/marketing/withdraw"),
    ("POST", "/my-day/done"),
    ("POST", "/my-day/postpone"),
    ("POST", "/activities/{a}/done"),
    ("POST", "/activities/{a}/postpone"),
]


def _fill(path, session, cast):
    action = session.scalar(select(Activity.id)) or activities.plan_next_action(
        cast.companies[0].id, subject="x", due_at=NOW
    ).id
    job = session.scalar(select(Employment.id))
    return path.format(c=cast.companies[0].id, p=cast.contact.id, a=action, e=job)


def test_nobody_reads_or_writes_without_signing_in(client, session, cast):
    for method, path in [*(("GET", p) for p in READS), *WRITES]:
        response = client.open(_fill(path, session, cast), method=method)
        assert response.status_code in (302, 401), path
        assert "sign-in" in response.headers.get("Location", "sign-in")


def test_a_reader_reads_and_writes_nothing(client, session, cast):
    sign_in(client, cast.reader)
    for path in READS:
        assert client.get(_fill(path, session, cast), follow_redirects=True).status_code == 200, path
    before = session.scalar(select(func.count(AuditEntry.id)))
    for method, path in WRITES:
        assert client.open(_fill(path, session, cast), method=method, data=FORM).status_code == 403, path
    assert session.scalar(select(func.count(AuditEntry.id))) == before


def test_what_does_not_exist_is_not_found(client, session, cast):
    sign_in(client, cast.sales)
    for number in ("999999", "0", "9" * 17, "9" * 25):
        for method, path in [*(("GET", p) for p in READS), *WRITES]:
            if "{" in path:
                target = path.format(c=number, p=number, a=number, e=number)
                assert client.open(target, method=method, data=FORM).status_code == 404, target


def test_a_job_of_somebody_else_is_not_found(client, session, cast):
    other = people.create_person(name="王芳")
    job = people.employ(other, cast.companies[1])
    sign_in(client, cast.sales)
    assert client.post(f"/people/{cast.contact.id}/employments/{job.id}/end").status_code == 404
    assert session.get(Employment, job.id).until is None


def test_contact_data_is_masked_or_its_look_recorded(app, client, session, cast):
    people.update_person(cast.contact, phone="13800138000")
    pages = [f"/companies/{cast.companies[0].id}", f"/people/{cast.contact.id}"]
    looks = select(func.count(AuditEntry.id)).where(AuditEntry.action.like("%contact_view"))
    sign_in(client, cast.reader)
    for path in [*pages, "/people"]:
        text = client.get(path).get_data(as_text=True)
        assert "chen@hechuan.example" not in text and "13800138000" not in text
    assert session.scalar(looks) == 0
    client = app.test_client()
    sign_in(client, cast.sales)
    for path in pages:
        text = client.get(path).get_data(as_text=True)
        assert "chen@hechuan.example" in text and "+8613800138000" in text
    assert session.scalar(looks) == 2
    assert "chen@hechuan.example" not in client.get("/people").get_data(as_text=True)


def test_the_export_of_people_holds_addresses_for_those_who_may(app, client, session, cast):
    sign_in(client, cast.sales)
    assert "chen@hechuan.example" in client.get("/people?export=csv").get_data(as_text=True)
    client = app.test_client()
    sign_in(client, cast.reader)
    assert "chen@hechuan.example" not in client.get("/people?export=csv").get_data(as_text=True)


SEARCHES = [
    ("q=禾川", 1),
    ("q=hcby", 1),
    ("q=Nordha", 1),
    ("q=%25", 0),
    ("q=不存在的名字", 0),
    ("owner=me", 4),
    ("owner=none", 0),
    ("country=DE", 1),
    ("edition=fluid-2025", 3),
    ("edition=fluid-2026", 0),
    ("key=1", 0),
    ("sort=area&desc=1", 4),
    ("sort=last", 4),
    ("owner=99999999999&country=xx&edition=<script>&sort=id;drop&page=-4&per_page=9999999", 4),
]


def test_the_list_finds_filters_and_sorts(client, session, cast):
    sign_in(client, cast.sales)
    for query, hits in SEARCHES:
        text = client.get("/companies?" + query).get_data(as_text=True)
        assert text.count('id="list-companies-row-') == hits, query


def test_sorting_by_area_puts_the_largest_newest_stand_first(client, session, cast):
    participations.set_participation(cast.edition.id, cast.companies[3].id, net_m2=500)
    sign_in(client, cast.sales)
    text = client.get("/companies?sort=area&desc=1").get_data(as_text=True)
    names = [text.index(f'id="list-companies-row-{cast.companies[i].id}"') for i in (3, 2, 1, 0)]
    assert names == sorted(names)


def test_lists_and_the_company_page_cost_the_same_for_one_and_for_many(app, client, session, cast):
    sign_in(client, cast.sales)
    first = cast.companies[0]
    paths = ["/companies", f"/companies/{first.id}", "/people", "/my-day?when=open&owner=all"]

    def grow(count):
        for i in range(count):
            made = companies.create_company(name_zh=f"新企业{i}", owner_id=cast.admin.id)
            participations.set_participation(cast.edition.id, made.id, net_m2=9)
            person = people.create_person(name=f"人{i}", email="a@b.example")
            people.employ(person, made)
            people.employ(person, first)
            activities.plan_next_action(first.id, subject=f"s{i}", due_at=NOW, owner_id=cast.sales.id, person_id=person.id)
            activities.log_activity(first.id, kind="call", subject=f"c{i}", owner_id=cast.admin.id, person_id=person.id)

    def cost(path):
        with counted(app) as seen:
            assert client.get(path).status_code == 200
        return [s for s in seen if s.lstrip().upper().startswith("SELECT")]

    grow(1)
    before = {path: cost(path) for path in paths}
    grow(12)
    for path in paths:
        after = cost(path)
        assert len(after) == len(before[path]), (path, "\n".join(after))
        assert len(after) < 60, path  # every package adds a few to the company's page


def test_a_company_is_made_with_its_keys(client, session, cast):
    sign_in(client, cast.sales)
    response = client.post("/companies/new", data={**FORM, "website": "www.dongpu-yibiao.cn", "aliases": "东浦\nDPY"})
    made = session.scalar(select(Company).where(Company.name_zh == FORM["name_zh"]))
    assert response.headers["Location"].endswith(f"/companies/{made.id}")
    assert (made.domain, sorted(n.name for n in made.names)) == ("dongpu-yibiao.cn", ["DPY", "东浦"])


NONSENSE = [
    {"name_zh": " \u200b \u3164", "name_en": ""},
    {"name_zh": "长" * 301},
    {"tax_id": "91310000MA1K35B27Y"},
    {"website": "javascript:alert(1)"},
    {"website": "不是网址"},
    {"phone": "1.38E+10"},
    {"phone": "call me maybe"},
    {"country": "XX"},
    {"owner_id": "999999"},
    {"owner_id": "1; drop"},
    {"source": "<script>"},
]


def test_nonsense_is_refused_and_the_input_kept(client, session, cast):
    sign_in(client, cast.sales)
    for bad in NONSENSE:
        before = session.scalar(select(func.count(Company.id)))
        response = client.post("/companies/new", data={**FORM, "industry": "泵阀<b>", **bad})
        assert response.status_code == 422
        assert "泵阀&lt;b&gt;" in response.get_data(as_text=True)
        assert session.scalar(select(func.count(Company.id))) == before


def test_hidden_fields_of_the_table_cannot_be_set(client, session, cast):
    sign_in(client, cast.sales)
    client.post("/companies/new", data={**FORM, "id": "7777", "created_at": "2000-01-01", "version": "50", "domain": "x.cn"})
    made = session.scalar(select(Company).where(Company.name_zh == FORM["name_zh"]))
    assert made.id != 7777 and made.version == 1 and made.domain == "" and made.created_at.year > 2000


def test_an_equal_tax_id_or_domain_is_blocked_with_a_link(client, session, cast):
    companies.update_company(cast.companies[0], website="www.hechuan.cn", tax_id="91310000MA1K35B27P")
    sign_in(client, cast.sales)
    for key, value in (("website", "http://shop.hechuan.cn"), ("tax_id", "91310000ma1k35b27p")):
        response = client.post("/companies/new", data={**FORM, key: value, "confirmed": "y"})
        text = response.get_data(as_text=True)
        assert response.status_code == 422 and f"/companies/{cast.companies[0].id}" in text and "Sales 王" in text


def test_a_similar_name_asks_for_a_tick(client, session, cast):
    sign_in(client, cast.sales)
    data = {**FORM, "name_zh": "禾川泵业科技有限公司"}
    assert client.post("/companies/new", data=data).status_code == 422
    assert client.post("/companies/new", data={**data, "confirmed": "y", "reason": "\u200b "}).status_code == 422
    assert client.post("/companies/new", data={**data, "confirmed": "y", "reason": "子公司"}).status_code == 302
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "company.create").order_by(AuditEntry.id.desc()))
    assert entry.reason == "子公司"
    assert "禾川" in client.get("/companies/similar?name_zh=禾川泵业").get_data(as_text=True)
    assert client.get("/companies/similar?name_zh=%00%ff&own=abc").status_code == 200


def test_editing_does_not_ask_again_about_an_old_likeness(client, session, cast):
    twin = companies.create_company(name_zh="禾川泵业科技有限公司")
    sign_in(client, cast.sales)
    data = {**FORM, "name_zh": twin.name_zh, "version": str(twin.version), "city": "上海"}
    assert client.post(f"/companies/{twin.id}/edit", data=data).status_code == 302
    assert session.get(Company, twin.id).city == "上海"


def test_two_editors_see_each_others_values(client, session, cast):
    company = cast.companies[1]
    data = {**FORM, "name_zh": company.name_zh, "name_en": company.name_en, "version": str(company.version), "city": "苏州"}
    companies.update_company(company, city="宁波")
    sign_in(client, cast.sales)
    response = client.post(f"/companies/{company.id}/edit", data=data)
    text = response.get_data(as_text=True)
    assert response.status_code == 409 and "苏州" in text and "宁波" in text
    assert session.get(Company, company.id).city == "宁波"
    again = client.post(f"/companies/{company.id}/edit", data={**data, "version": str(company.version)})
    assert again.status_code == 302 and session.get(Company, company.id).city == "苏州"


def test_a_stored_script_is_only_text(client, session, cast):
    evil = '"><svg onload=alert(1)>{{7*7}}'
    made = companies.create_company(name_zh=evil, name_en=evil, website="javascript:alert(1)", owner_id=cast.sales.id)
    person = people.create_person(name=evil)
    people.employ(person, made, title=evil)
    activities.log_activity(made.id, kind="note", subject=evil, body=evil)
    activities.plan_next_action(made.id, subject=evil, due_at=NOW, owner_id=cast.sales.id)
    sign_in(client, cast.sales)
    for path in ("/companies", f"/companies/{made.id}", f"/companies/{made.id}/edit", "/people", f"/people/{person.id}", "/my-day"):
        text = client.get(path).get_data(as_text=True)
        assert "<svg onload" not in text and ">49<" not in text, path
        assert 'href="javascript' not in text, path


def test_a_call_is_logged_with_its_next_step_in_place(client, session, cast):
    company = cast.companies[0].id
    sign_in(client, cast.sales)
    day = dt.date.today() + dt.timedelta(days=3)
    data = {"kind": "call", "subject": "谈了 36 平米", "person_id": str(cast.contact.id)}
    data |= {"next_subject": "寄报价", "next_on": day.isoformat()}
    response = client.post(f"/companies/{company}/activities", data=data, headers={"HX-Request": "true"})
    text = response.get_data(as_text=True)
    assert response.status_code == 200 and "<html" not in text and "谈了 36 平米" in text and "寄报价" in text
    done, todo = session.scalars(select(Activity).order_by(Activity.id)).all()
    assert done.done_at is not None and done.person_id == cast.contact.id
    assert todo.done_at is None and todo.owner_id == cast.sales.id and todo.edition_id is not None


WRONG_ACTIVITIES = [
    {"kind": "call", "subject": ""},
    {"kind": "sing", "subject": "x"},
    {"kind": "task", "subject": "x"},
    {"kind": "task", "subject": "x", "due_on": "2026-02-30"},
    {"kind": "task", "subject": "x", "due_on": "9999-12-31"},
    {"kind": "call", "subject": "x", "next_subject": "y"},
    {"kind": "call", "subject": "x", "person_id": "999999"},
    {"kind": "note", "subject": "x" * 301},
    {"kind": "note", "subject": "x", "body": "y" * 20_001},
]


def test_a_wrong_activity_is_refused(client, session, cast):
    sign_in(client, cast.sales)
    for bad in WRONG_ACTIVITIES:
        for headers in ({}, {"HX-Request": "true"}):
            response = client.post(f"/companies/{cast.companies[0].id}/activities", data=bad, headers=headers)
            assert response.status_code == 422
        assert session.scalar(select(func.count(Activity.id))) == 0


def test_the_timeline_filters_by_kind(client, session, cast):
    activities.log_activity(cast.companies[0].id, kind="call", subject="电话一")
    sign_in(client, cast.sales)
    text = client.get(f"/companies/{cast.companies[0].id}/timeline?kind=activity", headers={"HX-Request": "1"}).get_data(as_text=True)
    assert "电话一" in text and 'id="company-work"' in text
    assert client.get(f"/companies/{cast.companies[0].id}?kind=nonsense&all=7").status_code == 200


def test_my_day_shows_what_is_mine_and_due(client, session, cast):
    now = dt.datetime.now(dt.UTC)
    company = cast.companies[0].id
    rows = {
        "mine_overdue": activities.plan_next_action(company, subject="甲", due_at=now - dt.timedelta(days=2), owner_id=cast.sales.id),
        "mine_far": activities.plan_next_action(company, subject="乙", due_at=now + dt.timedelta(days=20), owner_id=cast.sales.id),
        "hers": activities.plan_next_action(company, subject="丙", due_at=now - dt.timedelta(days=2), owner_id=cast.admin.id),
    }
    ids = {name: row.id for name, row in rows.items()}
    sign_in(client, cast.sales)

    def shown(query=""):
        text = client.get("/my-day" + query).get_data(as_text=True)
        return {name for name, number in ids.items() if f'id="list-tasks-row-{number}"' in text}

    assert shown() == {"mine_overdue"}
    assert shown("?when=open") == {"mine_overdue", "mine_far"}
    assert shown("?owner=all") == {"mine_overdue", "hers"}
    assert shown("?owner=all&when=<x>&kind=zzz") == {"mine_overdue", "hers"}
    assert client.post(f"/activities/{ids['mine_overdue']}/done?when=open").headers["Location"].endswith("/my-day?when=open")
    assert shown() == set()
    assert client.post(f"/activities/{ids['mine_overdue']}/done").status_code == 409
    assert client.post(f"/activities/{ids['mine_far']}/postpone", data={"days": "8"}).status_code == 422
    assert client.post(f"/activities/{ids['mine_far']}/postpone", data={"day": "2020-01-01"}).status_code == 422
    assert client.post(f"/activities/{ids['mine_far']}/postpone", data={"day": "kein"}).status_code == 422
    assert client.post("/my-day/done", data={"ids": [ids["mine_far"], ids["hers"], "x", "9" * 30]}).status_code == 302
    assert session.scalar(select(func.count(Activity.id)).where(Activity.done_at.is_(None))) == 0
    assert client.post("/my-day/done", data={}).status_code == 422


def test_an_overdue_action_is_put_off_from_today(client, session, cast):
    action = activities.plan_next_action(cast.companies[0].id, subject="甲", due_at=NOW, owner_id=cast.sales.id)
    sign_in(client, cast.sales)
    client.post(f"/activities/{action.id}/postpone", data={"days": "1", "back": "company"})
    assert session.get(Activity, action.id).due_at > dt.datetime.now(dt.UTC)


def test_companies_are_given_to_an_owner_together(client, session, cast):
    sign_in(client, cast.sales)
    ids = [c.id for c in cast.companies[:2]]
    assert client.post("/companies/assign", data={"ids": ids}).status_code == 200
    assert client.post("/companies/assign", data={"ids": ids, "owner": cast.gate.id}).status_code == 422
    assert client.post("/companies/assign", data={"ids": ["x", "-1"]}).status_code == 422
    assert client.post("/companies/assign", data={"ids": ids, "owner": cast.admin.id}).status_code == 302
    assert [session.get(Company, i).owner_id for i in ids] == [cast.admin.id] * 2
    assert session.get(Company, cast.companies[2].id).owner_id == cast.sales.id


def test_a_known_address_asks_whether_it_is_the_same_person(client, session, cast):
    sign_in(client, cast.sales)
    path = f"/companies/{cast.companies[1].id}/people/new"
    data = {"name": "陈思源", "email": "CHEN@hechuan.example", "locale": "zh", "country": "CN", "title": "助理"}
    response = client.post(path, data=data)
    assert response.status_code == 422 and "陈思远" in response.get_data(as_text=True)
    assert client.post(path, data={**data, "person": str(cast.contact.id)}).status_code == 302
    assert session.scalar(select(func.count(Person.id))) == 1
    assert client.post(path, data={**data, "confirmed": "y"}).status_code == 302
    assert session.scalar(select(func.count(Person.id))) == 2
    for bad in ({"name": "\u200b"}, {"email": "a@b.c%0aBcc:x@y.z"}, {"phone": "12345678901234567890123"}, {"locale": "../../x"}):
        assert client.post(path, data={**data, "email": "new@hechuan.example", **bad}).status_code == 422


def test_a_consent_is_withdrawn_by_a_new_answer(client, session, cast):
    consents.record_consent(cast.contact.id, "marketing", True, text_version="1", locale="zh", channel="form", at=NOW)
    sign_in(client, cast.sales)
    assert client.post(f"/people/{cast.contact.id}/consents/marketing/withdraw").status_code == 302
    assert client.post(f"/people/{cast.contact.id}/consents/nothing/withdraw").status_code == 404
    from expo_crm.directory import queries

    assert [c.granted for c in queries.list_consents(cast.contact.id)] == [False, True]


def test_what_packages_above_register_appears_on_the_page(app, client, session, cast):
    from markupsafe import Markup

    from expo_crm.directory import timeline

    before = app.extensions.get("expo_timeline")
    app.extensions["expo_timeline"] = timeline._Registry()
    try:
        first, second = cast.companies[0].id, cast.companies[1].id
        item = timeline.TimelineItem(NOW, "contract", "file-text", "合同已签 <b>")
        timeline.register(app, "test", lambda company_id: [item] if company_id == first else [])
        timeline.register_panel(app, "test", "测试面板", lambda company_id: Markup("<p>面板内容</p>"))
        timeline.register_panel(app, "empty", "空面板", lambda company_id: None)
        timeline.register_figures(app, "test", lambda company_id: [timeline.Figure("已收款", "¥5")])
        sign_in(client, cast.sales)
        text = client.get(f"/companies/{first}").get_data(as_text=True)
        assert "合同已签 &lt;b&gt;" in text and "面板内容" in text and "已收款" in text and "空面板" not in text
        assert "合同已签" not in client.get(f"/companies/{second}").get_data(as_text=True)
    finally:
        app.extensions["expo_timeline"] = before or timeline._Registry()


def test_participations_of_many_editions_are_drawn(client, session, cast):
    row = session.scalar(select(Participation).where(Participation.company_id == cast.companies[0].id))
    assert row is not None
    sign_in(client, cast.sales)
    text = client.get(f"/companies/{cast.companies[0].id}?lang=en").get_data(as_text=True)
    assert "East China Fluid Expo 2025" in text and "9 m²" in text


def test_a_number_that_calls_finds_its_company_and_its_person(client, session, cast):
    first, second = cast.companies[:2]
    cast.contact.phone = "+8613800138000"
    second.phone = "021-62881234"
    companies.duplicates.index_company(second)
    session.commit()
    url = f"/companies/{first.id}", f"/companies/{second.id}"

    def found(path, typed):
        page = client.get(path, query_string={"q": typed}).get_data(as_text=True).split("<tbody")[-1]
        return tuple(address in page for address in url) if path == "/companies" else cast.contact.name in page

    sign_in(client, cast.sales)
    for typed in ("138 0013 8000", "+86 138-0013-8000", "１３８００１３８０００", "008613800138000"):
        assert found("/companies", typed) == (True, False), typed
        assert found("/people", typed), typed
    for typed in ("021-62881234", "(021) 6288 1234", "+862162881234"):
        assert found("/companies", typed) == (False, True), typed
    assert found("/companies", "62881234567890") == (False, False)
    # Who may not see numbers of people does not find people by them either.
    client.post("/sign-out")
    sign_in(client, cast.reader)
    assert found("/companies", "13800138000") == (False, False) and not found("/people", "13800138000")
    assert found("/companies", "021-62881234") == (False, True)
