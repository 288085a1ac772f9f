"""The registration page, an exhibitor's invitation, the privacy notice."""

from __future__ import annotations

from flask import abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from expo_crm.exhibitors.models import InvitationLink
from expo_crm.lib import clock, ids, text
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Category
from expo_crm.visitors import queries
from expo_crm.visitors.domain.registration import Window, window
from expo_crm.visitors.domain.vocabulary import CONSENTS
from expo_crm.visitors.forms import RegisterForm
from expo_crm.visitors.services import hooks, invitations, links, mails, registrations
from expo_crm.web.policy import public


def _window() -> Window:
    e = g.edition
    return window(
        state=e.state, opens_at=e.registration_opens_at, closes_at=e.registration_closes_at, ends_on=e.ends_on, zone=e.zone,
        now=clock.now(),
    )  # fmt: skip


def _invitation() -> InvitationLink | None:
    found = queries.find_invitation(request.values.get("i", ""))
    return found if found is not None and found.participation.edition_id == g.edition.id else None


def grouped(categories: list[Category]) -> list[tuple[Category, list[Category]]]:
    """Top nodes with everything below them, in reading order."""
    by_id = {c.id: c for c in categories}

    def top(node: Category) -> Category:
        for _step in range(20):
            if node.parent_id not in by_id:
                break
            node = by_id[node.parent_id]
        return node

    out: dict[int, tuple[Category, list[Category]]] = {}
    for node in categories:
        head = top(node)
        out.setdefault(head.id, (head, []))[1].append(node)
    return list(out.values())


@public()
def register() -> ResponseReturnValue:
    if _window() is not Window.OPEN:
        return render_template("visitors/closed.html", window=_window()), 200 if request.method == "GET" else 409
    categories = shows.list_categories(g.edition.show_id)
    form = RegisterForm(categories)
    if form.validate_on_submit():
        return _register(form)
    if not form.is_submitted():
        form.form_key.data = _signer().dumps(ids.new_token())
    page = render_template(
        "visitors/register.html", form=form, groups=grouped(categories), invitation=_invitation(), consents=CONSENTS,
        programme=hooks.has_programme(g.edition.id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _register(form: RegisterForm) -> ResponseReturnValue:
    key = _form_key(form)
    again = registrations.find_by_form_key(g.edition.id, key) if key else None
    if again is None:
        same = registrations.find_same_person(g.edition.id, form.email.data or "", form.name.data or "")
        if same is not None:
            # Whoever filled this in did not prove to be that person: the ticket goes to the address, not to the screen.
            mails.confirm(same, again=clock.now().strftime("%Y%m%d%H"))
            return render_template("visitors/known.html")
    invitation = _invitation()
    made = again or registrations.register(
        form.command(g.edition.id, form_key=key, invitation_code=invitation.code if invitation else "")
    )
    return redirect(url_for("visitors.ticket", token=links.page_token(made)))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="registration-form")


def _form_key(form: RegisterForm) -> str | None:
    """The key under which this form is stored once: our own mark, with name and address, so that the back button and a
    second person do not meet."""
    try:
        mark = str(_signer().loads(form.form_key.data or ""))
    except BadSignature:
        return None
    who = f"{(form.name.data or '').casefold()}\0{(form.email.data or '').casefold()}"
    return ids.hash_token(f"{mark}\0{who}")


@public(writes=True)
def invitation(code: str) -> ResponseReturnValue:
    """An exhibitor's personal link: counted, then the registration page that names who invites."""
    found = queries.find_invitation(code)
    if found is None:
        abort(404)
    invitations.count_opening(found)
    return redirect(url_for("visitors.register", edition=found.participation.edition.slug, i=found.code))


@public()
def privacy() -> ResponseReturnValue:
    return render_template("visitors/privacy.html", consents=CONSENTS)


@public()
def exhibitors() -> ResponseReturnValue:
    """Who exhibits: to whom a visitor's data may go when the visitor agrees."""
    asked = text.clean(request.args.get("q", ""), limit=60)
    terms = text.search_terms(asked)
    all_of_them = queries.list_exhibitors(g.edition.id)
    found = [p for p in all_of_them if all(term in p.company.search_key for term in terms)]
    return render_template(
        "visitors/exhibitors.html",
        exhibitors=sorted(found, key=lambda p: p.company.sort_key),
        total=len(all_of_them),
        q=asked,
    )
