"""The derived KKT cases and their proofs, against the corrected paper, against the printed one, and against numbers."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from solvers.core import InvalidGame
from solvers.stackelberg import Case, CaseTable, Constraint, Declaration, Obligation, derive, prove

# The incentive game of Baccour et al. (IEEE IoT Journal 11(12), 2024): (20), (22) and (23) with log(1 + slack).
price, delta, s, W, rho, zeta, lo, hi, lo_j, hi_j, T_comm, T_max, H, H_mean, I_rep, eta = sp.symbols(
    "price delta s W rho zeta lo hi lo_j hi_j T_comm T_max H H_mean I_rep eta", positive=True
)
S = sp.Symbol("S", real=True)
kappa, gap = rho * zeta, hi_j - lo_j
INCENTIVE_FACTS = (hi_j > lo_j, T_max > T_comm)
INCENTIVES = Declaration(
    price=price,
    decisions=(delta,),
    leader_utility=eta * H * sp.log(1 + T_max - W / delta - T_comm)
    - (S + s * (delta - lo_j) / gap) * price
    - H * I_rep,
    follower_utility=(S + s * (delta - lo_j) / gap) * price + H_mean * I_rep - kappa * W * delta**2,
    constraints=(
        Constraint("deadline", W / delta + T_comm, T_max),
        Constraint("fastest", delta, hi),
        Constraint("slowest", lo, delta),
    ),
)
TABLE = derive(INCENTIVES, facts=INCENTIVE_FACTS)
CASES = {case.name: case for case in TABLE.cases}
PROOF = prove(TABLE)

# Numbers at which the printed and the derived formulas part: n = 9 followers with equal data, W = tau*c*D with
# tau*c = 100 and D = 7.2e7 bits, Table II otherwise.
N = 9
NUMBERS = {
    W: 7.2e9, s: 1 / N, rho: 1.0, zeta: 1e-28, T_max: 11.0, T_comm: 1.5, lo_j: 1e7, hi_j: 1e9, lo: 1e7, hi: 1e9,
    S: 0.75, H_mean: 1.0, I_rep: 4.0,
}  # fmt: skip
REQUIRED = 7.2e9 / 9.5


def is_zero(expr: sp.Expr) -> bool:
    return bool(sp.simplify(expr) == 0)


def at(expr: sp.Expr, **more: float) -> float:
    """A formula of the incentive game in numbers; `more` replaces some of them."""
    values = {**NUMBERS, **{symbol: more[symbol.name] for symbol in expr.free_symbols if symbol.name in more}}
    return float(expr.subs(values))


def verdicts(obligations: tuple[Obligation, ...]) -> dict[str, str]:
    return {obligation.name: obligation.verdict for obligation in obligations}


# --------------------------------------------------------------------------------- the corrected closed form


def test_incentive_game_has_the_corrected_closed_form() -> None:
    required, free = W / (T_max - T_comm), s * price / (2 * kappa * W * gap)
    expected = {"interior": free, "deadline": required, "fastest": hi, "slowest": lo}
    for name, decision in expected.items():
        (found,) = CASES[name].decision or ()
        assert is_zero(found - decision), name


def test_incentive_game_has_the_corrected_multipliers() -> None:
    def pull(at: sp.Expr) -> sp.Expr:
        return s * price / gap - 2 * kappa * W * at

    required = W / (T_max - T_comm)
    assert is_zero(CASES["deadline"].multipliers["deadline"] + pull(required) * required**2 / W)
    assert is_zero(CASES["fastest"].multipliers["fastest"] - pull(hi))
    assert is_zero(CASES["slowest"].multipliers["slowest"] + pull(lo))


def test_incentive_game_has_thresholds_in_the_price() -> None:
    required, per_unit = W / (T_max - T_comm), 2 * kappa * W * gap / s
    expected = {
        "interior": {(sp.Ge, required), (sp.Ge, lo), (sp.Le, hi)},
        "deadline": {(sp.Le, required)},
        "fastest": {(sp.Ge, hi)},
        "slowest": {(sp.Le, lo)},
    }
    for name, limits in expected.items():
        found = CASES[name].thresholds
        assert len(found) == len(limits)
        assert all(any(t.func is f and is_zero(t.rhs - x * per_unit) for t in found) for f, x in limits), name


def test_all_eight_active_sets_are_there() -> None:
    names = ("deadline", "fastest", "slowest")
    sets = [a for size in range(4) for a in itertools.combinations(names, size)]
    assert [case.active for case in TABLE.cases] == sets
    assert [len(case.compatibility) for case in TABLE.cases] == [0, 0, 0, 0, 1, 1, 1, 2]


def test_facts_hold_what_feasibility_needs() -> None:
    derived = derive(INCENTIVES, facts=(hi_j > lo_j,)).facts
    assert sp.Gt(T_max, T_comm) in derived
    assert any(is_zero((f.gts - f.lts) - (hi - W / (T_max - T_comm))) for f in derived)
    assert any(is_zero((f.gts - f.lts) - (hi - lo)) for f in derived)


def test_a_game_is_read_through_its_declaration_and_facts() -> None:
    game = SimpleNamespace(declaration=INCENTIVES, facts=INCENTIVE_FACTS)
    assert derive(game) == TABLE  # type: ignore[arg-type]


prices = st.floats(0.1, 100.0)


@given(
    price=prices,
    W=prices,
    T_max=st.floats(2, 30),
    T_comm=st.floats(0.1, 1.9),
    lo=st.floats(0.01, 5),
    up=st.floats(0, 50),
)
def test_the_case_that_holds_gives_the_clipped_decision(
    price: float, W: float, T_max: float, T_comm: float, lo: float, up: float
) -> None:
    required = W / (T_max - T_comm)
    values = {
        "price": price, "W": W, "T_max": T_max, "T_comm": T_comm, "lo": lo, "lo_j": lo, "hi_j": lo + 7.0, "s": 0.3,
        "rho": 0.02, "zeta": 1.0, "hi": max(lo, required) + up, "S": 0.1, "H_mean": 1.0, "I_rep": 1.0,
    }  # fmt: skip
    free = 0.3 * price / (2 * 0.02 * W * 7.0)
    expected = np.clip(free, max(lo, required), values["hi"])
    chosen = [case for case in TABLE.cases[:4] if all(_at(c.gts - c.lts, values) >= -1e-9 for c in case.conditions)]
    assert chosen
    for case in chosen:
        assert case.decision is not None
        assert _at(case.decision[0], values) == pytest.approx(expected, rel=1e-6)


def _at(expr: sp.Expr, values: dict[str, float]) -> float:
    return float(expr.evalf(subs={symbol: values[symbol.name] for symbol in expr.free_symbols}))


# --------------------------------------------------------------------------------- the printed paper

# The paper's competition share: sum over k of D_i/D_k where the data share D_i / sum of D_k is meant.
r = sp.Symbol("r", positive=True)
l1, l2, l3 = TABLE.multipliers
PRINTED = {
    "(26)": INCENTIVES.follower_utility + l1 * (T_comm + W / delta - T_max) + l2 * (hi - delta) + l3 * (delta - lo),
    "(27)": r * price / gap - 2 * kappa * W * delta - l1 * W / delta**2 - l2 + l3,
    "(30)": l1 * (W / delta - T_max),
    "(32)": r * price / (2 * kappa * W * gap),
    "(33)": W / (T_max - T_comm),
    "(34)": delta**2 * r * price / (W * gap) - 2 * kappa * delta**3,
    "(35)": r * price / gap - 2 * kappa * W * delta,
    "(36)": 2 * kappa * W * delta - r * price / gap,
    "(37)": r * price / gap - 2 * kappa * W * delta,
    "(38)": delta**2 * r * price / (W * gap) - 2 * kappa * delta**3,
}


def disagreement(printed: sp.Expr, derived: sp.Expr) -> sp.Expr:
    """What has to be added to the derived expression to give the printed one; 0 where the paper is right."""
    return sp.factor(sp.expand(printed - derived))


def relation_of_conditions(printed: sp.Expr, derived: sp.Rel) -> str:
    """Whether `printed >= 0` says the same as a derived condition, or the opposite."""
    sample = np.random.default_rng(1)
    ratio = sp.factor(printed / (derived.gts - derived.lts))
    signs = set()
    for _ in range(50):
        # Assumptions of the table: the larger of each pair is the smaller plus something positive.
        values = {
            x: float(v) for x, v in zip(sorted(ratio.free_symbols, key=str), sample.uniform(0.1, 9, 20), strict=False)
        }
        values |= {
            big: values[small] + 1 for big, small in ((hi_j, lo_j), (T_max, T_comm)) if {big, small} <= values.keys()
        }
        signs.add(np.sign(float(ratio.subs(values))))
    return {frozenset({1.0}): "same", frozenset({-1.0}): "opposite"}.get(frozenset(signs), "different")


def test_26_has_the_sign_of_the_deadline_multiplier_reversed() -> None:
    found = disagreement(PRINTED["(26)"], TABLE.lagrangian)
    assert is_zero(found - 2 * l1 * (W / delta + T_comm - T_max))
    # A follower that is one second late would be rewarded by its multiplier, not charged.
    late = {"delta": 7.2e9 / 10.5, "price": 5.0, "lambda_deadline": 1.0, "lambda_fastest": 0.0, "lambda_slowest": 0.0}
    free = at(INCENTIVES.follower_utility, **late)
    assert at(PRINTED["(26)"], **late) - free == pytest.approx(1.0)
    assert at(TABLE.lagrangian, **late) - free == pytest.approx(-1.0)


def test_27_has_the_wrong_share_and_the_wrong_sign_of_the_multiplier() -> None:
    found = disagreement(PRINTED["(27)"], TABLE.stationarity[0])
    assert is_zero(found - ((r - s) * price / gap - 2 * l1 * W / delta**2))
    assert is_zero(disagreement(PRINTED["(27)"].subs({r: s, l1: -l1}), TABLE.stationarity[0]))
    # Equal data: the printed sum is n where the share is 1/n, a factor of 81 among nine followers.
    data = np.full(N, 7.2e7)
    assert np.sum(data[0] / data) / (data[0] / np.sum(data)) == pytest.approx(81.0)


def test_27_at_the_derived_optimum_is_not_zero() -> None:
    deadline = CASES["deadline"]
    point = {delta: (deadline.decision or ())[0], l1: deadline.multipliers["deadline"], l2: 0, l3: 0}
    assert is_zero(TABLE.stationarity[0].subs(point))
    residual = PRINTED["(27)"].subs(r, s).subs(point)
    assert at(residual, price=5.0) == pytest.approx(-2 * 0.0423 * 7.2e9 / REQUIRED**2, rel=1e-3)


def test_30_drops_the_communication_time() -> None:
    found = disagreement(PRINTED["(30)"], l1 * INCENTIVES.constraints[0].gap)
    assert is_zero(found + l1 * T_comm)
    assert at(INCENTIVES.constraints[0].gap, delta=REQUIRED) == pytest.approx(0.0, abs=1e-12)
    assert at(PRINTED["(30)"] / l1, delta=REQUIRED) == pytest.approx(-1.5)


@pytest.mark.parametrize(("equation", "case"), [("(32)", "interior"), ("(33)", "deadline")])
def test_printed_decisions_are_right_once_the_share_is(equation: str, case: str) -> None:
    assert is_zero(disagreement(PRINTED[equation].subs(r, s), (CASES[case].decision or ())[0]))


@pytest.mark.parametrize(("equation", "case"), [("(35)", "fastest"), ("(36)", "slowest")])
def test_printed_multipliers_are_right_once_the_share_is(equation: str, case: str) -> None:
    (decision,), (multiplier,) = CASES[case].decision or (), CASES[case].multipliers.values()
    printed = PRINTED[equation].subs({r: s, delta: decision})
    assert is_zero(disagreement(printed, multiplier))
    assert relation_of_conditions(printed, CASES[case].conditions[0]) == "same"


def test_34_is_reversed() -> None:
    deadline = CASES["deadline"]
    printed = PRINTED["(34)"].subs({r: s, delta: (deadline.decision or ())[0]})
    assert is_zero(printed + deadline.multipliers["deadline"])
    assert relation_of_conditions(printed, deadline.conditions[0]) == "opposite"
    # I = 5: the deadline binds, and no printed case fires. I = 12: it does not, and two printed cases fire.
    assert at(deadline.multipliers["deadline"], price=5.0) == pytest.approx(0.0423, abs=1e-4)
    assert at(printed, price=5.0) == pytest.approx(-0.0423, abs=1e-4)
    assert at(printed, price=12.0) > 0
    free = at((CASES["interior"].decision or ())[0], price=12.0)
    assert at(INCENTIVES.follower_utility, price=12.0, delta=free) == pytest.approx(13.616, abs=1e-3)
    assert at(INCENTIVES.follower_utility, price=12.0, delta=REQUIRED) == pytest.approx(13.594, abs=1e-3)


def test_37_asks_for_more_than_is_needed() -> None:
    both = CASES["deadline + fastest"]
    assert both.conditions == ()
    assert len(both.compatibility) == 1
    tight = {"hi": REQUIRED, "price": 5.0}
    assert at(both.compatibility[0].lhs - both.compatibility[0].rhs, **tight) == pytest.approx(0.0, abs=1e-3)
    # Printed, this follower has no case; nonnegative multipliers exist all the same.
    assert at(PRINTED["(37)"].subs({r: s, delta: hi}), **tight) < 0
    assert at(both.multipliers["fastest"], **tight, lambda_deadline=1.0) > 0


def test_38_is_reversed() -> None:
    both = CASES["deadline + slowest"]
    printed = PRINTED["(38)"].subs({r: s, delta: lo})
    assert relation_of_conditions(printed, both.conditions[0]) == "opposite"
    # Printed, this follower stays at its lower limit, although its upper one is worth more to it.
    slow = {"lo": REQUIRED, "lo_j": REQUIRED, "price": 12.0, "I_rep": 0.0}
    assert at(printed, **slow) > 0
    assert at(both.conditions[0].gts - both.conditions[0].lts, **slow) < 0
    assert at(INCENTIVES.follower_utility, **slow, delta=REQUIRED) == pytest.approx(8.586, abs=1e-3)
    assert at(INCENTIVES.follower_utility, **slow, delta=1e9) == pytest.approx(9.613, abs=1e-3)


def test_the_printed_condition_34_fails_its_proof() -> None:
    deadline = CASES["deadline"]
    first, *others = deadline.conditions
    printed = replace(deadline, conditions=(sp.Ge(first.rhs, first.lhs, evaluate=False), *others))
    found = verdicts(prove(_with(TABLE, printed)))
    assert found["exhaustive"] == "failed"
    assert found["optimal: deadline"] == "failed"
    assert found["exclusive: interior / deadline"] == "failed"


# --------------------------------------------------------------------------------- proofs


def test_every_obligation_of_the_incentive_game_is_proved() -> None:
    kinds = [re.split(":", obligation.name)[0] for obligation in PROOF]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    assert counts == {"exhaustive": 1, "exclusive": 6, "feasible": 4, "optimal": 4, "concave": 1}
    assert {o.verdict for o in PROOF} == {"proved"}, [o for o in PROOF if o.verdict != "proved"]
    assert all(o.detail.startswith("Z3") and o.samples == 0 and o.counterexample is None for o in PROOF)


def test_without_its_facts_the_table_has_counterexamples() -> None:
    failed = [o for o in prove(TABLE, facts=()) if o.verdict == "failed"]
    names = {o.name for o in failed}
    assert {"feasible: deadline", "feasible: fastest"} <= names
    assert all(o.counterexample for o in failed)


def test_a_deadline_that_the_upper_limit_misses_is_found() -> None:
    facts = tuple(f for f in TABLE.facts if not (f.has(hi) and f.has(W)))
    assert len(facts) == len(TABLE.facts) - 1
    found = {o.name: o for o in prove(TABLE, facts=facts)}
    witness = found["feasible: deadline"].counterexample
    assert witness is not None
    assert witness["W"] / (witness["T_max"] - witness["T_comm"]) > witness["hi"]
    assert found["exclusive: deadline / slowest"].verdict == "proved"


WEAKENED = [(case.name, k) for case in TABLE.cases[:4] for k in range(len(case.conditions))]


@pytest.mark.parametrize(("name", "k"), WEAKENED)
def test_no_condition_is_superfluous(name: str, k: int) -> None:
    case = CASES[name]
    weaker = replace(case, conditions=case.conditions[:k] + case.conditions[k + 1 :])
    failed = [o for o in prove(_with(TABLE, weaker)) if o.verdict == "failed"]
    assert failed
    assert all(o.counterexample for o in failed)


def test_a_wrong_decision_fails() -> None:
    wrong = replace(CASES["fastest"], decision=(hi / 2,))
    assert verdicts(prove(_with(TABLE, wrong)))["optimal: fastest"] == "failed"
    too_far = replace(CASES["interior"], decision=(2 * (CASES["interior"].decision or ())[0],))
    assert verdicts(prove(_with(TABLE, too_far)))["feasible: interior"] == "failed"


def test_contradictory_facts_are_refused_because_they_prove_anything() -> None:
    with pytest.raises(InvalidGame, match="facts must be possible together"):
        prove(TABLE, facts=(hi > lo, lo > hi))


def _with(table: CaseTable, changed: Case) -> CaseTable:
    return replace(table, cases=tuple(changed if case.active == changed.active else case for case in table.cases))


# --------------------------------------------------------------------------------- other utilities

p, d, w, a, b, cap, low = sp.symbols("p d w a b cap low", positive=True)
LIMITS = (Constraint("cap", d, cap), Constraint("low", low, d))


def follower(
    utility: sp.Expr, limits: tuple[Constraint, ...] = LIMITS, decisions: tuple[sp.Symbol, ...] = (d,)
) -> Declaration:
    return Declaration(p, decisions, p * sp.Add(*decisions), utility, limits)


UTILITIES = {
    "log": (w * sp.log(1 + d) - p * d, w / p - 1),
    "log and square": (w * sp.log(d) - p * d - a * d**2, (sp.sqrt(p**2 + 8 * a * w) - p) / (4 * a)),
    "square root": (w * sp.sqrt(d) - p * d, w**2 / (4 * p**2)),
    "square root and square": (w * sp.sqrt(d) - p * d**2, (w / (4 * p)) ** sp.Rational(2, 3)),
    "exponential": (w * (1 - sp.exp(-a * d)) - p * d, sp.log(a * w / p) / a),
    "power": (w * d ** sp.Rational(3, 10) - p * d, (sp.Rational(3, 10) * w / p) ** sp.Rational(10, 7)),
    "logistic share": (w * d / (d + a) - p * d, sp.sqrt(a * w / p) - a),
    "quadratic": (p * d - a * d**2 / 2, p / a),
}
TABLES = {name: derive(follower(utility)) for name, (utility, _) in UTILITIES.items()}
SATURATING = p * d / (d + a) - b * d**3


@pytest.mark.parametrize("name", UTILITIES)
def test_interior_has_the_known_closed_form(name: str) -> None:
    (found,) = TABLES[name].cases[0].decision or ()
    values = {p: 0.7, w: 3.1, a: 0.4}
    assert float(found.subs(values)) == pytest.approx(float(UTILITIES[name][1].subs(values)), rel=1e-12)


@pytest.mark.parametrize("name", [*UTILITIES, "incentives"])
def test_multipliers_make_the_lagrangian_stationary(name: str) -> None:
    table = TABLE if name == "incentives" else TABLES[name]
    for case in table.cases:
        (decision,) = case.decision or ()
        others = {m: case.multipliers.get(m.name.removeprefix("lambda_"), 0) for m in table.multipliers}
        met = {equation.lhs: equation.rhs for equation in case.compatibility}
        residual = table.stationarity[0].subs({table.declaration.decision: decision, **others}).subs(met)
        assert is_zero(residual.subs(met)), case.name


@pytest.mark.parametrize("name", UTILITIES)
@given(data=st.data())
def test_thresholds_say_what_their_conditions_say(name: str, data: st.DataObject) -> None:
    draw = {x.name: data.draw(st.floats(0.1, 5.0), label=x.name) for x in (p, w, a, low)}
    draw["cap"] = draw["low"] + data.draw(st.floats(0.0, 5.0))
    for case in TABLES[name].cases[:3]:
        assert len(case.thresholds) == len(case.conditions)
        for condition, threshold in zip(case.conditions, case.thresholds, strict=True):
            margin = _at(threshold.gts - threshold.lts, draw)
            assume(abs(margin) > 1e-6)
            assert (_at(condition.gts - condition.lts, draw) >= 0) == (margin >= 0), (case.name, condition)


@pytest.mark.parametrize("name", UTILITIES)
def test_proofs_of_other_utilities_never_fail(name: str) -> None:
    obligations = prove(TABLES[name], samples=2000)
    assert {o.verdict for o in obligations} <= {"proved", "sampled"}
    assert all((o.samples > 0) == (o.verdict == "sampled") for o in obligations)
    if name != "exponential":
        assert {o.verdict for o in obligations} == {"proved"}


def test_what_needs_a_transcendental_is_sampled_and_not_called_proved() -> None:
    """That exp(a*cap) grows with cap is beyond Z3."""
    found = {o.name: o for o in prove(TABLES["exponential"], samples=3000)}
    apart = found["exclusive: cap / low"]
    assert apart.verdict == "sampled"
    assert apart.samples >= 3000
    assert str(apart.samples) in apart.detail
    assert "Z3" not in apart.detail
    assert found["optimal: interior"].verdict == "proved"


def test_sampling_finds_counterexamples_too() -> None:
    table = TABLES["exponential"]
    wrong = replace(table.cases[0], decision=(2 * (table.cases[0].decision or ())[0],))
    found = {o.name: o for o in prove(_with(table, wrong), samples=2000)}["feasible: interior"]
    assert found.verdict == "failed"
    assert found.detail.startswith("sampling")
    assert found.counterexample is not None
    c = found.counterexample
    decision = 2 * np.log(c["a"] * c["w"] / c["p"]) / c["a"]
    assert decision > c["cap"] or decision < c["low"]


def test_a_root_that_may_leave_the_domain_is_a_gap_that_exhaustiveness_shows() -> None:
    """With no lower limit, a positive decision has no best value where its slope is negative from the start."""
    only_cap = derive(follower(UTILITIES["exponential"][0], LIMITS[:1]))
    found = {o.name: o for o in prove(only_cap, samples=1000)}["exhaustive"]
    assert found.verdict == "failed"
    assert found.counterexample is not None
    assert found.counterexample.keys() == {"a", "cap", "p", "w"}
    assert found.counterexample["p"] > found.counterexample["a"] * found.counterexample["w"]


def test_sampling_is_reproducible() -> None:
    table = TABLES["exponential"]
    assert _evidence(table, None) == _evidence(table, np.random.default_rng(0))


def _evidence(table: CaseTable, rng: np.random.Generator | None) -> list[tuple[str, str, int]]:
    return [(o.name, o.verdict, o.samples) for o in prove(table, samples=1000, rng=rng)]


def test_an_answer_that_z3_has_no_time_for_is_not_called_proved() -> None:
    found = prove(TABLE, samples=500, timeout_ms=0)
    assert len(found) == len(PROOF)
    assert all(o.verdict == "sampled" or o.detail.startswith("Z3") for o in found)


def test_a_root_without_closed_form_is_left_to_the_signs_of_the_slope() -> None:
    table = derive(follower(SATURATING))
    interior = table.cases[0]
    assert interior.decision is None
    slope = sp.diff(SATURATING, d)
    cap_end, low_end = interior.conditions
    assert relation_of_conditions(-slope.subs(d, cap), cap_end) == "same"
    assert relation_of_conditions(slope.subs(d, low), low_end) == "same"
    assert {o.verdict for o in prove(table)} == {"proved"}


def test_a_root_between_the_ends_of_the_domain_needs_no_limits() -> None:
    (interior,) = derive(follower(SATURATING, ())).cases
    assert interior.decision is None
    assert interior.conditions == ()


def test_a_pole_between_the_limits_is_not_concave() -> None:
    """-1/(d - a)**2 bends downwards on both sides of d = a, and is not concave across it."""
    utility = -1 / (d - a) ** 2 - p * d
    found = {o.name: o for o in prove(derive(follower(utility)), samples=500)}["concave"]
    assert found.verdict == "failed"
    assert found.counterexample is not None
    assert found.counterexample["d"] == found.counterexample["a"]


def test_a_dropped_fact_is_found_for_an_implicit_root() -> None:
    found = {o.name: o for o in prove(derive(follower(SATURATING)), facts=())}
    witness = found["feasible: cap"].counterexample
    assert witness is not None
    assert witness["low"] > witness["cap"]


def test_a_decision_without_limits_has_its_sign_as_condition() -> None:
    (interior,) = derive(follower(w * sp.log(1 + d) - p * d, ())).cases
    assert [(c.gts, c.lts) for c in interior.conditions] == [(w, p)]


def test_aggregates_and_symbols_without_assumptions_are_taken_as_real() -> None:
    total, plain = sp.Function("Total")(w), sp.Symbol("plain")
    table = derive(follower(p * d * total + plain - a * d**2 / 2))
    assert (table.cases[0].decision or ())[0] == p * total / a
    assert {o.verdict for o in prove(table)} == {"proved"}


@pytest.mark.parametrize("kind", [float, np.float64, sp.Float])
def test_floats_give_the_table_of_the_fractions_that_they_are_written_as(kind: type) -> None:
    def table(bound: object, rate: object, fact: object) -> CaseTable:
        limited = follower(rate * p * d / (d + a) - b * d**3, (Constraint("low", bound, d),))
        return derive(limited, facts=(sp.Gt(a, fact),))

    exact = table(sp.Rational(1, 100), sp.Rational(5, 2), sp.Rational(3, 10))
    assert table(kind(0.01), kind(2.5), kind(0.3)) == exact
    assert exact.cases[1].decision == (sp.Rational(1, 100),)


@pytest.mark.parametrize("number", [sp.Float("0.1", 50), sp.Float("1e-400"), sp.Float("1e400")])
def test_a_float_that_is_no_double_is_refused(number: sp.Float) -> None:
    with pytest.raises(InvalidGame, match="floats must have double precision, got "):
        derive(follower(SATURATING, (Constraint("low", number, d),)))


# --------------------------------------------------------------------------------- vector decisions

x, y, z, cx, cy, cz, budget = sp.symbols("x y z c_x c_y c_z B", positive=True)
x_hi, y_hi = sp.symbols("x_hi y_hi", positive=True)
BOX = (
    Constraint("x_hi", x, x_hi),
    Constraint("x_lo", 0, x),
    Constraint("y_hi", y, y_hi),
    Constraint("y_lo", 0, y),
    Constraint("budget", x + y, budget),
)
PLANE = derive(follower(p * x + w * y - cx * x**2 / 2 - cy * y**2 / 2, BOX, (x, y)))


def test_box_and_budget_give_the_expected_cases() -> None:
    names = {case.name for case in PLANE.cases}
    assert {"interior", "x_hi", "y_hi", "budget", "x_hi + y_hi", "x_hi + budget", "y_hi + budget"} <= names
    assert "x_hi + x_lo" not in names
    (shared,) = [case for case in PLANE.cases if case.name == "budget"]
    assert is_zero(sum(shared.decision or ()) - budget)


def test_box_and_budget_are_proved() -> None:
    assert {o.verdict for o in prove(PLANE)} == {"proved"}


@given(
    st.floats(0.1, 5),
    st.floats(0.1, 5),
    st.floats(0.2, 3),
    st.floats(0.2, 3),
    st.floats(0.1, 4),
    st.floats(0.1, 4),
    st.floats(0.1, 6),
)
def test_the_vector_case_that_holds_beats_a_grid(
    p: float, w: float, c_x: float, c_y: float, x_hi: float, y_hi: float, B: float
) -> None:
    values = {"p": p, "w": w, "c_x": c_x, "c_y": c_y, "x_hi": x_hi, "y_hi": y_hi, "B": B}
    chosen = [case for case in PLANE.cases if all(_at(c.gts - c.lts, values) >= -1e-9 for c in case.conditions)]
    assert chosen
    best = [_plane(*(_at(part, values) for part in case.decision or ()), p, w, c_x, c_y) for case in chosen]
    assert max(best) - min(best) < 1e-6
    grid_x, grid_y = np.meshgrid(np.linspace(0, x_hi, 60), np.linspace(0, y_hi, 60))
    worth = np.where(grid_x + grid_y <= B, _plane(grid_x, grid_y, p, w, c_x, c_y), -np.inf)
    assert np.max(worth) <= min(best) + 1e-6


def _plane(x, y, p, w, c_x, c_y):  # type: ignore[no-untyped-def]
    return p * x + w * y - c_x * x**2 / 2 - c_y * y**2 / 2


def test_three_decisions_with_a_coupling_term() -> None:
    quality = p * x + w * y + a * z - x**2 - y**2 - z**2 + x * y / 2
    table = derive(follower(quality, (Constraint("budget", x + y + z, budget),), (x, y, z)))
    assert [case.name for case in table.cases] == ["interior", "budget"]
    (point,) = [case.decision for case in table.cases if case.name == "interior"]
    gradient = [sp.diff(quality, v).subs(dict(zip((x, y, z), point or (), strict=True))) for v in (x, y, z)]
    assert all(is_zero(slope) for slope in gradient)


# --------------------------------------------------------------------------------- LaTeX


@pytest.mark.parametrize("table", [TABLE, PLANE, derive(follower(SATURATING)), TABLES["exponential"]])
def test_latex_is_balanced_and_names_every_case(table: CaseTable) -> None:
    text = table.latex()
    opened = re.findall(r"\\begin\{(\w+\*?)\}", text)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+\*?)\}", text))
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
    bare = text.replace(r"\{", "").replace(r"\}", "")
    depths = np.cumsum([{"{": 1, "}": -1}.get(letter, 0) for letter in bare])
    assert depths[-1] == 0
    assert np.min(depths) >= 0
    rows = [line for line in text.splitlines() if line.startswith(tuple(_names(table)))]
    assert len(rows) == len(table.cases)
    assert all(row.count(" & ") == 3 and row.endswith(r"\\") for row in rows)


def _names(table: CaseTable) -> list[str]:
    return [case.name.replace("_", r"\_") + " &" for case in table.cases]


def test_latex_is_a_document_or_a_part_of_one() -> None:
    body = TABLE.latex(standalone=False)
    assert "documentclass" not in body
    assert body.strip() in TABLE.latex()
    assert re.findall(r"usepackage\{(.*?)\}", TABLE.latex()) == ["amsmath,array"]
    assert r"T_{max} - T_{comm}" in body
    assert r"\mathcal{U}" not in body


# --------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (follower(p * d), "follower utility must be strictly concave in d"),
        (follower(p * d + a * d**2), "follower utility must be strictly concave in d"),
        (follower(sp.exp(a * d) - p * d), "follower utility must be strictly concave in d"),
        (follower(p * sp.Min(d, a) - d**2), "follower utility must be smooth in d"),
        (follower(p * d - d**2, (Constraint("both", d + a / d, b),)), "constraint 'both' must limit d from one side"),
        (follower(p * d - d**2, (Constraint("idle", a, b),)), "constraint 'idle' must limit d from one side"),
        (
            follower(p * d - d**2, (Constraint("odd", sp.Symbol("u", real=True) * d, b),)),
            "constraint 'odd' must limit d",
        ),
        (follower(p * d - d**2, (*LIMITS, Constraint("cap", d, a))), "constraints must have distinct names"),
        (follower(p * d - d**2, (*LIMITS, Constraint("again", 2 * d, 2 * cap))), "constraints must differ"),
        (
            follower(p * d - d**2, (Constraint("cap", d, -a),)),
            "constraint 'cap' must limit d|must leave a feasible decision",
        ),
        (
            follower(p * d - d**2, (Constraint("cap", d, a), Constraint("low", a + b, d))),
            r"constraints \['cap', 'low'\] must leave a feasible decision",
        ),
        (
            follower(p * d - d**2, tuple(Constraint(f"c{k}", d, cap + k) for k in range(13))),
            "constraints must number at most 12, got 13",
        ),
        (follower(p * d / (d + a) + w * sp.atan(d) - b * d ** sp.Symbol("q", positive=True), ()), "largest utility"),
        (follower(x**4 - y**2, BOX, (x, y)), r"follower utility must be quadratic in \(x, y\)"),
        (follower(p * x - x**2 + y, BOX, (x, y)), r"follower utility must be strictly concave in \(x, y\)"),
        (
            follower(p * x - x**2 - y**2 + 3 * x * y, BOX, (x, y)),
            r"follower utility must be strictly concave in \(x, y\)",
        ),
        (
            follower(p * x - x**2 - y**2, (Constraint("disc", x**2 + y**2, budget),), (x, y)),
            r"constraint 'disc' must be linear in \(x, y\)",
        ),
        (
            follower(p * x - x**2 - y**2, (Constraint("gone", x + y + budget, 0),), (x, y)),
            "'gone' cannot be met",
        ),
        (follower(p * x - x**2, (), tuple(sp.symbols("k:4"))), "decisions must number 1 to 3, got 4"),
    ],
)
def test_refusals_name_the_rule(declaration: Declaration, message: str) -> None:
    with pytest.raises(InvalidGame, match=message):
        derive(declaration)


def test_a_false_fact_is_refused() -> None:
    with pytest.raises(InvalidGame, match="facts must be possible"):
        derive(INCENTIVES, facts=(sp.false,))
