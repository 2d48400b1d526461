"""One game through all solvers: agreement where all are right, and a report that shows which was wrong and how."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import bimatrix_cases as cases
import numpy as np
import pytest
from rich.console import Console

from solvers.bimatrix._extreme import extreme_equilibria
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.bimatrix.backends import _pool
from solvers.core import NotSolved, Solution, Status
from verification.crosscheck import CONTENDERS, Contender, crosscheck

EXACT = ["extreme_equilibria", "gambit_enummixed", "pure_equilibria", "gambit_enumpure"]


def claims(name, *profiles, complete=False, pure=False, status=Status.SOLVED, **stats):
    """A solver that claims these profiles, whatever the game."""
    return Contender(name, lambda game, time_limit: Solution(profiles, status, name, complete, stats), pure=pure)


def floats(profile):
    """A rational profile in floats."""
    return Profile(*(np.array(strategy, dtype=float) for strategy in profile))


def sentence(checked):
    """All that is said about the comparisons."""
    return " / ".join(checked.sentences())


def printed(checked):
    """The table as text, each row one line."""
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(checked.table())
    return console.export_text()


@pytest.mark.parametrize("case", cases.SMALL, ids=str)
def test_lists_by_different_methods_are_equal_exactly(case):
    checked = crosscheck(case.game, solvers=EXACT)
    assert checked.agree, sentence(checked)
    assert checked["extreme_equilibria"].certified == checked["gambit_enummixed"].certified == case.count
    assert {(c.first, c.second) for c in checked.comparisons if not c.pure} == {
        ("extreme_equilibria", "gambit_enummixed")
    }
    assert len([c for c in checked.comparisons if c.pure]) == 5


def test_all_solvers_agree_on_a_constant_sum_game():
    checked = crosscheck(cases.MATCHING_PENNIES.game, time_limit=60)
    assert checked.agree, sentence(checked)
    assert [verdict.solver for verdict in checked.verdicts] == list(CONTENDERS)
    assert all(verdict.solution is not None for verdict in checked.verdicts)
    for verdict in checked.verdicts:
        assert verdict.certified == (0 if "pure" in verdict.solver else 1), verdict
    assert "zero_sum" in printed(checked)


def test_what_does_not_apply_is_a_row_that_says_why():
    large = BimatrixGame(np.eye(13), np.eye(13))
    checked = crosscheck(large, solvers=["lemke_howson", "zero_sum", "gambit_lp", "nashpy_vertex_enumeration"])
    assert checked["zero_sum"].status == checked["gambit_lp"].status == "not run"
    assert checked["gambit_lp"].reason == "A + B is not constant"
    assert (
        checked["nashpy_vertex_enumeration"].reason
        == "lists of all equilibria are asked for up to 24 strategies, got 26"
    )
    assert checked.agree
    assert printed(checked).count("not run") == 3


def test_a_library_that_is_not_installed_is_a_row_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(_pool._idle, "quantecon", type(_pool._idle["quantecon"])())
    monkeypatch.setitem(_pool.IMPORTED, "quantecon", "no_such_library")
    checked = crosscheck(cases.SHAPLEY.game, solvers=["quantecon_lemke_howson", "extreme_equilibria"])
    assert checked["quantecon_lemke_howson"].status == "not run"
    assert "pip install 'certeq[peers]'" in printed(checked)
    assert checked.agree


def test_a_peer_that_is_wrong_is_shown_with_its_fault():
    rng = np.random.default_rng(1)
    game = BimatrixGame(rng.random((20, 20)), rng.random((20, 20)))
    checked = crosscheck(game, solvers=["nashpy_lemke_howson", "lemke_howson"])
    assert not checked.agree
    assert checked["lemke_howson"].certified == 1
    assert (checked["nashpy_lemke_howson"].certified, checked["nashpy_lemke_howson"].rejected) == (0, 1)
    assert "returned a profile of shape (18,), (20,)" in printed(checked)
    assert "do not agree" in sentence(checked)


def test_a_peer_that_is_stopped_claims_nothing():
    rng = np.random.default_rng(1)
    game = BimatrixGame(rng.random((10, 10)), rng.random((10, 10)))
    checked = crosscheck(game, time_limit=0.5, solvers=["nashpy_lemke_howson", "pure_equilibria", "gambit_lcp"])
    assert checked["nashpy_lemke_howson"].status == "time_limit"
    assert checked["nashpy_lemke_howson"].reason == "no answer within 0.5 s"
    assert checked.agree


@pytest.mark.parametrize("form", [floats, lambda profile: profile])
def test_a_claim_that_is_no_equilibrium_is_rejected(form):
    wrong = RationalProfile(cases.VON_STENGEL.equilibria[0].row, cases.VON_STENGEL.equilibria[1].column)
    for profile in (form(wrong), form(cases.SHAPLEY.equilibria[0])):
        checked = crosscheck(cases.VON_STENGEL.game, solvers=[claims("liar", profile, complete=True), *EXACT])
        assert not checked.agree
        assert (checked["liar"].certified, checked["liar"].rejected) == (0, 1)
        assert not checked["liar"].complete
        assert checked["liar"].reason


def test_nan_is_rejected():
    profile = Profile(np.array([np.nan, 0, 1]), np.array([1.0, 0]))
    checked = crosscheck(cases.VON_STENGEL.game, solvers=[claims("nan", profile)])
    assert not checked.agree
    assert json.loads(json.dumps(checked.json(), allow_nan=False))["solvers"][0]["regret"] is None


@pytest.mark.parametrize("form", [floats, lambda profile: profile])
def test_a_list_that_lacks_one_is_told_which(form):
    known = [form(profile) for profile in cases.VON_STENGEL.equilibria]
    checked = crosscheck(cases.VON_STENGEL.game, solvers=[claims("short", *known[:2], complete=True), *EXACT])
    assert not checked.agree
    assert all(verdict.certified and not verdict.rejected for verdict in checked.verdicts)
    lacking = [c for c in checked.comparisons if not c.equal]
    assert {(c.first, c.second) for c in lacking} == {("short", "extreme_equilibria"), ("short", "gambit_enummixed")}
    assert all(c.missing_from_first == (cases.VON_STENGEL.equilibria[2],) for c in lacking)
    assert all(c.missing_from_second == () for c in lacking)
    assert "short lacks (0, 1/3, 2/3), (1/3, 2/3)" in sentence(checked)
    assert checked.json()["comparisons"][0]["missing_from_first"] == [
        {"row": ["0", "1/3", "2/3"], "column": ["1/3", "2/3"]}
    ]


def test_a_list_that_is_not_complete_is_not_compared():
    known = cases.VON_STENGEL.equilibria
    checked = crosscheck(cases.VON_STENGEL.game, solvers=[claims("some", *known[:1]), "extreme_equilibria"])
    assert checked.agree
    assert checked.comparisons == ()


def test_rationals_are_compared_exactly_and_floats_to_a_millionth():
    game = BimatrixGame(np.zeros((1, 2)), np.zeros((1, 2)))  # everything is an equilibrium

    def mixed(p):
        return Profile(np.array([1.0]), np.array([1 - p, p]))

    def pair(first, second):
        solvers = [claims("one", first, complete=True), claims("two", second, complete=True)]
        return crosscheck(game, solvers=solvers).agree

    assert pair(mixed(0.5), mixed(0.5 + 0.9e-6))
    assert not pair(mixed(0.5), mixed(0.5 + 1.1e-6))
    half, little = Fraction(1, 2), Fraction(1, 10**12)
    exact = RationalProfile((Fraction(1),), (half, half))
    beside = RationalProfile((Fraction(1),), (half - little, half + little))
    assert pair(exact, RationalProfile(*exact))
    assert not pair(exact, beside)
    assert pair(mixed(0.5), beside)


def test_pure_lists_are_compared_with_the_pure_part_of_complete_ones():
    identity = cases.IDENTITY
    checked = crosscheck(
        identity.game, solvers=[claims("two", *identity.equilibria[:2], pure=True), "extreme_equilibria"]
    )
    (comparison,) = checked.comparisons
    assert comparison.pure
    assert comparison.missing_from_first == (identity.equilibria[2],)
    assert "two lacks (0, 0, 1), (0, 0, 1)" in sentence(checked)
    nothing = claims("nothing", pure=True, status=Status.NONE_EXISTS)
    assert not crosscheck(identity.game, solvers=[nothing, "gambit_enumpure"]).agree


def test_nothing_claimed_is_not_agreement():
    assert not crosscheck(cases.SHAPLEY.game, solvers=["zero_sum"]).agree
    assert not crosscheck(cases.SHAPLEY.game, solvers=[]).agree


def test_a_solver_that_needs_what_is_missing_is_not_run():
    def missing(game, time_limit):
        raise NotSolved("needs [magic]; install it")

    checked = crosscheck(cases.SHAPLEY.game, solvers=[Contender("mine", missing)])
    assert checked["mine"].reason == "needs [magic]; install it"
    assert "needs [magic]; install it" in printed(checked)


def test_a_solver_of_ones_own_is_judged_like_any_other():
    mine = Contender("mine", lambda game, time_limit: extreme_equilibria(game))
    checked = crosscheck(cases.VON_STENGEL.game, solvers=[mine, "gambit_enummixed"])
    assert checked.agree
    assert checked["mine"].certified == 3


def test_the_report_is_plain_json():
    report = crosscheck(cases.VON_STENGEL.game, solvers=[*EXACT, "gambit_lp"]).json()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["agree"]
    assert report["strategies"] == [3, 2]
    assert [row["status"] for row in report["solvers"]] == ["solved"] * 4 + ["not run"]
    assert report["solvers"][1]["library"].startswith("pygambit ")


def test_misuse_is_refused():
    game = cases.SHAPLEY.game
    with pytest.raises(ValueError, match=r"solvers must be among lemke_howson, .*, got 'magic'"):
        crosscheck(game, solvers=["magic"])
    with pytest.raises(ValueError, match="solvers must have different names, got zero_sum, zero_sum"):
        crosscheck(game, solvers=["zero_sum", "zero_sum"])
    with pytest.raises(ValueError, match="time_limit must be positive"):
        crosscheck(game, time_limit=0.0, solvers=["gambit_lcp"])
