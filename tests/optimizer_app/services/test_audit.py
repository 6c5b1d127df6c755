"""The audit chain."""

import json
from importlib import import_module

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from optimizer_app.common.access import Actor
from optimizer_app.models import AuditEvent, AuditHead, Metric, Worker
from optimizer_app.services.audit import chain_head, first_broken, record
from optimizer_app.services.metrics import metric_create
from tests.conftest import SignIn

pytestmark = pytest.mark.django_db


def make(by: Actor, count: int) -> None:
    for number in range(count):
        metric_create(by=by, name=f"M{number}", description="", kind="exact_match", field="", parameters={})


def test_changes_are_chained(operator: Actor) -> None:
    make(operator, 3)

    assert first_broken() is None
    event = AuditEvent.objects.order_by("-number")[0]
    assert (event.actor, event.verb, event.object_name, event.address) == (
        "operator",
        "metric.create",
        "M2",
        "127.0.0.1",
    )


@pytest.mark.parametrize("change", [{"actor": "someone"}, {"data": {"kind": "other"}}, {"previous_hash": "0" * 64}])
def test_an_altered_event_is_found(operator: Actor, change: dict[str, object]) -> None:
    make(operator, 4)
    target = AuditEvent.objects.order_by("number")[2]
    AuditEvent.objects.filter(pk=target.pk).update(**change)

    assert first_broken() == target.number


def test_a_removed_event_is_found(operator: Actor) -> None:
    make(operator, 4)
    AuditEvent.objects.filter(number=2).delete()

    assert first_broken() == 3


def test_events_cut_off_the_end_are_missed(operator: Actor) -> None:
    make(operator, 4)
    AuditEvent.objects.filter(number__gte=3).delete()
    assert first_broken() == 3

    last = AuditEvent.objects.order_by("-number")[0]
    AuditHead.objects.update(number=last.number, hash=last.hash)  # whoever cuts cannot seal the new end
    assert first_broken() == 3


def test_a_head_noted_elsewhere_finds_a_chain_that_was_exchanged_as_a_whole(operator: Actor) -> None:
    make(operator, 2)
    seen = chain_head()
    make_again = AuditEvent.objects.count()
    AuditEvent.objects.all().delete()
    AuditHead.objects.all().delete()
    assert first_broken() is None
    assert first_broken(seen=seen) == 1

    for number in range(make_again + 1):
        metric_create(by=operator, name=f"N{number}", description="", kind="exact_match", field="", parameters={})
    assert first_broken() is None
    assert first_broken(seen=seen) == make_again


@pytest.mark.parametrize("change", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_the_past(operator: Actor, change: str) -> None:
    make(operator, 1)
    append_only = import_module("optimizer_app.migrations.0008_append_only")
    with connection.cursor() as cursor:
        for statement in append_only.SQLITE if connection.vendor == "sqlite" else append_only.POSTGRESQL:
            cursor.execute(statement)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(change.format(AuditEvent._meta.db_table))


def test_the_export_holds_every_event_and_the_head(operator: Actor, signed_in: SignIn) -> None:
    make(operator, 3)
    client = signed_in("admin")
    assert client.get("/audit/download/").headers["Location"] == "/audit/export/"
    lines = [json.loads(line) for line in b"".join(client.get("/audit/export/")).splitlines()]
    assert [line["number"] for line in lines[:-1]] == list(range(1, AuditEvent.objects.count() + 1))
    assert lines[-1] == {"head": chain_head()} == {"head": f"{lines[-2]['number']}:{lines[-2]['hash']}"}


def test_an_event_needs_the_transaction_of_its_change(worker: Worker, operator: Actor) -> None:
    metric = Metric.objects.all()[0]
    connection = transaction.get_connection()
    connection.in_atomic_block, before = False, connection.in_atomic_block
    try:
        with pytest.raises(transaction.TransactionManagementError):
            record(operator, "x", metric)
    finally:
        connection.in_atomic_block = before


def test_a_rolled_back_change_leaves_no_event(operator: Actor) -> None:
    def change_and_fail() -> None:
        with transaction.atomic():
            make(operator, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()

    assert not AuditEvent.objects.filter(verb="metric.create").exists()


def test_the_command_says_where_it_broke(operator: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    make(operator, 2)
    call_command("verify_audit")
    assert "whole" in capsys.readouterr().out
    AuditEvent.objects.filter(number=2).update(verb="x")
    with pytest.raises(CommandError, match="event 2"):
        call_command("verify_audit")
