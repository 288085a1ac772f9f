"""What else has a say when a booth is taken or becomes free; filled when the package starts.

``before_hold(booth, opportunity, despite, without)`` may raise RuleRefused; ``despite`` is the reason why a warning is passed over,
``without`` the booths that are given up in the same step. ``freed(booth, opportunity_id)`` runs after a booth came back on sale.
``lost(opportunity)`` runs when an opportunity is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from expo_crm.exhibitors.models import Booth, Opportunity

before_hold: dict[str, Callable[[Booth, Opportunity, str, Collection[int]], None]] = {}
freed: dict[str, Callable[[Booth, int | None], None]] = {}
lost: dict[str, Callable[[Opportunity], None]] = {}


def ask_before_hold(booth: Booth, opportunity: Opportunity, despite: str, without: Collection[int] = ()) -> None:
    """Whether the company may take this booth. Raises RuleRefused."""
    for rule in before_hold.values():
        rule(booth, opportunity, despite, without)


def tell_freed(booth: Booth, opportunity_id: int | None) -> None:
    for follower in freed.values():
        follower(booth, opportunity_id)


def tell_lost(opportunity: Opportunity) -> None:
    for follower in lost.values():
        follower(opportunity)
