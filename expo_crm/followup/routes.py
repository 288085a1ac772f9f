"""Surveys, service desk, retention, next edition."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.followup.views import answer, cases, plan, retention, surveys

blueprint = Blueprint("followup", __name__)
add = blueprint.add_url_rule

add("/e/<edition>/surveys", view_func=surveys.surveys, endpoint="surveys")
add("/e/<edition>/surveys", view_func=surveys.create_survey, endpoint="create_survey", methods=["POST"])
add("/e/<edition>/surveys/<int:survey_id>", view_func=surveys.survey, endpoint="survey")
add(
    "/e/<edition>/surveys/<int:survey_id>",
    view_func=surveys.change_survey,
    endpoint="change_survey",
    methods=["POST"],
)
add(
    "/e/<edition>/surveys/<int:survey_id>/questions/new",
    view_func=surveys.question,
    endpoint="new_question",
    methods=["GET", "POST"],
)
add(
    "/e/<edition>/surveys/<int:survey_id>/questions/<int:question_id>",
    view_func=surveys.question,
    endpoint="question",
    methods=["GET", "POST"],
)
add(
    "/e/<edition>/surveys/<int:survey_id>/questions/<int:question_id>/<any(up, down, drop):what>",
    view_func=surveys.change_question,
    endpoint="change_question",
    methods=["POST"],
)
add("/e/<edition>/surveys/<int:survey_id>/preview", view_func=surveys.preview, endpoint="preview")
add(
    "/e/<edition>/surveys/<int:survey_id>/send", view_func=surveys.send_survey, endpoint="send_survey", methods=["POST"]
)
add("/e/<edition>/surveys/<int:survey_id>/remind", view_func=surveys.remind, endpoint="remind", methods=["POST"])
add("/e/<edition>/surveys/<int:survey_id>/results", view_func=surveys.survey_results, endpoint="survey_results")
add(
    "/e/<edition>/surveys/<int:survey_id>/<any(close, reopen, delete):what>",
    view_func=surveys.settle_survey,
    endpoint="settle_survey",
    methods=["POST"],
)
add("/s/<token>", view_func=answer.answer, endpoint="answer")
add("/s/<token>", view_func=answer.submit, endpoint="submit", methods=["POST"])
add("/s/<token>/save", view_func=answer.save, endpoint="save", methods=["POST"])
add("/s/<token>/decline", view_func=answer.decline, endpoint="decline", methods=["POST"])

add("/e/<edition>/cases", view_func=cases.cases, endpoint="cases")
add("/e/<edition>/cases/new", view_func=cases.new_case, endpoint="new_case", methods=["GET", "POST"])
add("/e/<edition>/cases/<int:case_id>", view_func=cases.case, endpoint="case")
add("/e/<edition>/cases/<int:case_id>", view_func=cases.change_case, endpoint="change_case", methods=["POST"])
add("/e/<edition>/cases/<int:case_id>/state", view_func=cases.move_case, endpoint="move_case", methods=["POST"])

add("/e/<edition>/retention", view_func=retention.retention, endpoint="retention")
add("/e/<edition>/at-risk", view_func=retention.at_risk, endpoint="at_risk")

add("/e/<edition>/plan-next", view_func=plan.plan, endpoint="plan")
add("/e/<edition>/plan-next", view_func=plan.make_plan, endpoint="make_plan", methods=["POST"])
add("/e/<edition>/plan-next/<int:job_id>/undo", view_func=plan.undo_plan, endpoint="undo_plan", methods=["POST"])
add("/e/<edition>/calls", view_func=plan.calls, endpoint="calls")
add("/e/<edition>/calls/<int:opportunity_id>", view_func=plan.call, endpoint="call")
add("/e/<edition>/calls/<int:opportunity_id>", view_func=plan.record_call, endpoint="record_call", methods=["POST"])
