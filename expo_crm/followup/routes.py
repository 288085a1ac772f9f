"""Surveys, service desk, retention, next edition."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("followup", __name__)
