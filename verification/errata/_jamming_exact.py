"""Small exact games by the definitions alone: what the witnesses of the jamming paper are computed with.

Nothing here calls a solver: linear systems by elimination in fractions, equilibria by the vertices of both players'
best-response polyhedra, gains by trying every deviation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from models.jamming._model import jamming_model
from solvers.core import Array
from verification.errata._record import Undefined

Vector: TypeAlias = tuple[Fraction, ...]
Matrix: TypeAlias = tuple[Vector, ...]
Numbers: TypeAlias = Sequence[Sequence[Any]]  # rows of numbers of any kind
Pair: TypeAlias = tuple[Vector, Vector]  # the mixed strategies of the two players


def exact(M: Numbers) -> Matrix:
    """The matrix in fractions, as it is in binary.

    Examples
    --------
    >>> exact([[0.5, 1]])
    ((Fraction(1, 2), Fraction(1, 1)),)
    """
    return tuple(tuple(map(Fraction, row)) for row in M)


def transposed(M: Numbers) -> Matrix:
    """Columns as rows."""
    return exact(list(zip(*M, strict=True)))


def dot(a: Sequence[Any], b: Sequence[Any]) -> Fraction:
    """The inner product."""
    return sum((Fraction(p) * q for p, q in zip(a, b, strict=True)), Fraction(0))


def times(M: Numbers, v: Sequence[Any]) -> Vector:
    """The matrix times a column."""
    return tuple(dot(row, v) for row in M)


def bordered(M: Numbers) -> Matrix:
    """(M, e): the matrix with a last row and a last column of ones, and 0 in the corner."""
    return exact([*([*row, 1] for row in M), [1] * len(M) + [0]])


def det(M: Numbers) -> Fraction:
    """The determinant, by elimination.

    Examples
    --------
    >>> det([[0, 2], [3, 4]])
    Fraction(-6, 1)
    """
    rows, value = [list(row) for row in exact(M)], Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], value = rows[pivot], rows[k], -value
        value *= rows[k][k]
        _clear(rows, k, range(k + 1, len(rows)))
    return value


def solve(M: Numbers, b: Sequence[Any]) -> Vector | None:
    """The one solution of M v = b, None if there is none or more than one.

    Examples
    --------
    >>> solve([[0, 2], [3, 4]], [2, 1])
    (Fraction(-1, 1), Fraction(1, 1))
    >>> solve([[1, 1], [1, 1]], [2, 2]) is None
    True
    """
    rows = [[*row, Fraction(value)] for row, value in zip(exact(M), b, strict=True)]
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        _clear(rows, k, [i for i in range(len(rows)) if i != k])
    return tuple(row[-1] / row[k] for k, row in enumerate(rows))


def indifferent(A: Numbers, B: Numbers) -> Pair | None:
    """The only mixes, of any signs, with which both players are indifferent between all actions; None if not one."""
    e = [0] * len(A) + [1]
    x, y = solve(bordered(transposed(B)), e), solve(bordered(A), e)
    return None if x is None or y is None else (x[:-1], y[:-1])


def payoffs(A: Numbers, B: Numbers, x: Sequence[Any], y: Sequence[Any]) -> tuple[Fraction, Fraction]:
    """What the two players earn."""
    return dot(x, times(A, y)), dot(x, times(B, y))


def regrets(A: Numbers, B: Numbers, x: Sequence[Any], y: Sequence[Any]) -> tuple[Fraction, Fraction]:
    """What each player gains by its best other action.

    Examples
    --------
    >>> regrets([[1, 0], [0, 1]], [[0, 1], [1, 0]], (1, 0), (1, 0))
    (Fraction(0, 1), Fraction(1, 1))
    """
    u, v = payoffs(A, B, x, y)
    return max(times(A, y)) - u, max(times(transposed(B), x)) - v


def equilibria(A: Numbers, B: Numbers) -> frozenset[Pair]:
    """The extreme equilibria: all, if no mix has more best replies than actions, else the corners of continua.

    Vertices are found by trying which inequalities hold with equality, so games must be small, up to 4 by 4.

    Examples
    --------
    >>> [[str(p) for mix in pair for p in mix] for pair in equilibria([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])]
    [['1/2', '1/2', '1/2', '1/2']]
    """
    m, n = set(range(len(A))), set(range(len(A[0])))
    rows, columns = corners(transposed(B)), corners(A)
    return frozenset(
        (x, y)
        for x, (unused, answers) in rows.items()
        for y, (idle, replies) in columns.items()
        if unused | replies == m and idle | answers == n
    )


def regular(A: Numbers, B: Numbers) -> bool:
    """Whether (11) holds."""
    return det(bordered(A)) * det(bordered(B)) != 0


def supports(A: Numbers, B: Numbers, x: Vector, y: Vector) -> tuple[int, int]:
    """How many actions the players mix, in an equilibrium.

    Raises
    ------
    Undefined
        If this is none.
    """
    if any(regrets(A, B, x, y)):
        raise Undefined("not an equilibrium")
    return sum(p > 0 for p in x), sum(p > 0 for p in y)


def stage(fT: int = 0, fJ: int = 0, **parameters: Any) -> tuple[Matrix, Matrix]:
    """A stage game of `jamming_model(**parameters)`: both played channels `fT` and `fJ` before.

    Examples
    --------
    >>> A, B = stage(channels=1, powers=[1])
    >>> A, B
    (((Fraction(-11, 1),),), ((Fraction(9, 1),),))
    """
    game = jamming_model(**parameters).stage_game(fT, fJ)
    return exact(game.A.tolist()), exact(game.B.tolist())


def gains(discount: float, **parameters: Any) -> tuple[float, float]:
    """What deviations from the union of stage equilibria are worth, per step: the most in any state.

    The stage equilibria are the completely mixed ones, or else the only ones. By iteration of what each pair of
    previous channels is worth if the mixes are kept, and if the player always does what is best; to twelve digits, as
    rounding adds up to 1e-14 or so.
    """
    model = jamming_model(**parameters)
    F = model.channels
    games = [[model.stage_game(f, g) for g in range(F)] for f in range(F)]
    A, B = (np.array([[getattr(game, name) for game in row] for row in games]) for name in "AB")
    x, y = (np.array([[_mixes(game.A, game.B)[k] for game in row] for row in games]) for k in (0, 1))
    one = _gain(np.einsum("fgij,fgj->fgi", A, y), x, y, discount)
    other = _gain(np.einsum("fgij,fgi->gfj", B, x), y.transpose(1, 0, 2), x.transpose(1, 0, 2), discount)
    return one, other


def _gain(worth: Array, own: Array, others: Array, discount: float) -> float:
    """The gain of one player, from (own channel, other's channel, action): what each is worth now, and both mixes."""
    F, _, n = worth.shape
    moves = others.reshape(F, F, F, -1).sum(axis=3)  # by state, the channel that the other goes to
    kept = best = np.zeros((F, F))
    for _ in range(int(np.ceil(-35 / np.log(discount))) if discount else 1):  # until less than 1e-15 is to come
        kept = np.sum(own * _ahead(worth, moves, kept, discount, n // F), axis=2)
        best = np.max(_ahead(worth, moves, best, discount, n // F), axis=2)
    return round(float((1 - discount) * np.max(best - kept)), 12)


def _ahead(worth: Array, moves: Array, values: Array, discount: float, powers: int) -> Array:
    """What each action is worth with all that follows: it leads to its own channel."""
    return worth + discount * np.repeat(np.einsum("fgh,kh->fgk", moves, values), powers, axis=2)


def _mixes(A: Array, B: Array) -> tuple[Array, Array]:
    """The completely mixed equilibrium, or else the only one."""
    x, y = _indifferent(B.T), _indifferent(A)
    if min(*x, *y) > 0:
        return x, y
    (pair,) = equilibria(A.tolist(), B.tolist())
    return np.array(pair[0], dtype=float), np.array(pair[1], dtype=float)


def _indifferent(M: Array) -> Array:
    """The mix of columns against which all rows earn the same."""
    n = len(M)
    system = np.block([[M, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
    return np.asarray(np.linalg.solve(system, np.eye(n + 1)[n])[:n])


def corners(N: Matrix | Numbers) -> dict[Vector, tuple[set[int], set[int]]]:
    """Mixes of columns at the corners of their best-response polyhedron: with unused columns, and best rows against it.

    Payoffs are raised to be positive, so that a mix z with value 1/sum(z) is any z >= 0 with N z <= 1.
    """
    least = min(min(row) for row in N)
    raised = exact([[value - least + 1 for value in row] for row in N])
    m, n = len(raised), len(raised[0])
    sides = [*(tuple(int(i == j) for j in range(n)) for i in range(n)), *raised]
    limits = [0] * n + [1] * m
    found = {}
    for tight in itertools.combinations(range(n + m), n):
        z = solve([sides[k] for k in tight], [limits[k] for k in tight])
        if z is None or not any(z) or min(z) < 0 or max(reached := times(raised, z)) > 1:
            continue
        mix = tuple(value / sum(z) for value in z)
        found[mix] = {i for i in range(n) if z[i] == 0}, {j for j in range(m) if reached[j] == 1}
    return found


def _clear(rows: list[list[Fraction]], k: int, others: Sequence[int]) -> None:
    """Subtracts multiples of row k, so that column k of the others is 0."""
    for i in others:
        if rows[i][k]:
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
