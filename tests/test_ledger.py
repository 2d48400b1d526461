"""The ledger on both kinds of chain: what is recorded is what is read back, once, and nobody can change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ledger_pages import TERMS, page

from models.ledger import Ledger, LedgerError, Reverted
from models.ledger._ledger import Sender
from models.ledger._page import Call, amount, owed
from models.reputation import Record, ReputationState

pytest_plugins = ["ledger_chains"]

NAMES = [f"user {i}" for i in range(12)]


@pytest.fixture
def ledger(chain):
    return Ledger.start(chain.chain, chain.keys.named("run"), NAMES)


def written(ledger: Ledger, rounds: int, **changed: object) -> ReputationState:
    """The reputations of `models.reputation` after so many rounds, which are in the ledger then."""
    state = ReputationState.start(len(NAMES), forgetting=ledger.forgetting)
    for k in range(1, rounds + 1):
        made = page(k, **changed)
        ledger.write(made)
        state = state.update(made.records)
    return state


def assert_alike(found: ReputationState, expected: ReputationState) -> None:
    assert found.rounds == expected.rounds
    assert np.abs(found.total - expected.total).max() <= 1e-12
    apart = found.task(np.eye(len(NAMES))) - expected.task(np.eye(len(NAMES)))
    assert np.abs(apart).max() <= 1e-12


def test_rounds_are_read_back_and_everything_said_about_them_holds(ledger):
    state = written(ledger, 4)
    assert_alike(ledger.reputations(), state)
    assert np.abs(ledger.totals() - state.total).max() <= 1e-12
    checks = ledger.history.checks()
    assert [check.name for check in checks if not check.holds] == []
    assert len(checks) == 7
    status = ledger.status()
    assert (status.round, status.phase, status.users) == (4, 0, 12)
    assert status.leaves == sum(len(page(k).records) for k in range(1, 5))
    assert ledger.names == tuple(NAMES)
    past = list(ledger.history.rounds())
    for k, one in enumerate(past, 1):
        made = page(k)
        assert (one.round, one.heads, one.closed) == (k, tuple(made.heads), True)
        np.testing.assert_array_equal(one.slots, made.slots)
        assert one.terms["model"] == TERMS.model.hex()
        assert [record.user for record in one.records] == [
            record.user for head in made.heads for record in made.records if record.head == head
        ]
        assert all(map(ledger.is_rejected, made.rejected))
    assert not ledger.is_rejected(bytes([250]) * 32)


def test_the_reputations_of_every_round_are_those_that_were_read_then(ledger):
    then = [ledger.reputations(0), *(ledger.write(page(k)).reputation for k in (1, 2, 3))]
    for k, state in enumerate(then):
        again = ledger.reputations(k)
        assert (again.rounds, again.heads) == (state.rounds, state.heads)
        assert again.direct.tobytes() == state.direct.tobytes()
    with pytest.raises(LedgerError, match="round must be one of the ledger's 3, got 4"):
        ledger.reputations(4)


def test_a_page_is_recorded_once(ledger):
    written(ledger, 2)
    before = ledger.status(), ledger.root(), ledger.escrow(), ledger.credits()
    assert_alike(ledger.write(page(1)).reputation, ledger.reputations(1))
    assert_alike(ledger.write(page(2)).reputation, ledger.reputations(2))
    assert (ledger.status(), ledger.root(), ledger.escrow(), ledger.credits()) == before


@pytest.mark.parametrize("stage", range(1, 9))
def test_a_page_that_was_begun_is_finished(ledger, stage):
    made = page(1, attempts=[])
    todo = ledger._todo(made, ledger.status())
    assert len(todo) == 8  # recruit, reject, form, three heads, pay, close
    Sender(ledger.chain, ledger.keys.root).send(todo[:stage], ledger.address)
    ledger.write(made)
    assert_alike(ledger.reputations(), ReputationState.start(12).update(made.records))
    assert [check.name for check in ledger.history.checks() if not check.holds] == []
    assert sum(ledger.credits()) == sum(owed(made, ledger.unit).values())


def test_a_page_out_of_order_is_whole_in_the_end(ledger):
    """A node may mine calls of different accounts in any order: each that is too early is refused, and sent again."""

    class Shuffled:
        """The chain, which takes the calls of a batch from the last to the first."""

        def __init__(self, chain):
            self._chain = chain

        def __getattr__(self, name):
            return getattr(self._chain, name)

        def send(self, raws):
            from models.ledger._transactions import decoded

            by_sender: dict[str, list[bytes]] = {}
            for raw in raws:
                by_sender.setdefault(decoded(raw).sender, []).append(raw)
            order = [raw for some in reversed(by_sender.values()) for raw in some]
            found = dict(zip(order, self._chain.send(order), strict=True))
            return [found[raw] for raw in raws]

    ledger.chain = Shuffled(ledger.chain)
    made = page(1)
    ledger.write(made)
    assert ledger.status().phase == 0
    assert_alike(ledger.reputations(), ReputationState.start(12).update(made.records))
    assert sum(ledger.credits()) == sum(owed(made, ledger.unit).values())


def test_another_page_of_a_round_is_refused(ledger):
    written(ledger, 2)
    made = page(2)
    other = [replace(made.records[0], training=0.123), *made.records[1:]]
    for changed, told in (
        ({"records": other}, f"round 2: the ledger has another contribution of user {made.records[0].user}"),
        ({"records": made.records[1:]}, f"round 2: the ledger has another payment of user {made.records[0].user}"),
        ({"records": [], "slots": np.roll(made.slots, 1)}, "round 2: the ledger has other coalitions"),
        ({"records": [], "heads": made.heads[::-1]}, "round 2: the ledger has other heads"),
        ({"terms": replace(made.terms, steps=9)}, "round 2: the ledger has other terms"),
        ({"prices": [5.0, 6.0, 7.0]}, "round 2: the ledger has other prices"),
        ({"shares": dict.fromkeys(made.shares, (0.1, 0.1))}, "round 2: the ledger has another payment of user"),
    ):
        shares = {
            k: v for k, v in made.shares.items() if k in {one.user for one in changed.get("records", made.records)}
        }
        with pytest.raises(LedgerError, match=told):
            ledger.write(replace(made, **({"shares": shares} | changed)))
    with pytest.raises(LedgerError, match="the page must be of round 3, got 4"):
        ledger.write(page(4))
    assert ledger.status().round == 2


def test_attempts_to_raise_a_reputation_are_refused(ledger):
    made = page(1)
    better = [replace(one, training=1.0) for one in made.records]  # heads among them, who record themselves twice
    assert any(one.user == one.head for one in better)
    found = ledger.write(replace(made, attempts=better))
    assert found.refused == len(better)
    assert_alike(found.reputation, ReputationState.start(12).update(made.records))


def test_an_attempt_that_succeeds_is_not_passed_over(ledger):
    made = page(1)
    head = made.heads[0]
    honest = [one for one in made.records if one.user == head]
    rest = [one for one in made.records if one.user != head]
    shares = {user: share for user, share in made.shares.items() if user != head}
    with pytest.raises(Reverted, match="took what it must refuse"):
        ledger.write(replace(made, records=rest, shares=shares, attempts=honest))


def test_who_has_no_role_is_refused(ledger):
    stranger, keys = ledger.keys.user(0), ledger.keys
    sender = Sender(ledger.chain, keys.root)
    with pytest.raises(Reverted, match="close was refused by the contract: not the provider"):
        sender.send([Call("close", stranger, (1, 0, 0))], ledger.address)
    with pytest.raises(Reverted, match="not a miner"):
        sender.send([Call("form", stranger, (1, [], b""))], ledger.address)


def test_money_is_paid_by_rule_and_withdrawn_once(ledger):
    made = page(1)
    ledger.write(made)
    rate, prices = made.terms.reputation_incentive, made.prices
    expected = np.zeros(12)
    for user, (competition, reputation) in made.shares.items():
        expected[user] = max(0.0, competition * prices[made.slots[user]] + reputation * rate)
    assert np.any(expected == 0)
    np.testing.assert_allclose(np.array(ledger.credits()) / ledger.unit, expected, rtol=0, atol=1e-11)
    assert ledger.escrow() == 0
    user = int(np.argmax(expected))
    due = ledger.credits()[user]
    assert ledger.withdraw(user) == due
    assert ledger.withdraw(user) == 0
    assert ledger.credits()[user] == 0
    assert next(check for check in ledger.history.checks() if check.name == "money").holds


def test_nobody_pays_for_having_taken_part():
    assert amount(10**19, 5 * 10**18, -(10**18), 10**18, 10**12) == 0
    assert amount(10**19, 5 * 10**18, -(10**17), 10**18, 10**12) == 4 * 10**12


def test_one_contribution_is_proved_and_another_is_not(ledger):
    written(ledger, 2)
    one = page(2).records[3]
    found = ledger.history.proof(one.user, 2)
    assert found.root() == ledger.root()
    assert replace(found, training=found.training + 1).root() != ledger.root()
    absent = int(np.flatnonzero(page(2).slots < 0)[0])
    with pytest.raises(LedgerError, match=f"user {absent} must have a contribution in round 2, it has none"):
        ledger.history.proof(absent, 2)


def test_a_ledger_is_found_again_by_its_keys(chain):
    first = Ledger.start(chain.chain, chain.keys.named("a"), NAMES)
    first.write(page(1))
    again = Ledger.start(chain.chain, chain.keys.named("a"), NAMES)
    assert (again.address, again.status()) == (first.address, first.status())
    other = Ledger.start(chain.chain, chain.keys.named("b"), NAMES, forgetting=0.5)
    assert other.address != first.address
    assert other.status().round == 0
    with pytest.raises(LedgerError, match="must be the ledger of these 12 users, it is of others"):
        Ledger.start(chain.chain, chain.keys.named("a"), [*NAMES[:-1], "eve"])
    with pytest.raises(LedgerError, match=r"the ledger's forgetting and unit must be 0\.9 and"):
        Ledger.start(chain.chain, chain.keys.named("a"), NAMES, forgetting=0.9)


def test_reading_needs_no_keys_and_cannot_write(ledger):
    ledger.write(page(1))
    reader = Ledger(ledger.chain, ledger.address)
    assert reader.reputations().total.tolist() == ledger.reputations().total.tolist()
    with pytest.raises(LedgerError, match="writing needs keys"):
        reader.write(page(2))


def test_an_address_without_ledger(chain):
    with pytest.raises(LedgerError, match=r"there must be a ledger at 0x\w+ on chain 1337, there is none"):
        Ledger(chain.chain, chain.keys.root.address)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"slots": np.zeros(3, dtype=int)}, "slots must be one for each of 12 users, got 3"),
        ({"prices": [5.0]}, "prices must be one for each of 3 heads, got 1"),
        ({"shares": {11: (1.0, 1.0)}, "records": []}, r"shares must be of users with a record, .* of user 11"),
        ({"records": [Record(9, 0, 0, 0.0, 1.0)], "shares": {}}, "records must be one for each user, by the head"),
        ({"records": page(1).records[:1] * 2, "shares": {}}, "records must be one for each user, by the head"),
        ({"records": [replace(page(1).records[0], slack=-1e-9)], "shares": {}}, "records must be one for each user"),
        ({"attempts": [Record(1, 12, page(1).heads[0], 1.0, 1.0)]}, "attempts must be records of round 1"),
        ({"heads": [0, 0, 1]}, r"heads must be 1 to 64 different users of 12, got \[0, 0, 1\]"),
        ({"heads": [99, 0, 1]}, "heads must be 1 to 64 different users"),
        ({"heads": []}, "heads must be 1 to 64 different users"),
        ({"slots": np.full(12, 3)}, "slots must be -1 to 2, got 3 to 3"),
        ({"prices": [16.0, 5.0, 5.0]}, "prices 0 to the highest"),
        ({"terms": replace(TERMS, threshold=2e6)}, "terms must be 0 to a million"),
        ({"terms": replace(TERMS, model=b"short")}, "must have 32 bytes"),
    ],
)
def test_pages_that_no_contract_would_take(changed, told, tmp_path):
    from ledger_chains import keys_of_tests, money_of, opened

    keys = keys_of_tests()
    with opened("embedded", tmp_path, money_of(keys)) as chain:
        ledger = Ledger.start(chain, keys, NAMES)
        with pytest.raises(LedgerError, match=told):
            ledger.write(page(1, **changed))
        assert ledger.status().round == 0


def test_names_that_are_none(tmp_path):
    from ledger_chains import keys_of_tests, money_of, opened

    keys = keys_of_tests()
    with opened("embedded", tmp_path, money_of(keys)) as chain:
        for names, told in ((["a", "a"], "names must be different"), (["a", ""], "names must have 1 to 64 bytes")):
            with pytest.raises(LedgerError, match=told):
                Ledger.start(chain, keys, names)
