"""Codes: known answers, and that nothing but a whole, genuine code is ever read as one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from expo_crm.onsite.domain.badge_code import CODE_CHARS, Code, Payload, Purpose, Unreadable, clean, encode, parse
from tests.onsite.vectors import make

VECTORS = json.loads((Path(make.__file__).parent / "badge_codes.json").read_text("utf-8"))
KEY = Ed25519PrivateKey.from_private_bytes(make.SEED)
PUBLIC = Ed25519PublicKey.from_public_bytes(bytes.fromhex(VECTORS["public_key"]))

payloads = st.builds(
    Payload,
    kid=st.integers(0, 255),
    purpose=st.sampled_from(Purpose),
    edition_id=st.integers(0, 2**32 - 1),
    serial=st.binary(min_size=8, max_size=8),
    valid_from=st.dates(dt.date(2020, 1, 1), dt.date(2100, 1, 1)),
    valid_to=st.dates(dt.date(2100, 1, 1), dt.date(2199, 1, 1)),
    generation=st.integers(1, 255),
    class_bits=st.integers(0, 65535),
    zone_bits=st.integers(0, 65535),
)


def genuine(text: str) -> bool:
    found = parse(text)
    if isinstance(found, Unreadable):
        assert found.reason in {"malformed", "unknown"}
        return False
    try:
        PUBLIC.verify(found.signature, found.signed)
    except InvalidSignature:
        return False
    return True


def test_the_vectors_are_what_the_code_makes():
    assert make.badge_codes() == VECTORS
    assert make.admission() == json.loads((Path(make.__file__).parent / "admission.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS["good"], ids=range(len(VECTORS["good"])))
def test_known_codes(vector):
    found = parse(vector["code"])
    assert isinstance(found, Code) and make._plain(found.payload) == vector["payload"]
    assert genuine(vector["code"]) and len(vector["code"]) == CODE_CHARS


@pytest.mark.parametrize("vector", VECTORS["cleaned"], ids=range(len(VECTORS["cleaned"])))
def test_what_scanners_add_is_taken_off(vector):
    assert clean(vector["read"]) == vector["code"] and genuine(vector["read"])


@pytest.mark.parametrize("vector", VECTORS["unreadable"], ids=range(len(VECTORS["unreadable"])))
def test_what_is_no_code_has_its_reason(vector):
    assert parse(vector["read"]) == Unreadable(vector["reason"])


@pytest.mark.parametrize("vector", VECTORS["opaque"], ids=range(len(VECTORS["opaque"])))
def test_an_opaque_code_is_left_to_the_server(vector):
    assert parse(vector["read"]) == Unreadable("unknown", vector["opaque"])


def test_another_key_does_not_fit():
    assert not genuine(VECTORS["bad_signature"][0])


@given(payloads)
def test_encoding_and_reading_are_inverse(payload):
    found = parse(encode(payload, KEY.sign))
    assert isinstance(found, Code) and found.payload == payload


@given(
    st.one_of(
        st.text(),
        st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=138, max_size=144),
        st.characters(categories=["Cs"]),
    )
)
def test_arbitrary_text_never_raises_and_is_never_genuine(text):
    assert not genuine(text)


def test_every_flipped_bit_and_every_cut_is_refused():
    import base64

    text = VECTORS["good"][0]["code"]
    raw = base64.b32decode(text + "===")
    for place in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << (place % 8)
        assert not genuine(base64.b32encode(bytes(flipped)).decode().rstrip("=")), place
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for place, sign in enumerate(text):
        for bit in range(5):
            other = signs[signs.index(sign) ^ (1 << bit)]
            assert not genuine(text[:place] + other + text[place + 1 :]), (place, bit)
    for length in range(len(text)):
        assert parse(text[:length]) == Unreadable("malformed")


def test_what_does_not_fit_is_not_encoded():
    good = {
        "kid": 1,
        "purpose": Purpose.BADGE,
        "edition_id": 1,
        "serial": b"12345678",
        "valid_from": dt.date(2026, 1, 1),
        "valid_to": dt.date(2026, 1, 1),
    }
    for wrong in (
        {"kid": 256},
        {"edition_id": 2**32},
        {"serial": b"1"},
        {"valid_from": dt.date(2019, 1, 1)},
        {"generation": 256},
    ):
        with pytest.raises(ValueError, match=r"payload|serial"):
            encode(Payload(**{**good, **wrong}), KEY.sign)
