"""Reading aggregates."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from django.core.cache import cache
from django.db.models import QuerySet, Sum
from django.utils import timezone

from analytics.compute.sketches import Sketch
from analytics.compute.totals import Totals
from analytics.models import Stat, StatState
from analytics.models.stats import SUMS
from analytics.selectors.periods import DAY, Period, floor
from optimizer_app.models import IngestBatch

RATE_DAYS = 14
SUMS_KEPT_S = 60
KEPT_S = 600  # late executions of days that are over show up after this


@dataclass(frozen=True)
class Freshness:
    """Until when executions are counted. `behind_s` is the age of the oldest that is not, 0 when all are."""

    as_of: datetime | None
    behind_s: float
    filling: bool


@dataclass(frozen=True)
class Point:
    """One bucket of a chart."""

    start: datetime
    totals: Totals


def freshness() -> Freshness:
    """How fresh the aggregates are."""
    state, oldest, now = StatState.objects.first(), IngestBatch.objects.first(), timezone.now()
    behind = (now - oldest.created_at).total_seconds() if oldest else 0.0
    filling = bool(state and state.status == StatState.Status.FILLING)
    return Freshness(now - timedelta(seconds=behind), behind, filling)


def sums_by_worker(period: Period) -> dict[int, Totals]:
    """Counts and sums of every worker, without latencies. Of days that are over they are kept for a minute: to add 90
    days of 200 workers takes a fifth of the page's time."""
    today = floor(timezone.now(), Stat.Size.DAY)
    if period.size != Stat.Size.DAY or period.start >= today:
        return _totals(_sums(period))
    before = replace(period, end=min(period.end, today))
    key = f"sums-{before.start:%Y%m%d}-{before.end:%Y%m%d}"
    kept: dict[int, list[float]] | None = cache.get(key)
    if kept is None:
        kept = _sums(before)
        cache.set(key, kept, SUMS_KEPT_S)
    for worker, row in _sums(replace(period, start=before.end)).items() if period.end > today else ():
        kept[worker] = [a + b for a, b in zip(kept[worker], row, strict=True)] if worker in kept else row
    return _totals(kept)


def _sums(period: Period) -> dict[int, list[float]]:
    """By worker, in the order of SUMS; one query that reads no sketch."""
    rows = _within(period).order_by().values_list("worker").annotate(*(Sum(name) for name in SUMS))
    return {worker: row for worker, *row in rows}


def _totals(sums: dict[int, list[float]]) -> dict[int, Totals]:
    found: dict[int, Totals] = {}
    for worker, row in sums.items():
        made = found[worker] = Totals()
        for name, value in zip(SUMS, row, strict=True):
            setattr(made, name, value)
    return found


def latency_by_worker(period: Period, workers: Collection[int]) -> dict[int, Sketch]:
    """Latencies of some workers. Of days that are over they are kept for a while: to merge 90 days of 40 workers takes
    a tenth of a second."""
    today = floor(timezone.now(), Stat.Size.DAY)
    if period.size != Stat.Size.DAY or period.start >= today:
        return _latencies(period, workers)
    before = replace(period, end=min(period.end, today))
    key = f"latencies-{before.start:%Y%m%d}-{before.end:%Y%m%d}-{hash(tuple(workers))}"
    kept: dict[int, bytes] | None = cache.get(key)
    if kept is None:
        kept = {worker: sketch.encode() for worker, sketch in _latencies(before, workers).items()}
        cache.set(key, kept, KEPT_S)
    found = {worker: Sketch.decode(raw) for worker, raw in kept.items()}
    for worker, sketch in _latencies(replace(period, start=before.end), workers).items():
        found.setdefault(worker, Sketch()).merge(sketch)
    return found


def _latencies(period: Period, workers: Collection[int]) -> dict[int, Sketch]:
    found: dict[int, Sketch] = defaultdict(Sketch)
    for worker, raw in _within(period).filter(worker__in=workers).values_list("worker", "latency"):
        found[worker].merge(Sketch.decode(bytes(raw)))
    return found


def totals_by_version(worker_id: int, period: Period) -> dict[int, Totals]:
    """A worker's totals by version id."""
    found: dict[int, Totals] = defaultdict(Totals)
    for stat in _within(period).filter(worker=worker_id):
        found[stat.version].merge(stat.totals)
    return found


def totals_of(worker_id: int, period: Period) -> Totals:
    """A worker's totals."""
    whole = Totals()
    for part in totals_by_version(worker_id, period).values():
        whole.merge(part)
    return whole


def series(worker_id: int, period: Period, version: int | None = None) -> list[Point]:
    """A worker's buckets in their order; those without calls are left out."""
    stats = Stat.objects.filter(size=period.step, worker=worker_id, start__gte=period.start, start__lt=period.end)
    if version is not None:
        stats = stats.filter(version=version)
    found: dict[datetime, Totals] = defaultdict(Totals)
    for stat in stats.order_by("start"):
        found[stat.start].merge(stat.totals)
    return [Point(start, totals) for start, totals in found.items()]


def daily_rates(workers: Sequence[int] | None = None) -> dict[int, float]:
    """Calls a day: the median of the last RATE_DAYS whole days, of those since the worker's first call among them."""
    today = floor(timezone.now(), Stat.Size.DAY)
    stats = Stat.objects.filter(size=Stat.Size.DAY, start__gte=today - RATE_DAYS * DAY)
    if workers is not None:
        stats = stats.filter(worker__in=workers)
    days: dict[int, dict[datetime, int]] = defaultdict(dict)
    for worker, start, calls in stats.values_list("worker", "start").annotate(Sum("calls")):
        days[worker][start] = calls
    rates = {}
    for worker, found in days.items():
        whole = [found.get(day, 0) for day in _days(min(found), today)]
        rates[worker] = float(median(whole)) if whole else float(found[today])
    return rates


def _days(first: datetime, until: datetime) -> list[datetime]:
    return [first + n * DAY for n in range((until - first).days)]


def _within(period: Period) -> QuerySet[Stat]:
    return Stat.objects.filter(size=period.size, start__gte=period.start, start__lt=period.end)
