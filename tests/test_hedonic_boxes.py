"""Branch and prune for labelled games: against all partitions, and no stable partition is ever pruned."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.core import Status
from solvers.hedonic._exact import exact
from solvers.hedonic._exact_boxes import METHOD, _facts, _propagate, _root, decide, fits
from solvers.hedonic._game import gain_tolerance
from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
from solvers.hedonic._partition import OUT, Partition
from verification.certificates import certify
from verification.hedonic_games import chase_and_flee, learners


def numbers(low, high, whole):
    """Quarters, so that many are equal, or any."""
    return st.integers(4 * low, 4 * high).map(lambda k: k / 4) if whole else st.floats(low, high, allow_subnormal=False)


@st.composite
def reputations(draw, players, slots, whole):
    shape = draw(st.sampled_from([(players,), (players, slots)]))
    values = draw(st.lists(numbers(0, 2, whole), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return Reputation(
        np.reshape(values, shape),
        pay=draw(st.sampled_from([1.0, 5.0, 20.0, 0.0, -1.0, -5.0])),
        threshold=draw(st.sampled_from([0.5, 0.0, 1.25, 3.0])),
        floor=draw(st.sampled_from([0.5, 0.0, 1.0])),
        shared=draw(st.sampled_from([True, True, False])),
        peaks=draw(st.sampled_from([None, None, np.full(slots, 2.0)])),
    )


@st.composite
def games(draw):
    n, m, whole = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.booleans())
    table = st.lists(numbers(0, 1, whole), min_size=n * m, max_size=n * m).map(lambda v: np.reshape(v, (n, m)))
    weights = draw(st.lists(numbers(-1, 3, whole), min_size=n * m, max_size=n * m))
    headed = m <= n and draw(st.booleans())
    return LabelledGame(
        draw(table) * draw(st.sampled_from([0.0, 1.0])),
        weights=np.reshape(weights, (n, m)),
        sizes=draw(st.lists(numbers(1, 4, whole), min_size=n, max_size=n)),
        reputation=draw(st.none() | reputations(n, m, whole)),
        heads=draw(st.permutations(range(n)))[:m] if headed else (),
        outside=draw(st.none() | numbers(0, 5, whole)),
    )


def stable_partitions(game):
    """All of them, by looking at every partition."""
    movers, lowest = np.flatnonzero(game.movable), OUT if game.has_out else 0
    for places in product(range(lowest, game.slots), repeat=len(movers)):
        slots = np.zeros(game.players, dtype=int)
        slots[list(game.heads)], slots[movers] = range(len(game.heads)), places
        if np.all(game.regrets(Partition(slots)) <= gain_tolerance(game)):
            yield Partition(slots)


@settings(max_examples=40)
@given(game=games())
def test_agrees_with_brute_force(game):
    stable, solution = next(stable_partitions(game), None), decide(game, 60.0)
    assert solution.status is (Status.NONE_EXISTS if stable is None else Status.SOLVED), (solution, stable)
    assert solution.complete is (stable is None)
    if stable is not None:
        assert certify(game, solution.require(), tolerance=gain_tolerance(game)).holds


@settings(max_examples=40)
@given(game=games())
def test_every_stable_partition_survives_the_narrowing_of_the_root(game):
    box = _root(game)
    possible = _propagate(_facts(game, game.starting_partition()), box)
    for partition in stable_partitions(game):
        assert possible
        places = np.where(partition.slots == OUT, game.slots, partition.slots)
        assert np.all((box.domains >> places) & 1), partition
        assert np.all(np.bincount(places, minlength=game.slots + 1)[: game.slots] >= box.counts[0])
        assert np.all(np.bincount(places, minlength=game.slots + 1)[: game.slots] <= box.counts[1])


@settings(max_examples=15)
@given(game=games(), data=st.data())
def test_a_box_around_a_stable_partition_is_never_empty(game, data):
    for partition in list(stable_partitions(game))[:5]:
        box = _root(game)
        places = np.where(partition.slots == OUT, game.slots, partition.slots)
        others = data.draw(st.lists(st.integers(0, 2**6), min_size=game.players, max_size=game.players))
        box.domains[:] = box.domains & (np.array(others) | 2**places)
        assert _propagate(_facts(game, partition), box)
        assert np.all((box.domains >> places) & 1), partition


@pytest.mark.parametrize("seed", range(30))
def test_learners_keep_their_stable_partitions_in_every_box(seed):
    rng = np.random.default_rng(seed)
    game = learners(9, rng, slots=3, pay=float(rng.choice([2.0, 5.0, -5.0])))
    for partition in stable_partitions(game):
        for _ in range(30):
            box = _root(game)
            box.domains[:] &= rng.integers(0, 8, 9) | 2**partition.slots
            assert _propagate(_facts(game, partition), box)
            assert np.all((box.domains >> partition.slots) & 1), partition


def test_the_four_player_cycle_has_no_stable_partition():
    solution = decide(chase_and_flee(), 10.0)
    assert (solution.status, solution.method, solution.complete) == (Status.NONE_EXISTS, METHOD, True)
    assert decide(chase_and_flee(shared=False), 10.0).status is Status.SOLVED


def test_fourteen_learners_have_no_stable_partition():
    """Found by search; in each of the 4^10 partitions somebody gains at least 0.0018."""
    solution = decide(learners(14, np.random.default_rng(11), slots=4), 60.0)
    assert (solution.status, solution.complete) == (Status.NONE_EXISTS, True)
    assert solution.stats["nodes"] < 10_000 < 4**10


def test_more_movers_than_fit_in_a_table_are_left_to_branch_and_prune():
    solution = exact(learners(16, np.random.default_rng(0), slots=4))
    assert (solution.status, solution.method, solution.complete) == (Status.NONE_EXISTS, METHOD, True)


@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1 / 3, 1e12, 1e290])
@pytest.mark.parametrize("pay", [5.0, 0.1])
def test_the_answer_does_not_depend_on_the_unit_of_utility(pay, scale):
    def answer(unit):
        standing = Reputation([1.0, 1.0, 0.1, 1.0], pay=pay * unit, threshold=0.5)
        game = LabelledGame(
            np.full((4, 2), 4.0) * unit, weights=[1.5 * unit] * 4, sizes=[1.0] * 4, reputation=standing, heads=[0, 1]
        )
        return decide(game, 10.0).status

    assert answer(scale) is answer(1.0)


def test_many_learners_are_found_a_stable_partition_from_a_guess():
    game = learners(20, np.random.default_rng(0), slots=4)
    found = exact(game).require()
    assert certify(game, found, tolerance=gain_tolerance(game)).holds
    assert decide(game, 10.0, found).require() == found


def test_at_the_time_limit_nothing_is_claimed():
    solution = decide(learners(60, np.random.default_rng(0)), 0.01)
    assert solution.status is Status.TIME_LIMIT
    assert solution.profiles == ()
    assert not solution.complete


def test_games_that_it_does_not_know_are_left_to_constraint_programming():
    speeds = Speeds([1.0, 1.0], [0.0, 0.0], [2.0, 2.0])
    standing = Reputation([1.0, 1.0], pay=1.0, threshold=0.5)
    game = LabelledGame(np.zeros((2, 2)), weights=[1.0, 1.0], sizes=[1.0, 1.0], reputation=standing, speeds=speeds)
    assert not fits(game)
    assert not fits(LabelledGame(np.zeros((2, 61)), weights=[1.0, 1.0], sizes=[1.0, 1.0], reputation=standing))
    assert exact(game).method == exact(chase_and_flee()).method == "cp-sat"
    large = learners(14, np.random.default_rng(0), slots=2)
    assert exact(large, maximize_welfare=True, time_limit=0.1).method == "cp-sat"
