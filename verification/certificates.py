"""The evidence: one check, by payoffs alone, for every equilibrium concept. No solver is called here."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import numpy as np

from solvers.core import Array, Exact, Game

P = TypeVar("P")

FEASIBLE = 1e-9  # distance from the strategy sets, in the game's own units, that rounding may cause


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was measured about a profile, and against which tolerance.

    `residual` is the worst of `regrets`, (players,), in payoff units, or the infeasibility where that is an offence:
    however large the payoffs and with them the tolerance, one above `FEASIBLE` is never excused, and none of a rational
    profile. Whatever is measured about a rational profile is a fraction, without rounding.
    """

    concept: str
    residual: float | Fraction
    tolerance: float
    infeasibility: float | Fraction = 0.0
    regrets: Array | Exact = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    @property
    def holds(self) -> bool:
        """True if the residual is within the tolerance and the profile feasible; nan never is."""
        return bool(self.residual <= self.tolerance and self.infeasibility <= _allowance(self.infeasibility))

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "does not hold"
        exact = "exactly " if isinstance(self.residual, Fraction) else ""
        size = f"{exact}{float(self.residual):.3g}"
        return f"{self.concept}: residual {size}, tolerance {self.tolerance:.3g}: {verdict}"


def certify(game: Game[P], profile: P, *, tolerance: float | Array | None = None) -> Certificate:
    """Whether no player gains more than `tolerance`, in payoff units, by deviating.

    By default the tolerance is 1e-9, and 0 for a profile in rationals, which is checked in rationals.

    The tolerance is one number, or one per player, (players,), where their payoffs differ in size. The certificate then
    shows the residual and the tolerance of the player with the least room.

    Raises
    ------
    ValueError
        If `tolerance` is not finite and at least 0, or not one number and not one per player.

    Examples
    --------
    >>> from solvers.stackelberg import load, solve
    >>> game = load("two-peaks")
    >>> certify(game, solve(game).require()).holds
    True
    """
    infeasibility, regrets = game.infeasibility(profile), game.regrets(profile)
    if tolerance is None:
        tolerance = 0.0 if isinstance(infeasibility, Fraction) else 1e-9
    allowed = np.asarray(tolerance, dtype=np.float64)
    if not (np.all(np.isfinite(allowed)) and np.all(allowed >= 0)):
        raise ValueError(f"tolerance must be finite and >= 0, got {tolerance}")
    if allowed.shape not in ((), regrets.shape):
        raise ValueError(f"tolerance must be a number or have shape {regrets.shape}, got shape {allowed.shape}")
    if allowed.ndim:
        with np.errstate(all="ignore"):
            ratios = regrets.astype(np.float64) / allowed
            tight = int(np.argmax(np.where(regrets == 0, 0.0, ratios)))  # nan counts as the largest
        regret, limit = regrets[tight], float(allowed[tight])
    else:
        regret, limit = np.max(regrets), float(allowed)  # np.max, unlike max, lets nan through
    regret = regret if isinstance(regret, Fraction) else float(regret)
    offends = infeasibility > _allowance(infeasibility)
    return Certificate(game.concept, max(regret, infeasibility) if offends else regret, limit, infeasibility, regrets)


def _allowance(infeasibility: float | Fraction) -> float:
    return 0.0 if isinstance(infeasibility, Fraction) else FEASIBLE
