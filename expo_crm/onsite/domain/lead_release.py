"""What an exhibitor may see of a visitor: what the visitor agreed to, and of that what the organizer lets pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FIELDS = ("name", "company", "job_title", "phone", "email", "country", "answers")
DEFAULT_FIELDS = ("name", "company", "job_title", "phone", "email")
DEFAULT_DEVICES = 5
MOST_DEVICES = 50
NARROWEST = ("name", "company", "job_title", "email", "phone")
"""Named by every wording that was ever in use; also what an unknown wording is taken to name."""
NAMED: dict[str, tuple[str, ...]] = {"lead-2026-1": NARROWEST, "lead-2026-2": FIELDS}
"""Version of the consent's text → the fields that it names. Nothing else may be given on its strength."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the visitor."""

    granted: bool
    version: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """The organizer's rules of one edition, from ``since`` on."""

    fields: tuple[str, ...] = DEFAULT_FIELDS
    max_devices: int = DEFAULT_DEVICES
    ask: bool = True
    since: dt.datetime | None = None


def standing(own: Answer | None, general: Answer | None) -> Answer | None:
    """The consent on which this exhibitor may see the visitor, or None.

    ``own`` is the newest answer to this exhibitor, ``general`` the newest to all exhibitors of the edition. Who took it
    back from one exhibitor is not given again by a later yes to all; a later no to all ends a yes to one.
    """
    if own is None:
        return general if general is not None and general.granted else None
    if not own.granted:
        return None
    if general is not None and not general.granted and general.at > own.at:
        return None
    return own


def released(policy: Policy, consent: Answer | None) -> tuple[str, ...]:
    """The fields that pass, in the order of ``FIELDS``. Without consent none."""
    if consent is None:
        return ()
    named = NAMED.get(consent.version, NARROWEST)
    return tuple(f for f in FIELDS if f in policy.fields and f in named)


def ever_given(policies: Sequence[Policy], consents: Iterable[tuple[Answer, dt.datetime | None]]) -> tuple[str, ...]:
    """The fields that passed at some time.

    ``policies`` in the order of their ``since`` (the first holds from the beginning); ``consents`` with the moment at which
    each ended (None: it holds still).
    """
    given: set[str] = set()
    for consent, until in consents:
        for place, policy in enumerate(policies):
            start = policy.since if place else None
            end = policies[place + 1].since if place + 1 < len(policies) else None
            begun = until is None or start is None or start <= until
            ended = end is not None and end <= consent.at
            if begun and not ended:
                given.update(released(policy, consent))
    return tuple(f for f in FIELDS if f in given)
