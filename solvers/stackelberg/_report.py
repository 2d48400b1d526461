"""An answer with its evidence, as tables for people and as JSON for scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from rich.console import Console
from rich.text import Text
from sympy.printing.str import StrPrinter

from solvers._tables import (
    Titled,
    certificate_json,
    certificate_sentence,
    finite,
    mark,
    number,
    show,
    show_title,
    titled,
)
from solvers.core import Array, Evidence, Positions, Solution, Status
from solvers.stackelberg._cases import Case, CaseTable
from solvers.stackelberg._convex import Comparison
from solvers.stackelberg._game import Excluded, Profile, StackelbergGame
from solvers.stackelberg._prove import Obligation

ROWS = 10_000  # followers written at a time
LONG = 10**12  # from which a whole number is shown in powers of ten
SHOWN = 5  # followers at either end of the table


@dataclass(frozen=True)
class Report:
    """Everything that is said about one game."""

    scenario: str
    game: StackelbergGame
    solution: Solution[Profile]
    certificate: Evidence
    table: CaseTable
    proof: tuple[Obligation, ...]
    local: tuple[Solution[Profile], ...]
    checks: tuple[Comparison, ...]
    seconds: float

    @property
    def profile(self) -> Profile:
        """The claimed equilibrium."""
        return self.solution.profiles[0]

    @property
    def stands(self) -> bool:
        """Whether the claim is solved, certified, proved or sampled without failure, and confirmed."""
        proved = all(obligation.verdict != "failed" for obligation in self.proof)
        confirmed = all(check.agrees for check in self.checks)
        return self.solution.status is Status.SOLVED and self.certificate.holds and proved and confirmed

    @cached_property
    def members(self) -> Positions:
        """Positions of the followers that take part, (m,)."""
        return np.flatnonzero(~np.isnan(self.profile.decisions))

    @cached_property
    def part(self) -> StackelbergGame:
        """The game among the followers that take part."""
        return self.game.among(self.profile)

    @cached_property
    def decisions(self) -> Array:
        """Decisions of those that take part, (m,)."""
        decisions: Array = self.profile.decisions[self.members]
        return decisions

    @cached_property
    def utilities(self) -> Array:
        """Their utilities, (m,)."""
        return self.part.follower_utilities(self.profile.price, self.decisions)

    @cached_property
    def cases(self) -> Sequence[str]:
        """Their cases, (m,)."""
        names = np.full(len(self.decisions), "interior", dtype=object)
        for name, mask in self.part.cases_at(self.profile.price, self.decisions).items():
            names[mask] = name
        return [str(name) for name in names]

    @cached_property
    def excluded(self) -> tuple[Excluded, ...]:
        """Those who cannot or do not take part."""
        leaves = f"leaves: its best utility is not positive at price {self.profile.price:.6g}"
        out = np.flatnonzero(np.isnan(self.profile.decisions))
        return self.game.excluded + tuple(Excluded(str(self.game.names[int(k)]), leaves) for k in out)

    # --- JSON ------------------------------------------------------------------------------------------------------

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        before, after = self._summary(), self._evidence()
        yield "{" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in before.items())
        yield ',\n"followers": ['
        for start in range(0, len(self.members), ROWS):
            yield (",\n " if start else "\n ") + ",\n ".join(self._rows(slice(start, start + ROWS)))
        yield (
            "],\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in after.items()) + "}\n"
        )

    def _rows(self, part: slice) -> Iterator[str]:
        """Followers, one JSON object each; by hand, since a million of them through dicts take most of a run."""
        chosen = self.members[part]
        columns = (self.decisions[part], self.utilities[part], self.certificate.regrets[1:][chosen])
        names = (json.dumps(str(self.game.names[int(k)])) for k in chosen)
        cases = {name: json.dumps(name) for name in set(self.cases[part])}
        numbers = zip(*(map(_json_number, column.tolist()) for column in columns), strict=True)
        for name, case, (decision, utility, regret) in zip(names, self.cases[part], numbers, strict=True):
            values = f'"decision": {decision}, "utility": {utility}, "case": {cases[case]}, "regret": {regret}'
            yield f'{{"name": {name}, {values}}}'

    def _summary(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "status": str(self.solution.status.name.lower()),
            "price": self.profile.price,
            "leader_utility": self.solution.stats["leader_utility"],
            "gap": finite(self.solution.stats["gap"]),
        }

    def _evidence(self) -> dict[str, Any]:
        return {
            "excluded": [{"name": e.name, "reason": e.reason} for e in self.excluded],
            "cases": [_case_json(case) for case in self.table.cases],
            "proof": [_obligation_json(obligation) for obligation in self.proof],
            "certificate": certificate_json(self.certificate),
            "stats": {
                "method": self.solution.method,
                **{name: finite(value) for name, value in self.solution.stats.items()},
                "seconds": self.seconds,
                "local_methods": {s.method: {"price": s.profiles[0].price, **s.stats} for s in self.local},
                "checks": [
                    {"solver": c.solver, "price": c.price, "deviation": finite(c.deviation), "holds": c.agrees}
                    for c in self.checks
                ],
            },
        }

    # --- tables ----------------------------------------------------------------------------------------------------

    def print(self, console: Console) -> None:
        """The case table, the proof, the equilibrium, the certificate, and what local methods say."""
        show_title(console, self.game.title or self.scenario)
        for title, table in self._tables():
            show(console, title, table)
        console.print(self._verdict())

    def _tables(self) -> Iterator[Titled]:
        yield self._case_table()
        yield self._proof_table()
        yield self._equilibrium_table()
        if self.excluded:
            yield titled("Not taking part", ("follower", "reason"), [(e.name, e.reason) for e in self.excluded[:10]])
        yield self._local_table()
        if self.checks:
            rows = [(c.solver, number(c.price), f"{c.deviation:.1e}", c.follower, mark(c.agrees)) for c in self.checks]
            yield titled(
                "Independent solver",
                ("solver", "price", "largest deviation, share of the range", "follower", "agreement"),
                rows,
            )

    def _case_table(self) -> Titled:
        rows = []
        for case in self.table.cases:
            decision = "where U' changes sign" if case.decision is None else _form(case.decision[0])
            multipliers = "\n".join(f"{name}: {_form(value)}" for name, value in case.multipliers.items())
            conditions = "\n".join(map(_form, self._readable(case))) or "always"
            rows.append((case.name, decision, multipliers, conditions))
        name = self.table.declaration.decision.name
        heads = ("active", f"{name} =", "multiplier", f"exactly when ({self._facts()})")
        return titled("A follower's KKT cases", heads, rows)

    def _readable(self, case: Case) -> list[sp.Basic]:
        """A case's conditions, those on the price solved for it if all of them are."""
        price = self.table.declaration.price
        priced = [c for c in case.conditions if price in c.free_symbols]
        solved = case.thresholds if len(case.thresholds) == len(priced) else priced
        return [*case.compatibility, *solved, *(c for c in case.conditions if c not in priced)]

    def _facts(self) -> str:
        return "given " + ", ".join(map(_form, self.table.facts)) if self.table.facts else "no further facts"

    def _proof_table(self) -> Titled:
        rows = [(o.name, _verdict(o.verdict), o.detail) for o in self.proof]
        return titled("Proof of the case table", ("obligation", "verdict", "how"), rows)

    def _equilibrium_table(self) -> Titled:
        regrets = self.certificate.regrets[1:][self.members]
        order = np.argsort(self.utilities, kind="stable")
        first = list(range(min(SHOWN, len(order))))
        worst = [int(k) for k in order[:SHOWN] if k >= len(first)]
        rows: list[tuple[str, ...]] = []
        for k in [*first, -1, *worst] if worst else first:
            if k < 0:
                rows.append(("lowest utility:", "", "", "", ""))
                continue
            shown = (self.decisions[k], self.utilities[k], regrets[k])
            rows.append((str(self.part.names[k]), *map(number, shown[:2]), self.cases[k], f"{shown[2]:.1e}"))
        title = (
            f"Equilibrium: {self.table.declaration.price.name} = {self.profile.price:.10g}, leader's utility "
            f"{self.solution.stats['leader_utility']:.10g}, {len(order)} followers ({self._shares()})"
        )
        name = self.table.declaration.decision.name
        return titled(title, ("follower", name, "utility", "case", "regret"), rows)

    def _shares(self) -> str:
        names, counts = np.unique(np.array(self.cases, dtype=object).astype(str), return_counts=True)
        return ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))

    def _local_table(self) -> Titled:
        ours = self.solution.stats["leader_utility"]
        rows = [(f"certeq, {self.solution.method}", number(self.profile.price), number(ours), "")]
        for other in self.local:
            value = other.stats["leader_utility"]
            loss = (ours - value) / max(abs(ours), 1e-300)
            better = "is better: certeq's answer is wrong" if loss < -1e-6 else "finds it too"
            remark = better if loss <= 1e-6 else f"misses it by {100 * loss:.3g} %"
            rows.append((other.method, number(other.profiles[0].price), number(value), remark))
        return titled("What a local method would have said", ("method", "price", "leader's utility", ""), rows)

    def _verdict(self) -> Text:
        stats = self.solution.stats
        bound = (
            f"Bound: with these followers, no price gives the leader more than {stats['upper_bound']:.12g} (rounding "
            f"included), relative gap {stats['gap']:.2g}: {self.solution.status.value}"
        )
        return certificate_sentence(self.certificate).append(f"\n{bound}")


def _case_json(case: Case) -> dict[str, Any]:
    return {
        "active": list(case.active),
        "decision": None if case.decision is None else str(case.decision[0]),
        "multipliers": {name: str(value) for name, value in case.multipliers.items()},
        "conditions": [str(condition) for condition in (*case.compatibility, *case.conditions)],
        "thresholds": [str(threshold) for threshold in case.thresholds],
    }


def _obligation_json(obligation: Obligation) -> dict[str, Any]:
    row: dict[str, Any] = {
        "obligation": obligation.name,
        "verdict": obligation.verdict,
        "detail": obligation.detail,
        "samples": obligation.samples,
    }
    if obligation.counterexample is not None:
        row["counterexample"] = {str(name): float(value) for name, value in obligation.counterexample.items()}
    return row


def _json_number(value: float) -> str:
    return repr(value) if math.isfinite(value) else "null"


def _form(expr: sp.Basic) -> str:
    if isinstance(expr, sp.Eq):
        return f"{_form(expr.lhs)} = {_form(expr.rhs)}"
    return str(_Printer().doprint(expr)).replace("**", "^")


class _Printer(StrPrinter):  # type: ignore[misc]  # SymPy ships no types
    """SymPy's printer, with the positive terms of a sum first: T_max - T_comm."""

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        return sorted(super()._as_ordered_terms(expr, order), key=lambda term: bool(term.could_extract_minus_sign()))

    def _print_Integer(self, expr: sp.Integer) -> str:
        return str(expr.p) if abs(expr.p) < LONG else f"{float(expr):.12g}"


def _verdict(verdict: str) -> Text:
    return Text(verdict, {"proved": "green", "sampled": "yellow"}.get(verdict, "red"))
