"""A store's rounds as one table: CSV or Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from models.gfml._store import Store, Unit
from solvers._command import write
from solvers._documents import FilePath, file_name
from solvers.core import InvalidGame, NotSolved

Row: TypeAlias = dict[str, Any]

PREFIX = "parameter_"  # since a round has columns of the same names


def export(store: Store, path: FilePath, units: Iterable[Unit] | None = None, *, rounds: int | None = None) -> None:
    """Writes the stored rounds, of `units` or of all, as a `.csv` or `.parquet` file, a row for each.

    Of each unit they are all its rounds, or the first `rounds` of them. The first columns are the framework, the data
    set, the seed, and as `parameter_...` those parameters that are not the default in one of the units; then come the
    columns of a round, tables within them as `certificate_holds` and the like. Lists are JSON text. What a round does
    not have is empty. The file appears whole or not at all.

    Raises
    ------
    InvalidGame
        If the name ends otherwise, or there is no stored round.
    NotSolved
        If it is to be Parquet and pyarrow is missing.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = Store(Path(folder.name, "results.sqlite"))
    >>> store.save(Unit("digits", "gfml", 0), {"round": 1, "accuracy": 0.5, "prices": [5.0, None]}, b"state")
    >>> export(store, Path(folder.name, "results.csv"))
    >>> print(Path(folder.name, "results.csv").read_text(), end="")
    framework,dataset,seed,round,accuracy,prices
    gfml,digits,0,1,0.5,"[5.0, null]"
    >>> folder.cleanup()
    """
    write(Path(path), table(store, path, units, rounds=rounds))


def table(store: Store, path: FilePath, units: Iterable[Unit] | None = None, *, rounds: int | None = None) -> bytes:
    """The content of the file that `export` writes.

    Raises
    ------
    InvalidGame, NotSolved
        As there.
    """
    encode = _encoding(Path(path))
    rows = list(_rows(store, store.units() if units is None else list(units), rounds))
    if not rows:
        raise InvalidGame(f"{file_name(store.path)}: there must be a stored round to export, there is none")
    content: bytes = encode(_columns(rows), rows)
    return content


def _encoding(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise InvalidGame(f"{file_name(path)}: the table must be a .csv or .parquet file, got {suffix or 'neither'}")
    if suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise NotSolved(f"{file_name(path)}: a Parquet file needs pyarrow: install certeq[parquet]")
    return _csv if suffix == ".csv" else _parquet


def _rows(store: Store, units: Sequence[Unit], rounds: int | None) -> Iterator[Row]:
    names = list(dict.fromkeys(name for unit in units for name in unit.changed()))
    for unit in units:
        parameters = unit.parameters.document()
        head = {"framework": unit.framework, "dataset": unit.dataset, "seed": unit.seed}
        head |= {PREFIX + name: _cell(parameters[name]) for name in names}
        for record in store.records(unit, rounds):
            yield head | dict(_flat("", record))


def _columns(rows: Sequence[Row]) -> list[str]:
    """Those of all rows; of a table that some rows do not have, only its parts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    filled = {name for row in rows for name, value in row.items() if value is not None}
    return [name for name in names if name in filled or not any(other.startswith(f"{name}_") for other in names)]


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The columns of a round, tables within it taken apart."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}_", value)
        else:
            yield prefix + name, _cell(value)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _csv(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    for row in rows:
        cells = [row.get(name) for name in names]
        table.writerow([json.dumps(cell) if isinstance(cell, bool) else cell for cell in cells])
    return text.getvalue().encode()


def _parquet(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {name: [row.get(name) for row in rows] for name in names}
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()
