"""Every property holds; runs are kept, go on after a kill, and start with past failures; failures become files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from solvers._command import BadInput
from solvers.bimatrix import BimatrixGame, load, write_json
from solvers.core import NotSolved
from verification import properties as package
from verification.properties import FAMILIES, Property, attempt, properties, run
from verification.properties import _command as command
from verification.strategies import bimatrix_games

ROOT = Path(__file__).parent.parent
EVERY = properties()
EXAMPLES = min(settings.default.max_examples, 200) // 4


def made(name, measure, examples=lambda: st.integers(0, 100), **more):
    return Property(
        name=name, family="bimatrix", equation="", statement="it holds", examples=examples, measure=measure, **more
    )


# --- the properties --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_it_holds(each):
    found = attempt(each, examples=max(1, round(EXAMPLES * each.share)))
    assert found.failure is None, found.failure
    assert found.examples > 0
    assert not found.not_run
    assert found.worst <= each.tolerance


def test_there_is_a_property_for_every_number():
    names = {each.name for each in EVERY}
    assert len(names) == len(EVERY)
    for paper, last in (("gfml", 27), ("jamming", 24)):
        missing = [k for k in range(1, last + 1) if not any(re.match(rf"{paper}-{k:02}[a-z]?$", n) for n in names)]
        assert missing == []


def test_every_family_has_some_and_says_what_and_where():
    assert {each.family for each in EVERY} == set(FAMILIES) == set(command.FAMILIES)
    for each in EVERY:
        assert not each.statement.endswith(".")
        assert each.save or not each.command
        assert "FILE" in each.command or not each.command


def test_families_are_chosen_by_name():
    assert {each.family for each in properties("hedonic", "ledger")} == {"hedonic", "ledger"}
    with pytest.raises(ValueError, match=r"family must be among bimatrix, .*, got 'x'"):
        properties("x")
    with pytest.raises(ValueError, match="family must be among"):
        Property(name="a", family="x", equation="", statement="", examples=st.none, measure=float)


# --- one attempt -----------------------------------------------------------------------------------------------------


def test_a_failure_is_shrunk_and_written_where_the_command_loads_it(tmp_path):
    def save(game: BimatrixGame, path: Path) -> Path:
        write_json(game, path.with_suffix(".json"))
        return path.with_suffix(".json")

    tried = made(
        "small",
        lambda game: float(np.max(game.A)),
        lambda: bimatrix_games(kinds=["integers"]),
        tolerance=3.5,
        save=save,
        command="python -m solvers.bimatrix FILE",
    )
    found = attempt(tried, folder=tmp_path)
    assert found.failure.problem == "off by 4, more than 3.5"
    assert found.failure.command == f"python -m solvers.bimatrix {found.failure.file}"
    assert load(found.failure.file).A.tolist() == [[4.0]]
    assert (found.worst > 3.5) is True


@pytest.mark.parametrize(
    ("measure", "problem"),
    [
        (lambda n: n - 9 if n > 9 else 0, "off by 1, more than 0"),
        (lambda n: float("nan") if n > 9 else 0, "off by nan, more than 0"),
        (lambda n: [][n] if n > 9 else 0, "raised IndexError: list index out of range"),
        (lambda n: _refuse(n) if n > 9 else 0, "ten is too many"),
    ],
)
def test_every_kind_of_failure_has_the_smallest_example(measure, problem, tmp_path):
    found = attempt(made("some", measure), folder=tmp_path)
    assert found.failure.problem == problem
    assert found.failure.example == "10"
    assert problem in Path(found.failure.file).read_text()


def _refuse(n):
    raise AssertionError("ten is\ntoo many")


def test_worst_residuals_and_examples_are_counted():
    found = attempt(made("all", lambda n: n / 1000, tolerance=1))
    assert 50 <= found.examples <= 101  # of 101 different ones
    assert 0.05 < found.worst <= 0.1
    assert attempt(made("all", lambda n: n / 1000, tolerance=1)).worst == found.worst  # the same seed
    assert attempt(made("nothing", lambda n: float("nan"))).worst != found.worst


def test_an_example_that_fails_only_sometimes_is_a_failure():
    calls = []

    def measure(n):
        calls.append(n)
        return 1.0 if len(calls) == 3 else 0.0

    assert "at other times" in attempt(made("flaky", measure)).failure.problem


def test_strategies_without_examples_are_failures():
    found = attempt(made("empty", lambda n: 0.0, lambda: st.integers().filter(lambda n: False)))
    assert "Unable to satisfy" in found.failure.problem


def test_a_missing_library_is_no_failure():
    def measure(n):
        raise NotSolved("this needs a library; install certeq[thing]")

    found = attempt(made("missing", measure))
    assert (found.failure, found.not_run) == (None, "this needs a library; install certeq[thing]")


# --- runs ------------------------------------------------------------------------------------------------------------


def hang(n):
    if n > 50:
        time.sleep(100)
    return 0.0


def die(n):
    if n > 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def test_what_hangs_or_dies_is_a_verdict_and_the_others_go_on(tmp_path):
    chosen = [made("hang", hang), made("die", die), made("good", lambda n: 0.0)]
    tries = {each.of.name: each for each in run(chosen, workers=2, folder=tmp_path, patience=1.0)}
    assert tries["hang"].failure.problem == "no answer on one example within 1 s"
    assert tries["die"].failure.problem == "the process died: SIGKILL"
    assert (tries["good"].verdict, tries["good"].examples) == ("holds", 100)


def test_past_failures_come_first_and_are_forgotten_once_they_hold(tmp_path):
    first, second = made("first", lambda n: 0.0), made("second", lambda n: max(0, n - 9))
    assert [each.verdict for each in run([first, second], folder=tmp_path)] == ["holds", "fails"]
    again = run([first, second], folder=tmp_path)
    assert again[1].examples == 1  # the smallest example, at once
    mended = made("second", lambda n: 0.0)
    seen = []
    run([first, mended], folder=tmp_path, progress=lambda done, total: seen.append(done))
    assert json.loads((tmp_path / "failed.json").read_text()) == []


def test_time_that_is_over_leaves_the_rest_for_later(tmp_path):
    chosen = [made(str(k), lambda n: time.sleep(0.002) or 0.0) for k in range(8)]
    tries = run(chosen, seconds=0.3, folder=tmp_path)
    verdicts = [each.verdict for each in tries]
    assert "not tried" in verdicts
    assert "holds" in verdicts
    rest = run(chosen, folder=tmp_path)
    assert [each.verdict for each in rest] == ["holds"] * 8


def test_the_same_seed_tries_the_same_whatever_the_number_of_workers(tmp_path):
    chosen = [made(str(k), lambda n: n / 10**6, lambda: st.integers(0, 10**6), tolerance=1) for k in range(3)]
    found = [
        [(each.examples, each.worst) for each in run(chosen, seed=seed, workers=workers, folder=tmp_path / f"{k}")]
        for k, (seed, workers) in enumerate([(1, 1), (1, 2), (2, 1)])
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_strategy_that_cannot_be_made_is_told(tmp_path):
    def broken():
        raise RuntimeError("no games here")

    with pytest.raises(NotSolved, match="broken cannot be tried: RuntimeError: no games here"):
        run([made("broken", lambda n: 0.0, broken)], folder=tmp_path)


# --- the command -----------------------------------------------------------------------------------------------------


def asked(tmp_path, *arguments):
    return [sys.executable, "-m", "verification", "properties", "--store", str(tmp_path / "kept"), *arguments]


def test_a_killed_run_goes_on(tmp_path):
    options = ["--property", "gfml-20", "--property", "gfml-22b", "--examples", "1500", "--workers", "2"]
    file = tmp_path / "kept" / "batches.jsonl"
    process = subprocess.Popen(asked(tmp_path, *options), cwd=ROOT, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (file.exists() and file.read_text().count("\n") >= 3):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    kept = file.read_text().splitlines()[1:]
    assert 2 <= len(kept) < 12
    done = subprocess.run(
        asked(tmp_path, *options, "--json", "-"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    document = json.loads(done.stdout)
    assert [each["examples"] for each in document["properties"]] == [1500, 1500]
    before = sum(json.loads(line)["seconds"] for line in kept)
    assert sum(each["seconds"] for each in document["properties"]) > before > 0
    assert file.read_text() == ""  # finished: the next one starts anew


def test_a_cut_off_line_is_ignored(tmp_path):
    chosen = [made("one", lambda n: 0.0), made("two", lambda n: 0.0)]
    run(chosen, seconds=1e-9, folder=tmp_path)
    file = tmp_path / "batches.jsonl"
    file.write_text(file.read_text() + '{"batch": 0, "name": "on')
    assert [each.verdict for each in run(chosen, folder=tmp_path)] == ["holds", "holds"]


@pytest.mark.parametrize("kept", [b'{"plan": 5}\n', b'{"plan": ', b'{"plan": 5}\n\xff\xfe\n5\n'])
def test_what_others_left_in_the_folder_is_no_hindrance(kept, tmp_path):
    (tmp_path / "batches.jsonl").write_bytes(kept)
    (tmp_path / "failed.json").write_bytes(b'[[1], {"a": 2}, "one"]')
    assert [each.verdict for each in run([made("one", lambda n: 0.0)], folder=tmp_path)] == ["holds"]


def test_lines_that_make_no_sense_are_as_good_as_cut_off(tmp_path):
    chosen = [made("one", lambda n: 0.0), made("two", lambda n: 0.0)]
    run(chosen, seconds=1e-9, folder=tmp_path)
    file = tmp_path / "batches.jsonl"
    file.write_text(file.read_text() + '{"batch": 0, "name": "one"}\n5\n')
    assert [each.verdict for each in run(chosen, folder=tmp_path)] == ["holds", "holds"]


def test_a_file_of_somebody_else_is_left_alone(tmp_path):
    file = tmp_path / "batches.jsonl"
    file.write_text("not ours\n")
    with pytest.raises(BadInput, match=r"--store must be a folder of this command, got .*batches.jsonl is something"):
        run([made("one", lambda n: 0.0)], folder=tmp_path)
    assert file.read_text() == "not ours\n"


def test_the_table_the_json_and_the_page(tmp_path, capsys):
    options = ["--family", "reputation", "--examples", "10", "--workers", "1", "--store", str(tmp_path)]
    page = tmp_path / "page.html"
    assert command.main([*options, "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "gfml-20" in out
    assert re.search(r"\d+ hold; \d+ examples in .* s, seed 0", out)
    assert page.read_text().count("<tr>") == 1 + len(properties("reputation"))
    assert not re.search(r"""(src|href)=["'](?!data:)""", page.read_text())
    assert command.main([*options, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stands"] is True
    assert {each["verdict"] for each in document["properties"]} == {"holds"}


def test_a_failure_is_exit_status_1_with_the_file_and_the_example(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(package, "properties", lambda *_: (made("wrong", lambda n: max(0, n - 9)),))
    page = tmp_path / "page.html"
    assert command.main(["--store", str(tmp_path / "kept"), "--workers", "1", "--html", str(page)]) == 1
    out = capsys.readouterr().out
    assert "wrong: off by 1, more than 0" in out
    assert "failures/wrong.txt" in out
    assert "off by 1" in page.read_text()
    assert command.main(["--store", str(tmp_path / "kept"), "--workers", "1", "--json", "-"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["properties"][0]["failure"]["example"] == "10"
    assert document["properties"][0]["examples"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--examples", "0"], "--examples must be within 1 and 1,000,000,000, got 0"),
        (["--examples", "many"], "invalid int value: 'many'"),
        (["--seconds", "nan"], "--seconds must be a positive number, got nan"),
        (["--seconds", "-1"], "--seconds must be a positive number, got -1"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--workers", "0"], "--workers must be within 1 and 1,000, got 0"),
        (["--family", "chess"], "invalid choice: 'chess'"),
        (["--property", "gfml-99"], "--property must be one of"),
        (["--store", "README.md/kept", "--property", "gfml-20"], "--store must be a folder that can be written"),
        (["--html", "no/such/page.html"], "output must be a file in a folder that can be written"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert command.main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_one_run_at_a_time_has_a_folder(tmp_path):
    from verification.properties._store import Store

    with Store(tmp_path).open({}):
        done = subprocess.run(
            [sys.executable, "-m", "verification", "properties", "--property", "gfml-20", "--store", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "which another run has" in done.stderr
