"""Pavilions and shared stands, for staff."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Company
from expo_crm.directory.services import companies
from expo_crm.exhibitors import queries_inventory as found_in
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.forms import choices
from expo_crm.exhibitors.inventory_forms import PavilionForm, ShareForm
from expo_crm.exhibitors.models import Booth, Pavilion
from expo_crm.exhibitors.services import booth_prices, pavilions, stand_sharing
from expo_crm.exhibitors.views import inventory_words, labels
from expo_crm.exhibitors.views.inventory import tabs
from expo_crm.lib import stands, text
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.VIEW)
def pavilion_list() -> ResponseReturnValue:
    return render_template(
        "exhibitors/inventory/pavilions.html",
        pavilions=found_in.list_pavilions(g.edition.id),
        counts=found_in.count_pavilions(g.edition.id),
        figures=stand_sharing.figures(g.edition.id),
        may_sell=current_principal().can(Permission.SELL),
        tabs=tabs(),
    )


def _get(pavilion_id: int) -> Pavilion:
    found = found_in.find_pavilion(g.edition.id, pavilion_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.SELL)
def edit_pavilion(pavilion_id: int | None = None) -> ResponseReturnValue:
    found = _get(pavilion_id) if pavilion_id is not None else None
    given: dict[str, Any] = {}
    if found is not None:
        given = {"organizer": found.organizer_id, "booths": "\n".join(b.code for b in pavilions.list_booths(found))}
    form = PavilionForm(obj=found, **given)
    mains = {p.id: p for p in found_in.list_mains(g.edition.id)}
    form.organizer.choices = [
        ("", _("Choose a company")),
        *((p.id, i18n.bi(p.company) + (f" · {p.stands}" if p.stands else "")) for p in mains.values()),
    ]
    back = url_for("exhibitors.pavilion", pavilion_id=found.id) if found else url_for("exhibitors.pavilions")
    if form.validate_on_submit():
        ids = _booth_ids(form)
        if ids is not None and form.organizer.data in mains:
            try:
                made = pavilions.save(
                    g.edition,
                    found,
                    mains[form.organizer.data],
                    name_zh=form.name_zh.data or "",
                    name_en=form.name_en.data or "",
                    entry_limit=form.entry_limit.data or 0,
                    closes_on=form.closes_on.data,
                    booth_ids=ids,
                )
            except RuleRefused as refused:
                form.form_errors.append(labels.words(refused))
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("exhibitors.pavilion", pavilion_id=made.id))
    return render_template(
        "exhibitors/inventory/form.html",
        form=form,
        title=i18n.bi(found) if found else _("New pavilion"),
        back=back,
        hint=_("Booth numbers, separated by commas or lines. 0 companies means: as many as there are booths."),
    ), 422 if form.is_submitted() else 200


def _booth_ids(form: PavilionForm) -> list[int] | None:
    """The booths whose numbers were typed; None with the unknown ones named at the field."""
    typed = [t for t in re.split(r"[,，;；、\s]+", form.booths.data or "") if t][:400]
    keys = {stands.stand_key(t) or "": t for t in typed}
    rows = db.session.execute(
        select(Booth.code_key, Booth.id).where(
            Booth.edition_id == g.edition.id, Booth.code_key.in_(keys), Booth.retired_at.is_(None)
        )
    ).all()
    there = dict(rows)  # type: ignore[arg-type]
    unknown = [t for key, t in keys.items() if key not in there]
    if unknown:
        form.booths.errors = [_("There is no booth %(codes)s.", codes=", ".join(unknown[:8]))]
        return None
    return list(there.values())


@requires(Permission.VIEW)
def pavilion(pavilion_id: int) -> ResponseReturnValue:
    found = _get(pavilion_id)
    entries = pavilions.list_entries(found)
    booths = pavilions.list_booths(found)
    similar = {
        e.id: directory.find_similar_companies(e.name_zh, e.name_en, domain=e.website, limit=3)
        for e in [e for e in entries if e.state == "entered"][:25]
    }
    return render_template(
        "exhibitors/inventory/pavilion.html",
        pavilion=found,
        entries=entries,
        booths=booths,
        m2=sum(b.area_m2 for b in booths),
        similar=similar,
        limit=pavilions.limit_of(found),
        used=sum(e.state != "refused" for e in entries),
        closed=pavilions.is_closed(found, booth_prices.today_of(g.edition)),
        words=inventory_words,
        may_sell=current_principal().can(Permission.SELL),
    )


@requires(Permission.SELL)
def decide_entry(entry_id: int) -> ResponseReturnValue:
    """This company of the file, a new one, or no."""
    entry = found_in.find_entry(g.edition.id, entry_id)
    if entry is None:
        abort(404)
    decision = request.form.get("decision", "")
    with labels.answering():
        if decision == "refuse":
            pavilions.refuse(entry, text.clean(request.form.get("reason", ""))[:300])
            flash(_("The entry is refused."), "success")
        else:
            company = _new(entry) if decision == "new" else _chosen(decision)
            pavilions.take(entry, company)
            flash(_("%(name)s is a co-exhibitor of this pavilion.", name=i18n.bi(company)), "success")
    return redirect(url_for("exhibitors.pavilion", pavilion_id=entry.pavilion_id))


def _new(entry: Any) -> Company:
    return companies.create_company(
        name_zh=entry.name_zh, name_en=entry.name_en, country=entry.country, website=entry.website
    )


def _chosen(raw: str) -> Company:
    found = directory.find_company(int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
    if found is None:
        abort(404)
    return found


# --- shared stands -------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def stand(participation_id: int) -> ResponseReturnValue:
    """Who stands with an exhibitor; adding one goes over the customer file, so that no company is made twice."""
    host = found_in.find_participation_by_id(g.edition.id, participation_id)
    if host is None:
        abort(404)
    if host.host is not None and request.method == "GET":
        return redirect(url_for("exhibitors.stand", participation_id=host.host_id))
    may_sell = current_principal().can(Permission.SELL)
    if request.method == "POST" and not may_sell:
        abort(403)
    own = stand_sharing.list_stands(host)
    form = ShareForm()
    form.role.choices = choices({k: labels.ROLES[k] for k in ("co", "represented")})
    form.booths.choices = [(b.id, b.code) for b in own]
    if not form.is_submitted() and len(own) == 1:
        form.booths.data = [own[0].id]
    similar: list[Any] = []
    asked = False
    if form.validate_on_submit():
        answer = request.form.get("company", "")
        chinese = any("\u4e00" <= c <= "\u9fff" for c in form.name.data or "")
        names = {"name_zh": form.name.data if chinese else "", "name_en": "" if chinese else form.name.data}
        similar = directory.find_similar_companies(**names)  # type: ignore[arg-type]
        asked = bool(similar) and not answer
        if not asked:
            try:
                company = companies.create_company(**names) if answer in {"", "new"} else _chosen(answer)
                stand_sharing.add(
                    host,
                    company,
                    form.role.data,
                    form.booths.data or [],
                    fascia_zh=form.fascia_zh.data or "",
                    fascia_en=form.fascia_en.data or "",
                )
            except RuleRefused as refused:
                form.form_errors.append(labels.words(refused))
            else:
                flash(_("%(name)s is on the stand.", name=i18n.bi(company)), "success")
                return redirect(url_for("exhibitors.stand", participation_id=host.id))
    return render_template(
        "exhibitors/inventory/stand.html",
        host=host,
        own=own,
        guests=stand_sharing.list_guests(host),
        form=form,
        similar=similar,
        asked=asked,
        roles=labels.ROLES,
        may_sell=may_sell,
    ), 422 if form.is_submitted() and not asked else 200


@requires(Permission.SELL)
def leave_stand(participation_id: int, guest_id: int) -> ResponseReturnValue:
    host = found_in.find_participation_by_id(g.edition.id, participation_id)
    guest = found_in.find_participation_by_id(g.edition.id, guest_id)
    if host is None or guest is None:
        abort(404)
    with labels.answering():
        stand_sharing.remove(host, guest)
    flash(_("%(name)s is off the stand.", name=i18n.bi(guest.company)), "success")
    return redirect(url_for("exhibitors.stand", participation_id=host.id))
