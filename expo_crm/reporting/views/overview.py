"""The landing page: what matters now in this edition."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from expo_crm.web.policy import Permission, requires


@requires(Permission.VIEW)
def overview() -> ResponseReturnValue:
    return render_template("reporting/overview.html")
