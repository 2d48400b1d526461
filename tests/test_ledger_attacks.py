"""What strangers, users and holders of the file try, and do not get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ledger_pages import page

from models.ledger import EmbeddedChain, Keys, Ledger, LedgerError
from models.ledger._ledger import Sender
from models.ledger._merkle import Proof, leaf, proof, root
from models.ledger._page import Call
from models.ledger._rlp import unpack
from models.ledger._transactions import Account, Receipt, Transaction, decoded

KEYS = Keys(bytes(range(1, 33)))
STRANGER = Account((99).to_bytes(32))
FUNDED = {KEYS.root.address: 10**30, STRANGER.address: 10**18}
NAMES = [f"user {i}" for i in range(12)]


@pytest.fixture
def ledger():
    with EmbeddedChain.create(None, funded=FUNDED) as chain:
        yield Ledger.start(chain, KEYS, NAMES)


def sent(ledger: Ledger, account: Account, data: bytes = b"", value: int = 0) -> Receipt:
    chain = ledger.chain
    (nonce,) = chain.nonces([account.address])
    return chain.send([Transaction(chain.chain_id, nonce, ledger.address, data, value).signed(account)])[0]


def blocks(chain: EmbeddedChain) -> list[list[bytes]]:
    """The signed transactions, which are all that who has the file and no key can put into another one."""
    return [unpack(chain._log.block(number).body) for number in range(1, chain.height + 1)]


def failing(ledger: Ledger) -> list[str]:
    return [check.name for check in ledger.history.checks() if not check.holds]


def test_money_of_a_stranger_is_refused_and_changes_no_account(ledger):
    ledger.write(page(1))
    assert not sent(ledger, STRANGER, value=10**17).succeeded
    assert not sent(ledger, STRANGER, b"\xff" * 4, value=10**17).succeeded
    assert ledger.chain.balances([STRANGER.address]) == [10**18]
    assert failing(ledger) == []


def test_who_withdraws_in_the_middle_of_a_round_neither_stops_it_nor_gets_more(ledger):
    first, second = page(1), page(2)
    ledger.write(first)
    rich = max(first.shares, key=lambda user: ledger.credits()[user])
    earned = ledger.credits()[rich]
    todo = ledger._todo(second, ledger.status())
    Sender(ledger.chain, KEYS.root).send(todo[:-2], ledger.address)
    assert ledger.withdraw(rich) == earned
    assert ledger.withdraw(rich) == 0
    ledger.write(second)
    assert (ledger.status().phase, ledger.escrow()) == (0, 0)
    assert failing(ledger) == []


def test_what_was_signed_for_one_chain_or_one_ledger_is_of_no_use_on_another(ledger):
    raws = [raw for some in blocks(ledger.chain) for raw in some]
    with (
        EmbeddedChain.create(None, chain_id=ledger.chain.chain_id + 1, funded=FUNDED) as chain,
        pytest.raises(LedgerError, match="it must be for the chain 1338, got 1337"),
    ):
        chain.send(raws)
    height = ledger.chain.height
    assert all(receipt.succeeded for receipt in ledger.chain.send(raws))  # the receipts of the first time
    assert ledger.chain.height == height


@pytest.mark.parametrize("name", ["recruit", "form", "pay"])
def test_without_a_key_a_round_can_be_spoilt_but_not_closed_with_less_in_it(ledger, name):
    """Who has the file can put signed calls before those that they build on, and hash everything anew."""
    ledger.write(page(1, attempts=[]))
    ledger.write(page(2))
    *before, first, second = blocks(ledger.chain)
    calls = [call.name for call in _calls(first)]
    with EmbeddedChain.create(None, funded=FUNDED) as chain:
        for some in before:
            chain.send(some)
        chain.send(_moved(first, calls.index("record"), calls.index(name)))
        assert not any(receipt.succeeded for receipt in chain.send(second))
        status = Ledger(chain, ledger.address).status()
        assert (status.round, status.phase) == (1, 2)


def _calls(raws: Sequence[bytes]) -> list[Call]:
    from models.ledger._contract import load

    names = {known.selector: name for name, known in load().functions.items()}
    return [Call(names[decoded(raw).transaction.data[:4]], STRANGER, ()) for raw in raws]


def _moved(raws: Sequence[bytes], one: int, to: int) -> list[bytes]:
    """With one call at another place."""
    rest = [raw for k, raw in enumerate(raws) if k != one]
    return [*rest[:to], raws[one], *rest[to:]]


def test_a_proof_is_of_one_place_and_one_contribution():
    given = [(1, user, 0, 0, 10**18, 693147180559945309) for user in range(6)]
    leaves = [leaf(*fields) for fields in given]
    right = proof(leaves, 3, given[3])
    assert right.root() == root(leaves)
    others = [replace(right, index=k) for k in (0, 1, 2, 4, 5, 7, 3 + (1 << 31))]
    others += [replace(right, **{name: getattr(right, name) + 1}) for name in ("round", "user", "head", "training")]
    others += [replace(right, siblings=right.siblings[1:] + right.siblings[:1])]
    assert all(other.root() != root(leaves) for other in others)
    for k in (-1, 6, 1 << 32):
        with pytest.raises(LedgerError, match="must be user 3's of round 1, it is not"):
            proof(leaves, k, given[3])
    with pytest.raises(LedgerError, match="index must be in 0 to"):
        replace(right, index=1 << 32)


def test_an_inner_node_is_not_taken_for_a_contribution():
    """A contribution is 192 bytes, a node 64: neither has a proof that is shorter or longer."""
    given = [(1, user, 0, 0, 10**18, 693147180559945309) for user in range(2)]
    right = proof([leaf(*fields) for fields in given], 0, given[0])
    for siblings in (right.siblings[1:], (*right.siblings, bytes(32))):
        with pytest.raises(LedgerError, match="siblings must be 32 hashes"):
            Proof(0, *given[0], siblings=siblings)
