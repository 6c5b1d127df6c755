"""Estimates with their 95 % intervals: one share, one mean, and the difference of two independent ones."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from optimizer_app.common.student import t_cdf, t_quantile

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the number of cases behind it. `p` tests that it is 0, where that is asked."""

    value: float
    low: float
    high: float
    n: int
    p: float | None = None

    @property
    def shown(self) -> str:
        """What the interval says of the sign: "above", "below" or "unclear"."""
        return "above" if self.low > 0 else "below" if self.high < 0 else "unclear"


@dataclass(frozen=True)
class Moments:
    """What a mean needs: number, sum and sum of squares. 0/1 values have equal sums."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    @property
    def variance(self) -> float:
        """The sample variance; 0 below two values."""
        if self.n < 2:
            return 0.0
        return max(0.0, self.squares - self.total**2 / self.n) / (self.n - 1)


def share(successes: int, n: int) -> Estimate | None:
    """A share with Wilson's interval; None without cases."""
    if n <= 0:
        return None
    p = successes / n
    center = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return Estimate(p, max(0.0, center - reach), min(1.0, center + reach), n)


def mean(moments: Moments) -> Estimate | None:
    """A mean of scores in [0, 1] with the plus-two t interval around it; None without cases.

    Two pseudo-scores, 0 and 1, keep the interval from collapsing where all scores are equal (Agresti and Coull 1998).
    """
    if moments.n <= 0:
        return None
    padded = Moments(moments.n + 2, moments.total + 1, moments.squares + 1)
    center = padded.total / padded.n
    reach = t_quantile(0.975, padded.n - 1) * math.sqrt(padded.variance / padded.n)
    return Estimate(moments.total / moments.n, max(0.0, center - reach), min(1.0, center + reach), moments.n)


def share_difference(before: tuple[int, int], after: tuple[int, int]) -> Estimate | None:
    """After minus before of two independent shares, each (successes, n): Newcombe's method 10 (1998), pooled z test."""
    first, second = share(*before), share(*after)
    if first is None or second is None:
        return None
    difference = second.value - first.value
    low = difference - math.hypot(second.value - second.low, first.high - first.value)
    high = difference + math.hypot(second.high - second.value, first.value - first.low)
    pooled = (before[0] + after[0]) / (before[1] + after[1])
    error = math.sqrt(pooled * (1 - pooled) * (1 / before[1] + 1 / after[1]))
    p = 2 * NormalDist().cdf(-abs(difference) / error) if error else 1.0
    return Estimate(difference, low, high, before[1] + after[1], p)


def mean_difference(before: Moments, after: Moments) -> Estimate | None:
    """After minus before of two independent means: Welch's t. None where one side has fewer than two cases."""
    if before.n < 2 or after.n < 2:
        return None
    parts = before.variance / before.n, after.variance / after.n
    difference = after.total / after.n - before.total / before.n
    error = math.sqrt(sum(parts))
    n = before.n + after.n
    if not error:
        return Estimate(difference, difference, difference, n, 1.0 if not difference else 0.0)
    df = sum(parts) ** 2 / (parts[0] ** 2 / (before.n - 1) + parts[1] ** 2 / (after.n - 1))
    reach = t_quantile(0.975, df) * error
    return Estimate(
        difference, difference - reach, difference + reach, n, 2 * t_cdf(-abs(difference) / error, df)
    )  # fmt: skip


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: for looking at many differences at once."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = worst
    return adjusted
