"""Errata of the coalition game: every number is there, corrections hold elsewhere too, and the toolkit agrees."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from models.gfml import coalition_game
from models.reputation import (
    contribution,
    global_reputation,
    overall_reputation,
    reputation_utility,
    task_reputation,
    training_contribution,
)
from solvers.hedonic import Partition, Reputation, deviation, enumerate_stable, potential
from verification.errata import Verdict, examine
from verification.errata import _gfml_coalition_learning as learning
from verification.errata import _gfml_coalition_profit as profit
from verification.errata import _gfml_coalition_reputation as reputation
from verification.errata import _gfml_coalition_stability as stability
from verification.errata import _gfml_coalition_training as training
from verification.errata._gfml_coalition_convergence import potential_games
from verification.errata._gfml_coalition_play import (
    Game,
    always_ends,
    moved,
    play,
    play_with_history,
    round_trip,
    standing,
)
from verification.errata._gfml_coalitions import RECORDS

NUMBERS = [
    "Table I",
    *(f"({n})" for n in range(1, 22)),
    *(f"Definition {n}" for n in range(1, 8)),
    "Condition 1",
    "Proposition 1",
    "Proposition 2",
    "Algorithm 1",
    "Algorithm 2",
]


def recorded(where, about):
    (found,) = [record for record in RECORDS if (record.where, record.about) == (where, about)]
    return found


def stands_at(record, **numbers):
    return examine(replace(record, at=numbers)).stands


def toolkit(game):
    """The same game as the toolkit has it."""
    standings = None
    if game.reputations:
        standings = Reputation(np.array(game.reputations), pay=game.pay, threshold=0.5, floor=0.5, shared=not game.own)
    return coalition_game(
        game.similarity,
        game.data,
        game.prizes,
        frequency=game.frequency,
        cost=game.cost,
        reputation=standings,
        heads=game.heads,
    )


@st.composite
def games(draw, most=3, pay=None):
    """Two or three heads, one to `most` movers; values with few digits, so that ties occur."""
    heads = draw(st.integers(2, 3))
    learners = heads + draw(st.integers(1, most))

    def column(values):
        return tuple(draw(st.lists(st.sampled_from(values), min_size=learners, max_size=learners)))

    return Game(
        similarity=tuple(zip(*(column((0.2, 0.5, 0.8, 1.0, -0.3)) for _ in range(heads)), strict=True)),
        data=column((1.0, 2.0, 0.5, 4.0)),
        prizes=tuple(draw(st.sampled_from((5.0, 8.0, 2.0))) for _ in range(heads)),
        frequency=draw(st.sampled_from((0.3, 0.9, 0.0))),
        reputations=column((0.1, 0.5, 1.0, 0.75, 2.0)),
        pay=draw(st.sampled_from((5.0, 1.0))) if pay is None else pay,
        own=draw(st.booleans()),
        heads=tuple(range(heads)),
    )


# --- what is recorded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", NUMBERS)
def test_every_number_has_a_record(where):
    assert any(record.where == where for record in RECORDS)


def test_numbers_are_written_as_the_paper_has_them_and_equations_come_in_its_order():
    form = re.compile(r"\(\d+\)|(Condition|Definition|Proposition|Algorithm) \d|Table I|Section (III|IV)-[A-D]")
    assert all(form.fullmatch(record.where) and record.paper == "gfml" for record in RECORDS)
    equations = [int(record.where[1:-1]) for record in RECORDS if record.where.startswith("(")]
    assert equations == sorted(equations)
    assert len({(record.where, record.about) for record in RECORDS}) == len(RECORDS)


def test_formulas_survive_tables_and_what_is_not_right_has_a_correction():
    for record in RECORDS:
        texts = record.about, record.says, record.instead, record.why
        assert all("|" not in text and text.count("$") % 2 == 0 for text in texts), record.where
        assert bool(record.instead) == (record.verdict is not Verdict.RIGHT), record.where
        assert record.why


# --- right formulas at other numbers ---------------------------------------------------------------------------------

curves = st.tuples(st.floats(0.1, 3), st.floats(-5, 5))
societies = st.lists(curves, min_size=1, max_size=4).map(tuple)
rates = st.floats(0.01, 0.3)
samples = st.lists(st.floats(-2, 2), min_size=2, max_size=4).map(tuple)


@given(society=societies, theta=st.floats(-3, 3), beta=rates, alpha=rates, steps=st.integers(1, 12))
def test_meta_learning_is_right_for_other_users(society, theta, beta, alpha, steps):
    def near(record, **numbers):
        found = examine(replace(record, at=numbers))
        assert found.printed == pytest.approx(found.correct, rel=1e-9, abs=1e-9)

    near(recorded("(1)", "the problem of meta-learning"), curves=society, theta=theta, beta=beta)
    near(recorded("(2)", "local steps"), curve=society[0], theta=theta, alpha=alpha, beta=beta, steps=steps)
    near(recorded("(5)", "aggregation"), curves=society, theta=theta, alpha=alpha, beta=beta)


@given(data=samples, theta=st.floats(-1, 1), beta=rates)
def test_the_meta_gradient_is_the_derivative_for_other_data(data, theta, beta):
    printed = learning.printed_meta_gradient(theta, beta, data)
    assert printed == pytest.approx(learning.derived_meta_gradient(theta, beta, data), rel=1e-8, abs=1e-8)


@given(data=samples, theta=st.floats(-1, 1), beta=rates)
def test_squared_errors_give_an_unbiased_meta_gradient(data, theta, beta):
    assert learning.parabola_bias(theta, beta, data) == pytest.approx(0, abs=1e-10)


def test_one_batch_for_both_gradients_is_biased_even_for_squared_errors():
    theta, beta, data = 0.4, 0.3, (1.5, -2.0, 0.7)

    def gradient(batch):
        slope, curvature = np.mean([x * (x * theta - 1) for x in batch]), np.mean([x**2 for x in batch])
        return (1 - beta * curvature) * (slope - beta * curvature * slope)

    assert abs(np.mean([gradient((x,)) for x in data]) - gradient(data)) > 0.1


@given(seed=st.integers(0, 10**6))
def test_other_right_formulas_hold_at_drawn_numbers(seed):
    rng = np.random.default_rng(seed)
    steps, data, delta = int(rng.integers(1, 20)), int(rng.integers(1, 60)), float(rng.uniform(1e7, 1e9))
    work = {"steps": steps, "cycles": 10.0, "data": data, "delta": delta}
    assert stands_at(recorded("(6)", "the cost of computing"), rho=0.1, zeta=1e-27, **work)
    assert stands_at(recorded("(7)", "the time of computing"), **work)
    one, other = (tuple(rng.normal(size=2)) for _ in range(2))
    assert stands_at(recorded("(13)", "cosine similarity"), one=one, other=other)
    history = {"contributions": tuple(rng.random(6)), "led": tuple(rng.integers(0, 3, 6).tolist())}
    alike = (1.0, *rng.uniform(-1, 1, 2).tolist())
    assert stands_at(recorded("(17)", "direct and indirect reputation"), **history, alike=alike)
    assert stands_at(recorded("(18)", "the overall reputation"), **history, alike=alike, forgetting=0.6, phi=0.3)
    times = {name: tuple(rng.random(5)) for name in ("computing", "sending")}
    assert stands_at(recorded("(21)", "the time of a round"), **times)


# --- reputations: the toolkit has the same printed and corrected formulas --------------------------------------------


@given(own=st.floats(-1, 3), above=st.floats(0, 2), floor=st.floats(0, 1))
def test_reputation_utilities_are_those_of_the_toolkit(own, above, floor):
    peak = own + above
    both = (reputation_utility([own], peak=peak, floor=floor, as_printed=printed)[0] for printed in (False, True))
    right, wrong = map(float, both)
    assert standing(own, peak, 0.5, floor) == pytest.approx(right, rel=1e-9, abs=1e-12)
    try:
        assert profit.printed_standing(own, peak, 0.5, floor) == pytest.approx(wrong, rel=1e-6, abs=1e-6)
    except ArithmeticError:
        assert not math.isfinite(wrong)


@given(training_=st.floats(-3, 1), slack=st.floats(-3, 10), norms=st.lists(st.floats(0, 5), min_size=1, max_size=5))
def test_contributions_are_those_of_the_toolkit(training_, slack, norms):
    theirs = float(contribution(training_, slack, as_printed=True))
    try:
        assert reputation.contributed(training_, slack) == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    except ArithmeticError:
        assert not math.isfinite(theirs)
    assert reputation.trained(tuple(norms), 40.0) == pytest.approx(float(training_contribution([norms], 40)[0]))
    assert reputation.trained(tuple(norms), 40.0) >= reputation.least_trained(len(norms), 40.0) - 1e-9


@given(seed=st.integers(0, 10**6), forgetting=st.floats(0.1, 1))
def test_reputations_are_those_of_the_toolkit(seed, forgetting):
    rng = np.random.default_rng(seed)
    gains, led, alike = rng.random(5), rng.integers(0, 3, 5), np.array([1.0, *rng.uniform(-1, 1, 2)])
    columns = np.zeros((5, 3)), np.full((5, 3), -1)
    columns[0][:, 2], columns[1][:, 2] = gains, led
    for printed, weights in ((True, reputation.printed_weights), (False, reputation.folded_weights)):
        weighed = weights(5, forgetting)
        options = {"forgetting": forgetting, "as_printed": printed}
        everywhere = global_reputation(columns[0], **options)
        task = task_reputation(*columns, alike[:, None], **options)
        assert np.dot(weighed, gains) == pytest.approx(everywhere[2])
        assert reputation.printed_task(tuple(gains), tuple(led), tuple(alike), 0, weighed) == pytest.approx(task[2, 0])
    found = examine(
        replace(
            recorded("(18)", "the overall reputation"),
            at={
                "contributions": tuple(gains.tolist()),
                "led": tuple(led.tolist()),
                "alike": tuple(alike.tolist()),
                "forgetting": forgetting,
                "phi": 0.2,
            },
        )
    )
    assert found.correct == pytest.approx(float(overall_reputation(everywhere, task, weighting=0.2)[2, 0]))


# --- the coalition game ----------------------------------------------------------------------------------------------


@fewer
@given(game=games())
def test_utilities_and_stability_are_those_of_the_toolkit(game):
    theirs = toolkit(game)
    for slots in game.partitions():
        partition = Partition(slots)
        np.testing.assert_allclose(game.utilities(slots), theirs.utilities(partition), rtol=1e-12, atol=1e-12)
        assert game.stable(slots) == (deviation(theirs, partition) is None)
        assert game.individually_stable(slots) == (deviation(theirs, partition, "individual") is None)


@fewer
@given(game=games())
def test_where_switching_ends_nobody_gains_and_that_is_individually_stable(game):
    for slots in game.partitions():
        ended, end, _ = play(game, slots)
        assert game.stable(end) == ended
        assert game.individually_stable(end) or not ended
        play_with_history(game, slots)  # ends


@fewer
@given(game=games(pay=0.0))
def test_without_pay_for_reputation_joining_hurts_and_a_potential_makes_switching_end(game):
    if game.frequency > 0:
        assert all(game.individually_stable(slots) for slots in game.partitions())
    assert always_ends(replace(game, data=(1.0,) * game.learners))
    assert len(game.prizes) == 3 or always_ends(game)


def test_no_partition_of_four_learners_is_stable_for_the_toolkit_either():
    for numbers in (stability.CHASE, stability.TO_THE_LETTER):
        game = Game(**numbers)
        assert enumerate_stable(toolkit(game)).status.name == "NONE_EXISTS"
        assert not any(play(game, slots)[0] for slots in game.partitions())


def test_the_cycle_without_pay_for_reputation_is_one_for_the_toolkit_too():
    game = Game(**stability.UNEVEN)
    assert potential(toolkit(game)) is None
    assert not always_ends(game)
    assert sum(game.stable(slots) for slots in game.partitions()) == 2
    assert potential_games(**stability.UNEVEN) == (True, True)


def test_pay_for_the_own_reputation_against_a_fixed_peak_ends_the_chase():
    chase = Game(**stability.CHASE)
    assert sum(replace(chase, own=True).stable(slots) for slots in chase.partitions()) == 2  # the peak is 1 everywhere
    assert always_ends(replace(chase, own=True))
    assert always_ends(replace(chase, pay=0.0))


def test_a_round_trip_that_does_not_return_has_no_gain():
    game = Game(**stability.UNEVEN)
    assert round_trip(game, (0, 1, 2, 0, 0), ((4, 1),)) is None
    assert moved((0, 1), 1, 0) == (0, 0)


@fewer
@given(game=games())
def test_either_definition_7_holds_where_nobody_is_tempted(game):
    numbers = {name: getattr(game, name) for name in game.__dataclass_fields__}
    for slots in game.partitions():
        printed = stability.printed_individually_stable(slots, **numbers)
        tempted = any(
            game.gain(slots, i, j) >= 0 for i in game.movers for j in range(len(game.prizes)) if j != slots[i]
        )
        assert printed or tempted
        assert game.individually_stable(slots) or tempted


def test_runs_do_end_in_the_game_that_the_proof_is_checked_on():
    game = Game(**stability.DRAWN)
    assert any(play(game, slots)[0] for slots in game.partitions())


# --- Algorithm 2 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [2, 5, 30])
def test_embeddings_are_made_again_in_every_round_or_never(rounds):
    assert training.printed_refreshes(rounds, 1) == tuple(range(1, rounds))
    assert all(training.printed_refreshes(rounds, every) == () for every in range(2, 8))


def test_learners_who_start_from_the_aggregate_come_to_the_minimum_of_1():
    theta, beta = 0.0, 0.1
    for _ in range(400):
        theta = learning.aggregated(learning.CURVES, theta, 0.2, beta)
    assert theta == pytest.approx(training.least_meta_loss(learning.CURVES, beta), rel=1e-12)
