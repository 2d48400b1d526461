"""Importing web3.py without what it does to the rest of the process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["same_recursion_limit"]


@contextmanager
def same_recursion_limit() -> Iterator[None]:
    """Keeps Python's limit of recursion, which py_ecc, that web3.py imports, raises to 100,000 for everybody.

    Where recursion in C goes that deep, as in reading nested JSON, the process then dies instead of raising an error.
    """
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
