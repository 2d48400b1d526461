"""`python -m solvers.stackelberg`: what it prints, writes and refuses."""

import json
import shutil
from pathlib import Path

import pytest
from commands import into_a_closed_pipe, refusal, started

import solvers.stackelberg
from solvers.core import Solution, Status
from solvers.stackelberg import Profile
from solvers.stackelberg.__main__ import main

SCENARIOS = Path(solvers.stackelberg.__file__).with_name("scenarios")
PROMISED = {
    "scenario", "status", "price", "leader_utility", "gap", "followers", "excluded", "cases", "proof", "certificate",
    "stats",
}  # fmt: skip


def command(*arguments):
    """A process of its own, as a user starts it."""
    return started("solvers.stackelberg", *arguments)


@pytest.fixture
def scenario(tmp_path):
    """A copy of two-peaks to edit: (path of the TOML, path of the CSV)."""
    for name in ("two-peaks.toml", "two-peaks.csv"):
        shutil.copy(SCENARIOS / name, tmp_path)
    return tmp_path / "two-peaks.toml", tmp_path / "two-peaks.csv"


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def refused(capsys, *arguments):
    """The one error line of a refused call."""
    return refusal(capsys, main, *arguments)


def test_the_default_prints_cases_proof_equilibrium_certificate_and_rivals():
    done = command()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for part in (
        "KKT cases",
        "proved",
        "Equilibrium: I = 13.19",
        "lowest utility",
        "Certificate (Stackelberg)",
        "bisection",
    ):
        assert part in done.stdout
    assert "failed" not in done.stdout


def test_json_follows_the_contract(capsys):
    assert main(["two-peaks", "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == PROMISED
    assert answer["scenario"] == "two-peaks"
    assert answer["status"] == "solved"
    assert answer["price"] == pytest.approx(7.326, abs=1e-9)
    assert answer["gap"] <= 1e-9
    assert set(answer["certificate"]) == {"concept", "residual", "tolerance", "holds"}
    assert answer["certificate"]["holds"] is True
    assert all(set(f) == {"name", "decision", "utility", "case", "regret"} for f in answer["followers"])
    assert {"active", "decision", "multipliers", "conditions"} <= set(answer["cases"][0])
    assert {row["verdict"] for row in answer["proof"]} == {"proved"}


def test_files_are_written_whole(tmp_path):
    outputs = [tmp_path / name for name in ("a.json", "a.tex", "a.png")]
    assert main(["two-peaks", "--json", str(outputs[0]), "--latex", str(outputs[1]), "--plot", str(outputs[2])]) == 0
    assert json.loads(outputs[0].read_text())["status"] == "solved"
    assert outputs[1].read_text().startswith("\\documentclass")
    assert outputs[2].read_bytes().startswith(b"\x89PNG")
    assert sorted(tmp_path.iterdir()) == sorted(outputs)


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_other_picture_formats(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert main(["two-peaks", "--plot", str(path)]) == 0
    assert path.stat().st_size > 1000


def test_set_changes_a_parameter(capsys):
    assert main(["two-peaks", "--set", "eta=3.0", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["price"] == pytest.approx(5.0)


def test_cvxpy_agrees(capsys):
    assert main(["two-peaks", "--check", "cvxpy", "--json", "-"]) == 0
    checks = json.loads(capsys.readouterr().out)["stats"]["checks"]
    assert len(checks) == 3
    assert all(check["holds"] for check in checks)


def test_other_followers(scenario, capsys):
    _, csv = scenario
    csv.write_text("\n".join(csv.read_text().splitlines()[:3]) + "\n")
    assert main(["two-peaks", "--followers", str(csv), "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["followers"]) == 2


def test_infeasible_followers_are_named(scenario, capsys):
    toml, csv = scenario
    header, first, *rest = csv.read_text().splitlines()
    slow = first.split(",")
    slow[header.split(",").index("T_comm")] = "25"
    csv.write_text("\n".join([header, ",".join(slow), *rest]) + "\n")
    assert main([str(toml), "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (gone,) = answer["excluded"]
    assert gone["name"] == slow[0]
    assert "infeasible" in gone["reason"]
    assert len(answer["followers"]) == 2


def test_a_wrong_answer_is_not_certified(monkeypatch, capsys):
    """A solver that claims the local optimum of the counterexample to Proposition 3 gets exit status 1."""
    from solvers.stackelberg import _solve

    def wrong(game, *, tolerance=1e-9):
        profile = Profile(5.8148, game.best_response(5.8148))
        stats = {"leader_utility": game.leader_utility(5.8148), "gap": 0.0, "upper_bound": 30.9, "passes": 0.0}
        return Solution((profile,), Status.SOLVED, "guess", stats=stats)

    monkeypatch.setattr(_solve, "solve", wrong)
    assert main(["two-peaks"]) == 1
    assert "does not hold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nowhere.toml"], "neither a scenario file nor a bundled scenario"),
        (["log-literal"], "needs a positive argument, got 0 for follower 'bob' at price 5, where deadline binds"),
        (["two-peaks", "--set", "eta"], "--set must be NAME=VALUE"),
        (["two-peaks", "--set", "eta=many"], "--set must be NAME=VALUE"),
        (["two-peaks", "--set", "etta=3"], "`etta` is not a parameter of two-peaks.toml; did you mean"),
        (["two-peaks", "--set", "eta=nan"], "finite"),
        (["two-peaks", "--followers", "nowhere.csv"], "nowhere.csv"),
        (["two-peaks", "--plot", "picture.gif"], "--plot must end in"),
        (["two-peaks", "--json", "no/such/folder/a.json"], "output must be a file in a folder that can be written"),
        (["two-peaks", "--check", "slow"], "invalid choice"),
        (["two-peaks", "more"], "unrecognized arguments"),
    ],
)
def test_bad_calls_get_one_line(capsys, arguments, part):
    assert part in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("rho*zeta*W*delta**2", "__import__('os').system('true')", "[follower] utility"),
        ("rho*zeta*W*delta**2", "rho.real", "[follower] utility"),
        ("rho*zeta*W*delta**2", "10**10**10", "[follower] utility"),
        ("rho*zeta*W*delta**2", "(" * 10_000 + "W" + ")" * 10_000, "[follower] utility"),
        ("rho*zeta*W*delta**2", "rho*zeta*W*delta", "strictly concave"),
        ("- rho*zeta*W*delta**2", "+ rho*zeta*W*delta**2", "strictly concave"),
        ("bounds = [5.0, 15.0]", "bounds = [15.0, 5.0]", "low must be below high"),
        ("bounds = [5.0, 15.0]", "bounds = [5.0, inf]", "finite"),
        ('utility = "eta*H*log', 'utility = "etta*H*log', "etta"),
    ],
)
def test_bad_scenarios_get_one_line(scenario, capsys, old, new, part):
    toml, _ = scenario
    edit(toml, old, new)
    assert part in refused(capsys, toml)


def test_an_unbounded_problem_is_refused(tmp_path, capsys):
    toml = tmp_path / "unbounded.toml"
    toml.write_text(
        '[leader]\ndecision = "p"\nbounds = [1.0, 2.0]\nutility = "-p*x"\n[follower]\ndecision = "x"\n'
        'utility = "w*log(1 + x)"\n[follower.constraints]\nnone = "x >= 0"\n[followers]\ntable = "f.csv"\n'
    )
    (tmp_path / "f.csv").write_text("name,w\na,1\n")
    assert "unbounded" in refused(capsys, toml)


def test_nothing_is_written_after_an_error(scenario, capsys):
    toml, csv = scenario
    csv.write_text(csv.read_text().replace("0.8", "x"))
    target = toml.parent / "answer.json"
    assert "row" in refused(capsys, toml, "--json", target)
    assert sorted(p.name for p in toml.parent.iterdir()) == ["two-peaks.csv", "two-peaks.toml"]


def test_outputs_spare_inputs_one_another_and_devices(scenario, capsys):
    toml, csv = scenario
    link = toml.parent / "link"
    link.symlink_to(csv)
    for arguments in (
        [toml, "--json", toml],
        [toml, "--followers", csv, "--json", csv],
        [toml, "--json", toml.parent / "a.svg", "--plot", toml.parent / "a.svg"],
        [toml, "--json", link],
        [toml, "--json", "/dev/null"],
    ):
        assert "output must be a file" in refused(capsys, *arguments)


def test_titles_and_names_are_text_and_nothing_else(scenario):
    toml, csv = scenario
    edit(toml, "Three learners, two local maxima", r"[/x] :heart:")
    first = csv.read_text().splitlines()[1].split(",")[0]
    edit(csv, f"{first},", "[/bold] [red]:a:,")
    done = command(toml)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[/x] :heart:\n")
    assert "[/bold] [red]:a:" in done.stdout


def test_help_is_quick_and_lists_the_scenarios():
    done = command("--help")
    assert done.returncode == 0
    assert "two-peaks" in done.stdout


def test_a_closed_pipe_is_not_a_traceback():
    assert "Traceback" not in into_a_closed_pipe("solvers.stackelberg", "two-peaks", "--json", "-").stderr


def test_optional_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "certeq[plot]" in refused(capsys, "two-peaks", "--plot", "a.png")
