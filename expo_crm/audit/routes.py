"""/audit: the record, for those who may read it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from expo_crm.audit.models import AuditEntry
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, requires

blueprint = Blueprint("audit", __name__)

COLUMNS = (
    listing.Column("at", _l("When"), lambda e: i18n.datetime_(e.at), sort=AuditEntry.at, kind="date"),
    listing.Column(
        "actor", _l("Who"), lambda e: e.actor_name or e.actor_kind, sort=AuditEntry.actor_name, primary=True
    ),
    listing.Column("action", _l("Action"), lambda e: e.action, sort=AuditEntry.action),
    listing.Column("entity", _l("Thing"), lambda e: f"{e.entity} {e.entity_id or ''}".strip()),
    listing.Column("changes", _l("Changes"), lambda e: "; ".join(f"{k}: {_arrow(v)}" for k, v in e.changes.items())),
    listing.Column("reason", _l("Reason"), lambda e: e.reason, hide_on_phone=True),
)


def _arrow(value: object) -> str:
    return f"{value[0]} → {value[1]}" if isinstance(value, list) and len(value) == 2 else str(value)


@blueprint.get("/audit")
@requires(Permission.AUDIT)
def entries() -> ResponseReturnValue:
    page = listing.build(
        id="audit",
        query=select(AuditEntry),
        columns=COLUMNS,
        default_sort="at",
        default_desc=True,
        tie_break=AuditEntry.id.desc(),
        search=lambda q: or_(
            AuditEntry.actor_name.contains(q, autoescape=True), AuditEntry.action.contains(q, autoescape=True)
        ),
        search_hint=_("Person or action"),
        empty=listing.Empty("history", _("Nothing recorded yet")),
    )
    return render_template("audit/entries.html", listing=page)
