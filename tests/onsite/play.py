"""A gate of the cast's edition with a paired device, and visitors with badges."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

from expo_crm.directory.models import Person
from expo_crm.lib import clock, text
from expo_crm.onsite.models import Gate
from expo_crm.onsite.services import badges, devices, zones
from expo_crm.visitors.models import Registration
from tests.support.cast import play


def stage(session: Any, **gate: Any) -> SimpleNamespace:
    """The cast with a gate that is open at any time, a paired device and one visitor with a printed badge."""
    cast = play(session)
    cast.gate = add_gate(session, cast, **gate)
    cast.device, cast.token = add_device(session, cast, cast.gate)
    cast.registration = register(session, cast, "林晓", "禾川泵业")
    cast.badge = badges.issue_badge(cast.registration)
    cast.badge.printed_at = clock.now()
    session.flush()
    cast.code = badges.code_of(cast.badge)
    session.commit()
    return cast


def add_gate(session: Any, cast: SimpleNamespace, code: str = "N1", **others: Any) -> Gate:
    """A gate that is open at any time; ``anti_passback`` and the like are those of its zone."""
    of_zone = {name: others.pop(name) for name in zones.FIELDS if name in others and name not in {"classes", "name_zh", "name_en"}}
    values: dict[str, Any] = {"name_zh": "北入口", "name_en": "North gate", "any_time": True, **others}
    gate = Gate(edition_id=cast.edition.id, code=code, **values)
    session.add(gate)
    session.flush()
    zones.update_zone(zones.ensure_zone(cast.edition.id, gate.zone), **of_zone)
    return gate


def add_device(session: Any, cast: SimpleNamespace, gate: Gate, profile: str = "gate") -> tuple[Any, str]:
    _device, pairing = devices.create_device(cast.edition, gate, f"iPad {gate.code}", profile)
    paired = devices.pair(pairing)
    assert paired is not None
    session.commit()
    return paired


def register(session: Any, cast: SimpleNamespace, name: str, company: str = "", **others: Any) -> Registration:
    now = clock.now()
    person = Person(name=name, sort_key=text.pinyin(name)[0], created_at=now, updated_at=now)
    session.add(person)
    session.flush()
    number = session.query(Registration).count() + 1
    values: dict[str, Any] = {"class_id": cast.class_trade.id, "state": "approved", **others}
    found = Registration(
        edition_id=cast.edition.id, number=number, person_id=person.id, name=name, company_name=company,
        sort_key=text.pinyin(name)[0] or text.fold(name), search_key=text.search_key(name, company), submitted_at=now, **values,
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def send(client: Any, token: str, code: str, **others: Any) -> Any:
    """One scan as a device sends it."""
    body = {"client_uuid": str(uuid.uuid4()), "code": code, **others}
    return client.post("/api/gate/scan", json=body, headers={"Authorization": f"Bearer {token}"}, csrf=False)


def upload(client: Any, token: str, items: list[Any]) -> Any:
    return client.post(
        "/api/gate/scans", json={"scans": items}, headers={"Authorization": f"Bearer {token}"}, csrf=False
    )


def scan_of(code: str, **others: Any) -> dict[str, Any]:
    return {"client_uuid": str(uuid.uuid4()), "code": code, **others}
