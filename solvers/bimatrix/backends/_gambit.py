"""Gambit's solvers, through pygambit."""

from __future__ import annotations

from solvers.bimatrix._game import AnyProfile, BimatrixGame
from solvers.bimatrix.backends._check import Method
from solvers.core import Solution

LCP = Method("gambit", "lcp")
ENUMMIXED = Method("gambit", "enummixed")
EXACT_ENUMMIXED = Method("gambit", "enummixed", exhaustive=True)
LP = Method("gambit", "lp")
ENUMPURE = Method("gambit", "enumpure", exhaustive=True, pure=True)
LOGIT = Method("gambit", "logit")


def gambit_lcp(
    game: BimatrixGame, *, rational: bool = False, stop_after: int | None = 1, time_limit: float = 60.0
) -> Solution[AnyProfile]:
    """Equilibria by Gambit's Lemke-Howson, in float64 or, with `rational`, exactly.

    Gambit goes on from each equilibrium it finds, along every label, until it has `stop_after` of them; None is as many
    as it reaches. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `stop_after` is not positive or `time_limit` not within 0 and 1e6 seconds.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> gambit_lcp(game, rational=True).require()
    RationalProfile(row=(Fraction(1, 1), Fraction(0, 1), Fraction(0, 1)), column=(Fraction(1, 1), Fraction(0, 1)))

    References
    ----------
    Savani and Turocy, Gambit: the package for computation in game theory, `gambit-lcp`. Lemke and Howson, Equilibrium
    points of bimatrix games, J. SIAM 12 (1964).
    """
    if stop_after is not None and stop_after < 1:
        raise ValueError(f"stop_after must be at least 1 or None, got {stop_after}")
    return LCP.solve(game, time_limit, rational=rational, stop_after=stop_after)


def gambit_enummixed(game: BimatrixGame, *, rational: bool = True, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """All extreme equilibria by Gambit's vertex enumeration; complete where it is `rational`, and not in float64.

    Of a game with infinitely many equilibria these are the ends of its components. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> found = gambit_enummixed(BimatrixGame([[1, 0], [0, 2]], [[1, 0], [0, 2]]))
    >>> len(found.profiles), found.complete
    (3, True)

    References
    ----------
    Savani and Turocy, Gambit: the package for computation in game theory, `gambit-enummixed`. Mangasarian, Equilibrium
    points of bimatrix games, J. SIAM 12 (1964).
    """
    method = EXACT_ENUMMIXED if rational else ENUMMIXED
    return method.solve(game, time_limit, rational=rational)


def gambit_lp(game: BimatrixGame, *, rational: bool = False, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """One equilibrium of a constant-sum game by Gambit's linear programme; of another game, the status `FAILED`.

    `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> gambit_lp(BimatrixGame([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])).require()
    Profile(row=array([0.5, 0.5]), column=array([0.5, 0.5]))

    References
    ----------
    Savani and Turocy, Gambit: the package for computation in game theory, `gambit-lp`.
    """
    return LP.solve(game, time_limit, rational=rational)


def gambit_enumpure(game: BimatrixGame, *, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """All equilibria in pure strategies, exactly, by Gambit; `NONE_EXISTS` where there is none.

    `complete` stays false, since mixed ones are not looked for. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> len(gambit_enumpure(BimatrixGame([[1, 0], [0, 2]], [[1, 0], [0, 2]])).profiles)
    2
    >>> gambit_enumpure(BimatrixGame([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])).status.value
    'no profile of the requested kind exists'

    References
    ----------
    Savani and Turocy, Gambit: the package for computation in game theory, `gambit-enumpure`.
    """
    return ENUMPURE.solve(game, time_limit)


def gambit_logit(game: BimatrixGame, *, tolerance: float = 1e-10, time_limit: float = 60.0) -> Solution[AnyProfile]:
    """The limit of the logit quantal responses, by Gambit's path following in float64.

    Gambit stops at a regret of `tolerance` times the range of all payoffs; where that is more than 1e-9 of the range of
    a player's own, the profile fails its check. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `tolerance` is not positive or `time_limit` not within 0 and 1e6 seconds.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> gambit_logit(BimatrixGame([[3, 0], [5, 1]], [[3, 5], [0, 1]])).require().row.round(6)
    array([0., 1.])

    References
    ----------
    Savani and Turocy, Gambit: the package for computation in game theory, `gambit-logit`. Turocy, A dynamic homotopy
    interpretation of the logistic quantal response equilibrium correspondence, Games Econ. Behav. 51 (2005).
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    return LOGIT.solve(game, time_limit, tolerance=tolerance)
