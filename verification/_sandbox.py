"""Somebody's function in a process of its own: whatever it does comes back as an outcome, never as a crash of ours."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

LONGEST = 200  # characters of what is said or printed
MOST_PRINTED = 2**26  # bytes in one call
TURN = 0.1  # seconds between looks at how much was printed
GRACE = 1.0  # seconds to end, after the pipe has
DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    `problem` is "" if it returned; `mutated` says that its argument is not what it was, `printed` what it wrote to
    standard output or standard error.
    """

    value: Any = None
    problem: str = ""
    hung: bool = False
    mutated: bool = False
    printed: str = ""
    seconds: float = 0.0


class Sandbox:
    """Calls `function(argument)` in another process, and gives it `seconds` each time, the first time `warm_up` more.

    The process is a fork, so that any function will do. It is replaced when it dies or is stopped, together with
    processes that it has started; the next one may take twice as long for warming up as the first did. An argument was
    mutated if its `digest` has changed.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        seconds: float,
        warm_up: float = 0.0,
        digest: Callable[[Any], bytes] = pickle.dumps,
    ) -> None:
        self.function, self.seconds, self.digest = function, seconds, digest
        self._warm_up, self._fresh = warm_up, True
        self._process: Any = None
        self._pipe: Any = None
        self._heard: Any = None  # what it prints

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def call(self, argument: Any) -> Outcome:
        """The outcome of `function(argument)`."""
        if self._process is None:
            self._start()
        start, allowed = time.perf_counter(), self.seconds + (self._warm_up if self._fresh else 0.0)
        try:
            self._pipe.send(argument)
            late = self._late(start, allowed)
            if self._fresh:
                self._warm_up, self._fresh = 0.0 if late else 2 * (time.perf_counter() - start), False
            answer = b"" if late else self._pipe.recv_bytes()
        except (EOFError, OSError):
            return Outcome(problem=self._ended(), seconds=time.perf_counter() - start)
        if late:
            self._stop()
            return Outcome(problem=late, hung=True, seconds=time.perf_counter() - start)
        try:
            outcome: Outcome = pickle.loads(answer)  # noqa: S301 - from a process of ours
        except Exception as problem:  # noqa: BLE001 - whatever a foreign object raises
            return Outcome(problem=_short(f"what it returned cannot be passed on: {_raised(problem)}"))
        return outcome

    def _late(self, start: float, allowed: float) -> str:
        """Why there is no use in waiting on; "" once there is an answer."""
        while not self._pipe.poll(max(0.0, min(TURN, start + allowed - time.perf_counter()))):
            if time.perf_counter() >= start + allowed:
                return f"no answer within {allowed:g} s"
            if os.fstat(self._heard.fileno()).st_size > MOST_PRINTED:
                return f"no answer, and more than {MOST_PRINTED >> 20} MiB printed"
        return ""

    def _ended(self) -> str:
        """What became of the process that no longer answers."""
        end = time.perf_counter() + GRACE
        while self._process.exitcode is None and time.perf_counter() < end:
            time.sleep(GRACE / 100)  # its join() takes closed descriptors for an end, and waits for ever
        code = self._process.exitcode
        self._stop()
        if code is None:
            return "it closed the pipe by which it answers"
        return f"its process ended: {cause(code)}"

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._heard = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
        self._process = context.Process(
            target=_serve, args=(theirs, self._pipe, self, self._heard.fileno(), os.getpid()), daemon=False
        )
        self._process.start()
        theirs.close()

    def _stop(self) -> None:
        if self._process is not None:
            started = list(_descendants(self._process.pid))  # those in groups of their own, too
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            for number in started:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)
            self._process.join()
            self._pipe.close()
            self._heard.close()
            self._process, self._pipe, self._heard, self._fresh = None, None, None, True


def cause(code: int) -> str:
    """How a process ended, by its exit code.

    Examples
    --------
    >>> cause(-9), cause(-37), cause(3)
    ('SIGKILL', 'signal 37', 'exit status 3')
    """
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):  # real-time signals have no names
        return signal.Signals(-code).name
    return f"signal {-code}"


def _descendants(number: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have, where the system lists them."""
    for file in Path(f"/proc/{number}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for child in map(int, file.read_text().split()):
                yield child
                yield from _descendants(child)


def _serve(pipe: Connection, parents: Connection, sandbox: Sandbox, heard: int, parent: int) -> None:
    os.setpgrp()
    faulthandler.disable()  # a crash is told by the parent
    parents.close()  # or this process would never notice that its parent is gone
    _end_with(parent)
    me = os.getpid()
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        outcome = _called(sandbox, argument, heard)
        if os.getpid() != me:
            os._exit(0)  # the function has forked: one answer is enough
        try:
            answer = pickle.dumps(outcome)
        except Exception as problem:  # noqa: BLE001 - whatever the pickling of a foreign object raises
            said = f"what it returned cannot be passed on: {type(outcome.value).__name__}, {_raised(problem)}"
            answer = pickle.dumps(Outcome(problem=_short(said), printed=outcome.printed))
        pipe.send_bytes(answer)


def _end_with(parent: int) -> None:
    """Ends this process when its parent does, even amid a call, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_OF_PARENT, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _called(sandbox: Sandbox, argument: Any, heard: int) -> Outcome:
    before, value, problem = sandbox.digest(argument), None, ""
    _listen(heard)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():  # what was warned of in one call is in the next, too
            value = sandbox.function(argument)
    except BaseException as raised:  # noqa: BLE001 - a verdict on the function, its attempts to exit included
        problem = _short(f"raised {_raised(raised)}")
    seconds = time.perf_counter() - start
    return Outcome(value, problem, False, _changed(sandbox, argument, before), _read(heard), seconds)


def _changed(sandbox: Sandbox, argument: Any, before: bytes) -> bool:
    try:
        return sandbox.digest(argument) != before
    except Exception:  # noqa: BLE001 - so changed that it has no digest
        return True


def _listen(heard: int) -> None:
    """From now on, all that is written to standard output and standard error, by compiled code too, is in a file.

    It stays there after the call: what threads write later must not reach the terminal. The function may have closed or
    replaced anything in the call before.
    """
    os.lseek(heard, 0, os.SEEK_SET)
    os.truncate(heard, 0)
    for number in (1, 2):
        os.dup2(heard, number)
    if not isinstance(sys.stdout, _Heard) or sys.stdout.closed:
        sys.stdout = _Heard(1)
    if not isinstance(sys.stderr, _Heard) or sys.stderr.closed:
        sys.stderr = _Heard(2)


class _Heard(io.TextIOWrapper):
    """A descriptor to write to, line by line."""

    def __init__(self, number: int) -> None:
        file = open(number, "wb", closefd=False)  # noqa: SIM115 - it stays open
        super().__init__(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _read(heard: int) -> str:
    """The beginning of what was written."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # closed or replaced by the function
            stream.flush()  # type: ignore[union-attr]
    return _short(os.pread(heard, 10 * LONGEST, 0).decode(errors="replace"))


def _raised(problem: BaseException) -> str:
    """An exception in words, even if it has none."""
    try:
        words = str(problem)
    except Exception:  # noqa: BLE001 - a foreign __str__
        words = "no message"
    return f"{type(problem).__name__}: {words}" if words else type(problem).__name__


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} .."
