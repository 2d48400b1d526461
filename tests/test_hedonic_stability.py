"""Stability by witnesses, judged by oracles that are written here straight from the definitions."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame, NotSolved, Status
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._callable import CallableGame
from solvers.hedonic._core import MAX_ASKED, MAX_COALITIONS
from solvers.hedonic._enumeration import enumerate_stable, least_regret, maximal_welfare, partitions, prices
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
from solvers.hedonic._listing import number_of_partitions
from solvers.hedonic._pairwise import AdditivelySeparableGame, BestWorstGame, FractionalGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._permission import PERMISSIONS, permitted
from solvers.hedonic._stability import CONCEPTS, Deviation, NotDecided, StabilityGame, deviation, stability
from tests.conftest import fewer
from verification import certify

# What stability in the one sense implies in the other, in every kind of game; the two for which players must be able
# to be alone or out are in ALONE. Bogomolnaia and Jackson (2002), section 2; Aziz and Savani (2016), figure 15.1.
IMPLIES = [
    ("nash", "individual"),
    ("nash", "contractual-nash"),
    ("individual", "contractual"),
    ("contractual-nash", "contractual"),
    ("strict-core", "core"),
    ("strict-core", "individual"),
    ("strict-core", "pareto"),
    ("pareto", "contractual"),
]
ALONE = [("nash", "rational"), ("individual", "rational"), ("core", "rational"), ("strict-core", "rational")]


# Oracles: sets, sums and loops, and the utility of the game.


def slot_rows(game):
    """Every feasible row of slots, like slots told apart."""
    places = range(OUT if game.has_out else 0, game.capacity)
    rows = itertools.product(places, repeat=game.players)
    return [row for row in rows if all(row[head] == j for j, head in enumerate(game.heads))]


def coalition(row, slot):
    return tuple(i for i, place in enumerate(row) if place == slot)


def utility(game, row, i):
    return game.utility(i, row[i], (i,) if row[i] == OUT else coalition(row, row[i]))


def utilities(game, row):
    return [utility(game, row, i) for i in range(game.players)]


def switches(game, row):
    """Each feasible row one player can go to alone, with the player."""
    for i in range(game.players):
        for place in range(OUT if game.has_out else 0, game.capacity):
            if i not in game.heads and place != row[i]:
                yield i, (*row[:i], place, *row[i + 1 :])


def switch_breaks(game, row, concept, tolerances):
    asked = {"nash": "", "individual": "joined", "contractual-nash": "left", "contractual": "joined left"}[concept]
    for i, after in switches(game, row):
        joined = set(coalition(after, after[i])) - {i} if after[i] != OUT else set()
        left = set(coalition(row, row[i])) - {i} if row[i] != OUT else set()
        members = (joined if "joined" in asked else set()) | (left if "left" in asked else set())
        if utility(game, after, i) - utility(game, row, i) > tolerances[i] and all(
            utility(game, row, k) - utility(game, after, k) <= tolerances[k] for k in members
        ):
            return True
    return False


def core_breaks(game, row, concept, tolerances):
    present = utilities(game, row)
    for other in slot_rows(game):
        gains = [utility(game, other, i) - present[i] for i in range(game.players)]
        groups = [coalition(other, j) for j in range(game.capacity)] + [(i,) for i in coalition(other, OUT)]
        for group in filter(None, groups):
            strictly = [gains[i] > tolerances[i] for i in group]
            weakly = all(gains[i] >= -tolerances[i] for i in group)
            if all(strictly) or (concept == "strict-core" and weakly and any(strictly)):
                return True
    return False


def pareto_breaks(game, row, concept, tolerances):
    present = utilities(game, row)
    for other in slot_rows(game):
        gains = [utility(game, other, i) - present[i] for i in range(game.players)]
        if all(gain >= -t for gain, t in zip(gains, tolerances, strict=True)) and any(
            gain > t for gain, t in zip(gains, tolerances, strict=True)
        ):
            return True
    return False


def rational_breaks(game, row, concept, tolerances):
    for i in set(range(game.players)) - set(game.heads):
        alone = [game.utility(i, OUT, (i,))] if game.has_out else []
        alone += [game.utility(i, 0, (i,))] if game.slots is None else []
        if max(alone) - utility(game, row, i) > tolerances[i]:
            return True
    return False


ORACLES = dict.fromkeys(PERMISSIONS, switch_breaks) | {
    "core": core_breaks,
    "strict-core": core_breaks,
    "pareto": pareto_breaks,
    "rational": rational_breaks,
}


def printed_definition_7_fails(game, row):
    """The paper's Definition 7 as printed: weak for the mover, and members that would rather be without it."""
    for i, after in switches(game, row):
        joined = coalition(row, after[i])
        if (
            joined
            and utility(game, after, i) >= utility(game, row, i)
            and all(utility(game, row, k) >= utility(game, after, k) for k in joined)
        ):
            return True
    return False


def slots_of(found):
    return [partition.slots.tolist() for partition in found]


def can_be_alone(game):
    return game.has_out or game.slots is None


def decided(game):
    return CONCEPTS if can_be_alone(game) else tuple(c for c in CONCEPTS if c != "rational")


def breaks(game, partition, concept):
    row = tuple(partition.slots.tolist())
    return ORACLES[concept](game, row, concept, gain_tolerance(game).tolist())


# Drawn games of every class. Small whole numbers make ties, which are where definitions differ.

small = st.integers(-3, 3)


@st.composite
def settings_of_slots(draw, players):
    slots = draw(st.sampled_from([None, 1, 2, 3]))
    heads = draw(st.booleans()) and slots is not None and slots <= players
    return {"slots": slots, "heads": draw(st.permutations(range(players)))[:slots] if heads else ()}


def table(draw, *shape):
    return np.reshape(draw(st.lists(small, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))), shape)


@st.composite
def pairwise_games(draw, kind=None):
    players = draw(st.integers(1, 4))
    weights = table(draw, players, players)
    np.fill_diagonal(weights, 0)
    kinds = [AdditivelySeparableGame, FractionalGame, BestWorstGame]
    kind = kind or draw(st.sampled_from(kinds))
    extra = {"worst": draw(st.booleans())} if kind is BestWorstGame else {}
    return kind(weights, **extra, **draw(settings_of_slots(players)))


@st.composite
def anonymous_games(draw):
    players = draw(st.integers(1, 4))
    return AnonymousGame(table(draw, players, players), **draw(settings_of_slots(players)))


@st.composite
def labelled_games(draw):
    players, slots = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    heads = draw(st.permutations(range(players)))[:slots] if slots <= players and draw(st.booleans()) else ()
    lowest = table(draw, players) * 0.25
    speeds = Speeds(lowest + 0.5, lowest, lowest + 1.25)
    rank = np.abs(table(draw, players)) / 2
    reputation = Reputation(rank, pay=2.0, threshold=0.5, shared=draw(st.booleans()))
    return LabelledGame(
        table(draw, players, slots) / 2,
        weights=np.abs(table(draw, players)),
        sizes=1 + np.abs(table(draw, players)),
        speeds=draw(st.sampled_from([None, speeds])),
        reputation=draw(st.sampled_from([None, reputation])),
        heads=heads,
        outside=draw(st.sampled_from([None, 0.5])),
    )


@st.composite
def tabulated_games(draw):
    """Games whose utilities are any small numbers: nothing but the definitions to go by."""
    players = draw(st.integers(1, 4))
    places = draw(settings_of_slots(players))
    labelled = places["slots"] is not None and draw(st.booleans())
    layers = places["slots"] if labelled else 1
    numbers = table(draw, layers, 2**players, players)

    def worth(i, slot, members):
        return float(numbers[slot if labelled else 0, sum(1 << k for k in members), i])

    outside = draw(st.sampled_from([None, 0, table(draw, players)]))
    return CallableGame(worth, players, labelled=labelled, outside=outside, **places)


games = st.one_of(pairwise_games(), anonymous_games(), labelled_games(), tabulated_games())
free_games = games.filter(lambda game: game.slots is None)


@st.composite
def placed_games(draw):
    game = draw(games)
    return game, Partition(draw(st.sampled_from(slot_rows(game))))


# Every partition of every drawn game, by definition, one at a time and many at a time.


@fewer
@given(games)
def test_partitions_are_all_the_feasible_ones_each_once(game):
    found = list(partitions(game))
    assert all(game.infeasibility(partition) == 0 for partition in found)
    assert len(found) == len(set(found)) == number_of_partitions(game)
    apart = game.labelled or game.heads
    expected = {Partition(row) if apart else Partition(row).canonical for row in slot_rows(game)}
    assert set(found) == expected
    assert slots_of(found) == sorted(slots_of(found))


@pytest.mark.parametrize(("players", "bell"), [(1, 1), (2, 2), (5, 52), (8, 4140), (10, 115_975)])
def test_free_slots_have_bell_many_partitions(players, bell):  # OEIS A000110
    game = AnonymousGame(np.zeros((players, players)))
    assert number_of_partitions(game) == bell
    assert sum(1 for _ in partitions(game)) == bell


@pytest.mark.parametrize("concept", CONCEPTS)
@fewer
@given(placed_games())
def test_a_witness_is_given_exactly_where_the_definition_is_broken(concept, placed):
    game, partition = placed
    if concept not in decided(game):
        return
    assert (deviation(game, partition, concept) is not None) == breaks(game, partition, concept)


@pytest.mark.parametrize("concept", CONCEPTS)
@settings(max_examples=max(settings().max_examples // 2, 10))
@given(games)
def test_enumeration_lists_exactly_the_stable_partitions(concept, game):
    if concept not in decided(game):
        return
    found = enumerate_stable(game, concept)
    assert slots_of(found.profiles) == slots_of(p for p in partitions(game) if not breaks(game, p, concept))
    assert found.complete
    assert found.status is (Status.SOLVED if found.profiles else Status.NONE_EXISTS)
    assert found.stats["partitions"] == number_of_partitions(game)


@pytest.mark.parametrize("concept", CONCEPTS)
@fewer
@given(placed_games())
def test_the_certificate_agrees_with_the_witness(concept, placed):
    game, partition = placed
    if concept not in decided(game):
        return
    witness = deviation(game, partition, concept)
    certificate = certify(StabilityGame(game, concept), partition, tolerance=gain_tolerance(game))
    assert certificate.holds == (witness is None), (certificate, witness)


@fewer
@given(placed_games())
def test_a_witness_gains_what_it_says(placed):
    game, partition = placed
    present = game.utilities(partition)
    tolerances = gain_tolerance(game)
    for concept in PERMISSIONS:
        witness = deviation(game, partition, concept)
        if witness is not None:
            (player,) = witness.players
            after = partition.moved(player, witness.target)
            assert witness.gain == pytest.approx(game.utilities(after)[player] - present[player], abs=1e-12)
            assert permitted(game, partition, player, witness.target, concept, tolerances)
    for concept in ("core", "strict-core"):
        witness = deviation(game, partition, concept)
        if witness is not None:
            slot = 0 if witness.target is None else witness.target
            together = np.array([game.utility(i, slot, witness.players) for i in witness.players])
            assert np.allclose(together - present[list(witness.players)], witness.gains, rtol=0, atol=1e-12)
    better = deviation(game, partition, "pareto")
    if better is not None:
        gains = game.utilities(better.outcome) - present
        assert np.all(gains >= -tolerances)
        assert np.allclose(gains[list(better.players)], better.gains, rtol=0, atol=1e-12)
        assert better.gain > 0


@fewer
@given(placed_games())
def test_the_witness_is_the_worst_there_is(placed):
    game, partition = placed
    for concept in PERMISSIONS:
        witness = deviation(game, partition, concept)
        row = tuple(partition.slots.tolist())
        present = utilities(game, row)
        gains = [
            utility(game, after, i) - present[i]
            for i, after in switches(game, row)
            if permitted(game, partition, i, after[i], concept, gain_tolerance(game))
        ]
        assert (0.0 if witness is None else witness.gain) == pytest.approx(max([0.0, *gains]), abs=1e-8)
        assert np.max(StabilityGame(game, concept).regrets(partition)) == pytest.approx(max([0.0, *gains]), abs=1e-8)


# The lattice of concepts.


@pytest.mark.parametrize(("stronger", "weaker"), IMPLIES)
@fewer
@given(placed_games())
def test_the_stronger_concept_implies_the_weaker(stronger, weaker, placed):
    game, partition = placed
    if deviation(game, partition, stronger) is None:
        assert deviation(game, partition, weaker) is None


@pytest.mark.parametrize(("stronger", "weaker"), ALONE)
@fewer
@given(placed_games())
def test_stability_is_individually_rational_where_players_can_be_alone(stronger, weaker, placed):
    game, partition = placed
    if can_be_alone(game) and deviation(game, partition, stronger) is None:
        assert deviation(game, partition, weaker) is None


# Each row: weights[i][k], what i gets from k in a game of free slots; a partition; what it satisfies and what not.
CHASED = [[0, -1], [1, 0]]  # 1 seeks 0, who avoids it
LIKED = [[0, 0], [1, 0]]  # 1 likes 0, who does not mind
MIXED = [[0, 2, -1], [2, 0, -2], [-1, 2, 0]]
TURN = [[0, 0, 1], [-1, 0, 1], [2, -2, 0]]
HELD = [[0, -1, -1], [1, 0, 0], [-1, 1, 0]]
APART = [
    *[(CHASED, [0, 0], "contractual", broken) for broken in ("individual", "nash", "core", "strict-core", "rational")],
    *[(CHASED, [0, 0], "contractual-nash", broken) for broken in ("individual", "nash", "core", "strict-core")],
    *[(CHASED, [0, 0], "pareto", broken) for broken in ("individual", "nash", "core", "strict-core", "rational")],
    *[(CHASED, [0, 1], "strict-core", broken) for broken in ("nash", "contractual-nash")],
    *[
        (CHASED, [0, 1], held, "contractual-nash")
        for held in ("contractual", "core", "individual", "pareto", "rational")
    ],
    *[(CHASED, [0, 1], held, "nash") for held in ("core", "individual", "rational")],
    (CHASED, [0, 0], "contractual-nash", "rational"),
    *[(LIKED, [0, 1], "core", broken) for broken in ("contractual", "individual", "pareto", "strict-core")],
    *[(LIKED, [0, 1], "rational", broken) for broken in ("contractual", "individual", "pareto", "strict-core")],
    ([[0, 1], [1, 0]], [0, 1], "rational", "core"),
    *[(MIXED, [0, 0, 0], held, broken) for held in ("nash", "individual") for broken in ("core", "strict-core")],
    *[(TURN, [0, 0, 0], held, "pareto") for held in ("nash", "individual")],
    *[(HELD, [0, 0, 0], held, "pareto") for held in ("contractual", "contractual-nash")],
]


def test_every_implication_is_claimed_or_broken_by_a_case():
    implied = {(concept, concept) for concept in CONCEPTS} | set(IMPLIES) | set(ALONE)
    for _ in CONCEPTS:
        implied |= {(a, d) for a, b in implied for c, d in implied if b == c}
    broken = {(held, broken) for _, _, held, broken in APART}
    assert implied | broken == set(itertools.product(CONCEPTS, repeat=2))
    assert not implied & broken


@pytest.mark.parametrize(("weights", "slots", "held", "broken"), APART)
def test_concepts_are_apart_where_no_implication_is_claimed(weights, slots, held, broken):
    game, partition = AdditivelySeparableGame(weights), Partition(slots)
    assert deviation(game, partition, held) is None
    assert deviation(game, partition, broken) is not None
    assert not breaks(game, partition, held)
    assert breaks(game, partition, broken)


def test_nash_stable_but_not_core_stable():
    # Two friends in bad company: neither leaves alone for the empty slot, together they would.
    game = AnonymousGame([[0, 3, 1], [0, 3, 1], [0, 3, 1]])
    together = Partition([0, 0, 0])
    assert deviation(game, together, "nash") is None
    witness = deviation(game, together, "core")
    assert (len(witness.players), witness.gains, witness.target) == (2, (2.0, 2.0), None)


def test_nash_implies_individual_stability_and_not_as_printed():
    # Symmetric: 0 and 1 like each other, nobody minds 2. It may join without gain, so Definition 7 as printed fails.
    game = AdditivelySeparableGame([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    row = (0, 0, 1)
    assert deviation(game, Partition(row), "nash") is None
    assert deviation(game, Partition(row), "individual") is None
    assert printed_definition_7_fails(game, row)


def test_the_printed_definition_accepts_what_is_not_individually_stable():
    # Symmetric: all like each other and are apart. Both sides gain by a join, which the printed reversal forgives.
    game = AdditivelySeparableGame([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    row = (0, 1, 2)
    assert not printed_definition_7_fails(game, row)
    assert deviation(game, Partition(row), "individual") is not None
    assert deviation(game, Partition(row), "nash").gain == 1.0


@fewer
@given(games)
def test_contractual_individual_stability_is_always_to_be_had(game):
    # A Pareto optimal partition is one: a switch that hurts nobody is a Pareto improvement. Ballester, NP-completeness
    # in hedonic games, Games Econ. Behav. 49 (2004).
    assert enumerate_stable(game, "contractual").require() is not None
    assert deviation(game, maximal_welfare(game), "contractual") is None


# Cases by hand.


def test_the_smallest_game_without_a_nash_stable_partition():
    game = AdditivelySeparableGame([[0, 1], [-1, 0]])
    assert enumerate_stable(game).status is Status.NONE_EXISTS
    assert str(deviation(game, Partition([0, 0]))) == "player 1 gains 1 by going to slot 1"
    assert str(deviation(game, Partition([0, 0]), "rational")) == "player 1 gains 1 by being alone"
    assert str(deviation(game, Partition([0, 0]), "core")) == "player 1 gains 1 by forming a coalition"


def test_a_game_with_an_empty_core():
    # Banerjee, Konishi and Sonmez, Core in a simple coalition formation game, Soc. Choice Welf. 18 (2001): roommates.
    # 0 prefers 1 to 2, 1 prefers 2 to 0, 2 prefers 0 to 1, and nobody likes a crowd.
    game = AdditivelySeparableGame([[0, 2, 1], [1, 0, 2], [2, 1, 0]])
    pairs = CallableGame(lambda i, _, s: game.utility(i, 0, s) if len(s) == 2 else -(len(s) == 3), players=3)
    assert enumerate_stable(pairs, "core").status is Status.NONE_EXISTS
    witness = deviation(pairs, Partition([0, 0, 1]), "core")
    assert (witness.players, witness.gains) == ((1, 2), (1.0, 1.0))
    assert enumerate_stable(pairs, "individual").status is Status.NONE_EXISTS
    assert len(enumerate_stable(pairs, "pareto").profiles) == 3


def test_a_coalition_forms_in_a_slot_with_its_head_only():
    # Slot 0 is bad for all, slot 1 good, and its head, 1, is best off alone there.
    base = {0: [0.0, 0.0, 0.0], 1: [0.0, 5.0, 5.0]}

    def worth(i, slot, members):
        return base[slot][i] - (3.0 if i == 1 and len(members) > 1 else 0.0)

    game = CallableGame(worth, 3, slots=2, labelled=True, heads=(0, 1))
    partition = Partition([0, 1, 0])
    assert deviation(game, partition, "nash").players == (2,)
    assert deviation(game, partition, "individual") is None
    assert deviation(game, partition, "core") is None
    headless = CallableGame(worth, 3, slots=2, labelled=True)
    assert deviation(headless, partition, "core") == Deviation("core", (2,), (5.0,), 1)


def test_a_coalition_in_the_only_slot_is_everybody():
    game = AdditivelySeparableGame([[0, 5, -1], [5, 0, -1], [1, 1, 0]], slots=1)
    assert deviation(game, Partition([0, 0, 0]), "core") is None
    assert deviation(AdditivelySeparableGame(game.weights, slots=2), Partition([0, 0, 0]), "core").players == (0, 1)


def test_out_is_a_coalition_and_has_nobody_to_ask():
    game = CallableGame(lambda i, _, s: -1.0 * i, 2, slots=1, labelled=True, outside=0.0)
    both = Partition([0, 0])
    for concept in ("nash", "individual", "core", "strict-core", "rational"):
        witness = deviation(game, both, concept)
        assert (witness.players, witness.gains, witness.target) == ((1,), (1.0,), OUT)
        assert str(witness) == "player 1 gains 1 by being in no coalition"
    assert enumerate_stable(game, "core").profiles == (Partition([OUT, OUT]), Partition([0, OUT]))


def test_joining_an_empty_slot_asks_nobody_and_staying_neither():
    game = AdditivelySeparableGame([[0, -1, 0], [9, 0, 0], [0, 0, 0]])
    together = Partition([0, 0, 0])
    assert permitted(game, together, 0, 1, "individual", np.zeros(3))
    assert not permitted(game, together, 0, 1, "contractual", np.zeros(3))
    assert not permitted(game, together, 0, 1, "contractual-nash", np.zeros(3))
    assert all(permitted(game, together, 0, 0, permission, np.zeros(3)) for permission in PERMISSIONS)


def test_a_loss_must_exceed_the_asked_members_tolerance():
    game = AdditivelySeparableGame([[0, 1], [-0.5, 0]])
    apart = Partition([0, 1])
    assert permitted(game, apart, 0, 1, "individual", np.array([0.0, 0.5]))
    assert not permitted(game, apart, 0, 1, "individual", np.array([0.5, 0.4]))
    assert deviation(game, apart, "individual", tolerance=np.array([0.0, 0.5])).players == (0,)
    assert deviation(game, apart, "individual", tolerance=np.array([1.0, 0.5])) is None
    assert deviation(game, apart, "strict-core", tolerance=np.array([0.0, 0.5])).players == (0, 1)
    assert deviation(game, apart, "strict-core", tolerance=np.array([0.0, 0.4])) is None


@fewer
@given(st.data())
def test_renumbering_the_players_renumbers_the_verdicts(data):
    game = data.draw(pairwise_games(AdditivelySeparableGame).filter(lambda game: not game.heads))
    partition = Partition(data.draw(st.sampled_from(slot_rows(game))))
    order = np.array(data.draw(st.permutations(range(game.players))))
    other = AdditivelySeparableGame(game.weights.toarray()[np.ix_(order, order)], slots=game.slots)
    renumbered = Partition(partition.slots[order])
    for concept in decided(game):
        witness, again = deviation(game, partition, concept), deviation(other, renumbered, concept)
        assert (witness is None) == (again is None)
        assert witness is None or witness.gain == again.gain
        assert len(enumerate_stable(game, concept).profiles) == len(enumerate_stable(other, concept).profiles)
    for permission in PERMISSIONS:
        regrets = StabilityGame(game, permission).regrets(partition)
        assert np.array_equal(StabilityGame(other, permission).regrets(renumbered), regrets[order])


# The least unstable partition, the best one, and prices.


@fewer
@given(games)
def test_least_regret_is_the_least_there_is(game):
    tolerances = gain_tolerance(game)

    def regrets(partition):
        found = game.regrets(partition)
        return np.where(found <= tolerances, 0.0, found)

    keys = [(np.max(regrets(p)), np.sum(regrets(p))) for p in partitions(game)]
    found = least_regret(game)
    assert (np.max(regrets(found)), np.sum(regrets(found))) == pytest.approx(min(keys), abs=1e-9)
    if enumerate_stable(game).profiles:
        assert certify(game, found, tolerance=tolerances).holds


@fewer
@given(games)
def test_prices_compare_with_the_best_of_all_partitions(game):
    found = prices(game)
    assert found.optimal == pytest.approx(max(game.welfare(p) for p in partitions(game)), abs=1e-9)
    stable = [game.welfare(p) for p in partitions(game) if not breaks(game, p, "nash")]
    if not stable:
        assert np.isnan([found.best, found.worst, found.anarchy, found.stability]).all()
        return
    assert (found.best, found.worst) == pytest.approx((max(stable), min(stable)), abs=1e-9)
    assert 1 <= found.stability <= found.anarchy


def test_prices_of_costs_and_of_gains():
    # A pair pays 3 each in a slot that neither leaves alone; in the other slot both would pay 1.
    def pays(more):
        paid = {(0, 2): more - 3.0, (1, 2): more - 1.0}
        return CallableGame(lambda i, slot, s: paid.get((slot, len(s)), -9.0), 2, slots=2, labelled=True)

    stuck = pays(0)
    found = prices(stuck)
    assert (found.optimal, found.best, found.worst) == (-2.0, -2.0, -6.0)
    assert (found.stability, found.anarchy) == (1.0, 3.0)
    assert prices(stuck, "core").anarchy == 1.0
    for more, optimal, worst, anarchy in [(4, 6.0, 2.0, 3.0), (2, 2.0, -2.0, np.inf), (1, 0.0, -4.0, np.inf)]:
        found = prices(pays(more))
        assert (found.optimal, found.worst, found.anarchy, found.stability) == (optimal, worst, anarchy, 1.0)


# All coalitions of a player at once, and the searches that use them.


def by_definition(game, player, slot):
    """Entry c: what the player gets in the slot with its head and the movers at the places of the bits of c."""
    movers = [i for i in range(game.players) if i not in game.heads]
    found = []
    for coalition in range(2 ** len(movers)):
        members = {i for b, i in enumerate(movers) if coalition >> b & 1} | set(game.heads[slot : slot + 1])
        found.append(game.utility(player, slot, tuple(sorted(members))) if player in members else np.nan)
    return np.array(found)


def same_in_every_coalition(game, **tolerances):
    for player, slot in itertools.product(range(game.players), range(game.capacity)):
        expected = by_definition(game, player, slot)
        assert np.array_equal(HedonicGame.coalition_values(game, player, slot), expected, equal_nan=True)
        np.testing.assert_allclose(game.coalition_values(player, slot), expected, **tolerances)


@fewer
@given(games)
def test_values_of_all_coalitions_are_those_of_each(game):
    exact = not isinstance(game, LabelledGame)  # sums of whole numbers, and at most one division
    same_in_every_coalition(game, rtol=0, atol=0 if exact else 1e-12)


def reals(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("heads", [(), (6, 2)])
@pytest.mark.parametrize("make", [AdditivelySeparableGame, FractionalGame, BestWorstGame, AnonymousGame])
def test_sums_of_reals_are_added_in_the_order_of_the_definition(make, heads):
    table = reals(5, 9, 9) * (np.abs(reals(6, 9, 9)) < 1)
    if make is not AnonymousGame:
        np.fill_diagonal(table, 0)
    places = {"slots": len(heads) or None, "heads": heads}
    for extra in [{"worst": True}, {"worst": False}] if make is BestWorstGame else [{}]:
        same_in_every_coalition(make(table, **extra, **places), rtol=0, atol=0)


@pytest.mark.parametrize("heads", [(), (4, 0, 7)])
@pytest.mark.parametrize("peaks", [None, [2.0, 3.0, 2.5]])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("wide", [True, False])
def test_labelled_values_of_all_coalitions_are_those_of_each(heads, peaks, shared, wide):
    shape = (8, 3) if wide else (8,)
    ranks = np.round(np.random.default_rng(8).uniform(0, 2, size=shape), 1)  # with ties, and on both sides
    lowest = reals(9, 8)
    game = LabelledGame(
        reals(1, 8, 3),
        weights=reals(2, *shape),
        sizes=np.exp(reals(3, 8)),
        speeds=Speeds(lowest + 0.5, lowest, lowest + 1 + reals(4, 8) ** 2),
        reputation=Reputation(ranks, pay=-1.5, threshold=0.6, shared=shared, peaks=peaks),
        heads=heads,
        outside=0.0 if wide else None,
    )
    same_in_every_coalition(game, rtol=1e-12, atol=1e-12)


def test_only_the_coalitions_in_question_are_asked_for():
    asked = []

    def worth(player, slot, members):
        asked.append((player, members))
        return 0.0

    among = np.zeros(16, dtype=bool)
    among[[0b0011, 0b0110, 0b1001]] = True
    found = CallableGame(worth, 4).coalition_values(1, 0, among)
    assert asked == [(1, (0, 1)), (1, (1, 2))]
    assert np.flatnonzero(~np.isnan(found)).tolist() == [0b0011, 0b0110]


@pytest.mark.parametrize("concept", ["core", "strict-core"])
@pytest.mark.parametrize("heads", [(), (3, 5)])
@pytest.mark.parametrize("make", [AdditivelySeparableGame, FractionalGame])
@pytest.mark.parametrize("seed", range(3))
def test_the_worst_block_is_the_worst_of_all_coalitions(make, heads, concept, seed):
    weights = np.round(reals(seed, 8, 8), 1)
    np.fill_diagonal(weights, 0)
    game = make(weights, slots=len(heads) or None, heads=heads)
    slots = np.random.default_rng(seed).integers(2, size=8)
    slots[list(heads)] = range(len(heads))
    present, tolerances = game.utilities(Partition(slots)), gain_tolerance(game)
    sizes = [0.0]
    for slot, size in itertools.product(range(2 if heads else 1), range(1, 9)):
        for members in itertools.combinations(range(8), size):
            gains = np.array([game.utility(i, slot, members) - present[i] for i in members])
            enough = gains > tolerances[list(members)]
            weakly = np.all(gains >= -tolerances[list(members)]) and np.any(enough)
            admitted = not heads or set(members) & set(heads) == {heads[slot]}
            if admitted and (weakly if concept == "strict-core" else np.all(enough)):
                sizes.append(float(np.max(gains) if concept == "strict-core" else np.min(gains)))
    witness = deviation(game, Partition(slots), concept)
    assert (0.0 if witness is None else witness.gain) == pytest.approx(max(sizes), abs=1e-12)
    lazy = CallableGame(game.utility, 8, slots=game.slots, heads=heads)
    assert deviation(lazy, Partition(slots), concept, tolerance=tolerances) == witness


@pytest.mark.parametrize("concept", ["core", "strict-core"])
def test_of_equal_blocks_the_smallest_is_the_witness(concept):
    game = AnonymousGame([[0, 1, 0], [0, 1, 0], [1, 0, 0]])  # 0 and 1 would gain 1 as a pair, 2 by being alone
    assert deviation(game, Partition([0, 0, 0]), concept).players == (2,)


@pytest.mark.parametrize("concept", ["core", "strict-core"])
def test_twenty_players_who_want_to_be_in_pairs(concept):
    mates = np.arange(20) ^ 1
    weights = np.where(mates[:, None] == np.arange(20), 1, -1) - 0
    np.fill_diagonal(weights, 0)
    game = AdditivelySeparableGame(weights)
    assert deviation(game, Partition(np.arange(20) // 2), concept) is None
    assert deviation(game, Partition(np.arange(20)), concept) == Deviation(concept, (0, 1), (1.0, 1.0))


@st.composite
def placed_in_pairwise_games(draw):
    """A game of some players with whole weights, many of them 0, and a partition of it."""
    players = draw(st.integers(1, 8))
    weights = np.reshape(draw(st.lists(small, min_size=players**2, max_size=players**2)), (players, players))
    weights *= np.reshape(draw(st.lists(st.booleans(), min_size=players**2, max_size=players**2)), weights.shape)
    np.fill_diagonal(weights, 0)
    kind = draw(st.sampled_from([AdditivelySeparableGame, FractionalGame, BestWorstGame]))
    extra = {"worst": draw(st.booleans())} if kind is BestWorstGame else {}
    game = kind(weights, **extra, **draw(settings_of_slots(players)))
    slots = np.array(draw(st.lists(st.integers(0, game.capacity - 1), min_size=players, max_size=players)))
    slots[list(game.heads)] = range(len(game.heads))
    return game, Partition(slots)


@pytest.mark.parametrize("permission", PERMISSIONS[1:])
@fewer
@given(placed_in_pairwise_games())
def test_compiled_consent_is_that_of_the_definition(permission, placed):
    game, partition = placed
    tolerances = gain_tolerance(game)
    asked = CallableGame(game.utility, game.players, slots=game.slots, heads=game.heads)
    found = StabilityGame(game, permission, tolerance=tolerances).regrets(partition)
    expected = StabilityGame(asked, permission, tolerance=tolerances).regrets(partition)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    joined, left = (permission in pair for pair in (("individual", "contractual"), ("contractual", "contractual-nash")))
    gains, places = game.permitted_moves(partition, tolerances, joined=joined, left=left)
    for i in np.flatnonzero(gains > 0).tolist():
        moved = partition.moved(i, int(places[i]))
        assert game.utilities(moved)[i] - game.utilities(partition)[i] == pytest.approx(gains[i], abs=1e-12)
        assert permitted(game, partition, i, int(places[i]), permission, tolerances)
    best = max([0.0, *gains[gains > tolerances]])
    witness = deviation(game, partition, permission)
    assert (0.0 if witness is None else witness.gain) == best


@pytest.mark.parametrize(("other", "stays"), [(1, True), (3, False)])
def test_the_leave_of_the_best_member_hurts_unless_there_is_another(other, stays):
    game = BestWorstGame([[0, -1, -1], [3, 0, other], [0, 0, 0]], worst=False)  # 0 would leave, 1 likes it
    witness = deviation(game, Partition([0, 0, 0]), "contractual-nash")
    assert witness == (None if stays else Deviation("contractual-nash", (0,), (1.0,), 1))


def test_many_who_are_all_refused():
    from scipy.sparse import coo_array

    pairs = 20_000  # player i seeks i + pairs, who avoids it
    first = np.arange(pairs)
    weights = np.repeat([1.0, -1.0], pairs), (np.r_[first, first + pairs], np.r_[first + pairs, first])
    game = AdditivelySeparableGame(coo_array(weights, shape=(2 * pairs, 2 * pairs)).tocsr())
    apart = Partition(np.arange(2 * pairs))
    assert np.count_nonzero(game.regrets(apart)) == pairs
    assert deviation(game, apart, "individual") is None
    assert deviation(game, apart, "contractual") is None
    assert deviation(game, apart, "contractual-nash") == Deviation("contractual-nash", (0,), (1.0,), pairs)


# What is not decided is said, and bad input refused.


def test_beyond_the_limits_nothing_is_called_stable():
    game = AdditivelySeparableGame(np.zeros((40, 40)))
    partition = Partition(np.zeros(40, dtype=int))
    found = stability(game, partition)
    assert tuple(found) == CONCEPTS
    for concept in ("core", "strict-core", "pareto"):
        assert isinstance(found[concept], NotDecided)
        assert str(found[concept]).startswith("not decided: ")
        with pytest.raises(NotSolved, match=f"^{concept}: .* more than"):
            deviation(game, partition, concept)
        with pytest.raises(NotSolved, match="more than"):
            certify(StabilityGame(game, concept), partition)
    assert found["nash"] is None
    with pytest.raises(NotSolved, match=r"^enumeration: about 2\^116 partitions, more than the limit of 1000000$"):
        enumerate_stable(game)


def test_the_limit_of_coalitions_is_an_option():
    game = AdditivelySeparableGame(np.zeros((4, 4)))
    together = Partition([0, 0, 0, 0])
    assert deviation(game, together, "core", max_coalitions=16) is None
    with pytest.raises(NotSolved, match="core: 16 coalitions, more than max_coalitions = 15"):
        deviation(game, together, "core", max_coalitions=15)
    assert isinstance(stability(game, together, max_coalitions=15)["core"], NotDecided)
    assert MAX_COALITIONS == 2**22
    too_many = AdditivelySeparableGame(np.zeros((23, 23)))
    reason = "8388608 coalitions, more than max_coalitions = 4194304"
    assert stability(too_many, Partition(np.arange(23)))["core"] == NotDecided(reason)


def test_a_game_of_a_python_function_has_a_lower_limit_of_coalitions():
    game = CallableGame(lambda i, _, members: -len(members), 17)
    alone = Partition(np.arange(17))
    with pytest.raises(NotSolved, match="core: 131072 coalitions, more than max_coalitions = 65536"):
        deviation(game, alone, "core")
    assert MAX_ASKED == 2**16
    assert deviation(game, alone, "core", max_coalitions=2**17) is None
    assert deviation(CallableGame(lambda i, _, members: -len(members), 16), Partition(np.arange(16)), "core") is None


def test_few_partitions_of_many_coalitions_are_refused_too():
    game = AdditivelySeparableGame(np.zeros((40, 40)), slots=1)
    with pytest.raises(NotSolved, match=r"about 2\^40 coalitions, more than 131072"):
        enumerate_stable(game)


def test_individual_rationality_says_where_it_means_nothing():
    game = AdditivelySeparableGame([[0, -1], [-1, 0]], slots=2)
    found = stability(game, Partition([0, 0]))["rational"]
    assert found == NotDecided("players can be neither out nor in a coalition of their own at will")
    with pytest.raises(NotSolved, match=r"^rational: players can be neither"):
        deviation(game, Partition([0, 0]), "rational")
    with pytest.raises(NotSolved, match="players can be neither"):
        StabilityGame(game, "rational").regrets(Partition([0, 0]))
    with pytest.raises(NotSolved, match="players can be neither"):
        enumerate_stable(game, "rational")


class Undefined(HedonicGame):
    """Two players, and a pair is worth nobody knows what."""

    players, slots, heads, has_out, title, names = 2, None, (), False, "", ("a", "b")

    def utility(self, player, slot, members):
        return 0.0 if len(members) == 1 else np.nan

    def magnitudes(self):
        return np.ones(2)


@pytest.mark.parametrize("concept", ["core", "strict-core", "pareto"])
@pytest.mark.parametrize("slots", [[0, 1], [0, 0]])
def test_nan_is_never_stable(concept, slots):
    game, partition = Undefined(), Partition(slots)
    assert np.isnan(deviation(game, partition, concept).gain)
    assert not certify(StabilityGame(game, concept), partition).holds


@pytest.mark.parametrize("concept", CONCEPTS)
def test_nan_is_never_enumerated_as_stable(concept):
    stable = [] if concept != "rational" else [[0, 1]]
    assert slots_of(enumerate_stable(Undefined(), concept).profiles) == stable


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_loss_that_is_nan_is_no_consent(permission):
    assert permitted(Undefined(), Partition([0, 1]), 0, 1, permission, np.zeros(2)) == (
        permission in ("nash", "contractual-nash")
    )


def test_names_and_partitions_that_do_not_exist_are_refused():
    game = AdditivelySeparableGame(np.zeros((2, 2)))
    for ask in (
        lambda: deviation(game, Partition([0, 1]), "Nash"),
        lambda: enumerate_stable(game, "Nash"),
        lambda: StabilityGame(game, "Nash"),
    ):
        with pytest.raises(ValueError, match=r"concept must be one of nash, individual, .* got 'Nash'"):
            ask()
    with pytest.raises(ValueError, match=r"permission must be one of nash, .* got 'core'"):
        permitted(game, Partition([0, 1]), 0, 1, "core", np.zeros(2))
    for concept in CONCEPTS:
        with pytest.raises(InvalidGame, match="partition"):
            deviation(game, Partition([0, 2]), concept)
    with pytest.raises(InvalidGame, match="tolerance must be finite and >= 0, got -1"):
        enumerate_stable(game, tolerance=-1)


def test_one_player_alone_is_stable_in_every_sense():
    game = AdditivelySeparableGame([[0]])
    assert stability(game, Partition([0])) == dict.fromkeys(CONCEPTS)
    assert all(enumerate_stable(game, concept).profiles == (Partition([0]),) for concept in CONCEPTS)


class Aggregate(HedonicGame):
    """Many players who are judged as a whole: asking any one of them is a mistake."""

    players, slots, heads, has_out, title, names = 100_000, 2, (), False, "", ()
    labelled = True

    def utility(self, player, slot, members):
        raise AssertionError("a player was asked alone")

    def magnitudes(self):
        return np.ones(self.players)

    def utilities(self, partition, /):
        return np.where(self.admitted(partition).slots == 0, 1.0, 0.0)

    def best_moves(self, partition, /):
        return np.ones(self.players), np.zeros(self.players, dtype=np.intp)


def test_nash_stability_of_many_players_is_one_question():
    game = Aggregate()
    slots = np.zeros(game.players, dtype=int)
    assert deviation(game, Partition(slots)) is None
    slots[77_777] = 1
    assert deviation(game, Partition(slots)) == Deviation("nash", (77_777,), (1.0,), 0)


def test_stability_games_say_what_they_are_and_never_change():
    game = AdditivelySeparableGame([[0, 1], [-1, 0]])
    named = {concept: StabilityGame(game, concept).concept for concept in CONCEPTS}
    assert named["contractual"] == "contractually individually stable"
    assert len(set(named.values())) == len(CONCEPTS)
    asked = StabilityGame(game, "individual", tolerance=0.5)
    again = copy.deepcopy(asked)
    assert (again.concept, again.tolerances.tolist()) == ("individually stable", [0.5, 0.5])
    assert isinstance(again, StabilityGame)
    with pytest.raises(AttributeError, match="never changes"):
        asked.kind = "nash"
