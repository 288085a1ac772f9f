"""The device's own logic under Node.js, over the same vector files that the Python tests read."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.databases import ROOT

HERE = Path(__file__).parent


def test_the_scripts_of_the_devices():
    files = sorted(str(path.relative_to(ROOT)) for path in HERE.glob("*.test.js"))
    command = ["frontend/with-node.sh", "node", "--test", "--test-reporter=spec", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert files and done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
