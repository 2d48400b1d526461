"""The ledger of one federation on any chain: what is recorded, and what is read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from models.ledger._chain import Chain
from models.ledger._contract import Event, answer, constructor, encoded, event, from_fixed, to_fixed
from models.ledger._errors import LedgerError, Reverted, Unreachable
from models.ledger._history import History
from models.ledger._keys import Keys
from models.ledger._page import CLOSED, Call, Done, Page, calls, check, chunks, owed
from models.ledger._transactions import Account, Receipt, Transaction, created
from models.reputation import ReputationState
from solvers.core import Array

__all__ = ["Ledger", "Status", "Written"]

PAGE = 1_024  # users in one answer of the contract
UNIT = 10**12  # wei that one unit of an incentive is
AHEAD = 20  # calls of each account that are paid for at once, so that money is seldom sent
STAGES = 4  # of a round, in each of which calls have to wait for those of the one before
FORBIDDEN = {
    "",
    "not the head",
    "not in this coalition",
    "recorded already",
}  # why attempts fail; some nodes say nothing
LONGEST = 64  # bytes of a user's name


class Status(NamedTuple):
    """How far a ledger has got: the last round, its phase, how many users, contributions, and users that ever led."""

    round: int
    phase: int
    users: int
    leaves: int
    led: int


class Written(NamedTuple):
    """What came of a page: the reputations after the round, as read back, and how many attempts were refused."""

    reputation: ReputationState
    refused: int


class Ledger:
    """The contract at `address` on a chain; with `keys`, it can be written to.

    Raises
    ------
    LedgerError
        If there is no such contract.
    """

    def __init__(self, chain: Chain, address: str, keys: Keys | None = None) -> None:
        self.chain, self.address, self._keys = chain, address, keys
        try:
            self.forgetting = from_fixed(self._ask("forgetting"))
            self.unit = self._ask("unit")
        except Unreachable:
            raise
        except LedgerError:
            raise LedgerError(f"there must be a ledger at {address} on chain {chain.chain_id}, there is none") from None
        self._history = History(self)

    @classmethod
    def start(
        cls, chain: Chain, keys: Keys, names: Sequence[str], *, forgetting: float = 0.7, unit: int = UNIT
    ) -> Ledger:
        """The ledger of these users, made if it is not there; one that was begun and not finished is finished.

        Its address follows from the keys alone. The account `keys.root` pays for what the others do.

        Raises
        ------
        LedgerError
            If there is one of other users, or with another forgetting, or a name is too long.
        """
        provider = keys.provider
        address = made_by(provider.address)
        for name in names:
            if not 0 < len(name.encode()) <= LONGEST:
                raise LedgerError(f"names must have 1 to {LONGEST} bytes, got {name!r}")
        if len(set(names)) < len(names):
            raise LedgerError("names must be different, got one twice")
        sender = Sender(chain, keys.root)
        if not chain.nonces([provider.address])[0]:
            data = constructor(to_fixed(forgetting), unit)
            sender.send([Call("deploy", provider, (data,))], address)
        ledger = cls(chain, address, keys)
        if (ledger.forgetting, ledger.unit) != (from_fixed(to_fixed(forgetting)), unit):
            found = f"{ledger.forgetting:g} and {ledger.unit:,}"
            raise LedgerError(f"the ledger's forgetting and unit must be {forgetting:g} and {unit:,}, they are {found}")
        ledger._enroll(names, sender)
        return ledger

    def _enroll(self, names: Sequence[str], sender: Sender) -> None:
        keys, known = self.keys, self.names
        if known != tuple(names[: len(known)]) or (len(known) < len(names) and self.status().round):
            raise LedgerError(f"{self.address} must be the ledger of these {len(names)} users, it is of others")
        todo = []
        for some in chunks(range(len(known), len(names))):
            accounts = [keys.user(i).address for i in some]
            todo.append(Call("enroll", keys.provider, (accounts, [names[i] for i in some]), len(some)))
        if not self._ask("is_miner", keys.miner().address):
            todo.append(Call("appoint", keys.provider, (keys.miner().address,)))
        if todo:
            sender.send(todo, self.address)

    @property
    def keys(self) -> Keys:
        """The keys of who writes.

        Raises
        ------
        LedgerError
            If the ledger was opened without.
        """
        if self._keys is None:
            raise LedgerError("writing needs keys, the ledger was opened without")
        return self._keys

    # --- reading -------------------------------------------------------------------------------------------------

    def _ask(self, name: str, *arguments: Any) -> Any:
        found = self._ask_each(name, [arguments])[0]
        return found[0] if len(found) == 1 else found

    def _ask_each(self, name: str, questions: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        data = [encoded(name, *arguments) for arguments in questions]
        return [answer(name, found) for found in self.chain.call(self.address, data)] if data else []

    def _pages(self, name: str, count: int, *first: Any) -> list[Any]:
        asked = [(*first, start, min(PAGE, count - start)) for start in range(0, count, PAGE)]
        return [value for (found,) in self._ask_each(name, asked) for value in found]

    def status(self) -> Status:
        """How far the ledger has got."""
        return Status(*self._ask("status"))

    @property
    def names(self) -> tuple[str, ...]:
        """The users' names."""
        return self._history.names()

    def accounts(self) -> list[str]:
        """The users' addresses."""
        return self._pages("accounts", self.status().users)

    def reputations(self, round_number: int | None = None) -> ReputationState:
        """The reputations after a round, as the contract has them; of one before the last, as it had them then."""
        status = self.status()
        if round_number is not None and round_number != status.round:
            return self._history.reputations(round_number)
        led = self._pages("led", status.led)
        size = min(PAGE, max(status.users, 1))
        starts = range(0, status.users, size)
        asked = [(head, start, min(size, status.users - start)) for head in led for start in starts]
        found = [value for (page,) in self._ask_each("direct", asked) for value in page]
        direct = np.array([from_fixed(value) for value in found]).reshape(len(led), status.users).T
        return ReputationState(self.forgetting, status.round, tuple(led), direct)

    def totals(self) -> Array:
        """The global reputations (16), (users,), as the contract keeps them beside the sums for each head."""
        return np.array([from_fixed(value) for value in self._pages("reputations", self.status().users)])

    def provider(self) -> str:
        """The address of who recruits, pays and closes rounds."""
        return str(self._ask("provider"))

    def miners(self) -> list[str]:
        """The addresses of who may write down coalitions."""
        found: dict[str, None] = {}
        for one in self.events():
            if one.name == "Appointed":
                found[one.fields["miner"]] = None
            elif one.name == "Dismissed":
                del found[one.fields["miner"]]
        return list(found)

    def root(self) -> bytes:
        """The root of the Merkle tree of all contributions."""
        return bytes(self._ask("root"))

    def coalition_chain(self) -> bytes:
        """The hash in which all formed coalitions are."""
        return bytes(self._ask("chain"))

    def is_rejected(self, partition: bytes) -> bool:
        """Whether a partition, by its hash, has been recorded as one that did not last."""
        return bool(self._ask("rejected", partition))

    def escrow(self) -> int:
        """What the provider has paid in and nobody been promised, in wei."""
        return int(self._ask("escrow"))

    def credits(self) -> list[int]:
        """What each user has earned and not withdrawn, in wei."""
        return [value for (value,) in self._ask_each("credit", [(account,) for account in self.accounts()])]

    def events(self, first: int = 0) -> Iterator[Event]:
        """All that the contract has said since a block, in order."""
        return (event(log) for log in self.chain.logs(self.address, first))

    @property
    def history(self) -> History:
        """What was recorded, round by round."""
        return self._history

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self, page: Page) -> Written:
        """Record a round, and read the reputations back.

        A page that is there already is not recorded twice, and one that was begun is finished, so that after any error
        the same page can be written again.

        Raises
        ------
        LedgerError
            If the page does not fit, is not of the next round, or another page of this round is there.
        Reverted
            If the contract refuses what it should take, or takes what it must refuse.
        Unreachable
            If the chain does not answer. The same page can be written again.
        """
        status = self.status()
        check(page, status.users)
        following = status.round + (status.phase == CLOSED)
        if page.round > following:
            raise LedgerError(f"the page must be of round {following}, got {page.round}")
        sender, same = Sender(self.chain, self.keys.root), False
        for stage in range(STAGES + 1):  # a node may put what it gets at once in another order
            over = status.round > page.round or (status.round == page.round and status.phase == CLOSED)
            if status.round >= page.round and not same:
                self._history.compare(page, whole=over)  # another process may write, too
            if over:
                return Written(self.reputations(page.round), len(page.attempts))
            if stage < STAGES:
                same = sender.send(self._todo(page, status), self.address, surely=stage == STAGES - 1)
                status = self.status()
        raise Unreachable(f"round {page.round} is not over, by what the node says; the same page can be written again")

    def _todo(self, page: Page, status: Status) -> list[Call]:
        """What is left to do of the page."""
        due = owed(page, self.unit)
        if status.phase == CLOSED:
            none: frozenset[int] = frozenset()
            begun = Done(CLOSED, status.leaves, none, none)
            return list(calls(page, self.keys, begun, value=max(0, sum(due.values()) - self.escrow())))
        marks = self._pages("marks", status.users)
        recorded = frozenset(i for i, mark in enumerate(marks) if mark >> 64 == page.round)
        paid = frozenset(i for i, mark in enumerate(marks) if mark & (1 << 64) - 1 == page.round)
        if sum(wei for user, wei in due.items() if user not in paid) > self.escrow():
            raise LedgerError(
                f"round {page.round} was begun with less money than the page takes; it is of another page"
            )
        left = [one for one in page.rejected if not self.is_rejected(one)]
        begun = Done(status.phase, status.leaves - len(recorded), recorded, paid)
        return list(calls(replace(page, rejected=left), self.keys, begun))

    def withdraw(self, user: int) -> int:
        """Pay a user what it has earned, in wei; nothing if there is nothing."""
        account = self.keys.user(user)
        due = int(self._ask("credit", account.address))
        if due:
            Sender(self.chain, self.keys.root).send([Call("withdraw", account, ())], self.address)
        return due


@dataclass(frozen=True)
class Sender:
    """Signs calls and sends them, all in one batch; the `root` account sends the others what they need."""

    chain: Chain
    root: Account

    def send(self, todo: Sequence[Call], address: str, *, surely: bool = True) -> bool:
        """Carry the calls out, in order, and say whether all took effect, and attempts did not.

        Where calls need not `surely` take effect, a refused one is no error.

        Raises
        ------
        Reverted
            If one is refused that must not be, or an attempt is not.
        """
        fee, tip = self.chain.fees()
        transfers = [Call("transfer", self.root, (to,), value=wei) for to, wei in self._lacking(todo, fee)]
        judged = []
        for some in filter(None, (transfers, todo)):  # one after the other: nodes take no calls that cannot be paid
            receipts = self.chain.send(list(self._signed(some, address, fee, tip)))
            judged += [_judged(*pair, surely=surely) for pair in zip(receipts, some, strict=True)]
        return all(judged)

    def _signed(self, todo: Sequence[Call], address: str, fee: int, tip: int) -> Iterator[bytes]:
        senders = list(dict.fromkeys(call.account.address for call in todo))
        nonces = dict(zip(senders, self.chain.nonces(senders), strict=True))
        for call in todo:
            nonce = nonces[call.account.address]
            nonces[call.account.address] += 1
            to: str | None = address
            if call.name == "transfer":
                to, data = call.arguments[0], b""
            elif call.name == "deploy":
                to, data = None, call.arguments[0]
            else:
                data = encoded(call.name, *call.arguments)
            made = Transaction(self.chain.chain_id, nonce, to, data, call.value, call.gas, fee, tip)
            yield made.signed(call.account)

    def _lacking(self, todo: Sequence[Call], fee: int) -> Iterator[tuple[str, int]]:
        """Who has too little for its calls, and how much it is sent."""
        needs: dict[str, int] = {}
        for call in todo:
            needs[call.account.address] = needs.get(call.account.address, 0) + call.gas * fee + call.value
        others = [who for who, wei in needs.items() if who != self.root.address and wei]
        if not others:
            return
        spare, *money = self.chain.balances([self.root.address, *others])
        short = {who: has for who, has in zip(others, money, strict=True) if has < needs[who]}
        plenty = 2 * AHEAD * sum(needs[who] for who in short) <= spare
        for who, has in short.items():
            yield who, needs[who] * (AHEAD if plenty else 1) - has


def _judged(receipt: Receipt, call: Call, *, surely: bool) -> bool:
    """Whether a call took effect, or an attempt did not, for a reason that it must not."""
    if call.attempt and receipt.succeeded:
        raise Reverted("nothing, it took what it must refuse", call.name)
    right = receipt.reason in FORBIDDEN if call.attempt else receipt.succeeded
    if surely and not right:
        raise Reverted(receipt.reason or "without a word", call.name)
    return right


def made_by(address: str) -> str:
    """The address of the first contract that an account makes."""
    return created(address, 0)
