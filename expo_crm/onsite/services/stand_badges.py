"""Badges of stand staff and counts of leads, for the exhibitor portal (a package below reaches them by its registry)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.services.portal_hooks import StandBadge
from expo_crm.onsite.models import Badge, Lead
from expo_crm.onsite.services import badges

LIVE = ("active", "blocked")


class StandBadges:
    """The store behind ``expo_stand_badges``."""

    @staticmethod
    def list(participation_id: int) -> list[StandBadge]:
        rows = db.session.scalars(
            select(Badge)
            .where(
                Badge.participation_id == participation_id, Badge.registration_id.is_(None), Badge.state != "replaced"
            )
            .order_by(Badge.sort_key, Badge.id)
        )
        return [StandBadge(b.id, b.holder, b.state, b.state in LIVE, b.issued_at) for b in rows]

    @staticmethod
    def issue(participation: Participation, name: str) -> None:
        badges.issue_staff_badge(participation, name)

    @staticmethod
    def withdraw(participation: Participation, badge_id: int) -> None:
        found = db.session.scalar(
            select(Badge).where(
                Badge.id == badge_id, Badge.participation_id == participation.id, Badge.registration_id.is_(None)
            )
        )
        if found is None or found.state not in LIVE:
            raise LookupError(badge_id)
        badges.revoke(found, "exhibitor")


def badge_counts_of(participation_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """participation id → badges of stand staff that are in use."""
    rows = db.session.execute(
        select(Badge.participation_id, func.count().label("badges"))
        .where(
            Badge.participation_id.in_(participation_ids), Badge.registration_id.is_(None), Badge.state.in_(LIVE)
        )
        .group_by(Badge.participation_id)
    )
    return {r.participation_id: {"badges": r.badges} for r in rows}


def lead_counts_of(participation_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """participation id → ``leads`` (distinct visitors), and how many of them are ``hot``, ``warm``, ``cold``."""
    rows = db.session.execute(
        select(Lead.participation_id, Lead.temperature, func.count().label("number"))
        .where(Lead.participation_id.in_(participation_ids))
        .group_by(Lead.participation_id, Lead.temperature)
    )
    out: dict[int, dict[str, int]] = {}
    for row in rows:
        mine = out.setdefault(row.participation_id, {"leads": 0})
        mine["leads"] += row.number
        if row.temperature:
            mine[row.temperature] = row.number
    return out
