"""Numbers of a certificate as exact rationals, and balls around numbers that are not rational."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import flint

from verification.check._verdict import BadCertificate

Real: TypeAlias = Any  # a flint.fmpq, or a flint.arb that encloses a number

BITS = 192  # of the midpoints of balls
TINY, DEEPEST = 10_000, 50_000  # powers of two: what is smaller than the second is shown as the first
CHARACTERS = 100_000  # of a rational in a string
RATIONAL = re.compile(r"[+-]?[0-9]+(?:/0*[1-9][0-9]*)?")
RULE = 'a number must be a JSON number, which is the float64 it is read as, or a string such as "1/30"'
ZERO = flint.fmpq(0)


def rational(where: str, value: object) -> flint.fmpq:
    """The number at `where`, exactly: a JSON number is the float64 that it is read as, a string is a rational.

    Raises
    ------
    BadCertificate
        If it is neither, not finite, or beyond float64 as a JSON number.

    Examples
    --------
    >>> rational("p", 0.5), rational("p", "-2/6")
    (1/2, -1/3)
    """
    kind = type(value)
    if kind is float or kind is int:
        try:
            return flint.fmpq(*float(value).as_integer_ratio())  # type: ignore[arg-type]
        except (OverflowError, ValueError):
            raise BadCertificate(f"{where}: a number must be finite and within float64, got {_short(value)}") from None
    if kind is str:
        return _from_text(where, str(value))
    raise BadCertificate(f"{where}: {RULE}, got {_short(value)}")


def is_rounded(values: Iterable[object]) -> bool:
    """Whether one of the numbers is written as a float: then all of them are float64, and may miss sums by rounding."""
    return any(type(value) is float for value in values)


def fraction(value: Real) -> Fraction:
    """The rational as a fraction; of a ball, the upper end."""
    if isinstance(value, flint.arb):
        mantissa, exponent = value.upper().mid().man_exp()
        if int(exponent) < -DEEPEST:  # far below any payoff
            return Fraction(int(mantissa > 0), 2**TINY)
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return Fraction(int(value.p), int(value.q))


def ball(value: Real) -> flint.arb:
    """The number in a ball."""
    return value if isinstance(value, flint.arb) else flint.arb(value)


def largest(values: Iterable[Real], start: Real = ZERO) -> Real:
    """The greatest of the numbers and `start`; of balls, a ball around it."""
    found = start
    for value in values:
        if isinstance(value, flint.arb) or isinstance(found, flint.arb):
            found = ball(found).max(ball(value))
        elif value > found:
            found = value
    return found


def surely(value: Real, limit: flint.fmpq) -> bool:
    """Whether the number is certainly at most `limit`."""
    return bool(value <= limit)


def strain(gain: flint.fmpq, limit: flint.fmpq) -> tuple[bool, flint.fmpq]:
    """How near a gain comes to its limit, to be compared: whether it exceeds it, and how many times it is as large."""
    if gain <= 0:
        return False, ZERO
    return gain > limit, gain / limit if limit > 0 else gain


def share(part: flint.fmpq, whole: flint.fmpq) -> float | None:
    """How much of `whole` the part is, infinite where that is beyond float64; nothing where `whole` is 0."""
    try:
        return float(fraction(part / whole)) if whole > 0 else None
    except OverflowError:
        return math.inf


def column(values: Sequence[flint.fmpq]) -> flint.fmpq_mat:
    """The vector as a matrix of one column."""
    return flint.fmpq_mat(len(values), 1, list(values))


def decimal(value: flint.fmpq) -> str:
    """Six digits of the number, or its power of two where float64 has none."""
    exact = fraction(value)
    try:
        near = float(exact)
    except OverflowError:
        near = math.inf
    if exact == 0 or (near != 0 and math.isfinite(near)):
        return f"{near:.6g}"
    return f"about {'-' if exact < 0 else ''}2^{abs(exact.numerator).bit_length() - exact.denominator.bit_length()}"


def _from_text(where: str, text: str) -> flint.fmpq:
    if len(text) > CHARACTERS:
        raise BadCertificate(f"{where}: a rational must have at most {CHARACTERS:,} characters, got {len(text):,}")
    if not (text.isascii() and RATIONAL.fullmatch(text)):
        raise BadCertificate(f"{where}: {RULE}, got {_short(text)}")
    above, _, below = text.lstrip("+").partition("/")
    return flint.fmpq(flint.fmpz(above), flint.fmpz(below or "1"))


def _short(value: object) -> str:
    """A value as one short line."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1_100:
        return f"an integer of about {math.ceil(value.bit_length() * 0.30103):,} digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


shown = _short
