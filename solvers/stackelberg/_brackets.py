"""Where a function of one variable changes sign, for many brackets at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solvers.core import Array

STEPS = 120
CLOSE = 4 * 2.0**-52  # relative width of a bracket that cannot usefully be halved


def sign_change(function: Callable[[Array], Array], inside: Array, outside: Array, *, small: float) -> Array:
    """A point between `inside` and `outside` at which |function| <= `small`, or next to which it changes sign.

    The function is at most 0 inside and positive outside; arrays of one shape. False position in Illinois' form, with
    a bisection every third step.
    """
    inside, outside = inside.copy(), outside.copy()
    low, high = function(inside), function(outside)
    found = np.abs(low) <= small
    for k in range(STEPS):
        with np.errstate(all="ignore"):
            share = low / (low - high)
        done = found | (np.abs(outside - inside) <= CLOSE * np.abs(inside))
        if done.all():
            break
        share = np.where((share > 0) & (share < 1) & (k % 3 != 2), share, 0.5)
        point = np.where(done, inside, inside + share * (outside - inside))
        value = function(point)
        positive = value > small
        found |= ~positive & (value >= -small)
        high = np.where(positive, value, 0.5 * high)  # the end that stays counts half, or it would stay for long
        low = np.where(positive, 0.5 * low, value)
        inside, outside = np.where(positive, inside, point), np.where(positive, point, outside)
    return inside
