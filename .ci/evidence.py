"""Fails unless the answers of `python -m solvers.<family> --json` are proved, where that is due, and certified."""

import json
import sys
from pathlib import Path
from typing import Any


def faults(answer: dict[str, Any]) -> list[str]:
    """What is missing from the evidence of `answer`, in words; empty if nothing is."""
    return [*(unproved(answer["proof"]) if "proof" in answer else unsolved(answer)), *uncertified(answer)]


def unproved(proof: list[dict[str, Any]]) -> list[str]:
    """The obligations of a Stackelberg game's case table that are not proved."""
    if not proof:
        return ["no proof obligation was reported"]
    return [f"{row['obligation']}: {row['verdict']}" for row in proof if row["verdict"] != "proved"]


def unsolved(answer: dict[str, Any]) -> list[str]:
    """What the answer of a bimatrix or a hedonic game lacks."""
    return [
        *([] if answer["status"] == "solved" else [f"the status is {answer['status']}"]),
        *([] if answer.get("equilibria") or answer.get("partition") else ["no equilibrium or partition was reported"]),
    ]


def uncertified(answer: dict[str, Any]) -> list[str]:
    """Why the certificate is none."""
    certificate = answer["certificate"]
    if certificate and certificate["holds"] is True and certificate["residual"] <= certificate["tolerance"]:
        return []
    return [f"the certificate does not hold: {certificate}"]


if __name__ == "__main__":
    found = [f"{name}: {fault}" for name in sys.argv[1:] for fault in faults(json.loads(Path(name).read_text("utf-8")))]
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if found or not sys.argv[1:] else 0)
