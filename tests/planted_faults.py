"""Faults to plant in the sources, one at a time, and the property that has to notice each of them.

Run as a program it plants every fault in a process of its own, in the interpreter's memory only, and writes what the
property says, one JSON document a line; then what each of these properties says of the same examples without a fault.
Kernels run uncompiled, so that no faulty one gets into Numba's cache.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
EXAMPLES = 100  # as `python -m verification properties` tries by default
LIBRARIES = (  # loaded once, for all children; OR-Tools before the HiGHS of another library
    "ortools.sat.python.cp_model",
    "numpy",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "sympy",
    "numba",
    "flint",
    "torch.func",
    "hypothesis.strategies",
)
HOMES = {"bimatrix": "_bimatrix", "stackelberg": "_stackelberg", "hedonic": "_hedonic"}
HOMES |= dict.fromkeys(("jamming", "stochastic", "learning"), "_jamming")


class Fault(NamedTuple):
    """In `module`, `right` stands exactly once and is replaced by `wrong`; `noticed_by` must fail then."""

    kind: str
    module: str
    right: str
    wrong: str
    noticed_by: str


BIMATRIX, HEDONIC, STOCHASTIC = "solvers.bimatrix", "solvers.hedonic", "solvers.stochastic"
STACKELBERG, LEARNING, JAMMING = "solvers.stackelberg", "solvers.learning", "models.jamming"
ENGINE = f"{HEDONIC}._compiled"
FAULTS = (
    # equilibria of two-player games, and certificates
    Fault(
        "a tie-break",
        f"{BIMATRIX}._pivoting",
        "    if limits <= 1:\n        return row\n",
        "    return row\n",
        "bimatrix-26",
    ),
    Fault(
        "a swap",
        f"{BIMATRIX}._pivoting",
        "T[0, j, i] = (B[i, j] - low_b)",
        "T[0, j, i] = (B[i, n - 1 - j] - low_b)",
        "bimatrix-26",
    ),
    Fault("a tie-break", f"{BIMATRIX}._exact_path", "least = min(entries)", "least = max(entries)", "bimatrix-26"),
    Fault(
        "a comparison",
        f"{BIMATRIX}._exact",
        "best = max(self.earned)\n        for",
        "best = min(self.earned)\n        for",
        "bimatrix-27",
    ),
    Fault("a missing check", f"{BIMATRIX}._exact", "if weight < 0:\n", "if weight < -self.total:\n", "bimatrix-27"),
    Fault(
        "a wrong reference",
        f"{BIMATRIX}._game",
        "values = payoffs.times(opposing)\n    best = max(values)",
        "values = payoffs.times(opposing)\n    best = values[0]",
        "bimatrix-11",
    ),
    Fault(
        "a sign", f"{BIMATRIX}._vertices", "ray = [above * q - below * p", "ray = [above * q + below * p", "bimatrix-16"
    ),
    Fault(
        "a strict comparison",
        f"{BIMATRIX}._vertices",
        "_shared(masks, p, q, common) < least",
        "_shared(masks, p, q, common) <= least",
        "bimatrix-16",
    ),
    Fault("a stale group", f"{BIMATRIX}._extreme", "        towards[ends[0]] = ends[1]\n", "", "bimatrix-16"),
    Fault("a claim too wide", f"{BIMATRIX}._supports", "X.count == Y.count == 1", "X.count >= 1", "bimatrix-17"),
    Fault(
        "a wrong axis",
        f"{BIMATRIX}._supports",
        "game.B.max(axis=1)[:, None] == game.B",
        "game.B.max(axis=0) == game.B",
        "bimatrix-18",
    ),
    Fault(
        "a loose tolerance",
        f"{BIMATRIX}._zero_sum",
        "max(ROUNDING * largest, NOISE",
        "max(ROUNDING * largest, 1e7 * NOISE",
        "bimatrix-28",
    ),
    Fault("a loose tolerance", "verification.certificates", "FEASIBLE = 1e-9", "FEASIBLE = 1e-4", "bimatrix-14"),
    Fault(
        "a wrong player", "verification.certificates", "tight = int(np.argmax(", "tight = int(np.argmin(", "bimatrix-12"
    ),
    Fault(
        "a loose tolerance",
        "verification.certificates",
        "tolerance = 0.0 if isinstance(infeasibility, Fraction) else 1e-9",
        "tolerance = 1e-9",
        "bimatrix-13",
    ),
    # leaders and followers
    Fault(
        "breakpoints left out",
        f"{STACKELBERG}._leader",
        "np.concatenate([[curve.low, curve.high], curve.kinks])",
        "[curve.low, curve.high]",
        "stackelberg-03",
    ),
    Fault(
        "the wrong piece",
        f"{STACKELBERG}._kernels",
        "piece = 0 if side < first[start + w] else 2",
        "piece = 2 if side < first[start + w] else 0",
        "stackelberg-16",
    ),
    Fault(
        "a missing term", f"{STACKELBERG}._leader", "slope_b - doubt_b - mass", "slope_b - doubt_b", "stackelberg-05"
    ),
    Fault(
        "a missing cap",
        f"{STACKELBERG}._response",
        "np.minimum(np.maximum(inside, limits.low), limits.high)",
        "np.maximum(inside, limits.low)",
        "gfml-02a",
    ),
    Fault(
        "a missing deadline",
        f"{STACKELBERG}._response",
        "np.minimum(np.maximum(inside, limits.low), limits.high)",
        "np.minimum(inside, limits.high)",
        "gfml-12",
    ),
    Fault(
        "a wrong order",
        f"{STACKELBERG}._curve",
        "np.where(self.rising > 0, (low, high), (high, low))",
        "np.array((low, high))",
        "stackelberg-02",
    ),
    Fault(
        "ends of an interval swapped",
        f"{STACKELBERG}._curve",
        "inside[1][0] - limit[0][0], limit[1][1] - inside[0][1]",
        "limit[1][0] - inside[0][0], limit[1][1] - inside[0][1]",
        "stackelberg-05",
    ),
    Fault(
        "nobody leaves",
        f"{STACKELBERG}._solve",
        "leaving[stays] = utilities <= 0",
        "leaving[stays] = utilities < -1e9",
        "stackelberg-11",
    ),
    Fault(
        "a missing normalisation",
        f"{STACKELBERG}._aggregates",
        "return float(np.mean(column))",
        "return float(np.sum(column))",
        "gfml-10a",
    ),
    Fault(
        "a sign",
        f"{STACKELBERG}._regrets",
        "result[0] = _best_price_payoff(among, parts, decisions) - among.leader_utility(profile.price, decisions)",
        "result[0] = among.leader_utility(profile.price, decisions) - _best_price_payoff(among, parts, decisions)",
        "stackelberg-09",
    ),
    Fault(
        "another game's number",
        f"{STACKELBERG}._together",
        "return values[0] if same else np.repeat(np.array(values, dtype=np.float64), sizes)",
        "return values[0]",
        "stackelberg-14",
    ),
    # coalitions
    Fault(
        "a player counted twice",
        f"{HEDONIC}._evaluation",
        "others = sizes[j] - 1 if",
        "others = sizes[j] if",
        "hedonic-17",
    ),
    Fault(
        "an index off by one",
        f"{HEDONIC}._evaluation",
        "value = _measure(totals[j], known[j], sizes[j], kind)",
        "value = _measure(totals[j], known[j], sizes[j] - 1, kind)",
        "hedonic-03",
    ),
    Fault(
        "a stale aggregate",
        f"{HEDONIC}._evaluation",
        "sizes[j], kind)\n            known[j] = 0\n",
        "sizes[j], kind)\n",
        "hedonic-03",
    ),
    Fault("a comparison", f"{HEDONIC}._evaluation", "return min(total, 0.0)", "return max(total, 0.0)", "hedonic-01"),
    Fault("a stale aggregate", f"{HEDONIC}._anonymous", "joined[slots[self.known(player)]] -= 1", "pass", "hedonic-17"),
    Fault(
        "an index off by one",
        f"{HEDONIC}._anonymous",
        "order[np.minimum(starts + 1, len(sizes) - 1)]",
        "order[np.minimum(starts, len(sizes) - 1)]",
        "hedonic-17",
    ),
    Fault("a tie-break", f"{HEDONIC}._anonymous", "(slot < places)", "(slot > places)", "hedonic-17"),
    Fault(
        "a missing normalisation",
        f"{HEDONIC}._labelled_values",
        "value += pay * totals[2, j] / (starts[j + 1] - starts[j])",
        "value += pay * totals[2, j]",
        "hedonic-16",
    ),
    Fault(
        "an index off by one",
        f"{HEDONIC}._labelled_values",
        "count = starts[j + 1] - starts[j] + 1\n    if peak",
        "count = starts[j + 1] - starts[j]\n    if peak",
        "hedonic-16",
    ),
    Fault(
        "a cycle not noticed",
        ENGINE,
        "if same:\n            return True",
        "if same:\n            return False",
        "gfml-24d",
    ),
    Fault(
        "a tie-break",
        ENGINE,
        "first = pick[PLAYER] == i and j < pick[TARGET]",
        "first = pick[PLAYER] == i and j > pick[TARGET]",
        "gfml-23c",
    ),
    Fault("a stale aggregate", ENGINE, "empty = min(empty, source)", "pass", "gfml-23a"),
    Fault("a heap upside down", ENGINE, "if keys[a] < keys[b]:", "if keys[a] > keys[b]:", "gfml-23c"),
    Fault(
        "a rule passed over",
        f"{HEDONIC}._engine",
        "and self._coalition(player, target) in self.joined",
        "and False",
        "gfml-23d",
    ),
    Fault("a tie-break", f"{HEDONIC}._engine", "beaten = move.worth < best", "beaten = move.worth > best", "gfml-23d"),
    Fault(
        "a loose tolerance",
        f"{HEDONIC}._game",
        "RELATIVE * game.magnitudes()",
        "1e5 * RELATIVE * game.magnitudes()",
        "hedonic-15",
    ),
    Fault(
        "the wrong ones asked",
        f"{HEDONIC}._verdicts",
        '"joined": asks_joined(permission), "left": asks_left(permission)',
        '"joined": asks_left(permission), "left": asks_joined(permission)',
        "hedonic-12",
    ),
    Fault(
        "a transposed matrix",
        f"{HEDONIC}._pairwise",
        "turned = self.weights.T.tocsr()",
        "turned = self.weights.tocsr()",
        "hedonic-12",
    ),
    Fault(
        "any for all",
        f"{HEDONIC}._enumeration",
        "np.all(switch_regrets(table, batch, objections) <= tolerances, axis=1)",
        "np.any(switch_regrets(table, batch, objections) <= tolerances, axis=1)",
        "hedonic-05",
    ),
    Fault(
        "a pair counted twice",
        f"{HEDONIC}._potential",
        "np.where(among, 0.5, 1.0)",
        "np.where(among, 1.0, 1.0)",
        "gfml-24c",
    ),
    # stochastic games and jamming
    Fault(
        "a swap",
        f"{STOCHASTIC}._decision",
        "values.reshape(own, others).T if self.of_row else values.reshape(others, own)",
        "values.reshape(own, others).T",
        "stochastic-01",
    ),
    Fault(
        "a discount too many",
        f"{STOCHASTIC}._exploitability",
        "+ discount * problem.expected(values)",
        "+ discount * discount * problem.expected(values)",
        "stochastic-01",
    ),
    Fault(
        "a local optimum",
        f"{STOCHASTIC}._exploitability",
        "if tried == LIMIT or not better.any():",
        "if True:",
        "stochastic-01",
    ),
    Fault(
        "a transposed matrix",
        f"{STOCHASTIC}._chain",
        "after: Array = law @ self.matrix",
        "after: Array = self.matrix @ law",
        "stochastic-10",
    ),
    Fault("a missing term", f"{STOCHASTIC}._chain", " + self._ends(law, transient, classes)", "", "stochastic-10"),
    Fault(
        "another player's state",
        f"{STOCHASTIC}._switching",
        "self.B - self.column_costs[j][:, None, :]",
        "self.B - self.column_costs[i % len(self.column_costs)][:, None, :]",
        "stochastic-02",
    ),
    Fault(
        "a sign",
        f"{STOCHASTIC}._switching",
        "return earned - _paired(own.table, own.kind, costs, where)",
        "return earned + _paired(own.table, own.kind, costs, where)",
        "stochastic-01",
    ),
    Fault(
        "the wrong power",
        f"{JAMMING}._model",
        "B = spoils * jammed - J.penalty * (1.0 - jammed)",
        "B = spoils * jammed - J.penalty * jammed",
        "jamming-23a",
    ),
    Fault(
        "a transposed matrix",
        f"{JAMMING}._model",
        "np.repeat(T.hop_costs, T.powers, axis=1)",
        "np.repeat(T.hop_costs.T, T.powers, axis=1)",
        "jamming-23a",
    ),
    Fault(
        "a wrong condition",
        f"{JAMMING}._closed_form",
        '_stake("jammer", model.jammer, model.channels - 1)',
        '_stake("jammer", model.jammer, 1)',
        "jamming-08",
    ),
    Fault(
        "a swap",
        f"{JAMMING}._closed_form",
        "np.tile(x, (len(y), 1)), np.repeat(y, len(x), axis=0)",
        "np.repeat(x, len(y), axis=0), np.tile(y, (len(x), 1))",
        "jamming-09",
    ),
    # learners
    Fault(
        "steps counted for visits",
        f"{LEARNING}._kernels",
        "before + (payoff - before) / count",
        "before + (payoff - before) / np.sum(seen[p] + 1.0)",
        "jamming-21",
    ),
    Fault(
        "an aggregate of another state",
        f"{LEARNING}._kernels",
        "counters[p, i, touched[p, t]] +=",
        "counters[p, 0, touched[p, t]] +=",
        "jamming-19c",
    ),
    Fault(
        "a least payoff not subtracted",
        f"{LEARNING}._learners",
        "above = values - least",
        "above = values - 2 * least",
        "jamming-22",
    ),
    Fault(
        "a tie-break",
        f"{LEARNING}._static_kernels",
        "carried == best_high and digit > best_low",
        "carried == best_high and digit >= best_low",
        "jamming-19d",
    ),
    Fault(
        "another player's move",
        f"{LEARNING}._static_kernels",
        "reply(columns, i, column_high",
        "reply(columns, j, column_high",
        "jamming-19d",
    ),
    # reputations, federated learners, the ledger
    Fault("a discount too few", "models.reputation", "self.forgetting * self.direct", "self.direct", "gfml-21a"),
    Fault(
        "a weight of the wrong round", "models.reputation", "np.arange(rounds)[::-1]", "np.arange(rounds)", "gfml-21a"
    ),
    Fault("a sign", "models.reputation", "lengths - 2 * error", "lengths + 2 * error", "gfml-22b"),
    Fault(
        "a missing limit", "models.reputation", "np.log1p(np.maximum(left, 0.0))", "np.log1p(np.abs(left))", "gfml-22a"
    ),
    Fault(
        "a missing factor",
        "models.reputation",
        "(given / 2 - least) / span * 2 - 1",
        "(given / 2 - least) / span - 1",
        "gfml-22c",
    ),
    Fault(
        "a sign",
        "models.fml._definition",
        "return ahead - learning.step_size * bend",
        "return ahead + learning.step_size * bend",
        "gfml-25a",
    ),
    Fault(
        "a missing product",
        "models.fml._kernels",
        "product.baddbmm_(rises[k].mT, at.errors[k + 1])",
        "pass",
        "gfml-25c",
    ),
    Fault(
        "a missing normalisation",
        "models.fml._learning",
        "torch.tensor(shares / shares.sum(),",
        "torch.tensor(shares,",
        "gfml-26",
    ),
    Fault("a swap", "models.ledger._merkle", "keccak(sibling + node if", "keccak(node + sibling if", "gfml-27b"),
    Fault(
        "an order",
        "models.ledger._merkle",
        "keccak(self._full[height] + hashed)",
        "keccak(hashed + self._full[height])",
        "gfml-27b",
    ),
)


class Planted(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds the faulty module, with its source changed on the way."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.module, str(source(fault)))

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.fault.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        return compile(planted(self.fault), self.path, "exec", dont_inherit=True)


def source(fault: Fault) -> Path:
    """The file of the module."""
    path = ROOT.joinpath(*fault.module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def planted(fault: Fault) -> str:
    """The source with the fault in it."""
    text = source(fault).read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.module} must have {fault.right!r} once, got {text.count(fault.right)} times")
    return text.replace(fault.right, fault.wrong)


class Noticed(BaseException):
    """The property fails. No `Exception`, so that nobody looks for a smaller example."""


class Enough(BaseException):
    """As many examples as wanted were tried."""


def tried(name: str, most: int) -> dict[str, Any]:
    """What the property called `name` says, "" if it holds, and of how many examples: all of them, or `most`."""
    from hypothesis.errors import StopTest, UnsatisfiedAssumption

    from verification.properties import attempt
    from verification.properties._run import Batch, _seed

    wanted, examples, count = property_called(name), 0, 0

    def measure(example: Any) -> float:
        nonlocal count
        if count == most:
            raise Enough
        count += 1
        try:
            off = float(wanted.measure(example))
        except (StopTest, UnsatisfiedAssumption):
            raise
        except Exception as problem:
            raise Noticed(str(problem) or type(problem).__name__) from problem
        if not off <= wanted.tolerance:
            raise Noticed(f"off by {off:.3g}, more than {wanted.tolerance:.3g}")
        return off

    examples, said = max(1, round(EXAMPLES * wanted.share)), ""
    try:
        attempt(replace(wanted, measure=measure), examples=examples, seed=_seed(0, Batch(name, 0, examples)))
    except Noticed as problem:
        said = str(problem)
    except Enough:
        pass
    return {"said": said, "examples": count}


def property_called(name: str) -> Any:
    """The property, of whose module alone the solvers are loaded."""
    family, number = name.split("-")
    if family == "gfml":
        place = int(number[:2])
        home = "_stackelberg" if place < 19 else "_hedonic" if place in (23, 24) else "_learners"
    else:
        home = HOMES[family]
    module = importlib.import_module(f"verification.properties.{home}")
    return next(each for each in module.PROPERTIES if each.name == name)


def in_a_child(task: Callable[[], Any]) -> Any:
    """What a task returns, in a fork of this process that has none of our modules yet."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        status = 1
        try:
            text = json.dumps({"answer": task()})
            status = 0
        except BaseException:  # noqa: BLE001 - the parent raises it
            text = json.dumps({"error": traceback.format_exc()})
        with os.fdopen(theirs, "w") as pipe:
            pipe.write(text)
        os._exit(status)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        answer = json.loads(pipe.read() or '{"error": "the process died"}')
    os.waitpid(child, 0)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["answer"]


def with_fault(fault: Fault) -> dict[str, Any]:
    """What the property says while the fault is planted."""
    sys.meta_path.insert(0, Planted(fault))
    return tried(fault.noticed_by, -1)


def main(numbers: Sequence[str]) -> None:
    """All faults, or those numbered so, and then the controls."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    for library in LIBRARIES:
        importlib.import_module(library)
    import numpy as np

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")  # uncompiled kernels divide by zero, and let hashes overflow, aloud
    needed: dict[str, int] = {}
    for k, fault in enumerate(FAULTS):
        if not numbers or str(k) in numbers:
            found = in_a_child(lambda fault=fault: with_fault(fault))
            needed[fault.noticed_by] = max(needed.get(fault.noticed_by, 1), found["examples"])
            print(json.dumps({"fault": k, **found}), flush=True)
    controls = in_a_child(lambda: {name: tried(name, most) for name, most in needed.items()})
    for name, found in controls.items():
        print(json.dumps({"control": name, **found}), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
