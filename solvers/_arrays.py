"""Arrays from users: read once, checked, and frozen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from solvers.core import Array, InvalidGame


def finite(name: str, values: npt.ArrayLike, dimensions: tuple[int, ...]) -> Array:
    """The values as a read-only float64 array of one of the numbers of `dimensions`.

    Raises
    ------
    InvalidGame
        If they are ragged, not real numbers, not finite, or have another number of dimensions.
    """
    try:
        given = np.asarray(values)
    except ValueError:  # numpy's word for a ragged list
        raise InvalidGame(f"{name} must be a rectangular array of numbers, got rows of different lengths") from None
    if given.dtype.kind not in "iuf":
        raise InvalidGame(f"{name} must be real numbers, got {given.dtype}")
    if given.ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise InvalidGame(f"{name} must have {wanted} dimensions, got shape {given.shape}")
    numbers = np.array(given, dtype=np.float64, order="C")
    if not np.isfinite(numbers).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(numbers))[0])
        raise InvalidGame(f"{name} must be finite, got {numbers[where]}" + (f" at {list(where)}" if where else ""))
    numbers.flags.writeable = False
    return numbers
