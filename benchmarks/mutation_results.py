"""What mutation testing found: counts, scores and survivors, as JSON, as a table and as a page with every argument."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from benchmarks.mutation_argued import Argument, argument_for
from benchmarks.mutation_groups import Group
from benchmarks.report import machine_line, pipes, print_table

NOTICED, MISSED, LEFT = ("killed", "timeout"), ("survived", "no tests"), "not run"
COLUMNS = (
    "group", "mutants", "killed", "timeouts", "survived", "not reached", "not run", "score", "asked", "met", "argued",
    "open",
)  # fmt: skip
NUMBERS = frozenset(COLUMNS) - {"group", "met"}
PACKAGES = ("mutmut", "numpy", "scipy", "numba", "hypothesis", "pytest")


@dataclass(frozen=True)
class Mutant:
    """One planted fault: what became of it, and the lines that it changed."""

    name: str
    status: str
    lines: tuple[str, ...]

    @property
    def function(self) -> str:
        """The module and the function, or the class and the method, that it was planted in."""
        module, _, name = self.name.rpartition(".")
        return f"{module}.{name.rpartition('__mutmut_')[0].removeprefix('x').lstrip('_ǁ').replace('ǁ', '.')}"

    @property
    def argument(self) -> Argument | None:
        """Why no test could notice it, or need not, if that was argued."""
        return argument_for(self.function, self.lines)


@dataclass(frozen=True)
class Result:
    """What became of the mutants of a group."""

    name: str
    least: float
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    counts: dict[str, int]
    survivors: tuple[Mutant, ...]

    @classmethod
    def of(cls, group: Group, mutants: Sequence[Mutant]) -> Result:
        """The result of these mutants of the group."""
        counts = Counter(mutant.status for mutant in mutants)
        found = {status: counts[status] for status in (*NOTICED, *MISSED, LEFT)}
        survivors = tuple(mutant for mutant in mutants if mutant.status in MISSED)
        return cls(group.name, group.least, group.sources, group.tests, found, survivors)

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Result:
        """The result that `saved` was written from."""
        survivors = tuple(Mutant(entry["name"], entry["status"], tuple(entry["lines"])) for entry in saved["survivors"])
        lists = {name: tuple(saved[name]) for name in ("sources", "tests")}
        return cls(saved["name"], saved["least"], **lists, counts=saved["counts"], survivors=survivors)

    @property
    def total(self) -> int:
        """How many mutants there were."""
        return sum(self.counts.values())

    @property
    def score(self) -> float:
        """The share of those that were run that was noticed, by a failing test or by running out of time."""
        return sum(self.counts[status] for status in NOTICED) / max(self.total - self.counts[LEFT], 1)

    @property
    def met(self) -> bool:
        """True if there are mutants, all were run, and enough of them were noticed."""
        return self.total > 0 and not self.counts[LEFT] and self.score >= self.least

    @property
    def open(self) -> tuple[Mutant, ...]:
        """The survivors for which there is no argument."""
        return tuple(mutant for mutant in self.survivors if mutant.argument is None)

    def line(self) -> list[str]:
        """Its line of the table."""
        numbers = [self.total, *(self.counts[status] for status in (*NOTICED, *MISSED, LEFT))]
        argued = [len(self.survivors) - len(self.open), len(self.open)]
        verdict = "in part" if self.counts[LEFT] else "yes" if self.met else "no"
        shares = [f"{100 * self.score:.1f} %", f"{100 * self.least:.0f} %", verdict]
        return [self.name, *map(str, numbers), *shares, *map(str, argued)]


def document(results: Sequence[Result]) -> str:
    """The results for machines."""
    return json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False) + "\n"


def show(results: Sequence[Result], console: Console) -> None:
    """What every survivor without an argument changed, and the table."""
    for result in results:
        for mutant in result.open:
            console.print(
                f"{mutant.name}: {mutant.status}", style="bold", markup=False, highlight=False, soft_wrap=True
            )
            for line in mutant.lines:
                console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    print_table(console, "Mutants", COLUMNS, [result.line() for result in results], NUMBERS)


def page(results: Sequence[Result]) -> str:
    """The page of the documentation: the table, and each survivor with its argument."""
    parts = [HEAD, pipes(COLUMNS, [result.line() for result in results], NUMBERS), machine_line(PACKAGES, 1.0), LEGEND]
    for result in results:
        if result.survivors:
            files = ", ".join(f"`{source}`" for source in result.sources)
            parts.append(f"## {result.name}\n\n{files}; tests: {', '.join(f'`{test}`' for test in result.tests)}.")
            parts += _argued(result)
    return "\n\n".join(parts) + "\n"


def _argued(result: Result) -> list[str]:
    """The survivors of a group, those of one argument together, those without one last."""
    found: dict[Argument | None, list[Mutant]] = {}
    for mutant in result.survivors:
        found.setdefault(mutant.argument, []).append(mutant)
    parts = []
    for argument, mutants in sorted(found.items(), key=lambda item: item[0] is None):
        heading = f"**{argument.kind.capitalize()}.** {argument.why}" if argument else "**Open**: no test notices."
        changes = [line for mutant in mutants for line in (f"# {mutant.function}", *mutant.lines)]
        parts.append(f"{heading}\n\n```text\n" + "\n".join(changes) + "\n```")
    return parts


HEAD = """\
# Mutation testing: which faults the tests would notice

A test that passes says nothing until it is known to fail where it should. So small faults are planted in the checkers
and in the kernels, one at a time: `<` becomes `<=`, `+` becomes `-`, a number grows by one, an argument is left out.
A fault that some test notices is *killed*. A checker should leave hardly any alive, for whatever it overlooks would
be certified.

    python -m benchmarks.mutation [--group NAME]... [--jobs N] [--json P] [--markdown P]

copies the tree to a folder of its own, lets [mutmut](https://mutmut.readthedocs.io) plant the faults there, runs a
quick choice of tests for each, and exits with 1 if a group's score is below what is asked: 95 % of a checker's
mutants, 85 % of a kernel's. This page is what it wrote with `--markdown`.

mutmut leaves alone whatever has a decorator. So in the copy `@property` before a method becomes `f = property(f)`
after it, and kernels are compiled by `f = njit(_f)` throughout; Numba's compiler is switched off, so that mutants of
kernels run as Python. Left alone are the statements `raise ...` and `refuse(...)`, which are the text of messages,
docstrings and annotations. All else counts, every mutant, equivalent or not: the score leaves none out. A timeout is
a test that took more than 5 seconds of processor time, where none takes longer with the code as it is.

## Result
"""

LEGEND = """\
*argued* are survivors for which there is a reason below why no test can notice them, or need not; *open* are the
others. Of each survivor the changed lines are shown, and its function.

- *not run*, where it is not 0: the run was cut short, and the score is that of the mutants of the quickest tests,
  which are run first.
- *equivalent*: the mutant computes the same, whatever it is given.
- *unreachable*: it differs only where the arguments cannot be, because a caller has checked them.
- *performance*: it does more work for the same result.
- *rounding*: it moves a threshold of rounding by one unit, at a point that float64 numbers hit with a chance of about
  2⁻⁵³.
- *message*: it changes the text of an error only."""
