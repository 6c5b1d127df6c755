"""The tables of docs/statistics.md on paired comparisons: coverage, errors, power, planning, winner's curse."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from analytics.compute.intervals import holm
from optimizer_app.engine.comparison import by_groups, detectable_effect, plus_two

RUNS = 1500
Draw = Callable[[random.Random], float]
MARGIN = 1.8  # points: three standard errors of a coverage of 95 % over RUNS


def binary(before: float, after: float) -> Draw:
    """One difference, of outcomes that hang together as much as they can: what is harder for the interval."""

    def draw(source: random.Random) -> float:
        u = source.random()
        return float(u < after) - float(u < before)

    return draw


def independent(before: float, after: float) -> Draw:
    def draw(source: random.Random) -> float:
        return float(source.random() < after) - float(source.random() < before)

    return draw


def mostly_ties(source: random.Random) -> float:
    return 0.0 if source.random() < 0.7 else source.uniform(-0.3, 0.5)


def rubric(source: random.Random) -> float:
    before = source.choice((0.25, 0.5, 0.5, 0.75, 1.0))
    return min(1.0, max(0.0, before + source.choice((-0.25, 0.0, 0.0, 0.25, 0.25)))) - before


def rare_fixes(source: random.Random) -> float:
    return 0.8 if source.random() < 0.05 else 0.0


def mean_of(draw: Draw) -> float:
    source = random.Random(0)
    return sum(draw(source) for _ in range(200_000)) / 200_000


def coverage(draw: Draw, n: int, *, is_binary: bool, truth: float | None = None) -> float:
    source, told, inside = random.Random(n), mean_of(draw) if truth is None else truth, 0
    for _ in range(RUNS):
        found = plus_two([draw(source) for _ in range(n)], binary=is_binary)
        inside += found.low <= told <= found.high
    return 100 * inside / RUNS


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0.95, 0.98, {10: 100, 20: 100, 30: 100, 50: 99.8, 100: 97.4, 200: 96.8}),
        (0.60, 0.70, {10: 99.8, 20: 98.0, 30: 97.4, 50: 96.7, 100: 95.9, 200: 95.6}),
        (0.70, 0.90, {10: 99.9, 20: 97.4, 30: 97.1, 50: 95.4, 100: 95.3, 200: 95.4}),
    ],
)
def test_coverage_of_right_and_wrong(before: float, after: float, told: dict[int, float]) -> None:
    for n, specified in told.items():
        found = coverage(binary(before, after), n, is_binary=True, truth=after - before)
        assert found >= min(specified, 94) - MARGIN, (n, found)
        assert found >= 94 - MARGIN / 3


@pytest.mark.parametrize("draw", [mostly_ties, rubric])
def test_coverage_of_graded_scores_from_twenty_on(draw: Draw) -> None:
    for n in (20, 50, 100, 200):
        assert coverage(draw, n, is_binary=False) >= 94 - MARGIN / 3


def test_rare_fixes_are_covered_as_far_as_anything_can() -> None:
    # 20 examples miss every fix in 36 % of cases, which no interval that knows only what it saw can cover
    for n, specified in {20: 64, 30: 79, 50: 92, 100: 96, 200: 96}.items():
        assert coverage(rare_fixes, n, is_binary=False, truth=0.04) == pytest.approx(specified, abs=4), n


@pytest.mark.parametrize("n", [10, 30, 100, 300])
@pytest.mark.parametrize("p", [0.5, 0.9])
def test_equals_are_seldom_told_apart(p: float, n: int) -> None:
    source, wrong = random.Random(n), 0
    for _ in range(RUNS):
        found = plus_two([independent(p, p)(source) for _ in range(n)], binary=True)
        wrong += found.low > 0 or found.high < 0
    assert wrong / RUNS <= 0.05 + MARGIN / 100


@pytest.mark.parametrize(("groups", "size"), [(5, 10), (20, 10), (50, 4)])
def test_coverage_where_examples_hang_together(groups: int, size: int) -> None:
    source, inside, naive, rounds = random.Random(groups), 0, 0, 1500
    names = [str(number) for number in range(groups) for _ in range(size)]
    for _ in range(rounds):
        told = [shared + source.gauss(0, 0.2) for shared in (source.gauss(0.05, 0.2) for _ in range(groups))
                for _ in range(size)]  # fmt: skip
        found = by_groups(told, names)
        inside += found.low <= 0.05 <= found.high
        plain = plus_two(told, binary=False)
        naive += plain.low <= 0.05 <= plain.high
    assert inside / rounds == pytest.approx(0.95, abs=0.02)
    assert naive / rounds < 0.85


@pytest.mark.parametrize(
    ("share", "told", "needed"),
    [
        (0.05, (11.9, 8.2, 6.0, 4.3, 2.8, 2.0), (31, 149, 973)),
        (0.10, (16.8, 11.6, 8.5, 6.1, 3.9, 2.8), (71, 306, 1954)),
        (0.20, (23.7, 16.5, 12.1, 8.7, 5.6, 3.9), (149, 620, 3917)),
        (0.30, (29.1, 20.2, 14.8, 10.6, 6.8, 4.8), (228, 934, 5879)),
    ],
)
def test_what_so_many_examples_can_show(share: float, told: tuple[float, ...], needed: tuple[int, ...]) -> None:
    found = [round(100 * detectable_effect(n, share), 1) for n in (20, 50, 100, 200, 500, 1000)]
    assert found == pytest.approx(told, abs=0.051)
    for n, points in zip(needed, (10, 5, 2), strict=True):
        assert 100 * detectable_effect(n, share) == pytest.approx(points, abs=0.06)


@pytest.mark.parametrize("n", [100, 400])
def test_the_promised_power(n: int) -> None:
    effect, source, seen = detectable_effect(n, 0.2), random.Random(n), 0
    better = (0.2 + effect) / 2
    for _ in range(RUNS):
        told = [1.0 if u < better else -1.0 if u < 0.2 else 0.0 for u in (source.random() for _ in range(n))]
        seen += plus_two(told, binary=True).low > 0
    assert seen / RUNS == pytest.approx(0.80, abs=0.05)


def test_topping_up_once_keeps_the_error_and_gives_the_power() -> None:
    source = random.Random(8)

    def shown(better: float, worse: float) -> float:
        found = 0
        for _ in range(600):
            told = [_outcome(source, better, worse) for _ in range(100)]
            first = plus_two(told, binary=True)
            variance = first.error**2 * 102
            more = min(3000, max(0, round(7.85 * variance / 0.05**2) - 100))
            told += [_outcome(source, better, worse) for _ in range(more)]
            found += plus_two(told, binary=True).low > 0
        return found / 600

    assert 2 * shown(0.1, 0.1) <= 0.05 + 0.03
    assert shown(0.125, 0.075) >= 0.80 - 0.05


def test_the_probability_of_an_improvement_is_calibrated() -> None:
    source, bins = random.Random(9), {0.925: [0, 0], 0.97: [0, 0]}
    for _ in range(12_000):
        effect = source.gauss(0, 0.06)
        better = min(0.3, max(0.0, 0.1 + effect / 2))
        worse = min(0.3, max(0.0, 0.1 - effect / 2))
        found = plus_two([_outcome(source, better, worse) for _ in range(100)], binary=True)
        chance = 1 - _below(found)
        for middle, (low, high) in {0.925: (0.90, 0.95), 0.97: (0.95, 0.99)}.items():
            if low <= chance < high:
                bins[middle][0] += 1
                bins[middle][1] += better > worse
    for middle, (n, right) in bins.items():
        assert right / n == pytest.approx(middle, abs=0.05)


@pytest.mark.parametrize(
    ("candidates", "n", "told"), [(5, 100, 4.0), (10, 100, 5.5), (30, 100, 7.4), (30, 200, 5.2), (100, 50, 12.2)]
)
def test_the_best_of_many_equals_looks_better_on_what_chose_it_and_not_elsewhere(
    candidates: int, n: int, told: float
) -> None:
    source, gains, wrong, rounds = random.Random(candidates * n), 0.0, 0, 150
    for _ in range(rounds):
        hard = [source.gauss(0, 0.6) for _ in range(n)]
        base = list(_right(source, hard))
        tried = [list(_right(source, hard)) for _ in range(candidates)]
        best = max(tried, key=sum)
        gains += 100 * (sum(best) - sum(base)) / n
        fresh = [source.gauss(0, 0.6) for _ in range(n)]
        test = [b - a for a, b in zip(_right(source, fresh), _right(source, fresh), strict=True)]
        wrong += plus_two(test, binary=True).low > 0
    assert gains / rounds == pytest.approx(told, abs=2.0)
    assert wrong / rounds <= 0.06


def test_several_candidates_on_the_test_split_are_corrected() -> None:
    told = holm([0.01, 0.02, 0.03, 0.04])
    assert told == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert all(a <= b for a, b in pairwise(told))


def _right(source: random.Random, hard: list[float]) -> Iterator[float]:
    """Outcomes of a program that is right in 70 %, more often where the example is easy."""
    return (float(source.gauss(0.61, 1.0) > level) for level in hard)


def _outcome(source: random.Random, better: float, worse: float) -> float:
    u = source.random()
    return 1.0 if u < better else -1.0 if u < better + worse else 0.0


def _below(found: object) -> float:
    from optimizer_app.common.student import t_cdf
    from optimizer_app.engine.comparison import Interval

    assert isinstance(found, Interval)
    return t_cdf(-found.center / found.error, found.freedom)
