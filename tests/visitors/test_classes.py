"""Visitor classes of an edition."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from expo_crm.shows.services import editions
from expo_crm.visitors.models import VisitorClass
from tests.support.cast import play


def test_the_next_edition_starts_with_the_classes_of_the_last(session):
    cast = play(session)
    day = dt.date(2027, 6, 8)
    made = editions.create_edition(cast.show, starts_on=day, ends_on=day, previous=cast.edition)
    codes = select(VisitorClass.code).order_by(VisitorClass.position)
    wanted = list(session.scalars(codes.where(VisitorClass.edition_id == cast.edition.id)))
    assert list(session.scalars(codes.where(VisitorClass.edition_id == made.id))) == wanted
    assert "press" in wanted
