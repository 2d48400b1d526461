"""Rounds of a small federation, as a ledger keeps them."""

from __future__ import annotations

import numpy as np

from models.ledger import Page, Terms
from models.reputation import Record

TERMS = Terms(threshold=0.5, reputation_incentive=5.0, highest_price=15.0, model=bytes(range(32)), steps=10)


def page(round_number: int, users: int = 12, coalitions: int = 3, *, seed: int = 0, **changed: object) -> Page:
    """A round of made-up numbers, some users in no coalition; the same for the same arguments."""
    rng = np.random.default_rng([seed, round_number])
    slots = rng.permutation(np.arange(users) % (coalitions + 1) - 1)
    heads = [int(rng.choice(np.flatnonzero(slots == j))) for j in range(coalitions)]
    records = [
        Record(round_number, int(i), heads[slots[i]], float(rng.uniform(-1, 1)), float(rng.exponential(5)))
        for i in np.flatnonzero(slots >= 0)
    ]
    shares = {one.user: (float(rng.uniform(-0.3, 1.5)), float(rng.uniform(0, 1))) for one in records}
    made = {
        "round": round_number,
        "heads": heads,
        "slots": slots,
        "prices": rng.uniform(5, 15, coalitions).tolist(),
        "records": records,
        "shares": shares,
        "terms": TERMS,
        "rejected": [bytes([k]) * 32 for k in rng.integers(1, 200, 3)],
    }
    return Page(**(made | changed))
