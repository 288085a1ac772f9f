"""The queue of companies that may be one: compare side by side, merge with a choice for each field, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup, escape
from sqlalchemy import case, select
from sqlalchemy.orm import aliased, joinedload

from expo_crm.directory import queries
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import SOURCES
from expo_crm.directory.labels import evidence_label
from expo_crm.directory.models import Company, DuplicatePair, Merge
from expo_crm.directory.services import duplicates as services
from expo_crm.directory.services import merging
from expo_crm.jobs import services as ledger
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import country_name
from expo_crm.web.policy import Permission, current_principal, requires

SCAN_JOB = "directory.find_duplicates"
FIELD_LABELS = {
    "name_zh": _l("Chinese name"),
    "name_en": _l("English name"),
    "tax_id": _l("Tax id"),
    "website": _l("Website"),
    "phone": _l("Switchboard"),
    "country": _l("Country or region"),
    "province": _l("Province"),
    "city": _l("City"),
    "address": _l("Address"),
    "industry": _l("Industry"),
    "source": _l("How we know them"),
    "owner_id": _l("Owner"),
    "key_account": _l("Key account"),
    "intro_zh": _l("Profile in Chinese"),
    "intro_en": _l("Profile in English"),
}
CHOSEN = tuple(FIELD_LABELS)


@dataclass(frozen=True)
class Line:
    """One field of both companies, and which of them is offered."""

    name: str
    label: Any
    a: str
    b: str
    pick: str  # a | b

    @property
    def equal(self) -> bool:
        return self.a == self.b


def _pairs_of(view: str) -> Any:
    return DuplicatePair.state == ("different" if view == "different" else "open")


@requires(Permission.COMPANY_EDIT)
def duplicates() -> ResponseReturnValue:
    one, two = aliased(Company), aliased(Company)
    query = (
        select(DuplicatePair)
        .join(one, DuplicatePair.a)
        .join(two, DuplicatePair.b)
        .options(
            joinedload(DuplicatePair.a).joinedload(Company.owner),
            joinedload(DuplicatePair.b).joinedload(Company.owner),
        )
    )
    me = current_principal().id
    page = listing.build(
        id="duplicates",
        query=query if request.args.get("show") == "different" else query.where(DuplicatePair.state == "open"),
        columns=[
            listing.Column(
                "pair",
                _("Companies"),
                lambda p: f"{i18n.bi(p.a)} / {i18n.bi(p.b)}",
                cell=_both,
                sort=one.sort_key,
                primary=True,
            ),
            listing.Column(
                "answer",
                _("Verdict"),
                lambda p: verdict_label(p.verdict),
                cell=_pill,
                sort=case((DuplicatePair.verdict == "same", 0), else_=1),
            ),
            listing.Column("why", _("Because"), lambda p: "; ".join(str(evidence_label(w)) for w in p.evidence)),
            listing.Column(
                "score",
                _("Likeness"),
                lambda p: round(p.score * 100),
                cell=lambda p: f"{p.score:.0%}",
                sort=DuplicatePair.score,
                kind="number",
            ),
            listing.Column(
                "owners",
                _("Owner"),
                lambda p: " / ".join(dict.fromkeys(c.owner.name for c in (p.a, p.b) if c.owner)),
                hide_on_phone=True,
            ),
        ],
        default_sort="score",
        default_desc=True,
        tie_break=DuplicatePair.id,
        filters=[
            listing.Filter(
                "show", _("Which pairs"), [("", _("Undecided")), ("different", _("Decided: different"))], _pairs_of
            ),
            listing.Filter(
                "answer",
                _("Verdict"),
                [("same", _("the same")), ("maybe", _("perhaps the same"))],
                lambda v: DuplicatePair.verdict == v,
            ),
            listing.Filter(
                "mine",
                _("Mine"),
                [("1", _("Mine"))],
                lambda v: (one.owner_id == me) | (two.owner_id == me),
                kind="check",
            ),
        ],
        search=lambda words: listing.contains(one.search_key, words) | listing.contains(two.search_key, words),
        search_hint=_("Name of one of the two"),
        empty=listing.Empty(
            "copy-check",
            _("No doubtful pair"),
            _("Nothing in the file looks like the same company twice. Look again after an import."),
        ),
        row_url=lambda p: url_for("directory.duplicate", pair_id=p.id),
        bulk=[listing.Bulk(url_for("directory.different"), _("These are different"), "arrows-split")],
    )
    return render_template(
        "directory/duplicates.html", listing=page, merges=queries.count_merges(), last=queries.find_last_scan()
    )


def _both(pair: DuplicatePair) -> Markup:
    return Markup("{}<br>{}").format(escape(i18n.bi(pair.a)), escape(i18n.bi(pair.b)))


def verdict_label(verdict: str) -> str:
    return _("the same") if verdict == "same" else _("perhaps the same")


def _pill(pair: DuplicatePair) -> Markup:
    return listing.pill(verdict_label(pair.verdict), "danger" if pair.verdict == "same" else "warning")


@requires(Permission.COMPANY_EDIT)
def find_duplicates() -> ResponseReturnValue:
    """Look through the whole file, in the background."""
    job = ledger.enqueue(SCAN_JOB, {}, user_id=current_principal().id)
    return redirect(url_for("directory.duplicate_scan", job_id=job.id))


@requires(Permission.COMPANY_EDIT)
def duplicate_scan(job_id: int) -> ResponseReturnValue:
    job = queries.find_job(job_id, SCAN_JOB)
    if job is None:
        abort(404)
    if job.state in ("done", "failed"):
        if job.state == "done":
            flash(
                _(
                    "%(count)s companies looked through: %(new)s new pairs.",
                    count=i18n.number(job.result.get("companies", 0)),
                    new=i18n.number(job.result.get("new", 0)),
                ),
                "success",
            )
        else:
            flash(_("The search failed. The administrator finds the reason under Background work."), "danger")
        return redirect(url_for("directory.duplicates"))
    return render_template("directory/duplicate_scan.html", job=job)


@requires(Permission.COMPANY_EDIT)
def different() -> ResponseReturnValue:
    """The ticked pairs are two companies each."""
    ids = {int(v) for v in request.form.getlist("ids") if v.isdecimal() and len(v) < 16}
    count = services.set_different(queries.list_pairs(ids), current_principal().id)
    if not count:
        raise Refused(_("Please tick the pairs first."), 422)
    flash(
        ngettext("%(num)s pair is decided: two companies.", "%(num)s pairs are decided: two companies each.", count),
        "success",
    )
    return redirect(url_for("directory.duplicates"))


@requires(Permission.COMPANY_EDIT)
def compare_with() -> ResponseReturnValue:
    """Compare any two companies, as a person asks for it on a company's page."""
    both = [int(v) for v in (request.form.get("one", ""), request.form.get("two", "")) if v.isdecimal() and len(v) < 16]
    found = queries.list_companies(both)
    if len(found) != 2:
        raise Refused(_("Please choose another company."), 422)
    pair = services.open_pair(found[0], found[1])
    return redirect(url_for("directory.duplicate", pair_id=pair.id))


def _get(pair_id: int) -> DuplicatePair:
    found = queries.find_pair(pair_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.COMPANY_EDIT)
def duplicate(pair_id: int) -> ResponseReturnValue:
    return _page(_get(pair_id))


def _page(pair: DuplicatePair, status: int = 200, error: str = "") -> ResponseReturnValue:
    ledgers = queries.ledgers_of([pair.a_id, pair.b_id])
    both = sorted(set(ledgers[pair.a_id]) & set(ledgers[pair.b_id]), key=lambda e: e.starts_on, reverse=True)
    keep = _offered_keeper(pair, ledgers)
    return render_template(
        "directory/duplicate.html",
        pair=pair,
        label=verdict_label(pair.verdict),
        evidence=[evidence_label(w) for w in pair.evidence],
        lines=_lines(pair, keep),
        keep=keep,
        ledgers=ledgers,
        both=both,
        counts=queries.count_relations([pair.a_id, pair.b_id]),
        questions=merging.questions_of(pair.a_id, pair.b_id),
        error=error,
        form=request.form,
    ), status


def _offered_keeper(pair: DuplicatePair, ledgers: dict[int, Any]) -> str:
    """The one with more history stays; of equals the older one."""
    return "b" if len(ledgers[pair.b_id]) > len(ledgers[pair.a_id]) else "a"


def _lines(pair: DuplicatePair, keep: str) -> list[Line]:
    out = []
    for name in CHOSEN:
        a, b = _shown(pair.a, name), _shown(pair.b, name)
        if not a and not b:
            continue
        pick = keep if (a if keep == "a" else b) else ("b" if keep == "a" else "a")
        out.append(Line(name, FIELD_LABELS[name], a, b, pick))
    return out


def _shown(company: Company, name: str) -> str:
    value = getattr(company, name)
    if name == "owner_id":
        return company.owner.name if company.owner else ""
    if name == "country":
        return country_name(value)
    if name == "source":
        return str(SOURCES.get(value, value)) if value else ""
    if name == "key_account":
        return _("yes") if value else _("no")
    return str(value or "")


@requires(Permission.COMPANY_EDIT)
def merge() -> ResponseReturnValue:
    """Two become one: the chosen values, every relation, the history. It can be undone."""
    pair = queries.find_pair(
        int(request.form.get("pair", "0"))
        if request.form.get("pair", "").isdecimal() and len(request.form["pair"]) < 16
        else 0
    )
    if pair is None:
        abort(404)
    keep = request.form.get("keep", "")
    seen = (request.form.get("version_a"), request.form.get("version_b"))
    if keep not in ("a", "b"):
        return _page(pair, 422, _("Please choose the company that stays."))
    if seen != (str(pair.a.version), str(pair.b.version)):
        return _page(pair, 409, _("Somebody changed one of the two meanwhile. Please look at the values again."))
    kept, dropped = (pair.a, pair.b) if keep == "a" else (pair.b, pair.a)
    values = {name: getattr(pair.a if request.form.get(name, keep) == "a" else pair.b, name) for name in CHOSEN}
    choices = {
        "ledger": {
            k.removeprefix("edition_"): _side(v, keep) for k, v in request.form.items() if k.startswith("edition_")
        },
        "questions": {
            question.name: _side(request.form.get(f"question_{question.name}", keep), keep)
            for question in merging.questions_of(pair.a_id, pair.b_id)
        },
    }
    try:
        made = services.merge_companies(
            kept, dropped, values, choices, reason=request.form.get("reason", "")[:300], user_id=current_principal().id
        )
    except DirectoryError:
        return _page(pair, 409, _("These two cannot be merged: a record of the one stands in the way of the other."))
    flash(_("%(name)s was merged. You can undo this.", name=made.dropped_name), "success")
    return redirect(url_for("directory.merges"))


def _side(value: str, keep: str) -> str:
    return "sum" if value == "sum" else "keep" if value == keep else "drop"


@requires(Permission.COMPANY_EDIT)
def merges() -> ResponseReturnValue:
    page = listing.build(
        id="merges",
        query=select(Merge).options(joinedload(Merge.user)),
        columns=[
            listing.Column(
                "at",
                _("When"),
                lambda m: m.merged_at,
                cell=lambda m: i18n.datetime_(m.merged_at),
                sort=Merge.merged_at,
                kind="date",
            ),
            listing.Column("dropped", _("Merged"), lambda m: m.dropped_name, primary=True),
            listing.Column("kept", _("into"), lambda m: m.kept_name, cell=_kept_link),
            listing.Column("moved", _("Records moved"), lambda m: sum(m.summary.values()), kind="number"),
            listing.Column("who", _("Who"), lambda m: m.user.name if m.user else "", hide_on_phone=True),
            listing.Column("reason", _("Reason"), lambda m: m.reason, hide_on_phone=True),
            listing.Column("undo", _("Undo"), lambda m: m.undone_at, cell=_undo_cell),
        ],
        default_sort="at",
        default_desc=True,
        tie_break=Merge.id,
        empty=listing.Empty("git-merge", _("Nothing merged yet"), _("What is merged can be undone here.")),
    )
    return render_template("directory/merges.html", listing=page)


def _kept_link(made: Merge) -> Markup:
    if made.entity != "company":
        return escape(made.kept_name)
    return Markup('<a href="{}">{}</a>').format(url_for("directory.company", company_id=made.kept_id), made.kept_name)


def _undo_cell(made: Merge) -> Markup:
    return Markup(render_template("directory/_undo.html", made=made))


@requires(Permission.COMPANY_EDIT)
def undo_merge(merge_id: int) -> ResponseReturnValue:
    made = queries.find_merge(merge_id)
    if made is None:
        abort(404)
    try:
        left = services.undo_merge(made, user_id=current_principal().id)
    except DirectoryError as error:
        texts = {
            "merge-undone": _("This was undone already."),
            "merge-kept-gone": _("The company that stayed went into another one later. Undo that merge first."),
        }
        raise Refused(
            texts.get(error.code, _("This cannot be undone any more: its tax id or another key was given away since.")),
            409,
        ) from None
    if left:
        flash(
            ngettext(
                "Undone. %(num)s record was changed since and stays as it is.",
                "Undone. %(num)s records were changed since and stay as they are.",
                left,
            ),
            "warning",
        )
    else:
        flash(_("Undone. Both companies are there again."), "success")
    return redirect(url_for("directory.merges"))
