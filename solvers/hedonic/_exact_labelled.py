"""Games of labelled slots: shares by size and pay for reputation, each bounded by a variable of the slot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from solvers.hedonic._exact_program import Literal, within
from solvers.hedonic._exact_shares import PARTS, Shares
from solvers.hedonic._exact_slots import Slots
from solvers.hedonic._exact_standing import Standing
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._partition import Partition

LARGEST = 2000  # players times slots
UNIT = 2**13  # what the greatest utility is as an integer


class LabelledSlots(Slots):
    """A game of labelled slots, of shares that are worth something and pay that is none to give.

    `utility[i]` is a variable that is at most what i has, and at least, up to the tolerance, what it would have
    elsewhere; all in integers of `scale` to the unit of utility, so that no coefficient is large. Where sums of sizes
    are many, shares go in steps, which `refine` makes finer where it matters.
    """

    encoding = "slots, by sums"
    parameters: ClassVar[Mapping[str, int]] = {
        "cp_model_probing_level": 0,
        "symmetry_level": 0,
        "linearization_level": 0,
    }
    walks = True

    def __init__(self, game: LabelledGame, concept: str) -> None:
        within("players times slots", game.players * game.slots, LARGEST, "in a game of labelled slots")
        super().__init__(game, concept)
        self.labelled = game
        self.scale = UNIT / float(max(game.magnitudes().max(), game.bounds().max()))
        reputation = game.reputation if game.reputation is not None and game.reputation.pay > 0 else None
        self.shares = Shares(self, game, self.scale, falling=reputation is not None and concept == "individual")
        self.standing = None if reputation is None else Standing(self, game, reputation, self.scale)
        most = 2 * UNIT
        self.utility = [self.model.new_int_var(-most, most, f"utility_{i}") for i in range(game.players)]
        for i in range(game.players):
            self._has(i)
        for i in self.movers:
            self._stays_in(i)

    def _base(self, player: int, slot: int) -> float:
        return float(self.labelled.base[player, slot]) * self.scale

    def _has(self, player: int) -> None:
        """The variable is at most what the player has."""
        slots = range(self.labelled.slots)
        for j in slots if player in self.movers else [self.labelled.heads.index(player)]:
            parts = self.shares.stays(player, j) + (self.standing.stays(player, j) if self.standing else 0)
            highest = math.ceil(self._base(player, j) + 1e-3)
            self.model.add(self.utility[player] <= parts + highest).only_enforce_if(self.there[player][j])

    def _stays_in(self, player: int) -> None:
        """The variable is at least what the player would have elsewhere, but for the tolerance."""
        allowed = float(self.tolerances[player]) * self.scale + 1 + 1e-3
        for j in range(self.labelled.slots):
            parts = self.shares.joins(player, j) + (self.standing.joins(player, j) if self.standing else 0)
            lowest = math.floor(self._base(player, j) - allowed)
            condition = [~self.there[player][j], *([self._open(player, j)] if self.concept == "individual" else [])]
            self.model.add(self.utility[player] >= parts + lowest).only_enforce_if(condition)
        if self.labelled.outside is not None:
            outside = float(self.labelled.outside[player]) * self.scale
            out = self.there[player][-1]
            self.model.add(self.utility[player] <= math.ceil(outside + 1e-3)).only_enforce_if(out)
            self.model.add(self.utility[player] >= math.floor(outside - allowed))

    def _open(self, player: int, slot: int) -> Literal:
        """The literal of nobody in the slot losing by the player's coming."""
        inside = [k for k in [*self.movers, *self.game.heads[slot : slot + 1]] if k != player]
        literal = self.whether(f"open_{player}_{slot}")
        self.imply([], [literal, *(self._refuses(k, player, slot) for k in inside)])
        return literal

    def _refuses(self, member: int, player: int, slot: int) -> Literal:
        """The literal that needs the member to be there, and to lose more than its tolerance."""
        part, fall = self.shares.falls(member, player, slot)
        if self.standing is None:
            # Without pay, whoever has a share loses by any coming.
            return self.there[member][slot] if part else ~self.true
        literal = self.whether(f"refuses_{member}_{player}_{slot}")
        self.imply([literal], [self.there[member][slot]])
        rise = self.standing.after(member, player, slot) - self.standing.stays(member, slot)
        allowed = float(self.tolerances[member]) * self.scale * (1 - 1e-6)
        enough = part * fall - PARTS * rise >= math.floor(PARTS * allowed)
        self.model.add(enough).only_enforce_if(literal)
        return literal

    def refine(self, partition: Partition) -> None:
        """Make shares exact at the sums of a partition."""
        self.shares.refine(partition)

    def maximize(self) -> None:
        """Make the objective the sum of the utilities' variables."""
        self.model.maximize(sum(self.utility))

    def bound(self, objective: float) -> float:
        """The welfare that no partition exceeds whose objective is at most `objective`."""
        return (objective + self.game.players) / self.scale
