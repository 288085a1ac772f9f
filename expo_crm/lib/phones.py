"""Telephone numbers: what was typed is kept, what can be dialled is added."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

_SCIENCE = re.compile(r"\d(?:[.,]\d+)?E\+?\d{1,3}", re.I | re.ASCII)
_MAX_TYPED = 60


@dataclass(frozen=True, slots=True)
class Phone:
    """One number. `e164` is None and `problem` says why when it cannot be dialled.

    `problem`: "phone-empty", "phone-science" (a spreadsheet rounded it: 1.38E+10), "phone-format", "phone-length",
    "phone-unknown" (no such range in its country).
    """

    raw: str
    e164: str | None
    extension: str = ""
    mobile: bool = False
    region: str = ""
    problem: str | None = None


def parse_phone(text: str, region: str = "CN") -> Phone:
    """Read a number in any usual writing; `region` is the country of numbers without a country code."""
    raw = text.strip()
    plain = unicodedata.normalize("NFKC", raw).strip("' \t")
    if not plain:
        return Phone(raw, None, problem="phone-empty")
    if _SCIENCE.fullmatch(plain):
        return Phone(raw, None, problem="phone-science")
    if len(plain) > _MAX_TYPED:
        return Phone(raw[:_MAX_TYPED], None, problem="phone-length")
    if re.search(r"[^\W\d_]{4,}", re.sub(r"(?i)\b(ext|extension|tel|mob|mobile|phone|fax)\b", "", plain)):
        return Phone(raw, None, problem="phone-format")
    return _dialled(raw, _international(plain), region)


def _international(plain: str) -> str:
    """Write 0086… as +86… and spell the Chinese word for extension so that the library reads it."""
    plain = re.sub(r"^\(?00(?=[1-9])", "+", plain)
    return re.sub(r"(?:转|分机)\s*", " ext. ", plain)


def _dialled(raw: str, plain: str, region: str) -> Phone:
    """Ask the number plan."""
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        return Phone(raw, None, problem="phone-format")
    if not phonenumbers.is_possible_number(number):
        return Phone(raw, None, problem="phone-length")
    if not phonenumbers.is_valid_number(number):
        return Phone(raw, None, problem="phone-unknown")
    kind = phonenumbers.number_type(number)
    mobile = kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return Phone(
        raw,
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        number.extension or "",
        mobile,
        phonenumbers.region_code_for_number(number) or "",
    )


def to_e164(text: str, region: str = "CN") -> str | None:
    """The number as +8613800138000, or None when it cannot be dialled."""
    return parse_phone(text, region).e164
