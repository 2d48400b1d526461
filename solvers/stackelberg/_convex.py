"""The follower problem as one vectorised CVXPY problem, generated from the declaration: a second opinion on the cases.

Nothing here knows a case, a threshold or a limit in closed form. The declared utility and constraints are split into
coefficients and convex or concave atoms of the decision; functions of the price among the coefficients become CVXPY
parameters, so that another price needs no new canonicalisation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.core import Array, InvalidGame, NotSolved
from solvers.stackelberg._atoms import NARROW, Builder, cleared, crude_limits, decompose, units_of
from solvers.stackelberg._program import Value, lower
from solvers.stackelberg._refine import Refinement, optimise

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

AGREEMENT = 1e-6  # largest deviation from the closed form, as a share of the follower's range


@dataclass(frozen=True, eq=False)
class Comparison:
    """What CVXPY says about the followers at one price, beside the closed form.

    `deviation` is the largest distance between the two, as a share of the follower's feasible range (of the distance
    to its best decision, where the range is infinite), and `follower` is whose it is. `seconds` is the time of the
    CVXPY solve, canonicalisation included at the first price.
    """

    price: float
    decisions: Array
    deviation: float
    follower: str
    seconds: float
    solver: str

    @property
    def agrees(self) -> bool:
        """Whether every follower's decision is within `AGREEMENT` of the closed form; nan is not."""
        return self.deviation <= AGREEMENT


class ConvexFollowers:
    """The followers of a game as one parametrised CVXPY problem, to be solved at as many prices as wanted.

    Raises
    ------
    InvalidGame
        If the follower problem is not representable by disciplined convex programming; the message names the term.
    NotSolved
        If CVXPY is not installed.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> followers = ConvexFollowers(load("two-peaks"))
    >>> (followers.best_response(7.0) / 1e8).round(3)
    array([9.555, 9.555, 9.555])
    """

    def __init__(self, game: StackelbergGame) -> None:
        self._cp, self.game = _cvxpy(), game
        declared, d = game.declaration, game.declaration.decision
        gaps = [cleared(c.gap, d) for c in declared.constraints]
        sums = [decompose(gap, d) for gap in gaps]
        self._linear = [s for s in sums if not s.atoms and s.square == 0]
        self.units = units_of(game, self._linear)
        builder = Builder(self._cp, game, self.units)
        with np.errstate(all="ignore"):  # numbers that are not finite are refused by name
            utility = builder.outer(decompose(declared.follower_utility, d), "the follower's utility", concave=True)
            pairs = zip(sums, declared.constraints, strict=True)
            limits = [builder.outer(form, f"constraint {c.name!r}", concave=False) <= 0 for form, c in pairs]
        self.problem = self._cp.Problem(self._cp.Maximize(self._cp.sum(utility)), limits + builder.links)
        self._z = builder.z
        self._parameters = [(parameter, lower([function])) for function, parameter in builder.parameters.items()]
        self._quadratic = bool(self.problem.is_qp())
        self._refinement = Refinement(self._cp, game, self.units, gaps)

    @property
    def solver(self) -> str:
        """The names of the solvers that CVXPY calls."""
        return "OSQP" if self._quadratic else "Clarabel, OSQP"

    def best_response(self, price: float) -> Array:
        """Each follower's best decision at a price, (n,), as CVXPY finds it.

        Raises
        ------
        InvalidGame
            If the price is outside the game's bounds, or a coefficient has another sign there than at both bounds and
            between them, so that the problem is not shown to be convex.
        NotSolved
            If the solver ends without an optimum; the message has its status.
        """
        if not self.game.bounds[0] <= price <= self.game.bounds[1]:
            raise InvalidGame(f"price must lie in {list(self.game.bounds)}, got {price}")
        env = self.game.at(price)
        for parameter, program in self._parameters:
            _set(parameter, program.evaluate(env)[0])
        optimise(self.problem, price, quadratic=self._quadratic)
        z = np.asarray(self._z.value, dtype=np.float64)
        return self.units.decisions(z if self._quadratic else self._refinement.refined(price, z))

    def compare(self, price: float) -> Comparison:
        """The largest deviation of the game's closed-form best response from CVXPY's."""
        start = time.perf_counter()
        decisions = self.best_response(price)
        seconds = time.perf_counter() - start
        share = np.abs(self.game.best_response(price) - decisions) / self._range(price, decisions)
        worst = int(np.argmax(share))
        return Comparison(price, decisions, float(share[worst]), str(self.game.names[worst]), seconds, self.solver)

    def _range(self, price: float, decisions: Array) -> Array:
        """Each follower's range: by its limits, but no wider than by the declared constraints that are linear."""
        limits, (low, high) = self.game.limits(price), crude_limits(self.game, self._linear, [price])
        width = np.fmin(limits.high - limits.low, high - low)
        width = np.where(np.isfinite(width), width, self.units.radius)
        return np.asarray(np.fmax(width, np.fmax(NARROW * np.abs(decisions), np.finfo(float).tiny)))


def convex_best_response(game: StackelbergGame, price: float) -> Array:
    """Each follower's best decision at a price, (n,), by CVXPY from the declaration; no closed form is used.

    Raises
    ------
    InvalidGame
        If the follower problem is not representable by disciplined convex programming; the message names the term.
    NotSolved
        If CVXPY is not installed, or its solver ends without an optimum.

    References
    ----------
    Agrawal et al., "Differentiable convex optimization layers", NeurIPS 2019, section 4.1 (parametrised problems).
    Baccour et al., IEEE IoT Journal 11(12), 2024, problem (22).

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> (convex_best_response(load("two-peaks"), 7.0) / 1e8).round(3)
    array([9.555, 9.555, 9.555])
    """
    return ConvexFollowers(game).best_response(price)


def compare(game: StackelbergGame, price: float) -> Comparison:
    """The largest deviation of the closed-form best response from CVXPY's at a price, and whose it is.

    Raises
    ------
    InvalidGame, NotSolved
        As `convex_best_response` does.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> compare(load("two-peaks"), 7.0).agrees
    True
    """
    return ConvexFollowers(game).compare(price)


def _set(parameter: Any, value: Value) -> None:
    try:
        parameter.value = value
    except ValueError as problem:  # of a sign other than at the prices where it was looked at
        raise InvalidGame(f"the follower problem is not shown to be convex: {parameter.name()}: {problem}") from None


def _cvxpy() -> Any:
    try:
        import cvxpy
    except ImportError:
        raise NotSolved("the second opinion on the followers needs CVXPY; install certeq[convex]") from None
    return cvxpy
