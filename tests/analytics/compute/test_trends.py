"""Trends: no false alarms with correlated days, power, weekends are no trend (docs/statistics.md, section 5)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.trends import trend


def days(
    n: int, draw: random.Random, correlation: float = 0.0, slope: float = 0.0, weekend: float = 0.0
) -> list[tuple[int, float]]:
    noise, made = draw.gauss(0, 1.5), []
    for day in range(n):
        made.append((day, 90 + slope * day + noise - weekend * (day % 7 >= 5)))
        noise = correlation * noise + draw.gauss(0, 1.5) * (1 - correlation**2) ** 0.5
    return made


def alarms(rounds: int, n: int, **what: float) -> float:
    draw = random.Random(11)
    found = [trend(days(n, draw, **what)) for _ in range(rounds)]
    return sum(one is not None and one.p < 0.05 for one in found) / rounds


@pytest.mark.parametrize(
    ("n", "correlation", "told"),
    [(28, 0.0, 0.020), (28, 0.3, 0.033), (28, 0.6, 0.040), (56, 0.0, 0.034), (56, 0.3, 0.040), (56, 0.6, 0.038),
     (90, 0.0, 0.042), (90, 0.3, 0.042), (90, 0.6, 0.041)],
)  # fmt: skip
def test_false_alarms_with_days_that_hang_together(n: int, correlation: float, told: float) -> None:
    assert alarms(500, n, correlation=correlation) == pytest.approx(told, abs=0.026)


@pytest.mark.parametrize(("correlation", "told"), [(0.0, 1.0), (0.3, 0.98), (0.6, 0.76)])
def test_power_for_five_points_in_56_days(correlation: float, told: float) -> None:
    assert alarms(200, 56, slope=-5 / 56, correlation=correlation) == pytest.approx(told, abs=0.09)


def test_power_for_five_points_in_28_days_with_and_without_weekends() -> None:
    assert alarms(300, 28, slope=-5 / 28) == pytest.approx(0.90, abs=0.06)
    assert alarms(300, 28, slope=-5 / 28, weekend=3) == pytest.approx(0.90, abs=0.06)


@given(st.integers(14, 40), st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_does_nothing_and_scale_scales(n: int, shift: float, scale: float) -> None:
    told = days(n, random.Random(n), 0.3, 0.2)
    plain, moved = trend(told), trend([(day, shift + scale * value) for day, value in told])
    assert plain is not None
    assert moved is not None
    assert moved.slope == pytest.approx(scale * plain.slope, rel=1e-4, abs=1e-6)
    assert moved.p == pytest.approx(plain.p, abs=1e-6)
    assert plain.low <= plain.slope <= plain.high


def test_too_few_days_have_no_trend_and_few_are_said_to_be_few() -> None:
    draw = random.Random(1)
    assert trend(days(13, draw)) is None
    short, long = trend(days(20, draw)), trend(days(28, draw))
    assert short is not None
    assert short.short
    assert long is not None
    assert not long.short
