"""Stable partitions of hedonic games: every move of one player, and who would object to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flint

from verification.check._coalitions import Situation, situations
from verification.check._document import Node
from verification.check._moves import Gain, Moves, upper
from verification.check._numbers import BITS, ZERO, decimal, fraction, share, strain
from verification.check._partition import OUT, Frame, misplaced, placed
from verification.check._unstable import CYCLE, judge_cycle, judge_none
from verification.check._verdict import EXACT, Verdict

CLAIM = ("concept", "claim", "profile", "tolerance", "residual", "infeasibility", "arithmetic")


def judge(game: Node) -> Callable[[Node], Verdict]:
    """A function that judges claims of stable partitions of the hedonic game."""
    frame, settle, ranges = situations(game)

    def verdict(claim: Node) -> Verdict:
        limits = claim.tolerances(frame.players)
        with flint.ctx.workprec(BITS):
            if claim.text("concept") == CYCLE:
                return judge_cycle(claim, frame, settle, limits, _loosest(limits, ranges))
            if not claim.truth("exists", True):
                return judge_none(claim, frame, settle, limits, _loosest(limits, ranges))
            claim.only((*CLAIM, "exists"))
            partition = placed(claim.node("profile"), frame)
            wrong = misplaced(partition, frame)
            if wrong:
                return _infeasible(claim, wrong, limits)
            return _stable(claim, frame, settle(partition), limits, ranges)

    return verdict


def _stable(
    claim: Node, frame: Frame, situation: Situation, limits: Sequence[flint.fmpq], ranges: Sequence[flint.fmpq]
) -> Verdict:
    """The verdict on a partition, from the gain of the player with the least room, over all moves."""
    moves, heads = Moves(situation, limits, claim.text("concept")), set(frame.heads)
    gains = [moves.best(i) for i in range(frame.players) if i not in heads] or [Gain(ZERO, 0, None)]
    worst = max(gains, key=lambda gain: strain(upper(gain.amount), limits[gain.player]))
    holds = all(bool(gain.amount <= limits[gain.player]) for gain in gains)
    return Verdict(
        concept=claim.text("concept"),
        claim=claim.text("claim", ""),
        holds=holds,
        why=f"no one of {moves.looked_at:,} moves gains more" if holds else _why_not(worst, frame, limits),
        residual=fraction(worst.amount),
        tolerance=fraction(limits[worst.player]),
        share=_loosest(limits, ranges),
        arithmetic=moves.arithmetic,
    )


def _why_not(worst: Gain, frame: Frame, limits: Sequence[flint.fmpq]) -> str:
    amount, limit = worst.amount, limits[worst.player]
    if isinstance(amount, flint.arb) and not amount > limit:
        return f"interval arithmetic of {BITS} bits leaves open whether player {worst.player} gains more"
    where = "no coalition" if worst.target == OUT else f"slot {worst.target}"
    return f"player {frame.names[worst.player][:40]} gains {decimal(upper(amount))} by going to {where}"


def _loosest(limits: Sequence[flint.fmpq], ranges: Sequence[flint.fmpq]) -> float | None:
    """The largest tolerance as a share of the range of what its player can get."""
    parts = [part for pair in zip(limits, ranges, strict=True) if (part := share(*pair)) is not None]
    return max(parts, default=None)


def _infeasible(claim: Node, wrong: int, limits: Sequence[flint.fmpq]) -> Verdict:
    return Verdict(
        concept=claim.text("concept"),
        claim=claim.text("claim", ""),
        holds=False,
        why=f"{wrong} players are where they may not be",
        tolerance=fraction(max(limits)),
        infeasibility=fraction(flint.fmpq(wrong)),
        arithmetic=EXACT,
    )
