"""`python -m models.ledger`: what it shows, verifies, writes and refuses."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from commands import ROOT, into_a_closed_pipe, refusal, started
from rich.console import Console

from models.gfml import Parameters
from models.gfml.__main__ import main as play
from models.gfml._ledgers import Where
from models.gfml._store import Unit
from models.ledger import EmbeddedChain, Keys, Ledger, Page, Terms, keys_for, reading, writing
from models.ledger.__main__ import main
from models.ledger._ledger import Sender
from models.ledger._options import COMMANDS, parsed
from models.ledger._page import Done, calls
from models.ledger._report import shown, told
from models.reputation import Record
from solvers.core import NotSolved

pytest_plugins = ["ledger_chains"]

NAMES = ["user 0", "user 2", "用户 10", "user 9"]
TERMS = Terms(threshold=0.5, reputation_incentive=5.0, highest_price=15.0, model=bytes(32), steps=10)
ABOUT = ["chain_id", "height", "contract", "provider", "miners", "forgetting", "unit", "round", "phase"]
ABOUT += ["contributions", "escrow", "root", "coalition_chain"]
PROOF = ["index", "round", "user", "head", "training", "slack", "contribution", "siblings", "root", "holds"]
COLUMNS = ["round", "user", "head", "training", "slack", "contribution", "reputation", "paid_wei", "block", "leaf"]
CHECKS = ["order", "contributions", "reputations", "Merkle root", "coalition chain", "heads", "money"]
SECRET = "5e" * 32


def page(k):
    records = [Record(round=k, user=0, head=1, training=-0.25, slack=5.0), Record(k, 3, 1, 0.5, 2.0)]
    return Page(
        round=k, heads=[1], slots=[0, 0, -1, 0], prices=[10.0], records=records, shares={0: (0.4, 0.5)}, terms=TERMS
    )


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("CERTEQ_LEDGER_KEY", "CERTEQ_LEDGER_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The path of a ledger with two rounds, and the root after each."""
    path = tmp_path_factory.mktemp("ledger") / "l.sqlite"
    with writing(str(path)) as (chain, keys):
        ledger, roots = Ledger.start(chain, keys, NAMES), []
        for k in (1, 2):
            ledger.write(page(k))
            roots.append("0x" + ledger.root().hex())
    return path, roots


@pytest.fixture
def log(made, tmp_path):
    """A copy of it."""
    for path in made[0].parent.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / "l.sqlite"


def answer(capsys, *arguments, status=0):
    """The JSON on standard output."""
    assert main([*map(str, arguments), "--json", "-"]) == status
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"JSON holds {name}"))


def table(capsys, *arguments, status=0):
    assert main([*map(str, arguments)]) == status
    return capsys.readouterr()


# --- what scripts depend on -----------------------------------------------------------------------------------------


def test_the_json_of_show(made, capsys):
    found = answer(capsys, "show", made[0])
    assert list(found) == [*ABOUT, "users"]
    assert [list(user) for user in found["users"]] == [["name", "account", "reputation", "credit"]] * 4
    assert [user["name"] for user in found["users"]] == NAMES
    assert (found["round"], found["phase"], found["contributions"], found["root"]) == (2, "over", 4, made[1][1])


def test_the_json_of_verify(made, capsys):
    found = answer(capsys, "verify", made[0])
    assert list(found) == [*ABOUT, "checks"]
    assert [check["name"] for check in found["checks"]] == CHECKS
    assert [list(check) for check in found["checks"]] == [["name", "holds", "detail"]] * len(CHECKS)
    assert all(check["holds"] is True for check in found["checks"])


def test_the_json_of_a_proof(made, capsys):
    found = answer(capsys, "verify", made[0], "--user", "user 9", "--round", 2)
    assert list(found) == [*ABOUT, "checks", "proof"]
    assert list(found["proof"]) == [*PROOF, "user_name", "head_name"]
    assert (found["proof"]["user_name"], found["proof"]["head_name"]) == ("user 9", "user 2")
    assert (found["proof"]["user"], found["proof"]["training"]) == (3, str(5 * 10**17))
    assert (found["proof"]["root"], found["proof"]["holds"]) == (made[1][1], True)


def test_the_json_of_history(made, capsys):
    found = answer(capsys, "history", made[0], "user 0")
    assert list(found) == [*ABOUT, "user", "history"]
    keys = ["round", "coalition", "head", "leads", "training", "slack", "contribution", "total", "paid"]
    assert [list(entry) for entry in found["history"]] == [keys] * 2
    first = found["history"][0]
    assert (first["head"], first["training"], first["slack"], first["paid"]) == (
        "user 2",
        -0.25,
        5.0,
        6_500_000_000_000,
    )
    outside = answer(capsys, "history", made[0], 10)["history"][1]
    assert [outside[key] for key in keys[1:]] == [None, None, False, None, None, None, None, 0]


def test_the_columns_of_an_export_with_and_without_rounds(made, tmp_path, capsys):
    assert "4 contributions written to " in table(capsys, "export", made[0], tmp_path / "all.csv").out
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [COLUMNS] * 4
    assert [row["user"] for row in rows] == ["user 0", "user 9"] * 2
    assert main(["export", str(made[0]), str(tmp_path / "all.json")]) == 0
    whole = json.loads((tmp_path / "all.json").read_text())
    assert [[str(value) for value in row.values()] for row in whole] == [list(row.values()) for row in rows]
    new = str(tmp_path / "new.sqlite")
    assert main(["init", new, "--users", "1"]) == 0
    assert main(["export", new, str(tmp_path / "none.csv")]) == 0
    assert (tmp_path / "none.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_json_in_a_file_comes_beside_the_tables(made, tmp_path, capsys):
    out, err = table(capsys, "show", made[0], "--json", tmp_path / "o.json")
    assert err == ""
    assert "reputation" in out
    assert list(json.loads((tmp_path / "o.json").read_text())) == [*ABOUT, "users"]


def test_reading_needs_no_key_and_leaves_the_files_as_they_are(log, capsys):
    (log.parent / "l.sqlite.key").unlink()
    before = {path.name: path.read_bytes() for path in log.parent.iterdir()}
    for arguments in (("show",), ("verify",), ("history", "user 0")):
        table(capsys, arguments[0], log, *arguments[1:])
    assert {path.name: path.read_bytes() for path in log.parent.iterdir()} == before


# --- users ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [("user 2", "user 2"), ("2", "user 2"), ("9", "user 9"), ("009", "user 9"), ("0", "user 0"), ("10", "用户 10")],
)
def test_a_user_is_known_by_name_or_by_the_number_in_it(made, capsys, text, name):
    assert answer(capsys, "history", made[0], text)["user"] == name


@pytest.mark.parametrize("text", ["1", "3", "-1", "", "user", "²", "\udcff", "9" * 5000, "a\nb\x1b[31m"])
def test_a_user_that_is_not_there_is_refused(made, capsys, text):
    told = refusal(capsys, main, "history", made[0], text)
    assert told.startswith("error: user must be a name, or the number in one, got `")
    assert len(told) < 300


def test_where_names_have_no_numbers_they_are_counted(tmp_path, capsys):
    place = str(tmp_path / "l")
    table(capsys, "init", place, "--names", "ann, bob b")
    assert answer(capsys, "history", place, "1")["user"] == "bob b"
    assert "known: ann, bob b" in refusal(capsys, main, "history", place, "2")


# --- proofs and roots -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answered(made, tmp_path_factory):
    """What `verify` writes of a contribution of round 1."""
    path = tmp_path_factory.mktemp("proof") / "p.json"
    assert main(["verify", str(made[0]), "--user", "9", "--round", "1", "--json", str(path)]) == 0
    return path.read_text()


@pytest.fixture
def proof(answered, tmp_path):
    """It in a file, and the part that is the proof."""
    path = tmp_path / "p.json"
    path.write_text(answered)
    return path, json.loads(answered)["proof"]


def test_a_proof_needs_nothing_but_its_root(made, proof, capsys):
    path, part = proof
    out = table(capsys, "verify", path, "--root", made[1][1]).out
    assert "It is contribution 1, from 0, under the root" in out
    assert "holds" in out
    path.write_text("\n" + json.dumps(part))  # what is under "proof" is enough
    found = answer(capsys, "verify", path, "--root", made[1][1])
    assert list(found) == ["proof"]
    assert list(found["proof"]) == PROOF
    assert (found["proof"]["holds"], found["proof"]["root"]) == (True, made[1][1])
    assert "does not hold" in table(capsys, "verify", path, "--root", made[1][0], status=1).out
    assert answer(capsys, "verify", path, "--root", made[1][0], status=1)["proof"]["holds"] is False


@pytest.mark.parametrize("name", ["index", "round", "user", "head", "training", "slack", "contribution", "siblings"])
def test_a_proof_of_anything_else_does_not_hold(made, proof, capsys, name):
    path, part = proof
    value = part[name]
    other = {int: lambda: value + 1, str: lambda: str(int(value) + 1), list: lambda: [*value[1:], value[0]]}
    path.write_text(json.dumps(part | {name: other[type(value)]()}))
    table(capsys, "verify", path, "--root", made[1][1], status=1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"index": None}, "p.json: index must be a whole number, got none"),
        ({"index": True}, "p.json: index must be a whole number, got True"),
        ({"index": -1}, "index must be in 0 to 2**32 - 1, got -1"),
        ({"training": 0.5}, "p.json: training must be a string of a whole number, got 0.5"),
        ({"slack": "9" * 90}, "p.json: slack must be a string of a whole number"),
        ({"contribution": "-1"}, "a contribution must be six numbers of 256 bits"),
        ({"siblings": []}, "siblings must be 32 hashes of 32 bytes, got 0"),
        ({"siblings": ["0x12"]}, "p.json: siblings must be hashes, each 0x and 64 hexadecimal digits"),
        ({"siblings": None}, "p.json: siblings must be hashes, each 0x and 64 hexadecimal digits"),
    ],
)
def test_what_is_no_proof_is_refused(made, proof, capsys, changed, told):
    path, part = proof
    path.write_text(json.dumps(part | changed))
    assert told in refusal(capsys, main, "verify", path, "--root", made[1][1])


@pytest.mark.parametrize("text", ["{", "{}", '{"proof": 1}', '{"index": 1, "index": 2}', '{"a": ' * 100_000])
def test_other_json_is_refused(made, tmp_path, capsys, text):
    path = tmp_path / "p.json"
    path.write_text(text)
    assert "p.json" in refusal(capsys, main, "verify", path, "--root", made[1][1])


def test_a_proof_goes_with_a_root_alone(made, proof, capsys):
    path, _ = proof
    kept = path.read_bytes()
    root = ("--root", made[1][1])
    assert "give it by --root" in refusal(capsys, main, "verify", path)
    assert "go with a ledger, not with a proof" in refusal(
        capsys, main, "verify", path, *root, "--user", 9, "--round", 1
    )
    assert "go with a ledger" in refusal(capsys, main, "verify", path, *root, "--contract", "0x" + "00" * 20)
    assert "none of the inputs" in refusal(capsys, main, "verify", path, *root, "--json", path)
    assert path.read_bytes() == kept
    assert "it is another file" in refusal(capsys, main, "show", path)


def test_a_ledger_is_known_by_every_root_it_had(made, capsys):
    for root, detail in zip(made[1], ["was that after round 1", "is the root now"], strict=True):
        found = answer(capsys, "verify", made[0], "--root", root)
        assert found["checks"][-1] == {"name": "root given", "holds": True, "detail": detail}
    found = answer(capsys, "verify", made[0], "--root", "0x" + "ab" * 32, status=1)
    assert found["checks"][-1] == {"name": "root given", "holds": False, "detail": "was of no round"}


# --- rounds that are not over, and several contracts ----------------------------------------------------------------


@pytest.mark.parametrize(("count", "phase", "records"), [(1, "recruited", 0), (2, "formed", 0), (3, "formed", 2)])
def test_a_round_that_is_not_over_is_told(log, tmp_path, capsys, count, phase, records):
    with writing(str(log)) as (chain, keys):
        ledger = Ledger.start(chain, keys, NAMES)
        todo = list(calls(page(3), keys, Done(0, 4, frozenset(), frozenset()), value=10**18))
        Sender(chain, keys.root).send(todo[:count], ledger.address)
    assert f"3 rounds, the last one {phase} and not over" in " ".join(table(capsys, "show", log).out.split())
    assert answer(capsys, "verify", log)["contributions"] == 4 + records
    last = answer(capsys, "history", log, 0)["history"][-1]
    assert (last["round"], last["training"]) == (3, -0.25 if records else None)
    table(capsys, "export", log, tmp_path / "x.csv")
    if not records:
        assert "must have a contribution in round 3" in refusal(capsys, main, "verify", log, "--user", 0, "--round", 3)


def test_of_several_contracts_one_must_be_named(log, capsys):
    with writing(str(log)) as (chain, keys):
        other = Ledger.start(chain, keys.named("other"), ["ann"]).address
    told = refusal(capsys, main, "verify", log)
    assert "there are 2 contracts in the log: give one by --contract" in told
    assert other in told
    assert answer(capsys, "show", log, "--contract", other)["users"][0]["name"] == "ann"
    assert answer(capsys, "show", log, "--contract", other.lower())["contributions"] == 0
    stranger = "0x" + "12" * 20
    assert f"there must be a ledger at {stranger}" in refusal(capsys, main, "show", log, "--contract", stranger)


def test_a_log_without_a_contract_is_told(tmp_path, capsys):
    EmbeddedChain.create(tmp_path / "l").close()
    for command in ("show", "verify"):
        assert "there must be a contract in the log, there is none yet" in refusal(
            capsys, main, command, tmp_path / "l"
        )


# --- what is refused ------------------------------------------------------------------------------------------------


def test_a_corrupted_log_is_status_1_for_verify_and_2_for_all_others(log, capsys):
    """A byte in the middle of a block's transactions."""
    with sqlite3.connect(log) as database:
        (body,) = database.execute("SELECT body FROM blocks WHERE number = 2").fetchone()
    database.close()
    content = bytearray(log.read_bytes())
    content[content.index(body[:64]) + 20] ^= 1
    log.write_bytes(content)
    out, err = table(capsys, "verify", log, status=1)
    assert out == ""
    assert err == f"error: block 2: {log}: it must be what was written, its hash shows that it is not\n"
    for arguments in (("show",), ("history", "user 0"), ("export", str(log.parent / "x.csv"))):
        assert refusal(capsys, main, arguments[0], log, *arguments[1:]) == err
    assert refusal(capsys, main, "init", log, "--users", 3) == err


@pytest.mark.parametrize("command", ["show", "verify", "history", "export"])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing", "there is none"),
        ("", "it is a folder or a device"),
        ("text", "it is another file"),
        ("empty", "it is another file"),
        ("other.sqlite", "it is another database"),
        ("no/such", "there is none"),
        ("mi\nss\x1b[31m", "mi\\nss\\x1b[31m: there must be the log of a ledger, there is none"),
    ],
)
def test_what_is_no_ledger_is_refused_and_stays(tmp_path, capsys, command, name, told):
    (tmp_path / "text").write_text("my diary")
    (tmp_path / "empty").touch()
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    more = {"history": ["0"], "export": [tmp_path / "x.csv"]}.get(command, [])
    assert told in refusal(capsys, main, command, tmp_path / name, *more)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "command must be one of init, show, verify, history, export, got none"),
        (("sow",), "got `sow`; did you mean `show`?"),
        (("show",), "the following arguments are required: FILE-OR-URL"),
        (("show", ""), "FILE-OR-URL must not be empty"),
        (("show", "l", "--json", ""), "--json must not be empty"),
        (("show", "l", "--contract", "0x12"), "--contract must be 0x and 40 hexadecimal digits, got 4 characters"),
        (("show", "l", "--contract", SECRET), "--contract must be 0x and 40 hexadecimal digits, got 64 characters"),
        (("show", "l", "--contract", ""), "--contract must be 0x and 40 hexadecimal digits, got 0 characters"),
        (("verify", "l", "--root", SECRET), "--root must be 0x and 64 hexadecimal digits, got 64 characters"),
        (("verify", "l", "--user", "x"), "--user and --round go together"),
        (("verify", "l", "--user", "x", "--round", "y"), "argument --round: must be a whole number, got `y`"),
        (("export", "l"), "the following arguments are required: P"),
        (("export", "l", ""), "P must not be empty"),
        (("export", "l", "x.xls"), "the table must end in .csv or .json, got `x.xls`"),
        (("export", "l", "no/x.csv"), "output must be a file in a folder that can be written, got no/x.csv"),
        (("init", "l"), "init needs either --users or --names"),
        (("init", "l", "--users", "2", "--names", "a"), "init needs either --users or --names"),
        (("init", "l", "--users", "0"), "--users must be 1 to 65,534, got 0"),
        (("init", "l", "--users", "70000"), "--users must be 1 to 65,534, got 70,000"),
        (("init", "l", "--users", "1" * 5000), "argument --users: must be a whole number, got `111"),
        (("init", "l", "--names", ""), "each of --names must be 1 to 64 bytes of printable text, got ``"),
        (("init", "l", "--names", "a,"), "each of --names must be 1 to 64 bytes of printable text, got ``"),
        (("init", "l", "--names", "ü" * 33), "each of --names must be 1 to 64 bytes of printable text"),
        (("init", "l", "--names", "\udcff"), "each of --names must be 1 to 64 bytes of printable text, got `\\udcff`"),
        (("init", "l", "--names", "\x1b[31m"), "got `\\x1b[31m`"),
        (("init", "l", "--names", "a, a"), "--names must be different"),
        (("init", "l", "--users", "2", "--forgetting", "nan"), "must be a finite number, got `nan`"),
        (("init", "l", "--users", "2", "--forgetting", "1.5"), "--forgetting must be 0 to 1, got 1.5"),
        (("init", "l", "--users", "2", "--keystore", ""), "--keystore must not be empty"),
        (("init", "l", "--users", "2", "--keystore", "k"), "CERTEQ_LEDGER_PASSWORD must be set, it is not"),
        (("init", "no/l", "--users", "2"), "key file no/l.key cannot be made: No such file or directory"),
        (("init", ".", "--users", "2"), "it is a folder or a device"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = refusal(capsys, main, *arguments)
    assert told in found
    assert SECRET not in found
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("suffix", ["", ".key", ".seal", "-journal"])
def test_no_output_is_a_file_of_the_ledger(log, capsys, suffix):
    place = f"{log}{suffix}"
    before = {path.name: path.read_bytes() for path in log.parent.iterdir()}
    for arguments in (("show", log), ("verify", log), ("history", log, 0), ("init", log, "--users", 2)):
        assert "none of the inputs" in refusal(capsys, main, *arguments, "--json", place)
    assert {path.name: path.read_bytes() for path in log.parent.iterdir()} == before


def test_an_export_and_a_keystore_are_files_of_their_own(log, capsys):
    table_like = log.rename(log.with_suffix(".csv"))
    assert "none of the inputs" in refusal(capsys, main, "export", table_like, table_like)
    (log.parent / "k").write_text("{}")
    told = refusal(capsys, main, "init", log, "--users", 2, "--keystore", log.parent / "k", "--json", log.parent / "k")
    assert "none of the inputs" in told


def test_a_run_writes_nothing_over_its_ledger(made, log, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = log.read_bytes(), (tmp_path / "l.sqlite.key").read_bytes()
    where = ("run", "--ledger", "embedded", "--ledger-path", "l.sqlite")
    for option, name in (("--json", "l.sqlite"), ("--json", "./l.sqlite.key"), ("--store", "l.sqlite-journal")):
        told = refusal(capsys, play, *where, option, name)
        assert "the store and outputs must not be files of a ledger, got " in told
    assert "l.sqlite: the store must be a file of this program" in refusal(capsys, play, *where, "--store", "l.sqlite")
    (tmp_path / "many").mkdir()
    many = ("compare", "--ledger", "embedded", "--ledger-path", "many")
    assert "must not be files of a ledger" in refusal(capsys, play, *many, "--export", "many/x.csv")
    assert (log.read_bytes(), (tmp_path / "l.sqlite.key").read_bytes()) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--ledger-path", "."), "--ledger-path must be a file of a ledger, or a new one in a folder"),
        (("run", "--ledger-path", "text"), "--ledger-path must be a file of a ledger, or a new one in a folder"),
        (("run", "--ledger-path", "no/l"), "--ledger-path must be a file of a ledger, or a new one in a folder"),
        (("compare", "--ledger-path", "text"), "--ledger-path must be a folder, or a new one in a folder"),
        (("sweep", "users", "--ledger-path", "no/l"), "--ledger-path must be a folder, or a new one in a folder"),
        (("run", "--ledger-keystore", "k"), "the environment variable CERTEQ_LEDGER_PASSWORD must be set, it is not"),
    ],
)
def test_a_run_refuses_what_can_be_no_place_before_any_work(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("my diary")
    assert told in refusal(capsys, play, *arguments, "--ledger", "embedded")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


@pytest.mark.parametrize("text", [SECRET, f"0x{SECRET}", "ws://user:hunter2@h", "user:hunter2@h", "http:///hunter2"])
def test_what_may_be_a_key_or_a_password_is_not_repeated(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    told = refusal(capsys, play, "--ledger", text)
    assert "--ledger must be none, embedded, or the http(s) address of a node, got" in told
    assert SECRET[:20] not in told
    assert "hunter2" not in told


def test_a_node_needs_a_key_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for main_of, command in ((play, ("run", "--ledger")), (main, ("init", "--users", "2"))):
        told = refusal(capsys, main_of, *command, "http://user:hunter2@127.0.0.1:1")
        assert "writing to a node needs a key" in told
        assert "hunter2" not in told
    monkeypatch.setenv("CERTEQ_LEDGER_KEY", SECRET[:62])
    told = refusal(capsys, play, "run", "--ledger", "http://127.0.0.1:1")
    assert "CERTEQ_LEDGER_KEY must have a key of 64 hexadecimal digits, got 62 characters" in told
    assert SECRET[:20] not in told
    assert [*tmp_path.iterdir()] == []


# --- keys -----------------------------------------------------------------------------------------------------------


def test_init_makes_a_key_that_only_its_owner_can_read(tmp_path, capsys):
    place = tmp_path / "l"
    out, err = table(capsys, "init", place, "--names", "ann,bob")
    assert err == ""
    key = tmp_path / "l.key"
    assert key.stat().st_mode & 0o077 == 0
    assert key.read_text().strip() not in out
    assert table(capsys, "init", place, "--names", "ann,bob").out == out  # it is there already
    assert "it is of others" in refusal(capsys, main, "init", place, "--users", 2)
    key.chmod(0o644)
    assert "others can read it" in refusal(capsys, main, "init", place, "--users", 2)
    key.rename(tmp_path / "elsewhere")
    assert "writing needs its key, in " in refusal(capsys, main, "init", place, "--users", 2)
    assert not key.exists()


def test_a_lost_log_is_told_and_no_key_is_made_for_it(tmp_path):
    unit = Unit("digits", "gfml", 0, Parameters(), "embedded")
    with pytest.raises(NotSolved, match="the ledger of the stored rounds, there is none; --fresh plays them again"):
        Where(str(tmp_path / "l.sqlite")).look(unit)
    assert [*tmp_path.iterdir()] == []


# --- terminals, pipes, interrupts -----------------------------------------------------------------------------------


def test_tables_fit_a_narrow_terminal(made, capsys):
    for width in (80, 60):
        console = Console(width=width, record=True, file=sys.stderr)
        with reading(str(made[0])) as ledger:
            told(ledger, 0, list(ledger.history.rounds())).print(console)
            shown(ledger).print(console)
        lines = console.export_text().splitlines()
        assert max(map(len, lines)) <= width
        rows = [line.split() for line in lines]
        if width == 80:
            assert ["1", "0", "user", "2", "-0.25", "5", "1.34382", "1.34382", "6.5"] in rows
    capsys.readouterr()


def test_as_a_user_starts_it(made):
    """Whole processes: warnings are errors, and a reader may go away."""
    done = started("models.ledger", "verify", made[0], "--user", "user 9", "--round", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("holds") == len(CHECKS) + 1
    broken = into_a_closed_pipe("models.ledger", "show", made[0])
    assert (broken.returncode, broken.stderr) == (1, "")


def test_help_is_of_each_command_and_loads_nothing_heavy(capsys):
    for name in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            parsed([name, "--help"])
        assert stop.value.code == 0
        assert "exit status: 0 all checks hold" in capsys.readouterr().out
    code = (
        "import sys\ntry:\n from models.ledger.__main__ import main\n main(['verify', '--help'])\n"
        "except SystemExit: pass\nprint({'web3', 'pyrevm', 'rich', 'models.ledger._ledger'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("set()\n")


def test_a_log_in_use_is_told(log, monkeypatch, capsys):
    """The second is refused after a while, and what the first writes is kept."""
    monkeypatch.setattr(EmbeddedChain, "open", partial(EmbeddedChain.open, timeout=0.05))
    with writing(str(log)) as (chain, keys):
        for arguments in (("show", log), ("init", log, "--users", 2)):
            told = refusal(capsys, main, *arguments)
            assert told.startswith(f"error: {log}: the log must not be in use")
        Ledger.start(chain, keys, NAMES).write(page(3))
    assert answer(capsys, "show", log)["round"] == 3


# --- nodes ----------------------------------------------------------------------------------------------------------


class Page404(BaseHTTPRequestHandler):
    """A server of web pages."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"<html>nothing here</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


def test_a_web_server_is_no_node(monkeypatch, capsys):
    monkeypatch.setattr("models.ledger._node.FIRST_PAUSE", 0.001)
    with HTTPServer(("127.0.0.1", 0), Page404) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://user:hunter2@127.0.0.1:{server.server_port}/secretpath"
            told = refusal(capsys, main, "show", url, "--contract", "0x" + "12" * 20)
        finally:
            server.shutdown()
            thread.join()
    assert f"error: http://127.0.0.1:{server.server_port} does not answer: its answer makes no sense" in told
    assert "hunter2" not in told
    assert "secretpath" not in told


@pytest.mark.parametrize("url", ["http://", "http:/user:hunter2@h", "ws://user:hunter2@h", "http://127.0.0.1:99999"])
def test_a_malformed_address_is_refused_without_repeating_it(url, capsys):
    told = refusal(capsys, main, "show", url, "--contract", "0x" + "12" * 20)
    assert "a node's address must be http(s)://HOST[:PORT][/...]" in told
    assert "hunter2" not in told


def test_of_a_node_the_contract_must_be_named(capsys):
    assert "give its address by --contract" in refusal(capsys, main, "show", "http://127.0.0.1:1")


def test_the_ledger_of_a_node(anvil, tmp_path, monkeypatch, capsys):
    """Made, shown, verified, proved and exported as one in a file; secret and password stay unseen."""
    anvil.start()
    keys = Keys(bytes.fromhex(SECRET))
    anvil.fund({keys.root.address: 10**24})
    monkeypatch.setenv("CERTEQ_LEDGER_KEY", SECRET)
    url = anvil.url.replace("//", "//user:hunter2@")
    seen = []
    found = answer(capsys, "init", url, "--names", ",".join(NAMES))
    with writing(url) as (chain, _):
        Ledger.start(chain, keys, NAMES).write(page(1))
    monkeypatch.delenv("CERTEQ_LEDGER_KEY")
    where = ("--contract", found["contract"])
    for arguments in (("show",), ("verify",), ("history", "user 0"), ("export", tmp_path / "x.csv")):
        seen += table(capsys, arguments[0], url, *arguments[1:], *where)
    proved = tmp_path / "p.json"
    seen += table(capsys, "verify", url, "--user", "user 9", "--round", 1, "--json", proved, *where)
    root = json.loads(proved.read_text())["root"]
    assert "holds" in table(capsys, "verify", proved, "--root", root).out
    stranger = ("--contract", "0x" + "12" * 20)
    seen.append(refusal(capsys, main, "verify", url, *stranger))
    assert "there must be a ledger at 0x1212" in seen[-1]
    text = "".join([*seen, proved.read_text(), (tmp_path / "x.csv").read_text()])
    assert SECRET not in text
    assert "hunter2" not in text


def test_keys_are_never_made_by_looking_for_them(tmp_path):
    with pytest.raises(Exception, match="writing needs its key"):
        keys_for(str(tmp_path / "l"))
    assert [*tmp_path.iterdir()] == []
