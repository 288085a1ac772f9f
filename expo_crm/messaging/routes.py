"""/outbox: every mail that was written, and what became of it."""

from __future__ import annotations

import base64

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.messaging import services
from expo_crm.messaging.models import Delivery, Message
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, requires

blueprint = Blueprint("messaging", __name__)

STATES = (
    ("waiting", _l("Waiting")),
    ("sending", _l("Sending")),
    ("sent", _l("Sent")),
    ("failed", _l("Failed")),
    ("unknown", _l("Unclear")),
    ("cancelled", _l("Cancelled")),
)
TONES = {
    "waiting": "info",
    "sending": "progress",
    "sent": "success",
    "failed": "danger",
    "unknown": "warning",
    "cancelled": "neutral",
}
INLINE = {"image/png", "image/jpeg"}


def _pill(message: Message) -> Markup:
    return listing.pill(dict(STATES)[message.delivery.state], TONES[message.delivery.state])


@blueprint.get("/outbox")
@requires(Permission.OUTBOX, writes=False)
def outbox() -> ResponseReturnValue:
    page = listing.build(
        id="outbox",
        query=select(Message).join(Message.delivery).options(contains_eager(Message.delivery)),
        columns=[
            listing.Column(
                "created", _("Written"), lambda m: i18n.datetime_(m.created_at), sort=Message.created_at, kind="date"
            ),
            listing.Column("to", _("To"), lambda m: m.to_name or m.to_email, sort=Message.to_email, primary=True),
            listing.Column("subject", _("Subject"), lambda m: m.subject, sort=Message.subject),
            listing.Column(
                "state",
                _("State"),
                lambda m: dict(STATES)[m.delivery.state],
                cell=_pill,
                sort=Delivery.state,
                kind="status",
            ),
        ],
        default_sort="created",
        default_desc=True,
        tie_break=Message.id.desc(),
        filters=[listing.Filter("state", _("State"), STATES, lambda v: Delivery.state == v)],
        search=lambda q: or_(
            Message.to_email.contains(q, autoescape=True),
            Message.to_name.contains(q, autoescape=True),
            Message.subject.contains(q, autoescape=True),
        ),
        search_hint=_("Recipient or subject"),
        empty=listing.Empty(
            "mail",
            _("No mail has been written yet"),
            _("Confirmations, invitations and surveys appear here before they leave."),
        ),
        row_url=lambda m: url_for("messaging.message", message_id=m.id),
    )
    return render_template("messaging/outbox.html", listing=page)


def _get(message_id: int) -> Message:
    found = db.session.get(Message, message_id, options=[joinedload(Message.delivery)])
    if found is None:
        abort(404)
    return found


@blueprint.get("/outbox/<int:message_id>")
@requires(Permission.OUTBOX, writes=True)
def message(message_id: int) -> ResponseReturnValue:
    found = _get(message_id)
    audit.record_look("message", found.id, edition_id=found.edition_id)
    return render_template(
        "messaging/message.html",
        message=found,
        label=dict(STATES)[found.delivery.state],
        tone=TONES[found.delivery.state],
    )


@blueprint.get("/outbox/<int:message_id>/attachments/<int:index>")
@requires(Permission.OUTBOX)
def attachment(message_id: int, index: int) -> ResponseReturnValue:
    items = _get(message_id).attachments
    if index >= len(items):
        abort(404)
    item = items[index]
    response = Response(base64.b64decode(item["data"]), mimetype=item["type"])
    response.headers["Content-Disposition"] = (
        "inline" if item["type"] in INLINE else f'attachment; filename="attachment-{index}"'
    )
    return response


@blueprint.post("/outbox/<int:message_id>/again")
@requires(Permission.OUTBOX)
def again(message_id: int) -> ResponseReturnValue:
    found = _get(message_id)
    services.send_again(found.delivery)
    audit.record("message.again", "message", found.id)
    flash(_("The mail goes out again."), "success")
    return redirect(url_for("messaging.message", message_id=message_id))


@blueprint.post("/outbox/<int:message_id>/cancel")
@requires(Permission.OUTBOX)
def cancel(message_id: int) -> ResponseReturnValue:
    found = _get(message_id)
    services.cancel(found.delivery)
    audit.record("message.cancel", "message", found.id)
    flash(_("The mail will not be sent."), "success")
    return redirect(url_for("messaging.message", message_id=message_id))
