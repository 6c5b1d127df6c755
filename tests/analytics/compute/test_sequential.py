"""A/B tests that may be looked at at any time: the vectors of docs/statistics.md, section 3."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.sequential import arm_of_outcomes, race


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
