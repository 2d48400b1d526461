"""Games in JSON: `{"A": [[..]], "B": [[..]]}`, read exactly, and the choice of a reader by a file's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from solvers._documents import FilePath, checked_text, file_name, parsed_json, read_text, write_text
from solvers._messages import quoted, suggestion
from solvers.bimatrix._files import Number, build, exact, number_text, written
from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._nfg import read_nfg
from solvers.core import InvalidGame

KEYS = ("title", "players", "rows", "columns", "A", "B")
SUFFIXES = (".nfg", ".json")


def load(path: FilePath) -> BimatrixGame:
    """The game in a file that ends in `.nfg` or `.json`.

    Raises
    ------
    InvalidGame
        If the file cannot be read, ends otherwise or does not hold a two-player game.

    Examples
    --------
    >>> load("game.txt")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: game.txt: the file of a game must end in .nfg or .json
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidGame(f"{file_name(path)}: the file of a game must end in {' or '.join(SUFFIXES)}")
    return read_nfg(path) if suffix == ".nfg" else read_json(path)


def read_json(path: FilePath) -> BimatrixGame:
    """The game in a JSON file: an object with the keys `A` and `B`, each a list of rows of numbers.

    A number may also be a string such as `"1/3"`, and is read exactly: `0.1` is 1/10. The keys `title`, a string, and
    `players`, `rows` and `columns`, lists of strings, are optional.

    Raises
    ------
    InvalidGame
        If the file cannot be read or does not hold such an object.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "game.json")
    ...     _ = path.write_text('{"A": [[3, "1/3"]], "B": [[0.1, -1]], "title": "small"}')
    ...     read_json(path).rational_payoffs[0].rows()
    [[Fraction(3, 1), Fraction(1, 3)]]
    """
    return parse_json(read_text(path), name=file_name(path))


def write_json(game: BimatrixGame, path: FilePath) -> None:
    """The game in a JSON file, which appears whole or not at all; `read_json` says what is in it.

    Fractions are written as strings, float64 payoffs as the shortest decimals that are read back as the same float64.

    Raises
    ------
    InvalidGame
        If a name is not text, or a payoff is too long.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "game.json")
    ...     write_json(BimatrixGame([[0.5]], [[2]], title="small"), path)
    ...     print(path.read_text(), end="")
    {
     "title": "small",
     "players": ["row", "column"],
     "A": [
      [0.5]
     ],
     "B": [
      [2]
     ]
    }
    """
    write_text(path, format_json(game))


def parse_json(text: str, *, name: str = "json") -> BimatrixGame:
    """The game that the text of a JSON file describes; `name` is what errors call the text.

    Raises
    ------
    InvalidGame
        If it does not describe one.

    Examples
    --------
    >>> parse_json('{"A": [[1, 2]], "B": [[1, "two"]]}')
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: json: B[0, 1]: a payoff must be a number such as 3, -0.5, 1e-3 or 1/3, got `two`
    """
    return _Document(name).game(text)


def format_json(game: BimatrixGame) -> str:
    """The text of a JSON file that describes the game.

    Raises
    ------
    InvalidGame
        If a name is not text, or a payoff is too long.

    Examples
    --------
    >>> parse_json(format_json(BimatrixGame([[3, 0.1]], [[2, 5]]))).A
    array([[3. , 0.1]])
    """
    lines = [f'"title": {_text("the title", game.title)}'] if game.title else []
    for key, names in (("players", game.players), ("rows", game.rows), ("columns", game.columns)):
        if names:
            lines.append(f'"{key}": [{", ".join(_text(f"a name in {key}", name) for name in names)}]')
    for key, matrix in zip("AB", written(game), strict=True):
        rows = ",\n  ".join(f"[{', '.join(map(_number, row))}]" for row in matrix)
        lines.append(f'"{key}": [\n  {rows}\n ]')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


class _Document:
    """One file, whose errors begin with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def game(self, text: str) -> BimatrixGame:
        """The game, if the text is one JSON object that describes it."""
        found = parsed_json(text, self.name, _Numeral)  # numbers stay text, so that none is rounded
        if not isinstance(found, dict):
            self.refuse("the file must hold one object with the keys A and B", found)
        for key in found:
            if key not in KEYS:
                raise InvalidGame(f"{self.name}: {quoted(key)} is not a known key; {suggestion(key, KEYS)}")
        A, B = (self.matrix(key, found) for key in "AB")
        names = {key: self.names(key, found[key]) for key in ("players", "rows", "columns") if key in found}
        if len(names.get("players", ("row", "column"))) != 2:
            self.refuse("players must name 2 players", found["players"])
        return build(self.name, A, B, title=self.text("title", found.get("title", "")), **names)

    def matrix(self, key: str, found: dict[str, Any]) -> list[list[Number]]:
        """A list of rows, each a list of numbers."""
        if key not in found:
            raise InvalidGame(f"{self.name}: there must be a key {quoted(key)}, it is missing")
        rows = found[key]
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            self.refuse(f"{key} must be a list of rows, each a list of numbers", rows)
        return [[self.number(f"{key}[{i}, {j}]", value) for j, value in enumerate(row)] for i, row in enumerate(rows)]

    def number(self, where: str, value: object) -> Number:
        """An entry of a matrix, exactly."""
        try:
            return exact(value if isinstance(value, str) else "")
        except ValueError as problem:
            self.refuse(f"{where}: {problem}", value)

    def names(self, key: str, value: object) -> tuple[str, ...]:
        """A list of strings."""
        if not isinstance(value, list):
            self.refuse(f"{key} must be a list of strings", value)
        return tuple(self.text(f"a name in {key}", name) for name in value)

    def text(self, what: str, value: object) -> str:
        """A string."""
        if not isinstance(value, str) or isinstance(value, _Numeral):
            self.refuse(f"{what} must be a string", value)
        try:
            return checked_text(what, value)
        except InvalidGame as problem:
            raise InvalidGame(f"{self.name}: {problem}") from None

    def refuse(self, rule: str, value: object) -> NoReturn:
        """Raises the error: the file, the rule, the value."""
        raise InvalidGame(f"{self.name}: {rule}, got {quoted(value)}")


class _Numeral(str):
    """A JSON number as it is written."""

    __slots__ = ()


def _number(value: Number | float) -> str:
    text = number_text(value)
    return f'"{text}"' if "/" in text else text


def _text(what: str, text: str) -> str:
    return json.dumps(checked_text(what, text), ensure_ascii=False)
