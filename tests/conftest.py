"""Fixtures of the whole suite, by the module that holds them.

==============  =======================================================================================================
``sealed``      no connection leaves this machine
``databases``   ``dialect``, ``database_url``: each test on SQLite and on PostgreSQL (tests of pages on one), from a template
``apps``        ``app``, ``make_app``, ``client``, ``session``, ``runner``
``servers``     ``live_server``, ``serve``: the product under gunicorn, with its worker when asked
``browsers``    ``page``, ``phone``, ``open_page``, ``camera_page``, ``axe``: a real Chromium that forgives nothing
==============  =======================================================================================================
"""

import pytest
from hypothesis import settings

# The files that take longest, first: a worker that begins one of them at the end leaves the other without work.
LONGEST = (
    "test_whole_edition.py", "test_every_page.py", "test_gate_faults.py", "test_gate_offline.py", "/browser/", "/demo/", "_browser.py",
)  # fmt: skip

# The same examples on every machine and no deadline: a slow moment of the machine is no failure of the code.
settings.register_profile("expo", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("expo")

pytest_plugins = [
    "tests.support.sealed",
    "tests.support.databases",
    "tests.support.apps",
    "tests.support.servers",
    "tests.support.browsers",
]


def pytest_collection_modifyitems(items):
    def turn(item):
        path = item.path.as_posix()
        return next((place for place, part in enumerate(LONGEST) if part in path), len(LONGEST))

    items.sort(key=turn)
    for item in items:
        if "chromium" in item.fixturenames:
            item.add_marker(pytest.mark.browser)
