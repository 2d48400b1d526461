"""A follower's best response, generated from the derived case table and vectorised over followers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame, Mask
from solvers.stackelberg._cases import CaseTable
from solvers.stackelberg._declaration import Declaration
from solvers.stackelberg._program import Environment, Program, lower

MAX_ITERATIONS = 200
CLOSE = 64 * 2.0**-52  # relative Newton step that is as small as the rounding of U' makes it
INSIDE = 2.0**-40  # share of the interval that stands for `just inside`
SLACK = 8 * 2.0**-52  # relative room for two limits that coincide but for rounding


@dataclass(frozen=True)
class Limits:
    """Each follower's feasible interval, and which constraint makes either end (-1: the sign of the decision)."""

    low: Array
    high: Array
    low_name: Array
    high_name: Array


@dataclass(frozen=True)
class Limit:
    """One constraint solved for the decision: where it binds, and on which side it then holds."""

    name: str
    root: Program
    gradient: Program
    gap: Program

    @classmethod
    def of(cls, name: str, gap: sp.Expr, root: sp.Expr, decision: sp.Symbol) -> Limit:
        """The limit that `gap <= 0` puts on the decision, met with equality at `root`."""
        return cls(name, lower([root]), lower([sp.diff(gap, decision)]), lower([gap]))

    def sides(self, env: Environment, decision: str, domain: float) -> tuple[Array, Array]:
        """The (lower, upper) limits it puts on the decision; (inf, -inf) where nothing satisfies it."""
        root = np.asarray(self.root.evaluate(env)[0], dtype=np.float64)
        with np.errstate(all="ignore"):
            return self._sides_of(root, env, decision, domain)

    def _sides_of(self, root: Array, env: Environment, decision: str, domain: float) -> tuple[Array, Array]:
        slope = self._at(self.gradient, env, decision, root)
        inside = np.isfinite(root) & (root >= domain)
        inside &= ~((root == 0.0) & (domain == 0.0) & ~np.isfinite(slope))
        low, high = np.where(slope < 0, root, -np.inf), np.where(slope > 0, root, np.inf)
        if inside.all():
            return low, high
        anywhere = self._at(self.gap, env, decision, np.ones_like(root)) <= 0
        low = np.where(inside, low, np.where(anywhere, -np.inf, np.inf))
        high = np.where(inside, high, np.where(anywhere, np.inf, -np.inf))
        return low, high

    @staticmethod
    def _at(program: Program, env: Environment, decision: str, point: Array) -> Array:
        return np.asarray(program.evaluate({**env, decision: point})[0])


class Response:
    """Numbers from a case table: limits, interior point, best response. Prices may have any shape (..., 1)."""

    def __init__(self, table: CaseTable) -> None:
        self.declaration: Declaration = table.declaration
        d, p = self.declaration.decision, self.declaration.price
        self.decision, self.price = d.name, p.name
        self.domain = 0.0 if d.is_nonnegative else -np.inf
        self.roots = table.limits
        constraints = zip(self.declaration.constraints, self.roots, strict=True)
        self.limits_of = [Limit.of(c.name, c.gap, root, d) for c, root in constraints]
        interior = next((case.decision for case in table.cases if not case.active), None)
        utility = self.declaration.follower_utility
        self.interior = None if interior is None else lower(interior, hot=[self.price])
        self.interior_form: sp.Expr | None = None if interior is None else interior[0]
        self.slopes = lower([sp.diff(utility, d), sp.diff(utility, d, 2)])

    @property
    def limits_move(self) -> bool:
        """True if some limit depends on the price."""
        return any(self.price in limit.root.inputs for limit in self.limits_of)

    def limits(self, env: Environment, shape: tuple[int, ...]) -> Limits:
        """The feasible intervals, of the given shape; infeasible where low > high."""
        low, low_name = np.full(shape, self.domain), np.full(shape, -1)
        high, high_name = np.full(shape, np.inf), np.full(shape, -1)
        for k, limit in enumerate(self.limits_of):
            below, above = limit.sides(env, self.decision, self.domain)
            low_name, low = np.where((below > -np.inf) & (below >= low), k, low_name), np.maximum(low, below)
            high_name, high = np.where((above < np.inf) & (above <= high), k, high_name), np.minimum(high, above)
        with np.errstate(all="ignore"):
            close = low - high <= SLACK * np.abs(high)
        touching = (low > high) & np.isfinite(low) & close
        return Limits(np.where(touching, high, low), high, low_name, high_name)

    def limit_error(self, env: Environment, shape: tuple[int, ...]) -> Array:
        """A bound on the rounding error of every follower's finite limits."""
        worst = np.zeros(shape)
        for limit in self.limits_of:
            (root,), (error,) = limit.root.evaluate_bounded(env)
            worst = np.maximum(worst, np.where(np.isfinite(root), error, 0.0))
        return worst

    def kind(self, limit: Limit, env: Environment, shape: tuple[int, ...]) -> Array:
        """-1 where a constraint is a lower limit, 1 where it is an upper one, 0 where it is always or never met."""
        low, high = (np.broadcast_to(side, shape) for side in limit.sides(env, self.decision, self.domain))
        return np.where(np.isfinite(low), -1.0, np.where(np.isfinite(high), 1.0, 0.0))

    def best(self, env: Environment, limits: Limits) -> Array:
        """Each follower's best decision: the interior point, moved into its limits."""
        if self.interior is None:
            return self.numeric(env, limits.low, limits.high)
        inside = self.interior.evaluate(env)[0]
        return np.minimum(np.maximum(inside, limits.low), limits.high)

    def numeric(self, env: Environment, low: Array, high: Array) -> Array:
        """The maximiser on [low, high] of a concave utility, by the signs of U' and a bracketed Newton iteration.

        Raises
        ------
        InvalidGame
            If the utility still grows at the largest float64 decision (an unbounded problem).
        """
        low = np.array(np.broadcast_to(low, np.broadcast_shapes(low.shape, np.shape(env[self.price]))), dtype=float)
        high = np.array(np.broadcast_to(high, low.shape), dtype=float)
        low, high = self._bracket(env, low, high)
        rises_low = self._marginal_near(env, low, high) > 0
        rises_high = self._marginal_near(env, high, low) >= 0
        root = self._newton(env, low, high, rises_high | ~rises_low)
        return np.where(rises_high, high, np.where(rises_low, root, low))

    def _marginal(self, env: Environment, decision: Array) -> tuple[Array, Array]:
        first, second = self.slopes.evaluate({**env, self.decision: decision})
        return np.broadcast_to(first, decision.shape), np.broadcast_to(second, decision.shape)

    def _marginal_near(self, env: Environment, end: Array, other: Array) -> Array:
        """U' at an end of the feasible interval, or just inside where it is undefined at the end itself."""
        marginal = self._marginal(env, end)[0]
        unknown = np.isnan(marginal)
        if not np.any(unknown):
            return marginal
        return np.where(unknown, self._marginal(env, end + INSIDE * (other - end))[0], marginal)

    def _bracket(self, env: Environment, low: Array, high: Array) -> tuple[Array, Array]:
        """Finite limits with the maximiser between them."""
        for end, other, sign in ((high, low, 1.0), (low, high, -1.0)):
            open_end = np.isinf(end)
            step = np.maximum(1.0, np.where(np.isfinite(other), np.abs(other), 0.0))
            end[open_end] = (np.where(np.isfinite(other), other, 0.0) + sign * step)[open_end]
            for _ in range(1100 if open_end.any() else 0):
                grows = open_end & (sign * self._marginal(env, end)[0] > 0)
                if not np.any(grows):
                    break
                with np.errstate(over="ignore"):
                    end[grows] += sign * step[grows]
                    step = 2 * step
            if not np.all(np.isfinite(end)):
                raise InvalidGame(f"the follower's problem is unbounded: utility grows with {self.decision} for ever")
        return low, high

    def _newton(self, env: Environment, low: Array, high: Array, done: Mask) -> Array:
        """Where U' changes sign between `low` and `high`, unless `done`; every fourth step halves the bracket."""
        low, high = low.copy(), high.copy()
        point = 0.5 * (low + high)
        for k in range(MAX_ITERATIONS):
            if np.all(done):
                break
            first, second = self._marginal(env, point)
            low, high = np.where(first > 0, point, low), np.where(first <= 0, point, high)
            with np.errstate(all="ignore"):
                step = point - first / second
            done |= (
                (first == 0) | (np.abs(step - point) <= CLOSE * np.abs(point)) | (high - low <= CLOSE * np.abs(point))
            )
            inside = (step > low) & (step < high) & (k % 4 != 3)
            point = np.where(done, point, np.where(inside, step, 0.5 * (low + high)))
        return point
