"""Drawn hedonic games: what defines each, and that a generator's state decides the game; strategies; the peer."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from benchmarks.hedonic_naive import NAIVE, algorithm_1, facts_of
from solvers.core import Status
from solvers.hedonic import LabelledGame, Partition, Reputation, best_response, better_response, enumerate_stable
from solvers.hedonic._partition import OUT
from tests.conftest import fewer
from verification import certify, hedonic_games, strategies
from verification.hedonic_games import FAMILIES, chase_and_flee, learners, stalker, unequal_data_cycle
from verification.hedonic_strategies import HEDONIC_KINDS, partitions

ROOT = Path(__file__).parent.parent


def drawn(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    """Whether two games are made of the same numbers."""
    return pickle.dumps(one.__dict__) == pickle.dumps(other.__dict__)


# --- families --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_draws_a_game_of_the_size_asked_for(family, n):
    game = FAMILIES[family](n, drawn())
    assert game.players == n
    assert game.regrets(game.starting_partition()).shape == (n,)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_generator_decides_the_game_and_moves_on(family):
    rng = drawn(1)
    first, second, again = FAMILIES[family](8, rng), FAMILIES[family](8, rng), FAMILIES[family](8, drawn(1))
    assert same(first, again)
    assert not same(first, second)


def test_integer_weights_take_every_value_and_no_other():
    weights = hedonic_games.integer_weights(40, drawn(), top=3).weights.toarray()
    assert set(weights[~np.eye(40, dtype=bool)]) == set(range(-3, 4))


def test_sparse_weights_have_the_degree_asked_for():
    game = hedonic_games.sparse_weights(3000, drawn(), degree=6.0)
    assert 5.0 < len(game.data) / 3000 <= 6.0
    assert not game.symmetric


def test_friends_are_called_by_chance():
    game = hedonic_games.friends(80, drawn(), chance=0.25, aversion=True)
    assert set(game.data.tolist()) == {1.0, -80.0}
    assert np.mean(game.data == 1.0) == pytest.approx(0.25, abs=0.03)


def test_learners_are_drawn_as_the_paper_s_are():
    game = learners(4000, drawn(), slots=5, incentive=6.0, frequency=0.4)
    assert game.heads == (0, 1, 2, 3, 4)
    assert np.std(np.log(game.sizes)) == pytest.approx(0.2, rel=0.05)
    assert np.mean(game.base) / 6 == pytest.approx(0.75, abs=0.02)
    assert np.all(game.base[range(5), range(5)] == 6.0)
    assert np.mean(game.weights) / 6 == pytest.approx(0.4, rel=0.02)
    assert 0 <= game.reputation.values.min() < 0.01 < 1.99 < game.reputation.values.max() <= 2
    own = learners(40, drawn(), shared=False)
    assert np.all(own.reputation.peaks == own.reputation.values.max())


# --- counterexamples -------------------------------------------------------------------------------------------------


def test_in_the_four_player_game_dynamics_cycle():
    found = best_response(chase_and_flee())
    assert found.status is Status.CYCLE
    assert [switch.player for switch in found.cycle] in ([2, 3, 2, 3], [3, 2, 3, 2])


@pytest.mark.parametrize("repair", [{"pay": 0.0}, {"shared": False}])
def test_its_repairs_are_solved(repair):
    game = chase_and_flee(**repair)
    assert certify(game, best_response(game).require()).holds


def test_of_unequal_data_two_partitions_are_stable():
    game = unequal_data_cycle()
    stable = [
        (a, b) for a in range(3) for b in range(3) if certify(game, Partition([0, 1, 2, a, b]), tolerance=1e-9).holds
    ]
    assert stable == [(0, 2), (2, 0)]


def test_no_partition_of_a_stalker_is_stable():
    assert not any(certify(stalker(), Partition(slots)).holds for slots in ([0, 0], [0, 1]))


# --- strategies ------------------------------------------------------------------------------------------------------


@fewer
@given(strategies.hedonic_games(max_players=4), st.data())
def test_drawn_partitions_are_feasible(game, data):
    partition = data.draw(strategies.partitions(game))
    assert 1 <= game.players <= 4
    assert game.infeasibility(partition) == 0
    assert np.all(game.regrets(partition) >= 0)


@pytest.mark.parametrize("kind", HEDONIC_KINDS)
def test_every_kind_shrinks_to_one_player(kind):
    assert find(strategies.hedonic_games(kinds=[kind]), lambda game: True).players == 1


@fewer
@given(strategies.hedonic_games(max_players=5, kinds=["cycling"]))
def test_a_chase_never_ends(game):
    alone = game.players == 1
    assert enumerate_stable(game).status is (Status.SOLVED if alone else Status.NONE_EXISTS)
    assert best_response(game).status is (Status.SOLVED if alone else Status.CYCLE)


@pytest.mark.parametrize("kind", [kind for kind in HEDONIC_KINDS if kind != "cycling"])
def test_every_kind_has_heads_and_no_heads(kind):
    games = strategies.hedonic_games(kinds=[kind], max_players=3)
    assert find(games, lambda game: bool(game.heads)).heads
    assert find(games, lambda game: not game.heads).heads == ()


def test_who_may_be_out_is_out_now_and_then():
    game = LabelledGame([[1.0]], weights=[1.0], sizes=[1.0], outside=0.0)
    assert find(partitions(game), lambda partition: OUT in partition.slots).slots.tolist() == [OUT]
    assert find(partitions(game), lambda partition: OUT not in partition.slots).slots.tolist() == [0]


@pytest.mark.parametrize("wrong", [{"max_players": 0}, {"kinds": []}, {"kinds": ["unknown"]}])
def test_strategies_refuse_what_they_cannot_draw(wrong):
    with pytest.raises(ValueError, match=r"max_players must be|kinds must be among"):
        strategies.hedonic_games(**wrong)


# --- the benchmark's peer --------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    way=st.sampled_from(sorted(NAIVE)),
    pay=st.sampled_from([0.0, 5.0]),
    heads=st.booleans(),
    best=st.booleans(),
)
def test_algorithm_1_as_authors_write_it_makes_the_same_switches(seed, way, pay, heads, best):
    game = learners(20, drawn(seed), slots=3, pay=pay, heads=heads)
    start = game.starting_partition()
    dynamics = best_response if best else better_response
    ours = dynamics(game, start, order="fixed", max_switches=200)
    slots, switches = algorithm_1(game, start, way, best=best, max_switches=len(ours.switches) or 1)
    assert switches == [tuple(switch[:3]) for switch in ours.switches]
    assert slots == ours.last.slots.tolist()


@pytest.mark.parametrize("way", NAIVE)
def test_algorithm_1_ends_where_it_is_stable_and_stops_at_its_limit_where_it_cycles(way):
    repaired = chase_and_flee(pay=0.0)
    slots, _ = algorithm_1(repaired, repaired.starting_partition(), way)
    assert certify(repaired, Partition(slots)).holds
    game = chase_and_flee()
    assert len(algorithm_1(game, game.starting_partition(), way, max_switches=50)[1]) == 50


@pytest.mark.parametrize("way", NAIVE)
def test_algorithm_1_takes_equation_10_where_nobody_is_paid_and_all_are_at_the_threshold(way):
    for reputation in (None, Reputation([0.5] * 3, pay=2.0, threshold=0.5)):
        game = LabelledGame([[0, 1], [1, 0], [0, 0.5]], weights=[1.0] * 3, sizes=[1.0, 2.0, 3.0], reputation=reputation)
        ours = best_response(game, Partition([0, 0, 0]))
        assert algorithm_1(game, Partition([0, 0, 0]), way)[0] == ours.require().slots.tolist()


def test_algorithm_1_refuses_what_the_paper_does_not_have():
    with pytest.raises(ValueError, match="without an outside"):
        facts_of(LabelledGame([[1.0]], weights=[1.0], sizes=[1.0], outside=0.0))
    with pytest.raises(ValueError, match="shared pay"):
        facts_of(chase_and_flee(shared=False))


def test_a_large_game_is_measured_in_a_process_of_its_own():
    request = {"n": 300, "slots": 5, "max_switches": 10_000, "options": {"pay": 0.0}}
    command = [sys.executable, "-m", "benchmarks.hedonic_large", json.dumps(request)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["holds"], answer["cycle"]) == ("SOLVED", True, 0)
    assert answer["switches"] > 100
    assert 0 < answer["check_seconds"] < answer["seconds"] < 60
