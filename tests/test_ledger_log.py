"""A ledger in a file: what was recorded is there again, once, whatever happens to the file or to who writes it.

`CERTEQ_THOROUGH=1` kills writers 200 times and changes 2,000 bytes. The tests that end processes run this very file in
a process of its own, which makes and ends others.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ledger_chains import CHAIN, keys_of_tests
from ledger_pages import page

from models.ledger import Account, Busy, Corrupted, EmbeddedChain, Ledger, LedgerError, Reverted, Transaction, made_by
from models.ledger._contract import encoded
from models.ledger._log import Block, BlockLog
from models.ledger._seal import Digest, SealFile
from models.reputation import ReputationState

THOROUGH = os.environ.get("CERTEQ_THOROUGH") == "1"
KILLS, CHANGES = (200, 2_000) if THOROUGH else (8, 150)
KEYS = keys_of_tests()
NAMES = [f"user {i}" for i in range(12)]
MONEY = {KEYS.root.address: 10**24}
ADDRESS = made_by(KEYS.provider.address)
PEOPLE = [KEYS.root, KEYS.provider, KEYS.miner(), *map(KEYS.user, range(len(NAMES)))]
STRANGER = Account((10**9).to_bytes(32))
ROUNDS = 3  # in the log that most tests take a copy of
FEW, MANY = ROUNDS + 3, 25  # rounds that are written at most, by all but writers that are killed, and by these
RENEWED = 10  # kills after which a new log is begun, since opening takes the longer, the longer a log is
PAGE = 4096  # bytes of SQLite's
ABOVE = 2**30  # bytes, more than any file here has

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are made by fork here")


def opened(path, **options):
    return EmbeddedChain.open(path, **{"timeout": 0.0} | options)


def beside(path, ending):
    return path.with_name(path.name + ending)


def begun(path):
    """A chain, from its file if there is one, and the ledger on it."""
    if path is None or not path.exists():
        chain = EmbeddedChain.create(path, chain_id=CHAIN, funded=MONEY)
    else:
        chain = opened(path, timeout=60.0)
    return chain, Ledger.start(chain, KEYS, NAMES)


def made_page(k):
    """The k-th page; in each third round some make up records."""
    one = page(k)
    return page(k, attempts=one.records[:2]) if k % 3 == 0 else one


def write(ledger, rounds):
    """Write the pages up to that round which are not there yet."""
    status = ledger.status()
    for k in range(status.round + (status.phase == 0), rounds + 1):
        ledger.write(made_page(k))


@cache
def undisturbed(rounds):
    """The hashes of all blocks of a ledger to which nothing happened, and how high it was after each round."""
    chain, ledger = begun(None)
    with chain:
        heights = []
        for k in range(rounds + 1):
            write(ledger, k)
            heights.append(chain.height)
        return list(chain._log._hashes), heights


def untouched(chain, rounds=None):
    """Whether all blocks are those of a ledger to which nothing happened, with that many rounds, none of it in part."""
    hashes, _ = undisturbed(FEW if rounds is not None and rounds <= FEW else MANY)
    if not chain.contracts():
        return chain.last_hash == hashes[chain.height] and not rounds
    status = Ledger(chain, ADDRESS).status()
    return chain.last_hash == hashes[chain.height] and status.phase == 0 and rounds in (None, status.round)


def whole(chain, rounds):
    """Whether that many rounds are there, and nothing of the next."""
    _, heights = undisturbed(FEW if rounds <= FEW else MANY)
    return untouched(chain, rounds) and chain.height == heights[rounds]


def seen(chain):
    """All that can be seen of a chain and the ledger on it."""
    ledger = Ledger(chain, ADDRESS)
    addresses = [*(one.address for one in PEOPLE), ADDRESS, STRANGER.address]
    states = [ledger.reputations(k) for k in range(ledger.status().round + 1)]
    return {
        "chain": (chain.chain_id, chain.height, chain.last_hash, chain.state_root, chain.contracts()),
        "accounts": (chain.nonces(addresses), chain.balances(addresses)),
        "logs": list(chain.logs(ADDRESS)),
        "ledger": (ledger.status(), ledger.root(), ledger.coalition_chain(), ledger.escrow(), ledger.credits()),
        "reputations": [(one.heads, one.direct.tobytes()) for one in states],
        "totals": ledger.totals().tobytes(),
    }


def files(folder):
    """What would show that somebody has written there."""
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


class Watched:
    """A chain that does something before each `send`, which can change the transactions, and notes what came of it."""

    def __init__(self, chain, before=lambda chain, raws: raws):
        self._chain, self._before = chain, before
        self.sent = []

    def __getattr__(self, name):
        return getattr(self._chain, name)

    def send(self, raws):
        receipts = self._chain.send(self._before(self._chain, raws))
        self.sent += zip(raws, receipts, strict=True)
        return receipts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A log of a few rounds, which no test changes, what can be seen of it, and what was sent."""
    path = tmp_path_factory.mktemp("kept") / "log"
    chain, ledger = begun(path)
    with chain:
        ledger.chain = Watched(chain)
        write(ledger, ROUNDS)
        return path, seen(chain), ledger.chain.sent


@pytest.fixture
def log(kept, path):
    """A copy of it."""
    for ending in ("", ".seal"):
        shutil.copy(beside(kept[0], ending), beside(path, ending))
    return path


def refusal(path, **options):
    """What opening a log ends in, None if it opens; anything but one line of the project's own is an error here."""
    problem = None
    try:
        opened(path, **options).close()
    except LedgerError as found:
        problem = found
    assert problem is None or ("\n" not in str(problem) and str(path) in str(problem))
    return problem


# --- opening again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_is_the_same_when_it_is_opened_again(log, kept, read_only):
    _, before, sent = kept
    written = files(log.parent)
    assert sorted(written) == ["log", "log.seal"]
    with opened(log, read_only=read_only) as chain:
        assert seen(chain) == before
        assert chain.send([raw for raw, _ in sent]) == [receipt for _, receipt in sent]
        assert sum(not receipt.succeeded for _, receipt in sent) == 2
        assert seen(chain) == before
        assert not chain.dropped
        assert not chain.unsealed
    assert files(log.parent) == written


def test_in_memory_and_in_a_file_all_hashes_are_the_same(kept):
    with opened(kept[0], read_only=True) as chain:
        assert whole(chain, ROUNDS)


def test_a_ledger_goes_on_where_it_ended(log):
    for k in range(ROUNDS + 1, ROUNDS + 4):
        chain, ledger = begun(log)
        with chain:
            write(ledger, k)
            assert whole(chain, k)
    with opened(log) as chain:
        state = ReputationState.start(len(NAMES))
        for k in range(1, ROUNDS + 4):
            state = state.update(page(k).records)
        ledger = Ledger(chain, ADDRESS)
        assert np.abs(ledger.totals() - state.total).max() <= 1e-12
        assert [check.name for check in ledger.history.checks() if not check.holds] == []


def refused_question(chain, raws):
    if chain.contracts():
        with pytest.raises(Reverted, match="not the provider"):
            chain.call(ADDRESS, [encoded("root"), encoded("close", 1, 0, 0)])


def refused_send(chain, raws):
    """Everything, with one that is not valid behind it, as it comes from who has sent nothing."""
    wrong = Transaction(CHAIN, 1, ADDRESS, gas=10**6).signed(Account((10**9 + 1).to_bytes(32)))
    with pytest.raises(LedgerError, match="nonce"):
        chain.send([*raws, wrong])
    wrong = Transaction(CHAIN, 0, ADDRESS, value=1, gas=10**6).signed(Account((10**9 + 1).to_bytes(32)))
    with pytest.raises(LedgerError, match="wei that it sends"):
        chain.send([*raws, wrong])


def failing_write(chain, raws):
    def full(block):
        raise LedgerError("the disk is full")

    append, chain._log.append = chain._log.append, full
    with pytest.raises(LedgerError, match="the disk is full"):
        chain.send(raws)
    chain._log.append = append


NOBODY = ["0x" + "ab" * 20, "0x" + "cd" * 20]  # who send nothing and are sent nothing
EVERYBODY = [*(one.address for one in PEOPLE), ADDRESS, STRANGER.address, *NOBODY]
DISTURBANCES = {
    "balances": lambda chain, raws: chain.balances(EVERYBODY),
    "nonces": lambda chain, raws: chain.nonces(EVERYBODY),
    "logs": lambda chain, raws: list(chain.logs(ADDRESS)),
    "questions": lambda chain, raws: chain.call(ADDRESS, [encoded("credit", one.address) for one in PEOPLE]),
    "questions to others": lambda chain, raws: [chain.call(one, [b""]) for one in (KEYS.user(0).address, *NOBODY)],
    "refused questions": refused_question,
    "refused transactions": refused_send,
    "failing writes": failing_write,
}


LOOK = bytes.fromhex("5f35315f5260205ff3")  # a contract that tells what the account in its data holds
LOOKING = b"\x68" + LOOK + bytes.fromhex("5f5260096017f3")  # and what makes it


def story(path, kind=None):
    """All that can be seen of a chain on which pages were written, money withdrawn, and accounts looked at."""
    chosen = list(DISTURBANCES.values()) if kind == "all" else [DISTURBANCES[kind]] if kind else []

    def disturb(chain, raws):
        for one in chosen:
            one(chain, raws)
        return raws

    with EmbeddedChain.create(path, chain_id=CHAIN, funded=MONEY) as chain:
        ledger = Ledger.start(Watched(chain, disturb), KEYS, NAMES)
        write(ledger, 2)
        assert untouched(chain, 2)
        assert sum(ledger.withdraw(user) > 0 for user in range(len(NAMES))) > 3
        (made,) = ledger.chain.send([Transaction(CHAIN, 0, None, LOOKING).signed(STRANGER)])
        for one in EVERYBODY:
            data = bytes(12) + bytes.fromhex(one[2:])
            nonce = chain.nonces([STRANGER.address])[0]
            raws = [Transaction(CHAIN, nonce + k, made.contract, data, gas=10**6).signed(STRANGER) for k in range(2)]
            assert [one.succeeded for one in ledger.chain.send(raws)] == [True, True]
        return seen(chain)


@pytest.fixture(scope="module")
def quiet():
    return story(None)


@pytest.mark.parametrize("kind", [*DISTURBANCES, "all"])
def test_what_is_asked_or_refused_leaves_no_trace(path, quiet, kind):
    """Not even in the gas, which comes out less where something was used before."""
    found = story(path, kind)
    assert found == quiet
    with opened(path) as chain:
        assert seen(chain) == found


# --- what is not valid --------------------------------------------------------------------------------------------


def call(nonce=1, **changed):
    """A call of the contract, by a stranger, who has sent one before."""
    return Transaction(**{"chain_id": CHAIN, "to": ADDRESS, "gas": 10**6} | changed, nonce=nonce).signed(STRANGER)


def flipped(data, k):
    return data[:k] + bytes([data[k] ^ 1]) + data[k + 1 :]


INVALID = {
    "another chain": (call(chain_id=CHAIN + 1), "must be for the chain 1337, got 1338"),
    "a nonce that was used": (call(0, value=1), "must be 1, got 0"),
    "a nonce too high": (call(2), "must be 1, got 2"),
    "too much money": (call(value=1), "must have the 1 wei that it sends, it has 0"),
    "too much gas": (call(gas=10**9 + 1), "at most 1,000,000,000 gas, got 1,000,000,001"),
    "too little gas": (call(gas=20_999), "must be one that can be carried out"),
    "a signature of nobody": (call()[:-64] + bytes(64), "must be signed bytes of kind 2"),
    "a signature of somebody else": (flipped(call(), len(call()) - 1), "must be 0, got 1"),
    "no signature": (call()[:-67], "must be signed bytes of kind 2"),
    "another kind": (b"\1" + call()[1:], "must be signed bytes of kind 2"),
    "more behind it": (call() + b"\0", "must be signed bytes of kind 2"),
    "junk": (b"\2" + bytes(range(200)), "must be signed bytes of kind 2"),
    "nothing": (b"", "must be signed bytes of kind 2"),
}


@pytest.mark.parametrize("kind", INVALID)
def test_one_that_is_not_valid_keeps_a_whole_page_out(log, kind):
    raw, told = INVALID[kind]
    chain, ledger = begun(log)
    with chain:
        chain.send([call(0)])
        before = seen(chain)
        ledger.chain = Watched(chain, lambda chain, raws: [*raws, raw])
        with pytest.raises(LedgerError) as problem:
            ledger.write(page(ROUNDS + 1))
        assert told in str(problem.value)
        assert "\n" not in str(problem.value)
        assert seen(chain) == before
        ledger.chain = chain
        ledger.write(page(ROUNDS + 1))
        after = seen(chain)
    with opened(log) as chain:
        assert seen(chain) == after


def test_no_byte_of_a_transaction_can_be_changed_in_the_name_of_its_sender(kept):
    raw = max((raw for raw, _ in kept[2]), key=len)
    rng = random.Random(1)
    places = {*range(60), *range(len(raw) - 70, len(raw)), *rng.sample(range(len(raw)), 40)}
    with opened(kept[0], read_only=True) as chain:
        nonces, carried = chain.nonces(EVERYBODY), Counter()
        append, found = chain._log.append, []
        chain._log.append = lambda block: found.append(block) or refuse()

        def refuse():
            raise LedgerError("not kept")

        for k in sorted(places):
            changed = raw[:k] + bytes([raw[k] ^ rng.randrange(1, 256)]) + raw[k + 1 :]
            with pytest.raises(LedgerError) as problem:
                chain.send([changed])
            carried[str(problem.value) == "not kept"] += 1
            assert "\n" not in str(problem.value)
        chain._log.append = append
        assert chain.nonces(EVERYBODY) == nonces
        assert carried[True] == len(found)
        assert whole(chain, ROUNDS)


# --- changed files ------------------------------------------------------------------------------------------------


def places(data, count):
    """Where bytes are changed: in SQLite's header, in free space, and everywhere."""
    rng = random.Random(20261122)
    free = [k for k in range(0, len(data) - 64, 32) if data[k : k + 64] == bytes(64)]
    found = rng.sample(range(100), min(100, count // 5))
    found += [rng.choice(free) + rng.randrange(64) for _ in range(count // 5)]
    return found + [rng.randrange(len(data)) for _ in range(count - len(found))]


def changed_bytes(data, count):
    rng = random.Random(7)
    for k in places(data, count):
        yield k, data[:k] + bytes([data[k] ^ rng.randrange(1, 256)]) + data[k + 1 :]


def test_every_byte_of_a_log_that_is_changed_is_noticed(log):
    missed = []
    for k, data in changed_bytes(log.read_bytes(), CHANGES):
        log.write_bytes(data)
        before = files(log.parent)
        if not isinstance(refusal(log, read_only=bool(k % 2)), Corrupted):
            missed.append(k)
        assert files(log.parent) == before
    assert missed == []


def test_without_a_seal_a_changed_byte_changes_no_history(log, kept):
    beside(log, ".seal").unlink()
    opening = Counter()
    for _, data in changed_bytes(log.read_bytes(), CHANGES // 3):
        log.write_bytes(data)
        if refusal(log, read_only=True) is None:
            opening[True] += 1
            with opened(log, read_only=True) as chain:
                assert chain.unsealed
                assert chain.last_hash == kept[1]["chain"][2]
        else:
            opening[False] += 1
    assert opening[False] > opening[True] > 0


@pytest.mark.parametrize("sealed", [True, False])
def test_the_block_is_named_in_which_a_byte_is_changed(log, sealed):
    good, rng = log.read_bytes(), random.Random(3)
    with closing(sqlite3.connect(log)) as database:
        blocks = {number: parts for number, *parts in database.execute("SELECT * FROM blocks ORDER BY number")}
    *_, last = blocks
    if not sealed:
        beside(log, ".seal").unlink()
    for number, parts in blocks.items():
        _, body, receipts, root, hashed = parts  # a hash is in the next block too, as its parent
        for part in (body, receipts, root, hashed) if number == last else (body, receipts, root)[:: 1 if number else 2]:
            k = place(good, part, rng)
            log.write_bytes(flipped(good, k))
            found = refusal(log, read_only=True)
            assert isinstance(found, Corrupted)
            assert found.block == number
            assert str(found).startswith(f"block {number}: ")


def place(data, part, rng):
    """Where in the file some byte of this part of a block is: one before or after which there is nothing like it."""
    for _ in range(100):
        at = rng.randrange(max(1, len(part) - 16))
        if data.count(part[at : at + 16]) == 1:
            return data.index(part[at : at + 16]) + rng.randrange(len(part[at : at + 16]))
    raise AssertionError("nothing in it is there once")


@contextmanager
def changing(path):
    """The log's database, without the rules by which SQLite itself refuses changes; they are put back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        rules = list(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid"))
        for name, _ in rules:
            database.execute(f"DROP TRIGGER {name}")
        yield database
        for _, rule in rules:
            database.execute(rule)


def test_a_block_that_follows_another_is_refused_even_with_the_right_hash(log):
    beside(log, ".seal").unlink()
    with changing(log) as database:
        query = "SELECT number, body, receipts, root FROM blocks ORDER BY number DESC LIMIT 1"
        number, *parts = database.execute(query).fetchone()
        other = Block(number, bytes(32), *parts)
        database.execute("UPDATE blocks SET parent = ?, hash = ? WHERE number = ?", (other.parent, other.hash, number))
    found = refusal(log)
    assert isinstance(found, Corrupted)
    assert found.block == number
    assert "its parent must be the block before it" in str(found)


def test_every_byte_of_a_seal_that_is_changed_is_noticed(log):
    seal = beside(log, ".seal")
    good = seal.read_bytes()
    for k in range(len(good)):
        seal.write_bytes(flipped(good, k))
        assert isinstance(refusal(log), Corrupted)
        assert seal.read_bytes() == flipped(good, k)


def test_without_its_seal_a_log_opens_and_says_so(log, kept):
    seal = beside(log, ".seal")
    good = seal.read_bytes()
    seal.unlink()
    for read_only in (True, False):
        with opened(log, read_only=read_only) as chain:
            assert chain.unsealed
            assert seen(chain) == kept[1]
        assert seal.exists() is not read_only
    assert seal.read_bytes() == good
    with opened(log) as chain:
        assert not chain.unsealed


def test_the_seal_of_another_ledger_is_refused(log, tmp_path):
    other = tmp_path / "other"
    with EmbeddedChain.create(other, chain_id=CHAIN, funded=MONEY) as chain:
        Ledger.start(chain, KEYS.named("other"), NAMES)
        again = [encoded("status")] * 2
        for k in range(3):
            chain.send([Transaction(CHAIN, k, ADDRESS, again[0], gas=10**6).signed(STRANGER)])
    good = beside(log, ".seal").read_bytes()
    for rounds in range(ROUNDS + 1):
        seal = beside(tmp_path / f"{rounds}", ".seal")
        chain, ledger = begun(tmp_path / f"{rounds}")
        with chain:
            write(ledger, rounds)
        text = seal.read_bytes()
        beside(log, ".seal").write_bytes(text)
        assert (refusal(log, read_only=True) is None) == (rounds < ROUNDS or text == good)  # an earlier one of its own
    beside(log, ".seal").write_bytes(beside(other, ".seal").read_bytes())
    found = refusal(log)
    assert isinstance(found, Corrupted)
    assert found.block == chain_height(other)


def chain_height(path):
    with opened(path, read_only=True) as chain:
        return chain.height


def test_blocks_that_are_cut_off_are_missed(log, kept):
    height = kept[1]["chain"][1]
    with changing(log) as database:
        database.execute("DELETE FROM blocks WHERE number >= ?", (height - 1,))
    found = refusal(log)
    assert isinstance(found, Corrupted)
    assert found.block == height - 1
    assert f"with {height + 1} blocks in all; the log was cut off" in str(found)


def test_a_block_that_was_taken_out_is_missed(log):
    beside(log, ".seal").unlink()
    with changing(log) as database:
        database.execute("DELETE FROM blocks WHERE number = 3")
    found = refusal(log)
    assert isinstance(found, Corrupted)
    assert found.block == 3


def test_an_earlier_copy_of_the_log_is_not_the_log(log, kept):
    chain, ledger = begun(log)
    with chain:
        write(ledger, ROUNDS + 2)
    shutil.copy(kept[0], log)
    found = refusal(log)
    assert isinstance(found, Corrupted)
    assert found.block == kept[1]["chain"][1] + 1


@pytest.mark.parametrize("junk", [b"\0", b"junk" * 300, bytes(PAGE), b"\xff" * 2 * PAGE])
def test_what_is_added_to_a_log_is_noticed(log, junk):
    with log.open("ab") as file:
        file.write(junk)
    assert isinstance(refusal(log), Corrupted)
    beside(log, ".seal").unlink()
    assert isinstance(refusal(log), Corrupted)


def test_who_may_not_write_can_read(log, kept):
    before = files(log.parent)
    log.parent.chmod(0o555)
    try:
        with opened(log, read_only=True) as chain:
            assert seen(chain) == kept[1]
            with pytest.raises(LedgerError, match="for reading only"):
                Ledger(chain, ADDRESS, KEYS).write(page(ROUNDS + 1))
            assert seen(chain) == kept[1]
        if not os.access(log.parent, os.W_OK):  # root may write all the same
            with pytest.raises(LedgerError, match="this can only be read"):
                opened(log)
    finally:
        log.parent.chmod(0o755)
    assert files(log.parent) == before


def other_database(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE games (body BLOB)")


NO_LOG = {
    "nothing": (lambda path: None, "there is none"),
    "a folder": (Path.mkdir, "it is a folder or a device"),
    "a text": (lambda path: path.write_text("round,user\n1,2\n"), "it is another file"),
    "nothing in it": (Path.touch, "it is another file"),
    "another database": (other_database, "it is another database"),
}


@pytest.mark.parametrize("kind", NO_LOG)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_log_is_left_as_it_is(path, kind, read_only):
    make, told = NO_LOG[kind]
    make(path)
    before = files(path) if path.is_dir() else path.read_bytes() if path.exists() else None
    found = refusal(path, read_only=read_only)
    assert told in str(found)
    assert not isinstance(found, Corrupted)
    assert (files(path) if path.is_dir() else path.read_bytes() if path.exists() else None) == before


# --- writes that fail ---------------------------------------------------------------------------------------------


def raising(problem):
    def fail(*_):
        raise problem

    return fail


def failing_append(monkeypatch):
    monkeypatch.setattr(BlockLog, "append", raising(LedgerError("the disk is full")))


def failing_seal(monkeypatch):
    monkeypatch.setattr(SealFile, "write", raising(LedgerError("the disk is full")))


def failing_digest(monkeypatch):
    monkeypatch.setattr(Digest, "update", raising(OSError(28, "the disk is full")))


def failing_commit(monkeypatch):
    """Another program is in the middle of reading, so that SQLite cannot commit."""
    monkeypatch.setattr("models.ledger._log._changed", raising(sqlite3.OperationalError("the disk is full")))


def interrupted(monkeypatch):
    monkeypatch.setattr(Digest, "update", raising(KeyboardInterrupt("the disk is full")))


@pytest.mark.parametrize("fail", [failing_append, failing_seal, failing_digest, failing_commit, interrupted])
def test_a_write_that_fails_leaves_a_chain_that_is_not_ahead_of_its_log(log, monkeypatch, fail):
    chain, ledger = begun(log)
    with chain:
        before = seen(chain)
        with monkeypatch.context() as patch:
            fail(patch)
            with pytest.raises((LedgerError, KeyboardInterrupt), match="the disk is full"):
                ledger.write(made_page(ROUNDS + 1))
        usable = False
        with suppress(LedgerError):
            usable = seen(chain) == before
        assert usable is (fail in (failing_append, failing_commit))
        if usable:
            write(ledger, ROUNDS + 2)
            assert whole(chain, ROUNDS + 2)
    chain, ledger = begun(log)
    with chain:
        assert whole(chain, ledger.status().round)
        ledger.write(made_page(ROUNDS + 1))
        write(ledger, ROUNDS + 2)
        assert whole(chain, ROUNDS + 2)


def test_a_commit_that_waits_for_a_reader_can_be_made_again(log):
    with closing(sqlite3.connect(log, isolation_level=None)) as reader:
        chain, ledger = begun(log)
        with chain:
            chain._log._database.execute("PRAGMA busy_timeout = 0")
            before = seen(chain)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM blocks").fetchone()
            with pytest.raises(Busy):
                ledger.write(made_page(ROUNDS + 1))
            assert seen(chain) == before
            reader.execute("ROLLBACK")
            ledger.write(made_page(ROUNDS + 1))
            assert whole(chain, ROUNDS + 1)


def test_what_is_written_is_synced_before_it_counts(path):
    """No test here can cut the power: SQLite's own promise is taken for it."""
    with begun(path)[0] as chain:
        for rule, value in (("synchronous", 2), ("journal_mode", b"truncate")):
            assert chain._log._database.execute(f"PRAGMA {rule}").fetchone() == (value,)


def test_files_that_are_copied_in_the_middle_of_a_write_lose_only_that(log, kept, tmp_path):
    """The journal is not synced yet, so that SQLite has nothing to undo."""
    copies = tmp_path / "copies"
    copies.mkdir()
    chain, ledger = begun(log)
    with chain:
        with closing(sqlite3.connect(log, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode = TRUNCATE")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute(
                "INSERT INTO blocks SELECT number + 1, hash, zeroblob(70000), body, root, hash FROM blocks"
                " ORDER BY number DESC LIMIT 1"
            )
            for ending in ("", "-journal", ".seal"):
                shutil.copy(beside(log, ending), beside(copies / "log", ending))
            writer.execute("ROLLBACK")
        write(ledger, ROUNDS + 1)
    assert beside(copies / "log", "-journal").stat().st_size > 0
    for read_only in (True, False):
        with opened(copies / "log", read_only=read_only) as chain:
            assert (chain.dropped, chain.unsealed) == (False, False)
            assert seen(chain) == kept[1]


# --- processes ----------------------------------------------------------------------------------------------------


def apart(what, path, *numbers):
    """What a function of this file, further down, tells, in a process of its own."""
    command = [sys.executable, __file__, what, str(path), *map(str, numbers)]
    root = Path(__file__).parent.parent
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths}, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@needs_fork
def test_a_writer_that_is_killed_loses_nothing_it_has_told_of(tmp_path):
    found = apart("killing", tmp_path, KILLS, 5)
    print(found)
    assert found["kills"] == KILLS


@needs_fork
def test_a_writer_that_is_killed_inside_a_commit_loses_that_page_only(log):
    found = apart("cutting", log)
    assert found["cut"] > 6
    assert found["torn"] > 2
    assert found["written"] == 1


@needs_fork
def test_a_disk_that_is_full_keeps_pages_out_until_there_is_room(log):
    found = apart("filling", log)
    assert found["full"] > 6
    assert found["went on"] == found["full"]


@needs_fork
def test_writers_of_the_same_pages_wait_for_each_other(tmp_path):
    assert apart("together", tmp_path / "log", 3, 4) == {"rounds": 4}


def forked(body):
    """A new process, which ends when `body` does."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = body() or 0
        finally:
            os._exit(code)
    return child


def ended(child):
    return os.waitpid(child, 0)[1]


def killing(folder, kills, seed):
    """Kill who writes pages, some while it makes the log; what it told of must be there, once."""
    rng, found, pace = random.Random(seed), Counter(), [0.1]
    undisturbed(MANY)
    for k in range(kills):
        if k % RENEWED == 0:
            path, there = folder / f"{k}", -1
        told = killed(path, rng.randrange(5), rng.uniform(0, 1.3), pace)
        found["kills"] += 1
        if not path.exists():
            assert told == there == -1
            continue
        with opened(path) as chain:
            assert untouched(chain)
            found["dropped"] += chain.dropped
            found["unsealed"] += chain.unsealed
            rounds = Ledger(chain, ADDRESS).status().round if chain.contracts() else 0
            assert max(told, there) <= rounds <= max(told, there, 0) + 1
            found["pages"] += rounds - max(0, there)
            found["more than told"] += rounds > max(told, there, 0)
            there = rounds
        with opened(path) as chain:
            assert (chain.dropped, chain.unsealed) == (False, False)
    chain, ledger = begun(path)
    with chain:
        write(ledger, ledger.status().round + 1)
        assert untouched(chain)
        assert all(check.holds for check in ledger.history.checks())
    return found


def killed(path, words, part, pace):
    """The last round that a process told of, -1 for none, which was killed after so many words, in part of the next."""
    reading, writing = os.pipe()

    def body():
        os.close(reading)
        _, ledger = begun(path)
        for k in range(ledger.status().round, MANY):
            write(ledger, k)
            os.write(writing, k.to_bytes(8))

    child = forked(body)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        start = time.monotonic()
        heard = pipe.read(8 * words)
        pace[0] = (time.monotonic() - start) / words if words else pace[0]
        time.sleep(part * pace[0])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        heard += pipe.read()
        return int.from_bytes(heard[-8:]) if heard else -1


def limits(log):
    """Sizes at which a write of the next page ends in the journal, or at a page of the log."""
    start = log.stat().st_size
    return [100, 600, 3_000, 6_000, *range(start, start + 40 * PAGE, PAGE)]


def fresh(log):
    """A copy of the log, in a folder of its own."""
    folder = log.parent / "fresh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for ending in ("", ".seal"):
        shutil.copy(beside(log, ending), beside(folder / "log", ending))
    return folder / "log"


def cutting(log):
    """Kill who writes at each page of a commit, by a limit to the size of files."""
    import resource

    found = Counter()
    for limit in limits(log):
        path = fresh(log)

        def body(path=path, limit=limit):
            _, ledger = begun(path)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, ABOVE))
            ledger.write(made_page(ROUNDS + 1))

        status = ended(forked(body))
        cut = os.WIFSIGNALED(status)
        assert cut or status == 0
        found["cut" if cut else "written"] += 1
        left, told = path.read_bytes(), []
        journal = beside(path, "-journal").read_bytes()
        for read_only in (True, False):
            with opened(path, read_only=read_only) as chain:
                assert untouched(chain, ROUNDS + (not cut))
                assert not chain.unsealed
                told.append(chain.dropped)
        torn = path.read_bytes() != left
        assert told in ([[True] * 2] if torn else [[False] * 2, [cut] * 2])
        found["torn"] += torn
        chain, ledger = begun(path)
        with chain:
            ledger.write(made_page(ROUNDS + 1))
            assert whole(chain, ROUNDS + 1)
        if not cut:
            return found
        if torn:  # what was undone once is not undone again
            beside(path, "-journal").write_bytes(journal)
            later = files(path.parent)
            assert all(isinstance(refusal(path, read_only=read_only), Corrupted) for read_only in (True, False))
            assert files(path.parent) == later
    raise AssertionError(found)


def filling(log):
    """Let writing fail at each page of a commit, by a limit to the size of files, and lift it."""
    import resource

    found = Counter()
    for limit in limits(log):
        path, failed = fresh(log), False
        chain, ledger = begun(path)
        with chain:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, ABOVE))
            try:
                ledger.write(made_page(ROUNDS + 1))
            except LedgerError:
                failed = True
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (ABOVE, ABOVE))
            if failed:
                found["full"] += 1
                with suppress(LedgerError):  # that it must be opened again
                    assert untouched(chain, ROUNDS)
                    write(ledger, ROUNDS + 1)
                    found["went on"] += 1
            else:
                assert whole(chain, ROUNDS + 1)
        chain, ledger = begun(path)
        with chain:
            assert not chain.dropped
            write(ledger, ROUNDS + 1)
            assert whole(chain, ROUNDS + 1)
        if not failed:
            return found
    raise AssertionError(found)


def together(path, writers, rounds):
    """Let several processes write the same pages, each opening the log anew for each page."""
    begun(path)[0].close()

    def body():
        for k in range(1, rounds + 1):
            chain, ledger = begun(path)
            with chain:
                ledger.write(made_page(k))

    children = [forked(body) for _ in range(writers)]
    assert [ended(child) for child in children] == [0] * writers
    with opened(path) as chain:
        assert whole(chain, rounds)
    return {"rounds": rounds}


if __name__ == "__main__":
    what, place, *numbers = sys.argv[1:]
    told = {"killing": killing, "cutting": cutting, "filling": filling, "together": together}
    print(json.dumps(told[what](Path(place), *map(int, numbers))))
