"""Executions: taken in once, whole, redacted and encrypted; bad rows named and the rest kept."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection

from optimizer_app.common.access import SYSTEM, Actor, NotAllowed
from optimizer_app.models import Execution, ExecutionTag, Worker
from optimizer_app.services.executions import Receipt, executions_record, subject_hash
from optimizer_app.services.workers import worker_set_privacy
from tests.conftest import actor
from tests.factories.executions import execution, record, recorded

pytestmark = pytest.mark.django_db


def test_an_execution_comes_back_as_it_was_sent(worker: Worker) -> None:
    sent = record(
        worker,
        trace_id="t-1",
        score=0.75,
        subject="customer 7",
        metadata={"tenant": "north", "beta": True},
        path="static",
    )
    recorded(worker, sent)

    stored = Execution.objects.get(uid=sent.id)
    assert (stored.content.inputs, stored.content.outputs) == (sent.inputs, sent.outputs)
    assert (stored.version.number if stored.version else None, stored.label, stored.success) == (0, "K1", True)
    assert (stored.started_at, stored.latency_ms, stored.cost_usd) == (sent.started_at, 120.5, 0.001)
    assert (stored.trace_id, stored.score, stored.path, stored.metadata) == (
        "t-1", 0.75, "static", {"tenant": "north", "beta": True},
    )  # fmt: skip
    assert stored.subject == subject_hash("customer 7") != ""
    assert set(ExecutionTag.objects.values_list("name", "value")) == {
        ("tenant", "north"), ("beta", "true"), ("@path", "static"),
    }  # fmt: skip


def test_sending_twice_stores_once(worker: Worker) -> None:
    rows = [record(worker, metadata={"a": 1}) for _ in range(5)]
    first = recorded(worker, *rows)
    again = recorded(worker, *rows, rows[0], record(worker))

    assert (first.accepted, first.duplicates) == (5, 0)
    assert (again.accepted, again.duplicates) == (1, 6)
    assert (Execution.objects.count(), ExecutionTag.objects.count()) == (6, 5)


def test_bad_rows_are_named_and_the_rest_is_kept(worker: Worker) -> None:
    good = record(worker)
    bad = [
        record(worker, worker="nobody"),
        record(worker, version=9),
        record(worker, started_at=datetime(1970, 1, 1, tzinfo=UTC)),
        record(worker, started_at=datetime(2100, 1, 1, tzinfo=UTC)),
        record(worker, started_at=datetime(2026, 1, 1)),  # noqa: DTZ001 - a client may forget the zone
    ]

    receipt = recorded(worker, *bad, good)

    assert receipt.accepted == 1
    assert [error.row for error in receipt.errors] == [0, 1, 2, 3, 4]
    said = " ".join(error.detail for error in receipt.errors)
    for part in ("no worker called “nobody”", "no version 9", "before 2000", "future", "time zone"):
        assert part in said
    assert Execution.objects.get().uid == good.id


def test_failures_keep_their_kind_and_text(worker: Worker) -> None:
    stored = execution(worker, outputs={}, error="model said no", error_kind="LMRateLimitError")

    assert (stored.success, stored.error_kind, stored.content.error) == (False, "LMRateLimitError", "model said no")
    assert execution(worker, error="odd").error_kind == "error"


def test_personal_data_never_reaches_the_database(worker: Worker) -> None:
    text = "Mail maria.keller@example.com about card 4111 1111 1111 1111"
    stored = execution(worker, inputs={"message": text}, error=text, metadata={"from": "maria.keller@example.com"})

    assert stored.content.inputs == {"message": "Mail [EMAIL_1] about card [CARD_1]"}
    assert stored.content.error == "Mail [EMAIL_1] about card [CARD_1]"
    assert stored.metadata == {"from": "[EMAIL_1]"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM optimizer_app_execution")
        assert b"keller" not in repr(cursor.fetchall()).encode()


def test_the_policy_of_the_worker_decides_field_by_field(worker: Worker, approver: Actor) -> None:
    worker_set_privacy(
        worker, by=approver, policy={"default": "drop", "fields": {"message": "redact"}, "patterns": {"case": r"C-\d+"}}
    )
    stored = execution(worker, inputs={"message": "a@b.example, case C-17", "note": "x"})

    assert stored.content.inputs == {"message": "[EMAIL_1], case [CUSTOM_1]", "note": "[DROPPED]"}
    assert stored.label == "K1"
    worker_set_privacy(worker, by=approver, policy={"fields": {"team": "drop"}})
    dropped = execution(worker, error="about a@b.example", metadata={"name": "Maria Keller"})
    assert (dropped.label, dropped.content.outputs) == ("", {"team": "[DROPPED]"})
    worker_set_privacy(worker, by=approver, policy={"default": "drop"})
    assert execution(worker, error="about somebody").content.error == "[DROPPED]"
    assert execution(worker, outputs={"team": "Dear a@b.example"}).label == ""
    with pytest.raises(NotAllowed):
        worker_set_privacy(worker, by=actor("operator"), policy={})


def test_a_pattern_without_end_costs_only_the_row(worker: Worker, approver: Actor) -> None:
    worker_set_privacy(worker, by=approver, policy={"patterns": {"slow": r"(a|aa)+$"}})

    receipt = recorded(worker, record(worker, inputs={"message": "a" * 60 + "!"}), record(worker))

    assert receipt.accepted == 1
    assert "“slow” took longer" in receipt.errors[0].detail


def test_recording_takes_its_right(worker: Worker) -> None:
    with pytest.raises(NotAllowed):
        executions_record([(0, record(worker))], by=actor("viewer"), receipt=Receipt())


def test_a_failing_rule_leaves_nothing_half_written(worker: Worker) -> None:
    """The table of tags is taken away: neither the executions nor anything else of the request stays."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE optimizer_app_executiontag RENAME TO elsewhere")
    with pytest.raises(Exception, match="executiontag"):
        executions_record([(0, record(worker, metadata={"a": 1}))], by=SYSTEM, receipt=Receipt())
    # the failed statement has rolled its savepoint back
    assert not Execution.objects.filter(worker=worker).exists()


def test_ids_that_arrive_from_elsewhere_do_not_collide(worker: Worker) -> None:
    assert recorded(worker, *[record(worker, id=uuid4()) for _ in range(300)]).accepted == 300
