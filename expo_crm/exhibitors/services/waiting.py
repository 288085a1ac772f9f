"""The waiting list: a booth that comes free is held for the first whose wish it fits, who gets a mail and some days to answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.exhibitors.domain.booth import BoothState, effective_state
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import KEEP_FOR, MOST_OFFERS, OFFER_FOR, Offered, Wanted, satisfies
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothOffer, BoothWish, Opportunity
from expo_crm.exhibitors.services import booths
from expo_crm.lib import clock
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition
from expo_crm.web import i18n

OPEN = ("waiting", "offered")


def add(
    opportunity: Opportunity,
    *,
    booth: Booth | None = None,
    hall_id: int | None = None,
    kind: str = "",
    min_m2: Decimal = Decimal(1),
    max_m2: Decimal | None = None,
    open_sides: int = 1,
    note: str = "",
) -> BoothWish:
    """Put a company at the end of the list, for one booth or for any that fits. What is free already is offered at once."""
    if opportunity.stage == Stage.LOST or min_m2 <= 0 or (max_m2 is not None and max_m2 < min_m2):
        raise RuleRefused(No.WISH_BAD)
    edition_id = opportunity.edition_id
    # The edition is the lock, so that two people do not give the same place twice.
    db.session.execute(select(Edition.id).where(Edition.id == edition_id).with_for_update())
    wanted = Wanted(booth.id if booth else None, hall_id, kind, min_m2, max_m2, open_sides)
    mine = db.session.scalars(
        select(BoothWish).where(BoothWish.opportunity_id == opportunity.id, BoothWish.state.in_(OPEN))
    )
    if any(wanted_of(w) == wanted for w in mine):
        raise RuleRefused(No.WISH_EXISTS)
    last = db.session.scalar(select(func.max(BoothWish.position)).where(BoothWish.edition_id == edition_id)) or 0
    made = BoothWish(
        edition_id=edition_id,
        opportunity_id=opportunity.id,
        booth_id=wanted.booth_id,
        hall_id=hall_id,
        kind=kind,
        min_m2=min_m2,
        max_m2=max_m2,
        open_sides=open_sides,
        position=last + 1,
        note=note.strip()[:300],
        created_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    audit.record("booth_wish.create", "booth_wish", made.id, edition_id=edition_id, changes={"position": last + 1})
    offer_free(edition_id)
    return made


def wanted_of(wish: BoothWish) -> Wanted:
    return Wanted(wish.booth_id, wish.hall_id, wish.kind, wish.min_m2, wish.max_m2, wish.open_sides)


def move(wish: BoothWish, step: int) -> None:
    """One place up (-1) or down (1) among those that wait."""
    up = step < 0
    query = select(BoothWish).where(BoothWish.edition_id == wish.edition_id, BoothWish.state.in_(OPEN))
    query = (
        query.where(BoothWish.position < wish.position).order_by(BoothWish.position.desc(), BoothWish.id.desc())
        if up
        else query.where(BoothWish.position > wish.position).order_by(BoothWish.position, BoothWish.id)
    )
    other = db.session.scalar(query.limit(1))
    if other is None:
        return
    before = wish.position
    wish.position, other.position = other.position, wish.position
    audit.record(
        "booth_wish.move",
        "booth_wish",
        wish.id,
        edition_id=wish.edition_id,
        changes={"position": [before, wish.position]},
    )
    db.session.flush()


def remove(wish: BoothWish, *, reason: str = "") -> None:
    """Take somebody off the list; a booth that was offered goes to the next one."""
    if wish.state not in OPEN:
        raise RuleRefused(No.OFFER_OVER)
    wish.state = "gone"
    audit.record("booth_wish.remove", "booth_wish", wish.id, edition_id=wish.edition_id, reason=reason)
    db.session.flush()
    for offer in wish.offers:
        if offer.state == "open":
            _close(offer, "declined")


# --- offers --------------------------------------------------------------------------------------------------------------


def offer_free(edition_id: int, only: Iterable[int] | None = None) -> list[BoothOffer]:
    """Offer every free booth (or those of ``only``) to the first who waits for such a one and was not offered it before."""
    waiting = list(
        db.session.scalars(
            select(BoothWish)
            .where(BoothWish.edition_id == edition_id, BoothWish.state == "waiting")
            .order_by(BoothWish.position, BoothWish.id)
            .options(selectinload(BoothWish.offers), joinedload(BoothWish.opportunity).joinedload(Opportunity.company))
        )
    )
    if not waiting:
        return []
    now = clock.now()
    query = select(Booth).where(
        Booth.edition_id == edition_id,
        Booth.retired_at.is_(None),
        or_(Booth.state == "available", Booth.held_until <= now),
    )
    if only is not None:
        query = query.where(Booth.id.in_(list(only)))
    made = []
    for booth in db.session.scalars(query.order_by(Booth.sort_key)):
        if effective_state(booth.state, booth.held_until, now) is not BoothState.AVAILABLE:
            continue
        offered = Offered(booth.id, booth.hall_id, booth.kind, booth.area_m2, booth.open_sides)
        for wish in waiting:
            if wish.state != "waiting" or not satisfies(offered, wanted_of(wish)):
                continue
            if any(o.booth_id == booth.id for o in wish.offers):
                continue
            offer = _offer(wish, booth, now)
            if offer is not None:
                made.append(offer)
                break
    return made


def _offer(wish: BoothWish, booth: Booth, now: dt.datetime) -> BoothOffer | None:
    until = now + OFFER_FOR
    try:
        booths.hold(booth, wish.opportunity, until)
    except RuleRefused:  # another's first refusal, a neighbour to keep apart, or somebody was faster: not for this one
        return None
    wish.state = "offered"
    offer = BoothOffer(booth_id=booth.id, made_at=now, until=until)
    wish.offers.append(offer)
    db.session.flush()
    audit.record(
        "booth_wish.offer",
        "booth_wish",
        wish.id,
        edition_id=wish.edition_id,
        changes={"booth": booth.code, "until": until.isoformat()},
    )
    offer.mailed = _write(offer, wish, booth)
    db.session.flush()
    return offer


def _write(offer: BoothOffer, wish: BoothWish, booth: Booth) -> bool:
    """The mail to the main contact; False when there is none with an address, so that staff see to call."""
    person = directory.find_main_contact(wish.opportunity.company_id)
    if person is None or not person.email:
        return False
    base: str = current_app.config["SETTINGS"].base_url
    edition = db.session.get_one(Edition, wish.edition_id)
    with i18n.in_locale(person.locale):
        until = i18n.datetime_(offer.until)
    mail.queue(
        "exhibitors_booth_offer",
        to_email=person.email,
        to_name=person.name,
        locale=person.locale,
        context={
            "name": person.name,
            "booth": booth,
            "edition": edition,
            "until": until,
            "link": base + "/portal",
        },
        dedupe_key=f"booth-offer-{offer.id}",
        edition_id=wish.edition_id,
        person_id=person.id,
        company_id=wish.opportunity.company_id,
    )
    return True


def accept(offer: BoothOffer) -> None:
    """They want it: the booth stays held for them for the usual time. At its deadline an offer is over, not a moment later."""
    (booth,) = booths.lock([offer.booth_id])
    db.session.refresh(offer, ["state", "until"])
    now = clock.now()
    if offer.state != "open" or offer.until <= now or booth.opportunity_id != offer.wish.opportunity_id:
        raise RuleRefused(No.OFFER_OVER)
    booths.hold(booth, offer.wish.opportunity, now + KEEP_FOR)
    offer.state, offer.wish.state = "accepted", "taken"
    audit.record(
        "booth_wish.accept",
        "booth_wish",
        offer.wish_id,
        edition_id=offer.wish.edition_id,
        changes={"booth": booth.code},
    )
    db.session.flush()


def decline(offer: BoothOffer) -> None:
    """They do not want this one: it goes on to the next, they keep their place unless they waited for just this booth."""
    if offer.state != "open":
        raise RuleRefused(No.OFFER_OVER)
    _close(offer, "declined")
    offer_free(offer.wish.edition_id)


def _close(offer: BoothOffer, state: str) -> None:
    """End an offer and give its hold back, which offers the booth to the next one."""
    wish = offer.wish
    offer.state = state
    if wish.state == "offered":
        passed = sum(o.state in {"declined", "lapsed"} for o in wish.offers)
        wish.state = "gone" if wish.booth_id is not None or passed >= MOST_OFFERS else "waiting"
    db.session.flush()
    (booth,) = booths.lock([offer.booth_id])
    if booth.state == BoothState.HELD and booth.opportunity_id == wish.opportunity_id:
        booths.release(booth, reason=f"offer {state}")


def follow_freed(booth: Booth, opportunity_id: int | None) -> None:
    """A booth came back on sale: what was offered of it is over, and the next one is asked."""
    offer = db.session.scalar(
        select(BoothOffer)
        .where(BoothOffer.booth_id == booth.id, BoothOffer.state == "open")
        .options(joinedload(BoothOffer.wish).selectinload(BoothWish.offers))
    )
    if offer is not None and offer.wish.opportunity_id == opportunity_id:
        offer.state = "lapsed"
        wish = offer.wish
        passed = sum(o.state in {"declined", "lapsed"} for o in wish.offers)
        if wish.state == "offered":
            wish.state = "gone" if wish.booth_id is not None or passed >= MOST_OFFERS else "waiting"
        audit.record(
            "booth_wish.lapse", "booth_wish", wish.id, edition_id=wish.edition_id, changes={"booth": booth.code}
        )
        db.session.flush()
    offer_free(booth.edition_id, [booth.id])


def run() -> dict[str, int]:
    """The tick: settle offers whose booth went elsewhere, then offer what is free, however it became free. Safe to repeat."""
    now = clock.now()
    settled = 0
    lost = select(BoothWish).join(Opportunity).where(BoothWish.state.in_(OPEN), Opportunity.stage == Stage.LOST.value)
    for wish in db.session.scalars(lost):
        wish.state = "gone"
        settled += 1
    stale = (
        select(BoothOffer)
        .join(BoothOffer.booth)
        .join(BoothOffer.wish)
        .where(
            BoothOffer.state == "open",
            or_(
                Booth.opportunity_id.is_(None),
                Booth.opportunity_id != BoothWish.opportunity_id,
                Booth.state.in_(["reserved", "sold"]),
                BoothWish.state == "gone",
            ),
        )
    )
    for offer in db.session.scalars(stale).all():
        sold = offer.booth.opportunity_id == offer.wish.opportunity_id and offer.booth.state in {"reserved", "sold"}
        offer.state = "accepted" if sold else "lapsed"
        if offer.wish.state == "offered":
            offer.wish.state = "taken" if sold else "gone" if offer.wish.booth_id is not None else "waiting"
        settled += 1
    db.session.flush()
    freed = booths.expire_holds(now)
    editions = db.session.scalars(
        select(BoothWish.edition_id)
        .join(Edition, Edition.id == BoothWish.edition_id)
        .where(BoothWish.state == "waiting", Edition.state.not_in(["closed", "cancelled"]))
        .distinct()
    ).all()
    made = sum(len(offer_free(edition_id)) for edition_id in editions)
    return {"freed": freed, "settled": settled, "offered": made}
