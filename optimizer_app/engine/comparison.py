"""Before and after on the same examples: the plus-two t interval.

Add two pseudo-differences +r and -r to the paired differences, then take Student's t. For 0/1 scores this is
Bonett and Price (2012) with t; it generalizes to graded scores. Unlike Wald and bootstrap intervals it keeps
its 95 % down to ten examples (docs/statistics.md).
"""

import math
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

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
    groups: int = 0  # of examples that hang together; 0 where all are on their own


class Interval(NamedTuple):
    """An estimate of the mean difference: its center and standard error, and the degrees of freedom of its t."""

    center: float
    error: float
    freedom: int

    @property
    def low(self) -> float:
        return max(self.center - self._reach, -SCORE_RANGE)

    @property
    def high(self) -> float:
        return min(self.center + self._reach, SCORE_RANGE)

    @property
    def _reach(self) -> float:
        return t_quantile((1 + CONFIDENCE) / 2, self.freedom) * self.error


def compare(
    before: Sequence[float], after: Sequence[float], *, binary: bool, minimum_effect: float = MINIMUM_EFFECT,
    groups: Sequence[str] = (),
) -> Comparison:  # fmt: skip
    """Compare paired scores, example by example. `groups` names the group of each example, empty for none: examples of
    one document or person are not independent. Raises ValueError when empty or of different lengths."""
    if not before or len(before) != len(after):
        raise ValueError("A comparison needs the same examples on both sides, and at least one.")
    n = len(before)
    differences = [b - a for a, b in zip(before, after, strict=True)]
    found = plus_two(differences, binary=binary)
    own = [group or number for number, group in enumerate(groups)]  # one without a group is a group of its own
    clustered = len(set(own)) < len(own)
    if clustered:
        found = max(found, by_groups(differences, own), key=lambda interval: interval.high - interval.low)
    return Comparison(
        n=n,
        before=math.fsum(before) / n,
        after=math.fsum(after) / n,
        difference=math.fsum(differences) / n,
        low=found.low,
        high=found.high,
        p_value=2 * t_cdf(-abs(found.center) / found.error, found.freedom),
        p_improved=t_cdf(found.center / found.error, found.freedom),
        sign_flip_p=sign_flip_p(differences),
        fixed=sum(d > 0 for d in differences),
        broken=sum(d < 0 for d in differences),
        unchanged=sum(d == 0 for d in differences),
        verdict=_verdict(found.low, found.high, minimum_effect),
        minimum_effect=minimum_effect,
        more_examples=max(0, math.ceil(POWER_FACTOR * found.error**2 * (n + 2) / minimum_effect**2) - n),
        detectable=detectable_effect(n, sum(d != 0 for d in differences) / n if n > 20 else CHANGED_SHARE),
        groups=len(set(own)) if clustered else 0,
    )


def plus_two(differences: Sequence[float], *, binary: bool) -> Interval:
    """Of independent examples."""
    spread = SCORE_RANGE
    if not binary:
        spread = max(max(abs(d) for d in differences), SMALLEST_SPREAD * SCORE_RANGE)
    padded = len(differences) + 2
    center = math.fsum(differences) / padded
    squares = math.fsum(d * d for d in differences) + 2 * spread**2
    variance = (squares - padded * center**2) / (padded - 1)
    return Interval(center, math.sqrt(variance / padded), padded - 1)


def by_groups(differences: Sequence[float], groups: Sequence[Hashable]) -> Interval:
    """Of examples that hang together within groups: cluster-robust standard error, t with groups - 1 degrees of freedom
    (Miller 2024). One group alone says nothing."""
    n = len(differences)
    center = math.fsum(differences) / n
    sums: dict[Hashable, float] = {}
    for difference, group in zip(differences, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + difference - center
    if len(sums) < 2:
        return Interval(center, 2 * SCORE_RANGE, 1)
    correction = len(sums) / (len(sums) - 1)
    return Interval(center, math.sqrt(correction * math.fsum(s * s for s in sums.values())) / n, len(sums) - 1)


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
