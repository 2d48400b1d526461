"""Hedonic games in JSON: one object whose `kind` says which game its other keys describe."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from solvers._documents import FilePath, checked_text, file_name, parsed_json, read_text, write_text
from solvers._messages import quoted, suggestion
from solvers.core import Array, InvalidGame
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._document import Document
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
from solvers.hedonic._pairwise import AdditivelySeparableGame, BestWorstGame, FractionalGame, friends_and_enemies

BYTES = 1_000_000_000  # of a file: 100,000 players in 100 slots take some 200 million
CALLED = 10_000  # players of a game of friends and enemies, which has no sparse form
INTEGERS = 2**53  # floats below are written as integers where they are
DENSE = 0.3  # share of non-zero weights from which a matrix is shorter than a list of edges

COMMON = ("kind", "title", "players", "slots", "heads")
REPUTATION = ("values", "pay", "threshold", "floor", "shared", "peaks")
SPEEDS = ("values", "lowest", "highest")


def load(path: FilePath) -> HedonicGame:
    """The game in a JSON file.

    The key `kind` is one of the following; the other keys belong to it.

    - `additively-separable`, `fractional`, `best`, `worst`: `weights`, (players, players), or `edges`, a list of
      `[i, k, what i gets from k]`;
    - `friends`, `enemies` (appreciation of friends, aversion to enemies): `friends`, (players, players) of 0 and 1, or
      `edges`, a list of `[i, k]`: i holds k for a friend;
    - `anonymous`: `values`, (players, sizes);
    - `labelled`: `base`, (players, slots), `weights`, `sizes`, and optionally `outside`, `reputation` with the keys
      `values`, `pay`, `threshold`, `floor`, `shared`, `peaks`, and `speeds` with `values`, `lowest`, `highest`.

    All may have a `title`, `players`, a list of names, or with `edges` their number, `slots`, how many coalitions there
    may be, and `heads`, the players, by number or name, who stay in slots 0, 1, ...

    Raises
    ------
    InvalidGame
        If the file cannot be read, does not end in .json, or does not describe a game.

    Examples
    --------
    >>> load("game.txt")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: game.txt: the file of a game must end in .json
    """
    if Path(path).suffix.lower() != ".json":
        raise InvalidGame(f"{file_name(path)}: the file of a game must end in .json")
    return parse_json(read_text(path, largest=BYTES), name=file_name(path))


def parse_json(text: str, *, name: str = "json") -> HedonicGame:
    """The game that the text of a JSON file describes; `name` is what errors call the text.

    Raises
    ------
    InvalidGame
        If it does not describe one.

    Examples
    --------
    >>> game = parse_json('{"kind": "fractional", "players": ["Ann", "Bob"], "edges": [["Ann", "Bob", 1]]}')
    >>> game.names
    ('Ann', 'Bob')
    >>> parse_json('{"kind": "fractional", "wieghts": [[0]]}')
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: json: `wieghts` is not a key of kind fractional; did you mean `weights`?
    """
    found = parsed_json(text, name)
    if not isinstance(found, dict):
        raise InvalidGame(f"{name}: the file must hold one object with the key kind, got {quoted(found)}")
    kind = found.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        said = f"got {quoted(kind)}; {suggestion(str(kind), KINDS)}" if "kind" in found else "it is missing"
        raise InvalidGame(f"{name}: there must be a known kind of game, {said}")
    document = Document(name, found)
    document.refuse_unknown(found, (*COMMON, *KINDS[kind].keys), f"kind {kind}")
    try:
        return KINDS[kind].build(document, **document.common())
    except InvalidGame as problem:
        raise InvalidGame(problem if str(problem).startswith(f"{name}: ") else f"{name}: {problem}") from None


def write_json(game: HedonicGame, path: FilePath) -> None:
    """The game in a JSON file, which appears whole or not at all; `load` says what is in it.

    Raises
    ------
    InvalidGame
        If a name is not text, or the game is a Python function.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "game.json")
    ...     write_json(FractionalGame([[0, 2.5], [1, 0]]), path)
    ...     print(path.read_text(), end="")
    {
     "kind": "fractional",
     "players": 2,
     "weights": [
      [0, 2.5],
      [1, 0]
     ]
    }
    """
    write_text(path, format_json(game))


def format_json(game: HedonicGame) -> str:
    """The text of a JSON file that describes the game, with the same numbers to the last bit.

    A game of friends and enemies is written as the additively separable game that it is.

    Raises
    ------
    InvalidGame
        If a name is not text, or the game is a Python function.

    Examples
    --------
    >>> game = AnonymousGame([[0.1, 3], [0.2, 1]], title="pairs")
    >>> parse_json(format_json(game)).values_by_size
    array([[0.1, 3. ],
           [0.2, 1. ]])
    """
    kind, members = _described(game)
    return "{\n " + ",\n ".join([f'"kind": "{kind}"', *_common(game), *members]) + "\n}\n"


# --- reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A kind of game: the keys of its own, and what makes the game."""

    keys: tuple[str, ...]
    build: Callable[..., HedonicGame]


def _pairwise(make: Callable[..., HedonicGame], **fixed: Any) -> Kind:
    def build(document: Document, **common: Any) -> HedonicGame:
        return make(document.square("weights"), **common, **fixed)

    return Kind(("weights", "edges"), build)


def _friends(*, aversion: bool) -> Kind:
    def build(document: Document, **common: Any) -> HedonicGame:
        if document.players > CALLED:
            rule = f"{document.name}: everybody is a friend or an enemy of everybody, so {CALLED:,} players is the most"
            raise InvalidGame(f"{rule}, got {document.players:,}")
        return friends_and_enemies(document.square("friends"), aversion=aversion, **common)

    return Kind(("friends", "edges"), build)


def _anonymous(document: Document, **common: Any) -> HedonicGame:
    values = document.matrix("values", document["values"])
    document.refuse_missing_names("values", len(values))
    if values.shape != (document.players, document.players):
        n = document.players
        raise InvalidGame(f"{document.name}: values must be ({n}, {n}), a row per player, got shape {values.shape}")
    return AnonymousGame(values, **common)


def _labelled(document: Document, *, slots: int | None, **common: Any) -> HedonicGame:
    base = document.matrix("base", document["base"])
    document.refuse_missing_names("base", len(base))
    if "players" in document and len(base) != document.players:
        rule = f"base must have a row for each of {document.players} players"
        raise InvalidGame(f"{document.name}: {rule}, got {len(base)}")
    if slots not in (None, base.shape[1]):
        raise InvalidGame(f"{document.name}: slots must be the columns of base, {base.shape[1]}, got {slots}")
    outside = document.get("outside")
    return LabelledGame(
        base,
        weights=document.either("weights", document["weights"]),
        sizes=document.vector("sizes", document["sizes"]),
        reputation=_reputation(document.part("reputation", REPUTATION)),
        speeds=_speeds(document.part("speeds", SPEEDS)),
        outside=document.vector("outside", outside) if isinstance(outside, list) else _number(document, outside),
        **common,
    )


def _number(document: Document, outside: object) -> float | None:
    return None if outside is None else document.number("outside", outside)


def _reputation(part: Document | None) -> Reputation | None:
    if part is None:
        return None
    optional: dict[str, Any] = {}
    if "floor" in part:
        optional["floor"] = part.number("floor", part["floor"])
    if "shared" in part:
        optional["shared"] = part.truth("shared", part["shared"])
    if "peaks" in part:
        optional["peaks"] = part.vector("peaks", part["peaks"])
    pay, threshold = (part.number(key, part[key]) for key in ("pay", "threshold"))
    return Reputation(part.either("values", part["values"]), pay=pay, threshold=threshold, **optional)


def _speeds(part: Document | None) -> Speeds | None:
    return None if part is None else Speeds(*(part.vector(key, part[key]) for key in SPEEDS))


KINDS = {
    "additively-separable": _pairwise(AdditivelySeparableGame),
    "fractional": _pairwise(FractionalGame),
    "best": _pairwise(BestWorstGame, worst=False),
    "worst": _pairwise(BestWorstGame, worst=True),
    "friends": _friends(aversion=False),
    "enemies": _friends(aversion=True),
    "anonymous": Kind(("values",), _anonymous),
    "labelled": Kind(("base", "weights", "sizes", "reputation", "speeds", "outside"), _labelled),
}


# --- writing -----------------------------------------------------------------------------------------------------


def has_names(game: HedonicGame) -> bool:
    """Whether the players are called otherwise than by their numbers."""
    return bool(game.names) and any(name != str(i) for i, name in enumerate(game.names))


def kind_of(game: HedonicGame) -> str:
    """What files call games like this one."""
    return _described(game)[0]


def _described(game: HedonicGame) -> tuple[str, Iterator[str]]:
    """The kind, and the members of the JSON object that belong to it."""
    if isinstance(game, LabelledGame):
        return "labelled", _labelled_members(game)
    if isinstance(game, AnonymousGame):
        return "anonymous", iter([f'"values": {_rows(game.values_by_size)}'])
    if isinstance(game, BestWorstGame):
        return "worst" if game.worst else "best", _weights(game.weights)
    for kind, family in (("additively-separable", AdditivelySeparableGame), ("fractional", FractionalGame)):
        if isinstance(game, family):
            return kind, _weights(game.weights)
    raise InvalidGame(f"a game in a file must be one of {', '.join(KINDS)}, got {type(game).__name__}")


def _common(game: HedonicGame) -> Iterator[str]:
    if game.title:
        yield f'"title": {_text("the title", game.title)}'
    if has_names(game):
        yield f'"players": [{", ".join(_text("a name", name) for name in game.names)}]'
    else:
        yield f'"players": {game.players}'
    if game.slots is not None:
        yield f'"slots": {game.slots}'
    if game.heads:
        yield f'"heads": {json.dumps(list(game.heads))}'


def _weights(weights: Any) -> Iterator[str]:
    if weights.nnz > DENSE * weights.shape[0] ** 2:
        yield f'"weights": {_rows(weights.toarray())}'
        return
    listed = weights.tocoo()
    ends, values = zip(*(axis.tolist() for axis in listed.coords), strict=True), _plain(listed.data)
    yield '"edges": [' + ",\n  ".join(f"[{i}, {k}, {v!r}]" for (i, k), v in zip(ends, values, strict=True)) + "]"


def _labelled_members(game: LabelledGame) -> Iterator[str]:
    yield f'"base": {_rows(game.base)}'
    yield f'"weights": {_rows(game.weights if game.weights.shape[1] > 1 else game.weights[:, 0])}'
    yield f'"sizes": {_rows(game.sizes)}'
    if game.outside is not None:
        yield f'"outside": {_rows(game.outside)}'
    if game.reputation is not None:
        yield f'"reputation": {_part(game.reputation, REPUTATION)}'
    if game.speeds is not None:
        yield f'"speeds": {_part(game.speeds, SPEEDS)}'


def _part(part: object, keys: Sequence[str]) -> str:
    pairs = ((key, getattr(part, key)) for key in keys)
    texts = {key: _rows(v) if isinstance(v, np.ndarray) else json.dumps(v) for key, v in pairs if v is not None}
    return "{" + ", ".join(f'"{key}": {text}' for key, text in texts.items()) + "}"


def _rows(values: Array) -> str:
    """An array as text, a line per row."""
    if values.ndim == 1:
        return json.dumps(_plain(values))
    return "[\n  " + ",\n  ".join(json.dumps(_plain(row)) for row in values) + "\n ]"


def _plain(values: Array) -> list[float]:
    """The numbers, integers where they are; negative zeros stay."""
    numbers: list[float] = values.tolist()
    return [int(v) if v.is_integer() and abs(v) < INTEGERS and (v or str(v) == "0.0") else v for v in numbers]


def _text(what: str, text: str) -> str:
    return json.dumps(checked_text(what, text), ensure_ascii=False)
