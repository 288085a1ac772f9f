"""Writing mail into the outbox and sending it from there.

A mail is rendered and stored in the transaction of the change it tells of. Sending claims a delivery first and commits that, so a
crash after the server took the mail leaves ``unknown``, which a person looks at; it is never sent twice by itself.
"""

from __future__ import annotations

import base64
import datetime as dt
import logging
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from flask import current_app, render_template
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from expo_crm.config import Smtp
from expo_crm.db import checkpoint, db
from expo_crm.lib import clock
from expo_crm.messaging.models import Delivery, Message
from expo_crm.web import i18n

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 6
BATCH = 200


def queue(
    template: str,
    *,
    to_email: str,
    to_name: str = "",
    locale: str,
    context: dict[str, Any],
    attachments: list[dict[str, str]] | None = None,
    dedupe_key: str | None = None,
    edition_id: int | None = None,
    person_id: int | None = None,
    company_id: int | None = None,
) -> Message | None:
    """Render ``templates/email/<template>/{subject.txt,body.txt,body.html}`` in ``locale`` and put it into the outbox.

    Returns None when ``dedupe_key`` was used before: the same mail is not written twice.
    """
    if dedupe_key and db.session.scalar(select(Message.id).where(Message.dedupe_key == dedupe_key)):
        return None
    with i18n.in_locale(locale):
        subject = " ".join(render_template(f"email/{template}/subject.txt", **context).split())
        body = render_template(f"email/{template}/body.txt", **context).strip() + "\n"
        html = render_template(f"email/{template}/body.html", **context)
    message = Message(
        template=template,
        locale=locale,
        to_email=to_email,
        to_name=to_name,
        subject=subject[:300],
        text=body,
        html=html,
        attachments=attachments or [],
        dedupe_key=dedupe_key,
        edition_id=edition_id,
        person_id=person_id,
        company_id=company_id,
        created_at=clock.now(),
    )
    message.delivery = Delivery(next_at=clock.now())
    db.session.add(message)
    db.session.flush()
    return message


def attachment(name: str, media_type: str, data: bytes, *, cid: str = "") -> dict[str, str]:
    """An attachment as the outbox keeps it; with ``cid`` it is an inline picture (``<img src="cid:…">``)."""
    return {"name": name, "type": media_type, "data": base64.b64encode(data).decode(), "cid": cid}


def compose(message: Message, sender: str) -> EmailMessage:
    """The MIME message; header injection is impossible because the address and the name are set as values, not as text."""
    mail = EmailMessage()
    mail["From"] = sender
    user, _at, domain = message.to_email.rpartition("@")
    mail["To"] = Address(message.to_name, user, domain.encode("idna").decode()) if user else message.to_email
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = message.delivery.message_id_header
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    html_part = mail.get_body(("html",)) if message.html else None
    for item in message.attachments:
        kind, _slash, sub = item["type"].partition("/")
        data = base64.b64decode(item["data"])
        if item.get("cid") and html_part is not None:
            html_part.add_related(data, kind, sub, cid=f"<{item['cid']}>", filename=item["name"])
        else:
            mail.add_attachment(data, kind, sub, filename=item["name"])
    return mail


def deliver_due() -> dict[str, int]:
    """Send what is due. Without an SMTP server everything waits in the outbox. Returns how many were sent and failed."""
    smtp: Smtp = current_app.config["SETTINGS"].smtp
    if not smtp.host:
        return {"sent": 0, "failed": 0}
    due = db.session.scalars(
        select(Delivery.id)
        .where(Delivery.state == "waiting", Delivery.next_at <= clock.now())
        .order_by(Delivery.next_at)
        .limit(BATCH)
    ).all()
    sent = failed = 0
    if not due:
        return {"sent": 0, "failed": 0}
    try:
        server = connect(smtp)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail server: %s", error)
        return {"sent": 0, "failed": 0}
    with server:
        for delivery_id in due:
            ok = _send_one(server, delivery_id, smtp)
            sent, failed = sent + ok, failed + (not ok)
    return {"sent": sent, "failed": failed}


def connect(smtp: Smtp) -> smtplib.SMTP:
    """An SMTP connection ready to send. Raises OSError or SMTPException."""
    context = ssl.create_default_context()
    if smtp.tls == "ssl":
        server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=20, context=context)
    else:
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=20)
        if smtp.tls == "starttls":
            server.starttls(context=context)
    if smtp.user:
        server.login(smtp.user, smtp.password)
    return server


def _send_one(server: smtplib.SMTP, delivery_id: int, smtp: Smtp) -> bool:
    claimed = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "waiting")
        .values(state="sending", attempts=Delivery.attempts + 1)
    )
    if not claimed.rowcount:  # type: ignore[attr-defined]
        return True
    delivery = db.session.get(Delivery, delivery_id, options=[joinedload(Delivery.message)], populate_existing=True)
    assert delivery is not None
    delivery.message_id_header = delivery.message_id_header or make_msgid(
        domain=smtp.sender.rpartition("@")[2] or "localhost"
    )
    checkpoint()
    try:
        server.send_message(compose(delivery.message, smtp.sender))
    except smtplib.SMTPResponseException as error:
        _refused(delivery, error.smtp_code, str(error.smtp_error)[:250])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        _refused(delivery, code, str(text)[:250])
    except (OSError, smtplib.SMTPException, ValueError) as error:
        delivery.state, delivery.error = "unknown", str(error)[:250]
    else:
        delivery.state, delivery.sent_at, delivery.error = "sent", clock.now(), ""
    checkpoint()
    return delivery.state == "sent"


def _refused(delivery: Delivery, code: int, text: str) -> None:
    """4xx is tried again, later each time; 5xx stops."""
    delivery.error = f"{code} {text}"
    if code >= 500 or delivery.attempts >= MAX_ATTEMPTS:
        delivery.state = "failed"
    else:
        delivery.state = "waiting"
        delivery.next_at = clock.now() + dt.timedelta(minutes=2**delivery.attempts)


def send_again(delivery: Delivery) -> None:
    """A person decided that a failed, unknown or cancelled mail goes out again, with its old Message-ID."""
    delivery.state, delivery.next_at, delivery.attempts, delivery.error = "waiting", clock.now(), 0, ""
    db.session.flush()


def cancel(delivery: Delivery) -> None:
    if delivery.state == "waiting":
        delivery.state = "cancelled"
        db.session.flush()
