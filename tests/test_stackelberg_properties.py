"""Properties 2-18 of the incentive game, drawn; `test_convex.py` has property 1, agreement with CVXPY.

Each holds for the game of Baccour et al. (22)-(24) as corrected in the bundled scenario `gfml`; the closed forms that
a property mentions are worked out here, in plain NumPy.
"""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stackelberg_games import Drawn, Incentive, games, incentives, shares

from solvers.core import Array, InvalidGame
from solvers.stackelberg import CaseTable, StackelbergGame, bisection, solve
from solvers.stackelberg._program import Program, lower

few = settings(max_examples=max(5, settings().max_examples // 10))  # for games that are solved, not only evaluated
factors = st.sampled_from([1e-9, 1e-3, 0.7, 3.0, 1e6])


def close(a: Array | float, b: Array | float, relative: float = 1e-11, scale: Array | float = 0.0) -> None:
    """Fails unless a and b agree relative to themselves, or to the scale of the numbers they are a difference of."""
    a, b = np.asarray(a), np.asarray(b)
    room = relative * (np.maximum(np.abs(a), np.abs(b)) + scale)
    assert np.all(np.abs(a - b) <= room), (a, b, np.max(np.abs(a - b) / (room / relative)))


@st.composite
def priced(draw: st.DrawFn, drawn: st.SearchStrategy[Incentive] = incentives()) -> tuple[Incentive, float]:  # noqa: B008
    """A game and a price: any in the bounds, an end, or a price at which some follower reaches a limit."""
    data = draw(drawn)
    inside = [float(t) for t in data.kinks() if data.bounds[0] < t < data.bounds[1]]
    return data, draw(st.one_of(shares.map(lambda q: data.prices(q)[0]), st.sampled_from([*data.bounds, *inside])))


class Kkt:
    """The derived table of a game as numbers: for each case its point, its multiplier and its conditions."""

    def __init__(self, table: CaseTable) -> None:
        d = table.declaration
        self.decision = d.decision.name
        multipliers = {constraint.name: m for constraint, m in zip(d.constraints, table.multipliers, strict=True)}
        self.slope = lower([sp.diff(d.follower_utility, d.decision)])
        self.gaps = {c.name: lower([c.gap, sp.diff(c.gap, d.decision)]) for c in d.constraints}
        self.cases: dict[str, tuple[Program, Program, Program]] = {}
        for case in table.cases:
            if len(case.active) <= 1:
                value = list(case.multipliers.values()) if case.active else [sp.Integer(0)]
                assert case.decision is not None
                here = {d.decision: case.decision[0], **{multipliers[n]: m for n, m in case.multipliers.items()}}
                facts = [(r.gts - r.lts).xreplace(here) for r in case.conditions]
                self.cases[case.name] = lower(case.decision), lower(value), lower(facts)


_TABLES: dict[int, tuple[CaseTable, Kkt]] = {}


def kkt_of(game: StackelbergGame) -> Kkt:
    """Lowered once per table; games with the same declaration share theirs."""
    if id(game.cases) not in _TABLES:
        _TABLES[id(game.cases)] = game.cases, Kkt(game.cases)
    return _TABLES[id(game.cases)][1]


@given(priced())
def test_property_2_each_response_is_a_kkt_point_of_a_derived_case_with_multipliers_of_the_right_sign(
    drawn: tuple[Incentive, float],
) -> None:
    data, price = drawn
    game = data.game()
    kkt, shape = kkt_of(game), (data.n,)
    best = game.best_response(price)
    env = game.at(price, **{kkt.decision: best})
    push = np.broadcast_to(kkt.slope.evaluate(env)[0], shape)
    scale = np.abs(push) + 2 * game.values["rho"] * game.values["zeta"] * game.values["W"] * best
    explained = np.zeros(shape, dtype=bool)
    for name, (point, multiplier, _) in kkt.cases.items():
        here = np.abs(np.broadcast_to(point.evaluate(env)[0], shape) - best) <= 1e-9 * best
        force = np.zeros(shape)
        if name != "interior":
            weight = np.broadcast_to(multiplier.evaluate(env)[0], shape)
            gradient = np.broadcast_to(kkt.gaps[name].evaluate(env)[1], shape)
            force = weight * gradient  # of L = U - lambda * gap: U' = lambda * gap' at the optimum
            here &= weight * np.abs(gradient) >= -1e-9 * scale
        explained |= here & (np.abs(push - force) <= 1e-9 * scale)
    assert np.all(explained), (price, best)
    for gap in kkt.gaps.values():
        assert np.all(np.asarray(gap.evaluate(env)[0]) <= 1e-12 * np.maximum(best, 1 + data.columns["T_max"]))


@given(incentives(), shares, shares, st.floats(1.0, 1.5))
def test_property_3_the_response_rises_with_the_price_no_faster_than_E_falls_with_T_max_rises_with_T_comm(
    data: Incentive, first: float, second: float, longer: float
) -> None:
    a, b = sorted(data.prices(first, second))
    game = data.game()
    at_a, at_b = game.best_response(a), game.best_response(b)
    v = game.values
    steep = v["s"] / (2 * v["rho"] * v["zeta"] * v["W"] * (v["hi_j"] - v["lo_j"]))
    assert np.all(at_b >= at_a)
    assert np.all(at_b - at_a <= steep * (b - a) + 1e-13 * at_b)
    relaxed = data.but(T_max=data.columns["T_max"] * longer).game()
    assert np.all(relaxed.best_response(a) <= at_a * (1 + 1e-15))
    quicker = data.but(T_comm=data.columns["T_comm"] / longer).game()
    assert np.all(quicker.best_response(a) <= at_a * (1 + 1e-15))


@given(incentives(), shares, factors)
def test_property_4_scaling_price_and_energy_price_together_leaves_the_response(
    data: Incentive, share: float, by: float
) -> None:
    price = data.prices(share)[0]
    dearer = data.but(rho=data.parameters["rho"] * by, bounds=(data.bounds[0] * by * 0.9, data.bounds[1] * by * 1.1))
    close(dearer.game().best_response(price * by), data.game().best_response(price))


@given(incentives(), shares, factors)
def test_property_5_more_data_for_everyone_at_the_same_work_leaves_shares_and_response(
    data: Incentive, share: float, by: float
) -> None:
    price = data.prices(share)[0]
    bigger = data.but(D=data.columns["D"] * by, tau=data.parameters["tau"] / by).game()
    close(bigger.values["s"], data.game().values["s"])
    close(bigger.best_response(price), data.game().best_response(price))


@given(incentives(), shares, factors)
def test_property_6_frequency_units_leave_times_and_utilities(data: Incentive, share: float, by: float) -> None:
    price = data.prices(share)[0]
    q = data.columns
    other = data.but(
        lo=q["lo"] * by, hi=q["hi"] * by, tau=data.parameters["tau"] * by, zeta=q["zeta"] / by / by / by
    ).game()
    game = data.game()
    one, two = game.best_response(price), other.best_response(price)
    close(other.values["W"] / two, game.values["W"] / one)
    scale = data.magnitude(price)
    close(other.follower_utilities(price, two), game.follower_utilities(price, one), scale=scale)
    close(other.leader_utility(price), game.leader_utility(price), scale=scale)


@given(incentives(equal_cost=True), shares)
def test_property_7_interior_members_with_equal_cycles_share_one_frequency(data: Incentive, share: float) -> None:
    game, price = data.game(), data.prices(share)[0]
    best, limits = game.best_response(price), game.limits(price)
    inside = best[(best > limits.low) & (best < limits.high)]
    close(inside, np.broadcast_to(inside[:1], inside.shape))


@given(priced())
def test_property_8_an_interior_member_spends_half_its_competition_pay_rate_on_energy(
    drawn: tuple[Incentive, float],
) -> None:
    data, price = drawn
    game = data.game()
    v, best, limits = game.values, game.best_response(price), game.limits(price)
    energy = v["rho"] * v["zeta"] * v["W"] * best**2
    paid = 0.5 * v["s"] * price * best / (v["hi_j"] - v["lo_j"])
    inside = (best > limits.low) & (best < limits.high)
    close(energy[inside], paid[inside])


@given(incentives(), shares, shares)
def test_property_9_the_best_utility_is_convex_in_the_price_with_slope_S_plus_f_s(
    data: Incentive, first: float, second: float
) -> None:
    a, b = data.prices(first, second)
    game = data.game()
    v, best = game.values, game.best_response(a)
    f = (best - v["lo_j"]) / (v["hi_j"] - v["lo_j"])
    tangent = game.follower_utilities(a, best) + (v["S"] + f * v["s"]) * (b - a)
    there = game.follower_utilities(b, game.best_response(b))
    assert np.all(there >= tangent - 1e-13 * data.magnitude(max(a, b)))


@few
@given(incentives(), st.floats(0.0, 3.0))
def test_property_10_the_reputation_incentive_moves_utilities_by_a_constant_and_no_decision(
    data: Incentive, more: float
) -> None:
    rise = more * data.bounds[0]
    game, other = data.game(), data.but(I_rep=data.parameters["I_rep"] + rise).game()
    price = data.prices(0.4)[0]
    best, scale = game.best_response(price), data.magnitude(data.bounds[1])
    assert np.array_equal(best, other.best_response(price))
    gained = other.follower_utilities(price, best) - game.follower_utilities(price, best)
    close(gained, rise * np.mean(data.columns["H"]), scale=scale)
    paid = game.leader_utility(price) - other.leader_utility(price)
    close(paid, rise * np.sum(data.columns["H"]), scale=scale)
    here, there = solve(game).stats["leader_utility"], solve(other).stats["leader_utility"]
    close(here - there, rise * np.sum(data.columns["H"]), 2e-9, scale=max(1.0, abs(here), abs(there)))


@given(priced())
def test_property_11_utilities_add_up_to_time_gained_less_energy(drawn: tuple[Incentive, float]) -> None:
    data, price = drawn
    game = data.game()
    v, best = game.values, game.best_response(price)
    together = game.leader_utility(price, best) + np.sum(game.follower_utilities(price, best))
    gained = v["eta"] * v["H"] * np.log(1 + v["T_max"] - v["W"] / best - v["T_comm"])
    close(together, np.sum(gained - v["rho"] * v["zeta"] * v["W"] * best**2), scale=data.magnitude(price))


@given(incentives(), shares, st.data())
def test_property_12_deadlines_are_met_and_exactly_the_infeasible_are_named(
    data: Incentive, share: float, draw: st.DataObject
) -> None:
    slow = np.array(draw.draw(st.lists(st.sampled_from([1.0, 1.0, 4.0, 1e9]), min_size=data.n, max_size=data.n)))
    busy = np.array(draw.draw(st.lists(st.sampled_from([0.0, 0.0, 1.0]), min_size=data.n, max_size=data.n)))
    q = data.columns
    hard = data.but(c=q["c"] * slow, T_comm=np.where(busy > 0, q["T_max"] * (1 + 0.5 * busy), q["T_comm"]))
    work, left = hard.parameters["tau"] * hard.columns["c"] * q["D"], q["T_max"] - hard.columns["T_comm"]
    with np.errstate(divide="ignore"):
        bad = (left <= 0) | (work / left > q["hi"] * (1 + 1e-12))
    if np.all(bad):
        with pytest.raises(InvalidGame, match=r"no follower is left; .*: infeasible: "):
            hard.game()
        return
    game = hard.game()
    assert [int(gone.name) - 1 for gone in game.excluded] == list(np.flatnonzero(bad))
    assert all(gone.reason.startswith("infeasible: ") and "deadline" in gone.reason for gone in game.excluded)
    v, best = game.values, game.best_response(data.prices(share)[0])
    assert np.all(v["W"] / best + v["T_comm"] <= v["T_max"] * (1 + 1e-14))
    assert np.all((best >= v["lo"] * (1 - 1e-15)) & (best <= v["hi"]))


@few
@given(games, st.randoms(use_true_random=False))
def test_property_13_the_order_of_the_followers_does_not_matter(data: Drawn, random: Random) -> None:
    order = list(range(data.n))
    random.shuffle(order)
    mixed = data.but(**{name: column[order] for name, column in data.columns.items()}).game()
    game, price = data.game(), data.prices(0.3)[0]
    close(mixed.best_response(price), game.best_response(price)[order], 1e-14)
    one, two = solve(game), solve(mixed)
    tolerance = one.stats["tolerance"] + 1e-12 * data.magnitude(price)
    assert abs(one.stats["leader_utility"] - two.stats["leader_utility"]) <= 2 * tolerance
    names = [str(j + 1) for j in order]
    again = data.but(**{name: column[order] for name, column in data.columns.items()}).game(names=names)
    assert list(again.names) == names


def _pieces(data: Incentive) -> Array:
    """The ends of the pieces, without those closer together than rounding."""
    low, high = data.bounds
    ends = np.unique(np.concatenate([[low, high], np.clip(data.kinks(), low, high)]))
    return ends[np.concatenate([[True], np.diff(ends) > 1e-6 * (high - low)])]


@few
@given(incentives())
def test_property_14_slopes_are_derivatives_fall_within_pieces_and_utility_is_continuous(data: Incentive) -> None:
    game, ends = data.game(), _pieces(data)
    assume(len(ends) > 1)
    scale = data.magnitude(data.bounds[1])
    for a, b in itertools.pairwise(ends):
        inner = a + (b - a) * np.array([0.1, 0.35, 0.5, 0.65, 0.9])
        slopes = np.array([game.leader_slopes(float(q)) for q in inner])
        close(slopes[:, 0], slopes[:, 1])
        steps = np.diff(slopes[:, 0])
        moving = np.any(game.best_response(inner[-1]) != game.best_response(inner[0]))
        room = 1e-12 * scale / (b - a)
        assert np.all(steps <= room), (a, b, steps)
        rises = np.diff([game.leader_utility(float(q)) for q in inner])
        assert np.all(rises <= slopes[:-1, 1] * np.diff(inner) + 1e-13 * scale)  # concave: below the tangent before,
        assert np.all(rises >= slopes[1:, 0] * np.diff(inner) - 1e-13 * scale)  # above the tangent after
        if not moving:
            close(slopes[:, 0], slopes[0, 0], scale=room)
    for kink in ends[1:-1]:
        beside = [game.leader_utility(float(kink * q)) for q in (1 - 1e-14, 1 + 1e-14)]
        close(beside[0], beside[1], 1e-10, scale=scale)


@given(incentives())
def test_property_15_the_slope_jumps_by_the_printed_formula_at_each_kink(data: Incentive) -> None:
    game = data.game()
    work, _, _, steep, low = data._data()
    top, eta = data.columns["hi"], data.parameters["eta"]
    kappa = data.parameters["rho"] * data.columns["zeta"]
    ahead = 1 + data.columns["T_max"] - data.columns["T_comm"]

    def jump(at: Array) -> Array:
        left = ahead - work / at
        phi = eta * data.columns["H"] - 2 * kappa * at**3 * left
        return steep * work * phi / (at**2 * left)

    kinks = np.concatenate([low / steep, top / steep])
    jumps = np.concatenate([jump(low), -jump(top)])
    size = np.concatenate([np.abs(jump(low)), np.abs(jump(top))])
    for kink in np.unique(kinks):
        inside = (kink > data.bounds[0] * (1 + 1e-9)) & (kink < data.bounds[1] * (1 - 1e-9))
        near = np.abs(kinks - kink) <= 1e-9 * kink
        if inside and np.all(np.abs(kinks[near] - kink) <= 1e-15 * kink):
            before, after = (game.leader_slopes(float(kink * q))[0] for q in (1 - 1e-9, 1 + 1e-9))
            scale = data.magnitude(kink) / kink + np.sum(size[near])
            close(after - before, np.sum(jumps[near]), 1e-5, scale=scale)


@few
@given(games)
def test_property_16_the_optimum_is_at_least_the_grid_bisection_and_the_highest_price(data: Drawn) -> None:
    game = data.game()
    solution = solve(game)
    value = solution.stats["leader_utility"]
    room = solution.stats["gap"] * max(1.0, abs(value)) + 1e-13 * data.magnitude(data.bounds[1])
    assert value >= np.max([game.leader_utility(price) for price in data.prices(*np.linspace(0, 1, 41))]) - room
    assert value >= bisection(game, max_iterations=25).stats["leader_utility"] - room
    assert value >= game.leader_utility(data.bounds[1]) - room


@few
@given(incentives(scaled=False), st.floats(1.01, 3.0), st.data())
def test_property_17_the_best_price_rises_with_eta_and_falls_with_similarity_up_to_ties(
    data: Incentive, more: float, draw: st.DataObject
) -> None:
    chosen = draw.draw(st.integers(0, data.n - 1))
    dearer = data.columns["S"].copy()
    dearer[chosen] *= more
    base = data.game()
    for other, sign in ((data.but(eta=data.parameters["eta"] * more), 1), (data.but(S=dearer), -1)):
        game = other.game()
        before, after = solve(base).require().price, solve(game).require().price
        if sign * (after - before) < 0:  # only if both are best, or nearly, in both games
            room = 1e-8 * max(1.0, data.magnitude(data.bounds[1]))
            assert base.leader_utility(after) >= base.leader_utility(before) - room
            assert game.leader_utility(before) >= game.leader_utility(after) - room


@few
@given(incentives())
def test_property_18_the_highest_price_is_no_slower_no_worse_for_followers_no_better_for_the_leader(
    data: Incentive,
) -> None:
    game = data.game()
    solution = solve(game)
    price, high = solution.profiles[0].price, data.bounds[1]
    work, scale = game.values["W"], 1e-13 * data.magnitude(high)
    here, there = game.best_response(price), game.best_response(high)
    assert np.max(work / there + data.columns["T_comm"]) <= np.max(work / here + data.columns["T_comm"])
    assert np.all(game.follower_utilities(high, there) >= game.follower_utilities(price, here) - scale)
    gap = solution.stats["gap"] * max(1.0, abs(solution.stats["leader_utility"]))
    assert game.leader_utility(price) >= game.leader_utility(high) - gap - scale
