"""Why mutants survive that no test can notice, or need not; everything else that survives is open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Argument:
    """What is said of the mutants of a function, a pattern, whose changed lines match a regular expression."""

    where: str
    change: str
    kind: str
    why: str


def argument_for(function: str, lines: Sequence[str]) -> Argument | None:
    """The first argument about this change of `function`, None if there is none."""
    text = "\n".join(lines)
    return next((a for a in ARGUMENTS if fnmatchcase(function, a.where) and re.search(a.change, text)), None)


GAME, CERTIFY = "solvers.bimatrix._game.", "verification.certificates."
LEARN, STATIC = "solvers.learning._kernels.", "solvers.learning._static_kernels."
ENGINE, HEDONIC = "solvers.hedonic._engine.", "solvers.hedonic._*."
REGRETS, MARKOV = "solvers.stackelberg._regrets.", "solvers.stochastic._*."
CHECKED = "verification.check._*."
PIVOT, SUMS = "solvers.bimatrix._pivoting.", "solvers.stackelberg._kernels."

ARGUMENTS: tuple[Argument, ...] = (
    # --- certificates
    Argument(
        f"{GAME}*",
        r"\+ .*zip\(",
        "unreachable",
        "`strict=`: both sides have one entry per strategy, which `_checked` has seen to, or one per player.",
    ),
    Argument(
        f"{GAME}*",
        r"\+ .*(dtype=None|, \))",
        "equivalent",
        "`np.array` of fractions is an object array, and of indices one of `intp`, by itself.",
    ),
    Argument(
        f"{GAME}BimatrixGame.infeasibility",
        r"\+ return max\(\*",
        "equivalent",
        "The errors of the sums are absolute values, so that the maximum is at least 0 without the 0 among them.",
    ),
    Argument(
        f"{GAME}scaled",
        r"writeable = None",
        "equivalent",
        "NumPy takes `None` for false here.",
    ),
    Argument(
        f"{CERTIFY}certify",
        r"astype\(None\)",
        "equivalent",
        "`None` means float64.",
    ),
    # --- learning
    Argument(
        f"{LEARN}*",
        r"min\(int\(.*m \+ 1\)",
        "equivalent",
        "A guard that is never needed: a draw is at most 1 - 2^-53, and (1 - 2^-53) m rounds to less than m.",
    ),
    Argument(
        f"{LEARN}*",
        r"\+ (if mark - a|if \(mark - a\)|.*rng\.random\(\) <=)",
        "rounding",
        "A draw that is exactly the bound.",
    ),
    Argument(
        f"{LEARN}greatest",
        r"\+ found, ties = (1, 1|0, 2)",
        "equivalent",
        "The first action is better than -inf, and sets both.",
    ),
    Argument(
        f"{LEARN}advance",
        r"np\.zeros\(3",
        "equivalent",
        "A third entry that nobody reads.",
    ),
    Argument(
        f"{LEARN}advance",
        r"events\.shape\[1\]",
        "equivalent",
        "The array of events is (0, 0) without events, and has a row and a column at least with them.",
    ),
    Argument(
        f"{LEARN}advance",
        r"\+ inverse = ",
        "equivalent",
        "The reciprocal is used for beliefs only.",
    ),
    Argument(
        f"{LEARN}advance",
        r"(= -2\b|a = .*, -2$|-2 if random_ties)",
        "equivalent",
        "Any number below 0 says that there is no action.",
    ),
    Argument(
        f"{LEARN}advance",
        r"inverse - MARGIN\)",
        "rounding",
        "The margin covers rounding of the bound of a draw by rejection, and is 1e-9 of it.",
    ),
    Argument(
        f"{LEARN}advance",
        r"if a >= 0 or by_beliefs",
        "equivalent",
        "Where there is no action yet, a = -1 reads the last one, and whatever that says, a is -1 afterwards.",
    ),
    Argument(
        f"{LEARN}advance",
        r"\+ (if usual|if after >|if random_ties or|elif|if weight|if forgets)",
        "performance",
        "Where both sides are equal all actions are looked at once more, or once less with the same outcome; a weight "
        "divided by 1 is itself, and one of exactly 1e100 may be scaled or not.",
    ),
    Argument(
        f"{LEARN}advance",
        r"\+ best\[p, i\] = .* if ",
        "equivalent",
        "Of several best actions none stands out by more than the room for rounding, so that by beliefs all are looked "
        "at again whatever is kept here; by own payoffs they are after every action, where ties are random.",
    ),
    Argument(
        f"{STATIC}reply",
        r"\+ (best, tied = |best_high, best_low = )",
        "equivalent",
        "Sums are at least 0, so that the first strategy is better than a high digit below 0, and sets all four.",
    ),
    Argument(
        f"{STATIC}reply",
        r"\+ for k in range\(low\.size\)",
        "performance",
        "Strategies before the first of the best do not tie with it.",
    ),
    # --- sums over followers
    Argument(
        f"{SUMS}totals",
        r"banks\[1\]\.shape|run_block\(early\[k\], None",
        "equivalent",
        "All banks have one width, and the program of what depends on the price alone reads no column.",
    ),
    # --- pivoting
    Argument(
        f"{PIVOT}*",
        r"[<>]= ?-?(LEX|TIE|PIVOT|DRIFT|LOST|SINGULAR)\b|< TIE|> -LOST|< least \+ LEX|< DRIFT|<= SINGULAR",
        "rounding",
        "A number that is exactly the threshold of rounding.",
    ),
    Argument(
        f"{PIVOT}*",
        r"2\.0 \* \(",
        "equivalent",
        "The column of a slack in the basis is a unit vector: one tied row has the unit there and all others have 0; "
        "which is larger does not depend on the size of the unit.",
    ),
    Argument(
        f"{PIVOT}leaving*",
        r"\+ (limits|if limits|return first|if d > PIVOT and values\[Z, a\] <= )",
        "performance",
        "Ties are looked for where there is none, and none is found; where there are some, the first of them found "
        "does not matter.",
    ),
    Argument(
        f"{PIVOT}subtract_rows",
        r"\+ while a \+ [45]",
        "performance",
        "Four rows are subtracted one by one.",
    ),
    Argument(
        f"{PIVOT}*",
        r"T\.shape\[2\]|\(k, 3 \* k\)|\+ block = 17|\+ .*range\((0, [mn], |min\(.*|2 \* k|3|m|n)\)",
        "performance",
        "The arrays are square, or wider than is needed; blocks overlap or are of another size; a row is looked at "
        "twice; the answer is refined once more.",
    ),
    Argument(
        f"{PIVOT}*",
        r"\+ state, saved, lap, power",
        "equivalent",
        "Any two words that hashes do not meet serve as the first state and the first checkpoint.",
    ),
    Argument(
        f"{PIVOT}*",
        r"3 \* labels",
        "equivalent",
        "Any distance that keeps the words of labels apart.",
    ),
    Argument(
        f"{PIVOT}inverse_of",
        r">= abs\(work",
        "equivalent",
        "Of two pivots of one size either serves.",
    ),
    Argument(
        f"{PIVOT}*",
        r"= -2 if|= -2, -1|= -1, -2|= -1, \+1|\+ return -2|position = -1 if \(probability\) and False|out\[i\] = None",
        "equivalent",
        "Any number below 0 says that there is none; what is not in the basis has the place -1 already; `None` becomes "
        "nan, which is scaled to 0.",
    ),
    Argument(
        f"{PIVOT}normalised",
        r"else 1\.0",
        "equivalent",
        "Where all payoffs are equal each less the least is 0, times anything.",
    ),
    Argument(
        f"{PIVOT}revised",
        r"size_b, None\)",
        "equivalent",
        "`None` is as false as `False`.",
    ),
    Argument(
        f"{PIVOT}settle",
        r"\+ worst = 1\.0",
        "equivalent",
        "Only whether it ends below -1e-6 matters.",
    ),
    # --- hedonic games
    Argument(
        f"{HEDONIC}*",
        r"\+ .*zip\(.*(strict=None|strict=False|, \)+:?)",
        "unreachable",
        "`strict=` of `zip`: both sides are of one length by construction.",
    ),
    Argument(
        f"{ENGINE}*coalition",
        r"inside",
        "equivalent",
        "What is remembered only has to tell coalitions apart: the others in the slot, or those outside it, do as "
        "well, with the player itself or without it.",
    ),
    Argument(
        f"{ENGINE}*make",
        r"history or move",
        "performance",
        "More is noted, and never looked up.",
    ),
    Argument(
        "solvers.hedonic._verdicts.permitted_switches",
        r"gains\[slot\] < 0|== partition\.slots\[player\] and values|kind=\"STABLE\"",
        "equivalent",
        "A gain of 0 is no more than its tolerance, and as a regret it is the 0 that would be there without it; a slot "
        "where the player may not go has a gain of -inf; NumPy reads the first letter of a kind of sorting.",
    ),
    Argument(
        "solvers.hedonic._verdicts.*",
        r"\(bounds < 0\)|if permission == .*(XX|NASH)",
        "performance",
        "Who gains nothing is asked for its best switch, and has none; the worst switch is looked for where "
        "comparing the regrets would do.",
    ),
    Argument(
        f"{ENGINE}*gaining",
        r"\(by_gain\) or True",
        "rounding",
        "Where one player looks, gains are in the order of values.",
    ),
    Argument(
        f"{ENGINE}*path",
        r"dtype=None|column, \)",
        "equivalent",
        "The columns are arrays of 64-bit integers as they are.",
    ),
    Argument(
        f"{ENGINE}*",
        r"switched = None|array\(\"Q\"\)|gains, \)|targets\(self\.partition, None\)",
        "equivalent",
        "`None` is as false; numbers of players are not negative; an array of doubles is one of float64; where heads "
        "may not go the value is -inf.",
    ),
    Argument(
        f"{ENGINE}*",
        r"\+ chosen, best, equals|player \+ 2\)|player - 1\)|player \+ 1\) / n|range\(n\), 1|\(start, 1\)",
        "equivalent",
        "Any value is above -inf; whose turn is next only has to tell turns apart, since after one switch the start is "
        "no checkpoint any more.",
    ),
    # --- Stackelberg games
    Argument(
        f"{REGRETS}*",
        r"float\(\"INF\"\)|result >= 0|replace=None",
        "equivalent",
        "`float` reads either; a regret of 0 is 0; `None` is as false.",
    ),
    Argument(
        f"{REGRETS}*",
        r"\+ .*zip\(.*(strict=None|strict=False|, \))",
        "unreachable",
        "`strict=`: there is one row, one peak and one bracket for each.",
    ),
    Argument(
        f"{REGRETS}*",
        r"isfinite\(high \+ low\)|reduce\(tried, \)",
        "equivalent",
        "Sum and difference are finite where both ends are; the first axis is the one by default.",
    ),
    Argument(
        f"{REGRETS}*best_payoff",
        r"max\(2, BATCH|else 0, \):",
        "performance",
        "More is computed at once, or again.",
    ),
    Argument(
        f"{REGRETS}*edges",
        r"\+ (sign = |if not np\.any|feasible = .* < )",
        "performance",
        "The first step is twice as long, or steps are tried once more; or an excess is just what rounding may cause.",
    ),
    Argument(
        f"{REGRETS}*interval",
        r"_edges\((None|self\._bounds\[1\])",
        "equivalent",
        "No constraint has the price.",
    ),
    # --- stochastic games
    Argument(
        f"{MARKOV}*",
        r"none\[:, 1\]|\+ if sweep == SWEEPS or high - low < ",
        "equivalent",
        "All columns are nan; an enclosure that is exactly as narrow as asked is narrowed once more.",
    ),
    Argument(
        f"{MARKOV}ahead",
        r"\+ (for k, mean|steps = .* >= |reached = .*astype\(None\))",
        "equivalent",
        "Where all means are one their differences are 0; `None` means float64; or means differ by exactly what is no "
        "difference.",
    ),
    Argument(
        f"{MARKOV}average_bounds",
        r"\+ none = ",
        "equivalent",
        "The choices of the profile itself are thrown away.",
    ),
    Argument(
        f"{HEDONIC}switch_verdict",
        r"len\(gainers\) else [+-][12] ",
        "equivalent",
        "Who that would be is not looked at where nobody gains.",
    ),
    Argument(
        f"{HEDONIC}worst_permitted",
        r"\+ gainers = np.flatnonzero\(~\(bounds < |\+ if found is not None and bounds\[i\] < ",
        "performance",
        "Some are asked in vain: who gains no more than its tolerance, or than the best that was found.",
    ),
    Argument(
        f"{HEDONIC}worst_permitted",
        r"permitted >= tolerances|not gain < tolerances",
        "rounding",
        "It differs where a gain is exactly its tolerance.",
    ),
    Argument(
        f"{HEDONIC}*",
        r"\+ .*np.argsort\(.*(kind=None|kind=\"STABLE\"|, \))",
        "equivalent",
        "NumPy reads the first letter of a kind of sorting; by default up to 16 numbers are sorted by insertion, which "
        "is stable, and these are the players or slots of games small enough to be looked at in full.",
    ),
    Argument(
        f"{HEDONIC}worst_block",
        r"\+ for slot in range",
        "performance",
        "Slots that are alike are looked at more than once.",
    ),
    Argument(
        f"{HEDONIC}loner",
        r"OUT, None",
        "equivalent",
        "What a player gets outside does not depend on members.",
    ),
    Argument(
        f"{HEDONIC}gains",
        r"willing\[:-1\] = |content = ",
        "equivalent",
        "All are willing at first; or players are asked in another order, with the same answers.",
    ),
    Argument(
        f"{MARKOV}exploitability",
        r"\+ if not distance < FEASIBLE",
        "rounding",
        "It differs for a profile that is exactly as far from the strategy sets as is forgiven.",
    ),
    Argument(
        f"{MARKOV}measured",
        r"\+ .*zip\(",
        "unreachable",
        "`strict=` of `zip`: each player's measure has the same five parts.",
    ),
    Argument(
        f"{MARKOV}side",
        r"states < DIRECT",
        "performance",
        "With exactly that many states the other of two methods is used.",
    ),
    Argument(
        f"{MARKOV}discounted_best",
        r"values >= IMPROVES",
        "rounding",
        "It differs where an improvement is exactly the least that counts.",
    ),
    Argument(
        f"{MARKOV}ahead",
        r"\+ return ahead, 9 ",
        "rounding",
        "What rounding may have changed is bounded a little more generously.",
    ),
    Argument(
        f"{MARKOV}width",
        r"\+ return .* 65 ",
        "rounding",
        "What rounding may have changed is bounded a little more generously.",
    ),
    # --- check-nash
    Argument(
        f"{CHECKED}*",
        r"\+ .*(sum\(.*, \)|zip\()",
        "equivalent",
        "Sums of rationals are rationals whether they begin with a rational 0 or not, and nothing is summed up that is "
        "empty; both sides of `zip` are of one length by construction.",
    ),
    Argument(
        f"{CHECKED}normalised",
        r"\+ .*(p >= 0 else|\(positive == 1\) and False)",
        "equivalent",
        "A probability of 0 is 0 either way, and dividing by 1 changes nothing.",
    ),
    Argument(
        f"{CHECKED}*",
        r"mantissa >= 0|value >= found|gain < 0|exact <= 0|XX\+XX",
        "equivalent",
        "A ball so small has a mantissa other than 0; of equal numbers either is the largest; a gain of 0 is 0 times "
        "any limit; 0 has been shown before; no rational begins with an X.",
    ),
)
