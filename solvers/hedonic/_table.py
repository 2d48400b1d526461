"""What every member gets in every coalition, as one array; and what many partitions at once are worth by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvers.core import Array, Mask, Positions
from solvers.hedonic._game import HedonicGame, members_of
from solvers.hedonic._listing import blocks, distinguished, number_of_coalitions, number_of_partitions

COUNTED = 2**300  # coalitions up to which partitions are counted too: with thousands of players that takes minutes
MAX_COALITIONS = 2**17  # in a table: at about eight members each, a million utilities


def too_large(game: HedonicGame, limit: int) -> str:
    """Why the partitions of the game, or its coalitions, are too many to list; empty where they are not."""
    coalitions = number_of_coalitions(game)
    found = number_of_partitions(game) if coalitions <= COUNTED else 0
    if found > limit:
        return f"{count(found)} partitions, more than the limit of {limit}"
    return f"{count(coalitions)} coalitions, more than {MAX_COALITIONS}" if coalitions > MAX_COALITIONS else ""


def count(number: int) -> str:
    """The number in digits, or as a power of two where those are too many to read."""
    return str(number) if number < 10**12 else f"about 2^{number.bit_length() - 1}"


class Batch(NamedTuple):
    """Some partitions: their slots, (rows, players), the coalitions there, (rows, slots + 1), and utilities.

    A coalition is the sum of 2**b over the places b of its members among the players that may move. The last column of
    `coalitions` is who is out. `utilities` are (rows, players).
    """

    slots: Positions
    coalitions: Positions
    utilities: Array


class CoalitionTable:
    """Utilities by slot and coalition: `values[slot, coalition, player]`, nan for who is not a member.

    Slots that are not told apart share one layer. Heads are members wherever they are heads, and no part of the
    coalition's number. The entries are `game.coalition_values`.
    """

    def __init__(self, game: HedonicGame) -> None:
        self.game = game
        self.movers: list[int] = np.flatnonzero(game.movable).tolist()
        self.layers = game.capacity if distinguished(game) else 1
        self.values = self._filled()
        self.out = np.full(game.players, -np.inf)
        if game.has_out:
            self.out[self.movers] = [game.utility(i, -1, (i,)) for i in self.movers]

    def _filled(self) -> Array:
        values = np.full((self.layers, 2 ** len(self.movers), self.game.players), np.nan)
        for slot in range(self.layers):
            for i in range(self.game.players):
                values[slot, :, i] = self.game.coalition_values(i, slot)
        return values

    def members(self, slot: int, coalition: int) -> tuple[int, ...]:
        """Who is in `coalition` in `slot`, the head too, in order."""
        return members_of(coalition, self.movers, self.game.heads[slot : slot + 1])

    def layer(self, slots: npt.NDArray[np.intp] | int) -> npt.NDArray[np.intp] | int:
        """The layer of the table for each slot."""
        return slots if self.layers > 1 else slots * 0

    def batches(self) -> Iterator[Batch]:
        """All feasible partitions with their utilities; `too_large` says beforehand whether that is wise."""
        for slots in blocks(self.game):
            yield self.batch(slots)

    def batch(self, slots: Positions) -> Batch:
        """The coalitions and utilities of partitions given as rows of slots."""
        rows = np.arange(len(slots))
        coalitions = np.zeros((len(slots), self.game.capacity + 1), dtype=np.intp)
        for b, i in enumerate(self.movers):
            coalitions[rows, slots[:, i]] |= 1 << b
        utilities = np.empty(slots.shape)
        for i in range(self.game.players):
            own = slots[:, i]
            inside = self.values[self.layer(own), coalitions[rows, own], i]
            utilities[:, i] = np.where(own < 0, self.out[i], inside)
        return Batch(slots, coalitions, utilities)

    def harmful_joins(self, tolerances: Array) -> Mask:
        """[layer, coalition, b]: whether the mover at place b hurt a member of `coalition`, its own, by joining it."""
        return self._harm(tolerances, joining=True)

    def harmful_leaves(self, tolerances: Array) -> Mask:
        """[layer, coalition, b]: whether the mover at place b would hurt a member of `coalition` by leaving it."""
        return self._harm(tolerances, joining=False)

    def _harm(self, tolerances: Array, *, joining: bool) -> Mask:
        every = np.arange(self.values.shape[1])
        harm = np.zeros((*self.values.shape[:2], len(self.movers)), dtype=bool)
        for b in range(len(self.movers)):
            inside = every[every >> b & 1 == 1]
            losses = self.values[:, inside] - self.values[:, inside ^ (1 << b)]
            harm[:, inside, b] = np.any((-losses if joining else losses) > tolerances, axis=-1)
        return harm
