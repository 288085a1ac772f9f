"""Making and changing a company: duplicates are named while typing, two editors never overwrite each other unseen."""

from __future__ import annotations

from typing import Any, cast

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.accounts.models import User
from expo_crm.directory import custom_forms, queries
from expo_crm.directory.domain import naming
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.domain.ownership import protected_by_other
from expo_crm.directory.forms import SOURCES, CompanyForm, today
from expo_crm.directory.labels import EVIDENCE
from expo_crm.directory.models import Company
from expo_crm.directory.services import companies as services
from expo_crm.directory.services import custom
from expo_crm.directory.work_forms import reason_of
from expo_crm.lib.phones import parse_phone
from expo_crm.web import i18n
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

IDENTITY = ("name_zh", "name_en", "tax_id", "website", "phone")


def _get(company_id: int) -> Company:
    found = queries.find_company(company_id)
    if found is None:
        abort(404)
    return found


def _form(company: Company | None = None) -> CompanyForm:
    own = cast("type[CompanyForm]", custom_forms.with_fields(CompanyForm, custom.list_fields("company")))
    owners = queries.list_owners()
    if company is not None and company.owner is not None and company.owner not in owners:
        owners.append(company.owner)  # left the house; stays until somebody else takes over
    if company is None:
        return own(owners=owners, data={"owner_id": current_principal().id, "country": "CN", "source": ""})
    data = {name: getattr(company, name) for name in services.FIELDS}
    data |= {
        "version": company.version,
        "aliases": "\n".join(n.name for n in company.names),
        "domains": " ".join(d.domain for d in company.domains),
        "parent": i18n.bi(company.parent) if company.parent else "",
        **custom_forms.stored_data(company.custom),
    }
    return own(owners=owners, own_id=company.id, data=data)


def _similar(values: dict[str, Any], own_id: int | None) -> list[queries.Similar]:
    return queries.find_similar_companies(
        values.get("name_zh") or "",
        values.get("name_en") or "",
        values.get("tax_id") or "",
        values.get("website") or "",
        phone=parse_phone(values.get("phone") or "", values.get("country") or "CN").e164 or "",
        exclude_id=own_id,
        limit=5,
    )


def _contacted(found: list[queries.Similar]) -> dict[int, Any]:
    return queries.last_contacts([item.company.id for item in found])


@requires(Permission.COMPANY_EDIT)
def similar() -> ResponseReturnValue:
    """The fragment below the names: who is there already."""
    values = {name: request.args.get(name, "")[:300] for name in IDENTITY}
    own = request.args.get("own", "")
    found = _similar(values, int(own) if own.isdecimal() and len(own) < 16 else None)
    return render_template("directory/_similar.html", similar=found, evidence=EVIDENCE, contacted=_contacted(found), confirmed=False)


@requires(Permission.COMPANY_EDIT)
def new_company() -> ResponseReturnValue:
    form = _form()
    found: list[queries.Similar] = []
    if form.validate_on_submit():
        found = _similar(form.values(), None)
        reason = reason_of(request.form.get("reason", ""))
        if not _in_the_way(form, found, reason):
            company = services.create_company(aliases=form.alias_list(), reason=reason if found else "", **form.values())
            services.set_domains(company, form.domain_list())
            custom.set_values(company, custom_forms.read_values(form, custom.list_fields("company")))
            flash(_("Saved."), "success")
            return redirect(url_for("directory.company", company_id=company.id))
    return _page(form, found, None)


@requires(Permission.COMPANY_EDIT)
def edit_company(company_id: int) -> ResponseReturnValue:
    company = _get(company_id)
    form = _form(company)
    found: list[queries.Similar] = []
    if form.validate_on_submit():
        found = _similar(_changed_keys(form, company), company.id)
        if not _in_the_way(form, found):
            return _save(company, form)
    return _page(form, found, company)


def _changed_keys(form: CompanyForm, company: Company) -> dict[str, Any]:
    """What this edit changed of the names and keys: an old likeness is no news."""
    values = form.values()
    values["tax_id"] = naming.tax_code(values["tax_id"])
    return {n: values[n] for n in IDENTITY if values[n] != getattr(company, n)}


def _in_the_way(form: CompanyForm, found: list[queries.Similar], reason: str | None = None) -> bool:
    """An equal tax id or domain refuses, and so does the same name under a colleague's protection (撞单); a similar name asks
    for a tick and, with ``reason`` not None, for a reason."""
    me, day = current_principal().id, today()
    for item in found:
        kept = item.company
        if reason is not None and item.verdict == "same" and protected_by_other(kept.owner_id, kept.protected_until, me, day):
            form.form_errors.append(
                _(
                    "%(name)s is protected for %(owner)s until %(day)s. Please talk to the colleague.",
                    name=i18n.bi(kept),
                    owner=kept.owner.name if kept.owner else "",
                    day=i18n.date(kept.protected_until),
                )
            )
        if "tax-id" in item.evidence:
            form.tax_id.errors = [_("A company with this tax id exists already.")]
        if "domain" in item.evidence:
            form.website.errors = [
                _("A company with this web domain exists already. A sister company can be saved without a website.")
            ]
    if form.errors:
        return True
    if found and not form.confirmed.data:
        form.form_errors.append(_("A similar company exists already. Open it, or tick that this is another one."))
        return True
    if found and reason == "":
        form.form_errors.append(_("Please write why this company is entered although a similar one is there."))
        return True
    return False


def _page(form: CompanyForm, found: list[queries.Similar], company: Company | None) -> ResponseReturnValue:
    status = 422 if form.is_submitted() else 200
    return render_template(
        "directory/company_form.html",
        form=form,
        company=company,
        similar=found,
        evidence=EVIDENCE,
        contacted=_contacted(found),
        own_fields=[f for f in form if f.short_name.startswith(custom_forms.PREFIX)],
        confirmed=form.confirmed.data,
        reason=request.form.get("reason", "")[:300],
    ), status


def _save(company: Company, form: CompanyForm) -> ResponseReturnValue:
    seen = form.version.data or ""
    try:
        services.update_company(
            company,
            version=int(seen) if seen.isdecimal() and len(seen) < 10 else 0,
            aliases=form.alias_list(),
            **form.values(),
        )
    except DirectoryError as error:
        if error.code == "stale":
            return _conflict(company, form)
        if error.code != "tax-id-taken":
            raise
        form.tax_id.errors = [_("A company with this tax id exists already.")]
        return _page(form, [], company)
    services.set_domains(company, form.domain_list())
    custom.set_values(company, custom_forms.read_values(form, custom.list_fields("company")))
    flash(_("Saved."), "success")
    return redirect(url_for("directory.company", company_id=company.id))


def _conflict(company: Company, form: CompanyForm) -> ResponseReturnValue:
    """Somebody saved meanwhile: show both, field by field, and let the editor decide."""
    mine = form.values() | {"aliases": form.alias_list()}
    theirs = {name: getattr(company, name) for name in form.values()} | {"aliases": [n.name for n in company.names]}
    mine["tax_id"] = naming.tax_code(mine["tax_id"])
    mine["parent"], theirs["parent"] = mine.pop("parent_id"), theirs.pop("parent_id")
    differing = [
        (form[name].label.text, _shown(name, theirs[name]), _shown(name, mine[name]))
        for name in mine
        if (mine[name] or "") != (theirs[name] or "")
    ]
    return render_template(
        "directory/company_conflict.html",
        company=company,
        title=i18n.bi(company),
        back=url_for("directory.company", company_id=company.id),
        differing=differing,
        by=queries.find_last_editor(company.id),
        form=form,
    ), 409


def _shown(name: str, value: Any) -> str:
    if name == "parent":
        above = queries.find_company(value) if value else None
        return i18n.bi(above) if above else ""
    if name == "owner_id":
        user = queries.find_user(value) if value else None
        return user.name if isinstance(user, User) else ""
    if name == "country":
        return country_name(value or "")
    if name == "source":
        return str(SOURCES.get(value or "", value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "; ".join(value) if isinstance(value, list) else str(value or "")
