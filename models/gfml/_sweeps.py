"""What is played for a comparison or a sweep, and what came of it: all seeds of each setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from models.gfml._parameters import Parameters

if TYPE_CHECKING:
    from models.gfml._statistics import Results, SweepResults

RATES = (5.0, 10.0)  # reputation incentives of Figures 8 and 9
Record: TypeAlias = Mapping[str, Any]
Make: TypeAlias = Callable[..., Parameters]


@dataclass(frozen=True)
class Point:
    """One setting that is played with every seed: what is special about it, its framework and its parameters."""

    settings: Mapping[str, Any]
    framework: str
    parameters: Parameters


@dataclass(frozen=True)
class Played:
    """The rounds that were played at a point, by seed, and why some have fewer than were asked for, if so."""

    point: Point
    runs: Mapping[int, Sequence[Record]]
    problems: Mapping[int, str]

    @property
    def whole(self) -> bool:
        """Whether every seed has all its rounds."""
        return not self.problems


def frameworks(names: Sequence[str], made: Parameters) -> list[Point]:
    """All frameworks with the same parameters."""
    return [Point({"framework": name}, name, made) for name in names]


def sweep(axis: str, values: Sequence[Any], make: Make) -> list[Point]:
    """The settings that a sweep goes through; `make` gives the parameters with what varies.

    Raises
    ------
    InvalidGame
        If parameters do not fit.

    Examples
    --------
    >>> [point.settings for point in sweep("coalitions", (2, 4), Parameters)]
    [{'coalitions': 2}, {'coalitions': 4}]
    >>> for point in sweep("misbehaving", (0.0, 0.5), Parameters)[1:4]:
    ...     print(point.settings)
    {'misbehaving': 0.0, 'reputation_incentive': 5.0, 'tampered': False}
    {'misbehaving': 0.0, 'reputation_incentive': 10.0, 'tampered': False}
    {'misbehaving': 0.5, 'reputation_incentive': 5.0, 'tampered': False}
    """
    if axis == "samples" and set(values) <= set(make().passive_samples):  # every run has them anyway
        return [Point({}, "gfml", make())]
    return [Point(settings, "gfml", make(**settings)) for settings in _settings(axis, values)]


def _settings(axis: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    if axis == "samples":
        return [{"passive_samples": tuple(values)}]
    if axis == "coalitions":
        return [{axis: value} for value in values]
    if axis == "users":
        return [{axis: value, "reputation_incentive": rate} for rate, value in product(RATES, values)]
    found = [(0.0, 0.0, False)]  # without reputation incentive, as Figure 9 is read
    found += [one for one in product(values, RATES, (False, True)) if one[0] or not one[2]]  # nobody to tamper
    return [dict(zip(("misbehaving", "reputation_incentive", "tampered"), one, strict=True)) for one in found]


def by_framework(played: Sequence[Played]) -> Results:
    """The whole runs of each framework, as claims and figures take them."""
    return {one.point.framework: list(one.runs.values()) for one in played if one.whole}


def by_point(played: Sequence[Played]) -> SweepResults:
    """The whole runs at each point of a sweep, as claims and figures take them."""
    return {
        tuple(one.point.settings.items()): {one.point.framework: list(one.runs.values())} for one in played if one.whole
    }
