"""A property of a family of games: what is drawn, what is measured of it, and how far off it may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FAMILIES = ("bimatrix", "stackelberg", "hedonic", "stochastic", "learning", "reputation", "federated", "ledger")


@dataclass(frozen=True, kw_only=True)
class Property:
    """Something that holds of every game of a family.

    Attributes
    ----------
    name
        Unique and short, such as "gfml-04".
    family
        One of `FAMILIES`.
    equation
        Where the paper states what is checked, such as "(27)-(38)" or "Proposition 2"; "" if no paper does.
    statement
        One sentence without a full stop.
    examples
        The strategy of what is drawn: a game, or a tuple of a game and what else is needed. It is called once a run,
        so that nothing heavy is imported before.
    measure
        How far a drawn example is off, at least 0, in the units of `tolerance`; nan is off. Raises AssertionError with
        a sentence where there is no number to tell. Any other exception is a failure too.
    tolerance
        What `measure` may come to.
    share
        Of the examples asked for, how many are tried: less than 1 where each of them takes long.
    save
        Writes the game of an example to a path with the right suffix added, and returns that path. If None, the `repr`
        of the example is written.
    command
        What loads the file that `save` wrote, with "FILE" in its place; "" where the file is for people.
    """

    name: str
    family: str
    equation: str
    statement: str
    examples: Callable[[], st.SearchStrategy[Any]]
    measure: Callable[[Any], float]
    tolerance: float = 0.0
    share: float = 1.0
    save: Callable[[Any, Path], Path] | None = None
    command: str = ""

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be among {', '.join(FAMILIES)}, got {self.family!r}")
