"""Fails unless the answers of the commands (`--json`) are proved, where that is due, and certified.

The equilibria of a jamming game are also checked here anew, from its parameters, without any of this project's code.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def faults(answer: dict[str, Any]) -> list[str]:
    """What is missing from the evidence of `answer`, in words; empty if nothing is."""
    if "markov_perfect" in answer:
        return [*unplayed(answer), *uncertified(answer)]
    if "framework" in answer:
        return unlearnt(answer)
    return [*(unproved(answer["proof"]) if "proof" in answer else unsolved(answer)), *uncertified(answer)]


def unproved(proof: list[dict[str, Any]]) -> list[str]:
    """The obligations of a Stackelberg game's case table that are not proved."""
    if not proof:
        return ["no proof obligation was reported"]
    return [f"{row['obligation']}: {row['verdict']}" for row in proof if row["verdict"] != "proved"]


def unsolved(answer: dict[str, Any]) -> list[str]:
    """What the answer of a bimatrix or a hedonic game lacks."""
    return [
        *([] if answer["status"] == "solved" else [f"the status is {answer['status']}"]),
        *([] if answer.get("equilibria") or answer.get("partition") else ["no equilibrium or partition was reported"]),
    ]


def uncertified(answer: dict[str, Any]) -> list[str]:
    """Why the certificate is none."""
    certificate = answer["certificate"]
    if certificate and certificate["holds"] is True and certificate["residual"] <= certificate["tolerance"]:
        return []
    return [f"the certificate does not hold: {certificate}"]


# --- federated learners ------------------------------------------------------------------------------------------


def unlearnt(answer: dict[str, Any]) -> list[str]:
    """What the rounds of federated learners under the paper's framework lack."""
    rounds = answer["rounds"]
    found = [] if rounds else ["no round was reported"]
    if [page["round"] for page in rounds] != list(range(1, len(rounds) + 1)):
        found.append("the rounds are not numbered from 1")
    return [*found, *(f"round {page['round']}: {fault}" for page in rounds for fault in unsettled(page, answer))]


def unsettled(page: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one round, as far as its numbers tell."""
    yield from uncertified(page)
    if page["stable"] is not True and not page["cycling"]:
        yield "the partition is neither stable nor on a cycle"
    if page["stable"]:
        yield from uncertified({"certificate": page["partition_certificate"]})
    low, high = answer["parameters"]["incentives"]
    if not all(low <= price <= high for price in page["prices"] if price is not None):
        yield f"a price is out of bounds: {page['prices']}"
    if [page["coalitions"][head] for head in page["heads"]] != list(range(len(page["heads"]))):
        yield "a head is in another coalition"
    if any(slot == -1 and profit for slot, profit in zip(page["coalitions"], page["profits"], strict=True)):
        yield "a user in no coalition earns something"
    if not math.isclose(page["profit"], math.fsum(page["profits"]) / len(page["profits"]), abs_tol=1e-9):
        yield "the profit is not the mean of the profits"
    if not math.isclose(page["provider_utility"], math.fsum(page["provider_utilities"]), abs_tol=1e-9):
        yield "the provider's utility is not the sum over coalitions"
    if not 0 < page["completion_time"] <= answer["parameters"]["deadlines"][1] * (1 + 1e-9):
        yield f"the round took {page['completion_time']} s, longer than any deadline"


# --- jamming games -----------------------------------------------------------------------------------------------


PLAYERS = ("transmitter", "jammer")


def unplayed(answer: dict[str, Any]) -> list[str]:
    """What the answer of a jamming game lacks, or where its equilibria are none."""
    asked = answer["parameters"]
    found = [] if answer["status"] == "solved" else [f"the status is {answer['status']}"]
    found += [] if answer["learning"] or not asked["steps"] else ["no learners were reported"]
    found += [] if asked["discount"] != "average" else ["an average payoff is not checked here"]
    expected = [[i, j] for i in range(asked["channels"]) for j in range(asked["channels"])]
    for name, entries in (("stage games", answer["stage_games"]), ("future", answer["markov_perfect"]["strategies"])):
        complete = [entry["state"] for entry in entries or []] == expected
        found += [] if complete else [f"{name}: not every state has strategies"]
    return found or [*gaining_now(answer), *gaining_later(answer)]


def gaining_now(answer: dict[str, Any]) -> Iterator[str]:
    """Who gains in a stage game by deviating."""
    asked, limit = answer["parameters"], answer["certificate"]["tolerance"]
    nothing = {player: [0.0] * asked["channels"] ** 2 for player in PLAYERS}
    for entry, worth in zip(answer["stage_games"], worths(asked, answer["stage_games"], nothing, 0.0), strict=True):
        for player in PLAYERS:
            if not max(worth[player]) - mean(entry[player], worth[player]) <= limit:
                yield f"stage game {entry['state']}: the {player} gains by deviating"


def gaining_later(answer: dict[str, Any]) -> Iterator[str]:
    """Whose values are not those of the profile, and who gains in the stochastic game by deviating from it."""
    asked, perfect, limit = answer["parameters"], answer["markov_perfect"], answer["certificate"]["tolerance"]
    found = worths(asked, perfect["strategies"], perfect["values"], asked["discount"])
    for s, (entry, worth) in enumerate(zip(perfect["strategies"], found, strict=True)):
        for player in PLAYERS:
            value = perfect["values"][player][s]
            if not abs(mean(entry[player], worth[player]) - value) <= limit:
                yield f"state {entry['state']}: the value of the {player} is not that of its strategy"
            if not max(worth[player]) - value <= limit * (
                1.0 - asked["discount"]
            ):  # once, so for ever within the limit
                yield f"state {entry['state']}: the {player} gains by deviating"


def mean(strategy: list[float], worth: list[float]) -> float:
    """The expected worth; nan unless the strategy is one."""
    valid = min(strategy) >= 0 and abs(math.fsum(strategy) - 1) <= 1e-9
    return math.fsum(p * w for p, w in zip(strategy, worth, strict=True)) if valid else math.nan


def worths(
    asked: dict[str, Any], strategies: list[dict[str, Any]], values: dict[str, list[float]], discount: float
) -> Iterator[dict[str, list[float]]]:
    """For each state and player, what each action is worth per step, with `values` of the next state."""
    for entry in strategies:
        found = {player: [0.0] * len(entry[player]) for player in PLAYERS}
        for a, p in enumerate(entry["transmitter"]):
            for b, q in enumerate(entry["jammer"]):
                paid, after = step(asked, entry["state"], a, b)
                worth = {name: (1.0 - discount) * paid[name] + discount * values[name][after] for name in PLAYERS}
                found["transmitter"][a] += q * worth["transmitter"]
                found["jammer"][b] += p * worth["jammer"]
        yield found


def step(asked: dict[str, Any], state: list[int], a: int, b: int) -> tuple[dict[str, float], int]:
    """Both players' payoffs of a pair of actions, and the number of the next state."""
    sender, jammer, jamming = asked["transmitter"], asked["jammer"], asked["jamming"]
    (f, c), (h, e) = divmod(a, len(sender["power_costs"])), divmod(b, len(jammer["power_costs"]))
    jammed = jamming[c][e] if f == h else 0.0
    paid = {
        "transmitter": sender["rewards"][f] * (1.0 - jammed) - sender["penalty"] * jammed,
        "jammer": jammer["rewards"][h] * jammed - jammer["penalty"] * (1.0 - jammed),
    }
    paid["transmitter"] -= sender["hop_costs"][state[0]][f] + sender["power_costs"][c]
    paid["jammer"] -= jammer["hop_costs"][state[1]][h] + jammer["power_costs"][e]
    return paid, f * asked["channels"] + h


if __name__ == "__main__":
    found = [f"{name}: {fault}" for name in sys.argv[1:] for fault in faults(json.loads(Path(name).read_text("utf-8")))]
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if found or not sys.argv[1:] else 0)
