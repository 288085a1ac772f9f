"""The contract as a PDF, in the contract's language; title and parties in both."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from expo_crm.billing.domain.plan import FeeRule, Instalment
from expo_crm.billing.services import terms
from expo_crm.exhibitors.domain import contract_text
from expo_crm.exhibitors.domain.contract import ContractState
from expo_crm.exhibitors.models import Contract, ContractText
from expo_crm.exhibitors.services import contract_texts
from expo_crm.exhibitors.views import labels
from expo_crm.web import i18n, pdf


def render(contract: Contract, plan: Sequence[Instalment]) -> bytes:
    """The file. A draft or a cancelled contract says so under its title. It has the text that it was made with."""
    text = contract_texts.find(contract.edition.show_id, contract.text_id) if contract.text_id else None
    with i18n.in_locale(contract.locale):
        story = [*_head(contract), *_parties(contract), *_space(contract), *_money(contract, plan)]
        story += _own_text(contract, text, plan) if text else _terms(contract)
        story += [Spacer(1, 4 * mm), KeepTogether(_signatures(contract))]
        return pdf.document(
            story,
            title=_("Contract %(number)s", number=contract.number),
            author=i18n.bi(contract.edition.show, "organizer"),
            footer=" · ".join(
                (
                    contract.number,
                    i18n.bi(contract.edition),
                    _("Text version %(version)s", version=contract.text_version),
                )
            ),
        )


def _head(contract: Contract) -> list[Flowable]:
    other = "Exhibition contract" if contract.locale == "zh" else "参展合同"
    out = [
        pdf.text(_("Exhibition contract"), "title"),
        pdf.text(f"{other} · {contract.number}", "subtitle"),
    ]
    if contract.state in {ContractState.DRAFT, ContractState.CANCELLED, ContractState.AMENDED}:
        out.append(pdf.text(labels.CONTRACT_STATES[contract.state], "strong"))
    return [*out, Spacer(1, 4 * mm)]


def _both(*names: str) -> str:
    return "\n".join(dict.fromkeys(name for name in names if name)) or "–"


def _parties(contract: Contract) -> list[Flowable]:
    show, company = contract.edition.show, contract.company
    first, second = ("zh", "en") if contract.locale == "zh" else ("en", "zh")
    organizer = _both(getattr(show, f"organizer_{first}"), getattr(show, f"organizer_{second}"))
    exhibitor = _both(getattr(company, f"name_{first}"), getattr(company, f"name_{second}"))
    left = [pdf.text(_("Party A (organizer)"), "small"), pdf.text(organizer, "strong")]
    right = [pdf.text(_("Party B (exhibitor)"), "small"), pdf.text(exhibitor, "strong")]
    if company.tax_id:
        right.append(pdf.text(_("Tax id: %(id)s", id=company.tax_id), "small"))
    if address := ", ".join(part for part in (company.address, company.city, company.province) if part):
        right.append(pdf.text(address, "small"))
    return [pdf.columns(left, right)]


def _space(contract: Contract) -> list[Flowable]:
    edition = contract.edition
    rows: list[list[object]] = [[_("Booth"), _("Hall"), _("Kind"), _("Size"), _("Net m²")]]
    gone = contract.state == ContractState.CANCELLED
    for item in sorted((row.booth for row in contract.booths if row.live or gone), key=lambda b: b.sort_key):
        size = f"{item.width_m.normalize():f} × {item.depth_m.normalize():f} m"
        rows.append(
            [item.code, i18n.bi(item.hall), labels.BOOTH_KINDS.get(item.kind, item.kind), size, i18n.m2(item.area_m2)]
        )
    rows.append([_("Together"), "", "", "", i18n.m2(contract.net_m2)])
    when = f"{i18n.date(edition.starts_on, 'long')} – {i18n.date(edition.ends_on, 'long')}"
    intro = _(
        "Party B takes part in %(show)s, %(when)s, %(venue)s, and rents this space:",
        show=i18n.bi(edition),
        when=when,
        venue=i18n.bi(edition, "venue"),
    )
    return [
        pdf.text(_("1. Exhibition and space"), "heading"),
        pdf.text(intro),
        Spacer(1, 2 * mm),
        pdf.table(rows, (0.22, 0.24, 0.2, 0.18, 0.16), numbers=(4,), total=1),
    ]


def _money(contract: Contract, plan: Sequence[Instalment]) -> list[Flowable]:
    def shown(value: object) -> str:
        return i18n.money(value, contract.currency)  # type: ignore[arg-type]

    rows: list[list[object]] = [[_("Item"), _("Amount")]]
    rows += [[i18n.bi(line, "text"), shown(line.amount)] for line in contract.lines]
    rows += [
        [_("Net price"), shown(contract.net)],
        [_("Tax %(rate)s", rate=i18n.percent(float(contract.tax_rate), 0)), shown(contract.tax)],
        [_("Total"), shown(contract.total)],
    ]
    due: list[list[object]] = [[_("Payment"), _("Payable by"), _("Amount")]]
    due += [[i18n.bi(part, "label"), i18n.date(part.due_on, "long"), shown(part.amount)] for part in plan]
    return [
        pdf.text(_("2. Price"), "heading"),
        pdf.table(rows, (0.74, 0.26), numbers=(1,), total=3),
        pdf.text(_("3. Payment"), "heading"),
        pdf.table(due, (0.4, 0.34, 0.26), numbers=(2,)),
    ]


def _terms(contract: Contract) -> list[Flowable]:
    texts = (
        (
            _("4. Taking effect"),
            _(
                "The contract binds both parties when both have signed, and takes effect when the deposit has been"
                " received. Party A may let the space to others when the deposit is not received on its due date."
            ),
        ),
        (
            _("5. Cancellation"),
            _("When Party B cancels, Party A keeps or may claim of the net price: %(table)s", table=_fee_table(contract)),
        ),
        (
            _("6. Use of the space"),
            _(
                "Party B does not pass the space on without consent, names co-exhibitors and represented companies in"
                " time, and follows the exhibitor manual and the rules of the venue on construction, fire safety and"
                " noise."
            ),
        ),
        (
            _("7. Postponement"),
            _(
                "When the exhibition is postponed or moved for reasons that neither party controls, the contract holds"
                " for the new date; when it does not take place, payments are returned less costs proven."
            ),
        ),
    )
    out: list[Flowable] = []
    for heading, body in texts:
        out += [pdf.text(heading, "heading"), pdf.text(body)]
    return out


def fee_words(rules: Sequence[FeeRule]) -> str:
    """The cancellation table as a sentence."""
    parts = [
        _("until %(day)s %(percent)s", day=i18n.date(rule.until, "long"), percent=i18n.percent(float(rule.percent) / 100, 0))
        for rule in rules
    ]
    return str(_("; ")).join([*parts, _("after that %(percent)s.", percent=i18n.percent(1, 0))])


def _fee_table(contract: Contract) -> str:
    return fee_words(terms.rules_of(contract.edition))


def plan_words(plan: Sequence[Instalment], currency: str) -> str:
    """The instalments as a sentence."""
    return str(_("; ")).join(
        f"{i18n.bi(part, 'label')} {i18n.money(part.amount, currency)}, {i18n.date(part.due_on, 'long')}" for part in plan
    )


def values_of(contract: Contract, plan: Sequence[Instalment]) -> dict[str, str]:
    """What the placeholders of a text stand for in this contract, in the language at hand."""
    edition = contract.edition
    return {
        "organizer": i18n.bi(edition.show, "organizer"),
        "exhibitor": i18n.bi(contract.company),
        "tax_id": contract.company.tax_id or "–",
        "show": i18n.bi(edition),
        "dates": f"{i18n.date(edition.starts_on, 'long')} – {i18n.date(edition.ends_on, 'long')}",
        "venue": i18n.bi(edition, "venue"),
        "number": contract.number,
        "booths": ", ".join(sorted(row.booth.code for row in contract.booths if row.live)) or "–",
        "area": i18n.m2(contract.net_m2),
        "net": i18n.money(contract.net, contract.currency),
        "tax": i18n.money(contract.tax, contract.currency),
        "total": i18n.money(contract.total, contract.currency),
        "instalments": plan_words(plan, contract.currency),
        "cancellation": _fee_table(contract),
        "day": i18n.date(contract.created_at, "long"),
    }


def _own_text(contract: Contract, text: ContractText, plan: Sequence[Instalment]) -> list[Flowable]:
    values = values_of(contract, plan)
    body = text.body_zh if contract.locale == "zh" else text.body_en
    return [pdf.text(contract_text.fill(part, values), kind) for kind, part in contract_text.paragraphs(body)]


def _signatures(contract: Contract) -> list[Flowable]:
    def block(title: str, name: str, when: str) -> list[Flowable]:
        line = "_" * 30
        return [
            pdf.text(title, "strong"),
            Spacer(1, 11 * mm),
            pdf.text(_("Signature and stamp: %(line)s", line=line), "small"),
            pdf.text(_("Name: %(name)s", name=name or line), "small"),
            pdf.text(_("Date: %(date)s", date=when or line), "small"),
        ]

    signed_on = i18n.date(contract.signed_on, "long") if contract.signed_on else ""
    return [pdf.columns(block(_("For Party A"), "", signed_on), block(_("For Party B"), contract.signed_by, signed_on))]
