"""Fractional games: in pairs, stability is linear once the coalitions' sizes are given."""

from __future__ import annotations

import math

import numpy as np

from solvers.hedonic._exact_integers import EPS, NEAR, scaled
from solvers.hedonic._exact_pairs import Pairs, dense
from solvers.hedonic._exact_program import Literal, within
from solvers.hedonic._pairwise import FractionalGame

LARGEST = 40  # players
DIVIDED = 20  # players up to which the least common multiple of all sizes is an integer of 28 bits
FINE = 2**14  # parts of an integer weight, for more players


class FractionalPairs(Pairs):
    """A fractional game in pairs and sizes: `sized[i][a]` is the literal of i being in a coalition of a members.

    `utility[i]` is a variable that is at most Σ_k w_ik e_ik / a for i's own size a, and at least, up to the tolerance,
    (w_ij + Σ_k w_ik e_jk) / (b + 1) for the size b of j's coalition, if i is not in it. It counts in parts of which the
    least common multiple of all sizes make one, so that short decimals are divided without rounding.
    """

    encoding = "pairs and sizes"

    def __init__(self, game: FractionalGame, concept: str) -> None:
        super().__init__(game, concept)
        n = game.players
        within("the number of players", n, LARGEST, "in a fractional game")
        self.weights = dense(game.indptr, game.indices, game.data)
        self.sized = [self._sizes(i) for i in range(n)]
        numbers = scaled(self.weights.ravel(), n * float(self.tolerances.max()), bits=24)
        short = numbers.error < NEAR
        self.parts = 1 if not short else math.lcm(*range(1, n + 1)) if n <= DIVIDED else FINE
        self.exact = short and n <= DIVIDED
        self.integers = np.array(numbers.integers, dtype=object).reshape(n, n)
        self.error = numbers.error
        self.scale = numbers.scale * self.parts  # of utilities
        most = self.parts * max(int(abs(w)) for w in self.integers.flat) + 1
        self.utility = [self.model.new_int_var(-most, most, f"utility_{i}") for i in range(n)]
        for i in range(n):
            self._has(i)
        for i in self.movers:
            self._stays(i)

    def _sizes(self, player: int) -> list[Literal]:
        """The literals of the player's coalition having 0, 1, 2, ... members."""
        n = self.game.players
        literals = [~self.true, *(self.whether(f"size_{player}_{a}") for a in range(1, n + 1))]
        self.model.add_exactly_one(literals[1:])
        self.model.add(sum(a * literal for a, literal in enumerate(literals)) == sum(self.together[player]))
        return literals

    def _sum(self, player: int, j: int) -> Literal:
        """What the player's weights for the coalition of `j` sum to, in integers times `parts`."""
        return sum(int(w) * self.parts * self.together[j][k] for k, w in enumerate(self.integers[player]) if w)

    def _rounding(self) -> int:
        return 0 if self.error * self.parts < NEAR else math.ceil(self.error * self.parts)

    def _has(self, player: int) -> None:
        own = self._sum(player, player)
        for a in range(1, self.game.players + 1):
            has = self.model.add(a * self.utility[player] <= own + self._rounding())
            has.only_enforce_if(self.sized[player][a])

    def _stays(self, player: int) -> None:
        allowed = self._allowed(player)
        self.model.add(self.utility[player] >= -math.floor(allowed)).only_enforce_if(self.vacant)
        for j in range(self.game.players):
            if j == player:
                continue
            joined, condition = self._sum(player, j), [~self.together[player][j]]
            if self.concept == "individual":
                condition.append(self._open(player, j))
            for b in range(1, self.game.players):
                slack = math.floor((b + 1) * allowed) + self._rounding()
                stay = self.model.add((b + 1) * self.utility[player] >= joined - slack)
                stay.only_enforce_if([*condition, self.sized[j][b]])

    def _allowed(self, player: int) -> float:
        """The tolerance, and what float64 may add to it, in parts."""
        doubt = 16 * self.game.players * EPS * float(np.abs(self.weights[player]).sum())
        return (float(self.tolerances[player]) + doubt) * self.scale + (4 * NEAR if self.exact else 1)

    def _open(self, player: int, j: int) -> Literal:
        """The literal of nobody in the coalition of `j` losing by the player's coming."""
        literal = self.whether(f"open_{player}_{j}")
        refusing = []
        for k in range(self.game.players):
            if k != player:
                refuses = self.whether(f"refuses_{k}_{player}_{j}")
                self.imply([refuses], [self.together[j][k]])
                # Who has u and gets w more among b + 1 loses (u − w) / (b + 1): more than it may only if u > w, and
                # then u > w in integers too if rounding is less than the loss that k puts up with.
                apart = self.exact and self.error * self.parts <= float(self.tolerances[k]) * self.scale
                least = self.integers[k, player] * self.parts + (1 if apart else -1 - self._rounding())
                self.model.add(self.utility[k] >= least).only_enforce_if(refuses)
                refusing.append(refuses)
        self.imply([], [literal, *refusing])
        return literal

    def maximize(self) -> None:
        """Make the objective the sum of the utilities' variables."""
        self.precision = self.game.players * (2 * self._rounding() + 2) / self.scale
        self.model.maximize(sum(self.utility))

    def bound(self, objective: float) -> float:
        """The welfare that no partition exceeds whose objective is at most `objective`."""
        return (objective + self.game.players * (self._rounding() + 1)) / self.scale
