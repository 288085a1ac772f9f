"""My day: what is to be done, overdue first; tick off, postpone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, get_template_attribute, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import joinedload

from expo_crm.directory import queries, queries_day
from expo_crm.directory.domain import agenda
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import KIND_ICONS, KINDS, today
from expo_crm.directory.models import Activity, Company
from expo_crm.directory.services import activities as services
from expo_crm.lib import clock
from expo_crm.web import assets, i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

KEPT = {"when", "owner", "kind", "q", "sort", "desc", "page", "per_page"}
URGENCY_TONES = {"overdue": "danger", "today": "warning", "week": "info", "later": "neutral"}


def _due_cell(activity: Activity, edges: agenda.Horizon) -> Markup:
    if activity.done_at is not None:
        return listing.pill(_("done %(day)s", day=i18n.date(i18n_day(activity.done_at), "short")), "success")
    kind = agenda.urgency(activity.due_at, edges)
    label = _("today") if kind == "today" else i18n.date(i18n_day(activity.due_at), "short") if activity.due_at else "–"
    return listing.pill(label, URGENCY_TONES[kind])


def _kept() -> dict[str, Any]:
    """The list's own arguments, so that a tick comes back to the same filters."""
    return {k: v[:100] for k, v in request.args.items() if k in KEPT}


def i18n_day(at: dt.datetime) -> dt.date:
    return clock.local_day(at, i18n.current_zone())


_SUBJECT = Markup(
    '<span class="row-flow"><span class="muted" title="{kind}">{icon}<span class="visually-hidden">{kind}</span></span>'
    "<span>{subject}</span></span>"
)


def _when(value: str, edges: agenda.Horizon) -> ColumnElement[bool]:
    is_open = Activity.done_at.is_(None)
    return {
        "overdue": and_(is_open, Activity.due_at < edges.today),
        "today": and_(is_open, Activity.due_at >= edges.today, Activity.due_at < edges.tomorrow),
        "week": and_(is_open, Activity.due_at >= edges.tomorrow, Activity.due_at < edges.week),
        "open": is_open,
        "done": and_(Activity.done_at >= edges.today - dt.timedelta(days=14), Activity.due_at.is_not(None)),
    }[value]


def _filters(edges: agenda.Horizon, owners: list[Any]) -> list[listing.Filter]:
    return [
        listing.Filter(
            "when",
            _("When"),
            [
                ("", _("Up to today")),
                ("overdue", _("Overdue")),
                ("today", _("Today")),
                ("week", _("Next seven days")),
                ("open", _("All open")),
                ("done", _("Done in two weeks")),
            ],
            lambda v: _when(v, edges),
        ),
        listing.Filter(
            "owner",
            _("Who"),
            [("", _("Mine")), ("all", _("Everybody")), ("none", _("Nobody")), *((str(u.id), u.name) for u in owners)],
            lambda v: (
                true() if v == "all" else Activity.owner_id.is_(None) if v == "none" else Activity.owner_id == int(v)
            ),
        ),
        listing.Filter("kind", _("Kind"), list(KINDS.items()), lambda v: Activity.kind == v),
    ]


def _chosen(filters: list[listing.Filter], key: str) -> bool:
    """Whether the address names a choice of this filter; without one the list keeps to what is mine and due."""
    value = request.args.get(key, "")
    return value != "" and any(f.key == key and value in {v for v, _label in f.choices} for f in filters)


@requires(Permission.VIEW)
def tasks() -> ResponseReturnValue:
    edges = agenda.horizon(clock.now(), i18n.current_zone())
    me = current_principal().id
    may_edit = current_principal().can(Permission.COMPANY_EDIT)
    query = (
        select(Activity)
        .join(Activity.company)
        .options(joinedload(Activity.company), joinedload(Activity.owner), joinedload(Activity.person))
    )
    filters = _filters(edges, queries.list_owners())
    if not _chosen(filters, "owner"):
        query = query.where(Activity.owner_id == me)
    if not _chosen(filters, "when"):
        query = query.where(Activity.done_at.is_(None), Activity.due_at < edges.tomorrow)
    kinds = {kind: str(label) for kind, label in KINDS.items()}
    kept, buttons = _kept(), get_template_attribute("directory/_task_buttons.html", "task_buttons")
    page = listing.build(
        id="tasks",
        query=query,
        columns=[
            listing.Column(
                "due",
                _("Due"),
                lambda a: i18n.date(i18n_day(a.due_at)) if a.due_at else "",
                cell=lambda a: _due_cell(a, edges),
                sort=Activity.due_at,
                kind="status",
            ),
            listing.Column(
                "subject",
                _("What to do"),
                lambda a: a.subject,
                cell=lambda a: _SUBJECT.format(
                    kind=kinds[a.kind], icon=assets.icon(KIND_ICONS[a.kind]), subject=a.subject
                ),
                sort=Activity.subject,
                primary=True,
            ),
            listing.Column("company", _("Company"), lambda a: i18n.bi(a.company), sort=Company.sort_key),
            listing.Column("person", _("With whom"), lambda a: a.person.name if a.person else "", hide_on_phone=True),
            listing.Column(
                "owner", _("Who"), lambda a: a.owner.name if a.owner else "", sort=Activity.owner_id, hide_on_phone=True
            ),
            *(
                [
                    listing.Column(
                        "do",
                        _("Done or later"),
                        lambda a: "",
                        cell=lambda a: buttons(a, kept=kept) if a.done_at is None else "",
                    )
                ]
                if may_edit
                else []
            ),
        ],
        default_sort="due",
        tie_break=Activity.id,
        filters=filters,
        search=lambda q: Activity.subject.icontains(q, autoescape=True) | listing.contains(Company.search_key, q),
        search_hint=_("Subject or company"),
        empty=listing.Empty(
            "checklist",
            _("Nothing is due"),
            _("Calls and tasks that you plan on a company's page appear here on their day."),
            url_for("directory.companies"),
            _("To the companies"),
        ),
        row_url=lambda a: url_for("directory.company", company_id=a.company_id),
        bulk=[
            listing.Bulk(url_for("directory.finish_many", **_kept()), _("Done"), "check"),
            listing.Bulk(url_for("directory.postpone_many", **_kept()), _("A week later"), "calendar-plus"),
        ]
        if may_edit
        else (),
    )
    going, going_count = queries_day.list_going_back(me)
    done = queries_day.totals(edges.today, edges.tomorrow).get(me or 0, queries_day.Totals())
    return render_template(
        "directory/tasks.html",
        listing=page,
        counts=queries.count_open_actions(me, edges),
        kinds=queries_day.count_open_by_kind(me, edges.tomorrow),
        kind_labels=KINDS,
        kind_icons=KIND_ICONS,
        done=done,
        going=going,
        going_count=going_count,
        may_edit=may_edit,
    )


def _get(activity_id: int) -> Activity:
    found = queries.find_activity(activity_id)
    if found is None:
        abort(404)
    return found


def _back(activity: Activity) -> ResponseReturnValue:
    """To where the button was: the company's page or the day's list."""
    if request.form.get("back") == "company":
        if request.headers.get("HX-Request"):
            return redirect(url_for("directory.company_timeline", company_id=activity.company_id), 303)
        return redirect(url_for("directory.company", company_id=activity.company_id))
    return redirect(url_for("directory.tasks", **_kept()), 303)


@requires(Permission.COMPANY_EDIT)
def finish(activity_id: int) -> ResponseReturnValue:
    activity = _get(activity_id)
    try:
        services.finish(activity, note=request.form.get("note", "")[:2000])
    except DirectoryError:
        raise Refused(_("Somebody has ticked this off already."), 409) from None
    return _back(activity)


@requires(Permission.COMPANY_EDIT)
def postpone(activity_id: int) -> ResponseReturnValue:
    activity = _get(activity_id)
    try:
        services.postpone(activity, _new_moment(activity))
    except DirectoryError:
        raise Refused(_("Somebody has ticked this off already."), 409) from None
    return _back(activity)


def _new_moment(activity: Activity) -> dt.datetime:
    """From the button (``days``) or the date field (``day``)."""
    zone, typed = i18n.current_zone(), request.form.get("day", "")
    if typed:
        try:
            day = dt.date.fromisoformat(typed)
        except ValueError:
            raise Refused(_("This is no date."), 422) from None
        if not 0 <= (day - today()).days <= agenda.FURTHEST_DAYS:
            raise Refused(_("Please choose a day between today and three years ahead."), 422)
        return agenda.due_moment(day, zone)
    days = request.form.get("days", "1")
    if days not in ("1", "3", "7", "14", "30"):
        raise Refused(_("Please choose by how many days."), 422)
    return agenda.postponed(activity.due_at, int(days), clock.now(), zone)


def _ticked() -> list[Activity]:
    chosen = {int(v) for v in request.form.getlist("ids")[:1000] if v.isdecimal() and len(v) < 16}
    found = [a for a in queries.list_activities_by_id(chosen) if a.done_at is None]
    if not found:
        raise Refused(_("Please tick open actions first."), 422)
    return found


@requires(Permission.COMPANY_EDIT)
def finish_many() -> ResponseReturnValue:
    found = _ticked()
    for activity in found:
        services.finish(activity)
    flash(ngettext("%(num)s action is done.", "%(num)s actions are done.", len(found)), "success")
    return redirect(url_for("directory.tasks", **_kept()))


@requires(Permission.COMPANY_EDIT)
def postpone_many() -> ResponseReturnValue:
    found, now, zone = _ticked(), clock.now(), i18n.current_zone()
    for activity in found:
        services.postpone(activity, agenda.postponed(activity.due_at, 7, now, zone))
    flash(ngettext("%(num)s action moved by a week.", "%(num)s actions moved by a week.", len(found)), "success")
    return redirect(url_for("directory.tasks", **_kept()))
