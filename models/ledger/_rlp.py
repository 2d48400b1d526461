"""Recursive length prefix: nested lists of bytes as bytes, in the one way there is.

Reference: Ethereum's Yellow Paper, appendix B. The package of this name takes half a second to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["Packable", "joined", "pack", "unpack"]

Packable: TypeAlias = "bytes | int | Sequence[Packable]"

TEXT, LIST = 0x80, 0xC0  # added to the length of bytes and of a list
SHORT = 55  # bytes whose length goes into the first byte
BYTES = [bytes([k]) for k in range(256)]
DEPTH = 8  # of lists in lists


def pack(item: Packable) -> bytes:
    """The item as bytes; whole numbers, not negative, without leading zeros.

    Examples
    --------
    >>> pack([b"dog", [], 0, 1024]).hex()
    'c983646f67c080820400'
    """
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8)
    if isinstance(item, bytes):
        size = len(item)
        if size == 1 and item[0] < TEXT:
            return item
        return (BYTES[TEXT + size] if size <= SHORT else _head(size, TEXT)) + item
    return joined([pack(part) for part in item])


def joined(parts: Sequence[bytes]) -> bytes:
    """The list of items that are packed already."""
    body = b"".join(parts)
    return _head(len(body), LIST) + body


def _head(length: int, kind: int) -> bytes:
    if length <= SHORT:
        return BYTES[kind + length]
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return BYTES[kind + SHORT + len(size)] + size


def unpack(data: bytes) -> Any:
    r"""The item that `pack` makes these bytes of: bytes, or a list of items.

    Raises
    ------
    ValueError
        If it makes them of none, or lists are nested deeper than 8.

    Examples
    --------
    >>> unpack(bytes.fromhex("c983646f67c080820400"))
    [b'dog', [], b'', b'\x04\x00']
    """
    item, end = _read(data, 0, len(data), DEPTH)
    if end != len(data):
        raise ValueError(f"an item must end with the data, {len(data) - end} bytes follow")
    return item


def _read(data: bytes, start: int, stop: int, depth: int) -> tuple[Any, int]:
    """The item that begins at `start` and must end before `stop`, and where it ends."""
    if start >= stop:
        raise ValueError("an item must have a first byte")
    first = data[start]
    if first < TEXT:
        return data[start : start + 1], start + 1
    kind = TEXT if first < LIST else LIST
    begin, length = start + 1, first - kind
    if length > SHORT:
        begin, digits = begin + length - SHORT, data[begin : begin + length - SHORT]
        length = int.from_bytes(digits)
        if length <= SHORT or digits[0] == 0:
            raise ValueError("a length must be as short as can be")
    end = begin + length
    if end > stop:
        raise ValueError(f"an item of {length} bytes must fit into the {max(0, stop - begin)} there are")
    if kind == TEXT:
        if length == 1 and data[begin] < TEXT:
            raise ValueError("a small byte must stand for itself")
        return data[begin:end], end
    if depth == 0:
        raise ValueError(f"lists must be at most {DEPTH} deep")
    found: list[Any] = []
    while begin < end:
        item, begin = _read(data, begin, end, depth - 1)
        found.append(item)
    return found, end
