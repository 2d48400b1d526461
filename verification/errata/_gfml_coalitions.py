"""The coalition game of the dual-game paper: Table I, (1) to (21), Definitions 1 to 7, and the algorithms."""

from __future__ import annotations

from verification.errata import (
    _gfml_coalition_algorithms,
    _gfml_coalition_convergence,
    _gfml_coalition_costs,
    _gfml_coalition_learning,
    _gfml_coalition_profit,
    _gfml_coalition_reputation,
    _gfml_coalition_stability,
    _gfml_coalition_training,
)
from verification.errata._record import Record

RECORDS: tuple[Record, ...] = (
    *_gfml_coalition_learning.RECORDS,
    *_gfml_coalition_costs.RECORDS,
    *_gfml_coalition_profit.RECORDS,
    *_gfml_coalition_reputation.RECORDS,
    *_gfml_coalition_stability.RECORDS,
    *_gfml_coalition_algorithms.RECORDS,
    *_gfml_coalition_convergence.RECORDS,
    *_gfml_coalition_training.RECORDS,
)
