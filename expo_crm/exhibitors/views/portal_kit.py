"""/portal/…/invitation: links for customers, texts, QR code, banners, who came by them. /portal/…/results: what it brought."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_results
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.exhibitors.portal_frame import enter, may
from expo_crm.exhibitors.services import banners, portal, portal_hooks, portal_rebooking, rebooking
from expo_crm.exhibitors.services.portal import PortalError
from expo_crm.exhibitors.views.portal import MEMBER_ERRORS
from expo_crm.lib.qr import qr_path, qr_png
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import exhibitor


def _chosen(here: Participation, links: list[InvitationLink]) -> InvitationLink | None:
    wanted = request.args.get("link", "")
    return next((x for x in links if str(x.id) == wanted), links[0] if links else None)


@exhibitor()
def invitation(participation_id: int) -> ResponseReturnValue:
    """Links for customers with texts, QR code and banners, and who used them."""
    here = enter(participation_id)
    if request.method == "POST":
        name = request.form.get("name")
        try:
            made = portal.ensure_link(here) if name is None else portal.add_member_link(here, name)
        except PortalError as error:
            raise Refused(str(MEMBER_ERRORS[error.code]), 422) from None
        if name is not None:
            flash(_("%(name)s has a link of its own now.", name=made.label), "success")
        return redirect(url_for("exhibitors.portal_invitation", participation_id=here.id, link=made.id if name else None))
    links = portal.list_links(here.id)
    link = _chosen(here, links)
    url = portal.link_url(link) if link else ""
    use = portal_hooks.invitation_use(*(x.id for x in links))
    rows = [
        {
            "link": x,
            "registered": sum(guest.link_id == x.id for guest in use.guests),
            "came": sum(guest.link_id == x.id and guest.attended for guest in use.guests),
        }
        for x in links
    ]
    return render_template(
        "exhibitors/portal/invitation.html",
        here=here,
        link=link,
        rows=sorted(rows, key=lambda r: (-r["registered"], r["link"].id)),
        opened=sum(x.opened for x in links),
        url=url,
        qr=qr_path(url) if url else None,
        texts=[("zh", "中文", letter(here, url, "zh")), ("en", "English", letter(here, url, "en"))] if url else [],
        use=use,
        sizes=banners.SIZES,
    )


def letter(here: Participation, url: str, locale: str) -> str:
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


def _picture(data: bytes, name: str) -> Response:
    response = Response(data, mimetype="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.png"'
    return response


@exhibitor()
def invitation_qr(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    link = _chosen(here, portal.list_links(here.id))
    if link is None:
        abort(404)
    return _picture(qr_png(portal.link_url(link)), f"invitation-{link.code}")


@exhibitor()
def banner(participation_id: int, size: str) -> ResponseReturnValue:
    """A picture for messages and social media: show, dates, name, stand, QR code."""
    here = enter(participation_id)
    link = _chosen(here, portal.list_links(here.id))
    if link is None or size not in banners.SIZES:
        abort(404)
    locale = "en" if request.args.get("in") == "en" else "zh"
    return _picture(banners.draw(here, portal.link_url(link), size, locale), f"banner-{size}-{locale}")


@exhibitor()
def results(participation_id: int) -> ResponseReturnValue:
    """What the show brought, beside the median of the exhibitors in the same hall."""
    here = enter(participation_id)
    found = queries_results.of(here)
    coming = rebooking.coming_edition(here.edition) if may("exhibitors.portal_rebook") else None
    labels: dict[str, tuple[Any, Any, str]] = {
        "registered": (_("Customers registered"), _("Registrations made with your links, without cancelled ones."), "user-plus"),
        "came": (_("Customers who came"), _("Of these, those who have entered the show at least once."), "door-enter"),
        "leads": (_("Leads"), _("Distinct visitors whose badge your team scanned."), "target-arrow"),
        "hot": (_("Hot leads"), _("Leads that your team marked as hot."), "flame"),
        "warm": (_("Warm leads"), _("Leads that your team marked as warm."), "temperature"),
        "cold": (_("Cold leads"), _("Leads that your team marked as cold."), "snowflake"),
        "held": (_("Meetings held"), _("Scheduled meetings that took place."), "calendar-check"),
    }
    rows = [
        {"label": label, "definition": definition, "icon": icon, "own": found.own.get(key, 0), "median": found.medians.get(key)}
        for key, (label, definition, icon) in labels.items()
    ]
    return render_template(
        "exhibitors/portal/results.html",
        here=here,
        found=found,
        rows=rows,
        rebook=coming,
        standing=portal_rebooking.standing_of(here, coming) if coming else "",
    )
