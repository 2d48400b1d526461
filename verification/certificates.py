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

    `residual` is the worst of `regrets`, (players,), in payoff units, or the infeasibility where that is an offence:
    however large the payoffs and with them the tolerance, one above `FEASIBLE` is never excused.
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


def certify(game: Game[P], profile: P, *, tolerance: float | Array = 1e-9) -> Certificate:
    """Whether no player gains more than `tolerance`, in payoff units, by deviating.

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
    allowed = np.asarray(tolerance, dtype=np.float64)
    if not (np.all(np.isfinite(allowed)) and np.all(allowed >= 0)):
        raise ValueError(f"tolerance must be finite and >= 0, got {tolerance}")
    infeasibility, regrets = float(game.infeasibility(profile)), game.regrets(profile)
    if allowed.shape not in ((), regrets.shape):
        raise ValueError(f"tolerance must be a number or have shape {regrets.shape}, got shape {allowed.shape}")
    if allowed.ndim:
        with np.errstate(all="ignore"):
            tight = int(np.argmax(np.where(regrets == 0, 0.0, regrets / allowed)))  # nan counts as the largest
        regret, limit = float(regrets[tight]), float(allowed[tight])
    else:
        regret, limit = float(np.max(regrets)), float(allowed)  # np.max, unlike max, lets nan through
    return Certificate(
        game.concept, max(regret, infeasibility) if infeasibility > FEASIBLE else regret, limit, infeasibility, regrets
    )
