"""Reading supply, demand and meetings of an edition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models import DirectoryEntry
from expo_crm.lib import ids
from expo_crm.matchmaking.domain.matching import Need, Node, Supply, Tree
from expo_crm.matchmaking.domain.meeting import OPEN
from expo_crm.matchmaking.models import Demand, Meeting, Offer
from expo_crm.shows.models import Category, Edition
from expo_crm.visitors.models import Registration, VisitorClass

EXHIBITING = ("main", "co")
UNMATCHED_CLASSES = ("exhibitor", "crew")
"""Stand staff and crew are not suggested to exhibitors."""

MOST_NEEDS = 30_000


def load_tree(show_id: int) -> tuple[Tree, dict[int, Category]]:
    nodes = {c.id: c for c in db.session.scalars(select(Category).where(Category.show_id == show_id))}
    tree = Tree.of(
        Node(c.id, c.parent_id, tuple(w for w in (c.name_zh, c.name_en, *map(str, c.synonyms)) if w))
        for c in nodes.values()
    )
    return tree, nodes


def _exhibiting(edition_id: int) -> Any:
    return and_(
        Participation.edition_id == edition_id,
        Participation.role.in_(EXHIBITING),
        Participation.outcome.in_(("planned", "exhibited")),
    )


def load_supplies(edition_id: int, only: Iterable[int] | None = None) -> list[Supply]:
    """Every exhibitor with offers, directory entry and company text, in two queries."""
    rows = db.session.execute(
        select(
            Participation.id,
            Participation.company_id,
            Company.industry,
            func.coalesce(DirectoryEntry.intro_zh, Company.intro_zh, ""),
            func.coalesce(DirectoryEntry.intro_en, Company.intro_en, ""),
        )
        .join(Participation.company)
        .outerjoin(DirectoryEntry, DirectoryEntry.participation_id == Participation.id)
        .where(_exhibiting(edition_id))
    ).all()
    nodes: dict[int, set[int]] = defaultdict(set)
    words: dict[int, list[str]] = defaultdict(list)
    for participation_id, category_id, own in db.session.execute(
        select(Offer.participation_id, Offer.category_id, Offer.text)
        .join(Offer.participation)
        .where(_exhibiting(edition_id))
    ):
        nodes[participation_id].add(category_id)
        if own:
            words[participation_id].append(own)
    return [
        Supply(id_, frozenset(nodes[id_]), " ".join([industry, *words[id_], zh, en]).strip(), company_id)
        for id_, company_id, industry, zh, en in rows
    ]


def _matchable(edition_id: int) -> Any:
    return (
        select(Registration.id, Registration.looking_for, Registration.buying_role, Registration.company_id)
        .join(VisitorClass, VisitorClass.id == Registration.class_id)
        .where(
            Registration.edition_id == edition_id,
            Registration.state.in_(("approved", "submitted")),
            VisitorClass.code.not_in(UNMATCHED_CLASSES),
        )
    )


def load_needs(edition_id: int, related: set[int] | None = None) -> list[Need]:
    """Visitors with a need; with ``related`` only those who ticked one of these nodes or wrote something. Two queries."""
    query = _matchable(edition_id)
    demands = (
        select(Demand.registration_id, Demand.category_id)
        .join(Demand.registration)
        .where(Registration.edition_id == edition_id)
    )
    if related is not None:
        wanting = select(Demand.registration_id).where(Demand.category_id.in_(sorted(related)))
        query = query.where(or_(Registration.id.in_(wanting), Registration.looking_for != ""))
        demands = demands.where(or_(Registration.id.in_(wanting), Registration.looking_for != ""))
    nodes: dict[int, set[int]] = defaultdict(set)
    for registration_id, category_id in db.session.execute(demands):
        nodes[registration_id].add(category_id)
    rows = db.session.execute(query.order_by(Registration.id.desc()).limit(MOST_NEEDS))
    return [Need(r.id, frozenset(nodes[r.id]), r.looking_for, r.buying_role, r.company_id) for r in rows]


def need_of(registration: Registration) -> Need:
    nodes = db.session.scalars(select(Demand.category_id).where(Demand.registration_id == registration.id))
    return Need(
        registration.id,
        frozenset(nodes),
        registration.looking_for,
        registration.buying_role,
        registration.company_id,
    )


def refused_by_registration(registration_id: int) -> frozenset[int]:
    """The exhibitors with whom this visitor has declined, or was declined: they are not suggested again."""
    return frozenset(
        db.session.scalars(
            select(Meeting.participation_id).where(
                Meeting.registration_id == registration_id, Meeting.state == "declined"
            )
        )
    )


def refused_by_participation(participation_id: int) -> frozenset[int]:
    return frozenset(
        db.session.scalars(
            select(Meeting.registration_id).where(
                Meeting.participation_id == participation_id, Meeting.state == "declined"
            )
        )
    )


def find_participation(edition_id: int, participation_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation)
        .where(Participation.edition_id == edition_id, Participation.id == participation_id)
        .options(joinedload(Participation.company), joinedload(Participation.edition).joinedload(Edition.show))
    )


def find_registration(edition_id: int, registration_id: int) -> Registration | None:
    return db.session.scalar(
        select(Registration)
        .where(Registration.edition_id == edition_id, Registration.id == registration_id)
        .options(joinedload(Registration.person), joinedload(Registration.visitor_class))
    )


def participations_by_id(ids_: Iterable[int]) -> dict[int, Participation]:
    wanted = list(ids_)
    if not wanted:
        return {}
    rows = db.session.scalars(
        select(Participation).where(Participation.id.in_(wanted)).options(joinedload(Participation.company))
    )
    return {p.id: p for p in rows}


def registrations_by_id(ids_: Iterable[int]) -> dict[int, Registration]:
    wanted = list(ids_)
    if not wanted:
        return {}
    rows = db.session.scalars(
        select(Registration).where(Registration.id.in_(wanted)).options(joinedload(Registration.visitor_class))
    )
    return {r.id: r for r in rows}


WITH_SIDES = (
    joinedload(Meeting.participation).joinedload(Participation.company),
    joinedload(Meeting.registration).joinedload(Registration.person),
    joinedload(Meeting.registration).joinedload(Registration.visitor_class),
)


def find_meeting(edition_id: int, meeting_id: int) -> Meeting | None:
    return db.session.scalar(
        select(Meeting)
        .where(Meeting.edition_id == edition_id, Meeting.id == meeting_id)
        .options(*WITH_SIDES, joinedload(Meeting.edition).joinedload(Edition.show))
    )


def find_meeting_by_token(token: str) -> Meeting | None:
    """The meeting that a visitor's answer link opens."""
    if not 16 <= len(token) <= 100:
        return None
    return db.session.scalar(
        select(Meeting)
        .where(Meeting.token_hash == ids.hash_token(token))
        .options(*WITH_SIDES, joinedload(Meeting.edition).joinedload(Edition.show))
    )


def list_meetings_of_registration(registration_id: int) -> list[Meeting]:
    return list(
        db.session.scalars(
            select(Meeting)
            .where(Meeting.registration_id == registration_id)
            .options(*WITH_SIDES)
            .order_by(Meeting.starts_at.asc().nulls_last(), Meeting.id)
        )
    )


def list_meetings_of_participation(participation_id: int) -> list[Meeting]:
    return list(
        db.session.scalars(
            select(Meeting)
            .where(Meeting.participation_id == participation_id)
            .options(*WITH_SIDES)
            .order_by(Meeting.starts_at.asc().nulls_last(), Meeting.id)
        )
    )


def list_scheduled_of(participation_id: int, registration_id: int, *, without: int | None = None) -> list[Meeting]:
    """Meetings with a time of either side."""
    query = select(Meeting).where(
        or_(Meeting.participation_id == participation_id, Meeting.registration_id == registration_id),
        Meeting.state == "scheduled",
    )
    if without is not None:
        query = query.where(Meeting.id != without)
    return list(db.session.scalars(query.options(*WITH_SIDES).order_by(Meeting.starts_at)))


def find_open_meeting(participation_id: int, registration_id: int) -> Meeting | None:
    return db.session.scalar(
        select(Meeting).where(
            Meeting.participation_id == participation_id,
            Meeting.registration_id == registration_id,
            Meeting.state.in_(sorted(OPEN)),
        )
    )


def count_meetings_by_state(edition_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Meeting.state, func.count()).where(Meeting.edition_id == edition_id).group_by(Meeting.state)
    )
    return {row[0]: row[1] for row in rows}


def coverage(edition_id: int) -> dict[str, int]:
    """How many visitors and exhibitors there are to match, and how many of them said what they want or show."""
    visitors = _matchable(edition_id).subquery()
    tagged = select(Demand.registration_id).join(Demand.registration).where(Registration.edition_id == edition_id)
    offering = select(Offer.participation_id).join(Offer.participation).where(_exhibiting(edition_id))
    count = select(func.count())
    scalar = db.session.scalar
    return {
        "visitors": scalar(count.select_from(visitors)) or 0,
        "visitors_tagged": scalar(
            count.select_from(visitors).where(or_(visitors.c.id.in_(tagged), visitors.c.looking_for != ""))
        )
        or 0,
        "exhibitors": scalar(count.select_from(Participation).where(_exhibiting(edition_id))) or 0,
        "exhibitors_tagged": scalar(
            count.select_from(Participation).where(_exhibiting(edition_id), Participation.id.in_(offering))
        )
        or 0,
    }


def balance(edition_id: int) -> dict[int, tuple[int, int]]:
    """Category id → (exhibitors that offer it, visitors who want it)."""
    supply = dict(
        db.session.execute(
            select(Offer.category_id, func.count())
            .join(Offer.participation)
            .where(_exhibiting(edition_id))
            .group_by(Offer.category_id)
        ).all()
    )
    demand = dict(
        db.session.execute(
            select(Demand.category_id, func.count())
            .join(Demand.registration)
            .where(Registration.edition_id == edition_id, Registration.state.in_(("approved", "submitted")))
            .group_by(Demand.category_id)
        ).all()
    )
    return {c: (supply.get(c, 0), demand.get(c, 0)) for c in supply.keys() | demand.keys()}
