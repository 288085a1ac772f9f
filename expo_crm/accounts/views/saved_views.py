"""Keeping a list as it is shown: search, filters, sort and columns under a name."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.accounts import services
from expo_crm.lib import text
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


def views_of(list_id: str) -> list[listing.View]:
    """The views of a list that the signed-in colleague may use, own ones first."""
    me, current = current_principal().id, request.args.get("view", "")
    return [
        listing.View(
            id=row.id,
            name=row.name,
            url=i18n.same_page(dict(parse_qsl(row.args)) | {"view": str(row.id)}),
            shared=row.shared,
            current=current == str(row.id),
            mine=row.user_id == me,
        )
        for row in services.list_views(me, list_id)
    ]


def _back() -> str:
    """The page of this site from which the form came."""
    path = request.form.get("back", "")
    return path if re.fullmatch(r"/(?![/\\])[^\s\\]{0,2000}", path) else url_for("home")


@requires(Permission.VIEW)
def save_view() -> ResponseReturnValue:
    """Keep the view under a name; the same name again replaces it."""
    me = current_principal().id
    list_id, name = request.form.get("list_id", ""), text.clean(request.form.get("name", ""), limit=80)
    if me is None or not re.fullmatch(r"[a-z_]{1,60}", list_id):
        abort(400)
    if text.is_blank(name):
        raise Refused(_("Please give the view a name."), 422)
    given = parse_qsl(request.form.get("args", "")[:4000])
    args = urlencode([(k[:60], v[:500]) for k, v in given if k not in listing.VOLATILE][:40])
    try:
        made = services.save_view(me, list_id, name, args, shared=request.form.get("shared") == "y")
    except services.TooManyViews:
        raise Refused(
            _("You have %(count)s views of this list already. Please delete one first.", count=services.MOST_VIEWS), 409
        ) from None
    flash(_("The view “%(name)s” is saved.", name=name), "success")
    path = _back().partition("?")[0]
    return redirect(f"{path}?{urlencode(dict(parse_qsl(args)) | {'view': str(made.id)})}")


@requires(Permission.VIEW)
def rename_view(view_id: int) -> ResponseReturnValue:
    """Another name for an own view, unless another one of the list has it."""
    found, name = services.find_view(view_id), text.clean(request.form.get("name", ""), limit=80)
    if found is None or found.user_id != current_principal().id:
        abort(404)
    if text.is_blank(name):
        raise Refused(_("Please give the view a name."), 422)
    if not services.rename_view(found, name):
        raise Refused(_("You have a view “%(name)s” of this list already.", name=name), 409)
    flash(_("The view “%(name)s” is saved.", name=name), "success")
    return redirect(_back())


@requires(Permission.VIEW)
def delete_view(view_id: int) -> ResponseReturnValue:
    """Away with an own view; who may change settings may also take away a shared one."""
    found = services.find_view(view_id)
    principal = current_principal()
    mine = found is not None and found.user_id == principal.id
    if found is None or not (mine or (found.shared and principal.can(Permission.SETTINGS))):
        abort(404)
    services.delete_view(found)
    flash(_("The view is gone."), "success")
    return redirect(_back())
