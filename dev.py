#!/usr/bin/env python3
"""Sets up certeq in .venv, then does one thing with it.

python3 dev.py run [ARGUMENTS]        solve a Stackelberg game (python -m solvers.stackelberg)
python3 dev.py bimatrix [ARGUMENTS]   solve a two-player game (python -m solvers.bimatrix)
python3 dev.py hedonic [ARGUMENTS]    find a stable partition (python -m solvers.hedonic)
python3 dev.py jamming [ARGUMENTS]    solve a jamming game, simulate learners (python -m models.jamming)
python3 dev.py gfml [ARGUMENTS]       federated meta-learning as a dual game (python -m models.gfml)
python3 dev.py ledger [ARGUMENTS]     look into a ledger of reputations, verify it (python -m models.ledger)
python3 dev.py verify [ARGUMENTS]     properties, errata, cross-checks, certificates (python -m verification)
python3 dev.py test [ARGUMENTS]       the tests (pytest)
python3 dev.py lint                   ruff: rules and formatting
python3 dev.py types                  mypy --strict
python3 dev.py docs                   the Sphinx site, in docs/_build/html

The first call installs what is needed; later calls start at once until pyproject.toml changes.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - older Pythons must read this far to be told
    sys.stderr.write(f"error: certeq needs Python 3.11 or newer, this is {sys.version_info[0]}.{sys.version_info[1]}\n")
    sys.exit(2)

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# `test` holds everything that the others do, so it serves all.
EXTRAS = {
    "run": "convex,plot,parquet",
    "bimatrix": "plot,gambit,peers",
    "hedonic": "plot,ortools",
    "jamming": "plot",
    "gfml": "fml,plot,parquet,workers,dask,ledger",
    "ledger": "ledger",
    "verify": "convex,plot,parquet,gambit,peers,ortools,fml,ledger,verification",
    "test": "test",
}

MODULES = {
    "run": [["solvers.stackelberg"]],
    "bimatrix": [["solvers.bimatrix"]],
    "hedonic": [["solvers.hedonic"]],
    "jamming": [["models.jamming"]],
    "gfml": [["models.gfml"]],
    "ledger": [["models.ledger"]],
    "verify": [["verification"]],
    "test": [["pytest"]],
    "lint": [["ruff", "check"], ["ruff", "format", "--check"]],
    "types": [["mypy", "--strict", "solvers", "models", "verification", "dev.py", ".ci/evidence.py"]],
    "docs": [["sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html"]],
}


class SetUpFailed(Exception):
    """The environment could not be made; the message is one line for the user."""


def fingerprint(group: str) -> str:
    """What an installed environment depends on: the declaration, the extras and the place."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), EXTRAS[group].encode(), bytes(ROOT)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp(group: str) -> Path:
    """The file that exists only after a complete installation of `group`."""
    return VENV / f"certeq-{group}.stamp"


def is_current(group: str) -> bool:
    """Whether `group` has been installed for the present pyproject.toml."""
    return PYTHON.exists() and stamp(group).is_file() and stamp(group).read_text() == fingerprint(group)


def is_installed(group: str) -> bool:
    """Whether .venv already serves `group`."""
    return any(is_current(name) for name in (group, "test"))


def check_call(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Do `command`, quietly; its output is shown only if it fails."""
    done = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise SetUpFailed(f"set-up stopped at: {' '.join(command)}")


def create_venv() -> None:
    """Make .venv anew, whatever is there: without a stamp it may be half made."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    # Called from .venv's own Python, `sys.executable` has just been deleted.
    base = getattr(sys, "_base_executable", sys.executable)
    check_call([base, "-m", "venv", *([] if has("ensurepip") else ["--without-pip"]), str(VENV)])


def has(module: str) -> bool:
    """Whether the calling Python can import `module`."""
    return importlib.util.find_spec(module) is not None


def pip() -> list[str]:
    """The command that calls pip for .venv."""
    if has("ensurepip"):
        return [str(PYTHON), "-m", "pip"]
    if has("pip"):  # Debian without python3-venv
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    raise SetUpFailed("this Python has neither ensurepip nor pip; on Debian or Ubuntu: apt install python3-venv")


def pip_setting(name: str) -> str:
    """A setting of pip's, from its environment variable or its configuration files; empty if unset."""
    variable = "PIP_" + name.upper().replace("-", "_")
    if variable in os.environ:
        return os.environ[variable]
    asked = subprocess.run([*pip(), "config", "get", f"global.{name}"], text=True, capture_output=True)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def uv_environment() -> dict[str, str]:
    """The environment for uv, which does not read pip's settings and leaves bytecode to the first import."""
    pip_says = {
        "UV_FIND_LINKS": ",".join(pip_setting("find-links").split()),
        "UV_DEFAULT_INDEX": pip_setting("index-url"),
        "SSL_CERT_FILE": pip_setting("cert"),
    }
    defaults = {name: value for name, value in pip_says.items() if value}
    return {**defaults, **os.environ, "UV_COMPILE_BYTECODE": "1"}


def install(requirement: str) -> None:
    """Install `requirement`, editable, into .venv: by uv if it can be had and succeeds, else by pip."""
    quiet = [*pip(), "install", "--quiet", "--disable-pip-version-check"]
    try:
        check_call([*quiet, "uv"])
        uv = [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON)]
        check_call([*uv, "--editable", requirement], uv_environment())
    except SetUpFailed as failure:
        print(f"{failure}\nTrying pip instead.", file=sys.stderr)
        check_call([*quiet, "--editable", requirement])


def set_up(group: str) -> None:
    """Bring .venv up to date for `group` and what it serves already; an interrupted call leaves no stamp."""
    if is_installed(group):
        return
    print("Setting up .venv (once, about half a minute) ...", file=sys.stderr, flush=True)
    if not (PYTHON.exists() and any(stamp(name).is_file() for name in EXTRAS)):
        create_venv()
    groups = [name for name in EXTRAS if name == group or is_current(name)]
    for name in EXTRAS:
        stamp(name).unlink(missing_ok=True)
    install(f"{ROOT}[{','.join(EXTRAS[name] for name in groups)}]")
    for name in groups:
        unfinished = stamp(name).with_suffix(".part")
        unfinished.write_text(fingerprint(name))
        unfinished.replace(stamp(name))


def solves(command: str) -> bool:
    """Whether `command` solves a user's game, rather than looks after this repository."""
    return command in EXTRAS and command != "test"


def call(command: str, arguments: list[str]) -> int:
    """The exit status of `command`: of the first of its steps that fails, else 0."""
    folder = None if solves(command) else ROOT  # the path of a scenario or game is relative to where the user is
    for step in MODULES[command]:
        with subprocess.Popen([str(PYTHON), "-m", *step, *arguments], cwd=folder) as child:
            status = outcome(child)
        if status:
            return status
    return 0


def outcome(child: "subprocess.Popen[bytes]") -> int:
    """The exit status of `child`, which gets Ctrl-C too and is left to end in its own way."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            status = child.wait()
            return status if status >= 0 else 128 - status


def main(arguments: list[str]) -> int:
    """The exit status: 2 for an unknown command or a failed set-up, else the command's own."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in MODULES:
        given = repr(arguments[0]) if arguments else "none"
        print(f"error: command must be one of {', '.join(MODULES)}, got {given}", file=sys.stderr)
        return 2
    command, *rest = arguments
    try:
        set_up(command if solves(command) else "test")
    except SetUpFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return call(command, rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
