"""Is the process up, and does its database answer?"""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from expo_crm import __version__
from expo_crm.db import db
from expo_crm.web.policy import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public()
def healthz() -> ResponseReturnValue:
    db.session.execute(text("select 1"))
    return jsonify(status="ok", version=__version__)
