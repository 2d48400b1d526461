"""A chain behind a node that speaks Ethereum's JSON-RPC."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self

from models.ledger._errors import LedgerError, Reverted, Unreachable
from models.ledger._node import Node, Question, Refusal, data
from models.ledger._questions import (
    BASE_FEE,
    BY_SENDER,
    GAS_PRICE,
    HEIGHT,
    TIP,
    Mined,
    Parcel,
    again,
    balance_of,
    call_of,
    count_of,
    hash_of,
    logs_in,
    receipt_of,
)
from models.ledger._transactions import Log, Receipt, checked, decoded

__all__ = ["RpcChain"]

WINDOW = 10_000  # blocks whose logs are asked for at once, at most
STEPS = 8  # of the size that a node does take, before a larger one is tried again
SOON, LONGEST = 0.004, 1.0  # s between two looks for receipts; each is twice the one before
RESEND = 1.0  # s after which transactions are sent again that are not mined; each time twice the time before
LOOKS = 4  # for a transaction that must be there, before it is another that has its number
LATE = re.compile(r"nonce.*(low|used|old)|oldnonce", re.IGNORECASE)  # what nodes say of numbers that are taken
THERE = re.compile(r"already ?(known|imported|exists)|\bknown (transaction|tx)", re.IGNORECASE)  # of what they have


class RpcChain:
    """The chain behind the node at `url`, http or https; a `models.ledger` chain.

    `chain_id` is the chain that it must be, whichever it is by default; it is checked with every answer. An answer is
    waited for `timeout` seconds, and asked for `attempts` times with growing pauses. Transactions are waited for
    `patience` seconds, until they are mined and so many blocks of `confirmations` are on top. What is sent again are
    always the same signed bytes, which no chain carries out twice.

    A chain carries out what one account sends in order, but what several send in any. So a `send` gives the node what
    follows of one account, and goes on to the next account when that is mined. With `at_once` the node gets everything
    in one batch: that is faster, above all where blocks take seconds, and for who does not care about the order.

    Of the address, which may have a key or a password in it, messages have the host alone.

    Raises
    ------
    LedgerError
        If the address is not http or https, or a number is out of range.
    Unreachable
        If the node does not answer, or is of another chain. So does every method.

    References
    ----------
    Ethereum JSON-RPC, ethereum.github.io/execution-apis; EIP-1559 for `fees`.

    Examples
    --------
    >>> RpcChain("ws://localhost:8546")
    Traceback (most recent call last):
    models.ledger._errors.LedgerError: a node's address must be http(s)://HOST[:PORT][/...], got ws://…
    """

    def __init__(
        self,
        url: str,
        *,
        chain_id: int | None = None,
        timeout: float = 10.0,
        attempts: int = 5,
        patience: float = 120.0,
        confirmations: int = 0,
        at_once: bool = False,
    ) -> None:
        for name, value, least in (("attempts", attempts, 1), ("confirmations", confirmations, 0)):
            if value < least:
                raise LedgerError(f"{name} must be {least} or more, got {value}")
        for name, seconds in (("timeout", timeout), ("patience", patience)):
            if not 0 < seconds < float("inf"):
                raise LedgerError(f"{name} must be positive and finite, got {seconds:g}")
        self._patience, self._confirmations, self._at_once = patience, confirmations, at_once
        self._node = Node(url, chain_id, timeout=timeout, attempts=attempts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RpcChain({self._node.name!r}, chain_id={self.chain_id})"

    @property
    def chain_id(self) -> int:
        """What keeps transactions of one chain from another."""
        return self._node.chain_id

    @property
    def height(self) -> int:
        """The number of the last block."""
        (found,) = self._node.values([HEIGHT])
        return int(found)

    def fees(self) -> tuple[int, int]:
        """The most to offer for a unit of gas, and the tip in it, in wei.

        The most is twice the base fee of the last block, which can grow so much in six full blocks, and the tip.
        """
        base, price, tip = self._node.ask([BASE_FEE, GAS_PRICE, TIP])
        self._node.given(BASE_FEE, base)
        self._node.given(GAS_PRICE, price)
        if base is None:  # a chain of before EIP-1559
            return price, price
        if isinstance(tip, Refusal):  # the method is in no standard
            tip = max(price - base, 0)
        return 2 * base + tip, tip

    def nonces(self, addresses: Sequence[str]) -> list[int]:
        """How many transactions each account has sent, by the last block.

        Those that wait to be mined do not count: who has lost their bytes, and signs others in their place, gives them
        the same numbers, so that only the ones or the others can be carried out.
        """
        return self._node.values([count_of(checked(one), "latest") for one in addresses])

    def balances(self, addresses: Sequence[str]) -> list[int]:
        """What each account holds, in wei, by the last block."""
        return self._node.values([balance_of(checked(one)) for one in addresses])

    def send(self, raws: Sequence[bytes]) -> list[Receipt]:
        """Have signed transactions carried out, and wait until they are; see `Chain.send`.

        Those that have been carried out before are not sent. Before any is sent, all must have the next numbers of
        their accounts, and these the money. A refused transaction's `reason` is found by the same call at that block or
        the one before, so it can be missing, or that of a moment before.

        Raises
        ------
        LedgerError
            If a transaction is not valid on this chain, or the node does not take it. The message says if others were
            carried out all the same.
        Unreachable
            If no answer came, or not all are mined in time. What was carried out, sending the same bytes again will
            tell.
        """
        parcels = [Parcel(raw, decoded(raw)) for raw in raws]
        for one in parcels:
            if one.transaction.chain_id != self.chain_id:
                got = one.transaction.chain_id
                raise LedgerError(f"transactions must be of chain {self.chain_id}, got one of chain {got}")
        try:
            found = self._carried_out(list(dict.fromkeys(parcels)))
        except Unreachable:
            raise
        except LedgerError as problem:
            done = sum(mined is not None for mined in self._node.values([receipt_of(one) for one in parcels]))
            others = f"; of {len(parcels)} sent together, {done} were carried out" if done else ""
            raise LedgerError(f"{problem}{others}") from None
        reasons = self._reasons([(one, mined) for one, mined in found.items() if mined.failed])
        return [replace(found[one].receipt, reason=reasons.get(one, "")) for one in parcels]

    def call(self, to: str, data: Sequence[bytes]) -> list[bytes]:
        """What the contract at `to` answers to each of these questions, all at one block.

        Raises
        ------
        Reverted
            If it refuses one.
        """
        to, block = checked(to), hex(self.height) if len(data) > 1 else "latest"
        questions = [call_of({"to": to, "data": "0x" + one.hex()}, block) for one in data]
        answers = self._node.ask(questions)
        for question, one in zip(questions, answers, strict=True):
            if isinstance(one, Refusal) and one.reverted:
                raise Reverted(one.reason or "without a word")
            self._node.given(question, one)
        return answers

    def logs(self, address: str, first: int = 0) -> Iterator[Log]:
        """What the contract at this address has said since a block, until the one that is the last now, in order."""
        address, last, first = checked(address), self.height, max(first, 0)
        window, steps = WINDOW, 0
        while first <= last:
            upto = min(first + window - 1, last)
            span = {"address": address, "fromBlock": hex(first), "toBlock": hex(upto)}
            question = Question("eth_getLogs", [span], logs_in)
            (found,) = self._node.ask([question], patient=False)
            if isinstance(found, Refusal) and (found.busy or upto == first):
                (found,) = self._node.values([question])
            if isinstance(found, Refusal):
                window, steps = (upto - first + 1) // 2, STEPS
            else:
                yield from found
                first, steps = upto + 1, steps - 1
                window = window if steps > 0 else min(2 * window, WINDOW)

    def close(self) -> None:
        """Let go of the node."""
        self._node.close()

    # --- sending -------------------------------------------------------------------------------------------------

    def _carried_out(self, parcels: list[Parcel]) -> dict[Parcel, Mined]:
        """What came of transactions, sent if they are not mined."""
        found = self._mined_before(parcels)
        left = [one for one in parcels if one not in found]
        for some in [left] if self._at_once else [list(some) for _, some in groupby(left, BY_SENDER)]:
            self._broadcast(some)
            found |= self._awaited(some)
        return self._awaited(parcels, self._confirmations) if self._confirmations else found

    def _mined_before(self, parcels: list[Parcel]) -> dict[Parcel, Mined]:
        """What came of those that are mined already, if each of the others can be."""
        senders = list(dict.fromkeys(map(BY_SENDER, parcels)))
        asked = [receipt_of(one) for one in parcels]
        for sender in senders:
            asked += [count_of(sender, "latest"), count_of(sender, "pending"), balance_of(sender)]
        answers = self._node.values(asked)
        rows = zip(*(answers[len(parcels) + k :: 3] for k in range(3)), strict=True)
        accounts = {sender: _Standing(*row) for sender, row in zip(senders, rows, strict=True)}
        found = {one: mined for one, mined in zip(parcels, answers, strict=False) if mined is not None}
        found |= self._found(
            [one for one in parcels if one not in found and one.transaction.nonce < accounts[one.sender].sent]
        )
        _check([one for one in parcels if one not in found], accounts)
        return found

    def _found(self, late: list[Parcel]) -> dict[Parcel, Mined]:
        """What came of transactions whose numbers are taken; refuses them unless it is they who have them."""
        for look in range(LOOKS):
            found = dict(zip(late, self._node.values([receipt_of(one) for one in late]), strict=True))
            missing = [one for one, mined in found.items() if mined is None]
            if not missing:
                return found
            time.sleep(SOON * 8**look)
        number, sender = missing[0].transaction.nonce, missing[0].sender
        raise LedgerError(f"number {number} of {sender} is taken by another transaction")

    def _broadcast(self, parcels: list[Parcel]) -> None:
        """Give the node transactions that it may have already."""
        answers = self._node.ask([Question("eth_sendRawTransaction", ["0x" + one.raw.hex()], data) for one in parcels])
        odd = {
            one: answer.message
            for one, answer in zip(parcels, answers, strict=True)
            if isinstance(answer, Refusal) and not THERE.search(answer.message)
        }
        known = self._node.ask([Question("eth_getTransactionByHash", [hash_of(one)], bool) for one in odd])
        refused = [one for one, there in zip(odd, known, strict=True) if there is not True]
        late = [one for one in refused if LATE.search(odd[one])]
        self._found(late)
        refused = [one for one in refused if one not in late]
        if not refused:
            return
        stopped, taken = set(), []
        for one in parcels:
            if one in refused:
                stopped.add(one.sender)
            elif one.sender not in stopped:
                taken.append(one)
        self._awaited(taken)
        first = refused[0]
        what = f"number {first.transaction.nonce} of {first.sender}"
        raise LedgerError(f"{self._node.name} refuses {what}: {odd[first]}")

    def _awaited(self, parcels: list[Parcel], confirmations: int = 0) -> dict[Parcel, Mined]:
        """What came of transactions, when all are mined, and as many blocks are on top."""
        start, pause, resend, failures = time.monotonic(), SOON, RESEND, self._node.failures
        while True:
            *found, height = self._node.values([*map(receipt_of, parcels), HEIGHT])
            missing = [one for one, mined in zip(parcels, found, strict=True) if mined is None]
            if not missing and all(mined.receipt.block + confirmations <= height for mined in found):
                return dict(zip(parcels, found, strict=True))
            waited = time.monotonic() - start
            if waited > self._patience:
                what = f"{len(missing)} of {len(parcels)} transactions are not mined" if missing else "not confirmed"
                raise Unreachable(
                    f"{self._node.name}: {what} after {self._patience:g} s; the same call can be made again"
                )
            if missing and (waited > resend or self._node.failures != failures):  # a node may forget what it got
                self._broadcast(missing)
                resend, failures = 2 * resend, self._node.failures
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)

    def _reasons(self, failed: list[tuple[Parcel, Mined]]) -> dict[Parcel, str]:
        """What the contract says to the same calls, at the block before each, or at it."""
        asked = [
            call_of(again(one), hex(max(mined.receipt.block - back, 0)))
            for one, mined in failed
            for back in ((1, 0) if mined.place == 0 else (0, 1))
        ]
        answers = [one.reason if isinstance(one, Refusal) else "" for one in self._node.ask(asked, patient=False)]
        pairs = zip(failed, answers[::2], answers[1::2], strict=True)
        return {one: first or second for (one, _), first, second in pairs}


class _Standing(NamedTuple):
    """How many transactions of an account are mined, how many with those that wait, and what it holds, in wei."""

    sent: int
    pending: int
    balance: int


def _check(parcels: Sequence[Parcel], accounts: Mapping[str, _Standing]) -> None:
    """Refuses transactions that a node would keep for later, or could not be paid."""
    following = {sender: standing.sent for sender, standing in accounts.items()}
    needed = dict.fromkeys(accounts, 0)
    for one in parcels:
        sender, given = one.sender, one.transaction.nonce
        if not following[sender] <= given <= max(following[sender], accounts[sender].pending):
            raise LedgerError(f"the next number of {sender} must be {following[sender]}, got {given}")
        following[sender] = given + 1
        needed[sender] += one.transaction.gas * one.transaction.fee + one.transaction.value
    for sender, wei in needed.items():
        if wei > accounts[sender].balance:
            raise LedgerError(f"{sender} must have {wei} wei for what it sends, it has {accounts[sender].balance}")
