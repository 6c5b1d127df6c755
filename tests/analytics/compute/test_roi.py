"""The worked cases of docs/statistics.md, section 4, and what must hold of any stake."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.roi import Stake, course, discounted_calls, worth

A = Stake(spent=40.33, gain=0.06, gain_error=0.028, cost=0.0009, cost_error=0.0, value=0.05, per_day=800)


def test_discounted_calls() -> None:
    assert discounted_calls(A) == pytest.approx(60_056, abs=1)
    assert discounted_calls(replace(A, per_day=60)) == pytest.approx(4504, abs=1)


def test_a_gain_that_probably_pays() -> None:
    found = worth(A)
    assert found.per_call == pytest.approx(0.0021)
    assert found.per_call_error == pytest.approx(0.0014)
    assert found.break_even == pytest.approx(19_205, rel=0.001)
    assert round(found.break_even_days) == 24
    assert found.break_even_soonest == pytest.approx(8331, rel=0.001)
    assert found.break_even_latest == math.inf
    assert (round(found.net), round(found.net_low), round(found.net_high)) == (86, -79, 251)
    assert found.p_positive == pytest.approx(0.846, abs=0.001)
    assert found.least_value == pytest.approx(0.026, abs=0.0005)


def test_a_gain_that_a_longer_prompt_eats() -> None:
    found = worth(replace(A, value=0.01, cost=0.0035))
    assert found.per_call == pytest.approx(-0.0029)
    assert found.break_even == math.inf
    assert (round(found.net), round(found.net_low), round(found.net_high)) == (-214, -247, -182)
    assert found.p_positive == pytest.approx(0, abs=0.001)
    assert found.least_value == pytest.approx(0.070, abs=0.0005)


def test_a_gain_that_is_hardly_known() -> None:
    found = worth(replace(A, gain=0.05, gain_error=0.0628, per_day=60))
    assert found.break_even == pytest.approx(25_206, rel=0.001)
    assert round(found.break_even_days) == 420
    assert round(found.net) == -33
    assert found.p_positive == pytest.approx(0.010, abs=0.002)
    assert found.least_value == pytest.approx(0.197, abs=0.001)


stakes = st.builds(
    Stake,
    spent=st.floats(0.01, 1e4), gain=st.floats(-0.5, 0.5), gain_error=st.floats(0.001, 0.2), cost=st.floats(-0.1, 0.1),
    cost_error=st.floats(0, 0.01), value=st.floats(0, 10), per_day=st.floats(1, 1e5),
)  # fmt: skip


@given(stakes)
def test_probability_and_interval_tell_the_same_story(stake: Stake) -> None:
    found = worth(stake)
    assert found.net_low <= found.net <= found.net_high
    assert (found.p_positive > 0.5) == (found.net > 0) or found.net == pytest.approx(0, abs=1e-6)
    assert (found.p_positive > 0.976) <= (found.net_low > 0) or found.per_call_error == 0


@given(stakes, st.floats(0.1, 100))
def test_another_currency_changes_no_verdict(stake: Stake, factor: float) -> None:
    other = replace(
        stake, spent=factor * stake.spent, cost=factor * stake.cost, cost_error=factor * stake.cost_error,
        value=factor * stake.value,
    )  # fmt: skip
    assert worth(other).p_positive == pytest.approx(worth(stake).p_positive, abs=1e-6)
    assert worth(other).net == pytest.approx(factor * worth(stake).net, rel=1e-6, abs=1e-6)


def test_the_course_begins_at_the_cost_and_ends_at_the_net_value() -> None:
    points = course(A)
    assert points[0][1:] == pytest.approx((-40.33, -40.33, -40.33))
    assert points[-1][1] == pytest.approx(worth(A).net)
