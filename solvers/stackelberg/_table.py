"""One row of numbers per follower, from CSV or Parquet, checked cell by cell before a solver sees it."""

from __future__ import annotations

import codecs
import csv
import importlib.util
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from solvers._messages import refuse, shown
from solvers.core import Array, InvalidGame

Progress: TypeAlias = Callable[[int, int], None]
Columns: TypeAlias = dict[str, Array]

LINE = 1_000_000  # bytes of one line
NAME = 200  # characters of one follower's name
ROWS = 1_000  # rows converted at once; fits the cache


class Followers(NamedTuple):
    """Who takes part, and one read-only float64 array per column, in the order of the file."""

    names: tuple[str, ...]
    columns: Columns

    def row(self, row: int, title: str) -> str:
        """Where the zero-based `row` stands in the file `title`, for messages."""
        return f"{title} row {row + 1} ({shown(self.names[row])})"


def is_file(path: Path) -> bool:
    """Whether there is a regular file at `path`, false also where the system cannot say."""
    try:
        return path.is_file()
    except OSError:  # such as a name too long, or a folder that must not be searched
        return False


def read_followers(path: Path, *, progress: Progress | None = None) -> Followers:
    r"""The followers of a `.csv` or `.parquet` file: column `name` first, then numeric columns.

    Parameters
    ----------
    path
        A Parquet file if it ends in `.parquet`, else comma-separated UTF-8 text with one header line.
    progress
        Called with the bytes read so far and the bytes there are.

    Raises
    ------
    InvalidGame
        If the file is missing, empty or not such a table; the message names the row and the column. Row 1 is the
        first follower, below the header.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "followers.csv")
    ...     _ = path.write_text("name,D\nana,3\nben,4.5\n")
    ...     read_followers(path)
    Followers(names=('ana', 'ben'), columns={'D': array([3. , 4.5])})
    """
    if not is_file(path):
        raise InvalidGame(f"{shown(str(path))}: there must be a readable table of followers, found none")
    table = _Table(path, progress or _silent)
    try:
        followers = table.parquet() if path.suffix.lower() == ".parquet" else table.csv()
    except OSError as problem:
        raise InvalidGame(f"{table.title}: the file must be readable, got {shown(str(problem))}") from None
    table.check(followers)
    return followers


def _silent(_done: int, _total: int) -> None:
    """Shows nothing."""


class _Table:
    """One file and the words its errors use."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self.title = shown(path.name)
        self.progress = progress
        self.size = path.stat().st_size

    def csv(self) -> Followers:
        """Reads text: a cheap scan for what would break a reader, then the fastest reader there is."""
        _scan(self.path, self.title)
        header, lines = self._header()
        if importlib.util.find_spec("pyarrow") is not None:
            fast = _read_arrow(self, header, lines)
            if fast is not None:
                return fast
        return self._read_rows(header)

    def _header(self) -> tuple[list[str], int]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(_rows(rows, self.title), [])
        self.check_header([cell.strip() for cell in header])
        return [cell.strip() for cell in header], rows.line_num

    def check_header(self, header: Sequence[str]) -> None:
        """Refuses a table that does not start with `name`, or that names a column twice."""
        if not header or header[0] != "name":
            refuse(self.title, "the first column must be `name`", header[0] if header else "")
        if len(header) < 2:
            raise InvalidGame(f"{self.title}: there must be at least one numeric column after `name`, got none")
        for position, column in enumerate(header):
            if column in header[:position]:
                refuse(self.title, "each column must appear once", column)

    def _read_rows(self, header: list[str]) -> Followers:
        names: list[str] = []
        parts: list[list[Array]] = [[] for _ in header[1:]]
        with self.path.open("rb") as source, io.TextIOWrapper(source, "utf-8-sig", newline="") as file:
            rows = itertools.islice(_rows(csv.reader(file), self.title), 1, None)
            while block := list(itertools.islice(rows, ROWS)):
                cells = self._transposed(block, header, len(names))
                for position, part in enumerate(parts, start=1):
                    part.append(self._numbers(cells, header[position], position, len(names)))
                names.extend(map(str.strip, cells[0]))
                self.progress(min(source.tell(), self.size), self.size)
        return Followers(tuple(names), _joined(header[1:], parts))

    def _transposed(self, block: list[list[str]], header: list[str], start: int) -> list[tuple[str, ...]]:
        for row, cells in enumerate(block, start + 1):
            if len(cells) != len(header):
                name = shown(cells[0])
                rule = f"there must be {len(header)} cells, as in the header"
                raise InvalidGame(f"{self.title} row {row} ({name}): {rule}, got {len(cells)}")
        return list(zip(*block, strict=True))

    def _numbers(self, cells: list[tuple[str, ...]], column: str, position: int, start: int) -> Array:
        try:
            return np.array(list(map(float, cells[position])), dtype=np.float64)
        except ValueError:
            for row, (name, cell) in enumerate(zip(cells[0], cells[position], strict=True), start + 1):
                if not _is_number(cell):
                    refuse(f"{self.title} row {row} ({shown(name)})", f"{shown(column)} must be a number", cell)
            raise

    def parquet(self) -> Followers:
        """Reads Parquet through pyarrow, which is optional."""
        if importlib.util.find_spec("pyarrow") is None:
            raise InvalidGame(f"{self.title}: a Parquet table needs pyarrow; install the extra `parquet`")
        return _read_parquet(self)

    def check(self, followers: Followers) -> None:
        """Refuses an empty table, unusable or repeated names, nan and infinity; freezes the rest."""
        names, columns = followers
        if not names:
            raise InvalidGame(f"{self.title}: there must be at least one follower, got none")
        self._check_names(names)
        for column, values in columns.items():
            wrong = np.flatnonzero(~np.isfinite(values))
            if wrong.size:
                row = int(wrong[0])
                refuse(followers.row(row, self.title), f"{shown(column)} must be a finite number", float(values[row]))
            values.flags.writeable = False

    def _check_names(self, names: Sequence[str]) -> None:
        for row, name in enumerate(names):
            if not name or len(name) > NAME or not name.isprintable():
                rule = f"a name must be 1 to {NAME} printable characters"
                refuse(f"{self.title} row {row + 1}", rule, name)
        if len(set(names)) < len(names):
            self._refuse_repeated(names)

    def _refuse_repeated(self, names: Sequence[str]) -> None:
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            if name in first:
                rule = f"each name must appear once, row {first[name] + 1} has it too"
                refuse(f"{self.title} row {row + 1}", rule, name)
            first[name] = row


def _scan(path: Path, title: str) -> None:
    """Refuses a file that is not text in lines of bounded length, in constant memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    carried, line = 0, 1
    with path.open("rb") as file:
        for block in itertools.chain(iter(lambda: file.read(LINE), b""), [b""]):
            carried = _carried(block, carried)
            if carried > LINE:
                raise InvalidGame(f"{title} line {line}: a line must have at most {LINE:,} bytes, got more")
            if b"\0" in block:
                raise InvalidGame(f"{title}: the file must be text, got a NUL byte near line {line}")
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                raise InvalidGame(f"{title}: the file must be UTF-8 text, it is not near line {line}") from None
            line += block.count(b"\n")


def _carried(block: bytes, carried: int) -> int:
    """The longest line that ends in `block`, if that is too long, else the length of its unfinished line.

    A block has at most `LINE` bytes, so only the line that began before it can be too long and end in it.
    """
    first = block.find(b"\n")
    if first < 0 or carried + first > LINE:
        return carried + (len(block) if first < 0 else first)
    return len(block) - block.rfind(b"\n") - 1


def _rows(rows: Iterator[list[str]], title: str) -> Iterator[list[str]]:
    """The rows that hold anything."""
    try:
        yield from filter(None, rows)
    except csv.Error as problem:
        raise InvalidGame(f"{title}: the file must be comma-separated text, got {shown(str(problem))}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _joined(header: Sequence[str], parts: Sequence[Sequence[Array]]) -> Columns:
    empty = np.empty(0, dtype=np.float64)
    return {column: np.concatenate(part or [empty]) for column, part in zip(header, parts, strict=True)}


def _read_arrow(table: _Table, header: list[str], lines: int) -> Followers | None:
    """The table by Arrow's reader, or None where it stumbles: the slow reader finds out over which cell."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    numbers = dict.fromkeys(header[1:], pa.float64())
    convert = arrow.ConvertOptions(column_types={"name": pa.string(), **numbers}, null_values=[], check_utf8=True)
    read = arrow.ReadOptions(column_names=header, skip_rows=lines)
    batches: list[Any] = []
    try:
        with pa.OSFile(str(table.path)) as source, arrow.open_csv(source, read, convert_options=convert) as reader:
            for batch in reader:
                batches.append(batch)
                table.progress(min(source.tell(), table.size), table.size)
    except pa.ArrowInvalid:
        return None
    return _from_batches(header, batches)


def _from_batches(header: Sequence[str], batches: Sequence[Any]) -> Followers:
    names = itertools.chain.from_iterable(batch.column(0).to_numpy(zero_copy_only=False) for batch in batches)
    parts = [[b.column(k).to_numpy(zero_copy_only=False) for b in batches] for k in range(1, len(header))]
    return Followers(tuple(map(str.strip, names)), _joined(header[1:], parts))


def _read_parquet(table: _Table) -> Followers:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table.path) as file:
            header = file.schema_arrow.names
            table.check_header(header)
            total = max(file.metadata.num_rows, 1)
            batches, done = [], 0
            for batch in file.iter_batches():
                batches.append(_numeric(table, batch, done))
                done += batch.num_rows
                table.progress(table.size * done // total, table.size)
    except pa.ArrowException as problem:
        raise InvalidGame(f"{table.title}: the file must be a Parquet table, got {shown(str(problem))}") from None
    return _from_batches(header, batches)


def _numeric(table: _Table, batch: Any, start: int) -> Any:
    """The batch with a text column and float64 columns, or an error that names the column or the row."""
    import pyarrow as pa

    columns = []
    for position, (column, values) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        kind = values.type
        if position == 0 and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            refuse(table.title, "the column `name` must be text", str(kind))
        if position and not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            refuse(table.title, f"{shown(column)} must be numeric", str(kind))
        if values.null_count:
            row = start + values.is_null().index(True).as_py() + 1
            raise InvalidGame(f"{table.title} row {row}: {shown(column)} must not be empty, got null")
        columns.append(values.cast(pa.float64() if position else pa.string(), safe=False))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
