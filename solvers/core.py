"""The two ideas every solver shares: a game that can price deviations, and a solver's claim about it.

The third, the certificate, lives in `verification.certificates`, which no solver may import.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Positions: TypeAlias = npt.NDArray[np.intp]
Exact: TypeAlias = npt.NDArray[np.object_]  # of fractions

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)


class InvalidGame(ValueError):
    """The input does not describe a game; the message names the argument, the rule and the value."""


class NotSolved(RuntimeError):
    """A solution was required where the solver has none; the message says what to change."""


class Game(Protocol[P_contra]):
    """What a certificate needs to know of a game: how far a profile is from being an equilibrium."""

    concept: ClassVar[str]

    def infeasibility(self, profile: P_contra, /) -> float | Fraction:
        """Distance of `profile` from the strategy sets, 0 inside them; a fraction for a rational profile."""
        ...

    def regrets(self, profile: P_contra, /) -> Array | Exact:
        """What each player gains by its best deviation, in payoff units, from payoffs alone.

        Fractions for a rational profile.
        """
        ...


class Evidence(Protocol):
    """What a certificate says; reports take it so, since `solvers` may not import `verification`."""

    @property
    def concept(self) -> str:
        """Whose gain is measured: the kind of equilibrium."""
        ...

    @property
    def residual(self) -> float | Fraction:
        """The worst gain by deviating, in payoff units."""
        ...

    @property
    def tolerance(self) -> float:
        """The gain that is allowed."""
        ...

    @property
    def holds(self) -> bool:
        """Whether the claim stands."""
        ...

    @property
    def regrets(self) -> Array | Exact:
        """Each player's gain by its best deviation."""
        ...


class Status(enum.StrEnum):
    """How a solver stopped; each value says what the reader can do about it."""

    SOLVED = "solved"
    LIMIT = "stopped at the iteration limit; raise it or start elsewhere"
    CYCLE = "the dynamics returned to an earlier state; no further step can converge"
    NONE_EXISTS = "no profile of the requested kind exists"
    SINGULAR = "the equations have no unique solution, so this method has no answer; use another"
    FAILED = "the method returned nothing that passes its check; use another"
    STUCK = "the rules allow no further switch, but some player would gain by one; drop a rule or solve exactly"
    TIME_LIMIT = "stopped at the time limit; raise it or use another method"


@dataclass(frozen=True, slots=True)
class Solution(Generic[P]):
    """A solver's claim; `verification.certify` decides whether it holds.

    `complete` is true only where `profiles` is proved to list every equilibrium, or of a continuum every extreme one.
    """

    profiles: tuple[P, ...]
    status: Status
    method: str
    complete: bool = False
    stats: Mapping[str, Any] = field(default_factory=dict)

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
