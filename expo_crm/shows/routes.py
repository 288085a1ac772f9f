"""Settings of a show and its editions, and the category tree."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("shows", __name__)
