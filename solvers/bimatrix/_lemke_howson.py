"""Lemke-Howson: quick in float64, checked before it is returned, and done again in integers where a check fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from solvers.bimatrix import _pivoting as kernels
from solvers.bimatrix._exact_path import ARTIFICIAL, Basis, ExactPaths
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.bimatrix._payoffs import EXACT_INTEGER
from solvers.core import Array, InvalidGame, Mask, NotSolved, Solution, Status

METHOD = "Lemke-Howson"
SWEEP = 10  # pivots that each label gets before one of them is followed to its end
FLOATS = (None, None)  # a game whose payoffs are float64 numbers
COARSE = 1e-3  # a range of rational payoffs, relative to the largest, below which rounding may hide differences
SHARED = 64  # games in a batch from which it is worth spreading over cores


def lemke_howson(game: BimatrixGame, *, initial_label: int | None = None, max_pivots: int = 10**6) -> Solution[Profile]:
    """One Nash equilibrium: the end of the path of a label, or any, whichever is found first.

    Labels 0..m-1 are the row player's strategies, m..m+n-1 the column player's. Without a label, pure equilibria are
    looked at first, then the beginning of every label's path, then one path to its end. The profile's regrets were
    measured on the payoffs as given; where float64 loses the path or its end does not pass, it is followed again in
    integers. In a nearly degenerate game rounding may turn the path, so that it ends at another equilibrium than
    `lemke_howson_path`, which is exact.

    `stats` holds `path` ("pure", "condensed", "revised", "exact supports" or "exact": what found the profile), `label`
    (-1 if none was needed), `pivots`, `refactorisations`, and `regret`, the greater of both players' in payoff units.

    Raises
    ------
    ValueError
        If `initial_label` is not a label of the game, or `max_pivots` is less than 1.

    References
    ----------
    C. E. Lemke and J. T. Howson, Equilibrium points of bimatrix games, SIAM J. Appl. Math. 12 (1964).
    B. Codenotti, S. De Rossi and M. Pagan, An experimental analysis of Lemke-Howson algorithm (2008), for the sweep.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> row, column = lemke_howson(game, initial_label=1).require()
    >>> row.round(3).tolist(), column.round(3).tolist()
    ([0.0, 0.333, 0.667], [0.333, 0.667])
    """
    A, B = game.A, game.B
    m, n = A.shape
    # A call takes microseconds, so the usual label is checked here, and the answer's dictionary written out.
    label = initial_label if type(initial_label) is int and 0 <= initial_label < m + n else _label(m + n, initial_label)
    if max_pivots < 1:
        raise ValueError(f"max_pivots must be at least 1, got {max_pivots}")
    coarse = game._exact != FLOATS and _coarse(game)
    if coarse:
        (A, _), (B, _) = game._scaled
    x, y = np.empty(m), np.empty(n)
    if m * n <= kernels.SMALL:
        code, pivots, used, first, second = kernels.small(A, B, label, max_pivots, x, y)
        made, path = 0, "condensed"
    else:
        code, pivots, used, first, second, made = kernels.large(A, B, label, SWEEP, max_pivots, x, y)
        path = "revised"
    if code == kernels.SOLVED and coarse:  # in payoff units
        first, second = map(float, game.regrets(Profile(x, y)))
        code = kernels.SOLVED if _passes(game, np.array([first, second])) else kernels.REJECTED
    if code != kernels.SOLVED:
        return _again(game, label, max_pivots, code, Profile(x, y), pivots, made)
    stats = {
        "path": "pure" if used < 0 else path,
        "label": used,
        "pivots": pivots,
        "refactorisations": made,
        "regret": first if first > second else second,  # noqa: FURB136 - quicker
    }
    return Solution((Profile(x, y),), Status.SOLVED, METHOD, False, stats)


def _label(total: int, label: int | None) -> int:
    """The label as an integer, -1 for none."""
    if label is None:
        return -1
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 0 <= label < total:
        raise ValueError(f"initial_label must be an integer from 0 to {total - 1}, got {label!r}")
    return int(label)


def _stats(path: str, label: int, pivots: int, made: int, regret: float) -> dict[str, Any]:
    return {"path": path, "label": label, "pivots": pivots, "refactorisations": made, "regret": regret}


def _again(
    game: BimatrixGame, label: int, max_pivots: int, code: int, claimed: Profile, pivots: int, made: int
) -> Solution[Profile]:
    """What follows when float64 gave no answer that passes: other units, the answer's supports, integers."""
    if code == kernels.RESCALE:
        return _in_other_units(game, label, max_pivots)
    if code == kernels.LIMIT:
        return Solution((), Status.LIMIT, METHOD, stats=_stats("none", label, pivots, made, np.inf))
    if code == kernels.REJECTED:
        from solvers.bimatrix._exact import exact_equilibrium

        exact = exact_equilibrium(game, claimed)
        if exact.status is Status.SOLVED:
            return _rounded(game, exact.profiles[0], _stats("exact supports", label, pivots, made, 0.0))
    paths, label = ExactPaths(game), max(label, 0)
    end = paths.follow(ARTIFICIAL, label, max_pivots)
    if end is None:
        return Solution((), Status.LIMIT, METHOD, stats=_stats("none", label, max_pivots, made, np.inf))
    return _rounded(game, paths.profile(end[0]), _stats("exact", label, end[1], made, 0.0))


def _in_other_units(game: BimatrixGame, label: int, max_pivots: int) -> Solution[Profile]:
    """Solves with each player's payoffs less the least, over a power of two, which changes no equilibrium."""
    inner = lemke_howson(
        BimatrixGame(*(unit for unit, _ in game._scaled)),
        initial_label=None if label < 0 else label,
        max_pivots=max_pivots,
    )
    if inner.status is not Status.SOLVED:
        return inner
    regrets = np.asarray(game.regrets(inner.profiles[0]), dtype=np.float64)
    if not _passes(game, regrets):
        pivots, made = inner.stats["pivots"], inner.stats["refactorisations"]
        return _again(game, label, max_pivots, kernels.REJECTED, inner.profiles[0], pivots, made)
    return Solution(inner.profiles, inner.status, METHOD, stats={**inner.stats, "regret": float(np.max(regrets))})


def _rounded(game: BimatrixGame, exact: RationalProfile, stats: dict[str, Any]) -> Solution[Profile]:
    """The float64 profile nearest to an exact one, with its own regret."""
    profile = _floats(exact)
    regrets = np.asarray(game.regrets(profile), dtype=np.float64)
    stats = {**stats, "regret": float(np.max(regrets))}
    if _passes(game, regrets):
        return Solution((profile,), Status.SOLVED, METHOD, stats=stats)
    return Solution((), Status.FAILED, METHOD, stats=stats)


def _coarse(game: BimatrixGame) -> bool:
    """Whether rounding to float64 may hide what sets a player's rational payoffs apart."""
    for payoffs, exact in zip((game.A, game.B), game._exact, strict=True):
        low, size = kernels.range_of(payoffs)
        if exact is not None and size < COARSE * max(abs(low), abs(low + size)):
            return True
    return False


def _passes(game: BimatrixGame, regrets: Array) -> bool:
    return bool(np.all(regrets <= kernels.ACCEPTED * game.magnitudes()))


def _floats(exact: RationalProfile) -> Profile:
    return Profile(np.array(exact.row, dtype=np.float64), np.array(exact.column, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class LabelPaths(Solution[Profile]):
    """Equilibria that label paths connect, and the paths.

    `edges` holds (node, label, node) for every path in both directions; node 0 is the artificial equilibrium, node i
    is `profiles[i - 1]`.
    """

    edges: tuple[tuple[int, int, int], ...] = ()


class _Paths(Protocol):
    """Label paths from any basis, in float64 or in integers."""

    def follow(self, basis: Basis, label: int, max_pivots: int) -> tuple[Basis, int, list[Basis]] | None: ...


class _FloatPaths:
    """The label paths of a game, followed in float64."""

    def __init__(self, game: BimatrixGame) -> None:
        self.shape = game.shape
        m, n = game.shape
        A, B = (unit for unit, _ in game._scaled)
        (low_a, size_a), (low_b, size_b) = kernels.range_of(A), kernels.range_of(B)
        self.p = kernels.workspace(kernels.normalised(B, low_b, size_b, False), m + n)
        self.q = kernels.workspace(kernels.normalised(A, low_a, size_a, True), m + n)

    def _load(self, basis: Basis) -> list[int]:
        for side, (used, tight) in zip((self.p, self.q), basis, strict=True):
            side[3][kernels.USED, : len(used)] = sorted(used)
            side[3][kernels.TIGHT, : len(tight)] = sorted(tight)
        return [len(used) for used, _ in basis]

    def follow(self, basis: Basis, label: int, max_pivots: int) -> tuple[Basis, int, list[Basis]] | None:
        """Where the path ends and its number of pivots; None where it was lost or is too long."""
        code, pivots, _, kp, kq = kernels.follow(self.p, self.q, *self._load(basis), label, max_pivots)
        if code != kernels.SOLVED:
            return None
        (p_used, p_tight), (q_used, q_tight) = (
            (frozenset(side[3][kernels.USED, :k].tolist()), frozenset(side[3][kernels.TIGHT, :k].tolist()))
            for side, k in ((self.p, kp), (self.q, kq))
        )
        return ((p_used, p_tight), (q_used, q_tight)), pivots, []

    def profile(self, basis: Basis) -> Profile:
        """The strategies of a basis other than the artificial one; nan where it is none."""
        kp, kq = self._load(basis)
        m, n = self.shape
        x, y = np.empty(m), np.empty(n)
        entered = kernels.enter_basis(*self.p, kp, 0, m) and kernels.enter_basis(*self.q, kq, m, 0)
        if not (entered and kernels.strategies(self.p, self.q, kp, kq, x, y)):
            x[:], y[:] = np.nan, np.nan
        return Profile(x, y)


def lemke_howson_all(game: BimatrixGame, *, max_pivots: int = 10**6) -> LabelPaths:
    """Every equilibrium that label paths reach from the artificial one, with the graph of these paths.

    There may be others that no path reaches, so `complete` is never true. In a degenerate game the paths are those of
    the lexicographically perturbed game, whose nodes with equal profiles are one here. Paths are followed in float64
    and checked (each leads back whence it came, each profile passes), or else in integers; `stats["path"]` says which.
    `max_pivots` limits the pivots of all paths together.

    Raises
    ------
    ValueError
        If `max_pivots` is less than 1.

    References
    ----------
    L. S. Shapley, A note on the Lemke-Howson algorithm, Math. Programming Study 1 (1974).

    Examples
    --------
    >>> found = lemke_howson_all(BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]))
    >>> len(found.profiles), found.edges[:5]
    (3, ((0, 0, 1), (0, 1, 2), (0, 2, 1), (0, 3, 1), (0, 4, 2)))
    """
    if max_pivots < 1:
        raise ValueError(f"max_pivots must be at least 1, got {max_pivots}")
    quick = _FloatPaths(game)
    nodes, paths, pivots = _explore(quick, sum(game.shape), max_pivots)
    if paths is not None and _reversible(paths):
        found = _graph(game, [quick.profile(basis) for basis in nodes[1:]], paths, "float", pivots)
        if found.status is Status.SOLVED:
            return found
    exact = ExactPaths(game)
    nodes, paths, pivots = _explore(exact, sum(game.shape), max_pivots)
    if paths is None:
        return LabelPaths((), Status.LIMIT, METHOD, stats={"path": "exact", "pivots": pivots})
    profiles = [_floats(exact.profile(basis)) for basis in nodes[1:]]
    return _graph(game, profiles, paths, "exact", pivots)


def _explore(paths: _Paths, labels: int, max_pivots: int) -> tuple[list[Basis], dict[tuple[int, int], int] | None, int]:
    """All bases that paths reach, and where each (node, label) leads; None where a path was lost or the limit met."""
    index, nodes, leads, pivots = {ARTIFICIAL: 0}, [ARTIFICIAL], {}, 0
    for node, label in _growing(nodes, labels):
        end = paths.follow(nodes[node], label, max_pivots - pivots) if pivots < max_pivots else None
        if end is None:
            return nodes, None, pivots
        pivots += end[1]
        if end[0] not in index:
            index[end[0]] = len(nodes)
            nodes.append(end[0])
        leads[node, label] = index[end[0]]
    return nodes, leads, pivots


def _growing(nodes: list[Basis], labels: int) -> Iterator[tuple[int, int]]:
    """Each node with each label, of nodes that are added meanwhile too."""
    node = 0
    while node < len(nodes):  # bounded by the number of bases, and by the caller's pivots
        yield from ((node, label) for label in range(labels))
        node += 1


def _reversible(leads: dict[tuple[int, int], int]) -> bool:
    return all(leads.get((end, label)) == node for (node, label), end in leads.items())


def _graph(
    game: BimatrixGame, found: list[Profile], leads: dict[tuple[int, int], int], path: str, pivots: int
) -> LabelPaths:
    """The checked profiles, equal ones as one node, and the paths between them."""
    regrets = [np.asarray(game.regrets(profile), dtype=np.float64) for profile in found]
    stats = {"path": path, "pivots": pivots, "regret": float(np.max(regrets))}
    if not _passes(game, np.array(regrets)):
        return LabelPaths((), Status.FAILED, METHOD, stats=stats)
    profiles: list[Profile] = []
    renamed = [0]
    for profile in found:
        same = (i for i, known in enumerate(profiles) if all(map(_equal, profile, known)))
        place = next(same, len(profiles))
        if place == len(profiles):
            profiles.append(profile)
        renamed.append(place + 1)
    edges = sorted({(renamed[node], label, renamed[end]) for (node, label), end in leads.items()})
    return LabelPaths(tuple(profiles), Status.SOLVED, METHOD, stats=stats, edges=tuple(edges))


def _equal(first: Array, second: Array) -> bool:
    return bool(np.max(np.abs(first - second)) <= 1e-10)


def lemke_howson_path(game: BimatrixGame, *, initial_label: int = 0, max_pivots: int = 10**4) -> tuple[Profile, ...]:
    """The vertices that the path of a label visits, each as a pair of strategies.

    It begins at the artificial equilibrium, which is all zeros, as is a player's part of a vertex until the path has
    moved it, and ends at a Nash equilibrium. It is followed in integers.

    Raises
    ------
    ValueError
        If `initial_label` is not a label of the game.
    NotSolved
        If the path has more than `max_pivots` steps.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> [profile.row.round(2).tolist() for profile in lemke_howson_path(game, initial_label=0)]
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    label, paths = _label(sum(game.shape), initial_label), ExactPaths(game)
    end = paths.follow(ARTIFICIAL, label, max_pivots)
    if end is None:
        raise NotSolved(f"{METHOD}: the path of label {label} has more than {max_pivots} steps; raise max_pivots")
    return tuple(_floats(paths.profile(basis)) for basis in (ARTIFICIAL, *end[2]))


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
    label = _label(m + n, initial_label)
    if max_pivots < 1:
        raise ValueError(f"max_pivots must be at least 1, got {max_pivots}")
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
