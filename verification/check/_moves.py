"""Moves of one player in a hedonic game, and who objects to them: what stability is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import flint

from verification.check._coalitions import Situation
from verification.check._numbers import ZERO, Real, ball, fraction
from verification.check._partition import OUT
from verification.check._verdict import EXACT, INTERVAL

ASKED: Final = {  # whether those who are joined are asked, and those who are left
    "Nash-stable": (False, False),
    "individually stable": (True, False),
    "contractual Nash-stable": (False, True),
    "contractually individually stable": (True, True),
}


class Gain(NamedTuple):
    """What a player gains by a move that nobody who is asked objects to; it stays where it gains nothing."""

    amount: Real
    player: int
    target: int | None


class Moves:
    """All moves of single players from a situation.

    A member who is asked objects to losing more than its tolerance; `looked_at` counts the moves.
    """

    def __init__(self, situation: Situation, limits: Sequence[flint.fmpq], concept: str) -> None:
        self.situation, self.limits = situation, limits
        self.joined, self.left = ASKED[concept]
        self.looked_at, self.arithmetic = 0, EXACT

    def best(self, player: int) -> Gain:
        """The player's best move of those to which nobody certainly objects."""
        found = Gain(ZERO, player, None)
        gains = self._gains(player)
        gaining = [pair for pair in gains if not bool(pair[0] <= 0)]  # a ball around 0 may be a gain
        if not gaining or (self.left and self._refused(self._leaving(player))):
            return found
        for amount, target in sorted(gaining, key=lambda pair: upper(pair[0]), reverse=True):
            if bool(amount <= found.amount) or (self.joined and self._refused(self._joining(player, target))):
                continue
            found = Gain(_larger(found.amount, amount), player, target if found.target is None else found.target)
        return found

    def gains_surely(self, player: int) -> bool:
        """Whether the player certainly gains more than its tolerance by a move to which certainly nobody objects."""
        gaining = [target for amount, target in self._gains(player) if bool(amount > self.limits[player])]
        if not gaining or (self.left and not self._allowed(self._leaving(player))):
            return False
        return any(not self.joined or self._allowed(self._joining(player, target)) for target in gaining)

    def _gains(self, player: int) -> list[tuple[Real, int]]:
        """What the player gains by each of its moves, and where it goes."""
        here = self.situation.present(player)
        gains = [(value - here, target) for target, value in self.situation.moves(player)]
        self.looked_at += len(gains)
        if any(isinstance(amount, flint.arb) for amount, _ in gains):
            self.arithmetic = INTERVAL
        return gains

    def _leaving(self, player: int) -> Iterator[tuple[int, Real]]:
        """What each of those loses whom the player leaves."""
        slots, groups = self.situation.partition.slots, self.situation.partition.groups
        for k in groups[slots[player]] if slots[player] != OUT else ():
            if k != player:
                yield k, self.situation.present(k) - self.situation.left(k, player)

    def _joining(self, player: int, target: int) -> Iterator[tuple[int, Real]]:
        """What each of those loses whom the player joins."""
        for k in self.situation.partition.groups[target] if target != OUT else ():
            yield k, self.situation.present(k) - self.situation.joined(k, player)

    def _refused(self, losses: Iterator[tuple[int, Real]]) -> bool:
        """Whether somebody certainly loses more than its tolerance."""
        return any(bool(loss > self.limits[k]) for k, loss in losses)

    def _allowed(self, losses: Iterator[tuple[int, Real]]) -> bool:
        """Whether certainly nobody loses more than its tolerance."""
        return all(bool(loss <= self.limits[k]) for k, loss in losses)


def upper(amount: Real) -> flint.fmpq:
    """The number, of a ball its upper end."""
    exact = fraction(amount)
    return flint.fmpq(exact.numerator, exact.denominator)


def _larger(first: Real, second: Real) -> Real:
    if isinstance(first, flint.arb) or isinstance(second, flint.arb):
        return ball(first).max(ball(second))
    return max(first, second)
