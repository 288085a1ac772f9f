"""/portal: what an exhibitor sees and does. Every page belongs to one participation of the account's own companies."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.billing import invoice_pdf
from expo_crm.billing import labels as billing_labels
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.models import Invoice
from expo_crm.billing.queries_money import UNPAID
from expo_crm.db import db
from expo_crm.exhibitors import queries_plan, queries_tasks, task_labels
from expo_crm.exhibitors.domain.portal import TaskState, share_done
from expo_crm.exhibitors.portal_forms import EntryForm, InviteForm
from expo_crm.exhibitors.portal_frame import enter, may
from expo_crm.exhibitors.queries_plan import OnPlan
from expo_crm.exhibitors.services import contracts, portal, portal_rebooking, portal_tasks, rebooking, schedule
from expo_crm.exhibitors.services.portal import PortalError
from expo_crm.exhibitors.services.portal_tasks import PAGE_OF, TaskRefused
from expo_crm.exhibitors.views import contract_pdf, entry_diff, labels
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Category, Hall
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import current_principal, exhibitor

MEMBER_ERRORS = {
    "email-format": _l("Please enter an e-mail address."),
    "email-staff": _l("This address cannot be used for the portal."),
    "member-already": _l("This person has access already."),
    "last-member": _l("The last main contact cannot be removed. Make somebody else the main contact first."),
    "label-blank": _l("This field is required."),
    "label-taken": _l("There is a link under this name already."),
    "label-many": _l("There are too many links."),
}


@exhibitor()
def home() -> ResponseReturnValue:
    """The edition that comes next; an account without any gets told whom to ask."""
    found = portal.default_of(portal.list_participations(current_principal().id or 0))
    if found is None:
        return render_template("exhibitors/portal/nothing.html")
    return redirect(url_for("exhibitors.portal", participation_id=found.id))


@exhibitor()
def overview(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = portal.overview(here)
    tasks = [
        {
            "title": task_labels.TITLES[t.key],
            "text": task_labels.TEXTS[t.key],
            "url": url_for(f"exhibitors.{PAGE_OF[t.key]}", participation_id=here.id),
            "label": task_labels.LOOKS[t.state][0],
            "tone": task_labels.LOOKS[t.state][1],
            "due": t.due,
            "done": t.state is TaskState.DONE,
        }
        for t in found.tasks
        if may(f"exhibitors.{PAGE_OF[t.key]}")
    ]
    coming = rebooking.coming_edition(here.edition) if may("exhibitors.portal_rebook") else None
    # After the show, and after a cancellation, nothing is asked for any more.
    over = here.outcome == "cancelled" or clock.local_day(clock.now(), here.edition.timezone) > here.edition.ends_on
    return render_template(
        "exhibitors/portal/overview.html",
        here=here,
        found=found,
        tasks=tasks,
        percent=share_done([t for t in found.tasks if may(f"exhibitors.{PAGE_OF[t.key]}")]),
        next_task=None if over else next((t for t in tasks if not t["done"]), None),
        may_money=may("exhibitors.portal_money"),
        opened=sum(link.opened for link in found.links),
        rebook=coming,
        standing=portal_rebooking.standing_of(here, coming) if coming else "",
        role=task_labels.ROLES[g.portal_role],
        done=sum(t["done"] for t in tasks),
        owed=_owed(found.invoices),
        contract=next(iter(found.contracts), None),
        labels=labels,
    )


def _received(invoices: Iterable[Invoice]) -> Decimal:
    return sum((p.amount for i in invoices for p in i.payments), Decimal(0))


def _owed(invoices: Iterable[Invoice]) -> Decimal:
    """What is still to be paid. A credit note counts by what it takes off the invoice that it corrects."""
    unpaid = [i for i in invoices if i.state in UNPAID and i.kind != InvoiceKind.CREDIT]
    return sum((i.total - i.credited for i in unpaid), Decimal(0)) - _received(unpaid)


@exhibitor()
def contract(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found, today = portal.list_contracts(here), clock.local_day(clock.now(), here.edition.timezone)
    return render_template(
        "exhibitors/portal/contract.html",
        here=here,
        contracts=found,
        plans={c.id: schedule.of(c, today) for c in found},
        labels=labels,
        invoice_labels=billing_labels,
    )


@exhibitor()
def contract_file(participation_id: int, contract_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = portal.find_contract(here, contract_id)
    if found is None:
        abort(404)
    return _pdf(contract_pdf.render(found, contracts.amounts(found)), found.number)


def _pdf(data: bytes, number: str) -> Response:
    response = Response(data, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{number}.pdf"'
    return response


@exhibitor()
def money(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    invoices = portal.list_invoices(here)
    issued = [i for i in invoices if i.kind != InvoiceKind.CREDIT]
    return render_template(
        "exhibitors/portal/money.html",
        here=here,
        invoices=invoices,
        total=sum((i.total - i.credited for i in issued), Decimal(0)),
        received=_received(issued),
        owed=_owed(issued),
        labels=billing_labels,
    )


@exhibitor()
def invoice_file(participation_id: int, invoice_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = portal.find_invoice(here, invoice_id)
    if found is None:
        abort(404)
    return _pdf(invoice_pdf.render(found, i18n.locale()), found.number)


SCALE = 10


@exhibitor()
def booth(participation_id: int) -> ResponseReturnValue:
    """The own booths on the plan; of the others only that they are there."""
    here = enter(participation_id)
    own = portal.list_booths(here)
    halls = {b.hall_id: b.hall for b in own}
    ids = {b.id for b in own}
    plans = [(hall, [_drawn(b, ids) for b in queries_plan.list_bare_on_plan(hall.id)]) for hall in halls.values()]
    return render_template(
        "exhibitors/portal/booth.html",
        here=here,
        booths=own,
        plans=[{"hall": hall, "booths": drawn, "box": _box(hall)} for hall, drawn in plans],
        kinds=labels.BOOTH_KINDS,
    )


def _drawn(item: OnPlan, own: set[int]) -> dict[str, Any]:
    x, y, width, depth = (float(v) * SCALE for v in (item.x_m, item.y_m, item.width_m, item.depth_m))
    return {"x": x, "y": y, "w": width, "d": depth, "code": item.code, "own": item.id in own}


def _box(hall: Hall) -> str:
    return f"{-SCALE} {-SCALE} {float(hall.width_m) * SCALE + 2 * SCALE:g} {float(hall.depth_m) * SCALE + 2 * SCALE:g}"


def _groups(tree: list[Category]) -> list[tuple[Category, list[Category]]]:
    """Each top node with everything below it; a top node without children stands for itself."""
    out: list[tuple[Category, list[Category]]] = []
    for node in tree:
        if node.parent_id is None:
            out.append((node, []))
        elif out:
            out[-1][1].append(node)
    return out


@exhibitor()
def entry(participation_id: int) -> ResponseReturnValue:
    """The directory entry in two languages, and the product categories; after publication an edit waits for the organizer."""
    here = enter(participation_id)
    stored, mode = portal.get_entry(here), portal_tasks.mode_of(here.edition)
    waiting = queries_tasks.find_open_change(here.id)
    shown = waiting.after if waiting else portal_tasks.entry_state(here)
    form = EntryForm(data={**shown, "brands": brands_line(shown["brands"])})
    tree = shows.list_categories(here.edition.show_id)
    form.categories.choices = [(c.id, i18n.bi(c)) for c in tree]
    if form.validate_on_submit():
        values = {name: form[name].data or "" for name in portal.ENTRY_FIELDS}
        try:
            done = portal_tasks.edit_entry(here, values, form.brand_list, form.categories.data or [])
        except TaskRefused as error:
            form.form_errors.append(str(task_labels.REFUSALS[error.code]))
        else:
            flash(
                _("Saved. Your entry is up to date.")
                if done == "saved"
                else _("Your change is with the organizer. You get a mail when it is decided."),
                "success",
            )
            return redirect(url_for("exhibitors.portal_entry", participation_id=here.id))
    return render_template(
        "exhibitors/portal/entry.html",
        here=here,
        form=form,
        groups=_groups(tree),
        chosen=set(form.categories.data or []),
        stored=stored,
        mode=mode,
        rules=queries_tasks.find_rules(here.edition_id),
        changes=[entry_diff.shown(c, tree) for c in queries_tasks.list_changes(here.id)[:10]],
        labels=task_labels,
    ), 422 if form.is_submitted() else 200


def brands_line(brands: list[str]) -> str:
    return "、".join(brands) if i18n.locale() == "zh" else ", ".join(brands)


@exhibitor()
def withdraw_change(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    waiting = queries_tasks.find_open_change(here.id)
    if waiting is not None:
        portal_tasks.withdraw_change(waiting)
        flash(_("The change was withdrawn."), "success")
    return redirect(url_for("exhibitors.portal_entry", participation_id=here.id))


@exhibitor()
def team(participation_id: int) -> ResponseReturnValue:
    """Who may act for the company here; a colleague is invited by mail."""
    here = enter(participation_id)
    form = InviteForm(data={"locale": i18n.locale()})
    if form.validate_on_submit():
        try:
            portal.invite(
                here, form.email.data or "", form.name.data or "", form.locale.data or "zh", form.role.data or "main"
            )
        except PortalError as error:
            form.email.errors = [MEMBER_ERRORS[error.code]]
        else:
            flash(_("The invitation is on its way."), "success")
            return redirect(url_for("exhibitors.portal_team", participation_id=here.id))
    return render_template(
        "exhibitors/portal/team.html",
        here=here,
        form=form,
        members=portal.list_members(here.company_id),
        waiting=portal.list_open_links(here.company_id),
        me=current_principal().id,
        roles=task_labels.ROLES,
    ), 422 if form.is_submitted() else 200


@exhibitor()
def remove_member(participation_id: int, member_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    try:
        portal.remove_member(here, member_id)
    except LookupError:
        abort(404)
    except PortalError as error:
        raise Refused(str(MEMBER_ERRORS[error.code]), 409) from None
    db.session.flush()
    flash(_("Access was taken away."), "success")
    return redirect(url_for("exhibitors.portal_home"))


@exhibitor()
def member_role(participation_id: int, member_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    try:
        portal.set_role(here, member_id, request.form.get("role", ""))
    except LookupError:
        abort(404)
    except PortalError as error:
        raise Refused(str(MEMBER_ERRORS[error.code]), 409) from None
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.portal_home"))
