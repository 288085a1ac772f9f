"""A form that is sent twice is done once: the double click, the reloaded answer, the page one came back to.

Every form carries a key of its page (``forms.csrf()`` puts it there, name ``once``). Before the view runs, its mark is added to the
table ``sent_form``: who, where, the key and what was filled in. The unique mark decides, also between two requests at the same
moment: the second waits for the first, finds its mark and is sent where the first was sent. The mark lives in the request's own
transaction, so a refused form leaves none and may be sent again; and a form that was changed in between has another mark.

Only answers that lead on (a redirect) are kept. A view that adds something and answers with a part of its page says by ``leads_to``
where a second sending goes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets

from flask import Flask, Response, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import String, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import FileStorage

from expo_crm.db import Base, IntPk, LongText, Moment, Token, db
from expo_crm.lib import clock
from expo_crm.web.errors import Refused
from expo_crm.web.policy import current_principal

FIELD = "once"
KEEP = dt.timedelta(hours=12)  # a form is taken for eight hours (WTF_CSRF_TIME_LIMIT), so nothing older can come again
LEFT_OUT = {FIELD, "csrf_token"}


class SentForm(Base):
    """A form that was sent and done. ``mark`` is a SHA-256; ``led_to`` is the address of the first answer."""

    __tablename__ = "sent_form"

    id: Mapped[IntPk]
    mark: Mapped[Token] = mapped_column(String(64), unique=True)
    led_to: Mapped[LongText] = mapped_column(default="")
    at: Mapped[Moment] = mapped_column(index=True)


def init_app(app: Flask) -> None:
    """Watch every form of people who are signed in; ``page_key()`` is for templates."""
    app.before_request(_begin)
    app.after_request(_end)
    app.jinja_env.globals["page_key"] = page_key


def page_key() -> str:
    """The key that the forms of this answer carry; another one for each answer."""
    if "page_key" not in g:
        g.page_key = secrets.token_urlsafe(12)
    return str(g.page_key)


def leads_to(address: str) -> None:
    """Keep this request's mark although its answer is no redirect; the same form again is sent to ``address``."""
    g.sent_leads_to = address


def _begin() -> ResponseReturnValue | None:
    if request.method != "POST" or request.endpoint is None or request.is_json or not (key := request.form.get(FIELD, "")):
        return None
    who = current_principal()
    if who.kind not in {"staff", "exhibitor"}:
        return None  # the address that an anonymous form leads to may itself be a key (a ticket), which is not stored
    mark = _mark(f"{who.kind} {who.id}", key)
    if _take(mark):
        g.sent_mark = mark
        return None
    led_to = db.session.scalar(select(SentForm.led_to).where(SentForm.mark == mark))
    if not led_to:
        return None
    flash(_("This form arrived twice and was carried out once. For one more, fill in the form again."), "info")
    return ("", 200, {"HX-Redirect": led_to}) if request.headers.get("HX-Request") else redirect(led_to)


def _take(mark: str) -> bool:
    """Whether this request is the first with the mark. Another one that is under way is waited for."""
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    row = insert(SentForm).values(mark=mark, led_to="", at=clock.now())
    try:
        return db.session.scalar(row.on_conflict_do_nothing(index_elements=["mark"]).returning(SentForm.id)) is not None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock not available: the first is still at work
            raise
        db.session.rollback()
        said = _("This form is being saved already. Look in a moment whether what you entered is there.")
        raise Refused(said, 409, "under_way") from None


def _end(response: Response) -> Response:
    """Keep where the first answer led to, or forget the mark. A refusal's mark goes with its transaction."""
    mark = g.pop("sent_mark", "")
    if not mark or (response.status_code >= 400 and not g.get("keep_on_refusal", False)):
        return response
    led_to = g.pop("sent_leads_to", "") or response.headers.get("HX-Redirect", "")
    if 300 <= response.status_code < 400:
        led_to = response.headers.get("Location", "")
    if response.status_code < 400 and led_to:
        db.session.execute(update(SentForm).where(SentForm.mark == mark).values(led_to=led_to))
    else:
        db.session.execute(delete(SentForm).where(SentForm.mark == mark))
    return response


def _mark(who: str, key: str) -> str:
    filled_in = [(name, values) for name, values in sorted(request.form.to_dict(flat=False).items()) if name not in LEFT_OUT]
    files = [(name, file.filename, _size(file)) for name, file in request.files.items(multi=True)]
    said = json.dumps([who, request.full_path, key, filled_in, files])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _size(file: FileStorage) -> int:
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    return size


def tidy() -> int:
    """Forget forms that can no longer come again; how many."""
    gone = db.session.execute(delete(SentForm).where(SentForm.at < clock.now() - KEEP))
    return int(getattr(gone, "rowcount", 0))
