"""/e/…/exhibitor-tasks: who is late with what, reminding in bulk, deadlines, drawings and changes to decide."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors import queries_tasks as queries
from expo_crm.exhibitors import task_labels
from expo_crm.exhibitors.domain.portal import Rule, Task, TaskKey, TaskState, share_done
from expo_crm.exhibitors.models import EntryChange
from expo_crm.exhibitors.portal_forms import EntryForm, RulesForm
from expo_crm.exhibitors.services import portal, portal_hooks
from expo_crm.exhibitors.services import portal_tasks as services
from expo_crm.exhibitors.services.portal_tasks import TaskRefused
from expo_crm.exhibitors.views import entry_diff
from expo_crm.exhibitors.views.portal import brands_line
from expo_crm.exhibitors.views.portal_tasks import drawing_of, refusal, remarks_of
from expo_crm.shows import queries as shows
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, current_principal, requires

WAITING = "open"


@requires(Permission.VIEW)
def board() -> ResponseReturnValue:
    """Every exhibitor with its share done, next task and what it is late with; filters by task and state."""
    people = queries.list_participations(g.edition.id)
    tasks = queries.tasks_by_exhibitor(g.edition, people)
    reminded: dict[int, dt.datetime] = {}

    def matching(test: Any) -> Any:
        return Participation.id.in_([pid for pid, mine in tasks.items() if test(mine)])

    def of(key: str, *states: TaskState) -> Any:
        return matching(lambda mine: any((not key or t.key == key) and t.state in states for t in mine))

    wanted = request.args.get("task", "")
    keys = [k for k in TaskKey if any(t.key == k for mine in tasks.values() for t in mine)]
    open_states = (TaskState.OPEN, TaskState.SOON, TaskState.OVERDUE)
    by_state = {
        "late": (_("Overdue"), (TaskState.OVERDUE,)),
        "soon": (_("Due soon"), (TaskState.SOON,)),
        "open": (_("Not done"), open_states),
        "done": (_("Done"), (TaskState.DONE,)),
    }
    page = listing.build(
        id="exhibitor-tasks",
        query=select(Participation)
        .join(Participation.company)
        .where(Participation.id.in_(list(tasks)))
        .options(contains_eager(Participation.company)),
        columns=[
            listing.Column("company", _("Company"), lambda p: i18n.bi(p.company), sort=Company.sort_key, primary=True),
            listing.Column("stands", _("Stands"), lambda p: p.stands, sort=Participation.stands),
            listing.Column("done", _("Prepared"), lambda p: f"{share_done(tasks[p.id])} %", kind="number"),
            listing.Column("late", _("Late with"), lambda p: _names(tasks[p.id], TaskState.OVERDUE)),
            listing.Column("next", _("Next task"), lambda p: _next(tasks[p.id]), hide_on_phone=True),
            listing.Column(
                "reminded", _("Last reminded"), lambda p: i18n.date(reminded[p.id]) if p.id in reminded else "", hide_on_phone=True
            ),
            listing.Column("open", _("Not done"), lambda p: _names(tasks[p.id], *open_states), export_only=True),
        ],
        default_sort="company",
        tie_break=Participation.id,
        filters=[
            listing.Filter("task", _("Task"), [(str(k), task_labels.TITLES[k]) for k in keys], lambda v: of(v, *TaskState)),
            listing.Filter(
                "state",
                _("State"),
                [(key, label) for key, (label, _states) in by_state.items()],
                lambda v: of(wanted, *by_state[v][1]),
            ),
        ],
        search=lambda q: listing.contains(Company.search_key, q) | Participation.stands.contains(q, autoescape=True),
        search_hint=_("Company or stand"),
        empty=listing.Empty(
            "list-check", _("Nobody here"), _("Exhibitors with their tasks appear with their first signed contract.")
        ),
        row_url=lambda p: url_for("exhibitors.exhibitor_tasks", edition=g.edition.slug, participation_id=p.id),
        bulk=[
            listing.Bulk(
                url_for("exhibitors.task_chase", edition=g.edition.slug, task=wanted or None),
                _("Remind by mail"),
                "mail-forward",
                _("Each chosen exhibitor gets one mail about what it is late with."),
            )
        ]
        if current_principal().can(Permission.SELL)
        else [],
        load=lambda rows: reminded.update(queries.last_reminded([p.id for p in rows])),
    )
    rules = queries.task_rules(g.edition)
    return render_template(
        "exhibitors/task_board.html",
        listing=page,
        bars=[_bar(key, tasks, rules) for key in keys],
        changes=services.count_open_changes(g.edition.id),
        share=sum(share_done(mine) for mine in tasks.values()) // len(tasks) if tasks else None,
        late=sum(any(t.state is TaskState.OVERDUE for t in mine) for mine in tasks.values()),
        total=len(tasks),
        may_rule=current_principal().can(Permission.SETTINGS),
    )


def _names(tasks: list[Task], *states: TaskState) -> str:
    return ", ".join(str(task_labels.TITLES[t.key]) for t in tasks if t.state in states)


def _next(tasks: list[Task]) -> str:
    found = next((t for t in tasks if t.state is not TaskState.DONE and t.state is not TaskState.OVERDUE), None)
    if found is None:
        return ""
    title = str(task_labels.TITLES[found.key])
    return f"{title} ({i18n.date(found.due)})" if found.due else title


def _bar(key: TaskKey, tasks: dict[int, list[Task]], rules: dict[TaskKey, Rule]) -> dict[str, Any]:
    mine = [t for rows in tasks.values() for t in rows if t.key == key]
    late = sum(t.state is TaskState.OVERDUE for t in mine)
    return {
        "title": task_labels.TITLES[key],
        "due": rules[key].due_on if key in rules else None,
        "done": sum(t.state is TaskState.DONE for t in mine),
        "total": len(mine),
        "late": late,
        "url": url_for("exhibitors.task_board", edition=g.edition.slug, task=str(key), state="late" if late else "open"),
    }


@requires(Permission.SELL)
def chase() -> ResponseReturnValue:
    """One mail to each chosen exhibitor."""
    chosen = [int(v) for v in request.form.getlist("ids")[:200] if re.fullmatch(r"\d{1,15}", v, re.ASCII)]
    if not chosen:
        raise Refused(_("Please choose exhibitors first."), 422)
    raw = request.args.get("task", "")
    done, left = services.chase(g.edition, chosen, TaskKey(raw) if raw in set(TaskKey) else None)
    flash(_("%(count)s exhibitors are reminded by mail.", count=done), "success")
    if left:
        flash(
            _("%(count)s got none: nothing is open, they were reminded today already, or there is no address.", count=left), "info"
        )
    return redirect(url_for("exhibitors.task_board", edition=g.edition.slug, task=raw or None))


@requires(Permission.SETTINGS)
def rules() -> ResponseReturnValue:
    """Deadlines, badge quota, publication and freeze of the directory."""
    known, rules = queries.task_rules(g.edition), queries.find_rules(g.edition.id)
    form = RulesForm(obj=rules, data=None if rules else {"badges": 3, "badge_m2": Decimal(9)})
    rows = [
        {
            "key": key,
            "title": task_labels.TITLES[key],
            "due": request.form.get(f"due_{key}", rule.due_on.isoformat()),
            "active": f"active_{key}" in request.form if request.method == "POST" else rule.active,
            "error": "",
        }
        for key, rule in sorted(known.items(), key=lambda item: item[1].due_on)
    ]
    if form.is_submitted():
        wanted = {}
        for row in rows:
            day = _day(row["due"])
            if day is None or abs((day - g.edition.starts_on).days) > 730:
                row["error"] = _("Please enter a date within two years of the show.")
            else:
                wanted[row["key"]] = Rule(day, row["active"])
        if form.validate() and len(wanted) == len(rows):
            services.save_rules(
                g.edition,
                wanted,
                badges=form.badges.data,
                badge_m2=filled(form.badge_m2),
                published_on=form.published_on.data,
                freeze_on=form.freeze_on.data,
            )
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.task_board", edition=g.edition.slug))
    return render_template("exhibitors/task_rules.html", form=form, rows=rows), 422 if form.is_submitted() else 200


def _day(raw: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(raw)
    except ValueError:
        return None


def _find(participation_id: int) -> Participation:
    found = queries.find_participation(g.edition.id, participation_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def exhibitor(participation_id: int) -> ResponseReturnValue:
    """One exhibitor: its tasks, drawings with their talk, fascia, badges, changes of the entry."""
    found = _find(participation_id)
    tasks = queries.tasks_by_exhibitor(g.edition, [found])[found.id]
    approval = queries.find_approval(found.id)
    tree = shows.list_categories(g.edition.show_id)
    return render_template(
        "exhibitors/exhibitor_tasks.html",
        found=found,
        tasks=tasks,
        percent=share_done(tasks),
        titles=task_labels.TITLES,
        looks=task_labels.LOOKS,
        approval=approval,
        build_state=task_labels.BUILD_STATES[approval.state if approval else ""],
        remarks=remarks_of(approval.remarks if approval else [], "organizer"),
        fascia=queries.find_fascia(found.id),
        badges=portal_hooks.list_badges(found.id),
        quota=services.quota_of(found),
        changes=[entry_diff.shown(c, tree) for c in queries.list_changes(found.id)[:20]],
        may_sell=current_principal().can(Permission.SELL),
    )


@requires(Permission.VIEW)
def changes() -> ResponseReturnValue:
    """Changes of directory entries that wait for a decision, oldest first."""
    waiting = db.session.scalars(
        select(EntryChange)
        .join(Participation, Participation.id == EntryChange.participation_id)
        .where(Participation.edition_id == g.edition.id, EntryChange.state == "open")
        .options(
            contains_eager(EntryChange.participation).joinedload(Participation.company), joinedload(EntryChange.asker)
        )
        .order_by(EntryChange.asked_at, EntryChange.id)
        .limit(50)
    ).all()
    tree = shows.list_categories(g.edition.show_id)
    return render_template(
        "exhibitors/entry_changes.html",
        changes=[entry_diff.shown(c, tree) for c in waiting],
        total=services.count_open_changes(g.edition.id),
        may_sell=current_principal().can(Permission.SELL),
    )


@requires(Permission.SELL)
def decide_change(change_id: int) -> ResponseReturnValue:
    found = db.session.scalar(
        select(EntryChange)
        .join(Participation, Participation.id == EntryChange.participation_id)
        .where(EntryChange.id == change_id, Participation.edition_id == g.edition.id)
    )
    if found is None:
        abort(404)
    decision = request.form.get("decision", "")
    version = request.form.get("version", "")
    if decision not in {"approved", "refused"} or not re.fullmatch(r"\d{1,9}", version, re.ASCII):
        raise Refused(_("Please choose what is to be done."), 422)
    try:
        services.decide_change(found, decision, request.form.get("remark", ""), version=int(version))
    except TaskRefused as error:
        words = _("Please say why.") if error.code == "blank" else refusal(error)
        raise Refused(words, 422 if error.code == "blank" else 409) from None
    flash(_("Approved: the entry is changed.") if decision == "approved" else _("Refused: the entry stays as it is."), "success")
    return redirect(url_for("exhibitors.entry_changes", edition=g.edition.slug))


@requires(Permission.SELL)
def entry(participation_id: int) -> ResponseReturnValue:
    """The organizer's own edit of an entry, also after the freeze."""
    found = _find(participation_id)
    shown = services.entry_state(found)
    form = EntryForm(data={**shown, "brands": brands_line(shown["brands"])})
    form.categories.choices = [(c.id, i18n.bi(c)) for c in shows.list_categories(g.edition.show_id)]
    if form.validate_on_submit():
        values = {name: form[name].data or "" for name in portal.ENTRY_FIELDS}
        portal.save_entry(found, values, form.brand_list, form.categories.data or [])
        flash(_("Saved."), "success")
        return redirect(url_for("exhibitors.exhibitor_tasks", edition=g.edition.slug, participation_id=found.id))
    return render_template("exhibitors/organizer_entry.html", found=found, form=form), 422 if form.is_submitted() else 200


@requires(Permission.SELL)
def fascia(participation_id: int) -> ResponseReturnValue:
    found = _find(participation_id)
    try:
        services.save_fascia(
            found, request.form.get("text_zh", ""), request.form.get("text_en", ""), organizer=True
        )
    except TaskRefused as error:
        raise Refused(refusal(error), 422) from None
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.exhibitor_tasks", edition=g.edition.slug, participation_id=found.id))


@requires(Permission.SELL)
def build(participation_id: int) -> ResponseReturnValue:
    """Approve the drawings, ask for changes, or just say something."""
    found = _find(participation_id)
    approval = queries.find_approval(found.id)
    if approval is None:
        abort(404)
    decision, words = request.form.get("decision", ""), request.form.get("text", "")
    number = request.form.get("number", "")
    try:
        if decision in {"approved", "changes"} and re.fullmatch(r"\d{1,9}", number, re.ASCII):
            services.decide_build(approval, decision, words, number=int(number))
        else:
            services.say(approval, "organizer", words)
    except TaskRefused as error:
        said = _("Please say what has to change.") if error.code == "blank" else refusal(error)
        raise Refused(said, 422 if error.code == "blank" else 409) from None
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.exhibitor_tasks", edition=g.edition.slug, participation_id=found.id))


@requires(Permission.VIEW)
def drawing(participation_id: int, number: int) -> ResponseReturnValue:
    return drawing_of(_find(participation_id), number)
