"""Companies, people, activities."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.directory.views import (
    bulk,
    calls,
    companies,
    company,
    company_form,
    custom_fields,
    duplicates,
    ownership,
    people,
    quality,
    tasks,
    totals,
    visits,
)

blueprint = Blueprint("directory", __name__)
add = blueprint.add_url_rule

add("/companies", view_func=companies.companies, endpoint="companies")
add("/companies/assign", view_func=companies.assign, endpoint="assign", methods=["POST"])
add("/companies/change", view_func=bulk.change_many, endpoint="change_many", methods=["POST"])
add("/companies/plan", view_func=bulk.plan_many, endpoint="plan_many", methods=["POST"])
add("/companies/new", view_func=company_form.new_company, endpoint="new_company", methods=["GET", "POST"])
add("/companies/similar", view_func=company_form.similar, endpoint="similar")
add("/companies/<int:company_id>", view_func=company.company, endpoint="company")
add(
    "/companies/<int:company_id>/edit",
    view_func=company_form.edit_company,
    endpoint="edit_company",
    methods=["GET", "POST"],
)
add("/companies/<int:company_id>/timeline", view_func=company.company_timeline, endpoint="company_timeline")
add(
    "/companies/<int:company_id>/activities",
    view_func=company.add_activity,
    endpoint="add_activity",
    methods=["POST"],
)
add(
    "/companies/<int:company_id>/people/new",
    view_func=people.new_contact,
    endpoint="new_contact",
    methods=["GET", "POST"],
)

add("/companies/duplicates", view_func=duplicates.duplicates, endpoint="duplicates")
add("/companies/duplicates/find", view_func=duplicates.find_duplicates, endpoint="find_duplicates", methods=["POST"])
add("/companies/duplicates/find/<int:job_id>", view_func=duplicates.duplicate_scan, endpoint="duplicate_scan")
add("/companies/duplicates/different", view_func=duplicates.different, endpoint="different", methods=["POST"])
add("/companies/duplicates/compare", view_func=duplicates.compare_with, endpoint="compare_with", methods=["POST"])
add("/companies/duplicates/<int:pair_id>", view_func=duplicates.duplicate, endpoint="duplicate")
add("/companies/duplicates/merge", view_func=duplicates.merge, endpoint="merge", methods=["POST"])
add("/companies/merges", view_func=duplicates.merges, endpoint="merges")
add("/companies/merges/<int:merge_id>/undo", view_func=duplicates.undo_merge, endpoint="undo_merge", methods=["POST"])
add("/companies/quality", view_func=quality.quality, endpoint="quality")
add("/companies/quality/measure", view_func=quality.measure_quality, endpoint="measure_quality", methods=["POST"])
add("/companies/untouched", view_func=quality.untouched, endpoint="untouched")

add("/people", view_func=people.people, endpoint="people")
add("/people/<int:person_id>", view_func=people.person, endpoint="person")
add("/people/<int:person_id>/merge", view_func=people.merge_person, endpoint="merge_person", methods=["POST"])
add("/people/<int:person_id>/edit", view_func=people.edit_person, endpoint="edit_person", methods=["GET", "POST"])
add(
    "/people/<int:person_id>/employments/<int:employment_id>/end",
    view_func=people.end_employment,
    endpoint="end_employment",
    methods=["POST"],
)
add(
    "/people/<int:person_id>/consents/<purpose>/withdraw",
    view_func=people.withdraw_consent,
    endpoint="withdraw_consent",
    methods=["POST"],
)

add("/my-day", view_func=tasks.tasks, endpoint="tasks")
add("/my-day/done", view_func=tasks.finish_many, endpoint="finish_many", methods=["POST"])
add("/my-day/postpone", view_func=tasks.postpone_many, endpoint="postpone_many", methods=["POST"])
add("/activities/<int:activity_id>/done", view_func=tasks.finish, endpoint="finish", methods=["POST"])
add("/activities/<int:activity_id>/postpone", view_func=tasks.postpone, endpoint="postpone", methods=["POST"])

F = "/settings/fields"
add(F, view_func=custom_fields.custom_fields, endpoint="custom_fields")
add(f"{F}/<entity>/new", view_func=custom_fields.new_custom_field, endpoint="new_custom_field", methods=["GET", "POST"])
add(f"{F}/<int:field_id>", view_func=custom_fields.edit_custom_field, endpoint="edit_custom_field", methods=["GET", "POST"])
add(
    f"{F}/<int:field_id>/move/<any(up, down):way>",
    view_func=custom_fields.move_custom_field,
    endpoint="move_custom_field",
    methods=["POST"],
)

add("/my-day/calls", view_func=calls.call_mode, endpoint="call_mode")
add("/my-day/totals", view_func=totals.totals, endpoint="totals")
add("/companies/<int:company_id>/call", view_func=calls.call_company, endpoint="call_company")
add("/companies/<int:company_id>/call/result", view_func=calls.settle_call, endpoint="settle_call", methods=["POST"])
add("/companies/<int:company_id>/visits/new", view_func=visits.new_visit, endpoint="new_visit", methods=["GET", "POST"])
add("/activities/<int:activity_id>/report", view_func=visits.report, endpoint="visit_report", methods=["GET", "POST"])

CALLS = "/settings/calls"
add(CALLS, view_func=calls.call_settings, endpoint="call_settings")
add(f"{CALLS}/scripts/new", view_func=calls.new_script, endpoint="new_script", methods=["GET", "POST"])
add(f"{CALLS}/scripts/<int:script_id>", view_func=calls.edit_script, endpoint="edit_script", methods=["GET", "POST"])
add(f"{CALLS}/results/new", view_func=calls.new_result, endpoint="new_result", methods=["GET", "POST"])
add(f"{CALLS}/results/<int:result_id>", view_func=calls.edit_result, endpoint="edit_result", methods=["GET", "POST"])

add("/pool", view_func=ownership.pool, endpoint="pool")
add("/pool/claim", view_func=ownership.claim_many, endpoint="claim_many", methods=["POST"])
add("/companies/<int:company_id>/claim", view_func=ownership.claim, endpoint="claim", methods=["POST"])
OWN = "/settings/ownership"
add(OWN, view_func=ownership.ownership_settings, endpoint="ownership_settings", methods=["GET", "POST"])
add(f"{OWN}/preview", view_func=ownership.preview_rules, endpoint="preview_rules")
add(f"{OWN}/apply", view_func=ownership.apply_rules, endpoint="apply_rules", methods=["POST"])
add(f"{OWN}/rules/new", view_func=ownership.new_rule, endpoint="new_rule", methods=["GET", "POST"])
add(f"{OWN}/rules/<int:rule_id>", view_func=ownership.edit_rule, endpoint="edit_rule", methods=["GET", "POST"])
add(f"{OWN}/rules/<int:rule_id>/move/<any(up, down):way>", view_func=ownership.move_rule, endpoint="move_rule", methods=["POST"])
