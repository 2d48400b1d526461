"""Nashpy's solvers: float64 throughout, so no list of theirs is proved complete."""

from __future__ import annotations

from solvers.bimatrix._game import AnyProfile, BimatrixGame
from solvers.bimatrix.backends._check import Method, label_of
from solvers.core import Solution

LEMKE_HOWSON = Method("nashpy", "lemke_howson")
SUPPORT_ENUMERATION = Method("nashpy", "support_enumeration")
VERTEX_ENUMERATION = Method("nashpy", "vertex_enumeration")


def nashpy_lemke_howson(
    game: BimatrixGame, *, initial_label: int = 0, time_limit: float = 60.0
) -> Solution[AnyProfile]:
    """One equilibrium by nashpy's Lemke-Howson from `initial_label`: rows are 0 to m - 1, columns m to m + n - 1.

    It may loop for ever, and is stopped after `time_limit` seconds.

    Raises
    ------
    ValueError
        If `initial_label` names no strategy or `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If nashpy is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> nashpy_lemke_howson(game, initial_label=1).require().row.round(6)
    array([0.      , 0.333333, 0.666667])

    References
    ----------
    Knight and Campbell, Nashpy: a Python library for the computation of Nash equilibria, J. Open Source Software 3
    (2018).
    """
    return LEMKE_HOWSON.solve(game, time_limit, initial_label=label_of(game, initial_label))


def nashpy_support_enumeration(
    game: BimatrixGame, *, equal_size: bool = False, time_limit: float = 60.0
) -> Solution[AnyProfile]:
    """The equilibria that nashpy finds support by support, of all sizes or only of `equal_size`.

    `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If nashpy is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> len(nashpy_support_enumeration(game).profiles)
    3

    References
    ----------
    Knight and Campbell, Nashpy: a Python library for the computation of Nash equilibria, J. Open Source Software 3
    (2018).
    """
    return SUPPORT_ENUMERATION.solve(game, time_limit, equal_size=equal_size)


def nashpy_vertex_enumeration(game: BimatrixGame, *, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """The equilibria that nashpy finds among the vertices of both best-response polytopes, by Qhull in float64.

    `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If nashpy is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> len(nashpy_vertex_enumeration(game).profiles)
    3

    References
    ----------
    Knight and Campbell, Nashpy: a Python library for the computation of Nash equilibria, J. Open Source Software 3
    (2018).
    """
    return VERTEX_ENUMERATION.solve(game, time_limit)
