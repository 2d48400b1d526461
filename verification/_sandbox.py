"""Somebody's function in a process of its own: whatever it does comes back as an outcome, never as a crash of ours."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

LONGEST = 200  # characters of what is said or printed


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def call(self, argument: Any) -> Outcome:
        """The outcome of `function(argument)`."""
        if self._process is None:
            self._start()
        start, allowed = time.perf_counter(), self.seconds + (self._warm_up if self._fresh else 0.0)
        self._pipe.send(argument)
        answers = self._pipe.poll(allowed)
        if self._fresh:
            self._warm_up, self._fresh = 2 * (time.perf_counter() - start) if answers else 0.0, False
        if not answers:
            self._stop()
            problem = f"no answer within {allowed:g} s"
            return Outcome(problem=problem, hung=True, seconds=time.perf_counter() - start)
        try:
            outcome: Outcome = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._stop()
            cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            return Outcome(problem=f"its process ended: {cause}", seconds=time.perf_counter() - start)
        return outcome

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._pipe, self), daemon=False)
        self._process.start()
        theirs.close()

    def _stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process, self._pipe, self._fresh = None, None, True


def _serve(pipe: Connection, parents: Connection, sandbox: Sandbox) -> None:
    os.setpgrp()
    faulthandler.disable()  # a crash is told by the parent
    parents.close()  # or this process would never notice that its parent is gone
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        outcome = _called(sandbox, argument)
        try:
            answer = pickle.dumps(outcome)
        except Exception as problem:  # noqa: BLE001 - whatever the pickling of a foreign object raises
            said = f"what it returned cannot be passed on: {type(outcome.value).__name__}, {problem}"
            answer = pickle.dumps(Outcome(problem=_short(said), printed=outcome.printed))
        pipe.send_bytes(answer)


def _called(sandbox: Sandbox, argument: Any) -> Outcome:
    before, value, problem, start = sandbox.digest(argument), None, "", time.perf_counter()
    with _listening() as heard:
        try:
            value = sandbox.function(argument)
        except BaseException as raised:  # noqa: BLE001 - a verdict on the function, its attempts to exit included
            problem = _short(f"raised {type(raised).__name__}: {raised}")
        seconds = time.perf_counter() - start
    return Outcome(value, problem, False, sandbox.digest(argument) != before, _short(heard()), seconds)


@contextlib.contextmanager
def _listening() -> Iterator[Callable[[], str]]:
    """What is written to standard output and standard error meanwhile, by compiled code too."""
    text = ""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", buffering=1) as file:
        kept = [os.dup(number) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield lambda: text
        finally:
            with contextlib.suppress(ValueError):  # closed by the function
                file.flush()
            for number, copy in zip((1, 2), kept, strict=True):
                text += _read(number) if number == 1 else ""
                os.dup2(copy, number)
                os.close(copy)


def _read(descriptor: int) -> str:
    """The beginning of a file that was written to."""
    return os.pread(descriptor, 10 * LONGEST, 0).decode(errors="replace")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} .."
