"""The fixed cast: one show with two editions, its staff by role, a hall with booths, companies, a category tree.

``cast = play(db.session)`` stores it and returns the names; sign a client in with ``sign_in(client, cast.sales)``.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from expo_crm.accounts.models import User, UserRole
from expo_crm.directory.models import Company, Employment, Participation, Person
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.models import Booth, Opportunity
from expo_crm.lib import text
from expo_crm.lib.companies import company_key
from expo_crm.shows.models import Category, Edition, Hall, OpeningDay, Show
from expo_crm.visitors.models import VisitorClass

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
PASSWORD = "seven quiet bamboo boats"
ROLES = ("admin", "sales", "desk", "gate", "finance", "reader")


def play(session: Any) -> SimpleNamespace:
    """Store the cast. Editions ``previous`` (2025, closed) and ``edition`` (2026, open); a later one is not planned yet."""
    cast = SimpleNamespace()
    cast.show = Show(
        code="fluid", name_zh="华东流体工业展", name_en="East China Fluid Expo", organizer_zh="东浦会展", organizer_en="Dongpu Exhibitions",
        privacy_contact="privacy@example.com",
    )  # fmt: skip
    cast.previous = _edition(cast.show, 2025, 7, "closed")
    cast.edition = _edition(cast.show, 2026, 8, "open")
    session.add_all([cast.show, cast.previous, cast.edition])
    session.flush()
    cast.edition.previous_id = cast.previous.id
    _people(session, cast)
    _hall(session, cast)
    _categories(session, cast)
    _companies(session, cast)
    session.flush()
    duplicates.index_missing()
    session.commit()
    return cast


def _edition(show: Show, year: int, number: int, state: str) -> Edition:
    days = [dt.date(year, 6, 9 + i) for i in range(3)]
    return Edition(
        show=show, slug=f"fluid-{year}", number=number, name_zh=f"{year}华东流体工业展", name_en=f"East China Fluid Expo {year}",
        venue_zh="东浦国际会展中心", venue_en="Dongpu International Expo Centre", starts_on=days[0], ends_on=days[-1], state=state,
        registration_opens_at=dt.datetime(year, 1, 5, tzinfo=dt.UTC), counted_classes=["trade", "buyer"],
        days=[OpeningDay(day=d, opens_at=dt.time(9), closes_at=dt.time(17)) for d in days],
    )  # fmt: skip


def _people(session: Any, cast: SimpleNamespace) -> None:
    from expo_crm.accounts.services import hasher

    known = hasher.hash(PASSWORD)
    for role in ROLES:
        user = User(
            email=f"{role}@example.com",
            name=f"{role.title()} 王",
            password_hash=known,
            created_at=NOW,
            roles=[UserRole(role=role)],
        )
        setattr(cast, role, user)
        session.add(user)
    for edition in (cast.previous, cast.edition):
        for position, (code, zh, en) in enumerate(
            [
                ("trade", "专业观众", "Trade visitor"),
                ("buyer", "特邀买家", "Hosted buyer"),
                ("press", "媒体", "Press"),
                ("exhibitor", "展商", "Exhibitor"),
            ]
        ):
            item = VisitorClass(edition_id=edition.id, code=code, name_zh=zh, name_en=en, position=position)
            session.add(item)
            if edition is cast.edition:
                setattr(cast, f"class_{code}", item)
    session.flush()


def _hall(session: Any, cast: SimpleNamespace) -> None:
    cast.hall = Hall(
        edition_id=cast.edition.id,
        code="H1",
        name_zh="1号馆",
        name_en="Hall 1",
        width_m=Decimal(60),
        depth_m=Decimal(40),
        capacity=2000,
    )
    session.add(cast.hall)
    session.flush()
    cast.booths = [
        Booth(
            edition_id=cast.edition.id, hall_id=cast.hall.id, code=f"A{i:02}", code_key=f"A{i:02}", x_m=Decimal(2 + 4 * i), y_m=Decimal(2),
            width_m=Decimal(3), depth_m=Decimal(3), area_m2=Decimal(9), price=Decimal(12000),
        )
        for i in range(1, 7)
    ]  # fmt: skip
    session.add_all(cast.booths)


def _categories(session: Any, cast: SimpleNamespace) -> None:
    def node(code: str, zh: str, en: str, parent: Category | None = None, synonyms: tuple[str, ...] = ()) -> Category:
        item = Category(
            show_id=cast.show.id, code=code, name_zh=zh, name_en=en, parent_id=parent.id if parent else None, synonyms=list(synonyms),
            position=int(code.replace(".", "").ljust(4, "0")),
        )  # fmt: skip
        session.add(item)
        session.flush()
        return item

    cast.pumps = node("1", "泵", "Pumps")
    cast.centrifugal = node("1.1", "离心泵", "Centrifugal pumps", cast.pumps, ("叶片泵", "rotodynamic pump"))
    cast.metering = node("1.2", "计量泵", "Metering pumps", cast.pumps, ("加药泵", "dosing pump"))
    cast.valves = node("2", "阀门", "Valves")
    cast.ball = node("2.1", "球阀", "Ball valves", cast.valves)


def _companies(session: Any, cast: SimpleNamespace) -> None:
    rows = [
        ("禾川泵业（上海）有限公司", "Hechuan Pumps (Shanghai) Co., Ltd."),
        ("北辰阀门股份有限公司", "Beichen Valves Co., Ltd."),
        ("", "Nordhafen Dosiertechnik GmbH"),
        ("澄江密封件厂", ""),
    ]
    cast.companies = []
    for zh, en in rows:
        full, _initials = text.pinyin(zh or en)
        company = Company(
            name_zh=zh, name_en=en, name_key=company_key(zh or en), sort_key=full or text.fold(en), search_key=text.search_key(zh, en),
            country="CN" if zh else "DE", owner_id=cast.sales.id, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add(company)
        cast.companies.append(company)
    session.flush()
    for i, company in enumerate(cast.companies[:3]):
        session.add(
            Participation(
                edition_id=cast.previous.id,
                company_id=company.id,
                net_m2=Decimal(9 * (i + 1)),
                amount=Decimal(12000 * (i + 1)),
                outcome="exhibited",
                created_at=NOW,
            )
        )
    person = Person(
        name="陈思远",
        sort_key="chensiyuan",
        search_key=text.search_key("陈思远"),
        email="chen@hechuan.example",
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(person)
    session.flush()
    cast.contact = person
    session.add(Employment(person_id=person.id, company_id=cast.companies[0].id, title="市场部经理", main_contact=True))
    cast.opportunity = Opportunity(
        edition_id=cast.edition.id, company_id=cast.companies[0].id, owner_id=cast.sales.id, stage="intent", source="rebooking",
        expected_m2=Decimal(9), expected_amount=Decimal(12000), stage_at=NOW, created_at=NOW,
    )  # fmt: skip
    session.add(cast.opportunity)


def sign_in(client: Any, user: User) -> None:
    """Sign a test client in by the real form."""
    response = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert response.status_code == 302, response.get_data(as_text=True)[:500]
