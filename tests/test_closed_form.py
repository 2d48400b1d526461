"""Completely mixed equilibria: the determinants of equations (11)-(18), the Nash map (5)-(10), and where they fail."""

from __future__ import annotations

import math
from fractions import Fraction

import bimatrix_cases as cases
import flint
import numpy as np
import pytest
import sympy as sp
from bimatrix_cases import Case, strategy
from hypothesis import assume, given
from hypothesis import strategies as st

from solvers.bimatrix._closed_form import completely_mixed, completely_mixed_exact, completely_mixed_symbolic
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile, support
from solvers.core import Solution, Status
from verification.certificates import certify

Rows = list[list[Fraction]]
seeds = st.integers(0, 2**32 - 1)


def integers(seed: int, n: int, most: int = 9) -> BimatrixGame:
    return BimatrixGame(*np.random.default_rng(seed).integers(-most, most, (2, n, n), endpoint=True))


def planted(seed: int, n: int) -> tuple[BimatrixGame, Profile]:
    """A game with a completely mixed equilibrium, and that equilibrium."""
    rng = np.random.default_rng(seed)
    x, y = (0.5 / n + 0.5 * rng.dirichlet(np.ones(n)) for _ in range(2))
    A, B = rng.normal(size=(2, n, n))
    return BimatrixGame(A - (A @ y)[:, None], B - x @ B), Profile(x, y)


def det(rows: Rows) -> Fraction:
    entries = [flint.fmpq(value.numerator, value.denominator) for row in rows for value in row]
    value = flint.fmpq_mat(len(rows), len(rows), entries).det()
    return Fraction(int(value.p), int(value.q))


def bordered(rows: Rows) -> Fraction:
    """det(M, e) as (12) writes it."""
    return det([[*row, Fraction(1)] for row in rows] + [[Fraction(1)] * len(rows) + [Fraction(0)]])


def row_of_ones(rows: Rows, i: int) -> Rows:
    return [[Fraction(1)] * len(rows) if k == i else row for k, row in enumerate(rows)]


def column_of_ones(rows: Rows, i: int) -> Rows:
    return [[Fraction(1) if k == i else value for k, value in enumerate(row)] for row in rows]


def corrected(game: BimatrixGame) -> RationalProfile:
    """(13) and (14) with rows and columns changed over: x from rows of B, y from columns of A."""
    A, B = (matrix.rows() for matrix in game.rational_payoffs)
    x = (-det(row_of_ones(B, i)) / bordered(B) for i in range(len(B)))
    y = (-det(column_of_ones(A, i)) / bordered(A) for i in range(len(A)))
    return RationalProfile(tuple(x), tuple(y))


def printed(game: BimatrixGame) -> RationalProfile:
    """(13) and (14) to the letter."""
    A, B = (matrix.rows() for matrix in game.rational_payoffs)
    x = (-det(column_of_ones(B, i)) / bordered(B) for i in range(len(B)))
    y = (-det(row_of_ones(A, i)) / bordered(A) for i in range(len(A)))
    return RationalProfile(tuple(x), tuple(y))


def named_least(profile: RationalProfile) -> tuple[str, int, Fraction]:
    value, name, i = min(
        (value, name == "column", i)
        for name, strategy in zip(("row", "column"), profile, strict=True)
        for i, value in enumerate(strategy)
    )
    return "column" if name else "row", i, value


def assert_certified(game: BimatrixGame, solution: Solution[Profile]) -> Profile:
    profile = solution.require()
    certificate = certify(game, profile, tolerance=1e-9 * game.magnitudes())
    assert certificate.holds, certificate
    assert not solution.complete
    assert min(profile.row.min(), profile.column.min()) > 0
    return profile


# --- properties 1 and 2: the solves are the determinants, rows and columns where they belong --------------------------


@given(seeds, st.integers(2, 40))
def test_planted_equilibria_are_found(seed: int, n: int) -> None:
    game, equilibrium = planted(seed, n)
    profile = assert_certified(game, completely_mixed(game))
    np.testing.assert_allclose(np.concatenate(profile), np.concatenate(equilibrium), atol=1e-6)


def test_the_printed_formulas_are_wrong_on_most_games() -> None:
    right = wrong = 0
    for seed in range(60):
        game, _ = planted(seed, 3)
        rounded = BimatrixGame(np.round(game.A * 64), np.round(game.B * 64))
        if completely_mixed_exact(rounded).profiles:
            right += certify(rounded, corrected(rounded)).holds
            wrong += not certify(rounded, printed(rounded)).holds
    assert right >= 50
    assert wrong == right


def test_rows_and_columns() -> None:
    game = cases.ROWS_AND_COLUMNS.game
    assert completely_mixed_exact(game).require() == (strategy("9/10 1/10"), strategy("3/4 1/4"))
    assert printed(game) == (strategy("1/5 4/5"), strategy("1/4 3/4"))
    assert not certify(game, printed(game)).holds


# --- properties 3 and 4: the bordered determinant ---------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_equation_18_in_symbols(n: int) -> None:
    form = completely_mixed_symbolic("a", "b", size=n)
    M = sp.Matrix(n, n, lambda i, j: sp.Symbol(f"a_{i + 1}{j + 1}"))
    identity = (M - sp.ones(n, n)).det(method="berkowitz") - M.det(method="berkowitz")
    assert sp.expand(identity - form.determinants[0]) == 0


@given(seeds, st.integers(1, 30), st.integers(-40, 40))
def test_signs_and_logarithms(seed: int, n: int, power: int) -> None:
    game = integers(seed, n)
    scaled = BimatrixGame(np.ldexp(game.A, power), np.ldexp(game.B, power))
    exact, rounded = completely_mixed_exact(scaled).stats, completely_mixed(scaled).stats
    for name in "AB":
        value = exact[f"det_{name}"]
        assert rounded[f"sign_{name}"] == (value > 0) - (value < 0)
        if value:
            log = math.log(abs(value.numerator)) - math.log(value.denominator)
            assert rounded[f"log_{name}"] == pytest.approx(log, abs=1e-6)
        else:
            assert rounded[f"log_{name}"] == -np.inf


# --- what (11) proves, and what not: property 24 ----------------------------------------------------------------------


def test_the_prisoners_dilemma_is_not_mixed() -> None:
    game = cases.PRISONERS_DILEMMA.game
    solution = completely_mixed(game)
    assert solution.profiles == ()
    assert solution.status is Status.NONE_EXISTS
    assert solution.stats["reason"] == "probability of row 0 is -1"
    assert corrected(game).row == (-1, 2)
    assert (solution.stats["sign_A"], solution.stats["log_A"]) == (1, 0)


def test_a_unique_mixed_one_is_not_the_only_one() -> None:
    case = cases.IDENTITY
    solution = completely_mixed(case.game)
    assert not solution.complete
    assert completely_mixed_exact(case.game).stats["det_A"] == -3
    np.testing.assert_allclose(assert_certified(case.game, solution).row, 1 / 3)
    assert case.equilibria is not None
    assert sum(certify(case.game, known).holds for known in case.equilibria) == 7


@pytest.mark.parametrize("case", [case for case in cases.ALL if case.equilibria], ids=str)
def test_pinned_games(case: Case) -> None:
    """The completely mixed one of all equilibria, or none."""
    m, n = case.game.shape
    known = [p for p in case.equilibria or () if support(p) == (tuple(range(m)), tuple(range(n)))]
    assert list(completely_mixed_exact(case.game).profiles) == known
    assert len(completely_mixed(case.game).profiles) == len(known)


def test_hop_cost_beyond_the_bound() -> None:
    solution = completely_mixed(cases.JAMMING_HOP_6.game)
    assert solution.stats["reason"].endswith("is -0.025")
    assert solution.stats["log_A"] == pytest.approx(math.log(8.192e14))


def test_a_probability_of_exactly_0_is_not_positive() -> None:
    """Equal powers: no float can tell; the rationals can."""
    solution = completely_mixed(cases.JAMMING_FLAT.game)
    assert solution.status is Status.NONE_EXISTS
    assert solution.stats["arithmetic"] == "exact"
    assert solution.stats["reason"] == "probability of row 1 is 0"


@pytest.mark.parametrize(("A", "B", "names"), [(1, 0, "A"), (0, 1, "B"), (1, 1, "A and B")])
def test_a_singular_matrix_is_named(A: int, B: int, names: str) -> None:
    flat, pennies = np.full((2, 2), 3), np.array([[1, -1], [-1, 1]])
    game = BimatrixGame(flat if A else pennies, flat if B else -pennies)
    for solution in (completely_mixed(game), completely_mixed_exact(game)):
        assert solution.status is Status.SINGULAR
        verb = "is" if len(names) == 1 else "are"
        which = " and ".join(f"det({name}, e)" for name in names.split(" and "))
        assert solution.stats["reason"] == f"{which} {verb} 0: completely mixed equilibria are none or a continuum"
    shares = [(Fraction(k, 10), 1 - Fraction(k, 10)) for k in (4, 5, 6)]
    half = (Fraction(1, 2), Fraction(1, 2))
    found = [RationalProfile(s if B else half, s if A else half) for s in shares]
    assert all(certify(game, profile).holds for profile in found)


def test_a_singular_matrix_may_prove_that_there_is_none() -> None:
    game = BimatrixGame([[1, 1], [0, 0]], [[1, -1], [-1, 1]])
    reason = completely_mixed(game).stats["reason"]
    assert reason == "det(A, e) is 0: no mix of all columns makes every row earn the same"


@given(seeds, st.integers(2, 9))
def test_rank_one_too_few(seed: int, n: int) -> None:
    """A copied row: floats see a determinant that is nearly 0, or not; the answer is exact."""
    rng = np.random.default_rng(seed)
    A, B = rng.random((2, n, n))
    A[-1] = A[0]
    solution = completely_mixed(BimatrixGame(A, B))
    assert solution.status is Status.SINGULAR
    assert solution.stats["reason"].startswith("det(A, e) is 0")
    assert (solution.stats["sign_A"], solution.stats["log_A"]) == (0, -np.inf)


# --- games that are not square ----------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_not_square(seed: int, m: int, n: int) -> None:
    """That none exists is proved by rank; in {0, 1} games the equations are often solvable."""
    assume(m != n)
    game = BimatrixGame(*np.random.default_rng(seed).integers(0, 1, (2, m, n), endpoint=True))
    solution = completely_mixed(game)
    assert solution.profiles == ()
    solvable = True
    for matrix in (game.A, game.B.T):
        left = np.block([[matrix, -np.ones((len(matrix), 1))], [np.ones((1, matrix.shape[1])), np.zeros((1, 1))]])
        both = np.column_stack([left, np.eye(len(left))[-1]])
        solvable &= np.linalg.matrix_rank(left) == np.linalg.matrix_rank(both)
    assert solution.status is (Status.SINGULAR if solvable else Status.NONE_EXISTS)
    if solvable:
        assert solution.stats["reason"] == f"the closed form needs a square game, got {m}x{n}"


def test_not_square_and_yet_completely_mixed() -> None:
    """Why nothing is claimed there: in a degenerate game all may be mixed."""
    game = BimatrixGame([[1, -1, 0], [-1, 1, 0]], [[-1, 1, 0], [1, -1, 0]])
    profile = RationalProfile(strategy("1/2 1/2"), strategy("1/4 1/4 1/2"))
    assert certify(game, profile).holds
    assert completely_mixed(game).status is Status.SINGULAR


def test_a_tall_game_names_its_columns() -> None:
    reason = completely_mixed(cases.VON_STENGEL.game).stats["reason"]
    assert reason == "no mix of all columns makes every row earn the same"
    assert completely_mixed(cases.VON_STENGEL.game.transposed).stats["reason"] == reason.replace(
        "columns", "rows"
    ).replace("every row", "every column")


# --- rounding: scales, shifts, borderline -----------------------------------------------------------------------------


@given(seeds, st.integers(1, 12), st.sampled_from([-900, -36, 0, 50, 960]), st.sampled_from([0, 2**30]))
def test_units_and_shifts_change_nothing(seed: int, n: int, power: int, shift: int) -> None:
    """Property 14, with payoffs of 20 binary places, so that float64 still holds them beside a shift of 1e9."""
    drawn, _ = planted(seed, n)
    game = BimatrixGame(*(np.round(M * 2**20) / 2**20 for M in (drawn.A, drawn.B)))
    moved = BimatrixGame(np.ldexp(game.A + shift, power), np.ldexp(game.B - shift, power))
    before, after = completely_mixed(game), completely_mixed(moved)
    assert after.status is before.status
    if before.profiles:
        profile = assert_certified(moved, after)
        np.testing.assert_allclose(np.concatenate(profile), np.concatenate(before.require()), rtol=1e-9)
        gap = np.abs(after.stats["payoffs"] - moved.payoffs(profile))
        assert (gap <= 1e-9 * np.max(np.abs([moved.A, moved.B]))).all()


@pytest.mark.parametrize("unit", [1e-11, 1.0, 1e15])
def test_a_shift_of_1e9_in_any_unit(unit: float) -> None:
    game = cases.ROWS_AND_COLUMNS.game
    moved = BimatrixGame((game.A + 1e9) * unit, (game.B - 1e9) * unit)
    profile = assert_certified(moved, completely_mixed(moved))
    np.testing.assert_allclose(profile.row, [0.9, 0.1], atol=1e-6)
    np.testing.assert_allclose(profile.column, [0.75, 0.25], atol=1e-6)


@pytest.mark.parametrize(("tiny", "status"), [("1e-18", "SOLVED"), ("0", "NONE_EXISTS"), ("-1e-18", "NONE_EXISTS")])
def test_what_no_float_can_tell_is_decided_exactly(tiny: str, status: str) -> None:
    """y = (tiny, 1 - tiny) in matching pennies with a bonus on one diagonal."""
    p = Fraction(tiny)
    A = [[1 - p, -p], [0, 0]]  # A y = (1 - p) p - p (1 - p) = 0
    game = BimatrixGame(A, [[-1, 1], [1, -1]])
    solution = completely_mixed(game)
    assert solution.status is Status[status]
    assert solution.stats["arithmetic"] == "exact"
    if solution.profiles:
        assert solution.require().column[0] == 1e-18
        assert completely_mixed_exact(game).require().column == (p, 1 - p)


def test_rounded_rationals_do_not_mislead() -> None:
    """In float64 the first column's payoffs are equal, and det(A, e) is 0."""
    big = Fraction(10**17)
    game = BimatrixGame([[big + 1, big - 1], [big - 1, big + 1]], [[-1, 1], [1, -1]])
    assert np.ptp(game.A) <= 16
    solution = completely_mixed(game)
    assert solution.stats["arithmetic"] == "exact"
    np.testing.assert_allclose(solution.require().column, 0.5)


def test_a_rounded_rational_matrix_is_not_regular() -> None:
    """In float64 det(A, e) is -2^-23, and the probabilities are millions."""
    a, b, c = (10**9 + Fraction(k, 10) for k in (1, 2, 3))
    game = BimatrixGame([[a, b], [b, c]], [[-1, 1], [1, -1]])
    assert completely_mixed(BimatrixGame(game.A, game.B)).status is Status.NONE_EXISTS
    assert completely_mixed(game).status is Status.SINGULAR


@pytest.mark.parametrize("n", [6, 12])
def test_hilbert_matrices(n: int) -> None:
    """Condition up to 1e16: what is said in floats is what is true."""
    hilbert = [[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)]
    game = BimatrixGame(hilbert, [[-value for value in row] for row in hilbert])
    rounded, exact = completely_mixed(game), completely_mixed_exact(game)
    assert rounded.status is exact.status is Status.NONE_EXISTS
    name, i, least = named_least(corrected(game))
    assert rounded.stats["reason"].startswith(f"probability of {name} {i} is ")
    assert float(Fraction(rounded.stats["reason"].split()[-1])) == pytest.approx(float(least), rel=1e-3)


@pytest.mark.parametrize("payoff", [np.finfo(float).max, 1e300])
def test_payoffs_near_the_greatest_float_that_leave_no_solution(payoff: float) -> None:
    assert completely_mixed(BimatrixGame(np.full((3, 3), payoff), np.full((3, 3), -payoff))).status is Status.SINGULAR


def test_a_probability_beyond_the_range_of_float64_is_named() -> None:
    game = BimatrixGame([[1e300, 1e300], [0, 1e-300]], [[1, 0], [0, 1]])
    for solve in (completely_mixed, completely_mixed_exact):
        assert solve(game).stats["reason"] == "probability of column 0 is about -1.00e+600"


def test_a_large_game() -> None:
    game, equilibrium = planted(3, 200)
    profile = assert_certified(game, completely_mixed(game))
    np.testing.assert_allclose(np.concatenate(profile), np.concatenate(equilibrium), atol=1e-8)


# --- in symbols -------------------------------------------------------------------------------------------------------


def test_symbols_solve_the_equations() -> None:
    """B' x = P e and A y = P e, identically, for 3x3 matrices of symbols."""
    form = completely_mixed_symbolic("a", "b", size=3)
    A, B = (sp.Matrix(3, 3, lambda i, j, name=name: sp.Symbol(f"{name}_{i + 1}{j + 1}")) for name in "ab")
    row, column = sp.Matrix(form.row), sp.Matrix(form.column)
    for left, payoff in ((A * column, form.payoffs[0]), (B.T * row, form.payoffs[1])):
        assert [sp.cancel(sp.together(value - payoff)) for value in left] == [0, 0, 0]
    assert [sp.cancel(sp.together(sum(strategy))) for strategy in (row, column)] == [1, 1]


def test_printed_symbols_sum_to_1_and_solve_nothing() -> None:
    form = completely_mixed_symbolic("a", "b")
    assert sp.cancel(sum(form.printed_row)) == 1
    assert sp.cancel(sum(form.printed_column)) == 1
    assert sp.cancel(form.printed_row[0] - form.row[0]) != 0
    assert sp.cancel(form.printed_column[0] - form.column[0]) != 0


def test_symbols_meet_numbers() -> None:
    game = cases.ROWS_AND_COLUMNS.game
    form = completely_mixed_symbolic(*(sp.Matrix(M.astype(int)) for M in (game.A, game.B)))
    assert (form.row, form.column) == ((sp.Rational(9, 10), sp.Rational(1, 10)), (sp.Rational(3, 4), sp.Rational(1, 4)))
    assert form.printed_row == (sp.Rational(1, 5), sp.Rational(4, 5))
    assert form.printed_column == (sp.Rational(1, 4), sp.Rational(3, 4))
    assert form.payoffs == (sp.Rational(-9, 4), sp.Rational(16, 5))


@pytest.mark.parametrize(
    ("A", "B", "message"),
    [
        (sp.ones(2, 3), sp.ones(2, 3), "A must be square, got shape"),
        (sp.eye(2), sp.eye(3), "A and B must have one shape"),
        (sp.eye(7), sp.eye(7), "A must have 1 to 6 rows, got 7"),
        (sp.eye(2), sp.ones(2, 2), r"det\(B, e\) must differ from 0, got 0"),
    ],
)
def test_bad_symbols(A: sp.Matrix, B: sp.Matrix, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        completely_mixed_symbolic(A, B)


# --- property 13: the Nash map ----------------------------------------------------------------------------------------


def nash_map(game: BimatrixGame, profile: RationalProfile, *, literal: bool = False) -> RationalProfile:
    """(5)-(8), with A_i. the i-th row and B_.j the j-th column; to the letter they are a column and a row."""
    A, B = game.rational_payoffs
    x, y = profile
    payoffs = game.payoffs(profile)
    earned = (A.transposed if literal else A).times(y), (B if literal else B.transposed).times(x)
    moved = []
    for own, values, mean in zip((x, y), earned, payoffs, strict=True):
        gains = [max(value - mean, Fraction(0)) for value in values]
        moved.append(tuple((p + gain) / (1 + sum(gains)) for p, gain in zip(own, gains, strict=True)))
    return RationalProfile(*moved)


def distance(first: RationalProfile, second: RationalProfile) -> list[float]:
    return [max(float(abs(p - q)) for p, q in zip(s, t, strict=True)) for s, t in zip(first, second, strict=True)]


@pytest.mark.parametrize("case", [case for case in cases.ALL if case.equilibria], ids=str)
def test_the_nash_map_fixes_every_pinned_equilibrium(case: Case) -> None:
    for equilibrium in case.equilibria or ():
        assert nash_map(case.game, equilibrium) == equilibrium


def test_the_nash_map_to_the_letter_moves_an_equilibrium() -> None:
    case = cases.BEST_REPLY_MAP
    assert case.equilibria is not None
    equilibrium = case.equilibria[0]
    assert nash_map(case.game, equilibrium) == equilibrium
    assert distance(nash_map(case.game, equilibrium, literal=True), equilibrium) == pytest.approx(
        [0.11, 0.20], abs=5e-3
    )


def test_the_nash_map_is_no_algorithm() -> None:
    """On matching pennies the iteration circles: after 10,000 steps the regret is still large."""
    game = cases.MATCHING_PENNIES.game
    x, y = np.array([0.6, 0.4]), np.array([0.5, 0.5])
    for _ in range(10_000):
        value = x @ game.A @ y
        c, d = np.maximum(game.A @ y - value, 0), np.maximum(x @ game.B + value, 0)
        x, y = (x + c) / (1 + c.sum()), (y + d) / (1 + d.sum())
    assert certify(game, Profile(x, y)).residual > 0.1
