"""Invoices and payments."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("billing", __name__)
