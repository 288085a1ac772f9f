"""What booths cost on a day: an agreed price first, then the price list of the currency, then the booth's own price.

One place answers for quotes, contracts, amendments, the portal and new booths; what a form says of prices is never asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from expo_crm.billing.services import terms
from expo_crm.db import db
from expo_crm.exhibitors.domain import pricing
from expo_crm.exhibitors.domain.quote import QuoteRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, PriceList, PriceOverride, PriceRule
from expo_crm.lib import clock, money
from expo_crm.shows.models import Edition


@dataclass(frozen=True)
class Priced:
    """The price of one booth without tax. ``source``: agreed, list, or own where no list has a price; ``steps`` of the list."""

    amount: Decimal
    source: str
    steps: tuple[pricing.Line, ...] = ()
    early_until: dt.date | None = None


@dataclass(frozen=True)
class Sheet:
    """Prices of booths by id, of one day in one currency. ``tax_rate`` is a share, that of the list where there is one."""

    currency: str
    tax_rate: Decimal
    day: dt.date
    list_id: int | None
    prices: dict[int, Priced] = field(default_factory=dict)


def today_of(edition: Edition) -> dt.date:
    return clock.local_day(clock.now(), edition.timezone)


def find_current(edition: Edition, day: dt.date, currency: str = "") -> PriceList | None:
    """The published list of this currency (the edition's own when none is named) that holds on this day."""
    return next((one for one in _current(edition, day) if one.currency == (currency or edition.currency)), None)


def currencies(edition: Edition, day: dt.date) -> list[str]:
    """In which money a booth can be sold on this day: the edition's own, then those with a price list."""
    return list(dict.fromkeys([edition.currency, *sorted(one.currency for one in _current(edition, day))]))


def _current(edition: Edition, day: dt.date) -> list[PriceList]:
    rows = (
        select(PriceList)
        .where(
            PriceList.edition_id == edition.id,
            PriceList.state == "published",
            PriceList.valid_from <= day,
            PriceList.valid_until >= day,
        )
        .order_by(PriceList.published_at.desc(), PriceList.id.desc())
        .options(selectinload(PriceList.rules))
    )
    return list(db.session.scalars(rows))


def rules_of(price_list: PriceList) -> pricing.Rules:
    """The list as the sums see it."""
    return pricing.Rules(
        price_list.currency,
        price_list.tax_rate,
        price_list.valid_from,
        price_list.valid_until,
        tuple(_rule(r) for r in price_list.rules),
    )


def _rule(row: PriceRule) -> pricing.Rule:
    return pricing.Rule(
        kind=row.kind,
        base_m2=row.base_m2,
        hall_id=row.hall_id,
        sector=row.sector,
        minimum_m2=row.minimum_m2,
        corners=((2, row.corner_2), (3, row.corner_3), (4, row.corner_4)),
        fees=tuple(pricing.Fee(f["zh"], f["en"], Decimal(f["amount"])) for f in row.fees),
        early_until=row.early_until,
        early_percent=row.early_percent,
        early_m2=row.early_m2,
    )


def facts_of(booth: Booth) -> pricing.Facts:
    return pricing.Facts(booth.kind, booth.area_m2, booth.open_sides, booth.hall_id, booth.sector)


def price_of(booth: Booth, price_list: PriceList, day: dt.date) -> pricing.Price:
    """What the list asks for this booth on this day. Raises PricingError."""
    return pricing.price(facts_of(booth), rules_of(price_list), day)


def agreed(booth_ids: Iterable[int]) -> dict[int, PriceOverride]:
    """The approved price of its own that each of these booths carries now."""
    rows = db.session.scalars(
        select(PriceOverride)
        .join(Booth, Booth.id == PriceOverride.booth_id)
        .where(
            PriceOverride.booth_id.in_(list(booth_ids)),
            PriceOverride.state == "approved",
            PriceOverride.new == Booth.price,
        )
        .order_by(PriceOverride.id)
    )
    return {row.booth_id: row for row in rows}


def sheet(
    edition: Edition,
    booths: Sequence[Booth],
    day: dt.date,
    *,
    currency: str = "",
    opportunity_id: int | None = None,
    price_list: PriceList | None = None,
) -> Sheet:
    """What these booths cost the company of the opportunity on this day. Three queries for any number of booths.

    A price agreed upon holds in the edition's own currency, and for the company it was made for. ``price_list`` asks for that list
    instead of the one that holds. Raises RuleRefused where another currency has no list or the list no price for a booth.
    """
    currency = currency or (price_list.currency if price_list else edition.currency)
    own_money = currency == edition.currency
    current = price_list or find_current(edition, day, currency)
    if current is None and not own_money:
        raise RuleRefused(QuoteRefusal.NO_LIST, currency=currency)
    rules = rules_of(current) if current else None
    apart = agreed([b.id for b in booths]) if own_money else {}
    prices = {}
    for booth in booths:
        row = apart.get(booth.id)
        if row is not None and row.opportunity_id in {None, opportunity_id}:
            prices[booth.id] = Priced(booth.price, "agreed")
            continue
        try:
            found = pricing.price(facts_of(booth), rules, day) if rules else None
        except pricing.PricingError:
            found = None
        if found is not None:
            prices[booth.id] = Priced(found.net, "list", found.lines, found.early_until)
        elif own_money:
            prices[booth.id] = Priced(row.old if row is not None else booth.price, "own")
        else:
            raise RuleRefused(QuoteRefusal.NOT_IN_LIST, code=booth.code, currency=currency)
    return Sheet(currency, current.tax_rate if current else terms.tax_rate(edition.id), day, current.id if current else None, prices)


def pricer(edition: Edition) -> Callable[[Booth], Decimal | None]:
    """A function that says what today's list asks for a booth, None where no list has a price for it. One query, made at once."""
    day = today_of(edition)
    current = find_current(edition, day)
    rules = rules_of(current) if current else None

    def ask(booth: Booth) -> Decimal | None:
        try:
            return pricing.price(facts_of(booth), rules, day).net if rules else None
        except pricing.PricingError:
            return None

    return ask


def put_back(booths: Sequence[Booth]) -> None:
    """These booths are on sale again: they cost what today's list says, or what they did where it has no price."""
    if booths:
        ask = pricer(booths[0].edition)
        for booth in booths:
            found = ask(booth)
            booth.price = booth.price if found is None else found
        db.session.flush()


def in_home_currency(edition: Edition, amount: Decimal, currency: str) -> Decimal:
    """An amount for figures that are read in the edition's currency, by the rate noted under its money terms.

    Nothing is paid by it. Raises RuleRefused where no rate is noted.
    """
    if currency == edition.currency:
        return amount
    noted = terms.rates_of(edition.id).get(currency)
    if noted is None:
        raise RuleRefused(QuoteRefusal.NO_RATE, currency=currency)
    return money.quantize(amount * noted.rate)


def remark(priced: Priced) -> tuple[str, str]:
    """What makes the price of a booth another than its base, in Chinese and English, for its line; "" for nothing."""
    if priced.source == "agreed":
        return "协议价", "agreed price"
    zh, en = [], []
    for step in priced.steps:
        if step.code == "corner":
            zh.append(step.text_zh)
            en.append(step.text_en)
        elif step.code == "fee":
            zh.append(f"含{step.text_zh}")
            en.append(f"with {step.text_en}")
    if priced.early_until:
        zh.append(f"早鸟价至 {priced.early_until}")
        en.append(f"early bird until {priced.early_until}")
    return "，".join(zh), ", ".join(en)
