"""The derived table of a Stackelberg game as numbers: which of its cases explain a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solvers.core import Array, Mask

if TYPE_CHECKING:
    from solvers.stackelberg import CaseTable, StackelbergGame
    from solvers.stackelberg._program import Program

SMALL = 1e-9  # relative, of what should be equal or at least 0


class Kkt:
    """For each case with at most one active constraint its point and its multiplier, and the slope of U and gaps."""

    def __init__(self, table: CaseTable) -> None:
        import sympy as sp

        from solvers.stackelberg._program import lower

        d = table.declaration
        self.decision = d.decision.name
        self.slope = lower([sp.diff(d.follower_utility, d.decision)])
        self.gaps = {c.name: lower([c.gap, sp.diff(c.gap, d.decision)]) for c in d.constraints}
        self.cases: dict[str, tuple[Program, Program]] = {}
        for case in table.cases:
            if len(case.active) <= 1 and case.decision is not None:
                multiplier = list(case.multipliers.values()) if case.active else [sp.Integer(0)]
                self.cases[case.name] = lower(case.decision), lower(multiplier)

    def explained(self, game: StackelbergGame, price: float, decisions: Array, scale: Array) -> Mask:
        """Whose decision is the point of a case at which U' = lambda * gap' with lambda >= 0, (n,).

        `scale` is what U' is a difference of, (n,).
        """
        env, shape = game.at(price, **{self.decision: decisions}), decisions.shape
        push = np.broadcast_to(self.slope.evaluate(env)[0], shape)
        explained = np.zeros(shape, dtype=bool)
        for name, (point, multiplier) in self.cases.items():
            here = np.abs(np.broadcast_to(point.evaluate(env)[0], shape) - decisions) <= SMALL * decisions
            force = np.zeros(shape)
            if name in self.gaps:
                weight = np.broadcast_to(multiplier.evaluate(env)[0], shape)
                gradient = np.broadcast_to(self.gaps[name].evaluate(env)[1], shape)
                force = weight * gradient
                here = here & (weight * np.abs(gradient) >= -SMALL * scale)
            explained |= here & (np.abs(push - force) <= SMALL * scale)
        return explained


_TABLES: dict[int, tuple[CaseTable, Kkt]] = {}


def kkt_of(game: StackelbergGame) -> Kkt:
    """Lowered once per table; games with the same declaration share theirs."""
    table = game.cases
    if id(table) not in _TABLES:
        _TABLES[id(table)] = table, Kkt(table)  # the table is kept, so that its id stays its own
    return _TABLES[id(table)][1]
