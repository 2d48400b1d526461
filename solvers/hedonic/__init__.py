"""Hedonic games: coalitions that nobody leaves, found by switching or by exact search, or a proof that there are none.

Names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solvers.hedonic._anonymous import AnonymousGame
    from solvers.hedonic._callable import CallableGame
    from solvers.hedonic._deviation import Deviation, NotDecided
    from solvers.hedonic._dynamics import Switch, Switches, Trajectory, best_response, better_response, replay
    from solvers.hedonic._enumeration import Prices, enumerate_stable, least_regret, maximal_welfare, partitions, prices
    from solvers.hedonic._exact import exact
    from solvers.hedonic._game import HedonicGame, gain_tolerance
    from solvers.hedonic._json import format_json, load, parse_json, write_json
    from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
    from solvers.hedonic._pairwise import AdditivelySeparableGame, BestWorstGame, FractionalGame, friends_and_enemies
    from solvers.hedonic._partition import Partition
    from solvers.hedonic._potential import Potential, potential
    from solvers.hedonic._solve import HedonicSolution, random_partition, solve
    from solvers.hedonic._stability import StabilityGame, deviation, stability

_HOME = {
    "AnonymousGame": "_anonymous",
    "CallableGame": "_callable",
    "Deviation": "_deviation",
    "NotDecided": "_deviation",
    "Switch": "_dynamics",
    "Switches": "_dynamics",
    "Trajectory": "_dynamics",
    "best_response": "_dynamics",
    "better_response": "_dynamics",
    "replay": "_dynamics",
    "Prices": "_enumeration",
    "enumerate_stable": "_enumeration",
    "least_regret": "_enumeration",
    "maximal_welfare": "_enumeration",
    "partitions": "_enumeration",
    "prices": "_enumeration",
    "exact": "_exact",
    "HedonicGame": "_game",
    "gain_tolerance": "_game",
    "format_json": "_json",
    "load": "_json",
    "parse_json": "_json",
    "write_json": "_json",
    "LabelledGame": "_labelled",
    "Reputation": "_labelled",
    "Speeds": "_labelled",
    "AdditivelySeparableGame": "_pairwise",
    "BestWorstGame": "_pairwise",
    "FractionalGame": "_pairwise",
    "friends_and_enemies": "_pairwise",
    "Partition": "_partition",
    "Potential": "_potential",
    "potential": "_potential",
    "HedonicSolution": "_solve",
    "random_partition": "_solve",
    "solve": "_solve",
    "StabilityGame": "_stability",
    "deviation": "_stability",
    "stability": "_stability",
}

__all__ = [
    "AdditivelySeparableGame",
    "AnonymousGame",
    "BestWorstGame",
    "CallableGame",
    "Deviation",
    "FractionalGame",
    "HedonicGame",
    "HedonicSolution",
    "LabelledGame",
    "NotDecided",
    "Partition",
    "Potential",
    "Prices",
    "Reputation",
    "Speeds",
    "StabilityGame",
    "Switch",
    "Switches",
    "Trajectory",
    "best_response",
    "better_response",
    "deviation",
    "enumerate_stable",
    "exact",
    "format_json",
    "friends_and_enemies",
    "gain_tolerance",
    "least_regret",
    "load",
    "maximal_welfare",
    "parse_json",
    "partitions",
    "potential",
    "prices",
    "random_partition",
    "replay",
    "solve",
    "stability",
    "write_json",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
