"""A game written down in a TOML file and a table of followers, checked line by line and handed to the game."""

from __future__ import annotations

import keyword
import math
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from solvers._messages import quoted, refuse, shown, suggestion
from solvers.core import InvalidGame
from solvers.stackelberg._expressions import FUNCTIONS, parse, parse_constraint
from solvers.stackelberg._game import StackelbergGame
from solvers.stackelberg._table import Followers, Progress, is_file, read_followers

Section: TypeAlias = dict[str, Any]
Symbols: TypeAlias = dict[str, sp.Symbol]

FOLDER = Path(__file__).with_name("scenarios")
BYTES = 100_000  # of a scenario's TOML
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
KEYS: Mapping[str, tuple[str, ...]] = {
    "leader": ("decision", "bounds", "utility"),
    "follower": ("decision", "utility", "constraints", "participation"),
    "followers": ("table",),
}
SECTIONS = ("title", *KEYS, "parameters", "derived", "domain")
DOMAINS = ("positive", "nonnegative")


def bundled() -> tuple[str, ...]:
    """The names of the scenarios that come with the package.

    Examples
    --------
    >>> "gfml" in bundled()
    True
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(
    name_or_path: str | os.PathLike[str],
    *,
    followers: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> StackelbergGame:
    """The game that a bundled scenario, or a TOML file, describes.

    Parameters
    ----------
    name_or_path
        One of `bundled()`, or the path of a file with the sections `[leader]`, `[follower]`,
        `[follower.constraints]`, `[parameters]`, `[derived]`, `[domain]` and `[followers]`.
    followers
        A table that takes the place of the one the file names.
    parameters
        Numbers that take the place of those in `[parameters]`.
    progress
        Called with the bytes of the table read so far and the bytes there are.

    Raises
    ------
    InvalidGame
        If the file, an expression or the table does not describe a game; the message names where, the rule and the
        value.

    Examples
    --------
    >>> load("two-peaks", parameters={"eta": 20.0}).names
    ('ada', 'bob', 'cem')
    >>> load("two-peaks", parameters={"tmax": 20.0})
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: `tmax` is not a parameter of two-peaks.toml; did you mean `T_max`?
    """
    path = _find(name_or_path)
    scenario = _Scenario(path.name, path.stem, _document(path))
    numbers = scenario.parameters(parameters or {})
    source = path.parent / scenario.text("followers", "table") if followers is None else Path(followers)
    table = read_followers(source, progress=progress)
    scenario.check_domain(numbers, table, shown(source.name))
    return StackelbergGame.declare(**scenario.declaration(numbers, table, shown(source.name)))


def _find(name_or_path: str | os.PathLike[str]) -> Path:
    if name_or_path in bundled():
        return FOLDER / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if not is_file(path):
        hint = suggestion(str(name_or_path), bundled())
        raise InvalidGame(f"{quoted(str(name_or_path))} is neither a scenario file nor a bundled scenario; {hint}")
    return path


def _document(path: Path) -> Section:
    title = shown(path.name)
    if path.stat().st_size > BYTES:
        raise InvalidGame(f"{title}: a scenario must have at most {BYTES:,} bytes, got {path.stat().st_size:,}")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as problem:
        raise InvalidGame(f"{title}: the file must be readable, got {shown(str(problem))}") from None
    except UnicodeDecodeError:
        raise InvalidGame(f"{title}: the file must be UTF-8 text, it is not") from None
    except (ValueError, RecursionError) as problem:  # a TOMLDecodeError, or a number beyond Python's limits
        raise InvalidGame(f"{title}: the file must be TOML, got {shown(str(problem))}") from None


@dataclass(frozen=True)
class _Scenario:
    """One parsed file, read section by section."""

    file: str
    stem: str
    document: Section

    def __post_init__(self) -> None:
        _check_keys(self.document, SECTIONS, self.file)
        for section, keys in KEYS.items():
            _check_keys(self.section(section), keys, f"[{section}]")

    def section(self, name: str) -> Section:
        """A section of the file, empty where it is left out."""
        return _table_of(self.document.get(name, {}), f"[{name}]")

    def text(self, section: str, key: str) -> str:
        """A required string."""
        found = self._required(section, key)
        if not isinstance(found, str) or not found:
            refuse(f"[{section}] {key}", "the value must be text", found)
        return found

    def _required(self, section: str, key: str) -> object:
        if key not in self.section(section):
            raise InvalidGame(f"{shown(self.file)}: [{section}] must have the key {quoted(key)}, it is missing")
        return self.section(section)[key]

    def parameters(self, overrides: Mapping[str, float]) -> dict[str, float]:
        """The numbers shared by all followers, `overrides` applied."""
        declared = self.section("parameters")
        for name in overrides:
            if name not in declared:
                hint = suggestion(str(name), declared)
                raise InvalidGame(f"{quoted(name)} is not a parameter of {shown(self.file)}; {hint}")
        numbers = {**declared, **overrides}
        return {name: _number(value, f"[parameters] {shown(name)}") for name, value in numbers.items()}

    def bounds(self) -> tuple[float, float]:
        """The interval of the leader's decision."""
        where, bounds = "[leader] bounds", self._required("leader", "bounds")
        if not isinstance(bounds, list) or len(bounds) != 2:
            refuse(where, "the value must be two numbers [low, high]", bounds)
        low, high = (_number(bound, where) for bound in bounds)
        if not low < high:
            raise InvalidGame(f"{where}: low must be below high, got [{low:g}, {high:g}]")
        return low, high

    def check_domain(self, parameters: Mapping[str, float], table: Followers, title: str) -> None:
        """Refuses a parameter or a cell that breaks its rule in `[domain]`."""
        for name, rule in self.section("domain").items():
            if rule not in DOMAINS:
                refuse(f"[domain] {shown(name)}", f"the rule must be {' or '.join(map(quoted, DOMAINS))}", rule)
            if name not in parameters and name not in table.columns:
                hint = suggestion(name, [*parameters, *table.columns])
                raise InvalidGame(f"[domain]: {quoted(name)} is neither a parameter nor a column; {hint}")
            values = table.columns[name] if name in table.columns else np.array([parameters[name]])
            wrong = np.flatnonzero(values <= 0 if rule == "positive" else values < 0)
            if wrong.size:
                where = table.row(int(wrong[0]), title) if name in table.columns else "[parameters]"
                raise InvalidGame(f"{where}: {shown(name)} must be {rule}, got {values[wrong[0]]:g}")

    def declaration(self, parameters: Mapping[str, float], table: Followers, title: str) -> dict[str, Any]:
        """What the game is declared from: symbols, expressions and numbers."""
        price, decision = (self.text(section, "decision") for section in ("leader", "follower"))
        symbols = self._symbols(price, decision, parameters, table.columns, title)
        return {
            "title": self._title(),
            "price": symbols[price],
            "decision": symbols[decision],
            "bounds": self.bounds(),
            "leader_utility": parse(self.text("leader", "utility"), symbols, where="[leader] utility"),
            "follower_utility": parse(self.text("follower", "utility"), symbols, where="[follower] utility"),
            "constraints": self._constraints(symbols),
            "table": table.columns,
            "names": table.names,
            "parameters": parameters,
            "derived": self._derived(symbols, taken={price, decision}),
            "participation": self._participation(),
        }

    def _title(self) -> str:
        title = self.document.get("title", self.stem)
        if not isinstance(title, str):
            refuse("title", "the value must be text", title)
        return shown(title)

    def _participation(self) -> bool:
        participation = self.section("follower").get("participation", True)
        if not isinstance(participation, bool):
            refuse("[follower] participation", "the value must be true or false", participation)
        return participation

    def _symbols(
        self, price: str, decision: str, parameters: Iterable[str], columns: Iterable[str], title: str
    ) -> Symbols:
        """One real symbol per name, each defined in one place only."""
        origins = [("[leader] decision", [price]), ("[follower] decision", [decision])]
        origins += [("[parameters]", list(parameters)), ("[derived]", list(self.section("derived")))]
        origins += [(title, list(columns))]
        places: dict[str, str] = {}
        for place, names in origins:
            for name in names:
                _check_name(name, place)
                if name in places:
                    raise InvalidGame(f"{place}: each name must be defined once, {places[name]} has {quoted(name)} too")
                places[name] = place
        return {name: sp.Symbol(name, real=True) for name in places}

    def _derived(self, symbols: Symbols, taken: set[str]) -> dict[str, sp.Expr]:
        """The derived columns in the order of the file, each from parameters, columns and what stands above it."""
        texts = self.section("derived")
        late = taken | texts.keys()
        derived = {}
        for name, text in texts.items():
            where = f"[derived] {name}"
            derived[name] = parse(text, symbols, where=where, aggregates=True)
            wrong = late & {symbol.name for symbol in derived[name].free_symbols}
            if wrong:
                refuse(where, _order_rule(name, min(wrong), taken), text)
            late.discard(name)
        return derived

    def _constraints(self, symbols: Symbols) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        texts = _table_of(self.section("follower").get("constraints", {}), "[follower.constraints]")
        for name in texts:
            _check_identifier(name, "[follower.constraints]")
        return {name: parse_constraint(t, symbols, where=f"[follower.constraints] {name}") for name, t in texts.items()}


def _order_rule(name: str, other: str, taken: Collection[str]) -> str:
    if other in taken:
        return f"a derived column must not depend on the decision {quoted(other)}"
    return "it must not refer to itself" if other == name else f"{quoted(other)} must be defined above it"


def _check_keys(section: Section, keys: Collection[str], where: str) -> None:
    for key in section:
        if key not in keys:
            raise InvalidGame(f"{shown(where)}: {quoted(key)} is not a known key; {suggestion(key, keys)}")


def _table_of(value: object, where: str) -> Section:
    if not isinstance(value, dict):
        refuse(where, "there must be a table of keys and values", value)
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or math.isnan(value):
        refuse(where, "the value must be a finite number", value)
    return float(value)


def _check_identifier(name: str, where: str) -> None:
    if not NAME.fullmatch(name):
        refuse(where, "a name must be 1 to 60 of A-Z a-z 0-9 _ and start with a letter", name)


def _check_name(name: str, where: str) -> None:
    _check_identifier(name, where)
    if name in FUNCTIONS:
        refuse(where, "a name must not be one of the functions", name)
    if keyword.iskeyword(name):
        refuse(where, "a name must not be a word of Python's syntax", name)
