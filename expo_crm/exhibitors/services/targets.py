"""Chances of the stages, sales teams and targets of an edition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors import queries_pipeline as queries
from expo_crm.exhibitors.domain.forecast import Weight
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.targets import Scope, Sum
from expo_crm.exhibitors.models import SalesTarget, SalesTeam, SalesTeamMember, StageWeight
from expo_crm.shows.models import Edition


def set_weights(edition: Edition, weights: Mapping[Stage, Weight]) -> int:
    """Store chances and age limits; how many stages changed."""
    before = queries.weights_of(edition.id)
    rows = {r.stage: r for r in db.session.scalars(select(StageWeight).where(StageWeight.edition_id == edition.id))}
    changes = {}
    for stage, weight in weights.items():
        if before[stage] == weight:
            continue
        row = rows.get(stage.value)
        if row is None:
            row = StageWeight(edition_id=edition.id, stage=stage.value)
            db.session.add(row)
        row.percent, row.limit_days = weight.percent, weight.limit_days
        changes[stage.value] = [
            f"{before[stage].percent} % / {before[stage].limit_days}",
            f"{weight.percent} % / {weight.limit_days}",
        ]
    db.session.flush()
    if changes:
        audit.record("edition.weigh_stages", "edition", edition.id, edition_id=edition.id, changes=changes)
    return len(changes)


def set_target(edition: Edition, scope: Scope, key: str, wanted: Sum) -> SalesTarget | None:
    """One target; nothing wanted takes it away. Who comes second overwrites: the audit keeps both."""
    find = select(SalesTarget).where(
        SalesTarget.edition_id == edition.id, SalesTarget.scope == scope.value, SalesTarget.key == key
    )
    row = db.session.scalar(find)
    before = Sum(row.m2, row.amount, row.companies) if row else Sum()
    if wanted == before:
        return row
    if wanted == Sum():
        db.session.delete(row)
        db.session.flush()
        _record(edition, scope, key, before, wanted)
        return None
    if row is None:
        row = SalesTarget(edition_id=edition.id, scope=scope.value, key=key, m2=Decimal(0), amount=Decimal(0))
        try:
            with db.session.begin_nested():
                db.session.add(row)
                db.session.flush()
        except IntegrityError:  # a colleague entered it at the same moment
            row = db.session.scalars(find).one()
    row.m2, row.amount, row.companies = wanted.m2, wanted.amount, wanted.companies
    db.session.flush()
    _record(edition, scope, key, before, wanted)
    return row


def _record(edition: Edition, scope: Scope, key: str, before: Sum, after: Sum) -> None:
    audit.record(
        "target.set",
        "edition",
        edition.id,
        edition_id=edition.id,
        changes={
            f"{scope.value} {key}".strip(): [
                f"{before.m2} m² / {before.amount} / {before.companies}",
                f"{after.m2} m² / {after.amount} / {after.companies}",
            ]
        },
    )


def save_team(name: str, user_ids: Iterable[int], team: SalesTeam | None = None) -> SalesTeam | None:
    """Make or change a team; its people leave the teams they were in. None when another team has the name."""
    taken = db.session.scalar(select(SalesTeam).where(SalesTeam.name == name))
    if taken is not None and taken is not team:
        return None
    if team is None:
        team = SalesTeam(name=name)
        db.session.add(team)
    team.name = name
    db.session.flush()
    wanted = set(user_ids)
    for row in db.session.scalars(
        select(SalesTeamMember).where((SalesTeamMember.team_id == team.id) | SalesTeamMember.user_id.in_(wanted))
    ):
        db.session.delete(row)
    db.session.flush()
    db.session.add_all(SalesTeamMember(team_id=team.id, user_id=user_id) for user_id in sorted(wanted))
    db.session.flush()
    audit.record("team.save", "sales_team", team.id, changes={"name": [None, name], "members": sorted(wanted)})
    return team


def delete_team(team: SalesTeam) -> None:
    """Dissolve a team and take away its targets."""
    for row in db.session.scalars(
        select(SalesTarget).where(SalesTarget.scope == Scope.TEAM.value, SalesTarget.key == str(team.id))
    ):
        db.session.delete(row)
    audit.record("team.delete", "sales_team", team.id, changes={"name": [team.name, None]})
    db.session.delete(team)
    db.session.flush()
