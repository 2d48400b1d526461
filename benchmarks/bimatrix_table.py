"""The lines of bench_bimatrix for a terminal, for Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import median

from rich.console import Console

from benchmarks.bimatrix_pairs import OURS, Line, Tally
from benchmarks.bimatrix_survey import Count, total
from benchmarks.report import machine, machine_line, pipes, print_table

FAILED = {OURS: "failures: certeq", "quantecon": "quantecon", "gambit": "gambit", "nashpy": "nashpy"}
COLUMNS = ("case", "peer", "games", "certeq", "peer's", "ratio", "paired", "asked", "met", *FAILED.values())
DETAIL = ("wrong or no profiles", *FAILED)
NUMBERS = frozenset((*COLUMNS, *DETAIL)) - {"case", "peer", "met", DETAIL[0]}
PACKAGES = ("numpy", "numba", "python-flint", "quantecon", "pygambit", "nashpy")

NOTES = (
    "certeq, peer's: median CPU time of a call over the drawn games, each prepared unless the case says otherwise; in "
    "one process, in turns, on one thread. ratio: of the medians, the peer's over certeq's; >= means that a limit cut "
    "some of the peer's calls short. paired: the median of the ratios game by game. (+k): left out, games whose path "
    "has more pivots than the case says, or for which nashpy has no equilibrium within 3 s. failures: calls that gave "
    "no profile, or one that fails verification.certify (regret over 1e-9 of a player's payoff range, or 1e-9 off the "
    "probabilities; exact ones: over 0); the survey gives gambit (lcp in floats) 2 s a game, nashpy 0.5 s."
)


def terminal(console: Console, lines: Sequence[Line], counts: Sequence[Count]) -> None:
    """Prints the tables."""
    print_table(console, "Bimatrix games", COLUMNS, [_cells(line) for line in lines], NUMBERS)
    print_table(console, "Failures in the survey", DETAIL, _detail(counts), NUMBERS)
    console.print(NOTES, highlight=False)
    console.print(machine_line(PACKAGES, _share(lines)), highlight=False)


def markdown(lines: Sequence[Line], counts: Sequence[Count]) -> str:
    """The tables as they stand in the README."""
    tables = [
        pipes(COLUMNS, [_cells(line) for line in lines], NUMBERS),
        pipes(DETAIL, _detail(counts), NUMBERS),
    ]
    return "\n\n".join([*tables, NOTES, machine_line(PACKAGES, _share(lines))]) + "\n"


def document(lines: Sequence[Line], counts: Sequence[Count]) -> Mapping[str, object]:
    """Everything measured, for machines."""
    return {
        "machine": machine(PACKAGES),
        "lines": [asdict(line) for line in lines],
        "survey": [asdict(count) for count in counts],
    }


def _cells(line: Line) -> list[str]:
    failures = [str(line.failures.get(solver, Tally())) for solver in FAILED]
    met = {True: "yes", False: "NO", None: ""}[line.met]
    if line.note:
        numbers = ["not measured: " + line.note, *[""] * 3]
    else:
        numbers = [
            _duration(line.seconds),
            _duration(line.peer_seconds),
            (">= " if line.at_least else "") + _times(line.ratio),
            _times(line.paired),
        ]
    games = f"{line.problems:,}" + (f" (+{line.left_out:,})" if line.left_out else "")
    return [line.case, line.peer, games, *numbers, line.asked, met, *failures]


def _detail(counts: Sequence[Count]) -> list[list[str]]:
    """Family by family over all changes, then change by change over all families."""
    by: tuple[Callable[[Count], str], ...] = (lambda count: count.family, lambda count: count.change)
    body = []
    for key in by:
        for name in dict.fromkeys(map(key, counts)):
            failures = total([count for count in counts if key(count) == name])
            body.append([name, *(str(failures.get(solver, Tally())) for solver in FAILED)])
    return body


def _share(lines: Sequence[Line]) -> float:
    return median([line.share for line in lines if line.share is not None] or [1.0])


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2g}x" if ratio < 10 else f"{ratio:,.0f}x"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"
