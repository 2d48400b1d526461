"""Rows and targets as a terminal table, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console

from benchmarks.measure import GOLDEN, MISS, OURS, Row
from benchmarks.report import machine, machine_line, pipes, print_table

COLUMNS = (
    "family", "n", "method", "time", "ratio", "first call", "runs", "missed", "worst loss", "gap", "passes",
    "peak memory", "certificates",
)  # fmt: skip
TARGET_COLUMNS = ("target", "asked", "measured", "met")
NUMBERS = frozenset(COLUMNS) - {"family", "method"}
GIB = 2.0**30
PACKAGES = ("numpy", "scipy", "numba", "sympy", "cvxpy", "pyomo", "casadi")

NOTES = (
    "time: median of warm calls, the game prepared; one thread. ratio: to certeq solve. first call: for certeq from "
    "expressions and columns to the answer; for the others what they prepare once per game and one call, after "
    "certeq has derived it. missed: runs whose price brings the leader less than certeq's upper bound by more than "
    f"{MISS:g} of it; worst loss: the largest such share. gap, passes: the largest. peak memory: of a process that "
    "draws, declares and solves. certificates: answers that verification.certify accepts at 1e-9 of each player's "
    "payoffs. CVXPY solves to the tight tolerances of ConvexFollowers; SciPy and bisection search on certeq's closed "
    "form."
)


@dataclass(frozen=True)
class Target:
    """A number that was asked for and the one that was measured; `met` is None where it was not."""

    name: str
    asked: str
    measured: str
    met: bool | None
    binding: bool = False  # decides the exit status

    @property
    def verdict(self) -> str:
        """Whether it is met, in a word."""
        return {True: "yes", False: "NO", None: "-"}[self.met]


# --- targets -------------------------------------------------------------------------------------------------------


def figure_targets(rows: Sequence[Row]) -> Iterator[Target]:
    """The targets that the rows decide."""
    mine = [row for row in rows if row.method == OURS]
    gap = max(_known(row.worst_gap) for row in mine)
    yield Target("relative gap, largest", "<= 1e-9", f"{gap:.1e}", gap <= 1e-9, binding=True)
    passes = max(int(_known(row.passes)) for row in mine if row.n > 64)  # below, every kink is looked at
    yield Target("passes of branch and bound, most", "<= 40", str(passes), passes <= 40)
    missed, runs = sum(row.missed for row in mine), sum(row.runs for row in mine)
    yield Target("global optimum missed", "0", f"{missed} of {runs}", missed == 0, binding=True)
    failures, tried = sum(row.certificate_failures or 0 for row in mine), sum(row.certified for row in mine)
    yield Target("certificates lost, n <= 1000", "0", f"{failures} of {tried}", failures == 0, binding=True)
    for n, limit in ((1000, 2e-3), (100_000, 0.1), (1_000_000, 1.0)):
        taken = max(_known(row.seconds) for row in mine if row.n == n)
        yield Target(f"time at n = {n:,}, warm", f"<= {_duration(limit)}", _duration(taken), taken <= limit)
    peaks = [row.peak_bytes for row in mine if row.peak_bytes]
    shown, met = (_memory(max(peaks)), max(peaks) < GIB) if peaks else ("not run: no /proc/self/status", None)
    yield Target("peak memory at n = 1,000,000", "< 1.00 GiB", shown, met)
    yield _speed_target(rows)


def _speed_target(rows: Sequence[Row]) -> Target:
    title = "golden section with CVXPY over certeq solve, n = 1,000"
    golden = [row for row in rows if row.method == GOLDEN and row.n == 1000]
    ratios = [ratio for row in golden if (ratio := _ratio(row, rows)) is not None]
    if not ratios:
        return Target(title, ">= 100x", f"not run: {golden[0].note}", None)
    return Target(title, ">= 100x", f"{min(ratios):.0f}x", min(ratios) >= 100)


def _known(figure: float | None) -> float:
    if figure is None:
        raise ValueError("a figure of certeq's own row is missing")
    return figure


def _ratio(row: Row, rows: Sequence[Row]) -> float | None:
    base = next(r.seconds for r in rows if (r.family, r.n, r.method) == (row.family, row.n, OURS))
    return None if row.seconds is None or base is None else row.seconds / base


# --- how it is shown -----------------------------------------------------------------------------------------------


def terminal(console: Console, rows: Sequence[Row], targets: Sequence[Target]) -> None:
    """Prints both tables."""
    lines = [_cells(row, rows) for row in rows]
    for title, columns, body in (
        ("Stackelberg games", COLUMNS, lines),
        ("Targets", TARGET_COLUMNS, [_target_cells(target) for target in targets]),
    ):
        print_table(console, title, columns, body, NUMBERS)
    console.print(NOTES, highlight=False)
    console.print(machine_line(PACKAGES, _share_of_cpu(rows)), highlight=False)


def markdown(rows: Sequence[Row], targets: Sequence[Target]) -> str:
    """Both tables as they stand in the README."""
    body = [_cells(row, rows) for row in rows]
    tables = [
        pipes(COLUMNS, body, NUMBERS),
        pipes(TARGET_COLUMNS, [_target_cells(target) for target in targets], NUMBERS),
    ]
    return "\n\n".join([*tables, NOTES, machine_line(PACKAGES, _share_of_cpu(rows))]) + "\n"


def document(rows: Sequence[Row], targets: Sequence[Target]) -> dict[str, object]:
    """Everything measured, for machines."""
    return {
        "machine": machine(PACKAGES),
        "rows": [{**asdict(row), "ratio": _ratio(row, rows)} for row in rows],
        "targets": [asdict(target) for target in targets],
    }


def _share_of_cpu(rows: Sequence[Row]) -> float:
    """The median share of its time that a measured call spent computing; other programs had the rest."""
    return median(row.cpu_seconds / row.seconds for row in rows if row.seconds and row.cpu_seconds is not None)


def _cells(row: Row, rows: Sequence[Row]) -> list[str]:
    start = [row.family, f"{row.n:,}", row.method]
    if row.note:
        return [*start, f"not run: {row.note}", *[""] * (len(COLUMNS) - 4)]
    ratio = _ratio(row, rows)
    return [
        *start,
        _duration(_known(row.seconds)),
        f"{ratio:.2g}x" if ratio is not None and ratio < 10 else f"{ratio:,.0f}x",
        _duration(_known(row.first_seconds)),
        str(row.runs),
        f"{row.missed} ({row.missed / row.runs:.0%})",
        f"{max(_known(row.worst_loss), 0.0):.1e}",
        "" if row.worst_gap is None else f"{row.worst_gap:.1e}",
        "" if row.passes is None else str(row.passes),
        "" if row.peak_bytes is None else _memory(row.peak_bytes),
        "" if row.certificate_failures is None else f"{row.certified - row.certificate_failures} of {row.certified}",
    ]


def _target_cells(target: Target) -> list[str]:
    return [target.name, target.asked, target.measured, target.verdict]


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def _memory(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
