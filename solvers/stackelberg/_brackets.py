"""Where a function of one variable changes sign, for many brackets at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solvers.core import Array

STEPS = 120


def sign_change(function: Callable[[Array], Array], inside: Array, outside: Array, *, close: float) -> Array:
    """The last point found at which `function` is not positive, on the way from `inside` to `outside`.

    The function is at most 0 inside and positive outside; arrays of one shape. False position in Illinois' form, with
    a bisection every third step, until the brackets are narrower than `close`, relative.
    """
    inside, outside = inside.copy(), outside.copy()
    low, high = function(inside), function(outside)
    for k in range(STEPS):
        if np.all(np.abs(outside - inside) <= close * np.abs(inside)):
            break
        with np.errstate(all="ignore"):
            share = low / (low - high)
        share = np.where((share > 0) & (share < 1) & (k % 3 != 2), share, 0.5)
        point = inside + share * (outside - inside)
        value = function(point)
        positive = value > 0
        high = np.where(positive, value, 0.5 * high)
        low = np.where(positive, 0.5 * low, value)
        inside, outside = np.where(positive, inside, point), np.where(positive, point, outside)
    return inside
