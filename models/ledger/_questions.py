"""What is asked of a node about transactions and contracts, and how the answers are read."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, NamedTuple

from models.ledger._node import Question, data, number
from models.ledger._transactions import Log, Receipt, Signed, Transaction, _address

__all__ = [
    "BASE_FEE",
    "BY_SENDER",
    "GAS_PRICE",
    "HEIGHT",
    "TIP",
    "Mined",
    "Parcel",
    "again",
    "balance_of",
    "call_of",
    "count_of",
    "hash_of",
    "logs_in",
    "receipt_of",
]


class Parcel(NamedTuple):
    """A transaction as it is sent, and as it is read."""

    raw: bytes
    signed: Signed

    @property
    def transaction(self) -> Transaction:
        """What is asked for."""
        return self.signed.transaction

    @property
    def sender(self) -> str:
        """The address of who signed it."""
        return self.signed.sender


class Mined(NamedTuple):
    """A receipt without its reason, and the transaction's place in the block."""

    receipt: Receipt
    place: int

    @property
    def failed(self) -> bool:
        """Whether it had no effect."""
        return not self.receipt.succeeded


def count_of(address: str, block: str) -> Question:
    """How many transactions an account has sent."""
    return Question("eth_getTransactionCount", [address, block], number)


def balance_of(address: str) -> Question:
    """What an account holds, in wei."""
    return Question("eth_getBalance", [address, "latest"], number)


def call_of(call: dict[str, str], block: str) -> Question:
    """What a contract answers at a block."""
    return Question("eth_call", [call, block], data)


def receipt_of(one: Parcel) -> Question:
    """What came of a transaction, `Mined`, or None if it is not mined."""
    return Question("eth_getTransactionReceipt", [hash_of(one)], lambda found: _mined(found, one.signed.hash))


def hash_of(one: Parcel) -> str:
    """By what a node knows a transaction."""
    return "0x" + one.signed.hash.hex()


def again(one: Parcel) -> dict[str, str]:
    """The same call, which changes nothing."""
    made = one.transaction
    call = {"from": one.sender, "data": "0x" + made.data.hex(), "value": hex(made.value), "gas": hex(made.gas)}
    return call if made.to is None else call | {"to": made.to}


def _base_fee(block: Any) -> int | None:
    found = block.get("baseFeePerGas")
    return None if found is None else number(found)


def _mined(found: Any, wanted: bytes) -> Mined | None:
    if found is None or found["blockNumber"] is None:
        return None
    if data(found["transactionHash"]) != wanted:
        raise ValueError("the receipt of another transaction")
    succeeded, made = number(found["status"]) == 1, found.get("contractAddress")
    receipt = Receipt(
        wanted,
        number(found["blockNumber"]),
        succeeded,
        number(found["gasUsed"]),
        _whose(made) if succeeded and made is not None else None,
        tuple(logs_in(found["logs"])),
    )
    return Mined(receipt, number(found["transactionIndex"]))


def logs_in(found: Any) -> list[Log]:
    """Logs in the order in which they were said, less those of blocks that are no longer of the chain."""
    kept = [one for one in found if not one.get("removed")]
    kept.sort(key=lambda one: [number(one[name]) for name in ("blockNumber", "transactionIndex", "logIndex")])
    return [
        Log(
            _whose(one["address"]),
            tuple(map(data, one["topics"])),
            data(one["data"]),
            number(one["blockNumber"]),
        )
        for one in kept
    ]


def _whose(value: Any) -> str:
    found = data(value)
    if len(found) != 20:
        raise ValueError("not an address")
    return _address(found)


BY_SENDER = attrgetter("sender")
HEIGHT = Question("eth_blockNumber", [], number)
BASE_FEE = Question("eth_getBlockByNumber", ["latest", False], _base_fee)
GAS_PRICE = Question("eth_gasPrice", [], number)
TIP = Question("eth_maxPriorityFeePerGas", [], number)
