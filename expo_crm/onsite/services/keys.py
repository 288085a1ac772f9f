"""The keys that sign badge codes: one pair per show. The private half is kept sealed with the installation's secret."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

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
from expo_crm.lib import clock, text
from expo_crm.onsite.domain.badge_code import Code
from expo_crm.onsite.models import Badge, BadgeSetup, Device, SigningKey
from expo_crm.onsite.services import feed
from expo_crm.shows.models import Edition

_PURPOSE = b"expo-crm signing key v1"
PUBLISHED = frozenset({"next", "active", "verify"})
MOST_PUBLISHED = 4  # a device holds no more
MEMORY_SECONDS = 30.0
# kid → public keys with that id over all shows, and when they were asked for. Asked again when a code does not fit, so a new key
# is found by itself, and after MEMORY_SECONDS, so a retired one is forgotten.
_known: dict[int, tuple[tuple[str, ...], float]] = {}


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
    made = _make(show_id, "active")
    if made is None:
        made = _active(show_id)
    if made is None:
        raise KeyUnusable("no active key")
    return made


def _make(show_id: int, state: str) -> SigningKey | None:
    """A new pair with the next number; None when somebody else took that number at the same moment."""
    private = Ed25519PrivateKey.generate()
    kid = (db.session.scalar(select(func.max(SigningKey.kid)).where(SigningKey.show_id == show_id)) or 0) + 1
    values = {
        "show_id": show_id,
        "kid": kid,
        "public_hex": private.public_key().public_bytes_raw().hex(),
        "private_sealed": _seal(private.private_bytes_raw()),
        "state": state,
        "state_reason": "",
        "created_at": clock.now(),
    }
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    made = db.session.scalar(
        insert(SigningKey)
        .values(values)
        .on_conflict_do_nothing(index_elements=["show_id", "kid"])
        .returning(SigningKey.id)
    )
    if made is None:
        return None
    audit.record("signing_key.create", "signing_key", made, changes={"kid": [None, kid], "state": [None, state]})
    tell_devices(show_id)
    return db.session.get_one(SigningKey, made)


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
    """Empty when one of the installation's keys signed this code, else unknown_key or bad_signature.

    A signature is a filter; the badge's row is the authority. So a code of a compromised key passes here: its serial is looked
    up, which nobody can guess. Devices without network do not let it pass.
    """
    kid = code.payload.kid
    known, asked = _known.get(kid, ((), -MEMORY_SECONDS))
    if time.monotonic() - asked < MEMORY_SECONDS and _fits(code, known):
        return ""
    fresh = tuple(
        db.session.scalars(select(SigningKey.public_hex).where(SigningKey.kid == kid, SigningKey.state != "retired"))
    )
    _known[kid] = fresh, time.monotonic()
    if not fresh:
        return "unknown_key"
    return "" if _fits(code, fresh) else "bad_signature"


def _fits(code: Code, keys: tuple[str, ...]) -> bool:
    for hex_ in keys:
        try:
            _verify(hex_, code.signature, code.signed)
        except InvalidSignature:
            continue
        return True
    return False


@lru_cache(maxsize=32_768)
def _verify(public_hex: str, signature: bytes, signed: bytes) -> None:
    """Raises InvalidSignature. A badge passes several times a day and its signature stays good, so that is remembered; a bad
    one is not, and pushes nothing out."""
    _public(public_hex).verify(signature, signed)


# -- the life of a key -----------------------------------------------------------------------------------------------


class NotPossible(Exception):
    """The key's state does not allow this. ``code``: waiting (one is being introduced), full, state, none."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def list_keys(show_id: int) -> list[SigningKey]:
    """All keys of a show, newest first."""
    return list(
        db.session.scalars(select(SigningKey).where(SigningKey.show_id == show_id).order_by(SigningKey.kid.desc()))
    )


def find_key(show_id: int, kid: int) -> SigningKey | None:
    return db.session.scalar(select(SigningKey).where(SigningKey.show_id == show_id, SigningKey.kid == kid))


def fingerprint(public_hex: str) -> str:
    """What two people compare aloud: 16 hex digits of the key's SHA-256, in fours."""
    digits = hashlib.sha256(bytes.fromhex(public_hex)).hexdigest()[:16]
    return " ".join(digits[i : i + 4] for i in range(0, 16, 4))


def published(show_id: int) -> list[dict[str, Any]]:
    """What devices are given: public keys, and the ids of those that nobody may trust any more. The next key is only verified."""
    found = db.session.execute(
        select(SigningKey.kid, SigningKey.public_hex, SigningKey.state)
        .where(SigningKey.show_id == show_id, SigningKey.state != "retired")
        .order_by(SigningKey.kid)
    )
    return [
        {"kid": kid, "public_hex": public_hex, "state": "verify" if state == "next" else state}
        for kid, public_hex, state in found
    ]


def introduce(show_id: int) -> SigningKey:
    """Publish the next key: devices learn it, nothing is signed with it yet. Raises NotPossible("waiting" | "full")."""
    states = [k.state for k in list_keys(show_id)]
    if "next" in states:
        raise NotPossible("waiting")
    if sum(s in PUBLISHED for s in states) >= MOST_PUBLISHED:
        raise NotPossible("full")
    made = _make(show_id, "next")
    if made is None:
        raise NotPossible("waiting")
    return made


def late_devices(show_id: int, kid: int) -> list[Device]:
    """Paired devices of the show's running editions that have not said yet that they hold this key."""
    found = db.session.scalars(
        select(Device)
        .join(Edition, Edition.id == Device.edition_id)
        .where(
            Edition.show_id == show_id,
            Edition.state.in_(["open", "live"]),
            Device.profile.in_(["gate", "gate_kiosk"]),
            Device.token_hash.is_not(None),
            Device.revoked_at.is_(None),
        )
        .order_by(Device.name)
    )
    return [d for d in found if kid not in (d.key_ids or [])]


def activate(key: SigningKey) -> None:
    """Sign with the key that was introduced; the old one only verifies from now on. Devices that do not know it are recorded."""
    _lock(key)
    if key.state != "next":
        raise NotPossible("state")
    late = [d.name for d in late_devices(key.show_id, key.kid)]
    for other in list_keys(key.show_id):
        if other.state == "active":
            _set(other, "verify")
    _set(key, "active", changes={"late": late} if late else {})


def retire(key: SigningKey, reason: str = "") -> None:
    """Codes of this key are refused from now on, everywhere. For keys that verify only, and compromised ones."""
    _lock(key)
    if key.state not in {"verify", "compromised", "next"}:
        raise NotPossible("state")
    _set(key, "retired", reason)


def compromise(key: SigningKey, reason: str) -> SigningKey:
    """Nobody may trust this key: it goes on the deny list, and another key signs. Returns the key that signs now."""
    _lock(key)
    if key.state in {"retired", "compromised"}:
        raise NotPossible("state")
    signed = key.state == "active"
    _set(key, "compromised", reason)
    if signed:
        waiting = next((k for k in list_keys(key.show_id) if k.state == "next"), None)
        if waiting is not None:
            _set(waiting, "active", reason)
    return ensure_key(key.show_id)


def tell_devices(show_id: int) -> None:
    """Every edition of the show hears of its keys with its next version."""
    for edition_id in db.session.scalars(
        select(BadgeSetup.edition_id)
        .join(Edition, Edition.id == BadgeSetup.edition_id)
        .where(Edition.show_id == show_id, Edition.state.in_(["open", "live"]))
    ):
        feed.changed(edition_id)


def _lock(key: SigningKey) -> None:
    db.session.refresh(key, with_for_update=True)


def _set(key: SigningKey, state: str, reason: str = "", changes: dict[str, Any] | None = None) -> None:
    before, key.state = key.state, state
    key.state_reason = text.clean(reason, limit=300)
    key.changed_at = clock.now()
    db.session.flush()
    _known.clear()
    audit.record(
        f"signing_key.{_VERBS[state]}",
        "signing_key",
        key.id,
        changes={"kid": key.kid, "state": [before, state], **(changes or {})},
        reason=reason,
    )
    tell_devices(key.show_id)


_VERBS = {"active": "activate", "verify": "step_down", "retired": "retire", "compromised": "compromise"}


def count_prints(edition_id: int) -> dict[int, int]:
    """Key id → how many valid badges of the edition carry a print that it signed."""
    rows = db.session.execute(
        select(Badge.key_id, func.count())
        .where(Badge.edition_id == edition_id, Badge.key_id.is_not(None), Badge.state == "active")
        .group_by(Badge.key_id)
    )
    return {kid: count for kid, count in rows if kid is not None}
