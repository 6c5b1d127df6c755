"""Before and after on the same examples: the plus-two t interval.

Add two pseudo-differences +r and -r to the paired differences, then take Student's t. For 0/1 scores this is
Bonett and Price (2012) with t; it generalizes to graded scores. Unlike Wald and bootstrap intervals it keeps
its 95 % down to ten examples (docs/statistics.md).
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from optimizer_app.common.student import t_cdf, t_quantile

Verdict = Literal["improved", "worse", "equivalent", "undecided"]

CONFIDENCE = 0.95
SCORE_RANGE = 1.0
SMALLEST_SPREAD = 0.25  # of the range: the least pseudo-difference for graded scores
MINIMUM_EFFECT = 0.05  # differences below this do not matter to anyone by default
POWER_FACTOR = 7.85  # (z of 97.5 % + z of 80 %) squared
CHANGED_SHARE = 0.2  # assumed share of examples whose outcome changes, before anything is measured
SIGN_FLIP_STEPS = 1000  # graded differences are rounded to 1/1000 for the exact test


class Comparison(msgspec.Struct, frozen=True):
    """Scores in [0, 1]; differences after minus before, so positive is better."""

    n: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    p_improved: float
    sign_flip_p: float
    fixed: int
    broken: int
    unchanged: int
    verdict: Verdict
    minimum_effect: float
    more_examples: int
    detectable: float


def compare(
    before: Sequence[float], after: Sequence[float], *, binary: bool, minimum_effect: float = MINIMUM_EFFECT
) -> Comparison:
    """Compare paired scores, example by example. Raises ValueError when empty or of different lengths."""
    if not before or len(before) != len(after):
        raise ValueError("A comparison needs the same examples on both sides, and at least one.")
    n = len(before)
    differences = [b - a for a, b in zip(before, after, strict=True)]
    total = math.fsum(differences)
    spread = SCORE_RANGE
    if not binary:
        spread = max(max(abs(d) for d in differences), SMALLEST_SPREAD * SCORE_RANGE)
    padded = n + 2
    center = total / padded
    squares = math.fsum(d * d for d in differences) + 2 * spread**2
    variance = (squares - padded * center**2) / (padded - 1)
    error = math.sqrt(variance / padded)
    reach = t_quantile((1 + CONFIDENCE) / 2, padded - 1) * error
    low, high = max(center - reach, -SCORE_RANGE), min(center + reach, SCORE_RANGE)
    return Comparison(
        n=n,
        before=math.fsum(before) / n,
        after=math.fsum(after) / n,
        difference=total / n,
        low=low,
        high=high,
        p_value=2 * t_cdf(-abs(center) / error, padded - 1),
        p_improved=t_cdf(center / error, padded - 1),
        sign_flip_p=sign_flip_p(differences),
        fixed=sum(d > 0 for d in differences),
        broken=sum(d < 0 for d in differences),
        unchanged=sum(d == 0 for d in differences),
        verdict=_verdict(low, high, minimum_effect),
        minimum_effect=minimum_effect,
        more_examples=max(0, math.ceil(POWER_FACTOR * variance / minimum_effect**2) - n),
        detectable=detectable_effect(n, sum(d != 0 for d in differences) / n if n > 20 else CHANGED_SHARE),
    )


def detectable_effect(n: int, changed_share: float = CHANGED_SHARE) -> float:
    """The smallest difference that n examples show with 80 % power at 5 %, if this share of outcomes changes."""
    return math.sqrt(POWER_FACTOR * max(changed_share, 0.01) / (n + POWER_FACTOR))


def sign_flip_p(differences: Sequence[float]) -> float:
    """Exact two-sided sign-flip test; for 0/1 scores this is McNemar's exact test.

    The chance that random signs give a sum at least as far from 0 as the one observed.
    """
    steps = [round(abs(d) * SIGN_FLIP_STEPS) for d in differences if d]
    scale = math.gcd(*steps) if steps else 1
    sizes = [step // scale for step in steps if step]
    observed = abs(sum(round(d * SIGN_FLIP_STEPS) for d in differences)) // scale
    if max(sizes, default=1) == 1:
        return _fair_coins(len(sizes), observed)
    return _signs(sizes, observed)


def _fair_coins(n: int, observed: int) -> float:
    """Differences of one size: the signs' sum is binomial."""
    tail = sum(math.comb(n, k) for k in range((n - observed) // 2 + 1))
    return min(1.0, 2 * tail / 2**n) if observed else 1.0


def _signs(sizes: Sequence[int], observed: int) -> float:
    import numpy as np  # here, so that pages which only compare right and wrong do without its 30 MB

    reach = sum(sizes)
    chances = np.zeros(2 * reach + 1)  # index: sum + reach
    chances[reach] = 1.0
    for size in sizes:
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    sums = np.abs(np.arange(-reach, reach + 1))
    return min(1.0, float(chances[sums >= observed].sum()))


def _verdict(low: float, high: float, minimum_effect: float) -> Verdict:
    if low > 0:
        return "improved"
    if high < 0:
        return "worse"
    return "equivalent" if -minimum_effect < low and high < minimum_effect else "undecided"
