"""The files that set the project up say what they must and nothing that they must not."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from expo_crm.cli import serve

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements", "requirements-dev")


def names(text: str) -> set[str]:
    """The packages that a requirements file lists, by their normalised names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found if not name.startswith("-")}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    text = (ROOT / f"{lock}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2])
    loose = [entry.split("\n")[0] for entry in entries if entry[0].isalnum() and not re.match(r"\S+==\S+ \\\n.*--hash=sha256:", entry)]
    assert not loose


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_asked_for_is_locked(lock: str) -> None:
    asked, locked = (names((ROOT / f"{lock}.{ending}").read_text()) for ending in ("in", "txt"))
    assert asked <= locked, "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "package-lock.json"])
def test_locks_name_no_registry(name: str) -> None:
    """Whoever installs takes the packages from the registry that the own machine is set to."""
    text = (ROOT / name).read_text()
    assert '"resolved"' not in text
    assert not re.search(r"(index|find-links|registry)[^\n]*://", text)


def test_front_end_lock_fits_its_package_file() -> None:
    package, lock = (json.loads((ROOT / name).read_text()) for name in ("package.json", "package-lock.json"))
    for group in ("dependencies", "devDependencies"):
        assert lock["packages"][""][group] == package[group], "run `npm install` and commit package-lock.json"


def test_no_built_or_installed_file_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    wrong = [
        name
        for name in listed.stdout.splitlines()
        if name.startswith((".venv/", "node_modules/", "instance/", "expo_crm/static/dist")) or name.endswith((".mo", ".pyc"))
    ]
    assert not wrong


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_a_full_log_stops_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says at its start, or of a worker that crashed, has no room: the gates stay open."""
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - closing it fails, too
    monkeypatch.setattr(sys, "stdout", full)
    monkeypatch.setattr(sys, "stderr", full)
    serve._greet("http://127.0.0.1:5000", "")
    serve._say("The web process has ended; starting it again.", err=True)
    serve._flush()
    with pytest.raises(OSError, match="space"):
        full.flush()
    with contextlib.suppress(OSError):
        full.close()
