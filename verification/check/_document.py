"""A certificate as it is read: JSON without double keys, nan or infinity; errors name the place, rule and value."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import flint

from verification.check._numbers import rational, shown
from verification.check._verdict import BadCertificate

BYTES = 500_000_000  # of a file


def read(path: str | os.PathLike[str]) -> tuple[str, Any]:
    """A file's name, fit to be shown, and what its JSON says.

    Raises
    ------
    BadCertificate
        If it is missing, not readable, too large, not UTF-8, or not JSON without double keys, nan and infinity.
    """
    file = Path(path)
    name = printable(file.name or str(file))
    try:
        if not file.is_file():
            raise BadCertificate(f"{name}: there must be a file, there is none")
        if file.stat().st_size > BYTES:
            raise BadCertificate(
                f"{name}: a certificate must have at most {BYTES:,} bytes, got {file.stat().st_size:,}"
            )
        return name, parsed(file.read_bytes().decode("utf-8-sig"), name)
    except (OSError, ValueError) as problem:
        if isinstance(problem, BadCertificate):
            raise
        if isinstance(problem, UnicodeDecodeError):
            raise BadCertificate(f"{name}: the file must be UTF-8 text, byte {problem.start} is not") from None
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise BadCertificate(f"{name}: the file must be readable, got {printable(str(reason))}") from None


def parsed(text: str, name: str) -> Any:
    """What the JSON text says.

    Raises
    ------
    BadCertificate
        If it is not JSON, an object has a key twice, a number is nan or infinite, or brackets are nested too deep.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            double, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise BadCertificate(f"{name}: each key must stand once, {shown(double)} stands twice")
        return found

    def refuse(constant: str) -> NoReturn:
        raise BadCertificate(f"{name}: a number must be finite, got {constant}")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as problem:
        raise BadCertificate(f"{name} line {problem.lineno}: the file must be JSON, got {problem.msg}") from None
    except RecursionError:
        raise BadCertificate(f"{name}: the file must be JSON with few brackets inside one another") from None
    except BadCertificate:
        raise
    except ValueError:  # Python's own limit on the digits of an integer
        raise BadCertificate(f"{name}: a JSON number must have fewer than 4,300 digits") from None


class Node:
    """One object of a certificate; its errors begin with `where` it stands.

    Examples
    --------
    >>> Node("game", {"A": [[1, "1/3"]]}).matrix("A")
    [[1, 1/3]]
    >>> Node("game", {"A": [[1, "1/3"]]})["B"]
    Traceback (most recent call last):
    ...
    verification.check._verdict.BadCertificate: game: there must be a key 'B', it is missing
    """

    def __init__(self, where: str, found: object) -> None:
        if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
            raise BadCertificate(f"{where}: there must be an object, got {shown(found)}")
        self.where = where
        self.found: Mapping[str, Any] = found

    def __contains__(self, key: str) -> bool:
        return self.found.get(key) is not None

    def __getitem__(self, key: str) -> Any:
        if key not in self.found:
            raise BadCertificate(f"{self.where}: there must be a key {key!r}, it is missing")
        return self.found[key]

    def refuse(self, rule: str, value: object) -> NoReturn:
        """Raises the error: the place, the rule, the value."""
        raise BadCertificate(f"{self.where}: {rule}, got {shown(value)}")

    def only(self, keys: Sequence[str]) -> None:
        """Refuses a key that is not known: it may change what the others mean."""
        for key in self.found:
            if key not in keys:
                raise BadCertificate(f"{self.where}: {shown(key)} is not a known key; known: {', '.join(keys)}")

    def node(self, key: str) -> Node:
        """The object at `key`."""
        return Node(f"{self.where}.{key}", self[key])

    def items(self, key: str) -> list[Any]:
        """The list at `key`."""
        if not isinstance(self[key], list | tuple):
            self.refuse(f"{key} must be a list", self[key])
        return list(self[key])

    def text(self, key: str, otherwise: str | None = None) -> str:
        """The string at `key`; `otherwise`, if it is given, where nothing or null is."""
        value = self[key] if otherwise is None else self.found.get(key)
        if value is None and otherwise is not None:
            return otherwise
        if not isinstance(value, str):
            self.refuse(f"{key} must be a string", value)
        return printable(value)

    def truth(self, key: str, otherwise: bool) -> bool:
        """True or false at `key`."""
        value = otherwise if self.found.get(key) is None else self[key]
        if not isinstance(value, bool):
            self.refuse(f"{key} must be true or false", value)
        return value

    def count(self, key: str, largest: int) -> int:
        """The positive integer at `key`."""
        value = self[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
            self.refuse(f"{key} must be an integer of 1 to {largest:,}", value)
        return value

    def number(self, key: str) -> flint.fmpq:
        """The number at `key`, exactly."""
        return rational(f"{self.where}.{key}", self[key])

    def vector(self, key: str, length: int | None = None) -> list[flint.fmpq]:
        """The list of numbers at `key`, exactly."""
        return self._numbers(key, self.items(key), length)

    def matrix(self, key: str, columns: int | None = None) -> list[list[flint.fmpq]]:
        """The list of rows of numbers at `key`, all of one length, exactly."""
        rows = self.items(key)
        if not rows or not all(isinstance(row, list | tuple) for row in rows):
            self.refuse(f"{key} must be a list of rows, each a list of numbers", rows)
        length = len(rows[0]) if columns is None else columns
        if not length:
            self.refuse(f"{key} must have at least one column", rows[0])
        return [self._numbers(f"{key}[{i}]", row, length) for i, row in enumerate(rows)]

    def tolerances(self, players: int) -> list[flint.fmpq]:
        """What each player may gain: the number at `tolerance`, or one for each."""
        value = self["tolerance"]
        single = not isinstance(value, list | tuple)
        found = [self.number("tolerance")] * players if single else self.vector("tolerance", players)
        for limit in found:
            if limit < 0:
                self.refuse("tolerance must be >= 0", str(limit))
        return found

    def _numbers(self, key: str, values: Sequence[Any], length: int | None) -> list[flint.fmpq]:
        if length is not None and len(values) != length:
            raise BadCertificate(f"{self.where}: {key} must have {length:,} entries, got {len(values):,}")
        place = f"{self.where}.{key}"
        return [rational(f"{place}[{k}]" if type(v) not in (float, int) else place, v) for k, v in enumerate(values)]


def printable(text: str) -> str:
    """`text` on one line, with escapes for what cannot be printed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode("ascii") for c in text)
