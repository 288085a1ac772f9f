"""The companies that a row of a list is compared with, held in memory: two queries for the directory, none for a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory.models import Company, CompanyName
from expo_crm.exhibitors.domain.import_match import Candidate, Known, judge, ranked
from expo_crm.lib.companies import block_keys, company_key

CROWDED = 3
"""More companies than this on one web domain: the domain is a platform's or a group's and says nothing about one."""
BLOCK = 60
"""A brand that more companies than this share tells none of them from the others."""


class Index:
    """Known companies by tax id, web domain and name; likeness of names on demand."""

    def __init__(self, companies: Iterable[Known] = ()) -> None:
        self._tax: dict[str, list[Known]] = defaultdict(list)
        self._domain: dict[str, list[Known]] = defaultdict(list)
        self._name: dict[str, list[Known]] = defaultdict(list)
        self._blocks: dict[str, list[Known]] | None = None
        self._all: list[Known] = []
        for known in companies:
            self.add(known)

    def add(self, known: Known) -> None:
        self._all.append(known)
        if known.tax_id:
            self._tax[known.tax_id].append(known)
        if known.domain:
            self._domain[known.domain].append(known)
        for key in {company_key(name) for name in known.names} - {""}:
            self._name[key].append(known)

    def exact(self, row: Mapping[str, Any], *, by_domain: bool = True) -> list[Candidate]:
        """Who shares a key with the row: tax id, web domain, or the name without case, marks and legal form."""
        found = list(self._tax.get(row.get("tax_id", ""), ()))
        for name in (row.get("name_zh"), row.get("name_en")):
            if name:
                found += self._name.get(company_key(name), ())
        if by_domain and len(on_domain := self._domain.get(row.get("domain", ""), ())) <= CROWDED:
            found += on_domain
        return self._judged(row, found)

    def alike(self, row: Mapping[str, Any]) -> list[Candidate]:
        """Whose name looks like the row's."""
        if not self._all:
            return []
        if self._blocks is None:
            self._blocks = defaultdict(list)
            for known in self._all:
                for key in set().union(*(block_keys(name) for name in known.names)):
                    self._blocks[key].append(known)
        found: list[Known] = []
        for name in (row.get("name_zh"), row.get("name_en")):
            for key in block_keys(name) if name else ():
                block = self._blocks.get(key, ())
                found += block if len(block) <= BLOCK else ()
        return [c for c in self._judged(row, found) if not c.known.line]

    @staticmethod
    def _judged(row: Mapping[str, Any], found: Iterable[Known]) -> list[Candidate]:
        once = {(k.id, k.line): k for k in found}
        return ranked(c for k in once.values() if (c := judge(row, k)))


def of_directory() -> Index:
    """Every company with its other names."""
    aliases: dict[int, list[str]] = defaultdict(list)
    for company_id, name in db.session.execute(select(CompanyName.company_id, CompanyName.name)):
        aliases[company_id].append(name)
    rows = db.session.execute(
        select(Company.id, Company.name_zh, Company.name_en, Company.tax_id, Company.domain, Company.country).order_by(
            Company.id
        )
    )
    return Index(
        Known(r.name_zh, r.name_en, r.tax_id or "", r.domain, r.country, tuple(aliases.get(r.id, ())), id=r.id)
        for r in rows
    )


def fingerprint() -> list[Any]:
    """Changes when a company was added, renamed or taken away since."""
    count, newest = db.session.execute(select(func.count(), func.max(Company.updated_at)).select_from(Company)).one()
    return [count, newest.isoformat() if newest else ""]
