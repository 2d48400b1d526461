"""The seal of a log: a small file beside it that shows every change of the log's bytes, and locks it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from models.ledger._errors import Busy, Corrupted, LedgerError
from solvers._messages import escaped

__all__ = ["PAGE", "Digest", "Seal", "SealFile"]

PAGE = 4096  # bytes of a log that are hashed together, a page of SQLite
SUM = 1 << 256  # what the hashes of pages are added up to
LONGEST = 512  # bytes of a seal, a sector of a disk
WAIT = 0.02  # s between two attempts to lock
AWAY = 1 << 20  # where Windows, which locks bytes, locks one that nobody reads
FIELDS = ("certeq-seal", "blocks", "head", "digest", "check")


class Digest:
    """The sum of the SHA-256 of all pages of a file, each with its number.

    A sum follows a change of few pages at once, so that a long log is as soon sealed as a short one. It is proof
    against accidents and clumsy hands, not against who makes the seal anew.
    """

    def __init__(self, path: Path) -> None:
        self._pages: list[int] = []
        self._sum = 0
        with path.open("rb") as file:
            while page := file.read(PAGE):
                self._put(len(self._pages), page)

    def update(self, path: Path, changed: Iterable[int]) -> None:
        """Hash these pages again, by their index, and those that have been added; others are passed over."""
        known = len(self._pages)
        again = {k for k in changed if 0 <= k < known}
        with path.open("rb") as file:
            for k in (*sorted(again), *range(known, -(-path.stat().st_size // PAGE))):
                file.seek(k * PAGE)
                self._put(k, file.read(PAGE))

    def _put(self, k: int, page: bytes) -> None:
        value = int.from_bytes(sha256(k.to_bytes(8) + page).digest())
        if k == len(self._pages):
            self._pages.append(0)
        self._sum = (self._sum + value - self._pages[k]) % SUM
        self._pages[k] = value

    @property
    def value(self) -> bytes:
        """The sum, 32 bytes."""
        return self._sum.to_bytes(32)


@dataclass(frozen=True)
class Seal:
    """How many blocks a log has, the hash of the last, and the digest of the file."""

    blocks: int
    head: bytes
    digest: bytes

    def text(self) -> bytes:
        """The one way to write it, always of the same length."""
        values = ["1", f"{self.blocks:012d}", self.head.hex(), self.digest.hex()]
        lines = "".join(f"{name} {value}\n" for name, value in zip(FIELDS, values, strict=False))
        return f"{lines}{FIELDS[-1]} {sha256(lines.encode()).hexdigest()}\n".encode()

    @classmethod
    def read(cls, text: bytes) -> Seal | None:
        """The seal that is written so, if there is one."""
        with contextlib.suppress(ValueError, IndexError):
            names, values = zip(*(line.split(" ") for line in text.decode("ascii").splitlines()), strict=True)
            found = cls(int(values[1]), bytes.fromhex(values[2]), bytes.fromhex(values[3]))
            if names == FIELDS and found.text() == text:
                return found
        return None


class SealFile:
    """The file of a log's seal, which holds the lock on the log as long as it is open: one writer, or readers only.

    Reading does not make the file; where it is missing, readers hold no lock.

    Raises
    ------
    Busy
        If another holds the lock for more than `timeout` seconds.
    LedgerError
        If the file cannot be made or read.
    """

    def __init__(self, log: Path, name: str, *, write: bool, timeout: float) -> None:
        self._path, self._name, self._write = Path(f"{log}.seal"), escaped(name), write
        self._file: BinaryIO | None = None
        with self._in_words():
            if self._path.exists() and not self._path.is_file():
                raise LedgerError(f"{self._name}.seal: the seal must be a file, it is a folder or a device")
            if write:
                self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | BINARY, 0o666), "r+b", buffering=0)
            elif self._path.exists():
                self._file = self._path.open("rb", buffering=0)
        try:
            self._lock(timeout)
        except BaseException:
            self.close()
            raise

    def _lock(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        with self._in_words():
            while self._file is not None and not _locked(self._file, alone=self._write):
                if time.monotonic() >= end:
                    raise Busy(f"{self._name}: the log must not be in use, another process had it for {timeout:g} s")
                time.sleep(WAIT)

    def read(self) -> Seal | None:
        """What the seal says; None if there is none.

        Raises
        ------
        Corrupted
            If it is not what was written.
        """
        if self._file is None:
            return None
        with self._in_words():
            self._file.seek(0)
            text = self._file.read(LONGEST)
        found = Seal.read(text)
        if text and found is None:
            rule = "the seal must be what was written, it is not; delete it to have the blocks alone checked"
            raise Corrupted(f"{self._name}.seal: {rule}")
        return found

    def write(self, seal: Seal) -> None:
        """Replace what the seal says. It fits into one sector of a disk, so that it is never written in part."""
        if self._file is not None:
            with self._in_words():
                self._file.seek(0)
                self._file.write(seal.text())

    def close(self) -> None:
        """Give the log back."""
        if self._file is not None:
            with self._in_words(), self._file:
                if self._write:
                    os.fsync(self._file.fileno())
            self._file = None

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            reason = escaped(str(problem.strerror or problem))
            raise LedgerError(f"{self._name}.seal: the seal must be a file that can be used: {reason}") from None


BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends

if sys.platform == "win32":
    import msvcrt

    def _locked(file: BinaryIO, *, alone: bool) -> bool:  # noqa: ARG001  # there is one kind of lock only
        file.seek(AWAY)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(file: BinaryIO, *, alone: bool) -> bool:
        """Whether the file is locked now; by flock, which SQLite's own locks do not touch, nor they it."""
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
