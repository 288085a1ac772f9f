"""Pairing, on the device itself: the link behind the QR code works once, within a quarter of an hour."""

from __future__ import annotations

from flask import make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from expo_crm.onsite.gate_forms import PROFILE_NAMES
from expo_crm.onsite.services import devices
from expo_crm.onsite.views import principal, shell
from expo_crm.web.policy import public

LONGEST = 100
# Where a device begins its work.
START = {**shell.PAGES, "gate_kiosk": shell.PAGES["gate"], "badge_print": "/print"}


@public()
def pair(token: str) -> ResponseReturnValue:
    """What this device is about to become. Looking does not use the link up."""
    found = devices.find_pairing(token[:LONGEST])
    if found is None:
        return render_template("onsite/pairing_gone.html"), 410
    return render_template(
        "onsite/pairing.html", device=found, use=PROFILE_NAMES[found.profile], signed_in=current_user.is_authenticated
    )


@public()
def confirm_pairing(token: str) -> ResponseReturnValue:
    """Take the link: from now on this browser is the device."""
    done = devices.pair(token[:LONGEST])
    if done is None:
        return render_template("onsite/pairing_gone.html"), 410
    device, own = done
    response = make_response(redirect(START[device.profile], 303))
    principal.set_cookie(response, own)
    return response
