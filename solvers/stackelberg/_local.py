"""What people use now: local methods on the leader's utility. For comparison only; neither can be certified."""

from __future__ import annotations

import numpy as np

from solvers.core import Solution, Status
from solvers.stackelberg._curve import NotConcave
from solvers.stackelberg._game import Profile, StackelbergGame


def bisection(game: StackelbergGame, *, tolerance: float = 1e-12, max_iterations: int = 200) -> Solution[Profile]:
    """The stationary price that bisection on the marginal utility ends at, or the end it is driven to.

    This is what the paper recommends under its Proposition 3; it stops at a local optimum without noticing.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, Proposition 3 and Algorithm 2, line 17.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> round(bisection(load("two-peaks")).require().price, 4)
    5.8148
    """
    low, high = game.bounds
    steps = 0
    while high - low > tolerance * max(1.0, abs(low)) and steps < max_iterations:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _slope(game, middle) > 0 else (low, middle)
        steps += 1
    return _claim(game, 0.5 * (low + high), "bisection", steps)


def bounded(game: StackelbergGame, *, tolerance: float = 1e-12) -> Solution[Profile]:
    """The price that SciPy's bounded Brent minimiser ends at.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> bounded(load("two-peaks")).method
    'bounded'
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda price: -_utility(game, float(price)),
        bounds=game.bounds,
        method="bounded",
        options={"xatol": tolerance},
    )
    return _claim(game, float(found.x), "bounded", int(found.nfev))


def _utility(game: StackelbergGame, price: float) -> float:
    try:
        return game.curve.at(price).value
    except NotConcave:
        return game.leader_utility(price)


def _slope(game: StackelbergGame, price: float) -> float:
    try:
        return game.curve.at(price).slope
    except NotConcave:
        return game.leader_slopes(price)[1]


def _claim(game: StackelbergGame, price: float, method: str, evaluations: int) -> Solution[Profile]:
    decisions = game.best_response(price)
    value = game.leader_utility(price, decisions)
    stats = {"leader_utility": value, "evaluations": float(evaluations)}
    status = Status.SOLVED if np.isfinite(value) else Status.LIMIT
    return Solution((Profile(price, decisions),), status, method, stats=stats)
