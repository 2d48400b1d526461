"""The two ideas every solver shares: a game that can price deviations, and a solver's claim about it.

The third, the certificate, lives in `verification.certificates`, which no solver may import.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Positions: TypeAlias = npt.NDArray[np.intp]

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)


class InvalidGame(ValueError):
    """The input does not describe a game; the message names the argument, the rule and the value."""


class NotSolved(RuntimeError):
    """A solution was required where the solver has none; the message says what to change."""


class Game(Protocol[P_contra]):
    """What a certificate needs to know of a game: how far a profile is from being an equilibrium."""

    concept: ClassVar[str]

    def infeasibility(self, profile: P_contra, /) -> float:
        """Distance of `profile` from the strategy sets, 0.0 inside them."""
        ...

    def regrets(self, profile: P_contra, /) -> Array:
        """What each player gains by its best deviation, in payoff units, from payoffs alone."""
        ...


class Status(enum.StrEnum):
    """How a solver stopped; each value says what the reader can do about it."""

    SOLVED = "solved"
    LIMIT = "stopped at the iteration limit; raise it or start elsewhere"
    CYCLE = "the dynamics returned to an earlier state; no further step can converge"
    NONE_EXISTS = "no profile of the requested kind exists"


@dataclass(frozen=True, slots=True)
class Solution(Generic[P]):
    """A solver's claim; `verification.certify` decides whether it holds.

    `complete` is true only where `profiles` is proved to list every equilibrium.
    """

    profiles: tuple[P, ...]
    status: Status
    method: str
    complete: bool = False
    stats: Mapping[str, float] = field(default_factory=dict)

    def require(self) -> P:
        """The first profile of a solved game.

        Raises
        ------
        NotSolved
            If the solver stopped without one; the message is the status.

        Examples
        --------
        >>> Solution((0.5,), Status.SOLVED, "bisection").require()
        0.5
        """
        if self.status is not Status.SOLVED or not self.profiles:
            raise NotSolved(f"{self.method}: {self.status.value}")
        return self.profiles[0]
