"""What users of federated meta-learning have contributed, and what that makes their reputations, round after round.

Equations (11) to (18) of the dual-game paper, corrected. `as_printed=True` gives the printed formula, which is wrong,
for comparison; where that is undefined, it is nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from solvers._arrays import finite
from solvers.core import Array, InvalidGame, Positions
from solvers.hedonic import Reputation

__all__ = [
    "Record",
    "ReputationState",
    "contribution",
    "global_reputation",
    "overall_reputation",
    "proportional_contribution",
    "relative_contribution",
    "replay",
    "reputation_utility",
    "similarity",
    "task_reputation",
    "training_contribution",
]

NOWHERE = -1  # the head of who is in no coalition
SAME = 1e-6  # of the largest contribution: a difference that single precision may make
ROUNDING = 1e-12  # of a number in [−1, 1]


def similarity(embeddings: npt.ArrayLike, heads: Sequence[int] | Positions) -> Array:
    """The cosine of each user's embedding and each head's, S of equation (13), (users, coalitions), in [−1, 1].

    `embeddings` are (users, numbers), all made by one model, or (users, coalitions, numbers), made by the model of each
    coalition's head. `heads`, (coalitions,), are users; the similarity of a head to itself is 1.

    The paper prints differences of embeddings, which it does not define; its text compares the embeddings.

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, an embedding 0, or a head not a user.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, equation (13).

    Examples
    --------
    >>> similarity([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]], heads=[0, 1])
    array([[1. , 0. ],
           [0. , 1. ],
           [0.6, 0.8]])
    """
    vectors = _directions(finite("embeddings", embeddings, (2, 3)))
    chosen = _indices("heads", heads, 0, len(vectors))
    if chosen.ndim != 1 or (vectors.ndim == 3 and vectors.shape[1] != len(chosen)):
        wanted = f"({vectors.shape[1]},)" if vectors.ndim == 3 else "(coalitions,)"
        raise InvalidGame(f"heads must be {wanted}, got shape {chosen.shape}")
    slots = np.arange(len(chosen))
    if vectors.ndim == 2:
        found = vectors @ vectors[chosen].T
    else:
        found = np.einsum("ijd,jd->ij", vectors, vectors[chosen, slots])
    found = np.clip(found, -1.0, 1.0)
    found[chosen, slots] = 1.0
    return found


def training_contribution(
    norms: npt.ArrayLike, data: npt.ArrayLike, *, drift: float = 1.0, noise: float = 1.0
) -> Array:
    """The sum over local steps of ‖g‖² − 2 (drift + noise/√|D|) ‖g‖, u of equation (15), (users,).

    `norms`, (users, steps), are the norms of the meta-gradients g, with 0 for a step not taken; `data`, a number or
    (users,), the amounts of data |D|. The paper has 1 for `drift` and `noise`. Then u is in [−1, 1] only by chance: it
    is at least −steps (1 + 1/√|D|)², and has no upper bound, so that `contribution` needs it rescaled. Moreover a term
    is negative while ‖g‖ < 2 (1 + 1/√|D|), so that who leaves out such steps gets *more*. With 0 for both, each
    step counts in the user's favour.

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, a norm, `drift` or `noise` negative, or an amount not positive.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equation (15) and Algorithm 2, lines 25 to 27.

    Examples
    --------
    >>> training_contribution([[5.0] * 10, [1.6] * 10, [1.6] * 5 + [0.0] * 5], 40).round(2)  # the last left out five
    array([134.19, -11.46,  -5.73])
    >>> training_contribution([[1.6] * 10, [1.6] * 5 + [0.0] * 5], 40, drift=0, noise=0).round(2)
    array([25.6, 12.8])
    """
    lengths, amounts = finite("norms", norms, (2,)), finite("data", data, (0, 1))
    if amounts.shape not in ((), lengths.shape[:1]):
        raise InvalidGame(f"data must be a number or ({len(lengths)},), got shape {amounts.shape}")
    _refuse("data must be positive", amounts, amounts <= 0)
    for name, value in (
        ("norms", lengths),
        ("drift", finite("drift", drift, (0,))),
        ("noise", finite("noise", noise, (0,))),
    ):
        _refuse(f"{name} must not be negative", value, value < 0)
    error = np.broadcast_to(drift + noise / np.sqrt(amounts), lengths.shape[:1])
    return np.asarray(np.sum(lengths * (lengths - 2 * error[:, None]), axis=1))


def relative_contribution(training: npt.ArrayLike) -> Array:
    """The training contributions of those who trained together, from −1 for the least to 1 for the greatest.

    All are 0 where they are the same, up to a millionth of the largest, as sums in single precision are. This is one
    way to have u in [−1, 1], with −1 for "the lowest contribution to the training", as the paper says; `numpy.clip` is
    another, which compares nobody.

    Raises
    ------
    InvalidGame
        If `training` is not (users,) with at least one user, or a number not finite.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, the text under equation (15).

    Examples
    --------
    >>> relative_contribution([19.6, 9.8, 17.15])
    array([ 1. , -1. ,  0.5])
    """
    given = _some("training", finite("training", training, (1,)))
    least, span = given.min() / 2, given.max() / 2 - given.min() / 2  # halves: their difference cannot overflow
    if span <= SAME * np.max(np.abs(given)) / 2:
        return np.zeros_like(given)
    return np.asarray(np.clip((given / 2 - least) / span * 2 - 1, -1.0, 1.0))


def proportional_contribution(training: npt.ArrayLike) -> Array:
    """The training contributions of those who trained together, from −1 for nothing to 1 for the greatest.

    `training`, (users,), must not be negative, as those of `training_contribution` with 0 for drift and noise; u is
    twice the share of the greatest, less 1, and −1 for all where nobody contributed. Unlike `relative_contribution` it
    does not leave the least of honest users with nothing. What all leave out alike, neither of them sees.

    Raises
    ------
    InvalidGame
        If `training` is not (users,) with at least one user, or a number negative or not finite.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, the text under equation (15): −1 is "the lowest contribution".

    Examples
    --------
    >>> proportional_contribution([20.0, 10.0, 0.0])
    array([ 1.,  0., -1.])
    """
    given = _some("training", finite("training", training, (1,)))
    _refuse("training must not be negative", given, given < 0)
    greatest = given.max()
    return np.asarray(given / greatest * 2 - 1) if greatest > 0 else np.full_like(given, -1.0)


def contribution(training: npt.ArrayLike, slack: npt.ArrayLike, *, as_printed: bool = False) -> Array:
    """What users contributed in a round, (1 + u) log(1 + slack), ϑ of equation (14), 0 for who was late.

    `training` u, in [−1, 1], is the contribution to the training, and `slack` the time left to the deadline, T_max −
    T_comp − T_comm, in seconds, both of any shapes that fit. The logarithm is natural. ϑ is at least 0, and 0 where u
    is −1 or no time was left. As printed it is negative for u < −1 or a late user, positive for both, and undefined for
    who is late by a second.

    Raises
    ------
    InvalidGame
        If the shapes do not fit, a number is not finite, or, except as printed, a u not in [−1, 1].

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equation (14).

    Examples
    --------
    >>> contribution([0.0, 1.0, -1.0, 1.0], [5.0, 5.0, 5.0, -0.5]).round(3)
    array([1.792, 3.584, 0.   , 0.   ])
    >>> contribution([-2.0, 1.0], [-0.5, -1.5], as_printed=True).round(3)
    array([0.693,   nan])
    """
    given, left = finite("training", training, tuple(range(5))), finite("slack", slack, tuple(range(5)))
    try:
        np.broadcast_shapes(given.shape, left.shape)
    except ValueError:
        raise InvalidGame(f"training and slack must fit, got shapes {given.shape} and {left.shape}") from None
    if as_printed:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((given + 1) * np.log(1 + left))
    return np.asarray((1 + _within("training", given, -1.0, 1.0)) * np.log1p(np.maximum(left, 0.0)))


def global_reputation(contributions: npt.ArrayLike, *, forgetting: float = 0.7, as_printed: bool = False) -> Array:
    """The sum over rounds of λ^(K−k) ϑ^k, R_global of equation (16), (users,).

    `contributions`, (rounds, users), are ϑ of the rounds k = 1 to K, 0 for who took no part; `forgetting` is λ in
    [0, 1], 1 for never. As printed the weight is λ^k, by which the oldest round counts most, though "more recent
    contributions are given greater weight".

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, or `forgetting` not in [0, 1].

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equation (16).

    Examples
    --------
    >>> global_reputation([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])  # one long ago, one just now
    array([0.49, 1.  ])
    >>> global_reputation([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], as_printed=True).round(3)
    array([0.7  , 0.343])
    """
    given = finite("contributions", contributions, (2,))
    return np.asarray(_weights(len(given), forgetting, as_printed) @ given)


def task_reputation(
    contributions: npt.ArrayLike,
    heads: npt.ArrayLike,
    alike: npt.ArrayLike,
    *,
    forgetting: float = 0.7,
    as_printed: bool = False,
) -> Array:
    """The sum over rounds of λ^(K−k) S_jr ϑ^k, R_task of equation (17), (users, coalitions).

    `contributions` are as in `global_reputation`. `heads`, (rounds, users), say who led the user, r, or −1 for a user
    that took no part. `alike` are the similarities of all users to the present heads, (users, coalitions), as
    `similarity` returns them: S_jr is that of the past head r to the head of coalition j, and 1 if they are the same.
    As printed the weight is λ^k.

    Where a similarity is negative, a contribution lowers this reputation. Give `numpy.maximum(alike, 0)` where
    unrelated tasks shall not matter.

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, `forgetting` not in [0, 1], a similarity not in [−1, 1], a head
        not a user, or a contribution not 0 of who took no part.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equation (17).

    Examples
    --------
    >>> alike = similarity([[1.0, 0.0], [0.6, 0.8], [1.0, 1.0]], heads=[0])
    >>> task_reputation([[0.0, 0.0, 2.0], [0.0, 0.0, 1.0]], [[0, 1, 1], [0, 1, 0]], alike)  # 0.7 · 0.6 · 2 + 1
    array([[0.  ],
           [0.  ],
           [1.84]])
    """
    given = finite("contributions", contributions, (2,))
    table = _similarities(alike, given.shape[1])
    led = _indices("heads", heads, NOWHERE, given.shape[1])
    if led.shape != given.shape:
        raise InvalidGame(f"heads must be {given.shape}, got shape {led.shape}")
    _refuse("contributions must be 0 where no head led", given, (led == NOWHERE) & (given != 0))
    weighted = _weights(len(given), forgetting, as_printed)[:, None] * given
    return np.asarray(np.einsum("ki,kij->ij", weighted, table[led]))


def overall_reputation(everywhere: npt.ArrayLike, task: npt.ArrayLike, *, weighting: float = 0.2) -> Array:
    """The mean of global and task reputation, φ R_global + (1 − φ) R_task, R of equation (18), (users, coalitions).

    `everywhere` is (users,), `task` (users, coalitions), and `weighting` φ in [0, 1].

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, or `weighting` not in [0, 1].

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equation (18).

    Examples
    --------
    >>> overall_reputation([1.0, 2.0], [[1.0, 0.5], [0.0, 2.0]])
    array([[1. , 0.6],
           [0.4, 2. ]])
    """
    share = _fraction("weighting", weighting)
    known, special = finite("everywhere", everywhere, (1,)), finite("task", task, (2,))
    if special.shape[0] != len(known):
        raise InvalidGame(f"task must be ({len(known)}, coalitions), got shape {special.shape}")
    return np.asarray(share * known[:, None] + (1 - share) * special)


def reputation_utility(
    reputations: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    floor: float = 0.5,
    peak: float | None = None,
    as_printed: bool = False,
) -> Array:
    """What the reputations of a coalition's members are worth, H of equations (11) and (12), (members,), in [0, 1].

    The rule is that of `solvers.hedonic.Reputation`, with R_th as `threshold` and γ as `floor`; `peak` is the highest
    reputation among the members unless given. As printed, with log(1 − μ), H falls above the threshold, from γ, and is
    nan beyond 58 % of the way to the peak, and where the peak is the threshold.

    Raises
    ------
    InvalidGame
        If there are no members, a number is not finite, `floor` not in [0, 1], or a reputation above the `peak`.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equations (11) and (12).

    Examples
    --------
    >>> reputation_utility([0.1, 0.5, 0.75, 1.0]).round(3)
    array([0.335, 0.5  , 0.81 , 1.   ])
    >>> reputation_utility([0.1, 0.5, 0.75, 1.0], as_printed=True).round(3)
    array([ 0.335,  0.5  , -0.48 ,    nan])
    """
    own = _some("reputations", finite("reputations", reputations, (1,)))
    highest = float(own.max()) if peak is None else float(finite("peak", peak, (0,)))
    rule = Reputation(own, pay=0.0, threshold=threshold, floor=floor, peaks=[highest])
    right = rule.utility(own, highest)
    if not as_printed:
        return right
    with np.errstate(all="ignore"):
        climb = np.log(1 - (math.e - 1) * (own - rule.threshold) / np.subtract(highest, rule.threshold))
    return np.where(own < rule.threshold, right, rule.floor + (1 - rule.floor) * climb)


@dataclass(frozen=True, slots=True)
class Record:
    """What one user did in one round: all that reputations are made of.

    `round` counts from 1, `user` and `head` from 0; `head` is the user that led the coalition. `training` is u in [−1,
    1], and `slack` the seconds left to the deadline. A record is checked where it is used, by `ReputationState.update`.

    Examples
    --------
    >>> Record(round=1, user=2, head=0, training=0.0, slack=5.0)
    Record(round=1, user=2, head=0, training=0.0, slack=5.0)
    """

    round: int
    user: int
    head: int
    training: float
    slack: float


@dataclass(frozen=True, eq=False)
class ReputationState:
    """What is known of all users after some rounds: the discounted contributions of each under each head.

    `direct`, (users, len(heads)), are the sums of λ^(K−k) ϑ^k over the rounds in which that head led, from which follow
    (16) to (18) for any present similarities. `heads` are the users that have ever led, and `rounds` is K. Nobody has a
    reputation at first, and who takes no part in a round forgets like the others.

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, `forgetting` not in [0, 1], or a head not a user, or twice.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equations (16) to (18).

    Examples
    --------
    >>> state = ReputationState.start(users=3)
    >>> state = state.update([Record(round=1, user=2, head=1, training=0.0, slack=5.0)])
    >>> state = state.update([Record(round=2, user=2, head=0, training=-0.5, slack=5.0)])
    >>> state.total.round(3)
    array([0.  , 0.  , 2.15])
    >>> state.overall(similarity([[1.0, 0.0], [0.6, 0.8], [1.0, 1.0]], heads=[0])).round(3)[2]
    array([1.749])
    """

    forgetting: float
    rounds: int
    heads: tuple[int, ...]
    direct: Array

    def __post_init__(self) -> None:
        sums = finite("direct", self.direct, (2,))
        led = _indices("heads", self.heads, 0, len(sums))
        if sums.shape[1:] != led.shape or len(set(self.heads)) < len(self.heads):
            raise InvalidGame(f"heads must be different users, one per column of {sums.shape}, got {self.heads}")
        if _integer("rounds", self.rounds) < 0:
            raise InvalidGame(f"rounds must not be negative, got {self.rounds}")
        fields = (
            ("rounds", int(self.rounds)),
            ("forgetting", _fraction("forgetting", self.forgetting)),
            ("heads", tuple(led.tolist())),
            ("direct", sums),
        )
        for name, value in fields:
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return ReputationState, (self.forgetting, self.rounds, self.heads, self.direct)

    @classmethod
    def start(cls, users: int, *, forgetting: float = 0.7) -> ReputationState:
        """The state before the first round."""
        if _integer("users", users) < 1:
            raise InvalidGame(f"users must be at least 1, got {users}")
        return cls(forgetting, 0, (), np.zeros((users, 0)))

    def update(self, records: Iterable[Record]) -> ReputationState:
        """The state after one more round, in which the users of `records` took part, in any order.

        Raises
        ------
        InvalidGame
            If a record is of another round, a user or head unknown, a user there twice, u not in [−1, 1], or a number
            not finite.
        """
        users, led, gains = self._page(list(records))
        heads = (*self.heads, *sorted(set(led) - set(self.heads)))
        columns = {head: k for k, head in enumerate(heads)}
        direct = np.zeros((len(self.direct), len(heads)))
        direct[:, : len(self.heads)] = self.forgetting * self.direct
        direct[users, [columns[head] for head in led]] += gains
        return ReputationState(self.forgetting, self.rounds + 1, heads, direct)

    def _page(self, records: Sequence[Record]) -> tuple[Positions, list[int], Array]:
        """Who took part in the next round, under whom, and what each contributed."""
        wrong = next((record for record in records if record.round != self.rounds + 1), None)
        if wrong is not None:
            raise InvalidGame(f"records: the round must be {self.rounds + 1}, got {wrong}")
        users = _indices("records: users", [record.user for record in records], 0, len(self.direct))
        heads = _indices("records: heads", [record.head for record in records], 0, len(self.direct))
        _refuse("records: a user must be in a round once", users, np.bincount(users)[users] > 1)
        gains = contribution([record.training for record in records], [record.slack for record in records])
        return users, heads.tolist(), gains

    @property
    def total(self) -> Array:
        """The global reputations (16), (users,)."""
        return np.asarray(self.direct.sum(axis=1))

    def task(self, alike: npt.ArrayLike) -> Array:
        """The task reputations (17), (users, coalitions), for the similarities of all users to the present heads."""
        return np.asarray(self.direct @ _similarities(alike, len(self.direct))[list(self.heads)])

    def overall(self, alike: npt.ArrayLike, *, weighting: float = 0.2) -> Array:
        """The reputations (18), (users, coalitions), for the similarities of all users to the present heads."""
        return overall_reputation(self.total, self.task(alike), weighting=weighting)


def replay(records: Iterable[Record], *, users: int, rounds: int, forgetting: float = 0.7) -> ReputationState:
    """The state after `rounds` rounds, from the records of all of them, in any order: the same bits as at the time.

    Raises
    ------
    InvalidGame
        If a record is not of the rounds 1 to `rounds`, or `ReputationState.update` refuses it.

    Examples
    --------
    >>> records = [Record(round=k, user=0, head=1, training=0.0, slack=5.0) for k in range(1, 31)]
    >>> replay(records, users=2, rounds=30).total.round(2)  # tends to log(6)/(1 − 0.7), far above a threshold of 0.5
    array([5.97, 0.  ])
    """
    pages: dict[int, list[Record]] = {k + 1: [] for k in range(_integer("rounds", rounds))}
    for record in records:
        if record.round not in pages:
            raise InvalidGame(f"records: the round must be in 1 to {rounds}, got {record}")
        pages[record.round].append(record)
    return reduce(ReputationState.update, pages.values(), ReputationState.start(users, forgetting=forgetting))


def _weights(rounds: int, forgetting: float, as_printed: bool) -> Array:
    """What each of the rounds 1 to K counts: λ^(K−k), or λ^k as printed."""
    past = np.arange(1, rounds + 1) if as_printed else np.arange(rounds)[::-1]
    return np.asarray(_fraction("forgetting", forgetting) ** past)


def _directions(vectors: Array) -> Array:
    """The vectors at length 1; scaled first, so that no square overflows."""
    if not vectors.size:
        raise InvalidGame(f"embeddings must not be empty, got shape {vectors.shape}")
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    if np.any(largest == 0):
        raise InvalidGame(f"embeddings must not be 0, got one of user {int(np.argwhere(largest == 0)[0, 0])}")
    scaled = vectors / largest
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def _similarities(alike: npt.ArrayLike, users: int) -> Array:
    """The similarities of all users to the heads of coalitions."""
    table = _within("alike", finite("alike", alike, (2,)), -1.0, 1.0)
    if len(table) != users:
        raise InvalidGame(f"alike must be ({users}, coalitions), got shape {table.shape}")
    return table


def _indices(name: str, values: npt.ArrayLike, low: int, users: int) -> Positions:
    """The values as indices of users, from `low` on."""
    given = np.asarray(values)
    if given.size and given.dtype.kind not in "iu":
        raise InvalidGame(f"{name} must be integers, got {given.dtype}")
    _refuse(f"{name} must be in {low} to {users - 1}", given, (given < low) | (given >= users))
    return given.astype(np.intp)


def _integer(name: str, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise InvalidGame(f"{name} must be an integer, got {value!r}") from None


def _fraction(name: str, value: float) -> float:
    return float(_within(name, finite(name, value, (0,)), 0.0, 1.0, rounding=0.0))


def _within(name: str, values: Array, low: float, high: float, rounding: float = ROUNDING) -> Array:
    """The values, within [low, high]; what is past the end by rounding is moved there."""
    outside = (values < low - rounding) | (values > high + rounding)
    _refuse(f"{name} must be in [{low:g}, {high:g}]", values, outside)
    return np.clip(values, low, high)


def _some(name: str, values: Array) -> Array:
    if not values.size:
        raise InvalidGame(f"{name} must not be empty, got shape {values.shape}")
    return values


def _refuse(rule: str, values: npt.NDArray[Any], wrong: npt.NDArray[np.bool_]) -> None:
    """Raises if any of the values is wrong, naming the first."""
    if np.any(wrong):
        where = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise InvalidGame(f"{rule}, got {values[where]:g}" + (f" at {list(where)}" if where else ""))
