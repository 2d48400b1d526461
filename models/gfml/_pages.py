"""A round as a ledger keeps it, and who would rather have it otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from models.gfml._devices import Devices
from models.gfml._games import Formed
from models.gfml._incentives import Outcome
from models.gfml._parameters import Parameters
from models.gfml._state import State
from models.reputation import Record, ReputationState
from solvers.core import InvalidGame

if TYPE_CHECKING:
    import torch

    from models.ledger import Page, Written


class Book(Protocol):
    """Where reputations are kept; `models.ledger.Ledger` is one."""

    def reputations(self, round_number: int | None = None) -> ReputationState:
        """Those after a round, or after the last."""

    def write(self, page: Page) -> Written:
        """Keeps a round; the reputations after it."""


OpenBook: TypeAlias = Callable[[Sequence[str], float], Book]  # of users' names and forgetting


def page_of(
    state: State,
    formed: Formed,
    outcomes: Sequence[Outcome],
    records: Sequence[Record],
    devices: Devices,
    parameters: Parameters,
) -> Page:
    """The round after `state`. Whoever misbehaves, and leads nobody, tries to record the highest u for itself."""
    from models.ledger import Page, Terms, partition_hash

    lazy = devices.misbehaving
    return Page(
        round=state.round + 1,
        heads=formed.heads.tolist(),
        slots=formed.partition.slots,
        prices=[outcome.price for outcome in outcomes],
        records=records,
        shares={
            int(user): (float(share[0]), float(share[1]))
            for outcome in outcomes
            for user, share in zip(outcome.members, outcome.shares, strict=True)
        },
        terms=Terms(
            threshold=parameters.threshold,
            reputation_incentive=parameters.reputation_incentive,
            highest_price=parameters.incentives[1],
            model=_digest(state.models),
            steps=parameters.steps,
        ),
        rejected=list(dict.fromkeys(map(partition_hash, formed.left()))),
        attempts=[replace(one, training=1.0) for one in records if lazy[one.user] and one.user != one.head],
    )


def check_book(book: Book, state: State) -> None:
    """Refuses a book that is not of the run that is in this state.

    Raises
    ------
    InvalidGame
        If its reputations after the rounds that were played are others.
    """
    found, expected = book.reputations(state.round), state.reputation
    same = found.rounds == expected.rounds and found.heads == expected.heads
    if not same or found.direct.tobytes() != expected.direct.tobytes():
        raise InvalidGame(f"the ledger must have the reputations after round {state.round} of this run, it has others")


def _digest(models: torch.Tensor) -> bytes:
    return hashlib.sha256(models.cpu().numpy().tobytes()).digest()
