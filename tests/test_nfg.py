"""Files of games and the games of other libraries: what goes out comes back, and bad files are refused in one line."""

import io
import json
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.bimatrix import _convert, _gambit
from solvers.bimatrix._convert import (
    from_nashpy,
    from_pygambit,
    from_quantecon,
    to_nashpy,
    to_pygambit,
    to_quantecon,
)
from solvers.bimatrix._files import exact
from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._json import format_json, load, parse_json, read_json, write_json
from solvers.bimatrix._nfg import format_nfg, parse_nfg, read_nfg, write_nfg
from solvers.core import InvalidGame, NotSolved

FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.1, 5e-324, -1e308, 1e16, 2.0**53, -0.0])
RATIONALS = st.fractions(max_denominator=10**20) | st.integers(-(2**80), 2**80).map(Fraction)
INTEGERS = st.integers(-9, 9)
PAYOFFS = st.sampled_from([FLOATS, RATIONALS, INTEGERS])
LETTERS = st.characters(exclude_categories=("C", "Z")) | st.sampled_from('"\\{},/é')
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=6), max_size=3).map(" ".join)
NAMES = WORDS.filter(lambda name: not name.endswith("\\"))
HEAD = 'NFG 1 R "t" { "a" "b" } '
NUMBER = "a payoff must be a number such as 3, -0.5, 1e-3 or 1/3"
SPACES = "must have no control characters and no space at either end or next to another"
LONG = "9" * 60 + "..."


@st.composite
def games(draw, names=NAMES, unique=False):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    A, B = (draw(st.lists(st.lists(draw(PAYOFFS), min_size=n, max_size=n), min_size=m, max_size=m)) for _ in "AB")
    rows, columns = (draw(st.just([]) | st.lists(names, min_size=k, max_size=k, unique=unique)) for k in (m, n))
    players = tuple(draw(st.lists(names, min_size=2, max_size=2, unique=unique)))
    return BimatrixGame(A, B, title=draw(NAMES), players=players, rows=rows, columns=columns)


def same_payoffs(game, other):
    """The float64 payoffs are equal, and so are the rationals where the first game was made of rationals."""
    np.testing.assert_array_equal(game.A, other.A)
    np.testing.assert_array_equal(game.B, other.B)
    for mine, ours, theirs in zip(game._exact, game.rational_payoffs, other.rational_payoffs, strict=True):
        assert mine is None or ours.rows() == theirs.rows()


def fractions_of(theirs):
    """The payoffs of a pygambit game."""
    return [[[Fraction(str(value)) for value in row] for row in array.tolist()] for array in theirs.to_arrays()]


def means(game):
    """What the files mean by the game's payoffs: its rationals, or the shortest decimals of its floats."""
    return [
        M.rows() if e else [[Fraction(repr(v)) for v in row] for row in M_float.tolist()]
        for e, M, M_float in zip(game._exact, game.rational_payoffs, (game.A, game.B), strict=True)
    ]


def numbered(names, size, named):
    """Names, or the numbers that stand for them in a file where the other player's strategies have names."""
    return names or (tuple(str(k + 1) for k in range(size)) if named else ())


# ---------------------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("outcomes", [False, True])
@given(game=games())
def test_what_is_written_as_nfg_is_read_back(outcomes, game):
    other = parse_nfg(format_nfg(game, outcomes=outcomes))
    same_payoffs(game, other)
    assert (other.title, other.players) == (game.title, game.players)
    named = bool(game.rows or game.columns)
    assert other.rows == numbered(game.rows, game.shape[0], named)
    assert other.columns == numbered(game.columns, game.shape[1], named)


@given(game=games(names=st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_is_written_as_json_is_read_back(game):
    other = parse_json(format_json(game))
    same_payoffs(game, other)
    mine, theirs = ((g.title, g.players, g.rows, g.columns) for g in (game, other))
    assert theirs == mine
    assert set(json.loads(format_json(game))) <= {"title", "players", "rows", "columns", "A", "B"}


@given(game=games())
def test_a_game_that_was_read_is_written_without_rounding(game):
    once = parse_nfg(format_nfg(game))
    for again in (parse_nfg(format_nfg(once)), parse_json(format_json(once))):
        assert [M.rows() for M in again.rational_payoffs] == [M.rows() for M in once.rational_payoffs] == means(game)


@given(value=FLOATS)
def test_a_float_is_written_as_the_shortest_decimal_that_means_it(value):
    text = format_nfg(BimatrixGame([[value]], [[0]])).splitlines()[-1].split()[0]
    assert float(text) == value
    assert len(text) <= len(repr(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/3", Fraction(1, 3)),
        ("-2/6", Fraction(-1, 3)),
        ("0.1", Fraction(1, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("4.5E+2", 450),
        ("+7", 7),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("-0", 0),
        ("007", 7),
        ("9007199254740993", 2**53 + 1),
        ("1e-400", Fraction(1, 10**400)),
    ],
)
def test_numbers_are_read_exactly(text, value):
    assert exact(text) == value
    for game in (parse_nfg(f"{HEAD} {{ 1 1 }} {text} 0"), parse_json(f'{{"A": [["{text}"]], "B": [[0]]}}')):
        assert game.rational_payoffs[0].rows() == [[value]]
        assert game.A[0, 0] == float(value)


def test_a_json_number_is_not_rounded():
    game = parse_json('{"A": [[0.1, 9007199254740993, 1e-3]], "B": [[-1, 0, 18446744073709551615]]}')
    assert game.rational_payoffs[0].rows() == [[Fraction(1, 10), 2**53 + 1, Fraction(1, 1000)]]
    assert game.rational_payoffs[1].rows() == [[-1, 0, 2**64 - 1]]


def test_the_first_players_strategy_varies_fastest():
    game = parse_nfg(HEAD + "{ 3 2 } 1 10 2 20 3 30  4 40 5 50 6 60")
    np.testing.assert_array_equal(game.A, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(game.B, 10 * game.A)


def test_the_outcome_version_with_everything_optional():
    text = 'NFG 1 D "Selten\'s \\"game\\""\n{"A \\\\ B" "c\\d"}{{"x""y"}{"z"}}"A comment, \\"quoted\\"\nand { long }"\n'
    game = parse_nfg(text + '{{"same"1,2/3}{"same" 0.5 4,}}2\n0')
    assert (game.title, game.players) == ('Selten\'s "game"', ("A \\ B", "c\\d"))
    assert (game.rows, game.columns) == (("x", "y"), ("z",))
    assert [M.rows() for M in game.rational_payoffs] == [[[Fraction(1, 2)], [0]], [[4], [0]]]


@pytest.mark.parametrize("name", ["a\\\\b", '\\"', "\\\\\\x", 'a\\b"c', '""', '\\\\"'])
def test_backslashes_and_quotes_come_back(name):
    game = BimatrixGame([[1]], [[2]], title=name, players=(name, "b"), rows=[name], columns=[name + "é"])
    for other in (
        parse_nfg(format_nfg(game)),
        parse_nfg(format_nfg(game, outcomes=True)),
        parse_json(format_json(game)),
    ):
        assert (other.title, other.players, other.rows, other.columns) == (name, (name, "b"), (name,), (name + "é",))
    theirs = _gambit.pygambit().read_nfg(io.StringIO(format_nfg(game)))
    assert fractions_of(theirs) == [[[1]], [[2]]]


def test_outcomes_are_written_once():
    game = BimatrixGame([[1, 1, 0], [1, 2, 1]], [[3, 3, 0], [3, 4, 3]])
    text = format_nfg(game, outcomes=True)
    assert text.splitlines()[2:] == ['{ { "1" 1, 3 }', '  { "2" 2, 4 }', '  { "3" 0, 0 } }', "1 1 1 2 3 1"]


# --------------------------------------------------------------------------------------------------------------- gambit


@pytest.mark.parametrize("outcomes", [False, True])
@given(game=games())
def test_gambit_reads_what_we_write(outcomes, game):
    theirs = _gambit.pygambit().read_nfg(io.StringIO(format_nfg(game, outcomes=outcomes)))
    assert fractions_of(theirs) == means(game)


@given(game=games(names=NAMES.filter(lambda name: name and "\\" not in name), unique=True))
def test_gambit_reads_the_names_we_write(game):
    theirs = _gambit.pygambit().read_nfg(io.StringIO(format_nfg(game)))
    assert tuple(theirs.players) == game.players
    for player, names, size in zip(game.players, (game.rows, game.columns), game.shape, strict=True):
        assert tuple(theirs.get_strategies(player)) == numbered(names, size, named=True)


@given(game=games(names=WORDS.filter(bool), unique=True))
def test_we_read_what_gambit_writes(game):
    theirs = to_pygambit(game)
    other = parse_nfg(theirs.to_nfg())
    assert [M.rows() for M in other.rational_payoffs] == fractions_of(theirs) == means(game)
    assert (other.title, other.players) == (game.title, game.players)
    assert other.rows == numbered(game.rows, game.shape[0], named=True)


def test_we_read_a_null_outcome_that_gambit_writes():
    theirs = _gambit.pygambit().StrategicGame.from_arrays([[1, 2], [3, 4]], [[5, 6], [7, 8]])
    theirs.make_outcome_null({"1": "2", "2": "1"})
    assert theirs.to_nfg().split("}")[-1].split().count("0") == 1
    game = parse_nfg(theirs.to_nfg())
    np.testing.assert_array_equal(game.A, [[1, 2], [0, 4]])
    np.testing.assert_array_equal(game.B, [[5, 6], [0, 8]])


def catalogue():
    folder = Path(_gambit.pygambit().__file__).with_name("catalog_data")
    return sorted(folder.rglob("*.nfg"))


def test_the_games_of_gambits_catalogue_read_alike():
    read = {2: 0, 3: 0}
    for path in catalogue():
        theirs = _gambit.pygambit().read_nfg(path)
        read[len(theirs.players)] += 1
        if len(theirs.players) == 2:
            game = read_nfg(path)
            assert [M.rows() for M in game.rational_payoffs] == fractions_of(theirs)
            assert (game.title, list(game.players)) == (theirs.title, list(theirs.players))
            assert [list(game.rows), list(game.columns)] == [theirs.get_strategies(p) for p in theirs.players]
        else:
            with pytest.raises(InvalidGame, match=f"^{path.name} line 1: there must be 2 players, got 3$"):
                read_nfg(path)
    assert read == {2: 5, 3: 3}  # of the pinned release


# ---------------------------------------------------------------------------------------------------------- conversions


@given(game=games(names=WORDS.filter(bool), unique=True))
def test_a_pygambit_game_there_and_back(game):
    other = from_pygambit(to_pygambit(game))
    same_payoffs(game, other)
    assert [M.rows() for M in other.rational_payoffs] == means(game)
    assert (other.title, other.players) == (game.title, game.players)
    assert other.columns == numbered(game.columns, game.shape[1], named=True)


@pytest.mark.parametrize(("there", "back"), [(to_nashpy, from_nashpy), (to_quantecon, from_quantecon)])
@given(game=games())
def test_a_peers_game_there_and_back(there, back, game):
    other = back(there(game))
    np.testing.assert_array_equal(other.A, game.A)
    np.testing.assert_array_equal(other.B, game.B)


def test_the_peers_mean_the_same_game():
    game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    nashpy, quantecon, gambit = to_nashpy(game), to_quantecon(game), to_pygambit(game)
    x, y = np.array([0, 1, 0]), np.array([1, 0])
    np.testing.assert_array_equal(nashpy[x, y], [2, 2])
    np.testing.assert_array_equal(quantecon[1, 0], [2, 2])
    assert gambit.get_payoffs({"row": "2", "column": "1"})["column"] == 2
    np.testing.assert_array_equal(nashpy[np.array([1, 0, 0]), np.array([0, 1])], [3, 2])
    np.testing.assert_array_equal(quantecon[0, 1], [3, 2])
    assert gambit.get_payoffs({"row": "1", "column": "2"})["column"] == 2


def test_a_conversion_shares_no_memory():
    game = BimatrixGame([[1, 2]], [[3, 4]])
    to_nashpy(game).payoff_matrices[0][:] = 9
    to_quantecon(game).players[1].payoff_array[:] = 9
    assert (game.A.tolist(), game.B.tolist()) == ([[1, 2]], [[3, 4]])


def test_rationals_come_from_nashpy_too():
    import nashpy

    third = Fraction(1, 3)
    assert from_nashpy(nashpy.Game([[third, 1]], [[0, third]])).rational_payoffs[0].rows() == [[third, 1]]


def test_other_numbers_of_players_are_refused():
    from quantecon.game_theory import NormalFormGame

    theirs = _gambit.pygambit().StrategicGame.from_arrays(*np.zeros((3, 2, 2, 2), dtype=int))
    with pytest.raises(InvalidGame, match=r"^a pygambit game must have 2 players, got 3$"):
        from_pygambit(theirs)
    with pytest.raises(InvalidGame, match=r"^a quantecon game must have 2 players, got 3$"):
        from_quantecon(NormalFormGame((2, 2, 2)))


@pytest.mark.parametrize("names", [("x", "x"), ("", "x"), (" x", "y"), ("x\ny", "z")])
def test_names_that_gambit_does_not_take_are_refused(names):
    with pytest.raises(InvalidGame, match=r"^a name must be one that Gambit takes: [^\n]+$"):
        to_pygambit(BimatrixGame([[1], [2]], [[3], [4]], rows=names))
    with pytest.raises(InvalidGame, match=r"^a name must be one that Gambit takes: [^\n]+$"):
        to_pygambit(BimatrixGame([[1], [2]], [[3], [4]], players=names))


@pytest.mark.parametrize(
    ("library", "convert", "message"),
    [
        ("pygambit", to_pygambit, "Gambit's solvers and games need pygambit; install certeq[gambit]"),
        ("nashpy", to_nashpy, "games of nashpy need nashpy; install certeq[peers]"),
        ("quantecon.game_theory", to_quantecon, "games of quantecon need quantecon; install certeq[peers]"),
    ],
)
def test_a_missing_library_is_one_sentence(monkeypatch, library, convert, message):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(NotSolved) as problem:
        convert(BimatrixGame([[1]], [[1]]))
    assert str(problem.value) == message


def test_another_release_of_pygambit_is_refused(monkeypatch):
    monkeypatch.setattr(_gambit.pygambit(), "__version__", "16.7.0")
    with pytest.raises(NotSolved, match=r"^pygambit must be 17.0.0b2, got 16.7.0; install certeq\[gambit\]$"):
        _convert.to_pygambit(BimatrixGame([[1]], [[1]]))


# ------------------------------------------------------------------------------------------------------------ bad files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file must begin with NFG 1 R, got the end of the file"),
        ('EFG 2 R "t"', "line 1: the file must begin with NFG 1 R, got `EFG`"),
        ('nfg 1 R "t"', "line 1: the file must begin with NFG 1 R, got `nfg`"),
        ('NFG 2 R "t"', "line 1: the file must begin with NFG 1 R, got `2`"),
        ('NFG 1 X "t"', "line 1: the file must begin with NFG 1 R, got `X`"),
        ("\0\1\2", "line 1: the file must begin with NFG 1 R, got `\\x00\\x01\\x02`"),
        ("NFG 1 R t", "line 1: the title must stand in double quotes, got `t`"),
        ('NFG 1 R\n"t { a \\"', "line 2: the title must have a closing quote, got none"),
        ('NFG 1 R "t" "a" "b"', 'line 1: the list of players must begin with {, got `"a"`'),
        ('NFG 1 R "t" { "a"', "line 1: the list of players must end with }, got the end of the file"),
        ('NFG 1 R "t" { a b }', "line 1: a player's name must stand in double quotes, got `a`"),
        ('NFG 1 R "t"\n\n{ "a" "b" "c" } { 1 1 1 } 1 2 3', "line 3: there must be 2 players, got 3"),
        ('NFG 1 R "t" { "a" } { 1 } 1', "line 1: there must be 2 players, got 1"),
        (HEAD, "line 1: the strategies must begin with {, got the end of the file"),
        (HEAD + "{ 2 }", "line 1: each player's number of strategies must be from 1 to 1,000,000,000, got `}`"),
        (HEAD + "{ 2 0 }", "line 1: each player's number of strategies must be from 1 to 1,000,000,000, got `0`"),
        (HEAD + "{ 2 -1 }", "line 1: each player's number of strategies must be from 1 to 1,000,000,000, got `-1`"),
        (
            HEAD + "{ 9999999999 1 }",
            "line 1: each player's number of strategies must be from 1 to 1,000,000,000, got `9999999999`",
        ),
        (HEAD + "{ 2 1 1 }", "line 1: two numbers of strategies, one per player, must end with }, got `1`"),
        (HEAD + '{ { "x" } }', "line 1: each player's list of strategies must begin with {, got `}`"),
        (HEAD + '{ { "x" } { } }', "line 1: a player must have at least one strategy, got none"),
        (
            HEAD + '{ { "x" } { "y" } { "z" } }',
            "line 1: two lists of strategies, one per player, must end with }, got `{`",
        ),
        (HEAD + '{ { "x" 2 } { "y" } }', "line 1: a strategy's name must stand in double quotes, got `2`"),
        (HEAD + "{ 2 1 }", "line 1: there must be payoffs for 2 x 1 cells, got 0"),
        (HEAD + "{ 2 1 }\n1 2\n\n", "line 2: there must be payoffs for 2 x 1 cells, got 1"),
        (HEAD + "{ 2 1 }\n1 2\n3\n", f"line 3: {NUMBER}, got the end of the file"),
        (HEAD + "{ 2 1 }\n1 2 3 4\n5", "line 3: the file must end after the 2 x 1 cells, got `5`"),
        (HEAD + "{ 2 1 }\n1 2 3 4\nend", "line 3: the file must end after the 2 x 1 cells, got `end`"),
        (HEAD + "{ 2 1 }\n1 2\n3 nan", f"line 3: {NUMBER}, got `nan`"),
        (HEAD + "{ 1 1 } 1 inf", f"line 1: {NUMBER}, got `inf`"),
        (HEAD + "{ 1 1 } 1 1.5/2", f"line 1: {NUMBER}, got `1.5/2`"),
        (HEAD + "{ 1 1 } 1 - 2", f"line 1: {NUMBER}, got `-`"),
        (HEAD + "{ 1 1 } 1 1_000", f"line 1: {NUMBER}, got `1_000`"),
        (HEAD + "{ 1 1 } 1 ٣", f"line 1: {NUMBER}, got `٣`"),
        (HEAD + "{ 1 1 } 1,, 2", f"line 1: {NUMBER}, got `,`"),
        (HEAD + '{ 1 1 } "one" "two" 1 2', f'line 1: {NUMBER}, got `"two"`'),
        (HEAD + "{ 1 1 } 1 1/0", "line 1: a denominator must not be zero, got `1/0`"),
        (HEAD + "{ 1 1 } 1 1e400", "line 1: a payoff must lie within the range of float64, got `1e400`"),
        (HEAD + "{ 1 1 } 1 " + "9" * 400, f"line 1: a payoff must lie within the range of float64, got `{LONG}`"),
        (HEAD + "{ 1 1 } 1 " + "9" * 5000, f"line 1: a number must have at most 4,000 characters, got `{LONG}`"),
        (HEAD + "{ 1 1 } 1 1e999999999", "line 1: an exponent must be at most 1,000, up or down, got `1e999999999`"),
        (HEAD + "{ 1 1 } 1 1e-999999999", "line 1: an exponent must be at most 1,000, up or down, got `1e-999999999`"),
        (
            HEAD + "{ 1000000000 1000000000 } 1 2",
            "line 1: there must be payoffs for 1000000000 x 1000000000 cells, got 1",
        ),
        (
            HEAD + '{ 1000000000 1000000000 } { { "" 1 2 } } 1',
            "line 1: there must be outcomes for 1000000000 x 1000000000 cells, got 1",
        ),
        (HEAD + '{ 2 1 } { { "o" 1 2 } }', "line 1: there must be outcomes for 2 x 1 cells, got 0"),
        (HEAD + '{ 2 1 } { { "o" 1 2 } }\n1 2', "line 2: a cell's outcome must be a whole number from 0 to 1, got `2`"),
        (
            HEAD + '{ 2 1 } { { "o" 1 2 } }\n-1 1',
            "line 2: a cell's outcome must be a whole number from 0 to 1, got `-1`",
        ),
        (
            HEAD + '{ 2 1 } { { "o" 1 2 } }\n1.0 1',
            "line 2: a cell's outcome must be a whole number from 0 to 1, got `1.0`",
        ),
        (HEAD + '{ 2 1 } { { "o" 1 2 } }\n1 0 0', "line 2: the file must end after the 2 x 1 cells, got `0`"),
        (HEAD + '{ 1 1 } { { "o" 1 } } 1', f"line 1: {NUMBER}, got `}}`"),
        (HEAD + '{ 1 1 } { { "o" 1 2 3 } } 1', "line 1: an outcome's two payoffs must end with }, got `3`"),
        (HEAD + "{ 1 1 } { { 1 2 } } 1", "line 1: an outcome's name must stand in double quotes, got `1`"),
        (HEAD + '{ 1 1 } { { "o" 1 2 } 1', "line 1: the list of outcomes must end with }, got `1`"),
        (HEAD + '{ 1 1 } { { "o" 1 nan } } 1', f"line 1: {NUMBER}, got `nan`"),
    ],
)
def test_a_bad_nfg_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.nfg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidGame) as problem:
        load(path)
    assert str(problem.value) == f"bad.nfg {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " line 1: the file must be JSON, got Expecting value"),
        ('{"A": [[1]],\n "B": [[1]]', " line 2: the file must be JSON, got Expecting ',' delimiter"),
        ('{"A": [[1]], "B": [[1]]} {}', " line 1: the file must be JSON, got Extra data"),
        ("[" * 100_000, ": the file must be JSON with few brackets inside one another"),
        ("[]", ": the file must hold one object with the keys A and B, got an array of 0"),
        ('{"A": [[1]]}', ": there must be a key `B`, it is missing"),
        ('{"A": [[1]], "B": [[1]], "A": [[2]]}', ": each key must stand once, `A` stands twice"),
        ('{"A": [[1]], "B": [[1]], "row": []}', ": `row` is not a known key; did you mean `rows`?"),
        ('{"A": [[NaN]], "B": [[1]]}', f": A[0, 0]: {NUMBER}, got `NaN`"),
        ('{"A": [[1]], "B": [[-Infinity]]}', f": B[0, 0]: {NUMBER}, got `-Infinity`"),
        ('{"A": [[1, true]], "B": [[1, 2]]}', f": A[0, 1]: {NUMBER}, got True"),
        ('{"A": [[1], [null]], "B": [[1], [2]]}', f": A[1, 0]: {NUMBER}, got None"),
        ('{"A": [[[1]]], "B": [[1]]}', f": A[0, 0]: {NUMBER}, got an array of 1"),
        ('{"A": [[" 1"]], "B": [[1]]}', f": A[0, 0]: {NUMBER}, got ` 1`"),
        ('{"A": [["1/0"]], "B": [[1]]}', ": A[0, 0]: a denominator must not be zero, got `1/0`"),
        ('{"A": [[1e999]], "B": [[1]]}', ": A[0, 0]: a payoff must lie within the range of float64, got `1e999`"),
        ('{"A": [[1e99999]], "B": [[1]]}', ": A[0, 0]: an exponent must be at most 1,000, up or down, got `1e99999`"),
        (
            f'{{"A": [[{"9" * 5000}]], "B": [[1]]}}',
            f": A[0, 0]: a number must have at most 4,000 characters, got `{LONG}`",
        ),
        ('{"A": 3, "B": [[1]]}', ": A must be a list of rows, each a list of numbers, got `3`"),
        ('{"A": [1], "B": [[1]]}', ": A must be a list of rows, each a list of numbers, got an array of 1"),
        ('{"A": [], "B": []}', ": A must be (m, n), got shape (0,)"),
        ('{"A": [[1, 2], [3]], "B": [[1]]}', ": A must be a matrix, got rows of different lengths"),
        ('{"A": [[1, 2]], "B": [[1], [2]]}', ": A and B must have one shape, got (1, 2) and (2, 1)"),
        ('{"A": [[1]], "B": [[1]], "title": 3}', ": title must be a string, got `3`"),
        ('{"A": [[1]], "B": [[1]], "title": "\\ud800"}', ": title must be Unicode text, got `\\ud800`"),
        ('{"A": [[1]], "B": [[1]], "players": ["a"]}', ": players must name 2 players, got an array of 1"),
        ('{"A": [[1]], "B": [[1]], "players": "ab"}', ": players must be a list of strings, got `ab`"),
        ('{"A": [[1]], "B": [[1]], "rows": ["a", "b"]}', ": rows must name 1 strategies, got 2"),
        ('{"A": [[1]], "B": [[1]], "rows": [1]}', ": a name in rows must be a string, got `1`"),
    ],
)
def test_a_bad_json_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidGame) as problem:
        load(path)
    assert str(problem.value) == f"bad.json{message}"


PIECES = st.sampled_from(
    [*'{}", \n/.-e2\\', "{ 1 1 } ", '"t" ', " 1 2 ", "nan", "[", "]", ":", "null", '"A"', "1/0", ""]
)


def game_or_refusal(parse, text):
    try:
        return parse(text)
    except InvalidGame as problem:
        return str(problem)


@given(game=games(), outcomes=st.booleans(), data=st.data())
def test_a_damaged_file_is_a_game_or_refused_in_one_line(game, outcomes, data):
    for parse, text in ((parse_nfg, format_nfg(game, outcomes=outcomes)), (parse_json, format_json(game))):
        start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        answer = game_or_refusal(parse, text[:start] + data.draw(PIECES) + text[stop:])
        if isinstance(answer, BimatrixGame):
            same_payoffs(answer, parse_json(format_json(answer)))
        else:
            assert len(answer.splitlines()) == 1


@given(game=games(), data=st.data())
def test_a_truncated_file_is_refused(game, data):
    text = format_nfg(game).rstrip()
    words = text.split(" ")
    kept = " ".join(words[: data.draw(st.integers(0, len(words) - 1))])
    with pytest.raises(InvalidGame):
        parse_nfg(kept)


@pytest.mark.parametrize(("m", "digits"), [(50, "60,000"), (5000, "40,000")])
def test_a_common_denominator_that_would_fill_the_memory_is_refused(m, digits):
    entries = " ".join(f"1/{(1 << 10_000) + 2 * k + 1} 0" for k in range(50))
    with pytest.raises(InvalidGame) as problem:
        parse_nfg(f"{HEAD} {{ {m} 1 }} {entries}" + " 1 0" * (m - 50))
    rule = f"the common denominator of {m:,} payoffs must have at most {digits} digits"
    assert str(problem.value) == f"nfg: A: {rule}, it has more; write decimals"


@pytest.mark.parametrize("suffix", [".nfg", ".json"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, suffix):
    path = tmp_path / f"game{suffix}"

    def refusal():
        with pytest.raises(InvalidGame) as problem:
            load(path)
        return str(problem.value)

    assert refusal() == f"game{suffix}: there must be a file, there is none"
    path.write_bytes(b'NFG 1 R "\xff\xfe')
    assert refusal() == f"game{suffix}: the file must be UTF-8 text, byte 9 is not"
    path.unlink()
    path.mkdir()
    assert refusal() == f"game{suffix}: there must be a file, it is a folder"
    path.rmdir()
    os.mkfifo(path)
    assert refusal() == f"game{suffix}: there must be a file, it is a pipe or device"


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.nfg"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(
        InvalidGame, match=r"^huge.nfg: a game must have at most 100,000,000 bytes, got 1,000,000,000,000$"
    ):
        read_nfg(path)


def test_a_name_too_long_for_the_system_is_refused(tmp_path):
    with pytest.raises(InvalidGame, match=r"^x{60}\.\.\.: the file must be readable, got File name too long$"):
        load(tmp_path / ("x" * 300 + ".nfg"))


@pytest.mark.parametrize("name", ["game", "game.txt", "game.efg", ".nfg"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(InvalidGame) as problem:
        load(tmp_path / name)
    assert str(problem.value) == f"{name}: the file of a game must end in .nfg or .json"


def test_the_suffix_decides_in_either_case_and_a_byte_order_mark_is_no_matter(tmp_path):
    game = BimatrixGame([[Fraction(1, 3)]], [[2]], title="é")
    for name, text in (("GAME.NFG", format_nfg(game)), ("Game.Json", format_json(game))):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        other = load(tmp_path / name)
        same_payoffs(game, other)
        assert other.title == "é"


# -------------------------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"title": "a\\"}, "the title must not end in a backslash, Gambit reads past it, got `a\\`"),
        ({"title": "\ud800"}, "the title must be Unicode text, got `\\ud800`"),
        ({"players": ("a", "b\\")}, "a player's name must not end in a backslash, Gambit reads past it, got `b\\`"),
        ({"players": ("a", 3)}, "a player's name must be text, got 3"),
        ({"rows": [" a"]}, f"a strategy's name {SPACES}, got ` a`"),
        ({"players": ("a  b", "c")}, f"a player's name {SPACES}, got `a  b`"),
        ({"columns": ["a\nb"]}, f"a strategy's name {SPACES}, got `a\\nb`"),
    ],
)
def test_names_that_gambit_could_not_read_are_not_written(tmp_path, names, message):
    with pytest.raises(InvalidGame) as problem:
        write_nfg(BimatrixGame([[1]], [[1]], **names), tmp_path / "game.nfg")
    assert str(problem.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_nfg, write_json])
@pytest.mark.parametrize("payoff", [Fraction(1, 10**4000), Fraction(1, 10**100_000)])
def test_a_payoff_too_long_to_be_read_back_is_not_written(tmp_path, write, payoff):
    with pytest.raises(InvalidGame) as problem:
        write(BimatrixGame([[payoff]], [[1]]), tmp_path / "game")
    assert str(problem.value) == "a number in a file must have at most 4,000 characters, a payoff needs more"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("write", "read"), [(write_nfg, read_nfg), (write_json, read_json)])
def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch, write, read):
    path = tmp_path / "game"
    write(BimatrixGame([[1]], [[2]]), path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            write(BimatrixGame([[3]], [[4]]), path)
    assert list(tmp_path.iterdir()) == [path]
    assert read(path).A.tolist() == [[1]]
    write(BimatrixGame([[3]], [[4]]), path)
    assert read(path).A.tolist() == [[3]]


@pytest.mark.parametrize("write", [write_nfg, write_json])
def test_a_folder_is_not_overwritten(tmp_path, write):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(BimatrixGame([[1]], [[2]]), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
