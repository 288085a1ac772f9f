"""Companies are made and changed here and nowhere else, so that their keys are always right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import naming
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.models import Company, CompanyDomain, CompanyName
from expo_crm.directory.services import duplicates, ownership
from expo_crm.lib import clock, text

FIELDS = (
    "name_zh",
    "name_en",
    "tax_id",
    "website",
    "domain",
    "phone",
    "country",
    "province",
    "city",
    "address",
    "industry",
    "intro_zh",
    "intro_en",
    "source",
    "key_account",
    "owner_id",
    "parent_id",
)
TEXTS = set(FIELDS) - {"tax_id", "key_account", "owner_id", "parent_id"}
# Characters kept of a text; None: many lines, no limit. Unnamed texts keep 300.
LIMITS: dict[str, int | None] = {
    "intro_zh": None,
    "intro_en": None,
    "province": 60,
    "city": 60,
    "source": 60,
    "phone": 60,
    "country": 2,
    "domain": 253,
}


def build_company(*, aliases: Iterable[str] = (), **fields: Any) -> Company:
    """A company with its keys, in the session and neither flushed nor audited: for imports that record themselves once.

    Fields: see ``FIELDS``. At least one of ``name_zh`` and ``name_en``; ``domain`` comes from the website when not given.
    Raises DirectoryError("name-missing").
    """
    now = clock.now()
    company = Company(created_at=now, updated_at=now, **_cleaned(fields))
    company.domain = fields.get("domain") or naming.domain_of(company.website or "")
    for name in aliases:
        _add_alias(company, name)
    _set_keys(company)
    db.session.add(company)
    return company


def company_values(**fields: Any) -> dict[str, Any]:
    """The columns of a new company with its keys, for inserts in bulk by an import that records itself once.

    Fields as in ``build_company``. Raises DirectoryError("name-missing").
    """
    now = clock.now()
    given = _cleaned(fields)
    values: dict[str, Any] = dict.fromkeys(TEXTS, "") | {
        "tax_id": None,
        "key_account": False,
        "owner_id": None,
        "parent_id": None,
        **given,
    }
    values["domain"] = values["domain"] or naming.domain_of(values["website"])
    if not (values["name_zh"] or values["name_en"]):
        raise DirectoryError("name-missing")
    keys = naming.company_keys(values["name_zh"], values["name_en"], (), values["domain"])
    return values | {
        "name_key": keys.name_key,
        "sort_key": keys.sort_key,
        "search_key": keys.search_key,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def create_company(*, aliases: Iterable[str] = (), reason: str = "", **fields: Any) -> Company:
    """A new company, flushed and audited. Without an owner the rules choose one (``ownership.deal_new``).

    ``reason``: why it is entered although a similar one exists. Raises DirectoryError: "name-missing", "tax-id-taken" (other_id).
    """
    _refuse_taken(naming.tax_code(fields.get("tax_id") or ""), None)
    dealt = None
    if fields.get("owner_id") is None:
        [dealt] = ownership.deal_new([fields])
        fields["owner_id"] = dealt.user_id if dealt else None
    company = build_company(aliases=aliases, **fields)
    company.owner_since = company.created_at if company.owner_id is not None else None
    db.session.flush()
    ownership.note_new([(company.id, company.owner_id)], "rule" if dealt else "assign", reason)
    duplicates.index_company(company)
    audit.record(
        "company.create", "company", company.id, changes={"name": company.name_zh or company.name_en}, reason=reason
    )
    return company


def update_company(
    company: Company, *, version: int | None = None, aliases: Iterable[str] | None = None, **changes: Any
) -> Company:
    """Change fields (see ``FIELDS``). With ``version`` the change is refused when the company has moved on since.

    ``aliases``, when given, is the whole list of other names. A name that is replaced stays as a former name, so that
    old lists still find the company. Raises DirectoryError: "stale", "name-missing", "tax-id-taken".
    """
    if version is not None:
        # Locked, so that of two editors who save at once the second is told, instead of failing on the row's version.
        held = db.session.scalar(select(Company.version).where(Company.id == company.id).with_for_update())
        if held != version:
            db.session.refresh(company)
            raise DirectoryError("stale", company.id)
    changes = _cleaned(changes)
    if "tax_id" in changes:
        _refuse_taken(changes["tax_id"], company.id)
    if "website" in changes and "domain" not in changes:
        changes["domain"] = naming.domain_of(changes["website"])
    before = {name: getattr(company, name) for name in changes}
    written = [n.name for n in company.names]
    moved = audit.diff(before, changes)
    for name, value in changes.items():
        setattr(company, name, value)
    if aliases is not None:
        _set_aliases(company, aliases)
    for name in ("name_zh", "name_en"):
        if name in moved and before[name]:
            _add_alias(company, before[name], kind="former")
    if written != [n.name for n in company.names]:
        moved["aliases"] = [written, [n.name for n in company.names]]
    if "owner_id" in moved:
        ownership.note(company, moved["owner_id"][0], "assign")
    if moved:
        _set_keys(company)
        company.updated_at = clock.now()
        db.session.flush()
        duplicates.index_company(company)
        audit.record("company.update", "company", company.id, changes=moved)
    return company


def set_domains(company: Company, typed: Iterable[str]) -> None:
    """The further web domains of a company: links, addresses or bare domains. Its first one and what is none are left out."""
    wanted = {naming.domain_of(one) for one in typed} - {"", company.domain}
    before = {d.domain for d in company.domains}
    if wanted == before:
        return
    company.domains = [d for d in company.domains if d.domain in wanted]
    company.domains += [CompanyDomain(domain=domain) for domain in sorted(wanted - before)]
    company.updated_at = clock.now()
    db.session.flush()
    audit.record("company.domains", "company", company.id, changes={"domains": [sorted(before), sorted(wanted)]})


def assign_owner(companies: Iterable[Company], owner_id: int | None, reason: str = "") -> int:
    """Give companies to a sales person (None: to nobody). Returns how many changed. See ``ownership.transfer``."""
    return ownership.transfer(companies, owner_id, why="transfer" if reason else "assign", reason=reason)


def _cleaned(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"no such company fields: {sorted(unknown)}")
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if name in TEXTS:
            value = text.clean(
                value or "", multiline=name in LIMITS and LIMITS[name] is None, limit=LIMITS.get(name, 300)
            )
        elif name == "key_account":
            value = bool(value)
        if name in ("name_zh", "name_en") and text.is_blank(value):
            value = ""
        out[name] = naming.tax_code(value or "") if name == "tax_id" else value
    return out


def _set_keys(company: Company) -> None:
    company.name_zh, company.name_en = company.name_zh or "", company.name_en or ""
    if not (company.name_zh or company.name_en):
        raise DirectoryError("name-missing")
    keys = naming.company_keys(company.name_zh, company.name_en, (n.name for n in company.names), company.domain or "")
    company.name_key, company.sort_key, company.search_key = keys.name_key, keys.sort_key, keys.search_key


def _set_aliases(company: Company, names: Iterable[str]) -> None:
    wanted = [text.clean(name, limit=300) for name in names]
    for gone in [n for n in company.names if n.name not in wanted]:
        company.names.remove(gone)
    for name in wanted:
        _add_alias(company, name)


def _add_alias(company: Company, name: str, kind: str = "other") -> bool:
    name = text.clean(name, limit=300)
    known = {company.name_zh, company.name_en, *(n.name for n in company.names)}
    if text.is_blank(name) or name in known:
        return False
    company.names.append(CompanyName(name=name, key=naming.alias_key(name), kind=kind))
    return True


def _refuse_taken(tax_id: str | None, own_id: int | None) -> None:
    if not tax_id:
        return
    other = db.session.scalar(select(Company.id).where(Company.tax_id == tax_id))
    if other is not None and other != own_id:
        raise DirectoryError("tax-id-taken", other)
