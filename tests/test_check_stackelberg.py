"""Stackelberg certificates are checked from the file alone, and everything enclosed is enclosed."""

import ast
import copy
import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame, NotSolved
from solvers.stackelberg import Profile, StackelbergGame, load, solve
from solvers.stackelberg.__main__ import main
from verification import certify
from verification._stackelberg_files import claim_document, game_document
from verification.check import BadCertificate, check
from verification.check._document import Node
from verification.check._expressions import parse, parse_constraint
from verification.check._gains import between
from verification.check._intervals import Interval, exactly, thin, total
from verification.check._jets import BEND, CROSS, DECISION, PRICE, Function, ball_value
from verification.check._leader import Leader
from verification.check._stackelberg import judge
from verification.check._stackelberg_game import read_game
from verification.stackelberg_strategies import stackelberg_games

CHECK = Path(__file__).parent.parent / "verification" / "check"
SCENARIOS = ["gfml", "gfml-interior", "cloud-pricing"]


def documents(game, profile):
    """The game and the claim as a certificate has them, after a trip through JSON."""
    tolerance = 1e-9 * game.magnitudes(profile)
    claim = claim_document(profile, tolerance, residual=0.0, infeasibility=0.0)
    return json.loads(json.dumps([game_document(game, profile), claim]))


def verdict(game, claim):
    with np.errstate(all="raise"):  # the check keeps its own counsel about rounding
        return judge(Node("game", game), seconds=60)(Node("claim", claim))


@pytest.fixture(scope="module")
def two_peaks():
    game = load("two-peaks")
    return documents(game, solve(game).require())


# --- round trips ---------------------------------------------------------------------------------------------------


def test_what_a_command_writes_is_checked_from_the_file(tmp_path, capsys):
    file = tmp_path / "certificate.json"
    assert main(["two-peaks", "--certificate", str(file)]) == 0
    found = check(file)
    assert found.holds, found.verdicts
    assert found.kind == "stackelberg"
    assert found.source["file"] == "two-peaks.toml"
    assert "solvers.stackelberg two-peaks" in found.command
    assert found.verdicts[0].residual <= found.verdicts[0].tolerance < 1e-6
    assert 0 < found.verdicts[0].share < 1e-8


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_hold(name):
    game = load(name)
    found = verdict(*documents(game, solve(game).require()))
    assert found.holds is True, found
    assert found.residual <= found.tolerance < 1e-6


def test_a_scenario_without_an_answer_leaves_no_file(tmp_path, capsys):
    file = tmp_path / "certificate.json"
    assert main(["log-literal", "--certificate", str(file)]) != 0
    assert not file.exists()
    assert capsys.readouterr().err.startswith("error: ")


def test_no_solver_is_loaded(tmp_path, two_peaks):
    file = tmp_path / "certificate.json"
    game, claim = two_peaks
    file.write_text(
        json.dumps({"format": "certeq certificate", "version": 1, "game": game, "source": None, "claims": [claim]})
    )
    program = (
        "import sys; from verification.check import check; assert check(sys.argv[1]).holds; "
        "print(*({m.split('.')[0] for m in sys.modules} & {'solvers', 'models', 'sympy', 'scipy', 'numba'}))"
    )
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_nothing_of_a_solver_is_imported_anywhere_in_the_check():
    allowed = {"verification", "numpy", "flint"} | sys.stdlib_module_names
    for path in CHECK.glob("*.py"):
        if path.name in ("__main__.py", "_command.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(name.split(".")[0] in allowed for name in names), (path.name, names)
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            assert called not in ("eval", "exec", "compile"), path.name


# --- forgeries -----------------------------------------------------------------------------------------------------


def test_a_local_optimum_is_refused():
    game = load("two-peaks")
    price = 5.814773267609326
    found = verdict(*documents(game, Profile(price, game.best_response(price))))
    assert found.holds is False
    assert "the leader gains" in found.why
    assert 40 < found.residual < 48


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda g, c: c["profile"]["decisions"].__setitem__(1, 0.999 * c["profile"]["decisions"][1]), "'bob' may gain"),
        (lambda g, c: c["profile"]["decisions"].__setitem__(1, 1.001 * c["profile"]["decisions"][1]), "violates 'fast"),
        (lambda g, c: c["profile"].__setitem__("price", 7.4), "the leader gains"),
        (lambda g, c: c["profile"].__setitem__("price", 4.0), "outside its bounds"),
        (lambda g, c: c["profile"]["decisions"].__setitem__(0, None), "'ada' may gain"),
        (lambda g, c: c["profile"].__setitem__("decisions", [None] * 3), "somebody must take part"),
        (lambda g, c: g["parameters"].__setitem__("zeta", 1.1e-27), "may gain"),
        (lambda g, c: g["parameters"].__setitem__("eta", 2.5), "the leader gains"),
        (lambda g, c: g["columns"]["s"].__setitem__(2, 0.4), "may gain"),
        (lambda g, c: g["constraints"].__setitem__("deadline", "T_comm + 20*W/delta <= T_max"), "violates 'deadline'"),
        (lambda g, c: g.update(participation=False) or c["profile"]["decisions"].__setitem__(0, None), "must take"),
        (lambda g, c: g.__setitem__("leader_utility", "log(-1 - I*delta)"), "undefined"),
        (lambda g, c: g.__setitem__("follower_utility", "-delta*I"), "may gain"),
    ],
)  # fmt: skip
def test_what_is_tampered_with_does_not_hold(two_peaks, change, why):
    game, claim = copy.deepcopy(two_peaks)
    assert verdict(game, claim).holds is True
    change(game, claim)
    found = verdict(game, claim)
    assert found.holds is False
    assert why in found.why


def test_a_follower_cannot_be_dropped(two_peaks):
    game = load("gfml-interior")
    document, claim = documents(game, solve(game).require())
    short = copy.deepcopy(claim)
    short["profile"]["decisions"].pop()
    with pytest.raises(BadCertificate, match="one per follower"):
        verdict(document, short)
    short["tolerance"].pop()
    document["names"].pop()
    for column in document["columns"].values():
        column.pop()
    found = verdict(document, short)  # a game of eight: its best price is another
    assert found.holds is False
    assert "the leader gains" in found.why


def test_the_time_limit_is_kept(two_peaks):
    game, claim = two_peaks
    found = judge(Node("game", game), seconds=0.0)(Node("claim", {**claim, "tolerance": 0.0}))
    assert found.holds is None
    assert "ran out of time after 0 s" in found.why


def test_a_utility_that_is_not_concave_is_not_judged_at_other_prices(two_peaks):
    game = {**two_peaks[0], "follower_utility": "I*delta/hi + (delta/hi)**2"}
    found = verdict(game, two_peaks[1])
    assert found.holds is None
    assert "not shown to be strictly concave" in found.why


def test_what_is_loose_is_seen(two_peaks):
    game, claim = two_peaks
    loose = {**copy.deepcopy(claim), "tolerance": [100.0, 1.0, 1.0, 1.0]}
    loose["profile"]["price"] = 7.4
    assert verdict(game, loose).share > 0.1


# --- agreement with the solvers ------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(stackelberg_games(), st.booleans())
def test_it_agrees_with_the_certificate_of_drawn_games(data, may_leave):
    game = data.but(participation=may_leave or data.participation).game()
    try:
        profile = solve(game).profiles[0]
    except NotSolved:
        assume(False)
    stands = certify(game, profile, tolerance=1e-9 * game.magnitudes(profile)).holds
    found = verdict(*documents(game, profile))
    assert found.holds is stands, found


@settings(max_examples=8, deadline=None)
@given(stackelberg_games(), st.floats(0, 1))
def test_a_price_is_refused_if_and_only_if_a_better_one_is_known(data, share):
    game = data.but(participation=False).game()
    best = solve(game).require()
    price = float(np.clip(game.bounds[0] + share * (game.bounds[1] - game.bounds[0]), *game.bounds))
    profile = Profile(price, game.best_response(price))
    lost = game.leader_utility(best.price) - game.leader_utility(price)
    tolerance = float(1e-9 * game.magnitudes(profile)[0])
    found = verdict(*documents(game, profile))
    if lost > 2 * tolerance:
        assert found.holds is False
    elif lost < 0.25 * tolerance:
        assert found.holds is True, found


def declared(utility, constraints, *, bounds=(0.5, 4.0), leader=None, **columns):
    p, x = sp.symbols("p x")
    names = {name: sp.Symbol(name) for name in columns}
    local = {"p": p, "x": x, **names}

    def text(line):
        return sp.sympify(line, locals=local)

    return StackelbergGame.declare(
        price=p, decision=x, bounds=bounds, leader_utility=text(leader or "p*x"), follower_utility=text(utility),
        constraints={f"limit{k}": text(c) for k, c in enumerate(constraints)}, participation=False,
        table={name: np.array(column) for name, column in columns.items()},
    )  # fmt: skip


@pytest.mark.parametrize(
    "game",
    [
        declared("w*log(1 + x) - p*x", ["x >= 0"], w=[2.0, 4.0]),  # no upper limit
        declared("w*sqrt(x) - p*x", ["x >= 0", "x <= 9"], w=[2.0, 4.0], leader="(p - Rational(1, 3))*x"),
        declared("w*x - x**2 - p*x", ["x <= w/p", "x >= 0"], w=[5.0, 4.0]),  # a limit that moves
        declared("w*log(x) - p*x**2", ["x <= 30", "x >= Rational(1, 10)"], w=[2.0, 4.0], leader="p*x - x**2/5"),
        declared("p*w*x - x**2/2", [], w=[2.0, 4.0], leader="-(x - 2)**2 - p"),  # no limits at all
    ],
)  # fmt: skip
def test_other_forms(game):
    profile = solve(game).require()
    assert certify(game, profile, tolerance=1e-9 * game.magnitudes(profile)).holds
    found = verdict(*documents(game, profile))
    assert found.holds is True, found
    worse = Profile(0.5 * (profile.price + game.bounds[0]), game.best_response(0.5 * (profile.price + game.bounds[0])))
    if game.leader_utility(worse.price) < game.leader_utility(profile.price) - 1e-6:
        assert verdict(*documents(game, worse)).holds is False


def test_joining_alone_is_looked_at_with_what_aggregates_then_are():
    D, total_ = np.array([3.0, 1.0, 2.0]), 6.0
    p, x = sp.symbols("p x")
    from solvers.stackelberg._aggregates import Total

    data, cost = sp.symbols("D cost")
    share = sp.Symbol("share")
    game = StackelbergGame.declare(
        price=p, decision=x, bounds=(0.5, 4.0), leader_utility=(4 - p) * x * share,
        follower_utility=p * share * x - x**2 - cost, constraints={"none": x >= 0, "most": x <= 2},
        table={"D": D, "cost": np.array([0.01, 0.3, 0.02])}, derived={"share": data / Total(data)},
    )  # fmt: skip
    profile = solve(game).require()
    assert np.isnan(profile.decisions).tolist() == [False, True, False]
    document, claim = documents(game, profile)
    assert document["columns"]["share"] == [3 / 5, 1 / total_, 2 / 5]
    assert verdict(document, claim).holds is True
    document["columns"]["cost"][1] = 0.0
    found = verdict(document, claim)
    assert found.holds is False
    assert "by joining" in found.why


# --- expressions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x.real", "write numbers"), ("x[0]", "write numbers"), ("lambda: x", "write numbers"),
        ("'x'", "write numbers"),
        ("__import__(x)", "no other function"), ("x(2)", "no other function"), ("abs(x)", "no other function"),
        ("log", "a name must be"), ("y", "a name must be"), ("lambda", "a name must be"),
        ("x if x else x", "expression"),
        ("x x", "not an expression"), ("x +", "ends too early"), ("", "1 to"), ("(x", "there must be a )"),
        ("x)", "not"),
        ("log(x, x)", "one arguments"), ("min(x)", "2 to 16"), ("x**101", "power"), ("x**0.12345678", "power"),
        ("10**100**100", "power"), ("(((10**90)**90)**90)", "bits"), ("1/(2 - 2)", "zero"), ("0**-1", "zero"),
        ("1e1001", "exponent"), ("9" * 2000, "1,300 characters"), ("(" * 100 + "x" + ")" * 100, "90 levels"),
        ("-" * 200 + "x", "90 levels"), ("x**" * 200 + "x", "90 levels"), ("exp(" * 91 + "x" + ")" * 91, "90 levels"),
        ("x+" * 4000 + "x", "6,000 parts"), ("x" * 20_001, "20,000 characters"), (7, "must be text"), (None, "text"),
        ("x <= 2", "not an expression"), ("x == 2", "write numbers"), ("x; x", "write numbers"), ("x := 2", "write"),
        ("1_000", "not an expression"), ("x\N{SUPERSCRIPT TWO}", "write numbers"),
        ("\N{ARABIC-INDIC DIGIT TWO}", "write"),
        ("inf", "a name must be"), ("0x10", "not an expression"), ("1j", "not an expression"),
    ],
)  # fmt: skip
def test_foreign_text_is_refused_in_one_line(text, why):
    with pytest.raises(BadCertificate) as caught:
        parse(text, {"x"}, where="utility")
    assert why in str(caught.value)
    assert str(caught.value).startswith("utility: ")
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["x", "x < 1", "x <= 1 <= 2", "x <= ", "<= x", "x == 1", "x <= 1 >= 2", 3])
def test_a_constraint_is_one_comparison(text):
    with pytest.raises(BadCertificate):
        parse_constraint(text, {"x"}, where="limit")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2", Fraction(3, 10)), ("-2**2", -4), ("2**-2", Fraction(1, 4)), ("2**3**2", 512), ("7 - 2 - 1", 4),
        ("8/4/2", 1), ("-(1 + 2)*3", -9), ("min(3, 2, 5)", 2), ("max(-1, +2)", 2),
        ("1.5e2", 150), (".5", Fraction(1, 2)),
        ("4**0.5*1", 2), ("- -3", 3), ("2*-3", -6), ("5**0", 1),
    ],
)  # fmt: skip
def test_constants_are_exact(text, value):
    expression = parse(text, set(), where="here")
    ball = ball_value(expression, {})
    assert ball.overlaps(ball_value(parse("1", set(), where="here"), {}) * 0 + float(value)) or "0." in text
    if "**0.5" not in text:
        assert expression.operations[-1].constant == value


def test_precedence_is_python_s():
    rng = np.random.default_rng(0)
    for text in ("-x**2", "x**-2", "2**-x**2", "x - y - x", "x/y/x", "x*y**2/3", "-x - -y", "x**y**0.5", "-x*y + x/-y"):
        x, y = rng.uniform(0.5, 2, 2)
        expected = eval(text, {"x": x, "y": y})  # noqa: S307  # the test's own text
        found = ball_value(parse(text, {"x", "y"}, where="here"), {"x": x, "y": y})
        assert float(found.mid()) == pytest.approx(expected, rel=1e-13), text


# --- enclosures ----------------------------------------------------------------------------------------------------

TEXTS = [
    "a*log(1 + d/b) - p*d", "(a + b*(d - 1)/3)*p - d**2/7 + d**3*p", "sqrt(d + p)*a/(b + d**2)", "exp(-d/p)*a - 1/d",
    "min(d, p*b) + max(a - d, p, 0.5)**2", "d**2.5 - p**-1.5*d", "(a - d)**3/(p + d) - (d - p)**4", "d**p - a/(d*p)",
    "log(d)*log(p + d) - b/(1 + exp(d - p))",
]  # fmt: skip
places = st.floats(0.25, 4.0)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TEXTS),
    *[places] * 4,
    st.floats(0, 1),
    st.floats(0, 1),
    *[st.sampled_from([0.0, 1e-9, 0.1, 2.0])] * 2,
)
@example(TEXTS[4], 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0)
def test_intervals_hold_values_and_derivatives(text, a, b, d, p, at_d, at_p, wide_d, wide_p):
    expression = parse(text, {"a", "b", "d", "p"}, where="here")
    function = Function(expression, {"a": thin(a), "b": thin(b)}, "p", "d")
    box = [Interval(np.array([x]), np.array([x + w])) for x, w in ((p, wide_p), (d, wide_d))]
    with np.errstate(all="ignore"):
        jet = function(*box, DECISION | PRICE | BEND | CROSS)
    point = {"d": float(min(d + at_d * wide_d, d + wide_d)), "p": float(min(p + at_p * wide_p, p + wide_p))}
    symbols = {name: sp.Symbol(name, positive=True) for name in "abdp"}
    text_of = text.replace("min", "Min").replace("max", "Max")
    form = sp.sympify(text_of, locals=symbols, rational=True)
    numbers = {symbols[name]: sp.Float(value, 60) for name, value in {"a": a, "b": b, **point}.items()}
    D, P = symbols["d"], symbols["p"]
    wanted = [
        (jet.v, form),
        (jet.d, form.diff(D)),
        (jet.p, form.diff(P)),
        (jet.dd, form.diff(D, 2)),
        (jet.dp, form.diff(D, P)),
    ]
    for part, exact in wanted:
        value = exact.xreplace(numbers).evalf(40, strict=False)
        if value.is_number and value.is_real:  # not at a kink
            low, high = (0.0, 0.0) if part is None else (np.ravel(part.low)[0], np.ravel(part.high)[0])
            assert low <= value <= high, (text, part)


@pytest.mark.parametrize("text", TEXTS)
def test_thin_intervals_are_thin_and_balls_agree(text):
    expression = parse(text, {"a", "b", "d", "p"}, where="here")
    numbers = {"a": 1.3, "b": 0.7, "d": 1.9, "p": 1.1}
    function = Function(expression, {name: thin(numbers[name]) for name in "ab"}, "p", "d")
    found = function(thin(1.1), thin(1.9)).v
    ball = ball_value(expression, numbers)
    assert found.low <= float(ball.mid()) <= found.high
    assert found.high - found.low <= 1e-13 * abs(found.high)
    assert ball.rel_accuracy_bits() > 150


numbers = st.floats(-1e3, 1e3) | st.sampled_from([0.0, -0.0, 5e-324, 1e300, -1e300, math.inf, -math.inf])


@settings(max_examples=200, deadline=None)
@given(st.lists(numbers, min_size=4, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_operations_hold_exact_results(ends, s, t):
    a, b, c, d = ends
    x, y = Interval(*np.sort([[a], [b]], axis=0)), Interval(*np.sort([[c], [d]], axis=0))
    assume(all(map(math.isfinite, ends)))
    inside = [float(np.clip(e.low[0] + u * (e.high[0] - e.low[0]), e.low[0], e.high[0])) for e, u in ((x, s), (y, t))]
    u, v = (Fraction(value) for value in inside)
    with np.errstate(all="ignore"):
        pairs = [
            (x + y, u + v),
            (x - y, u - v),
            (x * y, u * v),
            (x.power(Fraction(3)), u**3),
            (x.power(Fraction(4)), u**4),
        ]
        pairs += [(x / y, u / v), (y.inverse(), 1 / v), (y.power(Fraction(-3)), 1 / v**3)] if v else []
    for found, exact in pairs:
        assert found.low[0] <= exact <= found.high[0]


def test_logarithms_near_one_and_at_the_edge():
    with np.errstate(all="ignore"):
        near = thin([1 + 2.0**-52, 1.0, 5e-324]).log()
        assert near.low[0] < 2.0**-52 < near.high[0] + 1e-30
        assert near.low[1] <= 0 <= near.high[1]
        partly = Interval(np.array(-1.0), np.array(2.0)).log()
        assert (partly.low, partly.high >= math.log(2)) == (-math.inf, True)
        assert thin(-1.0).log().high == -math.inf or thin(-1.0).log().high < -1e308
    assert exactly(Fraction(1, 3)).low < Fraction(1, 3) < exactly(Fraction(1, 3)).high
    assert total(thin([0.1] * 10)).low <= Fraction(0.1) * 10 <= total(thin([0.1] * 10)).high


def test_nobody_reasons_across_a_pole():
    function = Function(parse("1/d", {"d", "p"}, where="here"), {}, "p", "d")
    with np.errstate(all="ignore"):
        jet = function(thin(1.0), Interval(np.array(-1.0), np.array(2.0)), DECISION)
    assert (jet.d.low, jet.d.high) == (-math.inf, math.inf)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 5), st.integers(0, 2**32 - 1))
def test_a_line_of_bounded_slope_stays_below_its_bound(low, reach, width, seed):
    slopes = np.random.default_rng(seed).uniform(low, low + abs(reach), 50)
    values = np.concatenate([[0.0], np.cumsum(slopes * width / 50)])
    bound = between(
        np.array(0.0), np.array(values[-1]), Interval(np.array(low), np.array(low + abs(reach))), np.array(width)
    )
    assert values.max() <= bound + 1e-12


@settings(max_examples=15, deadline=None)
@given(stackelberg_games(), st.floats(0, 1), st.sampled_from([0.3, 0.01, 1e-6]), st.floats(0, 1))
def test_responses_and_the_leader_are_enclosed(data, start, width, share):
    game = data.but(participation=False).game()
    price = game.bounds[0] * (1 - start) + game.bounds[1] * start
    a, b = np.clip([price, price + width * (game.bounds[1] - game.bounds[0])], *game.bounds)
    document, _ = documents(game, Profile(float(a), game.best_response(float(a))))
    read = read_game(Node("game", document))
    with np.errstate(all="ignore"):
        prices = Interval(np.array(game.bounds[0]), np.array(game.bounds[1]))
        followers = read.followers(prices)
        assert followers.bent(prices).all()
        region = Interval(followers.region.low[None], followers.region.high[None])
        found = followers.respond(Interval(np.array([[a]]), np.array([[b]])), region)
        leader = Leader(read.function(read.leader_utility), followers)
        inner = np.clip(np.array([a + share * (b - a)]), a, b)
        value = leader.values(inner, region)
        ends = leader.values(np.array([a, b]), Interval(*(np.repeat(e, 2, axis=0) for e in (region.low, region.high))))
    decisions = game.best_response(inner[:, None])
    slack = 1e-12 * np.abs(decisions)
    assert np.all(found.decision.low - slack <= decisions)
    assert np.all(decisions <= found.decision.high + slack)
    moved = game.best_response(float(b)) - game.best_response(float(a))
    rounding = 1e-11 * np.abs(decisions)
    assert np.all(found.move.low * (b - a) - rounding <= moved)
    assert np.all(moved <= found.move.high * (b - a) + rounding)
    size = float(np.sum(np.abs(game.leader_terms(inner[:, None], decisions)))) + 1e-9 * float(
        game.magnitudes(Profile(float(a), game.best_response(float(a))))[0]
    )
    assert value.low[0] - 1e-9 * size <= game.leader_utility(float(inner[0])) <= value.high[0] + 1e-9 * size
    assert np.all(np.isfinite([ends.low, ends.high]))


# --- reading and writing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda g: g.__setitem__("names", ["a", "a", "b"]), "unique"),
        (lambda g: g["columns"]["s"].pop(), "3 entries"),
        (lambda g: g["columns"].__setitem__("eta", [1, 1, 1]), "defined once"),
        (lambda g: g["parameters"].__setitem__("log", 1), "no function"),
        (lambda g: g["parameters"].pop("eta"), "a name must be"),
        (lambda g: g.__setitem__("bounds", [5, 5]), "low < high"),
        (lambda g: g.__setitem__("price", "delta"), "different names"),
        (lambda g: g.__setitem__("price", "a b"), "must be a name"),
        (lambda g: g["parameters"].__setitem__("eta", float("inf")), "finite"),
        (lambda g: g.__setitem__("extra", 1), "not a known key"),
        (lambda g: g["constraints"].__setitem__("deadline", "delta"), "one comparison"),
        (lambda g: g["constraints"].update({f"c{k}": "delta <= hi" for k in range(60)}), "at most 50"),
        (lambda g: g.pop("leader_utility"), "is missing"),
    ],
)
def test_a_malformed_game_is_refused(two_peaks, change, why):
    game = copy.deepcopy(two_peaks[0])
    change(game)
    with pytest.raises(BadCertificate, match=why):
        judge(Node("game", game))


def test_rationals_are_taken_exactly(two_peaks):
    game, claim = copy.deepcopy(two_peaks)
    game["parameters"]["rho"] = "1/10"
    claim["profile"]["price"] = "3663/500"
    assert verdict(game, claim).holds is True


def test_names_that_cannot_be_written_are_refused():
    price, decision, strange = sp.Symbol("p"), sp.Symbol("x"), sp.Symbol("a b")
    game = StackelbergGame.declare(
        price=price, decision=decision, bounds=(1, 2), leader_utility=price * decision, participation=False,
        follower_utility=strange * decision - price * decision**2, constraints={"low": decision >= 0},
        table={"a b": np.array([3.0])},
    )  # fmt: skip
    with pytest.raises(InvalidGame, match="a certificate's names must"):
        game_document(game, solve(game).require())
