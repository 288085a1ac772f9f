"""Surveys for staff: list, make, edit, send, results."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from expo_crm.db import db
from expo_crm.followup.domain import results
from expo_crm.followup.domain import survey as rules
from expo_crm.followup.forms import KIND_LABELS, QuestionForm, SurveyForm
from expo_crm.followup.models import Survey, SurveyQuestion
from expo_crm.followup.queries import surveys as queries
from expo_crm.followup.services import surveys as services
from expo_crm.followup.views.labels import pill
from expo_crm.jobs.models import Job
from expo_crm.lib import clock
from expo_crm.sheets import write
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

STATES = {"draft": _l("Draft"), "open": _l("Taking answers"), "closed": _l("Over")}
TONES = {"draft": "neutral", "open": "success", "closed": "info"}
AUDIENCES = {"visitors": _l("Visitors who came"), "exhibitors": _l("Companies that exhibited")}
EXCLUDED = {
    "not_there": _l("Did not come or exhibit"),
    "not_approved": _l("Registration not approved"),
    "not_counted": _l("A class that does not count as visitor"),
    "no_email": _l("No e-mail address"),
    "opted_out": _l("Does not want surveys"),
    "same_person": _l("Same person, asked once already"),
}
REFUSALS = {
    "not_draft": _l("This survey has been sent; its questions stay as they were asked."),
    "no_questions": _l("Add a question first."),
    "nobody": _l("There is nobody left to send it to."),
    "closed": _l("This survey is closed."),
    "past": _l("The last day to answer has passed. Choose a later day first."),
}


def refuse(error: services.SurveyError) -> Refused:
    return Refused(str(REFUSALS.get(error.code, error.code)), 409, error.code)


def _survey(survey_id: int) -> Survey:
    return queries.find_survey(g.edition.id, survey_id) or abort(404)


def _question(survey: Survey, question_id: int) -> SurveyQuestion:
    return queries.find_question(survey, question_id) or abort(404)


@requires(Permission.VIEW)
def surveys() -> ResponseReturnValue:
    progress: dict[int, queries.Progress] = {}
    nothing = queries.Progress()

    def load(rows: list[Survey]) -> None:
        progress.update(queries.progress_of(s.id for s in rows))

    def rate(survey: Survey) -> str:
        return i18n.percent(progress.get(survey.id, nothing).response_rate)

    page = listing.build(
        id="surveys",
        query=select(Survey).where(Survey.edition_id == g.edition.id),
        columns=[
            listing.Column("title", _("Survey"), lambda s: i18n.bi(s, "title"), sort=Survey.title_en, primary=True),
            listing.Column("audience", _("Audience"), lambda s: AUDIENCES[s.audience], sort=Survey.audience),
            listing.Column(
                "state",
                _("State"),
                lambda s: STATES[s.state],
                cell=lambda s: pill(STATES[s.state], TONES[s.state]),
                sort=Survey.state,
                kind="status",
            ),
            listing.Column("invited", _("Invited"), lambda s: progress.get(s.id, nothing).invited, kind="number"),
            listing.Column("complete", _("Complete"), lambda s: progress.get(s.id, nothing).complete, kind="number"),
            listing.Column("rate", _("Response rate"), rate, kind="number"),
            listing.Column(
                "closes", _("Open until"), closing_text, sort=Survey.closes_at, kind="date", hide_on_phone=True
            ),
        ],
        default_sort="title",
        tie_break=Survey.id,
        filters=[
            listing.Filter("audience", _("Audience"), list(AUDIENCES.items()), lambda v: Survey.audience == v),
            listing.Filter("state", _("State"), list(STATES.items()), lambda v: Survey.state == v),
        ],
        search=lambda q: or_(Survey.title_zh.contains(q, autoescape=True), Survey.title_en.contains(q, autoescape=True)),
        search_hint=_("Title"),
        empty=listing.Empty(
            "clipboard-text",
            _("No survey in this edition yet"),
            _("Start from a template: the questions are ready in both languages, and you can change every one."),
        ),
        row_url=lambda s: url_for("followup.survey", survey_id=s.id),
        load=load,
    )
    return render_template("followup/surveys.html", listing=page, templates=rules.TEMPLATES)


def closing_text(survey: Survey) -> str:
    """The last day to answer with the zone in which it ends, or nothing."""
    if survey.closes_at is None:
        return _("no end")
    day = i18n.date(rules.last_day(survey.closes_at, g.edition.zone))
    return _("%(day)s, 24:00 (%(zone)s)", day=day, zone=g.edition.timezone)


@requires(Permission.SURVEY)
def create_survey() -> ResponseReturnValue:
    template = request.form.get("template", "")
    if template not in rules.TEMPLATES:
        raise Refused(_("Please choose a template."))
    survey = services.create_survey(g.edition, template)
    flash(_("The survey is ready as a draft. Look through the questions, then send it."), "success")
    return redirect(url_for("followup.survey", survey_id=survey.id))


def _job(survey: Survey) -> Job | None:
    """The sending that this page waits for or just has seen end."""
    number = request.args.get("job", "")
    job = db.session.get(Job, int(number)) if number.isascii() and number.isdigit() and len(number) < 15 else None
    return job if job and job.kind == services.JOB and job.payload.get("survey_id") == survey.id else None


@requires(Permission.VIEW)
def survey(survey_id: int) -> ResponseReturnValue:
    return _page(_survey(survey_id))


def _page(survey: Survey, form: SurveyForm | None = None) -> ResponseReturnValue:
    now = clock.now()
    form = form or SurveyForm(
        formdata=None,
        obj=survey,
        last_day=rules.last_day(survey.closes_at, g.edition.zone) if survey.closes_at else None,
    )
    return render_template(
        "followup/survey.html",
        survey=survey,
        form=form,
        reach=queries.reach_of(survey, clock.local_day(now, g.edition.zone)),
        progress=queries.progress_of([survey.id]).get(survey.id, queries.Progress()),
        is_open=rules.is_open(survey.state, survey.closes_at, now),
        closing=closing_text(survey),
        job=_job(survey),
        states=STATES,
        tones=TONES,
        audiences=AUDIENCES,
        excluded=EXCLUDED,
        kinds=KIND_LABELS,
    ), 422 if form.errors else 200


@requires(Permission.SURVEY)
def change_survey(survey_id: int) -> ResponseReturnValue:
    survey, form = _survey(survey_id), SurveyForm()
    if not form.validate_on_submit():
        return _page(survey, form)
    services.change_survey(
        survey,
        last_day=form.last_day.data,
        **{key: getattr(form, key).data for key in ("title_zh", "title_en", "intro_zh", "intro_en")},
    )
    flash(_("Saved."), "success")
    return redirect(url_for("followup.survey", survey_id=survey.id))


@requires(Permission.SURVEY)
def question(survey_id: int, question_id: int | None = None) -> ResponseReturnValue:
    """A question's form; without a number a new one."""
    survey = _survey(survey_id)
    found = _question(survey, question_id) if question_id is not None else None
    if survey.state != "draft":
        raise refuse(services.SurveyError("not_draft"))
    form = QuestionForm(obj=found)
    if request.method == "GET" and found is not None:
        form.options.data = rules.format_options(found.options)
    if request.method == "GET" and found is None:
        form.required.data = True
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("followup/question.html", survey=survey, question=found, form=form), status
    services.save_question(
        survey,
        found,
        kind=form.kind.data,
        label_zh=form.label_zh.data,
        label_en=form.label_en.data,
        options=rules.parse_options(form.options.data or ""),
        required=form.required.data,
    )
    flash(_("Saved."), "success")
    return redirect(url_for("followup.survey", survey_id=survey.id) + "#questions")


@requires(Permission.SURVEY)
def change_question(survey_id: int, question_id: int, what: str) -> ResponseReturnValue:
    """Move a question up or down, or drop it."""
    survey = _survey(survey_id)
    found = _question(survey, question_id)
    try:
        if what == "drop":
            services.drop_question(survey, found)
        else:
            services.move_question(survey, found, -1 if what == "up" else 1)
    except services.SurveyError as error:
        raise refuse(error) from error
    return redirect(url_for("followup.survey", survey_id=survey.id) + "#questions")


@requires(Permission.SURVEY)
def send_survey(survey_id: int) -> ResponseReturnValue:
    return _start(survey_id, remind=False)


@requires(Permission.SURVEY)
def remind(survey_id: int) -> ResponseReturnValue:
    return _start(survey_id, remind=True)


def _start(survey_id: int, *, remind: bool) -> ResponseReturnValue:
    survey = _survey(survey_id)
    try:
        job = services.start_sending(survey, current_principal().id, remind=remind, label=_("Mails written"))
    except services.SurveyError as error:
        raise refuse(error) from error
    return redirect(url_for("followup.survey", survey_id=survey.id, job=job.id))


@requires(Permission.SURVEY)
def settle_survey(survey_id: int, what: str) -> ResponseReturnValue:
    """Close, reopen or delete."""
    survey = _survey(survey_id)
    try:
        if what == "delete":
            services.delete_survey(survey)
            flash(_("The draft is deleted."), "success")
            return redirect(url_for("followup.surveys"))
        (services.close_survey if what == "close" else services.reopen_survey)(survey)
    except services.SurveyError as error:
        raise refuse(error) from error
    return redirect(url_for("followup.survey", survey_id=survey.id))


@requires(Permission.VIEW)
def preview(survey_id: int) -> ResponseReturnValue:
    """The page as recipients will see it; nothing can be sent from it."""
    return render_template(
        "followup/answer.html", survey=_survey(survey_id), answers={}, errors={}, token=None, closing="", preview=True
    )


@requires(Permission.VIEW)
def survey_results(survey_id: int) -> ResponseReturnValue:
    survey = _survey(survey_id)
    groups = queries.groups_of(survey)
    given = queries.list_answers(survey)
    if request.args.get("export") in {"csv", "xlsx"} and current_principal().can(Permission.EXPORT):
        return _export(survey, groups, given, request.args["export"])
    chosen = request.args.get("group", "")
    chosen = chosen if chosen in {key for key, _zh, _en in groups} else ""
    present = [entry for entry in groups if any(a.group == entry[0] for a in given)]
    return render_template(
        "followup/results.html",
        survey=survey,
        progress=queries.progress_of([survey.id]).get(survey.id, queries.Progress()),
        splits=[(q, _split(q, given, [key for key, _zh, _en in present], chosen)) for q in survey.questions],
        groups=present,
        chosen=chosen,
        audiences=AUDIENCES,
        states=STATES,
        tones=TONES,
    )


def _split(question: SurveyQuestion, given: list[queries.Given], groups: list[str], chosen: str) -> results.Split:
    codes = [option["code"] for option in question.options]
    mine = [a for a in given if a.question_id == question.id]

    def result(answers: list[queries.Given]) -> results.Result:
        return results.summarise(question.kind, codes, [(a.number, a.text) for a in answers])

    total = result([a for a in mine if not chosen or a.group == chosen])
    by_group = {key: result([a for a in mine if a.group == key]) for key in groups} if len(groups) > 1 else {}
    return results.Split(total, by_group)


def _export(
    survey: Survey, groups: list[tuple[str, str, str]], given: list[queries.Given], kind: str
) -> ResponseReturnValue:
    """One row per complete response: group, company, moment, and every answer in words. No person's data."""
    names = {key: en if i18n.locale() == "en" else zh for key, zh, en in groups}
    answers = {(a.invitation_id, a.question_id): a for a in given}
    rows = []
    for number, group, zh, en, completed in queries.list_responses(survey):
        company = (en or zh or "") if i18n.locale() == "en" else (zh or en or "")
        row: list[Any] = [names.get(group, group), company, i18n.datetime_(completed)]
        row += [_in_words(q, answers.get((number, q.id))) for q in survey.questions]
        rows.append(row)
    headers = [_("Group"), _("Company"), _("Completed"), *(i18n.bi(q, "label") for q in survey.questions)]
    log = current_app.extensions.get("expo_export_log")
    if log:
        log("survey", len(rows), kind)
    data = write.write_csv(rows, headers) if kind == "csv" else write.write_xlsx(rows, headers)
    mimetype = (
        "text/csv; charset=utf-8"
        if kind == "csv"
        else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    return Response(
        data,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="survey-{survey.id}.{kind}"'},
    )


def _in_words(question: SurveyQuestion, answer: queries.Given | None) -> Any:
    if answer is None:
        return ""
    if answer.number is not None:
        return answer.number
    if question.kind == "text":
        return answer.text
    names = {o["code"]: o["en" if i18n.locale() == "en" else "zh"] for o in question.options}
    return "; ".join(names.get(code, code) for code in answer.text.split(","))
