"""Plane geometry of the hall plan: simple polygons in metres from the hall's top left corner.

Coordinates are ``Decimal`` on a grid of one centimetre, as the database keeps them. Whether booths share ground is decided
exactly: the coordinates become whole centimetres and no floating number is involved. An outline is a list of corners without
the first one repeated, in either sense of rotation; walls may touch, ground may not be shared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

Point = tuple[Decimal, Decimal]
Outline = tuple[Point, ...]
Cm = tuple[int, int]
CENT = Decimal("0.01")
MOST_CORNERS = 40
SMALLEST_M2 = Decimal("0.5")
LARGEST_M = Decimal(2000)
"""No hall of the world is longer; what lies beyond is a slip or a file in other units."""


class Fault(StrEnum):
    NOT_NUMBERS = "not_numbers"
    TOO_FEW = "too_few"
    TOO_MANY_CORNERS = "too_many_corners"
    CROSSES_ITSELF = "crosses_itself"
    TOO_SMALL = "too_small"
    TOO_FAR = "too_far"


class BadOutline(ValueError):
    """The corners are no outline of a booth. ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def outline(corners: object) -> Outline:
    """Corners as they come from a form or a file as a clean outline: on the grid, no corner twice or on a straight wall.

    Raises BadOutline.
    """
    points = [point(pair) for pair in _pairs(corners)]
    if any(abs(v) > LARGEST_M for p in points for v in p):
        raise BadOutline(Fault.TOO_FAR)
    clean = _straighten(_cm(points))
    if len(clean) < 3:
        raise BadOutline(Fault.TOO_FEW)
    if len(clean) > MOST_CORNERS:
        raise BadOutline(Fault.TOO_MANY_CORNERS)
    if not _simple(clean):
        raise BadOutline(Fault.CROSSES_ITSELF)
    found = _metres(clean)
    if area(found) < SMALLEST_M2:
        raise BadOutline(Fault.TOO_SMALL)
    return found


def _pairs(corners: object) -> Sequence[object]:
    if not isinstance(corners, list | tuple) or len(corners) > 4 * MOST_CORNERS:
        raise BadOutline(Fault.NOT_NUMBERS if not isinstance(corners, list | tuple) else Fault.TOO_MANY_CORNERS)
    return corners


def point(pair: object) -> Point:
    """One corner on the grid. Raises BadOutline."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise BadOutline(Fault.NOT_NUMBERS)
    out = []
    for value in pair:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise BadOutline(Fault.NOT_NUMBERS)
        try:
            number = Decimal(str(value)[:40])
        except ArithmeticError:
            raise BadOutline(Fault.NOT_NUMBERS) from None
        if not number.is_finite() or abs(number) > 10**9:
            raise BadOutline(Fault.TOO_FAR if number.is_finite() else Fault.NOT_NUMBERS)
        out.append(number.quantize(CENT, ROUND_HALF_UP))
    return out[0], out[1]


def rectangle(x: Decimal, y: Decimal, width: Decimal, depth: Decimal) -> Outline:
    """The outline of a rectangle, clockwise on the screen from its top left corner."""
    return ((x, y), (x + width, y), (x + width, y + depth), (x, y + depth))


def box(shape: Outline) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """x, y, width and depth of the rectangle around it."""
    xs, ys = [p[0] for p in shape], [p[1] for p in shape]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def is_rectangle(shape: Outline) -> bool:
    """Whether it is its own surrounding rectangle."""
    x, y, width, depth = box(shape)
    return len(shape) == 4 and set(shape) == set(rectangle(x, y, width, depth))


def area(shape: Outline) -> Decimal:
    """m², rounded half up to 0.01 (the shoelace formula)."""
    return (Decimal(abs(_twice(_cm(shape)))) / 20000).quantize(CENT, ROUND_HALF_UP)


def moved(shape: Outline, dx: Decimal, dy: Decimal) -> Outline:
    return tuple((x + dx, y + dy) for x, y in shape)


def snap(value: Decimal, step: Decimal, near: Iterable[Decimal] = (), catch: Decimal = Decimal("0.3")) -> Decimal:
    """A coordinate on the nearest wall of a neighbour within ``catch`` metres, else on the grid of ``step`` metres."""
    walls = [wall for wall in near if abs(wall - value) <= catch]
    if walls:
        return min(walls, key=lambda wall: (abs(wall - value), wall))
    return ((value / step).to_integral_value(ROUND_HALF_UP) * step).quantize(CENT)


def inside(shape: Outline, width: Decimal, depth: Decimal) -> bool:
    """Whether it stands in the hall; its walls may be the hall's."""
    x, y, w, d = box(shape)
    return x >= 0 and y >= 0 and x + w <= width and y + d <= depth


def contains(shape: Outline, point: Point) -> bool:
    """Whether the point is strictly inside; a point on the wall is not."""
    return _where(_cm(shape), _cm([point])[0]) > 0


def overlap(one: Outline, other: Outline) -> bool:
    """Whether both share ground. Touching walls and corners do not."""
    ax, ay, aw, ad = box(one)
    bx, by, bw, bd = box(other)
    if ax >= bx + bw or bx >= ax + aw or ay >= by + bd or by >= ay + ad:
        return False
    if is_rectangle(one) and is_rectangle(other):
        return True
    a, b = _cm(one), _cm(other)
    if any(_cross_properly(p, q, r, s) for p, q in _walls(a) for r, s in _walls(b)):
        return True
    # No walls cross: the pieces into which the other's corners cut a wall lie each on one side.
    return _has_piece_inside(a, b) or _has_piece_inside(b, a) or _same_ground(a, b)


def distance(one: Outline, other: Outline) -> Decimal:
    """Metres from wall to wall by the shortest straight line, rounded half up to the centimetre; 0 where they touch or share ground.

    The nearest points of two outlines that do not meet are a corner of one and a point on a wall of the other.
    """
    a, b = _cm(one), _cm(other)
    if overlap(one, other):
        return Decimal(0)
    square = min(
        min(_square_to_wall(corner, wall) for corner in ring for wall in _walls(facing)) for ring, facing in ((a, b), (b, a))
    )
    return (Decimal(square.numerator) / Decimal(square.denominator)).sqrt().scaleb(-2).quantize(CENT, ROUND_HALF_UP)


def _square_to_wall(at: Cm, wall: tuple[Cm, Cm]) -> Fraction:
    """Square of the distance from a point to a wall, exactly."""
    (px, py), (qx, qy) = wall
    dx, dy = qx - px, qy - py
    along = Fraction((at[0] - px) * dx + (at[1] - py) * dy, dx * dx + dy * dy)
    along = min(max(along, Fraction(0)), Fraction(1))
    x, y = px + along * dx - at[0], py + along * dy - at[1]
    return x * x + y * y


def union(shapes: Sequence[Outline]) -> Outline | None:
    """One outline around booths that adjoin along walls; None when they do not, touch in a corner only, or enclose a court."""
    edges: Counter[tuple[Cm, Cm]] = Counter()
    rings = [_clockwise(_cm(shape)) for shape in shapes]
    corners = {point for ring in rings for point in ring}
    for ring in rings:
        for p, q in _walls(ring):
            cut = sorted((c for c in corners if _on(p, q, c)), key=lambda c: (c[0] - p[0]) ** 2 + (c[1] - p[1]) ** 2)
            for a, b in pairwise(cut):
                edges[a, b] += 1
    rest = [(a, b) for (a, b), n in edges.items() if n and not edges[b, a]]
    after: dict[Cm, Cm] = {}
    for a, b in rest:
        if a in after:
            return None
        after[a] = b
    if not after:
        return None
    start = min(after)
    ring, at = [start], after[start]
    while at != start and at in after and len(ring) <= len(after):
        ring.append(at)
        at = after[at]
    if at != start or len(ring) != len(after):
        return None
    try:
        found = outline(_metres(_straighten(ring)))
    except BadOutline:
        return None
    return found


def split(shape: Outline, a: Point, b: Point) -> tuple[Outline, Outline] | None:
    """Both parts of an outline cut along the straight line through ``a`` and ``b``; None when it does not fall into exactly two.

    New corners are put on the grid of centimetres.
    """
    if a == b:
        return None
    dx, dy = b[0] - a[0], b[1] - a[1]
    sides = [dx * (y - a[1]) - dy * (x - a[0]) for x, y in shape]
    changes = sum(1 for one, two in _pairs_round([s for s in sides if s != 0]) if (one > 0) != (two > 0))
    if changes != 2:
        return None
    parts: tuple[list[Point], list[Point]] = ([], [])
    for i, (point, side) in enumerate(zip(shape, sides, strict=True)):
        following, beyond = shape[(i + 1) % len(shape)], sides[(i + 1) % len(shape)]
        if side >= 0:
            parts[0].append(point)
        if side <= 0:
            parts[1].append(point)
        if (side > 0 > beyond) or (side < 0 < beyond):
            share = Fraction(side) / (Fraction(side) - Fraction(beyond))
            cut = (_between(point[0], following[0], share), _between(point[1], following[1], share))
            parts[0].append(cut)
            parts[1].append(cut)
    try:
        return outline(parts[0]), outline(parts[1])
    except BadOutline:
        return None


def label_room(shape: Outline) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """A large upright rectangle inside the outline, x, y, width and depth, where its number can stand.

    The corners' own lines make a grid; the largest block of cells that lie inside is taken.
    """
    xs, ys = sorted({p[0] for p in shape}), sorted({p[1] for p in shape})
    ring = _cm(shape)

    def free(i: int, j: int, k: int, m: int) -> bool:
        cells = ((a, b) for a in range(i, k) for b in range(j, m))
        return all(
            _where(ring, (Fraction((xs[a] + xs[a + 1]) * 50), Fraction((ys[b] + ys[b + 1]) * 50))) > 0 for a, b in cells
        )

    if len(xs) * len(ys) > 64:
        return box(shape)
    best, found = Decimal(0), box(shape)
    for i in range(len(xs)):
        for k in range(i + 1, len(xs)):
            for j in range(len(ys)):
                for m in range(j + 1, len(ys)):
                    ground = (xs[k] - xs[i]) * (ys[m] - ys[j])
                    if ground > best and free(i, j, k, m):
                        best, found = ground, (xs[i], ys[j], xs[k] - xs[i], ys[m] - ys[j])
    return found


def open_to(shape: Outline, others: Iterable[Outline]) -> int:
    """How many of the four sides of the surrounding rectangle no other booth stands against, at least one."""
    x, y, w, d = box(shape)
    closed = set()
    for other in others:
        ox, oy, ow, od = box(other)
        beside = ox < x + w and x < ox + ow
        level = oy < y + d and y < oy + od
        if level and ox + ow == x:
            closed.add("left")
        if level and ox == x + w:
            closed.add("right")
        if beside and oy + od == y:
            closed.add("top")
        if beside and oy == y + d:
            closed.add("bottom")
    return max(1, 4 - len(closed))


def _cm(points: Iterable[Point]) -> list[Cm]:
    return [(int(x * 100), int(y * 100)) for x, y in points]


def _metres(points: Iterable[Cm]) -> Outline:
    return tuple((Decimal(x) / 100, Decimal(y) / 100) for x, y in points)


def _twice(ring: Sequence[Cm]) -> int:
    return sum(p[0] * q[1] - q[0] * p[1] for p, q in _walls(ring))


def _clockwise(ring: list[Cm]) -> list[Cm]:
    return ring if _twice(ring) > 0 else ring[::-1]


def _walls(ring: Sequence[Cm]) -> list[tuple[Cm, Cm]]:
    return [(ring[i], ring[(i + 1) % len(ring)]) for i in range(len(ring))]


def _pairs_round(values: Sequence[Decimal]) -> list[tuple[Decimal, Decimal]]:
    return [(values[i], values[(i + 1) % len(values)]) for i in range(len(values))]


def _turn(p: Cm, q: Cm, r: Cm) -> int:
    """Above zero when r lies to the right of p → q on the screen, below when left, zero when on the line."""
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _on(p: Cm, q: Cm, r: Cm) -> bool:
    return (
        _turn(p, q, r) == 0
        and min(p[0], q[0]) <= r[0] <= max(p[0], q[0])
        and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
    )


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _cross_properly(p: Cm, q: Cm, r: Cm, s: Cm) -> bool:
    return (
        _sign(_turn(p, q, r)) * _sign(_turn(p, q, s)) < 0 and _sign(_turn(r, s, p)) * _sign(_turn(r, s, q)) < 0
    )


def _where(ring: Sequence[Cm], at: Cm | tuple[Fraction, Fraction]) -> int:
    """1 inside, 0 on the wall, -1 outside (a ray to the right, counted exactly)."""
    x, y = at
    within = False
    for p, q in _walls(ring):
        turn = (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
        if turn == 0 and min(p[0], q[0]) <= x <= max(p[0], q[0]) and min(p[1], q[1]) <= y <= max(p[1], q[1]):
            return 0
        if (p[1] > y) != (q[1] > y) and (turn > 0) == (q[1] > p[1]):
            within = not within
    return 1 if within else -1


def _has_piece_inside(a: Sequence[Cm], b: Sequence[Cm]) -> bool:
    """Whether a piece of a wall of ``a``, cut at the corners of ``b``, runs through the inside of ``b``."""
    for p, q in _walls(a):
        stops = {p, q} | {c for c in b if _on(p, q, c)}
        # A wall may also enter through a wall's middle at its own end: its end is then a stop already.
        line = sorted(stops, key=lambda c: (c[0] - p[0]) ** 2 + (c[1] - p[1]) ** 2)
        for one, two in pairwise(line):
            if _where(b, (Fraction(one[0] + two[0], 2), Fraction(one[1] + two[1], 2))) > 0:
                return True
    return False


def _same_ground(a: Sequence[Cm], b: Sequence[Cm]) -> bool:
    """Whether both have the same outline: then every piece lies on a wall and none inside."""
    return set(_straighten(list(a))) == set(_straighten(list(b))) and abs(_twice(a)) == abs(_twice(b))


def _straighten(ring: list[Cm]) -> list[Cm]:
    """Without doubled corners and corners on a straight wall."""
    out = [p for i, p in enumerate(ring) if p != ring[i - 1]]
    again = True
    while again and len(out) >= 3:
        again = False
        for i in range(len(out)):
            if _turn(out[i - 1], out[i], out[(i + 1) % len(out)]) == 0:
                del out[i]
                out = [p for j, p in enumerate(out) if p != out[j - 1]]
                again = True
                break
    return out


def _simple(ring: Sequence[Cm]) -> bool:
    """No wall meets another but its neighbours in their corner."""
    walls = _walls(ring)
    if len(set(ring)) != len(ring):
        return False
    for i, (p, q) in enumerate(walls):
        for j in range(i + 1, len(walls)):
            r, s = walls[j]
            if j == i + 1 or (i == 0 and j == len(walls) - 1):
                continue
            if _cross_properly(p, q, r, s) or any((_on(p, q, r), _on(p, q, s), _on(r, s, p), _on(r, s, q))):
                return False
    return True


def _between(start: Decimal, end: Decimal, share: Fraction) -> Decimal:
    exact = Fraction(start) + (Fraction(end) - Fraction(start)) * share
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)


class Placing:
    """Outlines that stand, sorted into squares of ``CELL`` centimetres, so that a hall of 2,000 is not compared pair by pair."""

    CELL = 1000

    def __init__(self, there: Iterable[tuple[str, Outline]] = ()) -> None:
        self.squares: dict[Cm, list[tuple[str, Outline]]] = {}
        for name, shape in there:
            self._keep(name, shape)

    def _covered(self, shape: Outline) -> list[Cm]:
        x, y, w, d = (int(v * 100) for v in box(shape))
        return [
            (i, j)
            for i in range(x // self.CELL, (x + w - 1) // self.CELL + 1)
            for j in range(y // self.CELL, (y + d - 1) // self.CELL + 1)
        ]

    def _keep(self, name: str, shape: Outline) -> None:
        for square in self._covered(shape):
            self.squares.setdefault(square, []).append((name, shape))

    def put(self, name: str, shape: Outline) -> str | None:
        """Place it; the name of one that stands where it would, in which case it is not placed."""
        for square in self._covered(shape):
            for other, there in self.squares.get(square, ()):
                if overlap(shape, there):
                    return other
        self._keep(name, shape)
        return None


def first_overlap(new: Iterable[tuple[str, Outline]], there: Iterable[tuple[str, Outline]]) -> tuple[str, str] | None:
    """Names of the first new outline that shares ground with one that stands or with another new one, and of that one."""
    placing = Placing(there)
    for name, shape in new:
        if met := placing.put(name, shape):
            return name, met
    return None
