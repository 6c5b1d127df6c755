"""Two periods compared like with like: only the same weekdays and hours (docs/statistics.md, section 5)."""

import math
from collections.abc import Iterable

from analytics.compute.intervals import Estimate, Moments, Z

LEAST_IN_STRATUM = 5


def stratified_difference(strata: Iterable[tuple[Moments, Moments]]) -> Estimate | None:
    """Later minus earlier: each stratum's difference weighted by n1 n2 / (n1 + n2); None when no stratum has both."""
    weights = total = variance = 0.0
    n = 0
    for first, second in strata:
        if min(first.n, second.n) < LEAST_IN_STRATUM:
            continue
        weight = first.n * second.n / (first.n + second.n)
        weights += weight
        total += weight * (second.total / second.n - first.total / first.n)
        variance += weight**2 * (first.variance / first.n + second.variance / second.n)
        n += first.n + second.n
    if not weights:
        return None
    value, reach = total / weights, Z * math.sqrt(variance) / weights
    return Estimate(value, value - reach, value + reach, n)
