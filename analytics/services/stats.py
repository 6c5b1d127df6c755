"""Executions become aggregates: absorbed batch by batch, each exactly once; rebuilt when their form changes."""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from django.db import transaction
from django.utils import timezone

from analytics.compute.totals import Totals
from analytics.models import Stat, StatState
from analytics.models.stats import SUMS
from analytics.services.canaries import canaries_count
from analytics.services.monitors import monitors_update
from optimizer_app.common.measures import Measure, unpack
from optimizer_app.models import Execution, IngestBatch, Worker
from optimizer_app.services.ingest_batches import measure_of

NAME, FORM = "executions", 1  # FORM goes up when the meaning of a stored aggregate changes
BATCHES_AT_ONCE, MEASURES_AT_ONCE = 200, 20_000
MINUTES_KEPT = timedelta(hours=48)
Size = Stat.Size
_SECONDS = {Size.MINUTE: 60, Size.HOUR: 3600, Size.DAY: 86_400}
_KEY = ("size", "worker", "start", "version")
_CHANGING = (*SUMS, "latency", "cost", "errors", "paths")
Bucket = tuple[str, int, int, int]  # size, worker, version, start in seconds since 1970


def stats_absorb() -> int:
    """Add what pending batches hold to the aggregates; how many measures. Several callers do no harm."""
    absorbed = 0
    while True:
        with transaction.atomic():
            state = _locked_state()
            taken, measures = _next_batches()
            if not taken:
                return absorbed
            _add(_totals_of(measures))
            monitors_update(measures)
            canaries_count(measures)
            IngestBatch.objects.filter(pk__in=taken).delete()
            state.absorbed += len(measures)
            state.absorbed_at = timezone.now()
            state.save(update_fields=["absorbed", "absorbed_at"])
        absorbed += len(measures)


def stats_fill(until: float = math.inf) -> int:
    """Fill aggregates of an older form, or of executions older than aggregates, from executions: one worker's day a
    transaction, going on where the last call stopped; how many. Begins no further day once the monotonic clock is past
    `until`. Nothing to do once the register says that they are ready. Several callers share the work."""
    filled = 0
    while time.monotonic() < until:
        with transaction.atomic():
            state = _locked_state()
            if state.status == StatState.Status.READY:
                return filled
            first = _next_to_fill(state)
            if first is None:
                state.status = StatState.Status.READY
                state.filled_worker, state.filled_until = 0, None
            else:
                day = _day_of(first.started_at)
                _rebuild_day(first.worker_id, day)
                state.filled_worker, state.filled_until = first.worker_id, day + timedelta(days=1)
                filled += 1
            state.save(update_fields=["status", "filled_worker", "filled_until"])
    return filled


def worker_rebuild(worker_id: int) -> int:
    """Make a worker's aggregates anew from its executions, one day a transaction; how many days."""
    stored = Execution.objects.filter(worker=worker_id).order_by("started_at").values_list("started_at", flat=True)
    first, last = stored.first(), stored.last()
    if first is None or last is None:
        return 0
    day, days = _day_of(first), 0
    while day <= last:
        with transaction.atomic():
            _rebuild_day(worker_id, day)
        day, days = day + timedelta(days=1), days + 1
    return days


def minutes_forget() -> int:
    """Delete minutes past their time; how many. Hours and days stay."""
    deleted, _ = Stat.objects.filter(size=Size.MINUTE, start__lt=timezone.now() - MINUTES_KEPT).delete()
    return deleted


def _next_batches() -> tuple[list[int], list[Measure]]:
    """The oldest batches, their ids and what they hold: about MEASURES_AT_ONCE, so that ingest gets its turn."""
    taken: list[int] = []
    measures: list[Measure] = []
    for batch in IngestBatch.objects.all()[:BATCHES_AT_ONCE]:
        taken.append(batch.pk)
        measures += unpack(bytes(batch.measures))
        if len(measures) >= MEASURES_AT_ONCE:
            break
    return taken, measures


def _locked_state() -> StatState:
    """The register's row, locked until the end of the transaction; made at the first call."""
    state = StatState.objects.select_for_update().filter(name=NAME).first()
    if state is None:
        status = StatState.Status.FILLING if Execution.objects.exists() else StatState.Status.READY
        made = {"form": FORM, "status": status}
        state, _ = StatState.objects.select_for_update().get_or_create(name=NAME, defaults=made)
    if state.form != FORM:
        state.status, state.form, state.filled_worker, state.filled_until = StatState.Status.FILLING, FORM, 0, None
        state.save(update_fields=["status", "form", "filled_worker", "filled_until"])
    return state


def _next_to_fill(state: StatState) -> Execution | None:
    """The first execution that is not filled yet, by worker and time."""
    rows = Execution.objects.only("worker_id", "started_at").order_by("started_at")
    if state.filled_until is not None:
        further = rows.filter(worker=state.filled_worker, started_at__gte=state.filled_until).first()
        if further is not None:
            return further
    following = Worker.objects.filter(pk__gt=state.filled_worker).order_by("pk").values_list("pk", flat=True)
    firsts = (rows.filter(worker=worker).first() for worker in following)
    return next((first for first in firsts if first is not None), None)


def _rebuild_day(worker_id: int, day: datetime) -> None:
    """Executions are read before pending batches: whatever was committed in between is in no sum and still pending."""
    _locked_state()
    until = day + timedelta(days=1)
    rows = Execution.objects.filter(worker=worker_id, started_at__gte=day, started_at__lt=until)
    found = [measure_of(row) for row in rows.defer("body", "metadata").iterator()]
    span = (day.timestamp(), until.timestamp())
    for batch in IngestBatch.objects.iterator(chunk_size=BATCHES_AT_ONCE):
        found += [
            msgspec.structs.replace(measure, sign=-measure.sign)
            for measure in unpack(bytes(batch.measures))
            if measure.worker == worker_id and span[0] <= measure.at < span[1]
        ]
    made = _totals_of(found)
    kept = {_bucket(stat): stat for stat in Stat.objects.filter(worker=worker_id, start__gte=day, start__lt=until)}
    whole = {bucket: totals for bucket, totals in made.items() if bucket[0] == Size.DAY}
    for bucket, totals in whole.items():
        if bucket not in kept or totals.calls >= kept[bucket].calls:
            _replace(bucket[2], made, kept)


def _replace(version: int, made: dict[Bucket, Totals], kept: dict[Bucket, Stat]) -> None:
    """Put a version's new aggregates of a day in the place of the old ones."""
    Stat.objects.filter(pk__in=[stat.pk for bucket, stat in kept.items() if bucket[2] == version]).delete()
    _add({bucket: totals for bucket, totals in made.items() if bucket[2] == version})


def _totals_of(measures: Iterable[Measure]) -> dict[Bucket, Totals]:
    """Minutes from measures, hours from minutes, days from hours."""
    found: dict[Bucket, Totals] = defaultdict(Totals)
    for measure in measures:
        found[Size.MINUTE, measure.worker, measure.version, _floor(measure.at, Size.MINUTE)].add(measure)
    for coarse, fine in ((Size.HOUR, Size.MINUTE), (Size.DAY, Size.HOUR)):
        for bucket in [bucket for bucket in found if bucket[0] == fine]:
            found[coarse, bucket[1], bucket[2], _floor(bucket[3], coarse)].merge(found[bucket])
    oldest = (timezone.now() - MINUTES_KEPT).timestamp()
    return {bucket: totals for bucket, totals in found.items() if bucket[0] != Size.MINUTE or bucket[3] >= oldest}


def _add(changes: dict[Bucket, Totals]) -> None:
    """Add totals to the stored aggregates, under the lock of the register."""
    stored = _stored(changes)
    rows = []
    for bucket, totals in changes.items():
        if bucket in stored:
            totals.merge(stored[bucket].totals)
        size, worker, version, start = bucket
        stat = Stat(worker_id=worker, version=version, size=size, start=datetime.fromtimestamp(start, UTC))
        stat.totals = totals
        rows.append(stat)
    Stat.objects.bulk_create(
        rows, batch_size=500, update_conflicts=True, unique_fields=_KEY, update_fields=_CHANGING
    )  # fmt: skip


def _stored(wanted: Iterable[Bucket]) -> dict[Bucket, Stat]:
    found: dict[Bucket, Stat] = {}
    by_size: dict[tuple[str, int], list[Bucket]] = defaultdict(list)
    for bucket in wanted:
        by_size[bucket[0], bucket[1]].append(bucket)
    for (size, worker), buckets in by_size.items():
        starts = sorted({datetime.fromtimestamp(bucket[3], UTC) for bucket in buckets})
        for some in _chunks(starts, 500):
            for stat in Stat.objects.filter(size=size, worker=worker, start__in=some):
                found[_bucket(stat)] = stat
    return found


def _bucket(stat: Stat) -> Bucket:
    return stat.size, stat.worker_id, stat.version, int(stat.start.timestamp())


def _floor(at: float, size: str) -> int:
    seconds = _SECONDS[Size(size)]
    return int(at // seconds * seconds)


def _day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _chunks(items: Sequence[datetime], size: int) -> Iterable[Sequence[datetime]]:
    return (items[at : at + size] for at in range(0, len(items), size))
