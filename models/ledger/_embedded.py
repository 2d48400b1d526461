"""A chain in this process: a machine that carries transactions out, and a log from which it can be built up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from models.ledger._errors import LedgerError
from models.ledger._log import NOTHING, PATIENCE, Block, BlockLog
from models.ledger._machine import RULES, Machine, Outcome
from models.ledger._rlp import Packable, pack, unpack
from models.ledger._transactions import Log, Receipt, Signed, _address, checked, decoded, keccak

if TYPE_CHECKING:
    from solvers._documents import FilePath

__all__ = ["EmbeddedChain"]


class Place(NamedTuple):
    """Where a transaction is."""

    block: int
    position: int


class EmbeddedChain:
    """A chain that one process runs for itself, from `create` or `open`; for a `with` statement, or to be closed.

    Each `send` makes a block, whose number is its time as well. Gas costs nothing. How much of it was used is told, and
    comes out the same when a log is opened, but is less than on a node: what was used in any block before is warm.

    The state root is the hash of the root before, the hash of the block's receipts, and that of the nonce and balance
    which each account in the block has after it; what contracts store is in it as far as their events tell. Blocks are
    linked by their hashes. So no transaction can be changed, and none added in another's name. But who has the file can
    leave out the last, and who has the keys can write another history, with hashes and a seal that fit: that shows only
    to those who noted `last_hash`. Validators that do not depend on one another need a node.

    A chain is for one thread. It takes about 3 kB of memory for each user and round: the machine forgets nothing.

    Attributes
    ----------
    dropped : bool
        Whether a block was dropped on opening, as its writing had been cut off; its `send` had not returned.
    unsealed : bool
        Whether the seal did not speak of the last block on opening, because it was lost, or the process was killed
        between the two. All blocks were checked, but not the free space in the file.

    Examples
    --------
    >>> from models.ledger import Account, Transaction
    >>> payer, payee = Account((1).to_bytes(32)), Account((2).to_bytes(32))
    >>> with EmbeddedChain.create(None, funded={payer.address: 10}) as chain:
    ...     receipts = chain.send([Transaction(chain.chain_id, 0, payee.address, value=3).signed(payer)])
    ...     chain.height, receipts[0].succeeded, chain.balances([payer.address, payee.address])
    (1, True, [7, 3])
    """

    def __init__(self, log: BlockLog) -> None:
        self._log = log
        self._nonces: dict[str, int] = {}
        self._places: dict[bytes, Place] = {}
        self._contracts: list[str] = []
        self._root = NOTHING
        self._refusal = ""
        for block in log.verified():
            try:
                if block.number == 0:
                    self._begin(block)
                else:
                    self._repeat(block)
            except (LedgerError, ValueError, TypeError) as problem:
                log.refuse(f"it must be what was carried out, it is not: {problem}", block.number)
        self.dropped, self.unsealed = log.dropped, log.unsealed

    @classmethod
    def create(
        cls,
        path: FilePath | None,
        *,
        chain_id: int = 1337,
        funded: Mapping[str, int] | None = None,
        timeout: float = PATIENCE,
    ) -> EmbeddedChain:
        """A new chain, in a file, or where `path` is None in memory; `funded` accounts have that many wei.

        Raises
        ------
        Busy
            If another process makes it for longer than `timeout` seconds.
        LedgerError
            If there is something at `path`, no file can be made, or a number is out of range.
        """
        wealth = _wealth((funded or {}).items())
        rich: list[Packable] = [[bytes.fromhex(address[2:]), wei] for address, wei in wealth.items()]
        body = pack([_within("a chain's id", chain_id, 64), RULES.encode(), rich])
        receipts = pack([])
        block = Block(0, NOTHING, body, receipts, _root(NOTHING, receipts, wealth, {}, wealth.__getitem__))
        return cls._on(BlockLog.create(path, block, timeout=timeout))

    @classmethod
    def open(cls, path: FilePath, *, read_only: bool = False, timeout: float = PATIENCE) -> EmbeddedChain:
        """The chain in a file, once everything in it was carried out again, with the same outcome.

        Raises
        ------
        Busy
            If another process has it for longer than `timeout` seconds.
        Corrupted
            If it is not what was written; `block` is the first that is not, if it is one.
        LedgerError
            If there is none, or it cannot be opened; what cannot be written can be opened `read_only`.
        """
        return cls._on(BlockLog(path, read_only=read_only, timeout=timeout))

    @classmethod
    def _on(cls, log: BlockLog) -> EmbeddedChain:
        try:
            return cls(log)
        except BaseException:
            log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._refusal = "the chain must be open, it was closed"
        self._log.close()

    # --- what is there -------------------------------------------------------------------------------------------

    @property
    def notes(self) -> list[str]:
        """What was found on opening that a reader should know, in sentences."""
        told = []
        if self.dropped:
            told.append(
                "The last block was not written to its end, and was dropped; whoever sent it was not told it was kept."
            )
        if self.unsealed:
            told.append(
                "There was no seal for the last block: blocks at the end may be missing, which only a noted hash shows."
            )
        return told

    @property
    def chain_id(self) -> int:
        """What keeps transactions of one chain from another."""
        return self._chain_id

    @property
    def height(self) -> int:
        """The number of the last block; the first, in which accounts get what they have, is 0."""
        return len(self._log) - 1

    @property
    def last_hash(self) -> bytes:
        """The hash of the last block, 32 bytes, which all that was ever sent goes into."""
        return self._log.head

    @property
    def state_root(self) -> bytes:
        """The hash of all that transactions have changed, 32 bytes."""
        return self._root

    def fees(self) -> tuple[int, int]:
        """Nothing, and nothing in it."""
        return 0, 0

    def nonces(self, addresses: Sequence[str]) -> list[int]:
        """How many transactions each account has sent."""
        return [self._nonces.get(checked(address), 0) for address in addresses]

    def balances(self, addresses: Sequence[str]) -> list[int]:
        """What each account holds, in wei."""
        self._check_usable()
        asked, mark = [checked(address) for address in addresses], self._machine.mark()
        try:
            return [self._machine.balance(address) for address in asked]
        finally:
            self._machine.back(mark)  # who was looked up would be warm

    def contracts(self) -> list[str]:
        """The addresses of the contracts that transactions have made, in order."""
        return list(self._contracts)

    def call(self, to: str, data: Sequence[bytes]) -> list[bytes]:
        """What the contract at `to` answers to each of these questions, which change nothing.

        Raises
        ------
        Reverted
            If it refuses one.
        """
        self._check_usable()
        address, mark = checked(to), self._machine.mark()
        try:
            return [self._machine.ask(address, one) for one in data]
        finally:
            self._machine.back(mark)

    def logs(self, address: str, first: int = 0) -> Iterator[Log]:
        """What the contract at this address has said since a block, in order.

        Raises
        ------
        Corrupted
            If a block is not what was written any more.
        """
        wanted = checked(address)
        sought = bytes.fromhex(wanted[2:])
        for number in range(max(0, first), len(self._log)):
            self._check_usable()
            receipts = self._log.block(number).receipts
            for item in unpack(receipts) if sought in receipts else ():
                yield from (log for log in _logs(Outcome.unpacked(item), number) if log.address == wanted)

    # --- sending -------------------------------------------------------------------------------------------------

    def send(self, raws: Sequence[bytes]) -> list[Receipt]:
        """Carry out signed transactions, in this order, as one block; when this returns, they are not lost any more.

        One that the contract refuses is kept too, without effect: its receipt says so. The same bytes sent again are
        not carried out again; the receipt is that of the first time.

        Raises
        ------
        LedgerError
            If a transaction is not valid, or the log cannot be written; then none of them is carried out, unless the
            message says so.
        """
        self._check_usable()
        signed = [decoded(raw) for raw in raws]
        fresh = {one.hash: (raw, one) for raw, one in zip(raws, signed, strict=True) if one.hash not in self._places}
        told: dict[int, Sequence[Outcome]] = {}
        if fresh:
            outcomes = self._make([raw for raw, _ in fresh.values()], [one for _, one in fresh.values()])
            told[self.height] = outcomes
        return [self._receipt(one.hash, told) for one in signed]

    def _make(self, raws: Sequence[bytes], signed: Sequence[Signed]) -> Sequence[Outcome]:
        """A new block; without it, in the end, the machine goes back to where it was."""
        self._refusal = (
            "the chain must be opened again: a block was cut off, and it is not known whether it was written"
        )
        mark, height = self._machine.mark(), self.height
        try:
            outcomes = self._carried_out(signed, height + 1)
            receipts = _packed(outcomes)
            root = self._root_after(receipts, signed, outcomes)
            block = Block(height + 1, self._log.head, pack(raws), receipts, root)
            self._log.append(block)
        except LedgerError as problem:
            self._machine.back(mark)
            self._machine.enter(height)
            if self._log.unchanged():
                self._refusal = ""
                raise
            raise LedgerError(
                f"{problem}; whether it was recorded will be seen when the chain is opened again"
            ) from None
        self._keep(block, signed, outcomes)
        self._refusal = ""
        return outcomes

    def _carried_out(self, signed: Sequence[Signed], number: int) -> list[Outcome]:
        """What comes of transactions in the block of that number; all are looked at before the first is carried out."""
        sent = {one.sender: self._nonces.get(one.sender, 0) for one in signed}
        for k, one in enumerate(signed):
            if one.transaction.chain_id != self._chain_id:
                rule = f"it must be for the chain {self._chain_id}, got {one.transaction.chain_id}"
                raise LedgerError(f"transaction {k}: {rule}")
            if one.transaction.nonce != sent[one.sender]:
                rule = f"the nonce of {one.sender} must be {sent[one.sender]}, got {one.transaction.nonce}"
                raise LedgerError(f"transaction {k}: {rule}")
            sent[one.sender] += 1
        self._machine.enter(number)
        outcomes = []
        for k, one in enumerate(signed):
            try:
                outcomes.append(self._machine.run(one))
            except LedgerError as problem:
                raise LedgerError(f"transaction {k}: {problem}") from None
        return outcomes

    def _root_after(self, receipts: bytes, signed: Sequence[Signed], outcomes: Sequence[Outcome]) -> bytes:
        """The state root after a block that was carried out and is not kept yet."""
        people = {one.sender for one in signed}.union(one.transaction.to for one in signed if one.transaction.to)
        people.update(one.contract for one in outcomes if one.contract)
        people.update(_address(log[0]) for one in outcomes for log in one.logs)
        sent = {one: self._nonces.get(one, 0) for one in people}
        sent |= {one.sender: one.transaction.nonce + 1 for one in signed}
        return _root(self._root, receipts, people, sent, self._machine.balance)

    def _keep(self, block: Block, signed: Sequence[Signed], outcomes: Sequence[Outcome]) -> None:
        """What is known once a block is in the log."""
        self._machine.settle()
        for k, (one, outcome) in enumerate(zip(signed, outcomes, strict=True)):
            self._nonces[one.sender] = one.transaction.nonce + 1
            self._places[one.hash] = Place(block.number, k)
            if outcome.contract is not None:
                self._contracts.append(outcome.contract)
        self._root = block.root

    def _receipt(self, hashed: bytes, told: dict[int, Sequence[Outcome]]) -> Receipt:
        """The receipt of a transaction that is in the log; `told` are the outcomes of blocks that were read already."""
        number, k = self._places[hashed]
        if number not in told:
            told[number] = [Outcome.unpacked(item) for item in unpack(self._log.block(number).receipts)]
        one = told[number][k]
        logs = tuple(_logs(one, number))
        return Receipt(hashed, number, one.succeeded, one.gas, one.contract, logs, one.reason)

    # --- opening -------------------------------------------------------------------------------------------------

    def _begin(self, block: Block) -> None:
        """The first block."""
        chain_id, rules, rich = unpack(block.body)
        if rules != RULES.encode():
            raise LedgerError(f"the rules must be {RULES}, got {rules!r:.60}")
        wealth = _wealth((_address(address), int.from_bytes(wei)) for address, wei in rich)
        self._chain_id = _within("a chain's id", int.from_bytes(chain_id), 64)
        self._machine = Machine(self._chain_id, wealth)
        self._compare(block, pack([]), _root(NOTHING, pack([]), wealth, {}, wealth.__getitem__))

    def _repeat(self, block: Block) -> None:
        """Any other block."""
        signed = [decoded(raw) for raw in unpack(block.body)]
        self._machine.mark()
        outcomes = self._carried_out(signed, block.number)
        receipts = _packed(outcomes)
        self._compare(block, receipts, self._root_after(receipts, signed, outcomes))
        self._keep(block, signed, outcomes)

    def _compare(self, block: Block, receipts: bytes, root: bytes) -> None:
        if block.receipts != receipts:
            raise LedgerError("its transactions have other receipts")
        if block.root != root:
            raise LedgerError("its transactions lead to another state root")
        self._root = root

    def _check_usable(self) -> None:
        if self._refusal:
            raise LedgerError(self._refusal)


def _root(
    before: bytes, receipts: bytes, people: Iterable[str], nonces: Mapping[str, int], balance: Callable[[str], int]
) -> bytes:
    """The state root, from the one before, and what these people have sent and hold."""
    rows: list[Packable] = [[bytes.fromhex(one[2:]), nonces.get(one, 0), balance(one)] for one in sorted(people)]
    return keccak(before + keccak(receipts) + keccak(pack(rows)))


def _packed(outcomes: Iterable[Outcome]) -> bytes:
    return pack([one.packable() for one in outcomes])


def _logs(outcome: Outcome, number: int) -> Iterator[Log]:
    return (Log(_address(address), tuple(topics), data, number) for address, topics, data in outcome.logs)


def _wealth(rich: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What accounts begin with, in the order of their addresses."""
    found = {checked(address): _within("wei", wei, 256) for address, wei in rich}
    return dict(sorted(found.items()))


def _within(name: str, value: int, bits: int) -> int:
    if not 0 <= value < 1 << bits:
        raise LedgerError(f"{name} must be from 0 to 2**{bits} - 1, got {value}")
    return value
