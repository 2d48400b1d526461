"""The set-up script, and the check by which CI refuses an answer without evidence."""

import ast
import copy
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def script(path):
    """The module in the file `path`, loaded afresh."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def dev(tmp_path, monkeypatch):
    """dev.py in a directory of its own, with installation replaced by a record of what was asked for."""
    for name in ("dev.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    module = script(tmp_path / "dev.py")
    module.asked = []

    def record(command, environment=None):
        module.asked.append(command)
        if "venv" in command:
            module.PYTHON.parent.mkdir(parents=True)
            module.PYTHON.touch()

    monkeypatch.setattr(module, "check_call", record)
    monkeypatch.setattr(module, "pip_setting", lambda name: "")
    return module


def created(dev):
    """How often `dev` has made the environment."""
    return sum("venv" in command for command in dev.asked)


def test_a_second_set_up_has_nothing_to_do(dev):
    dev.set_up("test")
    dev.asked.clear()
    dev.set_up("test")
    assert dev.asked == []


def test_what_serves_the_tests_serves_the_command_but_not_the_reverse(dev):
    dev.set_up("run")
    assert not dev.is_installed("test")
    dev.set_up("test")
    assert dev.is_installed("run")


def test_one_command_after_the_other_leaves_both_installed(dev):
    dev.set_up("run")
    dev.set_up("bimatrix")
    assert dev.is_installed("run")
    assert dev.is_installed("bimatrix")
    assert not dev.is_installed("test")
    extras = dev.asked[-1][-1].partition("[")[2].rstrip("]").split(",")
    assert {"convex", "gambit"} <= set(extras)
    assert created(dev) == 1


@pytest.mark.parametrize(("command", "stays"), [("run", True), ("jamming", True), ("test", False), ("docs", False)])
def test_paths_given_to_a_solver_are_relative_to_where_the_user_is(dev, monkeypatch, command, stays):
    folders = []

    class Child:
        def __init__(self, call, cwd):
            folders.append(cwd)

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            return None

        def wait(self):
            return 0

    monkeypatch.setattr(dev.subprocess, "Popen", Child)
    assert dev.main([command]) == 0
    assert folders == [None if stays else dev.ROOT]


def test_a_changed_declaration_installs_again_into_the_same_environment(dev):
    dev.set_up("test")
    with (dev.ROOT / "pyproject.toml").open("a") as file:
        file.write("\n")
    assert not dev.is_installed("test")
    dev.set_up("test")
    assert dev.is_installed("test")
    assert created(dev) == 1


def test_an_interrupted_installation_leaves_no_stamp_and_is_made_anew(dev, monkeypatch):
    def interrupted(requirement):
        raise KeyboardInterrupt

    dev.set_up("run")
    with monkeypatch.context() as patch:
        patch.setattr(dev, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dev.set_up("test")
    assert not dev.is_installed("run")
    assert not dev.is_installed("test")
    dev.set_up("test")
    assert created(dev) == 2


@pytest.mark.parametrize("remains", ["directory", "file", "dangling link"])
def test_whatever_stands_where_the_environment_belongs_is_replaced(dev, remains):
    if remains == "directory":
        (dev.VENV / "lib").mkdir(parents=True)
    elif remains == "file":
        dev.VENV.touch()
    else:
        dev.VENV.symlink_to("nowhere")
    dev.set_up("test")
    assert dev.is_installed("test")
    assert not (dev.VENV / "lib").exists()


def test_pip_installs_where_uv_cannot(dev, monkeypatch):
    def without_uv(command, environment=None):
        dev.asked.append(command)
        if "uv" in command:
            raise dev.SetUpFailed("no uv here")

    monkeypatch.setattr(dev, "check_call", without_uv)
    dev.install("certeq[test]")
    assert "uv" not in dev.asked[-1]
    assert dev.asked[-1][-2:] == ["--editable", "certeq[test]"]


def test_uv_is_told_what_pip_is_configured_with(dev, monkeypatch):
    settings = {"find-links": "/a /b", "index-url": "https://example.org/simple", "cert": ""}
    monkeypatch.setattr(dev, "pip_setting", settings.__getitem__)
    for name in ("UV_FIND_LINKS", "UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    environment = dev.uv_environment()
    assert environment["UV_FIND_LINKS"] == "/a,/b"
    assert environment["UV_DEFAULT_INDEX"] == "https://example.org/simple"
    assert "SSL_CERT_FILE" not in environment


def test_a_python_with_neither_ensurepip_nor_pip_is_told_in_one_line(dev, monkeypatch, capsys):
    monkeypatch.setattr(dev, "has", lambda module: False)
    assert dev.main(["test"]) == 2
    assert "apt install python3-venv" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [[], ["tset"], ["--verbose"]])
def test_an_unknown_command_is_one_line_and_status_2(arguments):
    done = subprocess.run([sys.executable, "dev.py", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    known = "run, bimatrix, hedonic, jamming, gfml, ledger, verify, test, lint, types, docs"
    assert done.stderr.startswith(f"error: command must be one of {known}, got ")
    assert done.stderr.count("\n") == 1


def test_an_older_python_is_told_in_one_line():
    pretend = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path('dev.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: certeq needs Python 3.11 or newer, this is 3.9\n")


def test_an_older_python_can_read_the_script():
    assert ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 7))


EVIDENCE = {
    "proof": [{"obligation": "exhaustive", "verdict": "proved"}, {"obligation": "optimal", "verdict": "proved"}],
    "certificate": {"concept": "Stackelberg", "residual": 1e-12, "tolerance": 1e-9, "holds": True},
}


@pytest.mark.parametrize(
    ("part", "change", "fault"),
    [
        ("proof", [], "no proof obligation"),
        ("proof", [{"obligation": "exhaustive", "verdict": "sampled"}], "exhaustive: sampled"),
        ("proof", [{"obligation": "optimal", "verdict": "failed"}], "optimal: failed"),
        ("certificate", {"residual": 1e-12, "tolerance": 1e-9, "holds": False}, "does not hold"),
        ("certificate", {"residual": 1e-3, "tolerance": 1e-9, "holds": True}, "does not hold"),
        ("certificate", {"residual": float("nan"), "tolerance": 1e-9, "holds": True}, "does not hold"),
    ],
)
def test_ci_refuses_an_answer_without_evidence(part, change, fault):
    faults = script(ROOT / ".ci" / "evidence.py").faults
    assert faults(EVIDENCE) == []
    (found,) = faults({**EVIDENCE, part: change})
    assert fault in found


EQUILIBRIUM = {
    "status": "solved",
    "equilibria": [{"row": ["1"], "column": ["1"], "payoffs": ["0", "0"], "regret": "0"}],
    "certificate": {"concept": "Nash", "residual": 0.0, "tolerance": 0.0, "holds": True},
}


@pytest.mark.parametrize(
    ("part", "change", "fault"),
    [
        ("status", "failed", "the status is failed"),
        ("equilibria", [], "no equilibrium"),
        ("certificate", None, "does not hold"),
        ("certificate", {"residual": 1e-3, "tolerance": 1e-9, "holds": True}, "does not hold"),
        ("certificate", {"residual": 1e-12, "tolerance": 1e-9, "holds": False}, "does not hold"),
        ("certificate", {"residual": None, "tolerance": 1e-9, "holds": False}, "does not hold"),
    ],
)
def test_ci_refuses_equilibria_without_evidence(part, change, fault):
    faults = script(ROOT / ".ci" / "evidence.py").faults
    assert faults(EQUILIBRIUM) == []
    (found,) = faults({**EQUILIBRIUM, part: change})
    assert fault in found


def test_ci_refuses_a_partition_without_evidence():
    faults = script(ROOT / ".ci" / "evidence.py").faults
    answer = {"status": "solved", "partition": [[0, 1]], "certificate": EQUILIBRIUM["certificate"]}
    assert faults(answer) == []
    assert faults({**answer, "partition": []}) == ["no equilibrium or partition was reported"]
    assert faults({**answer, "status": "no profile of the requested kind exists"}) != []


PENNIES = {  # two channels, one power without cost: both players mix evenly, whatever was played before
    "status": "solved",
    "parameters": {
        "channels": 2,
        "steps": 9,
        "runs": 1,
        "discount": 0.5,
        "jamming": [[1.0]],
        "transmitter": {"rewards": [1.0, 1.0], "penalty": 1.0, "power_costs": [0.0], "hop_costs": [[0, 0], [0, 0]]},
        "jammer": {"rewards": [1.0, 1.0], "penalty": 1.0, "power_costs": [0.0], "hop_costs": [[0, 0], [0, 0]]},
    },
    "stage_games": [
        {"state": [i, j], "transmitter": [0.5, 0.5], "jammer": [0.5, 0.5]} for i in range(2) for j in range(2)
    ],
    "learning": [{}],
    "certificate": {"concept": "Markov-perfect", "residual": 0.0, "tolerance": 1e-9, "holds": True},
}
PENNIES["markov_perfect"] = {
    "strategies": copy.deepcopy(PENNIES["stage_games"]),
    "values": {"transmitter": [0.0] * 4, "jammer": [0.0] * 4},
}


@pytest.mark.parametrize(
    ("part", "change", "fault"),
    [
        (["status"], "limit", "the status is limit"),
        (["learning"], [], "no learners"),
        (["certificate", "holds"], False, "does not hold"),
        (["parameters", "discount"], "average", "not checked"),
        (["stage_games"], None, "stage games: not every state"),
        (["stage_games"], PENNIES["stage_games"][:3], "stage games: not every state"),
        (["markov_perfect", "strategies"], None, "future: not every state"),
        (["stage_games", 3, "jammer"], [0.6, 0.4], "stage game [1, 1]: the transmitter gains"),
        (["stage_games", 0, "transmitter"], [0.4, 0.6], "stage game [0, 0]: the jammer gains"),
        (["stage_games", 0, "transmitter"], [0.5, 0.6], "stage game [0, 0]: the"),
        (["stage_games", 0, "transmitter"], [1.5, -0.5], "stage game [0, 0]: the"),
        (["markov_perfect", "strategies", 1, "jammer"], [1.0, 0.0], "state [0, 1]: the transmitter gains"),
        (["markov_perfect", "values", "jammer", 2], 1e-3, "state [1, 0]: the value of the jammer"),
        (["markov_perfect", "values", "transmitter", 2], -1e-3, "state [1, 0]: the transmitter gains"),
        (["parameters", "transmitter", "hop_costs"], [[0, 1], [1, 0]], "the transmitter gains"),
        (["parameters", "jammer", "rewards"], [1.0, 2.0], "the jammer gains"),
    ],
)
def test_ci_checks_the_equilibria_of_a_jamming_game_itself(part, change, fault):
    faults = script(ROOT / ".ci" / "evidence.py").faults
    assert faults(PENNIES) == []
    answer = place = copy.deepcopy(PENNIES)
    *path, last = part
    for key in path:
        place = place[key]
    place[last] = change
    assert any(fault in found for found in faults(answer)), faults(answer)


LEARNERS = {
    "framework": "gfml",
    "parameters": {"incentives": [5.0, 15.0], "deadlines": [11.0, 20.0]},
    "rounds": [
        {
            "round": 1,
            "certificate": {"concept": "Stackelberg", "residual": 0.0, "tolerance": 1e-9, "holds": True},
            "partition_certificate": {"concept": "Nash-stable", "residual": 0.0, "tolerance": 1e-9, "holds": True},
            "stable": True,
            "cycling": False,
            "prices": [7.5, None],
            "heads": [0, 2],
            "coalitions": [0, 0, 1, -1],
            "profits": [3.0, 2.0, 1.0, 0.0],
            "profit": 1.5,
            "provider_utilities": [10.0, 0.0],
            "provider_utility": 10.0,
            "completion_time": 10.5,
        }
    ],
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"round": 2}, "not numbered from 1"),
        ({"certificate": None}, "does not hold"),
        ({"certificate": {"residual": 1e-3, "tolerance": 1e-9, "holds": True}}, "does not hold"),
        ({"partition_certificate": {"residual": 1e-3, "tolerance": 1e-9, "holds": True}}, "does not hold"),
        ({"stable": False}, "neither stable nor on a cycle"),
        ({"prices": [4.0, 7.0]}, "out of bounds"),
        ({"heads": [2, 0]}, "in another coalition"),
        ({"coalitions": [0, -1, 1, -1]}, "earns something"),
        ({"profit": 2.0}, "not the mean"),
        ({"provider_utility": 11.0}, "not the sum"),
        ({"completion_time": 21.0}, "longer than any deadline"),
    ],
)
def test_ci_checks_the_rounds_of_federated_learners(change, fault):
    faults = script(ROOT / ".ci" / "evidence.py").faults
    assert faults(LEARNERS) == []
    assert faults({**LEARNERS, "rounds": []}) == ["no round was reported"]
    assert any(fault in found for found in faults({**LEARNERS, "rounds": [{**LEARNERS["rounds"][0], **change}]}))


def test_ci_wants_an_answer_to_look_at():
    done = subprocess.run([sys.executable, ROOT / ".ci" / "evidence.py"], capture_output=True)
    assert done.returncode == 1
