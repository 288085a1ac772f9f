"""A small safe language for formulas that organizers write: priority points, computed fields.

Python's own parser reads the text, and only the few kinds of expression listed here are carried out, over values that the
caller gives: no attribute, no import, no call but the functions below, nothing that can run long. Numbers are exact
decimals.

Operators: ``+ - * /``, comparisons (also chained), ``and or not``, ``in`` a list in brackets, ``a if condition else b``.
Functions: ``if(condition, a, b)``, ``min``, ``max``, ``round(x, places)``, ``abs``, ``sum``, ``coalesce(a, b, …)``,
``days(a, b)`` (whole days from b to a), ``year(d)``, ``len(text)``, ``contains(text, part)``.
An empty value (None) makes arithmetic empty; in a comparison it is smaller than nothing and equal to nothing but None.
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

MAX_CHARS = 1000
MAX_NODES = 200
MAX_DEPTH = 30
MAX_NUMBER = Decimal(10) ** 15
MAX_TEXT = 2000

Value = Decimal | str | bool | dt.date | None


class FormulaError(ValueError):
    """The formula cannot be read or carried out. ``code`` is stable, ``detail`` names the word or place.

    Codes when reading: "empty", "too-long", "syntax" (detail: column), "not-allowed" (what), "unknown-name" (the name),
    "unknown-function", "arguments" (the function). When carried out: "divide-by-zero", "kinds" (values do not go together),
    "too-large".
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read and checked. ``names`` are those of the caller's values that it uses."""

    text: str
    tree: ast.expr
    names: frozenset[str]

    def evaluate(self, values: Mapping[str, Any]) -> Value:
        """The result over these values; a missing one counts as empty. Integers and floats become exact. Raises FormulaError."""
        try:
            result = _run(self.tree, {name: _exact(values.get(name)) for name in self.names})
        except DecimalException as error:
            raise FormulaError("too-large") from error
        if result is None or isinstance(result, (Decimal, str, bool, dt.date)):
            return result
        raise FormulaError("kinds")  # a list is something to look into, no result


# ``if(`` where a value must begin: at the start, after an operator, a bracket, a comma or one of these words.
_IF_CALL = re.compile(r"((?:^|[-+*/<>=!(\[,]|\b(?:and|or|not|in|else)\b)\s*)if\s*\(")


def _spelled(text: str) -> str:
    """The text with ``if_(`` for ``if(``; as often as one stands directly inside another."""
    while True:
        changed = _IF_CALL.sub(r"\1if_(", text)
        if changed == text:
            return text
        text = changed


def compile(text: str, names: Iterable[str]) -> Formula:
    """Read a formula that may use these names. Raises FormulaError."""
    if not text.strip():
        raise FormulaError("empty")
    if len(text) > MAX_CHARS:
        raise FormulaError("too-long")
    try:
        # ``if(`` is what people know from spreadsheets; to Python it is a keyword.
        tree = ast.parse(_spelled(text.strip()), mode="eval").body
    except SyntaxError as error:
        raise FormulaError("syntax", str(error.offset or "")) from None
    except (ValueError, RecursionError, MemoryError):
        raise FormulaError("syntax") from None
    used: set[str] = set()
    _check(tree, frozenset(names), used, [0], 0)
    return Formula(text, tree, frozenset(used))


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _check(node: ast.AST, names: frozenset[str], used: set[str], count: list[int], depth: int) -> None:
    """Refuse everything that is not of the language, before anything is carried out."""
    count[0] += 1
    if count[0] > MAX_NODES or depth > MAX_DEPTH:
        raise FormulaError("too-long")
    match node:
        case ast.Constant(value=value):
            if value is not None and not isinstance(value, (bool, int, float, str)):
                raise FormulaError("not-allowed", repr(value)[:40])
            _exact(value)
        case ast.Name(id=name):
            if name not in names:
                raise FormulaError("unknown-name", name[:60])
            used.add(name)
        case ast.BinOp(op=op):
            if type(op) not in _BINARY:
                raise FormulaError("not-allowed", type(op).__name__)
        case ast.UnaryOp(op=sign):
            if not isinstance(sign, (ast.USub, ast.UAdd, ast.Not)):
                raise FormulaError("not-allowed", type(sign).__name__)
        case ast.Compare(ops=ops):
            for comparison in ops:
                if type(comparison) not in _COMPARE and not isinstance(comparison, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
                    raise FormulaError("not-allowed", type(comparison).__name__)
        case ast.Call(func=func, args=args, keywords=keywords):
            _check_call(func, args, keywords)
            for arg in args:
                _check(arg, names, used, count, depth + 1)
            return
        case ast.BoolOp() | ast.IfExp() | ast.List() | ast.Tuple():
            pass
        case ast.operator() | ast.unaryop() | ast.cmpop() | ast.boolop() | ast.expr_context():
            return
        case _:
            raise FormulaError("not-allowed", type(node).__name__)
    for child in ast.iter_child_nodes(node):
        _check(child, names, used, count, depth + 1)


def _check_call(func: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> None:
    if not isinstance(func, ast.Name) or func.id not in _FUNCTIONS:
        raise FormulaError("unknown-function", getattr(func, "id", "")[:60])
    low, high, _run_it = _FUNCTIONS[func.id]
    if keywords or not low <= len(args) <= high or any(isinstance(a, ast.Starred) for a in args):
        raise FormulaError("arguments", func.id.removesuffix("_"))


def _run(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return _exact(value)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _calculate(op, _run(left, values), _run(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            value = _run(operand, values)
            if isinstance(op, ast.Not):
                return not value
            number = _number(value)
            return number if number is None or isinstance(op, ast.UAdd) else -number
        case ast.BoolOp(op=op, values=parts):
            every = isinstance(op, ast.And)
            result: Any = None
            for part in parts:
                result = _run(part, values)
                if bool(result) is not every:
                    return result
            return result
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _run(body if _run(test, values) else orelse, values)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(left, ops, comparators, values)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_run(part, values) for part in parts]
        case ast.Call(func=ast.Name(id=name), args=args):
            if name == "if_":
                return _run(args[1] if _run(args[0], values) else args[2], values)
            return _sized(_FUNCTIONS[name][2](*(_run(arg, values) for arg in args)))
    raise FormulaError("not-allowed", type(node).__name__)


def _calculate(op: ast.operator, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return _sized(left + right)
    one, two = _number(left), _number(right)
    if isinstance(op, ast.Div) and two == 0:
        raise FormulaError("divide-by-zero")
    return _sized(_BINARY[type(op)](one, two))


def _compare(left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], values: Mapping[str, Any]) -> bool:
    one = _run(left, values)
    for op, part in zip(ops, rest, strict=True):
        two = _run(part, values)
        if not _holds(op, one, two):
            return False
        one = two
    return True


def _holds(op: ast.cmpop, one: Any, two: Any) -> bool:
    if isinstance(op, (ast.In, ast.NotIn)):
        if not isinstance(two, list):
            raise FormulaError("kinds", "in")
        return (one in two) is isinstance(op, ast.In)
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return (one == two) is isinstance(op, ast.Eq)
    if one is None or two is None:
        return False
    try:
        return bool(_COMPARE[type(op)](one, two))
    except TypeError:
        raise FormulaError("kinds") from None


def _exact(value: Any) -> Any:
    """A value of the language: whole numbers and floats as decimals, moments as days."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        if isinstance(value, int) and value.bit_length() > 64:
            raise FormulaError("too-large")
        return _sized(Decimal(str(value)))
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, (str, dt.date)):
        return _sized(value)
    raise FormulaError("kinds", type(value).__name__)


def _sized(value: Any) -> Any:
    if isinstance(value, Decimal) and (not value.is_finite() or abs(value) > MAX_NUMBER):
        raise FormulaError("too-large")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise FormulaError("too-large")
    return value


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, bool):
        return Decimal(int(value))
    raise FormulaError("kinds")


def _numbers(values: tuple[Any, ...]) -> list[Decimal]:
    flat = [x for v in values for x in (v if isinstance(v, list) else [v])]
    return [n for n in map(_number, flat) if n is not None]


def _round(value: Any, places: Any = Decimal(0)) -> Decimal | None:
    number, digits = _number(value), _number(places)
    if number is None or digits is None:
        return None
    if not -10 <= digits <= 10 or digits != int(digits):
        raise FormulaError("arguments", "round")
    return number.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP) + 0


def _days(later: Any, earlier: Any) -> Decimal | None:
    if later is None or earlier is None:
        return None
    if not isinstance(later, dt.date) or not isinstance(earlier, dt.date):
        raise FormulaError("kinds", "days")
    return Decimal((later - earlier).days)


def _year(value: Any) -> Decimal | None:
    if value is not None and not isinstance(value, dt.date):
        raise FormulaError("kinds", "year")
    return None if value is None else Decimal(value.year)


def _absolute(value: Any) -> Decimal | None:
    number = _number(value)
    return None if number is None else abs(number)


def _length(value: Any) -> Decimal:
    return Decimal(len(value)) if isinstance(value, (str, list)) else Decimal(0)


def _contains(value: Any, part: Any) -> bool:
    return isinstance(value, str) and isinstance(part, str) and part.casefold() in value.casefold()


# name: (fewest arguments, most, what it does)
_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "if_": (3, 3, lambda *_: None),  # carried out lazily in _run
    "min": (1, 20, lambda *v: min(_numbers(v), default=None)),
    "max": (1, 20, lambda *v: max(_numbers(v), default=None)),
    "sum": (1, 20, lambda *v: sum(_numbers(v), Decimal(0))),
    "round": (1, 2, _round),
    "abs": (1, 1, _absolute),
    "coalesce": (1, 20, lambda *v: next((x for x in v if x is not None), None)),
    "days": (2, 2, _days),
    "year": (1, 1, _year),
    "len": (1, 1, _length),
    "contains": (2, 2, _contains),
}
FUNCTIONS = tuple(sorted(name.removesuffix("_") for name in _FUNCTIONS))
