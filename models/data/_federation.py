"""Who holds which samples of a data set, who trains, and on which samples each is tested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.data._dataset import Dataset, checked_labels, frozen, rectangular, whole
from solvers.core import InvalidGame, Mask, Positions


@dataclass(frozen=True, eq=False)
class User:
    """One user of a federation: the positions of its samples, read-only and ascending, and whether it trains.

    A passive user has a training part, too: what it personalises the model with that the others have trained.

    Examples
    --------
    >>> found = split([range(3, 13)], np.random.default_rng(0))
    >>> found.users
    (User('user 0': active, 9 samples to train and 1 to test on),)
    """

    name: str
    train: Positions
    test: Positions
    active: bool

    def __repr__(self) -> str:
        kind = "active" if self.active else "passive"
        return f"User({self.name!r}: {kind}, {len(self.train)} samples to train and {len(self.test)} to test on)"


@dataclass(frozen=True, eq=False)
class Federation:
    """The users of a federation, in order.

    Examples
    --------
    >>> from models.data import digits
    >>> found = federation(digits(), users=20, rng=np.random.default_rng(0))
    >>> len(found.users), len(found.active), len(found.passive)
    (20, 18, 2)
    """

    users: tuple[User, ...]

    @property
    def active(self) -> tuple[User, ...]:
        """The users who take part in training."""
        return tuple(user for user in self.users if user.active)

    @property
    def passive(self) -> tuple[User, ...]:
        """The users who only personalise what the others have trained."""
        return tuple(user for user in self.users if not user.active)


def federation(
    dataset: Dataset,
    users: int = 40,
    classes_each: int = 2,
    *,
    rng: np.random.Generator,
    passive: float = 0.1,
    test: float = 0.1,
) -> Federation:
    """A federation that holds the data set: dealt out by `label_quantity`, then divided by `split`, all by one `rng`.

    Raises
    ------
    InvalidGame
        If `label_quantity` or `split` refuses an argument, or there are too few samples for so many users.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, section VI.

    Examples
    --------
    >>> from models.data import digits
    >>> data = digits()
    >>> users = federation(data, users=40, classes_each=2, rng=np.random.default_rng(0)).users
    >>> sum(len(user.train) + len(user.test) for user in users)
    1797
    >>> users[7].name, [len(np.unique(data.labels[user.train])) for user in users[:3]]
    ('user 7', [2, 2, 2])
    """
    parts = label_quantity(dataset.labels, users, classes_each, rng, classes=dataset.classes)
    return split(parts, rng, passive=passive, test=test)


def label_quantity(
    labels: npt.ArrayLike, users: int, classes_each: int, rng: np.random.Generator, classes: int | None = None
) -> tuple[Positions, ...]:
    """The positions of each user's samples, ascending: each user holds so many classes, and equal parts of them.

    User i holds class i mod C and other classes drawn at random. The samples of a class are dealt at random to those
    who hold it, the same number to each or one more. Of fewer users than classes, some classes may have no holder, and
    their samples go to nobody. `classes` is C, else the greatest label plus one.

    Raises
    ------
    InvalidGame
        If there are fewer classes than each user should hold, labels that are no classes, fewer samples of a class than
        users who hold it, or a number is below 1.

    References
    ----------
    Baccour et al. (2024), section VI; Li, Diao, Chen, He: Federated Learning on Non-IID Data Silos: An Experimental
    Study, ICDE 2022, section IV-A, "quantity-based label imbalance".

    Examples
    --------
    >>> from models.data import digits
    >>> data = digits()
    >>> parts = label_quantity(data.labels, 4, 2, np.random.default_rng(1))
    >>> [np.unique(data.labels[part]).tolist() for part in parts]
    [[0, 9], [1, 6], [2, 8], [3, 6]]
    >>> [np.bincount(data.labels[part])[6].item() for part in (parts[1], parts[3])]  # equal parts of the 181 sixes
    [90, 91]
    """
    found = checked_labels(labels, None if classes is None else whole("classes", classes))
    count = int(found.max()) + 1 if classes is None else classes
    number, each = whole("users", users), whole("classes_each", classes_each)
    if each > count:
        raise InvalidGame(f"classes_each must be at most {count}, the number of classes, got {each}")
    if count > len(found):
        raise InvalidGame(f"classes must be at most {len(found)}, the number of samples, got {count}")
    if number * each > len(found):
        raise InvalidGame(f"{number} users of {each} classes need {number * each} samples, got {len(found)}")
    held = _held(number, each, count, _generator(rng))
    return _grouped(_owners(_grouped(found, count), held, rng), number)


def _held(users: int, each: int, classes: int, rng: np.random.Generator) -> Mask:
    """Who holds which class, (users, classes): an own class in turn, and others that are drawn without replacement."""
    draws = rng.random((users, classes))
    everyone = np.arange(users)
    draws[everyone, everyone % classes] = -1.0
    held = np.zeros((users, classes), dtype=bool)
    held[everyone[:, None], np.argsort(draws, axis=1)[:, :each]] = True
    return held


def _owners(by_class: Sequence[Positions], held: Mask, rng: np.random.Generator) -> Positions:
    """The user of each sample, or the number of users where nobody holds its class."""
    owners = np.full(sum(map(len, by_class)), len(held), dtype=np.intp)
    for c, members in enumerate(by_class):
        holders = rng.permutation(np.flatnonzero(held[:, c]))
        if len(members) < len(holders):
            raise InvalidGame(f"class {c} must have a sample for each of the {len(holders)} users, got {len(members)}")
        if len(holders):
            owners[rng.permutation(members)] = np.resize(holders, len(members))  # dealt in turn
    return owners


def _grouped(keys: npt.NDArray[np.integer[Any]], groups: int) -> tuple[Positions, ...]:
    """The positions of each key below `groups`, ascending and read-only."""
    order = np.argsort(keys, kind="stable")
    order.flags.writeable = False
    ends = np.cumsum(np.bincount(keys, minlength=groups)[:groups])
    return tuple(np.split(order, ends)[:groups])


def split(
    users: Iterable[npt.ArrayLike], rng: np.random.Generator, *, passive: float = 0.1, test: float = 0.1
) -> Federation:
    """A federation of users who hold the given positions of samples.

    `passive` is the share of users who are passive, and `test` the share of each user's samples that are for testing,
    both drawn at random. Shares are rounded to whole users and samples, but each user keeps a sample for either.

    Raises
    ------
    InvalidGame
        If there is no active user, a user has fewer than two samples, or one twice, `passive` is not in [0, 1), or
        `test` not in (0, 1).

    References
    ----------
    Baccour et al. (2024), section VI: 90 % of the users active, 90 % of a user's samples for training.

    Examples
    --------
    >>> found = split([range(0, 20), range(20, 30)], np.random.default_rng(0), passive=0.5)
    >>> found.users
    (User('user 0': passive, 18 samples to train and 2 to test on),
     User('user 1': active, 9 samples to train and 1 to test on))
    >>> found.users[0].test
    array([ 4, 19])
    >>> split([range(0, 20), [20]], np.random.default_rng(0))
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: user 1 must have at least 2 samples, one to train and one to test on, got 1
    """
    parts = [_samples(f"user {i}", part) for i, part in enumerate(users)]
    resting = round(_share("passive", passive) * len(parts))
    if resting >= len(parts):
        raise InvalidGame(f"there must be an active user, got {len(parts)} users, {resting} of them passive")
    if not 0.0 < test < 1.0:
        raise InvalidGame(f"test must be in (0, 1), got {test}")
    away = set(_generator(rng).permutation(len(parts))[:resting].tolist())
    return Federation(tuple(_user(f"user {i}", part, i not in away, test, rng) for i, part in enumerate(parts)))


def _user(name: str, samples: Positions, active: bool, test: float, rng: np.random.Generator) -> User:
    tests = min(max(1, round(test * len(samples))), len(samples) - 1)
    shuffled = rng.permutation(samples)
    return User(name, frozen(np.sort(shuffled[tests:])), frozen(np.sort(shuffled[:tests])), active)


def _samples(owner: str, values: npt.ArrayLike) -> Positions:
    given = rectangular(owner, values)
    if given.size < 2:
        raise InvalidGame(f"{owner} must have at least 2 samples, one to train and one to test on, got {given.size}")
    if given.dtype.kind not in "ui" or given.ndim != 1 or given.min() < 0:
        raise InvalidGame(f"{owner} must have the positions of samples, got {given.dtype} {given.shape}")
    found = np.sort(given.astype(np.intp))
    if np.any(found[1:] == found[:-1]):
        raise InvalidGame(f"{owner} must have each sample once, got {found[1:][found[1:] == found[:-1]][0]} twice")
    return found


def _share(name: str, value: float) -> float:
    if not 0.0 <= value < 1.0:
        raise InvalidGame(f"{name} must be in [0, 1), got {value}")
    return value


def _generator(rng: np.random.Generator) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise InvalidGame(f"rng must be a numpy.random.Generator, got {rng!r:.60}")
    return rng
