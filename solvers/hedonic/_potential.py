"""Potentials: why improving switches must end in some games, recognised from the game's data.

What is recognised is proved below each function. Numbers are compared as they are, without a tolerance: a game whose
weights are symmetric but for noise has no potential here. Products alone are allowed the rounding of their factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from solvers.core import Array, Positions
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._pairwise import AdditivelySeparableGame
from solvers.hedonic._partition import Partition
from solvers.hedonic._potential_labelled import labelled_potential

Kind: TypeAlias = Literal["exact", "weighted", "ordinal", "welfare"]


@dataclass(frozen=True, slots=True)
class Potential:
    """A number for every partition that each improving switch of a game raises, and the theorem that says so.

    There are finitely many partitions, so improving switches end, in whatever order they come, and where they end is
    Nash-stable. By a switch an `"exact"` potential rises by what the player gains, a `"weighted"` one by that times a
    positive number of the player's own, an `"ordinal"` one by some positive number. A `"welfare"` potential rises by
    the switches that the welfare rule accepts, and not by others: where they end is not always Nash-stable.

    Examples
    --------
    >>> found = potential(AdditivelySeparableGame([[0, 2], [2, 0]]))
    >>> found.kind, found.value(Partition([0, 1])), found.value(Partition([0, 0]))
    ('exact', 0.0, 2.0)
    >>> print(found.theorem)
    Any two players get the same from each other, so the sum of the weights inside coalitions rises by what a player
    gains: improving switches end at a Nash-stable partition (Bogomolnaia and Jackson 2002).
    """

    game: HedonicGame = field(repr=False)
    kind: Kind
    theorem: str
    evaluate: Callable[[Positions], float] = field(repr=False)

    def value(self, partition: Partition) -> float:
        """The potential of `partition`.

        Raises
        ------
        InvalidGame
            If the partition is not feasible in the game.
        """
        return self.evaluate(self.game.admitted(partition).slots)


def potential(game: HedonicGame, *, welfare: bool = False) -> Potential | None:
    """The potential of `game`, or None where no theorem is known to give one: improving switches may then cycle.

    Recognised are symmetric additively separable games; anonymous games in which all rank sizes alike; and labelled
    games without reputation pay, or with pay that does not depend on who else is there, if there are two places, or the
    players are of one size and their weights differ by one factor each, or only the shares tell the slots apart.
    Players who head a slot never move, so what they get does not matter. With `welfare` the dynamics accept only
    switches that raise the sum of utilities, and that is a potential where the game has none.

    Games of other classes, subclasses too, are not looked into: they may define their utilities anew.

    References
    ----------
    Monderer, Shapley: Potential games, Games and Economic Behavior 14, 1996.
    Rosenthal: A class of games possessing pure-strategy Nash equilibria, International Journal of Game Theory 2, 1973.
    Bogomolnaia, Jackson: The stability of hedonic coalition structures, Games and Economic Behavior 38, 2002.
    Even-Dar, Kesselman, Mansour: Convergence time to Nash equilibria, ICALP 2003.

    Examples
    --------
    >>> game = LabelledGame([[1.0, 0.0], [1.0, 0.9]], weights=[1.0, 1.0], sizes=[3.0, 1.0])
    >>> found = potential(game)
    >>> game.regrets(Partition([0, 0])).round(2), found.kind
    (array([0.  , 0.65]), 'ordinal')
    >>> bool(found.value(Partition([0, 1])) > found.value(Partition([0, 0])))
    True
    """
    found = None
    if type(game) is AdditivelySeparableGame:
        found = _symmetric(game)
    elif type(game) is AnonymousGame:
        found = _one_ranking(game)
    elif type(game) is LabelledGame and (claim := labelled_potential(game)):
        found = Potential(game, claim.kind, claim.theorem, claim.evaluate)
    return _welfare(game) if found is None and welfare else found


def _symmetric(game: AdditivelySeparableGame) -> Potential | None:
    """The sum of the weights inside coalitions, if any two players who can move get the same from each other.

    A mover's weight for a head counts too, a head's for a mover does not. If i moves from S to T, Φ changes by
    Σ_{k∈T} w_ik − Σ_{k∈S, k≠i} w_ik, since each pair of movers counts once with w_ik = w_ki: that is i's gain.
    """
    owners, movable = np.repeat(np.arange(game.players), np.diff(game.indptr)), game.movable
    among = movable[owners] & movable[game.indices]
    if not _equals_transpose(owners[among], game.indices[among], game.data[among]):
        return None
    shares = np.where(among, 0.5, 1.0) * np.where(movable[owners], game.data, 0.0)

    def evaluate(slots: Positions) -> float:
        return float(np.sum(shares[slots[owners] == slots[game.indices]]))

    return Potential(
        game,
        "exact",
        "Any two players get the same from each other, so the sum of the weights inside coalitions rises by what a "
        "player gains: improving switches end at a Nash-stable partition (Bogomolnaia and Jackson 2002).",
        evaluate,
    )


def _equals_transpose(rows: Positions, columns: Positions, data: Array) -> bool:
    """Whether a sparse table, sorted by rows and then columns, is symmetric."""
    order = np.argsort(columns, kind="stable")
    pairs = (columns[order], rows), (rows[order], columns), (data[order], data)
    return all(np.array_equal(transposed, given) for transposed, given in pairs)


def _one_ranking(game: AnonymousGame) -> Potential | None:
    """Σ over coalitions of v(1) + ... + v(size), if everybody who can move ranks the sizes as v does.

    If i moves from a coalition of s to one of t, Φ changes by v(t + 1) − v(s). Where all movers have the same values,
    these are v, and the change is i's gain. Otherwise v(s) is the sum of all movers' dense ranks of s: if no two movers
    disagree strictly about two sizes, v is higher where any of them gets more, and so Φ rises. They do not if, with the
    sizes in order of v, nobody's values fall: of two sizes of equal v nobody then gets more in one, or v would differ.
    """
    values = game.values_by_size[game.movable]
    same = bool(np.all(values == values[:1]))
    if same:
        worth = values[0] if len(values) else np.zeros(game.players)
    else:
        worth = np.sum([np.unique(row, return_inverse=True)[1] for row in values], axis=0).astype(np.float64)
        ordered = values[:, np.argsort(worth, kind="stable")]
        if np.any(ordered[:, :-1] > ordered[:, 1:]):
            return None
    totals = np.concatenate(([0.0], np.cumsum(worth)))

    def evaluate(slots: Positions) -> float:
        return float(np.sum(totals[np.bincount(slots)]))

    return Potential(
        game,
        "exact" if same else "ordinal",
        "Everybody who can move ranks the sizes of coalitions alike, so this is a congestion game: improving switches "
        "end at a Nash-stable partition (Rosenthal 1973).",
        evaluate,
    )


def _welfare(game: HedonicGame) -> Potential:
    """The sum of utilities: the rule asks of every switch that it rises."""
    return Potential(
        game,
        "welfare",
        "Only switches that raise the sum of utilities are accepted, and there are finitely many partitions: they end, "
        "though not always at a Nash-stable partition.",
        lambda slots: game.welfare(Partition(slots)),
    )
