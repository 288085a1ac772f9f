"""One row of an exhibitor list: read into what would be stored, or refused with the column and the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from expo_crm.lib import emails, phones, text
from expo_crm.lib.companies import credit_code
from expo_crm.lib.domains import web_domain
from expo_crm.lib.money import AmountError, parse_decimal
from expo_crm.lib.stands import split_stands

NAME_FIELDS = ("company_zh", "company_en", "company")
"""One of these must be mapped, and filled in every row."""

FIELDS = (
    *NAME_FIELDS,
    "credit_code",
    "country",
    "province",
    "city",
    "address",
    "website",
    "hall",
    "booth",
    "net_area",
    "role",
    "categories",
    "category_codes",
    "intro_zh",
    "intro_en",
    "contact",
    "first_name",
    "last_name",
    "job_title",
    "mobile",
    "phone",
    "email",
    "amount",
)
"""The fields of ``sheets.fields.EXHIBITOR_FIELDS`` that this import stores."""

NAME_LIMIT = 300
LIMITS = {
    "province": 60,
    "city": 60,
    "phone": 60,
    "mobile": 60,
    "credit_code": 40,
    "intro_zh": 20000,
    "intro_en": 20000,
}
CUT = {"booth", "categories", "category_codes", "hall"}
"""Lists that may be longer than what is shown of them; they are read whole and shown shortened."""
MAX_AREA = Decimal(100_000)
MAX_AMOUNT = Decimal("99999999")


class RowReason(StrEnum):
    """Why a row is refused."""

    NAME_MISSING = "name-missing"
    NAME_EMAIL = "name-email"
    NAME_TEST = "name-test"
    NAME_UNREADABLE = "name-unreadable"
    NAME_DAMAGED = "name-damaged"
    TOO_LONG = "too-long"
    NUMBER = "number"
    NUMBER_RANGE = "number-range"
    EMAIL = "email"
    PHONE_ROUNDED = "phone-rounded"
    STAND_DATE = "stand-date"
    CELL_TOO_LONG = "cell-too-long"
    TOO_MANY_CELLS = "too-many-cells"
    QUOTE_OPEN = "quote-open"


class RowRefused(Exception):
    """A row that is not taken: why, and which field's value is to blame."""

    def __init__(self, reason: RowReason, field: str = "", value: str = "") -> None:
        super().__init__(f"{reason} {field} {value!r}")
        self.reason, self.field, self.value = reason, field, value


_NOTHING = re.compile(r"(?:[-–—/\\.*_?？]+|n/?a|none|null|nil|无|没有|暂无)", re.I)
_TEST = re.compile(
    r"(?:test|tests|testing|测试|試験|テスト|dummy|asdf+|qwert[yz]?|xxx+|delete me|please delete|请删除)"
    r"(?:[\s\d_.-]|company|exhibitor|row|gmbh|ltd|inc|公司|展商|企业|数据|有限)*",
    re.I,
)
_UNITS = re.compile(r"\s*(?:m2|m²|㎡|sqm|sq\.?\s*m\.?|qm|平方米|平米|平方|平)\s*$", re.I)
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?: \d.*)?|\d{1,2}月\d{1,2}日"
    r"|\d{1,2}-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*",
    re.I,
)
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.I | re.ASCII)
_CO = re.compile(r"co-?exhib|joint|联合|共展|合展|同展|mitaussteller|^co$|子展商", re.I)
_REPRESENTED = re.compile(r"represent|代理品牌|被代表|^rep$", re.I)


def parse(cells: Mapping[str, str], countries: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What a row says, without empty values, and notes on what was left out. Raises RowRefused.

    ``cells`` maps fields to texts as ``sheets`` cleaned them; ``countries`` maps folded names to two-letter codes.
    """
    cells = {field: value for field, value in cells.items() if value and not _NOTHING.fullmatch(value)}
    _refuse_long(cells)
    notes: list[dict[str, str]] = []
    row: dict[str, Any] = dict(_names(cells))
    row |= _identity(cells, countries, notes)
    row |= _place(cells, notes)
    row |= _numbers(cells)
    row |= _contact(cells, notes)
    for field in ("intro_zh", "intro_en"):
        row[field] = cells.get(field, "")
    return {key: value for key, value in row.items() if value not in ("", [], None)}, notes


def _note(notes: list[dict[str, str]], code: str, field: str, value: str) -> None:
    notes.append({"code": code, "field": field, "value": value[:200]})


def _refuse_long(cells: Mapping[str, str]) -> None:
    for field, value in cells.items():
        if field not in CUT and len(value) > LIMITS.get(field, NAME_LIMIT):
            raise RowRefused(RowReason.TOO_LONG, field, value[:80] + "…")


def _names(cells: Mapping[str, str]) -> dict[str, str]:
    """Chinese and English name. A name in the wrong one of the two columns is kept where it stands."""
    found = {"name_zh": cells.get("company_zh", ""), "name_en": cells.get("company_en", "")}
    single = cells.get("company", "")
    if single:
        key = "name_zh" if text.has_han(single) else "name_en"
        found[key] = found[key] or single
    for key, field in (("name_zh", "company_zh"), ("name_en", "company_en")):
        _refuse_name(found[key], field if cells.get(field) else "company")
    if not any(found.values()):
        raise RowRefused(RowReason.NAME_MISSING, next((f for f in NAME_FIELDS if f in cells), "company"))
    return found


def _refuse_name(name: str, field: str) -> None:
    if not name:
        return
    if text.is_blank(name) or not any(sign.isalnum() for sign in name):
        raise RowRefused(RowReason.NAME_UNREADABLE, field, name)
    if "\ufffd" in name:
        raise RowRefused(RowReason.NAME_DAMAGED, field, name)
    if "@" in name and emails.email_key(name):
        raise RowRefused(RowReason.NAME_EMAIL, field, name)
    if _TEST.fullmatch(name.strip()):
        raise RowRefused(RowReason.NAME_TEST, field, name)
    if _ROUNDED.fullmatch(name):
        raise RowRefused(RowReason.NAME_UNREADABLE, field, name)


def _identity(cells: Mapping[str, str], countries: Mapping[str, str], notes: list[dict[str, str]]) -> dict[str, str]:
    out = {field: cells.get(field, "") for field in ("province", "city", "address", "website")}
    out["domain"] = web_domain(out["website"]) or "" if out["website"] else ""
    if typed := cells.get("credit_code", ""):
        tax = text.clean_code(typed).upper().replace(" ", "")
        out["tax_id"] = credit_code(tax) or tax
        if len(tax) == 18 and credit_code(tax) is None:
            _note(notes, "credit-code-check", "credit_code", tax)
    country = cells.get("country", "")
    if country:
        out["country"] = countries.get(text.fold(country), "")
        if not out["country"]:
            _note(notes, "country-unknown", "country", country)
    return out


def _place(cells: Mapping[str, str], notes: list[dict[str, str]]) -> dict[str, Any]:
    """Stands as written and as keys; product categories as written."""
    booth = cells.get("booth", "")
    if _DATE.fullmatch(booth):
        raise RowRefused(RowReason.STAND_DATE, "booth", booth)
    found = split_stands(booth, cells.get("hall")) if booth else []
    if booth and not found:
        _note(notes, "stand-unread", "booth", booth)
    shown = booth.replace("|", "; ").replace("\n", "; ")
    if len(shown) > NAME_LIMIT:
        _note(notes, "stand-shortened", "booth", booth)
    sector = "; ".join(split_list(cells.get("categories", "")))
    if len(sector) > NAME_LIMIT:
        _note(notes, "sector-shortened", "categories", sector)
    role = cells.get("role", "")
    return {
        "stands": text.truncate(shown, NAME_LIMIT, "…"),
        "stand_keys": [[s.key, s.hall, s.text[:60]] for s in found],
        "sector": text.truncate(sector, NAME_LIMIT, "…"),
        "categories": split_list(cells.get("categories", ""))[:60],
        "category_codes": split_list(cells.get("category_codes", ""))[:60],
        "role": "co" if _CO.search(role) else "represented" if _REPRESENTED.search(role) else "main" if role else "",
    }


def split_list(cell: str) -> list[str]:
    """The entries of a cell that lists several (``|``, ``;``, ``、`` or line breaks between them), each once."""
    pieces = (piece.strip() for piece in re.split(r"[|;；、\n]", cell)) if cell else ()
    return list(dict.fromkeys(piece for piece in pieces if piece))


def _numbers(cells: Mapping[str, str]) -> dict[str, str]:
    out = {}
    for field, key, high in (("net_area", "net_m2", MAX_AREA), ("amount", "amount", MAX_AMOUNT)):
        typed = cells.get(field, "")
        if not typed:
            continue
        try:
            value = parse_decimal(_UNITS.sub("", typed), minimum=0, maximum=high)
        except AmountError as error:
            reason = RowReason.NUMBER_RANGE if error.code in {"amount-low", "amount-high"} else RowReason.NUMBER
            raise RowRefused(reason, field, typed) from None
        if value:
            out[key] = str(value.quantize(Decimal("0.01")))
    return out


def _contact(cells: Mapping[str, str], notes: list[dict[str, str]]) -> dict[str, str]:
    """The contact person; an address without a name stands for the person until somebody knows it."""
    for field in ("mobile", "phone"):
        if _ROUNDED.fullmatch(cells.get(field, "")):
            raise RowRefused(RowReason.PHONE_ROUNDED, field, cells[field])
    address = ""
    typed = emails.split_emails(cells.get("email", ""))
    if typed:
        address = next((key for one in typed if (key := emails.email_key(one))), "")
        if not address:
            raise RowRefused(RowReason.EMAIL, "email", cells["email"])
        if len(typed) > 1:
            _note(notes, "email-several", "email", cells["email"])
    first, last = cells.get("first_name", ""), cells.get("last_name", "")
    joined = last + first if text.has_han(first + last) else f"{first} {last}"
    name = (cells.get("contact", "") or joined).strip()
    mobile, phone = cells.get("mobile", ""), cells.get("phone", "")
    if not name and not address:
        return _phone(phone or mobile)
    if not name:
        _note(notes, "contact-unnamed", "email", address)
    return _phone(phone) | {
        "contact": name or address,
        "email": address,
        "mobile": phones.to_e164(mobile) or mobile if mobile else "",
        "job_title": cells.get("job_title", ""),
    }


def _phone(typed: str) -> dict[str, str]:
    """The company's number, with the number that can be dialled where there is one: asking the number plan is slow."""
    number = phones.to_e164(typed) if typed else None
    return {"phone": number or typed, "dialled": number or ""}
