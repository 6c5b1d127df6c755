"""Order several runs together: a batch over workers, or a matrix of models and optimizers on one dataset version."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.ownership import home_team
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Batch, DatasetVersion, LanguageModel, Run, Worker
from optimizer_app.services import audit
from optimizer_app.services.runs import run_create, run_stop

MOST_RUNS = 60


@dataclass(frozen=True)
class Order:
    """One run of a batch."""

    worker: Worker
    dataset_version: DatasetVersion
    optimizer: str
    parameters: dict[str, Any]
    language_model: LanguageModel | None = None


def batch_create(
    *, by: Actor, name: str, orders: list[Order], at_once: int, budget: Budget, seed: int, kind: Batch.Kind
) -> Batch:
    """Queue all runs or none. The budget is shared evenly; `at_once` of them run at a time."""
    by.require(Capability.OPERATE)
    fields: dict[str, list[str]] = {}
    if not name.strip():
        fields["name"] = ["A batch needs a name."]
    if not 1 <= len(orders) <= MOST_RUNS:
        fields["orders"] = [f"A batch has 1 to {MOST_RUNS} runs; this one has {len(orders)}."]
    if not 1 <= at_once <= 32:
        fields["at_once"] = ["Between 1 and 32 runs at once."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        batch = Batch.objects.create(
            name=name,
            kind=kind,
            at_once=at_once,
            budget=msgspec.to_builtins(budget),
            requested_by=by.name,
            team_id=home_team(),
        )
        problems = [text for order in orders for text in _launched(batch, order, seed, by)]
        if problems:
            raise Refused(fields={"orders": problems})
        audit.record(by, f"{kind}.create", batch, runs=len(orders), budget=batch.budget)
    return batch


def matrix_create(
    *,
    by: Actor,
    name: str,
    worker: Worker,
    dataset_version: DatasetVersion,
    models: list[LanguageModel],
    optimizers: list[str],
    at_once: int,
    budget: Budget,
    seed: int,
) -> Batch:
    """Every model with every optimizer at its defaults; each run gets the same share of the budget."""
    orders = [Order(worker, dataset_version, optimizer, {}, model) for model in models for optimizer in optimizers]
    return batch_create(
        by=by, name=name, orders=orders, at_once=at_once, budget=budget, seed=seed, kind=Batch.Kind.MATRIX
    )


def batch_stop(batch: Batch, *, by: Actor) -> int:
    """Stop every run that has not ended; returns how many were stopped."""
    by.require(Capability.OPERATE)
    stopped = 0
    for run in batch.runs.exclude(status__in=Run.ENDED):
        try:
            run_stop(run, by=by)
            stopped += 1
        except Conflict:  # it ended by itself meanwhile
            continue
    return stopped


def _launched(batch: Batch, order: Order, seed: int, by: Actor) -> list[str]:
    """Queue one run; what is wrong with it, in words."""
    try:
        with transaction.atomic():
            run_create(
                by=by,
                worker=order.worker,
                dataset_version=order.dataset_version,
                optimizer=order.optimizer,
                parameters=order.parameters,
                seed=seed,
                language_model=order.language_model,
                batch=batch,
            )
    except Refused as refused:
        model = order.language_model or order.worker.language_model
        place = f"{order.worker.name}, {order.optimizer}, {model.name}"
        return [f"{place}: {text}" for text in refused.problems]
    return []
