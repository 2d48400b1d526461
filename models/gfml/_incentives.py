"""What a coalition's members are paid and how fast they compute: the incentive game, and rules in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from models.gfml._devices import Devices
from models.gfml._parameters import Parameters
from models.reputation import reputation_utility
from solvers.core import Array, Evidence, Exact, Positions

if TYPE_CHECKING:
    from solvers.stackelberg import Profile, StackelbergGame

Certify: TypeAlias = Callable[..., Evidence]  # `verification.certify`, which models may not import

WIDTH = 1e-12  # of the range of prices, relative, where the price is given


@dataclass(frozen=True, eq=False)
class Coalition:
    """Who might train together in a round: the members of one coalition, under its head's deadline.

    `members` are players, `similarity` and `reputations` theirs, (members,); `deadline` is T_max of the head, seconds.
    """

    label: int
    members: Positions
    deadline: float
    similarity: Array
    reputations: Array


@dataclass(frozen=True, eq=False)
class Terms:
    """What all coalitions of a round share: devices, numbers, the frequencies expected, (n,) in Hz, and the judge."""

    devices: Devices
    parameters: Parameters
    speeds: Array
    certify: Certify


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a coalition came to: the price, who takes part, how fast, for what; and the evidence, if a game was played.

    `members`, `frequencies` (Hz), `times` (s), `profits` and `shares` are of those who take part; `dropped` of the
    others, with the reason. Who has the shares (a, b), a row of (members, 2), is paid a of the price, for similarity
    and speed, and b of the reputation incentive, equation (20). The price is nan where nobody takes part.
    """

    price: float
    members: Positions
    frequencies: Array
    times: Array
    profits: Array
    shares: Array
    provider: float
    dropped: tuple[tuple[int, str], ...]
    certificate: Evidence | None


def incentive_game(
    coalition: Coalition, devices: Devices, parameters: Parameters, prices: tuple[float, float] | None = None
) -> StackelbergGame:
    """The game of problems (22) and (24) between the provider and a coalition that can meet its deadline.

    It is the declaration of the bundled scenario `gfml` with other numbers; `prices` are those the provider may choose,
    else the parameters' incentives. Who has joined a coalition stays for the round, whatever it earns: with
    similarities of either sign there is often no price that is best for the provider while just those take part who
    gain at it. A user can leave when coalitions form again.

    Raises
    ------
    InvalidGame
        If the coalition is empty, or nobody in it can meet the deadline.
    """
    who = coalition.members
    worth = reputation_utility(coalition.reputations, threshold=parameters.threshold, floor=parameters.floor)
    table = {
        "coalition": np.zeros(len(who)),
        "D": devices.data[who],
        "S": coalition.similarity,
        "H": worth,
        "B": parameters.model / devices.sending[who] if parameters.model else np.ones(len(who)),
        "T_max": np.full(len(who), coalition.deadline),
        "lo": np.full(len(who), devices.slowest),
        "hi": np.full(len(who), devices.fastest),
    }
    numbers = {
        "eta": parameters.profit_weight,
        "I_rep": parameters.reputation_incentive,
        "rho": parameters.energy_price,
        "zeta": parameters.capacitance,
        "tau": float(parameters.steps),
        "c": parameters.cycles,
        "model": parameters.model,
    }
    names = [devices.names[i] for i in who]
    declared = _declared(parameters.incentives if prices is None else prices)
    return declared.with_followers(table, names=names, parameters=numbers, title=f"coalition {coalition.label}")


@lru_cache(maxsize=64)
def _declared(prices: tuple[float, float]) -> StackelbergGame:
    from solvers.stackelberg import load

    return replace(load("gfml"), bounds=prices, participation=False)


def stackelberg(coalitions: Sequence[Coalition], terms: Terms) -> list[Outcome]:
    """The provider's best price for each coalition and the members' best responses to it."""
    return _solved(coalitions, terms, terms.parameters.incentives)


def best_responses(coalitions: Sequence[Coalition], terms: Terms) -> list[Outcome]:
    """The members' best responses to the highest price: the same games, whose provider has no choice."""
    price = terms.parameters.incentives[1]
    found = _solved(coalitions, terms, (price * (1 - WIDTH), price))
    return [replace(one, price=price, certificate=_Named(one.certificate)) if one.certificate else one for one in found]


@dataclass(frozen=True)
class _Named:
    """The evidence of a game whose leader has no choice: all that it says is that the followers respond best."""

    evidence: Evidence
    concept: str = "best responses"

    @property
    def residual(self) -> float | Fraction:
        return self.evidence.residual

    @property
    def tolerance(self) -> float:
        return self.evidence.tolerance

    @property
    def holds(self) -> bool:
        return self.evidence.holds

    @property
    def regrets(self) -> Array | Exact:
        return self.evidence.regrets


def at_random(coalitions: Sequence[Coalition], terms: Terms) -> list[Outcome]:
    """The drawn frequencies at the highest price; who misses the deadline is discarded. There is no game to certify."""
    return [_at_random(coalition, terms) for coalition in coalitions]


def _at_random(coalition: Coalition, terms: Terms) -> Outcome:
    able, dropped = _able(coalition, terms.devices, terms.speeds)
    if not len(able.members):
        return _idle(dropped)
    from solvers.stackelberg import Profile

    game = incentive_game(able, terms.devices, terms.parameters)
    profile = Profile(terms.parameters.incentives[1], terms.speeds[able.members])
    return _outcome(game, able, terms, dropped, profile, None)


def _solved(coalitions: Sequence[Coalition], terms: Terms, prices: tuple[float, float]) -> list[Outcome]:
    """What the coalitions' games come to, all solved together; those in which nobody is left are idle."""
    from solvers.stackelberg import solve_each

    devices = terms.devices
    asked = [_able(coalition, devices, devices.fastest) for coalition in coalitions]
    games = [incentive_game(able, devices, terms.parameters, prices) for able, _ in asked if len(able.members)]
    solved = zip(games, solve_each(games), strict=True)
    found = []
    for able, dropped in asked:
        if not len(able.members):
            found.append(_idle(dropped))
            continue
        game, solution = next(solved)
        profile = solution.profiles[0]
        evidence = terms.certify(game, profile, tolerance=1e-9 * game.magnitudes(profile))
        found.append(_outcome(game, able, terms, dropped, profile, evidence))
    return found


def _outcome(
    game: StackelbergGame,
    able: Coalition,
    terms: Terms,
    dropped: Sequence[tuple[int, str]],
    profile: Profile,
    evidence: Evidence | None,
) -> Outcome:
    who, speeds, devices = able.members, profile.decisions, terms.devices
    return Outcome(
        price=profile.price,
        members=who,
        frequencies=speeds,
        times=devices.cycles[who] / speeds + devices.sending[who],
        profits=game.follower_utilities(profile.price, speeds),
        shares=_shares(game, able, devices, speeds),
        provider=game.leader_utility(profile.price, speeds),
        dropped=tuple(dropped),
        certificate=evidence,
    )


def _shares(game: StackelbergGame, able: Coalition, devices: Devices, speeds: Array) -> Array:
    """What each member gets of the price and of the reputation incentive, (members, 2), equation (20)."""
    spread = devices.fastest - devices.slowest
    competition = able.similarity + game.values["s"] * (speeds - devices.slowest) / spread
    return np.stack([competition, np.asarray(game.values["H_mean"])], axis=1)


def _able(coalition: Coalition, devices: Devices, speeds: Array | float) -> tuple[Coalition, list[tuple[int, str]]]:
    """The coalition of those who meet the deadline at these frequencies, and who does not, with the reason."""
    who = coalition.members
    own = np.broadcast_to(speeds, devices.data.shape)[who]
    late = ~(devices.required(coalition.deadline)[who] <= own)
    if not late.any():
        return coalition, []
    times = devices.cycles[who] / own + devices.sending[who]
    dropped = [
        (int(i), f"would take {t:.4g} s, the deadline of coalition {coalition.label} is {coalition.deadline:.4g} s")
        for i, t in zip(who[late], times[late], strict=True)
    ]
    able = replace(
        coalition,
        members=who[~late],
        similarity=coalition.similarity[~late],
        reputations=coalition.reputations[~late],
    )
    return able, dropped


def _idle(dropped: Sequence[tuple[int, str]]) -> Outcome:
    none = np.zeros(0)
    return Outcome(np.nan, np.zeros(0, dtype=np.intp), none, none, none, np.zeros((0, 2)), 0.0, tuple(dropped), None)
