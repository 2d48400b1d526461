"""The games of pygambit, nashpy and quantecon as ours, and ours as theirs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from solvers._messages import quoted, shown
from solvers.bimatrix._files import build, written
from solvers.bimatrix._gambit import pygambit
from solvers.bimatrix._game import BimatrixGame
from solvers.core import InvalidGame, NotSolved


def from_pygambit(game: Any) -> BimatrixGame:
    """The two-player `pygambit.Game` with its names, its payoffs exactly.

    Raises
    ------
    InvalidGame
        If it has another number of players.

    Examples
    --------
    >>> from_pygambit(pygambit().StrategicGame.from_arrays([[3, 0]], [["1/3", 1]])).rational_payoffs[1].rows()
    [[Fraction(1, 3), Fraction(1, 1)]]
    """
    players = [str(player) for player in game.players]
    _check_players("a pygambit game", players)
    rows, columns = (tuple(game.get_strategies(player)) for player in players)
    A, B = ([[_number(value) for value in row] for row in array.tolist()] for array in game.to_arrays())
    names = {"title": game.title, "players": (players[0], players[1]), "rows": rows, "columns": columns}
    return build("a pygambit game", A, B, **names)


def to_pygambit(game: BimatrixGame) -> Any:
    """A `pygambit.StrategicGame` with the same payoffs, rationals intact, and names.

    Float64 payoffs become the shortest decimals that mean the same float64, as in files. Strategies without names are
    called 1, 2, 3 by Gambit.

    Raises
    ------
    InvalidGame
        If Gambit does not take a name: a player's, or one of a player's strategies, must be unique.
    NotSolved
        If pygambit is not installed.

    Examples
    --------
    >>> theirs = to_pygambit(BimatrixGame([[3, 0]], [[0.1, 1]], columns=["left", "right"]))
    >>> theirs.get_strategies("column")
    ['left', 'right']
    """
    module = pygambit()
    A, B = ([[module.Rational(str(value)) for value in row] for row in matrix] for matrix in written(game))
    theirs = module.StrategicGame.from_arrays(A, B, title=game.title)
    try:
        theirs.relabel_players(_changes(theirs.players, game.players))
        for player, names in zip(game.players, (game.rows, game.columns), strict=True):
            theirs.relabel_strategies(player, _changes(theirs.get_strategies(player), names))
    except ValueError as problem:
        raise InvalidGame(f"a name must be one that Gambit takes: {shown(str(problem))}") from None
    return theirs


def from_nashpy(game: Any) -> BimatrixGame:
    """The `nashpy.Game` as a bimatrix game.

    Examples
    --------
    >>> import nashpy
    >>> from_nashpy(nashpy.Game([[1, 2]], [[3, 4]])).B
    array([[3., 4.]])
    """
    A, B = game.payoff_matrices
    return BimatrixGame(A, B)


def to_nashpy(game: BimatrixGame) -> Any:
    """A `nashpy.Game` with the same payoffs as float64; names are lost.

    Raises
    ------
    NotSolved
        If nashpy is not installed.

    Examples
    --------
    >>> to_nashpy(BimatrixGame([[1, 2]], [[3, 4]])).payoff_matrices[1]
    array([[3., 4.]])
    """
    return _module("nashpy").Game(game.A.copy(), game.B.copy())


def from_quantecon(game: Any) -> BimatrixGame:
    """The two-player `quantecon.game_theory.NormalFormGame` as a bimatrix game.

    There each player's own action comes first, so the second player's payoffs are transposed.

    Raises
    ------
    InvalidGame
        If it has another number of players.

    Examples
    --------
    >>> from quantecon.game_theory import NormalFormGame, Player
    >>> from_quantecon(NormalFormGame([Player([[1, 2]]), Player([[3], [4]])])).B
    array([[3., 4.]])
    """
    _check_players("a quantecon game", game.players)
    row, column = (player.payoff_array for player in game.players)
    return BimatrixGame(row, column.T)


def to_quantecon(game: BimatrixGame) -> Any:
    """A `quantecon.game_theory.NormalFormGame` with the same payoffs as float64; names are lost.

    Raises
    ------
    NotSolved
        If quantecon is not installed.

    Examples
    --------
    >>> to_quantecon(BimatrixGame([[1, 2]], [[3, 4]])).players[1].payoff_array
    array([[3.],
           [4.]])
    """
    theory = _module("quantecon.game_theory")
    return theory.NormalFormGame([theory.Player(game.A.copy()), theory.Player(game.B.T.copy())])


def _check_players(where: str, players: Sequence[object]) -> None:
    if len(players) != 2:
        raise InvalidGame(f"{where} must have 2 players, got {len(players)}")


def _number(value: Any) -> Fraction:
    return Fraction(int(value.numerator), int(value.denominator))


def _changes(old: Iterable[str], new: Sequence[str]) -> dict[str, str]:
    """Which label becomes which; none where there are no new ones."""
    if len(set(new)) < len(new):
        raise ValueError(f"a label must be unique, got {', '.join(map(quoted, new))}")
    return dict(zip(old, new, strict=True)) if new else {}


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        library = name.partition(".")[0]
        raise NotSolved(f"games of {library} need {library}; install certeq[peers]") from None
