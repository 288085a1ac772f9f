"""The 360° page: everything all packages know about one company."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.audit import services as audit
from expo_crm.directory import queries, timeline
from expo_crm.directory.domain import agenda, masking, naming
from expo_crm.directory.forms import KIND_ICONS, KINDS, SOURCES, ActivityForm, today
from expo_crm.directory.models import Activity, Company, Participation
from expo_crm.directory.services import activities as services
from expo_crm.directory.views.calls import result_names
from expo_crm.directory.views.custom_values import shown_fields
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.web import i18n, once
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

SHOWN = 25
OUTCOMES = {"planned": "info", "exhibited": "success", "cancelled": "neutral", "no_show": "danger"}


def outcome_label(outcome: str) -> str:
    return {
        "planned": _("planned"),
        "exhibited": _("exhibited"),
        "cancelled": _("cancelled"),
        "no_show": _("did not come"),
    }.get(outcome, outcome)


def role_label(role: str) -> str:
    return {"main": _("Exhibitor"), "co": _("Co-exhibitor"), "represented": _("Represented company")}.get(role, role)


def _get(company_id: int) -> Company:
    found = queries.find_company(company_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW, writes=True)
def company(company_id: int) -> ResponseReturnValue:
    found = queries.find_company(company_id)
    if found is None:
        successor = queries.find_successor(company_id)
        if successor is None:
            abort(404)
        flash(_("This company was merged into the one shown here."), "info")
        return redirect(url_for("directory.company", company_id=successor))
    may_see = current_principal().can(Permission.CONTACT_DATA)
    people = timeline.once("people", found.id, queries.list_everybody)
    if may_see and any(e.person.email or e.person.phone for e in people):
        audit.record_look("company", found.id)
    ledger = timeline.once("ledger", found.id, queries.list_participations)
    return render_template(
        "directory/company.html",
        company=found,
        site=naming.site_url(found.website),
        country=country_name(found.country),
        source=SOURCES.get(found.source, found.source),
        people=[e for e in people if e.until is None],
        former=[e for e in people if e.until is not None],
        pairs=queries.list_pairs_of(found.id),
        group=queries.list_group(found),
        own_fields=shown_fields("company", found),
        may_see=may_see,
        masking=masking,
        ledger=ledger,
        bars=_bars(ledger),
        outcomes=OUTCOMES,
        outcome_label=outcome_label,
        role_label=role_label,
        figures=[*_figures(ledger), *timeline.figures_of(found.id)],
        panels=timeline.panels_of("company", found.id),
        **_work(found, people),
    )


@requires(Permission.VIEW)
def company_timeline(company_id: int) -> ResponseReturnValue:
    """Next actions, the form and the timeline: the part of the page that changes in place."""
    found = _get(company_id)
    if not request.headers.get("HX-Request"):
        kind, every = request.args.get("kind"), request.args.get("all")
        return redirect(url_for("directory.company", company_id=company_id, kind=kind, all=every))
    return _work_part(found)


@requires(Permission.COMPANY_EDIT)
def add_activity(company_id: int) -> ResponseReturnValue:
    found = _get(company_id)
    people = queries.list_employments(found.id)
    form = _activity_form(people)
    if not form.validate_on_submit():
        if request.headers.get("HX-Request"):
            return _work_part(found, form), 422
        return render_template("directory/activity.html", company=found, **_work(found, people, form)), 422
    _store(found, form)
    if request.headers.get("HX-Request"):
        once.leads_to(url_for("directory.company", company_id=company_id))
        return _work_part(found, _activity_form(people, fresh=True))
    flash(_("Saved."), "success")
    return redirect(url_for("directory.company", company_id=company_id))


def _store(company: Company, form: ActivityForm) -> None:
    edition = shows.find_default_edition()
    common: dict[str, Any] = {"person_id": form.person_id.data, "edition_id": edition.id if edition else None}
    zone = i18n.current_zone()
    if form.kind.data == "task" and form.due_on.data is not None:
        services.plan_next_action(
            company.id,
            subject=form.subject.data or "",
            body=form.body.data or "",
            due_at=agenda.due_moment(form.due_on.data, zone),
            owner_id=form.owner_id.data,
            **common,
        )
        return
    me = current_principal().id
    services.log_activity(
        company.id,
        kind=form.kind.data,
        subject=form.subject.data or "",
        body=form.body.data or "",
        owner_id=me,
        **common,
    )
    if form.next_subject.data and form.next_on.data:
        services.plan_next_action(
            company.id,
            subject=form.next_subject.data,
            due_at=agenda.due_moment(form.next_on.data, zone),
            owner_id=me,
            **common,
        )


def _activity_form(people: list[Any], *, fresh: bool = False) -> ActivityForm:
    extra: dict[str, Any] = {"formdata": None} if fresh else {}
    return ActivityForm(
        people=[e.person for e in people if e.until is None],
        owners=queries.list_owners(),
        today=today(),
        data={"kind": "call", "owner_id": current_principal().id},
        **extra,
    )


def _work_part(company: Company, form: ActivityForm | None = None) -> str:
    people = queries.list_employments(company.id)
    return render_template("directory/_work.html", company=company, **_work(company, people, form))


def _work(company: Company, people: list[Any], form: ActivityForm | None = None) -> dict[str, Any]:
    """What the working part of the page needs."""
    items = sorted([*_own_items(company), *timeline.items_of(company.id)], key=lambda item: item.at, reverse=True)
    kind = request.args.get("kind", "")
    counts = {key: sum(i.kind == key for i in items) for key in timeline.KINDS}
    shown = [i for i in items if i.kind == kind] if counts.get(kind) else items
    everything = request.args.get("all") == "1"
    may_edit = current_principal().can(Permission.COMPANY_EDIT)
    return {
        "form": form if form is not None else _activity_form(people) if may_edit else None,
        "may_edit": may_edit,
        "actions": queries.list_open_actions(company.id),
        "edges": agenda.horizon(clock.now(), i18n.current_zone()),
        "urgency": agenda.urgency,
        "kind_icons": KIND_ICONS,
        "kind_labels": KINDS,
        "items": shown if everything else shown[:SHOWN],
        "hidden_items": 0 if everything else max(0, len(shown) - SHOWN),
        "kind": kind if counts.get(kind) else "",
        "filters": [(key, label, counts[key]) for key, label in timeline.KINDS.items() if counts[key]],
        "total_items": len(items),
    }


def _own_items(company: Company) -> list[timeline.TimelineItem]:
    """What the directory itself knows: what people did, and when the company was entered."""
    results = result_names()
    items = [_item(a, results) for a in queries.list_activities(company.id)]
    items.append(
        timeline.TimelineItem(company.created_at, "activity", "building-plus", _("Company entered"), "neutral")
    )
    return items


def _call_facts(activity: Activity, results: dict[str, Any]) -> str:
    """The result of a call and how long it took."""
    minutes = round((activity.duration_s or 0) / 60)
    return " · ".join(
        filter(
            None,
            (
                str(results.get(activity.result_code, activity.result_code)),
                _("%(count)s min", count=minutes) if minutes else "",
            ),
        )
    )


def _item(activity: Activity, results: dict[str, Any]) -> timeline.TimelineItem:
    people = [
        p for p in (activity.owner.name if activity.owner else "", activity.person.name if activity.person else "") if p
    ]
    return timeline.TimelineItem(
        at=activity.done_at or activity.created_at,
        kind="activity",
        icon=KIND_ICONS[activity.kind],
        tone="success" if activity.due_at else "neutral",
        title=f"{KINDS[activity.kind]}: {activity.subject}",
        body="\n".join(filter(None, (_call_facts(activity, results), activity.place, activity.body))),
        who=" → ".join(people),
    )


def _counted(ledger: list[Participation]) -> list[Participation]:
    return [p for p in ledger if p.outcome == "exhibited"]


def _figures(ledger: list[Participation]) -> list[timeline.Figure]:
    done = _counted(ledger)
    area = sum((p.net_m2 for p in done), Decimal(0))
    last = next((p for p in ledger if p.outcome != "cancelled"), None)
    return [
        timeline.Figure(
            _("Editions exhibited"),
            i18n.number(len(done)),
            "calendar-check",
            hint=_("last: %(name)s", name=i18n.bi(last.edition)) if last else "",
            definition=_(
                "Editions in which the company really exhibited, in any role. Cancelled and planned ones are not counted."
            ),
        ),
        timeline.Figure(
            _("Net space"),
            i18n.m2(last.net_m2 if last else Decimal(0)),
            "ruler-2",
            hint=_("all editions: %(area)s", area=i18n.m2(area)) if done else "",
            definition=_(
                "Contracted net stand area of the newest participation; below it the sum over all editions exhibited."
            ),
        ),
    ]


def _bars(ledger: list[Participation]) -> list[dict[str, Any]]:
    """Area by edition, oldest first, as the eye expects time to run."""
    return [
        {
            "label": i18n.bi(p.edition),
            "value": float(p.net_m2),
            "text": i18n.m2(p.net_m2),
            "hint": outcome_label(p.outcome),
            "tone": {"exhibited": None, "planned": "progress"}.get(p.outcome, "neutral"),
        }
        for p in reversed(ledger)
    ]
