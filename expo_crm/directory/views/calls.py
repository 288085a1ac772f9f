"""Call mode: one company after the other, the script beside it, the result in one touch; scripts and own results."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.audit import services as audit
from expo_crm.directory import queries, queries_day
from expo_crm.directory.domain import agenda, calls, masking
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import KIND_ICONS, KINDS, today
from expo_crm.directory.models import Activity, CallResult, CallScript, Company
from expo_crm.directory.services import calls as services
from expo_crm.directory.work_forms import (
    NEXT_LABELS,
    PURPOSE_LABELS,
    RESULT_LABELS,
    RESULT_TONES,
    CallForm,
    ResultForm,
    ScriptForm,
)
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

MOST_SKIPPED = 200


@requires(Permission.COMPANY_EDIT, writes=True)
def call_mode() -> ResponseReturnValue:
    """The next call that is due for me; ``skip`` names those put aside in this round, ``at`` one that was chosen."""
    skipped = _skipped()
    chosen = request.args.get("at", "")
    if chosen:
        planned = queries.find_activity(int(chosen)) if chosen.isdecimal() and len(chosen) < 16 else None
        if planned is None or planned.kind != "call" or planned.done_at is not None:
            abort(404)
    else:
        edges = agenda.horizon(clock.now(), i18n.current_zone())
        planned = queries_day.next_call(current_principal().id, edges.tomorrow, skipped=skipped)
    if planned is None:
        return render_template("directory/calls_done.html", skipped=len(skipped), totals=_my_totals())
    return _page(planned.company, planned, skipped)


@requires(Permission.COMPANY_EDIT, writes=True)
def call_company(company_id: int) -> ResponseReturnValue:
    """A call that nobody planned."""
    return _page(_company(company_id), None, set())


@requires(Permission.COMPANY_EDIT)
def settle_call(company_id: int) -> ResponseReturnValue:
    company = _company(company_id)
    planned = _planned(company)
    people = queries.list_employments(company.id)
    form = CallForm(people=[e.person for e in people if e.until is None], today=today())
    result = services.find_result(request.form.get("result", "")[:60])
    if not form.validate_on_submit() or result is None:
        if result is None:
            form.form_errors.append(_("Please press what came of the call."))
        return _page(company, planned, _skipped(), form), 422
    edition = shows.find_default_edition()
    try:
        _done, following = services.settle(
            company.id,
            result,
            subject=planned.subject if planned else _("Call"),
            zone=i18n.current_zone(),
            user_id=current_principal().id,
            planned=planned,
            note=_note(form),
            duration_s=calls.duration(_started(form), clock.now(), form.minutes.data),
            next_subject=form.next_subject.data or "",
            next_at=_next_at(form),
            person_id=form.person_id.data,
            edition_id=edition.id if edition else None,
        )
    except DirectoryError:
        raise Refused(_("Somebody has ticked this off already."), 409) from None
    if following is not None and following.due_at is not None:
        flash(
            _("Stored. Next: %(what)s, %(when)s", what=KINDS[following.kind], when=i18n.datetime_(following.due_at)),
            "success",
        )
    else:
        flash(_("Stored. Nothing follows."), "success")
    if planned is None:
        return redirect(url_for("directory.company", company_id=company.id))
    return redirect(url_for("directory.call_mode", skip=request.form.get("skip", "")[:2000] or None))


def _company(company_id: int) -> Company:
    found = queries.find_company(company_id)
    if found is None:
        abort(404)
    return found


def _planned(company: Company) -> Activity | None:
    raw = request.form.get("activity", "")
    if not raw:
        return None
    found = queries.find_activity(int(raw)) if raw.isdecimal() and len(raw) < 16 else None
    if found is None or found.company_id != company.id or found.kind != "call":
        abort(404)
    return found


def _skipped() -> set[int]:
    raw = request.values.get("skip", "")[:2000]
    return {int(v) for v in raw.split(".")[:MOST_SKIPPED] if v.isdecimal() and len(v) < 16}


def _started(form: CallForm) -> dt.datetime | None:
    raw = form.started.data or ""
    return dt.datetime.fromtimestamp(int(raw), dt.UTC) if raw.isdecimal() and len(raw) < 12 else None


def _next_at(form: CallForm) -> dt.datetime | None:
    if form.next_on.data is None:
        return None
    zone = i18n.current_zone()
    if form.next_time.data:
        return dt.datetime.combine(form.next_on.data, dt.time.fromisoformat(form.next_time.data), zone).astimezone(
            dt.UTC
        )
    return agenda.due_moment(form.next_on.data, zone)


def _note(form: CallForm) -> str:
    """The note, and below it each question of the script that got an answer."""
    answers = []
    for number in range(50):
        asked, said = (
            request.form.get(f"q{number}", "")[:500].strip(),
            request.form.get(f"a{number}", "")[:2000].strip(),
        )
        if asked and said:
            answers.append(f"{asked} {said}")
    return "\n".join(filter(None, [form.note.data or "", *answers]))


def _page(company: Company, planned: Activity | None, skipped: set[int], form: CallForm | None = None) -> str:
    people = [e for e in queries.list_employments(company.id) if e.until is None]
    may_see = current_principal().can(Permission.CONTACT_DATA)
    if may_see and any(e.person.email or e.person.phone for e in people):
        audit.record_look("company", company.id)
    edition = shows.find_default_edition()
    scripts = services.list_scripts(edition.id if edition else None)
    script = _script(scripts, company)
    main = next(
        (e for e in people if planned is not None and e.person_id == planned.person_id), people[0] if people else None
    )
    if form is None:
        form = CallForm(
            formdata=None,
            people=[e.person for e in people],
            today=today(),
            data={"started": str(int(clock.now().timestamp())), "person_id": main.person_id if main else None},
        )
    last = queries.last_participations([company.id]).get(company.id)
    values = _values(company, edition, main, last)
    edges = agenda.horizon(clock.now(), i18n.current_zone())
    counts = queries_day.count_open_by_kind(current_principal().id, edges.tomorrow)
    return render_template(
        "directory/call.html",
        company=company, planned=planned, people=people, may_see=may_see, masking=masking, last=last, form=form,
        scripts=scripts, script=script, purposes=PURPOSE_LABELS,
        script_lines=calls.lines(calls.fill(i18n.bi(script, "body"), values)) if script else [],
        results=_results(), tones=RESULT_TONES, recent=queries_day.list_recent(company.id), kinds=KINDS, kind_icons=KIND_ICONS,
        result_names=result_names(), skip=".".join(map(str, sorted({*skipped, *([planned.id] if planned else [])}))),
        skipped=".".join(map(str, sorted(skipped))), left=counts.get("call", 0), urgency=agenda.urgency, edges=edges,
    )  # fmt: skip


def _results() -> list[tuple[str, Any, bool, str]]:
    """(code, label, reached, tone) of every result."""
    fixed = [(r.code, RESULT_LABELS[r.code], r.reached, RESULT_TONES.get(r.code, "info")) for r in calls.RESULTS]
    return fixed + [(r.code, i18n.bi(r), r.reached, "info") for r in services.list_results()]


def result_names() -> dict[str, Any]:
    """Labels by code, those out of use included."""
    return {**RESULT_LABELS, **{r.code: i18n.bi(r) for r in services.list_results(retired=True)}}


def _script(scripts: list[CallScript], company: Company) -> CallScript | None:
    """The one that was chosen, else by what the company is: exhibited last time, earlier, never."""
    wanted = request.values.get("script", "")
    for script in scripts:
        if str(script.id) == wanted:
            return script
    ledger = queries.list_participations(company.id)
    done = [p for p in ledger if p.outcome == "exhibited"]
    edition = shows.find_default_edition()
    purpose = "new"
    if done:
        purpose = "rebooking" if edition and edition.previous_id in {p.edition_id for p in done} else "won_back"
    return next((s for s in scripts if s.purpose == purpose), scripts[0] if scripts else None)


def _values(company: Company, edition: Any, main: Any, last: Any) -> dict[str, str]:
    return {
        "company": i18n.bi(company),
        "contact": main.person.name if main else "",
        "title": main.title if main else "",
        "edition": i18n.bi(edition) if edition else "",
        "dates": f"{i18n.date(edition.starts_on)} – {i18n.date(edition.ends_on)}" if edition else "",
        "venue": i18n.bi(edition, "venue") if edition else "",
        "me": current_principal().name,
        "last_area": i18n.m2(last.net_m2) if last else "",
        "last_edition": i18n.bi(last.edition) if last else "",
    }


def _my_totals() -> queries_day.Totals:
    day = today()
    start, end = clock.day_bounds(day, i18n.current_zone())
    return queries_day.totals(start, end).get(current_principal().id or 0, queries_day.Totals())


# -- settings --------------------------------------------------------------------------------------------------------------


@requires(Permission.SETTINGS)
def call_settings() -> ResponseReturnValue:
    return render_template(
        "directory/call_settings.html", scripts=services.list_scripts(retired=True), purposes=PURPOSE_LABELS,
        fixed=[(r, RESULT_LABELS[r.code]) for r in calls.RESULTS], own=services.list_results(retired=True), nexts=NEXT_LABELS,
    )  # fmt: skip


@requires(Permission.SETTINGS)
def new_script() -> ResponseReturnValue:
    return _edit_script(None)


@requires(Permission.SETTINGS)
def edit_script(script_id: int) -> ResponseReturnValue:
    found = next((s for s in services.list_scripts(retired=True) if s.id == script_id), None)
    if found is None:
        abort(404)
    return _edit_script(found)


def _edit_script(script: CallScript | None) -> ResponseReturnValue:
    form = ScriptForm(obj=script, editions=shows.list_editions())
    error = ""
    if form.validate_on_submit():
        if script is not None and form.version.data != str(script.version):
            error = _("Somebody changed this script meanwhile. Please look at it again.")
        else:
            names = ("purpose", "edition_id", "name_zh", "name_en", "body_zh", "body_en", "retired")
            services.save_script(script, **{n: form[n].data for n in names})
            flash(_("Saved."), "success")
            return redirect(url_for("directory.call_settings"))
    status = 409 if error else 422 if form.is_submitted() else 200
    return render_template(
        "directory/call_script_form.html", form=form, script=script, error=error, places=calls.PLACEHOLDERS
    ), status


@requires(Permission.SETTINGS)
def new_result() -> ResponseReturnValue:
    return _edit_result(None)


@requires(Permission.SETTINGS)
def edit_result(result_id: int) -> ResponseReturnValue:
    found = next((r for r in services.list_results(retired=True) if r.id == result_id), None)
    if found is None:
        abort(404)
    return _edit_result(found)


def _edit_result(row: CallResult | None) -> ResponseReturnValue:
    form = ResultForm(obj=row)
    if form.validate_on_submit():
        names = ("name_zh", "name_en", "reached", "next_kind", "next_days", "retired")
        services.save_result(row, **{n: form[n].data for n in names})
        flash(_("Saved."), "success")
        return redirect(url_for("directory.call_settings"))
    return render_template("directory/call_result_form.html", form=form, row=row), 422 if form.is_submitted() else 200
