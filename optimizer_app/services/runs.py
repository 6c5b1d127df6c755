"""Create and stop runs."""

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
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.parameters import parse_all
from optimizer_app.models import DatasetVersion, Run, Split, Worker
from optimizer_app.models.datasets import shape_of
from optimizer_app.services import audit

MAX_SEED = 2**31 - 2


def run_create(
    *,
    by: Actor,
    worker: Worker,
    dataset_version: DatasetVersion,
    optimizer: str,
    parameters: dict[str, object],
    seed: int,
    budget: Budget | None = None,
) -> Run:
    """Check everything that can be checked before a call is paid for, then queue the run."""
    by.require(Capability.OPERATE)
    budget = budget or Budget()
    parsed = _check(worker, dataset_version, optimizer, parameters, seed, budget)
    model, metric = worker.language_model, worker.metric
    with transaction.atomic():
        run = Run.objects.create(
            worker=worker,
            dataset_version=dataset_version,
            language_model=model,
            metric=metric,
            settings={
                "model": model.model,
                "price_in": None if model.price_in is None else float(model.price_in),
                "price_out": None if model.price_out is None else float(model.price_out),
                "metric": msgspec.to_builtins(metric.spec()),
                "budget": msgspec.to_builtins(budget),
            },
            optimizer=optimizer,
            parameters=parsed,
            seed=seed,
            # The built-in model computes in this process: threads would only wait for each other.
            threads=1 if model.is_built_in else settings.RUN_THREADS,
            baseline=worker.versions.get(number=0),
            requested_by=by.name,
        )
        audit.record(by, "run.create", run, worker=worker.name, optimizer=optimizer, data=str(dataset_version))
        enqueue(jobs.RUN_EXECUTE, run_id=run.pk)
    return run


def run_stop(run: Run, *, by: Actor) -> None:
    """Stop a queued run at once, a running one before its next language model call."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        queued = Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED).update(
            status=Run.Status.CANCELLED,
            finish_reason=Run.Finish.STOPPED,
            message=f"Stopped by {by.name} before it began.",
            finished_at=timezone.now(),
            revision=F("revision") + 1,
        )
        running = 0
        if not queued:
            running = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING).update(
                status=Run.Status.CANCELLING, message=f"Stopped by {by.name}.", revision=F("revision") + 1
            )
        if not queued and not running:
            raise Conflict("This run has already ended or is stopping.")
        audit.record(by, "run.stop", run)


def _check(
    worker: Worker,
    dataset_version: DatasetVersion,
    optimizer: str,
    parameters: dict[str, object],
    seed: int,
    budget: Budget,
) -> dict[str, object]:
    """The parsed parameters. Raises Refused with everything that is wrong."""
    fields: dict[str, list[str]] = {}
    parsed: dict[str, object] = {}
    program = worker.spec()
    if optimizer not in optimizers():
        raise Refused(fields={"optimizer": [f"There is no optimizer called “{optimizer}”."]})
    try:
        parsed = parse_all(optimizers()[optimizer].parameters, parameters)
    except ValueError as error:
        fields["parameters"] = [str(error)]
    if dataset_version.dataset.shape != shape_of(program.inputs, program.outputs):
        fields["dataset_version"] = [f"{dataset_version.dataset.name} has other fields than {worker.name}."]
    train = dataset_version.counts[Split.TRAIN]
    least = optimizers()[optimizer].minimum_train
    if train < least:
        fields["optimizer"] = [f"{optimizer} needs at least {least} training examples; this version has {train}."]
    if not 0 <= seed <= MAX_SEED:
        fields["seed"] = [f"The seed lies between 0 and {MAX_SEED:,}."]
    fields |= _budget_problems(budget, worker, dataset_version)
    if fields:
        raise Refused(fields=fields)
    return parsed


def _budget_problems(budget: Budget, worker: Worker, version: DatasetVersion) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    baseline = version.counts[Split.VALIDATION] + version.counts[Split.TEST]
    if budget.calls is not None and budget.calls <= baseline:
        problems["max_calls"] = [f"Scoring the baseline alone takes {baseline:,} calls; give more."]
    if budget.usd is not None and worker.language_model.price_in is None:
        problems["max_usd"] = ["The language model is unpriced, so money cannot be limited. Give it prices first."]
    elif budget.usd is not None and budget.usd <= 0:
        problems["max_usd"] = ["A budget lies above $0."]
    if budget.minutes is not None and budget.minutes <= 0:
        problems["max_minutes"] = ["A budget lies above 0 minutes."]
    return problems
