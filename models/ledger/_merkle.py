"""The tree of all contributions, by which one of them can be shown without the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.ledger._errors import LedgerError
from models.ledger._transactions import keccak

__all__ = ["Growing", "Proof", "leaf", "proof", "root"]

DEPTH = 32
EMPTY = bytes(32)  # a leaf that is not there yet


@dataclass(frozen=True)
class Proof:
    """One contribution, numbers in fixed point, and with what it hashes to the root: its neighbour at each height.

    `index` is which leaf it is, from 0; `siblings` are 32 hashes, from the leaves up.

    Raises
    ------
    LedgerError
        If there are not 32 hashes of 32 bytes, or the index has more than 32 bits.
    """

    index: int
    round: int
    user: int
    head: int
    training: int
    slack: int
    contribution: int
    siblings: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.index < 1 << DEPTH:
            raise LedgerError(f"index must be in 0 to 2**{DEPTH} - 1, got {self.index}")
        if len(self.siblings) != DEPTH or any(len(one) != 32 for one in self.siblings):
            raise LedgerError(f"siblings must be {DEPTH} hashes of 32 bytes, got {len(self.siblings)}")

    def root(self) -> bytes:
        """The root of the tree that this contribution is in, if the proof is right."""
        node = leaf(self.round, self.user, self.head, self.training, self.slack, self.contribution)
        for height, sibling in enumerate(self.siblings):
            node = keccak(sibling + node if self.index >> height & 1 else node + sibling)
        return node

    def document(self) -> dict[str, Any]:
        """The proof for JSON; numbers in fixed point are strings, as many readers of JSON would round them."""
        whole = {name: getattr(self, name) for name in ("index", "round", "user", "head")}
        exact = {name: str(getattr(self, name)) for name in ("training", "slack", "contribution")}
        return whole | exact | {"siblings": ["0x" + one.hex() for one in self.siblings]}


def leaf(round_number: int, user: int, head: int, training: int, slack: int, contribution: int) -> bytes:
    """The hash of a contribution, 32 bytes; numbers in fixed point.

    Raises
    ------
    LedgerError
        If a number has more than 256 bits, or one but `training` and `slack` is negative.

    Examples
    --------
    >>> leaf(1, 0, 0, 0, 0, 0).hex()[:16]
    '756e52a4d940aed4'
    """
    signed = (False, False, False, True, True, False)
    try:
        numbers = zip((round_number, user, head, training, slack, contribution), signed, strict=True)
        return keccak(b"".join([number.to_bytes(32, signed=sign) for number, sign in numbers]))
    except OverflowError as problem:
        raise LedgerError(f"a contribution must be six numbers of 256 bits, got others: {problem}") from None


def root(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree of these leaves, in order, 32 bytes.

    Examples
    --------
    >>> root([]).hex()[:16]
    '27ae5ba08d7291c9'
    """
    nodes = list(leaves)
    for nothing in _nothing()[:DEPTH]:
        nodes = _above(nodes, nothing)
    return nodes[0] if nodes else _nothing()[DEPTH]


class Growing:
    """The tree while it grows, of which only the last full subtree of each height is kept, as in the contract.

    Examples
    --------
    >>> tree, some = Growing(), [keccak(b"a"), keccak(b"b"), keccak(b"c")]
    >>> for one in some:
    ...     tree.append(one)
    >>> tree.leaves, tree.root() == root(some)
    (3, True)
    """

    def __init__(self) -> None:
        self.leaves = 0
        self._full: dict[int, bytes] = {}

    def append(self, hashed: bytes) -> None:
        """One more leaf."""
        height = 0
        while self.leaves >> height & 1:
            hashed = keccak(self._full[height] + hashed)
            height += 1
        self._full[height] = hashed
        self.leaves += 1

    def root(self) -> bytes:
        """The root of the tree of all leaves, 32 bytes."""
        node = EMPTY
        for height, nothing in enumerate(_nothing()[:DEPTH]):
            node = keccak(self._full[height] + node if self.leaves >> height & 1 else node + nothing)
        return node


def proof(leaves: Sequence[bytes], index: int, fields: Iterable[int]) -> Proof:
    """That the contribution with these `fields`, those of `leaf`, is the leaf number `index`.

    Raises
    ------
    LedgerError
        If it is not.

    Examples
    --------
    >>> contributions = [(1, user, 0, 0, 10**18, 693147180559945309) for user in range(5)]
    >>> leaves = [leaf(*fields) for fields in contributions]
    >>> proof(leaves, 3, contributions[3]).root() == root(leaves)
    True
    """
    round_number, user, head, training, slack, contribution = fields
    hashed = leaf(round_number, user, head, training, slack, contribution)
    if not 0 <= index < len(leaves) or leaves[index] != hashed:
        raise LedgerError(f"leaf {index} of {len(leaves)} must be user {user}'s of round {round_number}, it is not")
    siblings, nodes = [], list(leaves)
    for height, nothing in enumerate(_nothing()[:DEPTH]):
        beside = index >> height ^ 1
        siblings.append(nodes[beside] if beside < len(nodes) else nothing)
        nodes = _above(nodes, nothing)
    return Proof(index, round_number, user, head, training, slack, contribution, tuple(siblings))


def _above(nodes: list[bytes], nothing: bytes) -> list[bytes]:
    """The nodes one height up."""
    if len(nodes) % 2:
        nodes = [*nodes, nothing]
    return [keccak(left + right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]


@lru_cache(maxsize=1)
def _nothing() -> tuple[bytes, ...]:
    """The root of an empty tree of each height."""
    found = [EMPTY]
    for _ in range(DEPTH):
        found.append(keccak(found[-1] + found[-1]))
    return tuple(found)
