"""What recruitment tells the working day and the public pool of the directory."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, func, select

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.exhibitors.models import Contract, Opportunity, SalesTeam, SalesTeamMember, StageChange
from expo_crm.lib import clock
from expo_crm.shows.models import Edition


def companies_with_open_opportunity() -> Select[Any]:
    """Ids of companies with an opportunity that is neither lost nor paid, in an edition that has not ended."""
    return (
        select(Opportunity.company_id)
        .join(Edition, Edition.id == Opportunity.edition_id)
        .where(Opportunity.stage.not_in(("lost", "paid")), Edition.ends_on >= clock.now().date())
    )


def companies_with_open_contract() -> Select[Any]:
    """Ids of companies with a contract that was not cancelled, in an edition that has not ended."""
    return (
        select(Contract.company_id)
        .join(Edition, Edition.id == Contract.edition_id)
        .where(Contract.state != "cancelled", Edition.ends_on >= clock.now().date())
    )


def new_opportunities(start: dt.datetime, end: dt.datetime) -> dict[int, int]:
    """Opportunities that people started from ``start`` to before ``end``, by who did it (else who owns them)."""
    who = func.coalesce(StageChange.user_id, Opportunity.owner_id)
    rows = db.session.execute(
        select(who, func.count())
        .select_from(StageChange)
        .join(Opportunity, Opportunity.id == StageChange.opportunity_id)
        .where(StageChange.before == "", StageChange.at >= start, StageChange.at < end)
        .group_by(who)
    )
    return {user_id: count for user_id, count in rows if user_id is not None}


def teams() -> dict[int, str]:
    """The sales team of each person."""
    rows = db.session.execute(
        select(SalesTeamMember.user_id, SalesTeam.name)
        .join(SalesTeam, SalesTeam.id == SalesTeamMember.team_id)
        .join(User, User.id == SalesTeamMember.user_id)
    )
    return dict(rows.all())  # type: ignore[arg-type]
