"""Table III, and what the model says in its place: what the records of section VI compare."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from verification.errata._gfml_inc_game import HIGH, THREE, Coalition, highest
from verification.errata._gfml_inc_provider import like_learners
from verification.errata._record import Value

PIXELS, BITS = 784, 8


class Row(NamedTuple):
    """A row of Table III: a learner's total profit, seconds of a round, and the provider's utility of one."""

    profit: float
    time: float
    utility: float


TABLE_III = {
    "GFML": Row(2350.0, 10.72, 570.0),
    "GFML + optimized frequencies": Row(3158.7, 10.96, 496.0),
    "GFML + random frequencies": Row(2876.24, 12.15, 159.86),
    "Random + Stackelberg": Row(2336.62, 12.68, 737.77),
    "Random + optimized frequencies": Row(2554.2, 15.82, 363.35),
    "Best effort + Stackelberg": Row(1915.0, 10.5, 760.2),
    "Best effort + optimized frequencies": Row(2.01, 6.62, 60.0),
    "Fixed + Stackelberg": Row(2350.31, 11.67, 682.0),
    "Fixed + optimized frequencies": Row(3194.7, 10.97, 419.1),
}
GFML = TABLE_III["GFML"]
SCHEMES = ("Best effort", "Random", "Fixed")
FORMED = ("GFML", "Random", "Fixed")


def with_the_game(scheme: str) -> Row:
    """The row of a scheme whose provider sets prices."""
    return TABLE_III["GFML" if scheme == "GFML" else f"{scheme} + Stackelberg"]


def at_fixed_price(scheme: str) -> Row:
    """The row of a scheme whose price is 15, and whose learners answer it."""
    return TABLE_III[f"{scheme} + optimized frequencies"]


# --------------------------------------------------------------------------------------------------------- Table II


def megabits(layers: tuple[int, ...], bits: int) -> float:
    """The size of a fully connected network, counted weight by weight and bias by bias."""
    weights = sum(len(range(a)) * len(range(b)) + b for a, b in pairwise(layers))
    return weights * bits / 1e6


def round_of_batches(batch: int, T_comm: float) -> float:
    """The time of a round on `batch` images at 1 GHz, which every learner chooses at the lowest price already."""
    data = batch * PIXELS * BITS / 1e9
    game = Coalition(D=(data,) * 9, S=(0.75,) * 9, H=(0.8,) * 9, T_comm=(T_comm,) * 9, T_max=11.0)
    return game.round_time(5.0)


# -------------------------------------------------------------------------------------------------------- Table III


def drawn(rng: np.random.Generator) -> Coalition:
    """Nine learners drawn as Table II has them, under a random one's deadline, with data for rounds of ten seconds."""
    deadline = rng.uniform(11, 20)
    data, sending = np.clip(0.072 * rng.lognormal(0, 0.2, 9), 0.02, 0.09), 10 / rng.uniform(5, 10, 9)
    S, H = np.clip(rng.normal(0.75, 0.15, 9), 0, 1), rng.uniform(0.5, 1, 9)
    return Coalition(D=tuple(data), S=tuple(S), H=tuple(H), T_comm=tuple(sending), T_max=deadline)


def slower_at_15(draws: int, seed: int) -> tuple[float, float]:
    """By how many seconds rounds are longer at the price 15 than at the best one: the mean of drawn ones, the most."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        game = drawn(rng)
        found.append(game.round_time(15.0) - game.round_time(game.best()[0]))
    return float(np.mean(found)), max(found)


def profit_ratio(n: int) -> float:
    """A learner's profit at the price 15 over its profit at the best price, in a grand coalition of `n` like ones."""
    game = Coalition(**like_learners(n))
    return float(game.profits_at(15.0)[0] / game.profits_at(game.best()[0])[0])


def welfare_gap(rounds: int, learners: int) -> float:
    """By how much all together have more per round under GFML than under best effort, by Table III."""
    rival = with_the_game("Best effort")
    return learners * (GFML.profit - rival.profit) / rounds + GFML.utility - rival.utility


def boosted(price: float, n: int) -> float:
    """The highest frequency at which a learner's utility is not negative."""
    game = Coalition(**like_learners(n))
    grid = np.linspace(float(game.needed()[0, 0]), HIGH, 1001)
    return float(grid[game.profits(price, grid[None, :])[0] >= 0].max())


def most_profitable(price: float, n: int) -> float:
    """The frequency with the highest utility, by search."""
    game = Coalition(**like_learners(n))
    return highest(lambda d: game.profits(price, d[None, :])[0], (float(game.needed()[0, 0]), HIGH))[0]


def gains(rows: Callable[[str], Row]) -> Callable[..., tuple[float, ...]]:
    """GFML's gain in the provider's utility over best effort, random and fixed coalitions, percent."""
    return lambda **_: tuple(100 * (GFML.utility / rows(scheme).utility - 1) for scheme in SCHEMES)


def pairs(sign: Callable[[Row, Row], bool]) -> Callable[..., tuple[bool, ...]]:
    """A comparison of the game with the fixed price, for each way of forming coalitions."""
    return lambda **_: tuple(sign(with_the_game(scheme), at_fixed_price(scheme)) for scheme in FORMED)


def model_pairs(better: Callable[[Coalition, float], bool]) -> Callable[..., tuple[bool, ...]]:
    """A comparison of the best price with 15, for `two-peaks`, for nine like learners and for a drawn nine."""

    def compare(**_: Value) -> tuple[bool, ...]:
        games = (Coalition(**THREE), Coalition(**like_learners(9)), drawn(np.random.default_rng(1)))
        return tuple(better(game, game.best()[0]) for game in games)

    return compare


# ---------------------------------------------------------------------------------------------------------- figures


def model_after(price: float, rounds: int, slope: tuple[float, ...], centre: tuple[float, ...]) -> float:
    """What three learners with quadratic losses have learnt, equations (2) to (5), those in time taking part."""
    game = Coalition(**THREE)
    in_time = game.times(game.answers(price))[:, 0] <= game.T_max + 1e-9
    a, m = np.array(slope)[in_time], np.array(centre)[in_time]
    theta = 0.0
    for _ in range(rounds):
        local = np.full(len(a), theta)
        for _ in range(10):
            local -= 1e-3 * (1 - 1e-2 * a) * a * (local - 1e-2 * a * (local - m) - m)
        theta = float(local.mean())
    return theta


def users(n: tuple[int, ...]) -> tuple[bool, ...]:
    """Whether the provider's best utility rises from each size of a coalition to the next."""
    utilities = [Coalition(**like_learners(size)).best()[1] for size in n]
    return tuple(bool(b > a) for a, b in pairwise(utilities))


def stricter(price: float, T_max: tuple[float, float], **coalition: Any) -> tuple[bool, ...]:
    """Whether the learners earn more under the second of two deadlines."""
    loose, strict = (Coalition(**coalition, T_max=T).profits_at(price) for T in T_max)
    return tuple(bool(x) for x in strict > loose)


def price_ratio(I_rep: tuple[float, float], **coalition: Any) -> float:
    """The best price at the first reputation incentive over that at the second."""
    first, second = (Coalition(**coalition, I_rep=incentive).best()[0] for incentive in I_rep)
    return first / second
