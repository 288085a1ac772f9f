"""Which invoice a payment on the bank statement is probably for. Proposes; a person confirms. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from expo_crm.lib.companies import Verdict, compare_names

NUMBER, CONTRACT, AMOUNT, NAME, SUM = "number", "contract", "amount", "name", "sum"
WEIGHT = {NUMBER: 60, CONTRACT: 45, AMOUNT: 25, SUM: 25, NAME: 30}
LEAST = 25
MOST = 5
_GAPS = re.compile(r"[^0-9A-Z]+")


@dataclass(frozen=True)
class Received:
    amount: Decimal
    currency: str
    payer: str
    remittance: str


@dataclass(frozen=True)
class Open:
    """An open invoice. ``names`` are the company's written forms, ``contract`` its contract's number or ''."""

    invoice_id: int
    number: str
    amount: Decimal
    currency: str
    company_id: int
    names: tuple[str, ...] = ()
    contract: str = ""


@dataclass(frozen=True)
class Proposal:
    """One or several invoices with a score of 0 to 100 and the reasons as stable words."""

    invoice_ids: tuple[int, ...]
    score: int
    reasons: tuple[str, ...]
    amounts: tuple[Decimal, ...]


@lru_cache(maxsize=20_000)
def _written(number: str) -> re.Pattern[str]:
    """The number however its parts are set apart, and not as the beginning of a longer one."""
    signs = _GAPS.sub("", number.upper())
    return re.compile(r"(?<![0-9A-Z])" + r"[^0-9A-Z]{0,3}".join(map(re.escape, signs)) + r"(?!\d)")


def names_number(text: str, number: str) -> bool:
    """``ＩＮＶ－2026 00012`` names INV-2026-00012; INV-2026-000123 does not."""
    return bool(number) and _written(number).search(unicodedata.normalize("NFKC", text).upper()) is not None


def propose(received: Received, invoices: Iterable[Open]) -> list[Proposal]:
    """The best candidates, surest first. Another currency is never proposed."""
    text = received.remittance
    alike: dict[tuple[str, ...], bool] = {}
    found: list[tuple[Open, list[str]]] = []
    for one in invoices:
        if one.currency != received.currency or one.amount <= 0:
            continue
        why = []
        if names_number(text, one.number):
            why.append(NUMBER)
        if names_number(text, one.contract):
            why.append(CONTRACT)
        if one.amount == received.amount:
            why.append(AMOUNT)
        if one.names not in alike:
            alike[one.names] = _alike(received.payer, one.names)
        if alike[one.names]:
            why.append(NAME)
        if why:
            found.append((one, why))
    out = [
        Proposal((one.invoice_id,), min(100, sum(WEIGHT[w] for w in why)), tuple(why), (min(one.amount, received.amount),))
        for one, why in found
    ]
    out += _sums(received, found)
    out = [p for p in out if p.score >= LEAST]
    return sorted(out, key=lambda p: (-p.score, len(p.invoice_ids), p.invoice_ids))[:MOST]


def _alike(payer: str, names: Sequence[str]) -> bool:
    return bool(payer) and any(compare_names(payer, name).verdict is not Verdict.DIFFERENT for name in names if name)


def _sums(received: Received, found: list[tuple[Open, list[str]]]) -> list[Proposal]:
    """All open invoices of one company together, where they are exactly what came in."""
    by_company: dict[int, list[tuple[Open, list[str]]]] = {}
    for one, why in found:
        if NUMBER in why or NAME in why or CONTRACT in why:
            by_company.setdefault(one.company_id, []).append((one, why))
    out = []
    for rows in by_company.values():
        if len(rows) > 1 and sum((one.amount for one, _why in rows), Decimal(0)) == received.amount:
            why = [SUM, *(w for w in (NUMBER, CONTRACT, NAME) if any(w in reasons for _one, reasons in rows))]
            out.append(
                Proposal(
                    tuple(one.invoice_id for one, _ in rows),
                    min(100, sum(WEIGHT[w] for w in why)),
                    tuple(why),
                    tuple(one.amount for one, _ in rows),
                )
            )
    return out
