"""What several files of properties draw and save: small games with ties, and games in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import bimatrix
from solvers.bimatrix import BimatrixGame
from verification.properties._property import Property
from verification.strategies import bimatrix_games


def games(max_size: int, *kinds: str) -> st.SearchStrategy[BimatrixGame]:
    """Games of the `kinds`, by default all."""
    return bimatrix_games(max_size=max_size, kinds=kinds or None)


@st.composite
def small_games(draw: Any, max_size: int = 3) -> BimatrixGame:
    """Few different payoffs, so that most games are degenerate, or many, so that few are, or noise upon ties."""
    m, n, most = draw(st.integers(1, max_size)), draw(st.integers(1, max_size)), draw(st.sampled_from([1, 2, 9, 1000]))
    entries = st.lists(st.lists(st.integers(0, most), min_size=n, max_size=n), min_size=m, max_size=m)
    A, B = np.array(draw(entries)), np.array(draw(entries))
    noise = draw(st.sampled_from([0, 0, 0, 2.0**-20, 2.0**-50]))
    if not noise:
        return BimatrixGame(A, B)
    return BimatrixGame(A + noise * np.array(draw(entries)), B + noise * np.array(draw(entries)))


def exactly(game: BimatrixGame) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """Both payoff matrices in fractions."""
    A, B = (matrix.rows() for matrix in game.rational_payoffs)
    return A, B


def ordered(game: BimatrixGame, rows: Sequence[int], columns: Sequence[int]) -> BimatrixGame:
    """The game whose strategies are these of `game`, in this order."""
    A, B = ([[matrix[i][j] for j in columns] for i in rows] for matrix in exactly(game))
    return BimatrixGame(A, B)


def saved(example: Any, path: Path) -> Path:
    """The game of an example, itself or the first of a tuple, as a JSON file."""
    game = example if isinstance(example, BimatrixGame) else example[0]
    path = path.with_suffix(".json")
    bimatrix.write_json(game, path)
    return path


def of_games(
    number: int,
    statement: str,
    examples: Callable[[], st.SearchStrategy[Any]],
    measure: Callable[[Any], float],
    *,
    tolerance: float = 0.0,
    share: float = 1.0,
    equation: str = "",
    save: Callable[[Any, Path], Path] = saved,
) -> Property:
    """A property of bimatrix games."""
    return Property(
        name=f"bimatrix-{number:02}",
        family="bimatrix",
        equation=equation,
        statement=statement,
        examples=examples,
        measure=measure,
        tolerance=tolerance,
        share=share,
        save=save,
        command="python -m solvers.bimatrix FILE",
    )
