"""The one place that imports pygambit, which is optional."""

from __future__ import annotations

from typing import Any

from solvers.core import NotSolved

PINNED = "17.0.0b2"  # the interface changes between 16 and 17, and between the betas of 17


def pygambit() -> Any:
    """The module pygambit, of the release whose interface is known here.

    Raises
    ------
    NotSolved
        If pygambit is not installed, or is another major release; the message says what to install.

    Examples
    --------
    >>> hasattr(pygambit(), "read_nfg")
    True
    """
    try:
        import pygambit as module
    except ImportError:
        raise NotSolved("Gambit's solvers and games need pygambit; install certeq[gambit]") from None
    if module.__version__.split(".")[0] != PINNED.split(".")[0]:
        raise NotSolved(f"pygambit must be {PINNED}, got {module.__version__}; install certeq[gambit]")
    return module
