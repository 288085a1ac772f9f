"""Amounts of money and areas as people type them. Decimal throughout; showing them is the page's work."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
MAX_AMOUNT = Decimal("9999999999.99")
"""Largest amount stored (12 digits, 2 of them decimals)."""

_CURRENCY = re.compile(r"^(?:CNY|RMB|USD|EUR|HKD|GBP|US\$|HK\$|[¥$€£元])|(?:CNY|RMB|USD|EUR|HKD|GBP|[¥$€£元])$", re.I)
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?|[+-]?\.\d+", re.ASCII)
_THOUSANDS = {
    ",": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII),
    ".": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+", re.ASCII),
    " ": re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d+)?", re.ASCII),
    "'": re.compile(r"[+-]?\d{1,3}(?:'\d{3})+(?:[.,]\d+)?", re.ASCII),
}
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


class AmountError(ValueError):
    """An amount that cannot be taken. `code`: "amount-empty", "amount-format", "amount-low", "amount-high",
    "amount-places"; `limit` is the bound that was passed."""

    def __init__(self, code: str, limit: Decimal | int | None = None) -> None:
        super().__init__(code if limit is None else f"{code} {limit}")
        self.code = code
        self.limit = limit


def _strip_currency(text: str) -> str:
    """Fold full-width signs to ASCII and drop one currency mark at either end."""
    text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2019", "'").strip()
    for _ in range(2):
        text = _CURRENCY.sub("", text).strip()
    return re.sub(r"\s+", " ", text)


def _separators_out(text: str) -> str | None:
    """`text` with its thousands separators dropped and a decimal point; None when it is no number."""
    if _PLAIN.fullmatch(text):
        return text
    for mark, pattern in _THOUSANDS.items():
        if pattern.fullmatch(text):
            return text.replace(mark, "").replace(",", ".")
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else None


def parse_decimal(
    text: str,
    *,
    minimum: Decimal | int | None = None,
    maximum: Decimal | int | None = MAX_AMOUNT,
    places: int | None = None,
) -> Decimal:
    """The number a person typed: `１２`, `12,5`, `1,234.50`, `1.234,50`, `¥ 1 200`.

    One comma before exactly three digits separates thousands (Chinese and English use). Exponents, NaN and infinity are
    refused. AmountError outside `minimum`..`maximum` or with more than `places` decimals that are not zero.
    """
    if len(text) > 60:
        raise AmountError("amount-format")
    plain = _strip_currency(text)
    if not plain:
        raise AmountError("amount-empty")
    digits = _separators_out(plain)
    if digits is None:
        raise AmountError("amount-format")
    value = Decimal(digits)
    check_range(value, minimum, maximum)
    if places is not None and value != quantize(value, places):
        raise AmountError("amount-places", places)
    return value + 0  # "-0" becomes 0


def check_range(value: Decimal, minimum: Decimal | int | None, maximum: Decimal | int | None) -> None:
    """AmountError("amount-low" / "amount-high") when a finite `value` lies outside; bounds may be None."""
    if not value.is_finite():
        raise AmountError("amount-format")
    if minimum is not None and value < minimum:
        raise AmountError("amount-low", minimum)
    if maximum is not None and value > maximum:
        raise AmountError("amount-high", maximum)


def quantize(value: Decimal, places: int = 2) -> Decimal:
    """Round half up, as invoices do, to `places` decimals."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def parse_money(text: str, *, minimum: Decimal | int | None = 0, maximum: Decimal | int = MAX_AMOUNT) -> Decimal:
    """An amount in whole cents, by default from 0 to `MAX_AMOUNT`; AmountError otherwise."""
    return quantize(parse_decimal(text, minimum=minimum, maximum=maximum, places=2))
