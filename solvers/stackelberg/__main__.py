"""`python -m solvers.stackelberg`: declare, derive, prove, solve, certify, draw."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from solvers.core import NotSolved

if TYPE_CHECKING:
    from solvers.stackelberg._convex import Comparison
    from solvers.stackelberg._game import StackelbergGame
    from solvers.stackelberg._report import Report

    Outputs: TypeAlias = list[tuple[Path, Callable[[Report], bytes]]]

SCENARIOS = sorted(path.stem for path in Path(__file__).with_name("scenarios").glob("*.toml"))
TOLERANCE = 1e-9  # of each player's payoffs, as large as they are


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _BadInput(message)


class _BadInput(Exception):
    """Something the user can mend; shown as one line."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m solvers.stackelberg",
        description="Derive and prove a Stackelberg game's KKT cases, and solve it to a certified global optimum.",
        epilog=f"Bundled scenarios: {', '.join(SCENARIOS)}. Exit status: 0 solved and certified, 1 not, 2 bad input.",
    )
    parser.add_argument("scenario", nargs="?", default="gfml", help="a bundled name or a TOML file (default: gfml)")
    parser.add_argument("--followers", metavar="CSV", help="a CSV or Parquet file in place of the scenario's own")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="another value of a parameter")
    parser.add_argument("--check", choices=["fast", "cvxpy"], default="fast", help="cvxpy: ask its solvers as well")
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    parser.add_argument("--latex", metavar="P", help="write the case table as a LaTeX document")
    parser.add_argument("--plot", metavar="P", help="draw the leader's utility and the cases (.png, .svg or .pdf)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    if sys.stdout is None or sys.stderr is None:
        return 2  # closed by the caller: nobody to tell
    try:
        options = _parser().parse_args(arguments)
        return _answer(options)
    except _BadInput as problem:
        print(f"error: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error: interrupted; nothing was written", file=sys.stderr)
        return 130
    except NotSolved as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:
        print(f"error: cannot write: {problem.strerror or problem}", file=sys.stderr)
    return 2


def _answer(options: argparse.Namespace) -> int:
    from solvers.core import InvalidGame

    outputs = _outputs(options)
    try:
        if options.plot:
            from solvers.stackelberg._plot import check_format

            check_format(Path(options.plot))
        report = _solve(options)
    except InvalidGame as problem:
        raise _BadInput(" ".join(str(problem).split())) from None
    for path, content in outputs:
        _write(path, content(report))
    if options.json == "-":
        sys.stdout.writelines(report.json())
        sys.stdout.flush()
    else:
        from rich.console import Console

        report.print(Console(soft_wrap=False, width=None if sys.stdout.isatty() else 140))
    return 0 if report.stands else 1


def _solve(options: argparse.Namespace) -> Report:
    from solvers.stackelberg._local import bisection, bounded
    from solvers.stackelberg._prove import prove
    from solvers.stackelberg._report import Report
    from solvers.stackelberg._scenario import load
    from solvers.stackelberg._solve import solve
    from verification import certify

    start = time.perf_counter()
    with _progress() as step:
        reading = step("reading followers")
        game = load(options.scenario, followers=options.followers, parameters=_settings(options.set), progress=reading)
        step("deriving the cases")
        table = game.cases
        step("proving them")
        proof = prove(table)
        step("finding the price")
        solution = solve(game)
        profile = solution.profiles[0]
        step("certifying")
        certificate = certify(game, profile, tolerance=TOLERANCE * game.magnitudes(profile))
        step("trying local methods")
        local = (bisection(game.among(profile)), bounded(game.among(profile)))
        checks = _checks(game.among(profile), profile.price) if options.check == "cvxpy" else ()
    seconds = time.perf_counter() - start
    return Report(options.scenario, game, solution, certificate, table, proof, local, checks, seconds)


def _checks(game: StackelbergGame, price: float) -> tuple[Comparison, ...]:
    from solvers.stackelberg._convex import compare

    return tuple(compare(game, p) for p in (game.bounds[0], price, game.bounds[1]))


def _settings(pairs: list[str]) -> dict[str, float]:
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            values[name.strip()] = float(text)
        except ValueError:
            raise _BadInput(f"--set must be NAME=VALUE with a number, got {pair[:60]!r}") from None
        if not equals:
            raise _BadInput(f"--set must be NAME=VALUE with a number, got {pair[:60]!r}")
    return values


def _outputs(options: argparse.Namespace) -> Outputs:
    """The files to write and what goes into them, refused before any work where they cannot be written."""
    suffix = Path(options.plot or "").suffix
    wanted: list[tuple[str | None, Callable[[Report], bytes]]] = [
        (options.json, _json),
        (options.latex, _latex),
        (options.plot, lambda report: _picture(report, suffix)),
    ]
    outputs: Outputs = [
        (Path(path), content) for path, content in wanted if path and not (content is _json and path == "-")
    ]
    for path, _ in outputs:
        if (path.exists() and not path.is_file()) or path.is_symlink() or not os.access(path.parent, os.W_OK):
            raise _BadInput(f"output must be a file in a folder that can be written, got {path}")
    used = [Path(p).resolve() for p in (options.scenario, options.followers) if p] + [p.resolve() for p, _ in outputs]
    if len(set(used)) < len(used):
        raise _BadInput("an output must be a file of its own, and none of the inputs")
    return outputs


def _json(report: Report) -> bytes:
    return b"".join(piece.encode() for piece in report.json())


def _latex(report: Report) -> bytes:
    return report.table.latex().encode()


def _picture(report: Report, suffix: str) -> bytes:
    from solvers.stackelberg._plot import picture

    return picture(report.game, report.profile, suffix=suffix)


def _write(path: Path, content: bytes) -> None:
    """The file appears whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        draft = Path(file.name)
        try:
            file.write(content)
            file.close()
            draft.chmod(0o666 & ~_umask())
            draft.replace(path)
        except BaseException:
            draft.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A function that names the next step, and returns one that says how far it is; silent off a terminal."""
    encoding = (sys.stderr.encoding or "").lower().replace("-", "")
    if not (sys.stderr.isatty() and encoding == "utf8"):
        yield lambda _: lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def step(name: str) -> Callable[[int, int], None]:
            progress.update(task, description=name, total=None, completed=0)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield step


if __name__ == "__main__":
    sys.exit(main())
