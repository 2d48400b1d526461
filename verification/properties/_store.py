"""What has been tried so far, on disk: a run that was killed goes on, a new one starts with past failures."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from solvers._command import BadInput
from verification.properties._attempt import Attempt, Failure

ROOT = Path(__file__).parent.parent.parent


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
            return set(json.loads(lines.read_text(encoding="utf-8")))
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
            If the folder cannot be written, or another run has it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+", encoding="utf-8")
        except OSError as problem:
            raise BadInput(f"--store must be a folder that can be written, got {self.folder}: {problem}") from None
        with self._file:
            _lock(self._file, self.folder)
            yield self._resumed(plan)
        self._file = None

    def _resumed(self, plan: dict[str, Any]) -> dict[tuple[str, int], Attempt]:
        assert self._file is not None
        self._file.seek(0)
        lines = list(_documents(self._file.read()))
        if lines and lines[0] == {"plan": plan}:
            whole = "".join(json.dumps(line) + "\n" for line in lines)
            done = {(line["name"], line["batch"]): _attempt(line) for line in lines[1:]}
        else:
            whole, done = json.dumps({"plan": plan}) + "\n", {}
        self._file.truncate(0)
        self._file.write(whole)
        self._file.flush()
        return done

    def fileno(self) -> int:
        """The descriptor of the open file, which processes started from here must close."""
        assert self._file is not None
        return self._file.fileno()

    def keep(self, batch: int, attempt: Attempt) -> None:
        """Adds what a batch came to; it is there even if the process is killed right after."""
        assert self._file is not None
        self._file.write(json.dumps({"batch": batch, **attempt.json()}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """The run is over: the next one with the same plan starts anew."""
        assert self._file is not None
        self._file.truncate(0)


def _documents(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # cut off by a kill


def _attempt(line: dict[str, Any]) -> Attempt:
    failure = None if line["failure"] is None else Failure(**line["failure"])
    return Attempt(line["name"], line["examples"], line["worst"], line["seconds"], failure, line["not_run"])


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
