"""A list that overwrites what was chosen, starts from the last mapping of its kind, and can be taken back whole."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from expo_crm.db import Base, db
from expo_crm.directory.models import Company, Employment, Participation
from expo_crm.directory.services import activities, companies
from expo_crm.exhibitors.models import ImportBatch, ImportChange, ImportMapping
from expo_crm.exhibitors.services import import_journal, importing
from tests.support.cast import play

HEADER = "公司名称,英文名称,网址,电话,城市,展位号,面积,联系人,手机\n"
ROWS = (
    "禾川泵业（上海）有限公司,Hechuan New,https://www.hechuan.cn,021-58880000,苏州,A01,18,周敏,13800138000\n"
    "海岳流体有限公司,Haiyue Fluid,https://haiyue.cn,,宁波,A02,9,林涛,13900139000\n"
    "澄海仪表有限公司,,,,,,,,\n"
)
CSV = (HEADER + ROWS).encode()
SKIP = {
    "audit_entry",
    "job",
    "import_batch",
    "import_row",
    "import_change",
    "import_mapping",
    "match_key",
    "quality_snapshot",
}


@pytest.fixture
def cast(session):
    return play(session)


def load(cast, data=CSV, replace=()):
    batch = importing.create_batch(cast.edition.id, "list.csv", data)
    table = importing.open_batch(batch)
    batch.mapping = importing.sure_mapping(table)
    batch.replace = sorted(replace)
    importing.preview(batch)
    batch.state = "loading"
    importing.load(batch)
    db.session.commit()
    return batch


def everything():
    return {
        table.name: sorted(
            (
                tuple(str(v) for k, v in row.items() if k not in ("version", "updated_at"))
                for row in db.session.execute(select(table)).mappings()
            ),
            key=str,
        )
        for table in Base.metadata.sorted_tables
        if table.name not in SKIP
    }


def test_a_batch_is_taken_back_to_the_row(session, cast):
    companies.update_company(cast.companies[0], city="上海", phone="021-11112222")
    session.commit()
    before = everything()
    batch = load(cast, replace=("city", "name_en"))
    one = session.get(Company, cast.companies[0].id)
    session.refresh(one)
    assert (one.city, one.name_en, one.phone) == ("苏州", "Hechuan New", "021-11112222")  # the phone was not chosen
    assert "Hechuan Pumps (Shanghai) Co., Ltd." in {n.name for n in one.names}
    assert session.scalar(select(func.count()).select_from(Company)) == len(cast.companies) + 2
    assert importing.may_roll_back(batch)

    counts = import_journal.roll_back(batch)
    session.commit()
    assert counts.get("kept", 0) == 0 and counts["deleted"] > 5
    after = everything()
    assert {name for name in before if before[name] != after[name]} == set()
    assert batch.state == "rolled_back" and session.scalar(select(func.count()).select_from(ImportChange)) == 0
    with pytest.raises(import_journal.NotLoaded):
        import_journal.roll_back(batch)


def test_what_is_in_use_or_was_changed_since_stays(session, cast):
    batch = load(cast, replace=("city",))
    haiyue = session.scalar(select(Company).where(Company.name_zh == "海岳流体有限公司"))
    activities.log_activity(haiyue.id, kind="call", subject="回访")
    known = session.get(Company, cast.companies[0].id)
    session.refresh(known)
    companies.update_company(known, city="杭州")
    session.commit()
    counts = import_journal.roll_back(batch)
    session.commit()
    assert counts["kept"] >= 2
    session.expire_all()
    assert session.get(Company, haiyue.id) is not None  # somebody called it
    assert session.get(Company, known.id).city == "杭州"
    assert session.scalar(select(Company).where(Company.name_zh == "澄海仪表有限公司")) is None
    held = select(func.count()).select_from(Participation).where(Participation.edition_id == cast.edition.id)
    assert session.scalar(held) == 0
    people = select(func.count()).select_from(Employment).where(Employment.company_id == haiyue.id)
    assert session.scalar(people) == 0


def test_the_next_file_of_its_kind_starts_from_the_last_mapping(session, cast):
    batch = importing.create_batch(cast.edition.id, "a.csv", CSV)
    chosen = {"company_zh": "公司名称", "phone": "手机"}
    keys = {f.key for f in importing.FIELDS}
    chosen = {k: v for k, v in chosen.items() if k in keys} or {"company": "公司名称"}
    importing.start_preview(batch, chosen, "zh", replace=["city", "tax_id", "nonsense"])
    shuffled = "手机,公司名称,英文名称,网址,电话,城市,展位号,面积,联系人\n1,乙公司,,,,,,,\n".encode()
    other = importing.create_batch(cast.edition.id, "b.csv", shuffled)
    found = importing.remembered(importing.open_batch(other))
    assert found is not None and found.mapping == chosen and found.replace == ["city"]
    assert session.scalar(select(func.count()).select_from(ImportMapping)) == 1
    third = importing.create_batch(cast.edition.id, "c.csv", "公司名称,其他\n乙公司,1\n".encode())
    assert importing.remembered(importing.open_batch(third)) is None


def test_old_batches_and_uploads_cannot_be_taken_back(session, cast):
    batch = importing.create_batch(cast.edition.id, "a.csv", CSV)
    assert not importing.may_roll_back(batch)
    with pytest.raises(import_journal.NotLoaded):
        import_journal.roll_back(batch)
    assert session.scalar(select(func.count()).select_from(ImportBatch)) == 1
