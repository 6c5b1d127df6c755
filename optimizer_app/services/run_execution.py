"""Execute a run: claim it, hand the engine plain data, store what comes back, and pick up what was left behind."""

import shutil
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from optimizer_app import jobs
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.gate import Budget, Gate
from optimizer_app.engine.metrics import Metric as MetricSpec
from optimizer_app.engine.usage import Ledger, Usage
from optimizer_app.models import Candidate, Run, RunLogLine, Split
from optimizer_app.selectors.datasets import group_of, passages_of, split_examples
from optimizer_app.services import audit
from optimizer_app.services.batch_flow import batch_admits, batch_continue, batch_share
from optimizer_app.services.language_models import connection_of
from optimizer_app.services.metrics import judge_connections
from optimizer_app.services.run_progress import RunReporter
from optimizer_app.services.run_results import store_results

if TYPE_CHECKING:
    from optimizer_app.engine.runner import RunOutcome, RunSpec

HEARTBEAT_LOST = timedelta(seconds=20)
SEND_AGAIN = timedelta(seconds=60)  # a queued run gets another message this often; the claim makes doubles harmless
ATTEMPTS = 3


def run_execute(run_id: int) -> None:
    """Do a queued run. Called twice, or by two workers, it runs once: the claim is one conditional UPDATE."""
    lease = uuid.uuid4().hex
    now = timezone.now()
    if not batch_admits(run_id):
        return
    claimed = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED).update(
        status=Run.Status.RUNNING,
        lease=lease,
        heartbeat_at=now,
        started_at=now,
        attempt=F("attempt") + 1,
        revision=F("revision") + 1,
    )
    if not claimed:
        return
    run = Run.objects.select_related(
        "worker", "language_model", "proposer", "teacher", "dataset_version", "baseline", "batch"
    ).get(pk=run_id)
    # An earlier attempt left these; the optimizer is deterministic and writes the same ones again.
    Candidate.objects.filter(run=run).delete()
    RunLogLine.objects.filter(run=run).delete()
    gate, ledger = Gate(), Ledger()
    run.progress = {"earlier": _earlier(run).to_data()}
    with RunReporter(run, gate, ledger) as reporter:
        outcome = _execute(run, reporter, gate, ledger)
    try:
        _finish(run, outcome, reporter)
    except Exception as error:  # nothing of it is stored; without this the run would be repeated for the same end
        held = Run.objects.filter(pk=run.pk, lease=lease, status__in=Run.ACTIVE)
        _end(held, run, Run.Status.FAILED, Run.Finish.ERROR, f"Storing the results: {type(error).__name__}: {error}")
        raise


def _earlier(run: Run) -> Usage:
    """What the attempts before this one have used, as far as they reported it."""
    used = Usage()
    for key in ("earlier", "usage"):
        if kept := run.progress.get(key):
            used.add(msgspec.convert({name: value for name, value in kept.items() if name != "roles"}, Usage))
    return used


def run_reap() -> int:
    """Queue again the runs whose worker died, end those that died too often; returns how many were found."""
    now = timezone.now()
    found = 0
    lost = Run.objects.filter(status__in=Run.ACTIVE, heartbeat_at__lt=now - HEARTBEAT_LOST)
    for run in lost:
        same = Run.objects.filter(pk=run.pk, lease=run.lease, status=run.status)
        if run.status == Run.Status.CANCELLING:
            found += _end(same, run, Run.Status.CANCELLED, Run.Finish.STOPPED, run.message)
        elif run.status == Run.Status.PAUSING:
            found += same.update(status=Run.Status.PAUSED, lease="", revision=F("revision") + 1)
        elif run.attempt >= ATTEMPTS:
            phase = run.progress.get("phase", "Starting")
            message = f"The worker process died {ATTEMPTS} times during this run, last in the phase “{phase}”."
            found += _end(same, run, Run.Status.FAILED, Run.Finish.ERROR, message)
        else:
            found += _requeue(same, run)
    return found + _send_again(now)


def _send_again(now: datetime) -> int:
    """Send queued runs whose message may be lost once more; not a change, so not audited."""
    waiting = Run.objects.filter(status=Run.Status.QUEUED, updated_at__lt=now - SEND_AGAIN)
    sent = 0
    for run_id in waiting.values_list("pk", flat=True):
        with transaction.atomic():
            still = waiting.filter(pk=run_id).update(updated_at=now)
            if still:
                enqueue(jobs.RUN_EXECUTE, run_id=run_id)
            sent += still
    return sent


def workdir(run: Run) -> Path:
    """The folder of a run's language model cache, from which a killed run resumes without paying twice."""
    return Path(settings.DATA_DIR) / "runs" / str(run.pk)


def _execute(run: Run, reporter: RunReporter, gate: Gate, ledger: Ledger) -> "RunOutcome":
    # Imported here: the web process loads this module too and must not load DSPy.
    from optimizer_app.engine import runner

    try:
        return runner.run(run_spec(run), reporter, gate, ledger)
    except Exception as error:
        return runner.RunOutcome("error", f"Preparing the run: {type(error).__name__}: {error}")


def run_spec(run: Run) -> "RunSpec":
    """The run as plain data for the engine."""
    from optimizer_app.engine.evaluation import ExampleData
    from optimizer_app.engine.lms import Connection
    from optimizer_app.engine.runner import RunSpec

    splits = {
        split: [
            ExampleData(e.pk, e.inputs, e.outputs, group_of(run.dataset_version, e))
            for e in split_examples(run.dataset_version, split)
        ]
        for split in Split
    }
    frozen = {key: run.settings[key] for key in ("model", "price_in", "price_out")}
    metric = msgspec.convert(run.settings["metric"], MetricSpec)
    program = run.worker.spec()
    return RunSpec(
        program=program,
        baseline=run.baseline.state,
        connection=Connection(**(connection_of(run.language_model) | frozen)),
        proposer=Connection(**connection_of(run.proposer)) if run.proposer else None,
        teacher=Connection(**connection_of(run.teacher)) if run.teacher else None,
        judges={name: Connection(**values) for name, values in judge_connections(metric).items()},
        passages=passages_of(program),
        metric=metric,
        optimizer=run.optimizer,
        parameters=run.parameters,
        seed=run.seed,
        threads=run.threads,
        train=splits[Split.TRAIN],
        validation=splits[Split.VALIDATION],
        test=splits[Split.TEST],
        workdir=workdir(run),
        budget=_left(run),
    )


def _left(run: Run) -> Budget:
    """The run's budget less what its earlier attempts have paid; minutes begin anew."""
    budget = batch_share(run, msgspec.convert(run.settings.get("budget", {}), Budget))
    earlier = _earlier(run)
    paid = earlier.calls - earlier.cached_calls

    def less(most: int | None, used: int) -> int | None:
        return None if most is None else max(0, most - used)

    return Budget(
        calls=less(budget.calls, paid),
        tokens=less(budget.tokens, earlier.tokens_in + earlier.tokens_out),
        usd=None if budget.usd is None else max(0.0, budget.usd - (earlier.cost_usd or 0.0)),
        minutes=budget.minutes,
    )


def _finish(run: Run, outcome: "RunOutcome", reporter: RunReporter) -> None:
    """Store results and end state in one transaction, if the run is still ours."""
    if outcome.finish == "lost":
        return
    if outcome.finish == "paused":
        held = Run.objects.filter(pk=run.pk, lease=run.lease, status=Run.Status.PAUSING)
        held.update(status=Run.Status.PAUSED, lease="", progress=reporter.snapshot(), revision=F("revision") + 1)
        return
    status = {"error": Run.Status.FAILED, "stopped": Run.Status.CANCELLED}.get(outcome.finish, Run.Status.SUCCEEDED)
    with transaction.atomic():
        held = Run.objects.filter(pk=run.pk, lease=run.lease, status__in=Run.ACTIVE)
        ended = held.update(
            status=status,
            finish_reason=outcome.finish,
            message=outcome.message,
            finished_at=timezone.now(),
            progress=reporter.snapshot() | {"phase": "Finished"},
            revision=F("revision") + 1,
        )
        if not ended:
            return
        run.refresh_from_db()
        store_results(run, outcome, workdir(run) / "artifacts")
        audit.record(SYSTEM, "run.finish", run, status=status, reason=outcome.finish)
    shutil.rmtree(workdir(run), ignore_errors=True)
    batch_continue(run)


def _requeue(rows: models.QuerySet[Run], run: Run) -> int:
    with transaction.atomic():
        moved = rows.update(status=Run.Status.QUEUED, lease="", revision=F("revision") + 1, updated_at=timezone.now())
        if moved:
            audit.record(SYSTEM, "run.requeue", run, attempt=run.attempt)
            enqueue(jobs.RUN_EXECUTE, run_id=run.pk)
    return moved


def _end(rows: models.QuerySet[Run], run: Run, status: Run.Status, finish: Run.Finish, message: str) -> int:
    with transaction.atomic():
        ended = rows.update(
            status=status, finish_reason=finish, message=message, finished_at=timezone.now(), revision=F("revision") + 1
        )
        if ended:
            audit.record(SYSTEM, "run.finish", run, status=status, reason=finish)
    if ended:
        batch_continue(run)
    return ended
