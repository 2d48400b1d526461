"""What played rounds come to: columns of records, values per run, means over seeds and their 95 % intervals.

A run is the records of one framework and one seed, a record being the document of a round. Runs of equal seeds share
the random draws that do not depend on the framework: who holds what, devices, the first model, batches. So frameworks
are compared seed by seed. Random coalitions, heads and frequencies are drawn by each framework for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtrit

from solvers.core import Array, InvalidGame

Record: TypeAlias = Mapping[str, Any]
Run: TypeAlias = Sequence[Record]
Results: TypeAlias = Mapping[str, Sequence[Run]]  # by framework, a run per seed
Point: TypeAlias = tuple[tuple[str, float], ...]  # what a sweep sets: (("users", 80),)
SweepResults: TypeAlias = Mapping[Point, Results]
Measure: TypeAlias = Callable[[Run], float]  # what a run comes to

LAST = 5  # rounds at the end whose mean accuracy and loss are compared
CONFIDENCE = 0.95
BASE: Mapping[str, float] = {
    "users": 40,
    "coalitions": 4,
    "misbehaving": 0.0,
    "reputation_incentive": 5.0,
    "tampered": False,
}


# --- runs --------------------------------------------------------------------------------------------------------


def column(run: Run, name: str) -> Array:
    """A number per round, (rounds,): the column, nan where it is null, and of a list the mean of what is not null.

    A name such as "personalised/10" is that of a column of mappings and of the key in them. A column or key that is not
    there counts as null.

    Examples
    --------
    >>> column([{"loss": 2.5, "prices": [9.0, None]}, {"loss": None, "prices": [8.0, 6.0]}], "prices")
    array([9., 7.])
    """
    outer, _, inner = name.partition("/")
    cells = ((record.get(outer) or {}).get(inner) if inner else record.get(outer) for record in run)
    return np.array([_number(cell) for cell in cells])


def _number(cell: object) -> float:
    if isinstance(cell, list | tuple):
        present = [float(entry) for entry in cell if entry is not None]
        return float(np.mean(present)) if present else math.nan
    return math.nan if cell is None else float(cell)  # type: ignore[arg-type]


def _mean(values: Array) -> float:
    """The mean of what is not nan."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else math.nan


def last(name: str) -> Measure:
    """The mean of a column over the last `LAST` rounds."""
    return lambda run: _mean(column(run[-LAST:], name))


def mean(name: str) -> Measure:
    """The mean of a column over all rounds."""
    return lambda run: _mean(column(run, name))


def total(name: str) -> Measure:
    """The sum of a column over all rounds; nan if a round lacks it."""
    return lambda run: float(column(run, name).sum())


def early(name: str) -> Measure:
    """The mean of a column over the first half of the rounds: high where convergence is fast."""
    return lambda run: _mean(column(run[: (len(run) + 1) // 2], name))


def unsteadiness(name: str) -> Measure:
    """The standard deviation of a column's changes from round to round, in the second half of the rounds."""
    return lambda run: float(np.diff(column(run[len(run) // 2 :], name)).std()) if len(run) >= 4 else math.nan


def welfare(run: Run) -> float:
    """The mean over rounds of the provider's utility and all profits together."""
    return _mean(column(run, "provider_utility") + [sum(record.get("profits", [math.nan])) for record in run])


TABLE_COLUMNS: Mapping[str, Measure] = {
    "total_profit": total("profit"),
    "completion_time": mean("completion_time"),
    "provider_utility": mean("provider_utility"),
}


# --- seeds -------------------------------------------------------------------------------------------------------


class Estimate(NamedTuple):
    """A mean over seeds with its 95 % interval, which one seed does not give."""

    mean: float
    low: float | None
    high: float | None


def estimate(values: Iterable[float]) -> Estimate:
    """The mean of a value per seed and its 95 % interval by Student's t; of paired values, hand in the differences.

    Raises
    ------
    InvalidGame
        If there is no value.

    Examples
    --------
    >>> print(*[round(number, 3) for number in estimate([1.0, 2.0, 3.0])])
    2.0 -0.484 4.484
    >>> estimate([1.0])
    Estimate(mean=1.0, low=None, high=None)
    """
    found = np.array([*values], dtype=float)
    if not found.size:
        raise InvalidGame("a mean must be over at least one seed, got none")
    centre = float(found.mean())
    if found.size == 1:
        return Estimate(centre, None, None)
    quantile = float(stdtrit(found.size - 1, 0.5 + CONFIDENCE / 2.0))
    half = quantile * float(found.std(ddof=1)) / math.sqrt(found.size)
    return Estimate(centre, centre - half, centre + half)


def table_three(results: Results) -> dict[str, dict[str, Estimate]]:
    """Our Table III: by framework, the estimate of each of `TABLE_COLUMNS`.

    Examples
    --------
    >>> record = {"profit": 14.0, "completion_time": 10.5, "provider_utility": 600.0}
    >>> table_three({"gfml": [[record, record]]})["gfml"]["total_profit"]
    Estimate(mean=28.0, low=None, high=None)
    """
    return {
        name: {key: estimate(map(measure, runs)) for key, measure in TABLE_COLUMNS.items()}
        for name, runs in results.items()
    }


# --- what was played ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """All that was played: frameworks at the common parameters, and at the points of sweeps.

    `results` has, by framework, a run per seed. `sweep` has such results by point, a point being the pairs of name and
    value that it sets, in any order: (("users", 80),), or (("misbehaving", 0.25), ("tampered", True)). What a point
    does not name is as in `base`; where nothing differs from it, `results` serve as well. All runs have equally many
    rounds, and every framework equally many seeds, in the same order.

    Raises
    ------
    InvalidGame
        If a framework has no run, or numbers of seeds or rounds differ.

    Examples
    --------
    >>> study = Study({"gfml": [[{"loss": 1.0}]]}, {(("users", 80),): {"gfml": [[{"loss": 3.0}]]}})
    >>> study.swept("users"), study.values(last("loss"), "gfml", users=80)
    ([40, 80], array([3.]))
    """

    results: Results
    sweep: SweepResults = field(default_factory=dict)
    base: Mapping[str, float] = field(default_factory=lambda: BASE)

    def __post_init__(self) -> None:
        shapes = {(len(runs), len(run)) for _, runs in self._parts() for run in runs}
        for name, runs in self._parts():
            if not runs:
                raise InvalidGame(f"results of {name} must have a run, got none")
        for what, counts in zip(("seeds", "rounds"), zip(*shapes, strict=True), strict=False):
            if len(set(counts)) > 1 or min(counts) < 1:
                found = ", ".join(map(str, sorted(set(counts))))
                raise InvalidGame(f"results must have equally many {what}, at least one, got {found}")

    def _parts(self) -> Iterator[tuple[str, Sequence[Run]]]:
        yield from self.results.items()
        for results in self.sweep.values():
            yield from results.items()

    def runs(self, framework: str, **settings: float) -> Sequence[Run]:
        """The runs of a framework, a run per seed, with these settings; none if it was not played."""
        wanted = self._key(settings.items())
        for point, results in self.sweep.items():
            if self._key(point) == wanted and framework in results:
                return results[framework]
        return () if wanted else self.results.get(framework, ())

    def _key(self, point: Iterable[tuple[str, float]]) -> frozenset[tuple[str, float]]:
        return frozenset((name, value) for name, value in point if self.base.get(name) != value)

    def values(self, measure: Measure, framework: str, **settings: float) -> Array:
        """What each run comes to, (seeds,)."""
        return np.array([measure(run) for run in self.runs(framework, **settings)])

    def swept(self, name: str, framework: str = "gfml", **settings: float) -> list[float]:
        """The values of a parameter at which the framework was played with these settings, in order."""
        return [value for value in self.named(name) if self.runs(framework, **{**settings, name: value})]

    def named(self, name: str) -> list[float]:
        """The values that points give to a parameter, and that of the base, in order."""
        values = {value for point in self.sweep for key, value in point if key == name}
        return sorted(values | {self.base[name]} if name in self.base else values)
