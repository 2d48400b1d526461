"""`python -m verification crosscheck`: games from files through every solver that applies."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from solvers._command import BadInput, Outputs, Parser, deliver, exit_status, json_file, outputs, progress
from verification._opinions import Opinion, Opinions, opinions, rows

if TYPE_CHECKING:
    from rich.console import Console

    from solvers._tables import Cell

SECONDS = 20.0
MOST_SECONDS = 1e6
HEADS = ("solver", "answer", "certificate", "seconds", "agreement")


@dataclass(frozen=True)
class CrosscheckReport:
    """What all solvers make of all games."""

    games: tuple[Opinions, ...]
    seconds: float

    @property
    def stands(self) -> bool:
        """Whether the solvers agree on each game, and nobody claims what does not hold."""
        return all(game.agree for game in self.games)

    def json(self) -> Iterator[str]:
        """Pieces of one JSON document."""
        document = {"agree": self.stands, "games": [game.json() for game in self.games], "seconds": self.seconds}
        yield json.dumps(document, indent=1, allow_nan=False) + "\n"

    def print(self, console: Console) -> None:
        """A table for each game, and what follows."""
        from rich.text import Text

        from solvers._tables import show, titled

        for game in self.games:
            cells = [_coloured(row, opinion) for row, opinion in zip(rows(game), game.opinions, strict=True)]
            show(console, *titled(f"{game.file} ({game.kind})", HEADS, cells))
            for sentence in (game.answered(), *game.sentences):
                console.print(Text(sentence))

    def html(self) -> bytes:
        """A page that needs no network."""
        from verification import _html

        parts = []
        for game in self.games:
            parts += [f"<h2>{escape(game.file)} ({game.kind})</h2>"]
            parts += [_html.table(HEADS, [[escape(cell) for cell in row] for row in rows(game)])]
            parts += [f"<p>{escape(sentence)}</p>" for sentence in (game.answered(), *game.sentences)]
        return _html.page("One game, every solver", parts)


def _coloured(row: tuple[str, ...], opinion: Opinion) -> tuple[Cell, ...]:
    from rich.text import Text

    solver, answer, certificate, *rest = row
    colour = {True: "green", False: "yellow" if opinion.local else "red", None: ""}[opinion.certified]
    missing = answer.startswith("not run")
    return solver, Text(answer, "yellow" if missing else ""), Text(certificate, colour), *rest


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m verification crosscheck",
        description="Games from files through every solver that applies, ours and others, each claim certified.",
        epilog="Exit status: 0 the solvers agree, 1 they do not or one claims what does not hold, 2 bad input.",
    )
    parser.add_argument(
        "game", metavar="GAME", nargs="+", help=".nfg, .json (two-player or hedonic), or scenario .toml"
    )
    parser.add_argument(
        "--time-limit", metavar="S", type=float, default=SECONDS, help=f"a solver; default: {SECONDS:g}"
    )
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    parser.add_argument("--html", metavar="P", help="write a page that needs no network")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(_parser().parse_args(arguments)))


def _answer(options: argparse.Namespace) -> int:
    if not 0 < options.time_limit <= MOST_SECONDS or math.isnan(options.time_limit):
        raise BadInput(f"--time-limit must be within 0 and {MOST_SECONDS:g} seconds, got {options.time_limit:g}")
    wanted = [(options.json, json_file), (options.html, CrosscheckReport.html)]
    files: Outputs[CrosscheckReport] = outputs(wanted, options.game)
    start, games = time.perf_counter(), []
    with progress() as step:
        for k, path in enumerate(options.game):
            step(f"{path}: asking every solver")(k, len(options.game))
            games.append(opinions(path, time_limit=options.time_limit))
    return deliver(CrosscheckReport(tuple(games), time.perf_counter() - start), files, as_json=options.json == "-")
