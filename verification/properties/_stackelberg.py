"""The properties of Stackelberg games: those of the incentive game by number, then the toolkit's own."""

from __future__ import annotations

from verification.properties._property import Property
from verification.properties._stackelberg_followers import FOLLOWERS
from verification.properties._stackelberg_leaders import LEADERS
from verification.properties._stackelberg_solutions import SOLUTIONS

PROPERTIES: tuple[Property, ...] = (*sorted((*FOLLOWERS, *LEADERS), key=lambda each: each.name), *SOLUTIONS)
