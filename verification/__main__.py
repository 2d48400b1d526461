"""`python -m verification`: what is claimed, put to the test."""

from __future__ import annotations

import importlib
import sys

USAGE = """\
usage: python -m verification COMMAND [ARGUMENTS]

  properties    every property of the solvers by name, on as many drawn games as wanted
  errata        every numbered statement of two papers, with a verdict and a witness that is recomputed
  crosscheck    games from files through every solver that applies, ours and others
  check         certificates from files, verified again without any solver

python -m verification COMMAND --help says more.
exit status: 0 everything holds, 1 something does not, 2 bad input, 130 interrupted
"""

# `check` must not import a solver, so each command is imported only when it is asked for.
COMMANDS = {
    "properties": "verification.properties._command",
    "errata": "verification.errata._command",
    "crosscheck": "verification._crosscheck_command",
    "check": "verification.check._command",
}


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if name not in COMMANDS:
        got = repr(name[:60]) if name else "none"
        print(f"error: the command must be one of {', '.join(COMMANDS)}, got {got}", file=sys.stderr)
        return 2
    try:
        status: int = importlib.import_module(COMMANDS[name]).main(rest)
    except KeyboardInterrupt:  # while it is imported: the commands tell more of theirs
        print("error: interrupted; nothing was written", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
