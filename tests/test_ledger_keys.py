"""Keys of a ledger: where they come from, and that they are never shown."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import re
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from models.ledger import _keys
from models.ledger._errors import LedgerError
from models.ledger._keys import Keys
from models.ledger._transactions import Account, derived

SECRET = bytes(range(7, 39))
TEXT = SECRET.hex()
ADDRESS = Account(SECRET).address
PASSWORD = "correct horse battery staple"
# The test vector of the Web3 Secret Storage Definition for PBKDF2, whose password is "testpassword".
PUBLISHED = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
PUBLISHED_SECRET = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def keystore(secret: bytes = SECRET, password: str = PASSWORD, **options: object) -> dict[str, object]:
    from eth_keyfile import create_keyfile_json

    return create_keyfile_json(secret, password.encode(), iterations=2, **options)


def refused(make: Callable[[], object]) -> str:
    """The one line with which keys are refused; its traceback is looked through for parts of keys."""
    with pytest.raises(LedgerError) as caught:
        make()
    problem = caught.value
    texts = [str(problem), repr(problem), *traceback.format_exception(problem)]
    chain: BaseException | None = problem
    while chain is not None:  # also what `from None` leaves out
        texts += [str(chain), repr(chain.args)]
        chain = chain.__context__
    for text in texts:
        assert not shows(text), text
    assert "\n" not in str(problem)
    return str(problem)


def shows(text: str) -> bool:
    """Whether there are 8 digits of the secret anywhere in a text, or its bytes."""
    text = text.lower()
    parts = {TEXT[k : k + 8] for k in range(len(TEXT) - 7)}
    return any(part in text for part in parts) or repr(SECRET)[2:-1] in text or str(int(TEXT, 16)) in text


def test_what_shows_a_key_would_be_seen():
    assert shows(f"key {TEXT[20:40].upper()}")
    assert shows(repr(SECRET))
    assert not shows(ADDRESS)


def test_accounts_follow_from_the_secret():
    keys = Keys(SECRET)
    assert keys.root == Account(SECRET)
    assert keys.provider == derived(SECRET, "provider")
    assert keys.miner() == keys.miner(0) == derived(SECRET, "miner/0")
    assert keys.user(3) == derived(SECRET, "user/3")
    made = [keys.root, keys.provider, *map(keys.miner, range(9)), *map(keys.user, range(99))]
    other = keys.named("other")
    made += [other.provider, other.miner(), other.user(0), keys.named("others").user(0)]
    assert len({one.key for one in made}) == len({one.address for one in made}) == len(made)
    assert other.root == keys.root
    assert other.user(0) == Keys(SECRET).named("other").user(0)


def test_accounts_are_worked_out_once():
    keys = Keys(SECRET)
    assert keys.user(1) is keys.user(1)
    assert keys.provider is keys.provider


def test_random_keys_differ():
    assert Keys.random().root != Keys.random().root


@pytest.mark.parametrize("role", ["miner", "user"])
def test_numbers_count_from_0(role):
    assert refused(lambda: getattr(Keys(SECRET), role)(-1)) == f"a {role}'s number must be 0 or more, got -1"


@pytest.mark.parametrize("secret", [b"", SECRET[:31], SECRET + b"x", bytes(32), b"\xff" * 32])
def test_a_secret_must_be_a_key(secret):
    assert refused(lambda: Keys(secret)).startswith("a key must be 32 bytes, above 0 and below the order")


def test_keys_are_not_shown(caplog):
    keys = Keys(SECRET)
    made = [keys, keys.root, keys.provider, keys.user(0)]
    caplog.set_level(logging.DEBUG)
    logging.getLogger("test").info("keys %s %r", keys, made)
    parts = [one.key.hex() for one in made[1:]]
    for text in [*map(str, made), *map(repr, made), f"{keys}", caplog.text, repr(dir(keys))]:
        assert not shows(text)
        assert not any(part in text for part in parts)
    assert repr(keys) == f"Keys(root={ADDRESS!r})"
    with pytest.raises(TypeError):
        vars(keys)


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy, lambda keys: pickle.dumps([keys], protocol=0)])
def test_keys_are_not_copied(act):
    assert "cannot be pickled" in refused(lambda: act(Keys(SECRET)))


@pytest.mark.parametrize("text", [TEXT, "0x" + TEXT, "0X" + TEXT.upper(), f" {TEXT}\n"])
def test_from_the_environment(monkeypatch, text):
    monkeypatch.setenv("CERTEQ_LEDGER_KEY", text)
    assert Keys.from_environment().root.address == ADDRESS
    monkeypatch.setenv("OTHER", Keys(b"\1" * 32).root.key.hex())
    assert Keys.from_environment("OTHER").root == Account(b"\1" * 32)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (TEXT[:-1], "63 characters"),
        (TEXT + "0", "65 characters"),
        ("0x" + TEXT[2:], "62 characters"),
        (TEXT[:30] + "g" + TEXT[31:], "others"),
        (TEXT[:30] + "_" + TEXT[31:], "others"),
        (f"'{TEXT}'", "66 characters"),
        (f"{TEXT[:32]}\n{TEXT[33:]}", "others"),
        ("", "0 characters"),
    ],
)
def test_a_malformed_key_is_refused_without_a_part_of_it(monkeypatch, tmp_path, text, got):
    monkeypatch.setenv("CERTEQ_LEDGER_KEY", text)
    rule = "must have a key of 64 hexadecimal digits, got"
    assert refused(Keys.from_environment) == f"the environment variable CERTEQ_LEDGER_KEY {rule} {got}"
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(text)
    assert refused(lambda: Keys.from_file(path)) == f"key file {path} {rule} {got}"


def test_a_variable_must_be_set(monkeypatch):
    monkeypatch.delenv("CERTEQ_LEDGER_KEY", raising=False)
    assert refused(Keys.from_environment) == "the environment variable CERTEQ_LEDGER_KEY must be set, it is not"


@pytest.mark.parametrize("text", [TEXT, "0x" + TEXT, TEXT[:-2]])
def test_a_key_in_the_place_of_a_name_is_not_shown(monkeypatch, tmp_path, text):
    monkeypatch.setenv("CERTEQ_LEDGER_PASSWORD", PASSWORD)
    monkeypatch.chdir(tmp_path)
    for make in (Keys.from_environment, Keys.from_file, Keys.from_keystore, lambda text: Keys.create(f"no/{text}")):
        assert "…" in refused(lambda make=make: make(text))
    Path("keystore").write_text(json.dumps(keystore()))
    assert "…" in refused(lambda: Keys.from_keystore("keystore", password_variable=text))


@pytest.mark.parametrize("kdf", ["pbkdf2", "scrypt"])
def test_from_a_keystore(monkeypatch, tmp_path, kdf):
    path = tmp_path / "keystore"
    path.write_text(json.dumps(keystore(kdf=kdf)))
    monkeypatch.setenv("CERTEQ_LEDGER_PASSWORD", PASSWORD)
    assert Keys.from_keystore(path).root.address == ADDRESS
    monkeypatch.setenv("OTHER", "wrong")
    assert refused(lambda: Keys.from_keystore(path, "OTHER")).endswith("does not open with the password in OTHER")
    monkeypatch.delenv("OTHER")
    assert refused(lambda: Keys.from_keystore(path, "OTHER")) == "the environment variable OTHER must be set, it is not"


def test_from_the_published_keystore(monkeypatch, tmp_path):
    path = tmp_path / "keystore"
    path.write_text(json.dumps(PUBLISHED))
    monkeypatch.setenv("CERTEQ_LEDGER_PASSWORD", "testpassword")
    assert Keys.from_keystore(path).root.key.hex() == PUBLISHED_SECRET


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (TEXT, "is not a keystore"),
        ("", "is not a keystore"),
        ("[]", "is not a keystore"),
        ("{}", "must be a keystore of version 3"),
        ('{"version": 4, "crypto": {}}', "must be a keystore of version 3"),
        ('{"version": 3}', "is not a keystore"),
        ('{"version": 3, "crypto": 5}', "is not a keystore"),
        ('{"version": 3, "crypto": {"kdf": "none"}}', "is not a keystore"),
        (json.dumps(PUBLISHED).replace("hmac-sha256", "md5"), "is not a keystore"),
        (json.dumps(PUBLISHED).replace("517ead92", "zzzzzzzz").replace("262144", "2"), "is not a keystore"),
    ],
)
def test_what_is_no_keystore_is_refused(monkeypatch, tmp_path, text, fault):
    path = tmp_path / "keystore"
    path.write_text(text)
    monkeypatch.setenv("CERTEQ_LEDGER_PASSWORD", PASSWORD)
    assert refused(lambda: Keys.from_keystore(path)) == f"keystore {path} {fault}"


@pytest.mark.parametrize("read", [Keys.from_keystore, Keys.from_file])
def test_a_file_that_cannot_be_read_is_told(monkeypatch, tmp_path, read):
    monkeypatch.setenv("CERTEQ_LEDGER_PASSWORD", PASSWORD)
    assert refused(lambda: read(tmp_path / "none")).endswith("none cannot be read: No such file or directory")
    tmp_path.chmod(0o700)
    assert refused(lambda: read(tmp_path)).endswith("cannot be read: Is a directory")
    path = tmp_path / "binary"
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe" + SECRET)
    assert refused(lambda: read(path)).endswith("cannot be read: it is not text")


def test_a_new_file_is_for_its_owner_alone_and_is_read_back(tmp_path):
    path = tmp_path / "ledger.sqlite.key"
    before = os.umask(0)
    try:
        made = Keys.create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", path.read_text())
    assert Keys.from_file(path).root == Keys.from_file(str(path)).root == made.root
    assert list(tmp_path.iterdir()) == [path]
    assert refused(lambda: Keys.create(path)) == f"key file {path} must not be there yet; it is kept as it is"
    assert Keys.from_file(path).root == made.root
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_use_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    path.write_text(TEXT)
    path.chmod(mode)
    rule = "must be for its owner alone, others can read it: chmod 600"
    assert refused(lambda: Keys.from_file(path)) == f"key file {path} {rule} {path}"
    path.chmod(0o600)
    assert Keys.from_file(path).root.address == ADDRESS


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_in_the_place_of_a_new_file_is_kept(tmp_path, target):
    (tmp_path / "elsewhere").write_text("kept")
    path = tmp_path / "key"
    path.symlink_to(tmp_path / target)
    assert "must not be there yet" in refused(lambda: Keys.create(path))
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()


def test_a_new_file_is_there_as_a_whole_or_not_at_all(monkeypatch, tmp_path):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_keys.os, "fsync", full)
    path = tmp_path / "key"
    assert refused(lambda: Keys.create(path)) == f"key file {path} cannot be made: No space left on device"
    assert list(tmp_path.iterdir()) == []
    missing = tmp_path / "no" / "key"
    assert refused(lambda: Keys.create(missing)) == f"key file {missing} cannot be made: No such file or directory"


def test_of_many_that_make_a_file_one_does(tmp_path):
    path = tmp_path / "key"
    program = f"from models.ledger._keys import Keys; print(Keys.create({str(path)!r}).root.address)"
    several = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ended = [one.communicate(timeout=60) for one in several]
    made = [out.strip() for out, _ in ended if out]
    assert made == [Keys.from_file(path).root.address]
    assert sum("must not be there yet" in err for _, err in ended) == 2
    assert not any(path.read_text().strip() in out + err for out, err in ended)
