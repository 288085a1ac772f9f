"""Reading the exhibitors' arrival: who has come, which booths are still empty. A constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import Standing
from expo_crm.db import db
from expo_crm.directory.models import Company, Employment, Participation, Person
from expo_crm.exhibitors.domain.contract import LIVE
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract
from expo_crm.lib import text
from expo_crm.onsite.models import Badge, ExhibitorArrival
from expo_crm.shows.models import Hall
from expo_crm.web import listing

# Represented companies send their name and nobody; they are not awaited.
AWAITED = ("main", "co")


@dataclass(frozen=True, slots=True)
class HallArrival:
    """A hall at arrival time. Booths are those that somebody exhibits on; one is occupied as soon as one of its exhibitors came."""

    hall_id: int | None
    code: str
    name_zh: str
    name_en: str
    booths: int = 0
    occupied: int = 0
    exhibitors: int = 0
    arrived: int = 0

    @property
    def empty(self) -> int:
        return self.booths - self.occupied


@dataclass(frozen=True, slots=True)
class ArrivalSummary:
    """Exhibitors that are awaited and have come, booths that are taken and manned, per hall and in all."""

    exhibitors: int
    arrived: int
    booths: int
    occupied: int
    halls: tuple[HallArrival, ...]

    @property
    def empty(self) -> int:
        return self.booths - self.occupied


@dataclass(slots=True)
class EmptyBooth:
    """A booth on which nobody has come, with the company to call: its host, or the first that stands on it."""

    booth_id: int
    code: str
    hall_id: int
    hall_code: str
    participation: Participation
    others: int = 0
    contact: Person | None = None


def awaited(edition_id: int) -> tuple[ColumnElement[bool], ...]:
    """The participations that are expected at the arrival desk."""
    return (
        Participation.edition_id == edition_id,
        Participation.role.in_(AWAITED),
        Participation.outcome.in_(("planned", "exhibited")),
    )


def arrived_participations(edition_id: int) -> set[int]:
    """Ids of the participations that have reported."""
    return set(
        db.session.scalars(select(ExhibitorArrival.participation_id).where(ExhibitorArrival.edition_id == edition_id))
    )


def _places(edition_id: int) -> list[Any]:
    """(booth, hall, participation, whether it came) for every awaited exhibitor with a booth on the plan."""
    return list(
        db.session.execute(
            select(Booth.id, Booth.hall_id, Participation.id, ExhibitorArrival.id.is_not(None).label("here"))
            .select_from(BoothOccupant)
            .join(Booth, Booth.id == BoothOccupant.booth_id)
            .join(Participation, Participation.id == BoothOccupant.participation_id)
            .outerjoin(ExhibitorArrival, ExhibitorArrival.participation_id == Participation.id)
            .where(*awaited(edition_id), Booth.edition_id == edition_id)
        )
    )


def arrival_summary(edition_id: int) -> ArrivalSummary:
    """What the live board and the arrival desk show; exhibitors without a booth on the plan count under no hall."""
    booths: dict[int | None, dict[int, bool]] = defaultdict(dict)
    people: dict[int | None, dict[int, bool]] = defaultdict(dict)
    placed: set[int] = set()
    for booth_id, hall_id, participation_id, here in _places(edition_id):
        booths[hall_id][booth_id] = booths[hall_id].get(booth_id, False) or here
        people[hall_id][participation_id] = here
        placed.add(participation_id)
    everyone = db.session.execute(
        select(Participation.id, ExhibitorArrival.id.is_not(None))
        .outerjoin(ExhibitorArrival, ExhibitorArrival.participation_id == Participation.id)
        .where(*awaited(edition_id))
    ).all()
    for participation_id, here in everyone:
        if participation_id not in placed:
            people[None][participation_id] = here
    halls = [
        HallArrival(
            hall.id, hall.code, hall.name_zh, hall.name_en,
            len(booths[hall.id]), sum(booths[hall.id].values()), len(people[hall.id]), sum(people[hall.id].values()),
        )
        for hall in db.session.scalars(select(Hall).where(Hall.edition_id == edition_id).order_by(Hall.code))
        if people[hall.id]
    ]  # fmt: skip
    if people[None]:
        halls.append(HallArrival(None, "", "", "", 0, 0, len(people[None]), sum(people[None].values())))
    return ArrivalSummary(
        exhibitors=len(everyone),
        arrived=sum(bool(here) for _id, here in everyone),
        booths=sum(h.booths for h in halls),
        occupied=sum(h.occupied for h in halls),
        halls=tuple(halls),
    )


def empty_booths(edition_id: int, hall_id: int | None = None, limit: int = 400) -> list[EmptyBooth]:
    """Booths of exhibitors of which none has come, in the order of the plan, with whom to call and who looks after them."""
    here = (
        select(BoothOccupant.booth_id)
        .join(ExhibitorArrival, ExhibitorArrival.participation_id == BoothOccupant.participation_id)
        .where(ExhibitorArrival.edition_id == edition_id)
    )
    query = (
        select(BoothOccupant, Booth, Hall.code)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Hall, Hall.id == Booth.hall_id)
        .join(BoothOccupant.participation)
        .join(Participation.company)
        .where(*awaited(edition_id), Booth.edition_id == edition_id, Booth.id.not_in(here))
        .options(
            contains_eager(BoothOccupant.participation).contains_eager(Participation.company).joinedload(Company.owner)
        )
        .order_by(Hall.code, Booth.sort_key, BoothOccupant.host.desc(), BoothOccupant.id)
    )
    if hall_id is not None:
        query = query.where(Booth.hall_id == hall_id)
    found: dict[int, EmptyBooth] = {}
    for occupant, booth, hall_code in db.session.execute(query):
        if booth.id in found:
            found[booth.id].others += 1
        elif len(found) < limit:
            found[booth.id] = EmptyBooth(booth.id, booth.code, booth.hall_id, hall_code, occupant.participation)
    people = contacts_of({e.participation.company_id for e in found.values()})
    for item in found.values():
        item.contact = people.get(item.participation.company_id)
    return list(found.values())


def contacts_of(company_ids: Iterable[int]) -> dict[int, Person]:
    """The person to call at each company: the main contact where one is marked, who still works there."""
    wanted = list(company_ids)
    if not wanted:
        return {}
    rows = db.session.execute(
        select(Employment.company_id, Person)
        .join(Person, Person.id == Employment.person_id)
        .where(Employment.company_id.in_(wanted), Employment.until.is_(None), Person.erased_at.is_(None))
        .order_by(Employment.company_id, Employment.main_contact.desc(), Employment.id)
    )
    out: dict[int, Person] = {}
    for company_id, person in rows:
        out.setdefault(company_id, person)
    return out


# -- finding the one who stands at the desk ----------------------------------------------------------------------------


def arrival_list(edition_id: int) -> Select[Any, Any]:
    """Awaited exhibitors with company and arrival, for ``listing.build``: rows of (participation, arrival or None)."""
    return (
        select(Participation, ExhibitorArrival)
        .join(Participation.company)
        .outerjoin(ExhibitorArrival, ExhibitorArrival.participation_id == Participation.id)
        .where(*awaited(edition_id))
        .options(contains_eager(Participation.company).joinedload(Company.owner))
    )


def matching(edition_id: int, words: str) -> ColumnElement[bool]:
    """SQL: the company's name, pinyin or initials fit, or a stand number does, on the plan or as written."""
    stand = words.strip().upper()
    on_booth = exists(
        select(BoothOccupant.id)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .where(
            BoothOccupant.participation_id == Participation.id,
            Booth.edition_id == edition_id,
            or_(
                Booth.code_key.contains(stand, autoescape=True),
                func.upper(Booth.code).contains(stand, autoescape=True),
            ),
        )
    )
    written = func.upper(Participation.stands).contains(text.clean_code(words).upper(), autoescape=True)
    return or_(listing.contains(Company.search_key, words), on_booth, written)


def booths_of(participation_ids: Iterable[int]) -> dict[int, list[Booth]]:
    """Booths by participation, in the order of the plan, with their halls."""
    wanted = list(participation_ids)
    out: dict[int, list[Booth]] = defaultdict(list)
    if not wanted:
        return out
    rows = db.session.execute(
        select(BoothOccupant.participation_id, Booth)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .where(BoothOccupant.participation_id.in_(wanted))
        .options(joinedload(Booth.hall))
        .order_by(Booth.sort_key)
    )
    for participation_id, booth in rows:
        out[participation_id].append(booth)
    return out


def find_awaited(edition_id: int, participation_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation)
        .join(Participation.company)
        .where(*awaited(edition_id), Participation.id == participation_id)
        .options(contains_eager(Participation.company).joinedload(Company.owner), joinedload(Participation.edition))
    )


def find_arrival(participation_id: int) -> ExhibitorArrival | None:
    return db.session.scalar(
        select(ExhibitorArrival)
        .where(ExhibitorArrival.participation_id == participation_id)
        .options(joinedload(ExhibitorArrival.recorder))
    )


def standings_of(edition_id: int, company_ids: Iterable[int]) -> dict[int, Standing]:
    """Money of the live contracts by company; a company without contract is missing."""
    wanted = list(company_ids)
    if not wanted:
        return {}
    contracts = db.session.execute(
        select(Contract.company_id, Contract.id).where(
            Contract.edition_id == edition_id, Contract.company_id.in_(wanted), Contract.state.in_(LIVE)
        )
    ).all()
    standings = billing.standings_of(contract_id for _company, contract_id in contracts)
    out: dict[int, Standing] = {}
    for company_id, contract_id in contracts:
        mine, before = standings[contract_id], out.get(company_id)
        out[company_id] = mine if before is None else Standing(
            invoiced=before.invoiced + mine.invoiced,
            received=before.received + mine.received,
            deposit_paid=before.deposit_paid and mine.deposit_paid,
            paid=before.paid and mine.paid,
        )  # fmt: skip
    return out


def staff_badges(participation_id: int) -> tuple[int, int]:
    """(stand badges issued and in force, of these printed)."""
    row = db.session.execute(
        select(func.count(), func.count(Badge.printed_at)).where(
            and_(Badge.participation_id == participation_id, Badge.state == "active")
        )
    ).one()
    return int(row[0]), int(row[1])
