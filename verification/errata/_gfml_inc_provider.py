"""The provider of the dual-game paper and its prices: what the records of stage I compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from verification.errata._gfml_inc_game import HIGH, KAPPA, LOW, PRICES, SPREAD, Coalition, highest, zero
from verification.errata._record import Undefined, Value, log

Learners: TypeAlias = tuple[Fraction, ...]

price, E, W, A, gain_weight, s, r, lo, hi = sp.symbols("price E W A weight s ratio lo hi", positive=True)

# Where what stands in the logarithm is 0 it must be so exactly.
EXACT = {
    "D": (Fraction(6, 100), Fraction(16, 100), Fraction(15, 100)),
    "S": (Fraction(8, 10), Fraction(6, 10), Fraction(5, 10)),
    "H": (Fraction(1), Fraction(8, 10), Fraction(9, 10)),
    "T_comm": (Fraction(12, 10), Fraction(11, 10), Fraction(15, 10)),
    "T_max": Fraction(19),
}
TIE = 3.3838005861442486  # the provider's weight of time for which two prices are best


def of_numbers(at: Mapping[str, Any]) -> Coalition:
    """The coalition that a witness is about; the other numbers of it are left aside."""
    return Coalition(**{one.name: at[one.name] for one in fields(Coalition) if one.name in at})


# ------------------------------------------------------------------------------------------------------------ (23)


def exact_times(price: Fraction, D: Learners, T_comm: Learners, T_max: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The learners' best frequencies and times, in exact arithmetic."""
    found = []
    for data, sending in zip(D, T_comm, strict=True):
        needed, vertex = 100 * data / (T_max - sending), price / (20 * sum(D) * Fraction(99, 100))
        d = min(max(vertex, needed), Fraction(1))
        found.append((d, 100 * data / d + sending))
    return found


def utility_as_printed(
    price: Fraction, D: Learners, S: Learners, H: Learners, T_comm: Learners, T_max: Fraction
) -> float:
    """The provider's utility with the logarithm of (23), all of it summed over the learners."""
    total = 0.0
    for i, (d, time) in enumerate(exact_times(price, D, T_comm, T_max)):
        paid = S[i] + D[i] / sum(D) * (d - Fraction(1, 100)) / Fraction(99, 100)
        total += 25 * log(float(T_max - time)) * float(H[i]) - float(paid * price + 5 * H[i])
    return total


def is_defined(price: tuple[Fraction, ...], **coalition: Any) -> tuple[bool, ...]:
    """At which prices (23) is defined as printed."""
    found = []
    for one in price:
        try:
            utility_as_printed(one, **coalition)
            found.append(True)
        except Undefined:
            found.append(False)
    return tuple(found)


def is_finite(price: tuple[Fraction, ...], **coalition: Any) -> tuple[bool, ...]:
    """At which prices the provider's utility is a number, with 1 + in the logarithm."""
    utilities = floats(coalition).provider(np.array([float(one) for one in price]))
    return tuple(bool(x) for x in np.isfinite(utilities))


def floats(coalition: dict[str, Any]) -> Coalition:
    numbers = {k: tuple(map(float, v)) if isinstance(v, tuple) else float(v) for k, v in coalition.items()}
    return Coalition(**numbers)  # type: ignore[arg-type]


def only_the_gain_is_summed(price: float, i: int, **coalition: Any) -> float:
    """The first term of (23) summed, and the two others of the learner i alone."""
    game = Coalition(**coalition)
    delta = game.answers(price)
    gain = game.eta * np.array(game.H)[:, None] * np.log(1 + game.T_max - game.times(delta))
    return float(gain.sum() - game.paid(delta)[i, 0] * price - np.mean(game.H) * game.I_rep)


def provider_and_learners(price: float, **at: Any) -> float:
    """What all get together, which has no payments in it, less what the learners get of it: the provider's."""
    game = of_numbers(at)
    delta = game.answers(price)
    cost = (0.1 * game.work * delta**2).sum()
    value = (game.eta * np.array(game.H)[:, None] * np.log(1 + game.T_max - game.times(delta))).sum()
    return float(value - cost - game.profits(price, delta).sum())


# ------------------------------------------------------------------------------------------------------ (24), (25)


def best_against(frozen: float, **coalition: Any) -> float:
    """The best price against frequencies that stay as they are at the price `frozen`."""
    game = Coalition(**coalition)
    delta = game.answers(frozen)
    return highest(lambda one: np.array([float(game.provider(p, delta)[0]) for p in one]), PRICES, 101)[0]


def best_price(**at: Any) -> float:
    """The best price against learners who answer it."""
    return of_numbers(at).best()[0]


def at_two_prices(price: tuple[float, float], frozen: float, **coalition: Any) -> tuple[float, ...]:
    """The provider's utility at two prices, the frequencies being those at the price `frozen`."""
    game = Coalition(**coalition)
    return tuple(float(game.provider(one, game.answers(frozen))[0]) for one in price)


def at_two_prices_answered(price: tuple[float, float], **at: Any) -> tuple[float, ...]:
    """The provider's utility at two prices, the learners answering each."""
    return tuple(float(x) for x in of_numbers(at).provider(np.array(price)))


def nash_prices(price: tuple[float, ...], **coalition: Any) -> tuple[bool, ...]:
    """Which prices meet the provider's line of (25), against all of a grid, at the answers to them."""
    game, grid = Coalition(**coalition), np.linspace(*PRICES, 101)

    def holds(one: float) -> bool:
        delta = game.answers(one)
        others = [float(game.provider(other, delta)[0]) for other in grid]
        return float(game.provider(one, delta)[0]) >= max(others)

    return tuple(map(holds, price))


def stackelberg_prices(price: tuple[float, ...], **coalition: Any) -> tuple[bool, ...]:
    """Which prices are as good for the provider as any, the learners answering."""
    game = Coalition(**coalition)
    highest_utility = game.best()[1]
    return tuple(bool(game.provider(one)[0] >= highest_utility - 1e-9) for one in price)


def learners_at_the_equilibrium(price: float, **coalition: Any) -> tuple[float, ...]:
    """The learners' utilities at the frequencies of the cases."""
    return tuple(float(x) for x in Coalition(**coalition).profits_at(price))


def learners_searching(price: float, **coalition: Any) -> tuple[float, ...]:
    """The learners' highest utilities at a price, each found by a search among the frequencies that are in time."""
    game = Coalition(**coalition)

    def most(i: int) -> float:
        return highest(lambda d: np.asarray(game.profits(price, d)[i]), (float(game.needed()[i, 0]), HIGH))[1]

    return tuple(most(i) for i in range(len(game.D)))


# ------------------------------------------------------------------------------------------------------ (39), (40)


def gain(order: int) -> sp.Expr:
    """A derivative of what a learner's time is worth to the provider, at the frequency E I."""
    return sp.diff(gain_weight * sp.log(A - W / (E * price)), price, order)


def payment(order: int) -> sp.Expr:
    """A derivative of what the provider pays for its speed."""
    return sp.diff(-s * (E * price - lo) / (hi - lo) * price, price, order)


def cem_alone(price: float, **coalition: Any) -> float:
    """Equation (39), corrected, of the third learner."""
    game = Coalition(**coalition)
    work, part = game.work[2, 0], game.share[2, 0]
    e, a = part / (0.2 * work * SPREAD), 1 + game.T_max - game.T_comm[2]
    gain = game.eta * game.H[2] * work / (price * (e * price * a - work))
    return float(gain - part * (2 * e * price - LOW) / SPREAD - game.S[2])


def whole_slope(price: float, **coalition: Any) -> float:
    return Coalition(**coalition).slope(price)


# -------------------------------------------------------------------------------------------------- Proposition 3


def claimed(value: Value) -> Callable[..., Value]:
    """What the text says, whatever the numbers."""
    return lambda **_: value


def like_learners(n: int, D: float = 0.072) -> dict[str, Any]:
    """Learners who are all alike, of 0.072 Gbit each: such that rounds take about what Table III says."""
    return {"D": (D,) * n, "S": (0.75,) * n, "H": (0.8,) * n, "T_comm": (1.5,) * n, "T_max": 11.0}


def number_of_best_prices(**coalition: Any) -> int:
    """How many prices reach the highest utility to 1e-9: highest points of a grid, each refined."""
    game = Coalition(**coalition)
    grid = np.linspace(*PRICES, 2001)
    values = np.concatenate([[-np.inf], game.provider(grid), [-np.inf]])
    peaks = [k for k in range(2001) if values[k] < values[k + 1] >= values[k + 2]]
    ends = [(float(grid[max(k - 1, 0)]), float(grid[min(k + 1, 2000)])) for k in peaks]
    heights = [highest(game.provider, interval, 101)[1] for interval in ends]
    return sum(height > max(heights) - 1e-9 for height in heights)


def by_bisection(**coalition: Any) -> tuple[float, float]:
    """The price at which the slope changes its sign, by bisection, and the provider's utility there."""
    game = Coalition(**coalition)
    one = zero(game.slope, *PRICES)
    return one, float(game.provider(one)[0])


def best_of_candidates(**coalition: Any) -> float:
    """The provider's highest utility at the ends, at changes of case, and at zeros of the slope between them."""
    game = Coalition(**coalition)
    per_unit = 2 * KAPPA * game.work * SPREAD / game.share
    changes = np.concatenate([(per_unit * game.needed())[:, 0], (per_unit * HIGH)[:, 0]])
    ends = sorted({*PRICES, *(float(x) for x in changes if PRICES[0] < x < PRICES[1])})
    found = list(ends)
    for left, right in pairwise(ends):
        if right - left > 1e-4 and game.slope(left, 1) > 0 > game.slope(right, -1):
            found.append(zero(game.slope, left + 1e-6, right - 1e-6))
    return float(game.provider(np.array(found)).max())


def second_difference(price: float, step: float, **coalition: Any) -> float:
    """The second difference quotient of the provider's utility."""
    left, middle, right = Coalition(**coalition).provider(price + step * np.array([-1.0, 0.0, 1.0]))
    return float((left - 2 * middle + right) / step**2)


def bends_down(price: tuple[float, ...], **coalition: Any) -> tuple[bool, ...]:
    return tuple(second_difference(one, 1e-3, **coalition) < 0 for one in price)
