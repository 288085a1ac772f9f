"""Reading a JSON body strictly: a device that sends nonsense is told so, and nothing is guessed."""

from __future__ import annotations

import json
import math
from typing import Any

from flask import abort, request
from flask_babel import gettext as _

from expo_crm.web.errors import Refused


def read_json(limit: int) -> dict[str, Any]:
    """The body as an object. Raises Refused 400 for anything else, 413 when too large, 415 for another content type."""
    sent = request._get_current_object()  # type: ignore[attr-defined]
    if sent.mimetype != "application/json" or sent.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        abort(415)
    sent.max_content_length = limit
    raw = sent.get_data(cache=False)
    try:
        found = _decoder.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise schema("json") from None
    if not isinstance(found, dict):
        raise schema("object")
    return found


def schema(field: str) -> Refused:
    return Refused(_("The request is not as agreed: %(field)s", field=field[:60]), 400, "schema")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("double key")
    return out


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _small_int(text: str) -> int:
    if len(text) > 19:
        raise ValueError("number too long")
    return int(text)


_decoder = json.JSONDecoder(
    object_pairs_hook=_no_doubles, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_small_int
)
