"""Student's t distribution in plain Python: the web process shows p-values without loading SciPy (100 MB)."""

import math
from functools import lru_cache

_TINY = 1e-300
_EPSILON = 1e-15
_MOST_TERMS = 10_000
_MOST_STEPS = 200


def t_cdf(t: float, df: float) -> float:
    """P(T <= t) for `df` > 0 degrees of freedom; accurate to about 1e-13."""
    if math.isinf(t):
        return 1.0 if t > 0 else 0.0
    square = t * t
    if square < min(1.0, df):  # from the middle: near it, the tail is a difference of nearly equal numbers
        return 0.5 + math.copysign(0.5 * incomplete_beta(0.5, df / 2, square / (df + square)), t)
    tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + square))
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=20_000)
def t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = p, 0 < p < 1; to about 1e-12 of its size. Kept: pages ask for few degrees of freedom."""
    if not 0 < p < 1:
        raise ValueError("A quantile is asked for at a probability between 0 and 1.")
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < p:
        low, high = high, 2 * high
    t = (low + high) / 2
    for _ in range(_MOST_STEPS):  # Newton's, kept within the bracket
        miss = t_cdf(t, df) - p
        low, high = (low, t) if miss > 0 else (t, high)
        step = t - miss / _density(t, df)
        new = step if low < step < high else (low + high) / 2
        if abs(new - t) <= 1e-13 * max(1.0, t):
            return new
        t = new
    return t


def _density(t: float, df: float) -> float:
    log = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    return max(_TINY, math.exp(log - (df + 1) / 2 * math.log1p(t * t / df)))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly on the other side only
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return value


def _away(x: float) -> float:
    return x if abs(x) > _TINY else _TINY
