"""The evidence: one check, by payoffs alone, for every equilibrium concept. No solver is called here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from solvers.core import Array, Game

P = TypeVar("P")

FEASIBLE = 1e-9  # distance from the strategy sets, in the game's own units, that rounding may cause


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was measured about a profile, and against which tolerance.

    `residual` is the larger of the infeasibility and the worst of `regrets`, (players,), in payoff units. However large
    the payoffs and with them the tolerance, an infeasibility above `FEASIBLE` is never excused.
    """

    concept: str
    residual: float
    tolerance: float
    infeasibility: float = 0.0
    regrets: Array = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    @property
    def holds(self) -> bool:
        """True if the residual is within the tolerance and the profile feasible; nan never is."""
        return bool(self.residual <= self.tolerance and self.infeasibility <= FEASIBLE)

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "does not hold"
        return f"{self.concept}: residual {self.residual:.3g}, tolerance {self.tolerance:.3g}: {verdict}"


def certify(game: Game[P], profile: P, *, tolerance: float = 1e-9) -> Certificate:
    """Whether no player gains more than `tolerance`, in payoff units, by deviating.

    Where payoffs are large, float64 cannot tell 1e-9 apart: certify with the tolerance that the solver's `stats` name.

    Raises
    ------
    ValueError
        If `tolerance` is not a finite number of at least 0.

    Examples
    --------
    >>> from solvers.stackelberg import load, solve
    >>> game = load("two-peaks")
    >>> certify(game, solve(game).require()).holds
    True
    """
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance must be finite and >= 0, got {tolerance}")
    infeasibility, regrets = float(game.infeasibility(profile)), game.regrets(profile)
    residual = np.max([infeasibility, np.max(regrets)])  # np.max, unlike max, lets nan through
    return Certificate(game.concept, float(residual), float(tolerance), infeasibility, regrets)
