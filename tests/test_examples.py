"""Every worked example: it runs as a script, passes its own checks, and says what it claims to say."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_project import script

from solvers.stackelberg import load, solve
from verification import certify

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.py"))
TUTORIAL = ROOT / "examples" / "stackelberg_kkt.py"


def outcome(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What a fresh Python says to `arguments`, from a directory other than the examples' own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")


def rendered(output: object) -> str:
    """The text of a cell's output."""
    return str(getattr(output, "text", ""))


@pytest.fixture(scope="module")
def tutorial():
    """What the tutorial shows, as one text, and its variables."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        outputs, variables = script(TUTORIAL).app.run()
    return "\n".join([*map(rendered, outputs), printed.getvalue()]), variables


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_runs_as_a_script(path):
    done = outcome(str(path))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_marimo_finds_nothing_to_object_to(path):
    done = outcome("-m", "marimo", "check", "--strict", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_tutorial():
    assert TUTORIAL in NOTEBOOKS


def test_solve_is_certified_and_bisection_refused(tutorial):
    shown, found = tutorial
    assert f"solve:     price 7.3260; {found['certificate']}" in shown
    assert f"bisection: price 5.8148; {found['refused']}" in shown
    assert found["certificate"].holds
    assert found["best"].price == pytest.approx(7.326, abs=1e-9)
    assert found["claims"]["solve"].stats["leader_utility"] == pytest.approx(78.4721108, abs=1e-6)
    assert not found["refused"].holds
    assert found["stuck"].price == pytest.approx(5.8147733, abs=1e-6)
    assert found["claims"]["bisection"].stats["leader_utility"] == pytest.approx(30.9317771, abs=1e-6)
    leader, *learners = found["refused"].regrets
    assert leader == pytest.approx(78.4721108 - 30.9317771, abs=1e-6)
    assert max(learners) < 1e-9


def test_each_printed_formula_has_a_witness(tutorial):
    shown, found = tutorial
    sym, low, high = found["sym"], found["witness_34"][5.0], found["witness_34"][7.0]
    late = sym["W"] / sym["delta"] + sym["T_comm"] - sym["T_max"]
    assert (found["difference_26"] - 2 * sym["lambda_deadline"] * late).simplify() == 0
    assert low["printed"] == pytest.approx(-low["derived"])
    assert not low["interior"]
    assert low["derived"] > 0 > low["printed"]  # so that no printed case applies
    assert high["interior"]
    assert high["printed"] > 0  # so that two do
    assert high["utilities"][0] > high["utilities"][1]
    assert found["witness_38"]["printed test"] > 0
    assert found["witness_38"]["best utility"] - found["witness_38"]["utility at lo"] == pytest.approx(1.0269, abs=1e-4)
    assert found["refusal"] in shown
    assert "needs a positive argument, got 0 for follower 'bob' at price 5, where deadline binds" in found["refusal"]
    assert found["frozen"] == pytest.approx(85.2175108, abs=1e-6)  # against 78.47 at the optimum


def test_the_slope_jumps_up_where_a_learner_leaves_its_deadline(tutorial):
    _, found = tutorial
    assert [name for name, *_ in found["leaving"]] == ["cem", "bob"]
    assert [price for _, price, *_ in found["leaving"]] == pytest.approx([6.2794286, 6.5483799], abs=1e-6)
    assert all(below < above for *_, below, above in found["leaving"])


def test_the_table_is_proved_and_without_a_fact_refuted(tutorial):
    shown, found = tutorial
    assert {o.verdict for o in found["proof"]} == {"proved"}
    assert "feasible: deadline" in {o.name for o in found["broken"]}
    for obligation in found["broken"]:
        at = obligation.counterexample
        assert at["W"] / (at["T_max"] - at["T_comm"]) > at["hi"]  # just what the fact forbids
        assert obligation.name in shown


@pytest.mark.parametrize(
    ("price", "cases"), [(5.0, {"interior", "deadline"}), (6.4, {"interior", "deadline"}), (9.0, {"fastest"})]
)
def test_the_slider_shows_the_utility_and_the_cases_at_its_price(tutorial, price, cases):
    _, found = tutorial
    shown, _ = script(TUTORIAL).at_the_price.run(game=found["game"], price=SimpleNamespace(value=price))
    assert f"F({price:.2f}) = {found['game'].leader_utility(price):.2f}" in rendered(shown)
    assert {case for case in ("interior", "deadline", "fastest", "slowest") if case in rendered(shown)} == cases


@pytest.mark.parametrize("value", ["w * sp.log(1 + x)", "w * sp.sqrt(1 + x)", "w * (1 - sp.exp(-x))"])
def test_the_reader_may_change_the_line(tmp_path, value):
    source = TUTORIAL.read_text(encoding="utf-8")
    line = "value = w * sp.log(1 + x)  # <- change this line"
    assert source.count(line) == 1
    changed = tmp_path / "changed.py"
    changed.write_text(source.replace(line, f"value = {value}"), encoding="utf-8")
    shown, found = script(changed).your_game.run()
    assert found["market_certificate"].holds
    assert "failed" not in found["market_verdicts"]
    assert "Best price" in rendered(shown)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of `language` on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_game_of_the_guide_solves_as_it_stands(tmp_path):
    guide = ROOT / "docs" / "how-to" / "declare-a-game.md"
    (tmp_path / "seller.toml").write_text(blocks(guide, "toml")[0], encoding="utf-8")
    (tmp_path / "buyers.csv").write_text(blocks(guide, "text")[0], encoding="utf-8")
    game = load(tmp_path / "seller.toml")
    solution = solve(game)
    assert game.names == ("ann", "bob", "cyd")
    assert solution.require().decisions == pytest.approx([5.0, 10.0, 2.0])
    assert certify(game, solution.require(), tolerance=1e-9 * game.magnitudes(solution.require())).holds


def test_the_derived_columns_of_the_guide_are_understood(tmp_path):
    guide = ROOT / "docs" / "how-to" / "declare-a-game.md"
    toml = blocks(guide, "toml")[0].replace("[parameters]", "[parameters]\ntau = 2.0\nc = 3.0")
    (tmp_path / "seller.toml").write_text(f"{toml}\n{blocks(guide, 'toml')[1]}", encoding="utf-8")
    (tmp_path / "buyers.csv").write_text("name,a,D,coalition\nann,3,1,0\nbob,5,3,0\ncyd,2,4,1\n", encoding="utf-8")
    values = load(tmp_path / "seller.toml").values
    assert values["weight"] == pytest.approx([6.0, 18.0, 24.0])
    assert values["share"] == pytest.approx([0.125, 0.375, 0.5])
    assert values["share_here"] == pytest.approx([0.25, 0.75, 1.0])


def test_the_game_of_the_readme_solves_as_it_stands(tmp_path):
    (tmp_path / "market.toml").write_text(blocks(ROOT / "README.md", "toml")[0], encoding="utf-8")
    (tmp_path / "customers.csv").write_text("name,w,cap\na,1,3\nb,1.2,2\nc,1.1,4\nd,4,2.5\n", encoding="utf-8")
    assert solve(load(tmp_path / "market.toml")).require().price == pytest.approx(0.4)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.stem
)
def test_every_file_a_page_points_to_is_there(page):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if not t.startswith("https://") and not (page.parent / t).is_file()]
    assert missing == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").iterdir()), ids=lambda picture: picture.name)
def test_a_picture_is_light_and_shown_somewhere(picture):
    assert picture.stat().st_size <= 150_000
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert any(f"pictures/{picture.name})" in page.read_text(encoding="utf-8") for page in pages)
