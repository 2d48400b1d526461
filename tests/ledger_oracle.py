"""What the contract must do, written from its rules alone: plain lists, exact fractions, logarithms by decimal."""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from eth_hash.auto import keccak

WAD = 10**18
LIMIT = 10**24
NOBODY = "0x" + "00" * 20
CLOSED, RECRUITED, FORMED = range(3)


class Refused(Exception):
    @property
    def reason(self):
        return str(self.args[0])


class Contribution(NamedTuple):
    round: int
    user: int
    head: int
    training: int
    slack: int
    amount: int


def exact(training: int, slack: int) -> Fraction:
    """(1 + training) ln(1 + slack), to 60 digits, in units of 10**-18."""
    with localcontext() as context:
        context.prec = 60
        logarithm = (1 + Decimal(slack) / WAD).ln()
    return (WAD + training) * Fraction(logarithm)


def require(holds, reason):
    if not holds:
        raise Refused(reason)


@dataclass
class Oracle:
    """The ledger as it should be; a call either changes it or raises Refused. `amounts` is what the contract made of
    the contributions, and is only believed if it is near enough."""

    provider: str
    forgetting: int
    unit: int
    accounts: list[str] = field(default_factory=list)
    miners: set[str] = field(default_factory=set)
    round: int = 0
    phase: int = CLOSED
    heads: list[int] = field(default_factory=list)
    terms: tuple = (0, 0, 0, bytes(32), 0)
    prices: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    led: list[int] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    recorded: dict[int, int] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    rejected: set[bytes] = field(default_factory=set)
    chain: bytes = bytes(32)
    escrow: int = 0
    credits: dict[str, int] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)  # wei out of the contract, by who has got them

    # --- what anybody may try

    def enroll(self, sender, accounts, names):
        require(sender == self.provider, "not the provider")
        require(self.phase == CLOSED, "a round is open")
        require(len(accounts) == len(names), "one name per account")
        everyone = list(self.accounts)
        for account in accounts:
            require(account != NOBODY, "zero account")
            require(account not in everyone, "enrolled twice")
            everyone.append(account)
        first, self.accounts = len(self.accounts), everyone
        entries = enumerate(zip(accounts, names, strict=True), first)
        return [("Enrolled", {"user": i, "account": account, "name": name}) for i, (account, name) in entries]

    def appoint(self, sender, miner):
        require(sender == self.provider, "not the provider")
        require(miner != NOBODY, "zero account")
        known = miner in self.miners
        self.miners.add(miner)
        return [] if known else [("Appointed", {"miner": miner})]

    def dismiss(self, sender, miner):
        require(sender == self.provider, "not the provider")
        require(miner in self.miners, "not a miner")
        self.miners.remove(miner)
        return [("Dismissed", {"miner": miner})]

    def recruit(self, sender, k, heads, threshold, incentive, highest, model, steps, *, value=0):
        require(sender == self.provider, "not the provider")
        require(self.phase == CLOSED, "a round is open")
        require(k == self.round + 1, "not the next round")
        require(heads, "no heads")
        require(all(limit <= LIMIT for limit in (threshold, incentive, highest)), "incentive too large")
        for j, head in enumerate(heads):
            require(head < len(self.accounts), "unknown user")
            require(head not in heads[:j], "head twice")
        self.round, self.phase, self.heads = k, RECRUITED, list(heads)
        self.terms = threshold, incentive, highest, model, steps
        self.prices, self.slots = [], [-1] * len(self.accounts)
        self.led += [head for head in heads if head not in self.led]
        self.escrow += value
        self._move(sender, -value)
        limits = {"threshold": threshold, "reputation_incentive": incentive, "highest_price": highest}
        return [
            ("Recruited", {"round": k, "heads": tuple(heads), **limits, "model": model, "steps": steps, "value": value})
        ]

    def form(self, sender, k, prices, slots):
        require(sender in self.miners, "not a miner")
        self._open(k)
        require(self.phase == RECRUITED, "formed already")
        require(len(prices) == len(self.heads), "one price per head")
        require(len(slots) == 2 * len(self.accounts), "one slot per user")
        require(all(price <= self.terms[2] for price in prices), "price too high")
        found = [256 * high + low for high, low in zip(slots[::2], slots[1::2], strict=True)]
        require(all(one < len(self.heads) or one == 65535 for one in found), "unknown coalition")
        self.phase, self.prices = FORMED, list(prices)
        self.slots = [-1 if one == 65535 else one for one in found]
        self.chain = keccak(self.chain + k.to_bytes(32, "big") + keccak(slots))
        return [("Formed", {"round": k, "prices": tuple(prices), "slots": slots, "chain": self.chain})]

    def reject(self, sender, k, partitions):
        require(sender in self.miners, "not a miner")
        self._open(k)
        new = [one for one in dict.fromkeys(partitions) if one not in self.rejected]
        self.rejected.update(new)
        return [("Rejected", {"round": k, "partition": one}) for one in new]

    def record(self, sender, k, coalition, entries, amounts=()):
        self._formed(k)
        require(coalition < len(self.heads), "unknown coalition")
        head = self.heads[coalition]
        require(sender == self.accounts[head], "not the head")
        now: dict[int, int] = {}
        for user, training, slack in entries:
            require(user < len(self.accounts), "unknown user")
            require(self.slots[user] == coalition, "not in this coalition")
            require(self.recorded.get(user) != k and user not in now, "recorded already")
            require(abs(training) <= WAD, "training out of range")
            require(slack >= 0, "negative slack")
            require(slack <= 10**27, "slack too large")
            now[user] = k
        first = len(self.contributions)
        for (user, training, slack), amount in zip(entries, amounts, strict=True):
            assert abs(amount - exact(training, slack)) <= Fraction(50000001, 10**8), (training, slack)
            self.contributions.append(Contribution(k, user, head, training, slack, amount))
        self.recorded |= now
        return [
            (
                "Recorded",
                dict(zip(Contribution._fields[:-1], one, strict=False)) | {"contribution": one.amount, "leaf": i},
            )
            for i, one in enumerate(self.contributions[first:], first)
        ]

    def pay(self, sender, k, payments):
        require(sender == self.provider, "not the provider")
        self._formed(k)
        escrow, due = self.escrow, []
        for user, competition, reputation in payments:
            require(user < len(self.accounts), "unknown user")
            require(self.recorded.get(user) == k, "no contribution")
            require(self.paid.get(user) != k and user not in dict(due), "paid already")
            require(abs(competition) <= 4 * WAD and reputation <= 4 * WAD, "share too large")
            price, incentive = Fraction(self.prices[self.slots[user]], WAD), Fraction(self.terms[1], WAD)
            worth = Fraction(competition, WAD) * price + Fraction(reputation, WAD) * incentive
            amount = int(max(worth, 0) * self.unit)
            due.append((user, amount))
            require(amount <= escrow, "escrow too small")
            escrow -= amount
        self.escrow = escrow
        for user, amount in due:
            self.paid[user] = k
            account = self.accounts[user]
            self.credits[account] = self.credits.get(account, 0) + amount
        return [("Paid", {"round": k, "user": user, "amount": amount}) for user, amount in due]

    def close(self, sender, k, leaves, payments):
        require(sender == self.provider, "not the provider")
        self._formed(k)
        require(len(self.contributions) == leaves, "contributions missing")
        require(self.payments() == payments, "payments missing")
        self.phase = CLOSED
        return [("Closed", {"round": k, "root": self.root(), "chain": self.chain})]

    def withdraw(self, sender):
        amount = self.credits.pop(sender, 0)
        require(amount, "nothing to withdraw")
        self._move(sender, amount)
        return [("Withdrawn", {"account": sender, "amount": amount})]

    def reclaim(self, sender, amount):
        require(sender == self.provider, "not the provider")
        require(self.phase == CLOSED, "a round is open")
        require(amount <= self.escrow, "escrow too small")
        self.escrow -= amount
        self._move(sender, amount)
        return [("Reclaimed", {"amount": amount})]

    def _move(self, account, amount):
        self.moved[account] = self.moved.get(account, 0) + amount

    def _open(self, k):
        require(k <= self.round, "not this round")
        require(k == self.round and self.phase != CLOSED, "late")

    def _formed(self, k):
        self._open(k)
        require(self.phase == FORMED, "not formed")

    # --- what must be so

    def payments(self) -> int:
        return sum(k == self.round for k in self.paid.values())

    def reputation(self, user, head=None) -> Fraction:
        """The sum of all that the user contributed, under one head if given, never rounded."""
        mine = [one for one in self.contributions if one.user == user and head in (None, one.head)]
        rate = Fraction(self.forgetting, WAD)
        return sum((one.amount * rate ** (self.round - one.round) for one in mine), Fraction(0))

    def root(self) -> bytes:
        """By the definition, from the top: a full tree of 2**32 leaves, where empty halves are known."""
        words = [b"".join((number % 2**256).to_bytes(32, "big") for number in one) for one in self.contributions]
        return subtree([keccak(one) for one in words], 32)


@cache
def nothing(height) -> bytes:
    return keccak(nothing(height - 1) * 2) if height else bytes(32)


def subtree(leaves, height) -> bytes:
    if not leaves:
        return nothing(height)
    if height == 0:
        return leaves[0]
    half = 2 ** (height - 1)
    return keccak(subtree(leaves[:half], height - 1) + subtree(leaves[half:], height - 1))
