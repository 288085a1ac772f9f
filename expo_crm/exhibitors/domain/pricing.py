"""What a booth costs by a price list, line by line, so that everybody can read why. Exact decimals, half up to 0.01."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

CENT = Decimal("0.01")
LARGEST_M2 = Decimal(100_000)
KIND_WORDS = {"shell": ("标摊", "Shell scheme"), "raw": ("光地", "Raw space")}


class PricingRefusal(StrEnum):
    NO_RULE = "no_price_rule"
    BAD_FACTS = "bad_booth_facts"
    LIST_NOT_VALID = "price_list_not_valid"


class PricingError(ValueError):
    """The list has no price for this booth. ``reason`` is stable."""

    def __init__(self, reason: PricingRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Facts:
    """What the price of a booth depends on. ``area_m2`` in square metres."""

    kind: str
    area_m2: Decimal
    open_sides: int
    hall_id: int | None = None
    sector: str = ""


@dataclass(frozen=True)
class Fee:
    zh: str
    en: str
    amount: Decimal


@dataclass(frozen=True)
class Rule:
    """Prices per m² without tax; ``corners`` percent of the base by open sides; the early price holds to the end of its day."""

    kind: str
    base_m2: Decimal
    hall_id: int | None = None
    sector: str = ""
    minimum_m2: Decimal | None = None
    corners: tuple[tuple[int, Decimal], ...] = ()
    fees: tuple[Fee, ...] = ()
    early_until: dt.date | None = None
    early_percent: Decimal | None = None
    early_m2: Decimal | None = None

    def fits(self, facts: Facts) -> bool:
        return self.kind == facts.kind and self.hall_id in {None, facts.hall_id} and self.sector in {"", facts.sector}

    @property
    def closeness(self) -> tuple[bool, bool]:
        """The rule that says more wins: a sector is more than a hall, a hall more than neither."""
        return bool(self.sector), self.hall_id is not None


@dataclass(frozen=True)
class Rules:
    """A price list as the sums see it. ``tax_rate`` is a share: 0.06 for 6 %."""

    currency: str
    tax_rate: Decimal
    valid_from: dt.date
    valid_until: dt.date
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Line:
    """One step of the price. ``code``: base, corner, early, fee."""

    code: str
    text_zh: str
    text_en: str
    amount: Decimal


@dataclass(frozen=True)
class Price:
    currency: str
    lines: tuple[Line, ...]
    tax_rate: Decimal
    early_until: dt.date | None = field(default=None)

    @property
    def net(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return half_up(self.net * self.tax_rate)

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


def half_up(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def find_rule(facts: Facts, rules: Iterable[Rule]) -> Rule | None:
    """The rule that fits and says most about this booth."""
    return max((r for r in rules if r.fits(facts)), key=lambda r: r.closeness, default=None)


def price(facts: Facts, rules: Rules, day: dt.date) -> Price:
    """The price of the booth on this day. Raises PricingError.

    base = m² (at least the minimum) × price per m²; corner surcharge = percent of the base; an early-bird price per m²
    replaces the base price, an early-bird percentage is taken off base and surcharge; fees are added unreduced.
    """
    if not 0 < facts.area_m2 <= LARGEST_M2 or not 0 <= facts.open_sides <= 4:
        raise PricingError(PricingRefusal.BAD_FACTS)
    if not rules.valid_from <= day <= rules.valid_until:
        raise PricingError(PricingRefusal.LIST_NOT_VALID)
    rule = find_rule(facts, rules.rules)
    if rule is None:
        raise PricingError(PricingRefusal.NO_RULE)
    early = rule.early_until is not None and day <= rule.early_until
    per_m2 = rule.early_m2 if early and rule.early_m2 is not None else rule.base_m2
    lines = [_base(facts, rule, per_m2, cheaper=per_m2 != rule.base_m2)]
    percent = dict(rule.corners).get(facts.open_sides, Decimal(0))
    if percent:
        lines.append(
            Line(
                "corner",
                f"{facts.open_sides} 面开口加价 {_plain(percent)} %",
                f"{facts.open_sides} open sides: surcharge {_plain(percent)} %",
                half_up(lines[0].amount * percent / 100),
            )
        )
    if early and rule.early_percent:
        so_far = sum((line.amount for line in lines), Decimal(0))
        lines.append(
            Line(
                "early",
                f"早鸟优惠 {_plain(rule.early_percent)} %（{rule.early_until} 前，含当日）",
                f"Early bird {_plain(rule.early_percent)} % (until {rule.early_until}, included)",
                -half_up(so_far * rule.early_percent / 100),
            )
        )
    lines += [Line("fee", fee.zh or fee.en, fee.en or fee.zh, half_up(fee.amount)) for fee in rule.fees]
    return Price(rules.currency, tuple(lines), rules.tax_rate, rule.early_until if early else None)


def _base(facts: Facts, rule: Rule, per_m2: Decimal, *, cheaper: bool) -> Line:
    area = max(facts.area_m2, rule.minimum_m2 or Decimal(0))
    zh, en = KIND_WORDS[facts.kind]
    if facts.sector and rule.sector:
        zh, en = f"{zh}（{facts.sector}）", f"{en} ({facts.sector})"
    zh += f" {_plain(area)} m² × {_plain(per_m2)}"
    en += f" {_plain(area)} m² × {_plain(per_m2)}"
    if area > facts.area_m2:
        zh += f"（按起订面积 {_plain(area)} m² 计，实际 {_plain(facts.area_m2)} m²）"
        en += f" (least size {_plain(area)} m², booth {_plain(facts.area_m2)} m²)"
    if cheaper:
        zh += f"，早鸟价至 {rule.early_until}（原价 {_plain(rule.base_m2)}）"
        en += f", early-bird price until {rule.early_until} (later {_plain(rule.base_m2)})"
    return Line("base", zh, en, half_up(area * per_m2))


def _plain(value: Decimal) -> str:
    """1480.00 as 1,480 and 12.50 as 12.5."""
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")
