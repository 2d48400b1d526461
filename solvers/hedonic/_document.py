"""One JSON object that describes a game: its players and numbers, and errors that name file, rule and value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from solvers._documents import checked_text
from solvers._messages import quoted, suggestion
from solvers.core import Array, InvalidGame

PLAYERS = 10_000_000


class Document:
    """One object of a file; its errors begin with the file's name."""

    def __init__(self, name: str, found: Mapping[str, Any]) -> None:
        self.name = name
        self.found = found

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str, otherwise: Any = None) -> Any:
        """What is at `key`; `otherwise` where nothing or null is."""
        value = self.found.get(key)
        return otherwise if value is None else value

    def refuse(self, rule: str, value: object) -> NoReturn:
        """Raises the error: the file, the rule, the value."""
        raise InvalidGame(f"{self.name}: {rule}, got {quoted(value)}")

    def refuse_unknown(self, found: Mapping[str, Any], known: Sequence[str], what: str) -> None:
        """Refuses a key that is not among the known ones."""
        for key in found:
            if key not in known:
                raise InvalidGame(f"{self.name}: {quoted(key)} is not a key of {what}; {suggestion(key, known)}")

    def __getitem__(self, key: str) -> Any:
        if key not in self.found:
            raise InvalidGame(f"{self.name}: there must be a key {quoted(key)}, it is missing")
        return self.found[key]

    def common(self) -> dict[str, Any]:
        """What every game takes: the title, the names, the number of slots and the heads."""
        title = self.text("title", self.get("title", ""))
        slots = self.count("slots", self["slots"], largest=PLAYERS) if "slots" in self else None
        heads = self.get("heads", [])
        if not isinstance(heads, list):
            self.refuse("heads must be a list of players", heads)
        listed = tuple(self.player("heads", head) for head in heads)
        return {"names": self.names, "title": title, "slots": slots, "heads": listed}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The players' names, if they have any."""
        given = self.get("players")
        if not isinstance(given, list):
            return ()
        if not given:
            self.refuse("players must be at least one", given)
        names = tuple(self.text("a name in players", name) for name in given)
        if not all(map(str.strip, names)):
            self.refuse("a name in players must not be empty", next(name for name in names if not name.strip()))
        if len(set(names)) < len(names):
            seen: set[str] = set()
            twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise InvalidGame(f"{self.name}: each player must have a name of its own, {quoted(twice)} stands twice")
        return names

    @cached_property
    def players(self) -> int:
        """How many players there are: by their names, their number, or the rows of the matrix."""
        if self.names:
            return len(self.names)
        if "players" in self:
            return self.count("players", self["players"], largest=PLAYERS)
        rows = next((self[key] for key in ("weights", "friends", "values", "base") if key in self), None)
        if not isinstance(rows, list):
            raise InvalidGame(f"{self.name}: there must be a key {quoted('players')}, it is missing")
        return len(rows)

    def refuse_missing_names(self, key: str, rows: int) -> None:
        """Refuses fewer names than the matrix at `key` has rows."""
        if self.names and len(self.names) < rows:
            rule = f"{self.name}: players must name everybody, {rows - len(self.names)} of {rows} names are missing"
            raise InvalidGame(f"{rule}, {key} has {rows} rows")

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Each name's player."""
        return {name: i for i, name in enumerate(self.names)}

    def player(self, where: str, value: object) -> int:
        """A player, by number or by name."""
        if isinstance(value, str):
            if value in self.numbers:
                return self.numbers[value]
            raise InvalidGame(f"{self.name}: {where}: no player is called {quoted(value)}; {self.known(value)}")
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(f"{where}: a player must be a number or a name", value)
        if not 0 <= value < self.players:
            self.refuse(f"{where}: players are numbered 0 to {self.players - 1}", value)
        return value

    def known(self, value: str) -> str:
        """What players there are."""
        return suggestion(value, self.names) if self.names else f"they are numbered 0 to {self.players - 1}"

    def text(self, what: str, value: object) -> str:
        """A string."""
        if not isinstance(value, str):
            self.refuse(f"{what} must be a string", value)
        try:
            return checked_text(what, value)
        except InvalidGame as problem:
            raise InvalidGame(f"{self.name}: {problem}") from None

    def count(self, what: str, value: object, *, largest: int) -> int:
        """A positive integer."""
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
            self.refuse(f"{what} must be an integer of 1 to {largest:,}", value)
        return value

    def truth(self, what: str, value: object) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.refuse(f"{what} must be true or false", value)
        return value

    def number(self, what: str, value: object) -> float:
        """A finite number."""
        return float(self.vector(what, [value])[0])

    def vector(self, what: str, values: object) -> Array:
        """A list of finite numbers."""
        if not isinstance(values, list):
            self.refuse(f"{what} must be a list of numbers", values)
        if not {*map(type, values)} <= {int, float}:
            wrong = next(k for k, value in enumerate(values) if type(value) not in (int, float))
            self.refuse(f"{what} must be numbers, entry {wrong} is not", values[wrong])
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:
            numbers = np.array([_clipped(value) for value in values])
        if not np.all(np.isfinite(numbers)):
            wrong = int(np.argmin(np.isfinite(numbers)))
            self.refuse(f"{what} must be finite, entry {wrong} is not", float(numbers[wrong]))
        return numbers

    def matrix(self, what: str, rows: object) -> Array:
        """A list of rows of finite numbers, all of one length."""
        if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
            self.refuse(f"{what} must be a list of rows, each a list of numbers", rows)
        lengths = [len(row) for row in rows]
        if {*lengths} != {lengths[0]}:
            wrong = next(i for i, length in enumerate(lengths) if length != lengths[0])
            rule = f"{what} must have rows of one length, row 0 has {lengths[0]} entries"
            raise InvalidGame(f"{self.name}: {rule} and row {wrong} has {lengths[wrong]}")
        return np.array([self.vector(f"{what}, row {i},", row) for i, row in enumerate(rows)])

    def either(self, what: str, values: object) -> Array:
        """A list of numbers, or a list of such rows."""
        nested = isinstance(values, list) and values and isinstance(values[0], list)
        return self.matrix(what, values) if nested else self.vector(what, values)

    def square(self, key: str) -> Any:
        """The matrix at `key`, or the sparse one of the edges, 1 each where they have no values."""
        if (key in self) == ("edges" in self):
            wrong = "not both" if key in self else "both are missing"
            raise InvalidGame(f"{self.name}: there must be either {quoted(key)} or {quoted('edges')}, {wrong}")
        if "edges" in self:
            return self.sparse(self["edges"], valued=key != "friends")
        matrix = self.matrix(key, _zero_or_one(self[key]) if key == "friends" else self[key])
        self.refuse_missing_names(key, len(matrix))
        if len(matrix) != self.players or matrix.shape[0] != matrix.shape[1]:
            n = self.players if self.names or "players" in self else len(matrix)
            raise InvalidGame(f"{self.name}: {key} must be square, ({n}, {n}), got shape {matrix.shape}")
        return matrix

    def sparse(self, edges: object, *, valued: bool) -> Any:
        """The players' matrix of the edges `[i, k]`, with values `[i, k, value]`."""
        from scipy.sparse import csr_array

        ends, values = self.edges(edges, valued=valued)
        n = self.players
        positions = ends[:, 0] * n + ends[:, 1]
        loops, (_, first) = np.flatnonzero(ends[:, 0] == ends[:, 1]), np.unique(positions, return_index=True)
        if len(loops):
            self.refuse(f"edges must join two players, edge {loops[0]} does not", edges[loops[0]])  # type: ignore[index]
        if len(first) < len(ends):
            wrong = int(np.setdiff1d(np.arange(len(ends)), first)[0])
            raise InvalidGame(
                f"{self.name}: edges must stand once each, edge {wrong} stands twice: {_edge(edges, wrong)}"
            )
        return csr_array((values, (ends[:, 0], ends[:, 1])), shape=(n, n))

    def edges(self, edges: object, *, valued: bool) -> tuple[Any, Array]:
        """Who points to whom, (edges, 2), and the values."""
        shape = "[i, k, value]" if valued else "[i, k]"
        if not isinstance(edges, list):
            self.refuse(f"edges must be a list of {shape}", edges)
        for k, edge in enumerate(edges):
            if not isinstance(edge, list) or len(edge) != 2 + valued:
                self.refuse(f"edges must be {shape} each, edge {k} is not", edge)
        ends = [[self.player(f"edge {k}", end) for end in edge[:2]] for k, edge in enumerate(edges)]
        values = self.vector("the values of edges", [edge[2] for edge in edges]) if valued else np.ones(len(edges))
        return np.array(ends, dtype=np.int64).reshape(-1, 2), values

    def part(self, key: str, known: Sequence[str]) -> Document | None:
        """The object at `key`, if there is one."""
        if key not in self:
            return None
        if not isinstance(self[key], dict):
            self.refuse(f"{key} must be an object with the keys {', '.join(known)}", self[key])
        self.refuse_unknown(self[key], known, key)
        return Document(f"{self.name}: {key}", self[key])


def _clipped(value: float) -> float:
    """The number as a float, infinite where none is as large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _zero_or_one(rows: Any) -> Any:
    """The rows with 0 and 1 for false and true; what else is in them is left to be refused."""
    if not isinstance(rows, list):
        return rows
    lists = ([int(v) if isinstance(v, bool) else v for v in row] if isinstance(row, list) else row for row in rows)
    return list(lists)


def _edge(edges: object, k: int) -> str:
    return json.dumps(edges[k][:2])[:80]  # type: ignore[index]
