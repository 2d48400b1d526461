"""Stability as regrets: for each concept, the deviation that breaks it most, or None where nothing does.

A gain counts if it exceeds the gainer's tolerance, a loss if it exceeds the loser's; nan never proves stability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

import numpy as np

from solvers.core import Array, NotSolved
from solvers.hedonic._deviation import CONCEPTS, TITLES, Deviation, NotDecided, checked_concept
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._partition import Partition
from solvers.hedonic._verdicts import can_be_alone, loner_gains, permitted_regrets, verdict


def deviation(
    game: HedonicGame,
    partition: Partition,
    concept: str = "nash",
    *,
    tolerance: float | Array | None = None,
    max_coalitions: int | None = None,
) -> Deviation | None:
    """The deviation with the largest gain that breaks stability in the sense of `concept`, or None if none does.

    "nash": a player gains by switching alone. "individual": and no member of the coalition that it joins loses.
    "contractual-nash": and no member of the one that it leaves loses. "contractual" (individually stable): neither
    loses. An empty slot, or a coalition of its own, has no members to ask.

    "core": all members of some coalition S gain by forming it. "strict-core": none loses, and one gains. S may form in
    any slot; where slots have heads, in slot j if its head is in S and no other head is. Whoever is in that slot and
    not in S has to be elsewhere, which only a game of one slot and no `OUT` rules out. One player in `OUT` counts as a
    coalition.

    "pareto": some feasible partition makes nobody worse off and somebody better. "rational": a player would rather be
    alone, where slots are free in number, or out, where that is allowed; heads cannot be either.

    The core takes one look at each coalition; Pareto optimality looks at every partition, about 10 players.

    Parameters
    ----------
    tolerance
        The gain that is no reason to deviate and the loss that is no reason to object, one number or (players,); by
        default 1e-9 of the size of each player's utilities.
    max_coalitions
        How many coalitions the core may look at; by default what takes a few seconds, 2**22 (22 players who may move,
        where slots are not told apart), or 2**16 where the game has its values from a Python function only.

    Raises
    ------
    NotSolved
        If the question is beyond these limits, or if players can be neither alone nor out; see `stability`.
    InvalidGame
        If `partition` is not a feasible one, or `tolerance` is not finite and at least 0.
    ValueError
        If `concept` is none of `CONCEPTS`.

    References
    ----------
    Bogomolnaia and Jackson, The stability of hedonic coalition structures, Games Econ. Behav. 38 (2002), section 2.
    Aziz and Savani, Hedonic games, in: Handbook of Computational Social Choice (2016), section 15.2.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame, Partition
    >>> game = AdditivelySeparableGame([[0, 1], [-1, 0]])  # player 0 seeks player 1, who avoids it
    >>> print(deviation(game, Partition([0, 1])))
    player 0 gains 1 by going to slot 1
    >>> deviation(game, Partition([0, 1]), "individual") is None
    True
    """
    found = verdict(game, partition, checked_concept(concept), gain_tolerance(game, tolerance), max_coalitions)
    if isinstance(found, NotDecided):
        raise NotSolved(f"{concept}: {found.reason}")
    return found


def stability(
    game: HedonicGame,
    partition: Partition,
    *,
    tolerance: float | Array | None = None,
    max_coalitions: int | None = None,
) -> dict[str, Deviation | NotDecided | None]:
    """For each of `CONCEPTS` the deviation that breaks it, None where it holds, or that it was not decided, and why.

    Raises
    ------
    InvalidGame
        If `partition` is not a feasible one, or `tolerance` is not finite and at least 0.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame, Partition
    >>> game = AdditivelySeparableGame([[0, 1], [-1, 0]])
    >>> {concept: found is None for concept, found in stability(game, Partition([0, 1])).items() if concept != "core"}
    {'nash': False, 'individual': True, 'contractual': True, 'contractual-nash': False, 'strict-core': True, \
'pareto': True, 'rational': True}
    """
    tolerances = gain_tolerance(game, tolerance)
    return {concept: verdict(game, partition, concept, tolerances, max_coalitions) for concept in CONCEPTS}


class StabilityGame:
    """A hedonic game in which regrets are gains by the deviations of `concept`, for `verification.certify`.

    Who consents to a deviation is judged by `tolerance`, as in `deviation`. Regrets under "nash", the permissions and
    "rational" are each player's best permitted gain. In the core and the strict core they are the gains of the worst
    blocking coalition, in the core the least of them for each member; under "pareto" those in the better partition. In
    the strict core and under "pareto", where those who gain nothing must consent, gains within `tolerance` are none.

    Raises
    ------
    InvalidGame
        If `tolerance` is not finite and at least 0.
    ValueError
        If `concept` is none of `CONCEPTS`.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame, Partition
    >>> from verification import certify
    >>> game = AdditivelySeparableGame([[0, 1], [-1, 0]])
    >>> print(certify(StabilityGame(game, "individual"), Partition([0, 1])))
    individually stable: residual 0, tolerance 1e-09: holds
    """

    concept: ClassVar[str] = ""

    game: HedonicGame
    kind: str
    tolerances: Array

    def __new__(cls, game: HedonicGame, concept: str, *, tolerance: float | Array | None = None) -> Self:
        made: Self = object.__new__(_KINDS[checked_concept(concept)])
        made.__dict__.update(game=game, kind=concept, tolerances=gain_tolerance(game, tolerance))
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a game never changes; build another, got {name} = {value!r:.60}")

    def __reduce__(self) -> tuple[Callable[..., StabilityGame], tuple[Any, ...]]:
        return _restored, (self.game, self.kind, self.tolerances)

    def infeasibility(self, partition: Partition, /) -> float:
        """How many players are where they may not be."""
        return self.game.infeasibility(partition)

    def regrets(self, partition: Partition, /) -> Array:
        """What each player gains in the worst deviation that the concept allows, (players,), 0 where there is none.

        Raises
        ------
        NotSolved
            If that was not decided; see `deviation`.
        """
        if self.kind == "nash":
            return self.game.regrets(partition)
        if self.kind in ("individual", "contractual", "contractual-nash"):
            return permitted_regrets(self.game, partition, self.kind, self.tolerances)
        if self.kind == "rational" and can_be_alone(self.game):
            return np.maximum(loner_gains(self.game, partition)[0], 0.0)
        least = np.zeros(self.game.players) if self.kind == "core" else self.tolerances  # in the core nobody is asked
        found = verdict(self.game, partition, self.kind, least, None)
        if isinstance(found, NotDecided):
            raise NotSolved(f"{self.kind}: {found.reason}")
        return _shared(found, self.game.players)


def _shared(found: Deviation | None, players: int) -> Array:
    """The gains of a deviation as regrets; nobody in a core's blocking coalition has more than its least gain."""
    regrets = np.zeros(players)
    if found is not None:
        gains = np.full(len(found.players), found.gain) if found.concept == "core" else np.asarray(found.gains)
        regrets[list(found.players)] = np.maximum(gains, 0.0)
    return regrets


def _restored(game: HedonicGame, concept: str, tolerances: Array) -> StabilityGame:
    return StabilityGame(game, concept, tolerance=tolerances)


_KINDS: Final[dict[str, Any]] = {
    concept: type("StabilityGame", (StabilityGame,), {"concept": title, "__doc__": StabilityGame.__doc__})
    for concept, title in TITLES.items()
}
