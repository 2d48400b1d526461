"""What a ledger asks of a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from models.ledger._transactions import Log, Receipt

__all__ = ["Chain"]


class Chain(Protocol):
    """A chain of blocks that runs contracts, in this process or behind a node."""

    @property
    def chain_id(self) -> int:
        """What keeps transactions of one chain from another."""

    @property
    def height(self) -> int:
        """The number of the last block."""

    def fees(self) -> tuple[int, int]:
        """The most to offer for a unit of gas, and the tip in it, in wei."""

    def nonces(self, addresses: Sequence[str]) -> list[int]:
        """How many transactions each account has sent."""

    def balances(self, addresses: Sequence[str]) -> list[int]:
        """What each account holds, in wei."""

    def send(self, raws: Sequence[bytes]) -> list[Receipt]:
        """Carry out signed transactions, in this order, and keep them; when this returns, they are not lost any more.

        One that the contract refuses is kept too, without effect: its receipt says so. The same bytes sent again are
        not carried out again; the receipt is that of the first time.

        Raises
        ------
        LedgerError
            If a transaction is not valid on this chain; then none of them is carried out, as far as the chain can tell.
        Unreachable
            If no answer came. What was carried out, sending the same bytes again will tell.
        """

    def call(self, to: str, data: Sequence[bytes]) -> list[bytes]:
        """What the contract at `to` answers to each of these questions, which change nothing.

        Raises
        ------
        Reverted
            If it refuses one.
        """

    def logs(self, address: str, first: int = 0) -> Iterator[Log]:
        """What the contract at this address has said since a block, in order."""

    def close(self) -> None:
        """Let go of the chain."""
