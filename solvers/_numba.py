"""Numba's decorator, with a cache on disk where there is a writable place for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

# Sums may be reordered and fused; nan, infinities and signed zeros keep their meaning.
REORDERED = {"reassoc", "contract", "arcp"}


def njit(
    function: Callable[..., Any], *, fastmath: bool | set[str] = False, inline: bool = False
) -> Callable[..., Any]:
    """The compiled `function`, cached on disk, or compiled anew in each process where nothing is writable.

    It lets other threads go on, and division by zero gives inf or nan, as in NumPy. With `inline` its code goes into
    its callers: handing over many arrays may take longer than the function itself.
    """
    options: dict[str, Any] = {"fastmath": fastmath, "nogil": True, "error_model": "numpy"}
    options["inline"] = "always" if inline else "never"
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        compiled = numba.njit(**options)(function)
    return compiled
