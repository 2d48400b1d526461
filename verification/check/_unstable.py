"""Claims that no partition of a hedonic game is stable, and that improving switches lead round in a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import flint

from verification.check._coalitions import Settle
from verification.check._document import Node
from verification.check._moves import Moves, upper
from verification.check._numbers import decimal, fraction
from verification.check._partition import OUT, Frame, Partition, all_partitions, how_many, is_player, misplaced, placed
from verification.check._verdict import EXACT, INTERVAL, Verdict

CYCLE: Final = "cycle of improving switches"
PARTITIONS = 100_000  # that are looked at one by one
MOST = 200  # players whose partitions are looked at one by one
UTILITIES = 50_000_000  # of players in partitions along a cycle, times the players that they may be made of
NONE = ("concept", "claim", "exists", "tolerance", "profile", "partitions")
ROUND = ("concept", "claim", "profile", "switches", "tolerance")


def judge_none(
    claim: Node, frame: Frame, settle: Settle, limits: Sequence[flint.fmpq], loosest: float | None
) -> Verdict:
    """The verdict on the claim that no partition is stable: in each one, somebody gains more than its tolerance."""
    claim.only(NONE)
    said = _said(claim, limits, loosest)
    count = how_many(frame)
    if count > PARTITIONS or frame.players > MOST:
        number = f"{count:,}" if count < 2**64 else "more than 2^64"
        why = f"at most {PARTITIONS:,} partitions of {MOST} players are looked at, there are {number}"
        return replace(said, holds=None, why=why)
    movers, arithmetic = [i for i in range(frame.players) if i not in set(frame.heads)], EXACT
    for partition in all_partitions(frame):
        moves = Moves(settle(partition), limits, claim.text("concept"))
        first = next((i for i in movers if moves.gains_surely(i)), None)
        arithmetic = INTERVAL if moves.arithmetic == INTERVAL else arithmetic
        if first is None:
            where = [group for group in partition.groups if group]
            why = f"in {where} nobody gains more"[:200]
            return replace(said, holds=False, why=why, arithmetic=arithmetic)
        movers.remove(first)
        movers.insert(0, first)  # who gained here is likely to gain in the next, too
    why = f"in each of {count:,} partitions somebody gains more"
    return replace(said, holds=True, why=why, arithmetic=arithmetic)


def judge_cycle(
    claim: Node, frame: Frame, settle: Settle, limits: Sequence[flint.fmpq], loosest: float | None
) -> Verdict:
    """The verdict on the claim that each switch gains more than its player's tolerance, and the last leads back."""
    claim.only(ROUND)
    start, switches = placed(claim.node("profile"), frame), _switches(claim, frame)
    said = _said(claim, limits, loosest)
    if len(switches) * frame.players**2 > UTILITIES:
        return replace(said, holds=None, why=f"the cycle of {len(switches):,} switches is too long to be followed")
    present, least, arithmetic = start, None, EXACT
    for number, (player, target) in enumerate(switches):
        before = settle(present) if not misplaced(present, frame) else None
        slots = list(present.slots)
        slots[player] = target
        following = Partition(slots, frame.capacity)
        if before is None or misplaced(following, frame) or target == present.slots[player]:
            return replace(said, holds=False, why=f"switch {number} leads where nobody may be, or nowhere")
        gain = settle(following).present(player) - before.present(player)
        arithmetic = INTERVAL if isinstance(gain, flint.arb) else arithmetic
        if not bool(gain > limits[player]):
            why = f"switch {number} of player {player} gains {decimal(upper(gain))}, no more than its tolerance"
            return replace(said, holds=False, why=why, arithmetic=arithmetic)
        least = upper(gain) if least is None else min(least, upper(gain))
        present = following
    if present.slots != start.slots or least is None:
        return replace(said, holds=False, why="the last switch does not lead back to the start", arithmetic=arithmetic)
    why = f"{len(switches):,} switches lead back to the start, the least gain is {decimal(least)}"
    return replace(said, holds=True, why=why, arithmetic=arithmetic)


def _said(claim: Node, limits: Sequence[flint.fmpq], loosest: float | None) -> Verdict:
    """What there is to say before anything is looked at."""
    return Verdict(
        concept=claim.text("concept"),
        claim=claim.text("claim", ""),
        holds=None,
        why="",
        tolerance=fraction(max(limits)),
        share=loosest,
    )


def _switches(claim: Node, frame: Frame) -> list[tuple[int, int]]:
    """Who switches, and to which slot."""
    found = []
    for pair in claim.items("switches"):
        good = isinstance(pair, list | tuple) and len(pair) == 2 and is_player(pair[0], frame.players)
        if not good or type(pair[1]) is not int or not OUT <= pair[1] < frame.capacity:
            claim.refuse("a switch must be [player, slot], -1 for no coalition", str(pair)[:60])
        found.append((pair[0], pair[1]))
    return found
