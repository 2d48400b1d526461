"""A learner of the dual-game paper at its deadline and limits: what the records of stage II compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import sympy as sp

from verification.errata._gfml_inc_game import CYCLES, HIGH, KAPPA, LOW, SPREAD, highest, zero
from verification.errata._record import Undefined

Number: TypeAlias = float | Fraction

price, s, W, kappa, delta, lo, hi, T_comm, T_max, l1, l2, l3 = sp.symbols(
    "price s W kappa delta lo hi T_comm T_max lambda_1 lambda_2 lambda_3", positive=True
)
LATE = W / delta + T_comm - T_max
UTILITY = s * (delta - lo) / (hi - lo) * price - kappa * W * delta**2  # what of the utility depends on the frequency

# Bob of `two-peaks`: 0.16 of 0.37 Gbit.
BOB = {"W": 16, "s": Fraction(16, 37), "kappa": Fraction(1, 10), "T_max": 19, "T_comm": Fraction(11, 10)}
LIMITS = {"lo": Fraction(1, 100), "hi": Fraction(1)}
DATA = (0.06, 0.16, 0.15)
NEEDED = Fraction(160, 179)  # W / (T_max - T_comm)

IN_UNITS = r"($W = \tau c \lvert D \rvert$ in Gcycles; GHz, Gbit, seconds.)"
RATIO = r"\sum_{k} \frac{\lvert D_i \rvert}{\lvert D_k \rvert}"


def ratio(D: Sequence[float], who: int = 1) -> float:
    """The sum over the coalition of a learner's data over a member's, as printed from (27) on."""
    return sum(D[who] / other for other in D)


def share(D: Sequence[float], who: int = 1) -> float:
    """A learner's part of the coalition's data, as in (20)."""
    return D[who] / sum(D)


def pull(weight: Number, price: Number, work: Number, at: Number) -> Number:
    """The derivative of a learner's utility, per GHz, if speed is paid by this weight."""
    if isinstance(at, Fraction):
        return weight * price / Fraction(99, 100) - 2 * Fraction(1, 10) * work * at
    return weight * price / SPREAD - 2 * KAPPA * work * at


# ------------------------------------------------------------------------------------------------------------ (22)


def best_where_sending_is_cheap(times: int, price: float, b: float, D: tuple[float, ...]) -> float:
    """Bob's best frequency if `times` the cost of sending, b delta, is to be at most that of computing."""
    work = CYCLES * D[1]
    lowest = max(float(NEEDED), times * b / (KAPPA * work))
    if lowest > HIGH:
        raise Undefined("no frequency is allowed")
    return highest(lambda d: share(D) * (d - LOW) / SPREAD * price - b * d - KAPPA * work * d**2, (lowest, HIGH))[0]


# ------------------------------------------------------------------------------------------------------------ (26)


def case_whatever_it_earns(price: float, S: float, H_mean: float, D: tuple[float, ...]) -> tuple[float, float]:
    """The frequency that (26) to (38) give bob, and its utility: at 5 his deadline binds."""
    d, work = float(NEEDED), CYCLES * D[1]
    return d, (S + share(D) * (d - LOW) / SPREAD) * price + 5 * H_mean - KAPPA * work * d**2


def allowed_by_22(price: float, S: float, H_mean: float, D: tuple[float, ...]) -> None:
    """None: no frequency that meets the deadline has a positive utility."""
    grid, work = np.linspace(float(NEEDED), HIGH, 10_001), CYCLES * D[1]
    utilities = (S + share(D) * (grid - LOW) / SPREAD) * price + 5 * H_mean - KAPPA * work * grid**2
    if utilities.max() > 0:
        raise ValueError(f"a frequency is worth {utilities.max()}")


# ------------------------------------------------------------------------------------------------------ the cases


def cases_as_printed(
    price: Fraction, W: Fraction, s: Fraction, T_max: Fraction, T_comm: Fraction, low: Fraction
) -> int:
    """How many of the six printed cases apply, with the share for the ratio; the upper limit is 1 GHz."""
    needed, vertex = W / (T_max - T_comm), s * price / (2 * Fraction(1, 10) * W * Fraction(99, 100))
    applies = (
        vertex > needed and low < vertex < 1,
        low <= needed <= 1 and pull(s, price, W, needed) > 0,
        needed < 1 and pull(s, price, W, Fraction(1)) > 0,
        needed < low and pull(s, price, W, low) < 0,
        needed == 1 and pull(s, price, W, Fraction(1)) > 0,
        needed == low and pull(s, price, W, low) > 0,
    )
    return sum(applies)


def best_frequencies(
    price: Fraction, W: Fraction, s: Fraction, T_max: Fraction, T_comm: Fraction, low: Fraction
) -> int:
    """How many frequencies are best, by comparing the least one allowed, the highest and 399 between."""
    start = max(low, W / (T_max - T_comm))
    allowed = [start + (1 - start) * Fraction(k, 400) for k in range(401)]
    worth = [s * price * d / Fraction(99, 100) - Fraction(1, 10) * W * d**2 for d in allowed]
    return worth.count(max(worth))


def at_each(count: Callable[..., int]) -> Callable[..., tuple[int, ...]]:
    """The counts at several prices."""
    return lambda price, **bob: tuple(count(price=one, **bob) for one in price)


def shadow_price() -> sp.Expr:
    """What a second more is worth to a learner whose deadline binds: the derivative of its best utility."""
    return sp.diff(UTILITY.subs(delta, W / (T_max - T_comm)), T_max)


def multipliers(price: tuple[float, ...], own_low: float, D: tuple[float, ...]) -> tuple[float, ...]:
    """From the corrected stationarity, of bob at his deadline, at his upper limit and at his lower limit."""
    work, points = CYCLES * D[1], (float(NEEDED), HIGH, own_low)
    forces = [float(pull(share(D), one, work, at)) for one, at in zip(price, points, strict=True)]
    return -forces[0] * points[0] ** 2 / work, forces[1], -forces[2]


def worth_of_room(price: tuple[float, ...], own_low: float, D: tuple[float, ...]) -> tuple[float, ...]:
    """What a later deadline, a higher upper and a lower lower limit are worth to bob, per unit, by differences."""
    work = CYCLES * D[1]

    def best(one: float, low: float, T: float, high: float) -> float:
        d = np.clip(share(D) * one / (2 * KAPPA * work * SPREAD), max(low, work / (T - 1.1)), high)
        return float(share(D) * one * d / SPREAD - KAPPA * work * d**2)

    return (
        quotient(lambda x: best(price[0], LOW, 19 + x, HIGH)),
        quotient(lambda x: best(price[1], LOW, 19, HIGH + x)),
        quotient(lambda x: best(price[2], own_low - x, 19, HIGH)),
    )


def quotient(function: Callable[[float], float], step: float = 1e-2) -> float:
    """The derivative at 0, of differences with two steps."""
    near, far = ((function(h) - function(-h)) / (2 * h) for h in (step / 2, step))
    return (4 * near - far) / 3


def on_time(delta: tuple[float, ...], D: tuple[float, ...], T_comm: float, T_max: float) -> tuple[bool, ...]:
    """Which of bob's frequencies meet (28)."""
    return tuple(T_max >= CYCLES * D[1] / d + T_comm and d <= HIGH and d >= LOW for d in delta)


def in_the_interval(delta: tuple[float, ...], D: tuple[float, ...], T_comm: float, T_max: float) -> tuple[bool, ...]:
    """Which lie between the frequency with which ten iterations end in time, found by bisection, and the highest."""
    slowest = zero(lambda d: sum(10 * D[1] / d for _ in range(10)) + T_comm - T_max, 1e-3, 10)
    return tuple(max(slowest, LOW) <= d <= HIGH for d in delta)


def alone_at_the_limit(price: float, W: float, hi: float, time: float) -> bool:
    """Whether (37) lets a learner have a case whose upper limit is what its deadline asks for."""
    return math.isclose(W / hi, time) and pull(1.0, price, W, hi) > 0


def only_the_limit_is_allowed(price: float, W: float, hi: float, time: float) -> bool:
    """Whether of the frequencies in MHz the upper limit alone is in time, whatever the price."""
    allowed = [k for k in range(1, round(1000 * hi) + 1) if time * k >= 1000 * W]
    return price > 0 and allowed == [round(1000 * hi)]


def better_than_the_lowest(price: float, n: int, D: float, T_max: float, T_comm: float) -> float:
    """What one of n like learners gains by its upper limit, if its lower one is what the deadline asks for."""
    work = CYCLES * D
    low = work / (T_max - T_comm)
    utility = [(d - low) / (HIGH - low) * price / n - KAPPA * work * d**2 for d in (low, HIGH)]
    return utility[1] - utility[0]


def gain_by_38(price: float, n: int, D: float, T_max: float, T_comm: float) -> float:
    """None, where the printed condition holds: the lower limit is then said to be best."""
    work = CYCLES * D
    low = work / (T_max - T_comm)
    if not low**2 * n * price / (work * (HIGH - low)) - 2 * KAPPA * low**3 > 0:
        raise Undefined("the case does not apply")
    return 0.0
