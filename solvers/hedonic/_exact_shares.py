"""What a share of a slot's prize is worth, in steps over the sum of the sizes in the slot."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from solvers.hedonic._exact_integers import scaled
from solvers.hedonic._exact_program import Literal, within
from solvers.hedonic._exact_slots import Slots
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._partition import Partition

BITS = 22  # of the greatest size as an integer
WIDEST = 2**10  # from the least size to the greatest
FAR = 2**60  # a ratio that is refused however much greater it is
PARTS = 2**12  # of the greatest fall
STEPS = 48  # of a grid, at first; sums that are no more than this are all on it


class Shares:
    """Bounds of weight · size / T for members, and of weight · size / (T + size) for those who would join.

    T is the sum of the sizes in a slot. Shares fall as T rises, so that a point p of the slot's grid gives two bounds:
    `stays(i, j)` is at most the share at p where T is at least p, and `joins(i, j)` at least the share at p where T is
    at most p. True shares, in integers of `scale` to the unit and rounded outwards, satisfy both.
    """

    def __init__(self, program: Slots, game: LabelledGame, scale: float, *, falling: bool) -> None:
        self.program, self.model, self.game, self.scale = program, program.model, game, scale
        with np.errstate(over="ignore"):
            ratio = math.ceil(min(float(game.sizes.max() / game.sizes.min()), float(FAR)))
        within("the ratio of the greatest to the least size", ratio, WIDEST, "where sizes are shared by")
        numbers = scaled(game.sizes, 0.0, bits=BITS)
        self.sizes, self.unit = numbers.integers, numbers.scale
        self.error = numbers.error + 1e-6  # of a rounded sum
        self.total: list[Any] = [self._sum(j) for j in range(game.slots)]
        self._least: list[dict[int, Literal]] = [{} for _ in range(game.slots)]
        self._points: list[set[int]] = [set() for _ in range(game.slots)]
        self._stays: dict[tuple[int, int], Any] = {}
        self._joins: dict[tuple[int, int], Any] = {}
        self._falls: dict[tuple[int, int], Any] = {}
        self.falling = falling  # whether it matters how far shares fall when somebody comes
        for j in range(game.slots):
            self._variables(j)
            for point in self._grid(j):
                self._add(j, point)

    def stays(self, player: int, slot: int) -> Any:
        """A variable that is at most the player's share as a member."""
        return self._stays[player, slot]

    def joins(self, player: int, slot: int) -> Any:
        """A variable that is at least the player's share if it came."""
        return self._joins[player, slot]

    def falls(self, member: int, player: int, slot: int) -> tuple[int, Any]:
        """A coefficient in `PARTS`, and a variable: their product is at least what the member's share falls by.

        That is when the player comes.
        """
        part = self._claim(member, slot) / max(self._greatest(slot), 1e-300)
        return math.ceil(part * PARTS), self._falls[player, slot]

    def _claim(self, player: int, slot: int) -> float:
        return self.worth(player, slot) * float(self.game.sizes[player])

    def _greatest(self, slot: int) -> float:
        """The greatest weight · size of who may be in the slot."""
        return max(self._claim(k, slot) for k in self.inside(slot))

    def inside(self, slot: int) -> list[int]:
        """Who may be in the slot."""
        return [*self.program.movers, *self.game.heads[slot : slot + 1]]

    def worth(self, player: int, slot: int) -> float:
        """What the whole prize is worth to the player."""
        weights = self.game.weights
        return float(weights[player, slot if weights.shape[1] > 1 else 0]) * self.scale

    def _variables(self, slot: int) -> None:
        for i in self.inside(slot):
            most = math.ceil(self.worth(i, slot)) + 1
            self._stays[i, slot] = self.model.new_int_var(0, most, f"share_{i}_{slot}")
            if i in self.program.movers:
                self._joins[i, slot] = self.model.new_int_var(0, most, f"joined_share_{i}_{slot}")
                fall = math.ceil(self._greatest(slot) / float(self.game.sizes.min())) + 1 if self.falling else 0
                self._falls[i, slot] = self.model.new_int_var(0, fall, f"fall_{i}_{slot}")

    def _sum(self, slot: int) -> Any:
        members = self.inside(slot)
        total = self.model.new_int_var(0, sum(self.sizes[i] for i in members), f"total_{slot}")
        self.model.add(total == sum(self.sizes[i] * self.program.there[i][slot] for i in members))
        return total

    def _grid(self, slot: int) -> list[int]:
        """All sums that are possible, if few, else some from the least to the greatest in steps of one ratio."""
        head = sum(self.sizes[i] for i in self.game.heads[slot : slot + 1])
        own = [self.sizes[i] for i in self.program.movers]
        sums = {head}
        for size in own:
            sums |= {s + size for s in sums}
            if len(sums) > STEPS:
                break
        else:
            return sorted(sums)
        low, high = head or min(own), head + sum(own)
        return sorted({head, *(round(low * (high / low) ** (k / STEPS)) for k in range(STEPS + 1))})

    def at_least(self, slot: int, total: int) -> Literal:
        """The literal of T being at least this."""
        known = self._least[slot]
        if total not in known:
            literal = known[total] = self.program.whether(f"total_{slot}_{total}")
            self.model.add(self.total[slot] >= total).only_enforce_if(literal)
            self.model.add(self.total[slot] < total).only_enforce_if(~literal)
        return known[total]

    def _add(self, slot: int, point: int) -> None:
        """Put a point on the slot's grid."""
        self._points[slot].add(point)
        reached, passed = self.at_least(slot, point), self.at_least(slot, point + 1)
        for i in self.inside(slot):
            worth, size = self.worth(i, slot), float(self.game.sizes[i])
            if point:
                highest = math.ceil(worth * size / max(self._real(point, -1), size) + 1e-3)
                self.model.add(self._stays[i, slot] <= highest).only_enforce_if(reached)
            if point and self.falling and i in self.program.movers:
                least = max(self._real(point, -1), float(self.game.sizes.min()))
                fall = math.ceil(self._greatest(slot) * size / least / (least + size) + 1e-3)
                self.model.add(self._falls[i, slot] <= fall).only_enforce_if(reached)
            if i in self.program.movers:
                lowest = math.floor(worth * size / (self._real(point, 1) + size) - 1e-3)
                self.model.add(self._joins[i, slot] >= lowest).only_enforce_if(~passed)

    def _real(self, total: int, sign: int) -> float:
        """The least or the greatest sum of sizes that this integer may stand for."""
        return (total + sign * self.error) / self.unit

    def refine(self, partition: Partition) -> None:
        """Put the sums of a partition on the grids."""
        for j in range(self.game.slots):
            total = sum(self.sizes[i] for i in partition.members(j))
            if total not in self._points[j]:
                self._add(j, total)
