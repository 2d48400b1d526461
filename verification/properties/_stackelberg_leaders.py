"""Properties of the leader of the incentive game: what moves its price, its slopes and kinks, who gains from more.

The game is that of Baccour et al., IEEE IoT Journal 11(12), 2024, (22)-(24), as corrected in the scenario `gfml`.
"""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from solvers import stackelberg
from solvers.core import Array
from verification.properties._property import Property
from verification.properties._stackelberg_measures import (
    ROUNDING,
    above,
    off,
    ordinary_games,
    ordinary_incentives,
    priced_incentives,
    short,
    stackelberg_property,
    worst,
)
from verification.stackelberg_games import GameData, IncentiveData
from verification.stackelberg_strategies import incentive_games

GAP = 2e-9  # twice what `solve` allows itself by default
WITHIN = (0.1, 0.35, 0.5, 0.65, 0.9)  # where a piece is looked at
SIDE = 1e-9  # relative, beside a kink


# --- 10, 11: sums ----------------------------------------------------------------------------------------------------


def _reputation_moves_no_decision(example: tuple[IncentiveData, float]) -> float:
    data, more = example
    rise, price, scale = more * data.bounds[0], data.prices(0.4)[0], data.magnitude(data.bounds[1])
    game, other = data.game(), data.but(I_rep=data.parameters["I_rep"] + rise).game()
    best = game.best_response(price)
    assert np.array_equal(best, other.best_response(price)), "the reputation incentive moves a best response"
    gained = other.follower_utilities(price, best) - game.follower_utilities(price, best)
    paid, weight = game.leader_utility(price) - other.leader_utility(price), data.columns["H"]
    followers = off(gained, np.full(data.n, rise * np.mean(weight)), scale)
    return worst(followers, off(paid, rise * np.sum(weight), scale))


def _reputation_moves_no_price(example: tuple[IncentiveData, float]) -> float:
    data, more = example
    other = data.but(I_rep=data.parameters["I_rep"] + more * data.bounds[0])
    one, two = (stackelberg.solve(each.game()).require().price for each in (data, other))
    values = data.leader(np.array([one, two]))  # either price is best in the other game too
    return worst(short(data, values[1], values[0]), short(data, values[0], values[1]))


def _adds_up(example: tuple[IncentiveData, float]) -> float:
    data, price = example
    game = data.game()
    best = game.best_response(price)
    together = game.leader_utility(price, best) + np.sum(game.follower_utilities(price, best))
    gained = data.parameters["eta"] * data.columns["H"] * np.log(data.slack(price))
    return off(together, float(np.sum(gained - data.energy(price))), data.magnitude(price))


# --- 13: order -------------------------------------------------------------------------------------------------------


def _with_an_order() -> st.SearchStrategy[tuple[GameData, list[int]]]:
    games = ordinary_games()
    return games.flatmap(lambda data: st.tuples(st.just(data), st.permutations(range(data.n))))


def _answers_in_order(example: tuple[GameData, list[int]]) -> float:
    data, order = example
    names, price = [f"follower {k}" for k in order], data.prices(0.3)[0]
    mixed = data.among(order).game(names=names)
    assert list(mixed.names) == names, "the names are in another order"
    return off(mixed.best_response(price), data.game().best_response(price)[order])


def _as_good_in_any_order(example: tuple[GameData, list[int]]) -> float:
    data, order = example
    one, two = (stackelberg.solve(each.game()).stats["leader_utility"] for each in (data, data.among(order)))
    return worst(short(data, one, two), short(data, two, one))


# --- 14, 15: slopes and kinks ----------------------------------------------------------------------------------------


def _pieces(data: IncentiveData) -> Array:
    """The ends of the pieces, without those closer together than rounding."""
    low, high = data.bounds
    ends = np.unique([low, high, *data.inner_kinks()])
    return np.asarray(ends[np.concatenate([[True], np.diff(ends) > 1e-6 * (high - low)])])


def _concave_between_kinks(data: IncentiveData) -> float:
    game, scale, found = data.game(), data.magnitude(data.bounds[1]), [0.0]
    for a, b in itertools.pairwise(_pieces(data)):
        prices = a + (b - a) * np.array(WITHIN)
        below, over = np.array([game.leader_slopes(float(q)) for q in prices]).T
        rises = np.diff(data.leader(prices))
        found += [
            off(below, over, scale / (b - a)),
            above(np.diff(below), 0.0, scale / (b - a)),
            above(rises, over[:-1] * np.diff(prices), scale),  # below the tangent before,
            above(below[1:] * np.diff(prices), rises, scale),  # above the tangent after
        ]
    return worst(*found)


def _slopes_are_derivatives(data: IncentiveData) -> float:
    game, found = data.game(), [0.0]
    for a, b in itertools.pairwise(_pieces(data)):
        step = 1e-4 * (b - a)
        prices = a + (b - a) * np.array(WITHIN)
        quotients = (data.leader(prices + step) - data.leader(prices - step)) / (2 * step)
        slopes = np.array([game.leader_slopes(float(q))[0] for q in prices])
        found.append(off(slopes, quotients, data.magnitude(b) / (b - a)))
    return worst(*found)


def _continuous_at_kinks(data: IncentiveData) -> float:
    game, scale = data.game(), data.magnitude(data.bounds[1])
    beside = [[game.leader_utility(kink * q) for q in (1 - 1e-14, 1, 1 + 1e-14)] for kink in data.inner_kinks()]
    return worst(*(off(value, middle, scale) for low, middle, high in beside for value in (low, high)))


def _jumps_by_the_formula(data: IncentiveData) -> float:
    game, kinks, jumps, found = data.game(), data.kinks(), data.jumps(), [0.0]
    for kink in data.inner_kinks():
        near = np.abs(kinks - kink) <= 10 * SIDE * kink
        ends = data.bounds[0] * (1 + 2 * SIDE) < kink < data.bounds[1] * (1 - 2 * SIDE)
        if ends and np.all(np.abs(kinks[near] - kink) <= 1e-3 * SIDE * kink):
            before, after = (game.leader_slopes(kink * q)[0] for q in (1 - SIDE, 1 + SIDE))
            scale = data.magnitude(kink) / kink + float(np.sum(np.abs(jumps[near])))
            found.append(off(after - before, float(np.sum(jumps[near])), scale))
    return worst(*found)


# --- 16 to 18: the best price ----------------------------------------------------------------------------------------


def _at_least_what_is_tried(data: GameData) -> float:
    game = data.game()
    value = stackelberg.solve(game).stats["leader_utility"]
    tried = np.max(data.leader(np.array(data.prices(*np.linspace(0, 1, 41)))))
    local = stackelberg.bisection(game, max_iterations=25).stats["leader_utility"]
    return worst(short(data, value, tried), short(data, value, local))


def _with_more() -> st.SearchStrategy[tuple[IncentiveData, float, int]]:
    games = incentive_games(kinds=["typical", "ties", "multi-modal", "floats"])
    return games.flatmap(
        lambda data: st.tuples(st.just(data), st.sampled_from([2.0, 1.25, 1.01]), st.integers(0, data.n - 1))
    )


def _moved(data: IncentiveData, other: IncentiveData, sign: int) -> float:
    """0 unless the best price moves against `sign`; then how far it is from a tie in both games."""
    before, after = (stackelberg.solve(each.game()).require().price for each in (data, other))
    if sign * (after - before) >= 0:
        return 0.0
    here, there = data.leader(np.array([before, after])), other.leader(np.array([before, after]))
    return worst(short(data, here[1], here[0]), short(other, there[0], there[1]))


def _rises_with_eta(example: tuple[IncentiveData, float, int]) -> float:
    data, more, _ = example
    return _moved(data, data.but(eta=data.parameters["eta"] * more), 1)


def _falls_with_similarity(example: tuple[IncentiveData, float, int]) -> float:
    data, more, chosen = example
    dearer = data.columns["S"].copy()
    dearer[chosen] *= more
    return _moved(data, data.but(S=dearer), -1)


def _the_highest_price(data: IncentiveData) -> float:
    game, high = data.game(), data.bounds[1]
    solution = stackelberg.solve(game)
    price = solution.require().price
    here, there, work = solution.require().decisions, game.best_response(high), data.work()
    slower = above(np.max(work / there + data.columns["T_comm"]), np.max(work / here + data.columns["T_comm"]), 1.0)
    worse = above(
        game.follower_utilities(price, here), game.follower_utilities(high, there), data.magnitude(high) / ROUNDING
    )
    return worst(slower, worse, short(data, solution.stats["leader_utility"], float(data.leader(np.array([high]))[0])))


LEADERS: tuple[Property, ...] = (
    stackelberg_property(
        "gfml-10a",
        "a higher reputation incentive pays each follower mean(H) of it, costs the leader sum(H), moves no decision",
        lambda: st.tuples(ordinary_incentives(), st.sampled_from([1.0, 0.25, 3.0])),
        _reputation_moves_no_decision,
        tolerance=1e-12,
        equation="(20), (23)",
    ),
    stackelberg_property(
        "gfml-10b",
        "the reputation incentive does not move the best price",
        lambda: st.tuples(ordinary_incentives(), st.sampled_from([1.0, 0.25, 3.0])),
        _reputation_moves_no_price,
        tolerance=GAP,
        equation="(24)",
        share=0.25,
    ),
    stackelberg_property(
        "gfml-11",
        "the leader's and the followers' utilities add up to what time is worth less what energy costs",
        priced_incentives,
        _adds_up,
        tolerance=1e-12,
        equation="(20), (23)",
    ),
    stackelberg_property(
        "gfml-13a",
        "followers in another order have the same names and best responses in that order",
        _with_an_order,
        _answers_in_order,
        tolerance=1e-13,
    ),
    stackelberg_property(
        "gfml-13b",
        "the order of the followers does not change the leader's best utility",
        _with_an_order,
        _as_good_in_any_order,
        tolerance=GAP,
        share=0.25,
    ),
    stackelberg_property(
        "gfml-14a",
        "between kinks the leader's slope falls, and its utility lies below its tangents",
        ordinary_incentives,
        _concave_between_kinks,
        tolerance=1e-12,
        equation="(39), (40)",
        share=0.5,
    ),
    stackelberg_property(
        "gfml-14b",
        "the leader's slope is the difference quotient of its utility",
        ordinary_incentives,
        _slopes_are_derivatives,
        tolerance=1e-5,
        equation="(39)",
        share=0.5,
    ),
    stackelberg_property(
        "gfml-14c",
        "the leader's utility is continuous where followers reach limits",
        ordinary_incentives,
        _continuous_at_kinks,
        tolerance=1e-10,
        equation="(23)",
    ),
    stackelberg_property(
        "gfml-15",
        "where followers reach limits the leader's slope jumps by E W phi / (delta^2 x), up at lower limits, else down",
        ordinary_incentives,
        _jumps_by_the_formula,
        tolerance=1e-5,
        equation="(39), Proposition 3",
    ),
    stackelberg_property(
        "gfml-16",
        "the solver's price is at least as good as those of a grid, the highest one, and that of bisection",
        ordinary_games,
        _at_least_what_is_tried,
        tolerance=1e-9,
        equation="(24)",
        share=0.25,
    ),
    stackelberg_property(
        "gfml-17a",
        "the best price does not fall when eta rises, ties apart",
        _with_more,
        _rises_with_eta,
        tolerance=GAP,
        equation="(24)",
        share=0.25,
    ),
    stackelberg_property(
        "gfml-17b",
        "the best price does not rise when a similarity does, ties apart",
        _with_more,
        _falls_with_similarity,
        tolerance=GAP,
        equation="(24)",
        share=0.25,
    ),
    stackelberg_property(
        "gfml-18",
        "at the highest price rounds are no longer, followers no worse and the leader no better off than at the best",
        ordinary_incentives,
        _the_highest_price,
        tolerance=1e-9,
        equation="(24), Table III",
        share=0.25,
    ),
)
"""Properties 10, 11 and 13 to 18 of the incentive game."""
