"""Two people at one form: the second sees what the first has saved beside what he typed, and decides.

A page gives its form ``seen`` = ``mark(form)`` as a hidden field. On the way back the caller builds the form once more from what
is stored now and asks ``is_stale``; ``page`` then shows both, and sends the typed values again for who wants them.
"""

from __future__ import annotations

import hashlib
import json

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from wtforms import BooleanField, Field, FileField, Form, SelectField, SelectMultipleField

from expo_crm.db import Base, db

LEFT_OUT = ("csrf_token", "version", "seen")


def lock(record: Base) -> None:
    """Hold the row until the end of the request, and read it again: of two who save at once the second is told."""
    table = type(record).__table__
    key = record.id  # type: ignore[attr-defined]
    db.session.execute(select(table.c.id).where(table.c.id == key).with_for_update())
    db.session.refresh(record)


def mark(stored: Form) -> str:
    """A short sign of the values that a form shows; another one as soon as one of them is another."""
    values = {f.name: raw(f) for f in _fields(stored)}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]


def is_stale(stored: Form) -> bool:
    """Whether the posted form was made from other values than those that are stored now."""
    seen = request.form.get("seen", "")
    return bool(seen) and seen != mark(stored)


def page(mine: Form, stored: Form, *, title: str, back: str, by: str = "") -> ResponseReturnValue:
    """The conflict, as a page with status 409. ``back`` is the page of the record; ``by`` who saved, if it is known."""
    theirs = {f.name: f for f in _fields(stored)}
    fields = [f for f in _fields(mine) if f.name in theirs]
    return render_template(
        "layouts/conflict.html",
        title=title,
        back=back,
        by=by,
        differing=[(f.label.text, shown(theirs[f.name]), shown(f)) for f in fields if raw(f) != raw(theirs[f.name])],
        sent=[(f.name, value) for f in fields for value in raw(f)],
        seen=mark(stored),
    ), 409


def _fields(form: Form) -> list[Field]:
    return [f for f in form if f.short_name not in LEFT_OUT and not isinstance(f, FileField)]


def raw(field: Field) -> list[str]:
    """The values as a browser sends them; an unticked box sends none."""
    if isinstance(field, BooleanField):
        return ["y"] if field.data else []
    if isinstance(field, SelectMultipleField):
        return [str(v) for v in field.data or ()]
    if isinstance(field, SelectField):
        return [str(field.data if field.data is not None else "")]
    return [str(field._value() or "")]


def shown(field: Field) -> str:
    """The value as a person reads it."""
    if isinstance(field, BooleanField):
        return _("yes") if field.data else _("no")
    if isinstance(field, SelectField | SelectMultipleField):
        chosen = set(raw(field))
        return ", ".join(str(choice[1]) for choice in field.iter_choices() if str(choice[0]) in chosen)
    return ", ".join(raw(field))

