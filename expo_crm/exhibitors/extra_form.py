"""Form that orders an extra for a contract."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from expo_crm.billing.services import extras
from expo_crm.lib import clock
from expo_crm.shows.models import Edition
from expo_crm.web import i18n
from expo_crm.web.forms import BaseForm


class ExtraForm(BaseForm):
    product = SelectField(_l("Product"), coerce=int)
    quantity = IntegerField(_l("Quantity"), [InputRequired(), NumberRange(1, extras.MOST)], default=1)


def extra_form(edition: Edition, **kw: Any) -> ExtraForm:
    """The form with what is on sale today; the prices shown are for reading only."""
    form = ExtraForm(**kw)
    today = clock.local_day(clock.now(), edition.timezone)
    form.product.choices = [
        (p.id, f"{p.code} · {i18n.bi(p)} · {i18n.money(p.price, p.currency)}") for p in extras.list_on_sale(edition.id, today)
    ]
    return form
