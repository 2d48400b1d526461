"""Small games of any kind: a Boolean for every coalition, and every player in exactly one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from solvers.core import Array
from solvers.hedonic._exact_integers import EPS, scaled, summing_error
from solvers.hedonic._exact_program import Literal, Program, Value, within
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._table import CoalitionTable

MOST = 2**12  # coalitions, counted once per slot where slots are told apart


def coalitions(game: HedonicGame) -> int:
    """How many coalitions of players that may move there are, counted for each slot where slots are told apart."""
    layers = game.capacity if game.labelled or game.heads else 1
    return layers << int(np.count_nonzero(game.movable))


def fits(game: HedonicGame) -> bool:
    """Whether the game is small enough for all coalitions to be listed."""
    return coalitions(game) <= MOST


class Coalitions(Program):
    """The partitions of a game as exact covers: `formed[layer][coalition]` is the literal of a coalition being formed.

    Utilities are compared by rank: `ranks[i]` is the variable of the rank of what i gets among all that it could get.
    Coalitions are numbered as in `CoalitionTable`.
    """

    encoding = "coalitions, by rank"
    parameters: ClassVar[Mapping[str, int]] = {"cp_model_probing_level": 0, "symmetry_level": 0}

    def __init__(self, game: HedonicGame, concept: str) -> None:
        super().__init__(game, concept)
        within("the number of coalitions", coalitions(game), MOST, "for a game of this kind, all being listed")
        self.walks = game.labelled
        self.table = CoalitionTable(game)
        self.movers = self.table.movers
        self.shared = not (game.labelled or game.heads)  # one layer for slots that are not told apart
        self._cover()
        self.vacant = self._vacancy()
        harmful = self.table.harmful_joins(self.tolerances)
        self.harmful = harmful if concept == "individual" else np.zeros_like(harmful)
        for b in range(len(self.movers)):
            self._stays(b)

    def _cover(self) -> None:
        layers, count = self.table.values.shape[:2]
        names = [[f"formed_{j}_{c}" for c in range(count)] for j in range(layers)]
        self.formed: list[list[Literal]] = [list(map(self.whether, row)) for row in names]
        self.out: list[Literal] = [self.whether(f"out_{i}") if self.game.has_out else ~self.true for i in self.movers]
        for b in range(len(self.movers)):
            inside = [row[c] for row in self.formed for c in range(count) if c >> b & 1]
            self.model.add_exactly_one([*inside, self.out[b]])
        for row in self.formed:
            if self.shared:
                self.model.add(row[0] == 0)
            else:
                self.model.add_exactly_one(row)

    def _vacancy(self) -> Literal:
        """The literal of a slot being empty, where slots are not told apart."""
        slots = self.game.slots
        if not self.shared or slots is None or slots > len(self.movers):
            return self.true
        formed, vacant = sum(self.formed[0][1:]), self.whether("vacant")
        self.model.add(formed <= slots - 1).only_enforce_if(vacant)
        self.model.add(formed == slots).only_enforce_if(~vacant)
        return vacant

    def _stays(self, b: int) -> None:
        """Let the mover at place `b` gain nowhere: its rank is that of its coalition, and no lower than elsewhere."""
        player = self.movers[b]
        values, out = self.table.values[:, :, player], float(self.table.out[player])
        found = values[~np.isnan(values)]
        levels = np.unique(np.append(found, out) if self.game.has_out else found)
        rank = self.model.new_int_var(0, len(levels) - 1, f"rank_{player}")
        layers, inside = np.nonzero(~np.isnan(values))
        ranks = np.searchsorted(levels, values[layers, inside])
        terms = zip(ranks.tolist(), layers.tolist(), inside.tolist(), strict=True)
        left = [(int(np.searchsorted(levels, out)), self.out[b])] if self.game.has_out else []
        self.model.add(rank == sum(r * y for r, y in [*((r, self.formed[j][c]) for r, j, c in terms), *left]))
        allowed = float(self.tolerances[player]) * (1 + 1e-6) + 8 * EPS * float(np.max(np.abs(levels)))
        if self.game.has_out:
            self.model.add(rank >= int(np.searchsorted(levels, out - allowed)))
        for j, c in zip(layers.tolist(), inside.tolist(), strict=True):
            least = int(np.searchsorted(levels, values[j, c] - allowed))
            joined = c ^ (1 << b)
            condition = self.vacant if self.shared and not joined else self.formed[j][joined]
            if least and not self.harmful[j, c, b]:
                self.model.add(rank >= least).only_enforce_if(condition)

    def partition(self, value: Value) -> Partition:
        """The partition whose coalitions are formed."""
        slots = np.full(self.game.players, OUT, dtype=np.intp)
        slots[list(self.game.heads)] = np.arange(len(self.game.heads))
        pairs = [(j, c) for j, row in enumerate(self.formed) for c, y in enumerate(row) if value(y)]
        for following, (j, c) in enumerate(pairs):
            slots[[i for b, i in enumerate(self.movers) if c >> b & 1]] = following if self.shared else j
        return Partition(slots)

    def _numbers(self, partition: Partition) -> list[tuple[int, int]]:
        """The layer and number of each coalition with a mover in it."""
        numbers: dict[int, int] = {}
        for b, i in enumerate(self.movers):
            j = int(partition.slots[i])
            if j != OUT:
                numbers[j] = numbers.get(j, 0) | 1 << b
        return [(0 if self.shared else j, c) for j, c in numbers.items()]

    def differs(self, partition: Partition) -> list[Literal]:
        """One of the coalitions is not formed, or somebody who is out is not."""
        out = [~self.out[b] for b, i in enumerate(self.movers) if partition.slots[i] == OUT]
        return [*(~self.formed[j][c] for j, c in self._numbers(partition)), *out]

    def maximize(self) -> None:
        """Make the objective the sum of the welfare of the coalitions that are formed."""
        literals, worths = self._worths()
        allowance = summing_error(worths)
        numbers = scaled(worths, allowance, bits=40)
        self._scale, self._error = numbers.scale, numbers.error
        self.precision = 2 * numbers.error / numbers.scale + allowance
        self.model.maximize(sum(w * y for w, y in zip(numbers.integers, literals, strict=True) if w))

    def _worths(self) -> tuple[list[Any], Array]:
        """The literals of coalitions and of being out, and the sum of its members' utilities for each."""
        sums = np.nansum(self.table.values, axis=2)
        literals = [y for row in self.formed for y in row]
        out = self.table.out[self.movers] if self.game.has_out else np.zeros(0)
        return [*literals, *(self.out if self.game.has_out else [])], np.concatenate([sums.ravel(), out])

    def bound(self, objective: float) -> float:
        """The welfare that no partition exceeds whose objective is at most `objective`."""
        return (objective + self._error) / self._scale
