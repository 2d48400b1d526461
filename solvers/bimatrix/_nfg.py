r"""Gambit's strategic games: `.nfg` files, with the payoffs cell by cell or by outcomes.

The payoffs of the cells follow one another with the first player's strategy varying fastest. Numbers are read exactly:
`0.1` is 1/10. In a name, `\"` is a quote and `\\` a backslash; any other backslash stands for itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NoReturn

from solvers._documents import FilePath, checked_text, file_name, read_text, write_text
from solvers._messages import quoted
from solvers.bimatrix._files import Number, build, exact, number_text, written
from solvers.bimatrix._game import BimatrixGame
from solvers.core import InvalidGame

STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
TOKEN = re.compile(rf'{STRING.pattern}|[{{}},]|[^\s{{}},"]+|".*', re.ASCII | re.DOTALL)  # the last: a quote left open
ESCAPE = re.compile(r'\\([\\"])')
ESCAPED = re.compile(r'"|\\(?=[\\"])')
WHOLE = re.compile(r"[0-9]{1,18}")
STRATEGIES = 1_000_000_000  # of a player
UNREADABLE = re.compile(r"^\s|\s\Z|\s\s|[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LINE = 10  # payoffs in a line


def read_nfg(path: FilePath) -> BimatrixGame:
    """The two-player game in a Gambit `.nfg` file, its payoffs exactly as they are written there.

    Both versions of the format are read: payoffs cell by cell, and cells that refer to outcomes.

    Raises
    ------
    InvalidGame
        If the file cannot be read or does not hold a two-player strategic game; the message names the line.

    References
    ----------
    Savani and Turocy, Gambit: The package for computation in game theory, "Game representation formats".

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pennies.nfg")
    ...     write_nfg(BimatrixGame([[1, -1], [-1, 1]], [[-1, 1], [1, -1]], title="pennies"), path)
    ...     read_nfg(path).title
    'pennies'
    """
    return parse_nfg(read_text(path), name=file_name(path))


def write_nfg(game: BimatrixGame, path: FilePath, *, outcomes: bool = False) -> None:
    """The game in a Gambit `.nfg` file, which appears whole or not at all.

    Rational payoffs are written as such, float64 ones as the shortest decimals that are read back as the same float64.
    With `outcomes`, equal pairs of payoffs are written once and the cells refer to them.

    Raises
    ------
    InvalidGame
        If Gambit could not read a name, or a payoff is too long.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "small.nfg")
    ...     write_nfg(BimatrixGame([[0.5]], [[2]]), path)
    ...     print(path.read_text(), end="")
    NFG 1 R "" { "row" "column" } { 1 1 }
    <BLANKLINE>
    0.5 2
    """
    write_text(path, format_nfg(game, outcomes=outcomes))


def parse_nfg(text: str, *, name: str = "nfg") -> BimatrixGame:
    """The two-player game that the text of an `.nfg` file describes; `name` is what errors call the text.

    Raises
    ------
    InvalidGame
        If it does not describe one; the message names the line, the rule and the value.

    Examples
    --------
    >>> game = parse_nfg('NFG 1 R "small" { "Ann" "Bob" } { 2 1 } 1/3 2 0.1 4')
    >>> game.players, game.rational_payoffs[0].rows()
    (('Ann', 'Bob'), [[Fraction(1, 3)], [Fraction(1, 10)]])
    >>> parse_nfg('NFG 1 R "small" { "Ann" "Bob" "Cem" } { 2 1 1 } 1 2 3 4 5 6')
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: nfg line 1: there must be 2 players, got 3
    """
    return _Text(text, name).game()


def format_nfg(game: BimatrixGame, *, outcomes: bool = False) -> str:
    """The text of an `.nfg` file that describes the game.

    Raises
    ------
    InvalidGame
        If Gambit could not read a name, or a payoff is too long.

    Examples
    --------
    >>> print(format_nfg(BimatrixGame([[1, 1]], [[2, 2]], title="same", rows=["a"], columns=["b", "c"]), outcomes=True))
    NFG 1 R "same" { "row" "column" }
    { { "a" }
      { "b" "c" } }
    <BLANKLINE>
    { { "1" 1, 2 } }
    1 1
    <BLANKLINE>
    """
    A, B = written(game)
    m, n = game.shape
    pairs = [(number_text(A[i][j]), number_text(B[i][j])) for j in range(n) for i in range(m)]
    players = " ".join(_name("a player's name", player) for player in game.players)
    head = f"NFG 1 R {_quoted('the title', game.title)} {{ {players} }}{_strategies(game)}\n\n"
    return head + (_outcome_body(pairs) if outcomes else _lines(itertools.chain.from_iterable(pairs)))


class _Text:
    """The words of a file, read from left to right."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.words: list[str] = TOKEN.findall(text)
        self.at = 0

    def game(self) -> BimatrixGame:
        """The game, if the text is one from end to end."""
        self.header()
        title = self.string("the title")
        players = self.players()
        (m, n), rows, columns = self.strategies()
        if self.next.startswith('"'):
            self.string("the comment")
        pairs = self.outcome_body(m, n) if self.next == "{" else self.payoff_body(m, n)
        if self.next:
            self.refuse(f"the file must end after the {m} x {n} cells", quoted(self.next))
        A, B = ([[pairs[j * m + i][player] for j in range(n)] for i in range(m)] for player in (0, 1))
        return build(self.name, A, B, title=title, players=players, rows=rows, columns=columns)

    @property
    def next(self) -> str:
        """The next word, empty at the end."""
        return self.words[self.at] if self.at < len(self.words) else ""

    def header(self) -> None:
        """Passes over what every such file begins with."""
        for allowed in (("NFG",), ("1",), ("R", "D")):
            if self.next not in allowed:
                self.refuse("the file must begin with NFG 1 R", self.found)
            self.at += 1

    def string(self, what: str) -> str:
        """The next word, which stands in double quotes."""
        word = self.next
        if not word.startswith('"'):
            self.refuse(f"{what} must stand in double quotes", self.found)
        if not STRING.fullmatch(word):
            self.refuse(f"{what} must have a closing quote", "none")
        self.at += 1
        return ESCAPE.sub(r"\1", word[1:-1])

    def brace(self, brace: str, what: str) -> None:
        """Passes over a brace."""
        if self.next != brace:
            side = "begin" if brace == "{" else "end"
            self.refuse(f"{what} must {side} with {brace}", self.found)
        self.at += 1

    def names(self, what: str, each: str) -> tuple[str, ...]:
        """Names between braces."""
        self.brace("{", what)
        names = []
        while self.next not in ("}", ""):
            names.append(self.string(each))
        self.brace("}", what)
        return tuple(names)

    def players(self) -> tuple[str, str]:
        """The names of the two players."""
        start = self.at
        names = self.names("the list of players", "a player's name")
        if len(names) != 2:
            self.refuse("there must be 2 players", str(len(names)), start)
        return names[0], names[1]

    def strategies(self) -> tuple[tuple[int, int], tuple[str, ...], tuple[str, ...]]:
        """How many strategies the players have, and their names where they have any."""
        self.brace("{", "the strategies")
        if self.next == "{":
            names = [self.strategy_names() for _ in range(2)]
            self.brace("}", "two lists of strategies, one per player,")
            return (len(names[0]), len(names[1])), names[0], names[1]
        counts = self.count(), self.count()
        self.brace("}", "two numbers of strategies, one per player,")
        return counts, (), ()

    def strategy_names(self) -> tuple[str, ...]:
        """The names of one player's strategies."""
        start = self.at
        names = self.names("each player's list of strategies", "a strategy's name")
        if not names:
            self.refuse("a player must have at least one strategy", "none", start)
        return names

    def count(self) -> int:
        """How many strategies a player has."""
        if not WHOLE.fullmatch(self.next) or not 1 <= int(self.next) <= STRATEGIES:
            self.refuse(f"each player's number of strategies must be from 1 to {STRATEGIES:,}", self.found)
        self.at += 1
        return int(self.words[self.at - 1])

    def payoff_body(self, m: int, n: int) -> list[tuple[Number, Number]]:
        """The payoffs of all cells, those of the first column first."""
        pairs: list[tuple[Number, Number]] = []
        while len(pairs) < m * n:
            if not self.next:
                self.refuse(f"there must be payoffs for {m} x {n} cells", str(len(pairs)))
            pairs.append((self.number(), self.number()))
        return pairs

    def outcome_body(self, m: int, n: int) -> list[tuple[Number, Number]]:
        """The same from a list of outcomes and one of them for each cell; outcome 0 pays nothing."""
        outcomes: list[tuple[Number, Number]] = [(0, 0)]
        self.brace("{", "the list of outcomes")
        while self.next == "{":
            outcomes.append(self.outcome())
        self.brace("}", "the list of outcomes")
        pairs: list[tuple[Number, Number]] = []
        while len(pairs) < m * n:
            if not self.next:
                self.refuse(f"there must be outcomes for {m} x {n} cells", str(len(pairs)))
            pairs.append(outcomes[self.index(len(outcomes) - 1)])
        return pairs

    def outcome(self) -> tuple[Number, Number]:
        """What one outcome pays."""
        self.brace("{", "an outcome")
        self.string("an outcome's name")
        payoffs = self.number(), self.number()
        self.brace("}", "an outcome's two payoffs")
        return payoffs

    def number(self) -> Number:
        """The next word, a number; a comma may follow it."""
        try:
            value = exact(self.next)
        except ValueError as problem:
            self.refuse(str(problem), self.found)
        self.at += 1
        self.at += self.next == ","
        return value

    def index(self, last: int) -> int:
        """The next word, one of the outcomes."""
        if not WHOLE.fullmatch(self.next) or int(self.next) > last:
            self.refuse(f"a cell's outcome must be a whole number from 0 to {last}", self.found)
        self.at += 1
        return int(self.words[self.at - 1])

    @property
    def found(self) -> str:
        """The next word for an error."""
        return quoted(self.next) if self.next else "the end of the file"

    def refuse(self, rule: str, got: str, at: int | None = None) -> NoReturn:
        """Raises the error: the line of the next word, or of word `at`, the rule, the value."""
        word = next(itertools.islice(TOKEN.finditer(self.text), self.at if at is None else at, None), None)
        line = self.text.count("\n", 0, word.start() if word else len(self.text.rstrip())) + 1
        raise InvalidGame(f"{self.name} line {line}: {rule}, got {got}")


def _strategies(game: BimatrixGame) -> str:
    m, n = game.shape
    if not game.rows and not game.columns:
        return f" {{ {m} {n} }}"
    rows, columns = game.rows or _numbered(m), game.columns or _numbered(n)
    lists = (" ".join(_name("a strategy's name", strategy) for strategy in names) for names in (rows, columns))
    return "\n{{ {{ {} }}\n  {{ {} }} }}".format(*lists)


def _numbered(size: int) -> Sequence[str]:
    return [str(k + 1) for k in range(size)]


def _name(what: str, name: str) -> str:
    """A name that Gambit can read: its labels take neither control characters nor stray spaces."""
    if UNREADABLE.search(checked_text(what, name)):
        raise InvalidGame(
            f"{what} must have no control characters and no space at either end or next to another, got {quoted(name)}"
        )
    return _quoted(what, name)


def _quoted(what: str, text: str) -> str:
    if checked_text(what, text).endswith("\\"):
        raise InvalidGame(f"{what} must not end in a backslash, Gambit reads past it, got {quoted(text)}")
    return '"' + ESCAPED.sub(lambda match: "\\" + match.group(), text) + '"'


def _outcome_body(pairs: list[tuple[str, str]]) -> str:
    numbers = {pair: str(k) for k, pair in enumerate(dict.fromkeys(pairs), 1)}
    outcomes = "\n  ".join(f'{{ "{k}" {a}, {b} }}' for (a, b), k in numbers.items())
    return f"{{ {outcomes} }}\n" + _lines(numbers[pair] for pair in pairs)


def _lines(words: Iterable[str]) -> str:
    """The words, a few to a line."""
    words = list(words)
    return "".join(" ".join(words[k : k + LINE]) + "\n" for k in range(0, len(words), LINE))
