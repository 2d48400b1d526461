"""Every extreme equilibrium, exactly, and the components that they span."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix._vertices import Masks, Pairs, Vertices, complementary, integers, vertices, words_of
from solvers.core import Solution, Status

Strategy: TypeAlias = tuple[Fraction, ...]
Clique: TypeAlias = tuple[int, int]  # row vertices and column vertices, each as the bits of an integer

METHOD = "vertex enumeration"


@dataclass(frozen=True, slots=True)
class Component:
    """A connected set of equilibria, closed: the union of its `subsets`.

    A subset is (row strategies, column strategies): every mixture of the one against every mixture of the other is an
    equilibrium, and no larger product of that kind contains it. An isolated equilibrium is one subset of one strategy
    each.
    """

    subsets: tuple[tuple[tuple[Strategy, ...], tuple[Strategy, ...]], ...]

    @property
    def isolated(self) -> bool:
        """Whether the component is a single equilibrium."""
        return all(len(rows) == len(columns) == 1 for rows, columns in self.subsets)


@dataclass(frozen=True, slots=True)
class EquilibriumComponents(Solution[RationalProfile]):
    """Extreme equilibria, `profiles`, and the `components` that consist of them and of their mixtures.

    `complete` says that these are all equilibria of the game, its payoffs taken exactly as given.
    """

    components: tuple[Component, ...] = ()


def extreme_equilibria(game: BimatrixGame, *, max_vertices: int = 10**6) -> EquilibriumComponents:
    """All extreme equilibria in rationals, and every component of equilibria.

    The vertices of both best-response polyhedra are enumerated in integers, ties and all, and matched by their labels:
    a pair is an equilibrium where each strategy is unplayed or a best reply. The maximal cliques of the matches are the
    maximal sets of exchangeable equilibria. With more than `max_vertices` vertices, matches or cliques in hand the
    status is `Status.LIMIT`, and `profiles` has what was found.

    Raises
    ------
    ValueError
        If `max_vertices` is less than 1.

    References
    ----------
    Avis, Rosenberg, Savani and von Stengel, Enumeration of Nash equilibria for two-player games, Economic Theory 42
    (2010), sections 4 and 5. Jansen, Maximal Nash subsets for bimatrix games, Naval Res. Logistics 28 (1981).

    Examples
    --------
    Against row 0 the column player does not care, up to 1/3 on column 1:

    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])
    >>> found = extreme_equilibria(game)
    >>> [(*map(str, profile.row), "|", *map(str, profile.column)) for profile in found.profiles]
    [('1', '0', '0', '|', '1', '0'), ('1', '0', '0', '|', '2/3', '1/3'), ('0', '1/3', '2/3', '|', '1/3', '2/3')]
    >>> [component.isolated for component in found.components], found.complete
    ([False, True], True)
    """
    if max_vertices < 1:
        raise ValueError(f"max_vertices must be at least 1, got {max_vertices}")
    A, B = game.rational_payoffs
    rows = vertices(integers(B.transposed), limit=max_vertices)
    columns = vertices(integers(A), limit=max_vertices)
    if rows is None or columns is None:
        return EquilibriumComponents((), Status.LIMIT, METHOD, stats={"max_vertices": max_vertices})
    pairs = complementary(rows.labels, _exchanged(columns, *game.shape), sum(game.shape), limit=max_vertices)
    return _checked(game, _described(rows, columns, pairs, max_vertices))


def _checked(game: BimatrixGame, found: EquilibriumComponents) -> EquilibriumComponents:
    """What was found, if no player gains anything at any profile, measured on the payoffs; else those that pass."""
    passing = tuple(profile for profile in found.profiles if max(game.regrets(profile)) == 0)
    if len(passing) == len(found.profiles):
        return found
    return EquilibriumComponents(passing, Status.FAILED, METHOD, stats=found.stats)


def _exchanged(columns: Vertices, m: int, n: int) -> Masks:
    """The column player's vertices with labels as the row player's have: rows first, then columns."""
    own = (1 << n) - 1
    return words_of([(labels & own) << m | labels >> n for labels in columns.label_sets()], m + n)


def _described(rows: Vertices, columns: Vertices, pairs: Pairs, limit: int) -> EquilibriumComponents:
    """The matches as profiles, the first strategies first, and as components."""
    X = {x: rows.strategy(x) for x in set(pairs[:, 0].tolist())}
    Y = {y: columns.strategy(y) for y in set(pairs[:, 1].tolist())}
    matches = sorted(pairs[:limit].tolist(), key=lambda match: (X[match[0]], Y[match[1]]), reverse=True)
    profiles = tuple(RationalProfile(X[x], Y[y]) for x, y in matches)
    stats = {"row_vertices": len(rows.weights), "column_vertices": len(columns.weights)}
    cliques = [] if len(pairs) > limit else [_maximal_cliques(group, limit) for group in _connected(matches)]
    if len(pairs) > limit or any(len(found) > limit for found in cliques):
        return EquilibriumComponents(profiles, Status.LIMIT, METHOD, stats=stats)
    stats |= {"components": len(cliques), "subsets": sum(map(len, cliques))}
    components = tuple(_component(X, Y, found) for found in cliques)
    return EquilibriumComponents(profiles, Status.SOLVED, METHOD, complete=True, stats=stats, components=components)


def _connected(matches: list[list[int]]) -> list[dict[int, int]]:
    """The matches in connected groups: each a row vertex's column vertices, as bits."""
    towards: dict[int, int] = {}  # each column vertex's way to the one that stands for its group
    first: dict[int, int] = {}  # each row vertex's first column vertex
    for x, y in matches:
        ends = _end(towards, towards.setdefault(y, y)), _end(towards, first.setdefault(x, y))
        towards[ends[0]] = ends[1]
    groups: dict[int, dict[int, int]] = {}
    for x, y in matches:
        group = groups.setdefault(_end(towards, y), {})
        group[x] = group.get(x, 0) | 1 << y
    return list(groups.values())


def _end(towards: dict[int, int], y: int) -> int:
    """Where the way from y ends; each step is made shorter, so that ways stay short."""
    while towards[y] != y:
        towards[y] = towards[towards[y]]
        y = towards[y]
    return y


def _maximal_cliques(group: dict[int, int], limit: int) -> list[Clique]:
    """Maximal sets of row vertices and column vertices that all match; more than `limit` if it stopped short.

    The column sets of maximal cliques are the intersections of the row vertices' neighbourhoods.
    """
    closed: dict[int, None] = {}
    for partners in group.values():
        closed |= dict.fromkeys(common for other in list(closed) if (common := partners & other))
        closed[partners] = None
        if len(closed) > limit:
            break
    return [(sum(1 << x for x, partners in group.items() if partners & common == common), common) for common in closed]


def _component(X: dict[int, Strategy], Y: dict[int, Strategy], cliques: list[Clique]) -> Component:
    return Component(tuple((_chosen(X, xs), _chosen(Y, ys)) for xs, ys in cliques))


def _chosen(strategies: dict[int, Strategy], bits: int) -> tuple[Strategy, ...]:
    """The strategies whose bits are set, the first ones played first."""
    return tuple(sorted((strategies[k] for k in _places(bits)), reverse=True))


def _places(bits: int) -> Iterator[int]:
    """Positions of the bits that are set."""
    return (k for k in range(bits.bit_length()) if bits >> k & 1)
