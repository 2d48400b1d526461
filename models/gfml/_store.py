"""Where finished rounds are kept: one SQLite file, from which a killed run goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from models.gfml._parameters import Parameters
from solvers._documents import FilePath, file_name
from solvers._messages import quoted, shown
from solvers.core import InvalidGame, NotSolved

Record: TypeAlias = Mapping[str, Any]

FORMAT = 1  # of results: raised when a change gives the same unit other rounds, which are then played anew
SCHEMA = 1  # of the file: raised when its tables change
OWNER = 0x63657274  # in SQLite's header, by which the file is known as ours
MAGIC = b"SQLite format 3\0"
LEDGER = "ledger"  # beside the parameters
PATIENCE = 60.0  # s that a process waits while others write
LARGEST_SEED = 2**63 - 1  # that SQLite holds
PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
TABLES = (
    """CREATE TABLE units (
        key TEXT PRIMARY KEY, dataset TEXT NOT NULL, framework TEXT NOT NULL, seed INTEGER NOT NULL,
        parameters TEXT NOT NULL, version INTEGER NOT NULL)""",
    """CREATE TABLE rounds (
        key TEXT NOT NULL REFERENCES units (key), round INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (key, round))""",
    """CREATE TABLE checkpoints (
        key TEXT PRIMARY KEY REFERENCES units (key), round INTEGER NOT NULL, blob BLOB NOT NULL)""",
    f"PRAGMA application_id = {OWNER}",
    f"PRAGMA user_version = {SCHEMA}",
)


@dataclass(frozen=True)
class Unit:
    """What is played: a framework on a data set, with a seed and parameters. For how many rounds is no part of it.

    `ledger` says where reputations are kept: "none", an "embedded" ledger, or one on a "node".

    Raises
    ------
    InvalidGame
        If a name is not text, or the seed not a whole number from 0 to 2**63 − 1.

    Examples
    --------
    >>> unit = Unit("digits", "gfml", 3, Parameters(users=20))
    >>> unit.title
    'gfml on digits, seed 3, users 20'
    >>> unit.key == Unit("digits", "gfml", 3, Parameters(users=20)).key, unit.key == Unit("digits", "gfml", 3).key
    (True, False)
    """

    dataset: str
    framework: str
    seed: int
    parameters: Parameters = field(default_factory=Parameters)
    ledger: str = "none"

    def __post_init__(self) -> None:
        for name in ("dataset", "framework", "ledger"):
            if not isinstance(getattr(self, name), str):
                raise InvalidGame(f"{name} must be a name, got {quoted(getattr(self, name))}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed <= LARGEST_SEED:
            raise InvalidGame(f"seed must be a whole number from 0 to 2**63 - 1, got {quoted(self.seed)}")

    @property
    def key(self) -> str:
        """The same text for the same unit everywhere, and another for another; and one more for each `FORMAT`."""
        return hashlib.sha256(_json({"format": FORMAT, **self.document()}).encode()).hexdigest()

    @property
    def title(self) -> str:
        """The unit in words, parameters only where they are not the default."""
        words = [f"{self.framework} on {self.dataset}", f"seed {self.seed}"]
        words += [f"{name} {json.dumps(value)}" for name, value in self.changed().items()]
        words += [f"ledger {self.ledger}"] if self.ledger != "none" else []
        return ", ".join(words)

    def document(self) -> dict[str, Any]:
        """The unit as JSON values."""
        return {
            "dataset": self.dataset,
            "framework": self.framework,
            "seed": self.seed,
            "parameters": self.parameters.document(),
            **self._ledger(),
        }

    def _ledger(self) -> dict[str, str]:
        """Nothing where there is none, so that the key is that of before there were ledgers."""
        return {} if self.ledger == "none" else {LEDGER: self.ledger}

    def changed(self) -> dict[str, Any]:
        """The parameters that are not the default, as JSON values."""
        usual = Parameters().document()
        return {name: value for name, value in self.parameters.document().items() if value != usual[name]}


def _json(value: Any) -> str:
    """One text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Store:
    """The rounds of units in the SQLite file `path`, which is made with the first round if there is none.

    A round is stored together with the checkpoint after it, both or neither, so that a process killed at any moment
    leaves a store from which the unit goes on, to the same bits on the same machine. Several processes of one machine
    may write at once. SQLite's rollback journal is used and not its write-ahead log: a store at rest is then one file
    that can be copied, and the log, measured, made writing no faster. Neither is safe on a network file system.

    A store holds no connection and no lock between two calls.

    Raises
    ------
    InvalidGame
        If the file is not a store or one of a newer version, cannot be written, or, with `existing`, is not there.
        It is left as it was.
    NotSolved
        From every method, if the disk is full or fails, or another program keeps the file locked for a minute.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store, unit = Store(Path(folder.name, "results.sqlite")), Unit("digits", "gfml", 0)
    >>> store.save(unit, {"round": 1, "accuracy": 0.5}, b"the state after it")
    >>> store.records(unit), store.checkpoint(unit)
    ([{'round': 1, 'accuracy': 0.5}], b'the state after it')
    >>> store.forget(unit)
    >>> store.units()
    []
    >>> folder.cleanup()
    """

    def __init__(self, path: FilePath, *, existing: bool = False) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100  # Path.resolve refuses some names with an error
        self._name = file_name(path)
        self._check_place(existing)
        self._made = False
        self._there()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def _there(self, *, wanted: bool = False) -> bool:
        """Whether there is a file, which has our tables from now on; if it is `wanted`, there is."""
        if not self._made and (wanted or self.path.exists()):
            with self._opened(create=True) as database, _transaction(database):
                if _is_new(database):
                    for statement in TABLES:
                        database.execute(statement)
                else:
                    self._check_owner(database)
            self._made = True
        return self._made

    def save(self, unit: Unit, record: Record, checkpoint: bytes) -> None:
        """Stores the unit's next round, and `checkpoint`, the state after it.

        Raises
        ------
        InvalidGame
            If the round is not the one after those stored, nor one of them.
        NotSolved
            If it is one of them, but with another result.
        """
        self.extend(unit, [record], checkpoint)

    def extend(self, unit: Unit, records: Sequence[Record], checkpoint: bytes) -> None:
        """Stores rounds as `save` does, all or none of them; `checkpoint` is the state after the last.

        Rounds that are stored already must be the same: two processes have then played the same unit at once.
        """
        texts = {int(record["round"]): _compact(record) for record in records}
        self._there(wanted=True)
        with self._opened() as database, _transaction(database):
            stored = self._add_unit(database, unit)
            last = len(stored)
            for number in sorted(texts.keys() & stored.keys()):
                if texts[number] != stored[number]:
                    raise NotSolved(_contradiction(unit, number))
            new = sorted(texts.keys() - stored.keys())
            if new != list(range(last + 1, last + 1 + len(new))):
                raise InvalidGame(f"{unit.title}: round {last + 1} must be stored next, got {new[0]}")
            if new:
                rows = [(unit.key, number, texts[number]) for number in new]
                database.executemany("INSERT INTO rounds VALUES (?, ?, ?)", rows)
                database.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (unit.key, new[-1], checkpoint))

    def _add_unit(self, database: sqlite3.Connection, unit: Unit) -> dict[int, str]:
        """The rounds stored of the unit, which is listed from now on."""
        described = (unit.dataset, unit.framework, unit.seed, _json(unit.parameters.document() | unit._ledger()))
        database.execute("INSERT OR IGNORE INTO units VALUES (?, ?, ?, ?, ?, ?)", (unit.key, *described, FORMAT))
        return dict(database.execute("SELECT round, record FROM rounds WHERE key = ?", (unit.key,)))

    def records(self, unit: Unit, rounds: int | None = None) -> list[dict[str, Any]]:
        """The records of the unit's stored rounds from the first, at most `rounds` of them."""
        if not self._there():
            return []
        query = "SELECT record FROM rounds WHERE key = ? ORDER BY round LIMIT ?"
        with self._opened() as database:
            found = database.execute(query, (unit.key, -1 if rounds is None else rounds)).fetchall()
        return [json.loads(text) for (text,) in found]

    def checkpoint(self, unit: Unit) -> bytes | None:
        """The state after the unit's last stored round, None if there is none."""
        if not self._there():
            return None
        with self._opened() as database:
            found = database.execute("SELECT blob FROM checkpoints WHERE key = ?", (unit.key,)).fetchone()
        return None if found is None else bytes(found[0])

    def progress(self, unit: Unit) -> tuple[list[dict[str, Any]], bytes | None]:
        """`records` and `checkpoint`, of one and the same moment."""
        if not self._there():
            return [], None
        with self._opened() as database:
            database.execute("BEGIN")
            found = database.execute("SELECT record FROM rounds WHERE key = ? ORDER BY round", (unit.key,)).fetchall()
            state = database.execute("SELECT blob FROM checkpoints WHERE key = ?", (unit.key,)).fetchone()
        return [json.loads(text) for (text,) in found], None if state is None else bytes(state[0])

    def units(self) -> list[Unit]:
        """The units with a stored round, in the order of data set, framework, seed and parameters.

        Those of which this version would play other rounds are passed over.
        """
        if not self._there():
            return []
        query = """SELECT dataset, framework, seed, parameters FROM units
            WHERE version = ? AND key IN (SELECT key FROM rounds) ORDER BY dataset, framework, seed, parameters"""
        with self._opened() as database:
            found = database.execute(query, (FORMAT,)).fetchall()
        return [_unit(*row) for row in found]

    def forget(self, unit: Unit) -> None:
        """Removes the unit and its rounds, if they are there."""
        if not self._there():
            return
        with self._opened() as database, _transaction(database):
            for table in ("checkpoints", "rounds", "units"):
                database.execute(f"DELETE FROM {table} WHERE key = ?", (unit.key,))

    def _check_place(self, existing: bool) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                self.path.stat()  # is_file hides why not
            found = self.path.is_file()
            other = not found and os.path.lexists(self.path)
            writable = self._can_be_written(found)
            folder = self.path.parent.is_dir()
            header = _header(self.path) if found else b""
        except (OSError, ValueError) as problem:
            reason = shown(str(getattr(problem, "strerror", None) or problem))
            raise InvalidGame(f"{self._name}: the store must be a file that can be opened: {reason}") from None
        if other or "\0" in str(self.path):  # where SQLite would end the name
            raise InvalidGame(f"{self._name}: the store must be a file, it is a folder, a device or a broken link")
        if not folder:
            raise InvalidGame(
                f"{self._name}: the store must be in a folder that is there, got {quoted(str(self.path))}"
            )
        if header not in (b"", MAGIC):  # SQLite itself would write over a short file
            raise InvalidGame(f"{self._name}: the store must be an SQLite file, it is another")
        if existing and not found:
            raise InvalidGame(f"{self._name}: there must be a store, there is none")
        if not writable:
            raise InvalidGame(f"{self._name}: the store must be a file, in a folder, that can be written, it cannot")

    def _can_be_written(self, found: bool) -> bool:
        """Whether the file, or a new one in its folder, can be; some folders refuse what their permissions allow."""
        if found:
            return os.access(self.path.parent, os.W_OK) and os.access(self.path, os.W_OK)
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=self.path.parent):
            return True
        return False

    def _check_owner(self, database: sqlite3.Connection) -> None:
        if _number(database, "application_id") != OWNER:
            raise InvalidGame(f"{self._name}: the store must be a file of this program, it is another database")
        version = _number(database, "user_version")
        if version > SCHEMA:
            rule = f"the store must be of format {SCHEMA} at most, it is of {version}"
            raise InvalidGame(f"{self._name}: {rule}, which a newer version of certeq wrote")

    @contextlib.contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection for one call; SQLite's errors in words."""
        address = f"{self.path.as_uri()}?mode={'rwc' if create else 'rw'}"
        try:
            database = sqlite3.connect(address, timeout=PATIENCE, isolation_level=None, uri=True)
            with contextlib.closing(database):
                yield database
        except sqlite3.Error as problem:
            reason = shown(str(problem))
            if getattr(problem, "sqlite_errorcode", 0) & 0xFF in PASSING:
                raise NotSolved(
                    f"{self._name}: the store cannot be used now: {reason}; stored rounds are kept"
                ) from None
            raise InvalidGame(
                f"{self._name}: the file must be a store that can be read and written: {reason}"
            ) from None


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; other processes wait at the beginning, where waiting cannot lead to a deadlock."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.rollback()
        raise
    database.execute("COMMIT")


def _unit(dataset: str, framework: str, seed: int, text: str) -> Unit:
    """The unit of a row; where its reputations are kept is stored among its parameters."""
    document = json.loads(text)
    ledger = document.pop(LEDGER, "none")
    return Unit(dataset, framework, seed, Parameters.from_document(document), ledger)


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(MAGIC))


def _is_new(database: sqlite3.Connection) -> bool:
    """Whether nothing has been written to the file yet, not even whose it is."""
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not (tables or _number(database, "application_id") or _number(database, "user_version"))


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])


def _compact(record: Record) -> str:
    """The record as JSON, its columns in their order."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def _contradiction(unit: Unit, number: int) -> str:
    return (
        f"{unit.title}: round {number} must be the stored one, it has another result; another process plays this unit, "
        "on another device, with another number of threads or another version: stop one of them"
    )
