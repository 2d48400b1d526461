"""The label paths of Lemke-Howson: all equilibria that they connect, and one path vertex by vertex."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from solvers.bimatrix import _pivoting as kernels
from solvers.bimatrix._exact_path import ARTIFICIAL, Basis, ExactPaths
from solvers.bimatrix._game import BimatrixGame, Profile
from solvers.bimatrix._lemke_howson import METHOD, checked_label, checked_limit, floats, passes
from solvers.core import Array, NotSolved, Solution, Status


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
    max_pivots = checked_limit(max_pivots)
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
    profiles = [floats(exact.profile(basis)) for basis in nodes[1:]]
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
    if not passes(game, np.array(regrets)):
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
        If `initial_label` is not a label of the game, or `max_pivots` is less than 1.
    NotSolved
        If the path has more than `max_pivots` steps.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> [profile.row.round(2).tolist() for profile in lemke_howson_path(game, initial_label=0)]
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    label, paths = checked_label(sum(game.shape), initial_label), ExactPaths(game)
    end = paths.follow(ARTIFICIAL, label, checked_limit(max_pivots))
    if end is None:
        raise NotSolved(f"{METHOD}: the path of label {label} has more than {max_pivots} steps; raise max_pivots")
    return tuple(floats(paths.profile(basis)) for basis in (ARTIFICIAL, *end[2]))
