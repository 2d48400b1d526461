"""`python -m verification`: its commands, cross-checks of games from files, and certificates that are checked again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from solvers.bimatrix import BimatrixGame, write_json
from verification import __main__ as main
from verification import _crosscheck_command as crosscheck
from verification import _opinions as opinions
from verification.check import _command as check
from verification.crosscheck import Verdict as SolverVerdict

ROOT = Path(__file__).parent.parent
SCENARIOS = ROOT / "solvers" / "stackelberg" / "scenarios"


def python(*arguments, code=0):
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


# --- the commands ----------------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys):
    assert main.main(["--help"]) == 0
    out = capsys.readouterr().out
    for name in main.COMMANDS:
        assert f"\n  {name} " in out


@pytest.mark.parametrize(
    ("arguments", "got"), [([], "none"), (["prove"], "'prove'"), (["x" * 99], repr("x" * 60)), (["--json"], "'--json'")]
)
def test_the_command_must_be_one_of_them(arguments, got, capsys):
    assert main.main(arguments) == 2
    err = capsys.readouterr().err
    assert err == f"error: the command must be one of properties, errata, crosscheck, check, got {got}\n"


def test_arguments_are_those_of_the_command(capsys):
    assert main.main(["errata", "--paper", "jamming", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["stands"] is True


# --- cross-checks ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stackelberg():
    return opinions.opinions(str(SCENARIOS / "two-peaks.toml"), time_limit=120)


def of(found, solver):
    return {opinion.solver: opinion for opinion in found.opinions}[solver]


def test_a_scenario_through_every_solver(stackelberg):
    assert (stackelberg.kind, stackelberg.agree) == ("Stackelberg", True)
    for name in ("solve", "interval branch and bound"):
        assert of(stackelberg, name).certified is True
    beside = of(stackelberg, opinions.CONVEX)  # a comparison, not a certificate
    assert (beside.certified, beside.failed) == (None, False)
    assert beside.certificate.startswith("decisions differ by")
    assert stackelberg.answered() == "7 of 7 solvers have an answer"
    assert "price 7.326" in of(stackelberg, "solve").answer
    stuck = of(stackelberg, "bisection")
    assert (stuck.certified, stuck.failed, stuck.local) == (False, False, True)
    assert stuck.agreement == "47.5403 below the best found"
    assert "bisection: stopped at a price that is no equilibrium" in stackelberg.sentences[0]


def test_coalitions_through_every_solver():
    found = opinions.opinions(str(ROOT / "examples" / "study-groups.json"), time_limit=60)
    assert (found.kind, found.agree) == ("hedonic", True)
    assert [opinion.certified for opinion in found.opinions] == [True] * 5
    assert "one of 4" in of(found, "every partition").answer
    none = opinions.opinions(str(ROOT / "examples" / "chase-and-flee.json"), time_limit=60)
    assert none.agree is True
    assert [opinion.answer for opinion in none.opinions].count(opinions.NOTHING) == 3
    assert of(none, "best response").answer == "cycle"


def test_two_players_through_every_solver(tmp_path):
    page, answer = tmp_path / "page.html", tmp_path / "answer.json"
    game = str(ROOT / "examples" / "von-stengel.nfg")
    assert crosscheck.main([game, "--html", str(page), "--json", str(answer)]) == 0
    document = json.loads(answer.read_text())
    assert document["agree"] is True
    rows = {row["solver"]: row for row in document["games"][0]["solvers"]}
    assert rows["extreme_equilibria"]["answer"] == "3 equilibria, all there are"
    assert rows["gambit_enummixed"]["agreement"].startswith("the same list as")
    assert rows["gambit_lp"]["answer"] == "not run: A + B is not constant"
    assert page.read_text().count("<tr>") == 1 + len(rows)


def test_a_wrong_claim_is_exit_status_1(tmp_path, capsys, monkeypatch):
    path = tmp_path / "game.json"
    write_json(BimatrixGame([[1, 0], [0, 1]], [[0, 1], [1, 0]]), path)
    real = opinions._of_verdict

    def wrong(verdict: SolverVerdict, checked):
        opinion = real(verdict, checked)
        return opinions.Opinion(opinion.solver, "1 equilibrium", "0 of 1 hold", False, failed=True)

    monkeypatch.setattr(opinions, "_of_verdict", wrong)
    monkeypatch.setattr("verification.crosscheck.CrossCheck.agree", property(lambda self: False))
    assert crosscheck.main([str(path)]) == 1
    assert "0 of 1 hold" in capsys.readouterr().out


def test_a_solver_that_takes_too_long_is_a_row(monkeypatch):
    monkeypatch.setattr("solvers.stackelberg.bisection", lambda game: __import__("time").sleep(60))
    found = opinions.opinions(str(SCENARIOS / "two-peaks.toml"), time_limit=10)
    assert of(found, "bisection").answer == "not run: no answer within 10 s"
    assert of(found, "bisection").certified is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("game.txt", "", "the file of a game must end in .nfg, .json or .toml"),
        ("game.json", "{", "the file must be JSON"),
        ("game.json", '{"kind": "chess"}', "chess"),
        ("game.json", '{"A": [[1]]}', "key `B`"),
        ("game.nfg", "NFG 2", "must"),
        ("game.toml", "title = 3", "must"),
        ("missing.toml", None, "neither a scenario file nor a bundled scenario"),
    ],
)
def test_bad_games_are_one_line_and_status_2(name, text, words, tmp_path, capsys):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert crosscheck.main([str(path)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "1e7"])
def test_the_time_limit_must_make_sense(limit, capsys):
    assert crosscheck.main(["examples/von-stengel.nfg", "--time-limit", limit]) == 2
    assert "--time-limit must be within 0 and 1e+06 seconds" in capsys.readouterr().err


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    path = tmp_path / "certificate.json"
    python("-m", "solvers.bimatrix", "examples/von-stengel.nfg", "--all", "--certificate", str(path))
    return path


def test_a_certificate_is_checked_without_any_solver(certificate):
    code = "import sys; from verification.__main__ import main; status = main(sys.argv[1:]); "
    code += (
        "print(status, sorted(m for m in sys.modules if m.split('.')[0] in ('solvers', 'models', 'numba', 'sympy')))"
    )
    done = python("-c", code, "check", str(certificate))
    assert done.stdout.splitlines()[-1] == "0 []"
    assert "3 of 3 claims proved from the file alone" in done.stdout


def test_a_changed_certificate_does_not_hold(certificate, capsys):
    document = json.loads(certificate.read_text())
    document["game"]["A"][0][0] = 2.5
    certificate.write_text(json.dumps(document))
    assert check.main([str(certificate)]) == 1
    assert "does not hold" in capsys.readouterr().out


def test_a_loose_tolerance_is_pointed_out(certificate, capsys):
    assert check.main([str(certificate)]) == 0
    assert "such a claim says little" not in capsys.readouterr().out
    document = json.loads(certificate.read_text())
    document["claims"][0]["tolerance"] = 100.0
    certificate.write_text(json.dumps(document))
    assert check.main([str(certificate)]) == 0
    assert "a tolerance is more than 1e-06 of a player's payoffs" in capsys.readouterr().out


def test_verdicts_are_json(certificate, tmp_path, capsys):
    out = tmp_path / "verdicts.json"
    assert check.main([str(certificate), str(certificate), "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert document["holds"] is True
    assert [len(each["claims"]) for each in document["certificates"]] == [3, 3]
    capsys.readouterr()
    assert check.main([str(certificate), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: P"),
        (["missing.json"], "missing.json: there must be a file, there is none"),
        (["README.md"], "README.md"),
        (["examples/stalker.json"], "format"),
        (["examples/stalker.json", "--json", "no/such/file.json"], "output must be a file in a folder"),
        (["examples/stalker.json", "--json", "examples/stalker.json"], "none of the inputs"),
    ],
)
def test_bad_certificates_are_one_line_and_status_2(arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert check.main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert re.fullmatch(r"error: .*\n", err)
