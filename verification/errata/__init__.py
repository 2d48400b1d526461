"""Every numbered statement of the two papers: as printed, with a verdict and a witness that is recomputed.

`python -m verification errata` recomputes them all.
"""

from __future__ import annotations

import importlib

from verification.errata._record import Finding, Record, Verdict, examine

__all__ = ["PAPERS", "Finding", "Record", "Verdict", "examine", "records"]

PAPERS = {
    "gfml": (
        "E. Baccour, A. Erbad, A. Mohamed, M. Hamdi, M. Guizani, A Blockchain-Based Reliable Federated Meta-Learning "
        "for Metaverse: A Dual Game Framework, IEEE Internet of Things Journal 11(12), 2024, 22697-22715"
    ),
    "jamming": (
        "K. Dabcevic, A. Betancourt, L. Marcenaro, C. S. Regazzoni, Intelligent cognitive radio jamming - a "
        "game-theoretical approach, EURASIP Journal on Advances in Signal Processing 2014:171"
    ),
}
"""The papers, by the names that `--paper` takes."""

MODULES = {"gfml": ("_gfml_coalitions", "_gfml_incentives"), "jamming": ("_jamming",)}


def records(*papers: str) -> tuple[Record, ...]:
    """All records, or those of the `papers`, in the order of the text.

    Raises
    ------
    ValueError
        If a paper is not one of `PAPERS`.

    Examples
    --------
    >>> {record.verdict for record in records("jamming")} >= {Verdict.RIGHT, Verdict.WRONG}
    True
    """
    for paper in papers:
        if paper not in PAPERS:
            raise ValueError(f"paper must be among {', '.join(PAPERS)}, got {paper!r}")
    names = [name for paper in papers or PAPERS for name in MODULES[paper]]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(record for module in modules for record in module.RECORDS)
