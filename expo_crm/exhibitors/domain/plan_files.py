"""Plans that come as files: JSON, SVG and text of polygons (also DXF), read into outlines in metres with what cannot be read.

Nothing is guessed: a shape that is no closed outline of straight walls is refused with its reason, and the caller shows both lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, ParseError

from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.geometry import BadOutline, Outline

MOST_SHAPES = 5000


class Trouble(StrEnum):
    NOT_READABLE = "not_readable"
    NO_SHAPES = "no_shapes"
    TOO_MANY = "too_many"
    PIXELS = "pixels"


class Odd(StrEnum):
    CURVED = "curved"
    TURNED = "turned"
    OPEN = "open"
    NO_CODE = "no_code"


class BadFile(ValueError):
    """The file is no plan. ``trouble`` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


@dataclass(frozen=True)
class Shape:
    """One booth of a file. ``names``: companies written on it, shown in the preview and not stored."""

    code: str
    outline: Outline
    kind: str = "shell"
    price: Decimal | None = None
    names: tuple[str, ...] = ()


@dataclass
class Plan:
    """What a file holds: shapes that can be booths, and the others with a reason (a Fault or an Odd)."""

    shapes: list[Shape] = field(default_factory=list)
    refused: list[tuple[str, StrEnum]] = field(default_factory=list)
    size: tuple[Decimal, Decimal] | None = None

    def add(self, code: str, corners: Any, scale: Decimal = Decimal(1), **more: Any) -> None:
        name = str(code)[:60].strip()
        if not name:
            self.refused.append((f"#{len(self.shapes) + len(self.refused) + 1}", Odd.NO_CODE))
            return
        try:
            points = [[_number(x) * scale, _number(y) * scale] for x, y in corners]
            found = geometry.outline(points)
        except BadOutline as bad:
            self.refused.append((name, bad.fault))
            return
        except (TypeError, ValueError, ArithmeticError):
            self.refused.append((name, geometry.Fault.NOT_NUMBERS))
            return
        self.shapes.append(Shape(name, found, **more))
        if len(self.shapes) > MOST_SHAPES:
            raise BadFile(Trouble.TOO_MANY)


def read(content: bytes, scale: Decimal = Decimal(1)) -> Plan:
    """Whatever kind it is, by its first signs. ``scale``: metres per unit of the file. Raises BadFile."""
    text = _decode(content)
    head = text.lstrip()[:200]
    if head.startswith(("{", "[")):
        plan = _json(text, scale)
    elif head.startswith("<"):
        plan = _svg(text, scale)
    elif re.match(r"\s*0\s*\r?\n\s*SECTION", text):
        plan = _dxf(text, scale)
    else:
        plan = _lines(text, scale)
    if not plan.shapes and not plan.refused:
        raise BadFile(Trouble.NO_SHAPES)
    return plan


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise BadFile(Trouble.NOT_READABLE)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(value)
    number = Decimal(str(value)[:40])
    if not number.is_finite() or abs(number) > 10**9:
        raise ValueError(value)
    return number


def _json(text: str, scale: Decimal) -> Plan:
    try:
        data = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise BadFile(Trouble.NOT_READABLE) from None
    about = data if isinstance(data, dict) else {}
    lists = (about[k] for k in ("stands", "booths", "shapes") if isinstance(about.get(k), list))
    items = data if isinstance(data, list) else next(lists, [])
    if "pixel" in str(about.get("unit", "")).lower() and scale == 1:
        raise BadFile(Trouble.PIXELS)
    plan = Plan()
    size = about.get("size")
    if isinstance(size, list) and len(size) == 2:
        try:
            plan.size = (_number(size[0]) * scale, _number(size[1]) * scale)
        except (ValueError, ArithmeticError):
            plan.size = None
    for item in items[: MOST_SHAPES + 1]:
        if not isinstance(item, dict):
            plan.refused.append((str(item)[:40], geometry.Fault.NOT_NUMBERS))
            continue
        code = next((item[k] for k in ("code", "nr", "booth", "number", "id") if item.get(k) not in {None, ""}), "")
        corners = next((item[k] for k in ("poly", "polygon", "points", "corners") if k in item), None)
        if corners is None and all(k in item for k in ("x", "y", "width")):
            corners = _corners(item)
        names = item.get("names")
        plan.add(
            str(code), corners if isinstance(corners, list) else [], scale, kind=_kind(item), price=_price(item),
            names=tuple(str(n)[:200] for n in names[:20]) if isinstance(names, list) else (),
        )  # fmt: skip
    return plan


def _corners(item: dict[str, Any]) -> list[list[Any]]:
    try:
        x, y, w, d = (_number(v) for v in (item["x"], item["y"], item["width"], item.get("depth", item.get("height"))))
    except (ValueError, ArithmeticError):
        return []
    return [[x, y], [x + w, y], [x + w, y + d], [x, y + d]]


def _kind(item: dict[str, Any]) -> str:
    word = str(item.get("kind", item.get("class", ""))).lower()
    return "raw" if word in {"raw", "raw space", "space only", "光地"} else "shell"


def _price(item: dict[str, Any]) -> Decimal | None:
    try:
        found = _number(item["price"]).quantize(Decimal("0.01"))
    except (KeyError, ValueError, ArithmeticError):
        return None
    return found if 0 <= found < 10**10 else None


def _svg(text: str, scale: Decimal) -> Plan:
    # Drawing programs write a document type, which holds nothing of the drawing; one that declares entities is no plan but an attack.
    if re.search(r"<!ENTITY", text, re.IGNORECASE):
        raise BadFile(Trouble.NOT_READABLE)
    try:
        root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>\[]*>", "", text, count=1))  # noqa: S314 (no entity can be declared)
    except (ParseError, ValueError, RecursionError):
        raise BadFile(Trouble.NOT_READABLE) from None
    plan = Plan()
    for node, turned in _walk(root, False):
        tag = node.tag.rsplit("}", 1)[-1] if isinstance(node.tag, str) else ""
        if tag not in {"rect", "polygon", "path", "circle", "ellipse", "polyline"}:
            continue
        title = next((child.text for child in node if isinstance(child.tag, str) and child.tag.endswith("title")), "")
        code = node.get("data-code") or node.get("id") or (title or "").strip()
        if turned:
            plan.refused.append((code or tag, Odd.TURNED))
        elif tag in {"circle", "ellipse"}:
            plan.refused.append((code or tag, Odd.CURVED))
        elif tag == "polyline":
            plan.refused.append((code or tag, Odd.OPEN))
        elif tag == "path":
            found = _path(node.get("d", ""))
            if isinstance(found, Odd):
                plan.refused.append((code or tag, found))
            else:
                plan.add(code, found, scale)
        elif tag == "polygon":
            plan.add(code, _pairs(node.get("points", "")), scale)
        else:
            size = {"x": node.get("x", "0"), "y": node.get("y", "0"), "width": node.get("width", ""), "depth": node.get("height", "")}
            plan.add(code, _corners({k: v.removesuffix("m") for k, v in size.items()}), scale)
    return plan


def _walk(root: Element, turned: bool) -> Iterator[tuple[Element, bool]]:
    """Every element in order, and whether it or one around it is moved or turned by a transform."""
    todo = [(root, turned)]
    while todo:
        node, moved = todo.pop()
        if isinstance(node.tag, str) and node.tag.rsplit("}", 1)[-1] in {"defs", "clipPath", "mask", "pattern", "symbol"}:
            continue
        moved = moved or bool(node.get("transform"))
        yield node, moved
        todo += [(child, moved) for child in reversed(list(node))]


def _pairs(points: str) -> list[list[str]]:
    values = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", points[:20_000])
    return [[values[i], values[i + 1]] for i in range(0, len(values) - 1, 2)]


def _path(d: str) -> list[list[Decimal]] | Odd:
    """Corners of one closed path of straight lines (M L H V Z, both cases), else why not."""
    if re.search(r"[cCsSqQtTaA]", d[:20_000]):
        return Odd.CURVED
    tokens = re.findall(r"[MmLlHhVvZz]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", d[:20_000])
    points: list[list[Decimal]] = []
    x = y = Decimal(0)
    command, i, closed = "", 0, False
    while i < len(tokens):
        if tokens[i].isalpha():
            command = tokens[i]
            i += 1
            if command in "Zz":
                closed = True
                continue
            if closed:
                return Odd.OPEN  # a second part: a hole or another shape
        take = 1 if command in "HhVv" and command else 2
        if not command or closed or i + take > len(tokens) or any(t.isalpha() for t in tokens[i : i + take]):
            return Odd.OPEN
        try:
            values = [_number(t) for t in tokens[i : i + take]]
        except (ValueError, ArithmeticError):
            return Odd.OPEN
        relative = command.islower()
        match command.upper():
            case "H":
                x = x + values[0] if relative else values[0]
            case "V":
                y = y + values[0] if relative else values[0]
            case _:
                x, y = (x + values[0], y + values[1]) if relative else (values[0], values[1])
        points.append([x, y])
        command = {"M": "L", "m": "l"}.get(command, command)
        i += take
    if not closed and (len(points) < 4 or points[0] != points[-1]):
        return Odd.OPEN
    return points


def _lines(text: str, scale: Decimal) -> Plan:
    """One booth a line: its number, then corners in metres: ``A01 0,0 3,0 3,3 0,3`` (also ``A01: (0 0) (3 0) …``)."""
    plan = Plan()
    for line in text.splitlines()[: MOST_SHAPES + 1]:
        if not line.strip() or line.lstrip().startswith(("#", ";", "//")):
            continue
        found = re.match(r"\s*([^\s:,;]+)\s*[:;,\s]\s*(.*)", line[:20_000])
        if not found:
            plan.refused.append((line.strip()[:40], geometry.Fault.TOO_FEW))
            continue
        plan.add(found[1], _pairs(found[2]), scale)
    if plan.refused and not plan.shapes:
        raise BadFile(Trouble.NOT_READABLE)
    return plan


def _dxf(text: str, scale: Decimal) -> Plan:
    """Closed LWPOLYLINE entities (or POLYLINE with its VERTEX rows) of a DXF text file.

    A booth's number is the TEXT or MTEXT inside it, else its layer. DXF counts y upwards; the plan is turned over, and moved
    so that it starts at its own corner.
    """
    rows = text.splitlines()
    pairs = [(rows[i].strip(), rows[i + 1].strip()) for i in range(0, len(rows) - 1, 2)]
    lines: list[tuple[str, list[list[Decimal]], bool, bool]] = []
    texts: list[tuple[str, Decimal, Decimal]] = []
    kind, layer, closed, curved = "", "", False, False
    now: dict[str, str] = {}
    corners: list[list[Decimal]] = []

    def close() -> None:
        if kind in {"LWPOLYLINE", "POLYLINE"}:
            lines.append((layer, corners, closed, curved))
        elif kind in {"TEXT", "MTEXT"} and {"1", "10", "20"} <= now.keys():
            texts.append((re.sub(r"\\[A-Za-z][^;]*;|[{}]", "", str(now["1"])), _number(now["10"]), _number(now["20"])))

    try:
        for code, value in pairs:
            if code == "0":
                if value == "VERTEX" and kind == "POLYLINE":
                    continue
                if not (value == "SEQEND" and kind == "POLYLINE"):
                    close()
                    kind, now, layer, corners, closed, curved = value, {}, "", [], False, False
                continue
            now[code] = value
            if code == "8":
                layer = layer or value
            elif kind in {"LWPOLYLINE", "POLYLINE"}:
                if code == "70":
                    closed = closed or bool(int(value) & 1)
                elif code == "42" and _number(value):
                    curved = True
                elif code == "10":
                    corners.append([_number(value), Decimal(0)])
                elif code == "20" and corners:
                    corners[-1][1] = _number(value)
        close()
    except (ValueError, ArithmeticError):
        raise BadFile(Trouble.NOT_READABLE) from None
    points = [p for _, shape, _, _ in lines for p in shape]
    if not points:
        raise BadFile(Trouble.NO_SHAPES)
    left, top = min(p[0] for p in points), max(p[1] for p in points)

    def turn(p: list[Decimal]) -> list[Decimal]:
        return [p[0] - left, top - p[1]]

    plan = Plan()
    for name, shape, is_closed, is_curved in lines:
        turned = [turn(p) for p in shape]
        inside = [t for t, x, y in texts if _holds(turned, turn([x, y]))]
        label = inside[0].strip() if inside else name
        if is_curved:
            plan.refused.append((label, Odd.CURVED))
        elif not is_closed and (len(shape) < 4 or shape[0] != shape[-1]):
            plan.refused.append((label, Odd.OPEN))
        else:
            plan.add(label, turned, scale)
    return plan


def _holds(corners: list[list[Decimal]], at: list[Decimal]) -> bool:
    try:
        return geometry.contains(geometry.outline(corners), (at[0], at[1]))
    except BadOutline:
        return False
