"""Properties of jamming games that go on: values, rates, the chain of play, and what a future is worth."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from models import jamming
from models.jamming import JammingModel, Radio
from solvers import stochastic
from solvers.core import Array
from solvers.stochastic import StationaryProfile
from verification.jamming_strategies import jamming_models, stationary_profiles
from verification.properties._fractions import regrets
from verification.properties._jamming_models import (
    MIXED,
    at,
    by_discount,
    discounts,
    models,
    of_models,
    places,
    size,
    stakes,
)
from verification.properties._markov import bellman
from verification.properties._property import Property

# --- values, rates and the chain of play -----------------------------------------------------------------------------


def _dearer(drawn: tuple[JammingModel, int]) -> float:
    """With hops dearer for the transmitter, and D_T as it was, P_T is less by (nf - 1) / nf of it in every state."""
    model, eighths = drawn
    nf, T, more = model.channels, model.transmitter, eighths / 8
    roomy = Radio(T.rewards, T.penalty + more, T.power_costs, T.hop_costs)
    dear = Radio(T.rewards, T.penalty + more, T.power_costs, T.hop_costs + more * (1 - np.eye(nf)))
    before, after = (
        jamming.closed_form(JammingModel(radio, model.jammer, model.jamming)).stats["values"][0]
        for radio in (roomy, dear)
    )
    slope = np.max(np.abs(after - before + (nf - 1) / nf * more))
    return float(max(np.ptp(before), np.ptp(after), slope)) / size(model)


def _long_run(drawn: tuple[JammingModel, float | None]) -> float:
    """All states are equally frequent; the rates are those counted from the chain, and hops do not matter to them."""
    model, discount = drawn
    nf, (T, J), (DT, DJ) = model.channels, (model.transmitter, model.jammer), stakes(model)
    profile = jamming.closed_form(model, discount=discount).require()
    P, counted = _counted(model, profile)
    assert P.min() > 0, "some state is never reached from another"
    gT, gJ = T.power_costs, J.power_costs
    jam = 1 / nf - nf * float(np.sum(np.diff(gJ) * (gT[1:] - gT[0]))) / (DT * DJ)
    wanted = np.array([jam, (nf - 1) / nf, (nf - 1) / nf])
    found = [counted, jamming.rates(model, profile), [jamming.jam_rate(model), *jamming.hop_rates(model)]]
    a, b = 1 / nf - J.hop * (nf - 1) / (nf * DJ), 1 / nf + T.hop * (nf - 1) / (nf * DT)
    gaps = [np.abs(P.sum(axis=0) - 1.0), *(np.abs(np.array(each) - wanted) for each in found)]
    gaps.append(np.abs(np.array(jamming.chase_rates(model)) - [a, b]))
    return float(max(gap.max() for gap in gaps))


def _counted(model: JammingModel, profile: StationaryProfile) -> tuple[Array, Array]:
    """The transition matrix, and rates of jamming and of both players' hops where states are equally frequent."""
    nf, P, total = model.channels, np.zeros((model.channels**2,) * 2), np.zeros(3)
    for s, a, b in itertools.product(range(nf**2), *map(range, model.shape)):
        (f, c), (g, d) = divmod(a, model.transmitter.powers), divmod(b, model.jammer.powers)
        weight = profile.row[s, a] * profile.column[s, b]
        P[s, f * nf + g] += weight
        total += weight / nf**2 * np.array([model.jamming[c, d] if f == g else 0.0, f != s // nf, g != s % nf])
    return P, total


# --- the stochastic game ---------------------------------------------------------------------------------------------


@st.composite
def _played(draw: Any) -> tuple[JammingModel, float | None, StationaryProfile]:
    model, discount = draw(jamming_models(max_channels=3, max_powers=2)), draw(discounts)
    return model, discount, draw(stationary_profiles(model.game(discount)))


def _at_least_nothing(drawn: tuple[JammingModel, float | None, StationaryProfile]) -> float:
    """The best deviation is worth no less than none; without a future it is that of the stage games."""
    model, discount, profile = drawn
    found = stochastic.exploitability(model.game(discount), profile)
    less = float(np.max(-found.gains)) / size(model)
    if discount == 0.0:
        stages = [regrets(model.stage_game(*place), *at(profile, s)) for s, place in enumerate(places(model))]
        worst = np.array([float(max(gains)) for gains in zip(*stages, strict=True)])
        return float(np.max([less, *np.abs(found.regrets - worst) / size(model)]))
    return max(0.0, less)


def _union(drawn: tuple[JammingModel, float | None]) -> float:
    """Of like channels the stage games' equilibria are Markov-perfect: no single step of another action gains."""
    model, discount = drawn
    game, profile = model.game(discount), jamming.closed_form(model, discount=0.0).require()
    told = float(np.max(stochastic.exploitability(game, profile).regrets)) / size(model)
    return max(bellman(game, profile), told)


def _with_a_future(drawn: tuple[JammingModel, float | None]) -> float:
    """The closed form for a discount: no step of another action gains, and values are those of a linear solve."""
    model, discount = drawn
    found, game, nf = jamming.closed_form(model, discount=discount), model.game(discount), model.channels
    profile = found.require()
    values = stochastic.exploitability(game, profile).values.reshape(2, nf, nf)
    own = [found.stats["values"][0][:, None], found.stats["values"][1][None, :]]
    gaps = [float(np.max(np.abs(values[k] - own[k]))) / size(model) for k in (0, 1)]
    least = min(float(mix.min()) for mix in profile)
    return float(np.max([bellman(game, profile), *gaps, abs(found.stats["least"] - least)]))


def _different(drawn: tuple[int, int, float]) -> float:
    """Rewards that differ by channel, and hops that cost: there is something to gain by leaving the union."""
    spread, hop, discount = drawn
    model = jamming.jamming_model(3, [1, 2], costs=[0.5, 1], channel_rewards=[10, 10 + spread / 4, 10], hop=hop / 8)
    game, union = model.game(discount), jamming.closed_form(model, discount=0.0).require()
    gains = np.max(stochastic.exploitability(game, union).gains)
    assert gains > 1e-6, f"nobody gains by leaving the stage games' equilibria: {gains:.3g}"
    return bellman(game, jamming.closed_form(model, discount=discount).require())


PROPERTIES: tuple[Property, ...] = (
    of_models(
        "15",
        "",
        "Values are the same in all states and fall with the cost of a hop",
        lambda: st.tuples(models("mixed"), st.integers(1, 24)),
        _dearer,
        tolerance=1e-12,
        share=0.5,
    ),
    of_models(
        "16",
        "",
        "States are equally frequent, and rates do not depend on the cost of hops",
        lambda: by_discount("mixed", channels=3),
        _long_run,
        tolerance=1e-10,
        family="stochastic",
        share=0.3,
    ),
    of_models(
        "17a",
        "",
        "A best deviation is worth no less than none",
        _played,
        _at_least_nothing,
        tolerance=1e-9,
        family="stochastic",
        share=0.25,
    ),
    of_models(
        "17b",
        "",
        "Of like channels the stage games' equilibria are Markov-perfect",
        lambda: by_discount("mixed", channels=3),
        _union,
        tolerance=1e-9,
        family="stochastic",
        share=0.3,
    ),
    of_models(
        "17c",
        "",
        "Of channels that differ the stage games' equilibria are not Markov-perfect",
        lambda: st.tuples(st.integers(1, 8), st.integers(1, 8), st.sampled_from([0.5, 0.9])),
        _different,
        tolerance=1e-9,
        family="stochastic",
        share=0.5,
        save=None,
    ),
    of_models(
        "18",
        "",
        "The closed form for a discount is Markov-perfect, and its values are those of the game",
        lambda: by_discount(*MIXED, channels=3),
        _with_a_future,
        tolerance=1e-9,
        family="stochastic",
        share=0.3,
    ),
)
