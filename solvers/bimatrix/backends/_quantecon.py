"""QuantEcon's solvers: float64 throughout, so no list of theirs is proved complete."""

from __future__ import annotations

from solvers.bimatrix._game import AnyProfile, BimatrixGame
from solvers.bimatrix.backends._check import Method, label_of
from solvers.core import Solution

LEMKE_HOWSON = Method("quantecon", "lemke_howson")
SUPPORT_ENUMERATION = Method("quantecon", "support_enumeration")
VERTEX_ENUMERATION = Method("quantecon", "vertex_enumeration")


def quantecon_lemke_howson(
    game: BimatrixGame, *, initial_label: int = 0, max_pivots: int = 10**6, time_limit: float = 60.0
) -> Solution[AnyProfile]:
    """One equilibrium by QuantEcon's Lemke-Howson from `initial_label`: rows are 0 to m - 1, columns m to m + n - 1.

    `stats["pivots"]` counts its pivots, at most `max_pivots`. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `initial_label` names no strategy, `max_pivots` is not positive or `time_limit` not within 0 and 1e6 seconds.
    NotSolved
        If quantecon is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> quantecon_lemke_howson(game, initial_label=1).require().row.round(6)
    array([0.      , 0.333333, 0.666667])

    References
    ----------
    Batista, Coleman, Furusawa, Hu, Lunagariya, Lyon, McKay, Oyama, Sargent, Shi, Stachurski, Winant, Watkins, Yang and
    Zhang, QuantEcon.py: a community based Python library for quantitative economics, J. Open Source Software 9 (2024).
    """
    if max_pivots < 1:
        raise ValueError(f"max_pivots must be at least 1, got {max_pivots}")
    label = label_of(game, initial_label)
    return LEMKE_HOWSON.solve(game, time_limit, initial_label=label, max_pivots=max_pivots)


def quantecon_support_enumeration(game: BimatrixGame, *, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """The equilibria with supports of equal size that QuantEcon finds.

    `time_limit` is in seconds; the first call of a process compiles for some seconds more.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If quantecon is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> len(quantecon_support_enumeration(game).profiles)
    3

    References
    ----------
    As `quantecon_lemke_howson`.
    """
    return SUPPORT_ENUMERATION.solve(game, time_limit)


def quantecon_vertex_enumeration(game: BimatrixGame, *, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """The equilibria that QuantEcon finds among the vertices of both best-response polytopes, by Qhull in float64.

    `time_limit` is in seconds; the first call of a process compiles for some seconds more.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If quantecon is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> len(quantecon_vertex_enumeration(game).profiles)
    3

    References
    ----------
    As `quantecon_lemke_howson`.
    """
    return VERTEX_ENUMERATION.solve(game, time_limit)
