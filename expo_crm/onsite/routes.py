"""Badges, gates, devices, scans, leads, live board."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("onsite", __name__)
