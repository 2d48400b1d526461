"""Files from users and for scripts: text that can be trusted, JSON without double keys, values as JSON holds them."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import flint
import numpy as np

from solvers._command import write
from solvers._messages import quoted, shown
from solvers.core import InvalidGame

FilePath: TypeAlias = str | os.PathLike[str]

BYTES = 100_000_000  # of a file


def read_text(path: FilePath, *, largest: int = BYTES) -> str:
    """The text of a file, line ends as they are.

    Raises
    ------
    InvalidGame
        If the file is missing, not a file, of more than `largest` bytes, not readable, or not UTF-8.
    """
    name, file = file_name(path), Path(path)
    try:
        if not file.exists():
            raise InvalidGame(f"{name}: there must be a file, there is none")
        if not file.is_file():
            kind = "folder" if file.is_dir() else "pipe or device"
            raise InvalidGame(f"{name}: there must be a file, it is a {kind}")
        if file.stat().st_size > largest:
            raise InvalidGame(f"{name}: a game must have at most {largest:,} bytes, got {file.stat().st_size:,}")
        return file.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise InvalidGame(f"{name}: the file must be readable, got {shown(str(problem.strerror))}") from None
    except UnicodeDecodeError as problem:
        raise InvalidGame(f"{name}: the file must be UTF-8 text, byte {problem.start} is not") from None


def write_text(path: FilePath, text: str) -> None:
    """The file appears whole or not at all."""
    write(Path(path), text.encode())


def file_name(path: FilePath) -> str:
    """A path's last part, fit to be shown."""
    return shown(Path(path).name or str(path))


def checked_text(what: str, text: str) -> str:
    """`text` itself.

    Raises
    ------
    InvalidGame
        If it cannot be stored as UTF-8.
    """
    if not isinstance(text, str):
        raise InvalidGame(f"{what} must be text, got {quoted(text)}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidGame(f"{what} must be Unicode text, got {quoted(text)}")
    return text


def parsed_json(text: str, name: str, numeral: Callable[[str], Any] | None = None) -> Any:
    """What the JSON text says; every number is made by `numeral`, if it is given, from the number as it is written.

    Raises
    ------
    InvalidGame
        If it is not JSON, is nested too deep, holds an integer of thousands of digits, or an object has a key twice;
        the message begins with `name`.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            double, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise InvalidGame(f"{name}: each key must stand once, {quoted(double)} stands twice")
        return found

    try:
        return json.loads(
            text, parse_float=numeral, parse_int=numeral, parse_constant=numeral, object_pairs_hook=unique
        )
    except json.JSONDecodeError as problem:
        raise InvalidGame(f"{name} line {problem.lineno}: the file must be JSON, got {problem.msg}") from None
    except RecursionError:
        raise InvalidGame(f"{name}: the file must be JSON with few brackets inside one another") from None
    except InvalidGame:
        raise
    except ValueError:  # Python's own limit on the digits of an integer
        raise InvalidGame(f"{name}: a number must have fewer than 4,300 digits") from None


def json_members(values: Mapping[str, Any]) -> str:
    """The members of a JSON object, a line each, without its braces."""
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in values.items())


def json_value(value: Any) -> Any:
    """The value as JSON holds it: fractions as strings, null for nan and infinities."""
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, Fraction):
        return fraction_text(value)
    if isinstance(value, np.generic | np.ndarray):
        return json_value(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): json_value(item) for name, item in value.items()}
    if isinstance(value, Sequence | frozenset | set):
        return [json_value(item) for item in value]
    return float(value) if math.isfinite(value) else None


def fraction_text(value: Fraction) -> str:
    """`str(value)` however long: Python itself refuses integers of more than 4,300 digits."""
    above, below = flint.fmpz(value.numerator), flint.fmpz(value.denominator)
    return str(above) if below == 1 else f"{above}/{below}"
