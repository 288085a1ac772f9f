"""Faults: real processes, simulated gates with journals, and a checker. ``python -m tests.faults --help``."""
