"""Text that people type: cleaned for storing, folded for comparing and searching, sorted the way people count.

`clean` keeps what a person wrote (TM signs, full-width Chinese brackets, emoji); `fold` throws differences away and is
only ever compared, never shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import opencc
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]")
_BLANK_LETTERS = re.compile(r"[\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5]")
_TAGS = re.compile(r"[\U000e0000-\U000e007f]")
_JOINER = re.compile(r"[\u200c\u200d]+")
_SPACES = re.compile(r"[^\S\n]+")
_FULL_WIDTH = {
    **{code: code - 0xFEE0 for code in range(0xFF10, 0xFF1A)},
    **{code: code - 0xFEE0 for code in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    0x3000: 0x20,
}
_HAN = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD_BREAKS = re.compile(r"[\W_]+")
_BLACK_FLAG = "\U0001f3f4"
# ASCII and the common Chinese characters with one space between words: `clean` would change nothing of it.
_PLAIN = re.compile(r"[!-~\u4e00-\u9fff]+(?: [!-~\u4e00-\u9fff]+)*")
_COMMON_HAN = re.compile(r"[\u4e00-\u9fff]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(text.split())


def is_han(sign: str) -> bool:
    """True for one Chinese character."""
    return bool(_HAN.match(sign))


def has_han(text: str) -> bool:
    """True when `text` holds a Chinese character."""
    return bool(_HAN.search(text))


def clean(text: str, *, multiline: bool = False, limit: int | None = None) -> str:
    """What is stored of a typed text: NFC, one space between words, nothing invisible that could deceive.

    Drops NUL and other controls, lone surrogates, bidi overrides, zero-width and soft-hyphen signs and tag letters;
    joiners stay only inside scripts and emoji that need them. Full-width letters, digits and spaces become ASCII,
    Chinese punctuation stays. Line breaks stay when `multiline`. `limit` counts characters and never cuts a grapheme.
    """
    if _PLAIN.fullmatch(text):
        return text if limit is None else truncate(text, limit)
    text = _CONTROL.sub("", _LINE_BREAKS.sub("\n", text))
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).translate(_FULL_WIDTH)
    if _BLACK_FLAG not in text:
        text = _TAGS.sub("", text)
    text = _drop_idle_joiners(text)
    if multiline:
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n")))
    else:
        text = re.sub(r"\s+", " ", text)
    text = text.strip()
    return text if limit is None else truncate(text, limit)


def _drop_idle_joiners(text: str) -> str:
    """Keep a joiner only between two letters, marks or symbols that are neither ASCII nor Chinese; of a run keep one."""
    if not _JOINER.search(text):
        return text

    def needed(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        idle = any(
            not s or s.isascii() or is_han(s) or unicodedata.category(s)[0] not in "LMS" for s in (before, after)
        )
        return "" if idle else match.group()[0]

    return _JOINER.sub(needed, text)


def clean_code(text: str) -> str:
    """A code, number or key as stored: `clean`, and every compatibility form folded (NFKC)."""
    if _PLAIN.fullmatch(text):
        return text
    return clean(unicodedata.normalize("NFKC", clean(text)))


def is_blank(text: str | None) -> bool:
    """True when nothing visible is there: None, spaces, zero-width signs, the Hangul filler, the empty Braille cell."""
    if not text:
        return True
    return not clean(_BLANK_LETTERS.sub("", text))


def _regional(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _extends(sign: str) -> bool:
    """True when `sign` belongs to the grapheme before it."""
    return (
        unicodedata.category(sign) in ("Mn", "Me", "Mc")
        or sign in "\u200d\u200c"
        or "\U0001f3fb" <= sign <= "\U0001f3ff"
        or "\U000e0020" <= sign <= "\U000e007f"
        or "\u1160" <= sign <= "\u11ff"
    )


def graphemes(text: str) -> Iterator[str]:
    """Cut `text` into what a reader sees as single signs: marks, emoji sequences and flags stay whole.

    A short form of Unicode UAX 29: enough for names and comments, without its tables.
    """
    start, flags = 0, 0
    for place in range(1, len(text)):
        previous, sign = text[place - 1], text[place]
        flags = flags + 1 if _regional(previous) else 0
        pair = _regional(sign) and flags % 2 == 1
        joined = previous == "\u200d" and unicodedata.category(sign) == "So"
        if not (_extends(sign) or pair or joined):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def truncate(text: str, limit: int, ellipsis: str = "") -> str:
    """At most `limit` characters (code points) of `text`, cut between graphemes, `ellipsis` included when cut."""
    if len(text) <= limit:
        return text
    room, kept = limit - len(ellipsis), ""
    for sign in graphemes(text[: limit + 64]):
        if len(kept) + len(sign) > room:
            break
        kept += sign
    return kept.rstrip() + ellipsis if room > 0 else text[: max(limit, 0)]


@lru_cache(maxsize=1)
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """Traditional characters as simplified ones; everything else as it is."""
    return str(_converter().convert(text)) if has_han(text) else text


def fold(text: str) -> str:
    """`text` without the differences that a search ignores: width, case, accents, traditional characters, spacing."""
    if _PLAIN.fullmatch(text):  # most names and every pinyin syllable: the rest would change nothing
        return text.lower() if text.isascii() else simplified(text).casefold()
    text = clean_code(text)
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(s for s in decomposed if unicodedata.category(s) not in ("Mn", "Me", "Cf"))
    bare = unicodedata.normalize("NFC", simplified(bare).casefold())
    return bare.translate({0xF8: "o", 0x142: "l", 0x111: "d", 0xE6: "ae", 0x153: "oe", 0x131: "i"})


@lru_cache(maxsize=8_192)
def pinyin(text: str) -> tuple[str, str]:
    """Full pinyin and initials of the Chinese characters in `text`, no tones, no spaces: ("huawei", "hw").

    Latin letters and digits between them stay in both; phrases decide readings (重庆 is chongqing).
    """
    full, initials = [], []
    for syllable, han in _syllables(simplified(text)):
        full.append(syllable)
        initials.append(syllable[:1] if han else syllable)
    return "".join(full), "".join(initials)


def _syllables(text: str) -> Iterable[tuple[str, bool]]:
    """One syllable per Chinese character (True), one piece per run of other letters or digits (False)."""
    if not text.isascii() and _PLAIN.fullmatch(text):
        found = _plain_syllables(text)
        if found is not None:
            return found
    mark = "\0"
    pieces = lazy_pinyin(text, style=Style.NORMAL, errors=lambda rest: mark + _WORD_BREAKS.sub("", rest))
    return [(fold(piece), not piece.startswith(mark)) for piece in pieces if piece.strip(mark)]


def _plain_syllables(text: str) -> list[tuple[str, bool]] | None:
    """The syllables of a text in which no phrase changes the reading of a character; None where one does."""
    out: list[tuple[str, bool]] = []
    end = 0
    for run in _COMMON_HAN.finditer(text):
        if end < run.start() and (piece := _WORD_BREAKS.sub("", text[end : run.start()])):
            out.append((piece.lower(), False))
        signs = run.group()
        for sign in signs:
            syllable, phrases = _reading(sign)
            if not syllable or any(phrase in signs for phrase in phrases):
                return None
            out.append((syllable, True))
        end = run.end()
    if end < len(text) and (piece := _WORD_BREAKS.sub("", text[end:])):
        out.append((piece.lower(), False))
    return out


@cache
def _reading(sign: str) -> tuple[str, tuple[str, ...]]:
    """How a character is read alone ("" when it has no reading), and the phrases that read it otherwise."""
    alone = "".join(fold(piece) for piece in lazy_pinyin(sign, style=Style.NORMAL, errors="ignore"))
    return alone, _read_otherwise().get(sign, ())


@lru_cache(maxsize=1)
def _read_otherwise() -> dict[str, tuple[str, ...]]:
    """Character → phrases of pypinyin in which it is read otherwise than alone."""
    bare: dict[str, str] = {}

    def toneless(syllable: str) -> str:
        found = bare.get(syllable)
        if found is None:
            signs = unicodedata.normalize("NFD", syllable)
            found = bare[syllable] = "".join(s for s in signs if s == "\u0308" or not unicodedata.combining(s))
        return found

    out: dict[str, list[str]] = {}
    for phrase, readings in PHRASES_DICT.items():
        whole = len(readings) == len(phrase)
        for place, sign in enumerate(phrase):
            alone = PINYIN_DICT.get(ord(sign), "").split(",")[0]
            if not whole or toneless(alone) != toneless(readings[place][0]):
                out.setdefault(sign, []).append(phrase)
    return {sign: tuple(phrases) for sign, phrases in out.items()}


def search_key(*texts: str | None) -> str:
    """The stored column that `LIKE '%…%'` searches: folded texts, their squeezed form, pinyin and initials.

    Give all names of one thing (both languages, short name). Two Chinese characters, pinyin or initials find it.
    Compare with the pieces of `search_terms`.
    """
    parts: list[str] = []
    for text in texts:
        if text is None or is_blank(text):
            continue
        folded = fold(text)
        parts += [folded, _WORD_BREAKS.sub("", folded)]
        if has_han(folded):
            parts += pinyin(_only_words(folded))
    return " ".join(dict.fromkeys(part for part in parts if part))


def _only_words(text: str) -> str:
    return _WORD_BREAKS.sub("", text)


def search_terms(query: str, most: int = 8) -> list[str]:
    """The pieces of a typed query, folded like `search_key`; a row matches when every piece is in its key."""
    return [term for term in fold(query[:200]).split() if _only_words(term)][:most]


def like_pattern(term: str) -> str:
    r"""`%term%` with the LIKE signs of the term escaped by a backslash (use `ESCAPE '\'`)."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"


def natural_key(code: str) -> str:
    """A string that sorts codes the way people count: A2 before A10, also in ORDER BY. Digits are padded to ten."""
    return re.sub(r"\d+", lambda run: run.group().lstrip("0").rjust(10, "0"), clean_code(code).upper(), flags=re.ASCII)
