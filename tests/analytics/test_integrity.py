"""The integrity command: silent on what is whole, and every rule is seen to break."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analytics.models import Delivery, Incident, Stat, TriggerDecision
from analytics.services.channels import channel_save
from analytics.services.stats import stats_absorb, stats_fill
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, ExecutionTag, Run
from optimizer_app.services.canaries import canary_start
from optimizer_app.services.partitions import partitioned
from optimizer_app.services.versions import version_promote
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def run() -> Run:
    """One of everything."""
    run = finished_run(routing_worker())
    assert run.winner
    recorded(run.worker, *(record(run.worker, started_at=timezone.now()) for _ in range(5)))
    stats_fill()
    stats_absorb()
    version_promote(run.winner, by=SYSTEM)
    canary_start(run.worker.versions.get(number=0), by=SYSTEM, share=0.2)
    now = timezone.now()
    Incident.objects.create(worker=run.worker, signal="success", noticed_at=now, began_at=now)
    made = channel_save(None, by=SYSTEM, name="c", kind="email", worker=None, config={"addresses": ["a@b.example"]})
    Delivery.objects.create(channel=made, event="test", key="k", status="sent", sent_at=now, attempts=1, next_at=now)
    TriggerDecision.objects.create(worker=run.worker, event="e", outcome="started", why="", run=run, key="d")
    return run


def said() -> str:
    out = StringIO()
    try:
        call_command("integrity", "--bodies", stdout=out, no_color=True)
    except CommandError:
        return out.getvalue()
    return out.getvalue()


def sql(text: str) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        with connection.cursor() as cursor:
            cursor.execute(text.format(run=run.pk, worker=run.worker_id, winner=run.winner_id))

    return change


def loose_tag(run: Run) -> None:
    with connection.constraint_checks_disabled():
        ExecutionTag.objects.create(execution_id=0, name="a", value="b", started_at=timezone.now())


def test_what_is_whole_holds(run: Run) -> None:
    call_command("integrity", "--bodies", stdout=(out := StringIO()), no_color=True)
    assert "broken" not in out.getvalue()
    assert out.getvalue().count("holds") == 14 + partitioned()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("The audit chain", sql("UPDATE optimizer_app_auditevent SET actor = 'x' WHERE number = 1")),
        ("active version", sql("UPDATE optimizer_app_promotion SET previous_id = {winner} WHERE kind = 'promotion'")),
        ("fingerprint", sql("UPDATE optimizer_app_programversion SET fingerprint = 'x' WHERE id = {winner}")),
        ("dataset version", sql("UPDATE optimizer_app_datasetversionexample SET split = 'test' WHERE split = 'train'")),
        ("ended says when", sql("UPDATE optimizer_app_run SET finished_at = NULL WHERE id = {run}")),
        ("as many scores", sql("UPDATE optimizer_app_evaluation SET n = n + 1")),
        ("canary runs", sql("UPDATE optimizer_app_canary SET against_id = version_id")),
        ("Feedback and tags", loose_tag),
        ("encrypted", lambda run: Execution.objects.update(body=b"x")),
        ("hours add up", lambda run: Stat.objects.filter(size="h").update(calls=1)),
        ("was counted", lambda run: Stat.objects.exclude(size="m").update(calls=1)),
        ("incident is resolved", lambda run: Incident.objects.update(resolved_at=timezone.now())),
        ("message that was sent", lambda run: Delivery.objects.update(sent_at=None)),
        ("decision that started", lambda run: TriggerDecision.objects.update(run=None)),
    ],
)
def test_every_rule_is_seen_to_break(run: Run, rule: str, change: Callable[[Run], object]) -> None:
    change(run)
    broken = [line for line in said().splitlines() if line.startswith("broken")]
    assert any(rule in line for line in broken), broken
