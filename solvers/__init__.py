"""Solvers that claim; `verification` certifies. Families are subpackages, imported by name."""

from solvers.core import Game, InvalidGame, NotSolved, Solution, Status

__all__ = ["Game", "InvalidGame", "NotSolved", "Solution", "Status"]
