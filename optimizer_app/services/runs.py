"""Create, stop, pause and resume runs."""

from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from optimizer_app import jobs
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Batch, DatasetVersion, LanguageModel, Metric, ProgramVersion, Run, Worker
from optimizer_app.services import audit
from optimizer_app.services.quotes import run_quote
from optimizer_app.services.run_checks import check_run


def run_create(
    *,
    by: Actor,
    worker: Worker,
    dataset_version: DatasetVersion,
    optimizer: str,
    parameters: dict[str, object],
    seed: int,
    budget: Budget | None = None,
    language_model: LanguageModel | None = None,
    proposer: LanguageModel | None = None,
    teacher: LanguageModel | None = None,
    batch: Batch | None = None,
    baseline: ProgramVersion | None = None,
) -> Run:
    """Check everything that can be checked before a call is paid for, then queue the run.

    The language model is the worker's unless another one is given. Proposer and teacher default to it. What the
    optimizer starts from, and what its winner is compared with, is version 0 unless another `baseline` is given.
    """
    by.require(Capability.OPERATE)
    budget = budget or Budget()
    model, metric = language_model or worker.language_model, worker.metric
    parsed = check_run(worker, dataset_version, model, optimizer, parameters, seed, budget, proposer, teacher)
    foretold = run_quote(
        worker, dataset_version, optimizer, parsed, model=model, proposer=proposer, teacher=teacher, budget=budget
    )
    with transaction.atomic():
        run = Run.objects.create(
            worker=worker,
            dataset_version=dataset_version,
            language_model=model,
            proposer=proposer,
            teacher=teacher,
            metric=metric,
            batch=batch,
            settings=_as_launched(model, proposer, teacher, metric, budget),
            quote=msgspec.to_builtins(foretold),
            optimizer=optimizer,
            parameters=parsed,
            seed=seed,
            # The built-in model computes in this process: threads would only wait for each other.
            threads=1 if model.is_built_in else settings.RUN_THREADS,
            baseline=_baseline(worker, baseline),
            requested_by=by.name,
        )
        audit.record(by, "run.create", run, worker=worker.name, optimizer=optimizer, data=str(dataset_version))
        enqueue(jobs.RUN_EXECUTE, run_id=run.pk)
    return run


def _baseline(worker: Worker, wanted: ProgramVersion | None) -> ProgramVersion:
    if wanted is None:
        return worker.versions.get(number=0)
    if wanted.worker_id != worker.pk:
        raise Refused(f"{wanted} is no version of {worker.name}.")
    return wanted


def budget_of(*, calls: int | None = None, usd: float | None = None) -> Budget:
    """The most that a run may use; None is without limit."""
    return Budget(calls=calls, usd=usd)


def _as_launched(
    model: LanguageModel,
    proposer: LanguageModel | None,
    teacher: LanguageModel | None,
    metric: Metric,
    budget: Budget,
) -> dict[str, Any]:
    """Model, prices, metric and budget as they are now; the rows behind them may be edited later."""
    return {
        "model": model.model,
        "price_in": None if model.price_in is None else float(model.price_in),
        "price_out": None if model.price_out is None else float(model.price_out),
        "proposer": proposer.model if proposer else "",
        "teacher": teacher.model if teacher else "",
        "metric": msgspec.to_builtins(metric.spec()),
        "budget": msgspec.to_builtins(budget),
    }


def run_stop(run: Run, *, by: Actor) -> None:
    """Stop a queued or paused run at once, a running one before its next language model call."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        waiting = Run.objects.filter(pk=run.pk, status__in=(Run.Status.QUEUED, Run.Status.PAUSED)).update(
            status=Run.Status.CANCELLED,
            finish_reason=Run.Finish.STOPPED,
            message=f"Stopped by {by.name} while it waited.",
            finished_at=timezone.now(),
            revision=F("revision") + 1,
        )
        if not waiting and not _move(run, (Run.Status.RUNNING,), Run.Status.CANCELLING, f"Stopped by {by.name}."):
            raise Conflict("This run has already ended or is stopping.")
        audit.record(by, "run.stop", run)


def run_pause(run: Run, *, by: Actor) -> None:
    """Let a running or queued run rest. What it has paid for is kept: resumed, it goes on from its cache."""
    by.require(Capability.OPERATE)
    text = f"Paused by {by.name}."
    with transaction.atomic():
        if not _move(run, (Run.Status.QUEUED,), Run.Status.PAUSED, text) and not _move(
            run, (Run.Status.RUNNING,), Run.Status.PAUSING, text
        ):
            raise Conflict("Only a run that is queued or running can be paused.")
        audit.record(by, "run.pause", run)


def run_resume(run: Run, *, by: Actor) -> None:
    """Queue a paused run again; it makes the same choices and takes the answers it has from its cache."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        if not _move(run, (Run.Status.PAUSED,), Run.Status.QUEUED, ""):
            raise Conflict("Only a paused run can be resumed.")
        audit.record(by, "run.resume", run)
        enqueue(jobs.RUN_EXECUTE, run_id=run.pk)


def _move(run: Run, states: tuple[Run.Status, ...], to: Run.Status, message: str) -> int:
    rows = Run.objects.filter(pk=run.pk, status__in=states)
    return rows.update(status=to, message=message, revision=F("revision") + 1, updated_at=timezone.now())
