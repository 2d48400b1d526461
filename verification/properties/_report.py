"""What became of every property, for people, for scripts, and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from solvers._tables import finite
from verification.properties._run import Tried

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 100  # columns of a terminal from which statements are shown
HEADS = ("property", "family", "equation", "statement", "examples", "worst", "allowed", "seconds", "verdict")


@dataclass(frozen=True)
class PropertiesReport:
    """All properties that were asked for, and what a run came to; `folder` keeps it."""

    tries: tuple[Tried, ...]
    seed: int
    seconds: float
    folder: str

    @property
    def stands(self) -> bool:
        """Whether none fails, and some were tried."""
        verdicts = {tried.verdict for tried in self.tries}
        return "holds" in verdicts and "fails" not in verdicts

    def json(self) -> Iterator[str]:
        """Pieces of one JSON document."""
        document = {
            "stands": self.stands,
            "seed": self.seed,
            "seconds": self.seconds,
            "folder": self.folder,
            "properties": [_json(tried) for tried in self.tries],
        }
        yield json.dumps(document, indent=1, allow_nan=False) + "\n"

    def print(self, console: Console) -> None:
        """A row for each property, the failures after them, and the whole in a sentence."""
        from rich.text import Text

        from solvers._tables import show, titled

        wide = console.width >= WIDE
        rows = [_row(tried) if wide else _narrow(_row(tried)) for tried in self.tries]
        show(console, *titled("Properties", HEADS if wide else _narrow(HEADS), rows))
        for tried in self.tries:
            if tried.failure:
                console.print(Text(f"{tried.of.name}: {tried.failure.problem}", "red"), soft_wrap=True)
                console.print(Text(f"  {tried.failure.example}"), soft_wrap=True)
                if tried.failure.file:
                    console.print(Text(f"  {tried.failure.command or tried.failure.file}", "bold"), soft_wrap=True)
        console.print(Text(self.sentence(), "green" if self.stands else "red"))

    def sentence(self) -> str:
        """How many hold, fail and were not tried."""
        counts = {
            verdict: sum(tried.verdict == verdict for tried in self.tries)
            for verdict in ("holds", "fails", "not run", "not tried")
        }
        words = {"holds": "hold", "fails": "fail", "not run": "not run", "not tried": "not tried"}
        counted = ", ".join(f"{count} {words[verdict]}" for verdict, count in counts.items() if count)
        examples = sum(tried.examples for tried in self.tries)
        return f"{counted}; {examples:,} examples in {self.seconds:.1f} s, seed {self.seed}; kept in {self.folder}"

    def html(self) -> bytes:
        """A page that needs no network."""
        from verification import _html

        rows = [_html_row(tried) for tried in self.tries]
        parts = [f"<p>{escape(self.sentence())}.</p>", _html.table(HEADS, rows)]
        for tried in self.tries:
            if tried.failure:
                parts.append(f"<h2>{escape(tried.of.name)}: {escape(tried.failure.problem)}</h2>")
                parts.append(f"<p>{_html.prose(tried.of.statement)}</p><pre>{escape(tried.failure.example)}</pre>")
                parts.append(f"<pre>{escape(tried.failure.command or tried.failure.file)}</pre>")
        return _html.page("Properties of the solvers", parts)


def _json(tried: Tried) -> dict[str, Any]:
    return {
        "name": tried.of.name,
        "family": tried.of.family,
        "equation": tried.of.equation,
        "statement": tried.of.statement,
        "wanted": tried.wanted,
        "examples": tried.examples,
        "worst": finite(tried.worst),
        "tolerance": tried.of.tolerance,
        "seconds": tried.seconds,
        "verdict": tried.verdict,
        "not_run": tried.not_run,
        "failure": None if tried.failure is None else asdict(tried.failure),
    }


def _cells(tried: Tried) -> tuple[str, ...]:
    of = tried.of
    numbers = (f"{tried.examples:,}", f"{tried.worst:.2g}", f"{of.tolerance:.2g}", f"{tried.seconds:.2f}")
    return of.name, of.family, of.equation, tried.not_run or of.statement, *numbers


def _row(tried: Tried) -> tuple[Any, ...]:
    from rich.text import Text

    colour = {"holds": "green", "fails": "red"}.get(tried.verdict, "yellow")
    return *_cells(tried), Text(tried.verdict, colour)


def _narrow(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without family, equation and statement."""
    return cells[:1] + cells[4:]


def _html_row(tried: Tried) -> list[str]:
    from verification import _html

    name, family, equation, statement, *numbers = _cells(tried)
    verdict = _html.marked(tried.verdict, good=tried.verdict == "holds")
    return [escape(name), family, escape(equation), _html.prose(statement), *numbers, verdict]
