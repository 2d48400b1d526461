"""What a player of a labelled game gets in every coalition of one slot: equation (10), term by term, by doubling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solvers.core import Array, Mask, Positions
from solvers.hedonic._subsets import Others, folded, numbers, others, spread

if TYPE_CHECKING:
    from solvers.hedonic._labelled import LabelledGame, Reputation


def coalition_values(game: LabelledGame, player: int, slot: int) -> Array:
    """What `player` gets in `slot` with each coalition, (2**movers,), nan where it is not a member."""
    company = others(game, player, slot)
    weight = game.weights[player, slot if game.weights.shape[1] > 1 else 0]
    share = game.sizes[player] / folded(np.add, game.sizes[company.players], company.optional, game.sizes[player])
    found = game.base[player, slot] + weight * _paces(game, player, company) * share
    if game.reputation is not None:
        found += game.reputation.pay * _standings(game.reputation, player, slot, company)
    return spread(game, player, slot, found)


def _paces(game: LabelledGame, player: int, company: Others) -> Array | float:
    """The frequency factor f_i(S)."""
    if game.speeds is None:
        return 1.0
    own, lowest, highest = game.speeds.values[player], game.speeds.lowest, game.speeds.highest
    low = folded(np.minimum, lowest[company.players], company.optional, lowest[player])
    high = folded(np.maximum, highest[company.players], company.optional, highest[player])
    paces: Array = (own - low) / (high - low)
    return paces


def _standings(reputation: Reputation, player: int, slot: int, company: Others) -> Array:
    """The player's H, or the mean H of all members."""
    values = reputation.values if reputation.values.ndim == 2 else reputation.values[:, None]
    column = values[:, slot if values.shape[1] > 1 else 0]
    peak = None if reputation.peaks is None else float(reputation.peaks[slot])
    if not reputation.shared:
        return _own(reputation, column[player], column[company.players], company.optional, peak)
    everyone = np.append(column[company.players], column[player])
    optional = np.append(company.optional, False)
    if peak is None:
        sums = _sums_by_peak(reputation, everyone, optional)
    else:
        sums = folded(np.add, reputation.utility(everyone, peak), optional, 0.0)
    return sums / numbers(optional)


def _own(reputation: Reputation, own: float, values: Array, optional: Mask, peak: float | None) -> Array:
    """The player's H by the highest reputation in each coalition, or by the given peak."""
    if peak is not None:
        return reputation.utility(np.array([own]), peak)
    peaks = np.unique(np.append(values[values > own], own))
    ranks = np.searchsorted(peaks, np.maximum(values, own))
    worth = np.array([float(reputation.utility(np.array([own]), top)[0]) for top in peaks.tolist()])
    found: Array = worth[folded(np.maximum, ranks, optional, 0)]
    return found


def _sums_by_peak(reputation: Reputation, values: Array, optional: Mask) -> Array:
    """The sum of the members' H in each coalition, (2**k,), when its highest reputation is the peak.

    Members are ranked by reputation. Coalitions whose highest-ranked member is the same have one peak, and are all the
    choices among the members of lower rank: a block of those numbered by rank.
    """
    order = np.argsort(values, kind="stable")
    ranked, choice = values[order], optional[order]
    always = int(np.flatnonzero(~choice)[-1])  # nobody below this rank is ever the highest
    sums = np.empty(2 ** int(np.count_nonzero(choice)))
    for top in range(always, len(order)):
        worth = reputation.utility(ranked[: top + 1], float(ranked[top]))
        block = folded(np.add, worth, np.append(choice[:top], False), 0.0)
        start = len(block) if choice[top] else 0
        sums[start : start + len(block)] = block
    found = np.empty_like(sums)
    found[_numbers_by_place(order, optional)] = sums
    return found


def _numbers_by_place(order: Positions, optional: Mask) -> Positions:
    """The coalition that each choice of optional members numbered by rank is when they are numbered by place."""
    bits = np.where(optional, 1 << np.maximum(np.cumsum(optional) - 1, 0), 0)
    return folded(np.add, bits[order], optional[order], 0)
