"""Commission of agents (招展代理): whose contract it is, and what is due on the money that came in. Pure; Decimal throughout.

The base is *paid net money*: what came in for the contract's invoices without its tax, and never more than what is still
invoiced net after credit notes. What an agent has earned on a contract by a day is ``base x rate``; a settlement pays the
difference to what was settled before, so money that went back, or a credit note, makes a negative line (storno) by itself,
and the same payment is never paid twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

CENT = Decimal("0.01")


class AgentRefusal(StrEnum):
    """Why something with an agent is refused."""

    ACCOUNT_KEPT = "account-kept"
    OPEN = "settlement-open"
    NOTHING = "settlement-nothing"
    DAYS = "settlement-days"
    FIXED = "settlement-fixed"
    OWN = "settlement-own"
    CHANGED = "settlement-changed"


@dataclass(frozen=True)
class Money:
    """One invoice of a contract as it stands at the day: all in its currency; ``paid`` is gross, credit notes are positive."""

    net: Decimal
    total: Decimal
    paid: Decimal
    credited_net: Decimal = Decimal(0)


@dataclass(frozen=True)
class Territory:
    """An agent: territory (empty: everywhere), days of validity, and accounts kept (company id → until)."""

    id: int
    name: str
    valid_from: dt.date
    valid_until: dt.date | None
    countries: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    accounts: tuple[tuple[int, dt.date], ...] = ()


@dataclass(frozen=True)
class Sale:
    """A signed contract: the company, where it is, its sector, who brought it (name of an agent) and how it came to us."""

    company_id: int
    signed_on: dt.date
    country: str = ""
    province: str = ""
    sector: str = ""
    agent: str = ""
    source: str = ""


@dataclass(frozen=True)
class Earned:
    """What one contract brings: ``amount`` = ``earned`` − ``settled``; negative is a storno."""

    paid_net: Decimal
    base: Decimal
    earned: Decimal
    settled: Decimal

    @property
    def amount(self) -> Decimal:
        return self.earned - self.settled


def cents(value: Decimal) -> Decimal:
    """Rounded half up to 0.01, as invoices are."""
    return value.quantize(CENT, ROUND_HALF_UP)


def paid_net(invoices: Iterable[Money]) -> Decimal:
    """The net part of what was paid: each invoice's payments in the relation of its net to its total."""
    out = Decimal(0)
    for invoice in invoices:
        if invoice.total:
            out += cents(invoice.paid * invoice.net / invoice.total)
    return out


def earn(invoices: Sequence[Money], rate: Decimal, settled: Decimal) -> Earned:
    """Commission earned on one contract by now at ``rate`` per cent, and what of it is settled already."""
    paid = paid_net(invoices)
    standing = sum((i.net - i.credited_net for i in invoices), Decimal(0))
    base = max(min(paid, standing), Decimal(0))
    return Earned(paid, base, cents(base * rate / 100), settled)


def _valid(agent: Territory, day: dt.date) -> bool:
    return agent.valid_from <= day and (agent.valid_until is None or day <= agent.valid_until)


def in_territory(agent: Territory, sale: Sale) -> bool:
    """Whether the sale lies in the agent's countries, provinces and sectors; an empty list means all of them."""
    if agent.countries and sale.country not in agent.countries:
        return False
    if agent.provinces and not any(p in sale.province for p in agent.provinces):
        return False
    return not agent.sectors or any(s.casefold() in sale.sector.casefold() for s in agent.sectors)


def agents_of(sale: Sale, agents: Sequence[Territory]) -> list[int]:
    """Whose sale it is: one id, none, or several when the territories of agents overlap (a person has to decide).

    First the agent that the account is kept for on the day of signing; then the one named on the opportunity; then, when the
    opportunity came from an agent without a name, those in whose territory the company is. A sale of our own is nobody's.
    """
    valid = [a for a in agents if _valid(a, sale.signed_on)]
    kept = [a.id for a in valid if any(c == sale.company_id and sale.signed_on <= until for c, until in a.accounts)]
    if kept:
        return kept
    if sale.agent:
        return [a.id for a in valid if a.name.casefold() == sale.agent.strip().casefold()]
    if sale.source == "agent":
        return [a.id for a in valid if in_territory(a, sale)]
    return []
