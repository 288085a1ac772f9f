"""Fixtures of the whole suite, by the module that holds them.

==============  =======================================================================================================
``sealed``      no connection leaves this machine
``databases``   ``dialect``, ``database_url``: each test on SQLite and on PostgreSQL (tests of pages on one), from a template
``apps``        ``app``, ``make_app``, ``client``, ``session``, ``runner``
``servers``     ``live_server``, ``serve``: the product under gunicorn, with its worker when asked
``browsers``    ``page``, ``phone``, ``open_page``, ``camera_page``, ``axe``: a real Chromium that forgives nothing
==============  =======================================================================================================
"""

from hypothesis import settings

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
