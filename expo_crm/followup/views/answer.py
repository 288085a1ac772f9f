"""/s/<token>: the page on which a person answers a survey. Phone first, no sign-in, one response per link."""

from __future__ import annotations

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.followup.domain import survey as rules
from expo_crm.followup.models import Survey, SurveyInvitation
from expo_crm.followup.queries import surveys as queries
from expo_crm.followup.services import surveys as services
from expo_crm.lib import clock, ids
from expo_crm.web import i18n
from expo_crm.web.policy import public

ERRORS = {
    "required": _l("Please answer this question."),
    "not_a_choice": _l("Please choose one of the answers shown."),
    "not_a_number": _l("Please choose one of the numbers shown."),
    "out_of_range": _l("Please choose one of the numbers shown."),
}


def _invitation(token: str) -> SurveyInvitation:
    found = queries.find_invitation(ids.hash_token(token)) if len(token) <= 100 else None
    if found is None:
        abort(404)
    g.edition = found.survey.edition
    if found.person is not None:
        g.preferred_locale = found.person.locale
    return found


def _end(invitation: SurveyInvitation) -> ResponseReturnValue | None:
    """The friendly page instead of the form, when there is nothing to answer any more."""
    survey = invitation.survey
    if invitation.state == "complete":
        return render_template("followup/answered.html", survey=survey, invitation=invitation)
    if invitation.state == "closed":
        return render_template("followup/closed.html", survey=survey, declined=True, closing=""), 410
    if not rules.is_open(survey.state, survey.closes_at, clock.now()):
        return render_template("followup/closed.html", survey=survey, declined=False, closing=_closing(survey)), 410
    return None


def _closing(survey: Survey) -> str:
    if survey.closes_at is None:
        return ""
    day = i18n.date(rules.last_day(survey.closes_at, survey.edition.zone))
    return _("%(day)s, 24:00 (%(zone)s)", day=day, zone=survey.edition.timezone)


@public(writes=True)
def answer(token: str) -> ResponseReturnValue:
    invitation = _invitation(token)
    if (end := _end(invitation)) is not None:
        return end
    services.note_opened(invitation)
    known = queries.answers_of(invitation.id)
    given = {key: (str(a.number) if a.number is not None else a.text) for key, a in known.items()}
    return _form(invitation, token, given, {})


def _form(
    invitation: SurveyInvitation, token: str, answers: dict[int, str], errors: dict[int, str]
) -> ResponseReturnValue:
    return render_template(
        "followup/answer.html",
        survey=invitation.survey,
        answers=answers,
        errors={key: ERRORS[code] for key, code in errors.items()},
        token=token,
        closing=_closing(invitation.survey),
        preview=False,
    ), 422 if errors else 200


@public()
def submit(token: str) -> ResponseReturnValue:
    invitation = _invitation(token)
    if (end := _end(invitation)) is not None:
        return end
    given = request.form.to_dict(flat=False)
    answers, errors = services.read_answers(invitation.survey, given)
    if errors:
        shown = {q.id: ",".join(given.get(f"q{q.id}", []))[: rules.TEXT_LIMIT] for q in invitation.survey.questions}
        return _form(invitation, token, shown, errors)
    try:
        services.save_answers(invitation, answers, complete=True)
    except services.SurveyError:
        return _end(invitation) or redirect(url_for("followup.answer", token=token))
    return redirect(url_for("followup.answer", token=token))


@public()
def save(token: str) -> ResponseReturnValue:
    """What has been answered so far, kept while the person goes on. Wrong values are left out and say so by 422."""
    invitation = _invitation(token)
    if _end(invitation) is not None:
        return "", 409
    answers, errors = services.read_answers(invitation.survey, request.form.to_dict(flat=False), partial=True)
    if errors:
        return "", 422
    try:
        services.save_answers(invitation, answers, complete=False)
    except services.SurveyError:
        return "", 409
    return "", 204


@public()
def decline(token: str) -> ResponseReturnValue:
    """No survey mail any more."""
    invitation = _invitation(token)
    services.decline(invitation, i18n.locale())
    return redirect(url_for("followup.answer", token=token))
