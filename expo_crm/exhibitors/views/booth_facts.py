"""What the inventory says of one booth, for its panel and its page."""

from __future__ import annotations

from typing import Any

from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries_inventory as queries
from expo_crm.exhibitors.domain.pricing import PricingError
from expo_crm.exhibitors.models import Booth
from expo_crm.exhibitors.services import booth_prices, neighbours
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal


def of(booth: Booth) -> dict[str, Any]:
    """Price by the list with its lines, an agreed price, who waits, what was asked, neighbours too near. A constant few queries."""
    today = booth_prices.today_of(booth.edition)
    current = booth_prices.find_current(booth.edition, today)
    price = None
    if current is not None:
        try:
            price = booth_prices.price_of(booth, current, today)
        except PricingError:
            price = None
    holder: Company | None = booth.opportunity.company if booth.opportunity is not None else None
    near = neighbours.conflicts(booth, holder.id) if holder is not None and booth.state != "available" else []
    request = queries.find_open_request(booth.id) if booth.state == "reserved" else None
    return {
        "booth": booth,
        "price_list": current,
        "price": price,
        "price_lines": [(line.text_zh if i18n.locale() == "zh" else line.text_en, line.amount) for line in price.lines]
        if price
        else [],
        "agreed": booth_prices.agreed([booth.id]).get(booth.id),
        "waits": queries.list_wishes_for(booth),
        "near": near,
        "booth_request": request,
        "may_sell": current_principal().can(Permission.SELL),
        "may_decide_prices": may_decide_prices(),
    }


def may_decide_prices() -> bool:
    """Approving a price is for those who answer for the money."""
    return current_principal().can(Permission.MONEY)
