"""Price lists: draw one up, publish it, put its prices on the booths that are not sold."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain import pricing
from expo_crm.exhibitors.domain.booth import BoothState, effective_state
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, PriceList, PriceRule
from expo_crm.exhibitors.services import booth_prices, booths
from expo_crm.lib import clock
from expo_crm.shows.models import Edition

RULE_FIELDS = (
    "kind",
    "hall_id",
    "sector",
    "base_m2",
    "minimum_m2",
    "corner_2",
    "corner_3",
    "corner_4",
    "fees",
    "early_until",
    "early_percent",
    "early_m2",
)
HEAD_FIELDS = ("name_zh", "name_en", "currency", "tax_rate", "valid_from", "valid_until")


# --- drawing up ----------------------------------------------------------------------------------------------------------


def create(edition: Edition, **head: Any) -> PriceList:
    """A new draft. Fields: ``HEAD_FIELDS``."""
    _check_head(head)
    taken = (
        db.session.scalar(select(func.count(func.distinct(PriceList.code))).where(PriceList.edition_id == edition.id))
        or 0
    )
    made = PriceList(edition_id=edition.id, code=f"P{taken + 1}", number=1, created_at=clock.now(), **head)
    db.session.add(made)
    db.session.flush()
    audit.record("price_list.create", "price_list", made.id, edition_id=edition.id, changes=_plain(head))
    return made


def update(price_list: PriceList, **head: Any) -> None:
    _refuse_frozen(price_list)
    _check_head(head)
    changes = audit.diff({k: getattr(price_list, k) for k in head}, head)
    for key, value in head.items():
        setattr(price_list, key, value)
    db.session.flush()
    if changes:
        audit.record(
            "price_list.update", "price_list", price_list.id, edition_id=price_list.edition_id, changes=changes
        )


def save_rule(price_list: PriceList, rule: PriceRule | None, **values: Any) -> PriceRule:
    """A new rule of a draft, or another wording of one. Two rules for the same kind, hall and sector are refused."""
    _refuse_frozen(price_list)
    same = next(
        (
            r
            for r in price_list.rules
            if r is not rule and (r.kind, r.hall_id, r.sector) == (values["kind"], values["hall_id"], values["sector"])
        ),
        None,
    )
    if same is not None:
        raise RuleRefused(No.RULE_TWICE)
    if rule is None:
        rule = PriceRule(**values)
        price_list.rules.append(rule)
    else:
        for key in RULE_FIELDS:
            setattr(rule, key, values[key])
    db.session.flush()
    audit.record(
        "price_rule.save", "price_list", price_list.id, edition_id=price_list.edition_id, changes=_plain(values)
    )
    return rule


def delete_rule(price_list: PriceList, rule: PriceRule) -> None:
    _refuse_frozen(price_list)
    price_list.rules.remove(rule)
    db.session.flush()
    audit.record("price_rule.delete", "price_list", price_list.id, edition_id=price_list.edition_id)


def publish(price_list: PriceList) -> None:
    """From now on it holds and is not changed any more; the version before it retires."""
    _refuse_frozen(price_list)
    if not price_list.rules:
        raise RuleRefused(No.LIST_EMPTY)
    for older in db.session.scalars(
        select(PriceList).where(
            PriceList.edition_id == price_list.edition_id,
            PriceList.code == price_list.code,
            PriceList.state == "published",
        )
    ):
        older.state = "retired"
    price_list.state, price_list.published_at = "published", clock.now()
    db.session.flush()
    audit.record("price_list.publish", "price_list", price_list.id, edition_id=price_list.edition_id)


def new_version(price_list: PriceList) -> PriceList:
    """A draft with the same rules and the next number; the one that exists when there is one already."""
    same = select(PriceList).where(PriceList.edition_id == price_list.edition_id, PriceList.code == price_list.code)
    draft = db.session.scalar(same.where(PriceList.state == "draft"))
    if draft is not None:
        return draft
    highest = db.session.scalar(select(func.max(PriceList.number)).where(same.whereclause))  # type: ignore[arg-type]
    made = PriceList(
        edition_id=price_list.edition_id,
        code=price_list.code,
        number=(highest or 0) + 1,
        created_at=clock.now(),
        **{k: getattr(price_list, k) for k in HEAD_FIELDS},
        rules=[PriceRule(**{k: getattr(r, k) for k in RULE_FIELDS}) for r in price_list.rules],
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "price_list.new_version", "price_list", made.id, edition_id=made.edition_id, changes={"number": made.number}
    )
    return made


def clone(previous: Edition, edition: Edition) -> None:
    """The published lists of the last edition as drafts for the next one, every day as far before its opening as it was.

    A price for a hall goes to the hall of the same code, and is left out where there is none.
    """
    shift = edition.starts_on - previous.starts_on
    halls = {hall.code: hall.id for hall in edition.halls}
    rows = select(PriceList).where(PriceList.edition_id == previous.id, PriceList.state == "published").order_by(PriceList.id)
    for old in db.session.scalars(rows.options(selectinload(PriceList.rules).joinedload(PriceRule.hall))):
        head = {k: getattr(old, k) for k in HEAD_FIELDS}
        head |= {"valid_from": old.valid_from + shift, "valid_until": old.valid_until + shift}
        rules = []
        for rule in old.rules:
            if rule.hall is not None and rule.hall.code not in halls:
                continue
            values = {k: getattr(rule, k) for k in RULE_FIELDS}
            values["hall_id"] = halls[rule.hall.code] if rule.hall is not None else None
            values["early_until"] = rule.early_until + shift if rule.early_until else None
            rules.append(PriceRule(**values))
        made = PriceList(edition_id=edition.id, code=old.code, number=1, created_at=clock.now(), rules=rules, **head)
        db.session.add(made)
        db.session.flush()
        audit.record("price_list.copy", "price_list", made.id, edition_id=edition.id, changes={"from": previous.slug})


def delete(price_list: PriceList) -> None:
    """Throw a draft away."""
    _refuse_frozen(price_list)
    audit.record("price_list.delete", "price_list", price_list.id, edition_id=price_list.edition_id)
    db.session.delete(price_list)
    db.session.flush()


_FEE = re.compile(r"^\s*(?P<zh>[^|｜]*)[|｜](?P<en>[^|｜]*)[|｜]\s*(?P<amount>[\d.,，]+)\s*$")


def parse_fees(text: str) -> list[dict[str, str]]:
    """Lines of "报名费 | Registration fee | 1000". Raises ValueError with the number of the first line that is none."""
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _FEE.match(line)
        if found is None or not (found["zh"].strip() or found["en"].strip()):
            raise ValueError(number)
        try:
            amount = Decimal(re.sub("[,，]", "", found["amount"]))
        except ArithmeticError:
            raise ValueError(number) from None
        if not 0 < amount <= 10_000_000:
            raise ValueError(number)
        out.append({"zh": found["zh"].strip()[:60], "en": found["en"].strip()[:60], "amount": f"{amount:.2f}"})
    return out[:10]


def fees_text(fees: Sequence[dict[str, str]]) -> str:
    return "\n".join(f"{f['zh']} | {f['en']} | {f['amount']}" for f in fees)


def _refuse_frozen(price_list: PriceList) -> None:
    if price_list.state != "draft":
        raise RuleRefused(No.LIST_FROZEN)


def _check_head(head: dict[str, Any]) -> None:
    if head["valid_from"] > head["valid_until"]:
        raise RuleRefused(No.BAD_DAYS)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v if v is None or isinstance(v, (int, list)) else str(v) for k, v in values.items()}


# --- prices onto booths --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repriced:
    """What the list would do to one booth. ``why``: "" (it changes), same, no_rule, agreed (an approved price of its own)."""

    booth: Booth
    new: Decimal | None
    why: str


def preview(edition: Edition, price_list: PriceList, day: dt.date) -> list[Repriced]:
    """Every unsold booth with its price by the list on this day, by number. Four queries for any number of booths."""
    found = db.session.scalars(
        select(Booth)
        .where(
            Booth.edition_id == edition.id,
            Booth.retired_at.is_(None),
            Booth.state.not_in([BoothState.SOLD.value, BoothState.RESERVED.value]),
        )
        .order_by(Booth.sort_key)
    ).all()
    return _judge(found, price_list, day)


def _judge(found: Sequence[Booth], price_list: PriceList, day: dt.date) -> list[Repriced]:
    rules, agreed = booth_prices.rules_of(price_list), booth_prices.agreed([b.id for b in found])
    out = []
    for booth in found:
        if booth.id in agreed:
            out.append(Repriced(booth, None, "agreed"))
            continue
        try:
            new = pricing.price(booth_prices.facts_of(booth), rules, day).net
        except pricing.PricingError:
            out.append(Repriced(booth, None, "no_rule"))
            continue
        out.append(Repriced(booth, new, "same" if new == booth.price else ""))
    return out


def reprice(edition: Edition, price_list: PriceList, day: dt.date) -> int:
    """Write the list's prices on the unsold booths; how many changed. Sold and reserved ones and prices agreed upon stay."""
    if price_list.state != "published" or price_list.currency != edition.currency:
        raise RuleRefused(No.LIST_FROZEN)
    if not price_list.valid_from <= day <= price_list.valid_until:
        raise RuleRefused(No.BAD_DAYS)
    now = clock.now()
    locked = booths.lock([row.booth.id for row in preview(edition, price_list, day) if not row.why])
    free = [
        b for b in locked if effective_state(b.state, b.held_until, now) not in {BoothState.SOLD, BoothState.RESERVED}
    ]
    changed = [row for row in _judge(free, price_list, day) if not row.why and row.new is not None]
    for row in changed:
        row.booth.price = row.new  # type: ignore[assignment]
    db.session.flush()
    audit.record(
        "booth.reprice",
        "price_list",
        price_list.id,
        edition_id=edition.id,
        changes={"booths": [None, len(changed)], "day": str(day)},
    )
    return len(changed)


def follow_day(now: dt.datetime | None = None) -> int:
    """Let the unsold booths of coming editions cost what the list asks today: an early bird has passed, a list has begun. How many.

    What is sold is priced by the list anyway; this keeps plan, colours, lists and sums of prices from telling yesterday's.
    """
    now = now or clock.now()
    coming = select(Edition).where(Edition.state.in_(["planning", "open", "live"]), Edition.ends_on >= now.date() - dt.timedelta(days=1))
    done = 0
    for edition in db.session.scalars(coming.order_by(Edition.id)).all():
        day = clock.local_day(now, edition.timezone)
        current = booth_prices.find_current(edition, day)
        if current is not None and any(not row.why for row in preview(edition, current, day)):
            done += reprice(edition, current, day)
    return done
