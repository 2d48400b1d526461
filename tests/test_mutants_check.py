"""The check of Nash certificates to the last detail: numbers, probabilities, verdicts and what is said of them."""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import pytest

from verification.check import BadCertificate, check
from verification.check import _nash as nash
from verification.check import _numbers as numbers

Q = flint.fmpq


def verdict(A, B, row, column, tolerance=0, **more):
    game = {"kind": "bimatrix", "A": A, "B": B}
    claim = {"concept": "Nash", "profile": {"row": row, "column": column}, "tolerance": tolerance, **more}
    (found,) = check({"format": "certeq certificate", "version": 1, "game": game, "claims": [claim]}).verdicts
    return found


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "exact"),
    [(0.1, Fraction(0.1)), (3, 3), ("-2/6", Fraction(-1, 3)), ("+7", 7), ("4/002", 2), (-0.0, 0), (2**60, 2**60)],
)
def test_a_number_is_exact(value, exact):
    assert numbers.fraction(numbers.rational("p", value)) == exact


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.inf, "p: a number must be finite and within float64, got inf"),
        (math.nan, "p: a number must be finite and within float64, got nan"),
        (10**400, "p: a number must be finite and within float64, got an integer of about 401 digits"),
        (True, f"p: {numbers.RULE}, got True"),
        (None, f"p: {numbers.RULE}, got None"),
        ([1, 2], f"p: {numbers.RULE}, got a list of 2"),
        ({}, f"p: {numbers.RULE}, got an object"),
        ("1/0", f"p: {numbers.RULE}, got '1/0'"),
        ("٣", f"p: {numbers.RULE}, got '٣'"),
        ("x" * 70, f"p: {numbers.RULE}, got '{'x' * 59}..."),
        ("1" * 100_001, "p: a rational must have at most 100,000 characters, got 100,001"),
    ],
)
def test_what_is_no_number_is_told(value, words):
    with pytest.raises(BadCertificate) as refused:
        numbers.rational("p", value)
    assert str(refused.value) == words


def test_the_longest_things_that_are_shown_whole():
    assert numbers.shown("x" * 58) == repr("x" * 58)
    assert numbers.shown(2**1_100 - 1) == str(2**1_100 - 1)[:60] + "..."
    assert numbers.shown(2**1_100) == "an integer of about 332 digits"
    assert numbers.fraction(numbers.rational("p", "1" * 100_000)) == int(flint.fmpz("1" * 100_000))


def test_balls_end_above_what_they_hold():
    third = flint.arb(1) / 3
    above = numbers.fraction(third)
    assert Fraction(1, 3) < above < Fraction(1, 3) + Fraction(1, 2**40)
    assert numbers.fraction(flint.arb(3)) == 3
    assert numbers.fraction(flint.arb(2) ** -20) == Fraction(1, 2**20)
    deep = flint.arb(2)
    assert numbers.fraction(deep**-numbers.DEEPEST) == Fraction(1, 2**numbers.DEEPEST)
    assert numbers.fraction(deep ** (-numbers.DEEPEST - 1)) == Fraction(1, 2**numbers.TINY)
    assert numbers.fraction(-(deep ** (-numbers.DEEPEST - 1))) == 0


def test_balls_and_rationals_together():
    ball = flint.arb(2)
    assert numbers.ball(ball) is ball
    assert numbers.ball(Q(1, 2)) == flint.arb("0.5")
    assert numbers.largest([Q(1), Q(3), Q(2)]) == Q(3)
    assert numbers.largest([Q(-1)]) == 0
    assert numbers.largest([Q(-3), Q(-2)], Q(-9)) == Q(-2)
    mixed = numbers.largest([Q(1), flint.arb(5), Q(3)])
    assert isinstance(mixed, flint.arb)
    assert mixed == 5
    assert numbers.largest([flint.arb(1), Q(7)]) == 7
    assert numbers.surely(Q(1), Q(1)) is True
    assert numbers.surely(Q(2), Q(1)) is False
    assert numbers.surely(flint.arb(1, 1), Q(1)) is False


def test_how_near_a_gain_comes_to_its_limit():
    assert numbers.strain(Q(-1), Q(1)) == (False, 0)
    assert numbers.strain(Q(0), Q(0)) == (False, 0)
    assert numbers.strain(Q(1, 4), Q(1, 2)) == (False, Q(1, 2))
    assert numbers.strain(Q(1, 2), Q(1, 2)) == (False, 1)
    assert numbers.strain(Q(6), Q(2)) == (True, 3)
    assert numbers.strain(Q(6), Q(0)) == (True, 6)


def test_shares_and_decimals():
    assert numbers.share(Q(1, 4), Q(1, 2)) == 0.5
    assert numbers.share(Q(1), Q(0)) is None
    assert numbers.share(Q(10) ** 400, Q(1)) == math.inf
    assert numbers.column([Q(1), Q(2)]) == flint.fmpq_mat(2, 1, [1, 2])
    said = {Q(0): "0", Q(1, 3): "0.333333", Q(-7): "-7", Q(1): "1"}
    said |= {Q(2) ** 2000: "about 2^2000", -(Q(2) ** 2000): "about -2^2000", Q(1, 2) ** 2000: "about 2^-2000"}
    assert {value: numbers.decimal(value) for value in said} == said
    assert numbers.is_rounded([1, "1/2", 0.5])
    assert not numbers.is_rounded([1, "1/2"])


# --- probabilities and verdicts --------------------------------------------------------------------------------------


def test_probabilities_are_brought_to_a_sum_of_1():
    found = nash.normalised([Q(1, 2), Q(3, 2), Q(-1, 4)], rounded=True, where="p")
    assert found.weights == [Q(1, 4), Q(3, 4), Q(0)]
    assert (found.missed, found.allowed) == (Q(3, 4), nash.FEASIBLE)
    exact = nash.normalised([Q(1, 2), Q(1, 2)], rounded=False, where="p")
    assert (exact.weights, exact.missed, exact.allowed) == ([Q(1, 2)] * 2, 0, 0)
    short = nash.normalised([Q(1, 4), Q(1, 4)], rounded=False, where="p")
    assert (short.weights, short.missed) == ([Q(1, 2)] * 2, Q(1, 2))
    below = nash.normalised([Q(3, 2), Q(-1, 2)], rounded=False, where="p")
    assert (below.weights, below.missed) == ([Q(1), Q(0)], Q(1, 2))


@pytest.mark.parametrize("given", [[0, 0], [-1, 0], ["0", "0"]])
def test_probabilities_that_are_all_0_are_refused(given):
    with pytest.raises(BadCertificate) as refused:
        verdict([[1], [0]], [[0], [0]], given, [1])
    assert str(refused.value) == "certificate.claims[0].profile.row: probabilities must not all be 0 or less"


@pytest.mark.parametrize(
    ("A", "B", "row", "column", "words"),
    [
        ([[1, 2]], [[1]], [1], [1, 0], "B"),
        ([[1, 2]], [[1, 2], [3, 4]], [1], [1, 0], "A and B must have one shape, got 1 and 2 rows"),
        ([[1, 2]], [[1, 2]], [1, 0], [1, 0], "row"),
        ([[1, 2]], [[1, 2]], [1], [1], "column"),
        ([[1, 2], [3]], [[1, 2], [3, 4]], [1, 0], [1, 0], "A"),
    ],
)
def test_shapes_must_fit(A, B, row, column, words):
    with pytest.raises(BadCertificate, match=words):
        verdict(A, B, row, column)


def test_what_is_said_of_a_claim_that_holds():
    found = verdict([[3, 0], [1, 2]], [[3, 1], [0, 5]], ["5/7", "2/7"], ["1/2", "1/2"], claim="in rationals")
    assert (found.concept, found.claim, found.holds, found.arithmetic) == ("Nash", "in rationals", True, "exact")
    assert (found.residual, found.tolerance, found.infeasibility, found.share) == (0, 0, 0, 0.0)
    assert found.why == "no one of 4 pure deviations gains more"
    assert verdict([[1]], [[1]], [1], [1]).claim == ""
    assert verdict([[1]], [[1]], [1], [1]).share is None
    assert verdict([[0, 1, 2]], [[0, 0, 0]], [1], [0, 0, 1]).why == "no one of 4 pure deviations gains more"


def test_who_gains_by_how_much_is_said():
    A, B = [[0, 0], [4, 4]], [[0, 1], [0, 1]]
    first = verdict(A, B, [1, 0], [0, 1], tolerance=[1, 0.5])
    assert (first.holds, first.residual, first.tolerance, first.share) == (False, 4, 1, 0.5)
    assert first.why == "the row player gains 4 by a pure deviation"
    second = verdict(A, B, [0, 1], [1, 0], tolerance=[8, 0.5])
    assert (second.holds, second.residual, second.tolerance, second.share) == (False, 1, Fraction(1, 2), 2.0)
    assert second.why == "the column player gains 1 by a pure deviation"
    both = verdict(A, B, [1, 0], [1, 0], tolerance=[3, 0.25])
    assert (both.residual, both.why) == (1, "the column player gains 1 by a pure deviation")  # four times what it may
    assert verdict(A, B, [1, 0], [0, 1], tolerance=4).holds
    assert verdict([[-4, -4], [-2, -2]], [[0, 0], [0, 0]], [0, 1], [1, 0], tolerance=1).share == 0.5


def test_the_player_who_breaks_a_limit_comes_before_one_who_is_near():
    found = verdict([[0], [1]], [[0], [0]], ["1", "1/1000000"], [1.0])
    assert not found.holds
    assert found.infeasibility == Fraction(1, 10**6)
    assert found.why == "the probabilities are off by 1e-06, allowed is 0"
    nearly = verdict([[0, 0]], [[0, 0]], [1], [0.5, 0.5 + 1e-10])
    assert nearly.holds
    assert 0 < nearly.infeasibility < Fraction(1, 10**9)
    both = verdict([[0, 0]], [[0, 0]], ["10000000001/10000000000"], [0.5, 0.5 + 5e-10])
    assert (both.holds, both.infeasibility) == (False, Fraction(1, 10**10))  # the smaller one, which is not allowed
    rounded = verdict([[0]], [[0]], [1.0 + 1e-8], [1])
    assert rounded.why == "the probabilities are off by 1e-08, allowed is 1e-09"


def test_an_expected_payoff_is_weighed_by_both_mixes():
    A, B = [[1, 5], [2, 3]], [[4, 0], [1, 2]]
    found = verdict(A, B, ["1/4", "3/4"], ["1/3", "2/3"])
    x, y = (Fraction(1, 4), Fraction(3, 4)), (Fraction(1, 3), Fraction(2, 3))
    own = [sum(a * q for a, q in zip(line, y, strict=True)) for line in A]
    other = [sum(p * line[k] for p, line in zip(x, B, strict=True)) for k in range(2)]
    gains = [max(own) - sum(p * v for p, v in zip(x, own, strict=True))]
    gains += [max(other) - sum(q * v for q, v in zip(y, other, strict=True))]
    assert found.residual == max(gains)
