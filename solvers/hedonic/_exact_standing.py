"""What reputations are worth in a slot: the peak by levels, the sum of H at each, and the mean by head count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from solvers.core import Array
from solvers.hedonic._exact_program import Literal
from solvers.hedonic._exact_slots import Slots
from solvers.hedonic._labelled import LabelledGame, Reputation


class Standing:
    """Bounds of a member's reputation term, and of that of one who would join, in integers.

    H of a member falls when the peak rises, so that what holds at a level of the peak from below holds at all higher
    ones, and one literal, the peak being at least that level, is condition enough; likewise from above, and for the
    mean by the number of members. `stays(i, j)` is at most what i has in slot j if it is there, and `joins(i, j)` at
    least what i would have if it came: the true values satisfy both, up to rounding outwards.
    """

    def __init__(self, program: Slots, game: LabelledGame, reputation: Reputation, scale: float) -> None:
        self.one = reputation.pay * scale  # what an H of 1 pays, as an integer but for rounding
        self.most = math.ceil(self.one) + 2
        self.program, self.model, self.game, self.reputation = program, program.model, game, reputation
        values = reputation.values if reputation.values.ndim == 2 else reputation.values[:, None]
        self.values = np.broadcast_to(values, (game.players, game.slots))
        self.slots = [_Slot(self, j) for j in range(game.slots)]

    def inside(self, slot: int) -> list[int]:
        """Who may be in the slot."""
        return [*self.program.movers, *self.game.heads[slot : slot + 1]]

    def worth(self, slot: int, peak: float) -> Array:
        """H of every player at a peak; 1 for those above it, who cannot be there."""
        values = self.values[:, slot]
        return np.where(values > peak, 1.0, self.reputation.utility(np.minimum(values, peak), peak))

    def stays(self, player: int, slot: int) -> Any:
        """A variable that is at most the player's term in the slot."""
        return self.slots[slot].mean if self.reputation.shared else self.slots[slot].own(player)

    def joins(self, player: int, slot: int) -> Any:
        """A variable that is at least the player's term if it came to the slot."""
        return self.slots[slot].joined_mean(player) if self.reputation.shared else self.slots[slot].newcomer(player)

    def after(self, member: int, player: int, slot: int) -> Any:
        """A variable that is at least the member's term if the player came to the slot."""
        place = self.slots[slot]
        return place.joined_mean(player) if self.reputation.shared else place.raised(member, place.level(player))


class _Slot:
    """One slot: `levels` are the peaks it may have, the lowest being that of nobody above the threshold."""

    def __init__(self, standing: Standing, slot: int) -> None:
        self.standing, self.slot, self.model = standing, slot, standing.model
        self.most = standing.most
        self.members = standing.inside(slot)
        self.there = {i: standing.program.there[i][slot] for i in self.members}
        reputation = standing.reputation
        if reputation.peaks is None:
            values = standing.values[self.members, slot]
            above = np.unique(values[values > reputation.threshold]).tolist()
            self.levels = [min([reputation.threshold, *above]), *above]
        else:
            self.levels = [float(reputation.peaks[slot])]
        self.worths = [standing.worth(slot, peak) for peak in self.levels]
        self.reached = [standing.program.true, *(self._reached(peak) for peak in self.levels[1:])]
        self._joined: dict[int, Any] = {}
        self._owns: dict[int, Any] = {}
        self._raised: dict[tuple[int, int], Any] = {}
        if reputation.shared:
            self.sum = self._sum()
            self.counted = self._counted()
            self.mean = self._mean()

    def _reached(self, peak: float) -> Literal:
        """The literal of the peak being at least this."""
        literal = self.standing.program.whether(f"peak_{self.slot}_{peak}")
        making = [x for i, x in self.there.items() if self.standing.values[i, self.slot] >= peak]
        self.model.add_max_equality(literal, making)
        return literal

    def _up(self, worth: float) -> int:
        return math.ceil(float(worth) * self.standing.one + 1e-3)

    def _down(self, worth: float) -> int:
        return max(math.floor(float(worth) * self.standing.one - 1e-3), 0)

    def _not_above(self, level: int) -> list[Literal]:
        """The condition that the peak is at most this level."""
        return [~literal for literal in self.reached[level + 1 : level + 2]]

    def _sum(self) -> Any:
        """The sum of H over the members, between its bounds at each level."""
        summed = self.model.new_int_var(0, self.most * len(self.members), f"worth_{self.slot}")
        for level, worths in enumerate(self.worths):
            upper = sum(self._up(worths[i]) * x for i, x in self.there.items())
            lower = sum(self._down(worths[i]) * x for i, x in self.there.items())
            self.model.add(summed <= upper).only_enforce_if(self.reached[level])
            self.model.add(summed >= lower).only_enforce_if(self._not_above(level))
        return summed

    def _counted(self) -> list[Literal]:
        """Literals of there being at least 0, 1, 2, ... members."""
        count, literals = sum(self.there.values()), [self.standing.program.true]
        for least in range(1, len(self.members) + 1):
            literal = self.standing.program.whether(f"count_{self.slot}_{least}")
            self.model.add(count >= least).only_enforce_if(literal)
            self.model.add(count < least).only_enforce_if(~literal)
            literals.append(literal)
        return literals

    def _mean(self) -> Any:
        """At most the mean of H over the members."""
        mean = self.model.new_int_var(0, self.most, f"mean_{self.slot}")
        for count, literal in enumerate(self.counted[1:], start=1):
            self.model.add(count * mean <= self.sum + count).only_enforce_if(literal)
        return mean

    def own(self, player: int) -> Any:
        """At most the player's own H as a member."""
        if player not in self._owns:
            own = self._owns[player] = self.model.new_int_var(0, self.most, f"own_{player}_{self.slot}")
            for level, worths in enumerate(self.worths):
                highest = self._up(worths[player])
                self.model.add(own <= highest).only_enforce_if(self.reached[level])
        return self._owns[player]

    def raised(self, member: int, level: int) -> Any:
        """At least the member's own H if the peak became at least this level."""
        if (member, level) not in self._raised:
            own = self.model.new_int_var(0, self.most, f"raised_{member}_{level}_{self.slot}")
            self._raised[member, level] = own
            for higher in range(level, len(self.levels)):
                lowest = self._down(self.worths[higher][member])
                self.model.add(own >= lowest).only_enforce_if(self._not_above(higher))
        return self._raised[member, level]

    def newcomer(self, player: int) -> Any:
        """At least the player's own H if it came, which makes the peak at least its own reputation."""
        return self.raised(player, self.level(player))

    def level(self, player: int) -> int:
        """The level that the player itself makes the peak be at least."""
        value = self.standing.values[player, self.slot]
        return max((k for k, peak in enumerate(self.levels) if k and peak <= value), default=0)

    def joined_mean(self, player: int) -> Any:
        """At least the mean of H over the members and the player."""
        if player not in self._joined:
            self._joined[player] = self._joined_mean(player)
        return self._joined[player]

    def _joined_mean(self, player: int) -> Any:
        own = self.level(player)
        summed = self.model.new_int_var(0, self.most * (len(self.members) + 1), f"joined_worth_{player}_{self.slot}")
        self.model.add(summed >= self.sum + self.newcomer(player)).only_enforce_if(self.reached[own])
        if own:
            self._raised_sum(player, own, summed)
        mean = self.model.new_int_var(0, self.most, f"joined_mean_{player}_{self.slot}")
        for count in range(len(self.members)):
            fewer = [~literal for literal in self.counted[count + 1 : count + 2]]
            self.model.add((count + 1) * mean >= summed - count - 1).only_enforce_if(fewer)
        return mean

    def _raised_sum(self, player: int, own: int, summed: Any) -> None:
        """The sum if the player came and its reputation became the peak."""
        worths = self.worths[own]
        others: Sequence[int] = [i for i in self.members if i != player]
        lower = sum(self._down(worths[i]) * self.there[i] for i in others)
        newcomer = self._down(worths[player])
        self.model.add(summed >= lower + newcomer).only_enforce_if(~self.reached[own])
