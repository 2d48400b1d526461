"""Which encoding fits a game."""

from __future__ import annotations

import numpy as np

from solvers.hedonic import _exact_boxes
from solvers.hedonic._exact_fractional import LARGEST, FractionalPairs
from solvers.hedonic._exact_labelled import LabelledSlots
from solvers.hedonic._exact_program import Program
from solvers.hedonic._exact_separable import SeparablePairs
from solvers.hedonic._exact_table import Coalitions, fits
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._labelled_values import SHARED
from solvers.hedonic._pairwise import AdditivelySeparableGame, FractionalGame


def program_of(game: HedonicGame, concept: str) -> Program:
    """The program of the encoding that fits the game best.

    Raises
    ------
    InvalidGame
        If the game is too large for it.
    """
    if isinstance(game, AdditivelySeparableGame):
        return SeparablePairs(game, concept)
    if isinstance(game, FractionalGame) and game.players <= LARGEST:
        return FractionalPairs(game, concept)
    if isinstance(game, LabelledGame) and _by_sums(game) and not (_by_peaks(game) and fits(game)):
        return LabelledSlots(game, concept)
    return Coalitions(game, concept)


def by_boxes(game: LabelledGame) -> bool:
    """Whether pay for reputation is shared, branch and prune knows the game, and no table does it without compiling."""
    return game.arrays.paid == SHARED and _exact_boxes.fits(game) and not fits(game)


def _by_sums(game: LabelledGame) -> bool:
    """Whether nothing but sums decides: no speeds, and no share or pay that would be a loss."""
    paid = 0.0 if game.reputation is None else game.reputation.pay
    return game.speeds is None and paid >= 0 and bool(np.all(game.weights >= 0))


def _by_peaks(game: LabelledGame) -> bool:
    """Whether who is there changes what reputations are worth: of such games a table, if small, is decided sooner."""
    return game.reputation is not None and game.reputation.pay > 0
