"""Pinned hedonic games, each with its source and all its stable partitions, or whether there is one.

Coalitions are written as words of one-digit players, the first in slot 0: "02 1" is {0, 2} and {1}; "-" is an empty
slot, and who is not named is out. Sources number players from 1; here they are numbered from 0. Where a source gives
preferences as rankings, `ranked` makes the utility of a coalition the number of those ranked below it.
Facts about games of at most six players are checked by brute force over all partitions in test_hedonic_games.py: with
free coalitions for every concept, with fixed slots for "nash".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._callable import CallableGame
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._pairwise import (
    AdditivelySeparableGame,
    BestWorstGame,
    FractionalGame,
    friends_and_enemies,
)
from solvers.hedonic._partition import Partition


@dataclass(frozen=True, eq=False)
class Case:
    """A named game, and what is known of its partitions.

    `facts` says of a concept ("nash", "individual", "core", ...) whether a partition that is stable in its sense
    exists; `stable` lists all such partitions where there are few, in order of their slots.
    """

    name: str
    game: HedonicGame
    source: str
    facts: Mapping[str, bool]
    stable: Mapping[str, tuple[Partition, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def case(name: str, game: HedonicGame, source: str, *, none: str = "", some: str = "", **stable: Sequence[str]) -> Case:
    """The case with concepts without (`none`) and with stable partitions (`some`), or with all of them in words."""
    listed = {
        concept.replace("_", "-"): tuple(sorted((partition(words, game.players) for words in found), key=slots_of))
        for concept, found in stable.items()
    }
    known = {**dict.fromkeys(none.split(), False), **dict.fromkeys(some.split(), True)}
    return Case(name, game, source, {**known, **{concept: bool(found) for concept, found in listed.items()}}, listed)


def partition(words: str, players: int) -> Partition:
    """The partition in `words`: "02 1" is {0, 2} and {1}."""
    return Partition.from_coalitions([[] if word == "-" else map(int, word) for word in words.split()], players)


def slots_of(partition: Partition) -> list[int]:
    """The slots as a list, which can be ordered."""
    return partition.slots.tolist()


def ranked(*rankings: str) -> CallableGame:
    """The game of free coalitions in which player i ranks its own as the i-th words do, best first, all others last.

    Coalitions joined by "=" are equally good.
    """
    worth: list[dict[tuple[int, ...], float]] = []
    for words in rankings:
        tiers = [tier.split("=") for tier in words.split()]
        worth.append({tuple(map(int, c)): float(len(tiers) - k) for k, tier in enumerate(tiers) for c in tier})
    return CallableGame(lambda player, slot, members: worth[player].get(tuple(members), 0.0), len(rankings))


def symmetric(players: int, **weights: str) -> np.ndarray:
    """The symmetric matrix with the weight in each word's name, such as `w6="01 23"`, for the pairs in the word."""
    matrix = np.zeros((players, players))
    for name, pairs in weights.items():
        for first, second in pairs.split():
            matrix[int(first), int(second)] = matrix[int(second), int(first)] = float(name[1:])
    return matrix


def ring(weights: list[float]) -> np.ndarray:
    """The matrix in which each player has `weights` for itself, the next, the one after, and so on round."""
    return np.array([np.roll(weights, i) for i in range(len(weights))])


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    return tuple(value for value in globals().values() if isinstance(value, Case))


STALKER = case(
    "stalker",
    AdditivelySeparableGame([[0, 1], [-1, 0]], title="stalker"),
    "after Bogomolnaia and Jackson, Games and Economic Behavior 38 (2002): player 0 runs after player 1, who runs away",
    nash=[],
    individual=["0 1"],
    contractual=["01", "0 1"],
    contractual_nash=["01"],
    core=["0 1"],
    rational=["0 1"],
)

FRACTIONAL_STALKER = case(
    "fractional stalker",
    FractionalGame([[0, 1], [-1, 0]], title="fractional stalker"),
    "the same with averages",
    nash=[],
    individual=["0 1"],
    core=["0 1"],
)

BEST_STALKER = case(
    "stalker with B-preferences",
    BestWorstGame([[0, 1], [-1, 0]], worst=False, title="stalker with B-preferences"),
    "the same with B-preferences, which are W-preferences for two players",
    nash=[],
    individual=["0 1"],
    core=["0 1"],
)

PAIRS_BEST = case(
    "three who prefer pairs",
    ranked("01 02 012 0", "12 01 012 1", "02 12 012 2"),
    "after Banerjee, Konishi, Sönmez, Social Choice and Welfare 18 (2001): a game with three players and no core",
    nash=["012"],
    individual=["012"],
    core=[],
    strict_core=[],
)
"""Each of the three pairs would leave the grand coalition, and each is left by one player for the next pair."""

CROWD = case(
    "two is company, three is a crowd",
    ranked("01 02 0 012", "12 01 1 012", "02 12 2 012"),
    "after Bogomolnaia and Jackson, Games and Economic Behavior 38 (2002): the same, but three are worse than one",
    nash=[],
    individual=[],
    contractual=["0 12", "01 2", "02 1"],
    contractual_nash=["0 12", "01 2", "02 1"],
    core=[],
    rational=["0 12", "01 2", "02 1", "0 1 2"],
)

UNDESIRED_GUEST = case(
    "undesired guest",
    ranked("01 0 012 02", "01 1 012 12", "012 12 02 2"),
    "after Bogomolnaia and Jackson, Games and Economic Behavior 38 (2002): two want to be alone together, and a third "
    "wants to join them",
    nash=[],
    individual=["01 2"],
    contractual_nash=["012", "0 12"],
    core=["01 2"],
    strict_core=["01 2"],
    rational=["01 2", "0 1 2"],
)

RING = case(
    "ring of five",
    AdditivelySeparableGame(ring([0, 2, -4, -4, 1]), title="ring of five"),
    "after Bogomolnaia and Jackson, Games and Economic Behavior 38 (2002): additively separable, with neither a core "
    "nor an individually stable partition",
    nash=[],
    individual=[],
    core=[],
    some="contractual contractual-nash",
)
"""Each likes the next by 2 and the last by 1, and minds everybody else more."""

SIX = case(
    "six in a symmetric game",
    AdditivelySeparableGame(
        symmetric(6, **{"w6": "01 23 45", "w5": "05 12 34", "w4": "02 24 04", "w-33": "03 14 25 13 15 35"}),
        title="six in a symmetric game",
    ),
    "after Banerjee, Konishi, Sönmez, Social Choice and Welfare 18 (2001), and Aziz, Brandt, Seedig, Artificial "
    "Intelligence 195 (2013): additively separable and symmetric, so Nash-stable somewhere, without a core",
    nash=["012 3 45", "01 234 5", "024 1 3 5", "045 1 23"],
    individual=["012 3 45", "01 234 5", "024 1 3 5", "045 1 23"],
    core=[],
)

ROOMMATES = case(
    "roommates",
    ranked("01 02 03 0", "12 01 13 1", "02 12 23 2", "03 13 23 3"),
    "Gale and Shapley, American Mathematical Monthly 69 (1962), example 3: no stable matching; rooms for more than two "
    "are as good as none",
    nash=["01 23", "02 13", "03 12"],
    core=[],
    strict_core=[],
)
"""By a single move nobody can leave a pair for another pair, so every pairing of all four is Nash-stable."""

FRIENDS = case(
    "three friends in a ring and a fan",
    friends_and_enemies([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], title="friends in a ring and a fan"),
    "after Dimitrov, Borm, Hendrickx, Sung, Social Choice and Welfare 26 (2006): by appreciation of friends the "
    "strongly connected components of the graph of friends are in the strict core",
    nash=["0123"],
    individual=["0123", "012 3", "0 1 2 3"],
    core=["012 3"],
    strict_core=["012 3"],
    rational=["0123", "012 3", "0 1 2 3"],
)

AVERSION = case(
    "a clique of three friends and a friend of one",
    friends_and_enemies(
        [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]], aversion=True, title="a clique and a friend of one"
    ),
    "after Dimitrov, Borm, Hendrickx, Sung, Social Choice and Welfare 26 (2006): by aversion to enemies, taking a "
    "largest clique of mutual friends again and again gives a partition in the core",
    nash=["012 3"],
    individual=["012 3"],
    core=["012 3"],
    strict_core=["012 3"],
)

STAR = case(
    "star with four leaves",
    FractionalGame(symmetric(5, w1="01 02 03 04"), title="star with four leaves"),
    "after Aziz, Brandl, Brandt, Harrenstein, Olsen, Peters, ACM Transactions on Economics and Computation 7 (2019)",
    nash=["01234"],
    contractual_nash=["01234"],
    strict_core=["01234"],
    some="core",
)

PATH = case(
    "path of four",
    FractionalGame(symmetric(4, w1="01 12 23"), title="path of four"),
    "after Aziz et al. (2019): a perfect matching of a bipartite graph is in the core",
    nash=["0123", "01 23"],
    core=["0123", "01 23", "03 12", "0 12 3"],
    strict_core=["01 23"],
)

PENTAGON = case(
    "pentagon",
    FractionalGame(symmetric(5, w1="01 12 23 34 04"), title="pentagon"),
    "after Aziz et al. (2019): a graph without triangles and squares has a core, which need not be strict",
    nash=["01234", "012 34", "014 23", "01 234", "034 12", "04 123"],
    strict_core=[],
    some="individual core",
)

NO_FRACTIONAL_CORE = case(
    "fractional game without a core",
    FractionalGame([[0, 4, -2, 1], [-2, 0, 3, -2], [4, -2, 0, 3], [3, 1, 1, 0]], title="fractional without a core"),
    "found by search: integers from -2 to 4 for four players",
    core=[],
    some="individual",
)

LONER = case(
    "company and solitude",
    AnonymousGame([[0, 1], [1, 0]], title="company and solitude"),
    "after Ballester, Games and Economic Behavior 49 (2004): anonymous games need not have a Nash-stable partition",
    nash=[],
    individual=["0 1"],
    contractual_nash=["01"],
    core=["0 1"],
)

PARTIES = case(
    "party affiliation",
    AdditivelySeparableGame(symmetric(3, **{"w-1": "01 02 12"}), slots=2, title="party affiliation"),
    "after Fabrikant, Papadimitriou, Talwar, The complexity of pure Nash equilibria, STOC 2004: three enemies and two "
    "parties; somebody always has to put up with another",
    nash=["01 2", "02 1", "0 12"],
)

HEADED_STALKER = case(
    "stalker between two heads",
    AdditivelySeparableGame(
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, -1, 0]],
        slots=2,
        heads=[0, 1],
        title="stalker between two heads",
    ),
    "the stalker with two slots and heads that nobody minds",
    nash=[],
)
