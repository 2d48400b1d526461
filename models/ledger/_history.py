"""What a ledger has recorded, round by round, and whether it holds together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.ledger._contract import Event, decayed, from_fixed, to_fixed
from models.ledger._errors import LedgerError
from models.ledger._merkle import Growing, Proof, leaf, proof, root
from models.ledger._page import CLOSED, FORMED, RECRUITED, SHARE, Page, amount, owed, packed, unpacked
from models.ledger._transactions import keccak
from models.reputation import Record, ReputationState, contribution, replay
from solvers.core import Array, Positions

if TYPE_CHECKING:
    from models.ledger._ledger import Ledger

__all__ = ["Check", "History", "Past"]

CLOSE = 1e-12  # of reputations in floating point


class Check(NamedTuple):
    """One thing that was looked at, whether it holds, and what was found."""

    name: str
    holds: bool
    detail: str


@dataclass
class Past:
    """One round as it was recorded; `recorded` are the events of contributions, `payments` are wei by user."""

    round: int
    heads: tuple[int, ...]
    terms: dict[str, Any]
    prices: tuple[float, ...] = ()
    slots: Positions | None = None
    rejected: list[bytes] = field(default_factory=list)
    recorded: list[dict[str, Any]] = field(default_factory=list)
    payments: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    block: int = 0

    @property
    def records(self) -> list[Record]:
        """The contributions, as `models.reputation` takes them."""
        return [
            Record(self.round, one["user"], one["head"], from_fixed(one["training"]), from_fixed(one["slack"]))
            for one in self.recorded
        ]


class History:
    """What a ledger has said since its beginning."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._names: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The users' names, in the order of their numbers."""
        if len(self._names) < self._ledger.status().users:
            said = (one for one in self._ledger.events() if one.name == "Enrolled")
            self._names = tuple(one.fields["name"] for one in said)
        return self._names

    def rounds(self) -> Iterator[Past]:
        """The rounds from the first; the last may be unfinished."""
        past: Past | None = None
        for one in self._ledger.events():
            if one.name == "Recruited":
                if past:
                    yield past
                terms = {name: one.fields[name] for name in ("threshold", "reputation_incentive", "highest_price")}
                terms = {name: from_fixed(value) for name, value in terms.items()}
                terms |= {"model": one.fields["model"].hex(), "steps": one.fields["steps"]}
                past = Past(one.fields["round"], tuple(one.fields["heads"]), terms, block=one.block)
            elif past:
                _note(past, one)
        if past:
            yield past

    def compare(self, page: Page, *, whole: bool) -> None:
        """Refuses a page that is not the recorded one; of a round that is not over, what is recorded of it.

        Raises
        ------
        LedgerError
            With what differs.
        """
        past = next((one for one in self.rounds() if one.round == page.round), None)
        if past is None:
            raise LedgerError(f"round {page.round} must be in the ledger, it is not")
        where = f"round {page.round}: the ledger has"
        if past.heads != tuple(int(head) for head in page.heads):
            raise LedgerError(f"{where} other heads, {list(past.heads)}; it is of another run")
        if past.slots is not None and past.slots.tolist() != np.asarray(page.slots).tolist():
            raise LedgerError(f"{where} other coalitions; it is of another run")
        self._compare_terms(page, past, where)
        given = {one.user: (one.head, to_fixed(one.training), to_fixed(one.slack)) for one in page.records}
        kept = {one["user"]: (one["head"], one["training"], one["slack"]) for one in past.recorded}
        odd = sorted(user for user, entry in kept.items() if given.get(user) != entry)
        odd += sorted(set(given) - set(kept)) if whole else []
        if odd:
            raise LedgerError(f"{where} another contribution of {self.names()[odd[0]]}; it is of another run")

    def _compare_terms(self, page: Page, past: Past, where: str) -> None:
        """Refuses other terms, prices and payments than those that are recorded."""
        names = ("threshold", "reputation_incentive", "highest_price")
        asked: dict[str, Any] = {name: from_fixed(to_fixed(getattr(page.terms, name))) for name in names}
        if past.terms != asked | {"model": page.terms.model.hex(), "steps": page.terms.steps}:
            raise LedgerError(f"{where} other terms; it is of another run")
        prices = tuple(from_fixed(to_fixed(0.0 if price != price else price)) for price in page.prices)
        if past.slots is not None and past.prices != prices:
            raise LedgerError(f"{where} other prices; it is of another run")
        due = owed(page, self._ledger.unit)
        odd = sorted(user for user, wei in past.payments.items() if due.get(user) != wei)
        odd += sorted(set(due) - set(past.payments)) if past.closed else []
        if odd:
            raise LedgerError(f"{where} another payment of {self.names()[odd[0]]}; it is of another run")

    def reputations(self, round_number: int) -> ReputationState:
        """The reputations after a round, from the numbers that the contract had them from."""
        ledger = self._ledger
        users, forgetting = ledger.status().users, to_fixed(ledger.forgetting)
        sums: dict[tuple[int, int], tuple[int, int]] = {}
        led: dict[int, None] = {}
        last = ledger.status()
        if not 0 <= round_number <= last.round - (last.phase != CLOSED):
            raise LedgerError(f"round must be one of the ledger's {last.round}, got {round_number}")
        for past in self.rounds():
            if past.round <= round_number:
                led |= dict.fromkeys(past.heads)
                for one in past.recorded:
                    sums[one["user"], one["head"]] = one["direct"], past.round
        columns = {head: k for k, head in enumerate(led)}
        direct = np.zeros((users, len(led)))
        for (user, head), (value, then) in sums.items():
            direct[user, columns[head]] = from_fixed(decayed(value, round_number - then, forgetting))
        return ReputationState(ledger.forgetting, round_number, tuple(led), direct)

    def leaves(self) -> list[bytes]:
        """The leaves of the Merkle tree, one for each contribution, in order."""
        return [_leaf(past.round, one) for past in self.rounds() for one in past.recorded]

    def proof(self, user: int, round_number: int) -> Proof:
        """That a user's contribution of a round is under the ledger's root.

        Raises
        ------
        LedgerError
            If the user has none in that round.
        """
        found = [(past.round, one["user"]) for past in self.rounds() for one in past.recorded]
        if (round_number, user) not in found:
            raise LedgerError(f"user {user} must have a contribution in round {round_number}, it has none")
        entries = [(past.round, one) for past in self.rounds() for one in past.recorded]
        index = found.index((round_number, user))
        k, one = entries[index]
        return proof(self.leaves(), index, _fields(k, one))

    def checks(self) -> list[Check]:
        """What must be true of the ledger, recomputed from what it has said, without its contract."""
        rounds = list(self.rounds())
        order = self._order()
        if not order.holds:  # the rest takes it for granted
            return [order]
        return [
            order,
            self._contributions(rounds),
            self._reputations(rounds),
            self._tree(rounds),
            self._coalitions(rounds),
            self._members(rounds),
            self._money(),
        ]

    def _order(self) -> Check:
        """Everything came in its turn, once, by rule, and led to the sums and hashes that the contract told."""
        replayed = Replay(to_fixed(self._ledger.forgetting), self._ledger.unit)
        try:
            for one in self._ledger.events():
                replayed.take(one)
        except LedgerError as problem:
            return Check("order", False, str(problem))
        return Check("order", True, f"{replayed.taken:,} events, each in its turn; sums the same to the last digit")

    def _contributions(self, rounds: list[Past]) -> Check:
        """Each contribution is (14) of what was recorded, in floating point."""
        worst, count = 0.0, 0
        for past in rounds:
            records = past.records
            if records:
                found = contribution([one.training for one in records], [one.slack for one in records])
                kept = np.array([from_fixed(one["contribution"]) for one in past.recorded])
                worst, count = max(worst, float(np.abs(found - kept).max())), count + len(records)
        return Check("contributions", worst <= CLOSE, f"{count:,} recomputed, differ by {worst:.1e} at most")

    def _reputations(self, rounds: list[Past]) -> Check:
        """Reputations are those of the float module, played again from the records."""
        ledger = self._ledger
        status = ledger.status()
        if not status.users:
            return Check("reputations", True, "no users")
        records = [one for past in rounds for one in past.records]
        again = replay(records, users=status.users, rounds=status.round, forgetting=ledger.forgetting)
        kept = ledger.reputations()
        scale = max(
            1.0, float(again.total.max())
        )  # sums of a thousand contributions have fewer digits behind the point
        worst = float(np.abs(again.total - ledger.totals()).max())
        heads = sorted({*again.heads, *kept.heads})
        apart = np.abs(_by_head(again, heads) - _by_head(kept, heads))
        worst = max(worst, float(apart.max(initial=0.0)))
        return Check("reputations", worst <= CLOSE * scale, f"of {status.users:,} users, differ by {worst:.1e} at most")

    def _tree(self, rounds: list[Past]) -> Check:
        leaves = [_leaf(past.round, one) for past in rounds for one in past.recorded]
        return Check("Merkle root", root(leaves) == self._ledger.root(), f"of {len(leaves):,} contributions")

    def _coalitions(self, rounds: list[Past]) -> Check:
        link = bytes(32)
        formed = [(past.round, past.slots) for past in rounds if past.slots is not None]
        for k, slots in formed:
            link = keccak(link + k.to_bytes(32) + keccak(packed(slots)))
        return Check("coalition chain", link == self._ledger.coalition_chain(), f"of {len(formed):,} partitions")

    def _members(self, rounds: list[Past]) -> Check:
        """Each contribution was recorded by the head of the user's own coalition, once a round."""
        wrong = 0
        for past in rounds:
            users = [one["user"] for one in past.recorded]
            wrong += len(users) - len(set(users))
            for one in past.recorded:
                slot = -1 if past.slots is None else past.slots[one["user"]]
                wrong += slot < 0 or past.heads[slot] != one["head"]
        return Check("heads", not wrong, "each recorded its own coalition" if not wrong else f"{wrong} did not")

    def _money(self) -> Check:
        """What was paid in is what is held, was withdrawn or reclaimed; and each has the credit it was promised."""
        ledger = self._ledger
        paid_in = withdrawn = 0
        credit: dict[str, int] = {}
        accounts = ledger.accounts()
        for one in ledger.events():
            if one.name == "Recruited":
                paid_in += one.fields["value"]
            elif one.name == "Paid":
                account = accounts[one.fields["user"]]
                credit[account] = credit.get(account, 0) + one.fields["amount"]
            elif one.name == "Withdrawn":
                account = one.fields["account"]
                credit[account] = credit.get(account, 0) - one.fields["amount"]
                withdrawn += one.fields["amount"]
            elif one.name == "Reclaimed":
                withdrawn += one.fields["amount"]
        held = ledger.chain.balances([ledger.address])[0]
        due = ledger.credits()
        holds = held >= paid_in - withdrawn == ledger.escrow() + sum(due)
        holds = holds and due == [credit.get(account, 0) for account in accounts]
        return Check("money", holds, f"{paid_in:,} wei paid in, {withdrawn:,} out, {sum(due):,} to be withdrawn")


@dataclass
class Replay:
    """The rules of the contract, applied to what it has said, in whole numbers.

    Raises
    ------
    LedgerError
        From `take`, at the first event that breaks one.
    """

    forgetting: int
    unit: int
    taken: int = 0
    users: int = 0
    phase: int = CLOSED
    round: int = 0
    fields: dict[str, Any] = field(default_factory=dict)  # of the round's Recruited and Formed
    tree: Growing = field(default_factory=Growing)
    link: bytes = bytes(32)
    recorded: set[int] = field(default_factory=set)
    paid: set[int] = field(default_factory=set)
    sums: dict[tuple[int, ...], tuple[int, int]] = field(default_factory=dict)

    def take(self, one: Event) -> None:
        """One more event."""
        known = {
            "Enrolled": self._enrolled,
            "Recruited": self._recruited,
            "Formed": self._formed,
            "Recorded": self._recorded,
            "Paid": self._paid,
            "Closed": self._closed,
        }
        if one.name in known:
            try:
                known[one.name](one.fields)
            except (IndexError, ValueError) as problem:
                raise LedgerError(f"block {one.block}: {one.name} cannot be: {problem}") from None
        elif one.name == "Rejected":
            self._must(
                self.phase != CLOSED and one.fields["round"] == self.round, "a partition is rejected in its round"
            )
        self.taken += 1

    def _must(self, right: bool, rule: str) -> None:
        if not right:
            raise LedgerError(f"round {self.round}: {rule}, it is not so")

    def _enrolled(self, fields: dict[str, Any]) -> None:
        self._must(
            fields["user"] == self.users and self.phase == CLOSED, "users are numbered as they come, between rounds"
        )
        self.users += 1

    def _recruited(self, fields: dict[str, Any]) -> None:
        self._must(self.phase == CLOSED and fields["round"] == self.round + 1, "rounds follow one another")
        heads = fields["heads"]
        self._must(len(set(heads)) == len(heads) and max(heads) < self.users, "heads are different users")
        self.phase, self.round, self.fields = RECRUITED, fields["round"], dict(fields)
        self.recorded, self.paid = set(), set()

    def _formed(self, fields: dict[str, Any]) -> None:
        self._must(self.phase == RECRUITED and fields["round"] == self.round, "coalitions are formed once, after heads")
        self._must(max(fields["prices"]) <= self.fields["highest_price"], "no price is above the highest")
        self.link = keccak(self.link + self.round.to_bytes(32) + keccak(fields["slots"]))
        self._must(fields["chain"] == self.link, "the chain of coalitions has these")
        self.fields |= {"prices": fields["prices"], "slots": unpacked(fields["slots"])}
        self.phase = FORMED

    def _recorded(self, fields: dict[str, Any]) -> None:
        user, head = fields["user"], fields["head"]
        self._must(self.phase == FORMED and fields["round"] == self.round, "contributions are recorded in their round")
        self._must(user not in self.recorded, "nobody is recorded twice")
        self._must(fields["leaf"] == self.tree.leaves, "contributions are numbered as they come")
        self.recorded.add(user)
        self.tree.append(_leaf(self.round, fields))
        for key, name in (((user,), "total"), ((user, head), "direct")):
            value, then = self.sums.get(key, (0, self.round))
            value = decayed(value, self.round - then, self.forgetting) + fields["contribution"]
            self._must(fields[name] == value, f"{name} is what was there and the contribution")
            self.sums[key] = value, self.round

    def _paid(self, fields: dict[str, Any]) -> None:
        user = fields["user"]
        self._must(self.phase == FORMED and fields["round"] == self.round, "payments are made in their round")
        self._must(user in self.recorded and user not in self.paid, "who has contributed is paid, once")
        price = self.fields["prices"][self.fields["slots"][user]]
        most = amount(price, self.fields["reputation_incentive"], SHARE, SHARE, self.unit)
        self._must(fields["amount"] <= most, "no payment is above what shares allow")
        self.paid.add(user)

    def _closed(self, fields: dict[str, Any]) -> None:
        self._must(self.phase == FORMED and fields["round"] == self.round, "a round is closed once, after all else")
        self._must(fields["root"] == self.tree.root(), "the root is that of all contributions")
        self._must(fields["chain"] == self.link, "the chain is that of all coalitions")
        self.phase = CLOSED


def _note(past: Past, one: Event) -> None:
    """What an event says of a round."""
    fields = one.fields
    if one.name == "Formed":
        past.prices = tuple(from_fixed(price) for price in fields["prices"])
        past.slots = unpacked(fields["slots"])
    elif one.name == "Rejected":
        past.rejected.append(fields["partition"])
    elif one.name == "Recorded":
        past.recorded.append(fields)
    elif one.name == "Paid":
        past.payments[fields["user"]] = fields["amount"]
    elif one.name == "Closed":
        past.closed = True


def _fields(round_number: int, one: dict[str, Any]) -> tuple[int, ...]:
    return (round_number, *(one[name] for name in ("user", "head", "training", "slack", "contribution")))


def _leaf(round_number: int, one: dict[str, Any]) -> bytes:
    return leaf(*_fields(round_number, one))


def _by_head(state: ReputationState, heads: Sequence[int]) -> Array:
    """The sums of all users for these heads, (users, heads)."""
    table = np.zeros((len(state.direct), len(heads)))
    columns = {head: k for k, head in enumerate(heads)}
    table[:, [columns[head] for head in state.heads]] = state.direct
    return table
