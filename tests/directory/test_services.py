"""The services keep keys right, refuse what they must, and leave a record."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from expo_crm.audit.models import AuditEntry
from expo_crm.directory import queries
from expo_crm.directory.domain import agenda, masking, naming
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.services import activities, companies, consents, participations, people
from tests.support.cast import NOW, play


@pytest.fixture
def cast(session):
    return play(session)


def _actions(session, entity, entity_id):
    rows = select(AuditEntry.action).where(AuditEntry.entity == entity, AuditEntry.entity_id == entity_id)
    return sorted(session.scalars(rows.order_by(AuditEntry.id)))


def test_a_company_is_found_by_every_name_it_has(cast, session):
    from expo_crm.directory.models import Company
    from expo_crm.web import listing

    made = companies.create_company(
        name_zh="上海申源泵业有限公司", name_en="Shenyuan Pumps", aliases=["Apex"], website="www.shenyuan.com.cn"
    )
    for words in ("申源", "shenyuan", "sybyyxgs", "Shenyuan", "apex", "shenyuan.com.cn", "申 泵"):
        found = session.scalars(select(Company.id).where(listing.contains(Company.search_key, words))).all()
        assert found == [made.id], words


def test_a_new_name_moves_the_keys_and_the_old_one_stays_findable(cast, session):
    made = companies.create_company(name_zh="上海申源泵业有限公司", tax_id=" 9131 0000ma1k35b27p")
    assert made.tax_id == "91310000MA1K35B27P"
    companies.update_company(made, version=1, name_zh="启明泵业有限公司")
    assert (made.version, [n.kind for n in made.names]) == (2, ["former"])
    assert "qiming" in made.sort_key and "申源" in made.search_key
    assert _actions(session, "company", made.id) == ["company.create", "company.update"]


def test_the_editor_who_saw_an_older_version_is_refused(cast):
    made = companies.create_company(name_zh="上海申源泵业有限公司")
    companies.update_company(made, version=1, city="上海")
    with pytest.raises(DirectoryError) as refused:
        companies.update_company(made, version=1, city="苏州")
    assert (refused.value.code, made.city) == ("stale", "上海")


def test_a_tax_id_belongs_to_one_company_and_a_name_is_needed(cast):
    first = companies.create_company(name_zh="甲", tax_id="91310000MA1K35B27P")
    with pytest.raises(DirectoryError) as refused:
        companies.create_company(name_zh="乙", tax_id="91310000ma1k35b27p")
    assert (refused.value.code, refused.value.other_id) == ("tax-id-taken", first.id)
    with pytest.raises(DirectoryError):
        companies.create_company(name_zh=" \u200b", name_en="\u3164")


DOUBLES = [
    ({"name_zh": "禾川泵业(上海)股份有限公司"}, "same", "form"),
    ({"name_zh": "禾川"}, "maybe", "brand"),
    ({"name_en": "HECHUAN PUMPS SHANGHAI LTD"}, "same", "name"),
    ({"name_zh": "完全不同", "domain": "sales@hechuan.cn"}, "same", "domain"),
    ({"name_zh": "完全不同", "tax_id": "91310000 ma1k35b27p"}, "same", "tax-id"),
    ({"name_zh": "老名字流体"}, "same", "name"),
]


def test_a_double_is_found_with_its_reason(cast):
    target = cast.companies[0]
    for asked, verdict, evidence in DOUBLES:
        companies.update_company(target, website="https://www.hechuan.cn/zh", tax_id="91310000MA1K35B27P", aliases=["老名字流体"])
        found = queries.find_similar_companies(**asked)
        assert found and found[0].company is target
        assert found[0].verdict == verdict and evidence in found[0].evidence
        assert queries.find_similar_companies(**asked, exclude_id=target.id) == []


def test_free_mail_and_nothing_find_nobody(cast):
    companies.update_company(cast.companies[0], website="https://weibo.com/hechuan")
    assert cast.companies[0].domain == ""
    assert queries.find_similar_companies(domain="a@qq.com") == []
    assert queries.find_similar_companies() == []


def test_an_exact_key_is_never_lost_behind_many_likely_names(cast, session):
    for i in range(310):
        companies.build_company(name_zh=f"华东{i}号泵业有限公司")
    exact = companies.create_company(name_zh="华东" * 40 + "泵业有限公司", website="exact.example.com")
    assert queries.find_similar_companies(name_zh="华东泵业", domain="exact.example.com")[0].company is exact


def test_a_person_may_share_an_address_and_changes_company(cast, session):
    one = people.create_person(name="李雷", email="Office@Example.com", phone="138 0013 8000")
    two = people.create_person(name="韩梅梅", email="office@example.com", phone="021-58880000转802")
    assert one.phone == "+8613800138000" and "802" in two.phone
    assert [p.name for p in queries.list_people_by_email("OFFICE@example.com")] == ["李雷", "韩梅梅"]
    company = cast.companies[0]
    job = people.employ(one, company, title="总监", main_contact=True)
    assert people.employ(one, company, title="总经理", main_contact=True).id == job.id
    session.expire_all()
    assert [e.main_contact for e in queries.list_employments(company.id)] == [True, False]
    assert queries.find_main_contact(company.id).id == one.id
    people.end_employment(job)
    assert queries.find_main_contact(company.id).id == cast.contact.id
    people.update_person(one, email="new@example.com")
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.update")).all()
    assert "example.com" not in str([e.changes for e in entries])


def test_the_ledger_has_one_row_per_company_and_edition(cast):
    row = participations.set_participation(cast.edition.id, cast.companies[0].id, net_m2=18)
    again = participations.set_participation(cast.edition.id, cast.companies[0].id, outcome="cancelled")
    assert (again.id, again.net_m2, again.outcome) == (row.id, 18, "cancelled")
    newest = queries.last_participations([c.id for c in cast.companies])
    assert newest[cast.companies[0].id].edition_id == cast.previous.id, "a cancelled one is no participation"


def test_an_action_is_finished_once(cast):
    action = activities.plan_next_action(cast.companies[0].id, subject="回访", due_at=NOW)
    activities.finish(action, note="ok")
    assert action.body == "ok"
    for refused in (lambda: activities.finish(action), lambda: activities.postpone(action, NOW)):
        with pytest.raises(DirectoryError):
            refused()


def test_the_newest_answer_holds(cast):
    person = cast.contact.id
    common = {"text_version": "1", "locale": "zh", "channel": "form"}
    assert queries.consent_of(person, "marketing") is None
    consents.record_consent(person, "marketing", True, at=NOW, **common)
    consents.record_consent(person, "marketing", False, at=NOW + dt.timedelta(hours=1), **common)
    assert queries.consent_of(person, "marketing").granted is False
    assert queries.consents_of([person, 10**6], "marketing") == {person: False}
    assert len(queries.list_consents(person)) == 2


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ("www.example.com", "https://www.example.com"),
        ("http://example.com/a?b=1", "http://example.com/a?b=1"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt://x%0aalert(1)", ""),
        ("data:text/html,x", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(typed, link):
    assert naming.site_url(typed) == link


def test_masks_show_too_little_to_use():
    assert masking.mask_email("chen@hechuan.example") == "c•••@h•••.example"
    assert masking.mask_email("no address") == "n•••"
    assert masking.mask_phone("+8613800138000") == "+86•••••000"


def test_days_fall_on_their_side_of_midnight():
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Asia/Shanghai")
    now = dt.datetime(2026, 3, 2, 17, 0, tzinfo=dt.UTC)  # 01:00 on 3 March in Shanghai
    edges = agenda.horizon(now, zone)
    at = lambda *parts: dt.datetime(*parts, tzinfo=zone)  # noqa: E731
    assert agenda.urgency(at(2026, 3, 2, 23, 59), edges) == "overdue"
    assert agenda.urgency(at(2026, 3, 3, 0, 0), edges) == "today"
    assert agenda.urgency(at(2026, 3, 4, 0, 0), edges) == "week"
    assert agenda.urgency(at(2026, 3, 11, 0, 0), edges) == "later"
    assert agenda.urgency(None, edges) == "later"
    moved = agenda.postponed(at(2026, 2, 1, 9, 0), 1, now, zone)
    assert moved == at(2026, 3, 4, 9, 0), "an overdue action is put off from today, not from its old day"
