"""Fixtures of the whole suite, by the module that holds them.

==============  =======================================================================================================
``sealed``      no connection leaves this machine
``databases``   ``dialect``, ``database_url``: each test on SQLite and on PostgreSQL, from a migrated template
``apps``        ``app``, ``make_app``, ``client``, ``session``, ``runner``
``servers``     ``live_server``, ``serve``: the product under gunicorn, with its worker when asked
``browsers``    ``page``, ``phone``, ``open_page``, ``camera_page``, ``axe``: a real Chromium that forgives nothing
==============  =======================================================================================================
"""

pytest_plugins = [
    "tests.support.sealed",
    "tests.support.databases",
    "tests.support.apps",
    "tests.support.servers",
    "tests.support.browsers",
]
