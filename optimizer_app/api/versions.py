"""Program versions and promotions."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import ProgramVersion
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
