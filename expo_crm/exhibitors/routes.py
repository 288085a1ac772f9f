"""Recruitment, hall plan, contracts, import, portal."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("exhibitors", __name__)
