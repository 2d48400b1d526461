"""Coalition games by definition: what a player gets, gains and is let do, looked at one move at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from solvers.hedonic import AnonymousGame, BestWorstGame, FractionalGame, HedonicGame, Partition

Table: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

OUT = Partition.OUT
RELATIVE = 1e-9  # of the size of a player's utilities: a gain up to that is no reason to leave
JOINED = ("individual", "contractual")  # the concepts in which the members of the joined coalition may object
LEFT = ("contractual", "contractual-nash")  # and those of the left one


def places(game: HedonicGame, slots: Sequence[int], player: int) -> list[int]:
    """Where a player may go: any other slot, of empty ones that are alike the first, and out."""
    if player in game.heads:
        return []
    empty = [j for j in range(game.capacity) if j not in slots]
    open_to_all = [j for j in range(game.capacity) if game.labelled or j not in empty[1:]]
    return [j for j in [*open_to_all, *([OUT] if game.has_out else [])] if j != slots[player]]


def moved(slots: Sequence[int], player: int, target: int) -> list[int]:
    """The slots after a player has gone to `target`."""
    return [target if k == player else j for k, j in enumerate(slots)]


def worth(game: HedonicGame, slots: Sequence[int], player: int) -> float:
    """What a player gets."""
    j = slots[player]
    members = [player] if j == OUT else [k for k, s in enumerate(slots) if s == j]
    return game.utility(player, j, members)


def gain_of(game: HedonicGame, slots: Sequence[int], player: int, target: int) -> float:
    """What a player gains by going to `target`."""
    return worth(game, moved(slots, player, target), player) - worth(game, slots, player)


def best_gains(game: HedonicGame, partition: Partition) -> Table:
    """What each player gains by its best move, (players,)."""
    slots = partition.slots.tolist()
    gains = [[gain_of(game, slots, i, j) for j in places(game, slots, i)] for i in range(game.players)]
    return np.array([max([0.0, *each]) for each in gains])


def tolerances(game: HedonicGame) -> Table:
    """The gain, or loss, of each player that is none, (players,)."""
    return RELATIVE * game.magnitudes()


def nash_stable(game: HedonicGame, partition: Partition) -> bool:
    """Whether nobody gains anything by any move."""
    return bool(np.all(best_gains(game, partition) <= tolerances(game)))


def permits(game: HedonicGame, slots: Sequence[int], player: int, target: int, concept: str, least: Table) -> bool:
    """Whether nobody who may object to the move loses more than `least`, (players,)."""
    after, source = moved(slots, player, target), slots[player]
    asked = [k for k, j in enumerate(slots) if j == target and j != OUT] if concept in JOINED else []
    asked += [k for k, j in enumerate(slots) if j == source and j != OUT and k != player] if concept in LEFT else []
    return all(worth(game, slots, k) - worth(game, after, k) <= least[k] for k in asked)


def switches(game: HedonicGame, slots: Sequence[int], concept: str) -> dict[tuple[int, int], float]:
    """What each move gains, by player and place, that gains anything and is permitted."""
    least = tolerances(game)
    moves = {(i, j): gain_of(game, slots, i, j) for i in range(game.players) for j in places(game, slots, i)}
    return {
        (i, j): gain for (i, j), gain in moves.items() if gain > least[i] and permits(game, slots, i, j, concept, least)
    }


def all_partitions(game: HedonicGame) -> Iterator[Partition]:
    """Each once: slots that are alike are filled in order."""
    everywhere = range(OUT if game.has_out else 0, game.capacity)
    for slots in itertools.product(everywhere, repeat=game.players):
        if any(slots[head] != j for j, head in enumerate(game.heads)):
            continue
        used = [j for j in dict.fromkeys(slots) if j != OUT]
        if game.labelled or game.heads or used == sorted(used) == list(range(len(used))):
            yield Partition(slots)


def numbered(game: HedonicGame, partition: Partition) -> Partition:
    """The partition with slots in order of their first members, where they are alike."""
    return partition if game.labelled or game.heads else partition.canonical


def plain_utility(game: HedonicGame, weights: Table | None, player: int, members: list[int]) -> float:
    """By the definition of its class, from its weights or values one at a time."""
    if isinstance(game, AnonymousGame):
        return float(game.values_by_size[player, len(members) - 1])
    assert weights is not None
    got = [float(weights[player, k]) for k in members if k != player]
    if isinstance(game, BestWorstGame):
        return (min if game.worst else max)(got) if got else 0.0
    return sum(got) / len(members) if isinstance(game, FractionalGame) else sum(got)


def weights_of(game: Any) -> Table | None:
    """The weights as a table, of a game that has them."""
    return None if isinstance(game, AnonymousGame) else game.weights.toarray()


def compares_exactly(game: Any) -> bool:
    """Whether values are whole numbers, or quotients of them, so that equal ones are equal in floats."""
    values = game.values_by_size if isinstance(game, AnonymousGame) else getattr(game, "data", None)
    return values is not None and bool(np.all(values == np.rint(values)))
