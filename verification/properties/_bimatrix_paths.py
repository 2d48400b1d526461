"""Properties of what solvers do alone: paths without help from integers, no answer where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import bimatrix
from solvers.bimatrix import BimatrixGame, RationalProfile, _exact_path
from solvers.core import InvalidGame, Status
from verification.properties._drawn import games, of_games, small_games
from verification.properties._fractions import Listed, off
from verification.properties._property import Property

WHOLE = ("ties", "duplicated", "identity-like", "symmetric", "zero-sum", "integers", "long-paths", "dense-supports")
LIMIT = 10**4  # pivots of an exact path


def _by_itself(game: BimatrixGame) -> float:
    """From every label the pivots of the path in integers, in the small tableau and in the revised one."""
    paths, gap = _exact_path.ExactPaths(game), 0.0
    for label in range(sum(game.shape)):
        end = paths.follow(_exact_path.ARTIFICIAL, label, LIMIT)
        assert end is not None, f"the path of label {label} has more than {LIMIT} pivots"
        found = bimatrix.lemke_howson(game, initial_label=label)
        assert found.stats["path"] == "condensed", f"label {label} was lost: {found.stats['path']} found the end"
        assert found.stats["pivots"] == end[1], f"label {label} takes {found.stats['pivots']} pivots, not {end[1]}"
        known = paths.profile(end[0])
        pairs = zip((*found.require().row, *found.require().column), (*known.row, *known.column), strict=True)
        gap = max(gap, *(abs(float(p) - float(q)) for p, q in pairs), off(game, known))
    every = bimatrix.lemke_howson_all(game)
    assert every.stats["path"] == "float", "paths between equilibria were lost in the revised tableau"
    return gap


@st.composite
def _supported(draw: Any) -> tuple[BimatrixGame, RationalProfile]:
    """A game, and equal probabilities on some strategies of each player."""
    game = draw(small_games())
    used = [draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any)) for size in game.shape]
    mixes = [tuple(Fraction(int(own), sum(chosen)) for own in chosen) for chosen in used]
    return game, RationalProfile(*mixes)


def _only_equilibria(drawn: tuple[BimatrixGame, RationalProfile]) -> float:
    """Whatever supports are guessed: what is returned is an equilibrium, and one that has these supports is."""
    game, guess = drawn
    found, listed = bimatrix.exact_equilibrium(game, guess), Listed(game)
    known = [pair for pair in listed.equilibria if _used(pair) == _used(guess)]
    if listed.nondegenerate and known:
        assert found.status is Status.SOLVED, f"the equilibrium with these supports is refused: {found.stats['reason']}"
        assert tuple(found.require()) == known[0], "another equilibrium is returned"
    return max([off(game, profile) for profile in found.profiles], default=0.0)


def _used(profile: Iterable[Sequence[Any]]) -> list[list[int]]:
    return [[i for i, p in enumerate(mix) if p] for mix in profile]


@st.composite
def _nearly_zero_sum(draw: Any) -> BimatrixGame:
    """A zero-sum game but for a millionth of the range in one cell."""
    game = draw(games(4, "zero-sum", "ties"))
    i, j = (draw(st.integers(0, size - 1)) for size in game.shape)
    B = -game.A
    B[i, j] += draw(st.sampled_from([1e-6, -1e-6, 1.0])) * max(1.0, float(np.ptp(game.A)))
    return BimatrixGame(game.A, B)


def _is_refused(game: BimatrixGame) -> float:
    """All cells but one have the same sum, where there are two."""
    try:
        bimatrix.zero_sum(game)
    except InvalidGame:
        return 0.0
    assert game.A.size == 1, "a game that is not zero-sum is solved as one"
    return 0.0


PROPERTIES: tuple[Property, ...] = (
    of_games(26, "Paths of games in whole numbers, ties or not, are followed to their ends without integers' help",
             lambda: games(4, *WHOLE), _by_itself, tolerance=1e-9, share=0.5),
    of_games(27, "Of any supports, exact_equilibrium returns an equilibrium or none", _supported, _only_equilibria),
    of_games(28, "A game that is not zero-sum by a millionth of its range is not solved as one", _nearly_zero_sum,
             _is_refused, share=0.5),
)  # fmt: skip
