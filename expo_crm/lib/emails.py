"""E-mail addresses: checked without asking the network, normalised for keys, safe for headers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, EmailUndeliverableError, validate_email

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]|%0[ad]|%00", re.I)
_MAX_TYPED = 320
# The usual address: of it the validator would say nothing else, twenty times slower.
_SIMPLE = re.compile(
    r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,})", re.ASCII
)
_SPECIAL = tuple(SPECIAL_USE_DOMAIN_NAMES)
_TYPOS = {
    "gmial.com": "gmail.com", "gmai.com": "gmail.com", "gamil.com": "gmail.com", "gmail.con": "gmail.com",
    "hotmial.com": "hotmail.com", "hotmail.con": "hotmail.com", "outlok.com": "outlook.com", "yaho.com": "yahoo.com",
    "qq.con": "qq.com", "qq.co": "qq.com", "qq.cm": "qq.com", "163.con": "163.com", "163.co": "163.com",
    "126.con": "126.com", "sina.con": "sina.com", "foxmail.con": "foxmail.com", "iclould.com": "icloud.com",
}  # fmt: skip


class EmailError(ValueError):
    """An address that is refused. `code`: "email-empty", "email-header" (line break inside), "email-format",
    "email-length"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Email:
    """`address` to show and send to; `key` to compare with (all small letters); `suggestion` for a likely typing slip."""

    address: str
    key: str
    domain: str
    suggestion: str | None = None


def has_header_break(text: str) -> bool:
    """True when `text` could start a new mail header: a line break, NUL or its percent form."""
    return bool(_CONTROL.search(text))


def parse_email(text: str) -> Email:
    """Read one address; EmailError says why not. Full-width signs are folded, plus tags stay, nothing is merged."""
    typed = text.strip(" \t\u3000\u00a0\ufeff\u200b")
    if not typed:
        raise EmailError("email-empty")
    if len(typed) > _MAX_TYPED:
        raise EmailError("email-length")
    if has_header_break(typed):
        raise EmailError("email-header")
    typed = unicodedata.normalize("NFKC", typed).replace("。", ".").removeprefix("mailto:")
    if (simple := _SIMPLE.fullmatch(typed)) and len(simple[1]) <= 64 and len(typed) <= 254:
        domain = simple[2].lower()
        if "--" not in domain and not domain.endswith(_SPECIAL) and max(map(len, domain.split("."))) <= 63:
            return _answer(f"{simple[1]}@{domain}", simple[1], domain)
    try:
        checked = validate_email(typed, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, EmailUndeliverableError, UnicodeError):
        raise EmailError("email-format") from None
    if "." not in checked.ascii_domain:
        raise EmailError("email-format")
    return _answer(checked.normalized, checked.local_part, checked.ascii_domain)


def _answer(address: str, local: str, domain: str) -> Email:
    better = _TYPOS.get(domain)
    return Email(address, f"{local}@{domain}".casefold(), domain, f"{local}@{better}" if better else None)


def email_key(text: str) -> str | None:
    """The comparison key of an address, or None when it is none."""
    try:
        return parse_email(text).key
    except EmailError:
        return None


def split_emails(text: str) -> list[str]:
    """The several addresses of one cell, in order (`;`, `,`, `、`, spaces, line breaks, `|` or `/` between them)."""
    return [piece for piece in re.split(r"[\s;,、，；|/]+", text) if piece]
