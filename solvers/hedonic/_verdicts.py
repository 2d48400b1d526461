"""The worst deviation from one partition, concept by concept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from solvers.core import Array, Mask, Positions
from solvers.hedonic._core import default_limit, worst_block
from solvers.hedonic._deviation import Deviation, NotDecided
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._judging import dominators
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._listing import distinguished, number_of_coalitions
from solvers.hedonic._pairwise import PairwiseGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._permission import asks_joined, asks_left, losses
from solvers.hedonic._table import CoalitionTable, count, too_large

MAX_PARTITIONS = 2 * 10**5  # that a check of Pareto optimality looks through
NOBODY_ALONE = "players can be neither out nor in a coalition of their own at will"


def verdict(
    game: HedonicGame, partition: Partition, concept: str, tolerances: Array, max_coalitions: int | None
) -> Deviation | NotDecided | None:
    """The worst deviation, None, or why that was not decided."""
    game.admitted(partition)
    if concept in ("core", "strict-core"):
        return _core_verdict(game, partition, concept, tolerances, max_coalitions)
    if concept == "pareto":
        return _pareto_verdict(game, partition, tolerances)
    if concept == "rational":
        return _rational_verdict(game, partition, tolerances)
    return _switch_verdict(game, partition, concept, tolerances)


def is_stable(game: HedonicGame, partition: Partition, permission: str, tolerances: Array) -> bool:
    """Whether no player gains more than its tolerance by a switch that those who are asked permit."""
    if permission == "nash":
        return bool(np.all(game.regrets(partition) <= tolerances))  # which nan is not
    return _switch_verdict(game, partition, permission, tolerances) is None


def _switch_verdict(game: HedonicGame, partition: Partition, permission: str, tolerances: Array) -> Deviation | None:
    best, places = game.best_moves(partition)
    gains = best - game.utilities(partition)
    gainers = np.flatnonzero(~(gains <= tolerances))
    if permission == "nash":
        worst = int(gainers[np.argmax(gains[gainers])]) if len(gainers) else -1  # nan counts as the largest
        found = (worst, int(places[worst]), float(gains[worst])) if len(gainers) else None
    else:
        found = _worst_permitted(game, partition, permission, gains, tolerances)
    return None if found is None else Deviation(permission, (found[0],), (found[2],), found[1])


def _worst_permitted(
    game: HedonicGame, partition: Partition, permission: str, bounds: Array, tolerances: Array
) -> tuple[int, int, float] | None:
    """The player, slot and gain of the best permitted switch, given what each gains if nobody is asked."""
    if isinstance(game, PairwiseGame | LabelledGame):
        permitted, places = _compiled_moves(game, partition, permission, tolerances)
        worst = int(np.argmax(np.where(permitted > tolerances, permitted, -np.inf)))
        return (worst, int(places[worst]), float(permitted[worst])) if permitted[worst] > tolerances[worst] else None
    found: tuple[int, int, float] | None = None
    gainers = np.flatnonzero(~(bounds <= tolerances))
    for i in gainers[np.argsort(-bounds[gainers], kind="stable")].tolist():  # nan comes last
        if found is not None and bounds[i] <= found[2]:
            continue
        for target, gain in _permitted_switches(game, partition, i, permission, tolerances):
            if not gain <= tolerances[i] and (found is None or not gain <= found[2]):
                found = i, target, gain
            break
    return found


def permitted_regrets(game: HedonicGame, partition: Partition, permission: str, tolerances: Array) -> Array:
    """What each player gains by its best switch to which nobody who is asked objects, (players,)."""
    if isinstance(game, PairwiseGame | LabelledGame):
        return _compiled_moves(game, partition, permission, tolerances)[0]
    regrets = np.zeros(game.players)
    bounds = game.regrets(partition)
    for i in np.flatnonzero(~(bounds <= 0)).tolist():
        regrets[i] = next((gain for _, gain in _permitted_switches(game, partition, i, permission, tolerances)), 0.0)
    return regrets


def _compiled_moves(
    game: PairwiseGame | LabelledGame, partition: Partition, permission: str, tolerances: Array
) -> tuple[Array, Positions]:
    asked = {"joined": asks_joined(permission), "left": asks_left(permission)}
    return game.permitted_moves(partition, tolerances, **asked)


def _permitted_switches(
    game: HedonicGame, partition: Partition, player: int, permission: str, tolerances: Array
) -> Iterator[tuple[int, float]]:
    """The slots where `player` gains and nobody who is asked loses, with its gain, in order of gain, nan first."""
    values = game.values(partition, player)
    gains = values - values[int(partition.slots[player])]
    order = np.argsort(np.where(np.isnan(gains), -np.inf, -gains), kind="stable")
    for slot in order.tolist():
        if gains[slot] <= 0:
            return
        target = slot if slot < game.capacity else OUT
        if target == partition.slots[player] or values[slot] == -np.inf:
            continue
        asked = losses(game, partition, player, target, permission)
        if not any(loss > tolerances[k] for k, loss in asked):
            yield target, float(gains[slot])


def _core_verdict(
    game: HedonicGame, partition: Partition, concept: str, tolerances: Array, max_coalitions: int | None
) -> Deviation | NotDecided | None:
    wanted, limit = number_of_coalitions(game), default_limit(game) if max_coalitions is None else max_coalitions
    if wanted > limit:
        return NotDecided(f"{count(wanted)} coalitions, more than max_coalitions = {limit}")
    found = worst_block(game, game.utilities(partition), strict=concept == "strict-core", tolerances=tolerances)
    if found is None:
        return None
    slot, members, gains = found
    return Deviation(concept, members, gains, slot if slot == OUT or distinguished(game) else None)


def _pareto_verdict(game: HedonicGame, partition: Partition, tolerances: Array) -> Deviation | NotDecided | None:
    refusal = too_large(game, MAX_PARTITIONS)
    if refusal:
        return NotDecided(refusal)
    present = game.utilities(partition)
    worst = None
    for batch in CoalitionTable(game).batches():
        better = dominators(batch.utilities.T, present, tolerances)
        if len(better):
            gains = np.max(batch.utilities[better] - present, axis=1)
            best = int(np.argmax(gains))
            if worst is None or not gains[best] <= worst[0]:
                worst = float(gains[best]), batch.slots[better[best]], batch.utilities[better[best]] - present
    if worst is None:
        return None
    gainers = np.flatnonzero(~(worst[2] <= tolerances))
    return Deviation("pareto", tuple(gainers.tolist()), tuple(worst[2][gainers].tolist()), None, Partition(worst[1]))


def _rational_verdict(game: HedonicGame, partition: Partition, tolerances: Array) -> Deviation | NotDecided | None:
    if not can_be_alone(game):
        return NotDecided(NOBODY_ALONE)
    gains, places = loner_gains(game, partition)
    gainers = np.flatnonzero(~(gains <= tolerances))
    if not len(gainers):
        return None
    worst = int(gainers[np.argmax(gains[gainers])])
    return Deviation("rational", (worst,), (float(gains[worst]),), OUT if places[worst] else None)


def can_be_alone(game: HedonicGame) -> bool:
    """Whether every player but the heads may be out, or in a coalition of its own, whatever the others do."""
    return game.has_out or (game.slots is None and not distinguished(game))


def loner_gains(game: HedonicGame, partition: Partition) -> tuple[Array, Mask]:
    """What each player gains by being alone or out, (players,), and whether out is better, (players,)."""
    alone, out = np.full((2, game.players), -np.inf)
    free = game.movable
    if game.has_out:
        away = np.full(game.players, OUT)
        away[list(game.heads)] = np.arange(len(game.heads))
        out[free] = game.utilities(Partition(away))[free]
    if game.slots is None and not distinguished(game):
        alone[free] = game.utilities(Partition(np.arange(game.players)))[free]
    return np.maximum(alone, out) - game.utilities(partition), out > alone
