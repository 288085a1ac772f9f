"""Badges, gates, devices, scans, leads, live board."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.onsite.views import (
    api,
    arrival,
    badges,
    desk,
    devices,
    event_door,
    events,
    gate,
    gates,
    inbox,
    keys,
    kiosk,
    layouts,
    lead_device,
    leads,
    live,
    pairing,
    portal_leads,
    printing,
    programme,
    recipients,
    scans,
    shell,
    snapshot_api,
    zones,
)

blueprint = Blueprint("onsite", __name__)
at = blueprint.add_url_rule

# What devices say and ask
at("/api/gate/scan", "api_scan", api.scan, methods=["POST"])
at("/api/gate/scans", "api_scan_batch", api.scan_batch, methods=["POST"])
at("/api/gate/override", "api_override", api.override, methods=["POST"])
at("/api/gate/annul", "api_annul", api.annul, methods=["POST"])
at("/api/gate/heartbeat", "api_heartbeat", api.heartbeat, methods=["POST"])
at("/api/gate/state", "api_state", api.state)
at("/api/gate/choose", "api_choose", api.choose, methods=["POST"])
at("/api/gate/snapshot", "api_snapshot", snapshot_api.snapshot)
at("/api/gate/snapshot/<int:version>/<int:number>", "api_snapshot_chunk", snapshot_api.snapshot_chunk)
at("/api/gate/changes", "api_changes", snapshot_api.changes)
at("/api/gate/rules", "api_rules", snapshot_api.rules)
at("/api/gate/presence", "api_presence", snapshot_api.presence)

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

# Badge layouts
at("/e/<edition>/badges/layouts", "layouts", layouts.list_)
at("/e/<edition>/badges/layouts/new", "new_layout", layouts.new, methods=["GET", "POST"])
at("/e/<edition>/badges/layouts/preview", "layout_preview", layouts.preview, methods=["POST"])
at("/e/<edition>/badges/layouts/images", "layout_images", layouts.add_image, methods=["POST"])
at("/e/<edition>/badges/layouts/images/<int:image_id>.png", "layout_image", layouts.image)
at("/e/<edition>/badges/layouts/<int:layout_id>", "edit_layout", layouts.edit, methods=["GET", "POST"])
at("/e/<edition>/badges/layouts/<int:layout_id>/picture.png", "layout_picture", layouts.thumbnail)
at("/e/<edition>/badges/layouts/<int:layout_id>/delete", "remove_layout", layouts.remove, methods=["POST"])

# Printers, kiosks and their print jobs
at("/e/<edition>/badges/printers", "printers", printing.printers)
at("/e/<edition>/badges/printers/new", "add_printer", printing.add_printer, methods=["POST"])
at("/e/<edition>/badges/printers/<int:device_id>/choose", "choose_printer", printing.choose_printer, methods=["POST"])
at("/e/<edition>/badges/print-jobs/<int:job_id>", "change_print_job", printing.change_job, methods=["POST"])
at("/print", "print_station", printing.station)
at("/api/print/next", "api_print_next", printing.next_job)
at("/api/print/jobs/<int:job_id>/file", "api_print_file", printing.job_file)
at("/api/print/jobs/<int:job_id>/printed", "api_print_done", printing.acknowledge, methods=["POST"])
at("/api/print/jobs/<int:job_id>/failed", "api_print_failed", printing.report, methods=["POST"])

# The registration desk, and the kiosk where visitors help themselves
at("/e/<edition>/desk", "desk", desk.desk)
at("/e/<edition>/desk", "create_walk_in", desk.create, methods=["POST"])
at("/e/<edition>/desk/search", "desk_search", desk.search)
at("/e/<edition>/desk/search/same", "desk_same", desk.same)
at("/e/<edition>/desk/panel/new", "desk_new", desk.new_panel)
at("/e/<edition>/desk/<int:registration_id>/panel", "desk_panel", desk.panel)
at("/e/<edition>/desk/<int:registration_id>/badge.png", "desk_picture", desk.picture)
at("/e/<edition>/desk/<int:registration_id>", "desk_print", desk.print_person, methods=["POST"])
at("/e/<edition>/desk/jobs/<int:job_id>/file", "desk_file", desk.job_file)
at("/kiosk", "kiosk", kiosk.kiosk)
at("/api/kiosk/ticket", "api_kiosk_ticket", kiosk.ticket, methods=["POST"])
at("/api/kiosk/print", "api_kiosk_confirm", kiosk.confirm, methods=["POST"])

# Leads
at("/e/<edition>/leads", "leads", leads.leads)
at("/e/<edition>/leads/exhibitors", "leads_by_exhibitor", leads.leads_by_exhibitor)
at("/e/<edition>/leads/exhibitors/<int:participation_id>", "lead_exhibitor", leads.lead_exhibitor)
at(
    "/e/<edition>/leads/exhibitors/<int:participation_id>/devices/<int:device_id>/revoke",
    "revoke_lead_device",
    leads.revoke_lead_device,
    methods=["POST"],
)
at("/e/<edition>/leads/rules", "lead_policy", leads.lead_policy, methods=["GET", "POST"])

# Leads: the exhibitor's device
at("/lead", "lead", lead_device.lead)
at("/api/lead/scans", "api_lead_scans", lead_device.store, methods=["POST"])
at("/api/lead/details", "api_lead_details", lead_device.note, methods=["POST"])
at("/api/lead/unpair", "api_lead_unpair", lead_device.unpair, methods=["POST"])
at("/api/lead/recent", "api_lead_recent", lead_device.recent)
at("/api/lead/heartbeat", "api_lead_heartbeat", lead_device.beat, methods=["POST"])

# Leads: the exhibitor's portal
L = "/portal/<int:participation_id>/leads"
at(L, "portal_leads", portal_leads.portal_leads)
at(f"{L}/<int:lead_id>", "portal_lead", portal_leads.portal_lead, methods=["GET", "POST"])
at(f"{L}/team", "portal_lead_team", portal_leads.portal_lead_team)
at(f"{L}/setup", "portal_lead_setup", portal_leads.portal_lead_setup)
at(f"{L}/tags", "portal_lead_add_tag", portal_leads.portal_lead_add_tag, methods=["POST"])
at(f"{L}/tags/<int:tag_id>/retire", "portal_lead_retire_tag", portal_leads.portal_lead_retire_tag, methods=["POST"])
at(f"{L}/questions/new", "portal_lead_new_question", portal_leads.portal_lead_new_question, methods=["GET", "POST"])
at(
    f"{L}/questions/<int:question_id>",
    "portal_lead_question",
    portal_leads.portal_lead_question,
    methods=["GET", "POST"],
)
at(
    f"{L}/questions/<int:question_id>/change",
    "portal_lead_change_question",
    portal_leads.portal_lead_change_question,
    methods=["POST"],
)
at(f"{L}/devices", "portal_lead_devices", portal_leads.portal_lead_devices, methods=["GET", "POST"])
at(f"{L}/devices/<int:device_id>", "portal_lead_device", portal_leads.portal_lead_device)
at(f"{L}/devices/<int:device_id>/state/part", "portal_lead_device_state", portal_leads.portal_lead_device_state)
at(
    f"{L}/devices/<int:device_id>/change",
    "portal_lead_change_device",
    portal_leads.portal_lead_change_device,
    methods=["POST"],
)

# Leads: the visitor's own page
at("/v/<token>/recipients", "recipients", recipients.panel)
at("/v/<token>/recipients/change", "change_recipients", recipients.change, methods=["POST"])

# Gates and the devices at them
at("/e/<edition>/gates", "gates", gates.gates)
at("/e/<edition>/gates/new", "new_gate", gates.new_gate, methods=["GET", "POST"])
at("/e/<edition>/gates/<int:gate_id>", "edit_gate", gates.edit_gate, methods=["GET", "POST"])
at("/e/<edition>/gates/<int:gate_id>/devices", "add_device", devices.add_device, methods=["GET", "POST"])
at("/e/<edition>/gates/devices/<int:device_id>", "device", devices.device)
at("/e/<edition>/gates/devices/<int:device_id>/state", "device_state", devices.device_state)
at("/e/<edition>/gates/devices/<int:device_id>/pairing", "new_pairing", devices.new_pairing, methods=["POST"])
at("/e/<edition>/gates/devices/<int:device_id>/move", "move_device", devices.move_device, methods=["POST"])
at("/e/<edition>/gates/devices/<int:device_id>/revoke", "revoke_device", devices.revoke_device, methods=["POST"])
at("/e/<edition>/devices", "devices", devices.devices)
at("/e/<edition>/devices/panel", "devices_panel", devices.devices_panel)

# Zones
at("/e/<edition>/zones", "zones", zones.zones)
at("/e/<edition>/zones/new", "new_zone", zones.new_zone, methods=["GET", "POST"])
at("/e/<edition>/zones/classes", "zone_matrix", zones.matrix, methods=["POST"])
at("/e/<edition>/zones/<int:zone_id>", "edit_zone", zones.edit_zone, methods=["GET", "POST"])
at("/e/<edition>/zones/<int:zone_id>/delete", "delete_zone", zones.delete_zone, methods=["POST"])
at("/e/<edition>/zones/<int:zone_id>/windows", "add_window", zones.add_window, methods=["POST"])
at("/e/<edition>/zones/<int:zone_id>/windows/<int:window_id>/remove", "remove_window", zones.remove_window, methods=["POST"])

# What waits for a supervisor
at("/e/<edition>/inbox", "inbox", inbox.inbox)
at("/e/<edition>/inbox/panel", "inbox_panel", inbox.inbox_panel)
at("/e/<edition>/inbox/conflicts/<int:conflict_id>", "conflict", inbox.conflict)
at("/e/<edition>/inbox/conflicts/<int:conflict_id>/resolve", "resolve_conflict", inbox.resolve, methods=["POST"])
at("/e/<edition>/inbox/devices/<int:withdrawn_id>", "held_device", inbox.held_device)
at("/e/<edition>/inbox/devices/<int:withdrawn_id>/settle", "settle_held", inbox.settle_held, methods=["POST"])

# Keys that sign badge codes
at("/e/<edition>/keys", "keys", keys.overview)
at("/e/<edition>/keys/introduce", "introduce_key", keys.introduce, methods=["POST"])
at("/e/<edition>/keys/activate", "activate_key", keys.activate, methods=["POST"])
at("/e/<edition>/keys/retire", "retire_key", keys.retire, methods=["POST"])
at("/e/<edition>/keys/compromise", "compromise_key", keys.compromise, methods=["POST"])
at("/e/<edition>/keys/reissue", "reissue_badges", keys.reissue_badges, methods=["POST"])
at("/e/<edition>/keys/reissue/<int:job_id>", "reissue_work", keys.work)
at("/e/<edition>/keys/mode", "code_mode", keys.mode, methods=["POST"])

# On the device
at("/sw.js", "service_worker", shell.service_worker)
at("/device/<page>.webmanifest", "web_manifest", shell.web_manifest)
at("/device/icon-<int:size>.png", "device_icon", shell.device_icon)
at("/gate", "gate", gate.gate)
at("/gate/pair/<token>", "pair", pairing.pair)
at("/gate/pair/<token>", "confirm_pairing", pairing.confirm_pairing, methods=["POST"])

# Live board and scan log
at("/e/<edition>/live", "live", live.live)
at("/e/<edition>/live/fragment", "live_board", live.live_board)
at("/e/<edition>/live/tally", "hand_tally", live.hand_tally, methods=["POST"])
at("/e/<edition>/gates/card", "gate_card", live.gate_card)
at("/e/<edition>/scans", "scans", scans.scans)
at("/e/<edition>/scans/manual", "manual_scan", scans.manual)
at("/e/<edition>/scans/manual", "check_in", scans.check_in, methods=["POST"])
at("/e/<edition>/scans/<int:scan_id>", "scan", scans.scan)
at("/e/<edition>/scans/<int:scan_id>/annul", "annul_scan", scans.annul_scan, methods=["POST"])
at("/e/<edition>/scans/<int:scan_id>/reset", "reset_inside", scans.reset_inside, methods=["POST"])
at("/e/<edition>/scans/<int:scan_id>/override", "override_scan", scans.override_scan, methods=["POST"])

# Concurrent events: planning and door, programme, the visitor's own bookings
at("/e/<edition>/events", "events", events.fill_levels)
at("/e/<edition>/events/table", "events_table", events.table)
at("/e/<edition>/events/new", "new_event", events.new_event, methods=["GET", "POST"])
at("/e/<edition>/events/<int:event_id>", "event", events.event)
at("/e/<edition>/events/<int:event_id>/edit", "edit_event", events.edit_event, methods=["GET", "POST"])
at("/e/<edition>/events/<int:event_id>/state", "event_state", events.change_state, methods=["POST"])
at("/e/<edition>/events/<int:event_id>/book", "book_event_for", events.book_for, methods=["POST"])
at("/e/<edition>/events/<int:event_id>/search", "event_people", events.people)
at("/e/<edition>/events/<int:event_id>/bookings/<int:booking_id>", "event_booking", events.booking)
at("/e/<edition>/events/<int:event_id>/bookings/<int:booking_id>", "change_event_booking", events.change_booking, methods=["POST"])
at("/e/<edition>/events/<int:event_id>/check-in", "event_door", event_door.door)
at("/e/<edition>/events/<int:event_id>/check-in", "event_check_in", event_door.check_in, methods=["POST"])
at("/r/<edition>/programme", "programme", programme.programme)
at("/r/<edition>/programme/<int:event_id>.ics", "programme_calendar", programme.calendar)
at("/v/<token>/events", "programme_panel", programme.panel)
at("/v/<token>/events/<int:event_id>", "book_event", programme.book, methods=["POST"])
at("/v/<token>/events/<int:event_id>.ics", "own_event_calendar", programme.own_calendar)

# Exhibitor arrival
at("/e/<edition>/arrival", "arrival", arrival.arrival)
at("/e/<edition>/arrival/panel", "arrival_panel", arrival.panel)
at("/e/<edition>/arrival/search", "arrival_search", arrival.search)
at("/e/<edition>/arrival/scan", "arrival_scan", arrival.scan, methods=["POST"])
at("/e/<edition>/arrival/exhibitors", "arrival_list", arrival.exhibitors)
at("/e/<edition>/arrival/<int:participation_id>", "report_arrival", arrival.report, methods=["GET", "POST"])
at("/e/<edition>/arrival/<int:participation_id>/undo", "undo_arrival", arrival.undo, methods=["POST"])
