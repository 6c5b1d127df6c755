"""Executions by month on PostgreSQL: unique over all months, made ahead, dropped whole."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, transaction
from django.utils import timezone

from optimizer_app.common.access import SYSTEM
from optimizer_app.common.sql import sql
from optimizer_app.models import Execution, ExecutionTag, Feedback, Worker
from optimizer_app.services import doctor
from optimizer_app.services.feedback import execution_correct
from optimizer_app.services.partitions import (
    EXECUTIONS,
    TABLES,
    month_after,
    part_make,
    partitioned,
    parts,
    parts_analyze,
    parts_drop,
    parts_make,
    rest,
)
from optimizer_app.services.retention import erase, retention_apply
from tests.factories.executions import execution, record, recorded
from tests.factories.workers import routing_worker

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def place(stored: Execution) -> str:
    """The part in which it lies."""
    [(name,)] = sql("SELECT tableoid::regclass::text FROM {table} WHERE id = %s", stored.pk, table=EXECUTIONS)
    return str(name)


@pytest.fixture
def months(worker: Worker) -> Worker:
    """January and February have parts of their own, in the place of the one for all that is past."""
    for table in TABLES:
        sql("DROP TABLE {past}", past=parts(table)[0].name)
        part_make(table, JANUARY, FEBRUARY)
        part_make(table, FEBRUARY, month_after(FEBRUARY))
    return worker


def test_an_id_is_taken_once_over_all_months(months: Worker) -> None:
    assert partitioned()
    one = record(months, started_at=JANUARY + timedelta(days=3))
    again = record(months, id=one.id, started_at=FEBRUARY + timedelta(days=3))
    assert recorded(months, one).accepted == 1
    assert recorded(months, again, record(months, started_at=FEBRUARY)).duplicates == 1
    [stored] = Execution.objects.filter(uid=one.id)
    assert (stored.started_at, place(stored)) == (one.started_at, f"{EXECUTIONS}_2026_01")


def test_an_erased_execution_leaves_no_key(worker: Worker) -> None:
    one = record(worker)
    recorded(worker, one)
    erase(by=SYSTEM, execution_uid=one.id)
    assert recorded(worker, one).accepted == 1


def test_parts_are_made_ahead_and_take_over_what_came_before_them(worker: Worker) -> None:
    last = parts()[-1]
    for table in TABLES:
        sql("DROP TABLE {part}", part=parts(table)[-1].name)
    stored = Execution.objects.create(
        worker=worker, uid=uuid4(), started_at=month_after(last.end, -1), success=True, body=b""
    )
    assert place(stored) == rest(EXECUTIONS)
    assert parts_make() == [last.name, last.name.replace(EXECUTIONS, TABLES[1])]
    assert place(stored) == last.name
    assert parts_make() == []
    assert recorded(worker, record(worker, id=stored.uid)).duplicates == 1


def test_an_execution_keeps_its_time(months: Worker) -> None:
    stored = execution(months, started_at=JANUARY)
    with pytest.raises(ProgrammingError, match="keeps its id and its time"), transaction.atomic():
        Execution.objects.filter(pk=stored.pk).update(started_at=FEBRUARY)
    Execution.objects.filter(pk=stored.pk).update(score=0.5, started_at=JANUARY)


def test_the_doctor_sees_that_a_month_is_missing(worker: Worker) -> None:
    def told() -> doctor.State:
        return next(finding.state for finding in doctor.examine() if finding.subject == "executions")

    assert told() == "well"
    for part in parts()[1:]:
        sql("DROP TABLE {part}", part=part.name)
    assert told() == "wrong"


def test_the_planner_hears_of_what_the_parts_hold(worker: Worker) -> None:
    recorded(worker, *(record(worker, metadata={"tenant": "north"}) for _ in range(50)))
    for table in TABLES:
        for part in parts(table):
            sql("ANALYZE {part}", part=part.name)  # as PostgreSQL does by itself
    parts_analyze()
    known = [sql("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", table)[0][0] for table in TABLES]
    assert known == [50, 50]


def test_a_month_goes_whole_once_no_worker_keeps_any_of_it(months: Worker) -> None:
    keeper = routing_worker()
    old, kept = record(months, started_at=JANUARY), record(keeper, started_at=FEBRUARY)
    recorded(months, record(months, started_at=JANUARY, metadata={"tenant": "north"}), old)
    recorded(keeper, kept)
    gone, stays = Execution.objects.get(uid=old.id), Execution.objects.get(uid=kept.id)
    for stored in (gone, stays):
        execution_correct(stored, by=SYSTEM, corrected=None, score=0.5, comment="")
    assert parts_drop() == 0  # without a limit everything is kept

    Worker.objects.filter(pk=months.pk).update(retention_days=30)
    sql("SET CONSTRAINTS ALL IMMEDIATE")  # as at the end of each request, which came before
    assert parts_drop() == 2
    assert [part.name for part in parts()][:1] == [f"{EXECUTIONS}_2026_02"]
    assert list(Execution.objects.all()) == [stays]
    assert ExecutionTag.objects.count() == 0
    assert [feedback.execution_id for feedback in Feedback.objects.all()] == [stays.pk]
    assert recorded(months, old).accepted == 1, "an id that is gone can come again"
    assert recorded(keeper, kept).duplicates == 1
    call_command("integrity")


def test_retention_deletes_row_by_row_what_shares_a_month_with_what_is_kept(months: Worker) -> None:
    keeper = routing_worker()
    recorded(months, record(months, started_at=JANUARY))
    recorded(keeper, record(keeper, started_at=JANUARY), record(keeper, started_at=timezone.now()))
    Worker.objects.filter(pk=months.pk).update(retention_days=30)
    assert retention_apply() == 1
    assert Execution.objects.count() == 2
    call_command("integrity")
