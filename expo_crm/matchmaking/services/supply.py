"""What exhibitors offer and visitors look for, as nodes of the category tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, insert, select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import text
from expo_crm.matchmaking.models import Demand, Meeting, Offer
from expo_crm.shows.models import Category, Edition
from expo_crm.visitors.models import Registration


def _of_show(edition_id: int, category_ids: Iterable[int]) -> set[int]:
    """Only nodes of the edition's show; ids of another show are left out."""
    wanted = set(category_ids)
    if not wanted:
        return set()
    return set(
        db.session.scalars(
            select(Category.id)
            .join(Edition, Edition.show_id == Category.show_id)
            .where(Edition.id == edition_id, Category.id.in_(wanted))
        )
    )


def set_demands(registration: Registration, category_ids: Iterable[int]) -> set[int]:
    """Replace what a visitor looks for. Returns the stored node ids."""
    wanted = _of_show(registration.edition_id, category_ids)
    before = get_demands(registration.id)
    if before - wanted:
        db.session.execute(
            delete(Demand).where(
                Demand.registration_id == registration.id, Demand.category_id.in_(sorted(before - wanted))
            )
        )
    db.session.add_all(Demand(registration_id=registration.id, category_id=c) for c in sorted(wanted - before))
    db.session.flush()
    if before and before != wanted:
        audit.record(
            "demand.change", "registration", registration.id, edition_id=registration.edition_id,
            changes={"categories": [sorted(before), sorted(wanted)]},
        )  # fmt: skip
    return wanted


def get_demands(registration_id: int) -> set[int]:
    return set(db.session.scalars(select(Demand.category_id).where(Demand.registration_id == registration_id)))


def list_offers(participation_id: int) -> list[Offer]:
    return list(
        db.session.scalars(select(Offer).where(Offer.participation_id == participation_id).order_by(Offer.category_id))
    )


def set_offers(participation: Participation, offers: dict[int, str]) -> set[int]:
    """Replace what an exhibitor shows: category id → own words (may be empty). Returns the stored node ids."""
    wanted = _of_show(participation.edition_id, offers)
    known = {o.category_id: o for o in list_offers(participation.id)}
    for category_id, offer in known.items():
        if category_id not in wanted:
            db.session.delete(offer)
    for category_id in sorted(wanted):
        words = text.clean(offers[category_id] or "", multiline=True, limit=1000)
        if category_id in known:
            known[category_id].text = words
        else:
            db.session.add(Offer(participation_id=participation.id, category_id=category_id, text=words))
    db.session.flush()
    audit.record(
        "offer.change", "participation", participation.id, edition_id=participation.edition_id,
        changes={"categories": [sorted(known), sorted(wanted)]},
    )  # fmt: skip
    return wanted


def counts_of(participation_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """participation id → how many categories it offers."""
    rows = db.session.execute(
        select(Offer.participation_id, func.count().label("offers"))
        .where(Offer.participation_id.in_(participation_ids))
        .group_by(Offer.participation_id)
    )
    return {r.participation_id: {"offers": r.offers} for r in rows}


def meeting_counts_of(participation_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """participation id → how many meetings were ``held``."""
    rows = db.session.execute(
        select(Meeting.participation_id, func.count().label("held"))
        .where(Meeting.participation_id.in_(participation_ids), Meeting.state == "held")
        .group_by(Meeting.participation_id)
    )
    return {r.participation_id: {"held": r.held} for r in rows}


class Interests:
    """The store that the registration pages write through (``expo_interests``)."""

    @staticmethod
    def get(registration_id: int) -> set[int]:
        return get_demands(registration_id)

    @staticmethod
    def set(registration: Registration, category_ids: Iterable[int]) -> None:
        set_demands(registration, category_ids)


class Offers:
    """The store that the exhibitor portal and the import write through (``expo_offers``)."""

    @staticmethod
    def get(participation_id: int) -> dict[int, str]:
        return {offer.category_id: offer.text for offer in list_offers(participation_id)}

    @staticmethod
    def set(participation: Participation, offers: dict[int, str]) -> None:
        set_offers(participation, offers)

    @staticmethod
    def add(pairs: list[tuple[int, int]]) -> int:
        """Tag participations with categories in bulk; how many of the pairs are new. Statements per thousand pairs."""
        added = 0
        for start in range(0, len(pairs), 1000):
            part = pairs[start : start + 1000]
            there = {
                (row.participation_id, row.category_id)
                for row in db.session.execute(
                    select(Offer.participation_id, Offer.category_id).where(
                        Offer.participation_id.in_({participation_id for participation_id, _category in part})
                    )
                )
            }
            new = [{"participation_id": p, "category_id": c, "text": ""} for p, c in part if (p, c) not in there]
            if new:
                db.session.execute(insert(Offer), new)
            added += len(new)
        return added
