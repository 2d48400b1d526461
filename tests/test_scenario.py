"""Scenario files: what is read, and the one line that each kind of bad input ends in."""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scenario_data
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame
from solvers.stackelberg import _table
from solvers.stackelberg._aggregates import Greatest, Least, Mean, Total
from solvers.stackelberg._expressions import FUNCTIONS, parse, parse_constraint
from solvers.stackelberg._scenario import FOLDER, bundled, load
from solvers.stackelberg._table import read_followers

NAMES = ("x", "y", "I", "S", "E", "N", "pi", "delta")
SYMBOLS = {name: sp.Symbol(name, real=True) for name in NAMES}
X, Y = SYMBOLS["x"], SYMBOLS["y"]


def refusal(call: Callable[[], object]) -> str:
    """The message of the refusal that `call` ends in, which must be one printable line."""
    with pytest.raises(InvalidGame) as caught:
        call()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


def attempt(call: Callable[[], Any]) -> tuple[Any, str]:
    """What `call` returns and no message, or None and the message of its refusal; anything else it raises."""
    try:
        return call(), ""
    except InvalidGame as problem:
        return None, str(problem)


# --- expressions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1*x", X / 10),
        ("1e-27", sp.Rational(1, 10**27)),
        (".5 + 2. + 1_000", sp.Rational(2005, 2)),
        ("0e999999999", sp.Integer(0)),
        ("-x**2 + +y", Y - X**2),
        ("I*S + E - N/pi", SYMBOLS["I"] * SYMBOLS["S"] + SYMBOLS["E"] - SYMBOLS["N"] / SYMBOLS["pi"]),
        ("log(x) * exp(y) / sqrt(delta)", sp.log(X) * sp.exp(Y) / sp.sqrt(SYMBOLS["delta"])),
        ("min(x, y, 1) - max(x, y)", sp.Min(X, Y, 1) - sp.Max(X, Y)),
        ("x\n\t+ y", X + Y),
        ("2**x", 2**X),
        ("x**0.5", sp.sqrt(X)),
        ("4**0.5", sp.Integer(2)),
        ("log(2)*x", sp.Rational(math.log(2)) * X),
    ],
)
def test_reads(text: str, expected: sp.Expr) -> None:
    assert parse(text, SYMBOLS, where="utility") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x/sum(x)", X / Total(X)),
        ("mean(x, by=y)", Mean(X, Y)),
        ("min(x) + max(x, by=y)", Least(X) + Greatest(X, Y)),
        ("min(x, y)", sp.Min(X, Y)),
        ("sum(x/mean(x))", Total(X / Mean(X))),
    ],
)
def test_reads_aggregates(text: str, expected: sp.Expr) -> None:
    assert parse(text, SYMBOLS, where="[derived] s", aggregates=True) == expected


DEEP = "an expression must nest at most 100 levels deep"
CONSTANT = "a constant must be a finite real number below 1e300"
NUMBER = "a number must be 0 or between 1e-300 and 1e300"
EXPONENT = "a constant exponent must be between -100 and 100"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "an expression must not be empty"),
        (" \n ", "an expression must not be empty"),
        ("__import__('os').system('true')", "not the character `'`"),
        ("__import__", "`__import__` is not defined"),
        ("__import__(x)", "`__import__` is not a function"),
        ("x.real", "attribute access is not allowed in an expression, got `x.real`"),
        ("x.__class__.__mro__", "attribute access is not allowed"),
        ("exp.real(x)", "only a function's own name can be called"),
        ("lambda: x", "not the character `:`"),
        ("x[0]", "not the character `[`"),
        ("f'{x}'", "not the character `'`"),
        ("x; y", "not the character `;`"),
        ("x\x00y", r"not the character `\x00`"),
        ("\x1b[31mx", r"not the character `\x1b`"),
        ("η", "not the character `η`"),
        ("x if y else 1", "if/else is not allowed"),
        ("x and y", "and/or is not allowed"),
        ("not x", "not allowed in an expression"),
        ("x <= y", "a comparison is not allowed"),
        ("x, y", "a list of expressions is not allowed"),
        ("exp(*x)", "unpacking is not allowed"),
        ("exp(x for x in y)", "a loop is not allowed"),
        ("await x", "await is not allowed"),
        ("x // y", "the operators are + - * / **"),
        ("x y", "this is not an expression"),
        ("(x", "this is not an expression"),
        ("1if x else y", "this is not an expression"),
        ("True", "a number must be written in decimal digits, got `True`"),
        ("None", "a number must be written in decimal digits"),
        ("...", "a number must be written in decimal digits"),
        ("1j", "a number must be written in decimal digits"),
        ("0x10", "a number must be written in decimal digits"),
        ("1e400", NUMBER),
        ("1e-400", NUMBER),
        ("1e-999999999", NUMBER),
        ("1" * 101, "a number must have at most 100 characters"),
        ("9" * 5_000, "this is not an expression"),
        ("10**10**10", EXPONENT),
        ("2**(50*50)", EXPONENT),
        ("x**-101", EXPONENT),
        ("(x**60)**60", EXPONENT),
        ("((1 + 1e-300)**100)**100", CONSTANT),
        ("1e300*1e300", CONSTANT),
        ("exp(1000)", CONSTANT),
        ("exp(exp(exp(10)))", CONSTANT),
        ("log(0)", CONSTANT),
        ("sqrt(-1)", CONSTANT),
        ("(-8)**(1/3)", CONSTANT),
        ("sqrt(-x**2)", "an expression must have a finite real value"),
        ("1/(0**x)", "an expression must have a finite real value"),
        ("max(x, log(-1 - x**2))", "min and max must have real arguments"),
        ("0**((2**1e-300)*x - x)", EXPONENT),
        ("exp(1e300*log(x))", EXPONENT),
        ("x**0.1234567", "have at most six decimals, got `x**0.1234567`"),
        ("1/0", "a divisor must not be zero"),
        ("x/(y - y)", "a divisor must not be zero"),
        ("detla", "`detla` is not defined; did you mean `delta`?"),
        ("foo", "`foo` is not defined; known: E, I, N, S, delta, pi, x, y"),
        ("zeta + \u200b", r"not the character `\u200b`"),
        ("log", "a function must be called with arguments in parentheses"),
        ("log()", "log must have one argument"),
        ("log(x, 2)", "log must have one argument"),
        ("log(x=1)", "log must have one argument"),
        ("max(x, y, by=x)", "max must have 2 to 8 arguments"),
        ("max(" + "x," * 9 + "y)", "max must have 2 to 8 arguments"),
        ("ln(x)", "`ln` is not a function; known: exp, log, max, mean, min, sqrt, sum"),
        ("exq(x)", "`exq` is not a function; did you mean `exp`?"),
        ("x(1)", "`x` is not a function"),
        ("sum(x)", "sum over followers must stand in [derived]"),
        ("max(x)", "max over followers must stand in [derived]"),
        ("(" * 10_000, DEEP),
        ("(" * 4_900 + "x" + ")" * 4_900, DEEP),
        ("-" * 9_000 + "x", DEEP),
        ("x" + "+x" * 4_000, DEEP),
        ("exp(" * 101 + "x" + ")" * 101, DEEP),
        ("+".join(["(" + "+".join("x" * 60) + ")"] * 60), "an expression must have at most 1,000 parts"),
        ("x" * 1_000_000, "an expression must have at most 10,000 characters, got 1,000,000"),
    ],
)
def test_refuses(text: str, rule: str) -> None:
    message = refusal(lambda: parse(text, SYMBOLS, where="[follower] utility"))
    assert message.startswith("[follower] utility: ")
    assert rule in message


@pytest.mark.parametrize("text", ["sum(x, by=1)", "sum(x, of=y)", "mean(x, y)", "sum()", "sum(x, by=y, by2=y)"])
def test_refuses_wrong_aggregates(text: str) -> None:
    message = refusal(lambda: parse(text, SYMBOLS, where="[derived] s", aggregates=True))
    assert "over followers must have one argument and optionally by=column" in message


def test_refuses_an_unknown_group_and_text_that_is_none() -> None:
    unknown = refusal(lambda: parse("sum(x, by=zone)", SYMBOLS, where="[derived] s", aggregates=True))
    assert unknown == "[derived] s: `zone` is not defined; known: E, I, N, S, delta, pi, x, y"
    number: Any = 3
    assert refusal(lambda: parse(number, SYMBOLS, where="w")) == "w: an expression must be text, got 3"


@pytest.mark.parametrize(("text", "expected"), [("x <= y + 1", (X, Y + 1)), ("x >= 2*y", (2 * Y, X))])
def test_reads_constraints(text: str, expected: tuple[sp.Expr, sp.Expr]) -> None:
    assert parse_constraint(text, SYMBOLS, where="cap") == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x < y", "a constraint must compare by <= or >=, got `x < y`"),
        ("x > y", "a constraint must compare by <= or >="),
        ("x == y", "a constraint must compare by <= or >="),
        ("x in y", "a constraint must compare by <= or >="),
        ("x", "a constraint must be one comparison, left <= right or left >= right, got `x`"),
        ("x <= y <= 1", "a constraint must be one comparison"),
        ("x <= y and y <= x", "a constraint must be one comparison"),
        ("x <= sum(y)", "sum over followers must stand in [derived]"),
        ("x <= detla", "`detla` is not defined"),
        ("x <=", "this is not an expression"),
    ],
)
def test_refuses_constraints(text: str, rule: str) -> None:
    assert rule in refusal(lambda: parse_constraint(text, SYMBOLS, where="[follower.constraints] cap"))


TOKENS = [*NAMES, *FUNCTIONS, *"+-*/(),.=<>[]{}:;'\"\\@%~ ", "**", "<=", "0", "1", "2.5", "1e300", "1e-300", "9" * 40]
TOKENS += ["by=", "lambda", "__import__", "if", "else", "not", "10**10", "\n", "\0", "é", "1j", "sum(x)", "x**99"]


@settings(deadline=5_000)
@given(text=st.one_of(st.text(max_size=200), st.lists(st.sampled_from(TOKENS), max_size=25).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse, parse_constraint):
        result, message = attempt(lambda read=read: read(text, SYMBOLS, where="utility"))
        assert (result is None) == bool(message)
        assert message.isprintable()


ARRAYS = {"x": np.array([0.3, 1.7, 4.0]), "y": np.array([2.0, 0.9, 0.25])}
LEAVES = st.one_of(
    st.sampled_from([("x", ARRAYS["x"]), ("y", ARRAYS["y"])]),
    st.integers(1, 1_000).map(lambda k: (f"{k / 100}", np.full(3, k / 100))),
)
BINARY = {"{} + {}": np.add, "({}) * ({})": np.multiply, "({}) / ({})": np.divide, "({}) - ({})": np.subtract}
BINARY |= {"min({}, {})": np.minimum, "max({}, {})": np.maximum}
UNARY = {"sqrt(1 + ({})**2)": lambda v: np.sqrt(1 + v**2), "log(2 + ({})**2)": lambda v: np.log(2 + v**2)}
UNARY |= {"exp(-sqrt(({})**2))": lambda v: np.exp(-np.abs(v)), "-({})": np.negative}


def _larger(inner: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    one = st.tuples(st.sampled_from(sorted(UNARY)), inner)
    two = st.tuples(st.sampled_from(sorted(BINARY)), inner, inner)
    return one.map(lambda t: (t[0].format(t[1][0]), UNARY[t[0]](t[1][1]))) | two.map(
        lambda t: (t[0].format(t[1][0], t[2][0]), BINARY[t[0]](t[1][1], t[2][1]))
    )


@settings(deadline=5_000)
@given(case=st.recursive(LEAVES, _larger, max_leaves=8))
def test_reads_what_numpy_computes(case: tuple[str, Any]) -> None:
    text, expected = case
    if not np.all(np.isfinite(expected)) or np.max(np.abs(expected)) > 1e9:
        return
    expression, message = attempt(lambda: parse(text, SYMBOLS, where="utility"))
    if message:
        assert "a divisor must not be zero" in message  # an exact zero that rounding hid from NumPy
        return
    points = zip(ARRAYS["x"], ARRAYS["y"], strict=True)
    values = [float(expression.xreplace({X: sp.Float(a, 40), Y: sp.Float(b, 40)})) for a, b in points]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["arrow", "plain"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to read text: with pyarrow, and without."""
    if request.param == "plain":
        monkeypatch.setattr(_table.importlib.util, "find_spec", lambda _name: None)
    else:
        pytest.importorskip("pyarrow")
    return str(request.param)


def written(folder: Path, content: str | bytes, name: str = "followers.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "name,D,S\na,1,2\nb,3.5,-4e2\n",
        "\ufeffname,D,S\r\na,1,2\r\nb,3.5,-4e2",
        '"name","D","S"\n"a","1",2\nb, 3.5 ,-4e2\n\n',
        "\n\nname, D, S\n\na,+1,2\n\nb,3.5,-400\n",
    ],
)
@pytest.mark.usefixtures("reader")
def test_reads_a_table(tmp_path: Path, content: str) -> None:
    names, columns = read_followers(written(tmp_path, content))
    assert names == ("a", "b")
    assert {name: column.tolist() for name, column in columns.items()} == {"D": [1, 3.5], "S": [2, -400]}
    assert not columns["D"].flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "followers.csv: the first column must be `name`, got ``"),
        ("\n\n", "followers.csv: the first column must be `name`, got ``"),
        ("D,S\n1,2\n", "followers.csv: the first column must be `name`, got `D`"),
        ("D,name\n1,a\n", "followers.csv: the first column must be `name`, got `D`"),
        ("name\na\n", "followers.csv: there must be at least one numeric column after `name`, got none"),
        ("name,D\n", "followers.csv: there must be at least one follower, got none"),
        ("name,D,D\na,1,2\n", "followers.csv: each column must appear once, got `D`"),
        ("name,D\na,1\nb,many\n", "followers.csv row 2 (b): D must be a number, got `many`"),
        ("name,D\na,1\nb,\n", "followers.csv row 2 (b): D must be a number, got ``"),
        ("name,D\na,NA\n", "followers.csv row 1 (a): D must be a number, got `NA`"),
        ("name,D\na,1\nb,nan\n", "followers.csv row 2 (b): D must be a finite number, got nan"),
        ("name,D\na,-inf\n", "followers.csv row 1 (a): D must be a finite number, got -inf"),
        ("name,D\na,1e999\n", "followers.csv row 1 (a): D must be a finite number, got inf"),
        ("name,D\na,1\nb,2\na,3\n", "followers.csv row 3: each name must appear once, row 1 has it too, got `a`"),
        ("name,D\n,1\n", "followers.csv row 1: a name must be 1 to 200 printable characters, got ``"),
        ("name,D\n\x1b[31m,1\n", r"followers.csv row 1: a name must be 1 to 200 printable characters, got `\x1b[31m`"),
        ('name,D\n"a\nb",1\n', r"followers.csv row 1: a name must be 1 to 200 printable characters, got `a\nb`"),
        ("name,D\na,1\nb,2,3\n", "followers.csv row 2 (b): there must be 2 cells, as in the header, got 3"),
        ("name,D\na\n", "followers.csv row 1 (a): there must be 2 cells, as in the header, got 1"),
        (b"name,D\na,1\n\xff,2\n", "followers.csv: the file must be UTF-8 text, it is not near line 1"),
        (b"name,D\na,1\0\n", "followers.csv: the file must be text, got a NUL byte near line 1"),
        (
            "name,D\n" + "a" * 1_000_001 + ",1\n",
            "followers.csv line 2: a line must have at most 1,000,000 bytes, got more",
        ),
        ("name,D\n" + "a" * 200_000 + ",x\n", "followers.csv: the file must be comma-separated text, got field larger"),
    ],
)
@pytest.mark.usefixtures("reader")
def test_refuses_a_table(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(lambda: read_followers(written(tmp_path, content))).startswith(message)


def test_refuses_a_missing_table(tmp_path: Path) -> None:
    for path in (tmp_path / "nobody.csv", tmp_path, tmp_path / ("x" * 5_000), Path("a\0b")):
        assert "there must be a readable table of followers, found none" in refusal(lambda p=path: read_followers(p))


@pytest.mark.parametrize("fill", ["zeros", "letters"])
def test_refuses_a_line_of_two_gigabytes_at_once(tmp_path: Path, fill: str) -> None:
    path = written(tmp_path, "name,D\n" + "a" * (2_500_000 if fill == "letters" else 0))
    os.truncate(path, 2 * 10**9)  # sparse: takes no room on disk
    tracemalloc.start()
    message = refusal(lambda: read_followers(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ("at most 1,000,000 bytes" if fill == "letters" else "NUL byte") in message
    assert peak < 2e7


@settings(deadline=2_000)
@given(
    content=st.binary(max_size=80) | st.text("name,D\r\n\"1e.-' ", max_size=60).map(lambda s: f"name,D\n{s}".encode())
)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.getbasetemp(), content)
    followers, message = attempt(lambda: read_followers(path))
    assert message.isprintable()
    if not message:
        assert all(np.all(np.isfinite(c)) and c.shape == (len(followers.names),) for c in followers.columns.values())


@given(
    rows=st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**9), 10**9)), min_size=1)
)
def test_both_readers_agree_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    pytest.importorskip("pyarrow")
    text = "name,a,b\n" + "".join(f"u{k},{a!r},{b}\n" for k, (a, b) in enumerate(rows))
    path = written(tmp_path_factory.getbasetemp(), text)
    with pytest.MonkeyPatch.context() as patch:
        fast = read_followers(path)
        patch.setattr(_table.importlib.util, "find_spec", lambda _name: None)
        plain = read_followers(path)
    assert fast.names == plain.names
    assert [c.tolist() for c in fast.columns.values()] == [c.tolist() for c in plain.columns.values()]


@pytest.mark.usefixtures("reader")
def test_reports_progress_in_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, "name,D\n" + "".join(f"u{k},{k}\n" for k in range(5_000)))
    seen: list[tuple[int, int]] = []
    followers = read_followers(path, progress=lambda done, total: seen.append((done, total)))
    assert followers.columns["D"].tolist() == list(range(5_000))
    assert seen == sorted(seen)
    assert seen[-1] == (path.stat().st_size,) * 2


def parquet(folder: Path, columns: dict[str, Any]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(columns), folder / "followers.parquet")
    return folder / "followers.parquet"


def test_reads_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"name": ["a", "b"], "D": [1, 2], "S": [0.5, -1.0]})
    names, columns = read_followers(path, progress=lambda done, total: None)
    assert names == ("a", "b")
    assert {name: column.tolist() for name, column in columns.items()} == {"D": [1, 2], "S": [0.5, -1]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a"], "D": ["1"]}, "followers.parquet: D must be numeric, got `string`"),
        ({"name": ["a"], "D": [True]}, "followers.parquet: D must be numeric, got `bool`"),
        ({"name": [1], "D": [1]}, "followers.parquet: the column `name` must be text, got `int64`"),
        ({"name": ["a", "b"], "D": [1, None]}, "followers.parquet row 2: D must not be empty, got null"),
        ({"name": ["a", "b"], "D": [1.0, np.nan]}, "followers.parquet row 2 (b): D must be a finite number, got nan"),
        ({"D": [1]}, "followers.parquet: the first column must be `name`, got `D`"),
        ({"name": ["a", "a"], "D": [1, 2]}, "followers.parquet row 2: each name must appear once, row 1 has it too"),
    ],
)
def test_refuses_parquet(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    assert refusal(lambda: read_followers(parquet(tmp_path, columns))).startswith(message)


def test_refuses_what_is_no_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = written(tmp_path, "name,D\na,1\n", "followers.parquet")
    assert refusal(lambda: read_followers(path)).startswith("followers.parquet: the file must be a Parquet table, got ")


def test_names_the_extra_that_parquet_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "", "followers.parquet")
    monkeypatch.setattr(_table.importlib.util, "find_spec", lambda _name: None)
    message = refusal(lambda: read_followers(path))
    assert message == "followers.parquet: a Parquet table needs pyarrow; install the extra `parquet`"


# --- scenarios --------------------------------------------------------------------------------------------------------

SCENARIO = """
title = "Selling to two"
[leader]
decision = "p"
bounds = [0.5, 4.0]
utility = "(p - cost)*x"
[follower]
decision = "x"
utility = "w*log(1 + x) - p*x*share/share"
[follower.constraints]
cap = "x <= cap"
none = "0 <= x"
[parameters]
cost = 0.25
[derived]
total = "sum(w)"
share = "w/total"
[domain]
w = "positive"
cost = "nonnegative"
[followers]
table = "followers.csv"
"""
TABLE = "name,w,cap,unused\nana,2,3,0\nben,4,3,0\n"


def scenario(folder: Path, *changes: tuple[str, str], table: str = TABLE) -> Path:
    content = SCENARIO
    for old, new in changes:
        assert old in content
        content = content.replace(old, new)
    written(folder, table)
    return written(folder, content, "game.toml")


def test_loads_a_game(tmp_path: Path) -> None:
    game = load(scenario(tmp_path))
    assert (game.title, game.bounds, tuple(game.names)) == ("Selling to two", (0.5, 4.0), ("ana", "ben"))
    assert game.parameters == {"cost": 0.25}
    assert game.best_response(1.0).tolist() == [1.0, 3.0]
    assert game.leader_utility(1.0) == pytest.approx(3.0)


def test_overrides_a_parameter_and_the_table(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    other = written(tmp_path, "name,w,cap\ncem,3,5\n", "other.csv")
    game = load(str(path), followers=other, parameters={"cost": 0.5})
    assert (tuple(game.names), game.parameters, game.participation) == (("cem",), {"cost": 0.5}, True)
    assert game.leader_utility(1.0) == pytest.approx(1.0)
    assert not load(scenario(tmp_path, ('"x"\n', '"x"\nparticipation = false\n'))).participation


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "game.toml: `titel` is not a known key; did you mean `title`?"),
        ('title = "Selling to two"', "title = 3", "title: the value must be text, got 3"),
        ("[leader]", "[boss]", "game.toml: `boss` is not a known key; known: derived, domain, follower"),
        ('[leader]\ndecision = "p"', "leader = 3\n[parameters]\ndecision = 1", "game.toml: the file must be TOML"),
        ("bounds =", "bound =", "[leader]: `bound` is not a known key; did you mean `bounds`?"),
        ("bounds = [0.5, 4.0]", "", "game.toml: [leader] must have the key `bounds`, it is missing"),
        ("[0.5, 4.0]", "[4.0, 0.5]", "[leader] bounds: low must be below high, got [4, 0.5]"),
        ("[0.5, 4.0]", "[1, 1]", "[leader] bounds: low must be below high, got [1, 1]"),
        ("[0.5, 4.0]", "[0.5]", "[leader] bounds: the value must be two numbers [low, high], got an array of 1"),
        ("[0.5, 4.0]", "[0.5, nan]", "[leader] bounds: the value must be a finite number, got nan"),
        ("[0.5, 4.0]", "[0.5, inf]", "[leader] bounds: the value must be a finite number, got inf"),
        ("[0.5, 4.0]", '["0", 1]', "[leader] bounds: the value must be a finite number, got `0`"),
        ("[0.5, 4.0]", "[true, 2]", "[leader] bounds: the value must be a finite number, got True"),
        ("[0.5, 4.0]", "7", "[leader] bounds: the value must be two numbers [low, high], got 7"),
        ('"(p - cost)*x"', "5", "[leader] utility: the value must be text, got 5"),
        ('"(p - cost)*x"', '""', "[leader] utility: the value must be text, got ``"),
        ('"(p - cost)*x"', '"(p - kost)*x"', "[leader] utility: `kost` is not defined; did you mean `cost`?"),
        ("x*share", "x*sum(w)", "[follower] utility: sum over followers must stand in [derived], got `sum(w)`"),
        ('"x <= cap"', '"x < cap"', "[follower.constraints] cap: a constraint must compare by <= or >="),
        ('cap = "x <= cap"', "cap = 3", "[follower.constraints] cap: an expression must be text, got 3"),
        (
            'cap = "x <= cap"',
            '"\\u001b" = "x <= cap"',
            "[follower.constraints]: a name must be 1 to 60 of A-Z a-z 0-9 _",
        ),
        ('"x"\n', '"x"\nparticipation = 1\n', "[follower] participation: the value must be true or false, got 1"),
        (
            'decision = "x"',
            'decision = "p"',
            "[follower] decision: each name must be defined once, [leader] decision has",
        ),
        (
            "cost = 0.25",
            "cost = 0.25\nw = 3",
            "followers.csv: each name must be defined once, [parameters] has `w` too",
        ),
        ("total =", "cap =", "followers.csv: each name must be defined once, [derived] has `cap` too"),
        ("cost = 0.25", "cost = 0.25\nlog = 3", "[parameters]: a name must not be one of the functions, got `log`"),
        (
            "cost = 0.25",
            "cost = 1\nlambda = 3",
            "[parameters]: a name must not be a word of Python's syntax, got `lambda`",
        ),
        ("cost = 0.25", "cost = 1\n_x = 3", "[parameters]: a name must be 1 to 60 of A-Z a-z 0-9 _"),
        ("cost = 0.25", 'cost = 1\n"a b" = 3', "[parameters]: a name must be 1 to 60 of A-Z a-z 0-9 _"),
        ("cost = 0.25", "cost = nan", "[parameters] cost: the value must be a finite number, got nan"),
        ("cost = 0.25", 'cost = "1"', "[parameters] cost: the value must be a finite number, got `1`"),
        ("cost = 0.25", "cost = " + "9" * 400, "[parameters] cost: the value must be a finite number, got 999"),
        ("cost = 0.25", "cost = " + "9" * 5_000, "game.toml: the file must be TOML, got "),
        ("cost = 0.25", "cost = -1", "[parameters]: cost must be nonnegative, got -1"),
        ('"sum(w)"', '"sum(w)*share"', "[derived] total: `share` must be defined above it, got `sum(w)*share`"),
        ('"w/total"', '"w/share"', "[derived] share: it must not refer to itself, got `w/share`"),
        ('"w/total"', '"w/total*p"', "[derived] share: a derived column must not depend on the decision `p`"),
        ('"w/total"', "3", "[derived] share: an expression must be text, got 3"),
        (
            'w = "positive"',
            'v = "positive"',
            "[domain]: `v` is neither a parameter nor a column; known: cap, cost, unused, w",
        ),
        ('w = "positive"', 'w = "big"', "[domain] w: the rule must be `positive` or `nonnegative`, got `big`"),
        ('w = "positive"', "w = [1]", "[domain] w: the rule must be `positive` or `nonnegative`, got an array of 1"),
        ('w = "positive"', 'unused = "positive"', "followers.csv row 1 (ana): unused must be positive, got 0"),
        ('table = "followers.csv"', "", "game.toml: [followers] must have the key `table`, it is missing"),
        ('"followers.csv"', '"nobody.csv"', "there must be a readable table of followers, found none"),
        ("[domain]", "[domain", "game.toml: the file must be TOML, got Expected"),
        ("cost = 0.25", "cost = " + "[" * 20_000, "game.toml: the file must be TOML, got "),
    ],
)
def test_refuses_a_scenario(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in refusal(lambda: load(scenario(tmp_path, (old, new))))


def test_refuses_sections_that_are_not_tables(tmp_path: Path) -> None:
    for name in ("leader", "follower", "followers", "parameters", "derived", "domain"):
        path = written(tmp_path, f"{name} = 3", "game.toml")
        message = refusal(lambda path=path: load(path))
        assert message in (
            f"[{name}]: there must be a table of keys and values, got 3",
            "game.toml: [followers] must have the key `table`, it is missing",
        )


def test_names_the_follower_whose_data_is_negative(tmp_path: Path) -> None:
    path = scenario(tmp_path, table="name,w,cap,unused\nana,2,3,0\nben,4,3,0\nu07,-5,3,0\n")
    assert refusal(lambda: load(path)) == "followers.csv row 3 (u07): w must be positive, got -5"


def test_refuses_an_unknown_parameter_or_a_bad_value(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    assert refusal(lambda: load(path, parameters={"w": 1.0})) == "`w` is not a parameter of game.toml; known: cost"
    message = refusal(lambda: load(path, parameters={"cost": float("inf")}))
    assert message == "[parameters] cost: the value must be a finite number, got inf"


def test_refuses_a_file_that_is_no_scenario(tmp_path: Path) -> None:
    assert refusal(lambda: load("gfmll")) == (
        "`gfmll` is neither a scenario file nor a bundled scenario; did you mean `gfml`?"
    )
    assert "neither a scenario file nor a bundled" in refusal(lambda: load("x" * 5_000))
    assert "neither a scenario file nor a bundled" in refusal(lambda: load("a\0b"))
    assert "neither a scenario file nor a bundled" in refusal(lambda: load(tmp_path))
    long = written(tmp_path, "#" * 100_001, "long.toml")
    assert refusal(lambda: load(long)) == "long.toml: a scenario must have at most 100,000 bytes, got 100,001"
    latin = written(tmp_path, b"title = '\xe9'", "latin.toml")
    assert refusal(lambda: load(latin)) == "latin.toml: the file must be UTF-8 text, it is not"


# --- the bundled scenarios --------------------------------------------------------------------------------------------


def test_bundles_the_scenarios() -> None:
    assert bundled() == ("cloud-pricing", "gfml", "gfml-interior", "log-literal", "two-peaks")


@pytest.mark.parametrize("name", sorted(scenario_data.tables()))
def test_bundled_tables_are_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == scenario_data.tables()[name]


@pytest.mark.parametrize(
    ("name", "followers"), [("gfml", 36), ("gfml-interior", 9), ("two-peaks", 3), ("cloud-pricing", 26)]
)
def test_nobody_in_a_bundled_scenario_is_infeasible(name: str, followers: int) -> None:
    game = load(name)
    assert (len(game.names), game.excluded) == (followers, ())


@pytest.mark.parametrize(
    ("name", "price", "utility"),
    [  # local maxima by brute force over a price grid with the followers' problems solved by hand
        ("two-peaks", 5.8148, 30.93178),
        ("two-peaks", 7.326, 78.47211),
        ("log-literal", 7.326, 60.41071),
        ("gfml", 13.1919, 715.39978),
        ("gfml", 5.0, -293.72358),
        ("gfml-interior", 9.72785, -4.59830),
        ("cloud-pricing", 0.11482, 58.16400),
        ("cloud-pricing", 0.27786, 66.95331),
        ("cloud-pricing", 0.74211, 63.26822),
    ],
)
def test_bundled_scenarios_have_the_local_maxima_of_brute_force(name: str, price: float, utility: float) -> None:
    game = load(name)
    assert game.leader_utility(price) == pytest.approx(utility, abs=1e-4)
    near = [game.leader_utility(p) for p in (price * 0.998, price * 1.002) if game.bounds[0] <= p <= game.bounds[1]]
    assert all(value < utility for value in near)
