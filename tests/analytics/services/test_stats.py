"""Aggregates: exact under any order of arrival, any number of absorbers, corrections, deletion and rebuilding."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from analytics.compute.sketches import Sketch
from analytics.models import Stat, StatState
from analytics.services.stats import minutes_forget, stats_absorb, stats_fill, worker_rebuild
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, IngestBatch, Worker
from optimizer_app.sdk.payload import ExecutionRecord, FeedbackRecord
from optimizer_app.services.executions import Receipt
from optimizer_app.services.feedback import feedback_record
from optimizer_app.services.retention import retention_apply
from tests.factories.executions import START, execution, record, recorded

pytestmark = pytest.mark.django_db


def contents() -> dict[tuple[str, int, str], tuple[object, ...]]:
    return {
        (stat.size, stat.version, stat.start.isoformat()): (
            stat.calls, stat.successes, round(stat.score_sum, 9), round(stat.cost_usd, 9), stat.tokens_in,
            dict(Sketch.decode(bytes(stat.latency)).bins), stat.errors, stat.paths,
        )
        for stat in Stat.objects.all()
    }  # fmt: skip


def mixed(worker: Worker) -> list[ExecutionRecord]:
    now = timezone.now()
    return [
        record(worker, started_at=now - timedelta(hours=7 * i), latency_ms=10.0 + i, score=i / 40,
               version=0 if i % 3 else None, error_kind="TimeoutError" if i % 5 == 0 else "")
        for i in range(40)
    ]  # fmt: skip


def test_every_execution_is_counted_once_in_a_minute_an_hour_and_a_day(worker: Worker) -> None:
    recorded(worker, *(record(worker, started_at=timezone.now()) for _ in range(3)))
    assert stats_absorb() == 3
    assert stats_absorb() == 0
    assert not IngestBatch.objects.exists()
    assert Counter(Stat.objects.values_list("size", "calls")) == {("m", 3): 1, ("h", 3): 1, ("d", 3): 1}
    day = Stat.objects.get(size="d")
    assert (day.successes, day.tokens_in, day.priced) == (3, 600, 3)
    assert day.version == worker.versions.get(number=0).pk
    assert day.totals.p50 == pytest.approx(120.5, rel=0.01)


def test_the_order_and_the_batches_do_not_matter(worker: Worker) -> None:
    rows = mixed(worker)
    recorded(worker, *rows)
    stats_absorb()
    together = contents()
    Stat.objects.all().delete()
    Execution.objects.all().delete()
    for row in reversed(rows):
        recorded(worker, row)
        stats_absorb()
    assert contents() == together
    assert sum(stat.calls for stat in Stat.objects.filter(size="d")) == 40


def test_what_is_sent_twice_is_counted_once(worker: Worker) -> None:
    row = record(worker)
    recorded(worker, row, row)
    recorded(worker, row)
    stats_absorb()
    assert Stat.objects.get(size="d").calls == 1


def test_a_later_score_replaces_the_earlier(worker: Worker) -> None:
    made = execution(worker, score=0.2)
    stats_absorb()
    for score in (0.9, 0.7):
        told = FeedbackRecord(id=record(worker).id, execution_id=made.uid, score=score, source="judge")
        assert feedback_record([(0, told)], by=SYSTEM, receipt=Receipt()).accepted == 1
    stats_absorb()
    day = Stat.objects.get(size="d")
    assert (day.calls, day.scored, day.score_sum) == pytest.approx((1, 1, 0.7))


def test_rebuilding_gives_the_same_even_with_batches_on_their_way(worker: Worker) -> None:
    rows = mixed(worker)
    recorded(worker, *rows[:30])
    stats_absorb()
    recorded(worker, *rows[30:])
    worker_rebuild(worker.pk)
    assert sum(stat.calls for stat in Stat.objects.filter(size="d")) == 30
    stats_absorb()
    whole = contents()
    worker_rebuild(worker.pk)
    assert contents() == whole


def test_retention_does_not_change_the_past(worker: Worker) -> None:
    recorded(worker, *mixed(worker))
    stats_absorb()
    before = contents()
    worker.retention_days = 3
    worker.save(update_fields=["retention_days"])
    assert retention_apply() > 10
    worker_rebuild(worker.pk)
    assert contents() == before


def test_executions_older_than_the_aggregates_are_filled_in(worker: Worker) -> None:
    recorded(worker, *mixed(worker))
    IngestBatch.objects.all().delete()  # as they were before there were batches
    assert stats_fill() > 10
    assert StatState.objects.get().status == "ready"
    assert sum(stat.calls for stat in Stat.objects.filter(size="d")) == 40
    assert stats_fill() == 0


def test_filling_begins_nothing_when_its_time_is_over(worker: Worker) -> None:
    recorded(worker, *mixed(worker))
    IngestBatch.objects.all().delete()
    assert stats_fill(until=0.0) == 0
    assert not Stat.objects.exists()
    assert stats_fill() > 10


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_several_fillers_share_the_days(worker: Worker) -> None:
    recorded(worker, *mixed(worker))
    stats_absorb()
    whole, days = contents(), Stat.objects.filter(size="d").values("start").distinct().count()
    Stat.objects.all().delete()
    StatState.objects.update(form=0)
    filled: list[int] = []

    def fill() -> None:
        filled.append(stats_fill())
        connection.close()

    threads = [threading.Thread(target=fill) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(filled) == days
    assert contents() == whole


def test_minutes_are_forgotten_and_old_ones_not_made(worker: Worker) -> None:
    now = timezone.now()
    recorded(worker, record(worker, started_at=now), record(worker, started_at=now - timedelta(hours=50)))
    stats_absorb()
    assert Counter(Stat.objects.values_list("size", flat=True)) == {"m": 1, "h": 2, "d": 2}
    Stat.objects.filter(size="m").update(start=now - timedelta(hours=49))
    assert minutes_forget() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_absorbers_at_once_count_once(worker: Worker) -> None:
    for _ in range(300):
        recorded(worker, record(worker, started_at=START))

    def absorb() -> None:
        stats_absorb()
        connection.close()

    threads = [threading.Thread(target=absorb) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Stat.objects.get(size="d").calls == 300
