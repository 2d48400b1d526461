"""Folds over all coalitions that a player can be in, by doubling: each from the one without its last member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from solvers.core import Array, Mask, Positions
from solvers.hedonic._game import HedonicGame

Fold = Callable[..., Any]  # a ufunc of two arguments


class Others(NamedTuple):
    """Who can be in a slot with a player: in order, and who of them need not be, which is all but the head."""

    players: Positions
    optional: Mask


def others(game: HedonicGame, player: int, slot: int) -> Others:
    """The movers and the head of `slot`, but not `player`."""
    inside = game.movable
    inside[list(game.heads[slot : slot + 1])] = True
    inside[player] = False
    players = np.flatnonzero(inside)
    return Others(players, game.movable[players])


def folded(fold: Fold, values: npt.NDArray[Any], optional: Mask, start: float) -> npt.NDArray[Any]:
    """The fold of `start` and the members' `values`, in their order, for every choice of the optional members, (2**k,).

    Bit b of an index says whether the b-th of the optional members is in; all others are always in.
    """
    found = np.empty(2 ** int(np.count_nonzero(optional)), dtype=values.dtype)
    found[0] = start
    size = 1
    for value, choice in zip(values, optional.tolist(), strict=True):
        if choice:
            fold(found[:size], value, out=found[size : 2 * size])
            size *= 2
        else:
            fold(found[:size], value, out=found[:size])
    return found


def numbers(optional: Mask) -> npt.NDArray[np.uint8]:
    """How many members each choice of the optional members makes, (2**k,)."""
    return folded(np.add, np.ones(len(optional), dtype=np.uint8), optional, 0)


def part_of(game: HedonicGame, player: int, slot: int, table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The entries of `table`, (2**movers,), for the coalitions of `slot` that `player` is in: a view to write to."""
    if player in game.heads:
        return table if game.heads[slot] == player else table[:0]
    place = int(np.count_nonzero(game.movable[:player]))
    return table.reshape(-1, 2, 1 << place)[:, 1]


def spread(game: HedonicGame, player: int, slot: int, values: Array) -> Array:
    """The values for all choices of others as values for all coalitions, (2**movers,): nan where `player` is not in."""
    found = np.full(2 ** (game.players - len(game.heads)), np.nan)
    part = part_of(game, player, slot, found)
    if part.size:
        part[...] = values.reshape(part.shape)
    return found
