"""Every change of a company's owner, and what keeps a company his: one place, so that the log is whole."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, current_app, has_request_context
from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select, update

from expo_crm.accounts.models import User
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import ownership
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.domain.ownership import Limits, Rule
from expo_crm.directory.models import Activity, Company, OwnershipLog, OwnershipRule, OwnershipSettings
from expo_crm.lib import clock, text
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Show
from expo_crm.web.policy import current_principal

_OPEN = "expo_open_business"
BATCH = 500


def register_open_business(app: Flask, name: str, companies: Callable[[], Select[Any]]) -> None:
    """``companies()`` selects the ids of companies that something open binds to us (an offer, a contract): they are not returned."""
    app.extensions.setdefault(_OPEN, {})[name] = companies


def _actor() -> int | None:
    """The signed-in staff member; None in jobs and commands."""
    if not has_request_context():
        return None
    principal = current_principal()
    return principal.id if principal.kind == "staff" else None


# -- settings and rules --------------------------------------------------------------------------------------------------


def settings_of(show: Show | None) -> OwnershipSettings | None:
    return db.session.scalar(select(OwnershipSettings).where(OwnershipSettings.show_id == show.id)) if show else None


def limits() -> Limits:
    """What holds now: the settings of the show whose edition the house works on; without any, no pool and no protection."""
    edition = shows.find_default_edition()
    row = None
    if edition is not None:
        row = db.session.scalar(select(OwnershipSettings).where(OwnershipSettings.show_id == edition.show_id))
    if row is None:
        return Limits(claims_per_day=10, claims_total=300, wait_days=7)
    return Limits(**{name: getattr(row, name) for name in Limits.__dataclass_fields__})


def save_settings(show: Show, **values: Any) -> OwnershipSettings:
    row = settings_of(show)
    if row is None:
        row = OwnershipSettings(show_id=show.id)
        db.session.add(row)
        db.session.flush()
    moved = audit.diff({n: getattr(row, n) for n in values}, values)
    for name, value in values.items():
        setattr(row, name, value)
    db.session.flush()
    if moved:
        audit.record("ownership.settings", "show", show.id, changes=moved)
    return row


def list_rules(*, active: bool = False) -> list[OwnershipRule]:
    query = select(OwnershipRule).order_by(OwnershipRule.position, OwnershipRule.id)
    return list(db.session.scalars(query.where(OwnershipRule.active) if active else query))


def save_rule(rule: OwnershipRule | None, **values: Any) -> OwnershipRule:
    """A new rule goes to the end of the list."""
    if rule is None:
        last = db.session.scalar(select(func.max(OwnershipRule.position))) or 0
        rule = OwnershipRule(position=last + 1, **values)
        db.session.add(rule)
    else:
        for name, value in values.items():
            setattr(rule, name, value)
    db.session.flush()
    audit.record("ownership.rule", "ownership_rule", rule.id, changes={n: str(v) for n, v in values.items()})
    return rule


def move_rule(rule: OwnershipRule, step: int) -> None:
    rules = list_rules()
    place = rules.index(rule)
    other = place + step
    if 0 <= other < len(rules):
        rules[place], rules[other] = rules[other], rules[place]
        for position, one in enumerate(rules, start=1):
            one.position = position
        db.session.flush()
        audit.record("ownership.rule", "ownership_rule", rule.id, changes={"position": [place + 1, other + 1]})


def _plain(rules: Iterable[OwnershipRule]) -> list[Rule]:
    """The rules without people who have left: their turn goes to the others."""
    rules = list(rules)
    named = {user_id for rule in rules for user_id in rule.user_ids}
    here = set(db.session.scalars(select(User.id).where(User.id.in_(named), User.active))) if named else set()
    return [
        Rule(
            r.id, tuple(u for u in r.user_ids if u in here), r.country, r.province, r.industry, r.source, r.dealt
        )
        for r in rules
    ]  # fmt: skip


def preview(companies: Sequence[Mapping[str, Any]]) -> list[ownership.Dealt | None]:
    """Who would get these companies (fields by name), without giving anything away."""
    return ownership.deal(_plain(list_rules(active=True)), companies)


def deal_new(companies: Sequence[Mapping[str, Any]]) -> list[ownership.Dealt | None]:
    """Who gets these new companies; the turns are taken. The one service for the form, imports and the pool.

    The caller stores the owner and calls ``note_new`` when the companies have their ids.
    """
    found = list(
        db.session.scalars(
            select(OwnershipRule)
            .where(OwnershipRule.active)
            .order_by(OwnershipRule.position, OwnershipRule.id)
            .with_for_update()
        )
    )
    if not found:
        return [None] * len(companies)
    dealt = ownership.deal(_plain(found), companies)
    for rule_id, count in Counter(d.rule_id for d in dealt if d).items():
        db.session.execute(
            update(OwnershipRule).where(OwnershipRule.id == rule_id).values(dealt=OwnershipRule.dealt + count)
        )
    return dealt


def note_new(pairs: Iterable[tuple[int, int | None]], why: str = "rule", reason: str = "") -> None:
    """Log the first owners of new companies: (company id, owner). In bulk, one statement."""
    now, by = clock.now(), _actor()
    rows = [
        {"company_id": c, "from_id": None, "to_id": u, "why": why, "reason": reason[:300], "by_id": by, "at": now}
        for c, u in pairs
        if u is not None
    ]
    if rows:
        db.session.execute(insert(OwnershipLog), rows)


# -- changing hands ------------------------------------------------------------------------------------------------------


def note(company: Company, before: int | None, why: str, reason: str = "", *, by: int | None = None) -> None:
    """Log that a company has a new owner and start his time. Called by whoever set ``owner_id``."""
    now = clock.now()
    company.owner_since = now if company.owner_id is not None else None
    company.pool_since = None if company.owner_id is not None else now
    company.protected_until, company.pool_warned_at = None, None
    db.session.add(
        OwnershipLog(
            company_id=company.id,
            from_id=before,
            to_id=company.owner_id,
            why=why,
            reason=text.clean(reason, limit=300),
            by_id=by if by is not None else _actor(),
            at=now,
        )
    )


def note_merge(company_id: int, before: int | None, after: int | None, reason: str) -> None:
    """Log that merging two companies, or taking that back, changed whose it is."""
    db.session.add(
        OwnershipLog(
            company_id=company_id,
            from_id=before,
            to_id=after,
            why="merge",
            reason=reason[:300],
            by_id=_actor(),
            at=clock.now(),
        )
    )
    db.session.flush()


def transfer(companies: Iterable[Company], owner_id: int | None, *, why: str = "assign", reason: str = "") -> int:
    """Give companies to a person (None: back to the public pool). Returns how many changed."""
    moved = [c for c in companies if c.owner_id != owner_id]
    for company in moved:
        before, company.owner_id = company.owner_id, owner_id
        company.updated_at = clock.now()
        note(company, before, why, reason)
        audit.record(
            "company.assign", "company", company.id, changes={"owner_id": [before, owner_id], "why": why}, reason=reason
        )
    db.session.flush()
    return len(moved)


def claim(company: Company, user_id: int) -> None:
    """Take a company out of the public pool; of two who claim at once one gets it.

    Raises DirectoryError: "owned", "day-limit", "total-limit", "just-returned".
    """
    # The person's row is the lock under which his claims are counted: two windows do not make twice the limit.
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())
    now, rules = clock.now(), limits()
    code = ownership.refuse_claim(
        rules,
        today=claims_today(user_id, now),
        owned=db.session.scalar(select(func.count()).select_from(Company).where(Company.owner_id == user_id)) or 0,
        own_return_days=_days_since_return(company.id, user_id, now),
    )
    if code:
        raise DirectoryError(code, company.id)
    taken = db.session.execute(
        update(Company)
        .where(Company.id == company.id, Company.owner_id.is_(None))
        .values(
            owner_id=user_id, owner_since=now, pool_since=None, pool_warned_at=None, updated_at=now,
            protected_until=_day(now) + dt.timedelta(days=rules.contact_days) if rules.contact_days else None,
            version=Company.version + 1,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise DirectoryError("owned", company.id)
    db.session.expire(company)
    db.session.add(OwnershipLog(company_id=company.id, from_id=None, to_id=user_id, why="claim", by_id=user_id, at=now))
    db.session.flush()
    audit.record("company.claim", "company", company.id, changes={"owner_id": [None, user_id]})


def claims_today(user_id: int, now: dt.datetime) -> int:
    start = clock.day_bounds(_day(now), _zone())[0]
    return (
        db.session.scalar(
            select(func.count())
            .select_from(OwnershipLog)
            .where(OwnershipLog.to_id == user_id, OwnershipLog.why == "claim", OwnershipLog.at >= start)
        )
        or 0
    )


def _days_since_return(company_id: int, user_id: int, now: dt.datetime) -> float | None:
    at = db.session.scalar(
        select(func.max(OwnershipLog.at)).where(
            OwnershipLog.company_id == company_id, OwnershipLog.from_id == user_id, OwnershipLog.to_id.is_(None)
        )
    )
    return (now - at).total_seconds() / 86400 if at else None


def _zone() -> Any:
    edition = shows.find_default_edition()
    return clock.zone(edition.timezone if edition else "Asia/Shanghai")


def _day(now: dt.datetime) -> dt.date:
    return clock.local_day(now, _zone())


# -- protection ----------------------------------------------------------------------------------------------------------


def protect(company_id: int, what: str) -> None:
    """A contact or an open opportunity keeps the company its owner's for the days of the settings; never shortens. ``what``:
    contact | opportunity."""
    rules = limits()
    days = rules.contact_days if what == "contact" else rules.opportunity_days
    values: dict[str, Any] = {"pool_warned_at": None}
    if days:
        until = _day(clock.now()) + dt.timedelta(days=days)
        earlier = or_(Company.protected_until.is_(None), Company.protected_until < until)
        values["protected_until"] = case((earlier, until), else_=Company.protected_until)
    # Without the row's version: who edits the company's form at this moment is not to be told of a conflict.
    db.session.execute(
        update(Company)
        .where(Company.id == company_id, Company.owner_id.is_not(None))
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


# -- the daily round -----------------------------------------------------------------------------------------------------


def last_contact() -> Any:
    """Subquery for Company: the newest contact."""
    return (
        select(func.max(Activity.done_at))
        .where(Activity.company_id == Company.id, Activity.done_at.is_not(None), Activity.kind.in_(ownership.CONTACTS))
        .correlate(Company)
        .scalar_subquery()
    )


def untouched_since(edge: dt.datetime, rules: Limits, today: dt.date) -> ColumnElement[bool]:
    """Owned companies without a contact since ``edge`` that nothing keeps from going back to the pool."""
    since = func.coalesce(Company.owner_since, Company.created_at)
    contact = last_contact()
    where = [
        Company.owner_id.is_not(None),
        since < edge,
        or_(contact.is_(None), contact < edge),
        or_(Company.protected_until.is_(None), Company.protected_until < today),
    ]
    if rules.exempt_key:
        where.append(~Company.key_account)
    if rules.exempt_open:
        where += [Company.id.not_in(companies()) for companies in current_app.extensions.get(_OPEN, {}).values()]
    return and_(*where)


def run_pool(*, warn: Callable[[User, list[Company], int], None] | None = None) -> dict[str, int]:
    """One daily round: warn the owners of companies that go back soon, return those whose days are over.

    ``warn(owner, companies, days_left)`` writes the mail. Running it again the same day changes nothing more.
    """
    rules, now = limits(), clock.now()
    if not rules.pool_days:
        return {"returned": 0, "warned": 0}
    today = _day(now)
    gone = list(
        db.session.scalars(
            select(Company)
            .where(untouched_since(now - dt.timedelta(days=rules.pool_days), rules, today))
            .order_by(Company.id)
            .limit(BATCH * 20)
        )
    )
    returned = 0
    for company in gone:
        returned += _return(company, now)
    warned = _warn(rules, now, today, warn) if rules.warn_days else 0
    if returned:
        audit.record("company.pool", "company", None, changes={"returned": returned, "days": rules.pool_days})
    return {"returned": returned, "warned": warned}


def _return(company: Company, now: dt.datetime) -> int:
    """Conditional on the owner that was read: who was given the company meanwhile keeps it."""
    before = company.owner_id
    done = db.session.execute(
        update(Company)
        .where(Company.id == company.id, Company.owner_id == before)
        .values(
            owner_id=None, owner_since=None, pool_since=now, pool_warned_at=None, protected_until=None, version=Company.version + 1
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if done.rowcount != 1:  # type: ignore[attr-defined]
        return 0
    db.session.expire(company)
    db.session.add(OwnershipLog(company_id=company.id, from_id=before, to_id=None, why="return", at=now))
    db.session.flush()
    return 1


def _warn(
    rules: Limits, now: dt.datetime, today: dt.date, warn: Callable[[User, list[Company], int], None] | None
) -> int:
    days = max(rules.pool_days - rules.warn_days, 0)
    soon = db.session.scalars(
        select(Company)
        .where(
            untouched_since(now - dt.timedelta(days=days), rules, today + dt.timedelta(days=rules.warn_days)),
            Company.pool_warned_at.is_(None),
        )
        .order_by(Company.owner_id, Company.sort_key)
        .limit(BATCH * 20)
    )
    by_owner: dict[int, list[Company]] = {}
    for company in soon:
        if company.owner_id is not None:
            by_owner.setdefault(company.owner_id, []).append(company)
    owners = {u.id: u for u in db.session.scalars(select(User).where(User.id.in_(by_owner)))} if by_owner else {}
    for owner_id, companies in by_owner.items():
        db.session.execute(
            update(Company).where(Company.id.in_([c.id for c in companies])).values(pool_warned_at=now)
            .execution_options(synchronize_session="fetch")
        )  # fmt: skip
        if warn and owners[owner_id].active:
            warn(owners[owner_id], companies, rules.warn_days)
    return sum(len(c) for c in by_owner.values())
