"""What becomes of the sales records when two companies turn out to be one (see ``directory.services.merging``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expo_crm.directory.services import merging
from expo_crm.exhibitors.domain.opportunity import OPEN

Row = Mapping[str, Any]


def register() -> None:
    """Tell the directory how rows that may exist once are put together."""
    merging.register_combiner("opportunity", combine_opportunities)
    merging.register_combiner("competitor_presence", combine_presences)
    merging.register_combiner("booth_occupant", lambda kept, dropped, _choices: {"host": kept["host"] or dropped["host"]})


def combine_presences(kept: Row, dropped: Row, _choices: Mapping[str, Any]) -> dict[str, Any]:
    """Both were seen at one show of somebody else: the later look holds, and what only the other one tells is added."""
    later, other = (dropped, kept) if dropped["seen_on"] > kept["seen_on"] else (kept, dropped)
    return {
        "stand": later["stand"] or other["stand"],
        "m2": later["m2"] or other["m2"],
        "seen_on": later["seen_on"],
        "source": later["source"],
    }


def combine_opportunities(kept: Row, dropped: Row, _choices: Mapping[str, Any]) -> dict[str, Any]:
    """Both were recruited for one edition: the further stage and the larger expectation hold; a lost one yields to a live one."""
    order = {stage: place for place, stage in enumerate(OPEN)}
    rank = {id(row): -1 if row["stage"] == "lost" else order.get(row["stage"], 0) for row in (kept, dropped)}
    further = dropped if rank[id(dropped)] > rank[id(kept)] else kept
    return {
        "stage": further["stage"],
        "stage_at": further["stage_at"],
        "lost_reason": further["lost_reason"],
        "expected_m2": max(kept["expected_m2"], dropped["expected_m2"]),
        "expected_amount": max(kept["expected_amount"], dropped["expected_amount"]),
        "owner_id": kept["owner_id"] or dropped["owner_id"],
        "next_step": kept["next_step"] or dropped["next_step"],
        "next_on": kept["next_on"] or dropped["next_on"],
        "created_at": min(kept["created_at"], dropped["created_at"]),
    }
