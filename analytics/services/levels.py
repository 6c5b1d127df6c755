"""Plain levels, for those who want them: a measure of the last hour against a fixed number."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from analytics.models import Incident, Stat, WatchPolicy
from analytics.selectors.incident_courses import VALUES
from analytics.selectors.periods import HOUR, Period, floor
from analytics.selectors.stats import totals_of
from analytics.services.incidents import incident_begin, incident_recover, incident_worsen

Severity, Size = Incident.Severity, Stat.Size
LEAST_CALLS = 20
LOWER_IS_WORSE = frozenset({"success", "score"})
MEASURES = frozenset({"success", "score", "error_rate", "latency_ms", "cost"})
UNITS = {"latency_ms": "ms", "cost": "USD"}


def levels_look() -> None:
    """Open an incident where a level is crossed, with the severity of the worst, and close it once none is."""
    for policy in WatchPolicy.objects.filter(enabled=True).exclude(levels={}).select_related("worker"):
        now = timezone.now()
        last_hour = Period("", floor(now - HOUR, Size.MINUTE), now, Size.MINUTE, Size.MINUTE)
        totals = totals_of(policy.worker_id, last_hour)
        for measure, limits in policy.levels.items():
            value = VALUES[measure](totals)
            n = totals.scored if measure == "score" else totals.calls
            if value is not None and n >= LEAST_CALLS:
                _judge(policy, measure, limits, value, n)


def _judge(policy: WatchPolicy, measure: str, limits: dict[str, float], value: float, n: int) -> None:
    signal = f"level:{measure}"
    found = Incident.objects.filter(worker=policy.worker_id, signal=signal).exclude(status=Incident.Status.RESOLVED)
    crossed = [s for s in (Severity.CRITICAL, Severity.WARNING) if s in limits and _beyond(measure, value, limits[s])]
    incident = found.first()
    if not crossed:
        if incident:
            incident_recover(incident, f"Within its levels again, over {n:,} calls of the last hour.")
        return
    if incident is None:
        told: dict[str, Any] = {"baseline": limits[crossed[0]], "level": value, "count": n}
        if measure in UNITS:
            told["unit"] = UNITS[measure]
        with transaction.atomic():
            incident_begin(
                policy.worker, 0, signal, severity=crossed[0], evidence=told, noticed_at=timezone.now(),
                began_at=timezone.now() - HOUR,
            )  # fmt: skip
    elif incident.severity == Severity.WARNING and crossed[0] == Severity.CRITICAL:
        with transaction.atomic():
            incident_worsen(incident, "The critical level is crossed too.")


def _beyond(measure: str, value: float, limit: float) -> bool:
    return value < limit if measure in LOWER_IS_WORSE else value > limit
