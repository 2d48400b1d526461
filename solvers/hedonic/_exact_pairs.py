"""Coalitions as pairs: a Boolean for every two players says whether they are together."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from solvers.core import Array, Positions
from solvers.hedonic._exact_program import Literal, Program, Value, within
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT, Partition

MOST = 100  # players; at 100 the transitivity of being together takes half a million clauses


class Pairs(Program):
    """The partitions of players into free coalitions, or a fixed number of them, with or without heads.

    `together[i][k]` is the literal of i and k being in one coalition. `vacant` is the literal of a coalition of its own
    being open to anybody: true where coalitions are free, or the literal of one of the slots being empty.
    """

    def __init__(self, game: HedonicGame, concept: str) -> None:
        super().__init__(game, concept)
        n = game.players
        within("the number of players", n, MOST, "where coalitions are encoded by pairs")
        self.together: list[list[Literal]] = [[self.true] * n for _ in range(n)]
        for i, k in combinations(range(n), 2):
            self.together[i][k] = self.together[k][i] = self.whether(f"together_{i}_{k}")
        for i, j, k in combinations(range(n), 3):
            self._transitive(self.together[i][j], self.together[j][k], self.together[i][k])
        self.movers: list[int] = np.flatnonzero(game.movable).tolist()
        self.vacant = self._vacancy()
        self._alone: dict[int, Literal] = {}

    def _transitive(self, a: Literal, b: Literal, c: Literal) -> None:
        for one, two, three in ((a, b, c), (b, c, a), (c, a, b)):
            self.model.add_bool_or([~one, ~two, three])

    def _vacancy(self) -> Literal:
        heads, slots = self.game.heads, self.game.slots
        for i in self.movers if heads else ():
            self.model.add_exactly_one(self.together[i][h] for h in heads)
        for g, h in combinations(heads, 2):
            self.model.add(self.together[g][h] == 0)
        if heads:
            return ~self.true
        if slots is None or slots > self.game.players:
            return self.true
        first = [self._first(i) for i in range(self.game.players)]
        vacant = self.whether("vacant")
        self.model.add(sum(first) <= slots - 1).only_enforce_if(vacant)
        self.model.add(sum(first) == slots).only_enforce_if(~vacant)
        return vacant

    def _first(self, player: int) -> Literal:
        """The literal of no player before this one being with it."""
        first, earlier = self.whether(f"first_{player}"), self.together[player][:player]
        self.imply([], [first, *earlier])
        for other in earlier:
            self.imply([first], [~other])
        return first

    def alone(self, player: int) -> Literal:
        """The literal of nobody being with the player."""
        if player not in self._alone:
            literal = self._alone[player] = self.whether(f"alone_{player}")
            others = [self.together[player][k] for k in range(self.game.players) if k != player]
            self.imply([], [literal, *others])
            for other in others:
                self.imply([literal], [~other])
        return self._alone[player]

    def partition(self, value: Value) -> Partition:
        """The partition whose pairs these are; heads in their slots."""
        slots = np.full(self.game.players, OUT, dtype=np.intp)
        leaders = list(self.game.heads) or range(self.game.players)
        following = 0
        for leader in leaders:
            if slots[leader] == OUT:
                slots[[bool(value(literal)) for literal in self.together[leader]]] = following
                following += 1
        return Partition(slots)

    def differs(self, partition: Partition) -> list[Literal]:
        """Some two together that are not, or apart that are not."""
        slots = partition.slots
        pairs = combinations(range(self.game.players), 2)
        return [~self.together[i][k] if slots[i] == slots[k] else self.together[i][k] for i, k in pairs]


def dense(indptr: Positions, indices: Positions, data: Array) -> Array:
    """The rows as one dense array, (players, players)."""
    table = np.zeros((len(indptr) - 1, len(indptr) - 1))
    table[np.repeat(np.arange(len(table)), np.diff(indptr)), indices] = data
    return table
