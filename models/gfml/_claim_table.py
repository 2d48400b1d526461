"""The paper's claims and the verdicts on them, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from models.gfml._evidence import counted
from models.gfml._report import show_fitting
from models.gfml._verdicts import HELD, NOT_HELD, NOT_MEASURED, UNDECIDED
from solvers._tables import Cell

if TYPE_CHECKING:
    from models.gfml._verdicts import Verdict

COLOURS = {HELD: "green", NOT_HELD: "red", UNDECIDED: "yellow", NOT_MEASURED: "dim"}


def measured(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those for which all was played that they need."""
    return [verdict for verdict in verdicts if verdict.verdict != NOT_MEASURED]


def show_claims(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The claims with what was measured, and how many were not."""
    if found := measured(verdicts):
        heads = ["source", "claim", "paper", "ours", "verdict"]
        rows: list[Sequence[Cell]] = [
            [
                verdict.claim.source,
                verdict.claim.statement,
                _with_unit(signed(verdict.paper), verdict),
                _with_unit(interval(verdict), verdict),
                coloured(verdict),
            ]
            for verdict in found
        ]
        show_fitting(console, "Claims of the paper", heads, rows, spare=(0, 2), folded=1)
    if left_out := len(verdicts) - len(found):
        need = "needs a sweep" if left_out == 1 else "need sweeps"
        console.print(Text(f"{counted(left_out, 'more claim')} {need}, or frameworks that were not played."))


def _with_unit(text: str, verdict: Verdict) -> str:
    return text if text == "-" else f"{text} {verdict.claim.unit}".rstrip()


def coloured(verdict: Verdict) -> Text:
    """The verdict in its colour."""
    return Text(verdict.verdict, COLOURS[verdict.verdict])


def signed(value: float | None) -> str:
    """Four digits and a sign."""
    return "-" if value is None else f"{value:+.4g}"


def interval(verdict: Verdict) -> str:
    """The number that decides, and its interval."""
    if verdict.ours is None:
        return "-"
    if verdict.low is None or verdict.high is None:
        return signed(verdict.ours)
    return f"{signed(verdict.ours)} [{signed(verdict.low)}, {signed(verdict.high)}]"
