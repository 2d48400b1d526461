"""Who leads a coalition: Algorithm 1, lines 8 to 13, corrected."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gfml import fastest_heads, random_heads, reputable_heads
from solvers.core import InvalidGame
from solvers.hedonic import Partition


@st.composite
def situations(draw):
    """A partition, reputations of either sign with ties, deadlines with ties, and how many coalitions there are."""
    players = draw(st.integers(1, 7))
    coalitions = draw(st.integers(1, players))
    slots = draw(st.lists(st.integers(-1, coalitions - 1), min_size=players, max_size=players))
    reputations = draw(st.lists(st.sampled_from([-2.0, -0.5, 0.0, 1.0, 1.5]), min_size=players, max_size=players))
    deadlines = draw(st.lists(st.sampled_from([11.0, 12.0, 16.0, 20.0]), min_size=players, max_size=players))
    return Partition(slots), np.array(reputations), np.array(deadlines), coalitions


@given(situations())
def test_heads_are_different_and_lead_their_own_coalition_where_it_has_a_member(situation):
    partition, reputations, deadlines, coalitions = situation
    for heads in (
        reputable_heads(partition, reputations, deadlines, coalitions=coalitions),
        fastest_heads(partition, deadlines, coalitions=coalitions),
        random_heads(partition, coalitions=coalitions, rng=np.random.default_rng(0)),
    ):
        assert len(set(heads.tolist())) == coalitions
        for j, head in enumerate(heads):
            if np.any(partition.slots == j):
                assert partition.slots[head] == j


@given(situations())
def test_a_reputable_head_is_beaten_by_no_member_in_both_respects(situation):
    """Of members with positive reputations none is better in reputation and stricter in time, one of them truly."""
    partition, reputations, deadlines, coalitions = situation
    heads = reputable_heads(partition, reputations, deadlines, coalitions=coalitions)
    for j, head in enumerate(heads):
        for i in np.flatnonzero(partition.slots == j):
            better = reputations[i] >= reputations[head] and deadlines[i] <= deadlines[head]
            truly = reputations[i] > reputations[head] or deadlines[i] < deadlines[head]
            assert not (better and truly and reputations[i] != 0)


@given(situations(), st.permutations(range(7)))
def test_heads_belong_to_users_not_to_their_places(situation, order):
    partition, reputations, deadlines, coalitions = situation
    order = np.array([k for k in order if k < len(partition)])
    pairs = set(zip(reputations.tolist(), deadlines.tolist(), strict=True))
    if len(pairs) < len(partition) or -1 in partition.slots or len(set(partition.slots.tolist())) < coalitions:
        return  # equal users, or a coalition without members, are decided by place
    scores = {}
    for j in range(coalitions):
        members = np.flatnonzero(partition.slots == j)
        span = np.ptp(deadlines[members])
        factor = 1 + (deadlines[members].max() - deadlines[members]) / span if span else np.ones(len(members))
        known = reputations[members]
        found = np.where(known < 0, known / factor, known * factor)
        scores |= dict(zip(members.tolist(), found.tolist(), strict=True))
    if any(
        scores[a] == scores[b] and deadlines[a] == deadlines[b]
        for a, b in itertools.combinations(range(len(partition)), 2)
        if partition.slots[a] == partition.slots[b]
    ):
        return
    heads = reputable_heads(partition, reputations, deadlines, coalitions=coalitions)
    again = reputable_heads(
        Partition(partition.slots[order]), reputations[order], deadlines[order], coalitions=coalitions
    )
    assert order[again].tolist() == heads.tolist()


def test_line_11_weighs_reputation_by_up_to_two_for_the_strictest_deadline():
    # by hand: 1.0 * 2 = 2.0, 1.9 * 1 = 1.9, 1.2 * (1 + 4/8) = 1.8
    heads = reputable_heads(Partition([0, 0, 0]), [1.0, 1.9, 1.2], [12.0, 20.0, 16.0], coalitions=1)
    assert heads.tolist() == [0]
    heads = reputable_heads(Partition([0, 0, 0]), [1.0, 2.1, 1.2], [12.0, 20.0, 16.0], coalitions=1)
    assert heads.tolist() == [1]


def test_a_strict_deadline_is_no_disadvantage_at_a_negative_reputation():
    """As printed, R times a factor of 2 would prefer the looser deadline."""
    assert reputable_heads(Partition([0, 0]), [-1.0, -1.0], [20.0, 11.0], coalitions=1).tolist() == [1]


def test_equal_deadlines_leave_the_reputation_to_decide():
    """As printed the factor is 0/0."""
    assert reputable_heads(Partition([0, 0]), [1.0, 2.0], [15.0, 15.0], coalitions=1).tolist() == [1]


def test_without_reputations_the_strictest_deadline_leads():
    assert reputable_heads(Partition([0, 0, 0]), [0.0] * 3, [15.0, 11.0, 11.0], coalitions=1).tolist() == [1]


def test_a_coalition_without_members_is_led_by_an_outsider_else_by_the_largest():
    assert reputable_heads(Partition([0, 0, -1]), [1.0, 2.0, 0.1], [15.0] * 3, coalitions=2).tolist() == [1, 2]
    assert reputable_heads(Partition([0, 0, 0]), [1.0, 2.0, 0.1], [15.0] * 3, coalitions=2).tolist() == [1, 0]


def test_who_may_not_lead_does_not_unless_there_is_nobody_else():
    partition, deadlines = Partition([0, 0, 1, 1]), [11.0, 12.0, 13.0, 14.0]
    allowed = np.array([False, True, True, True])
    assert fastest_heads(partition, deadlines, coalitions=2, eligible=allowed).tolist() == [1, 2]
    allowed = np.array([False, False, True, True])  # no member of the first coalition: one of them all the same
    assert fastest_heads(partition, deadlines, coalitions=2, eligible=allowed).tolist() == [0, 2]
    assert fastest_heads(Partition([0, 0, 0]), [11.0, 12.0, 13.0], coalitions=2, eligible=allowed[:3]).tolist() == [
        2,
        0,
    ]
    nobody = np.zeros(4, dtype=bool)
    assert fastest_heads(partition, deadlines, coalitions=2, eligible=nobody).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fastest_heads(Partition([0, 0]), [1.0, 2.0], coalitions=3), "coalitions must be in 1 to 2"),
        (lambda: fastest_heads(Partition([0, 2]), [1.0, 2.0], coalitions=2), "slots must be below 2"),
        (lambda: fastest_heads(Partition([0, 0]), [1.0], coalitions=1), r"must be \(2,\)"),
        (lambda: fastest_heads(Partition([0]), [np.nan], coalitions=1), "must be finite"),
        (lambda: fastest_heads(Partition([0]), [1.0], coalitions=1, eligible=np.ones(2, bool)), "eligible must be"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InvalidGame, match=message):
        call()
