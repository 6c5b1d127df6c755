"""What is watched, what was noticed, and what the detectors would have said of the past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from django.db.models import QuerySet

from analytics.compute.detection import detectable_after
from analytics.compute.signals import SIGNALS, Reading, Signal, Watch
from analytics.models import Incident, Monitor, WatchPolicy
from analytics.selectors.stats import daily_rates
from optimizer_app.models import Execution, Worker

LABELS: dict[str, str] = {
    "success": "Success", "score": "Score", "latency_ms:typical": "Typical latency",
    "latency_ms:slow": "Share of calls in time", "cost": "Cost", "traffic": "Calls", "level:success": "Success",
    "level:score": "Score", "level:error_rate": "Errors", "level:latency_ms": "95th percentile of latency",
    "level:cost": "Cost of a call",
}  # fmt: skip
SHARES = frozenset({"success", "score", "level:success", "level:score", "level:error_rate"})
PAST = 20_000  # executions that a back-test plays
LEAST_PROMISE = 1_000  # executions between false alarms, where traffic is small
REFERENCE = 500
SLOWER_THAN_LIMIT = 1.3  # measured delay over the least possible: docs/statistics.md
TOGETHER = timedelta(minutes=15)


@dataclass(frozen=True)
class WatchedSignal:
    """One signal of the active version: learning, calm, calm against the level of the version before (inherited), or in
    alarm. `evidence` is how far to the alarm, 0 to 1."""

    signal: Signal
    label: str
    state: str
    baseline: float | None
    evidence: float
    n: int
    drop: float | None
    noticed_after: float | None  # calls, for a drop of that size


@dataclass(frozen=True)
class PastAlarm:
    """An alarm that the detectors would have raised."""

    signal: str
    label: str
    at: datetime
    row: int
    baseline: float
    level: float | None


@dataclass(frozen=True)
class BackTest:
    """What the detectors would have said of the newest `rows` executions of the active version."""

    rows: int
    reference: int
    first: datetime | None
    alarms: Sequence[PastAlarm]
    armed: Sequence[str]
    promise: float


def policy_of(worker: Worker) -> WatchPolicy:
    """How the worker is watched; by default it is."""
    return WatchPolicy.objects.filter(worker=worker).first() or WatchPolicy(worker=worker)


def promise_of(worker_id: int, days: int) -> float:
    """Executions between false alarms: so many days at the worker's traffic."""
    return max(LEAST_PROMISE, days * daily_rates([worker_id]).get(worker_id, 0.0))


def watched(worker: Worker) -> list[WatchedSignal]:
    """The signals of the active version, or of calls that name none where there are no others."""
    monitors = {m.version: m for m in Monitor.objects.filter(worker=worker)}
    monitor = monitors.get(worker.active_version_id or 0) or monitors.get(0)
    return [_watched(signal, monitor) for signal in SIGNALS]


def back_test(worker: Worker, *, days: int, drops: dict[str, float]) -> BackTest:
    """Play the past of the active version with these settings, with the code that watches production."""
    stored = Execution.objects.filter(worker=worker).defer("body", "metadata")
    named = stored.filter(version=worker.active_version_id)
    rows = list((named if named.exists() else stored).order_by("-started_at")[:PAST])[::-1]
    readings = [Reading(r.started_at.timestamp(), r.success, r.score, r.latency_ms, r.cost_usd) for r in rows]
    promise = promise_of(worker.pk, days)
    healthy, rest = readings[:REFERENCE], readings[REFERENCE:]
    alarms, armed = [], []
    for signal in SIGNALS:
        watch = Watch.start(signal, healthy, gamma=promise * len(SIGNALS), drop=drops.get(signal))
        if watch is None:
            continue
        armed.append(LABELS[signal])
        alarms += _alarms(signal, watch, rest, len(healthy))
    first = rows[0].started_at if rows else None
    return BackTest(len(rows), len(healthy), first, sorted(alarms, key=lambda a: a.row), armed, promise)


def incidents(worker: Worker | None = None, *, unresolved: bool = False) -> QuerySet[Incident]:
    """Incidents, newest first."""
    found = Incident.objects.select_related("worker")
    if worker is not None:
        found = found.filter(worker=worker)
    return found.exclude(status=Incident.Status.RESOLVED) if unresolved else found


def together_with(incident: Incident) -> list[Incident]:
    """Incidents of other workers that began at about the same time: perhaps one outage."""
    near = (incident.noticed_at - TOGETHER, incident.noticed_at + TOGETHER)
    return list(incidents().filter(noticed_at__range=near).exclude(worker=incident.worker)[:20])


def _watched(signal: Signal, monitor: Monitor | None) -> WatchedSignal:
    state = monitor.watches.get(signal) if monitor else None
    if state is None:
        return WatchedSignal(signal, LABELS[signal], "learning", None, 0.0, monitor.seen if monitor else 0, None, None)
    detector = msgspec.convert(state, Watch).detector
    drop = min(detector.delta, detector.mean - 0.001)
    least = detectable_after(detector.mean, detector.mean - drop, detector.gamma) if 0 < detector.mean < 1 else None
    calm = "inherited" if monitor and signal in monitor.inherited else "calm"
    return WatchedSignal(
        signal, LABELS[signal], "alarm" if detector.alarmed else calm, detector.mean, detector.evidence,
        detector.n + detector.pn, detector.delta, least * SLOWER_THAN_LIMIT if least else None,
    )  # fmt: skip


def _alarms(signal: Signal, watch: Watch, readings: Sequence[Reading], before: int) -> list[PastAlarm]:
    """Every alarm; after each the detector learns from what follows, as after a new normal."""
    found: list[PastAlarm] = []
    for number, reading in enumerate(readings, 1):
        if not watch.update(reading):
            continue
        detector = watch.detector
        at = datetime.fromtimestamp(reading.at, UTC)
        found.append(PastAlarm(signal, LABELS[signal], at, before + number, detector.mean, detector.recent))
        again = Watch.start(
            signal, readings[number : number + REFERENCE], gamma=detector.gamma, drop=detector.delta
        )  # fmt: skip
        if again is None:
            break
        return [*found, *_alarms(signal, again, readings[number + REFERENCE :], before + number + REFERENCE)]
    return found
