"""Metrics."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import Metric
from optimizer_app.services.metrics import metric_create

router = Router(tags=["metrics"])


class MetricIn(Schema):
    name: str = Field(max_length=100)
    description: str = ""
    kind: str
    field: str = Field("", description="The output to score; empty scores all and takes the mean.")
    parameters: dict[str, Any] = Field(default_factory=dict)


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
    return Status(201, metric_create(by=caller(request), **body.dict()))
