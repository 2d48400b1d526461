"""Evidence for a case table: each obligation proved by Z3, sampled, or failed with a counterexample."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from solvers.core import InvalidGame
from solvers.stackelberg._cases import Case, CaseTable
from solvers.stackelberg._claims import DIGITS, Claim, Claims, Clause, Values
from solvers.stackelberg._polynomials import Polynomials
from solvers.stackelberg._sampling import Draws
from solvers.stackelberg._signs import Relation

SMALLEST = sp.Float(10, DIGITS) ** (-DIGITS // 2)  # what the re-check of a counterexample tells from 0
BATCHES = 40  # of draws, before sampling settles for what met the facts


@dataclass(frozen=True)
class Obligation:
    """One thing that must be true of a case table, and the evidence for it.

    `verdict` is "proved", "sampled" (held in `samples` drawn instances, which is not a proof), or "failed".
    """

    name: str
    verdict: str
    detail: str
    samples: int = 0
    counterexample: Mapping[str, float] | None = None


def prove(
    table: CaseTable,
    *,
    facts: tuple[Relation, ...] | None = None,
    samples: int = 20_000,
    timeout_ms: int = 5_000,
    rng: np.random.Generator | None = None,
) -> tuple[Obligation, ...]:
    """What must hold for the table to be right, each with its verdict, under its facts or those given instead.

    The base cases (no more active constraints than decisions, in general position) are exhaustive, their strict
    conditions pairwise exclusive, each one's point feasible and at least as good as every feasible point, and the
    utility strictly concave on the feasible set. Where formulas hold roots, the claims are about those parameters at
    which they are real.

    Raises
    ------
    InvalidGame
        If the facts contradict each other.

    References
    ----------
    Jovanović and de Moura, Solving Non-linear Arithmetic, IJCAR 2012: the decision procedure.

    Examples
    --------
    >>> import sympy as sp
    >>> from solvers.stackelberg import Constraint, Declaration, derive, prove
    >>> d, p, w, cap = sp.symbols("d p w cap", positive=True)
    >>> game = Declaration(p, (d,), p * d, w * sp.log(d) - p * d, (Constraint("cap", d, cap),))
    >>> for obligation in prove(derive(game)):
    ...     print(obligation.name, "-", obligation.verdict)
    exhaustive - proved
    exclusive: interior / cap - proved
    feasible: interior - proved
    feasible: cap - proved
    optimal: interior - proved
    optimal: cap - proved
    concave - proved
    """
    known = tuple(f for f in (table.facts if facts is None else facts) if f != sp.true)
    rng = np.random.default_rng(0) if rng is None else rng
    judge = _Judge(table, known, samples, timeout_ms, rng)
    claims = Claims(table)
    judge.require_consistent()
    concave = judge.settle(claims.concave())
    partition = [judge.settle(claim) for claim in (claims.exhaustive(), *claims.exclusive())]
    feasible = [_feasible(judge, claims, case) for case in claims.base]
    optimal = [_optimal(judge, claims, case, concave) for case in claims.base]
    return (*partition, *feasible, *optimal, concave)


def _feasible(judge: _Judge, claims: Claims, case: Case) -> Obligation:
    """The formula against the limits; for a root of U' with radicals or logarithms first by where U' changes sign."""
    if claims.is_root_of_slope(case) and not all(map(claims.is_rational, case.decision or ())):
        falling, crossing = (judge.by_proof(claim) for claim in (claims.falling(case), claims.sign_change(case)))
        if falling and crossing and falling.verdict == crossing.verdict == "proved":
            reason = "U' falls, is 0 at d* and changes sign between the limits"
            return replace(crossing, detail=f"{reason}: {crossing.detail}")
    return judge.settle(claims.feasible(case))


def _optimal(judge: _Judge, claims: Claims, case: Case, concave: Obligation) -> Obligation:
    """Payoff against payoff where Z3 can; else first-order optimality, which suffices for a concave utility."""
    if case.decision is None:
        detail = f"U' = 0 there and U is concave: {concave.detail}"
        return replace(concave, name=f"optimal: {case.name}", detail=detail)
    direct, first_order = claims.optimal(case), claims.variational(case) if concave.verdict == "proved" else None
    attempts = [claim for claim in (direct, first_order) if claim is not None]
    for claim in attempts if claims.is_rational(claims.utility) else attempts[::-1]:
        found = judge.by_proof(claim)
        if found is not None and (found.verdict == "proved" or claim is direct):
            reason = "" if claim is direct else "U'(d*) (d - d*) <= 0 and U is concave: "
            return replace(found, detail=reason + found.detail)
    return judge.by_sampling(direct)


class _Judge:
    """Settles claims under fixed facts: by Z3, and where that gives no answer by sampling."""

    def __init__(
        self, table: CaseTable, facts: tuple[Relation, ...], samples: int, timeout_ms: int, rng: np.random.Generator
    ) -> None:
        self.facts = facts
        self.samples = samples
        self.polynomials = Polynomials(timeout_ms)
        self.draws = Draws(table, facts, rng)

    def require_consistent(self) -> None:
        answer, _ = self.polynomials.search(self.facts, ())
        if answer == "unsat":
            raise InvalidGame(f"facts must be possible together, got {', '.join(map(str, self.facts))}")

    def settle(self, claim: Claim) -> Obligation:
        return self.by_proof(claim) or self.by_sampling(claim)

    def by_proof(self, claim: Claim) -> Obligation | None:
        """Z3's verdict, None where it has none that can be relied on."""
        start, open_question = time.perf_counter(), False
        for way in claim.ways:
            answer, values = self.polynomials.search((*self.facts, *claim.given), way)
            if values is not None and self._refutes(claim, way, values):
                return _failed(claim, "Z3", way, values)
            open_question |= answer != "unsat"
        if open_question:
            return None
        return Obligation(claim.name, "proved", f"Z3, {time.perf_counter() - start:.2f} s")

    def by_sampling(self, claim: Claim) -> Obligation:
        met = 0
        for _ in range(BATCHES):
            columns, suspects, count = self.draws.batch(claim, self.samples - met)
            for index, way in suspects:
                values = {symbol: sp.Rational(float(column[index])) for symbol, column in columns.items()}
                if self._refutes(claim, way, values):
                    return _failed(claim, "sampling", way, values)
            met += count
            if met >= self.samples:
                break
        if not met:
            return Obligation(claim.name, "failed", "nothing checked: no draw meets the facts and conditions")
        return Obligation(claim.name, "sampled", f"{met} samples", samples=met)

    def _refutes(self, claim: Claim, way: Sequence[Clause], values: Values) -> bool:
        """Whether these exact values do refute the claim, judged without Z3 and without floats of machine precision."""
        signs = (_sign_holds(symbol, value) for symbol, value in values.items())
        given = (_holds(relation, values) for relation in (*self.facts, *claim.given))
        clauses = (any(_holds(r, values) is wanted for r, wanted in clause) for clause in way)
        return all(itertools.chain(signs, given, clauses))


def _failed(claim: Claim, source: str, way: Sequence[Clause], values: Values) -> Obligation:
    used = {s for r in claim.given for s in r.free_symbols} | {s for c in way for r, _ in c for s in r.free_symbols}
    shown = {str(s): float(v) for s, v in sorted(values.items(), key=lambda item: str(item[0])) if s in used}
    text = ", ".join(f"{name} = {value:.6g}" for name, value in shown.items())
    return Obligation(claim.name, "failed", f"{source}: {text}", counterexample=shown)


def _sign_holds(symbol: sp.Symbol, value: sp.Rational) -> bool:
    if symbol.is_nonnegative:
        return bool(value > 0 if symbol.is_positive else value >= 0)
    return bool(value <= 0) if symbol.is_nonpositive else True


def _holds(relation: Relation, values: Values) -> bool:
    """Whether a relation holds at these values, exactly where it is rational; an undefined one does not."""
    difference = relation.lhs - relation.rhs
    if difference.is_rational_function(*difference.free_symbols):
        value = difference.subs(values)
    else:
        precise = {symbol: sp.Float(number, 2 * DIGITS) for symbol, number in values.items()}
        value = difference.evalf(DIGITS, subs=precise, maxn=4 * DIGITS)
        value = sp.S.Zero if value.is_comparable and abs(value) < SMALLEST else value
    return bool(value.is_comparable and value.is_finite and relation.func(value, 0))
