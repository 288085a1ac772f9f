"""Why the directory refuses something; pages translate the code."""

from __future__ import annotations


class DirectoryError(ValueError):
    """A refusal. ``code``: "name-missing", "tax-id-taken" (``other_id`` holds it), "stale", "activity-done", "subject-missing"."""

    def __init__(self, code: str, other_id: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.other_id = other_id
