"""Extras and sponsorship: the offer of an edition with its stock."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager
from sqlalchemy.orm.exc import StaleDataError

from expo_crm.accounts.models import User
from expo_crm.billing import labels
from expo_crm.billing.forms import ProductForm
from expo_crm.billing.models import OrderLine, Product
from expo_crm.billing.services import extras
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.directory.models import Company
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
            listing.Column("name", _("Product"), lambda p: i18n.bi(p), sort=Product.name_en, primary=True),
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


@requires(Permission.VIEW)
def orders() -> ResponseReturnValue:
    """What was ordered of the extras, by exhibitors in the portal and by staff, with what is still to be invoiced."""
    page = listing.build(
        id="orders",
        query=select(OrderLine, User.name, User.kind)
        .join(OrderLine.company)
        .join(OrderLine.product)
        .outerjoin(User, User.id == OrderLine.ordered_by)
        .where(OrderLine.edition_id == g.edition.id)
        .options(contains_eager(OrderLine.company), contains_eager(OrderLine.product)),
        columns=[
            listing.Column("at", _("Ordered on"), lambda r: i18n.date(r[0].ordered_at), sort=OrderLine.ordered_at, kind="date"),
            listing.Column("company", _("Company"), lambda r: i18n.bi(r[0].company), sort=Company.sort_key, primary=True),
            listing.Column("what", _("What was ordered"), lambda r: i18n.bi(r[0], "text"), sort=Product.code),
            listing.Column(
                "amount", _("Amount"), lambda r: r[0].amount, cell=lambda r: i18n.money(r[0].amount, r[0].currency),
                sort=OrderLine.amount, kind="number",
            ),
            listing.Column("by", _("Ordered by"), _by, hide_on_phone=True),
            listing.Column(
                "state", _("State"), lambda r: labels.ORDER_STATES[r[0].state],
                cell=lambda r: listing.pill(labels.ORDER_STATES[r[0].state], labels.ORDER_TONES[r[0].state]),
                sort=OrderLine.state, kind="status",
            ),
        ],
        default_sort="at",
        default_desc=True,
        tie_break=OrderLine.id.desc(),
        filters=[
            listing.Filter("state", _("State"), list(labels.ORDER_STATES.items()), lambda v: OrderLine.state == v),
            listing.Filter("kind", _("Kind"), list(labels.PRODUCT_KINDS.items()), lambda v: Product.kind == v),
            listing.Filter(
                "portal", _("From the portal"), [("1", _("From the portal"))], lambda _v: User.kind == "exhibitor", kind="check"
            ),
        ],
        search=lambda q: or_(listing.contains(Company.search_key, q), Product.code.icontains(q, autoescape=True)),
        search_hint=_("Company or code"),
        empty=listing.Empty(
            "shopping-cart", _("Nothing ordered yet."), _("Exhibitors order in the portal, staff on a contract or an account.")
        ),
        scalars=False,
        row_url=lambda r: url_for("billing.account", company_id=r[0].company_id),
    )  # fmt: skip
    return render_template("billing/orders.html", listing=page)


def _by(row: Any) -> str:
    if row[1] is None:
        return ""
    return _("%(name)s (exhibitor)", name=row[1]) if row[2] == "exhibitor" else str(row[1])


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
