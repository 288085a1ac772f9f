"""The keys that stand beside a name: to compare it, to find it, to put it in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from expo_crm.lib import text
from expo_crm.lib.companies import company_key
from expo_crm.lib.domains import web_domain

KEY_LIMIT = 400


@dataclass(frozen=True)
class Keys:
    name_key: str
    sort_key: str
    search_key: str


def order_key(name: str) -> str:
    """Chinese names in pinyin order among the Latin ones."""
    folded = text.fold(name)
    return (text.pinyin(folded)[0] if text.has_han(folded) else folded)[:KEY_LIMIT]


def company_keys(name_zh: str, name_en: str, aliases: Iterable[str] = (), domain: str = "") -> Keys:
    """Keys of a company. Two Chinese characters, pinyin, its initials, an alias or the web domain find it."""
    first = name_zh or name_en
    return Keys(alias_key(first), order_key(first), text.search_key(name_zh, name_en, *aliases, domain))


def alias_key(name: str) -> str:
    """The comparison key of one written name."""
    return company_key(name)[:KEY_LIMIT]


def person_keys(name: str, name_latin: str = "") -> Keys:
    """Keys of a person; the comparison key is the folded name."""
    return Keys(text.fold(name)[:KEY_LIMIT], order_key(name or name_latin), text.search_key(name, name_latin))


def domain_of(website: str, email: str = "") -> str:
    """The domain that stands for a company, from its site, else from a contact's address; "" when there is none."""
    return web_domain(website) or web_domain(email) or ""


def tax_code(typed: str) -> str | None:
    """A tax id as stored: folded, no spaces, capitals; None when nothing was typed."""
    return "".join(text.clean_code(typed).upper().split())[:40] or None


def site_url(website: str) -> str:
    """A link that is safe to offer for what was typed as website; "" when it is none (``javascript:`` and the like)."""
    typed = text.clean_code(website)
    if not typed or any(sign.isspace() for sign in typed):
        return ""
    scheme, mark, _rest = typed.partition("://")
    if mark:
        return typed if scheme.lower() in ("http", "https") else ""
    return "" if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", typed, re.I) else f"https://{typed}"
