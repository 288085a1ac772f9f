"""Signing in and out, and the page behind a one-time link."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.accounts import services
from expo_crm.accounts.forms import PASSWORD_PROBLEMS, AcceptForm, ForgotForm, SignInForm
from expo_crm.db import keep_on_refusal
from expo_crm.lib import emails
from expo_crm.web import i18n
from expo_crm.web.policy import current_principal, public, signed_in


def home_of(kind: str) -> str:
    """Where a person starts: staff in the admin, exhibitors in their portal."""
    return url_for("exhibitors.portal_home") if kind == "exhibitor" else url_for("home")


def _next(kind: str) -> str:
    """The page that asked for the sign-in, only when it is one of ours."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and "\\" not in wanted
    return wanted if safe else home_of(kind)


@public()
def sign_in() -> ResponseReturnValue:
    if current_principal().kind in {"staff", "exhibitor"}:
        return redirect(home_of(current_principal().kind))
    form = SignInForm()
    if form.validate_on_submit():
        email = emails.email_key(form.email.data) or form.email.data.lower()
        user = services.sign_in(email, form.password.data, request.remote_addr or "")
        if user:
            return redirect(_next(user.kind))
        keep_on_refusal()
        form.password.errors = [
            _(
                "E-mail or password is wrong, or there were too many attempts. Please check both, or try again in 15 minutes."
            )
        ]
    return render_template("accounts/sign_in.html", form=form), 422 if form.is_submitted() else 200


@signed_in()
def sign_out() -> ResponseReturnValue:
    services.sign_out()
    return redirect(url_for("accounts.sign_in"))


@public()
def forgot() -> ResponseReturnValue:
    """Ask for a link to a new password. The answer is the same whether there is such an account or not."""
    form = ForgotForm()
    if form.validate_on_submit():
        email = emails.email_key(form.email.data) or form.email.data.lower()
        services.ask_reset(email, request.remote_addr or "")
        return render_template("accounts/forgot.html", form=form, sent=True)
    return render_template("accounts/forgot.html", form=form, sent=False), 422 if form.is_submitted() else 200


@public()
def welcome(token: str) -> ResponseReturnValue:
    """The page of a one-time link: choose a name and a password. The link works once and only by POST."""
    link = services.find_link(token)
    if link is None:
        abort(410)
    form = AcceptForm(data={"email": link.email, "name": link.name})
    fixed_email = link.purpose != "first_admin"
    if form.validate_on_submit():
        email = link.email if fixed_email else (emails.email_key(form.email.data) or "")
        try:
            user = services.accept_link(
                link, email=email, name=form.name.data, password=form.password.data, locale=i18n.locale()
            )
        except ValueError as problem:
            form.password.errors = [PASSWORD_PROBLEMS[str(problem)]]
        else:
            return redirect(home_of(user.kind))
    status = 422 if form.is_submitted() else 200
    return render_template("accounts/welcome.html", form=form, link=link, fixed_email=fixed_email), status
