"""Workers that are not called any more, and what becomes of their incidents."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from analytics.compute.traffic import chance_of_so_few
from analytics.models import Incident, Stat, WatchPolicy
from analytics.selectors.periods import DAY, HOUR, floor
from analytics.selectors.stats import freshness
from analytics.services.incidents import incident_begin, incident_recover
from optimizer_app.models import Worker

SIGNAL = "traffic"
DAYS = 14
WINDOWS = (1, 6, 24)  # hours
LOOKS_A_DAY = 24 * len(WINDOWS)
SETTLED = timedelta(minutes=10)  # after an hour's end, for calls that arrive late
BACK = 0.05  # chance of so few above which traffic is ordinary again
SILENT = 0.0  # the promise of an incident that no chance was computed for
BEHIND_S = 300.0  # where the aggregates are behind, missing calls prove nothing
Counts = Mapping[datetime, int]


def traffic_look() -> None:
    """Open an incident where too few calls came, and close it when they come again."""
    fresh = freshness()
    if fresh.behind_s > BEHIND_S or fresh.filling:
        return
    until = floor(timezone.now() - SETTLED, Stat.Size.HOUR)
    policies = {policy.worker_id: policy for policy in WatchPolicy.objects.all()}
    for worker_id, counts in _hours(until).items():
        policy = policies.get(worker_id) or WatchPolicy(worker_id=worker_id)
        if policy.enabled:
            _judge(worker_id, counts, until, 1 / (policy.days * LOOKS_A_DAY))


def silent_look() -> None:
    """Do what the policies say about workers that nobody calls."""
    now = timezone.now()
    for policy in WatchPolicy.objects.filter(enabled=True).exclude(no_data=WatchPolicy.NoData.KEEP):
        stats = Stat.objects.filter(worker=policy.worker_id, size=Stat.Size.HOUR)
        newest = stats.aggregate(newest=Max("start"))["newest"]
        if newest is None:
            continue
        if now - newest < timedelta(hours=policy.no_data_hours + 1):
            for incident in _open(policy.worker_id).filter(evidence__promise=SILENT):
                incident_recover(incident, "Calls come again.")
            continue
        told = f"No call for more than {policy.no_data_hours} hours."
        if policy.no_data == WatchPolicy.NoData.RESOLVE:
            for incident in Incident.objects.filter(worker=policy.worker_id).exclude(status=Incident.Status.RESOLVED):
                incident_recover(incident, told)
        else:
            _begin(policy.worker_id, 1.0, 0, newest + HOUR, SILENT)


def _open(worker_id: int) -> QuerySet[Incident]:
    return Incident.objects.filter(worker=worker_id, signal=SIGNAL).exclude(status=Incident.Status.RESOLVED)


def _hours(until: datetime) -> dict[int, Counts]:
    stats = Stat.objects.filter(size=Stat.Size.HOUR, start__gte=until - (DAYS + 1) * DAY, start__lt=until)
    found: dict[int, dict[datetime, int]] = defaultdict(dict)
    for worker, start, calls in stats.order_by().values_list("worker", "start").annotate(Sum("calls")):
        found[worker][start] = calls
    return dict(found)


def _judge(worker_id: int, counts: Counts, until: datetime, least: float) -> None:
    first = min(counts)
    for hours in WINDOWS:
        observed, past = _window(counts, first, until, hours)
        chance = chance_of_so_few(observed, past)
        if chance is None:
            continue
        if chance < least:
            _begin(worker_id, sum(past) / len(past), observed, until - hours * HOUR, 1 / least)
            return
        if hours == 1 and chance >= BACK:
            for incident in _open(worker_id):
                incident_recover(incident, f"Calls come again: {observed:,} in the last whole hour.")


def _window(counts: Counts, first: datetime, until: datetime, hours: int) -> tuple[int, list[int]]:
    """Calls in the last `hours`, and in the same hours of the days before, as far back as the worker was called."""

    def within(end: datetime) -> int:
        return sum(counts.get(end - n * HOUR, 0) for n in range(1, hours + 1))

    ends = [until - n * DAY for n in range(1, DAYS + 1)]
    return within(until), [within(end) for end in ends if end - hours * HOUR >= first]


def _begin(worker_id: int, baseline: float, level: int, began_at: datetime, promise: float) -> None:
    told = {"baseline": baseline, "level": level, "count": level, "promise": promise, "unit": "calls"}
    with transaction.atomic():
        incident_begin(
            Worker.objects.get(pk=worker_id), 0, SIGNAL, severity=Incident.Severity.CRITICAL, evidence=told,
            noticed_at=timezone.now(), began_at=began_at,
        )  # fmt: skip
