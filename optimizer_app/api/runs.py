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
from optimizer_app.models import DatasetVersion, LanguageModel, Run, Worker
from optimizer_app.services.run_checks import MAX_SEED
from optimizer_app.services.runs import run_create, run_pause, run_resume, run_stop

router = Router(tags=["runs"])


class BudgetIn(Schema):
    """The most that baseline and search may use; empty is without limit."""

    calls: int | None = Field(None, ge=1)
    tokens: int | None = Field(None, ge=1)
    usd: float | None = Field(None, gt=0)
    minutes: float | None = Field(None, gt=0)


NO_BUDGET = BudgetIn(calls=None, tokens=None, usd=None, minutes=None)


class RunIn(Schema):
    worker_id: int
    dataset_version_id: int
    optimizer: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(0, ge=0, le=MAX_SEED)
    language_model_id: int | None = Field(None, description="Who answers; the worker's language model by default.")
    proposer_id: int | None = Field(None, description="Who proposes instructions; who answers by default.")
    teacher_id: int | None = Field(None, description="Who teaches and reflects; who answers by default.")
    budget: BudgetIn = NO_BUDGET


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
    quote: dict[str, Any] = Field(description="Calls by role, tokens, money and minutes as foretold at launch.")
    progress: dict[str, Any]
    batch_id: int | None
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
        language_model=_model(body.language_model_id),
        proposer=_model(body.proposer_id),
        teacher=_model(body.teacher_id),
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


@router.post("/{run_id}/pause", response={202: RunOut}, operation_id="runs_pause", summary="Pause a run")
def runs_pause(request: HttpRequest, run_id: int) -> Status[Run]:
    run = get_object_or_404(Run, pk=run_id)
    run_pause(run, by=caller(request))
    run.refresh_from_db()
    return Status(202, run)


@router.post("/{run_id}/resume", response={202: RunOut}, operation_id="runs_resume", summary="Resume a paused run")
def runs_resume(request: HttpRequest, run_id: int) -> Status[Run]:
    run = get_object_or_404(Run, pk=run_id)
    run_resume(run, by=caller(request))
    run.refresh_from_db()
    return Status(202, run)


def _model(pk: int | None) -> LanguageModel | None:
    return None if pk is None else get_object_or_404(LanguageModel, pk=pk)
