"""A/B tests that may be looked at at any time: the vectors of docs/statistics.md, section 3."""

import math
import random
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.sequential import arm_of_outcomes, race

LOOK = 50  # calls between looks


def test_harm_is_seen() -> None:
    found = race(arm_of_outcomes(810, 900), arm_of_outcomes(70, 100), smallest=0.05)
    assert (found.worse, found.better) == pytest.approx((216.755, 0.15753), rel=1e-4)
    assert (found.low, found.high) == pytest.approx((-0.35081, -0.05526), abs=1e-5)
    assert found.decision == "roll back"


def test_a_gain_is_seen() -> None:
    found = race(arm_of_outcomes(450, 500), arm_of_outcomes(475, 500), smallest=0.05)
    assert found.better == pytest.approx(34.1498, rel=1e-5)
    assert found.decision == "promote"


def test_no_difference_that_matters_is_seen() -> None:
    found = race(arm_of_outcomes(1800, 2000), arm_of_outcomes(1802, 2000), smallest=0.05)
    assert (found.low, found.high) == pytest.approx((-0.02623, 0.02823), abs=1e-5)
    assert found.decision == "equivalent"


def test_fifty_on_each_side_come_first() -> None:
    assert race(arm_of_outcomes(900, 900), arm_of_outcomes(0, 49), smallest=0.05).decision == "collecting"


def test_looking_all_the_time_does_not_promote_what_is_equal() -> None:
    draw, wrong, rounds = random.Random(5), 0, 300
    for _ in range(rounds):
        old = new = n = 0
        for _ in range(40):
            n += 50
            old += sum(draw.random() < 0.9 for _ in range(50))
            new += sum(draw.random() < 0.9 for _ in range(50))
            decision = race(arm_of_outcomes(old, n), arm_of_outcomes(new, n), smallest=0.05).decision
            if decision in ("promote", "roll back"):
                wrong += 1
                break
    assert wrong / rounds <= 0.08  # promised: 5 % each way; measured over 300 rounds


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_the_other_way_round_is_the_mirror_image(told: tuple[int, int, int]) -> None:
    a, b, n = told
    one = race(arm_of_outcomes(a, n), arm_of_outcomes(b, n), smallest=0.05)
    other = race(arm_of_outcomes(b, n), arm_of_outcomes(a, n), smallest=0.05)
    assert one.better == pytest.approx(other.worse)
    assert one.low == pytest.approx(-other.high)


@pytest.mark.parametrize(
    ("difference", "share", "total", "decision", "how_often"),
    [
        (-0.20, 0.5, 186, "roll back", 1.00), (-0.10, 0.5, 438, "roll back", 1.00),
        (-0.05, 0.5, 1267, "roll back", 0.98),
        (-0.02, 0.5, 1983, "equivalent", 0.65), (0.0, 0.5, 1694, "equivalent", 0.96),
        (0.02, 0.5, 1702, "equivalent", 0.64), (0.05, 0.5, 807, "promote", 0.99), (0.08, 0.5, 311, "promote", 1.00),
        (-0.20, 0.1, 652, "roll back", 1.00), (-0.10, 0.1, 1463, "roll back", 1.00),
        (-0.05, 0.1, 3795, "roll back", 0.98),
        (0.0, 0.1, 4501, "equivalent", 0.96), (0.05, 0.1, 1788, "promote", 0.99), (0.08, 0.1, 682, "promote", 1.00),
    ],
)  # fmt: skip
def test_how_long_a_trial_lasts_and_how_it_ends(
    difference: float, share: float, total: int, decision: str, how_often: float
) -> None:
    draw, totals, agreed, rounds = random.Random(7), list[int](), 0, 120
    for _ in range(rounds):
        counts = {True: [0, 0], False: [0, 0]}
        while sum(n for _, n in counts.values()) < 20_000:
            for _ in range(LOOK):
                new = draw.random() < share
                counts[new][0] += draw.random() < 0.9 + difference * new
                counts[new][1] += 1
            found = race(arm_of_outcomes(*counts[False]), arm_of_outcomes(*counts[True]), smallest=0.05).decision
            if found not in ("collecting", "undecided"):
                break
        totals.append(sum(n for _, n in counts.values()))
        agreed += found == decision
    error = stdev(totals) / math.sqrt(rounds)
    assert abs(mean(totals) - total) <= 0.10 * total + 3 * error + LOOK
    assert agreed / rounds >= how_often - 0.04 - 3 * math.sqrt(how_often * (1 - how_often) / rounds)
