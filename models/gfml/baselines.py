"""The dual-game paper's framework and its ten rivals, each three choices: of coalitions, heads and resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.gfml import _incentives, _rules
from models.gfml._rules import CoalitionRule, HeadRule, ResourceRule

SWITCHING = CoalitionRule("hedonic game", _rules.last, switching=True)
RANDOM = CoalitionRule("random", _rules.balanced)
GRAND = CoalitionRule("one coalition", _rules.together, single=True)
CLUSTERED = CoalitionRule("clusters", _rules.clusters)

REPUTABLE = HeadRule("reputation and deadline", _rules.reputable)
FASTEST = HeadRule("deadline", _rules.fastest)
ANYBODY = HeadRule("random", _rules.anybody)

STACKELBERG = ResourceRule("Stackelberg", _rules.as_before, _incentives.stackelberg)
OPTIMIZED = ResourceRule("best responses", _rules.at_the_highest_price, _incentives.best_responses)
DRAWN = ResourceRule("random", _rules.random_frequencies, _incentives.at_random, drawn=True)


@dataclass(frozen=True)
class Framework:
    """A way to run federated meta-learning: who is with whom, who leads, and what is paid for which effort.

    Examples
    --------
    >>> mine = Framework("mine", "clusters with reputable heads", CLUSTERED, REPUTABLE, STACKELBERG)
    >>> mine.heads.name
    'reputation and deadline'
    """

    name: str
    title: str
    coalitions: CoalitionRule
    heads: HeadRule
    resources: ResourceRule


_LIST = (
    Framework("gfml", "GFML", SWITCHING, REPUTABLE, STACKELBERG),
    Framework("gfml-optimized", "GFML + optimized frequencies", SWITCHING, FASTEST, OPTIMIZED),
    Framework("gfml-random", "GFML + random frequencies", SWITCHING, ANYBODY, DRAWN),
    Framework("random-stackelberg", "Random + Stackelberg", RANDOM, ANYBODY, STACKELBERG),
    Framework("random-optimized", "Random + optimized frequencies", RANDOM, ANYBODY, OPTIMIZED),
    Framework("random-random", "Random + random frequencies", RANDOM, ANYBODY, DRAWN),
    Framework("best-effort-stackelberg", "Best effort + Stackelberg", GRAND, FASTEST, STACKELBERG),
    Framework("best-effort-optimized", "Best effort + optimized frequencies", GRAND, FASTEST, OPTIMIZED),
    Framework("best-effort-random", "Best effort + random head", GRAND, ANYBODY, DRAWN),
    Framework("fixed-stackelberg", "Fixed + Stackelberg", CLUSTERED, FASTEST, STACKELBERG),
    Framework("fixed-optimized", "Fixed + optimized frequencies", CLUSTERED, FASTEST, OPTIMIZED),
)

FRAMEWORKS: Mapping[str, Framework] = MappingProxyType({framework.name: framework for framework in _LIST})
