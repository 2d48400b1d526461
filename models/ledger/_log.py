"""The log of a chain: an SQLite file of blocks that only grows, in which every change is found out."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from models.ledger._errors import Busy, Corrupted, LedgerError
from models.ledger._seal import PAGE, Digest, Seal, SealFile
from models.ledger._transactions import keccak
from solvers._messages import escaped

if TYPE_CHECKING:  # it imports much that a chain does not need
    from solvers._documents import FilePath

__all__ = ["NOTHING", "PATIENCE", "Block", "BlockLog"]

OWNER = 0x63656C67  # in SQLite's header, by which the file is known as ours
FORMAT = 1  # of the file, and of what its blocks mean
PATIENCE = 10.0  # s to wait for another process
NOTHING = bytes(32)  # the parent of the first block
MAGIC = b"SQLite format 3\0" + PAGE.to_bytes(2) + b"\1\1"  # a file with our pages that is not in WAL mode
JOURNAL = bytes.fromhex("d9d505f920a163d7")  # with which a rollback journal begins once it can be played back
IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
WRONG = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG}
TABLES = (
    """CREATE TABLE blocks (
        number INTEGER PRIMARY KEY, parent BLOB NOT NULL, body BLOB NOT NULL, receipts BLOB NOT NULL,
        root BLOB NOT NULL, hash BLOB NOT NULL)""",
    """CREATE TRIGGER kept BEFORE DELETE ON blocks
        BEGIN SELECT RAISE(ABORT, 'a block is never removed'); END""",
    """CREATE TRIGGER unchanged BEFORE UPDATE ON blocks
        BEGIN SELECT RAISE(ABORT, 'a block is never changed'); END""",
    """CREATE TRIGGER following BEFORE INSERT ON blocks
        WHEN NEW.number IS NOT (SELECT ifnull(max(number), -1) + 1 FROM blocks)
        OR NEW.parent IS NOT ifnull((SELECT hash FROM blocks ORDER BY number DESC LIMIT 1), zeroblob(32))
        BEGIN SELECT RAISE(ABORT, 'a block must follow the last one'); END""",
)


@dataclass(frozen=True, slots=True)
class Block:
    """Transactions, what came of them, the root of the state after them, and the hash of all this and of the parent."""

    number: int
    parent: bytes
    body: bytes
    receipts: bytes
    root: bytes
    hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.parent, self.number.to_bytes(8), keccak(self.body), keccak(self.receipts), self.root)
        object.__setattr__(self, "hash", keccak(b"".join(parts)))


class BlockLog:
    """The blocks in the file `path`, or in memory where that is None. They must be read, by `verified`, before any use.

    One process has the file at a time, or several that only read. A block is on the disk when `append` returns; one
    whose writing was cut off is `dropped` by the next who opens, and those before it stay. A seal beside the file tells
    whether a byte of it has changed; where it does not speak of the last block, the log is `unsealed`: its blocks are
    checked all the same, but not what SQLite keeps around them, such as free space.

    SQLite's rollback journal is used, and truncated at each commit: then, other than when the journal is deleted, an
    ordinary sync makes the commit outlast a loss of power.

    Raises
    ------
    Busy
        If another process has the file for longer than `timeout` seconds.
    Corrupted
        If the file or its seal is not what was written, as far as can be told before the blocks are read.
    LedgerError
        If there is no log, or it cannot be opened.
    """

    def __init__(self, path: FilePath | None, *, read_only: bool = False, timeout: float = PATIENCE) -> None:
        self._name = "the log in memory" if path is None else escaped(os.fspath(path))
        self._read_only, self._timeout = read_only, timeout
        self.dropped = self.unsealed = False
        self._hashes: list[bytes] = []
        self._seal: Seal | None = None
        self._digest: Digest | None = None
        with contextlib.ExitStack() as stack:
            if path is None:
                self._database = stack.enter_context(_connection(":memory:", timeout, write=True))
                _lay_out(self._database)
            else:
                self._path = _there(path, self._name, write=not read_only)
                self._file = SealFile(self._path, self._name, write=not read_only, timeout=timeout)
                stack.callback(self._file.close)
                self._seal = self._file.read()
                self._recover(stack)
                self._check_header()
                self._digest = Digest(self._path)
                with self._in_words():
                    address = f"{self._path.as_uri()}?mode={'ro' if read_only else 'rw'}"
                    self._database = stack.enter_context(_connection(address, timeout, write=not read_only))
                self._check_tables()
            self._count = self._number("SELECT count(*) FROM blocks")
            self._stack = stack.pop_all()

    @classmethod
    def create(cls, path: FilePath | None, genesis: Block, *, timeout: float = PATIENCE) -> BlockLog:
        """A new log with its first block; the file appears whole or not at all.

        Raises
        ------
        Busy
            If another process makes it at the same time.
        LedgerError
            If there is something at `path`, or no file can be made.
        """
        if path is None:
            log = cls(None)
            log.append(genesis)
            return log
        name = escaped(os.fspath(path))
        place = _vacant(path, name)
        with contextlib.closing(SealFile(place, name, write=True, timeout=timeout)) as file:
            _vacant(path, name)
            if file.read() is not None:
                raise LedgerError(f"{name}.seal: there must be no seal of a log that is gone, there is one; delete it")
            _make(place, name, genesis)
            file.write(Seal(1, genesis.hash, Digest(place).value))
        return cls(path, timeout=timeout)

    def __len__(self) -> int:
        return self._count

    @property
    def head(self) -> bytes:
        """The hash of the last block, which all blocks go into."""
        return self._hashes[-1] if self._hashes else NOTHING

    # --- reading -------------------------------------------------------------------------------------------------

    def verified(self) -> Iterator[Block]:
        """All blocks, in order, each as it was written; after the last, the file is compared with its seal.

        Raises
        ------
        Corrupted
            At the first block that is not.
        """
        self._hashes = []
        for k in range(self._count):
            block = self.block(k)
            if block.parent != self.head:
                self.refuse("its parent must be the block before it, it is another", k)
            self._hashes.append(block.hash)
            yield block
        if self._digest is not None:
            self._compare(self._seal, self._digest.value)

    def block(self, number: int) -> Block:
        """The block of that number.

        Raises
        ------
        Corrupted
            If it is not what was written.
        """
        with self._in_words(number):
            query = "SELECT parent, body, receipts, root, hash FROM blocks WHERE number = ?"
            row = self._database.execute(query, (number,)).fetchone()
        if row is None or not all(isinstance(part, bytes) for part in row):
            self.refuse("there must be a block, there is none", number)
        block = Block(number, *row[:-1])
        if block.hash != row[-1] or self._hashes[number : number + 1] not in ([], [block.hash]):
            self.refuse("it must be what was written, its hash shows that it is not", number)
        return block

    def _compare(self, seal: Seal | None, digest: bytes) -> None:
        """The file with its seal, once all blocks are known to be right; it is sealed anew if it has more of them."""
        if seal is not None:
            if seal.blocks > self._count:
                self.refuse(f"it must be there, with {seal.blocks} blocks in all; the log was cut off", self._count)
            if self._hashes[seal.blocks - 1] != seal.head:
                self.refuse("it must be the block that was sealed, it is another", seal.blocks - 1)
            if seal.blocks == self._count:
                if seal.digest != digest:
                    self.refuse("all bytes must be what was written, some outside of the blocks are not")
                return
        self.unsealed = True
        self._check_pages()
        if not self._read_only:
            self._file.write(Seal(self._count, self.head, digest))

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, block: Block) -> None:
        """Write a block that follows the last; it is on the disk when this returns.

        Raises
        ------
        LedgerError
            If it cannot be written. Whether it was, `unchanged` tells.
        """
        if self._read_only:
            raise LedgerError(f"{self._name}: the log must be opened for writing, it was opened for reading only")
        row = (block.number, block.parent, block.body, block.receipts, block.root, block.hash)
        with self._in_words(writing=True):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)
                changed = [] if self._digest is None else _changed(_journal(self._path))
                self._database.execute("COMMIT")
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
            if self._digest is not None:
                self._digest.update(self._path, changed)
                self._file.write(Seal(block.number + 1, block.hash, self._digest.value))
        self._hashes.append(block.hash)
        self._count += 1

    def unchanged(self) -> bool:
        """Whether the last block in the file is the last that was read or written, after an error."""
        with contextlib.suppress(LedgerError):
            return self._number("SELECT max(number) + 1 FROM blocks") == self._count
        return False

    def close(self) -> None:
        """Let go of the file."""
        with self._in_words():
            self._stack.close()

    # --- the file ------------------------------------------------------------------------------------------------

    def _recover(self, stack: contextlib.ExitStack) -> None:
        """Drop a block whose writing was cut off; who only reads, drops it from a copy.

        SQLite plays back every journal that lies beside a file, so it is tried on a copy first.
        """
        if not _is_hot(_journal(self._path)):
            return
        self.dropped = True
        with self._in_words():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            copy = Path(shutil.copy(self._path, folder / "log"))
            shutil.copy(_journal(self._path), _journal(copy))
            if not _continues(copy, self._seal):
                self.refuse("the journal beside the log must be of its last write, with it the log is not what it was")
            if self._read_only:
                self._path = copy
            else:
                _play_back(self._path, self._timeout)

    def _check_header(self) -> None:
        with self._in_words(), self._path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                self._refuse_kind("it is another file")

    def _check_tables(self) -> None:
        if self._number("PRAGMA application_id") != OWNER:
            self._refuse_kind("it is another database")
        version = self._number("PRAGMA user_version")
        if version != FORMAT:
            self._refuse_kind(f"it is of format {version}, this version of certeq knows {FORMAT}")
        with self._in_words():
            found = [text for (text,) in self._database.execute("SELECT sql FROM sqlite_master ORDER BY rowid")]
        if found != [text.encode() for text in TABLES]:
            self.refuse("the tables must be what was written, they are others")

    def _check_pages(self) -> None:
        if self._number("PRAGMA page_count") * PAGE != self._path.stat().st_size:
            self.refuse("the file must end with its last page, it does not")
        with self._in_words():
            problem = self._database.execute("PRAGMA integrity_check(1)").fetchone()[0].decode()
        if problem != "ok":
            self.refuse(f"the pages must be sound, they are not: {escaped(problem)}")

    def _number(self, query: str) -> int:
        with self._in_words():
            return int(self._database.execute(query).fetchone()[0])

    def refuse(self, problem: str, number: int | None = None) -> NoReturn:
        """Say that the file, or the block of that number, is not what was written."""
        raise Corrupted(f"{self._name}: {problem}", number)

    def _refuse_kind(self, problem: str) -> NoReturn:
        """Not our file; or it was, as its seal shows."""
        kind = LedgerError if self._seal is None else Corrupted
        raise kind(f"{self._name}: there must be the log of a ledger, {problem}")

    @contextlib.contextmanager
    def _in_words(self, number: int | None = None, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            code, reason = getattr(problem, "sqlite_errorcode", 0) & 0xFF, escaped(str(problem))
            if code in IN_USE:
                raise Busy(f"{self._name}: the log must not be in use, another program has it: {reason}") from None
            if code in WRONG and not writing:
                raise Corrupted(f"{self._name}: it must be what was written, it is not: {reason}", number) from None
            raise LedgerError(f"{self._name}: the log cannot be {'written' if writing else 'read'}: {reason}") from None
        except UnicodeDecodeError:  # of a message of SQLite with a piece of the file in it
            raise Corrupted(f"{self._name}: it must be what was written, it is not: no text", number) from None
        except OSError as problem:
            reason = escaped(str(problem.strerror or problem))
            raise LedgerError(f"{self._name}: the log must be a file that can be used: {reason}") from None


def _journal(path: Path) -> Path:
    return Path(f"{path}-journal")


def _is_hot(journal: Path) -> bool:
    """Whether a write was cut off, so that SQLite will undo it."""
    if not journal.is_file():
        return False
    with journal.open("rb") as file:
        return file.read(len(JOURNAL)) == JOURNAL


def _play_back(path: Path, timeout: float) -> int:
    """Let SQLite undo what was cut off; how many blocks there are then."""
    with _connection(f"{path.as_uri()}?mode=rw", timeout, write=True) as database:
        return int(database.execute("SELECT count(*) FROM blocks").fetchone()[0])


def _continues(copy: Path, seal: Seal | None) -> bool:
    """Whether a log, its journal played back, may be what was sealed, or what was written after that."""
    try:
        blocks = _play_back(copy, PATIENCE)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False
    return seal is None or blocks > seal.blocks or seal.digest == Digest(copy).value


def _changed(journal: Path) -> list[int]:
    """Which pages the open transaction changes, by index: the first, and those whose old state is in the journal.

    The journal is a header, which is a sector long and tells how long a sector is and how large a page; then for each
    page its number, from 1, the page, and a checksum: SQLite's "Database File Format", section 3. What an earlier
    journal has left after them may name more pages, or none that there are.
    """
    data = journal.read_bytes()
    sector, size = int.from_bytes(data[20:24]), int.from_bytes(data[24:28])
    return [0, *(int.from_bytes(data[k : k + 4]) - 1 for k in range(sector, len(data), size + 8))]


@contextlib.contextmanager
def _connection(address: str, timeout: float, *, write: bool) -> Iterator[sqlite3.Connection]:
    """A connection to a database, whose commits outlast a loss of power."""
    with contextlib.closing(sqlite3.connect(address, timeout=timeout, isolation_level=None, uri=True)) as database:
        database.text_factory = bytes
        for rule in ("trusted_schema = OFF", "cell_size_check = ON", "cache_spill = OFF", "synchronous = FULL"):
            database.execute(f"PRAGMA {rule}")
        if write:
            database.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
        yield database
        if write:
            database.execute("PRAGMA journal_mode = DELETE").fetchone()  # no journal is left


def _lay_out(database: sqlite3.Connection) -> None:
    for statement in (*TABLES, f"PRAGMA application_id = {OWNER}", f"PRAGMA user_version = {FORMAT}"):
        database.execute(statement)


def _make(place: Path, name: str, genesis: Block) -> None:
    """The file of a log with one block, first under another name."""
    draft = Path(f"{place}.new")
    try:
        for path in (draft, _journal(draft)):
            path.unlink(missing_ok=True)
        with _connection(f"{draft.as_uri()}?mode=rwc", PATIENCE, write=True) as database:
            database.execute(f"PRAGMA page_size = {PAGE}")
            database.execute("PRAGMA auto_vacuum = NONE")
            database.execute("BEGIN IMMEDIATE")
            _lay_out(database)
            row = (genesis.number, genesis.parent, genesis.body, genesis.receipts, genesis.root, genesis.hash)
            database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)
            database.execute("COMMIT")
        draft.replace(place)
    except (OSError, sqlite3.Error) as problem:
        for path in (draft, _journal(draft)):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        reason = escaped(str(getattr(problem, "strerror", None) or problem))
        raise LedgerError(f"{name}: a log must be made in a folder that can be written: {reason}") from None


def _there(path: FilePath, name: str, *, write: bool) -> Path:
    """The place of a log that is there."""
    place = _place(path, name)
    if not place.exists():
        raise LedgerError(f"{name}: there must be the log of a ledger, there is none")
    if not place.is_file():
        raise LedgerError(f"{name}: there must be the log of a ledger, it is a folder or a device")
    if not os.access(place, os.R_OK):
        raise LedgerError(f"{name}: the log must be a file that can be read, it cannot")
    if write and not (os.access(place, os.W_OK) and os.access(place.parent, os.W_OK)):
        raise LedgerError(f"{name}: the log must be a file, in a folder, that can be written; this can only be read")
    return place


def _vacant(path: FilePath, name: str) -> Path:
    """The place of a log that is not there."""
    place = _place(path, name)
    if os.path.lexists(place):
        raise LedgerError(f"{name}: there must be nothing where a log is made, there is something")
    if not place.parent.is_dir():
        raise LedgerError(f"{name}: a log must be made in a folder that is there, it is not")
    return place


def _place(path: FilePath, name: str) -> Path:
    """The path without links, so that a log has one seal under all its names."""
    try:
        place = Path(path).resolve()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.stat()  # which says more than Path.exists of what cannot be there
        return place
    except (OSError, RuntimeError, ValueError) as problem:
        raise LedgerError(f"{name}: a log must be in a file: {escaped(str(problem))}") from None
