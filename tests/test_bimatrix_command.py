"""`python -m solvers.bimatrix`: what it prints, writes and refuses."""

import io
import json
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from commands import ROOT, into_a_closed_pipe, refusal, started
from rich.console import Console

from solvers.bimatrix import _exact, _label_paths, _lemke_howson, _plot
from solvers.bimatrix.__main__ import _parser, _solve, main
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.bimatrix._json import load
from solvers.core import Solution, Status
from verification import certify

PROMISED = {"status", "method", "complete", "equilibria", "certificate", "stats"}
THREE_BY_TWO = ([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])  # von Stengel (2002), Handbook, equation (2.4)
THREE_EXACT = {
    (("1", "0", "0"), ("1", "0")),
    (("4/5", "1/5", "0"), ("2/3", "1/3")),
    (("0", "1/3", "2/3"), ("1/3", "2/3")),
}
PENNIES = ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
CYCLER = ([[0, 0, 0], [0, 1, 1], [1, 1, 0]], [[1, 1, 0], [0, 1, 0], [1, 0, 2]])  # ties; quantecon's tests
NFG = 'NFG 1 R "one in three" { "Ann" "Bob" } { 2 2 }\n\n1/3 0 0 1 0 1 1/3 0\n'
METHODS = ("lemke-howson", "closed-form", "supports", "gambit", "nashpy")


@pytest.fixture
def game_file(tmp_path):
    """A function that writes payoffs, or any text, into a file and returns its path."""

    def write(payoffs, name="game.json", **names):
        path = tmp_path / name
        path.write_text(
            payoffs if isinstance(payoffs, str) else json.dumps(dict(zip("AB", payoffs, strict=True), **names))
        )
        return path

    return write


def command(*arguments):
    """A process of its own, as a user starts it."""
    return started("solvers.bimatrix", *arguments)


def answer(capsys, *arguments, status=0):
    """The JSON on standard output, after every equilibrium in it is certified anew."""
    assert main([*map(str, arguments), "--json", "-"]) == status
    found = json.loads(capsys.readouterr().out, parse_constant=lambda constant: pytest.fail(f"JSON holds {constant}"))
    assert set(found) == PROMISED
    game = load(arguments[0])
    for equilibrium in found["equilibria"]:
        assert set(equilibrium) == {"row", "column", "payoffs", "regret"}
        strategies = equilibrium["row"], equilibrium["column"]
        exact = isinstance(equilibrium["regret"], str)
        profile = (
            RationalProfile(*(tuple(map(Fraction, s)) for s in strategies))
            if exact
            else Profile(*map(np.array, strategies))
        )
        assert certify(game, profile, tolerance=0.0 if exact else 1e-9 * game.magnitudes()).holds
        assert [float(Fraction(v)) for v in equilibrium["payoffs"]] == pytest.approx(game.payoffs(profile).tolist())
    return found


def refused(capsys, *arguments):
    """The one error line of a refused call."""
    return refusal(capsys, main, *arguments)


def strategies(found):
    return {(tuple(e["row"]), tuple(e["column"])) for e in found["equilibria"]}


def test_a_game_in_a_process_of_its_own(game_file):
    done = command(game_file(THREE_BY_TWO, title="Three by two", rows=["Top", "Middle", "Bottom"]))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for part in (
        "Three by two",
        "row: 3 strategies, column: 2",
        "Middle",
        "1 equilibrium",
        "Certificate (Nash)",
        "holds",
    ):
        assert part in done.stdout
    assert "does not hold" not in done.stdout


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_by_the_contract(capsys, game_file, method):
    found = answer(capsys, game_file(PENNIES), "--method", method)
    assert found["status"] == "solved"
    (equilibrium,) = found["equilibria"]
    assert equilibrium["row"] == pytest.approx([0.5, 0.5])
    assert equilibrium["column"] == pytest.approx([0.5, 0.5])
    assert set(found["certificate"]) == {"concept", "residual", "tolerance", "holds"}
    assert found["certificate"]["holds"] is True
    assert found["certificate"]["tolerance"] == pytest.approx(2e-9)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_exact(capsys, game_file, method):
    found = answer(capsys, game_file(PENNIES), "--method", method, "--exact")
    assert strategies(found) == {(("1/2", "1/2"), ("1/2", "1/2"))}
    assert found["equilibria"][0]["regret"] == "0"
    assert found["certificate"] == {"concept": "Nash", "residual": 0.0, "tolerance": 0.0, "holds": True}


@pytest.mark.parametrize("method", ["supports", "gambit", "nashpy"])
def test_all_is_every_equilibrium(capsys, game_file, method):
    found = answer(capsys, game_file(THREE_BY_TWO), "--all", "--exact", "--method", method)
    assert strategies(found) == THREE_EXACT
    assert found["complete"] is (method != "nashpy")


def test_all_label_paths_come_with_their_graph(capsys, game_file):
    found = answer(capsys, game_file(THREE_BY_TWO), "--all", "--exact")
    assert strategies(found) == THREE_EXACT
    assert found["complete"] is False
    edges = found["stats"]["edges"]
    assert {0, 1, 2, 3} >= {node for start, _, end in edges for node in (start, end)} > {0}
    assert {label for _, label, _ in edges} == set(range(5))


def test_one_equilibrium_by_supports_does_not_wait_for_all(capsys, game_file):
    size = 100
    payoffs = np.random.default_rng(0).random((2, size, size)).tolist()  # 100**2 pairs of pure strategies alone
    found = answer(capsys, game_file(payoffs), "--method", "supports")
    assert (found["status"], len(found["equilibria"]), found["complete"]) == ("solved", 1, False)
    assert found["stats"]["supports"] < 10**6


def test_supports_of_all_sizes_are_looked_at_where_there_are_ties(capsys, game_file):
    path = game_file(([[1, 1], [0, 0]], [[2, 2], [0, 1]]))  # row 0 against any mixture
    found = answer(capsys, path, "--all", "--method", "supports")
    assert any(0 < p < 1 for e in found["equilibria"] for p in e["column"])


def test_components_of_a_degenerate_game_are_told(capsys, game_file):
    payoffs = (THREE_BY_TWO[0], [[3, 3], *THREE_BY_TWO[1][1:]])
    path = game_file(payoffs)
    found = answer(capsys, path, "--all", "--exact", "--method", "supports")
    parts = [
        {strategies({"equilibria": [found["equilibria"][k]]}).pop() for k in part}
        for part in found["stats"]["components"]
    ]
    top = ("1", "0", "0")
    assert {(top, ("1", "0")), (top, ("2/3", "1/3"))} in parts
    assert {(("0", "1/3", "2/3"), ("1/3", "2/3"))} in parts
    assert len(parts) == 2
    assert main([str(path), "--all", "--exact", "--method", "supports"]) == 0
    assert "every other is a mixture of those within one of the 2 components" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["lemke-howson", "nashpy"])
def test_a_label_chooses_the_path(capsys, game_file, method):
    path = game_file(THREE_BY_TWO)
    found = [strategies(answer(capsys, path, "--label", k, "--exact", "--method", method)).pop() for k in range(5)]
    assert set(found) <= THREE_EXACT
    assert found[0] == (("1", "0", "0"), ("1", "0"))  # row 0 and column 0: a path of two pivots
    assert found[1] == (("0", "1/3", "2/3"), ("1/3", "2/3"))


def test_a_gambit_file_keeps_its_rationals_and_names(capsys, game_file):
    path = game_file(NFG, "game.nfg")
    found = answer(capsys, path, "--exact", "--all", "--method", "supports")
    assert [e["payoffs"] for e in found["equilibria"]] == [["1/6", "1/2"]]
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "one in three" in out
    assert "Ann: 2 strategies, Bob: 2" in out


@pytest.mark.parametrize(
    "payoffs", [CYCLER, tuple([[matrix[i][j] for j in (2, 0, 1)] for i in (2, 0, 1)] for matrix in CYCLER)]
)
def test_ties_do_not_cycle(capsys, game_file, payoffs):
    path = game_file(payoffs)
    for label in range(6):
        assert answer(capsys, path, "--label", label)["status"] == "solved"


@pytest.mark.parametrize(
    "payoffs",
    [
        ([[7]], [[-3]]),
        ([[1, 2, 3]], [[2, 5, 1]]),
        ([[1], [4], [4]], [[0], [0], [0]]),
        ([[5, 5], [5, 5]], [[5, 5], [5, 5]]),
        ([[1e308, -1e308], [-1e308, 1e308]], [[-1e308, 1e308], [1e308, -1e308]]),
        ([[1.7e308, 1.7e308], [1.7e308, 1.6e308]], [[1.7e308, 0], [1.7e308, 1e-300]]),
        ([[5e-324, 0], [0, 5e-324]], [[0, 5e-324], [5e-324, 0]]),
        ([["1/3", "0.1"], ["2e-5", 7]], [[1, "-1/7"], [0, 1]]),
    ],
)
@pytest.mark.parametrize(
    "options", [[], ["--exact"], ["--all", "--exact", "--method", "supports"], ["--all", "--method", "supports"]]
)
def test_edges_of_the_input_get_a_right_answer(capsys, game_file, payoffs, options):
    found = answer(capsys, game_file(payoffs), *options)
    assert found["status"] == "solved"
    assert found["equilibria"]
    assert main([str(game_file(payoffs)), *options]) == 0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "game.json"),
        ("[]", "game.json"),
        ('{"A": [[1, 2]]}', "B"),
        ('{"A": [], "B": []}', "A"),
        ('{"A": [[]], "B": [[]]}', "A"),
        ('{"A": [[1, 2], [3]], "B": [[1, 2], [3, 4]]}', "A"),
        ('{"A": [[1, 2]], "B": [[1], [2]]}', "A and B"),
        ('{"A": [[NaN]], "B": [[1]]}', "A"),
        ('{"A": [[1]], "B": [[-Infinity]]}', "B"),
        ('{"A": [[1e999]], "B": [[1]]}', "A"),
        ('{"A": [["1+2j"]], "B": [[1]]}', "A"),
        ('{"A": [["__import__(\'os\')"]], "B": [[1]]}', "A"),
        ('{"A": [["1/0"]], "B": [[1]]}', "A"),
        ('{"A": [[true]], "B": [[1]]}', "A"),
        ('{"A": [[null]], "B": [[1]]}', "A"),
        ('{"A": [[1]], "B": [[1]]', "game.json"),
        ("[" * 100_000, "game.json"),
    ],
)
def test_bad_json_gets_one_line(capsys, game_file, text, part):
    assert part in refused(capsys, game_file(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EFG 2 R",
        NFG[: len(NFG) // 2],
        NFG.rstrip()[:-2],
        'NFG 1 R "three" { "a" "b" "c" } { 1 1 1 }\n\n1 2 3\n',
        NFG.replace("1/3", "nan"),
        NFG.replace("1/3", "1/0"),
        NFG.replace("{ 2 2 }", "{ 2 0 }"),
    ],
)
def test_bad_gambit_files_get_one_line(capsys, game_file, text):
    assert "game.nfg" in refused(capsys, game_file(text, "game.nfg"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--label", "4"], "--label must be in 0..3, rows first, then columns, got 4"),
        (["--label", "-1"], "--label must be in 0..3"),
        (["--label", "one"], "invalid int value"),
        (["--label", "1", "--all"], "--label chooses one path"),
        (["--label", "1", "--method", "supports"], "--label goes with lemke-howson and nashpy, got supports"),
        (["--all", "--method", "closed-form"], "--all needs a method that finds more than one equilibrium"),
        (["--method", "guess"], "invalid choice"),
        (["--plot", "picture.gif"], "--plot must end in"),
        (["--json", "no/such/folder/a.json"], "output must be a file in a folder that can be written"),
        (["--json", "/dev/null"], "output must be a file"),
        (["--json", f"{__file__}/a.json"], "output must be a file in a folder that can be written"),
        (["--json", ""], "output must be a file in a folder that can be written"),
        (["\u001b[31m"], r"unrecognized arguments: \x1b[31m"),
        (["more"], "unrecognized arguments"),
    ],
)
def test_bad_calls_get_one_line(capsys, game_file, arguments, part):
    assert part in refused(capsys, game_file(PENNIES), *arguments)


def test_missing_and_foreign_files_get_one_line(capsys, tmp_path):
    assert "nowhere.json" in refused(capsys, tmp_path / "nowhere.json")
    assert ".nfg or .json" in refused(capsys, tmp_path / "game.txt")
    assert "required: GAME" in refused(capsys)


def test_outputs_spare_the_game_and_one_another(capsys, game_file, tmp_path):
    path = game_file(PENNIES)
    before = path.read_bytes()
    assert "none of the inputs" in refused(capsys, path, "--json", path)
    assert "file of its own" in refused(capsys, path, "--json", tmp_path / "a.png", "--plot", tmp_path / "a.png")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_game_too_large_to_draw_is_refused_before_it_is_solved(capsys, game_file, monkeypatch):
    monkeypatch.setattr(_lemke_howson, "lemke_howson", lambda *_, **__: pytest.fail("solved"))
    path = game_file(([[0] * 40] * 30, [[1] * 40] * 30))
    assert "--plot needs at most 60 strategies" in refused(capsys, path, "--plot", path.with_suffix(".png"))
    assert not path.with_suffix(".png").exists()


def test_a_method_without_an_answer_says_why_and_exits_1(capsys, game_file, tmp_path):
    path = game_file(([[3, 0], [5, 1]], [[3, 5], [0, 1]]))  # the prisoners' dilemma
    outputs = [tmp_path / "a.json", tmp_path / "a.png"]
    call = [str(path), "--method", "closed-form", "--json", str(outputs[0]), "--plot", str(outputs[1])]
    assert main(call) == 1
    out, err = capsys.readouterr()
    assert err.startswith("error: closed form: ")
    assert "would have to be" in err or "probability" in err
    assert "No certified answer" in out
    found = json.loads(outputs[0].read_text())
    assert (found["status"], found["equilibria"], found["certificate"]) == ("none_exists", [], None)
    assert not outputs[1].exists()


def wrong(game, **options):
    profiles = (
        Profile(np.array([1.0, 0.0]), np.array([1.0, 0.0])),
        Profile(np.array([0.5, 0.5]), np.array([0.5, 0.5])),
    )
    return Solution(profiles, Status.SOLVED, "guess", complete=True)


def test_a_wrong_answer_is_not_shown(capsys, game_file, monkeypatch):
    monkeypatch.setattr(_label_paths, "lemke_howson_all", wrong)
    path = game_file(PENNIES)
    found = answer(capsys, path, "--all", status=1)
    assert (found["status"], found["complete"], found["stats"]["rejected"]) == ("failed", False, 1)
    assert strategies(found) == {((0.5, 0.5), (0.5, 0.5))}
    assert found["certificate"]["holds"] is False
    assert main([str(path), "--all"]) == 1
    out, err = capsys.readouterr()
    assert "guess: 1 of 2 profiles are not equilibria" in out
    assert err == "error: guess: 1 of 2 profiles are not equilibria\n"


def test_a_path_that_ends_elsewhere_is_not_drawn(capsys, game_file, monkeypatch, tmp_path):
    monkeypatch.setattr(_label_paths, "lemke_howson_path", lambda game, **_: wrong(game).profiles[:1])
    path = game_file(PENNIES)
    assert main([str(path), "--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]) == 1
    assert capsys.readouterr().err.startswith("error: the path of label 0 ends where no equilibrium is")
    assert list(tmp_path.iterdir()) == [path]


def test_a_profile_that_cannot_be_made_exact_is_told(capsys, game_file, monkeypatch):
    refusal = Solution((), Status.FAILED, "exact", stats={"reason": "row 0 earns 1 more"})
    monkeypatch.setattr(_exact, "exact_equilibrium", lambda game, profile: refusal)
    path = game_file(PENNIES)
    found = answer(capsys, path, "--exact", "--method", "supports", status=1)
    assert (found["status"], found["equilibria"], found["stats"]["without_exact"]) == ("failed", [], 1)
    assert main([str(path), "--exact", "--method", "supports"]) == 1
    assert "row 0 earns 1 more" in capsys.readouterr().err


@pytest.mark.parametrize(
    "payoffs",
    [
        ([[1e308, 0], [0, 5e-324]], [[0, 1], [1, 0]]),
        ([["1e-300", 0], [0, "1e300"]], [[0, 1], ["1e-17", 0]]),
        ([[1, 1], [1 + 2**-52, 1 - 2**-52]], [[0, 1], [1, 0]]),
    ],
)
def test_exact_needs_no_float_answer(capsys, game_file, payoffs):
    for label in range(4):
        found = answer(capsys, game_file(payoffs), "--exact", "--label", label)
        assert [e["regret"] for e in found["equilibria"]] == ["0"]


def test_long_fractions_are_written_out_and_shown_short(capsys, game_file):
    rng = np.random.default_rng(7)
    size = 20
    payoffs = tuple(
        (rng.integers(0, 10**15, (size, size)) + 10**17 * np.eye(size, dtype=int) * s).tolist() for s in (1, -1)
    )
    path = game_file(payoffs)
    found = answer(capsys, path, "--exact")
    longest = max(len(p) for e in found["equilibria"] for p in e["row"])
    assert main([str(path), "--exact"]) == 0
    assert all(len(line) <= 140 for line in capsys.readouterr().out.splitlines())
    assert longest > 100


def test_files_are_written_whole(game_file, tmp_path):
    path = game_file(THREE_BY_TWO)
    outputs = [tmp_path / "a.json", tmp_path / "a.png"]
    assert main([str(path), "--json", str(outputs[0]), "--plot", str(outputs[1])]) == 0
    assert json.loads(outputs[0].read_text())["status"] == "solved"
    assert sorted(tmp_path.iterdir()) == sorted([path, *outputs])


def test_names_are_text_and_nothing_else(game_file):
    path = game_file(PENNIES, title="[/bold] $x^{ \u001b[31m\n", rows=["[red]a", "b\\"], columns=["c" * 500, "d\u0007"])
    plot = path.with_suffix(".png")
    done = command(path, "--plot", plot)
    assert done.returncode == 0, done.stderr
    assert "[/bold] $x^{ ?[31m?" in done.stdout
    assert "[red]a" in done.stdout
    assert "\u001b" not in done.stdout
    assert plot.stat().st_size > 10_000


def test_names_are_not_rewritten(game_file):
    names = {"title": ":heart: [/x]", "players": ["Ann\\", "[red]"], "rows": [":a:", "[b]\\"]}
    done = command(game_file(PENNIES, **names))
    assert done.returncode == 0, done.stderr
    heads = done.stdout.splitlines()
    assert heads[:2] == [":heart: [/x]", "Ann\\: 2 strategies, [red]: 2"]
    assert [":a:", "[b]\\", "0", "1", "expects", "expects", "regret"] in [line.split() for line in heads]


def test_names_that_a_picture_cannot_show_as_they_are(game_file):
    path = game_file(PENNIES, title="中文 😀 $", rows=["_hidden", "b"], columns=["中", "$"])
    for suffix in (".png", ".pdf", ".svg"):
        done = command(path, "--plot", path.with_suffix(suffix))
        assert (done.returncode, done.stderr) == (0, "")
    game = load(path)
    rows, columns = _plot.names(game)
    assert not any(name.startswith("_") for name in rows)  # matplotlib leaves such names out of a legend
    assert columns[1] == r"\$"


def test_a_narrow_terminal_gets_the_strategies_used(game_file):
    report = io.StringIO()
    options = _parser().parse_args([str(game_file(THREE_BY_TWO))])
    _solve(options).print(Console(file=report, width=50))
    assert all(len(line) <= 50 for line in report.getvalue().splitlines())
    assert re.search(r"^ 1 +0: 1 +0: 1 +3 +3 ", report.getvalue(), re.MULTILINE)


def test_large_games_list_what_is_used(capsys, game_file):
    size = 6
    identity = np.eye(size, dtype=int).tolist()
    assert main([str(game_file((identity, identity))), "--all", "--method", "supports"]) == 0
    out = capsys.readouterr().out
    assert "63 equilibria" in out  # 2**6 - 1: one for each set of strategies
    assert "33 more are in the JSON" in out
    assert re.search(r"plays +plays", out)


def test_help_loads_nothing_heavy():
    heavy = {"numba", "scipy", "sympy", "matplotlib", "rich", "pygambit", "nashpy"}
    program = (
        "import sys\nfrom solvers.bimatrix.__main__ import main\ntry:\n    main(['--help'])\n"
        f"except SystemExit as end:\n    print(end.code, sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert done.stdout.endswith("0 []\n"), done.stdout + done.stderr
    assert "0 to m-1 are the m rows" in " ".join(done.stdout.split())


def test_closed_output_is_told(game_file):
    call = [sys.executable, "-m", "solvers.bimatrix", str(game_file(PENNIES))]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *call], cwd=ROOT, text=True, stderr=subprocess.PIPE, timeout=120
    )
    assert (done.returncode, done.stderr) == (2, "error: standard output must be open\n")


def test_a_closed_pipe_is_not_a_traceback(game_file):
    done = into_a_closed_pipe("solvers.bimatrix", game_file(PENNIES), "--json", "-")
    assert done.stderr == ""
    assert done.returncode == 1


def test_optional_packages_are_named(monkeypatch, capsys, game_file):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "certeq[plot]" in refused(capsys, game_file(PENNIES), "--plot", "a.png")


# --- pictures ----------------------------------------------------------------------------------------------------

DRAWN = {
    "1x1": ([[7]], [[-3]]),
    "1x3": ([[1, 2, 3]], [[2, 5, 1]]),
    "2x2": PENNIES,
    "2x2 with ties": ([[1, 1], [0, 1]], [[1, 1], [1, 0]]),
    "2x2 all equal": ([[1, 1], [1, 1]], [[1, 1], [1, 1]]),
    "2x2 at the limits": ([[1e308, -1e308], [0, 1]], [[5e-324, 0], [0, 1e-300]]),
    "3x2": THREE_BY_TWO,
    "2x4": ([[4, 1, 3, 0], [0, 5, 2, 3]], [[1, 2, 0, 3], [4, 1, 3, 0]]),
    "3x3": CYCLER,
    "9x2": ([[i * i % 11, i * 7 % 11] for i in range(9)], [[i * 5 % 7, i * 3 % 7] for i in range(9)]),
    "4x5": (np.arange(20).reshape(4, 5) % 7, np.arange(20).reshape(4, 5) % 6),
}


@pytest.mark.parametrize("name", DRAWN)
def test_pictures_show_something(game_file, name):
    import matplotlib.image

    payoffs = tuple(np.asarray(matrix).tolist() for matrix in DRAWN[name])
    path = game_file(payoffs)
    assert main([str(path), "--all", "--plot", str(path.with_suffix(".png"))]) == 0
    pixels = matplotlib.image.imread(path.with_suffix(".png"))
    assert np.ptp(pixels[..., :3]) > 0.9
    assert 0.005 < np.mean(pixels[..., :3].min(axis=-1) < 0.9) < 0.9  # neither empty nor full


@pytest.mark.parametrize("suffix", [".svg", ".PDF"])
def test_other_picture_formats(game_file, suffix):
    path = game_file(THREE_BY_TWO)
    assert main([str(path), "--plot", str(path.with_suffix(suffix)), "--label", "1"]) == 0
    assert path.with_suffix(suffix).stat().st_size > 1000


def test_regions_cover_the_triangle_and_hold_best_responses():
    game = BimatrixGame([[0, 6, 1], [2, 5, 0], [3, 3, 3]], [[1, 0, 3], [0, 2, 1], [4, 3, 0]])
    from solvers.bimatrix._simplex import Space

    space = Space(game.B.T, dict(enumerate("abc")), dict(enumerate("def", start=3)), "row")
    regions = [space.region(k) for k in range(3)]
    areas = [area(region @ space.corners) for region in regions if len(region)]
    assert sum(areas) == pytest.approx(area(space.corners))
    for k, region in enumerate(regions):
        values = region @ game.B
        assert np.all(values[:, k] >= values.max(axis=1, initial=-np.inf) - 1e-12)


def test_the_name_of_a_part_of_a_segment_is_in_its_middle():
    from solvers.bimatrix._simplex import Space, _middle

    space = Space(np.array([[1.0, 0.0], [0.0, 2.0]]), dict(enumerate("ab")), dict(enumerate("cd", start=2)), "row")
    middles = [_middle(space.region(k) @ space.corners)[0] for k in range(2)]
    assert middles == pytest.approx([1 / 6, 2 / 3], abs=1e-6)  # the first is best up to 1/3


def area(corners):
    x, y = corners.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_the_strategies_named_in_a_crowd_are_those_that_can_be_best():
    A = np.random.default_rng(4).random((40, 2))
    q = np.linspace(0, 1, 5001)
    best = set(np.argmax(np.outer(A[:, 0], 1 - q) + np.outer(A[:, 1], q), axis=0).tolist())
    assert set(_plot._ever_best(A, _plot._kinks(A))) == best
    assert len(best) < _plot.CROWD


def test_reactions_are_best_responses():
    rng = np.random.default_rng(3)
    for _ in range(50):
        A = rng.integers(-2, 3, (2, 2)).astype(float)
        q, p = _plot._reaction(A)
        if len(q) == 0:
            assert np.array_equal(A[0], A[1])
            continue
        assert (q[0], q[-1]) == (0.0, 1.0)
        game = BimatrixGame(A, np.zeros((2, 2)))
        for a, b in zip(q, p, strict=True):
            assert game.regrets(Profile(np.array([1 - b, b]), np.array([1 - a, a])))[0] <= 1e-12


def test_the_path_picks_up_labels_until_the_dropped_one():
    game = BimatrixGame(*THREE_BY_TWO)
    for label in range(5):
        path = _label_paths.lemke_howson_path(game, initial_label=label)
        picked = _plot.picked_up(game, path, label)
        assert len(picked) == len(path)
        assert picked[0] == picked[-1] == label
        assert label not in picked[1:-1]
        assert certify(game, path[-1], tolerance=1e-9 * game.magnitudes()).holds
