"""The course of what fell, in the time around an incident: for its page and its message."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from analytics.compute.totals import Totals
from analytics.models import Incident, Stat
from analytics.selectors.periods import DAY, HOUR, Period, floor
from analytics.selectors.stats import Point, series

BEFORE, LONG, SHORT = timedelta(hours=12), timedelta(days=2), timedelta(hours=2)
MOST_BARS = 16
Size = Stat.Size
VALUES: dict[str, Callable[[Totals], float | None]] = {
    "success": lambda t: t.successes / t.calls if t.calls else None,
    "score": lambda t: t.scores.mean,
    "error_rate": lambda t: 1 - t.successes / t.calls if t.calls else None,
    "latency_ms": lambda t: t.p95,
    "cost": lambda t: t.cost_per_call,
    "traffic": lambda t: float(t.calls),
}  # fmt: skip
TEXTS: dict[str, str] = {
    "success": "{:.1%}", "score": "{:.1%}", "error_rate": "{:.1%}", "latency_ms": "{:,.0f} ms", "cost": "${:.4f}",
    "traffic": "{:,.0f} calls",
}  # fmt: skip


def measure_of_signal(signal: str) -> str:
    """What a signal is about: "latency_ms:slow" about latency_ms, "level:cost" about cost."""
    head, _, rest = signal.partition(":")
    return rest if head == "level" else head


def incident_points(incident: Incident) -> list[Point]:
    """The buckets from some time before it began to its end, or now: days of a long one, minutes of a short one as long
    as there are any, else hours."""
    end = incident.resolved_at or timezone.now()
    span = end - incident.began_at
    if span > LONG:
        return _points(incident, Size.DAY, 7 * DAY, end)
    minutes = _points(incident, Size.MINUTE, SHORT, end) if span < SHORT else []
    return minutes or _points(incident, Size.HOUR, BEFORE, end)


def _points(incident: Incident, size: str, before: timedelta, end: datetime) -> list[Point]:
    start = floor(incident.began_at - before, size)
    return series(incident.worker_id, Period("", start, end + HOUR, size, size), incident.version or None)


def incident_course(incident: Incident) -> list[tuple[str, float, str]]:
    """Bars for a message: when, how long from 0 to 1, and the value in words; the newest last."""
    measure = measure_of_signal(incident.signal)
    told = [(point.start, VALUES[measure](point.totals)) for point in incident_points(incident)]
    known = [(start, value) for start, value in told if value is not None][-MOST_BARS:]
    most = max((value for _, value in known), default=0.0) or 1.0
    return [
        (f"{timezone.localtime(start):%-d %b %H:%M}", value / most, TEXTS[measure].format(value))
        for start, value in known
    ]  # fmt: skip
