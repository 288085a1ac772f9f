"""Agents: territory, accounts kept, what they earned, settlements with PDF and XLSX."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from reportlab.lib.units import mm
from reportlab.platypus import Spacer
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors.agent_forms import AccountForm, AgentForm, PeriodForm
from expo_crm.exhibitors.domain.commission import AgentRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Agent, AgentAccount, CommissionLine, Contract, Settlement
from expo_crm.exhibitors.services import agents as services
from expo_crm.lib import clock
from expo_crm.sheets import write
from expo_crm.web import i18n, listing, pdf
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

STATES = {"draft": _l("Draft"), "approved": _l("Approved"), "paid": _l("Paid")}
TONES = {"draft": "warning", "approved": "info", "paid": "success"}
REFUSALS = {
    AgentRefusal.ACCOUNT_KEPT: _l("Another agent has this company until a later day."),
    AgentRefusal.OPEN: _l("There is a draft already. Approve it or throw it away first."),
    AgentRefusal.NOTHING: _l("Nothing is due: no money came in that was not settled yet."),
    AgentRefusal.DAYS: _l("The period must end today at the latest and not before it begins."),
    AgentRefusal.FIXED: _l("This settlement is approved already or not yet; please look at it again."),
    AgentRefusal.OWN: _l("Somebody else has to approve a settlement that you made."),
    AgentRefusal.CHANGED: _l("Money has moved since this draft was made. Please throw it away and make a new one."),
}


def _refuse(error: RuleRefused) -> Refused:
    status = 422 if error.reason is AgentRefusal.DAYS else 409
    return Refused(str(REFUSALS[AgentRefusal(error.reason)]), status)


def territory(agent: Agent) -> str:
    """Countries, provinces and sectors in the reader's language; "everywhere" when none is named."""
    parts = [", ".join(country_name(c) for c in agent.countries), ", ".join(agent.provinces), ", ".join(agent.sectors)]
    return " · ".join(filter(None, parts)) or _("everywhere")


@requires(Permission.VIEW)
def agents() -> ResponseReturnValue:
    show_id, day = g.edition.show_id, _today()
    kept = (
        select(func.count(AgentAccount.id)).where(AgentAccount.agent_id == Agent.id).correlate(Agent).scalar_subquery()
    )
    counts: dict[int, int] = {}
    sums: dict[int, dict[str, Decimal]] = defaultdict(dict)

    def load(rows: list[Agent]) -> None:
        ids = [a.id for a in rows]
        found = db.session.execute(
            select(AgentAccount.agent_id, func.count())
            .where(AgentAccount.agent_id.in_(ids))
            .group_by(AgentAccount.agent_id)
        )
        counts.update(found.all())  # type: ignore[arg-type]
        settled = (
            select(Settlement.agent_id, Settlement.currency, func.sum(Settlement.total))
            .where(Settlement.agent_id.in_(ids), Settlement.state != "draft")
            .group_by(Settlement.agent_id, Settlement.currency)
        )
        for agent_id, currency, total in db.session.execute(settled):
            sums[agent_id][currency] = total

    def valid(agent: Agent) -> bool:
        return agent.valid_from <= day and (agent.valid_until is None or agent.valid_until >= day)

    page = listing.build(
        id="agents",
        query=select(Agent).where(Agent.show_id == show_id),
        columns=[
            listing.Column("name", _("Agent"), lambda a: a.name, sort=Agent.name, primary=True),
            listing.Column("territory", _("Territory"), territory),
            listing.Column(
                "rate", _("Commission"), lambda a: a.rate, cell=lambda a: f"{a.rate.normalize():f} %", sort=Agent.rate, kind="number"
            ),
            listing.Column("accounts", _("Accounts kept"), lambda a: counts.get(a.id, 0), sort=kept, kind="number"),
            listing.Column(
                "settled", _("Settled so far"), lambda a: "; ".join(i18n.money(v, c) for c, v in sorted(sums[a.id].items())), kind="number"
            ),
            listing.Column("valid", _("Valid"), lambda a: _("yes") if valid(a) else _("no"), kind="status", sort=Agent.valid_from),
        ],
        default_sort="name",
        tie_break=Agent.id,
        search=lambda q: Agent.name.icontains(q, autoescape=True),
        search_hint=_("Agent"),
        empty=listing.Empty("user-dollar", _("No agents yet"), _("An agent recruits exhibitors in a territory for commission.")),
        row_url=lambda a: url_for("exhibitors.agent", edition=g.edition.slug, agent_id=a.id),
        load=load,
    )  # fmt: skip
    _mine, doubtful = services.contracts_of(show_id)
    return render_template(
        "exhibitors/agents.html", listing=page, doubtful=doubtful, may_edit=current_principal().can(Permission.SELL)
    )


def _today() -> dt.date:
    return clock.local_day(clock.now(), i18n.current_zone())


def _get(agent_id: int) -> Agent:
    found = db.session.scalar(
        select(Agent)
        .where(Agent.id == agent_id, Agent.show_id == g.edition.show_id)
        .options(joinedload(Agent.company), selectinload(Agent.accounts).joinedload(AgentAccount.company))
    )
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def agent(agent_id: int) -> ResponseReturnValue:
    return _agent_page(_get(agent_id))


def _agent_page(
    found: Agent, account_form: AccountForm | None = None, period_form: PeriodForm | None = None
) -> ResponseReturnValue:
    mine, _doubtful = services.contracts_of(found.show_id)
    day = _today()
    contracts = mine.get(found.id, [])
    due = services.earnings(found, contracts, day)
    companies = {
        c.id: c for c in db.session.scalars(select(Company).where(Company.id.in_({c.company_id for c in contracts})))
    }
    settlements = list(
        db.session.scalars(
            select(Settlement).where(Settlement.agent_id == found.id).order_by(Settlement.id.desc()).limit(200)
        )
    )
    open_sums: dict[str, Decimal] = defaultdict(Decimal)
    for contract, earned in due:
        open_sums[contract.currency] += earned.amount
    last = max((s.period_to for s in settlements), default=None)
    begin = last + dt.timedelta(days=1) if last and last < day else found.valid_from
    return render_template(
        "exhibitors/agent.html",
        agent=found, territory=territory(found), due=due, companies=companies, settlements=settlements, states=STATES, tones=TONES,
        open_sums=sorted(open_sums.items()), today=day, of_editions={c.edition_id: c.edition for c in contracts},
        account_form=account_form or AccountForm(formdata=None, data={"until": day + dt.timedelta(days=365)}),
        period_form=period_form
        or PeriodForm(formdata=None, data={"period_from": begin, "period_to": day}),
        may_edit=current_principal().can(Permission.SELL), may_pay=current_principal().can(Permission.MONEY),
    ), 422 if account_form or period_form else 200  # fmt: skip


@requires(Permission.SELL)
def new_agent() -> ResponseReturnValue:
    return _edit(None)


@requires(Permission.SELL)
def edit_agent(agent_id: int) -> ResponseReturnValue:
    return _edit(_get(agent_id))


def _edit(found: Agent | None) -> ResponseReturnValue:
    data: dict[str, Any] = {"valid_from": _today()}
    if found is not None:
        names = ("name", "email", "countries", "rate", "valid_from", "valid_until", "version")
        data = {n: getattr(found, n) for n in names}
        data |= {"provinces": ", ".join(found.provinces), "sectors": ", ".join(found.sectors)}
        data["company"] = i18n.bi(found.company) if found.company else ""
    form = AgentForm(data=data)
    error = ""
    if form.validate_on_submit():
        if found is not None and form.version.data != str(found.version):
            error = _("Somebody changed this agent meanwhile. Please look at it again.")
        else:
            saved = services.save(found, g.edition.show, **form.values())
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.agent", edition=g.edition.slug, agent_id=saved.id))
    status = 409 if error else 422 if form.is_submitted() else 200
    return render_template("exhibitors/agent_form.html", form=form, agent=found, error=error), status


@requires(Permission.SELL)
def keep_account(agent_id: int) -> ResponseReturnValue:
    found, form = _get(agent_id), AccountForm()
    if not form.validate_on_submit() or form.company_id is None or form.until.data is None:
        return _agent_page(found, account_form=form)
    try:
        services.keep_account(found, db.session.get_one(Company, form.company_id), form.until.data)
    except RuleRefused as error:
        raise _refuse(error) from None
    flash(_("The company is kept for this agent."), "success")
    return redirect(url_for("exhibitors.agent", edition=g.edition.slug, agent_id=agent_id))


@requires(Permission.SELL)
def drop_account(agent_id: int, account_id: int) -> ResponseReturnValue:
    account = next((a for a in _get(agent_id).accounts if a.id == account_id), None)
    if account is None:
        abort(404)
    services.drop_account(account)
    return redirect(url_for("exhibitors.agent", edition=g.edition.slug, agent_id=agent_id))


@requires(Permission.MONEY)
def draft_settlement(agent_id: int) -> ResponseReturnValue:
    found, form = _get(agent_id), PeriodForm()
    if not form.validate_on_submit() or form.period_from.data is None or form.period_to.data is None:
        return _agent_page(found, period_form=form)
    try:
        made = services.draft(found, form.period_from.data, form.period_to.data)
    except RuleRefused as error:
        raise _refuse(error) from None
    return redirect(url_for("exhibitors.settlement", edition=g.edition.slug, agent_id=agent_id, settlement_id=made[0].id))


def _settlement(agent_id: int, settlement_id: int) -> Settlement:
    found = db.session.scalar(
        select(Settlement)
        .join(Settlement.agent)
        .where(Settlement.id == settlement_id, Settlement.agent_id == agent_id, Agent.show_id == g.edition.show_id)
        .options(
            joinedload(Settlement.agent),
            selectinload(Settlement.lines).joinedload(CommissionLine.contract).joinedload(Contract.company),
        )
    )
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def settlement(agent_id: int, settlement_id: int) -> ResponseReturnValue:
    found = _settlement(agent_id, settlement_id)
    return render_template(
        "exhibitors/settlement.html", settlement=found, agent=found.agent, states=STATES, tones=TONES, today=_today(),
        may_pay=current_principal().can(Permission.MONEY), own=found.made_by is not None and found.made_by == current_principal().id,
    )  # fmt: skip


@requires(Permission.MONEY)
def settle(agent_id: int, settlement_id: int, step: str) -> ResponseReturnValue:
    """approve, pay or discard."""
    found = _settlement(agent_id, settlement_id)
    try:
        if step == "discard":
            services.discard(found)
            flash(_("The draft is thrown away."), "info")
            return redirect(url_for("exhibitors.agent", edition=g.edition.slug, agent_id=agent_id))
        if step == "approve":
            services.approve(found)
            flash(_("Approved as %(number)s.", number=found.number), "success")
        else:
            services.pay(found, _paid_day())
            flash(_("Marked as paid."), "success")
    except RuleRefused as error:
        raise _refuse(error) from None
    return redirect(url_for("exhibitors.settlement", edition=g.edition.slug, agent_id=agent_id, settlement_id=settlement_id))


def _paid_day() -> dt.date:
    raw = request.form.get("day", "")
    if not raw:
        return _today()
    try:
        day = dt.date.fromisoformat(raw)
    except ValueError:
        raise Refused(_("This is no date."), 422) from None
    if not dt.date(2000, 1, 1) <= day <= _today():
        raise Refused(_("The day of payment cannot be in the future."), 422)
    return day


def _rows(found: Settlement) -> list[list[Any]]:
    return [
        [
            line.contract.number, i18n.bi(line.contract.company), line.paid_net, line.base, line.rate, line.earned,
            line.settled_before, line.amount,
        ]
        for line in found.lines
    ]  # fmt: skip


def _head() -> list[str]:
    return [
        _("Contract"), _("Company"), _("Paid net"), _("Commission base"), _("Rate in percent"),
        _("Earned"), _("Settled before"), _("Due now"),
    ]  # fmt: skip


def _name(found: Settlement) -> str:
    return found.number or f"draft-{found.id}"


@requires(Permission.EXPORT)
def settlement_xlsx(agent_id: int, settlement_id: int) -> ResponseReturnValue:
    found = _settlement(agent_id, settlement_id)
    rows = [*_rows(found), [_("Together"), "", None, None, None, None, None, found.total]]
    return Response(
        b"".join(write.write_xlsx(rows, _head(), _("Settlement"))),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f"attachment; filename={_name(found)}.xlsx"},
    )


@requires(Permission.VIEW)
def settlement_pdf(agent_id: int, settlement_id: int) -> ResponseReturnValue:
    found = _settlement(agent_id, settlement_id)

    def shown(value: Decimal) -> str:
        return i18n.money(value, found.currency)

    table: list[list[object]] = [
        [_("Contract"), _("Company"), _("Commission base"), _("Rate in percent"), _("Settled before"), _("Due now")]
    ]
    for line in found.lines:
        name = i18n.bi(line.contract.company) + (f"\n{_('Storno')}" if line.storno else "")
        table.append(
            [
                line.contract.number,
                name,
                shown(line.base),
                f"{line.rate.normalize():f}",
                shown(line.settled_before),
                shown(line.amount),
            ]
        )
    table.append([_("Together"), "", "", "", "", shown(found.total)])
    show = g.edition.show
    period = f"{i18n.date(found.period_from)} – {i18n.date(found.period_to)}"
    body = pdf.document(
        [
            pdf.text(_("Settlement of commission"), "title"),
            pdf.text(f"{_name(found)} · {STATES[found.state]}", "subtitle"),
            Spacer(1, 4 * mm),
            pdf.columns(
                [pdf.text(_("Agent"), "small"), pdf.text(found.agent.name, "strong")],
                [pdf.text(_("Period"), "small"), pdf.text(period, "strong"), pdf.text(i18n.bi(show, "organizer"), "small")],
            ),
            Spacer(1, 4 * mm),
            pdf.table(table, (0.16, 0.28, 0.18, 0.08, 0.15, 0.15), numbers=(2, 3, 4, 5), total=1),
            Spacer(1, 3 * mm),
            pdf.text(_("The base is net money received by the last day, never more than is invoiced after credit notes."), "small"),
        ],
        title=_("Settlement of commission"),
        author=i18n.bi(show, "organizer"),
        footer=_name(found),
    )  # fmt: skip
    return Response(
        body, mimetype="application/pdf", headers={"Content-Disposition": f"inline; filename={_name(found)}.pdf"}
    )


def panel(company_id: int) -> Markup | None:
    """On the company page: the agents that keep this company."""
    rows = list(
        db.session.scalars(
            select(AgentAccount).where(AgentAccount.company_id == company_id).options(joinedload(AgentAccount.agent))
        )
    )
    return Markup(render_template("exhibitors/_agent_panel.html", accounts=rows)) if rows else None
