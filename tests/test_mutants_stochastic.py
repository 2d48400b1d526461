"""What an exploitability says beside its regrets, and the bounds of large games, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.stochastic import StationaryProfile, StochasticGame, SwitchingGame, exploitability
from solvers.stochastic import _exploitability as checks
from solvers.stochastic._exploitability import Exploitability, measured

UNKNOWN = np.nan


def switching(seed, discount=None, **changes):
    """A random game with switching costs of 2 by 3 own states."""
    rng = np.random.default_rng(seed)
    setting = {
        "A": rng.normal(size=(3, 4)),
        "B": rng.normal(size=(3, 4)),
        "row_costs": rng.random((2, 3)),
        "column_costs": rng.random((3, 4)),
    }
    places = {"row_next": [0, 1, 1], "column_next": [2, 0, 1, 1], "discount": discount}
    return SwitchingGame(**(setting | changes), **places)


def uniform(game):
    return StationaryProfile(*(np.full((game.states, size), 1 / size) for size in game.shape))


@pytest.mark.parametrize("player", [0, 1])
def test_of_no_profile_nothing_is_known(player):
    game = switching(0)
    mixes = list(uniform(game))
    mixes[player] = np.full_like(mixes[player], np.nan)
    found = measured(game, StationaryProfile(*mixes))
    for name in ("values", "best", "gains"):
        assert getattr(found, name).shape == (2, game.states)
        assert np.isnan(getattr(found, name)).all()
    for name in ("regrets", "error"):
        assert getattr(found, name).shape == (2,)
        assert np.isnan(getattr(found, name)).all()
    for deviation in found.deviations:
        assert deviation.tolist() == [0] * game.states
        assert deviation.dtype == np.intp
    assert (len(found.deviations), found.iterations) == (2, 0)


def test_the_parts_of_an_exploitability_belong_together():
    for discount in (0.0, 0.9, None):
        game = switching(3, discount)
        found = exploitability(game, uniform(game))
        assert isinstance(found, Exploitability)
        assert found.gains == pytest.approx(found.best - found.values, abs=1e-12)
        assert found.regrets == pytest.approx(np.maximum(found.gains.max(axis=1), 0.0) + found.error, abs=1e-15)
        assert np.all(found.error > 0)
        assert np.all(found.error < 1e-11)
        assert found.iterations >= 2
        for size, deviation in zip(game.shape, found.deviations, strict=True):
            assert deviation.shape == (game.states,)
            assert np.all((deviation >= 0) & (deviation < size))


def test_bounds_of_a_large_game_come_from_value_iteration(monkeypatch):
    calls, sides = [], []

    def enclosed(update, count):
        calls.append(count)
        following, choices = update(np.arange(float(count)))
        sides.append(following)
        return -1.0 - len(calls), 10.0 * len(calls), choices, 100 * len(calls)

    monkeypatch.setattr(checks, "_enclosed", enclosed)
    game = switching(5)
    profile = uniform(game)
    play, problem = game.play(profile), game.induced(0, profile.column)
    rewards = play.surplus[0]
    values, best, choices, sweeps = checks._average_bounds(play, rewards, problem)
    states = len(problem.rewards)
    assert calls == [game.states, states]
    assert sides[0] == pytest.approx(rewards + play.step(np.arange(float(game.states))), abs=1e-12)
    worth = problem.rewards + problem.doubt + problem.expected(np.arange(float(states)))
    assert sides[1].tolist() == worth.max(axis=1).tolist()
    assert choices.tolist() == np.argmax(worth, axis=1).tolist()
    assert values.tolist() == [-2.0] * game.states
    assert best.tolist() == [20.0] * states
    assert sweeps == 300


def test_what_rounding_may_hide_is_within_the_bounds(monkeypatch):
    game = switching(5)
    problem = game.induced(0, uniform(game).column)
    problem.doubt = problem.doubt + 0.5
    play = game.play(uniform(game))
    _, best, _, _ = checks._average_bounds(play, play.surplus[0], problem)
    problem.doubt = problem.doubt - 0.5
    _, less, _, _ = checks._average_bounds(play, play.surplus[0], problem)
    assert best == pytest.approx(less + 0.5, abs=1e-9)


def test_value_iteration_encloses_the_mean():
    P, r = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]), np.array([1.0, 3.0, 5.0])  # of period 2
    asked = []

    def update(relative):
        asked.append(relative.copy())
        return r + P @ relative, np.array([len(asked)])

    low, high, choices, sweeps = checks._enclosed(update, 3)
    assert low <= 3.0 <= high
    assert high - low <= checks.ENCLOSED * 3.0
    assert sweeps == len(asked) == choices[0]
    assert asked[0].tolist() == [0, 0, 0]
    assert asked[1].tolist() == [0.0, 1.0, 2.0]  # half of (1, 3, 5), less the first
    assert all(relative[0] == 0 for relative in asked)
    assert sweeps < 100


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e6])
def test_an_enclosure_is_narrow_relative_to_the_mean(scale):
    P, r = np.array([[0.2, 0.8], [0.5, 0.5]]), scale * np.array([1.0, 3.0])
    low, high, _, sweeps = checks._enclosed(lambda relative: (r + P @ relative, np.zeros(2, int)), 2)
    assert 0 <= high - low <= checks.ENCLOSED * high
    assert sweeps < 100


def test_value_iteration_stops_at_its_limit(monkeypatch):
    monkeypatch.setattr(checks, "SWEEPS", 4)
    asked = []

    def update(relative):
        asked.append(relative)
        return np.array([0.0, 1.0 + relative[1]]), np.zeros(2, int)

    low, high, _, sweeps = checks._enclosed(update, 2)
    assert (sweeps, len(asked)) == (4, 4)
    assert low <= high
    negative, _, _, sweeps = checks._enclosed(lambda relative: (relative - 7.0, np.zeros(2, int)), 2)
    assert (negative, sweeps) == (-7.0, 1)


def test_policy_iteration_counts_policies_and_says_what_is_left(monkeypatch):
    # 1 now or 0 now and 3 for ever after
    game = StochasticGame([[[1], [0]], [[3]]], [[[0], [0]], [[0]]], [[[0], [1]], [[1]]], discount=0.5)
    stay = StationaryProfile(np.array([[1.0, 0], [1, 0]]), np.ones((2, 1)))
    problem = game.induced(0, stay.column)
    values, left, choices, tried = checks._discounted_best(problem, 0.5)
    assert values + game.base[0] == pytest.approx([1.5, 3.0])
    assert (choices.tolist(), tried) == ([1, 0], 2)
    assert 0 <= left < 1e-14
    monkeypatch.setattr(checks, "LIMIT", 1)
    values, left, choices, tried = checks._discounted_best(problem, 0.5)
    assert values + game.base[0] == pytest.approx([1.0, 3.0])
    assert (choices.tolist(), tried) == ([0, 0], 1)
    assert left == pytest.approx(0.5)
    problem.doubt = problem.doubt + 0.25
    assert checks._discounted_best(problem, 0.5)[1] == pytest.approx(0.5 + 0.5 * 0.25)


def test_policy_iteration_for_the_average_counts_policies(monkeypatch):
    from solvers.core import NotSolved

    game = StochasticGame([[[1], [0]], [[3]]], [[[0], [0]], [[0]]], [[[0], [1]], [[1]]], discount=None)
    problem = game.induced(0, np.ones((2, 1)))
    gain, left, choices, tried = checks._average_best(problem)
    assert gain + game.base[0] == pytest.approx([3.0, 3.0])
    assert (choices.tolist(), tried) == ([1, 0], 2)
    assert 0 < left < 1e-12
    monkeypatch.setattr(checks, "LIMIT", 2)
    assert checks._average_best(problem)[3] == 2
    problem.doubt = problem.doubt + 0.25
    assert checks._average_best(problem)[1] == pytest.approx(0.25, abs=1e-12)
    monkeypatch.setattr(checks, "LIMIT", 1)
    with pytest.raises(NotSolved, match="policy iteration for the average payoff did not end within 1 policies"):
        checks._average_best(problem)


def test_means_that_differ_by_hardly_anything_are_one():
    gain = np.array([1.0, 1.0 + 1e-14, 2.0, 2.0 - 1e-14, 5.0])
    assert checks._width(gain) == pytest.approx(1e-12 * 4 + 64 * checks.EPSILON * 5, rel=1e-12)
    assert checks._width(-gain) == pytest.approx(1e-12 * 4 + 64 * checks.EPSILON * 5, rel=1e-12)
    assert checks._width(np.zeros(3)) == 0.0

    class Moves:
        """Choice i leads to state i."""

        rewards = np.zeros((5, 5))

        def expected(self, values):
            return values[None, :]

    Moves.rewards[0, 4] = -np.inf
    ahead, sure = checks._ahead(Moves(), gain, np.array([0, 1, 0, 4, 4]))
    level = np.array([1.0, 1, 2, 2, 5])
    present = level[[0, 1, 0, 4, 4]]
    expected = level[None, :] - present[:, None]
    expected[0, 4] = -np.inf
    assert ahead == pytest.approx(expected, abs=1e-12)
    assert np.all(sure[:, :] >= 0)
    size = np.abs(level[None, :] - level[:, None])
    size = size + np.abs(level[[0, 1, 0, 4, 4]] - level)[:, None]
    assert sure == pytest.approx(8 * checks.EPSILON * size, rel=1e-9)
    flat, none = checks._ahead(Moves(), np.full(5, 3.0), np.zeros(5, int))
    assert np.all(flat[1:] == 0)
    assert np.all(none == 0)


def test_decision_problems_say_where_choices_lead():
    game = switching(1)
    for player in (0, 1):
        opponent = uniform(game)[1 - player]
        problem = game.induced(player, opponent)
        count, width = problem.rewards.shape
        values = np.random.default_rng(0).normal(size=count)
        expected = np.broadcast_to(problem.expected(values), problem.rewards.shape)
        for choice in range(width):
            rows = problem.rows(np.full(count, choice)).toarray()
            assert rows.shape == (count, count)
            assert rows.sum(axis=1) == pytest.approx(np.ones(count))
            assert rows @ values == pytest.approx(expected[:, choice], abs=1e-12)
        mixed = np.arange(count) % width
        assert problem.rows(mixed).toarray() @ values == pytest.approx(expected[np.arange(count), mixed], abs=1e-12)
