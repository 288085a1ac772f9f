"""Custom fields: defining them, storing their values, working out formulas for a page of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import custom as rules
from expo_crm.directory.domain.custom import CustomError, Field
from expo_crm.directory.models import Activity, Company, CustomField, Employment, Participation, Person
from expo_crm.lib import clock
from expo_crm.lib.formula import FormulaError
from expo_crm.shows.models import Edition


def list_fields(entity: str, *, retired: bool = False) -> list[CustomField]:
    """The fields of an entity in their order; ``retired`` adds those that are out of use."""
    query = select(CustomField).where(CustomField.entity == entity).order_by(CustomField.position, CustomField.id)
    return list(db.session.scalars(query if retired else query.where(~CustomField.retired)))


def as_rule(field: CustomField) -> Field:
    return Field(field.key, field.kind, tuple(c["value"] for c in field.choices), field.formula, field.required)


def save_field(field: CustomField | None, *, entity: str, **values: Any) -> CustomField:
    """Make or change a field. ``key`` and ``kind`` of an existing one stay. Raises CustomError "key", "choice", "formula"."""
    others = [f for f in list_fields(entity, retired=True) if f is not field]
    key, kind = (field.key, field.kind) if field else (values["key"], values["kind"])
    if field is None and (not rules.KEY.fullmatch(key) or key in rules.FACTS[entity] or key in {f.key for f in others}):
        raise CustomError("key")
    if kind == "choice" and not values.get("choices"):
        raise CustomError("choice")
    if kind == "formula":
        usable = [f.key for f in others if not f.retired and (f.kind != "formula" or field is None or f.position < field.position)]
        try:
            rules.check_formula(values.get("formula", ""), entity, usable)
        except FormulaError as error:
            raise CustomError("formula", f"{error.code} {error.detail}".strip()) from None
    if field is None:
        last = max((f.position for f in others), default=0)
        field = CustomField(entity=entity, key=key, kind=kind, position=1 + last, created_at=clock.now())
        db.session.add(field)
    for name in ("label_zh", "label_en", "choices", "formula", "required", "retired"):
        if name in values:
            setattr(field, name, values[name])
    db.session.flush()
    audit.record(
        "custom_field.save", "custom_field", field.id, changes={"key": [None, field.key], "kind": [None, field.kind]}
    )
    return field


def move_field(field: CustomField, step: int) -> None:
    """One place up (-1) or down (1)."""
    order = list_fields(field.entity, retired=True)
    place = order.index(field)
    other = place + step
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    for number, one in enumerate(order, start=1):
        one.position = number
    db.session.flush()


def set_values(record: Company | Person, values: Mapping[str, Any]) -> None:
    """Store read values (``domain.custom.read``) of some fields; empty ones are taken out. Audited."""
    before = dict(record.custom or {})
    after = {k: v for k, v in {**before, **values}.items() if v is not None}
    if after == before:
        return
    record.custom = after
    record.updated_at = clock.now()
    db.session.flush()
    entity = record.__tablename__
    audit.record(
        f"{entity}.custom", entity, record.id, changes=audit.diff(before, {k: after.get(k) for k in {*before, *after}})
    )


def computed(
    entity: str, records: Sequence[Company | Person], fields: Sequence[CustomField]
) -> dict[int, dict[str, Any]]:
    """The values of custom fields, formulas included, of some records; queries only when a formula is among the fields."""
    needed = [as_rule(f) for f in fields]
    facts = _facts(entity, records) if any(f.kind == "formula" for f in fields) else {}
    return {r.id: rules.compute(needed, entity, r.custom or {}, facts.get(r.id, {})) for r in records}


def _facts(entity: str, records: Sequence[Any]) -> dict[int, dict[str, Any]]:
    today = clock.now().date()
    names = ("country", "province", "city", "industry", "source", "key_account")
    out = {
        r.id: {n: getattr(r, n) for n in names if hasattr(r, n)} | {"entered_on": r.created_at, "today": today}
        for r in records
    }
    if entity == "company" and out:
        _company_facts(out)
    return out


def _company_facts(out: dict[int, dict[str, Any]]) -> None:
    ids: Iterable[int] = list(out)
    rows = (
        select(Participation.company_id, Participation.net_m2, Participation.amount, Edition.starts_on)
        .join(Edition, Edition.id == Participation.edition_id)
        .where(Participation.company_id.in_(ids), Participation.outcome == "exhibited")
        .order_by(Edition.starts_on)
    )
    for facts in out.values():
        facts |= {"editions": 0, "total_m2": 0, "total_amount": 0, "contacts": 0}
    for company_id, m2, amount, day in db.session.execute(rows):
        facts = out[company_id]
        facts["editions"] += 1
        facts["total_m2"] += m2
        facts["total_amount"] += amount
        facts |= {"last_m2": m2, "last_edition_on": day}
    last = (
        select(Activity.company_id, func.max(Activity.done_at))
        .where(Activity.company_id.in_(ids))
        .group_by(Activity.company_id)
    )
    for company_id, at in db.session.execute(last):
        out[company_id]["last_contact_on"] = at
    people = (
        select(Employment.company_id, func.count())
        .where(Employment.company_id.in_(ids), Employment.until.is_(None))
        .group_by(Employment.company_id)
    )
    for company_id, count in db.session.execute(people):
        out[company_id]["contacts"] = count
