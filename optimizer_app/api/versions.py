"""Program versions and promotions."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import Canary, ProgramVersion
from optimizer_app.services.canaries import canary_end, canary_start
from optimizer_app.services.versions import version_promote

router = Router(tags=["versions"])


class VersionOut(Schema):
    id: int
    worker_id: int
    number: int
    fingerprint: str
    run_id: int | None
    created_by: str
    created_at: datetime


class VersionDetail(VersionOut):
    state: dict[str, Any]


class ReasonIn(Schema):
    reason: str = ""


class PromotionOut(Schema):
    id: int
    worker_id: int
    version_id: int
    previous_id: int | None
    kind: str
    promoted_by: str
    reason: str
    created_at: datetime


class CanaryIn(Schema):
    share: float = Field(0.2, description="Of the calls that it answers, 0.01 to 0.5.")
    smallest: float = Field(0.05, description="The smallest difference that matters, as a share.")
    most_calls: int = Field(20_000, description="Of both versions; then it ends undecided.")


class CanaryEndIn(Schema):
    promote: bool = False
    why: str = Field("", max_length=500)


class CanaryOut(Schema):
    id: int
    worker_id: int
    version_id: int
    against_id: int
    share: float
    smallest: float
    most_calls: int
    status: str
    why: str
    started_by: str
    ended_at: datetime | None


@router.get("/{version_id}", response=VersionDetail, operation_id="versions_read", summary="Read a version")
def versions_read(request: HttpRequest, version_id: int) -> ProgramVersion:
    caller(request).require(Capability.READ)
    return get_object_or_404(ProgramVersion, pk=version_id)


@router.post(
    "/{version_id}/promote", response={201: PromotionOut}, operation_id="versions_promote", summary="Promote a version"
)
def versions_promote(request: HttpRequest, version_id: int, body: ReasonIn) -> Status[Any]:
    version = get_object_or_404(ProgramVersion.objects.select_related("worker"), pk=version_id)
    return Status(201, version_promote(version, by=caller(request), reason=body.reason))


@router.post(
    "/{version_id}/canary", response={201: CanaryOut}, operation_id="canaries_start",
    summary="Let a version answer a part of the calls",
)  # fmt: skip
def canaries_start(request: HttpRequest, version_id: int, body: CanaryIn) -> Status[Canary]:
    """Callers stay with one version; the trial ends by itself as soon as it is decided."""
    version = get_object_or_404(ProgramVersion.objects.select_related("worker", "run"), pk=version_id)
    return Status(201, canary_start(version, by=caller(request), **body.dict()))


@router.post(
    "/{version_id}/canary/end", response=CanaryOut, operation_id="canaries_end", summary="End the trial of a version"
)
def canaries_end(request: HttpRequest, version_id: int, body: CanaryEndIn) -> Canary:
    running = Canary.objects.filter(status=Canary.Status.RUNNING).select_related("version__worker")
    canary = get_object_or_404(running, version=version_id)
    status = Canary.Status.PROMOTED if body.promote else Canary.Status.STOPPED
    canary_end(canary, by=caller(request), status=status, why=body.why)
    return canary
