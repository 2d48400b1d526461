import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ledger_tally import (
    ADD,
    CHAIN,
    CODE,
    CONTRACT,
    HERE,
    MAKER,
    MONEY,
    SHARES,
    SPIN,
    TAKE,
    TOTAL,
    USERS,
    made,
    number,
    play,
    seen,
    signed,
    word,
)

from models.ledger import Busy, Corrupted, EmbeddedChain, LedgerError, Reverted
from models.ledger._log import Block, BlockLog
from models.ledger._rlp import pack, unpack
from models.ledger._seal import Digest, Seal
from models.ledger._transactions import created

KILLS = int(os.environ.get("CERTEQ_LEDGER_KILLS", "10"))
CHANGES = int(os.environ.get("CERTEQ_LEDGER_CHANGES", "200"))
HEADER = 100  # bytes with which an SQLite file begins
ONE, TWO = USERS[1], USERS[2]


def opened(path, **options):
    return EmbeddedChain.open(path, **{"timeout": 0.0} | options)


def beside(path, ending):
    return path.with_name(path.name + ending)


def files(folder):
    """What would show that somebody has written there."""
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


def add(user, nonce, n=5, **fields):
    return signed(user, nonce, data=ADD + word(n), **fields)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def chain():
    with made(None) as chain:
        yield chain


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A log of a few blocks, which no test changes."""
    path = tmp_path_factory.mktemp("kept") / "log"
    with made(path) as chain:
        play(chain, 4)
    return path


@pytest.fixture
def log(kept, path):
    """A copy of it."""
    for ending in ("", ".seal"):
        shutil.copy(beside(kept, ending), beside(path, ending))
    return path


def refusal(path, **options):
    """What opening a log ends in, None if it opens."""
    try:
        opened(path, **options).close()
    except LedgerError as problem:
        return problem
    return None


def one_line(problem, *words):
    text = str(problem.value)
    assert "\n" not in text
    for part in words:
        assert part in text, text


# --- what a chain does --------------------------------------------------------------------------------------------


def test_a_block_is_a_send_and_its_number_is_its_time(chain):
    play(chain, 3)
    assert chain.height == 4
    assert chain.chain_id == CHAIN
    assert chain.call(CONTRACT, [HERE])[0] == word(4) + word(4) + word(CHAIN) + word(0)
    assert chain.contracts() == [CONTRACT]
    assert chain.fees() == (0, 0)


def test_receipts_and_logs_tell_what_came_of_it(chain):
    first, second = chain.send([add(ONE, 0, 5, value=7), add(TWO, 0, 6)])
    assert (first.succeeded, first.block, first.contract, first.reason) == (True, 2, None, "")
    assert 21_000 < second.gas < first.gas
    assert list(chain.logs(CONTRACT)) == [*first.logs, *second.logs]
    assert [log.data for log in chain.logs(CONTRACT)] == [word(5), word(11)]
    assert first.logs[0].topics[1] == bytes(12) + bytes.fromhex(ONE.address[2:])
    assert list(chain.logs(CONTRACT, 3)) == list(chain.logs(ONE.address)) == []
    assert chain.balances([ONE.address, CONTRACT]) == [MONEY - 7, 7]


REFUSED = {
    "a reason": (ADD + word(0), {"value": 9}, "nothing to add"),
    "no reason": (TAKE + word(1), {}, ""),
    "no money to be taken": (TAKE, {"value": 9}, ""),
    "no function": (b"what", {}, ""),
    "no gas": (SPIN, {"gas": 100_000}, "out of gas"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_contract_refuses_is_kept_without_effect(path, kind):
    data, fields, reason = REFUSED[kind]
    with made(path) as chain:
        (receipt,) = chain.send([signed(ONE, 0, data=data, **fields)])
        assert (receipt.succeeded, receipt.logs, receipt.reason) == (False, (), reason)
        assert (receipt.gas == 100_000) == (kind == "no gas")
        assert chain.nonces([ONE.address]) == [1]
        assert chain.balances([ONE.address]) == [MONEY]
        assert number(chain, TOTAL) == 0
        after = seen(chain)
    with opened(path) as chain:
        assert seen(chain) == after
        assert chain.send([signed(ONE, 0, data=data, **fields)]) == [receipt]


def test_money_and_refused_deployments(chain):
    stranger = "0x" + "ab" * 20
    raws = [signed(ONE, 0, stranger, value=3), signed(ONE, 1, None, bytes.fromhex("60006000fd")), signed(ONE, 2, None)]
    receipts = chain.send(raws)
    assert [one.succeeded for one in receipts] == [True, False, True]
    assert [one.contract for one in receipts] == [None, None, created(ONE.address, 2)]
    assert chain.balances([stranger, ONE.address]) == [3, MONEY - 3]
    assert chain.call(stranger, [b"anybody?"]) == [b""]


def test_the_address_of_a_contract_counts_all_that_its_maker_sent(path):
    with made(path) as chain:
        chain.send([add(ONE, 0), add(ONE, 1), signed(ONE, 2, None, CODE), add(ONE, 3), signed(ONE, 4, None, CODE)])
        assert chain.contracts() == [CONTRACT, created(ONE.address, 2), created(ONE.address, 4)]
    with opened(path) as chain:
        assert chain.contracts()[2] == created(ONE.address, 4)


def test_questions_that_are_refused_change_nothing(chain):
    with pytest.raises(Reverted, match="nothing to add"):
        chain.call(CONTRACT, [TOTAL, ADD + word(0)])
    with pytest.raises(Reverted, match="state change"):
        chain.call(CONTRACT, [ADD + word(1)])
    with pytest.raises(Reverted, match="without a word"):
        chain.call(CONTRACT, [b"what"])
    assert number(play(chain, 1), TOTAL) == 6


def test_addresses_may_be_written_in_small_letters_and_others_are_refused(chain):
    assert chain.nonces([MAKER.address.lower()]) == [1]
    assert chain.balances([ONE.address.lower()]) == [MONEY]
    for wrong in ("0x12", ONE.address[2:], "0x" + "g" * 40):
        for ask in (lambda a: chain.nonces([a]), lambda a: chain.balances([a]), lambda a: chain.call(a, [TOTAL])):
            with pytest.raises(LedgerError, match="an address must be 0x and 40 hexadecimal digits") as problem:
                ask(wrong)
            one_line(problem)


# --- what is not valid --------------------------------------------------------------------------------------------


INVALID = {
    "a nonce too low": (lambda: signed(MAKER, 0, data=ADD), "the nonce of 0x", "must be 1, got 0"),
    "a nonce too high": (lambda: add(ONE, 2), "the nonce of 0x", "must be 1, got 2"),
    "another chain": (lambda: add(ONE, 1, chain_id=1), "for the chain 1337, got 1"),
    "too little money": (lambda: add(ONE, 1, value=MONEY + 1), "it has 1000000000000000000"),
    "too little gas": (lambda: add(ONE, 1, gas=21_000), "must be one that can be carried out"),
    "too much gas": (lambda: add(ONE, 1, gas=10**10), "at most 1,000,000,000 gas, got 10,000,000,000"),
    "another signature": (lambda: add(ONE, 1)[:-1] + b"\0", "must be 0, got 1"),
    "no transaction": (lambda: b"\2junk", "transaction must be signed bytes of kind 2"),
    "too much code": (lambda: signed(ONE, 1, None, bytes(50_000)), "must be one that can be carried out"),
}


@pytest.mark.parametrize("kind", INVALID)
def test_if_one_is_not_valid_none_is_carried_out(path, kind):
    make, *words = INVALID[kind]
    with made(path) as chain, made(None) as other:
        before = seen(chain)
        with pytest.raises(LedgerError) as problem:
            chain.send([add(ONE, 0), make()])
        one_line(problem, *words)
        assert seen(chain) == before == seen(other)
        assert seen(play(chain, 2)) == seen(play(other, 2))
    with opened(path) as chain:
        assert chain.height == 3


def test_who_signs_with_another_key_is_another(chain):
    changed = bytearray(add(ONE, 0))
    changed[-1] ^= 1
    chain.send([bytes(changed)])
    assert chain.nonces([ONE.address]) == [0]
    assert number(chain, SHARES + bytes(12) + bytes.fromhex(ONE.address[2:])) == 0


def test_the_same_bytes_are_carried_out_once(path):
    with made(path) as chain:
        first = chain.send([add(ONE, 0), add(ONE, 0), add(TWO, 0)])
        assert first[0] == first[1]
        again = chain.send([add(TWO, 0), add(ONE, 1), add(ONE, 0)])
        assert [again[0], again[2]] == [first[2], first[0]]
        assert [one.block for one in again] == [2, 3, 2]
        before = seen(chain)
        assert chain.send([add(ONE, 0)]) == [first[0]]
        assert chain.send([]) == []
        assert seen(chain) == before
    with opened(path) as chain:
        assert chain.send([add(ONE, 1), add(TWO, 0)]) == [again[1], first[2]]
        assert seen(chain) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"chain_id": -1}, "a chain's id must be from 0"),
        ({"chain_id": 2**64}, "a chain's id must be from 0"),
        ({"funded": {ONE.address: -1}}, "wei must be from 0 to 2"),
        ({"funded": {ONE.address: 2**256}}, "wei must be from 0 to 2"),
        ({"funded": {"somebody": 1}}, "an address must be 0x"),
    ],
)
def test_a_chain_that_cannot_begin(path, options, told):
    with pytest.raises(LedgerError, match=told) as problem:
        EmbeddedChain.create(path, **options)
    one_line(problem)
    assert list(path.parent.iterdir()) == []


# --- opening again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
def test_a_chain_comes_back_as_it_was(path, read_only):
    with made(path) as chain:
        before = seen(play(chain, 3))
    assert sorted(one.name for one in path.parent.iterdir()) == ["log", "log.seal"]
    files_before = files(path.parent)
    with opened(path, read_only=read_only) as chain:
        assert seen(chain) == before
        assert not chain.dropped
        assert not chain.unsealed
    assert files(path.parent) == files_before


def test_a_chain_in_memory_has_the_same_hashes(kept):
    with made(None) as chain, opened(kept, read_only=True) as other:
        assert seen(play(chain, 4)) == seen(other)


def test_questions_in_between_change_no_hash_and_no_gas(path):
    questions = [TOTAL, HERE, *(SHARES + bytes(12) + bytes.fromhex(user.address[2:]) for user in USERS)]
    with made(path) as chain, made(None) as quiet:
        for _ in range(4):
            chain.call(CONTRACT, questions)
            with pytest.raises(Reverted):
                chain.call(CONTRACT, [*questions, ADD + word(0)])
            chain.call(TWO.address, [b"cold before"])
            play(chain, 1)
            play(quiet, 1)
            assert chain.last_hash == quiet.last_hash
    with opened(path) as chain:
        assert chain.last_hash == quiet.last_hash


def test_a_chain_goes_on_where_it_ended(log):
    with made(None) as whole:
        play(whole, 7)
        for _ in range(3):
            with opened(log) as chain:
                play(chain, 1)
        with opened(log) as chain:
            assert seen(chain) == seen(whole)


def test_who_only_reads_cannot_send(log):
    before = files(log.parent)
    with opened(log, read_only=True) as chain:
        state = seen(chain)
        with pytest.raises(LedgerError, match="opened for reading only") as problem:
            play(chain, 1)
        one_line(problem)
        assert seen(chain) == state
        assert chain.send([add(ONE, 0, 1)])[0].block == 2
    assert files(log.parent) == before


def test_a_folder_that_cannot_be_written_can_be_read(log, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    with pytest.raises(LedgerError, match="this can only be read"):
        opened(log)
    with opened(log, read_only=True) as chain:
        assert chain.height == 5


def test_nothing_is_done_once_it_is_closed(log):
    chain = opened(log)
    chain.close()
    chain.close()
    for use in (lambda: play(chain, 1), lambda: chain.call(CONTRACT, [TOTAL]), lambda: list(chain.logs(CONTRACT))):
        with pytest.raises(LedgerError, match="the chain must be open, it was closed"):
            use()


# --- what happens to files ----------------------------------------------------------------------------------------


def changes(data, count):
    """Single bytes that are others, some in the header, most everywhere."""
    rng = random.Random(20260101)
    places = [*rng.sample(range(HEADER), HEADER // 4), *(rng.randrange(len(data)) for _ in range(count))]
    for k in places[:count]:
        yield k, data[:k] + bytes([data[k] ^ rng.randrange(1, 256)]) + data[k + 1 :]


def test_every_changed_byte_of_the_log_is_found(log):
    missed = {}
    for k, data in changes(log.read_bytes(), CHANGES):
        log.write_bytes(data)
        before = files(log.parent)
        found = refusal(log, read_only=bool(k % 2))
        if not isinstance(found, Corrupted) or "\n" in str(found) or files(log.parent) != before:
            missed[k] = found
    assert missed == {}


def test_every_changed_byte_of_the_seal_is_found(log):
    seal = beside(log, ".seal")
    good = seal.read_bytes()
    for k in range(len(good)):
        seal.write_bytes(good[:k] + bytes([good[k] ^ 1 + k % 255]) + good[k + 1 :])
        with pytest.raises(Corrupted, match="the seal must be what was written"):
            opened(log)
    for other in (good[:-1], good + b"\n", good + bytes(10**6), good.upper(), b"\0", b"certeq-seal 1\n"):
        seal.write_bytes(other)
        with pytest.raises(Corrupted, match="the seal must be what was written") as problem:
            opened(log)
        one_line(problem, str(log), "delete it")
    seal.write_bytes(good)
    opened(log).close()


def test_the_block_that_was_changed_is_named(log):
    with opened(log, read_only=True) as chain:
        body = chain._log.block(3).body
    data = log.read_bytes()
    place = data.index(body[:100])
    log.write_bytes(data[: place + 20] + b"\0" + data[place + 21 :])
    with pytest.raises(Corrupted, match=r"^block 3: ") as problem:
        opened(log)
    assert problem.value.block == 3
    one_line(problem, str(log))


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("junk", [b"\0", b"junk", bytes(4096), b"x" * 8192])
def test_what_follows_the_log_is_found(log, junk, sealed):
    with log.open("ab") as file:
        file.write(junk)
    if not sealed:
        beside(log, ".seal").unlink()
    with pytest.raises(Corrupted):
        opened(log)


def test_blocks_that_were_cut_off_are_missed(path):
    with made(path) as chain:
        play(chain, 1)
        shorter = path.read_bytes()
        play(chain, 2)
    path.write_bytes(shorter)
    with pytest.raises(Corrupted, match=r"block 3: .* with 5 blocks in all") as problem:
        opened(path)
    assert problem.value.block == 3
    assert path.read_bytes() == shorter


@pytest.mark.parametrize("sealed", [True, False])
def test_pages_that_were_cut_off_are_missed(log, sealed):
    data = log.read_bytes()
    if not sealed:
        beside(log, ".seal").unlink()
    for size in (len(data) - 1, len(data) - 4096, 4096, 512, 99, 15, 1, 0):
        log.write_bytes(data[:size])
        with pytest.raises(LedgerError) as problem:
            opened(log)
        one_line(problem, str(log))
        assert isinstance(problem.value, Corrupted) or not sealed


def test_a_log_without_its_seal_is_checked_and_sealed_again(log):
    with opened(log) as chain:
        before = seen(chain)
    seal = beside(log, ".seal")
    good = seal.read_bytes()
    seal.unlink()
    with opened(log, read_only=True) as chain:
        assert chain.unsealed
        assert seen(chain) == before
    assert not seal.exists()
    with opened(log) as chain:
        assert chain.unsealed
    assert seal.read_bytes() == good
    with opened(log) as chain:
        assert not chain.unsealed


def test_a_seal_that_is_behind_is_made_anew(path):
    seal = beside(path, ".seal")
    with made(path) as chain:
        play(chain, 1)
        behind = seal.read_bytes()
        before = seen(play(chain, 1))
    good = seal.read_bytes()
    seal.write_bytes(behind)
    with opened(path, read_only=True) as chain:
        assert chain.unsealed
    assert seal.read_bytes() == behind
    with opened(path) as chain:
        assert chain.unsealed
        assert seen(chain) == before
    assert seal.read_bytes() == good


def test_a_seal_of_another_history_is_refused(log, path):
    found = Seal.read(beside(log, ".seal").read_bytes())
    beside(log, ".seal").write_bytes(Seal(found.blocks - 1, bytes(32), found.digest).text())
    with pytest.raises(Corrupted, match=r"block 4: .* the block that was sealed, it is another"):
        opened(path)


# --- what somebody writes who knows the format --------------------------------------------------------------------


def rewritten(path, change):
    """The log with other blocks, linked by their hashes, and without a seal."""
    with opened(path, read_only=True) as chain:
        blocks = [chain._log.block(k) for k in range(chain.height + 1)]
    path.unlink()
    beside(path, ".seal").unlink()
    done = []
    for k, block in enumerate(blocks):
        fields = {name: getattr(block, name) for name in ("body", "receipts", "root")} | change(k, block)
        done.append(Block(k, done[-1].hash if done else bytes(32), **fields))
    log = BlockLog.create(path, done[0])
    for block in done[1:]:
        log.append(block)
    log.close()
    beside(path, ".seal").unlink()


def with_item(packed, k, change):
    items = unpack(packed)
    items[k] = change(items[k])
    return pack(items)


FORGED = {
    "nothing": (9, lambda block: {}, None),
    "money at first": (
        0,
        lambda block: {"body": with_item(block.body, 2, lambda rich: rich[1:])},
        "another state root",
    ),
    "rules": (0, lambda block: {"body": with_item(block.body, 1, lambda _: b"PRAGUE")}, "the rules must be CANCUN"),
    "no beginning": (0, lambda block: {"body": b"\x01"}, "must be what was carried out"),
    "a transaction": (3, lambda block: {"body": pack(unpack(block.body)[1:])}, "other receipts"),
    "their order": (2, lambda block: {"body": pack(unpack(block.body)[::-1])}, "other receipts"),
    "a nonce": (3, lambda block: {"body": pack([add(ONE, 0)])}, "the nonce of"),
    "no transactions": (3, lambda block: {"body": b"what?"}, "must be what was carried out"),
    "a list in it": (3, lambda block: {"body": pack([[b"1"]])}, "signed bytes of kind 2"),
    "a receipt": (
        4,
        lambda block: {"receipts": with_item(block.receipts, 0, lambda one: [0, *one[1:]])},
        "other receip",
    ),
    "gas": (
        1,
        lambda block: {"receipts": with_item(block.receipts, 0, lambda one: [1, 5, *one[2:]])},
        "other receipts",
    ),
    "a root": (4, lambda block: {"root": bytes(32)}, "another state root"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_was_not_carried_out_is_refused_even_with_right_hashes(log, kind):
    number, change, told = FORGED[kind]
    rewritten(log, lambda k, block: change(block) if k == number else {})
    if told is None:
        opened(log).close()
        return
    with pytest.raises(Corrupted, match=told) as problem:
        opened(log)
    assert problem.value.block == number
    one_line(problem)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM blocks WHERE number = 2", "never removed"),
        ("DELETE FROM blocks", "never removed"),
        ("UPDATE blocks SET root = hash WHERE number = 1", "never changed"),
        ("UPDATE blocks SET number = number + 1", "never changed"),
        ("INSERT INTO blocks SELECT number + 7, hash, body, receipts, root, hash FROM blocks", "must follow the last"),
        ("INSERT INTO blocks SELECT 5, parent, body, receipts, root, hash FROM blocks", "must follow the last"),
        (
            "INSERT OR REPLACE INTO blocks SELECT 2, hash, body, receipts, root, hash FROM blocks",
            "must follow the last",
        ),
        ("REPLACE INTO blocks SELECT * FROM blocks WHERE number = 4", "must follow the last"),
    ],
)
def test_sqlite_itself_refuses_to_change_blocks(log, statement, told):
    database = sqlite3.connect(log)
    with pytest.raises(sqlite3.IntegrityError, match=told):
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER kept",
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON blocks (root)",
        "DROP TRIGGER following; INSERT INTO blocks SELECT -1, parent, body, receipts, root, hash FROM blocks LIMIT 1",
        "DROP TRIGGER following; INSERT INTO blocks SELECT 9, parent, body, receipts, root, hash FROM blocks LIMIT 1",
        "DROP TRIGGER unchanged; UPDATE blocks SET body = 'text' WHERE number = 2",
        "DROP TRIGGER unchanged; UPDATE blocks SET number = -7 WHERE number = 4",
        "PRAGMA journal_mode = WAL",
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_what_sqlite_can_be_made_to_do_is_found(log, statement, sealed):
    database = sqlite3.connect(log)
    rules = [text for (text,) in database.execute("SELECT sql FROM sqlite_master ORDER BY rowid")]
    database.executescript(statement)
    for rule in rules:
        if rule.split()[2] in statement.partition(";")[0] and ";" in statement:
            database.execute(rule)
    database.close()
    if not sealed:
        beside(log, ".seal").unlink()
    with pytest.raises(LedgerError) as problem:
        opened(log)
    one_line(problem, str(log))
    assert isinstance(problem.value, Corrupted) or not sealed


# --- what is no log -----------------------------------------------------------------------------------------------


def another_database(path):
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE blocks (number)")
    database.close()


def newer(path):
    made(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    beside(path, ".seal").unlink()


NO_LOG = {
    "nothing": (lambda path: None, "there is none"),
    "a folder": (Path.mkdir, "it is a folder or a device"),
    "a pipe": (os.mkfifo, "it is a folder or a device"),
    "text": (lambda path: path.write_text("dear diary"), "it is another file"),
    "an empty file": (Path.touch, "it is another file"),
    "a database": (another_database, "it is another database"),
    "a newer log": (newer, "of format 2, this version of certeq knows 1"),
    "a broken link": (lambda path: path.symlink_to("nowhere"), "there is none"),
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("kind", NO_LOG)
def test_what_is_no_log_is_refused_in_one_line(path, kind, read_only):
    make, told = NO_LOG[kind]
    make(path)
    with pytest.raises(LedgerError, match=told) as problem:
        opened(path, read_only=read_only)
    one_line(problem, str(path))
    assert not isinstance(problem.value, Corrupted)


@pytest.mark.parametrize("name", ["nowhere/log", "x" * 300, "a\0b", "log/in/a/file"])
def test_places_that_cannot_be_are_refused_in_one_line(tmp_path, name):
    (tmp_path / "log").touch()
    for use in (EmbeddedChain.create, opened):
        with pytest.raises(LedgerError) as problem:
            use(f"{tmp_path}/{name}")
        one_line(problem)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, os.mkfifo, lambda path: made(path).close()])
def test_a_log_is_not_made_where_something_is(path, make):
    make(path)
    with pytest.raises(LedgerError, match="there must be nothing where a log is made, there is something") as problem:
        made(path)
    one_line(problem, str(path))


def test_a_log_that_was_removed_is_missed_when_another_is_made(log):
    log.unlink()
    with pytest.raises(LedgerError, match="no seal of a log that is gone") as problem:
        made(log)
    one_line(problem, f"{log}.seal")
    beside(log, ".seal").unlink()
    made(log).close()


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_seal_that_is_no_file_is_refused(log, make, read_only):
    beside(log, ".seal").unlink()
    make(beside(log, ".seal"))
    with pytest.raises(LedgerError, match=r"log.seal: the seal must be a file"):
        opened(log, read_only=read_only)


def test_a_log_has_one_seal_under_all_its_names(log):
    link = log.with_name("link")
    link.symlink_to(log)
    with opened(link) as chain:
        play(chain, 1)
        with pytest.raises(Busy):
            opened(log)
    with opened(log) as chain:
        assert not chain.unsealed


# --- several processes --------------------------------------------------------------------------------------------

HOLDER = """
import sys
from models.ledger import EmbeddedChain
with EmbeddedChain.open(sys.argv[1], read_only=sys.argv[2] == "reads"):
    print("open", flush=True)
    sys.stdin.readline()
"""

REFUSED_HOLDER = """
import sys
from models.ledger import Busy, EmbeddedChain
try:
    EmbeddedChain.open(sys.argv[1], timeout=0.0)
except Busy:
    sys.exit(7)
"""


class Holder:
    """Another process that has the log."""

    def __init__(self, path, how):
        command = [sys.executable, "-c", HOLDER, str(path), how]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"open\n"

    def end(self):
        self.process.communicate(b"\n")
        assert self.process.returncode == 0


def test_another_process_waits_or_is_refused(log):
    before = files(log.parent)
    holder = Holder(log, "writes")
    try:
        for read_only in (False, True):
            with pytest.raises(Busy) as problem:
                opened(log, timeout=0.05, read_only=read_only)
            one_line(problem, str(log), "0.05 s")
        ending = threading.Timer(0.2, holder.end)
        ending.start()
        start = time.monotonic()
        with opened(log, timeout=60.0):
            assert time.monotonic() - start > 0.1
        ending.join()
    finally:
        holder.process.kill()
        holder.process.wait()
    assert files(log.parent) == before


def test_several_may_read_at_once_but_not_write(log):
    holder = Holder(log, "reads")
    try:
        with opened(log, read_only=True) as chain:
            assert chain.height == 5
        with pytest.raises(Busy):
            opened(log)
    finally:
        holder.end()
    with opened(log) as chain:
        play(chain, 1)


def test_a_log_that_another_program_has_locked_can_be_tried_again(log):
    database = sqlite3.connect(log, isolation_level=None)
    with opened(log) as chain:
        before = seen(chain)
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="another program has it"):
            play(chain, 1)
        assert seen(chain) == before
        database.execute("ROLLBACK")
        play(chain, 1)
    database.close()


def test_two_writers_never_mix_even_without_the_lock(log):
    with opened(log) as chain:
        beside(log, ".seal").unlink()  # and with it the lock
        with opened(log) as other:
            after = seen(play(other, 1))
            with pytest.raises(LedgerError, match="a block must follow the last one"):
                chain.send([add(TWO, 4)])
            with pytest.raises(LedgerError, match="the chain must be opened again"):
                chain.send([add(TWO, 4)])
    with opened(log) as chain:
        assert not chain.unsealed
        assert seen(chain) == after


def test_reading_the_file_meanwhile_lets_nobody_in(log):
    with opened(log) as chain:
        log.read_bytes()  # which gives up the locks that SQLite itself has in this process
        beside(log, ".seal").read_bytes()
        with pytest.raises(Busy):
            opened(log)
        assert subprocess.run([sys.executable, "-c", REFUSED_HOLDER, str(log)], check=False).returncode == 7
        play(chain, 1)


def test_killed_at_any_moment_nothing_is_lost_that_was_promised(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("ledger_tally.py")), str(tmp_path / "log"), str(KILLS), "1"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    assert found.returncode == 0, found.stderr
    assert f"'kills': {KILLS}" in found.stdout


# --- writes that end early ----------------------------------------------------------------------------------------


def torn(log, folder):
    """A copy of the log in the middle of a commit: some pages are new, some old, and the journal is there."""
    database = sqlite3.connect(log, isolation_level=None)
    for rule in ("journal_mode = TRUNCATE", "cache_size = 1", "cache_spill = 1"):
        database.execute(f"PRAGMA {rule}")
    database.execute("BEGIN IMMEDIATE")
    database.execute(
        "INSERT INTO blocks SELECT 6, hash, zeroblob(90000), body, root, hash FROM blocks WHERE number = 5"
    )
    for ending in ("", "-journal", ".seal"):
        shutil.copy(beside(log, ending), folder / f"log{ending}")
    database.execute("ROLLBACK")
    database.close()
    assert (folder / "log").read_bytes() != log.read_bytes()
    assert (folder / "log-journal").stat().st_size > 4096
    return folder / "log"


@pytest.fixture
def half(log, tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()
    return torn(log, folder)


def test_a_block_whose_writing_was_cut_off_is_dropped(half, log):
    before = files(half.parent)
    with opened(half, read_only=True) as chain, opened(log) as whole:
        assert chain.dropped
        assert not chain.unsealed
        assert seen(chain) == seen(whole)
    assert files(half.parent) == before
    with opened(half) as chain, opened(log) as whole:
        assert chain.dropped
        assert not chain.unsealed
        assert seen(chain) == seen(whole)
    assert half.read_bytes() == log.read_bytes()
    assert sorted(one.name for one in half.parent.iterdir()) == ["log", "log.seal"]
    with opened(half) as chain:
        assert not chain.dropped


def test_a_block_is_dropped_without_a_seal_too(half):
    beside(half, ".seal").unlink()
    with opened(half) as chain:
        assert chain.dropped
        assert chain.unsealed
        assert chain.height == 5


def test_changes_are_found_below_a_block_that_is_dropped(half):
    data = half.read_bytes()
    half.write_bytes(data[:9000] + bytes([data[9000] ^ 1]) + data[9001:])
    before = files(half.parent)
    with pytest.raises(Corrupted):
        opened(half)
    assert files(half.parent) == before


def test_the_journal_of_another_log_does_no_harm(half, tmp_path):
    log = tmp_path / "other"
    with made(log) as chain:
        play(chain, 9)
    shutil.copy(beside(half, "-journal"), beside(log, "-journal"))
    before = log.read_bytes()
    with pytest.raises(Corrupted, match="the journal beside the log must be of its last write") as problem:
        opened(log)
    one_line(problem, str(log))
    assert log.read_bytes() == before
    beside(log, "-journal").unlink()
    opened(log).close()


@pytest.mark.parametrize("junk", [b"", b"junk", bytes(5000)])
def test_a_journal_that_holds_nothing_is_passed_over(log, junk):
    beside(log, "-journal").write_bytes(junk)
    with opened(log) as chain:
        assert not chain.dropped
        play(chain, 1)


def test_a_full_disk_leaves_the_chain_as_it_was(path):
    with made(path) as chain, made(None) as other:
        before = seen(chain)
        chain._log._database.execute("PRAGMA max_page_count = 1")  # which SQLite raises to what there is
        with pytest.raises(LedgerError, match="the log cannot be written: database or disk is full") as problem:
            chain.send([add(ONE, 0), signed(ONE, 1, None, CODE), signed(ONE, 2, data=bytes(5000))])
        one_line(problem, str(path))
        assert seen(chain) == before == seen(other)
        chain._log._database.execute("PRAGMA max_page_count = 1000")
        before = seen(play(chain, 2))
        assert before == seen(play(other, 2))
    with opened(path) as chain:
        assert not chain.unsealed
        assert seen(chain) == before


@pytest.mark.parametrize("written", [False, True])
def test_after_an_interruption_a_chain_must_be_opened_again(path, monkeypatch, written):
    with made(path) as chain:
        append = chain._log.append

        def interrupted(block):
            if written:
                append(block)
            raise KeyboardInterrupt

        monkeypatch.setattr(chain._log, "append", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chain.send([add(ONE, 0)])
        for use in (lambda: chain.send([add(ONE, 0)]), lambda: chain.call(CONTRACT, [TOTAL])):
            with pytest.raises(LedgerError, match="the chain must be opened again"):
                use()
    with opened(path) as chain:
        assert chain.height == 1 + written
        assert chain.send([add(ONE, 0)])[0].block == 2


def test_a_block_that_is_written_but_not_sealed_is_not_taken_back(path, monkeypatch):
    with made(path) as chain:
        monkeypatch.setattr(Digest, "update", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(
            LedgerError, match=r"Input/output error; .* will be seen when the chain is opened"
        ) as problem:
            chain.send([add(ONE, 0)])
        one_line(problem, str(path))
        with pytest.raises(LedgerError, match="the chain must be opened again"):
            chain.send([add(ONE, 0)])
        monkeypatch.undo()
    with opened(path) as chain:
        assert chain.unsealed
        assert chain.send([add(ONE, 0)])[0].block == 2


def test_the_digest_follows_every_change_of_a_long_log(path):
    with made(path) as chain:
        for k in range(1, 40):
            chain.send([signed(ONE, k - 1, data=ADD + word(1) + bytes(40 * k * k))])
            assert chain._log._digest.value == Digest(path).value
            assert Seal.read(beside(path, ".seal").read_bytes()).digest == Digest(path).value
    assert path.stat().st_size > 500_000
    with opened(path) as chain:
        assert not chain.unsealed
