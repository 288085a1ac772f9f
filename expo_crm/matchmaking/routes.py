"""Matches and meetings."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("matchmaking", __name__)
