"""Repeated play of one bimatrix game: fictitious play, regret matching, multiplicative weights, by their regrets."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.bimatrix._correlated import CorrelatedGame, correlated_equilibrium
from solvers.bimatrix._game import BimatrixGame, Profile
from solvers.core import NotSolved, Status
from solvers.learning import _no_regret, _static
from solvers.learning._coarse import CoarseCorrelatedGame
from solvers.learning._no_regret import multiplicative_weights, regret_matching
from solvers.learning._static import fictitious_play, whole
from tests.conftest import fewer
from verification import certify
from verification.strategies import bimatrix_games

ROUNDING = 1e-12  # of the range of payoffs

PRISONERS = BimatrixGame([[3, 0], [5, 1]], [[3, 5], [0, 1]], title="prisoners' dilemma")
PENNIES = BimatrixGame([[1, -1], [-1, 1]], [[-1, 1], [1, -1]], title="matching pennies")
# Shapley, Some topics in two-person games (1964): fictitious play goes round in ever longer cycles.
SHAPLEY = BimatrixGame([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], title="Shapley")


def matching_plus(game, rounds, **options):
    return regret_matching(game, rounds, plus=True, **options)


LEARNERS = (regret_matching, matching_plus, multiplicative_weights)


def close(found, expected, game):
    return np.all(np.abs(np.subtract(found, expected)) <= ROUNDING * game.magnitudes())


def higher_wins(size):
    """Conitzer's bound is reached here: each next number is a best reply to the moves so far, and beats none later."""
    wins = np.tril(np.ones((size, size), dtype=int), -1)
    return BimatrixGame(wins, wins.T)


# --- fictitious play


@pytest.mark.parametrize("rounds", [1, 2, 3, 10, 99])
def test_the_bound_of_fictitious_play_is_reached(rounds):
    solution = fictitious_play(higher_wins(rounds + 1), rounds)
    assert solution.stats["regrets"] == pytest.approx(((rounds + 1) / (2 * rounds),) * 2, abs=1e-12)
    assert solution.stats["regrets"] == pytest.approx(solution.stats["bounds"], abs=1e-12)


def test_the_bound_tends_to_a_half_and_certifies_no_convergence():
    bounds = [fictitious_play(PENNIES, rounds).stats["bound"] for rounds in (1, 10, 1000, 10**5)]
    assert np.allclose(np.array(bounds) / 2, [1, 0.55, 0.5005, 0.500005])  # over the range of payoffs
    late = fictitious_play(PENNIES, 10**5)
    assert late.stats["regret"] < 0.01 < late.stats["bound"]


def test_the_bound_is_for_moves_weighted_by_how_often_they_were_made():
    """Uniform play over the distinct moves of the first rounds is another profile, and has no such bound."""
    game = BimatrixGame([[4, 1, 2], [0, 2, 0], [4, 1, 3]], [[0, 4, 4], [0, 1, 4], [1, 4, 1]])
    (played,) = fictitious_play(game, 7).profiles
    distinct = Profile(*((strategy > 0) / np.count_nonzero(strategy) for strategy in played))
    bound = 8 / 14 * game.magnitudes()
    assert certify(game, played, tolerance=bound).holds
    assert not certify(game, distinct, tolerance=bound).holds
    assert game.regrets(distinct) / game.magnitudes() == pytest.approx([0.1875, 0.6875])


@pytest.mark.parametrize("rounds", [10**2, 10**3, 10**4, 10**5, 10**6])
def test_fictitious_play_does_not_converge_in_shapleys_game(rounds):
    solution = fictitious_play(SHAPLEY, rounds, tolerance=0.1)
    assert solution.status is Status.LIMIT
    assert not certify(SHAPLEY, solution.profiles[0], tolerance=0.1).holds
    with pytest.raises(NotSolved, match="fictitious play: stopped at the iteration limit"):
        solution.require()


@fewer
@given(payoffs=st.lists(st.integers(-9, 9), min_size=8, max_size=8))
def test_fictitious_play_converges_in_two_by_two_games(payoffs):
    """Miyasawa 1961, without ties: with them some tie rules fail (Monderer and Sela 1996)."""
    A, B = np.array(payoffs).reshape(2, 2, 2)
    game = BimatrixGame(A + np.array([[0.25, 0.125], [0, 0]]), B + np.array([[0.25, 0], [0.125, 0]]))
    solution = fictitious_play(game, 10**4, tolerance=0.03)
    assert certify(game, solution.require(), tolerance=0.03 * game.magnitudes()).holds


@fewer
@given(game=bimatrix_games(max_size=4, kinds=("integers",)))
def test_fictitious_play_converges_where_both_earn_the_same(game):
    """Monderer and Shapley 1996."""
    common = BimatrixGame(game.A, game.A)
    assert fictitious_play(common, 10**4, tolerance=0.03).status is Status.SOLVED


def test_dominated_moves_are_left_at_once_and_weigh_less_and_less():
    assert certify(PRISONERS, fictitious_play(PRISONERS, 5, initial=(1, 1)).require()).holds
    solution = fictitious_play(PRISONERS, 1000)
    assert solution.profiles[0].row == pytest.approx([0.001, 0.999])
    assert solution.status is Status.LIMIT
    assert fictitious_play(PRISONERS, 1000, tolerance=0.001).status is Status.SOLVED


@fewer
@given(game=bimatrix_games(max_size=4, kinds=("ties", "integers")), exponent=st.integers(-200, 200))
def test_units_and_shifts_and_names_of_the_players_do_not_change_play(game, exponent):
    other = BimatrixGame(np.ldexp(game.A, exponent), game.B + 10**9)
    played, again, turned = (fictitious_play(g, 50).profiles[0] for g in (game, other, game.transposed))
    assert all(map(np.array_equal, played, again))
    assert all(map(np.array_equal, played, reversed(turned)))


def test_ties_are_drawn_evenly_and_repeat_with_the_seed():
    game = BimatrixGame(np.zeros((3, 2)), np.zeros((3, 2)))
    drawn = [fictitious_play(game, 30_000, ties="random", rng=np.random.default_rng(seed)) for seed in (7, 7, 8)]
    first, again, other = (solution.require() for solution in drawn)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.row, other.row)
    for strategy in (*first, *other):  # four standard errors of a share
        assert np.all(np.abs(strategy - 1 / len(strategy)) < 4 * np.sqrt(0.25 / 30_000))
    assert fictitious_play(game, 100).require().row.tolist() == [1, 0, 0]


def test_nothing_is_drawn_where_nothing_ties():
    rng = np.random.default_rng(3)
    fictitious_play(BimatrixGame([[1], [0]], [[1], [0]]), 100, ties="random", rng=rng)
    assert rng.bit_generator.state == np.random.default_rng(3).bit_generator.state


@pytest.mark.parametrize("rounds", [10, 100, 1000])
def test_floats_tie_where_their_exact_sums_do_and_never_drift(rounds):
    played = fictitious_play(BimatrixGame(PENNIES.A / 10, PENNIES.B / 10), rounds).profiles[0]
    assert all(map(np.array_equal, played, fictitious_play(PENNIES, rounds).profiles[0]))
    sums, counts, i, j = np.zeros((2, 2)), np.zeros((2, 2)), 0, 0
    for _ in range(rounds):
        counts[0, i], counts[1, j] = counts[0, i] + 1, counts[1, j] + 1
        sums += [PENNIES.A[:, j] / 10, PENNIES.B[i] / 10]  # in float64 0.1 + 0.1 + 0.1 - 0.3 is not 0
        i, j = np.argmax(sums, axis=1)
    assert not np.array_equal(played.column * rounds, counts[1])


def test_payoffs_beyond_the_digits_are_rounded_and_it_is_said():
    game = BimatrixGame([[1e300, 0], [0, 1e-300]], [[1, 0], [0, 1]])
    solution = fictitious_play(game, 10)
    assert not solution.stats["exact"]
    assert fictitious_play(PENNIES, 10).stats["exact"]
    assert certify(game, solution.require(), tolerance=1e-9 * game.magnitudes()).holds
    rounded, exact = whole(game.rational_payoffs[0])
    assert (rounded.max(), rounded.min(), exact) == (2**62 - 1, 0, False)


def test_rounds_go_on_from_block_to_block(monkeypatch):
    game = BimatrixGame([[2, -1, 0], [-1, 1, 3]], [[-2, 1, 0], [1, -1, 2]])
    options = {"ties": "random"}
    whole_run = fictitious_play(game, 1000, rng=np.random.default_rng(1), **options).profiles[0]
    learnt = [learn(game, 1000).profiles[0] for learn in LEARNERS]
    monkeypatch.setattr(_static, "BLOCK", 7)
    monkeypatch.setattr(_no_regret, "BLOCK", 7)
    pieces = fictitious_play(game, 1000, rng=np.random.default_rng(1), **options).profiles[0]
    assert all(np.array_equal(a, b) for a, b in zip(whole_run, pieces, strict=True))
    for learn, play in zip(LEARNERS, learnt, strict=True):
        assert np.allclose(learn(game, 1000).profiles[0], play, atol=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds must be a whole number from 1 to .*, got 0"),
        ({"rounds": 2.5}, "rounds must be a whole number from 1 to .*, got 2.5"),
        ({"rounds": True}, "rounds must be a whole number from 1 to .*, got True"),
        ({"initial": (0, 2)}, "initial column must be a whole number from 0 to 1, got 2"),
        ({"initial": (-1, 0)}, "initial row must be a whole number from 0 to 1, got -1"),
        ({"initial": (True, 0)}, "initial row must be a whole number from 0 to 1, got True"),
        ({"initial": 0}, "initial must be a row and a column, got 0"),
        ({"initial": (0, 1, 0)}, "initial must be a row and a column"),
        ({"ties": "first"}, "ties must be one of lowest, random, got 'first'"),
        ({"ties": "random"}, "ties='random' needs rng, a numpy.random.Generator, got None"),
        ({"ties": "random", "rng": 3}, "rng must be a numpy.random.Generator, got 3"),
        ({"tolerance": -1}, "tolerance must be a finite number, at least 0, got -1"),
        ({"tolerance": np.nan}, "tolerance must be a finite number, at least 0, got nan"),
        ({"tolerance": None}, "tolerance must be a finite number, at least 0, got None"),
    ],
)
def test_fictitious_play_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        fictitious_play(PENNIES, options.pop("rounds", 10), **options)


# --- coarse correlated play


def joint_play(game, seed):
    """A distribution over the cells, some of them never played."""
    rng = np.random.default_rng(seed)
    weights = rng.random(game.shape) * rng.integers(0, 2, game.shape)
    weights[0, 0] += 1e-3
    return weights / weights.sum()


@fewer
@given(game=bimatrix_games(max_size=4), seed=st.integers(0, 2**32))
def test_coarse_regrets_are_what_each_fixed_strategy_gains(game, seed):
    play = joint_play(game, seed)
    regrets, (m, n) = CoarseCorrelatedGame(game).regrets(play), game.shape
    A, B = (np.array(matrix.rows()) for matrix in game.rational_payoffs)  # in fractions
    cells = np.array([[Fraction(p) for p in row] for row in play])
    row = max(np.sum((A[i] - A) * cells) for i in range(m))
    column = max(np.sum((B[:, j : j + 1] - B) * cells) for j in range(n))
    assert close(regrets, [float(row), float(column)], game)
    assert np.all(regrets <= CorrelatedGame(game).regrets(play) + ROUNDING * game.magnitudes())
    x, y = play.sum(axis=1), play.sum(axis=0)
    assert close(CoarseCorrelatedGame(game).regrets(np.outer(x, y)), game.regrets(Profile(x, y)), game)


@fewer
@given(game=bimatrix_games(max_size=4))
def test_a_correlated_equilibrium_is_a_coarse_one(game):
    play = correlated_equilibrium(game).require()
    assert certify(CoarseCorrelatedGame(game), play, tolerance=1e-9 * game.magnitudes()).holds


def test_a_coarse_equilibrium_need_not_be_correlated():
    """Rock, paper, scissors where a tie pays 1/2 or more: always tying passes, but who is told to tie would win."""
    A = np.array([[0.75, 0, 1], [1, 0.75, 0], [0, 1, 0.75]])
    game, ties = BimatrixGame(A, A.T), np.eye(3) / 3
    assert certify(CoarseCorrelatedGame(game), ties).holds
    assert CoarseCorrelatedGame(game).regrets(ties) == pytest.approx([0.5833333 - 0.75] * 2, abs=1e-6)
    assert not certify(CorrelatedGame(game), ties).holds


@pytest.mark.parametrize(
    "wrong", [[[1, 0], [0, 1]], [[1.5, -0.5], [0, 0]], [[np.nan, 0], [0, 1]], [[np.inf, 0], [0, 0]]]
)
def test_no_distribution_passes_no_check(wrong):
    target = CoarseCorrelatedGame(BimatrixGame(np.zeros((2, 2)), np.zeros((2, 2))))
    assert not certify(target, np.array(wrong), tolerance=1e6).holds


def test_a_negative_probability_lowers_nobodys_regret():
    target = CoarseCorrelatedGame(BimatrixGame([[0, 0], [1, 1]], [[0, 0], [0, 0]]))
    assert target.regrets(np.array([[1.0, 0.0], [0.0, 0.0]])) == pytest.approx([1, 0])
    assert target.regrets(np.array([[1.0, -0.5], [0.0, 0.0]])) == pytest.approx([1, 0])


def test_coarse_play_of_the_wrong_shape_is_refused():
    target = CoarseCorrelatedGame(PENNIES)
    with pytest.raises(ValueError, match=r"profile must be \(2, 2\), got shape \(4,\)"):
        target.regrets(np.full(4, 0.25))
    with pytest.raises(ValueError, match="profile must be real, got complex128"):
        target.infeasibility(np.full((2, 2), 0.25 + 0j))


# --- no regret


@given(game=bimatrix_games(max_size=4), rounds=st.integers(1, 300), tolerance=st.sampled_from((0.0, 1e-9, 0.1)))
def test_average_regrets_are_within_the_bound(game, rounds, tolerance):
    target, magnitudes = CoarseCorrelatedGame(game), game.magnitudes()
    for learn in LEARNERS:
        solution = learn(game, rounds, tolerance=tolerance)
        (play,) = solution.profiles
        assert certify(target, play, tolerance=solution.stats["bounds"] + ROUNDING * magnitudes).holds
        assert np.array_equal(solution.stats["regrets"], target.regrets(play))
        assert solution.stats["regret"] == max(solution.stats["regrets"])
        assert (solution.status is Status.SOLVED) == certify(target, play, tolerance=tolerance * magnitudes).holds
        assert np.all(play >= 0)
        assert abs(play.sum() - 1) <= ROUNDING


@fewer
@given(game=bimatrix_games(), rounds=st.integers(1, 300), rate=st.floats(1e-3, 1e3))
def test_weights_keep_the_bound_of_any_rate(game, rounds, rate):
    solution = multiplicative_weights(game, rounds, rate=rate)
    bound = [np.log(size) / (rate * rounds) + rate / 8 if size > 1 else 0 for size in game.shape]
    assert np.allclose(solution.stats["bounds"], np.minimum(bound, 1) * game.magnitudes(), rtol=1e-12, atol=0)
    tolerance = solution.stats["bounds"] + ROUNDING * game.magnitudes()
    assert certify(CoarseCorrelatedGame(game), solution.profiles[0], tolerance=tolerance).holds


def test_bounds_are_the_theorems():
    game = BimatrixGame(np.arange(12.0).reshape(4, 3), np.zeros((4, 3)))
    assert multiplicative_weights(game, 50).stats["bounds"] == pytest.approx((11 * np.sqrt(np.log(4) / 100), 0))
    assert multiplicative_weights(game, 50).stats["rates"] == pytest.approx(
        (np.sqrt(8 * np.log(4) / 50), np.sqrt(8 * np.log(3) / 50))
    )
    for learn in (regret_matching, matching_plus):
        assert learn(game, 50).stats["bounds"] == pytest.approx((11 * np.sqrt(3 / 50), 0))


@fewer
@given(game=bimatrix_games(kinds=("zero-sum",)))
def test_marginals_in_zero_sum_games_approach_an_equilibrium(game):
    rounding = ROUNDING * game.magnitudes()[0]
    for learn in LEARNERS:
        solution = learn(game, 400)
        (play,) = solution.profiles
        marginals = Profile(play.sum(axis=1), play.sum(axis=0))
        gap = np.sum(CoarseCorrelatedGame(game).regrets(play))
        assert np.sum(game.regrets(marginals)) == pytest.approx(gap, abs=rounding)
        assert certify(game, marginals, tolerance=sum(solution.stats["bounds"]) + rounding).holds


@pytest.mark.parametrize("learn", LEARNERS)
def test_learners_find_known_equilibria(learn):
    assert learn(PRISONERS, 5000, tolerance=0.01).require()[1, 1] == pytest.approx(1, abs=0.05)
    # 2x2 zero-sum, both mix (2/5, 3/5): von Neumann's formula for [[a, b], [c, d]].
    play = learn(BimatrixGame([[2, -1], [-1, 1]], [[-2, 1], [1, -1]]), 20_000).profiles[0]
    assert play.sum(axis=1) == pytest.approx([0.4, 0.6], abs=0.02)
    assert play.sum(axis=0) == pytest.approx([0.4, 0.6], abs=0.02)


@pytest.mark.parametrize("learn", LEARNERS)
def test_regrets_vanish_where_fictitious_play_goes_round(learn):
    skewed = BimatrixGame(SHAPLEY.A * [[3], [2], [1]], SHAPLEY.B)  # uniform play is no equilibrium of this one
    solution = learn(skewed, 10**5, tolerance=0.01)
    assert certify(CoarseCorrelatedGame(skewed), solution.require(), tolerance=0.01 * skewed.magnitudes()).holds
    assert fictitious_play(skewed, 10**5, tolerance=0.01).status is Status.LIMIT


@fewer
@given(game=bimatrix_games(max_size=4, kinds=("integers",)), exponents=st.tuples(*[st.integers(-300, 300)] * 2))
def test_learners_do_not_depend_on_units(game, exponents):
    other = BimatrixGame(*(np.ldexp(values, power) for values, power in zip((game.A, game.B), exponents, strict=True)))
    for learn in LEARNERS:
        assert np.array_equal(learn(game, 30).profiles[0], learn(other, 30).profiles[0])


def test_an_unmet_tolerance_is_a_limit_with_the_play_in_it():
    solution = regret_matching(PRISONERS, 10)
    assert (solution.status, len(solution.profiles)) == (Status.LIMIT, 1)
    with pytest.raises(NotSolved, match="regret matching: stopped at the iteration limit"):
        solution.require()


@pytest.mark.parametrize("learn", LEARNERS)
@pytest.mark.parametrize("rounds", [0, -3, 1.0, True, None, np.nan])
def test_learners_refuse_rounds(learn, rounds):
    with pytest.raises(ValueError, match="rounds must be a whole number from 1"):
        learn(PENNIES, rounds)


@pytest.mark.parametrize("learn", LEARNERS)
@pytest.mark.parametrize("tolerance", [-1e-9, np.nan, np.inf, True, "0.1"])
def test_learners_refuse_tolerances(learn, tolerance):
    with pytest.raises(ValueError, match="tolerance must be a finite number, at least 0"):
        learn(PENNIES, 10, tolerance=tolerance)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf, True, "fast"])
def test_weights_refuse_rates(rate):
    with pytest.raises(ValueError, match="rate must be a finite number, positive"):
        multiplicative_weights(PENNIES, 10, rate=rate)


@pytest.mark.parametrize("solve", [fictitious_play, regret_matching, multiplicative_weights])
def test_what_is_no_two_player_game_is_refused(solve):
    with pytest.raises(ValueError, match="game must be a BimatrixGame, got list"):
        solve([[1, 2], [3, 4]], 10)
