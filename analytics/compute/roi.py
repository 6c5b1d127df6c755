"""Was it worth it? Net present value of an optimization, with its uncertainty (docs/statistics.md, section 4)."""

import math
from dataclasses import dataclass
from statistics import NormalDist

HORIZON_DAYS = 90
YEARLY_RATE = 0.10
HALF_LIFE_DAYS = 180  # how long half of a gain lasts: models get replaced
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Stake:
    """What an investment is judged by. Money in one currency.

    `spent`: the optimization, failed and discarded runs of the same campaign with it. `gain` and `gain_error`:
    quality per call and its standard error, in correct answers. `cost` and `cost_error`: change of the cost of a
    call. `value`: of one more correct answer. `covariance` is that of gain and cost. `per_day`: calls.
    """

    spent: float
    gain: float
    gain_error: float
    cost: float
    cost_error: float
    value: float
    per_day: float
    covariance: float = 0.0
    horizon_days: float = HORIZON_DAYS
    yearly_rate: float = YEARLY_RATE
    half_life_days: float = HALF_LIFE_DAYS


@dataclass(frozen=True)
class Worth:
    """`per_call` is what a call is worth more now. Break-even in calls; infinite means never."""

    per_call: float
    per_call_error: float
    calls: float
    net: float
    net_low: float
    net_high: float
    ratio: float | None
    p_positive: float
    break_even: float
    break_even_soonest: float
    break_even_latest: float
    break_even_days: float
    least_value: float | None


def worth(stake: Stake) -> Worth:
    """The verdict on a stake. `least_value` is the value of a correct answer at which it breaks even at the horizon."""
    per_call = stake.value * stake.gain - stake.cost
    variance = (stake.value * stake.gain_error) ** 2 + stake.cost_error**2 - 2 * stake.value * stake.covariance
    error = math.sqrt(max(0.0, variance))
    calls = discounted_calls(stake)
    net = calls * per_call - stake.spent
    break_even = _calls_to(stake.spent, per_call)
    return Worth(
        per_call=per_call,
        per_call_error=error,
        calls=calls,
        net=net,
        net_low=net - Z * calls * error,
        net_high=net + Z * calls * error,
        ratio=net / stake.spent if stake.spent else None,
        p_positive=_p_positive(per_call, error, stake.spent, calls),
        break_even=break_even,
        break_even_soonest=_calls_to(stake.spent, per_call + Z * error),
        break_even_latest=_calls_to(stake.spent, per_call - Z * error),
        break_even_days=break_even / stake.per_day if stake.per_day else math.inf,
        least_value=(stake.cost + stake.spent / calls) / stake.gain if stake.gain > 0 and calls else None,
    )


def discounted_calls(stake: Stake) -> float:
    """Calls within the horizon, each weighed by interest and by how long gains last."""
    daily = math.pow(1 + stake.yearly_rate, -1 / 365) * math.pow(2, -1 / stake.half_life_days)
    if daily == 1:
        return stake.per_day * stake.horizon_days
    return stake.per_day * daily * (1 - math.pow(daily, stake.horizon_days)) / (1 - daily)


def course(stake: Stake, points: int = 31) -> list[tuple[float, float, float, float]]:
    """Net value by day up to the horizon: (day, expected, low, high) with the 95 % band."""
    made = []
    for step in range(points):
        day = stake.horizon_days * step / (points - 1)
        found = worth(Stake(**{**stake.__dict__, "horizon_days": day}))
        made.append((day, found.net, found.net_low, found.net_high))
    return made


def _p_positive(per_call: float, error: float, spent: float, calls: float) -> float:
    if not calls:
        return 0.0 if spent > 0 else 0.5
    distance = per_call - spent / calls
    if not error:
        return 1.0 if distance > 0 else 0.0
    return NormalDist().cdf(distance / error)


def _calls_to(spent: float, per_call: float) -> float:
    return spent / per_call if per_call > 0 else math.inf
