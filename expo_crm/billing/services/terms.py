"""The terms of an edition: tax rate, payment plan, cancellation table, noted exchange rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import delete, select

from expo_crm.audit import services as audit
from expo_crm.billing.domain.plan import (
    DEFAULT_PLAN,
    DEFAULT_TAX_RATE,
    DueFrom,
    FeeRule,
    PlanRefusal,
    Rule,
    Step,
    default_rules,
    refuse_own_plan,
    refuse_plan,
)
from expo_crm.billing.models import BillingTerms, CancellationRule, CurrencyRate, PlanStep, Product
from expo_crm.db import db
from expo_crm.shows.models import Edition
from expo_crm.shows.services import editions

PRODUCT_FIELDS = ("code", "name_zh", "name_en", "kind", "unit_zh", "unit_en", "price", "currency", "stock")


class PlanRefused(Exception):
    """The steps make no plan; nothing was stored. ``difference``: by how much they miss the total."""

    def __init__(self, reason: PlanRefusal, difference: Decimal = Decimal(0)) -> None:
        super().__init__(reason.value)
        self.reason, self.difference = reason, difference


def init_app(app: Flask) -> None:
    editions.register_cloner(app, "billing", clone_terms)


def find(edition_id: int) -> BillingTerms | None:
    return db.session.scalar(select(BillingTerms).where(BillingTerms.edition_id == edition_id))


def ensure(edition_id: int) -> BillingTerms:
    """The terms of the edition, made with the values to begin with where there are none."""
    found = find(edition_id)
    if found is None:
        found = BillingTerms(edition_id=edition_id, tax_rate=DEFAULT_TAX_RATE)
        db.session.add(found)
        db.session.flush()
    return found


def tax_rate(edition_id: int) -> Decimal:
    """Share of the net price, 0.06 for 6 %."""
    found = find(edition_id)
    return found.tax_rate if found else DEFAULT_TAX_RATE


def plan_of(edition_id: int, contract_id: int | None = None) -> list[Step]:
    """The contract's own plan, else the edition's, else half on signing and half before the opening."""
    rows = list(
        db.session.scalars(
            select(PlanStep)
            .where(PlanStep.edition_id == edition_id, (PlanStep.contract_id == contract_id) | PlanStep.contract_id.is_(None))
            .order_by(PlanStep.position)
        )
    )
    chosen = [r for r in rows if contract_id is not None and r.contract_id == contract_id] or [
        r for r in rows if r.contract_id is None
    ]
    return [
        Step(r.label_zh, r.label_en, Rule(r.rule), r.value, DueFrom(r.due_from), r.days, r.due_on) for r in chosen
    ] or list(DEFAULT_PLAN)


def has_own_plan(contract_id: int) -> bool:
    return db.session.scalar(select(PlanStep.id).where(PlanStep.contract_id == contract_id).limit(1)) is not None


def set_own_plan(edition_id: int, contract_id: int, steps: Sequence[Step], total: Decimal, today: dt.date) -> None:
    """Put these steps in the place of the contract's plan; none means the edition's again. ``total`` with tax. Raises PlanRefused.

    The last step takes the rest whatever it was typed as, so that the instalments add up when the total changes later.
    """
    if not steps:
        db.session.execute(delete(PlanStep).where(PlanStep.edition_id == edition_id, PlanStep.contract_id == contract_id))
        audit.record("plan.drop", "contract", contract_id, edition_id=edition_id)
        return
    refused = refuse_own_plan(steps, total, today)
    if refused:
        raise PlanRefused(*refused)
    set_plan(edition_id, [*steps[:-1], replace(steps[-1], rule=Rule.REST, value=Decimal(0))], contract_id)


def set_plan(edition_id: int, steps: Sequence[Step], contract_id: int | None = None) -> None:
    """Put these steps in the place of the plan. Raises PlanRefused."""
    refused = refuse_plan(steps)
    if refused:
        raise PlanRefused(refused)
    there = PlanStep.contract_id.is_(None) if contract_id is None else PlanStep.contract_id == contract_id
    db.session.execute(delete(PlanStep).where(PlanStep.edition_id == edition_id, there))
    for position, step in enumerate(steps, 1):
        db.session.add(
            PlanStep(
                edition_id=edition_id,
                contract_id=contract_id,
                position=position,
                label_zh=step.label_zh,
                label_en=step.label_en,
                rule=step.rule.value,
                value=step.value,
                due_from=step.due_from.value,
                days=step.days,
                due_on=step.due_on,
            )
        )
    db.session.flush()
    audit.record(
        "plan.set",
        "contract" if contract_id else "edition",
        contract_id or edition_id,
        edition_id=edition_id,
        changes={"steps": "; ".join(f"{s.label_en}: {s.rule.value} {s.value}, {s.due_from.value} {s.due_on or s.days}" for s in steps)},
    )


def rules_of(edition: Edition) -> list[FeeRule]:
    """The edition's cancellation table by date, or the usual one where it has none."""
    rows = db.session.scalars(
        select(CancellationRule).where(CancellationRule.edition_id == edition.id).order_by(CancellationRule.until)
    )
    return [FeeRule(row.until, row.percent) for row in rows] or default_rules(edition.starts_on)


def set_rules(edition_id: int, rules: Sequence[FeeRule]) -> None:
    """Put this table in the place of the old one; none means the usual one."""
    db.session.execute(delete(CancellationRule).where(CancellationRule.edition_id == edition_id))
    for rule in rules:
        db.session.add(CancellationRule(edition_id=edition_id, until=rule.until, percent=rule.percent))
    db.session.flush()
    audit.record(
        "cancellation.set",
        "edition",
        edition_id,
        edition_id=edition_id,
        changes={"rules": "; ".join(f"{r.until.isoformat()}: {r.percent} %" for r in rules)},
    )


def update(edition_id: int, values: dict[str, Any]) -> BillingTerms:
    """Change tax rate and dunning days; contracts and invoices that exist keep their rate."""
    found = ensure(edition_id)
    before = {name: getattr(found, name) for name in values}
    for name, value in values.items():
        setattr(found, name, value)
    db.session.flush()
    audit.record("terms.update", "edition", edition_id, edition_id=edition_id, changes=audit.diff(before, values))
    return found


def rates_of(edition_id: int) -> dict[str, CurrencyRate]:
    rows = db.session.scalars(select(CurrencyRate).where(CurrencyRate.edition_id == edition_id))
    return {row.currency: row for row in rows}


def note_rate(edition_id: int, currency: str, rate: Decimal, noted_on: dt.date) -> None:
    """One unit of ``currency`` in the edition's currency, for reading reports."""
    row = rates_of(edition_id).get(currency)
    if row is None:
        db.session.add(CurrencyRate(edition_id=edition_id, currency=currency, rate=rate, noted_on=noted_on))
    else:
        row.rate, row.noted_on = rate, noted_on
    db.session.flush()
    audit.record("rate.note", "edition", edition_id, edition_id=edition_id, changes={currency: rate})


def clone_terms(source: Edition, target: Edition) -> None:
    """A new edition begins with the last one's terms and extras, the whole stock free; their days move with the opening."""
    old = find(source.id)
    if old is not None:
        db.session.add(
            BillingTerms(
                edition_id=target.id, tax_rate=old.tax_rate, dunning=False, friendly_days=old.friendly_days,
                first_days=old.first_days, final_days=old.final_days,
            )
        )  # fmt: skip
    for step in db.session.scalars(select(PlanStep).where(PlanStep.edition_id == source.id, PlanStep.contract_id.is_(None))):
        db.session.add(
            PlanStep(
                edition_id=target.id, position=step.position, label_zh=step.label_zh, label_en=step.label_en, rule=step.rule,
                value=step.value, due_from=step.due_from, days=step.days,
            )
        )  # fmt: skip
    shift = target.starts_on - source.starts_on
    for rule in db.session.scalars(select(CancellationRule).where(CancellationRule.edition_id == source.id)):
        db.session.add(CancellationRule(edition_id=target.id, until=rule.until + shift, percent=rule.percent))
    for product in db.session.scalars(select(Product).where(Product.edition_id == source.id, Product.retired.is_(False))):
        kept = {name: getattr(product, name) for name in PRODUCT_FIELDS}
        until = product.available_until + shift if product.available_until else None
        db.session.add(Product(edition_id=target.id, available_until=until, **kept))
    db.session.flush()
