"""The overview of an edition."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.reporting.views import matrix, overview

blueprint = Blueprint("reporting", __name__)
blueprint.add_url_rule("/e/<edition>", view_func=overview.overview, endpoint="overview")
blueprint.add_url_rule("/e/<edition>/participations.xlsx", view_func=matrix.participations, endpoint="participations")
