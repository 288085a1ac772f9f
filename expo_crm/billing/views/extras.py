"""Extras and sponsorship: the offer of an edition with its stock."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm.exc import StaleDataError

from expo_crm.billing import labels
from expo_crm.billing.forms import ProductForm
from expo_crm.billing.models import Product
from expo_crm.billing.services import extras
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

FIELDS = ("code", "name_zh", "name_en", "kind", "unit_zh", "unit_en", "price", "currency", "stock", "available_until", "retired")


@requires(Permission.VIEW)
def products() -> ResponseReturnValue:
    may = current_principal().can(Permission.MONEY)
    page = listing.build(
        id="extras",
        query=select(Product).where(Product.edition_id == g.edition.id),
        columns=[
            listing.Column("code", _("Code"), lambda p: p.code, sort=Product.code),
            listing.Column("name", _("Name"), lambda p: i18n.bi(p), sort=Product.name_en, primary=True),
            listing.Column("kind", _("Kind"), lambda p: labels.PRODUCT_KINDS[p.kind], sort=Product.kind),
            listing.Column(
                "price",
                _("Net price"),
                lambda p: p.price,
                cell=lambda p: i18n.money(p.price, p.currency),
                sort=Product.price,
                kind="number",
            ),
            listing.Column("ordered", _("Ordered"), lambda p: p.ordered, sort=Product.ordered, kind="number"),
            listing.Column(
                "left",
                _("Still in stock"),
                lambda p: None if p.stock is None else p.stock - p.ordered,
                cell=lambda p: "∞" if p.stock is None else i18n.number(p.stock - p.ordered),
                kind="number",
            ),
            listing.Column(
                "until", _("Can be ordered until"), lambda p: i18n.date(p.available_until), sort=Product.available_until, kind="date"
            ),
            listing.Column(
                "state", _("State"), lambda p: _("No longer offered") if p.retired else _("Offered"), kind="status", hide_on_phone=True
            ),
        ],
        default_sort="code",
        tie_break=Product.id,
        filters=[
            listing.Filter("kind", _("Kind"), list(labels.PRODUCT_KINDS.items()), lambda v: Product.kind == v),
        ],
        search=lambda q: or_(
            *(c.icontains(q, autoescape=True) for c in (Product.code, Product.name_zh, Product.name_en)),
        ),
        search_hint=_("Code or name"),
        empty=listing.Empty(
            "plug",
            _("No extras yet"),
            _("Power, furniture, adverts, lanyards and sponsorship are sold from here, with their stock."),
            url_for("billing.new_product") if may else "",
            _("New product") if may else "",
        ),
        row_url=(lambda p: url_for("billing.product", product_id=p.id)) if may else None,
    )
    return render_template("billing/extras.html", listing=page, may=may)


@requires(Permission.MONEY)
def new_product() -> ResponseReturnValue:
    return _form(ProductForm(data={"currency": g.edition.currency}), None)


@requires(Permission.MONEY)
def product(product_id: int) -> ResponseReturnValue:
    found = extras.find_product(g.edition.id, product_id)
    if found is None:
        abort(404)
    return _form(ProductForm(data={name: getattr(found, name) for name in FIELDS}), found)


def _form(form: ProductForm, found: Product | None) -> ResponseReturnValue:
    if form.validate_on_submit():
        values: dict[str, Any] = {name: form[name].data for name in FIELDS}
        values |= {name: values[name] or "" for name in ("unit_zh", "unit_en")}
        try:
            extras.save_product(g.edition, values, found)
        except OrderRefused as refused:
            (form.code if refused.reason == "product_code_taken" else form.stock).errors = [labels.words(refused)]
        except StaleDataError:
            raise Refused(_("Somebody else has changed this product meanwhile. Reload the page."), 409) from None
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("billing.extras"))
    page = render_template("billing/product.html", form=form, product=found)
    return page, 422 if form.is_submitted() else 200
