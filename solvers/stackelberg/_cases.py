"""The KKT cases of a follower's problem, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from solvers.stackelberg._declaration import Declaration
from solvers.stackelberg._latex import body, document
from solvers.stackelberg._signs import Relation


@dataclass(frozen=True)
class Case:
    """One set of active constraints: where the optimum lies, and exactly when.

    `decision` is None where stationarity has no usable closed form: the point is where U' changes sign.
    Of several active constraints on a scalar (which must meet: `compatibility`) only one multiplier is determined;
    the others appear as their own symbols, and `conditions` say when some nonnegative choice exists.
    `conditions` leave out what the table's facts state; `thresholds` are those on the price, solved for it.
    """

    active: tuple[str, ...]
    decision: tuple[sp.Expr, ...] | None
    multipliers: Mapping[str, sp.Expr]
    conditions: tuple[Relation, ...]
    compatibility: tuple[Relation, ...] = ()
    thresholds: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        """The active constraints joined by " + ", or "interior"."""
        return " + ".join(self.active) or "interior"


@dataclass(frozen=True)
class CaseTable:
    """The Lagrangian `U - sum(lambda_k * gap_k)` of a maximisation, its stationarity, and every case under `facts`.

    `limits` holds, for a scalar decision, where each constraint is met with equality, also if it is never binding.
    """

    declaration: Declaration
    multipliers: tuple[sp.Symbol, ...]
    lagrangian: sp.Expr
    stationarity: tuple[sp.Expr, ...]
    facts: tuple[Relation, ...]
    cases: tuple[Case, ...]
    limits: tuple[sp.Expr, ...] = ()

    def latex(self, *, standalone: bool = True) -> str:
        r"""A LaTeX document (or, not `standalone`, its body) that needs amsmath and array only.

        Examples
        --------
        >>> import sympy as sp
        >>> from solvers.stackelberg import Constraint, Declaration, derive
        >>> d, p, cap = sp.symbols("d p cap", positive=True)
        >>> limits = (Constraint("cap", d, cap),)
        >>> table = derive(Declaration(p, (d,), p * d, sp.log(d) - p * d, limits))
        >>> print(table.latex(standalone=False).splitlines()[0])
        \begin{align*}
        """
        return document(self) if standalone else body(self)
