"""Recruitment, hall plan, contracts, import, portal."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.exhibitors import routes_agents, routes_inventory, routes_pipeline
from expo_crm.exhibitors.views import (
    board,
    contract_changes,
    contract_texts,
    contracts,
    exhibitors,
    imports,
    opportunity,
    plan,
    plan_editor,
    plan_import,
    plan_pdf,
    plan_public,
    portal,
    portal_accept,
    portal_access,
    portal_extras,
    portal_kit,
    portal_rebook,
    portal_tasks,
    rebooking,
    task_board,
)

blueprint = Blueprint("exhibitors", __name__)
routes_pipeline.connect(blueprint)
add = blueprint.add_url_rule
E = "/e/<edition>"

add(f"{E}/recruitment", view_func=board.board, endpoint="board")
add(f"{E}/recruitment/new", view_func=board.new_opportunity, endpoint="new_opportunity", methods=["GET", "POST"])
add(f"{E}/recruitment/<int:opportunity_id>", view_func=opportunity.opportunity, endpoint="opportunity")
add(
    f"{E}/recruitment/<int:opportunity_id>/edit",
    view_func=opportunity.update,
    endpoint="update_opportunity",
    methods=["POST"],
)
add(f"{E}/recruitment/<int:opportunity_id>/move", view_func=board.move, endpoint="move", methods=["POST"])
add(f"{E}/recruitment/<int:opportunity_id>/hold", view_func=opportunity.hold, endpoint="hold", methods=["POST"])
add(
    f"{E}/recruitment/<int:opportunity_id>/contract",
    view_func=opportunity.draft_contract,
    endpoint="draft_contract",
    methods=["POST"],
)

add(f"{E}/exhibitors", view_func=exhibitors.exhibitors, endpoint="exhibitors")

add(f"{E}/plan", view_func=plan.plan, endpoint="plan")
add(f"{E}/plan/halls/<hall_code>/states", view_func=plan.booth_states, endpoint="booth_states")
add(f"{E}/plan/halls/<hall_code>/grid", view_func=plan.new_grid, endpoint="new_grid", methods=["GET", "POST"])
add(f"{E}/plan/halls/<hall_code>/new", view_func=plan.new_booth, endpoint="new_booth", methods=["GET", "POST"])
add(f"{E}/plan/halls/<hall_code>", view_func=plan_editor.editor, endpoint="plan_editor")
add(f"{E}/plan/halls/<hall_code>/fragment", view_func=plan_editor.drawing, endpoint="plan_drawing")
add(f"{E}/plan/halls/<hall_code>/steps", view_func=plan_editor.step, endpoint="plan_step", methods=["POST"])
add(f"{E}/plan/halls/<hall_code>/import", view_func=plan_import.upload, endpoint="plan_import", methods=["GET", "POST"])
add(f"{E}/plan/halls/<hall_code>/plan.pdf", view_func=plan_pdf.plan_pdf, endpoint="plan_pdf")
add("/r/<edition>/plan", view_func=plan_public.plan, endpoint="public_plan")
add(f"{E}/plan/booths/<int:booth_id>", view_func=plan.booth, endpoint="booth")
add(f"{E}/plan/booths/<int:booth_id>/history", view_func=plan.booth_history, endpoint="booth_history")
add(f"{E}/plan/booths/<int:booth_id>/move", view_func=plan.move_company, endpoint="move_company", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/swap", view_func=plan.swap_companies, endpoint="swap_companies", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/edit", view_func=plan.edit_booth, endpoint="edit_booth", methods=["GET", "POST"])
add(f"{E}/plan/booths/<int:booth_id>/hold", view_func=plan.hold, endpoint="hold_booth", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/release", view_func=plan.release, endpoint="release_booth", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/sell", view_func=plan.sell, endpoint="sell_booth", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/block", view_func=plan.block, endpoint="block_booth", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/unblock", view_func=plan.unblock, endpoint="unblock_booth", methods=["POST"])
add(f"{E}/plan/booths/<int:booth_id>/delete", view_func=plan.delete_booth, endpoint="delete_booth", methods=["POST"])

add(f"{E}/contracts", view_func=contracts.contracts, endpoint="contracts")
add(f"{E}/contracts/<int:contract_id>", view_func=contracts.contract, endpoint="contract")
add(f"{E}/contracts/<int:contract_id>/contract.pdf", view_func=contracts.pdf, endpoint="contract_pdf")
add(f"{E}/contracts/<int:contract_id>/send", view_func=contracts.send, endpoint="send_contract", methods=["POST"])
add(f"{E}/contracts/<int:contract_id>/sign", view_func=contracts.sign, endpoint="sign_contract", methods=["POST"])
add(f"{E}/contracts/<int:contract_id>/cancel", view_func=contracts.cancel, endpoint="cancel_contract", methods=["POST"])

C = f"{E}/contracts/<int:contract_id>"
add(f"{C}/prices", view_func=contracts.reprice, endpoint="reprice_contract", methods=["POST"])
add(f"{C}/prices/keep", view_func=contracts.keep_price, endpoint="keep_contract_price", methods=["POST"])
add(f"{C}/plan", view_func=contract_changes.plan, endpoint="contract_plan", methods=["GET", "POST"])
add(f"{C}/amend", view_func=contract_changes.amend, endpoint="amend_contract", methods=["POST"])
add(f"{C}/extras", view_func=contract_changes.add_extra, endpoint="add_extra", methods=["POST"])
add(f"{C}/extras/<int:line_id>/drop", view_func=contract_changes.drop_extra, endpoint="drop_extra", methods=["POST"])
add(f"{C}/versions/<int:number>/signed", view_func=contract_changes.upload, endpoint="upload_signed", methods=["POST"])
add(f"{C}/versions/<int:number>/signed/file", view_func=contract_changes.signed_copy, endpoint="signed_copy")
add(f"{C}/versions/<int:number>/contract.pdf", view_func=contract_changes.kept_pdf, endpoint="kept_pdf")
T = f"{E}/contract-texts"
add(T, view_func=contract_texts.texts, endpoint="contract_texts")
add(f"{T}/new", view_func=contract_texts.new_text, endpoint="new_contract_text", methods=["GET", "POST"])
add(f"{T}/<int:text_id>", view_func=contract_texts.contract_text_page, endpoint="contract_text", methods=["GET", "POST"])
add(f"{T}/<int:text_id>/release", view_func=contract_texts.release, endpoint="release_contract_text", methods=["POST"])

add(f"{E}/imports", view_func=imports.imports, endpoint="imports", methods=["GET", "POST"])
add(f"{E}/imports/<int:batch_id>", view_func=imports.batch, endpoint="import_batch")
add(f"{E}/imports/<int:batch_id>/file", view_func=imports.file, endpoint="import_file", methods=["GET", "POST"])
add(
    f"{E}/imports/<int:batch_id>/columns", view_func=imports.columns, endpoint="import_columns", methods=["GET", "POST"]
)
add(f"{E}/imports/<int:batch_id>/rows", view_func=imports.rows, endpoint="import_rows")
add(
    f"{E}/imports/<int:batch_id>/rows/<int:row_id>",
    view_func=imports.row,
    endpoint="import_row",
    methods=["GET", "POST"],
)
add(f"{E}/imports/<int:batch_id>/decide", view_func=imports.decide_all, endpoint="import_decide", methods=["POST"])
add(f"{E}/imports/<int:batch_id>/load", view_func=imports.load, endpoint="import_load", methods=["POST"])
add(f"{E}/imports/<int:batch_id>/again", view_func=imports.again, endpoint="import_again", methods=["POST"])
add(f"{E}/imports/<int:batch_id>/roll-back", view_func=imports.roll_back, endpoint="import_roll_back", methods=["POST"])
add(f"{E}/imports/<int:batch_id>/result", view_func=imports.result, endpoint="import_result")
add(f"{E}/imports/<int:batch_id>/not-taken.csv", view_func=imports.refused, endpoint="import_refused")
add(f"{E}/imports/<int:batch_id>/delete", view_func=imports.delete, endpoint="import_delete", methods=["POST"])

add(
    f"{E}/exhibitors/<int:participation_id>/invite",
    view_func=portal_access.invite,
    endpoint="portal_invite",
    methods=["POST"],
)
P = "/portal/<int:participation_id>"
add("/portal", view_func=portal.home, endpoint="portal_home")
add(P, view_func=portal.overview, endpoint="portal")
add(f"{P}/contract", view_func=portal.contract, endpoint="portal_contract")
add(
    f"{P}/contracts/<int:contract_id>/contract.pdf",
    view_func=portal.contract_file,
    endpoint="portal_contract_file",
)
add(
    f"{P}/contracts/<int:contract_id>/accept",
    view_func=portal_accept.accept,
    endpoint="portal_accept",
    methods=["GET", "POST"],
)
add(f"{P}/contracts/<int:contract_id>/sent.pdf", view_func=portal_accept.sent_file, endpoint="portal_sent_file")
add(f"{P}/invoices", view_func=portal.money, endpoint="portal_money")
add(f"{P}/invoices/<int:invoice_id>/invoice.pdf", view_func=portal.invoice_file, endpoint="portal_invoice_file")
add(f"{P}/booth", view_func=portal.booth, endpoint="portal_booth")
add(f"{P}/entry", view_func=portal.entry, endpoint="portal_entry", methods=["GET", "POST"])
add(f"{P}/invitation", view_func=portal_kit.invitation, endpoint="portal_invitation", methods=["GET", "POST"])
add(f"{P}/invitation.png", view_func=portal_kit.invitation_qr, endpoint="portal_invitation_qr")
add(f"{P}/team", view_func=portal.team, endpoint="portal_team", methods=["GET", "POST"])
add(
    f"{P}/team/<int:member_id>/remove",
    view_func=portal.remove_member,
    endpoint="portal_remove_member",
    methods=["POST"],
)

add(f"{E}/rebooking", view_func=rebooking.rebooking, endpoint="rebooking")
add(f"{E}/rebooking/first-refusal", view_func=rebooking.grant_first_refusal, endpoint="grant_first_refusal", methods=["POST"])
add(f"{E}/rebooking/<int:participation_id>", view_func=rebooking.rebook_desk, endpoint="rebook_desk")
add(f"{E}/rebooking/<int:participation_id>/book", view_func=rebooking.rebook, endpoint="rebook", methods=["POST"])
add(f"{E}/rebooking/<int:participation_id>/decline", view_func=rebooking.rebook_decline, endpoint="rebook_decline", methods=["POST"])
add(
    f"{P}/team/<int:member_id>/role",
    view_func=portal.member_role,
    endpoint="portal_member_role",
    methods=["POST"],
)
add(f"{P}/entry/withdraw", view_func=portal.withdraw_change, endpoint="portal_withdraw_change", methods=["POST"])
add(f"{P}/fascia", view_func=portal_tasks.fascia, endpoint="portal_fascia", methods=["GET", "POST"])
add(f"{P}/build", view_func=portal_tasks.build, endpoint="portal_build", methods=["GET", "POST"])
add(f"{P}/build/remark", view_func=portal_tasks.build_remark, endpoint="portal_build_remark", methods=["POST"])
add(f"{P}/build/<int:number>/drawing", view_func=portal_tasks.build_file, endpoint="portal_build_file")
add(f"{P}/services", view_func=portal_extras.services_page, endpoint="portal_services", methods=["GET", "POST"])
add(f"{P}/services/order", view_func=portal_extras.place, endpoint="portal_services_order", methods=["POST"])
add(f"{P}/services/<int:line_id>/change", view_func=portal_extras.change, endpoint="portal_services_change", methods=["POST"])
add(f"{P}/services/<int:line_id>/cancel", view_func=portal_extras.cancel, endpoint="portal_services_cancel", methods=["POST"])
add(f"{P}/badges", view_func=portal_tasks.badges, endpoint="portal_badges", methods=["GET", "POST"])
add(
    f"{P}/badges/<int:badge_id>/withdraw",
    view_func=portal_tasks.withdraw_badge,
    endpoint="portal_badges_withdraw",
    methods=["POST"],
)
add(f"{P}/banner/<size>.png", view_func=portal_kit.banner, endpoint="portal_invitation_banner")
add(f"{P}/results", view_func=portal_kit.results, endpoint="portal_results")
add(f"{P}/rebook", view_func=portal_rebook.rebook, endpoint="portal_rebook", methods=["GET", "POST"])

T = f"{E}/exhibitor-tasks"
add(T, view_func=task_board.board, endpoint="task_board")
add(f"{T}/chase", view_func=task_board.chase, endpoint="task_chase", methods=["POST"])
add(f"{T}/rules", view_func=task_board.rules, endpoint="task_rules", methods=["GET", "POST"])
add(f"{T}/changes", view_func=task_board.changes, endpoint="entry_changes")
add(f"{T}/changes/<int:change_id>", view_func=task_board.decide_change, endpoint="decide_entry_change", methods=["POST"])
add(f"{T}/<int:participation_id>", view_func=task_board.exhibitor, endpoint="exhibitor_tasks")
add(f"{T}/<int:participation_id>/entry", view_func=task_board.entry, endpoint="organizer_entry", methods=["GET", "POST"])
add(f"{T}/<int:participation_id>/fascia", view_func=task_board.fascia, endpoint="organizer_fascia", methods=["POST"])
add(f"{T}/<int:participation_id>/build", view_func=task_board.build, endpoint="organizer_build", methods=["POST"])
add(
    f"{T}/<int:participation_id>/build/<int:number>/drawing",
    view_func=task_board.drawing,
    endpoint="organizer_drawing",
)

routes_inventory.register(blueprint)
routes_agents.connect(blueprint)
