"""What every benchmark prints: tables for a terminal and for Markdown, the machine, and files written whole."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

QUIET = 0.9  # of a CPU: below it, times say as much about other programs

Body = Sequence[Sequence[str]]


def print_table(console: Console, title: str, columns: Sequence[str], body: Body, numbers: Collection[str]) -> None:
    """Prints a table; columns among `numbers` are aligned to the right."""
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for line in body:
        table.add_row(*line)
    console.print(table)


def pipes(columns: Sequence[str], body: Body, numbers: Collection[str]) -> str:
    """The same table in Markdown."""
    rule = ["---:" if column in numbers else "---" for column in columns]
    return "\n".join("| " + " | ".join(line) + " |" for line in [columns, rule, *body])


def machine(packages: Sequence[str]) -> Mapping[str, object]:
    """What the numbers were measured on."""
    found = {name: release for name in packages if (release := _version(name))}
    return {"cpu": _cpu(), "cpus": os.cpu_count(), "python": platform.python_version(), **found}


def machine_line(packages: Sequence[str], share: float) -> str:
    """The machine in a sentence, with a warning where measured calls had a small `share` of their CPU."""
    facts = [f"{name} {value}" for name, value in machine(packages).items() if value is not None]
    warning = f" The machine was busy: one call got {share:.0%} of a CPU." if share < QUIET else ""
    return f"Measured on: {', '.join(facts)}.{warning}"


def write(destination: str, text: str) -> None:
    """Writes a whole file or, for -, to standard output."""
    if destination == "-":
        sys.stdout.write(text)
        return
    path = Path(destination)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as stream:
        stream.write(text)
    Path(stream.name).replace(path)


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
