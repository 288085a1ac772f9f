"""Badges, gates, devices, scans, leads, live board."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.onsite.views import api, badges, gate, gates, leads, live, pairing, scans, snapshot_api

blueprint = Blueprint("onsite", __name__)
at = blueprint.add_url_rule

# What devices say and ask
at("/api/gate/scan", "api_scan", api.scan, methods=["POST"])
at("/api/gate/scans", "api_scan_batch", api.scan_batch, methods=["POST"])
at("/api/gate/override", "api_override", api.override, methods=["POST"])
at("/api/gate/heartbeat", "api_heartbeat", api.heartbeat, methods=["POST"])
at("/api/gate/state", "api_state", api.state)
at("/api/gate/choose", "api_choose", api.choose, methods=["POST"])
at("/api/gate/snapshot", "api_snapshot", snapshot_api.snapshot)
at("/api/gate/snapshot/<int:version>/<int:number>", "api_snapshot_chunk", snapshot_api.snapshot_chunk)
at("/api/gate/changes", "api_changes", snapshot_api.changes)

# Badges
at("/e/<edition>/badges", "badges", badges.badges)
at("/e/<edition>/badges/issue", "issue_badges", badges.issue, methods=["POST"])
at("/e/<edition>/badges/print", "print_badges", badges.print_many, methods=["POST"])
at("/e/<edition>/badges/work/<int:job_id>", "badge_work", badges.work)
at("/e/<edition>/badges/work/<int:job_id>/file", "badge_file", badges.file)
at("/e/<edition>/badges/<int:badge_id>", "badge", badges.badge)
at("/e/<edition>/badges/<int:badge_id>/print", "print_badge", badges.print_one, methods=["POST"])
at("/e/<edition>/badges/<int:badge_id>/change", "change_badge", badges.change, methods=["POST"])
at("/e/<edition>/registrations/<int:registration_id>/badge", "registration_badge", badges.of_registration, methods=["POST"])

# Leads
at("/e/<edition>/leads", "leads", leads.leads)

# Gates and the devices at them
at("/e/<edition>/gates", "gates", gates.gates)
at("/e/<edition>/gates/new", "new_gate", gates.new_gate, methods=["GET", "POST"])
at("/e/<edition>/gates/<int:gate_id>", "edit_gate", gates.edit_gate, methods=["GET", "POST"])
at("/e/<edition>/gates/<int:gate_id>/devices", "add_device", gates.add_device, methods=["GET", "POST"])
at("/e/<edition>/gates/devices/<int:device_id>", "device", gates.device)
at("/e/<edition>/gates/devices/<int:device_id>/state", "device_state", gates.device_state)
at("/e/<edition>/gates/devices/<int:device_id>/pairing", "new_pairing", gates.new_pairing, methods=["POST"])
at("/e/<edition>/gates/devices/<int:device_id>/move", "move_device", gates.move_device, methods=["POST"])
at("/e/<edition>/gates/devices/<int:device_id>/revoke", "revoke_device", gates.revoke_device, methods=["POST"])

# On the device
at("/gate", "gate", gate.gate)
at("/gate/pair/<token>", "pair", pairing.pair)
at("/gate/pair/<token>", "confirm_pairing", pairing.confirm_pairing, methods=["POST"])

# Live board and scan log
at("/e/<edition>/live", "live", live.live)
at("/e/<edition>/live/fragment", "live_board", live.live_board)
at("/e/<edition>/live/tally", "hand_tally", live.hand_tally, methods=["POST"])
at("/e/<edition>/gates/card", "gate_card", live.gate_card)
at("/e/<edition>/scans", "scans", scans.scans)
at("/e/<edition>/scans/<int:scan_id>", "scan", scans.scan)
at("/e/<edition>/scans/<int:scan_id>/override", "override_scan", scans.override_scan, methods=["POST"])
