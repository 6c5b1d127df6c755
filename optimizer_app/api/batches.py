"""Batches and comparison matrices."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.api.runs import NO_BUDGET, BudgetIn
from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Batch, DatasetVersion, LanguageModel, Worker
from optimizer_app.services.batches import Order, batch_create, batch_stop
from optimizer_app.services.run_checks import MAX_SEED

router = Router(tags=["batches"])


class OrderIn(Schema):
    worker_id: int
    dataset_version_id: int
    optimizer: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    language_model_id: int | None = None


class BatchIn(Schema):
    name: str = Field(max_length=100)
    kind: Batch.Kind = Batch.Kind.BATCH
    orders: list[OrderIn]
    at_once: int = Field(1, ge=1, le=32)
    budget: BudgetIn = NO_BUDGET
    seed: int = Field(0, ge=0, le=MAX_SEED)


class BatchOut(Schema):
    id: int
    name: str
    kind: str
    at_once: int
    budget: dict[str, Any]
    run_ids: list[int]

    @staticmethod
    def resolve_run_ids(batch: Batch) -> list[int]:
        return list(batch.runs.order_by("id").values_list("pk", flat=True))


@router.get("", response=list[BatchOut], operation_id="batches_list", summary="List batches")
@paginate
def batches_list(request: HttpRequest) -> QuerySet[Batch]:
    caller(request).require(Capability.READ)
    return Batch.objects.all()


@router.post("", response={201: BatchOut}, operation_id="batches_create", summary="Order several runs")
def batches_create(request: HttpRequest, body: BatchIn) -> Status[Batch]:
    by = caller(request)
    by.require(Capability.OPERATE)
    orders = [
        Order(
            get_object_or_404(Worker.objects.select_related("language_model", "metric"), pk=order.worker_id),
            get_object_or_404(DatasetVersion, pk=order.dataset_version_id),
            order.optimizer,
            order.parameters,
            get_object_or_404(LanguageModel, pk=order.language_model_id) if order.language_model_id else None,
        )
        for order in body.orders
    ]
    batch = batch_create(
        by=by,
        name=body.name,
        orders=orders,
        at_once=body.at_once,
        budget=Budget(**body.budget.dict()),
        seed=body.seed,
        kind=body.kind,
    )
    return Status(201, batch)


@router.get("/{batch_id}", response=BatchOut, operation_id="batches_read", summary="Read a batch")
def batches_read(request: HttpRequest, batch_id: int) -> Batch:
    caller(request).require(Capability.READ)
    return get_object_or_404(Batch, pk=batch_id)


@router.post("/{batch_id}/stop", response={202: BatchOut}, operation_id="batches_stop", summary="Stop all its runs")
def batches_stop(request: HttpRequest, batch_id: int) -> Status[Batch]:
    batch = get_object_or_404(Batch, pk=batch_id)
    batch_stop(batch, by=caller(request))
    return Status(202, batch)
