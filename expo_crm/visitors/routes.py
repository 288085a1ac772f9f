"""Registrations, public and for staff."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("visitors", __name__)
