"""What becomes of the sales records when two companies turn out to be one (see ``directory.services.merging``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.services import merging
from expo_crm.exhibitors.domain.opportunity import OPEN
from expo_crm.exhibitors.models import EntryChange
from expo_crm.exhibitors.services import portal
from expo_crm.lib import clock
from expo_crm.web import i18n

FIELDS = {
    "name_zh": _l("Name (Chinese)"),
    "name_en": _l("Name (English)"),
    "intro_zh": _l("Introduction (Chinese)"),
    "intro_en": _l("Introduction (English)"),
    "website": _l("Website"),
    "brands": _l("Brands"),
}
Row = Mapping[str, Any]


def register() -> None:
    """Tell the directory how rows that may exist once are put together."""
    merging.register_combiner("opportunity", combine_opportunities)
    merging.register_combiner("competitor_presence", combine_presences)
    merging.register_combiner("directory_entry", combine_entries)
    merging.register_rivals("entry_change", {"state": "open"}, settle_entry_changes)
    merging.register_question(ask_entry_changes)
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
        "lost_to_id": further["lost_to_id"],
        "expected_m2": max(kept["expected_m2"], dropped["expected_m2"]),
        "expected_amount": max(kept["expected_amount"], dropped["expected_amount"]),
        "owner_id": kept["owner_id"] or dropped["owner_id"],
        "next_step": kept["next_step"] or dropped["next_step"],
        "next_on": kept["next_on"] or dropped["next_on"],
        "created_at": min(kept["created_at"], dropped["created_at"]),
    }


def combine_entries(kept: Row, dropped: Row, _choices: Mapping[str, Any]) -> dict[str, Any]:
    """Both have an entry in the directory of one edition: the kept one holds, and what it lacks is taken over."""
    texts = {name: kept[name] or dropped[name] for name in portal.ENTRY_FIELDS}
    return texts | {"brands": list(dict.fromkeys([*kept["brands"], *dropped["brands"]]))[:30]}


def settle_entry_changes(kept: Row, dropped: Row, choices: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both asked for a change of their entry: the chosen one goes on, over the entry that stays; the other one is withdrawn."""
    edition_id = db.session.scalar(select(Participation.edition_id).where(Participation.id == kept["participation_id"]))
    chosen = (choices.get("questions") or {}).get(f"entry_{edition_id}", "keep")
    withdrawn = {"state": "withdrawn", "decided_at": clock.now()}
    return (withdrawn, {"before": kept["before"]}) if chosen == "drop" else ({}, withdrawn)


def ask_entry_changes(a: int, b: int) -> list[merging.Question]:
    """The editions for which both companies have an open change of their directory entry."""
    found = db.session.scalars(
        select(EntryChange)
        .join(Participation, Participation.id == EntryChange.participation_id)
        .where(Participation.company_id.in_([a, b]), EntryChange.state == "open")
        .options(joinedload(EntryChange.participation).joinedload(Participation.edition))
        .order_by(EntryChange.id)
    )
    by_edition: dict[int, dict[int, EntryChange]] = {}
    for change in found:
        by_edition.setdefault(change.participation.edition_id, {})[change.participation.company_id] = change
    return [
        merging.Question(
            f"entry_{edition_id}",
            _("Change of the directory entry, %(edition)s", edition=i18n.bi(both[a].participation.edition)),
            _asked(both[a]),
            _asked(both[b]),
        )
        for edition_id, both in by_edition.items()
        if len(both) == 2
    ]


def _asked(change: EntryChange) -> tuple[tuple[str, str], ...]:
    """What a change would change: the new texts."""
    before, after = change.before, change.after
    lines = [(_("Asked on"), i18n.date(change.asked_at))]
    for name, label in FIELDS.items():
        new = after.get(name) or ""
        if new != (before.get(name) or ""):
            lines.append((str(label), ", ".join(new) if isinstance(new, list) else new or "–"))
    if sorted(after.get("categories", [])) != sorted(before.get("categories", [])):
        lines.append((_("Product categories"), str(len(after.get("categories", [])))))
    return tuple(lines)
