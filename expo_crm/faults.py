"""Named fault points: places where a test may stop, delay or kill the process. Inert outside the tests.

``point("before_commit")`` does nothing unless ``EXPO_FAULTS`` names a plan, which the settings refuse without
``EXPO_TESTING=1``. A plan is a text file with one fault a line::

    <point> <action> [key=value …]

    after_insert kill count=1               SIGKILL to this process, once over all processes
    before_commit sleep:0.8 p=0.1 seed=7    0.8 s for one in ten, the same ones in each run of a process
    mid_batch_item raise at=250             the database connection "breaks" at item 250 of a batch
    # …                                     a comment

The file may change while the processes run. What was done is appended to ``<plan>.log`` as ``line-number point pid``,
which also counts for ``count``, so that a restarted process knows what its predecessor did.

Points of the scan path, in order: ``after_read`` (code read, nothing asked), ``after_lock`` (badges locked), ``after_decide``,
``after_insert`` (logged, presence not yet), ``mid_batch_item`` (before item n of a batch), ``before_commit``,
``after_commit_before_reply``. Of an import: ``mid_import_portion`` (portion n is written, not committed).
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError

ACTIONS = ("sleep", "raise", "kill")
_plan: _Plan | None = None


class PlanError(ValueError):
    """A line of the plan is not understood."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a plan. ``probability`` of each passing, ``count`` over all processes (0: no end), ``at`` one number only."""

    line: int
    point: str
    action: str
    seconds: float = 0.0
    probability: float = 1.0
    seed: int = 0
    count: int = 0
    at: int | None = None


def point(name: str, number: int | None = None) -> None:
    """A place where something may go wrong; ``number`` counts places of a kind, as the items of a batch."""
    if _plan is not None:
        _plan.meet(name, number)


def arm(path: str) -> None:
    """Follow the plan at ``path`` from now on in this process and its children; an empty path ends it."""
    global _plan
    _plan = _Plan(Path(path)) if path else None


def read_plan(text: str) -> list[Fault]:
    """The faults of a plan. Raises PlanError for a line that is not understood."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            found.append(_read_line(number, words))
    return found


def _read_line(number: int, words: list[str]) -> Fault:
    try:
        point_name, what, *options = words
        action, _colon, seconds = what.partition(":")
        given = dict(option.split("=", 1) for option in options)
        fault = Fault(
            number,
            point_name,
            action,
            seconds=float(seconds or 0),
            probability=float(given.pop("p", 1)),
            seed=int(given.pop("seed", 0)),
            count=int(given.pop("count", 0)),
            at=int(given.pop("at")) if "at" in given else None,
        )
    except ValueError as error:
        raise PlanError(f"line {number}: {error}") from None
    if given or action not in ACTIONS:
        raise PlanError(f"line {number}: {', '.join(given) or action}")
    return fault


class _Plan:
    """A plan file as one process sees it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp = 0
        self.faults: list[Fault] = []
        self.random: dict[int, random.Random] = {}
        self.lock = threading.Lock()

    def meet(self, name: str, number: int | None) -> None:
        for fault in self._now():
            if fault.point != name or (fault.at is not None and fault.at != number):
                continue
            with self.lock:
                meant = self.random[fault.line].random() < fault.probability
            if meant and self._claim(fault):
                _do(fault)

    def _now(self) -> list[Fault]:
        try:
            stamp = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        with self.lock:
            if stamp != self.stamp:
                self.faults = read_plan(self.path.read_text(encoding="utf-8"))
                self.random = {f.line: random.Random(f.seed) for f in self.faults}
                self.stamp = stamp
            return self.faults

    def _claim(self, fault: Fault) -> bool:
        """Note the fault before it happens; False when it has happened often enough."""
        import fcntl  # tests of faults run on POSIX only, the product elsewhere too

        with open(self.path.with_name(self.path.name + ".log"), "a+", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.seek(0)
            mine = f"{fault.line} {fault.point} "
            if fault.count and sum(line.startswith(mine) for line in log) >= fault.count:
                return False
            log.write(f"{mine}{os.getpid()}\n")
        return True


def _do(fault: Fault) -> None:
    if fault.action == "sleep":
        time.sleep(fault.seconds)
    elif fault.action == "raise":
        raise OperationalError("", None, OSError(f"fault injected at {fault.point}"))
    else:
        os.kill(os.getpid(), signal.SIGKILL)
