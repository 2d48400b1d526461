"""Data sets: whole or refused by name; partitions by class; federations; the same seed, the same bits."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import inspect
import os
import sys
import urllib.error
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import fewer
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.utils import Bunch

from models.data import (
    Dataset,
    digits,
    fashion_mnist,
    federation,
    label_quantity,
    load,
    mnist,
    openml,
    read_idx,
    split,
)
from models.data._idx import MD5
from solvers.core import InvalidGame

seeds = st.integers(0, 2**32 - 1)
PUBLISHED = os.environ.get("CERTEQ_DATA")
needs_files = pytest.mark.skipif(not PUBLISHED, reason="CERTEQ_DATA names no folder of published files")
READERS = {"mnist": mnist, "fashion-mnist": fashion_mnist}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def refused(pattern: str):
    """A refusal in one line."""
    return pytest.raises(InvalidGame, match=rf"^(?=.*{pattern})[^\n]+$")


# --- IDX files --------------------------------------------------------------------------------------------------------


def idx(entries, *, magic=None, shape=None, extra=b""):
    """The bytes of a gzip IDX file of these entries, or of one whose header tells something else."""
    array = np.asarray(entries, dtype=np.uint8)
    sizes = array.shape if shape is None else shape
    header = bytes([0, 0, 8, array.ndim]) if magic is None else magic
    return gzip.compress(header + np.array(sizes, dtype=">u4").tobytes() + array.tobytes() + extra, mtime=0)


def pixels(samples, seed=0):
    return rng(seed).integers(0, 256, (samples, 2, 3))


def published(folder, monkeypatch, name, seed=0, **changed):
    """Four small files in the place of the published ones; `changed` replaces a file's content by its first word."""
    folder.mkdir(exist_ok=True)
    contents = {}
    for k, (part, samples) in enumerate({"train": 5, "t10k": 3}.items()):
        contents[f"{part}-images-idx3-ubyte.gz"] = idx(pixels(samples, seed + k))
        contents[f"{part}-labels-idx1-ubyte.gz"] = idx(np.arange(samples) + 4 * k)
    for key, content in changed.items():
        contents[next(file for file in contents if file.startswith(key.replace("_", "-")))] = content
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    monkeypatch.setitem(MD5, name, {file: hashlib.md5(content).hexdigest() for file, content in contents.items()})
    return folder


@pytest.mark.parametrize("name", READERS)
def test_a_data_set_is_its_training_part_and_then_its_test_part(tmp_path, monkeypatch, name):
    folder = published(tmp_path / "files", monkeypatch, name)
    whole, train, test = (READERS[name](folder, part) for part in ("all", "train", "test"))
    for found, raw, labels in (
        (train, pixels(5), [0, 1, 2, 3, 4]),
        (test, pixels(3, 1), [4, 5, 6]),
        (whole, np.concatenate([pixels(5), pixels(3, 1)]), [0, 1, 2, 3, 4, 4, 5, 6]),
    ):
        assert (found.name, found.classes, found.images.dtype, found.labels.dtype) == (name, 10, np.float32, np.int64)
        np.testing.assert_array_equal(found.images, (raw.reshape(-1, 6) / 255).astype(np.float32))
        np.testing.assert_array_equal(found.labels, labels)
        assert not found.images.flags.writeable
        assert not found.labels.flags.writeable
    np.testing.assert_array_equal(load(name, str(folder)).images, whole.images)


def test_both_data_sets_can_lie_in_one_folder_though_their_files_have_the_same_names(tmp_path, monkeypatch):
    published(tmp_path / "mnist", monkeypatch, "mnist", seed=0)
    published(tmp_path / "fashion-mnist", monkeypatch, "fashion-mnist", seed=9)
    assert np.any(load("mnist", tmp_path).images != load("fashion-mnist", tmp_path).images)
    assert load("fashion-mnist", tmp_path).class_names[9] == "Ankle boot"
    with refused("train-images-idx3-ubyte.gz: the MD5 must be .*, which is that of mnist"):
        load("fashion-mnist", tmp_path / "mnist")


def test_a_missing_file_is_named_with_the_place_where_it_is_published(tmp_path, monkeypatch):
    folder = published(tmp_path / "files", monkeypatch, "mnist")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert len(mnist(folder, "train").labels) == 5
    with refused("t10k-labels-idx1-ubyte.gz in the folder .* there is none; .*yann.lecun.com"):
        mnist(folder)
    with refused("train-images-idx3-ubyte.gz in the folder"):
        load("mnist", tmp_path / ("far" * 200))  # longer than a system allows
    with refused("part must be one of all, train, test, got `half`"):
        mnist(folder, "half")


@fewer
@given(where=st.integers(0, 2**20), change=st.integers(1, 255))
def test_any_other_byte_in_a_file_is_refused_with_both_sums(tmp_path_factory, where, change):
    path = tmp_path_factory.getbasetemp() / "changed-byte.gz"
    content = bytearray(idx(pixels(4)))
    expected = hashlib.md5(content).hexdigest()
    content[where % len(content)] ^= change
    path.write_bytes(content)
    found = hashlib.md5(content).hexdigest()
    with refused(f"changed-byte.gz: the MD5 must be {expected}, got {found}"):
        read_idx(path, dimensions=3, md5=expected)
    try:  # without a sum, some bytes say nothing, such as the time in gzip's header
        np.testing.assert_array_equal(read_idx(path, dimensions=3), pixels(4))
    except InvalidGame as problem:
        assert "changed-byte.gz" in str(problem)  # noqa: PT017  # either outcome is right


@fewer
@given(cut=st.integers(0, 2**20))
@example(cut=0)
def test_a_truncated_file_is_refused_also_without_a_sum(tmp_path_factory, cut):
    path = tmp_path_factory.getbasetemp() / "cut.gz"
    content = idx(pixels(4))
    path.write_bytes(content[: cut % len(content)])
    with refused("cut.gz: "):
        read_idx(path, dimensions=3)


@given(shape=st.lists(st.integers(0, 4), min_size=1, max_size=3), seed=seeds)
def test_what_is_written_is_read(tmp_path_factory, shape, seed):
    path = tmp_path_factory.getbasetemp() / "written.gz"
    entries = rng(seed).integers(0, 256, shape)
    path.write_bytes(idx(entries))
    found = read_idx(path, dimensions=len(shape))
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, entries)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "the magic number must be 00000801, got nothing"),
        (b"no gzip", "it must be a whole gzip file"),
        (gzip.compress(b"", mtime=0), "the magic number must be 00000801, got nothing"),
        (gzip.compress(b"\0\0\x08\1\0\0", mtime=0), "the header must have 8 bytes, got 6"),
        (idx(pixels(2)), "the magic number must be 00000801, got 00000803"),
        (idx([1, 2], magic=b"\0\0\x0d\1"), "the magic number must be 00000801, got 00000d01"),
        (idx([1, 2], shape=(3,)), r"3 bytes must follow the header, which says \(3,\), got fewer"),
        (idx([1, 2], shape=(1,)), r"1 bytes must follow the header, which says \(1,\), got more"),
        (idx([1, 2], extra=b"\0"), "2 bytes must follow .* got more"),
        (idx([1, 2], shape=(2**32 - 1,)), "4,294,967,295 bytes must follow .* got fewer"),
        (idx([1, 2]) + b"tail", "it must be a whole gzip file"),
        (idx([1, 2])[:-8] + b"\0" * 8, "it must be a whole gzip file"),  # gzip's own sum
    ],
)
def test_what_is_no_idx_file_is_refused_by_name(tmp_path, content, rule):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with refused(f"labels.gz: {rule}"):
        read_idx(path, dimensions=1)


def test_a_header_that_promises_more_than_any_memory_reserves_none(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(idx(pixels(2), shape=[2**32 - 1] * 3))
    with refused("images.gz: .* bytes must follow the header, .* got fewer"):
        read_idx(path, dimensions=3)


def test_what_is_no_file_is_refused(tmp_path, monkeypatch):
    with refused("there must be a file, there is none"):
        read_idx(tmp_path, dimensions=1)
    path = tmp_path / "locked.gz"
    path.write_bytes(idx([1]))

    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with refused("locked.gz: the file must be readable, got Permission denied"):
        read_idx(path, dimensions=1)


def test_images_and_labels_must_be_as_many(tmp_path, monkeypatch):
    folder = published(tmp_path, monkeypatch, "mnist", train_labels=idx([1, 2, 3, 4]))
    with refused("train-labels-idx1-ubyte.gz: there must be 5 labels, got 4"):
        mnist(folder)


@needs_files
@pytest.mark.parametrize(
    ("name", "first", "of_class_1", "mean", "deviation"),
    [  # means and deviations of the training pixels, as in the usual normalisations; counts by LeCun et al.
        ("mnist", [5, 0, 4, 1, 9], 6742, 0.1307, 0.3081),
        ("fashion-mnist", [9, 0, 0, 3, 0], 6000, 0.2860, 0.3530),
    ],
)
def test_the_published_files(name, first, of_class_1, mean, deviation):
    found = READERS[name](PUBLISHED, "train")
    assert found.images.shape == (60_000, 784)
    assert found.labels[:5].tolist() == first
    assert np.bincount(found.labels)[1] == of_class_1
    assert found.images.mean(dtype=float) == pytest.approx(mean, abs=5e-5)
    assert found.images.std(dtype=float) == pytest.approx(deviation, abs=5e-5)
    assert len(load(name, PUBLISHED).labels) == 70_000


# --- data sets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [True, False])
def test_digits_are_those_of_scikit_learn(monkeypatch, in_place):
    """Whether its file is where it is known to be, or has to be asked for."""
    if not in_place:
        monkeypatch.setattr("pathlib.Path.is_file", lambda path: False)
    found, theirs = digits(), datasets.load_digits()
    np.testing.assert_array_equal(found.images * 16, theirs.data)
    np.testing.assert_array_equal(found.labels, theirs.target)
    assert (found.classes, found.class_names) == (10, tuple("0123456789"))


def test_a_data_set_never_changes():
    images, labels = np.zeros((2, 3), dtype=np.float32), np.array([0, 1])
    found = Dataset("mine", images, labels, 2)
    images[0, 0], labels[0] = 1, 1
    assert (found.images[0, 0], found.labels[0]) == (0, 0)
    for array in (found.images, found.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    images = np.zeros((2, 3), dtype=np.float32)
    view = images[:]
    images.flags.writeable = False
    kept = Dataset("seen from elsewhere", images, labels, 2)
    view[0, 0] = 7
    assert kept.images[0, 0] == 0


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_read_only_view_is_copied_and_converted(kind):
    images = np.zeros((2, 3), dtype=kind)
    view = images[:]
    view.flags.writeable = False
    found = Dataset("mine", view, [0, 0], 1)
    images[0, 0] = 1
    images.flags.writeable = False
    assert (found.images.dtype, found.images[0, 0]) == (np.float32, 0)
    assert Dataset("mine", images, [0, 0], 1).images.dtype == np.float32


@pytest.mark.parametrize(
    ("images", "labels", "classes", "rule"),
    [
        ([[0.0, 1.5]], [0], 1, r"images must be in \[0, 1\], got values from 0 to 1.5"),
        ([[-0.5, 1.0]], [0], 1, r"images must be in \[0, 1\]"),
        ([[np.nan, 1.0]], [0], 1, r"images must be in \[0, 1\], got values from nan to nan"),
        ([0.0, 1.0], [0, 0], 1, r"images must be real numbers \(samples, pixels\), got float64 \(2,\)"),
        ([[], []], [0, 0], 1, r"images must be real numbers \(samples, pixels\)"),
        ([["a"]], [0], 1, "images must be real numbers"),
        ([[0], [0, 1]], [0, 0], 1, "images must be a rectangular array"),
        ([[0]], [0, 0], 1, r"labels must be \(1,\), one per image, got shape \(2,\)"),
        ([[0]], [0.0], 1, "labels must be whole numbers"),
        ([[0]], [True], 1, "labels must be whole numbers"),
        ([[0]], [-1], 1, "labels must be >= 0, got -1"),
        ([[0]], [2], 2, "labels must be < 2, the number of classes, got 2"),
        ([[0]], [0], 0, "classes must be a whole number of at least 1, got 0"),
        ([[0]], [0], 2.0, "classes must be a whole number of at least 1, got 2.0"),
    ],
)
def test_what_is_no_data_set_is_refused(images, labels, classes, rule):
    with refused(rule):
        Dataset("mine", images, labels, classes)


def test_names_of_classes_are_one_per_class():
    assert Dataset("mine", [[0]], [0], 2, ["cat", "dog"]).class_names == ("cat", "dog")
    with refused("class_names must have 2 entries, one per class, got 1"):
        Dataset("mine", [[0]], [0], 2, ["cat"])


@pytest.mark.parametrize(("name", "hint"), [("mnst", "did you mean `mnist`"), ("x", "known: "), (None, "known: ")])
def test_an_unknown_name_is_refused(name, hint):
    with refused(f"dataset must be a known name, got .*{hint}"):
        load(name)


# --- OpenML -----------------------------------------------------------------------------------------------------------


def answering(monkeypatch, answer):
    """OpenML gives or raises `answer`; what it is asked for must be what scikit-learn takes."""
    signature, asked = inspect.signature(datasets.fetch_openml), []

    def fetch(*arguments, **options):
        asked.append(signature.bind(*arguments, **options).arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    return asked


def test_openml_classes_are_numbered_in_order(tmp_path, monkeypatch):
    answer = Bunch(data=np.array([[0.0, 8.0], [4.0, 16.0], [1.0, 2.0]]), target=np.array(["10", "9", "10"], object))
    asked = answering(monkeypatch, answer)
    found = openml("optdigits", version=2, brightest=16, cache=tmp_path)
    assert (found.labels.tolist(), found.class_names, found.classes) == ([1, 0, 1], ("9", "10"), 2)
    np.testing.assert_array_equal(found.images, [[0, 0.5], [0.25, 1], [0.0625, 0.125]])
    assert (asked[0]["version"], asked[0]["data_home"], asked[0]["as_frame"]) == (2, str(tmp_path), False)


def test_a_data_set_without_a_folder_comes_from_openml(monkeypatch):
    answer = Bunch(data=np.full((10, 4), 51), target=np.array([str(9 - k) for k in range(10)], dtype=object))
    asked = answering(monkeypatch, answer)
    found = load("fashion-mnist")
    assert asked[0]["name"] == "Fashion-MNIST"
    assert (found.name, found.class_names[0]) == ("fashion-mnist", "T-shirt/top")
    assert found.labels.tolist() == list(range(9, -1, -1))
    np.testing.assert_array_equal(found.images, np.float32(0.2))
    answer.target[:] = "cat"
    with refused("OpenML: mnist_784 must have the classes 0 to 9, got cat"):
        load("mnist")


@pytest.mark.parametrize(
    "problem",
    [
        urllib.error.URLError("Name or service not known"),
        TimeoutError("timed out"),
        http.client.IncompleteRead(b""),
        ValueError("No active dataset x found."),
    ],
)
def test_without_a_network_openml_says_so_and_what_else_there_is(monkeypatch, problem):
    answering(monkeypatch, problem)
    with refused("OpenML gave no `mnist_784`: .*; it needs a network, but mnist .* from a folder"):
        load("mnist")


@pytest.mark.parametrize(
    ("data", "target", "rule"),
    [
        ([[1.0]], None, "must have one class per sample"),
        ([[1.0]], [0.5], "must have one class per sample, got float64"),
        ([["a"]], ["x"], "mine: images must be real numbers"),
        ([[256.0]], ["x"], r"images must be in \[0, 1\]"),
    ],
)
def test_what_openml_has_that_are_no_images_in_classes(monkeypatch, data, target, rule):
    answering(monkeypatch, Bunch(data=np.array(data), target=target))
    with refused(rule):
        openml("mine")


@pytest.mark.parametrize("brightest", [0, -1, np.nan, np.inf])
def test_the_brightest_pixel_must_be_positive(monkeypatch, brightest):
    answering(monkeypatch, Bunch(data=np.ones((1, 1)), target=["x"]))
    with refused("brightest must be positive and finite"):
        openml("mine", brightest=brightest)


@pytest.mark.parametrize(("source", "what"), [(digits, "digits"), (lambda: openml("x"), "OpenML")])
def test_without_scikit_learn_the_extra_is_named(monkeypatch, source, what):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with refused(f"{what} needs scikit-learn: install certeq.fml."):
        source()


# --- who holds what ---------------------------------------------------------------------------------------------------

problems = st.tuples(st.integers(1, 6), st.integers(1, 9), seeds).flatmap(
    lambda drawn: st.tuples(st.just(drawn[0]), st.just(drawn[1]), st.integers(1, drawn[0]), st.just(drawn[2]))
)


def drawn_labels(classes, users, seed):
    """Labels of all classes in any order, enough of each for all users."""
    draws = rng(seed)
    return draws.permutation(np.repeat(np.arange(classes), draws.integers(users, 3 * users + 2, classes)))


@given(problem=problems)
@example(problem=(10, 40, 2, 0))
@example(problem=(10, 3, 2, 0))  # classes without a holder
def test_each_user_holds_its_classes_and_equal_parts_of_them(problem):
    classes, users, each, seed = problem
    labels = drawn_labels(classes, users, seed)
    parts = label_quantity(labels, users, each, rng(seed))
    counts = np.array([np.bincount(labels[part], minlength=classes) for part in parts])
    held = counts > 0
    assert held.sum(axis=1).tolist() == [each] * users
    assert all(held[i, i % classes] for i in range(users))
    for c in range(classes):
        shares = counts[held[:, c], c]
        assert not shares.size or np.ptp(shares) <= 1
    dealt = np.concatenate(parts)
    assert len(np.unique(dealt)) == len(dealt)
    np.testing.assert_array_equal(np.sort(dealt), np.flatnonzero(held.any(axis=0)[labels]))
    assert all(np.all(np.diff(part) > 0) and not part.flags.writeable for part in parts)


@given(problem=problems)
def test_the_same_seed_deals_the_same_samples(problem):
    classes, users, each, seed = problem
    labels = drawn_labels(classes, users, seed)
    first, again = (label_quantity(labels, users, each, rng(seed), classes=classes) for _ in range(2))
    for part, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(part, same)


def test_other_classes_and_samples_are_uniformly_random():
    labels, seen, samples, together = np.repeat(np.arange(5), 40), Counter(), np.zeros(200), 0.0
    for seed in range(1000):
        part = label_quantity(labels, 10, 3, rng(seed))[7]
        seen[tuple(np.unique(labels[part]))] += 1
        own = part[labels[part] == 2]  # class 7 mod 5
        samples[own] += 1 / len(own)
        together += np.count_nonzero(np.diff(own) == 1) / (len(own) * (len(own) - 1) / 40)
    assert len(seen) == 6  # two of the four other classes
    chi_square = sum((count - 1000 / 6) ** 2 / (1000 / 6) for count in seen.values())
    assert chi_square < 20.5  # exceeded once in a thousand times at five degrees of freedom
    assert np.all(abs(samples[80:120] * 40 / 1000 - 1) < 0.4)
    assert together / 1000 == pytest.approx(1, abs=0.1)  # a share drawn at random has neighbours


def sizes_by_rejection(each_class, classes, users, each, draws):
    """Numbers of samples as FedLab's `label_skew_quantity_based_partition` deals them, by its documentation.

    A user has one class by turn, and draws from all classes, again where it has the class, until it has enough.
    """
    held = [{i % classes} for i in range(users)]
    for own in held:
        for _ in range(1000):
            if len(own) < each:
                own.add(int(draws.integers(classes)))
        assert len(own) == each
    holders = Counter(c for own in held for c in own)
    return [sum(each_class / holders[c] for c in own) for own in held]


@pytest.mark.parametrize(("users", "each"), [(40, 2), (25, 3)])
def test_users_are_as_unequal_as_those_of_fedlab(users, each):
    labels = np.tile(np.arange(10), 300)
    ours = [[len(part) for part in label_quantity(labels, users, each, rng(seed))] for seed in range(150)]
    theirs = [sizes_by_rejection(300, 10, users, each, rng(seed)) for seed in range(150)]
    for spread in (np.std, np.max, np.min):
        mean, expected = (np.mean([spread(sizes) for sizes in samples]) for samples in (ours, theirs))
        error = np.std([spread(sizes) for sizes in theirs]) * np.sqrt(2 / 150)
        assert abs(mean - expected) < 4 * error + 1  # ours are whole numbers


@pytest.mark.parametrize(
    ("labels", "users", "each", "classes", "rule"),
    [
        ([0, 1, 0, 1], 1, 3, None, "classes_each must be at most 2, the number of classes, got 3"),
        ([0, 1, 0, 1], 1, 0, None, "classes_each must be a whole number of at least 1, got 0"),
        ([0, 1, 0, 1], 0, 1, None, "users must be a whole number of at least 1, got 0"),
        ([0, 1, 0, 1], True, 1, None, "users must be a whole number of at least 1, got True"),
        ([0, 1, 0, 1], 1.0, 1, None, "users must be a whole number"),
        ([0, 1, 0, 1], 1, 1, 1, "labels must be < 1, the number of classes, got 1"),
        ([0, 1, 0, 1], 1, 1, 5, "classes must be at most 4, the number of samples, got 5"),
        ([0, 10**12], 1, 1, None, "classes must be at most 2, the number of samples"),
        ([0, 1, 0, 1], 3, 2, None, "3 users of 2 classes need 6 samples, got 4"),
        ([0, 0, 0, 1], 4, 1, None, "class 1 must have a sample for each of the 2 users, got 1"),
        ([0, 0, 2, 2], 3, 1, None, "class 1 must have a sample for each of the 1 users, got 0"),
        ([], 1, 1, None, "labels must be whole numbers"),
        ([[0, 1]], 1, 1, None, r"labels must be whole numbers \(samples,\), got int64 \(1, 2\)"),
        ([0, -1], 1, 1, None, "labels must be >= 0, got -1"),
        ([0.5, 1], 1, 1, None, "labels must be whole numbers"),
    ],
)
def test_what_cannot_be_dealt_is_refused(labels, users, each, classes, rule):
    with refused(rule):
        label_quantity(labels, users, each, rng(), classes)


def test_a_seed_is_no_generator():
    with refused("rng must be a numpy.random.Generator, got 3"):
        label_quantity([0, 1], 1, 1, 3)
    with refused("rng must be a numpy.random.Generator, got None"):
        split([[0, 1]], None)


# --- federations ------------------------------------------------------------------------------------------------------

shares = st.floats(0, 0.99)


@given(sizes=st.lists(st.integers(2, 30), min_size=1, max_size=12), passive=shares, test=shares, seed=seeds)
@example(sizes=[2], passive=0.0, test=0.99, seed=0)
@example(sizes=[30] * 40, passive=0.1, test=0.1, seed=0)
def test_a_federation_divides_what_each_user_holds(sizes, passive, test, seed):
    assume(test > 0)
    assume(round(passive * len(sizes)) < len(sizes))
    ends = np.cumsum([0, *sizes])
    given_to = [rng(seed).permutation(np.arange(start, end)) for start, end in pairwise(ends)]
    found, again = (split(given_to, rng(seed), passive=passive, test=test) for _ in range(2))
    assert len(found.passive) == round(passive * len(sizes))
    assert len(found.active) + len(found.passive) == len(found.users) == len(sizes)
    for i, (user, twin) in enumerate(zip(found.users, again.users, strict=True)):
        assert (user.name, user.active) == (f"user {i}", twin.active)
        np.testing.assert_array_equal(np.sort(np.concatenate([user.train, user.test])), np.sort(given_to[i]))
        assert len(user.test) == min(max(round(test * sizes[i]), 1), sizes[i] - 1)
        for part, same in ((user.train, twin.train), (user.test, twin.test)):
            np.testing.assert_array_equal(part, same)
            assert not part.flags.writeable
            assert np.all(np.diff(part) > 0)


def test_who_is_passive_and_what_is_for_testing_is_uniformly_random():
    rests, tests = np.zeros(10), np.zeros((10, 10))
    for seed in range(2000):
        for i, user in enumerate(split(np.arange(100).reshape(10, 10), rng(seed)).users):
            rests[i] += not user.active
            tests[i, user.test % 10] += 1
    assert rests.sum() == 2000
    assert np.all(abs(rests - 200) < 60)  # more than four standard deviations of 13.4
    assert np.all(abs(tests - 200) < 67)  # five of them, for a hundred counts


@pytest.mark.parametrize(
    ("users", "options", "rule"),
    [
        ([], {}, "there must be an active user, got 0 users, 0 of them passive"),
        ([[0, 1], [2, 3]], {"passive": 0.8}, "there must be an active user, got 2 users, 2 of them passive"),
        ([[0, 1], [2]], {}, "user 1 must have at least 2 samples, one to train and one to test on, got 1"),
        ([[0, 1], []], {}, "user 1 must have at least 2 samples"),
        ([[0, 1, 0]], {}, "user 0 must have each sample once, got 0 twice"),
        ([[0.0, 1.0]], {}, "user 0 must have the positions of samples, got float64"),
        ([[0, -1]], {}, "user 0 must have the positions of samples"),
        ([[[0, 1]]], {}, r"user 0 must have the positions of samples, got int64 \(1, 2\)"),
        ([[[0, 1], [2]]], {}, "user 0 must be a rectangular array"),
        ([[0, 1]], {"passive": 1.0}, r"passive must be in \[0, 1\), got 1.0"),
        ([[0, 1]], {"passive": np.nan}, r"passive must be in \[0, 1\), got nan"),
        ([[0, 1]], {"test": -0.1}, r"test must be in \(0, 1\), got -0.1"),
        ([[0, 1]], {"test": 0.0}, r"test must be in \(0, 1\), got 0.0"),
    ],
)
def test_what_cannot_be_split_is_refused(users, options, rule):
    with refused(rule):
        split(users, rng(), **options)


def test_the_paper_s_federation_on_digits():
    data = digits()
    found, again = (federation(data, rng=rng(5)) for _ in range(2))
    assert (len(found.users), len(found.active), len(found.passive)) == (40, 36, 4)
    samples = [np.concatenate([user.train, user.test]) for user in found.users]
    np.testing.assert_array_equal(np.sort(np.concatenate(samples)), np.arange(1797))
    for i, own in enumerate(samples):
        assert len(np.unique(data.labels[own])) == 2
        assert i % 10 in data.labels[own]
    for user, twin in zip(found.users, again.users, strict=True):
        np.testing.assert_array_equal(user.train, twin.train)
        np.testing.assert_array_equal(user.test, twin.test)
    other = federation(data, rng=rng(6))
    assert any(len(a.train) != len(b.train) for a, b in zip(found.users, other.users, strict=True))


def test_a_federation_goes_on_with_the_generator_it_is_given():
    draws = rng(5)
    first, second = (federation(digits(), 10, 3, rng=draws, passive=0.2, test=0.5) for _ in range(2))
    assert len(first.passive) == len(second.passive) == 2
    assert any(len(a.train) != len(b.train) for a, b in zip(first.users, second.users, strict=True))


def test_a_class_without_samples_is_a_class():
    data = Dataset("mine", np.zeros((12, 1)), [0, 1] * 6, 3)
    assert len(federation(data, 2, 1, rng=rng()).users) == 2
    with refused("class 2 must have a sample for each of the 1 users, got 0"):
        federation(data, 3, 1, rng=rng())


def test_a_federation_of_too_many_users_is_refused():
    with refused("user 0 must have at least 2 samples"):
        federation(Dataset("mine", np.zeros((4, 1)), [0, 1, 0, 1], 2), 4, 1, rng=rng())
    with refused("1000 users of 2 classes need 2000 samples, got 1797"):
        federation(digits(), 1000, rng=rng())
