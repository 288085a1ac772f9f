"""What the follow-up tests add to the cast: an edition that has been, with visitors who came and some who did not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import inspect

from expo_crm.db import Base
from expo_crm.directory.models import Company, Employment, Participation, Person
from expo_crm.jobs import services as jobs
from expo_crm.onsite.models import Badge, Presence
from expo_crm.visitors.models import Registration, VisitorClass
from tests.support.cast import NOW, play


def after_the_show(session: Any) -> SimpleNamespace:
    """The cast, and in the closed edition: three visitors who came, one who did not, one journalist, one without e-mail."""
    cast = play(session)
    classes = {c.code: c for c in session.query(VisitorClass).filter(VisitorClass.edition_id == cast.previous.id)}
    cast.came = [visitor(session, cast, classes["trade"], i, came=True) for i in (1, 2)]
    cast.came.append(visitor(session, cast, classes["buyer"], 3, came=True, locale="en"))
    cast.no_show = visitor(session, cast, classes["trade"], 4, came=False)
    cast.press = visitor(session, cast, classes["press"], 5, came=True)
    cast.silent = visitor(session, cast, classes["trade"], 6, came=True, email="")
    session.commit()
    return cast


def visitor(
    session: Any,
    cast: SimpleNamespace,
    group: VisitorClass,
    number: int,
    *,
    came: bool,
    locale: str = "zh",
    email: str | None = None,
) -> Registration:
    person = Person(
        name=f"访客{number}",
        sort_key=f"{number}",
        search_key="",
        email=f"v{number}@visit.example" if email is None else email,
        locale=locale,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(person)
    session.flush()
    registration = Registration(
        edition_id=cast.previous.id,
        number=number,
        person_id=person.id,
        class_id=group.id,
        name=person.name,
        state="approved",
        locale=locale,
        submitted_at=NOW,
    )
    session.add(registration)
    session.flush()
    badge = Badge(
        edition_id=cast.previous.id,
        class_id=group.id,
        registration_id=registration.id,
        serial=f"{number:016x}",
        holder=person.name,
        issued_at=NOW,
    )
    session.add(badge)
    session.flush()
    if came:
        session.add(
            Presence(
                edition_id=cast.previous.id,
                badge_id=badge.id,
                zone="show",
                local_day=cast.previous.starts_on,
                first_entry_at=NOW,
                last_at=NOW,
                last_direction="entry",
                entries=1,
            )
        )
    return registration


def company(session: Any, name: str, owner_id: int | None = None, email: str = "") -> Company:
    found = Company(
        name_zh=name,
        name_en="",
        name_key=name,
        sort_key=name,
        search_key=name,
        owner_id=owner_id,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(found)
    session.flush()
    if email:
        person = Person(
            name=f"{name}联系人", sort_key=name, search_key=name, email=email, created_at=NOW, updated_at=NOW
        )
        session.add(person)
        session.flush()
        session.add(Employment(person_id=person.id, company_id=found.id, main_contact=True))
        session.flush()
    return found


def exhibit(session: Any, edition: Any, who: Company, m2: int = 9, amount: int = 12000, **fields: Any) -> Participation:
    row = Participation(
        edition_id=edition.id,
        company_id=who.id,
        net_m2=Decimal(m2),
        amount=Decimal(amount),
        created_at=NOW,
        **{"outcome": "exhibited", **fields},
    )
    session.add(row)
    session.flush()
    return row


def at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(3), dt.UTC)


def work(session: Any, cast: SimpleNamespace) -> None:
    """Run the jobs that are due, which ends the session, and take the cast into the new one."""
    jobs.run_all()
    for value in vars(cast).values():
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if isinstance(item, Base) and inspect(item).detached and not inspect(item).was_deleted:
                session.add(item)
