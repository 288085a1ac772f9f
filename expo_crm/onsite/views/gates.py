"""/e/<edition>/gates: the doors of an edition and the devices that stand at them."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.onsite import queries, queries_devices, queries_zones
from expo_crm.onsite.gate_forms import DIRECTIONS, PASSBACKS, PROFILE_NAMES, GateForm
from expo_crm.onsite.models import Gate
from expo_crm.onsite.services import gates as services
from expo_crm.onsite.views import devices
from expo_crm.shows import queries as shows
from expo_crm.visitors import queries as visitors
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.VIEW)
def gates() -> ResponseReturnValue:
    """Every gate with its devices, and devices without a gate."""
    return render_template(
        "onsite/gates.html",
        gates=queries.list_gates(g.edition.id),
        zones={z.code: z for z in queries_zones.list_zones(g.edition.id)},
        devices=devices.states(queries_devices.list_staff_devices(g.edition.id)),
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
        gate = services.create_gate(g.edition, **form.fields())
        flash(_("Gate %(code)s is set up. Add the device that stands there.", code=gate.code), "success")
        return redirect(url_for("onsite.gates", _anchor=f"gate-{gate.id}"))
    return render_template("onsite/gates_form.html", form=form, gate=None), 422 if form.errors else 200


@requires(Permission.GATE)
def edit_gate(gate_id: int) -> ResponseReturnValue:
    gate = _gate(gate_id)
    form = _form(gate)
    if form.validate_on_submit():
        services.update_gate(gate, **form.fields())
        flash(_("Saved."), "success")
        return redirect(url_for("onsite.gates", _anchor=f"gate-{gate.id}"))
    return render_template("onsite/gates_form.html", form=form, gate=gate), 422 if form.errors else 200


def _form(gate: Gate | None = None) -> GateForm:
    form = GateForm(obj=gate)
    zones, halls = queries_zones.list_zones(g.edition.id), shows.list_halls(g.edition.id)
    form.prepare(g.edition, zones, halls, visitors.list_classes(g.edition.id), gate)
    return form


def _gate(gate_id: int) -> Gate:
    found = queries.find_gate(g.edition.id, gate_id)
    if found is None:
        abort(404)
    return found
