"""Where an experiment stands between two rounds, and that as bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.reputation import ReputationState
from solvers.core import Array, InvalidGame, Positions

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class State:
    """After `round` rounds: the models of M coalitions, (M, size), who was where, what was paid, and reputations.

    `slots`, (n,), are the coalitions of the active users, none before the first round; `heads`, (M,), their heads;
    `prices` are (M,) and `frequencies` (n,) in Hz; `embeddings`, (users, M, width), are those that were made last.
    `origin` tells experiments apart.
    """

    round: int
    models: torch.Tensor
    slots: Positions | None
    heads: Positions | None
    prices: Array
    frequencies: Array
    embeddings: Array | None
    origin: str
    reputation: ReputationState

    def to_bytes(self) -> bytes:
        """The state as the bytes of a NumPy archive, without pickled objects."""
        arrays: dict[str, Any] = {
            "round": self.round,
            "models": self.models.cpu().numpy(),
            "origin": self.origin,
            "prices": self.prices,
            "frequencies": self.frequencies,
            "forgetting": self.reputation.forgetting,
            "led": np.array(self.reputation.heads, dtype=np.intp),
            "direct": self.reputation.direct,
        }
        some = {"slots": self.slots, "heads": self.heads, "embeddings": self.embeddings}
        arrays |= {name: value for name, value in some.items() if value is not None}
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()


def read(data: bytes, like: State) -> State:
    """The state that `to_bytes` wrote, its models beside those of `like`.

    Raises
    ------
    InvalidGame
        If the bytes are not of a state of this experiment.
    """
    import torch

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            found = dict(archive)
        state = _assembled(found, torch.from_numpy(found["models"]).to(like.models.device))
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as problem:
        raise InvalidGame(f"a checkpoint must be one of this experiment, got {problem}") from None
    if state.origin != like.origin:
        raise InvalidGame("a checkpoint must be one of this experiment, got one of another")
    if (state.models.shape, state.models.dtype) != (like.models.shape, like.models.dtype):
        raise InvalidGame(f"a checkpoint must be one of this experiment, got models {tuple(state.models.shape)}")
    return state


def _assembled(found: Mapping[str, Any], models: torch.Tensor) -> State:
    rounds = int(found["round"])
    reputation = ReputationState(
        float(found["forgetting"]), rounds, tuple(int(k) for k in found["led"]), found["direct"]
    )
    names = ("slots", "heads")
    slots, heads = (np.asarray(found[name], dtype=np.intp) if name in found else None for name in names)
    return State(
        rounds,
        models,
        slots,
        heads,
        found["prices"],
        found["frequencies"],
        found.get("embeddings"),
        str(found["origin"]),
        reputation,
    )
