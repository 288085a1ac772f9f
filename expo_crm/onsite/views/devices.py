"""The organizer's devices: which of them are ready, what each of them lacks, pairing, moving, withdrawing, wiping."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.onsite import queries, queries_devices
from expo_crm.onsite.gate_forms import PROFILE_NAMES, DeviceForm
from expo_crm.onsite.models import Device, Gate
from expo_crm.onsite.queries_devices import Gaps
from expo_crm.onsite.services import devices as services
from expo_crm.onsite.services import feed
from expo_crm.onsite.views.qr import qr_path
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

SILENT = dt.timedelta(seconds=60)
CLOCK_LIMIT_MS = 120_000
LIST_OLD_SECONDS = 15 * 60
LIST_STALE_SECONDS = 60 * 60
STORAGE_FREE_LIMIT = 50 * 1024 * 1024  # bytes: a list of 50,000 badges and 20,000 scans need about 30 MB
BATTERY_LIMIT = 20
SCANNERS = ("gate", "gate_kiosk")  # they keep a list of badges and decide without a network
_SESSION = "pairing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a device needs before the doors open. ``tone``: success, warning or danger."""

    tone: str
    text: str


class DeviceState:
    """What staff see of a device: paired, silent, how far its clock, its queue and its list of badges are off."""

    def __init__(self, device: Device, newest: int | None = None) -> None:
        self.device = device
        self.seen_at = device.seen_at
        self.newest = newest
        now = clock.now()
        self.waits = device.pairing_hash is not None and (device.pairing_expires_at or now) > now
        self.paired = device.token_hash is not None and device.revoked_at is None
        self.silent = self.paired and (device.seen_at is None or now - device.seen_at > SILENT)
        self.clock_off = abs(device.clock_offset_ms or 0) > CLOCK_LIMIT_MS
        self.scans = device.profile in SCANNERS

    @property
    def label(self) -> str:
        if self.device.revoked_at is not None:
            return _("Withdrawn, to be wiped") if self.device.wipe else _("Device withdrawn")
        if self.waits:
            return _("Waiting to be paired")
        if not self.paired:
            return _("Not paired")
        return _("Silent") if self.silent else _("Online")

    @property
    def tone(self) -> str:
        if self.device.revoked_at is not None:
            return "neutral"
        if self.waits:
            return "info"
        if not self.paired:
            return "warning"
        return "danger" if self.silent else "success"

    @property
    def offset(self) -> str:
        """The clock's difference in words; a second more or less is none."""
        ms = self.device.clock_offset_ms
        if ms is None:
            return "–"
        seconds = round(ms / 1000)
        return _("exact") if abs(seconds) < 2 else _("%(n)s s off", n=f"{-seconds:+d}")

    @property
    def list_age(self) -> int | None:
        """Seconds since the device last heard that its list is the newest; it grows while the device is silent."""
        if self.device.snapshot_age_s is None or self.device.seen_at is None:
            return None
        return self.device.snapshot_age_s + max(0, int((clock.now() - self.device.seen_at).total_seconds()))

    @property
    def list_text(self) -> str:
        """Version and age of its list of badges."""
        if not self.scans or self.device.snapshot_version is None:
            return "–"
        age = self.list_age
        version = _("no. %(n)s", n=i18n.number(self.device.snapshot_version))
        return version if age is None else f"{version} · {_duration(age)}"

    @property
    def list_tone(self) -> str:
        if self.device.snapshot_version is None:
            return "danger"
        age = self.list_age or 0
        return "danger" if age > LIST_STALE_SECONDS else "warning" if age > LIST_OLD_SECONDS else "success"

    @property
    def storage_text(self) -> str:
        """Used and allowed megabytes."""
        stored = self.device.storage or {}
        if not stored.get("quota"):
            return "–"
        used, quota = (round((stored.get(k) or 0) / 1024 / 1024) for k in ("usage", "quota"))
        return _("%(used)s of %(quota)s MB", used=i18n.number(used), quota=i18n.number(quota))

    def checks(self) -> list[Check]:
        """What is missing before the doors open; none for a device that is ready."""
        device = self.device
        if device.revoked_at is not None:
            return []
        if not self.paired:
            return [Check("danger", self.label)]
        out = []
        if self.silent:
            out.append(Check("danger", _("Nothing heard for more than a minute")))
        if device.gate_id is None and self.scans:
            out.append(Check("danger", _("No gate chosen")))
        if self.clock_off:
            out.append(Check("warning", _("The clock is wrong: %(offset)s", offset=self.offset)))
        if device.queue_length:
            out.append(Check("warning", _("%(n)s scans not uploaded", n=i18n.number(device.queue_length))))
        if device.missing:
            out.append(Check("danger", _("%(n)s scans never arrived", n=i18n.number(device.missing))))
        if self.scans:
            out += self._list_checks()
        if device.battery is not None and device.battery < BATTERY_LIMIT:
            out.append(Check("warning", _("Battery at %(n)s %%", n=device.battery)))
        return out

    def _list_checks(self) -> list[Check]:
        device, out = self.device, []
        if device.snapshot_version is None:
            out.append(Check("danger", _("No list of badges: it cannot work without a network")))
        elif self.newest and device.snapshot_version < self.newest and self.list_tone != "success":
            out.append(Check("warning", _("Its list of badges is old")))
        stored = device.storage or {}
        if stored.get("quota") and stored["quota"] - (stored.get("usage") or 0) < STORAGE_FREE_LIMIT:
            out.append(Check("warning", _("Hardly any storage left")))
        if stored and not stored.get("persisted"):
            out.append(Check("warning", _("The browser may clear its storage: install the page as an app")))
        return out

    @property
    def ready(self) -> bool:
        return self.paired and not any(c.tone == "danger" for c in self.checks())


def _duration(seconds: int) -> str:
    if seconds < 90:
        return _("%(n)s s old", n=seconds)
    if seconds < 5400:
        return _("%(n)s min old", n=round(seconds / 60))
    return _("%(n)s h old", n=round(seconds / 3600))


def states(devices: list[Device]) -> list[DeviceState]:
    """The devices of the current edition with what is known of them."""
    newest = feed.version(g.edition.id)
    return [DeviceState(d, newest) for d in devices]


def _context() -> dict[str, Any]:
    found = states(queries_devices.list_staff_devices(g.edition.id))
    used = [s for s in found if s.device.revoked_at is None]
    return {
        "states": found,
        "used": used,
        "ready": sum(1 for s in used if s.ready),
        "gates_without": _gates_without(found),
        "profiles": PROFILE_NAMES,
        "newest": feed.version(g.edition.id),
        "may_edit": current_principal().can(Permission.GATE),
        "now": clock.now(),
    }


def _gates_without(found: list[DeviceState]) -> list[Gate]:
    """Gates at which no paired device stands."""
    manned = {s.device.gate_id for s in found if s.paired}
    return [gate for gate in queries.list_gates(g.edition.id) if gate.id not in manned]


@requires(Permission.VIEW)
def devices() -> ResponseReturnValue:
    """Before the doors open: every device with what is missing."""
    return render_template("onsite/devices.html", **_context())


@requires(Permission.VIEW)
def devices_panel() -> ResponseReturnValue:
    """The part of the page that renews itself."""
    return render_template("onsite/devices_panel.html", **_context())


def _device(device_id: int) -> Device:
    found = queries.find_device(g.edition.id, device_id) if device_id < 2**53 else None
    if found is None or found.profile in queries_devices.NOT_STAFF:
        abort(404)
    return found


def _gate(gate_id: int) -> Gate:
    found = queries.find_gate(g.edition.id, gate_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.GATE)
def add_device(gate_id: int) -> ResponseReturnValue:
    """A new device at a gate: straight to its pairing code."""
    gate = _gate(gate_id)
    form = DeviceForm()
    if not form.validate_on_submit():
        return render_template("onsite/gates_device_form.html", form=form, gate=gate), 422 if form.errors else 200
    made, token = services.create_device(g.edition, gate, form.name.data, form.profile.data)
    _remember(made, token)
    return redirect(url_for("onsite.device", device_id=made.id))


@requires(Permission.GATE)
def device(device_id: int) -> ResponseReturnValue:
    """One device: its pairing code while it waits, else its state."""
    found = _device(device_id)
    state = DeviceState(found, feed.version(g.edition.id))
    link = _pairing_link(found) if state.waits else ""
    gaps = queries_devices.gaps_of(found)
    return render_template(
        "onsite/gates_device.html",
        device=found,
        state=state,
        link=link,
        qr=qr_path(link) if link else None,
        left=_seconds_left(found),
        reach=_reach(),
        gates=queries.list_gates(g.edition.id),
        profiles=PROFILE_NAMES,
        gaps=gaps,
        ranges=_ranges(gaps),
    )


def _ranges(gaps: Gaps) -> str:
    comma = "、" if i18n.locale() == "zh" else ", "
    return comma.join(f"{first}" if first == last else f"{first}–{last}" for first, last in gaps.ranges)


@requires(Permission.GATE)
def device_state(device_id: int) -> ResponseReturnValue:
    """The part of the device page that renews itself; when the state has changed it asks for the whole page."""
    found = _device(device_id)
    state = DeviceState(found)
    if not state.waits:
        return "", 200, {"HX-Refresh": "true"}
    return render_template("onsite/gates_waiting.html", device=found, state=state, left=_seconds_left(found))


@requires(Permission.GATE)
def new_pairing(device_id: int) -> ResponseReturnValue:
    found = _device(device_id)
    _remember(found, services.new_pairing(found))
    return redirect(url_for("onsite.device", device_id=found.id))


@requires(Permission.GATE)
def move_device(device_id: int) -> ResponseReturnValue:
    """Send a device to another gate."""
    found = _device(device_id)
    raw = request.form.get("gate_id", "")
    gate = _gate(int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
    if gate is None and raw:
        raise Refused(_("Please choose a gate of this edition."))
    services.assign(found, gate)
    flash(_("The device takes this over within a quarter of a minute."), "success")
    return redirect(url_for("onsite.device", device_id=found.id))


@requires(Permission.GATE)
def revoke_device(device_id: int) -> ResponseReturnValue:
    """Withdraw a device; with ``wipe`` it also empties its storage after its last upload."""
    found = _device(device_id)
    wipe = request.form.get("wipe") == "1"
    services.revoke(found, wipe=wipe)
    flash(
        _("%(name)s is withdrawn and empties its storage when it is heard of next. Scans that it still holds wait under To settle.",
          name=found.name)
        if wipe
        else _("%(name)s is withdrawn: its scans are refused from now on.", name=found.name),
        "success",
    )  # fmt: skip
    return redirect(url_for("onsite.device", device_id=found.id))


def _remember(device: Device, token: str) -> None:
    """Keep the token for the page that shows it; only its hash is stored."""
    session[_SESSION] = [device.id, token]


def _pairing_link(device: Device) -> str:
    """The address behind the code, when this browser is the one that asked for it."""
    kept = session.get(_SESSION)
    if not isinstance(kept, list) or kept[0] != device.id:
        return ""
    waiting = services.find_pairing(kept[1])
    if waiting is None or waiting.id != device.id:
        return ""
    return current_app.config["SETTINGS"].base_url + url_for("onsite.pair", token=kept[1])


def _seconds_left(device: Device) -> int:
    if device.pairing_expires_at is None:
        return 0
    return max(0, int((device.pairing_expires_at - clock.now()).total_seconds()))


def _reach() -> str:
    """Who can open the address: "local" only this computer, "plain" anybody but without camera, "" everybody."""
    parts = urlsplit(current_app.config["SETTINGS"].base_url)
    if parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return "local"
    return "" if parts.scheme == "https" else "plain"
