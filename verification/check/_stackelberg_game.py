"""A Stackelberg game and a profile of it as they stand in a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from verification.check._document import Node
from verification.check._expressions import (
    FUNCTIONS,
    WORD_RULE,
    Expression,
    Operation,
    is_word,
    joined,
    parse,
    parse_constraint,
)
from verification.check._followers import SHARE, Followers, gap
from verification.check._intervals import Interval, Positions, exactly
from verification.check._jets import Function, is_partial
from verification.check._numbers import fraction
from verification.check._verdict import BadCertificate

FOLLOWERS, LIMITS = 100_000, 50
GAME = (
    "kind",
    "title",
    "price",
    "decision",
    "bounds",
    "leader_utility",
    "follower_utility",
    "constraints",
    "participation",
    "parameters",
    "columns",
    "names",
)


@dataclass(frozen=True)
class Game:
    """A leader's game as a certificate has it.

    `numbers` has one number or one per follower for each name; a follower's are those it has beside all that take part.
    """

    names: Sequence[str]
    price: str
    decision: str
    bounds: tuple[flint.fmpq, flint.fmpq]
    leader_utility: Expression
    follower_utility: Expression
    constraints: Mapping[str, tuple[Expression, Expression]]
    numbers: Mapping[str, flint.fmpq | Sequence[flint.fmpq]]
    participation: bool
    enclosed: Mapping[str, Interval] = field(repr=False, default_factory=dict)

    def function(self, expression: Expression, rows: Positions | None = None) -> Function:
        """The expression of the followers in these rows."""
        known = self.enclosed if rows is None else {name: value.at(rows) for name, value in self.enclosed.items()}
        return Function(expression, {**known, "#share": SHARE}, self.price, self.decision)

    def followers(self, prices: Interval, rows: Positions | None = None) -> Followers:
        """Those in these rows, at prices in an interval."""
        parts = [self.follower_utility, *(side for sides in self.constraints.values() for side in sides)]
        demands = [demand for part in parts for demand in _demands(part)]
        gaps = [(f"what {name} needs", self.function(below, rows)) for name, below in demands]
        gaps += [(name, self.function(gap(*sides), rows)) for name, sides in self.constraints.items()]
        utility = self.function(self.follower_utility, rows)
        return Followers(utility, gaps, prices, len(self.names) if rows is None else len(rows))

    def at(self, k: int, price: flint.fmpq, decision: flint.fmpq) -> dict[str, flint.fmpq]:
        """The numbers of follower k, at a price and a decision."""
        own = {name: value[k] if isinstance(value, Sequence) else value for name, value in self.numbers.items()}
        return {**own, self.price: price, self.decision: decision}


@dataclass(frozen=True, slots=True)
class Profile:
    """The claimed price and decisions, None for a follower that stays out."""

    price: flint.fmpq
    decisions: Sequence[flint.fmpq | None]

    @property
    def members(self) -> list[int]:
        """The positions of those that take part."""
        return [k for k, decision in enumerate(self.decisions) if decision is not None]


def read_game(game: Node) -> Game:
    """The game at a node."""
    game.only(GAME)
    names = _names(game)
    price, decision = _word(game, "price"), _word(game, "decision")
    numbers: dict[str, Any] = {}
    for section in ("parameters", "columns"):
        node = game.node(section)
        for name in node.found:
            if not is_word(name) or name in FUNCTIONS or name in numbers or name in (price, decision):
                node.refuse(f"each name must be defined once and {WORD_RULE}", name)
            numbers[name] = node.number(name) if section == "parameters" else node.vector(name, len(names))
    if price == decision:
        game.refuse("the price and the decision must have different names", price)
    bounds = game.vector("bounds", 2)
    if not bounds[0] < bounds[1]:
        game.refuse("bounds must be two numbers low < high", game["bounds"])
    known = {price, decision, *numbers}
    limits = game.node("constraints")
    if len(limits.found) > LIMITS:
        game.refuse(f"there must be at most {LIMITS} constraints", len(limits.found))
    return Game(
        names=names,
        price=price,
        decision=decision,
        bounds=(bounds[0], bounds[1]),
        leader_utility=parse(game["leader_utility"], known, where=f"{game.where}.leader_utility"),
        follower_utility=parse(game["follower_utility"], known, where=f"{game.where}.follower_utility"),
        constraints={
            name: parse_constraint(text, known, where=f"{limits.where}.{name[:60]}")
            for name, text in limits.found.items()
        },
        numbers=numbers,
        participation=game.truth("participation", False),
        enclosed={name: _enclosed(value) for name, value in numbers.items()},
    )


def _names(game: Node) -> list[str]:
    names = game.items("names")
    if not 1 <= len(names) <= FOLLOWERS or not all(isinstance(name, str) for name in names):
        game.refuse(f"names must be 1 to {FOLLOWERS:,} strings", names)
    if len(set(names)) < len(names):
        game.refuse("names must be unique", names)
    return names


def _word(game: Node, key: str) -> str:
    word = game.text(key)
    if not is_word(word) or word in FUNCTIONS:
        game.refuse(f"{key} must be a name: {WORD_RULE}", word)
    return word


def _enclosed(value: Any) -> Interval:
    parts = [exactly(fraction(number)) for number in (value if isinstance(value, list) else [value])]
    low, high = (np.array([float(end) for end in ends]) for ends in zip(*((p.low, p.high) for p in parts), strict=True))
    return Interval(low, high) if isinstance(value, list) else Interval(low[0:1].reshape(()), high[0:1].reshape(()))


def read_profile(node: Node, game: Game) -> Profile:
    """The profile at a node."""
    node.only(("price", "decisions"))
    found = node.items("decisions")
    if len(found) != len(game.names):
        raise BadCertificate(
            f"{node.where}: decisions must be one per follower, {len(game.names):,}, got {len(found):,}"
        )
    inside = iter(Node(node.where, {"decisions": [d for d in found if d is not None]}).vector("decisions"))
    return Profile(node.number("price"), [None if d is None else next(inside) for d in found])


def _demands(utility: Expression) -> list[tuple[str, Expression]]:
    """What must not be positive for the utility to be defined: less the arguments of its logarithms and roots."""
    found = []
    for step in utility.operations:
        if is_partial(step):
            part = Expression(utility.operations[: step.of[0] + 1])
            minus = [Operation("constant", constant=Fraction(0)), Operation("-", (0, -1))]
            found.append(("log" if step.name == "log" else "a root", joined([part], minus)))
    return found
