"""A ledger of reputations, coalitions and incentives: a contract on an Ethereum virtual machine, here or behind a node.

Names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.ledger._chain import Chain
    from models.ledger._contract import encoded, to_fixed
    from models.ledger._embedded import EmbeddedChain
    from models.ledger._errors import Busy, Corrupted, LedgerError, Reverted, Unreachable
    from models.ledger._history import Check, History, Past
    from models.ledger._keys import Keys
    from models.ledger._ledger import Ledger, Status, Written, made_by
    from models.ledger._merkle import Proof
    from models.ledger._page import Page, Terms, partition_hash
    from models.ledger._places import keys_for, reading, writing
    from models.ledger._rpc import RpcChain
    from models.ledger._transactions import Account, Log, Receipt, Transaction

_HOME = {
    "EmbeddedChain": "_embedded",
    "RpcChain": "_rpc",
    "Ledger": "_ledger",
    "Status": "_ledger",
    "Written": "_ledger",
    "Check": "_history",
    "History": "_history",
    "Past": "_history",
    "Keys": "_keys",
    "Page": "_page",
    "Terms": "_page",
    "partition_hash": "_page",
    "Proof": "_merkle",
    "Account": "_transactions",
    "Log": "_transactions",
    "Receipt": "_transactions",
    "Transaction": "_transactions",
    "Chain": "_chain",
    "Busy": "_errors",
    "Corrupted": "_errors",
    "LedgerError": "_errors",
    "Reverted": "_errors",
    "Unreachable": "_errors",
    "keys_for": "_places",
    "made_by": "_ledger",
    "encoded": "_contract",
    "to_fixed": "_contract",
    "reading": "_places",
    "writing": "_places",
}

__all__ = [
    "Account",
    "Busy",
    "Chain",
    "Check",
    "Corrupted",
    "EmbeddedChain",
    "History",
    "Keys",
    "Ledger",
    "LedgerError",
    "Log",
    "Page",
    "Past",
    "Proof",
    "Receipt",
    "Reverted",
    "RpcChain",
    "Status",
    "Terms",
    "Transaction",
    "Unreachable",
    "Written",
    "encoded",
    "keys_for",
    "made_by",
    "partition_hash",
    "reading",
    "to_fixed",
    "writing",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
