"""Numbers for the symbols of a declaration: derived columns, and what the data says about signs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame
from solvers.stackelberg._aggregates import Aggregate
from solvers.stackelberg._program import Program, Value, lower, spread


def settle(
    table: Mapping[str, Array], parameters: Mapping[str, float], derived: Mapping[str, sp.Expr], n: int
) -> dict[str, Value]:
    """Every column and number by name, the derived ones computed in order over the given followers."""
    values: dict[str, Value] = {**parameters, **table}
    for name, expr in derived.items():
        try:
            values[name] = _resolve(expr, values, n)
        except KeyError as missing:
            symbol = missing.args[0]
            raise InvalidGame(f"symbol {symbol!r} has no value: give it a parameter or a column") from None
    return values


def _resolve(expr: sp.Expr, values: Mapping[str, Value], n: int) -> Value:
    aggregates, whole = _lowered(expr)
    if not aggregates:
        return _plain(whole, values)
    known = dict(values)
    for k, (aggregate, arguments) in enumerate(aggregates):
        known[f"@{k}"] = aggregate.over(*(spread(_plain(p, known), (n,)) for p in arguments))
    return _plain(whole, known)


@lru_cache(maxsize=512)
def _lowered(expr: sp.Expr) -> tuple[list[tuple[Aggregate, list[Program]]], Program]:
    """The aggregates of an expression, inner ones first, whose values the rest reads as @0, @1, ..."""
    aggregates = sorted(expr.atoms(Aggregate), key=lambda a: sum(1 for _ in sp.preorder_traversal(a)))
    stands_for: dict[sp.Expr, sp.Symbol] = {}
    inner = []
    for k, aggregate in enumerate(aggregates):
        inner.append((aggregate, [lower([arg.xreplace(stands_for)]) for arg in aggregate.args]))
        stands_for[aggregate.xreplace(stands_for)] = stands_for[aggregate] = sp.Symbol(f"@{k}", real=True)
    return inner, lower([expr.xreplace(stands_for)])


def _plain(program: Program, values: Mapping[str, Value]) -> Value:
    return np.asarray(program.evaluate(values)[0], dtype=np.float64)


def sign(least: float, most: float) -> str:
    """The strongest sign assumption that a range of values allows."""
    if least > 0:
        return "positive"
    if most < 0:
        return "negative"
    return "nonnegative" if least >= 0 else "real"


def sign_of_values(values: Value) -> str:
    """The strongest sign assumption that these values allow."""
    if isinstance(values, np.ndarray):
        return sign(float(values.min()), float(values.max()))
    return sign(values, values)


def differences(expressions: Iterable[sp.Expr], among: Collection[str]) -> tuple[tuple[sp.Symbol, sp.Symbol], ...]:
    """The pairs (a, b) of symbols, with names `among` these, that stand in a difference a - b, each pair once."""
    pairs: dict[frozenset[sp.Symbol], tuple[sp.Symbol, sp.Symbol]] = {}
    for expr in expressions:
        for total in sp.preorder_traversal(expr):
            if total.is_Add:
                plus = [t for t in total.args if t.is_Symbol and t.name in among]
                minus = [-t for t in total.args if (-t).is_Symbol and (-t).name in among]
                for pair in ((a, b) for a in plus for b in minus):
                    pairs.setdefault(frozenset(pair), pair)
    return tuple(pairs.values())


def ordered(pairs: Iterable[tuple[sp.Symbol, sp.Symbol]], values: Mapping[str, Value]) -> tuple[sp.Rel, ...]:
    """The facts `a > b`, or `b > a`, that hold for every follower."""
    facts = (_ordered(a, b, values) for a, b in pairs)
    return tuple(fact for fact in facts if fact is not sp.true)


def _ordered(a: sp.Symbol, b: sp.Symbol, values: Mapping[str, Value]) -> sp.Rel:
    gap = np.subtract(values[a.name], values[b.name])
    if np.min(gap) > 0:
        return _greater(a, b)
    return _greater(b, a) if np.max(gap) < 0 else sp.true


@lru_cache(maxsize=512)
def _greater(a: sp.Symbol, b: sp.Symbol) -> sp.Rel:
    return sp.Gt(a, b)
