"""The leader's optimum and the evidence for it: against brute force, ball arithmetic, and each other."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import cases
import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stackelberg_games import BITS, balls, exact_kinks, games, incentives, p, shares, w, x

from solvers.core import InvalidGame, NotSolved, Status
from solvers.stackelberg import Profile, StackelbergGame, _pieces, bisection, bounded, load, solve
from solvers.stackelberg._curve import Curve, NotConcave
from solvers.stackelberg._interval import interval_branch_and_bound
from solvers.stackelberg._leader import Optimum, branch_and_bound, exact_sweep
from solvers.stackelberg._program import lower
from verification.certificates import certify
from verification.stackelberg_games import GameData, IncentiveData, PricingData

few = settings(max_examples=max(5, settings().max_examples // 10))  # for games that are solved, not only evaluated
some = settings(max_examples=max(5, settings().max_examples // 4))


@pytest.fixture(autouse=True)
def precision() -> None:
    flint.ctx.prec = BITS


# --- pinned games --------------------------------------------------------------------------------------------------


def test_the_counterexample_to_proposition_3_has_two_peaks_and_the_higher_one_is_found() -> None:
    game = cases.TWO_PEAKS.game()
    solution, peaks = solve(game), cases.Peaks()
    assert solution.require().price == pytest.approx(peaks.best[0], rel=1e-9)
    assert solution.stats["leader_utility"] == pytest.approx(peaks.best[1], abs=5e-3)
    assert certify(game, solution.require()).holds
    local = exact_sweep(game.curve).local
    assert [game.leader_utility(price) for price in local] == [
        pytest.approx(peaks.local[1], abs=5e-3),
        pytest.approx(peaks.best[1], abs=5e-3),
    ]
    assert local[0] == pytest.approx(peaks.local[0], abs=5e-5)
    for kink, before, after in peaks.jumps:
        (at,) = [t for t in game.curve.kinks if abs(t - kink) < 1e-4]
        assert game.leader_slopes(float(at) * (1 - 1e-9))[0] == pytest.approx(before, abs=0.06)
        assert game.leader_slopes(float(at) * (1 + 1e-9))[0] == pytest.approx(after, abs=0.06)


def test_the_pinned_game_is_the_bundled_one() -> None:
    written, built = load("two-peaks"), cases.TWO_PEAKS.but(participation=True).game()
    assert [str(c.gap) for c in written.form.constraints] == [str(c.gap) for c in built.form.constraints]
    one, two = solve(written), solve(built)
    assert one.require().price == pytest.approx(two.require().price, rel=1e-14)
    assert one.require().decisions == pytest.approx(two.require().decisions, rel=1e-14)
    assert one.stats["leader_utility"] == pytest.approx(two.stats["leader_utility"], rel=1e-13)
    assert one.method == two.method


def test_a_game_read_from_a_file_is_the_game_built_in_python() -> None:
    source = load("two-peaks")
    again = StackelbergGame.declare(
        price=source.form.price,
        decision=source.form.decision,
        bounds=source.bounds,
        leader_utility=source.form.leader_utility,
        follower_utility=source.form.follower_utility,
        constraints={c.name: (c.left, c.right) for c in source.form.constraints},
        table=source.table,
        names=source.names,
        parameters=source.parameters,
        derived=source.derived,
    )
    assert again.declaration == source.declaration
    assert again.facts == source.facts
    one, two = solve(source), solve(again)
    assert one.stats == two.stats
    assert np.array_equal(one.require().decisions, two.require().decisions)


def test_at_the_tie_both_prices_are_best_and_either_is_certified() -> None:
    game = cases.TIE.game()
    solution = solve(game)
    assert solution.stats["leader_utility"] == pytest.approx(cases.TIED_UTILITY, abs=5e-5)
    assert min(abs(solution.require().price - price) for price in cases.TIED_PRICES) < 1e-6
    for price in cases.TIED_PRICES:
        assert game.leader_utility(price) == pytest.approx(cases.TIED_UTILITY, abs=5e-5)
        assert certify(game, Profile(price, game.best_response(price)), tolerance=1e-3).holds


def test_the_deadline_multiplier_of_equation_34_has_the_other_sign() -> None:
    game = cases.REVERSED_34.game()
    v = game.values
    for price, reached in cases.REACHED.items():
        steep = v["s"] / (2 * v["rho"] * v["zeta"] * v["W"] * (v["hi_j"] - v["lo_j"]))
        assert steep[0] * price == pytest.approx(reached, rel=2e-3)
        best = game.best_response(price)
        assert best[0] == pytest.approx(max(reached, cases.REQUIRED), rel=2e-3)
    need = v["W"][0] / (v["T_max"][0] - v["T_comm"][0])
    kappa, gap = v["rho"] * v["zeta"][0], v["hi_j"] - v["lo_j"]
    printed = need**2 * v["s"][0] * 5.0 / (v["W"][0] * gap) - 2 * kappa * need**3
    assert printed == pytest.approx(-cases.MULTIPLIER, rel=5e-3)
    (case,) = [c for c in game.cases.cases if c.active == ("deadline",)]
    (multiplier,) = case.multipliers.values()
    assert np.ravel(lower([multiplier]).evaluate(game.at(5.0))[0])[0] == pytest.approx(-printed, rel=1e-12)
    at_12 = game.follower_utilities(12.0, game.best_response(12.0)) - game.follower_utilities(12.0, need + 0 * v["D"])
    assert at_12[0] == pytest.approx(cases.GAIN, abs=1e-3)


def test_the_condition_of_equation_38_is_reversed() -> None:
    game = cases.REVERSED_38.game()
    best = game.best_response(12.0)
    assert np.all(best == game.values["hi"])
    lost = game.follower_utilities(12.0, best) - game.follower_utilities(12.0, game.values["lo"] * np.ones(9))
    assert lost[0] == pytest.approx(cases.GAIN_38, abs=1e-3)


@pytest.mark.parametrize("row", cases.TABLE_ROWS, ids=lambda row: f"{row.work:.2g}")
def test_the_cases_of_table_ii_by_size_of_data(row: cases.Row) -> None:
    game = cases.learners([row.data] * 9).game()
    v = game.values
    assert v["W"][0] == pytest.approx(row.work, rel=0.03)
    assert v["W"][0] / 9.5 == pytest.approx(row.required, rel=0.05)
    steep = v["s"][0] / (2 * v["rho"] * v["zeta"][0] * v["W"][0] * (v["hi_j"] - v["lo_j"]))
    assert steep * 5 == pytest.approx(row.reached, rel=0.03)
    for price, name in row.cases:
        best, limits = game.best_response(price), game.limits(price)
        side = "interior" if limits.low[0] < best[0] < limits.high[0] else None
        ends = {float(limits.low[0]): limits.low_name[0], float(limits.high[0]): limits.high_name[0]}
        assert name == (side or game.form.constraints[ends[float(best[0])]].name), price


def test_a_market_of_three_segments_has_the_best_price_of_the_textbook() -> None:
    solution = solve(cases.SEGMENTS.game())
    assert solution.require().price == pytest.approx(cases.SEGMENTS_PRICE, rel=1e-9)
    assert solution.stats["leader_utility"] == pytest.approx(cases.SEGMENTS_UTILITY, rel=1e-13)
    assert cases.SEGMENTS.best_found()[1] == pytest.approx(cases.SEGMENTS_UTILITY, rel=1e-12)


# --- against brute force -------------------------------------------------------------------------------------------


def optima(game: StackelbergGame) -> list[Optimum]:
    """What each method that applies claims."""
    claims = [interval_branch_and_bound(game, max_nodes=1500)]
    try:
        return [*claims, exact_sweep(game.curve), branch_and_bound(game.curve)]
    except NotConcave:
        return claims


@few
@given(games)
def test_every_method_is_as_good_as_brute_force_and_its_bound_is_one(data: GameData) -> None:
    price, value = data.best_found()
    noise = 1e-13 * data.magnitude(price)
    for optimum in optima(data.game()):
        assert value <= optimum.upper + noise
        assert optimum.value <= optimum.upper
        assert data.bounds[0] <= optimum.price <= data.bounds[1]
        there = float(data.leader(np.array([optimum.price]))[0])
        assert optimum.value == pytest.approx(there, abs=noise + 1e-12 * abs(there))
        if optimum.gap <= 1e-9:
            assert value <= optimum.value + 1e-9 * optimum.scale + noise


@few
@given(games)
def test_methods_agree_within_their_gaps(data: GameData) -> None:
    claims = optima(data.game())
    for one in claims:
        assert all(other.value <= one.upper for other in claims), claims


@few
@given(games)
def test_ball_arithmetic_finds_no_price_above_the_bound(data: GameData) -> None:
    game = data.game()
    price, _ = data.best_found()
    claims = optima(game)
    low, high = data.bounds
    for at in [price, *(c.price for c in claims), *np.clip(data.kinks(), low, high), *data.prices(0, 0.37, 1)]:
        exact = sum((term for _, term, _ in balls(data, game, float(at))), flint.arb(0))
        for optimum in claims:
            assert not exact > flint.arb(optimum.upper), (at, exact, optimum)


# --- rigour of what the bound is made of -----------------------------------------------------------------------------


def curve_or_skip(data: GameData) -> tuple[StackelbergGame, Curve]:
    game = data.game()
    try:
        return game, game.curve
    except NotConcave:
        assume(False)
        raise


@some
@given(games, shares, st.data())
def test_value_and_slope_errors_cover_the_difference_from_ball_arithmetic(
    data: GameData, share: float, draw: st.DataObject
) -> None:
    game, curve = curve_or_skip(data)
    price = draw.draw(st.sampled_from([*data.prices(share), *np.clip(data.kinks(), *data.bounds)]))
    rows, point = balls(data, game, float(price)), curve.at(float(price))
    exact = sum((term for _, term, _ in rows), flint.arb(0))
    assert not abs(exact - flint.arb(point.value)) > flint.arb(curve.value_error), (price, point, exact)
    near = curve.kinks[np.abs(curve.kinks - price) <= curve.spread]
    if not len(near):
        slope = sum((term for _, _, term in rows), flint.arb(0))
        assert not abs(slope - flint.arb(point.slope)) > flint.arb(curve.slope_error), (price, point, slope)


@some
@given(games)
def test_kinks_are_the_true_thresholds_within_the_spread(data: GameData) -> None:
    game, curve = curve_or_skip(data)
    exact = exact_kinks(data, game)
    found = [flint.arb(float(kink)) for kink in curve.kinks]
    spread, (low, high) = flint.arb(curve.spread), data.bounds
    for kink in found:
        assert not all(abs(kink - true) > spread for true in exact), kink
    for true in exact:
        if flint.arb(low) + spread < true < flint.arb(high) - spread:
            assert not all(abs(kink - true) > spread for kink in found), true


@some
@given(games, shares, st.sampled_from([2, 3, 5, 9]))
def test_the_bound_is_one_at_every_stage_of_the_search(data: GameData, share: float, passes: int) -> None:
    game, curve = curve_or_skip(data)
    optimum = branch_and_bound(curve, max_passes=passes)
    assert optimum.value <= optimum.upper
    inside = [t for t in data.kinks() if data.bounds[0] < t < data.bounds[1]]
    for at in [data.best_found()[0], *data.prices(share), *inside]:
        exact = sum((term for _, term, _ in balls(data, game, float(at))), flint.arb(0))
        assert not exact > flint.arb(optimum.upper), (at, exact, optimum)


def test_the_bound_covers_the_rounding_of_limits_that_cancel() -> None:
    a, b, c = sp.symbols("a b c", real=True)
    columns = {"a": np.array([1e9 + 0.1]), "b": np.array([1e9 + 0.33]), "c": np.array([3.0]), "w": np.array([40.0])}
    limit = {"none": x >= 0, "cap": x + a - b - c / 10**9 <= c}
    game = declared(w * sp.log(1 + x) - p * x, constraints=limit, table=columns, bounds=(0.5, 4.0))
    exact = {name: flint.arb(float(column[0])) for name, column in columns.items()}
    most = 4 * (exact["c"] + exact["c"] / 10**9 - exact["a"] + exact["b"])  # at p = 4 the limit binds: 40/4 - 1 = 9
    assert not most > flint.arb(solve(game).stats["upper_bound"])


_A, _B, _C = sp.symbols("a b c", real=True)


_LEAVES = (_A, _B, _C, _A, _B, _C, sp.Integer(3), sp.Rational(1, 10), sp.Rational(-7, 3))
_BINARY = (sp.Add, sp.Mul, lambda x, y: x - y, lambda x, y: x / y, sp.Min, sp.Max)
_UNARY = (sp.log, sp.exp, *(lambda x, k=k: x ** sp.Rational(k, 10) for k in (20, 30, 5, 7, -15)))


@st.composite
def expressions(draw: st.DrawFn) -> sp.Expr:
    """Up to five operations, each on what was made before; on constants only if SymPy keeps them real."""
    made = draw(st.lists(st.sampled_from(_LEAVES), min_size=2, max_size=4))
    for _ in range(draw(st.integers(1, 5))):
        first, second = (draw(st.sampled_from(made)) for _ in range(2))
        build = draw(st.sampled_from((*_BINARY, *_UNARY)))
        args = (first, second) if build in _BINARY else (first,)
        if all(arg.free_symbols for arg in args):
            made.append(build(*args))
    assume(made[-1].free_symbols and not made[-1].has(sp.zoo, sp.nan, sp.oo, sp.I, sp.Abs, sp.arg, sp.re, sp.im))
    return made[-1]


extreme = st.one_of(
    st.floats(-4, 4),
    st.builds(lambda m, k, s: s * m * 10.0**k, st.floats(1, 9.99), st.integers(-150, 150), st.sampled_from([1, 1, -1])),
)


_BALLS: dict[type, Callable[..., flint.arb]] = {
    sp.Add: lambda *args: sum(args[1:], args[0]),
    sp.Mul: lambda *args: math.prod(args[1:], start=args[0]),
    sp.log: lambda a: a.log(),
    sp.exp: lambda a: a.exp(),
    sp.Min: lambda *args: functools.reduce(lambda a, b: a.min(b), args),
    sp.Max: lambda *args: functools.reduce(lambda a, b: a.max(b), args),
}


def ball(expr: sp.Expr, env: dict[str, flint.arb]) -> flint.arb:
    """A SymPy expression in ball arithmetic, by a walk over the tree."""
    if expr.is_Rational:
        return flint.arb(int(expr.p)) / flint.arb(int(expr.q))
    if expr.is_Symbol:
        return env[expr.name]
    if expr is sp.E:
        return flint.arb.const_e()
    args = [ball(arg, env) for arg in expr.args]
    if expr.is_Pow:
        return args[0] ** int(expr.exp) if expr.exp.is_Integer else args[0] ** args[1]
    return _BALLS[expr.func](*args)


def _fits_float(value: flint.arb) -> bool:
    return value.is_finite() and value.rad() < 1e-30 * (1 + abs(value)) and abs(value) < 1e300


@given(expressions(), st.tuples(extreme, extreme, extreme), st.tuples(shares, shares, shares), st.floats(0, 1e-3))
def test_enclosures_contain_and_rounding_covers_what_ball_arithmetic_gives(
    expr: sp.Expr, at: tuple[float, ...], where: tuple[float, ...], width: float
) -> None:
    program = lower([expr])
    boxes = {name: (v - abs(v) * width, v + abs(v) * width) for name, v in zip("abc", at, strict=True)}
    inside = {n: min(max(lo + q * (hi - lo), lo), hi) for (n, (lo, hi)), q in zip(boxes.items(), where, strict=True)}
    exact = ball(expr, {name: flint.arb(value) for name, value in inside.items()})
    assume(_fits_float(exact))
    low, high = (float(v) for v in program.enclose(boxes)[0])
    assert not exact < flint.arb(low), (low, exact)
    assert not exact > flint.arb(high), (high, exact)
    error = float(program.rounding(program.enclosures(boxes))[0])
    value = float(program.evaluate(inside)[0])
    if np.isfinite(error):
        assert not abs(exact - flint.arb(value)) > flint.arb(error), (value, error, exact)


def test_an_undefined_point_makes_the_enclosure_unbounded_and_the_rounding_not_finite() -> None:
    program = lower([sp.log(_A - _B), 1 / (_A - _B), sp.sqrt(_A - _B)])
    box = {"a": (1.0, 2.0), "b": (1.5, 1.5)}
    assert program.enclose(box) == [(-np.inf, np.inf)] * 3
    assert not np.any(np.isfinite(program.rounding(program.enclosures(box))))


# --- kernels, slopes, jumps ------------------------------------------------------------------------------------------


@few
@given(games, st.lists(shares, min_size=1, max_size=4))
def test_the_compiled_sums_are_the_plain_ones_within_the_error_bounds(data: GameData, where: list[float]) -> None:
    many = -(-530 // data.n)
    spread = 1 + 1e-3 * np.arange(many * data.n) / (many * data.n)
    free = "zeta" if isinstance(data, IncentiveData) else "w"
    table = {name: np.tile(column, many) for name, column in data.columns.items()}
    game, curve = curve_or_skip(data.but(**{**table, free: table[free] * spread}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pieces, "COMPILED_FROM", 10**9)
        plain = Curve(game)
    assert type(curve._pieces) is not type(plain._pieces)
    assert np.array_equal(curve.kinks, plain.kinks)
    for price in data.prices(*where):
        one, two = curve.at(price), plain.at(price)
        assert abs(one.value - two.value) <= 2 * curve.value_error
        assert abs(one.slope - two.slope) <= 2 * curve.slope_error


@some
@given(games, st.data())
def test_slopes_on_both_sides_of_a_kink_are_the_one_sided_difference_quotients(
    data: GameData, draw: st.DataObject
) -> None:
    game = data.game()
    low, high = data.bounds
    kinks = data.kinks()
    kink = draw.draw(st.sampled_from([float(t) for t in kinks]))
    apart = np.abs(kinks[np.abs(kinks - kink) > 1e-9 * kink] - kink)
    step = min(1e-4 * kink, 0.5 * np.min(apart, initial=np.inf), 0.4 * (kink - low), 0.4 * (high - kink))
    assume(step > 1e-7 * kink)
    start = 4e-12 * kink  # past the rounding of the kink and of those that coincide with it
    for side, offset in ((0, -1.0), (1, 1.0)):
        ends = [kink + offset * (start + q * step) for q in (0.0, 1.0)]
        quotient = (game.leader_utility(ends[1]) - game.leader_utility(ends[0])) / (ends[1] - ends[0])
        reported = [game.leader_slopes(end)[side] for end in ends]
        room = 1e-13 * data.magnitude(high) / step + 1e-9 * np.max(np.abs(reported))
        assert min(reported) - room <= quotient <= max(reported) + room


@some
@given(incentives)
def test_jumps_of_the_curve_are_upper_bounds_of_the_printed_formula(data: IncentiveData) -> None:
    _, curve = curve_or_skip(data)
    kinks, jumps = data.kinks(), data.jumps()
    for kink, jump in zip(curve.kinks, curve.jumps, strict=True):
        near = np.abs(kinks - kink) <= 1e-9 * kink
        sizes = 1e-8 * np.abs(jumps[near]) + 10 * curve.slope_error
        assert np.any(np.abs(jumps[near] - jump) <= sizes), (kink, jump, jumps[near])
        assert jump >= np.min(jumps[near] * (1 - 1e-8 * np.sign(jumps[near])))


# --- certificates ----------------------------------------------------------------------------------------------------


@few
@given(games)
def test_a_solution_is_certified_and_what_is_worse_is_not(data: GameData) -> None:
    game = data.game()
    solution = solve(game)
    assume(solution.status is Status.SOLVED)
    profile = solution.require()
    tolerance = solution.stats["tolerance"] + 1e-11 * data.magnitude(profile.price)
    certificate = certify(game, profile, tolerance=tolerance)
    assert certificate.holds, certificate
    assert not certify(game, Profile(float("nan"), profile.decisions), tolerance=tolerance).holds
    outside = Profile(data.bounds[1] * 1.5, game.best_response(data.bounds[1]))
    assert not certify(game, outside, tolerance=1e-3).holds
    assert not certify(game, Profile(profile.price, profile.decisions[:-1]), tolerance=tolerance).holds
    for spoiled in (np.nan, -1.0):
        decisions = profile.decisions.copy()
        decisions[0] = spoiled
        assert not certify(game, Profile(profile.price, decisions), tolerance=tolerance).holds, spoiled


@few
@given(games, shares)
def test_a_price_that_costs_the_leader_is_never_certified(data: GameData, share: float) -> None:
    game = data.game()
    best = solve(game)
    scale = max(data.magnitude(best.profiles[0].price), data.magnitude(data.bounds[1]))
    tolerance = 1e-9 * scale
    claims = [bisection(game, max_iterations=30).profiles[0], bounded(game).profiles[0]]
    price = data.prices(share)[0]
    for claim in [*claims, Profile(price, game.best_response(price))]:
        loss = best.stats["leader_utility"] - game.leader_utility(claim.price, claim.decisions)
        if loss > 10 * tolerance:
            assert not certify(game, claim, tolerance=tolerance).holds, (claim.price, loss)


@pytest.mark.parametrize("method", [bisection, bounded])
def test_a_local_answer_to_two_peaks_is_refused(method: object) -> None:
    game = cases.TWO_PEAKS.game()
    claim = method(game).profiles[0]
    lost = solve(game).stats["leader_utility"] - game.leader_utility(claim.price)
    certificate = certify(game, claim, tolerance=1e-6)
    assert certificate.holds == (lost <= 1e-6)
    assert certificate.residual == pytest.approx(lost, abs=1e-6)
    if method is bisection:
        assert lost == pytest.approx(78.47 - 30.93, abs=0.01)


@pytest.mark.parametrize("move", [1e-3, -1e-3, 1e-5])
def test_a_follower_moved_off_its_best_response_is_refused(move: float) -> None:
    game = cases.TWO_PEAKS.game()
    price = 7.0
    best = game.best_response(price)
    for chosen in range(3):
        decisions = best.copy()
        decisions[chosen] *= 1 + move
        regrets = game.regrets(Profile(price, decisions))
        lost = game.follower_utilities(price, best) - game.follower_utilities(price, decisions)
        assert lost[chosen] > 1e-11
        assert regrets[1 + chosen] == pytest.approx(lost[chosen], abs=1e-12)
        others = np.delete(regrets, [0, 1 + chosen])
        assert np.all(others <= 1e-12)


def test_an_infeasible_decision_is_refused_and_measured() -> None:
    game = cases.TWO_PEAKS.game()
    profile = solve(game).require()
    faster = Profile(profile.price, profile.decisions * 1.01)
    assert game.infeasibility(faster) == pytest.approx(0.01 / 2.01, rel=1e-9)
    assert not certify(game, faster).holds
    assert game.infeasibility(Profile(15.5, profile.decisions)) == pytest.approx(0.5 / 20)


@pytest.mark.parametrize("spoiled", [np.inf, -np.inf, 1e300])
def test_an_absurd_decision_is_refused(spoiled: float) -> None:
    game = cases.TWO_PEAKS.game()
    decisions = game.best_response(7.326)
    decisions[1] = spoiled
    assert not certify(game, Profile(7.326, decisions)).holds


def test_large_payoffs_do_not_excuse_infeasible_decisions() -> None:
    two, unit = cases.TWO_PEAKS, 1e9
    money = {name: two.parameters[name] * unit for name in ("eta", "rho", "I_rep")}
    game = two.but(**money, bounds=(5 * unit, 15 * unit)).game()
    solution = solve(game)
    tolerance, profile = solution.stats["tolerance"], solution.require()
    assert certify(game, profile, tolerance=tolerance).holds
    assert not certify(game, Profile(profile.price, profile.decisions * (1 + 1e-7)), tolerance=tolerance).holds


def clustered(n: int, seed: int) -> PricingData:
    """Many customers in four segments whose choke prices are 3 apart: several local optima."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(0, 4, n)
    choke = 3.0**segment * (1 + 0.02 * rng.random(n))
    room = np.array([1.0, 1 / 3, 1 / 9, 1 / 27])[segment] * (0.2 + 0.1 * rng.random(n))
    columns = {"w": 50 * choke, "k": np.full(n, 50.0), "cap": room, "fee": np.zeros(n)}
    return PricingData(columns, {"cost": 0.001}, (0.02, 40.0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [3, 30, 90])
def test_multimodal_markets_have_no_false_certificate(n: int, seed: int) -> None:
    data = clustered(n, seed)
    game = data.game()
    solution = solve(game)
    value = solution.stats["leader_utility"]
    scale = data.magnitude(1.0)
    assert data.best_found()[1] <= solution.stats["upper_bound"] + 1e-13 * scale
    assert data.best_found()[1] <= value + 1e-9 * max(1.0, value)
    assert certify(game, solution.profiles[0], tolerance=1e-9 * scale).holds
    for price in [*exact_sweep(game.curve).local][:12]:
        claim = Profile(price, game.best_response(price))
        lost = value - game.leader_utility(price)
        assert certify(game, claim, tolerance=1e-9 * scale).holds == (lost <= 1e-9 * scale)


def test_many_followers_do_not_hide_a_better_price_from_the_certificate() -> None:
    copies, two = 33_333, cases.TWO_PEAKS
    table = {name: np.tile(column, copies) for name, column in two.columns.items()}
    table |= {"zeta": table["zeta"] / copies, "S": table["S"] / copies}
    game = two.but(**table, eta=3.45 / copies, I_rep=5.0 / copies).game()
    claim = Profile(5.0, game.best_response(5.0))
    lost = game.leader_utility(7.326) - game.leader_utility(5.0)
    assert lost == pytest.approx(0.1473, abs=1e-4)
    assert not certify(game, claim, tolerance=1e-3).holds


# --- participation ---------------------------------------------------------------------------------------------------


def fee_game(fees: list[float], values: list[float], **options: object) -> StackelbergGame:
    """Customers who pay a fee to take part at all: w*log(1 + x) - p*x - fee."""
    table = {"w": np.array(values), "fee": np.array(fees)}
    fee = sp.Symbol("fee", real=True)
    return StackelbergGame.declare(
        price=p, decision=x, bounds=(0.5, 4.0), leader_utility=p * x, follower_utility=w * sp.log(1 + x) - p * x - fee,
        constraints={"none": x >= 0, "cap": x <= 3}, table=table, **options,
    )  # fmt: skip


def test_followers_whose_best_utility_is_not_positive_leave() -> None:
    game = fee_game([0.0, 50.0, 0.1], [4.0, 4.0, 6.0], names=["ann", "ben", "cho"])
    solution = solve(game)
    profile = solution.require()
    assert np.isnan(profile.decisions[1])
    assert np.all(profile.decisions[[0, 2]] > 0)
    alone = solve(fee_game([0.0, 0.1], [4.0, 6.0]))
    assert profile.price == pytest.approx(alone.require().price, rel=1e-12)
    assert solution.stats["leader_utility"] == pytest.approx(alone.stats["leader_utility"], rel=1e-12)
    assert certify(game, profile, tolerance=solution.stats["tolerance"]).holds
    stay = solve(replace(game, participation=False)).require()
    assert not np.any(np.isnan(stay.decisions))


def test_staying_out_where_joining_pays_is_refused() -> None:
    game = fee_game([0.0, 0.1, 0.1], [4.0, 4.0, 6.0])
    alone = solve(fee_game([0.0], [4.0])).require()
    claim = Profile(alone.price, np.array([alone.decisions[0], np.nan, np.nan]))
    joining = game.follower_utilities(claim.price, game.best_response(claim.price))
    assert joining[1] > 0.1
    assert joining[2] > 0.1
    assert game.regrets(claim)[1:] == pytest.approx([0.0, joining[1], joining[2]], abs=1e-9)
    assert not certify(game, claim, tolerance=1e-6).holds


def test_taking_part_at_a_loss_is_refused() -> None:
    game = fee_game([0.0, 50.0], [4.0, 4.0])
    everyone = solve(replace(game, participation=False)).require()
    assert certify(replace(game, participation=False), everyone, tolerance=1e-8).holds
    regret = game.regrets(everyone)[2]
    assert regret == pytest.approx(-game.follower_utilities(everyone.price, everyone.decisions)[1], rel=1e-9)


def test_derived_columns_are_of_those_who_take_part() -> None:
    data = cases.TWO_PEAKS.but(I_rep=0.0, zeta=np.array([1e-27, 9e-26, 1e-27]), participation=True)
    game = data.game()
    solution = solve(game)
    assert list(np.isnan(solution.require().decisions)) == [False, True, False]
    rest = data.among([0, 2]).game()
    alone = solve(rest)
    assert solution.require().price == pytest.approx(alone.require().price, rel=1e-12)
    assert rest.values["s"] == pytest.approx(np.array([6.0, 15.0]) / 21)
    assert certify(game, solution.require(), tolerance=solution.stats["tolerance"]).holds


def test_when_nobody_gains_there_is_no_game() -> None:
    with pytest.raises(NotSolved, match="no follower is left: none has a positive utility at the price 1"):
        solve(fee_game([50.0, 60.0], [4.0, 4.0]))


# --- statuses, and games that cannot be solved -----------------------------------------------------------------------


def test_too_few_nodes_or_passes_are_reported_with_an_honest_gap() -> None:
    data = cases.TWO_PEAKS
    game = data.game()
    _, best = data.best_found()
    for optimum in (interval_branch_and_bound(game, max_nodes=40), branch_and_bound(game.curve, max_passes=3)):
        assert optimum.gap > 1e-9
        assert optimum.upper >= best - 1e-12 * data.magnitude(7.0)
        assert optimum.gap == pytest.approx((optimum.upper - optimum.value) / optimum.scale)


def test_a_tolerance_below_rounding_is_a_limit_not_a_lie() -> None:
    game = cases.TWO_PEAKS.game()
    solution = solve(game, tolerance=1e-16)
    assert solution.status is Status.LIMIT
    assert solution.stats["gap"] > 1e-16


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_the_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(InvalidGame, match="tolerance must be positive"):
        solve(cases.TWO_PEAKS.game(), tolerance=tolerance)


def test_the_logarithm_as_printed_is_named_where_it_is_undefined() -> None:
    with pytest.raises(InvalidGame, match=r"leader utility: log\(.*needs a positive argument.*deadline binds"):
        solve(load("log-literal"))


def declared(utility: sp.Expr, leader: sp.Expr | None = None, **options: object) -> StackelbergGame:
    given = {
        "price": p, "decision": x, "bounds": (1.0, 9.0), "leader_utility": p * x if leader is None else leader,
        "follower_utility": utility, "constraints": {"none": x >= 0, "cap": x <= 3},
        "table": {"w": np.array([2.0, 4.0, 7.0])}, "participation": False,
    }  # fmt: skip
    return StackelbergGame.declare(**{**given, **options})


def test_a_linear_utility_is_refused() -> None:
    with pytest.raises(InvalidGame, match="strictly concave"):
        declared(w * x - p * x)


def test_a_convex_utility_is_refused() -> None:
    with pytest.raises(InvalidGame, match="strictly concave"):
        declared(w * x**2 - p * x)


def test_an_unbounded_problem_is_refused() -> None:
    with pytest.raises(InvalidGame, match="unbounded"):
        solve(declared(w * sp.log(1 + x) + p * x, constraints={"none": x >= 0}))


def test_a_limit_that_depends_on_the_price_is_followed() -> None:
    game = declared(w * sp.log(1 + x) - p * x, p * x - x**2 / 2, constraints={"none": x >= 0, "budget": p * x <= 2})
    assert game.best_response(4.0) == pytest.approx([0.0, 0.0, 0.5])
    assert game.best_response(2.0) == pytest.approx([0.0, 1.0, 1.0])
    solution = solve(game)
    prices = np.linspace(1.0, 9.0, 20001)[:, None]
    own = np.clip(game.table["w"] / prices - 1, 0.0, 2 / prices)
    values = np.sum(prices * own - own**2 / 2, axis=1)
    assert np.max(values) <= solution.stats["upper_bound"] + 1e-12
    assert solution.stats["leader_utility"] >= np.max(values) - solution.stats["tolerance"] - 1e-12
    assert solution.stats["leader_utility"] <= np.max(values) + 1e-4
    assert certify(game, solution.profiles[0], tolerance=1e-6).holds


SATURATING = p * x / (x + w) - x**3 / 10


def saturated(price: float, values: np.ndarray, least: float) -> np.ndarray:
    """The maximiser of SATURATING on [least, 3], by bisection on its derivative."""
    low, high = np.full(len(values), least), np.full(len(values), 3.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        rising = price * values / (middle + values) ** 2 > 0.3 * middle**2
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return low


@pytest.mark.parametrize("least", [sp.Integer(0), sp.Rational(1, 5), sp.Rational(2)])
def test_a_utility_without_a_closed_form_is_solved_by_intervals_and_certified(least: sp.Expr) -> None:
    game = declared(SATURATING, leader=20 * sp.log(1 + x) - p, constraints={"least": x >= least, "cap": x <= 3})
    solution = solve(game)
    assert solution.status is Status.SOLVED
    assert "interval" in solution.method
    assert certify(game, solution.require(), tolerance=2 * solution.stats["tolerance"]).holds
    values = game.table["w"]
    chosen = saturated(solution.require().price, values, float(least))
    assert solution.require().decisions == pytest.approx(chosen, rel=1e-12)
    grid = [np.sum(20 * np.log1p(saturated(q, values, float(least))) - q) for q in np.linspace(1.0, 9.0, 2001)]
    assert max(grid) <= solution.stats["upper_bound"] + 1e-12
    assert solution.stats["leader_utility"] >= max(grid) - solution.stats["tolerance"]


def test_a_leader_with_a_minimum_in_its_utility_is_solved() -> None:
    game = declared(w * sp.log(1 + x) - p * x, leader=sp.Min(p * x, 3))
    solution = solve(game)
    grid = [game.leader_utility(q) for q in np.linspace(1.0, 9.0, 4001)]
    assert max(grid) <= solution.stats["upper_bound"] + 1e-12
    assert solution.stats["leader_utility"] >= max(grid) - solution.stats["tolerance"]


def test_numbers_written_as_floats_are_numbers() -> None:
    exact = declared(w * sp.log(1 + x) - p * x - x**2 / 4, constraints={"least": x >= sp.Rational(1, 4), "cap": x <= 3})
    rough = declared(w * sp.log(1 + x) - p * x - 0.25 * x**2.0, constraints={"least": x >= 0.25, "cap": x <= 3})
    assert solve(rough).require().price == pytest.approx(solve(exact).require().price, rel=1e-9)


def test_solving_twice_gives_the_same_bits() -> None:
    for data in (cases.TWO_PEAKS, cases.SEGMENTS, clustered(90, 0)):
        one, two = solve(data.game()), solve(data.game())
        assert one.stats == two.stats
        assert one.method == two.method
        assert one.profiles[0].price == two.profiles[0].price
        assert np.array_equal(one.profiles[0].decisions, two.profiles[0].decisions)
