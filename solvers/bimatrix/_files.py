"""What the files of games have in common: numbers that are read exactly."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import flint

from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._payoffs import EXACT_INTEGER
from solvers.core import InvalidGame

Number: TypeAlias = int | Fraction

CHARACTERS = 4_000  # of a number; Python itself refuses integers of more than 4,300 digits
LARGEST = int(sys.float_info.max)
EXPONENT = 1_000  # float64 needs 324
SAFE = 300  # characters that no number outside float64 fits into without an exponent
DENOMINATOR = 60_000  # digits of the common denominator of a matrix
MATRIX = 200_000_000  # the same, over all entries
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?P<over>/[0-9]+)?|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE](?P<e>[+-]?[0-9]+))?)")
RULE = "a payoff must be a number such as 3, -0.5, 1e-3 or 1/3"


def exact(text: str) -> Number:
    """The rational that `text` denotes, without rounding.

    Raises
    ------
    ValueError
        If it is not a number, or too long or too large to be one of a game; the message is the rule.

    Examples
    --------
    >>> exact("0.1"), exact("-2/6"), exact("1e3")
    (Fraction(1, 10), Fraction(-1, 3), 1000)
    """
    if len(text) > CHARACTERS:
        raise ValueError(f"a number must have at most {CHARACTERS:,} characters")
    if len(text) <= SAFE and text.isascii() and text.isdigit():
        return int(text)
    match = NUMBER.fullmatch(text)
    if not match:
        raise ValueError(RULE)
    over, exponent = match["over"], match["e"]
    if over and not over.strip("/0"):
        raise ValueError("a denominator must not be zero")
    if exponent and abs(int(exponent)) > EXPONENT:
        raise ValueError(f"an exponent must be at most {EXPONENT:,}, up or down")
    value = Fraction(text) if over else Fraction(*Decimal(text).as_integer_ratio())
    if (exponent or len(text) > SAFE) and not -LARGEST <= value <= LARGEST:
        raise ValueError("a payoff must lie within the range of float64")
    return value.numerator if value.denominator == 1 else value


def written(game: BimatrixGame) -> tuple[list[list[Number | float]], list[list[Number | float]]]:
    """Both payoff matrices as they go into a file: rationals where the source was rational, otherwise float64."""
    rational, floats = game._exact, (game.A, game.B)
    first, second = (_rows(r.rows() if r else M.tolist()) for r, M in zip(rational, floats, strict=True))
    return first, second


def number_text(value: Number | float) -> str:
    """The shortest text that is read back as `value`, a rational's exactly.

    Raises
    ------
    InvalidGame
        If it would be longer than a number in a file may be.

    Examples
    --------
    >>> number_text(Fraction(1, 3)), number_text(0.1), number_text(-2)
    ('1/3', '0.1', '-2')
    """
    if not isinstance(value, float):
        longest = max(value.numerator, -value.numerator, value.denominator)
        text = str(value) if longest.bit_length() <= 3 * CHARACTERS else ""
        if not 0 < len(text) <= CHARACTERS:
            raise InvalidGame(f"a number in a file must have at most {CHARACTERS:,} characters, a payoff needs more")
        return text
    return repr(value)


def build(where: str, A: Sequence[Sequence[Number]], B: Sequence[Sequence[Number]], **names: Any) -> BimatrixGame:
    """The game, unless a common denominator of its payoffs would fill the memory.

    Raises
    ------
    InvalidGame
        If it would, or if the payoffs are not a game's; the message begins with `where`.
    """
    for name, matrix in (("A", A), ("B", B)):
        _check_denominator(f"{where}: {name}", matrix)
    try:
        return BimatrixGame(_unrounded(A), _unrounded(B), **names)
    except InvalidGame as problem:
        raise InvalidGame(f"{where}: {problem}") from None


def _rows(matrix: Sequence[Sequence[Number | float]]) -> list[list[Number | float]]:
    return [[int(v) if v == int(v) and -EXACT_INTEGER < v < EXACT_INTEGER else v for v in row] for row in matrix]


def _unrounded(matrix: Sequence[Sequence[Number]]) -> Sequence[Sequence[Number]]:
    """The same numbers, as fractions where NumPy would make float64 of large integers."""
    if all(type(value) is Fraction or -EXACT_INTEGER <= value <= EXACT_INTEGER for row in matrix for value in row):
        return matrix
    return [[Fraction(value) for value in row] for row in matrix]


def _check_denominator(where: str, matrix: Sequence[Sequence[Number]]) -> None:
    entries, common = sum(map(len, matrix)), flint.fmpz(1)
    digits = min(DENOMINATOR, MATRIX // max(entries, 1))
    for denominator in {value.denominator for row in matrix for value in row}:
        common = common.lcm(denominator)
        if common.bit_length() > digits * math.log2(10):
            rule = f"the common denominator of {entries:,} payoffs must have at most {digits:,} digits"
            raise InvalidGame(f"{where}: {rule}, it has more; write decimals")
