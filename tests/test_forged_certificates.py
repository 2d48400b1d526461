"""Certificates that claim what is not so, made to slip through the check: none of them holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.check import check
from verification.check._expressions import parse
from verification.check._intervals import Interval, thin
from verification.check._jets import BEND, DECISION, Function


def document(game, claim):
    return {"format": "certeq certificate", "version": 1, "game": game, "claims": [claim]}


def stackelberg(utility, price, decision, *, leader="-p", limits=None, bounds=(0.5, 4.0), tolerance=1e-9):
    """What becomes of the claim that one follower's decision and the leader's price are an equilibrium."""
    game = {
        "kind": "stackelberg",
        "price": "p",
        "decision": "x",
        "bounds": list(bounds),
        "leader_utility": leader,
        "follower_utility": utility,
        "constraints": {text: text for text in limits or ()},
        "parameters": {},
        "columns": {},
        "names": ["a"],
    }
    claim = {"concept": "Stackelberg", "profile": {"price": price, "decisions": [decision]}, "tolerance": tolerance}
    (verdict,) = check(document(game, claim)).verdicts
    return verdict


FAR_BETTER = {  # utility, what is claimed of the decision, limits, what a better decision gains at least
    "a root": ("sqrt(x - 1/3) - 0.1*x", 100.0, ("x <= 100",), 2.48),
    "a root that the price moves": ("0.5*sqrt(x + p - 1.5) + (0.5 - x)**3", 1.6, ("exp(x) <= 5", "x >= 0"), 0.8),
    "a logarithm": ("log(x - 1/3) - 0.1*x", 100.0, ("x <= 100",), 5.0),
    "one over a root": ("1/(1 + sqrt(x - 1/3))", 3.0, ("x <= 3",), 0.62),
    "a pole of a root": ("(x - 1/3)**(-0.5)", 3.0, ("x <= 3",), 1e6),
    "a pole of a root at 0": ("x**(-0.5)", 3.0, ("x <= 3",), 1e6),
    "a limit of a root": ("-(x - 2)**2", 0.0, ("x >= -50", "x <= 50", "1/(1 + sqrt(x)) >= 0.5"), 3.0),
}


@pytest.mark.parametrize("case", FAR_BETTER.values(), ids=FAR_BETTER)
def test_a_better_decision_is_not_hidden_where_utilities_or_limits_end(case):
    utility, decision, limits, gain = case
    verdict = stackelberg(utility, 0.5, decision, limits=limits)
    assert verdict.holds is False
    assert "may gain" in verdict.why
    assert verdict.residual is None or verdict.residual >= gain


@pytest.mark.parametrize("utility", ["-1e-310*x", "-1e-305*x - 1e-320*log(1 + x*x)"])
def test_a_utility_that_rises_for_ever_is_no_equilibrium_however_slowly(utility):
    verdict = stackelberg(utility, 0.5, 0.0, limits=("x <= 2",), tolerance=1e-4)
    assert verdict.holds is False
    assert "without bound" in verdict.why


@pytest.mark.parametrize(
    ("utility", "decision", "limits"),
    [
        ("sqrt(x - 1/3) - 0.1*x", 25 + 1 / 3, ("x <= 100",)),
        ("log(x - 1/3) - 0.1*x", 10 + 1 / 3, ("x <= 100",)),
        ("log(x) - p*x", 2.0, ()),
        ("2*sqrt(x) - p*x", 4.0, ()),
        ("log(x - p) - x", 1.5, ()),
        ("2*log(1 + x) - p*x", 3.0, ("x >= 0", "x <= 3", "p <= 10")),
        ("log(1 + x) - 0.5*x", 1.0, ("x >= 0", "x <= 3")),
    ],
)
def test_the_best_decision_is_found_beside_where_utilities_end(utility, decision, limits):
    verdict = stackelberg(utility, 0.5, decision, limits=limits)
    assert verdict.holds is True, verdict.why


def test_a_root_of_the_leader_s_is_no_place_to_hide_either():
    for leader, claimed, best in (
        ("1/(1 + sqrt(p - 1/3))", 3.0, 0.334),
        ("sqrt(p - 1/3) - 0.1*p", 100.0, 25 + 1 / 3),
    ):
        found = stackelberg("-(x - 1)**2", claimed, 1.0, leader=leader, limits=("x <= 3",), bounds=(0, 100))
        assert found.holds is False
        loose = stackelberg("-(x - 1)**2", best, 1.0, leader=leader, limits=("x <= 3",), bounds=(0, 100), tolerance=0.1)
        assert loose.holds is True, loose.why


def test_limits_beyond_all_bounds_are_followed():
    verdict = stackelberg("-(x - 1)**2", 0.0, 1.0, leader="x", limits=("x >= 1e120*p",), bounds=(0, 1))
    assert verdict.holds is False
    better = float(verdict.residual)
    assert better > 1e119


def test_two_pieces_beside_a_pole_are_not_one_concave_piece():
    function = Function(parse("-x**(-2)", {"x", "p"}, where="u"), {}, "p", "x")
    for low, high, concave in ((0.0, 1.0, False), (-1.0, 0.0, False), (-1.0, 1.0, False), (0.5, 1.0, True)):
        cells = Interval(np.array([low]), np.array([high]))
        with np.errstate(all="ignore"):
            bend = function(thin(1.0), cells, DECISION | BEND).dd
        assert bool(bend.high[0] < 0) is concave


def test_a_probability_in_floats_excuses_no_rational_one():
    game = {"kind": "bimatrix", "A": [[0], [0]], "B": [[0], [0]]}
    for row, column, holds in (
        (["1/2", "5000000001/10000000000"], [1.0], False),
        (["1/2", "1/2"], [1.0000000001], True),
        ([0.5, 0.5000000001], [1], True),
    ):
        claim = {"concept": "Nash", "profile": {"row": row, "column": column}, "tolerance": 0}
        assert check(document(game, claim)).holds is holds


@given(st.floats(0.05, 0.5), st.floats(-2, 2), st.floats(-1.5, 60))
def test_what_a_root_s_owner_gains_is_never_less_than_it_is(slope, edge, above):
    """sqrt(x - edge) - slope x has its maximum 1/(4 slope) - slope edge at edge + 1/(4 slope^2)."""
    decision = edge + max(above, 1e-3)
    text = f"sqrt(x - ({edge!r})) - {slope!r}*x"
    verdict = stackelberg(text, 0.5, decision, limits=("x <= 200",), tolerance=1e-6)
    gain = 1 / (4 * slope) - slope * edge - (np.sqrt(decision - edge) - slope * decision)
    assert verdict.holds is not (gain > 1e-6) or abs(gain - 1e-6) < 1e-6
    assert verdict.holds or verdict.residual >= gain * (1 - 1e-6) - 1e-9
