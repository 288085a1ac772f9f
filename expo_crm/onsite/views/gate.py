"""/gate: the page that a gate device shows all day."""

from __future__ import annotations

from typing import Any

from flask import abort, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.onsite.domain.reasons import REASONS, reason_text
from expo_crm.onsite.models import Device
from expo_crm.onsite.services import keys
from expo_crm.onsite.views import principal, shell
from expo_crm.web.assets import manifest
from expo_crm.web.i18n import locale
from expo_crm.web.policy import current_principal, public

PROFILES = ("gate", "gate_kiosk")


@public()
def gate() -> ResponseReturnValue:
    """The gate of this device. A browser that is none, or no longer, is told how to become one."""
    if current_principal().kind != "device":
        known = principal.find_device()
        return _unpaired(known)
    if current_principal().device_profile not in PROFILES:
        abort(403)
    device = principal.current_device()
    return shell.shell("onsite/gate.html", device=device, config=_config(device), checks=_checks())


def _unpaired(device: Device | None) -> ResponseReturnValue:
    """A withdrawn device still hands over what it has read; the page that was kept on it is not shown any more."""
    config = {"pairing": _pairing(device), "wipe": device.wipe} if device is not None and device.paired_at else None
    return shell.unpaired("onsite/gate_unpaired.html", device=device, config=config)


def _config(device: Device) -> dict[str, Any]:
    """What the script needs before it has asked the server for anything."""
    gate = device.gate
    return {
        "pairing": _pairing(device),
        "profile": device.profile,
        "edition": device.edition_id,
        "keys": keys.published(device.edition.show_id),
        "reasons": {code: reason_text(code) for code in REASONS},
        "leaving": {code: reason_text(code, "exit") for code in ("ok", "ok_reentry")},
        "locale": locale(),
        "wasm": url_for("static", filename=f"dist/{manifest()['zxing_reader.wasm']}"),
        "gate": {
            "id": gate.id,
            "direction": gate.direction,
            "name": {"zh": gate.name_zh or gate.name_en, "en": gate.name_en or gate.name_zh},
        }
        if gate
        else None,
        "texts": _texts(),
    }


def _pairing(device: Device) -> str:
    """Names the stores of this pairing on the device."""
    return f"{device.id}-{int(device.paired_at.timestamp()) if device.paired_at else 0}"


def _checks() -> list[tuple[str, str]]:
    """What is checked before the doors open, in the order in which it is put right."""
    return [
        ("network", _("Connection")),
        ("gate", _("Gate")),
        ("camera", _("Camera")),
        ("scan", _("Test scan")),
        ("sound", _("Sound")),
        ("storage", _("Storage")),
        ("list", _("List of badges")),
        ("rules", _("Rules of the gate")),
        ("app", _("Works without network")),
        ("clock", _("Clock")),
        ("awake", _("Screen stays on")),
        ("version", _("Version")),
    ]


# A self-service gate speaks the language of the person in front of it, whatever its own is.
_BOTH = {
    "admit": {"zh": "请进", "en": "Please go in"},
    "exit": {"zh": "请慢走", "en": "Goodbye"},
    "warn": {"zh": "请进", "en": "Please go in"},
    "deny": {"zh": "请停步", "en": "Please stop"},
    "input": {"zh": "请到服务台", "en": "Please go to the service desk"},
}


def _texts() -> dict[str, Any]:
    """The words of the device's own states; those of a decision come with the answer."""
    return {
        "both": _BOTH,
        **_line_texts(),
        **_readiness_texts(),
        "admit": _("Admitted"),
        "exit": _("Leaving"),
        "warn": _("Admitted – please look"),
        "deny": _("Stop"),
        "input": _("Service desk"),
        "working": _("Checking…"),
        "cannotStore": _("Cannot store – stop"),
        "cannotStoreHelp": _(
            "This device cannot keep scans. Admit nobody with it: use another device, or open the page in a normal window "
            "with free storage."
        ),
        "noConnection": _("No connection to the server. Please try again."),
        "otherTab": _("The gate is open in another tab"),
        "otherTabHelp": _("Go on there. When that tab is closed, this one takes over by itself."),
        "annulled": _("Annulled"),
        "annulledHelp": _("The last scan no longer counts. It stays in the log."),
        "handing": _("Handing over {n} stored scans to the supervisor. Please leave this page open."),
        "handed": _("Everything was handed over; the list of badges was deleted from this device."),
        "refused": _("The server did not accept this scan"),
        "device_revoked": _("This device was withdrawn. Ask the supervisor for a new pairing code."),
        "device_unknown": _("This device is not paired. Ask the supervisor for a pairing code."),
        "no_gate": _("No gate chosen"),
        "noGate": _("No gate chosen"),
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


def _line_texts() -> dict[str, Any]:
    """The state of the connection, of the list of badges and of the queue."""
    return {
        "online": _("Online"),
        "offline": _("No connection"),
        "busy": _("Server busy"),
        "queued": _("{n} waiting"),
        "alone": _("No connection: this device decides by itself"),
        "networkThere": _("The network is there, but our server cannot be reached safely. If that lasts, tell the supervisor."),
        "listAge": _("List of badges: {age} old"),
        "noList": _("There is no list of badges on this device yet"),
        "minutes": _("{n} min"),
        "hours": _("{h} h {n} min"),
        "interrupted": _("{n} scans were interrupted before an answer was shown. Nobody was admitted by them: please scan again."),
        "conflicts": _("{n} scans of the time without connection are judged differently by the server. The supervisor sees them."),
        "lostScans": _("{n} scans of this device never reached the server. Tell the supervisor."),
        "cleared": _("The storage of this device was cleared. Scans that were not uploaded yet are gone. Tell the supervisor."),
        "foreignCodes": _("Many unknown codes are scanned here. Tell the supervisor."),
        "listFault": {
            "signature": _("A new list of badges is not genuine. The old one stays in use. Tell the supervisor."),
            "old": _("A new list of badges is older than ours. Ours stays in use. Tell the supervisor."),
            "hash": _("A new list of badges arrived damaged. The old one stays in use; it is tried again."),
            "show": _("A list of badges of another edition arrived. The old one stays in use. Tell the supervisor."),
            "form": _("A new list of badges cannot be read. The old one stays in use. Tell the supervisor."),
            "stored": _("The list of badges cannot be stored on this device. Free some storage."),
        },
    }


def _readiness_texts() -> dict[str, str]:
    """What the check before opening says of each point, and what to do."""
    return {
        "state_ok": _("all right"),
        "state_bad": _("not all right"),
        "state_note": _("please look"),
        "state_wait": _("waiting"),
        "readyAll": _("Everything is ready."),
        "readyNot": _("{n} points need a hand."),
        "start": _("Start scanning"),
        "startAnyway": _("Start all the same"),
        "okNetwork": _("The server answers."),
        "badNetwork": _("The server does not answer."),
        "doNetwork": _("Connect the device to the network of the hall and wait a moment."),
        "doGate": _("Choose the gate with the button below."),
        "okCamera": _("The camera runs."),
        "badCamera": _("The camera is off."),
        "doCamera": _("Switch it on, or use a hand scanner."),
        "waitScan": _("Scan any badge now. It does not count."),
        "okScan": _("Read. At the door: {text}"),
        "otherScan": _("Read. At the door it would be refused: {text}"),
        "doScan": _("Reading works. Try a valid badge too."),
        "okSound": _("Sound is on."),
        "badSound": _("Sound is off."),
        "doSound": _("Touch the loudspeaker above; turn up the volume."),
        "okStore": _("Scans are kept safely."),
        "badStore": _("Scans cannot be kept on this device."),
        "doStore": _("Close the private window and free storage, or take another device."),
        "badQuota": _("Less than 50 MB of storage are free."),
        "doQuota": _("Free storage on this device."),
        "notPersisted": _("Scans are kept, but the browser may clear its storage when space runs out."),
        "doPersist": _("Add this page to the home screen and open it from there."),
        "okList": _("{n} badges, {age} old."),
        "badList": _("The new list of badges was not accepted."),
        "doList": _("Stay connected for a moment; it is fetched by itself."),
        "okRules": _("The rules of this gate are here."),
        "badRules": _("The rules of this gate are not here yet."),
        "okApp": _("This page opens without network too."),
        "badApp": _("This page needs the network to open."),
        "doApp": _("Stay connected for a moment, then open the page once more."),
        "doSecure": _("Open this page by its https address."),
        "okClock": _("The clock is right."),
        "badClockUnknown": _("The clock was not compared yet."),
        "doClock": _("Set date and time of the device to automatic."),
        "okAwake": _("The screen stays on."),
        "badAwake": _("The screen may switch off by itself."),
        "doAwake": _("Set the screen time-out of the device to never."),
        "okVersion": _("Build {build}"),
    }
