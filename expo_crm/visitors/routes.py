"""Registrations: the public page, the visitor's own page, and the pages of staff."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.visitors.views import public, registration, registrations, ticket

blueprint = Blueprint("visitors", __name__)
add = blueprint.add_url_rule

add("/r/<edition>", view_func=public.register, endpoint="register", methods=["GET", "POST"])
add("/r/<edition>/privacy", view_func=public.privacy, endpoint="privacy")
add("/r/<edition>/exhibitors", view_func=public.exhibitors, endpoint="exhibitors")
add("/i/<code>", view_func=public.invitation, endpoint="invitation")

add("/v/<token>", view_func=ticket.ticket, endpoint="ticket")
add("/v/<token>/qr.png", view_func=ticket.picture, endpoint="ticket_picture")
add("/v/<token>/calendar.ics", view_func=ticket.calendar, endpoint="ticket_calendar")
add("/v/<token>/interests", view_func=ticket.interests, endpoint="ticket_interests", methods=["POST"])
add("/v/<token>/consent", view_func=ticket.consent, endpoint="ticket_consent", methods=["POST"])
add("/v/<token>/cancel", view_func=ticket.cancel, endpoint="ticket_cancel", methods=["POST"])

add("/e/<edition>/registrations", view_func=registrations.registrations, endpoint="registrations")
add("/e/<edition>/registrations/<int:registration_id>", view_func=registration.registration, endpoint="registration")
add(
    "/e/<edition>/registrations/<int:registration_id>/edit",
    view_func=registration.edit,
    endpoint="edit_registration",
    methods=["GET", "POST"],
)
add(
    "/e/<edition>/registrations/<int:registration_id>/decision",
    view_func=registration.decide,
    endpoint="decide_registration",
    methods=["POST"],
)
add(
    "/e/<edition>/registrations/<int:registration_id>/mail",
    view_func=registration.mail,
    endpoint="mail_registration",
    methods=["POST"],
)
add(
    "/e/<edition>/registrations/approve",
    view_func=registrations.approve_many,
    endpoint="approve_many",
    methods=["POST"],
)
