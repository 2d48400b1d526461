"""What every report shows alike: titled tables, numbers, verdicts, and the certificate for people and for scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from solvers._messages import one_line
from solvers.core import Evidence

TITLE = 120  # characters of a game's title
Cell: TypeAlias = str | Text
Titled: TypeAlias = tuple[str, Table]


def titled(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Titled:
    """A table under its title; long cells are folded, and empty heads take no room.

    Strings are shown as they are, never as rich's markup: they may hold names from the user's files.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(heads))
    for head in heads:
        table.add_column(_text(head), overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    return title, table


def _text(cell: Cell) -> Text:
    """The cell, line by line, without control characters."""
    if isinstance(cell, Text):
        return cell
    return Text("\n".join(one_line(line, len(line)) for line in cell.split("\n")))


def show_title(console: Console, title: str) -> None:
    """Prints what a report is about."""
    console.print(Text(one_line(title, TITLE), "bold"))


def show(console: Console, title: str, table: Table) -> None:
    """Prints a table under its title."""
    console.print()
    console.print(Text(title, "bold"), soft_wrap=True)
    console.print(table)


def number(value: float) -> str:
    """Eight digits of it."""
    return f"{value:.8g}"


def mark(holds: bool) -> Text:
    """The verdict in its colour."""
    return Text("holds", "green") if holds else Text("does not hold", "red")


def finite(value: float | Fraction) -> float | None:
    """JSON has no infinity and no nan."""
    return float(value) if math.isfinite(value) else None


def certificate_json(certificate: Evidence) -> dict[str, Any]:
    """The certificate as scripts depend on it."""
    return {
        "concept": certificate.concept,
        "residual": finite(certificate.residual),
        "tolerance": certificate.tolerance,
        "holds": certificate.holds,
    }


def certificate_sentence(certificate: Evidence, *, way: str = "by deviating") -> Text:
    """The certificate in words; `way` says by which deviations nobody gains."""
    claim = (
        f"Certificate ({certificate.concept}): no player gains more than {float(certificate.residual):.3g} "
        f"{way} (tolerance {certificate.tolerance:.3g}): "
    )
    return Text(claim).append_text(mark(certificate.holds))
