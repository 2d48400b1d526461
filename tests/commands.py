"""Ways to call a command, shared by the tests of all commands."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def started(module, *arguments, options=("-W", "error"), **streams):
    """What `python -m module` did in a process of its own, as a user starts it."""
    call = [sys.executable, *options, "-m", module, *map(str, arguments)]
    return subprocess.run(call, cwd=ROOT, text=True, timeout=120, **(streams or {"capture_output": True}))


def refusal(capsys, main, *arguments):
    """The one error line of a refused call, with nothing on standard output."""
    assert main([str(a) for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def into_a_closed_pipe(module, *arguments):
    """What a command did whose reader had gone."""
    read, write = os.pipe()
    os.close(read)
    try:
        return started(module, *arguments, options=(), stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
