"""The records of the jamming paper: complete, in order, and right beyond their own numbers."""

import math
import re
from fractions import Fraction
from itertools import permutations, product
from random import Random

import numpy as np
import pytest
import sympy as sp

from models.jamming import jamming_model
from solvers.bimatrix import BimatrixGame, completely_mixed_symbolic, extreme_equilibria
from solvers.learning import Proportional, choice_probabilities
from solvers.stochastic import stage_equilibria
from verification.errata._jamming import RECORDS
from verification.errata._jamming_exact import (
    bordered,
    det,
    equilibria,
    exact,
    gains,
    indifferent,
    regrets,
    solve,
    stage,
    supports,
    times,
    transposed,
)
from verification.errata._jamming_learning import SHAPLEY, plays, shortfalls
from verification.errata._jamming_mixed import printed_13, printed_14
from verification.errata._jamming_policies import runs
from verification.errata._jamming_stages import constructed
from verification.errata._record import Verdict, examine


def named(where, about):
    """The record of a statement."""
    (found,) = (record for record in RECORDS if record.where == where and record.about == about)
    return found


def drawn(seed, games, n, most=9):
    """Pairs of n by n integer matrices."""
    draw = Random(seed).randint
    return [tuple([[draw(-most, most) for _ in range(n)] for _ in range(n)] for _ in "AB") for _ in range(games)]


# --- the list ---------------------------------------------------------------------------------------------------------


def test_every_number_occurs():
    places = {record.where for record in RECORDS}
    assert {f"({k})" for k in range(1, 21)} <= places
    assert {"Algorithm 1", "Algorithm 2", "Figure 1", "Figure 2"} <= places
    assert all(re.fullmatch(r"\(\d+\)|(Algorithm|Figure) \d|Section 3(\.\d)*", place) for place in places)


def test_equations_are_in_order():
    numbers = [int(record.where.strip("()")) for record in RECORDS if record.where.startswith("(")]
    assert numbers == sorted(numbers)


def test_titles_are_different_and_sentences_complete():
    titles = [(record.where, record.about) for record in RECORDS]
    assert len(set(titles)) == len(titles)
    for record in RECORDS:
        assert record.paper == "jamming"
        assert record.why.endswith(("...", ".", ")")), record.why
        assert bool(record.instead) == (record.verdict is not Verdict.RIGHT), record.about
        for text in (record.says, record.instead, record.why):
            assert text.count("$") % 2 == 0, text
            assert "|" not in text


def test_all_verdicts_stand():
    found = [examine(record) for record in RECORDS]
    assert [finding.record.about for finding in found if not finding.stands] == []


# --- what the witnesses are computed with -----------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "n", "most"), [(1, 2, 3), (2, 2, 1), (3, 3, 2), (4, 3, 9)])
def test_enumeration_agrees_with_the_toolkit(seed, n, most):
    for A, B in drawn(seed, 6, n, most):
        listed = {(profile.row, profile.column) for profile in extreme_equilibria(BimatrixGame(A, B)).profiles}
        assert equilibria(A, B) == listed
        assert all(not any(regrets(A, B, x, y)) for x, y in listed)


def test_determinants_and_solutions_agree_with_sympy():
    for M, _ in drawn(5, 10, 4):
        assert det(M) == sp.Matrix(M).det()
        found = solve(M, [1, 2, 3, 4])
        assert found is not None
        assert times(M, found) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"hop": 4, "channel_rewards": [7, 9, 11, 13]}, {"jammer_hop": 2, "channels": 3, "reward": [8, 9, 14]}],
)
@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9])
def test_gains_are_the_regrets_of_the_stochastic_game(parameters, discount):
    game = jamming_model(**parameters).game(discount)
    expected = game.regrets(stage_equilibria(game).require())
    assert gains(discount, **parameters) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_union_is_an_equilibrium_iff_mean_costs_of_hops_are_alike(seed):
    """Rewards alike or drawn, on a ring, a line, or with free hops; whether costs are alike is computed for each."""
    draw = Random(seed)
    rewards = [draw.choice([8, 10, 12]) for _ in range(4)] if seed % 2 else [10] * 4
    apart = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    hops = [np.minimum(apart, 4 - apart) / 2, apart / 3, 0 * apart][seed % 3]
    model = {"powers": [1, 1.5], "hop": hops, "channel_rewards": rewards}
    weights = 1 / (np.array(rewards) + 10)
    alike = np.ptp(hops @ weights) < 1e-12
    found = gains(0.8, **model)
    assert all(gain == pytest.approx(0, abs=1e-9) if alike else gain > 1e-4 for gain in found)


# --- (5) to (10) ------------------------------------------------------------------------------------------------------


def test_the_printed_indices_would_move_an_equilibrium():
    rows, columns = (examine(named(*key)) for key in (("(5)", "what rows gain"), ("(6)", "what columns gain")))
    assert [round(float(finding.printed[-1]), 2) for finding in (rows, columns)] == [0.11, 0.20]
    assert rows.correct == columns.correct == (0, 0, 0)


# --- (11) to (18) -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "n"), [(6, 2), (7, 3)])
def test_corrected_formulas_solve_17_and_printed_ones_its_transpose(seed, n):
    for A, B in drawn(seed, 15, n):
        if 0 in (det(bordered(A)), det(bordered(B))):
            continue
        assert (printed_13(transposed(B)), printed_14(transposed(A))) == indifferent(A, B)
        assert sum(printed_13(B)) == sum(printed_14(A)) == 1
        assert indifferent(transposed(A), transposed(B)) == (printed_13(B), printed_14(A))


def test_payoffs_are_quotients_of_determinants():
    for A, B in drawn(8, 15, 3):
        if 0 in (det(bordered(A)), det(bordered(B))):
            continue
        x, y = indifferent(A, B)
        assert set(times(A, y)) == {-det(A) / det(bordered(A))}
        assert set(times(transposed(B), x)) == {-det(B) / det(bordered(B))}


def test_two_strategies_each_as_given():
    form = completely_mixed_symbolic("a", "b")
    known = {name: sp.Symbol(name) for name in ("a_11", "a_12", "a_21", "a_22", "b_11", "b_12", "b_21", "b_22")}
    row = sp.sympify("(b_22 - b_21)/(b_11 - b_12 - b_21 + b_22)", locals=known)
    column = sp.sympify("(a_22 - a_12)/(a_11 - a_12 - a_21 + a_22)", locals=known)
    assert sp.simplify(form.row[0] - row) == sp.simplify(form.column[0] - column) == 0


def test_18_for_any_matrix_of_three():
    M, e = sp.Matrix(3, 3, sp.symbols("m:9")), sp.ones(3, 1)
    system = sp.Matrix([[M, e], [e.T, sp.zeros(1, 1)]])
    assert sp.expand(system.det() - (M - e * e.T).det() + M.det()) == 0


def test_the_prisoners_dilemma_has_the_probabilities_said():
    record = named("(11)", "(11) and existence")
    assert indifferent(record.at["A"], record.at["B"]) == ((-1, 2), (-1, 2))
    assert [det(bordered(record.at[name])) for name in "AB"] == [1, 1]


@pytest.mark.parametrize("seed", range(4))
def test_determinants_tell_who_jams_whom_and_no_more(seed):
    draw = Random(seed)
    channels, powers = draw.randint(1, 4), sorted(draw.sample(range(1, 20), draw.randint(1, 3)))
    hop, penalty = draw.randint(0, 40), draw.randint(0, 20)
    A, B = stage(0, channels - 1, channels=channels, powers=powers, hop=hop, penalty=penalty)
    n = channels * len(powers)
    assert det(bordered(A)) == (-1) ** n * channels * (10 + penalty) ** (n - 1)
    assert det(bordered(B)) == -channels * (10 + penalty) ** (n - 1)


def test_equilibria_are_mixed_iff_the_two_inequalities_hold():
    draw, seen = Random(9), set()
    for _ in range(25):
        channels, powers = draw.randint(2, 3), sorted(draw.sample(range(1, 12), draw.randint(1, 2)))
        hop, jammer_hop, reward = draw.randint(0, 14), draw.randint(0, 14), draw.randint(1, 30)
        spread, stake = channels * (powers[-1] - powers[0]), reward + 10
        model = {"channels": channels, "powers": powers, "hop": hop, "jammer_hop": jammer_hop, "reward": reward}
        mixed = all(min(*x, *y) > 0 for x, y in (indifferent(*stage(0, h, **model)) for h in (0, 1)))
        assert mixed == (stake > hop + spread and stake > (channels - 1) * jammer_hop + spread), model
        seen.add(mixed)
    assert seen == {True, False}


def test_costly_hops_and_powers_leave_few_actions():
    assert min(indifferent(*stage(hop=6))[0]) == Fraction(-1, 40)
    x, y = indifferent(*([row[:3] for row in M[:3]] for M in stage(hop=25)))
    rest = (Fraction(0),) * 9
    assert supports(*stage(hop=25), x + rest, y + rest) == (3, 3)


def test_the_printed_formulas_see_no_costs():
    for parameters in ({"hop": 6}, {"powers": [3, 6, 9]}, {"reward": 40, "hop": 3}):
        A, B = stage(0, 1, **{"powers": [1, 2, 3], **parameters})
        quarter = Fraction(1, 4)
        assert (printed_13(B, 3), printed_14(A, 3)) == ((0, 0, quarter), (quarter, 0, 0))


# --- how many equilibria ----------------------------------------------------------------------------------------------


def test_the_bound_is_passed_from_32_on():
    unit = np.eye(4, dtype=int).tolist()
    assert len(equilibria(unit, unit)) == constructed(4) == 15
    assert [d for d in range(2, 41, 2) if constructed(d) > 2.41**d / math.sqrt(d)] == [32, 34, 36, 38, 40]
    assert constructed(400) / ((1 + math.sqrt(2)) ** 400 / 20) == pytest.approx(0.949, abs=1e-3)


def test_stage_games_of_like_channels_are_two_up_to_names():
    """Channels renamed in all ways: the least of the resulting payoff tables is the same for two games alike."""
    kinds = set()
    for f, h in product(range(3), repeat=2):
        A, B = (np.array(M) for M in stage(f, h, channels=3, powers=[1, 2]))
        orders = [np.array([2 * k + c for k in p for c in (0, 1)]) for p in permutations(range(3))]
        kinds.add(repr(min((A[np.ix_(o, o)].tolist(), B[np.ix_(o, o)].tolist()) for o in orders)))
    assert len(kinds) == 2


@pytest.mark.parametrize("parameters", [{}, {"hop": 6}, {"jammer_reward": 3, "hop": 2}])
def test_stage_games_are_zero_sum_in_all_but_name(parameters):
    A, B = (np.array(M) for M in stage(0, 1, **parameters))
    stakes = 20, parameters.get("jammer_reward", 10) + 10
    total = A / stakes[0] + B / stakes[1]
    assert not np.any(total - total[:1] - total[:, :1] + total[0, 0])


# --- learning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_guarantee_holds_in_units_of_the_range(seed):
    ((A, B),) = drawn(seed, 1, 4)
    spans = np.array([np.ptp(A), np.ptp(B)])
    r = np.arange(1, 301)[:, None]
    assert np.all(shortfalls(A, B, plays(A, B, 300, (seed % 4, 0))) <= (r + 1) / (2 * r) * spans + 1e-12)


def test_the_guarantee_never_falls_below_half_the_range():
    model = jamming_model()
    range_ = model.most_payoffs - model.least_payoffs
    assert model.most_payoffs.tolist() == [9.5, 9.5]
    assert model.least_payoffs.tolist() == [-12.5, -12.5]
    assert range_ * (10**6 + 1) / (2 * 10**6) == pytest.approx([11, 11], abs=1e-4)


def test_shortfalls_are_regrets_of_mean_play():
    A, B = SHAPLEY
    played = plays(A, B, 50, (0, 1))
    x, y = (tuple(Fraction(int(np.sum(moves == k)), 50) for k in range(3)) for moves in played.T)
    assert shortfalls(A, B, played)[-1] == pytest.approx([float(v) for v in regrets(exact(A), exact(B), x, y)])


def test_a_mean_by_times_taken_is_the_sample_mean():
    """The correction of (19), from whatever guess; the printed rule by the same counts stays off by the guess."""
    record, draw = named("(19)", "the first guess"), Random(11)
    for _ in range(20):
        paid, guess = [draw.randint(-9, 9) for _ in range(draw.randint(1, 30))], Fraction(draw.randint(10, 19))
        mean = guess
        for N, payoff in enumerate(paid, 1):
            mean += (payoff - mean) / N
        assert mean == record.correct(paid=paid, guess=guess)
        assert record.printed(paid=paid, guess=guess) - mean == (guess - mean) / (len(paid) + 1) > 0


def test_printed_19_counts_the_guess_once():
    record = named("(19)", "the first guess")
    assert record.printed(paid=(4, 6, 2), guess=8) == pytest.approx((8 + 4 + 6 + 2) / 4)
    assert record.correct(paid=(4, 6, 2), guess=8) == 4


def test_20_is_a_distribution_only_with_brackets():
    record, draw = named("(20)", "the sum below"), Random(12)
    for _ in range(20):
        expected, least = [draw.randint(-8, 9) for _ in range(draw.randint(2, 6))], -9
        chances = record.correct(expected=expected, least=least)
        assert sum(chances) == 1
        assert chances == pytest.approx(choice_probabilities(Proportional(), np.array(expected, dtype=float), -9.0))
        below = sum(expected) - least
        if below:
            above = Fraction(sum(expected) - len(expected) * least)
            assert sum(record.printed(expected=expected, least=least)) == above / below != 1


def test_sampled_play_cannot_rest_at_a_mixed_equilibrium():
    """There all actions are expected to pay the same, so (20) draws uniformly, which is not the equilibrium."""
    A, B = stage()
    x, y = indifferent(A, B)
    chances = named("(20)", "the sum below").correct(expected=times(A, y), least=Fraction(-25, 2))
    assert set(chances) == {Fraction(1, 12)}
    assert set(x) == {Fraction(1, 40), Fraction(13, 80), Fraction(17, 80)}


def test_runs_get_longer_and_forgiveness_shortens_them():
    plain, forgiving = runs(2500), runs(2500, 0.95)
    assert sum(plain) == sum(forgiving) == 2500
    assert max(plain) > 4 * max(forgiving)
    half = len(plain) // 2
    assert np.mean(plain[half:]) > np.mean(plain[:half])
