"""Labelled slots: a Boolean for every player and slot says whether it is there."""

from __future__ import annotations

import numpy as np

from solvers.hedonic._exact_program import Literal, Program, Value
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT, Partition


class Slots(Program):
    """The ways of putting the players into labelled slots, or nowhere where that is allowed.

    `there[i][j]` is the literal of player i being in slot j; the last entry is for being out.
    """

    def __init__(self, game: HedonicGame, concept: str) -> None:
        super().__init__(game, concept)
        self.movers: list[int] = np.flatnonzero(game.movable).tolist()
        self.there: list[list[Literal]] = [self._places(i) for i in range(game.players)]

    def _places(self, player: int) -> list[Literal]:
        slots = range(self.game.capacity)
        if player in self.game.heads:
            own = self.game.heads.index(player)
            return [self.true if j == own else ~self.true for j in [*slots, OUT]]
        places = [self.whether(f"there_{player}_{j}") for j in slots]
        places.append(self.whether(f"out_{player}") if self.game.has_out else ~self.true)
        self.model.add_exactly_one(places)
        return places

    def partition(self, value: Value) -> Partition:
        """The partition in which all are where they are."""
        places = [[bool(value(literal)) for literal in row].index(True) for row in self.there]
        return Partition([j if j < self.game.capacity else OUT for j in places])

    def differs(self, partition: Partition) -> list[Literal]:
        """Somebody is elsewhere."""
        return [~self.there[i][int(partition.slots[i])] for i in self.movers]
