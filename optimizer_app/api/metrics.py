"""Metrics."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import LanguageModel, Metric
from optimizer_app.services.metrics import metric_create

router = Router(tags=["metrics"])


class PartIn(Schema):
    metric: int = Field(description="The id of a metric.")
    weight: float = Field(1.0, gt=0, le=1000)
    required: bool = Field(False, description="Below 1 it makes the whole 0.")


class MetricIn(Schema):
    name: str = Field(max_length=100)
    description: str = ""
    kind: str
    field: str = Field("", description="The output to score; empty scores all and takes the mean.")
    parameters: dict[str, Any] = Field(default_factory=dict)
    judge_id: int | None = Field(None, description="The language model of an LM judge.")
    parts: list[PartIn] = Field(default_factory=list, description="The parts of a composite.")


class MetricOut(Schema):
    id: int
    name: str
    description: str
    kind: str
    field: str
    parameters: dict[str, Any]


@router.get("", response=list[MetricOut], operation_id="metrics_list", summary="List metrics")
@paginate
def metrics_list(request: HttpRequest) -> QuerySet[Metric]:
    caller(request).require(Capability.READ)
    return Metric.objects.all()


@router.post("", response={201: MetricOut}, operation_id="metrics_create", summary="Create a metric")
def metrics_create(request: HttpRequest, body: MetricIn) -> Status[Metric]:
    values = body.dict()
    judge_id = values.pop("judge_id")
    judge = get_object_or_404(LanguageModel, pk=judge_id) if judge_id else None
    return Status(201, metric_create(by=caller(request), judge=judge, **values))
