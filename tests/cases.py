"""Pinned games, each with its source and the numbers that source gives.

"Theory" is the derivation that goes with Baccour et al., IEEE Internet of Things Journal 11(12), 2024 ("the paper"):
equation numbers are the paper's, the constants those of its Table II unless a row says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verification.stackelberg_games import IncentiveData, PricingData

TABLE_II = {"eta": 25.0, "I_rep": 5.0, "rho": 0.1, "tau": 10.0}  # zeta = 1e-27, c = 10, frequencies of 1e7 to 1e9 Hz
PRICES = (5.0, 15.0)


def learners(data: list[float], **columns: float | list[float]) -> IncentiveData:
    """Learners with the constants of Table II, data in bits."""
    usual = {"c": 10.0, "zeta": 1e-27, "S": 0.75, "H": 1.0, "T_comm": 1.5, "T_max": 11.0, "lo": 1e7, "hi": 1e9}
    table = {name: np.zeros(len(data)) + value for name, value in {**usual, **columns}.items()}
    return IncentiveData({"D": np.array(data, dtype=float), **table}, TABLE_II, PRICES)


TWO_PEAKS = learners([6e7, 16e7, 15e7], S=[0.8, 0.6, 0.5], H=[1.0, 0.8, 0.9], T_max=19.0, T_comm=[1.2, 1.1, 1.5])
"""Refutes Proposition 3 of the paper, "the uniqueness of the equilibrium can be guaranteed": two local maxima."""


@dataclass(frozen=True)
class Peaks:
    """What brute force over a frequency grid gives for TWO_PEAKS."""

    best: tuple[float, float] = (7.326, 78.47)
    local: tuple[float, float] = (5.8148, 30.93)
    jumps: tuple[tuple[float, float, float], ...] = ((6.2794, -0.55, 61.80), (6.5484, 32.4, 86.6))


TIE = TWO_PEAKS.but(eta=3.38380)
TIED_PRICES, TIED_UTILITY = (5.0, 7.326), -19.4212
"""Uniqueness fails outright: at this eta two prices are best, to the digits of eta."""

REVERSED_34 = learners([7.2e7] * 9)
"""(34) has the sign of the deadline's multiplier reversed: at I = 5 no printed case applies, at I = 12 two do."""
REQUIRED, REACHED, MULTIPLIER, GAIN = 7.58e8, {5.0: 3.90e8, 12.0: 9.35e8}, 0.0423, 13.616 - 13.594

REVERSED_38 = learners([7.2e7] * 9, lo=7.2e9 / 9.5)
"""(38) likewise: the printed test says "stay at the lowest frequency" where the highest is better by this much."""
GAIN_38 = 9.613 - 8.586


@dataclass(frozen=True)
class Row:
    """One size of data per learner under Table II: cycles, the frequency its deadline needs, E * 5, and its case."""

    data: float
    work: float
    required: float
    reached: float
    cases: tuple[tuple[float, str], ...]


TABLE_ROWS = (
    Row(40.0, 4e3, 421, 7e14, ((5.0, "fastest"), (15.0, "fastest"))),
    Row(40 * 6272.0, 2.5e7, 2.6e6, 1.1e11, ((5.0, "fastest"), (15.0, "fastest"))),
    Row(1575 * 6272.0, 9.9e8, 1.0e8, 2.8e9, ((5.0, "fastest"), (15.0, "fastest"))),
    Row(1575 * 25088.0, 4.0e9, 4.2e8, 7.1e8, ((5.0, "interior"), (7.03, "interior"), (7.05, "fastest"))),
    Row(
        1575 * 50176.0, 7.9e9, 8.3e8, 3.6e8,
        ((5.0, "deadline"), (11.6, "deadline"), (11.8, "interior"), (14.05, "interior"), (14.10, "fastest")),
    ),
)  # fmt: skip
"""Theory: nine equal learners, deadline 11 s, transmission 1.5 s; numbers as given there, to two digits."""

SEGMENTS = PricingData(
    {"w": np.array([2.0, 8.0, 40.0]), "k": np.ones(3), "cap": np.full(3, 9.0), "fee": np.zeros(3)},
    {"cost": 1.0},
    (1.1, 50.0),
)
"""Three customers priced out at 2, 8 and 40. Where m of them, of total value w, are inside their limits, a monopolist
with unit cost c earns w + m*c - m*p - c*w/p, best at sqrt(c*w/m): here the two larger ones, at sqrt(24)."""
SEGMENTS_PRICE, SEGMENTS_UTILITY = 24.0**0.5, 50.0 - 4 * 24.0**0.5
