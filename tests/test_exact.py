"""Exact equilibria from float answers: regret exactly 0, or a sentence that says why not."""

from __future__ import annotations

from fractions import Fraction

import bimatrix_cases as cases
import numpy as np
import pytest
from bimatrix_cases import Case, strategy
from hypothesis import assume, given
from hypothesis import strategies as st

from solvers.bimatrix._exact import exact_equilibrium, shown
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile, support
from solvers.core import Status
from verification.certificates import certify

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 12)
KNOWN = [case for case in cases.ALL if case.equilibria]


def in_floats(profile: RationalProfile) -> Profile:
    return Profile(*(np.array([float(p) for p in strategy]) for strategy in profile))


def peers_answer(game: BimatrixGame) -> Profile | None:
    """An equilibrium by QuantEcon's Lemke-Howson, from the first label whose answer the certificate accepts."""
    from quantecon.game_theory import NormalFormGame, Player, lemke_howson

    peers = NormalFormGame((Player(game.A.copy()), Player(game.B.T.copy())))
    for label in range(sum(game.shape)):
        profile = Profile(*lemke_howson(peers, init_pivot=label, max_iter=10**4))
        if certify(game, profile, tolerance=1e-9 * game.magnitudes()).holds:
            return profile
    return None


def cleaned(profile: Profile) -> Profile:
    """The peer leaves probabilities of the size of rounding."""
    return Profile(*(np.where(strategy > 1e-12, strategy, 0.0) for strategy in profile))


def assert_exact(game: BimatrixGame, profile: RationalProfile) -> None:
    certificate = certify(game, profile)
    assert certificate.holds
    assert certificate.residual == 0
    assert isinstance(certificate.residual, Fraction)


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", KNOWN, ids=str)
def test_recovers_every_pinned_equilibrium(case: Case) -> None:
    for known in case.equilibria or ():
        solution = exact_equilibrium(case.game, in_floats(known))
        assert solution.require() == known
        assert solution.stats == {"regret": 0, "readings": 1}
        assert not solution.complete
        assert_exact(case.game, solution.require())


@given(seeds, sizes, sizes, st.sampled_from([1, 2, 9, 1000]))
def test_integer_games(seed: int, m: int, n: int, most: int) -> None:
    A, B = np.random.default_rng(seed).integers(0, most, (2, m, n), endpoint=True)
    game = BimatrixGame(A, B)
    answer = peers_answer(game)
    assume(answer is not None)
    assert answer is not None
    exact = exact_equilibrium(game, answer).require()
    assert_exact(game, exact)
    assert support(exact) == support(cleaned(answer))
    np.testing.assert_allclose(np.concatenate(in_floats(exact)), np.concatenate(answer), atol=1e-9)


@given(seeds, sizes, sizes, st.sampled_from([-900, -36, 0, 50, 960]), st.sampled_from([0.0, 1e9]))
def test_uniform_games_of_any_unit(seed: int, m: int, n: int, power: int, shift: float) -> None:
    A, B = np.random.default_rng(seed).random((2, m, n))
    plain = BimatrixGame(A + shift, B - shift)
    answer = peers_answer(BimatrixGame(plain.A - shift, plain.B + shift))  # exact: the peer is lost at this shift
    assert answer is not None
    game = BimatrixGame(np.ldexp(plain.A, power), np.ldexp(plain.B, power))
    exact = exact_equilibrium(game, answer).require()
    assert_exact(game, exact)
    assert support(exact) == support(cleaned(answer))


def test_rational_payoffs_are_taken_as_they_are() -> None:
    third, game_of = Fraction(1, 3), BimatrixGame
    game = game_of([[third, 0], [0, 1]], [[0, third], [1, 0]])
    rounded = game_of(game.A, game.B)
    guess = Profile(np.array([0.75, 0.25]), np.array([0.75, 0.25]))
    assert exact_equilibrium(game, guess).require() == (strategy("3/4 1/4"), strategy("3/4 1/4"))
    assert exact_equilibrium(rounded, guess).require().column[0] == 1 / (1 + Fraction(1 / 3))


def test_only_one_matrix_is_rational() -> None:
    game = BimatrixGame([[Fraction(1, 3), 0, 0], [0, 1, 0]], [[0, 0.5, 0], [1, 0, 0]])
    guess = Profile(np.array([2 / 3, 1 / 3]), np.array([0.75, 0.25, 0]))
    exact = exact_equilibrium(game, guess).require()
    assert exact == (strategy("2/3 1/3"), strategy("3/4 1/4 0"))
    assert_exact(game, exact)


@pytest.mark.parametrize("case", KNOWN, ids=str)
def test_a_rational_profile_comes_back(case: Case) -> None:
    for known in case.equilibria or ():
        assert exact_equilibrium(case.game, known).require() == known


# --- rounding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dirt", "readings"), [(1e-16, 1), (9e-13, 1), (1e-10, 2), (1e-7, 2)])
def test_dirt_is_no_support(dirt: float, readings: int) -> None:
    game = cases.VON_STENGEL.game
    solution = exact_equilibrium(game, Profile(np.array([0.8, 0.2 - dirt, dirt]), np.array([2 / 3, 1 / 3])))
    assert solution.require() == (strategy("4/5 1/5 0"), strategy("2/3 1/3"))
    assert solution.stats["readings"] == readings


@pytest.mark.parametrize("given_as", [1e-14, 0.0], ids=["given", "rounded to 0"])
def test_a_tiny_probability_is_not_dirt(given_as: float) -> None:
    tiny = 10**14 - 1
    game = BimatrixGame([[tiny, 0], [0, 1]], [[0, 1], [1, 0]])
    solution = exact_equilibrium(game, Profile(np.array([0.5, 0.5]), np.array([given_as, 1 - given_as])))
    assert solution.require() == (strategy("1/2 1/2"), (Fraction(1, 10**14), 1 - Fraction(1, 10**14)))
    assert solution.stats["readings"] > 1
    assert_exact(game, solution.require())


def test_a_hilbert_game() -> None:
    """Condition 1e16: no digit of a float solution need be right, yet the support gives the exact one."""
    n = 12
    hilbert = [[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)]
    y = [Fraction(1 + j % 3, 24) for j in range(n)]
    assert sum(y) == 1
    A = [[h - sum(p * q for p, q in zip(row, y, strict=True)) for h in row] for row in hilbert]  # A y = 0
    game = BimatrixGame(A, [[-A[j][i] for j in range(n)] for i in range(n)])  # x' B = -(A x)' = 0 at x = y
    guess = np.full(n, 1 / n)
    exact = exact_equilibrium(game, Profile(guess, guess)).require()
    assert exact == (tuple(y), tuple(y))
    assert_exact(game, exact)


# --- degenerate games -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", ["1", "4/5", "7/10", "2/3"])
def test_a_point_inside_a_component_stays(share: str) -> None:
    """The row player's first strategy against column strategies from (1, 0) to (2/3, 1/3)."""
    p, game = Fraction(share), cases.VON_STENGEL_DEGENERATE.game
    exact = exact_equilibrium(game, Profile(np.array([1.0, 0, 0]), np.array([float(p), 1 - float(p)]))).require()
    assert exact == (strategy("1 0 0"), (p, 1 - p))
    assert_exact(game, exact)


@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_where_all_is_equilibrium_the_answer_is_near(seed: int, m: int, n: int) -> None:
    game, rng = BimatrixGame(np.zeros((m, n)), np.full((m, n), 7)), np.random.default_rng(seed)
    answer = Profile(rng.dirichlet(np.ones(m)), rng.dirichlet(np.ones(n)))
    exact = exact_equilibrium(game, answer).require()
    assert_exact(game, exact)
    np.testing.assert_allclose(np.concatenate(in_floats(exact)), np.concatenate(answer), atol=1e-11)


def test_the_least_probability_is_not_what_gives_way() -> None:
    """2,000 rounded probabilities may be off by more than the least one in all."""
    rest = np.random.default_rng(1).dirichlet(np.ones(1999))
    game = BimatrixGame(np.zeros((1, 2000)), np.zeros((1, 2000)))
    solution = exact_equilibrium(game, Profile(np.ones(1), np.array([1.1e-12, *rest])))
    assert float(solution.require().column[0]) == pytest.approx(1.1e-12, abs=1e-13)
    assert solution.stats["readings"] == 1


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_copied_strategies_leave_a_choice(seed: int, m: int, n: int) -> None:
    """Each strategy of a game stands twice; any split of a probability over the copies will do."""
    rng = np.random.default_rng(seed)
    small = BimatrixGame(*rng.integers(0, 9, (2, m, n)))
    answer = peers_answer(small) if min(m, n) > 1 else None
    assume(answer is not None)
    assert answer is not None
    game = BimatrixGame(*(np.kron(M, np.ones((2, 2))) for M in (small.A, small.B)))
    splits = (rng.random(size) for size in (m, n))
    doubled = Profile(
        *(np.stack([p * split, p * (1 - split)], 1).ravel() for p, split in zip(answer, splits, strict=True))
    )
    exact = exact_equilibrium(game, doubled).require()
    assert_exact(game, exact)
    assert support(exact) == support(cleaned(doubled))


def test_a_hidden_tie_is_held() -> None:
    """The float stands where row 1 catches up with row 0: left free, y_0 would round to either side of 1/3."""
    game = BimatrixGame([[0, 0], [-1, Fraction(1, 2)]], [[0, 0], [0, 0]])
    exact = exact_equilibrium(game, Profile(np.array([1.0, 0]), np.array([0.3333333333, 0.6666666667]))).require()
    assert exact == (strategy("1 0"), strategy("1/3 2/3"))


# --- refusals ---------------------------------------------------------------------------------------------------------


def refused(game: BimatrixGame, row: list[float], column: list[float], status: Status) -> str:
    profile = Profile(np.array(row), np.array(column))
    assert not certify(game, profile).holds
    solution = exact_equilibrium(game, profile)
    assert solution.profiles == ()
    assert solution.status is status
    return str(solution.stats["reason"])


def test_a_negative_probability_is_named() -> None:
    reason = refused(cases.PRISONERS_DILEMMA.game, [0.5, 0.5], [0.5, 0.5], Status.FAILED)
    assert reason == "probability of row 0 is -1"


def test_a_better_strategy_is_named() -> None:
    reason = refused(cases.VON_STENGEL.game, [0.0, 1, 0], [1.0, 0], Status.FAILED)
    assert reason == "row 0 earns 1 more than the support's row 1"


def test_a_better_column_is_named() -> None:
    game = BimatrixGame([[1, 1, 1]], [[Fraction(1, 3), Fraction(1, 2), 0]])
    assert refused(game, [1.0], [1.0, 0, 0], Status.FAILED) == "column 1 earns 1/6 more than the support's column 0"


def test_a_system_without_solution_is_named() -> None:
    game = BimatrixGame([[1, 1], [0, 0]], [[1, 2], [2, 1]])
    reason = refused(game, [0.5, 0.5], [0.5, 0.5], Status.SINGULAR)
    assert reason == "no mix of columns 0 and 1 makes rows 0 and 1 earn the same"


def test_a_long_list_is_cut() -> None:
    game = BimatrixGame(np.outer(np.arange(12), np.ones(12)), np.ones((12, 12)))
    reason = refused(game, [1 / 12] * 12, [1 / 12] * 12, Status.SINGULAR)
    assert "columns 0, 1, 2, 3, 4, 5, 6, 7 and 4 more makes rows" in reason


def test_no_reading_leads_elsewhere() -> None:
    """The supports with the best responses give an equilibrium of this game: another one."""
    game = cases.VON_STENGEL.game
    far = Profile(np.array([0.0, 1, 0]), np.array([1.0, 0]))
    assert exact_equilibrium(game, Profile(np.array([0.8, 0.2, 0]), np.array([0.6, 0.4]))).profiles
    assert exact_equilibrium(game, far).profiles == ()


def test_long_fractions_are_shown_as_floats() -> None:
    """At this size an exact probability has more digits than Python prints."""
    rng = np.random.default_rng(5)
    game = BimatrixGame(*rng.random((2, 140, 140)))
    reason = refused(game, [1 / 140] * 140, [1 / 140] * 140, Status.FAILED)
    assert reason.startswith("probability of row ")
    assert " is about -" in reason
    assert len(reason) < 50


def test_shown() -> None:
    assert [shown(Fraction(p)) for p in ("-1/7", "0", "999999999999", "1/1000000000000")] == [
        "-1/7",
        "0",
        "999999999999",
        "about 1e-12",
    ]


def test_a_number_beyond_float64_is_shown() -> None:
    game = BimatrixGame([[1e300, 1e300], [0, 1e-300]], [[1, 0], [0, 1]])
    assert refused(game, [0.5, 0.5], [0.5, 0.5], Status.FAILED) == "probability of column 0 is about -1.00e+600"


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ([1.0], [1.0, 0], r"profile.row must be \(3,\), got shape \(1,\)"),
        ([1.0, 0, 0], [np.nan, 1], "profile.column must be finite, got nan"),
        ([0.0, 0, 0], [1.0, 0], "profile.row must have a positive probability, got 0.0 at most"),
    ],
)
def test_bad_profiles(row: list[float], column: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        exact_equilibrium(cases.VON_STENGEL.game, Profile(np.array(row), np.array(column)))
