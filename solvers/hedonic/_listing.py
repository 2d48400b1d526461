"""All feasible partitions of a game, each once, as rows of slots; and their number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from solvers.core import Positions
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT

ROWS = 2**15  # of one block: small enough for the cache, large enough to hide the cost of a NumPy call


def distinguished(game: HedonicGame) -> bool:
    """Whether slots are told apart, by their labels or by their heads."""
    return game.labelled or bool(game.heads)


def number_of_partitions(game: HedonicGame) -> int:
    """How many feasible partitions there are, those counted once that differ in the numbering of like slots only.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> number_of_partitions(AdditivelySeparableGame(np.zeros((10, 10))))  # the tenth Bell number
    115975
    """
    movers = game.players - len(game.heads)
    if distinguished(game):
        return int((game.capacity + game.has_out) ** movers)
    counts = [1]  # entry k: ways to place the players so far, with k slots in use
    for _ in range(movers):
        following = [0] * min(len(counts) + 1, game.capacity + 1)
        for used, ways in enumerate(counts):
            following[used] += (used + game.has_out) * ways
            if used < game.capacity:
                following[used + 1] += ways
        counts = following
    return sum(counts)


def number_of_coalitions(game: HedonicGame) -> int:
    """How many pairs of a coalition and a slot that makes a difference there are."""
    slots = game.capacity if distinguished(game) else 1
    return int(slots * 2 ** (game.players - len(game.heads)))


def blocks(game: HedonicGame, rows: int = ROWS) -> Iterator[Positions]:
    """All feasible partitions in lexicographic order, `OUT` first: arrays (some, players), about `rows` of them each.

    Slots that are not told apart are numbered in order of their first members (restricted growth strings). The player
    in the last place varies fastest.
    """
    start = np.full((1, game.players), OUT, dtype=np.intp)
    start[:, list(game.heads)] = np.arange(len(game.heads))
    movers = np.flatnonzero(game.movable).tolist()
    waiting = [(0, start)]
    while waiting:  # at most one entry per place and part of a block
        placed, block = waiting.pop()
        if placed == len(movers):
            yield block
            continue
        grown = _extended(game, block, movers[:placed], movers[placed])
        parts = np.array_split(grown, -(-len(grown) // rows))
        waiting.extend((placed + 1, part) for part in reversed(parts))


def _extended(game: HedonicGame, block: Positions, placed: list[int], player: int) -> Positions:
    """Each row once for every slot that `player` may be in, given where those before it are."""
    lowest = OUT if game.has_out else 0
    if distinguished(game):
        highest = np.full(len(block), game.capacity - 1)
    else:
        used = block[:, placed].max(axis=1, initial=OUT) + 1
        highest = np.minimum(used, game.capacity - 1)
    options = highest - lowest + 1
    grown = np.repeat(block, options, axis=0)
    first = np.repeat(np.cumsum(options) - options, options)
    grown[:, player] = lowest + np.arange(len(grown)) - first
    return grown
