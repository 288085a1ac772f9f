"""Measuring the customer file, every night and when asked."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import case, func, select

from expo_crm.db import db
from expo_crm.directory.domain import quality as rules
from expo_crm.directory.domain.quality import Record
from expo_crm.directory.models import Activity, Company, DuplicatePair, Employment, Person, QualitySnapshot
from expo_crm.directory.services.duplicates import phone_key
from expo_crm.lib import clock

BATCH = 5000


def measure() -> QualitySnapshot:
    """Look at the whole file and keep the figures."""
    now = clock.now()
    found = rules.measure(_records(), now)
    made = QualitySnapshot(
        at=now,
        figures={
            "all": found.all.as_json(),
            "by_source": {key: tally.as_json() for key, tally in found.by_source.items()},
            "by_owner": {str(key): tally.as_json() for key, tally in found.by_owner.items()},
        },
    )
    db.session.add(made)
    db.session.flush()
    return made


def _records() -> Iterator[Record]:
    """Every company with its counts, read in portions."""
    people = dict(_people())
    done = dict(
        db.session.execute(select(Activity.company_id, func.max(Activity.done_at)).group_by(Activity.company_id)).all()
    )  # type: ignore[arg-type]
    doubtful = set()
    for a, b in db.session.execute(select(DuplicatePair.a_id, DuplicatePair.b_id).where(DuplicatePair.state == "open")):
        doubtful |= {a, b}
    rows = select(
        Company.id, Company.country, Company.source, Company.owner_id, Company.tax_id, Company.website, Company.domain,
        Company.phone, Company.address, Company.industry, Company.updated_at,
    ).order_by(Company.id)  # fmt: skip
    for c in db.session.execute(rows.execution_options(yield_per=BATCH)):
        contacts, reachable = people.get(c.id, (0, 0))
        last = done.get(c.id)
        yield Record(
            country=c.country,
            source=c.source,
            owner_id=c.owner_id,
            tax_id=c.tax_id or "",
            website=c.website,
            domain=c.domain,
            phone=c.phone,
            phone_valid=not c.phone or bool(phone_key(c.phone, c.country)),
            address=c.address,
            industry=c.industry,
            contacts=contacts,
            reachable=reachable,
            touched_at=max(c.updated_at, last) if last else c.updated_at,
            doubtful=c.id in doubtful,
        )


def _people() -> Iterator[tuple[int, tuple[int, int]]]:
    reachable = func.sum(case(((Person.email != "") | (Person.phone != ""), 1), else_=0))
    rows = (
        select(Employment.company_id, func.count(), reachable)
        .join(Person, Person.id == Employment.person_id)
        .where(Employment.until.is_(None), Person.erased_at.is_(None))
        .group_by(Employment.company_id)
    )
    for company_id, count, some in db.session.execute(rows):
        yield company_id, (count, some)
