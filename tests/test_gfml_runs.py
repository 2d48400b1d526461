"""Units played and resumed: a kill loses nothing, whoever plays them and however many at once."""

import importlib
import logging
import os
import pickle
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest
from gfml_stand_in import Fake, StandIn, certify, replaced, uninterrupted, unit

from models.data import Dataset
from models.fml import Diverged
from models.gfml import _runs, _workers
from models.gfml._play import Plan
from models.gfml._runs import run_all, run_unit
from models.gfml._store import Store
from solvers.core import InvalidGame, NotSolved

TESTS = Path(__file__).parent
PRELUDE = """
import os, signal, sqlite3, sys
sys.path.insert(0, sys.argv[1])
from gfml_stand_in import Fake, StandIn, certify, run_unit, unit
from models.gfml._store import Store
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results.sqlite")


@pytest.fixture(autouse=True)
def stand_in():
    with replaced():
        yield


def child(program, *arguments):
    """A Python process that runs `program` with the names of the stand-in."""
    command = [sys.executable, "-c", PRELUDE + program, str(TESTS), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# --- resumed runs -------------------------------------------------------------------------------------------------


def test_only_what_is_missing_is_played_and_the_answer_is_the_first_rounds(store):
    seen = []
    data = Fake()("fake")
    first = run_unit(unit(), 3, data, certify=certify, store=store, on_round=seen.append)
    longer = run_unit(unit(), 5, data, certify=certify, store=store, on_round=seen.append)
    shorter = run_unit(unit(), 2, data, certify=certify, store=store, on_round=seen.append)
    assert longer == seen == store.records(unit()) == uninterrupted(unit(), 5)
    assert (first, shorter) == (longer[:3], longer[:2])


def test_a_unit_wants_its_own_data_and_a_number_of_rounds(store):
    data = Fake()("other")
    with pytest.raises(InvalidGame, match="dataset must be the unit's, `fake`, got `other`"):
        run_unit(unit(), 1, data, certify=certify)
    with pytest.raises(InvalidGame, match="rounds must be a whole number of at least 1, got 0"):
        run_unit(unit(), 0, data, certify=certify)


def test_a_unit_that_diverges_is_named_and_keeps_its_rounds(store):
    with pytest.raises(Diverged, match=r"^diverges on fake, seed 4, users 20: round 3: the loss of user 7 is not"):
        run_unit(unit("diverges", 4, users=20), 9, Fake()("fake"), certify=certify, store=store)
    assert [r["round"] for r in store.records(unit("diverges", 4, users=20))] == [1, 2]


@pytest.mark.parametrize("kept", [True, False])
def test_too_little_memory_is_told_with_what_to_do(store, kept):
    one = unit("hungry", 2)
    with pytest.raises(NotSolved) as problem:
        run_unit(one, 9, Fake()("fake"), certify=certify, store=store if kept else None)
    told = "hungry on fake, seed 2: needs more memory than there is; lower the batch or the users"
    assert str(problem.value) == told + "; stored rounds are kept" * kept
    with pytest.raises(RuntimeError, match=r"^a mistake in the program$"):
        run_unit(unit("broken"), 9, Fake()("fake"), certify=certify)


LONG = """
for k in range(10_000):
    run_unit(unit(), k + 1, Fake()("fake"), certify=certify, store=Store(sys.argv[2]))
    print(k + 1, flush=True)
"""


def test_a_run_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path):
    path, rng = tmp_path / "results.sqlite", random.Random(5)
    reached = 0
    for _ in range(2):
        process = child(LONG, path)
        for _ in range(rng.randint(1, 12) + reached):
            process.stdout.readline()
        time.sleep(rng.random() * 0.02)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        records, checkpoint = Store(path).progress(unit())
        assert len(records) > reached
        reached = len(records)
        assert StandIn.restore(None, checkpoint).round == reached
    played = []
    again = run_unit(unit(), reached + 5, Fake()("fake"), certify=certify, store=Store(path), on_round=played.append)
    assert again == uninterrupted(unit(), reached + 5)
    assert len(played) == 5


# The state is larger than SQLite's cache, so that a part of it is in the file by then.
WITHIN = """
StandIn.size = 500_000
data = Fake()("fake")
store = Store(sys.argv[2])
run_unit(unit(), 2, data, certify=certify, store=store)
class Dying(sqlite3.Connection):
    def execute(self, statement, *parameters):
        if statement.startswith(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(statement, *parameters)
real = sqlite3.connect
sqlite3.connect = lambda *a, **how: real(*a, **how, factory=Dying)
run_unit(unit(), 3, data, certify=certify, store=store)
"""


@pytest.mark.parametrize("statement", ["INSERT OR REPLACE INTO checkpoints", "COMMIT"])
def test_a_run_killed_within_a_transaction_leaves_the_round_before(tmp_path, monkeypatch, statement):
    monkeypatch.setattr(StandIn, "size", 500_000)
    path = tmp_path / "results.sqlite"
    process = child(WITHIN, path, statement)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    if statement == "COMMIT":  # there is something to undo
        assert {file.name for file in tmp_path.iterdir()} == {"results.sqlite", "results.sqlite-journal"}
    store = Store(path)
    records, checkpoint = store.progress(unit())
    assert ([r["round"] for r in records], StandIn.restore(None, checkpoint).round) == ([1, 2], 2)
    assert run_unit(unit(), 4, Fake()("fake"), certify=certify, store=store) == uninterrupted(unit(), 4)
    assert [file.name for file in tmp_path.iterdir()] == ["results.sqlite"]


BESIDE = """
for seed in (0, int(sys.argv[3])):
    run_unit(unit(seed=seed), 30, Fake()("fake"), certify=certify, store=Store(sys.argv[2]))
"""


def test_processes_write_at_once_different_units_and_the_same(tmp_path):
    path = tmp_path / "results.sqlite"
    processes = [child(BESIDE, path, seed) for seed in (1, 2)]  # the store is made by either, too
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    for seed in (0, 1, 2):
        assert Store(path).records(unit(seed=seed)) == uninterrupted(unit(seed=seed), 30)


# --- many units ---------------------------------------------------------------------------------------------------


def found(units, rounds=4, *, path, folder="", **how):
    return dict(run_all(units, rounds, datasets=Fake(str(folder)), certify=certify, store_path=path, **how))


def test_units_are_played_once_and_the_finished_ones_come_first(store):
    run_unit(unit(seed=2), 6, Fake()("fake"), certify=certify, store=store)
    seen = []
    units = [unit(seed=1), unit(seed=2), unit(seed=1)]
    answer = found(units, path=store.path, on_round=lambda one, r: seen.append((one.seed, r["round"])))
    assert list(answer) == [unit(seed=2), unit(seed=1)]
    assert answer == {one: uninterrupted(one, 4) for one in answer}
    assert seen == [(1, k) for k in (1, 2, 3, 4)]


def test_without_a_store_everything_is_played():
    assert found([unit()], path=None) == {unit(): uninterrupted(unit(), 4)}


def test_data_are_loaded_once_and_not_at_all_for_what_is_stored(store):
    loaded = []

    def loader(name):
        loaded.append(name)
        return Fake()(name)

    how = {"datasets": loader, "certify": certify, "store_path": store.path}
    list(run_all([unit(seed=k) for k in range(3)], 1, **how))
    list(run_all([unit(seed=k) for k in range(3)], 1, **how))
    assert loaded == ["fake"]


@pytest.mark.parametrize("workers", [1, 2])
def test_who_diverges_is_told_when_the_others_are_finished(store, workers):
    units = [unit("diverges", 0), unit(seed=1), unit("hungry", 2, steps=3), unit(seed=3)]
    seen = []
    stopped = "(diverges seed 0|hungry seed 2 steps 3)$"
    with pytest.raises(NotSolved, match=rf" on fake, seed [02].*; 1 more of 4 units did not finish: {stopped}"):
        seen.extend(
            one
            for one, _ in run_all(units, 4, datasets=Fake(), certify=certify, store_path=store.path, workers=workers)
        )
    assert set(seen) == {unit(seed=1), unit(seed=3)}
    assert [len(store.records(one)) for one in units] == [2, 4, 2, 4]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        *(
            ({"scheduler": address}, f"scheduler must be an address such as host:8786, got `{address}`")
            for address in ("nonsense", "", "127.0.0.1", "bogus://x:1", "host:0", "host:70000", "tcp://:1")
        ),
        ({"workers": 0}, "workers must be a whole number of at least 1, got 0"),
        ({"workers": 2, "scheduler": "host:1"}, "workers must not be given beside a scheduler"),
        ({"rounds": 0}, "rounds must be a whole number"),
        ({"datasets": {}}, "datasets must have `fake` for gfml on fake, seed 0, it has not"),
        ({"datasets": {}, "scheduler": "host:1"}, "datasets must be a function of the name for a scheduler"),
    ],
)
def test_bad_input_is_refused_before_anything_is_played(tmp_path, how, message):
    given = {"rounds": 1, "datasets": Fake(), "certify": certify, "store_path": tmp_path / "results.sqlite"} | how
    with pytest.raises(InvalidGame, match=message):
        run_all([unit()], **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("library", "how"), [("joblib", {"workers": 2}), ("distributed", {"scheduler": "host:1"})])
def test_a_missing_library_is_told_with_its_extra(store, monkeypatch, library, how):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    extra = {"joblib": "workers", "distributed": "dask"}[library]
    with pytest.raises(NotSolved, match=rf"need.* {library}: install certeq\[{extra}\]$"):
        found([unit()], path=store.path, **how)


def test_processes_find_the_same_as_one_and_their_data_are_protected(store):
    units = [unit(seed=k) for k in range(4)]
    seen = []
    answer = found(units, path=store.path, workers=2, on_round=lambda one, r: seen.append((one, r["round"])))
    assert answer == {one: uninterrupted(one, 4) for one in units}
    assert answer == {one: store.records(one) for one in units}
    assert all(r["protected"] for records in answer.values() for r in records)
    assert sorted(seen, key=str) == sorted([(one, k) for one in units for k in (1, 2, 3, 4)], key=str)


def test_data_in_memory_are_sent_to_processes_as_they_are():
    data = Dataset("fake", [[0.0, 0.5], [1.0, 0.25]], [0, 1], 2, ["cat", "dog"])
    loader = _runs._loader({"fake": data}, [unit()], 2, None)
    sent = pickle.loads(pickle.dumps(loader))  # noqa: S301  # made here
    again = sent("fake")
    assert (again.name, again.classes, again.class_names) == (data.name, data.classes, data.class_names)
    assert again.images.tobytes() == data.images.tobytes()
    assert again.labels.tobytes() == data.labels.tobytes()
    assert not again.images.flags.writeable
    assert not again.labels.flags.writeable
    assert (sent, hash(sent)) == (loader, hash(loader))  # so that a process builds them once


def test_a_process_whose_parent_has_ended_stops_after_the_round(store, monkeypatch):
    def leave(status):
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(SystemExit):
        _workers._in_process(0, unit(), Plan(5, certify), Fake(), store)
    assert len(store.records(unit())) == 1


def test_a_process_that_is_killed_costs_no_finished_round(tmp_path, store):
    units = [unit("dies once", 1), *(unit(seed=k) for k in range(2, 5))]
    with pytest.raises(
        NotSolved, match=r"a worker process was killed.*; stored rounds are kept: run it again to go on"
    ):
        found(units, path=store.path, workers=2, folder=tmp_path)
    assert len(store.records(units[0])) == 2
    answer = found(units, path=store.path, workers=2, folder=tmp_path)
    assert answer == {one: uninterrupted(unit(seed=one.seed), 4) for one in units}


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with a worker, which is replaced when it dies."""
    import dask
    from distributed import LocalCluster

    where = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, silence_logs=logging.CRITICAL, **where
        ) as there,
    ):
        yield there.scheduler_address


def test_machines_lose_no_result_when_a_worker_is_killed(tmp_path, store, scheduler):
    units = [unit("dies once", 1), unit("diverges", 2), *(unit(seed=k) for k in range(3, 6))]
    run_unit(units[2], 3, Fake()("fake"), certify=certify, store=store)  # begun here
    told, answer = [], {}
    with pytest.raises(NotSolved, match=r"^diverges on fake, seed 2: round 3: the loss of user 7 is not finite$"):
        answer.update(
            run_all(
                units,
                4,
                datasets=Fake(str(tmp_path)),
                certify=certify,
                store_path=store.path,
                scheduler=scheduler,
                on_round=lambda one, r: told.append((one, r["round"])),
            )
        )
    assert (tmp_path / "died 1").exists()
    assert answer == {one: uninterrupted(unit(seed=one.seed), 4) for one in units if one.framework != "diverges"}
    assert len(store.records(units[1])) == 2
    assert [k for one, k in told if one == units[2]] == [4]
    for one in answer:  # the checkpoint came along
        assert run_unit(one, 6, Fake()("fake"), certify=certify, store=store)[:4] == answer[one]


LOST = {
    "workers": (
        lambda: importlib.import_module("distributed").KilledWorker("task", None, 3),
        "^gfml on fake, seed 0: the workers that .* were lost",
    ),
    "scheduler": (lambda: CancelledError("task"), r"^the scheduler at host:1 was lost$"),
    "certeq": (lambda: ModuleNotFoundError("No module named 'models'"), r"the workers of host:1 need certeq\[fml\]"),
}


@pytest.mark.parametrize("what", LOST)
def test_what_is_lost_on_the_way_is_told(what):
    error, message = LOST[what]

    def result():
        raise error()

    try:
        told = _workers._answer(SimpleNamespace(result=result), unit(), "host:1", None)[2]
    except NotSolved as problem:
        told = str(problem)
    assert re.match(message, told)


def test_machines_with_another_version_are_refused():
    with pytest.raises(NotSolved, match="the workers must have the same version of certeq as this process"):
        _workers._on_machine(unit(), "key of another format", Plan(1, certify), Fake(), None)


def test_only_a_few_of_many_that_did_not_finish_are_named():
    units = [unit("diverges", k, users=20 + k % 2, batch=8) for k in range(7)]
    told = "diverges seed 1 users 21, diverges seed 2 users 20, diverges seed 3 users 21, and 3 more"
    assert _runs._others(units[1:], units) == f"; 6 more of 7 units did not finish: {told}"


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "tcp://[::1]:{port}", "tls://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_told_in_one_line(store, monkeypatch, address):
    monkeypatch.setattr(_workers, "ANSWER", 0.3)
    run_unit(unit(), 4, Fake()("fake"), certify=certify, store=store)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        address = address.format(port=free.getsockname()[1])
        answers = run_all(
            [unit(seed=1), unit()], 4, datasets=Fake(), certify=certify, store_path=store.path, scheduler=address
        )
        assert next(answers)[0] == unit()
        rule = re.escape(f"there must be a Dask scheduler at `{address}`, none answers")
        with pytest.raises(NotSolved, match=rf"^{rule}.*; stored rounds are kept: run it again to go on$"):
            next(answers)


def test_another_service_is_no_scheduler(store, monkeypatch):
    monkeypatch.setattr(_workers, "ANSWER", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with server.accept()[0] as guest:
                guest.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" + b" " * 1000)
                guest.recv(100)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(NotSolved, match=r"there must be a Dask scheduler at .*, what answers is none$"):
            found([unit()], path=store.path, scheduler=f"127.0.0.1:{server.getsockname()[1]}")
    assert not store.path.exists()
