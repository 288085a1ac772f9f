"""Random tokens, badge serials, and codes that people type by hand."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""

_VALUE = {sign: value for value, sign in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_IGNORED = frozenset(" -_.\u2010\u2011\u2012\u2013\u2014\u2212")


class CodeError(ValueError):
    """A typed code that cannot be right. `code`: "code-empty", "code-characters", "code-length", "code-check"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def new_token(bits: int = 128) -> str:
    """A random url-safe token of at least `bits` bits (128 bits: 22 characters)."""
    if bits < 64:
        raise ValueError("a token of less than 64 bits can be guessed")
    return secrets.token_urlsafe((bits + 7) // 8)


def hash_token(token: str) -> str:
    """SHA-256 of `token` in hex (64 characters): what the database keeps of a token that opens something."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_serial() -> bytes:
    """Eight random bytes: the serial of a badge."""
    return secrets.token_bytes(8)


def _times_alpha(value: int) -> int:
    """Multiply by x in GF(32) = GF(2)[x] / (x^5 + x^2 + 1)."""
    return ((value << 1) ^ 0x25) if value & 16 else value << 1


def _check_value(values: list[int]) -> int:
    """Check digit over GF(32): finds every single wrong sign and every swap of neighbours, up to 30 signs."""
    total = 0
    for value in values:
        total = _times_alpha(total) ^ value
    return _times_alpha(total)


def encode_code(value: int, digits: int) -> str:
    """`value` as `digits` base-32 signs plus one check sign; ValueError when it does not fit."""
    if not 0 <= value < 32**digits or digits > 30:
        raise ValueError(f"{value} does not fit {digits} signs")
    values = [(value >> (5 * place)) & 31 for place in reversed(range(digits))]
    return "".join(ALPHABET[v] for v in [*values, _check_value(values)])


def new_code(digits: int = 8) -> str:
    """A random code of `digits` signs plus the check sign, to be read aloud and typed (8 signs: 40 bits)."""
    return encode_code(secrets.randbelow(32**digits), digits)


def read_code(text: str, digits: int | None = None) -> str:
    """A typed code in its canonical form, check sign included.

    Takes full-width signs, small letters, spaces and hyphens; O is 0, I and L are 1.
    CodeError when empty, of foreign signs, of another length than `digits` + 1, or with a wrong check sign.
    """
    if len(text) > 100:
        raise CodeError("code-length")
    signs = [s for s in unicodedata.normalize("NFKC", text).upper() if s not in _IGNORED and not s.isspace()]
    if not signs:
        raise CodeError("code-empty")
    if any(sign not in _VALUE for sign in signs):
        raise CodeError("code-characters")
    if len(signs) < 2 or len(signs) > 31 or (digits is not None and len(signs) != digits + 1):
        raise CodeError("code-length")
    values = [_VALUE[sign] for sign in signs]
    if _check_value(values[:-1]) != values[-1]:
        raise CodeError("code-check")
    return "".join(ALPHABET[v] for v in values)
