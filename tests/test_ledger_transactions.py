import pytest
import rlp
from eth_account import Account as Known
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak as known_keccak
from hypothesis import example, given
from hypothesis import strategies as st

from models.ledger import Account, LedgerError, Transaction
from models.ledger._rlp import joined, pack, unpack
from models.ledger._transactions import ORDER, checked, created, decoded, derived, keccak

KEYS = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32))
ADDRESSES = st.binary(min_size=20, max_size=20).map(to_checksum_address)
LARGE = st.integers(0, 2**256 - 1)
TRANSACTIONS = st.builds(
    lambda fee, tip, **fields: Transaction(fee=max(fee, tip), tip=min(fee, tip), **fields),
    chain_id=st.integers(0, 2**64 - 1),
    nonce=st.integers(0, 2**64 - 1),
    to=st.none() | ADDRESSES,
    data=st.binary(max_size=300),
    value=LARGE,
    gas=st.integers(0, 2**64 - 1),
    fee=LARGE,
    tip=LARGE,
)
BYTES = st.binary(max_size=70) | st.sampled_from([bytes(255), bytes(256), bytes(70_000)])
ITEMS = st.recursive(BYTES, lambda items: st.lists(items, max_size=4), max_leaves=12)
PLAIN = Transaction(1337, 3, to_checksum_address("0x" + "ab" * 20), b"data", value=5, gas=21_000, fee=7, tip=2)
ONE = Account((1).to_bytes(32))


# --- as libraries have it -----------------------------------------------------------------------------------------


def by_library(one, key):
    fields = {
        "type": 2,
        "chainId": one.chain_id,
        "nonce": one.nonce,
        "maxFeePerGas": one.fee,
        "maxPriorityFeePerGas": one.tip,
        "gas": one.gas,
        "value": one.value,
        "data": one.data,
    }
    return bytes(Known.sign_transaction(fields | ({} if one.to is None else {"to": one.to}), key).raw_transaction)


@given(one=TRANSACTIONS, key=KEYS)
@example(one=PLAIN, key=(1).to_bytes(32))
def test_transactions_are_signed_as_the_library_signs_them_and_read_back(one, key):
    account = Account(key)
    raw = one.signed(account)
    found = decoded(raw)
    assert raw == by_library(one, key)
    assert found.transaction == one
    assert (found.sender, found.hash) == (account.address, known_keccak(raw))
    assert account.address == Known.from_key(key).address


@given(item=ITEMS)
def test_items_are_packed_as_the_library_packs_them(item):
    assert pack(item) == rlp.encode(item)
    assert unpack(pack(item)) == item


@given(item=ITEMS, changes=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 255)), min_size=1, max_size=2))
def test_only_what_the_library_reads_is_an_item(item, changes):
    data = bytearray(pack(item))
    for k, byte in changes:
        data[k % len(data)] = byte
    try:
        known = lists(rlp.decode(bytes(data), strict=True))
    except rlp.DecodingError:
        with pytest.raises(ValueError, match="must"):
            unpack(bytes(data))
    else:
        assert unpack(bytes(data)) == known


def lists(item):
    return item if isinstance(item, bytes) else [lists(part) for part in item]


@given(address=ADDRESSES, nonce=st.integers(0, 2**64 - 1))
def test_addresses_are_the_librarys(address, nonce):
    assert checked(address) == checked(address.lower()) == checked("0x" + address[2:].upper()) == address
    hashed = known_keccak(rlp.encode([bytes.fromhex(address[2:]), nonce]))
    assert created(address, nonce) == to_checksum_address(hashed[12:])


@given(data=st.binary(max_size=500))
def test_hashes_are_the_librarys(data):
    assert keccak(data) == known_keccak(data)


# --- what is refused ----------------------------------------------------------------------------------------------


def packed(raw=None, **changed):
    """A signed transaction with some of its parts replaced."""
    parts = unpack((raw or PLAIN.signed(ONE))[1:])
    names = ("chain_id", "nonce", "tip", "fee", "gas", "to", "value", "data", "access", "parity", "r", "s")
    fields = dict(zip(names, parts, strict=True)) | changed
    return b"\2" + pack(list(fields.values()))


HIGH = ORDER - int.from_bytes(unpack(PLAIN.signed(ONE)[1:])[-1])
WRONG = {
    "nothing": b"",
    "another kind": b"\1" + PLAIN.signed(ONE)[1:],
    "no list": b"\2" + pack(b"twelve bytes"),
    "too few fields": b"\2" + pack([b""] * 11),
    "too many fields": b"\2" + pack([b""] * 13),
    "more after it": PLAIN.signed(ONE) + b"\0",
    "less of it": PLAIN.signed(ONE)[:-1],
    "a short address": packed(to=bytes(19)),
    "a list for data": packed(data=[]),
    "a list for a number": packed(value=[]),
    "a list for an address": packed(to=[b"a"] * 20),
    "an access list": packed(access=[[bytes(20), []]]),
    "bytes for an access list": packed(access=b""),
    "a leading zero": packed(nonce=b"\0\3"),
    "a large nonce": packed(nonce=b"\1" + bytes(8)),
    "a large value": packed(value=b"\1" + bytes(32)),
    "a tip above the fee": packed(tip=b"\x08"),
    "parity 2": packed(parity=b"\2"),
    "r of 0": packed(r=b""),
    "s of 0": packed(s=b""),
    "r above the order": packed(r=ORDER),
    "a high s": packed(s=HIGH, parity=1 - int.from_bytes(unpack(PLAIN.signed(ONE)[1:])[9])),
}


@pytest.mark.parametrize("kind", WRONG)
def test_other_bytes_are_no_transaction(kind):
    with pytest.raises(LedgerError, match="a transaction must be signed bytes of kind 2, got others") as problem:
        decoded(WRONG[kind])
    assert "\n" not in str(problem.value)


def test_the_parts_put_together_again_are_a_transaction():
    assert decoded(packed()).transaction == PLAIN


@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_changed_byte_is_no_transaction_or_anothers(place, change):
    raw = bytearray(PLAIN.signed(ONE))
    raw[place % len(raw)] ^= change
    try:
        found = decoded(bytes(raw))
    except LedgerError:
        return
    assert found.sender != ONE.address


@pytest.mark.parametrize("key", [b"", bytes(32), ORDER.to_bytes(32), b"\xff" * 32, bytes(31), bytes(33)])
def test_keys_that_are_none(key):
    with pytest.raises(LedgerError, match="a key must be 32 bytes"):
        Account(key)


def test_accounts_follow_from_a_secret_and_hide_their_keys():
    accounts = [derived(secret, name) for secret in (b"a", b"b") for name in ("user", "miner")]
    assert len({one.address for one in accounts}) == 4
    assert derived(b"a", "user") == accounts[0]
    assert accounts[0].key.hex() not in repr(accounts[0])


@pytest.mark.parametrize("address", ["", "0x", "0x" + "0" * 39, "0X" + "0" * 40, "0x" + "0" * 39 + "g", None, 7])
def test_what_is_no_address(address):
    with pytest.raises(LedgerError, match="an address must be 0x and 40 hexadecimal digits"):
        checked(address)


@pytest.mark.parametrize("deep", [9, 10_000])
def test_lists_are_nested_eight_deep_at_most(deep):
    data = pack([])
    for _ in range(deep - 1):
        data = joined([data])
    with pytest.raises(ValueError, match="lists must be at most 8 deep"):
        unpack(data)
    assert unpack(pack([[[[[[[[]]]]]]]])) == [[[[[[[[]]]]]]]]
