"""Surveys, service desk, retention, next edition."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.followup.views import answer, surveys

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
add("/e/<edition>/surveys/<int:survey_id>/send", view_func=surveys.send_survey, endpoint="send_survey", methods=["POST"])
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
