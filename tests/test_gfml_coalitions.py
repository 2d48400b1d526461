"""The dual-game paper's coalition game: equation (10) written out again, and the numbers that refute Proposition 2."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gfml import coalition_game
from solvers.core import InvalidGame
from solvers.hedonic import Partition, Reputation, Speeds
from solvers.hedonic._partition import OUT

TOGETHER, APART = 8.392, 8.088  # mover 2 with and without mover 3
ALONE = 9.750  # mover 3 without mover 2
SIMILARITY = np.full((4, 2), 0.8)


def worth(reputation, peak, threshold, floor):
    """H of equations (11) and (12), with log(1 + μ)."""
    if reputation < threshold:
        return floor * math.exp(reputation - threshold)
    if peak == threshold:
        return floor
    mu = (math.e - 1) * (reputation - threshold) / (peak - threshold)
    return floor + (1 - floor) * math.log(1 + mu)


def equation_10(facts, members, i, j):
    """What learner i earns in coalition j with these members, from the paper's symbols."""
    S, D, prizes, f, cost, R, pay, threshold, floor = facts
    competition = (S[i][j] + f[i][j] * D[i] / sum(D[k] for k in members)) * prizes[j]
    peak = max(R[k][j] for k in members)
    mean = sum(worth(R[k][j], peak, threshold, floor) for k in members) / len(members)
    return competition + pay * mean - cost[i][j]


@st.composite
def facts(draw):
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 3))

    def table(low, high):
        row = st.lists(st.floats(low, high), min_size=m, max_size=m)
        return draw(st.lists(row, min_size=n, max_size=n))

    D = draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n))
    prizes = draw(st.lists(st.floats(0, 15), min_size=m, max_size=m))
    pay, threshold, floor = draw(st.floats(-10, 10)), draw(st.floats(-1, 1)), draw(st.floats(0, 1))
    return table(-1, 1), D, prizes, table(0, 1), table(0, 3), table(-1, 3), pay, threshold, floor


def game_of(facts):
    S, D, prizes, f, cost, R, pay, threshold, floor = facts
    reputation = Reputation(R, pay=pay, threshold=threshold, floor=floor)
    return coalition_game(S, D, prizes, frequency=f, cost=cost, reputation=reputation, outside=0.0)


@given(facts(), st.data())
def test_every_learner_earns_what_equation_10_says(facts, data):
    game = game_of(facts)
    places = st.lists(st.integers(OUT, game.slots - 1), min_size=game.players, max_size=game.players)
    partition = Partition(data.draw(places))
    earned = game.utilities(partition)
    for i, j in enumerate(partition.slots.tolist()):
        members = partition.members(j).tolist()
        expected = 0.0 if j == OUT else equation_10(facts, members, i, j)
        assert abs(earned[i] - expected) <= 1e-12 * game.bounds()[i]
        if j != OUT:
            assert abs(game.utility(i, j, members) - expected) <= 1e-12 * game.bounds()[i]


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_limits_of_frequency_are_those_of_the_members_where_speeds_are_given(seed):
    rng = np.random.default_rng(seed)
    low, high = rng.uniform(1, 2, 5), rng.uniform(3, 4, 5)
    own = low + rng.random(5) * (high - low)
    S, D, prizes = rng.uniform(-1, 1, (5, 2)), rng.uniform(1, 2, 5), np.array([5.0, 7.0])
    game = coalition_game(S, D, prizes, frequency=Speeds(own, low, high))
    partition = Partition(rng.integers(0, 2, 5))
    for i, j in enumerate(partition.slots.tolist()):
        members = partition.members(j)
        f = (own[i] - low[members].min()) / (high[members].max() - low[members].min())
        expected = (S[i, j] + f * D[i] / D[members].sum()) * prizes[j]
        assert game.utilities(partition)[i] == pytest.approx(expected, rel=1e-12)


def four_players(**changes):
    """The game without a Nash-stable partition: heads 0 and 1, movers 2 and 3, of whom 2 has a low reputation."""
    pay = {"pay": 5.0, "threshold": 0.5, "floor": 0.5} | changes
    reputation = Reputation([1.0, 1.0, 0.1, 1.0], **pay)
    return coalition_game(SIMILARITY, np.ones(4), 5.0, frequency=0.3, reputation=reputation, heads=[0, 1])


@pytest.mark.parametrize("j", [0, 1])
def test_the_four_player_game_has_the_numbers_that_refute_proposition_2(j):
    game, together, apart = four_players(), Partition([0, 1, j, j]), Partition([0, 1, j, 1 - j])
    assert game.utilities(together)[2] == pytest.approx(TOGETHER, abs=5e-4)
    assert game.utilities(together)[3] == pytest.approx(TOGETHER, abs=5e-4)
    assert game.utilities(apart)[2] == pytest.approx(APART, abs=5e-4)
    assert game.utilities(apart)[3] == pytest.approx(ALONE, abs=5e-4)
    assert game.reputation.utility(np.array([0.1]), 1.0)[0] == pytest.approx(0.335, abs=5e-4)


@pytest.mark.parametrize("slots", [[0, 1, a, b] for a in (0, 1) for b in (0, 1)])
def test_none_of_its_four_partitions_is_stable(slots):
    assert four_players().regrets(Partition(slots)).max() > 0.3


@pytest.mark.parametrize("repair", [{"pay": 0.0}, {"shared": False, "peaks": [1.0, 1.0]}])
def test_each_repair_leaves_a_stable_partition(repair):
    game = four_players(**repair)
    stable = [s for s in ([0, 1, a, b] for a in (0, 1) for b in (0, 1)) if game.regrets(Partition(s)).max() < 1e-9]
    assert stable == [[0, 1, 0, 1], [0, 1, 1, 0]]


def test_numbers_stand_for_all_learners_and_all_coalitions():
    one = coalition_game(SIMILARITY, np.ones(4), 5.0, frequency=0.3, cost=0.1)
    full = coalition_game(SIMILARITY, np.ones(4), [5.0, 5.0], frequency=np.full((4, 2), 0.3), cost=np.full((4, 2), 0.1))
    lists = coalition_game(SIMILARITY, np.ones(4), [5.0, 5.0], frequency=[0.3] * 4, cost=[0.1] * 4)
    partition = Partition([0, 0, 1, 0])
    assert np.array_equal(one.utilities(partition), full.utilities(partition))
    assert np.array_equal(one.utilities(partition), lists.utilities(partition))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"similarity": [[1.5, 0], [0, 1]]}, r"similarity must be in \[-1, 1\], got 1.5"),
        ({"similarity": [0.5, 0.5]}, "similarity must have 2 dimensions"),
        ({"frequency": 1.2}, r"frequency must be in \[0, 1\], got 1.2"),
        ({"frequency": [0.1, 0.2, 0.3]}, r"frequency must be a number, \(2,\) or \(2, 2\), got shape \(3,\)"),
        ({"cost": [0.1]}, r"cost must be a number, \(2,\) or \(2, 2\), got shape \(1,\)"),
        ({"cost": math.nan}, "cost must be finite"),
        ({"incentives": [5.0]}, r"incentives must be a number or \(2,\), got shape \(1,\)"),
        ({"incentives": [5.0, math.inf]}, "incentives must be finite"),
        ({"data": [1.0, 0.0]}, "positive"),
        ({"heads": [0, 0]}, "twice"),
    ],
)
def test_what_is_no_coalition_game_is_refused(changes, message):
    given = {"similarity": [[1, 0], [0, 1]], "data": [1.0, 1.0], "incentives": [5.0, 6.0], "frequency": 0.5, **changes}
    with pytest.raises(InvalidGame, match=message):
        coalition_game(given.pop("similarity"), given.pop("data"), given.pop("incentives"), **given)
