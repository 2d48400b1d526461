"""Imports point one way: solvers <- models <- verification <- examples, tests, benchmarks."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [("solvers",), ("models",), ("verification",), ("examples", "tests", "benchmarks")]
RANK = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}
HEAVY = {
    "cvxpy",
    "distributed",
    "joblib",
    "matplotlib",
    "nashpy",
    "ortools",
    "pyarrow",
    "pygambit",
    "pyomo",
    "quantecon",
    "sklearn",
    "sympy",
    "torch",
    "z3",
}
FILES = sorted(path.relative_to(ROOT) for package in RANK for path in (ROOT / package).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every absolute import, of those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.split(".")[0]
        elif isinstance(node, ast.Call) and named(node.func) in {"import_module", "__import__"}:
            yield from ((node.lineno, name.split(".")[0]) for name in literals(node.args[:1]))


def named(function: ast.expr) -> str:
    """The last part of a called name: `import_module` for `importlib.import_module`."""
    return getattr(function, "attr", getattr(function, "id", ""))


def literals(arguments: list[ast.expr]) -> list[str]:
    """The arguments that are written out as strings."""
    return [node.value for node in arguments if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def upward_imports(root: Path, path: Path) -> list[str]:
    """Each import in `path` that points to a higher layer, as `file:line imports package`."""
    if path.name == "__main__.py":  # a composition root may import anything
        return []
    tree = ast.parse((root / path).read_text(encoding="utf-8"), filename=str(path))
    rank = RANK[path.parts[0]]
    return [f"{path}:{line} imports {name}" for line, name in imported(tree) if RANK.get(name, -1) > rank]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_import_points_upward(path):
    assert upward_imports(ROOT, path) == []


def test_every_layer_is_looked_at():
    assert {path.parts[0] for path in FILES} >= {"solvers", "models", "verification", "tests"}


@pytest.mark.parametrize(
    ("place", "statement", "caught"),
    [
        ("solvers/family/_game.py", "from verification import certify", True),
        ("solvers/family/_game.py", "import models.fml as fml", True),
        ("solvers/family/_game.py", "def late():\n    from models import data", True),
        ("solvers/family/_game.py", "import importlib\nimportlib.import_module('verification.report')", True),
        ("models/jamming.py", "import numpy, verification.certificates", True),
        ("verification/report.py", "from tests.cases import GAMES", True),
        ("solvers/family/_game.py", "from solvers.core import Game", False),
        ("solvers/family/_game.py", "from . import models", False),
        ("models/jamming.py", "from solvers import core", False),
        ("verification/report.py", "import models, solvers", False),
        ("tests/test_family.py", "import verification, examples", False),
        ("solvers/family/__main__.py", "from verification import certify", False),
    ],
)
def test_the_checker_tells_upward_from_downward(tmp_path, place, statement, caught):
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(statement, encoding="utf-8")
    assert bool(upward_imports(tmp_path, Path(place))) is caught


def loaded_by(module: str) -> set[str]:
    """Those of the heavy libraries that a new Python has loaded after `import module`."""
    program = f"import sys, {module}; print(*({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["solvers", "models", "verification"])
def test_importing_a_layer_loads_no_heavy_library(module):
    assert loaded_by(module) == set()


def test_a_heavy_library_would_be_seen():
    assert "sympy" in loaded_by("sympy")
