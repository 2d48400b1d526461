"""A proof in a file, for those who have nothing else of the ledger but a root."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from models.ledger._errors import LedgerError
from models.ledger._merkle import Proof
from solvers._documents import file_name, parsed_json, read_text
from solvers._messages import quoted

__all__ = ["is_proof", "read_proof"]

LARGEST = 1_000_000  # bytes
WHOLE = ("index", "round", "user", "head")
EXACT = ("training", "slack", "contribution")  # strings, as many readers of JSON would round them
INTEGER = re.compile(r"-?[0-9]{1,78}")  # as many digits as 256 bits have
HASH = re.compile(r"0x[0-9a-fA-F]{64}")


def is_proof(place: str) -> bool:
    """Whether there is a file that begins like JSON, as no log does."""
    try:
        with Path(place).open("rb") as file:
            return Path(place).is_file() and file.read(64).lstrip()[:1] == b"{"
    except (OSError, ValueError):
        return False


def read_proof(path: str) -> Proof:
    """The proof in a JSON file, which is the answer of `verify`, or what that has under "proof".

    Raises
    ------
    LedgerError
        If there is none, with what is missing or wrong.
    InvalidGame
        If the file cannot be read, or is not JSON.
    """
    name = file_name(path)
    if Path(path).stat().st_size > LARGEST:
        raise LedgerError(f"{name}: a proof must have at most {LARGEST:,} bytes, the file has more")
    found = parsed_json(read_text(path), name)
    found = found.get("proof", found)
    if not isinstance(found, dict):
        raise LedgerError(f"{name}: proof must be a table, got {quoted(found)}")
    numbers = {key: _integer(name, key, found.get(key)) for key in WHOLE + EXACT}
    siblings = found.get("siblings")
    if not isinstance(siblings, list) or not all(isinstance(one, str) and HASH.fullmatch(one) for one in siblings):
        raise LedgerError(f"{name}: siblings must be hashes, each 0x and 64 hexadecimal digits, got {quoted(siblings)}")
    return Proof(**numbers, siblings=tuple(bytes.fromhex(one[2:]) for one in siblings))


def _integer(name: str, key: str, value: Any) -> int:
    """A number, as a proof has it."""
    right = isinstance(value, str) and INTEGER.fullmatch(value) if key in EXACT else type(value) is int
    if not right:
        kind = "a string of a whole number" if key in EXACT else "a whole number"
        raise LedgerError(f"{name}: {key} must be {kind}, got {'none' if value is None else quoted(value)}")
    return int(value)
