"""What breaks stability, and what may be said where nothing was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from solvers.hedonic._partition import OUT, Partition

TITLES: Final = {
    "nash": "Nash-stable",
    "individual": "individually stable",
    "contractual": "contractually individually stable",
    "contractual-nash": "contractual Nash-stable",
    "core": "core-stable",
    "strict-core": "strictly core-stable",
    "pareto": "Pareto optimal",
    "rational": "individually rational",
}
CONCEPTS: Final = tuple(TITLES)


def checked_concept(concept: str) -> str:
    """The concept, if there is one of that name.

    Raises
    ------
    ValueError
        If it is none of `CONCEPTS`.
    """
    if concept not in TITLES:
        raise ValueError(f"concept must be one of {', '.join(CONCEPTS)}, got {concept!r}")
    return concept


@dataclass(frozen=True, slots=True)
class Deviation:
    """Players that gain by deviating together from a partition: the witness that it is not stable.

    `gains` are theirs, in the order of `players`, in payoff units. `target` is the slot where they would be, `OUT` for
    no coalition, and None where slots are not told apart and the players would be among themselves. `outcome` is, for
    Pareto optimality, the partition that is better.
    """

    concept: str
    players: tuple[int, ...]
    gains: tuple[float, ...]
    target: int | None = None
    outcome: Partition | None = None

    @property
    def gain(self) -> float:
        """How strong the deviation is: what each of a core's blocking coalition gains at least, else the largest gain.

        Examples
        --------
        >>> Deviation("core", (0, 2), (3.0, 1.0)).gain, Deviation("strict-core", (0, 2), (3.0, 0.0)).gain
        (1.0, 3.0)
        """
        return float(np.min(self.gains) if self.concept == "core" else np.max(self.gains))

    def __str__(self) -> str:
        who = "player" if len(self.players) == 1 else "players"
        names, gains = ", ".join(map(str, self.players)), ", ".join(f"{gain:.6g}" for gain in self.gains)
        verb = "gains" if len(self.players) == 1 else "gain"
        return f"{who} {names} {verb} {gains} {self._way()}"

    def _way(self) -> str:
        if self.outcome is not None:
            return f"and nobody loses in {self.outcome}"
        if self.target == OUT:
            return "by being in no coalition"
        if self.concept in ("core", "strict-core"):
            return "by forming a coalition" + ("" if self.target is None else f" in slot {self.target}")
        return "by being alone" if self.target is None else f"by going to slot {self.target}"


@dataclass(frozen=True, slots=True)
class NotDecided:
    """No verdict: `reason` says why. It is neither stable nor unstable."""

    reason: str

    def __str__(self) -> str:
        return f"not decided: {self.reason}"
