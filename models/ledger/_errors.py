"""What can go wrong with a ledger. Every message is one line for the user."""

from __future__ import annotations

__all__ = ["Busy", "Corrupted", "LedgerError", "Reverted", "Unreachable"]


class LedgerError(Exception):
    """Something about a ledger that its user must know; nothing was recorded unless the message says so."""


class Reverted(LedgerError):
    """The contract refused a call; `reason` is its own word for why."""

    def __init__(self, reason: str, call: str = "a call") -> None:
        super().__init__(f"{call} was refused by the contract: {reason}")
        self.reason = reason


class Corrupted(LedgerError):
    """A log is not what was written; `block` is the first block that is not, if that can be told."""

    def __init__(self, message: str, block: int | None = None) -> None:
        super().__init__(message if block is None else f"block {block}: {message}")
        self.block = block


class Busy(LedgerError):
    """Another process has the log open."""


class Unreachable(LedgerError):
    """The node does not answer, or is not the one expected. The same call can be made again later."""
