"""A statement of a paper that can be run, beside what is derived without it, and numbers that tell the two apart."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

Value: TypeAlias = Any  # a number, a truth, a word, None, or a tuple of these
Statement: TypeAlias = sp.Basic | Callable[..., Value]

SAME, SAME_NEAR_ZERO = 1e-9, 1e-12  # relative and absolute: two numbers are one
APART, APART_NEAR_ZERO = 1e-6, 1e-9  # two numbers differ; what lies between is neither


class Verdict(enum.StrEnum):
    """What became of a statement."""

    RIGHT = "right"
    WRONG = "wrong"
    AMBIGUOUS = "ambiguous"
    UNSPECIFIED = "unspecified"
    NOT_REPRODUCIBLE = "not reproducible"


class Undefined(ArithmeticError):
    """What is printed asks for a value that does not exist: the logarithm of 0, an entry of an empty list."""


UNDEFINED = "undefined"
"""The value of a statement whose arithmetic fails."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One numbered statement of a paper.

    `printed` and `correct` are called with the numbers `at`, or are expressions in symbols of these names. Of a right
    statement the two must have the same value; of any other, different ones: of a wrong one what is printed and what
    is so, of an ambiguous or unspecified one two readings that the text allows, of one that is not reproducible the
    paper's number and ours. `correct` uses nothing of `printed`.

    Attributes
    ----------
    paper
        A key of `PAPERS`.
    where
        The number as the paper has it: "(13)", "Algorithm 1", "Proposition 2", "Definition 7", "Table II".
    about
        What it states, in a few words.
    says
        As printed, in Markdown with TeX between dollar signs.
    instead
        The correction, the readings, or our number, in the same form; empty where the statement is right.
    why
        A sentence or two: what the witness shows.
    labels
        What the two values are called in tables.
    """

    paper: str
    where: str
    about: str
    says: str
    verdict: Verdict
    printed: Statement
    correct: Statement
    at: Mapping[str, Any] = field(default_factory=dict)
    instead: str = ""
    why: str = ""
    labels: tuple[str, str] = ("as printed", "correct")


@dataclass(frozen=True)
class Finding:
    """The two values of a record, computed now, and whether they bear out its verdict."""

    record: Record
    printed: Value
    correct: Value
    seconds: float

    @property
    def stands(self) -> bool:
        """Whether the values are the same, of a right statement, or clearly differ, of any other."""
        if self.correct == UNDEFINED and self.record.verdict in (Verdict.RIGHT, Verdict.WRONG):
            return False
        if self.record.verdict is Verdict.RIGHT:
            return close(self.printed, self.correct, SAME, SAME_NEAR_ZERO)
        return not close(self.printed, self.correct, APART, APART_NEAR_ZERO)


def examine(record: Record) -> Finding:
    """The record's witness, recomputed.

    Examples
    --------
    >>> x = sp.Symbol("x")
    >>> square = Record(
    ...     paper="gfml", where="(0)", about="a square", says="$2x$", verdict=Verdict.WRONG,
    ...     printed=2 * x, correct=lambda x: x**2, at={"x": 3},
    ... )
    >>> finding = examine(square)
    >>> finding.printed, finding.correct, finding.stands
    (6.0, 9, True)
    """
    start = time.perf_counter()
    printed, correct = (_value(statement, record.at) for statement in (record.printed, record.correct))
    return Finding(record, printed, correct, time.perf_counter() - start)


def log(x: float) -> float:
    """The natural logarithm.

    Raises
    ------
    Undefined
        If `x` is not positive.

    Examples
    --------
    >>> log(1)
    0.0
    """
    if not x > 0:
        raise Undefined(f"log of {x}")
    return math.log(x)


def close(a: Value, b: Value, relative: float, absolute: float) -> bool:
    """Whether two values are the same: numbers to within rounding, tuples entry by entry, all else exactly.

    Examples
    --------
    >>> close((1, "a"), (1 + 1e-12, "a"), 1e-9, 1e-12), close((1,), (1, 2), 1e-9, 1e-12), close(True, 1, 1e-9, 0)
    (True, False, False)
    """
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(close(x, y, relative, absolute) for x, y in zip(a, b, strict=True))
    if _number(a) and _number(b):
        return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
    return type(a) is type(b) and bool(a == b)


def _number(value: Value) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _value(statement: Statement, at: Mapping[str, Any]) -> Value:
    try:
        if isinstance(statement, sp.Basic):
            return _plain(statement.subs({symbol: at[symbol.name] for symbol in statement.free_symbols}))
        return _plain(statement(**at))
    except ArithmeticError:
        return UNDEFINED


def _plain(value: Any) -> Value:
    """The value in Python's own types; nan, and what is not real, is undefined."""
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, sp.logic.boolalg.BooleanAtom):
        return bool(value)
    if isinstance(value, sp.Basic):
        return float(value) if value.is_extended_real and value.is_finite else UNDEFINED
    if isinstance(value, float) and math.isnan(value):
        return UNDEFINED
    if value is None or isinstance(value, bool | int | float | Fraction | str):
        return value
    raise TypeError(f"a statement must come to numbers, truths and words, got {type(value).__name__}")
