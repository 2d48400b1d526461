"""How far numbers of Stackelberg games are apart, and what the properties of these games share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers.core import Array
from verification.properties._property import Property
from verification.stackelberg_games import GameData, IncentiveData
from verification.stackelberg_strategies import ORDINARY_KINDS, game_prices, incentive_games, stackelberg_games

COMMAND = "python -m solvers.stackelberg FILE"
ROUNDING = 1e-13  # of the numbers that a leader's utility is a sum of

shares = st.floats(0.0, 1.0)
factors = st.sampled_from([3.0, 0.7, 1e-3, 1e-9, 1e6])


def stackelberg_property(
    name: str,
    statement: str,
    examples: Callable[[], st.SearchStrategy[Any]],
    measure: Callable[[Any], float],
    *,
    tolerance: float,
    equation: str = "",
    share: float = 1.0,
) -> Property:
    """A property whose examples are a `GameData`, or a tuple that begins with one."""
    return Property(
        name=name,
        family="stackelberg",
        equation=equation,
        statement=statement,
        examples=examples,
        measure=measure,
        tolerance=tolerance,
        share=share,
        save=save,
        command=COMMAND,
    )


def save(example: Any, path: Path) -> Path:
    """The game of an example as a scenario file, `.toml`, with its table beside it."""
    data: GameData = example[0] if isinstance(example, tuple) else example
    return data.save(path)


# --- examples --------------------------------------------------------------------------------------------------------


def ordinary_games() -> st.SearchStrategy[GameData]:
    """Games of both families in which a few followers all take part."""
    return stackelberg_games(kinds=ORDINARY_KINDS)


def ordinary_incentives() -> st.SearchStrategy[IncentiveData]:
    """Incentive games in which a few learners all take part."""
    return incentive_games(kinds=ORDINARY_KINDS)


def priced(games: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A game and a price."""
    return games.flatmap(lambda data: st.tuples(st.just(data), game_prices(data)))


def priced_incentives() -> st.SearchStrategy[tuple[IncentiveData, float]]:
    """An incentive game and a price."""
    return priced(ordinary_incentives())


# --- measures --------------------------------------------------------------------------------------------------------


def worst(*values: Array | float) -> float:
    """The largest of numbers and arrays, at least 0; nan if any is."""
    return float(np.max(np.concatenate([[0.0], *(np.ravel(value) for value in values)])))


def off(a: Array | float, b: Array | float, scale: Array | float = 0.0) -> float:
    """The largest |a - b| relative to the larger of the two plus `scale`; 0 where both are 0, or nothing is there."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    size = np.maximum(np.abs(a), np.abs(b)) + scale
    return worst(np.abs(a - b) / np.where(size == 0, 1.0, size))


def above(a: Array | float, b: Array | float, scale: Array | float) -> float:
    """The largest excess of a over b, relative to `scale`; 0 if none."""
    excess = np.subtract(a, b)
    return worst(np.where(excess <= 0, 0.0, excess / np.where(np.asarray(scale) == 0, 1.0, scale)))


def size(data: GameData, value: float) -> float:
    """|value|, or a thousandth of the largest of the leader's utilities, at kinks and some prices, if that is more."""
    prices = np.concatenate([np.linspace(*data.bounds, 33), data.inner_kinks()])
    return max(abs(value), 1e-3 * float(np.max(np.abs(data.leader(prices)))))


def short(data: GameData, value: float, best: float) -> float:
    """By how much `value` is below `best`, but for rounding, relative to `size`."""
    return above(best - ROUNDING * data.magnitude(data.bounds[1]), value, size(data, value))
