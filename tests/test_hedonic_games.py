"""Hedonic games: published examples by brute force, quick evaluation against the definition, and what is refused."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, permutations, product
from pathlib import Path

import hedonic_cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array, csr_matrix

from solvers.core import InvalidGame
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._callable import MEASURED, CallableGame
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._pairwise import (
    AdditivelySeparableGame,
    BestWorstGame,
    FractionalGame,
    PairwiseGame,
    friends_and_enemies,
)
from solvers.hedonic._partition import OUT, Partition
from verification import certify

ROOT = Path(__file__).parent.parent
MOVES = ("nash", "individual", "contractual", "contractual-nash", "rational")  # of one player
BLOCKS = ("core", "strict-core", "pareto")  # of several at once

PAIRWISE: dict[str, Callable[..., PairwiseGame]] = {
    "sum": AdditivelySeparableGame,
    "mean": FractionalGame,
    "best": lambda weights, **setting: BestWorstGame(weights, worst=False, **setting),
    "worst": lambda weights, **setting: BestWorstGame(weights, worst=True, **setting),
}
DEFINITIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "mean": lambda others: sum(others) / (len(others) + 1),
    "best": lambda others: max(others, default=0.0),
    "worst": lambda others: min(others, default=0.0),
}


# Brute force, for unlabelled free coalitions, from the definitions and `utility` alone.


def set_partitions(players: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every partition of 0..players-1, in tuples of sorted tuples."""
    if players == 0:
        yield ()
        return
    for smaller in set_partitions(players - 1):
        for k, members in enumerate(smaller):
            yield (*smaller[:k], (*members, players - 1), *smaller[k + 1 :])
        yield (*smaller, (players - 1,))


def worths(game: HedonicGame) -> dict[tuple[int, tuple[int, ...]], float]:
    """What each player gets in each coalition, which no slot changes."""
    everybody = range(game.players)
    coalitions = [members for size in everybody for members in combinations(everybody, size + 1)]
    return {(i, members): game.utility(i, 0, members) for members in coalitions for i in members}


def broken(worth: dict[tuple[int, tuple[int, ...]], float], partition: tuple[tuple[int, ...], ...]) -> set[str]:
    """The concepts in whose sense the partition is not stable."""
    found: set[str] = set()
    home = {i: members for members in partition for i in members}
    for i, left in home.items():
        rest = tuple(k for k in left if k != i)
        released = all(worth[k, rest] >= worth[k, left] for k in rest)
        for joined in (*partition, ()):
            new = tuple(sorted((*joined, i)))
            if joined == left or worth[i, new] <= worth[i, left]:
                continue
            welcome = all(worth[k, new] >= worth[k, joined] for k in joined)
            verdicts = ("nash", True), ("individual", welcome), ("contractual-nash", released)
            verdicts += ("contractual", welcome and released), ("rational", not joined)
            found |= {concept for concept, breaks in verdicts if breaks}
    for members in {members for _, members in worth}:
        gains = [worth[i, members] - worth[i, home[i]] for i in members]
        found |= (
            {"core", "strict-core"} if min(gains) > 0 else {"strict-core"} if min(gains) == 0 < max(gains) else set()
        )
    here = [worth[i, home[i]] for i in sorted(home)]
    for other in set_partitions(len(home)):
        there = {i: worth[i, members] for members in other for i in members}
        gains = [there[i] - value for i, value in enumerate(here)]
        found |= {"pareto"} if min(gains) >= 0 and max(gains) > 0 else set()
    return found


def stable_partitions(game: HedonicGame) -> dict[str, list[Partition]]:
    """For each concept all stable partitions, in order of their slots."""
    worth = worths(game)
    found: dict[str, list[Partition]] = {concept: [] for concept in (*MOVES, *BLOCKS)}
    for coalitions in set_partitions(game.players):
        partition = Partition.from_coalitions(coalitions, game.players).canonical
        for concept in found.keys() - broken(worth, coalitions):
            found[concept].append(partition)
    return {concept: sorted(partitions, key=hedonic_cases.slots_of) for concept, partitions in found.items()}


FREE = [c for c in hedonic_cases.cases() if c.game.slots is None and not c.game.has_out and c.game.players <= 6]
FIXED = [c for c in hedonic_cases.cases() if c.game.slots and c.game.capacity**c.game.players <= 5000]


@pytest.mark.parametrize("case", FREE, ids=str)
def test_the_facts_about_a_published_game_hold(case):
    found = stable_partitions(case.game)
    for concept, exists in case.facts.items():
        assert bool(found[concept]) is exists, concept
    for concept, partitions in case.stable.items():
        assert found[concept] == list(partitions), concept


def nash_stable_by_slots(game: HedonicGame) -> list[Partition]:
    """All Nash-stable partitions, by trying every slot of every player; in canonical form if slots have no labels."""
    places = range(OUT if game.has_out else 0, game.capacity)
    found = set()
    for slots in product(places, repeat=game.players):
        if any(slots[head] != j for j, head in enumerate(game.heads)):
            continue
        if all(_stays(game, slots, i, places) for i in range(game.players) if i not in game.heads):
            found.add(Partition(slots) if game.labelled or game.heads else Partition(slots).canonical)
    return sorted(found, key=hedonic_cases.slots_of)


def _stays(game: HedonicGame, slots: tuple[int, ...], player: int, places: range) -> bool:
    """Whether no place is better for the player than its own."""
    others = [[k for k, slot in enumerate(slots) if slot == j != OUT and k != player] for j in places]
    values = {j: game.utility(player, j, sorted([*mates, player])) for j, mates in zip(places, others, strict=True)}
    return values[slots[player]] == max(values.values())


@pytest.mark.parametrize("case", FIXED, ids=str)
def test_the_facts_about_a_game_of_fixed_slots_hold(case):
    found = nash_stable_by_slots(case.game)
    assert bool(found) is case.facts["nash"]
    assert found == list(case.stable.get("nash", found))
    certified = [certify(case.game, partition, tolerance=gain_tolerance(case.game)).holds for partition in found]
    assert all(certified)


@pytest.mark.parametrize("case", FREE, ids=str)
def test_a_certificate_holds_just_where_brute_force_finds_no_gain(case):
    stable = stable_partitions(case.game)["nash"]
    for coalitions in set_partitions(case.game.players):
        partition = Partition.from_coalitions(coalitions, case.game.players).canonical
        certificate = certify(case.game, partition, tolerance=gain_tolerance(case.game))
        assert certificate.holds is (partition in stable), certificate


@pytest.mark.parametrize("case", FREE, ids=str)
def test_brute_force_keeps_the_implications_between_concepts(case):
    found = {concept: set(partitions) for concept, partitions in stable_partitions(case.game).items()}
    assert found["nash"] <= found["individual"] & found["contractual-nash"]
    assert found["individual"] | found["contractual-nash"] <= found["contractual"]
    assert found["individual"] <= found["rational"]
    assert found["strict-core"] <= found["core"] & found["individual"] & found["pareto"]
    assert found["core"] <= found["rational"]
    assert found["contractual"]  # never empty: Bogomolnaia and Jackson (2002)


def test_every_case_has_its_own_name_and_a_source():
    cases = hedonic_cases.cases()
    assert len({case.name for case in cases}) == len(cases) >= 16
    assert all(case.source and case.facts for case in cases)


# Drawn games.

WEIGHTS = (st.integers(-3, 3), st.floats(-1e3, 1e3, allow_subnormal=False), st.sampled_from([0.1, 0.2, -0.3, 0.0]))


@st.composite
def settings_of(draw: st.DrawFn, players: int) -> dict[str, object]:
    """Free slots, or a fixed number, with or without heads."""
    if draw(st.booleans()):
        return {}
    slots = draw(st.integers(1, players + 1))
    heads = draw(st.permutations(range(players)))[:slots] if slots <= players and draw(st.booleans()) else ()
    return {"slots": slots, "heads": heads}


@st.composite
def matrices(draw: st.DrawFn, max_players: int = 6) -> np.ndarray:
    """A square matrix with zeros on its diagonal, dense or sparse, symmetric or not."""
    players = draw(st.integers(1, max_players))
    entries = st.one_of(st.just(0), draw(st.sampled_from(WEIGHTS)))
    weights = np.array(draw(st.lists(entries, min_size=players**2, max_size=players**2))).reshape(players, players)
    weights = np.triu(weights) + np.triu(weights).T if draw(st.booleans()) else weights
    return np.where(np.eye(players, dtype=bool), 0, weights)


@st.composite
def games(draw: st.DrawFn, max_players: int = 6) -> HedonicGame:
    """A game of any class of this file."""
    weights = draw(matrices(max_players))
    setting = draw(settings_of(len(weights)))
    kind = draw(st.sampled_from([*PAIRWISE, "anonymous", "callable"]))
    if kind in PAIRWISE:
        return PAIRWISE[kind](csr_array(weights) if draw(st.booleans()) else weights, **setting)
    if kind == "anonymous":
        return AnonymousGame(weights, **setting)
    labelled = "slots" in setting and draw(st.booleans())
    outside = draw(st.none() | st.integers(-2, 2))

    def utility(player: int, slot: int, members: tuple[int, ...]) -> float:
        return sum(weights[player, k] for k in members) + labelled * weights[player, slot % len(weights)]

    return CallableGame(utility, len(weights), labelled=labelled, outside=outside, **setting)


@st.composite
def placed(draw: st.DrawFn, drawn: st.SearchStrategy[HedonicGame]) -> tuple[HedonicGame, Partition]:
    """A game and a feasible partition."""
    game = draw(drawn)
    slot = st.integers(OUT if game.has_out else 0, game.capacity - 1)
    slots = np.array(draw(st.lists(slot, min_size=game.players, max_size=game.players)))
    slots[list(game.heads)] = np.arange(len(game.heads))
    return game, Partition(slots)


@given(placed(games()))
def test_quick_evaluation_is_the_definition_bit_for_bit(drawn):
    game, partition = drawn
    utilities = HedonicGame.utilities(game, partition)
    np.testing.assert_array_equal(game.utilities(partition), utilities)
    for i in range(game.players):
        values = HedonicGame.values(game, partition, i)
        np.testing.assert_array_equal(game.values(partition, i), values)
        assert values[partition.slots[i]] == utilities[i]
    best, places = HedonicGame.best_moves(game, partition)
    np.testing.assert_array_equal(game.best_moves(partition)[0], best)
    np.testing.assert_array_equal(game.best_moves(partition)[1], places)
    np.testing.assert_array_equal(game.regrets(partition), HedonicGame.regrets(game, partition))


@given(st.integers(0, 2**32 - 1), st.sampled_from([*PAIRWISE]), st.booleans(), st.sampled_from([1, 3, 40]))
def test_quick_evaluation_is_the_definition_with_many_players(seed, kind, whole, slots):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-2, 3, (40, 40)) if whole else rng.normal(size=(40, 40))
    weights = np.where((rng.random((40, 40)) < rng.random()) & ~np.eye(40, dtype=bool), weights, 0)
    game = PAIRWISE[kind](weights, slots=slots, heads=rng.permutation(40)[:slots] if slots == 3 else ())
    slots_taken = rng.integers(0, slots, 40)
    slots_taken[list(game.heads)] = np.arange(len(game.heads))
    partition = Partition(slots_taken)
    for quick, slow in zip(game.best_moves(partition), HedonicGame.best_moves(game, partition), strict=True):
        np.testing.assert_array_equal(quick, slow)
    np.testing.assert_array_equal(game.utilities(partition), HedonicGame.utilities(game, partition))


@given(matrices(), st.sampled_from([*PAIRWISE]), st.data())
def test_a_utility_is_the_formula_of_its_class(weights, kind, data):
    game = PAIRWISE[kind](weights)
    i = data.draw(st.integers(0, game.players - 1))
    members = sorted({i} | data.draw(st.sets(st.integers(0, game.players - 1))))
    wanted = DEFINITIONS[kind]([float(weights[i, k]) for k in members if k != i])
    assert game.utility(i, 0, members) == pytest.approx(wanted, abs=1e-12, rel=1e-12)


def largest(game, player):
    """The sum of the sizes of all numbers that make a player's utilities; none of these is larger."""
    if isinstance(game, PairwiseGame):
        return np.abs(game.weights.toarray()[player]).sum()
    return np.abs(game.outside[player]) if getattr(game, "outside", None) is not None else 0.0


@given(games(max_players=4))
def test_a_magnitude_is_at_least_a_small_part_of_the_range_and_not_above_the_sizes(game):
    magnitudes = game.magnitudes()
    assert magnitudes.shape == (game.players,)
    assert np.all(magnitudes > 0)
    widest = 2 if isinstance(game, CallableGame) else 1  # there the magnitude is an absolute value
    slots = range(game.slots) if game.labelled and game.slots else [0]
    for i in range(game.players):
        others = [k for k in range(game.players) if k != i]
        coalitions = [sorted((i, *c)) for size in range(game.players) for c in combinations(others, size)]
        values = [game.utility(i, j, members) for members in coalitions for j in slots]
        assert 1e-4 * np.ptp(values) <= widest * magnitudes[i] * (1 + 1e-12)
        if np.ptp(values) > 0:
            assert magnitudes[i] <= 2 * max(np.abs(values).max(), largest(game, i)) * (1 + 1e-12)


def test_magnitudes_of_players_who_do_not_care_are_those_of_the_others():
    np.testing.assert_array_equal(AdditivelySeparableGame([[0, 2, -3], [0, 0, 0], [1, 0, 0]]).magnitudes(), [2, 2, 1])
    np.testing.assert_array_equal(FractionalGame([[0, 2, -3], [0, 0, 0], [1, 0, 0]]).magnitudes(), [2, 2, 1])
    np.testing.assert_array_equal(BestWorstGame([[0, 2, 1], [0, 0, 0], [0, 0, 0]], worst=True).magnitudes(), [2, 2, 2])
    np.testing.assert_array_equal(AnonymousGame([[7, 7], [1, 4]]).magnitudes(), [3, 3])
    np.testing.assert_array_equal(FractionalGame(np.zeros((2, 2))).magnitudes(), [1, 1])


@given(placed(games(max_players=5)), st.data())
def test_new_numbers_for_the_players_renumber_regrets_and_nothing_else(drawn, data):
    game, partition = drawn
    order = np.array(data.draw(st.permutations(range(game.players))))  # player i of the new game was order[i]
    if isinstance(game, PairwiseGame):
        weights = game.weights.toarray()[np.ix_(order, order)]
        kind = next(k for k, make in PAIRWISE.items() if make(np.zeros((1, 1)))._kind == game._kind)
        build: Callable[..., HedonicGame] = PAIRWISE[kind]
    elif isinstance(game, AnonymousGame):
        weights, build = game.values_by_size[order], AnonymousGame
    else:
        return
    heads = [int(np.flatnonzero(order == head)[0]) for head in game.heads]
    renumbered = build(weights, slots=game.slots, heads=heads)
    regrets = renumbered.regrets(Partition(partition.slots[order]))
    np.testing.assert_allclose(regrets, game.regrets(partition)[order], rtol=1e-12, atol=1e-9)


# Ties, and slots where a player knows nobody.


def test_of_equal_values_the_present_place_comes_first_then_the_lowest_slot():
    game = AdditivelySeparableGame([[0, 1, 1, -1], [0] * 4, [0] * 4, [0] * 4], slots=4)
    assert game.best_moves(Partition([3, 2, 1, 3]))[1].tolist() == [1, 2, 1, 3]
    assert game.best_moves(Partition([1, 2, 1, 3]))[1].tolist() == [1, 2, 1, 3]
    assert game.best_moves(Partition([2, 2, 1, 3]))[1].tolist() == [2, 2, 1, 3]


@pytest.mark.parametrize("kind", PAIRWISE)
def test_a_player_flees_to_strangers_or_to_an_empty_slot_whichever_is_lower(kind):
    game = PAIRWISE[kind]([[0, -1, 0], [0, 0, 0], [0, 0, 0]])
    assert game.best_moves(Partition([0, 0, 1]))[1].tolist() == [1, 0, 1]
    assert game.best_moves(Partition([0, 0, 2]))[1].tolist() == [1, 0, 2]
    assert game.best_moves(Partition([2, 2, 0]))[1].tolist() == [0, 2, 0]
    assert game.regrets(Partition([0, 0, 1]))[0] == pytest.approx(0.5 if kind == "mean" else 1.0)


def test_with_one_slot_nobody_can_flee():
    game = AdditivelySeparableGame([[0, -1], [-1, 0]], slots=1)
    assert game.regrets(Partition([0, 0])).tolist() == [0, 0]
    assert game.values(Partition([0, 0]), 0).tolist() == [-1, -np.inf]


def test_a_stranger_among_the_members_counts_as_zero():
    best, worst = (BestWorstGame([[0, -2, 0], [5, 0, 0], [0, 0, 0]], worst=w) for w in (False, True))
    assert best.utilities(Partition([0, 0, 0])).tolist() == [0, 5, 0]
    assert best.utilities(Partition([0, 0, 1])).tolist() == [-2, 5, 0]
    assert worst.utilities(Partition([0, 0, 0])).tolist() == [-2, 0, 0]
    assert worst.utilities(Partition([0, 0, 1])).tolist() == [-2, 5, 0]


def test_heads_stay_where_they_are():
    game = AdditivelySeparableGame([[0, 1, 0], [-1, 0, 0], [0, 9, 0]], slots=2, heads=[1, 0])
    partition = Partition([1, 0, 1])
    assert game.best_moves(partition)[1].tolist() == [1, 0, 0]
    assert game.regrets(partition).tolist() == [0, 0, 9]
    assert game.values(partition, 0).tolist() == [-np.inf, 0, -np.inf]
    assert game.infeasibility(Partition([0, 0, 1])) == 1


@given(st.integers(0, 2**32 - 1))
def test_sizes_are_evaluated_by_the_definition_with_many_players_ties_and_heads(seed):
    rng = np.random.default_rng(seed)
    game = AnonymousGame(rng.integers(0, 4, (12, 12)), slots=5, heads=rng.permutation(12)[:5])
    slots = rng.integers(0, 5, 12)
    slots[list(game.heads)] = np.arange(5)
    partition = Partition(slots)
    for quick, slow in zip(game.best_moves(partition), HedonicGame.best_moves(game, partition), strict=True):
        np.testing.assert_array_equal(quick, slow)
    assert game.best_moves(partition)[1][list(game.heads)].tolist() == [0, 1, 2, 3, 4]


def test_friends_come_first_or_enemies_do():
    friends = np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    for given_friends in (friends, friends.astype(int), csr_array(friends)):
        likes = friends_and_enemies(given_friends)
        fears = friends_and_enemies(given_friends, aversion=True)
        assert likes.weights.toarray().tolist() == [[0, 3, -1], [3, 0, -1], [-1, 3, 0]]
        assert fears.weights.toarray().tolist() == [[0, 1, -3], [1, 0, -3], [-3, 1, 0]]


# Weights.


@given(matrices())
def test_weights_come_back_as_given_whatever_they_were_given_in(weights):
    wanted = weights.astype(float)
    for table in (weights, weights.tolist(), csr_array(weights), csr_matrix(weights), csr_array(weights).tocsc()):
        game = AdditivelySeparableGame(table)
        assert isinstance(game.weights, csr_array)
        assert game.weights.dtype == np.float64
        np.testing.assert_array_equal(game.weights.toarray(), wanted)
        assert np.all(game.data != 0)
        assert game.weights.has_canonical_format
    assert game.symmetric is bool(np.array_equal(wanted, wanted.T))


def test_sparse_entries_add_up_and_zeros_are_dropped():
    entries = [1.0, 2.0, 0.0, 3.0, -3.0], ([0, 0, 1, 2, 2], [1, 1, 0, 0, 0])
    game = AdditivelySeparableGame(coo_array(entries, shape=(3, 3)))
    assert (game.indptr.tolist(), game.indices.tolist(), game.data.tolist()) == ([0, 1, 1, 1], [1], [3.0])


def test_rows_out_of_order_and_with_repeats_are_put_in_order_and_the_callers_are_left_alone():
    table = csr_array((np.array([3.0, 1.0, 0.0, 4.0]), np.array([2, 1, 0, 2]), np.array([0, 4, 4, 4])), shape=(3, 3))
    game = AdditivelySeparableGame(table)
    assert (game.indptr.tolist(), game.indices.tolist(), game.data.tolist()) == ([0, 2, 2, 2], [1, 2], [1.0, 7.0])
    assert (table.indices.tolist(), table.data.tolist()) == ([2, 1, 0, 2], [3.0, 1.0, 0.0, 4.0])


def test_symmetric_needs_equal_weights_and_not_only_equal_places():
    assert AdditivelySeparableGame([[0, 1], [1, 0]]).symmetric
    assert not AdditivelySeparableGame([[0, 1], [2, 0]]).symmetric
    assert not AdditivelySeparableGame([[0, 1, 0], [0, 0, 1], [1, 0, 0]]).symmetric


def test_a_hundred_thousand_players_need_no_dense_table():
    n = 100_000
    first, second = np.arange(n), (np.arange(n) + 1) % n
    game = AdditivelySeparableGame(csr_array((np.ones(n), (first, second)), shape=(n, n)))
    pairs = Partition(np.arange(n) // 2)
    wanted = np.arange(n) % 2  # odd players are alone with who likes them, and would follow the next
    np.testing.assert_array_equal(game.regrets(pairs), wanted)
    assert game.best_moves(pairs)[1][:4].tolist() == [0, 1, 1, 2]
    assert not certify(game, pairs).holds
    assert certify(game, Partition(np.zeros(n, dtype=int))).holds


# Frozen.

BUILT = [
    AdditivelySeparableGame([[0, 1], [-1, 0]]),
    BestWorstGame([[0, 1], [-1, 0]], worst=True),
    AnonymousGame([[0, 1], [1, 0]]),
    CallableGame(max, 2),
]


@pytest.mark.parametrize("game", BUILT, ids=repr)
def test_a_game_cannot_be_changed(game):
    for change in (lambda: setattr(game, "players", 3), lambda: setattr(game, "new", 3)):
        with pytest.raises(AttributeError, match="a game never changes"):
            change()
    with pytest.raises(AttributeError, match="a game never changes"):
        del game.players
    for array in (value for value in vars(game).values() if isinstance(value, np.ndarray)):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("game", BUILT[:3], ids=repr)
@pytest.mark.parametrize("again", [lambda game: pickle.loads(pickle.dumps(game)), copy.deepcopy])  # noqa: S301
def test_a_copy_is_the_same_game_and_frozen_too(game, again):
    twin = again(game)
    assert repr(twin) == repr(game)
    np.testing.assert_array_equal(twin.regrets(Partition([0, 0])), game.regrets(Partition([0, 0])))
    for array in (value for value in vars(twin).values() if isinstance(value, np.ndarray)):
        assert not array.flags.writeable


@pytest.mark.parametrize("table", [np.array([[0.0, 1.0], [2.0, 0.0]]), csr_array([[0.0, 1.0], [2.0, 0.0]])])
def test_what_the_caller_changes_later_does_not_reach_the_game(table):
    game = AdditivelySeparableGame(table)
    table[0, 1] = 9
    game.weights.data[:] = 9
    game.magnitudes()[:] = 9
    assert game.weights.toarray().tolist() == [[0, 1], [2, 0]]
    assert game.utilities(Partition([0, 0])).tolist() == [1, 2]


def test_magnitudes_of_a_callable_game_are_the_callers_copy():
    game = CallableGame(lambda i, slot, members: 3.0, 2)
    game.magnitudes()[:] = 9
    assert game.magnitudes().tolist() == [3, 3]


def test_building_a_dense_game_and_its_regrets_needs_no_scipy_sparse():
    program = (
        "import sys; from solvers.hedonic._pairwise import AdditivelySeparableGame as Game;"
        "from solvers.hedonic._partition import Partition;"
        "Game([[0, 1], [-1, 0]]).regrets(Partition([0, 0])); print('scipy.sparse' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Functions.


def test_a_function_sees_sorted_members_and_the_slot():
    seen = []

    def utility(player: int, slot: int, members: tuple[int, ...]) -> float:
        seen.append((player, slot, members))
        return 0.0

    game = CallableGame(utility, 3, slots=2, labelled=True)
    game.values(Partition([1, 0, 1]), 0)
    assert seen == [(0, 0, (0, 1)), (0, 1, (0, 2))]
    assert all(type(k) is int for player, slot, members in seen for k in (player, slot, *members))


def test_a_player_who_may_stay_out_gets_what_is_outside():
    game = CallableGame(lambda i, slot, members: -float(len(members)), 2, slots=1, outside=[0, -5])
    assert game.starting_partition() == Partition([OUT, OUT])
    assert game.utilities(Partition([OUT, OUT])).tolist() == [0, -5]
    assert game.values(Partition([OUT, 0]), 0).tolist() == [-2, 0]
    assert game.regrets(Partition([OUT, OUT])).tolist() == [0, 4]
    assert game.magnitudes().tolist() == [2 * 1e-4, 2]  # the first player may hope for 0


def test_labelled_slots_are_measured_each():
    game = CallableGame(lambda i, slot, members: 10.0 * slot, 2, slots=3, labelled=True)
    assert game.magnitudes().tolist() == [20, 20]


@pytest.mark.parametrize(("players", "calls"), [(1, 1), (2, 4), (13, 13 * 2**12), (14, 14 * (2 + 2 * 13))])
def test_magnitudes_of_a_function_are_measured_once_and_on_so_many_coalitions(players, calls):
    seen = []
    game = CallableGame(lambda i, slot, members: float(len(seen.append(members) or members)), players)
    game.magnitudes()
    assert game.magnitudes().tolist() == [players] * players
    assert len(seen) == calls <= players * max(MEASURED, 2 * players)


@pytest.mark.parametrize("value", [1, True, 1.0, np.float32(1), np.int8(1), np.bool_(True), Fraction(1)])
def test_a_function_may_give_any_real_number(value):
    utility = CallableGame(lambda i, slot, members: value, 1).utility(0, 0, (0,))
    assert type(utility) is float
    assert utility == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1j, np.complex128(1), None, "1", 10**400, np.ones(1)])
def test_a_function_that_gives_no_finite_number_is_refused(value):
    game = CallableGame(lambda i, slot, members: value, 2)
    with pytest.raises(InvalidGame, match=r"^utility\(0, 0, \(0, 1\)\) must be a finite number, got .+$"):
        game.regrets(Partition([0, 0]))


# One player, and what is refused.


@pytest.mark.parametrize("setting", [{}, {"slots": 1}, {"slots": 3}, {"slots": 1, "heads": [0]}, {"names": ["a"]}])
@pytest.mark.parametrize("build", [*PAIRWISE.values(), AnonymousGame], ids=[*PAIRWISE, "anonymous"])
def test_one_player_is_a_game(build, setting):
    game = build([[0]], **setting)
    partition = game.starting_partition()
    assert certify(game, partition, tolerance=gain_tolerance(game)).holds
    assert game.utilities(partition).tolist() == game.regrets(partition).tolist() == [0]
    assert game.magnitudes().tolist() == [1]


def test_a_game_says_what_it_is():
    assert repr(BUILT[0]) == "AdditivelySeparableGame(2 players, free slots)"
    assert repr(AnonymousGame([[1]], slots=2, title="alone")) == "AnonymousGame(1 players, 2 slots, 'alone')"
    assert AnonymousGame([[0, 1], [1, 0]], names=["a", "b"]).names == ("a", "b")


REFUSED_WEIGHTS = [
    ([[0, 1, 2], [1, 0, 2]], r"must be \(players, players\), got shape \(2, 3\)"),
    (csr_array(np.zeros((2, 3))), r"must be \(players, players\), got shape \(2, 3\)"),
    (np.zeros((0, 0)), r"with at least one player, got shape \(0, 0\)"),
    (csr_array((0, 0)), r"with at least one player, got shape \(0, 0\)"),
    ([1.0, 2.0], r"must have 2 dimensions, got shape \(2,\)"),
    ([], r"must have 2 dimensions, got shape \(0,\)"),
    (3.0, r"must have 2 dimensions, got shape \(\)"),
    ([[0, 1], [1]], "must be a rectangular array of numbers, got rows of different lengths"),
    ([[0, np.nan], [1, 0]], r"must be finite, got nan at \[0, 1\]"),
    (csr_array([[0, 0, 0], [1, 0, -np.inf], [0, 0, 0]]), r"must be finite, got -inf at \[1, 2\]"),
    (np.array([[0, 1j], [1, 0]]), "must be real numbers, got complex128"),
    (csr_array(np.array([[0, 1j], [1, 0]])), "must be real numbers, got complex128"),
    (np.array([[0, Fraction(1, 3)], [1, 0]]), "must be real numbers, got object"),
    (np.array([[False, True], [True, False]]), "must be real numbers, got bool"),
    (csr_array(np.array([[False, True], [True, False]])), "must be real numbers, got bool"),
    ([["0", "1"], ["1", "0"]], "must be real numbers, got <U1"),
    ([[0, 1e308, 1e308], [0] * 3, [0] * 3], "every row must have a finite sum, got inf in row 0"),
]


@pytest.mark.parametrize(("weights", "rule"), REFUSED_WEIGHTS, ids=range(len(REFUSED_WEIGHTS)))
@pytest.mark.parametrize("kind", PAIRWISE)
def test_weights_that_make_no_game_are_refused(kind, weights, rule):
    with pytest.raises(InvalidGame, match=f"^weights:? .*{rule}$"):
        PAIRWISE[kind](weights)


@pytest.mark.parametrize("table", [np.eye(3) * [0, 0, 2], csr_array(np.eye(3) * [0, 0, 2])])
def test_a_player_has_no_value_for_itself(table):
    with pytest.raises(InvalidGame, match=r"^weights: nobody values itself.* must be 0, got 2 at 2$"):
        AdditivelySeparableGame(table)


@pytest.mark.parametrize(("values", "rule"), REFUSED_WEIGHTS[:1] + REFUSED_WEIGHTS[4:9], ids=range(6))
def test_values_that_make_no_game_are_refused(values, rule):
    with pytest.raises(InvalidGame, match=f"^values .*{rule}$"):
        AnonymousGame(values)


@pytest.mark.parametrize(
    ("friends", "rule"),
    [
        ([[0, 2], [1, 0]], "friends must be true or false, got 2"),
        ([[1, 1], [1, 0]], "friends: nobody values itself, so the diagonal must be 0, got 1 at 0"),
        ([[0, 1, 0]], r"friends must be \(players, players\), got shape \(1, 3\)"),
        ([[0, np.nan], [1, 0]], r"friends must be finite, got nan at \[0, 1\]"),
    ],
)
def test_friends_are_true_or_false(friends, rule):
    with pytest.raises(InvalidGame, match=f"^{rule}$"):
        friends_and_enemies(friends)


REFUSED_SETTINGS = [
    ({"slots": 0}, "slots must be >= 1, got 0"),
    ({"slots": -3}, "slots must be >= 1, got -3"),
    ({"slots": 1.5}, "slots must be a whole number, got 1.5"),
    ({"slots": True}, "slots must be a whole number, got True"),
    ({"slots": "2"}, "slots must be a whole number, got '2'"),
    ({"slots": 2, "heads": [0, 0]}, "heads.*got 0 twice"),
    ({"slots": 2, "heads": [0, 2]}, "heads.*got 2"),
    ({"slots": 2, "heads": [0, -1]}, "heads.*got -1"),
    ({"slots": 2, "heads": [0, 0.5]}, "heads.*got 0.5"),
    ({"slots": 1, "heads": [0, 1]}, "heads.*got 2 heads"),
    ({"heads": [0, 1]}, "heads.*got 2 heads"),
    ({"names": ["a"]}, "names.*got 1"),
    ({"names": ["a", "a"]}, "names.*got 'a' twice"),
]


@pytest.mark.parametrize(("setting", "rule"), REFUSED_SETTINGS, ids=[rule for _, rule in REFUSED_SETTINGS])
@pytest.mark.parametrize(
    "build",
    [
        lambda **setting: AdditivelySeparableGame([[0, 1], [1, 0]], **setting),
        lambda **setting: AnonymousGame([[0, 1], [1, 0]], **setting),
        lambda **setting: CallableGame(lambda i, slot, members: 0.0, 2, **setting),
    ],
    ids=["weights", "sizes", "function"],
)
def test_settings_that_do_not_fit_are_refused_in_one_line(build, setting, rule):
    with pytest.raises(InvalidGame, match=f"^{rule}$") as caught:
        build(**setting)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "setting", "rule"),
    [
        ((3, 2), {}, "utility must be a function of player, slot and members, got 3"),
        ((max, 0), {}, "players must be >= 1, got 0"),
        ((max, 2.0), {}, "players must be a whole number, got 2.0"),
        ((max, 2), {"labelled": True}, "slots must be a fixed number where they are labelled, got None"),
        ((max, 2), {"outside": np.nan}, "outside must be finite, got nan"),
        ((max, 2), {"outside": [1, 2, 3]}, r"outside must be a number or \(2,\), got shape \(3,\)"),
    ],
)
def test_a_function_game_that_is_none_is_refused(arguments, setting, rule):
    with pytest.raises(InvalidGame, match=f"^{rule}$"):
        CallableGame(*arguments, **setting)


@pytest.mark.parametrize("game", BUILT[:3], ids=repr)
@pytest.mark.parametrize(
    ("slots", "rule"), [([0, 0, 0], "to 2 players, got 3"), ([0, 2], "slot 2"), ([0, OUT], "player 1 in no coalition")]
)
def test_partitions_of_another_game_are_refused(game, slots, rule):
    for ask in (game.utilities, game.best_moves, game.regrets, lambda partition: game.values(partition, 0)):
        with pytest.raises(InvalidGame, match=rule):
            ask(Partition(slots))


@pytest.mark.parametrize("game", BUILT[:3], ids=repr)
@pytest.mark.parametrize("player", [-1, 2, 10**9])
def test_values_of_an_unknown_player_are_refused(game, player):
    with pytest.raises(InvalidGame, match=f"^player must be 0 to 1, got {player}$"):
        game.values(Partition([0, 1]), player)


def test_every_order_of_three_players_has_the_same_facts():
    weights = np.array([[0, 2, -1], [1, 0, 3], [-2, 1, 0]])
    counts = [
        [len(found) for found in stable_partitions(AdditivelySeparableGame(weights[np.ix_(order, order)])).values()]
        for order in permutations(range(3))
    ]
    assert all(count == counts[0] for count in counts)
