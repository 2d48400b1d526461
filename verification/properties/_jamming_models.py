"""What files of properties of jamming games draw and save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from models.jamming import JammingModel
from solvers.bimatrix import Profile
from solvers.stochastic import StationaryProfile
from verification.jamming_strategies import jamming_models
from verification.properties._drawn import saved
from verification.properties._property import Property

DISCOUNTS: tuple[float | None, ...] = (0.0, 0.5, 0.9, None)
MIXED = ("mixed", "uneven-mixed")
ALIKE = ("mixed", "outside", "flat", "border")

discounts = st.sampled_from(DISCOUNTS)


def places(model: JammingModel) -> list[tuple[int, int]]:
    """All pairs of previous channels, in the order of states."""
    return [(fT, fJ) for fT in range(model.channels) for fJ in range(model.channels)]


def at(profile: StationaryProfile, state: int) -> Profile:
    """What both players do in one state."""
    return Profile(profile.row[state], profile.column[state])


def stakes(model: JammingModel) -> tuple[float, float]:
    return float(model.transmitter.stakes[0]), float(model.jammer.stakes[0])


def size(model: JammingModel) -> float:
    return float(max(np.max(model.most_payoffs - model.least_payoffs), np.max(np.abs(model.most_payoffs)), 1e-9))


def saved_stage(example: Any, path: Path) -> Path:
    """The stage game of the model of an example in which the players come from the first and the last channel."""
    model = example if isinstance(example, JammingModel) else example[0]
    return saved(model.stage_game(0, model.channels - 1), path)


def of_models(number: str, equation: str, statement: str, examples: Any, measure: Any, **other: Any) -> Property:
    save = other.pop("save", saved_stage)
    return Property(
        name=f"jamming-{number}",
        family=other.pop("family", "bimatrix"),
        equation=equation,
        statement=statement,
        examples=examples,
        measure=measure,
        save=save,
        command="" if save is None else "python -m solvers.bimatrix FILE",
        **other,
    )


def models(*kinds: str, channels: int = 4, powers: int = 3) -> st.SearchStrategy[JammingModel]:
    return jamming_models(max_channels=channels, max_powers=powers, kinds=kinds or None)


def by_discount(*kinds: str, channels: int = 4, powers: int = 3) -> st.SearchStrategy[Any]:
    return st.tuples(models(*kinds, channels=channels, powers=powers), discounts)
