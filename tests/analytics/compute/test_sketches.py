"""Sketches: quantiles within 1 %, merging is addition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.sketches import Sketch

positive = st.floats(1e-6, 1e7)
values = st.lists(positive | st.just(0.0), max_size=200)


@given(st.lists(positive, min_size=1, max_size=300), st.floats(0, 1))
def test_a_quantile_is_within_one_percent_of_the_exact_one(told: list[float], q: float) -> None:
    exact = sorted(told)[max(1, math.ceil(q * len(told))) - 1]
    assert Sketch.of(told).quantile(q) == pytest.approx(exact, rel=0.0101)


@given(values, values, values)
def test_merging_is_one_pass_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    left, right = Sketch.of(a), Sketch.of(c)
    left.merge(Sketch.of(b))
    left.merge(Sketch.of(c))
    right.merge(Sketch.of(b))
    right.merge(Sketch.of(a))
    assert left.bins == right.bins == Sketch.of(a + b + c).bins


@given(values, st.lists(positive, max_size=50))
def test_what_was_added_can_be_taken_away(told: list[float], more: list[float]) -> None:
    sketch = Sketch.of(told + more)
    for value in more:
        sketch.add(value, -1)
    assert sketch.bins == Sketch.of(told).bins


@given(values)
def test_bytes_give_the_sketch_back(told: list[float]) -> None:
    sketch = Sketch.of(told)
    assert Sketch.decode(sketch.encode()).bins == sketch.bins


@given(st.lists(positive, min_size=1, max_size=200), st.floats(0.01, 1000))
def test_scaling_the_values_scales_the_quantiles(told: list[float], factor: float) -> None:
    plain, scaled = Sketch.of(told).quantile(0.5), Sketch.of([factor * x for x in told]).quantile(0.5)
    assert plain is not None
    assert scaled == pytest.approx(factor * plain, rel=0.021)


@given(st.lists(positive, min_size=1, max_size=200), st.integers(1, 60))
def test_a_histogram_holds_every_value_once(told: list[float], most: int) -> None:
    bars = Sketch.of(told).histogram(most)
    assert len(bars) <= most
    assert sum(count for _, _, count in bars) == len(told)
    assert all(low < high for low, high, _ in bars)


def test_edges() -> None:
    empty = Sketch()
    assert (empty.quantile(0.5), empty.share_above(1), empty.histogram(), empty.encode()) == (None, None, [], b"")
    assert Sketch.of([1, 10, 100]).share_above(5) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="below 0"):
        empty.add(-1)
