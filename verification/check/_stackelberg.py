"""Stackelberg equilibria: the followers' best decisions and the leader's best price, bounded in interval arithmetic."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import flint
import numpy as np

from verification.check._document import Node
from verification.check._followers import ARTIFICIAL, ROOM, Followers
from verification.check._gains import gains
from verification.check._intervals import Array, Interval, Positions, exactly, thin
from verification.check._jets import Ball, ball_value
from verification.check._leader import Leader, Search
from verification.check._numbers import fraction
from verification.check._stackelberg_game import Game, Profile, read_game, read_profile
from verification.check._verdict import INTERVAL, Verdict

SECONDS = 120.0  # for one claim
CLAIM = ("concept", "claim", "profile", "tolerance", "residual", "infeasibility", "arithmetic")


def judge(game: Node, *, seconds: float = SECONDS) -> Callable[[Node], Verdict]:
    """A function that judges claims of Stackelberg equilibria of the game, each within about `seconds`.

    The leader's regret is what it gains by another price while the same followers take part, each at its best decision;
    a follower's what it gains by another decision, by leaving, which is worth 0, or by joining.

    Examples
    --------
    >>> game = {
    ...     "kind": "stackelberg", "price": "p", "decision": "x", "bounds": [0.5, 4.0],
    ...     "leader_utility": "p*x", "follower_utility": "w*log(1 + x) - p*x", "participation": False,
    ...     "constraints": {"none": "x >= 0", "cap": "x <= 3"}, "parameters": {}, "columns": {"w": [2.0]},
    ...     "names": ["a"]}
    >>> claim = {"concept": "Stackelberg", "profile": {"price": 0.5, "decisions": [3.0]}, "tolerance": 1e-9}
    >>> judge(Node("game", game))(Node("claim", claim)).word
    'holds'
    """
    read = read_game(game)

    def verdict(claim: Node) -> Verdict:
        claim.only(CLAIM)
        tolerances = claim.tolerances(1 + len(read.names))
        profile = read_profile(claim.node("profile"), read)
        with np.errstate(all="ignore"):
            return _Case(read, profile, tolerances, claim, seconds).verdict()

    return verdict


class _Case:
    """One claim about one game.

    `limits` are what the players may gain, `worth` at least what the leader has, `own` what each follower has, `sizes`
    the largest payoffs that they were seen with.
    """

    def __init__(
        self, game: Game, profile: Profile, tolerances: Sequence[flint.fmpq], claim: Node, seconds: float
    ) -> None:
        self.game, self.profile, self.claim = game, profile, claim
        self.start = time.monotonic()
        self.deadline = self.start + seconds
        self.limits = np.array([_below(limit) for limit in tolerances])
        self.price = exactly(fraction(profile.price))
        self.missed = Fraction(0)
        self.own = np.zeros(len(game.names))
        self.sizes = np.zeros(1 + len(game.names))
        self.worth = 0.0

    def verdict(self) -> Verdict:
        """What becomes of the claim."""
        fault = self._misfit() or self._infeasible() or self._undefined()
        if fault:
            return self._told(False, fault)
        regrets, late = self._regrets()
        tight = int(np.argmax(regrets - self.limits[1:]))
        if not regrets[tight] <= self.limits[1 + tight]:
            return self._follower_fails(tight, float(regrets[tight]), late)
        return self._leader(regrets)

    # --- the profile -----------------------------------------------------------------------------------------------

    def _misfit(self) -> str:
        """What is wrong with the profile at first sight."""
        low, high = self.game.bounds
        if not low <= self.profile.price <= high:
            return f"the price {float(fraction(self.profile.price)):.6g} is outside its bounds"
        out = [name for name, d in zip(self.game.names, self.profile.decisions, strict=True) if d is None]
        if len(out) == len(self.game.names):
            return "somebody must take part"
        return f"follower {out[0]!r} stays out, but all must take part" if out and not self.game.participation else ""

    def _infeasible(self) -> str:
        """Whose decision violates its limits by more than rounding can."""
        offender = ""
        for k, at in self._members():
            for name, (left, right) in self.game.constraints.items():
                one, other = ball_value(left, at), ball_value(right, at)
                if one <= other:
                    continue
                share = (one - other) / (abs(one) + abs(other))
                missed = fraction(share) if share.is_finite() else Fraction(1)
                if missed > self.missed:
                    self.missed, offender = missed, f"of follower {self.game.names[k]!r} violates {name!r}"
        return f"the decision {offender} by {float(self.missed):.3g}, relative" if self.missed > ROOM else ""

    def _undefined(self) -> str:
        """Whose claimed decision leaves a utility undefined; notes what the players have."""
        terms = []
        for k, at in self._members():
            self.own[k] = _floor(ball_value(self.game.follower_utility, at))
            terms.append(_floor(ball_value(self.game.leader_utility, at)))
            if not math.isfinite(self.own[k] + terms[-1]):
                return f"a utility is undefined, or beyond float64, at the decision of follower {self.game.names[k]!r}"
        self.worth = math.nextafter(math.fsum(terms), -math.inf)
        return ""

    def _members(self) -> list[tuple[int, dict[str, flint.fmpq]]]:
        """Those who take part, and their numbers at the claimed price and decision."""
        chosen = ((k, d) for k, d in enumerate(self.profile.decisions) if d is not None)
        return [(k, self.game.at(k, self.profile.price, decision)) for k, decision in chosen]

    # --- the followers ---------------------------------------------------------------------------------------------

    def _regrets(self) -> tuple[Array, bool]:
        """Upper bounds of what followers gain by other decisions, leaving or joining, and whether time ran out."""
        decisions = np.array([math.nan if d is None else float(fraction(d)) for d in self.profile.decisions])
        followers = self.game.followers(self.price)
        found, late = gains(followers, self.price, decisions, self.own, self.limits[1:], self.deadline)
        self._note_sizes(followers)
        if self.game.participation:
            found = np.maximum(found, -self.own)  # leaving is worth nothing
        return np.maximum(found, 0.0), late

    def _note_sizes(self, followers: Followers) -> None:
        self.sizes[1:] = np.abs(self.own)
        for end in (followers.region.low, followers.region.high):
            value = np.broadcast_to(followers.utility(self.price, thin(end)).v.high, end.shape)
            usable = np.isfinite(value) & (np.abs(end) < ARTIFICIAL)
            self.sizes[1:] = np.maximum(self.sizes[1:], np.where(usable, np.abs(value), 0.0))

    def _follower_fails(self, k: int, regret: float, late: bool) -> Verdict:
        name, limit = self.game.names[k], float(self.limits[1 + k])
        if late:
            return self._told(None, f"whether follower {name!r} gains was not checked: {self._spent()}")
        how = "by joining" if self.profile.decisions[k] is None else "by another decision"
        if self.game.participation and regret == -self.own[k]:
            how = "by leaving"
        size = f"may gain {regret:.6g}" if math.isfinite(regret) else "may gain without bound"
        return self._told(False, f"follower {name!r} {size} {how}", residual=regret, tolerance=limit)

    # --- the leader ------------------------------------------------------------------------------------------------

    def _leader(self, regrets: Array) -> Verdict:
        rows = np.array(self.profile.members)
        low, high = (exactly(fraction(bound)) for bound in self.game.bounds)
        prices = Interval(low.low, high.high)
        followers = self.game.followers(prices, rows)
        followers.shrink(prices)
        unknown = self._unknown(followers, prices, rows)
        if unknown:
            return self._told(None, f"the followers gain nothing, but the price was not checked: {unknown}")
        leader = Leader(self.game.function(self.game.leader_utility, rows), followers)
        bounds = float(prices.low), float(prices.high)
        claimed = float(fraction(self.profile.price))
        search = leader.search(bounds, claimed, self.worth, float(self.limits[0]), self.deadline)
        self.sizes[0] = max(abs(self.worth), search.size)
        return self._concluded(search, regrets)

    def _unknown(self, followers: Followers, prices: Interval, rows: Positions) -> str:
        """Why nothing can be said of how the followers react."""
        for name, k in followers.unplaced:
            follower = self.game.names[rows[k]]
            return f"whether {name!r} is an upper or a lower limit for follower {follower!r} was not found out"
        bent = followers.bent(prices)
        if bent.all():
            return ""
        follower = self.game.names[rows[int(np.flatnonzero(~bent)[0])]]
        return f"the utility of follower {follower!r} was not shown to be strictly concave in its decision"

    def _concluded(self, search: Search, regrets: Array) -> Verdict:
        limit = float(self.limits[0])
        if search.better is not None:
            gain = math.nextafter(search.least - self.worth, -math.inf)
            why = f"the leader gains {gain:.6g} by the price {search.better:.8g}"
            return self._told(False, why, residual=gain, tolerance=limit)
        if search.late:
            why = f"the price was not checked: {self._spent()}, {search.nodes:,} intervals of prices"
            return self._told(None, why)
        gain = max(0.0, math.nextafter(search.most - self.worth, math.inf))
        if not gain <= limit:
            size = f"{gain:.6g}" if math.isfinite(gain) else "without bound"
            why = f"the leader may gain {size}: a better price was neither found nor excluded"
            return self._told(False, why, residual=gain, tolerance=limit)
        everyone = np.concatenate([[gain], regrets])
        tight = int(np.argmax(everyone - self.limits))
        why = (
            f"no follower gains more than {np.max(regrets):.2g}, nor the leader more than {gain:.2g} by any price, by "
            f"{search.nodes:,} intervals of prices"
        )
        return self._told(True, why, residual=float(everyone[tight]), tolerance=float(self.limits[tight]))

    # --- the verdict -----------------------------------------------------------------------------------------------

    def _spent(self) -> str:
        return f"ran out of time after {time.monotonic() - self.start:.0f} s"

    def _told(
        self, holds: bool | None, why: str, *, residual: float = math.nan, tolerance: float = math.nan
    ) -> Verdict:
        seen = self.sizes > 0
        return Verdict(
            concept=self.claim.text("concept"),
            claim=self.claim.text("claim", ""),
            holds=holds,
            why=why,
            residual=Fraction(residual) if math.isfinite(residual) else None,
            tolerance=Fraction(tolerance) if math.isfinite(tolerance) else None,
            infeasibility=self.missed,
            share=float(np.max(self.limits[seen] / self.sizes[seen])) if seen.any() else None,
            arithmetic=INTERVAL,
        )


def _floor(ball: Ball) -> float:
    """A float below everything in the ball, nan where it is not finite."""
    return math.nextafter(float(ball.lower().mid()), -math.inf) if ball.is_finite() else math.nan


def _below(value: flint.fmpq) -> float:
    """The number as a float, or one below."""
    exact = fraction(value)
    try:
        near = float(exact)
    except OverflowError:
        return math.nextafter(math.inf, 0.0)
    return near if Fraction(near) <= exact else math.nextafter(near, -math.inf)
