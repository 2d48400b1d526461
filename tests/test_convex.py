"""Followers' best responses against CVXPY, which is given the declaration only."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest
import sympy as sp

from solvers.core import Array, InvalidGame, NotSolved
from solvers.stackelberg import StackelbergGame, bundled, load, solve
from solvers.stackelberg import _refine as refine
from solvers.stackelberg._convex import AGREEMENT, ConvexFollowers, compare, convex_best_response
from solvers.stackelberg._response import Limits, Response
from verification.properties._attempt import attempt
from verification.properties._stackelberg import PROPERTIES
from verification.stackelberg_games import IncentiveData

p, x, a, b, w, cap, mu, k = sp.symbols("p x a b w cap mu k", real=True)
BOUNDS = (0.5, 4.0)
BOX = {"none": x >= 0, "cap": x <= cap}


def declared(
    utility: sp.Expr, constraints: dict[str, sp.Rel], table: dict[str, Array], bounds: tuple[float, float] = BOUNDS
) -> StackelbergGame:
    return StackelbergGame.declare(
        price=p,
        decision=x,
        bounds=bounds,
        leader_utility=p * x,
        follower_utility=utility,
        constraints=constraints,
        table=table,
        parameters={"k": 0.6},
        participation=False,
    )


def columns(seed: int, n: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    ranges = {"w": (0.5, 8), "a": (0.3, 3), "b": (0.2, 4), "cap": (0.3, 4), "mu": (5, 9)}
    return {name: np.exp(rng.uniform(np.log(low), np.log(high), n)) for name, (low, high) in ranges.items()}


# --- agreement on 200 games: 104 of the two families of `verification.stackelberg_games`, 96 of others ----------------

LOWER = sp.Rational(1, 10)
FAMILIES: dict[str, tuple[sp.Expr, dict[str, sp.Rel]]] = {
    "quadratic": (w * x - a * x**2 / 2 - p * x, BOX),
    "distance": (-w * (x - a) ** 2 - p * x, BOX),
    "no cap": (w * sp.log(1 + x / a) - p * x, {"none": x >= 0}),
    "square root": (w * sp.sqrt(x) - p * x, BOX),
    "shifted root": (w * sp.sqrt(x + a) - p * x, BOX),
    "exponential": (w * (1 - sp.exp(-a * x)) - p * x, BOX),
    "saturating": (w * x / (x + a) - p * x, BOX),
    "queue": (-w / (mu - x) + b * x - p * x, BOX),
    "cubic": (5 * x - p * x - a * x**3, BOX),
    "three terms": (w * sp.log(1 + x) + a * sp.sqrt(x) - b * x**3 / 10 - p * x, BOX),
    "price inside": (p * w * sp.log(1 + p * x / a) - x, BOX),
    "price times root": ((a + p) * sp.sqrt(x) - x, BOX),
    "budget": (w * sp.log(1 + x) - x / 100, {"none": x >= 0, "budget": p * x <= b}),
    "deadline": (p * w * x - a * x**2, {"least": x >= LOWER, "cap": x <= cap + 4, "deadline": 1 + w / x <= mu}),
    "square cap": (w * sp.log(1 + x) - p * x / 10, {"none": x >= 0, "cap": x**2 <= cap}),
    "inner sum": (w * sp.log(10 - LOWER / x) - p * x / 50, {"least": x >= LOWER, "cap": x <= cap + LOWER}),
}


def test_agrees_on_drawn_games() -> None:
    (prop,) = (each for each in PROPERTIES if each.name == "gfml-01a")
    tried = attempt(prop, examples=104)
    assert (tried.failure, tried.not_run, tried.examples) == (None, "", 104)
    assert tried.worst <= AGREEMENT


@pytest.mark.parametrize("family", FAMILIES)
def test_agrees_on_other_utilities(family: str) -> None:
    utility, constraints = FAMILIES[family]
    for seed in range(6):
        rng = np.random.default_rng([seed, 99])
        followers = ConvexFollowers(declared(utility, constraints, columns(seed, n=3 + seed)))
        found = followers.compare(float(rng.uniform(*BOUNDS)))
        assert found.agrees, found
        assert followers.problem.is_dpp()


def test_agrees_where_every_limit_and_the_interior_decide() -> None:
    rng, n, seen = np.random.default_rng(5), 60, Counter[str]()
    table = {
        "D": rng.uniform(0.5, 2, n), "c": rng.uniform(0.5, 2, n), "zeta": rng.uniform(0.02, 2, n) / n,
        "T_comm": rng.uniform(0.5, 2, n), "T_max": rng.uniform(4, 9, n), "lo": rng.uniform(0.1, 0.6, n),
        "hi": rng.uniform(1.5, 2.5, n), "S": rng.uniform(0.2, 1, n), "H": rng.uniform(0.2, 1, n),
    }  # fmt: skip
    game = IncentiveData(table, {"eta": 3.0, "I_rep": 5.0, "rho": 0.5, "tau": 1.0}, (1.0, 8.0)).game()
    followers = ConvexFollowers(game)
    for price in np.linspace(*game.bounds, 5):
        found = followers.compare(float(price))
        assert found.agrees, found
        limits, q = game.limits(price), game.values
        deadline = q["W"] / (q["T_max"] - q["T_comm"])
        seen["fastest"] += int(np.sum(np.isclose(found.decisions, limits.high)))
        at_low = np.isclose(found.decisions, limits.low)
        seen["deadline"] += int(np.sum(at_low & (deadline > q["lo"])))
        seen["slowest"] += int(np.sum(at_low & (deadline < q["lo"])))
        seen["interior"] += int(np.sum(~at_low & ~np.isclose(found.decisions, limits.high)))
    assert min(seen[case] for case in ("fastest", "deadline", "slowest", "interior")) >= 5, seen


@pytest.mark.parametrize("name", [name for name in bundled() if name != "log-literal"])
def test_agrees_on_bundled_scenarios(name: str) -> None:
    game = load(name)
    profile = solve(game).require()
    followers = ConvexFollowers(game.among(profile))
    for price in (*game.bounds, profile.price, 0.3 * game.bounds[0] + 0.7 * game.bounds[1]):
        found = followers.compare(price)
        assert found.agrees, found


def test_each_of_many_followers_agrees_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    table = columns(seed=3, n=1000)
    for family in ("quadratic", "square root"):
        for price in (0.7, 2.0):
            found = compare(declared(*FAMILIES[family], table), price)
            assert found.agrees, found
    assert capfd.readouterr() == ("", "")  # --json - shares stdout with the solvers


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_agrees_in_any_units(unit: float) -> None:
    table = columns(seed=1, n=4)
    table |= {"w": table["w"] * unit, "a": table["a"] * unit, "cap": table["cap"] * unit}
    found = compare(declared(w * sp.log(1 + x / a) - p * x, BOX, table), 1.3)
    assert found.agrees, found


def test_another_price_needs_no_new_canonicalisation(monkeypatch: pytest.MonkeyPatch) -> None:
    followers = ConvexFollowers(load("two-peaks"))
    first = followers.best_response(6.0)

    def refuse(*args: object) -> None:
        raise AssertionError("canonicalised again")

    monkeypatch.setattr(cp.Problem, "_construct_chain", refuse)
    second = followers.best_response(8.0)
    np.testing.assert_array_less(first, second)


def test_no_closed_form_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    games = {name: declared(*FAMILIES[name], columns(seed=2, n=4)) for name in ("quadratic", "square root", "deadline")}
    right = {name: game.best_response(1.5) for name, game in games.items()}

    def refuse(*args: object) -> None:
        raise AssertionError("a closed form was used")

    for method in ("limits", "best", "numeric"):
        monkeypatch.setattr(Response, method, refuse)
    for name, game in games.items():
        np.testing.assert_allclose(convex_best_response(game, 1.5), right[name], rtol=1e-8, atol=1e-12)


# --- a wrong closed form is caught -----------------------------------------------------------------------------------


def test_a_deviation_of_one_follower_among_many_is_caught_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    game = declared(*FAMILIES["quadratic"], columns(seed=4, n=500))
    limits, right = game.limits(1.5), game.best_response(1.5)
    for share, caught in ((0.5 * AGREEMENT, False), (2 * AGREEMENT, True)):
        wrong = right.copy()
        wrong[321] += share * (limits.high - limits.low)[321]
        monkeypatch.setattr(StackelbergGame, "best_response", lambda self, price, wrong=wrong: wrong)
        found = compare(game, 1.5)
        assert (found.agrees, found.follower) == (not caught, game.names[321])
        assert found.deviation == pytest.approx(share, rel=1e-3)


def forgotten_deadline(self: Response, env: object, limits: Limits) -> Array:
    return np.clip(RIGHT(self, env, Limits(limits.low * 0, *_rest(limits))), 0.0, limits.high)


def reversed_cases(self: Response, env: object, limits: Limits) -> Array:
    right = RIGHT(self, env, limits)
    return np.where(right == limits.low, limits.high, np.where(right == limits.high, limits.low, right))


def undefined(self: Response, env: object, limits: Limits) -> Array:
    return RIGHT(self, env, limits) * np.nan


def _rest(limits: Limits) -> tuple[Array, Array, Array]:
    return limits.high, limits.low_name, limits.high_name


RIGHT = Response.best


@pytest.mark.parametrize("wrong", [forgotten_deadline, reversed_cases, undefined])
def test_wrong_cases_are_caught(wrong: Callable[..., Array], monkeypatch: pytest.MonkeyPatch) -> None:
    game = load("two-peaks")
    assert compare(game, 5.0).agrees
    monkeypatch.setattr(Response, "best", wrong)
    assert not compare(game, 5.0).agrees


def test_limits_that_are_too_wide_do_not_hide_a_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    game = declared(*FAMILIES["quadratic"], columns(seed=4, n=5))
    right, limits = game.best_response(1.5), game.limits(1.5)
    wide = Limits(limits.low - 1e9, limits.high + 1e9, limits.low_name, limits.high_name)
    monkeypatch.setattr(StackelbergGame, "limits", lambda self, price: wide)
    monkeypatch.setattr(StackelbergGame, "best_response", lambda self, price: right + 1e-4)
    assert not compare(game, 1.5).agrees


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utility", "constraints", "message"),
    [
        (
            (p - a) * sp.sqrt(x) - 20 * x**2,
            {"least": x >= 1, "cap": x <= 1 + cap},
            r"^the follower's utility: CVXPY's rules do not show its term in sqrt\(x\) to be concave$",
        ),
        (
            -w * x * sp.sqrt(x + 1) + 9 * x - p * x,
            {"least": x >= 1, "cap": x <= 1 + cap},
            r"^the follower problem: CVXPY has no convex or concave form of the term x\*sqrt\(x \+ 1\)$",
        ),
        (
            w * x - p * x - a * x**2 + x**3 / 50,
            {"none": x >= 0, "cap": x <= 1},
            r"^the follower's utility: CVXPY's rules do not show its term in x\*\*3 to be concave$",
        ),
        (
            -a * (x + 2) ** b + 9 * x - p * x,
            {"none": x >= 0, "cap": x <= cap},
            r"^the follower problem: the exponent of \(x \+ 2\)\*\*b must be one number for all followers$",
        ),
    ],
)
def test_a_term_outside_the_rules_is_named(utility: sp.Expr, constraints: dict[str, sp.Rel], message: str) -> None:
    table = columns(seed=0, n=6)
    game = declared(utility, constraints, table | {"b": 1.5 + table["b"]})
    with pytest.raises(InvalidGame, match=message):
        compare(game, 1.0)


def test_a_shared_symbolic_exponent_is_a_number() -> None:
    table = columns(seed=0, n=4)
    found = convex_best_response(declared(w * (1 + x) ** k - p * x, BOX, table), 1.0)
    np.testing.assert_allclose(found, np.clip((0.6 * table["w"]) ** 2.5 - 1, 0, table["cap"]), rtol=1e-9, atol=1e-12)


def test_a_factor_that_changes_sign_between_the_looked_at_prices_is_refused() -> None:
    factor = (p - sp.Rational(1, 5)) * (p - sp.Rational(3, 10))
    limits = {"least": x >= 1, "cap": x <= 1 + cap}
    game = declared(factor * sp.sqrt(x) - 20 * x**2, limits, columns(seed=0, n=3), bounds=(0.0, 1.0))
    followers = ConvexFollowers(game)
    assert followers.compare(0.1).agrees
    with pytest.raises(InvalidGame, match=r"not shown to be convex: .*must be nonnegative"):
        followers.best_response(0.25)


def test_a_price_outside_the_bounds_is_refused() -> None:
    with pytest.raises(InvalidGame, match=r"^price must lie in \[5.0, 15.0\], got 20.0$"):
        convex_best_response(load("two-peaks"), 20.0)


def test_a_missing_cvxpy_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    game = load("two-peaks")
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(NotSolved, match=r"needs CVXPY; install certeq\[convex\]$"):
        compare(game, 7.0)


def test_a_solver_that_stops_early_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine, "OSQP", refine.OSQP | {"max_iter": 25})
    with pytest.raises(NotSolved, match=r"^CVXPY: the follower problem at price 7 ended as 'user_limit'$"):
        convex_best_response(load("two-peaks"), 7.0)


def test_numbers_beyond_float64_are_refused() -> None:
    game = declared(-sp.exp(4000 * x) / 10**300 - p * x + w * x, BOX, columns(seed=0, n=3))
    with pytest.raises(InvalidGame, match=r"the numbers of its term in exp\(4000\*x\) must be finite in float64$"):
        convex_best_response(game, 1.0)


def test_a_refinement_that_does_not_settle_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine, "STEPS", 1)
    with pytest.raises(NotSolved, match="still moves after 1 steps"):
        convex_best_response(declared(*FAMILIES["square root"], columns(seed=0, n=4)), 2.0)


def test_a_solver_that_breaks_down_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: object, **options: object) -> None:
        raise cp.SolverError("Solver 'OSQP' failed.")

    monkeypatch.setattr(cp.Problem, "solve", break_down)
    with pytest.raises(NotSolved, match=r"^CVXPY: the follower problem at price 7 has no answer: Solver .OSQP. failed"):
        convex_best_response(load("two-peaks"), 7.0)
