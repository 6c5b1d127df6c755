"""Runs: queued, executed once, stopped, picked up again."""

import os
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from optimizer_app.common.access import SYSTEM, Actor
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Evaluation, LanguageModel, ProgramVersion, Run, Split
from optimizer_app.services.language_models import language_model_save
from optimizer_app.services.run_execution import ATTEMPTS, run_execute, run_reap
from optimizer_app.services.runs import run_stop
from tests.factories.workers import TEAMS, finished_run, frozen, queued_run, routing_program, routing_worker
from tests.optimizer_app.engine.loopback import serving

# The reporter writes from a thread of its own, which cannot see an uncommitted test transaction.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_a_run_leaves_a_version_evaluations_and_a_comparison() -> None:
    worker = routing_worker()

    run = finished_run(worker, parameters={"num_candidate_programs": 2, "max_labeled_demos": 40})

    assert (run.status, run.finish_reason) == (Run.Status.SUCCEEDED, Run.Finish.IMPROVED), run.message
    assert run.winner is not None
    assert (run.winner.number, run.winner.run) == (1, run)
    assert run.evaluations.count() == 4
    test = run.evaluations.get(role=Evaluation.Role.WINNER, split=Split.TEST)
    assert test.n == test.scores.count() == run.dataset_version.counts["test"]
    assert run.comparison.numbers["n"] == test.n
    assert run.comparison.numbers["after"] == pytest.approx(test.mean_score)
    assert run.candidates.exclude(full_score=None).exists()
    assert run.log_lines.exists()
    assert run.progress["usage"]["cost_usd"] == 0
    worker.refresh_from_db()
    assert worker.active_version is not None
    assert worker.active_version.number == 0, "a run never promotes by itself"


def test_the_same_seed_and_data_give_the_same_version() -> None:
    worker = routing_worker()
    version = frozen(worker)

    first = finished_run(worker, version=version)
    second = finished_run(worker, version=version)

    assert first.winner == second.winner
    assert worker.versions.count() == 2


def test_two_workers_never_execute_one_run() -> None:
    run = queued_run(routing_worker())
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        run_execute(run.pk)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run.refresh_from_db()
    assert run.attempt == 1
    assert run.evaluations.count() == 4
    assert ProgramVersion.objects.filter(worker=run.worker).count() == 2


def test_a_queued_run_is_stopped_before_it_begins(operator: Actor) -> None:
    run = queued_run(routing_worker())

    run_stop(run, by=operator)
    run_execute(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempt) == (Run.Status.CANCELLED, 0)
    with pytest.raises(Conflict):
        run_stop(run, by=operator)


def test_a_running_run_stops_and_says_by_whom(operator: Actor) -> None:
    with serving() as server:
        model = LanguageModel(name="Steady", model="openai/steady", api_base=server.url)
        language_model_save(model, by=SYSTEM, api_key="k")
        run = queued_run(routing_worker(language_model=model))

        def work() -> None:
            run_execute(run.pk)
            connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        while server.requests["steady"] < 5:
            assert thread.is_alive()
            time.sleep(0.01)
        run_stop(run, by=operator)
        thread.join(20)
        calls = server.requests["steady"]

    run.refresh_from_db()
    assert not thread.is_alive()
    assert (run.status, run.finish_reason) == (Run.Status.CANCELLED, Run.Finish.STOPPED)
    assert run.message.startswith("Stopped by operator.")
    assert run.winner is None
    assert calls < 120


def test_a_refused_key_fails_the_run_in_words() -> None:
    with serving() as server:
        model = LanguageModel(name="Refusing", model="openai/unauthorized", api_base=server.url)
        language_model_save(model, by=SYSTEM, api_key="very-secret")
        run = finished_run(routing_worker(language_model=model))

    assert (run.status, run.finish_reason) == (Run.Status.FAILED, Run.Finish.ERROR)
    assert "Refusing: the key was refused (401)" in run.message
    assert "very-secret" not in run.message


def die(run: Run, **changes: object) -> None:
    """Leave the row as a killed worker leaves it."""
    old = timezone.now() - timedelta(minutes=5)
    values: dict[str, object] = {"status": Run.Status.RUNNING, "lease": "gone", "attempt": 1, "heartbeat_at": old}
    Run.objects.filter(pk=run.pk).update(**(values | changes))


def test_a_run_whose_worker_died_is_queued_again_and_finishes() -> None:
    run = queued_run(routing_worker())
    die(run)

    assert run_reap() == 1
    assert run_reap() == 0
    run_execute(run.pk)

    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED
    assert run.attempt == 2


def test_a_run_that_kills_its_workers_fails_with_its_reason() -> None:
    run = queued_run(routing_worker())
    die(run, attempt=ATTEMPTS, progress={"phase": "Scoring candidates"})

    run_reap()

    run.refresh_from_db()
    assert (run.status, run.finish_reason) == (Run.Status.FAILED, Run.Finish.ERROR)
    assert "Scoring candidates" in run.message


def test_a_stopping_run_whose_worker_died_is_stopped() -> None:
    run = queued_run(routing_worker())
    die(run, status=Run.Status.CANCELLING, message="Stopped by me.")

    run_reap()

    run.refresh_from_db()
    assert (run.status, run.message) == (Run.Status.CANCELLED, "Stopped by me.")


def test_a_run_whose_message_was_lost_is_sent_again() -> None:
    run = queued_run(routing_worker())
    Run.objects.filter(pk=run.pk).update(updated_at=timezone.now() - timedelta(minutes=5))

    assert run_reap() == 1
    assert run_reap() == 0


def test_a_live_run_is_left_alone() -> None:
    run = queued_run(routing_worker())
    die(run, heartbeat_at=timezone.now())

    assert run_reap() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"optimizer": "Magic"}, "optimizer"),
        ({"parameters": {"num_candidate_programs": 0}}, "parameters"),
        ({"parameters": {"unknown": 1}}, "parameters"),
        ({"seed": -1}, "seed"),
        ({"budget": Budget(calls=72)}, "max_calls"),
        ({"budget": Budget(usd=0)}, "max_usd"),
        ({"budget": Budget(minutes=0)}, "max_minutes"),
    ],
)
def test_what_cannot_run_is_refused_before_a_call_is_paid(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        queued_run(routing_worker(), **change)

    assert refused.value.fields.keys() == {field}


def test_money_of_an_unpriced_model_cannot_be_limited() -> None:
    model = language_model_save(LanguageModel(name="No price", model="openai/x"), by=SYSTEM, api_key="")

    with pytest.raises(Refused, match="unpriced"):
        queued_run(routing_worker(language_model=model), budget=Budget(usd=1))


def test_a_run_at_its_budget_keeps_the_best_candidate_and_says_so() -> None:
    run = finished_run(routing_worker(), budget=Budget(calls=150))

    assert run.status == Run.Status.SUCCEEDED
    assert "The budget of 150 calls was reached." in run.message
    assert run.comparison.numbers["n"] == 36


def test_data_with_other_fields_is_refused() -> None:
    teams = [{"name": "team", "type": "enum", "options": [*TEAMS, "K4"]}]
    other = routing_worker(program=routing_program(outputs=teams))

    with pytest.raises(Refused) as refused:
        queued_run(routing_worker(), version=frozen(other))

    assert refused.value.fields.keys() == {"dataset_version"}


def test_database_is_the_one_the_environment_asked_for() -> None:
    url = os.environ.get("DATABASE_URL", "")
    assert connection.vendor == ("postgresql" if url.startswith("postgres") else "sqlite")


def test_results_that_cannot_be_stored_fail_the_run_at_once() -> None:
    run = queued_run(routing_worker())
    table = "optimizer_app_examplescore"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        with pytest.raises(DatabaseError):
            run_execute(run.pk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")

    run.refresh_from_db()
    assert (run.status, run.finish_reason) == (Run.Status.FAILED, Run.Finish.ERROR)
    assert run.message.startswith("Storing the results: ")
    assert not run.evaluations.exists()
