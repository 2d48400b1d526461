"""Chains to test ledgers on: the embedded one, and that of a node, anvil, where there is one.

A test module with `pytest_plugins = ["ledger_chains"]` can ask for the fixture `chain`, which gives its tests both, one
after the other, and for `anvil`, a node of its own. Where there is no anvil, tests that need it are skipped; but if
`CERTEQ_ANVIL` names one, or `CERTEQ_NODE_TESTS` is `required`, they fail.

PYTEST_DONT_REWRITE: there is no assertion here, and so it can be imported and be a plugin.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from models.ledger._chain import Chain
from models.ledger._keys import Keys

ROOT = Path(__file__).parent.parent
CHAIN = 1337
KINDS = ("embedded", "rpc")
USERS = 48  # that have money of their own
ETHER = 10**18
STARTING = 60.0  # s, at most, on a machine with much else to do


class Funded(NamedTuple):
    """A chain, and keys whose root, provider, first miner and `USERS` users have money on it."""

    chain: Chain
    keys: Keys


class Anvil:
    """A node on a free port of this machine; what it keeps, it keeps in `folder`."""

    def __init__(self, binary: str, folder: Path, *, chain_id: int = CHAIN) -> None:
        self.binary, self.folder, self.chain_id = binary, folder, chain_id
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options: str) -> None:
        """Start it, at the same port as before if there was one."""
        ports = [self.port] * 3 if self.port else [free_port() for _ in range(3)]
        for port in ports:  # another process may take a port before the node does
            self.port = port
            if self._started(options):
                return
        raise RuntimeError(f"{self.binary} does not start")

    def _started(self, options: tuple[str, ...]) -> bool:
        fixed = ["--silent", "--host", "127.0.0.1", "--port", str(self.port), "--accounts", "1"]
        home = {name: str(self.folder) for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        command = [self.binary, *fixed, "--chain-id", str(self.chain_id), *options]
        self._process = subprocess.Popen(command, cwd=self.folder, env={"PATH": os.environ.get("PATH", "")} | home)
        deadline = time.monotonic() + STARTING
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                return bool(self.ask("eth_chainId"))
            except (OSError, HTTPException):
                time.sleep(0.01)
        self.kill()
        return False

    def ask(self, method: str, *params: Any) -> Any:
        """What the node answers, of itself, without the project's own client."""
        return post(self.port, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})["result"]

    def fund(self, money: Mapping[str, int]) -> None:
        """Give these addresses so much, in wei."""
        asked = [{"jsonrpc": "2.0", "id": k, "method": "anvil_setBalance"} for k in range(len(money))]
        pairs = zip(asked, money.items(), strict=True)
        post(self.port, [one | {"params": [address, hex(wei)]} for one, (address, wei) in pairs])

    def stop(self) -> None:
        """End it as a user does, so that it writes its state."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def post(port: int, body: Any) -> Any:
    """What a server on this machine answers to a request in JSON."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def anvil_binary() -> str | None:
    """The path of anvil: of the environment variable, on the path, or as npm installs it into this folder."""
    named = os.environ.get("CERTEQ_ANVIL")
    if named:
        return named
    installed = sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    return shutil.which("anvil") or (str(installed[0]) if installed else None)


def anvil_or_skip() -> str:
    """The path of anvil; without one, the test is skipped, or fails where the node must be tested."""
    found = anvil_binary()
    if found is not None:
        if shutil.which(found) is None:
            pytest.fail(f"CERTEQ_ANVIL must name a program, got {found}")
        return found
    if os.environ.get("CERTEQ_NODE_TESTS") == "required":
        pytest.fail("anvil must be there: CERTEQ_NODE_TESTS is required, and there is none")
    pytest.skip("no anvil: npm install @foundry-rs/anvil-linux-amd64, or name one in CERTEQ_ANVIL")


def keys_of_tests() -> Keys:
    """Keys that are the same in every test."""
    return Keys(sha256(b"tests of the ledger").digest())


def money_of(keys: Keys, users: int = USERS) -> dict[str, int]:
    """What the accounts have at first, in wei."""
    others = [keys.provider, keys.miner(), *map(keys.user, range(users))]
    return {keys.root.address: 10**9 * ETHER} | {one.address: 10**3 * ETHER for one in others}


@contextmanager
def opened(kind: str, folder: Path, money: Mapping[str, int]) -> Iterator[Chain]:
    """A new chain of that kind, on which these addresses have so much, in wei."""
    if kind == "embedded":
        from models.ledger._embedded import EmbeddedChain

        made: Chain = EmbeddedChain.create(None, chain_id=CHAIN, funded=dict(money))
        try:
            yield made
        finally:
            made.close()
        return
    from models.ledger._rpc import RpcChain

    node = Anvil(anvil_or_skip(), folder)
    node.start()
    try:
        node.fund(money)
        behind = RpcChain(node.url, chain_id=CHAIN)
        try:
            yield behind
        finally:
            behind.close()
    finally:
        node.kill()


@pytest.fixture(params=KINDS)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Funded]:
    """A new chain of each kind, and the keys of who has money on it."""
    keys = keys_of_tests()
    with opened(request.param, tmp_path, money_of(keys)) as made:
        yield Funded(made, keys)


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Anvil]:
    """A node that is not started yet."""
    node = Anvil(anvil_or_skip(), tmp_path)
    try:
        yield node
    finally:
        node.kill()
