"""What is known of a round when it is over, and of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.core import Array, Evidence, InvalidGame


@dataclass(frozen=True, eq=False)
class Round:
    """One round of an experiment.

    Shares of samples classified rightly are means over the active users, on their own test samples: `accuracy` by
    their head's model, `personalised` after so many steps on their own data; `loss` is the cross-entropy after the
    first of these. `passive` is that of passive users, by the number of samples that they personalised with.

    Of the coalitions are `prices` (nan where one was idle), `provider_utilities`, `heads` and `times`, the seconds of
    the slowest member (nan where idle). Of the active users are `coalitions` (−1 for out), `profits` (0 for who took no
    part; by (10), with the energy that left-out steps have saved) and `reputations` (global, after the round).
    `misbehaving` says who takes fewer steps than claimed. `dropped` are the users in a coalition who took no part, with
    the reason.

    `switches` led to the coalitions; `stable` says whether these passed the check of Nash-stability, at the prices and
    frequencies that users expected, not at those to which the games of incentives then led. `cycling` says whether the
    switches came back to an earlier partition. They are None and False where no game formed the coalitions.
    `certificate` is the weakest of the coalitions' games of incentives, None where there was none. `refused` are the
    attempts to tamper with reputations that a ledger has refused, None without a ledger.
    """

    round: int
    accuracy: float
    personalised: Mapping[int, float]
    loss: float
    passive: Mapping[int, float]
    times: Array
    profits: Array
    misbehaving: Sequence[bool]
    provider_utilities: Array
    prices: Array
    heads: Sequence[int]
    coalitions: Sequence[int]
    reputations: Array
    switches: int
    cycling: bool
    dropped: tuple[tuple[str, str], ...]
    certificate: Evidence | None
    partition_certificate: Evidence | None
    refused: int | None = None

    @property
    def stable(self) -> bool | None:
        """Whether the coalitions are certified Nash-stable; None where no game formed them."""
        return None if self.partition_certificate is None else self.partition_certificate.holds

    def document(self) -> dict[str, Any]:
        """The round as JSON values."""
        personalised = {str(steps): value for steps, value in self.personalised.items()}
        on_ledger = {} if self.refused is None else {"refused_attempts": self.refused}
        lazy = self.profits[np.array(self.misbehaving, dtype=bool)]
        return {
            "round": self.round,
            "accuracy": self.accuracy,
            "personalised_accuracy": next(iter(personalised.values())),
            "personalised": personalised,
            "loss": self.loss,
            "passive": {str(samples): value for samples, value in self.passive.items()},
            "completion_time": _mean(self.times),
            "profit": float(self.profits.mean()),
            "profits": self.profits.tolist(),
            "misbehaving_profit": float(lazy.mean()) if lazy.size else None,
            "provider_utility": float(self.provider_utilities.sum()),
            "provider_utilities": self.provider_utilities.tolist(),
            "prices": [_number(price) for price in self.prices],
            "heads": [int(head) for head in self.heads],
            "coalitions": [int(slot) for slot in self.coalitions],
            "reputations": self.reputations.tolist(),
            "switches": self.switches,
            "stable": self.stable,
            "cycling": self.cycling,
            "dropped": [{"name": name, "reason": reason} for name, reason in self.dropped],
            "certificate": _evidence(self.certificate),
            "partition_certificate": _evidence(self.partition_certificate),
            **on_ledger,
        }


def summary(records: Sequence[Mapping[str, Any] | Round]) -> dict[str, Any]:
    """What a run came to, from its rounds: profits summed, times, utilities and prices averaged, accuracy at the end.

    `certified` says whether every certificate of incentives holds, and is None where there was none.

    Raises
    ------
    InvalidGame
        If there is no round.
    """
    pages = [record.document() if isinstance(record, Round) else record for record in records]
    if not pages:
        raise InvalidGame("there must be at least one round, got none")
    found = [page["certificate"] for page in pages if page["certificate"] is not None]
    prices = [price for page in pages for price in page["prices"] if price is not None]
    return {
        "rounds": len(pages),
        **{name: pages[-1][name] for name in ("accuracy", "personalised_accuracy", "personalised", "loss")},
        "total_profit": math.fsum(page["profit"] for page in pages),
        "completion_time": _mean([page["completion_time"] for page in pages if page["completion_time"] is not None]),
        "provider_utility": _mean([page["provider_utility"] for page in pages]),
        "mean_price": _mean(prices),
        "stable_rounds": sum(page["stable"] is True for page in pages),
        "cycling_rounds": sum(page["cycling"] for page in pages),
        "certified": all(certificate["holds"] for certificate in found) if found else None,
    }


def weakest(found: Sequence[Evidence | None]) -> Evidence | None:
    """The certificate with the least room; None where there is none."""
    known = [evidence for evidence in found if evidence is not None]
    return max(known, key=lambda e: (not e.holds, float(e.residual) / max(e.tolerance, 5e-324)), default=None)


def _evidence(found: Evidence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    numbers = {"residual": _number(float(found.residual)), "tolerance": found.tolerance}
    return {"concept": found.concept, **numbers, "holds": found.holds}


def _mean(values: Array | Sequence[float]) -> float | None:
    """The mean of the numbers among the values."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else None


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
