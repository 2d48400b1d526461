"""A library's answer as a `Solution`: each profile is checked against the original game, and nothing goes unsaid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.bimatrix._game import AnyProfile, BimatrixGame, Profile, RationalProfile
from solvers.bimatrix.backends._pool import ask
from solvers.bimatrix.backends._wire import Message, fractions
from solvers.core import Solution, Status

TOLERANCE = 1e-9  # of a sum of probabilities, and of a regret as a share of the range of the player's payoffs
LONGEST = 1e6  # seconds
SENT = {"status", "complete"}  # notes that become fields


@dataclass(frozen=True)
class Method:
    """One method of a library, and what its answer proves.

    `exhaustive` methods list every equilibrium, or every pure one where `pure`, by exact arithmetic.
    """

    library: str
    name: str
    exhaustive: bool = False
    pure: bool = False

    def solve(self, game: BimatrixGame, time_limit: float, **options: Any) -> Solution[AnyProfile]:
        """The library's answer to `game`, profile by profile checked."""
        if not 0 < time_limit <= LONGEST:
            raise ValueError(f"time_limit must be positive and at most {LONGEST:g} seconds, got {time_limit}")
        answer = ask(self.library, self.name, game, float(time_limit), options)
        kept, faults = _sorted(game, answer.get("profiles", []))
        status = self._status(answer, len(kept), len(faults))
        claimed = answer.get("notes", {}).get("complete", self.exhaustive and not self.pure)
        complete = bool(claimed and kept and not faults)
        stats = _stats(answer, kept, faults, status)
        return Solution(tuple(kept), status, f"{self.library} {self.name}", complete, stats)

    def _status(self, answer: Message, kept: int, wrong: int) -> Status:
        """What the checked answer amounts to; a status that was sent with it stands where no profile was wrong."""
        if answer.get("late"):
            return Status.TIME_LIMIT
        sent = answer.get("notes", {}).get("status")
        if sent and not wrong:
            return Status[sent]
        if kept:
            return Status.SOLVED
        exhausted = self.exhaustive and self.pure and not wrong and "fault" not in answer
        return Status.NONE_EXISTS if exhausted else Status.FAILED


def label_of(game: BimatrixGame, initial_label: int) -> int:
    """The label, a strategy of the row player, 0 to m - 1, or of the column player, m to m + n - 1."""
    m, n = game.shape
    if not 0 <= initial_label < m + n:
        raise ValueError(f"initial_label must be one of 0, ..., {m + n - 1}, got {initial_label}")
    return int(initial_label)


def fault(game: BimatrixGame, row: Any, column: Any) -> str:
    """What is wrong with a profile as a library returned it, in a few words; nothing if it is an equilibrium.

    Examples
    --------
    >>> game = BimatrixGame([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    >>> fault(game, [1.0, 0.0], [1.0])
    'returned a profile of shape (2,), (1,)'
    >>> fault(game, [1.0, 0.0], [0.0, 1.0])
    'regret 1 of the row player, who is allowed 1e-09'
    >>> fault(game, [0.5, 0.5], [0.5, 0.5])
    ''
    """
    profile = _profile(row, column)
    shapes = tuple(np.asarray(strategy).shape for strategy in profile)
    if shapes != tuple((size,) for size in game.shape):
        return f"returned a profile of shape {shapes[0]}, {shapes[1]}"
    if isinstance(profile, RationalProfile):
        return _offence(game, profile, 0.0)
    if not all(np.isfinite(strategy).all() for strategy in profile):
        return "returned nan" if any(np.isnan(strategy).any() for strategy in profile) else "returned inf"
    return _offence(game, profile, TOLERANCE)


def _offence(game: BimatrixGame, profile: AnyProfile, tolerance: float) -> str:
    infeasibility = game.infeasibility(profile)
    if not infeasibility <= tolerance:
        return f"returned no probabilities: off by {float(infeasibility):.3g}"
    allowed = tolerance * game.magnitudes()
    for name, regret, limit in zip(("row", "column"), game.regrets(profile), allowed, strict=True):
        if not regret <= limit:
            return f"regret {float(regret):.3g} of the {name} player, who is allowed {limit:.3g}"
    return ""


def _profile(row: Any, column: Any) -> AnyProfile:
    """Both strategies as arrays, or as fractions where they were sent as words."""
    if isinstance(row, list) and row and isinstance(row[0], str):
        return RationalProfile(fractions(row), fractions(column))
    return Profile(np.array(row, dtype=np.float64), np.array(column, dtype=np.float64))


def _sorted(game: BimatrixGame, returned: list[tuple[Any, Any]]) -> tuple[list[AnyProfile], list[str]]:
    """The profiles that pass, and what is wrong with each of the others."""
    faults = [fault(game, row, column) for row, column in returned]
    kept = [_profile(*pair) for pair, wrong in zip(returned, faults, strict=True) if not wrong]
    return kept, [wrong for wrong in faults if wrong]


def _stats(answer: Message, kept: list[AnyProfile], faults: list[str], status: Status) -> dict[str, Any]:
    notes = dict(answer.get("notes", {}))
    said = [text for text in (str(notes.pop("said", "")), *answer.get("warnings", [])) if text]
    stats = {
        "library": answer.get("library", ""),
        "seconds": float(answer["seconds"]),
        "returned": len(kept) + len(faults),
        "wrong": len(faults),
        **{name: value for name, value in notes.items() if name not in SENT},
    }
    if said:
        stats["warnings"] = "; ".join(said)
    if faults or (status not in (Status.SOLVED, Status.NONE_EXISTS) and "reason" not in stats):
        stats["reason"] = _reason(answer, len(kept), faults, said)
    return stats


def _reason(answer: Message, kept: int, faults: list[str], said: list[str]) -> str:
    """Why there is no answer, or what is wrong with it, and what the library said itself."""
    if "fault" in answer:
        reason = str(answer["fault"])
    elif faults:
        returned, rest = kept + len(faults), "" if len(set(faults)) == 1 else ", among others"
        reason = faults[0] if returned == 1 else f"{len(faults)} of {returned} wrong: {faults[0]}{rest}"
    else:
        reason = "returned no profile"
    return f"{reason} ({'; '.join(said)})" if said else reason
