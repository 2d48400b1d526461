"""Claims tried on random instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from solvers.core import Array
from solvers.stackelberg._cases import CaseTable
from solvers.stackelberg._claims import Claim, Clause
from solvers.stackelberg._signs import Relation, Signs

Suspect: TypeAlias = tuple[int, tuple[Clause, ...]]  # a row of draws, and the way in which it refutes

MARGIN = 1e-9  # relative to the sum of the absolute terms, below which a sampled violation is taken for rounding


class Draws:
    """Random parameters that satisfy the assumptions and facts, and decisions spread over the feasible set."""

    def __init__(self, table: CaseTable, facts: tuple[Relation, ...], rng: np.random.Generator) -> None:
        self._rng = rng
        self._facts = facts
        declaration = table.declaration
        self._signs = Signs(declaration, facts)
        self._decisions = declaration.decisions
        self._parameters = (declaration.price, *declaration.parameters)
        self._points = [c.decision for c in table.cases if c.decision is not None]

    def batch(self, claim: Claim, wanted: int) -> tuple[dict[sp.Symbol, Array], list[Suspect], int]:
        """Columns of draws, the first few rows that seem to refute the claim, and how many met what is given."""
        columns = self._columns(max(wanted, 1000))
        with np.errstate(all="ignore"):
            met = np.ones(len(next(iter(columns.values()))), dtype=bool)
            for relation in (*self._facts, *claim.given):
                met &= _margin(relation, columns) >= 0
            suspects = [(int(k), way) for way in claim.ways for k in np.flatnonzero(met & _refuted(way, columns))[:3]]
        return columns, suspects, int(np.count_nonzero(met))

    def _columns(self, n: int) -> dict[sp.Symbol, Array]:
        inside = {symbol: self._signs.inside(symbol) for symbol in self._parameters}
        free = sorted({s for expr in inside.values() for s in expr.free_symbols}, key=str)
        drawn = {symbol: self._draw(symbol, n) for symbol in free}
        columns = {symbol: _evaluate(expr, drawn) for symbol, expr in inside.items()}
        mixed, weights = self._rng.random(n) < 0.7, self._rng.dirichlet(np.full(len(self._points) or 1, 0.5), n).T
        for k, decision in enumerate(self._decisions):
            with np.errstate(all="ignore"):
                points = [_evaluate(point[k], columns) for point in self._points]
                mixture = sum((w * p for w, p in zip(weights, points, strict=False)), np.zeros(n))
            columns[decision] = np.where(mixed & np.isfinite(mixture), mixture, self._draw(decision, n))
        return columns

    def _draw(self, symbol: sp.Symbol, n: int) -> Array:
        size: Array = np.exp(self._rng.normal(0.0, 1.5, n))
        if symbol.is_nonnegative:
            return size
        return -size if symbol.is_nonpositive else size * self._rng.choice([-1.0, 1.0], n)


def _evaluate(expr: sp.Expr, columns: Mapping[sp.Symbol, Array]) -> Array:
    symbols = sorted(columns, key=str)
    value = sp.lambdify(symbols, expr, modules="numpy", cse=True)(*(columns[s] for s in symbols))
    return np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(columns[symbols[0]]))


def _margin(relation: Relation, columns: Mapping[sp.Symbol, Array]) -> Array:
    """How clearly the relation holds, relative to its terms; negative where it does not, nan where undefined."""
    ordered = hasattr(relation, "gts")
    difference = relation.gts - relation.lts if ordered else relation.lhs - relation.rhs
    size = sum((np.abs(_evaluate(term, columns)) for term in sp.Add.make_args(difference)), np.zeros(1))
    margin = np.asarray(_evaluate(difference, columns) / size)
    return margin if ordered else -np.abs(margin) if isinstance(relation, sp.Equality) else np.abs(margin)


def _refuted(way: Sequence[Clause], columns: Mapping[sp.Symbol, Array]) -> npt.NDArray[np.bool_]:
    found = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for clause in way:
        margins = [_margin(relation, columns) * (1 if wanted else -1) for relation, wanted in clause]
        found &= np.logical_or.reduce([margin > MARGIN for margin in margins]) if margins else False
    return found
