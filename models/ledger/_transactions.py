"""Accounts, signed transactions, and what comes of them; the same bytes on every chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from models.ledger._errors import LedgerError
from models.ledger._rlp import joined, pack, unpack

__all__ = ["Account", "Log", "Receipt", "Signed", "Transaction", "checked", "created", "decoded", "derived", "keccak"]

KIND = b"\x02"  # of transactions with a limit on the fee, EIP-1559
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
WORDS = (64, 64, 256, 256, 64, 256)  # bits of the chain's id, nonce, tip, fee, gas and value
HEX = frozenset("0123456789abcdefABCDEF")
KNOWN = 1 << 16  # addresses and keys that are kept once they are worked out


@dataclass(frozen=True)
class Account:
    """A key of 32 bytes, which is never shown, and the address that belongs to it.

    Examples
    --------
    >>> Account((1).to_bytes(32))
    Account(address='0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf')
    """

    key: bytes = field(repr=False)
    address: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.key) != 32 or not 0 < int.from_bytes(self.key) < ORDER:
            raise LedgerError("a key must be 32 bytes, above 0 and below the order of secp256k1")
        object.__setattr__(self, "address", _owner(_private(self.key).public_key.format(compressed=False)))


def derived(secret: bytes, name: str) -> Account:
    """The account of that name, which only the secret gives away."""
    numbers = (int.from_bytes(sha256(secret + f"/{name}/{k}".encode()).digest()) for k in range(1 << 16))
    return Account(next(number for number in numbers if 0 < number < ORDER).to_bytes(32))


@dataclass(frozen=True)
class Transaction:
    """A call of a contract at `to`, or its making where that is None; money in wei."""

    chain_id: int
    nonce: int
    to: str | None
    data: bytes = b""
    value: int = 0
    gas: int = 30_000_000
    fee: int = 0
    tip: int = 0

    def signed(self, account: Account) -> bytes:
        """The bytes that any node of the chain takes."""
        unsigned = self._packed()
        signature = _private(account.key).sign_recoverable(keccak(KIND + joined(unsigned)), hasher=None)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        return KIND + joined([*unsigned, pack(signature[64]), pack(r), pack(s)])

    def _packed(self) -> list[bytes]:
        to = b"" if self.to is None else bytes.fromhex(self.to[2:])
        fields = (self.chain_id, self.nonce, self.tip, self.fee, self.gas, to, self.value, self.data, ())
        return [pack(field) for field in fields]


@dataclass(frozen=True)
class Signed:
    """A transaction as it was read from its bytes, who signed it, and its hash."""

    transaction: Transaction
    sender: str
    hash: bytes


@dataclass(frozen=True)
class Log:
    """What a contract has said in a block: indexed topics, (at most 4) of 32 bytes, and data."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int


@dataclass(frozen=True)
class Receipt:
    """What came of a transaction: whether it took effect, else the contract's `reason`; the contract that it made."""

    hash: bytes
    block: int
    succeeded: bool
    gas: int
    contract: str | None = None
    logs: Sequence[Log] = ()
    reason: str = ""


def decoded(raw: bytes) -> Signed:
    """The transaction of these bytes, which must be the very bytes that `Transaction.signed` makes.

    Raises
    ------
    LedgerError
        If they are not such a transaction, or the signature is nobody's.
    """
    from coincurve import PublicKey

    try:
        if raw[:1] != KIND:
            raise ValueError("the first byte is not 2")
        chain_id, nonce, tip, fee, gas, to, value, data, _, parity, r, s = unpack(raw[1:])
        numbers = [int.from_bytes(one) for one in (chain_id, nonce, tip, fee, gas, value)]
        odd, first, second = (int.from_bytes(one) for one in (parity, r, s))
        if any(number >> bits for number, bits in zip(numbers, WORDS, strict=True)):
            raise ValueError("a number is too large")
        if (
            not isinstance(data, bytes)
            or len(to) not in (0, 20)
            or odd > 1
            or first >= ORDER
            or second > ORDER // 2
            or numbers[2] > numbers[3]
        ):
            raise ValueError("a field is out of range")
        chain, count, reward, limit, most, money = numbers
        found = Transaction(chain, count, _address(to) if to else None, data, money, most, limit, reward)
        unsigned = found._packed()
        if KIND + joined([*unsigned, pack(odd), pack(first), pack(second)]) != raw:
            raise ValueError("a field is not written as it must be")
        signature = first.to_bytes(32) + second.to_bytes(32) + bytes([odd])
        public = PublicKey.from_signature_and_message(signature, keccak(KIND + joined(unsigned)), hasher=None)
    except (ValueError, TypeError) as problem:
        raise LedgerError(f"a transaction must be signed bytes of kind 2, got others: {problem}") from None
    return Signed(found, _owner(public.format(compressed=False)), keccak(raw))


def checked(address: str) -> str:
    """The address with the upper-case letters of EIP-55.

    Raises
    ------
    LedgerError
        If it is none.

    Examples
    --------
    >>> checked("0x7e5f4552091a69125d5dfcb7b8c2659029395bdf")
    '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
    """
    digits = address[2:] if isinstance(address, str) and address[:2] == "0x" else ""
    if len(digits) != 40 or not set(digits) <= HEX:
        raise LedgerError(f"an address must be 0x and 40 hexadecimal digits, got {address!r:.60}")
    return _address(bytes.fromhex(digits))


def created(address: str, nonce: int) -> str:
    """The address of the contract that an account makes with its transaction of this number.

    Examples
    --------
    >>> created("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", 0)
    '0xF2E246BB76DF876Cef8b38ae84130F4F55De395b'
    """
    return _address(keccak(pack([bytes.fromhex(address[2:]), nonce]))[12:])


def keccak(data: bytes) -> bytes:
    """Keccak-256, 32 bytes.

    Examples
    --------
    >>> keccak(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    from Crypto.Hash import keccak as hashes

    return hashes.new(digest_bits=256, data=data).digest()


@lru_cache(KNOWN)
def _address(data: bytes) -> str:
    """20 bytes with the upper-case letters of EIP-55."""
    digits = data.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(c.upper() if mark > "7" else c for c, mark in zip(digits, marks, strict=False))


@lru_cache(KNOWN)
def _owner(public: bytes) -> str:
    """The address that belongs to a public key."""
    return _address(keccak(public[1:])[12:])


@lru_cache(KNOWN)
def _private(key: bytes) -> Any:
    from coincurve import PrivateKey

    return PrivateKey(key)
