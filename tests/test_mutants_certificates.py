"""Certificates and two-player games, case by case: small faults in either that nothing else would notice."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile, support
from solvers.core import InvalidGame
from verification.certificates import FEASIBLE, Certificate, certify

F = Fraction
NAN, INF = float("nan"), float("inf")
GREATEST = float(np.finfo(np.float64).max)


@dataclass
class Measured:
    """A game whose every profile is measured at the same numbers."""

    found: np.ndarray
    off: float | Fraction = 0.0
    concept: ClassVar[str] = "Nash"

    def infeasibility(self, profile):
        assert profile == "played"
        return self.off

    def regrets(self, profile):
        assert profile == "played"
        return self.found


def measured(regrets, off=0.0, **options):
    exact = any(isinstance(regret, Fraction) for regret in regrets)
    found = np.array(regrets, dtype=object if exact else np.float64)
    return certify(Measured(found, off), "played", **options)


@pytest.mark.parametrize(
    ("regrets", "off", "tolerance", "residual", "shown", "holds"),
    [
        ([0.0, 1e-9], 0.0, None, 1e-9, 1e-9, True),
        ([0.0, 1.1e-9], 0.0, None, 1.1e-9, 1e-9, False),
        ([1.1e-9, 0.0], 0.0, None, 1.1e-9, 1e-9, False),
        ([0.5, 0.25], 0.0, 0.5, 0.5, 0.5, True),
        ([0.25, 0.5], 0.0, 0.4, 0.5, 0.4, False),
        ([0.0, 0.0], 0.0, 0.0, 0.0, 0.0, True),
        ([NAN, 0.0], 0.0, 1.0, NAN, 1.0, False),
        ([0.0, NAN], 0.0, 1.0, NAN, 1.0, False),
        # no tolerance in payoff units excuses what is no strategy
        ([0.0, 0.0], FEASIBLE, 5.0, 0.0, 5.0, True),
        ([0.0, 3.0], 2e-9, 5.0, 3.0, 5.0, False),
        ([0.0, 0.0], 2e-9, 5.0, 2e-9, 5.0, False),
        # rationals are exact: their tolerance is 0, and rounding excuses nothing
        ([F(0), F(0)], F(0), None, F(0), 0.0, True),
        ([F(0), F(1, 10**12)], F(0), None, F(1, 10**12), 0.0, False),
        ([F(0), F(0)], F(1, 10**12), None, F(1, 10**12), 0.0, False),
        ([F(0), F(0)], F(1, 10**12), 1.0, F(1, 10**12), 1.0, False),
        ([F(0), F(1, 3)], F(0), 0.5, F(1, 3), 0.5, True),
        # one tolerance per player: that of the one with the least room is shown
        ([0.5, 0.25], 0.0, [1.0, 0.2], 0.25, 0.2, False),
        ([0.5, 0.25], 0.0, [0.4, 1.0], 0.5, 0.4, False),
        ([0.5, 0.25], 0.0, [0.5, 1.0], 0.5, 0.5, True),
        ([0.0, 0.25], 0.0, [0.0, 0.5], 0.25, 0.5, True),
        ([0.25, 0.25], 0.0, [0.0, 0.5], 0.25, 0.0, False),
        ([1.0, NAN], 0.0, [1.0, 2.0], NAN, 2.0, False),
        ([F(1, 2), F(1, 3)], F(0), [0.75, 0.125], F(1, 3), 0.125, False),
    ],
)
def test_what_a_certificate_says(regrets, off, tolerance, residual, shown, holds):
    given = None if tolerance is None else np.asarray(tolerance) if isinstance(tolerance, list) else tolerance
    certificate = measured(regrets, off, tolerance=given)
    assert certificate.residual == residual or (np.isnan(residual) and np.isnan(certificate.residual))
    assert type(certificate.residual) is type(residual)
    assert (certificate.tolerance, certificate.holds, certificate.infeasibility) == (shown, holds, off)
    assert certificate.concept == "Nash"
    np.testing.assert_array_equal(certificate.regrets, regrets)


def test_a_tolerance_is_a_float_whoever_gives_it():
    for tolerance in (None, 1, np.float32(0.5), np.array([1, 2]), F(1, 2)):
        certificate = measured([0.0, 0.0], tolerance=tolerance)
        assert type(certificate.tolerance) is float
        assert type(certificate.residual) is float


@pytest.mark.parametrize("tolerance", [-1e-300, NAN, INF, np.array([1.0, -1.0]), np.array([INF, 1.0])])
def test_a_tolerance_that_is_none(tolerance):
    with pytest.raises(ValueError, match="tolerance must be finite and >= 0, got"):
        measured([0.0, 0.0], tolerance=tolerance)


@pytest.mark.parametrize("tolerance", [np.ones(1), np.ones(3), np.ones((2, 1))])
def test_a_tolerance_of_another_shape(tolerance):
    with pytest.raises(ValueError, match=r"tolerance must be a number or have shape \(2,\), got shape"):
        measured([0.0, 0.0], tolerance=tolerance)


def test_a_certificate_in_words():
    assert str(Certificate("Nash", 0.5, 1.0)) == "Nash: residual 0.5, tolerance 1: holds"
    assert str(Certificate("core", 2.0, 1.0)) == "core: residual 2, tolerance 1: does not hold"
    assert str(Certificate("Nash", F(1, 4), 0.0)) == "Nash: residual exactly 0.25, tolerance 0: does not hold"


def test_what_holds_is_within_both_limits():
    assert Certificate("Nash", 1.0, 1.0, FEASIBLE).holds is True
    assert Certificate("Nash", 1.0, 1.0, 1.1 * FEASIBLE).holds is False
    assert Certificate("Nash", 1.1, 1.0, 0.0).holds is False
    assert Certificate("Nash", NAN, 1.0).holds is False
    assert Certificate("Nash", 0.0, 1.0, NAN).holds is False
    assert Certificate("Nash", F(0), 0.0, F(0)).holds is True
    assert Certificate("Nash", F(0), 0.0, F(1, 10**12)).holds is False


# --- two-player games ----------------------------------------------------------------------------------------------

A, B = [[3.0, 3.0], [2.0, 5.0], [0.0, 6.0]], [[3.0, 2.0], [2.0, 6.0], [3.0, 1.0]]
NAMES = {"title": "sixes", "players": ("one", "two"), "rows": ("a", "b", "c"), "columns": ("l", "r")}
GAME = BimatrixGame(A, B, **NAMES)
EXACT = BimatrixGame([[F(1, 3), F(2, 3)]], [[F(1, 7), F(2, 7)]])  # float64 holds none of these
FIRST = Profile(np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.75]))


def by_hand(game, profile):
    """Payoffs and regrets from the definition, in fractions."""
    x, y = ([F(p) for p in strategy] for strategy in profile)
    rows, columns = ([[F(v) for v in row] for row in M] for M in (game.A, game.B))
    own = [sum(v * q for v, q in zip(row, y, strict=True)) for row in rows]
    other = [sum(p * row[j] for p, row in zip(x, columns, strict=True)) for j in range(len(y))]
    values = [sum(p * v for p, v in zip(x, own, strict=True)), sum(q * v for q, v in zip(y, other, strict=True))]
    return values, [max(own) - values[0], max(other) - values[1]]


def test_a_game_keeps_what_it_was_given():
    assert (GAME.A.tolist(), GAME.B.tolist(), GAME.shape) == (A, B, (3, 2))
    assert {name: getattr(GAME, name) for name in NAMES} == NAMES
    plain = BimatrixGame(A, B)
    assert (plain.title, plain.players, plain.rows, plain.columns) == ("", ("row", "column"), (), ())


def test_a_transposed_game_is_the_same_with_the_players_changed_over():
    other = GAME.transposed
    assert (other.A.tolist(), other.B.tolist()) == (GAME.B.T.tolist(), GAME.A.T.tolist())
    assert (other.title, other.players) == ("sixes", ("two", "one"))
    assert (other.rows, other.columns) == (("l", "r"), ("a", "b", "c"))


@pytest.mark.parametrize("first", [F(1, 3), 0.5])
@pytest.mark.parametrize("second", [F(1, 7), 0.25])
def test_rational_payoffs_survive_a_transposition(first, second):
    game = BimatrixGame([[first, 2]], [[second, 3]])
    rows, columns = game.rational_payoffs
    assert (rows.rows(), columns.rows()) == ([[first, 2]], [[second, 3]])
    rows, columns = game.transposed.rational_payoffs
    assert (rows.rows(), columns.rows()) == ([[second], [3]], [[first], [2]])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([[1, 2]], [[1], [2]]), r"A and B must have one shape, got \(1, 2\) and \(2, 1\)"),
        (([[INF]], [[1]]), r"\bA\b"),
        (([[1]], [[INF]]), r"\bB\b"),
    ],
)
def test_games_that_are_none(given, message):
    with pytest.raises(InvalidGame, match=message):
        BimatrixGame(*given)


@pytest.mark.parametrize("name", ["rows", "columns"])
def test_names_of_another_number(name):
    with pytest.raises(InvalidGame, match=rf"^{name} must name {len(NAMES[name])} strategies, got 1$"):
        BimatrixGame(A, B, **{name: ("a",)})


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ([1, 0, 0], [1, 0], 0.0),
        ([0.5, 0.75, -0.25], [1, 0], 0.25),
        ([1, 0, 0], [1.5, -0.5], 0.5),
        ([0.5, 0, 0], [1, 0], 0.5),
        ([1, 0, 0], [1, 0.75], 0.75),
        ([1, 1, 1], [1, 0], 2.0),
        ([0, 0, 0], [0, 0], 1.0),
        ([1.5, -0.25, 0], [0.75, -0.5], 0.75),
    ],
)
def test_infeasibility_is_the_worst_offence(row, column, expected):
    assert GAME.infeasibility(Profile(np.array(row, dtype=float), np.array(column, dtype=float))) == expected
    exact = GAME.infeasibility(RationalProfile(tuple(map(F, row)), tuple(map(F, column))))
    assert exact == F(expected)
    assert isinstance(exact, Fraction)


@pytest.mark.parametrize("row", [[NAN, 1, 0], [INF, -INF, 1], [INF, 0, 0]])
def test_what_is_no_number_is_no_strategy(row):
    profile = Profile(np.array(row, dtype=float), np.array([1.0, 0.0]))
    assert not GAME.infeasibility(profile) <= 1e300
    assert not np.max(GAME.regrets(profile)) <= 1e300 or not certify(GAME, profile).holds
    other = Profile(np.array([1.0, 0.0, 0.0]), np.array([INF, -INF]))
    assert not GAME.infeasibility(other) <= 1e300
    assert not certify(GAME, other, tolerance=1e300).holds


@pytest.mark.parametrize("row", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25], [0, 0.75, 0.25]])
@pytest.mark.parametrize("column", [[1, 0], [0, 1], [0.25, 0.75], [0.625, 0.375]])
@pytest.mark.parametrize("turned", [False, True])
def test_payoffs_and_regrets_are_those_of_the_definition(row, column, turned):
    game = GAME.transposed if turned else GAME
    strategies = (column, row) if turned else (row, column)
    values, regrets = by_hand(game, strategies)
    floats = Profile(*(np.array(strategy, dtype=float) for strategy in strategies))
    np.testing.assert_array_equal(game.payoffs(floats), np.array(values, dtype=float))
    np.testing.assert_array_equal(game.regrets(floats), np.array(regrets, dtype=float))
    exact = RationalProfile(*(tuple(map(F, strategy)) for strategy in strategies))
    assert game.payoffs(exact).tolist() == values
    assert game.regrets(exact).tolist() == regrets
    assert all(isinstance(number, Fraction) for number in (*game.payoffs(exact), *game.regrets(exact)))
    assert game.payoffs(exact).dtype == game.regrets(exact).dtype == object


def test_a_negative_probability_lowers_nobodys_regret():
    game = BimatrixGame([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    # with the negative part, row 1 would seem to earn 2 and row 2 would seem to lose 1
    assert game.regrets(Profile(np.array([0.0, 1.0]), np.array([2.0, -1.0]))).tolist() == [2.0, 2.0]
    assert game.regrets(Profile(np.array([2.0, -1.0]), np.array([1.0, 0.0]))).tolist() == [0.0, 0.0]
    assert game.regrets(Profile(np.array([2.0, -1.0]), np.array([0.0, 1.0]))).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-10, 2.0**1000])
@pytest.mark.parametrize("shift", [0.0, -7.0, 2.0**20])
def test_regrets_in_any_unit(scale, shift):
    game = BimatrixGame((np.array(A) + shift) * scale, (np.array(B) + shift) * scale)
    assert game.regrets(FIRST).tolist() == (GAME.regrets(FIRST) * scale).tolist()
    assert game.magnitudes().tolist() == (GAME.magnitudes() * scale).tolist()


def test_regrets_beyond_float64_are_infinite_and_those_below_are_nothing():
    wide = BimatrixGame([[GREATEST], [-GREATEST]], [[0], [0]])
    assert wide.regrets(Profile(np.array([0.0, 1.0]), np.ones(1))).tolist() == [INF, 0.0]
    assert wide.magnitudes().tolist() == [GREATEST, 0.0]
    least = BimatrixGame([[5e-324], [0.0]], [[0], [0]])
    assert least.regrets(Profile(np.array([0.0, 1.0]), np.ones(1))).tolist() == [5e-324, 0.0]
    assert least.regrets(Profile(np.array([0.9, 0.1]), np.ones(1))).tolist() == [0.0, 0.0]


def test_ranges_and_regrets_of_rationals_beyond_float64():
    third = F(1, 3)
    far = BimatrixGame([[int(GREATEST) - third], [third - int(GREATEST)]], [[0], [0]])
    assert far.magnitudes().tolist() == [GREATEST, 0.0]
    assert far.regrets(Profile(np.array([0.0, 1.0]), np.ones(1))).tolist() == [INF, 0.0]


def test_rational_payoffs_are_kept_where_float64_would_tell_no_difference():
    third = F(1, 3)
    game = BimatrixGame([[third], [third + F(1, 10**20)]], [[F(1, 7)], [F(2, 7)]])
    profile = Profile(np.array([1.0, 0.0]), np.ones(1))
    np.testing.assert_allclose(game.regrets(profile), [1e-20, 0.0], rtol=1e-12)
    np.testing.assert_allclose(game.magnitudes(), [1e-20, 1 / 7], rtol=1e-12)
    exact = RationalProfile((F(1), F(0)), (F(1),))
    assert game.regrets(exact).tolist() == [F(1, 10**20), 0]
    assert game.best_responses(exact)[0].tolist() == [1]
    assert game.best_responses(profile)[0].tolist() == [1]


def test_ranges_of_payoffs():
    assert GAME.magnitudes().tolist() == [6.0, 5.0]
    np.testing.assert_allclose(EXACT.magnitudes(), [1 / 3, 1 / 7], rtol=1e-15)
    mixed = BimatrixGame([[F(1, 3), F(2, 3)]], [[-1.0, 3.0]])
    np.testing.assert_allclose(mixed.magnitudes(), [1 / 3, 4.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("row", "column", "best"),
    [
        ([1, 0, 0], [1, 0], ([0], [0])),
        ([0, 1, 0], [0, 1], ([2], [1])),
        ([0, 0.5, 0.5], [2 / 3, 1 / 3], ([0, 1], [1])),
        ([0, 1 / 3, 2 / 3], [1 / 3, 2 / 3], ([1, 2], [0, 1])),
    ],
)
def test_best_responses(row, column, best):
    found = GAME.best_responses(Profile(np.array(row, dtype=float), np.array(column, dtype=float)))
    assert [strategies.tolist() for strategies in found] == list(best)
    exact = RationalProfile(*(tuple(F(p).limit_denominator(9) for p in strategy) for strategy in (row, column)))
    found = GAME.best_responses(exact)
    assert [strategies.tolist() for strategies in found] == list(best)
    assert all(strategies.dtype == np.intp for strategies in found)


def test_the_tolerance_of_best_responses_is_relative_to_the_range():
    game = BimatrixGame([[0], [9.5], [9], [10]], [[0], [0], [0], [0]])
    profile = Profile(np.array([1.0, 0, 0, 0]), np.ones(1))
    assert game.best_responses(profile)[0].tolist() == [3]
    assert game.best_responses(profile, tolerance=0.06)[0].tolist() == [1, 3]
    assert game.best_responses(profile, tolerance=0.11)[0].tolist() == [1, 2, 3]
    dyadic = BimatrixGame([[0], [7], [8]], [[0], [0], [0]])
    assert dyadic.best_responses(Profile(np.ones(3) / 3, np.ones(1)), tolerance=0.125)[0].tolist() == [1, 2]
    near = BimatrixGame([[0, 0.5, 0.75, 1]], [[0, 1 - 5e-10, 1 - 2e-9, 1]])
    assert near.best_responses(Profile(np.ones(1), np.array([1.0, 0, 0, 0])))[1].tolist() == [1, 3]


@pytest.mark.parametrize("place", ["row", "column"])
@pytest.mark.parametrize("kind", [Profile, RationalProfile])
def test_profiles_of_another_shape_or_kind(place, kind):
    sizes = {"row": 3, "column": 2}
    right = {name: [1] + [0] * (size - 1) for name, size in sizes.items()}
    size = sizes[place]
    ask = (GAME.infeasibility, GAME.regrets, GAME.payoffs, GAME.best_responses)
    for wrong in ([1] + [0] * size, [[1] + [0] * (size - 1)]):
        for question in ask:
            with pytest.raises(ValueError, match=rf"^profile.{place} must be \({size},\), got shape \("):
                question(kind(**(right | {place: wrong})))
    complex_one = [1j] + [0] * (size - 1)
    with pytest.raises(ValueError, match=rf"^profile.{place} must be real, got complex128"):
        GAME.regrets(kind(**(right | {place: complex_one})))


def test_lists_and_whole_numbers_are_read():
    assert GAME.regrets(Profile([1, 0, 0], [0, 1])).tolist() == [3.0, 1.0]
    assert GAME.regrets(RationalProfile([1, 0, 0], [0, 1])).tolist() == [3, 1]
    assert GAME.infeasibility(RationalProfile(["1/2", "1/2", 0], [0, 1])) == 0


def test_probabilities_in_less_than_float64_are_added_in_float64():
    narrow = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    off = abs(float(np.sum(narrow.astype(np.float64))) - 1.0)
    assert off > 0 == abs(float(np.sum(narrow)) - 1.0)
    game = BimatrixGame(np.zeros((3, 3)), np.zeros((3, 3)))
    first = np.array([1.0, 0, 0])
    assert game.infeasibility(Profile(narrow, first)) == off
    assert game.infeasibility(Profile(first, narrow)) == off


def test_what_float64_cannot_hold_is_no_warning():
    with np.errstate(all="raise"):
        test_regrets_beyond_float64_are_infinite_and_those_below_are_nothing()
        test_ranges_and_regrets_of_rationals_beyond_float64()
        tiny = BimatrixGame([[F(1, 3 * 2**1070)], [0]], [[0], [0]])
        assert tiny.magnitudes().tolist() == [float(F(1, 3 * 2**1070)), 0.0]


def test_a_strategy_of_nothing_has_a_rational_regret():
    regrets = GAME.regrets(RationalProfile((0, 0, 0), (0, 0)))
    assert regrets.tolist() == [0, 0]
    assert all(isinstance(regret, Fraction) for regret in regrets)


def test_the_strategies_that_are_used():
    assert support(Profile(np.array([0.25, 0, 0.75]), np.array([0.0, 1e-300]))) == ((0, 2), (1,))
    assert support(RationalProfile((F(0), F(-1)), (F(1), F(1)))) == ((1,), (0, 1))


def test_scaled_payoffs_cannot_be_written_to():
    for unit, _ in GAME._scaled:
        assert not unit.flags.writeable
        assert unit.min() == 0
        assert 0 < unit.max() <= 2
