"""Quotes: write one, send it, revise it, take the answer; an accepted one becomes the draft of the contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import func, select, update

from expo_crm.audit import services as audit
from expo_crm.billing.services import numbers
from expo_crm.db import db
from expo_crm.exhibitors.domain import pricing, quote
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.quote import Line, QuoteRefusal, QuoteState
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, Opportunity, PriceList, Quote, QuoteLine
from expo_crm.exhibitors.services import booth_prices, contracts, opportunities
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.exhibitors.services.booth_prices import Sheet
from expo_crm.lib import clock, money
from expo_crm.lib.permissions import Permission
from expo_crm.shows.models import Edition

Can = Callable[[Permission], bool]


def price_per_m2(edition: Edition, kind: str) -> Decimal | None:
    """What a square metre costs where no list says it: all booths of the kind on sale together, price ÷ m²."""
    price, area = db.session.execute(
        select(func.sum(Booth.price), func.sum(Booth.area_m2)).where(
            Booth.edition_id == edition.id, Booth.kind == kind, Booth.state != "blocked", Booth.price > 0
        )
    ).one()
    return money.quantize(price / area) if area else None


def sheet_of(edition: Edition, booths: Sequence[Booth], currency: str = "", opportunity_id: int | None = None) -> Sheet:
    """Today's prices of these booths with the tax rate that goes with them. Raises RuleRefused."""
    today = booth_prices.today_of(edition)
    return booth_prices.sheet(edition, booths, today, currency=currency, opportunity_id=opportunity_id)


def lines_of_booths(booths: Sequence[Booth], sheet: Sheet | None = None) -> list[Line]:
    """A line per booth at the price of the sheet (today's in the edition's currency when none is given), worded as the contract will."""
    if not booths:
        return []
    sheet = sheet or sheet_of(booths[0].edition, booths, opportunity_id=booths[0].opportunity_id)
    worded = contracts.lines_of(booths, sheet)
    return [Line(w.text_zh, w.text_en, w.amount, b.kind, b.area_m2, b.id) for w, b in zip(worded, booths, strict=True)]


def lines_of_area(edition: Edition, kind: str, m2: Decimal, open_sides: int = 1, currency: str = "") -> list[Line]:
    """Space without a booth yet: by the price list that holds today, else at the mean price of such booths. Raises RuleRefused."""
    if not 0 < m2 <= quote.MAX_M2 or kind not in pricing.KIND_WORDS:
        raise RuleRefused(QuoteRefusal.AREA, limit=quote.MAX_M2)
    today = booth_prices.today_of(edition)
    current = booth_prices.find_current(edition, today, currency)
    if current is not None:
        try:
            found = pricing.price(pricing.Facts(kind, m2, open_sides), booth_prices.rules_of(current), today)
        except pricing.PricingError:
            found = None
        if found is not None:
            return [
                Line(item.text_zh, item.text_en, item.amount, kind, m2 if place == 0 else None)
                for place, item in enumerate(found.lines)
            ]
    rate = price_per_m2(edition, kind) if currency in {"", edition.currency} else None
    if rate is None:
        raise RuleRefused(QuoteRefusal.NO_PRICE)
    zh, en = pricing.KIND_WORDS[kind]
    size = f"{m2.normalize():f} m² × {rate}"
    return [Line(f"{zh} {size}", f"{en} {size}", money.quantize(m2 * rate), kind, m2)]


def create(
    opportunity: Opportunity,
    lines: list[Line],
    *,
    discount: Decimal,
    valid_until: dt.date,
    locale: str,
    can: Can,
    currency: str = "",
    replaces: Quote | None = None,
) -> Quote:
    """A draft in the edition's currency or another that has a price list; as the next revision of ``replaces`` when that is given.

    ``lines`` come from here, in that currency, and never from a form. Raises RuleRefused.
    """
    edition = opportunity.edition
    now = clock.now()
    today = clock.local_day(now, edition.timezone)
    if opportunity.stage == Stage.LOST:
        raise RuleRefused(QuoteRefusal.LOST)
    if not lines:
        raise RuleRefused(QuoteRefusal.NO_LINES)
    limit = quote.discount_limit(can)
    refused = quote.refuse_terms(discount, limit, valid_until, today)
    if refused:
        raise RuleRefused(
            refused, limit=f"{limit.normalize():f}" if refused is QuoteRefusal.DISCOUNT else quote.LONGEST_DAYS
        )
    if replaces is not None and replaces.state in {QuoteState.ACCEPTED, QuoteState.REPLACED}:
        raise RuleRefused(QuoteRefusal.STATE)
    sheet = sheet_of(edition, (), currency)
    rate = sheet.tax_rate
    booth_prices.in_home_currency(edition, Decimal(0), sheet.currency)  # figures need a noted rate: better said now than at the contract
    sums = quote.sums(lines, discount, rate)
    if replaces is not None:
        number, revision = replaces.number, replaces.revision + 1
    else:
        number = quote.quote_number(
            edition.show.code, today.year, numbers.take(f"quote-{edition.show.code}-{today.year}")
        )
        revision = 1
    made = Quote(
        number=number,
        revision=revision,
        edition_id=edition.id,
        opportunity_id=opportunity.id,
        locale=locale if locale in {"zh", "en"} else "zh",
        currency=sheet.currency,
        net_m2=sum((line.m2 for line in lines if line.m2 is not None), Decimal(0)),
        discount=discount,
        net=sums.net,
        tax_rate=rate,
        tax=sums.tax,
        total=sums.total,
        valid_until=valid_until,
        price_list_id=sheet.list_id,
        priced_on=sheet.day,
        created_at=now,
        created_by_id=actor_id(),
        lines=[
            QuoteLine(
                position=place, booth_id=line.booth_id, kind=line.kind, m2=line.m2, text_zh=line.text_zh[:300], text_en=line.text_en[:300],
                amount=line.amount,
            )
            for place, line in enumerate(lines, 1)
        ],
    )  # fmt: skip
    if replaces is not None:
        _become(replaces, QuoteState.REPLACED, "quote.replace")
    db.session.add(made)
    db.session.flush()
    audit.record(
        "quote.draft",
        "quote",
        made.id,
        edition_id=edition.id,
        changes={"number": [None, f"{number}/{revision}"], "total": [None, sums.total], "discount": discount},
    )
    return made


def send(found: Quote) -> None:
    """It went out: frozen from now on, and the card is at “quoted” at least."""
    if found.state != QuoteState.DRAFT:
        raise RuleRefused(QuoteRefusal.STATE)
    if clock.local_day(clock.now(), found.edition.timezone) > found.valid_until:
        raise RuleRefused(QuoteRefusal.OVER)
    found.sent_at = clock.now()
    _become(found, QuoteState.SENT, "quote.send")
    chance = found.opportunity
    chance.expected_m2, chance.expected_amount = found.net_m2, booth_prices.in_home_currency(found.edition, found.net, found.currency)
    if chance.stage in {Stage.LEAD, Stage.CONTACTED, Stage.INTENT}:
        opportunities.set_stage(chance, Stage.QUOTED)
    db.session.flush()


def decline(found: Quote) -> None:
    if found.state != QuoteState.SENT:
        raise RuleRefused(QuoteRefusal.STATE)
    found.decided_at = clock.now()
    _become(found, QuoteState.DECLINED, "quote.decline")


def accept(found: Quote) -> Contract:
    """The draft of the contract, at the quoted price, which holds until the quote's last day whatever the list says by now.

    Space without a booth needs a held booth by now, of the size that was quoted. Raises RuleRefused.
    """
    today = booth_prices.today_of(found.edition)
    refused = quote.refuse_accept(found.state, found.valid_until, today)
    if refused:
        raise RuleRefused(refused)
    named = [line for line in found.lines if line.booth_id]
    exact = bool(named) and len(named) == len([line for line in found.lines if line.m2])
    booths = [line.booth for line in named if line.booth] if exact else _held(found.opportunity)
    made = contracts.draft(
        found.opportunity,
        [b.id for b in booths],
        locale=found.locale,
        discount=found.discount,
        quoted=contracts.Quoted(_name(found), _as_quoted(found, booths, exact)) if booths else None,
    )
    if made.net != found.net:  # the space is another one by now: nobody signs for what was not quoted
        raise RuleRefused(QuoteRefusal.PRICE_CHANGED, quoted=found.net, now=made.net)
    found.decided_at, found.contract_id = clock.now(), made.id
    _become(found, QuoteState.ACCEPTED, "quote.accept")
    return made


def _held(opportunity: Opportunity) -> list[Booth]:
    held = select(Booth).where(Booth.opportunity_id == opportunity.id, Booth.state == "held", Booth.held_until > clock.now())
    return list(db.session.scalars(held.order_by(Booth.id)))


def _as_quoted(found: Quote, booths: Sequence[Booth], exact: bool) -> Sheet:
    """The prices of the quote: by its lines where they name the booths, else by its list on its day.

    A booth that was drawn anew since has no quoted price. Raises RuleRefused.
    """
    day = found.priced_on or clock.local_day(found.created_at, found.edition.timezone)
    if exact:
        prices = {}
        for line in found.lines:
            booth = line.booth
            if booth is None or booth.retired_at or (booth.area_m2, booth.kind) != (line.m2, line.kind):
                raise RuleRefused(QuoteRefusal.SPACE_CHANGED, code=booth.code if booth else "")
            prices[booth.id] = booth_prices.Priced(line.amount, "list")
        return Sheet(found.currency, found.tax_rate, day, found.price_list_id, prices)
    kept = db.session.get(PriceList, found.price_list_id) if found.price_list_id else None
    by_list = booth_prices.sheet(
        found.edition, booths, day, currency=found.currency, opportunity_id=found.opportunity_id, price_list=kept
    )
    return replace(by_list, tax_rate=found.tax_rate)


def _name(found: Quote) -> str:
    return found.number if found.revision == 1 else f"{found.number}/{found.revision}"


def expire(now: dt.datetime | None = None) -> int:
    """Close what was not answered by the end of its last day at the venue; the number. Safe to run twice at once."""
    now = now or clock.now()
    due = db.session.execute(
        select(Quote.id, Quote.valid_until, Edition.timezone)
        .join(Edition, Edition.id == Quote.edition_id)
        .where(
            Quote.state.in_([QuoteState.DRAFT.value, QuoteState.SENT.value]),
            Quote.valid_until <= (now + dt.timedelta(days=1)).date(),
        )
    )
    done = 0
    for quote_id, until, zone in due.all():
        if clock.local_day(now, zone) <= until:
            continue
        closed = db.session.execute(
            update(Quote)
            .where(Quote.id == quote_id, Quote.state.in_([QuoteState.DRAFT.value, QuoteState.SENT.value]))
            .values(state=QuoteState.EXPIRED.value, decided_at=now, version=Quote.version + 1)
        )
        if closed.rowcount:  # type: ignore[attr-defined]
            done += 1
            audit.record("quote.expire", "quote", quote_id)
    return done


def _become(found: Quote, state: QuoteState, action: str) -> None:
    before, found.state = found.state, state.value
    audit.record(action, "quote", found.id, edition_id=found.edition_id, changes={"state": [before, state.value]})
    db.session.flush()
