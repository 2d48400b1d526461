"""What a ledger keeps of a round, and what that takes: the calls of the contract, each by whom it is due from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from models.ledger._contract import to_fixed
from models.ledger._errors import LedgerError
from models.ledger._keys import Keys
from models.ledger._transactions import Account, keccak
from models.reputation import Record
from solvers.core import Positions

__all__ = ["Call", "Page", "Terms"]

Item = TypeVar("Item")

BATCH = 128  # users in one call of the contract
OUT = 0xFFFF  # the slot of who is in no coalition
WAD, HASH, COALITIONS = 10**18, 32, 64
LARGEST, SHARE, SLACK = 10**24, 4 * 10**18, 10**27  # that the contract takes
CLOSED, RECRUITED, FORMED = range(3)  # phases of a round
GAS = {  # at most, by the call: at all, and for each user or partition in it; recent chains take 2**24 in all
    "deploy": (8_000_000, 0),
    "transfer": (21_000, 0),
    "enroll": (200_000, 80_000),
    "appoint": (120_000, 0),
    "recruit": (600_000, 60_000),
    "form": (400_000, 1_600),
    "reject": (100_000, 40_000),
    "record": (300_000, 90_000),
    "pay": (200_000, 60_000),
    "close": (200_000, 0),
    "withdraw": (150_000, 0),
}


@dataclass(frozen=True)
class Terms:
    """What the provider offers in a round, step 3: the threshold R_th, I_rep, the highest price, the model, and τ.

    `model` is a hash of the models that users start from, 32 bytes.
    """

    threshold: float
    reputation_incentive: float
    highest_price: float
    model: bytes
    steps: int


@dataclass(frozen=True, eq=False)
class Page:
    """One round of n users in M coalitions, as it is recorded.

    `heads` are M users, `slots`, (n,), the coalitions of all users, −1 for none, and `prices`, (M,), what each
    coalition's work is worth, nan for an idle one. `records` are the contributions, each recorded by its head. `shares`
    says of users who are paid how much of their coalition's price they get, and how much of I_rep. `rejected` are the
    hashes of partitions that did not last, by `partition_hash`. `attempts` are records that users make up themselves;
    they are sent in the users' own names, and the contract must refuse them.
    """

    round: int
    heads: Sequence[int]
    slots: Positions
    prices: Sequence[float]
    records: Sequence[Record]
    shares: Mapping[int, tuple[float, float]]
    terms: Terms
    rejected: Sequence[bytes] = ()
    attempts: Sequence[Record] = field(default=())


class Done(NamedTuple):
    """How far the contract has got with a page.

    That is its phase, the contributions of all rounds before, and which users are recorded, and paid.
    """

    phase: int
    leaves: int
    recorded: frozenset[int]
    paid: frozenset[int]


class Call(NamedTuple):
    """One call: of what, by whom, with which arguments, for how many users, and with how much money, in wei.

    One that is an attempt must be refused.
    """

    name: str
    account: Account
    arguments: tuple[Any, ...]
    size: int = 0
    value: int = 0
    attempt: bool = False

    @property
    def gas(self) -> int:
        """What the call may cost at most."""
        fixed, each = GAS[self.name]
        return fixed + each * self.size


def chunks(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """The items, as many at a time as one call takes."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def packed(slots: npt.ArrayLike) -> bytes:
    """The slots, −1 for none, as the contract takes them: two bytes each."""
    found = np.asarray(slots)
    return np.where(found < 0, OUT, found).astype(">u2").tobytes()


def unpacked(data: bytes) -> Positions:
    """The slots that `packed` packed."""
    found = np.frombuffer(data, dtype=">u2").astype(np.intp)
    return np.where(found == OUT, -1, found)


def partition_hash(slots: npt.ArrayLike) -> bytes:
    """By what a partition is known to the contract, 32 bytes."""
    return keccak(packed(slots))


def owed(page: Page, unit: int) -> dict[int, int]:
    """What the payments of the page come to, in wei by user, by the contract's own rule."""
    rate = to_fixed(page.terms.reputation_incentive)
    prices = [to_fixed(_price(price)) for price in page.prices]
    return {
        user: amount(prices[page.slots[user]], rate, to_fixed(competition), to_fixed(reputation), unit)
        for user, (competition, reputation) in page.shares.items()
    }


def amount(price: int, rate: int, competition: int, reputation: int, unit: int) -> int:
    """What one payment comes to, in wei; all but the unit in fixed point. Nobody pays for having taken part."""
    return max(0, competition * price + reputation * rate) * unit // 10**36


def calls(page: Page, keys: Keys, done: Done, value: int = 0) -> Iterator[Call]:
    """What is left to do of a page; with the first call comes money, `value` in wei."""
    k, terms = page.round, page.terms
    if done.phase == CLOSED:
        limits = [to_fixed(x) for x in (terms.threshold, terms.reputation_incentive, terms.highest_price)]
        heads = [int(head) for head in page.heads]
        yield Call("recruit", keys.provider, (k, heads, *limits, terms.model, terms.steps), len(heads), value)
    for some in chunks(page.rejected):
        yield Call("reject", keys.miner(), (k, some), len(some))
    if done.phase != FORMED:
        prices = [to_fixed(_price(price)) for price in page.prices]
        yield Call("form", keys.miner(), (k, prices, packed(page.slots)), len(page.slots))
    for j, head in enumerate(page.heads):
        mine = [one for one in page.records if one.head == head and one.user not in done.recorded]
        for entries in chunks(map(_entry, mine)):
            yield Call("record", keys.user(int(head)), (k, j, entries), len(entries))
    for one in page.attempts:
        j = list(page.heads).index(one.head)
        yield Call("record", keys.user(one.user), (k, j, [_entry(one)]), 1, attempt=True)
    due = [(user, *map(to_fixed, share)) for user, share in page.shares.items() if user not in done.paid]
    for payments in chunks(due):
        yield Call("pay", keys.provider, (k, payments), len(payments))
    yield Call("close", keys.provider, (k, done.leaves + len(page.records), len(page.shares)))


def check(page: Page, users: int) -> None:
    """Refuses a page that no contract would take.

    Raises
    ------
    LedgerError
        With what, the rule, and the value.
    """
    if len(page.slots) != users:
        raise LedgerError(f"slots must be one for each of {users} users, got {len(page.slots)}")
    heads = [int(head) for head in page.heads]
    if not 0 < len(heads) <= COALITIONS or len(set(heads)) < len(heads) or not all(0 <= h < users for h in heads):
        raise LedgerError(f"heads must be 1 to {COALITIONS} different users of {users}, got {heads}")
    if len(page.prices) != len(heads):
        raise LedgerError(f"prices must be one for each of {len(heads)} heads, got {len(page.prices)}")
    slots = np.asarray(page.slots)
    if slots.min() < -1 or slots.max() >= len(heads):
        raise LedgerError(f"slots must be -1 to {len(heads) - 1}, got {slots.min()} to {slots.max()}")
    _check_terms(page)
    _check_records(page, heads, slots, users)


def _check_records(page: Page, heads: Sequence[int], slots: Positions, users: int) -> None:
    seen: set[int] = set()
    for one in page.records:
        if one.user in seen or not _fits(one, page, heads, users) or slots[one.user] != heads.index(one.head):
            raise LedgerError(f"records must be one for each user, by the head of its coalition, got {one}")
        seen.add(one.user)
    for one in page.attempts:
        if not _fits(one, page, heads, users):
            raise LedgerError(f"attempts must be records of round {page.round} and heads {heads}, got {one}")
    for user, share in page.shares.items():
        competition, reputation = map(to_fixed, share)
        if user not in seen or abs(competition) > SHARE or not 0 <= reputation <= SHARE:
            rule = "shares must be of users with a record, 4 at most, and that of the incentive not negative"
            raise LedgerError(f"{rule}, got {share} of user {user}")


def _check_terms(page: Page) -> None:
    terms = page.terms
    limits = [to_fixed(x) for x in (terms.threshold, terms.reputation_incentive, terms.highest_price)]
    prices = [to_fixed(_price(price)) for price in page.prices]
    if not all(0 <= x <= LARGEST for x in limits) or not all(0 <= x <= limits[2] for x in prices):
        rule = "terms must be 0 to a million, and prices 0 to the highest"
        raise LedgerError(
            f"{rule}, got {limits[0] / WAD:g}, {limits[1] / WAD:g} and {limits[2] / WAD:g}, {list(page.prices)}"
        )
    if any(len(one) != HASH for one in (terms.model, *page.rejected)):
        raise LedgerError(f"hashes of the model and of partitions must have {HASH} bytes")
    if not 0 <= terms.steps < 1 << 256:
        raise LedgerError(f"steps must not be negative, got {terms.steps}")


def _fits(one: Record, page: Page, heads: Sequence[int], users: int) -> bool:
    """Whether a record is of the page, and its numbers are within what the contract takes."""
    known = one.round == page.round and one.head in heads and 0 <= one.user < users
    return known and abs(to_fixed(one.training)) <= WAD and 0 <= to_fixed(one.slack) <= SLACK


def _entry(one: Record) -> tuple[int, int, int]:
    return one.user, to_fixed(one.training), to_fixed(one.slack)


def _price(price: float) -> float:
    return 0.0 if np.isnan(price) else float(price)
