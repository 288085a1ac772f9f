"""Ownership: the public pool and claiming from it, transfers, rules with their preview, and the log."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory import queries, queries_day
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import SOURCES
from expo_crm.directory.models import Company, OwnershipRule
from expo_crm.directory.services import ownership as services
from expo_crm.directory.work_forms import WHY_LABELS, LimitsForm, RuleForm
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

MOST_AT_ONCE = 100
PREVIEWED = 2000
FACTS = ("country", "province", "industry", "source")


@requires(Permission.VIEW)
def pool() -> ResponseReturnValue:
    """Companies that are nobody's, longest in the pool last."""
    may_edit = current_principal().can(Permission.COMPANY_EDIT)
    me = current_principal().id or 0
    rules, now = services.limits(), clock.now()
    touched: dict[int, Any] = {}
    page = listing.build(
        id="pool",
        query=select(Company).where(Company.owner_id.is_(None)),
        columns=[
            listing.Column("name", _("Company"), i18n.bi, sort=Company.sort_key, primary=True),
            listing.Column(
                "place",
                _("Place"),
                lambda c: " · ".join(filter(None, (country_name(c.country), c.province, c.city))),
                sort=(Company.country, Company.city),
            ),
            listing.Column("industry", _("Industry"), lambda c: c.industry, sort=Company.industry, hide_on_phone=True),
            listing.Column(
                "since",
                _("In the pool since"),
                lambda c: c.pool_since or c.created_at,
                cell=lambda c: i18n.date(c.pool_since) if c.pool_since else _("never owned"),
                sort=func.coalesce(Company.pool_since, Company.created_at),
                kind="date",
            ),
            listing.Column(
                "last",
                _("Last contact"),
                lambda c: touched.get(c.id),
                cell=lambda c: i18n.date(touched[c.id]) if c.id in touched else _("never"),
                kind="date",
                hide_on_phone=True,
            ),
            *([listing.Column("claim", _("Claim"), lambda c: "", cell=_claim_cell)] if may_edit else []),
        ],
        default_sort="since",
        tie_break=Company.id,
        filters=[
            listing.Filter(
                "country",
                _("Country or region"),
                [(c, country_name(c)) for c in queries.list_countries()],
                lambda v: Company.country == v,
            ),
            listing.Filter(
                "returned",
                _("Kind of record"),
                [("1", _("Returned from an owner")), ("0", _("Never owned"))],
                lambda v: Company.pool_since.is_not(None) if v == "1" else Company.pool_since.is_(None),
            ),
        ],
        search=lambda words: listing.contains(Company.search_key, words),
        search_hint=_("Name or pinyin initials"),
        empty=listing.Empty(
            "droplet",
            _("The pool is empty"),
            _("Companies without an owner appear here, and those that nobody contacted for too long."),
        ),
        row_url=lambda c: url_for("directory.company", company_id=c.id),
        bulk=[listing.Bulk(url_for("directory.claim_many"), _("Claim"), "hand-grab")] if may_edit else (),
        load=lambda rows: touched.update(queries.last_contacts([c.id for c in rows])),
    )
    going, count = queries_day.list_going_back(me)
    return render_template(
        "directory/pool.html", listing=page, rules=rules, claimed=services.claims_today(me, now), going=going, going_count=count,
        owned=db.session.scalar(select(func.count()).select_from(Company).where(Company.owner_id == me)) or 0, may_edit=may_edit,
    )  # fmt: skip


def _claim_cell(company: Company) -> Markup:
    return Markup(render_template("directory/_claim.html", company=company))


def refusal_text(code: str) -> str:
    """Why a company cannot be claimed, in the reader's words."""
    rules = services.limits()
    return {
        "owned": _("Somebody was faster: this company has an owner now."),
        "day-limit": _(
            "You have claimed %(count)s companies today; that is the limit of a day.", count=rules.claims_per_day
        ),
        "total-limit": _("You own %(count)s companies already; that is the limit.", count=rules.claims_total),
        "just-returned": _(
            "It came from you to the pool less than %(days)s days ago. Until then only others can claim it.",
            days=rules.wait_days,
        ),
    }[code]


@requires(Permission.COMPANY_EDIT)
def claim(company_id: int) -> ResponseReturnValue:
    company = queries.find_company(company_id)
    if company is None:
        abort(404)
    try:
        services.claim(company, current_principal().id or 0)
    except DirectoryError as error:
        raise Refused(refusal_text(error.code), 409) from None
    flash(_("%(name)s is yours now.", name=i18n.bi(company)), "success")
    return redirect(url_for("directory.company", company_id=company.id))


@requires(Permission.COMPANY_EDIT)
def claim_many() -> ResponseReturnValue:
    """The ticked ones, as many as the limits allow; what was not possible is said."""
    chosen = {int(v) for v in request.form.getlist("ids")[:1000] if v.isdecimal() and len(v) < 16}
    if not chosen:
        raise Refused(_("Please tick the companies first."), 422)
    if len(chosen) > MOST_AT_ONCE:
        raise Refused(_("Please tick at most %(count)s companies at once.", count=MOST_AT_ONCE), 422)
    taken, refused = 0, Counter[str]()
    for company in queries.list_companies(chosen):
        try:
            services.claim(company, current_principal().id or 0)
            taken += 1
        except DirectoryError as error:
            refused[error.code] += 1
    if not taken:
        raise Refused(" ".join(refusal_text(code) for code in refused) or _("Please tick the companies first."), 409)
    flash(ngettext("%(num)s company is yours now.", "%(num)s companies are yours now.", taken), "success")
    for code in refused:
        flash(refusal_text(code), "warning")
    return redirect(url_for("directory.pool"))


# -- settings --------------------------------------------------------------------------------------------------------------


def _show() -> Any:
    edition = shows.find_default_edition()
    if edition is None:
        raise Refused(_("Please create a show and an edition first."), 409)
    return edition.show


@requires(Permission.SETTINGS)
def ownership_settings() -> ResponseReturnValue:
    show = _show()
    row = services.settings_of(show)
    form = LimitsForm(obj=row or services.limits())
    error = ""
    if form.validate_on_submit():
        if row is not None and form.version.data != str(row.version):
            error = _("Somebody changed these settings meanwhile. Please look at them again.")
        else:
            services.save_settings(
                show, **{f.short_name: f.data for f in form if f.short_name not in ("version", "csrf_token")}
            )
            flash(_("Saved."), "success")
            return redirect(url_for("directory.ownership_settings"))
    rules = services.list_rules()
    status = 409 if error else 422 if form.is_submitted() else 200
    return render_template(
        "directory/ownership.html", form=form, row=row, show=show, rules=rules, error=error, sources=SOURCES,
        country_name=country_name, names={u.id: u.name for u in queries_day.list_people({i for r in rules for i in r.user_ids})},
    ), status  # fmt: skip


@requires(Permission.SETTINGS)
def new_rule() -> ResponseReturnValue:
    return _edit_rule(None)


@requires(Permission.SETTINGS)
def edit_rule(rule_id: int) -> ResponseReturnValue:
    return _edit_rule(_rule(rule_id))


def _rule(rule_id: int) -> OwnershipRule:
    found = next((r for r in services.list_rules() if r.id == rule_id), None)
    if found is None:
        abort(404)
    return found


def _edit_rule(rule: OwnershipRule | None) -> ResponseReturnValue:
    form = RuleForm(obj=rule, owners=queries.list_owners())
    error = ""
    if form.validate_on_submit():
        if rule is not None and form.version.data != str(rule.version):
            error = _("Somebody changed this rule meanwhile. Please look at it again.")
        else:
            names = ("name", "country", "province", "industry", "source", "user_ids", "active")
            services.save_rule(rule, **{n: form[n].data for n in names})
            flash(_("Saved."), "success")
            return redirect(url_for("directory.ownership_settings"))
    status = 409 if error else 422 if form.is_submitted() else 200
    return render_template("directory/ownership_rule.html", form=form, rule=rule, error=error), status


@requires(Permission.SETTINGS)
def move_rule(rule_id: int, way: str) -> ResponseReturnValue:
    services.move_rule(_rule(rule_id), -1 if way == "up" else 1)
    return redirect(url_for("directory.ownership_settings"))


def _unowned() -> list[Company]:
    return list(
        db.session.scalars(
            select(Company).where(Company.owner_id.is_(None)).order_by(Company.id.desc()).limit(PREVIEWED)
        )
    )


@requires(Permission.SETTINGS)
def preview_rules() -> ResponseReturnValue:
    """Who would get what: the rules over the companies that nobody owns. Nothing is changed."""
    companies = _unowned()
    dealt = services.preview([{n: getattr(c, n) for n in FACTS} for c in companies])
    rules = {r.id: r for r in services.list_rules()}
    names = {u.id: u.name for u in queries_day.list_people({d.user_id for d in dealt if d})}
    counts = Counter((d.rule_id, d.user_id) for d in dealt if d)
    return render_template(
        "directory/ownership_preview.html",
        counts=[(rules[rule_id].name, names[user_id], count) for (rule_id, user_id), count in counts.most_common()],
        examples=[
            (c, names[d.user_id] if d else "", rules[d.rule_id].name if d else "")
            for c, d in zip(companies[:50], dealt, strict=False)
        ],
        total=len(companies), without=sum(d is None for d in dealt), most=PREVIEWED,
    )  # fmt: skip


@requires(Permission.SETTINGS)
def apply_rules() -> ResponseReturnValue:
    """Give the companies that nobody owns away by the rules, each with its line in the log."""
    companies = _unowned()
    dealt = services.deal_new([{n: getattr(c, n) for n in FACTS} for c in companies])
    by_owner: dict[int, list[Company]] = {}
    for company, one in zip(companies, dealt, strict=True):
        if one is not None:
            by_owner.setdefault(one.user_id, []).append(company)
    count = sum(services.transfer(found, owner_id, why="rule") for owner_id, found in by_owner.items())
    flash(ngettext("%(num)s company has an owner now.", "%(num)s companies have an owner now.", count), "success")
    return redirect(url_for("directory.ownership_settings"))


# -- the company page -------------------------------------------------------------------------------------------------------


def panel(company_id: int) -> Markup | None:
    """Owner, protection and every change of hands."""
    company = queries.find_company(company_id)
    log = queries_day.list_ownership(company_id)
    if company is None:
        return None
    may_edit = current_principal().can(Permission.COMPANY_EDIT)
    return Markup(
        render_template("directory/_ownership.html", company=company, log=log, why=WHY_LABELS, may_edit=may_edit)
    )
