"""Sums, means, minima and maxima over followers, as SymPy functions that stay unevaluated until there is data."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import sympy as sp

from solvers.core import Array


class Aggregate(sp.Function):  # type: ignore[misc]  # SymPy ships no types
    """An expression reduced over all participating followers, or within the groups a second argument names.

    `Total(D)` is one number; `Total(D, coalition)` is a column that holds each follower's own coalition's total.
    """

    nargs = (1, 2)
    reduction: ClassVar[np.ufunc]

    @classmethod
    def eval(cls, *args: sp.Expr) -> None:
        """Never simplifies: what it stands for depends on who participates."""

    def over(self, column: Array, groups: Array | None = None) -> Array:
        """The reduced column: shape () without groups, the column's own shape with them."""
        if groups is None:
            return np.asarray(self._reduce(column))
        if np.all(groups == groups[0]):
            return np.full(column.shape, self._reduce(column))
        _, inverse = np.unique(groups, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        starts = np.searchsorted(inverse[order], np.arange(inverse.max() + 1))
        parts = [self._reduce(part) for part in np.split(column[order], starts[1:])]
        return np.asarray(parts, dtype=np.float64)[inverse]

    def _reduce(self, column: Array) -> float:
        return float(self.reduction.reduce(column))


class Total(Aggregate):
    """The sum over followers."""

    reduction = np.add


class Mean(Aggregate):
    """The arithmetic mean over followers."""

    reduction = np.add

    def _reduce(self, column: Array) -> float:
        return float(np.mean(column))


class Least(Aggregate):
    """The smallest value over followers."""

    reduction = np.minimum


class Greatest(Aggregate):
    """The largest value over followers."""

    reduction = np.maximum
