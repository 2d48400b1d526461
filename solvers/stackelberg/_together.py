"""Games of one declaration prepared at once: what is computed follower by follower costs little more for many.

No follower's numbers depend on who stands beside it, and sums are taken game by game, so that every game gets what it
would compute alone, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from solvers.core import InvalidGame
from solvers.stackelberg._curve import Curve, NotConcave
from solvers.stackelberg._domain import undefined
from solvers.stackelberg._game import StackelbergGame
from solvers.stackelberg._program import Value, spread
from solvers.stackelberg._response import Limits, Response

FEW, TOGETHER = 64, 4096  # followers of a game for which this pays, and of all that are prepared at once


def prepare(games: Iterable[StackelbergGame]) -> None:
    """Sets `curve` and `undefined` of those games for which both can be found together.

    The other ones are left as they are: large ones, those alone in their kind, and those of a kind in which some
    utility is undefined or not shown to be concave between kinks.
    """
    kinds: dict[object, list[StackelbergGame]] = {}
    for game in games:
        if len(game.names) <= FEW and "curve" not in vars(game):
            kinds.setdefault(_kind(game), []).append(game)
    for alike in kinds.values():
        for batch in _batches(alike):
            if len(batch) > 1:
                _prepare(batch)


def _kind(game: StackelbergGame) -> tuple[Response, tuple[float, float], frozenset[str]] | None:
    """What games have in common that are prepared together; None for those that `solve` will refuse."""
    try:
        return game.response, game.bounds, frozenset(game.values)
    except InvalidGame:
        return None


def _batches(games: Sequence[StackelbergGame]) -> Iterator[Sequence[StackelbergGame]]:
    size = TOGETHER // max(len(game.names) for game in games)
    return (games[start : start + size] for start in range(0, len(games), size))


def _prepare(games: Sequence[StackelbergGame]) -> None:
    try:
        joined = _side_by_side(games)
        curves = list(Curve.each(games, joined))
        if undefined(joined):
            return
    except (InvalidGame, NotConcave):
        return
    for game, curve in zip(games, curves, strict=True):
        vars(game).update(curve=curve, undefined="")


def _side_by_side(games: Sequence[StackelbergGame]) -> StackelbergGame:
    """All followers in one game, the values of each, derived ones included, those that it has in its own."""
    first, sizes = games[0], [len(game.names) for game in games]
    values = {name: _column([game.values[name] for game in games], sizes) for name in first.values}
    limits = [game.limits(game.bounds[0]) for game in games]
    ends = [(one.low, one.high, one.low_name, one.high_name) for one in limits]
    joined = replace(first, names=[name for game in games for name in game.names], derived={}, participation=False)
    parts = zip(*ends, strict=True)
    vars(joined).update(
        values=values, _analysis=(first.cases, first.response), _fixed_limits=Limits(*map(np.concatenate, parts))
    )
    return joined


def _column(values: Sequence[Value], sizes: Sequence[int]) -> Value:
    """One column of all games' values; a number stays one where it is the same in all of them."""
    if all(np.ndim(value) == 0 for value in values):
        same = len({float(value).hex() for value in values}) == 1
        return values[0] if same else np.repeat(np.array(values, dtype=np.float64), sizes)
    return np.concatenate([spread(value, (size,)) for value, size in zip(values, sizes, strict=True)])
