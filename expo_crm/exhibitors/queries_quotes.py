"""Reading quotes and competitors' shows; always within an edition or its show."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.exhibitors.models import CompetitorPresence, CompetitorShow, Opportunity, Quote, QuoteLine


def find_quote(edition_id: int, quote_id: int) -> Quote | None:
    """With lines, opportunity and company."""
    return db.session.scalar(
        select(Quote)
        .where(Quote.id == quote_id, Quote.edition_id == edition_id)
        .options(
            joinedload(Quote.opportunity).joinedload(Opportunity.company),
            joinedload(Quote.created_by),
            joinedload(Quote.contract),
            selectinload(Quote.lines).joinedload(QuoteLine.booth),
        )
    )


def list_revisions(number: str) -> list[Quote]:
    return list(db.session.scalars(select(Quote).where(Quote.number == number).order_by(Quote.revision.desc())))


def list_quotes_of(opportunity_id: int) -> list[Quote]:
    """The newest first, replaced ones left out."""
    return list(
        db.session.scalars(
            select(Quote)
            .where(Quote.opportunity_id == opportunity_id, Quote.state != "replaced")
            .order_by(Quote.id.desc())
        )
    )


def find_competitor(show_id: int, competitor_id: int) -> CompetitorShow | None:
    return db.session.scalar(
        select(CompetitorShow).where(CompetitorShow.id == competitor_id, CompetitorShow.show_id == show_id)
    )


def list_competitors(show_id: int) -> list[CompetitorShow]:
    return list(
        db.session.scalars(
            select(CompetitorShow)
            .where(CompetitorShow.show_id == show_id)
            .order_by(CompetitorShow.starts_on.desc(), CompetitorShow.id)
        )
    )


def count_presences(show_id: int) -> dict[int, int]:
    """Competitor's show → companies known there."""
    rows = db.session.execute(
        select(CompetitorPresence.competitor_show_id, func.count())
        .join(CompetitorShow, CompetitorShow.id == CompetitorPresence.competitor_show_id)
        .where(CompetitorShow.show_id == show_id)
        .group_by(CompetitorPresence.competitor_show_id)
    )
    return dict(rows.all())  # type: ignore[arg-type]


def find_presence(competitor_id: int, presence_id: int) -> CompetitorPresence | None:
    return db.session.scalar(
        select(CompetitorPresence).where(
            CompetitorPresence.id == presence_id, CompetitorPresence.competitor_show_id == competitor_id
        )
    )
