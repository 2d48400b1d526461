"""What has been tried so far, on disk: a run that was killed goes on, a new one starts with past failures."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from solvers._command import BadInput
from verification.properties._attempt import Attempt, Failure

ROOT = Path(__file__).parent.parent.parent
PLAN = '{"plan": '  # how the file begins


class Store:
    """A folder with one line for each batch of examples that is done, below a line that says of which run.

    A line that was cut off by a kill is ignored. Only one run at a time has the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "batches.jsonl"
        self._file: TextIO | None = None

    def past_failures(self) -> set[str]:
        """The names of properties that failed in earlier runs, and have not held since."""
        lines = self.folder / "failed.json"
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(lines.read_text(encoding="utf-8"))
            return {name for name in found if isinstance(name, str)} if isinstance(found, list) else set()
        return set()

    def remember_failures(self, names: set[str]) -> None:
        """Keeps the names for later runs."""
        draft = self.folder / "failed.json.new"
        draft.write_text(json.dumps(sorted(names)), encoding="utf-8")
        draft.replace(self.folder / "failed.json")

    @contextlib.contextmanager
    def open(self, plan: dict[str, Any]) -> Iterator[dict[tuple[str, int], Attempt]]:
        """The batches that an unfinished run of the same plan has done; further ones are kept by `keep`.

        Raises
        ------
        BadInput
            If the folder cannot be written, another run has it, or something else keeps a file of that name there.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+", encoding="utf-8", errors="replace")
        except OSError as problem:
            raise BadInput(f"--store must be a folder that can be written, got {self.folder}: {problem}") from None
        with self._file:
            _lock(self._file, self.folder)
            yield self._resumed(plan)
        self._file = None

    def _resumed(self, plan: dict[str, Any]) -> dict[tuple[str, int], Attempt]:
        assert self._file is not None
        self._file.seek(0)
        text = self._file.read()
        if text and not text.startswith(PLAN):
            raise BadInput(
                f"--store must be a folder of this command, got {self.folder}: {self.path} is something else"
            )
        lines = list(_documents(text))
        if lines and lines[0][1] == {"plan": plan}:
            kept = list(_attempts(lines[1:]))
            self._file.truncate(len(lines[0][0]) + sum(length for length, *_ in kept))  # what is done stays untouched
            return {(attempt.name, batch): attempt for _, batch, attempt in kept}
        self._file.truncate(0)
        self._file.write(json.dumps({"plan": plan}) + "\n")
        self._file.flush()
        return {}

    def fileno(self) -> int:
        """The descriptor of the open file, which processes started from here must close."""
        assert self._file is not None
        return self._file.fileno()

    def keep(self, batch: int, attempt: Attempt) -> None:
        """Adds what a batch came to; it is there even if the process is killed right after."""
        assert self._file is not None
        try:
            self._file.write(json.dumps({"batch": batch, **attempt.json()}) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(self.path)) from problem

    def finish(self) -> None:
        """The run is over: the next one with the same plan starts anew."""
        assert self._file is not None
        self._file.truncate(0)


def _documents(text: str) -> Iterator[tuple[str, Any]]:
    """Each line with what it holds, up to one that was cut off by a kill."""
    for line in text.splitlines(keepends=True):
        try:
            document = json.loads(line)
        except ValueError:
            return
        if not line.endswith("\n"):
            return
        yield line, document


def _attempts(lines: Iterable[tuple[str, Any]]) -> Iterator[tuple[int, int, Attempt]]:
    """The length of each line, its batch and what that came to."""
    for line, document in lines:
        try:
            failure = None if document["failure"] is None else Failure(**document["failure"])
            numbers = (document["examples"], document["worst"], document["seconds"])
            batch, attempt = document["batch"], Attempt(document["name"], *numbers, failure, document["not_run"])
        except (KeyError, TypeError):
            return  # as good as cut off
        yield len(line), batch, attempt


def _lock(file: TextIO, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadInput(f"--store must be a folder of one run at a time, got {folder}, which another run has") from None


def sources(packages: Sequence[str] = ("solvers", "models", "verification")) -> str:
    """A digest of the code: a run only goes on with the code it began with.

    Examples
    --------
    >>> len(sources())
    64
    """
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
