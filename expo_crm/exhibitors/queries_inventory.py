"""Reading the inventory: everything is looked for inside its edition, so that a foreign id is simply not there."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import (
    Booth,
    BoothOffer,
    BoothRequest,
    BoothWish,
    DrawSlot,
    NeighbourRule,
    Opportunity,
    Pavilion,
    PavilionEntry,
    PriceList,
    PriceOverride,
    SpaceDraw,
)

T = TypeVar("T")


def list_price_lists(edition_id: int) -> list[PriceList]:
    """Newest versions first within each list."""
    return list(
        db.session.scalars(
            select(PriceList)
            .where(PriceList.edition_id == edition_id)
            .order_by(PriceList.code, PriceList.number.desc())
            .options(selectinload(PriceList.rules))
        )
    )


def find_price_list(edition_id: int, list_id: int) -> PriceList | None:
    return db.session.scalar(
        select(PriceList)
        .where(PriceList.id == list_id, PriceList.edition_id == edition_id)
        .options(selectinload(PriceList.rules))
    )


def list_overrides(edition_id: int, limit: int = 100) -> list[PriceOverride]:
    """What waits first, then what was decided last."""
    return list(
        db.session.scalars(
            select(PriceOverride)
            .join(Booth, Booth.id == PriceOverride.booth_id)
            .where(Booth.edition_id == edition_id)
            .order_by((PriceOverride.state != "asked"), PriceOverride.id.desc())
            .limit(limit)
            .options(
                joinedload(PriceOverride.booth).joinedload(Booth.hall),
                joinedload(PriceOverride.opportunity).joinedload(Opportunity.company),
                joinedload(PriceOverride.asked_by),
                joinedload(PriceOverride.decided_by),
            )
        )
    )


def find_override(edition_id: int, override_id: int) -> PriceOverride | None:
    return db.session.scalar(
        select(PriceOverride)
        .join(Booth, Booth.id == PriceOverride.booth_id)
        .where(PriceOverride.id == override_id, Booth.edition_id == edition_id)
    )


def list_overrides_of(booth_id: int) -> list[PriceOverride]:
    return list(
        db.session.scalars(
            select(PriceOverride)
            .where(PriceOverride.booth_id == booth_id)
            .order_by(PriceOverride.id.desc())
            .options(joinedload(PriceOverride.asked_by), joinedload(PriceOverride.decided_by))
        )
    )


def list_wishes(edition_id: int, *, ended: bool = False, limit: int = 300) -> list[BoothWish]:
    """The waiting list in its order; with ``ended`` those that are over, newest first."""
    states = ("taken", "gone") if ended else ("waiting", "offered")
    order: tuple[Any, ...] = (BoothWish.id.desc(),) if ended else (BoothWish.position, BoothWish.id)
    return list(
        db.session.scalars(
            select(BoothWish)
            .where(BoothWish.edition_id == edition_id, BoothWish.state.in_(states))
            .order_by(*order)
            .limit(limit)
            .options(
                joinedload(BoothWish.opportunity).joinedload(Opportunity.company),
                joinedload(BoothWish.booth),
                joinedload(BoothWish.hall),
                selectinload(BoothWish.offers).joinedload(BoothOffer.booth),
            )
        )
    )


def find_wish(edition_id: int, wish_id: int) -> BoothWish | None:
    return db.session.scalar(select(BoothWish).where(BoothWish.id == wish_id, BoothWish.edition_id == edition_id))


def find_offer(edition_id: int, offer_id: int) -> BoothOffer | None:
    return db.session.scalar(
        select(BoothOffer)
        .join(BoothWish, BoothWish.id == BoothOffer.wish_id)
        .where(BoothOffer.id == offer_id, BoothWish.edition_id == edition_id)
    )


def list_wishes_for(booth: Booth) -> list[BoothWish]:
    """Those who wait for just this booth, in their order."""
    return list(
        db.session.scalars(
            select(BoothWish)
            .where(BoothWish.booth_id == booth.id, BoothWish.state.in_(["waiting", "offered"]))
            .order_by(BoothWish.position)
            .options(joinedload(BoothWish.opportunity).joinedload(Opportunity.company))
        )
    )


def list_requests(edition_id: int, *, decided: bool = False, limit: int = 100) -> list[BoothRequest]:
    """What exhibitors asked for: the oldest open one first; with ``decided`` the newest answers."""
    query = (
        select(BoothRequest)
        .join(Opportunity, Opportunity.id == BoothRequest.opportunity_id)
        .where(Opportunity.edition_id == edition_id)
        .limit(limit)
        .options(
            joinedload(BoothRequest.booth).joinedload(Booth.hall),
            joinedload(BoothRequest.opportunity).joinedload(Opportunity.company),
            joinedload(BoothRequest.asked_by),
        )
    )
    if decided:
        query = query.where(BoothRequest.state != "asked").order_by(BoothRequest.id.desc())
    else:
        query = query.where(BoothRequest.state == "asked").order_by(BoothRequest.id)
    return list(db.session.scalars(query))


def list_requests_of(opportunity_id: int) -> list[BoothRequest]:
    return list(
        db.session.scalars(
            select(BoothRequest)
            .where(BoothRequest.opportunity_id == opportunity_id)
            .order_by(BoothRequest.id.desc())
            .options(joinedload(BoothRequest.booth).joinedload(Booth.hall))
        )
    )


def find_request(edition_id: int, request_id: int) -> BoothRequest | None:
    return db.session.scalar(
        select(BoothRequest)
        .join(Opportunity, Opportunity.id == BoothRequest.opportunity_id)
        .where(BoothRequest.id == request_id, Opportunity.edition_id == edition_id)
        .options(joinedload(BoothRequest.opportunity).joinedload(Opportunity.company))
    )


def find_open_request(booth_id: int) -> BoothRequest | None:
    return db.session.scalar(
        select(BoothRequest).where(BoothRequest.booth_id == booth_id, BoothRequest.state == "asked")
    )


def list_pavilions(edition_id: int) -> list[Pavilion]:
    return list(
        db.session.scalars(
            select(Pavilion)
            .where(Pavilion.edition_id == edition_id)
            .order_by(Pavilion.name_en, Pavilion.id)
            .options(joinedload(Pavilion.organizer).joinedload(Participation.company))
        )
    )


def find_pavilion(edition_id: int, pavilion_id: int) -> Pavilion | None:
    return db.session.scalar(
        select(Pavilion)
        .where(Pavilion.id == pavilion_id, Pavilion.edition_id == edition_id)
        .options(joinedload(Pavilion.organizer).joinedload(Participation.company))
    )


def list_pavilions_of(participation_id: int) -> list[Pavilion]:
    return list(
        db.session.scalars(select(Pavilion).where(Pavilion.organizer_id == participation_id).order_by(Pavilion.id))
    )


def count_pavilions(edition_id: int) -> dict[int, dict[str, Any]]:
    """Booths, m² and entries by state of each pavilion; two queries."""
    out: dict[int, dict[str, Any]] = {}
    for pavilion_id, booths, m2 in db.session.execute(
        select(Booth.pavilion_id, func.count(), func.sum(Booth.area_m2))
        .where(Booth.edition_id == edition_id, Booth.pavilion_id.is_not(None), Booth.retired_at.is_(None))
        .group_by(Booth.pavilion_id)
    ):
        assert pavilion_id is not None  # the question leaves booths without one out
        out[pavilion_id] = {"booths": booths, "m2": m2, "entered": 0, "taken": 0, "refused": 0}
    for pavilion_id, state, number in db.session.execute(
        select(PavilionEntry.pavilion_id, PavilionEntry.state, func.count())
        .join(Pavilion, Pavilion.id == PavilionEntry.pavilion_id)
        .where(Pavilion.edition_id == edition_id)
        .group_by(PavilionEntry.pavilion_id, PavilionEntry.state)
    ):
        out.setdefault(pavilion_id, {"booths": 0, "m2": 0, "entered": 0, "taken": 0, "refused": 0})[state] = number
    return out


def find_entry(edition_id: int, entry_id: int) -> PavilionEntry | None:
    return db.session.scalar(
        select(PavilionEntry)
        .join(Pavilion, Pavilion.id == PavilionEntry.pavilion_id)
        .where(PavilionEntry.id == entry_id, Pavilion.edition_id == edition_id)
        .options(joinedload(PavilionEntry.pavilion).joinedload(Pavilion.organizer))
    )


def find_slot(edition_id: int, slot_id: int) -> DrawSlot | None:
    return db.session.scalar(
        select(DrawSlot)
        .join(SpaceDraw, SpaceDraw.id == DrawSlot.draw_id)
        .where(DrawSlot.id == slot_id, SpaceDraw.edition_id == edition_id)
        .options(joinedload(DrawSlot.draw))
    )


def list_neighbour_rules(edition_id: int) -> list[NeighbourRule]:
    return list(
        db.session.scalars(
            select(NeighbourRule)
            .where(NeighbourRule.edition_id == edition_id)
            .order_by(NeighbourRule.id)
            .options(joinedload(NeighbourRule.company_a), joinedload(NeighbourRule.company_b))
        )
    )


def find_neighbour_rule(edition_id: int, rule_id: int) -> NeighbourRule | None:
    return db.session.scalar(
        select(NeighbourRule).where(NeighbourRule.id == rule_id, NeighbourRule.edition_id == edition_id)
    )


def find_participation_by_id(edition_id: int, participation_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation)
        .where(Participation.id == participation_id, Participation.edition_id == edition_id)
        .options(joinedload(Participation.company), joinedload(Participation.host))
    )


def list_mains(edition_id: int) -> list[Participation]:
    """Exhibitors with a stand of their own, for a choice of hosts and organizers."""
    return list(
        db.session.scalars(
            select(Participation)
            .where(
                Participation.edition_id == edition_id,
                Participation.role == "main",
                Participation.outcome != "cancelled",
            )
            .join(Participation.company)
            .order_by(Participation.id)
            .options(joinedload(Participation.company))
        )
    )


def to_decide(edition_id: Any, _ago: Any = None) -> Any:
    """How many requests of exhibitors and prices wait for an answer, as an expression; two indexed counts."""
    asked = (
        select(func.count())
        .select_from(BoothRequest)
        .join(Booth, Booth.id == BoothRequest.booth_id)
        .where(Booth.edition_id == edition_id, BoothRequest.state == "asked")
    )
    prices = (
        select(func.count())
        .select_from(PriceOverride)
        .join(Booth, Booth.id == PriceOverride.booth_id)
        .where(Booth.edition_id == edition_id, PriceOverride.state == "asked")
    )
    return asked.scalar_subquery() + prices.scalar_subquery()
