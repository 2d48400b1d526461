"""What section VI of the dual-game paper claims of passive users and of sweeps: Figures 5 to 9."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from models.gfml._statistics import Record, Run, Study, last, mean, total
from models.gfml._verdicts import ABOVE, BELOW, Cases, Claim, Kind, Parts, Settings, contrast, title

ACCURACY = "personalised_accuracy"
POINTS = 100.0  # in one
SLIGHT = 5.0  # points up to which a loss of accuracy is slight, and accuracies are in line
ROUNDING = 1e-9  # of a price, between two solutions of one game
RATES = (5.0, 10.0)  # reputation incentives of Figures 8 and 9
SAVED = "profits include the energy which left-out steps save"

PRICED = ("gfml", "random-stackelberg", "best-effort-stackelberg", "fixed-stackelberg")

Compared: TypeAlias = tuple[str, Settings, Settings]


def sweep_claims(accuracy: str) -> Iterator[Claim]:
    """The claims on Figures 5 to 9; `accuracy` is the column that stands for accuracy after personalisation."""
    final = Kind(last(accuracy), "points", POINTS, by_accuracy=True)
    yield from _figure_5(accuracy)
    yield from _figure_6(final)
    text = "more coalitions make GFML more accurate"
    yield contrast("Figure 7", "coalitions-accuracy", text, final, _ends("coalitions"), choice="most against fewest")
    yield from _figure_8(final)
    yield from _figure_9(final)


def _figure_5(accuracy: str) -> Iterator[Claim]:
    active, where, needs = last(accuracy), "Figure 5", ("gfml",)
    kind = Kind(active, "points", POINTS, by_accuracy=True)

    def passive(study: Study, samples: str) -> Parts:
        if not samples:
            return {}
        label = f"{samples} sample{'s' * (samples != '1')} against active users"
        return {label: kind.less(study.values(last(f"passive/{samples}"), "gfml"), study.values(active, "gfml"))}

    def refined(study: Study) -> Parts:
        ladder = _ladder(study)
        if len(ladder) < 2:
            return {}
        most, one = (study.values(last(f"passive/{samples}"), "gfml") for samples in (ladder[-1], ladder[0]))
        return {f"{ladder[-1]} samples against {ladder[0]}": kind.less(most, one)}

    yield Claim(
        "passive-one-sample",
        where,
        "with a single sample, passive users have high-performing models",
        needs,
        lambda study: passive(study, "1" if "1" in _ladder(study) else ""),
        (-2 * SLIGHT, math.inf),
        unit="points",
        by_accuracy=True,
        choice=f"at most {2 * SLIGHT:g} points below active users",
    )
    text = "with more samples, passive users are more accurate"
    yield Claim("passive-more-samples", where, text, needs, refined, ABOVE, unit="points")
    yield Claim(
        "passive-in-line",
        where,
        "with many samples, passive users are in line with active ones",
        needs,
        lambda study: passive(study, _ladder(study)[-1] if len(_ladder(study)) > 1 else ""),
        (-SLIGHT, math.inf),
        unit="points",
        by_accuracy=True,
        choice=f"at most {SLIGHT:g} points below active users",
    )


def _ladder(study: Study) -> list[str]:
    """The numbers of samples that passive users personalise with, the fewest first."""
    record: Record = study.runs("gfml")[0][-1]
    return sorted(record.get("passive") or {}, key=int)


def _figure_6(final: Kind) -> Iterator[Claim]:
    where, ends, most = "Figure 6", _ends("users"), "most users against fewest"
    text = "more users in as many coalitions make GFML less accurate"
    yield contrast(where, "users-accuracy", text, final, ends, BELOW, choice=most)
    utility, profit, time = Kind(mean("provider_utility")), Kind(total("profit")), Kind(mean("completion_time"), "s")
    yield contrast(where, "users-utility", "the provider's utility rises with users", utility, ends, choice=most)
    text = "completion times are lowest with the most users (the paper: 120)"
    yield contrast(where, "users-time", text, time, _largest("users"), BELOW)
    yield contrast(where, "users-profit", "profits rise with users", profit, ends, choice=most)


def _figure_8(final: Kind) -> Iterator[Claim]:
    where, share = "Figure 8", "at every share of misbehaving learners"
    profit, utility = Kind(total("profit")), Kind(mean("provider_utility"))
    yield contrast(where, "misbehaving-accuracy", "misbehaviour makes GFML less accurate", final, _misbehaving, BELOW)
    text, slight = "misbehaviour makes GFML only slightly less accurate", (-SLIGHT, math.inf)
    choice = f"by at most {SLIGHT:g} points, {share}"
    yield contrast(where, "misbehaving-slight", text, final, _misbehaving, slight, choice=choice)
    text = "without misbehaviour, accuracy is slightly higher at a reputation incentive of 5 than of 10"
    yield contrast(where, "rate-accuracy", text, final, _common_rates, choice="how slightly is left open")
    text = "misbehaviour lowers profits"
    yield contrast(where, "misbehaving-profit", text, profit, _misbehaving, BELOW, choice=SAVED)
    text = "misbehaviour lowers the provider's utility"
    yield contrast(where, "misbehaving-utility", text, utility, _misbehaving, BELOW)
    text = "without blockchain, misbehaviour makes GFML less accurate"
    yield contrast(where, "tampered-accuracy", text, final, _tampered_decline, BELOW)
    text = "with misbehaviour, GFML is more accurate with blockchain than without"
    yield contrast(where, "blockchain-accuracy", text, final, _blockchain)
    text = "with blockchain, accuracy is up to 5 % higher"
    choice = "at some share of misbehaving learners, by at least 5 %"
    gain = contrast("abstract", "blockchain-gain", text, final, _blockchain, (5.0, math.inf), relative=True)
    yield replace(gain, every=False, paper=5.0, choice=choice)
    text = "without blockchain, learners earn more than with it"
    yield contrast(where, "tampered-profit", text, profit, _blockchain, BELOW, choice=f"{share}; {SAVED}")
    text, misbehaving = "with blockchain, who misbehaves earns less", Kind(total("misbehaving_profit"))
    choice = f"{share}; {SAVED}"
    yield contrast(where, "blockchain-incentives", text, misbehaving, _blockchain, BELOW, choice=choice)


def _figure_9(final: Kind) -> Iterator[Claim]:
    where, price = "Figure 9", Kind(mean("prices"))
    text = "prices are almost twice as high at a reputation incentive of 5 as at 10"
    choice = "at least half as high again, for every number of users"
    doubled = contrast(where, "rate-price", text, price, _rates, (50.0, math.inf), relative=True)
    yield replace(doubled, paper=100.0, choice=choice)
    yield Claim(
        "rate-price-same",
        "theory",
        "as long as heads and coalitions are the same, prices do not depend on the reputation incentive",
        (),
        _same_prices,
        (-ROUNDING, ROUNDING),
        choice="the largest difference over the first rounds with the same heads and coalitions",
    )
    text = "without reputation incentive, GFML is less accurate"
    choice = "the paper speaks of fixed coalitions; GFML is what is tested"
    yield contrast(where, "rate-zero", text, final, _no_rate, BELOW, choice=choice)


# --- which settings are compared ---------------------------------------------------------------------------------


def _ends(name: str) -> Cases:
    def cases(study: Study) -> Iterator[Compared]:
        found = study.swept(name)
        if len(found) > 1:
            yield f"{found[-1]:g} {name} against {found[0]:g}", {name: found[-1]}, {name: found[0]}

    return cases


def _largest(name: str) -> Cases:
    def cases(study: Study) -> Iterator[Compared]:
        *others, most = study.swept(name) or [0.0]
        for value in others:
            yield f"{most:g} {name} against {value:g}", {name: most}, {name: value}

    return cases


def _rated(study: Study, *, tampered: bool) -> Iterator[tuple[str, Settings]]:
    """Every share of misbehaving learners at every reputation incentive."""
    for rate in study.named("reputation_incentive"):
        settings = {"reputation_incentive": rate, "tampered": tampered}
        for share in study.swept("misbehaving", "gfml", **settings):
            if share > 0.0:
                yield f"{100 * share:g} % misbehave, incentive {rate:g}", {**settings, "misbehaving": share}


def _misbehaving(study: Study) -> Iterator[Compared]:
    for label, settings in _rated(study, tampered=False):
        yield label, settings, {**settings, "misbehaving": 0.0}


def _tampered_decline(study: Study) -> Iterator[Compared]:
    for label, settings in _rated(study, tampered=True):
        yield label, settings, {**settings, "misbehaving": 0.0, "tampered": False}


def _blockchain(study: Study) -> Iterator[Compared]:
    for label, settings in _rated(study, tampered=True):
        yield label, {**settings, "tampered": False}, settings


def _rates(study: Study) -> Iterator[Compared]:
    """Both incentives without misbehaviour, at every number of users."""
    low, high = RATES
    for users in study.swept("users", reputation_incentive=high, misbehaving=0.0):
        settings = {"users": users, "misbehaving": 0.0}
        label = f"{users:g} users, incentive {low:g} against {high:g}"
        yield label, {**settings, "reputation_incentive": low}, {**settings, "reputation_incentive": high}


def _common_rates(study: Study) -> Iterator[Compared]:
    """Of them, those at the common number of users."""
    return (case for case in _rates(study) if case[1]["users"] == study.base["users"])


def _no_rate(_: Study) -> Iterator[Compared]:
    yield f"incentive 0 against {RATES[0]:g}", {"reputation_incentive": 0.0}, {"reputation_incentive": RATES[0]}


def _same_prices(study: Study) -> Parts:
    """The largest difference of two prices, seed by seed, by framework with a game of prices and number of users."""
    parts = {}
    for framework in PRICED:
        for users in study.swept("users", framework, reputation_incentive=RATES[1]):
            runs = [study.runs(framework, users=users, reputation_incentive=rate) for rate in RATES]
            found = [_largest_difference(*pair) for pair in zip(*runs, strict=False)]
            if found and not np.isnan(found).any():
                parts[f"{title(framework)}, {users:g} users"] = np.array(found)
    return parts


def _largest_difference(run: Run, other: Run) -> float:
    """Of prices, over the rounds before heads or coalitions first differ; nan if there is none."""
    differences = [math.nan]
    for a, b in zip(run, other, strict=True):
        if any(a.get(key) != b.get(key) for key in ("heads", "coalitions")):
            break
        differences += [abs(p - q) for p, q in zip(_prices(a), _prices(b), strict=True)]
    return max(differences[1:], default=math.nan)


def _prices(record: Record) -> list[float]:
    """Those of coalitions that are not idle."""
    return [price for price in record["prices"] if price is not None]
