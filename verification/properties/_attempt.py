"""One property on so many drawn games, and the smallest game that breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky, HypothesisException, StopTest, UnsatisfiedAssumption

from solvers.core import NotSolved
from verification.properties._property import Property

SHRINKING = 20.0  # seconds after the first failure in which smaller ones are looked for
SHOWN = 2_000  # characters of an example
PASSING = (StopTest, UnsatisfiedAssumption)  # Hypothesis's own signals


@dataclass(frozen=True)
class Failure:
    """The smallest example found that breaks a property, the file it is in, and the command that loads it."""

    problem: str
    example: str
    file: str = ""
    command: str = ""


@dataclass(frozen=True)
class Attempt:
    """What came of trying a property: `examples` until a failure, and the `worst` residual among them.

    `not_run` says which library is missing.
    """

    name: str
    examples: int
    worst: float
    seconds: float
    failure: Failure | None = None
    not_run: str = ""

    def json(self) -> dict[str, Any]:
        """The attempt in plain numbers and words."""
        return asdict(self)


class Off(AssertionError):
    """A measure above the tolerance."""


class _Trial:
    """Calls `measure` on every example that Hypothesis draws, and remembers."""

    def __init__(self, tried: Property, begun: Callable[[], None]) -> None:
        self.property, self.begun = tried, begun
        self.examples, self.worst = 0, 0.0
        self.failing: Any = None
        self.problem, self.since, self.missing = "", 0.0, ""

    def __call__(self, example: Any) -> None:
        if self.since and time.perf_counter() > self.since + SHRINKING and not self._known(example):
            return  # it is small enough
        self.begun()
        try:
            off = self._measured(example)
        except PASSING:
            raise
        except (ImportError, NotSolved) as problem:
            if not _missing(problem):
                self._fails(example, f"raised {type(problem).__name__}: {problem}")
                raise
            self.missing = str(problem)
        except Exception as problem:
            self._fails(example, str(problem) if isinstance(problem, AssertionError) else _raised(problem))
            raise
        else:
            self.worst = self.worst if self.since else float(np.max([self.worst, off]))

    def _measured(self, example: Any) -> float:
        if not self.since:
            self.examples += 1
        off = float(self.property.measure(example))
        if not off <= self.property.tolerance:
            if not self.since:
                self.worst = off
            raise Off(f"off by {off:.3g}, more than {self.property.tolerance:.3g}")
        return off

    def _fails(self, example: Any, problem: str) -> None:
        self.failing, self.problem = example, " ".join(problem.split()) or "an assertion without a message"
        self.since = self.since or time.perf_counter()

    def _known(self, example: Any) -> bool:
        return repr(example) == repr(self.failing)


def attempt(
    tried: Property,
    *,
    examples: int = 100,
    seed: int = 0,
    folder: Path | None = None,
    begun: Callable[[], None] = lambda: None,
) -> Attempt:
    """The property on `examples` drawn games.

    Failures are kept in `folder`, to be tried first the next time, and the smallest game that fails is written there.
    `begun` is called before each example.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> tried = Property(
    ...     name="small", family="bimatrix", equation="", statement="numbers are below 10",
    ...     examples=lambda: st.integers(0, 100), measure=lambda n: max(0, n - 9),
    ... )
    >>> found = attempt(tried)
    >>> found.failure.example, found.failure.problem
    ('10', 'off by 1, more than 0')
    """
    start, trial = time.perf_counter(), _Trial(tried, begun)
    try:
        _drawing(tried, trial, examples, seed, folder)()
    except HypothesisException as problem:
        trial._fails(trial.failing, _sometimes(trial) if isinstance(problem, Flaky) else str(problem))
    except Exception:
        if not trial.since:  # not from the property: the strategy fails
            raise
    failure = _failure(tried, trial, folder) if trial.since else None
    return Attempt(tried.name, trial.examples, trial.worst, time.perf_counter() - start, failure, trial.missing)


def _drawing(tried: Property, trial: _Trial, examples: int, number: int, folder: Path | None) -> Callable[[], None]:
    rules = settings(
        max_examples=examples,
        database=None if folder is None else DirectoryBasedExampleDatabase(folder / "examples" / tried.name),
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )

    def on(example: Any) -> None:
        trial(example)

    test: Callable[[], None] = rules(seed(number)(given(tried.examples())(on)))  # seed first: it forgets the database
    return test


def _missing(problem: Exception) -> bool:
    """Whether a library is not installed: all such messages name the extra that brings it."""
    return isinstance(problem, ModuleNotFoundError) or "certeq[" in str(problem)


def _raised(problem: Exception) -> str:
    return f"raised {type(problem).__name__}: {problem}"


def _sometimes(trial: _Trial) -> str:
    return f"{trial.problem}; the same example passes at other times"


def _failure(tried: Property, trial: _Trial, folder: Path | None) -> Failure:
    text = repr(trial.failing)
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]} .."
    if folder is None:
        return Failure(trial.problem, text)
    path = folder / "failures" / tried.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if tried.save is None or trial.failing is None:
        path = path.with_suffix(".txt")
        path.write_text(f"{tried.statement}\n{trial.problem}\n{trial.failing!r}\n", encoding="utf-8")
        return Failure(trial.problem, text, str(path))
    path = tried.save(trial.failing, path)
    return Failure(trial.problem, text, str(path), tried.command.replace("FILE", str(path)))
