"""Pause and resume: nothing is paid twice, and the end is that of an undisturbed run."""

import threading
import time

import pytest
from django.db import connections

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Conflict
from optimizer_app.models import LanguageModel, Run
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.runs import run_pause, run_resume, run_stop
from tests.factories.workers import finished_run, frozen, queued_run, routing_worker
from tests.optimizer_app.engine.loopback import Server, serving

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def execute_aside(run: Run) -> threading.Thread:
    def work() -> None:
        try:
            run_execute(run.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def paused_in_the_middle(run: Run, server: Server, by: Actor) -> None:
    thread = execute_aside(run)
    deadline = time.monotonic() + 60
    while server.requests["steady"] < 60:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run_pause(run, by=by)
    thread.join(60)
    run.refresh_from_db()
    assert run.status == Run.Status.PAUSED


def test_a_paused_run_resumes_to_the_same_version_and_pays_once(operator: Actor) -> None:
    with serving() as server:
        model = LanguageModel.objects.create(
            name="Steady", model="openai/steady", api_base=server.url, api_key="k", price_in=1, price_out=1, retries=0
        )
        worker = routing_worker(language_model=model)
        version = frozen(worker)
        undisturbed = finished_run(worker, version=version)
        whole = server.requests["steady"]
        server.requests.clear()

        run = queued_run(worker, version)
        paused_in_the_middle(run, server, operator)
        rested = server.requests["steady"]
        time.sleep(0.5)
        assert server.requests["steady"] == rested
        run_execute(run.pk)  # a late message does nothing to a paused run
        assert server.requests["steady"] == rested
        run_resume(run, by=operator)
        run_execute(run.pk)

    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED, run.message
    assert run.winner == undisturbed.winner
    assert server.requests["steady"] <= whole + 4  # those in flight
    earlier, last = run.progress["earlier"], run.progress["usage"]
    assert last["cached_calls"] >= rested - 4
    paid = earlier["cost_usd"] + last["cost_usd"]
    assert paid == pytest.approx(undisturbed.progress["usage"]["cost_usd"], rel=0.1)


def test_only_what_fits_its_state_is_done(operator: Actor) -> None:
    run = queued_run(routing_worker())
    with pytest.raises(Conflict, match="Only a paused run"):
        run_resume(run, by=operator)

    run_pause(run, by=operator)
    run.refresh_from_db()
    assert run.status == Run.Status.PAUSED
    with pytest.raises(Conflict, match="queued or running"):
        run_pause(run, by=operator)

    run_stop(run, by=operator)
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
