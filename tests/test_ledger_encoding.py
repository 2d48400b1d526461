import math
from fractions import Fraction

import eth_abi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_vm import MINER, PROVIDER, WAD, Machine, address, slots

from models.ledger._contract import (
    answer,
    constructor,
    encoded,
    event,
    from_fixed,
    load,
    reason,
    to_fixed,
)
from models.ledger._errors import LedgerError
from models.ledger._merkle import Proof, leaf, proof, root
from models.ledger._transactions import Log, keccak

UNSIGNED, SIGNED = st.integers(0, 2**256 - 1), st.integers(-(2**255), 2**255 - 1)
HASH = st.binary(min_size=32, max_size=32)
ACCOUNT = st.integers(0, 10**6).map(address)
SIGNATURES = {
    "record": "record(uint256,uint256,(uint256,int256,int256)[])",
    "pay": "pay(uint256,(uint256,int256,uint256)[])",
    "enroll": "enroll(address[],string[])",
    "recruit": "recruit(uint256,uint256[],uint256,uint256,uint256,bytes32,uint256)",
    "form": "form(uint256,uint256[],bytes)",
    "reject": "reject(uint256,bytes32[])",
    "appoint": "appoint(address)",
    "withdraw": "withdraw()",
    "rejected": "rejected(bytes32)",
    "direct": "direct(uint256,uint256,uint256)",
}
ARGUMENTS = {
    "record": st.tuples(UNSIGNED, UNSIGNED, st.lists(st.tuples(UNSIGNED, SIGNED, SIGNED), max_size=5)),
    "pay": st.tuples(UNSIGNED, st.lists(st.tuples(UNSIGNED, SIGNED, UNSIGNED), max_size=5)),
    "enroll": st.tuples(st.lists(ACCOUNT, max_size=3), st.lists(st.text(max_size=20), max_size=3)),
    "recruit": st.tuples(UNSIGNED, st.lists(UNSIGNED, max_size=3), UNSIGNED, UNSIGNED, UNSIGNED, HASH, UNSIGNED),
    "form": st.tuples(UNSIGNED, st.lists(UNSIGNED, max_size=3), st.binary(max_size=70)),
    "reject": st.tuples(UNSIGNED, st.lists(HASH, max_size=3)),
    "appoint": st.tuples(ACCOUNT),
    "withdraw": st.tuples(),
    "rejected": st.tuples(HASH),
    "direct": st.tuples(UNSIGNED, UNSIGNED, UNSIGNED),
}


def by_library(name, arguments):
    signature = SIGNATURES[name]
    kinds = load().functions[name].inputs
    assert signature == f"{name}({','.join(kinds)})"
    return keccak(signature.encode())[:4] + eth_abi.encode(kinds, arguments)


@pytest.mark.parametrize("name", SIGNATURES)
@given(data=st.data())
def test_calls_are_as_the_library_writes_them(name, data):
    arguments = data.draw(ARGUMENTS[name])
    assert encoded(name, *arguments) == by_library(name, arguments)


def test_integers_may_be_numpys():
    assert encoded("account", np.int64(7)) == encoded("account", 7)
    entry = (np.uint16(3), np.int64(-4), 5)
    assert encoded("record", np.int32(1), 0, [entry]) == encoded("record", 1, 0, [(3, -4, 5)])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("record", (1, 0)),
        ("record", (1, 0, [(1, 2)])),
        ("record", (1, 0, [(1, 2, 3, 4)])),
        ("record", (1, 0, [(1, 0.5, 3)])),
        ("record", (1, 0, [(-1, 0, 3)])),
        ("record", (1, 0, [(1, 2**255, 3)])),
        ("record", (1, 0, 5)),
        ("pay", (1, [(1, 0, -1)])),
        ("pay", (1, [(1, 0, 2**256)])),
        ("close", (1.0, 0, 0)),
        ("close", (-1, 0, 0)),
        ("close", ()),
        ("withdraw", (1,)),
        ("appoint", ("0x12",)),
        ("appoint", (12,)),
        ("appoint", ("nobody",)),
        ("rejected", (b"short",)),
        ("reject", (1, [bytes(33)])),
        ("reject", (1, [bytes(31)])),
        ("recruit", (1, [0], 0, 0, 0, b"short", 0)),
        ("enroll", (["0x12"], [""])),
        ("enroll", ([address(0)], [b"\xff"])),
        ("form", (1, [-1], b"")),
        ("form", (1, [0.5], b"")),
    ],
)
def test_what_does_not_fit_is_refused(name, arguments):
    with pytest.raises(LedgerError, match=f"^{name} must have arguments "):
        encoded(name, *arguments)


def test_unknown_functions_are_refused():
    with pytest.raises(LedgerError, match=r"^the contract has no function 'mint'$"):
        encoded("mint", 1)
    with pytest.raises(LedgerError, match=r"^the contract has no function 'mint'$"):
        answer("mint", b"")


def test_making_one_takes_two_numbers():
    kinds = load().arguments
    assert constructor(7, 10**12) == load().bytecode + eth_abi.encode(kinds, (7, 10**12))
    with pytest.raises(LedgerError, match="must have 256 bits"):
        constructor(-1, 1)


@given(numbers=st.lists(UNSIGNED, max_size=5), accounts=st.lists(ACCOUNT, max_size=5), flag=st.booleans(), one=HASH)
def test_answers_are_read_as_they_are_written(numbers, accounts, flag, one):
    assert answer("reputations", eth_abi.encode(["uint256[]"], [numbers])) == (tuple(numbers),)
    assert answer("accounts", eth_abi.encode(["address[]"], [accounts])) == (tuple(accounts),)
    assert answer("is_miner", eth_abi.encode(["bool"], [flag])) == (flag,)
    assert answer("root", one) == (one,)
    assert answer("withdraw", b"") == ()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("status", b""),
        ("status", bytes(159)),
        ("root", bytes(31)),
        ("reputations", b""),
        ("reputations", bytes(64)),
        ("reputations", (32).to_bytes(32) + (2).to_bytes(32) + bytes(32)),
        ("reputations", (32).to_bytes(32) + (2**255).to_bytes(32)),
        ("close", bytes(32)),
    ],
)
def test_what_is_no_answer_is_refused(name, data):
    with pytest.raises(LedgerError, match=f"^a ledger must answer to {name}, got {len(data)} bytes: "):
        answer(name, data)


def test_events_are_read_with_their_names():
    machine = Machine()
    said = machine.send(PROVIDER, "enroll", [address(0), address(1)], ["Zoë", ""]).events
    assert said[0] == ("Enrolled", 0, {"user": 0, "account": address(0), "name": "Zoë"})
    assert said[1].fields["name"] == ""
    machine.send(PROVIDER, "appoint", MINER)
    (one,) = machine.send(PROVIDER, "recruit", 1, [1, 0], 1, 2, 3, b"m" * 32, 4, value=5).events
    assert one.name == "Recruited"
    assert one.fields == {
        "round": 1,
        "heads": (1, 0),
        "threshold": 1,
        "reputation_incentive": 2,
        "highest_price": 3,
        "model": b"m" * 32,
        "steps": 4,
        "value": 5,
    }
    (one,) = machine.send(MINER, "form", 1, [3, 0], slots(1, -1)).events
    chain = keccak(bytes(32) + (1).to_bytes(32) + keccak(b"\0\1\xff\xff"))
    assert one.fields == {"round": 1, "prices": (3, 0), "slots": b"\0\1\xff\xff", "chain": chain}
    (one,) = machine.send(address(0), "record", 1, 1, [(0, -WAD, 10**27)]).events
    assert one == (
        "Recorded",
        0,
        {
            "round": 1,
            "user": 0,
            "head": 0,
            "training": -WAD,
            "slack": 10**27,
            "contribution": 0,
            "total": 0,
            "direct": 0,
            "leaf": 0,
        },
    )


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ((), b""),
        ((bytes(32),), b""),
        ((keccak(b"Appointed(address)"),), b""),
        ((keccak(b"Paid(uint256,uint256,uint256)"), bytes(32)), bytes(32)),
        ((keccak(b"Formed(uint256,uint256[],bytes,bytes32)"), bytes(32)), bytes(40)),
    ],
)
def test_what_is_no_event_is_refused(topics, data):
    with pytest.raises(LedgerError, match=r"^block 8: "):
        event(Log(address(0), topics, data, 8))


@given(text=st.text(max_size=80))
def test_reasons_are_read(text):
    assert reason(keccak(b"Error(string)")[:4] + eth_abi.encode(["string"], [text])) == text


@pytest.mark.parametrize("output", [b"", b"\x08\xc3\x79\xa0", bytes(100), bytes.fromhex("08c379a0") + b"\xff" * 64])
def test_without_a_reason_there_is_none(output):
    assert reason(output) == ""


# --- fixed point


@given(x=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_become_the_nearest_in_fixed_point(x):
    exact = Fraction(x) * WAD
    found = to_fixed(x)
    assert abs(found - exact) <= Fraction(1, 2)
    assert abs(found - exact) < Fraction(1, 2) or found % 2 == 0
    assert to_fixed(-x) == -found


@given(n=st.integers(-(2**255), 2**255 - 1))
def test_fixed_point_becomes_the_nearest_number(n):
    found = from_fixed(n)
    gap = abs(Fraction(found) - Fraction(n, WAD))
    for other in (math.nextafter(found, math.inf), math.nextafter(found, -math.inf)):
        assert gap <= abs(Fraction(other) - Fraction(n, WAD))


@given(x=st.floats(0.0625, 1e60))
def test_numbers_come_back(x):
    assert from_fixed(to_fixed(x)) == x


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(x):
    with pytest.raises(LedgerError, match=r"must be finite, got (nan|-?inf)$"):
        to_fixed(x)


# --- the Merkle tree


def test_an_empty_tree_has_the_known_root():
    # the root of empty trees of depth 32 in every accumulator of this kind
    assert root([]).hex() == "27ae5ba08d7291c96c8cbddcc148bf48a6d68c7974b94356f53754ef6171d757"


def test_the_contract_has_the_same_root_after_each_contribution():
    machine = Machine()
    users = 70
    machine.send(PROVIDER, "enroll", [address(i) for i in range(users)], [""] * users)
    machine.send(PROVIDER, "appoint", MINER)
    machine.send(PROVIDER, "recruit", 1, [5], 0, 0, 0, bytes(32), 0)
    machine.send(MINER, "form", 1, [0], slots(*[0] * users))
    fields = []
    for i in range(users):
        training, slack = (i - 35) * 10**16, i * i * 10**15
        (one,) = machine.send(address(5), "record", 1, 0, [(i, training, slack)]).events
        fields.append((1, i, 5, training, slack, one.fields["contribution"]))
        assert machine.ask("root") == root([leaf(*one) for one in fields])
    leaves = [leaf(*one) for one in fields]
    for index in range(users):
        assert proof(leaves, index, fields[index]).root() == machine.ask("root")


@given(data=st.data(), size=st.integers(1, 40))
def test_a_proof_is_of_one_leaf_only(data, size):
    fields = [(1, k, 0, k - 20, 7 * k, 3) for k in range(size)]
    leaves = [leaf(*one) for one in fields]
    index = data.draw(st.integers(0, size - 1))
    found = proof(leaves, index, fields[index])
    assert found.root() == root(leaves)
    document = found.document()
    assert (document["index"], document["user"], document["training"]) == (index, index, str(index - 20))
    changed = data.draw(st.sampled_from(["index", "round", "user", "head", "training", "slack", "contribution"]))
    given_fields = {name: getattr(found, name) for name in Proof.__dataclass_fields__}
    other = Proof(**given_fields | {changed: given_fields[changed] ^ 1})
    assert other.root() != root(leaves)
    height = data.draw(st.integers(0, 31))
    siblings = [*found.siblings]
    siblings[height] = keccak(siblings[height])
    assert Proof(**given_fields | {"siblings": tuple(siblings)}).root() != root(leaves)


def test_wrong_proofs_are_refused():
    fields = [(1, k, 0, 0, 0, 0) for k in range(3)]
    leaves = [leaf(*one) for one in fields]
    for index, one in [(1, fields[0]), (3, fields[0]), (-1, fields[2])]:
        with pytest.raises(LedgerError, match=rf"^leaf {index} of 3 must be user {one[1]}'s of round 1, it is not$"):
            proof(leaves, index, one)
    with pytest.raises(LedgerError, match=r"^siblings must be 32 hashes of 32 bytes, got 31$"):
        Proof(0, 1, 0, 0, 0, 0, 0, (bytes(32),) * 31)
    with pytest.raises(LedgerError, match=r"^index must be in 0 to 2\*\*32 - 1, got 4294967296$"):
        Proof(2**32, 1, 0, 0, 0, 0, 0, (bytes(32),) * 32)
    with pytest.raises(LedgerError, match=r"^a contribution must be six numbers of 256 bits"):
        leaf(1, -1, 0, 0, 0, 0)
