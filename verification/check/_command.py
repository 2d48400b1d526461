"""`python -m verification check`: certificates from files, verified again without any solver."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from verification.check import BadCertificate, Checked, check

LOOSE = 1e-6  # of payoffs: tolerances beyond it are pointed out
WIDTH = 140  # of tables that go to a file or a pipe


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are raised, to be shown as one line."""

    def error(self, message: str) -> NoReturn:
        raise BadCertificate(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m verification check",
        description="Certificates from files, verified again from the files alone: no solver is imported.",
        epilog="Exit status: 0 every claim holds, 1 one does not, or was not decided, 2 bad input, 130 interrupted.",
    )
    parser.add_argument("certificate", metavar="P", nargs="+", help="what --certificate P of a command has written")
    parser.add_argument("--json", metavar="P", help="write the verdicts as JSON to P, or to standard output for -")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    try:
        return _answer(_parser().parse_args(arguments))
    except BadCertificate as problem:
        _complain(str(problem))
    except KeyboardInterrupt:
        _complain("interrupted; nothing was written")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:
        _complain(f"cannot write {problem.filename or 'standard output'}: {problem.strerror or problem}")
    return 2


def _complain(problem: str) -> None:
    line = " ".join(problem.split())
    shown = "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)
    print(f"error: {shown.encode('utf-8', 'backslashreplace').decode()}", file=sys.stderr)


def _answer(options: argparse.Namespace) -> int:
    out = options.json
    if out not in (None, "-"):
        _check_output(Path(out), options.certificate)
    found = [check(path) for path in options.certificate]
    holds = all(checked.holds for checked in found)
    text = json.dumps({"holds": holds, "certificates": [checked.json() for checked in found]}, indent=1) + "\n"
    if out == "-":
        sys.stdout.write(text)
    else:
        if out is not None:
            _write(Path(out), text)
        for checked in found:
            _print(checked)
    sys.stdout.flush()
    return 0 if holds else 1


def _check_output(path: Path, inputs: list[str]) -> None:
    folder = path.parent.is_dir() and os.access(path.parent, os.W_OK)
    if not folder or path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadCertificate(f"output must be a file in a folder that can be written, got {path}")
    if path.resolve() in [Path(given).resolve() for given in inputs]:
        raise BadCertificate("an output must be a file of its own, and none of the inputs")


def _write(path: Path, text: str) -> None:
    """The file appears whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    draft = Path(file.name)
    mask = os.umask(0)
    os.umask(mask)
    draft.chmod(0o666 & ~mask)
    draft.replace(path)


def _print(checked: Checked) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(Text(_title(checked), "bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in Checked.HEADS:
        table.add_column(head, overflow="fold")
    colours = {True: "green", False: "red", None: "yellow"}
    for verdict, row in zip(checked.verdicts, checked.rows(), strict=True):
        cells: list[Any] = [Text(cell) for cell in row]
        cells[1].stylize(colours[verdict.holds])
        table.add_row(*cells)
    console.print(table)
    if any(verdict.share is not None and verdict.share > LOOSE for verdict in checked.verdicts):
        loose = f"a tolerance is more than {LOOSE:g} of a player's payoffs: such a claim says little, proved or not"
        console.print(Text(loose, "yellow"))
    count = sum(verdict.holds is True for verdict in checked.verdicts)
    whole = f"{count} of {len(checked.verdicts)} claims proved from the file alone, in {checked.seconds:.2f} s"
    console.print(Text(whole, "green" if checked.holds else "red"))


def _title(checked: Checked) -> str:
    source = f", from {checked.source['file']}" if checked.source and "file" in checked.source else ""
    return f"{checked.name}: {checked.kind}{f', {checked.title}' if checked.title else ''}{source}"
