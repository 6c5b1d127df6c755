"""Datasets, examples and frozen versions."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import Dataset, DatasetVersion, Example, Split, Worker
from optimizer_app.services.dataset_versions import DEFAULT_SHARES, dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add

router = Router(tags=["datasets"])
MOST_ROWS = 10_000


class DatasetIn(Schema):
    name: str = Field(max_length=100)
    description: str = ""
    worker_id: int | None = Field(None, description="The worker whose fields it takes; empty for passages.")


class DatasetOut(Schema):
    id: int
    name: str
    description: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


class ExampleOut(Schema):
    id: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    source: str
    created_at: datetime


class ExamplesIn(Schema):
    source: str = Field("API", max_length=150)
    rows: list[dict[str, Any]] = Field(max_length=MOST_ROWS, description="Each row holds a value for every field.")


class AddedOut(Schema):
    added: int
    duplicates: int
    conflicts: int = Field(description="Added rows whose input already has another expected output.")
    error_count: int
    errors: list[tuple[int, str]] = Field(description="Row number, counted from 1, and what is wrong with it.")


class FreezeIn(Schema):
    train: float = DEFAULT_SHARES[Split.TRAIN]
    validation: float = DEFAULT_SHARES[Split.VALIDATION]
    test: float = DEFAULT_SHARES[Split.TEST]
    stratify_by: str = ""
    seed: int = Field(0, ge=0)
    at_most: int | None = None


class DatasetVersionOut(Schema):
    id: int
    dataset_id: int
    number: int
    content_hash: str
    seed: int
    stratified_by: str
    counts: dict[str, int]
    created_by: str
    created_at: datetime


@router.get("", response=list[DatasetOut], operation_id="datasets_list", summary="List datasets")
@paginate
def datasets_list(request: HttpRequest) -> QuerySet[Dataset]:
    caller(request).require(Capability.READ)
    return Dataset.objects.all()


@router.post("", response={201: DatasetOut}, operation_id="datasets_create", summary="Create a dataset")
def datasets_create(request: HttpRequest, body: DatasetIn) -> Status[Dataset]:
    worker = get_object_or_404(Worker, pk=body.worker_id) if body.worker_id is not None else None
    dataset = dataset_create(by=caller(request), name=body.name, description=body.description, worker=worker)
    return Status(201, dataset)


@router.get("/{dataset_id}", response=DatasetOut, operation_id="datasets_read", summary="Read a dataset")
def datasets_read(request: HttpRequest, dataset_id: int) -> Dataset:
    caller(request).require(Capability.READ)
    return get_object_or_404(Dataset, pk=dataset_id)


@router.get("/{dataset_id}/examples", response=list[ExampleOut], operation_id="examples_list", summary="List examples")
@paginate
def examples_list(request: HttpRequest, dataset_id: int) -> QuerySet[Example]:
    caller(request).require(Capability.READ)
    return get_object_or_404(Dataset, pk=dataset_id).examples.all()


@router.post("/{dataset_id}/examples", response={201: AddedOut}, operation_id="examples_add", summary="Add examples")
def examples_create(request: HttpRequest, dataset_id: int, body: ExamplesIn) -> Status[Any]:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    report = examples_add(dataset, enumerate(body.rows, start=1), by=caller(request), source=body.source)
    return Status(201, report)


@router.get(
    "/{dataset_id}/versions", response=list[DatasetVersionOut], operation_id="dataset_versions_list",
    summary="List frozen versions",
)  # fmt: skip
@paginate
def dataset_versions_list(request: HttpRequest, dataset_id: int) -> QuerySet[DatasetVersion]:
    caller(request).require(Capability.READ)
    return get_object_or_404(Dataset, pk=dataset_id).versions.all()


@router.post(
    "/{dataset_id}/versions", response={201: DatasetVersionOut}, operation_id="dataset_versions_create",
    summary="Freeze a version",
)  # fmt: skip
def dataset_versions_create(request: HttpRequest, dataset_id: int, body: FreezeIn) -> Status[DatasetVersion]:
    version = dataset_freeze(
        get_object_or_404(Dataset, pk=dataset_id),
        by=caller(request),
        shares={Split.TRAIN: body.train, Split.VALIDATION: body.validation, Split.TEST: body.test},
        stratify_by=body.stratify_by,
        seed=body.seed,
        at_most=body.at_most,
    )
    return Status(201, version)
