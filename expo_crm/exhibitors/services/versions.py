"""Versions of a contract: what it said from one moment on, who accepted it, the signed copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain.contract import ContractRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Contract, ContractVersion
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock, ids, text

SIGNED_LIMIT = 20 * 1024 * 1024
MAGIC = {"application/pdf": (b"%PDF-", ".pdf"), "image/png": (b"\x89PNG\r\n\x1a\n", ".png"), "image/jpeg": (b"\xff\xd8\xff", ".jpg")}


def first(contract: Contract) -> ContractVersion:
    """Version 1 of a contract that was just drafted."""
    return _add(contract, 1, "first", "")


def next_version(contract: Contract, kind: str, reason: str) -> ContractVersion:
    """Freeze the contract as it is now; the version before is ``amended``."""
    before = current(contract)
    before.state = "amended"
    return _add(contract, before.number + 1, kind, reason)


def refresh(contract: Contract) -> None:
    """A draft changed: its version follows as long as it was neither sent nor accepted."""
    here = current(contract)
    _freeze(contract, here)
    here.pdf_hash = ""
    db.session.flush()


def close(contract: Contract) -> None:
    """The contract is cancelled and its last version with it."""
    current(contract).state = "cancelled"
    db.session.flush()


def list_of(contract_id: int) -> list[ContractVersion]:
    """Newest first."""
    return list(
        db.session.scalars(
            select(ContractVersion).where(ContractVersion.contract_id == contract_id).order_by(ContractVersion.number.desc())
        )
    )


def find(contract_id: int, number: int) -> ContractVersion | None:
    return db.session.scalar(
        select(ContractVersion).where(ContractVersion.contract_id == contract_id, ContractVersion.number == number)
    )


def current(contract: Contract) -> ContractVersion:
    """The newest version; contracts from before there were versions get their first one here."""
    found = db.session.scalar(
        select(ContractVersion).where(ContractVersion.contract_id == contract.id).order_by(ContractVersion.number.desc()).limit(1)
    )
    if found is None:
        found = first(contract)
        found.created_at = contract.created_at
        db.session.flush()
    return found


def accept(version: ContractVersion, name: str, user_id: int | None) -> None:
    """Somebody of the exhibitor accepted this version in the portal. Raises RuleRefused."""
    name = text.clean(name, limit=200)
    if text.is_blank(name):
        raise RuleRefused(ContractRefusal.NEEDS_NAME)
    if version.accepted_at is not None or version.state != "current":
        raise RuleRefused(ContractRefusal.ALREADY_ACCEPTED)
    version.accepted_at, version.accepted_name, version.accepted_by = clock.now(), name, user_id
    db.session.flush()
    audit.record(
        "contract.accept",
        "contract",
        version.contract_id,
        edition_id=version.contract.edition_id,
        changes={"version": version.number, "name": name, "text": version.contract.text_version, "pdf": version.pdf_hash[:16]},
    )


def keep_file(version: ContractVersion, data: bytes) -> None:
    """Keep the PDF that goes to the exhibitor, under its own hash."""
    version.pdf_hash = hashlib.sha256(data).hexdigest()
    path = _folder() / f"{version.pdf_hash}.pdf"
    if not path.exists():
        path.write_bytes(data)
    db.session.flush()


def kept_file(version: ContractVersion) -> bytes | None:
    """The PDF as it went out; None when none was kept or the file is no longer what it was."""
    path = _folder() / f"{version.pdf_hash}.pdf"
    if not version.pdf_hash or not path.is_file():
        return None
    data = path.read_bytes()
    return data if hashlib.sha256(data).hexdigest() == version.pdf_hash else None


def keep_signed(version: ContractVersion, filename: str, data: bytes) -> None:
    """The signed copy: PDF, JPEG or PNG by its first bytes, at most 20 MB, under a generated name. Raises RuleRefused."""
    if not data or len(data) > SIGNED_LIMIT:
        raise RuleRefused(ContractRefusal.FILE_SIZE)
    found = next(((kind, suffix) for kind, (magic, suffix) in MAGIC.items() if data.startswith(magic)), None)
    if found is None:
        raise RuleRefused(ContractRefusal.FILE_KIND)
    kind, suffix = found
    name = ids.new_token() + suffix
    (_folder() / name).write_bytes(data)
    version.signed_file, version.signed_type = name, kind
    version.signed_name = text.clean(filename.replace("\\", "/").rpartition("/")[2], limit=200)
    version.signed_hash = hashlib.sha256(data).hexdigest()
    db.session.flush()
    audit.record(
        "contract.signed_copy",
        "contract",
        version.contract_id,
        edition_id=version.contract.edition_id,
        changes={"version": version.number, "file": version.signed_name, "sha256": version.signed_hash[:16]},
    )


def signed_file(version: ContractVersion) -> bytes | None:
    path = _folder() / version.signed_file
    return path.read_bytes() if version.signed_file and path.is_file() else None


def _folder() -> Path:
    path = Path(current_app.instance_path) / "contracts"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _add(contract: Contract, number: int, kind: str, reason: str) -> ContractVersion:
    version = ContractVersion(
        contract_id=contract.id,
        number=number,
        kind=kind,
        reason=reason[:300],
        created_by=actor_id(),
        created_at=clock.now(),
    )
    _freeze(contract, version)
    version.contract = contract
    db.session.add(version)
    db.session.flush()
    return version


def _freeze(contract: Contract, version: ContractVersion) -> None:
    version.text_id = contract.text_id
    version.net_m2, version.net, version.tax, version.total = contract.net_m2, contract.net, contract.tax, contract.total
    version.lines = [
        {
            "text_zh": line.text_zh,
            "text_en": line.text_en,
            "quantity": str(line.quantity),
            "unit_price": str(line.unit_price),
            "amount": str(line.amount),
        }
        for line in sorted(contract.lines, key=lambda one: one.position)
    ]


def count_of_text(text_id: int) -> int:
    """Contracts and versions that were made with this text."""
    contracts = db.session.scalar(select(func.count()).where(Contract.text_id == text_id)) or 0
    return contracts + (db.session.scalar(select(func.count()).where(ContractVersion.text_id == text_id)) or 0)
