"""The users' devices: how much data they have, how fast they may compute and send, and how long they would wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.gfml._parameters import Parameters
from solvers.core import Array, Mask


@dataclass(frozen=True, eq=False)
class Devices:
    """Of each active user, all (n,): data |D_i| in bits, seconds to send, deadline T_max^i in seconds, honesty.

    Frequencies are limited by `slowest` and `fastest`, in Hz; `cycles` are those of a round, W_i = τ c |D_i|, and
    `energy` is what they cost at 1 Hz, ρ ζ W_i. Read-only.
    """

    names: tuple[str, ...]
    data: Array
    sending: Array
    deadlines: Array
    cycles: Array
    energy: Array
    slowest: float
    fastest: float
    misbehaving: Mask

    @property
    def quickest(self) -> Array:
        """The least time in which each can finish a round, (n,) seconds."""
        return self.cycles / self.fastest + self.sending

    def required(self, deadline: float | Array) -> Array:
        """The frequency with which each meets a deadline, (n,) Hz, or with deadlines (M,) (n, M); inf if it cannot."""
        left = np.subtract.outer(-self.sending, -np.asarray(deadline))  # deadline − sending
        work = self.cycles if left.ndim == 1 else self.cycles[:, None]
        needed = np.divide(work, left, out=np.full(left.shape, np.inf), where=left > 0)
        return np.where(needed <= self.fastest, np.maximum(needed, self.slowest), np.inf)


def devices(
    samples: Sequence[int], names: Sequence[str], parameters: Parameters, *, rng: np.random.Generator
) -> Devices:
    """Devices of users with so many samples each; rates, deadlines and who misbehaves are drawn.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equations (6), (7), (9) and Table II; B is in Mb/s.

    Examples
    --------
    >>> found = devices([10, 30], ["ada", "bob"], Parameters(users=4, coalitions=1), rng=np.random.default_rng(0))
    >>> found.data.round(), found.sending.round(2)
    (array([3.60e+07, 1.08e+08]), array([1.22, 1.58]))
    """
    n, counts = len(samples), np.asarray(samples, dtype=np.float64)
    data = parameters.data * counts / counts.mean()
    rates = rng.uniform(*parameters.rates, n)
    deadlines = rng.uniform(*parameters.deadlines, n)
    lazy = np.zeros(n, dtype=bool)
    lazy[rng.permutation(n)[: round(parameters.misbehaving * n)]] = True
    cycles = parameters.steps * parameters.cycles * data
    found = Devices(
        tuple(names),
        data,
        parameters.model / rates,
        deadlines,
        cycles,
        parameters.energy_price * parameters.capacitance * cycles,
        parameters.slowest,
        parameters.fastest,
        lazy,
    )
    for array in (found.data, found.sending, found.deadlines, found.cycles, found.energy, found.misbehaving):
        array.flags.writeable = False
    return found
