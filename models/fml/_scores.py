"""How well models do on users' samples, and what those samples look like to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.fml._batches import check_positions, user_positions
from models.fml._learning import Diverged, check_names
from models.fml._network import Network, check_samples, features, logits, rows_of_models
from models.fml._samples import Samples, computing
from solvers.core import Array

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Each user's share of samples classified rightly, and mean cross-entropy, both (users,)."""

    accuracy: Array
    loss: Array


def evaluate(
    network: Network,
    models: Tensor,
    samples: Samples,
    indices: Sequence[npt.ArrayLike],
    *,
    names: Sequence[str] = (),
    round_number: int | None = None,
) -> Scores:
    """The scores of `models`, one (size,) or each user's own (users, size), on each user's samples.

    `indices` has for each user the positions of its samples.

    Raises
    ------
    InvalidGame
        If a user has no samples, a position none, or a shape, dtype or device does not fit.
    Diverged
        If what a model says is not finite; the message has `round_number` and, of `names`, the user's.

    Examples
    --------
    >>> import torch
    >>> from models.fml import Network, on_device
    >>> samples = on_device([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 0], device="cpu")
    >>> evaluate(Network(2, 2, hidden=(3,)), torch.zeros(17), samples, [[0, 2], [1]]).accuracy
    array([1., 0.])
    """
    from torch import stack
    from torch.nn.functional import cross_entropy

    def scored(model: Tensor, rows: Tensor) -> Tensor:
        found, labels = logits(network, model, samples.inputs[rows]), samples.labels[rows]
        return stack([(found.argmax(1) == labels).to(found.dtype).mean(), cross_entropy(found, labels)])

    accuracy, loss = _each(network, models, samples, indices, scored, names, round_number).T
    return Scores(accuracy, loss)


def embedding(
    network: Network,
    models: Tensor,
    samples: Samples,
    indices: Sequence[npt.ArrayLike],
    *,
    names: Sequence[str] = (),
    round_number: int | None = None,
) -> Array:
    """What each user sends for (13): the mean output of the layer before the head, (users, width of that layer).

    `models` is the head's, (size,), which all its learners use, or (users, size) where they use different ones. Of the
    paper's "two samples or two small batches", `indices` name each user's.

    Raises
    ------
    InvalidGame
        If a user has no samples, a position none, or a shape, dtype or device does not fit.
    Diverged
        If what a model says is not finite; the message has `round_number` and, of `names`, the user's.

    References
    ----------
    Baccour et al., equation (13): "the last layer before the head of the model". The Δ of (13) is not defined there.

    Examples
    --------
    >>> import torch
    >>> from models.fml import Network, on_device
    >>> samples = on_device([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 0], device="cpu")
    >>> embedding(Network(2, 2, hidden=(3,)), torch.zeros(17), samples, [[0, 2], [1]])
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """

    def averaged(model: Tensor, rows: Tensor) -> Tensor:
        return features(network, model, samples.inputs[rows]).mean(0)

    return _each(network, models, samples, indices, averaged, names, round_number)


def _each(
    network: Network,
    models: Tensor,
    samples: Samples,
    indices: Sequence[npt.ArrayLike],
    found: Callable[[Tensor, Tensor], Tensor],
    names: Sequence[str],
    round_number: int | None,
) -> Array:
    """What is found of each user's model and positions, (users, ...)."""
    import torch

    own = user_positions(indices)
    check_names(names, len(own))
    check_positions(np.concatenate(own), len(samples.labels))
    check_samples(network, samples)
    place = samples.inputs.device
    with computing(samples):
        each = zip(rows_of_models(network, models, samples, len(own)), own, strict=True)
        rows = [found(model, torch.tensor(positions, device=place)) for model, positions in each]
        values = np.asarray(torch.stack(rows).double().cpu().numpy())
    lost = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if lost.size:
        when = "" if round_number is None else f"round {round_number}, "
        who = names[lost[0]] if names else f"user {lost[0]}"
        raise Diverged(f"{when}{who}: what its model says is not finite; lower the rates, or look for wrong inputs")
    return values
