"""What detectors watch: every measure as a value in [0, 1], higher is better (docs/statistics.md)."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from analytics.compute.detection import LEAST_REFERENCE, Detector

Signal = Literal["success", "score", "latency_ms:typical", "latency_ms:slow", "cost"]
SIGNALS: tuple[Signal, ...] = ("success", "score", "latency_ms:typical", "latency_ms:slow", "cost")
DROP = 0.05  # the smallest that is worth an alert, by default
SMALL_DROP, NEARLY_ALWAYS = 0.02, 0.97  # of a share that is nearly always right
SLOWER, DEARER = 1.25, 1.2  # the smallest factors worth an alert
REACH = 4.0  # latency is looked at up to 4 times its 95th percentile, cost from a quarter to 4 times its median
HOURS, SEASONAL_SPAN_S = 24, 5 * 86_400
HOUR_S = 3600


class Reading(NamedTuple):
    """What one execution measured, at a time in seconds since 1970; None where it did not. A failed call has no score,
    and a score that comes later comes alone."""

    at: float
    success: bool | None
    score: float | None
    latency_ms: float | None
    cost_usd: float | None


class Scale(msgspec.Struct, frozen=True):
    """How latency or cost becomes a value: quantiles of the reference, frozen. Their errors do not matter, because the
    detector goes on learning the mean of the values."""

    middle: float = 0.0
    high: float = 0.0


class Watch(msgspec.Struct):
    """One signal under watch: how it is read, and the detector's state. A small JSON."""

    signal: Signal
    scale: Scale
    detector: Detector

    @classmethod
    def start(
        cls, signal: Signal, reference: Sequence[Reading], *, gamma: float, drop: float | None = None
    ) -> "Watch | None":
        """Armed by healthy readings; None while they are too few: max(100, variance / drop²)."""
        scale = _scale(signal, reference)
        values = [(_value(signal, scale, reading), reading) for reading in reference]
        known = [(value, reading) for value, reading in values if value is not None]
        if len(known) < LEAST_REFERENCE:
            return None
        told = [value for value, _ in known]
        smallest = drop if drop is not None else _smallest(signal, scale, sum(told) / len(told))
        span = known[-1][1].at - known[0][1].at
        bins = HOURS if span >= SEASONAL_SPAN_S else 1
        placed = [(value, _hour(reading.at) % bins) for value, reading in known]
        detector = Detector.start(placed, gamma=gamma, delta=smallest, bins=bins)
        if len(known) < detector.variance / smallest**2:
            return None
        return cls(signal, scale, detector)

    def update(self, reading: Reading) -> bool:
        """Take one execution; True at the alarm. One without this measure says nothing."""
        value = self.value(reading)
        if value is None:
            return False
        return self.detector.update(value, _hour(reading.at) % len(self.detector.bins))

    def value(self, reading: Reading) -> float | None:
        """The reading on this signal's scale."""
        return _value(self.signal, self.scale, reading)


def measured(signal: Signal, reading: Reading) -> bool:
    """Whether a reading says anything about a signal."""
    return _value(signal, Scale(1.0, 1.0), reading) is not None


def _value(signal: Signal, scale: Scale, reading: Reading) -> float | None:
    match signal:
        case "success":
            return None if reading.success is None else float(reading.success)
        case "score":
            return reading.score
        case "latency_ms:typical":
            if reading.latency_ms is None:
                return None
            spread = math.log(REACH * scale.high / scale.middle)
            return 1 - _clip(math.log(max(reading.latency_ms, scale.middle) / scale.middle) / spread)
        case "latency_ms:slow":
            return None if reading.latency_ms is None else float(reading.latency_ms <= scale.high)
        case "cost":
            if reading.cost_usd is None or not scale.middle:
                return None
            ratio = max(reading.cost_usd, scale.middle / REACH) / scale.middle
            return 1 - _clip(math.log(REACH * ratio) / math.log(REACH**2))


def _smallest(signal: Signal, scale: Scale, mean: float) -> float:
    match signal:
        case "success":
            return SMALL_DROP if mean >= NEARLY_ALWAYS else DROP
        case "latency_ms:typical":
            return math.log(SLOWER) / math.log(REACH * scale.high / scale.middle)
        case "cost":
            return math.log(DEARER) / math.log(REACH**2)
        case _:
            return DROP


def _scale(signal: Signal, reference: Sequence[Reading]) -> Scale:
    if signal.startswith("latency_ms"):
        told = sorted(r.latency_ms for r in reference if r.latency_ms is not None)
    elif signal == "cost":
        told = sorted(r.cost_usd for r in reference if r.cost_usd is not None)
    else:
        return Scale()
    if not told:
        return Scale(1.0, 1.0)
    least = 1e-9  # a free call, or one that took no time
    return Scale(max(least, _quantile(told, 0.5)), max(least, _quantile(told, 0.95)))


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1)]


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _hour(at: float) -> int:
    return int(at // HOUR_S) % HOURS
