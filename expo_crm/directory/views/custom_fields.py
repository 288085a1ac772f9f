"""The organizer's own fields of companies and people."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory import queries
from expo_crm.directory.custom_forms import KIND_LABELS, FieldForm
from expo_crm.directory.domain.custom import FACTS, KINDS, CustomError
from expo_crm.directory.models import CustomField
from expo_crm.directory.services import custom as services
from expo_crm.lib import formula
from expo_crm.web.policy import Permission, requires

ENTITIES = ("company", "person")


def formula_problem(detail: str) -> str:
    """What is wrong with a formula, in the reader's words."""
    code, _space, what = detail.partition(" ")
    texts = {
        "empty": _("Please write the formula."),
        "too-long": _("The formula is too long."),
        "syntax": _("The formula cannot be read. Look at brackets and commas near place %(place)s.", place=what or "1"),
        "unknown-name": _("There is no field “%(name)s”. A formula can use the names below.", name=what),
        "unknown-function": _("There is no function “%(name)s”.", name=what),
        "arguments": _("The function %(name)s got too many or too few values.", name=what),
    }
    return texts.get(code, _("This is not possible in a formula: %(what)s", what=what or code))


@requires(Permission.SETTINGS)
def custom_fields() -> ResponseReturnValue:
    groups = [(entity, services.list_fields(entity, retired=True)) for entity in ENTITIES]
    return render_template("directory/custom_fields.html", groups=groups, kinds=KIND_LABELS)


@requires(Permission.SETTINGS)
def new_custom_field(entity: str) -> ResponseReturnValue:
    if entity not in ENTITIES:
        abort(404)
    return _edit(entity, None)


@requires(Permission.SETTINGS)
def edit_custom_field(field_id: int) -> ResponseReturnValue:
    found = _get(field_id)
    return _edit(found.entity, found)


def _get(field_id: int) -> CustomField:
    found = queries.find_custom_field(field_id)
    if found is None:
        abort(404)
    return found


def _edit(entity: str, field: CustomField | None) -> ResponseReturnValue:
    form = FieldForm(obj=field, data=_data(field))
    error = ""
    if form.validate_on_submit():
        if field is not None and form.version.data != str(field.version):
            error = _("Somebody changed this field meanwhile. Please look at it again.")
        elif _save(form, entity, field):
            flash(_("Saved."), "success")
            return redirect(url_for("directory.custom_fields"))
    status = 409 if error else 422 if form.is_submitted() else 200
    names = [*FACTS[entity], *(f.key for f in services.list_fields(entity) if f is not field)]
    return render_template(
        "directory/custom_field_form.html",
        kinds=KINDS,
        form=form,
        field=field,
        entity=entity,
        names=names,
        functions=formula.FUNCTIONS,
        error=error,
    ), status


def _data(field: CustomField | None) -> dict[str, object]:
    if field is None or request.method == "POST":
        return {}
    lines = [c["zh"] if c["zh"] == c["en"] else f"{c['zh']} | {c['en']}" for c in field.choices]
    return {"choices": "\n".join(lines)}


def _save(form: FieldForm, entity: str, field: CustomField | None) -> bool:
    kind = field.kind if field else form.kind.data
    values = {
        "label_zh": form.label_zh.data,
        "label_en": form.label_en.data,
        "choices": form.choice_list() if kind == "choice" else [],
        "formula": form.formula.data if kind == "formula" else "",
        "required": bool(form.required.data) and kind not in ("formula", "check"),
        "retired": bool(form.retired.data),
    }
    try:
        services.save_field(field, entity=entity, key=form.key.data or "", kind=kind, **values)
    except CustomError as problem:
        if problem.code == "key":
            form.key.errors = [_("Please choose another short name: small letters, digits and _, not used yet.")]
        elif problem.code == "choice":
            form.choices.errors = [_("Please write at least one choice.")]
        else:
            form.formula.errors = [formula_problem(problem.detail)]
        return False
    return True


@requires(Permission.SETTINGS)
def move_custom_field(field_id: int, way: str) -> ResponseReturnValue:
    found = _get(field_id)
    services.move_field(found, -1 if way == "up" else 1)
    return redirect(url_for("directory.custom_fields"))
