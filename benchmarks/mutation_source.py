"""Python source made ready for mutmut, which leaves alone whatever has a decorator; and what a mutant changed."""

from __future__ import annotations

import ast
import difflib

CALLED_AFTERWARDS = frozenset({"property", "cached_property", "cache", "lru_cache"})


def undecorated(source: str) -> str:
    """The same module with `f = property(f)` after a function instead of `@property` before it.

    Only decorators that may be called later are moved, those of `CALLED_AFTERWARDS`, and only where they stand alone.
    """
    lines = source.splitlines()
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and _moves(node)]
    for node in sorted(found, key=lambda node: node.lineno, reverse=True):
        decorator = node.decorator_list[0]
        call = f"{node.name} = {ast.unparse(decorator)}({node.name})"
        lines.insert(node.end_lineno or 0, " " * node.col_offset + call)
        del lines[decorator.lineno - 1 : decorator.end_lineno]
    return "\n".join(lines) + "\n"


def _moves(node: ast.FunctionDef) -> bool:
    if len(node.decorator_list) != 1:
        return False
    decorator = node.decorator_list[0]
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in CALLED_AFTERWARDS


def functions(source: str) -> dict[str, str]:
    """The source of every function and method of a module, by its own name."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    lines = source.splitlines()
    return {node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes}


def changes(before: str, after: str) -> tuple[str, ...]:
    """The lines that differ between two functions, without their first lines, each marked by `-` or `+`."""
    first, second = (text.split("\n")[1:] for text in (before, after))
    shown = difflib.unified_diff(first, second, lineterm="", n=0)
    return tuple(line[0] + " " + line[1:].strip() for line in shown if line[:2] not in ("--", "++", "@@"))
