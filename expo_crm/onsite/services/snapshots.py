"""What a device must have to decide without a network: a snapshot of all badges, and what changed since.

A snapshot is a signed manifest and immutable chunks of rows. It is written once per version, streamed from the database, into
the instance folder; a device that has an older one asks for the changes. No contact data leaves: a row is the hash of a serial,
the class, the state, the generation, flags, initials and a language.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.models import Badge, BadgeSetup, Device
from expo_crm.onsite.services import keys
from expo_crm.onsite.services.scans import initials
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass

log = logging.getLogger(__name__)

SIGNED = b"expo-crm snapshot v1\x00"  # goes before the manifest, so that a signature of it never fits a badge code
CHUNK_ROWS = 5_000
CHANGES_ROWS = 5_000
BEHIND = 2_000  # changed rows after which a new snapshot is made; below CHANGES_ROWS, so the changes always reach the newest
KEPT = 3  # snapshots that stay for devices in the middle of one
READ_AHEAD = 1_000
STATES = {"active": 0, "replaced": 1, "blocked": 2, "revoked": 3}
PRINTED, CANCELLED, PENDING = 1, 2, 4
HOLDS = {"": 0, "unpaid": 8, "need_input": 16}

Row = list[Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """How far an edition's feed is, and which feed it is: a database that was set up anew counts from one again."""

    version: int
    lineage: str


def feed_of(edition_id: int) -> Feed:
    """The newest version of an edition; 0 before its first badge."""
    row = db.session.execute(
        select(BadgeSetup.feed_version, BadgeSetup.lineage).where(BadgeSetup.edition_id == edition_id)
    ).first()
    return Feed(row[0], row[1]) if row else Feed(0, "")


# -- rows ------------------------------------------------------------------------------------------------------------

_ROWS = select(
    Badge.id,
    Badge.serial,
    Badge.class_id,
    Badge.state,
    Badge.generation,
    Badge.printed_at.is_not(None).label("printed"),
    Badge.hold,
    Badge.holder,
    Registration.state.label("registration_state"),
    Registration.locale,
    Badge.feed_version,
).outerjoin(Registration, Registration.id == Badge.registration_id)


def serial_hash(serial: str) -> str:
    """Under which a device knows a badge: the first 8 bytes of the SHA-256 of its serial, in hex."""
    return hashlib.sha256(bytes.fromhex(serial)).digest()[:8].hex()


def _row(badge: Any) -> Row:
    return [
        serial_hash(badge.serial),
        badge.class_id,
        STATES[badge.state],
        badge.generation,
        _flags(badge.printed, badge.registration_state) | HOLDS[badge.hold],
        initials(badge.holder),
        1 if badge.locale == "en" else 0,
    ]


def _flags(printed: bool, registration_state: str | None) -> int:
    """The same reading of a registration's state as in ``domain.admission``."""
    flags = PRINTED if printed else 0
    if registration_state in {"cancelled", "rejected"}:
        flags |= CANCELLED
    elif registration_state not in {"approved", "", None}:
        flags |= PENDING
    return flags


# -- the snapshot ----------------------------------------------------------------------------------------------------


def canonical(body: dict[str, Any]) -> bytes:
    """The bytes that are signed: JSON with sorted keys, without spaces, in UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def manifest(edition_id: int, show_id: int) -> dict[str, Any]:
    """The signed manifest of a snapshot that is at most BEHIND changes old, made when there is none.

    Keys and classes are those of now. Raises keys.KeyUnusable, OSError when the folder cannot be written.
    """
    kid, sign = keys.signer(show_id)
    feed = feed_of(edition_id)
    built = _latest(edition_id, feed)
    if built is None or _changed_since(edition_id, built["version"]) > BEHIND:
        built = build(edition_id)
    published = keys.published(show_id)
    body = {
        "version": built["version"],
        "lineage": built["lineage"],
        "made_at": built["made_at"],
        "edition_id": edition_id,
        "count": built["count"],
        "chunks": [
            {"url": f"/api/gate/snapshot/{built['version']}/{n}", **{k: c[k] for k in ("sha256", "bytes", "count")}}
            for n, c in enumerate(built["chunks"])
        ],
        "sha256": built["sha256"],
        "keys": published,
        "keys_id": keys_id(published),
        "classes": list_classes(edition_id),
        "kid": kid,
    }
    return body | {"signature": sign(SIGNED + canonical(body)).hex()}


def keys_id(published: list[dict[str, Any]]) -> str:
    """Tells one set of keys from another: a device whose set has another id asks for the manifest."""
    return hashlib.sha256(canonical({"keys": published})).hexdigest()[:16]


def list_classes(edition_id: int) -> list[dict[str, Any]]:
    """The classes that ``class_index`` of a row names."""
    found = db.session.scalars(
        select(VisitorClass).where(VisitorClass.edition_id == edition_id).order_by(VisitorClass.position)
    )
    return [{"index": c.id, "code": c.code, "zh": c.name_zh, "en": c.name_en, "colour": c.colour} for c in found]


def build(edition_id: int) -> dict[str, Any]:
    """Write a snapshot of the newest version, unless it is there. One process at a time; memory does not grow with the show."""
    home = _home(edition_id)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(home):
        feed = feed_of(edition_id)  # before the rows: they are then at least as new as the version says
        there = _latest(edition_id, feed)
        if there is not None and there["version"] == feed.version:
            return there
        place = home / f".{secrets.token_hex(6)}"
        place.mkdir(mode=0o700)
        try:
            made = _write(place, edition_id, feed)
            final = home / f"{feed.version}-{feed.lineage}"
            shutil.rmtree(final, ignore_errors=True)
            place.rename(final)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        _tidy(home, feed)
    return made


def _write(place: Path, edition_id: int, feed: Feed) -> dict[str, Any]:
    chunks: list[dict[str, Any]] = []
    for number, rows in enumerate(_in_chunks(_ROWS.where(Badge.edition_id == edition_id).order_by(Badge.id))):
        plain = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
        packed = gzip.compress(plain, 6, mtime=0)
        (place / f"{number}.json.gz").write_bytes(packed)
        chunks.append(
            {
                "sha256": hashlib.sha256(plain).hexdigest(),
                "bytes": len(plain),
                "count": len(rows),
                "packed": hashlib.sha256(packed).hexdigest(),
            }
        )
    made = {
        "version": feed.version,
        "lineage": feed.lineage,
        "made_at": clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "count": sum(c["count"] for c in chunks),
        "chunks": chunks,
        "sha256": hashlib.sha256("\n".join(c["sha256"] for c in chunks).encode()).hexdigest(),
    }
    (place / "manifest.json").write_text(json.dumps(made), encoding="utf-8")
    return made


def _in_chunks(query: Any) -> Iterator[list[Row]]:
    found = db.session.execute(query, execution_options={"yield_per": READ_AHEAD})
    rows: list[Row] = []
    for part in found.partitions():
        rows += map(_row, part)
        if len(rows) >= CHUNK_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def read_chunk(edition_id: int, version: int, number: int) -> bytes | None:
    """One chunk, compressed; None when there is none, or no longer. A damaged file is thrown away with its snapshot."""
    feed = feed_of(edition_id)
    place = _home(edition_id) / f"{version}-{feed.lineage}"
    try:
        chunks = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["chunks"]
    except (OSError, ValueError):
        return None
    if number >= len(chunks):
        return None
    try:
        packed = (place / f"{number}.json.gz").read_bytes()
    except OSError:
        packed = b""
    if hashlib.sha256(packed).hexdigest() == chunks[number]["packed"]:
        return packed
    log.error("snapshot %s of edition %s is damaged and is made again", version, edition_id)
    shutil.rmtree(place, ignore_errors=True)
    return None


def _home(edition_id: int) -> Path:
    return Path(current_app.instance_path) / "snapshots" / str(edition_id)


def _latest(edition_id: int, feed: Feed) -> dict[str, Any] | None:
    """The newest snapshot on disk of this feed."""
    home = _home(edition_id)
    names = [p.name for p in home.glob(f"*-{feed.lineage}")] if home.is_dir() and feed.lineage else []
    versions = [int(n.split("-")[0]) for n in names if n.split("-")[0].isdigit()]
    for version in sorted((v for v in versions if v <= feed.version), reverse=True):
        try:
            found = (home / f"{version}-{feed.lineage}" / "manifest.json").read_text(encoding="utf-8")
            return dict(json.loads(found))
        except (OSError, ValueError):
            continue
    return None


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with open(home / ".lock", "w", encoding="ascii") as file:
        os.chmod(home / ".lock", 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tidy(home: Path, feed: Feed) -> None:
    """Leave the newest few of this feed; what another feed or a killed process left goes too."""
    mine = {p for p in home.glob(f"*-{feed.lineage}") if p.name.split("-")[0].isdigit()}
    newest = sorted(mine, key=lambda p: int(p.name.split("-")[0]))[-KEPT:]
    for path in home.iterdir():
        if path.is_dir() and path not in newest:
            shutil.rmtree(path, ignore_errors=True)


def _changed_since(edition_id: int, version: int) -> int:
    some = (
        select(Badge.id)
        .where(Badge.edition_id == edition_id, Badge.feed_version > version)
        .limit(CHANGES_ROWS)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(some)) or 0


# -- changes ---------------------------------------------------------------------------------------------------------


def changes(edition_id: int, show_id: int, since: int, lineage: str = "") -> dict[str, Any]:
    """What changed after version ``since``. ``full``: take a new snapshot; ``more``: ask again from ``version`` on."""
    feed = feed_of(edition_id)
    published = keys.published(show_id)
    out: dict[str, Any] = {
        "version": feed.version,
        "lineage": feed.lineage,
        "rows": [],
        "full": False,
        "more": False,
        "keys_id": keys_id(published),
        "denied_kids": [k["kid"] for k in published if k["state"] == "compromised"],
    }
    if since > feed.version or (since == 0 and feed.version) or (lineage and lineage != feed.lineage):
        return out | {"full": True}
    found = db.session.execute(
        _ROWS.where(Badge.edition_id == edition_id, Badge.feed_version > since)
        .order_by(Badge.feed_version, Badge.id)
        .limit(CHANGES_ROWS + 1)
    ).all()
    if len(found) > CHANGES_ROWS:
        # A version is told whole or not at all: its rows came to be together.
        cut = found[CHANGES_ROWS].feed_version
        found = [r for r in found if r.feed_version < cut]
        if not found:
            return out | {"full": True}
        out |= {"version": found[-1].feed_version, "more": True}
    if found:
        out |= {"rows": [_row(r) for r in found], "classes": list_classes(edition_id)}
    return out


# -- keeping one ready -----------------------------------------------------------------------------------------------


def prepare_all() -> int:
    """Make snapshots ahead for the editions that have devices, so that none has to wait for one; returns how many."""
    made = 0
    editions = db.session.scalars(
        select(Edition.id).where(
            Edition.state.in_(["open", "live"]),
            Edition.id.in_(select(Device.edition_id).where(Device.token_hash.is_not(None))),
        )
    ).all()
    for edition_id in editions:
        built = _latest(edition_id, feed_of(edition_id))
        if built is None or _changed_since(edition_id, built["version"]) > BEHIND // 4:
            build(edition_id)
            made += 1
    return made
