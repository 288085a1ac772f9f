"""People: the list, one person, a new contact of a company."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_, select

from expo_crm.audit import services as audit
from expo_crm.directory import custom_forms, queries, timeline
from expo_crm.directory.domain import masking
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import ContactForm, PersonForm
from expo_crm.directory.models import Company, Employment, Person
from expo_crm.directory.services import consents, custom, duplicates
from expo_crm.directory.services import people as services
from expo_crm.directory.views.custom_values import shown_fields
from expo_crm.lib import emails
from expo_crm.web import conflicts, i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires


def purpose_label(purpose: str) -> str:
    return {
        "lead_sharing": _("Pass contact data to exhibitors that scan the badge"),
        "marketing": _("News about coming editions"),
        "matchmaking": _("Be suggested to exhibitors for meetings"),
        "profiling": _("Personal suggestions"),
    }.get(purpose, purpose)


def _search(words: str) -> ColumnElement[bool]:
    named = listing.contains(Person.search_key, words)
    company = Person.id.in_(
        select(Employment.person_id).join(Employment.company).where(listing.contains(Company.search_key, words))
    )
    found = [named, company]
    if current_principal().can(Permission.CONTACT_DATA):
        if key := emails.email_key(words):
            found.append(Person.email == key)
        if numbers := queries.numbers_like(words):
            found.append(Person.phone.in_(numbers))
    return or_(*found)


def _columns(jobs: dict[int, Employment]) -> list[listing.Column]:
    may_see = current_principal().can(Permission.CONTACT_DATA)

    def company_of(person: Person) -> str:
        job = jobs.get(person.id)
        return i18n.bi(job.company) if job else ""

    def company_link(person: Person) -> str | Markup:
        job = jobs.get(person.id)
        if job is None:
            return ""
        url = url_for("directory.company", company_id=job.company_id)
        return Markup('<a href="{}">{}</a>').format(url, i18n.bi(job.company))

    def contact(person: Person) -> str:
        shown = (
            masking.mask_email(person.email) if person.email else "",
            masking.mask_phone(person.phone) if person.phone else "",
        )
        return " ".join(filter(None, shown))

    columns = [
        listing.Column("name", _("Name"), lambda p: p.name, sort=Person.sort_key, primary=True),
        listing.Column("company", _("Company"), company_of, cell=company_link),
        listing.Column("title", _("Position"), lambda p: jobs[p.id].title if p.id in jobs else ""),
        listing.Column(
            "place",
            _("Place"),
            lambda p: " · ".join(filter(None, (country_name(p.country), p.city))),
            hide_on_phone=True,
        ),
    ]
    # On screen always masked: a list is for finding, the person's page is for contacting and is recorded.
    if may_see:
        columns += [
            listing.Column("email", _("E-mail"), lambda p: p.email, export_only=True),
            listing.Column("phone", _("Telephone"), lambda p: p.phone, export_only=True),
        ]
    masked = listing.Column("contact", _("Contact"), contact, hide_on_phone=True)
    return [*columns, masked] if not request.args.get("export") else columns


@requires(Permission.VIEW)
def people() -> ResponseReturnValue:
    jobs: dict[int, Employment] = {}
    page = listing.build(
        id="people",
        query=select(Person).where(Person.erased_at.is_(None)),
        columns=_columns(jobs),
        default_sort="name",
        tie_break=Person.id,
        filters=[
            listing.Filter(
                "works",
                _("Works where"),
                [("yes", _("at a company")), ("no", _("nowhere known"))],
                lambda v: (
                    Person.id.in_(select(Employment.person_id).where(Employment.until.is_(None)))
                    if v == "yes"
                    else Person.id.not_in(select(Employment.person_id).where(Employment.until.is_(None)))
                ),
            ),
            listing.Filter(
                "locale", _("Language"), [("zh", _("Chinese")), ("en", _("English"))], lambda v: Person.locale == v
            ),
        ],
        search=_search,
        search_hint=_("Name, pinyin initials, company or phone"),
        empty=listing.Empty(
            "users",
            _("No people yet"),
            _("Contacts are added on their company's page; visitors arrive with their registration."),
            url_for("directory.companies"),
            _("To the companies"),
        ),
        row_url=lambda p: url_for("directory.person", person_id=p.id),
        load=lambda rows: jobs.update(queries.newest_employments([p.id for p in rows])),
    )
    return render_template("directory/people.html", listing=page)


def _get(person_id: int) -> Person:
    found = queries.find_person(person_id)
    if found is None or found.erased_at is not None:
        abort(404)
    return found


@requires(Permission.VIEW, writes=True)
def person(person_id: int) -> ResponseReturnValue:
    found = _get(person_id)
    may_see = current_principal().can(Permission.CONTACT_DATA)
    if may_see and (found.email or found.phone):
        audit.record_look("person", found.id)
    answers = queries.list_consents(found.id)
    newest: dict[str, Any] = {}
    for answer in answers:
        newest.setdefault(answer.purpose, answer)
    jobs = sorted(found.employments, key=lambda e: (e.until is not None, e.company.sort_key))
    return render_template(
        "directory/person.html",
        person=found,
        jobs=jobs,
        may_see=may_see,
        may_edit=current_principal().can(Permission.COMPANY_EDIT),
        masking=masking,
        country=country_name(found.country),
        consents=[(purpose_label(key), answer) for key, answer in newest.items()],
        panels=timeline.panels_of("person", found.id),
        own_fields=shown_fields("person", found),
        same=queries.list_same_people(found) if current_principal().can(Permission.COMPANY_EDIT) else [],
    )


@requires(Permission.COMPANY_EDIT, writes=True)
def edit_person(person_id: int) -> ResponseReturnValue:
    found = _get(person_id)
    if not current_principal().can(Permission.CONTACT_DATA):
        abort(403)
    fields = custom.list_fields("person")
    with_own = custom_forms.with_fields(PersonForm, fields)
    form = with_own(obj=found, data=custom_forms.stored_data(found.custom))
    if form.validate_on_submit():
        conflicts.lock(found)
        stored = with_own(formdata=None, obj=found, data=custom_forms.stored_data(found.custom))
        page = url_for("directory.person", person_id=found.id)
        if conflicts.is_stale(stored):
            audit.record_look("person", found.id)
            by = audit.last_editor("person", found.id)
            return conflicts.page(form, stored, title=found.name, back=page, by=by)
        services.update_person(found, **form.values())
        custom.set_values(found, custom_forms.read_values(form, fields))
        flash(_("Saved."), "success")
        return redirect(page)
    if not form.is_submitted():
        audit.record_look("person", found.id)
    return render_template(
        "directory/person_form.html",
        form=form,
        person=found,
        seen=request.form.get("seen") or conflicts.mark(form),
        own_fields=[f for f in form if f.short_name.startswith(custom_forms.PREFIX)],
    ), 422 if form.is_submitted() else 200


@requires(Permission.COMPANY_EDIT)
def new_contact(company_id: int) -> ResponseReturnValue:
    """A person who works at this company: somebody known by the e-mail address, or somebody new."""
    company = queries.find_company(company_id)
    if company is None:
        abort(404)
    form = ContactForm(data={"locale": "zh" if company.country in ("", "CN") else "en", "country": company.country})
    known: list[Person] = []
    if form.validate_on_submit():
        known = queries.list_people_by_email(form.email.data or "")
        chosen = next((p for p in known if str(p.id) == request.form.get("person")), None)
        if chosen is not None or not known or form.confirmed.data:
            found = chosen or services.create_person(**form.values())
            services.employ(
                found,
                company,
                title=form.title.data or "",
                department=form.department.data or "",
                main_contact=form.main_contact.data,
            )
            flash(_("Saved."), "success")
            return redirect(url_for("directory.company", company_id=company.id))
        form.form_errors.append(_("Somebody with this e-mail address is known already. Is it the same person?"))
    status = 422 if form.is_submitted() else 200
    return render_template("directory/contact_form.html", form=form, company=company, known=known), status


@requires(Permission.COMPANY_EDIT)
def end_employment(person_id: int, employment_id: int) -> ResponseReturnValue:
    found = _get(person_id)
    job = next((e for e in found.employments if e.id == employment_id and e.until is None), None)
    if job is None:
        abort(404)
    services.end_employment(job)
    flash(_("Noted: no longer there."), "success")
    return redirect(url_for("directory.person", person_id=person_id))


@requires(Permission.COMPANY_EDIT)
def withdraw_consent(person_id: int, purpose: str) -> ResponseReturnValue:
    """The person told us by phone or in person that a consent no longer holds."""
    found = _get(person_id)
    answer = queries.consent_of(found.id, purpose)
    if answer is None:
        abort(404)
    if answer.granted:
        consents.record_consent(
            found.id,
            purpose,
            False,
            text_version=answer.text_version,
            locale=answer.locale,
            channel="staff",
            edition_id=answer.edition_id,
        )
    flash(_("The consent is withdrawn."), "success")
    return redirect(url_for("directory.person", person_id=person_id))


@requires(Permission.COMPANY_EDIT)
def merge_person(person_id: int) -> ResponseReturnValue:
    """Put the person named in the form into this one. It can be undone."""
    found = _get(person_id)
    given = request.form.get("other", "")
    other = queries.find_person(int(given)) if given.isdecimal() and len(given) < 16 else None
    if other is None or other.id not in {p.id for p in queries.list_same_people(found)}:
        abort(404)
    try:
        made = duplicates.merge_people(found, other, user_id=current_principal().id)
    except DirectoryError:
        raise Refused(_("These two cannot be merged: a record of the one stands in the way of the other."), 409) from None
    flash(_("%(name)s was merged. You can undo this.", name=made.dropped_name), "success")
    return redirect(url_for("directory.person", person_id=made.kept_id))
