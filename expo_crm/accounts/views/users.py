"""Staff accounts: invite, change roles, switch off."""

from __future__ import annotations

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from expo_crm.accounts import services
from expo_crm.accounts.domain.roles import GRANTS, Role
from expo_crm.accounts.forms import ROLE_LABELS, InviteForm
from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.lib import emails
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


def _roles(user: User) -> str:
    return (
        "、".join(str(ROLE_LABELS[Role(r)]) for r in user.role_codes)
        if i18n.locale() == "zh"
        else ", ".join(str(ROLE_LABELS[Role(r)]) for r in user.role_codes)
    )


@requires(Permission.USERS)
def users() -> ResponseReturnValue:
    form = InviteForm()
    link = None
    if form.validate_on_submit():
        link = _invite(form)
        if link:
            form = InviteForm(formdata=None)
    page = listing.build(
        id="users",
        query=select(User).where(User.kind == "staff").options(selectinload(User.roles)),
        columns=[
            listing.Column("name", _("Name"), lambda u: u.name, sort=User.name, primary=True),
            listing.Column("email", _("E-mail"), lambda u: u.email, sort=User.email),
            listing.Column("roles", _("Roles"), _roles),
            listing.Column(
                "active", _("Active"), lambda u: _("yes") if u.active else _("no"), sort=User.active, kind="status"
            ),
            listing.Column(
                "seen", _("Last sign-in"), lambda u: i18n.datetime_(u.signed_in_at), sort=User.signed_in_at, kind="date"
            ),
        ],
        default_sort="name",
        tie_break=User.id,
        search=lambda q: or_(User.name.contains(q, autoescape=True), User.email.contains(q, autoescape=True)),
        search_hint=_("Name or e-mail"),
        empty=listing.Empty("user-shield", _("No users yet")),
        row_url=lambda u: url_for("accounts.user", user_id=u.id),
    )
    status = 422 if form.is_submitted() and form.errors else 200
    return render_template("accounts/users.html", listing=page, form=form, link=link), status


def _invite(form: InviteForm) -> str | None:
    """A link for a new colleague, mailed and shown; None with an error on the form when the address is taken."""
    email = emails.email_key(form.email.data) or form.email.data.lower()
    if db.session.scalar(select(User.id).where(User.email == email)):
        form.email.errors = [_("There is already an account with this e-mail address.")]
        return None
    token = services.create_link("staff", email, name=form.name.data, role=form.role.data)
    link = current_app.config["SETTINGS"].base_url + url_for("accounts.welcome", token=token)
    mail = current_app.extensions.get("expo_invitation_mail")
    if mail:
        mail(email, form.name.data, link, i18n.locale())
    return link


@requires(Permission.USERS)
def user(user_id: int) -> ResponseReturnValue:
    found = db.session.get(User, user_id)
    if found is None or found.kind != "staff":
        abort(404)
    if request.method == "POST":
        _change(found)
        flash(_("Saved."), "success")
        return redirect(url_for("accounts.user", user_id=user_id))
    grants = [(role.value, ROLE_LABELS[role], len(GRANTS[role])) for role in Role]
    return render_template("accounts/user.html", user=found, grants=grants)


@requires(Permission.USERS)
def password_link(user_id: int) -> ResponseReturnValue:
    """A link with which a colleague chooses a new password; shown once, to be passed on. It works once, for an hour."""
    found = db.session.get(User, user_id)
    if found is None or not found.active:
        abort(404)
    token = services.create_link("reset", found.email, name=found.name, user_id=found.id)
    link = current_app.config["SETTINGS"].base_url + url_for("accounts.welcome", token=token)
    grants = [(role.value, ROLE_LABELS[role], len(GRANTS[role])) for role in Role]
    return render_template("accounts/user.html", user=found, grants=grants, link=link)


def _change(found: User) -> None:
    """Apply roles and the active switch. Refuses to take away the last administrator or the own account."""
    wanted = request.form.getlist("roles")
    active = request.form.get("active") == "1"
    if not set(wanted) <= {r.value for r in Role}:
        abort(422)
    loses_admin = Role.ADMIN in found.role_codes and (Role.ADMIN not in wanted or not active)
    if loses_admin and (services.count_admins() <= 1 or found.id == current_principal().id):
        raise Refused(_("There must always be another administrator; ask one to do this for your own account."), 409)
    if sorted(set(wanted)) != found.role_codes:
        services.set_roles(found, wanted)
    if active != found.active:
        services.set_active(found, active)
