"""The code on a badge: 24 bytes of payload and their Ed25519 signature, in base 32 for a small QR code (version 6-M).

It carries no name, no address and nothing that logs somebody in. An opaque code is 16 random bytes instead, for shows whose
gates stay online: 26 signs that only the server can look up (``services.opaque``). The payload of a signed one, big endian:

====  =====  ==================================================
at    bytes  what
====  =====  ==================================================
0     1      version (1)
1     1      key id
2     1      purpose: 1 ticket (mail, wallet), 2 badge, 3 lead
3     4      edition
7     8      random serial
15    4      zone bits (16) and class (16), for devices offline
19    2      valid from, in days since 2020-01-01
21    2      valid to, the same
23    1      generation: raised by each reprint
====  =====  ==================================================
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
DOMAIN = b"expo-crm badge code v1\x00"  # goes before the payload, so that a signature of ours never fits anything else
ALL_ZONES = 0xFFFF
PAYLOAD_BYTES = 24
CODE_BYTES = PAYLOAD_BYTES + 64
CODE_CHARS = 141
OPAQUE_BYTES = 16
OPAQUE_CHARS = 26
MAX_READ_CHARS = 512  # of what a reader sends; longer is refused before anything looks at it
_EPOCH = dt.date(2020, 1, 1)
_LAYOUT = struct.Struct(">BBBI8sHHHHB")
_SIGNS = re.compile(r"[A-Z2-7]+")
_ECI = re.compile(r"^\\0000(?:03|26)")
_AIM = re.compile(r"^\][A-Z][0-9A-Z]")
_NOISE = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]+")


class Purpose(IntEnum):
    TICKET = 1
    BADGE = 2
    LEAD = 3


_PURPOSES = frozenset(Purpose)


@dataclass(frozen=True, slots=True)
class Payload:
    """What a code says. ``class_bits`` and ``zone_bits`` help a device without network; the badge's row is the authority."""

    kid: int
    purpose: Purpose
    edition_id: int
    serial: bytes
    valid_from: dt.date
    valid_to: dt.date
    generation: int = 1
    class_bits: int = 0
    zone_bits: int = ALL_ZONES

    @property
    def serial_hex(self) -> str:
        return self.serial.hex()


@dataclass(frozen=True, slots=True)
class Code:
    """A code read without fault; whether its signature holds is asked of ``verify``."""

    payload: Payload
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not a signed code of ours. ``reason``: malformed (ours, but damaged or cut) or unknown (something else).

    ``opaque`` is the cleaned text when it may be one of the codes that only the server can look up.
    """

    reason: str
    opaque: str = ""


def pack(payload: Payload) -> bytes:
    """The 24 bytes. Raises ValueError when a field does not fit."""
    try:
        return _LAYOUT.pack(
            VERSION,
            payload.kid,
            payload.purpose,
            payload.edition_id,
            _exactly_8(payload.serial),
            payload.zone_bits,
            payload.class_bits & 0xFFFF,
            _days(payload.valid_from),
            _days(payload.valid_to),
            payload.generation,
        )
    except struct.error as error:
        raise ValueError(f"payload: {error}") from None


def _exactly_8(serial: bytes) -> bytes:
    if len(serial) != 8:
        raise ValueError("a serial has 8 bytes")
    return serial


def _days(day: dt.date) -> int:
    return (day - _EPOCH).days


def encode(payload: Payload, sign: Callable[[bytes], bytes]) -> str:
    """The text of the code; ``sign`` gets the bytes to sign (domain prefix and payload) and answers 64 bytes."""
    body = pack(payload)
    return base64.b32encode(body + sign(DOMAIN + body)).decode().rstrip("=")


def clean(text: str) -> str:
    """What a scanner or keyboard wedge sent, without its additions: AIM and ECI prefixes, line ends, full width, small letters."""
    text = unicodedata.normalize("NFKC", _NOISE.sub("", text[: MAX_READ_CHARS + 1]))
    text = _AIM.sub("", _ECI.sub("", text), count=1)
    return _ECI.sub("", text).upper()


def parse(text: str) -> Code | Unreadable:
    """Read any text. Never raises: what is not a code comes back with the reason."""
    if not text or len(text) > MAX_READ_CHARS:
        return Unreadable("malformed")
    cleaned = clean(text)
    if not _SIGNS.fullmatch(cleaned):
        return Unreadable("unknown" if cleaned else "malformed")
    if len(cleaned) == OPAQUE_CHARS:
        return Unreadable("unknown", cleaned) if _exact(cleaned, OPAQUE_BYTES) else Unreadable("malformed")
    if len(cleaned) != CODE_CHARS:
        return Unreadable("malformed")
    raw = _exact(cleaned, CODE_BYTES)
    return _unpack(raw) if raw else Unreadable("malformed")


_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")


def _exact(cleaned: str, size: int) -> bytes:
    """``size`` bytes of base 32, or none. The last sign carries spare bits: were they ignored, two texts would mean one code."""
    number = int(cleaned.translate(_DIGITS), 32)  # several times as fast as base64.b32decode
    spare = 5 * len(cleaned) - 8 * size
    return b"" if number & ((1 << spare) - 1) else (number >> spare).to_bytes(size, "big")


def new_opaque(random: bytes) -> str:
    """The text of an opaque code: 16 random bytes as 26 signs, which fit a QR code of version 2-M."""
    if len(random) != OPAQUE_BYTES:
        raise ValueError("an opaque code has 16 bytes")
    return base64.b32encode(random).decode().rstrip("=")


def _unpack(raw: bytes) -> Code | Unreadable:
    body = raw[:PAYLOAD_BYTES]
    version, kid, purpose, edition_id, serial, zones, class_bits, first, last, generation = _LAYOUT.unpack(body)
    if version != VERSION or purpose not in _PURPOSES or first > last or generation == 0:
        return Unreadable("malformed")
    payload = Payload(
        kid,
        Purpose(purpose),
        edition_id,
        serial,
        _EPOCH + dt.timedelta(days=first),
        _EPOCH + dt.timedelta(days=last),
        generation,
        class_bits,
        zones,
    )
    return Code(payload, DOMAIN + body, raw[PAYLOAD_BYTES:])
