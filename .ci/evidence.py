"""Fails unless an answer of `python -m solvers.stackelberg --json` is proved and certified."""

import json
import sys
from pathlib import Path
from typing import Any


def faults(answer: dict[str, Any]) -> list[str]:
    """What is missing from the evidence of `answer`, in words; empty if nothing is."""
    unproved = [f"{row['obligation']}: {row['verdict']}" for row in answer["proof"] if row["verdict"] != "proved"]
    certificate = answer["certificate"]
    certified = certificate["holds"] is True and certificate["residual"] <= certificate["tolerance"]
    return [
        *([] if answer["proof"] else ["no proof obligation was reported"]),
        *unproved,
        *([] if certified else [f"the certificate does not hold: {certificate}"]),
    ]


if __name__ == "__main__":
    found = faults(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if found else 0)
