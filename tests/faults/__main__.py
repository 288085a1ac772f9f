"""``python -m tests.faults``: every fault of the design on this machine, and the report docs/faults.md."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback

from tests.faults import browser, cases, change, report, storage
from tests.faults.cases import Result, Scene, Sizes

FULL = Sizes(
    kill_seconds=60, rate=100, seeds=20, bursts=10, queue=20_000, rounds=1_000, cut_every=(1, 2, 3, 5), hold_seconds=30
)


ALL: tuple[cases.Case, ...] = (
    cases.f1, cases.f2, cases.f3, cases.f4, cases.f5, cases.f6, cases.f7, cases.f8, cases.f9, cases.f10, storage.f11, cases.f12,
    storage.f13, change.f20, change.f23,
)  # fmt: skip


def run(case: cases.Case, scene: Scene) -> Result:
    """One fault; an error of the harness is a result too, and a bad one."""
    begin = time.monotonic()
    try:
        result = case(scene)
    except Exception as error:
        traceback.print_exc()
        result = Result(
            case.__name__.upper(), (case.__doc__ or "").strip(), "", wanted=[f"{type(error).__name__}: {error}"[:300]]
        )
        scene.house.plan("")
    result.seconds = time.monotonic() - begin
    state = "skipped" if result.skipped else "ok" if result.ok else "NOT OK"
    print(
        f"{result.number} {state} {result.seconds:.1f} s\n    {result.seen}\n    {result.finding}",
        file=sys.stderr,
        flush=True,
    )
    for text in result.wanted:
        print(f"    !! {text}", file=sys.stderr, flush=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Break the product on purpose and prove that nothing is lost."
    )
    parser.add_argument("cases", nargs="*", metavar="F1", help="only these")
    parser.add_argument("--small", action="store_true", help="the sizes of `make test`")
    parser.add_argument("--write", action="store_true", help="keep the report in docs/faults.md")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED", "20260512")))
    options = parser.parse_args()
    chosen = [c for c in ALL if not options.cases or c.__name__.upper() in options.cases]
    sizes = Sizes() if options.small else FULL
    begin = time.monotonic()
    results = []
    if chosen:
        badges = 12_000 if options.small else 80_000
        with cases.scene_of(
            sizes, options.seed, badges=badges, durable=not options.small, strict=not options.small
        ) as scene:
            postgres = str(scene.house.rows("SHOW server_version")[0][0])
            results = [run(case, scene) for case in chosen]
            # The last word is the command that an organizer has.
            said = scene.house.flask("onsite", "rebuild")
            print(said, file=sys.stderr)
            if any(" 0 different" not in line for line in said.splitlines() if "different" in line):
                results[-1].wanted.append(f"flask onsite rebuild: {said}")
    if not options.cases or browser.NUMBERS & set(options.cases):
        results += browser.run(options.cases)
    stated = report.facts(results, options.seed, time.monotonic() - begin, 3, postgres if chosen else "–")
    print(report.show(results, stated))
    if options.write:
        print(f"written: {report.write(results, stated).name}", file=sys.stderr)
    return int(any(not r.ok for r in results))


if __name__ == "__main__":
    raise SystemExit(main())
