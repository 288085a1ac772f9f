"""What exhibitors do before the show, and how the organizer sets deadlines, decides and chases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import current_app, has_request_context
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks as queries
from expo_crm.exhibitors.domain.drawing import media_type
from expo_crm.exhibitors.domain.portal import (
    EntryMode,
    Rule,
    Task,
    TaskKey,
    TaskState,
    entry_mode,
    may_open,
    reminder_step,
)
from expo_crm.exhibitors.models import (
    BuildApproval,
    BuildDrawing,
    BuildRemark,
    EntryChange,
    Fascia,
    PortalRules,
    PortalTaskKind,
    PortalWaiver,
    TaskReminder,
)
from expo_crm.exhibitors.services import portal, portal_hooks
from expo_crm.exhibitors.task_labels import TITLES
from expo_crm.lib import clock, text
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition
from expo_crm.web.policy import current_principal

FASCIA_ZH, FASCIA_EN = 20, 40
PAGE_OF: dict[TaskKey, str] = {
    TaskKey.CONTRACT: "portal_contract",
    TaskKey.DEPOSIT: "portal_money",
    TaskKey.BALANCE: "portal_money",
    TaskKey.ENTRY: "portal_entry",
    TaskKey.OFFERS: "portal_entry",
    TaskKey.FASCIA: "portal_fascia",
    TaskKey.BUILD: "portal_build",
    TaskKey.SERVICES: "portal_services",
    TaskKey.BADGES: "portal_badges",
    TaskKey.INVITE: "portal_invitation",
}


class TaskRefused(ValueError):
    """A rule says no. ``code``: "quota", or a key of ``task_labels.REFUSALS``."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def who() -> int | None:
    """The signed-in person, staff or exhibitor."""
    return current_principal().id if has_request_context() else None


def today_at(edition: Edition) -> dt.date:
    return clock.local_day(clock.now(), edition.timezone)


# --- rules of the edition -----------------------------------------------------------------------------------------------


def ensure_rules(edition: Edition) -> PortalRules:
    found = queries.find_rules(edition.id)
    if found is None:
        found = PortalRules(edition_id=edition.id, badges=3, badge_m2=Decimal(9))
        db.session.add(found)
        db.session.flush()
    return found


def save_rules(
    edition: Edition,
    tasks: Mapping[TaskKey, Rule],
    *,
    badges: int,
    badge_m2: Decimal,
    published_on: dt.date | None,
    freeze_on: dt.date | None,
) -> None:
    """Deadlines, badge quota, publication and freeze of the directory."""
    rules = ensure_rules(edition)
    values = {"badges": badges, "badge_m2": badge_m2, "published_on": published_on, "freeze_on": freeze_on}
    moved = audit.diff({name: getattr(rules, name) for name in values}, values)
    for name, value in values.items():
        setattr(rules, name, value)
    known = {k.key: k for k in db.session.scalars(select(PortalTaskKind).where(PortalTaskKind.edition_id == edition.id))}
    before = queries.task_rules(edition)
    for key, rule in tasks.items():
        if before.get(key) != rule:
            moved[f"task.{key}"] = [str(before[key].due_on), str(rule.due_on) if rule.active else None]
        row = known.get(key)
        if row is None:
            db.session.add(PortalTaskKind(edition_id=edition.id, key=key, due_on=rule.due_on, active=rule.active))
        else:
            row.due_on, row.active = rule.due_on, rule.active
    db.session.flush()
    if moved:
        audit.record("portal.rules", "edition", edition.id, edition_id=edition.id, changes=moved)


def clone_rules(previous: Edition, edition: Edition) -> None:
    """The rules of the last edition for the next one, every day as far before its opening as it was."""
    shift = edition.starts_on - previous.starts_on
    for old in db.session.scalars(select(PortalTaskKind).where(PortalTaskKind.edition_id == previous.id)):
        db.session.add(
            PortalTaskKind(edition_id=edition.id, key=old.key, due_on=old.due_on + shift, active=old.active)
        )
    rules = queries.find_rules(previous.id)
    if rules is not None:
        db.session.add(
            PortalRules(
                edition_id=edition.id,
                badges=rules.badges,
                badge_m2=rules.badge_m2,
                published_on=rules.published_on + shift if rules.published_on else None,
                freeze_on=rules.freeze_on + shift if rules.freeze_on else None,
            )
        )
    db.session.flush()


# --- fascia, services, badges -------------------------------------------------------------------------------------------


def save_fascia(participation: Participation, zh: str, en: str, *, organizer: bool = False) -> Fascia:
    """The name on the fascia. After the deadline only the organizer changes it. Raises TaskRefused."""
    edition = participation.edition
    zh, en = text.clean(zh), text.clean(en)
    if text.is_blank(zh + en):
        raise TaskRefused("fascia-empty")
    if len(zh) > FASCIA_ZH or len(en) > FASCIA_EN:
        raise TaskRefused("fascia-long")
    if not organizer and today_at(edition) > queries.task_rules(edition)[TaskKey.FASCIA].due_on:
        raise TaskRefused("closed")
    found = queries.find_fascia(participation.id)
    if found is None:
        found = Fascia(participation_id=participation.id, saved_at=clock.now())
        db.session.add(found)
    moved = audit.diff({"zh": found.text_zh or "", "en": found.text_en or ""}, {"zh": zh, "en": en})
    found.text_zh, found.text_en, found.saved_by, found.saved_at = zh, en, who(), clock.now()
    db.session.flush()
    if moved:
        audit.record("fascia.save", "participation", participation.id, edition_id=edition.id, changes=moved)
    return found


def set_waiver(participation: Participation, key: TaskKey, waived: bool) -> None:
    """The exhibitor needs nothing of this kind, or thinks again."""
    there = select(PortalWaiver.id).where(PortalWaiver.participation_id == participation.id, PortalWaiver.key == key)
    if (db.session.scalar(there) is not None) == waived:
        return
    if waived:
        db.session.add(
            PortalWaiver(participation_id=participation.id, key=key, said_by=who(), said_at=clock.now())
        )
    else:
        db.session.execute(
            delete(PortalWaiver).where(PortalWaiver.participation_id == participation.id, PortalWaiver.key == key)
        )
    db.session.flush()
    audit.record(
        "portal.waiver", "participation", participation.id, edition_id=participation.edition_id,
        changes={str(key): [not waived, waived]},
    )  # fmt: skip


def quota_of(participation: Participation) -> int:
    return queries.facts_of(participation.edition, [participation])[participation.id].quota


def add_badges(participation: Participation, names: Sequence[str]) -> int:
    """Badges for these people on the stand. All or none within the quota. Raises TaskRefused("blank", "quota")."""
    wanted = [n for n in (text.clean(name, limit=100) for name in names) if not text.is_blank(n)]
    if not wanted:
        raise TaskRefused("blank")
    # Two colleagues who press the button at once are taken one after the other.
    db.session.execute(select(Participation.id).where(Participation.id == participation.id).with_for_update())
    quota, used = quota_of(participation), len(portal_hooks.list_badges(participation.id))
    if used + len(wanted) > quota:
        raise TaskRefused("quota", left=max(0, quota - used), wanted=len(wanted))
    for name in wanted:
        portal_hooks.issue_badge(participation, name)
    return len(wanted)


# --- stand-build approval -----------------------------------------------------------------------------------------------


def submit_drawing(participation: Participation, filename: str, data: bytes, remark: str) -> BuildApproval:
    """A new version of the drawings, which is to be looked at. Raises DrawingRefused, TaskRefused("approved")."""
    kind = media_type(data)
    found = queries.find_approval(participation.id)
    if found is None:
        found = BuildApproval(participation_id=participation.id, number=0, state="submitted", changed_at=clock.now())
        db.session.add(found)
        db.session.flush()
    elif found.state == "approved":
        raise TaskRefused("approved")
    found.number += 1
    found.state, found.changed_at = "submitted", clock.now()
    db.session.add(
        BuildDrawing(
            approval_id=found.id,
            number=found.number,
            filename=text.clean(filename, limit=200) or f"{found.number}",
            media_type=kind,
            size=len(data),
            data=data,
            uploaded_by=who(),
            uploaded_at=clock.now(),
        )
    )
    _remark(found, "exhibitor", remark, "submitted")
    db.session.flush()
    db.session.expire(found, ["drawings", "remarks"])
    audit.record(
        "build.submit", "participation", participation.id, edition_id=participation.edition_id,
        changes={"drawing": [None, found.number]},
    )  # fmt: skip
    return found


def _remark(approval: BuildApproval, side: str, words: str, state: str) -> None:
    db.session.add(
        BuildRemark(
            approval_id=approval.id,
            number=approval.number,
            side=side,
            state=state,
            text=text.clean(words, multiline=True, limit=4000),
            user_id=who(),
            at=clock.now(),
        )
    )


def say(approval: BuildApproval, side: str, words: str) -> None:
    """A remark that changes no state. Raises TaskRefused("blank")."""
    if text.is_blank(words):
        raise TaskRefused("blank")
    _remark(approval, side, words, "")
    db.session.flush()
    db.session.expire(approval, ["remarks"])


def decide_build(approval: BuildApproval, decision: str, words: str, *, number: int) -> None:
    """approved | changes. ``number`` is the drawing that was looked at. Raises TaskRefused("stale", "blank")."""
    if number != approval.number:
        raise TaskRefused("stale")
    if decision == "changes" and text.is_blank(words):
        raise TaskRefused("blank")
    before, approval.state, approval.changed_at = approval.state, decision, clock.now()
    _remark(approval, "organizer", words, decision)
    db.session.flush()
    db.session.expire(approval, ["remarks"])
    participation = approval.participation
    audit.record(
        "build.decide", "participation", participation.id, edition_id=participation.edition_id,
        changes={"state": [before, decision], "drawing": number},
    )  # fmt: skip
    tell(participation, "exhibitors_build_decided", {"approved": decision == "approved", "remark": words}, "portal_build")


def tell(participation: Participation, template: str, context: Mapping[str, Any], page: str) -> int:
    """One mail to each account that may open the page, in its language."""
    sent = 0
    for email, name, locale, role in queries.recipients_of([participation])[participation.id]:
        if may_open(role, f"exhibitors.{page}"):
            mail.queue(
                template,
                to_email=email,
                to_name=name,
                locale=locale,
                context={
                    "name": name,
                    "company": participation.company,
                    "edition": participation.edition,
                    "link": _link(participation, page),
                    **context,
                },
                edition_id=participation.edition_id,
                company_id=participation.company_id,
            )
            sent += 1
    return sent


def _link(participation: Participation, page: str = "") -> str:
    base: str = current_app.config["SETTINGS"].base_url
    tail = page.removeprefix("portal_").replace("money", "invoices") if page else ""
    return f"{base}/portal/{participation.id}" + (f"/{tail}" if tail else "")


# --- change review of the directory entry -------------------------------------------------------------------------------


def mode_of(edition: Edition) -> EntryMode:
    rules = queries.find_rules(edition.id)
    return entry_mode(
        today_at(edition), rules.published_on if rules else None, rules.freeze_on if rules else None
    )


def entry_state(participation: Participation) -> dict[str, Any]:
    """The entry as it stands, as a change request keeps it: texts, brands, category ids."""
    entry = portal.get_entry(participation)
    return {
        **{name: getattr(entry, name) for name in portal.ENTRY_FIELDS},
        "brands": list(entry.brands),
        "categories": sorted(portal_hooks.offers_of(participation.id)),
    }


def edit_entry(participation: Participation, values: Mapping[str, str], brands: list[str], categories: list[int]) -> str:
    """Save the exhibitor's edit, or put it before the organizer. Returns "saved" or "asked". Raises TaskRefused."""
    mode = mode_of(participation.edition)
    if mode is EntryMode.FROZEN:
        raise TaskRefused("frozen")
    if mode is EntryMode.OPEN:
        portal.save_entry(participation, values, brands, categories)
        return "saved"
    before = entry_state(participation)
    after = {
        **{name: portal.clean_field(name, values.get(name, "")) for name in portal.ENTRY_FIELDS},
        "brands": brands[:30],
        "categories": sorted(categories),
    }
    if before == after:
        raise TaskRefused("nothing-changed")
    found = queries.find_open_change(participation.id)
    if found is None:
        found = EntryChange(participation_id=participation.id, asked_at=clock.now(), before=before, after=after)
        try:
            with db.session.begin_nested():
                db.session.add(found)
                db.session.flush()
        except IntegrityError:  # asked in another tab at the same moment
            raise TaskRefused("stale") from None
    found.before, found.after, found.asked_by, found.asked_at = before, after, who(), clock.now()
    db.session.flush()
    audit.record("entry.ask", "participation", participation.id, edition_id=participation.edition_id)
    return "asked"


def withdraw_change(change: EntryChange) -> None:
    if change.state == "open":
        change.state, change.decided_at, change.decided_by = "withdrawn", clock.now(), who()
        db.session.flush()
        audit.record("entry.withdraw", "participation", change.participation_id)


def decide_change(change: EntryChange, decision: str, remark: str, *, version: int) -> None:
    """approved | refused, for the version that was looked at. A refusal needs a remark. Raises TaskRefused."""
    if change.state != "open" or change.version != version:
        raise TaskRefused("stale")
    if decision == "refused" and text.is_blank(remark):
        raise TaskRefused("blank")
    participation = change.participation
    if decision == "approved":
        after = change.after
        portal.save_entry(
            participation,
            {name: after.get(name, "") for name in portal.ENTRY_FIELDS},
            list(after.get("brands", [])),
            [int(c) for c in after.get("categories", [])],
        )
    change.state, change.remark = decision, text.clean(remark, multiline=True, limit=2000)
    change.decided_by, change.decided_at = who(), clock.now()
    db.session.flush()
    audit.record(
        f"entry.{decision}", "participation", participation.id, edition_id=participation.edition_id, reason=remark
    )
    tell(
        participation, "exhibitors_entry_decided", {"approved": decision == "approved", "remark": change.remark}, "portal_entry"
    )


def count_open_changes(edition_id: int) -> int:
    return db.session.scalar(select(open_changes(edition_id))) or 0


def open_changes(edition_id: Any, _ago: Any = None) -> Any:
    """How many changes of entries nobody has decided yet, as an expression."""
    return (
        select(func.count())
        .select_from(EntryChange)
        .join(Participation, Participation.id == EntryChange.participation_id)
        .where(Participation.edition_id == edition_id, EntryChange.state == "open")
        .scalar_subquery()
    )


# --- reminders ----------------------------------------------------------------------------------------------------------


def remind_all(now: dt.datetime | None = None) -> int:
    """The daily round over the editions ahead: each task once per step. Returns how many mails were written."""
    now = now or clock.now()
    sent = 0
    for edition in db.session.scalars(select(Edition).where(Edition.state.in_(("planning", "open", "live")))):
        today = clock.local_day(now, edition.timezone)
        if today > edition.ends_on:
            continue
        people = queries.list_participations(edition.id)
        tasks = queries.tasks_by_exhibitor(edition, people)
        there = queries.sent_steps([p.id for p in people])
        due: dict[int, list[tuple[Task, str]]] = {}
        for p in people:
            steps = [(t, reminder_step(t, today)) for t in tasks[p.id]]
            new = [(t, str(s)) for t, s in steps if s is not None and (p.id, t.key, str(s), t.due) not in there]
            if new:
                due[p.id] = new
        sent += _remind([p for p in people if p.id in due], due, now)
    return sent


def chase(edition: Edition, participation_ids: Sequence[int], key: TaskKey | None = None) -> tuple[int, int]:
    """One mail to each chosen exhibitor about what it is late with (``key``: this task alone).

    Returns (exhibitors written to, exhibitors with nothing open or nobody to write to). Once a day for each exhibitor and task.
    """
    now = clock.now()
    people = queries.list_participations(edition.id, participation_ids)
    tasks = queries.tasks_by_exhibitor(edition, people)
    step = f"chase {clock.local_day(now, edition.timezone)}"
    there = queries.sent_steps([p.id for p in people])
    due: dict[int, list[tuple[Task, str]]] = {}
    for p in people:
        wanted = [t for t in tasks[p.id] if t.state is not TaskState.DONE and t.due and key in {None, t.key}]
        late = [t for t in wanted if t.state is TaskState.OVERDUE] or wanted[:3]
        new = [(t, step) for t in late if (p.id, t.key, step, t.due) not in there]
        if new:
            due[p.id] = new
    reached = {pid for pid, to in queries.recipients_of(people).items() if to}
    _remind([p for p in people if p.id in due], due, now)
    done = len(reached & set(due))
    audit.record(
        "portal.chase", "edition", edition.id, edition_id=edition.id, changes={"exhibitors": done, "task": key}
    )
    return done, len(set(participation_ids)) - done


def _remind(people: Sequence[Participation], due: Mapping[int, list[tuple[Task, str]]], now: dt.datetime) -> int:
    """Write the mails and note every step. One mail per account, with the tasks that it may work on."""
    sent = 0
    to = queries.recipients_of(people)
    for p in people:
        written = False
        for email, name, locale, role in to[p.id]:
            mine = [t for t, _step in due[p.id] if may_open(role, f"exhibitors.{PAGE_OF[t.key]}")]
            if not mine:
                continue
            mail.queue(
                "exhibitors_tasks",
                to_email=email,
                to_name=name,
                locale=locale,
                context={
                    "name": name,
                    "company": p.company,
                    "edition": p.edition,
                    "link": _link(p),
                    "late": any(t.state is TaskState.OVERDUE for t in mine),
                    "tasks": [
                        {
                            "title": TITLES[t.key],
                            "due": t.due,
                            "late": t.state is TaskState.OVERDUE,
                            "link": _link(p, PAGE_OF[t.key]),
                        }
                        for t in mine
                    ],
                },
                edition_id=p.edition_id,
                company_id=p.company_id,
            )
            sent, written = sent + 1, True
        if written:
            db.session.add_all(
                TaskReminder(participation_id=p.id, key=t.key, step=step, due_on=t.due, sent_at=now)
                for t, step in due[p.id]
            )
    db.session.flush()
    return sent
