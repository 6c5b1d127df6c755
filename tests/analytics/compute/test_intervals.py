"""Intervals: published examples, coverage, and how they behave under shift, scale and order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics.compute.intervals import Moments, holm, mean, mean_difference, share, share_difference

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def moments(values: list[float]) -> Moments:
    return Moments(len(values), sum(values), sum(x * x for x in values))


def test_newcombes_own_example() -> None:
    """Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10."""
    found = share_difference((48, 80), (56, 70))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


@given(counts)
def test_wilsons_interval_is_scipys(told: tuple[int, int]) -> None:
    found, exact = share(*told), stats.binomtest(*told).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


@given(counts, counts)
def test_the_other_way_round_is_the_same_with_the_other_sign(a: tuple[int, int], b: tuple[int, int]) -> None:
    one, other = share_difference(a, b), share_difference(b, a)
    assert one is not None
    assert other is not None
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    assert one.low - 1e-9 <= one.value <= one.high + 1e-9


scores = st.lists(st.floats(0, 1), min_size=3, max_size=60).filter(lambda xs: max(xs) - min(xs) > 0.01)


@given(scores, scores)
def test_welch_is_scipys(a: list[float], b: list[float]) -> None:
    found, exact = mean_difference(moments(a), moments(b)), stats.ttest_ind(b, a, equal_var=False)
    interval = exact.confidence_interval()
    assert found is not None
    assert found.p == pytest.approx(exact.pvalue, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-5)


def test_equal_scores_do_not_give_certainty() -> None:
    found = mean(moments([1.0] * 10))
    assert found is not None
    assert found.value == 1
    assert found.low < 0.95


def test_coverage_of_the_mean_near_the_ceiling() -> None:
    draw, inside, rounds = random.Random(3), 0, 2000
    for _ in range(rounds):
        found = mean(moments([float(draw.random() < 0.95) for _ in range(30)]))
        assert found is not None
        inside += found.low <= 0.95 <= found.high
    assert inside / rounds >= 0.94


def test_holm_is_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_nothing_is_estimated_from_nothing() -> None:
    assert share(0, 0) is None
    assert mean(Moments(0, 0, 0)) is None
    assert share_difference((0, 0), (1, 2)) is None
    assert mean_difference(Moments(1, 1, 1), Moments(5, 2, 1)) is None
