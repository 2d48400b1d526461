"""Samples on the device that computes with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from solvers._messages import one_line, quoted
from solvers.core import InvalidGame, NotSolved

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "float64")
REASON = 120  # characters of PyTorch's reason that an error repeats
DEVICES = re.compile(r"auto|cpu|mps|(cuda|xpu)(:[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """All users' samples, `inputs` (N, d) and `labels` (N,), on one device; users are lists of positions in them.

    Whatever is computed from them is computed on their device, in their dtype, by `threads` threads.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    threads: int = 1


def on_device(
    inputs: npt.ArrayLike | torch.Tensor,
    labels: npt.ArrayLike | torch.Tensor,
    *,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 1,
) -> Samples:
    """The samples, copied to `device`; "auto" is a CUDA device where there is one, else the processor.

    `inputs` are real numbers (N, d), `labels` integers (N,) from 0. One thread is the default because on a shared
    machine two are slower.

    Raises
    ------
    InvalidGame
        If a shape does not fit, an input is not finite, a label not an integer from 0, or the device, the dtype or the
        number of threads is not one there is.
    NotSolved
        If PyTorch is missing.

    Examples
    --------
    >>> on_device([[0.0, 1.0], [1.0, 0.0]], [1, 0], device="cpu").inputs.shape
    torch.Size([2, 2])
    """
    torch = _torch()
    _check_options(dtype, threads)
    place = chosen_device(device)
    x = _tensor("inputs", inputs, "real numbers", "biuf").to(place, getattr(torch, dtype), copy=True).contiguous()
    y = _tensor("labels", labels, "integers", "iu").to(place, torch.int64, copy=True)
    _check(x, y)
    return Samples(x, y, threads)


@contextmanager
def computing(samples: Samples) -> Iterator[None]:
    """No record for automatic differentiation, and the threads that the samples ask for; restored afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(samples.threads)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(before)


def _torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise NotSolved("federated learning needs PyTorch; install certeq[fml]") from None
    return torch


def _check_options(dtype: str, threads: int) -> None:
    if dtype not in DTYPES:
        raise InvalidGame(f"dtype must be {' or '.join(DTYPES)}, got {dtype!r}")
    if threads < 1:
        raise InvalidGame(f"threads must be at least 1, got {threads}")


def check_device_name(name: str) -> None:
    """Refuses what is no device's name, whether or not there is one here.

    Raises
    ------
    InvalidGame
        If it is none of auto, cpu, cuda, cuda:N, mps, xpu and xpu:N.
    """
    if not DEVICES.fullmatch(name):
        raise InvalidGame(f"device must be auto, cpu, cuda, cuda:N, mps or xpu, got {quoted(name)}")


def chosen_device(name: str) -> torch.device:
    """The device of that name, if PyTorch can compute there.

    Raises
    ------
    InvalidGame
        If it cannot.
    NotSolved
        If PyTorch is missing.
    """
    library = _torch()
    check_device_name(name)
    place = ("cuda" if library.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        found: torch.device = library.zeros(1, device=place).device
    except (RuntimeError, AssertionError) as refusal:  # what a build without the device raises
        reason = str(refusal).splitlines()[0].split(". ")[0].removesuffix(".")
        rule = "device must be one that PyTorch can use here"
        raise InvalidGame(f"{rule}, got {quoted(name)}: {one_line(reason, REASON)}") from None
    return found


def _tensor(name: str, values: npt.ArrayLike | torch.Tensor, wanted: str, kinds: str) -> torch.Tensor:
    """The values as a tensor, if their kind, as NumPy abbreviates it, is one of `kinds`."""
    import torch

    if isinstance(values, torch.Tensor):
        kind = "f" if values.is_floating_point() else "c" if values.is_complex() else "i"
        found = values.detach()
    else:
        array = _array(name, values)
        kind = array.dtype.kind
        found = torch.from_numpy(array) if kind in "biuf" else torch.empty(0)
    if kind not in kinds:
        raise InvalidGame(f"{name} must be {wanted}, got {getattr(values, 'dtype', 'something else')}")
    return found


def _array(name: str, values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """A copy of the values: PyTorch warns of read-only arrays."""
    try:
        return np.array(values)
    except ValueError:  # numpy's word for a ragged list
        raise InvalidGame(f"{name} must be a rectangular array, got rows of different lengths") from None


def _check(inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """Refuses what cannot be learnt from."""
    if inputs.ndim != 2 or inputs.numel() == 0:
        raise InvalidGame(f"inputs must be (N, d) with at least one number, got shape {tuple(inputs.shape)}")
    if labels.shape != inputs.shape[:1]:
        raise InvalidGame(
            f"labels must be ({len(inputs)},), one for each of the inputs, got shape {tuple(labels.shape)}"
        )
    bad = (~inputs.isfinite().all(dim=1)).nonzero()
    if len(bad):
        raise InvalidGame(f"inputs must be finite in {inputs.dtype}, sample {int(bad[0])} is not")
    if int(labels.min()) < 0:
        raise InvalidGame(f"labels must count from 0, got {int(labels.min())}")
