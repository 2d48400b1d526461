"""Properties of jamming games, numbered as the derivations: closed forms, conditions, values and rates.

The stage games' determinants are in `_determinants`, what learners do in `_learning`, stochastic games in general in
`_stochastic`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from models import jamming
from models.jamming import JammingModel, Radio
from solvers import bimatrix
from solvers.bimatrix import BimatrixGame, Profile
from solvers.core import Array, Status
from verification.jamming_strategies import jamming_models
from verification.properties import _determinants, _jamming_futures, _learning, _stochastic
from verification.properties._bimatrix import distance
from verification.properties._fractions import Listed, off, regrets
from verification.properties._jamming_models import (
    ALIKE,
    MIXED,
    at,
    by_discount,
    models,
    of_models,
    places,
    size,
    stakes,
)
from verification.properties._markov import Written
from verification.properties._property import Property
from verification.strategies import profiles

# --- the closed form -------------------------------------------------------------------------------------------------


def _three_ways(model: JammingModel) -> float:
    """The closed form, the bordered solve and the end of a path of Lemke-Howson, in every state; and the values."""
    found, gaps = jamming.closed_form(model, discount=0.0), [0.0]
    for state, place in enumerate(places(model)):
        stage, profile = model.stage_game(*place), at(found.require(), state)
        solved = bimatrix.completely_mixed(stage)
        gaps += [off(stage, profile), distance(profile, solved.require())]
        if model.homogeneous:
            gaps.append(distance(profile, bimatrix.lemke_howson(stage).require()))
        values = [found.stats["values"][k][place[k]] - solved.stats["payoffs"][k] for k in (0, 1)]
        gaps.append(float(np.max(np.abs(values))) / size(model))
    return float(np.max(gaps))


def _written_out(drawn: tuple[JammingModel, float | None]) -> float:
    """P_T, P_J, x and y of like channels, entry by entry."""
    model, discount = drawn
    (T, J), nf, (DT, DJ) = (model.transmitter, model.jammer), model.channels, stakes(model)
    gT, gJ = T.power_costs, J.power_costs
    PT = T.rewards[0] - gT[0] - T.hop * (nf - 1) / nf - DT / nf
    PJ = DJ / nf - J.penalty - gJ[-1] - J.hop * (nf - 1) / nf
    found = jamming.closed_form(model, discount=discount)
    gaps = [np.max(np.abs(found.stats["values"][0] - PT)) / DT, np.max(np.abs(found.stats["values"][1] - PJ)) / DJ]
    for state, (fT, fJ) in enumerate(places(model)):
        x, y = (mix.reshape(nf, -1) for mix in at(found.require(), state))
        for f in range(nf):
            last = (T.rewards[0] - PT - T.hop * (f != fT) - gT[-1]) / DT
            first = (PJ + J.penalty + J.hop * (f != fJ) + gJ[0]) / DJ
            gaps.append(np.max(np.abs(y[f] - [*np.diff(gT) / DT, last])))
            gaps.append(np.max(np.abs(x[f] - [first, *np.diff(gJ) / DJ])))
    return float(np.max(gaps))


def _conditions(model: JammingModel) -> float:
    """In eighths, which floats compare exactly: costs rise, D_T > H_T + nf dg_T and D_J > (nf - 1) H_J + nf dg_J."""
    (T, J), nf, (DT, DJ) = (model.transmitter, model.jammer), model.channels, stakes(model)
    rising = all(np.all(np.diff(radio.power_costs) > 0) for radio in (T, J))
    bounds = T.hop + nf * np.ptp(T.power_costs), (nf - 1) * J.hop + nf * np.ptp(J.power_costs)
    wide = all(stake > bound for stake, bound in zip((DT, DJ), bounds, strict=True))
    expected, found = bool(rising and wide), jamming.closed_form(model)
    assert found.status is (Status.SOLVED if expected else Status.NONE_EXISTS), f"closed form: {found.status}"
    told = all(condition.holds for condition in jamming.completely_mixed_conditions(model))
    assert told == expected, f"the conditions are said to hold: {told}"
    solved = [bimatrix.completely_mixed(model.stage_game(*place)) for place in ((0, 0), (0, nf - 1))]
    assert all(bool(each.profiles) == expected for each in solved), "the bordered solve says otherwise"
    return 0.0


def _whose_channel(drawn: tuple[JammingModel, float | None]) -> float:
    """The transmitter's mix depends on the jammer's previous channel alone, and the jammer's on the transmitter's."""
    model, discount = drawn
    nf = model.channels
    x, y = (mix.reshape(nf, nf, -1) for mix in jamming.closed_form(model, discount=discount).require())
    gaps = [np.max(np.abs(x - x[:1])), np.max(np.abs(y - y[:, :1]))]
    for state, place in enumerate(places(model)):
        solved = bimatrix.completely_mixed(model.stage_game(*place)).profiles if discount == 0.0 else ()
        gaps += [distance(profile, (x[0, state % nf], y[state // nf, 0])) for profile in solved]
    return float(np.max(gaps))


def _separable(drawn: tuple[JammingModel, int]) -> float:
    """A / D_T + B / D_J is a number by row plus one by column; the zero-sum game of it has the same equilibria."""
    model, pick = drawn
    stage = model.stage_game(pick % model.channels, pick // 4 % model.channels)
    DT, DJ = stakes(model)
    total = stage.A / DT + stage.B / DJ
    rest = total - total[:, :1] - total[:1] + total[0, 0]
    payoffs = stage.A / DT - total[:1]
    moved = BimatrixGame(payoffs, -payoffs)
    programme, path = bimatrix.zero_sum(moved).require(), bimatrix.lemke_howson(stage).require()
    crossed = Profile(programme.row, path.column)
    return float(np.max([np.max(np.abs(rest)), off(stage, programme), off(stage, path), off(stage, crossed)]))


def _only_one(drawn: tuple[JammingModel, int]) -> float:
    """By trying everything up to 4 actions, by complete lists beyond."""
    model, pick = drawn
    fT, fJ = pick % model.channels, pick // 4 % model.channels
    stage = model.stage_game(fT, fJ)
    found = jamming.closed_form(model, discount=0.0)
    claimed = at(found.require(), fT * model.channels + fJ)
    known = Listed(stage).equilibria if max(stage.shape) <= 4 else bimatrix.extreme_equilibria(stage).profiles
    if found.stats["unique"] or model.homogeneous:
        assert len(known) == 1, f"there are {len(known)} extreme equilibria"
        assert jamming.unique(model, discount=0.0), "it is not said to be unique"
    return min(distance(claimed, profile) for profile in known)


# --- names and units -------------------------------------------------------------------------------------------------


@st.composite
def _renamed(draw: Any) -> tuple[JammingModel, list[int]]:
    model = draw(jamming_models(max_channels=3))
    return model, list(draw(st.permutations(range(model.channels))))


def _names_of_channels(drawn: tuple[JammingModel, list[int]]) -> float:
    """Stage games of renamed channels are those renamed; of like channels there are two, up to names."""
    model, order = drawn
    radios = [
        Radio(r.rewards[order], r.penalty, r.power_costs, r.hop_costs[np.ix_(order, order)])
        for r in (model.transmitter, model.jammer)
    ]
    other = JammingModel(radios[0], radios[1], model.jamming)
    rows, columns = (
        (np.array(order)[:, None] * r.powers + np.arange(r.powers)).ravel() for r in (model.transmitter, model.jammer)
    )
    gaps = [0.0]
    for fT, fJ in places(model):
        stage, renamed = model.stage_game(order[fT], order[fJ]), other.stage_game(fT, fJ)
        cells = np.ix_(rows, columns)
        gaps += [np.max(np.abs(stage.A[cells] - renamed.A)), np.max(np.abs(stage.B[cells] - renamed.B))]
        if model.homogeneous:
            like = model.stage_game(0, int(fT != fJ))
            gaps += [
                np.max(np.abs(np.sort(M, axis=None) - np.sort(N, axis=None)))
                for M, N in ((stage.A, like.A), (stage.B, like.B))
            ]
    return float(np.max(gaps)) / size(model)


@st.composite
def _converted(draw: Any) -> tuple[JammingModel, JammingModel, Profile, int, Array]:
    """A model, the same in other units and with other zeros of payoff, a profile of a state, and the units."""
    model = draw(jamming_models(max_channels=3))
    units = [draw(st.sampled_from([1.0, 2.0**-10, 8.0, 2.0**40])) for _ in range(2)]
    shift = draw(st.integers(-50, 50))
    radios = [
        Radio(unit * r.rewards + unit * by, unit * r.penalty - unit * by, unit * r.power_costs, unit * r.hop_costs)
        for r, unit, by in zip((model.transmitter, model.jammer), units, (shift, -shift), strict=True)
    ]
    state = draw(st.integers(0, model.channels**2 - 1))
    shape = model.shape
    return model, JammingModel(radios[0], radios[1], model.jamming), draw(profiles(shape)), state, np.array(units)


def _units(drawn: tuple[JammingModel, JammingModel, Profile, int, Array]) -> float:
    """Regrets are at least 0 and in the new units, solvers' are 0, and the closed form is the same."""
    model, moved, profile, state, units = drawn
    one, other = (each.stage_game(*places(model)[state]) for each in (model, moved))
    before, after = one.regrets(profile), other.regrets(profile)
    assert before.min() >= 0, f"a regret is {before.min():.3g}"
    sizes = np.where(one.magnitudes() > 0, one.magnitudes(), 1.0)
    gaps = [np.max(np.abs(after / units - before) / sizes)]
    true = [float(gain) for gain in regrets(one, *profile)]
    gaps.append(np.max(np.abs(np.array(true) - before) / sizes))
    gaps += [off(game, bimatrix.lemke_howson(game).require()) for game in (one, other)]
    if model.transmitter.powers == model.jammer.powers:
        found = [jamming.closed_form(each, discount=0.5) for each in (model, moved)]
        if found[0].profiles and found[0].stats["least"] > 1e-6:
            gaps += [np.max(np.abs(a - b)) for a, b in zip(*(each.require() for each in found), strict=True)]
    return float(np.max(gaps))


# --- what fails ------------------------------------------------------------------------------------------------------


def _no_claim(drawn: tuple[JammingModel, float | None]) -> float:
    """(11) holds in every stage game, one of which has no completely mixed equilibrium; none is claimed."""
    model, discount = drawn
    solved = [bimatrix.completely_mixed(model.stage_game(*place)) for place in places(model)]
    assert all(each.stats["sign_A"] and each.stats["sign_B"] for each in solved), "a determinant is said to be 0"
    assert {each.status for each in solved} <= {Status.SOLVED, Status.NONE_EXISTS}, "a stage game is not decided"
    assert any(each.status is Status.NONE_EXISTS for each in solved), "all stage games have a mixed equilibrium"
    found = jamming.closed_form(model, discount=discount)
    assert found.status is Status.NONE_EXISTS, f"the closed form is {found.status}"
    assert not found.profiles, "a completely mixed equilibrium is claimed"
    assert "fails" in found.stats["reason"], "no inequality is named"
    assert not jamming.unique(model, discount=discount), "a unique equilibrium is claimed"
    stage = model.stage_game(0, 0)
    return off(stage, bimatrix.lemke_howson(stage).require())


def _others(drawn: tuple[int, list[int]]) -> float:
    """Diagonal games: one completely mixed equilibrium of 2^n - 1; and a dilemma, which has none."""
    size, values = drawn[0], drawn[1][: drawn[0]]
    game = BimatrixGame(np.diag(values), np.diag(values[::-1]))
    assert len(bimatrix.extreme_equilibria(game).profiles) == 2**size - 1, "equilibria are missing"
    solved = bimatrix.completely_mixed(game)
    assert not solved.complete, "one of several equilibria is said to be all"
    a, b = values[:2]
    dilemma = bimatrix.completely_mixed(BimatrixGame([[a, 0], [a + b, 1]], [[a, a + b], [0, 1]]))
    assert not dilemma.profiles, "a dilemma has a mixed equilibrium"
    inverse = 1 / np.array(values, dtype=float)
    return distance(solved.require(), (inverse[::-1] / inverse.sum(), inverse / inverse.sum()))


# --- payoffs ---------------------------------------------------------------------------------------------------------


def _printed(model: JammingModel) -> float:
    """(1) and (2), one pair of actions at a time; alpha is 1 where nothing is jammed, hops are from own channels."""
    T, J, nf, gaps = model.transmitter, model.jammer, model.channels, [0.0]
    written = Written(model.game(0.5))
    for state, (fT, fJ) in enumerate(places(model)):
        stage = model.stage_game(fT, fJ)
        for a, b in itertools.product(*map(range, model.shape)):
            (f, c), (g, d) = divmod(a, T.powers), divmod(b, J.powers)
            alpha = 1.0 - (model.jamming[c, d] if f == g else 0.0)
            paid = T.rewards[f] * alpha - T.penalty * (1 - alpha) - T.hop_costs[fT, f] * (f != fT) - T.power_costs[c]
            taken = J.rewards[g] * (1 - alpha) - J.penalty * alpha - J.hop_costs[fJ, g] * (g != fJ) - J.power_costs[d]
            gaps += [abs(stage.A[a, b] - paid), abs(stage.B[a, b] - taken)]
            gaps += [abs(written.payoffs[k][state, a, b] - v) for k, v in ((0, paid), (1, taken))]
            assert written.law[state, a, b, f * nf + g] == 1.0, "play goes on in another state"
    extremes = [(M.min(), M.max()) for M in written.payoffs]
    told = zip(model.least_payoffs, model.most_payoffs, strict=True)
    gaps += [abs(x - y) for pair, other in zip(extremes, told, strict=True) for x, y in zip(pair, other, strict=True)]
    return float(np.max(gaps)) / size(model)


# --- the records -----------------------------------------------------------------------------------------------------


PROPERTIES: tuple[Property, ...] = (
    *_determinants.PROPERTIES,
    of_models(
        "07a",
        "(13)-(17)",
        "The closed form is the bordered solve and the end of Lemke and Howson's path",
        lambda: models(*MIXED),
        _three_ways,
        tolerance=1e-9,
        share=0.2,
    ),
    of_models(
        "07b",
        "(13)-(17)",
        "Probabilities and payoffs of like channels are as written out",
        lambda: by_discount("mixed"),
        _written_out,
        tolerance=1e-11,
        share=0.5,
    ),
    of_models(
        "08",
        "(11)",
        "A completely mixed equilibrium exists exactly where both inequalities hold",
        lambda: models(*ALIKE),
        _conditions,
        share=0.4,
    ),
    of_models(
        "09",
        "",
        "Each player's mix depends on the opponent's previous channel alone",
        lambda: by_discount(*MIXED),
        _whose_channel,
        tolerance=1e-9,
        share=0.4,
    ),
    of_models(
        "10",
        "",
        "Stage games of like channels are strategically zero-sum",
        lambda: st.tuples(models(*ALIKE), st.integers(0, 15)),
        _separable,
        tolerance=1e-9,
        share=0.2,
    ),
    of_models(
        "11",
        "",
        "A completely mixed equilibrium is the only one where stakes have one ratio",
        lambda: st.tuples(models(*MIXED, channels=3, powers=2), st.integers(0, 15)),
        _only_one,
        tolerance=1e-9,
        share=0.2,
    ),
    of_models(
        "12", "", "The names of channels do not matter", _renamed, _names_of_channels, tolerance=1e-14, share=0.4
    ),
    of_models("14", "", "Units and zeros of payoffs change no strategy", _converted, _units, tolerance=1e-9, share=0.3),
    *_jamming_futures.PROPERTIES,
    of_models(
        "23a",
        "(1), (2)",
        "Stage games have the printed payoffs",
        lambda: models(channels=3, powers=2),
        _printed,
        tolerance=1e-14,
        share=0.3,
    ),
    of_models(
        "24a",
        "(11)",
        "Where an inequality fails, nothing completely mixed is claimed",
        lambda: by_discount("outside", "flat", channels=3),
        _no_claim,
        tolerance=1e-9,
        share=0.3,
    ),
    of_models(
        "24b",
        "(11)",
        "Other equilibria are not denied, and none is made up",
        lambda: st.tuples(st.integers(2, 4), st.lists(st.integers(2, 9), min_size=4, max_size=4)),
        _others,
        tolerance=1e-12,
        share=0.3,
        save=None,
    ),
    *_stochastic.PROPERTIES,
    *_learning.PROPERTIES,
)
