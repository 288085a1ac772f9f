"""Sign-in, one-time links, users, the own account."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.accounts.views import profile, saved_views, sign_in, users

blueprint = Blueprint("accounts", __name__)
add = blueprint.add_url_rule

add("/sign-in", view_func=sign_in.sign_in, endpoint="sign_in", methods=["GET", "POST"])
add("/forgot", view_func=sign_in.forgot, endpoint="forgot", methods=["GET", "POST"])
add("/sign-out", view_func=sign_in.sign_out, endpoint="sign_out", methods=["POST"])
add("/welcome/<token>", view_func=sign_in.welcome, endpoint="welcome", methods=["GET", "POST"])
add("/me", view_func=profile.profile, endpoint="profile", methods=["GET", "POST"])
add("/me/sessions/end", view_func=profile.end_other_sessions, endpoint="end_sessions", methods=["POST"])
add("/users", view_func=users.users, endpoint="users", methods=["GET", "POST"])
add("/users/<int:user_id>", view_func=users.user, endpoint="user", methods=["GET", "POST"])
add("/users/<int:user_id>/password-link", view_func=users.password_link, endpoint="password_link", methods=["POST"])
add("/views", view_func=saved_views.save_view, endpoint="save_view", methods=["POST"])
add("/views/<int:view_id>/rename", view_func=saved_views.rename_view, endpoint="rename_view", methods=["POST"])
add("/views/<int:view_id>/delete", view_func=saved_views.delete_view, endpoint="delete_view", methods=["POST"])
