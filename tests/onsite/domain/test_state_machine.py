"""Doors, devices and queues played against the pure core: whatever happens in whatever order, the counts follow from the set.

The core decides (``admission``) and projects (``presence``); the machine plays a server that adds what is newest step by step and
settles what comes late, and devices that decide offline by an old list with clocks that are wrong. The oracle knows nothing of
steps: it is a naive reading of the set of rows, each against all the others.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from expo_crm.onsite.domain.admission import Facts, Presence, Rules, decide, decide_badge
from expo_crm.onsite.domain.presence import AGREES, NOBODY, Row, State, advance, rule_text, settle
from expo_crm.onsite.domain.reasons import ADMITTED, DUPLICATES
from expo_crm.onsite.domain.scan_input import correct

START = dt.datetime(2026, 6, 9, 2, tzinfo=dt.UTC)
DEVICES = (1, 2, 3)
MODES = ("off", "soft", "hard", "once", "timed")
COOLDOWN = 3


@dataclass
class Badge:
    generation: int = 1
    state: str = "active"
    printed: bool = False


@dataclass
class Device:
    number: int
    seq: int = 0
    skew: dt.timedelta = dt.timedelta(0)
    contact: bool = False  # since its last start
    roster: dict[int, Badge] = field(default_factory=dict)
    journal: dict[int, list[Row]] = field(default_factory=dict)
    queue: list[dict] = field(default_factory=list)
    sent: list[dict] = field(default_factory=list)


class Server:
    """Keeps rows once each, and per badge the state that follows; the verdicts of what devices decided."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.rows: dict[str, tuple[int, Row]] = {}
        self.nobodys: set[str] = set()  # uuids of rows whose badge was not known
        self.states: dict[int, State] = {}
        self.verdicts: dict[str, str] = {}

    def of(self, badge: int) -> list[Row]:
        return [row for number, row in self.rows.values() if number == badge]

    def add_newest(self, badge: int, row: Row) -> None:
        before = self.states.get(badge, NOBODY)
        if before.suspect or (before.last_at is not None and before.last_at >= row.at):
            self.add_late(badge, row)
            return
        self.rows[row.uuid] = badge, row
        self.states[badge] = advance(before, row)

    def add_late(self, badge: int, row: Row) -> None:
        if row.uuid not in self.rows:
            self.rows[row.uuid] = badge, row
            self.settle(badge)

    def settle(self, badge: int) -> None:
        state, verdicts = settle(self.of(badge))
        self.states[badge] = state
        self.verdicts |= verdicts


class Doors(RuleBasedStateMachine):
    @initialize(mode=st.sampled_from(MODES))
    def open(self, mode: str) -> None:
        self.now, self.number, self.mode = START, 0, mode
        self.server = Server(mode)
        self.badges: dict[int, Badge] = {1: Badge()}
        self.devices = {n: Device(n) for n in DEVICES}
        for device in self.devices.values():
            self.fetch(device)

    # -- the office

    @rule()
    def register(self) -> None:
        if len(self.badges) < 4:
            self.badges[len(self.badges) + 1] = Badge()

    @rule(badge=st.integers(1, 4), what=st.sampled_from(["print", "reprint", "revoke", "block", "active", "active"]))
    def change(self, badge: int, what: str) -> None:
        found = self.badges.get(badge)
        if found is None:
            return
        if what == "print":
            found.printed = True
        elif what == "reprint":
            found.generation += 1
        else:
            found.state = {"revoke": "revoked", "block": "blocked"}.get(what, "active")

    # -- the doors

    @rule(
        device=st.sampled_from(DEVICES), badge=st.integers(1, 5), direction=st.sampled_from(["entry", "entry", "exit"])
    )
    def scan_online(self, device: int, badge: int, direction: str) -> None:
        at = self.tick()
        state = self.server.states.get(badge, NOBODY)
        facts = self.facts_of(self.badges, badge, state.known)
        verdict = decide(facts, self.rules_of(direction), at)
        journal = self.devices[device]
        journal.seq += 1
        if verdict.status in ADMITTED:
            self.server.add_newest(badge, self.row(journal, at, direction, uuid=self.uuid()))

    @rule(
        device=st.sampled_from(DEVICES), badge=st.integers(1, 5), direction=st.sampled_from(["entry", "entry", "exit"])
    )
    def scan_offline(self, device: int, badge: int, direction: str) -> None:
        at = self.tick()
        here = self.devices[device]
        own, _verdicts = settle(replace(r, judged=False) for r in here.journal.get(badge, []))
        facts = self.facts_of(here.roster, badge, own.known)
        verdict = decide(facts, self.rules_of(direction, offline=True), at)
        here.seq += 1
        admitted = verdict.status in ADMITTED
        row = self.row(here, at, direction, uuid=self.uuid())
        if admitted:
            here.journal.setdefault(badge, []).append(row)
        here.queue.append({"badge": badge, "row": row, "device_time": at - here.skew, "admitted": admitted})

    @rule(device=st.sampled_from(DEVICES), count=st.integers(1, 5), seed=st.integers(0, 5))
    def sync(self, device: int, count: int, seed: int) -> None:
        """Some of the queue, in any order; the answer may get lost, so that it is sent again later."""
        here = self.devices[device]
        self.contact(here)
        chosen = random.Random(seed).sample(here.queue, min(count, len(here.queue)))
        for item in chosen:
            self.upload(here, item)
        here.sent += chosen
        if seed:  # a receipt came back
            here.queue = [i for i in here.queue if i not in chosen]

    @rule(device=st.sampled_from(DEVICES))
    def replay(self, device: int) -> None:
        before = dict(self.server.states), dict(self.server.verdicts)
        for item in reversed(self.devices[device].sent):
            self.upload(self.devices[device], item)
        assert (self.server.states, self.server.verdicts) == before

    @rule(device=st.sampled_from(DEVICES), minutes=st.sampled_from([0, 1, -4, 45, -3 * 1440, 3 * 1440]))
    def skew(self, device: int, minutes: int) -> None:
        self.devices[device].skew = dt.timedelta(minutes=minutes)
        self.devices[device].contact = False

    @rule(device=st.sampled_from(DEVICES))
    def fetch_list(self, device: int) -> None:
        self.fetch(self.devices[device])

    # -- the supervisor

    @precondition(lambda self: self.server.rows)
    @rule(choice=st.integers(0, 50))
    def annul(self, choice: int) -> None:
        uuids = sorted(self.server.rows)
        badge, row = self.server.rows[uuids[choice % len(uuids)]]
        self.server.rows[row.uuid] = badge, replace(row, counted=False, judged=False)
        self.server.settle(badge)
        self.server.verdicts.pop(row.uuid, None)

    @rule(badge=st.integers(1, 4))
    def reset_inside(self, badge: int) -> None:
        if self.server.states.get(badge, NOBODY).inside:
            at = self.tick()
            row = Row(self.uuid(), at, 99, "exit", 1, walked=False)
            self.server.add_late(badge, row)
            assert not self.server.states[badge].inside or self.server.states[badge].suspect

    # -- helpers

    def tick(self) -> dt.datetime:
        self.now += dt.timedelta(minutes=1)
        return self.now

    def uuid(self) -> str:
        self.number += 1
        return f"{self.number:05}"

    def fetch(self, device: Device) -> None:
        self.contact(device)
        device.roster = {number: replace(badge) for number, badge in self.badges.items()}

    def contact(self, device: Device) -> None:
        device.contact = True

    def row(self, device: Device, at: dt.datetime, direction: str, uuid: str) -> Row:
        return Row(
            uuid, at, device.number, direction, device.number, seq=device.seq, rule=rule_text(self.mode, COOLDOWN)
        )

    def facts_of(self, roster: dict[int, Badge], number: int, seen: Presence) -> Facts:
        badge = roster.get(number)
        truth = self.badges.get(number, Badge())
        if badge is None:
            return Facts(known=False, presence=seen)
        return Facts(
            badge_state=badge.state, generation=truth.generation, current_generation=badge.generation, presence=seen
        )

    def rules_of(self, direction: str, *, offline: bool = False) -> Rules:
        return Rules(
            direction=direction, any_time=True, anti_passback=self.mode, cooldown=dt.timedelta(minutes=COOLDOWN), offline=offline
        )  # fmt: skip

    def upload(self, device: Device, item: dict) -> None:
        """As the server takes it: time put right, what is wrong with the badge itself noted, the rest judged with its set."""
        if item["row"].uuid in self.server.rows or item["row"].uuid in self.server.nobodys:
            return
        if item["badge"] not in self.badges:
            self.server.nobodys.add(item["row"].uuid)  # logged without a badge; sent again it stays so
            return
        offset = device.skew if device.contact else None
        at, suspect = correct(item["device_time"], False, offset, START - dt.timedelta(days=1), self.now)
        facts = self.facts_of(self.badges, item["badge"], Presence())
        verdict = decide_badge(facts, self.rules_of(item["row"].direction), at)
        self.server.add_late(
            item["badge"],
            replace(
                item["row"],
                at=at,
                suspect=suspect,
                judged=True,
                counted=item["admitted"],
                admitted=item["admitted"],
                badge_verdict="" if verdict.status in ADMITTED else verdict.reason,
            ),
        )

    # -- what must hold at any time

    @invariant()
    def counts_follow_from_the_set(self) -> None:
        if not hasattr(self, "server"):
            return
        for badge, state in self.server.states.items():
            rows = self.server.of(badge)
            assert state == naive(rows), badge
            assert state.entries >= 0 and state.exits >= 0 and 0 <= state.duplicates <= state.entries
            shuffled = rows * 1
            random.Random(self.number).shuffle(shuffled)
            again, verdicts = settle(shuffled)
            assert again == state
            for row in rows:
                if row.judged:
                    assert self.server.verdicts[row.uuid] == verdicts[row.uuid] == naive_verdict(rows, row)


# -- the oracle: every row against all others ------------------------------------------------------------------------


def moment(rows: list[Row], row: Row) -> dt.datetime:
    """When a row is taken to have happened: not before a row with a smaller number, where that device's clock is doubtful."""
    own = [r for r in rows if (r.device_id, r.pairing_no) == (row.device_id, row.pairing_no)]
    if row.seq is None or not any(r.suspect for r in own):
        return row.at
    return max(r.at for r in own if r.seq is not None and r.seq <= row.seq)


def place(rows: list[Row], row: Row) -> tuple:
    return moment(rows, row), row.device_id, row.pairing_no, -1 if row.seq is None else row.seq, row.uuid


def naive(rows: list[Row]) -> State:
    standing = sorted((r for r in rows if r.counted), key=lambda r: place(rows, r))
    entries = [r for r in standing if r.direction == "entry"]
    if not standing:
        return NOBODY
    return State(
        first_entry_at=moment(rows, entries[0]) if entries else None,
        first_gate_id=entries[0].gate_id if entries else None,
        last_at=moment(rows, standing[-1]),
        last_direction=standing[-1].direction,
        entries=len(entries),
        exits=sum(r.direction == "exit" and r.walked for r in standing),
        duplicates=sum(r.judged and r.admitted and naive_reason(rows, r) in DUPLICATES for r in entries),
        suspect=any(r.suspect for r in standing),
    )


def naive_reason(rows: list[Row], row: Row) -> str:
    before = [r for r in rows if r.counted and place(rows, r) < place(rows, row)]
    before.sort(key=lambda r: place(rows, r))
    entries = [r for r in before if r.direction == "entry"]
    if row.badge_verdict or row.direction == "exit":
        return row.badge_verdict
    mode = row.rule.split(":")[0]
    if mode == "once" and entries:
        return "already_used"
    if mode == "hard" and before and before[-1].direction == "entry":
        return "already_in"
    if mode == "timed" and entries and not row.suspect:
        waited = moment(rows, row) - moment(rows, before[-1])
        return "cooldown" if waited < dt.timedelta(minutes=COOLDOWN) else ""
    return ""


def naive_verdict(rows: list[Row], row: Row) -> str:
    reason = naive_reason(rows, row)
    return AGREES if row.admitted == (not reason) else reason or "ok"


def test_doors_devices_and_queues():
    run_state_machine_as_test(Doors, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))


@st.composite
def uploads(draw):
    """Queues of two devices, and two orders in which parts of them arrive, some twice."""
    mode = draw(st.sampled_from(MODES))
    rows = [
        Row(
            uuid=f"{device}-{seq}",
            at=START + dt.timedelta(minutes=draw(st.integers(0, 5))),
            device_id=device,
            direction=draw(st.sampled_from(["entry", "entry", "exit"])),
            gate_id=device,
            seq=seq,
            suspect=draw(st.booleans()),
            judged=True,
            rule=rule_text(mode, COOLDOWN),
        )
        for device in (1, 2)
        for seq in range(1, draw(st.integers(1, 5)))
    ]
    orders = [draw(st.permutations(rows)) for _ in range(2)]
    return mode, [order + draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else [] for order in orders]


def test_any_order_and_repetition_of_uploads_ends_in_the_same():
    from hypothesis import given

    @given(uploads())
    @settings(max_examples=200, deadline=None)
    def check(given_):
        mode, orders = given_
        ends = []
        for order in orders:
            server = Server(mode)
            for row in order:
                server.add_late(1, row)
            ends.append((server.states, server.verdicts, set(server.rows)))
        assert ends[0] == ends[1]
        rows = [row for _badge, row in server.rows.values()]
        state, verdicts = settle(rows)
        assert state == naive(rows)
        assert verdicts == {row.uuid: naive_verdict(rows, row) for row in rows}

    check()
