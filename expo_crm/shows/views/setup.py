"""First set-up, and the next edition as a clone of the last."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.shows import queries
from expo_crm.shows.domain import planning
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.forms import PROBLEMS, FirstForm, NextEditionForm
from expo_crm.shows.services import editions as services
from expo_crm.web.policy import Permission, requires

DATE_PROBLEMS = {"dates-order", "dates-long", "dates-year"}


@requires(Permission.SETTINGS)
def new_show() -> ResponseReturnValue:
    """The show and its first edition. A second show can be set up here too."""
    form = FirstForm(data={"timezone": "Asia/Shanghai", "currency": "CNY"})
    if form.validate_on_submit():
        try:
            planning.check_dates(form.starts_on.data, form.ends_on.data)
            show = services.create_show(
                **{
                    n: form[n].data or ""
                    for n in ("name_zh", "name_en", "code", "organizer_zh", "organizer_en", "privacy_contact")
                }
            )
            edition = services.create_edition(
                show,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                venue_zh=form.venue_zh.data or "",
                venue_en=form.venue_en.data or "",
                timezone=form.timezone.data or "",
                currency=form.currency.data or "",
            )
        except ShowError as error:
            field = (
                form.ends_on
                if error.code in DATE_PROBLEMS
                else form.code
                if error.code == "code-taken"
                else form.name_zh
            )
            field.errors = [PROBLEMS[error.code]]
        else:
            flash(_("The show is set up. Next: halls and categories."), "success")
            return redirect(url_for("shows.settings", edition=edition.slug))
    status = 422 if form.is_submitted() else 200
    return render_template("shows/new_show.html", form=form, first=queries.find_show() is None), status


@requires(Permission.SETTINGS)
def new_edition() -> ResponseReturnValue:
    """The next edition: same week next year, same venue and halls, ready to be corrected."""
    last = g.edition
    starts_on, ends_on = planning.next_dates(last.starts_on, last.ends_on, _cycle())
    form = NextEditionForm(
        data={
            "starts_on": starts_on,
            "ends_on": ends_on,
            "name_zh": planning.next_name(last.name_zh, last.starts_on.year, starts_on.year),
            "name_en": planning.next_name(last.name_en, last.starts_on.year, starts_on.year),
        }
    )
    if form.validate_on_submit():
        try:
            edition = services.create_edition(
                last.show,
                previous=last,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                name_zh=form.name_zh.data or "",
                name_en=form.name_en.data or "",
            )
        except ShowError as error:
            form.ends_on.errors = [PROBLEMS[error.code]]
        else:
            flash(_("The next edition is made. Check its settings."), "success")
            return redirect(url_for("shows.settings", edition=edition.slug))
    status = 422 if form.is_submitted() else 200
    return render_template("shows/new_edition.html", form=form, later=queries.find_next_edition(last)), status


def _cycle() -> int:
    """Years between the last two editions; 1 when there is only one."""
    before = queries.find_previous_edition(g.edition)
    return max(1, min(5, g.edition.starts_on.year - before.starts_on.year)) if before else 1
