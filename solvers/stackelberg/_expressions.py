"""Text to SymPy through a whitelist of Python's syntax tree; nothing of the text is ever evaluated."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

import sympy as sp

from solvers._messages import quoted, refuse, suggestion
from solvers.core import InvalidGame
from solvers.stackelberg._aggregates import Aggregate, Greatest, Least, Mean, Total

LENGTH = 10_000  # characters of one expression
NODES = 1_000  # nodes of its syntax tree
DEPTH = 100  # levels of its syntax tree; SymPy itself recurses
DIGITS = 100  # characters of one number
ARGUMENTS = 8  # of min and max, which SymPy compares pairwise
EXPONENT = 100  # largest constant power
DENOMINATOR = 10**6  # of a constant power; SymPy looks for polynomials of that degree
MAGNITUDE = 10**300  # of a constant, so that float64 holds it
BITS = 4_096  # of a constant's exact numerator and denominator

ELEMENTWISE: Mapping[str, Callable[..., sp.Expr]] = {"log": sp.log, "exp": sp.exp, "sqrt": sp.sqrt}
CHOICES: Mapping[str, Callable[..., sp.Expr]] = {"min": sp.Min, "max": sp.Max}
AGGREGATES: Mapping[str, type[Aggregate]] = {"sum": Total, "mean": Mean, "min": Least, "max": Greatest}
FUNCTIONS = frozenset({*ELEMENTWISE, *CHOICES, *AGGREGATES})

_FOREIGN = re.compile(r"[^A-Za-z0-9_.+\-*/()<>=, ]")
_NUMBER = re.compile(r"(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?")
_ALLOWED = "write numbers, names, + - * / **, log, exp, sqrt, min, max, sum, mean"


def parse(text: str, symbols: Mapping[str, sp.Expr], *, where: str, aggregates: bool = False) -> sp.Expr:
    """The expression that `text` writes in the names of `symbols`, with decimals kept exact.

    Parameters
    ----------
    text
        Arithmetic on numbers and names, `log`, `exp`, `sqrt`, and `min` and `max` of two or more arguments.
    symbols
        What each name stands for; no name has a meaning of its own, so `I`, `S` and `pi` are free to use.
    where
        Where the text stands, for error messages.
    aggregates
        Whether `sum`, `mean`, `min`, `max` of one argument, optionally `by=column`, reduce over followers.

    Raises
    ------
    InvalidGame
        If the text is anything else, refers to an unknown name, or is longer, deeper or larger than the limits.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> parse("0.1*x + min(x, 2)", {"x": x}, where="utility")
    x/10 + Min(2, x)
    >>> parse("x/sum(x)", {"x": x}, where="share", aggregates=True)
    x/Total(x)
    >>> parse("x.real", {"x": x}, where="utility")
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: utility: attribute access is not allowed in an expression, got `x.real`
    """
    line = _one_line(text, where)
    return _guarded(_Reader(line, symbols, where, aggregates), _tree(line, where))


def parse_constraint(text: str, symbols: Mapping[str, sp.Expr], *, where: str) -> tuple[sp.Expr, sp.Expr]:
    """The two sides `(left, right)` of `left <= right`; the sides of `>=` come back swapped.

    Raises
    ------
    InvalidGame
        If the text is not one comparison by `<=` or `>=`, or a side is not an expression `parse` accepts.

    Examples
    --------
    >>> x, y = sp.symbols("x y", real=True)
    >>> parse_constraint("x >= 2*y", {"x": x, "y": y}, where="floor")
    (2*y, x)
    """
    line = _one_line(text, where)
    tree = _tree(line, where)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        refuse(where, "a constraint must be one comparison, left <= right or left >= right", line)
    reader = _Reader(line, symbols, where, aggregates=False)
    left, right = _guarded(reader, tree.left), _guarded(reader, tree.comparators[0])
    if not isinstance(tree.ops[0], ast.LtE | ast.GtE):
        refuse(where, "a constraint must compare by <= or >=", line)
    return (left, right) if isinstance(tree.ops[0], ast.LtE) else (right, left)


def _one_line(text: object, where: str) -> str:
    if not isinstance(text, str):
        refuse(where, "an expression must be text", text)
    if len(text) > LENGTH:
        raise InvalidGame(f"{where}: an expression must have at most {LENGTH:,} characters, got {len(text):,}")
    line = re.sub(r"[ \t\r\n]+", " ", text).strip(" ")
    if not line:
        raise InvalidGame(f"{where}: an expression must not be empty")
    if foreign := _FOREIGN.search(line):
        refuse(where, f"{_ALLOWED}, not the character {quoted(foreign.group())}", line)
    return line


def _tree(line: str, where: str) -> ast.expr:
    _check_parentheses(line, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as "1if x": a second line on stderr otherwise
            tree = ast.parse(line, mode="eval").body
    except SyntaxError:
        refuse(where, "this is not an expression", line)
    except (RecursionError, MemoryError, ValueError):
        refuse(where, f"an expression must nest at most {DEPTH} levels deep", line)
    _check_size(tree, line, where)
    return tree


def _check_parentheses(line: str, where: str) -> None:
    """Refuses deep nesting before the parser sees it, since the syntax tree no longer shows parentheses."""
    depth = 0
    for character in line:
        depth += (character == "(") - (character == ")")
        if depth > DEPTH:
            refuse(where, f"an expression must nest at most {DEPTH} levels deep", line)


def _check_size(tree: ast.expr, line: str, where: str) -> None:
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > DEPTH:
            refuse(where, f"an expression must nest at most {DEPTH} levels deep", line)
        if count > NODES:
            refuse(where, f"an expression must have at most {NODES:,} parts", line)
        pending.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _guarded(reader: _Reader, tree: ast.expr) -> sp.Expr:
    try:
        value = reader.read(tree)
    except RecursionError:
        refuse(reader.where, "an expression must nest less deeply", reader.line)
    except InvalidGame:
        raise
    except ValueError:  # what SymPy says of min and max where an argument, such as log(-1 - x**2), is never real
        refuse(reader.where, "min and max must have real arguments", reader.line)
    if value.has(sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
        refuse(reader.where, "an expression must have a finite real value", reader.line)
    return value


@dataclass(frozen=True)
class _Reader:
    """Translates one syntax tree, node by node."""

    line: str
    symbols: Mapping[str, sp.Expr]
    where: str
    aggregates: bool

    def read(self, node: ast.expr) -> sp.Expr:
        """The SymPy expression of `node`; every constant on the way is checked before it is used."""
        match node:
            case ast.Constant():
                value = self._number(node)
            case ast.Name():
                value = self._symbol(node)
            case ast.UnaryOp(op=ast.USub()):
                value = -self.read(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                value = self.read(node.operand)
            case ast.BinOp():
                value = self._arithmetic(node)
            case ast.Call():
                value = self._call(node)
            case _:
                self._refuse(f"{_KINDS.get(type(node), 'this')} is not allowed in an expression", node)
        return self._settled(value, node)

    def _refuse(self, rule: str, node: ast.AST) -> NoReturn:
        refuse(self.where, rule, ast.get_source_segment(self.line, node) or self.line)

    def _number(self, node: ast.Constant) -> sp.Expr:
        text = self.line[node.col_offset : node.end_col_offset]
        if not _NUMBER.fullmatch(text):
            self._refuse("a number must be written in decimal digits", node)
        if len(text) > DIGITS:
            self._refuse(f"a number must have at most {DIGITS} characters", node)
        if not re.search("[1-9]", re.split("[eE]", text)[0]):
            return sp.Integer(0)  # of any exponent
        if not 1e-300 <= float(text) <= 1e300:
            self._refuse("a number must be 0 or between 1e-300 and 1e300", node)
        return sp.Rational(Fraction(text))

    def _symbol(self, node: ast.Name) -> sp.Expr:
        if node.id in self.symbols:
            return self.symbols[node.id]
        if node.id in FUNCTIONS:
            self._refuse("a function must be called with arguments in parentheses", node)
        hint = suggestion(node.id, self.symbols)
        raise InvalidGame(f"{self.where}: {quoted(node.id)} is not defined; {hint}")

    def _arithmetic(self, node: ast.BinOp) -> sp.Expr:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Div):
            return self._quotient(left, right, node)
        if isinstance(node.op, ast.Pow):
            return self._power(left, right, node)
        if type(node.op) not in _OPERATORS:
            self._refuse("the operators are + - * / **", node)
        return _OPERATORS[type(node.op)](left, right)

    def _quotient(self, left: sp.Expr, right: sp.Expr, node: ast.BinOp) -> sp.Expr:
        if right.is_zero:
            self._refuse("a divisor must not be zero", node)
        return left / right

    def _power(self, base: sp.Expr, exponent: sp.Expr, node: ast.BinOp) -> sp.Expr:
        if exponent.is_number:
            self._check_exponent(exponent, node)
        return base**exponent

    def _check_exponent(self, exponent: sp.Expr, node: ast.expr) -> None:
        if abs(exponent) > EXPONENT or exponent.q > DENOMINATOR:
            rule = f"a constant exponent must be between -{EXPONENT} and {EXPONENT} and have at most six decimals"
            self._refuse(rule, node)

    def _call(self, node: ast.Call) -> sp.Expr:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None:
            self._refuse("only a function's own name can be called", node)
        if name not in FUNCTIONS:
            raise InvalidGame(f"{self.where}: {quoted(name)} is not a function; {suggestion(name, FUNCTIONS)}")
        if name in AGGREGATES and (name not in CHOICES or len(node.args) == 1):
            return self._aggregate(name, node)
        return self._function(name, node)

    def _function(self, name: str, node: ast.Call) -> sp.Expr:
        least, most = (2, ARGUMENTS) if name in CHOICES else (1, 1)
        if node.keywords or not least <= len(node.args) <= most:
            count = f"{least} to {most} arguments" if name in CHOICES else "one argument"
            self._refuse(f"{name} must have {count} and no options", node)
        function = CHOICES[name] if name in CHOICES else ELEMENTWISE[name]
        return function(*map(self.read, node.args))

    def _aggregate(self, name: str, node: ast.Call) -> sp.Expr:
        if not self.aggregates:
            self._refuse(f"{name} over followers must stand in [derived]", node)
        groups = [word.value for word in node.keywords]
        by = [word.arg for word in node.keywords] in ([], ["by"]) and all(isinstance(g, ast.Name) for g in groups)
        if len(node.args) != 1 or not by:
            self._refuse(f"{name} over followers must have one argument and optionally by=column", node)
        return AGGREGATES[name](*map(self.read, [*node.args, *groups]))

    def _settled(self, value: sp.Expr, node: ast.expr) -> sp.Expr:
        """`value` with its constants checked; an irrational one becomes the rational that float64 makes of it."""
        for power in value.atoms(sp.Pow):  # SymPy merges: (x**60)**60 is x**3600 by now
            if power.exp.is_Rational:
                self._check_exponent(power.exp, node)
        if not value.is_number:
            return value
        settled = value if value.is_Rational else _nearest(value)
        if settled is None or not _moderate(settled):
            self._refuse("a constant must be a finite real number below 1e300", node)
        return settled


def _nearest(value: sp.Expr) -> sp.Expr | None:
    """The float64 nearest to a constant, as a rational, or None if it is not finite and real."""
    approximate = value.evalf(20)
    if not (approximate.is_real and approximate.is_finite and abs(approximate) <= MAGNITUDE):
        return None
    return sp.Rational(float(approximate))


def _moderate(value: sp.Expr) -> bool:
    return max(value.p.bit_length(), value.q.bit_length()) <= BITS and bool(abs(value.p) <= MAGNITUDE * value.q)


_OPERATORS: Mapping[type[ast.operator], Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_KINDS: Mapping[type[ast.AST], str] = {
    ast.Attribute: "attribute access",
    ast.Compare: "a comparison",
    ast.BoolOp: "and/or",
    ast.IfExp: "if/else",
    ast.Tuple: "a list of expressions",
    ast.Starred: "unpacking",
    ast.Await: "await",
    ast.GeneratorExp: "a loop",
}
