import json
import math
import random
import re
import sys
from fractions import Fraction
from functools import partial
from importlib import resources

import mpmath
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ledger_oracle import CLOSED, FORMED, LIMIT, NOBODY, RECRUITED, Oracle, Refused
from ledger_vm import MINER, OUT, PROVIDER, STRANGER, WAD, Machine, address, slots

from models.ledger import _compile
from models.ledger._contract import REASONS, constructor, decayed, encoded, from_fixed, to_fixed
from models.ledger._errors import LedgerError, Reverted
from models.reputation import Record, ReputationState

TERMS = (WAD // 2, WAD, 10 * WAD, bytes(32), 10)
ENTRY = (2, 0, WAD)


def stage(phase=CLOSED, value=0, **options):
    """Three users; in round 1, users 0 and 1 lead, and user 2 is in the coalition of user 0."""
    machine = Machine(**options)
    machine.send(PROVIDER, "enroll", [address(i) for i in range(3)], ["Ann", "Ben", "Cem"])
    machine.send(PROVIDER, "appoint", MINER)
    if phase >= RECRUITED:
        machine.send(PROVIDER, "recruit", 1, [0, 1], *TERMS, value=value)
    if phase >= FORMED:
        machine.send(MINER, "form", 1, [WAD, 2 * WAD], slots(0, 1, 0))
    return machine


def fill(machine, users):
    for start in range(0, users, 128):
        some = range(start, min(users, start + 128))
        machine.send(PROVIDER, "enroll", [address(i) for i in some], [""] * len(some))


# --- the source


def test_compiling_again_gives_the_same():
    kept = json.loads(resources.files("models.ledger").joinpath("contract.json").read_text("utf-8"))
    assert _compile.compiled() == kept


def test_compiling_writes_the_whole_file(monkeypatch, tmp_path):
    monkeypatch.setattr(_compile, "RESULT", tmp_path / "contract.json")
    monkeypatch.setattr(_compile, "compiled", lambda: {"abi": []})
    assert _compile.main() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["contract.json"]
    assert json.loads((tmp_path / "contract.json").read_text()) == {"abi": []}


def test_without_vyper_one_clear_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "vyper", None)
    assert _compile.main() == 2
    assert capsys.readouterr().err == "error: compiling the contract needs Vyper: install vyper==0.4.3\n"


def test_another_vyper_is_refused(monkeypatch):
    monkeypatch.setattr("vyper.__version__", "0.4.4")
    with pytest.raises(LedgerError, match=r"by Vyper 0\.4\.3, got 0\.4\.4$"):
        _compile.compiled()


def test_the_code_fits_on_any_chain():
    machine = Machine()
    assert len(machine.evm.get_code(machine.contract)) < 24_576


def test_reasons_are_those_of_the_source():
    source = _compile.SOURCE.read_text("utf-8")
    assert set(re.findall(r'^ *assert .*, "([^"]+)"$', source, re.MULTILINE)) == REASONS
    assert not re.findall(r'^ *assert .*[^"\n]$', source, re.MULTILINE)


# --- refusals

REFUSALS = [
    ("not the provider", CLOSED, STRANGER, "enroll", [address(3)], ["Dan"]),
    ("not the provider", CLOSED, MINER, "appoint", STRANGER),
    ("not the provider", CLOSED, MINER, "dismiss", MINER),
    ("not the provider", CLOSED, MINER, "recruit", 1, [0], *TERMS),
    ("not the provider", FORMED, address(0), "pay", 1, []),
    ("not the provider", FORMED, address(0), "close", 1, 0, 0),
    ("not the provider", CLOSED, address(0), "reclaim", 0),
    ("not a miner", RECRUITED, PROVIDER, "form", 1, [WAD, WAD], slots(0, 1, 0)),
    ("not a miner", RECRUITED, PROVIDER, "reject", 1, [bytes(32)]),
    ("not a miner", CLOSED, PROVIDER, "dismiss", STRANGER),
    ("zero account", CLOSED, PROVIDER, "appoint", NOBODY),
    ("zero account", CLOSED, PROVIDER, "enroll", [NOBODY], [""]),
    ("enrolled twice", CLOSED, PROVIDER, "enroll", [address(2)], [""]),
    ("enrolled twice", CLOSED, PROVIDER, "enroll", [address(3), address(3)], ["", ""]),
    ("one name per account", CLOSED, PROVIDER, "enroll", [address(3)], []),
    ("a round is open", RECRUITED, PROVIDER, "enroll", [address(3)], [""]),
    ("a round is open", FORMED, PROVIDER, "recruit", 2, [0], *TERMS),
    ("a round is open", RECRUITED, PROVIDER, "reclaim", 0),
    ("not the next round", CLOSED, PROVIDER, "recruit", 0, [0], *TERMS),
    ("not the next round", CLOSED, PROVIDER, "recruit", 2, [0], *TERMS),
    ("no heads", CLOSED, PROVIDER, "recruit", 1, [], *TERMS),
    ("head twice", CLOSED, PROVIDER, "recruit", 1, [1, 0, 1], *TERMS),
    ("unknown user", CLOSED, PROVIDER, "recruit", 1, [3], *TERMS),
    ("unknown user", FORMED, address(0), "record", 1, 0, [(3, 0, WAD)]),
    ("unknown user", FORMED, PROVIDER, "pay", 1, [(3, 0, 0)]),
    ("incentive too large", CLOSED, PROVIDER, "recruit", 1, [0], LIMIT + 1, 0, 0, bytes(32), 1),
    ("incentive too large", CLOSED, PROVIDER, "recruit", 1, [0], 0, LIMIT + 1, 0, bytes(32), 1),
    ("incentive too large", CLOSED, PROVIDER, "recruit", 1, [0], 0, 0, LIMIT + 1, bytes(32), 1),
    ("not this round", CLOSED, MINER, "form", 1, [WAD], slots(0, 0, 0)),
    ("not this round", RECRUITED, MINER, "reject", 2, [bytes(32)]),
    ("not this round", FORMED, address(0), "record", 2, 0, [ENTRY]),
    ("not this round", FORMED, PROVIDER, "pay", 2, []),
    ("not this round", FORMED, PROVIDER, "close", 2, 0, 0),
    ("late", CLOSED, PROVIDER, "close", 0, 0, 0),
    ("late", FORMED, MINER, "form", 0, [WAD, WAD], slots(0, 1, 0)),
    ("late", RECRUITED, MINER, "reject", 0, [bytes(32)]),
    ("late", FORMED, address(0), "record", 0, 0, [ENTRY]),
    ("late", FORMED, PROVIDER, "pay", 0, []),
    ("formed already", FORMED, MINER, "form", 1, [WAD, WAD], slots(0, 1, 0)),
    ("not formed", RECRUITED, address(0), "record", 1, 0, [ENTRY]),
    ("not formed", RECRUITED, PROVIDER, "pay", 1, []),
    ("not formed", RECRUITED, PROVIDER, "close", 1, 0, 0),
    ("contributions missing", FORMED, PROVIDER, "close", 1, 1, 0),
    ("payments missing", FORMED, PROVIDER, "close", 1, 0, 1),
    ("one price per head", RECRUITED, MINER, "form", 1, [WAD], slots(0, 1, 0)),
    ("one price per head", RECRUITED, MINER, "form", 1, [WAD] * 3, slots(0, 1, 0)),
    ("price too high", RECRUITED, MINER, "form", 1, [WAD, 10 * WAD + 1], slots(0, 1, 0)),
    ("one slot per user", RECRUITED, MINER, "form", 1, [WAD, WAD], slots(0, 1)),
    ("one slot per user", RECRUITED, MINER, "form", 1, [WAD, WAD], slots(0, 1, 0) + b"\0"),
    ("unknown coalition", RECRUITED, MINER, "form", 1, [WAD, WAD], slots(0, 1, 2)),
    ("unknown coalition", RECRUITED, MINER, "form", 1, [WAD, WAD], slots(0, 1, OUT - 1)),
    ("unknown coalition", FORMED, address(0), "record", 1, 2, [ENTRY]),
    ("not the head", FORMED, address(2), "record", 1, 0, [ENTRY]),
    ("not the head", FORMED, address(1), "record", 1, 0, [ENTRY]),
    ("not the head", FORMED, PROVIDER, "record", 1, 0, [ENTRY]),
    ("not in this coalition", FORMED, address(1), "record", 1, 1, [ENTRY]),
    ("recorded already", FORMED, address(0), "record", 1, 0, [ENTRY, ENTRY]),
    ("training out of range", FORMED, address(0), "record", 1, 0, [(2, WAD + 1, WAD)]),
    ("training out of range", FORMED, address(0), "record", 1, 0, [(2, -WAD - 1, WAD)]),
    ("training out of range", FORMED, address(0), "record", 1, 0, [(2, -(2**255), WAD)]),
    ("negative slack", FORMED, address(0), "record", 1, 0, [(2, 0, -1)]),
    ("slack too large", FORMED, address(0), "record", 1, 0, [(2, 0, 10**27 + 1)]),
    ("no contribution", FORMED, PROVIDER, "pay", 1, [(2, WAD, WAD)]),
    ("escrow too small", CLOSED, PROVIDER, "reclaim", 1),
    ("nothing to withdraw", CLOSED, address(0), "withdraw"),
]
LATER = {"forgetting above 1", "too many users", "paid already", "share too large"}


@pytest.mark.parametrize(("reason", "phase", "sender", "name", "arguments"), [(*row[:4], row[4:]) for row in REFUSALS])
def test_refuses(reason, phase, sender, name, arguments):
    machine = stage(phase)
    with pytest.raises(Reverted) as refused:
        machine.send(sender, name, *arguments)
    assert refused.value.reason == reason


def test_each_reason_is_provoked():
    assert {row[0] for row in REFUSALS} | LATER == REASONS


def test_refuses_to_forget_less_than_nothing():
    machine = Machine(forgetting=WAD)
    with pytest.raises(Reverted, match=r"forgetting above 1$"):
        machine.deploy(constructor(WAD + 1, 1))


def test_refuses_too_many_users():
    machine = stage()
    (count,) = [k for k in range(5000) if machine.evm.storage(machine.contract, k) == 3]
    machine.evm.insert_account_storage(machine.contract, count, 65_532)
    with pytest.raises(Reverted, match=r"too many users$"):
        machine.send(PROVIDER, "enroll", [address(k) for k in range(3, 6)], [""] * 3)
    machine.send(PROVIDER, "enroll", [address(3), address(4)], [""] * 2)
    assert machine.ask("status")[2] == 65_534
    assert machine.ask("account", 65_533) == address(4)


@pytest.mark.parametrize(
    ("reason", "payments"),
    [
        ("no contribution", [(1, 0, 0)]),
        ("share too large", [(2, 4 * WAD + 1, 0)]),
        ("share too large", [(2, -4 * WAD - 1, 0)]),
        ("share too large", [(2, -(2**255), 0)]),
        ("share too large", [(2, 0, 4 * WAD + 1)]),
        ("share too large", [(2, 0, 2**256 - 1)]),
        ("paid already", [(2, 0, 0), (2, 0, 0)]),
        ("escrow too small", [(2, WAD, 1)]),
        ("escrow too small", [(2, WAD // 2, 0), (0, WAD // 2 + 1, 0)]),
    ],
)
def test_refuses_payments(reason, payments):
    machine = stage(FORMED, value=WAD, unit=WAD)
    machine.send(address(0), "record", 1, 0, [ENTRY, (0, 0, WAD)])
    with pytest.raises(Reverted) as refused:
        machine.send(PROVIDER, "pay", 1, payments)
    assert refused.value.reason == reason
    machine.send(PROVIDER, "pay", 1, [(2, WAD, 0)])
    assert (machine.ask("escrow"), machine.ask("credit", address(2))) == (0, WAD)


@pytest.mark.parametrize(
    ("competition", "reputation", "wei"),
    [
        (4 * WAD, 4 * WAD, 12 * 10**12),
        (-4 * WAD, 4 * WAD, 0),
        (-WAD // 4, WAD, 10**12 // 2),
        (-WAD // 2, WAD, 0),
        (0, 0, 0),
        (1, 0, 0),
        (499_999, 1, 0),
        (499_999, 2, 1),
    ],
)
def test_pays_by_both_shares_and_never_takes(competition, reputation, wei):
    machine = stage(FORMED, value=WAD)
    machine.send(address(1), "record", 1, 1, [(1, 0, 0)])
    machine.send(PROVIDER, "pay", 1, [(1, competition, reputation)])
    assert (machine.ask("credit", address(1)), machine.ask("escrow")) == (wei, WAD - wei)
    assert machine.ask("marks", 1, 1) == (1 << 64 | 1,)


def test_closes_with_what_there_is_exactly():
    machine = stage(FORMED)
    machine.send(address(0), "record", 1, 0, [ENTRY, (0, 0, WAD)])
    machine.send(PROVIDER, "pay", 1, [(2, 0, 0)])
    wrong = [("contributions", (1, 1)), ("contributions", (3, 1)), ("payments", (2, 0)), ("payments", (2, 2))]
    for what, counts in wrong:
        with pytest.raises(Reverted, match=f"{what} missing$"):
            machine.send(PROVIDER, "close", 1, *counts)
    machine.send(PROVIDER, "close", 1, 2, 1)
    machine.send(PROVIDER, "recruit", 2, [0], *TERMS)
    machine.send(MINER, "form", 2, [WAD], slots(0, 0, 0))
    machine.send(PROVIDER, "close", 2, 2, 0)  # contributions of all rounds, payments of this


def test_refuses_what_comes_after_the_round():
    machine = stage(FORMED)
    machine.send(address(0), "record", 1, 0, [ENTRY])
    machine.send(PROVIDER, "close", 1, 1, 0)
    calls = [
        (address(0), "record", 1, 0, [(0, 0, WAD)]),
        (PROVIDER, "pay", 1, [(2, 0, 0)]),
        (PROVIDER, "close", 1, 1, 0),
    ]
    for sender, name, *arguments in [*calls, (MINER, "reject", 1, []), (MINER, "form", 1, [WAD, WAD], slots(0, 1, 0))]:
        with pytest.raises(Reverted, match=r"late$"):
            machine.send(sender, name, *arguments)


def test_money_is_taken_by_recruit_alone():
    machine = stage(FORMED)
    for sender, name, *arguments in [(PROVIDER, "close", 1, 0, 0), (PROVIDER, "pay", 1, [])]:
        with pytest.raises(Reverted):
            machine.send(sender, name, *arguments, value=1)
    machine.send(PROVIDER, "close", 1, 0, 0)
    with pytest.raises(RuntimeError):
        machine.evm.message_call(PROVIDER, machine.contract, calldata=b"", value=1)


def test_views_refuse_what_is_not_there():
    machine = stage(FORMED)
    for reason, name, *arguments in [
        ("unknown user", "account", 3),
        ("unknown user", "slot", 3),
        ("unknown user", "direct", 3, 0, 1),
        ("unknown user", "direct", 2**16, 0, 1),
        ("unknown coalition", "head", 2),
    ]:
        with pytest.raises(Reverted) as refused:
            machine.ask(name, *arguments)
        assert refused.value.reason == reason
    for start, count, expected in [(0, 2, 2), (2, 5, 1), (3, 1, 0), (2**256 - 1, 2**256 - 1, 0), (0, 2**256 - 1, 3)]:
        assert len(machine.ask("accounts", start, count)) == expected
        assert len(machine.ask("direct", 0, start, count)) == expected


# --- money goes out once


def test_who_calls_again_while_being_paid_is_paid_once():
    machine = stage()
    again = encoded("withdraw").hex()
    code = "".join(
        [
            "63" + again,  # push the selector
            "600052",  # store it, in bytes 28 to 31
            "60006000",  # no output
            "6004601c",  # these 4 bytes as input
            "6000",  # no money
            "73" + machine.contract[2:],
            "5af100",  # call with all gas, and stop whatever comes of it
        ]
    )
    greedy = machine.deploy(bytes.fromhex(f"60{len(code) // 2:02x}80600b6000396000f3" + code))
    machine.send(PROVIDER, "enroll", [greedy], ["Eve"])
    machine.send(PROVIDER, "recruit", 1, [0], *TERMS, value=5 * WAD)
    machine.send(MINER, "form", 1, [WAD], slots(0, 0, 0, 0))
    machine.send(address(0), "record", 1, 0, [(3, 0, WAD), (2, 0, WAD)])
    machine.send(PROVIDER, "pay", 1, [(3, WAD, 0), (2, WAD, 0)])
    owed = machine.ask("credit", greedy)
    held = machine.balance(machine.contract)
    assert owed == 10**12
    machine.carry(greedy, b"")
    assert machine.balance(greedy) == owed
    assert machine.balance(machine.contract) == held - owed
    assert machine.ask("credit", greedy) == 0


def test_who_refuses_money_keeps_the_credit():
    machine = stage()
    stubborn = machine.deploy(bytes.fromhex("60058060095f395ff35f5ffd0000"))
    machine.send(PROVIDER, "enroll", [stubborn], ["Fay"])
    machine.send(PROVIDER, "recruit", 1, [0], *TERMS, value=WAD)
    machine.send(MINER, "form", 1, [WAD], slots(0, 0, 0, 0))
    machine.send(address(0), "record", 1, 0, [(3, 0, WAD)])
    machine.send(PROVIDER, "pay", 1, [(3, WAD, 0)])
    with pytest.raises(Reverted):
        machine.send(stubborn, "withdraw")
    assert machine.ask("credit", stubborn) == 10**12


def test_the_provider_gets_back_what_nobody_was_promised():
    machine = stage(FORMED, value=3 * 10**12)
    machine.send(address(0), "record", 1, 0, [ENTRY])
    machine.send(PROVIDER, "pay", 1, [(2, WAD, 0)])
    machine.send(PROVIDER, "close", 1, 1, 1)
    before = machine.balance(PROVIDER)
    with pytest.raises(Reverted, match=r"escrow too small$"):
        machine.send(PROVIDER, "reclaim", 2 * 10**12 + 1)
    machine.send(PROVIDER, "reclaim", 2 * 10**12)
    machine.send(address(2), "withdraw")
    assert machine.balance(PROVIDER) - before == 2 * 10**12
    assert machine.balance(address(2)) == 10**12
    assert (machine.balance(machine.contract), machine.ask("escrow")) == (0, 0)


# --- coalitions of any size


@pytest.mark.parametrize("users", [1, 15, 16, 17, 33, 130])
def test_all_slots_are_kept(users):
    machine = Machine()
    fill(machine, users)
    machine.send(PROVIDER, "appoint", MINER)
    count = min(users, 64)
    machine.send(PROVIDER, "recruit", 1, list(range(count)), *TERMS)
    assert [machine.ask("slot", i) for i in range(users)] == [OUT] * users
    rng = np.random.default_rng(users)
    given = rng.integers(-1, count, users).tolist()
    for wrong in (count, OUT - 1, 0x7FFF, 0x8000):
        k = int(rng.integers(users))
        with pytest.raises(Reverted, match=r"unknown coalition$"):
            machine.send(MINER, "form", 1, [0] * count, slots(*given[:k], wrong, *given[k + 1 :]))
    machine.send(MINER, "form", 1, [0] * count, slots(*given))
    assert [machine.ask("slot", i) for i in range(users)] == [one % 2**16 for one in given]
    machine.send(PROVIDER, "close", 1, 0, 0)
    machine.send(PROVIDER, "enroll", [address(users)], [""])
    assert machine.ask("slot", users) == OUT


# --- logarithms


def edges():
    powers = [(WAD << k) - WAD for k in range(30)]
    halves = [math.isqrt(2 * 4**k * WAD**2) - WAD for k in range(30)]
    return sorted({min(max(x + d, 0), 10**27) for x in [*powers, *halves, 10**27] for d in (-2, -1, 0, 1, 2)})


def test_contributions_are_rounded_to_the_nearest():
    rng = np.random.default_rng(1)
    random = [int(10**x) for x in rng.uniform(0, 27, 1_500)] + [int(x * WAD) for x in rng.uniform(0, 100, 500)]
    slacks = edges() + random
    trainings = [0, WAD, 1 - WAD, -WAD] + [int(x) for x in rng.integers(-WAD, WAD, len(slacks), endpoint=True)]
    trainings[4 : 4 + 2 * len(edges()) : 2] = [WAD] * len(edges())
    machine = Machine()
    users = 256
    fill(machine, users)
    machine.send(PROVIDER, "appoint", MINER)
    entries = list(zip(slacks, trainings, strict=False))
    worst = mpmath.mpf(0)
    with mpmath.workdps(80):
        for k, start in enumerate(range(0, len(entries), users), 1):
            machine.send(PROVIDER, "recruit", k, [0], *TERMS)
            machine.send(MINER, "form", k, [0], slots(*[0] * users))
            batch = [(i, training, slack) for i, (slack, training) in enumerate(entries[start : start + users])]
            said = [machine.send(address(0), "record", k, 0, some).events for some in (batch[:128], batch[128:])]
            for (_, training, slack), one in zip(batch, said[0] + said[1], strict=True):
                exact = (WAD + training) * mpmath.log1p(mpmath.mpf(slack) / WAD)
                worst = max(worst, abs(one.fields["contribution"] - exact))
            machine.send(PROVIDER, "close", k, min(k * users, len(entries)), 0)
    assert 0.49 < worst <= 0.50000001


# --- forgetting


@pytest.mark.parametrize("forgetting", [0, 1, WAD // 3, 7 * WAD // 10, WAD - 1, WAD])
def test_a_sum_is_forgotten_to_the_nearest(forgetting):
    machine = stage(FORMED, forgetting=forgetting)
    (said,) = machine.send(address(0), "record", 1, 0, [(2, WAD, 10**27)]).events
    gained = said.fields["contribution"]
    for k in range(2, 70):
        machine.send(PROVIDER, "close", k - 1, 1, 0)
        machine.send(PROVIDER, "recruit", k, [0], *TERMS)
        machine.send(MINER, "form", k, [0], slots(-1, -1, -1))
        left = machine.ask("reputations", 2, 1)[0]
        exact = gained * Fraction(forgetting, WAD) ** (k - 1)
        assert abs(left - exact) <= Fraction(1, 2) + Fraction(1, 10**9)
        assert (left,) == machine.ask("direct", 0, 2, 1) == (decayed(gained, k - 1, forgetting),)


def test_reputations_are_those_of_floating_point():
    users, rounds, leaves = 4, 1_000, 0
    rng = np.random.default_rng(2)
    machine = Machine(forgetting=to_fixed(0.9))
    fill(machine, users)
    machine.send(PROVIDER, "appoint", MINER)
    state = ReputationState.start(users, forgetting=0.9)
    for k in range(1, rounds + 1):
        heads = rng.choice(users, 2, replace=False).tolist()
        members = [i for i in range(users) if rng.random() < 0.6]
        led = {i: int(rng.integers(2)) for i in members}
        records = [Record(k, i, heads[led[i]], rng.uniform(-1, 1), rng.exponential(10)) for i in members]
        machine.send(PROVIDER, "recruit", k, heads, *TERMS)
        machine.send(MINER, "form", k, [0, 0], slots(*[led.get(i, -1) for i in range(users)]))
        for j, head in enumerate(heads):
            mine = [(one.user, to_fixed(one.training), to_fixed(one.slack)) for one in records if one.head == head]
            machine.send(address(head), "record", k, j, mine)
        leaves += len(records)
        machine.send(PROVIDER, "close", k, leaves, 0)
        state = state.update(records)
        if k % 50 == 0:
            total = [from_fixed(one) for one in machine.ask("reputations", 0, users)]
            assert np.abs(state.total - total).max() <= 1e-12
            for column, head in enumerate(state.heads):
                direct = [from_fixed(one) for one in machine.ask("direct", head, 0, users)]
                assert np.abs(state.direct[:, column] - direct).max() <= 1e-12
    assert state.total.min() > 1


# --- everything at once, against the oracle


def mostly(right, wrong):
    """Five times out of six from `right`."""
    return st.integers(0, 5).flatmap(lambda k: wrong if k == 5 else right)


POOL = [PROVIDER, MINER, STRANGER, *(address(k) for k in range(24))]
RICH = 10**30
PARTITIONS = [bytes([k]) * 32 for k in range(4)]
SEEDS = st.integers(0, 2**32 - 1)  # what is drawn number by number makes an example too long


def number(rng, low, high, edges, wrong):
    """Once in 40 times from `wrong`, else from `low` to `high`, its ends and the edges being likely."""
    kind = rng.randrange(40)
    return rng.choice(wrong) if kind == 39 else rng.choice([low, high, *edges]) if kind > 31 else rng.randint(low, high)


def limit(rng):
    return number(rng, 0, LIMIT, [WAD], [LIMIT + 1, 2**256 - 1])


def entry(rng, user):
    training = number(rng, -WAD, WAD, [0, 1 - WAD], [WAD + 1, -WAD - 1, 2**255 - 1, -(2**255)])
    highest = rng.choice([10, 60 * WAD, 10**27])
    return user, training, number(rng, 0, highest, [1, WAD], [-1, 10**27 + 1, 2**255 - 1, -(2**255)])


def payment(rng, user):
    competition = number(rng, -WAD, WAD, [0, 4 * WAD, -4 * WAD], [4 * WAD + 1, -4 * WAD - 1, -(2**255)])
    return user, competition, number(rng, 0, WAD, [1, 4 * WAD], [4 * WAD + 1, 2**256 - 1])


class AgainstTheOracle(RuleBasedStateMachine):
    """Every call is made to the contract and to the oracle, and must come to the same."""

    @initialize(
        forgetting=st.sampled_from([0, 7 * WAD // 10, WAD]) | st.integers(0, WAD),
        unit=st.sampled_from([10**12, 1, WAD, 0]),
        users=st.integers(1, 18),
        seeds=st.lists(SEEDS, max_size=3),
        data=st.data(),
        calls=st.integers(0, 3),
    )
    def start(self, forgetting, unit, users, seeds, data, calls):
        self.machine = Machine(forgetting, unit)
        self.oracle = Oracle(PROVIDER, forgetting, unit)
        for one in POOL:
            self.machine.evm.set_balance(one, RICH)
        self.both(PROVIDER, "enroll", [address(i) for i in range(users)], [f"user {i}" for i in range(users)])
        self.both(PROVIDER, "appoint", MINER)
        for seed in seeds:
            self.whole_round(seed=seed)
        for _ in range(calls):
            self.what_is_due(data=data)

    def both(self, sender, name, *arguments, value=0):
        oracle = partial(getattr(self.oracle, name), sender, *arguments)
        try:
            said = self.machine.send(sender, name, *arguments, value=value).events
        except Reverted as problem:
            with pytest.raises(Refused, match=f"^{problem.reason}$"):
                oracle()
            return
        if name == "recruit":
            oracle = partial(oracle, value=value)
        if name == "record":
            oracle = partial(oracle, amounts=[one.fields["contribution"] for one in said])
        expected = oracle()
        assert [one.name for one in said] == [one for one, _ in expected]
        for one, (_, fields) in zip(said, expected, strict=True):
            if one.name == "Recorded":
                user, head = fields["user"], fields["head"]
                self.near(one.fields.pop("total"), user)
                self.near(one.fields.pop("direct"), user, head)
            assert one.fields == fields

    def near(self, found, user, head=None):
        """Each of the user's contributions may have cost half a unit."""
        count = sum(one.user == user for one in self.oracle.contributions)
        assert abs(found - self.oracle.reputation(user, head)) <= Fraction(count, 2) + Fraction(1, 10**6)

    def some_round(self, data, right=None):
        now = self.oracle.round if right is None else right
        return data.draw(mostly(st.just(now), st.integers(max(0, now - 2), now + 2)))

    def somebody(self, data, right):
        return data.draw(mostly(st.just(right), st.sampled_from(POOL)))

    def some_heads(self, data):
        known = st.lists(st.integers(0, len(self.oracle.accounts) - 1), min_size=1, max_size=4, unique=True)
        return data.draw(mostly(known, st.lists(st.integers(0, 30), max_size=4)))

    def some_slots(self, data):
        users, count = len(self.oracle.accounts), len(self.oracle.heads)
        right = SEEDS.map(random.Random).map(lambda rng: slots(*(rng.randrange(-1, count) for _ in range(users))))
        return data.draw(mostly(right, st.binary(min_size=2 * users - 1, max_size=2 * users)))

    def some_users(self, data, wanted):
        wrong = st.lists(st.integers(0, 30), max_size=3)
        if not wanted:
            return data.draw(wrong)
        return data.draw(mostly(st.lists(st.sampled_from(wanted), max_size=6, unique=True), wrong))

    def some_entries(self, data, coalition):
        mine = [i for i, one in enumerate(self.oracle.slots) if one == coalition]
        left = [i for i in mine if self.oracle.recorded.get(i) != self.oracle.round]
        rng = random.Random(data.draw(SEEDS))
        return [entry(rng, user) for user in self.some_users(data, left)]

    def some_payments(self, data):
        k = self.oracle.round
        due = [i for i, one in self.oracle.recorded.items() if one == k and self.oracle.paid.get(i) != k]
        rng = random.Random(data.draw(SEEDS))
        return [payment(rng, user) for user in self.some_users(data, due)]

    @rule(data=st.data(), first=st.integers(0, 20), count=st.integers(0, 3))
    def enroll(self, data, first, count):
        new = [address(len(self.oracle.accounts) + k) for k in range(count)]
        accounts = data.draw(mostly(st.just(new), st.lists(st.sampled_from([NOBODY, *POOL]), max_size=3)))
        names = data.draw(mostly(st.just(["é" * first] * len(accounts)), st.lists(st.text(max_size=5), max_size=3)))
        self.both(self.somebody(data, PROVIDER), "enroll", accounts, names)

    @rule(
        data=st.data(), name=st.sampled_from(["appoint", "dismiss"]), miner=st.sampled_from([MINER, STRANGER, NOBODY])
    )
    def miners(self, data, name, miner):
        self.both(self.somebody(data, PROVIDER), name, miner)

    @rule(data=st.data())
    def recruit(self, data):
        k, heads = self.some_round(data, self.oracle.round + 1), self.some_heads(data)
        rng, value = random.Random(data.draw(SEEDS)), data.draw(st.integers(0, 10**24))
        limits = [limit(rng) for _ in range(3)]
        self.both(self.somebody(data, PROVIDER), "recruit", k, heads, *limits, b"m" * 32, 7, value=value)

    @rule(data=st.data())
    def form(self, data):
        rng, highest = random.Random(data.draw(SEEDS)), self.oracle.terms[2]
        prices = [rng.randint(0, highest) for _ in self.oracle.heads]
        prices = data.draw(mostly(st.just(prices), st.lists(st.integers(highest, LIMIT), max_size=4)))
        self.both(self.somebody(data, MINER), "form", self.some_round(data), prices, self.some_slots(data))

    @rule(data=st.data(), partitions=st.lists(st.sampled_from(PARTITIONS), max_size=4))
    def reject(self, data, partitions):
        self.both(self.somebody(data, MINER), "reject", self.some_round(data), partitions)

    @rule(data=st.data())
    def record(self, data):
        count = len(self.oracle.heads)
        coalition = data.draw(mostly(st.integers(0, max(count - 1, 0)), st.integers(0, 2**256 - 1)))
        right = self.oracle.accounts[self.oracle.heads[coalition]] if coalition < count else PROVIDER
        entries = self.some_entries(data, coalition)
        self.both(self.somebody(data, right), "record", self.some_round(data), coalition, entries)

    @rule(data=st.data())
    def pay(self, data):
        self.both(self.somebody(data, PROVIDER), "pay", self.some_round(data), self.some_payments(data))

    @rule(data=st.data())
    def close(self, data):
        right = len(self.oracle.contributions), self.oracle.payments()
        counts = data.draw(mostly(st.just(right), st.tuples(st.integers(0, 3), st.integers(0, 3))))
        self.both(self.somebody(data, PROVIDER), "close", self.some_round(data), *counts)

    @rule(data=st.data())
    def withdraw(self, data):
        owed = sorted(one for one, amount in self.oracle.credits.items() if amount)
        sender = data.draw(st.sampled_from(owed or POOL))
        self.both(sender, "withdraw")
        self.both(sender, "withdraw")

    @rule(data=st.data(), amount=st.integers(0, 10**24))
    def reclaim(self, data, amount):
        right = st.integers(0, self.oracle.escrow)
        self.both(self.somebody(data, PROVIDER), "reclaim", data.draw(mostly(right, st.just(amount))))

    @rule(data=st.data())
    def what_is_due(self, data):
        """So that calls are seldom refused for their time alone."""
        due = {CLOSED: [self.recruit], RECRUITED: [self.form], FORMED: [self.record, self.record, self.pay, self.close]}
        data.draw(st.sampled_from(due[self.oracle.phase]))(data=data)

    @rule(seed=SEEDS)
    def whole_round(self, seed):
        """So that there is a history. It only ends a round that is open."""
        rng, k, users = random.Random(seed), self.oracle.round, len(self.oracle.accounts)
        self.both(PROVIDER, "appoint", MINER)
        if self.oracle.phase == CLOSED:
            k, count = k + 1, rng.randint(1, min(users, 4))
            heads = rng.sample(range(users), count)
            self.both(PROVIDER, "recruit", k, heads, *TERMS, value=rng.randint(0, 10**20))
        if self.oracle.phase == RECRUITED:
            count = len(self.oracle.heads)
            prices = [rng.randint(0, self.oracle.terms[2]) for _ in range(count)]
            self.both(MINER, "form", k, prices, slots(*(rng.randrange(-1, count) for _ in range(users))))
        for j, head in enumerate(self.oracle.heads):
            left = [i for i in range(users) if self.oracle.slots[i] == j and self.oracle.recorded.get(i) != k]
            entries = [(i, rng.randint(-WAD, WAD), rng.randint(0, 60 * WAD)) for i in left]
            self.both(self.oracle.accounts[head], "record", k, j, entries)
        for i in range(users):
            self.both(PROVIDER, "pay", k, [(i, rng.randint(-WAD // 2, WAD), rng.randint(0, WAD))])
        self.both(PROVIDER, "close", k, len(self.oracle.contributions), self.oracle.payments())

    @invariant()
    def the_same(self):
        it, ask = self.oracle, self.machine.ask
        counts = len(it.accounts), len(it.contributions), len(it.led)
        assert ask("status") == (it.round, it.phase, *counts)
        assert (ask("root"), ask("chain"), ask("escrow")) == (it.root(), it.chain, it.escrow)
        assert self.machine.balance(self.machine.contract) == it.escrow + sum(it.credits.values())

    def teardown(self):
        if not hasattr(self, "oracle"):
            return
        it, ask, everyone = self.oracle, self.machine.ask, (0, 1024)
        users = range(len(it.accounts))
        assert [ask("account", i) for i in users] == list(ask("accounts", *everyone)) == it.accounts
        assert [ask("user_of", one) for one in it.accounts] == [i + 1 for i in users]
        assert {one for one in POOL if ask("is_miner", one)} == it.miners
        assert {one for one in PARTITIONS if ask("rejected", one)} == it.rejected
        assert [self.machine.balance(one) - RICH for one in POOL] == [it.moved.get(one, 0) for one in POOL]
        assert [ask("credit", one) for one in POOL] == [it.credits.get(one, 0) for one in POOL]
        names = ("threshold", "reputation_incentive", "highest_price", "model", "steps")
        assert tuple(ask(name) for name in names) == it.terms
        assert (list(ask("heads")), list(ask("prices"))) == (it.heads, it.prices)
        assert [ask("head", j) for j in range(len(it.heads))] == it.heads
        assert list(ask("led", *everyone)) == it.led
        assert [ask("slot", i) for i in users if i < len(it.slots)] == [one % 2**16 for one in it.slots]
        assert list(ask("marks", *everyone)) == [it.recorded.get(i, 0) << 64 | it.paid.get(i, 0) for i in users]
        for i, found in enumerate(ask("reputations", *everyone)):
            self.near(found, i)
        for head in it.led:
            for i, found in enumerate(ask("direct", head, *everyone)):
                self.near(found, i, head)


TestAgainstTheOracle = AgainstTheOracle.TestCase
TestAgainstTheOracle.settings = settings(
    max_examples=max(25, settings.default.max_examples // 8), stateful_step_count=25
)
