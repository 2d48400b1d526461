"""Certificates as files: written by the commands, checked again without any solver, refused where they are wrong."""

import copy
import json
import re
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, refusal
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from models.jamming.__main__ import main as jamming
from solvers.bimatrix import RationalProfile, lemke_howson
from solvers.bimatrix.__main__ import main as bimatrix
from solvers.hedonic import StabilityGame, format_json, load
from solvers.hedonic.__main__ import main as hedonic
from verification import certificate_files, certify
from verification.certificate_files import number, numbers, probabilities
from verification.check import BadCertificate, _deviations, check
from verification.check._verdict import Checked
from verification.strategies import (
    bimatrix_games,
    hedonic_games,
    partitions,
    profiles,
    rational_profiles,
    stationary_profiles,
    switching_games,
)

COMMANDS = {"bimatrix": bimatrix, "hedonic": hedonic, "jamming": jamming}
EXAMPLES = ROOT / "examples"
PERMISSIONS = ("nash", "individual", "contractual", "contractual-nash")
TABLES = ("A", "B", "row_next", "column_next", "row_costs", "column_costs")


def document(game, *claims, **more):
    """A certificate, as if it were read from a file."""
    return {"format": "certeq certificate", "version": 1, "game": game, "claims": list(claims), **more}


def kept(tmp_path, command, *arguments, status=0):
    """What a command writes with `--certificate`."""
    path = tmp_path / "kept.json"
    assert COMMANDS[command]([*map(str, arguments), "--certificate", str(path)]) == status
    return path


def verdicts(found):
    """Concept and verdict of each claim."""
    return [(verdict.concept, verdict.holds) for verdict in found.verdicts]


# --- the commands write what can be checked ---

ROUND_TRIPS = [
    ("bimatrix", ["von-stengel.nfg"], 1, {"Nash"}),
    ("bimatrix", ["von-stengel.nfg", "--all"], 3, {"Nash"}),
    ("bimatrix", ["von-stengel.nfg", "--all", "--exact", "--method", "supports"], 3, {"Nash"}),
    ("hedonic", ["study-groups.json"], 1, {"Nash-stable"}),
    ("hedonic", ["study-groups.json", "--exact"], 1, {"Nash-stable"}),
    ("hedonic", ["stalker.json", "--permission", "individual"], 1, {"individually stable"}),
    ("hedonic", ["stalker.json", "--permission", "contractual"], 1, {"contractually individually stable"}),
    ("hedonic", ["chase-and-flee.json", "--permission", "contractual"], 1, {"contractually individually stable"}),
]


@pytest.mark.parametrize(("command", "arguments", "count", "concepts"), ROUND_TRIPS)
def test_the_answers_to_the_examples_are_checked_again(tmp_path, command, arguments, count, concepts):
    path = kept(tmp_path, command, EXAMPLES / arguments[0], *arguments[1:])
    found = check(path)
    assert found.holds
    assert len(found.verdicts) == count
    assert {verdict.concept for verdict in found.verdicts} == concepts
    assert found.source["file"] == arguments[0]
    assert found.command.startswith(f"python -m solvers.{command} ")
    assert found.complete == ("supports" in arguments)
    if "--exact" in arguments and command == "bimatrix":
        assert {(verdict.residual, verdict.arithmetic) for verdict in found.verdicts} == {(0, "exact")}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--discount", "average"],
        ["--discount", "0"],
        ["--channels", "2", "--powers", "1,2", "--success", "logistic", "--discount", "0.99"],
        ["--channel-rewards", "1,5,9", "--hop", "3"],
    ],
)
def test_both_equilibria_of_a_jamming_game_are_checked_again(tmp_path, options):
    path = kept(tmp_path, "jamming", *options, "--steps", 0)
    start = time.process_time()
    found = check(path)
    assert time.process_time() - start < 5
    assert verdicts(found) == [("Markov-perfect", True), ("Nash, stage by stage", True)]
    assert {verdict.arithmetic for verdict in found.verdicts} == {"interval"}
    assert all(verdict.share == pytest.approx(1e-9) for verdict in found.verdicts)


@pytest.mark.parametrize("name", ["stalker", "chase-and-flee"])
def test_that_no_partition_is_stable_and_a_cycle_are_checked_again(tmp_path, name, capsys):
    path = kept(tmp_path, "hedonic", EXAMPLES / f"{name}.json", status=1)
    assert "no certificate" not in capsys.readouterr().err
    found = check(path)
    assert verdicts(found) == [("Nash-stable", True), ("cycle of improving switches", True)]
    assert "partitions somebody gains more" in found.verdicts[0].why


def test_the_source_is_named_with_its_hash(tmp_path):
    import hashlib

    file = EXAMPLES / "von-stengel.nfg"
    found = check(kept(tmp_path, "bimatrix", file))
    assert found.source == {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert set(found.versions) >= {"certeq", "python", "numpy"}


NOTHING = [
    ("bimatrix", [EXAMPLES / "von-stengel.nfg", "--method", "closed-form"]),
    ("hedonic", [EXAMPLES / "study-groups.json", "--max-switches", 1]),
]


@pytest.mark.parametrize(("command", "arguments"), NOTHING)
def test_without_an_answer_nothing_is_written_and_the_error_says_so(tmp_path, capsys, command, arguments):
    path = kept(tmp_path, command, *arguments, status=1)
    assert not path.exists()
    assert capsys.readouterr().err.endswith("; no certificate was written\n")


def test_without_both_equilibria_of_a_jamming_game_nothing_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("models.jamming._report.Report.stands", False)
    assert not kept(tmp_path, "jamming", "--channels", 2, "--steps", 0, status=1).exists()
    assert capsys.readouterr().err.endswith("; no certificate was written\n")


def test_a_certificate_never_replaces_the_game(tmp_path, capsys):
    game = tmp_path / "game.json"
    game.write_text('{"A": [[1]], "B": [[1]]}')
    assert "output" in refusal(capsys, bimatrix, game, "--certificate", game)
    assert json.loads(game.read_text()) == {"A": [[1]], "B": [[1]]}


# --- nothing of the solvers is needed ---

FORBIDDEN = ("solvers", "models", "numba", "scipy", "sympy")
ALONE = f"""
import sys
from verification.check import check
print(check(sys.argv[1]).holds, sorted(name for name in sys.modules if name.split('.')[0] in {FORBIDDEN!r}))
"""


@pytest.mark.parametrize(
    ("command", "arguments", "status"),
    [
        ("bimatrix", [EXAMPLES / "von-stengel.nfg", "--all"], 0),
        ("hedonic", [EXAMPLES / "study-groups.json"], 0),
        ("hedonic", [EXAMPLES / "chase-and-flee.json"], 1),
        ("jamming", ["--steps", 0], 0),
    ],
)
def test_a_check_loads_no_solver_and_no_model(tmp_path, command, arguments, status):
    path = kept(tmp_path, command, *arguments, status=status)
    call = [sys.executable, "-W", "error", "-c", ALONE, str(path)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_the_package_is_imported_without_solvers_and_its_names_are_found():
    program = f"import sys, verification; print([n for n in sys.modules if n.split('.')[0] in {FORBIDDEN!r}])"
    program += "; from verification import certify, Certificate; print(certify.__name__, Certificate.__name__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\ncertify Certificate\n"


def test_nothing_that_is_not_there_is_found_in_the_package():
    import verification

    with pytest.raises(AttributeError, match="no attribute 'certifie'"):
        _ = verification.certifie


# --- drawn games: the verdict is that of certify ---


def bimatrix_document(game, profile, tolerance):
    A, B = (numbers(matrix.rows()) for matrix in game.rational_payoffs)
    strategies = {"row": probabilities(profile.row), "column": probabilities(profile.column)}
    claim = {"concept": "Nash", "profile": strategies, "tolerance": tolerance}
    return json.loads(json.dumps(document({"kind": "bimatrix", "A": A, "B": B}, claim)))


@given(bimatrix_games().flatmap(lambda game: st.tuples(st.just(game), profiles(game.shape))), st.booleans())
def test_float_profiles_are_judged_as_certify_does(drawn, solved):
    game, profile = drawn
    if solved:
        profile = lemke_howson(game).require()
    tolerance = 1e-9 * game.magnitudes()
    certificate = certify(game, profile, tolerance=tolerance)
    (verdict,) = check(bimatrix_document(game, profile, tolerance.tolist())).verdicts
    assert verdict.holds is certificate.holds
    assert abs(verdict.residual - Fraction(certificate.residual)) <= 1e-12 * np.max(game.magnitudes())


@given(bimatrix_games().flatmap(lambda game: st.tuples(st.just(game), rational_profiles(game.shape))))
def test_rational_profiles_are_judged_exactly_as_certify_does(drawn):
    game, profile = drawn
    assert isinstance(profile, RationalProfile)
    certificate = certify(game, profile)
    (verdict,) = check(bimatrix_document(game, profile, 0)).verdicts
    assert (verdict.holds, verdict.residual) == (certificate.holds, certificate.residual)


def hedonic_document(game, partition, concept, tolerances):
    groups = [partition.members(j).tolist() for j in range(game.capacity)]
    profile = {"partition": groups, **({"out": partition.members(-1).tolist()} if game.has_out else {})}
    return document(json.loads(format_json(game)), {"concept": concept, "profile": profile, "tolerance": tolerances})


@given(hedonic_games().flatmap(lambda game: st.tuples(st.just(game), partitions(game))), st.sampled_from(PERMISSIONS))
def test_partitions_are_judged_as_certify_does(drawn, permission):
    game, partition = drawn
    wanted = StabilityGame(game, permission)
    certificate = certify(wanted, partition, tolerance=wanted.tolerances)
    (verdict,) = check(hedonic_document(game, partition, certificate.concept, wanted.tolerances.tolist())).verdicts
    assert verdict.holds is certificate.holds
    room, given = float(verdict.tolerance), certificate.tolerance  # of the player with the least, or of one of two
    share = pytest.approx(float(certificate.residual) * room, rel=1e-9, abs=1e-12 * np.max(game.magnitudes()) * room)
    assert float(verdict.residual) * given == share


@given(hedonic_games(max_players=4), st.sampled_from(PERMISSIONS[:2]))
@fewer
def test_that_none_is_stable_is_judged_as_looking_at_all_partitions_does(game, permission):
    from solvers.hedonic import enumerate_stable

    wanted = StabilityGame(game, permission)
    claim = {"concept": wanted.concept, "exists": False, "tolerance": wanted.tolerances.tolist()}
    (verdict,) = check(document(json.loads(format_json(game)), claim)).verdicts
    assert verdict.holds is not bool(enumerate_stable(game, permission).profiles)


def jamming_document(game, profile, tolerance, concept="Markov-perfect"):
    tables = {key: numbers(getattr(game, key)) for key in TABLES}
    strategies = {"row": numbers(profile.row), "column": numbers(profile.column)}
    claim = {"concept": concept, "profile": strategies, "tolerance": tolerance}
    discount = None if game.discount is None else number(game.discount)
    return document({"kind": "jamming", "discount": discount, **tables}, claim)


@given(
    switching_games(discounts=[0.0, 0.5, 0.9, None]).flatmap(
        lambda game: st.tuples(st.just(game), stationary_profiles(game))
    ),
    st.booleans(),
)
def test_stationary_profiles_are_judged_as_certify_does(drawn, solved):
    from solvers.stochastic import markov_perfect

    game, profile = drawn
    if solved:
        profile = markov_perfect(game, restarts=1, max_iterations=50).profiles[0]
    tolerance = 1e-9 * game.magnitudes()
    certificate = certify(game, profile, tolerance=tolerance)
    (verdict,) = check(jamming_document(game, profile, tolerance.tolist())).verdicts
    if verdict.holds is None:
        assert game.discount is None  # means of several classes of states are not compared
        assert not certificate.holds or verdict.residual is None
    else:
        assert verdict.holds is certificate.holds
        assert float(verdict.residual) == pytest.approx(float(certificate.residual), rel=1e-9, abs=1e-9)
    (stage,) = check(jamming_document(game, profile, tolerance.tolist(), "Nash, stage by stage")).verdicts
    assert stage.holds is certify(game.with_discount(0.0), profile, tolerance=tolerance).holds


# --- numbers that are known ---

DILEMMA = {  # in each step defecting gains 2 against a cooperator
    "kind": "jamming",
    "discount": 0.875,
    "A": [[3, 0], [5, 1]],
    "B": [[3, 5], [0, 1]],
    "row_next": [0, 0],
    "column_next": [0, 0],
    "row_costs": [[0, 0]],
    "column_costs": [[0, 0]],
}


@pytest.mark.parametrize("discount", [0, 0.875, "99999/100000", None])
@pytest.mark.parametrize(("tolerance", "holds"), [(2.0001, True), (1.9999, False)])
def test_the_gain_per_step_is_bounded_tightly_whatever_the_discount(discount, tolerance, holds):
    claim = {"concept": "Markov-perfect", "profile": {"row": [[1, 0]], "column": [[1, 0]]}, "tolerance": tolerance}
    (verdict,) = check(document({**DILEMMA, "discount": discount}, claim)).verdicts
    assert verdict.holds is holds
    assert 2 <= verdict.residual <= 2 + Fraction(1, 10**25)


BAD_CANDIDATES = {
    "_best": lambda side, discount: [0] * side.states,
    "_best_in_the_long_run": lambda side, bias: None,
    "_moved": lambda values, step: values,
    "_inverse": lambda matrix: np.zeros_like(matrix),
}


@pytest.mark.parametrize("name", BAD_CANDIDATES)
@pytest.mark.parametrize("discount", [0.875, None])
def test_a_bad_candidate_makes_the_bound_wider_and_never_wrong(monkeypatch, name, discount):
    monkeypatch.setattr(_deviations, name, BAD_CANDIDATES[name])
    claim = {"concept": "Markov-perfect", "profile": {"row": [[1, 0]], "column": [[1, 0]]}, "tolerance": 1.9999}
    (verdict,) = check(document({**DILEMMA, "discount": discount}, claim)).verdicts
    assert verdict.holds is not True
    assert verdict.residual >= 2


def test_a_game_that_is_too_large_is_left_undecided(monkeypatch):
    monkeypatch.setattr("verification.check._markov.PRODUCTS", 1)
    claim = {"concept": "Markov-perfect", "profile": {"row": [[0, 1]], "column": [[0, 1]]}, "tolerance": 0}
    found = check(document(DILEMMA, claim))
    assert verdicts(found) == [("Markov-perfect", None)]
    assert found.rows()[0][1] == "not decided"


def test_costs_that_forbid_an_action_do_not_drown_a_gain():
    game = {**DILEMMA, "row_next": [0, 1], "row_costs": [[0, 1e60], [0, 0]]}
    profile = {"row": [[1, 0], [1, 0]], "column": [[0, 1], [0, 1]]}
    (verdict,) = check(document(game, {"concept": "Markov-perfect", "profile": profile, "tolerance": 1.1})).verdicts
    # In place 1 defecting costs nothing and gains 1 a step, in place 0 nobody can.
    assert verdict.holds
    assert 1 <= verdict.residual <= 1 + Fraction(1, 10**20)


def test_means_of_several_classes_are_left_undecided():
    stay = {"row_next": [0, 1], "row_costs": [[0, 9], [9, 0]], "column_next": [0, 0], "column_costs": [[0, 0]]}
    profile = {"row": [[1, 0], [0, 1]], "column": [[1, 0], [1, 0]]}
    claim = {"concept": "Markov-perfect", "profile": profile, "tolerance": 0}
    found = check(document({**DILEMMA, **stay, "discount": None}, claim))
    assert verdicts(found) == [("Markov-perfect", None)]
    assert not found.holds
    assert "classes" in found.verdicts[0].why


def test_interval_arithmetic_does_not_pretend_that_a_tie_is_decided():
    game = json.loads(format_json(load(EXAMPLES / "chase-and-flee.json")))
    game["reputation"]["values"] = [1, 1, 0.75, 0.75]
    claim = {"concept": "Nash-stable", "profile": {"partition": [[0, 2], [1, 3]]}, "tolerance": 0}
    moved = {"concept": "Nash-stable", "profile": {"partition": [[0, 2, 3], [1]]}, "tolerance": 1e-9}
    fair = check(document(game, claim, {**claim, "tolerance": 1e-9}, moved))
    assert [verdict.holds for verdict in fair.verdicts] == [True, True, False]
    game["reputation"]["values"] = [1, 1, 1, 1]  # both coalitions of two pay alike: a move to three loses
    game["weights"] = [0, 0, 0, 0]  # and now each place is worth the same: log(1 + (e - 1)) = 1 has to be seen
    tied = check(document(game, claim, {**claim, "tolerance": 1e-30}))
    assert [verdict.holds for verdict in tied.verdicts] == [False, True]
    assert "leaves open" in tied.verdicts[0].why


def test_friends_and_enemies_are_weighed_as_their_definition_says():
    friends = [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    for kind, liking, dislike in (("friends", 3, -1), ("enemies", 1, -3)):
        for partition in ([[0, 1], [2]], [[0, 1, 2]], [[0], [1], [2]], [[0], [1, 2]], [[0, 2], [1]]):
            claim = {"concept": "Nash-stable", "profile": {"partition": partition}, "tolerance": 0}
            weights = [[0 if i == k else liking if friends[i][k] else dislike for k in range(3)] for i in range(3)]
            edges = [[i, k] for i in range(3) for k in range(3) if friends[i][k]]
            found = [
                check(document(game, claim)).verdicts[0].residual
                for game in (
                    {"kind": kind, "friends": friends},
                    {"kind": kind, "players": 3, "edges": edges},
                    {"kind": "additively-separable", "weights": weights},
                )
            ]
            assert found[0] == found[1] == found[2]


def test_numbers_are_the_float64_they_are_read_as_and_strings_are_exact():
    game = {"kind": "bimatrix", "A": [["1/10", 0.1]], "B": [[0, 0]]}
    profile = {"row": [1], "column": ["1/3", "2/3"]}
    claim = {"concept": "Nash", "profile": profile, "tolerance": 0}
    assert check(document(game, claim)).holds
    game["B"] = [["1/10", 0.1]]
    (verdict,) = check(document(game, claim)).verdicts
    assert verdict.residual == (Fraction(0.1) - Fraction(1, 10)) / 3


def test_a_rational_profile_must_add_up_exactly_and_a_float_one_nearly():
    game = {"kind": "bimatrix", "A": [[0, 0]], "B": [[0, 0]]}
    for column, holds in (
        (["1/3", "666666666666666666/1000000000000000000"], False),
        ([1 / 3, 0.6666666666666666], True),
        ([1 / 3, 0.66666667], False),
        ([1, "1/1000000000000"], False),
        ([-1e-10, 1.0], True),
        (["-1/1000", "1001/1000"], False),
    ):
        claim = {"concept": "Nash", "profile": {"row": [1], "column": column}, "tolerance": 1}
        assert check(document(game, claim)).holds is holds, column


def test_a_loose_tolerance_is_seen_as_a_share_of_the_payoffs():
    game = {"kind": "bimatrix", "A": [[0, 4]], "B": [[0, 8]]}
    claim = {"concept": "Nash", "profile": {"row": [1], "column": [1, 0]}, "tolerance": [1, 8]}
    found = check(document(game, claim))
    assert found.holds
    assert found.verdicts[0].share == 1.0
    assert found.rows()[0][Checked.HEADS.index("of payoffs")] == "1.0e+00"


def test_rows_and_json_say_the_same(tmp_path):
    found = check(kept(tmp_path, "bimatrix", EXAMPLES / "von-stengel.nfg", "--all"))
    assert {len(row) for row in found.rows()} == {len(Checked.HEADS)}
    told = json.loads(json.dumps(found.json(), allow_nan=False))
    assert told["holds"] is True
    assert [claim["concept"] for claim in told["claims"]] == [row[0] for row in found.rows()]
    assert told["seconds"] >= 0


# --- tampering ---


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A certificate of every kind, as documents."""
    folder, found = tmp_path_factory.mktemp("originals"), {}
    calls = {
        "exact": (bimatrix, [EXAMPLES / "von-stengel.nfg", "--exact", "--label", 1]),
        "bimatrix": (bimatrix, [EXAMPLES / "von-stengel.nfg", "--label", 1]),
        "hedonic": (hedonic, [EXAMPLES / "study-groups.json"]),
        "labelled": (hedonic, [EXAMPLES / "chase-and-flee.json"]),
        "jamming": (jamming, ["--channel-rewards", "9,11", "--powers", "1,2", "--steps", 0]),
    }
    for name, (command, arguments) in calls.items():
        path = folder / f"{name}.json"
        command([*map(str, arguments), "--certificate", str(path)])
        found[name] = json.loads(path.read_text(encoding="utf-8"))
        assert check(found[name]).holds
    return found


def leaves(value, where=()):
    """The place of every number and string of a document."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*where, key))
    else:
        yield where


def changed(original, where, value):
    """The document with another value at one place, or with what a function makes of the value there."""
    found = copy.deepcopy(original)
    inner = found
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value(inner[where[-1]]) if callable(value) else value
    return found


def a_bit_more(value):
    return str(Fraction(value) + Fraction(1, 10**6))


def test_no_changed_probability_passes(originals):
    for name in ("exact", "bimatrix", "jamming"):
        places = [where for where in leaves(originals[name]) if "profile" in where]
        assert len(places) >= 5
        for where in places:
            assert not check(changed(originals[name], where, a_bit_more)).holds, (name, where)


def test_no_probability_moved_from_one_action_to_another_passes(originals):
    def moved(mix):
        most = max(range(len(mix)), key=lambda k: Fraction(mix[k]))
        shifted = [Fraction(p) for p in mix]
        shifted[most] -= Fraction(1, 1000)
        shifted[most - 1] += Fraction(1, 1000)
        return list(map(str, shifted))

    for name in ("exact", "bimatrix"):
        for player in ("row", "column"):
            assert not check(changed(originals[name], ("claims", 0, "profile", player), moved)).holds
    for k in range(2):
        for player, state in (("row", 0), ("column", 3)):
            where = ("claims", k, "profile", player, state)
            assert not check(changed(originals["jamming"], where, moved)).holds


def test_no_changed_payoff_that_matters_passes(originals):
    for name in ("exact", "bimatrix"):
        profile = originals[name]["claims"][0]["profile"]
        used = [[k for k, p in enumerate(profile[key]) if Fraction(p) > 0] for key in ("row", "column")]
        assert min(map(len, used)) > 1  # one payoff more or less leaves nobody indifferent
        for key in "AB":
            for i in used[0]:
                for j in used[1]:
                    assert not check(changed(originals[name], ("game", key, i, j), a_bit_more)).holds, (name, key, i, j)
    for key in "AB":
        for i in range(4):
            more = changed(originals["jamming"], ("game", key, i, i), lambda v: v + 1e-3)
            assert not check(more).holds, (key, i)
    for where in (("discount",), ("row_costs", 0, 2), ("column_costs", 1, 0)):
        assert not check(changed(originals["jamming"], ("game", *where), lambda v: v / 2)).holds, where


def test_no_changed_partition_or_weight_that_matters_passes(originals):
    original = originals["hedonic"]
    groups = original["claims"][0]["profile"]["partition"]
    for k, group in enumerate(groups):
        for player in group:
            moved = [[i for i in other if i != player] for other in groups]
            moved[k - 1].append(player)
            assert not check(changed(original, ("claims", 0, "profile", "partition"), moved)).holds, player
    edges = original["game"].get("edges") or original["game"]["weights"]
    place = "edges" if "edges" in original["game"] else "weights"
    assert not check(changed(original, ("game", place), [[-v for v in row] for row in edges])).holds
    labelled = originals["labelled"]
    assert not check(changed(labelled, ("game", "reputation", "pay"), 0)).holds
    assert not check(changed(labelled, ("claims", 1, "switches", 0, 1), lambda j: 1 - j)).holds
    assert not check(changed(labelled, ("claims", 1, "switches"), lambda pairs: pairs[:-1])).holds
    assert not check(changed(labelled, ("claims", 1, "switches"), [])).holds
    assert not check(changed(labelled, ("claims", 0, "tolerance"), 1)).holds


def test_a_stable_partition_is_not_claimed_away(originals):
    claim = {"concept": "Nash-stable", "exists": False, "tolerance": 1e-9}
    found = check(document(originals["hedonic"]["game"], claim))
    assert verdicts(found) == [("Nash-stable", False)]
    many = {"kind": "additively-separable", "players": 12, "edges": []}
    assert verdicts(check(document(many, claim))) == [("Nash-stable", None)]


def test_a_player_where_it_may_not_be_is_no_stable_partition(originals):
    game = originals["labelled"]["game"]
    for partition in ([[1, 2], [0, 3]], [[0, 2], [1], [3]]):
        claim = {"concept": "Nash-stable", "profile": {"partition": partition}, "tolerance": 1e9}
        (verdict,) = check(document(game, claim)).verdicts
        assert verdict.holds is False
        assert verdict.infeasibility > 0


# --- what is no certificate ---

GONE = object()
WRONG = [
    (("format",), "other certificate", "format must be 'certeq certificate'"),
    (("version",), 2, "version must be 1"),
    (("version",), True, "version must be 1"),
    (("version",), GONE, "key 'version', it is missing"),
    (("more",), 1, "'more' is not a known key"),
    (("game",), GONE, "key 'game', it is missing"),
    (("game",), [1], "there must be an object, got a list of 1"),
    (("game", "kind"), "chess", "kind must be one of"),
    (("game", "kind"), ["bimatrix"], "kind must be a string"),
    (("game", "A"), GONE, "key 'A', it is missing"),
    (("game", "A", 0, 0), float("nan"), "finite"),
    (("game", "A", 0, 0), float("inf"), "finite"),
    (("game", "A", 0, 0), 10**400, "within float64, got an integer of about 401 digits"),
    (("game", "A", 0, 0), "1/0", "a number must be"),
    (("game", "A", 0, 0), "0.5", "a number must be"),
    (("game", "A", 0, 0), True, "a number must be"),
    (("game", "A", 0, 0), None, "a number must be"),
    (("game", "A", 0), [1], "must have"),
    (("game", "B"), [[1, 2]], "one shape"),
    (("game", "B"), 3, "B must be a list"),
    (("game", "C"), 3, "'C' is not a known key"),
    (("claims",), [], "claims must be"),
    (("claims",), {}, "claims must be a list"),
    (("claims", 0), None, "there must be an object"),
    (("claims", 0, "concept"), "Markov-perfect", "concept must be one of Nash"),
    (("claims", 0, "concept"), GONE, "key 'concept', it is missing"),
    (("claims", 0, "profile"), GONE, "key 'profile', it is missing"),
    (("claims", 0, "profile", "row"), ["1/2", "1/2"], "row must have 3 entries, got 2"),
    (("claims", 0, "profile", "row"), [0, 0, 0], "must not all be 0"),
    (("claims", 0, "tolerance"), GONE, "key 'tolerance', it is missing"),
    (("claims", 0, "tolerance"), -1e-9, "tolerance must be >= 0"),
    (("claims", 0, "tolerance"), [0, 0, 0], "tolerance must have 2 entries"),
    (("claims", 0, "tolerance"), "large", "a number must be"),
    (("claims", 0, "says"), "so", "'says' is not a known key"),
    (("complete",), "yes", "complete must be true or false"),
    (("source",), "here", "there must be an object"),
    (("command",), 3, "command must be a string"),
]


@pytest.mark.parametrize(("where", "value", "message"), WRONG)
def test_what_is_no_certificate_is_refused_in_one_line(originals, where, value, message):
    wrong = changed(originals["exact"], where, value)
    if value is GONE:
        inner = wrong
        for key in where[:-1]:
            inner = inner[key]
        del inner[where[-1]]
    with pytest.raises(BadCertificate, match=re.escape(message)) as refused:
        check(wrong)
    assert "\n" not in str(refused.value)


TEXTS = {
    "not JSON": ("{", "must be JSON"),
    "a list": ("[]", "there must be an object, got a list of 0"),
    "nan": ('{"format": NaN}', "finite, got NaN"),
    "infinity": ('{"format": -Infinity}', "finite, got -Infinity"),
    "double keys": ('{"format": 1, "format": 2}', "'format' stands twice"),
    "deep": ("[" * 100_000, "few brackets"),
    "long integer": ('{"format": ' + "9" * 5_000 + "}", "fewer than 4,300 digits"),
    "escapes": ('{"format": "\\u0000\\ud800"}', "format must be"),
    "empty": ("", "must be JSON"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_file_that_holds_no_certificate_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "wrong.json"
    path.write_text(text[0], encoding="utf-8")
    with pytest.raises(BadCertificate, match=r"wrong\.json") as refused:
        check(path)
    assert text[1] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for path, message in (("missing.json", "there is none"), (".", "there is none"), ("bytes.json", "UTF-8")):
        with pytest.raises(BadCertificate, match=message):
            check(tmp_path / path)
    with pytest.raises(BadCertificate, match="there is none"):
        check("a\x00b")


def test_a_number_beyond_float64_in_a_file_is_refused(tmp_path, originals):
    path = tmp_path / "large.json"
    path.write_text(json.dumps(originals["bimatrix"]).replace('"A": [[3', '"A": [[3e999'))
    with pytest.raises(BadCertificate, match="finite and within float64"):
        check(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1/3", "-2", "1/0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_whatever_stands_in_a_certificate_is_judged_or_refused(originals, data):
    original = originals[data.draw(st.sampled_from(sorted(originals)))]
    where = data.draw(st.sampled_from(sorted(leaves(original), key=str)))
    cut = data.draw(st.integers(1, len(where)))
    wrong, said = changed(original, where[:cut], lambda _: data.draw(JSON)), ""
    try:
        said = str(check(wrong).rows())
    except BadCertificate as refused:
        said = str(refused)
    assert said
    assert "\n" not in said


# --- speed ---


def test_a_large_game_is_checked_in_seconds():
    rng, n = np.random.default_rng(0), 400
    circle = rng.normal(size=n)
    A = np.array([np.roll(circle, k) for k in range(n)])
    profile = {"row": numbers(np.full(n, 1 / n)), "column": numbers(np.full(n, 1 / n))}
    claim = {"concept": "Nash", "profile": profile, "tolerance": 1e-9}
    start = time.process_time()
    found = check(document({"kind": "bimatrix", "A": numbers(A), "B": numbers(-A)}, claim))
    assert time.process_time() - start < 5
    assert found.holds
    assert 0 <= found.verdicts[0].residual < 1e-15


def test_two_hundred_players_are_checked_in_seconds():
    rng, n = np.random.default_rng(0), 200
    weights = rng.normal(size=(n, n))
    np.fill_diagonal(weights, 0)
    profile = {"partition": [[i] for i in range(n)]}
    claims = [
        {"concept": concept, "profile": profile, "tolerance": 1e-9}
        for concept in ("Nash-stable", "individually stable", "contractually individually stable")
    ]
    start = time.process_time()
    found = check(document({"kind": "additively-separable", "weights": numbers(weights)}, *claims))
    assert time.process_time() - start < 10
    assert [verdict.holds for verdict in found.verdicts] == [False, False, False]


def test_the_content_is_one_document_that_is_laid_out_in_lines(originals):
    content = certificate_files.content(originals["exact"]["game"], originals["exact"]["claims"])
    assert json.loads(content)["claims"] == originals["exact"]["claims"]
    assert max(map(len, content.decode().splitlines())) < 200
    assert Path(ROOT, "docs", "how-to", "keep-a-certificate.md").is_file()
