"""Settings of an edition: its own data, opening hours, halls, and the show it belongs to."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.shows import queries
from expo_crm.shows.domain import planning
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.forms import PROBLEMS, EditionForm, HallForm, ShowForm
from expo_crm.shows.services import editions as services
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires

WINDOW = ("registration_opens_at", "registration_closes_at")
FIELDS = (
    "name_zh",
    "name_en",
    "number",
    "state",
    "starts_on",
    "ends_on",
    "venue_zh",
    "venue_en",
    "address_zh",
    "address_en",
    "timezone",
    "currency",
    "intro_zh",
    "intro_en",
)
PROBLEM_FIELDS = {"zone": "timezone", "window-order": "registration_closes_at"}


def _edition_data() -> dict[str, Any]:
    data = {name: getattr(g.edition, name) for name in (*FIELDS, *WINDOW)}
    for name in WINDOW:
        if data[name] is not None:
            data[name] = clock.to_local(data[name], g.edition.timezone).replace(tzinfo=None)
    return data


@requires(Permission.SETTINGS)
def settings() -> ResponseReturnValue:
    form = EditionForm(data=_edition_data())
    if form.validate_on_submit():
        try:
            services.update_edition(g.edition, **form.values())
        except ShowError as error:
            form[PROBLEM_FIELDS.get(error.code, "ends_on")].errors = [PROBLEMS[error.code]]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("shows.settings"))
    return _page(form=form)


@requires(Permission.SETTINGS)
def show_settings() -> ResponseReturnValue:
    """The show's names, organizer and privacy contact."""
    form = ShowForm(obj=g.edition.show, prefix="show-")
    if form.validate_on_submit():
        values = {f.short_name: f.data or "" for f in form if f.short_name != "csrf_token"}
        values["name_zh"], values["name_en"] = (
            values["name_zh"] or values["name_en"],
            values["name_en"] or values["name_zh"],
        )
        services.update_show(g.edition.show, **values)
        flash(_("Saved."), "success")
        return redirect(url_for("shows.settings"))
    return _page(show_form=form)


@requires(Permission.SETTINGS)
def hours() -> ResponseReturnValue:
    """Opening hours of every day; a day without its tick stays closed."""
    wanted: dict[dt.date, tuple[dt.time, dt.time] | None] = {}
    try:
        for day in planning.days_between(g.edition.starts_on, g.edition.ends_on):
            span = None
            if request.form.get(f"open-{day}") == "1":
                span = (_time(f"from-{day}"), _time(f"to-{day}"))
            wanted[day] = span
        services.set_hours(g.edition, wanted)
    except ShowError as error:
        raise Refused(str(PROBLEMS[error.code]), 422) from None
    flash(_("Saved."), "success")
    return redirect(url_for("shows.settings"))


def _time(name: str) -> dt.time:
    try:
        return dt.time.fromisoformat(request.form.get(name, "")).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Refused(_("Please give the times as 09:00."), 422) from None


@requires(Permission.SETTINGS)
def new_hall() -> ResponseReturnValue:
    form = HallForm()
    if form.validate_on_submit():
        try:
            services.add_hall(g.edition, **_hall_values(form))
        except ShowError as error:
            form.code.errors = [PROBLEMS[error.code]]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("shows.settings"))
    return render_template("shows/hall.html", form=form, hall=None), 422 if form.is_submitted() else 200


@requires(Permission.SETTINGS)
def edit_hall(hall_id: int) -> ResponseReturnValue:
    hall = queries.find_hall(g.edition.id, hall_id)
    if hall is None:
        abort(404)
    form = HallForm(obj=hall)
    if form.validate_on_submit():
        try:
            services.update_hall(g.edition, hall, **_hall_values(form))
        except ShowError as error:
            form.code.errors = [PROBLEMS[error.code]]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("shows.settings"))
    return render_template("shows/hall.html", form=form, hall=hall), 422 if form.is_submitted() else 200


def _hall_values(form: HallForm) -> dict[str, Any]:
    code = form.code.data or ""
    return {
        "code": code,
        "name_zh": form.name_zh.data or form.name_en.data or code,
        "name_en": form.name_en.data or form.name_zh.data or code,
        "width_m": form.width_m.data,
        "depth_m": form.depth_m.data,
        "capacity": form.capacity.data,
    }


def _page(*, form: EditionForm | None = None, show_form: ShowForm | None = None) -> ResponseReturnValue:
    form = form or EditionForm(formdata=None, data=_edition_data())
    shown = show_form or ShowForm(formdata=None, obj=g.edition.show, prefix="show-")
    open_days = {day.day: day for day in g.edition.days}
    return render_template(
        "shows/settings.html",
        form=form,
        show_form=shown,
        days=[(day, open_days.get(day)) for day in planning.days_between(g.edition.starts_on, g.edition.ends_on)],
        halls=queries.list_halls(g.edition.id),
        later=queries.find_next_edition(g.edition),
    ), 422 if request.method == "POST" else 200
