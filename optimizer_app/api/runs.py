"""Optimization runs."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.engine.gate import Budget
from optimizer_app.models import DatasetVersion, Run, Worker
from optimizer_app.services.runs import MAX_SEED, run_create, run_stop

router = Router(tags=["runs"])


class BudgetIn(Schema):
    """The most that baseline and search may use; empty is without limit."""

    calls: int | None = Field(None, ge=1)
    usd: float | None = Field(None, gt=0)
    minutes: float | None = Field(None, gt=0)


class RunIn(Schema):
    worker_id: int
    dataset_version_id: int
    optimizer: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(0, ge=0, le=MAX_SEED)
    budget: BudgetIn = BudgetIn(calls=None, usd=None, minutes=None)


class RunOut(Schema):
    id: int
    worker_id: int
    dataset_version_id: int
    optimizer: str
    parameters: dict[str, Any]
    seed: int
    status: str
    finish_reason: str
    message: str
    progress: dict[str, Any]
    winner_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunDetail(RunOut):
    comparison: dict[str, Any] | None = Field(description="Baseline against winner on the sealed test split.")

    @staticmethod
    def resolve_comparison(run: Run) -> dict[str, Any] | None:
        comparison = getattr(run, "comparison", None)
        return comparison.numbers if comparison else None


@router.get("", response=list[RunOut], operation_id="runs_list", summary="List runs")
@paginate
def runs_list(request: HttpRequest) -> QuerySet[Run]:
    caller(request).require(Capability.READ)
    return Run.objects.all()


@router.post("", response={201: RunOut}, operation_id="runs_create", summary="Launch a run")
def runs_create(request: HttpRequest, body: RunIn) -> Status[Run]:
    run = run_create(
        by=caller(request),
        worker=get_object_or_404(Worker, pk=body.worker_id),
        dataset_version=get_object_or_404(DatasetVersion, pk=body.dataset_version_id),
        optimizer=body.optimizer,
        parameters=body.parameters,
        seed=body.seed,
        budget=Budget(**body.budget.dict()),
    )
    return Status(201, run)


@router.get("/{run_id}", response=RunDetail, operation_id="runs_read", summary="Read a run")
def runs_read(request: HttpRequest, run_id: int) -> Run:
    caller(request).require(Capability.READ)
    return get_object_or_404(Run.objects.select_related("comparison"), pk=run_id)


@router.post("/{run_id}/stop", response={202: RunOut}, operation_id="runs_stop", summary="Stop a run")
def runs_stop(request: HttpRequest, run_id: int) -> Status[Run]:
    run = get_object_or_404(Run, pk=run_id)
    run_stop(run, by=caller(request))
    run.refresh_from_db()
    return Status(202, run)
