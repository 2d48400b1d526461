"""The process in which one library runs, `python -m solvers.bimatrix.backends._worker LIBRARY`: it may be killed.

Requests come as lines on standard input, answers go as lines to standard output; whatever the library prints goes
elsewhere. A worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import BinaryIO

from solvers.bimatrix.backends._calls import LIBRARIES, Library
from solvers.bimatrix.backends._wire import Message, game_of, line

ORPHAN = 5.0  # seconds past its limit after which a worker that nobody has ended ends itself
SPOKEN = 300  # characters of a library's message that are passed on
ADDRESS_SPACE = 16 * 2**30  # bytes; a library that wants more is refused memory before the machine is out of it


def main(library: str) -> None:
    """Answer requests about one library until standard input ends."""
    sys.set_int_max_str_digits(0)  # exact equilibria of big games have numbers of many digits
    _limit_memory()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    _serve(LIBRARIES[library], requests, answers)


def _limit_memory() -> None:
    """Refuse this process more than `ADDRESS_SPACE`, where the system can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(ADDRESS_SPACE, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _serve(library: Library, requests: BinaryIO, answers: BinaryIO) -> None:
    steps: dict[str, Callable[[Message], Message]] = {"load": _loaded, "prepare": _prepared, "solve": _solved}
    for request in map(json.loads, requests):
        faulthandler.dump_traceback_later(request["time_limit"] + ORPHAN, exit=True, file=2)
        answers.write(line(_guarded(steps[request["step"]], {"library": library, **request})))
        answers.flush()
        faulthandler.cancel_dump_traceback_later()


def _guarded(step: Callable[[Message], Message], request: Message) -> Message:
    """The answer of a step, or what it raised, with what it warned of."""
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = step(request)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
            answer = {"raised": f"{type(error).__name__}: {_short(str(error))}"}
    said = dict.fromkeys(_short(str(warning.message)) for warning in caught)
    return {"seconds": time.perf_counter() - start, **answer, "warnings": list(said)[:3]}


def _short(text: str) -> str:
    """One line of at most `SPOKEN` characters."""
    return " ".join(text.split())[:SPOKEN]


def _loaded(request: Message) -> Message:
    library: Library = request["library"]
    return {"library": f"{library.name} {library.version()}"}


def _prepared(request: Message) -> Message:
    """Solve a game of two strategies each, so that what the library compiles is compiled."""
    library: Library = request["library"]
    library.methods[request["method"]](game_of(request["game"]), **request["options"])()
    return {}


def _solved(request: Message) -> Message:
    library: Library = request["library"]
    solve = library.methods[request["method"]](game_of(request["game"]), **request["options"])
    start = time.perf_counter()
    found = solve()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "profiles": [library.plain(p) for p in found.profiles], "notes": found.notes}


if __name__ == "__main__":
    main(sys.argv[1])
