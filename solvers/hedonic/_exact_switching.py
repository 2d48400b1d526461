"""A stable partition by luck: a short walk of best switches, before a long search is begun."""

from __future__ import annotations

import time

import numpy as np

from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._partition import OUT, Partition

WALKS = 200
SWITCHES_PER_PLAYER = 15


def walked_into(game: HedonicGame, seconds: float) -> Partition | None:
    """A Nash-stable partition, if a few walks find one in time: from the start, then from random partitions.

    In each step a random player who gains more than its tolerance goes where it gains most. The random numbers are the
    same at every call.
    """
    rng, tolerances = np.random.default_rng(0), gain_tolerance(game)
    start, limit = game.starting_partition(), time.perf_counter() + seconds
    for _ in range(WALKS):
        partition = start
        for _ in range(SWITCHES_PER_PLAYER * game.players):
            best, places = game.best_moves(partition)
            gainers = np.flatnonzero(~(best - game.utilities(partition) <= tolerances))
            if not len(gainers):
                return partition
            if time.perf_counter() > limit:
                return None
            player = int(rng.choice(gainers))
            partition = partition.moved(player, int(places[player]))
        start = _anywhere(game, rng)
    return None


def _anywhere(game: HedonicGame, rng: np.random.Generator) -> Partition:
    """Everybody in a random slot, or out where that is allowed; heads in theirs."""
    slots = rng.integers(OUT if game.has_out else 0, game.capacity, game.players)
    slots[list(game.heads)] = np.arange(len(game.heads))
    return Partition(slots)
