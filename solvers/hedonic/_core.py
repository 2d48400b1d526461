"""Coalitions that would rather form than stay in a partition: the search behind the core and the strict core."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solvers.core import Array, Mask
from solvers.hedonic._game import HedonicGame, members_of
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import OUT
from solvers.hedonic._subsets import part_of

MAX_COALITIONS = 2**22  # a few seconds, and 25 bytes for each of a slot's coalitions
MAX_ASKED = 2**16  # where every player is asked for its utility in every one, in Python

Block = tuple[int, tuple[int, ...], tuple[float, ...]]  # slot, members, gains


def default_limit(game: HedonicGame) -> int:
    """How many coalitions are looked at unless another number is asked for."""
    asks = type(game).coalition_values is HedonicGame.coalition_values
    return MAX_ASKED if asks else MAX_COALITIONS


def may_form(game: HedonicGame, slot: int, members: Sequence[int]) -> bool:
    """Whether `members` may be the coalition in `slot`: its head is among them, and the others have somewhere to be."""
    if game.heads and game.heads[slot] not in members:
        return False
    return game.capacity > 1 or game.has_out or len(members) == game.players


def worst_block(game: HedonicGame, utilities: Array, *, strict: bool, tolerances: Array) -> Block | None:
    """The slot, members and gains of the blocking coalition that gains most, or None if no coalition blocks.

    What a coalition gains is what each of its members gains at least; in the strict core, what one of them gains at
    most. nan is more than any number. All coalitions are looked at; among equals the first slot and the fewest members
    come first.
    """
    found, best = _loner(game, utilities, tolerances), -np.inf
    if found is not None:
        best = found[2][0]
    for slot in range(game.capacity if distinguished(game) else 1):
        gains = _gains(game, slot, utilities, strict=strict, tolerances=tolerances)
        highest = float(np.max(gains))
        if highest <= best or np.isnan(best):
            continue
        best, found = highest, _block(game, slot, _smallest(gains), utilities)
    return found


def _loner(game: HedonicGame, utilities: Array, tolerances: Array) -> Block | None:
    """The player who would gain most by being out."""
    if not game.has_out:
        return None
    gains = np.full(game.players, -np.inf)
    for i in np.flatnonzero(game.movable).tolist():
        gain = game.utility(i, OUT, (i,)) - utilities[i]
        gains[i] = -np.inf if gain <= tolerances[i] else gain
    first = int(np.argmax(gains))
    return None if gains[first] == -np.inf else (OUT, (first,), (float(gains[first]),))


def _gains(game: HedonicGame, slot: int, utilities: Array, *, strict: bool, tolerances: Array) -> Array:
    """What each coalition in `slot` gains, (2**movers,), -inf where it does not block.

    Player by player, the best off first: they refuse soonest, and who has been refused is not asked for.
    """
    willing = np.ones(2 ** (game.players - len(game.heads)), dtype=bool)
    willing[:-1] &= game.capacity > 1 or game.has_out
    gaining, found = np.zeros_like(willing), np.full(len(willing), -np.inf if strict else np.inf)
    content = utilities / np.maximum(game.magnitudes(), np.finfo(np.float64).tiny)
    for i in np.argsort(-content, kind="stable").tolist():
        parts = (part_of(game, i, slot, table) for table in (willing, gaining, found))
        worth = part_of(game, i, slot, game.coalition_values(i, slot, _asked(game, i, slot, willing)))
        _ask(worth - utilities[i], *parts, strict=strict, tolerance=tolerances[i])
    willing &= gaining
    found[~willing] = -np.inf
    return found


def _asked(game: HedonicGame, player: int, slot: int, willing: Mask) -> Mask:
    """The willing coalitions, (2**movers,), that `player` is in."""
    asked = np.zeros_like(willing)
    part_of(game, player, slot, asked)[...] = part_of(game, player, slot, willing)
    return asked


def _ask(gains: Array, willing: Mask, gaining: Mask, found: Array, *, strict: bool, tolerance: float) -> None:
    """Enters what one player gains by each of its coalitions in what is known about these."""
    enough = ~(gains <= tolerance)
    willing &= ~(gains < -tolerance) if strict else enough
    gaining |= enough
    combine = np.maximum if strict else np.minimum
    combine(found, gains, out=found)


def _smallest(gains: Array) -> int:
    """The first of the coalitions of fewest members among those that gain most."""
    highest = np.max(gains)
    most = np.flatnonzero(np.isnan(gains) if np.isnan(highest) else gains == highest)
    sizes = np.bitwise_count(most)
    return int(most[np.argmin(sizes)])


def _block(game: HedonicGame, slot: int, coalition: int, utilities: Array) -> Block:
    members = members_of(coalition, np.flatnonzero(game.movable).tolist(), game.heads[slot : slot + 1])
    return slot, members, tuple(float(game.utility(i, slot, members) - utilities[i]) for i in members)
