"""Companies, people, activities."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.directory.views import bulk, companies, company, company_form, custom_fields, duplicates, people, quality, tasks

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
