"""Properties of the followers of the incentive game: best responses, their KKT conditions, how they move with data.

The game is that of Baccour et al., IEEE IoT Journal 11(12), 2024, (22)-(24), as corrected in the scenario `gfml`.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from solvers.core import Array
from verification.properties._property import Property
from verification.properties._stackelberg_kkt import kkt_of
from verification.properties._stackelberg_measures import (
    above,
    factors,
    off,
    ordinary_games,
    ordinary_incentives,
    priced,
    priced_incentives,
    shares,
    stackelberg_property,
    worst,
)
from verification.stackelberg_games import GameData, IncentiveData
from verification.stackelberg_strategies import incentive_games

EDGE = 1e-12  # relative, of a decision that is at a limit

WithPrice = tuple[IncentiveData, float]
WithShare = tuple[IncentiveData, float, float]


def _and_share_and_factor() -> st.SearchStrategy[WithShare]:
    return st.tuples(ordinary_incentives(), shares, factors)


def _range(data: GameData) -> Array:
    """How far apart each follower's limits are; where they are not, how far from 0."""
    low, high = data.limits()
    return np.where(high - low > 1e-3 * high, high - low, high)


# --- 1: the closed form ----------------------------------------------------------------------------------------------


def _agrees_with_cvxpy(example: tuple[GameData, float]) -> float:
    from solvers import stackelberg

    data, price = example
    found = stackelberg.compare(data.game(), price)
    return worst(found.deviation, np.abs(found.decisions - data.response(price)) / _range(data))


def _is_the_closed_form(example: tuple[GameData, float]) -> float:
    data, price = example
    return worst(np.abs(data.game().best_response(price) - data.response(price)) / _range(data))


# --- 2: KKT ----------------------------------------------------------------------------------------------------------


def _marginal(data: IncentiveData, price: float, decisions: Array) -> tuple[Array, Array]:
    """U' at decisions, and the size of its two parts."""
    paid = data.shares() * price / data.normaliser()
    spent = 2 * data.parameters["rho"] * data.columns["zeta"] * data.work() * decisions
    return paid - spent, paid + spent


def _meets_the_kkt_conditions(example: WithPrice) -> float:
    data, price = example
    best = data.game().best_response(price)
    (low, high), (marginal, scale) = data.limits(), _marginal(data, price, best)
    rises = np.where(best < high * (1 - EDGE), marginal, 0.0)  # and may not, below the highest frequency
    falls = np.where(best > low * (1 + EDGE), marginal, 0.0)
    return worst(above(best, high, high), above(low, best, high), above(rises, 0.0, scale), above(-falls, 0.0, scale))


def _is_a_derived_case(example: WithPrice) -> float:
    data, price = example
    game = data.game()
    best = game.best_response(price)
    kkt = kkt_of(game)
    explained = kkt.explained(game, price, best, _marginal(data, price, best)[1])
    assert np.all(explained), f"no case explains the decisions of followers {list(np.flatnonzero(~explained) + 1)}"
    env = game.at(price, **{kkt.decision: best})
    size = np.maximum(best, 1 + data.columns["T_max"])
    return worst(*(above(np.asarray(gap.evaluate(env)[0]), 0.0, size) for gap in kkt.gaps.values()))


# --- 3 to 6: other data ----------------------------------------------------------------------------------------------


def _moves_the_right_way(example: tuple[IncentiveData, float, float, float]) -> float:
    data, first, second, longer = example
    a, b = sorted(data.prices(first, second))
    game = data.game()
    at_a, at_b = game.best_response(a), game.best_response(b)
    relaxed = data.but(T_max=data.columns["T_max"] * longer).game().best_response(a)
    quicker = data.but(T_comm=data.columns["T_comm"] / longer).game().best_response(a)
    rise = above(at_b - at_a, data.steepness() * (b - a), at_b)
    return worst(above(at_a, at_b, at_b), rise, above(relaxed, at_a, at_a), above(quicker, at_a, at_a))


def _scaled_prices(example: WithShare) -> float:
    data, share, by = example
    price, bounds = data.prices(share)[0], (data.bounds[0] * by * 0.9, data.bounds[1] * by * 1.1)
    dearer = data.but(rho=data.parameters["rho"] * by, bounds=bounds)
    return off(dearer.game().best_response(price * by), data.game().best_response(price))


def _scaled_data(example: WithShare) -> float:
    data, share, by = example
    price = data.prices(share)[0]
    bigger, game = data.but(D=data.columns["D"] * by, tau=data.parameters["tau"] / by).game(), data.game()
    same = off(np.asarray(bigger.values["s"]), np.asarray(game.values["s"]))
    return worst(same, off(bigger.best_response(price), game.best_response(price)))


def _scaled_frequencies(example: WithShare) -> float:
    data, share, by = example
    price, q = data.prices(share)[0], data.columns
    other = data.but(lo=q["lo"] * by, hi=q["hi"] * by, tau=data.parameters["tau"] * by, zeta=q["zeta"] / by / by / by)
    game, again, scale = data.game(), other.game(), data.magnitude(price)
    one, two = game.best_response(price), again.best_response(price)
    return worst(
        off(other.work() / two, data.work() / one),
        off(again.follower_utilities(price, two), game.follower_utilities(price, one), scale),
        off(again.leader_utility(price), game.leader_utility(price), scale),
    )


# --- 7 to 9: what the interior and the best utility are like -------------------------------------------------------


def _inside(data: IncentiveData, best: Array) -> Array:
    low, high = data.limits()
    return np.asarray((best > low * (1 + EDGE)) & (best < high * (1 - EDGE)))


def _one_frequency(example: WithPrice) -> float:
    data, price = example
    best = data.game().best_response(price)
    inside = best[_inside(data, best)]
    return off(inside, np.broadcast_to(inside[:1], inside.shape))


def _half_the_pay(example: WithPrice) -> float:
    data, price = example
    best = data.game().best_response(price)
    energy = data.parameters["rho"] * data.columns["zeta"] * data.work() * best**2
    paid, inside = 0.5 * data.shares() * price * best / data.normaliser(), _inside(data, best)
    return off(energy[inside], paid[inside])


def _above_its_tangents(example: WithShare) -> float:
    data, first, second = example
    a, b = data.prices(first, second)
    game = data.game()
    best, there = game.best_response(a), game.best_response(b)
    f = (best - np.min(data.columns["lo"])) / data.normaliser()
    tangent = game.follower_utilities(a, best) + (data.columns["S"] + f * data.shares()) * (b - a)
    return above(tangent, game.follower_utilities(b, there), data.magnitude(max(a, b)))


# --- 12: deadlines ---------------------------------------------------------------------------------------------------


def _names_the_infeasible(example: tuple[IncentiveData, float]) -> float:
    data, share = example
    game, feasible = data.game(), data.feasible()
    gone = [int(left.name) - 1 for left in game.excluded]
    assert gone == list(np.flatnonzero(~feasible)), f"excluded are the followers at {gone}"
    for left in game.excluded:
        assert left.reason.startswith("infeasible: "), left.reason
        assert "deadline" in left.reason, left.reason
    stays, price = data.among(feasible), data.prices(share)[0]
    best = game.best_response(price)
    done, q = stays.work() / best + stays.columns["T_comm"], stays.columns
    late = above(done, q["T_max"], q["T_max"])
    within = worst(above(q["lo"], best, best), above(best, q["hi"], best))
    return worst(late, within, np.abs(best - stays.response(price)) / _range(stays))


FOLLOWERS: tuple[Property, ...] = (
    stackelberg_property(
        "gfml-01a",
        "each follower's best response is where CVXPY finds it, which is given the declaration only",
        lambda: priced(ordinary_games()),
        _agrees_with_cvxpy,
        tolerance=1e-6,
        equation="(22), (24)",
        share=0.15,
    ),
    stackelberg_property(
        "gfml-01b",
        "each follower's best response is its unconstrained one, moved into its limits",
        lambda: priced(ordinary_games()),
        _is_the_closed_form,
        tolerance=1e-12,
        equation="(32), (33)",
    ),
    stackelberg_property(
        "gfml-02a",
        "no follower's marginal utility is positive below its upper limit, or negative above its lower one",
        priced_incentives,
        _meets_the_kkt_conditions,
        tolerance=1e-9,
        equation="(26)-(30)",
    ),
    stackelberg_property(
        "gfml-02b",
        "each best response is the point of a derived case, with a multiplier of the right sign",
        priced_incentives,
        _is_a_derived_case,
        tolerance=1e-12,
        equation="(31)-(38)",
    ),
    stackelberg_property(
        "gfml-03",
        "frequencies rise with the price, no faster than E, fall with T_max and rise with T_comm",
        lambda: st.tuples(ordinary_incentives(), shares, shares, st.floats(1.0, 1.5)),
        _moves_the_right_way,
        tolerance=1e-13,
        equation="(32)",
    ),
    stackelberg_property(
        "gfml-04",
        "scaling the price and the price of energy together moves no frequency",
        _and_share_and_factor,
        _scaled_prices,
        tolerance=1e-12,
        equation="(32)",
    ),
    stackelberg_property(
        "gfml-05",
        "more data for all at the same work leaves shares and frequencies",
        _and_share_and_factor,
        _scaled_data,
        tolerance=1e-12,
        equation="(32)",
    ),
    stackelberg_property(
        "gfml-06",
        "another unit of frequencies leaves times and utilities",
        _and_share_and_factor,
        _scaled_frequencies,
        tolerance=1e-12,
        equation="(7), (20), (23)",
    ),
    stackelberg_property(
        "gfml-07",
        "learners between their limits whose data cost the same number of cycles share one frequency",
        lambda: priced(incentive_games(kinds=["equal costs"])),
        _one_frequency,
        tolerance=1e-12,
        equation="(32)",
    ),
    stackelberg_property(
        "gfml-08",
        "a learner between its limits spends half of its pay for competition on energy",
        priced_incentives,
        _half_the_pay,
        tolerance=1e-12,
        equation="(32)",
    ),
    stackelberg_property(
        "gfml-09",
        "a follower's best utility is convex in the price, of slope S + f s",
        lambda: st.tuples(ordinary_incentives(), shares, shares),
        _above_its_tangents,
        tolerance=1e-13,
        equation="(20), (22)",
    ),
    stackelberg_property(
        "gfml-12",
        "deadlines are met, exactly those who cannot meet theirs are named, and shares are of the others' data",
        lambda: st.tuples(incentive_games(kinds=["deadlines"]), shares),
        _names_the_infeasible,
        tolerance=1e-13,
        equation="(22)",
    ),
)
"""Properties 1 to 9 and 12 of the incentive game."""
