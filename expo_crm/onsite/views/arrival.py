"""/e/<edition>/arrival: exhibitors report, booth by booth; which booths are still empty, and whom to call."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import Standing
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain.portal import TaskState
from expo_crm.exhibitors.models import Booth
from expo_crm.exhibitors.services import portal
from expo_crm.lib import clock, text
from expo_crm.onsite import queries_arrival as queries
from expo_crm.onsite.arrival_forms import ArrivalForm
from expo_crm.onsite.models import ExhibitorArrival
from expo_crm.onsite.services import arrival as services
from expo_crm.onsite.services import badge_reader
from expo_crm.visitors.domain.registration import mask_phone
from expo_crm.web import i18n, listing, security
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

SHOWN_EMPTY = 40
# What an exhibitor should have done by now; money is said by the warnings.
TASKS = {
    "entry": _l("Complete the directory entry"),
    "offers": _l("Say what you show"),
}
READ_FAULTS = {
    "unreadable": _l("This is no code of ours, or it is damaged. Search by company or stand number."),
    "not_genuine": _l("The signature of this code is wrong."),
    "wrong_show": _l("This badge belongs to another edition."),
    "unknown": _l("No badge has this code."),
}


def warnings_of(standing: Standing | None, currency: str) -> list[tuple[str, str]]:
    """(tone, words) about contract and money, worst first."""
    if standing is None:
        return [("warning", _("No contract"))]
    if standing.paid:
        return []
    if not standing.deposit_paid:
        return [("danger", _("Deposit unpaid"))]
    if standing.outstanding > 0:
        return [("warning", _("%(amount)s unpaid", amount=i18n.money(standing.outstanding, currency)))]
    return []


def _hall_id() -> int | None:
    raw = request.args.get("hall", "")
    return int(raw) if re.fullmatch(r"\d{1,12}", raw, re.ASCII) else None


def _overview() -> dict[str, Any]:
    """Progress by hall, and the empty booths of one hall or of all."""
    summary = queries.arrival_summary(g.edition.id)
    hall_id = _hall_id()
    empty = queries.empty_booths(g.edition.id, hall_id)
    return {
        "summary": summary,
        "hall_id": hall_id,
        "empty": empty[:SHOWN_EMPTY],
        "empty_total": len(empty),
        "as_of": clock.now(),
    }


def _search(q: str) -> list[dict[str, Any]]:
    """What the desk needs to see of each company that fits."""
    if not q:
        return []
    rows = db.session.execute(
        queries.arrival_list(g.edition.id)
        .where(queries.matching(g.edition.id, q))
        .order_by(ExhibitorArrival.id.is_not(None), Company.sort_key, Participation.id)
        .limit(12)
    ).all()
    booths = queries.booths_of([p.id for p, _a in rows])
    money = queries.standings_of(g.edition.id, [p.company_id for p, _a in rows])
    return [
        {
            "participation": p,
            "arrival": a,
            "stands": _stands(p, booths[p.id]),
            "warnings": [] if p.role == "co" else warnings_of(money.get(p.company_id), g.edition.currency),
        }
        for p, a in rows
    ]


def _stands(participation: Participation, booths: list[Booth]) -> str:
    return ", ".join(b.code for b in booths) or participation.stands


@requires(Permission.VIEW)
def arrival() -> ResponseReturnValue:
    q = text.clean(request.args.get("q", ""))[:60]
    page = render_template(
        "onsite/arrival.html", q=q, rows=_search(q), recent=_recent(), may_edit=_may_edit(), tab="desk", **_overview()
    )
    return security.allow_camera(page)


def _may_edit() -> bool:
    return current_principal().can(Permission.REGISTRATION)


def _recent() -> list[ExhibitorArrival]:
    return list(
        db.session.scalars(
            select(ExhibitorArrival)
            .where(ExhibitorArrival.edition_id == g.edition.id)
            .options(joinedload(ExhibitorArrival.participation).joinedload(Participation.company))
            .order_by(ExhibitorArrival.arrived_at.desc(), ExhibitorArrival.id.desc())
            .limit(8)
        )
    )


@requires(Permission.VIEW)
def panel() -> ResponseReturnValue:
    """The part that renews itself."""
    return render_template("onsite/arrival_panel.html", **_overview())


@requires(Permission.VIEW)
def search() -> ResponseReturnValue:
    q = text.clean(request.args.get("q", ""))[:60]
    return render_template("onsite/arrival_found.html", q=q, rows=_search(q), may_edit=_may_edit())


@requires(Permission.REGISTRATION)
def scan() -> ResponseReturnValue:
    """A stand-staff badge leads to its company."""
    read = badge_reader.read(g.edition.id, request.form.get("code", "")[:4096])
    if read.badge is None:
        raise Refused(str(READ_FAULTS[read.fault]), 422)
    participation = read.badge.participation
    if participation is None:
        raise Refused(_("This is a visitor's badge. Search by company or stand number."), 422)
    target = url_for("onsite.report_arrival", participation_id=participation.id)
    if request.headers.get("HX-Request"):
        return "", 200, {"HX-Redirect": target}
    return redirect(target)


def _load(participation_id: int) -> Participation:
    found = queries.find_awaited(g.edition.id, participation_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.REGISTRATION, writes=True)
def report(participation_id: int) -> ResponseReturnValue:
    """One exhibitor: what is missing, who came; stored, corrected."""
    found = _load(participation_id)
    known = queries.find_arrival(found.id)
    form = ArrivalForm(obj=known if request.method == "GET" else None)
    if form.validate_on_submit():
        try:
            if known is None:
                services.report(found, user_id=current_principal().id, **form.fields())
                flash(_("%(company)s has arrived.", company=i18n.bi(found.company)), "success")
            else:
                services.correct(known, **form.fields())
                flash(_("Saved."), "success")
        except services.AlreadyHere as error:
            at = i18n.datetime_(error.arrival.arrived_at)
            raise Refused(_("%(company)s was checked in already: %(time)s.", company=i18n.bi(found.company), time=at), 409) from None
        return redirect(url_for("onsite.arrival"))
    contact = queries.contacts_of([found.company_id]).get(found.company_id)
    may_see = current_principal().can(Permission.CONTACT_DATA)
    if contact is not None and may_see:
        audit.record_look("company", found.company_id, edition_id=g.edition.id)
    booths = queries.booths_of([found.id])[found.id]
    issued, printed = queries.staff_badges(found.id)
    money = queries.standings_of(g.edition.id, [found.company_id]).get(found.company_id)
    page = render_template(
        "onsite/arrival_company.html",
        form=form,
        participation=found,
        arrival=known,
        booths=booths,
        stands=_stands(found, booths),
        warnings=[] if found.role == "co" else warnings_of(money, g.edition.currency),
        missing=_missing(found),
        contact=contact,
        phone=(contact.phone if may_see else mask_phone(contact.phone)) if contact else "",
        issued=issued,
        printed=printed,
    )
    return page, 422 if form.is_submitted() else 200


def _missing(found: Participation) -> list[str]:
    """What the exhibitor has not done in the portal, money apart."""
    return [str(TASKS[t.key]) for t in portal.overview(found).tasks if t.state is not TaskState.DONE and t.key in TASKS]


@requires(Permission.REGISTRATION)
def undo(participation_id: int) -> ResponseReturnValue:
    found = _load(participation_id)
    known = queries.find_arrival(found.id)
    if known is not None:
        services.undo(known, request.form.get("reason", "")[:300])
        flash(_("%(company)s is not here again.", company=i18n.bi(found.company)), "success")
    return redirect(url_for("onsite.arrival"))


@requires(Permission.VIEW, writes=True)
def exhibitors() -> ResponseReturnValue:
    """Everybody who is awaited, with whom to call: the list for the telephone, and for the file afterwards."""
    booths: dict[int, list[Booth]] = {}
    people: dict[int, Any] = {}
    money: dict[int, Standing] = {}
    may_see = current_principal().can(Permission.CONTACT_DATA)

    def load(rows: list[Any]) -> None:
        booths.update(queries.booths_of([p.id for p, _a in rows]))
        people.update(queries.contacts_of({p.company_id for p, _a in rows}))
        money.update(queries.standings_of(g.edition.id, {p.company_id for p, _a in rows}))

    def contact(row: Any) -> str:
        person = people.get(row[0].company_id)
        if person is None:
            return ""
        phone = person.phone if may_see else mask_phone(person.phone)
        return " · ".join(part for part in (person.name, phone) if part)

    def hall(row: Any) -> str:
        return ", ".join(dict.fromkeys(b.hall.code for b in booths.get(row[0].id, [])))

    def unpaid(row: Any) -> str:
        return (
            ""
            if row[0].role == "co"
            else ", ".join(words for _tone, words in warnings_of(money.get(row[0].company_id), g.edition.currency))
        )

    def state(row: Any) -> str:
        return _("Here since %(time)s", time=i18n.datetime_(row[1].arrived_at)) if row[1] else _("Not here yet")

    page = listing.build(
        id="arrival",
        query=queries.arrival_list(g.edition.id),
        columns=[
            listing.Column("company", _("Company"), lambda r: i18n.bi(r[0].company), sort=Company.sort_key, primary=True),
            listing.Column("stands", _("Stands"), lambda r: _stands(r[0], booths.get(r[0].id, [])), sort=Participation.stands),
            listing.Column("hall", _("Hall"), hall, hide_on_phone=True),
            listing.Column("state", _("Arrival"), state, cell=_arrival_pill, sort=ExhibitorArrival.arrived_at, kind="status"),
            listing.Column("contact", _("To call"), contact),
            listing.Column("owner", _("Owner"), lambda r: r[0].company.owner.name if r[0].company.owner else ""),
            listing.Column("money", _("Unpaid"), unpaid, hide_on_phone=True),
            listing.Column("who", _("Who came"), lambda r: r[1].person_name if r[1] else "", export_only=True),
            listing.Column("badges", _("Stand badges handed out"), lambda r: r[1].badges_handed if r[1] else None, export_only=True),
            listing.Column("note", _("Note"), lambda r: r[1].note if r[1] else "", export_only=True),
        ],
        default_sort="stands",
        tie_break=Participation.id,
        filters=[
            listing.Filter(
                "here", _("Arrival"), [("no", _("Not here yet")), ("yes", _("Here"))],
                lambda v: ExhibitorArrival.id.is_not(None) if v == "yes" else ExhibitorArrival.id.is_(None),
            ),
        ],
        search=lambda q: queries.matching(g.edition.id, q),
        search_hint=_("Company, pinyin or stand number"),
        empty=listing.Empty(
            "building-store", _("No exhibitor is awaited"), _("They appear here with their first signed contract, or by import of a list."),
        ),
        row_url=(lambda r: url_for("onsite.report_arrival", participation_id=r[0].id)) if _may_edit() else None,
        scalars=False,
        load=load,
    )  # fmt: skip
    if may_see and page.rows:
        audit.record_look("arrival_list", g.edition.id, edition_id=g.edition.id)
    return render_template("onsite/arrival_list.html", listing=page, tab="list")


def _arrival_pill(row: Any) -> Markup:
    label = _("Here since %(time)s", time=i18n.datetime_(row[1].arrived_at)) if row[1] else _("Not here yet")
    return listing.pill(label, "success" if row[1] else "warning")
