"""Per-user learning: local meta-learning steps, the head's average of them, and personalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.fml._batches import check_positions
from models.fml._network import Network, check_samples, rows_of_models
from models.fml._samples import Samples, computing
from solvers._arrays import finite
from solvers.core import Array, InvalidGame, NotSolved, Positions

if TYPE_CHECKING:
    import torch

    from models.fml._descent import Course

GRADIENTS = ("hvp", "hf", "fo")
HIGHEST = float(np.finfo(np.float32).max)  # rate that single precision holds


class Diverged(NotSolved):
    """A loss or a gradient is not finite; the message names the round, the user and the step."""


@dataclass(frozen=True, slots=True)
class Learning:
    """How a user learns: α (`meta_rate`), β (`step_size`), and how the meta-gradient (3) is computed.

    `gradient` is "hvp", the exact product of the Hessian and a vector; "hf", a central difference of gradients at
    distance `difference` times the vector, which Per-FedAvg (HF) uses; or "fo", which leaves the Hessian out.

    Raises
    ------
    InvalidGame
        If a rate or the difference is not positive and finite, or `gradient` not one of the three.

    References
    ----------
    Baccour et al., equations (2) and (3), Table II; Fallah, Mokhtari, Ozdaglar: Personalized Federated Learning with
    Theoretical Guarantees, NeurIPS 2020, section 5.

    Examples
    --------
    >>> Learning(meta_rate=0.05, gradient="fo").step_size
    0.01
    """

    meta_rate: float = 1e-3
    step_size: float = 1e-2
    gradient: str = "hvp"
    difference: float = 1e-4

    def __post_init__(self) -> None:
        if self.gradient not in GRADIENTS:
            raise InvalidGame(f"gradient must be one of {', '.join(GRADIENTS)}, got {self.gradient!r}")
        for name in ("meta_rate", "step_size", "difference"):
            _check_rate(name, getattr(self, name))


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """What users' local steps came to.

    `models` are (users, size). `losses` and `norms`, (users, steps), have each step's loss after adaptation,
    f(θ − β∇f(θ, D), D'), and the length of its meta-gradient, which equation (15) is made of; in steps that a user did
    not take the loss is nan and the length 0.
    """

    models: torch.Tensor
    losses: Array
    norms: Array


def local_update(
    network: Network,
    models: torch.Tensor,
    samples: Samples,
    batches: npt.ArrayLike,
    learning: Learning | None = None,
    *,
    steps: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
    round_number: int | None = None,
) -> Update:
    """The users' models after their local steps, all from `models`: one, (size,), or each user's own, (users, size).

    `batches` are positions in the samples, (users, τ, 3, size), as `meta_batches` draws them. `steps`, (users,), lets
    users stop early: whoever claims τ steps but takes fewer. Each user's result depends on its own row alone.

    Raises
    ------
    InvalidGame
        If a shape, dtype or device does not fit, a position has no sample, or a user's steps are not in 0 to τ.
    Diverged
        If a loss, a gradient or a model is not finite; the message has `round_number` and, of `names`, the user's.

    References
    ----------
    Baccour et al., equations (2) and (3). The printed text before (5) drops the last step; Algorithm 2 does not.

    Examples
    --------
    >>> import numpy as np
    >>> from models.fml import Network, initial, meta_batches, on_device
    >>> rng = np.random.default_rng(0)
    >>> samples = on_device(rng.normal(size=(6, 2)), [0, 1, 0, 1, 0, 1], device="cpu")
    >>> network = Network(2, 2, hidden=(3,))
    >>> drawn = meta_batches([[0, 1, 2], [3, 4, 5]], steps=4, size=2, rng=rng)
    >>> local_update(network, initial(network, samples, rng=rng), samples, drawn).models.shape
    torch.Size([2, 17])
    """
    learning = learning or Learning()
    positions = _positions(batches, samples, 4, "(users, steps, 3, size)")
    users, most = positions.shape[:2]
    if positions.shape[2] != 3:
        raise InvalidGame(f"batches must be (users, steps, 3, size), got shape {positions.shape}")
    taken = _steps(steps, users, most)
    check_names(names, users)
    check_samples(network, samples)
    rows = rows_of_models(network, models, samples, users)
    from models.fml._descent import descend

    with computing(samples):
        place = samples.inputs.device
        course = descend(network, rows, samples, _tensor(positions, place), _tensor(taken, place), learning)
        return _update(course, taken, names, round_number)


def personalise(
    network: Network,
    models: torch.Tensor,
    samples: Samples,
    batches: npt.ArrayLike,
    *,
    rate: float = 1e-2,
    names: Sequence[str] = (),
    round_number: int | None = None,
) -> torch.Tensor:
    """The users' own models, (users, size): a gradient step of `rate` on each of their batches, from `models`.

    `batches` are positions in the samples, (users, steps, size), as `batches` draws them; there may be any number of
    steps, and with none the models come back as they are. `models` are one, (size,), or (users, size).

    Raises
    ------
    InvalidGame
        If a shape, dtype or device does not fit, a position has no sample, or the rate is not positive.
    Diverged
        If a loss, a gradient or a model is not finite.

    References
    ----------
    Baccour et al., equation (1) and the text after (5).

    Examples
    --------
    >>> import numpy as np
    >>> from models.fml import Network, batches, initial, on_device
    >>> rng = np.random.default_rng(0)
    >>> samples = on_device(rng.normal(size=(6, 2)), [0, 1, 0, 1, 0, 1], device="cpu")
    >>> network = Network(2, 2, hidden=(3,))
    >>> drawn = batches([[0, 1, 2], [3, 4, 5]], steps=1, size=2, rng=rng)
    >>> personalise(network, initial(network, samples, rng=rng), samples, drawn).shape
    torch.Size([2, 17])
    """
    _check_rate("rate", rate)
    positions = _positions(batches, samples, 3, "(users, steps, size)")
    users, steps = positions.shape[:2]
    check_names(names, users)
    check_samples(network, samples)
    rows = rows_of_models(network, models, samples, users)
    if not steps:
        return rows.clone()
    from models.fml._descent import descend_plainly

    with computing(samples):
        course = descend_plainly(network, rows, samples, _tensor(positions, samples.inputs.device), rate)
        return _update(course, np.full(users, steps), names, round_number).models


def aggregate(models: torch.Tensor, weights: npt.ArrayLike | None = None) -> torch.Tensor:
    """The head's model, (size,): the mean of its members' (users, size), or the mean with `weights`, (users,).

    It is summed in double precision, so that equal models in single precision give themselves to the bit.

    Raises
    ------
    InvalidGame
        If there is no model, one is not finite, or the weights do not fit, are negative, not finite or all zero.

    References
    ----------
    Baccour et al., equation (5).

    Examples
    --------
    >>> import torch
    >>> aggregate(torch.tensor([[0.0, 4.0], [1.0, 0.0]]), [3, 1])
    tensor([0.2500, 3.0000])
    """
    import torch

    if not isinstance(models, torch.Tensor) or not models.is_floating_point():
        raise InvalidGame(f"models must be a tensor of floats (users, size), got {type(models).__name__}")
    if models.ndim != 2 or not len(models):
        raise InvalidGame(f"models must be (users, size) with at least one user, got shape {tuple(models.shape)}")
    lost = np.flatnonzero(~models.isfinite().all(dim=1).cpu().numpy())
    if lost.size:
        raise InvalidGame(f"models must be finite, that of user {lost[0]} is not")
    shares = np.ones(len(models)) if weights is None else finite("weights", weights, (1,))
    if shares.shape != (len(models),) or shares.min() < 0 or shares.max() == 0:
        raise InvalidGame(f"weights must be ({len(models)},), not negative and not all zero, got {shares}")
    shares = shares / shares.max()
    scale = torch.tensor(shares / shares.sum(), dtype=torch.float64, device=models.device)
    return (scale @ models.detach().double()).to(models.dtype)


def check_names(names: Sequence[str], users: int) -> None:
    """Refuses names that are not one for each user; there may be none."""
    if names and len(names) != users:
        raise InvalidGame(f"names must be {users}, one per user, got {len(names)}")


def _check_rate(name: str, rate: float) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.integer | np.floating):
        raise InvalidGame(f"{name} must be a number, got {rate!r}")
    if not 0 < rate <= HIGHEST:
        raise InvalidGame(f"{name} must be positive and at most {HIGHEST:g}, got {rate:g}")


def _positions(batches: npt.ArrayLike, samples: Samples, dimensions: int, shape: str) -> Positions:
    """The batches as integers, all of them positions of samples; only the steps may be none."""
    positions = np.asarray(batches)
    if (
        positions.ndim != dimensions
        or positions.dtype.kind not in "iu"
        or 0 in positions.shape[:1] + positions.shape[2:]
    ):
        raise InvalidGame(f"batches must be integers {shape}, got shape {positions.shape} of {positions.dtype}")
    if positions.size:
        check_positions(positions, len(samples.labels))
    return positions.astype(np.intp, copy=False)


def _steps(steps: npt.ArrayLike | None, users: int, most: int) -> Positions:
    """How many steps each user takes, all of them where nothing is said."""
    if not most:
        raise InvalidGame("batches must have at least one step, got none")
    taken = np.full(users, most) if steps is None else np.asarray(steps)
    if taken.shape != (users,) or taken.dtype.kind not in "iu" or taken.min() < 0 or taken.max() > most:
        raise InvalidGame(f"steps must be ({users},) integers in 0 to {most}, got {steps!r}")
    return taken.astype(np.intp, copy=False)


def _tensor(positions: Positions, place: torch.device) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(positions)).to(place)


def _update(course: Course, taken: Positions, names: Sequence[str], round_number: int | None) -> Update:
    """The course as the caller gets it, if it is finite."""
    losses, norms = (part.double().cpu().numpy() for part in course[1:])
    lost = ~course.models.isfinite().all(dim=1).cpu().numpy()
    idle = np.arange(losses.shape[1]) >= taken[:, None]
    broken = ~(np.isfinite(losses) & np.isfinite(norms)) & ~idle
    if broken.any():
        step, user = (int(k) for k in np.argwhere(broken.T)[0])
        raise Diverged(_divergence(step, user, losses[user, step], names, round_number))
    if lost.any():
        user = int(np.argmax(lost))
        raise Diverged(_divergence(int(taken[user]) - 1, user, np.nan, names, round_number, "the model is not finite"))
    losses[idle] = np.nan
    return Update(course.models, losses, norms)


def _divergence(
    step: int, user: int, loss: float, names: Sequence[str], round_number: int | None, what: str = ""
) -> str:
    """What to say of the first step that failed."""
    when = "" if round_number is None else f"round {round_number}, "
    who = names[user] if names else f"user {user}"
    what = what or f"the loss is {loss:g}" + (", its gradient not finite" if np.isfinite(loss) else "")
    return f"{when}{who}, step {step + 1}: {what}; lower the rates, or look for wrong inputs"
