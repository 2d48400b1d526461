"""Claims that once passed, or could: each must be refused, or be right."""

import numpy as np
import pytest
import sympy as sp

from solvers.core import InvalidGame
from solvers.stackelberg import Profile, StackelbergGame, solve
from verification import certify

p, x, w = sp.symbols("p x w")


def declared(utility, *, leader=p * x, bounds=(0.5, 4.0), participation=False, table=None, **constraints):
    """A game of one kind of follower, w = 1, 2 and 3 unless a table says otherwise."""
    return StackelbergGame.declare(
        price=p,
        decision=x,
        bounds=bounds,
        leader_utility=leader,
        follower_utility=utility,
        constraints=constraints,
        table=table or {"w": np.array([1.0, 2.0, 3.0])},
        participation=participation,
    )


@pytest.mark.parametrize("steepness", [100.0, 1e6])
def test_a_limit_that_binds_only_between_the_ends_of_a_price_interval_is_seen(steepness):
    c, k = sp.Rational(33, 10), sp.Integer(int(steepness))
    game = declared(
        -((x - w) ** 2),
        leader=x - p / 1000,
        bounds=(0.0, 10.0),
        table={"w": np.array([1.0])},
        positive=x >= 0,
        floor=x >= 3 - k * (p - c) ** 2,
    )
    solution = solve(game)
    assert solution.stats["upper_bound"] >= game.leader_utility(3.3)
    assert solution.stats["leader_utility"] == pytest.approx(game.leader_utility(3.3), abs=1e-3)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("n", [3, 100])
def test_units_of_money_change_neither_price_nor_evidence(unit, n):
    worth = np.linspace(1.0, 4.0, n)
    utility, table = w * sp.log(1 + x) - p * x, {"w": worth}
    plain = declared(utility, table=table, bounds=(0.1, 4.0), none=x >= 0, cap=x <= 3)
    scaled = declared(utility, table={"w": unit * worth}, bounds=(0.1 * unit, 4 * unit), none=x >= 0, cap=x <= 3)
    ours, theirs = solve(plain), solve(scaled)
    assert theirs.stats["leader_utility"] == pytest.approx(unit * ours.stats["leader_utility"], rel=2e-9)
    profile = theirs.require()
    assert certify(scaled, profile, tolerance=1e-9 * scaled.magnitudes(profile)).holds
    worse = Profile(0.99 * 4 * unit, scaled.best_response(0.99 * 4 * unit))
    assert not certify(scaled, worse, tolerance=1e-9 * scaled.magnitudes(worse)).holds


def test_a_rich_leader_does_not_excuse_a_follower():
    game = declared(w * sp.log(1 + x) - p * x, leader=10**12 * p * x, none=x >= 0, cap=x <= 3)
    profile = solve(game).require()
    assert certify(game, profile, tolerance=1e-9 * game.magnitudes(profile)).holds
    greedy = Profile(profile.price, np.array([3.0, 3.0, 3.0]))
    assert not certify(game, greedy, tolerance=1e-9 * game.magnitudes(greedy)).holds


def test_a_narrow_feasible_interval_is_searched_from_its_end():
    game = declared(
        w * x - x**2 / 2 - p * x, leader=-x, table={"w": np.array([1e6])}, low=x >= 100, high=x <= sp.Rational("100.05")
    )
    regrets = game.regrets(Profile(2.0, np.array([100.0])))
    assert regrets[1] == pytest.approx((1e6 - 2) * 0.05 - (100.05**2 - 100**2) / 2, rel=1e-9)


def test_decisions_of_tiny_size_are_certified():
    t = sp.Rational(1, 10**9)
    game = declared(w * sp.log(t + x) - p * x, bounds=(5e8, 4e9), none=x >= 0, cap=x <= 3 * t)
    profile = solve(game).require()
    assert certify(game, profile, tolerance=1e-9 * game.magnitudes(profile)).holds


def test_a_spike_between_samples_is_not_concave():
    with pytest.raises(InvalidGame, match="strictly concave"):
        declared(-((x - 2) ** 2) + 5 * sp.exp(-(((x - 0.83) / 0.005) ** 2)) - p * x / 10, low=x >= 0, high=x <= 3)


def test_infeasibility_between_the_price_bounds_is_found():
    with pytest.raises(InvalidGame, match="no follower is left"):
        declared(w * x - x**2 - p * x, bounds=(1.0, 9.0), duty=x >= 4 - (p - 4) ** 2, cap=x <= 2, none=x >= 0)


@pytest.mark.parametrize("utility", [w * sp.sqrt(x) - p * x, w * sp.log(x) - p * x])
def test_an_infinite_slope_at_a_limit_is_derived_and_proved(utility):
    from solvers.stackelberg import derive, prove

    game = declared(utility, none=x >= 0, cap=x <= 3)
    assert {o.verdict for o in prove(derive(game))} == {"proved"}
    assert [case.name for case in derive(game).cases] == ["interior", "cap"]


@pytest.mark.parametrize("tolerance", [-1.0, np.inf, np.nan, np.zeros(3)])
def test_a_tolerance_must_be_finite_and_fit(tolerance):
    game = declared(w * sp.log(1 + x) - p * x, none=x >= 0, cap=x <= 3)
    with pytest.raises(ValueError, match="tolerance must"):
        certify(game, Profile(1.0, game.best_response(1.0)), tolerance=tolerance)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"bounds": ("a", "b")}, "bounds must be numbers"),
        ({"bounds": (1.0,)}, "bounds must be two finite numbers"),
        ({"price": "p"}, "price must be a SymPy symbol"),
        ({"table": {"w": ["many"]}}, "table column 'w' must be numbers"),
    ],
)
def test_python_callers_get_one_clear_error(change, part):
    arguments = {
        "price": p, "decision": x, "bounds": (0.5, 4.0), "leader_utility": p * x,
        "follower_utility": w * sp.log(1 + x) - p * x, "constraints": {"none": x >= 0}, "table": {"w": np.ones(1)},
    }  # fmt: skip
    with pytest.raises(InvalidGame, match=part):
        StackelbergGame.declare(**{**arguments, **change})
