"""The house rules on imports, from pyproject.toml, and the ones that need to know both ends of an import."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[2]

# What only its own package may import, and who else may: the application collects blueprints and command groups, the
# scheduler collects jobs.
PRIVATE = {
    "routes": {"expo_crm.app"},
    "views": set(),
    "forms": set(),
    "jobs": {"expo_crm.app", "expo_crm.scheduler"},
}

# Shared ground, whose forms and routes are there to be used.
OPEN = {"web"}


def test_import_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages import down the stack; inside a package the layers hold; domain is pure."""
    monkeypatch.chdir(ROOT)
    result = lint_imports(no_cache=True, no_logo=True)
    assert result == EXIT_STATUS_SUCCESS, "run `make lint` to see which contract is broken, and by which import"


def test_routes_views_forms_and_jobs_are_private() -> None:
    """Other packages use services, queries, models and domain."""
    graph = grimp.build_graph("expo_crm", cache_dir=None)
    trespassers = []
    for imported in sorted(graph.modules):
        _, _, rest = imported.partition(".")
        package, _, inner = rest.partition(".")
        kind = inner.partition(".")[0]
        if kind not in PRIVATE or package in OPEN:
            continue
        for importer in sorted(graph.find_modules_that_directly_import(imported)):
            if importer not in PRIVATE[kind] and importer.split(".")[1:2] != [package]:
                trespassers.append(f"{importer} imports {imported}")
    assert not trespassers, "\n".join(trespassers)
