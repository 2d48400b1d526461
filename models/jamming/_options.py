"""The options of `python -m models.jamming`: what they mean, which values they take, and the model they describe."""

from __future__ import annotations

import argparse
import math
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers._command import BadInput, Parser
from solvers._messages import quoted

if TYPE_CHECKING:
    from models.jamming._model import JammingModel

LEAST, MOST = 1e-100, 1e100  # size of a number that is not 0; products of three of them stay within float64
STEPS, RUNS = 100_000, 8
MOST_STEPS, MOST_RUNS = 10**10, 10_000  # which take hours
CHANNELS = 4
REWARD = 10.0
LOGISTIC = {"steepness": 1.0, "offset": 0.0}
SENSING = ("both", "transmitter", "jammer", "none")
RULES = ("threshold", "strict", "same-channel", "logistic")
MOST_ACTIONS = 5_000  # as of models
LARGEST_JSON = 2_000_000  # probabilities in the JSON, about 40 MB
DESCRIPTION = """\
Solve the stochastic game of a transmitter and a jammer who choose a channel and a power in every step.

A step pays the transmitter its reward, or costs it the penalty where it is jammed; the jammer's payoff is the reverse.
Both pay for their power, and for hopping to another channel than their own last one. Channels count from 0.

The answer holds two equilibria and how pairs of learning radios fare beside them:
  stage by stage   an equilibrium of each stage game, that is of each single step, one for every pair of last channels.
                   Its certificate is about each stage game alone. Played on and on, all of them together need not be
                   an equilibrium of the stochastic game: the table says whether they are, and what deviating gains.
  Markov-perfect   an equilibrium of the stochastic game, future steps included, with its certificate
"""
EPILOG = f"""\
success rules, who is jammed where both are on the same channel:
  threshold      the transmitter, by an equal or higher power of the jammer
  strict         the transmitter, by a higher power of the jammer
  same-channel   the transmitter, whatever the powers
  logistic       with probability 1 / (1 + exp(-steepness (jammer's power - transmitter's power - offset)))

learning radios: FP, fictitious play, senses what the opponent plays; PBAP, payoff-based adaptive play, sees its own
payoffs only. Each is simulated with three policies: greedy, epsilon-greedy (0.1) and payoff-proportional.

The JSON holds at most {LARGEST_JSON:,} probabilities; --brief leaves the strategies out of larger answers.
The picture is written only where both equilibria are certified.

Numbers are 0 or from {LEAST:g} to {MOST:g} in size. A list that starts with a negative number is written
--channel-rewards=-1,2.

exit status: 0 solved and certified, 1 not, 2 bad input, 130 interrupted
"""


# --- values ------------------------------------------------------------------------------------------------------


def _number(text: str) -> float:
    """A number of a size that payoffs can be computed with."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise argparse.ArgumentTypeError(f"must be a number, got {quoted(text)}")
    if value and not LEAST <= abs(value) <= MOST:
        raise argparse.ArgumentTypeError(f"must be 0 or from {LEAST:g} to {MOST:g} in size, got {quoted(text)}")
    return value


def _numbers(text: str) -> tuple[float, ...]:
    """Numbers between commas."""
    try:
        return tuple(_number(part) for part in text.split(","))
    except argparse.ArgumentTypeError as problem:
        if "," not in text:
            raise
        raise argparse.ArgumentTypeError(f"each {problem}, in {quoted(text)}") from None


def _whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        rule = "must be a whole number, written in digits"
        raise argparse.ArgumentTypeError(f"{rule}, got {quoted(text)}") from None


def _discount(text: str) -> float | None:
    """A number from 0 to below 1; none for the average payoff."""
    if text == "average":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be a number in [0, 1) or `average`, got {quoted(text)}")
    return value


# --- options -----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The parser of all options."""
    made = Parser(
        prog="python -m models.jamming",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_radios(made.add_argument_group("the radios"))
    _add_play(made.add_argument_group("play"))
    made.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    made.add_argument("--brief", action="store_true", help="leave the strategies out of the JSON")
    picture = "draw the chain of play, payoffs and actions (.png, .svg or .pdf), if the answer is certified"
    made.add_argument("--plot", metavar="P", help=picture)
    kept = "write the game and its equilibria to P, to be checked without solvers: python -m verification check P"
    made.add_argument("--certificate", metavar="P", help=kept)
    return made


def _add_radios(group: Any) -> None:
    def add(name: str, default: str, **how: Any) -> None:
        group.add_argument(name, help=f"default: {default}", **how)

    number, numbers = {"type": _number, "metavar": "X"}, {"type": _numbers, "metavar": "X,.."}
    add("--channels", f"{CHANNELS}, or one for each of --channel-rewards", type=_whole, metavar="N")
    add("--powers", "0.5,1,1.5; levels of transmission, increasing", **numbers)
    add("--jammer-powers", "those of the transmitter", **numbers)
    add("--costs", "the powers; what each of them costs in a step", **numbers)
    add("--jammer-costs", "the transmitter's costs, or the jammer's powers where these are given", **numbers)
    add("--reward", "10; of a step that is not jammed", **number)
    add("--penalty", "10; of a step that is jammed", **number)
    add("--hop", "1; cost of another channel than one's last", **number)
    add("--jammer-reward", "the transmitter's; of a step that is jammed", **number)
    add("--jammer-penalty", "the transmitter's; of a step that is not jammed", **number)
    add("--jammer-hop", "the transmitter's", **number)
    add("--channel-rewards", "one reward for all; both players' on channels 0, 1, ..", **numbers)
    rule = "who is jammed on the same channel, see below; default: threshold"
    group.add_argument("--success", choices=RULES, default="threshold", help=rule)
    add("--steepness", "1; of the logistic rule", **number)
    add("--offset", "0; of the logistic rule", **number)
    group.set_defaults(powers=(0.5, 1.0, 1.5), penalty=10.0, hop=1.0)


def _add_play(group: Any) -> None:
    discount = "of the next step's payoff, in [0, 1), or `average` for the long-run mean; default: 0.9"
    group.add_argument("--discount", type=_discount, metavar="D", default=0.9, help=discount)
    steps = f"that each pair of learners plays in a run, 0 for none; default: {STEPS:,}"
    group.add_argument("--steps", type=_whole, metavar="N", default=STEPS, help=steps)
    runs = f"of each pair, from which means and standard errors are taken; default: {RUNS}"
    group.add_argument("--runs", type=_whole, metavar="R", default=RUNS, help=runs)
    group.add_argument("--seed", type=_whole, metavar="K", default=0, help="of the learners; default: 0")
    sensing = "who senses the opponent's actions, and so can play FP; default: both"
    group.add_argument("--sensing", choices=SENSING, default="both", help=sensing)


# --- rules -------------------------------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> None:
    """Refuses options that do not go together, or have no meaning.

    Raises
    ------
    BadInput
        With the option, the rule, and the value.
    """
    if options.plot:
        from solvers._figure import check_format

        check_format(Path(options.plot))
    _check_play(options)
    _check_together(options)
    _check_channels(options)
    for player in ("", "jammer_"):
        _check_powers(options, player)
        _check_stakes(options, player)
        _refuse_below(options, f"{player}hop", 0.0)


def _check_play(options: argparse.Namespace) -> None:
    for name in ("steps", "seed"):
        if getattr(options, name) < 0:
            raise BadInput(f"--{name} must be at least 0, got {getattr(options, name)}")
    if options.steps > MOST_STEPS:
        raise BadInput(f"--steps must be at most {MOST_STEPS:,}, got {options.steps:,}")
    if not 1 <= options.runs <= MOST_RUNS:
        raise BadInput(f"--runs must be 1 to {MOST_RUNS:,}, got {options.runs:,}")


def _check_together(options: argparse.Namespace) -> None:
    """Whatever is given for the logistic rule, or for all channels, has a meaning."""
    for name in LOGISTIC:
        if getattr(options, name) is not None and options.success != "logistic":
            raise BadInput(f"--{name} goes with --success logistic, got {options.success}")
    if options.steepness is not None and options.steepness <= 0:
        raise BadInput(f"--steepness must be > 0, got {options.steepness:g}")
    for name in ("reward", "jammer_reward"):
        if options.channel_rewards and getattr(options, name) is not None:
            raise BadInput(f"--channel-rewards sets both players' rewards, so {_named(name)} goes without it")


def _check_channels(options: argparse.Namespace) -> None:
    rewards, count = options.channel_rewards, _channels(options)
    if count < 1:
        raise BadInput(f"--channels must be at least 1, got {count}")
    if rewards and len(rewards) != count:
        raise BadInput(f"--channel-rewards must be one per channel, {count}, got {len(rewards)}")
    for name in ("powers", "jammer_powers"):
        powers = getattr(options, name) or ()
        if len(powers) * count > MOST_ACTIONS:
            rule = f"--channels times the number of {_named(name)} must be at most {MOST_ACTIONS:,}"
            raise BadInput(f"{rule}, got {count:,} * {len(powers):,}")


def _check_powers(options: argparse.Namespace, player: str) -> None:
    """The player's powers increase; its costs are one for each, not negative, and do not decrease."""
    powers, costs = _source(options, player, "powers"), _costs(options, player)
    given = getattr(options, powers)
    for low, high in pairwise(given):
        if not low < high:
            raise BadInput(f"{_named(powers)} must be strictly increasing, got {low:g} before {high:g}")
    _check_costs(getattr(options, costs), costs, powers, len(given))


def _check_costs(costs: tuple[float, ...], name: str, powers: str, count: int) -> None:
    if len(costs) != count:
        raise BadInput(f"{_named(name)} must be one for each of {_named(powers)}, {count}, got {len(costs)}")
    for low, high in pairwise(costs):
        if low > high:
            raise BadInput(f"{_named(name)} must not decrease, got {low:g} before {high:g}")
    if costs[0] < 0:
        remedy = "" if "costs" in name else f", which are its costs too without {_named(_costs_of(name))},"
        raise BadInput(f"{_named(name)}{remedy} must be >= 0, got {costs[0]:g}")


def _check_stakes(options: argparse.Namespace, player: str) -> None:
    """A success is worth more than a failure."""
    name, penalty = _source(options, player, "reward"), _source(options, player, "penalty")
    if options.channel_rewards:
        name = "channel_rewards"
    rewards = options.channel_rewards or (REWARD if getattr(options, name) is None else getattr(options, name),)
    worth = min(rewards) + getattr(options, penalty)
    if not worth > 0:
        raise BadInput(f"{_named(name)} + {_named(penalty)} must be > 0, got {worth:g}")


def _refuse_below(options: argparse.Namespace, name: str, least: float) -> None:
    value = getattr(options, name)
    if value is not None and value < least:
        raise BadInput(f"{_named(name)} must be >= {least:g}, got {value:g}")


def _source(options: argparse.Namespace, player: str, name: str) -> str:
    """The option from which the player's number comes."""
    own = f"{player}{name}"
    return name if getattr(options, own) is None else own


def _costs(options: argparse.Namespace, player: str) -> str:
    """The option from which the player's costs come."""
    if player and options.jammer_costs is not None:
        return "jammer_costs"
    if player and options.jammer_powers is not None:
        return "jammer_powers"
    return "powers" if options.costs is None else "costs"


def _costs_of(powers: str) -> str:
    return powers.replace("powers", "costs")


def _named(name: str) -> str:
    return f"--{name.replace('_', '-')}"


# --- the model ---------------------------------------------------------------------------------------------------


def described(options: argparse.Namespace) -> JammingModel:
    """The model that the options describe."""
    from models.jamming._model import jamming_model

    return jamming_model(
        _channels(options),
        options.powers,
        jammer_powers=options.jammer_powers,
        costs=options.costs,
        jammer_costs=options.jammer_costs,
        reward=REWARD if options.reward is None else options.reward,
        penalty=options.penalty,
        hop=options.hop,
        jammer_reward=options.jammer_reward,
        jammer_penalty=options.jammer_penalty,
        jammer_hop=options.jammer_hop,
        channel_rewards=options.channel_rewards,
        success=_success(options),
    )


def _channels(options: argparse.Namespace) -> int:
    """As many as there are rewards, where only those are given."""
    if options.channels is None and options.channel_rewards:
        return len(options.channel_rewards)
    return CHANNELS if options.channels is None else int(options.channels)


def _success(options: argparse.Namespace) -> Any:
    """The rule that says who is jammed, with its numbers."""
    if options.success != "logistic":
        return options.success
    from models.jamming._success import logistic

    return partial(logistic, **_logistic(options))


def _logistic(options: argparse.Namespace) -> dict[str, float]:
    """The numbers of the logistic rule, none of another."""
    if options.success != "logistic":
        return {}
    given = {name: getattr(options, name) for name in LOGISTIC}
    return {name: LOGISTIC[name] if value is None else value for name, value in given.items()}


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """The options that the model does not hold, as JSON holds them."""
    return {
        "powers": options.powers,
        "jammer_powers": options.jammer_powers or options.powers,
        "success": {"rule": options.success, **_logistic(options)},
        "discount": "average" if options.discount is None else options.discount,
        "steps": options.steps,
        "runs": options.runs,
        "seed": options.seed,
        "sensing": options.sensing,
    }
