"""Badges: issued once per registration, printed as often as needed, replaced, blocked, withdrawn. Printing is not entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock, ids, text
from expo_crm.onsite import queries
from expo_crm.onsite.domain.badge_code import Payload, Purpose, encode
from expo_crm.onsite.models import Badge
from expo_crm.onsite.services import badge_files, feed, keys, live, opaque
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass

ORDERS = ("name", "company", "class")
MAX_PRINT = 20_000  # in one file; more would not fit a printer's day
CHUNK = 500
LAST_GENERATION = 255


class NotPrintable(Exception):
    """The badge may not be printed now: it is blocked or withdrawn, or its registration does not stand."""


class NotPossible(Exception):
    """The badge's state does not allow this."""


# -- issuing ---------------------------------------------------------------------------------------------------------


def issue_badge(registration: Registration) -> Badge:
    """The badge of this registration, made when there is none, with name, company and class as registered now."""
    badge = find_current(registration.id)
    if badge is None:
        _insert([_values(registration)])
        feed.changed(registration.edition_id)
        badge = find_current(registration.id)
    assert badge is not None
    refresh(badge)
    return badge


def issue_staff_badge(participation: Participation, name: str) -> Badge:
    """A badge for a person on an exhibitor's stand. Raises LookupError when the edition has no class for exhibitors."""
    visitor_class = db.session.scalar(
        select(VisitorClass).where(
            VisitorClass.edition_id == participation.edition_id, VisitorClass.code == "exhibitor"
        )
    )
    if visitor_class is None:
        raise LookupError("no class 'exhibitor'")
    company = participation.company
    badge = Badge(
        edition_id=participation.edition_id,
        class_id=visitor_class.id,
        participation_id=participation.id,
        serial=ids.new_serial().hex(),
        holder=text.clean(name, limit=300),
        holder_company=company.name_zh or company.name_en,
        sort_key=_sort_key(name),
        issued_at=clock.now(),
    )
    db.session.add(badge)
    db.session.flush()
    feed.changed(badge.edition_id, badge.id)
    audit.record("badge.issue", "badge", badge.id, edition_id=badge.edition_id)
    return badge


def issue_all(edition_id: int, progress: Callable[[int, int], None] | None = None) -> int:
    """Badges for all approved registrations that have none; returns how many were made."""
    total, done = queries.count_without_badge(edition_id), 0
    while True:
        found = list(
            db.session.scalars(
                select(Registration)
                .where(
                    Registration.edition_id == edition_id,
                    Registration.state == "approved",
                    ~queries.has_badge(Registration.id),
                )
                .order_by(Registration.id)
                .limit(CHUNK)
            )
        )
        if not found:
            break
        _insert([_values(r) for r in found])
        done += len(found)
        db.session.expunge_all()
        if progress:
            progress(done, max(done, total))
    if done:
        feed.changed(edition_id)
        audit.record("badge.issue_all", "edition", edition_id, edition_id=edition_id, changes={"badges": done})
    return done


def _values(registration: Registration) -> dict[str, Any]:
    return {
        "edition_id": registration.edition_id,
        "class_id": registration.class_id,
        "registration_id": registration.id,
        "serial": ids.new_serial().hex(),
        "generation": 1,
        "state": "active",
        **_face_values(registration),
        "issued_at": clock.now(),
        "state_reason": "",
    }


def _face_values(registration: Registration) -> dict[str, Any]:
    return {
        "class_id": registration.class_id,
        "holder": registration.name,
        "holder_company": registration.company_name,
        "sort_key": (registration.sort_key or _sort_key(registration.name))[:300],
    }


def _sort_key(name: str) -> str:
    return (text.pinyin(name)[0] or text.fold(name))[:300]


def _insert(rows: list[dict[str, Any]]) -> None:
    """Whoever issues the same badge at the same moment, one is made."""
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    db.session.execute(insert(Badge).on_conflict_do_nothing(), rows)


def find_current(registration_id: int) -> Badge | None:
    """The badge of a registration that counts now, if it was issued."""
    return db.session.scalar(select(Badge).where(Badge.registration_id == registration_id, Badge.state != "replaced"))


def refresh(badge: Badge) -> None:
    """Take over what was corrected in the registration since the badge was made."""
    if badge.registration is None:
        return
    before = {k: getattr(badge, k) for k in ("class_id", "holder", "holder_company")}
    for key, value in _face_values(badge.registration).items():
        setattr(badge, key, value)
    changed = audit.diff(before, {k: getattr(badge, k) for k in before})
    if changed:
        feed.changed(badge.edition_id, badge.id)
        if "class_id" in changed:
            live.forget_hours_of(badge.edition_id, [badge.id])
        audit.record("badge.refresh", "badge", badge.id, edition_id=badge.edition_id, changes=changed)
    db.session.flush()


def refresh_registration(registration: Registration) -> None:
    """The same for a registration that was changed, when it has a badge. Gates decide by its class and by its state."""
    badge = find_current(registration.id)
    if badge is not None:
        feed.changed(badge.edition_id, badge.id)
        refresh(badge)


# -- codes -----------------------------------------------------------------------------------------------------------


def code_of(badge: Badge, purpose: Purpose = Purpose.BADGE) -> str:
    """The text of the badge's code. Raises keys.KeyUnusable."""
    return _coder([badge], badge.edition, purpose)(badge)


def ticket_code(registration: Registration) -> str:
    """What the confirmation mail carries: admits until the badge is printed, and finds the registration at the desk."""
    return code_of(issue_badge(registration), Purpose.TICKET)


def _coder(badges: Iterable[Badge], edition: Edition, purpose: Purpose) -> Callable[[Badge], str]:
    """What makes the codes of these badges, signed or opaque as the edition wants it."""
    if opaque.mode_of(edition.id) == "opaque":
        codes = opaque.codes_for(badges, purpose)
        return lambda badge: codes[badge.id]
    kid, sign = keys.signer(edition.show_id)
    return lambda badge: _code(badge, kid, sign, edition, purpose)


def _code(badge: Badge, kid: int, sign: Callable[[bytes], bytes], edition: Edition, purpose: Purpose) -> str:
    payload = Payload(
        kid=kid,
        purpose=purpose,
        edition_id=badge.edition_id,
        serial=bytes.fromhex(badge.serial),
        valid_from=edition.starts_on,
        valid_to=edition.ends_on,
        generation=badge.generation,
        class_bits=badge.class_id & 0xFFFF,
    )
    return encode(payload, sign)


# -- states ----------------------------------------------------------------------------------------------------------


def reprint(badge: Badge, reason: str) -> None:
    """The print in the field ends: its code is refused as replaced, the next print carries a new one.

    Raises NotPossible for a blocked or withdrawn badge, and after 254 reprints.
    """
    _lock(badge)
    if badge.state != "active" or badge.generation >= LAST_GENERATION:
        raise NotPossible(badge.state)
    badge.generation += 1
    badge.printed_at = None
    badge.state_reason = text.clean(reason, limit=300)
    badge.key_id = None
    feed.changed(badge.edition_id, badge.id)
    refresh(badge)
    audit.record(
        "badge.reprint",
        "badge",
        badge.id,
        edition_id=badge.edition_id,
        changes={"generation": [badge.generation - 1, badge.generation]},
        reason=reason,
    )
    db.session.flush()


def block(badge: Badge, reason: str) -> None:
    """Refused until somebody unblocks it."""
    _change(badge, "blocked", {"active"}, reason)


def unblock(badge: Badge, reason: str) -> None:
    _change(badge, "active", {"blocked"}, reason)


def revoke(badge: Badge, reason: str) -> None:
    """Withdrawn for good."""
    _change(badge, "revoked", {"active", "blocked"}, reason)


HOLDS = ("", "unpaid", "need_input")


def set_hold(badge: Badge, hold: str, reason: str) -> None:
    """Send the holder to the service desk first (unpaid, need_input), or no longer (empty). Raises ValueError for another word,
    NotPossible for a badge that is not valid."""
    if hold not in HOLDS:
        raise ValueError(f"no hold {hold!r}")
    _lock(badge)
    if hold and badge.state != "active":
        raise NotPossible(badge.state)
    if badge.state == "active":
        badge.state_reason = text.clean(reason, limit=300) if hold else ""
    before, badge.hold = badge.hold, hold
    if before == hold:
        return
    feed.changed(badge.edition_id, badge.id)
    db.session.flush()
    audit.record(
        "badge.hold", "badge", badge.id, edition_id=badge.edition_id, changes={"hold": [before, hold]}, reason=reason
    )


def _change(badge: Badge, state: str, allowed: set[str], reason: str) -> None:
    _lock(badge)
    if badge.state not in allowed:
        raise NotPossible(badge.state)
    before, badge.state = badge.state, state
    badge.state_reason = text.clean(reason, limit=300)
    feed.changed(badge.edition_id, badge.id)
    db.session.flush()
    audit.record(
        "badge.state", "badge", badge.id, edition_id=badge.edition_id, changes={"state": [before, state]}, reason=reason
    )


def _lock(badge: Badge) -> None:
    db.session.refresh(badge, with_for_update={"of": Badge}, attribute_names=["state", "generation", "printed_at"])


# -- printing --------------------------------------------------------------------------------------------------------


def print_one(badge: Badge, form: str = "pdf") -> bytes:
    """The file of one badge (pdf or zpl), noted as printed. Raises NotPrintable."""
    standing = badge.registration is None or badge.registration.state == "approved"
    if badge.state != "active" or not standing:
        raise NotPrintable(badge.state)
    refresh(badge)
    db.session.refresh(badge, ["visitor_class"])
    made = _render([badge], badge.edition, form=form)
    badge.printed_at = clock.now()
    badge.key_id = _key_id(badge.edition)
    feed.changed(badge.edition_id, badge.id)
    audit.record(
        "badge.print", "badge", badge.id, edition_id=badge.edition_id, changes={"generation": badge.generation}
    )
    db.session.flush()
    return made


def print_many(
    edition: Edition,
    badge_ids: Iterable[int],
    order: str = "name",
    progress: Callable[[int, int], None] | None = None,
    form: str = "pdf",
) -> tuple[bytes, int]:
    """(file, how many): those of ``badge_ids`` that may be printed, sorted, noted as printed. Raises NotPrintable when none may."""
    wanted = list(badge_ids)
    _refresh_many(edition.id)
    badges = _load(edition.id, wanted)
    if not badges:
        raise NotPrintable("none")
    badges.sort(key=_order(order))
    made = _render(badges, edition, progress, form)
    now, kid = clock.now(), _key_id(edition)
    for start in range(0, len(badges), CHUNK):
        db.session.execute(
            update(Badge)
            .where(Badge.id.in_([b.id for b in badges[start : start + CHUNK]]))
            .values(printed_at=now, key_id=kid)
            .execution_options(synchronize_session=False)
        )
    feed.changed(edition.id, *(b.id for b in badges))
    audit.record(
        "badge.print", "edition", edition.id, edition_id=edition.id, changes={"badges": len(badges), "order": order}
    )
    return made, len(badges)


def _key_id(edition: Edition) -> int | None:
    """Which key the prints of now depend on; opaque codes depend on none."""
    return None if opaque.mode_of(edition.id) == "opaque" else keys.signer(edition.show_id)[0]


def _load(edition_id: int, badge_ids: list[int]) -> list[Badge]:
    out: list[Badge] = []
    for start in range(0, len(badge_ids), CHUNK):
        part = badge_ids[start : start + CHUNK]
        out += db.session.scalars(
            select(Badge)
            .where(Badge.id.in_(part), Badge.id.in_(queries.printable(edition_id)))
            .options(
                joinedload(Badge.visitor_class),
                joinedload(Badge.registration).joinedload(Registration.person),
                joinedload(Badge.registration).joinedload(Registration.company),
            )
        )
    return out


def _refresh_many(edition_id: int) -> None:
    """Take corrected names, companies and classes over from the registrations, in one statement."""
    source = select(Registration.class_id, Registration.name, Registration.company_name, Registration.sort_key).where(
        Registration.id == Badge.registration_id
    )
    changed = source.where(
        (Registration.class_id != Badge.class_id)
        | (Registration.name != Badge.holder)
        | (Registration.company_name != Badge.holder_company)
    ).exists()

    def one(column: Any) -> Any:
        return select(column).where(Registration.id == Badge.registration_id).scalar_subquery()

    moved = db.session.scalars(
        update(Badge)
        .where(Badge.edition_id == edition_id, Badge.registration_id.is_not(None), changed)
        .returning(Badge.id)
        .values(
            class_id=one(Registration.class_id),
            holder=one(Registration.name),
            holder_company=one(Registration.company_name),
            sort_key=func.substr(one(Registration.sort_key), 1, 300),
        )
        .execution_options(synchronize_session=False)
    ).all()
    if moved:
        feed.changed(edition_id, *moved)
        live.forget_hours_of(edition_id, moved)


def _order(order: str) -> Callable[[Badge], Any]:
    spelled: dict[str, str] = {}

    def company(badge: Badge) -> str:
        name = badge.holder_company
        if name not in spelled:
            spelled[name] = _sort_key(name)
        return spelled[name]

    if order == "company":
        return lambda b: (company(b), b.sort_key, b.id)
    if order == "class":
        return lambda b: (b.visitor_class.position, b.visitor_class.id, b.sort_key, b.id)
    return lambda b: (b.sort_key, b.id)


def _render(
    badges: Sequence[Badge], edition: Edition, progress: Callable[[int, int], None] | None = None, form: str = "pdf"
) -> bytes:
    total = len(badges)
    report = (lambda done: progress(done, total)) if progress else None
    return badge_files.make(
        badges, _coder(badges, edition, Purpose.BADGE), edition, form=form, progress=report
    )
