"""The list of companies, and giving them to an owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Select, Subquery, func, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.accounts.models import User
from expo_crm.directory import queries
from expo_crm.directory.domain import naming
from expo_crm.directory.models import Company, Employment, Participation, Person
from expo_crm.directory.services import companies as services
from expo_crm.directory.views.custom_values import Columns
from expo_crm.directory.views.quality import FIELD_LABELS
from expo_crm.directory.work_forms import reason_of
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition
from expo_crm.web import i18n, listing
from expo_crm.web.assets import icon
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

MOST_AT_ONCE = 1000


def _newest(value: Any) -> Subquery:
    """Company → a value of its newest participation that was not cancelled. Joined only when the list is sorted by it."""
    newest_first = func.row_number().over(
        partition_by=Participation.company_id, order_by=(Edition.starts_on.desc(), Participation.id.desc())
    )
    ranked = (
        select(Participation.company_id, value.label("value"), newest_first.label("place"))
        .join(Edition, Edition.id == Participation.edition_id)
        .where(Participation.outcome != "cancelled")
        .subquery()
    )
    return select(ranked.c.company_id, ranked.c.value).where(ranked.c.place == 1).subquery()


def _joined(newest: Subquery) -> Callable[[Select[Any]], Select[Any]]:
    return lambda query: query.outerjoin(newest, newest.c.company_id == Company.id)


def _by_name() -> Any:
    """As the reader sees the names: English ones by letter, Chinese ones by pinyin."""
    if i18n.locale() == "en":
        return func.lower(func.coalesce(func.nullif(Company.name_en, ""), Company.sort_key))
    return Company.sort_key


def _search(words: str) -> ColumnElement[bool]:
    found = or_(listing.contains(Company.search_key, words), Company.tax_id == (naming.tax_code(words) or "-"))
    called = queries.has_number(words, of_people=current_principal().can(Permission.CONTACT_DATA))
    return found if called is None else found | called


def _name_cell(company: Company) -> Markup:
    star = Markup(' <span class="muted">{}<span class="visually-hidden">{}</span></span>').format(
        icon("star"), _("Key account")
    )
    return escape(i18n.bi(company)) + (star if company.key_account else Markup(""))


def _filters(owners: list[Any]) -> list[listing.Filter]:
    me = current_principal().id
    return [
        listing.Filter(
            "owner",
            _("Owner"),
            [("me", _("Mine")), ("none", _("Nobody")), *((str(u.id), u.name) for u in owners)],
            lambda v: (
                Company.owner_id == me
                if v == "me"
                else Company.owner_id.is_(None)
                if v == "none"
                else Company.owner_id == int(v)
            ),
        ),
        listing.Filter(
            "country",
            _("Country or region"),
            [(c, country_name(c)) for c in queries.list_countries()],
            lambda v: Company.country == v,
        ),
        listing.Filter(
            "edition",
            _("Took part in"),
            [(e.slug, i18n.bi(e)) for e in shows.list_editions()],
            lambda v: Company.id.in_(
                select(Participation.company_id)
                .join(Participation.edition)
                .where(Edition.slug == v, Participation.outcome != "cancelled")
            ),
        ),
        listing.Filter("missing", _("Missing"), [(name, label) for name, label in FIELD_LABELS.items()], _missing),
        listing.Filter(
            "key", _("Key accounts"), [("1", _("Key accounts"))], lambda v: Company.key_account.is_(True), kind="check"
        ),
    ]


def _missing(name: str) -> ColumnElement[bool]:
    """Companies without something that a complete record has (``domain.quality.FIELDS``)."""
    if name == "owner":
        return Company.owner_id.is_(None)
    if name == "tax_id":
        return func.coalesce(Company.tax_id, "") == ""
    if name == "contact":
        reachable = (
            select(Employment.id)
            .join(Person, Person.id == Employment.person_id)
            .where(Employment.company_id == Company.id, Employment.until.is_(None), or_(Person.email != "", Person.phone != ""))
        )
        return ~reachable.exists()
    return getattr(Company, name) == ""


def _columns(last: dict[int, Participation]) -> list[listing.Column]:
    def edition_of(company: Company) -> str:
        found = last.get(company.id)
        return i18n.bi(found.edition) if found else ""

    def area_of(company: Company) -> Any:
        found = last.get(company.id)
        return found.net_m2 if found else None

    day, space = _newest(Edition.starts_on), _newest(Participation.net_m2)
    return [
        listing.Column("name", _("Company"), i18n.bi, cell=_name_cell, sort=_by_name(), primary=True),
        listing.Column(
            "place",
            _("Place"),
            lambda c: " · ".join(filter(None, (country_name(c.country), c.city))),
            sort=(Company.country, Company.city),
            hide_on_phone=True,
        ),
        listing.Column("owner", _("Owner"), lambda c: c.owner.name if c.owner else "", sort=Company.owner_id),
        listing.Column("last", _("Last participation"), edition_of, sort=day.c.value, join=_joined(day), kind="date"),
        listing.Column(
            "area",
            _("Net m²"),
            area_of,
            cell=lambda c: i18n.number(area_of(c)) if area_of(c) is not None else "",
            sort=space.c.value,
            join=_joined(space),
            kind="number",
        ),
        *(
            listing.Column(key, label, (lambda name: lambda c: getattr(c, name) or "")(key), optional=True)
            for key, label in (
                ("name_zh", _("Chinese name")),
                ("name_en", _("English name")),
                ("tax_id", _("Tax id")),
                ("website", _("Website")),
                ("phone", _("Switchboard")),
                ("province", _("Province")),
                ("address", _("Address")),
                ("industry", _("Industry")),
            )
        ),
        listing.Column("id", _("Company number"), lambda c: c.id, optional=True),
    ]


@requires(Permission.VIEW)
def companies() -> ResponseReturnValue:
    last: dict[int, Participation] = {}
    own = Columns("company", Company)
    owners = queries.list_owners()
    may_edit = current_principal().can(Permission.COMPANY_EDIT)

    def load(rows: list[Company]) -> None:
        last.update(queries.last_participations([c.id for c in rows]))
        own.load(rows)

    page = listing.build(
        id="companies",
        query=select(Company).options(joinedload(Company.owner).load_only(User.name)),
        columns=[*_columns(last), *own.columns()],
        default_sort="name",
        tie_break=Company.id,
        filters=[*_filters(owners), *own.filters()],
        search=_search,
        search_hint=_("Name, pinyin initials, tax id or phone"),
        empty=listing.Empty(
            "building",
            _("No companies yet"),
            _("Add the first one, or import a list of exhibitors."),
            url_for("directory.new_company") if may_edit else "",
            _("New company"),
        ),
        row_url=lambda c: url_for("directory.company", company_id=c.id),
        bulk=[
            listing.Bulk(url_for("directory.assign"), _("Assign owner"), "user-check"),
            listing.Bulk(url_for("directory.change_many"), _("Change a field"), "pencil"),
            listing.Bulk(url_for("directory.plan_many"), _("Plan a task for each"), "calendar-plus"),
        ]
        if may_edit
        else (),
        load=load,
    )
    return render_template("directory/companies.html", listing=page)


@requires(Permission.COMPANY_EDIT)
def assign() -> ResponseReturnValue:
    """First call: choose the owner for the ticked companies. Second call, with ``owner``: done."""
    chosen = {int(v) for v in request.form.getlist("ids") if v.isdecimal() and len(v) < 16}
    if not chosen:
        raise Refused(_("Please tick the companies first."), 422)
    if len(chosen) > MOST_AT_ONCE:
        raise Refused(_("Please tick at most %(count)s companies at once.", count=MOST_AT_ONCE), 422)
    found, owners = queries.list_companies(chosen), queries.list_owners()
    wanted = request.form.get("owner")
    if wanted is None:
        return render_template("directory/assign.html", companies=found, owners=owners)
    allowed = {"": None, **{str(u.id): u.id for u in owners}}
    if wanted not in allowed:
        raise Refused(_("Please choose an owner from the list."), 422)
    count = services.assign_owner(found, allowed[wanted], reason_of(request.form.get("reason", "")))
    flash(ngettext("%(num)s company has a new owner.", "%(num)s companies have a new owner.", count), "success")
    return redirect(url_for("directory.companies"))
