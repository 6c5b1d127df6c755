"""The chance of so few calls: exact where it is known, and honest about what is ordinary."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics.compute.traffic import chance_of_so_few


@given(st.integers(0, 60), st.integers(5, 40))
def test_of_even_days_it_is_poissons(observed: int, calls: int) -> None:
    assert chance_of_so_few(observed, [calls] * 10) == pytest.approx(stats.poisson.cdf(observed, calls), abs=1e-9)


@given(st.integers(0, 80), st.lists(st.integers(0, 80), min_size=7, max_size=14))
def test_of_uneven_days_it_is_a_negative_binomials(observed: int, past: list[int]) -> None:
    found, expected = chance_of_so_few(observed, past), sum(past) / len(past)
    if found is None:
        assert expected < 5
        return
    spread = stats.tvar(past)
    if spread > expected:
        size = expected**2 / (spread - expected)
        exact = stats.nbinom.cdf(observed, size, size / (size + expected))
        assert found == pytest.approx(exact, abs=1e-6)


def test_false_alarms_of_traffic_that_varies_from_day_to_day() -> None:
    draw, alarms, rounds = random.Random(6), 0, 4000
    for _ in range(rounds):
        days = [sum(draw.random() < 0.25 for _ in range(round(draw.gammavariate(6, 30)))) for _ in range(15)]
        chance = chance_of_so_few(days[0], days[1:])
        alarms += chance is not None and chance < 0.01
    assert alarms / rounds <= 0.02


def test_little_is_known_of_few_days_and_few_calls() -> None:
    assert chance_of_so_few(0, [100] * 6) is None
    assert chance_of_so_few(0, [4] * 14) is None
