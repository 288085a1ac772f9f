"""F21–F23 in a real Chromium: the tests of the gate page named after a fault (``test_f21_…``), run by pytest and counted for the report."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from tests.faults.cases import Result
from tests.support.databases import ROOT

FAULTS = {
    "F21": (
        "browser: tab killed, two tabs, full or refused storage, cleared storage, new version of the worker, flapping network",
        "every green that was shown is uploaded; full: red, never green; one uploader; a cleared store is noticed as a gap",
    ),
    "F22": ("list of badges cut, old, with a wrong hash, signed by another key", "the old list stays in use, and the screen says so"),
    "F23": (
        "browser: slow or lost answers, captive portal answering HTML 200, expired certificate",
        "decided within 1.5 s on the device; a page is no receipt; what was decided is kept and uploaded",
    ),
}  # fmt: skip
NUMBERS = set(FAULTS)


def run(only: list[str]) -> list[Result]:
    """One result for each of F21–F23, from the tests whose name begins with it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        begin = time.monotonic()
        names = " or ".join(f"test_{number.lower()}_" for number in FAULTS)
        command = [sys.executable, "-m", "pytest", "tests/browser", "-q", "-k", names, f"--junitxml={report}"]
        env = {**os.environ, "EXPO_TEST_FAULTS": "all"}
        subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=sys.stderr, timeout=600)
        seconds = time.monotonic() - begin
        found = ElementTree.parse(report).iter("testcase") if report.exists() else iter(())
        cases = [case for case in found if case.find("skipped") is None]
    out = []
    for number, (fault, expect) in FAULTS.items():
        if only and number not in only:
            continue
        result = Result(f"{number} browser", fault, expect, seconds=seconds / len(FAULTS))
        mine = [case for case in cases if (case.get("name") or "").startswith(f"test_{number.lower()}_")]
        failed = [
            case.get("name", "") for case in mine if case.find("failure") is not None or case.find("error") is not None
        ]
        result.seen = f"{len(mine) - len(failed)} of {len(mine)} scenes in Chromium: " + "; ".join(
            dict.fromkeys(_said(case) for case in mine)
        )
        result.want(bool(mine), "no scene was run")
        result.wanted += failed
        out.append(result)
    return out


def _said(case: ElementTree.Element) -> str:
    return (case.get("name") or "").partition("[")[0].removeprefix("test_").partition("_")[2].replace("_", " ")
