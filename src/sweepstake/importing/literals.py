"""Literals of Python, read from the tree of a source text: nothing is executed or imported.

Beside plain values: sums and powers of numbers, ``range`` and NumPy's spaces as lists, SciPy's
distributions as ranges, and scikit-learn's classes with plain arguments.
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile import boosters, transformers
from sweepstake.gridfile.allowlist import dotted
from sweepstake.importing.taken import bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_VALUES = 10_000
"""Values of a space that are written out."""
MOST_NODES = 200_000
"""Parts of a text that are read, each as often as it is named."""
MOST_DIGITS = 400
DEEPEST = 50
"""Parts within parts."""
DIGITS = 10
"""Significant ones of a computed number."""


class Names(dict[str, ast.AST]):
    """The nodes that names are assigned to, and how much may still be read of them.

    A name may stand twice in what another is assigned to, and so on: the file stays small.
    """

    def __init__(self, nodes: Mapping[str, ast.AST] | None = None) -> None:
        super().__init__(nodes or {})
        self.left = MOST_NODES

    def spend(self, count: int) -> bool:
        """Whether so much more may be read."""
        self.left -= count
        return self.left >= 0


class NoLiteralError(Exception):
    """A part of a source text is code; the message shows it."""


def value_of(node: ast.AST, known: Names, depth: int = 0) -> Any:
    """The value that a node writes; names are looked up among ``known`` nodes.

    Raises:
        NoLiteralError: it is none, or too large.
    """
    reader = READERS.get(type(node))
    if reader is None or depth > DEEPEST or not known.spend(1):
        raise NoLiteralError(shown(node))
    return reader(node, known, depth + 1)


def shown(node: ast.AST) -> str:
    """A node as it is written, in short."""
    text = " ".join(ast.unparse(node).split())
    return f"'{text}'" if len(text) <= 60 else f"'{text[:59]}…'"  # noqa: PLR2004


def _constant(node: Any, _: Any, __: int) -> Any:
    if node.value is None or isinstance(node.value, str | int | float | bool):
        return node.value
    raise NoLiteralError(shown(node))


def _items(node: Any, known: Names, depth: int) -> list[Any]:
    return [value_of(each, known, depth) for each in node.elts]


def _mapping(node: Any, known: Names, depth: int) -> dict[Any, Any]:
    if any(key is None for key in node.keys):
        raise NoLiteralError(shown(node))
    pairs = zip(node.keys, node.values, strict=True)
    found = {}
    for key, each in pairs:
        name = value_of(key, known, depth)
        if isinstance(name, list | dict):
            raise NoLiteralError(shown(key))
        found[name] = value_of(each, known, depth)
    return found


def _named(node: Any, known: Names, depth: int) -> Any:
    if node.id not in known:
        raise NoLiteralError(shown(node))
    return value_of(known[node.id], known, depth)


def _signed(node: Any, known: Names, depth: int) -> Any:
    value = value_of(node.operand, known, depth)
    if isinstance(node.op, ast.USub | ast.UAdd) and _is_number(value):
        return -value if isinstance(node.op, ast.USub) else value
    raise NoLiteralError(shown(node))


def _computed(node: Any, known: Names, depth: int) -> Any:
    left, right = value_of(node.left, known, depth), value_of(node.right, known, depth)
    if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
        if not known.spend(len(left) + len(right)):
            raise NoLiteralError(shown(node))
        return left + right
    if not _is_number(left) or not _is_number(right):
        raise NoLiteralError(shown(node))
    try:
        found = _result(node.op, left, right)
    except (ArithmeticError, ValueError, KeyError):
        raise NoLiteralError(shown(node)) from None
    if not math.isfinite(found):
        raise NoLiteralError(shown(node))
    return _short(found)


def _result(operator: ast.operator, left: float, right: float) -> float:
    if isinstance(operator, ast.Pow) and abs(right) * math.log10(abs(left) + 1) > MOST_DIGITS:
        raise OverflowError
    acts: dict[type, Callable[[Any, Any], Any]] = {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.FloorDiv: lambda a, b: a // b,
        ast.Pow: lambda a, b: a**b,
    }
    found = acts[type(operator)](left, right)
    if isinstance(found, complex) or (isinstance(found, int) and abs(found) >= 10**15):
        raise ValueError
    return float(found) if isinstance(found, float) else found


def _called(node: Any, known: Names, depth: int) -> Any:
    """A call of a function that is known by its name, or of a class of scikit-learn."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "tolist" and isinstance(node.func, ast.Attribute) and not node.args:
        return value_of(node.func.value, known, depth)
    args = [value_of(each, known, depth) for each in node.args]
    named = {str(each.arg): value_of(each.value, known, depth) for each in node.keywords}
    try:
        found = FUNCTIONS[name](args, named) if name in FUNCTIONS else _class(name, args, named)
    except (ArithmeticError, ValueError, TypeError, LookupError):
        found = None
    if found is None or not known.spend(len(found) if isinstance(found, list) else 0):
        raise NoLiteralError(shown(node))
    return found


def _class(name: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """A classifier or a transformer, as a grid file writes it."""
    is_step = transformers.dotted(name)
    if args or not (is_step or dotted(name) or boosters.is_known(name)):
        return None
    if params := {k: v for k, v in named.items() if (k, v) != ("random_state", None)}:
        return {"estimator": name, "params": params}
    return name if is_step else {"estimator": name}


def _space(kind: str) -> Callable[[Sequence[Any], Mapping[str, Any]], Any]:
    def values(args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        given = {**dict(zip(("start", "stop", "num"), args, strict=False)), **named}
        count = given.get("num", 50)
        start, stop = float(given["start"]), float(given["stop"])
        base = float(given.get("base", 10))
        if kind == "geomspace":
            start, stop, base = math.log10(start), math.log10(stop), 10.0
        step = (stop - start) / (_counted(count) - 1) if count > 1 else 0.0
        points = [start + step * at for at in range(count)]
        made = points if kind == "linspace" else [base**each for each in points]
        whole = str(given.get("dtype", "")) == "int"
        return [int(each) if whole else _short(each) for each in made]

    return values


def _range(args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    given = {0: (), 1: (0, *args), 2: args, 3: args}[len(args)] if not named else ()
    start, stop, *rest = given
    step = rest[0] if rest else 1
    count = _counted(max(0, math.ceil((stop - start) / step)))
    return [_short(start + step * at) for at in range(count)] or None


def _counted(count: Any) -> int:
    if not isinstance(count, int) or count > MOST_VALUES:
        raise ValueError
    return count


def _drawn(names: tuple[str, str], make: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A distribution of SciPy's: its two arguments as bounds."""

    def axis(args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        defaults = {"loc": 0.0, "scale": 1.0}
        given = {**defaults, **dict(zip(names, args, strict=False)), **named}
        return make(given[names[0]], given[names[1]])

    return axis


def _by_log(low: Any, high: Any) -> Any:
    return bounds(float(low), float(high), log=True)[0]


FUNCTIONS: dict[str, Callable[[Sequence[Any], Mapping[str, Any]], Any]] = {
    "range": _range,
    "arange": _range,
    "linspace": _space("linspace"),
    "logspace": _space("logspace"),
    "geomspace": _space("geomspace"),
    "list": lambda args, _: list(args[0]),
    "sorted": lambda args, _: sorted(args[0]),
    "tuple": lambda args, _: list(args[0]),
    "array": lambda args, _: list(args[0]),
    "dict": lambda args, named: {**(args[0] if args else {}), **named},
    "randint": _drawn(("low", "high"), lambda low, high: bounds(int(low), int(high) - 1)[0]),
    "uniform": _drawn(("loc", "scale"), lambda at, wide: bounds(float(at), float(at + wide))[0]),
    "loguniform": _drawn(("a", "b"), _by_log),
    "reciprocal": _drawn(("a", "b"), _by_log),
}
"""What calls stand for, by the last part of the name that is called."""

READERS: dict[type[ast.AST], Callable[[Any, Names, int], Any]] = {
    ast.Constant: _constant,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Dict: _mapping,
    ast.Name: _named,
    ast.UnaryOp: _signed,
    ast.BinOp: _computed,
    ast.Call: _called,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> Any:
    """A computed number without the noise of its last digits."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
