"""Lemke-Howson: certified on every kind of game, on the printed paths, in batches; in integers where float64 fails."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from solvers.bimatrix import _label_paths, _lemke_howson, _pivoting
from solvers.bimatrix._batch import lemke_howson_batch
from solvers.bimatrix._exact_path import ARTIFICIAL, ExactPaths
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.bimatrix._label_paths import lemke_howson_all, lemke_howson_path
from solvers.bimatrix._lemke_howson import lemke_howson, lemke_howson_exact
from solvers.core import InvalidGame, NotSolved, Solution, Status
from tests import bimatrix_cases as cases
from verification import certify
from verification.generators import FAMILIES, perturbed, rescaled
from verification.strategies import bimatrix_games


def holds(game, profile):
    certificate = certify(game, profile, tolerance=1e-9 * game.magnitudes())
    return certificate.holds


def exact_end(game, label, max_pivots=10**5):
    paths = ExactPaths(game)
    end = paths.follow(ARTIFICIAL, label, max_pivots)
    return paths.profile(end[0]), end[1]


def close(profile, other):
    return all(
        np.allclose(np.asarray(a, dtype=float), np.asarray(b, dtype=float), atol=1e-9)
        for a, b in zip(profile, other, strict=True)
    )


# --- every game


# --- pinned games


@pytest.mark.parametrize("case", cases.ALL, ids=str)
def test_every_label_of_every_pinned_game(case):
    for label in range(sum(case.game.shape)):
        profile = lemke_howson(case.game, initial_label=label).require()
        exact, _ = exact_end(case.game, label)
        assert holds(case.game, profile)
        assert certify(case.game, exact).holds


@pytest.mark.parametrize("case", cases.NONDEGENERATE, ids=str)
def test_float_and_exact_follow_one_path(case):
    for label in range(sum(case.game.shape)):
        solution = lemke_howson(case.game, initial_label=label)
        exact, pivots = exact_end(case.game, label)
        assert solution.stats["pivots"] == pivots
        assert close(solution.require(), exact)
        if case.equilibria:
            assert exact in case.equilibria


@pytest.mark.parametrize("case", [cases.CYCLER, cases.CYCLER_TURNED], ids=str)
@pytest.mark.parametrize("label", range(6))
def test_ties_do_not_cycle_in_float64(case, label):
    """A broken tie-break passes hundreds of random games; these cycle without one."""
    solution = lemke_howson(case.game, initial_label=label)
    assert solution.stats["path"] == "condensed"
    assert any(close(solution.require(), known) for known in case.equilibria)


@pytest.mark.parametrize("label", range(12))
def test_the_long_paths_are_as_long_as_printed(label):
    case = cases.LONG_PATH
    assert lemke_howson(case.game, initial_label=label).stats["pivots"] == cases.LONG_PATH_LENGTHS[label]
    assert len(lemke_howson_path(case.game, initial_label=label)) == cases.LONG_PATH_LENGTHS[label] + 1


def test_shapleys_unreachable_equilibria_are_not_found():
    found = lemke_howson_all(cases.UNREACHABLE.game)
    assert len(found.profiles) == 1
    assert set(found.edges) == {(0, k, 1) for k in range(6)} | {(1, k, 0) for k in range(6)}


def test_all_reachable_equilibria_of_the_identity_game():
    found = lemke_howson_all(cases.IDENTITY.game)
    assert len(found.profiles) == 7
    assert all(any(close(profile, known) for profile in found.profiles) for known in cases.IDENTITY.equilibria)


def test_the_path_begins_at_nothing_and_ends_at_an_equilibrium():
    case = cases.VON_STENGEL
    path = lemke_howson_path(case.game, initial_label=1)
    assert not any(strategy.any() for strategy in path[0])
    assert close(path[-1], case.equilibria[2])
    for earlier, later in itertools.pairwise(path):
        assert sum(not np.array_equal(a, b) for a, b in zip(earlier, later, strict=True)) == 1


# --- the two kernels and the fallbacks


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [4, 9, 24])
def test_the_condensed_and_the_revised_kernel_agree(family, size, monkeypatch):
    game = FAMILIES[family](size, np.random.default_rng(size))
    answers = []
    for small in (0, 10**6):
        monkeypatch.setattr(_pivoting, "SMALL", small)
        solution = lemke_howson(game, initial_label=1)
        assert solution.stats["path"] == ("condensed" if small else "revised")
        assert holds(game, solution.require())
        answers.append(solution)
    assert answers[0].stats["pivots"] == answers[1].stats["pivots"]
    assert close(answers[0].require(), answers[1].require())


@pytest.mark.parametrize("code", [_pivoting.CYCLE, _pivoting.STUCK])
@given(game=bimatrix_games(max_size=4))
def test_where_float64_gives_up_integers_take_over(code, game):
    with pytest.MonkeyPatch.context() as patch:
        nothing = code, 7, 0, np.inf, np.inf
        patch.setattr(_pivoting, "small", lambda *_: nothing)
        solution = lemke_howson(game, initial_label=0)
    assert solution.stats["path"] == "exact"
    assert holds(game, solution.require())


def test_a_float_answer_that_fails_its_check_is_not_returned(monkeypatch):
    game = cases.SHAPLEY.game

    def wrong(A, B, label, cap, x, y):
        x[:], y[:] = [1, 0, 0], [1, 0, 0]
        return _pivoting.REJECTED, 3, 0, 0.0, 1.0

    monkeypatch.setattr(_pivoting, "small", wrong)
    solution = lemke_howson(game, initial_label=0)
    assert solution.stats["path"] == "exact"
    assert close(solution.require(), cases.SHAPLEY.equilibria[0])


def test_lost_paths_of_all_labels_are_followed_in_integers(monkeypatch):
    monkeypatch.setattr(_label_paths._FloatPaths, "follow", lambda *_: None)
    found = lemke_howson_all(cases.IDENTITY.game)
    assert found.stats["path"] == "exact"
    assert len(found.profiles) == 7


@pytest.mark.parametrize("size", [3, 12, 20, 30, 50])
@pytest.mark.parametrize("seed", range(4))
def test_integer_games_full_of_ties(size, seed):
    rng = np.random.default_rng(seed)
    game = BimatrixGame(*rng.integers(0, 3, (2, size, size)))
    for label in (None, *rng.integers(0, 2 * size, 6)):
        assert holds(game, lemke_howson(game, initial_label=label).require())


@pytest.mark.parametrize("exponent", range(3, 13))
def test_nearly_degenerate_games(exponent):
    rng = np.random.default_rng(exponent)
    for size in (4, 8, 14, 22):
        base = BimatrixGame(*rng.integers(0, 3, (2, size, size)))
        game = perturbed(base, 10.0**-exponent, rng)
        for label in rng.integers(0, 2 * size, 4):
            assert holds(game, lemke_howson(game, initial_label=label).require())


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-300, 1e-11, 1e15, 1e300, 4e307])
def test_payoffs_near_the_limits_of_float64(scale):
    unit = np.array([[0.0, -2, 1], [1, 0, -2], [-2, 1, 0]])
    game = BimatrixGame(unit * scale, -unit * scale)
    for label in (None, 0, 5):
        profile = lemke_howson(game, initial_label=label).require()
        assert close(profile, ([1 / 3] * 3, [1 / 3] * 3))


def test_players_in_units_that_are_far_apart():
    unit = np.array([[0.0, -2, 1], [1, 0, -2], [-2, 1, 0]])
    game = BimatrixGame(unit * 1e300, -unit * 1e-300)
    assert close(lemke_howson(game).require(), ([1 / 3] * 3, [1 / 3] * 3))


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e9])
def test_payoffs_far_from_zero(shift):
    rng = np.random.default_rng(0)
    game = rescaled(FAMILIES["uniform"](20, rng), 1.0, shift)
    assert holds(game, lemke_howson(game, initial_label=3).require())


def coarse(rows, shift, share=1):
    """Rationals whose differences float64 would lose."""
    return [[shift + Fraction(value, share) for value in row] for row in rows]


@pytest.mark.parametrize("share", [1, 7, 10**40])
@pytest.mark.parametrize("shift", [10**17, -(10**20), 10**25 + Fraction(1, 3)])
@pytest.mark.parametrize("label", [None, 0, 3])
def test_rationals_that_float64_cannot_tell_apart(shift, share, label):
    game = BimatrixGame(coarse([[0, 5], [3, 1]], shift), coarse([[2, 0], [0, 7]], shift, share))
    for profile in (lemke_howson(game, initial_label=label).require(), *lemke_howson_all(game).profiles):
        assert np.allclose(profile.row, [7 / 9, 2 / 9], atol=1e-12)
        assert np.allclose(profile.column, [4 / 7, 3 / 7], atol=1e-12)
        assert holds(game, profile)


def test_differences_below_float64_are_refused():
    tiny = Fraction(1, 10**400)
    with pytest.raises(InvalidGame, match="A must have differences within the range of float64"):
        BimatrixGame([[tiny, 0], [0, tiny]], [[0, 1], [1, 0]])
    assert lemke_howson(BimatrixGame([[tiny, tiny], [tiny, tiny]], [[tiny, 1], [1, 0]])).status is Status.SOLVED


def test_one_player_in_other_units_and_the_other_in_coarse_rationals():
    game = BimatrixGame(coarse([[0, 5], [3, 1]], 10**20), 1e300 * np.array([[2, 0], [0, 7]]))
    assert np.allclose(lemke_howson(game).require().column, [4 / 7, 3 / 7], atol=1e-12)


def test_a_profile_is_no_equilibrium_because_float64_sees_no_difference():
    game = BimatrixGame(coarse([[0, 5], [3, 1]], 10**20), coarse([[2, 0], [0, 7]], 10**20))
    claimed = Profile(np.array([1.0, 0]), np.array([1.0, 0]))
    assert game.magnitudes().tolist() == [5.0, 7.0]
    assert game.regrets(claimed).tolist() == [3.0, 0.0]
    assert not holds(game, claimed)
    assert [best.tolist() for best in game.best_responses(claimed)] == [[1], [0]]


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_a_batch_of_integers_that_float64_would_round_is_refused(dtype):
    payoffs = np.array([[[2**60, 2**60 + 1]]], dtype=dtype)
    with pytest.raises(InvalidGame, match=r"whole numbers up to 2\^53"):
        lemke_howson_batch(payoffs, payoffs)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 400), (400, 2), (700, 1)])
def test_shapes_that_are_hardly_games(shape):
    rng = np.random.default_rng(1)
    for game in (BimatrixGame(*rng.random((2, *shape))), BimatrixGame(np.full(shape, 3.0), np.full(shape, -1.0))):
        for label in (None, *range(sum(shape))):
            assert holds(game, lemke_howson(game, initial_label=label).require())
        assert holds(game, lemke_howson_all(game).profiles[0])


# --- in rationals


@pytest.mark.parametrize("exponent", [9, 12, 15])
def test_where_no_supports_are_exact_the_path_is_followed_in_integers(exponent):
    rng, found = np.random.default_rng(exponent), set()
    for _ in range(20):
        game = perturbed(BimatrixGame(*rng.integers(0, 3, (2, 8, 8))), 10.0**-exponent, rng)
        solution = lemke_howson_exact(game, initial_label=0)
        assert certify(game, solution.require()).holds
        found.add(solution.stats["path"])
    assert exponent < 15 or "exact" in found


def test_an_exact_path_that_ends_elsewhere_is_not_returned(monkeypatch):
    pure = RationalProfile((Fraction(1), Fraction(0), Fraction(0)), (Fraction(1), Fraction(0), Fraction(0)))
    monkeypatch.setattr(_lemke_howson, "lemke_howson", lambda *_, **__: Solution((), Status.FAILED, "none"))
    monkeypatch.setattr(ExactPaths, "profile", lambda *_: pure)
    solution = lemke_howson_exact(cases.SHAPLEY.game)
    assert solution.status is Status.FAILED
    assert solution.profiles == ()
    assert solution.stats["regret"] == 1


def test_an_exact_path_has_a_limit():
    game = cases.LONG_PATH.game
    assert lemke_howson_exact(game, initial_label=0, max_pivots=87).status is Status.LIMIT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lemke_howson, "lemke_howson", lambda *_, **__: Solution((), Status.FAILED, "none"))
        assert lemke_howson_exact(game, initial_label=0, max_exact_pivots=87).status is Status.LIMIT
        assert lemke_howson_exact(game, initial_label=0, max_exact_pivots=88).require() == cases.LONG_PATH.equilibria[0]


# --- limits and misuse


@pytest.mark.parametrize("label", [-1, 5, 1.0, True, "1"])
def test_a_label_that_is_none(label):
    with pytest.raises(ValueError, match="initial_label must be an integer from 0 to 4"):
        lemke_howson(cases.VON_STENGEL.game, initial_label=label)


@pytest.mark.parametrize("solve", [lemke_howson, lemke_howson_all, lemke_howson_path])
def test_a_limit_that_is_none(solve):
    with pytest.raises(ValueError, match="max_pivots must be a whole number of at least 1, got 0"):
        solve(cases.VON_STENGEL.game, max_pivots=0)


def test_the_limit_of_pivots_is_a_status():
    solution = lemke_howson(cases.LONG_PATH.game, initial_label=0, max_pivots=87)
    assert solution.status is Status.LIMIT
    assert solution.profiles == ()
    with pytest.raises(NotSolved, match="raise it"):
        solution.require()
    assert lemke_howson_all(cases.LONG_PATH.game, max_pivots=20).status is Status.LIMIT
    with pytest.raises(NotSolved, match="label 0 has more than 87 steps"):
        lemke_howson_path(cases.LONG_PATH.game, initial_label=0, max_pivots=87)


@pytest.mark.parametrize("size", [6, 40])
def test_the_limit_covers_the_sweep_over_labels(size):
    game = FAMILIES["covariance"](size, np.random.default_rng(0))
    solution = lemke_howson(game, max_pivots=1)
    assert solution.stats["pivots"] <= 1


# --- batches


@pytest.mark.parametrize("size", [1, 4, 12, 30])
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("label", [0, None])
def test_a_batch_is_the_loop(size, parallel, label):
    rng = np.random.default_rng(size)
    A, B = rng.integers(0, 4, (2, 150, size, size + 1)).astype(float)
    found = lemke_howson_batch(A, B, initial_label=label, parallel=parallel)
    assert found.solved.all()
    for g in range(len(A)):
        game = BimatrixGame(A[g], B[g])
        alone = lemke_howson(game, initial_label=label)
        assert close((found.row[g], found.column[g]), alone.require())
        assert found.pivots[g] == alone.stats["pivots"]
        assert np.allclose(found.regrets[g], game.regrets(alone.require()), atol=1e-12)
        assert holds(game, Profile(found.row[g], found.column[g]))


def test_a_batch_does_again_what_float64_could_not():
    unit = np.array([[0.0, -2, 1], [1, 0, -2], [-2, 1, 0]])
    A = np.stack([unit, unit * 1e-310, unit * 1e300])
    found = lemke_howson_batch(A, -A)
    assert found.solved.all()
    assert np.allclose(found.row, 1 / 3)
    assert all(np.max(regrets) <= 1e-9 * np.ptp(a) for regrets, a in zip(found.regrets, A, strict=True))


def test_a_batch_says_which_games_it_could_not_solve():
    A = np.stack([cases.LONG_PATH.game.A, np.zeros((6, 6))])
    B = np.stack([cases.LONG_PATH.game.B, np.zeros((6, 6))])
    found = lemke_howson_batch(A, B, max_pivots=50)
    assert found.solved.tolist() == [False, True]
    assert np.isnan(found.row[0]).all()
    assert np.isnan(found.regrets[0]).all()


def test_a_batch_leaves_its_arguments_alone():
    A, B = np.random.default_rng(0).random((2, 3, 4, 4))
    before = A.copy(), B.copy()
    lemke_howson_batch(A, B)
    assert np.array_equal(A, before[0])
    assert np.array_equal(B, before[1])
    assert A.flags.writeable


def test_an_empty_batch_is_empty():
    found = lemke_howson_batch(np.zeros((0, 3, 2)), np.zeros((0, 3, 2)))
    assert found.row.shape == (0, 3)
    assert found.solved.shape == (0,)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (np.zeros((2, 3)), r"A must be \(games, m, n\) with m, n at least 1, got shape \(2, 3\)"),
        (np.zeros((2, 0, 3)), r"at least 1, got shape \(2, 0, 3\)"),
        (np.zeros((2, 2, 2), dtype=complex), "A must hold real numbers, got complex128"),
        (np.full((2, 2, 2), np.nan), "A must be finite, game 0 is not"),
        ([[[1, 2], [3]]], "A must be .* different lengths"),
        (np.full((2, 2, 2), Fraction(1, 3)), "A must hold real numbers, got object"),
        (np.zeros((2, 2, 3)), r"A and B must have one shape, got \(2, 2, 3\) and \(2, 2, 2\)"),
    ],
)
def test_a_batch_that_is_none(A, message):
    with pytest.raises(InvalidGame, match=message):
        lemke_howson_batch(A, np.zeros((2, 2, 2)))


# --- the certificate in rationals


@pytest.mark.parametrize(
    "row", [[np.nan, 1], [np.inf, 0], [-np.inf, np.inf], [-1, 2], [-1e-8, 1 + 1e-8], [0, 2], [0, 0]]
)
def test_what_is_no_distribution_is_no_equilibrium(row):
    game = BimatrixGame([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    assert not holds(game, Profile(np.array(row), np.array([0, 1.0])))


def test_a_complex_profile_is_refused():
    game = BimatrixGame([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    with pytest.raises(ValueError, match=r"profile\.row must be real, got complex128"):
        certify(game, Profile(np.array([0, 1 + 5j]), np.array([0, 1.0])))


def test_a_rational_claim_is_held_to_exactly_zero():
    game = cases.VON_STENGEL.game
    exact = cases.VON_STENGEL.equilibria[1]
    certificate = certify(game, exact)
    assert (certificate.residual, certificate.tolerance, certificate.holds) == (Fraction(0), 0.0, True)
    assert str(certificate) == "Nash: residual exactly 0, tolerance 0: holds"
    tiny = Fraction(1, 10**40)
    nearly = RationalProfile((exact.row[0] - tiny, exact.row[1] + tiny, exact.row[2]), exact.column)
    assert not certify(game, nearly).holds
    assert certify(game, nearly, tolerance=1e-9).holds


def test_a_rational_profile_must_sum_to_exactly_one():
    game = cases.MATCHING_PENNIES.game
    half, tiny = Fraction(1, 2), Fraction(1, 10**40)
    for row in ((half, half - tiny), (half + tiny, half)):
        assert not certify(game, RationalProfile(row, (half, half)), tolerance=1.0).holds
    assert not certify(game, RationalProfile((1 + tiny, -tiny), (half, half)), tolerance=1.0).holds
