"""The numbers of an experiment: Table II of the dual-game paper, and what it leaves out, named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from solvers._messages import quoted, suggestion
from solvers.core import InvalidGame

GRADIENTS = ("hvp", "hf", "fo")
COUNTS = ("users", "coalitions", "classes_each", "steps", "batch", "refresh")
POSITIVE = (
    *("meta_rate", "step_size", "data", "cycles", "slowest", "fastest"),
    *("energy_price", "capacitance"),
)
NOT_NEGATIVE = ("model", "reputation_incentive", "profit_weight")
SHARES = ("passive", "test", "forgetting", "weighting", "floor", "misbehaving", "shirked")
RANGES = ("rates", "deadlines", "incentives")
LISTS = ("hidden", "personalisation", "passive_samples")
LARGEST = 1e100  # so that products of a few of them stay within float64


@dataclass(frozen=True)
class Parameters:
    """What an experiment is made of: users and their data, learning, devices, incentives, reputations, misbehaviour.

    The paper's Table II gives the defaults, except for these, which it leaves out:

    - `data`, the mean size |D_i| of a user's data in bits; each user's own is in proportion to its samples. Rounds last
      as long as the paper reports (10.7 s) with 60 to 80 Mbit only.
    - `personalisation`: after how many gradient steps accuracy is measured. The first is the one step of equation (1).
    - `passive_samples`: how many samples passive users personalise with at most, Figure 5, in the last of those steps.
    - `refresh`, χ: embeddings are made anew in every χ-th round.
    - `centred`: whether S compares differences from the mean embedding, which is how Δω of (13) is read here; else the
      embeddings, whose cosines all lie above 0.8. Of the former about half are negative, and then S I is a charge.
    - `shirked`: the share of local steps that a misbehaving user leaves out, rounded to whole steps, and `misbehaving`,
      the share of such users.
    - `tampered`: whether reputations are kept where misbehaving users can raise them, "without blockchain".

    Times are in seconds, frequencies (`slowest`, `fastest`) in Hz, `model` and `rates` in Mb and Mb/s, and `cycles` are
    per bit. Devices draw their rate and their deadline T_max from the ranges `rates` and `deadlines`.

    Raises
    ------
    InvalidGame
        If a number is not of its kind or range, or there are more coalitions than active users.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, Table II and section VI.

    Examples
    --------
    >>> Parameters(users=20).active
    18
    >>> Parameters(users=4, coalitions=5)
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: coalitions must be at most 4, the number of active users, got 5
    """

    users: int = 40
    coalitions: int = 4
    classes_each: int = 2
    passive: float = 0.1
    test: float = 0.1
    hidden: tuple[int, ...] = (80, 60)
    meta_rate: float = 1e-3
    step_size: float = 1e-2
    gradient: str = "hf"
    steps: int = 10
    batch: int = 40
    personalisation: tuple[int, ...] = (1, 10)
    passive_samples: tuple[int, ...] = (1, 5, 10, 20, 40)
    data: float = 7.2e7
    cycles: float = 10.0
    model: float = 10.0
    rates: tuple[float, float] = (5.0, 10.0)
    deadlines: tuple[float, float] = (11.0, 20.0)
    slowest: float = 1e7
    fastest: float = 1e9
    energy_price: float = 0.1
    capacitance: float = 1e-27
    incentives: tuple[float, float] = (5.0, 15.0)
    reputation_incentive: float = 5.0
    profit_weight: float = 25.0
    forgetting: float = 0.7
    weighting: float = 0.2
    threshold: float = 0.5
    floor: float = 0.5
    refresh: int = 1
    centred: bool = True
    misbehaving: float = 0.0
    shirked: float = 0.5
    tampered: bool = False

    def __post_init__(self) -> None:
        for name in COUNTS:
            self._set(name, _whole(name, getattr(self, name), 1))
        for name in LISTS:
            self._set(name, _wholes(name, getattr(self, name)))
        for name in RANGES:
            self._set(name, _range(name, getattr(self, name)))
        for name in (*POSITIVE, *NOT_NEGATIVE, *SHARES, "threshold"):
            self._set(name, _number(name, getattr(self, name)))
        for name in ("centred", "tampered"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidGame(f"{name} must be true or false, got {getattr(self, name)!r}")
        self._check_numbers()
        if not self.active:
            raise InvalidGame(f"there must be an active user, got {self.users} users, {self.passive:g} of them passive")
        if self.coalitions > self.active:
            rule = f"coalitions must be at most {self.active}, the number of active users"
            raise InvalidGame(f"{rule}, got {self.coalitions}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_numbers(self) -> None:
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise InvalidGame(f"{name} must be positive, got {getattr(self, name):g}")
        for name in NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise InvalidGame(f"{name} must not be negative, got {getattr(self, name):g}")
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidGame(f"{name} must be in [0, 1], got {getattr(self, name):g}")
        if self.passive == 1:
            raise InvalidGame("passive must be in [0, 1), got 1")
        if self.test in (0, 1):
            raise InvalidGame(f"test must be in (0, 1), got {self.test:g}")
        if self.gradient not in GRADIENTS:
            raise InvalidGame(f"gradient must be one of {', '.join(GRADIENTS)}, got {self.gradient!r}")
        self._check_pairs()

    def _check_pairs(self) -> None:
        if not self.slowest < self.fastest:
            raise InvalidGame(f"slowest must be below fastest, got {self.slowest:g} and {self.fastest:g}")
        if not self.rates[0] > 0 or not self.deadlines[0] > 0:
            raise InvalidGame(f"rates and deadlines must be positive, got {self.rates} and {self.deadlines}")
        if not 0 <= self.incentives[0] < self.incentives[1]:
            raise InvalidGame(f"incentives must be two numbers 0 <= low < high, got {self.incentives}")

    @property
    def active(self) -> int:
        """How many users train; as `models.data.split` counts them."""
        return self.users - round(self.passive * self.users)

    @property
    def lazy_steps(self) -> int:
        """How many of the local steps a misbehaving user takes."""
        return self.steps - round(self.shirked * self.steps)

    def document(self) -> dict[str, Any]:
        """The numbers as JSON values.

        Examples
        --------
        >>> Parameters.from_document(Parameters(batch=8).document()).batch
        8
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Parameters:
        """The parameters of a `document`; what it leaves out has its default.

        Raises
        ------
        InvalidGame
            If a name is none of theirs, or a value does not fit.
        """
        known = [field.name for field in fields(cls)]
        for name in document:
            if name not in known:
                raise InvalidGame(f"{quoted(str(name))} is not a parameter; {suggestion(str(name), known)}")
        return cls(**document)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidGame(f"{name} must be a finite number, got {value!r}")
    if abs(value) > LARGEST:
        raise InvalidGame(f"{name} must be at most {LARGEST:g} in size, got {value:g}")
    return float(value)


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidGame(f"{name} must be an integer of at least {least}, got {value!r}")
    return value


def _wholes(name: str, values: object) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or not values:
        raise InvalidGame(f"{name} must be a list of integers, got {values!r}")
    found = tuple(_whole(name, value, 1) for value in values)
    if name != "hidden" and list(found) != sorted(set(found)):
        raise InvalidGame(f"{name} must be increasing, got {values!r}")
    return found


def _range(name: str, values: object) -> tuple[float, float]:
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise InvalidGame(f"{name} must be two numbers, got {values!r}")
    low, high = (_number(name, value) for value in values)
    if low > high:
        raise InvalidGame(f"{name} must be two numbers low <= high, got {list(values)}")
    return low, high
