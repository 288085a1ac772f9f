"""/portal: what an exhibitor sees and does. Every page belongs to one participation of the account's own companies."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.billing import invoice_pdf
from expo_crm.billing import labels as billing_labels
from expo_crm.billing.domain.invoice import InvoiceState
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.portal import TaskKey, TaskState, share_done
from expo_crm.exhibitors.models import Booth
from expo_crm.exhibitors.portal_forms import EntryForm, InviteForm
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import contracts, portal, portal_hooks
from expo_crm.exhibitors.services.portal import PortalError
from expo_crm.exhibitors.views import contract_pdf, labels
from expo_crm.lib.qr import qr_path, qr_png
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Category, Hall
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import current_principal, exhibitor

TASKS: dict[TaskKey, tuple[Any, Any, str]] = {
    TaskKey.CONTRACT: (
        _l("Sign the contract"),
        _l("Print it, sign it, send it back to your contact."),
        "portal_contract",
    ),
    TaskKey.DEPOSIT: (_l("Pay the deposit"), _l("The booth is yours for certain when it has arrived."), "portal_money"),
    TaskKey.BALANCE: (_l("Pay the balance"), _l("Before the show opens."), "portal_money"),
    TaskKey.ENTRY: (
        _l("Complete the directory entry"),
        _l("Name and introduction in Chinese and English."),
        "portal_entry",
    ),
    TaskKey.OFFERS: (_l("Say what you show"), _l("Visitors find you by product category."), "portal_entry"),
    TaskKey.INVITE: (
        _l("Invite your customers"),
        _l("Invited visitors are the ones most likely to come."),
        "portal_invitation",
    ),
}
TASK_LOOKS: dict[TaskState, tuple[Any, str]] = {
    TaskState.DONE: (_l("Done"), "success"),
    TaskState.OVERDUE: (_l("Overdue"), "danger"),
    TaskState.SOON: (_l("Due soon"), "warning"),
    TaskState.OPEN: (_l("Open"), "info"),
}
MEMBER_ERRORS = {
    "email-format": _l("Please enter an e-mail address."),
    "email-staff": _l("This address cannot be used for the portal."),
    "member-already": _l("This person has access already."),
    "last-member": _l("The last person with access cannot be removed."),
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
            "title": TASKS[t.key][0],
            "text": TASKS[t.key][1],
            "url": url_for(f"exhibitors.{TASKS[t.key][2]}", participation_id=here.id),
            "label": TASK_LOOKS[t.state][0],
            "tone": TASK_LOOKS[t.state][1],
            "due": t.due,
            "done": t.state is TaskState.DONE,
        }
        for t in found.tasks
    ]
    counted = [i for i in found.invoices if i.state not in {InvoiceState.CANCELLED, InvoiceState.REFUNDED}]
    return render_template(
        "exhibitors/portal/overview.html",
        here=here,
        found=found,
        tasks=tasks,
        percent=share_done(found.tasks),
        done=sum(t["done"] for t in tasks),
        owed=sum(i.total for i in counted) - _received(counted),
        contract=next(iter(found.contracts), None),
        labels=labels,
    )


def _received(invoices: list[Any]) -> Any:
    return sum(p.amount for i in invoices for p in i.payments)


@exhibitor()
def contract(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    return render_template(
        "exhibitors/portal/contract.html", here=here, contracts=portal.list_contracts(here), labels=labels
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
    counted = [i for i in invoices if i.state not in {InvoiceState.CANCELLED, InvoiceState.REFUNDED}]
    received = _received(counted)
    total = sum(i.total for i in counted)
    return render_template(
        "exhibitors/portal/money.html",
        here=here,
        invoices=invoices,
        total=total,
        received=received,
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
    plans = [(hall, [_drawn(b, {o.id for o in own}) for b in queries.list_booths(hall.id)]) for hall in halls.values()]
    return render_template(
        "exhibitors/portal/booth.html",
        here=here,
        booths=own,
        plans=[{"hall": hall, "booths": drawn, "box": _box(hall)} for hall, drawn in plans],
        kinds=labels.BOOTH_KINDS,
    )


def _drawn(item: Booth, own: set[int]) -> dict[str, Any]:
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
    """The directory entry in two languages, and the product categories."""
    here = enter(participation_id)
    stored = portal.get_entry(here)
    tree = shows.list_categories(here.edition.show_id)
    form = EntryForm(
        data={
            **{name: getattr(stored, name) for name in portal.ENTRY_FIELDS},
            "brands": "、".join(stored.brands) if i18n.locale() == "zh" else ", ".join(stored.brands),
            "categories": sorted(portal_hooks.offers_of(here.id)),
        }
    )
    form.categories.choices = [(c.id, i18n.bi(c)) for c in tree]
    if form.validate_on_submit():
        values = {name: form[name].data or "" for name in portal.ENTRY_FIELDS}
        portal.save_entry(here, values, form.brand_list, form.categories.data or [])
        flash(_("Saved. Your entry is up to date."), "success")
        return redirect(url_for("exhibitors.portal_entry", participation_id=here.id))
    return render_template(
        "exhibitors/portal/entry.html",
        here=here,
        form=form,
        groups=_groups(tree),
        chosen=set(form.categories.data or []),
        stored=stored,
    ), 422 if form.is_submitted() else 200


@exhibitor()
def invitation(participation_id: int) -> ResponseReturnValue:
    """The personal link for own customers, its QR code, a text to send, and who used it."""
    here = enter(participation_id)
    if request.method == "POST":
        portal.ensure_link(here)
        return redirect(url_for("exhibitors.portal_invitation", participation_id=here.id))
    link = portal.find_link(here.id)
    url = portal.link_url(link) if link else ""
    return render_template(
        "exhibitors/portal/invitation.html",
        here=here,
        link=link,
        url=url,
        qr=qr_path(url) if url else None,
        texts=[("zh", "中文", _letter(here, url, "zh")), ("en", "English", _letter(here, url, "en"))] if url else [],
        use=portal_hooks.invitation_use(link.id) if link else None,
    )


def _letter(here: Participation, url: str, locale: str) -> str:
    """A text to send to customers, in one language whoever is looking."""
    edition, stands = here.edition, here.stands
    with i18n.in_locale(locale):
        lines = [
            _("Dear customer,"),
            _(
                "we exhibit at %(edition)s, %(from)s to %(to)s, %(venue)s, and would be glad to see you there.",
                **{
                    "edition": i18n.bi(edition),
                    "from": i18n.date(edition.starts_on, "long"),
                    "to": i18n.date(edition.ends_on, "long"),
                    "venue": i18n.bi(edition, "venue"),
                },
            ),
            *([_("You find us at stand %(stands)s.", stands=stands)] if stands else []),
            _("With this link you register free of charge:"),
            url,
            i18n.bi(here.company),
        ]
    return "\n".join(str(line) for line in lines)


@exhibitor()
def invitation_qr(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    link = portal.find_link(here.id)
    if link is None:
        abort(404)
    response = Response(qr_png(portal.link_url(link)), mimetype="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="invitation-{link.code}.png"'
    return response


@exhibitor()
def team(participation_id: int) -> ResponseReturnValue:
    """Who may act for the company here; a colleague is invited by mail."""
    here = enter(participation_id)
    form = InviteForm(data={"locale": i18n.locale()})
    if form.validate_on_submit():
        try:
            portal.invite(here, form.email.data or "", form.name.data or "", form.locale.data or "zh")
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
