"""The dual-game paper's framework: coalitions of federated learners, their incentives, and what they learn.

Names load on first use, so that a command's `--help` does not wait for PyTorch or SymPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.gfml._claims import TABLE_THREE, orderings, verdicts
    from models.gfml._coalitions import coalition_game
    from models.gfml._devices import Devices, devices
    from models.gfml._experiment import Experiment, play
    from models.gfml._export import export
    from models.gfml._games import Formed, contributions, form, settle
    from models.gfml._heads import fastest_heads, random_heads, reputable_heads
    from models.gfml._incentives import Coalition, Outcome, incentive_game
    from models.gfml._parameters import Parameters
    from models.gfml._record import Round, summary
    from models.gfml._rules import CoalitionRule, HeadRule, ResourceRule, Situation, round_game
    from models.gfml._runs import Source, run_all, run_unit
    from models.gfml._state import State
    from models.gfml._statistics import Study
    from models.gfml._store import Store, Unit
    from models.gfml._verdicts import Verdict
    from models.gfml.baselines import FRAMEWORKS, Framework

_HOME = {
    "Coalition": "_incentives",
    "CoalitionRule": "_rules",
    "Devices": "_devices",
    "Experiment": "_experiment",
    "FRAMEWORKS": "baselines",
    "Formed": "_games",
    "Framework": "baselines",
    "HeadRule": "_rules",
    "Outcome": "_incentives",
    "Parameters": "_parameters",
    "ResourceRule": "_rules",
    "Round": "_record",
    "Situation": "_rules",
    "Source": "_runs",
    "State": "_state",
    "Store": "_store",
    "Study": "_statistics",
    "TABLE_THREE": "_claims",
    "Unit": "_store",
    "Verdict": "_verdicts",
    "coalition_game": "_coalitions",
    "contributions": "_games",
    "devices": "_devices",
    "export": "_export",
    "fastest_heads": "_heads",
    "form": "_games",
    "incentive_game": "_incentives",
    "orderings": "_claims",
    "play": "_experiment",
    "random_heads": "_heads",
    "reputable_heads": "_heads",
    "round_game": "_rules",
    "run_all": "_runs",
    "run_unit": "_runs",
    "settle": "_games",
    "summary": "_record",
    "verdicts": "_claims",
}

__all__ = [
    "FRAMEWORKS",
    "TABLE_THREE",
    "Coalition",
    "CoalitionRule",
    "Devices",
    "Experiment",
    "Formed",
    "Framework",
    "HeadRule",
    "Outcome",
    "Parameters",
    "ResourceRule",
    "Round",
    "Situation",
    "Source",
    "State",
    "Store",
    "Study",
    "Unit",
    "Verdict",
    "coalition_game",
    "contributions",
    "devices",
    "export",
    "fastest_heads",
    "form",
    "incentive_game",
    "orderings",
    "play",
    "random_heads",
    "reputable_heads",
    "round_game",
    "run_all",
    "run_unit",
    "settle",
    "summary",
    "verdicts",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
