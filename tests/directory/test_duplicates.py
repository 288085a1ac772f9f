"""Who may be twice in the file, what a merge moves, and that it can be taken back to the row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from expo_crm.db import Base, db
from expo_crm.directory import queries
from expo_crm.directory.domain import duplicates as rules
from expo_crm.directory.domain.duplicates import Profile, compare, scan
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.models import Activity, Company, DuplicatePair, Employment, MatchKey, Merge, Participation
from expo_crm.directory.services import activities, companies, consents, duplicates, people
from expo_crm.exhibitors.models import DirectoryEntry, EntryChange, Opportunity
from expo_crm.jobs import services as jobs
from tests.support.cast import play, sign_in

GOOD, OTHER = "91350100M000100Y43", "91310000MA1K35B27P"


@pytest.fixture
def cast(session):
    return play(session)


def profile(key: int, *names: str, **more) -> Profile:
    return Profile(key, names, **{k: frozenset(v) if isinstance(v, (set, list)) else v for k, v in more.items()})


PAIRS = [
    (profile(1, "禾川泵业（上海）有限公司"), profile(2, "上海禾川泵业股份有限公司"), "same", "form"),
    (profile(1, "禾川泵业有限公司"), profile(2, "和川泵业有限公司"), "maybe", "pinyin"),
    (profile(1, "北辰阀门"), profile(2, "Hechuan Pumps"), "different", None),
    (profile(1, "北辰阀门", domains={"b.cn"}), profile(2, "Beichen Valves Ltd", domains={"b.cn"}), "same", "domain"),
    (profile(1, "北辰阀门", domains={"b.cn"}), profile(2, "海岳科技", domains={"b.cn"}), "different", "domain"),
    (
        profile(1, "北辰阀门", domains={"b.cn"}, phones={"+861"}),
        profile(2, "海岳科技", domains={"b.cn"}, phones={"+861"}),
        "maybe",
        "phone",
    ),
    (profile(1, "北辰阀门", tax_id=GOOD), profile(2, "海岳科技", tax_id=GOOD), "same", "tax-id"),
    (profile(1, "北辰", tax_id=GOOD), profile(2, "北辰阀门（上海）", tax_id=OTHER), "different", "tax-id-differs"),
    (
        profile(1, "北辰阀门有限公司", tax_id=GOOD),
        profile(2, "北辰阀门有限公司", tax_id=OTHER),
        "maybe",
        "tax-id-differs",
    ),
    (profile(1, "Smart Home GmbH"), profile(2, "Smart Robotics GmbH"), "different", None),
    (profile(1, "Nordhafen GmbH", country="DE"), profile(2, "Nordhafen Ltd", country="GB"), "maybe", "country-differs"),
    (
        profile(1, "重庆煦砺环保科技有限公司", "Xuli Environmental Technology (Chongqing)"),
        profile(2, "重庆棠铄环保科技有限公司", "Tangshuo Environmental Technology (Chongqing)"),
        "different",
        None,
    ),
    (profile(1, "厦门邺岳管业", domains={"a.cn"}), profile(2, "淄博邺樾轴承", domains={"b.cn"}), "different", "domain-differs"),
    (profile(1, "华为技术有限公司"), profile(2, "华为技术有限公司上海分公司"), "maybe", "branch"),
]


@pytest.mark.parametrize(("one", "two", "verdict", "evidence"), PAIRS)
def test_three_answers_with_their_evidence(one, two, verdict, evidence):
    found, back = compare(one, two), compare(two, one)
    assert found.verdict == verdict
    assert evidence is None or evidence in found.evidence
    assert (back.verdict, back.score) == (found.verdict, found.score)


def test_a_key_that_many_share_says_nothing():
    agency = [
        profile(
            i, f"公司{i}号{chr(0x4E00 + 97 * i)}{chr(0x5E00 + 61 * i)}", phones={"+8613800138000"}, domains={"x.cn"}
        )
        for i in range(1, 9)
    ]
    assert scan(agency) == []
    assert [(p.a, p.b) for p in scan(agency[:2])] == [(1, 2)]


def test_what_the_scan_finds_is_what_the_pairwise_rule_finds():
    many = [
        profile(i, name) for i, name in enumerate(n for one, two, *_ in PAIRS for n in (one.names[0], two.names[0]))
    ]
    found = {(p.a, p.b) for p in scan(many)}
    every = {(a.id, b.id) for a in many for b in many if a.id < b.id and compare(a, b).verdict != "different"}
    assert found == every


def test_the_file_is_scanned_and_decisions_stay(session, cast):
    twin = companies.create_company(name_zh="上海禾川泵业股份有限公司")
    db.session.commit()
    first = duplicates.find_all()
    pair = session.scalars(select(DuplicatePair)).one()
    assert (pair.a_id, pair.b_id, pair.verdict) == (cast.companies[0].id, twin.id, "same")
    assert first["new"] == 1 and duplicates.find_all()["new"] == 0
    duplicates.set_different([pair], cast.sales.id)
    duplicates.find_all()
    assert session.get(DuplicatePair, pair.id).state == "different" and duplicates.count_open() == 0
    duplicates.reopen(pair)
    companies.update_company(twin, name_zh="完全另一家流体有限公司", aliases=[])
    for name in list(twin.names):
        twin.names.remove(name)
    session.flush()
    duplicates.find_all()
    assert session.get(DuplicatePair, pair.id) is None


def test_keys_are_kept_and_made_up_for_a_load_in_bulk(session, cast):
    companies.build_company(name_zh="只有装入没有索引的公司")
    session.flush()
    assert duplicates.index_missing() == 1
    assert duplicates.index_missing() == 0
    one = companies.create_company(name_zh="澄海仪表有限公司", phone="021-58880000")
    keys = set(session.scalars(select(MatchKey.key).where(MatchKey.company_id == one.id)))
    assert "p:+862158880000" in keys and rules.name_keys(["澄海仪表有限公司"]) <= keys
    assert [s.company.id for s in queries.find_similar_companies("城海仪表")] == [one.id]
    assert queries.find_similar_companies(phone="+862158880000")[0].evidence == ("phone",)


def _everything() -> dict[str, list]:
    skip = {"audit_entry", "merge", "match_key", "duplicate_pair", "ownership_log"}  # logs only ever grow
    noise = {"version", "updated_at"}
    return {
        table.name: sorted(
            (
                tuple(str(v) for k, v in row.items() if k not in noise)
                for row in db.session.execute(select(table)).mappings()
            ),
            key=str,
        )
        for table in Base.metadata.sorted_tables
        if table.name not in skip
    }


def _twin(cast) -> Company:
    """A second record of the first company, with something of everything; both took part in one edition."""
    one = cast.companies[0]
    twin = companies.create_company(
        name_zh="上海禾川泵业股份有限公司", website="https://hechuan.cn", tax_id=GOOD, phone="021-58880000"
    )
    db.session.add(
        Participation(
            edition_id=cast.previous.id,
            company_id=twin.id,
            net_m2=Decimal("18"),
            amount=Decimal(20000),
            outcome="exhibited",
            stands="B02",
            created_at=cast.previous.starts_on and dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
        )
    )
    db.session.add(
        Participation(
            edition_id=cast.edition.id,
            company_id=twin.id,
            net_m2=Decimal("9"),
            created_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
        )
    )
    db.session.add(
        Opportunity(
            edition_id=cast.edition.id,
            company_id=twin.id,
            stage="quoted",
            expected_m2=Decimal(36),
            expected_amount=Decimal(1),
            stage_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            created_at=dt.datetime(2025, 12, 1, tzinfo=dt.UTC),
        )
    )
    person = people.create_person(name="周敏", email="zhou@hechuan.cn")
    people.employ(person, twin, title="经理")
    activities.log_activity(twin.id, kind="call", subject="谈展位")
    child = companies.create_company(name_zh="禾川子公司", parent_id=twin.id)
    assert child.parent_id == twin.id and one.id != twin.id
    db.session.commit()
    return twin


def test_a_merge_moves_everything_and_is_taken_back_to_the_row(session, cast):
    one, twin = cast.companies[0], _twin(cast)
    before = _everything()
    kept_id, dropped_id = one.id, twin.id
    values = {
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "tax_id": twin.tax_id,
        "website": twin.website,
        "phone": twin.phone,
    }
    made = duplicates.merge_companies(
        one, twin, values, {"ledger": {str(cast.previous.id): "sum"}}, reason="同一家", user_id=cast.sales.id
    )
    session.commit()

    assert session.get(Company, dropped_id) is None and queries.find_successor(dropped_id) == kept_id
    one = session.get(Company, kept_id)
    assert (one.tax_id, one.domain) == (GOOD, "hechuan.cn")
    assert "上海禾川泵业股份有限公司" in {n.name for n in one.names}
    assert session.scalar(select(func.count()).select_from(Activity).where(Activity.company_id == kept_id)) == 1
    assert session.scalar(select(func.count()).select_from(Employment).where(Employment.company_id == kept_id)) == 2
    ledger = {p.edition_id: p for p in queries.list_participations(kept_id)}
    assert ledger[cast.previous.id].net_m2 == Decimal("27.00") and ledger[cast.previous.id].stands == "B02"
    assert set(ledger) == {cast.previous.id, cast.edition.id}
    chance = session.scalars(select(Opportunity).where(Opportunity.company_id == kept_id)).one()
    assert (chance.stage, chance.expected_m2) == ("quoted", Decimal("36.00"))
    assert session.scalar(select(Company.parent_id).where(Company.name_zh == "禾川子公司")) == kept_id

    assert duplicates.undo_merge(session.get(Merge, made.id), user_id=cast.sales.id) == 0
    session.commit()
    after = _everything()
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    with pytest.raises(DirectoryError, match="merge-undone"):
        duplicates.undo_merge(session.get(Merge, made.id))


@pytest.mark.parametrize("choice", ["keep", "drop"])
def test_of_two_open_changes_of_the_entry_the_chosen_one_goes_on(session, cast, client, choice):
    one, twin = cast.companies[0], _twin(cast)
    now, asked = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), {}
    for company, said in ((one, "禾川新文案"), (twin, "另一份文案")):
        took = session.scalar(
            select(Participation).where(Participation.company_id == company.id, Participation.edition_id == cast.edition.id)
        )
        if took is None:
            took = Participation(edition_id=cast.edition.id, company_id=company.id, created_at=now)
            session.add(took)
            session.flush()
        session.add(DirectoryEntry(participation_id=took.id, intro_zh=f"旧{said}", brands=[said], updated_at=now))
        change = EntryChange(
            participation_id=took.id, asked_at=now, before={"intro_zh": f"旧{said}"}, after={"intro_zh": said, "brands": []}
        )
        session.add(change)
        session.flush()
        asked[company.id] = change.id
    pair = duplicates.open_pair(one, twin)
    session.commit()
    before, kept_id = _everything(), one.id
    sign_in(client, cast.sales)
    session.commit()
    page = client.get(f"/companies/duplicates/{pair.id}?lang=en").get_data(as_text=True)
    assert "Both wait for a decision" in page and "禾川新文案" in page and "另一份文案" in page
    side = {one.id: "a" if pair.a_id == one.id else "b", twin.id: "a" if pair.a_id == twin.id else "b"}
    chosen, other = (one.id, twin.id) if choice == "keep" else (twin.id, one.id)
    form = {
        "pair": pair.id, "keep": side[one.id], "version_a": pair.a.version, "version_b": pair.b.version, "tax_id": side[twin.id],
        f"question_entry_{cast.edition.id}": side[chosen],
    }  # fmt: skip
    assert client.post("/companies/duplicates/merge", data=form).location == "/companies/merges"
    session.expire_all()
    states = {c.id: c for c in session.scalars(select(EntryChange))}
    assert (states[asked[chosen]].state, states[asked[other]].state) == ("open", "withdrawn")
    assert states[asked[chosen]].before == {"intro_zh": "旧禾川新文案"}  # the entry that stays is what it would change
    assert {c.participation.company_id for c in states.values()} == {kept_id}
    entry = session.scalars(select(DirectoryEntry)).one()
    assert (entry.intro_zh, entry.brands) == ("旧禾川新文案", ["禾川新文案", "另一份文案"])
    duplicates.undo_merge(session.scalars(select(Merge)).one())
    session.commit()
    after = _everything()
    assert {name for name, rows in after.items() if rows != before[name]} <= {"user", "user_session"}


def test_what_was_changed_after_the_merge_stays(session, cast):
    one, twin = cast.companies[0], _twin(cast)
    made = duplicates.merge_companies(one, twin, {"tax_id": twin.tax_id}, {}, user_id=cast.sales.id)
    companies.update_company(session.get(Company, made.kept_id), tax_id="")
    session.commit()
    assert duplicates.undo_merge(made) == 1
    assert session.get(Company, made.dropped_id).tax_id == GOOD


def test_a_parent_does_not_become_its_own_child(session, cast):
    top = companies.create_company(name_zh="海岳集团")
    below = companies.create_company(name_zh="海岳集团有限公司", parent_id=top.id)
    duplicates.merge_companies(below, top, {}, {})
    session.commit()
    assert session.get(Company, below.id).parent_id is None


def test_the_pages_lead_from_the_scan_to_the_merge_and_back(client, session, cast):
    previous = cast.previous.id
    dropped, kept = _twin(cast).id, cast.companies[0].id
    sign_in(client, cast.sales)
    found = client.post("/companies/duplicates/find")
    assert client.get(found.location).status_code == 200
    jobs.run_all()
    assert client.get(found.location).status_code == 302
    pair = session.scalars(select(DuplicatePair).where(DuplicatePair.a_id == kept, DuplicatePair.b_id == dropped)).one()
    page = client.get(f"/companies/duplicates/{pair.id}").get_data(as_text=True)
    assert "上海禾川泵业股份有限公司" in page and f'name="edition_{previous}"' in page
    form = {
        "pair": pair.id,
        "version_a": pair.a.version,
        "version_b": pair.b.version,
        "keep": "a",
        "tax_id": "b",
        f"edition_{previous}": "b",
    }
    refused = client.post("/companies/duplicates/merge", data=form | {"version_b": 99, "reason": "同一家公司"})
    assert refused.status_code == 409 and "同一家公司" in refused.get_data(as_text=True)
    assert client.post("/companies/duplicates/merge", data=form | {"keep": "x"}).status_code == 422
    assert client.post("/companies/duplicates/merge", data=form).location == "/companies/merges"
    session.expire_all()
    assert client.get(f"/companies/{dropped}").location == f"/companies/{kept}"
    assert (
        session.scalar(
            select(Participation.net_m2).where(Participation.edition_id == previous, Participation.company_id == kept)
        )
        == 18
    )
    made = session.scalars(select(Merge)).one()
    assert client.post(f"/companies/merges/{made.id}/undo").status_code == 302
    assert client.post(f"/companies/merges/{made.id}/undo").status_code == 409
    assert client.get(f"/companies/{dropped}").status_code == 200


def test_who_may_not_edit_may_not_merge(client, session, cast):
    sign_in(client, cast.reader)
    assert client.get("/companies/duplicates").status_code == 403
    assert client.post("/companies/duplicates/merge", data={}).status_code == 403


def test_the_queue_costs_the_same_for_one_and_for_many(client, session, cast):
    from sqlalchemy import event

    sign_in(client, cast.sales)
    duplicates.find_all()

    def cost() -> int:
        seen = []
        event.listen(db.engine, "before_cursor_execute", lambda *_: seen.append(1))
        session.remove()
        client.get("/companies/duplicates")
        return len(seen)

    owner = cast.sales.id
    companies.create_company(name_zh="甲乙泵业有限公司", owner_id=owner)
    companies.create_company(name_zh="甲乙泵业股份有限公司")
    duplicates.find_all()
    session.commit()
    one = cost()
    for i in range(8):
        companies.create_company(name_zh=f"甲乙泵业有限公司{'东南西北中上下左'[i]}分公司", owner_id=owner)
    duplicates.find_all()
    session.commit()
    assert duplicates.count_open() > 8
    assert cost() <= one + 1  # roles of one more owner, not a query for each row


def test_two_records_of_one_person_become_one_and_a_no_stays_a_no(client, session, cast):
    one = cast.contact
    two = people.create_person(name=one.name, email=one.email, phone="13800138000")
    stranger = people.create_person(name="王芳", email=one.email)  # an assistant who shares the address
    people.employ(two, cast.companies[1], title="总经理")
    consents.record_consent(one.id, "marketing", True, text_version="1", locale="zh", channel="web")
    consents.record_consent(two.id, "marketing", False, text_version="1", locale="zh", channel="web")
    consents.record_consent(one.id, "marketing", True, text_version="1", locale="zh", channel="web")
    session.commit()
    before = _everything()
    sign_in(client, cast.sales)
    assert two.name in client.get(f"/people/{one.id}").get_data(as_text=True)
    assert client.post(f"/people/{one.id}/merge", data={"other": stranger.id}).status_code == 404
    assert client.post(f"/people/{one.id}/merge", data={"other": two.id}).status_code == 302
    session.expire_all()
    kept = queries.find_person(one.id)
    assert kept.phone == "+8613800138000" and len(kept.employments) == 2
    assert queries.consent_of(kept.id, "marketing").granted is False
    made = session.scalars(select(Merge)).one()
    assert duplicates.undo_merge(made) == 0
    session.commit()
    after = _everything()
    assert {n: (before[n], after[n]) for n in before if n not in ("user_session", "user") and before[n] != after[n]} == {}
