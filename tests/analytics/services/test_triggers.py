"""Triggers: what starts a run and what holds it back, each decision once; gates; rollback on harm."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from analytics.models import Incident, TriggerDecision, TriggerPolicy
from analytics.services.gates import gate_problems, gates_look, incidents_supersede
from analytics.services.trigger_policies import triggers_set
from analytics.services.triggers import next_run_at, triggers_look
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.models import Comparison, Dataset, Promotion, Run, Worker
from optimizer_app.services.datasets import examples_add
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.versions import version_promote
from tests.conftest import SignIn, actor
from tests.factories.workers import finished_run, frozen, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)  # a run writes from a thread of its own
DEFAULTS = {field.name: field.get_default() for field in TriggerPolicy._meta.fields if field.has_default()}


def policy(worker: Worker, **changes: Any) -> TriggerPolicy:
    told = {name: DEFAULTS.get(name) for name in FIELDS}
    return triggers_set(worker, by=SYSTEM, **told | {"enabled": True, "dry_run": False, "cron": ""} | changes)


FIELDS = [
    f.name for f in TriggerPolicy._meta.fields
    if f.name not in ("id", "created_at", "updated_at", "worker", "next_at", "parameters")
]  # fmt: skip


def incident(worker: Worker, **changes: Any) -> Incident:
    now = timezone.now()
    told = {"baseline": 0.9, "level": 0.6, "count": 40, "delta": 0.05, "promise": 1000, "scale": {}}
    values = {
        "version": worker.active_version_id,
        "signal": "success",
        "noticed_at": now,
        "began_at": now,
        "evidence": told,
    }
    return Incident.objects.create(worker=worker, **(values | changes))


def outcomes(worker: Worker) -> list[str]:
    return list(TriggerDecision.objects.filter(worker=worker).order_by("id").values_list("outcome", flat=True))


@pytest.fixture
def ready(worker: Worker) -> Worker:
    """A worker with a frozen dataset version."""
    frozen(worker)
    return worker


def test_a_decline_starts_one_run(ready: Worker) -> None:
    policy(ready)
    incident(ready)
    assert triggers_look() == 1
    run = ready.runs.get()
    assert run.requested_by == "Uplift"
    assert triggers_look() == 0
    assert outcomes(ready) == ["started"]
    assert "success fell" in TriggerDecision.objects.get().why


def test_nothing_happens_without_a_policy_or_on_trial(ready: Worker) -> None:
    incident(ready)
    assert triggers_look() == 0
    policy(ready, enabled=False)
    assert triggers_look() == 0
    policy(ready, dry_run=True)
    assert triggers_look() == 0
    assert triggers_look() == 0
    assert outcomes(ready) == ["dry_run"]
    assert not ready.runs.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cooldown_hours": 24}, "less than 24 hours since"),
        ({"cooldown_hours": 0, "monthly_usd": 0.0}, "of this month's $0.00 are spent"),
        ({"cooldown_hours": 0, "quiet_from": 0, "quiet_to": 23}, "quiet from"),
    ],
)
def test_what_holds_a_run_back_is_said_once(worker: Worker, changes: dict[str, Any], why: str) -> None:
    finished_run(worker)
    if timezone.localtime().hour == 23:
        changes = changes | ({"quiet_from": 22, "quiet_to": 1} if "quiet_from" in changes else {})
    policy(worker, **changes)
    incident(worker)
    for _ in range(3):
        assert triggers_look() == 0
    decision = TriggerDecision.objects.get()
    assert decision.outcome == "not_now"
    assert why in decision.why
    TriggerPolicy.objects.update(cooldown_hours=0, monthly_usd=None, quiet_from=None, quiet_to=None)
    assert triggers_look() == 1


def test_without_data_or_beside_another_run_it_waits(worker: Worker) -> None:
    policy(worker)
    incident(worker)
    triggers_look()
    assert "no dataset version" in TriggerDecision.objects.get().why
    frozen(worker)
    other = routing_worker()
    frozen(other)
    policy(other)
    incident(other)
    assert triggers_look() == 1  # one at once
    assert "1 runs are under way" in TriggerDecision.objects.order_by("-id")[0].why


def test_enough_new_examples_are_frozen_and_optimized_on(ready: Worker) -> None:
    policy(ready, new_examples=10, on_degradation=False)
    assert triggers_look() == 0
    rows: list[tuple[int, dict[str, object]]] = [
        (n, {"message": f"a new message number {n} about parcels", "team": "K1"}) for n in range(12)
    ]
    examples_add(Dataset.objects.get(), rows, by=SYSTEM, source="test")
    assert triggers_look() == 1
    run = ready.runs.get()
    assert run.dataset_version.number == 2
    assert sum(run.dataset_version.counts.values()) == 132
    assert triggers_look() == 0


def test_a_schedule_is_kept_in_its_own_time(ready: Worker) -> None:
    policy(ready, cron="0 3 * * 1", on_degradation=False)
    assert triggers_look() == 0
    TriggerPolicy.objects.update(next_at=timezone.now() - timedelta(minutes=1))
    assert triggers_look() == 1
    assert TriggerPolicy.objects.get().next_at > timezone.now()  # type: ignore[operator]
    assert triggers_look() == 0
    told = next_run_at("0 3 * * 1", datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert told == datetime(2026, 11, 23, 3, tzinfo=UTC)
    for cron in ("every monday", "61 * * * *", "* * *", "x * * * *"):
        with pytest.raises(Refused, match="no cron line"):
            next_run_at(cron, timezone.now())


def test_two_schedulers_start_one_run(ready: Worker) -> None:
    policy(ready)
    incident(ready)

    def look() -> None:
        triggers_look()
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ready.runs.count() == 1
    assert outcomes(ready).count("started") == 1


def ended_by_trigger(worker: Worker, **changes: Any) -> Run:
    policy(worker, optimizer="BootstrapFewShot", **changes)
    incident(worker, signal="score")
    assert triggers_look() == 1
    run = worker.runs.get()
    run_execute(run.pk)
    run.refresh_from_db()
    Incident.objects.update(status="resolved")
    return run


def test_a_winner_that_passes_is_promoted_once(ready: Worker) -> None:
    run = ended_by_trigger(ready, promote="automatic")
    assert run.finish_reason == "improved"
    assert gates_look() == 1
    assert gates_look() == 0
    ready.refresh_from_db()
    assert ready.active_version_id == run.winner_id
    assert outcomes(ready) == ["started", "promoted"]
    assert Promotion.objects.get(kind="promotion").promoted_by == "Uplift"


def test_by_default_it_is_proposed_to_a_person(ready: Worker) -> None:
    run = ended_by_trigger(ready)
    assert gates_look() == 1
    ready.refresh_from_db()
    assert ready.active_version_id != run.winner_id
    assert outcomes(ready)[-1] == "proposed"


def test_what_does_not_pass_is_kept_back_with_every_reason(ready: Worker) -> None:
    run = ended_by_trigger(ready, promote="automatic", least_gain=0.99, least_pays=0.9)
    assert gates_look() == 1
    decision = TriggerDecision.objects.order_by("-id")[0]
    assert decision.outcome == "kept"
    assert "below 99" in decision.why
    assert "worth was not said" in decision.why
    ready.refresh_from_db()
    assert ready.active_version_id != run.winner_id


def test_cost_latency_and_an_unsure_gain_are_reasons_too(ready: Worker) -> None:
    run = ended_by_trigger(ready, most_cost_percent=10.0, most_latency_percent=10.0)
    comparison = Comparison.objects.get(run=run)
    type(comparison.before).objects.filter(pk=comparison.before_id).update(cost_usd=1.0, latency_p95_ms=100.0)
    type(comparison.after).objects.filter(pk=comparison.after_id).update(cost_usd=2.0, latency_p95_ms=150.0)
    Comparison.objects.filter(pk=comparison.pk).update(numbers={**comparison.numbers, "low": -0.01})
    said = " ".join(gate_problems(TriggerPolicy.objects.get(), run))
    assert "cost of a call is +100 %" in said
    assert "latency is +50 %" in said
    assert "begins at -1.0 points" in said


def test_a_promotion_that_does_harm_is_taken_back_once(worker: Worker) -> None:
    run = finished_run(worker)
    assert run.winner
    version_promote(run.winner, by=SYSTEM)
    worker.refresh_from_db()
    policy(worker, rollback_hours=24, on_degradation=False)
    assert gates_look() == 0
    incident(worker)
    assert gates_look() == 1
    worker.refresh_from_db()
    assert worker.active_version is not None
    assert worker.active_version.number == 0
    assert gates_look() == 0
    assert outcomes(worker) == ["rolled_back"]
    assert "within 24 hours" in Promotion.objects.get(kind="rollback").reason


def test_a_run_of_a_trigger_must_beat_what_is_active(ready: Worker) -> None:
    first = ended_by_trigger(ready, promote="automatic", cooldown_hours=0)
    assert first.baseline.number == 0
    gates_look()
    ready.refresh_from_db()
    incident(ready)
    assert triggers_look() == 1
    second = ready.runs.order_by("-id")[0]
    assert second.baseline_id == first.winner_id
    run_execute(second.pk)
    gates_look()
    assert outcomes(ready)[-1] == "kept"  # nothing more to gain
    version_promote(ready.versions.get(number=0), by=SYSTEM)
    second.refresh_from_db()
    assert "is active" in gate_problems(TriggerPolicy.objects.get(), Run.objects.get(pk=second.pk))[0]


def test_an_incident_of_a_version_that_was_replaced_is_closed(worker: Worker) -> None:
    run = finished_run(worker)
    found = incident(worker)
    assert incidents_supersede() == 0
    assert run.winner
    version_promote(run.winner, by=SYSTEM)
    assert incidents_supersede() == 1
    found.refresh_from_db()
    assert found.status == "resolved"
    assert "answers now" in found.notes.get().text


def test_policies_are_checked_and_for_approvers(worker: Worker, signed_in: SignIn) -> None:
    with pytest.raises(NotAllowed):
        triggers_set(worker, by=actor("operator"))
    with pytest.raises(Refused):
        policy(worker, quiet_from=3, quiet_to=None)
    with pytest.raises(Refused):
        policy(worker, cron="now")
    client = signed_in("approver")
    page = f"/workers/{worker.pk}/triggers/"
    assert "Off: this worker" in client.get(page).content.decode()
    sent = {
        "enabled": "on", "on_degradation": "on", "optimizer": "GEPA", "cooldown_hours": "12", "most_at_once": "2",
        "promote": "automatic", "least_gain": "3", "least_pays": "80", "rollback_hours": "24", "cron": "0 3 * * *",
            "canary_share": "20", "canary_calls": "5000",
    }  # fmt: skip
    assert client.post(page, sent | {"cron": "daily"}).status_code == 200
    assert client.post(page, sent).status_code == 302
    kept = TriggerPolicy.objects.get()
    assert (kept.least_gain, kept.least_pays, kept.optimizer, kept.dry_run) == (0.03, 0.8, "GEPA", False)
    assert kept.next_at is not None


def test_where_two_people_are_wanted_the_gate_only_proposes(ready: Worker) -> None:
    policy(ready, promote="automatic", least_gain=0.0, cooldown_hours=0)
    Worker.objects.update(two_people=True)
    incident(ready)
    assert triggers_look() == 1
    run_execute(ready.runs.get().pk)
    gates_look()
    assert "promoted" not in outcomes(ready)
    assert outcomes(ready)[-1] in ("proposed", "kept")
    ready.refresh_from_db()
    assert ready.active_version is not None
    assert ready.active_version.number == 0


@pytest.mark.parametrize(("trigger", "shown"), [("schedule", "0 3 * * 1"), ("examples", 'value="100"')])
def test_what_the_code_asks_for_waits_on_the_page(worker: Worker, signed_in: SignIn, trigger: str, shown: str) -> None:
    Worker.objects.filter(pk=worker.pk).update(optimization={"trigger": trigger, "optimizer": "GEPA", "parameters": {}})
    page = signed_in("approver").get(f"/workers/{worker.pk}/triggers/").content.decode()
    assert f"asks for the trigger “{trigger}”" in page
    assert shown in page
    assert not TriggerPolicy.objects.exists()
    assert triggers_look() == 0
