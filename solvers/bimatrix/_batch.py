"""Lemke-Howson on many games of one size in one call, spread over cores."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from solvers.bimatrix import _pivoting as kernels
from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._lemke_howson import SWEEP, checked_label, checked_limit, lemke_howson
from solvers.bimatrix._payoffs import EXACT_INTEGER
from solvers.core import Array, InvalidGame, Mask, Status

SHARED = 64  # games from which it is worth spreading them over cores


@dataclass(frozen=True, slots=True)
class BatchSolution:
    """Equilibria of many games of one size.

    `row`, (games, m), and `column`, (games, n), hold the strategies, `regrets`, (games, 2), both players' in payoff
    units, `pivots`, (games,), the path lengths; where `solved`, (games,), is False the strategies are nan.
    """

    row: Array
    column: Array
    regrets: Array
    solved: Mask
    pivots: npt.NDArray[np.int64]


def lemke_howson_batch(
    A: npt.ArrayLike,
    B: npt.ArrayLike,
    *,
    initial_label: int | None = 0,
    max_pivots: int = 10**6,
    parallel: bool = True,
) -> BatchSolution:
    """One Nash equilibrium of each of many games: A[g], B[g] as in `BimatrixGame`, (games, m, n), float64.

    The answers are those of `lemke_howson`, game by game, with no Python object for each. `parallel` spreads them over
    the machine's cores.

    Raises
    ------
    InvalidGame
        If A and B are not finite real arrays of one shape (games, m, n), m and n at least 1, or hold integers that
        float64 would round.
    ValueError
        If `initial_label` is not a label of the games, or `max_pivots` is less than 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = lemke_howson_batch(rng.random((100, 4, 4)), rng.random((100, 4, 4)))
    >>> bool(found.solved.all()), found.row.shape, float(found.regrets.max()) < 1e-12
    (True, (100, 4), True)
    """
    first, second = _stack("A", A), _stack("B", B)
    if first.shape != second.shape:
        raise InvalidGame(f"A and B must have one shape, got {first.shape} and {second.shape}")
    games, m, n = first.shape
    label = checked_label(m + n, initial_label)
    max_pivots = checked_limit(max_pivots)
    row, column, regrets = np.empty((games, m)), np.empty((games, n)), np.empty((games, 2))
    counts = np.empty((games, 2), dtype=np.int64)
    results = (row, column, regrets, counts)
    cores = min(os.cpu_count() or 1, games // SHARED) if parallel else 1
    if cores <= 1:
        _solve_stack(first, second, label, max_pivots, results)
    else:
        cuts = [games * i // cores for i in range(cores + 1)]
        parts = [slice(start, stop) for start, stop in itertools.pairwise(cuts)]
        with ThreadPoolExecutor(cores) as pool:
            tasks = [
                pool.submit(_solve_stack, first[p], second[p], label, max_pivots, [r[p] for r in results])
                for p in parts
            ]
            for task in tasks:
                task.result()
    solved = counts[:, 0] == kernels.SOLVED
    for g in np.flatnonzero(~solved):
        solution = lemke_howson(BimatrixGame(first[g], second[g]), initial_label=initial_label, max_pivots=max_pivots)
        solved[g] = solution.status is Status.SOLVED
        row[g], column[g] = solution.profiles[0] if solved[g] else (np.nan, np.nan)
        regrets[g] = BimatrixGame(first[g], second[g]).regrets(solution.profiles[0]) if solved[g] else np.nan
        counts[g, 1] = solution.stats["pivots"]
    return BatchSolution(row, column, regrets, solved, counts[:, 1])


def _solve_stack(A: Array, B: Array, label: int, max_pivots: int, results: Sequence[npt.NDArray[Any]]) -> None:
    """Solves stacked games, in place: strategies, regrets, codes and pivots."""
    if A.shape[1] * A.shape[2] <= kernels.SMALL:
        kernels.many(A, B, label, max_pivots, *results)
        return
    row, column, regrets, counts = results
    for g in range(A.shape[0]):
        answer = kernels.large(A[g], B[g], label, SWEEP, max_pivots, row[g], column[g])
        counts[g], regrets[g] = answer[:2], answer[3:5]


def _stack(name: str, values: npt.ArrayLike) -> Array:
    """The games as read-only float64 in C order; the caller's array is not copied where it is that already."""
    try:
        raw = np.asarray(values)
    except ValueError:
        raise InvalidGame(f"{name} must be (games, m, n), got rows of different lengths") from None
    if raw.dtype.kind not in "fiu":
        raise InvalidGame(f"{name} must hold real numbers, got {raw.dtype}")
    if raw.ndim != 3 or 0 in raw.shape[1:]:
        raise InvalidGame(f"{name} must be (games, m, n) with m, n at least 1, got shape {raw.shape}")
    if raw.dtype.kind in "iu" and raw.size and max(-int(raw.min()), int(raw.max())) > EXACT_INTEGER:
        raise InvalidGame(f"{name} must hold whole numbers up to 2^53, or float64, got {raw.dtype} beyond")
    stack = np.ascontiguousarray(raw, dtype=np.float64).view()
    if not np.isfinite(stack).all():
        raise InvalidGame(f"{name} must be finite, game {np.argwhere(~np.isfinite(stack))[0][0]} is not")
    stack.flags.writeable = False
    return stack
