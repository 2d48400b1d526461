"""A chain behind a node: what it answers, and that nothing is lost or done twice when the node fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from commands import ROOT
from eth_abi import encode
from ledger_chains import CHAIN, USERS, Anvil, Funded, anvil_or_skip, free_port, keys_of_tests, money_of, post
from ledger_nodes import Refused, Server, ToyNode, error

from models.ledger import _node, _rpc
from models.ledger._chain import Chain
from models.ledger._errors import LedgerError, Reverted, Unreachable
from models.ledger._rpc import RpcChain
from models.ledger._transactions import Account, Transaction, created, decoded, keccak

pytest_plugins = ["ledger_chains"]

# Vyper 0.4.3, --evm-version shanghai -O codesize:
#
#   event Added:
#       who: indexed(address)
#       amount: uint256
#   total: public(uint256)
#   @external
#   @payable
#   def add(amount: uint256):
#       assert amount != 13, "unlucky"
#       self.total += amount
#       log Added(who=msg.sender, amount=amount)
TINY = bytes.fromhex(
    "61012061001161000039610120610000f35f3560e01c60026003820660011b61011a01601e395f51565b631003e2d28118610112576023"
    "36111561011657600d600435186100b05760208060a05260076040527f756e6c75636b7900000000000000000000000000000000000000"
    "00000000000060605260408160a00181518152602082015160208201528051806020830101601f825f03163682375050601f19601f8251"
    "602001011690509050810190506308c379a060805280600401609cfd5b6001546004358082018281106101165790509050600155337f44"
    "6e00ad56f9b887844f390c87a128507b991ea0499375f13ecb115288c2df7d60043560405260206040a2005b632ddbd13a811861011257"
    "346101165760015460405260206040f35b5f5ffd5b5f80fd00f60112001885582084fb8b65ed6d8f790c441ccc9dcb7ea3f9cf893a3600"
    "fbfcb2301e333af621b5190120810600a1657679706572830004030036"
)
ADD, TOTAL, ADDED = keccak(b"add(uint256)")[:4], keccak(b"total()")[:4], keccak(b"Added(address,uint256)")
KEYS = keys_of_tests()
FEE, TIP = 10**11, 10**9  # wei for a unit of gas
SOMEONE = "0x" + "11" * 20
AGAIN = "the same call can be made again"


class Writer:
    """Signs transactions of the accounts of the tests, with numbers that count up."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.numbers: dict[Account, Iterator[int]] = {}

    def sign(self, account: Account, to: str | None, data: bytes = b"", **changed: Any) -> bytes:
        if account not in self.numbers:
            self.numbers[account] = count(self.chain.nonces([account.address])[0])
        fields = {"nonce": None, "chain_id": CHAIN, "gas": 200_000, "fee": FEE, "tip": TIP} | changed
        if fields["nonce"] is None:
            fields["nonce"] = next(self.numbers[account])
        return Transaction(to=to, data=data, **fields).signed(account)

    def deploy(self) -> str:
        (receipt,) = self.chain.send([self.sign(KEYS.provider, None, TINY, gas=500_000)])
        assert receipt.contract is not None
        return receipt.contract


def add(amount: int) -> bytes:
    return ADD + encode(["uint256"], [amount])


def total(chain: Chain, contract: str) -> int:
    return int.from_bytes(chain.call(contract, [TOTAL])[0])


def amounts(chain: Chain, contract: str, first: int = 0) -> list[int]:
    return [int.from_bytes(log.data) for log in chain.logs(contract, first)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Pauses that are as long as tests have time."""
    monkeypatch.setattr(_node, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(_rpc, "SOON", 0.001)


# --- on both chains --------------------------------------------------------------------------------------------------


def test_both_chains_answer_alike(chain: Funded):
    behind = chain.chain
    writer = Writer(behind)
    root, provider, user, stranger = KEYS.root, KEYS.provider, KEYS.user(0), KEYS.user(USERS)
    assert behind.chain_id == CHAIN
    money = money_of(KEYS)
    assert behind.balances([user.address, stranger.address]) == [money[user.address], 0]
    deployed = behind.send([writer.sign(provider, None, TINY, gas=500_000)])
    contract = deployed[0].contract
    assert contract == created(provider.address, 0)
    start = behind.height
    raws = [
        writer.sign(user, contract, add(1)),
        writer.sign(root, stranger.address, value=7),
        writer.sign(provider, contract, add(13)),
        writer.sign(user, contract, add(2), value=5),
        writer.sign(provider, contract, b"none"),
        writer.sign(root, contract, add(3)),
    ]
    receipts = behind.send(raws)
    assert [one.hash for one in receipts] == [decoded(raw).hash for raw in raws]
    assert [one.succeeded for one in receipts] == [True, True, False, True, False, True]
    assert [one.reason for one in receipts] == ["", "", "unlucky", "", "", ""]
    assert [len(one.logs) for one in receipts] == [1, 0, 0, 1, 0, 1]
    assert all(one.contract is None and one.gas > 20_000 for one in receipts)
    assert [one.block for one in receipts] == sorted(one.block for one in receipts)
    assert behind.height == receipts[-1].block > start
    said = list(behind.logs(contract))
    assert said == [log for one in receipts for log in one.logs]
    assert [(log.address, log.topics) for log in said] == [
        (contract, (ADDED, bytes(12) + bytes.fromhex(one.address[2:]))) for one in (user, user, root)
    ]
    assert amounts(behind, contract) == [1, 2, 3]
    assert amounts(behind, contract, receipts[-1].block + 1) == []
    assert behind.nonces([root.address, provider.address, user.address, stranger.address]) == [2, 3, 2, 0]
    assert behind.balances([contract, stranger.address]) == [5, 7]
    assert behind.send(raws) == receipts
    assert behind.send(raws[::-1]) == receipts[::-1]
    assert behind.send([]) == []
    assert total(behind, contract) == 6
    assert behind.call(contract, [TOTAL, TOTAL]) == [encode(["uint256"], [6])] * 2
    assert behind.call(stranger.address, [TOTAL]) == [b""]
    with pytest.raises(Reverted) as refused:
        behind.call(contract, [TOTAL, add(13)])
    assert refused.value.reason == "unlucky"
    with pytest.raises(Reverted, match="without a word"):
        behind.call(contract, [b"none"])
    for wrong in ({"chain_id": 1}, {"nonce": 99}, {"nonce": 0}, {"value": 10**30}):
        with pytest.raises(LedgerError):
            behind.send([writer.sign(KEYS.user(1), contract, add(50)), writer.sign(user, contract, add(51), **wrong)])
        writer.numbers.clear()
    assert total(behind, contract) == 6
    for ask in (behind.nonces, behind.balances):
        with pytest.raises(LedgerError, match="an address must be"):
            ask(["0x12"])


# --- on a real node --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Iterator[Anvil]:
    made = Anvil(anvil_or_skip(), tmp_path_factory.mktemp("anvil"))
    try:
        made.start()
        made.fund(money_of(KEYS))
        yield made
    finally:
        made.kill()


@pytest.fixture
def before(node) -> Iterator[Server]:
    """What stands before the node, and can fail."""
    with Server(lambda request: post(node.port, request)) as server:
        yield server


@pytest.mark.parametrize("at_once", [False, True])
def test_a_nodes_transactions_are_all_carried_out_and_those_of_one_account_in_order(node, at_once):
    with RpcChain(node.url, at_once=at_once) as chain:
        writer = Writer(chain)
        contract = writer.deploy()
        senders = [KEYS.user(0), KEYS.user(1), KEYS.provider, KEYS.provider, KEYS.user(0), KEYS.user(2)] * 4
        raws = [
            writer.sign(one, contract, add(20 + k), tip=TIP * (1 + k)) for k, one in enumerate(senders)
        ]  # the later, the dearer, so that the node prefers the later
        receipts = chain.send(raws)
        said = amounts(chain, contract)
        assert all(one.succeeded for one in receipts)
        assert sorted(said) == [20 + k for k in range(len(senders))]
        for sender in dict.fromkeys(senders):
            own = [20 + k for k, one in enumerate(senders) if one == sender]
            assert [amount for amount in said if amount in own] == own
        if not at_once:
            assert said == [20 + k for k in range(len(senders))]


def test_fees_are_what_the_node_takes_now_and_after_full_blocks(node):
    with RpcChain(node.url) as chain:
        base = int(node.ask("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
        fee, tip = chain.fees()
        assert fee == 2 * base + tip
        assert tip > 0
        writer = Writer(chain)
        with pytest.raises(LedgerError, match="refuses number") as refused:
            chain.send([writer.sign(KEYS.user(5), SOMEONE, value=1, fee=1, tip=0)])
        assert "fee" in str(refused.value)
        writer.numbers.clear()
        assert chain.send([writer.sign(KEYS.user(5), SOMEONE, value=1, fee=fee, tip=tip)])[0].succeeded


@pytest.mark.parametrize("fault", ["lost", "unheard", 500, 502, b"<html>", b"", b"[]", b"{}", b"null"])
def test_an_answer_that_does_not_come_is_asked_for_again(before, fault):
    with RpcChain(before.url, timeout=5) as chain:
        writer = Writer(chain)
        contract = writer.deploy()
        raws = [writer.sign(one, contract, add(1)) for one in (KEYS.provider, KEYS.user(0), KEYS.provider)]
        for method in ("sendRawTransaction", "sendRawTransaction", "getTransactionReceipt", "call", "getLogs"):
            before.faults.append((f"eth_{method}", fault))
        receipts = chain.send(raws)
        assert [one.succeeded for one in receipts] == [True] * 3
        assert total(chain, contract) == 3
        assert amounts(chain, contract) == [1, 1, 1]
        assert before.faults == []
        sent = {params[0] for params in before.asked("eth_sendRawTransaction")[1:]}
        assert sent == {"0x" + raw.hex() for raw in raws}


def test_an_answer_that_comes_too_late_is_asked_for_again(before):
    with RpcChain(before.url, timeout=0.5) as chain:
        writer = Writer(chain)
        contract = writer.deploy()
        before.faults.append(("eth_sendRawTransaction", "late"))
        assert chain.send([writer.sign(KEYS.user(0), contract, add(4))])[0].succeeded
        assert total(chain, contract) == 4


def test_who_stops_in_the_middle_can_send_the_same_again(before):
    with RpcChain(before.url, attempts=1) as chain:
        writer = Writer(chain)
        contract = writer.deploy()
        senders = [KEYS.provider, KEYS.user(0), KEYS.user(1), KEYS.provider]
        raws = [writer.sign(one, contract, add(1 + k)) for k, one in enumerate(senders)]
        for k in range(9):
            method = "eth_sendRawTransaction" if k % 2 else "eth_getTransactionReceipt"
            before.faults.append((method, "unheard" if k % 3 else "lost"))
            with pytest.raises(Unreachable, match=AGAIN):
                chain.send(raws)
        receipts = chain.send(raws)
        assert [one.succeeded for one in receipts] == [True] * 4
        assert amounts(chain, contract) == [1, 2, 3, 4]
        assert chain.send(raws) == receipts


def test_a_node_that_is_stopped_or_killed_and_comes_back_carries_out_everything_once(anvil):
    state = ("--state", str(anvil.folder / "state.json"))
    anvil.start(*state)
    anvil.fund(money_of(KEYS))
    with (
        Server(lambda request: post(anvil.port, request)) as server,
        RpcChain(server.url, attempts=2) as chain,
    ):
        writer = Writer(chain)
        contract = writer.deploy()
        raws = [writer.sign(one, contract, add(5)) for one in (KEYS.provider, KEYS.user(0))]
        server.faults += [("eth_sendRawTransaction", "unheard")] * 2
        with pytest.raises(Unreachable, match=AGAIN):
            chain.send(raws[:1])
        anvil.stop()
        with pytest.raises(Unreachable, match=AGAIN):
            chain.send(raws)
        anvil.start(*state)
        before_kill = chain.send(raws[:1])
        assert total(chain, contract) == 5

        anvil.stop()
        anvil.start(*state)
        answer, server.answer = server.answer, lambda request: _killed(anvil, request, answer)
        with pytest.raises(Unreachable, match=AGAIN):
            chain.send(raws)
        server.answer = answer
        anvil.start(*state)
        receipts = chain.send(raws)
        assert receipts[:1] == before_kill
        assert [one.succeeded for one in receipts] == [True, True]
        assert total(chain, contract) == 10
        assert chain.nonces([KEYS.provider.address, KEYS.user(0).address]) == [2, 1]
        anvil.kill()
        anvil.chain_id = 7
        anvil.start()
        for ask in (lambda: chain.send(raws), lambda: chain.height, lambda: total(chain, contract)):
            with pytest.raises(Unreachable, match=f"must be of chain {CHAIN}, it is of chain 7"):
                ask()


def _killed(anvil: Anvil, request: dict[str, Any], answer: Any) -> Any:
    """The node's answer, but it is killed when it gets a transaction."""
    if request["method"] == "eth_sendRawTransaction":
        anvil.kill()
    return answer(request)


def test_a_nodes_refusals_are_told_and_what_was_carried_out_all_the_same(node):
    with RpcChain(node.url) as chain:
        writer = Writer(chain)
        contract = writer.deploy()
        poor = KEYS.user(USERS + 1)
        good = writer.sign(KEYS.user(3), contract, add(1))
        with pytest.raises(LedgerError, match=rf"{poor.address} must have \d+ wei for what it sends, it has 0"):
            chain.send([good, writer.sign(poor, contract, add(2))])
        assert total(chain, contract) == 0
        huge = writer.sign(KEYS.user(4), contract, add(2), gas=10**9)
        after = writer.sign(KEYS.user(4), contract, add(4))
        with pytest.raises(LedgerError, match=r"refuses number .*; of 3 sent together, 1 were carried out"):
            chain.send([good, huge, after])
        assert total(chain, contract) == 1
        other = writer.sign(KEYS.user(3), contract, add(8), nonce=decoded(good).transaction.nonce)
        with pytest.raises(LedgerError, match="is taken by another transaction"):
            chain.send([other])
        assert total(chain, contract) == 1


# --- on a toy, which needs no node -----------------------------------------------------------------------------------


@pytest.fixture
def toy() -> ToyNode:
    return ToyNode(CHAIN)


@pytest.fixture
def server(toy) -> Iterator[Server]:
    with Server(toy.answer) as made:
        yield made


@pytest.fixture
def behind(server) -> Iterator[RpcChain]:
    with RpcChain(server.url, timeout=5) as made:
        yield made


def said(chain: Chain) -> list[bytes]:
    return [log.data for log in chain.logs(SOMEONE)]


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("ws://user:pass@host:1/secret", "ws://…"),
        ("ftp://host/secret", "ftp://…"),
        ("localhost:8545", "another…"),
        ("secretsecret://host", "another…"),
        ("http://", "http://…"),
        ("http://host:secret/", "http://…"),
        ("http://host:99999/", "http://…"),
        ("http://[secret/", "http://…"),
        ("", "another…"),
    ],
)
def test_addresses_that_no_node_has_are_refused_without_being_shown(url, got):
    with pytest.raises(LedgerError) as refused:
        RpcChain(url)
    assert str(refused.value).endswith(f"got {got}")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", 0.0), ("timeout", float("nan")), ("patience", float("inf")), ("attempts", 0), ("confirmations", -1)],
)
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(LedgerError, match=f"{name} must be .*, got {value:g}"):
        RpcChain("http://127.0.0.1:1", **{name: value})


def test_a_node_that_is_not_there_is_told(server):
    with pytest.raises(Unreachable, match=rf"http://127.0.0.1:\d+ does not answer: no connection; {AGAIN}"):
        RpcChain(f"http://127.0.0.1:{free_port()}/key-1234567", attempts=3)
    with pytest.raises(Unreachable, match=f"{server.url} must be of chain 1, it is of chain {CHAIN}"):
        RpcChain(server.url, chain_id=1)


def test_a_node_that_goes_is_told_and_when_it_is_back_all_is_well(toy, server, behind):
    toy.chain_id = 5
    with pytest.raises(Unreachable, match=f"must be of chain {CHAIN}, it is of chain 5; on the right chain, {AGAIN}"):
        behind.balances([SOMEONE])
    toy.chain_id = CHAIN
    assert behind.balances([SOMEONE]) == [toy.balance]


def test_keys_and_passwords_in_an_address_work_and_are_never_told(toy, server):
    host = server.url.removeprefix("http://")
    url = f"http://someone:passw0rd@{host}/v3/0123456789abcdef?token=t0ps3cret"
    with RpcChain(url, attempts=1) as chain:
        assert server.paths[-1] == "/v3/0123456789abcdef?token=t0ps3cret"
        texts = [repr(chain), str(chain)]
        message = "no project 0123456789abcdef, token t0ps3cret\nof someone"
        for fault in ("lost", 500, 401, b"?", lambda answers: error(None, -32000, message)):
            server.faults.append(("eth_blockNumber", fault))
            try:
                texts.append(str(chain.height))
            except Unreachable as problem:
                texts.append(str(problem))
        toy.eth_gasPrice = lambda: _refuse(-32000, message)
        with pytest.raises(Unreachable) as refused:
            chain.fees()
        texts.append(str(refused.value))
    assert "no project …, token … of …" in texts[-1]
    for text in texts:
        assert all(secret not in text for secret in ("someone", "passw0rd", "0123456789abcdef", "t0ps3cret"))
        assert "\n" not in text
    assert f"{server.url} does not answer: HTTP status 500; {AGAIN}" in texts


def _refuse(code: int, message: str, data: Any = None) -> Any:
    raise Refused(code, message, data)


def test_fees_of_chains_with_other_methods(toy, behind):
    assert behind.fees() == (3 * 10**9, 10**9)
    toy.tip = None
    assert behind.fees() == (3 * 10**9, 10**9)
    toy.base_fee = None
    assert behind.fees() == (10**9, 10**9)
    toy.base_fee = 0
    assert behind.fees() == (10**9, 10**9)


@pytest.mark.parametrize(("most", "size"), [(None, 52), (20, 52), (3, 12), (2, 6), (1, 6)])
def test_nodes_that_take_small_batches_get_them(toy, server, behind, most, size):
    server.most = most
    server.batches.clear()
    accounts = [KEYS.user(i % 3) for i in range(size)]
    writer = Writer(behind)
    raws = [writer.sign(one, SOMEONE, bytes([k])) for k, one in enumerate(accounts)]
    with RpcChain(server.url, at_once=True) as chain:
        receipts = chain.send(raws)
    assert [one.hash for one in receipts] == [decoded(raw).hash for raw in raws]
    assert sorted(said(behind)) == [bytes([k]) for k in range(size)]
    assert max(map(len, server.batches)) <= (most or _node.MOST)
    assert behind.nonces([one.address for one in accounts]) == [accounts.count(one) for one in accounts]


@pytest.mark.parametrize(
    "answer",
    [
        lambda batch: (413, b"<html>"),
        lambda batch: (400, json.dumps(error(None, -32600, "batch too large")).encode()),
        lambda batch: (200, json.dumps([error(batch[0]["id"], -32600, "batch too large")]).encode()),
        lambda batch: (200, b'{"error": "too large"}'),
    ],
)
def test_batches_that_are_too_large_are_told_in_many_ways(server, behind, answer):
    server.most, server.too_many = 10, answer
    assert behind.balances([SOMEONE] * 60) == [10**24] * 60
    assert len(server.batches) < 20
    server.most = 0
    with pytest.raises(Unreachable, match=AGAIN):
        behind.balances([SOMEONE])


@pytest.mark.parametrize(
    "muddle",
    [
        lambda answers: answers[:-1],
        lambda answers: [*answers, answers[-1]],
        lambda answers: [one | {"id": None} for one in answers],
        lambda answers: [one | {"id": str(one["id"])} for one in answers],
        lambda answers: [one | {"id": 7} for one in answers],
        lambda answers: [{"jsonrpc": "2.0", "id": one["id"]} for one in answers],
        lambda answers: [one | {"result": "many"} for one in answers],
        lambda answers: [one | {"result": 5} for one in answers],
        lambda answers: [one | {"result": "0x" + "9" * 9_999} for one in answers],
        lambda answers: [5 for _ in answers],
        lambda answers: "error",
        lambda answers: 5,
        lambda answers: [error(one["id"], 429, "slow down") for one in answers],
        lambda answers: [error(one["id"], -32603, "Internal error") for one in answers],
        lambda answers: error(None, -32005, "rate limit"),
        lambda answers: [one | {"result": "0x12", "error": "odd"} for one in answers],
    ],
)
def test_answers_that_make_no_sense_are_asked_for_again_and_not_for_ever(server, behind, muddle):
    server.faults += [("eth_getBalance", muddle)] * 3
    assert behind.balances([SOMEONE, KEYS.root.address]) == [10**24] * 2
    server.faults += [("eth_getBalance", muddle)] * 5
    with pytest.raises(Unreachable, match=f"does not answer: .*; {AGAIN}"):
        behind.balances([SOMEONE])
    assert server.faults == []


def test_answers_in_another_order_are_told_apart(server, behind):
    server.faults.append(("eth_getBalance", lambda answers: answers[::-1]))
    assert behind.balances([SOMEONE]) == [10**24]
    assert server.faults == []


@pytest.mark.parametrize("message", ["already known", "AlreadyKnown", "Known transaction", "nonce too low"])
def test_a_transaction_that_the_node_has_is_not_refused(toy, server, behind, message):
    raw = Writer(behind).sign(KEYS.root, SOMEONE, b"once")
    take = toy.eth_sendRawTransaction

    def taken(raw: str) -> str:
        take(raw)
        raise Refused(-32000, message)

    toy.eth_sendRawTransaction = taken
    toy.eth_getTransactionByHash = lambda hashed: None  # some nodes do not tell what waits
    (receipt,) = behind.send([raw])
    assert receipt.succeeded
    assert said(behind) == [b"once"]


def test_a_receipt_that_comes_late_is_waited_for(toy, behind):
    raw = Writer(behind).sign(KEYS.root, SOMEONE, b"once")
    (receipt,) = behind.send([raw])
    shown, looks = toy.eth_getTransactionReceipt, count()
    toy.eth_getTransactionReceipt = lambda hashed: shown(hashed) if next(looks) > 1 else None
    assert behind.send([raw]) == [receipt]


def test_a_number_that_another_transaction_has_is_refused(toy, behind):
    writer = Writer(behind)
    first, second = (writer.sign(KEYS.root, SOMEONE, data, nonce=0) for data in (b"a", b"b"))
    behind.send([first])
    with pytest.raises(LedgerError, match=f"number 0 of {KEYS.root.address} is taken by another transaction"):
        behind.send([second])
    assert said(behind) == [b"a"]


def test_a_number_that_is_taken_in_the_meantime_is_refused(toy, behind):
    writer = Writer(behind)
    first, second = (writer.sign(KEYS.root, SOMEONE, data, nonce=0) for data in (b"a", b"b"))
    take = toy.eth_sendRawTransaction

    def taken(raw: str) -> str:
        take("0x" + first.hex())
        return take(raw)

    toy.eth_sendRawTransaction = taken
    with pytest.raises(LedgerError, match="is taken by another transaction") as refused:
        behind.send([second])
    assert not isinstance(refused.value, Unreachable)
    assert said(behind) == [b"a"]


def test_numbers_must_follow_each_other_and_money_must_suffice_before_anything_is_sent(toy, server, behind):
    writer = Writer(behind)
    address = KEYS.root.address
    for numbers, rule in (([1], "0, got 1"), ([0, 2], "1, got 2"), ([0, 0], "1, got 0"), ([1, 0], "0, got 1")):
        raws = [writer.sign(KEYS.root, SOMEONE, bytes([k]), nonce=n) for k, n in enumerate(numbers)]
        with pytest.raises(LedgerError, match=f"the next number of {address} must be {rule}"):
            behind.send(raws)
    toy.balance = 3 * 200_000 * FEE + 5
    raws = [writer.sign(KEYS.root, SOMEONE, bytes([k]), value=2) for k in range(3)]
    with pytest.raises(LedgerError, match=f"{address} must have {toy.balance + 1} wei .*, it has {toy.balance}"):
        behind.send(raws)
    assert server.asked("eth_sendRawTransaction") == []
    assert len(behind.send(raws[:2])) == 2


def test_of_which_chain_a_transaction_is_is_looked_at_before_it_is_sent(server, behind):
    writer = Writer(behind)
    with pytest.raises(LedgerError, match=f"transactions must be of chain {CHAIN}, got one of chain 1"):
        behind.send([writer.sign(KEYS.root, SOMEONE), writer.sign(KEYS.root, SOMEONE, chain_id=1)])
    with pytest.raises(LedgerError, match="signed bytes"):
        behind.send([b"\x01"])
    assert server.asked("eth_sendRawTransaction") == []


def test_what_a_node_refuses_for_the_moment_is_sent_again(toy, behind):
    take, tries = toy.eth_sendRawTransaction, count()
    toy.eth_sendRawTransaction = lambda raw: (
        take(raw) if next(tries) > 2 else _refuse(-32005, "limit of requests exceeded")
    )
    assert behind.send([Writer(behind).sign(KEYS.root, SOMEONE, b"once")])[0].succeeded
    assert said(behind) == [b"once"]


@pytest.mark.parametrize("at_once", [False, True])
def test_what_was_taken_beside_a_refused_one_is_waited_for_and_told(toy, server, at_once):
    take = toy.eth_sendRawTransaction

    def taken(raw: str) -> str:
        if decoded(bytes.fromhex(raw[2:])).transaction.data == b"bad":
            raise Refused(-32000, "intrinsic gas too low")
        return take(raw)

    shown, looks = toy.eth_getTransactionReceipt, count()

    def mined_later(hashed: str) -> Any:
        if next(looks) % 8 == 7:
            toy.mine()
        return shown(hashed)

    toy.eth_sendRawTransaction, toy.eth_getTransactionReceipt, toy.mining = taken, mined_later, False
    with RpcChain(server.url, at_once=at_once) as chain:
        writer = Writer(chain)
        data = ((KEYS.user(0), b"a"), (KEYS.user(1), b"bad"), (KEYS.user(1), b"never"), (KEYS.user(2), b"c"))
        raws = [writer.sign(account, SOMEONE, one) for account, one in data]
        done = [b"a", b"c"] if at_once else [b"a"]
        why = f"refuses number 0 of {KEYS.user(1).address}: intrinsic gas too low"
        with pytest.raises(LedgerError, match=f"{why}; of 4 sent together, {len(done)} were carried out"):
            chain.send(raws)
        assert said(chain) == done


def test_transactions_that_are_not_mined_in_time_can_be_sent_again(toy, server):
    toy.mining = False
    with RpcChain(server.url, patience=0.05) as chain:
        writer = Writer(chain)
        raws = [writer.sign(KEYS.root, SOMEONE, data) for data in (b"a", b"b")]
        with pytest.raises(Unreachable, match=f"2 of 2 transactions are not mined after 0.05 s; {AGAIN}"):
            chain.send(raws)
        assert chain.nonces([KEYS.root.address]) == [0]
        with pytest.raises(Unreachable, match="2 of 2"):
            chain.send(raws)
        toy.mining = True
        toy.mine()
        assert [one.block for one in chain.send(raws)] == [1, 2]
        assert said(chain) == [b"a", b"b"]


def test_what_a_node_forgot_is_sent_again(toy, server, monkeypatch):
    monkeypatch.setattr(_rpc, "RESEND", 0.01)
    toy.mining = False
    take, tries = toy.eth_sendRawTransaction, count()

    def taken(raw: str) -> str:
        hashed = take(raw)
        if next(tries):
            toy.mine()
        else:
            toy.waiting.clear()
        return hashed

    toy.eth_sendRawTransaction = taken
    with RpcChain(server.url) as chain:
        raw = Writer(chain).sign(KEYS.root, SOMEONE, b"once")
        assert chain.send([raw])[0].succeeded
        assert said(chain) == [b"once"]
    assert server.asked("eth_sendRawTransaction") == [["0x" + raw.hex()]] * 2


def test_confirmations_are_waited_for(toy, server):
    with RpcChain(server.url, confirmations=2, patience=0.05) as chain:
        writer = Writer(chain)
        raw = writer.sign(KEYS.root, SOMEONE, b"once")
        with pytest.raises(Unreachable, match=f"not confirmed after 0.05 s; {AGAIN}"):
            chain.send([raw])
        toy.height += 2
        assert chain.send([raw])[0].block == 1
    assert len(toy.mined) == 1


def test_the_reason_is_looked_for_and_a_node_need_not_tell(toy, behind):
    writer = Writer(behind)
    raw = writer.sign(KEYS.root, SOMEONE, b"no way")
    (receipt,) = behind.send([raw])
    assert (receipt.succeeded, receipt.reason) == (False, "not you")
    toy.eth_call = lambda call, block: _refuse(-32000, "missing trie node")
    assert behind.send([raw])[0].reason == ""
    toy.eth_call = lambda call, block: "0x"
    assert behind.send([raw])[0].reason == ""
    toy.eth_call = lambda call, block: _refuse(3, "execution reverted: not you")
    with pytest.raises(Reverted, match="refused by the contract: not you"):
        behind.call(SOMEONE, [b"no"])


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ((3, "execution reverted", "0x08c379a0" + encode(["string"], ["a\nb"]).hex()), "a b"),
        ((-32000, "execution reverted: late", None), "late"),
        ((-32603, "VM Exception: reverted with reason string 'late'", {"data": {"data": "0x"}}), "late"),
        ((-32015, "VM execution error", "Reverted 0x08c379a0" + encode(["string"], ["late"]).hex()), "late"),
        ((3, "execution reverted", "0x"), "without a word"),
        ((3, "execution reverted", "0x08c379a0ff"), "without a word"),
    ],
)
def test_the_words_of_contracts_are_found_wherever_nodes_put_them(toy, behind, refusal, reason):
    toy.eth_call = lambda call, block: _refuse(*refusal)
    with pytest.raises(Reverted) as refused:
        behind.call(SOMEONE, [b"?"])
    assert refused.value.reason == reason


def test_a_call_that_the_node_refuses_is_no_word_of_the_contract(toy, behind):
    toy.eth_call = lambda call, block: _refuse(-32000, "out of gas")
    with pytest.raises(Unreachable, match=f"refuses eth_call: out of gas; {AGAIN}"):
        behind.call(SOMEONE, [b"?"])


def test_questions_in_one_call_are_about_one_block(server, behind):
    behind.send([Writer(behind).sign(KEYS.root, SOMEONE, b"once")])
    behind.call(SOMEONE, [b"a"] * 60)
    assert {block for _, block in server.asked("eth_call")} == {"0x1"}


@pytest.mark.parametrize("code", [-32005, -32000, -32602])
def test_logs_come_in_as_many_pieces_as_the_node_wants(toy, server, behind, code):
    writer = Writer(behind)
    raws = [writer.sign(KEYS.root, SOMEONE, bytes([k])) for k in range(30)]
    behind.send(raws)
    toy.height = 25_000
    give = toy.eth_getLogs

    def given(span: dict[str, str]) -> Any:
        logs = give(span)
        if len(logs) > 4:
            raise Refused(code, "query returned more than 4 results")
        return logs

    toy.eth_getLogs = given
    assert said(behind) == [bytes([k]) for k in range(30)]
    assert [log.block for log in behind.logs(SOMEONE, 28)] == [28, 29, 30]
    spans = [(int(one["fromBlock"], 16), int(one["toBlock"], 16)) for (one,) in server.asked("eth_getLogs")]
    assert max(last - first for first, last in spans) < _rpc.WINDOW
    assert len(spans) < 100


def test_logs_of_a_node_that_gives_none_are_not_asked_for_for_ever(toy, server, behind):
    toy.height = 10
    toy.eth_getLogs = lambda span: _refuse(-32000, "no logs here")
    with pytest.raises(Unreachable, match="refuses eth_getLogs: no logs here"):
        list(behind.logs(SOMEONE))
    tries, before = count(), len(server.batches)
    toy.eth_getLogs = lambda span: [] if next(tries) > 2 else _refuse(429, "too many requests")
    assert list(behind.logs(SOMEONE)) == []
    asked = [one["params"] for batch in server.batches[before:] for one in batch if one["method"] == "eth_getLogs"]
    assert asked == [[{"address": SOMEONE, "fromBlock": "0x0", "toBlock": "0xa"}]] * 4  # fewer blocks do not help


def test_logs_are_in_order_and_those_of_dropped_blocks_are_left_out(toy, behind):
    writer = Writer(behind)
    behind.send([writer.sign(KEYS.root, SOMEONE, bytes([k])) for k in range(3)])
    give = toy.eth_getLogs
    toy.eth_getLogs = lambda span: [one | {"removed": one["data"] == "0x01"} for one in give(span)][::-1]
    assert said(behind) == [b"\x00", b"\x02"]


def test_a_receipt_must_be_of_the_transaction(toy, behind):
    raw = Writer(behind).sign(KEYS.root, SOMEONE, b"once")
    behind.send([raw])
    wrong = next(iter(toy.mined.values())) | {"transactionHash": "0x" + bytes(32).hex()}
    toy.eth_getTransactionReceipt = lambda hashed: wrong
    with pytest.raises(Unreachable, match="its answer makes no sense"):
        behind.send([raw])


def test_a_client_of_nodes_leaves_the_limit_of_recursion_as_it_is():
    program = """
import sys
from models.ledger import RpcChain, Unreachable

before = sys.getrecursionlimit()
try:
    RpcChain("http://127.0.0.1:1", attempts=1)
except Unreachable:
    print("web3" in sys.modules, sys.getrecursionlimit() == before)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
