"""Numbers for the symbols of a declaration: derived columns, and what the data says about signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import sympy as sp

from solvers.core import Array
from solvers.stackelberg._aggregates import Aggregate
from solvers.stackelberg._program import Value, lower


def settle(
    table: Mapping[str, Array], parameters: Mapping[str, float], derived: Mapping[str, sp.Expr], n: int
) -> dict[str, Value]:
    """Every column and number by name, the derived ones computed in order over the given followers."""
    values: dict[str, Value] = {**parameters, **table}
    for name, expr in derived.items():
        values[name] = _resolve(expr, values, n)
    return values


def _resolve(expr: sp.Expr, values: Mapping[str, Value], n: int) -> Value:
    known = dict(values)
    aggregates = sorted(expr.atoms(Aggregate), key=lambda a: sum(1 for _ in sp.preorder_traversal(a)))
    stands_for: dict[sp.Expr, sp.Symbol] = {}
    for k, aggregate in enumerate(aggregates):
        columns = [np.broadcast_to(_plain(arg.xreplace(stands_for), known), (n,)) for arg in aggregate.args]
        stands_for[aggregate.xreplace(stands_for)] = stands_for[aggregate] = sp.Symbol(f"@{k}", real=True)
        known[f"@{k}"] = aggregate.over(*columns)
    return _plain(expr.xreplace(stands_for), known)


def _plain(expr: sp.Expr, values: Mapping[str, Value]) -> Value:
    return np.asarray(lower([expr]).evaluate(values)[0], dtype=np.float64)


def signed(symbol: sp.Symbol, least: float, most: float) -> sp.Symbol:
    """The symbol with the strongest sign assumption that a range of values allows."""
    if least > 0:
        return sp.Symbol(symbol.name, positive=True)
    if most < 0:
        return sp.Symbol(symbol.name, negative=True)
    if least >= 0:
        return sp.Symbol(symbol.name, nonnegative=True)
    return sp.Symbol(symbol.name, real=True)


def differences(expressions: Iterable[sp.Expr], values: Mapping[str, Value]) -> tuple[sp.Rel, ...]:
    """Facts `a > b` that hold for every follower, for symbols that stand in a difference a - b."""
    facts: dict[frozenset[sp.Symbol], sp.Rel] = {}
    for expr in expressions:
        for total in sp.preorder_traversal(expr):
            if total.is_Add:
                plus = [t for t in total.args if t.is_Symbol and t.name in values]
                minus = [-t for t in total.args if (-t).is_Symbol and (-t).name in values]
                for pair in ((a, b) for a in plus for b in minus):
                    facts.setdefault(frozenset(pair), _ordered(*pair, values))
    return tuple(fact for fact in facts.values() if fact is not sp.true)


def _ordered(a: sp.Symbol, b: sp.Symbol, values: Mapping[str, Value]) -> sp.Rel:
    gap = np.subtract(values[a.name], values[b.name])
    if np.min(gap) > 0:
        return sp.Gt(a, b)
    return sp.Gt(b, a) if np.max(gap) < 0 else sp.true
