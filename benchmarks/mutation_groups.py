"""What is mutated, which tests must notice, and how many of the mutants they must kill."""

from __future__ import annotations

from dataclasses import dataclass

CHECKER, KERNEL = 0.95, 0.85  # share of mutants that must be killed


@dataclass(frozen=True)
class Group:
    """Source files, the tests that are run against each of their mutants, and the least share that must be killed.

    Tests are files of `tests/`, with or without `::` and a name; `only` keeps the functions that it names.
    """

    name: str
    least: float
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    only: tuple[str, ...] = ()


GROUPS = (
    Group(
        "certificates",
        CHECKER,
        ("verification/certificates.py", "solvers/bimatrix/_game.py"),
        ("test_mutants_certificates.py",),
    ),
    Group(
        "learning",
        KERNEL,
        ("solvers/learning/_kernels.py", "solvers/learning/_static_kernels.py"),
        ("test_mutants_learning.py", "test_mutants_static_learning.py"),
    ),
    Group(
        "stackelberg-kernels",
        KERNEL,
        ("solvers/stackelberg/_kernels.py",),
        ("test_mutants_stackelberg.py",),
    ),
    Group(
        "pivoting",
        KERNEL,
        ("solvers/bimatrix/_pivoting.py",),
        ("test_mutants_pivoting.py",),
    ),
    Group(
        "hedonic-engine",
        KERNEL,
        ("solvers/hedonic/_engine.py",),
        ("test_mutants_engine.py",),
    ),
    Group(
        "hedonic-checks",
        CHECKER,
        tuple(
            f"solvers/hedonic/{name}.py"
            for name in ("_checks", "_stability", "_verdicts", "_permission", "_core", "_deviation")
        ),
        ("test_mutants_stability.py",),
    ),
    Group(
        "stochastic",
        CHECKER,
        ("solvers/stochastic/_exploitability.py", "solvers/stochastic/_decision.py"),
        ("test_mutants_stochastic.py", "test_exploitability.py"),
    ),
    Group(
        "stackelberg-regrets",
        CHECKER,
        ("solvers/stackelberg/_regrets.py",),
        ("test_mutants_regrets.py",),
    ),
    Group(
        "check-nash",
        CHECKER,
        ("verification/check/_nash.py", "verification/check/_numbers.py"),
        ("test_mutants_check.py",),
    ),
)
