"""The incentive part of the errata: its corrections on drawn numbers, and its model against the toolkit's solvers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gfml._claims import TABLE_THREE
from solvers.stackelberg import bisection, load, solve
from verification.errata import examine
from verification.errata._gfml_inc_game import HIGH, KAPPA, LOW, SPREAD, THREE, Coalition, highest, zero
from verification.errata._gfml_inc_learners import cases_as_printed, ratio, share
from verification.errata._gfml_inc_provider import TIE, like_learners, second_difference, utility_as_printed
from verification.errata._gfml_inc_tables import TABLE_III, drawn, slower_at_15
from verification.errata._gfml_incentives import RECORDS
from verification.errata._record import Undefined, Verdict

GAME = Coalition(**THREE)
prices = st.integers(1, 60).map(lambda k: Fraction(k, 2))


def found(where: str, about: str = "") -> list[Any]:
    """The findings of what a number states, or of those about one thing."""
    return [examine(record) for record in RECORDS if record.where == where and about in record.about]


# ------------------------------------------------------------------------------------------------------- the records


@pytest.mark.parametrize(
    "where",
    [
        *(f"({k})" for k in range(22, 41)),
        "Definition 8",
        "Proposition 3",
        "Table II",
        "Table III",
        "Figure 9",
        "Abstract",
        "Section I",
    ],
)
def test_every_number_has_a_record(where: str) -> None:
    assert found(where)


def test_formulas_survive_tables() -> None:
    for record in RECORDS:
        for text in (record.says, record.instead, record.why):
            assert text.count("$") % 2 == 0, text
            assert "|" not in text
    assert all(record.instead for record in RECORDS if record.verdict is not Verdict.RIGHT)


def test_the_table_is_the_one_that_the_model_is_compared_with() -> None:
    assert [tuple(row) for row in TABLE_III.values()] == [tuple(row) for row in TABLE_THREE.values()]


# ------------------------------------------------------------------------------ the model, against the toolkit's own


@pytest.mark.parametrize("price", [5.0, 5.8148, 6.3, 6.6, 7.326, 9.0, 15.0])
def test_the_three_learners_are_the_scenario(price: float) -> None:
    game = load("two-peaks")
    assert game.leader_utility(price) == pytest.approx(float(GAME.provider(price)[0]), rel=1e-12)
    decisions = np.ravel(game.best_response(price))
    assert decisions == pytest.approx(1e9 * GAME.answers(price)[:, 0], rel=1e-12)
    assert game.follower_utilities(price, decisions) == pytest.approx(GAME.profits_at(price), rel=1e-12)


def test_prices_of_proposition_3_are_the_solvers() -> None:
    (three,) = found("Proposition 3", "bisection")
    best, stuck = solve(load("two-peaks")).require(), bisection(load("two-peaks")).require()
    assert three.printed[0] == pytest.approx(stuck.price, abs=1e-6)
    assert three.correct[0] == pytest.approx(best.price, abs=1e-9)
    assert [round(float(x), 2) for x in (three.printed[1], three.correct[1])] == [30.93, 78.47]


def test_the_tie_is_one() -> None:
    tied = Coalition(**THREE, eta=TIE)
    low, high = tied.provider(np.array([5.0, 7.326]))
    assert low == pytest.approx(high, abs=1e-12)
    assert tied.best()[1] == pytest.approx(low, abs=1e-9)
    near = Coalition(**THREE, eta=TIE + 0.01)
    assert near.best()[0] == pytest.approx(7.326)


def test_values_of_the_old_page() -> None:
    assert found("(27)", "share")[0].printed == pytest.approx(4.733, abs=1e-3)
    assert found("(30)")[0].printed == pytest.approx(-0.037, abs=1e-3)
    assert found("(34)", "the multiplier")[0].correct == pytest.approx(0.0338, abs=1e-4)
    assert found("(34)", "when it applies")[0].printed == (0, 2)
    assert found("(38)")[0].correct == pytest.approx(1.03, abs=5e-3)
    (frozen,) = found("(25)", "provider")
    assert frozen.printed == pytest.approx((85.22, 78.47), abs=5e-3)
    for where, values in {"(39)": (0.182, 2.976), "(40)": (-0.012, -1.187)}.items():
        first = found(where)[0]
        assert (first.printed, first.correct) == pytest.approx(values, abs=5e-4)
    kinks = found("Proposition 3", "concave as a whole")[0]
    assert (kinks.printed[0], kinks.correct[0]) == pytest.approx((-0.55, 61.80), abs=5e-3)


# ------------------------------------------------------------------------------------ the corrections, on any numbers


def cases_corrected(price: Fraction, W: Fraction, s: Fraction, needed: Fraction, low: Fraction) -> list[Fraction]:
    """The frequencies of the cases (31) to (38) that apply, the share for the ratio, signs and strictness put right."""
    spread, kappa = Fraction(99, 100), Fraction(1, 10)
    vertex = s * price / (2 * kappa * W * spread)

    def pull(at: Fraction) -> Fraction:
        return s * price / spread - 2 * kappa * W * at

    cases = (
        (vertex, vertex > needed and low < vertex < 1),
        (needed, low <= needed <= 1 and (pull(needed) <= 0 or needed == 1)),
        (Fraction(1), needed < 1 and pull(Fraction(1)) >= 0),
        (low, needed < low and pull(low) <= 0),
    )
    return [d for d, applies in cases if applies]


@given(
    price=prices,
    W=st.integers(1, 40).map(Fraction),
    s=st.integers(1, 9).map(lambda k: Fraction(k, 10)),
    needed=st.integers(1, 10).map(lambda k: Fraction(k, 10)),
    low=st.integers(1, 9).map(lambda k: Fraction(k, 10)),
)
def test_corrected_cases_give_the_one_best_frequency(
    price: Fraction, W: Fraction, s: Fraction, needed: Fraction, low: Fraction
) -> None:
    def utility(d: Fraction) -> Fraction:
        return s * price * d / Fraction(99, 100) - Fraction(1, 10) * W * d**2

    (chosen,) = set(cases_corrected(price, W, s, needed, low))
    start = max(needed, low)
    assert start <= chosen <= 1
    grid = [start + (1 - start) * Fraction(k, 40) for k in range(41)]
    assert all(utility(d) < utility(chosen) for d in grid if d != chosen)


@given(price=prices, data=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_shares_and_ratios_agree_only_where_a_learner_is_alone(price: Fraction, data: list[int]) -> None:
    both = share(data, 0), ratio(data, 0)
    assert (both[0] == both[1]) == (len(data) == 1)
    assert both[0] <= 1 <= both[1]


def test_printed_cases_fail_on_either_side_of_every_threshold() -> None:
    bob = {"W": Fraction(16), "s": Fraction(16, 37), "T_max": Fraction(19), "T_comm": Fraction(11, 10)}
    threshold = Fraction(160, 179) * Fraction(7326, 1000)
    found = [cases_as_printed(price=threshold * Fraction(k, 10), low=Fraction(1, 100), **bob) for k in (8, 9, 10, 11)]
    assert found == [0, 0, 0, 2]


@pytest.mark.parametrize("seed", range(5))
def test_corrected_derivatives_sum_to_the_slope(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = drawn(rng)
    for price in rng.uniform(5, 15, 20):
        delta = game.answers(price)
        inside = (delta > game.needed() + 1e-4) & (delta < HIGH - 1e-4)
        pinned = (delta < game.needed() + 1e-12) | (delta > HIGH - 1e-12)
        if not np.all(inside | pinned):
            continue
        H, sending = np.array(game.H)[:, None], np.array(game.T_comm)[:, None]
        E, A, W = game.share / (2 * KAPPA * game.work * SPREAD), 1 + game.T_max - sending, game.work
        gain = game.eta * H * W / (price * (E * price * A - W))
        first = np.where(inside, gain - game.share * (2 * E * price - LOW) / SPREAD, game.paid(delta) * -1)
        first -= np.where(inside, np.array(game.S)[:, None], 0)
        assert game.slope(price) == pytest.approx(float(first.sum()), rel=1e-6, abs=1e-6)
        bend = -game.eta * H * W * (2 * E * A * price - W) / (E * A * price**2 - W * price) ** 2
        second = np.where(inside, bend - 2 * game.share * E / SPREAD, 0.0)
        assert np.all(second <= 0)
        assert second_difference(price, 1e-4, **vars(game)) == pytest.approx(float(second.sum()), rel=1e-3, abs=1e-4)


# ---------------------------------------------------------------------------------- what Table III and figures rest on


@pytest.mark.parametrize("seed", range(10))
def test_higher_prices_neither_lengthen_rounds_nor_lower_profits(seed: int) -> None:
    game = drawn(np.random.default_rng(seed))
    grid = np.linspace(5, 15, 41)
    assert np.all(np.diff([game.round_time(price) for price in grid]) <= 1e-12)
    assert np.all(np.diff([game.profits_at(price) for price in grid], axis=0) > 0)
    assert game.provider(game.best()[0])[0] >= game.provider(grid).max() - 1e-9


def test_no_drawn_round_is_longer_at_15() -> None:
    mean, most = slower_at_15(draws=10, seed=3)
    assert mean <= most <= 1e-12


@given(st.floats(0, 20), st.integers(0, 99))
def test_the_reputation_incentive_moves_no_price(incentive: float, seed: int) -> None:
    game = drawn(np.random.default_rng(seed))
    other = Coalition(**{**vars(game), "I_rep": incentive})
    grid = np.linspace(5, 15, 101)
    assert np.array_equal(game.answers(grid), other.answers(grid))
    paid = (game.I_rep - incentive) * np.sum(game.H)
    assert other.provider(grid) - game.provider(grid) == pytest.approx(np.full(101, paid), abs=1e-9)


def test_more_like_learners_are_worse_for_the_provider() -> None:
    utilities = [Coalition(**like_learners(n)).best()[1] for n in (9, 12, 18, 27, 36)]
    assert np.all(np.diff(utilities) < 0)


# -------------------------------------------------------------------------------------------------- the tools of these


def test_the_logarithm_as_printed_is_undefined_where_a_deadline_binds() -> None:
    alone = {"D": (Fraction(1, 10),), "S": (Fraction(1),), "H": (Fraction(1),), "T_comm": (Fraction(1),)}
    with pytest.raises(Undefined, match="log of 0"):
        utility_as_printed(Fraction(1), T_max=Fraction(12), **alone)
    late = Coalition(D=(0.1,), S=(1.0,), H=(1.0,), T_comm=(1.0,), T_max=12.0)
    assert np.isfinite(late.provider(1.0)[0])


def test_search_and_bisection() -> None:
    at, value = highest(lambda x: -np.abs(x - 0.3) + np.where(x > 2, 0.5, 0), (0, 2.5))
    assert (at, value) == pytest.approx((0.3, 0.0), abs=1e-9)
    assert zero(lambda x: x**3 - 2, 0, 2) == pytest.approx(2 ** (1 / 3))
    with pytest.raises(Undefined, match="no change of sign"):
        zero(lambda x: x * x + 1, 0, 1)
