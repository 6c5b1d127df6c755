"""The paired comparison reproduces the vectors of docs/statistics.md and behaves as mathematics says."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.engine.comparison import compare, detectable_effect, sign_flip_p

scores = st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=2, max_size=40)


def binary_pair(better: int, worse: int, n: int) -> tuple[list[float], list[float]]:
    before = [0.0] * better + [1.0] * (n - better)
    after = [1.0] * better + [0.0] * worse + [1.0] * (n - better - worse)
    return before, after


def test_sixteen_better_six_worse_of_a_hundred() -> None:
    result = compare(*binary_pair(16, 6, 100), binary=True)

    assert (result.low, result.high) == pytest.approx((0.00427, 0.19181), abs=5e-6)
    assert result.p_value == pytest.approx(0.04062, abs=5e-6)
    assert result.p_improved == pytest.approx(0.97969, abs=5e-6)
    assert result.sign_flip_p == pytest.approx(0.05248, abs=5e-6)
    assert (result.fixed, result.broken, result.unchanged) == (16, 6, 78)
    assert result.verdict == "improved"
    assert result.difference == pytest.approx(0.10)


def test_three_better_of_twenty_is_not_enough() -> None:
    result = compare(*binary_pair(3, 0, 20), binary=True)

    assert (result.low, result.high) == pytest.approx((-0.07094, 0.34367), abs=5e-6)
    assert result.verdict == "undecided"
    assert result.more_examples > 0


def test_no_change_in_thirty_still_has_an_interval() -> None:
    result = compare([1.0] * 30, [1.0] * 30, binary=True)

    assert (result.low, result.high) == pytest.approx((-0.09158, 0.09158), abs=5e-6)
    assert result.verdict == "undecided"


def test_no_change_in_many_is_equivalent() -> None:
    assert compare([1.0] * 200, [1.0] * 200, binary=True).verdict == "equivalent"


@pytest.mark.parametrize(
    ("share", "n", "points"),
    [(0.05, 20, 11.9), (0.05, 1000, 2.0), (0.10, 100, 8.5), (0.20, 50, 16.5), (0.20, 200, 8.7), (0.30, 500, 6.8)],
)
def test_detectable_effect_reproduces_the_planning_table(share: float, n: int, points: float) -> None:
    assert detectable_effect(n, share) * 100 == pytest.approx(points, abs=0.06)


@pytest.mark.parametrize(("p", "q", "n"), [(0.60, 0.70, 30), (0.95, 0.98, 50), (0.70, 0.90, 20)])
def test_interval_covers_the_true_difference(p: float, q: float, n: int) -> None:
    draw = random.Random(5)
    covered = 0
    for _ in range(600):
        before = [float(draw.random() < p) for _ in range(n)]
        after = [float(draw.random() < q) for _ in range(n)]
        result = compare(before, after, binary=True)
        covered += result.low <= q - p <= result.high

    assert covered / 600 >= 0.94


@given(scores, st.randoms())
def test_order_of_examples_does_not_matter(before: list[float], draw: random.Random) -> None:
    after = [draw.choice(before) for _ in before]
    order = list(range(len(before)))
    draw.shuffle(order)

    straight = compare(before, after, binary=False)
    shuffled = compare([before[i] for i in order], [after[i] for i in order], binary=False)

    assert shuffled.low == pytest.approx(straight.low)
    assert shuffled.p_value == pytest.approx(straight.p_value)


@given(scores, st.randoms())
def test_swapping_sides_mirrors_everything(before: list[float], draw: random.Random) -> None:
    after = [draw.choice(before) for _ in before]

    there, back = compare(before, after, binary=False), compare(after, before, binary=False)

    assert back.difference == pytest.approx(-there.difference)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert (back.fixed, back.broken) == (there.broken, there.fixed)


@given(scores)
def test_difference_lies_inside_its_interval(before: list[float]) -> None:
    result = compare(before, [1 - score for score in before], binary=False)

    assert -1 <= result.low <= result.high <= 1
    assert 0 <= result.p_value <= 1


@given(st.integers(0, 12), st.integers(0, 12))
def test_sign_flip_equals_the_binomial_for_binary_scores(better: int, worse: int) -> None:
    n, k = better + worse, min(better, worse)
    exact = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)

    assert sign_flip_p([1.0] * better + [-1.0] * worse) == pytest.approx(exact)


def test_empty_and_unequal_sides_are_refused() -> None:
    for before, after in (([], []), ([1.0], [1.0, 0.0])):
        with pytest.raises(ValueError, match="same examples"):
            compare(before, after, binary=True)


def test_groups_that_hang_together_widen_the_interval_and_never_narrow_it() -> None:
    after = [1.0] * 30 + [0.0] * 10 + [1.0] * 60
    before = [0.0] * 30 + [1.0] * 10 + [1.0] * 60
    alone = compare(before, after, binary=True)
    together = compare(before, after, binary=True, groups=[str(i // 10) for i in range(100)])
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert (together.difference, together.groups, alone.groups) == (alone.difference, 10, 0)
    spread = compare(before, after, binary=True, groups=[str(i % 50) for i in range(100)])
    assert spread.high - spread.low >= alone.high - alone.low
    assert compare(before, after, binary=True, groups=[""] * 100) == alone


def test_one_group_alone_says_nothing() -> None:
    found = compare([0.0] * 20, [1.0] * 20, binary=True, groups=["the same person"] * 20)
    assert (found.low, found.high, found.verdict) == (-1.0, 1.0, "undecided")


def test_a_group_that_is_called_like_a_place_is_not_mixed_up_with_it() -> None:
    found = compare([0.0] * 6, [1.0, 0.0] * 3, binary=True, groups=["5", "5", "", "", "", ""])
    assert found.groups == 5
