"""Badges for label printers, in ZPL II. The whole badge goes as one graphic: printers have no Chinese fonts, and a code that we
draw ourselves on whole dots reads the same on every make, which their own ^BQ does not promise.

Source: Zebra, "ZPL II Programming Guide", commands ^GF, ^LL, ^PW, ^PQ and the alternative compression of ASCII hex.
"""

from __future__ import annotations

from PIL import Image

_ONES = "GHIJKLMNOPQRSTUVWXY"  # 1 to 19 times the next sign
_TWENTIES = "ghijklmnopqrstuvwxyz"  # 20, 40, … 400 times


def label(picture: Image.Image) -> str:
    """A label of one printed copy from a picture of mode "1"."""
    width, height = picture.size
    per_row = -(-width // 8)
    total = per_row * height
    return f"^XA\n^PW{width}\n^LL{height}\n^LH0,0\n^FO0,0^GFA,{total},{total},{per_row},\n{_graphic(picture, per_row)}^FS\n^PQ1\n^XZ\n"


def _graphic(picture: Image.Image, per_row: int) -> str:
    """Rows in hex with run lengths; in ZPL a set bit is black."""
    raw = picture.tobytes()  # rows padded to bytes, a set bit is white
    spare = per_row * 8 - picture.width
    mask = (0xFF << spare) & 0xFF
    out, before = [], ""
    for start in range(0, len(raw), per_row):
        row = bytes(b ^ 0xFF for b in raw[start : start + per_row])
        row = row[:-1] + bytes([row[-1] & mask])
        packed = _pack(row.hex().upper())
        out.append(":" if packed == before else packed)
        before = packed
    return "\n".join(out)


def _pack(digits: str) -> str:
    """One row: runs of a digit counted, trailing white as "," and trailing black as "!"."""
    end = digits[-1]
    body = digits.rstrip(end) if end in "0F" else digits
    tail = {"0": ",", "F": "!"}.get(end, "") if len(body) < len(digits) else ""
    out, place = [], 0
    while place < len(body):
        sign, stop = body[place], place
        while stop < len(body) and body[stop] == sign:
            stop += 1
        out.append(_count(stop - place, sign))
        place = stop
    return "".join(out) + tail


def _count(times: int, sign: str) -> str:
    out = ""
    while times >= 400:
        out, times = out + "z", times - 400
        if not times:
            return out + sign
        if times:
            out += sign
    if times == 1:
        return out + sign
    twenties, ones = divmod(times, 20)
    return out + (_TWENTIES[twenties - 1] if twenties else "") + (_ONES[ones - 1] if ones else "") + sign
