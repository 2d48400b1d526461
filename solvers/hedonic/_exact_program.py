"""What every encoding of a hedonic game offers the search: a constraint program, and partitions read from it."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from solvers.core import InvalidGame
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._partition import Partition

Literal: TypeAlias = Any  # a Boolean variable of OR-Tools, or its negation
Value: TypeAlias = Callable[[Any], int]  # of a variable, in a solution


class Program(abc.ABC):
    """A constraint program that every stable partition of a game satisfies: an outer relaxation in integers.

    What satisfies it need not be stable, where real numbers had to be rounded: a partition has to be checked, and if it
    fails is cut off by `exclude`. `concept` is "nash" or "individual". `precision` is by how much `bound` may exceed
    the greatest welfare for rounding alone.
    """

    encoding: ClassVar[str]
    parameters: ClassVar[Mapping[str, int]] = {}  # of the search, where OR-Tools' own choice is a slow one
    walks: bool = False  # whether a walk of switches is to be tried first

    precision: float = 0.0

    def __init__(self, game: HedonicGame, concept: str) -> None:
        from ortools.sat.python import cp_model

        self.game, self.concept = game, concept
        self.model = cp_model.CpModel()
        self.tolerances = gain_tolerance(game)
        self.true: Literal = self.model.new_constant(1)

    @abc.abstractmethod
    def partition(self, value: Value) -> Partition:
        """The partition that a solution stands for."""

    @abc.abstractmethod
    def differs(self, partition: Partition) -> list[Literal]:
        """Literals of which at least one holds in every solution but those that stand for `partition`."""

    @abc.abstractmethod
    def maximize(self) -> None:
        """Make the program's objective the welfare, or an upper bound of it."""

    @abc.abstractmethod
    def bound(self, objective: float) -> float:
        """The welfare that no partition exceeds whose objective is at most `objective`."""

    def hint(self, partition: Partition) -> None:
        """Start the next search at `partition`."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        for literal in self.differs(partition):
            self.model.add_hint(literal, 0)

    def refine(self, partition: Partition) -> None:  # noqa: B027 - most programs are as tight as they can be
        """Make the program tighter at `partition`, which is not stable, or is worth less than its bound."""

    def exclude(self, partition: Partition) -> None:
        """Cut off one partition."""
        self.model.add_bool_or(self.differs(partition))

    def imply(self, condition: Sequence[Literal], clause: Sequence[Literal]) -> None:
        """Let one of `clause` hold where all of `condition` do."""
        self.model.add_bool_or([*(~literal for literal in condition), *clause])

    def whether(self, name: str) -> Literal:
        """A new Boolean variable."""
        return self.model.new_bool_var(name)


def within(name: str, size: int, limit: int, rule: str) -> None:
    """Nothing, if `size` is at most `limit`.

    Raises
    ------
    InvalidGame
        If it is not: the encoding would be too large to build.
    """
    if size > limit:
        raise InvalidGame(f"exact: {name} must be at most {limit} {rule}, got {size}")
