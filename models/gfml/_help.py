"""What `--help` of `python -m models.gfml` says, wrapped to the terminal; nothing heavy is loaded for it."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from models.gfml._parameters import Parameters

STORE = "gfml.sqlite"
WIDEST = 110
DEFAULTS = {field.name: field.default for field in fields(Parameters)}
UNITS = {"data": "bits", "cycles": "per bit", "model": "Mb", "rates": "Mb/s", "deadlines": "s"}
UNITS |= {"slowest": "Hz", "fastest": "Hz"}
FRAMEWORKS: Mapping[str, str] = {  # as models.gfml.FRAMEWORKS, which takes a second to load, describes them
    "gfml": "GFML: hedonic game / reputation and deadline / Stackelberg",
    "gfml-optimized": "GFML + optimized frequencies: hedonic game / deadline / best responses",
    "gfml-random": "GFML + random frequencies: hedonic game / random / random",
    "random-stackelberg": "Random + Stackelberg: random / random / Stackelberg",
    "random-optimized": "Random + optimized frequencies: random / random / best responses",
    "random-random": "Random + random frequencies: random / random / random",
    "best-effort-stackelberg": "Best effort + Stackelberg: one coalition / deadline / Stackelberg",
    "best-effort-optimized": "Best effort + optimized frequencies: one coalition / deadline / best responses",
    "best-effort-random": "Best effort + random head: one coalition / random / random",
    "fixed-stackelberg": "Fixed + Stackelberg: clusters / deadline / Stackelberg",
    "fixed-optimized": "Fixed + optimized frequencies: clusters / deadline / best responses",
}
SHORT = {"run": "one framework", "compare": "all frameworks", "sweep": "one thing varied"}
EXAMPLES = {
    "run": "--users 12 --coalitions 3 --rounds 5 --set deadlines=12,18",
    "compare": "--frameworks gfml,random-stackelberg --rounds 10 --seeds 3",
    "sweep": "users --values 20,40 --rounds 10 --plot pictures",
}

# In these texts a line that begins with two spaces is an item: its name, two spaces or more, and what it is.
DESCRIPTION = """\
Federated meta-learning as a dual game: learners form coalitions around heads, each coalition's provider sets a price.

  run  one framework: a table of its rounds, with a certificate of every game that was played
  compare  all frameworks over several seeds beside the paper's Table III, and which of its claims hold
  sweep  more users, more coalitions, misbehaving users, or more samples to personalise with: Figures 5 to 9

Without a command, the options are those of run. Each command has its own --help.
"""
RUN = """\
Play the rounds of one framework. Every round forms coalitions, sets prices and frequencies, and trains.

The table tells for each round what came of it and whether its certificate holds. "Stackelberg": no provider and no
learner gains by another price or frequency. "Best responses", where the price is given: no learner gains by another
frequency at that price. A partition is stable where no learner gains by another coalition; that it is not, or that the
switches went round in a cycle, is a finding and no failure.
"""
COMPARE = """\
Play all frameworks with several seeds, and set them beside the paper's Table III: means with 95 % intervals, which of
its orderings hold and which do not, and its claims with what was measured.
"""
SWEEP = """\
Play the GFML framework with one thing varied:

  users  with both reputation incentives of the paper, 5 and 10: Figures 6 and 9
  coalitions  Figure 7
  misbehaving  the share of users that misbehave, with both reputation incentives, with and without blockchain, and
without any reputation incentive: Figures 8 and 9
  samples  of passive users, to personalise with: Figure 5
"""
KEPT = f"""\
Every finished round is kept in the store, a file {STORE} in the present folder: the same command goes on where it was
interrupted, and what is there is not computed again. The number of rounds may grow. Runs with other parameters or seeds
may be in the same store; no command touches them.

exit status: 0 all certificates hold, 1 not, or the learning diverged, 2 bad input, or an output cannot be written, 130
interrupted
"""


def style() -> dict[str, Any]:
    """What all parsers are made with."""
    made = partial(argparse.RawDescriptionHelpFormatter, width=width(), max_help_position=26)
    return {"formatter_class": made, "allow_abbrev": False}


def width() -> int:
    """Columns of the help: those of the terminal, but not too many to read."""
    return max(min(shutil.get_terminal_size().columns - 2, WIDEST), 40)


def wrapped(text: str) -> str:
    """The text's paragraphs and items as wide as the help is."""
    blocks: list[str] = []
    for line in text.splitlines():
        if blocks and line and blocks[-1] and not line.startswith("  "):
            blocks[-1] += f" {line}"
        else:
            blocks.append(line)
    names = [block.split("  ")[1] for block in blocks if block.startswith("  ")]
    return "\n".join(_filled(block, max(map(len, names), default=0)) for block in blocks)


def _filled(block: str, longest: int) -> str:
    """A paragraph, or an item whose text stands to the right of the longest name."""
    if not block.startswith("  "):
        return textwrap.fill(block, width(), break_on_hyphens=False)
    _, name, text = block.split("  ", 2)
    indent = longest + 4 if longest < width() // 3 else 4
    first = f"  {name}".ljust(indent) if len(name) + 3 < indent else f"  {name}  "
    return textwrap.fill(
        text.strip(), width(), initial_indent=first, subsequent_indent=" " * indent, break_on_hyphens=False
    )


def description(command: str) -> str:
    """What the command does."""
    return wrapped({"run": RUN, "compare": COMPARE, "sweep": SWEEP}[command])


def epilog(command: str) -> str:
    """The frameworks, what can be set, an example, and what is kept."""
    parts = []
    if command != "sweep":
        rows = "\n".join(f"  {name}  {text}" for name, text in FRAMEWORKS.items())
        heading = wrapped("frameworks, and how they choose coalitions / heads / prices and frequencies:")
        parts.append(f"{heading}\n{wrapped(rows)}")
    settings = [f"{name}={default(name)}" + (f" ({UNITS[name]})" if name in UNITS else "") for name in DEFAULTS]
    shown = textwrap.fill(
        ", ".join(settings), width(), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    parts.append(f"parameters for --set, with their defaults:\n{shown}")
    parts.append(f"example:\n  python -m models.gfml {command} {EXAMPLES[command]}")
    return "\n\n".join([*parts, wrapped(KEPT)])


def default(name: str) -> str:
    """A parameter's default as it is written on the command line."""
    value = DEFAULTS[name]
    if isinstance(value, tuple):
        return ",".join(f"{part:g}" for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
