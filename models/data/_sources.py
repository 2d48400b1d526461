"""Where data sets come from: scikit-learn, files in a folder, OpenML."""

from __future__ import annotations

import http.client
import importlib.util
import math
import os
import warnings
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from models.data._dataset import Dataset, Labels, scaled
from models.data._idx import MD5, Bytes, is_file, read_idx
from solvers._documents import FilePath
from solvers._messages import quoted, shown, suggestion
from solvers.core import InvalidGame

Part: TypeAlias = Literal["all", "train", "test"]

DATASETS = ("digits", "mnist", "fashion-mnist")
PARTS = {"all": ("train", "t10k"), "train": ("train",), "test": ("t10k",)}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
HOMES = {"mnist": "yann.lecun.com/exdb/mnist", "fashion-mnist": "github.com/zalandoresearch/fashion-mnist"}
ON_OPENML = {"mnist": "mnist_784", "fashion-mnist": "Fashion-MNIST"}
BRIGHTEST = 255.0  # what a byte of an image can be


def load(name: str, folder: FilePath | None = None) -> Dataset:
    """The data set of that name: `digits`, `mnist` or `fashion-mnist`.

    The last two are read from `folder`, and without one from OpenML. `digits` needs no folder.

    Raises
    ------
    InvalidGame
        If there is no such name, or the data set cannot be had.

    Examples
    --------
    >>> load("digits")
    Dataset('digits': 1797 samples of 64 pixels in 10 classes)
    >>> load("digit")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: dataset must be a known name, got `digit`; did you mean `digits`?
    """
    if name not in DATASETS:
        raise InvalidGame(f"dataset must be a known name, got {quoted(name)}; {suggestion(str(name), DATASETS)}")
    if name == "digits":
        return digits()
    if folder is not None:
        return _from_files(name, folder, "all")
    raw, labels, found = _fetched(ON_OPENML[name], 1, None)
    if found != [str(c) for c in range(len(CLASSES[name]))]:
        raise InvalidGame(f"OpenML: {ON_OPENML[name]} must have the classes 0 to 9, got {shown(' '.join(found))}")
    return scaled(name, raw, labels, BRIGHTEST, CLASSES[name])


def digits() -> Dataset:
    """Scikit-learn's 1797 handwritten digits of 8 x 8 pixels, which need neither files nor a network.

    Raises
    ------
    InvalidGame
        If scikit-learn is not installed.

    References
    ----------
    Alpaydin, Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, the test part.

    Examples
    --------
    >>> data = digits()
    >>> data.images.shape, float(data.images.max()), data.labels[:5].tolist()
    ((1797, 64), 1.0, [0, 1, 2, 3, 4])
    """
    raw, labels = _digits()
    return scaled("digits", raw, labels, 16.0, tuple("0123456789"))


def _digits() -> tuple[Any, Labels]:
    """Pixels and labels, from scikit-learn's file where that is in its place: importing the library takes seconds."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            rows = np.loadtxt(file, delimiter=",")
            return rows[:, :-1], rows[:, -1].astype(np.int64)
    found = _scikit_learn("digits").load_digits()
    return found.data, found.target


def mnist(folder: FilePath, part: Part = "all") -> Dataset:
    """MNIST from its gzip files in `folder`, or in a subfolder `mnist` of it.

    The 60,000 training images come first, then the 10,000 for testing; `part` takes "train" or "test" alone. All are
    the default, since every user of a federation sets some of its own samples aside for testing.

    Raises
    ------
    InvalidGame
        If a file is missing, or its MD5 is not that of the published one.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11), 1998.

    Examples
    --------
    >>> mnist("nowhere")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: mnist: there must be train-images-idx3-ubyte.gz in the folder `nowhere`, there is none; it
    is published at yann.lecun.com/exdb/mnist
    """
    return _from_files("mnist", folder, part)


def fashion_mnist(folder: FilePath, part: Part = "all") -> Dataset:
    """Fashion-MNIST, as `mnist`: the files have the same names, and the subfolder is `fashion-mnist`.

    Raises
    ------
    InvalidGame
        If a file is missing, or its MD5 is not that of the published one.

    References
    ----------
    Xiao, Rasul, Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017.

    Examples
    --------
    >>> fashion_mnist("nowhere", "test")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: fashion-mnist: there must be t10k-images-idx3-ubyte.gz in the folder `nowhere`, there is
    none; it is published at github.com/zalandoresearch/fashion-mnist
    """
    return _from_files("fashion-mnist", folder, part)


def _from_files(name: str, folder: FilePath, part: str) -> Dataset:
    if part not in PARTS:
        raise InvalidGame(f"part must be one of {', '.join(PARTS)}, got {quoted(part)}")
    own = Path(folder, name)
    place = own if os.path.isdir(own) else Path(folder)  # noqa: PTH112  # Path.is_dir raises where a name is too long
    pairs = [_pair(name, place, piece) for piece in PARTS[part]]
    images, labels = (np.concatenate(pieces) for pieces in zip(*pairs, strict=True))
    pixels = math.prod(images.shape[1:])
    return scaled(name, images.reshape(len(images), pixels), labels, BRIGHTEST, CLASSES[name])


def _pair(name: str, folder: Path, piece: str) -> tuple[Bytes, Bytes]:
    """The images and labels of the training or the test part."""
    images, labels = (_published(name, folder, f"{piece}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    if len(images) != len(labels):
        raise InvalidGame(f"{piece}-labels-idx1-ubyte.gz: there must be {len(images)} labels, got {len(labels)}")
    return images, labels


def _published(name: str, folder: Path, file: str) -> Bytes:
    if not is_file(folder / file):
        raise InvalidGame(
            f"{name}: there must be {file} in the folder {quoted(str(folder))}, there is none; "
            f"it is published at {HOMES[name]}"
        )
    return read_idx(folder / file, dimensions=3 if "idx3" in file else 1, md5=MD5[name][file])


def openml(name: str, *, version: int = 1, brightest: float = BRIGHTEST, cache: FilePath | None = None) -> Dataset:
    """The data set of that name on OpenML, through scikit-learn, which keeps what it has fetched in the folder `cache`.

    Pixels are divided by `brightest`. Classes are in the order of their names, the shorter first.

    Raises
    ------
    InvalidGame
        If scikit-learn is not installed, OpenML cannot be reached or has no such data set, or it is not one of images
        in classes.

    Examples
    --------
    >>> openml("mnist_784").images.shape  # doctest: +SKIP
    (70000, 784)
    """
    raw, labels, names = _fetched(name, version, cache)
    return scaled(name, raw, labels, brightest, names)


def _fetched(name: str, version: int, cache: FilePath | None) -> tuple[Any, Labels, list[str]]:
    """The pixels, labels and names of classes that OpenML gives."""
    home = None if cache is None else os.fspath(cache)
    parser = "pandas" if importlib.util.find_spec("pandas") else "liac-arff"  # scikit-learn would insist on pandas
    fetch = _scikit_learn("OpenML").fetch_openml
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="A network error occurred")  # it tries again, then raises
            found = fetch(name, version=version, as_frame=False, parser=parser, data_home=home)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise InvalidGame(
            f"OpenML gave no {quoted(name)}: {shown(str(problem))}; it needs a network, "
            "but mnist and fashion-mnist can be read from a folder, and digits need neither"
        ) from None
    return found.data, *_classes(name, found.target)


def _classes(name: str, target: Any) -> tuple[Labels, list[str]]:
    """The number of each sample's class, and the names of the classes."""
    given = np.asarray(target)
    if given.ndim != 1 or given.dtype.kind not in "OUSiub":
        raise InvalidGame(f"OpenML: {quoted(name)} must have one class per sample, got {given.dtype} {given.shape}")
    words = given.astype(str).tolist()
    names = sorted(set(words), key=lambda word: (len(word), word))  # so that 10 comes after 9
    numbers = {word: k for k, word in enumerate(names)}
    return np.array([numbers[word] for word in words], dtype=np.int64), names


def _scikit_learn(what: str) -> Any:
    """The module `sklearn.datasets`."""
    if importlib.util.find_spec("sklearn") is None:
        raise InvalidGame(f"{what} needs scikit-learn: install certeq[fml]")
    from sklearn import datasets

    return datasets
