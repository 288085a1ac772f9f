"""An exhibitor asks for a booth in the portal: it is reserved until staff decide."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain.booth import BoothState, refuse_taking
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import KEEP_FOR
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothRequest, Opportunity
from expo_crm.exhibitors.services import booth_hooks, booth_prices, booths, first_refusal, opportunities
from expo_crm.lib import clock
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition

MOST_OPEN = 2
"""Requests of one company that may wait at the same time, so that nobody reserves the hall."""
LONGEST_LIST = 200


def is_open(edition: Edition) -> bool:
    """Whether exhibitors may ask for booths: the edition is ahead and its prices are published."""
    today = booth_prices.today_of(edition)
    return (
        edition.state in {"planning", "open"}
        and today < edition.starts_on
        and booth_prices.find_current(edition, today) is not None
    )


def list_free(
    edition: Edition,
    *,
    hall_id: int | None = None,
    kind: str = "",
    min_m2: Decimal | None = None,
    max_m2: Decimal | None = None,
    open_sides: int = 1,
) -> list[Booth]:
    """Free booths that fit, by number; at most ``LONGEST_LIST``. Booths of a pavilion are not offered one by one."""
    now = clock.now()
    query = (
        select(Booth)
        .where(
            Booth.edition_id == edition.id,
            Booth.retired_at.is_(None),
            Booth.pavilion_id.is_(None),
            or_(Booth.state == "available", (Booth.state == "held") & (Booth.held_until <= now)),
            Booth.open_sides >= open_sides,
        )
        .order_by(Booth.sort_key)
        .limit(LONGEST_LIST)
        .options(joinedload(Booth.hall))
    )
    if hall_id is not None:
        query = query.where(Booth.hall_id == hall_id)
    if kind:
        query = query.where(Booth.kind == kind)
    if min_m2 is not None:
        query = query.where(Booth.area_m2 >= min_m2)
    if max_m2 is not None:
        query = query.where(Booth.area_m2 <= max_m2)
    return list(db.session.scalars(query))


def ask(participation: Participation, booth: Booth, note: str, user_id: int | None) -> BoothRequest:
    """Reserve a free booth for this company until staff decide. Raises RuleRefused; of fifty at once one gets it."""
    edition = participation.edition
    if not is_open(edition) or booth.edition_id != edition.id or booth.pavilion_id is not None:
        raise RuleRefused(No.REQUEST_CLOSED)
    opportunity = opportunities.create_opportunity(
        edition, participation.company, participation.company.owner_id, source="rebooking"
    )
    (booth,) = booths.lock([booth.id])
    waiting = db.session.scalar(
        select(func.count())
        .select_from(BoothRequest)
        .where(BoothRequest.opportunity_id == opportunity.id, BoothRequest.state == "asked")
    )
    if (waiting or 0) >= MOST_OPEN:
        raise RuleRefused(No.REQUEST_LIMIT, limit=MOST_OPEN)
    now = clock.now()
    if opportunity.stage == Stage.LOST:
        opportunities.set_stage(opportunity, Stage.INTENT)
    refused = refuse_taking(booths.facts_of(booth), opportunity.id, now)
    if refused:
        raise RuleRefused(refused, code=booth.code)
    first_refusal.check([booth], opportunity)
    before = booth.opportunity_id if booth.state == BoothState.HELD else None
    booth.state, booth.opportunity_id, booth.held_until = BoothState.RESERVED.value, opportunity.id, None
    made = BoothRequest(
        booth_id=booth.id,
        opportunity_id=opportunity.id,
        price=booth_prices.sheet(edition, [booth], booth_prices.today_of(edition), opportunity_id=opportunity.id).prices[booth.id].amount,
        note=note.strip()[:300],
        asked_by_id=user_id,
        asked_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(No.REQUEST_DECIDED, code=booth.code) from None
    audit.record(
        "booth.request",
        "booth",
        booth.id,
        edition_id=edition.id,
        changes={"code": booth.code, "opportunity": [before, opportunity.id]},
    )
    opportunities.follow_facts(opportunity)
    if before not in {None, opportunity.id}:
        booths.follow(before)
    return made


def approve(request: BoothRequest, user_id: int | None, *, despite: str = "") -> dt.datetime:
    """Staff agree: the booth is held for the company for the usual time; until when."""
    booth = _open(request)
    booth_hooks.ask_before_hold(booth, request.opportunity, despite)
    now = clock.now()
    booth.state, booth.held_until = BoothState.HELD.value, now + KEEP_FOR
    _decide(request, "approved", user_id, "")
    opportunities.follow_facts(request.opportunity)
    _tell(request, booth)
    return booth.held_until


def refuse(request: BoothRequest, user_id: int | None, reason: str) -> None:
    """Staff say no, and why; the booth is on sale again."""
    if not reason.strip():
        raise RuleRefused(No.NEEDS_REASON)
    booth = _open(request)
    _decide(request, "refused", user_id, reason.strip()[:300])
    _tell(request, booth)
    booths.free(booth, "booth.request_refused", request.answer)


def withdraw(request: BoothRequest) -> None:
    """The exhibitor does not want it any more."""
    booth = _open(request)
    _decide(request, "withdrawn", None, "")
    booths.free(booth, "booth.request_withdrawn", "")


def follow_lost(opportunity: Opportunity) -> None:
    """The opportunity is given up: what its company asked for and nobody has answered yet is on sale again."""
    asked = select(BoothRequest).where(BoothRequest.opportunity_id == opportunity.id, BoothRequest.state == "asked")
    for request in db.session.scalars(asked.order_by(BoothRequest.booth_id)).all():
        booth = _open(request)
        _decide(request, "withdrawn", None, "")
        booths.free(booth, "booth.request_withdrawn", "lost")


def _open(request: BoothRequest) -> Booth:
    (booth,) = booths.lock([request.booth_id])
    db.session.refresh(request, ["state"], with_for_update=True)
    if request.state != "asked" or booth.state != BoothState.RESERVED or booth.opportunity_id != request.opportunity_id:
        raise RuleRefused(No.REQUEST_DECIDED, code=booth.code)
    return booth


def _decide(request: BoothRequest, state: str, user_id: int | None, answer: str) -> None:
    request.state, request.answer = state, answer
    request.decided_by_id, request.decided_at = user_id, clock.now()
    db.session.flush()
    audit.record(
        f"booth_request.{state}",
        "booth",
        request.booth_id,
        edition_id=request.opportunity.edition_id,
        reason=answer,
    )


def _tell(request: BoothRequest, booth: Booth) -> None:
    """The answer by mail to who asked, else to the main contact."""
    person = directory.find_main_contact(request.opportunity.company_id)
    asked_by = request.asked_by
    email = asked_by.email if asked_by else person.email if person else ""
    if not email:
        return
    base: str = current_app.config["SETTINGS"].base_url
    locale = asked_by.locale if asked_by else person.locale if person else "zh"
    mail.queue(
        "exhibitors_booth_request",
        to_email=email,
        to_name=asked_by.name if asked_by else person.name if person else "",
        locale=locale,
        context={
            "name": asked_by.name if asked_by else person.name if person else "",
            "request": request,
            "booth": booth,
            "edition": booth.edition,
            "link": base + "/portal",
        },
        dedupe_key=f"booth-request-{request.id}-{request.state}",
        edition_id=booth.edition_id,
        company_id=request.opportunity.company_id,
    )
