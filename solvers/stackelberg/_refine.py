"""An interior-point answer made exact by sequential quadratic programming, and the solvers that CVXPY is asked for.

An interior-point method leaves an error of about the square root of its tolerance where a limit only just binds, which
is where leaders like to put their price. Quadratic problems therefore go to OSQP; the others go to Clarabel and are
then refined on the declared utility and constraints, each step solved by OSQP.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from solvers.core import Array, NotSolved
from solvers.stackelberg._atoms import Units
from solvers.stackelberg._program import Environment, Program, lower

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

STEP = 1e-9  # a refinement step, in units of z, that ends the refinement
STEPS = 12  # refinement steps at most; they converge quadratically
# OSQP's own polishing is no more exact, and prints to stdout.
OSQP = {"solver": "OSQP", "eps_abs": 1e-12, "eps_rel": 1e-12, "max_iter": 50_000, "polishing": False}
CLARABEL = {"solver": "CLARABEL", "tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}  # refined afterwards


class Refinement:
    """Sequential quadratic programming from an interior-point answer: the declared slopes and bends, one QP a step."""

    def __init__(self, cp: Any, game: StackelbergGame, units: Units, gaps: Sequence[sp.Expr]) -> None:
        self.cp, self.game, self.units = cp, game, units
        utility, self.d = game.declaration.follower_utility, game.declaration.decision
        self.utility = lower([sp.diff(utility, self.d), sp.diff(utility, self.d, 2)])
        self.gaps = [lower([sp.diff(gap, self.d), gap]) for gap in gaps]

    def refined(self, price: float, z: Array) -> Array:
        """The decisions, in units of z, at which a further step changes nothing."""
        for _ in range(STEPS):
            step = self._step(price, z)
            z = z + step
            if np.max(np.abs(step)) <= STEP:
                return z
        raise NotSolved(f"CVXPY: the refinement at price {price:.6g} still moves after {STEPS} steps")

    def _step(self, price: float, z: Array) -> Array:
        env = self.game.at(price, **{self.d.name: self.units.decisions(z)})
        slope, bend = self._numbers(self.utility, env)
        step = self.cp.Variable(z.shape)
        worth = slope @ step + 0.5 * np.minimum(bend, 0.0) @ self.cp.square(step)
        rows = [self._numbers(gap, env) for gap in self.gaps]
        limits = [self.cp.multiply(steep, step) + gap <= 0 for steep, gap in rows]
        problem = self.cp.Problem(self.cp.Maximize(worth), limits)
        optimise(problem, price, quadratic=True)
        return np.asarray(step.value, dtype=np.float64)

    def _numbers(self, program: Program, env: Environment) -> list[Array]:
        """(U', U'') or (gap', gap) in units of z, over the larger of the two; (0, 0) where one is not finite."""
        r = self.units.radius
        first, second = (np.broadcast_to(value, r.shape) for value in program.evaluate(env))
        return _normalised(first * r, second * r**2 if program is self.utility else second)


def _normalised(*columns: Array) -> list[Array]:
    """The columns over their largest absolute value, row by row; 0 in rows that have no finite values."""
    largest = np.max(np.abs(columns), axis=0)
    usable = np.isfinite(largest) & (largest > 0)
    return [np.where(usable, column, 0.0) / np.where(usable, largest, 1.0) for column in columns]


def optimise(problem: Any, price: float, *, quadratic: bool) -> None:
    """Gives the problem's variables their values at the optimum, or raises NotSolved with the solver's status."""
    import cvxpy

    options = OSQP if quadratic else CLARABEL
    with warnings.catch_warnings():
        # "may be inaccurate": the tolerances ask for more than may be reachable, and callers measure what came out.
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(**options)
        except (cvxpy.SolverError, ValueError) as reason:  # ValueError: a parameter that is not finite
            raise NotSolved(f"CVXPY: the follower problem at price {price:.6g} has no answer: {reason}") from None
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise NotSolved(f"CVXPY: the follower problem at price {price:.6g} ended as {problem.status!r}")
