"""The dual-game paper's incentive game and its evaluation: equations (22) to (40), Proposition 3, tables and figures.

Numbers are in GHz, Gbit, Gcycles and seconds. Ada, bob and cem are the learners of the scenario `two-peaks`; the
constants are those of Table II.
"""

from __future__ import annotations

from verification.errata import _gfml_inc_evaluation as evaluation
from verification.errata import _gfml_inc_followers as followers
from verification.errata import _gfml_inc_leader as leader
from verification.errata._record import Record

RECORDS: tuple[Record, ...] = (
    *followers.RECORDS_22,
    *leader.STAGE_ONE,
    *followers.RECORDS,
    *leader.DERIVATIVES,
    *leader.PROPOSITION_3,
    *evaluation.OF_TABLES,
    *evaluation.OF_TEXT,
    *evaluation.OF_CLAIMS,
)
