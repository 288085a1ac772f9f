"""Matchmaking: overview, suggestions in both directions, meetings."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.matchmaking.views import meetings, overview, pairs, portal_meetings, visitor_pages

blueprint = Blueprint("matchmaking", __name__)
add = blueprint.add_url_rule

E = "/e/<edition>/matchmaking"
M = "/e/<edition>/meetings"

add(E, view_func=overview.overview, endpoint="overview")
add(f"{E}/exposure", view_func=overview.exposure, endpoint="exposure")
add(f"{E}/visitors/<int:registration_id>", view_func=pairs.visitor, endpoint="visitor")
add(f"{E}/visitors/<int:registration_id>/panel", view_func=pairs.registration_panel, endpoint="registration_panel")
add(f"{E}/exhibitors/<int:participation_id>", view_func=pairs.exhibitor, endpoint="exhibitor")
add(f"{E}/exhibitors/<int:participation_id>/offers", view_func=pairs.offers, endpoint="offers", methods=["GET", "POST"])

add(M, view_func=meetings.meetings, endpoint="meetings")
add(f"{M}/ask", view_func=pairs.ask, endpoint="ask", methods=["POST"])
add(f"{M}/<int:meeting_id>", view_func=meetings.meeting, endpoint="meeting")
add(f"{M}/<int:meeting_id>/answer", view_func=meetings.answer_for, endpoint="answer_for", methods=["POST"])
add(f"{M}/<int:meeting_id>/schedule", view_func=meetings.schedule, endpoint="schedule", methods=["POST"])
add(f"{M}/<int:meeting_id>/outcome", view_func=meetings.outcome, endpoint="outcome", methods=["POST"])

P = "/portal/<int:participation_id>/meetings"
add(P, view_func=portal_meetings.meetings, endpoint="portal_meetings")
add(f"{P}/<int:meeting_id>", view_func=portal_meetings.answer, endpoint="portal_answer", methods=["POST"])

add("/v/<token>/matches", view_func=visitor_pages.panel, endpoint="visitor_panel")
add("/v/<token>/meetings", view_func=visitor_pages.ask, endpoint="visitor_ask", methods=["POST"])
add(
    "/v/<token>/meetings/<int:meeting_id>",
    view_func=visitor_pages.answer_own,
    endpoint="visitor_answer",
    methods=["POST"],
)
add("/m/<token>", view_func=visitor_pages.answer, endpoint="answer", methods=["GET", "POST"])
