"""Settings of a show and its editions, and the category tree."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.shows.views import categories, settings, setup

blueprint = Blueprint("shows", __name__)
add = blueprint.add_url_rule

add("/shows/new", view_func=setup.new_show, endpoint="new_show", methods=["GET", "POST"])
add("/e/<edition>/next", view_func=setup.new_edition, endpoint="new_edition", methods=["GET", "POST"])

add("/e/<edition>/settings", view_func=settings.settings, endpoint="settings", methods=["GET", "POST"])
add("/e/<edition>/settings/show", view_func=settings.show_settings, endpoint="show_settings", methods=["POST"])
add("/e/<edition>/settings/hours", view_func=settings.hours, endpoint="hours", methods=["POST"])
add("/e/<edition>/halls/new", view_func=settings.new_hall, endpoint="new_hall", methods=["GET", "POST"])
add("/e/<edition>/halls/<int:hall_id>", view_func=settings.edit_hall, endpoint="edit_hall", methods=["GET", "POST"])

add("/e/<edition>/categories", view_func=categories.categories, endpoint="categories")
add("/e/<edition>/categories/new", view_func=categories.new_category, endpoint="new_category", methods=["GET", "POST"])
add(
    "/e/<edition>/categories/<int:parent_id>/new",
    view_func=categories.new_category,
    endpoint="new_subcategory",
    methods=["GET", "POST"],
)
add(
    "/e/<edition>/categories/<int:category_id>",
    view_func=categories.edit_category,
    endpoint="edit_category",
    methods=["GET", "POST"],
)
add(
    "/e/<edition>/categories/<int:category_id>/move/<step>",
    view_func=categories.move_category,
    endpoint="move_category",
    methods=["POST"],
)
add(
    "/e/<edition>/categories/<int:category_id>/retire",
    view_func=categories.retire_category,
    endpoint="retire_category",
    methods=["POST"],
)
