"""The own account: language and sessions."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from expo_crm.accounts import services
from expo_crm.accounts.models import UserSession
from expo_crm.db import db
from expo_crm.lib import clock, ids
from expo_crm.web import i18n
from expo_crm.web.policy import signed_in


@signed_in()
def profile() -> ResponseReturnValue:
    if request.method == "POST":
        if request.form.get("locale") not in i18n.LOCALES:
            abort(422)
        current_user.user.locale = request.form["locale"]
        response = redirect(url_for("accounts.profile"))
        response.set_cookie("lang", request.form["locale"], max_age=31536000, samesite="Lax", httponly=True)
        flash(_("Saved."), "success")
        return response
    sessions = db.session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == current_user.user.id,
            UserSession.ended_at.is_(None),
            UserSession.expires_at > clock.now(),
        )
        .order_by(UserSession.seen_at.desc())
    ).all()
    here = ids.hash_token(current_user.token)
    return render_template("accounts/profile.html", user=current_user.user, sessions=sessions, here=here)


@signed_in()
def end_other_sessions() -> ResponseReturnValue:
    """End all sessions of this account but the one that asks."""
    user = current_user.user
    services.end_sessions(user.id)
    services.start_session(user)
    flash(_("All other sessions were ended."), "success")
    return redirect(url_for("accounts.profile"))
