"""The records of the jamming paper.

K. Dabcevic, A. Betancourt, L. Marcenaro, C. S. Regazzoni, *Intelligent cognitive radio jamming: a game-theoretical
approach*, EURASIP Journal on Advances in Signal Processing 2014:171, section 3: equations (1) to (20), and what is said
without a number. The section has no values of its parameters; unless a record says otherwise they are 4 channels,
powers .5, 1 and 1.5 at that cost, rewards and penalties of 10, hops of 1, and a power that jams an equal or a lower
one.
"""

from __future__ import annotations

from verification.errata import _jamming_learning, _jamming_mixed, _jamming_policies, _jamming_stages, _jamming_steps
from verification.errata._record import Record

RECORDS: tuple[Record, ...] = (
    *_jamming_steps.RECORDS,
    *_jamming_stages.STAGES,
    *_jamming_stages.NUMBER,
    *_jamming_mixed.RECORDS,
    *_jamming_stages.OBSERVED,
    *_jamming_learning.RECORDS,
    *_jamming_policies.RECORDS,
)
"""In the order of the paper."""
