"""The category tree of the show."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from expo_crm.shows import queries
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.forms import PROBLEMS, CategoryForm
from expo_crm.shows.models import Category
from expo_crm.shows.services import categories as services
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires


def _tree() -> list[Category]:
    return queries.list_categories(g.edition.show_id, retired=True)


def _get(category_id: int) -> Category:
    found = queries.find_category(g.edition.show_id, category_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def categories() -> ResponseReturnValue:
    tree = _tree()
    rows = [(item, queries.depth_of(item, tree)) for item in tree]
    return render_template(
        "shows/categories.html",
        rows=rows,
        may_edit=current_principal().can(Permission.SETTINGS),
        deepest=services.DEEPEST,
    )


def _form(category: Category | None = None, parent_id: int | None = None) -> CategoryForm:
    tree = _tree()
    out = {category.id, *(c.id for c in queries.below(category, tree))} if category else set()
    parents = [
        (c.id, "　" * queries.depth_of(c, tree) + f"{c.code} {i18n.bi(c)}")
        for c in tree
        if c.id not in out and not c.retired
    ]
    data: dict[str, Any] = {"parent_id": parent_id}
    if category is not None:
        data = {
            "name_zh": category.name_zh,
            "name_en": category.name_en,
            "parent_id": category.parent_id,
            "synonyms": "\n".join(category.synonyms),
        }
        if category.parent_id and category.parent_id not in {i for i, _label in parents}:  # below a retired one
            parent = next(c for c in tree if c.id == category.parent_id)
            parents.insert(0, (parent.id, f"{parent.code} {i18n.bi(parent)}"))
    return CategoryForm(parents=parents, data=data)


@requires(Permission.SETTINGS)
def new_category(parent_id: int = 0) -> ResponseReturnValue:
    parent = _get(parent_id) if parent_id else None
    form = _form(parent_id=parent.id if parent else None)
    if form.validate_on_submit():
        try:
            services.create_category(
                g.edition.show_id,
                name_zh=form.name_zh.data or "",
                name_en=form.name_en.data or "",
                parent_id=form.parent_id.data,
                synonyms=form.words(),
            )
        except ShowError as error:
            _refuse(form, error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("shows.categories"))
    return render_template("shows/category.html", form=form, category=None), 422 if form.is_submitted() else 200


@requires(Permission.SETTINGS)
def edit_category(category_id: int) -> ResponseReturnValue:
    category = _get(category_id)
    form = _form(category)
    if form.validate_on_submit():
        try:
            services.update_category(
                category,
                name_zh=form.name_zh.data or "",
                name_en=form.name_en.data or "",
                synonyms=form.words(),
                parent_id=form.parent_id.data,
            )
        except ShowError as error:
            _refuse(form, error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("shows.categories"))
    return render_template("shows/category.html", form=form, category=category), 422 if form.is_submitted() else 200


def _refuse(form: CategoryForm, error: ShowError) -> None:
    field = form.name_zh if error.code == "name-missing" else form.parent_id
    field.errors = [PROBLEMS[error.code]]


@requires(Permission.SETTINGS)
def move_category(category_id: int, step: str) -> ResponseReturnValue:
    if step not in ("up", "down"):
        abort(404)
    services.move_category(_get(category_id), -1 if step == "up" else 1)
    return redirect(url_for("shows.categories"), 303)


@requires(Permission.SETTINGS)
def retire_category(category_id: int) -> ResponseReturnValue:
    category = _get(category_id)
    retired = not category.retired
    count = services.retire_category(category, retired)
    if retired:
        flash(ngettext("%(num)s category is out of use.", "%(num)s categories are out of use.", count), "success")
    else:
        flash(ngettext("%(num)s category is in use again.", "%(num)s categories are in use again.", count), "success")
    return redirect(url_for("shows.categories"), 303)
