"""Processes in which libraries run: kept warm between calls, killed at a time limit, ended with this process."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix.backends._wire import Message, game_message, line
from solvers.core import NotSolved

START_LIMIT = 600.0  # seconds for a library's import, and for what it compiles before its first call
CLOSING = 5.0  # seconds that a process may take from its last word to its end
ANSWER_LIMIT = 64 * 2**20  # bytes
IMPORTED = {"gambit": "pygambit", "nashpy": "nashpy", "quantecon": "quantecon", "certeq": "solvers"}
EXTRA = {"gambit": "gambit", "nashpy": "peers", "quantecon": "peers", "certeq": ""}  # of certeq
ROOT = Path(__file__).parents[3]
PENNIES = game_message(BimatrixGame([[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]))


class NotInstalled(NotSolved):
    """A library that is not here, or not in a release that is known; the message names the extra to install."""


def ask(library: str, method: str, game: BimatrixGame, time_limit: float, options: Message) -> Message:
    """The answer of a library's method, or a message that says under `fault` why there is none.

    `late` is true where the library was stopped at `time_limit`, in seconds. Its import, and what it compiles at its
    first call, are not counted: they happen once per process.

    Raises
    ------
    NotInstalled
        If the library cannot be imported.
    """
    request = {"step": "solve", "method": method, "options": options, "game": game_message(game)}
    with _borrowed(library) as worker:
        unfit = worker.prepare(method, options)
        start = time.perf_counter()
        fault = {"fault": f"{unfit}, at its first call, on matching pennies"}
        answer = fault if unfit else worker.ask(request, time_limit)
        return {"library": worker.release, "seconds": time.perf_counter() - start, **answer}


class Worker:
    """One process with one library in it.

    Raises
    ------
    NotInstalled
        If the library cannot be imported.
    """

    def __init__(self, library: str) -> None:
        if importlib.util.find_spec(IMPORTED[library]) is None:
            raise NotInstalled(_install(library, "is not installed"))
        self.late, self.killed, self.prepared = False, False, set[str]()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}._worker", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _search_path()},
            start_new_session=True,  # so that its children are killed with it, and Ctrl-C is not for it
        )
        try:
            self.release = self._load(library)
        except BaseException:
            self.end()
            raise

    @property
    def usable(self) -> bool:
        """Whether it can be asked again."""
        return not self.killed and self.process.poll() is None

    def prepare(self, method: str, options: Message) -> str:
        """What went wrong at the first call of a method, on a game of two strategies each; nothing, as a rule."""
        if method in self.prepared:
            return ""
        trial = {**options, "initial_label": 0} if "initial_label" in options else options
        request = {"step": "prepare", "method": method, "options": trial, "game": PENNIES}
        fault = str(self.ask(request, START_LIMIT).get("fault", ""))
        if not fault:
            self.prepared.add(method)
        return fault

    def ask(self, request: Message, limit: float) -> Message:
        """The answer to one request; without one within `limit` seconds the process is killed."""
        watch = threading.Timer(limit, self._stop)
        watch.start()
        try:
            answer = self._exchange(line({**request, "time_limit": limit}))
        except BaseException:  # an interrupt, mostly: what the process would still say answers nothing
            self._kill()
            raise
        finally:
            watch.cancel()
            watch.join()
        return self._read(answer, limit)

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        self._kill()
        self._close()
        self.process.wait()

    def disown(self) -> None:
        """Let go of a process that is another's, which goes on using it: this one is a fork of that other."""
        self._close()
        self.process.returncode = 0

    def _close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was not yet written has no reader
                assert pipe is not None
                pipe.close()

    def _load(self, library: str) -> str:
        """The library's name and release."""
        loaded = self.ask({"step": "load"}, START_LIMIT)
        if "fault" in loaded:
            raise NotInstalled(_install(library, f"cannot be used: {loaded['fault']}"))
        return str(loaded["library"])

    def _exchange(self, request: bytes) -> bytes:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
        except OSError:  # it has ended; how is read from its exit status
            return b""
        return self.process.stdout.readline(ANSWER_LIMIT)

    def _read(self, answer: bytes, limit: float) -> Message:
        if answer.endswith(b"\n"):
            message: Message = json.loads(answer)
            return {**message, "fault": f"raised {message['raised']}"} if "raised" in message else message
        if self.late:
            return {"fault": f"no answer within {limit:g} s", "late": True}
        if len(answer) == ANSWER_LIMIT:
            self._kill()
            return {"fault": f"answered with more than {ANSWER_LIMIT >> 20} MiB"}
        return {"fault": f"ended its process with {self._ending()}"}

    def _ending(self) -> str:
        """How the process ended, of itself: a signal's name, or its exit status."""
        try:
            code = self.process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            self._kill()
            return "its answers closed"
        try:
            return signal.Signals(-code).name if code < 0 else f"exit status {code}"
        except ValueError:
            return f"signal {-code}"

    def _stop(self) -> None:
        self.late = True
        self._kill()

    def _kill(self) -> None:
        self.killed = True
        if self.process.returncode is not None:  # its number may be another's by now
            return
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()


_idle: defaultdict[str, deque[Worker]] = defaultdict(deque)
"""The workers that wait, by library."""


@contextlib.contextmanager
def _borrowed(library: str) -> Iterator[Worker]:
    """A warm worker that nobody else has, or a new one; kept for the next call if it still serves."""
    waiting = _idle[library]
    worker = _next(waiting) or Worker(library)
    try:
        yield worker
    finally:
        if worker.usable:
            waiting.append(worker)
        else:
            worker.end()


def _next(waiting: deque[Worker]) -> Worker | None:
    """The last usable one of those that wait; any that are not are ended."""
    while waiting:
        with contextlib.suppress(IndexError):  # another thread was faster
            worker = waiting.pop()
            if worker.usable:
                return worker
            worker.end()
    return None


@atexit.register
def close() -> None:
    """End all workers that wait; the next call starts new ones."""
    for waiting in list(_idle.values()):
        while waiting:
            waiting.pop().end()


def _disown() -> None:
    """Let go of the workers of the process that this one was forked from."""
    for waiting in _idle.values():
        for worker in waiting:
            worker.disown()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown)


def _search_path() -> str:
    """Where this process finds its modules, so that a worker finds the same ones."""
    return os.pathsep.join([str(ROOT), *(str(Path(place).absolute()) for place in sys.path)])


def _install(library: str, what: str) -> str:
    needed = f"certeq[{EXTRA[library]}]" if EXTRA[library] else "certeq"
    return f"{IMPORTED[library]} {what}; pip install '{needed}'"
