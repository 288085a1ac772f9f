"""The colours of the plan: by state, sector, price, rebooked, paid, arrived. Each colour has a sign, so that it is never alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from expo_crm.billing import queries as billing
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain.booth import BoothState
from expo_crm.exhibitors.models import Booth, ContractBooth
from expo_crm.exhibitors.queries_plan import OnPlan
from expo_crm.shows.models import Edition
from expo_crm.web import i18n

MODES: dict[str, Any] = {
    "state": _l("State"),
    "sector": _l("Sector"),
    "price": _l("Price per m²"),
    "rebooked": _l("Rebooked"),
    "paid": _l("Paid"),
    "arrived": _l("Arrived"),
}
MOST_SECTORS = 8
BANDS = 5


@dataclass(frozen=True)
class Tint:
    """Colour number (0: none of them), sign and meaning."""

    number: int
    letter: str
    label: str


State = Callable[[OnPlan], str]


def tints(mode: str, booths: Sequence[OnPlan], edition: Edition, state: State, here: frozenset[int]) -> dict[int, Tint]:
    """The tint of each booth in a mode other than "state"; the number of queries does not grow with the hall."""
    match mode:
        case "sector":
            return _by_sector(booths, state)
        case "price":
            return _by_price(booths, edition.currency)
        case "rebooked":
            return _by_rebooking(booths, edition, state)
        case "paid":
            return _by_payment(booths, state)
        case "arrived":
            return _by_arrival(booths, state, here)
    return {}


def _taken(state: str) -> bool:
    return state in {BoothState.HELD, BoothState.RESERVED, BoothState.SOLD}


def _nobody() -> Tint:
    return Tint(0, "", _("Nobody there"))


def _by_sector(booths: Sequence[OnPlan], state: State) -> dict[int, Tint]:
    def sector(booth: OnPlan) -> str:
        company = booth.company if _taken(state(booth)) else None
        return booth.sector or (company.industry if company else "")

    named = {b.id: sector(b) for b in booths}
    common = [name for name, _n in Counter(n for n in named.values() if n).most_common(MOST_SECTORS)]
    of = {name: Tint(i + 1, "ABCDEFGH"[i], name) for i, name in enumerate(common)}
    rest, none = Tint(9, "+", _("Other sectors")), Tint(0, "", _("No sector"))
    return {id_: of.get(name, rest) if name else none for id_, name in named.items()}


def _by_price(booths: Sequence[OnPlan], currency: str) -> dict[int, Tint]:
    rates = {b.id: b.price / b.area_m2 for b in booths if b.price}
    steps = sorted(set(rates.values()))
    count = min(BANDS, len(steps))
    edges = [steps[(i + 1) * len(steps) // count - 1] for i in range(count)] if count else []
    bands = []
    low = steps[0] if steps else Decimal(0)
    for i, high in enumerate(edges):
        label = i18n.money(high, currency) if low == high else f"{i18n.money(low, currency)} – {i18n.money(high, currency)}"
        bands.append(Tint(i + 1, str(i + 1), label))
        low = next((s for s in steps if s > high), high)
    none = Tint(0, "", _("No price"))
    return {
        b.id: next((band for band, high in zip(bands, edges, strict=True) if rates[b.id] <= high), none) if b.id in rates else none
        for b in booths
    }


def _by_rebooking(booths: Sequence[OnPlan], edition: Edition, state: State) -> dict[int, Tint]:
    zh = i18n.locale() == "zh"
    back, new, nobody = Tint(3, "续" if zh else "R", _("Was there last time")), Tint(5, "新" if zh else "N", _("New this time")), _nobody()
    before: set[int] = set()
    if edition.previous_id:
        before = set(
            db.session.scalars(
                select(Participation.company_id).where(
                    Participation.edition_id == edition.previous_id, Participation.outcome == "exhibited"
                )
            )
        )
    out = {}
    for booth in booths:
        company = booth.company if _taken(state(booth)) else None
        out[booth.id] = nobody if company is None else back if company.id in before else new
    return out


def _by_payment(booths: Sequence[OnPlan], state: State) -> dict[int, Tint]:
    zh = i18n.locale() == "zh"
    paid, part, owing = (
        Tint(3, "清" if zh else "P", _("Fully paid")),
        Tint(2, "定" if zh else "D", _("Deposit paid")),
        Tint(6, "欠" if zh else "O", _("Nothing paid yet")),
    )
    hall_ids = {b.hall_id for b in booths}
    rows = db.session.execute(
        select(ContractBooth.booth_id, ContractBooth.contract_id)
        .join(Booth, Booth.id == ContractBooth.booth_id)
        .where(Booth.hall_id.in_(hall_ids), ContractBooth.live)
    )
    contracts = dict(rows.all())
    standings = billing.standings_of(sorted(set(contracts.values())))
    out, none = {}, Tint(0, "", _("No contract"))
    for booth in booths:
        found = standings.get(contracts.get(booth.id, 0))
        out[booth.id] = none if found is None else paid if found.paid else part if found.deposit_paid else owing
    return out


def _by_arrival(booths: Sequence[OnPlan], state: State, here: frozenset[int]) -> dict[int, Tint]:
    came, missing, nobody = Tint(3, "✓", _("Exhibitor has arrived")), Tint(6, "…", _("Not arrived yet")), Tint(0, "", _("Not sold"))
    return {
        b.id: nobody
        if state(b) != BoothState.SOLD
        else came
        if not here.isdisjoint(b.participations)
        else missing
        for b in booths
    }
