"""Games with the best replies of a zero-sum game (Moulin and Vial 1978): found, solved as one, or refused."""

from __future__ import annotations

from fractions import Fraction

import bimatrix_cases as cases
import numpy as np
import pytest
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from solvers.bimatrix._extreme import extreme_equilibria
from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix._lemke_howson import lemke_howson
from solvers.bimatrix._strategically_zero_sum import equivalent_zero_sum
from solvers.bimatrix._zero_sum import zero_sum
from verification.certificates import certify
from verification.strategies import bimatrix_games

sizes = st.integers(1, 5)
factors = st.fractions(Fraction(1, 50), 50, max_denominator=60)


@st.composite
def disguised(draw, most=9):
    """A zero-sum game Z, the same with payoffs of other units and with terms that the other player decides, and k."""
    m, n = draw(sizes), draw(sizes)
    numbers = st.integers(-most, most)
    Z = [[Fraction(draw(numbers)) for _ in range(n)] for _ in range(m)]
    by_column, by_row = ([draw(st.fractions(-20, 20, max_denominator=7)) for _ in range(size)] for size in (n, m))
    a, b = draw(factors), draw(factors)
    A = [[a * z + by_column[j] for j, z in enumerate(row)] for row in Z]
    B = [[-b * z + by_row[i] for z in row] for i, row in enumerate(Z)]
    return BimatrixGame(A, B), b / a


def interactions(game: BimatrixGame, player: int = 0) -> list[Fraction]:
    """By how much more each row, than the first, changes the player's payoff in each column, than in the first."""
    payoffs = game.rational_payoffs[player].rows()
    return [v - row[0] - payoffs[0][j] + payoffs[0][0] for row in payoffs for j, v in enumerate(row)]


def factor(game: BimatrixGame) -> Fraction | None:
    """The k with J = -k I, by the first interaction that is not 0; None where there is none or any would do."""
    pairs = list(zip(interactions(game, 0), interactions(game, 1), strict=True))
    ratios = {-j / i for i, j in pairs if i}
    missing = any(j and not i for i, j in pairs)
    return ratios.pop() if len(ratios) == 1 and not missing else None


def zero_sum_of(game: BimatrixGame) -> BimatrixGame:
    """The equivalent game, which has to be zero-sum exactly."""
    equivalent = equivalent_zero_sum(game)
    assert equivalent is not None
    A, B = (payoffs.rows() for payoffs in equivalent.rational_payoffs)
    assert all(a + b == 0 for row, other in zip(A, B, strict=True) for a, b in zip(row, other, strict=True))
    return equivalent


def allowed(game: BimatrixGame, equivalent: BimatrixGame, k: Fraction) -> np.ndarray:
    """1e-9 of the range of payoffs in either game, in the units of the given one."""
    units = np.array([1.0, float(k)])
    return 1e-9 * np.maximum(game.magnitudes(), units * equivalent.magnitudes())


# --- what is recognised -----------------------------------------------------------------------------------------------


@fewer
@given(disguised(most=2))
def test_all_equilibria_are_the_same(drawn):
    """Every extreme equilibrium of the one is one of the other, ties and all."""
    game, _ = drawn
    listed, transferred = (extreme_equilibria(g) for g in (game, zero_sum_of(game)))
    assert listed.complete
    assert transferred.complete
    assert set(listed.profiles) == set(transferred.profiles)


@given(bimatrix_games(max_size=5, kinds=["zero-sum"]), st.integers(-100, 100))
def test_constant_sum_games_are_recognised(game, total):
    """And the row player's payoffs are kept, up to what the column decides."""
    equivalent = zero_sum_of(BimatrixGame(game.A, total + game.B))
    moved = equivalent.A - game.A
    assert (moved == moved[0]).all()
    if any(interactions(game)):
        assert (equivalent.A == game.A).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_one_strategy_of_a_player_is_enough(shape):
    """The other player's best strategies are what they were."""
    game = BimatrixGame(*np.random.default_rng(0).integers(-9, 9, (2, *shape)))
    equivalent = zero_sum_of(game)
    assert extreme_equilibria(equivalent).profiles == extreme_equilibria(game).profiles
    certificate = certify(game, zero_sum(equivalent).require())
    assert certificate.holds, certificate


def test_payoffs_that_only_the_opponent_decides():
    """Nobody can do anything: in the zero-sum game neither."""
    game = BimatrixGame([[1, 5, 2], [1, 5, 2]], [[7, 7, 7], [-3, -3, -3]])
    equivalent = zero_sum_of(game)
    assert equivalent.magnitudes().max() == 0
    assert len(extreme_equilibria(game).profiles) == 6


def test_one_player_without_interactions_is_not_enough():
    """The row player earns the same whatever it does, the column player wants to match."""
    assert equivalent_zero_sum(BimatrixGame([[1, 5], [1, 5]], [[1, 0], [0, 1]])) is None
    assert equivalent_zero_sum(BimatrixGame([[1, 0], [0, 1]], [[1, 1], [5, 5]])) is None


@pytest.mark.parametrize(
    "case", [cases.PRISONERS_DILEMMA, cases.IDENTITY, cases.SHAPLEY, cases.VON_STENGEL, cases.MANY], ids=str
)
def test_games_of_common_interest_or_none_are_refused(case):
    assert equivalent_zero_sum(case.game) is None


def test_a_prisoners_dilemma_has_zero_sum_best_replies_all_the_same():
    """What the docstring leaves out: an order that no opponent changes may be scaled by the opposing strategy."""
    game = cases.PRISONERS_DILEMMA.game
    other = BimatrixGame([[0, -1], [1, 0]], [[0, 1], [-1, 0]])
    for p in (Fraction(0), Fraction(1, 3), Fraction(1)):
        opposing = RationalProfile((p, 1 - p), (p, 1 - p))
        assert [list(best) for best in game.best_responses(opposing)] == [[1], [1]]
        assert [list(best) for best in other.best_responses(opposing)] == [[1], [1]]


@pytest.mark.parametrize(
    "case", [cases.JAMMING_DEFAULT, cases.JAMMING_HOP_6, cases.JAMMING_TIED, cases.JAMMING_FLAT], ids=str
)
def test_stage_games_of_jamming_are_strategically_zero_sum(case):
    """Property 10: A / D_T + B / D_J is additively separable, so that k = D_J / D_T, here 1; the LP's answer holds."""
    equivalent = zero_sum_of(case.game)
    assert factor(case.game) == 1
    found = zero_sum(equivalent).require()
    certificate = certify(case.game, found, tolerance=1e-9 * case.game.magnitudes())
    assert certificate.holds, certificate
    if case.count == 1:
        np.testing.assert_allclose(np.concatenate(found), np.concatenate(lemke_howson(case.game).require()), atol=1e-9)


# --- rounding ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), sizes, sizes, st.sampled_from([1e-300, 1e-11, 1.0, 1e15, 1e300]), st.booleans())
def test_rounded_payoffs_are_recognised(seed, m, n, unit, shift):
    """Payoffs as computed: a sum of floats, in any unit, beside a shift of 1e5 or not."""
    rng = np.random.default_rng(seed)
    Z, by_column, by_row = rng.random((m, n)), rng.random(n), rng.random((m, 1))
    away = 1e5 if shift else 0.0
    game = BimatrixGame((0.3 * Z + by_column + away) * unit, -1.7 * Z + by_row - away)
    equivalent = zero_sum_of(game)
    first, second = game.magnitudes()
    k = Fraction(max(1.7 / (0.3 * unit), second / first if first else 0.0))
    certificate = certify(game, zero_sum(equivalent).require(), tolerance=allowed(game, equivalent, k))
    assert certificate.holds, certificate


@pytest.mark.parametrize(("step", "found"), [(1e-15, True), (1e-13, True), (1e-8, False), (1e-3, False)])
def test_what_rounding_does_not_explain_is_refused(step, found):
    """One payoff moved by a share of the range, where two interactions would still be equal."""
    A = np.array([[1.0, -1.0], [-1.0, 1.0 + step]])
    three = np.eye(3)
    three[2, 2] += step
    assert equivalent_zero_sum(BimatrixGame(A, [[-1, 1], [1, -1]])) is not None  # 2x2: the ratio takes it up
    assert (equivalent_zero_sum(BimatrixGame(three, -np.eye(3))) is not None) is found


@pytest.mark.parametrize("step", [1e-13, 1e-8])
def test_differences_that_are_rounding_beside_a_shift(step):
    """Where the shift may explain all of a difference, it still counts if it is more than 1e-10 of the range."""
    B = np.eye(3)
    B[2, 2] += step
    moved = equivalent_zero_sum(BimatrixGame(1e9 - np.eye(3), B))
    assert (moved is not None) is (step < 1e-10)
    tiny = 1e9 + 1e-6 * np.eye(3)  # common interest, in steps of 8 units in the last place
    assert equivalent_zero_sum(BimatrixGame(tiny, tiny)) is None
    assert equivalent_zero_sum(BimatrixGame(tiny, -tiny)) is not None


def test_names_are_kept():
    game = BimatrixGame([[1, 0]], [[0, 1]], title="t", players=("T", "J"), rows=["only"], columns=["a", "b"])
    equivalent = zero_sum_of(game)
    assert (equivalent.title, equivalent.players, equivalent.rows, equivalent.columns) == (
        "t",
        ("T", "J"),
        ("only",),
        ("a", "b"),
    )
