"""/e/<edition>/zones: the areas behind the gates, who may enter them and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from expo_crm.onsite import queries, queries_zones
from expo_crm.onsite.gate_forms import FALLBACKS, PASSBACKS, PERIODS, WHOLE_SHOW, WindowForm, ZoneForm
from expo_crm.onsite.models import Zone
from expo_crm.onsite.services import zones as services
from expo_crm.shows import queries as shows
from expo_crm.visitors import queries as visitors
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.VIEW)
def zones() -> ResponseReturnValue:
    """Every zone with its rules, and who may enter which."""
    found = queries_zones.list_zones(g.edition.id)
    doors: dict[str, list[Any]] = {}
    for gate in queries.list_gates(g.edition.id):
        doors.setdefault(gate.zone, []).append(gate)
    classes = visitors.list_classes(g.edition.id)
    return render_template(
        "onsite/zones.html",
        zones=[_line(z, doors.get(z.code, [])) for z in found],
        classes=classes,
        passbacks=PASSBACKS,
        fallbacks=FALLBACKS,
        periods=PERIODS,
        may_edit=current_principal().can(Permission.GATE),
    )


def _line(zone: Zone, doors: list[Any]) -> dict[str, Any]:
    return {
        "zone": zone,
        "label": bi(zone) if zone.code == WHOLE_SHOW else f"{zone.code} · {bi(zone)}",
        "capacity": zone.capacity or (zone.hall.capacity if zone.hall else None),
        "doors": doors,
        "no_exit": zone.anti_passback == "hard" and all(d.direction == "entry" for d in doors),
    }


@requires(Permission.GATE)
def new_zone() -> ResponseReturnValue:
    form = ZoneForm()
    form.prepare(g.edition, shows.list_halls(g.edition.id))
    if form.validate_on_submit():
        zone = services.create_zone(g.edition.id, form.code.data, **form.fields())
        flash(_("Zone %(code)s is set up. Now let a gate lead into it.", code=zone.code), "success")
        return redirect(url_for("onsite.edit_zone", zone_id=zone.id))
    return render_template("onsite/zones_form.html", form=form, zone=None, fallbacks=FALLBACKS), (
        422 if form.errors else 200
    )


@requires(Permission.GATE)
def edit_zone(zone_id: int) -> ResponseReturnValue:
    zone = _zone(zone_id)
    form = ZoneForm(obj=zone)
    form.prepare(g.edition, shows.list_halls(g.edition.id), zone)
    if not form.is_submitted():
        form.cooldown_minutes.data = zone.cooldown_minutes or None
        if "hall" in form:
            form.hall.data = str(zone.hall_id) if zone.hall_id else ""
    if form.validate_on_submit():
        services.update_zone(zone, **form.fields())
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.zones", _anchor=f"zone-{zone.id}"))
    return _zone_page(zone, form, _window_form(empty=True)), 422 if form.errors else 200


def _zone_page(zone: Zone, form: ZoneForm, window: WindowForm) -> str:
    names = {c.code: bi(c) for c in visitors.list_classes(g.edition.id)}
    return render_template(
        "onsite/zones_form.html",
        form=form,
        zone=zone,
        window=window,
        windows=[
            {
                "window": w,
                "who": names.get(w.class_code, w.class_code) if w.class_code else _("Every class"),
                "day": _day_label(w.day) if w.day else _("Every opening day"),
            }
            for w in zone.windows
        ],
        fallbacks=FALLBACKS,
    )


def _zone(zone_id: int) -> Zone:
    found = services.get_zone(g.edition.id, zone_id) if zone_id < 2**53 else None
    if found is None:
        abort(404)
    return found


def _window_form(*, empty: bool = False) -> WindowForm:
    form = WindowForm(formdata=None) if empty else WindowForm()
    form.prepare(g.edition, visitors.list_classes(g.edition.id), _day_label)
    return form


def _day_label(day: dt.date) -> str:
    label = format_date(day, "M月d日 EEE" if locale() == "zh" else "EEE d MMM")
    if day < g.edition.starts_on:
        return _("%(day)s (build-up)", day=label)
    return _("%(day)s (dismantling)", day=label) if day > g.edition.ends_on else label


@requires(Permission.GATE)
def add_window(zone_id: int) -> ResponseReturnValue:
    zone = _zone(zone_id)
    window = _window_form()
    if window.validate_on_submit():
        day = dt.date.fromisoformat(window.day.data) if window.day.data else None
        try:
            services.add_window(zone, window.class_code.data, day, window.opens_at.data, window.closes_at.data)
        except services.WindowTaken:
            raise Refused(_("There is a time for this class and day that begins at the same minute."), 409) from None
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.edit_zone", zone_id=zone.id, _anchor="windows"))
    form = ZoneForm(formdata=None, obj=zone)
    form.prepare(g.edition, shows.list_halls(g.edition.id), zone)
    return _zone_page(zone, form, window), 422


@requires(Permission.GATE)
def remove_window(zone_id: int, window_id: int) -> ResponseReturnValue:
    zone = _zone(zone_id)
    window = next((w for w in zone.windows if w.id == window_id), None)
    if window is None:
        abort(404)
    services.remove_window(zone, window)
    flash(_("Removed."), "success")
    return redirect(url_for("onsite.edit_zone", zone_id=zone.id, _anchor="windows"))


@requires(Permission.GATE)
def delete_zone(zone_id: int) -> ResponseReturnValue:
    zone = _zone(zone_id)
    try:
        services.delete_zone(zone)
    except services.InUse:
        raise Refused(_("A gate leads into this zone, or badges were read there. It cannot be removed."), 409) from None
    flash(_("Removed."), "success")
    return redirect(url_for("onsite.zones"))


@requires(Permission.GATE)
def matrix() -> ResponseReturnValue:
    """Class × zone: boxes of a zone that are all ticked mean every class, classes that come later too."""
    found = queries_zones.list_zones(g.edition.id)
    every = {c.code for c in visitors.list_classes(g.edition.id)}
    wanted: dict[int, list[str]] = {}
    for zone in found:
        ticked = set(request.form.getlist(f"zone-{zone.id}")) & every
        if every and not ticked:
            raise Refused(_("Nobody could enter %(zone)s. Tick at least one class.", zone=bi(zone)))
        wanted[zone.id] = [] if ticked == every else sorted(ticked)
    if services.set_matrix(found, wanted):
        flash(_("Saved."), "success")
    return redirect(url_for("onsite.zones", _anchor="matrix"))

