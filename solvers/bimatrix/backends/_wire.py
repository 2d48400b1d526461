"""Games, profiles and answers as lines of JSON, without rounding, between this process and a library's."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._payoffs import Payoffs, RationalMatrix
from solvers.core import Array

Message: TypeAlias = dict[str, Any]


def line(message: Message) -> bytes:
    """The message as one line; nan and infinities are written as Python's own JSON reads them."""
    return json.dumps(message).encode() + b"\n"


def game_message(game: BimatrixGame) -> Message:
    """Both payoff matrices: float64 as its bytes, rationals that float64 cannot hold as words."""
    row, column = game._exact
    return {"A": _matrix_message(game.A, row), "B": _matrix_message(game.B, column)}


def game_of(message: Message) -> BimatrixGame:
    """The game in a message.

    Examples
    --------
    >>> game = BimatrixGame([[Fraction(1, 3), 0.1]], [[1, 2]])
    >>> game_of(game_message(game)).rational_payoffs == game.rational_payoffs
    True
    """
    return BimatrixGame(_matrix_of(message["A"]), _matrix_of(message["B"]))


def _matrix_message(payoffs: Array, exact: RationalMatrix | None) -> Message:
    if exact is not None:
        return {"rows": [words(row) for row in exact.rows()]}
    return {"shape": payoffs.shape, "float64": base64.b64encode(payoffs.tobytes()).decode()}


def _matrix_of(message: Message) -> Payoffs:
    if "rows" in message:
        return [list(fractions(row)) for row in message["rows"]]
    raw = np.frombuffer(base64.b64decode(message["float64"]), dtype=np.float64)
    return raw.reshape(message["shape"])


def words(values: Iterable[Fraction]) -> list[str]:
    """Each fraction as `numerator/denominator` in hexadecimal, whose length Python does not limit.

    Examples
    --------
    >>> words([Fraction(-1, 30)])
    ['-1/1e']
    """
    return [f"{value.numerator:x}/{value.denominator:x}" for value in values]


def fractions(words: Sequence[str]) -> tuple[Fraction, ...]:
    """The fractions that `words` wrote."""
    pairs = (word.split("/") for word in words)
    return tuple(Fraction(int(numerator, 16), int(denominator, 16)) for numerator, denominator in pairs)
