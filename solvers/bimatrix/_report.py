"""Certified equilibria, as tables for people and as JSON for scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from solvers._documents import fraction_text, json_members, json_value
from solvers._messages import one_line
from solvers._tables import (
    Cell,
    Titled,
    certificate_json,
    certificate_sentence,
    number,
    show,
    show_title,
    titled,
)
from solvers.bimatrix._game import AnyProfile, BimatrixGame
from solvers.core import Array, Evidence, Solution, Status

SHOWN = 30  # equilibria in a table
COLUMNS = 8  # strategies with a column of their own; those of larger games are listed where they are used
USED = 12  # strategies listed in one cell
UNFOLDED = 10_000  # characters, more than any table needs
NAME = 24  # characters of a strategy's name
DIGITS = 16  # a fraction that takes more characters is shown as a float


@dataclass(frozen=True)
class Report:
    """What is said about one game: the profiles of a claim whose certificates hold, and the worst certificate."""

    file: str
    game: BimatrixGame
    claim: Solution[Any]
    certificates: tuple[Evidence, ...]
    seconds: float

    @cached_property
    def profiles(self) -> tuple[AnyProfile, ...]:
        """The equilibria: those claimed that are certified."""
        pairs = zip(self.claim.profiles, self.certificates, strict=True)
        return tuple(profile for profile, certificate in pairs if certificate.holds)

    @property
    def rejected(self) -> int:
        """How many of the claimed profiles are not equilibria."""
        return len(self.certificates) - len(self.profiles)

    @property
    def status(self) -> Status:
        """The claim's status, or that it failed its check."""
        return Status.FAILED if self.rejected else self.claim.status

    @property
    def stands(self) -> bool:
        """Whether there is an answer, and all of it is certified."""
        return self.status is Status.SOLVED and bool(self.profiles)

    @property
    def complete(self) -> bool:
        """Whether these are proved to be all equilibria."""
        return self.stands and self.claim.complete

    @property
    def problem(self) -> str:
        """Why the answer does not stand, in one sentence."""
        if self.rejected:
            return f"{self.claim.method}: {self.rejected} of {len(self.certificates)} profiles are not equilibria"
        reason = self.claim.stats.get("reason")
        return f"{self.claim.method}: {self.claim.status.value}" + (f" ({reason})" if reason else "")

    @cached_property
    def certificate(self) -> Evidence | None:
        """The certificate of the worst profile, if there is any."""
        return max(self.certificates, key=_badness, default=None)

    # --- JSON ------------------------------------------------------------------------------------------------------

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        before = {"status": self.status.name.lower(), "method": self.claim.method, "complete": self.complete}
        yield "{" + json_members(before) + ',\n"equilibria": ['
        for k, profile in enumerate(self.profiles):
            yield (",\n " if k else "\n ") + json.dumps(self._equilibrium(profile), allow_nan=False)
        evidence = None if self.certificate is None else certificate_json(self.certificate)
        yield "],\n" + json_members({"certificate": evidence, "stats": self._stats()}) + "}\n"

    def _equilibrium(self, profile: AnyProfile) -> dict[str, Any]:
        return {
            "row": [json_value(p) for p in profile.row],
            "column": [json_value(p) for p in profile.column],
            "payoffs": [json_value(value) for value in self.game.payoffs(profile)],
            "regret": json_value(np.max(self.game.regrets(profile))),
        }

    def _stats(self) -> dict[str, Any]:
        timed = {"seconds": "method_seconds"}  # those of the whole command are added below
        stats = {timed.get(name, name): json_value(value) for name, value in self.claim.stats.items()}
        if hasattr(self.claim, "edges"):  # of label paths: from, label, to, where k > 0 is the k-th equilibrium
            stats["edges"] = json_value(self.claim.edges)
        if hasattr(self.claim, "components"):  # of extreme equilibria, which are counted from 0
            stats["components"] = [self._members_of(component) for component in self.claim.components]
        return {**stats, "strategies": list(self.game.shape), "rejected": self.rejected, "seconds": self.seconds}

    def _members_of(self, component: Any) -> list[int]:
        """Which of the equilibria are in a component."""
        pairs = {(row, column) for rows, columns in component.subsets for row in rows for column in columns}
        return [k for k, profile in enumerate(self.profiles) if tuple(profile) in pairs]

    # --- tables ----------------------------------------------------------------------------------------------------

    def print(self, console: Console) -> None:
        """The game's size, its equilibria, how they were found, and the certificate."""
        m, n = self.game.shape
        players = [_name(player) for player in self.game.players]
        show_title(console, self.game.title or self.file)
        console.print(Text(f"{players[0]}: {_count(m, 'strategy', 'strategies')}, {players[1]}: {n}"))
        if self.profiles:
            show(console, self._headline(), self._table(console))
        show(console, *self._stats_table())
        console.print(self._verdict())

    def _table(self, console: Console) -> Table:
        """A column for every strategy where that fits, otherwise the strategies that are used."""
        if sum(self.game.shape) <= COLUMNS:
            wide = self._rows(self._strategy_heads(), self._probabilities)
            unfolded = console.options.update(max_width=UNFOLDED)
            if console.measure(wide, options=unfolded).maximum <= console.width:
                return wide
        return self._rows([f"{_name(player)}\nplays" for player in self.game.players], self._supports)

    def _rows(self, strategies: Sequence[str], cells: Callable[[AnyProfile], Sequence[str]]) -> Table:
        heads = ["", *strategies, *(f"{_name(player)}\nexpects" for player in self.game.players), "regret"]
        shown = self.profiles[:SHOWN]
        rows = [(str(k), *cells(profile), *self._values(profile)) for k, profile in enumerate(shown, start=1)]
        return titled("", heads, rows)[1]

    def _headline(self) -> str:
        count = _count(len(self.profiles), "equilibrium", "equilibria")
        more = len(self.profiles) - SHOWN
        hidden = f"; the first {SHOWN} are shown, and {more} more are in the JSON (--json)" if more > 0 else ""
        return f"{count}; {self._others()}{hidden}"

    def _others(self) -> str:
        """What is known of the equilibria that are not listed."""
        if not self.complete:
            return "there may be others"
        if not hasattr(self.claim, "components"):
            return "every other, if there is one, is a mixture of these"
        if all(component.isolated for component in self.claim.components):
            return "there are no others"
        return f"every other is a mixture of those within one of the {len(self.claim.components)} components"

    def _strategy_heads(self) -> list[str]:
        pairs = zip(self.game.players, self._strategies(), strict=True)
        return [f"{_name(player)}\n{_name(strategy)}" for player, names in pairs for strategy in names]

    def _strategies(self) -> tuple[Sequence[str], Sequence[str]]:
        """Every strategy's name, or its number where it has none."""
        (m, n), game = self.game.shape, self.game
        return game.rows or [str(i) for i in range(m)], game.columns or [str(j) for j in range(n)]

    def _probabilities(self, profile: AnyProfile) -> list[str]:
        return [_shown(p) for strategy in profile for p in strategy]

    def _supports(self, profile: AnyProfile) -> list[str]:
        rows, columns = self._strategies()
        return [_mixture(rows, profile.row), _mixture(columns, profile.column)]

    def _values(self, profile: AnyProfile) -> list[str]:
        regret = np.max(self.game.regrets(profile))
        return [*map(_shown, self.game.payoffs(profile)), _shown(regret) if _is_exact(regret) else f"{regret:.1e}"]

    def _stats_table(self) -> Titled:
        skipped = {"strategies", "rejected", "payoffs", "regret", "reason"}  # said elsewhere in the report
        rows: list[tuple[Cell, Cell]] = [("method", self.claim.method)]
        rows += [(name.replace("_", " "), _summary(v)) for name, v in self._stats().items() if name not in skipped]
        return titled("How", ("", ""), rows)

    def _verdict(self) -> Text:
        if self.certificate is None or not self.stands:
            return Text.assemble(("No certified answer", "red"), f": {self.problem}")
        exact = ", in exact arithmetic" if _is_exact(self.certificate.residual) else ""
        several = "; this is the worst of them" if len(self.profiles) > 1 else ""
        return certificate_sentence(self.certificate).append(exact + several)


def _badness(certificate: Evidence) -> tuple[bool, float]:
    """Whether it fails, and how much of its tolerance is used."""
    residual = float(certificate.residual)
    if residual <= 0 or math.isnan(residual):
        return not certificate.holds, 0.0
    return not certificate.holds, residual / certificate.tolerance if certificate.tolerance else math.inf


def _is_exact(value: Any) -> bool:
    return isinstance(value, Fraction)


def _shown(value: Any) -> str:
    """A probability or payoff: the fraction itself where it is short."""
    if not _is_exact(value):
        return number(float(value))
    text = fraction_text(value)
    return text if len(text) <= DIGITS else f"~{number(float(value))}"


def _mixture(names: Sequence[str], strategy: Array | Sequence[Fraction]) -> str:
    used = [f"{_name(names[i])}: {_shown(p)}" for i, p in enumerate(strategy) if p]
    more = f" ... and {len(used) - USED} more" if len(used) > USED else ""
    return ", ".join(used[:USED]) + more


def _name(text: str) -> str:
    return one_line(text, NAME)


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _summary(value: Any) -> str:
    if isinstance(value, list | dict):
        text = json.dumps(value)
        return text if len(text) <= 60 else f"{len(value)} entries"
    return number(value) if isinstance(value, float) else str(value)
