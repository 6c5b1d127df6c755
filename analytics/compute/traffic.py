"""Whether calls stay away: a count against the counts of the same hours on earlier days."""

import math
from collections.abc import Sequence
from statistics import mean, variance

LEAST_DAYS = 7
LEAST_EXPECTED = 5.0


def chance_of_so_few(observed: int, past: Sequence[int]) -> float | None:
    """The probability of `observed` calls or fewer where the same hours of earlier days had `past`: of a negative
    binomial with their mean and variance, of a Poisson distribution where the variance is no larger than the mean. None
    where too little is known: fewer than LEAST_DAYS days, or fewer than LEAST_EXPECTED calls a day."""
    if len(past) < LEAST_DAYS or (expected := mean(past)) < LEAST_EXPECTED:
        return None
    spread = variance(past)
    if spread <= expected:
        terms = (k * math.log(expected) - expected - math.lgamma(k + 1) for k in range(observed + 1))
    else:
        size = expected**2 / (spread - expected)
        kept = math.log(size / (size + expected)), math.log(expected / (size + expected))
        terms = (
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) + size * kept[0] + k * kept[1]
            for k in range(observed + 1)
        )
    return min(1.0, math.fsum(math.exp(term) for term in terms))
