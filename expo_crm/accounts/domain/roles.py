"""Which role may do what."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from expo_crm.lib.permissions import Permission as P


class Role(StrEnum):
    ADMIN = "admin"
    SALES = "sales"
    DESK = "desk"
    GATE = "gate"
    FINANCE = "finance"
    READER = "reader"


GRANTS: dict[Role, frozenset[P]] = {
    Role.ADMIN: frozenset(P),
    Role.SALES: frozenset(
        {P.VIEW, P.CONTACT_DATA, P.EXPORT, P.COMPANY_EDIT, P.IMPORT, P.SELL, P.MATCH, P.SURVEY, P.RETENTION, P.OUTBOX}
    ),
    Role.DESK: frozenset({P.VIEW, P.CONTACT_DATA, P.REGISTRATION, P.MATCH, P.OUTBOX}),
    Role.GATE: frozenset({P.VIEW, P.GATE, P.REGISTRATION}),
    Role.FINANCE: frozenset({P.VIEW, P.CONTACT_DATA, P.EXPORT, P.MONEY, P.OUTBOX}),
    Role.READER: frozenset({P.VIEW}),
}


def permissions_of(roles: Iterable[str]) -> frozenset[P]:
    """Union of what the roles grant; an unknown role grants nothing."""
    known = [GRANTS[Role(r)] for r in roles if r in set(Role)]
    return frozenset().union(*known)
