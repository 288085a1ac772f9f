"""Contract texts of a show by number: write, preview, release."""

from __future__ import annotations

from decimal import Decimal

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm.exc import StaleDataError
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Length

from expo_crm.billing.domain.plan import instalments
from expo_crm.billing.services import terms
from expo_crm.exhibitors.domain import contract_text
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import ContractText
from expo_crm.exhibitors.services import contract_texts
from expo_crm.exhibitors.views import contract_pdf, labels
from expo_crm.lib import clock
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.forms import BaseForm
from expo_crm.web.policy import Permission, requires


class TextForm(BaseForm):
    body_zh = TextAreaField(_l("Text (Chinese)"), [Length(max=contract_text.LONGEST)])
    body_en = TextAreaField(_l("Text (English)"), [Length(max=contract_text.LONGEST)])
    note = StringField(_l("Note"), [Length(max=200)])
    version = HiddenField()


@requires(Permission.SETTINGS)
def texts() -> ResponseReturnValue:
    found = contract_texts.list_of(g.edition.show_id)
    return render_template("exhibitors/contract_texts.html", texts=found, newest=contract_texts.newest(g.edition.show_id))


@requires(Permission.SETTINGS)
def new_text() -> ResponseReturnValue:
    last = next(iter(contract_texts.list_of(g.edition.show_id)), None)
    form = TextForm(data={"body_zh": last.body_zh, "body_en": last.body_en} if last else {})
    if form.validate_on_submit():
        try:
            made = contract_texts.create(g.edition.show_id, form.body_zh.data or "", form.body_en.data or "", form.note.data or "")
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("Saved as a draft. Look at it, then release it."), "success")
            return redirect(url_for("exhibitors.contract_text", text_id=made.id))
    return _page(form, None), 422 if form.is_submitted() else 200


def _get(text_id: int) -> ContractText:
    found = contract_texts.find(g.edition.show_id, text_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.SETTINGS)
def contract_text_page(text_id: int) -> ResponseReturnValue:
    found = _get(text_id)
    form = TextForm(data={n: getattr(found, n) for n in ("body_zh", "body_en", "note", "version")})
    if form.validate_on_submit():
        if form.version.data != str(found.version):
            raise Refused(_("Somebody else has changed this text meanwhile. Reload the page and look again."), 409, "conflict")
        try:
            contract_texts.update(found, form.body_zh.data or "", form.body_en.data or "", form.note.data or "")
        except RuleRefused as refused:
            if refused.reason is contract_text.TextRefusal.IN_USE:
                raise Refused(labels.words(refused), 409, refused.reason.value) from None
            form.form_errors.append(labels.words(refused))
        except StaleDataError:
            raise Refused(_("Somebody else has changed this text meanwhile. Reload the page and look again."), 409) from None
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.contract_text", text_id=found.id))
    return _page(form, found), 422 if form.is_submitted() else 200


@requires(Permission.SETTINGS)
def release(text_id: int) -> ResponseReturnValue:
    found = _get(text_id)
    contract_texts.release(found, not found.released)
    return redirect(url_for("exhibitors.contract_text", text_id=found.id))


def _page(form: TextForm, found: ContractText | None) -> str:
    return render_template(
        "exhibitors/contract_text.html",
        form=form,
        text=found,
        used=contract_texts.is_used(found) if found else False,
        previews=[(code, contract_text.paragraphs(contract_text.fill(body or "", _sample(code)))) for code, body in _bodies(form)],
        placeholders=contract_text.PLACEHOLDERS,
    )


def _bodies(form: TextForm) -> list[tuple[str, str | None]]:
    return [("zh", form.body_zh.data), ("en", form.body_en.data)]


def _sample(locale: str) -> dict[str, str]:
    """Values to look at a text with; the edition's own where there are any."""
    edition = g.edition
    today = clock.local_day(clock.now(), edition.timezone)
    plan = instalments(Decimal(25440), terms.plan_of(edition.id), today, edition.starts_on)
    with i18n.in_locale(locale):
        zh = locale == "zh"
        return {
            "organizer": i18n.bi(edition.show, "organizer"),
            "exhibitor": "示例科技有限公司" if zh else "Sample Technology Co., Ltd.",
            "tax_id": "91310000MA1FL0XX0X",
            "show": i18n.bi(edition),
            "dates": f"{i18n.date(edition.starts_on, 'long')} – {i18n.date(edition.ends_on, 'long')}",
            "venue": i18n.bi(edition, "venue"),
            "number": f"{edition.show.code.upper()}-0000",
            "booths": "A01, A02",
            "area": "18 m²",
            "net": i18n.money(24000, edition.currency),  # type: ignore[arg-type]
            "tax": i18n.money(1440, edition.currency),  # type: ignore[arg-type]
            "total": i18n.money(25440, edition.currency),  # type: ignore[arg-type]
            "instalments": contract_pdf.plan_words(plan, edition.currency),
            "cancellation": contract_pdf.fee_words(terms.rules_of(edition)),
            "day": i18n.date(edition.starts_on, "long"),
        }
