"""A leader-follower game in symbols: what the user writes down, and nothing computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp


@dataclass(frozen=True)
class Constraint:
    """A named limit `left <= right` on a follower's decision."""

    name: str
    left: sp.Expr
    right: sp.Expr

    @property
    def gap(self) -> sp.Expr:
        """`left - right`, which a feasible decision keeps at or below zero."""
        return self.left - self.right


@dataclass(frozen=True)
class Declaration:
    """One leader's price, and one follower's problem that stands for all of them.

    Every other symbol is a parameter; its SymPy assumptions (positive, nonnegative, real) are taken as given.
    `decisions` has one symbol, or two or three for a small vector decision, which can be derived but not solved.
    """

    price: sp.Symbol
    decisions: tuple[sp.Symbol, ...]
    leader_utility: sp.Expr
    follower_utility: sp.Expr
    constraints: tuple[Constraint, ...]

    @property
    def decision(self) -> sp.Symbol:
        """The only decision of a game with scalar decisions."""
        (decision,) = self.decisions
        return decision

    @cached_property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Every symbol that is neither the price nor a decision, by name."""
        sides = [side for c in self.constraints for side in (c.left, c.right)]
        used = sp.Tuple(self.leader_utility, self.follower_utility, *sides).free_symbols
        return tuple(sorted(used - {self.price, *self.decisions}, key=lambda symbol: symbol.name))
