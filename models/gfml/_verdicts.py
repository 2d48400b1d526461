"""Claims as numbers that played rounds decide, and the verdicts on them.

A claim names an interval in which its number must be. It is held if the 95 % interval over seeds is inside, not held if
it is outside, undecided if it includes an end, not measured if something was not played. With one seed it is always
undecided, even where two runs are the same to the last bit: with another seed they may differ. Where they are the same
with each of several seeds, the interval is the point 0, and it is not held that one is above the other.

Intervals are those of each number alone: among many claims whose numbers are at the end, a few are decided by chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from models.gfml._statistics import Estimate, Measure, Study, estimate
from models.gfml.baselines import FRAMEWORKS
from solvers.core import Array

Parts: TypeAlias = Mapping[str, Array]  # a number per seed, (seeds,), by what was compared
Quantity: TypeAlias = Callable[[Study], Parts]
Settings: TypeAlias = Mapping[str, float]
Cases: TypeAlias = Callable[[Study], Iterable[tuple[str, Settings, Settings]]]

HELD, NOT_HELD, UNDECIDED, NOT_MEASURED = "held", "not held", "undecided", "not measured"
ABOVE, BELOW = (0.0, math.inf), (-math.inf, 0.0)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the paper: the numbers of `measure` must be in `claimed`, all of them, or one unless `every`.

    `needs` are the frameworks that must have been played. `paper` is the number that the paper names, in `unit`.
    `tabled` says that the numbers come from columns of Table III, `by_accuracy` that they depend on after how many
    steps of personalisation accuracy is measured, and `choice` what had to be chosen to make a number of the words.
    """

    name: str
    source: str
    statement: str
    needs: tuple[str, ...]
    measure: Quantity = field(repr=False)
    claimed: tuple[float, float] = ABOVE
    every: bool = True
    unit: str = ""
    paper: float | None = None
    tabled: bool = False
    by_accuracy: bool = False
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the numbers of a claim: what was compared, its estimate, and the verdict on it alone."""

    label: str
    estimate: Estimate
    verdict: str
    margin: float  # how far inside what is claimed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured of a claim: `ours` with its interval is that of the part that decides, named by `part`.

    `table` is the same number from the paper's own Table III, where that has it: of the same part, or, where nothing
    was played or the table lacks that part, of the one that decides there, which `table_part` then names.
    """

    claim: Claim
    paper: float | None
    ours: float | None
    low: float | None
    high: float | None
    verdict: str
    part: str = ""
    table: float | None = None
    table_part: str = ""
    parts: tuple[Part, ...] = ()

    def document(self) -> dict[str, Any]:
        """The verdict as values of JSON."""
        claim = self.claim
        return {
            **{key: getattr(claim, key) for key in ("name", "source", "statement", "choice", "unit")},
            "claimed": [end if math.isfinite(end) else None for end in claim.claimed],
            **{key: getattr(self, key) for key in ("paper", "table", "table_part")},
            **{key: getattr(self, key) for key in ("ours", "low", "high", "verdict", "part")},
            "parts": [{"label": part.label, **_numbers(part.estimate), "verdict": part.verdict} for part in self.parts],
        }


def _numbers(found: Estimate) -> dict[str, float | None]:
    """The estimate without nan, which JSON has not."""
    return {key: None if value is None or math.isnan(value) else value for key, value in found._asdict().items()}


def tally(found: Iterable[Verdict]) -> dict[str, int]:
    """How many verdicts there are of each kind."""
    counts = Counter(verdict.verdict for verdict in found)
    return {kind: counts[kind] for kind in (HELD, NOT_HELD, UNDECIDED, NOT_MEASURED)}


def judge(claim: Claim, study: Study, printed: Study) -> Verdict:
    """The verdict on one claim; `printed` is the paper's table in the place of what was played."""
    played = all(study.runs(name) for name in claim.needs)
    verdict, part, parts = _weigh(claim, study) if played else (NOT_MEASURED, None, ())
    if verdict == NOT_MEASURED:
        part = None
    label = part.label if part else ""
    theirs = _from_table(claim, printed, label)
    table = theirs.estimate.mean if theirs else None
    paper = table if claim.paper is None else claim.paper
    ours, low, high = part.estimate if part else (None, None, None)
    table_part = theirs.label if theirs and theirs.label != label else ""
    return Verdict(claim, paper, ours, low, high, verdict, label, table, table_part, parts)


def _from_table(claim: Claim, printed: Study, label: str) -> Part | None:
    """What the paper's table has for the part of this label, or, where it has none, for the part that decides there."""
    if not claim.tabled:
        return None
    _, decisive, parts = _weigh(claim, printed)
    return next((part for part in parts if part.label == label), decisive)


def _weigh(claim: Claim, study: Study) -> tuple[str, Part | None, tuple[Part, ...]]:
    """The verdict on all numbers together, the part that decides it, and the parts."""
    parts = tuple(_part(label, values, claim.claimed) for label, values in claim.measure(study).items())
    if not parts:
        return NOT_MEASURED, None, ()
    order = (NOT_HELD, NOT_MEASURED, UNDECIDED, HELD) if claim.every else (HELD, NOT_MEASURED, UNDECIDED, NOT_HELD)
    verdict = next(kind for kind in order if any(part.verdict == kind for part in parts))
    choose = min if claim.every else max
    return verdict, choose((part for part in parts if part.verdict == verdict), key=lambda part: part.margin), parts


def _part(label: str, values: Array, claimed: tuple[float, float]) -> Part:
    found = estimate(values)
    return Part(label, found, _verdict(found, claimed), min(found.mean - claimed[0], claimed[1] - found.mean))


def _verdict(found: Estimate, claimed: tuple[float, float]) -> str:
    """Where the interval is: inside what is claimed, outside, or over an end."""
    if math.isnan(found.mean):
        return NOT_MEASURED
    if found.low is None or found.high is None:
        return UNDECIDED
    if claimed[0] < found.low and found.high < claimed[1]:
        return HELD
    return NOT_HELD if found.high <= claimed[0] or found.low >= claimed[1] else UNDECIDED


# --- claims that compare -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared: a measure, the unit and scale in which it is shown, and marks of the claims about it."""

    measure: Measure
    unit: str = ""
    scale: float = 1.0
    tabled: bool = False
    by_accuracy: bool = False

    def less(self, a: Array, b: Array, *, relative: bool = False) -> Array:
        """The difference a − b in the unit, or in percent of the size of b, nan where b is 0."""
        if not relative:
            return self.scale * (a - b)
        return 100.0 * (a - b) / np.where(b == 0.0, math.nan, np.abs(b))


def compare(
    source: str,
    name: str,
    statement: str,
    kind: Kind,
    pairs: Iterable[tuple[str, str]],
    claimed: tuple[float, float] = ABOVE,
    *,
    relative: bool = False,
    **more: Any,
) -> Claim:
    """The claim that what the first of each pair of frameworks has, less what the second has, is in an interval."""
    chosen = tuple(pairs)

    def numbers(study: Study) -> Parts:
        return {
            f"{title(a)} against {title(b)}": kind.less(
                study.values(kind.measure, a), study.values(kind.measure, b), relative=relative
            )
            for a, b in chosen
            if study.runs(a) and study.runs(b)
        }

    needs = tuple(dict.fromkeys(framework for pair in chosen for framework in pair))
    return _claim(source, name, statement, needs, numbers, claimed, kind, relative, more)


def contrast(
    source: str,
    name: str,
    statement: str,
    kind: Kind,
    cases: Cases,
    claimed: tuple[float, float] = ABOVE,
    *,
    relative: bool = False,
    **more: Any,
) -> Claim:
    """The claim that what GFML has with some settings, less what it has with others, is in an interval.

    `cases` says by a study which settings are compared: a label, the first and the second.
    """

    def numbers(study: Study) -> Parts:
        return {
            label: kind.less(
                study.values(kind.measure, "gfml", **a), study.values(kind.measure, "gfml", **b), relative=relative
            )
            for label, a, b in cases(study)
            if study.runs("gfml", **a) and study.runs("gfml", **b)
        }

    return _claim(source, name, statement, (), numbers, claimed, kind, relative, more)


def _claim(
    source: str,
    name: str,
    statement: str,
    needs: tuple[str, ...],
    numbers: Quantity,
    claimed: tuple[float, float],
    kind: Kind,
    relative: bool,
    more: Mapping[str, Any],
) -> Claim:
    marks = {"unit": "%" if relative else kind.unit, "tabled": kind.tabled and bool(needs)}
    return Claim(name, source, statement, needs, numbers, claimed, by_accuracy=kind.by_accuracy, **{**marks, **more})


def title(framework: str) -> str:
    """The framework as reports name it."""
    return FRAMEWORKS[framework].title
