"""/gate: the page that a gate device shows all day."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.onsite.models import Device
from expo_crm.onsite.views import principal
from expo_crm.web.assets import manifest
from expo_crm.web.i18n import locale
from expo_crm.web.policy import current_principal, public

PROFILES = ("gate", "gate_kiosk")


@public()
def gate() -> ResponseReturnValue:
    """The gate of this device. A browser that is none, or no longer, is told how to become one."""
    if current_principal().kind != "device":
        known = principal.find_device()
        return render_template("onsite/gate_unpaired.html", device=known), 401
    if current_principal().device_profile not in PROFILES:
        abort(403)
    device = principal.current_device()
    return render_template("onsite/gate.html", device=device, config=_config(device))


def _config(device: Device) -> dict[str, Any]:
    """What the script needs before it has asked the server for anything."""
    gate = device.gate
    paired = int(device.paired_at.timestamp()) if device.paired_at else 0
    return {
        "pairing": f"{device.id}-{paired}",
        "profile": device.profile,
        "locale": locale(),
        "wasm": url_for("static", filename=f"dist/{manifest()['zxing_reader.wasm']}"),
        "gate": {"id": gate.id, "direction": gate.direction} if gate else None,
        "texts": _texts(),
    }


def _texts() -> dict[str, str]:
    """The words of the device's own states; those of a decision come with the answer."""
    return {
        "admit": _("Admitted"),
        "exit": _("Leaving"),
        "warn": _("Admitted – please look"),
        "deny": _("Stop"),
        "input": _("Service desk"),
        "working": _("Checking…"),
        "notStored": _("Not stored"),
        "noConnection": _("No connection. It is tried again by itself; if it stays red, ask the supervisor."),
        "busyAgain": _("The server is busy. It is tried again by itself."),
        "refused": _("The server did not accept this scan"),
        "device_revoked": _("This device was withdrawn. Ask the supervisor for a new pairing code."),
        "device_unknown": _("This device is not paired. Ask the supervisor for a pairing code."),
        "no_gate": _("No gate chosen"),
        "noGate": _("No gate chosen"),
        "online": _("Online"),
        "offline": _("No connection"),
        "busy": _("Server busy"),
        "queued": _("{n} waiting"),
        "clock": _("The clock of this device is wrong by {n} minutes. Please set it right."),
        "hint": _("Hold the QR code of the badge in front of the camera"),
        "hintExit": _("Exit: hold the QR code of the badge in front of the camera"),
        "cameraStarts": _("Starting the camera…"),
        "cameraOff": _("The camera is off"),
        "cameraOffHelp": _("A hand scanner works now. Switch the camera on with the button below."),
        "cameraDenied": _("The camera is not allowed"),
        "cameraDeniedHelp": _(
            "Allow the camera for this page: touch the lock beside the address, then Permissions, Camera, Allow. "
            "A hand scanner works without it."
        ),
        "cameraMissing": _("No camera found"),
        "cameraMissingHelp": _("Use a hand scanner, or type the code."),
        "cameraInUse": _("The camera does not start"),
        "cameraInUseHelp": _("Another app may be using it. Close that app and try again. A hand scanner works meanwhile."),
        "cameraInsecure": _("The camera needs a secure connection"),
        "cameraInsecureHelp": _(
            "Open this page by its https address. A hand scanner and typed codes work here."
        ),
        "cameraDecoder": _("The code reader could not be loaded"),
        "cameraDecoderHelp": _("Check the connection and try again. A hand scanner works meanwhile."),
        "overrideNeeds": _("Please give a reason and your name."),
    }
