"""How good the customer file is: complete, valid, free of doubles, fresh; as a whole, by source and by owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from expo_crm.lib.companies import valid_credit_code

FIELDS = ("tax_id", "website", "phone", "address", "industry", "owner", "contact")
"""What a complete record has. A contact counts with an e-mail or a telephone number."""
FRESH_DAYS = 365


@dataclass(frozen=True, slots=True)
class Record:
    """A company as the measure sees it. ``touched_at``: the later one of its last change and the last thing done with it."""

    country: str
    source: str
    owner_id: int | None
    tax_id: str
    website: str
    domain: str
    phone: str
    phone_valid: bool
    address: str
    industry: str
    contacts: int
    reachable: int
    touched_at: dt.datetime
    doubtful: bool


@dataclass(slots=True)
class Tally:
    """Counts of one group of records. ``has[field]`` of ``companies``; every share is worked out from these."""

    companies: int = 0
    has: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    bad_tax_id: int = 0
    bad_phone: int = 0
    doubtful: int = 0
    stale: int = 0

    @property
    def complete(self) -> float:
        """Share of all fields of all records that are filled, 0 to 1; 0 without records."""
        return sum(self.has.values()) / (self.companies * len(FIELDS)) if self.companies else 0.0

    def as_json(self) -> dict[str, object]:
        return {
            "companies": self.companies,
            "has": dict(self.has),
            "bad_tax_id": self.bad_tax_id,
            "bad_phone": self.bad_phone,
            "doubtful": self.doubtful,
            "stale": self.stale,
            "complete": round(self.complete, 4),
        }


@dataclass(slots=True)
class Figures:
    all: Tally = field(default_factory=Tally)
    by_source: dict[str, Tally] = field(default_factory=dict)
    by_owner: dict[int, Tally] = field(default_factory=dict)  # 0: nobody


def measure(records: Iterable[Record], now: dt.datetime) -> Figures:
    """Count every record once in the whole, in its source and with its owner. Stale: untouched for a year before ``now``."""
    out = Figures()
    edge = now - dt.timedelta(days=FRESH_DAYS)
    for record in records:
        for tally in (
            out.all,
            out.by_source.setdefault(record.source, Tally()),
            out.by_owner.setdefault(record.owner_id or 0, Tally()),
        ):
            _count(tally, record, edge)
    return out


def is_bad_tax_id(tax_id: str, country: str) -> bool:
    """A Chinese tax id that is no unified social credit code, or whose check sign does not fit. Other countries are not judged."""
    return bool(tax_id) and country in ("CN", "") and not valid_credit_code(tax_id)


def _count(tally: Tally, record: Record, edge: dt.datetime) -> None:
    tally.companies += 1
    for name in FIELDS:
        tally.has[name] += _filled(record, name)
    tally.bad_tax_id += is_bad_tax_id(record.tax_id, record.country)
    tally.bad_phone += bool(record.phone) and not record.phone_valid
    tally.doubtful += record.doubtful
    tally.stale += record.touched_at < edge


def _filled(record: Record, name: str) -> bool:
    if name == "owner":
        return record.owner_id is not None
    if name == "contact":
        return record.reachable > 0
    return bool(getattr(record, name))
