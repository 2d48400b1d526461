"""Federated learners whose reputations are on a chain."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from commands import ROOT, refusal

from models.data import digits
from models.gfml import FRAMEWORKS, Experiment, Parameters, play
from models.gfml.__main__ import main
from models.ledger import EmbeddedChain, Keys, Ledger, reading
from models.reputation import replay
from solvers.core import InvalidGame
from verification import certify

SMALL = Parameters(
    users=12,
    coalitions=3,
    steps=2,
    batch=8,
    hidden=(8,),
    gradient="fo",
    personalisation=(1,),
    passive_samples=(1,),
    cycles=50,
    misbehaving=0.3,
)
TINY = ("--users", "8", "--coalitions", "2", "--steps", "2", "--batch", "4", "--gradient", "fo")


@pytest.fixture(scope="module")
def data():
    return digits()


def with_ledger(data, chain, keys, parameters=SMALL, framework="gfml", rounds=3):
    """The ledger after so many rounds, and these with the states after them."""
    opened = []

    def start(names, forgetting):
        opened.append(Ledger.start(chain, keys, names, forgetting=forgetting))
        return opened[0]

    experiment = Experiment(data, framework, parameters, certify=certify, seed=3, ledger=start)
    return opened[0], experiment, list(play(experiment, rounds))


@pytest.fixture
def place():
    keys = Keys((5).to_bytes(32))
    with EmbeddedChain.create(None, funded={keys.root.address: 10**24}) as chain:
        yield chain, keys


def test_a_run_on_a_chain_is_the_run_without_it(data, place):
    ledger, experiment, rounds = with_ledger(data, *place)
    plain = [record for _, record in play(Experiment(data, "gfml", SMALL, certify=certify, seed=3), 3)]
    for (_, found), expected in zip(rounds, plain, strict=True):
        assert found.coalitions == expected.coalitions
        assert found.heads == expected.heads
        np.testing.assert_allclose(found.reputations, expected.reputations, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.prices, expected.prices, rtol=1e-9)
    assert [check.name for check in ledger.history.checks() if not check.holds] == []
    past = list(ledger.history.rounds())
    again = replay([record for one in past for record in one.records], users=len(experiment.active), rounds=3)
    np.testing.assert_allclose(rounds[-1][1].reputations, again.total, rtol=0, atol=1e-12)


def test_reputations_are_those_of_the_chain(data, place):
    ledger, _, rounds = with_ledger(data, *place)
    state = rounds[-1][0].reputation
    assert state.direct.tobytes() == ledger.reputations().direct.tobytes()
    np.testing.assert_allclose(state.total, ledger.totals(), rtol=0, atol=1e-15)


def test_attempts_of_those_who_misbehave_are_refused(data, place):
    ledger, experiment, rounds = with_ledger(data, *place)
    lazy = set(np.flatnonzero(experiment.devices.misbehaving).tolist())
    expected = [sum(record.user in lazy - {record.head} for record in one.records) for one in ledger.history.rounds()]
    assert [record.refused for _, record in rounds] == expected
    assert sum(expected) > 0
    assert [record.document()["refused_attempts"] for _, record in rounds] == expected


@pytest.mark.parametrize("framework", ["gfml", "best-effort-random", "fixed-optimized"])
def test_payments_are_those_of_the_games(data, place, framework):
    """What the contract credits is a learner's profit and the cost of its energy; nobody pays for taking part."""
    ledger, experiment, _ = with_ledger(data, *place, parameters=replace(SMALL, misbehaving=0.0), framework=framework)
    kept = iter(ledger.history.rounds())
    plain = Experiment(data, framework, replace(SMALL, misbehaving=0.0), certify=certify, seed=3)
    state = plain.start()
    for _ in range(3):
        after, record = plain.play(state)
        paid = next(kept).payments
        part = np.flatnonzero(record.profits)
        assert set(part.tolist()) <= set(paid)
        for i in part:
            energy = experiment.devices.energy[i] * after.frequencies[i] ** 2
            expected = max(0.0, record.profits[i] + energy)
            assert paid[int(i)] / ledger.unit == pytest.approx(expected, abs=1e-9)
        state = after


def test_partitions_that_did_not_last_are_on_the_chain(data, place):
    ledger, _, rounds = with_ledger(data, *place)
    found = [len(one.rejected) for one in ledger.history.rounds()]
    assert sum(found) > 0
    assert all(count <= record.switches for count, (_, record) in zip(found, rounds, strict=True))


def test_a_state_goes_on_with_its_ledger_and_with_no_other(data, place):
    chain, keys = place
    _, experiment, rounds = with_ledger(data, chain, keys.named("a"), rounds=2)
    saved = rounds[0][0].to_bytes()
    again = experiment.restore(saved)  # round 2 is on the chain already
    state, record = experiment.play(again)
    assert record.document() == rounds[1][1].document()
    assert state.reputation.direct.tobytes() == rounds[1][0].reputation.direct.tobytes()
    _, other, _ = with_ledger(data, chain, keys.named("b"), parameters=replace(SMALL, misbehaving=0.0), rounds=2)
    with pytest.raises(InvalidGame, match="a checkpoint must be one of this experiment"):
        other.restore(saved)
    opened = Ledger.start(chain, keys.named("b"), experiment.devices.names)
    odd = Experiment(data, "gfml", SMALL, certify=certify, seed=3, ledger=lambda *_: opened)
    with pytest.raises(InvalidGame, match="the ledger must have the reputations after round 1 of this run"):
        odd.restore(saved)


def test_nobody_tampers_with_a_ledger(data, place):
    with pytest.raises(InvalidGame, match="tampered must be false with a ledger"):
        with_ledger(data, *place, parameters=replace(SMALL, tampered=True))


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("CERTEQ_LEDGER_KEY", raising=False)


def run(folder, *arguments, rounds=2):
    """The exit status of `run` with a ledger in this folder."""
    places = ("--store", str(folder / "s.sqlite"), "--ledger-path", str(folder / "l.sqlite"))
    return main(["run", *TINY, "--rounds", str(rounds), "--ledger", "embedded", *places, *arguments])


def test_a_run_shows_what_the_chain_has(tmp_path, capsys):
    assert run(tmp_path, "--misbehaving", "0.3") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Reputations on the chain after round 2" in told
    assert "attempts to tamper with them: the contract refused each of them" in told
    assert f"python -m models.ledger verify {tmp_path}" in told.replace("verify /", "verify /")
    with reading(str(tmp_path / "l.sqlite")) as ledger:
        assert ledger.status().round == 2
        assert all(check.holds for check in ledger.history.checks())
    assert (tmp_path / "l.sqlite.key").stat().st_mode & 0o077 == 0


def test_a_run_goes_on_and_a_lost_store_records_nothing_twice(tmp_path, capsys):
    assert run(tmp_path, "--json", "-", rounds=1) == 0
    assert run(tmp_path, "--json", "-", rounds=3) == 0
    whole = json.loads(capsys.readouterr().out.split("}\n{")[-1].join(("{", "")))
    with reading(str(tmp_path / "l.sqlite")) as ledger:
        before = ledger.root(), ledger.chain.height
    (tmp_path / "s.sqlite").unlink()
    assert run(tmp_path, "--json", "-", rounds=3) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["rounds"] == whole["rounds"]
    assert again["ledger"]["root"] == f"0x{before[0].hex()}" == whole["ledger"]["root"]
    with reading(str(tmp_path / "l.sqlite")) as ledger:
        assert (ledger.root(), ledger.chain.height) == before


def test_a_sweep_has_a_ledger_for_each_run_that_is_not_tampered(tmp_path, capsys):
    folder = tmp_path / "ledgers"
    options = ("--values", "0.3", "--seeds", "1", "--rounds", "1", "--store", str(tmp_path / "s.sqlite"))
    where = ("--ledger", "embedded", "--ledger-path", str(folder))
    assert main(["sweep", "misbehaving", *TINY, *options, *where]) == 0
    logs = [path for path in folder.iterdir() if path.suffix == ".sqlite"]
    assert len(logs) == 3  # no incentive, and two incentives; the two tampered ones have plain records
    for path in logs:
        with reading(str(path)) as ledger:
            assert ledger.status().round == 1


def test_killed_at_any_moment_a_run_loses_and_doubles_nothing(tmp_path):
    """As the whole command: what the store has is on the chain, once, and the end is that of a run never killed."""
    rng = random.Random(4)
    places = ("--store", str(tmp_path / "s.sqlite"), "--ledger-path", str(tmp_path / "l.sqlite"))
    command = [sys.executable, "-m", "models.gfml", "run", *TINY, "--rounds", "30", "--ledger", "embedded", *places]
    for _ in range(2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            deadline = time.monotonic() + 60
            while not (tmp_path / "s.sqlite").exists() and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.5))
            child.send_signal(signal.SIGKILL)
    assert run(tmp_path, rounds=4) == 0
    other = tmp_path / "other"
    other.mkdir()
    os.link(tmp_path / "l.sqlite.key", other / "l.sqlite.key")
    assert run(other, rounds=4) == 0
    with reading(str(tmp_path / "l.sqlite")) as killed, reading(str(other / "l.sqlite")) as whole:
        pairs = zip(killed.history.rounds(), whole.history.rounds(), strict=False)
        for one, expected in list(pairs)[:4]:
            assert one.records == expected.records
            assert one.payments == expected.payments
        assert all(check.holds for check in killed.history.checks())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--ledger", "paper"), "--ledger must be none, embedded, or the http(s) address of a node, got `paper`"),
        (("--ledger-path", "x"), "--ledger-path goes with --ledger embedded or the address of a node"),
        (("--ledger", "http://127.0.0.1:1", "--ledger-path", "x"), "--ledger-path goes with --ledger embedded"),
        (("--ledger", "embedded", "--tampered"), "--tampered goes without --ledger"),
        (("--ledger", "embedded", "--scheduler", "127.0.0.1:8786"), "--ledger goes without --scheduler"),
        (("--ledger", ""), "--ledger must not be empty"),
    ],
)
def test_options_that_do_not_go_together(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert told in refusal(capsys, main, "run", *TINY, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_does_not_answer_is_told_and_rounds_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CERTEQ_LEDGER_KEY", "11" * 32)
    status = main(["run", *TINY, "--rounds", "1", "--store", str(tmp_path / "s"), "--ledger", "http://127.0.0.1:1"])
    told = capsys.readouterr().err
    assert status == 1
    assert told.count("\n") == 1
    assert "127.0.0.1" in told
    assert "11" * 32 not in told


def test_every_framework_can_keep_a_ledger(data, place):
    chain, keys = place
    for name in FRAMEWORKS:
        ledger, _, _ = with_ledger(data, chain, keys.named(name), framework=name, rounds=1)
        assert ledger.status().round == 1
