"""What else has a say when a booth is taken or becomes free; filled when the package starts.

``before_hold(booth, opportunity, despite)`` may raise RuleRefused; ``despite`` is the reason why a warning is passed over.
``freed(booth, opportunity_id)`` runs after a booth came back on sale.
"""

from __future__ import annotations

from collections.abc import Callable

from expo_crm.exhibitors.models import Booth, Opportunity

before_hold: dict[str, Callable[[Booth, Opportunity, str], None]] = {}
freed: dict[str, Callable[[Booth, int | None], None]] = {}


def ask_before_hold(booth: Booth, opportunity: Opportunity, despite: str) -> None:
    for rule in before_hold.values():
        rule(booth, opportunity, despite)


def tell_freed(booth: Booth, opportunity_id: int | None) -> None:
    for follower in freed.values():
        follower(booth, opportunity_id)
