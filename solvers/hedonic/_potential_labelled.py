"""Potentials of labelled games: which theorem applies, with its proof, and the number that rises.

Everything here is about games in which what player i gets in slot j is F_ij + c_ij d_i / L_j, with L_j the sum of the
sizes d in slot j and F, c fixed: pay for reputation and frequency factors must not depend on who else is there. Outside
c is 0. Players who head a slot never move; their sizes are constants B_j of L_j, and nothing is asked of what they get.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from solvers.core import Array, Mask, Positions
from solvers.hedonic._labelled import LabelledGame, Reputation
from solvers.hedonic._partition import OUT

ROUNDING = 4 * np.finfo(np.float64).eps  # relative: what two divided products of float64 factors may be off
HALVINGS = 200

Kind: TypeAlias = Literal["exact", "weighted", "ordinal"]

END = "improving switches end at a Nash-stable partition"


class Claim(NamedTuple):
    """A kind of potential, the theorem, and the potential as a function of the slots."""

    kind: Kind
    theorem: str
    evaluate: Callable[[Positions], float]


class Sharing(NamedTuple):
    """The movers' side of a game: F, (movers, slots); c, with as many columns or one; d; B; and F outside, if any."""

    movers: Positions
    fixed: Array
    weights: Array
    sizes: Array
    present: Array
    outside: Array | None

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return len(self.present)


def labelled_potential(game: LabelledGame) -> Claim | None:
    """What is claimed of `game`, the strongest kind first, or None."""
    sharing = _sharing(game)
    if sharing is None:
        return None
    factors = _factors(sharing.weights, sharing.slots)
    found = None
    if factors is not None:
        found = _equal_sizes(sharing, *factors) or _shares_alone(sharing, *factors)
    return found or _two_places(sharing)


# --- what does not depend on who else is there ------------------------------------------------------------------------


def _sharing(game: LabelledGame) -> Sharing | None:
    standing, paces = _standing(game), _paces(game)
    if standing is None or paces is None:
        return None
    movers, present = np.flatnonzero(game.movable), np.zeros(game.slots)
    present[: len(game.heads)] = game.sizes[list(game.heads)]
    return Sharing(
        movers,
        (game.base + standing)[movers],
        (game.weights * paces)[movers],
        game.sizes[movers],
        present,
        None if game.outside is None else game.outside[movers],
    )


def _standing(game: LabelledGame) -> Array | None:
    """What each player is paid for its reputation in each slot, (players, slots) or less, if nobody else matters."""
    reputation = game.reputation
    if reputation is None or reputation.pay == 0:
        return np.zeros((1, 1))
    values = reputation.values if reputation.values.ndim == 2 else reputation.values[:, None]
    columns = []
    for j in range(game.slots):
        own, here = values[:, j if values.shape[1] > 1 else 0], _candidates(game, j)
        peak = _peak(reputation, own, here, j, game.heads)
        if peak is None:
            return None
        worth = reputation.utility(own, peak)
        if reputation.shared and not _constant(worth[here]):
            return None
        columns.append(reputation.pay * worth)
    return np.stack(columns, axis=1)


def _candidates(game: LabelledGame, j: int) -> Mask:
    """Who may ever be in slot j: who can move, and its head."""
    here = game.movable
    here[list(game.heads[j : j + 1])] = True
    return here


def _peak(reputation: Reputation, own: Array, here: Mask, j: int, heads: tuple[int, ...]) -> float | None:
    """The peak in slot j, whoever is there, or None.

    It is given; or the head has it; or all who may come have the same reputation; or it makes no difference, since none
    of them is above the threshold or the floor is 1.
    """
    highest = float(np.max(own[here]))
    if reputation.peaks is not None:
        return float(reputation.peaks[j])
    fixed = (heads and own[heads[j]] == highest) or _constant(own[here])
    irrelevant = highest <= reputation.threshold or reputation.floor == 1
    return highest if fixed or irrelevant else None


def _paces(game: LabelledGame) -> Array | None:
    """The frequency factor of each player in each slot, (players, slots) or (1, 1), if nobody else matters."""
    if game.speeds is None:
        return np.ones((1, 1))
    own, lowest, highest = game.speeds.values, game.speeds.lowest, game.speeds.highest
    columns = []
    for j in range(game.slots):
        here = _candidates(game, j)
        low, high = np.min(lowest[here]), np.max(highest[here])
        for limits, end in ((lowest, low), (highest, high)):
            if not (_constant(limits[here]) or (game.heads and limits[game.heads[j]] == end)):
                return None
        columns.append((own - low) / (high - low))
    return np.stack(columns, axis=1)


def _constant(values: Array) -> bool:
    return bool(np.all(values == values[:1]))


def _factors(weights: Array, slots: int) -> tuple[Array, Array] | None:
    """Numbers f >= 0, (movers,), and I, (slots,), with c_ij = f_i I_j, or None.

    c_ij is mostly a rounded product, so f_i I_j may be off by a few units in the last place. A utility is then off by
    no more than 4e-15 of the player's magnitude, and a gain by no more than twice that: far less than the gain of 1e-9
    of the magnitude from which a player switches.
    """
    if not weights.any():
        return np.ones(len(weights)), np.zeros(slots)
    row, column = np.unravel_index(np.argmax(np.abs(weights)), weights.shape)
    prizes, factors = weights[row], weights[:, column] / weights[row, column]
    off = np.abs(weights - factors[:, None] * prizes)
    if np.any(factors < 0) or np.any(off > ROUNDING * np.abs(weights)):
        return None
    return factors, np.broadcast_to(prizes, slots)


# --- theorems ---------------------------------------------------------------------------------------------------------


def _equal_sizes(sharing: Sharing, factors: Array, prizes: Array) -> Claim | None:
    """Φ = Σ_j I_j Σ_{m=1}^{n_j} d/(B_j + m d) + Σ_i F_i/f_i, if c_ij = f_i I_j and all n movers are of size d.

    n_j counts the movers in slot j. If i with f_i > 0 moves from j to k, the first sum changes by
    I_k d/(B_k + (n_k + 1) d) − I_j d/(B_j + n_j d), so f_i ΔΦ is exactly i's gain; being outside is a place with I = 0,
    and if all I are 0, so that nobody depends on anybody, sizes may differ. A mover with f_i = 0 depends on nobody, but
    others on it: it counts with a multiple of its rank of the place where it is, one rank being more than the most, 2
    max |I|, by which its move can change the first sum.
    """
    worth = _own_worth(_with_outside(sharing), factors, 1 + 3 * np.max(np.abs(prizes)))
    if (prizes.any() and not _constant(sharing.sizes)) or not np.all(np.isfinite(worth)):
        return None
    size = sharing.sizes[0] if len(sharing.sizes) else 1.0

    def evaluate(slots: Positions) -> float:
        own = slots[sharing.movers]
        counts = np.bincount(own[own != OUT], minlength=sharing.slots)
        sums = [np.sum(size / (b + size * np.arange(1, n + 1))) for b, n in zip(sharing.present, counts, strict=True)]
        return float(prizes @ np.array(sums) + np.sum(worth[np.arange(len(own)), own]))

    if not prizes.any():
        return Claim("exact", f"What a player gets in a slot does not depend on who else is there: {END}.", evaluate)
    weighted: Kind = "exact" if np.all(factors == 1) else "weighted"
    return Claim(
        weighted if np.all(factors > 0) else "ordinal",
        "Everybody who can move is of one size, and their weights differ by one factor each, so this is a congestion "
        f"game but for constants of each player's own: {END} (Rosenthal 1973, Monderer and Shapley 1996).",
        evaluate,
    )


def _own_worth(fixed: Array, factors: Array, step: float) -> Array:
    """F_i/f_i, or `step` times the rank of the place for player i where f_i is 0, (movers, places)."""
    free = factors == 0
    with np.errstate(over="ignore"):
        worth = fixed / np.where(free, 1.0, factors)[:, None]
    for i in np.flatnonzero(free):
        worth[i] = step * np.unique(fixed[i], return_inverse=True)[1]
    return worth


def _with_outside(sharing: Sharing) -> Array:
    """F, (movers, slots), and one more column, the last, where there is an outside: `OUT` is -1."""
    if sharing.outside is None:
        return sharing.fixed
    return np.column_stack([sharing.fixed, sharing.outside])


def _shares_alone(sharing: Sharing, factors: Array, prizes: Array) -> Claim | None:
    """∓ Σ_j (L_j² + Σ_{i in j} d_i²)/|I_j| ∓ Σ_{i outside} 2 d_i t_i, for I > 0 and I < 0, if F_ij is F_i in all slots.

    Let c_ij = f_i I_j with f_i > 0 and I_j > 0. In j, i gets F_i + f_i d_i I_j/L_j, the more the less its load L_j/I_j
    is. If i moves from j to k, the sum changes by 2 d_i ((L_k + d_i)/I_k − L_j/I_j), which is negative if and only if i
    gains. Outside i gets o_i, as in a slot of load t_i = f_i d_i/(o_i − F_i), or of any load that no slot reaches if
    o_i <= F_i. If I_j < 0 for all j, i gains where the load is higher, and outside is as good as the load
    t_i = f_i d_i/(F_i − o_i), or as one that no slot reaches if F_i <= o_i.
    """
    if not len(factors) or np.any(factors <= 0) or not (np.all(prizes > 0) or np.all(prizes < 0)):
        return None
    if np.any(sharing.fixed != sharing.fixed[:, :1]):
        return None
    sign, prizes, squares = np.sign(prizes[0]), np.abs(prizes), sharing.sizes**2
    bars = _bars(sharing, factors, sign, 2 * (sharing.present.sum() + sharing.sizes.sum()) / prizes.min())

    def evaluate(slots: Positions) -> float:
        own = slots[sharing.movers]
        inside = own != OUT
        loads = sharing.present + np.bincount(own[inside], sharing.sizes[inside], sharing.slots)
        parts = (loads**2 + np.bincount(own[inside], squares[inside], sharing.slots)) / prizes
        return float(-sign * (np.sum(parts) + np.sum(2 * (sharing.sizes * bars)[~inside])))

    return Claim(
        "ordinal",
        "Slots differ only in the prize that is shared there, which is a game of loads on machines of different speed: "
        f"{END} (Even-Dar, Kesselman and Mansour 2003).",
        evaluate,
    )


def _bars(sharing: Sharing, factors: Array, sign: float, highest: float) -> Array:
    """The load of a slot that is as good as being outside, (movers,), at most `highest`, which no slot reaches."""
    if sharing.outside is None:
        return np.zeros(len(factors))
    better = sign * (sharing.outside - sharing.fixed[:, 0])
    with np.errstate(over="ignore"):
        bars = factors * sharing.sizes / np.where(better > 0, better, 1.0)
    return np.where(better > 0, np.minimum(bars, highest), highest)


def _two_places(sharing: Sharing) -> Claim | None:
    """± (Σ_i d_i θ_i x_i − ½ Σ_{i≠k} d_i d_k x_i x_k), if there are two places, for c >= 0 and c <= 0.

    The places are two slots, or one and outside; x_i is 1 if mover i is in the second. Let c >= 0. What i gains by
    being in the second rather than the first depends on the load y of the other movers in the second only, and it never
    grows with y. So there is a θ_i with y <= θ_i where i gains by being in the second, and y >= θ_i where it loses; at
    equality it neither gains nor loses. Φ changes by d_i (θ_i − y) when i enters the second place, and by the opposite
    when it leaves: it rises if i gains. If c <= 0 the gain never falls with y, and −Φ rises.
    """
    if sharing.slots + (sharing.outside is not None) != 2 or not len(sharing.movers):
        return None
    weights = np.broadcast_to(sharing.weights, sharing.fixed.shape)
    falling, rising = bool(np.all(weights >= 0)), bool(np.all(weights <= 0))
    if not (falling or rising):
        return None
    sign, sizes = 1.0 if falling else -1.0, sharing.sizes
    turns = _turns(sharing, weights, sign)

    def evaluate(slots: Positions) -> float:
        inside = (slots[sharing.movers] == (1 if sharing.slots == 2 else OUT)).astype(np.float64)
        load = sizes @ inside
        return float(sign * (np.sum(sizes * (turns + sizes / 2) * inside) - load * load / 2))

    return Claim(
        "ordinal",
        "There are two places, and everybody who can move wants the second as long as the others there are "
        f"{'small' if falling else 'large'} enough, each with a threshold of its own: {END}.",
        evaluate,
    )


def _turns(sharing: Sharing, weights: Array, sign: float) -> Array:
    """θ, (movers,): beyond what the others can reach, or found by halving."""
    fixed, sizes = _with_outside(sharing), sharing.sizes
    others = np.sum(sizes) - sizes
    first = weights[:, 0], sharing.present[0]
    second = (weights[:, 1], sharing.present[1]) if sharing.slots == 2 else (np.zeros(len(sizes)), 0.0)

    def wish(load: Array) -> Array:
        there = fixed[:, 1] + second[0] * sizes / (second[1] + load + sizes)
        here = fixed[:, 0] + first[0] * sizes / (first[1] + np.maximum(others - load, 0.0) + sizes)
        return np.asarray(sign * (there - here))

    low, high = np.zeros(len(sizes)), others.copy()
    always, never = wish(high) > 0, wish(low) < 0
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        positive = wish(middle) > 0
        low, high = np.where(positive, middle, low), np.where(positive, high, middle)
    return np.where(always, others + sizes, np.where(never, -sizes, low + (high - low) / 2))
