"""Benchmarks: ratios measured in one run, on a durable PostgreSQL. ``python -m tests.bench --help``."""
