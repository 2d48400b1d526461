"""What a Stackelberg profile's certificate measures, against closed forms and against searches written out."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from solvers.stackelberg import Profile, StackelbergGame
from solvers.stackelberg import _regrets as regrets

p, x, c, v, b = sp.symbols("p x c v b")
INF, NAN = np.inf, np.nan
COSTS = np.array([1.0, 2.0, 0.5, 4.0, 1.0])


def declared(*, leader=(4 - p) * x, follower=p * x - c * x**2 / 2, bounds=(1.0, 3.5), columns=None, **setting):
    """Followers who make p / c of something that is worth 4 apiece to the leader."""
    setting = {"constraints": {}, "participation": False} | setting
    return StackelbergGame.declare(
        price=p,
        decision=x,
        bounds=bounds,
        leader_utility=leader,
        follower_utility=follower,
        table=columns or {"c": COSTS},
        **setting,
    )


PLAIN = declared(constraints={"positive": x >= 0, "most": x <= 100})
BEST = 4.0 * np.sum(1 / COSTS)  # at a price of 2


def leader_of(game_price, decisions):
    return (4 - game_price) * np.nansum(decisions)


@pytest.mark.parametrize("price", [1.0, 2.0, 3.1])
@pytest.mark.parametrize("off", [np.zeros(5), np.array([0.5, -0.25, 0.0, 0.125, 1.0])])
def test_every_regret_of_a_game_with_a_closed_form(price, off):
    decisions = price / COSTS + off
    found = PLAIN.regrets(Profile(price, decisions))
    assert found[1:] == pytest.approx(COSTS / 2 * off**2, abs=1e-12)
    assert found[0] == pytest.approx(max(BEST - leader_of(price, decisions), 0.0), abs=1e-7)
    assert found.shape == (6,)
    assert PLAIN.infeasibility(Profile(price, decisions)) == pytest.approx(0.0, abs=1e-15)


def test_decisions_better_than_any_leave_no_negative_regret():
    found = PLAIN.regrets(Profile(2.0, 100 * np.ones(5)))  # the leader gets more than it ever could
    assert found[0] == 0.0
    assert np.all(found[1:] > 0)


def test_a_profile_that_does_not_fit_regrets_everything():
    for decisions in (np.ones(4), np.ones((5, 1)), np.full(5, NAN)):
        assert regrets.regrets(PLAIN, Profile(2.0, decisions)).tolist() == [INF] * 6
        assert regrets.infeasibility(PLAIN, Profile(2.0, decisions)) == INF
    some = np.array([NAN, 1.0, NAN, NAN, NAN])
    found = PLAIN.regrets(Profile(2.0, some))
    assert found[[1, 3, 4, 5]].tolist() == [INF] * 4  # nobody may stay out
    assert found[2] == pytest.approx(0.0, abs=1e-12)
    assert found[0] == pytest.approx(0.0, abs=1e-9)  # 2 * (4 - 2) / 2 is the most there is in follower 1
    assert (
        np.isinf(PLAIN.regrets(Profile(2.0, np.array([1.0, 2.0, INF, 1.0, 1.0])))).any()
        or np.isnan(PLAIN.regrets(Profile(2.0, np.array([1.0, 2.0, INF, 1.0, 1.0])))).any()
    )


@pytest.mark.parametrize(
    ("price", "decision", "expected"),
    [
        (2.0, 1.0, 0.0),
        (0.5, 1.0, 0.5 / 4.5),
        (4.5, 1.0, 1.0 / 4.5),
        (2.0, -1.0, 1.0),
        (2.0, 120.0, 20 / 220),
        (4.5, 120.0, 1.0 / 4.5),
        (3.6, 120.0, 20 / 220),
        (2.0, 100 * (1 + 1e-12), 5e-13),
    ],
)
def test_infeasibility_is_the_worst_relative_violation(price, decision, expected):
    decisions = np.array([1.0, 1.0, decision, NAN, 2.0])
    assert PLAIN.infeasibility(Profile(price, decisions)) == pytest.approx(expected, rel=1e-3, abs=1e-15)
    assert type(PLAIN.infeasibility(Profile(price, decisions))) is float


def test_violations_are_relative_to_both_sides():
    game = declared(constraints={"moving": x <= p, "fixed": x >= 1})
    part = regrets._Deviations(game, slice(0, 5))
    decisions = np.array([0.5, 1.0, 2.0, 3.0, 1.5])
    expected = [0.5 / 1.5, 0.0, 0.0, 1.0 / 5.0, -0.5 / 3.5 if 0.5 / 3.5 < 0.5 / 2.5 else -0.5 / 2.5]
    assert part.excess(2.0, decisions) == pytest.approx(expected, abs=1e-15)
    assert part.violation(2.0, decisions) == pytest.approx(np.maximum(expected, 0.0), abs=1e-15)
    assert part.size == 5
    assert regrets._Deviations(game, np.array([1, 3])).size == 2
    assert regrets._Deviations(game, slice(1, 4)).size == 3
    free = regrets._Deviations(declared(), slice(0, 5))
    assert free.excess(2.0, decisions).tolist() == [-1.0] * 5
    assert free.violation(2.0, decisions).tolist() == [0.0] * 5
    nothing = regrets._Deviations(declared(constraints={"positive": x >= 0}), slice(0, 5))
    assert nothing.excess(2.0, np.zeros(5)).tolist() == [0.0] * 5


def test_limits_that_move_with_the_price_are_followed():
    # nobody may make more than half the price: the leader gets (4 - p) p / 2 of who would make more
    game = declared(constraints={"half": x <= p / 2, "positive": x >= 0})
    costs = np.maximum(COSTS, 2.0)
    best = 4.0 * np.sum(1 / costs)
    for price in (1.0, 3.0):
        right = price / costs
        found = game.regrets(Profile(price, right))
        assert found[1:] == pytest.approx(np.zeros(5), abs=1e-12)
        assert found[0] == pytest.approx(best - leader_of(price, right), abs=1e-6)
        wrong = right / 2
        found = game.regrets(Profile(price, wrong))
        worth = price * right - COSTS * right**2 / 2
        assert found[1:] == pytest.approx(worth - (price * wrong - COSTS * wrong**2 / 2), abs=1e-12)


def test_limits_that_move_with_the_price_are_broken_or_kept_at_that_price():
    game = declared(constraints={"half": x <= p / 2, "positive": x >= 0})
    decisions = np.array([1.0, 0.5, 0.25, 0.0, 1.0])
    for price, expected in ((1.0, 0.5 / 1.5), (1.5, 0.25 / 1.75), (2.0, 0.0), (3.0, 0.0)):
        assert game.infeasibility(Profile(price, decisions)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_who_stays_out_is_asked_what_joining_alone_would_bring():
    # each follower gets p x - c x^2 / 2 - b: joining is worth p^2 / (2 c) - b
    columns = {"c": COSTS, "b": np.array([0.5, 0.25, 5.0, 1.0, 3.0])}
    game = declared(
        follower=p * x - c * x**2 / 2 - b,
        columns=columns,
        participation=True,
        constraints={"positive": x >= 0, "most": x <= 100},
    )
    price = 2.0
    decisions = np.where(np.arange(5) % 2 == 0, NAN, price / COSTS)
    value = price**2 / (2 * COSTS) - columns["b"]
    found = game.regrets(Profile(price, decisions))
    joining = np.maximum(value, 0.0)
    assert found[1:] == pytest.approx(np.where(np.isnan(decisions), joining, np.maximum(-value, 0.0)), abs=1e-12)
    inside = ~np.isnan(decisions)
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert game.regrets(Profile(3.0, decisions * 1.5))[0] == pytest.approx(
        (4 - 3) * np.sum(1 / COSTS[inside]), abs=1e-6
    )


def test_a_maximiser_that_fails_is_helped_by_a_grid(monkeypatch):
    shares = np.arange(17)[:, None] / 16
    for batch in (1, 12, 10**6):
        monkeypatch.setattr(regrets, "BATCH", batch)
        part = regrets._Deviations(PLAIN, slice(0, 5))
        monkeypatch.setattr(part, "_maximiser", lambda price, low, high: low)
        for price in (20.0, 60.0, 400.0):
            tried = price * 100 * shares - COSTS / 2 * (100 * shares) ** 2
            assert part.best_payoff(price, np.ones(5)) == pytest.approx(tried.max(axis=0), rel=1e-12)
        free = regrets._Deviations(declared(constraints={"positive": x >= 0}), slice(0, 5))
        monkeypatch.setattr(free, "_maximiser", lambda price, low, high: low + 1.0)  # without an end there is no grid
        assert free.best_payoff(20.0, np.ones(5)) == pytest.approx(20.0 - COSTS / 2, rel=1e-12)


@pytest.mark.parametrize("batch", [1, 12, 10**6])
def test_the_grid_begins_and_stops_at_the_ends_of_the_interval(batch, monkeypatch):
    monkeypatch.setattr(regrets, "BATCH", batch)
    part = regrets._Deviations(declared(constraints={"low": x >= 3, "high": x <= 7}), slice(0, 5))
    for price in (0.25, 2.5, 60.0):
        tried = 3 + 4 * np.arange(17)[:, None] / 16
        expected = (price * tried - COSTS / 2 * tried**2).max(axis=0)
        for end in (0, 1):
            monkeypatch.setattr(part, "_maximiser", lambda price, low, high, end=end: (low, high)[end])
            assert part.best_payoff(price, np.full(5, 4.0)) == pytest.approx(expected, rel=1e-12)


def test_finer_grids_lie_between_the_neighbours_of_a_peak():
    part = Sold(lambda prices: -np.abs(prices - 0.3))
    regrets._search((0.0, 1.0), [part], START)
    grid, finer = part.asked[0][0], part.asked[1][0]
    k = int(np.argmin(np.abs(grid - 0.3)))
    assert finer == pytest.approx(np.linspace(grid[k - 1], grid[k + 1], 17), abs=1e-15)
    j = int(np.argmin(np.abs(finer - 0.3)))
    assert part.asked[2][0] == pytest.approx(np.linspace(finer[j - 1], finer[j + 1], 17), abs=1e-15)


# --- the search for a price ----------------------------------------------------------------------------------------


class Sold:
    """Some followers of whom the leader gets this much at a price; notes what it is asked."""

    def __init__(self, function, where=slice(0, 3), size=3):
        self.function, self.where, self.size, self.asked = function, where, size, []

    def payoff(self, prices, start):
        assert prices.shape == (len(prices), 1)
        self.asked.append((prices[:, 0].copy(), start.copy()))
        return self.function(prices[:, 0])


def peaks(*places, widths=0.02):
    return lambda prices: np.max([h * np.maximum(1 - np.abs(prices - at) / widths, -9.0) for at, h in places], axis=0)


START = np.arange(3.0)


@pytest.mark.parametrize("at", [0.0, 0.001, 1 / 3, 0.5, 0.7512345, 0.99999, 1.0])
def test_a_peak_is_found_wherever_it_is(at):
    part = Sold(lambda prices: -np.abs(prices - at))
    best, prices = regrets._search((0.0, 1.0), [part], START)
    assert -2e-8 < best <= 0.0
    assert min(abs(price - at) for price in prices) < 2e-8
    assert sum(len(asked) for asked, _ in part.asked) == 513 + 6 * 17 * len(prices)
    assert all(start.tolist() == START.tolist() for _, start in part.asked)
    grid = part.asked[0][0]
    assert (grid[0], grid[-1]) == (0.0, 1.0)


def test_the_best_four_peaks_are_looked_at():
    at = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85]
    heights = [1.0, 6.0, 3.0, 5.0, 2.0, 4.0]
    part = Sold(peaks(*zip(at, heights, strict=True)))
    best, prices = regrets._search((0.0, 1.0), [part], START)
    assert best == pytest.approx(6.0, abs=1e-6)
    assert [round(price, 3) for price in prices] == [0.25, 0.55, 0.85, 0.4]


def test_a_narrow_peak_between_the_prices_tried_is_found_from_beside_it():
    # the second highest of the grid hides the highest peak
    width = 1 / 512
    high = 0.5 + width / 2
    part = Sold(peaks((0.25, 1.0), (high, 1.5), widths=width))
    best, prices = regrets._search((0.0, 1.0), [part], START)
    assert best == pytest.approx(1.5, abs=1e-4)
    assert any(abs(price - high) < 1e-4 for price in prices)


def test_no_peak_at_all():
    part = Sold(lambda prices: np.full(len(prices), NAN))
    best, prices = regrets._search((0.0, 1.0), [part], START)
    assert np.isnan(best)
    assert all(0.0 <= price <= 1.0 for price in prices)
    flat, prices = regrets._search((0.0, 1.0), [Sold(lambda prices: 0 * prices + 3.0)], START)
    assert flat == 3.0
    assert len(prices) == 4


def test_payoffs_are_added_over_the_parts_in_batches(monkeypatch):
    monkeypatch.setattr(regrets, "BATCH", 7)
    parts = [Sold(lambda prices: prices, slice(0, 3), 3), Sold(lambda prices: 10 * prices, np.array([2, 1]), 20)]
    prices = np.arange(1.0, 6.0)
    assert regrets._payoffs(parts, prices, START).tolist() == (11 * prices).tolist()
    assert [asked.tolist() for asked, _ in parts[0].asked] == [[1, 2], [3, 4], [5]]
    assert [asked.tolist() for asked, _ in parts[1].asked] == [[1], [2], [3], [4], [5]]
    assert parts[1].asked[0][1].tolist() == [2.0, 1.0]
    assert parts[0].asked[0][1].tolist() == START.tolist()


def test_of_very_many_followers_a_sample_finds_the_prices(monkeypatch):
    monkeypatch.setattr(regrets, "SAMPLE", 8)
    monkeypatch.setattr(regrets, "CHUNK", 3)
    made = []

    class Noted(Sold):
        def __init__(self, game, where):
            super().__init__(peaks((0.3, 1.0)), where, len(where))
            made.append(self)

    monkeypatch.setattr(regrets, "_Deviations", Noted)

    class Game:
        bounds = (0.0, 1.0)

    everyone = Sold(peaks((0.32, 5.0), widths=0.2), slice(0, 20), 20)
    start = np.arange(20.0)
    best = regrets._best_price_payoff(Game(), [everyone], start)
    chosen = np.concatenate([part.where for part in made])
    assert [len(part.where) for part in made] == [3, 3, 2]
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert chosen.tolist() == sorted(np.random.default_rng(0).choice(20, 8, replace=False).tolist())
    asked = np.concatenate([prices for prices, _ in everyone.asked])
    assert set(asked.tolist()) >= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert np.min(np.abs(asked - 0.3)) < 2e-8
    around = everyone.asked[-1][0]  # between the neighbours of the best
    assert len(around) == 5
    assert around == pytest.approx(np.linspace(around[0], around[-1], 5))
    assert (around[0], around[-1]) == (pytest.approx(0.25), 0.5)
    assert best == pytest.approx(max(everyone.function(asked)))
    few = Sold(peaks((0.32, 5.0)), slice(0, 8), 8)
    assert regrets._best_price_payoff(Game(), [few], np.arange(8.0)) == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize("at", [0.0, 0.0625, 0.9375, 1.0])
def test_a_best_price_at_an_end(at, monkeypatch):
    monkeypatch.setattr(regrets, "SAMPLE", 2)

    class Noted(Sold):
        def __init__(self, game, where):
            super().__init__(lambda prices: -np.abs(prices - 0.5), where, len(where))

    monkeypatch.setattr(regrets, "_Deviations", Noted)

    class Game:
        bounds = (0.0, 1.0)

    everyone = Sold(lambda prices: -np.abs(prices - at), slice(0, 9), 9)
    assert regrets._best_price_payoff(Game(), [everyone], np.arange(9.0)) == 0.0


def test_followers_looked_at_in_parts_give_what_they_give_together(monkeypatch):
    profile = Profile(2.5, 2.5 / COSTS + np.array([0.1, 0.0, -0.2, 0.0, 0.3]))
    together, off = PLAIN.regrets(profile), PLAIN.infeasibility(profile)
    monkeypatch.setattr(regrets, "CHUNK", 2)
    monkeypatch.setattr(regrets, "BATCH", 100)
    assert [part.where for part in regrets._parts(PLAIN)] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert PLAIN.regrets(profile) == pytest.approx(together, abs=1e-12)
    assert PLAIN.infeasibility(profile) == off
    monkeypatch.setattr(regrets, "SAMPLE", 3)
    assert PLAIN.regrets(profile)[1:] == pytest.approx(together[1:], abs=1e-12)
    assert PLAIN.regrets(profile)[0] == pytest.approx(together[0], abs=1e-3)


# --- feasible intervals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraints", "low", "high"),
    [
        ({"low": x >= 1, "high": x <= 7}, 1.0, 7.0),
        ({"high": x <= 7}, -INF, 7.0),
        ({"low": x >= 1}, 1.0, INF),
        ({}, -INF, INF),
        ({"small": x <= 1e-20, "low": x >= -1}, -1.0, 1e-20),
        ({"wide": x <= 1e18, "low": x >= -1}, -1.0, 1e18),
    ],
)
@pytest.mark.parametrize("start", [2.0, 0.0, -0.5])
def test_the_ends_of_a_feasible_interval(constraints, low, high, start):
    if not low <= start <= high:
        return
    game = declared(constraints=constraints)
    part = regrets._Deviations(game, slice(0, 5))
    found = part._interval(2.0, np.full(5, start))
    for end, expected in zip(found, (low, high), strict=True):
        assert end == pytest.approx(np.full(5, expected), rel=1e-14)
    again = part._interval(3.0, np.full(5, NAN))  # it does not move, and is looked for once
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    fresh = part._edges(2.0, np.array([start, 0.5 * (low + high) if np.isfinite(low + high) else start]))
    assert fresh[0] == pytest.approx(np.full(2, low), rel=1e-14)


def test_a_start_at_an_end_is_within():
    game = declared(constraints={"low": x >= 1, "high": x <= 7})
    part = regrets._Deviations(game, slice(0, 2))
    low, high = part._edges(2.0, np.array([1.0, 7.0]))
    assert low == pytest.approx([1.0, 1.0], rel=1e-14)
    assert high == pytest.approx([7.0, 7.0], rel=1e-14)


def test_intervals_that_move_are_looked_for_at_every_price():
    game = declared(constraints={"low": x >= p / 4, "high": x <= 3 * p})
    part = regrets._Deviations(game, slice(0, 5))
    for price in (1.0, 2.0):
        low, high = part._interval(price, np.full(5, NAN))
        assert low == pytest.approx(np.full(5, price / 4), rel=1e-14)
        assert high == pytest.approx(np.full(5, 3 * price), rel=1e-14)
    prices = np.array([[1.0], [2.0], [3.0]])
    low, high = part._interval(prices, np.full(5, NAN))
    assert low == pytest.approx(np.broadcast_to(prices / 4, (3, 5)), rel=1e-14)
    assert part.payoff(prices, np.full(5, NAN)) == pytest.approx(
        [np.sum((4 - q) * np.clip(q / COSTS, q / 4, 3 * q)) for q in (1.0, 2.0, 3.0)]
    )


def test_programs_say_whether_a_constraint_has_the_price():
    fixed, moving = declared(constraints={"low": x >= 0}), declared(constraints={"low": x >= 0, "high": x <= p})
    assert regrets._programs(fixed.form)[3] is False
    assert regrets._programs(moving.form)[3] is True
