"""Additively separable games: in pairs, stability is linear."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from solvers.hedonic._exact_integers import Scaled, scaled, summing_error
from solvers.hedonic._exact_pairs import Pairs, dense
from solvers.hedonic._exact_program import Literal
from solvers.hedonic._pairwise import AdditivelySeparableGame


class SeparablePairs(Pairs):
    """An additively separable game in pairs.

    With e_ik for being together, u_i = Σ_k w_ik e_ik, and i gets w_ij + Σ_k w_ik e_jk with j's coalition: stability
    is u_i ≥ that for every j, an equation where i and j are together, so that no case has to be told apart.
    """

    encoding = "pairs, linear"

    def __init__(self, game: AdditivelySeparableGame, concept: str) -> None:
        super().__init__(game, concept)
        self.walks = game.symmetric  # then every walk of switches ends, for want of a higher sum inside coalitions
        self.weights = dense(game.indptr, game.indices, game.data)
        for i in self.movers:
            self._stays(i)

    def _stays(self, player: int) -> None:
        row = self.weights[player]
        allowance = float(self.tolerances[player]) + summing_error(row)
        numbers = scaled(row, allowance)
        slack = int(numbers.error + allowance * numbers.scale)
        own = self._sum(numbers, player)
        alone = self.model.add(own >= -slack)
        if self.vacant is not self.true:
            alone.only_enforce_if(self.vacant)
        for j in range(self.game.players):
            if j != player:
                stay = self.model.add(own - self._sum(numbers, j) >= -slack)
                if self.concept == "individual":
                    self._unless_refused(stay, player, j)

    def _sum(self, numbers: Scaled, j: int) -> Literal:
        """What the player gets with the coalition of `j`."""
        terms = [(w, k) for k, w in enumerate(numbers.integers) if w]
        return sum(w * self.together[j][k] for w, k in terms)

    def _unless_refused(self, stay: Literal, player: int, j: int) -> None:
        """Let the constraint hold only if nobody in the coalition of `j` loses by the player's coming."""
        column = self.weights[:, player]
        loses = -column > self.tolerances * (1 - 1e-6) - [summing_error(row) for row in self.weights]
        open_to = self.whether(f"open_{player}_{j}")
        refusing = [k for k in np.flatnonzero(loses).tolist() if k != player]
        stay.only_enforce_if(open_to)
        self.imply([], [open_to, *(self.together[j][k] for k in refusing)])

    def maximize(self) -> None:
        """Make the objective the sum of all weights inside coalitions."""
        pairs = list(combinations(range(self.game.players), 2))
        values = np.array([self.weights[i, k] + self.weights[k, i] for i, k in pairs])
        numbers = scaled(values, summing_error(self.weights.ravel()), bits=40)
        self._scale, self._error = numbers.scale, numbers.error
        self.precision = 2 * numbers.error / numbers.scale + summing_error(self.weights.ravel())
        terms = zip(numbers.integers, pairs, strict=True)
        self.model.maximize(sum(w * self.together[i][k] for w, (i, k) in terms if w))

    def bound(self, objective: float) -> float:
        """The welfare that no partition exceeds whose objective is at most `objective`."""
        return (objective + self._error) / self._scale
