"""What every report shows alike: titled tables, numbers, verdicts, and the certificate for people and for scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from rich import box
from rich.table import Table

from solvers.core import Evidence

Titled: TypeAlias = tuple[str, Table]


def titled(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Titled:
    """A table under its title; long cells are folded, and empty heads take no room."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(heads))
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return title, table


def number(value: float) -> str:
    """Eight digits of it."""
    return f"{value:.8g}"


def mark(holds: bool) -> str:
    """The verdict in its colour."""
    return "[green]holds[/green]" if holds else "[red]does not hold[/red]"


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


def certificate_sentence(certificate: Evidence) -> str:
    """The certificate in words."""
    return (
        f"Certificate ({certificate.concept}): no player gains more than {float(certificate.residual):.3g} by "
        f"deviating (tolerance {certificate.tolerance:.3g}): {mark(certificate.holds)}"
    )
