"""The test suite. Start it with ``make test``; see tests/support for what the fixtures give."""
