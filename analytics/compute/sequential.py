"""A/B tests that may be looked at at any time: half-normal mixture e-values (docs/statistics.md, section 3)."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

LEAST_PER_ARM = 50
PROMOTE_AT = ROLL_BACK_AT = 20.0  # e-values: at most 1 in 20 wrong, however often one looks
ALPHA = 0.1
Decision = Literal["collecting", "promote", "roll back", "equivalent", "undecided"]


@dataclass(frozen=True)
class Arm:
    """One side: number, mean and the squared standard error of the mean."""

    n: int
    mean: float
    error2: float


def arm_of_outcomes(successes: int, n: int) -> Arm:
    """An arm of 0/1 outcomes, with plus-one rates."""
    m = (successes + 1) / (n + 2)
    return Arm(n, m, m * (1 - m) / (n + 2))


def arm_of_scores(n: int, mean: float, variance: float) -> Arm:
    """An arm of scores, with their sample variance."""
    return Arm(n, mean, variance / n)


@dataclass(frozen=True)
class Race:
    """New minus old; `low` and `high` hold at every look at once, with 90 % confidence."""

    difference: float
    low: float
    high: float
    better: float  # e-value that the new arm is better
    worse: float
    decision: Decision


def race(old: Arm, new: Arm, *, smallest: float, margin: float = 0.0) -> Race:
    """Where the test stands. `smallest` is the smallest difference that matters, `margin` that of non-inferiority."""
    difference = new.mean - old.mean
    precision = 1 / (new.error2 + old.error2)
    tau = 1 / smallest**2
    reach = math.sqrt((precision + tau) * math.log((precision + tau) / (tau * ALPHA**2))) / precision
    low, high = difference - reach, difference + reach
    better, worse = _e_value(difference + margin, precision, tau), _e_value(-difference, precision, tau)
    return Race(difference, low, high, better, worse, _decision(old, new, better, worse, low, high, smallest))


def _decision(old: Arm, new: Arm, better: float, worse: float, low: float, high: float, smallest: float) -> Decision:
    if min(old.n, new.n) < LEAST_PER_ARM:
        return "collecting"
    if better >= PROMOTE_AT:
        return "promote"
    if worse >= ROLL_BACK_AT:
        return "roll back"
    return "equivalent" if -smallest < low and high < smallest else "undecided"


def _e_value(d: float, precision: float, tau: float) -> float:
    whole = precision + tau
    size = min(700.0, d * d * precision**2 / (2 * whole))
    tilt = NormalDist().cdf(d * math.sqrt(precision) * math.sqrt(precision / whole))
    return 2 * math.sqrt(tau / whole) * math.exp(size) * tilt
