"""Expressions as straight-line programs with three meanings: float64, interval, and rounding-error bound.

One lowering serves them all, so the bound is a bound on exactly the operations that the float64 evaluation does.
Nothing is ever turned into Python source.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame, Mask, Positions

Value: TypeAlias = "Array | float"
Environment: TypeAlias = Mapping[str, Value]
Interval: TypeAlias = tuple[Value, Value]

UNIT = 2.0**-53 * (1 + 2.0**-20)  # unit roundoff, with room for the rounding of the bounds themselves
ULP = 2.0**-52
TINY = 2.0**-1040
ELEMENTARY_ULPS = 4  # what NumPy's vectorised log and exp are documented to stay within


class Op(enum.IntEnum):
    """The operations of a program."""

    CONSTANT = 0
    INPUT = 1
    ADD = 2
    SUBTRACT = 3
    MULTIPLY = 4
    DIVIDE = 5
    POWER = 6
    SQRT = 7
    LOG = 8
    EXP = 9
    MINIMUM = 10
    MAXIMUM = 11
    STEP = 12


_UFUNCS: dict[Op, np.ufunc] = {
    Op.ADD: np.add,
    Op.SUBTRACT: np.subtract,
    Op.MULTIPLY: np.multiply,
    Op.DIVIDE: np.divide,
    Op.SQRT: np.sqrt,
    Op.LOG: np.log,
    Op.EXP: np.exp,
    Op.MINIMUM: np.minimum,
    Op.MAXIMUM: np.maximum,
}
_UNARY = {Op.SQRT, Op.LOG, Op.EXP, Op.STEP}


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: `a` and `b` are earlier nodes; for POWER, `b` is the exponent."""

    op: Op
    a: int = -1
    b: int = -1

    @property
    def operands(self) -> tuple[int, ...]:
        """The nodes it reads."""
        if self.op <= Op.INPUT:
            return ()
        return (self.a,) if self.op in _UNARY or self.op is Op.POWER else (self.a, self.b)

    def renumbered(self, place: Mapping[int, int]) -> Node:
        """The same operation after the nodes have moved."""
        if self.op <= Op.INPUT:
            return self
        return Node(self.op, place[self.a], place[self.b] if self.b in self.operands[1:] else self.b)


@dataclass(frozen=True)
class Program:
    """Nodes in an order in which each needs only earlier ones; `labels` holds constants and input names by node."""

    nodes: tuple[Node, ...]
    labels: Mapping[int, sp.Expr | str]
    outputs: tuple[int, ...]

    def evaluate(self, env: Environment) -> list[Value]:
        """Each output in float64, broadcast over the inputs; outside its domain an expression is nan or infinite."""
        registers = self._registers(env)
        return [registers[k] for k in self.outputs]

    def evaluate_bounded(self, env: Environment, errors: Environment | None = None) -> tuple[list[Value], list[Value]]:
        """Each output in float64, and a bound on its error, given bounds on those of the inputs."""
        registers = self._registers(env)
        bounds = self.rounding([(value, value) for value in registers], errors)
        return [registers[k] for k in self.outputs], bounds

    def _registers(self, env: Environment) -> list[Value]:
        registers = list(self._numbers)
        for k, name in self._reads:
            registers[k] = env[name]
        if self._operations:
            with np.errstate(all="ignore"):
                for k, does, a, b in self._operations:
                    registers[k] = does(registers[a]) if b < 0 else does(registers[a], registers[b])
        return registers

    @cached_property
    def _numbers(self) -> tuple[Value, ...]:
        """The constants in float64, by node; 0 for nodes that are none."""
        labels = (self.labels.get(k, "") for k in range(len(self.nodes)))
        return tuple(0.0 if isinstance(label, str) else float(label) for label in labels)

    @cached_property
    def _reads(self) -> tuple[tuple[int, str], ...]:
        """The nodes that are inputs, and their names."""
        return tuple((k, str(self.labels[k])) for k, node in enumerate(self.nodes) if node.op is Op.INPUT)

    @cached_property
    def _operations(self) -> tuple[tuple[int, Callable[..., Value], int, int], ...]:
        """Each node that computes: its number, what it does, and its operands (the second one -1 for one only)."""
        kept = ((k, node) for k, node in enumerate(self.nodes) if node.op > Op.INPUT)
        return tuple((k, _float64(node), node.a, (*node.operands, -1)[1]) for k, node in kept)

    def split(self, hot: Iterable[str]) -> tuple[Program, tuple[str, ...], Program]:
        """The program in two: what needs no `hot` input, the names of its outputs, and the rest, which reads those."""
        hot_names = set(hot)
        is_hot: list[bool] = []
        for k, node in enumerate(self.nodes):
            inherits = any(is_hot[j] for j in node.operands)
            is_hot.append(inherits or (node.op is Op.INPUT and self.labels[k] in hot_names))
        wanted = {j for k, n in enumerate(self.nodes) if is_hot[k] for j in n.operands if not is_hot[j]}
        wanted |= {k for k in self.outputs if not is_hot[k]}
        handed = {k: f"#{k}" for k in wanted if self.nodes[k].op is not Op.CONSTANT}
        early = Program(self.nodes, self.labels, tuple(handed))._pruned()
        nodes = tuple(Node(Op.INPUT) if k in handed else n for k, n in enumerate(self.nodes))
        late = Program(nodes, {**self.labels, **handed}, self.outputs)._pruned()
        return early, tuple(handed.values()), late

    @cached_property
    def last(self) -> Program:
        """The last output alone, by the same operations."""
        return Program(self.nodes, self.labels, self.outputs[-1:])._pruned()

    def _pruned(self) -> Program:
        """The same outputs without the nodes that none of them needs."""
        needed = set(self.outputs)
        for k in range(len(self.nodes) - 1, -1, -1):
            if k in needed:
                needed.update(self.nodes[k].operands)
        kept = sorted(needed)
        place = {old: new for new, old in enumerate(kept)}
        nodes = tuple(self.nodes[k].renumbered(place) for k in kept)
        labels = {place[k]: label for k, label in self.labels.items() if k in place}
        return Program(nodes, labels, tuple(place[k] for k in self.outputs))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names this program reads."""
        return tuple(name for _, name in self._reads)

    def enclose(self, env: Mapping[str, Interval]) -> list[Interval]:
        """Each output's range over boxes of inputs, rounded outwards; undefined somewhere means unbounded."""
        registers = self.enclosures(env)
        return [registers[k] for k in self.outputs]

    def enclosures(self, env: Mapping[str, Interval]) -> list[Interval]:
        """The range of every node."""
        registers = list(self._constants)
        for k, name in self._reads:
            registers[k] = env[name]
        with np.errstate(all="ignore"):
            for k, _, _, _ in self._operations:
                registers[k] = _enclose(self.nodes[k], registers)
        return registers

    @cached_property
    def _constants(self) -> tuple[Interval, ...]:
        """Intervals that hold the constants, by node; (0, 0) for nodes that are none."""
        labels = (self.labels.get(k, "") for k in range(len(self.nodes)))
        return tuple((0.0, 0.0) if isinstance(label, str) else _constant(label) for label in labels)

    def rounding(self, ranges: Sequence[Interval], errors: Mapping[str, Value] | None = None) -> list[Value]:
        """A bound on |float64 result - true result| of each output, for any inputs within `ranges`.

        `ranges` hold every node's values, exact or computed, as `enclosures` do; `errors` bounds those of the inputs.
        """
        given = errors or {}
        with np.errstate(all="ignore"):
            bounds: list[Value] = []
            sizes = _Magnitudes(ranges)
            for k, node in enumerate(self.nodes):
                if node.op is Op.CONSTANT:
                    low, high = ranges[k]
                    bounds.append(0.0 if low is high else np.subtract(high, low))
                elif node.op is Op.INPUT:
                    bounds.append(given.get(str(self.labels[k]), 0.0))
                else:
                    bounds.append(_rounding(k, node, ranges, bounds, sizes))
        return [bounds[k] for k in self.outputs]


def _float64(node: Node) -> Callable[..., Value]:
    """One operation in float64, as a function of its operands."""
    if node.op is Op.POWER:
        return partial(_power, exponent=node.b)
    return _step if node.op is Op.STEP else _UFUNCS[node.op]


def _step(a: Value) -> Value:
    result: Array = np.greater(a, 0.0).astype(np.float64)
    return result


def _power(a: Value, exponent: int) -> Value:
    """Repeated multiplication, whose rounding is at most `exponent` units (NumPy's pow promises no bound)."""
    result = a
    for _ in range(exponent - 1):
        result = result * a
    return result


def picked(env: Environment, chosen: slice | Mask | Positions) -> dict[str, Value]:
    """The chosen followers' part of every column; numbers stay numbers."""
    return {
        name: value[chosen] if isinstance(value, np.ndarray) and value.ndim else value for name, value in env.items()
    }


def spread(value: Value, shape: tuple[int, ...]) -> Array:
    """The value broadcast to a shape; itself where it has that shape."""
    return value if isinstance(value, np.ndarray) and value.shape == shape else np.broadcast_to(value, shape)


def thin(env: Environment) -> dict[str, Interval]:
    """Each input as an interval that holds it alone."""
    return {name: (value, value) for name, value in env.items()}


def around(value: Value, error: Value) -> Interval:
    """All that lies within `error` of a value, rounded outwards."""
    with np.errstate(all="ignore"):
        return _outward(np.subtract(value, error), np.add(value, error))


# --- intervals -----------------------------------------------------------------------------------------------------


def _constant(value: sp.Expr) -> Interval:
    near = float(value)
    return (near, near) if value.is_Rational and sp.Rational(near) == value else _outward(near, near)


def _outward(low: Value, high: Value, ulps: int = 1) -> Interval:
    """The interval widened by at least `ulps` units in the last place; nan becomes unbounded."""
    room = ulps * ULP
    below = np.fmax(low - (np.abs(low) * room + TINY), -np.inf)
    return below, np.fmin(high + (np.abs(high) * room + TINY), np.inf)


def _enclose(node: Node, registers: Sequence[Interval]) -> Interval:
    low, high = registers[node.a]
    match node.op:
        case Op.POWER:
            return _enclose_power(low, high, node.b)
        case Op.SQRT:
            domain = np.where(low >= 0, low, np.nan)
            return _outward(np.sqrt(domain), np.where(low >= 0, np.sqrt(high), np.nan))
        case Op.LOG:
            domain = np.where(low > 0, low, np.nan)
            return _outward(np.log(domain), np.where(low > 0, np.log(high), np.nan), ELEMENTARY_ULPS)
        case Op.EXP:
            below, above = _outward(np.exp(low), np.exp(high), ELEMENTARY_ULPS)
            return np.maximum(below, 0.0), above
        case Op.STEP:
            return np.greater(low, 0.0).astype(float), np.greater_equal(high, 0.0).astype(float)
    return _enclose_pair(node.op, low, high, *registers[node.b])


def _enclose_pair(op: Op, low: Value, high: Value, other_low: Value, other_high: Value) -> Interval:
    match op:
        case Op.ADD:
            return _outward(low + other_low, high + other_high)
        case Op.SUBTRACT:
            return _outward(low - other_high, high - other_low)
        case Op.MULTIPLY:
            return _outward(*_corners(np.multiply, low, high, other_low, other_high))
        case Op.DIVIDE:
            below, above = _corners(np.divide, low, high, other_low, other_high)
            safe = np.logical_or(np.greater(other_low, 0), np.less(other_high, 0))
            return _outward(np.where(safe, below, np.nan), np.where(safe, above, np.nan))
        case Op.MINIMUM:
            return np.minimum(low, other_low), np.minimum(high, other_high)
        case Op.MAXIMUM:
            return np.maximum(low, other_low), np.maximum(high, other_high)
    raise AssertionError(op)


def _corners(ufunc: np.ufunc, low: Value, high: Value, other_low: Value, other_high: Value) -> Interval:
    """The extremes over the four corners; 0 * inf there means unbounded, so nan is kept.

    Two corners are enough for what is at least 0 by what is positive: for each element, whatever stands beside it.
    """
    plain = np.greater_equal(low, 0) & np.greater(other_low, 0)
    if plain.all():
        return _plain_corners(ufunc, low, high, other_low, other_high)
    corners = [ufunc(x, y) for x in (low, high) for y in (other_low, other_high)]
    first, second = np.minimum(*corners[:2]), np.minimum(*corners[2:])
    third, fourth = np.maximum(*corners[:2]), np.maximum(*corners[2:])
    below, above = np.minimum(first, second), np.maximum(third, fourth)
    lost = plain & np.isnan(below)
    if lost.any():
        two = _plain_corners(ufunc, low, high, other_low, other_high)
        return np.where(lost, two[0], below), np.where(lost, two[1], above)
    return below, above


def _plain_corners(ufunc: np.ufunc, low: Value, high: Value, other_low: Value, other_high: Value) -> Interval:
    ends = (other_low, other_high) if ufunc is np.multiply else (other_high, other_low)
    return ufunc(low, ends[0]), ufunc(high, ends[1])


def _enclose_power(low: Value, high: Value, exponent: int) -> Interval:
    below, above = _power(low, exponent), _power(high, exponent)
    if exponent % 2:
        return _outward(below, above, exponent)
    straddles = np.logical_and(np.less(low, 0), np.greater(high, 0))
    bottom, top = _outward(np.minimum(below, above), np.maximum(below, above), exponent)
    return np.where(straddles, 0.0, np.maximum(bottom, 0.0)), top


# --- rounding errors -----------------------------------------------------------------------------------------------


def magnitude(interval: Interval) -> Value:
    """The largest absolute value in an interval."""
    low, high = interval
    return np.abs(low) if low is high else np.maximum(np.abs(low), np.abs(high))


class _Magnitudes(dict[int, Value]):
    """The magnitudes of ranges by number, each computed when it is first asked for."""

    def __init__(self, ranges: Sequence[Interval]) -> None:
        super().__init__()
        self._ranges = ranges

    def __missing__(self, k: int) -> Value:
        self[k] = magnitude(self._ranges[k])
        return self[k]


def _least(interval: Interval) -> Value:
    low, high = interval
    crosses = np.logical_and(np.less_equal(low, 0), np.greater_equal(high, 0))
    return np.where(crosses, 0.0, np.minimum(np.abs(low), np.abs(high)))


def _rounding(
    k: int, node: Node, ranges: Sequence[Interval], bounds: Sequence[Value], sizes: Mapping[int, Value]
) -> Value:
    """The error passed on from the operands plus the operation's own rounding."""
    error, a = bounds[node.a], ranges[node.a]
    units = 1
    match node.op:
        case Op.ADD | Op.SUBTRACT:
            passed = error + bounds[node.b]
        case Op.MULTIPLY:
            other = bounds[node.b]
            passed = sizes[node.a] * other + sizes[node.b] * error + error * other
        case Op.DIVIDE:
            other = bounds[node.b]
            passed = _ratio(error + sizes[k] * other, _least(ranges[node.b]) - other)
        case Op.POWER:
            units = node.b
            passed = node.b * (sizes[node.a] + error) ** (node.b - 1) * error
        case Op.SQRT:
            passed = _ratio(error, np.sqrt(np.maximum(a[0] - error, 0.0)))
        case Op.LOG:
            units = 2 * ELEMENTARY_ULPS
            passed = _ratio(error, a[0] - error)
        case Op.EXP:
            units = 2 * ELEMENTARY_ULPS
            passed = sizes[k] * np.expm1(error)
        case Op.MINIMUM | Op.MAXIMUM:
            return np.maximum(error, bounds[node.b])
        case _:
            return np.where(np.logical_and(a[0] <= error, a[1] >= -error), 1.0, 0.0)
    return passed + units * UNIT * (sizes[k] + passed) + TINY


def _ratio(numerator: Value, denominator: Value) -> Value:
    """`numerator / denominator`, infinite where the denominator may vanish; 0 / anything is 0."""
    ratio = np.where(np.greater(denominator, 0), np.divide(numerator, denominator), np.inf)
    return np.where(np.equal(numerator, 0), 0.0, ratio)


# --- lowering ------------------------------------------------------------------------------------------------------


def lower(expressions: Iterable[sp.Expr], *, hot: Iterable[str] = ()) -> Program:
    """The program that evaluates `expressions`, with shared subexpressions computed once.

    Sums and products are split so that what does not depend on the `hot` inputs stands in nodes of its own.

    Raises
    ------
    InvalidGame
        If an expression uses a function that has no float64 meaning here.
    """
    builder = _Lowering(frozenset(hot))
    outputs = tuple(builder.node(sp.sympify(e)) for e in expressions)
    return Program(tuple(builder.nodes), builder.labels, outputs)


class _Lowering:
    """Node numbering by structure: equal nodes are the same node."""

    def __init__(self, hot: frozenset[str]) -> None:
        self.hot = hot
        self.nodes: list[Node] = []
        self.labels: dict[int, sp.Expr | str] = {}
        self._known: dict[object, int] = {}
        self._done: dict[sp.Expr, int] = {}

    def node(self, expr: sp.Expr) -> int:
        if expr not in self._done:
            self._done[expr] = self._lower(expr)
        return self._done[expr]

    def _emit(self, op: Op, a: int = -1, b: int = -1, label: sp.Expr | str | None = None) -> int:
        key = (op, a, b, label)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            if label is not None:
                self.labels[len(self.nodes)] = label
            self.nodes.append(Node(op, a, b))
        return self._known[key]

    def _lower(self, expr: sp.Expr) -> int:
        if expr.is_Rational:
            return self._emit(Op.CONSTANT, label=expr)
        if expr.is_Float or expr.is_NumberSymbol:
            return self._emit(Op.CONSTANT, label=expr)
        if expr.is_Symbol:
            return self._emit(Op.INPUT, label=expr.name)
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return self._product(expr)
        if expr.is_Pow:
            return self._raised(expr.base, expr.exp)
        return self._function(expr)

    def _function(self, expr: sp.Expr) -> int:
        unary = {sp.log: Op.LOG, sp.exp: Op.EXP}
        pairwise = {sp.Min: Op.MINIMUM, sp.Max: Op.MAXIMUM}
        if expr.func in unary:
            return self._emit(unary[expr.func], self.node(expr.args[0]))
        if expr.func in pairwise:
            return self._chain(pairwise[expr.func], [self.node(arg) for arg in expr.args])
        if expr.func is sp.Heaviside:
            return self._emit(Op.STEP, self.node(expr.args[0]))
        if expr.func is sp.Abs:
            return self._function(sp.Max(expr.args[0], -expr.args[0], evaluate=False))
        if expr.func is sp.sign:
            above, below = (self._emit(Op.STEP, self.node(side)) for side in (expr.args[0], -expr.args[0]))
            return self._emit(Op.SUBTRACT, above, below)
        raise InvalidGame(f"no numeric meaning for {expr.func} in {str(expr)[:60]}")

    def _chain(self, op: Op, nodes: Sequence[int]) -> int:
        result, *rest = nodes
        for other in rest:
            result = self._emit(op, result, other)
        return result

    def _cold_first(self, args: Iterable[sp.Expr]) -> list[list[sp.Expr]]:
        ordered = sorted(args, key=sp.default_sort_key)
        cold = [a for a in ordered if not self._is_hot(a)]
        return [part for part in (cold, [a for a in ordered if self._is_hot(a)]) if part]

    def _is_hot(self, expr: sp.Expr) -> bool:
        return bool(self.hot) and any(s.name in self.hot for s in expr.free_symbols)

    def _sum(self, expr: sp.Expr) -> int:
        parts = self._cold_first(expr.args)
        result = self._signed_sum(None, parts[0])
        return self._signed_sum(result, parts[1]) if len(parts) > 1 else result

    def _signed_sum(self, start: int | None, terms: Sequence[sp.Expr]) -> int:
        plus = [self.node(t) for t in terms if not t.could_extract_minus_sign()]
        minus = [self.node(-t) for t in terms if t.could_extract_minus_sign()]
        first = [start] if start is not None else [] if plus else [self.node(sp.Integer(0))]
        result = self._chain(Op.ADD, first + plus)
        for term in minus:
            result = self._emit(Op.SUBTRACT, result, term)
        return result

    def _product(self, expr: sp.Expr) -> int:
        parts = [self._quotient(part) for part in self._cold_first(expr.args)]
        return self._chain(Op.MULTIPLY, parts)

    def _quotient(self, factors: Sequence[sp.Expr]) -> int:
        over = [f for f in factors if not _is_reciprocal(f)]
        under = [1 / f for f in factors if _is_reciprocal(f)]
        top = self._chain(Op.MULTIPLY, [self.node(f) for f in over]) if over else self.node(sp.Integer(1))
        if not under:
            return top
        return self._emit(Op.DIVIDE, top, self._chain(Op.MULTIPLY, [self.node(f) for f in under]))

    def _raised(self, base: sp.Expr, exponent: sp.Expr) -> int:
        if _is_reciprocal(sp.Pow(base, exponent, evaluate=False)):
            return self._emit(Op.DIVIDE, self.node(sp.Integer(1)), self._raised(base, -exponent))
        if base is sp.E:
            return self._emit(Op.EXP, self.node(exponent))
        if exponent.is_Integer and exponent <= 64:
            return self.node(base) if exponent == 1 else self._emit(Op.POWER, self.node(base), int(exponent))
        if (2 * exponent).is_Integer and exponent <= 32:
            whole = int(exponent - sp.Rational(1, 2))
            root = self._emit(Op.SQRT, self.node(base))
            return root if whole == 0 else self._emit(Op.MULTIPLY, root, self._raised(base, sp.Integer(whole)))
        return self._emit(Op.EXP, self.node(sp.Mul(exponent, sp.log(base), evaluate=False)))


def _is_reciprocal(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow and factor.exp.is_number and factor.exp.is_negative)
