"""The keys that sign badge codes: one pair per show. The private half is kept sealed with the installation's secret."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.domain.badge_code import Code
from expo_crm.onsite.models import SigningKey

_PURPOSE = b"expo-crm signing key v1"
# kid → public keys with that id, over all shows. Asked again when a code does not fit, so a new key is found by itself.
_known: dict[int, tuple[str, ...]] = {}


class KeyUnusable(Exception):
    """The private key cannot be opened: the installation's secret is another one than when the key was made."""


@lru_cache(maxsize=4)
def _sealer(secret: str) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, None, _PURPOSE).derive(secret.encode()))


def _seal(raw: bytes) -> str:
    nonce = os.urandom(12)
    box = _sealer(current_app.config["SECRET_KEY"]).encrypt(nonce, raw, _PURPOSE)
    return base64.b64encode(nonce + box).decode()


@lru_cache(maxsize=32)
def _open(secret: str, sealed: str) -> Ed25519PrivateKey:
    box = base64.b64decode(sealed)
    try:
        return Ed25519PrivateKey.from_private_bytes(_sealer(secret).decrypt(box[:12], box[12:], _PURPOSE))
    except InvalidTag:
        raise KeyUnusable("the secret key of this installation has changed") from None


@lru_cache(maxsize=64)
def _public(hex_: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(hex_))


def ensure_key(show_id: int) -> SigningKey:
    """The show's active key; made when there is none. Two at once make one."""
    found = _active(show_id)
    if found is not None:
        return found
    private = Ed25519PrivateKey.generate()
    kid = (db.session.scalar(select(func.max(SigningKey.kid)).where(SigningKey.show_id == show_id)) or 0) + 1
    values = {
        "show_id": show_id,
        "kid": kid,
        "public_hex": private.public_key().public_bytes_raw().hex(),
        "private_sealed": _seal(private.private_bytes_raw()),
        "state": "active",
        "created_at": clock.now(),
    }
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    db.session.execute(insert(SigningKey).values(values).on_conflict_do_nothing(index_elements=["show_id", "kid"]))
    made = _active(show_id)
    if made is None:
        raise KeyUnusable("no active key")
    audit.record("signing_key.create", "signing_key", made.id, changes={"kid": [None, made.kid]})
    return made


def _active(show_id: int) -> SigningKey | None:
    return db.session.scalar(
        select(SigningKey)
        .where(SigningKey.show_id == show_id, SigningKey.state == "active")
        .order_by(SigningKey.kid.desc())
        .limit(1)
    )


def signer(show_id: int) -> tuple[int, Callable[[bytes], bytes]]:
    """(key id, function that signs) for a show. Raises KeyUnusable."""
    key = ensure_key(show_id)
    return key.kid, _open(current_app.config["SECRET_KEY"], key.private_sealed).sign


def fault(code: Code) -> str:
    """Empty when one of the installation's keys signed this code, else unknown_key or bad_signature."""
    kid = code.payload.kid
    if _fits(code, _known.get(kid, ())):
        return ""
    fresh = tuple(
        db.session.scalars(select(SigningKey.public_hex).where(SigningKey.kid == kid, SigningKey.state != "retired"))
    )
    _known[kid] = fresh
    if not fresh:
        return "unknown_key"
    return "" if _fits(code, fresh) else "bad_signature"


def _fits(code: Code, keys: tuple[str, ...]) -> bool:
    for hex_ in keys:
        try:
            _public(hex_).verify(code.signature, code.signed)
        except InvalidSignature:
            continue
        return True
    return False
