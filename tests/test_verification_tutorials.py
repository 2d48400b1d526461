"""The cells of the tutorials on verification that readers are told to change, the slider, and what their pages say.

Each cell is executed alone; `test_examples` executes the notebooks as a whole, with their own checks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_examples import ROOT, blocks, rendered
from test_project import script

from solvers.bimatrix.__main__ import main as bimatrix
from verification.conformance import Conformance, Fault, SolverFailed, check_bimatrix_solver
from verification.errata import examine, records

SOLVER, ERRATA = (ROOT / "examples" / f"{name}.py" for name in ("verify_your_own_solver", "errata_of_two_papers"))
REPLACED = "return zeros_allowed(A, B)\n\n\n@app.cell\ndef yours"
PAGES = [ROOT / "docs" / "tutorial" / f"{path.stem.replace('_', '-')}.md" for path in (SOLVER, ERRATA)]


def changed(path: Path, old: str, new: str, folder: Path):
    """The notebook with one line as a reader may write it."""
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1
    notebook = folder / "changed.py"
    notebook.write_text(source.replace(old, new), encoding="utf-8")
    return script(notebook)


def test_the_readers_solver_is_refuted_and_with_a_better_one_passes(tmp_path):
    found = script(SOLVER).yours.run()[1]["your_outcome"]
    assert found.fault is Fault.CRASHES
    assert min(found.game.shape) >= 2  # a player with one strategy leaves the other a pure answer
    notebook = changed(SOLVER, 'raise ValueError("no equilibrium found")\n\n\n@app.cell\ndef yours', REPLACED, tmp_path)
    shown, variables = notebook.yours.run()
    assert isinstance(variables["your_outcome"], Conformance)
    assert "passes" in rendered(shown)


def test_ties_refute_supports_that_must_be_used_whole():
    """The game that random draws seldom find: no equilibrium mixes equally many strategies on both sides."""
    notebook = script(SOLVER)
    A = [[0, 1, 2], [3, 1, 0]]
    game = notebook.BimatrixGame(A, [[-a for a in row] for row in A])
    measured = [notebook.solves_zero_sum(solver).measure for solver in (notebook.in_shares, notebook.zeros_allowed)]
    with pytest.raises(AssertionError, match="no equilibrium found"):
        measured[0](game)
    assert measured[1](game) < 1e-9


def test_the_readers_claims_are_judged_by_their_numbers(tmp_path):
    judged = script(SOLVER).your_claims.run()[1]["judged"]
    assert [verdict.holds for verdict in judged.verdicts] == [True, False]
    notebook = changed(SOLVER, '"tolerance": 0}', '"tolerance": 0.02}', tmp_path)
    assert notebook.your_claims.run()[1]["judged"].holds


def test_a_certificate_of_the_page_is_written_and_checked(tmp_path, capsys):
    commands = [line.split()[2:] for line in PAGES[0].read_text("utf-8").splitlines() if line.startswith("    python")]
    assert [command[0] for command in commands] == ["solvers.bimatrix", "verification"]
    game = tmp_path / "chicken.json"
    game.write_text('{"A": [[0, 7], [2, 6]], "B": [[0, 2], [7, 6]]}', encoding="utf-8")
    _, _, option, kept = commands[0]
    assert bimatrix([str(game), option, str(tmp_path / kept)]) == 0
    command = [sys.executable, "-m", *commands[1][:-1], str(tmp_path / commands[1][-1]), "--json", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["holds"] is True
    assert capsys.readouterr().err == ""


def test_the_file_of_the_page_is_one_that_pytest_runs(tmp_path):
    """What stands in the page is taken as it is, with a solver that is wrong in place of the reader's."""
    (code,) = blocks(PAGES[0], "text")
    (tmp_path / "my_package.py").write_text("def my_solver(A, B):\n    return A[:, 0] * 0, B[0] * 0\n", "utf-8")
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "SolverFailed: my_solver wrong: it is no profile of the game" in done.stdout


def test_the_page_refutes_the_solver_that_it_shows():
    """The page's own solver, without the doctest around it: the same fault for another seed."""
    lines = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", blocks(PAGES[0], "python")[0], re.MULTILINE)
    names: dict[str, object] = {}
    exec("\n".join(lines), names)  # noqa: S102 - a page of our own
    with pytest.raises(SolverFailed) as failed:
        check_bimatrix_solver(names["naive"], max_size=2, seed=1)
    assert failed.value.fault is Fault.WRONG


@pytest.mark.parametrize(("threshold", "defined"), [(0.5, "0.791"), (0.9, "0.958")])
def test_the_slider_of_the_threshold_says_up_to_where_the_print_is_defined(threshold, defined):
    shown, _ = script(ERRATA).the_picture.run(threshold=SimpleNamespace(value=threshold))
    assert f"up to a reputation of {defined};" in rendered(shown)


@pytest.mark.parametrize(
    ("old", "new", "stands"),
    [
        ("yours = Record(", "yours = Record(", True),
        ('at={"a": 10.0, "c": 1.0, "n": 2},', 'at={"a": 3.0, "c": 3.0, "n": 2},', False),
        ("        printed=lambda a, c, n: (a - c) / n,", "        printed=lambda a, c, n: (a - c) / (n + 1),", False),
    ],
)
def test_the_readers_record_stands_only_if_its_witness_separates(tmp_path, old, new, stands):
    shown, found = changed(ERRATA, old, new, tmp_path).your_record.run()
    assert examine(found["yours"]).stands is stands
    assert ("does not bear this out" in rendered(shown)) is not stands


@pytest.mark.parametrize("path", [ERRATA, PAGES[1]], ids=lambda path: path.suffix)
def test_the_five_records_that_are_shown_have_the_five_verdicts(path):
    asked = re.findall(r'found\("(\w+)", "([^"]+)", "([^"]+)"\)', path.read_text(encoding="utf-8"))
    known = {(r.paper, r.where, r.about): r.verdict for r in records()}
    assert [str(known[each]) for each in asked] == ["right", "wrong", "ambiguous", "unspecified", "not reproducible"]
