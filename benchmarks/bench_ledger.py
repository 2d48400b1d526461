"""The ledger: rounds recorded and read back, on the embedded chain and on a node, and how far it is from floats.

    python -m benchmarks.bench_ledger [--users N] [--rounds K] [--json P] [--markdown P]

The node is anvil, from the environment variable CERTEQ_ANVIL or the path; without it, its row is left out. The exit
status is 1 if a reputation is not the one of `models.reputation`, or a check fails; times do not decide it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.update(  # before NumPy is imported for the first time
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from benchmarks.bench_hedonic import COLUMNS, NUMBERS, WIDTH, cells
from benchmarks.hedonic_rows import Row, duration
from benchmarks.report import machine, machine_line, pipes, print_table, write
from models.ledger import EmbeddedChain, Keys, Ledger, Page, RpcChain, Terms
from models.reputation import Record, ReputationState

PACKAGES = ("numpy", "pyrevm", "web3", "coincurve")
NOTES = (
    "Times by the clock. A round: heads recruited, coalitions formed, each user's contribution recorded by its head, "
    "each user paid, the round closed, and all reputations read back. Signing included; the log is on the disk when a "
    "round returns. Embedded rows have the CPU time in the last column."
)
COALITIONS = 4
CLOSE = 1e-12  # of reputations to those in floating point
EMBEDDED, REPLAY, NODE, LARGE = 1.0, 0.3, 15.0, 5.0  # seconds asked
LONG, FEW = 1_000, 6  # rounds and users by which the distance to floats is measured


def page(round_number: int, users: int, rng: np.random.Generator) -> Page:
    """A round in which all users take part."""
    slots = rng.permutation(np.arange(users) % COALITIONS)
    heads = [int(rng.choice(np.flatnonzero(slots == j))) for j in range(COALITIONS)]
    training, slack = rng.uniform(-1, 1, users), rng.uniform(0, 9, users)
    records = [Record(round_number, i, heads[slots[i]], float(training[i]), float(slack[i])) for i in range(users)]
    shares = {i: (float(share), 0.7) for i, share in enumerate(rng.uniform(0, 1.5, users))}
    terms = Terms(0.5, 5.0, 15.0, bytes(32), 10)
    return Page(round_number, heads, slots, rng.uniform(5, 15, COALITIONS).tolist(), records, shares, terms)


def played(ledger: Ledger, pages: list[Page]) -> tuple[float, float, float]:
    """Seconds by the clock and of CPU for these rounds, and how far the reputations are from those in floats."""
    state = ReputationState.start(len(ledger.names))
    wall = cpu = 0.0
    worst = 0.0
    for one in pages:
        start, busy = time.perf_counter(), time.process_time()
        found = ledger.write(one).reputation
        wall, cpu = wall + time.perf_counter() - start, cpu + time.process_time() - busy
        state = state.update(one.records)
        worst = max(worst, float(np.abs(found.total - state.total).max()))
    return wall, cpu, worst


def embedded_rows(users: int, rounds: int, asked: float | None) -> Iterator[Row]:
    """Rounds on the embedded chain with its log, and the log opened again."""
    names, rng = [f"user {i}" for i in range(users)], np.random.default_rng(0)
    pages, keys = [page(k, users, rng) for k in range(1, rounds + 1)], Keys((1).to_bytes(32))
    with TemporaryDirectory() as folder:
        path = Path(folder, "ledger.sqlite")
        with EmbeddedChain.create(path, funded={keys.root.address: 10**30}) as chain:
            wall, cpu, worst = played(Ledger.start(chain, keys, names), pages)
        yield _row(f"embedded, {users:,} users, {_rounds(rounds)}", asked, wall, worst, cpu)
        start, busy = time.perf_counter(), time.process_time()
        with EmbeddedChain.open(path) as chain:
            wall, cpu = time.perf_counter() - start, time.process_time() - busy
            failed = [check for check in Ledger(chain, chain.contracts()[0]).history.checks() if not check.holds]
        limit = REPLAY if asked == EMBEDDED else None
        size = f"{path.stat().st_size / 2**20:.1f} MiB" if path.exists() else ""
        yield _row(f"opening it again, {users:,} users, {_rounds(rounds)}", limit, wall, len(failed), cpu, size)


def node_row(users: int, rounds: int, binary: str) -> Row:
    """The same rounds on anvil, through web3.py."""
    rng, keys = np.random.default_rng(0), Keys((1).to_bytes(32))
    with anvil(binary) as url:
        chain = RpcChain(url)
        funded(url, keys.root.address)
        ledger = Ledger.start(chain, keys, [f"user {i}" for i in range(users)])
        wall, cpu, worst = played(ledger, [page(k, users, rng) for k in range(1, rounds + 1)])
        chain.close()
    return _row(f"anvil through web3.py, {users:,} users, {_rounds(rounds)}", NODE, wall, worst, cpu)


def distance_row() -> Row:
    """How far reputations get from those in floats in many rounds."""
    rng, keys = np.random.default_rng(1), Keys((1).to_bytes(32))
    with EmbeddedChain.create(None, funded={keys.root.address: 10**30}) as chain:
        ledger = Ledger.start(chain, keys, [f"user {i}" for i in range(FEW)])
        _, _, worst = played(ledger, [page(k, FEW, rng) for k in range(1, LONG + 1)])
    case = f"distance of reputations to floats over {LONG:,} rounds, {FEW} users"
    return Row(
        case, f"{CLOSE:.0e}", f"{worst:.1e}", worst <= CLOSE, "greatest of all users and rounds", worst > CLOSE, None
    )


def _row(case: str, asked: float | None, wall: float, wrong: float, cpu: float, more: str = "") -> Row:
    met = None if asked is None else wall <= asked
    detail = ", ".join(filter(None, [f"{duration(cpu)} of CPU", more]))
    return Row(case, "" if asked is None else duration(asked), duration(wall), met, detail, wrong > CLOSE, cpu / wall)


def _rounds(count: int) -> str:
    return "one round" if count == 1 else f"{count:,} rounds"


@contextmanager
def anvil(binary: str) -> Iterator[str]:
    """The address of a node on a free port of this machine."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    with TemporaryDirectory() as folder:
        command = [binary, "--silent", "--host", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(command, cwd=folder, env={**os.environ, "HOME": folder}) as node:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                node.kill()


def funded(url: str, address: str) -> None:
    """Waits for the node, and gives an account money."""
    from web3 import HTTPProvider

    provider = HTTPProvider(url)
    deadline = time.monotonic() + 30
    while not provider.is_connected() and time.monotonic() < deadline:
        time.sleep(0.05)
    provider.make_request("anvil_setBalance", [address, hex(10**27)])  # type: ignore[arg-type]


def measured(users: int, rounds: int) -> list[Row]:
    """All rows."""
    rows = [*embedded_rows(users, rounds, EMBEDDED)]
    binary = os.environ.get("CERTEQ_ANVIL") or shutil.which("anvil")
    if binary:
        rows.append(node_row(users, rounds, binary))
    return [*rows, *embedded_rows(10_000, 1, LARGE), distance_row()]


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_ledger", description=str(__doc__).split("\n")[0])
    parser.add_argument("--users", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--rounds", type=int, default=50, metavar="K", help="default: 50")
    parser.add_argument("--json", metavar="P", help="write everything measured as JSON to P, or - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the table as Markdown to P, or - for standard output")
    options = parser.parse_args(arguments)
    found = measured(options.users, options.rounds)
    body, last = [cells(row) for row in found], machine_line(PACKAGES, min(row.share for row in found if row.share))
    if options.json:
        document = {"machine": machine(PACKAGES), "rows": [asdict(row) for row in found]}
        write(options.json, json.dumps(document, indent=2) + "\n")
    if options.markdown:
        write(options.markdown, "\n\n".join([pipes(COLUMNS, body, NUMBERS), NOTES, last]) + "\n")
    if "-" not in (options.json, options.markdown):
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        print_table(console, "The ledger", COLUMNS, body, NUMBERS)
        console.print(NOTES, highlight=False)
        console.print(last, highlight=False)
    return int(any(row.failed for row in found))


if __name__ == "__main__":
    sys.exit(main())
