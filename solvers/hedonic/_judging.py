"""Which of many partitions are stable, by the table of all coalitions: the checks of `_verdicts`, in batches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from solvers._numba import njit
from solvers.core import Array, Mask, Positions
from solvers.hedonic._core import may_form
from solvers.hedonic._partition import OUT
from solvers.hedonic._permission import asks_joined, asks_left
from solvers.hedonic._table import Batch, CoalitionTable


class Harm(NamedTuple):
    """Who would hurt whom: `CoalitionTable.harmful_joins` and `harmful_leaves`, None where nobody is asked."""

    joins: Mask | None
    leaves: Mask | None


def harm(table: CoalitionTable, permission: str, tolerances: Array) -> Harm:
    """What those who are asked under `permission` would object to."""
    joins = table.harmful_joins(tolerances) if asks_joined(permission) else None
    return Harm(joins, table.harmful_leaves(tolerances) if asks_left(permission) else None)


def switch_regrets(table: CoalitionTable, batch: Batch, objections: Harm) -> Array:
    """What each player gains by the best switch that nobody objects to, (rows, players)."""
    regrets = np.zeros(batch.slots.shape)
    for b, i in enumerate(table.movers):
        stuck = _unmovable(table, batch, b, objections.leaves)
        present = batch.utilities[:, i]
        for target in range(OUT if table.game.has_out else 0, _slots_to_try(table, batch)):
            worth, closed = _joined(table, batch, b, target, objections.joins)
            closed = closed | stuck | (batch.slots[:, i] == target)
            regrets[:, i] = np.maximum(regrets[:, i], np.where(closed, 0.0, worth - present))
    return regrets


def _slots_to_try(table: CoalitionTable, batch: Batch) -> int:
    """One past the highest slot that matters: of like empty ones, the first stands for all."""
    used = int(batch.slots.max()) + 2 if table.layers == 1 else table.game.capacity
    return min(used, table.game.capacity)


def _joined(
    table: CoalitionTable, batch: Batch, b: int, target: int, joins: Mask | None
) -> tuple[Array | float, Mask | bool]:
    """What the mover at place b gets in `target`, and where the members there object."""
    if target == OUT:
        return float(table.out[table.movers[b]]), False
    layer, coalition = table.layer(target), batch.coalitions[:, target] | 1 << b
    worth: Array = table.values[layer, coalition, table.movers[b]]
    return worth, False if joins is None else joins[layer, coalition, b]


def _unmovable(table: CoalitionTable, batch: Batch, b: int, leaves: Mask | None) -> Mask | bool:
    """Where the members of its own coalition object to the leave of the mover at place b."""
    if leaves is None:
        return False
    own = batch.slots[:, table.movers[b]]
    objected: Mask = leaves[table.layer(own), batch.coalitions[np.arange(len(own)), own], b]
    objected &= own != OUT
    return objected


def blocked(table: CoalitionTable, batch: Batch, strict: bool, tolerances: Array) -> Mask:
    """Where a coalition blocks the core, or the strict core, (rows,)."""
    utilities, where = np.unique(batch.utilities, axis=0, return_inverse=True)
    alive = np.arange(len(utilities))
    for layer in range(table.layers):
        for coalition in range(table.values.shape[1]):
            members = table.members(layer, coalition)
            if members and may_form(table.game, layer, members):
                worth = table.values[layer, coalition]
                alive = alive[~_gain_together(utilities, alive, worth, members, strict, tolerances)]
    if table.game.has_out:
        for i in table.movers:
            alive = alive[~_gain_together(utilities, alive, table.out, (i,), strict, tolerances)]
    found = np.ones(len(utilities), dtype=bool)
    found[alive] = False
    return found[where.reshape(-1)]


def _gain_together(
    utilities: Array, alive: Positions, worth: Array, members: tuple[int, ...], strict: bool, tolerances: Array
) -> Mask:
    """Where all of `members` would gain by what they are `worth` together, among the rows that are `alive`."""
    rows, gaining = np.arange(len(alive)), np.zeros(len(alive), dtype=bool)
    for i in members:
        gains = worth[i] - utilities[alive[rows], i]
        gains_enough = ~(gains <= tolerances[i])
        gaining[rows] |= gains_enough
        rows = rows[~(gains < -tolerances[i]) if strict else gains_enough]
        if not len(rows):
            break
    together = np.zeros(len(alive), dtype=bool)
    together[rows] = gaining[rows]
    return together


def loner_regrets(table: CoalitionTable, batch: Batch) -> Array:
    """What each player would gain by being alone, or out, (rows, players)."""
    alone = table.out.copy()
    if table.game.slots is None and table.layers == 1:
        for b, i in enumerate(table.movers):
            alone[i] = np.maximum(alone[i], table.values[0, 1 << b, i])
    gains = alone - batch.utilities
    return np.where(gains <= 0, 0.0, gains)


def dominated(utilities: Array, tolerances: Array) -> Mask:
    """Which rows another row dominates: nobody loses more than its tolerance, and somebody gains more, (rows,)."""
    distinct, where = np.unique(utilities, axis=0, return_inverse=True)
    welfare = np.sum(distinct, axis=1)
    welfare[np.isnan(welfare)] = np.inf
    order = np.argsort(-welfare, kind="stable")
    # Whoever dominates a row has no less welfare than it, but for the tolerances and the rounding of the sums.
    rounding = 4 * distinct.shape[1] * np.finfo(np.float64).eps * np.nanmax(np.sum(np.abs(distinct), axis=1), initial=0)
    least = welfare[order] - np.sum(tolerances) - rounding
    rivals = np.searchsorted(-welfare[order], -least, side="right")
    found = np.empty(len(distinct), dtype=bool)
    found[order] = _dominated(distinct[order], rivals, tolerances.copy())
    return found[where.reshape(-1)]


def _scan(rows: Array, rivals: Positions, tolerances: Array) -> Mask:
    """Which rows one of the first `rivals[row]` rows dominates."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for row in range(len(rows)):
        for rival in range(rivals[row]):
            gaining = False
            for i in range(rows.shape[1]):
                gain = rows[rival, i] - rows[row, i]
                if gain < -tolerances[i]:
                    break
                if not gain <= tolerances[i]:
                    gaining = True
            else:
                if gaining:
                    found[row] = True
                    break
    return found


_dominated = njit(_scan)


def dominators(columns: Array, utilities: Array, tolerances: Array) -> npt.NDArray[np.intp]:
    """Which columns dominate `utilities`, (players,)."""
    rows = np.arange(columns.shape[1])
    gaining = np.zeros(len(rows), dtype=bool)
    for i, (column, present) in enumerate(zip(columns, utilities, strict=True)):
        gains = column[rows] - present
        gaining = gaining | ~(gains <= tolerances[i])
        kept = ~(gains < -tolerances[i])
        rows, gaining = rows[kept], gaining[kept]
    return rows[gaining]
