"""Pieces of error messages: what the user wrote, made safe to print, and what they may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NoReturn

from solvers.core import InvalidGame

SHOWN = 60  # characters of a value that an error repeats
LISTED = 12  # known names that an error lists


def quoted(value: object) -> str:
    """`value` as one short printable line: strings in backquotes, tables and arrays by kind, the rest by repr."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    return f"`{shown(value)}`" if isinstance(value, str) else shown(repr(value))


def shown(text: str) -> str:
    """At most `SHOWN` characters of `text`, control characters escaped."""
    return escaped(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def escaped(text: str) -> str:
    """`text` with its control characters, line ends among them, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: str, length: int) -> str:
    """At most `length` characters of a name or title, a question mark for each that is not printable."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= length else plain[: length - 3] + "..."


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known names closest to `name`, or all of them where none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name[:SHOWN], names, n=2)
    if close:
        return f"did you mean {' or '.join(map(quoted, close))}?"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"known: {', '.join(map(shown, names[:LISTED])) or 'none'}{more}"


def refuse(where: str, rule: str, value: object) -> NoReturn:
    """Raises the one-line error: where, the rule, the value."""
    raise InvalidGame(f"{where}: {rule}, got {quoted(value)}")
