"""The state of the customer file, and the records that nobody has touched for months."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import joinedload

from expo_crm.directory import queries
from expo_crm.directory.domain import quality as rules
from expo_crm.directory.forms import SOURCES
from expo_crm.directory.models import Activity, Company
from expo_crm.directory.services import quality as services
from expo_crm.lib import clock
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, current_principal, requires

FIELD_LABELS = {
    "tax_id": _l("Tax id"),
    "website": _l("Website"),
    "phone": _l("Switchboard"),
    "address": _l("Address"),
    "industry": _l("Industry"),
    "owner": _l("Owner"),
    "contact": _l("Contact with e-mail or phone"),
}
MONTHS = (3, 6, 12, 24)


@requires(Permission.VIEW)
def quality() -> ResponseReturnValue:
    history = queries.list_quality_snapshots(90)
    if not history:
        return render_template("directory/quality.html", now=None)
    now, before = history[0], _month_ago(history)
    figures = now.figures
    owners = {str(u.id): u.name for u in queries.list_users()}
    groups = {
        "owner": _table(figures["by_owner"], lambda key: owners.get(key, _("Nobody") if key == "0" else "–")),
        "source": _table(figures["by_source"], lambda key: str(SOURCES.get(key, key))),
    }
    return render_template(
        "directory/quality.html",
        now=now,
        before=before,
        all=figures["all"],
        was=before.figures["all"] if before else None,
        bars=[_bar(name, figures["all"]) for name in rules.FIELDS],
        groups=groups,
    )


def _month_ago(history: list[Any]) -> Any:
    edge = history[0].at - dt.timedelta(days=28)
    return next((one for one in history if one.at <= edge), history[-1] if len(history) > 1 else None)


def _bar(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    total, has = figures["companies"], figures["has"][name]
    share = has / total if total else 0
    return {
        "label": FIELD_LABELS[name],
        "value": round(share * 100, 1),
        "text": f"{i18n.percent(share)} · " + _("%(count)s missing", count=i18n.number(total - has)),
        "url": url_for("directory.companies", missing=name),
    }


def _table(groups: dict[str, Any], label: Any) -> list[dict[str, Any]]:
    rows = [{"label": label(key), "key": key, **tally} for key, tally in groups.items()]
    return sorted(rows, key=lambda row: -row["companies"])


@requires(Permission.COMPANY_EDIT)
def measure_quality() -> ResponseReturnValue:
    services.measure()
    flash(_("Measured just now."), "success")
    return redirect(url_for("directory.quality"))


@requires(Permission.VIEW)
def untouched() -> ResponseReturnValue:
    """Companies that nobody has changed, called or visited for some months: the queue to go through, or to give away."""
    now = clock.now()
    last = (
        select(func.max(Activity.done_at)).where(Activity.company_id == Company.id).correlate(Company).scalar_subquery()
    )

    def older(months: str) -> Any:
        edge = now - dt.timedelta(days=round(int(months) * 30.44))
        return and_(
            Company.updated_at < edge, ~exists().where(Activity.company_id == Company.id, Activity.done_at >= edge)
        )

    me = current_principal().id
    touched: dict[int, dt.datetime] = {}
    page = listing.build(
        id="untouched",
        query=select(Company).options(joinedload(Company.owner)).where(older("3")),
        columns=[
            listing.Column("name", _("Company"), i18n.bi, sort=Company.sort_key, primary=True),
            listing.Column("owner", _("Owner"), lambda c: c.owner.name if c.owner else "", sort=Company.owner_id),
            listing.Column(
                "last",
                _("Last contact"),
                lambda c: touched.get(c.id),
                cell=lambda c: i18n.date(touched[c.id]) if c.id in touched else _("never"),
                sort=last,
                kind="date",
            ),
            listing.Column(
                "updated",
                _("Last change"),
                lambda c: c.updated_at,
                cell=lambda c: i18n.date(c.updated_at),
                sort=Company.updated_at,
                kind="date",
            ),
        ],
        default_sort="updated",
        tie_break=Company.id,
        filters=[
            listing.Filter("months", _("Untouched for"), [(str(m), _("%(n)s months", n=m)) for m in MONTHS], older),
            listing.Filter("mine", _("Mine"), [("1", _("Mine"))], lambda v: Company.owner_id == me, kind="check"),
        ],
        search=lambda words: listing.contains(Company.search_key, words),
        search_hint=_("Company"),
        empty=listing.Empty("mood-happy", _("Every company was touched lately"), ""),
        row_url=lambda c: url_for("directory.company", company_id=c.id),
        bulk=[listing.Bulk(url_for("directory.assign"), _("Assign owner"), "user-check")]
        if current_principal().can(Permission.COMPANY_EDIT)
        else (),
        load=lambda rows: touched.update(queries.last_touches([c.id for c in rows])),
    )
    return render_template("directory/untouched.html", listing=page)
