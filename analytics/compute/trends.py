"""Is it going up or down? Seasonal Theil-Sen slope and seasonal Kendall test with a lag-1 correction.

Pairs of days are compared within the same weekday only, so a quiet weekend is no trend; the correction keeps the
false alarms of day-to-day correlation at 5 % (docs/statistics.md, section 5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, median

WEEK = 7
SEASONAL_DAYS = 28
SHORTEST_DAYS = 14
LEAST_PER_DAY = 20
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Trend:
    """Change a day with its 95 % interval and the p-value that there is none. `short`: weekdays could not be paired."""

    slope: float
    low: float
    high: float
    p: float
    days: int
    short: bool


def trend(days: Sequence[tuple[int, float]]) -> Trend | None:
    """The trend of daily values (day number, value), in their order; None below SHORTEST_DAYS days."""
    if len(days) < SHORTEST_DAYS:
        return None
    span = days[-1][0] - days[0][0] + 1
    short = span < SEASONAL_DAYS
    pairs = [
        (later - earlier, b - a)
        for i, (earlier, a) in enumerate(days)
        for later, b in days[i + 1 :]
        if short or (later - earlier) % WEEK == 0
    ]
    if not pairs:
        return None
    slopes = sorted(change / apart for apart, change in pairs)
    s = sum((change > 0) - (change < 0) for _, change in pairs)
    slope = median(slopes)
    error = math.sqrt(_variance(days, short) * _inflation(days, slope, short))
    z = (s - (s > 0) + (s < 0)) / error if error else 0.0
    # Sen (1968): the slopes whose rank lies z standard errors of S from the middle
    reach = Z * error / 2
    middle = (len(slopes) - 1) / 2
    low, high = (slopes[min(len(slopes) - 1, max(0, round(at)))] for at in (middle - reach, middle + reach))
    return Trend(slope, low, high, 2 * NormalDist().cdf(-abs(z)), len(days), short)


def _variance(days: Sequence[tuple[int, float]], short: bool) -> float:
    sizes = [len(days)] if short else [sum(day % WEEK == k for day, _ in days) for k in range(WEEK)]
    return sum(m * (m - 1) * (2 * m + 5) for m in sizes) / 18


def _inflation(days: Sequence[tuple[int, float]], slope: float, short: bool) -> float:
    """(1 + r) / (1 - r) with the lag-1 autocorrelation r of the residuals, corrected for its small-sample bias."""
    groups: dict[int, list[float]] = {}
    for day, value in days:
        groups.setdefault(0 if short else day % WEEK, []).append(value - slope * day)
    means = {key: sum(values) / len(values) for key, values in groups.items()}
    left = [value - slope * day - means[0 if short else day % WEEK] for day, value in days]
    squares = sum(x * x for x in left)
    if not squares:
        return 1.0
    n = len(left)
    r = sum(a * b for a, b in pairwise(left)) / squares
    r = min(0.9, max(0.0, r + (1 + 4 * r) / n + 0.9 / n))
    return (1 + r) / (1 - r)
