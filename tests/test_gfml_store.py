"""The store of finished rounds: what it keeps, what it refuses, and the table that is made of it."""

import csv
import json
import os
import sqlite3
from pathlib import Path

import pytest
from gfml_stand_in import record, unit

from models.gfml import Parameters, _store
from models.gfml._export import export
from models.gfml._store import Store, Unit
from solvers.core import InvalidGame, NotSolved


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results.sqlite")


# --- units --------------------------------------------------------------------------------------------------------


def test_every_field_of_a_unit_is_in_its_key_and_so_is_the_format(monkeypatch):
    units = [unit(), unit("random-random"), unit(seed=1), unit(dataset="mnist"), unit(users=41), unit(centred=False)]
    keys = [one.key for one in units]
    assert len(set(keys)) == len(units)
    assert [Unit("fake", "gfml", 0).key, Unit("fake", "gfml", 0, Parameters(rates=[5, 10])).key] == [keys[0]] * 2
    monkeypatch.setattr(_store, "FORMAT", _store.FORMAT + 1)
    assert unit().key not in keys


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1"])
def test_a_seed_is_a_whole_number_that_sqlite_holds(seed):
    with pytest.raises(InvalidGame, match="seed must be a whole number"):
        unit(seed=seed)


def test_units_come_back_equal(store):
    units = [unit(seed=2**63 - 1, hidden=(5, 4), tampered=True), unit("random-random"), unit(seed=3)]
    for one in units:
        store.save(one, record(1), b"")
    assert set(store.units()) == set(units)
    assert {one.key for one in store.units()} == {one.key for one in units}


def test_units_of_another_format_are_passed_over(store, monkeypatch):
    store.save(unit(), record(1), b"old")
    monkeypatch.setattr(_store, "FORMAT", _store.FORMAT + 1)
    assert store.units() == store.records(unit()) == []
    assert store.checkpoint(unit()) is None
    store.save(unit(), record(1, better=True), b"new")
    assert store.records(unit()) == [record(1, better=True)]


# --- what a store holds -------------------------------------------------------------------------------------------


def test_rounds_are_kept_in_order_with_the_last_checkpoint(store):
    for k in (1, 2, 3):
        store.save(unit(), record(k, prices=[1.5, None], table={"1": 0.1}), bytes([k, 0, 255]))
    assert store.records(unit()) == [record(k, prices=[1.5, None], table={"1": 0.1}) for k in (1, 2, 3)]
    assert [r["round"] for r in store.records(unit(), 2)] == [1, 2]
    assert store.checkpoint(unit()) == bytes([3, 0, 255])
    assert store.records(unit(seed=1)) == []


def test_to_forget_a_unit_spares_the_others(store):
    for one in (unit(), unit(seed=1)):
        store.save(one, record(1), b"state")
    store.forget(unit())
    store.forget(unit())
    assert store.units() == [unit(seed=1)]
    assert (store.records(unit()), store.checkpoint(unit())) == ([], None)


def test_a_round_that_leaves_a_gap_is_refused_with_all_that_came_with_it(store):
    store.save(unit(), record(1), b"1")
    with pytest.raises(InvalidGame, match="round 2 must be stored next, got 3"):
        store.save(unit(), record(3), b"3")
    with pytest.raises(InvalidGame, match="round 2 must be stored next, got 2"):
        store.extend(unit(), [record(2), record(4)], b"4")
    assert (store.records(unit()), store.checkpoint(unit())) == ([record(1)], b"1")


def test_the_same_round_again_changes_nothing_and_another_in_its_place_is_refused(store):
    store.extend(unit(), [record(1), record(2)], b"2")
    store.save(unit(), record(1), b"1")
    assert store.checkpoint(unit()) == b"2"
    with pytest.raises(NotSolved, match="round 1 must be the stored one"):
        store.extend(unit(), [record(1, accuracy_of="another device"), record(3)], b"3")
    assert store.progress(unit()) == ([record(1), record(2)], b"2")


def test_a_record_that_is_not_json_leaves_the_store_as_it_was(store):
    with pytest.raises(ValueError, match="JSON compliant"):
        store.extend(unit(), [record(1), record(2, loss=float("nan"))], b"")
    assert store.units() == []


# --- files that are no store --------------------------------------------------------------------------------------


def another_database(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE units (key TEXT)")
    database.close()


def newer_store(path):
    Store(path).save(unit(), record(1), b"")
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


REFUSED = {
    "text": (lambda path: path.write_text("dear diary, " * 100), "must be an SQLite file, it is another"),
    "short text": (lambda path: path.write_text("x"), "must be an SQLite file, it is another"),
    "another database": (another_database, "it is another database"),
    "a newer store": (newer_store, r"of format 1 at most, it is of 99, which a newer version of certeq wrote"),
    "a folder": (Path.mkdir, "must be a file, it is a folder"),
    "a pipe": (os.mkfifo, "must be a file, it is a folder, a device"),
    "a broken link": (lambda path: path.symlink_to("nowhere"), "broken link"),
}


def looks(path):
    """What would show that somebody has touched the file."""
    status = path.lstat()
    return status.st_mtime_ns, status.st_size, status.st_ino, path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_store_is_refused_in_one_line_and_left_as_it_was(tmp_path, kind):
    make, message = REFUSED[kind]
    path = tmp_path / "results.sqlite"
    make(path)
    before = looks(path)
    with pytest.raises(InvalidGame, match=message) as problem:
        Store(path)
    assert looks(path) == before
    assert list(tmp_path.iterdir()) == [path]
    assert "\n" not in str(problem.value)
    assert str(problem.value).startswith("results.sqlite: ")


@pytest.mark.parametrize("name", ["nowhere/results.sqlite", "x" * 300, "a\0b", "results.sqlite/x"])
def test_a_place_where_no_store_can_be_is_refused(tmp_path, store, name):
    with pytest.raises(InvalidGame):
        Store(tmp_path / name)


def test_a_store_that_must_exist_is_not_made(tmp_path):
    with pytest.raises(InvalidGame, match="there must be a store, there is none"):
        Store(tmp_path / "results.sqlite", existing=True)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    place = Path("/proc") if os.geteuid() == 0 else tmp_path
    if place == tmp_path:
        tmp_path.chmod(0o500)
    elif not place.is_dir():
        pytest.skip("everything can be written by this user")
    with pytest.raises(InvalidGame, match=r"can be (written|read and written)"):
        Store(place / "results.sqlite")


def test_names_that_mean_something_in_an_address_are_names_here(tmp_path):
    path = tmp_path / "a ?mode=ro&#%41é.sqlite"
    Store(path).save(unit(), record(1), b"state")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert Store(path, existing=True).checkpoint(unit()) == b"state"


def test_a_damaged_store_is_told_in_one_line(store):
    store.save(unit(), record(1), os.urandom(100_000))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(InvalidGame, match=r"^results.sqlite: the file must be a store that can be read"):
        store.records(unit())


def test_a_store_is_made_with_the_first_round(store):
    assert (store.records(unit()), store.checkpoint(unit()), store.progress(unit())) == ([], None, ([], None))
    store.forget(unit())
    assert store.units() == []
    assert not store.path.exists()
    Store(store.path).save(unit(), record(1), b"state")
    assert store.progress(unit()) == ([record(1)], b"state")


def test_a_store_that_is_gone_is_not_made_again(store):
    store.save(unit(), record(1), b"")
    store.path.unlink()
    with pytest.raises(InvalidGame, match="must be a store"):
        store.save(unit(), record(1), b"")
    assert not store.path.exists()


def test_a_store_that_stays_locked_is_told_in_one_line(store, monkeypatch):
    monkeypatch.setattr(_store, "PATIENCE", 0.05)
    store.save(unit(seed=1), record(1), b"")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotSolved, match="cannot be used now: database is locked; stored rounds are kept"):
        store.save(unit(), record(1), b"")
    other.close()
    store.save(unit(), record(1), b"")


# --- tables -------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(store):
    good = {"concept": "Stackelberg", "residual": 1e-12, "tolerance": 1e-9, "holds": True}
    for one, evidence in ((unit(), good), (unit("random-random", 1, users=20, hidden=(5, 4)), None)):
        for k in (1, 2):
            rest = {"stable": None, "prices": [5.0, None], "passive": {"1": k / 3}, "certificate": evidence}
            store.save(one, record(k, coalitions=[0, -1], **rest), b"state")
    return store


COLUMNS = [
    *(
        "framework",
        "dataset",
        "seed",
        "parameter_users",
        "parameter_hidden",
        "round",
        "accuracy",
        "coalitions",
        "stable",
    ),
    *(
        "prices",
        "passive_1",
        "certificate_concept",
        "certificate_residual",
        "certificate_tolerance",
        "certificate_holds",
    ),
]


def test_the_csv_table_has_a_row_for_each_round(filled, tmp_path):
    export(filled, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert [(r["framework"], r["seed"], r["round"]) for r in rows] == [
        *(("gfml", "0", "1"), ("gfml", "0", "2"), ("random-random", "1", "1"), ("random-random", "1", "2"))
    ]
    assert [json.loads(r["parameter_hidden"]) for r in rows] == [[80, 60], [80, 60], [5, 4], [5, 4]]
    assert [float(r["passive_1"]) for r in rows] == [1 / 3, 2 / 3] * 2
    assert [r["certificate_holds"] for r in rows] == ["true", "true", "", ""]
    assert (rows[0]["prices"], rows[0]["stable"]) == ("[5.0, null]", "")


def test_a_table_may_have_the_first_rounds_alone(filled, tmp_path):
    export(filled, tmp_path / "results.csv", rounds=1)
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        assert [row["round"] for row in csv.DictReader(file)] == ["1", "1"]


def test_the_parquet_table_has_the_same_rows_with_types(filled, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(filled, tmp_path / "results.parquet", [unit()])
    table = parquet.read_table(tmp_path / "results.parquet")
    assert table.column_names == [name for name in COLUMNS if not name.startswith("parameter_")]
    assert table["round"].to_pylist() == [1, 2]
    assert table["accuracy"].to_pylist() == [1 / 7, 2 / 7]
    assert table["certificate_holds"].to_pylist() == [True, True]
    export(filled, tmp_path / "all.parquet")
    assert parquet.read_table(tmp_path / "all.parquet")["certificate_holds"].to_pylist() == [True, True, None, None]


def test_what_cannot_be_exported_leaves_the_file_as_it_was(store, filled, tmp_path, monkeypatch):
    with pytest.raises(InvalidGame, match=r"must be a \.csv or \.parquet file, got \.xlsx"):
        export(filled, tmp_path / "results.xlsx")
    with pytest.raises(InvalidGame, match="there must be a stored round to export, there is none"):
        export(filled, tmp_path / "results.csv", [unit(seed=99)])
    with pytest.raises(OSError, match="results"):
        export(filled, tmp_path / "nowhere" / "results.csv")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotSolved, match=r"needs pyarrow: install certeq\[parquet\]"):
        export(filled, tmp_path / "results.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["results.sqlite"]
