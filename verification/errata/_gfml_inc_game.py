"""The incentive game of one coalition in numbers, solved by search: what the paper's formulas are compared with.

Frequencies are in GHz, data in Gbit and work in Gcycles, so that all numbers are of the order of one. The constants are
those of Table II: ten iterations of ten cycles per bit, and 0.1 times 1e-27 for energy, which is 0.1 in these units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verification.errata._record import Undefined

Array = NDArray[np.float64]

KAPPA, CYCLES, LOW, HIGH = 0.1, 100.0, 0.01, 1.0
SPREAD = HIGH - LOW
PRICES = (5.0, 15.0)

# The scenario `two-peaks`: ada, bob and cem.
THREE: dict[str, Any] = {
    "D": (0.06, 0.16, 0.15),
    "S": (0.8, 0.6, 0.5),
    "H": (1.0, 0.8, 0.9),
    "T_comm": (1.2, 1.1, 1.5),
    "T_max": 19.0,
}


@dataclass(frozen=True)
class Coalition:
    """Learners under one deadline, and their provider: problems (22) and (24) with the utilities corrected.

    Attributes
    ----------
    D, S, H, T_comm
        Data (Gbit), similarities, worths of reputation and transmission times (s), one of each for a learner.
    T_max
        The deadline, s.
    eta, I_rep
        The provider's weight of time, and the reputation incentive.
    """

    D: Sequence[float]
    S: Sequence[float]
    H: Sequence[float]
    T_comm: Sequence[float]
    T_max: float
    eta: float = 25.0
    I_rep: float = 5.0

    @property
    def work(self) -> Array:
        """Gcycles of a round, (n, 1)."""
        return CYCLES * np.array(self.D, dtype=float)[:, None]

    @property
    def share(self) -> Array:
        """Each learner's part of the data, (n, 1)."""
        return np.asarray(self.work / self.work.sum())

    def needed(self) -> Array:
        """The frequencies with which the learners just meet the deadline, or their lowest ones, (n, 1)."""
        return np.maximum(LOW, self.work / (self.T_max - np.array(self.T_comm)[:, None]))

    def paid(self, delta: Array) -> Array:
        """What a learner gets per unit of the price: its similarity, and its share for speed."""
        return np.array(self.S)[:, None] + self.share * (delta - LOW) / SPREAD

    def profits(self, price: float | Array, delta: Array) -> Array:
        """The learners' utilities: (20) with the price where (10) has it."""
        return np.asarray(self.paid(delta) * price + float(np.mean(self.H)) * self.I_rep - KAPPA * self.work * delta**2)

    def answers(self, price: float | Array) -> Array:
        """The learners' best frequencies at each price, (n, prices): a parabola's vertex, moved into the interval."""
        vertex = self.share * np.atleast_1d(price) / (2 * KAPPA * self.work * SPREAD)
        return np.asarray(np.clip(vertex, self.needed(), HIGH))

    def times(self, delta: Array) -> Array:
        """Computing and sending, s."""
        return np.asarray(self.work / delta + np.array(self.T_comm)[:, None])

    def provider(self, price: float | Array, delta: Array | None = None) -> Array:
        """The provider's utility at each price: (23) with 1 + in the logarithm, everything summed over the learners."""
        one = np.atleast_1d(np.asarray(price, dtype=float))
        delta = self.answers(one) if delta is None else delta
        H = np.array(self.H)[:, None]
        gain = self.eta * H * np.log(1 + self.T_max - self.times(delta))
        return np.asarray((gain - self.paid(delta) * one).sum(axis=0) - self.I_rep * H.sum())

    def best(self, prices: tuple[float, float] = PRICES) -> tuple[float, float]:
        """The best price and the provider's utility, by grids that get finer."""
        return highest(self.provider, prices)

    def slope(self, price: float, side: int = 0) -> float:
        """The difference quotient of the provider's utility: left of a price, right of it, or about it."""
        step = 1e-6
        left, right = price - step * (side <= 0), price + step * (side >= 0)
        below, above = self.provider(np.array([left, right]))
        return float((above - below) / (right - left))

    def profits_at(self, price: float) -> Array:
        """The learners' utilities at their best answers, (n,)."""
        return np.asarray(self.profits(price, self.answers(price))[:, 0])

    def round_time(self, price: float) -> float:
        """The longest of the learners' times at their best answers, equation (21)."""
        return float(self.times(self.answers(price)).max())


def highest(
    function: Callable[[Array], Array], interval: tuple[float, float], points: int = 2001
) -> tuple[float, float]:
    """Where a function of one number is highest, and how high: a grid, then finer ones about its best point."""
    low, high = interval
    while True:
        grid = np.linspace(low, high, points)
        values = function(grid)
        best = int(np.argmax(values))
        if high - low < 1e-12:
            return float(grid[best]), float(values[best])
        low, high, points = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, points - 1)]), 41


def zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function changes its sign, by bisection.

    Raises
    ------
    Undefined
        If the signs at the two ends are the same.
    """
    at_low = function(low)
    if at_low * function(high) > 0:
        raise Undefined(f"no change of sign between {low} and {high}")
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2
