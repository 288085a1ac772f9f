"""Gates of an edition and the devices at them: set up, pair, move, withdraw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.onsite import queries
from expo_crm.onsite.gate_forms import DIRECTIONS, PASSBACKS, PROFILE_NAMES, DeviceForm, GateForm
from expo_crm.onsite.models import Device, Gate
from expo_crm.onsite.services import devices as device_services
from expo_crm.onsite.services import gates as gate_services
from expo_crm.onsite.views.qr import qr_path
from expo_crm.shows import queries as shows
from expo_crm.visitors import queries as visitors
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires

SILENT = dt.timedelta(seconds=60)
CLOCK_LIMIT_MS = 120_000
_SESSION = "pairing"


@requires(Permission.VIEW)
def gates() -> ResponseReturnValue:
    """Every gate with its devices, and devices without a gate."""
    found = queries.list_devices(g.edition.id)
    return render_template(
        "onsite/gates.html",
        gates=queries.list_gates(g.edition.id),
        devices=[DeviceState(d) for d in found],
        class_names=_class_namer(),
        directions=DIRECTIONS,
        passbacks=PASSBACKS,
        profiles=PROFILE_NAMES,
        may_edit=current_principal().can(Permission.GATE),
    )


def _class_namer() -> Callable[[list[str]], str]:
    known = {c.code: bi(c) for c in visitors.list_classes(g.edition.id)}
    comma = "、" if locale() == "zh" else ", "
    return lambda codes: comma.join(known.get(code, code) for code in codes)


@requires(Permission.GATE)
def new_gate() -> ResponseReturnValue:
    form = _form()
    if form.validate_on_submit():
        gate = gate_services.create_gate(g.edition, **form.fields())
        flash(_("Gate %(code)s is set up. Add the device that stands there.", code=gate.code), "success")
        return redirect(url_for("onsite.gates", _anchor=f"gate-{gate.id}"))
    return render_template("onsite/gates_form.html", form=form, gate=None), 422 if form.errors else 200


@requires(Permission.GATE)
def edit_gate(gate_id: int) -> ResponseReturnValue:
    gate = _gate(gate_id)
    form = _form(gate)
    if form.validate_on_submit():
        gate_services.update_gate(gate, **form.fields())
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.gates", _anchor=f"gate-{gate.id}"))
    return render_template("onsite/gates_form.html", form=form, gate=gate), 422 if form.errors else 200


def _form(gate: Gate | None = None) -> GateForm:
    form = GateForm(obj=gate)
    form.prepare(g.edition, shows.list_halls(g.edition.id), visitors.list_classes(g.edition.id), gate)
    if not form.is_submitted():
        form.hall.data = str(gate.hall_id) if gate and gate.hall_id else "show"
    return form


def _gate(gate_id: int) -> Gate:
    found = queries.find_gate(g.edition.id, gate_id)
    if found is None:
        abort(404)
    return found


def _device(device_id: int) -> Device:
    found = queries.find_device(g.edition.id, device_id)
    if found is None:
        abort(404)
    return found


class DeviceState:
    """What staff see of a device: paired, silent, how far its clock and its queue are off."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.seen_at = device.seen_at
        now = clock.now()
        self.waits = device.pairing_hash is not None and (device.pairing_expires_at or now) > now
        self.paired = device.token_hash is not None and device.revoked_at is None
        self.silent = self.paired and (device.seen_at is None or now - device.seen_at > SILENT)
        self.clock_off = abs(device.clock_offset_ms or 0) > CLOCK_LIMIT_MS

    @property
    def label(self) -> str:
        if self.device.revoked_at is not None:
            return _("Withdrawn")
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


@requires(Permission.GATE)
def add_device(gate_id: int) -> ResponseReturnValue:
    """A new device at a gate: straight to its pairing code."""
    gate = _gate(gate_id)
    form = DeviceForm()
    if not form.validate_on_submit():
        return render_template("onsite/gates_device_form.html", form=form, gate=gate), 422 if form.errors else 200
    made, token = device_services.create_device(g.edition, gate, form.name.data, form.profile.data)
    _remember(made, token)
    return redirect(url_for("onsite.device", device_id=made.id))


@requires(Permission.GATE)
def device(device_id: int) -> ResponseReturnValue:
    """One device: its pairing code while it waits, else its state."""
    found = _device(device_id)
    state = DeviceState(found)
    link = _pairing_link(found) if state.waits else ""
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
    )


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
    _remember(found, device_services.new_pairing(found))
    return redirect(url_for("onsite.device", device_id=found.id))


@requires(Permission.GATE)
def move_device(device_id: int) -> ResponseReturnValue:
    """Send a device to another gate."""
    found = _device(device_id)
    raw = request.form.get("gate_id", "")
    gate = _gate(int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
    if gate is None and raw:
        raise Refused(_("Please choose a gate of this edition."))
    device_services.assign(found, gate)
    flash(_("The device takes this over within a quarter of a minute."), "success")
    return redirect(url_for("onsite.device", device_id=found.id))


@requires(Permission.GATE)
def revoke_device(device_id: int) -> ResponseReturnValue:
    found = _device(device_id)
    device_services.revoke(found)
    flash(_("%(name)s is withdrawn: its scans are refused from now on.", name=found.name), "success")
    return redirect(url_for("onsite.device", device_id=found.id))


def _remember(device: Device, token: str) -> None:
    """Keep the token for the page that shows it; only its hash is stored."""
    session[_SESSION] = [device.id, token]


def _pairing_link(device: Device) -> str:
    """The address behind the code, when this browser is the one that asked for it."""
    kept = session.get(_SESSION)
    if not isinstance(kept, list) or kept[0] != device.id:
        return ""
    waiting = device_services.find_pairing(kept[1])
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
