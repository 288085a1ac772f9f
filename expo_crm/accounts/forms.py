"""Forms of sign-in and user administration."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Email, InputRequired, Length

from expo_crm.accounts.domain.roles import Role
from expo_crm.web.forms import BaseForm, NotBlank

ROLE_LABELS = {
    Role.ADMIN: _l("Organizer administrator"),
    Role.SALES: _l("Sales"),
    Role.DESK: _l("Registration desk"),
    Role.GATE: _l("Gate supervisor"),
    Role.FINANCE: _l("Finance"),
    Role.READER: _l("Read-only"),
}
PASSWORD_PROBLEMS = {
    "too_short": _l("Please choose a password of at least 12 characters."),
    "too_long": _l("This password is too long (200 characters at most)."),
    "too_common": _l("This password is too easy to guess. A few unrelated words make a good one."),
    "too_personal": _l("The password must not be your name or e-mail address."),
    "used": _l("This link was used already. Please ask for a new one."),
    "other_kind": _l("This e-mail address already belongs to another kind of account."),
}


class SignInForm(BaseForm):
    email = EmailField(_l("E-mail"), [NotBlank(), Length(max=254)])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=1000)])


class ForgotForm(BaseForm):
    email = EmailField(_l("E-mail"), [NotBlank(), Email(), Length(max=254)])


class AcceptForm(BaseForm):
    email = EmailField(_l("E-mail"), [NotBlank(), Email(), Length(max=254)])
    name = StringField(_l("Your name"), [NotBlank(), Length(max=100)])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=1000)])


class InviteForm(BaseForm):
    email = EmailField(_l("E-mail"), [NotBlank(), Email(), Length(max=254)])
    name = StringField(_l("Name"), [NotBlank(), Length(max=100)])
    role = SelectField(_l("Role"), choices=[SelectChoice(r.value, ROLE_LABELS[r]) for r in Role])
