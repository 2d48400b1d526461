"""Mutation testing of the checkers and the kernels: how many small faults, planted one by one, the tests notice.

    python -m benchmarks.mutation [--group NAME]... [--jobs N] [--json P] [--markdown P] [--read P]... [--keep FOLDER]

For each group of source files the tree is copied to a folder of its own, and mutmut plants the faults there; the
working tree is never changed. Numba's compiler is off, so that mutants of kernels run as Python. `raise` statements are
left alone: they are the text of error messages. The exit status is 1 if a group's share of killed mutants is below its
threshold, and 2 if a group could not be run.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.mutation_groups import GROUPS, Group
from benchmarks.mutation_results import LEFT, MISSED, NOTICED, Mutant, Result, document, page, show
from benchmarks.mutation_source import changes, functions, undecorated
from benchmarks.report import write

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("solvers", "models", "verification", "benchmarks", "tests")
SECTION = "[tool.mutmut]\n"
STATUS = {0: "survived", 1: "killed", 3: "killed", 5: "no tests", 33: "no tests", 36: "timeout", 255: "timeout"}
SIGNALLED = {-24: "timeout", 24: "timeout", 152: "timeout", -11: "killed", -9: "timeout"}
# Without the collector of cycles: in a process for each mutant it would first copy all that was loaded before.
START = "import gc, sys; gc.disable(); from mutmut.__main__ import cli; sys.argv[0] = 'mutmut'; cli()"

# Drawn games are the same for every mutant, and a failure is not made smaller: that it fails is all that counts. A test
# that takes longer than any does with the code as it is ends its process with the status that mutmut has for it;
# processor time is counted, so that a busy machine kills no mutant.
# What the mutated modules keep was computed before the mutant was there.
CONFTEST = """\
import os, signal, sys
import pytest
from hypothesis import HealthCheck, Phase, settings

os.environ["MPLBACKEND"] = "Agg"
settings.register_profile(
    "mutation", max_examples=25, deadline=None, derandomize=True, database=None, report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutation")
fewer = settings()
signal.signal(signal.SIGPROF, lambda *_: os._exit(36))


def pytest_collection_finish():
    for module in filter(None, map(sys.modules.get, MODULES)):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
"""
SECONDS = 5  # of processor time for one test


class CannotRun(Exception):
    """A group could not be run; the text says why."""


def examined(group: Group, folder: Path, jobs: int) -> Result:
    """The result of mutmut on a copy of the tree in `folder`, which must be empty."""
    _copy(group, folder)
    patterns = [f"*.x*{name}__mutmut_*" for name in group.only]
    command = [sys.executable, "-c", START, "run", "--max-children", str(jobs), *patterns]
    log = folder / "mutmut.log"
    with log.open("w") as output:
        ended = subprocess.run(
            command, cwd=folder, env=_environment(), stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if ended.returncode:
        raise CannotRun(f"mutmut ended with status {ended.returncode}: {_tail(log)}")
    mutants = [mutant for source in group.sources for mutant in _mutants(folder, source, patterns)]
    unknown = [mutant.name for mutant in mutants if mutant.status not in (*NOTICED, *MISSED)]
    if unknown:
        raise CannotRun(f"{len(unknown)} mutants were not run, {unknown[0]} among them: {_tail(log)}")
    return Result.of(group, mutants)


def _copy(group: Group, folder: Path) -> None:
    others = {path.name for path in (ROOT / "tests").glob("test_*.py")} - {
        test.partition("::")[0] for test in group.tests
    }
    without = shutil.ignore_patterns("__pycache__", "*.pyc", *others)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=without)
    for source in group.sources:
        path = folder / source
        path.write_text(undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "tests" / "conftest.py").write_text(conftest(group), encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if settings.count(SECTION) != 1:
        raise CannotRun(f"pyproject.toml must have one section {SECTION.strip()}, got {settings.count(SECTION)}")
    tests = [f"tests/{name}" for name in group.tests]
    chosen = f"only_mutate = {json.dumps(group.sources)}\npytest_add_cli_args_test_selection = {json.dumps(tests)}\n"
    (folder / "pyproject.toml").write_text(settings.replace(SECTION, SECTION + chosen), encoding="utf-8")


def conftest(group: Group) -> str:
    """The settings of pytest for the copy."""
    modules = [source.removesuffix(".py").replace("/", ".") for source in group.sources]
    return CONFTEST.replace("SECONDS", str(SECONDS)).replace("MODULES", repr(modules))


def _environment() -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    # The working tree must not be found on the way to the copy; plug-ins of pytest would be started for every mutant.
    alone = {"PYTHONPATH": "", "PYTHONHASHSEED": "0", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return os.environ | one_thread | alone | {"NUMBA_DISABLE_JIT": "1"}


def _mutants(folder: Path, source: str, patterns: Sequence[str]) -> Iterator[Mutant]:
    meta = json.loads((folder / "mutants" / f"{source}.meta").read_text(encoding="utf-8"))
    texts = functions((folder / "mutants" / source).read_text(encoding="utf-8"))
    for name, code in meta["exit_code_by_key"].items():
        if patterns and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            continue
        own = name.rpartition(".")[2]
        original = texts[own.rpartition("__mutmut_")[0] + "__mutmut_orig"]
        status = LEFT if code is None else STATUS.get(code) or SIGNALLED.get(code, f"status {code}")
        yield Mutant(name, status, changes(original, texts[own]))


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()[-12:])


@contextmanager
def _folder(kept: Path | None, name: str) -> Iterator[Path]:
    """An empty folder for one group: a temporary one, or one that stays."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="mutation-") as temporary:
            yield Path(temporary)
        return
    folder = kept.resolve() / name
    if folder.is_relative_to(ROOT):
        raise CannotRun(f"--keep must name a folder outside {ROOT}, got {folder}")
    if folder.exists():
        raise CannotRun(f"--keep must not hold {name} already, got {folder}")
    folder.mkdir(parents=True)
    yield folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the groups that are asked for, all by default; the exit status."""
    names = [group.name for group in GROUPS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--group", action="append", choices=names, help="a group; may be repeated (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="mutants that are tested at the same time (default: 1)")
    parser.add_argument("--json", metavar="P", help="write the results to P, - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the page of the documentation to P")
    parser.add_argument(
        "--read",
        action="append",
        default=[],
        type=Path,
        metavar="P",
        help="results of an earlier run, written by --json, instead of running their groups again",
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the copies in FOLDER, outside the tree")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs must be at least 1, got {options.jobs}")
    earlier = [Result.read(saved) for path in options.read for saved in json.loads(path.read_text(encoding="utf-8"))]
    results = {result.name: result for result in earlier}
    console = Console(stderr=True)
    for group in GROUPS:
        if group.name not in (options.group or names) or group.name in results:
            continue
        console.print(f"{group.name}: {', '.join(group.sources)}", highlight=False)
        try:
            with _folder(options.keep, group.name) as folder:
                results[group.name] = examined(group, folder, options.jobs)
        except CannotRun as error:
            console.print(f"error: {group.name}: {error}", markup=False, highlight=False, soft_wrap=True)
            return 2
    found = [results[name] for name in names if name in results]
    show(found, Console())
    for destination, text in ((options.json, document), (options.markdown, page)):
        if destination:
            write(destination, text(found))
    return 0 if all(result.met for result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
