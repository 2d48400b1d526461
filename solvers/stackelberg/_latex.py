"""A case table in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy as sp
from sympy.printing.latex import LatexPrinter

if TYPE_CHECKING:
    from solvers.stackelberg._cases import Case, CaseTable


def body(table: CaseTable) -> str:
    """The equations, the cases and the facts of a table, for a document with amsmath and array."""
    return "\n".join([*_equations(table), *_cases(table.cases), *_facts(table)]) + "\n"


def document(table: CaseTable) -> str:
    """The same as a document of its own."""
    head = "\\documentclass{article}\n\\usepackage{amsmath,array}\n\\begin{document}\n"
    return f"{head}{body(table)}\\end{{document}}\n"


class _Printer(LatexPrinter):  # type: ignore[misc]  # SymPy ships no types
    """SymPy's printer, with the positive terms of a sum first: T_max - T_comm."""

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        return sorted(super()._as_ordered_terms(expr, order), key=lambda term: bool(term.could_extract_minus_sign()))


def latex(expr: sp.Basic) -> str:
    """The expression, products apart and positive terms first."""
    return str(_Printer({"mul_symbol": r"\,"}).doprint(expr))


def _equations(table: CaseTable) -> list[str]:
    symbols = ", ".join(latex(s) for s in (*table.declaration.decisions, *table.multipliers))
    lines = [rf"L({symbols}) &= {latex(table.lagrangian)}"]
    for d, slope in zip(table.declaration.decisions, table.stationarity, strict=True):
        lines.append(rf"\frac{{\partial L}}{{\partial {latex(d)}}} &= {latex(slope)} = 0")
    return [r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}"]


def _cases(cases: Sequence[Case]) -> list[str]:
    rows = [r"\begin{center}", r"\renewcommand{\arraystretch}{1.6}", r"\begin{tabular}{llll}", r"\hline"]
    rows += [r"active & decision & multipliers & conditions \\", r"\hline"]
    for case in cases:
        multipliers = [rf"\lambda_{{\text{{{_text(n)}}}}} = {latex(m)}" for n, m in case.multipliers.items()]
        decision = ["U' = 0"] if case.decision is None else [latex(x) for x in case.decision]
        wanted = [latex(c) for c in (*case.compatibility, *case.conditions)]
        cells = [_stack(cell) for cell in (decision, multipliers, wanted)]
        rows.append(" & ".join([_text(case.name), *cells]) + r" \\")
    return [*rows, r"\hline", r"\end{tabular}", r"\end{center}"]


def _facts(table: CaseTable) -> list[str]:
    symbols = sorted({*table.declaration.parameters, table.declaration.price, *table.declaration.decisions}, key=str)
    signs = [f"{latex(s)} {'>' if s.is_positive else chr(92) + 'ge'} 0" for s in symbols if s.is_nonnegative]
    facts = [*signs, *(latex(fact) for fact in table.facts)]
    return [r"\noindent Assumptions: " + ", ".join(f"${fact}$" for fact in facts) + "."] if facts else []


def _stack(lines: Sequence[str]) -> str:
    return r"$\begin{array}{@{}l@{}}" + r" \\ ".join(lines) + r"\end{array}$" if lines else "--"


def _text(name: str) -> str:
    return name.replace("_", r"\_")
