"""The contract: what is sent to it, and what its answers, events and refusals mean."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources
from typing import Any, NamedTuple

from models.ledger._errors import LedgerError
from models.ledger._transactions import Log, _address, keccak

__all__ = [
    "REASONS",
    "Event",
    "answer",
    "constructor",
    "decayed",
    "encoded",
    "event",
    "from_fixed",
    "load",
    "reason",
    "to_fixed",
]

WAD = 10**18
FINE = 10**36  # of powers
REVERTED = bytes.fromhex("08c379a0")  # selector of Error(string)

REASONS = frozenset(
    {
        "a round is open",
        "contributions missing",
        "enrolled twice",
        "escrow too small",
        "forgetting above 1",
        "formed already",
        "head twice",
        "incentive too large",
        "late",
        "negative slack",
        "no contribution",
        "no heads",
        "not a miner",
        "not formed",
        "not in this coalition",
        "not the head",
        "not the next round",
        "not the provider",
        "not this round",
        "nothing to withdraw",
        "one name per account",
        "one price per head",
        "one slot per user",
        "paid already",
        "payments missing",
        "price too high",
        "recorded already",
        "share too large",
        "slack too large",
        "too many users",
        "training out of range",
        "unknown coalition",
        "unknown user",
        "zero account",
    }
)


class Event(NamedTuple):
    """What the contract has said: the event's name, the block it is in, and its fields by name."""

    name: str
    block: int
    fields: dict[str, Any]


@dataclass(frozen=True)
class Function:
    """How a function of the contract is called and answers."""

    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """The fields of an event, in order: name, type, and whether it is a topic."""

    name: str
    fields: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class Contract:
    """What contract.json holds: the code that makes the contract, its functions by name, its events by first topic."""

    bytecode: bytes
    arguments: tuple[str, ...]
    functions: dict[str, Function]
    events: dict[bytes, Said]


def encoded(name: str, *arguments: Any) -> bytes:
    """The data of a call of the function `name`.

    Numbers are integers; addresses and names are strings; hashes and slots are bytes; entries and payments are
    sequences of three integers.

    Raises
    ------
    LedgerError
        If there is no such function, or the arguments are not what it takes.

    Examples
    --------
    >>> encoded("account", 2).hex()
    '2dd7c6580000000000000000000000000000000000000000000000000000000000000002'
    """
    known = _function(name)
    try:
        return known.selector + _written(known.inputs, arguments)
    except (ValueError, TypeError, OverflowError) as problem:
        raise LedgerError(f"{name} must have arguments {known.inputs}, got others: {problem}") from None


def answer(name: str, data: bytes) -> tuple[Any, ...]:
    """What the function `name` answered, as many values as it has; addresses are as `Account` has them.

    Raises
    ------
    LedgerError
        If there is no such function, or the data is not such an answer, as that of an address without a contract.

    Examples
    --------
    >>> answer("status", b"".join(k.to_bytes(32) for k in (3, 0, 40, 120, 5)))
    (3, 0, 40, 120, 5)
    """
    known = _function(name)
    try:
        return _read(known.outputs, data)
    except ValueError as problem:
        raise LedgerError(f"a ledger must answer to {name}, got {len(data)} bytes: {problem}") from None


def constructor(forgetting: int, unit: int) -> bytes:
    """The data that makes a contract: `forgetting` in fixed point, and how many wei 1 of a price is.

    Raises
    ------
    LedgerError
        If a number is negative, or has more than 256 bits.
    """
    try:
        return load().bytecode + forgetting.to_bytes(32) + unit.to_bytes(32)
    except OverflowError as problem:
        raise LedgerError(f"forgetting and unit must have 256 bits, got {forgetting} and {unit}: {problem}") from None


def event(log: Log) -> Event:
    """What the contract has said, by name.

    Raises
    ------
    LedgerError
        If it is none of its events.
    """
    said = load().events.get(log.topics[0]) if log.topics else None
    if said is None:
        raise LedgerError(f"block {log.block}: {log.address} must say what a ledger says, said something else")
    try:
        rest = iter(_read([kind for _, kind, indexed in said.fields if not indexed], log.data))
        topics = iter(log.topics[1:])
        fields = {
            name: WORDS[kind].read(next(topics)) if indexed else next(rest) for name, kind, indexed in said.fields
        }
    except (ValueError, StopIteration) as problem:
        raise LedgerError(f"block {log.block}: {said.name} has other fields: {problem}") from None
    return Event(said.name, log.block, fields)


def reason(output: bytes) -> str:
    """Why a call was refused, from what it put out; empty if the contract gave no reason.

    Examples
    --------
    >>> from eth_abi import encode
    >>> reason(bytes.fromhex("08c379a0") + encode(["string"], ["late"]))
    'late'
    """
    length = int.from_bytes(output[36:68])
    if output[:4] != REVERTED or len(output) < 68 + length:
        return ""
    return output[68 : 68 + length].decode("utf-8", "replace")


def to_fixed(x: float) -> int:
    """The integer nearest to 10**18 times a finite `x`, the even one if two are.

    Raises
    ------
    LedgerError
        If it is not finite.

    Examples
    --------
    >>> to_fixed(0.75), to_fixed(0.7)  # the double nearest to 0.7 is a little less
    (750000000000000000, 699999999999999956)
    """
    try:
        numerator, denominator = x.as_integer_ratio()
    except (ValueError, OverflowError):
        raise LedgerError(f"a number in the ledger must be finite, got {x}") from None
    whole, left = divmod(numerator * WAD, denominator)
    return whole + (2 * left > denominator or (2 * left == denominator and whole % 2 == 1))


def from_fixed(n: int) -> float:
    """The number nearest to `n` times 10**−18.

    Examples
    --------
    >>> from_fixed(699999999999999956)
    0.7
    """
    return n / WAD


def decayed(amount: int, rounds: int, forgetting: int) -> int:
    """What is left of a sum after some rounds, all in fixed point, as the contract rounds it.

    Examples
    --------
    >>> decayed(10**18, rounds=2, forgetting=7 * 10**17)
    490000000000000000
    """
    power, factor = FINE, forgetting * WAD
    while rounds:
        if rounds & 1:
            power = (power * factor + FINE // 2) // FINE
        factor = (factor * factor + FINE // 2) // FINE
        rounds >>= 1
    return (amount * power + FINE // 2) // FINE


@lru_cache(maxsize=1)
def load() -> Contract:
    """The contract as it was compiled."""
    found = json.loads(resources.files("models.ledger").joinpath("contract.json").read_text("utf-8"))
    arguments: tuple[str, ...] = ()
    functions, events = {}, {}
    for entry in found["abi"]:
        inputs = entry["inputs"]
        kinds = tuple(map(_kind, inputs))
        if entry["type"] == "constructor":
            arguments = kinds
            continue
        hashed = keccak(f"{entry['name']}({','.join(kinds)})".encode())
        if entry["type"] == "function":
            functions[entry["name"]] = Function(hashed[:4], kinds, tuple(map(_kind, entry["outputs"])))
        else:
            fields = ((one["name"], kind, one["indexed"]) for one, kind in zip(inputs, kinds, strict=True))
            events[hashed] = Said(entry["name"], tuple(fields))
    return Contract(bytes.fromhex(found["bytecode"][2:]), arguments, functions, events)


def _function(name: str) -> Function:
    try:
        return load().functions[name]
    except KeyError:
        raise LedgerError(f"the contract has no function {name!r}") from None


def _kind(one: dict[str, Any]) -> str:
    if one["type"].startswith("tuple"):
        return f"({','.join(map(_kind, one['components']))}){one['type'][5:]}"
    return str(one["type"])


# --- eth_abi takes milliseconds for what is only words, so those are written and read here --------------------------


class Word(NamedTuple):
    """How a value of one word is written and read."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _unsigned(value: Any) -> bytes:
    return operator.index(value).to_bytes(32)


def _signed(value: Any) -> bytes:
    return operator.index(value).to_bytes(32, signed=True)


def _hash(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError(f"a hash must be 32 bytes, got {len(value)}")
    return bytes(value)


def _account(value: str) -> bytes:
    found = bytes.fromhex(str(value).removeprefix("0x"))
    if len(found) != 20:
        raise ValueError(f"an address must be 20 bytes, got {value!r}")
    return bytes(12) + found


@lru_cache(maxsize=1 << 16)
def _shown(word: bytes) -> str:
    return _address(word[12:])


WORDS = {
    "uint256": Word(_unsigned, int.from_bytes),
    "int256": Word(_signed, partial(int.from_bytes, signed=True)),
    "bytes32": Word(_hash, bytes),
    "address": Word(_account, _shown),
    "bool": Word(_unsigned, lambda word: bool(int.from_bytes(word))),
}


def _written(kinds: Sequence[str], values: Sequence[Any]) -> bytes:
    """The values as the contract takes them: words, and perhaps an array of them at the end; else by eth_abi."""
    if len(values) != len(kinds):
        raise ValueError(f"{len(values)} values")
    words = [WORDS[kind].write(value) for kind, value in zip(kinds, values, strict=True) if kind in WORDS]
    if len(words) == len(kinds):
        return b"".join(words)
    row = _row(kinds[-1])
    if not row or len(words) < len(kinds) - 1:
        return bytes(_by_library("encode", kinds, values))
    rows = values[-1] if kinds[-1].startswith("(") else [(one,) for one in values[-1]]
    words += [_unsigned(32 * len(kinds)), _unsigned(len(rows))]
    words += [word.write(value) for one in rows for word, value in zip(row, one, strict=True)]
    return b"".join(words)


def _read(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values that the contract means: words, or one array of words; else by eth_abi."""
    if all(kind in WORDS for kind in kinds):
        if len(data) != 32 * len(kinds):
            raise ValueError(f"{32 * len(kinds)} bytes are due")
        return tuple(WORDS[kind].read(data[32 * k : 32 * k + 32]) for k, kind in enumerate(kinds))
    row = _row(kinds[0])
    if len(kinds) > 1 or len(row) != 1:
        return tuple(_by_library("decode", kinds, data))
    if len(data) < 64 or data[:32] != _unsigned(32) or len(data) != 64 + 32 * int.from_bytes(data[32:64]):
        raise ValueError("an array is due")
    return (tuple(row[0].read(data[k : k + 32]) for k in range(64, len(data), 32)),)


@lru_cache(maxsize=64)
def _row(kind: str) -> tuple[Word, ...]:
    """The words in an item of an array of words or of tuples of words; none if it is none."""
    item = kind.removesuffix("[]").removeprefix("(").removesuffix(")").split(",")
    return tuple(WORDS[one] for one in item) if kind.endswith("[]") and WORDS.keys() >= set(item) else ()


def _by_library(what: str, *arguments: Any) -> Any:
    import eth_abi

    try:
        return getattr(eth_abi, what)(*arguments)
    except (eth_abi.exceptions.EncodingError, eth_abi.exceptions.DecodingError) as problem:
        raise ValueError(str(problem)) from None
