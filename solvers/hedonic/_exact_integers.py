"""Real numbers as integers, and how much rounding may have changed: constraint programs know integers only."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from solvers.core import Array

EPS = float(np.finfo(np.float64).eps)
DECIMALS = 6  # significant digits up to which a number counts as a short decimal
NEAR = 1e-6  # of one: how far scaled short decimals may be from integers, together
BITS = 28  # of the integers that stand for other numbers


class Scaled(NamedTuple):
    """Integers, and `scale`: each is the real number times the scale, and together they are off by at most `error`."""

    integers: list[int]
    scale: float
    error: float


def scaled(values: Array, allowance: float, bits: int = BITS) -> Scaled:
    """The values as integers: exact, or nearly, where they are short decimals, else as integers of `bits` bits.

    Short decimals are taken where, scaled, their errors are below `NEAR` and `allowance` below one half, so that a sum
    of theirs compares with another as the real numbers do.
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0:
        return Scaled([0] * len(values), 1.0, 0.0)
    start = min(-math.floor(math.log10(largest)), 300)
    for digits in range(min(start, 0), max(start + DECIMALS, 1)):
        found = _at(values, 10.0**digits)
        if found.error < NEAR and allowance * found.scale < 0.5:
            return found
    return _at(values, 2.0 ** min(bits - math.ceil(math.log2(largest)), 1000))


def _at(values: Array, scale: float) -> Scaled:
    products = values * scale
    integers = np.rint(products)
    error = np.sum(np.abs(products - integers)) + 2 * EPS * np.sum(np.abs(products))
    return Scaled([int(v) for v in integers], scale, float(error) * (1 + 1e-9))


def summing_error(values: Array) -> float:
    """How far a sum of some of the values, in float64 and any order, and a difference of two, may be off."""
    return 4 * (len(values) + 4) * EPS * float(np.sum(np.abs(values)))
