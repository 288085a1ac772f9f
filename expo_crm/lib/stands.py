"""Stand codes as exhibitor lists write them: the text is kept, a key is added to compare and sort by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expo_crm.lib.text import clean, clean_code

_NO_STAND = re.compile(
    r"(?:TB[ACD]|T\.B\.[ACD]\.?|TO BE (?:CONFIRMED|ANNOUNCED|DEFINED)|N/?A|NONE|NULL|NIL|PENDING|UNASSIGNED"
    r"|待定|未定|暂无|无|没有|待分配|未分配|[-/?.*_ 0]+)"
)
_HALL_WORDS = re.compile(
    r"(?:HALL|HALLE|PAVILION|HAL)[\s.:#]*(?P<hall>[A-Z]?\d+(?:\.\d+)?[A-Z]?)"
    r"[\s,;:/|-]*(?:(?:STAND|BOOTH|ST\.?|BOOTH NO\.?|STAND NO\.?)[\s.:#]*)?(?P<stand>[A-Z0-9].*)"
)
_HALL_HAN = re.compile(
    r"(?P<hall>[A-Z]{0,2}\d+(?:\.\d+)?)\s*(?:号馆|号展馆|展馆|号厅|馆)[\s,;:/|-]*(?P<stand>[A-Z0-9].*?)(?:号?展位|号)?"
)
_HALL_POINT = re.compile(r"(?P<hall>\d{1,2}\.\d)[\s:/-]*(?P<stand>[A-Z]+\d.*)")
_HALL_COLON = re.compile(r"(?P<hall>[^:]{1,20}):(?P<stand>.+)")
_WORD_STAND = re.compile(r"^(?:STAND|BOOTH|展位号?|展台号?)(?: NO)?[\s.:#]*(?=[A-Z]*\d)")
_SEPARATOR = re.compile(r"([|;；、,，\n]|\s&\s|和)")
_HALL_COMMA = re.compile(r"((?:HALL|HALLE|PAVILION|馆)[\s.:#]*[A-Z]?[\d.]*[A-Z]?)\s*[,，;；]\s*", re.I)
_MAX_CODE = 60


@dataclass(frozen=True, slots=True)
class Stand:
    """One stand of a cell: `text` as written, `hall` ("" when not named) and `key`, equal for equal stands."""

    text: str
    key: str
    hall: str = ""


def _squeeze(code: str) -> str:
    """One hyphen for every run of spaces, hyphens and underscores; none beside a slash or colon."""
    code = re.sub(r"[\s\-_\u2010-\u2015\u2212]+", "-", code)
    return re.sub(r"-*([/:&])-*", r"\1", code).strip("-./,:;`'\"")


def _split_hall(code: str) -> tuple[str, str]:
    """Hall and stand of an upper-case code; the hall is "" when it is not told apart by the writing."""
    code = _WORD_STAND.sub("", code)
    for pattern in (_HALL_WORDS, _HALL_HAN, _HALL_POINT, _HALL_COLON):
        found = pattern.fullmatch(code)
        if found:
            return _squeeze(found["hall"]), _squeeze(_WORD_STAND.sub("", found["stand"]))
    return "", _squeeze(code)


def parse_stand(text: str, hall: str = "") -> Stand | None:
    """Read one stand; None for an empty cell, `TBC`, `待定`, `-`, `000` or a text without a digit.

    `hall` is used when the code does not name one; a code that does keeps its own.
    """
    shown = clean(text).strip(" `'\"")
    code = clean_code(shown).upper()
    if len(code) > _MAX_CODE or not re.search(r"\d", code):
        return None
    if all(_NO_STAND.fullmatch(piece.strip()) for piece in _SEPARATOR.split(code)[::2]):
        return None
    own_hall, stand = _split_hall(code)
    if not stand or not re.search(r"\d", stand) or _NO_STAND.fullmatch(stand):
        return None
    named = own_hall or _squeeze(clean_code(hall).upper())
    return Stand(shown, f"{named}:{stand}" if named else stand, named)


def stand_key(code: str) -> str | None:
    """The comparison key of one stand code: `20D- 106` gives `20D-106`, `Hall 17, Stand F60` gives `17:F60`."""
    stand = parse_stand(code)
    return stand.key if stand else None


def split_stands(text: str, halls: str | None = None) -> list[Stand]:
    """All stands of one cell, in order, each once.

    Separators are `|`, `;`, `、`, `,`, ` & `, `和` and line breaks; `/` joins the sides of one corner stand. After a
    comma the hall of the stand before goes on (`3.2:D050, D052`). `halls` is a parallel cell of hall names: it is used
    when it has as many entries as there are stands.
    """
    pieces = _SEPARATOR.split(_HALL_COMMA.sub(r"\1 ", clean(text, multiline=True)))
    names = [clean(part) for part in re.split(r"[|;；、\n]", halls or "")]
    codes, marks = pieces[::2], ["", *pieces[1::2]]
    paired = names if len(names) == len(codes) else [""] * len(codes)
    found: dict[str, Stand] = {}
    before = ""
    for code, mark, name in zip(codes, marks, paired, strict=True):
        goes_on = before if mark in {",", "，", "、"} else ""
        stand = parse_stand(code, name or goes_on)
        if stand:
            found.setdefault(stand.key, stand)
            before = stand.hall
    return list(found.values())
