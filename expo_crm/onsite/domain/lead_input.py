"""What an exhibitor's device may send about a lead, checked field by field; nothing is guessed or rounded."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from expo_crm.lib import text
from expo_crm.onsite.domain.scan_input import SchemaError, read_number, read_time, read_uuid

STATES = ("new", "contacted", "qualified", "quoted", "won", "lost")
TEMPERATURES = ("", "hot", "warm", "cold")
KINDS = ("single", "multi", "text", "number")
MOST_STARS = 5
MOST_TAGS = 30
MOST_ANSWERS = 60
MOST_OPTIONS = 30
NOTE_LIMIT = 5000
ANSWER_LIMIT = 2000
BIGGEST = 10**12
_SCAN = frozenset({"client_uuid", "code", "device_seq", "device_time", "offline", "details", "consent"})
_EDIT = frozenset({"client_uuid", "lead_id", "version", "details", "consent"})
_DETAILS = frozenset({"temperature", "stars", "state", "note", "tags", "answers"})
_CONSENT = frozenset({"version", "locale", "at"})


@dataclass(frozen=True, slots=True)
class Question:
    """A question as far as its answers are checked against it."""

    id: int
    kind: str
    options: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What the stand staff noted. None leaves a field as it is; ``answers`` maps question → value, None takes one away."""

    temperature: str | None = None
    stars: int | None = None
    state: str | None = None
    note: str | None = None
    tags: tuple[int, ...] | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self == Details()


@dataclass(frozen=True, slots=True)
class Tap:
    """The visitor agreed on the exhibitor's screen, to this wording in this language."""

    version: str
    locale: str
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ScanCommand:
    """One reading. ``offline``: the device had no answer when it was shown."""

    client_uuid: str
    code: str
    device_seq: int | None = None
    device_time: dt.datetime | None = None
    time_unreadable: bool = False
    offline: bool = False
    details: Details = field(default_factory=Details)
    consent: Tap | None = None


@dataclass(frozen=True, slots=True)
class EditCommand:
    """Notes on a lead: named by a reading of this device, or by its number when a colleague's device read it.

    ``version`` is the state that the device had seen, None when it had seen none.
    """

    client_uuid: str | None = None
    lead_id: int | None = None
    version: int | None = None
    details: Details = field(default_factory=Details)
    consent: Tap | None = None


def read_scan(raw: Any) -> ScanCommand:
    """A reading from decoded JSON; answers are checked against the questions later. Raises SchemaError."""
    body = _object(raw, _SCAN, "object")
    code = body.get("code")
    if not isinstance(code, str):
        raise SchemaError("code")
    at, unreadable = read_time(body.get("device_time"))
    return ScanCommand(
        read_uuid(body.get("client_uuid")),
        code,
        read_number(body, "device_seq"),
        at,
        unreadable,
        _flag(body.get("offline", False), "offline"),
        read_details(body.get("details")),
        _tap(body.get("consent")),
    )


def read_edit(raw: Any) -> EditCommand:
    """Notes from decoded JSON. Raises SchemaError."""
    body = _object(raw, _EDIT, "object")
    lead_id = read_number(body, "lead_id")
    if (lead_id is None) == ("client_uuid" not in body):
        raise SchemaError("client_uuid")
    return EditCommand(
        None if lead_id is not None else read_uuid(body.get("client_uuid")),
        lead_id,
        read_number(body, "version"),
        read_details(body.get("details")),
        _tap(body.get("consent")),
    )


def read_details(raw: Any) -> Details:
    """Rating, state, note, tags and answers. Raises SchemaError that names the first wrong field."""
    if raw is None:
        return Details()
    body = _object(raw, _DETAILS, "details")
    return Details(
        _one_of(body, "temperature", TEMPERATURES),
        _stars(body),
        _one_of(body, "state", STATES),
        _note(body),
        _tags(body),
        _answers(body),
    )


def _object(raw: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SchemaError(name)
    strange = set(raw) - known
    if strange:
        raise SchemaError(f"{name}.{min(strange)[:40]}")
    return raw


def _flag(raw: Any, name: str) -> bool:
    if not isinstance(raw, bool):
        raise SchemaError(name)
    return raw


def _whole(raw: Any) -> bool:
    """A whole number, and not true or false, which Python takes for numbers."""
    return isinstance(raw, int) and not isinstance(raw, bool)


def _one_of(body: dict[str, Any], name: str, known: tuple[str, ...]) -> str | None:
    if name not in body:
        return None
    value = body[name]
    if not isinstance(value, str) or value not in known:
        raise SchemaError(f"details.{name}")
    return value


def _stars(body: dict[str, Any]) -> int | None:
    if "stars" not in body:
        return None
    value = body["stars"]
    if not _whole(value) or not 0 <= value <= MOST_STARS:
        raise SchemaError("details.stars")
    return int(value)


def _note(body: dict[str, Any]) -> str | None:
    if "note" not in body:
        return None
    value = body["note"]
    if not isinstance(value, str) or len(value) > NOTE_LIMIT:
        raise SchemaError("details.note")
    return text.clean(value, multiline=True, limit=NOTE_LIMIT)


def _tags(body: dict[str, Any]) -> tuple[int, ...] | None:
    if "tags" not in body:
        return None
    value = body["tags"]
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise SchemaError("details.tags")
    if any(not _whole(v) or not 0 < v < 2**53 for v in value):
        raise SchemaError("details.tags")
    return tuple(dict.fromkeys(value))


def _answers(body: dict[str, Any]) -> dict[int, Any]:
    raw = body.get("answers", {})
    if not isinstance(raw, dict) or len(raw) > MOST_ANSWERS:
        raise SchemaError("details.answers")
    out = {}
    for key, value in raw.items():
        if not (key.isascii() and key.isdigit() and len(key) < 16):
            raise SchemaError("details.answers")
        out[int(key)] = value
    return out


def _tap(raw: Any) -> Tap | None:
    if raw is None:
        return None
    body = _object(raw, _CONSENT, "consent")
    version, locale = body.get("version"), body.get("locale")
    if not isinstance(version, str) or not 0 < len(version) <= 60:
        raise SchemaError("consent.version")
    if locale not in ("zh", "en"):
        raise SchemaError("consent.locale")
    return Tap(version, locale, read_time(body.get("at"))[0])


def check_answers(given: Mapping[int, Any], questions: Iterable[Question]) -> dict[int, Any]:
    """The answers in the form in which they are stored; None takes an answer away. Raises SchemaError.

    Only questions of this exhibitor may be answered, retired versions too: a device that was offline answered what it showed.
    """
    known = {q.id: q for q in questions}
    out = {}
    for key, value in given.items():
        question = known.get(key)
        if question is None:
            raise SchemaError("details.answers")
        out[key] = check_answer(question, value)
        if out[key] is None and question.required:
            raise SchemaError("details.answers")
    return out


def check_answer(question: Question, value: Any) -> Any:
    """One answer; empty texts and empty choices are none. Raises SchemaError."""
    if value is None or value == "" or value == []:
        return None
    if question.kind == "number":
        good = (_whole(value) or isinstance(value, float)) and math.isfinite(value) and abs(value) <= BIGGEST
    elif question.kind == "multi":
        good = isinstance(value, list) and all(isinstance(v, str) and v in question.options for v in value)
        value = [o for o in question.options if o in value] if good else value
    elif question.kind == "single":
        good = isinstance(value, str) and value in question.options
    else:
        good = isinstance(value, str) and len(value) <= ANSWER_LIMIT
        value = (text.clean(value, multiline=True, limit=ANSWER_LIMIT) or None) if good else value
    if not good:
        raise SchemaError("details.answers")
    return value
